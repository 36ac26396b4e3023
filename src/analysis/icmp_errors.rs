//! ICMP errors by what they say and of whom: one finding for what happened many times, tied to the first flow it happened to.
use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::finding;
use crate::{
    limits,
    record::{Endpoint, Evidence, Finding, FlowId, IcmpErrorFact, Severity, Timestamp, Transport},
};

/// Time that a sender needs to hear of a smaller path MTU, in nanoseconds: what was under way does not count.
const HEARD_NS: i64 = 1_000_000_000;
/// Packets too large after that, from which on the sender does not listen.
const DEAF: u64 = 3;

/// What errors are told together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    TimeExceeded,
    Reassembly,
    TooBig,
    PortUnreachable,
    Unreachable(&'static str),
    Redirect,
    SourceQuench,
    Parameter,
}

fn kind(error: &IcmpErrorFact) -> Kind {
    match error.reason() {
        "time exceeded" => Kind::TimeExceeded,
        "fragment reassembly time exceeded" => Kind::Reassembly,
        "fragmentation needed" => Kind::TooBig,
        "port unreachable" => Kind::PortUnreachable,
        "redirect" => Kind::Redirect,
        "source quench" => Kind::SourceQuench,
        "parameter problem" => Kind::Parameter,
        reason => Kind::Unreachable(reason),
    }
}

/// Who sent the packets, to whom, and who complains.
type Key = (Kind, IpAddr, IpAddr, IpAddr);

#[derive(Debug)]
struct Group {
    first: IcmpErrorFact,
    count: u64,
    evidence: Evidence,
    ports: BTreeSet<u16>,
    mtu: Option<u32>,
    /// When the MTU was told first, and packets larger than that since the sender must have heard.
    told: Timestamp,
    deaf: u64,
    longest: u32,
}

/// All of a run.
#[derive(Debug, Default)]
pub(super) struct IcmpErrors {
    groups: BTreeMap<Key, Group>,
}

impl IcmpErrors {
    /// Counts an error in; false when there was no room. Those that another finding tells are left out.
    pub fn add(&mut self, error: &IcmpErrorFact) -> bool {
        if error.told || matches!(error.application, Some("dns" | "mdns" | "llmnr")) {
            return true;
        }
        let key = (kind(error), error.source.address, error.target.address, error.by);
        if self.groups.len() >= limits::MAX_COMPARED_NEIGHBORS && !self.groups.contains_key(&key) {
            return false;
        }
        let group = self.groups.entry(key).or_insert_with(|| Group {
            first: *error,
            count: 0,
            evidence: Evidence::new(),
            ports: BTreeSet::new(),
            mtu: error.mtu,
            told: error.at.timestamp,
            deaf: 0,
            longest: 0,
        });
        group.add(error);
        true
    }

    /// What is told of them. `traced` are the hosts between which somebody followed the path: their errors are meant.
    pub fn findings(&self, traced: &BTreeSet<(IpAddr, IpAddr)>) -> Vec<Finding> {
        let groups = self.groups.iter();
        groups
            .filter_map(|((kind, source, target, _), group)| group.finding(*kind, traced.contains(&(*source, *target))))
            .collect()
    }
}

impl Group {
    fn add(&mut self, error: &IcmpErrorFact) {
        self.count = self.count.saturating_add(1);
        self.evidence.add(error.at.number);
        if self.ports.len() < limits::MAX_CLAIMS {
            self.ports.insert(error.target.port);
        }
        let length = error.quoted_length.unwrap_or_default();
        self.longest = self.longest.max(length);
        if let (Some(known), Some(now)) = (self.mtu, error.mtu) {
            let heard = error.at.timestamp.since(self.told) > HEARD_NS;
            if now < known {
                (self.mtu, self.told) = (Some(now), error.at.timestamp);
            } else if heard && length > known {
                self.deaf = self.deaf.saturating_add(1);
            }
        }
        self.mtu = self.mtu.or(error.mtu);
    }

    fn finding(&self, kind: Kind, traced: bool) -> Option<Finding> {
        let error = &self.first;
        let (source, target, by) = (error.source.address, error.target.address, error.by);
        let what = match error.transport {
            Transport::Tcp => "TCP segments",
            Transport::Udp => "datagrams",
            Transport::Ip(1 | 58) => "pings",
            _ => "packets",
        };
        let count = self.count;
        let times = if count == 1 { "once".to_owned() } else { format!("{count} times") };
        let ports = match (error.transport, self.ports.len()) {
            (Transport::Tcp | Transport::Udp, 1) => format!(" port {}", error.target.port),
            (Transport::Tcp | Transport::Udp, several) if several >= limits::MAX_CLAIMS => " many ports".to_owned(),
            (Transport::Tcp | Transport::Udp, several) => format!(" {several} ports"),
            _ => String::new(),
        };
        let v6 = error.v6;
        let (severity, code, title, explanation, reference): (_, _, String, &str, _) = match kind {
            Kind::TimeExceeded if traced => return None,
            Kind::TimeExceeded => (
                Severity::Warning,
                "icmp.time-exceeded",
                format!("{by} dropped {what} from {source} to {target}, which had passed too many routers, {times}"),
                "Each router takes one from a packet's hop limit, and drops it at zero. Either packets go round in circles \
                 between routers whose tables contradict each other (a traceroute shows the same addresses again and again), or \
                 the sender began with too small a number.",
                if v6 { "RFC 4443 3.3" } else { "RFC 792" },
            ),
            Kind::Reassembly => (
                Severity::Warning,
                "icmp.reassembly-timeout",
                format!("{by} gave up putting fragments of {what} from {source} together, {times}"),
                "A fragment was lost, or a firewall lets only the first one pass; without it the rest is worth nothing. Send \
                 smaller datagrams, so that nothing needs to be fragmented.",
                if v6 { "RFC 4443 3.3" } else { "RFC 792" },
            ),
            Kind::TooBig => return Some(self.too_big(what)),
            Kind::PortUnreachable if traced || error.transport == Transport::Tcp => return None,
            Kind::PortUnreachable => (
                Severity::Note,
                "icmp.port-unreachable",
                format!("nobody listens at {target}{ports}: {by} told {source} so {times}"),
                "The datagram reached the host, but no program has that port open, or the program that had it has ended. Many \
                 ports one after the other are a scan.",
                if v6 { "RFC 4443 3.1" } else { "RFC 1122 3.2.2.1" },
            ),
            Kind::Unreachable(reason) => (
                Severity::Warning,
                "icmp.unreachable",
                format!("{by} could not deliver {what} from {source} to {target}{ports}: {reason}, {times}"),
                "Administratively prohibited is a firewall's answer. Host or address unreachable comes from the last router, which \
                 got no answer to ARP or Neighbor Discovery: the host is down. Network unreachable and no route are a matter \
                 of the router's table.",
                if v6 { "RFC 4443 3.1" } else { "RFC 1812 5.2.7.1" },
            ),
            Kind::Redirect => {
                let gateway = error.gateway.map_or_else(String::new, |gateway| format!(" through {gateway}"));
                (
                    Severity::Note,
                    "icmp.redirect",
                    format!("{by} told {source} to send packets for {target}{gateway}, {times}"),
                    "The router passed the packet on to the very network it came from: there is a shorter way. Harmless when a \
                     network has several routers; but anybody on the link can forge such messages to have traffic sent through \
                     himself, and most systems can be told to ignore them.",
                    "RFC 1812 5.2.7.2",
                )
            }
            Kind::SourceQuench => (
                Severity::Note,
                "icmp.source-quench",
                format!("{by} asked {source} to send less to {target}, {times}"),
                "Nobody should send this message any more, and nobody should obey it: it is obsolete, as it was easy to forge. \
                 Look for very old equipment.",
                "RFC 6633",
            ),
            Kind::Parameter => (
                Severity::Warning,
                "icmp.parameter-problem",
                format!("{by} could not read a header of {what} from {source} to {target}, {times}"),
                "A field or an option of the IP header, or an IPv6 extension header, is wrong or unknown to the receiver, which \
                 therefore dropped the packet.",
                if v6 { "RFC 4443 3.4" } else { "RFC 792" },
            ),
        };
        Some(self.tell(severity, code, title, explanation, reference))
    }

    fn too_big(&self, what: &str) -> Finding {
        let error = &self.first;
        let (source, target, by) = (error.source.address, error.target.address, error.by);
        let limit = self.mtu.map_or_else(|| "so large".to_owned(), |mtu| format!("larger than {mtu} bytes"));
        let reference = if error.v6 { "RFC 8201" } else { "RFC 1191" };
        if self.deaf >= DEAF {
            return self.tell(
                Severity::Warning,
                "icmp.path-mtu-ignored",
                format!(
                    "packets {limit} do not fit at {by}, but {source} went on sending {} bytes to {target} ({} errors)",
                    self.longest, self.count
                ),
                "The router told how large packets may be, and the sender does not act on it: the messages do not reach it (a \
                 firewall drops ICMP), or the program sets no smaller size. Small packets pass and large ones never do: connections \
                 open and then hang. Let \"fragmentation needed\" and \"packet too big\" pass, or clamp the MSS at the tunnel.",
                "RFC 2923 2.1",
            );
        }
        self.tell(
            Severity::Note,
            "icmp.fragmentation-needed",
            format!("packets {limit} do not fit at {by}, on the way from {source} to {target}"),
            &format!(
                "A link behind that router takes smaller packets, as tunnels do. It dropped {what} of up to {} bytes and told the \
                 sender, who should send smaller ones from then on: this is how path MTU discovery works.",
                self.longest
            ),
            reference,
        )
    }

    fn tell(
        &self,
        severity: Severity,
        code: &'static str,
        title: String,
        explanation: &str,
        reference: &'static str,
    ) -> Finding {
        let error = &self.first;
        let flow: Option<FlowId> = error.flow;
        let end = |end: Endpoint| match error.transport {
            Transport::Tcp | Transport::Udp => end,
            _ => Endpoint { port: 0, ..end },
        };
        let ends = (flow, Some(end(error.source)), Some(end(error.target)));
        finding(severity, code, ends, self.evidence.clone(), (title, explanation), reference)
    }
}
