//! SCTP (RFC 9260) right above IP: associations with their handshakes, ends and troubles, one `application` record each, and the
//! user messages of each stream handed on as a stream of bytes ([`Carrier::Sctp`]), so that HTTP over SCTP is read.
//!
//! A flow is between two addresses. Of an association between hosts with several (multi-homing) each pair of addresses is
//! a flow of its own: what is sent over another path is there, and missing here. SCTP inside UDP (RFC 6951) and
//! DTLS inside SCTP (RFC 6083) are not read.
mod association;
mod chunk;
mod names;
mod sequence;
mod session;
mod streams;
#[cfg(test)]
mod tests;

use super::{Carrier, Protocol, Verdict, codec::above_ip::MessageSession};

/// Its number above IP (IANA).
const NUMBER: u8 = 132;

/// SCTP.
pub static PROTOCOL: Protocol = Protocol {
    name: "sctp",
    probe: |asked| match asked.carrier {
        Carrier::Ip(NUMBER) if chunk::header(asked.bytes).is_some() => Verdict::Certain,
        _ => Verdict::No,
    },
    session: |_| Box::<MessageSession<session::Sctp>>::default(),
};
