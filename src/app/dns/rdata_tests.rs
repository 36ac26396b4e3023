//! Known answers from the RFCs.
use proptest::prelude::*;

use super::super::names::Name;
use super::super::parser::Section;
use super::*;

fn print(record_type: u16, data: &[u8]) -> String {
    let message = [&[0_u8][..], data].concat();
    let name = Name::read(&message, 0).unwrap().0;
    let (section, class, ttl) = (Section::Answer, 1, 0);
    text(&ResourceRecord { section, name, record_type, class, ttl, message: &message, data_start: 1 })
}

#[test]
fn addresses_and_names() {
    assert_eq!(print(1, &[192, 0, 2, 1]), "192.0.2.1");
    assert_eq!(print(1, &[192, 0, 2]), "\\# 3 c00002");
    assert_eq!(print(1, &[]), "\\# 0");
    assert_eq!(print(28, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), "2001:db8::1");
    assert_eq!(print(5, b"\x01a\x03b c\0"), "a.b c");
    assert_eq!(print(15, b"\0\x0a\x01a\x03b c\0"), "10 a.b\\032c");
    assert_eq!(print(2, b"\0"), ".");
    assert_eq!(print(33, b"\0\x01\0\x02\x01\xbb\x01h\0"), "1 2 443 h");
}

#[test]
fn texts() {
    assert_eq!(print(16, b"\x03a b\x02\"\\\0"), "\"a b\" \"\\\"\\\\\" \"\"");
    assert_eq!(print(16, b"\x01\xff"), "\"\\255\"");
    assert_eq!(print(257, b"\0\x05issueca.example.net"), "0 issue \"ca.example.net\""); // RFC 8659 4.2
    assert_eq!(print(256, b"\0\x0a\0\x01ftp://ftp1.example.com/public"), "10 1 \"ftp://ftp1.example.com/public\"");
    assert_eq!(print(35, b"\0\x64\0\x32\x01s\x03abc\0\0"), "100 50 \"s\" \"abc\" \"\" .");
}

#[test]
fn rfc_4034_5_4_and_4_3() {
    let digest = [0x2B, 0xB1, 0x83, 0xAF];
    assert_eq!(print(43, &[&[0xec, 0x45, 5, 1], &digest[..]].concat()), "60485 5 1 2bb183af");
    // The bitmap of RFC 4034 4.3: A MX RRSIG NSEC TYPE1234.
    let mut data = b"\x04host\x07example\x03com\0\x00\x06\x40\x01\x00\x00\x00\x03\x04\x1b".to_vec();
    data.extend_from_slice(&[0; 26]);
    data.push(0x20);
    assert_eq!(print(47, &data), "host.example.com A MX RRSIG NSEC TYPE1234");
}

#[test]
fn rfc_5155_names_are_base32hex() {
    let mut out = String::new();
    base32hex(b"foobar", &mut out);
    assert_eq!(out, "cpnmuoj1e8"); // RFC 4648 10
    assert_eq!(print(50, b"\x01\x01\x00\x0c\x04\xaa\xbb\xcc\xdd\x03foo\0\x01\x40"), "1 1 12 aabbccdd cpnmu A");
    assert_eq!(print(51, b"\x01\0\0\0\0"), "1 0 0 -");
}

#[test]
fn rfc_4648_base64() {
    for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")] {
        let mut out = String::new();
        base64(plain.as_bytes(), &mut out);
        assert_eq!(out, coded);
    }
}

#[test]
fn rfc_1876_location() {
    // 42 21 54 N 71 06 18 W -24m 30m 10000m 10m
    let mut data = vec![0, 0x33, 0x16, 0x13];
    data.extend_from_slice(&(0x8000_0000_u32 + 152_514_000).to_be_bytes());
    data.extend_from_slice(&(0x8000_0000_u32 - 255_978_000).to_be_bytes());
    data.extend_from_slice(&(10_000_000_u32 - 2400).to_be_bytes());
    assert_eq!(print(29, &data), "42 21 54.000 N 71 6 18.000 W -24.00m 30m 10000m 10m");
}

#[test]
fn rfc_9460_appendix_d() {
    assert_eq!(print(65, b"\0\0\x03foo\x07example\x03com\0"), "0 foo.example.com");
    assert_eq!(print(64, b"\0\x01\0"), "1 .");
    assert_eq!(print(64, b"\0\x10\x03foo\x07example\x03com\0\0\x03\0\x02\0\x35"), "16 foo.example.com port=53");
    assert_eq!(print(64, b"\0\x01\x03foo\0\x02\x9b\0\x09hello\xd2qoo"), "1 foo key667=\"hello\\210qoo\"");
    let hints = [
        &b"\0\x01\x03foo\0\0\x06\0\x20"[..],
        &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x53, 0, 1],
    ];
    assert_eq!(print(64, &hints.concat()), "1 foo ipv6hint=2001:db8::1,2001:db8::53:1");
    let mixed = b"\0\x10\x03foo\0\0\0\0\x04\0\x01\0\x04\0\x01\0\x09\x02h2\x05h3-19\0\x04\0\x04\xc0\0\x02\x01";
    assert_eq!(print(64, mixed), "16 foo mandatory=alpn,ipv4hint alpn=\"h2,h3-19\" ipv4hint=192.0.2.1");
    let escaped = b"\0\x10\x03foo\0\0\x01\0\x0c\x08f\\oo,bar\x02h2";
    assert_eq!(print(64, escaped), "16 foo alpn=\"f\\\\\\\\oo\\\\,bar,h2\"");
}

#[test]
fn unknown_types_and_odd_ones() {
    assert_eq!(print(65280, &[1, 2, 255]), "\\# 3 0102ff");
    assert_eq!(print(10, b"a"), "\\# 1 61");
    assert_eq!(print(108, &[0, 0, 0x5e, 0, 0x53, 0x2a]), "00-00-5e-00-53-2a"); // RFC 7043 3.2
    assert_eq!(print(11, &[10, 0, 0, 1, 6, 0, 0, 0, 0x40]), "10.0.0.1 6 25");
    assert_eq!(print(42, &[0, 1, 28, 0x84, 192, 168, 38, 0]), "!1:192.168.38.0/28");
    assert_eq!(print(45, &[10, 1, 2, 192, 0, 2, 38, b'f']), "10 1 2 192.0.2.38 Zg==");
    assert_eq!(print(104, &[0, 10, 0, 0x14, 0x4f, 0xff, 0xff, 0x20, 0xee, 0x64]), "10 14:4fff:ff20:ee64");
}

#[test]
fn options_and_extended_errors() {
    let data = b"\0\x0f\0\x07\0\x06bogus\0\x08\0\x07\0\x01\x18\0\xc0\0\x02";
    assert_eq!(print(41, data), "version 0 udp 1 EDE=6 (DNSSEC Bogus) \"bogus\" ECS=192.0.2.0/24/0");
}

#[test]
fn many_names_are_bounded() {
    let mut data = vec![0, 0, 0, 0];
    let mut name = Vec::new();
    for _ in 0..3 {
        name.push(63);
        name.extend_from_slice(&[0xff; 63]);
    }
    name.push(0);
    data.extend_from_slice(&name);
    for _ in 0..30_000 {
        data.extend_from_slice(&[0xc0, 5]); // the first rendezvous server, behind the octet `print` puts before
    }
    let text = print(55, &data);
    assert!(text.starts_with("\\# "), "falls back to octets");
    assert_eq!(text.len(), format!("\\# {} ", data.len()).len() + data.len() * 2);
}

proptest! {
    #[test]
    fn never_panics(data in proptest::collection::vec(any::<u8>(), 0..80), record_type in prop_oneof![0_u16..270, any::<u16>()]) {
        prop_assert!(print(record_type, &data).len() < 4096);
    }
}
