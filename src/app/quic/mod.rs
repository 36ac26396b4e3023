//! QUIC (RFC 9000, 9001, 9369, the drafts, and Facebook's and Google's variants): packet headers, and packets opened:
//! Initial ones with keys that anyone can derive from the client's first Destination Connection ID (RFC 9001, section
//! 5.2), Handshake, 0-RTT and 1-RTT ones where their secrets were given. The CRYPTO bytes of all levels are handed on as
//! one inner stream, and who reads it is told what passed around it.
//!
//! `header` and `frames` parse, `protection` opens a packet with a key, `keys` and `traffic` know where keys come from,
//! `connection` which packet is whose and of which level, `crypto_stream` puts CRYPTO bytes in order. It does not read TLS
//! beyond the beginnings of the hellos, nor what is in streams.
mod close;
mod connection;
mod crypto_stream;
mod findings;
pub mod frames;
pub mod header;
mod keys;
mod note;
mod packet_record;
mod probe;
mod protection;
mod session;
#[cfg(test)]
mod session_tests;
mod traffic;
#[cfg(test)]
mod vectors;
pub mod version;

use super::{Carrier, Protocol, Session};

/// The protocol.
pub static PROTOCOL: Protocol = Protocol { name: "quic", probe: probe::probe, session };

fn session(_: Carrier) -> Box<dyn Session> {
    Box::new(session::Quic::default())
}
