//! Messages as the RFCs draw them.
use proptest::prelude::*;

use super::{EIGRP, PIM, RSVP};
use crate::app::codec::above_ip_tests::{Flow, damage};

/// A Hello of autonomous system 100 with these K values.
fn eigrp(weight: u8) -> Vec<u8> {
    let head = [2, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 100];
    let parameters = [0, 1, 0, 12, weight, weight, weight, weight, weight, 0, 0, 15];
    [&head[..], &parameters, &[0, 4, 0, 8, 12, 4, 1, 2]].concat()
}

#[test]
fn eigrp_tells_its_weights() {
    let heard = Flow::new(&EIGRP, 88, false).say(true, 1, &eigrp(1)).say(true, 1, &eigrp(255)).close(0);
    for (name, value) in [
        ("autonomous_system", "100"),
        ("packets", "Hello 2"),
        ("k_values", "1, 1, 1, 1, 1, 0"),
        ("hold_time_s", "15"),
        ("software", "12.4, EIGRP 1.2"),
        ("goodbye", "yes"),
    ] {
        assert_eq!(heard.facts(name), [value], "{name}");
    }
}

/// A Hello with hold time, priority and generation.
fn pim(generation: u8) -> Vec<u8> {
    vec![0x20, 0, 0, 0, 0, 1, 0, 2, 0, 105, 0, 19, 0, 4, 0, 0, 0, 1, 0, 20, 0, 4, 1, 2, 3, generation]
}

#[test]
fn pim_tells_neighbours_and_trees() {
    let join = [
        &[0x23, 0, 0, 0, 1, 0, 10, 0, 0, 9, 0, 1, 0, 210][..],
        // Group 239.1.1.1, one join of any source, one prune of 10.1.1.1.
        &[1, 0, 0, 32, 239, 1, 1, 1, 0, 1, 0, 1],
        &[1, 0, 7, 32, 10, 9, 9, 9],
        &[1, 0, 4, 32, 10, 1, 1, 1],
    ]
    .concat();
    let heard = Flow::new(&PIM, 103, false)
        .say(true, 1, &pim(4))
        .say(true, 1, &pim(4))
        .say(true, 1, &pim(5))
        .say(true, 1, &join)
        .close(0);
    for (name, value) in [
        ("messages", "Hello 3, Join/Prune 1"),
        ("hold_time_s", "105"),
        ("designated_router_priority", "1"),
        ("generation_id", "0x01020305"),
        ("generation_changes", "1"),
        ("upstream_neighbour", "10.0.0.9"),
        ("joined", "(*, 239.1.1.1)"),
        ("pruned", "(10.1.1.1, 239.1.1.1)"),
    ] {
        assert_eq!(heard.facts(name), [value], "{name}");
    }
}

#[test]
fn rsvp_tells_its_sessions() {
    let path = [
        &[0x10, 1, 0, 0, 64, 0, 0, 20][..],
        &[0, 12, 1, 1, 10, 0, 0, 9, 17, 0, 0x13, 0x88],
        &[0, 16, 1, 7, 10, 0, 0, 8, 0, 0, 0, 3, 10, 0, 0, 1],
    ]
    .concat();
    let heard = Flow::new(&RSVP, 46, false).say(true, 1, &path).say(true, 1, &path).close(0);
    assert_eq!(heard.facts("session"), ["10.0.0.9 protocol 17 port 5000", "tunnel 3 to 10.0.0.8 from 10.0.0.1"]);
    assert_eq!(heard.facts("messages"), ["Path 2"]);
}

#[test]
fn what_rsvp_lists_is_bounded() {
    let most = crate::limits::MAX_RSVP_SESSIONS as u8;
    let mut flow = Flow::new(&RSVP, 46, false);
    for host in 0..most + 3 {
        let head = [0x10, 1, 0, 0, 64, 0, 0, 20];
        flow.say(true, 1, &[&head[..], &[0, 12, 1, 1, 10, 0, 1, host, 17, 0, 0x13, 0x88]].concat());
    }
    let heard = flow.close(0);
    assert_eq!((heard.limits.len(), heard.facts("session").len()), (3, usize::from(most)));
}

#[test]
fn damage_is_survived() {
    damage(&EIGRP, 88, false, &eigrp(1));
    damage(&PIM, 103, false, &pim(1));
}

proptest! {
    #[test]
    fn any_bytes_are_read(kind in 0u8..16, bytes in prop::collection::vec(any::<u8>(), 0..80)) {
        for (protocol, number, head) in [(&EIGRP, 88, [2, kind]), (&PIM, 103, [0x20 | kind, 0]), (&RSVP, 46, [0x10, kind])] {
            let bytes = [&head[..], &bytes].concat();
            Flow::new(protocol, number, false).say(true, 1, &bytes).say(false, 1, &bytes).close(0);
        }
    }
}
