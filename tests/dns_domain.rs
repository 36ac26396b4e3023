//! Messages made at random by NLnet Labs' `domain`, names compressed, as our session reads them: every name, number and
//! all data in presentation format alike, for every type that library knows.
#![allow(missing_docs)]
use std::{collections::BTreeMap, fmt::Write as _};

use domain::{
    base::{
        Message, MessageBuilder, Name, ParsedName, Record as Built, Rtype, Ttl,
        iana::{Class, Opcode, Rcode},
        message_builder::TreeCompressor,
        rdata::ParseAnyRecordData,
        zonefile_fmt::{DisplayKind, ZonefileFmt},
    },
    dep::octseq::Parser,
    rdata::AllRecordData,
};
use proptest::{prelude::*, test_runner::TestRunner};
use wireglass::app::{Carrier, Said, Sink, dns::PROTOCOL};
use wireglass::record::*;

/// Types that the library has a format for, by number.
const TYPES: [u16; 44] = [
    1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 13, 14, 15, 16, 17, 28, 33, 35, 39, 43, 44, 45, 46, 47, 48, 50, 51, 52, 59, 60, 61,
    63, 64, 65, 257, 65280, 10, 99, 255, 256, 62, 53, 49, 108,
];
/// Those that are printed as RFC 3597 says by a library that has no format for them.
fn has_format(record_type: u16) -> bool {
    !matches!(record_type, 10 | 99 | 255 | 256 | 62 | 53 | 49 | 108 | 65280)
}

/// A name's octets, uncompressed.
fn name() -> impl Strategy<Value = Vec<u8>> {
    let octet = prop_oneof![
        9 => prop::sample::select(b"abcxyzABC019-_*".to_vec()),
        1 => prop_oneof![0_u8..0x20, 0x7f_u8..=0x9f, Just(0xff), Just(b'.')],
    ];
    let label = prop_oneof![
        // Some labels return, so that there is something to compress.
        prop::sample::select(vec![b"com".to_vec(), b"example".to_vec(), b"www".to_vec()]),
        prop::collection::vec(octet, 1..20),
    ];
    prop::collection::vec(label, 0..5).prop_map(|labels| {
        let mut octets = Vec::new();
        for label in labels {
            octets.push(label.len() as u8);
            octets.extend(label);
        }
        octets.push(0);
        octets
    })
}

fn octets(least: usize, most: usize) -> BoxedStrategy<Vec<u8>> {
    prop::collection::vec(any::<u8>(), least..=most).boxed()
}

/// A character-string.
fn text() -> BoxedStrategy<Vec<u8>> {
    octets(0, 30).prop_map(|text| [&[text.len() as u8][..], &text].concat()).boxed()
}

/// A bitmap of types: windows in order, none empty, no zero at its end (RFC 4034 4.1.2).
fn bitmap() -> BoxedStrategy<Vec<u8>> {
    prop::collection::btree_set(prop_oneof![1_u16..70, any::<u16>()], 1..6)
        .prop_map(|types| {
            let mut windows: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
            for number in types {
                let bits = windows.entry((number >> 8) as u8).or_default();
                let at = usize::from(number as u8) / 8;
                bits.resize(bits.len().max(at + 1), 0);
                bits[at] |= 0x80 >> (number % 8);
            }
            windows.into_iter().flat_map(|(window, bits)| [vec![window, bits.len() as u8], bits].concat()).collect()
        })
        .boxed()
}

/// A time that needs no century to be guessed (RFC 4034 3.1.5).
fn time() -> BoxedStrategy<Vec<u8>> {
    (0_u32..0x7000_0000).prop_map(|time| time.to_be_bytes().to_vec()).boxed()
}

/// A service binding's parameters in order.
fn parameters() -> BoxedStrategy<Vec<u8>> {
    // No comma and no backslash: the library does not escape them as RFC 9460 A.1 asks.
    let id = prop_oneof![Just(b"h2".to_vec()), Just(b"h3".to_vec()), Just(b"http/1.1".to_vec())];
    let alpn = prop::collection::vec(id, 1..4)
        .prop_map(|ids| ids.into_iter().flat_map(|id| [vec![id.len() as u8], id].concat()).collect::<Vec<u8>>());
    let value = |key: u16, value: BoxedStrategy<Vec<u8>>| {
        prop::option::of(value).prop_map(move |value| match value {
            Some(value) => [&key.to_be_bytes()[..], &(value.len() as u16).to_be_bytes(), &value].concat(),
            None => Vec::new(),
        })
    };
    let all = (
        value(1, alpn.boxed()),
        value(3, octets(2, 2)),
        value(4, prop_oneof![octets(4, 4), octets(8, 8)].boxed()),
        value(5, octets(1, 40)),
        value(6, octets(16, 16)),
        value(7, Just(b"/dns-query{?dns}".to_vec()).boxed()),
        value(8, Just(Vec::new()).boxed()),
        // A dot would be taken for a name's end.
        value(667, octets(0, 10).prop_map(|value| value.into_iter().filter(|octet| *octet != b'.').collect()).boxed()),
    );
    all.prop_map(|(a, b, c, d, e, f, g, h)| [a, b, c, d, e, f, g, h].concat()).boxed()
}

/// Data of a type, names uncompressed.
fn data(record_type: u16) -> BoxedStrategy<Vec<u8>> {
    let parts: Vec<BoxedStrategy<Vec<u8>>> = match record_type {
        1 => vec![octets(4, 4)],
        28 => vec![octets(16, 16)],
        2 | 3 | 4 | 5 | 7 | 8 | 9 | 12 | 39 => vec![name().boxed()],
        6 => vec![name().boxed(), name().boxed(), octets(20, 20)],
        13 => vec![text(), text()],
        14 | 17 => vec![name().boxed(), name().boxed()],
        15 => vec![octets(2, 2), name().boxed()],
        16 => vec![text(), prop_oneof![Just(Vec::new()), text()].boxed()],
        33 => vec![octets(6, 6), name().boxed()],
        35 => vec![octets(4, 4), text(), text(), text(), name().boxed()],
        43 | 59 => vec![octets(4, 4), octets(1, 32)],
        44 => vec![octets(2, 2), octets(1, 20)],
        45 => vec![
            prop_oneof![
                (octets(1, 1), Just(vec![0, 2])).prop_map(|(a, b)| [a, b].concat()),
                (octets(1, 1), Just(vec![1, 2]), octets(4, 4)).prop_map(|(a, b, c)| [a, b, c].concat()),
                (octets(1, 1), Just(vec![2, 2]), octets(16, 16)).prop_map(|(a, b, c)| [a, b, c].concat()),
                (octets(1, 1), Just(vec![3, 2]), name()).prop_map(|(a, b, c)| [a, b, c].concat()),
            ]
            .boxed(),
            octets(1, 30),
        ],
        46 => vec![octets(8, 8), time(), time(), octets(2, 2), name().boxed(), octets(1, 40)],
        47 => vec![name().boxed(), bitmap()],
        48 | 60 => vec![octets(2, 2), Just(vec![3]).boxed(), octets(1, 1), octets(1, 40)],
        50 => vec![octets(4, 4), text(), octets(20, 20).prop_map(|hash| [vec![20], hash].concat()).boxed(), bitmap()],
        51 => vec![octets(4, 4), text()],
        52 => vec![octets(3, 3), octets(1, 32)],
        61 => vec![octets(1, 40)],
        63 => vec![octets(4, 4), octets(2, 2), octets(12, 48)],
        64 | 65 => vec![octets(2, 2), name().boxed(), parameters()],
        257 => vec![octets(1, 1), Just(b"\x05issue".to_vec()).boxed(), octets(0, 20)],
        _ => vec![octets(0, 30)],
    };
    parts
        .into_iter()
        .fold(Just(Vec::new()).boxed(), |all, part| (all, part).prop_map(|(all, part)| [all, part].concat()).boxed())
}

/// One record to be: owner, type, time to live, data.
type Plan = (Vec<u8>, u16, u32, Vec<u8>);

fn record() -> impl Strategy<Value = Plan> {
    prop::sample::select(TYPES.to_vec()).prop_flat_map(|kind| (name(), Just(kind), any::<u32>(), data(kind)))
}

/// Text without what is free to choose: final dots, blanks within long data, the case of hex, needless quotes and
/// escapes.
fn plain(text: &str) -> String {
    let mut out = String::new();
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        match c {
            '\\' => {
                let next = characters.next().unwrap();
                if let Some(digit) = next.to_digit(10) {
                    let rest: u32 = characters.by_ref().take(2).collect::<String>().parse().unwrap();
                    write!(out, "<{}>", digit * 100 + rest).unwrap();
                } else if next != ' ' {
                    write!(out, "<{}>", u32::from(next)).unwrap();
                }
            }
            // Within quotes a blank is an octet like others.
            '"' => {}
            '.' if characters.peek().is_none_or(|next| *next == ' ') => {}
            ' ' => {}
            _ if c == '.' || c.is_alphanumeric() => out.push(c),
            _ => write!(out, "<{}>", u32::from(c)).unwrap(),
        }
    }
    out
}

fn parsed(record_type: u16, data: &[u8]) -> Option<AllRecordData<&[u8], ParsedName<&[u8]>>> {
    AllRecordData::parse_any_rdata(Rtype::from_int(record_type), &mut Parser::from_ref(data)).ok()
}

/// The library's text with a signature's times as dates: it writes seconds (RFC 4034 3.2 allows both); and types by
/// IANA's names.
fn as_we_do(record_type: u16, shown: &str) -> String {
    let shown = shown.replace("NSAPPTR", "NSAP-PTR");
    if record_type != 46 {
        return shown;
    }
    let words = shown.split(' ').enumerate().map(|(place, word)| match place {
        4 | 5 => {
            let moment = chrono::DateTime::from_timestamp(word.parse().unwrap(), 0).unwrap();
            moment.format("%Y%m%d%H%M%S").to_string()
        }
        _ => word.to_owned(),
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What our session makes of a response.
fn ours(message: &[u8]) -> Vec<Record> {
    let end = |port| Endpoint { address: [10, 0, 0, 1].into(), port };
    let flow = FlowFacts {
        id: FlowId::default(),
        transport: Transport::Udp,
        client: end(40_000),
        server: end(53),
        client_certainty: Certainty::Observed,
    };
    let context = Context {
        flow: &flow,
        packet: PacketRef { index: 0, number: PacketNumber::new(0, 1), timestamp: Timestamp(0) },
        origins: &[],
        from_start: true,
        round_trip_ns: None,
        server_round_trip_ns: None,
        hop_limit: None,
        secrets: Secrets::none(),
    };
    let mut said = Vec::new();
    let mut session = (PROTOCOL.session)(Carrier::Udp);
    let input = Input::Datagram { direction: Direction::ServerToClient, bytes: message };
    session.input(input, &context, &mut Sink::new(Wanted::usual(), true, &mut said));
    said.into_iter().filter_map(|said| if let Said::Record(record) = said { Some(record) } else { None }).collect()
}

#[test]
fn messages_made_at_random_read_alike() {
    let runs = std::env::var("WIREGLASS_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(2000);
    let config =
        ProptestConfig { cases: runs, failure_persistence: None, max_shrink_iters: 500, ..ProptestConfig::default() };
    let mut compared: BTreeMap<u16, u64> = BTreeMap::new();
    let compared = std::cell::RefCell::new(&mut compared);
    let sections = prop::collection::vec(record(), 0..6);
    let messages = (any::<u16>(), 0_u8..=10, any::<bool>(), name(), prop::array::uniform3(sections));
    let mut runner = TestRunner::new(config);
    let result = runner.run(&messages, |(id, rcode, authoritative, asked, sections)| {
        let mut builder = MessageBuilder::from_target(TreeCompressor::new(Vec::new())).unwrap();
        let header = builder.header_mut();
        header.set_id(id);
        header.set_qr(true);
        header.set_aa(authoritative);
        header.set_opcode(Opcode::QUERY);
        header.set_rcode(Rcode::masked_from_int(rcode));
        let mut builder = builder.question();
        builder.push((Name::from_octets(asked.as_slice()).unwrap(), Rtype::from_int(255))).unwrap();
        let mut expected: [Vec<(u16, String, u32, String)>; 3] = Default::default();
        let mut records: [Vec<Built<_, _>>; 3] = Default::default();
        for (section, plans) in sections.iter().enumerate() {
            for (owner, record_type, ttl, octets) in plans {
                let Some(data) = parsed(*record_type, octets) else { continue };
                let shown = as_we_do(*record_type, &data.display_zonefile(DisplayKind::Simple).to_string());
                let owner = Name::from_octets(owner.clone()).unwrap();
                expected[section].push((*record_type, owner.to_string(), *ttl, shown));
                records[section].push(Built::new(owner, Class::IN, Ttl::from_secs(*ttl), data));
            }
        }
        let [answers, authority, additional] = records;
        let mut builder = builder.answer();
        answers.into_iter().for_each(|record| builder.push(record).unwrap());
        let mut builder = builder.authority();
        authority.into_iter().for_each(|record| builder.push(record).unwrap());
        let mut builder = builder.additional();
        additional.into_iter().for_each(|record| builder.push(record).unwrap());
        let message = builder.finish().into_target();
        prop_assert!(Message::from_octets(&message).is_ok());
        let records = ours(&message);
        let found = records.iter().find_map(|record| if let Record::Dns(dns) = record { Some(dns) } else { None });
        let Some(response) = found.and_then(|dns| dns.response.as_ref()) else {
            return Err(TestCaseError::fail(format!("no response: {records:?}")));
        };
        prop_assert_eq!((found.unwrap().id, response.authoritative), (id, authoritative));
        let asked = Name::from_octets(asked).unwrap().to_string();
        prop_assert_eq!(plain(response.name.as_deref().unwrap()), plain(&asked));
        for (found, wanted) in [&response.answers, &response.authority, &response.additional].into_iter().zip(&expected)
        {
            prop_assert_eq!(found.len(), wanted.len());
            for (found, (record_type, owner, ttl, shown)) in found.iter().zip(wanted) {
                prop_assert_eq!((&found.record_type, found.ttl), (&Rtype::from_int(*record_type).to_string(), *ttl));
                prop_assert_eq!(plain(&found.name), plain(owner));
                if has_format(*record_type) {
                    let same = plain(&found.data).eq_ignore_ascii_case(&plain(shown));
                    prop_assert!(same, "{}: we say {}, domain {}", found.record_type, found.data, shown);
                    *compared.borrow_mut().entry(*record_type).or_default() += 1;
                }
            }
        }
        Ok(())
    });
    println!("{compared:?}");
    if let Err(error) = result {
        panic!("{error}");
    }
    let compared = compared.into_inner();
    let missing: Vec<_> = TYPES.iter().filter(|kind| has_format(**kind) && !compared.contains_key(kind)).collect();
    assert!(missing.is_empty(), "never compared: {missing:?}");
}
