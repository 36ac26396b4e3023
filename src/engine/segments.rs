//! The segments of one TCP connection, in file order, each with what the protocols above say it completes.
use std::{collections::VecDeque, io, sync::Arc};

use super::{
    consumer::Outlet,
    route::{Parcel, Routed},
    run::{Reader, Settings},
    worker::Worker,
};
use crate::{
    capture::PacketSource,
    limits,
    record::{
        Connection, ConnectionSide, Direction, Endpoint, FlowId, FlowKey, Mark, PacketNumber, Segment, Transport,
    },
    wire::{TcpHeader, TcpOption, TransportHeader},
};

/// Reads `source` again and shows the segments of `connection`, which an earlier run reported.
///
/// What is peculiar about a segment is what the flow itself says of it: its counters before and after the packet differ.
/// Whether a segment was lost shows only later, so segments are held back until they are acknowledged.
///
/// # Errors
/// What the source or `show` said.
pub fn segments(
    source: Box<dyn PacketSource>,
    mut settings: Settings,
    connection: &Connection,
    show: &mut dyn FnMut(Segment) -> io::Result<()>,
) -> io::Result<()> {
    let mut reader = Reader::new(source, &mut settings);
    let outlet = Outlet::new(settings.flow.wanted, true, Arc::new([]));
    let mut worker = Worker::new(0, 1, settings.flow, outlet);
    let mut parcel = Parcel::default();
    let mut chosen = Chosen::new(connection);
    let mut ahead = Ahead::default();
    while reader.next(&mut parcel)? {
        for place in 0..parcel.routed.len() {
            let routed = &parcel.routed[place];
            if !chosen.concerns(&parcel, routed) {
                continue;
            }
            // Sessions see every packet of the connection, so that what they say is what the report said.
            let notes = worker.packet_notes(&parcel, place);
            let Some((mut segment, mut span)) = chosen.segment(&parcel, place, routed) else { continue };
            segment.notes = notes.into_iter().map(|noted| noted.note.info).collect();
            chosen.judge(&mut segment, &mut span, worker.connection(routed, &chosen.key));
            ahead.push(segment, &span);
            ahead.release(limits::MAX_SEGMENTS_HELD, show)?;
        }
        worker.pass_time(&parcel);
        worker.emitted().clear();
    }
    ahead.release(0, show)
}

/// The flow that a packet belongs to: its addresses, ports and transport. None for a packet without ports, or if there is
/// no such packet.
///
/// # Errors
/// What the source said.
pub fn flow_key(
    source: Box<dyn PacketSource>,
    mut settings: Settings,
    number: PacketNumber,
) -> io::Result<Option<FlowKey>> {
    let mut reader = Reader::new(source, &mut settings);
    let mut parcel = Parcel::default();
    while reader.next(&mut parcel)? {
        for (place, routed) in parcel.routed.iter().enumerate() {
            if parcel.packet_ref(place).number == number {
                return Ok(routed.decoded.flow_key(parcel.view(routed)));
            }
        }
    }
    Ok(None)
}

/// Recognises the connection's packets, and counts its numbers from where each side began.
struct Chosen {
    key: FlowKey,
    id: Option<FlowId>,
    client: Endpoint,
    first: PacketNumber,
    last: PacketNumber,
    sides: [Side; 2],
    /// What the flow had counted before the packet.
    counted: [Counted; 2],
}

#[derive(Clone, Copy, Default)]
struct Side {
    start: Option<u32>,
    /// One past the highest relative sequence number sent.
    sent: u32,
    /// Whether the last window announced was zero.
    is_closed: bool,
    /// It sent a SYN without ACK, and no SYN-ACK since.
    asked: bool,
}

/// What a segment occupies and acknowledges selectively, in relative numbers.
struct Span {
    start: u32,
    end: u32,
    /// All of it had been sent before.
    is_repeated: bool,
    has_zero_window: bool,
    /// An empty segment one before the next number: it asks for an answer.
    is_probe: bool,
    /// A SYN-ACK of a side that had sent a SYN: in a simultaneous open the SYN stands in it once more (RFC 9293 3.5).
    crosses: bool,
    /// It shows that what the peer had sent again had arrived.
    shows_needless: bool,
    selectively: Vec<(u32, u32)>,
}

/// The counters of one side that a single segment moves.
#[derive(Clone, Copy, Default)]
pub(super) struct Counted {
    pub(super) retransmissions: u64,
    pub(super) fast: u64,
    pub(super) timeout: u64,
    pub(super) tail_loss: u64,
    pub(super) spurious: u64,
    pub(super) out_of_order: u64,
    pub(super) duplicate_acks: u64,
    pub(super) window_full: u64,
    pub(super) keep_alives: u64,
    pub(super) window_probes: u64,
    pub(super) gap_bytes: u64,
}

impl Counted {
    pub(super) fn of(side: &ConnectionSide) -> Self {
        Self {
            retransmissions: side.retransmissions,
            fast: side.fast_retransmissions,
            timeout: side.timeout_retransmissions,
            tail_loss: side.tail_loss_probes,
            spurious: side.spurious_retransmissions,
            out_of_order: side.out_of_order,
            duplicate_acks: side.duplicate_acks,
            window_full: side.window_full,
            keep_alives: side.keep_alives,
            window_probes: side.zero_window_probes,
            gap_bytes: side.gap_bytes,
        }
    }
}

/// `one` lies behind `other`, numbers wrapping.
fn is_behind(one: u32, other: u32) -> bool {
    (one.wrapping_sub(other) as i32) > 0
}

impl Chosen {
    fn new(connection: &Connection) -> Self {
        let client = Endpoint { address: connection.client.address, port: connection.client.port };
        let server = Endpoint { address: connection.server.address, port: connection.server.port };
        let evidence = connection.subject.evidence.numbers();
        Self {
            key: FlowKey::new(Transport::Tcp, client, server),
            id: connection.subject.flow,
            client,
            first: connection.subject.flow.unwrap_or_default().opener,
            last: evidence.last().copied().unwrap_or_default(),
            sides: [Side::default(); 2],
            counted: Default::default(),
        }
    }

    /// Whether the packet may move the connection: its own ones, and ICMP errors.
    fn concerns(&self, parcel: &Parcel, routed: &Routed) -> bool {
        let transport = routed.decoded.transport;
        matches!(transport, TransportHeader::Icmp | TransportHeader::Icmpv6)
            || (transport == TransportHeader::Tcp && routed.decoded.flow_key(parcel.view(routed)) == Some(self.key))
    }

    fn segment(&mut self, parcel: &Parcel, place: usize, routed: &Routed) -> Option<(Segment, Span)> {
        let packet = parcel.packet_ref(place);
        let view = parcel.view(routed);
        if packet.number < self.first || packet.number > self.last || routed.decoded.flow_key(view)? != self.key {
            return None;
        }
        let header = routed.decoded.tcp_header(view)?;
        let (source, _) = routed.decoded.endpoints(view)?;
        let direction = if source == self.client { Direction::ClientToServer } else { Direction::ServerToClient };
        let payload_length = routed.decoded.payload_wire_length;
        let mut span = self.span(direction, &header, payload_length);
        // Joined late, what is acknowledged first is called 1 too.
        let theirs = &mut self.sides[direction.reverse().index()];
        if header.flags.ack() && theirs.start.is_none() {
            theirs.start = Some(header.acknowledgment_number.wrapping_sub(1));
        }
        let their_start = theirs.start;
        let relative = |number: u32| their_start.map_or(number, |start| number.wrapping_sub(start));
        for option in routed.decoded.tcp_options(view) {
            if let TcpOption::Sack(blocks) = option {
                span.selectively.extend(blocks.map(|(from, to)| (relative(from), relative(to))));
            }
        }
        let options = if header.flags.syn() { options(routed.decoded.tcp_options(view)) } else { Vec::new() };
        let segment = Segment {
            packet,
            direction,
            flags: flags(&header),
            is_control: header.flags.syn() || header.flags.fin() || header.flags.rst(),
            sequence_number: span.start,
            acknowledgment_number: header.flags.ack().then(|| relative(header.acknowledgment_number)),
            payload_length,
            marks: Vec::new(),
            is_lost: false,
            not_captured: [0; 2],
            options,
            notes: Vec::new(),
        };
        Some((segment, span))
    }

    /// The relative numbers, and whether all that the segment occupies had been sent before.
    fn span(&mut self, direction: Direction, header: &TcpHeader, payload_length: u32) -> Span {
        let side = &mut self.sides[direction.index()];
        // Joined late, the first byte seen is called 1, as if a SYN had stood before it.
        let assumed = if header.flags.syn() { header.sequence_number } else { header.sequence_number.wrapping_sub(1) };
        let start = header.sequence_number.wrapping_sub(*side.start.get_or_insert(assumed));
        let length = payload_length + u32::from(header.flags.syn()) + u32::from(header.flags.fin());
        let end = start.wrapping_add(length);
        let is_repeated = length > 0 && side.sent > 0 && !is_behind(end, side.sent);
        if is_behind(end, side.sent) {
            side.sent = end;
        }
        let crosses = header.flags.syn() && header.flags.ack() && side.asked;
        if header.flags.syn() {
            side.asked = !header.flags.ack();
        }
        let is_bare = length == 0 && !header.flags.rst();
        let is_probe = is_bare && side.sent > 1 && start.wrapping_add(1) == side.sent;
        let has_zero_window = header.window == 0 && !header.flags.syn() && !header.flags.fin() && !header.flags.rst();
        Span {
            start,
            end,
            is_repeated,
            has_zero_window,
            is_probe,
            crosses,
            shows_needless: false,
            selectively: Vec::new(),
        }
    }

    /// Marks the segment with what the flow, now `known`, thought of it.
    fn judge(&mut self, segment: &mut Segment, span: &mut Span, known: Option<Connection>) {
        let (own, peer) = (segment.direction.index(), segment.direction.reverse().index());
        let was_closed = std::mem::replace(&mut self.sides[own].is_closed, span.has_zero_window);
        let marks = &mut segment.marks;
        if span.has_zero_window {
            marks.push(Mark::ZeroWindow);
        } else if was_closed && !segment.flags.contains("RST") {
            marks.push(Mark::WindowOpens);
        }
        let is_closed = self.sides[peer].is_closed;
        let Some(known) = known.filter(|known| known.subject.flow == self.id) else { return };
        let before = self.counted;
        self.counted = [Counted::of(&known.client), Counted::of(&known.server)];
        let (was, is) = (before[own], self.counted[own]);
        let more = |read: fn(&Counted) -> u64| read(&is) > read(&was);
        span.shows_needless = self.counted[peer].spurious > before[peer].spurious;
        let is_needless = more(|counted| counted.spurious);
        if more(|counted| counted.fast) {
            marks.push(Mark::FastRetransmission);
        } else if more(|counted| counted.timeout) {
            marks.push(Mark::TimeoutRetransmission);
        } else if more(|counted| counted.tail_loss) {
            marks.push(Mark::TailLossProbe);
        } else if more(|counted| counted.retransmissions) {
            marks.push(Mark::Retransmission);
        } else if more(|counted| counted.out_of_order) {
            marks.push(Mark::OutOfOrder);
        } else if more(|counted| counted.keep_alives) {
            marks.push(Mark::KeepAlive);
        } else if more(|counted| counted.window_probes) {
            marks.push(Mark::WindowProbe);
        } else if span.is_probe {
            marks.push(if is_closed { Mark::WindowProbe } else { Mark::KeepAlive });
        } else if span.is_repeated && !span.crosses && !is_needless {
            marks.push(if segment.payload_length <= 1 && is_closed { Mark::WindowProbe } else { Mark::Copy });
        }
        if is_needless {
            marks.push(Mark::SpuriousRetransmission);
        }
        if more(|counted| counted.duplicate_acks) {
            marks.push(Mark::DuplicateAck);
        }
        if more(|counted| counted.window_full) {
            marks.push(Mark::WindowFull);
        }
        for (missing, (was, is)) in segment.not_captured.iter_mut().zip(before.iter().zip(&self.counted)) {
            *missing = is.gap_bytes.saturating_sub(was.gap_bytes);
        }
    }
}

/// Segments within which a report comes that what seemed lost had arrived.
const REPORTED_WITHIN: usize = 64;

/// Segments held back until it is known what became of them.
#[derive(Default)]
struct Ahead {
    held: VecDeque<Held>,
    /// How many were let go.
    gone: u64,
    /// By direction: those not acknowledged yet, counted from the first segment of all.
    open: [VecDeque<u64>; 2],
    acknowledged: [Option<u32>; 2],
}

struct Held {
    segment: Segment,
    start: u32,
    end: u32,
    is_settled: bool,
}

impl Ahead {
    fn held(&mut self, place: u64) -> Option<&mut Held> {
        self.held.get_mut(usize::try_from(place.checked_sub(self.gone)?).ok()?)
    }

    fn push(&mut self, segment: Segment, span: &Span) {
        let way = segment.direction.index();
        if let Some(ack) = segment.acknowledgment_number
            && !segment.flags.contains("RST")
        {
            let theirs = segment.direction.reverse();
            if span.shows_needless {
                // The first block reports what came twice, when it lies below the acknowledgment number (RFC 2883 4).
                let twice = span.selectively.first().filter(|(_, to)| !is_behind(*to, ack)).copied();
                self.find(theirs, twice);
            }
            self.acknowledge(theirs.index(), ack, &span.selectively);
        }
        let has = |mark| segment.marks.contains(&mark);
        // A needless one repeats what had arrived.
        if segment.marks.iter().any(|mark| mark.is_again()) && !has(Mark::SpuriousRetransmission) {
            self.lose(way, span);
        }
        let occupies = span.end != span.start
            && !segment.marks.iter().any(|mark| matches!(mark, Mark::Copy | Mark::KeepAlive | Mark::WindowProbe));
        if occupies {
            self.open[way].push_back(self.gone + self.held.len() as u64);
        }
        self.held.push_back(Held { segment, start: span.start, end: span.end, is_settled: !occupies });
    }

    fn acknowledge(&mut self, way: usize, ack: u32, selectively: &[(u32, u32)]) {
        if self.acknowledged[way].is_none_or(|highest| is_behind(ack, highest)) {
            self.acknowledged[way] = Some(ack);
        }
        let highest = self.acknowledged[way].unwrap_or(ack);
        while let Some(place) = self.open[way].front().copied() {
            match self.held(place) {
                Some(held) if is_behind(held.end, highest) && !held.is_settled => break,
                Some(held) => held.is_settled = true,
                None => {}
            }
            self.open[way].pop_front();
        }
        for (from, to) in selectively {
            // Sent in order, but for what was sent again; that is looked for no further.
            let held = |place: &u64| self.held.get(usize::try_from(place.checked_sub(self.gone)?).ok()?);
            let first =
                self.open[way].partition_point(|place| held(place).is_none_or(|held| is_behind(*from, held.start)));
            for index in first..self.open[way].len() {
                let place = self.open[way][index];
                match self.held(place) {
                    Some(held) if is_behind(held.end, *to) => break,
                    Some(held) => held.is_settled = true,
                    None => {}
                }
            }
        }
    }

    /// What `span` sends again was lost, as far as it was not acknowledged.
    fn lose(&mut self, way: usize, span: &Span) {
        let acknowledged = self.acknowledged[way];
        for index in 0..self.open[way].len() {
            let place = self.open[way][index];
            if let Some(held) = self.held(place)
                && !held.is_settled
                && is_behind(span.end, held.start)
                && is_behind(held.end, span.start)
                && acknowledged.is_none_or(|highest| is_behind(held.end, highest))
            {
                held.segment.is_lost = true;
            }
        }
    }

    /// What was taken for lost had arrived, and was sent again needlessly: in the range `twice`, or, when nothing tells
    /// the range, the last of all.
    fn find(&mut self, way: Direction, twice: Option<(u32, u32)>) {
        let overlaps = |start, end, (from, to): (u32, u32)| is_behind(end, from) && is_behind(to, start);
        let theirs = self.held.iter_mut().rev().filter(|held| held.segment.direction == way);
        let mut twice = twice;
        for held in theirs {
            let marks = &mut held.segment.marks;
            let is_again = marks.iter().any(|mark| mark.is_again());
            if twice.is_none() && is_again {
                twice = Some((held.start, held.end));
            }
            if !twice.is_some_and(|range| overlaps(held.start, held.end, range)) {
                continue;
            }
            if is_again && !marks.contains(&Mark::SpuriousRetransmission) {
                marks.push(Mark::SpuriousRetransmission);
            }
            if std::mem::take(&mut held.segment.is_lost) {
                return;
            }
        }
    }

    /// Lets go what is settled, and what is held beyond `most`. What seems lost waits a while: reports that it was not come
    /// late.
    fn release(&mut self, most: usize, show: &mut dyn FnMut(Segment) -> io::Result<()>) -> io::Result<()> {
        let is_ready =
            |held: &Held, after: usize| held.is_settled && (!held.segment.is_lost || after > REPORTED_WITHIN);
        while self.held.len() > most || self.held.front().is_some_and(|held| is_ready(held, self.held.len())) {
            let Some(held) = self.held.pop_front() else { break };
            self.gone += 1;
            show(held.segment)?;
        }
        Ok(())
    }
}

fn flags(header: &TcpHeader) -> String {
    let all = [
        (header.flags.syn(), "SYN"),
        (header.flags.fin(), "FIN"),
        (header.flags.rst(), "RST"),
        (header.flags.psh(), "PSH"),
        (header.flags.urg(), "URG"),
        (header.flags.ack(), "ACK"),
        (header.flags.ece(), "ECE"),
        (header.flags.cwr(), "CWR"),
        (header.flags.ae(), "AE"),
    ];
    all.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
}

fn options<'a>(options: impl Iterator<Item = TcpOption<'a>>) -> Vec<String> {
    options
        .filter_map(|option| match option {
            TcpOption::MaximumSegmentSize(size) => Some(format!("mss {size}")),
            TcpOption::WindowScale(shift) => Some(format!("wscale {shift}")),
            TcpOption::SackPermitted => Some("sack".to_owned()),
            TcpOption::Timestamps { .. } => Some("ts".to_owned()),
            TcpOption::FastOpen(_) => Some("fast open".to_owned()),
            TcpOption::Mptcp(_) => Some("mptcp".to_owned()),
            _ => None,
        })
        .collect()
}
