//! The way between two hosts, from packets with rising hop limits and the errors that routers sent back. Probes of UDP and TCP
//! are flows of their own, so nobody else sees that they belong together.
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    net::IpAddr,
};

use crate::{
    limits,
    record::{
        AnswerKind, Endpoint, Evidence, IcmpErrorFact, Path, PathHop, ProbeAnswer, ProbeFact, Rtt, Subject, Timestamp,
        Transport,
    },
};

/// A silence that ends a traceroute, in nanoseconds. Programs wait 5 s for each answer, and report rounds of 1 s.
const SILENCE_NS: i64 = 60_000_000_000;

/// What is said of a packet that was too large.
const TOO_BIG: &str = "fragmentation needed";

/// Who asked whom by what.
type Key = (IpAddr, IpAddr, Method);

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Method {
    Icmp,
    Udp,
    Tcp,
}

fn method(transport: Transport) -> Option<Method> {
    match transport {
        Transport::Ip(1 | 58) => Some(Method::Icmp),
        Transport::Udp => Some(Method::Udp),
        Transport::Tcp => Some(Method::Tcp),
        _ => None,
    }
}

/// Probes, to be joined at the end.
#[derive(Debug, Default)]
pub(super) struct Paths {
    probes: Vec<ProbeFact>,
    /// Largest packets that routers told: the smallest by sender and target.
    mtus: BTreeMap<(IpAddr, IpAddr), u32>,
    left_out: u64,
    joined: Option<Vec<Path>>,
}

impl Paths {
    /// A probe; false when there was no room.
    pub fn add(&mut self, probe: ProbeFact) -> bool {
        // A probe that was too large is no step: its sender tries a smaller one. The path tells the MTU.
        if probe.answer.is_some_and(|answer| answer.kind == AnswerKind::Refused(TOO_BIG)) {
            return true;
        }
        let room = self.probes.len() < limits::MAX_COMPARED_PROBES;
        if room {
            self.probes.push(probe);
        } else {
            self.left_out = self.left_out.saturating_add(1);
        }
        room
    }

    /// An ICMP error about a packet of UDP or TCP; those about pings are told by the ping itself.
    pub fn error(&mut self, error: &IcmpErrorFact) -> bool {
        if let Some(mtu) = error.mtu {
            let key = (error.source.address, error.target.address);
            if self.mtus.len() < limits::MAX_COMPARED_NEIGHBORS || self.mtus.contains_key(&key) {
                self.mtus.entry(key).and_modify(|least| *least = mtu.min(*least)).or_insert(mtu);
            } else {
                self.left_out = self.left_out.saturating_add(1);
            }
        }
        let (Some((sent, hop_limit)), Some(flow), Transport::Udp | Transport::Tcp) =
            (error.probe, error.flow, error.transport)
        else {
            return true;
        };
        let from_target = error.by == error.target.address;
        let kind = match error.reason() {
            "time exceeded" => AnswerKind::TimeExceeded,
            "port unreachable" | "protocol unreachable" if from_target => AnswerKind::Reached,
            "redirect" | "source quench" => return true,
            reason => AnswerKind::Refused(reason),
        };
        let answer = Some(ProbeAnswer { packet: error.at, by: error.by, kind });
        let IcmpErrorFact { transport, source, target, .. } = *error;
        self.add(ProbeFact { flow, transport, source, target, sent, hop_limit, answer })
    }

    /// The paths, in a fixed order.
    pub fn join(&mut self) -> &[Path] {
        if self.joined.is_none() {
            let mut by_ends: BTreeMap<Key, Vec<ProbeFact>> = BTreeMap::new();
            for probe in &self.probes {
                if let Some(method) = method(probe.transport) {
                    let key = (probe.source.address, probe.target.address, method);
                    by_ends.entry(key).or_default().push(*probe);
                }
            }
            let mut paths = Vec::new();
            for ((source, target, method), mut probes) in by_ends {
                probes.sort_by_key(|probe| (probe.sent, probe.answer.map(|answer| answer.packet)));
                let mtu = self.mtus.get(&(source, target)).copied();
                let quiet = |earlier: &ProbeFact, later: &ProbeFact| {
                    later.sent.timestamp.since(earlier.sent.timestamp) <= SILENCE_NS
                };
                paths.extend(probes.chunk_by(quiet).filter_map(|probes| path(method, mtu, probes)));
            }
            paths.sort_by_key(|path| (path.start_ts, path.subject.flow));
            self.joined = Some(paths);
        }
        self.joined.as_deref().unwrap_or_default()
    }

    /// Between which hosts there was a traceroute.
    pub fn traced(&mut self) -> BTreeSet<(IpAddr, IpAddr)> {
        self.join().iter().map(|path| (path.client.address, path.server.address)).collect()
    }
}

#[derive(Default)]
struct Hop {
    addresses: Vec<IpAddr>,
    probes: u64,
    answered: u64,
    times: Vec<i64>,
    refused: Option<&'static str>,
}

/// A path, if these probes are one: with at least two hop limits, and a router that answered.
fn path(method: Method, mtu: Option<u32>, probes: &[ProbeFact]) -> Option<Path> {
    let first = probes.first()?;
    let is_router = |probe: &&ProbeFact| {
        probe.answer.is_some_and(|answer| answer.kind == AnswerKind::TimeExceeded && answer.by != probe.target.address)
    };
    probes.iter().find(is_router)?;
    let mut hops: BTreeMap<u8, Hop> = BTreeMap::new();
    let mut evidence = Evidence::new();
    // A packet that went to several probes of one number is told once for each error: count it once.
    let mut seen: HashMap<(u64, u8), bool> = HashMap::new();
    let mut end = first.sent.timestamp;
    for probe in probes {
        let hop = hops.entry(probe.hop_limit).or_default();
        let answered = seen.entry((probe.sent.index, probe.hop_limit)).or_insert_with(|| {
            hop.probes += 1;
            false
        });
        end = end.max(probe.sent.timestamp);
        let Some(answer) = probe.answer else { continue };
        evidence.add(answer.packet.number);
        end = end.max(answer.packet.timestamp);
        if !hop.addresses.contains(&answer.by) && hop.addresses.len() < limits::MAX_CLAIMS {
            hop.addresses.push(answer.by);
        }
        if let AnswerKind::Refused(reason) = answer.kind {
            hop.refused = Some(reason);
        }
        if !std::mem::replace(answered, true) {
            hop.answered += 1;
            hop.times.push(answer.packet.timestamp.since(probe.sent.timestamp));
        }
    }
    if hops.len() < 2 {
        return None;
    }
    let total = hops.values().map(|hop| hop.probes).sum();
    let is_end = |probe: &&ProbeFact| probe.answer.is_some_and(|answer| answer.kind == AnswerKind::Reached);
    let target_at = probes.iter().filter(is_end).map(|probe| probe.hop_limit).min();
    let port = if method == Method::Tcp { first.target.port } else { 0 };
    Some(Path {
        subject: Subject::new(first.flow, evidence),
        client: Endpoint { port: 0, ..first.source },
        server: Endpoint { port, ..first.target },
        method: match method {
            Method::Icmp => "icmp",
            Method::Udp => "udp",
            Method::Tcp => "tcp",
        },
        start_ts: first.sent.timestamp,
        end_ts: Timestamp::max(end, first.sent.timestamp),
        probes: total,
        reached: target_at.is_some(),
        mtu,
        hops: hops
            .into_iter()
            .take_while(|(hop_limit, _)| target_at.is_none_or(|last| *hop_limit <= last))
            .map(|(hop_limit, hop)| hop.record(hop_limit))
            .collect(),
    })
}

impl Hop {
    fn record(self, ttl: u8) -> PathHop {
        let sum: i128 = self.times.iter().map(|time| i128::from(*time)).sum();
        let mean = if self.times.is_empty() { None } else { i64::try_from(sum / self.times.len() as i128).ok() };
        PathHop {
            ttl,
            address: self.addresses.first().copied(),
            addresses: self.addresses,
            probes: self.probes,
            answered: self.answered,
            rtt: Rtt {
                min_ns: self.times.iter().min().copied(),
                mean_ns: mean,
                max_ns: self.times.iter().max().copied(),
                samples: self.times.len() as u64,
            },
            refused: self.refused,
        }
    }
}
