//! Where a handshake that is not over stands, and whose message is next: for a display. The records are `report`'s.
use super::{
    conversation::{Conversation, Handshake},
    state::Stage,
};
use crate::record::{Side, Underway};

impl Conversation {
    /// The handshake being watched, unless it is over but for what may follow.
    pub(super) fn underway(&self) -> Option<Underway> {
        let handshake = self.current.as_deref()?;
        let waits = handshake.machine.stage() == Stage::Negotiating && handshake.ending.is_none();
        let (first, last) = (handshake.phases.first()?, handshake.phases.last()?);
        waits.then(|| Underway::Handshake {
            transport: self.transport,
            server_name: handshake.client_hellos.first().and_then(|hello| hello.server_name.clone()),
            phase: last.name,
            waiting_for: handshake.next_to_speak(last.side, last.name),
            since: last.ts,
            began: first.ts,
        })
    }
}

impl Handshake {
    /// Who speaks next, once `side` said `phase` last: the other side, unless more of the same flight must follow.
    fn next_to_speak(&self, side: Side, phase: &str) -> Side {
        if phase == "hello_retry_request" {
            return Side::Client;
        }
        let finished = |side| self.machine.finished(side);
        let more = match (side, self.machine.is_tls13()) {
            // RFC 9846 2: the server's flight ends with its Finished.
            (Side::Server, Some(true)) => !finished(Side::Server),
            // The client's does, and begins behind the server's.
            (Side::Client, Some(true)) => finished(Side::Server) && !finished(Side::Client),
            // RFC 5246 7.3: ServerHello, Certificate and so on up to ServerHelloDone; ChangeCipherSpec and Finished.
            (Side::Server, _) => phase != "server_hello_done" && !finished(Side::Server),
            (Side::Client, _) => phase != "client_hello" && !finished(Side::Client),
        };
        if more { side } else { side.other() }
    }
}
