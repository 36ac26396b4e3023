//! IPsec's ESP (RFC 4303) and IPComp (RFC 3173): which security associations there are in each direction, how far their numbers
//! came, what is missing and what came twice. Nothing is decrypted; that ESP does not encrypt is said where readable packets
//! prove it.
//!
//! What is behind an Authentication Header (RFC 4302) is a flow of its own protocol: the header itself is seen in `packets` only.
mod numbers;
mod session;
#[cfg(test)]
mod tests;

use super::{Carrier, Protocol, Verdict, codec::above_ip::MessageSession};

/// ESP's number above IP (IANA).
const ESP: u8 = 50;
/// IPComp's.
const IPCOMP: u8 = 108;

/// ESP.
pub static ESP_PROTOCOL: Protocol = Protocol {
    name: "esp",
    probe: |asked| match asked.carrier {
        Carrier::Ip(ESP) if asked.bytes.len() >= 8 => Verdict::Certain,
        _ => Verdict::No,
    },
    session: |_| Box::<MessageSession<session::Esp>>::default(),
};

/// IPComp.
pub static IPCOMP_PROTOCOL: Protocol = Protocol {
    name: "ipcomp",
    probe: |asked| match asked.carrier {
        Carrier::Ip(IPCOMP) if asked.bytes.len() >= 4 => Verdict::Certain,
        _ => Verdict::No,
    },
    session: |_| Box::<MessageSession<session::Ipcomp>>::default(),
};
