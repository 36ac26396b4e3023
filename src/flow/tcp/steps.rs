//! From segments to events: what a segment shows of its sender's state, and of its receiver's.
use super::{
    connection::Connection,
    segment::Segment,
    sequence::before,
    state::{self, Event, Step},
};
use crate::record::{Certainty, Direction, PacketRef, Side, TcpState, Timestamp};

impl Connection {
    /// Steps both endpoints: the sender by what it does, the receiver by what must have reached it.
    pub(super) fn states(&mut self, segment: &Segment<'_>, direction: Direction) {
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
        // In SYN-SENT, an ACK of something else is answered with an RST that takes its number from that ACK; the
        // connection goes on (RFC 9293 3.10.7.3).
        let answers_stray_ack = self.machine.state(side) == Some(TcpState::SynSent)
            && !segment.header.flags.ack()
            && sender.initial.is_some_and(|initial| sequence.wrapping_sub(initial) > 1);
        if answers_stray_ack {
            return;
        }
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
}
