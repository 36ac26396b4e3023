//! What wants memory or time: every cap holds, and is told.
use std::io::Write;

use wireglass::limits::*;

use super::{survive, wire::*};

#[test]
fn a_flood_of_connections() {
    let mut capture = Capture::new();
    for host in 0..50_000u32 {
        let [_, a, b, c] = host.to_be_bytes();
        capture.tcp(([11, a, b, c], 1024 + host as u16), (SERVER, 80), (host, 0), SYN, &[]);
    }
    let all = survive("flood", &capture.bytes, &[]);
    assert_eq!(all.of_type("connection"), 50_000);
    assert!(all.findings("capture.flow-limit").is_empty(), "fewer than MAX_FLOWS");
    // What the flows take, and the records of a round when they are closed at the end, of each worker.
    assert!(all.memory < 170, "{} MiB: a lone SYN is kept in a small form", all.memory);
    let one = survive("flood1", &capture.bytes, &["--max-flows", "6400", "--threads", "1"]);
    let told = one.limit("capture.flow-limit");
    // 64 parts of 100 flows each, and a random hash fills them all.
    assert_eq!(told["evidence_total"], 50_000 - 6400, "{told}");
    assert_eq!(told["title"], "43600 flows were closed early to make room for others");
    assert!(one.memory < all.memory, "{} of {} MiB", one.memory, all.memory);
    for threads in ["2", "3", "16"] {
        let more = survive("flood1", &capture.bytes, &["--max-flows", "6400", "--threads", threads]);
        assert!(more.output == one.output, "{threads} workers");
    }
}

#[test]
fn the_same_ports_again_and_again() {
    let mut capture = Capture::new();
    for sequence in 0..20_000u32 {
        capture.tcp((CLIENT, 1000), (SERVER, 80), (sequence * 7777, 0), SYN, &[]);
    }
    assert_eq!(survive("reuse", &capture.bytes, &[]).of_type("connection"), 20_000);
}

#[test]
fn fragments_that_never_end() {
    let mut capture = Capture::new();
    for id in 0..50_000u32 {
        let [_, a, b, c] = id.to_be_bytes();
        capture.ip(17, ([10, a, b, c], SERVER), id as u16, 0x2000, &[0; 8]);
    }
    let survived = survive("fragments", &capture.bytes, &[]);
    assert_eq!(survived.limit("capture.fragment-limit")["evidence_total"], 50_000 - MAX_FRAGMENTED_DATAGRAMS);
}

#[test]
fn a_datagram_in_thousands_of_fragments() {
    let mut capture = Capture::new();
    for id in 0..4 {
        for offset in (0..8000u16).rev() {
            let more = if offset == 7999 { 0 } else { 0x2000 };
            capture.ip(17, (CLIENT, SERVER), id, more | offset, &[0, 9, 0, 9, 0xfa, 0, 0, 0]);
        }
    }
    assert_eq!(survive("pieces", &capture.bytes, &[]).of_type("udp"), 1);
}

#[test]
fn segments_of_one_byte() {
    let mut capture = Capture::new();
    let mut connection = capture.connect(1000, 80);
    let request = format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 50000\r\n\r\n{}", "x".repeat(50_000));
    connection.ask(&mut capture, request.as_bytes(), 1);
    connection.answer(&mut capture, b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 1);
    connection.close(&mut capture);
    let survived = survive("one-byte", &capture.bytes, &[]);
    let http = survived.records.iter().find(|record| record["type"] == "http").unwrap();
    assert_eq!(http["request"]["body_bytes"], 50_000);
    assert_eq!(http["response"]["status"], 200);
}

#[test]
fn one_byte_at_a_time_of_messages_that_wait_to_be_whole() {
    let hello = [&[22, 3, 1, 0x40, 0, 1, 3, 0xff, 0xff][..], &[0; 60_000]].concat();
    let head = [&b"GET / HTTP/1.1\r\n"[..], &b"X-Y: zzzzzzzzzzzzzzzzzzzzz\r\n".repeat(3000)].concat();
    for (name, port, bytes) in [("tls", 443, hello), ("http", 80, head), ("dns", 53, vec![0xff; 60_000])] {
        let mut capture = Capture::new();
        capture.connect(1000, port).ask(&mut capture, &bytes, 1);
        survive(&format!("waiting-{name}"), &capture.bytes, &[]);
    }
}

#[test]
fn segments_in_the_worst_order() {
    let mut capture = Capture::new();
    let mut connection = capture.connect(1000, 80);
    let body = "x".repeat(100_000);
    let request = format!("POST / HTTP/1.1\r\nContent-Length: {}\r\n\r\n{body}", body.len());
    // Windows of 1000 segments of 2 bytes, each window backwards.
    for window in request.as_bytes().chunks(2000) {
        for (place, piece) in window.chunks(2).enumerate().rev() {
            connection.ask_at(&mut capture, place as u32 * 2, piece);
        }
        connection.ask(&mut Capture::new(), window, 2000);
    }
    let survived = survive("backwards", &capture.bytes, &[]);
    let http = survived.records.iter().find(|record| record["type"] == "http").unwrap();
    assert_eq!(http["request"]["body_bytes"], 100_000);
    assert!(survived.findings("tcp.reassembly-limit").is_empty());
}

#[test]
fn more_holes_than_are_waited_for() {
    let mut capture = Capture::new();
    let mut connection = capture.connect(1000, 80);
    for hole in 0..50_000 {
        connection.ask_at(&mut capture, hole * 4 + 2, b"ab");
    }
    let survived = survive("holes", &capture.bytes, &[]);
    assert_eq!(survived.limit("tcp.reassembly-limit")["evidence_total"], 50_000 - MAX_OUT_OF_ORDER_SEGMENTS);
}

#[test]
fn a_header_without_end() {
    for (name, filler) in [("line", &b"a"[..]), ("fields", b"A: b\r\n")] {
        let mut capture = Capture::new();
        let mut connection = capture.connect(1000, 80);
        connection.ask(&mut capture, b"GET / HTTP/1.1\r\nX: ", 1400);
        connection.ask(&mut capture, &filler.repeat(2_000_000 / filler.len()), 1400);
        let survived = survive(&format!("header-{name}"), &capture.bytes, &[]);
        assert_eq!(survived.findings("http.limit").len(), 1, "{name}");
    }
}

#[test]
fn tls_records_without_end() {
    let fragment = record(22, &[0]);
    let alert = record(21, &[1, 90]);
    for (name, piece) in [("fragments", fragment), ("alerts", alert)] {
        let mut capture = Capture::new();
        let mut connection = capture.connect(1000, 443);
        connection.ask(&mut capture, &client_hello(b"a.example", b"h2"), 1400);
        connection.ask(&mut capture, &piece.repeat(300_000), 1400);
        let survived = survive(&format!("tls-{name}"), &capture.bytes, &[]);
        assert_eq!(survived.of_type("connection"), 1);
        if name == "alerts" {
            assert_eq!(survived.limit("tls.limit")["evidence_total"], 300_000 - MAX_TLS_ALERTS);
        }
    }
}

#[test]
fn more_certificates_than_are_read() {
    let mut capture = Capture::new();
    let mut connection = capture.connect(1000, 443);
    connection.ask(&mut capture, &client_hello(b"a.example", b"h2"), 1400);
    let list: Vec<Vec<u8>> = (0..40).map(|number| certificate(format!("{number}.example").as_bytes())).collect();
    connection.answer(&mut capture, &[server_hello(), certificates(&list)].concat(), 1400);
    let survived = survive("certificates", &capture.bytes, &[]);
    assert_eq!(survived.of_type("certificate"), MAX_CERTIFICATES);
    survived.limit("tls.limit");
}

#[test]
fn a_dns_message_that_unpacks_to_a_hundred_times_its_size() {
    let label: &[u8] = &[7; 63];
    let name = dns_name(&[label, label, label, &label[..61]]);
    let count = (65_535 - 12 - name.len() - 4) / 14;
    let mut message = dns_header(7, 0x8180, [1, count as u16, 0, 0]);
    message.extend_from_slice(&name);
    message.extend_from_slice(&[0, 16, 0, 1]);
    for _ in 0..count {
        message.extend_from_slice(&[0xc0, 12, 0, 5, 0, 1, 0, 0, 0, 1, 0, 2, 0xc0, 12]);
    }
    let mut capture = Capture::new();
    let mut connection = capture.connect(1000, 53);
    connection.answer(&mut capture, &prefixed(2, &message).repeat(3), 1400);
    let survived = survive("dns-bomb", &capture.bytes, &[]);
    survived.limit("dns.limit");
    assert!(survived.output.len() < 12 * MAX_DNS_MESSAGE_TEXT_BYTES, "three of them, escaped");
    // The same over UDP, where it is smaller, and names that point in circles.
    let mut capture = Capture::new();
    let mut circles = dns_header(7, 0x8180, [0, 0xffff, 0xffff, 0xffff]);
    circles.extend((0..700u16).flat_map(|place| (0xc000 | (12 + 2 * ((place + 1) % 700))).to_be_bytes()));
    for port in 0..300 {
        capture.udp((SERVER, 53), (CLIENT, 2000 + port), &circles);
    }
    survive("dns-circles", &capture.bytes, &[]);
}

#[test]
fn queries_that_nobody_answers() {
    let mut capture = Capture::new();
    for number in 0..20_000u32 {
        let name = dns_name(&[format!("n{number}").as_bytes()]);
        let query = [dns_header(number as u16, 0x100, [1, 0, 0, 0]), name, vec![0, 1, 0, 1]].concat();
        capture.udp((CLIENT, 1000), (SERVER, 53), &query);
    }
    let survived = survive("queries", &capture.bytes, &[]);
    assert_eq!(survived.of_type("dns"), 20_000);
    assert_eq!(survived.limit("dns.limit")["evidence_total"], 20_000 - MAX_DNS_OUTSTANDING);
}

#[test]
fn more_protocol_paths_than_are_counted_do_not_matter() {
    // Stacks of encapsulation headers in every order.
    let mut capture = Capture::new();
    for number in 0..20_000u32 {
        let mut tags = vec![0; 12];
        for bit in 0..14 {
            tags.extend_from_slice(if number >> bit & 1 == 1 { &[0x81, 0, 0, 1] } else { &[0x88, 0xa8, 0, 1] });
        }
        tags.extend_from_slice(&[8, 0]);
        capture.ip(47, (CLIENT, SERVER), 0, 0, &[&[0, 0, 0x65, 0x58][..], &tags].concat());
    }
    survive("paths", &capture.bytes, &[]);
}

#[test]
fn a_small_file_that_unpacks_to_a_big_one() {
    let mut capture = Capture::new();
    capture.connect(1000, 80).ask(&mut capture, &[0; 60_000], 60_000);
    let (header, packets) = capture.bytes.split_at(24);
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(header).unwrap();
    for _ in 0..3000 {
        encoder.write_all(packets).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 2_000_000);
    let survived = survive("bomb.gz", &bomb, &[]);
    assert_eq!(survived.records.last().unwrap()["packets"], 4 * 3000);
}
