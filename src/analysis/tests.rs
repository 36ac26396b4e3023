//! Facts of made-up connections in, findings out.
use super::*;
use crate::record::{Marks, Opening, PacketNumber, Side, Timestamp};

const SECOND_NS: i64 = 1_000_000_000;

fn end(address: &str, port: u16) -> Endpoint {
    Endpoint { address: address.parse().unwrap(), port }
}

/// Connection `number`, which began after `number` milliseconds.
pub(super) fn fact(number: u32, client: Endpoint, server: Endpoint) -> TcpFact {
    let opener = PacketNumber::new(0, u64::from(number) + 1);
    let timestamp = Timestamp(1_700_000_000 * SECOND_NS + i64::from(number) * 1_000_000);
    // Numbers that neither repeat nor count up.
    let isn = |salt: u32| Some((number ^ salt).wrapping_mul(0x9e37_79b1).rotate_left(13) ^ 0x5bd1_e995);
    let marks = |salt| Marks { initial_sequence_number: isn(salt), ..Marks::default() };
    TcpFact {
        id: FlowId { opener, depth: 0 },
        first: PacketRef { index: u64::from(number), number: opener, timestamp },
        end: timestamp.plus(SECOND_NS),
        client,
        server,
        opening: Opening::Completed,
        syns: 1,
        marks: [marks(1), marks(2)],
        closed_idle: None,
        raced: false,
    }
}

fn findings(facts: &[TcpFact]) -> Vec<Finding> {
    let mut comparison = Comparison::default();
    facts.iter().for_each(|fact| comparison.connection(fact));
    assert_eq!(comparison.left_out(), None);
    comparison.findings()
}

fn codes(facts: &[TcpFact]) -> Vec<&'static str> {
    findings(facts).iter().map(|finding| finding.code).collect()
}

/// Several connections of one client with one server, from ports that differ.
fn several(count: u32) -> Vec<TcpFact> {
    let port = |number: u32| u16::try_from(40_000 + number).unwrap();
    (0..count).map(|number| fact(number, end("10.0.0.1", port(number)), end("10.0.0.2", 80))).collect()
}

#[test]
fn a_healthy_network_says_nothing() {
    assert!(codes(&several(300)).is_empty());
}

#[test]
fn both_sides_of_a_translator_are_one_connection() {
    let mut facts = several(3);
    let mut outside = fact(3, end("203.0.113.7", 61_000), end("10.0.0.2", 80));
    outside.marks = facts[1].marks;
    facts.push(outside);
    let found = findings(&facts);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "tcp.same-connection");
    assert_eq!(found[0].subject.evidence.numbers(), [PacketNumber::new(0, 2), PacketNumber::new(0, 4)]);
    assert!(found[0].explanation.contains("10.0.0.1:40001 became 203.0.113.7:61000"), "{}", found[0].explanation);
    // A minute later it is chance, or another capture joined behind this one.
    facts[3].first.timestamp = facts[3].first.timestamp.plus(60 * SECOND_NS);
    assert!(codes(&facts).is_empty());
}

#[test]
fn a_firewall_that_changes_the_numbers_leaves_the_clocks() {
    let mut facts = several(2);
    for fact in &mut facts {
        fact.marks[0].timestamp_value = Some(1000);
        fact.marks[1].timestamp_value = Some(7000);
    }
    facts[1].server = end("192.168.1.1", 8080);
    assert_eq!(codes(&facts), ["tcp.same-connection"]);
    facts[1].marks[1].timestamp_value = Some(7001);
    assert!(codes(&facts).is_empty());
}

#[test]
fn a_proxy_leaves_the_payload() {
    let payload = |fact: &mut TcpFact| {
        for (marks, start) in fact.marks.iter_mut().zip([11, 22]) {
            marks.payload_start = Some(start);
            marks.payload_bytes = 500;
        }
    };
    let mut facts = several(2);
    facts.iter_mut().for_each(payload);
    facts[1].client = end("10.0.0.2", 50_000);
    facts[1].server = end("10.0.9.9", 80);
    assert_eq!(codes(&facts), ["tcp.same-connection"]);
    // Three that are equal are a program that repeats itself.
    let mut third = fact(2, end("10.0.0.2", 50_001), end("10.0.9.8", 80));
    payload(&mut third);
    facts.push(third);
    assert!(codes(&facts).is_empty());
}

#[test]
fn half_open_handshakes_are_a_flood() {
    let flood = |count, opening| {
        let mut facts = several(count);
        facts.iter_mut().for_each(|fact| fact.opening = opening);
        facts
    };
    assert_eq!(codes(&flood(20, Opening::HalfOpen)), ["tcp.syn-flood"]);
    assert!(codes(&flood(19, Opening::HalfOpen)).is_empty());
    // A server that is down is no flood, however often it is asked.
    let mut retried = flood(300, Opening::Unanswered);
    retried.iter_mut().for_each(|fact| fact.syns = 3);
    assert!(codes(&retried).is_empty());
    assert_eq!(codes(&flood(300, Opening::Unanswered)), ["tcp.syn-flood"]);
    // Slowly, one each minute: clients that were switched off.
    let mut slow = flood(40, Opening::HalfOpen);
    for (number, fact) in (0..).zip(&mut slow) {
        fact.first.timestamp = Timestamp(number * 60 * SECOND_NS);
    }
    assert!(codes(&slow).is_empty());
    // A busy server loses some.
    let mut busy = several(100);
    busy.iter_mut().step_by(4).for_each(|fact| fact.opening = Opening::HalfOpen);
    assert!(codes(&busy).is_empty());
}

#[test]
fn many_ports_in_vain_are_a_scan() {
    let scan = |count: u16, opening| -> Vec<TcpFact> {
        let probe = |port: u16| {
            let mut fact = fact(u32::from(port), end("10.0.0.1", 50_000), end("10.0.0.2", port));
            fact.opening = opening;
            fact
        };
        (1..=count).map(probe).collect()
    };
    for opening in [Opening::Refused, Opening::Unanswered, Opening::Abandoned] {
        assert_eq!(codes(&scan(20, opening)), ["tcp.port-scan"], "{opening:?}");
        assert!(codes(&scan(19, opening)).is_empty(), "{opening:?}");
    }
    // One port in vain, many times, is a service that is down.
    let mut down = several(50);
    down.iter_mut().for_each(|fact| fact.opening = Opening::Refused);
    assert!(codes(&down).is_empty());
}

#[test]
fn initial_numbers_that_repeat_or_count_up() {
    let numbered = |number: &dyn Fn(u32) -> u32| {
        let mut facts = several(8);
        for (place, fact) in (0..).zip(&mut facts) {
            fact.marks[0].initial_sequence_number = Some(number(place));
        }
        facts
    };
    assert_eq!(codes(&numbered(&|_| 7)), ["tcp.initial-number-reused"]);
    assert_eq!(
        codes(&numbered(&|place| (u32::MAX - 100).wrapping_add(place * 64_000))),
        ["tcp.initial-number-predictable"]
    );
    // One step that is large is enough to be unpredictable.
    assert!(codes(&numbered(&|place| if place == 4 { 1 << 30 } else { place * 64_000 })).is_empty());
}

#[test]
fn an_idle_timeout_that_lost_a_request_is_named() {
    let mut facts = several(5);
    for (fact, idle_ns) in facts.iter_mut().zip([5_003, 5_010, 5_001, 120, 4_990]) {
        fact.closed_idle = Some((Side::Server, idle_ns * 1_000_000));
    }
    assert!(codes(&facts).is_empty(), "nothing was lost");
    facts[2].raced = true;
    let found = findings(&facts);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].code, "tcp.idle-timeout");
    assert!(found[0].title.starts_with("10.0.0.2:80 closes connections after 5.0 s"), "{}", found[0].title);
    assert!(found[0].title.contains("4 of 4 agree"), "{}", found[0].title);
    // Closings that do not agree are no setting.
    facts[0].closed_idle = Some((Side::Server, 60 * SECOND_NS));
    facts[1].closed_idle = Some((Side::Server, 30 * SECOND_NS));
    facts[4].closed_idle = None;
    assert!(codes(&facts).is_empty());
}

#[test]
fn what_there_is_no_room_for_is_counted() {
    let mut comparison = Comparison::default();
    for number in 0..u32::try_from(limits::MAX_COMPARED_CONNECTIONS).unwrap() + 10 {
        let [_, a, b, c] = number.to_be_bytes();
        let client = Endpoint { address: std::net::Ipv4Addr::new(11, a, b, c).into(), port: 1 };
        let mut fact = fact(number, client, end("10.0.0.2", 80));
        fact.opening = Opening::HalfOpen;
        comparison.connection(&fact);
    }
    let (count, first) = comparison.left_out().unwrap();
    assert!(count > 0);
    assert_eq!(first.index, u64::try_from(limits::MAX_WATCHED_HOSTS).unwrap());
    assert_eq!(comparison.findings().iter().map(|finding| finding.code).collect::<Vec<_>>(), ["tcp.syn-flood"]);
}
