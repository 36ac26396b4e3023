//! IKE 1 and 2 (RFC 2409 with RFC 2408, RFC 7296), under Wireshark's name `isakmp`, and on port 4500 what RFC 3948 puts into
//! UDP beside it (`udpencap`): ESP, and keepalives of one byte.
//!
//! One `application` record a negotiation, told from others between the same ports by the initiator's SPI, and one for what
//! else passes in the flow. When the ends find a NAT they go on between ports 4500: that is another flow and another
//! record, with the same SPIs. What is encrypted is not opened, so that of IKE 2 the first exchange is told, and of what
//! follows the kinds of exchanges.
use super::{Carrier, Protocol};

mod names;
mod note;
mod parser;
mod session;

/// IKE over UDP.
pub static PROTOCOL: Protocol =
    Protocol { name: "isakmp", probe: parser::probe, session: |_: Carrier| Box::new(session::Isakmp::new(false)) };

/// IKE and ESP in UDP behind a NAT.
pub static ENCAPSULATED: Protocol = Protocol {
    name: "udpencap",
    probe: parser::probe_encapsulated,
    session: |_: Carrier| Box::new(session::Isakmp::new(true)),
};
