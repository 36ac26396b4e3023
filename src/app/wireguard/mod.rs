//! WireGuard (<https://www.wireguard.com/protocol/>): four messages, told by their type and exact length. One `application`
//! record a flow, under Wireshark's name `wg`: handshakes with their latency, and how much was sent by each side. What is
//! inside is encrypted.
use super::{Carrier, Protocol};

mod session;

/// WireGuard over UDP.
pub static PROTOCOL: Protocol =
    Protocol { name: "wg", probe: session::probe, session: |_: Carrier| Box::<session::WireGuard>::default() };
