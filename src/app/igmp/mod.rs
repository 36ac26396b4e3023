//! Who listens to which multicast group, and who asks: IGMP versions 1 to 3 (RFC 1112, RFC 2236, RFC 9776) and MLD versions 1
//! and 2 (RFC 2710, RFC 9777), of one sender to one address a record.
//!
//! Whether a report of versions 1 and 2 joins or answers a query is not to be seen in it: such groups are reported, those that a
//! record of version 3 says changed are joined or left. The other members of a link speak in flows of their own.
mod messages;
mod session;
#[cfg(test)]
mod tests;

use super::{Carrier, Protocol, Verdict, codec::above_ip::MessageSession};

/// Its number above IP (IANA).
const NUMBER: u8 = 2;
/// Number of ICMPv6, of which MLD is a part.
const ICMPV6: u8 = 58;

/// IGMP.
pub static PROTOCOL: Protocol = Protocol {
    name: "igmp",
    probe: |asked| match asked.carrier {
        Carrier::Ip(NUMBER) if messages::igmp(asked.bytes).is_some() => Verdict::Certain,
        _ => Verdict::No,
    },
    session: |_| Box::<MessageSession<session::Igmp>>::default(),
};

/// MLD.
pub static MLD_PROTOCOL: Protocol = Protocol {
    name: "mld",
    probe: |asked| match asked.carrier {
        Carrier::Ip(ICMPV6) if messages::mld(asked.bytes).is_some() => Verdict::Certain,
        _ => Verdict::No,
    },
    session: |_| Box::<MessageSession<session::Mld>>::default(),
};
