//! QUIC (RFC 9000, 9001, 9369, the drafts, and Facebook's and Google's variants): packet headers, and the Initial
//! packets opened, whose keys anyone can derive from the client's first Destination Connection ID (RFC 9001,
//! section 5.2). Their CRYPTO bytes are handed on as an inner stream.
//!
//! It does not read TLS, and not what needs keys that only the ends have: Handshake, 0-RTT and 1-RTT packets.
mod connection;
mod frames;
mod header;
mod keys;
mod note;
mod probe;
mod session;
#[cfg(test)]
mod vectors;
mod version;

use super::{Carrier, Protocol, Session};

/// The protocol.
pub static PROTOCOL: Protocol = Protocol { name: "quic", probe: probe::probe, session };

fn session(_: Carrier) -> Box<dyn Session> {
    Box::new(session::Quic::default())
}
