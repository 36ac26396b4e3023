//! Parsers by themselves: HPACK, DNS record data; and what compares flows with one another.
use super::choices::Choices;
use crate::{
    analysis::Comparison,
    app::{
        codec::hpack::Decoder,
        dns::{
            names::Name,
            parser::{ResourceRecord, Section},
            rdata,
        },
    },
    limits,
    record::{
        Dns, DnsQuery, DnsRecord, DnsResponse, DnsTransport, Endpoint, Evidence, FlowId, Marks, Opening, PacketNumber,
        PacketRef, Record, Side, Subject, TcpFact, Timestamp,
    },
};

type Fields = Vec<(Option<Vec<u8>>, Option<Vec<u8>>)>;

fn fields(decoder: &mut Decoder, block: &[u8]) -> Option<Fields> {
    let (mut fields, mut octets) = (Fields::new(), 0);
    let result = decoder.decode(block, &mut |field| {
        let owned = |bytes: Option<&[u8]>| bytes.map(<[u8]>::to_vec);
        octets += field.name.map_or(0, <[u8]>::len) + field.value.map_or(0, <[u8]>::len);
        // A reference may stand for a whole table; a short input is enough to see whether anything goes wrong.
        if octets < 1 << 20 {
            fields.push((owned(field.name), owned(field.value)));
        }
    });
    result.is_ok().then_some(fields)
}

/// Header blocks, each behind its length: read from the beginning, and by one who came after the first of them. The latter
/// may not know, but never knows anything else.
pub fn hpack(mut script: &[u8]) {
    let (mut whole, mut late) = (Decoder::default(), Decoder::default());
    late.forget();
    let mut first = true;
    while let [length, rest @ ..] = script {
        let (block, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        script = rest;
        let Some(all) = fields(&mut whole, block) else { return };
        if std::mem::take(&mut first) {
            continue;
        }
        let known = fields(&mut late, block).expect("who misses entries knows of fewer errors");
        assert_eq!(known.len(), all.len());
        for (known, all) in known.iter().zip(&all) {
            assert!(known.0.is_none() || all.0.is_none() || known.0 == all.0, "{known:?} {all:?}");
            assert!(known.1.is_none() || all.1.is_none() || known.1 == all.1, "{known:?} {all:?}");
        }
    }
}

/// A record's data: two octets of type, two of where the data begin in the message that follows, so that names may point
/// back; then the message. What is printed is bounded and has no control characters in it.
pub fn dns_rdata(bytes: &[u8]) {
    let [high, low, far, near, message @ ..] = bytes else { return };
    let (record_type, start) = (u16::from_be_bytes([*high, *low]), usize::from(u16::from_be_bytes([*far, *near])));
    // A type that has a layout, more often than not.
    let record_type = if record_type >= 0x8002 { record_type % 270 } else { record_type };
    let message = &message[..message.len().min(usize::from(u16::MAX))];
    let data_start = start % (message.len() + 1);
    let Ok((name, _)) = Name::read(message, 0) else { return };
    let (section, class, ttl) = (Section::Answer, 1, 0);
    let text = rdata::text(&ResourceRecord { section, name, record_type, class, ttl, message, data_start });
    assert!(text.len() <= limits::MAX_DNS_DATA_TEXT_BYTES.max(message.len() * 2 + 16), "{} bytes", text.len());
    assert!(!text.contains(char::is_control) && !text.is_empty(), "{text:?}");
}

const NAMES: [&str; 8] = [
    ".",
    "example",
    "lab.example",
    "www.lab.example",
    "ns1.lab.example",
    "WWW.lab.example",
    "_.lab.example",
    "other.test",
];
const TYPES: [&str; 6] = ["A", "AAAA", "NS", "CNAME", "SOA", "MX"];
const DATA: [&str; 8] =
    ["10.0.0.1", "10.0.0.2", "10.0.0.3", "fd00::1", "ns1.lab.example", "www.lab.example", "lab.example", "no address"];
const HOSTS: [[u8; 4]; 5] = [[10, 0, 0, 1], [10, 0, 0, 2], [10, 0, 0, 3], [10, 0, 0, 53], [192, 0, 2, 1]];

fn some_records(next: &mut Choices<'_>) -> Vec<DnsRecord> {
    let record = |next: &mut Choices<'_>| DnsRecord {
        name: next.of(&NAMES).to_owned(),
        record_type: next.of(&TYPES).to_owned(),
        class: None,
        ttl: next.below(3).into(),
        data: next.of(&DATA).to_owned(),
    };
    (0..next.below(4)).map(|_| record(next)).collect()
}

/// Connections and DNS transactions of a few hosts, names and moments, as a capture could hold them: what is concluded
/// keeps its limits and has a JSON form.
pub fn cross_flow(bytes: &[u8]) {
    let mut next = Choices::new(bytes);
    let mut comparison = Comparison::default();
    let mut now = Timestamp(1_700_000_000_000_000_000);
    let mut index = 0;
    while !next.is_empty() && index < 2000 {
        now = now.plus(i64::from(next.below(8)) * next.of(&[1_000_000, 100_000_000, 3_000_000_000]));
        index += 1;
        let number = PacketNumber::new(u16::from(next.below(20) == 19), index);
        let id = FlowId { opener: number, depth: 0 };
        let mut end = |ports: [u16; 3]| Endpoint { address: next.of(&HOSTS).into(), port: next.of(&ports) };
        let (client, server) = (end([40_000, 40_001, 53]), end([53, 80, 443]));
        if next.below(4) == 0 {
            let mut mark = || Marks {
                initial_sequence_number: Some(next.below(4).into()),
                timestamp_value: Some(next.below(4).into()),
                payload_start: Some(next.below(4).into()),
                payload_bytes: next.below(9).into(),
            };
            let marks = [mark(), mark()];
            let opening = next.of(&[Opening::Completed, Opening::HalfOpen, Opening::Unanswered, Opening::Refused]);
            comparison.connection(&TcpFact {
                id,
                first: PacketRef { index, number, timestamp: now },
                end: now.plus(5_000_000_000),
                client,
                server,
                opening,
                syns: 1,
                marks,
                closed_idle: (next.below(2) == 1).then_some((Side::Server, 5_000_000_000)),
                raced: next.below(2) == 1,
            });
            continue;
        }
        let latency_ns = i64::from(next.below(9)) * 1_000_000;
        let response = (next.below(5) > 0).then(|| DnsResponse {
            packet: PacketNumber::new(number.file(), index + 1),
            ts: now.plus(latency_ns),
            name: None,
            record_type: None,
            rcode: next.of(&["NOERROR", "NOERROR", "NOERROR", "NXDOMAIN", "SERVFAIL"]).to_owned(),
            authoritative: next.below(2) == 1,
            truncated: next.below(8) == 1,
            recursion_available: next.below(2) == 1,
            authentic_data: false,
            opt: None,
            answers: some_records(&mut next),
            authority: some_records(&mut next),
            additional: some_records(&mut next),
        });
        let mut dns = Dns {
            subject: Subject::new(id, std::iter::once(number).collect::<Evidence>()),
            client,
            server,
            transport: next.of(&[DnsTransport::Udp, DnsTransport::Tcp, DnsTransport::Mdns]),
            id: next.below(3).into(),
            opcode: "QUERY".to_owned(),
            query: (next.below(9) > 0).then(|| DnsQuery {
                packet: number,
                ts: now,
                name: (next.below(9) > 0).then(|| next.of(&NAMES).to_owned()),
                record_type: Some(next.of(&TYPES).to_owned()),
                class: Some("IN".to_owned()),
                recursion_desired: next.below(2) == 1,
                checking_disabled: false,
                edns: false,
                opt: None,
                answers: Vec::new(),
                authority: Vec::new(),
            }),
            latency_ns: response.is_some().then_some(latency_ns),
            retransmissions: next.below(3).into(),
            waited_ns: response.is_none().then_some(latency_ns),
            unreachable: None,
            truncated_before: None,
            response,
        };
        comparison.link(&mut dns);
        comparison.query(dns);
    }
    for record in comparison.records() {
        match &record {
            Record::Resolution(resolution) => {
                assert!(resolution.steps.len() <= limits::MAX_RESOLUTION_STEPS);
                assert!(resolution.steps_total >= resolution.steps.len() as u64);
                assert!(resolution.duration_ns.is_none_or(|duration| duration >= 0));
                assert!(resolution.steps.iter().all(|step| step.offset_ns >= 0));
            }
            Record::RoundRobin(round_robin) => {
                assert!(round_robin.responses > 1 && round_robin.addresses_total > 1);
                let first: u64 = round_robin.addresses.iter().map(|share| share.first).sum();
                assert_eq!(first, round_robin.responses, "each answer has one address that stands first");
            }
            other => panic!("{other:?}"),
        }
        serde_json::to_string(&record).expect("every record has a JSON form");
    }
    for finding in comparison.findings() {
        serde_json::to_string(&finding).expect("every finding has a JSON form");
    }
}
