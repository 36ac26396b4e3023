//! Transports with ports besides TCP, UDP and SCTP: DCCP (RFC 4340) and UDP-Lite (RFC 3828). Named and counted; what they carry
//! is not read.
mod session;
#[cfg(test)]
mod tests;

use super::{Carrier, Protocol, Verdict, codec::above_ip::MessageSession};

/// DCCP.
pub static DCCP: Protocol = Protocol {
    name: "dccp",
    probe: |asked| match asked.carrier {
        Carrier::Ip(33) if session::dccp_kind(asked.bytes).is_some() => Verdict::Certain,
        _ => Verdict::No,
    },
    session: |_| Box::<MessageSession<session::Dccp>>::default(),
};

/// UDP-Lite.
pub static UDP_LITE: Protocol = Protocol {
    name: "udplite",
    probe: |asked| match asked.carrier {
        Carrier::Ip(136) if asked.bytes.len() >= 8 => Verdict::Certain,
        _ => Verdict::No,
    },
    session: |_| Box::<MessageSession<session::UdpLite>>::default(),
};
