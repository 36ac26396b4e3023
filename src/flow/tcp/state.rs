//! The states of one endpoint (RFC 9293 3.3.2) as a pure step function: a state and an event give a new state, the
//! rule that was applied, and how sure that is. It knows no packets, no sequence numbers and no other endpoint.
use crate::record::{Certainty, TcpState};

use TcpState::{
    CloseWait, Closed, Closing, Established, FinWait1, FinWait2, LastAck, Listen, SynReceived, SynSent, TimeWait,
};

/// What happened, seen from one endpoint. "Sends" is seen on the wire; "receives" is concluded from what passed by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Event {
    /// Sends SYN without ACK: an active OPEN.
    SendSyn,
    /// Sends SYN and ACK.
    SendSynAck,
    /// Sends a segment that only a synchronized endpoint sends: ACK without SYN or RST.
    SendAck,
    /// Sends FIN.
    SendFin,
    /// Sends an RST that aborts its connection.
    SendReset,
    /// Receives SYN and ACK that acknowledges its SYN.
    ReceiveSynAck,
    /// Receives an ACK of its SYN, without SYN.
    ReceiveAckOfSyn,
    /// Receives an ACK of its FIN.
    ReceiveAckOfFin,
    /// Receives FIN, with all before it.
    ReceiveFin,
    /// Receives an RST that is valid by its sequence number.
    ReceiveReset,
    /// Is told by ICMP that the other end cannot be reached.
    ReceiveUnreachable,
    /// Twice the maximum segment lifetime has passed in TIME-WAIT.
    TimeWaitEnds,
    /// Nobody answered for so long that the user timeout has passed.
    GivesUp,
}

/// A step: the new state and the rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// The new state.
    pub to: TcpState,
    /// How sure it is at once; what the endpoint sends later may confirm it.
    pub certainty: Certainty,
    /// The event in words, seen from the endpoint.
    pub event: &'static str,
    /// Where the rule is written.
    pub rule: &'static str,
}

const fn step(to: TcpState, certainty: Certainty, event: &'static str, rule: &'static str) -> Option<Step> {
    Some(Step { to, certainty, event, rule })
}

/// What `event` does to an endpoint in `state`; `None` as a state means that the capture has not shown it yet.
/// Answers nothing when the state stays (a retransmission, an event that does not fit).
#[must_use]
pub fn next(state: Option<TcpState>, event: Event) -> Option<Step> {
    use Certainty::{Assumed, Implied, Observed};
    match (state, event) {
        // An active OPEN sends a SYN; a connection that had ended begins anew.
        (None | Some(Closed | Listen | TimeWait), Event::SendSyn) => {
            step(SynSent, Observed, "send SYN", "RFC 9293 3.10.1")
        }
        // A listening endpoint answers a SYN with SYN and ACK.
        (None | Some(Closed | Listen | TimeWait), Event::SendSynAck) => {
            step(SynReceived, Observed, "receive SYN, send SYN-ACK", "RFC 9293 3.10.7.2")
        }
        // Simultaneous open: a SYN came instead of a SYN-ACK, and is answered with SYN and ACK.
        (Some(SynSent), Event::SendSynAck) => {
            step(SynReceived, Observed, "receive SYN, send SYN-ACK", "RFC 9293 3.10.7.3")
        }
        // The SYN was acknowledged and the peer's SYN is here: the handshake is complete for this end.
        (Some(SynSent), Event::ReceiveSynAck) => step(Established, Implied, "receive SYN-ACK", "RFC 9293 3.10.7.3"),
        // It acknowledges: it must have received the SYN-ACK, whether the capture saw that or not.
        (Some(SynSent), Event::SendAck) => step(Established, Observed, "send ACK of SYN-ACK", "RFC 9293 3.10.7.3"),
        // The peer acknowledged our SYN.
        (Some(SynReceived), Event::ReceiveAckOfSyn | Event::ReceiveSynAck) => {
            step(Established, Implied, "receive ACK of SYN", "RFC 9293 3.10.7.4")
        }
        // It sends as only an established endpoint does: the ACK of its SYN must have arrived.
        (Some(SynReceived), Event::SendAck) => {
            step(Established, Observed, "send after ACK of SYN", "RFC 9293 3.10.7.4")
        }
        // The capture joined late: the endpoint is synchronized, nothing more is known; it may have sent FIN before.
        (None, Event::SendAck) => step(Established, Assumed, "send in a connection already open", "RFC 9293 3.3.2"),
        // The user closed first.
        (None | Some(Established | SynReceived | SynSent), Event::SendFin) => {
            step(FinWait1, Observed, "send FIN", "RFC 9293 3.10.4")
        }
        // The user closed after the peer.
        (Some(CloseWait), Event::SendFin) => step(LastAck, Observed, "send FIN", "RFC 9293 3.10.4"),
        // The peer closed first.
        (None | Some(Established | SynReceived), Event::ReceiveFin) => {
            step(CloseWait, Implied, "receive FIN", "RFC 9293 3.10.7.4")
        }
        // Our FIN was acknowledged; the peer may go on sending.
        (Some(FinWait1), Event::ReceiveAckOfFin) => step(FinWait2, Implied, "receive ACK of FIN", "RFC 9293 3.10.7.4"),
        // Both closed at once: the peer's FIN came before the ACK of ours.
        (Some(FinWait1), Event::ReceiveFin) => step(Closing, Implied, "receive FIN", "RFC 9293 3.10.7.4"),
        // The peer closed too: wait until old segments have died out.
        (Some(FinWait2), Event::ReceiveFin) => step(TimeWait, Implied, "receive FIN", "RFC 9293 3.10.7.4"),
        // The second half of a simultaneous close.
        (Some(Closing), Event::ReceiveAckOfFin) => step(TimeWait, Implied, "receive ACK of FIN", "RFC 9293 3.10.7.4"),
        // The last thing this end waited for.
        (Some(LastAck), Event::ReceiveAckOfFin) => step(Closed, Implied, "receive ACK of FIN", "RFC 9293 3.10.7.4"),
        // An RST says that its sender has no such connection, or no longer. One in TIME-WAIT answers old segments.
        (
            Some(SynSent | SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck),
            Event::SendReset,
        ) => step(Closed, Observed, "send RST", "RFC 9293 3.10.5"),
        // Nothing else was seen of this end: what it was before cannot be told. It may be listening.
        (None, Event::SendReset) => step(Closed, Implied, "send RST", "RFC 9293 3.10.7.1"),
        // Refused.
        (Some(SynSent), Event::ReceiveReset) => step(Closed, Implied, "receive RST", "RFC 9293 3.10.7.3"),
        // Reset by the peer. In TIME-WAIT too, though RFC 1337 3 advises to ignore it there; Linux closes by default.
        (
            Some(SynReceived | Established | FinWait1 | FinWait2 | CloseWait | Closing | LastAck | TimeWait),
            Event::ReceiveReset,
        ) => step(Closed, Implied, "receive RST", "RFC 9293 3.10.7.4"),
        // ICMP's hard errors abort the attempt to connect.
        (Some(SynSent), Event::ReceiveUnreachable) => {
            step(Closed, Implied, "receive ICMP unreachable", "RFC 9293 3.9.2.2")
        }
        // Old segments have died out.
        (Some(TimeWait), Event::TimeWaitEnds) => step(Closed, Assumed, "2 MSL passed", "RFC 9293 3.10.8"),
        // No answer for too long.
        (Some(SynSent | SynReceived), Event::GivesUp) => step(Closed, Assumed, "user timeout", "RFC 9293 3.10.8"),
        // A retransmission, or an event that changes nothing in this state.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(start: Option<TcpState>, events: &[Event]) -> Vec<TcpState> {
        let mut state = start;
        let mut states = Vec::new();
        for event in events {
            if let Some(step) = next(state, *event) {
                state = Some(step.to);
                states.push(step.to);
            }
        }
        states
    }

    #[test]
    fn active_open_and_active_close() {
        let events = [
            Event::SendSyn,
            Event::ReceiveSynAck,
            Event::SendAck,
            Event::SendFin,
            Event::ReceiveAckOfFin,
            Event::ReceiveFin,
            Event::TimeWaitEnds,
        ];
        assert_eq!(run(None, &events), [SynSent, Established, FinWait1, FinWait2, TimeWait, Closed]);
    }

    #[test]
    fn passive_open_and_passive_close() {
        let events = [
            Event::SendSynAck,
            Event::SendSynAck,
            Event::ReceiveAckOfSyn,
            Event::ReceiveFin,
            Event::SendAck,
            Event::SendFin,
            Event::SendFin,
            Event::ReceiveAckOfFin,
        ];
        assert_eq!(run(None, &events), [SynReceived, Established, CloseWait, LastAck, Closed]);
    }

    #[test]
    fn simultaneous_open_and_close() {
        let events = [
            Event::SendSyn,
            Event::SendSynAck,
            Event::ReceiveSynAck,
            Event::SendFin,
            Event::ReceiveFin,
            Event::ReceiveAckOfFin,
        ];
        assert_eq!(run(None, &events), [SynSent, SynReceived, Established, FinWait1, Closing, TimeWait]);
    }

    #[test]
    fn refused_and_given_up() {
        assert_eq!(run(None, &[Event::SendSyn, Event::ReceiveReset]), [SynSent, Closed]);
        assert_eq!(run(None, &[Event::SendSyn, Event::ReceiveUnreachable]), [SynSent, Closed]);
        assert_eq!(run(None, &[Event::SendSyn, Event::SendSyn, Event::GivesUp]), [SynSent, Closed]);
        assert_eq!(run(None, &[Event::SendReset]), [Closed]);
    }

    #[test]
    fn late_start() {
        assert_eq!(run(None, &[Event::SendAck, Event::SendAck, Event::ReceiveFin]), [Established, CloseWait]);
        assert_eq!(run(None, &[Event::ReceiveFin, Event::SendFin]), [CloseWait, LastAck]);
    }

    #[test]
    fn unreachable_is_soft_once_established() {
        assert_eq!(next(Some(Established), Event::ReceiveUnreachable), None);
    }

    #[test]
    fn no_event_leaves_closed_but_a_new_open() {
        for event in [
            Event::SendAck,
            Event::SendFin,
            Event::SendReset,
            Event::ReceiveSynAck,
            Event::ReceiveAckOfSyn,
            Event::ReceiveAckOfFin,
            Event::ReceiveFin,
            Event::ReceiveReset,
            Event::ReceiveUnreachable,
            Event::TimeWaitEnds,
            Event::GivesUp,
        ] {
            assert_eq!(next(Some(Closed), event), None, "{event:?}");
        }
        assert_eq!(run(Some(Closed), &[Event::SendSyn]), [SynSent]);
    }

    #[test]
    fn a_reset_closes_every_open_state() {
        for state in [SynSent, SynReceived, Established, FinWait1, FinWait2, CloseWait, Closing, LastAck] {
            assert_eq!(run(Some(state), &[Event::ReceiveReset]), [Closed]);
            assert_eq!(run(Some(state), &[Event::SendReset]), [Closed]);
        }
        assert_eq!(run(Some(TimeWait), &[Event::SendReset]), []);
        assert_eq!(run(Some(TimeWait), &[Event::ReceiveReset]), [Closed]);
    }
}
