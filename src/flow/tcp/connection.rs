//! One TCP connection, put together from its segments: both endpoints, their states, their streams.
use super::{
    endpoint::Endpoint,
    segment::Segment,
    sequence::{before, distance},
    state::{self, Event, Step},
    zeek::{Seen, Zeek},
};
use crate::{
    flow::stream::Stream,
    limits,
    record::{Certainty, Direction, Input, Origin, PacketNumber, PacketRef, Progress, Side, TcpState, Timestamp},
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

/// Acknowledgements of bytes never seen that are waited for, in case the capture has them in another order.
const UNSEEN_ACKS: u8 = 3;

/// Idle time after which a connection that is open is given up, in nanoseconds (RFC 5382 5: not below 2 h 4 min).
const OPEN_IDLE_NS: i64 = 7_440_000_000_000;
/// The same before the handshake is complete: Linux gives up a SYN after 127 s.
const HANDSHAKE_IDLE_NS: i64 = 130_000_000_000;

/// A state change as it is kept.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub packet: Option<PacketNumber>,
    pub ts: Timestamp,
    pub side: Side,
    pub from: Option<TcpState>,
    pub step: Step,
}

/// Both endpoints' states and how they came about.
#[derive(Debug, Default)]
pub(super) struct Machine {
    states: [Option<TcpState>; 2],
    pub entries: Vec<Entry>,
    pub total: u64,
    /// The last step of each side, while nothing that side sent has proven it: the state before, and its entry.
    unproven: [Option<(Option<TcpState>, Option<usize>)>; 2],
}

fn place(side: Side) -> usize {
    usize::from(side == Side::Server)
}

impl Machine {
    pub fn state(&self, side: Side) -> Option<TcpState> {
        self.states.get(place(side)).copied().flatten()
    }

    fn set(&mut self, side: Side, state: Option<TcpState>) {
        if let Some(slot) = self.states.get_mut(place(side)) {
            *slot = state;
        }
    }

    fn unproven(&mut self, side: Side) -> Option<&mut Option<(Option<TcpState>, Option<usize>)>> {
        self.unproven.get_mut(place(side))
    }

    fn is_unproven(&self, side: Side) -> bool {
        self.unproven.get(place(side)).is_some_and(Option::is_some)
    }

    fn apply(&mut self, side: Side, event: Event, packet: Option<PacketNumber>, ts: Timestamp) -> bool {
        let from = self.state(side);
        let Some(step) = state::next(from, event) else {
            return false;
        };
        self.record(side, from, step, packet, ts);
        true
    }

    fn record(&mut self, side: Side, from: Option<TcpState>, step: Step, packet: Option<PacketNumber>, ts: Timestamp) {
        self.set(side, Some(step.to));
        self.total = self.total.saturating_add(1);
        let kept = (self.entries.len() < limits::MAX_TRANSITIONS).then_some(self.entries.len());
        if kept.is_some() {
            self.entries.push(Entry { packet, ts, side, from, step });
        }
        let implied = step.certainty == Certainty::Implied;
        if let Some(slot) = self.unproven(side) {
            *slot = implied.then_some((from, kept));
        }
    }

    /// What `side` sent proves its last step.
    fn prove(&mut self, side: Side) {
        let slot = self.unproven(side).and_then(Option::take);
        if let Some((_, Some(index))) = slot
            && let Some(entry) = self.entries.get_mut(index)
        {
            entry.step.certainty = Certainty::Observed;
        }
    }

    /// What `side` sent shows that its last step did not happen (yet).
    fn revoke(&mut self, side: Side) {
        let Some((from, index)) = self.unproven(side).and_then(Option::take) else {
            return;
        };
        self.set(side, from);
        self.total = self.total.saturating_sub(1);
        let Some(index) = index else { return };
        if index < self.entries.len() {
            self.entries.remove(index);
        }
        if let Some(Some((_, Some(other)))) = self.unproven(side.other())
            && *other > index
        {
            *other = other.saturating_sub(1);
        }
    }
}

/// A TCP connection.
#[derive(Debug)]
pub struct Connection {
    pub(super) ends: [Endpoint; 2],
    pub(super) machine: Machine,
    pub(super) zeek: Zeek,
    zeek_originator: Direction,
    pub(super) completeness: u8,
    opening_bits: u8,
    pub(super) first: PacketRef,
    pub(super) last: PacketRef,
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
    pub(super) data_after_fin: Option<PacketNumber>,
    pub(super) was_established: bool,
    pub(super) reuses: bool,
    pub(super) reset_sent_by_closed: bool,
    reset_seen: bool,
    streams: [Option<Box<Stream>>; 2],
    done: bool,
}

fn pair(ends: &mut [Endpoint; 2], direction: Direction) -> (&mut Endpoint, &mut Endpoint) {
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
            zeek,
            zeek_originator: if swapped { direction.reverse() } else { direction },
            completeness: 0,
            opening_bits: 0,
            first: segment.at,
            last: segment.at,
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
            data_after_fin: None,
            was_established: false,
            reuses: false,
            reset_sent_by_closed: false,
            reset_seen: false,
            streams: [None, None],
            done: false,
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

    /// Marks that the ports had been used by an earlier connection.
    pub fn set_reused(&mut self) {
        self.reuses = true;
    }

    /// When it may be closed for want of packets, in nanoseconds after the last one.
    #[must_use]
    pub fn idle_limit_ns(&self, maximum_segment_lifetime_ns: i64) -> i64 {
        let over = |side| matches!(self.machine.state(side), Some(TcpState::Closed | TcpState::TimeWait));
        if self.reset_seen || over(Side::Client) && over(Side::Server) {
            return maximum_segment_lifetime_ns.saturating_mul(2);
        }
        if self.was_established || self.completeness & !(complete::SYN | complete::SYN_ACK) != 0 || self.syn.is_none() {
            OPEN_IDLE_NS
        } else {
            HANDSHAKE_IDLE_NS
        }
    }

    /// The smallest round-trip time known, of both directions together, in nanoseconds.
    #[must_use]
    pub fn round_trip_ns(&self) -> Option<i64> {
        if let (Some(syn), Some(ack)) = (self.last_syn, self.ack) {
            return Some(ack.timestamp.since(syn.timestamp));
        }
        let [client, server] = &self.ends;
        Some(client.rtt.smallest()?.saturating_add(server.rtt.smallest()?))
    }

    /// Takes a segment: counts, states, measurements. Its bytes are for [`Connection::deliver`].
    pub fn segment(&mut self, segment: &Segment<'_>, direction: Direction) {
        let opening = self.ends.iter().all(|end| end.packets == 0);
        self.count(segment, direction);
        self.complete(segment, opening);
        self.handshake(segment, direction);
        let header = segment.header;
        self.zeek.segment(&Seen {
            from_originator: direction == self.zeek_originator,
            syn: header.flags.syn(),
            ack: header.flags.ack(),
            fin: header.flags.fin(),
            rst: header.flags.rst(),
            sequence: header.sequence_number,
            length: segment.length,
            window: header.window,
        });
        let (sender, receiver) = pair(&mut self.ends, direction);
        if header.flags.syn() {
            sender.announce(segment);
        }
        sender.sent(segment, receiver);
        if let Some(ack) = segment.acknowledged()
            && !header.flags.rst()
        {
            receiver.acknowledged_by(ack, sender.repeats(), segment);
        }
        if header.flags.fin() && !header.flags.rst() {
            sender.fin.get_or_insert(segment.end().wrapping_sub(1));
            sender.fin_packet.get_or_insert(segment.at.number);
        }
        if header.flags.rst() {
            sender.reset_packet.get_or_insert(segment.at.number);
        }
        self.states(segment, direction);
        self.last = segment.at;
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
            if segment.length > 0 && !self.reuses {
                self.completeness |= complete::DATA;
            }
        }
    }

    fn handshake(&mut self, segment: &Segment<'_>, direction: Direction) {
        let flags = segment.header.flags;
        match (flags.syn(), flags.ack()) {
            (true, false) if direction == Direction::ClientToServer => {
                self.syn.get_or_insert(segment.at);
                if self.syn_ack.is_none() {
                    self.last_syn = Some(segment.at);
                }
            }
            (true, true) if direction == Direction::ServerToClient => {
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

    /// Steps both endpoints: the sender by what it does, the receiver by what must have reached it.
    fn states(&mut self, segment: &Segment<'_>, direction: Direction) {
        let (side, flags, at) = (direction.sender(), segment.header.flags, segment.at);
        let peer = side.other();
        let over = |state| matches!(state, Some(TcpState::Closed | TcpState::TimeWait));
        if over(self.machine.state(side)) && over(self.machine.state(peer)) && !flags.syn() && !flags.rst() {
            self.late_total = self.late_total.saturating_add(1);
            if self.late_packets.len() < 30 {
                self.late_packets.push(at.number);
            }
        }
        let (packet, ts) = (Some(at.number), at.timestamp);
        if flags.rst() {
            self.reset(segment, side);
            return;
        }
        if flags.syn() {
            self.synchronize(segment, side);
            return;
        }
        let Some(ack) = segment.acknowledged() else {
            return;
        };
        let peer_fin = self.end(peer).fin;
        let covers_fin = peer_fin.is_some_and(|fin| before(fin, ack));
        if self.machine.is_unproven(side) {
            let by_fin =
                matches!(self.machine.state(side), Some(TcpState::CloseWait | TcpState::Closing | TcpState::TimeWait));
            match self.machine.state(side) {
                Some(TcpState::Established) => self.machine.prove(side),
                _ if by_fin && covers_fin => self.machine.prove(side),
                Some(TcpState::CloseWait) if flags.fin() => {
                    // It closes before the peer's FIN has reached it: both close at once.
                    self.machine.revoke(side);
                    self.machine.apply(side, Event::SendFin, packet, ts);
                    self.machine.apply(side, Event::ReceiveFin, packet, ts);
                }
                _ => {}
            }
        }
        if !(flags.fin() && self.machine.state(side).is_none()) {
            self.machine.apply(side, Event::SendAck, packet, ts);
        }
        if covers_fin && !self.machine.is_unproven(side) {
            // The FIN had a hole before it; its acknowledgement says that the hole was filled.
            if self.machine.apply(side, Event::ReceiveFin, packet, ts) {
                self.machine.prove(side);
            }
        }
        // What reached the receiver.
        let receiver = self.end(peer);
        let syn_acknowledged = receiver.initial.is_none_or(|initial| before(initial, ack));
        let fin_acknowledged = receiver.fin.is_some_and(|fin| before(fin, ack));
        if syn_acknowledged {
            self.machine.apply(peer, Event::ReceiveAckOfSyn, packet, ts);
        }
        if fin_acknowledged {
            self.machine.apply(peer, Event::ReceiveAckOfFin, packet, ts);
        }
        if flags.fin() {
            self.first_close.get_or_insert((side, false));
            self.machine.apply(side, Event::SendFin, packet, ts);
            if !self.end(side).has_hole() {
                self.machine.apply(peer, Event::ReceiveFin, packet, ts);
            }
        } else if segment.length > 0 && self.end(peer).fin.is_some() && !covers_fin {
            self.data_after_fin.get_or_insert(at.number);
        }
        let established = |state| matches!(state, Some(TcpState::Established));
        self.was_established |= established(self.machine.state(side)) || established(self.machine.state(peer));
    }

    fn synchronize(&mut self, segment: &Segment<'_>, side: Side) {
        let peer = side.other();
        let (packet, ts) = (Some(segment.at.number), segment.at.timestamp);
        // It has not got what it was thought to have: it sends its SYN again.
        if self.machine.is_unproven(side) && self.machine.state(side) == Some(TcpState::Established) {
            self.machine.revoke(side);
        }
        let Some(ack) = segment.acknowledged() else {
            self.machine.apply(side, Event::SendSyn, packet, ts);
            return;
        };
        let crossing = self.machine.state(side) == Some(TcpState::SynSent);
        self.machine.apply(side, Event::SendSynAck, packet, ts);
        let own = self.end(side);
        if own.initial.zip(own.acknowledged).is_some_and(|(initial, acknowledged)| before(initial, acknowledged)) {
            self.machine.apply(side, Event::ReceiveAckOfSyn, packet, ts);
        }
        if self.machine.state(peer).is_none() {
            // Its SYN was not captured.
            if let Some(step) = state::next(None, Event::SendSyn) {
                let step = Step { certainty: Certainty::Implied, ..step };
                self.machine.record(peer, None, step, packet, ts);
            }
        }
        let acknowledges = self.end(peer).initial.is_none_or(|initial| before(initial, ack));
        if acknowledges && !(crossing && self.machine.state(peer) == Some(TcpState::SynSent)) {
            self.machine.apply(peer, Event::ReceiveSynAck, packet, ts);
        }
    }

    fn reset(&mut self, segment: &Segment<'_>, side: Side) {
        let peer = side.other();
        let (packet, ts) = (Some(segment.at.number), segment.at.timestamp);
        let sequence = segment.header.sequence_number;
        let (sender, receiver) = (self.end(side), self.end(peer));
        let valid = match self.machine.state(peer) {
            // In SYN-SENT an RST counts when it acknowledges the SYN.
            Some(TcpState::SynSent) => {
                let expected = receiver.next;
                segment.acknowledged().is_none_or(|ack| receiver.initial.is_none_or(|initial| before(initial, ack)))
                    && expected.is_some()
            }
            // Else its sequence number must be the one expected next (RFC 5961 3.2).
            _ => receiver.last_ack.is_none_or(|expected| expected == sequence) || sender.next == Some(sequence),
        };
        let refused = self.machine.state(peer) == Some(TcpState::SynSent) && self.machine.state(side).is_none();
        self.reset_sent_by_closed |= self.machine.state(side) == Some(TcpState::Closed) || sender.fin.is_some();
        if refused {
            // There was no connection on this side, and there is none: nothing changes.
            self.machine.set(side, Some(TcpState::Closed));
        } else {
            self.machine.apply(side, Event::SendReset, packet, ts);
        }
        if valid {
            if self.machine.state(peer).is_some() {
                self.machine.apply(peer, Event::ReceiveReset, packet, ts);
            }
            self.reset_seen = true;
            self.reset_by.get_or_insert(side);
            self.first_close.get_or_insert((side, true));
        }
    }

    /// An ICMP error says that what `side` sent cannot be delivered.
    pub fn unreachable(&mut self, side: Side, at: PacketRef) {
        if self.machine.apply(side, Event::ReceiveUnreachable, Some(at.number), at.timestamp) {
            self.refused_by_icmp = Some(at.number);
        }
    }

    /// Time alone closes it.
    pub fn expired(&mut self, deadline: Timestamp) {
        for side in [Side::Client, Side::Server] {
            self.machine.apply(side, Event::TimeWaitEnds, None, deadline);
            self.gave_up |= self.machine.apply(side, Event::GivesUp, None, deadline);
        }
    }

    fn stream(&mut self, direction: Direction) -> Option<&mut Option<Box<Stream>>> {
        self.streams.get_mut(direction.index())
    }

    /// Whether the reader wants nothing more.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.done
    }

    /// The reader wants nothing more of either direction.
    pub fn set_done(&mut self) {
        self.done = true;
        self.streams = [None, None];
    }

    /// Offers the segment's bytes, and what they made whole, to `read`; and what its acknowledgement gives up.
    pub fn deliver<R>(&mut self, segment: &Segment<'_>, direction: Direction, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        if self.done {
            return;
        }
        let (flags, at) = (segment.header.flags, segment.at);
        if flags.rst() {
            if self.reset_seen {
                // All bytes of both directions first: the end of one is the end of both.
                self.flush(at, read);
                for way in Direction::BOTH {
                    self.open_stream(way, segment.header.sequence_number);
                    if let Some(Some(stream)) = self.stream(way) {
                        stream.reset(at, read);
                    }
                }
            }
            return;
        }
        if segment.length > 0 || flags.fin() {
            self.open_stream(direction, segment.payload_sequence());
            let base = self.end(direction.sender()).stream_base;
            if let Some(Some(stream)) = self.stream(direction)
                && let Some((offset, skipped)) = offset_of(stream, base, segment.payload_sequence())
            {
                let bytes = segment.payload.get(skipped..).unwrap_or_default();
                stream.insert(offset, bytes, at, read);
                let wire = u64::from(segment.length).saturating_sub(skipped as u64);
                if wire > bytes.len() as u64 && offset <= stream.next() {
                    stream.give_up_before(offset.saturating_add(wire), at, read);
                }
                if flags.fin() {
                    stream.finish_at(offset.saturating_add(wire), at, read);
                }
            }
        }
        if let Some(ack) = segment.acknowledged() {
            self.give_up(ack, direction.reverse(), at, read);
        }
    }

    /// Bytes that the peer has but the capture does not: after a while they are a gap.
    fn give_up<R>(&mut self, ack: u32, way: Direction, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        let end = self.end(way.sender());
        let (base, patience, fin) = (end.stream_base, end.unseen_acks, end.fin);
        let Some(Some(stream)) = self.stream(way) else {
            return;
        };
        let ack = if fin.is_some_and(|fin| before(fin, ack)) { fin.unwrap_or(ack) } else { ack };
        let Some((offset, 0)) = offset_of(stream, base, ack) else {
            return;
        };
        if offset <= stream.next() {
            if patience != 0
                && let (sender, _) = pair(&mut self.ends, way)
            {
                sender.unseen_acks = 0;
            }
            return;
        }
        if patience.saturating_add(1) >= UNSEEN_ACKS {
            stream.give_up_before(offset, at, read);
        }
        let (sender, _) = pair(&mut self.ends, way);
        sender.unseen_acks = if patience.saturating_add(1) >= UNSEEN_ACKS { 0 } else { patience.saturating_add(1) };
    }

    fn open_stream(&mut self, direction: Direction, sequence: u32) {
        let peer_expects = self.end(direction.sender().other()).last_ack;
        let (sender, _) = pair(&mut self.ends, direction);
        let Some(slot) = self.streams.get_mut(direction.index()) else {
            return;
        };
        if slot.is_none() {
            let start = sender.initial.map(|initial| initial.wrapping_add(1));
            // Without a SYN, what the peer expects next may be a little before the first segment seen.
            let near = peer_expects.filter(|expected| (0..1 << 20).contains(&distance(*expected, sequence)));
            sender.stream_base = start.or(near).unwrap_or(sequence);
            *slot = Some(Box::new(Stream::new(direction, start.is_some())));
        }
    }

    /// Offers again what is pending in `direction`.
    pub fn offer_again<R>(&mut self, direction: Direction, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        if let Some(Some(stream)) = self.stream(direction) {
            stream.offer_again(at, read);
        }
    }

    /// Nothing more will come: offers what waits behind holes.
    pub fn flush<R>(&mut self, at: PacketRef, read: &mut R)
    where
        R: FnMut(Input<'_>, &[Origin], bool) -> Progress,
    {
        for way in Direction::BOTH {
            if let Some(Some(stream)) = self.stream(way) {
                stream.flush(at, read);
            }
        }
    }
}

/// The offset in `stream` of a sequence number, and how many bytes of it lie before the stream's start. Nothing for
/// numbers too far away to be meant.
fn offset_of(stream: &Stream, base: u32, sequence: u32) -> Option<(u64, usize)> {
    let next = stream.next();
    let low = u32::try_from(next & u64::from(u32::MAX)).ok()?;
    let distance = distance(base.wrapping_add(low), sequence);
    if distance.unsigned_abs() > 1 << 30 {
        return None;
    }
    match next.checked_add_signed(i64::from(distance)) {
        Some(offset) => Some((offset, 0)),
        None => {
            let before = u64::from(distance.unsigned_abs()).saturating_sub(next);
            Some((0, usize::try_from(before).ok()?))
        }
    }
}
