//! Advertisements as the RFCs draw them.
use proptest::prelude::*;

use super::PROTOCOL;
use crate::{
    app::codec::above_ip_tests::{Flow, damage},
    record::LinkFact,
};

/// Version 2 of virtual router 7, each second.
fn old(priority: u8) -> Vec<u8> {
    [&[0x21, 7, priority, 1, 0, 1, 0, 0, 10, 0, 0, 254][..], &[0; 8]].concat()
}

/// Version 3 of virtual router 8, each second.
fn new(priority: u8) -> Vec<u8> {
    vec![0x31, 8, priority, 1, 0, 100, 0, 0, 10, 0, 0, 253]
}

#[test]
fn a_router_may_be_the_master_of_several() {
    let mut flow = Flow::new(&PROTOCOL, 112, false);
    for _ in 0..3 {
        flow.say(true, 500, &old(100)).say(true, 500, &new(200));
    }
    let heard = flow.say(true, 500, &old(50)).say(true, 500, &new(0)).close(0);
    assert_eq!(heard.records.len(), 2);
    assert_eq!(heard.facts("version"), ["2", "3"]);
    assert_eq!(heard.facts("virtual_router_id"), ["7", "8"]);
    assert_eq!(heard.facts("priority"), ["100", "50", "200"]);
    assert_eq!(heard.facts("addresses"), ["10.0.0.254", "10.0.0.253"]);
    assert_eq!(heard.facts("interval_ms"), ["1000", "1000"]);
    assert_eq!(heard.facts("advertisements"), ["4", "4"]);
    assert_eq!((heard.facts("resigned"), heard.facts("authentication")), (vec!["1"], vec!["none"]));
    assert_eq!(heard.notes, ["VRRP: the master of virtual router 8 resigns"]);
}

#[test]
fn silences_part_reigns() {
    let mut flow = Flow::new(&PROTOCOL, 112, false);
    for ms in [0, 1000, 4000, 4001, 1000] {
        flow.say(true, ms, &new(100));
    }
    flow.say(true, 100, &new(0));
    let heard = flow.say(true, 100, &new(100)).close(0);
    let [LinkFact::Master(master)] = heard.links.as_slice() else { panic!("{:?}", heard.links.len()) };
    let counts: Vec<u64> = master.reigns.iter().map(|(.., packets)| *packets).collect();
    assert_eq!((counts, master.priority), (vec![3, 2, 1], 100));
    assert_eq!(heard.facts("silences"), ["2"]);
}

#[test]
fn what_a_flow_holds_is_bounded() {
    use crate::limits::{MAX_PRIORITIES, MAX_REIGNS, MAX_VIRTUAL_ROUTERS};
    let told = |flow: &mut Flow| flow.close(0).limits.iter().filter(|limit| limit.code == "ip.limit").count();
    let mut flow = Flow::new(&PROTOCOL, 112, false);
    for router in 0..MAX_VIRTUAL_ROUTERS as u8 + 3 {
        let mut advertisement = new(100);
        advertisement[1] = router;
        flow.say(true, 1, &advertisement);
    }
    assert_eq!(told(&mut flow), 3);
    let mut flow = Flow::new(&PROTOCOL, 112, false);
    for _ in 0..MAX_REIGNS + 3 {
        flow.say(true, 60_000, &new(100));
    }
    assert_eq!(told(&mut flow), 3);
    let mut flow = Flow::new(&PROTOCOL, 112, false);
    for priority in 0..MAX_PRIORITIES as u8 + 3 {
        flow.say(true, 1000, &new(100 + priority));
    }
    assert_eq!(told(&mut flow), 3);
}

#[test]
fn carp_is_told_apart() {
    // Version 2, advertisement; host 7, skew 100, seven words, demotion 2, each second.
    let carp = [&[0x21, 7, 100, 7, 2, 1, 0, 0][..], &[9; 28]].concat();
    let heard = Flow::new(&PROTOCOL, 112, false).say(true, 1, &carp).close(0);
    assert_eq!(
        (heard.records[0].protocol, heard.facts("skew"), heard.facts("demotion")),
        ("carp", vec!["100"], vec!["2"])
    );
    assert!(heard.links.is_empty(), "it does not tell which addresses it is about");
    let seven = [&[0x21, 7, 100, 7, 0, 1, 0, 0][..], &[9; 36]].concat();
    assert_eq!(Flow::new(&PROTOCOL, 112, false).say(true, 1, &seven).close(0).records[0].protocol, "vrrp");
}

#[test]
fn addresses_of_version_6() {
    let advertisement = [&[0x31, 8, 100, 1, 0, 100, 0, 0, 0xfe, 0x80][..], &[0; 13], &[1]].concat();
    let heard = Flow::new(&PROTOCOL, 112, true).say(true, 1, &advertisement).close(0);
    assert_eq!(heard.facts("addresses"), ["fe80::1"]);
}

#[test]
fn damage_is_survived() {
    damage(&PROTOCOL, 112, false, &old(100));
}

proptest! {
    #[test]
    fn any_bytes_are_read(version in any::<bool>(), bytes in prop::collection::vec(any::<u8>(), 0..64), ms in 0i64..10_000) {
        let bytes = [&[if version { 0x21 } else { 0x31 }][..], &bytes].concat();
        Flow::new(&PROTOCOL, 112, false).say(true, ms, &bytes).say(true, ms, &bytes).close(0);
    }
}
