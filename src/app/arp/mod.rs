//! ARP for IPv4 (RFC 826, RFC 5227) between two addresses: questions with their answers, probes and announcements. What
//! concerns several addresses or hosts, such as conflicts and scans, is put together by those who see all flows.
use super::{Carrier, Probe, Protocol, Verdict};

mod packet;
mod session;
#[cfg(test)]
mod tests;

/// ARP.
pub static PROTOCOL: Protocol = Protocol {
    name: "arp",
    probe: |probe: &Probe<'_>| if probe.carrier == Carrier::Arp { Verdict::Certain } else { Verdict::No },
    session: |_: Carrier| Box::<session::Exchanges>::default(),
};
