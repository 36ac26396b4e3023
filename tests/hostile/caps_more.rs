//! Caps on statistics, filters, written objects and what compares several flows: one beyond each.
use std::io::Write;

use serde_json::Value;
use wireglass::limits::*;

use super::{run, scratch, survive, wire::*};

fn statistics(name: &str, capture: &Capture, more: &[&str]) -> Vec<Value> {
    let file = scratch(name, &capture.bytes);
    let output = run(&[&["statistics", file.to_str().unwrap(), "--format", "ndjson"][..], more].concat());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn too_many_conversations_and_senders() {
    let mut capture = Capture::new();
    let count = MAX_STATISTICS_CONVERSATIONS as u32 + 10;
    assert!(count as usize > MAX_STATISTICS_HOPS);
    for host in 0..count {
        let [_, a, b, c] = host.to_be_bytes();
        capture.udp(([11, a, b, c], 9), (SERVER, 9), b"x");
    }
    let records = statistics("cap-statistics.pcap", &capture, &[]);
    let told = records.iter().find(|record| record["code"] == "capture.statistics-limit").unwrap();
    // Conversations of IPv4 and of UDP, and pairs of sender and hop limit.
    let beyond = 2 * 10 + (count as usize - MAX_STATISTICS_HOPS) as u64;
    assert!(told["evidence_total"].as_u64().unwrap() >= beyond, "{told}");
}

#[test]
fn a_pattern_that_grows_too_large() {
    let file = scratch("cap-pattern.pcap", &Capture::new().bytes);
    let pattern = "http.host matches \"((a{100}){100}){100}\"";
    let output = run(&["packets", file.to_str().unwrap(), "-Y", pattern]);
    assert_eq!(output.status.code(), Some(4));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.contains("too large"), "more than MAX_PATTERN_BYTES: {message}");
}

#[test]
fn an_object_that_unpacks_to_too_much() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(&vec![0; FREE_OBJECT_BYTES as usize * 2]).unwrap();
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() as u64 * MAX_OBJECT_RATIO < FREE_OBJECT_BYTES * 2);
    let mut capture = Capture::new();
    let mut web = capture.connect(1000, 80);
    web.ask(&mut capture, b"GET /bomb HTTP/1.1\r\nHost: a\r\n\r\n", 1400);
    let head = format!("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n", bomb.len());
    web.answer(&mut capture, &[head.as_bytes(), &bomb].concat(), 1400);
    web.close(&mut capture);
    let folder = scratch("cap-objects", b"").with_file_name("cap-objects-out");
    let _ = std::fs::remove_dir_all(&folder);
    let survived = survive("cap-bomb", &capture.bytes, &["--export-objects", folder.to_str().unwrap()]);
    assert_eq!(survived.findings("http.decompression-bomb").len(), 1);
    let written = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len()).max();
    assert!(written.unwrap() <= FREE_OBJECT_BYTES, "{written:?}");
}

#[test]
fn too_many_routers_are_not_compared() {
    let mut capture = Capture::new();
    for router in 0..MAX_COMPARED_ROUTERS as u32 + 5 {
        let [_, _, a, b] = router.to_be_bytes();
        let body = [255, 255, 255, 0, 0, 10, 2, 1, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 0];
        let head = [2, 1, 0, 44, 1, 1, a, b, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        capture.ip(89, ([10, 9, a, b], [224, 0, 0, 5]), 0, 0, &[&head[..], &body].concat());
    }
    let survived = survive("cap-routers", &capture.bytes, &[]);
    assert_eq!(survived.limit("ip.limit")["evidence_total"], 5);
    assert_eq!(survived.of_type("application"), MAX_COMPARED_ROUTERS + 5, "all are reported");
}

#[test]
fn too_many_ports_of_one_kind_of_error() {
    let mut capture = Capture::new();
    for port in 0..MAX_CLAIMS as u16 + 4 {
        let head = [&[0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0][..], &CLIENT, &SERVER].concat();
        let quoted = [head, [4000u16, 5000 + port, 8, 0].map(u16::to_be_bytes).concat()].concat();
        capture.ip(1, (SERVER, CLIENT), 0, 0, &[&[3, 3, 0, 0, 0, 0, 0, 0][..], &quoted].concat());
    }
    let survived = survive("cap-claims", &capture.bytes, &[]);
    let text = String::from_utf8(survived.output).unwrap();
    assert!(text.contains("many ports"), "{text}");
}

#[test]
fn too_many_prefixes_of_a_router() {
    let prefix = [&[3, 4, 64, 0xc0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8][..], &[0; 12]].concat();
    let body =
        [&[134, 0, 0, 0, 64, 0, 7, 8, 0, 0, 0, 0, 0, 0, 0, 0][..], &prefix.repeat(MAX_LISTED_IN_ADVERTISEMENT + 3)]
            .concat();
    let link_local = |last: u8| [&[0xfe, 0x80][..], &[0; 13], &[last]].concat();
    let all_nodes = [&[0xff, 2][..], &[0; 13], &[1]].concat();
    let head =
        [&[0x60, 0, 0, 0][..], &(body.len() as u16).to_be_bytes(), &[58, 255], &link_local(1), &all_nodes].concat();
    let mut capture = Capture::new();
    capture.packet(&[head, body].concat());
    let survived = survive("cap-prefixes", &capture.bytes, &[]);
    let record = survived.records.iter().find(|record| record["type"] == "neighbor").unwrap();
    let listed = record.to_string().matches("2001:db8::").count();
    assert_eq!(listed, MAX_LISTED_IN_ADVERTISEMENT, "{record}");
}
