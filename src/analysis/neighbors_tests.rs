//! Exchanges of ARP, ICMP errors and probes in, findings and paths out.
use super::*;
use crate::record::{
    AnswerKind, ArpPurpose, HardwareAddress, PacketNumber, ProbeAnswer, Station, Timestamp, Transport,
};

const SECOND_NS: i64 = 1_000_000_000;
const A: [u8; 6] = [2, 0, 0, 0, 0, 0xa];
const B: [u8; 6] = [2, 0, 0, 0, 0, 0xb];
const VRRP: [u8; 6] = [0, 0, 0x5e, 0, 1, 7];

fn at(ms: i64) -> PacketRef {
    let number = u64::try_from(ms).unwrap() + 1;
    PacketRef { index: number, number: PacketNumber::new(0, number), timestamp: Timestamp(ms * 1_000_000) }
}

fn address(last: u8) -> std::net::IpAddr {
    [10, 0, 0, last].into()
}

fn station(last: u8, mac: Option<[u8; 6]>) -> Station {
    Station { address: address(last), mac: mac.and_then(|mac| HardwareAddress::new(&mac)) }
}

/// Somebody asks for an address at that millisecond; the owner answers, or nobody does.
fn exchange(ms: i64, asker: u8, target: u8, owner: Option<[u8; 6]>, packets: u64) -> Arp {
    let end = |last: u8| Endpoint { address: address(last), port: 0 };
    let evidence: Evidence = (0..packets).map(|number| at(ms + i64::try_from(number).unwrap()).number).collect();
    Arp {
        subject: Subject::new(FlowId { opener: at(ms).number, depth: 0 }, evidence),
        client: end(asker),
        server: end(target),
        start_ts: at(ms).timestamp,
        operation: "request",
        purpose: ArpPurpose::Resolution,
        sender: station(asker, Some([2, 0, 0, 0, 1, asker])),
        target: station(target, owner),
        answered: Some(owner.is_some()),
        latency_ns: owner.map(|_| 1_000_000),
        packets,
        answer_packet: owner.map(|_| at(ms + 1).number),
        duration_ns: i64::try_from(packets - 1).unwrap() * SECOND_NS,
    }
}

fn told(ms: i64, owner: u8, mac: [u8; 6], purpose: ArpPurpose) -> Arp {
    Arp {
        purpose,
        sender: station(owner, Some(mac)),
        answered: None,
        latency_ns: None,
        answer_packet: None,
        operation: if purpose == ArpPurpose::Announcement { "request" } else { "reply" },
        ..exchange(ms, owner, owner, None, 1)
    }
}

fn codes(exchanges: &[Arp]) -> Vec<&'static str> {
    let said = |order: &mut dyn Iterator<Item = &Arp>| {
        let mut comparison = Comparison::default();
        order.for_each(|arp| comparison.arp(arp));
        comparison.findings()
    };
    let found = said(&mut exchanges.iter());
    // Exchanges arrive when their flows are over, in any order.
    let codes = |findings: &[Finding]| findings.iter().map(|finding| finding.code).collect::<Vec<_>>();
    assert_eq!(codes(&found), codes(&said(&mut exchanges.iter().rev())));
    codes(&found)
}

#[test]
fn two_who_answer_for_one_address_are_a_conflict() {
    let exchanges =
        [exchange(0, 1, 9, Some(A), 1), exchange(5_000, 1, 9, Some(B), 1), exchange(9_000, 1, 9, Some(A), 1)];
    assert_eq!(codes(&exchanges), ["arp.conflict"]);
    // Both answer one question.
    let exchanges = [exchange(0, 1, 9, Some(A), 1), told(2, 9, B, ArpPurpose::UnsolicitedReply)];
    assert_eq!(codes(&exchanges), ["arp.conflict"]);
    assert_eq!(codes(&exchanges[..1]), Vec::<&str>::new());
}

#[test]
fn an_address_that_moves_is_no_conflict() {
    let moved = [exchange(0, 1, 9, Some(A), 1), exchange(60_000, 1, 9, Some(B), 1)];
    assert_eq!(codes(&moved), ["arp.address-moved"]);
    let failover =
        [exchange(0, 1, 9, Some(A), 1), told(500, 9, B, ArpPurpose::Announcement), exchange(900, 1, 9, Some(B), 1)];
    assert_eq!(codes(&failover), ["arp.address-moved"]);
    let virtual_router =
        [exchange(0, 1, 9, Some(A), 1), told(500, 9, VRRP, ArpPurpose::Announcement), exchange(900, 1, 9, Some(A), 1)];
    assert_eq!(codes(&virtual_router), ["arp.address-moved"]);
}

#[test]
fn other_networks_have_other_owners() {
    let mut inside = exchange(5_000, 1, 9, Some(B), 1);
    inside.subject.flow = inside.subject.flow.map(|flow| FlowId { depth: 1, ..flow });
    assert!(codes(&[exchange(0, 1, 9, Some(A), 1), inside, exchange(9_000, 1, 9, Some(A), 1)]).is_empty());
}

#[test]
fn a_host_that_is_down_and_a_scan() {
    assert_eq!(codes(&[exchange(0, 1, 9, None, 3)]), ["arp.unanswered"]);
    assert!(codes(&[exchange(0, 1, 9, None, 2)]).is_empty(), "two may be one lost");
    let scan: Vec<Arp> = (10..60).map(|last| exchange(i64::from(last) * 20, 1, last, None, 3)).collect();
    assert_eq!(codes(&scan), ["arp.scan"]);
    let slow: Vec<Arp> = (10..60).map(|last| exchange(i64::from(last) * 60_000, 1, last, None, 1)).collect();
    assert!(codes(&slow).is_empty());
}

#[test]
fn announcements_without_end() {
    let storm: Vec<Arp> = (0..30).map(|n| told(n * 1_000, 9, A, ArpPurpose::Announcement)).collect();
    assert_eq!(codes(&storm), ["arp.announcement-storm"]);
    let calm: Vec<Arp> = (0..30).map(|n| told(n * 30_000, 9, A, ArpPurpose::Announcement)).collect();
    assert!(codes(&calm).is_empty());
}

fn probe(ms: i64, hop_limit: u8, answer: Option<(u8, AnswerKind)>) -> ProbeFact {
    let end = |last: u8, port| Endpoint { address: address(last), port };
    ProbeFact {
        flow: FlowId { opener: at(ms).number, depth: 0 },
        transport: Transport::Udp,
        source: end(1, 40_000),
        target: end(9, 33_434 + u16::from(hop_limit)),
        sent: at(ms),
        hop_limit,
        answer: answer.map(|(by, kind)| ProbeAnswer { packet: at(ms + 10), by: address(by), kind }),
    }
}

fn paths(probes: &[ProbeFact]) -> Vec<crate::record::Path> {
    let mut comparison = Comparison::default();
    probes.iter().rev().for_each(|probe| comparison.probe(*probe));
    let paths = comparison.records().into_iter().map(|record| match record {
        Record::Path(path) => *path,
        other => panic!("{other:?}"),
    });
    paths.collect()
}

#[test]
fn probes_with_rising_hop_limits_are_a_path() {
    use AnswerKind::{Reached, TimeExceeded};
    let probes = [
        probe(0, 1, Some((2, TimeExceeded))),
        probe(1, 2, None),
        probe(2, 3, Some((4, TimeExceeded))),
        probe(3, 3, Some((5, TimeExceeded))),
        probe(4, 4, Some((9, Reached))),
        probe(5, 5, Some((9, Reached))),
    ];
    let found = paths(&probes);
    assert_eq!(found.len(), 1);
    let path = &found[0];
    assert_eq!((path.probes, path.reached, path.method, path.hops.len()), (6, true, "udp", 4));
    assert_eq!(path.hops[1].address, None);
    assert_eq!((path.hops[1].probes, path.hops[1].answered, path.hops[1].rtt.min_ns), (1, 0, None));
    assert_eq!(path.hops[2].addresses, [address(4), address(5)]);
    assert_eq!(path.hops[3].rtt.mean_ns, Some(10_000_000));
    assert_eq!(path.subject.flow, Some(probes[0].flow));
    // An hour later is another path.
    let again = probe(3_600_000, 1, Some((2, TimeExceeded)));
    let later = probe(3_600_001, 2, Some((9, Reached)));
    assert_eq!(paths(&[&probes[..], &[again, later]].concat()).len(), 2);
}

#[test]
fn small_hop_limits_alone_are_no_path() {
    assert!(paths(&[probe(0, 1, None), probe(1, 2, None), probe(2, 3, Some((9, AnswerKind::Reached)))]).is_empty());
    // Packets that go round in circles all have the same.
    let lost = |ms| probe(ms, 64, Some((3, AnswerKind::TimeExceeded)));
    assert!(paths(&[lost(0), lost(1), lost(2)]).is_empty());
}

fn too_big(ms: i64, length: u32) -> IcmpErrorFact {
    let probe = probe(ms, 64, None);
    IcmpErrorFact {
        flow: Some(probe.flow),
        own: probe.flow,
        application: None,
        transport: Transport::Tcp,
        source: probe.source,
        target: probe.target,
        by: address(4),
        at: at(ms),
        v6: false,
        message_type: 3,
        code: 4,
        mtu: Some(1400),
        gateway: None,
        quoted_length: Some(length),
        told: false,
        probe: None,
    }
}

#[test]
fn a_sender_that_listens_and_one_that_does_not() {
    let codes = |errors: &[IcmpErrorFact]| {
        let mut comparison = Comparison::default();
        errors.iter().for_each(|error| comparison.icmp_error(error));
        comparison.findings().iter().map(|finding| finding.code).collect::<Vec<_>>()
    };
    // What was under way when the first error came is no disobedience.
    let burst: Vec<_> = (0..10).map(|n| too_big(n * 10, 1500)).collect();
    assert_eq!(codes(&burst), ["icmp.fragmentation-needed"]);
    let deaf: Vec<_> = (0..10).map(|n| too_big(n * 700, 1500)).collect();
    assert_eq!(codes(&deaf), ["icmp.path-mtu-ignored"]);
    let mut refused = too_big(0, 60);
    refused.code = 1;
    assert_eq!(codes(&[refused]), ["icmp.unreachable"]);
    refused.told = true;
    assert!(codes(&[refused]).is_empty(), "the connection says so itself");
}
