//! How the initial sequence numbers of a host's connections relate. RFC 9293 3.4.1 and RFC 6528 want them unpredictable
//! across connections: who can guess the next one can forge a connection, or break into it.
use std::collections::{BTreeMap, BTreeSet};

use super::{
    finding,
    translation::{Link, are_linked},
};
use crate::record::{Evidence, Finding, Opening, Severity, TcpFact};

/// Connections of one host from which on its numbers are judged. Five steps that are all below [`SMALL_STEP`] come about
/// by chance once in 2^35 hosts.
const ENOUGH: usize = 6;
/// The same number in so many connections is no chance.
const SAME: usize = 3;
/// A step to the next number that can be guessed.
const SMALL_STEP: u32 = 1 << 25;
/// Steps are judged between connections that begin within this time, in nanoseconds: a clock that counts every 4 µs as
/// RFC 793 had it moves on by 15 million in it.
const WITHIN_NS: i64 = 60_000_000_000;

/// Who sent a number: hosts as clients and as servers, which may choose in different ways.
type Host = (std::net::IpAddr, usize);

/// What is told of hosts whose numbers can be guessed. `facts` are in the order of their first packets.
pub(super) fn findings(facts: &[TcpFact], links: &[Link]) -> Vec<Finding> {
    let mut hosts: BTreeMap<Host, Vec<(usize, u32)>> = BTreeMap::new();
    let linked = are_linked(links, facts.len());
    let mut seen = BTreeSet::new();
    // The second sight of a connection is not another one.
    for ((place, fact), _) in facts.iter().enumerate().zip(linked).filter(|(_, linked)| !linked) {
        // Nor is the same one outside a tunnel and inside, or in two virtual networks: ends and both numbers are the same.
        let both = fact.marks.each_ref().map(|marks| marks.initial_sequence_number);
        if both.iter().all(Option::is_some) && !seen.insert((fact.client, fact.server, both)) {
            continue;
        }
        for (index, endpoint) in [fact.client, fact.server].into_iter().enumerate() {
            let number = fact.marks.get(index).and_then(|marks| marks.initial_sequence_number);
            if let Some(number) = number {
                hosts.entry((endpoint.address, index)).or_default().push((place, number));
            }
        }
    }
    hosts.into_iter().filter_map(|(host, numbers)| judge(facts, host, &numbers)).collect()
}

fn judge(facts: &[TcpFact], (address, index): Host, numbers: &[(usize, u32)]) -> Option<Finding> {
    let role = if index == 0 { "opens" } else { "accepts" };
    let proof = |places: &mut dyn Iterator<Item = usize>| -> Evidence {
        places.filter_map(|place| facts.get(place)).map(|fact| fact.first.number).collect()
    };
    let mut counts: BTreeMap<u32, usize> = BTreeMap::new();
    for (_, number) in numbers {
        *counts.entry(*number).or_default() += 1;
    }
    let (commonest, times) = counts.into_iter().max_by_key(|(number, times)| (*times, *number))?;
    if times >= SAME {
        let evidence = proof(&mut numbers.iter().filter(|(_, number)| *number == commonest).map(|(place, _)| *place));
        let probes = numbers
            .iter()
            .filter(|(place, _)| facts.get(*place).is_some_and(|fact| fact.opening != Opening::Completed))
            .count();
        let scanner = index == 0 && probes.saturating_mul(2) > numbers.len();
        return Some(finding(
            Severity::Warning,
            "tcp.initial-number-reused",
            (None, None, None),
            evidence,
            (
                format!("{address} {role} {times} connections with the same initial sequence number {commonest}"),
                if scanner {
                    "No operating system does that: these SYNs were made by a program that builds its own packets, such as \
                     a port scanner or a flood."
                } else {
                    "Initial sequence numbers shall differ and be hard to guess; with a constant one, old segments are taken \
                     for new ones, and anybody can forge segments of the connection."
                },
            ),
            "RFC 9293 3.4.1",
        ));
    }
    if numbers.len() < ENOUGH {
        return None;
    }
    let small = |pair: &&[(usize, u32)]| {
        let [(place, number), (next_place, next_number)] = **pair else { return false };
        let moments = facts.get(place).zip(facts.get(next_place));
        let soon = moments.is_some_and(|(one, other)| other.first.timestamp.since(one.first.timestamp) <= WITHIN_NS);
        let step = next_number.wrapping_sub(number);
        soon && step != 0 && step < SMALL_STEP
    };
    if !numbers.windows(2).all(|pair| small(&pair)) {
        return None;
    }
    let places = &mut numbers.iter().map(|(place, _)| *place);
    Some(finding(
        Severity::Note,
        "tcp.initial-number-predictable",
        (None, None, None),
        proof(places),
        (
            format!("{address} {role} {} connections with initial sequence numbers that only count up", numbers.len()),
            "Each number follows the one before in a small step, so the next one can be guessed, and a connection forged. \
             Old systems and small devices do so; RFC 6528 adds a secret to each pair of addresses.",
        ),
        "RFC 6528 3",
    ))
}
