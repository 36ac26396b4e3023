//! VRRP versions 2 and 3 (RFC 3768, RFC 9568), and CARP, which looks much like version 2: who advertises which virtual router, of
//! one sender a record each. Whether there are two masters, or another one, is compared in the analysis.
mod packet;
mod session;
#[cfg(test)]
mod tests;

use super::{Carrier, Protocol, Verdict, codec::above_ip::MessageSession};

/// Its number above IP (IANA); CARP took the same.
const NUMBER: u8 = 112;

/// VRRP.
pub static PROTOCOL: Protocol = Protocol {
    name: "vrrp",
    probe: |asked| match asked.carrier {
        Carrier::Ip(NUMBER) if packet::read(asked.bytes, asked.flow.client.address).is_some() => Verdict::Certain,
        _ => Verdict::No,
    },
    session: |_| Box::<MessageSession<session::Vrrp>>::default(),
};
