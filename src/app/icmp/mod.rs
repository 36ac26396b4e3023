//! ICMP and ICMPv6 between two addresses: pings and the other queries (RFC 792, RFC 950, RFC 4443 4, RFC 8335), and IPv6
//! Neighbor Discovery (RFC 4861). Errors belong to the flows whose packets they quote and are told to those.
use super::{Carrier, Probe, Protocol, Verdict};

mod echo;
mod neighbor;
mod options;
#[cfg(test)]
mod tests;

/// Number of ICMP as a protocol of IPv4.
const ICMP: u8 = 1;
/// Number of ICMPv6.
const ICMPV6: u8 = 58;

/// Queries and their replies.
pub static QUERY: Protocol =
    Protocol { name: "icmp", probe: probe_query, session: |carrier: Carrier| Box::new(echo::Echo::new(carrier)) };

/// Neighbor Discovery.
pub static NEIGHBOR: Protocol =
    Protocol { name: "icmpv6", probe: probe_neighbor, session: |_: Carrier| Box::<neighbor::Neighborhood>::default() };

fn probe_query(probe: &Probe<'_>) -> Verdict {
    match (probe.carrier, probe.bytes) {
        (Carrier::Ip(number @ (ICMP | ICMPV6)), [kind, ..]) if echo::query_of(number == ICMPV6, *kind).is_some() => {
            Verdict::Certain
        }
        _ => Verdict::No,
    }
}

fn probe_neighbor(probe: &Probe<'_>) -> Verdict {
    match (probe.carrier, probe.bytes) {
        (Carrier::Ip(ICMPV6), [133..=137, 0, ..]) => Verdict::Certain,
        _ => Verdict::No,
    }
}
