//! Packets as the RFCs draw them.
use proptest::prelude::*;

use super::PROTOCOL;
use crate::{
    app::codec::above_ip_tests::{Flow, damage},
    record::LinkFact,
};

fn packet(kind: u8, router: u8, body: &[u8]) -> Vec<u8> {
    let length = (24 + body.len()) as u8;
    let head = [2, kind, 0, length, 1, 1, 1, router, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    [&head[..], body].concat()
}

fn hello(interval: u8, neighbours: &[u8]) -> Vec<u8> {
    let mut body = vec![255, 255, 255, 0, 0, interval, 2, 1, 0, 0, 0, 40, 10, 0, 0, 1, 10, 0, 0, 2];
    neighbours.iter().for_each(|last| body.extend_from_slice(&[1, 1, 1, *last]));
    packet(1, 1, &body)
}

#[test]
fn a_router_tells_its_terms() {
    let mut flow = Flow::new(&PROTOCOL, 89, false);
    flow.say(true, 1, &hello(10, &[])).say(true, 10_000, &hello(10, &[2, 3]));
    // Behind the packet's length is a digest, which is no neighbour.
    let heard = flow.say(true, 10_000, &[&hello(10, &[2])[..], &[7; 16]].concat()).close(0);
    for (name, value) in [
        ("version", "2"),
        ("router_id", "1.1.1.1"),
        ("area", "0.0.0.5"),
        ("authentication", "none"),
        ("packets", "Hello 3"),
        ("network_mask", "255.255.255.0"),
        ("hello_interval_s", "10"),
        ("dead_interval_s", "40"),
        ("priority", "1"),
        ("designated_router", "10.0.0.1"),
        ("backup_designated_router", "10.0.0.2"),
        ("neighbours", "1.1.1.2, 1.1.1.3"),
    ] {
        assert_eq!(heard.facts(name), [value], "{name}");
    }
    let [LinkFact::Terms(terms)] = heard.links.as_slice() else { panic!("{}", heard.links.len()) };
    assert_eq!((terms.hello_interval_s, terms.neighbours.len()), (10, 2));
}

#[test]
fn neighbours_are_bounded() {
    let most = crate::limits::MAX_OSPF_NEIGHBOURS as u8;
    let neighbours: Vec<u8> = (10..10 + most + 3).collect();
    let heard = Flow::new(&PROTOCOL, 89, false).say(true, 1, &hello(10, &neighbours)).close(0);
    assert_eq!(heard.limits.iter().map(|limit| limit.code).collect::<Vec<_>>(), ["ip.limit"]);
    assert_eq!(heard.facts("neighbours")[0].split(", ").count(), usize::from(most));
}

#[test]
fn terms_that_change_are_told_one_by_one() {
    let mut flow = Flow::new(&PROTOCOL, 89, false);
    let heard = flow.say(true, 1, &hello(10, &[])).say(true, 1, &hello(30, &[])).say(true, 1, &hello(30, &[])).close(0);
    let intervals: Vec<u16> = heard
        .links
        .iter()
        .map(|fact| if let LinkFact::Terms(terms) = fact { terms.hello_interval_s } else { 0 })
        .collect();
    assert_eq!((intervals, heard.facts("hello_interval_s")), (vec![10, 30], vec!["30"]));
}

#[test]
fn another_mtu_keeps_neighbours_apart() {
    let describe = |router, mtu: u16| packet(2, router, &[(mtu >> 8) as u8, mtu as u8, 2, 7, 0, 0, 0, 1]);
    let mut flow = Flow::new(&PROTOCOL, 89, false);
    let heard = flow.say(true, 1, &describe(1, 1500)).say(false, 1, &describe(2, 1400)).close(0);
    assert_eq!((heard.codes(), heard.facts("interface_mtu")), (vec!["ospf.mtu-mismatch"], vec!["1500", "1400"]));
    let mut flow = Flow::new(&PROTOCOL, 89, false);
    assert!(flow.say(true, 1, &describe(1, 1500)).say(false, 1, &describe(2, 1500)).close(0).codes().is_empty());
    let mut flow = Flow::new(&PROTOCOL, 89, false);
    assert!(flow.say(true, 1, &describe(1, 0)).say(false, 1, &describe(2, 1500)).close(0).codes().is_empty());
}

#[test]
fn version_3_has_an_instance() {
    let head = [3, 1, 0, 40, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 4, 0];
    let body = [0, 0, 0, 5, 1, 0, 0, 0x13, 0, 10, 0, 40, 1, 1, 1, 2, 0, 0, 0, 0, 1, 1, 1, 2];
    let heard = Flow::new(&PROTOCOL, 89, true).say(true, 1, &[&head[..], &body].concat()).close(0);
    assert_eq!((heard.facts("version"), heard.facts("instance")), (vec!["3"], vec!["4"]));
    assert_eq!((heard.facts("hello_interval_s"), heard.facts("dead_interval_s")), (vec!["10"], vec!["40"]));
    assert_eq!((heard.facts("neighbours"), heard.facts("designated_router")), (vec!["1.1.1.2"], vec!["1.1.1.2"]));
    assert!(heard.links.is_empty(), "link-local addresses do not tell the link");
}

#[test]
fn damage_is_survived() {
    damage(&PROTOCOL, 89, false, &hello(10, &[2]));
}

proptest! {
    #[test]
    fn any_bytes_are_read(version in 2u8..4, kind in 1u8..6, bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        let bytes = [&[version, kind][..], &bytes].concat();
        Flow::new(&PROTOCOL, 89, false).say(true, 1, &bytes).say(false, 1, &bytes).close(0);
    }
}
