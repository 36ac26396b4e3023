//! WebSocket (RFC 6455): the frames behind an upgrade. Only HTTP knows that they follow: nothing in them tells, so that the
//! probe never says yes, and the protocol is reached by name.
//!
//! [`frame`] reads heads and Close frames, `session` counts what passes and finds what breaks the rules. Payload of messages
//! passes unseen.
use super::{Carrier, Protocol, Session, Verdict};

mod frame;
mod note;
mod session;

/// The protocol.
pub static PROTOCOL: Protocol = Protocol { name: "websocket", probe: |_| Verdict::No, session };

fn session(carrier: Carrier) -> Box<dyn Session> {
    Box::new(session::Websocket::new(carrier))
}
