//! Many connections that come to nothing: a SYN flood against one server, a scan by one host.
use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    hash::Hash,
    net::IpAddr,
};

use super::finding;
use crate::{
    limits,
    record::{Endpoint, Evidence, Finding, Opening, Severity, TcpFact},
};

/// Floods are counted in spans of this length, in nanoseconds.
const SPAN_NS: i64 = 10_000_000_000;
/// Handshakes left half open with one server within a span, from which on it is a flood: busy servers see a few.
const HALF_OPEN: u64 = 20;
/// SYNs without any answer within a span, each sent once: more, as a server that is down has impatient clients too.
const UNANSWERED: u64 = 200;
/// Spans remembered of each server.
const MAX_SPANS: usize = 64;
/// Different ports or hosts that one host tries in vain, from which on it scans.
const SCANNED: usize = 20;
/// Different ones remembered of each host.
const MAX_TRIED: usize = 1024;

#[derive(Clone, Debug, Default)]
struct Span {
    half_open: u64,
    unanswered: u64,
    completed: u64,
    evidence: Evidence,
}

#[derive(Debug, Default)]
struct Target {
    spans: BTreeMap<i64, Span>,
    sources: BTreeSet<IpAddr>,
}

#[derive(Debug, Default)]
struct Prober {
    hosts: BTreeSet<IpAddr>,
    ports: BTreeSet<Endpoint>,
    failed: u64,
    refused: u64,
    completed: u64,
    evidence: Evidence,
}

/// Servers and clients whose connections came to nothing.
#[derive(Debug, Default)]
pub(super) struct Floods {
    targets: HashMap<Endpoint, Target>,
    probers: HashMap<IpAddr, Prober>,
}

/// The entry of `key`; none when the table is full of others.
fn entry<K: Hash + Eq, V: Default>(table: &mut HashMap<K, V>, key: K) -> Option<&mut V> {
    if table.len() >= limits::MAX_WATCHED_HOSTS && !table.contains_key(&key) {
        return None;
    }
    Some(table.entry(key).or_default())
}

impl Floods {
    /// Counts a connection in; false when there was no room for its ends.
    pub fn add(&mut self, fact: &TcpFact) -> bool {
        let failed = match fact.opening {
            Opening::Unseen => return true,
            Opening::Completed => false,
            Opening::HalfOpen | Opening::Abandoned | Opening::Unanswered | Opening::Refused => true,
        };
        if !failed {
            // Who was never in trouble needs no memory; later trouble counts from then on.
            if let Some(prober) = self.probers.get_mut(&fact.client.address) {
                prober.completed = prober.completed.saturating_add(1);
            }
            if let Some(target) = self.targets.get_mut(&fact.server)
                && let Some(span) = target.spans.get_mut(&span_of(fact))
            {
                span.completed = span.completed.saturating_add(1);
            }
            return true;
        }
        let prober = entry(&mut self.probers, fact.client.address).map(|prober| prober.add(fact)).is_some();
        // A refused or abandoned attempt leaves nothing behind at the server.
        if matches!(fact.opening, Opening::Refused | Opening::Abandoned) {
            return prober;
        }
        entry(&mut self.targets, fact.server).map(|target| target.add(fact)).is_some() && prober
    }

    /// What is told of them.
    pub fn findings(&self) -> Vec<Finding> {
        let mut targets: Vec<_> = self.targets.iter().collect();
        targets.sort_unstable_by_key(|(endpoint, _)| **endpoint);
        let mut probers: Vec<_> = self.probers.iter().collect();
        probers.sort_unstable_by_key(|(address, _)| **address);
        let floods = targets.into_iter().filter_map(|(endpoint, target)| target.finding(*endpoint));
        floods.chain(probers.into_iter().filter_map(|(address, prober)| prober.finding(*address))).collect()
    }
}

fn span_of(fact: &TcpFact) -> i64 {
    fact.first.timestamp.nanoseconds().div_euclid(SPAN_NS)
}

impl Target {
    fn add(&mut self, fact: &TcpFact) {
        let number = span_of(fact);
        if !self.spans.contains_key(&number) && self.spans.len() >= MAX_SPANS {
            // The quietest span makes room.
            let quietest = self.spans.iter().min_by_key(|(_, span)| span.half_open.saturating_add(span.unanswered));
            if let Some(quietest) = quietest.map(|(number, _)| *number) {
                self.spans.remove(&quietest);
            }
        }
        let span = self.spans.entry(number).or_default();
        match fact.opening {
            Opening::HalfOpen => span.half_open = span.half_open.saturating_add(1),
            // Who means it tries again.
            Opening::Unanswered if fact.syns == 1 => span.unanswered = span.unanswered.saturating_add(1),
            _ => return,
        }
        span.evidence.add(fact.first.number);
        if self.sources.len() < MAX_TRIED {
            self.sources.insert(fact.client.address);
        }
    }

    fn finding(&self, endpoint: Endpoint) -> Option<Finding> {
        let all = |span: &Span| span.half_open.saturating_add(span.unanswered);
        let worst = self.spans.values().max_by_key(|span| all(span))?;
        let much = worst.half_open >= HALF_OPEN || worst.unanswered >= UNANSWERED;
        if !much || all(worst) <= worst.completed {
            return None;
        }
        let sources = match self.sources.len() {
            1 => "one address".to_owned(),
            MAX_TRIED => format!("more than {MAX_TRIED} addresses"),
            several => format!("{several} addresses"),
        };
        let total = self.spans.values().fold(0_u64, |sum, span| sum.saturating_add(all(span)));
        Some(finding(
            Severity::Warning,
            "tcp.syn-flood",
            (None, None, Some(endpoint)),
            worst.evidence.clone(),
            (
                format!(
                    "{total} handshakes with {endpoint} were never completed, up to {} of them in ten seconds, from {sources}",
                    all(worst)
                ),
                "Each SYN makes the server keep a place for a connection that never comes, until nobody else gets one. \
                 Forged source addresses are usual. SYN cookies (Linux: net.ipv4.tcp_syncookies) and a longer backlog help; \
                 with one source only, look at that host first.",
            ),
            "RFC 4987",
        ))
    }
}

impl Prober {
    fn add(&mut self, fact: &TcpFact) {
        self.failed = self.failed.saturating_add(1);
        self.refused = self.refused.saturating_add(u64::from(fact.opening == Opening::Refused));
        if self.ports.len() < MAX_TRIED {
            self.hosts.insert(fact.server.address);
            if self.ports.insert(fact.server) {
                self.evidence.add(fact.first.number);
            }
        }
    }

    fn finding(&self, address: IpAddr) -> Option<Finding> {
        if self.ports.len() < SCANNED || self.failed <= self.completed.saturating_mul(2) {
            return None;
        }
        let tried =
            if self.ports.len() >= MAX_TRIED { format!("more than {MAX_TRIED}") } else { self.ports.len().to_string() };
        let hosts = if self.hosts.len() == 1 { "one host".to_owned() } else { format!("{} hosts", self.hosts.len()) };
        let refused = if self.refused == 0 { String::new() } else { format!(", {} of them refused", self.refused) };
        Some(finding(
            Severity::Warning,
            "tcp.port-scan",
            (None, None, None),
            self.evidence.clone(),
            (
                format!("{address} tried {tried} ports on {hosts} in vain ({} attempts{refused})", self.failed),
                "One host asks many ports, and hardly any answers: somebody looks for open services. A monitoring system or \
                 an inventory does that on purpose; else find out what runs on that host.",
            ),
            "RFC 4949",
        ))
    }
}
