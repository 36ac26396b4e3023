//! Sessions driven by a script: what a flow would offer, and checks of what they answer.
use super::runs::everything;
use crate::{
    app::{Carrier, Said, Session, Sink, registry},
    limits,
    record::{
        Certainty, Context, Direction, EndCause, Endpoint, FlowFacts, FlowId, Input, Origin, PacketNumber, PacketRef,
        Progress, Secrets, Timestamp, Transport, Unreachable,
    },
};

/// Drives the session of protocol `name` through a script: the first byte chooses the carrier and how far the ends are, then each step is an
/// operation byte, a length byte, and that many bytes of payload.
pub(super) fn session(name: &str, steps: &[u8]) {
    script(name, steps, Secrets::none());
}

/// The same, with secrets.
pub(super) fn script(name: &str, script: &[u8], secrets: &Secrets) {
    let Some(protocol) = registry::PROTOCOLS.iter().find(|protocol| protocol.name == name) else {
        panic!("no protocol is called `{name}`")
    };
    let Some((first, mut script)) = script.split_first() else { return };
    let carrier = [Carrier::Tcp, Carrier::Udp, Carrier::QuicCrypto, Carrier::Tls][usize::from(*first) % 4];
    let mut driver = Driver::new((protocol.session)(carrier), carrier, secrets.clone());
    let round_trips =
        [(Some(1_000_000), None), (Some(1_000_000), Some(400_000)), (None, Some(2_000_000)), (None, None)];
    driver.round_trips = round_trips[usize::from(*first >> 2) % 4];
    while let [operation, length, rest @ ..] = script {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(*length) * (1 + usize::from(*operation >> 5))));
        script = rest;
        let direction = Direction::BOTH[usize::from(*operation & 1)];
        match operation >> 1 & 7 {
            0..=4 if carrier == Carrier::Udp => driver.datagram(direction, payload),
            0..=4 => driver.bytes(direction, payload),
            5 if carrier == Carrier::Udp => driver.unreachable(direction, payload),
            5 => driver.gap(direction, u64::from(*length)),
            6 => driver.end(direction, if length % 2 == 0 { EndCause::Fin } else { EndCause::Reset }),
            _ => driver.gap(direction, u64::from(*length) << 24),
        }
    }
    driver.close();
}

/// Offers bytes to a session as a flow does, and checks that what it answers makes sense.
pub(super) struct Driver {
    session: Box<dyn Session>,
    flow: FlowFacts,
    packet: PacketRef,
    pending: [Vec<u8>; 2],
    /// Where they came from.
    origins: [Vec<Origin>; 2],
    /// How many bytes must wait before they are offered again.
    wanted: [usize; 2],
    skip: [u64; 2],
    /// How many bytes a skip under way has behind it, and how many of them are missing.
    skipped: [(u64, u64); 2],
    /// The packet that brought the last of them.
    skipped_by: [PacketRef; 2],
    /// Whether some bytes were consumed, or are missing: what comes is not where the stream begins.
    is_under_way: [bool; 2],
    over: bool,
    carrier: Carrier,
    secrets: Secrets,
    /// The records so far as JSON, when they are kept.
    kept: Option<Vec<String>>,
    /// Whole, and to the server.
    round_trips: (Option<i64>, Option<i64>),
}

impl Driver {
    pub(super) fn new(session: Box<dyn Session>, carrier: Carrier, secrets: Secrets) -> Self {
        let transport = match carrier {
            Carrier::Tcp => Transport::Tcp,
            Carrier::Ip(number) => Transport::Ip(number),
            _ => Transport::Udp,
        };
        let end = |port| Endpoint { address: [10, 0, 0, port as u8].into(), port };
        let (client, server) = (end(40_001), end(53));
        let flow =
            FlowFacts { id: FlowId::default(), transport, client, server, client_certainty: Certainty::Observed };
        let packet = PacketRef { index: 0, number: PacketNumber::new(0, 1), timestamp: Timestamp(0) };
        let pending = [Vec::new(), Vec::new()];
        Self {
            session,
            flow,
            packet,
            pending,
            origins: [Vec::new(), Vec::new()],
            wanted: [0; 2],
            skip: [0; 2],
            skipped: [(0, 0); 2],
            skipped_by: [PacketRef::default(); 2],
            is_under_way: [false; 2],
            over: false,
            carrier,
            secrets,
            kept: None,
            round_trips: (Some(1_000_000), None),
        }
    }

    /// From now on keeps what is said.
    pub(super) fn keep(&mut self) {
        self.kept = Some(Vec::new());
    }

    /// What was kept.
    pub(super) fn kept(self) -> Vec<String> {
        self.kept.unwrap_or_default()
    }

    pub(super) fn ask(&mut self, input: Input<'_>, from_start: bool) -> Progress {
        self.ask_from(input, from_start, &[])
    }

    fn ask_from(&mut self, input: Input<'_>, from_start: bool, origins: &[Origin]) -> Progress {
        let mut said = Vec::new();
        let context = Context {
            flow: &self.flow,
            packet: self.packet,
            origins,
            from_start,
            round_trip_ns: self.round_trips.0,
            server_round_trip_ns: self.round_trips.1,
            hop_limit: None,
            secrets: &self.secrets,
        };
        let progress = self.session.input(input, &context, &mut Sink::new(everything(), true, &mut said));
        for said in said {
            if let Said::Record(record) = said {
                let json = serde_json::to_string(&record).expect("every record has a JSON form");
                if let Some(subject) = record.subject() {
                    let last = self.packet.number;
                    assert!(subject.evidence.numbers().iter().all(|number| *number <= last), "not seen yet: {json}");
                }
                if let Some(kept) = &mut self.kept {
                    kept.push(json);
                }
            }
        }
        progress
    }

    pub(super) fn step(&mut self) {
        self.packet.index += 1;
        self.packet.number = PacketNumber::new(0, self.packet.index + 1);
        self.packet.timestamp = self.packet.timestamp.plus(1_000_000);
    }

    pub(super) fn datagram(&mut self, direction: Direction, bytes: &[u8]) {
        self.step();
        if !self.over {
            self.over = self.ask(Input::Datagram { direction, bytes }, true) == Progress::Done;
        }
    }

    /// An ICMP error that quotes what it was given of a datagram.
    pub(super) fn unreachable(&mut self, direction: Direction, quoted: &[u8]) {
        self.step();
        let context = Context {
            flow: &self.flow,
            packet: self.packet,
            origins: &[],
            from_start: true,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: None,
            secrets: &self.secrets,
        };
        let by = self.flow.server.address;
        let [message_type, code] = [3, 3];
        let notice = Unreachable { direction, by, reason: "port unreachable", message_type, code, mtu: None, quoted };
        if !self.over {
            let mut said = Vec::new();
            self.session.unreachable(&notice, &context, &mut Sink::new(everything(), true, &mut said));
        }
    }

    pub(super) fn bytes(&mut self, direction: Direction, bytes: &[u8]) {
        self.step();
        self.offer(direction, bytes);
    }

    /// Bytes of the packet that came last.
    pub(super) fn offer(&mut self, direction: Direction, bytes: &[u8]) {
        let side = direction.index();
        let passed = self.skip[side].min(bytes.len() as u64);
        self.pass(direction, passed, 0);
        let is_known = self.origins[side].last().is_some_and(|origin| origin.packet == self.packet);
        if (passed as usize) < bytes.len() && !is_known {
            self.origins[side].push(Origin { offset: self.pending[side].len(), packet: self.packet });
        }
        self.pending[side].extend_from_slice(&bytes[passed as usize..]);
        for _ in 0..=bytes.len() {
            if self.over || self.pending[side].is_empty() || self.pending[side].len() < self.wanted[side] {
                return;
            }
            self.wanted[side] = 0;
            let offered = std::mem::take(&mut self.pending[side]);
            let from_start = !self.is_under_way[side];
            let origins = std::mem::take(&mut self.origins[side]);
            let progress = self.ask_from(Input::Stream { direction, bytes: &offered }, from_start, &origins);
            match progress {
                Progress::Consumed(done) | Progress::Need { consumed: done, .. } => {
                    assert!(done <= offered.len(), "{:?} consumed {done} of {}", self.carrier, offered.len());
                    self.is_under_way[side] |= done > 0;
                    self.keep_from(side, done, &offered, origins);
                    if let Progress::Need { at_least, .. } = progress {
                        self.wanted[side] = at_least;
                    }
                    if self.pending[side].len() > limits::MAX_PENDING_BYTES {
                        self.gap(direction, 0);
                    }
                    return;
                }
                Progress::Skip(done) if done <= offered.len() as u64 => {
                    assert!(done > 0, "skips nothing for ever");
                    self.is_under_way[side] = true;
                    self.keep_from(side, done as usize, &offered, origins);
                }
                Progress::Skip(done) => {
                    self.is_under_way[side] = true;
                    self.skip[side] = done - offered.len() as u64;
                    self.skipped[side] = (offered.len() as u64, 0);
                    self.skipped_by[side] = self.packet;
                }
                Progress::Done | Progress::HandOver(_) => self.over = true,
            }
        }
    }

    /// What was not consumed will be offered again.
    fn keep_from(&mut self, side: usize, done: usize, offered: &[u8], mut origins: Vec<Origin>) {
        self.pending[side] = offered[done..].to_vec();
        if self.pending[side].is_empty() {
            return;
        }
        let first = origins.iter().rposition(|origin| origin.offset <= done).unwrap_or_default();
        origins.drain(..first);
        origins.iter_mut().for_each(|origin| origin.offset = origin.offset.saturating_sub(done));
        self.origins[side] = origins;
    }

    pub(super) fn pass(&mut self, direction: Direction, passed: u64, missing: u64) {
        let side = direction.index();
        if passed > 0 {
            self.skip[side] -= passed;
            self.skipped[side].0 += passed;
            self.skipped[side].1 += missing;
            if missing == 0 {
                self.skipped_by[side] = self.packet;
            }
            if self.skip[side] == 0 {
                self.tell_skipped(direction);
            }
        }
    }

    pub(super) fn tell_skipped(&mut self, direction: Direction) {
        let (length, missing) = std::mem::take(&mut self.skipped[direction.index()]);
        self.skip[direction.index()] = 0;
        if length > 0 && !self.over {
            let packet = self.skipped_by[direction.index()];
            let origins = [Origin { offset: 0, packet }];
            let input = Input::Skipped { direction, length, missing };
            self.over = self.ask_from(input, false, &origins) == Progress::Done;
        }
    }

    pub(super) fn gap(&mut self, direction: Direction, length: u64) {
        let side = direction.index();
        let passed = self.skip[side].min(length);
        self.pass(direction, passed, passed);
        let length = length - passed + self.pending[side].len() as u64;
        self.pending[side].clear();
        self.origins[side].clear();
        self.wanted[side] = 0;
        self.is_under_way[side] |= length > 0;
        if length > 0 && !self.over {
            self.over = self.ask(Input::Gap { direction, length }, false) == Progress::Done;
        }
    }

    pub(super) fn end(&mut self, direction: Direction, cause: EndCause) {
        self.tell_skipped(direction);
        if !self.over {
            self.pending[direction.index()].clear();
            self.origins[direction.index()].clear();
            self.over = self.ask(Input::End { direction, cause }, false) == Progress::Done;
        }
    }

    pub(super) fn close(&mut self) {
        for direction in Direction::BOTH {
            self.tell_skipped(direction);
        }
        if !self.over {
            self.ask(Input::Close, false);
        }
    }
}
