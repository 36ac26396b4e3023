//! The bytes of one flow, as its sides sent them: in order, each once, holes told of.
//!
//! They come from the same [`Table`] and streams as every report. The flow's bytes go to a reader that takes all it is
//! offered and keeps nothing; other flows are told at once that nobody reads them. Where secrets may open what is
//! inside, sessions read the flow beside that, and what they open is put in order as the engine does for itself.
use std::io;

use super::{
    consumer::Outlet,
    inner::Opened,
    route::{Parcel, Routed},
    run::{Reader, Settings, describe_source},
    worker::Worker,
};
use crate::{
    capture::PacketSource,
    flow::{Consumer, Packet, Table},
    limits::{self, Limit},
    record::{
        Capture, Chunk, Content, Context, Direction, FlowFacts, FlowId, Input, PacketRef, Progress, Record,
        StreamLayer, Timestamp, Transport, Wanted,
    },
    wire::ChecksumStatus,
};

/// Flows named on either side of one that is not there.
const NEAR: usize = 5;

/// What shall be followed.
#[derive(Clone, Copy, Debug)]
pub struct Following {
    /// The flow.
    pub flow: FlowId,
    /// Where its bytes are taken from: what the transport carried, or what secrets open. None takes what secrets open,
    /// where they do.
    pub layer: Option<Depth>,
}

/// How deep the bytes are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Depth {
    /// What TCP or UDP carried.
    Transport,
    /// What was inside TLS.
    Inside,
}

/// What is shown of a flow.
#[derive(Debug)]
pub enum Followed<'a> {
    /// It begins: comes once, before all chunks.
    Begin {
        /// The flow.
        flow: &'a FlowFacts,
        /// Where its bytes are taken from.
        layer: StreamLayer,
        /// When its first packet passed.
        start: Timestamp,
    },
    /// Bytes, or a hole.
    Chunk(&'a Chunk),
}

/// How following went.
#[derive(Debug, Default)]
pub struct FollowOutcome {
    /// One for each file.
    pub captures: Vec<Capture>,
    /// Whether the flow was found.
    pub is_found: bool,
    /// Whether the inside was asked for, and nothing of it could be opened.
    pub stayed_closed: bool,
    /// Inside what is followed there was another TLS connection that was opened.
    pub goes_deeper: bool,
    /// When the flow was not found: those whose numbers come next to the wanted one, in order.
    pub near: Vec<FlowFacts>,
}

/// Reads `source` to its end and shows the bytes of one flow as they come. What it keeps does not grow with the flow: until
/// it is known whether secrets open it, at most [`limits::MAX_FOLLOW_HELD_BYTES`] and what one packet more brings.
///
/// # Errors
/// What the source or `show` said.
pub fn follow(
    source: Box<dyn PacketSource>,
    mut settings: Settings,
    following: Following,
    show: &mut dyn FnMut(Followed<'_>) -> io::Result<()>,
) -> io::Result<FollowOutcome> {
    let mut reader = Reader::new(source, &mut settings);
    let flow = crate::flow::Settings { wanted: Wanted::none(), ..settings.flow };
    let per_shard = flow.per_shard();
    let mut tables: Vec<Table<Outside>> = (0..limits::SHARDS).map(|_| Table::new(per_shard)).collect();
    let mut outside = Outside::new(following.flow);
    let mut stage = Stage { depth: following.layer, ..Stage::default() };
    let mut inside: Option<Worker> = None;
    let mut parcel = Parcel::default();
    while reader.next(&mut parcel)? {
        for place in 0..parcel.routed.len() {
            let Some(routed) = parcel.routed.get(place) else { continue };
            let was_found = outside.found.is_some();
            if !outside.packet(&mut tables, &parcel, place, routed) {
                continue;
            }
            if !was_found && let Some(found) = outside.found {
                stage.open(found, parcel.packet_ref(place).timestamp, parcel.secrets.has_any());
                if stage.depth != Some(Depth::Transport) {
                    let outlet = Outlet::new(flow.wanted, false, std::sync::Arc::new([]));
                    inside = Some(Worker::new(0, 1, flow, outlet.opening()));
                }
            }
            if let Some(worker) = &mut inside {
                worker.packet_flow(&parcel, place);
                stage.opened(worker.take_opened());
            }
            stage.show(&mut outside.chunks, show)?;
            if stage.depth == Some(Depth::Transport) {
                inside = None;
            }
        }
        if let Some(clock) = parcel.clock() {
            for table in &mut tables {
                table.expire(clock, |moment| parcel.reached(moment), &mut outside);
            }
        }
        if let Some(worker) = &mut inside {
            worker.pass_time(&parcel);
            worker.emitted().clear();
            stage.opened(worker.take_opened());
        }
        stage.show(&mut outside.chunks, show)?;
    }
    for table in &mut tables {
        table.finish_up_to(reader.last(), crate::record::PacketNumber::MAX, &mut outside);
    }
    if let Some(worker) = &mut inside {
        worker.finish(reader.last(), crate::record::PacketNumber::MAX);
        stage.opened(worker.take_opened());
    }
    stage.end(&mut outside.chunks, show)?;
    Ok(FollowOutcome {
        captures: describe_source(&reader),
        is_found: outside.found.is_some(),
        stayed_closed: following.layer == Some(Depth::Inside) && !stage.has_opened,
        goes_deeper: stage.goes_deeper,
        near: if outside.found.is_some() { Vec::new() } else { outside.near() },
    })
}

/// Reads the bytes of one flow, and nothing of the others.
struct Outside {
    wanted: FlowId,
    found: Option<FlowFacts>,
    /// Those that opened before where the wanted one should have, and after.
    before: std::collections::VecDeque<FlowFacts>,
    after: Vec<FlowFacts>,
    /// Where each direction goes on.
    offsets: [u64; 2],
    chunks: Vec<Chunk>,
}

impl Outside {
    fn new(wanted: FlowId) -> Self {
        Self {
            wanted,
            found: None,
            before: std::collections::VecDeque::new(),
            after: Vec::new(),
            offsets: [0; 2],
            chunks: Vec::new(),
        }
    }

    /// Takes the next packet; whether it is the flow's.
    fn packet(&mut self, tables: &mut [Table<Self>], parcel: &Parcel, place: usize, routed: &Routed) -> bool {
        let Some(table) = routed.shard.and_then(|shard| tables.get_mut(usize::from(shard))) else { return false };
        let Some(head) = parcel.batch.heads.get(place) else { return false };
        let packet = Packet {
            at: parcel.packet_ref(place),
            clock: routed.clock,
            bytes: parcel.view(routed),
            decoded: &routed.decoded,
            wire_length: head.wire_length,
            encapsulated: parcel.encapsulated(head, routed),
            // A wrong one makes no data disappear.
            checksum: ChecksumStatus::Unverified,
        };
        table.expire(routed.clock, |moment| parcel.reached(moment), self);
        let held = self.chunks.len();
        let is_its = table.packet(&packet, self).copied().unwrap_or(false);
        // What the snap length cut off a datagram.
        let cut = routed.decoded.payload_wire_length.saturating_sub(routed.decoded.payload_length);
        if is_its && cut > 0 && self.found.is_some_and(|found| found.transport != Transport::Tcp) {
            let direction = self.chunks.get(held..).and_then(<[Chunk]>::last).map(|chunk| chunk.direction);
            if let Some(direction) = direction {
                self.add(direction, packet.at, Content::Missing(cut.into()));
            }
        }
        is_its
    }

    fn add(&mut self, direction: Direction, packet: PacketRef, content: Content) {
        let Some(facts) = self.found else { return };
        let layer = match facts.transport {
            Transport::Tcp => StreamLayer::Tcp,
            Transport::Udp => StreamLayer::Udp,
            Transport::Ip(_) | Transport::Arp => StreamLayer::Ip,
        };
        let offset = &mut self.offsets[direction.index()];
        let chunk = Chunk { flow: facts.id, layer, direction, packet, offset: *offset, content };
        *offset += chunk.length();
        self.chunks.push(chunk);
    }

    fn near(&mut self) -> Vec<FlowFacts> {
        self.before.drain(..).chain(self.after.drain(..)).collect()
    }
}

impl Consumer for Outside {
    /// Whether it is the wanted one.
    type Conversation = bool;

    fn open(&mut self, flow: &FlowFacts) -> bool {
        if flow.id == self.wanted {
            self.found = Some(*flow);
            return true;
        }
        if flow.id < self.wanted {
            if self.before.len() >= NEAR {
                self.before.pop_front();
            }
            self.before.push_back(*flow);
        } else if self.after.len() < NEAR {
            self.after.push(*flow);
        }
        false
    }

    fn input(&mut self, is_its: &mut bool, input: Input<'_>, context: &Context<'_>) -> Progress {
        if !*is_its {
            return Progress::Done;
        }
        match input {
            Input::Stream { direction, bytes } => {
                for (packet, bytes) in pieces(bytes, context) {
                    self.add(direction, packet, Content::Bytes(bytes.to_vec()));
                }
                Progress::Consumed(bytes.len())
            }
            Input::Datagram { direction, bytes } => {
                self.add(direction, context.packet, Content::Bytes(bytes.to_vec()));
                Progress::Consumed(bytes.len())
            }
            Input::Gap { direction, length } => {
                self.add(direction, context.packet, Content::Missing(length));
                Progress::Consumed(0)
            }
            Input::Skipped { .. } | Input::End { .. } | Input::Close => Progress::Consumed(0),
        }
    }

    fn take_reoffer(&mut self, _: &mut bool) -> bool {
        false
    }

    fn application(&self, _: &bool) -> Option<&'static str> {
        None
    }

    fn emit(&mut self, _: u64, _: FlowId, _: Record) {}

    fn limit(&mut self, _: &'static Limit, _: PacketRef) {}
}

/// Offered bytes by the packets that brought them.
pub(super) fn pieces<'b>(bytes: &'b [u8], context: &Context<'_>) -> Vec<(PacketRef, &'b [u8])> {
    let mut pieces = Vec::with_capacity(context.origins.len().max(1));
    let mut rest = bytes;
    for (place, origin) in context.origins.iter().enumerate() {
        let end = context.origins.get(place + 1).map_or(bytes.len(), |next| next.offset);
        let start = bytes.len() - rest.len();
        let (piece, more) = rest.split_at(end.saturating_sub(start).min(rest.len()));
        rest = more;
        if !piece.is_empty() {
            pieces.push((origin.packet, piece));
        }
    }
    if !rest.is_empty() {
        pieces.push((context.packet, rest));
    }
    pieces
}

/// Decides what is shown, and shows it.
#[derive(Default)]
struct Stage {
    facts: Option<FlowFacts>,
    start: Timestamp,
    /// None as long as it is not known whether secrets open the flow.
    depth: Option<Depth>,
    has_begun: bool,
    /// What the transport carried, until that is known.
    held: Vec<Chunk>,
    held_bytes: usize,
    /// What was opened and not shown yet.
    inside: Vec<Chunk>,
    has_opened: bool,
    goes_deeper: bool,
    offsets: [u64; 2],
}

impl Stage {
    /// The flow begins. Without secrets there is nothing to decide.
    fn open(&mut self, facts: FlowFacts, start: Timestamp, has_secrets: bool) {
        self.facts = Some(facts);
        self.start = start;
        if self.depth.is_none() && (!has_secrets || facts.transport != Transport::Tcp) {
            self.depth = Some(Depth::Transport);
        }
    }

    /// Takes what secrets opened.
    fn opened(&mut self, opened: Vec<Opened>) {
        let Some(facts) = self.facts else { return };
        for Opened { is_deeper, direction, packet, content } in opened {
            if is_deeper {
                self.goes_deeper = true;
                continue;
            }
            let offset = &mut self.offsets[direction.index()];
            let chunk = Chunk { flow: facts.id, layer: StreamLayer::Tls, direction, packet, offset: *offset, content };
            *offset += chunk.length();
            self.has_opened = true;
            self.inside.push(chunk);
        }
    }

    fn show(
        &mut self,
        chunks: &mut Vec<Chunk>,
        show: &mut dyn FnMut(Followed<'_>) -> io::Result<()>,
    ) -> io::Result<()> {
        if self.depth.is_none() {
            let came: usize = chunks.iter().map(|chunk| usize::try_from(chunk.length()).unwrap_or(0)).sum();
            self.held_bytes = self.held_bytes.saturating_add(came);
            self.held.append(chunks);
            if self.has_opened {
                self.depth = Some(Depth::Inside);
                self.held = Vec::new();
            } else if self.held_bytes > limits::MAX_FOLLOW_HELD_BYTES || self.held.len() > limits::MAX_FOLLOW_HELD {
                self.depth = Some(Depth::Transport);
            } else {
                return Ok(());
            }
        }
        let inside = std::mem::take(&mut self.inside);
        let outside = std::mem::take(&mut self.held);
        match self.depth {
            Some(Depth::Inside) => {
                chunks.clear();
                self.write(&inside, show)
            }
            _ => {
                self.write(&outside, show)?;
                let written = self.write(chunks, show);
                chunks.clear();
                written
            }
        }
    }

    fn write(&mut self, chunks: &[Chunk], show: &mut dyn FnMut(Followed<'_>) -> io::Result<()>) -> io::Result<()> {
        if !chunks.is_empty() {
            self.begin(show)?;
        }
        chunks.iter().try_for_each(|chunk| show(Followed::Chunk(chunk)))
    }

    fn begin(&mut self, show: &mut dyn FnMut(Followed<'_>) -> io::Result<()>) -> io::Result<()> {
        let Some(facts) = self.facts.filter(|_| !self.has_begun) else { return Ok(()) };
        self.has_begun = true;
        let layer = match (self.depth, facts.transport) {
            (Some(Depth::Inside), _) => StreamLayer::Tls,
            (_, Transport::Tcp) => StreamLayer::Tcp,
            (_, Transport::Udp) => StreamLayer::Udp,
            (_, Transport::Ip(_) | Transport::Arp) => StreamLayer::Ip,
        };
        show(Followed::Begin { flow: &facts, layer, start: self.start })
    }

    /// Nothing more will come.
    fn end(&mut self, chunks: &mut Vec<Chunk>, show: &mut dyn FnMut(Followed<'_>) -> io::Result<()>) -> io::Result<()> {
        if self.depth.is_none() {
            self.depth = Some(if self.has_opened { Depth::Inside } else { Depth::Transport });
        }
        self.show(chunks, show)?;
        // A flow that carried nothing is shown to be empty; one that stayed closed is not shown.
        if self.depth == Some(Depth::Inside) && !self.has_opened { Ok(()) } else { self.begin(show) }
    }
}
