//! DNS records in, what is concluded from several of them out.
use super::*;
use crate::record::{
    AnswerSource, DnsQuery, DnsRecord, DnsResponse, DnsTransport, PacketNumber, Resolution, Rotation, RoundRobin,
    StepOutcome, Timestamp,
};

const MS: i64 = 1_000_000;

fn end(address: &str, port: u16) -> Endpoint {
    Endpoint { address: address.parse().unwrap(), port }
}

fn record(name: &str, kind: &str, data: &str) -> DnsRecord {
    DnsRecord { name: name.to_owned(), record_type: kind.to_owned(), class: None, ttl: 60, data: data.to_owned() }
}

/// A transaction in the `number`th flow: who asks whom, sent at, answered at (in milliseconds).
fn asked(number: u64, client: &str, server: &str, name: &str, sent: i64, answered: Option<i64>) -> Dns {
    let packet = PacketNumber::new(0, number * 2);
    let at = |milliseconds: i64| Timestamp(milliseconds * MS);
    let response = answered.map(|answered| DnsResponse {
        packet: PacketNumber::new(0, number * 2 + 1),
        ts: at(answered),
        name: None,
        record_type: None,
        rcode: "NOERROR".to_owned(),
        authoritative: false,
        truncated: false,
        recursion_available: true,
        authentic_data: false,
        opt: None,
        answers: Vec::new(),
        authority: Vec::new(),
        additional: Vec::new(),
    });
    Dns {
        subject: Subject::new(FlowId { opener: packet, depth: 0 }, [packet].into_iter().collect()),
        client: end(client, 40_000 + u16::try_from(number).unwrap()),
        server: end(server, 53),
        transport: DnsTransport::Udp,
        id: u16::try_from(number).unwrap().wrapping_mul(7919),
        opcode: "QUERY".to_owned(),
        query: Some(DnsQuery {
            packet,
            ts: at(sent),
            name: Some(name.to_owned()),
            record_type: Some("A".to_owned()),
            class: Some("IN".to_owned()),
            recursion_desired: true,
            checking_disabled: false,
            edns: false,
            opt: None,
            answers: Vec::new(),
            authority: Vec::new(),
        }),
        latency_ns: answered.map(|answered| (answered - sent) * MS),
        retransmissions: 0,
        waited_ns: answered.is_none().then_some(60_000 * MS),
        unreachable: None,
        truncated_before: None,
        response,
    }
}

trait With: Sized {
    fn with(self, change: impl FnOnce(&mut DnsResponse)) -> Self;
    fn answers(self, data: &[(&str, &str, &str)]) -> Self;
    fn iterative(self) -> Self;
    fn refers(self, zone: &str, server: &str, glue: Option<&str>) -> Self;
}

impl With for Dns {
    fn with(mut self, change: impl FnOnce(&mut DnsResponse)) -> Self {
        change(self.response.as_mut().unwrap());
        self
    }
    fn answers(self, data: &[(&str, &str, &str)]) -> Self {
        self.with(|response| {
            response.answers = data.iter().map(|(name, kind, data)| record(name, kind, data)).collect()
        })
    }
    fn iterative(mut self) -> Self {
        self.query.as_mut().unwrap().recursion_desired = false;
        self
    }
    fn refers(self, zone: &str, server: &str, glue: Option<&str>) -> Self {
        self.iterative().with(|response| {
            response.authority = vec![record(zone, "NS", server)];
            response.additional = glue.map(|glue| record(server, "A", glue)).into_iter().collect();
        })
    }
}

fn concluded(mut all: Vec<Dns>) -> (Vec<Resolution>, Vec<RoundRobin>, Vec<Finding>) {
    let mut comparison = Comparison::default();
    // In the order in which they are complete, as the engine has them.
    all.sort_by_key(|dns| dns.response.as_ref().map_or(Timestamp(i64::MAX), |response| response.ts));
    for mut dns in all {
        comparison.link(&mut dns);
        comparison.query(dns);
    }
    let (mut resolutions, mut round_robins) = (Vec::new(), Vec::new());
    for record in comparison.records() {
        match record {
            Record::Resolution(record) => resolutions.push(*record),
            Record::RoundRobin(record) => round_robins.push(*record),
            _ => {}
        }
    }
    (resolutions, round_robins, comparison.findings())
}

fn codes(all: Vec<Dns>) -> Vec<&'static str> {
    concluded(all).2.iter().map(|finding| finding.code).collect()
}

/// A cold resolver (.53) walks root (.1), TLD (.2), the zone (.3), follows an alias; a server without glue is looked up.
fn walk() -> Vec<Dns> {
    let (client, resolver) = ("10.0.0.9", "10.0.0.53");
    let step = |number, server, name, sent| asked(number, resolver, server, name, sent, Some(sent + 10)).iterative();
    vec![
        asked(1, client, resolver, "WWW.lab.example", 0, Some(90))
            .answers(&[("www.lab.example", "CNAME", "front.lab.example"), ("front.lab.example", "A", "192.0.2.80")]),
        step(2, "10.1.0.1", "www.lab.example", 1).refers("example", "ns.tld.test", None),
        step(3, "10.1.0.1", "ns.tld.test", 12).answers(&[("ns.tld.test", "A", "10.1.0.2")]),
        step(4, "10.1.0.2", "www.lab.example", 23).refers("lab.example", "ns1.lab.example", Some("10.1.0.3")),
        step(5, "10.1.0.3", "www.lab.example", 34)
            .answers(&[("www.lab.example", "CNAME", "front.lab.example")])
            .with(|response| response.authoritative = true),
        step(6, "10.1.0.3", "front.lab.example", 45).answers(&[("front.lab.example", "A", "192.0.2.80")]),
        // Somebody else's question meanwhile, and another resolver's work.
        asked(7, client, resolver, "other.test", 30, Some(50)).with(|response| response.rcode = "NXDOMAIN".to_owned()),
        step(8, "10.1.0.1", "other.test", 31).with(|response| response.rcode = "NXDOMAIN".to_owned()),
        asked(9, client, resolver, "www.lab.example", 200, Some(201)).answers(&[(
            "www.lab.example",
            "A",
            "192.0.2.80",
        )]),
    ]
}

#[test]
fn a_cold_resolver_and_then_its_cache() {
    let (resolutions, _, findings) = concluded(walk());
    assert_eq!(findings.len(), 0, "{findings:?}");
    let [walk, other, cached] = &resolutions[..] else { panic!("{resolutions:?}") };
    let steps: Vec<_> =
        walk.steps.iter().map(|step| (step.zone.as_deref(), step.outcome, step.offset_ns / MS)).collect();
    assert_eq!(
        steps,
        [
            (Some("."), StepOutcome::Referral, 1),
            (Some("."), StepOutcome::Answer, 12),
            (Some("example"), StepOutcome::Referral, 23),
            (Some("lab.example"), StepOutcome::Alias, 34),
            (Some("lab.example"), StepOutcome::Answer, 45),
        ]
    );
    assert_eq!((walk.source, walk.duration_ns, walk.upstream_ns), (Some(AnswerSource::Asked), Some(90 * MS), 50 * MS));
    assert_eq!(
        (&walk.aliases[..], &walk.answers[..]),
        (&["front.lab.example".to_owned()][..], &["192.0.2.80".to_owned()][..])
    );
    assert_eq!(walk.steps[2].referral.as_ref().unwrap().glue, ["10.1.0.3".parse::<std::net::IpAddr>().unwrap()]);
    assert_eq!(walk.subject.evidence.total(), 12);
    assert_eq!((other.steps_total, other.rcode.as_deref()), (1, Some("NXDOMAIN")));
    assert_eq!((cached.source, cached.steps_total), (Some(AnswerSource::Cache), 0));
}

#[test]
fn a_resolver_without_its_clients() {
    let upstream = walk().into_iter().filter(|dns| dns.client.address == end("10.0.0.53", 0).address).collect();
    let (resolutions, ..) = concluded(upstream);
    let [walk] = &resolutions[..] else { panic!("{resolutions:?}") };
    assert_eq!((walk.client, walk.steps_total, walk.server.address), (None, 5, end("10.0.0.53", 0).address));
    assert_eq!(walk.answers, ["192.0.2.80"]);
    // One referral alone is no resolver at work: a person may have asked.
    assert!(concluded(vec![walk_step()]).0.is_empty());
    // Neither is a host that asks itself.
    assert!(concluded(vec![asked(1, "10.0.0.53", "10.0.0.53", "a.test", 0, Some(1))]).0.is_empty());
    // Neither are clients that ask a resolver.
    assert!(concluded(vec![asked(1, "10.0.0.9", "10.0.0.53", "a.test", 0, Some(1))]).0.is_empty());
}

fn walk_step() -> Dns {
    asked(1, "10.0.0.53", "10.1.0.1", "a.test", 0, Some(1)).refers("test", "ns.test", None)
}

#[test]
fn truncated_answers_are_joined_with_their_retry() {
    let cut = asked(1, "10.0.0.9", "10.0.0.53", "Big.test", 0, Some(10)).with(|response| response.truncated = true);
    let mut again = asked(2, "10.0.0.9", "10.0.0.53", "big.test", 50, Some(100));
    again.transport = DnsTransport::Tcp;
    let mut comparison = Comparison::default();
    let mut linked = again.clone();
    comparison.link(&mut cut.clone());
    comparison.link(&mut linked);
    assert_eq!(linked.truncated_before.map(|link| link.flow), cut.subject.flow);
    let findings = concluded(vec![cut.clone(), again.clone()]).2;
    assert_eq!(findings.len(), 1);
    assert!(
        findings[0].title.ends_with("asked again over TCP (flow 4), answered 100 ms after the first query"),
        "{findings:?}"
    );
    assert_eq!(findings[0].subject.evidence.total(), 4);
    let alone = concluded(vec![cut.clone()]).2;
    assert!(alone[0].title.ends_with("not asked again over TCP"), "{alone:?}");
    again.query.as_mut().unwrap().record_type = Some("AAAA".to_owned());
    assert!(concluded(vec![cut, again]).2[0].title.ends_with("not asked again over TCP"));
}

#[test]
fn retries_from_other_ports_and_of_other_servers() {
    let lost = asked(1, "10.0.0.9", "10.0.0.53", "a.test", 0, None);
    let lost_again = asked(2, "10.0.0.9", "10.0.0.54", "a.test", 5_000, None);
    let good = asked(3, "10.0.0.9", "10.0.0.53", "a.test", 10_000, Some(10_020));
    let findings = concluded(vec![lost.clone(), lost_again.clone(), good.clone()]).2;
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].code, "dns.retried");
    assert!(findings[0].title.ends_with("answered by 10.0.0.53 at the third try, after 10.0 s"), "{findings:?}");
    assert!(codes(vec![lost.clone(), lost_again]).is_empty(), "each is told as unanswered where it was seen");
    let later = asked(4, "10.0.0.9", "10.0.0.53", "a.test", 60_000, Some(60_001));
    assert!(codes(vec![lost, later]).is_empty(), "another question altogether");
}

#[test]
fn servers_that_do_not_agree() {
    let says = |number, server, addresses: &[(&'static str, &'static str, &'static str)]| {
        asked(number, "10.0.0.9", server, "a.test", i64::try_from(number).unwrap(), Some(100)).answers(addresses)
    };
    let one = says(1, "10.0.0.53", &[("a.test", "A", "192.0.2.1"), ("a.test", "A", "192.0.2.2")]);
    let same = says(2, "10.0.0.54", &[("a.test", "A", "192.0.2.2")]);
    let other = says(3, "10.0.0.55", &[("a.test", "A", "192.0.2.6")]);
    assert!(codes(vec![one.clone(), same.clone()]).is_empty());
    let findings = concluded(vec![one.clone(), same, other.clone()]).2;
    assert_eq!(findings.len(), 1);
    assert_eq!(findings[0].title, "A a.test: 10.0.0.53 says 192.0.2.1, 10.0.0.55 says 192.0.2.6");
    // A forwarder and the server it asks.
    let mut chained = other;
    chained.client = end("10.0.0.53", 5);
    assert!(codes(vec![one, chained]).is_empty());
}

#[test]
fn ids_that_can_be_guessed() {
    let numbered = |id: &dyn Fn(u16) -> u16, count| {
        let query = |number: u16| {
            let mut dns =
                asked(number.into(), "10.0.0.9", "10.0.0.53", &format!("n{number}.test"), number.into(), Some(900));
            dns.id = id(number);
            dns
        };
        codes((0..count).map(query).collect())
    };
    assert_eq!(numbered(&|number| 65_530_u16.wrapping_add(number), 12), ["dns.predictable-id"]);
    assert_eq!(numbered(&|_| 1, 9), ["dns.predictable-id"]);
    assert!(numbered(&|_| 1, 8).is_empty());
    assert!(numbered(&|number| number.wrapping_mul(7919), 30).is_empty());
}

#[test]
fn addresses_in_turn_and_who_used_them() {
    let addresses = ["192.0.2.91", "192.0.2.92", "192.0.2.93"];
    let answer = |number: u64, turn: usize| {
        let sent = i64::try_from(number).unwrap() * 1000;
        let turned: Vec<_> = (0..3).map(|place| ("rr.test", "A", addresses[(turn + place) % 3])).collect();
        asked(number, "10.0.0.9", "10.0.0.53", "rr.test", sent, Some(sent + 10)).answers(&turned)
    };
    let rotation = |turns: &[usize]| {
        let all = (1..).zip(turns).map(|(number, turn)| answer(number, *turn)).collect();
        concluded(all).1.first().map(|round_robin| round_robin.rotation)
    };
    assert_eq!(rotation(&[0, 1, 2, 0]), Some(Rotation::Cyclic));
    assert_eq!(rotation(&[1, 1, 1]), Some(Rotation::Fixed));
    assert_eq!(rotation(&[1]), None);
    let mut swapped = answer(2, 0);
    swapped.response.as_mut().unwrap().answers.swap(0, 1);
    assert_eq!(concluded(vec![answer(1, 0), swapped.clone()]).1[0].rotation, Rotation::Shuffled);
    swapped.response.as_mut().unwrap().answers.pop();
    assert_eq!(concluded(vec![answer(1, 0), swapped]).1[0].rotation, Rotation::Varying);

    let mut comparison = Comparison::default();
    for number in 1..=4 {
        comparison.query(answer(number, usize::try_from(number - 1).unwrap()));
    }
    let connect = |number, at: i64, client: &str, server| {
        let mut fact = crate::analysis::tests::fact(number, end(client, 50_000), end(server, 80));
        fact.first.timestamp = Timestamp(at * MS);
        fact
    };
    comparison.connection(&connect(100, 1_500, "10.0.0.9", "192.0.2.91"));
    comparison.connection(&connect(101, 2_500, "10.0.0.9", "192.0.2.93"));
    comparison.connection(&connect(102, 500, "10.0.0.9", "192.0.2.91")); // before any answer
    comparison.connection(&connect(103, 1_500, "10.0.0.8", "192.0.2.91")); // somebody else
    let records = comparison.records();
    let [Record::RoundRobin(found)] = &records[..] else { panic!("{records:?}") };
    let shares: Vec<_> = found.addresses.iter().map(|share| (share.first, share.given, share.connections)).collect();
    assert_eq!(shares, [(2, 4, 1), (1, 4, 0), (1, 4, 1)]);
    assert_eq!((found.responses, found.connections_total), (4, 2));
    let positions: Vec<_> = found.connections.iter().map(|one| (one.position, one.after_answer_ns / MS)).collect();
    assert_eq!(positions, [(1, 490), (2, 490)]);
}

#[test]
fn what_there_is_no_room_for_is_counted() {
    let mut comparison = Comparison::default();
    for number in 0..limits::MAX_COMPARED_QUERIES + 3 {
        comparison.query(asked((number % 1000) as u64, "10.0.0.9", "10.0.0.53", "a.test", 0, Some(1)));
    }
    assert_eq!(comparison.queries_left_out(), 3);
}

#[test]
fn many_questions_at_once_take_no_long() {
    // One resolver, thousands of questions and steps open at once, all with related names: bounded work.
    let mut all = Vec::new();
    for number in 0..4000_u64 {
        let name = format!("n{number}.a.very.deep.name.in.one.zone.test");
        all.push(asked(number % 1000, "10.0.0.9", "10.0.0.53", &name, 0, Some(10_000)));
        all.push(asked(number % 1000, "10.0.0.53", "10.1.0.1", "zone.test", 1, Some(9_000)).iterative());
    }
    let started = std::time::Instant::now();
    let (resolutions, ..) = concluded(all);
    assert!(resolutions.len() > 1000);
    assert!(started.elapsed().as_secs() < 20, "{:?}", started.elapsed());
}
