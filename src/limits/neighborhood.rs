//! Caps of pings, ARP, Neighbor Discovery and what is told of ICMP errors.
use super::Limit;

/// Requests of one ping whose replies are waited for: ten seconds of a hundred a second, 90 KiB at most. The oldest counts as
/// lost when there come more.
pub const MAX_ECHO_OUTSTANDING: usize = 1024;

/// ICMP errors listed of one ping.
pub const MAX_ECHO_ERRORS: usize = 16;

/// Prefixes, DNS servers and search domains listed of one router advertisement, each: RFC 7772 wants them small.
pub const MAX_LISTED_IN_ADVERTISEMENT: usize = 16;

/// [`MAX_ECHO_OUTSTANDING`].
pub static ICMP_ECHO: Limit = Limit {
    code: "icmp.limit",
    what: "replies to pings could not be matched because too many requests were under way",
    explanation: "To bound memory, only so many requests of one ping wait for their reply; the oldest counts as lost when there \
                  come more. Only a flood of pings with long round-trip times reaches that.",
};

/// Steps of traceroutes that are joined, 136 bytes each.
pub const MAX_COMPARED_PROBES: usize = 1 << 15;

/// Hosts, pairs of hosts or addresses whose ARP, Neighbor Discovery or ICMP errors are compared, of each.
pub const MAX_COMPARED_NEIGHBORS: usize = 4096;

/// Link-layer addresses remembered of one address, and other lists of that kind.
pub const MAX_CLAIMS: usize = 16;

/// [`MAX_COMPARED_PROBES`] and [`MAX_COMPARED_NEIGHBORS`].
pub static NEIGHBOR_COMPARISON: Limit = Limit {
    code: "icmp.comparison-limit",
    what: "exchanges of ARP or Neighbor Discovery, ICMP errors or steps of traceroutes were not compared with all others",
    explanation: "To bound memory, only the first so many hosts and probes are compared across flows. A conflict, scan or path \
                  among the rest is not found; filter the capture to what is of interest.",
};
