//! DHCP (RFC 2131 with the options of RFC 2132), with BOOTP, and DHCPv6 (RFC 8415).
//!
//! The messages of one transaction are in several flows: a client without an address sends to a broadcast or multicast
//! address, and servers answer to another. Sessions therefore only read, message by message, and hand on what they
//! read ([`crate::record::ApplicationPart`]); `analysis::leases` puts transactions together by their id and the client.
use super::{Carrier, Protocol};

mod options;
mod parser;
mod parser6;
mod session;
mod session6;

/// DHCP and BOOTP over UDP.
pub static PROTOCOL: Protocol =
    Protocol { name: "dhcp", probe: parser::probe, session: |_: Carrier| Box::<session::Dhcp>::default() };

/// DHCPv6 over UDP.
pub static PROTOCOL6: Protocol =
    Protocol { name: "dhcpv6", probe: parser6::probe, session: |_: Carrier| Box::<session6::Dhcpv6>::default() };
