//! Caps on TLS and DTLS: one beyond each.
use wireglass::limits::*;

use super::{Survived, survive, wire::*};

/// A handshake whose server sends this behind its hello.
fn server_sends(name: &str, bytes: &[u8]) -> Survived {
    let mut capture = Capture::new();
    let mut connection = capture.connect(1000, 443);
    connection.ask(&mut capture, &client_hello(b"a.example", b"h2"), 1400);
    connection.answer(&mut capture, &[&server_hello(), bytes].concat(), 1400);
    connection.close(&mut capture);
    survive(name, &capture.bytes, &[])
}

/// A message in records of 16 KiB.
fn long_message(kind: u8, length: usize) -> Vec<u8> {
    let message = [&[kind][..], &prefixed(3, &vec![0; length])].concat();
    message.chunks(1 << 14).flat_map(|piece| record(22, piece)).collect()
}

#[test]
fn a_message_that_is_too_long() {
    let survived =
        server_sends("cap-tls-message", &[long_message(11, MAX_HANDSHAKE_MESSAGE_BYTES), handshake(14, &[])].concat());
    assert_eq!(survived.limit("tls.limit")["evidence_total"], 1);
    assert_eq!(survived.of_type("tls"), 1, "the rest is read");
}

#[test]
fn too_many_compressed_certificates() {
    let compressed = handshake(25, &[0, 1, 0, 0, 4, 0, 0, 4, 1, 2, 3, 4]);
    let survived = server_sends("cap-tls-compressed", &compressed.repeat(MAX_COMPRESSED_CERTIFICATES + 2));
    assert_eq!(survived.limit("tls.limit")["evidence_total"], 2);
}

#[test]
fn a_compressed_certificate_that_unpacks_to_too_much() {
    let length = prefixed(3, &[])[..0].len() + MAX_UNPACKED_CERTIFICATE_BYTES + 1;
    let [_, a, b, c] = (length as u32).to_be_bytes();
    let survived = server_sends("cap-tls-bomb", &handshake(25, &[0, 1, a, b, c, 0, 0, 4, 1, 2, 3, 4]));
    assert_eq!(survived.findings("tls.compressed-certificate").len(), 1);
}

#[test]
fn too_many_hellos() {
    let mut capture = Capture::new();
    let mut connection = capture.connect(1000, 443);
    for number in 0..MAX_TLS_HELLOS + 6 {
        connection.ask(&mut capture, &client_hello(format!("h{number}.example").as_bytes(), b"h2"), 1400);
    }
    let survived = survive("cap-tls-hellos", &capture.bytes, &[]);
    let told = |record: &&serde_json::Value| {
        record["title"].as_str().is_some_and(|t| t.contains(&format!("More than {MAX_TLS_HELLOS} TLS hellos")))
    };
    assert_eq!(survived.records.iter().filter(told).count(), 1);
}

#[test]
fn too_many_timestamps() {
    let sct = prefixed(2, &[&[0][..], &[7; 32], &[0; 8], &[0, 0, 4, 3], &prefixed(2, &[9])].concat());
    let list = prefixed(2, &sct.repeat(MAX_SCTS + 3));
    let extensions = [&[0, 18][..], &prefixed(2, &list)].concat();
    let hello = handshake(2, &[&[3, 3][..], &[9; 32], &[0, 0xc0, 0x2f, 0], &prefixed(2, &extensions)].concat());
    let mut capture = Capture::new();
    let mut connection = capture.connect(1000, 443);
    connection.ask(&mut capture, &client_hello(b"a.example", b"h2"), 1400);
    let flight = [hello, certificates(&[certificate(b"a.example")]), handshake(14, &[])].concat();
    connection.answer(&mut capture, &flight, 1400);
    connection.close(&mut capture);
    survive("cap-scts", &capture.bytes, &[]).limit("tls.limit");
}

#[test]
fn a_search_that_finds_no_record() {
    let mut capture = Capture::new();
    let mut connection = capture.connect(1000, 443);
    connection.ask(&mut capture, &client_hello(b"a.example", b"h2"), 1400);
    connection.answer(&mut capture, &server_hello(), 1400);
    // A segment that the capture missed and the server acknowledges.
    connection.ask(&mut Capture::new(), &[0; 1000], 1400);
    for _ in 0..4 {
        connection.answer(&mut capture, &record(21, &[1, 90]), 1400);
    }
    connection.ask(&mut capture, &vec![0xff; MAX_TLS_SEARCH_BYTES + (1 << 19)], 30_000);
    connection.close(&mut capture);
    survive("cap-tls-search", &capture.bytes, &[]).limit("tls.limit");
}

#[test]
fn too_many_phases() {
    let survived = server_sends("cap-tls-phases", &handshake(14, &[]).repeat(MAX_TLS_PHASES + 3));
    let tls = survived.records.iter().find(|record| record["type"] == "tls").unwrap();
    let phases = tls["phases"].as_array().unwrap().len();
    assert!(phases <= MAX_TLS_PHASES, "{phases}");
    if phases == MAX_TLS_PHASES {
        survived.limit("tls.limit");
    }
}

#[test]
fn too_many_names_of_authorities() {
    let names = prefixed(2, &prefixed(2, &[0x30, 0]).repeat(MAX_LISTED_AUTHORITIES + 3));
    let extensions = [&[0, 47][..], &prefixed(2, &names)].concat();
    let body = [&[3, 3][..], &[7; 32], &[0, 0, 2, 0xc0, 0x2f, 1, 0], &prefixed(2, &extensions)].concat();
    let mut capture = Capture::new();
    capture.connect(1000, 443).ask(&mut capture, &handshake(1, &body), 1400);
    let survived = survive("cap-tls-authorities", &capture.bytes, &["--also", "tls_extensions"]);
    let text = String::from_utf8(survived.output).unwrap();
    assert!(text.contains(&format!("\"names_total\":{}", MAX_LISTED_AUTHORITIES + 3)), "{text}");
}

/// A DTLS record with a fragment of a handshake message.
fn fragment(number: u64, kind: u8, sequence: u16, length: usize, offset: usize, bytes: &[u8]) -> Vec<u8> {
    let three = |value: usize| (value as u32).to_be_bytes()[1..].to_vec();
    let message =
        [&[kind][..], &three(length), &sequence.to_be_bytes(), &three(offset), &three(bytes.len()), bytes].concat();
    [&[22, 0xfe, 0xfd][..], &number.to_be_bytes(), &prefixed(2, &message)].concat()
}

fn dtls(name: &str, fragments: impl Iterator<Item = Vec<u8>>) -> Survived {
    let mut capture = Capture::new();
    let body = [&[0xfe, 0xfd][..], &[7; 32], &[0, 0, 0, 2, 0xc0, 0x2f, 1, 0]].concat();
    capture.udp((CLIENT, 4000), (SERVER, 4433), &fragment(0, 1, 0, body.len(), 0, &body));
    fragments.for_each(|fragment| capture.udp((SERVER, 4433), (CLIENT, 4000), &fragment));
    survive(name, &capture.bytes, &[])
}

#[test]
fn too_many_dtls_messages_at_once() {
    let pieces = (0..MAX_DTLS_MESSAGES as u16 + 1).map(|n| fragment(n.into(), 11, n, 100, 0, &[0; 10]));
    assert_eq!(dtls("cap-dtls-messages", pieces).limit("tls.limit")["evidence_total"], 1);
}

#[test]
fn a_dtls_message_that_is_too_long() {
    let piece = fragment(0, 11, 0, MAX_DTLS_MESSAGE_BYTES + 1, 0, &[0; 10]);
    assert_eq!(dtls("cap-dtls-length", [piece].into_iter()).limit("tls.limit")["evidence_total"], 1);
}

#[test]
fn a_dtls_message_in_too_many_pieces() {
    let pieces = (0..MAX_DTLS_RANGES + 2).map(|n| fragment(n as u64, 11, 0, 1000, n * 4, &[0; 2]));
    assert_eq!(dtls("cap-dtls-ranges", pieces).limit("tls.limit")["evidence_total"], 2);
}
