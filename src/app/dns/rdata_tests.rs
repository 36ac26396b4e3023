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

/// RFC 9460 D.1 and D.2: Figures 2 to 10, the octets as they stand there.
#[test]
fn rfc_9460_appendix_d_1_and_d_2() {
    let target = b"\x03\x66\x6f\x6f\x07\x65\x78\x61\x6d\x70\x6c\x65\x03\x63\x6f\x6d\x00";
    let org = b"\x03\x66\x6f\x6f\x07\x65\x78\x61\x6d\x70\x6c\x65\x03\x6f\x72\x67\x00";
    // Figure 2: alias mode.
    assert_eq!(print(65, &[&b"\x00\x00"[..], target].concat()), "0 foo.example.com");
    // Figure 3: the target is the owner.
    assert_eq!(print(64, b"\x00\x01\x00"), "1 .");
    // Figure 4: a port.
    let port = [&b"\x00\x10"[..], target, b"\x00\x03\x00\x02\x00\x35"].concat();
    assert_eq!(print(64, &port), "16 foo.example.com port=53");
    // Figures 5 and 6: a key without a name, and octets that are no text.
    let generic = [&b"\x00\x01"[..], target, b"\x02\x9b\x00\x05\x68\x65\x6c\x6c\x6f"].concat();
    assert_eq!(print(64, &generic), "1 foo.example.com key667=\"hello\"");
    let quoted = [&b"\x00\x01"[..], target, b"\x02\x9b\x00\x09\x68\x65\x6c\x6c\x6f\xd2\x71\x6f\x6f"].concat();
    assert_eq!(print(64, &quoted), "1 foo.example.com key667=\"hello\\210qoo\"");
    // Figures 7 and 8: addresses.
    let hints = [
        &b"\x00\x01"[..],
        target,
        b"\x00\x06\x00\x20",
        b"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x01",
        b"\x20\x01\x0d\xb8\x00\x00\x00\x00\x00\x00\x00\x00\x00\x53\x00\x01",
    ];
    assert_eq!(print(64, &hints.concat()), "1 foo.example.com ipv6hint=2001:db8::1,2001:db8::53:1");
    let embedded = b"\x00\x06\x00\x10\x20\x01\x0d\xb8\x01\x22\x03\x44\x00\x00\x00\x00\xc0\x00\x02\x21";
    let embedded = [&b"\x00\x01"[..], target, embedded].concat();
    // In the RFC written as 2001:db8:122:344::192.0.2.33.
    assert_eq!(print(64, &embedded), "1 foo.example.com ipv6hint=2001:db8:122:344::c000:221");
    // Figure 9: keys in order.
    let ordered = [
        &b"\x00\x10"[..],
        org,
        b"\x00\x00\x00\x04\x00\x01\x00\x04",
        b"\x00\x01\x00\x09\x02\x68\x32\x05\x68\x33\x2d\x31\x39",
        b"\x00\x04\x00\x04\xc0\x00\x02\x01",
    ];
    let text = "16 foo.example.org mandatory=alpn,ipv4hint alpn=\"h2,h3-19\" ipv4hint=192.0.2.1";
    assert_eq!(print(64, &ordered.concat()), text);
    // Figure 10: a comma and a backslash within an id.
    let escaped = b"\x00\x01\x00\x0c\x08\x66\x5c\x6f\x6f\x2c\x62\x61\x72\x02\x68\x32";
    let escaped = [&b"\x00\x10"[..], org, escaped].concat();
    assert_eq!(print(64, &escaped), "16 foo.example.org alpn=\"f\\\\\\\\oo\\\\,bar,h2\"");
}

/// RFC 9460 D.3: what Figures 11 to 19 refuse in a zone file, on the wire.
#[test]
fn rfc_9460_appendix_d_3() {
    let refused: [(&str, &[u8]); 14] = [
        ("key123=abc key123=def", b"\0\x7b\0\x03abc\0\x7b\0\x03def"),
        ("mandatory", b"\0\0\0\0"),
        ("alpn", b"\0\x01\0\0"),
        ("port", b"\0\x03\0\0"),
        ("ipv4hint", b"\0\x04\0\0"),
        ("ipv6hint", b"\0\x06\0\0"),
        ("no-default-alpn=abc", b"\0\x01\0\x03\x02h2\0\x02\0\x03abc"),
        ("mandatory=key123", b"\0\0\0\x02\0\x7b"),
        ("mandatory=mandatory", b"\0\0\0\x02\0\0"),
        ("mandatory=key123,key123 key123=abc", b"\0\0\0\x04\0\x7b\0\x7b\0\x7b\0\x03abc"),
        // And what the rest of the RFC forbids: keys out of order (2.2), an empty id (7.1.1), a port of three octets.
        ("port=53 alpn=h2", b"\0\x03\0\x02\0\x35\0\x01\0\x03\x02h2"),
        ("alpn=", b"\0\x01\0\x01\0"),
        ("port of three octets", b"\0\x03\0\x03\0\0\x35"),
        ("ipv4hint of five octets", b"\0\x04\0\x05\x01\x02\x03\x04\x05"),
    ];
    for (what, parameters) in refused {
        let data = [&b"\0\x01\x03foo\0"[..], parameters].concat();
        assert!(print(64, &data).starts_with(&format!("\\# {} ", data.len())), "{what}: {}", print(64, &data));
        assert_eq!(print(64, &data), print(65, &data));
    }
}

/// Parameters that came after RFC 9460.
#[test]
fn later_service_parameters() {
    let of = |parameters: &[u8]| print(65, &[&b"\0\x01\0"[..], parameters].concat());
    assert_eq!(of(b"\0\x02\0\0"), "1 . no-default-alpn");
    assert_eq!(of(b"\0\x05\0\x03foo"), "1 . ech=\"Zm9v\""); // RFC 9848
    assert_eq!(of(b"\0\x07\0\x10/dns-query{?dns}"), "1 . dohpath=\"/dns-query{?dns}\""); // RFC 9461 5
    assert_eq!(of(b"\0\x08\0\0"), "1 . ohttp"); // RFC 9540 4
    assert_eq!(of(b"\0\x09\0\x04\0\x1d\0\x17"), "1 . tls-supported-groups=29,23");
    assert_eq!(of(b"\0\x0a\0\x04\x03dns"), "1 . docpath=\"dns\""); // RFC 9953
    assert_eq!(of(b"\0\x0a\0\0"), "1 . docpath");
    assert_eq!(of(b"\0\x0b\0\0\xff\0\0\x01a"), "1 . pvd key65280=\"a\"");
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

/// RFC 3597 5: what has no format, or does not fit its own, is written so that it can be read back octet by octet.
#[test]
fn rfc_3597() {
    // The examples there: `\# 0`, `\# 4 0A000001` as an A record's octets, type 731 with six octets.
    assert_eq!(print(731, &[0xab, 0xcd, 0xef, 1, 0x23, 0x45]), "\\# 6 abcdef012345");
    assert_eq!(print(62347, &[]), "\\# 0");
    assert_eq!(print(1, &[10, 0, 0, 1]), "10.0.0.1");
    assert_eq!((iana::type_name(731), iana::class_name(32)), ("TYPE731".into(), "CLASS32".into()));
    // Every type, known or not: octets come back whole from the generic form, which is all that octets of no type get.
    for record_type in (0..=70).chain(95..=130).chain(245..=270).chain([32768, 32769, 65280, 65535]) {
        assert_eq!(
            print(record_type, &[]),
            if record_type == 41 { "version 0 udp 1" } else { "\\# 0" },
            "{record_type}"
        );
    }
    // Names in data of types without a format are not expanded, nor are their pointers followed.
    assert_eq!(print(65281, &[0xc0, 0]), "\\# 2 c000");
}

/// Types that BIND does not print (`tests/dns_bind` has the others).
#[test]
fn types_of_few() {
    assert_eq!(print(263, b"\x05tcpcl\x02v4"), "\"tcpcl\" \"v4\"");
    assert_eq!(print(264, &977_000_u64.to_be_bytes()), "977000");
    assert_eq!(print(264, &[1, 2]), "\\# 2 0102");
    assert_eq!(print(66, b"\0\x3b\x02\0\x35\0"), "CDS 2 53 .");
    assert_eq!(print(250, b"\0\0\0\0\0\0\x01\x01\x2c\0\x02\x01\x02\0\x07\0\x10\0\0"), ". 1 300 AQI= 7 BADSIG -");
    let keys = b"\x01a\0\x57\x5a\xe4\x70\x57\x5e\xd8\xf0\0\x03\0\x00\0\x03foo\0\0";
    assert_eq!(print(249, keys), "a 20160610160152 20160613160152 3 NOERROR Zm9v -");
    // Nothing is known of what stands here but its name.
    for (record_type, name) in
        [(10, "NULL"), (100, "UINFO"), (101, "UID"), (102, "GID"), (103, "UNSPEC"), (128, "NXNAME")]
    {
        assert_eq!((iana::type_name(record_type), print(record_type, b"a")), (name.into(), "\\# 1 61".to_owned()));
    }
    // What does not fit the layout.
    for (record_type, data) in [
        (30, &b"\0\x80"[..]),         // NXT's bitmap of another form
        (34, b"\x02\x31"),            // ATMA of a format that was never defined
        (34, b"\x01a"),               // and a number that is none
        (38, b"\x81\0"),              // A6 with a prefix longer than an address
        (38, b"\x40\0\0\0\0\0\0\0"),  // and with too little behind it
        (108, b"\0\0\0\0\0"),         // EUI48 of five octets
        (109, b"\0\0\0\0\0\0\0\0\0"), // EUI64 of nine
        (45, b"\x01\x04\x02\0"),      // a gateway of type 4
        (42, b"\0\x03\x08\x01\x01"),  // an address family without a format
        (257, b"\0\x02a-x"),          // a tag that is none
        (47, b"\0\0\x00"),            // a bitmap of no octets
    ] {
        assert!(print(record_type, data).starts_with("\\# "), "{record_type}: {}", print(record_type, data));
    }
}

fn option(code: u16, value: &[u8]) -> String {
    let data = [&code.to_be_bytes()[..], &u16::try_from(value.len()).unwrap().to_be_bytes(), value].concat();
    print(41, &data).strip_prefix("version 0 udp 1 ").unwrap().to_owned()
}

/// Every option that IANA names, by the RFC's own layout.
#[test]
fn options() {
    let llq = b"\0\x01\0\x01\0\0\x01\x02\x03\x04\x05\x06\x07\x08\0\0\x1c\x20";
    for (code, value, text) in [
        (1, &llq[..], "LLQ=version 1 opcode 1 error 0 id 0102030405060708 lease 7200s"), // RFC 8764 3.2
        (2, b"\0\0\x1c\x20\0\x09\x3a\x80", "UL=7200,604800"),                            // RFC 9664 4
        (3, b"", "NSID=\"\""),
        (3, b"gpdns-\"a\"\x00", "NSID=\"gpdns-\\\"a\\\"\\000\""), // RFC 5001 2.3
        (5, b"\x08\x0d\x0f", "DAU=8,13,15"),                      // RFC 6975 3
        (6, b"\x01\x02", "DHU=1,2"),
        (7, b"\x01", "N3U=1"),
        (8, b"\0\x01\x18\0\xc0\0\x02", "ECS=192.0.2.0/24/0"), // RFC 7871 6
        (8, b"\0\x02\x38\x30\x20\x01\x0d\xb8\0\0\x01", "ECS=2001:db8:0:100::/56/48"),
        (8, b"\0\x03\x08\0\x01", "ECS=0003080001"),
        (9, b"\0\0\x0e\x10", "EXPIRE=3600"), // RFC 7314 2
        (9, b"", "EXPIRE="),
        (10, b"\x01\x02\x03\x04\x05\x06\x07\x08", "COOKIE=0102030405060708"), // RFC 7873 4
        (11, b"\0\x64", "KEEPALIVE=10.0s"),                                   // RFC 7828 3.1
        (11, b"", "KEEPALIVE="),
        (12, &[0; 17], "PADDING=17"),                       // RFC 7830 3
        (13, b"\x07example\x03com\0", "CHAIN=example.com"), // RFC 7901 4
        (14, b"\x4f\x66\x4a\x5c", "KEY-TAG=20326,19036"),   // RFC 8145 4.1
        (16, b"\0\x2a", "CLIENT-TAG=42"),
        (17, b"\xff\xff", "SERVER-TAG=65535"),
        (17, b"\x01", "SERVER-TAG=01"),
        (18, b"\x01a\x05agent\0", "REPORT-CHANNEL=a.agent"), // RFC 9567 5
        (19, b"\x02\0\x78\xae\x6d\x67", "ZONEVERSION=labels 2 SOA-SERIAL 2024697191"), // RFC 9660 2
        (19, b"\x02\xf6ab", "ZONEVERSION=labels 2 type 246 6162"),
        (19, b"", "ZONEVERSION="),
        (4, b"a", "OPT4=61"),
        (20292, b"ODNS", "UMBRELLA=4f444e53"),
        (26946, b"\x01", "DEVICEID=01"),
        (65001, b"", "OPT65001="),
    ] {
        assert_eq!(option(code, value), text);
    }
}

/// RFC 8914 2, and a text in another language than English.
#[test]
fn extended_errors() {
    let data = b"\0\x0f\0\x07\0\x06bogus\0\x08\0\x07\0\x01\x18\0\xc0\0\x02";
    assert_eq!(print(41, data), "version 0 udp 1 EDE=6 (DNSSEC Bogus) \"bogus\" ECS=192.0.2.0/24/0");
    assert_eq!(option(15, b"\0\x1e"), "EDE=30 (Invalid Query Type)"); // RFC 9824 3.2
    assert_eq!(option(15, b"\xc0\0"), "EDE=49152 (unassigned code)");
    assert_eq!(option(15, "\0\x11gefiltert für 子\0".as_bytes()), "EDE=17 (Filtered) \"gefiltert für 子\"");
    assert_eq!(option(15, b"\0\x11\x1b[31m\xff\"\\"), "EDE=17 (Filtered) \"\\027[31m\\255\\\"\\\\\"");
    assert_eq!(option(15, b"\0"), "EDE=00");
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
