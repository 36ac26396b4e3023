//! `wireglass connection`: what it draws of the fixtures and of captures that want to break the drawing.
use std::{
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

fn fixture(name: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name).join("capture.pcap").display().to_string()
}

fn run_in(columns: &str, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .args(arguments)
        .env("COLUMNS", columns)
        .env_remove("CLICOLOR_FORCE")
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn run(arguments: &[&str]) -> Output {
    run_in("120", arguments)
}

fn drawn(arguments: &[&str]) -> String {
    let output = run(&[&["connection"], arguments].concat());
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The flows of all TCP connections of a capture.
fn connections(file: &str) -> Vec<String> {
    let output = run(&[file, "--format", "ndjson", "--only", "connections"]);
    let text = String::from_utf8(output.stdout).unwrap();
    let records = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    records.map(|record| record["flow"].as_str().unwrap().to_owned()).collect()
}

fn fixtures() -> Vec<String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().join("capture.pcap").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// A picture without anything that acts or comes from elsewhere.
fn check_picture(svg: &str) {
    let document = roxmltree::Document::parse(svg).unwrap_or_else(|error| panic!("{error}\n{svg}"));
    let root = document.root_element();
    assert_eq!((root.tag_name().name(), root.attribute("role")), ("svg", Some("img")));
    let names = ["title", "desc"];
    for name in names {
        let text = root.children().find(|node| node.has_tag_name(("http://www.w3.org/2000/svg", name)));
        assert!(text.is_some_and(|node| node.text().is_some_and(|text| !text.is_empty())), "a {name}");
    }
    for node in document.descendants().filter(roxmltree::Node::is_element) {
        let name = node.tag_name().name();
        assert!(["svg", "title", "desc", "style", "rect", "line", "path", "text"].contains(&name), "<{name}>");
        for attribute in node.attributes() {
            assert!(!attribute.name().starts_with("on") && !attribute.name().contains("href"), "{}", attribute.name());
        }
    }
    let height: u32 = root.attribute("height").unwrap().parse().unwrap();
    assert!(height < 14_000, "{height} pixels high");
}

#[test]
fn every_connection_of_the_fixtures_can_be_drawn() {
    let mut pictures = 0;
    for name in fixtures() {
        let file = fixture(&name);
        for id in connections(&file).iter().take(3) {
            for columns in ["40", "84", "120"] {
                let output = run_in(columns, &["connection", &file, id]);
                let text = String::from_utf8(output.stdout).unwrap();
                assert!(output.status.success() && text.contains(&format!("connection {id}")), "{name} {id}");
                for line in text.lines() {
                    let width = unicode_width::UnicodeWidthStr::width(line);
                    assert!(width <= columns.parse().unwrap(), "{name} {id}: {width} columns: {line}");
                }
            }
            check_picture(&drawn(&[&file, id, "--format", "svg"]));
            pictures += 1;
        }
    }
    assert!(pictures > 40, "{pictures} pictures");
}

#[test]
fn what_went_wrong_is_drawn() {
    let text = drawn(&[&fixture("tcp_rto_backoff"), "1"]);
    assert_eq!(text.matches("✗").count(), 5, "four lost segments and the legend:\n{text}");
    assert_eq!(text.matches("· sent again: ").count(), 4, "{text}");
    let text = drawn(&[&fixture("tcp_zero_window"), "1"]);
    for words in ["window 0", "window opens", "window probe", "⋮", "again: tail loss probe, needless"] {
        assert!(text.contains(words), "{words}:\n{text}");
    }
    assert!(!text.contains('✗'), "a duplicate SACK tells that nothing was lost:\n{text}");
    assert_eq!(drawn(&[&fixture("tcp_keepalive"), "1"]).matches("· keep-alive ─").count(), 3);
    let text = drawn(&[&fixture("tcp_icmp_admin_prohibited"), "10.77.1.2:8080"]);
    assert!(text.contains("receive ICMP unreachable"), "{text}");
    // An RST and a lost SYN-ACK.
    assert!(drawn(&[&fixture("tcp_rst_linger0"), "1"]).contains("RST"));
    assert!(drawn(&[&fixture("tcp_duplicate_on_wire"), "1"]).contains("captured twice"));
}

#[test]
fn a_simultaneous_open_loses_nothing() {
    let text = drawn(&[&fixture("tcp_simultaneous_open"), "1"]);
    assert!(!text.contains('✗') && text.contains("SYN-RECEIVED"), "{text}");
    assert!(!text.contains("sent again") && !text.contains("twice"), "{text}");
}

#[test]
fn handshake_and_requests_are_never_folded() {
    let text = drawn(&[&fixture("page_load"), "581"]);
    let wanted = ["GET /index.html", "GET /app.js", "GET /missing.html", "GET /logo.png", "502 Bad Gateway", "⋮"];
    for words in wanted {
        assert!(text.contains(words), "{words}:\n{text}");
    }
    let all = drawn(&[&fixture("page_load"), "581", "--all"]);
    assert!(!all.contains('⋮') && all.lines().count() > text.lines().count() + 50);
    let tls = drawn(&[&fixture("tls13_full"), "1"]);
    for words in ["Client Hello", "Server Hello", "[Finished]", "TLS handshake", "handshake"] {
        assert!(tls.contains(words), "{words}:\n{tls}");
    }
}

#[test]
fn connections_have_several_names() {
    let file = fixture("page_load");
    let by_number = drawn(&[&file, "581"]);
    for name in ["#600", "600", "10.77.10.10:38474", ":38474", "10.77.10.10:38474 → 10.77.20.80:8080"] {
        assert_eq!(drawn(&[&file, name]), by_number, "{name}");
    }
    let failure = |name: &str| {
        let output = run(&["connection", &file, name]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(failure("10.77.20.80:443").contains("5 flows are between such ends"), "{}", failure("10.77.20.80:443"));
    assert!(failure("99999").contains("no connection is called 99999"));
    assert!(failure("nonsense").contains("names no connection"));
    // A UDP flow has no ladder, but an answer.
    let dns = drawn(&[&file, "3"]);
    assert!(dns.contains("UDP flows") && dns.contains("www.lab.example"), "{dns}");
}

#[test]
fn other_formats_hold_the_same_connection() {
    let file = fixture("page_load");
    let page = drawn(&[&file, "670", "--format", "markdown"]);
    for words in ["# Connection 670", "```text", "## Problems", "| **phases** |", "failed TLS handshake"] {
        assert!(page.contains(words), "{words}:\n{page}");
    }
    let lines = drawn(&[&file, "670", "--format", "ndjson"]);
    let records: Vec<Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let types: Vec<&str> = records.iter().map(|record| record["type"].as_str().unwrap()).collect();
    assert_eq!((types.first(), types.last()), (Some(&"report"), Some(&"capture")));
    for wanted in ["connection", "tls", "certificate", "finding"] {
        assert!(types.contains(&wanted), "{wanted}: {types:?}");
    }
    let flows = records.iter().filter_map(|record| record.get("flow"));
    assert!(flows.into_iter().all(|flow| flow == "670"));
    let array: Value = serde_json::from_str(&drawn(&[&file, "670", "--format", "json"])).unwrap();
    assert_eq!(array.as_array().unwrap().len(), records.len());
}

#[test]
fn moments_are_printed_as_asked() {
    let file = fixture("tcp_close_client_4way");
    let utc = drawn(&[&file, "1", "--time", "utc"]);
    let is_clock = |word: &str| word.len() == 15 && word.matches(':').count() == 2;
    assert!(utc.lines().filter(|line| line.split_whitespace().next().is_some_and(is_clock)).count() > 5, "{utc}");
    assert!(drawn(&[&file, "1"]).contains(" 0.0 ms  SYN-SENT") || drawn(&[&file, "1"]).contains(" 0.000 ms  SYN-SENT"));
    assert!(drawn(&[&file, "1", "--time", "epoch"]).contains(" 17"));
    assert_ne!(drawn(&[&file, "1", "--time", "delta"]), drawn(&[&file, "1"]));
}

/// A capture of raw IPv4 packets.
struct Made {
    bytes: Vec<u8>,
    packets: u32,
}

impl Made {
    fn new() -> Self {
        let mut bytes = 0xa1b2_c3d4_u32.to_le_bytes().to_vec();
        bytes.extend([2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        bytes.extend(262_144_u32.to_le_bytes());
        bytes.extend(101_u32.to_le_bytes());
        Self { bytes, packets: 0 }
    }

    /// One segment, a millisecond after the one before.
    fn segment(&mut self, to_server: bool, flags: u8, numbers: (u32, u32), payload: &[u8]) {
        let (client, server) = (Ipv4Addr::new(10, 0, 0, 1), Ipv4Addr::new(10, 0, 0, 2));
        let ((from, from_port), (to, to_port)) =
            if to_server { ((client, 40_000_u16), (server, 80_u16)) } else { ((server, 80), (client, 40_000)) };
        let mut packet = vec![0x45, 0];
        packet.extend(u16::try_from(40 + payload.len()).unwrap().to_be_bytes());
        packet.extend([0, 0, 0, 0, 64, 6, 0, 0]);
        packet.extend(from.octets());
        packet.extend(to.octets());
        packet.extend(from_port.to_be_bytes());
        packet.extend(to_port.to_be_bytes());
        packet.extend(numbers.0.to_be_bytes());
        packet.extend(numbers.1.to_be_bytes());
        packet.extend([0x50, flags, 0x20, 0, 0, 0, 0, 0]);
        packet.extend(payload);
        self.bytes.extend((self.packets / 1000).to_le_bytes());
        self.bytes.extend((self.packets % 1000 * 1000).to_le_bytes());
        let length = u32::try_from(packet.len()).unwrap().to_le_bytes();
        self.bytes.extend([length, length].concat());
        self.bytes.extend(packet);
        self.packets += 1;
    }

    fn open(&mut self) {
        self.segment(true, 2, (0, 0), b"");
        self.segment(false, 18, (0, 1), b"");
        self.segment(true, 16, (1, 1), b"");
    }

    fn save(&self, name: &str) -> String {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::write(&path, &self.bytes).unwrap();
        path.display().to_string()
    }
}

#[test]
fn markup_from_the_network_stays_text() {
    let mut made = Made::new();
    made.open();
    let target = "/</text><script>alert(1)</script>\"'&]]>--><!--\u{202e}```</svg>|<img/onerror=x>";
    let request = format!("GET {target} HTTP/1.1\r\nHost: </style><a>\u{7}\u{ffff}\u{fffe}\r\n\r\n");
    made.segment(true, 24, (1, 1), request.as_bytes());
    made.segment(false, 24, (1, 1 + request.len() as u32), b"HTTP/1.1 404 <b>\x1b[31m```\r\nContent-Length: 0\r\n\r\n");
    let file = made.save("connection-markup.pcap");
    let svg = drawn(&[&file, "1", "--format", "svg"]);
    check_picture(&svg);
    assert!(svg.contains("&lt;"), "the request is in it:\n{svg}");
    assert!(!svg.contains("<script") && !svg.contains("<img") && !svg.contains('\u{202e}') && !svg.contains('\x1b'));
    let page = drawn(&[&file, "1", "--format", "markdown"]);
    let (before, rest) = page.split_once("````text\n").expect("a fence longer than any run of backticks");
    let (_, after) = rest.split_once("\n````\n").unwrap();
    assert!(!before.contains("<script") && !after.contains("<script") && !page.contains('\x1b'));
    assert!(!drawn(&[&file, "1"]).contains('\x1b'));
}

#[test]
fn gaps_of_the_capture_are_drawn() {
    let mut made = Made::new();
    made.open();
    made.segment(true, 24, (1, 1), &[b'x'; 100]);
    // 200 bytes that the capture does not hold, and then more.
    made.segment(false, 16, (1, 301), b"");
    made.segment(true, 24, (301, 1), &[b'x'; 100]);
    made.segment(false, 16, (1, 401), b"");
    let text = drawn(&[&made.save("connection-gap.pcap"), "1"]);
    assert!(text.contains("not captured: 200 B of the client ┄"), "{text}");
    assert!(!text.contains('✗'), "{text}");
}

#[test]
fn a_long_connection_takes_little_room() {
    let mut made = Made::new();
    made.open();
    let mut sent = 1_u32;
    for round in 0..50_000_u32 {
        made.segment(true, 24, (sent, 1), &[b'x'; 100]);
        sent += 100;
        made.segment(false, 16, (1, sent), b"");
        // A segment that is lost and sent again, again and again.
        if round % 100 == 0 {
            made.segment(true, 24, (sent, 1), &[b'x'; 100]);
            made.segment(true, 24, (sent, 1), &[b'x'; 100]);
            sent += 100;
            made.segment(false, 16, (1, sent), b"");
        }
    }
    made.segment(true, 17, (sent, 1), b"");
    made.segment(false, 17, (1, sent + 1), b"");
    made.segment(true, 16, (sent + 1, 2), b"");
    let file = made.save("connection-long.pcap");
    let text = drawn(&[&file, "1"]);
    assert!(text.lines().count() < 120, "{} lines", text.lines().count());
    assert!(text.contains("FIN-WAIT-1") && text.contains("TIME-WAIT") && text.contains("captured twice"), "{text}");
    check_picture(&drawn(&[&file, "1", "--format", "svg"]));
}

#[test]
fn rows_beyond_the_limit_are_summed_up() {
    let mut made = Made::new();
    made.open();
    let (mut asked, mut answered) = (1, 1);
    let (request, response) = (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 204 No\r\n\r\n");
    for _ in 0..3_000 {
        made.segment(true, 24, (asked, answered), request);
        asked += request.len() as u32;
        made.segment(false, 24, (answered, asked), response);
        answered += response.len() as u32;
    }
    let file = made.save("connection-many.pcap");
    let text = drawn(&[&file, "1"]);
    assert!(text.lines().count() < 350, "{} lines", text.lines().count());
    assert!(text.contains("further segments"), "{text}");
    assert!(drawn(&[&file, "1", "--all"]).lines().count() > 6_000);
}
