//! One TCP connection, put together from its segments: both endpoints, their states, their streams.
use super::{
    endpoint::Endpoint,
    machine::Machine,
    offer::Offer,
    options::Options,
    proof::Shown,
    race::Activity,
    segment::Segment,
    sequence::before,
    zeek::{Seen, Zeek},
};
use crate::{
    flow::{Copied, Settings, stream::Stream},
    record::{Direction, FlowId, PacketNumber, PacketRef, Side, TcpState},
};

/// tshark's bits of completeness.
pub(super) mod complete {
    pub const SYN: u8 = 1;
    pub const SYN_ACK: u8 = 2;
    pub const ACK: u8 = 4;
    pub const DATA: u8 = 8;
    pub const FIN: u8 = 16;
    pub const RST: u8 = 32;
}

/// Idle time after which a handshake is given up, in nanoseconds: Linux gives up a SYN after 127 s.
const HANDSHAKE_IDLE_NS: i64 = 130_000_000_000;

/// A TCP connection.
#[derive(Debug)]
pub struct Connection {
    pub(super) ends: [Endpoint; 2],
    pub(super) machine: Machine,
    pub(super) shown: [Shown; 2],
    pub(super) offer: Option<Box<Offer>>,
    pub(super) zeek: Zeek,
    zeek_originator: Direction,
    pub(super) completeness: u8,
    opening_bits: u8,
    pub(super) first: PacketRef,
    pub(super) last: PacketRef,
    /// Hop limit of the first packet where it was captured.
    pub(super) first_hop_limit: Option<u8>,
    /// An ICMP error spoke of it.
    pub(super) told: bool,
    pub(super) syn: Option<PacketRef>,
    /// The last SYN before the SYN-ACK: handshake times count from it.
    pub(super) last_syn: Option<PacketRef>,
    pub(super) syn_ack: Option<PacketRef>,
    pub(super) ack: Option<PacketRef>,
    /// Sides that sent FIN or RST, in order of the first one.
    pub(super) first_close: Option<(Side, bool)>,
    pub(super) reset_by: Option<Side>,
    pub(super) refused_by_icmp: Option<PacketNumber>,
    pub(super) gave_up: bool,
    pub(super) late_packets: Vec<PacketNumber>,
    pub(super) late_total: u64,
    pub(super) was_established: bool,
    pub(super) reuses: Option<Box<Reuse>>,
    pub(super) reset_sent_by_closed: bool,
    pub(super) reset_seen: bool,
    pub(super) activity: Activity,
    /// Hashes of the first bytes of payload by direction; 0 while there are none.
    pub(super) starts: [u64; 2],
    pub(super) streams: [Option<Box<Stream>>; 2],
    pub(super) done: bool,
    pub(super) overflow: bool,
}

/// An earlier connection between the same addresses and ports.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reuse {
    pub earlier: FlowId,
    /// Since its last packet, in nanoseconds.
    pub after_ns: i64,
    /// It had not been closed.
    pub was_open: bool,
    /// The new sequence numbers begin among the earlier one's, and no timestamps tell old from new (RFC 6191 2).
    pub begins_behind: bool,
}

/// The sender and the receiver of what travels in `direction`.
pub(super) fn pair(ends: &mut [Endpoint; 2], direction: Direction) -> (&mut Endpoint, &mut Endpoint) {
    let [client, server] = ends;
    match direction {
        Direction::ClientToServer => (client, server),
        Direction::ServerToClient => (server, client),
    }
}

impl Connection {
    /// A connection that begins with `segment`, which travels in `direction`. Feed it that segment next.
    #[must_use]
    pub fn new(segment: &Segment<'_>, direction: Direction) -> Self {
        let flags = segment.header.flags;
        let mut zeek = Zeek::default();
        let swapped = flags.syn() && flags.ack();
        if swapped {
            zeek.flipped();
        }
        Self {
            ends: [Endpoint::default(), Endpoint::default()],
            machine: Machine::default(),
            shown: <[Shown; 2]>::default(),
            offer: None,
            zeek,
            zeek_originator: if swapped { direction.reverse() } else { direction },
            completeness: 0,
            opening_bits: 0,
            first: segment.at,
            last: segment.at,
            first_hop_limit: None,
            told: false,
            syn: None,
            last_syn: None,
            syn_ack: None,
            ack: None,
            first_close: None,
            reset_by: None,
            refused_by_icmp: None,
            gave_up: false,
            late_packets: Vec::new(),
            late_total: 0,
            was_established: false,
            reuses: None,
            reset_sent_by_closed: false,
            reset_seen: false,
            activity: Activity::default(),
            starts: [0; 2],
            streams: [None, None],
            done: false,
            overflow: false,
        }
    }

    pub(super) fn end(&self, side: Side) -> &Endpoint {
        let [client, server] = &self.ends;
        if side == Side::Client { client } else { server }
    }

    /// Whether `segment` begins another connection between the same ports: a SYN with another initial sequence
    /// number (RFC 6191; tshark 4.0 splits in the same way). The same number is a retransmission, or the same capture
    /// played twice.
    #[must_use]
    pub fn is_over_with(&self, segment: &Segment<'_>, direction: Direction) -> bool {
        let flags = segment.header.flags;
        if !flags.syn() || flags.ack() {
            return false;
        }
        self.end(direction.sender()).base.is_some_and(|base| base != segment.header.sequence_number)
    }

    /// Remembers that `earlier`, another connection, of flow `flow`, used the same ports until `segment` began this one.
    /// Its sender was `side` there.
    pub fn set_reuse_of(&mut self, earlier: &Self, flow: FlowId, segment: &Segment<'_>, side: Side) {
        let (sender, receiver) = (earlier.end(side), earlier.end(side.other()));
        let begins_behind = sender.next.is_some_and(|next| before(segment.header.sequence_number, next));
        self.reuses = Some(Box::new(Reuse {
            earlier: flow,
            after_ns: segment.at.timestamp.since(earlier.last.timestamp),
            was_open: !earlier.is_over(),
            begins_behind: begins_behind && !(sender.timestamps == Some(true) && receiver.timestamps == Some(true)),
        }));
    }

    /// Whether both ends are through with it, or an RST has ended it.
    fn is_over(&self) -> bool {
        let over = |side| matches!(self.machine.state(side), Some(TcpState::Closed | TcpState::TimeWait));
        self.reset_seen || over(Side::Client) && over(Side::Server)
    }

    /// When it may be closed for want of packets, in nanoseconds after the last one.
    #[must_use]
    pub fn idle_limit_ns(&self, settings: &Settings) -> i64 {
        if self.is_over() {
            return settings.maximum_segment_lifetime_ns.saturating_mul(2);
        }
        if self.is_opening() { Self::handshake_limit_ns(settings) } else { settings.tcp_idle_ns }
    }

    /// The same while it is being opened.
    #[must_use]
    pub fn handshake_limit_ns(settings: &Settings) -> i64 {
        HANDSHAKE_IDLE_NS.min(settings.tcp_idle_ns)
    }

    /// Nothing but SYN and SYN-ACK was seen.
    fn is_opening(&self) -> bool {
        !self.was_established && self.completeness & !(complete::SYN | complete::SYN_ACK) == 0 && self.syn.is_some()
    }

    /// Whether little is lost when it is closed early: it is half open, over, or one packet.
    #[must_use]
    pub fn is_tentative(&self) -> bool {
        self.is_opening() || self.first.index == self.last.index || self.is_over()
    }

    /// Bytes that its streams hold back.
    #[must_use]
    pub fn held_bytes(&self) -> u64 {
        self.streams.iter().flatten().map(|stream| stream.held_bytes()).fold(0, u64::saturating_add)
    }

    /// The smallest round-trip time known between the place of the capture and the server, in nanoseconds.
    #[must_use]
    pub fn server_round_trip_ns(&self) -> Option<i64> {
        let handshake = self.last_syn.zip(self.syn_ack).map(|(syn, syn_ack)| syn_ack.timestamp.since(syn.timestamp));
        // Where the clock was set back it measured nothing.
        handshake.filter(|time| *time >= 0).or_else(|| self.end(Side::Client).rtt.smallest())
    }

    /// The smallest round-trip time known, of both directions together, in nanoseconds.
    #[must_use]
    pub fn round_trip_ns(&self) -> Option<i64> {
        let handshake = self.last_syn.zip(self.ack).map(|(syn, ack)| ack.timestamp.since(syn.timestamp));
        let [client, server] = &self.ends;
        let sum = || Some(client.rtt.smallest()?.saturating_add(server.rtt.smallest()?));
        handshake.filter(|time| *time >= 0).or_else(sum)
    }

    /// Takes a segment: counts, states, measurements. Its bytes are for [`Connection::deliver`]. Answers whether it is the copy
    /// of an earlier packet.
    pub fn segment(&mut self, segment: &Segment<'_>, direction: Direction) -> Option<Copied> {
        let opening = self.ends.iter().all(|end| end.packets == 0);
        self.count(segment, direction);
        self.complete(segment, opening);
        self.watch(segment, direction);
        if segment.length > 0 {
            self.note_start(segment, direction);
        }
        self.handshake(segment, direction);
        let header = segment.header;
        let belongs = self.belongs(segment, direction.sender());
        self.zeek.segment(&Seen {
            from_originator: direction == self.zeek_originator,
            syn: header.flags.syn(),
            ack: header.flags.ack(),
            fin: header.flags.fin(),
            rst: header.flags.rst(),
            sequence: header.sequence_number,
            acknowledgment: header.acknowledgment_number,
            length: segment.length,
            window: header.window,
        });
        let (sender, receiver) = pair(&mut self.ends, direction);
        // Once the peer has acknowledged a SYN, another one changes nothing: else one forged segment would move the
        // stream, and hide what follows.
        let settled = sender.initial.is_some_and(|initial| {
            initial != header.sequence_number && sender.acknowledged.is_some_and(|ack| before(initial, ack))
        });
        if header.flags.syn() && !header.flags.rst() && !settled {
            if sender.initial.is_some_and(|initial| initial != header.sequence_number) {
                // It begins anew: what it sent before was of another connection.
                sender.fin = None;
                self.shown = <[Shown; 2]>::default();
            }
            sender.announce(segment);
        }
        let options = Options::of(segment);
        let copied = sender.sent(segment, &options, receiver);
        if let Some(ack) = segment.acknowledged()
            && !header.flags.rst()
        {
            // What a copy reports was reported.
            let options = if copied.is_some() { Options::default() } else { options };
            receiver.acknowledged_by(ack, sender.repeats(), segment, &options);
        }
        if header.flags.fin() && !header.flags.rst() && belongs {
            sender.fin.get_or_insert(segment.end().wrapping_sub(1));
            sender.fin_packet.get_or_insert(segment.at.number);
        }
        if header.flags.rst() {
            sender.reset_packet.get_or_insert(segment.at.number);
        }
        self.states(segment, direction, belongs);
        self.last = segment.at;
        copied
    }

    fn count(&mut self, segment: &Segment<'_>, direction: Direction) {
        let flags = segment.header.flags;
        let (sender, receiver) = pair(&mut self.ends, direction);
        sender.packets = sender.packets.saturating_add(1);
        sender.wire_bytes = sender.wire_bytes.saturating_add(u64::from(segment.wire_length));
        sender.payload_bytes = sender.payload_bytes.saturating_add(u64::from(segment.length));
        let letters = [flags.syn(), flags.ack(), flags.fin(), flags.rst(), flags.psh(), flags.urg()];
        for (bit, _) in letters.iter().enumerate().filter(|(_, set)| **set) {
            sender.flags |= 1 << bit;
        }
        let sequence = segment.header.sequence_number;
        if sender.base.is_none() {
            sender.base = Some(if flags.syn() { sequence } else { sequence.wrapping_sub(1) });
        } else if flags.syn() && flags.ack() {
            sender.base = Some(sequence);
        }
        if receiver.base.is_none() && flags.ack() {
            receiver.base = Some(segment.header.acknowledgment_number.wrapping_sub(1));
        }
    }

    /// tshark's completeness, as tshark 4.0 tells it after two passes: the packet that opens a conversation counts
    /// only as a SYN, until a second one comes.
    fn complete(&mut self, segment: &Segment<'_>, opening: bool) {
        let flags = segment.header.flags;
        let mut seen = 0;
        match (flags.syn(), flags.ack()) {
            (true, true) => seen |= complete::SYN_ACK,
            (false, true) => seen |= if segment.length > 0 { complete::DATA } else { complete::ACK },
            _ => {}
        }
        if flags.fin() && flags.ack() {
            seen |= complete::FIN;
        }
        if flags.rst() {
            seen |= complete::RST;
        }
        if !opening {
            self.completeness |= seen | std::mem::take(&mut self.opening_bits);
            return;
        }
        self.opening_bits = seen;
        if flags.syn() && !flags.ack() {
            self.completeness = complete::SYN;
            if segment.length > 0 && self.reuses.is_none() {
                self.completeness |= complete::DATA;
            }
        }
    }

    fn handshake(&mut self, segment: &Segment<'_>, direction: Direction) {
        let flags = segment.header.flags;
        match (flags.syn(), flags.ack()) {
            (true, false) if direction == Direction::ClientToServer => {
                if self.syn.is_none() {
                    self.offer = Offer::of(segment);
                }
                self.syn.get_or_insert(segment.at);
                if self.syn_ack.is_none() {
                    self.last_syn = Some(segment.at);
                }
            }
            (true, true) if direction == Direction::ServerToClient => {
                if self.syn_ack.is_none()
                    && let Some(offer) = &mut self.offer
                {
                    offer.answer(segment);
                }
                self.syn_ack.get_or_insert(segment.at);
            }
            (false, true)
                if direction == Direction::ClientToServer
                    && self.ack.is_none()
                    && self.syn_ack.is_some()
                    && !flags.rst() =>
            {
                self.ack = Some(segment.at);
            }
            _ => {}
        }
    }
}
