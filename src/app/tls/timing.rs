//! Whose time passed between two messages of a handshake: the network's, as TCP measured it, and what is beyond.
//! It judges one step at a time and keeps nothing.
use crate::record::{Context, Side, WaitingFor};

/// The time before a message, divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Share {
    /// Who had the larger part.
    pub(super) waiting_for: WaitingFor,
    /// What the way does not explain: the sender's own time, in nanoseconds.
    pub(super) thinking_ns: i64,
}

/// Divides the `waited` nanoseconds between a message of side `before` and the message `name` of side `now`; null when
/// TCP measured no round trip.
///
/// An answer takes the way from the place of the capture to who answers and back; what is beyond was thinking. What
/// follows a message of the same side needs no way at all, unless a server's flight is larger than the congestion window
/// (RFC 6928), so that its rest waits one round trip for ACKs.
pub(super) fn share(before: Side, (now, name): (Side, &str), waited: i64, context: &Context<'_>) -> Option<Share> {
    // One that is negative measured nothing.
    let round_trip = context.round_trip_ns.filter(|time| *time >= 0)?;
    let thinker = match now {
        Side::Client => WaitingFor::Client,
        Side::Server => WaitingFor::Server,
    };
    let server_part = context.server_round_trip_ns.map(|part| part.min(round_trip).max(0));
    let network = match (before == now, server_part, now) {
        (true, _, Side::Server) if is_of_first_flight(name) && waited <= round_trip.saturating_mul(3) / 2 => waited,
        (true, ..) => 0,
        (false, None, _) => round_trip,
        (false, Some(part), Side::Server) => part,
        (false, Some(part), Side::Client) => round_trip.saturating_sub(part),
    };
    let thinking_ns = waited.saturating_sub(network).max(0);
    let waiting_for = if thinking_ns > network { thinker } else { WaitingFor::Network };
    Some(Share { waiting_for, thinking_ns })
}

/// Whether the server sends it in the flight that begins with its ServerHello, after a message of its own.
fn is_of_first_flight(name: &str) -> bool {
    matches!(
        name,
        "encrypted_extensions"
            | "certificate"
            | "certificate_status"
            | "server_key_exchange"
            | "certificate_request"
            | "certificate_verify"
            | "server_hello_done"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Certainty, Endpoint, FlowFacts, FlowId, PacketRef, Secrets, Transport};

    /// What is said of a server's message 10 ns after the client's.
    fn answer(round_trip_ns: Option<i64>, server_round_trip_ns: Option<i64>) -> Option<Share> {
        let end = Endpoint { address: [10, 0, 0, 1].into(), port: 443 };
        let (id, transport, client_certainty) = (FlowId::default(), Transport::Tcp, Certainty::Observed);
        let flow = FlowFacts { id, transport, client: end, server: end, client_certainty };
        let context = Context {
            flow: &flow,
            packet: PacketRef::default(),
            origins: &[],
            from_start: true,
            round_trip_ns,
            server_round_trip_ns,
            hop_limit: None,
            secrets: Secrets::none(),
        };
        share(Side::Client, (Side::Server, "server_hello"), 10, &context)
    }

    #[test]
    fn the_way_to_the_server_is_a_part_of_the_round_trip() {
        let share = |waiting_for, thinking_ns| Some(Share { waiting_for, thinking_ns });
        assert_eq!(answer(Some(8), Some(3)), share(WaitingFor::Server, 7));
        assert_eq!(answer(Some(8), Some(9)), share(WaitingFor::Network, 2));
        assert_eq!(answer(Some(8), Some(-1)), share(WaitingFor::Server, 10));
        // A clock that was set back during TCP's handshake.
        assert_eq!(
            (answer(Some(-27_000), Some(3)), answer(Some(-27_000), None), answer(None, None)),
            (None, None, None)
        );
    }
}
