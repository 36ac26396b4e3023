//! Packets as the RFCs draw them.
use proptest::prelude::*;

use super::{DCCP, UDP_LITE};
use crate::app::codec::above_ip_tests::{Flow, damage};

/// A packet with long sequence numbers, and what is behind the generic header.
fn dccp(kind: u8, behind: &[u8]) -> Vec<u8> {
    [&[0x13, 0x89, 0x13, 0x88, 5, 0, 0, 0, kind << 1 | 1, 0, 0, 0, 0, 0, 0, 1][..], behind].concat()
}

#[test]
fn dccp_tells_its_service() {
    let mut flow = Flow::new(&DCCP, 33, false);
    let reset = dccp(7, &[0, 0, 0, 0, 0, 0, 0, 1, 7, 0, 0, 0]);
    let heard = flow.say(true, 1, &dccp(0, b"RTPV")).say(false, 1, &reset).close(0);
    assert_eq!((heard.facts("service"), heard.facts("reset")), (vec!["RTPV"], vec!["connection refused"]));
    assert_eq!(heard.facts("packets"), ["Request 1", "Reset 1"]);
    let heard = Flow::new(&DCCP, 33, false).say(true, 1, &dccp(0, &[0, 0, 0, 42])).close(0);
    assert_eq!(heard.facts("service"), ["42"]);
}

#[test]
fn udp_lite_tells_what_is_covered() {
    let datagram = [0, 1, 0, 2, 0, 8, 0, 0, 1, 2, 3, 4];
    let heard = Flow::new(&UDP_LITE, 136, false).say(true, 1, &datagram).say(true, 1, &datagram).close(0);
    assert_eq!((heard.facts("datagrams"), heard.facts("payload_bytes")), (vec!["2"], vec!["8"]));
    assert_eq!(heard.facts("least_checksum_coverage"), ["8"]);
}

#[test]
fn damage_is_survived() {
    damage(&DCCP, 33, false, &dccp(0, b"RTPV"));
    damage(&UDP_LITE, 136, false, &[0, 1, 0, 2, 0, 8, 0, 0, 1]);
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        Flow::new(&DCCP, 33, false).say(true, 1, &bytes).say(false, 1, &bytes).close(0);
        Flow::new(&UDP_LITE, 136, false).say(true, 1, &bytes).say(false, 1, &bytes).close(0);
    }
}
