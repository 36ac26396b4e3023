//! Packets as the RFCs draw them.
use proptest::prelude::*;

use super::{ESP_PROTOCOL, IPCOMP_PROTOCOL};
use crate::app::codec::above_ip_tests::{Flow, damage};

fn esp(index: u32, number: u32, payload: &[u8]) -> Vec<u8> {
    [&index.to_be_bytes()[..], &number.to_be_bytes(), payload].concat()
}

#[test]
fn associations_are_watched() {
    let mut flow = Flow::new(&ESP_PROTOCOL, 50, false);
    for number in [1, 2, 5, 4, 4] {
        flow.say(true, 1, &esp(0x1000, number, &[0x55; 40]));
    }
    let heard = flow.say(false, 1, &esp(0x2000, 1, &[0x55; 40])).close(0);
    assert_eq!(
        heard.facts("spi"),
        [
            "0x00001000: 5 packets, 240 bytes, numbers 1 to 5, 1 missing, 1 late, 1 repeated",
            "0x00002000: 1 packets, 48 bytes, numbers 1 to 1"
        ]
    );
    assert_eq!(
        (heard.codes(), heard.notes.as_slice()),
        (vec!["esp.repeated-number"], &["ESP SPI=0x00001000 Seq=4 came before".to_owned()][..])
    );
}

#[test]
fn readable_packets_prove_null_encryption() {
    // Header checksum of RFC 1071's kind: made so that the sum is right.
    let mut inner = vec![0x45, 0, 0, 28, 0, 1, 0, 0, 64, 17, 0, 0, 192, 168, 0, 1, 192, 168, 0, 2];
    let sum: u32 = inner.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(pair[1])).sum();
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    inner[10..12].copy_from_slice(&sum.to_be_bytes());
    inner.extend_from_slice(&[0; 8]);
    // Padding, its length, next header, and a check value.
    inner.extend_from_slice(&[1, 2, 2, 4]);
    inner.extend_from_slice(&[0xaa; 12]);
    let mut flow = Flow::new(&ESP_PROTOCOL, 50, false);
    let heard = flow.say(true, 1, &esp(9, 1, &inner)).say(true, 1, &esp(9, 2, &inner)).close(0);
    assert_eq!(heard.codes(), ["esp.not-encrypted"]);
    let mut flow = Flow::new(&ESP_PROTOCOL, 50, false);
    assert!(flow.say(true, 1, &esp(9, 1, &inner)).close(0).codes().is_empty(), "one is no proof");
    inner[10] ^= 1;
    let mut flow = Flow::new(&ESP_PROTOCOL, 50, false);
    assert!(flow.say(true, 1, &esp(9, 1, &inner)).say(true, 1, &esp(9, 2, &inner)).close(0).codes().is_empty());
}

#[test]
fn associations_are_bounded() {
    let mut flow = Flow::new(&ESP_PROTOCOL, 50, false);
    for index in 0..100 {
        flow.say(true, 1, &esp(index, 1, &[0; 20]));
    }
    let heard = flow.close(0);
    let most = crate::limits::MAX_SECURITY_ASSOCIATIONS;
    assert_eq!((heard.limits.len(), heard.facts("spi").len()), (100 - most, most));
    assert_eq!(heard.facts("packets_left_out"), [(100 - most).to_string()]);
}

#[test]
fn compression_is_told() {
    let mut flow = Flow::new(&IPCOMP_PROTOCOL, 108, false);
    let heard = flow.say(true, 1, &[6, 0, 0, 2, 9]).say(true, 1, &[6, 0, 0, 2, 9]).close(0);
    assert_eq!(heard.facts("cpi"), ["0x0002 (DEFLATE): 2 packets, next header 6"]);
}

#[test]
fn damage_is_survived() {
    damage(&ESP_PROTOCOL, 50, false, &esp(1, 1, &[0x45; 40]));
}

proptest! {
    #[test]
    fn any_bytes_are_read(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
        Flow::new(&ESP_PROTOCOL, 50, false).say(true, 1, &bytes).say(true, 1, &bytes).close(0);
        Flow::new(&IPCOMP_PROTOCOL, 108, false).say(true, 1, &bytes).say(false, 1, &bytes).close(0);
    }
}
