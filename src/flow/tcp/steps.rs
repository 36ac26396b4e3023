//! From segments to events: what a segment shows of its sender's state, and of its receiver's.
use super::{
    connection::Connection,
    proof::Shown,
    segment::Segment,
    sequence::{before, distance},
    state::{self, Event, Step},
};
use crate::record::{Certainty, Direction, PacketRef, Side, TcpState, Timestamp};

use Certainty::{Assumed, Implied, Observed};

impl Connection {
    /// Steps both endpoints: the sender by what it does, the receiver by what must have reached it.
    pub(super) fn states(&mut self, segment: &Segment<'_>, direction: Direction, belongs: bool) {
        let (side, flags, at) = (direction.sender(), segment.header.flags, segment.at);
        let peer = side.other();
        let over = |state| matches!(state, Some(TcpState::Closed | TcpState::TimeWait));
        if over(self.machine.state(side)) && over(self.machine.state(peer)) && !flags.syn() && !flags.rst() {
            self.late_total = self.late_total.saturating_add(1);
            if self.late_packets.len() < 30 {
                self.late_packets.push(at.number);
            }
        }
        if flags.rst() {
            self.reset(segment, side);
        } else if flags.syn() {
            self.shown(side).note(segment);
            self.synchronize(segment, side);
        } else if let Some(ack) = segment.acknowledged()
            && belongs
        {
            self.shown(side).note(segment);
            self.acknowledges(segment, side, ack);
            // A packet may open and close at once.
            let opening = |state| matches!(state, TcpState::Listen | TcpState::SynSent | TcpState::SynReceived);
            let established =
                |state: Option<TcpState>| state.is_some_and(|state| !opening(state) && state != TcpState::Closed);
            self.was_established |= established(self.machine.state(side)) || established(self.machine.state(peer));
        }
    }

    fn shown_of(&self, side: Side) -> &Shown {
        let [client, server] = &self.shown;
        if side == Side::Client { client } else { server }
    }

    fn shown(&mut self, side: Side) -> &mut Shown {
        let [client, server] = &mut self.shown;
        if side == Side::Client { client } else { server }
    }

    /// Whether a segment's numbers are of this connection, and not of an earlier one between the same ports whose packets
    /// come late.
    pub(super) fn belongs(&mut self, segment: &Segment<'_>, side: Side) -> bool {
        if segment.header.flags.syn() || segment.header.flags.rst() {
            return true;
        }
        let peer = side.other();
        let (own_initial, peer_initial) = (self.end(side).initial, self.end(peer).initial);
        let header = segment.header;
        // A keep-alive may stand at the SYN itself.
        let sent = self.shown(side).is_near(own_initial, header.sequence_number, 0);
        let acknowledged = segment.acknowledged().is_none_or(|ack| self.shown(peer).is_near(peer_initial, ack, 1));
        let near = sent && acknowledged;
        let believed = self.shown(side).is_another_now(near);
        self.machine.lost_track |= believed;
        near || believed
    }

    /// A segment with ACK, and neither SYN nor RST.
    fn acknowledges(&mut self, segment: &Segment<'_>, side: Side, ack: u32) {
        let (peer, flags) = (side.other(), segment.header.flags);
        let (packet, ts) = (Some(segment.at.number), segment.at.timestamp);
        let peer_fin = self.end(peer).fin;
        let covers_fin = peer_fin.is_some_and(|fin| before(fin, ack));
        self.opens(segment, side, ack);
        if covers_fin {
            // The FIN may have had a hole before it; its acknowledgment says that the hole was filled.
            self.machine.apply(side, Event::ReceiveFin, packet, ts);
            self.knows_of_fin(segment, side, peer_fin);
        }
        let (covers_syn, own_fin) = (self.end(peer).initial.is_none_or(|initial| before(initial, ack)), flags.fin());
        if own_fin {
            let surely_first = if peer_fin.is_some() { !covers_fin } else { self.shown(peer).has_no_fin_before(ack) };
            self.closes(segment, side, covers_fin, surely_first);
        }
        if own_fin && covers_fin {
            self.shown(side).closes_last(segment);
        }
        // What reached the receiver.
        if covers_syn {
            self.machine.apply(peer, Event::ReceiveAckOfSyn, packet, ts);
        }
        if covers_fin {
            self.machine.apply(peer, Event::ReceiveAckOfFin, packet, ts);
        }
        if own_fin && !self.end(side).has_hole() {
            self.machine.apply(peer, Event::ReceiveFin, packet, ts);
        }
        let own = self.end(side);
        let first_fin = own_fin && own.fin_packet == packet;
        if first_fin && own.fin.zip(own.acknowledged).is_some_and(|(fin, acknowledged)| before(fin, acknowledged)) {
            // Its acknowledgment passed the tap before it.
            self.machine.apply(side, Event::ReceiveAckOfFin, packet, ts);
        }
    }

    /// What a segment with ACK shows of the handshake's end.
    fn opens(&mut self, segment: &Segment<'_>, side: Side, ack: u32) {
        let peer = side.other();
        let (packet, ts) = (Some(segment.at.number), segment.at.timestamp);
        let caller = self.end(peer);
        let beyond_syn = caller.initial.is_some_and(|initial| distance(initial, ack) > 1);
        let fast_open = caller.fast_open_data;
        let was_called = caller.initial.is_some();
        let (called_by_peer, answered) = (self.shown(peer).called, self.shown(side).answered);
        // In SYN-RECEIVED an endpoint answers what it cannot accept with a bare ACK too, and one that was opened with
        // data in the SYN may send before the handshake is complete (RFC 7413 4.2.2).
        let was_answered = self.shown(peer).answered;
        let proves = was_answered && !(answered || called_by_peer) || (segment.length > 0 || beyond_syn) && !fast_open;
        match self.machine.state(side) {
            None if was_called && called_by_peer => {
                // Its SYN-ACK was not captured.
                if let Some(step) = state::next(None, Event::SendSynAck) {
                    let step = Step { certainty: Implied, ..step };
                    self.machine.record(side, Some(TcpState::Listen), step, packet, ts);
                }
                self.shown(side).answered = true;
                self.machine.apply_as(side, Event::SendAck, if proves { Observed } else { Implied }, packet, ts);
            }
            None if segment.header.flags.fin() => {}
            Some(TcpState::SynSent) => {
                self.machine.apply_as(side, Event::SendAck, if proves { Observed } else { Implied }, packet, ts);
            }
            Some(TcpState::SynReceived) if !proves && !segment.header.flags.fin() => {}
            Some(TcpState::SynReceived) => {
                self.machine.apply_as(side, Event::SendAck, if proves { Observed } else { Implied }, packet, ts);
            }
            _ => {
                if proves && self.machine.is_doubtful(side) {
                    self.machine.prove(side, TcpState::Established);
                }
                self.machine.apply_as(side, Event::SendAck, Assumed, packet, ts);
            }
        }
    }

    /// `side` has acknowledged the peer's FIN: what that proves.
    fn knows_of_fin(&mut self, segment: &Segment<'_>, side: Side, peer_fin: Option<u32>) {
        if segment.header.flags.fin() {
            return;
        }
        let own = self.end(side);
        match own.fin {
            None => {
                // All it ever sent is its SYN: nothing can wait to be sent, a FIN behind it neither.
                let silent =
                    own.initial.is_some_and(|initial| segment.header.sequence_number == initial.wrapping_add(1));
                self.shown(side).waits(segment);
                if silent && segment.length == 0 && self.machine.state(side) == Some(TcpState::CloseWait) {
                    self.machine.prove(side, TcpState::CloseWait);
                }
            }
            Some(_) if self.machine.state(side) == Some(TcpState::TimeWait) => {
                let peer = self.shown_of(side.other());
                let always = peer_fin.is_some_and(|fin| peer.waited_before(fin)) || peer.is_answered_by(segment);
                if always {
                    self.machine.prove(side, TcpState::FinWait2);
                    self.machine.prove(side, TcpState::TimeWait);
                }
            }
            Some(_) => {}
        }
    }

    /// `side` sends FIN.
    fn closes(&mut self, segment: &Segment<'_>, side: Side, covers_fin: bool, surely_first: bool) {
        let (packet, ts) = (Some(segment.at.number), segment.at.timestamp);
        let fin = segment.end().wrapping_sub(1);
        self.first_close.get_or_insert((side, false));
        let repeated = self.shown(side).closes(ts);
        if self.end(side).fin_packet != packet {
            if repeated {
                self.closes_again(side, covers_fin, packet, ts);
            }
            return;
        }
        if surely_first {
            self.shown(side).closed_first = true;
            // The peer's FIN passed the capture, but has not reached it yet: both close at once.
            let crossing = self.machine.state(side) == Some(TcpState::CloseWait) && self.machine.revoke(side);
            self.machine.apply(side, Event::SendFin, packet, ts);
            if crossing {
                self.machine.apply(side, Event::ReceiveFin, packet, ts);
            }
            return;
        }
        // Whether it closed because the peer had, or had closed before and sends this FIN again (its first one was lost
        // before the capture), or late, behind data: unless it stood still in between, this cannot be told.
        let windows_open = self.end(side.other()).trouble.as_ref().is_none_or(|trouble| trouble.zero_windows == 0)
            && self.end(side).trouble.as_ref().is_none_or(|trouble| trouble.window_full == 0);
        let waited = covers_fin && self.shown(side).waited_at(fin) && windows_open;
        if waited {
            self.machine.prove(side, TcpState::CloseWait);
        }
        self.machine.apply_as(side, Event::SendFin, if waited { Observed } else { Implied }, packet, ts);
    }

    /// `side` sends its FIN again: the acknowledgment of the first has not reached it.
    fn closes_again(
        &mut self,
        side: Side,
        covers_fin: bool,
        packet: Option<crate::record::PacketNumber>,
        ts: Timestamp,
    ) {
        use TcpState::{Closed, Closing, FinWait1, FinWait2, TimeWait};
        if self.reset_seen {
            return;
        }
        while matches!(self.machine.state(side), Some(FinWait2 | TimeWait | Closed)) && self.machine.revoke(side) {}
        if covers_fin && self.shown(side).closed_first {
            if self.machine.state(side) == Some(FinWait1) {
                self.machine.apply(side, Event::ReceiveFin, packet, ts);
            }
            self.machine.prove(side, Closing);
        }
    }

    fn synchronize(&mut self, segment: &Segment<'_>, side: Side) {
        let peer = side.other();
        let (packet, ts) = (Some(segment.at.number), segment.at.timestamp);
        // It has not got what it was thought to have: it sends its SYN again.
        let again = self.shown(side).synchronizes(segment);
        while again
            && matches!(self.machine.state(side), Some(TcpState::Established | TcpState::CloseWait | TcpState::Closed))
            && self.machine.revoke(side)
        {}
        let Some(ack) = segment.acknowledged() else {
            self.shown(side).called = true;
            if !again && !self.machine.apply(side, Event::SendSyn, packet, ts) {
                // It comes behind what answers it: a tap's order.
                self.machine.prove(side, TcpState::SynSent);
            }
            return;
        };
        self.shown(side).answered = true;
        let opening = matches!(self.machine.state(side), None | Some(TcpState::SynSent | TcpState::SynReceived));
        if again && !opening {
            // A copy that comes late.
            return;
        }
        let crossing = self.machine.state(side) == Some(TcpState::SynSent);
        self.machine.apply(side, Event::SendSynAck, packet, ts);
        let own = self.end(side);
        if own.initial.zip(own.acknowledged).is_some_and(|(initial, acknowledged)| before(initial, acknowledged)) {
            self.machine.apply(side, Event::ReceiveAckOfSyn, packet, ts);
        }
        if self.machine.state(peer).is_none() {
            // Its SYN was not captured.
            if let Some(step) = state::next(None, Event::SendSyn) {
                let step = Step { certainty: Implied, ..step };
                self.machine.record(peer, Some(TcpState::Closed), step, packet, ts);
            }
        }
        let acknowledges = self.end(peer).initial.is_none_or(|initial| before(initial, ack));
        if acknowledges && !(crossing && self.machine.state(peer) == Some(TcpState::SynSent)) {
            self.machine.apply(peer, Event::ReceiveSynAck, packet, ts);
        }
    }

    fn reset(&mut self, segment: &Segment<'_>, side: Side) {
        use TcpState::{SynReceived, SynSent};
        let peer = side.other();
        let (packet, ts) = (Some(segment.at.number), segment.at.timestamp);
        let sequence = segment.header.sequence_number;
        let (sender, receiver) = (self.end(side), self.end(peer));
        let opening = matches!(self.machine.state(side), Some(SynSent | SynReceived));
        let at_start = sender.initial.is_some_and(|initial| sequence.wrapping_sub(initial) <= 1);
        // While it opens a connection, an endpoint answers what belongs to another one with RST, too, and goes on; the
        // RST takes its number from what it answers (RFC 9293 3.10.7.3, 3.10.7.4).
        if sender.initial.is_some()
            && (opening && !at_start || !self.shown_of(side).is_near(sender.initial, sequence, 0))
        {
            return;
        }
        let valid = match self.machine.state(peer) {
            // In SYN-SENT an RST counts when it acknowledges the SYN.
            Some(SynSent) => {
                let expected = receiver.next;
                segment.acknowledged().is_none_or(|ack| receiver.initial.is_none_or(|initial| before(initial, ack)))
                    && expected.is_some()
            }
            // Else its sequence number must be the one expected next (RFC 5961 3.2). What the peer has acknowledged is
            // the least it can be, what was sent the most.
            _ => receiver.last_ack.is_none_or(|expected| {
                expected == sequence
                    || before(expected, sequence) && sender.next.is_none_or(|next| !before(next, sequence))
            }),
        };
        let refused = self.machine.state(peer) == Some(SynSent) && self.machine.state(side).is_none();
        self.reset_sent_by_closed |= self.machine.state(side) == Some(TcpState::Closed) || sender.fin.is_some();
        if refused {
            // There was no connection on this side, and there is none: nothing changes.
            self.machine.set(side, Some(TcpState::Closed));
        } else {
            // TIME-WAIT answers with ACK, not RST: whoever resets had not got there yet (RFC 9293 3.10.7.4).
            while self.machine.state(side) == Some(TcpState::TimeWait) && self.machine.revoke(side) {}
            let doubtful = (opening || self.machine.is_doubtful(side)) && !at_start;
            let certainty = if doubtful { Implied } else { Observed };
            self.machine.apply_as(side, Event::SendReset, certainty, packet, ts);
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

    /// An ICMP error says that what `side` sent cannot be delivered; answers whether that ends it, now or before.
    pub fn unreachable(&mut self, side: Side, at: PacketRef) -> bool {
        if self.machine.apply(side, Event::ReceiveUnreachable, Some(at.number), at.timestamp) {
            self.refused_by_icmp = Some(at.number);
        }
        self.refused_by_icmp.is_some()
    }

    /// Time alone closes it.
    pub fn expired(&mut self, deadline: Timestamp) {
        for side in [Side::Client, Side::Server] {
            self.machine.apply(side, Event::TimeWaitEnds, None, deadline);
            self.gave_up |= self.machine.apply(side, Event::GivesUp, None, deadline);
        }
    }
}
