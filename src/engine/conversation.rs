//! What the engine keeps for each flow: the search for its protocol, the session that reads it, and the flows inside.
use super::{consumer::Outlet, hierarchy::Hierarchy, inner::Inner, place::Noted};
use crate::{
    app::{Carrier, Probe, Protocol, Said, Session, Verdict, registry},
    limits,
    record::{Context, Direction, FlowId, Input, Notice, Progress, Underway, Unreachable},
};

/// The protocol side of one flow.
pub struct Conversation {
    carrier: Carrier,
    reader: Reader,
    application: Option<&'static str>,
    reoffer: bool,
    inner: Option<Box<Inner>>,
    /// Packets with payload, until it is known whose they are.
    uncounted: Uncounted,
    /// Where its packets were counted last.
    counted: u32,
    /// What they were counted as.
    counted_as: Option<&'static str>,
    /// The protocol that handed the flow over in the packet that is not counted yet.
    handed_over_by: Option<&'static str>,
    /// Whose it is.
    flow: FlowId,
    /// Its bytes were taken out of another protocol.
    is_inner: bool,
}

enum Reader {
    /// The protocol is not known yet.
    Searching(Search),
    /// A session reads.
    Session(Box<dyn Session>),
    /// Nobody wants the rest.
    Nobody,
}

#[derive(Clone, Copy, Default)]
struct Search {
    /// Offers that nobody could use, per direction.
    refused: [u16; 2],
    /// The next bytes begin a protocol, though not the stream: another protocol handed over before them.
    fresh: [bool; 2],
    /// Some bytes were offered from their beginning on.
    seen_start: bool,
}

/// Packets with payload that belong to a protocol not found yet, all at one node of the hierarchy.
#[derive(Clone, Copy, Default)]
struct Uncounted {
    node: u16,
    packets: u32,
    bytes: u64,
}

impl Conversation {
    /// Of a flow over `carrier`, inside another one unless it is said whose it is.
    pub fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            reader: Reader::Searching(Search::default()),
            application: None,
            reoffer: false,
            inner: None,
            uncounted: Uncounted::default(),
            counted: 0,
            counted_as: None,
            handed_over_by: None,
            flow: FlowId::default(),
            is_inner: true,
        }
    }

    /// The same, of the flow `flow`.
    #[must_use]
    pub fn of(self, flow: FlowId) -> Self {
        Self { flow, is_inner: false, ..self }
    }

    /// Bytes that its session takes, as far as they are counted.
    pub fn bytes(&self) -> u64 {
        match &self.reader {
            // What it has on the heap is guessed: sessions that keep much are large themselves.
            Reader::Session(session) => 2 * std::mem::size_of_val(session.as_ref()) as u64 + limits::BYTES_PER_SESSION,
            Reader::Searching(_) | Reader::Nobody => 0,
        }
    }

    /// Whose it is.
    pub fn flow(&self) -> FlowId {
        self.flow
    }

    /// The most precise name of what the flow carries.
    pub fn application(&self) -> Option<&'static str> {
        self.application
    }

    /// What it is in the middle of, or what is in it.
    pub fn underway(&self) -> Option<Underway> {
        let own = match &self.reader {
            Reader::Session(session) => session.underway(),
            Reader::Searching(_) | Reader::Nobody => None,
        };
        own.or_else(|| self.inner.as_ref()?.underway())
    }

    /// Whether the other direction's unconsumed bytes shall be offered now.
    pub fn take_reoffer(&mut self) -> bool {
        std::mem::take(&mut self.reoffer)
    }

    /// Counts a packet with payload towards its protocol.
    pub fn count(&mut self, node: u16, bytes: u32, outlet: &mut Outlet) {
        if node == Hierarchy::NOWHERE {
            return;
        }
        // The packet in which one protocol ends and says what follows is its own, not what follows.
        match self.handed_over_by.take().or(self.application) {
            Some(application) => {
                self.counted_as = Some(application);
                if self.uncounted.packets > 0 {
                    let before = std::mem::take(&mut self.uncounted);
                    outlet.count(before.node, application, u64::from(before.packets), before.bytes, &mut self.counted);
                }
                outlet.count(node, application, 1, u64::from(bytes), &mut self.counted);
            }
            None => {
                self.uncounted.node = node;
                self.uncounted.packets = self.uncounted.packets.saturating_add(1);
                self.uncounted.bytes += u64::from(bytes);
            }
        }
    }

    /// Takes what the flow offers.
    pub fn input(&mut self, input: Input<'_>, context: &Context<'_>, outlet: &mut Outlet) -> Progress {
        if let Reader::Searching(search) = &mut self.reader {
            let found = match input {
                Input::Stream { direction, bytes } => {
                    let from_start = context.from_start || search.fresh[direction.index()];
                    match search.probe(self.carrier, direction, bytes, from_start, context) {
                        Found::Protocol(protocol) => protocol,
                        Found::Wait => return Progress::Consumed(0),
                        Found::NotHere => return Progress::Consumed(bytes.len()),
                        Found::Nobody => {
                            self.reader = Reader::Nobody;
                            return Progress::Done;
                        }
                    }
                }
                Input::Datagram { direction, bytes } => {
                    match search.probe(self.carrier, direction, bytes, true, context) {
                        Found::Protocol(protocol) => protocol,
                        Found::Wait | Found::NotHere => return Progress::Consumed(bytes.len()),
                        Found::Nobody => {
                            self.reader = Reader::Nobody;
                            return Progress::Done;
                        }
                    }
                }
                Input::Gap { direction, .. } => {
                    search.fresh[direction.index()] = false;
                    return Progress::Consumed(0);
                }
                Input::Skipped { .. } | Input::End { .. } | Input::Close => return Progress::Consumed(0),
            };
            self.application = Some(found.name);
            self.reader = Reader::Session((found.session)(self.carrier));
            self.reoffer = true;
        }
        let Reader::Session(session) = &mut self.reader else { return Progress::Done };
        let progress = outlet.ask(session.as_mut(), input, context);
        let expected = if outlet.has_said() { self.settle(Some(input), context, outlet) } else { None };
        match input {
            Input::End { direction, cause } => {
                if let Some(inner) = &mut self.inner {
                    inner.end(direction, cause, context, outlet);
                }
            }
            Input::Close => {
                if let Some(mut inner) = self.inner.take() {
                    inner.close(context, outlet);
                }
            }
            _ => {}
        }
        match progress {
            Progress::Done => self.reader = Reader::Nobody,
            Progress::HandOver(own) => {
                self.handed_over_by = self.counted_as.filter(|_| own > 0);
                let expected = registry::PROTOCOLS.iter().find(|protocol| Some(protocol.name) == expected);
                self.reader = match expected {
                    Some(protocol) => {
                        self.application = Some(protocol.name);
                        Reader::Session((protocol.session)(self.carrier))
                    }
                    None => Reader::Searching(Search { fresh: [true; 2], ..Search::default() }),
                };
                self.reoffer = true;
            }
            Progress::Consumed(_) | Progress::Need { .. } | Progress::Skip(_) => {}
        }
        progress
    }

    /// A datagram could not be delivered.
    pub fn unreachable(&mut self, notice: &Unreachable<'_>, context: &Context<'_>, outlet: &mut Outlet) {
        if let Reader::Session(session) = &mut self.reader {
            outlet.tell(session.as_mut(), notice, context);
            if outlet.has_said() {
                self.settle(None, context, outlet);
            }
        }
    }

    /// What happened around the stream that is read here.
    pub fn notice(&mut self, notice: &Notice, context: &Context<'_>, outlet: &mut Outlet) {
        if let Reader::Session(session) = &mut self.reader {
            outlet.pass_on(session.as_mut(), notice, context);
            if outlet.has_said() {
                self.settle(None, context, outlet);
            }
        }
    }

    /// Does what the session said, of `input` where it said it of that; answers what it expects behind a hand-over.
    fn settle(&mut self, input: Option<Input<'_>>, context: &Context<'_>, outlet: &mut Outlet) -> Option<&'static str> {
        let mut expected = None;
        for said in outlet.take_said() {
            match said {
                Said::Record(record) => outlet.emit(context.packet.index, context.flow.id, record),
                Said::Content(content) => outlet.content(context.packet.index, content),
                Said::Application(name) => self.application = Some(name),
                Said::Probe(fact) => outlet.step(context.packet.index, fact),
                Said::Expect(name) => expected = Some(name),
                Said::Note(note) => outlet.note(Noted::new(note, input, context, self.carrier, self.is_inner)),
                Said::Part(part) => outlet.part(context.packet.index, part),
                Said::LinkFact(fact) => outlet.link_fact(context.packet.index, context.flow.id, fact),
                Said::Limit(limit) => outlet.limit(limit, context.packet),
                Said::Inner { channel, carrier, direction, offset, bytes, packet } => {
                    let inner = self.inner.get_or_insert_default();
                    let packet = packet.unwrap_or(context.packet);
                    if let Some(tap) = outlet.tap().filter(|_| carrier == Carrier::Tls) {
                        tap.insert(self.carrier == Carrier::Tls, direction, offset, (&bytes, packet), context);
                    }
                    inner.insert(channel, carrier, direction, offset, (&bytes, packet), context, outlet);
                }
                Said::InnerNotice { channel, notice } => {
                    if let Some(inner) = &mut self.inner {
                        inner.notice(channel, &notice, context, outlet);
                    }
                }
                Said::InnerLost { channel, direction, offset } => {
                    if let Some(tap) = outlet.tap() {
                        tap.give_up_before(self.carrier == Carrier::Tls, direction, offset, context);
                    }
                    if let Some(inner) = &mut self.inner {
                        inner.give_up_before(channel, direction, offset, context, outlet);
                    }
                }
            }
        }
        expected
    }
}

enum Found {
    Protocol(&'static Protocol),
    /// More bytes may tell.
    Wait,
    /// These bytes do not tell; later ones may.
    NotHere,
    /// It is none that we know.
    Nobody,
}

impl Search {
    /// Offers that nobody could use in one direction before the flow is given up.
    const MOST_REFUSALS: u16 = 16;
    /// The same where the beginning was not seen: what is under way may be long, and the next message may tell.
    const MOST_REFUSALS_LATE: u16 = 512;

    fn probe(
        &mut self,
        carrier: Carrier,
        direction: Direction,
        bytes: &[u8],
        from_start: bool,
        context: &Context<'_>,
    ) -> Found {
        self.seen_start |= from_start;
        let shown = bytes.get(..limits::MAX_PROBE_BYTES).unwrap_or(bytes);
        let probe = Probe { carrier, direction, bytes: shown, from_start, flow: context.flow };
        let mut likely = None;
        let mut maybe = false;
        let protocols = match carrier {
            Carrier::Ip(_) | Carrier::Arp => registry::WITHOUT_PORTS,
            Carrier::Tcp | Carrier::Udp | Carrier::QuicCrypto | Carrier::Tls | Carrier::Sctp => registry::PROTOCOLS,
        };
        for protocol in protocols {
            match (protocol.probe)(&probe) {
                Verdict::Certain => return Found::Protocol(protocol),
                Verdict::Likely => likely = likely.or(Some(*protocol)),
                Verdict::Maybe => maybe = true,
                Verdict::No => {}
            }
        }
        if let Some(protocol) = likely {
            return Found::Protocol(protocol);
        }
        if maybe && bytes.len() < limits::MAX_PROBE_BYTES {
            return Found::Wait;
        }
        self.fresh[direction.index()] = false;
        let refused = &mut self.refused[direction.index()];
        *refused = refused.saturating_add(1);
        // The other direction may tell what this one does not. Once one direction has refused often enough, the
        // other has had its chance too: answers follow questions.
        let most = if self.seen_start { Self::MOST_REFUSALS } else { Self::MOST_REFUSALS_LATE };
        if *refused >= most { Found::Nobody } else { Found::NotHere }
    }
}
