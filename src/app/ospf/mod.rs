//! OSPF versions 2 and 3 (RFC 2328, RFC 5340): who speaks to whom on which terms, packets counted by type, of one pair of
//! addresses a record. Link state advertisements are counted, not read. Terms that do not match are compared in the
//! analysis; an MTU that does not match shows in the two routers' own flow.
mod packet;
mod session;
#[cfg(test)]
mod tests;

use super::{Carrier, Protocol, Verdict, codec::above_ip::MessageSession};

/// Its number above IP (IANA).
const NUMBER: u8 = 89;

/// OSPF.
pub static PROTOCOL: Protocol = Protocol {
    name: "ospf",
    probe: |asked| match asked.carrier {
        Carrier::Ip(NUMBER) if packet::read(asked.bytes).is_some() => Verdict::Certain,
        _ => Verdict::No,
    },
    session: |_| Box::<MessageSession<session::Ospf>>::default(),
};
