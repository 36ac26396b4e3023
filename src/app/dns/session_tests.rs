//! Sessions fed with messages built here and by simple-dns.
use proptest::prelude::*;
use simple_dns::{CLASS, Name, Packet, QCLASS, QTYPE, Question, ResourceRecord as Built, TYPE, rdata as built};

use super::*;
use crate::app::Said;
use crate::record::{Certainty, Finding, FlowId, PacketNumber, Timestamp, Transport, Wanted};
use Direction::{ClientToServer as Asked, ServerToClient as Told};

fn flow(port: u16, transport: Transport) -> FlowFacts {
    let end = |text: &str, port| Endpoint { address: text.parse().unwrap(), port };
    FlowFacts {
        id: FlowId::default(),
        transport,
        client: end("10.0.0.1", 40000),
        server: end("10.0.0.53", port),
        client_certainty: Certainty::Assumed,
    }
}

/// Feeds inputs, one packet per millisecond of `at`, and returns what was said.
fn run(carrier: Carrier, port: u16, inputs: &[(i64, Input<'_>)]) -> (Vec<Dns>, Vec<Finding>, Vec<DnsMessage>) {
    let transport = if carrier == Carrier::Udp { Transport::Udp } else { Transport::Tcp };
    let flow = flow(port, transport);
    let mut session = DnsSession::new(carrier);
    let mut said = Vec::new();
    let wanted = Wanted::usual().with(RecordKind::DnsMessage);
    for (index, &(milliseconds, input)) in (0..).zip(inputs) {
        let timestamp = Timestamp(milliseconds * 1_000_000);
        let packet = PacketRef { index, number: PacketNumber::new(0, index + 1), timestamp };
        let context = Context {
            flow: &flow,
            packet,
            origins: &[],
            from_start: true,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: None,
            secrets: crate::record::Secrets::none(),
        };
        session.input(input, &context, &mut Sink::new(wanted, true, &mut said));
    }
    let (mut dns, mut findings, mut messages) = (vec![], vec![], vec![]);
    for said in said {
        match said {
            Said::Record(Record::Dns(record)) => dns.push(*record),
            Said::Record(Record::Finding(finding)) => findings.push(*finding),
            Said::Record(Record::DnsMessage(message)) => messages.push(*message),
            _ => {}
        }
    }
    (dns, findings, messages)
}

fn say(direction: Direction, bytes: &[u8]) -> Input<'_> {
    Input::Datagram { direction, bytes }
}

fn question(name: &'static str, kind: QTYPE) -> Question<'static> {
    Question::new(Name::new(name).unwrap(), kind, QCLASS::CLASS(CLASS::IN), false)
}

fn query(id: u16, name: &'static str) -> Vec<u8> {
    let mut packet = Packet::new_query(id);
    packet.questions.push(question(name, QTYPE::TYPE(TYPE::A)));
    packet.build_bytes_vec().unwrap()
}

fn reply(id: u16, name: &'static str, rcode: u8, addresses: &[u32]) -> Vec<u8> {
    let mut packet = Packet::new_reply(id);
    packet.questions.push(question(name, QTYPE::TYPE(TYPE::A)));
    for &address in addresses {
        let data = built::RData::A(built::A { address });
        packet.answers.push(Built::new(Name::new(name).unwrap(), CLASS::IN, 60, data));
    }
    let mut bytes = packet.build_bytes_vec_compressed().unwrap();
    bytes[3] = bytes[3] & 0xf0 | rcode;
    bytes
}

fn codes(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code).collect()
}

#[test]
fn a_query_sent_twice_and_answered_twice() {
    let (query, reply) = (query(7, "Example.com"), reply(7, "eXample.com", 0, &[0xc000_0201]));
    let inputs =
        [(0, say(Asked, &query)), (600, say(Asked, &query)), (700, say(Told, &reply)), (701, say(Told, &reply))];
    let (dns, findings, messages) = run(Carrier::Udp, 53, &inputs);
    assert_eq!(messages.len(), 4);
    let [dns] = &dns[..] else { panic!("{dns:?}") };
    assert_eq!((dns.retransmissions, dns.latency_ns), (1, Some(700_000_000)));
    assert_eq!(dns.query.as_ref().unwrap().name.as_deref(), Some("Example.com"));
    assert_eq!(dns.response.as_ref().unwrap().answers[0].data, "192.0.2.1");
    assert_eq!(dns.subject.evidence.total(), 3);
    assert_eq!(codes(&findings), ["dns.slow", "dns.duplicate-response"]);
}

#[test]
fn failures_are_findings() {
    for (rcode, code) in [(2, "dns.servfail"), (3, "dns.nxdomain"), (5, "dns.refused")] {
        let (query, reply) = (query(7, "a.example"), reply(7, "a.example", rcode, &[]));
        let (_, findings, _) = run(Carrier::Udp, 53, &[(0, say(Asked, &query)), (1, say(Told, &reply))]);
        assert_eq!(codes(&findings), [code]);
    }
}

#[test]
fn unanswered_and_unasked() {
    let (query, reply) = (query(7, "a.example"), reply(8, "b.example", 0, &[1]));
    let inputs = [(0, say(Asked, &query)), (1, say(Told, &reply)), (5000, Input::Close)];
    let (dns, findings, _) = run(Carrier::Udp, 53, &inputs);
    assert_eq!(dns.len(), 2);
    assert!(dns[0].query.is_none());
    assert_eq!(dns[0].response.as_ref().unwrap().name.as_deref(), Some("b.example"));
    assert_eq!(dns[0].server.port, 53);
    assert!(dns[1].response.is_none());
    assert_eq!(codes(&findings), ["dns.unanswered"]);
    assert!(findings[0].explanation.contains("5.000 s"));
    assert_eq!((dns[0].waited_ns, dns[1].waited_ns), (None, Some(5_000_000_000)));
    let too_short = [(0, say(Asked, &query)), (900, Input::Close)];
    let (dns, findings, _) = run(Carrier::Udp, 53, &too_short);
    assert!(dns[0].response.is_none() && findings.is_empty(), "the capture ended before anybody would ask again");
    let asked_again = [(0, say(Asked, &query)), (500, say(Asked, &query)), (900, Input::Close)];
    let (_, findings, _) = run(Carrier::Udp, 53, &asked_again);
    assert_eq!(codes(&findings), ["dns.unanswered"]);
    assert!(findings[0].explanation.contains("Asked 2 times"));
}

#[test]
fn a_response_with_another_question_is_suspicious_and_the_query_stays_open() {
    let (query, forged) = (query(7, "a.example"), reply(7, "b.example", 0, &[1]));
    let good = reply(7, "a.example", 0, &[2]);
    let inputs = [(0, say(Asked, &query)), (1, say(Told, &forged)), (2, say(Told, &good))];
    let (dns, findings, _) = run(Carrier::Udp, 53, &inputs);
    assert_eq!(codes(&findings), ["dns.mismatched-response"]);
    assert_eq!(dns.len(), 2);
    assert_eq!(dns[1].response.as_ref().unwrap().answers[0].data, "0.0.0.2");
}

#[test]
fn responses_with_guessed_ids_are_one_finding() {
    let query = query(7, "a.example");
    let guesses: Vec<Vec<u8>> = (100..150).map(|id| reply(id, "a.example", 0, &[6])).collect();
    let good = reply(7, "A.example", 0, &[2]);
    let mut inputs = vec![(0, say(Asked, &query))];
    inputs.extend(guesses.iter().map(|guess| (1, say(Told, guess))));
    inputs.push((2, say(Told, &good)));
    let (dns, findings, _) = run(Carrier::Udp, 53, &inputs);
    assert_eq!(codes(&findings), ["dns.mismatched-id"]);
    assert!(findings[0].title.contains("50 responses have"), "{}", findings[0].title);
    assert_eq!(findings[0].subject.evidence.total(), 50);
    assert_eq!(dns.len(), 51);
}

#[test]
fn two_answers_that_differ_are_suspicious() {
    let query = query(7, "a.example");
    let [one, same, other] = [&[1, 2][..], &[2, 1], &[6]].map(|addresses| reply(7, "a.example", 0, addresses));
    let answered =
        |second| run(Carrier::Udp, 53, &[(0, say(Asked, &query)), (1, say(Told, &one)), (2, say(Told, second))]);
    assert_eq!(codes(&answered(&same).1), ["dns.duplicate-response"]);
    assert_eq!(codes(&answered(&other).1), ["dns.conflicting-response"]);
    let failed = reply(7, "a.example", 2, &[1, 2]);
    assert_eq!(codes(&answered(&failed).1), ["dns.conflicting-response"]);
}

#[test]
fn an_id_in_use_is_told_once() {
    let queries = ["a.example", "b.example", "c.example"].map(|name| query(7, name));
    let inputs: Vec<_> = queries.iter().map(|query| (0, say(Asked, query))).collect();
    let (_, findings, _) = run(Carrier::Udp, 53, &inputs);
    assert_eq!(codes(&findings), ["dns.id-in-use"]);
    assert!(findings[0].title.contains("for b.example while a.example"));
}

#[test]
fn answers_that_may_not_be_kept() {
    let mut packet = Packet::new_reply(7);
    packet.questions.push(question("a.example", QTYPE::TYPE(TYPE::A)));
    let data = built::RData::A(built::A { address: 1 });
    packet.answers.push(Built::new(Name::new("a.example").unwrap(), CLASS::IN, 0, data));
    let (query, reply) = (query(7, "a.example"), packet.build_bytes_vec().unwrap());
    let (_, findings, _) = run(Carrier::Udp, 53, &[(0, say(Asked, &query)), (1, say(Told, &reply))]);
    assert_eq!(codes(&findings), ["dns.ttl-zero"]);
}

#[test]
fn loops_are_told_once() {
    let mut query = query(7, "a.example");
    let end = query.len();
    query[12..14].copy_from_slice(&[0xc0, 12]);
    let inputs = [(0, say(Asked, &query[..end])), (1, say(Told, &query))];
    let (_, findings, _) = run(Carrier::Udp, 53, &inputs);
    assert_eq!(codes(&findings), ["dns.malformed"]);
}

#[test]
fn icmp_answers_the_query_it_quotes() {
    let flow = flow(53, Transport::Udp);
    let queries = [query(7, "a.example"), query(8, "b.example")];
    let told = |quoted: &[u8], direction| {
        let mut session = DnsSession::new(Carrier::Udp);
        let mut said = Vec::new();
        let mut sink = Sink::new(Wanted::usual(), false, &mut said);
        let at = |milliseconds: i64| {
            let number = PacketNumber::new(0, milliseconds as u64 + 1);
            let packet = PacketRef { index: 0, number, timestamp: Timestamp(milliseconds * 1_000_000) };
            Context {
                flow: &flow,
                packet,
                origins: &[],
                from_start: true,
                round_trip_ns: None,
                server_round_trip_ns: None,
                hop_limit: None,
                secrets: crate::record::Secrets::none(),
            }
        };
        for query in &queries {
            session.input(say(Asked, query), &at(0), &mut sink);
        }
        let reason = "port unreachable";
        let by = flow.server.address;
        let notice = Unreachable { direction, by, reason, message_type: 3, code: 3, mtu: None, quoted };
        session.unreachable(&notice, &at(30), &mut sink);
        said.into_iter().filter_map(|said| if let Said::Record(record) = said { Some(record) } else { None }).collect()
    };
    let records: Vec<Record> = told(&[], Asked);
    assert!(records.is_empty(), "two are open, and the ports alone do not tell which of them it was");
    let records: Vec<Record> = told(&queries[1][..4], Asked);
    let [Record::Finding(finding), Record::Dns(dns)] = &records[..] else { panic!("{records:?}") };
    assert_eq!((finding.code, dns.id), ("dns.unreachable", 8));
    assert_eq!((dns.waited_ns, dns.latency_ns), (Some(30_000_000), None));
    assert_eq!(dns.unreachable.as_ref().map(|error| error.reason), Some("port unreachable"));
    assert_eq!(dns.subject.evidence.total(), 2);
    let answer = reply(7, "a.example", 0, &[1]);
    let records: Vec<Record> = told(&answer, Told);
    assert!(records.is_empty(), "an answer that found no one");
}

#[test]
fn edns_is_listed() {
    let mut bytes = query(7, "a.example");
    bytes[11] = 1; // ARCOUNT
    bytes.extend_from_slice(b"\0\0\x29\x04\xd0\x01\0\x80\0\0\x11\0\x0a\0\x02\xab\xcd\0\x0f\0\x07\0\x06bogus");
    let (dns, _, _) = run(Carrier::Udp, 53, &[(0, say(Told, &[&bytes[..2], &[0x81, 0x92], &bytes[4..]].concat()))]);
    let response = dns[0].response.as_ref().unwrap();
    assert_eq!(response.rcode, "BADTIME"); // 1 << 4 | 2
    let opt = response.opt.as_ref().unwrap();
    assert!(opt.dnssec_ok);
    assert_eq!((opt.udp_payload_size, opt.version), (1232, 0));
    let options: Vec<_> = opt.options.iter().map(|option| (option.name.as_str(), option.value.as_str())).collect();
    assert_eq!(options, [("COOKIE", "abcd"), ("EDE", "6 (DNSSEC Bogus) \"bogus\"")]);
}

#[test]
fn multicast_needs_no_partner() {
    let reply = reply(0, "printer.local", 0, &[1]);
    let (dns, findings, _) = run(Carrier::Udp, 5353, &[(0, say(Asked, &reply)), (1, Input::Close)]);
    assert_eq!(dns.len(), 1);
    assert_eq!((dns[0].transport, dns[0].server.port), (DnsTransport::Mdns, 40000)); // who answers is the server
    assert!(dns[0].query.is_none() && findings.is_empty());
}

#[test]
fn outstanding_queries_are_bounded() {
    let queries: Vec<Vec<u8>> = (0..1030_u16).map(|id| query(id, "a.example")).collect();
    let inputs: Vec<_> = queries.iter().map(|query| (0, say(Asked, query))).collect();
    let (dns, _, _) = run(Carrier::Udp, 53, &inputs);
    assert_eq!(dns.len(), 1030 - MAX_DNS_OUTSTANDING);
    assert_eq!(dns[0].id, 0);
}

fn framed(messages: &[&[u8]]) -> Vec<u8> {
    messages.iter().flat_map(|message| [&(message.len() as u16).to_be_bytes()[..], message].concat()).collect()
}

#[test]
fn streams_hold_several_messages_and_halves_and_holes() {
    let (one, two) = (query(1, "a.example"), query(2, "b.example"));
    let bytes = framed(&[&one, &two]);
    let flow = flow(53, Transport::Tcp);
    let packet = PacketRef::default();
    let context = Context {
        flow: &flow,
        packet,
        origins: &[],
        from_start: true,
        round_trip_ns: None,
        server_round_trip_ns: None,
        hop_limit: None,
        secrets: crate::record::Secrets::none(),
    };
    for cut in 0..bytes.len() {
        let mut session = DnsSession::new(Carrier::Tcp);
        let mut said = Vec::new();
        let mut sink = Sink::new(Wanted::none().with(RecordKind::DnsMessage), false, &mut said);
        let first = session.input(Input::Stream { direction: Asked, bytes: &bytes[..cut] }, &context, &mut sink);
        let (Progress::Consumed(used) | Progress::Need { consumed: used, .. }) = first else { panic!("{first:?}") };
        session.input(Input::Stream { direction: Asked, bytes: &bytes[used..] }, &context, &mut sink);
        assert_eq!(said.len(), 2, "cut at {cut}");
    }
    // After a hole the stream is taken up at the next message.
    let rest = [&one[one.len() - 9..], &framed(&[&two])[..]].concat();
    let inputs =
        [(0, Input::Gap { direction: Asked, length: 20 }), (1, Input::Stream { direction: Asked, bytes: &rest })];
    let (_, _, messages) = run(Carrier::Tcp, 53, &inputs);
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].id, 2);
}

fn soa(serial: u32) -> Built<'static> {
    let name = || Name::new("zone.example").unwrap();
    let data = built::SOA { mname: name(), rname: name(), serial, refresh: 1, retry: 1, expire: 1, minimum: 1 };
    Built::new(name(), CLASS::IN, 60, built::RData::SOA(data))
}

fn transfer(serials: &[u32]) -> Vec<u8> {
    let mut packet = Packet::new_reply(9);
    packet.answers.extend(serials.iter().map(|&serial| match serial {
        0 => Built::new(Name::new("h.zone.example").unwrap(), CLASS::IN, 60, built::RData::A(built::A { address: 1 })),
        serial => soa(serial),
    }));
    packet.build_bytes_vec().unwrap()
}

#[test]
fn zone_transfers_are_one_transaction() {
    // AXFR in three messages; IXFR with two steps (RFC 1995 7 has the like), cut where the new serial opens additions.
    for (kind, messages) in [
        (QTYPE::AXFR, vec![transfer(&[3, 0]), transfer(&[0, 0]), transfer(&[0, 3])]),
        (QTYPE::IXFR, vec![transfer(&[3, 1, 0, 2]), transfer(&[0, 2, 0, 3]), transfer(&[0, 3])]),
    ] {
        let mut packet = Packet::new_query(9);
        packet.questions.push(question("zone.example", kind));
        let asked = framed(&[&packet.build_bytes_vec().unwrap()]);
        let told: Vec<Vec<u8>> = messages.iter().map(|message| framed(&[message])).collect();
        let mut inputs = vec![(0, Input::Stream { direction: Asked, bytes: &asked })];
        for (at, bytes) in (1..).zip(&told) {
            inputs.push((at, Input::Stream { direction: Told, bytes }));
        }
        let (dns, findings, _) = run(Carrier::Tcp, 53, &inputs);
        assert_eq!(dns.len(), 1, "{dns:?}");
        assert_eq!(
            dns[0].response.as_ref().unwrap().answers.len(),
            messages.len() * 2 + if kind == QTYPE::IXFR { 4 } else { 0 }
        );
        assert_eq!(dns[0].subject.evidence.total(), 4);
        assert!(findings.is_empty());
    }
}

/// RFC 7766 6.2.1.1, 7: queries that follow each other on one connection, answered in another order, all answers in one
/// segment, and one of them cut by segments.
#[test]
fn answers_over_tcp_come_in_any_order() {
    let queries: Vec<Vec<u8>> =
        [(1, "a.example"), (2, "b.example"), (3, "c.example")].iter().map(|&(id, name)| query(id, name)).collect();
    let asked = framed(&queries.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let answers = [reply(3, "c.example", 0, &[3]), reply(1, "a.example", 3, &[]), reply(2, "b.example", 0, &[2])];
    let told = framed(&answers.iter().map(Vec::as_slice).collect::<Vec<_>>());
    let inputs = [
        (0, Input::Stream { direction: Asked, bytes: &asked }),
        (20, Input::Stream { direction: Told, bytes: &told }),
        (30, Input::Close),
    ];
    let (dns, findings, messages) = run(Carrier::Tcp, 53, &inputs);
    assert_eq!(messages.len(), 6);
    let found: Vec<_> = dns
        .iter()
        .map(|dns| (dns.id, dns.query.as_ref().unwrap().name.as_deref().unwrap(), dns.latency_ns.unwrap()))
        .collect();
    assert_eq!(found, [(3, "c.example", 20_000_000), (1, "a.example", 20_000_000), (2, "b.example", 20_000_000)]);
    assert_eq!(codes(&findings), ["dns.nxdomain"]);
}

/// RFC 2136: the zone is the question, prerequisites and changes are kept with their classes, and the answer is one.
#[test]
fn a_dynamic_update() {
    let mut asked = b"\x12\x34\x28\0\0\x01\0\x01\0\x03\0\0\x04zone\x07example\0\0\x06\0\x01".to_vec();
    asked.extend_from_slice(b"\x01h\xc0\x0c\0\xff\0\xff\0\0\0\0\0\0"); // exists
    asked.extend_from_slice(b"\x01h\xc0\x0c\0\x01\0\xff\0\0\0\0\0\0"); // delete all addresses
    asked.extend_from_slice(b"\x01h\xc0\x0c\0\x01\0\xfe\0\0\0\0\0\x04\x0a\0\0\x01"); // delete one
    asked.extend_from_slice(b"\x01h\xc0\x0c\0\x01\0\x01\0\0\x0e\x10\0\x04\x0a\0\0\x02"); // add one
    let told = [&asked[..2], b"\xa8\0\0\x01\0\0\0\0\0\0", &asked[12..30]].concat();
    let (dns, findings, _) = run(Carrier::Udp, 53, &[(0, say(Asked, &asked)), (5, say(Told, &told))]);
    let [dns] = &dns[..] else { panic!("{dns:?}") };
    let query = dns.query.as_ref().unwrap();
    assert_eq!((dns.opcode.as_str(), query.name.as_deref()), ("UPDATE", Some("zone.example")));
    assert_eq!((query.record_type.as_deref(), dns.latency_ns), (Some("SOA"), Some(5_000_000)));
    let plain = |records: &[crate::record::DnsRecord]| -> Vec<_> {
        records.iter().map(|one| (one.record_type.clone(), one.class.clone(), one.data.clone())).collect()
    };
    let line =
        |kind: &str, class: Option<&str>, data: &str| (kind.to_owned(), class.map(str::to_owned), data.to_owned());
    assert_eq!(plain(&query.answers), [line("ANY", Some("ANY"), "\\# 0")]);
    assert_eq!(
        plain(&query.authority),
        [line("A", Some("ANY"), "\\# 0"), line("A", Some("NONE"), "10.0.0.1"), line("A", None, "10.0.0.2")]
    );
    assert!(findings.is_empty(), "{findings:?}");
}

/// RFC 8490 5.4: a message with id 0 wants no answer, one with another does.
#[test]
fn stateful_operations() {
    let keepalive = b"\0\x01\0\x08\0\0\x3a\x98\0\0\x3a\x98";
    let message =
        |id: u16, flags: u16| framed(&[&[&id.to_be_bytes()[..], &flags.to_be_bytes(), &[0; 8], keepalive].concat()]);
    let (one_way, asked, told) = (message(0, 0x3000), message(7, 0x3000), message(7, 0xb000));
    let inputs = [
        (0, Input::Stream { direction: Told, bytes: &one_way }),
        (1, Input::Stream { direction: Asked, bytes: &asked }),
        (2, Input::Stream { direction: Told, bytes: &told }),
        (9000, Input::Close),
    ];
    let (dns, findings, _) = run(Carrier::Tcp, 53, &inputs);
    let [first, second] = &dns[..] else { panic!("{dns:?}") };
    assert_eq!((first.opcode.as_str(), first.client.port, first.waited_ns), ("DSO", 53, None));
    assert_eq!((second.id, second.latency_ns, second.client.port), (7, Some(1_000_000), 40_000));
    assert!(findings.is_empty(), "{findings:?}");
}

#[test]
fn endless_transfers_are_bounded() {
    let mut packet = Packet::new_query(9);
    packet.questions.push(question("zone.example", QTYPE::AXFR));
    let asked = framed(&[&packet.build_bytes_vec().unwrap()]);
    let first = framed(&[&transfer(&[3, 0])]);
    let more = framed(&[&transfer(&[0; 1000])]);
    let mut inputs = vec![
        (0, Input::Stream { direction: Asked, bytes: &asked }),
        (1, Input::Stream { direction: Told, bytes: &first }),
    ];
    inputs.extend((0..30).map(|at| (at, Input::Stream { direction: Told, bytes: &more[..] })));
    inputs.push((40, Input::Close));
    let (dns, findings, _) = run(Carrier::Tcp, 53, &inputs);
    let listed = dns[0].response.as_ref().unwrap().answers.len();
    assert!((1000..15_000).contains(&listed), "{listed}");
    // A record of this zone takes more than 64 bytes.
    assert!(listed * 64 < crate::limits::MAX_DNS_TRANSFER_BYTES);
    assert!(findings.is_empty());
}

proptest! {
    #[test]
    fn never_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..200),
        port in prop_oneof![Just(53_u16), Just(5353), Just(5355)],
    ) {
        let inputs = [
            (0, say(Asked, &bytes)),
            (1, say(Told, &bytes)),
            (2, Input::Stream { direction: Asked, bytes: &bytes }),
            (3, Input::Gap { direction: Asked, length: 1 }),
            (4, Input::Stream { direction: Asked, bytes: &bytes }),
            (5, Input::Close),
        ];
        run(Carrier::Udp, port, &inputs);
        run(Carrier::Tcp, port, &inputs);
    }

    #[test]
    fn agrees_with_simple_dns(
        id in any::<u16>(),
        owners in proptest::collection::vec("[a-z0-9]{1,10}(\\.[a-z0-9]{1,10}){0,4}", 1..8),
        address in any::<u32>(), wide in any::<u128>(), preference in any::<u16>(),
    ) {
        let mut packet = Packet::new_reply(id);
        let name = |text: &str| Name::new(text).unwrap().into_owned();
        packet.questions.push(Question::new(name(&owners[0]), QTYPE::ANY, QCLASS::CLASS(CLASS::IN), false));
        let mut expected = Vec::new();
        for owner in &owners {
            for (data, text) in [
                (built::RData::A(built::A { address }), std::net::Ipv4Addr::from(address).to_string()),
                (built::RData::AAAA(built::AAAA { address: wide }), std::net::Ipv6Addr::from(wide).to_string()),
                (built::RData::CNAME(built::CNAME(name(owner))), owner.clone()),
                (built::RData::MX(built::MX { preference, exchange: name(owner) }), format!("{preference} {owner}")),
            ] {
                packet.answers.push(Built::new(name(owner), CLASS::IN, 5, data));
                expected.push((owner.clone(), text));
            }
        }
        for bytes in [packet.build_bytes_vec().unwrap(), packet.build_bytes_vec_compressed().unwrap()] {
            let content = Content::read(&Message::read(&bytes).unwrap(), false);
            prop_assert_eq!(content.malformed, None);
            let found: Vec<_> = content.answers.into_iter().map(|record| (record.name, record.data)).collect();
            prop_assert_eq!(&found, &expected);
            for end in 0..bytes.len() {
                if let Some(message) = Message::read(&bytes[..end]) {
                    prop_assert!(Content::read(&message, false).malformed.is_some());
                }
            }
        }
    }
}
