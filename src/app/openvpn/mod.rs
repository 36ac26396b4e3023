//! OpenVPN over TCP and UDP: its control channel, whose reliability layer carries a TLS handshake. The TLS bytes are
//! handed on as an inner stream per key; data packets pass unread.
//!
//! A session is followed from the client's hard reset on, whose length tells whether packets carry an HMAC
//! (`--tls-auth`) and how long it is. Control channels that are encrypted (`--tls-crypt`) are not recognised.
//! There is no RFC; <https://openvpn.net/community-resources/openvpn-protocol/> and Wireshark describe it.
use super::{Carrier, Protocol, Session};

mod packet;
mod session;

/// The protocol.
pub static PROTOCOL: Protocol = Protocol { name: "openvpn", probe: packet::probe, session };

fn session(carrier: Carrier) -> Box<dyn Session> {
    Box::new(session::OpenVpn::new(carrier))
}
