//! Caps on files, headers, fragments and streams: one beyond each, what is told, and that the rest is still read.
use wireglass::limits::*;

use super::{run, scratch, survive, wire::*};

/// A pcapng block.
fn block(kind: u32, body: &[u8]) -> Vec<u8> {
    let length = (body.len().next_multiple_of(4) + 12) as u32;
    let mut block = [&kind.to_le_bytes()[..], &length.to_le_bytes(), body].concat();
    block.resize(length as usize - 4, 0);
    [&block[..], &length.to_le_bytes()].concat()
}

/// The beginning of a pcapng file of raw IP packets.
fn section() -> Vec<u8> {
    [block(0x0a0d_0d0a, &[&[0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0][..], &[255; 8]].concat()), interface()].concat()
}

fn interface() -> Vec<u8> {
    block(1, &[101, 0, 0, 0, 0, 0, 4, 0])
}

/// A packet, with options.
fn enhanced(options: &[u8]) -> Vec<u8> {
    let packet =
        [&[0x45, 0, 0, 28, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2][..], &[0, 9, 0, 9, 0, 8, 0, 0]].concat();
    let head: Vec<u8> =
        [0, 0, 7, packet.len() as u32, packet.len() as u32].iter().flat_map(|w| w.to_le_bytes()).collect();
    block(6, &[&head[..], &packet, options].concat())
}

fn damage(name: &str, bytes: &[u8]) -> (String, u64) {
    // Damage is status 3: the rest was reported all the same.
    let output = run(&[scratch(name, bytes).to_str().unwrap(), "--format", "ndjson"]);
    assert_eq!(output.status.code(), Some(3), "{}", String::from_utf8_lossy(&output.stderr));
    let records = String::from_utf8(output.stdout).unwrap();
    let records = records.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let capture = records.into_iter().find(|record| record["type"] == "capture").unwrap();
    (capture["damage"]["what"].as_str().unwrap_or_default().to_owned(), capture["packets"].as_u64().unwrap())
}

#[test]
fn a_packet_that_is_too_long() {
    let mut capture = Capture::new();
    capture.udp((CLIENT, 9), (SERVER, 9), b"x");
    for word in [0, 0, MAX_PACKET_BYTES as u32 + 1, MAX_PACKET_BYTES as u32 + 1] {
        capture.bytes.extend_from_slice(&word.to_le_bytes());
    }
    let (what, packets) = damage("cap-packet.pcap", &capture.bytes);
    assert!(what.contains(&(MAX_PACKET_BYTES + 1).to_string()), "{what}");
    assert_eq!(packets, 1);
}

#[test]
fn a_block_that_is_too_long() {
    let length = (MAX_BLOCK_BYTES + 4) as u32;
    let bytes = [section(), enhanced(&[]), [6u32.to_le_bytes(), length.to_le_bytes()].concat()].concat();
    let (what, packets) = damage("cap-block.pcapng", &bytes);
    assert!(what.contains(&length.to_string()), "{what}");
    assert_eq!(packets, 1);
}

#[test]
fn too_many_interfaces() {
    let bytes = [section(), interface().repeat(MAX_INTERFACES), enhanced(&[])].concat();
    let (what, packets) = damage("cap-interfaces.pcapng", &bytes);
    assert!(what.contains(&format!("more than {MAX_INTERFACES} interfaces")), "{what}");
    assert_eq!(packets, 1, "the rest is read");
}

#[test]
fn too_many_secrets() {
    let text = vec![b'#'; 15 << 20];
    let body = [&0x544c_534bu32.to_le_bytes()[..], &(text.len() as u32).to_le_bytes(), &text].concat();
    let bytes = [section(), block(10, &body).repeat(MAX_SECRET_BYTES / text.len() + 1), enhanced(&[])].concat();
    let (what, packets) = damage("cap-secrets.pcapng", &bytes);
    assert!(what.contains(&format!("more than {MAX_SECRET_BYTES} bytes of TLS secrets")), "{what}");
    assert_eq!(packets, 1, "the rest is read");
}

#[test]
fn too_many_comments() {
    let comment = [1, 0, 4, 0, b'n', b'o', b't', b'e', 0, 0, 0, 0];
    let bytes = [section(), enhanced(&comment).repeat(MAX_COMMENTS + 5)].concat();
    let survived = survive("cap-comments.pcapng", &bytes, &[]);
    assert_eq!(survived.limit("capture.comment-limit")["evidence_total"], 5);
    assert_eq!(survived.records.last().unwrap()["packets"], MAX_COMMENTS + 5);
}

fn headers_not_followed(name: &str, capture: Capture) {
    let file = scratch(name, &capture.bytes);
    let output = run(&["packets", file.to_str().unwrap(), "--format", "ndjson"]);
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("more headers or tunnels than are followed"), "{text}");
    survive(&format!("{name}.run"), &capture.bytes, &[]);
}

#[test]
fn too_many_headers() {
    let mut capture = Capture::new();
    let frame = [&[0; 12][..], &[0x81, 0, 0, 1].repeat(MAX_LAYERS + 1), &[8, 0]].concat();
    capture.ip(47, (CLIENT, SERVER), 0, 0, &[&[0, 0, 0x65, 0x58][..], &frame].concat());
    headers_not_followed("cap-layers.pcap", capture);
}

#[test]
fn too_many_tunnels() {
    let mut inner = vec![];
    for _ in 0..=MAX_TUNNEL_DEPTH {
        let length = (inner.len() + 20) as u16;
        let head = [&[0x45, 0][..], &length.to_be_bytes(), &[0, 0, 0, 0, 64, 4, 0, 0], &CLIENT, &SERVER].concat();
        inner = [head, inner].concat();
    }
    let mut capture = Capture::new();
    capture.ip(4, (CLIENT, SERVER), 0, 0, &inner);
    headers_not_followed("cap-tunnels.pcap", capture);
}

#[test]
fn too_many_extension_headers() {
    let extensions = [60, 0, 1, 4, 0, 0, 0, 0].repeat(MAX_EXTENSIONS + 1);
    let length = extensions.len() as u16;
    let mut capture = Capture::new();
    let head = [&[0x60, 0, 0, 0][..], &length.to_be_bytes(), &[60, 64], &[0x20; 32]].concat();
    capture.packet(&[head, extensions].concat());
    headers_not_followed("cap-extensions.pcap", capture);
}

#[test]
fn too_many_bytes_of_fragments() {
    let mut capture = Capture::new();
    let piece = [0; 60_000];
    let most = MAX_FRAGMENT_BYTES / piece.len();
    for id in 0..most as u16 + 3 {
        capture.ip(17, (CLIENT, SERVER), id, 0x2000, &piece);
    }
    capture.udp((CLIENT, 9), (SERVER, 9), b"x");
    let survived = survive("cap-fragments.pcap", &capture.bytes, &[]);
    assert_eq!(survived.limit("capture.fragment-limit")["evidence_total"], 3);
    assert_eq!(survived.of_type("udp"), 1, "the rest is read");
}

#[test]
fn too_many_bytes_behind_a_hole() {
    let mut capture = Capture::new();
    let mut connection = capture.connect(1000, 80);
    let piece = [b'x'; 50_000];
    for place in 0..(MAX_OUT_OF_ORDER_BYTES / piece.len() + 2) as u32 {
        connection.ask_at(&mut capture, 10 + place * piece.len() as u32, &piece);
    }
    let mut other = capture.connect(1001, 80);
    other.ask(&mut capture, b"GET / HTTP/1.1\r\n\r\n", 1400);
    let survived = survive("cap-early.pcap", &capture.bytes, &[]);
    assert_eq!(survived.limit("tcp.reassembly-limit")["evidence_total"], 1);
    assert_eq!(survived.of_type("http"), 1, "the rest is read");
}

#[test]
fn bytes_that_no_protocol_wants() {
    let mut capture = Capture::new();
    let mut connection = capture.connect(1000, 7777);
    connection.ask(&mut capture, &[0xf5; MAX_PROBE_BYTES + 1], 1400);
    connection.ask(&mut capture, b"GET / HTTP/1.1\r\n\r\n", 1400);
    let survived = survive("cap-probe.pcap", &capture.bytes, &[]);
    let connection = survived.records.iter().find(|record| record["type"] == "connection").unwrap();
    assert!(connection["application"].is_null());
    assert_eq!(survived.of_type("http"), 0);
}

#[test]
fn more_connections_than_streams_are_numbered() {
    let mut capture = Capture::new();
    for host in 0..MAX_RELATIVE_FLOWS as u32 + 7 {
        let [_, a, b, c] = host.to_be_bytes();
        capture.tcp(([11, a, b, c], 1024), (SERVER, 80), (host, 0), SYN, &[]);
    }
    let file = scratch("cap-streams.pcap", &capture.bytes);
    let output = run(&["packets", file.to_str().unwrap(), "-Y", "tcp.stream == 7", "--format", "ndjson"]);
    let errors = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 1, "{errors}");
    assert!(errors.contains(" 7 "), "{errors}");
}
