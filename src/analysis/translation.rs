//! One connection seen twice: on both sides of an address translator or load balancer, which rewrites addresses and ports
//! but leaves sequence numbers, clocks or payload as they are. Not HTTP proxies, which make a new request of each.
use std::collections::HashMap;

use super::finding;
use crate::record::{Endpoint, Evidence, Finding, Severity, TcpFact};

/// The two sides of a translator see the same packet within this time, in nanoseconds.
const SAME_MOMENT_NS: i64 = 1_000_000_000;

/// A path has so many capture points at most: three translators behind one another.
const MOST_SIGHTINGS: usize = 4;

/// What two sightings have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Common {
    /// Both initial sequence numbers: 64 bits of chance.
    Numbers(u32, u32),
    /// Both clocks of the timestamps option, where a firewall has changed the sequence numbers (RFC 7323).
    Clocks(u32, u32),
    /// Both directions' first bytes and lengths, where a proxy has made two connections of it.
    Payload([u64; 2], [u32; 2]),
}

impl Common {
    fn words(self) -> &'static str {
        match self {
            Self::Numbers(..) => "the same initial sequence numbers in both directions",
            Self::Clocks(..) => "the same clock values in both SYNs",
            Self::Payload(..) => "the same first bytes and lengths in both directions, one within the other's time",
        }
    }
}

/// Two connections, by their places in the list, that are one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Link {
    first: usize,
    second: usize,
    common: Common,
}

/// For each of `count` connections, whether one of `links` speaks of it.
pub(super) fn are_linked(links: &[Link], count: usize) -> Vec<bool> {
    let mut linked = vec![false; count];
    for place in links.iter().flat_map(|link| [link.first, link.second]) {
        if let Some(linked) = linked.get_mut(place) {
            *linked = true;
        }
    }
    linked
}

fn marks(fact: &TcpFact) -> [Option<Common>; 3] {
    let [client, server] = &fact.marks;
    let numbers = client.initial_sequence_number.zip(server.initial_sequence_number);
    // Some hosts count from zero in each connection.
    let clocks =
        client.timestamp_value.zip(server.timestamp_value).filter(|(client, server)| *client != 0 && *server != 0);
    let payload = client.payload_start.zip(server.payload_start);
    [
        numbers.map(|(client, server)| Common::Numbers(client, server)),
        clocks.map(|(client, server)| Common::Clocks(client, server)),
        payload.map(|(c, s)| Common::Payload([c, s], [client.payload_bytes, server.payload_bytes])),
    ]
}

/// The connections of `facts` that are one, each pair once. `facts` are in the order of their first packets.
pub(super) fn links(facts: &[TcpFact]) -> Vec<Link> {
    let mut links = Vec::new();
    let mut linked = vec![false; facts.len()];
    for kind in 0..3 {
        let mut sightings: HashMap<Common, Vec<usize>> = HashMap::new();
        for (place, fact) in facts.iter().enumerate() {
            if let Some(common) = marks(fact).get(kind).copied().flatten()
                && !linked.get(place).is_some_and(|linked| *linked)
            {
                sightings.entry(common).or_default().push(place);
            }
        }
        let mut shared: Vec<(Common, Vec<usize>)> =
            sightings.into_iter().filter(|(_, places)| places.len() > 1).collect();
        shared.sort_unstable_by(|(_, one), (_, other)| one.cmp(other));
        for (common, places) in shared {
            // The same first bytes and lengths are common among requests that a program repeats: only a single pair tells.
            // The same numbers many times over come from a program that makes its own packets.
            let most = if matches!(common, Common::Payload(..)) { 2 } else { MOST_SIGHTINGS };
            if places.len() > most {
                continue;
            }
            for pair in places.windows(2) {
                let [first, second] = *pair else { continue };
                let Some((one, other)) = facts.get(first).zip(facts.get(second)) else { continue };
                if is_one(common, one, other) {
                    links.push(Link { first, second, common });
                    for place in [first, second] {
                        if let Some(linked) = linked.get_mut(place) {
                            *linked = true;
                        }
                    }
                }
            }
        }
    }
    links.sort_unstable_by_key(|link| (link.first, link.second));
    links
}

/// Whether two connections with something in common can be the same one.
fn is_one(common: Common, one: &TcpFact, other: &TcpFact) -> bool {
    // Connections between the same two hosts share clocks, and programs that make their own packets share numbers.
    let (clients_differ, servers_differ) =
        (one.client.address != other.client.address, one.server.address != other.server.address);
    let same_file = one.id.opener.file() == other.id.opener.file();
    let soon = other.first.timestamp.since(one.first.timestamp).saturating_abs() <= SAME_MOMENT_NS;
    let same_payload = one
        .marks
        .iter()
        .zip(&other.marks)
        .all(|(one, other)| one.payload_start.zip(other.payload_start).is_none_or(|(one, other)| one == other));
    let rewritten = match common {
        // A proxy opens a connection of its own.
        Common::Payload(..) => clients_differ && servers_differ && other.first.timestamp <= one.end,
        Common::Numbers(..) | Common::Clocks(..) => clients_differ || servers_differ,
    };
    rewritten && same_file && soon && same_payload
}

/// What is told of them.
pub(super) fn findings(facts: &[TcpFact], links: &[Link]) -> Vec<Finding> {
    let find = |link: &Link| {
        let (one, other) = facts.get(link.first).zip(facts.get(link.second))?;
        let evidence: Evidence = [one.first.number, other.first.number].into_iter().collect();
        let proxied = matches!(link.common, Common::Payload(..));
        let title = format!(
            "{} → {} and {} → {} (flow {}) are {}",
            one.client,
            one.server,
            other.client,
            other.server,
            other.id,
            if proxied { "the two legs of one proxied connection" } else { "one connection" },
        );
        let explanation = format!(
            "Both show {}. {} Compare both to see on which side packets are lost or delayed.",
            link.common.words(),
            rewritten(one, other),
        );
        let ends = (Some(one.id), Some(one.client), Some(one.server));
        Some(finding(
            Severity::Note,
            "tcp.same-connection",
            ends,
            evidence,
            (title, &explanation),
            if proxied { "RFC 3135 2.4" } else { "RFC 3022" },
        ))
    };
    links.iter().filter_map(find).collect()
}

/// Which addresses were rewritten, in words.
fn rewritten(one: &TcpFact, other: &TcpFact) -> String {
    let side = |name: &str, before: Endpoint, after: Endpoint| {
        (before != after).then(|| format!("the {name}'s address {before} became {after}"))
    };
    let changes: Vec<String> = [side("client", one.client, other.client), side("server", one.server, other.server)]
        .into_iter()
        .flatten()
        .collect();
    let who = match (one.client != other.client, one.server != other.server) {
        (true, false) => "an address translator hides the client (source NAT)",
        (false, true) => "a load balancer or port forwarding chose the server (destination NAT)",
        _ => "a load balancer or translator stands between them",
    };
    format!("{}: {}.", sentence(who), changes.join(", "))
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
