//! Filters over a packet made by hand, and the mistakes in bad ones.
use proptest::prelude::*;

use super::*;
use crate::record::{Header, Layer, PlainHeaders, ProtocolName, Value};

/// Ethernet, IPv4 with an IPv4 inside, TCP with "GET /", and what an HTTP session would say.
struct Sample {
    bytes: Vec<u8>,
    headers: Vec<Header>,
    tree: Vec<Layer>,
    told: Vec<Layer>,
    plain: Option<PlainHeaders>,
}

/// The same without the outer IPv4 header: as a plain packet, and as any other.
fn plain_samples() -> [Sample; 2] {
    let mut any = sample();
    any.bytes.drain(14..34);
    any.headers = vec![header("eth", 0, 14, 59), header("ip", 14, 20, 59), header("tcp", 34, 20, 59)];
    let protocols = ["eth", "ip", "tcp"].map(|name| ProtocolName::new(name).key());
    let plain = PlainHeaders { protocols, starts: [0, 14, 34, 54], payload_wire_length: 5 };
    let plain = Sample {
        plain: Some(plain),
        bytes: any.bytes.clone(),
        headers: Vec::new(),
        tree: Vec::new(),
        told: Vec::new(),
    };
    [any, plain]
}

fn header(protocol: &'static str, offset: u32, length: u32, end: u32) -> Header {
    Header { protocol: ProtocolName::new(protocol), offset, length, end, wire_end: end, ..Header::default() }
}

fn layer(protocol: &'static str, fields: Vec<(&'static str, Value)>) -> Layer {
    Layer { protocol, osi: 7, unit: "message", offset: 74, length: 5, fields }
}

fn sample() -> Sample {
    let mut bytes = vec![0, 0x1b, 0x44, 0x11, 0x3a, 0xb7, 0, 0x1b, 0x44, 0, 0, 1, 8, 0];
    bytes.extend([0x45, 0, 0, 65, 0, 7, 0x40, 0, 64, 4, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    bytes.extend([0x45, 0, 0, 45, 0, 8, 0x40, 0, 63, 6, 0, 0, 192, 168, 1, 1, 192, 168, 1, 2]);
    bytes.extend([0xc0, 0, 0, 80, 0, 0, 0, 9, 0, 0, 0, 7, 0x50, 0x18, 0x20, 0, 0, 0, 0, 0]);
    bytes.extend(b"GET /");
    let text = |text: &str| Value::Text(text.to_owned());
    Sample {
        plain: None,
        headers: vec![
            header("eth", 0, 14, 79),
            header("ip", 14, 20, 79),
            header("ip", 34, 20, 79),
            header("tcp", 54, 20, 79),
        ],
        tree: vec![
            layer("eth", vec![("eth.type", Value::Number(0x800))]),
            layer("ip", vec![("ip.checksum.status", Value::Number(1))]),
            layer("ip", vec![("ip.checksum.status", Value::Number(0))]),
            layer("tcp", vec![("tcp.options.sack_le", Value::List(vec![Value::Number(1), Value::Number(9)]))]),
        ],
        told: vec![
            layer(
                "http",
                vec![
                    ("http.request", Value::Bool(true)),
                    ("http.request.method", text("GET")),
                    ("http.host", text("Example.com")),
                ],
            ),
            layer(
                "dns",
                vec![
                    ("dns.qry.type", text("AAAA")),
                    ("dns.resp.type", Value::List(vec![text("TYPE65280"), text("A")])),
                    ("dns.a", Value::List(vec![text("192.0.2.1"), text("192.0.2.2")])),
                    ("dns.aaaa", text("2001:db8::7")),
                ],
            ),
        ],
        bytes,
    }
}

impl Packet for Sample {
    fn plain_headers(&self) -> Option<&PlainHeaders> {
        self.plain.as_ref()
    }
    fn headers(&self) -> &[Header] {
        &self.headers
    }
    fn bytes(&self, _: bool) -> &[u8] {
        &self.bytes
    }
    fn tree(&self) -> &[Layer] {
        &self.tree
    }
    fn told(&self) -> &[Layer] {
        &self.told
    }
    fn told_bytes(&self) -> &[u8] {
        &self.bytes
    }
    fn fact(&self, fact: Fact, _: usize) -> Option<i128> {
        match fact {
            Fact::Number => Some(5),
            Fact::WireLength => Some(79),
            Fact::Time => Some(1_700_000_000_500_000_000),
            Fact::SinceFirst => Some(250_000_000),
            _ => None,
        }
    }
    fn protocols(&self) -> &str {
        "eth:ethertype:ip:ip:tcp:http"
    }
    fn judged(&self, name: &str) -> bool {
        name == "tcp.analysis.retransmission"
    }
}

fn holds(text: &str) -> bool {
    Filter::new(text).unwrap_or_else(|mistake| panic!("{mistake}")).matches(&sample())
}

#[test]
fn what_holds() {
    for text in [
        "tcp",
        "frame",
        "eth and ip and not udp",
        "http.request",
        "!udp",
        "ip.ttl",
        "dns.a",
        // Several values: one suffices, but `!=` wants all.
        "ip.src == 10.0.0.1",
        "ip.src == 192.168.1.1",
        "ip.addr != 10.9.9.9",
        "ip.ttl ~= 63",
        "any ip.ttl == 63",
        "all ip.ttl > 62",
        "all ip.ttl in {63, 64}",
        "ip.ttl !== 64",
        "ip.ttl any_ne 64",
        "all ip.src matches r\"^[\\xc0\\n]\"",
        // Layers.
        "ip.src#1 == 10.0.0.1",
        "ip.src#2 == 192.168.1.1",
        "ip.src#-1 == 192.168.1.1",
        "ip.ttl#[1-2] == 63",
        "ip#2",
        "ip.src#[2:] == 192.168.1.1",
        // Networks and other types.
        "ip.addr == 10.0.0.0/8",
        "ip.addr in {172.16.0.0/12, 192.168.0.0/16}",
        "dns.aaaa == 2001:db8::/32",
        "dns.a == 192.0.2.2",
        "dns.aaaa in {2001:db8::1..2001:db8::ff}",
        "ip.src < 10.0.0.2",
        "10.0.0.1 == ip.src",
        "eth.dst == 00:1b:44:11:3a:b7",
        "eth.dst == 00-1b-44-11-3a-b7",
        "eth.dst == 001b.4411.3ab7",
        "eth.addr == 00:1b:44:00:00:01",
        "eth.src[0:3] == 00:1b:44",
        "eth.src[0:3] == eth.dst[:3]",
        "eth[0:6] == eth.dst",
        "tcp.srcport == 0xc000",
        "tcp.srcport == 0140000",
        "tcp.srcport == 0b1100000000000000",
        "tcp.port in {1, 70..90}",
        "tcp.port == 80 && tcp.port == 49152",
        "tcp.srcport != tcp.dstport",
        "tcp.srcport > tcp.dstport",
        "1 < tcp.dstport < 100",
        "frame.len == 79",
        "frame.number == 5",
        // Flags and bits.
        "tcp.flags.ack",
        "tcp.flags.ack == 1",
        "tcp.flags.syn == 0",
        "tcp.flags.syn == False",
        "tcp.flags.push == true",
        "tcp.flags.ack == \"Set\"",
        "tcp.flags & 0x10",
        "tcp.flags & 0x18 == 0x18",
        "not tcp.flags & 2",
        "(tcp.flags & 2) == 0",
        "{tcp.flags & 0x10} == 16",
        "tcp.flags bitand 8",
        "tcp.flags == 0x018",
        "tcp[13] & 8",
        "tcp[13] == 18",
        // Computing.
        "tcp.len == 5",
        "tcp.len + 1 == 6",
        "tcp.len * 2 + 1 == 11",
        "tcp.len % 2 == 1",
        "-tcp.len == -5",
        "tcp.len == 2 + 3",
        "tcp.hdr_len == 20",
        "tcp.dstport == tcp.srcport - 49072",
        "max(tcp.srcport, tcp.dstport) == 49152",
        "min(tcp.srcport, 7) == 7",
        "abs(-tcp.len) == 5",
        // Text and bytes.
        "http.host == \"Example.com\"",
        "http.request.method == GET",
        "http.host contains \"ample\"",
        "http.host matches r\"^example\\.\"",
        "http.host matches r\"\\.COM$\"",
        "http.host ~ \"e\"",
        "lower(http.host) == \"example.com\"",
        "upper(http.host) contains \"EXAMPLE\"",
        "http.request.method in {\"PUT\", \"GET\"}",
        "len(http.host) == 11",
        "http.host[0:3] == \"Exa\"",
        "http contains \"GET\"",
        "tcp.payload contains \"GET\"",
        "tcp.payload contains 47:45:54",
        "tcp.payload[0] == 'G'",
        "tcp.payload[0:3] == \"GET\"",
        "tcp.payload[0:3] == \"\\x47\\105T\"",
        "tcp.payload[-1] == 2f",
        "tcp.payload[-2:] == 20:2f",
        "tcp.payload[0-2] == 474554",
        "tcp.payload[0,2:1] == \"GT\"",
        "tcp contains \"GET\"",
        "frame contains 00:1b:44",
        "frame matches \"get\"",
        "string(frame.number) == \"5\"",
        "string(ip.src) matches r\"^10\\.\"",
        "count(ip.src) == 2",
        "count(ip.addr) == 4",
        "len(tcp) == 20",
        "len(frame) == 79",
        "len(tcp.payload) == 5",
        // Names and numbers of values.
        "dns.qry.type == 28",
        "dns.qry.type == AAAA",
        "dns.qry.type == \"aaaa\"",
        "dns.resp.type == 65280",
        "dns.resp.type == A",
        "tcp.options.sack_le == 9",
        "ip.checksum.status == Bad",
        "ip.checksum.status#2 == 0",
        "ip.proto == TCP",
        // Times.
        "frame.time_relative == 0.25",
        "frame.time_relative < 1",
        "frame.time >= \"2023-11-14\"",
        "frame.time_epoch == 1700000000.5",
        "frame.time_relative + 1 > 1.2",
        // How operators bind.
        "udp and tcp or ip",
        "ip or tcp and udp",
        "not udp and ip",
        "tcp xor udp",
        "tcp ^^ udp ^^ ip ^^ eth",
        "not (udp or arp)",
        "tcp.analysis.retransmission and not tcp.analysis.zero_window",
        "frame.protocols contains \"ip:tcp\"",
        "tcp.port not in {81}",
        "((tcp))",
    ] {
        assert!(holds(text), "{text}");
    }
}

#[test]
fn what_does_not_hold() {
    for text in [
        "udp",
        "not tcp",
        "udp.port == 80",
        "udp.port != 80",
        "ip.ttl != 64",
        "ip.ttl === 64",
        "ip.ttl all_eq 64",
        "all ip.ttl == 63",
        "ip.addr == 11.0.0.0/8",
        "ip.src#3",
        "ip.src#1 == 192.168.1.1",
        "tcp.port in {81..90}",
        "tcp.flags.syn == 1",
        "tcp.flags & 2",
        "tcp.flags & 0x12 == 0x12",
        "tcp[13] == 24",
        "tcp.payload[5] == 2f",
        "tcp.payload[4:2] == 2f:2f",
        "http.host == \"example.com\"",
        "http.host contains \"EXAMPLE\"",
        "tcp xor ip",
        "tcp and udp or arp",
        "count(udp.port) == 0",
        "dns.qry.type == A",
        "frame.time_relative > 0.25",
        "tcp.len / 0 == 1",
        "tcp.stream == 0",
        "frame.time < \"2023-11-14\"",
        "10 < tcp.len < 100",
        "1 < tcp.len < 5",
        "udp.length > 0",
        "tcp.port not in {80}",
        "ip.src[0:2] == ip.dst[2:2]",
    ] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn mistakes_are_told_with_their_place_and_a_suggestion() {
    // Filter, column, part of the reason, suggestion.
    for (text, column, reason, suggestion) in [
        ("", 1, "the filter is empty", None),
        ("tcp.prt == 80", 1, "`tcp.prt` is no field", Some("`tcp.port`")),
        ("tcp and ip.adr == 10.0.0.1", 9, "`ip.adr` is no field", Some("`ip.addr`")),
        ("tcp.port = 80", 10, "`=` compares nothing", Some("`==`")),
        ("tcp | udp", 5, "`|` joins nothing", Some("`||`")),
        ("tcp and", 8, "a field or a value is missing at the end", None),
        ("tcp.port ==", 12, "a field or a value is missing at the end", None),
        ("== 80", 1, "a field or a value is missing", None),
        ("(tcp", 1, "this parenthesis is never closed", None),
        ("tcp)", 4, "`)` cannot stand here", None),
        ("tcp.port == 70000", 13, "out of range: 0 to 65535", None),
        ("tcp.port == -1", 13, "out of range", None),
        ("tcp.port == http", 13, "a 16-bit number cannot be compared with a protocol", None),
        ("tcp.port == eighty", 13, "`eighty` is not a number", None),
        ("ip.src == example.com", 11, "names are never resolved", None),
        ("ip.src == 10.0.0.0/33", 11, "is not an IPv4 address", None),
        ("ip.src == 2001:db8::1", 11, "is not an IPv4 address", None),
        ("ip.src == ipv6.src", 11, "a IPv4 address cannot be compared", None),
        ("eth.src == 10.0.0.1.2.3.4", 12, "is not an Ethernet address", None),
        ("ip contains GET", 13, "is not bytes in hex", Some("the text \"GET\"")),
        ("ip.ttl contains 4", 1, "contains nothing", Some("`==` or `&`")),
        ("http.host matches foo", 19, "in double quotes", Some("\"foo\"")),
        ("http.host matches \"a(\"", 19, "bad regular expression", None),
        ("http.host matches \"(a{1000}){1000}\"", 19, "grows too large", None),
        ("http.host == \"abc", 14, "closing quotation mark is missing", None),
        ("http.host == \"a\\qb\"", 16, "escape is unknown", None),
        ("tcp.port in 80", 13, "a set in braces", None),
        ("tcp.port in {80 81}", 17, "a comma or `}`", None),
        ("tcp.port in {80", 16, "a comma or `}` is missing at the end", None),
        ("tcp.payload[ == 1", 12, "closing bracket", None),
        ("tcp.payload[x] == 1", 13, "this is no range", None),
        ("tcp.payload[5-2] == 1", 13, "this is no range", None),
        ("ip.ttl[0] == 1", 1, "has no bytes to choose from", None),
        ("ip.src#0 == 10.0.0.1", 1, "counted from 1", None),
        ("ip.src# == 10.0.0.1", 7, "takes the number of a layer", None),
        ("lenn(http.host) > 1", 1, "there is no function `lenn`", Some("`len`")),
        ("len(http.host)", 1, "needs something to compare with", None),
        ("len() > 1", 1, "`len` takes one value", None),
        ("upper(tcp.port) == \"80\"", 7, "`upper` does not take a 16-bit number", None),
        ("1 == 1", 1, "two constants are compared", None),
        ("foo.bar == 1", 1, "`foo.bar` is no field", None),
        ("\"abc\"", 1, "a constant by itself asks nothing", None),
        ("tcp.options.tfo.request == 1", 1, "it is there or not", None),
        ("tcp.flags.syn == maybe", 18, "is not true or false", None),
        ("dns.qry.type == AAAB", 17, "the name of a value", Some("`AAAA`")),
        ("frame.time_relative < soon", 23, "is not a number of seconds", None),
        ("frame.time > \"soon\"", 14, "is not a moment in UTC", None),
        ("port 80", 6, "an operator is missing before it", None),
        ("tcp port 80", 5, "is this a capture filter?", None),
        ("host == 1", 1, "is this a capture filter?", None),
        ("ssl.handshake.type == 1", 1, "has another name today", Some("`tls.handshake.type`")),
        ("@ip.src == 0a:00:00:01", 1, "not supported", None),
        ("${name}", 1, "not supported", None),
        ("any tcp", 1, "in front of a comparison", None),
        ("tcp ? udp", 5, "`?` means nothing here", None),
        ("http.host containz \"a\"", 11, "an operator is missing", Some("`contains`")),
        ("ip.src + 1 == 2", 1, "nothing to compute with", None),
        ("(tcp and udp) == 1", 15, "`==` cannot stand here", None),
        ("tcp.port == (tcp and udp)", 13, "a question is no value", None),
        ("dns.qry.name == \"ä\" and tcp.prt", 25, "`tcp.prt` is no field", Some("`tcp.port`")),
    ] {
        let mistake = Filter::new(text).map(|_| ()).expect_err(text);
        assert_eq!(mistake.column(), column, "{text}: {mistake}");
        assert!(mistake.reason.contains(reason), "{text}: {mistake}");
        assert_eq!(mistake.suggestion.as_deref(), suggestion, "{text}: {mistake}");
    }
}

#[test]
fn what_a_terminal_would_act_on_is_not_repeated() {
    for text in ["x\u{86}y == 1", "tcp\u{1b}[31m", "tcp.port == \"\u{202e}\u{9b}2J"] {
        let shown = Filter::new(text).err().map(|mistake| mistake.to_string()).unwrap_or_default();
        assert!(shown.contains("column"), "{text:?}");
        assert!(
            !shown.chars().any(|letter| letter != '\n' && (letter.is_control() || letter == '\u{202e}')),
            "{shown:?}"
        );
    }
}

#[test]
fn a_mistake_is_shown_with_carets() {
    let mistake = Filter::new("ip and tcp.prt == 80").unwrap_err();
    let expected = "bad display filter, column 8: `tcp.prt` is no field known here; `wireglass fields` lists them. Did you mean \
                    `tcp.port`?\n    ip and tcp.prt == 80\n           ^^^^^^^";
    assert_eq!(mistake.to_string(), expected);
    // A long filter is shown around the mistake; what would move a terminal's cursor is not.
    let long = format!("{} or tcp.prt == \"\x1b[2J\"", vec!["tcp"; 40].join(" or "));
    let shown = Filter::new(&long).unwrap_err().to_string();
    let lines: Vec<&str> = shown.lines().collect();
    assert!(lines[1].len() < 150 && !shown.contains('\x1b'), "{shown}");
    assert_eq!(lines[1].find("tcp.prt"), lines[2].find('^'), "{shown}");
}

#[test]
fn needs_are_those_of_the_fields() {
    let needs = |text| Filter::new(text).unwrap().needs();
    assert_eq!(needs("tcp.port == 80 and ip.ttl < 5 and frame.time_delta > 1"), Needs::default());
    assert_eq!(needs("tcp.stream == 1"), Needs { streams: true, ..Needs::default() });
    assert_eq!(needs("tcp.analysis.flags"), Needs { analysis: true, ..Needs::default() });
    assert_eq!(needs("tcp or http.host"), Needs { sessions: true, ..Needs::default() });
}

#[test]
fn names_are_unique_and_lists_of_names_too() {
    let mut seen = std::collections::HashSet::new();
    for field in fields::all() {
        assert!(seen.insert(field.name), "{} is in the table twice", field.name);
        assert!(!field.description.is_empty() && !field.description.ends_with('.'), "{}", field.name);
        if let fields::From::Either(names) = field.from {
            for name in names {
                let of = fields::find(name).unwrap_or_else(|| panic!("{name}")).1;
                assert_eq!(of.kind, field.kind, "{name}");
            }
        }
    }
    assert!(seen.len() > 300, "{}", seen.len());
}

#[test]
fn depth_and_length_are_bounded() {
    let deep = |levels: usize| format!("{}tcp{}", "(".repeat(levels), ")".repeat(levels));
    assert!(Filter::new(&deep(crate::limits::MAX_FILTER_DEPTH)).is_ok());
    for text in [
        deep(100_000),
        "!".repeat(100_000) + "tcp",
        "-".repeat(100_000) + "tcp.len == 1",
        "{".repeat(100_000),
        "len(".repeat(60_000),
        format!("tcp.payload{} == 1", "[0:1]".repeat(10_000)),
        format!("tcp.len{} == 1", " + 1".repeat(10_000)),
        vec!["tcp"; 10_000].join(" xor "),
        vec!["http.host matches \"a\""; crate::limits::MAX_FILTER_PATTERNS + 1].join(" or "),
        " ".repeat(crate::limits::MAX_FILTER_BYTES) + "tcp",
        // Chains inside parentheses inside chains.
        (0..60).fold("tcp.len".to_owned(), |inner, _| format!("{{{inner}{}}}", " + 1".repeat(60))) + " == 1",
        "tcp or ".repeat(100_000) + "tcp",
    ] {
        assert!(Filter::new(&text).is_err(), "{}", &text[..20]);
    }
    // As deep as can be, asked on a small stack.
    let mut deepest =
        (0..crate::limits::MAX_FILTER_DEPTH).fold("tcp.len".to_owned(), |inner, _| format!("{{{inner} + 1}}"));
    deepest += &" + 1".repeat(crate::limits::MAX_FILTER_DEPTH);
    let asked = std::thread::Builder::new().stack_size(512 << 10).spawn(move || {
        let added = 2 * crate::limits::MAX_FILTER_DEPTH + 5;
        holds(&format!("{deepest} == {added}"))
    });
    assert!(asked.unwrap().join().unwrap());
    // A long list is none of these.
    assert!(holds(&format!("{} or tcp", vec!["udp"; 20_000].join(" or "))));
    assert!(holds(&format!("tcp.port in {{{}80}}", "7, ".repeat(20_000))));
}

/// Pieces of filters, so that random ones are parsed deeply now and then.
const PIECES: [&str; 60] = [
    "tcp",
    "ip.src",
    "tcp.port",
    "tcp.payload",
    "http.host",
    "dns.a",
    "eth.dst",
    "frame.time_relative",
    "ipv6.addr",
    "tcp.flags",
    "==",
    "!=",
    "===",
    "!==",
    "<",
    ">=",
    "contains",
    "matches",
    "in",
    "and",
    "or",
    "xor",
    "not",
    "any",
    "all",
    "&",
    "+",
    "-",
    "*",
    "/",
    "%",
    "(",
    ")",
    "{",
    "}",
    ",",
    "..",
    "[0:2]",
    "[-1]",
    "[1-3]",
    "#1",
    "#[1-2]",
    "80",
    "0x10",
    "10.0.0.0/8",
    "2001:db8::1",
    "00:1b:44",
    "\"GET\"",
    "'G'",
    "r\"a.b\"",
    "\"(\"",
    "len",
    "count",
    "upper",
    "string",
    "max",
    "1.5",
    "true",
    "\u{e4}",
    "\"\\x4\"",
];

proptest! {
    #[test]
    fn no_text_panics(text in ".{0,60}") {
        if let Err(mistake) = Filter::new(&text) {
            let _ = mistake.to_string();
        }
    }

    #[test]
    fn no_pieces_panic(pieces in proptest::collection::vec(proptest::sample::select(&PIECES[..]), 0..14)) {
        let text = pieces.join(" ");
        match Filter::new(&text) {
            Ok(filter) => {
                let _ = filter.matches(&sample());
            }
            Err(mistake) => {
                prop_assert!(mistake.at.end <= text.len() && mistake.at.start <= mistake.at.end, "{:?}", mistake);
                let _ = mistake.to_string();
            }
        }
    }

    #[test]
    fn no_packet_panics(
        bytes in proptest::collection::vec(any::<u8>(), 0..90), offset in 0u32..100, length in 0u32..100, end in 0u32..100,
    ) {
        let text = "tcp.flags & 2 or tcp.payload[3] == 1 or ip.src == 10.0.0.0/9 or ip.hdr_len > 3 or tcp.len > 2 or len(tcp) > 3 or \
                    http contains \"a\" or ip[4:] contains 00 or mpls.label > 3 or ip.src[0:3] == eth.src[2:]";
        let mut packet = sample();
        packet.bytes = bytes;
        for header in &mut packet.headers {
            (header.offset, header.length, header.end) = (offset, length, end);
        }
        let _ = Filter::new(text).unwrap().matches(&packet);
    }
}

/// Questions with a quick form, asked both ways.
#[test]
fn the_quick_way_and_the_long_one_agree() {
    let (sample, plain_samples) = (sample(), plain_samples());
    let fields = [
        "ip.ttl",
        "ip.src",
        "ip.addr",
        "tcp.port",
        "tcp.dstport",
        "tcp.len",
        "ip.hdr_len",
        "eth.src",
        "tcp.flags.push",
        "udp.port",
    ];
    let numbers =
        ["-1", "0", "1", "5", "20", "63", "64", "80", "49152", "4294967295", "99999999999", "-99999999999999999999999"];
    let mut quick = 0;
    for field in fields {
        let constants: &[&str] = match field {
            "ip.src" | "ip.addr" => {
                &["10.0.0.1", "192.168.1.2", "10.0.0.0/8", "192.168.1.128/25", "0.0.0.0/0", "10.0.0.1/32"]
            }
            "eth.src" => &["00:1b:44:00:00:01", "ff:ff:ff:ff:ff:ff"],
            _ => &numbers,
        };
        let mut texts = vec![field.to_owned()];
        for one in constants {
            for order in ["==", "!=", "<", "<=", ">", ">=", "===", "!=="] {
                texts.push(format!("{field} {order} {one}"));
                texts.push(format!("any {field} {order} {one}"));
                texts.push(format!("all {field} {order} {one}"));
            }
            for other in constants.iter().filter(|constant| !constant.contains('/') && !one.contains('/')) {
                texts.push(format!("{field} in {{{one}..{other}}}"));
                texts.push(format!("{field} in {{{other}, {one}}}"));
                texts.push(format!("all {field} in {{{other}, {one}}}"));
            }
        }
        for text in texts {
            let Ok(tree) = parser::parse(&text) else { continue };
            let Ok(long) = check::asked(&tree, &mut Needs::default()) else { continue };
            quick += usize::from(direct::Direct::of(&long).is_some());
            let found = Filter::new(&text).unwrap().matches(&sample);
            assert_eq!(found, long.holds(&sample), "{text}");
            let found = plain_samples.each_ref().map(|sample| Filter::new(&text).unwrap().matches(sample));
            assert_eq!(found, [long.holds(&plain_samples[0]); 2], "{text}, of a plain packet");
        }
    }
    assert!(quick > 1500, "only {quick} of them have a quick form");
}
