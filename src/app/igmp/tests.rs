//! Messages as the RFCs draw them.
use proptest::prelude::*;

use super::{MLD_PROTOCOL, PROTOCOL};
use crate::app::codec::above_ip_tests::{Flow, damage};

const MDNS: [u8; 4] = [224, 0, 0, 251];

fn short(kind: u8, code: u8, group: [u8; 4]) -> Vec<u8> {
    [&[kind, code, 0, 0][..], &group].concat()
}

/// A report of version 3: types of records, groups, sources.
fn report(records: &[(u8, [u8; 4], u16)]) -> Vec<u8> {
    let mut bytes = vec![0x22, 0, 0, 0, 0, 0, 0, records.len() as u8];
    for (kind, group, sources) in records {
        bytes.extend_from_slice(&[*kind, 0, 0, *sources as u8]);
        bytes.extend_from_slice(group);
        bytes.resize(bytes.len() + 4 * usize::from(*sources), 10);
    }
    bytes
}

#[test]
fn hosts_tell_their_groups() {
    let mut flow = Flow::new(&PROTOCOL, 2, false);
    let records =
        [(4, [239, 1, 2, 3], 0), (2, MDNS, 0), (3, [239, 9, 9, 9], 0), (5, [232, 1, 1, 1], 2), (99, [1; 4], 0)];
    let heard = flow.say(true, 1, &report(&records)).say(true, 1, &report(&records)).close(0);
    assert_eq!(heard.facts("version"), ["3"]);
    assert_eq!(heard.facts("joined"), ["239.1.2.3, 232.1.1.1 (2 sources)"]);
    assert_eq!((heard.facts("reported"), heard.facts("left")), (vec!["224.0.0.251"], vec!["239.9.9.9"]));
    assert_eq!((heard.facts("reports"), heard.records[0].protocol), (vec!["2"], "igmp"));

    let mut flow = Flow::new(&PROTOCOL, 2, false);
    let heard = flow.say(true, 1, &short(0x16, 0, MDNS)).say(true, 1, &short(0x17, 0, MDNS)).close(0);
    assert_eq!((heard.facts("version"), heard.facts("reported")), (vec!["2"], vec!["224.0.0.251"]));
    assert_eq!(heard.facts("left"), ["224.0.0.251"]);
}

#[test]
fn a_querier_tells_its_terms() {
    // Version 3: 10 s, robustness 2, 125 s.
    let query = [&short(0x11, 100, [0; 4])[..], &[2, 125, 0, 0]].concat();
    let heard = Flow::new(&PROTOCOL, 2, false).say(true, 1, &query).say(true, 1, &short(0x11, 10, MDNS)).close(0);
    for (name, value) in [
        ("version", "3"),
        ("general_queries", "1"),
        ("maximum_response_ms", "10000"),
        ("robustness", "2"),
        ("query_interval_s", "125"),
        ("queried", "224.0.0.251"),
    ] {
        assert_eq!(heard.facts(name), [value], "{name}");
    }
    // Codes above 127 are a floating point number: mantissa 0 and exponent 0 are 128.
    let query = [&short(0x11, 0x80, [0; 4])[..], &[2, 0x8f, 0, 0]].concat();
    let heard = Flow::new(&PROTOCOL, 2, false).say(true, 1, &query).close(0);
    assert_eq!((heard.facts("maximum_response_ms"), heard.facts("query_interval_s")), (vec!["12800"], vec!["248"]));
    let heard = Flow::new(&PROTOCOL, 2, false).say(true, 1, &short(0x11, 0, [0; 4])).close(0);
    assert_eq!(heard.facts("version"), ["1"]);
}

#[test]
fn listeners_of_version_6_speak_alike() {
    let mut group = [0u8; 16];
    group[..2].copy_from_slice(&[0xff, 2]);
    group[15] = 0xfb;
    let old = |kind: u8| [&[kind, 0, 0, 0, 0x27, 0x10, 0, 0][..], &group].concat();
    let heard = Flow::new(&MLD_PROTOCOL, 58, true).say(true, 1, &old(131)).say(true, 1, &old(132)).close(0);
    assert_eq!((heard.facts("reported"), heard.facts("left")), (vec!["ff02::fb"], vec!["ff02::fb"]));
    assert_eq!((heard.facts("version"), heard.records[0].protocol), (vec!["1"], "mld"));
    let heard = Flow::new(&MLD_PROTOCOL, 58, true).say(true, 1, &old(130)).close(0);
    assert_eq!(heard.facts("queried"), ["ff02::fb"]);
    let new = [&[143, 0, 0, 0, 0, 0, 0, 1, 4, 0, 0, 0][..], &group].concat();
    let heard = Flow::new(&MLD_PROTOCOL, 58, true).say(true, 1, &new).close(0);
    assert_eq!((heard.facts("joined"), heard.facts("version")), (vec!["ff02::fb"], vec!["2"]));
}

#[test]
fn groups_are_bounded() {
    let mut flow = Flow::new(&PROTOCOL, 2, false);
    for last in 0..200 {
        flow.say(true, 1, &short(0x16, 0, [239, 0, 0, last]));
    }
    let heard = flow.close(0);
    assert_eq!(heard.limits.len(), 200 - crate::limits::MAX_MULTICAST_GROUPS);
}

#[test]
fn damage_is_survived() {
    damage(&PROTOCOL, 2, false, &report(&[(4, [239, 1, 2, 3], 1), (2, MDNS, 0)]));
}

proptest! {
    #[test]
    fn any_bytes_are_read(kind in any::<u8>(), bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        for (protocol, number, kinds) in [(&PROTOCOL, 2, [0x11, 0x22, 0x16]), (&MLD_PROTOCOL, 58, [130, 143, 131])] {
            let bytes = [&[kinds[usize::from(kind) % 3]][..], &bytes].concat();
            Flow::new(protocol, number, number == 58).say(true, 1, &bytes).close(0);
        }
    }
}
