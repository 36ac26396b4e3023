//! The byte ranges of `wireglass packets -V`: of what sessions say they lie in the packet, apart from each other, and where the
//! bytes are that the fields were read from.
//!
//! Over all fixtures, and over the corpus where `WIREGLASS_CORPUS` names it.
use std::{
    collections::BTreeMap,
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    sync::{Arc, atomic::AtomicBool},
};

use wireglass::{
    capture, engine, flow,
    record::{Packet, PacketLayer, Value},
};

/// How often each thing was looked at.
type Counts = BTreeMap<String, usize>;

/// What hands on bytes that are not in the packet as its readers see them.
const AROUND: [&str; 6] = ["tls", "dtls", "quic", "openvpn", "sctp", "ssh"];

const FILE_LIMIT_BYTES: u64 = 48 << 20;

fn packets(path: &Path, show: &mut dyn FnMut(&Packet, &[u8])) {
    let Ok(source) = capture::open(path, 0) else { return };
    let settings = engine::Settings {
        flow: flow::Settings::default(),
        threads: 1,
        filter: None,
        max_packets: None,
        stop: Arc::new(AtomicBool::new(false)),
        files: Vec::new(),
        trust: None,
        given: engine::Given::default(),
        save: None,
        asking: None,
    };
    engine::packets(source, settings, None, &mut |packet, bytes, _| {
        show(packet, bytes);
        Ok(())
    })
    .unwrap();
}

fn field<'p>(own: &'p PacketLayer, name: &str) -> Option<&'p Value> {
    own.layer.fields.iter().find(|(of, _)| *of == name).map(|(_, value)| value)
}

fn number(own: &PacketLayer, name: &str) -> Option<u64> {
    match field(own, name) {
        Some(Value::Number(number)) => Some(*number),
        _ => None,
    }
}

fn big_endian(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte))
}

/// Its bytes are those of the reassembled datagram, which are not shown here.
fn is_of_datagram(packet: &Packet) -> bool {
    let is_fragment = |own: &PacketLayer| {
        number(own, "ip.frag_offset").is_some_and(|offset| offset > 0)
            || own.layer.fields.iter().any(|(name, _)| name.starts_with("ipv6.fraghdr"))
    };
    packet.layers.iter().any(is_fragment)
}

macro_rules! ensure {
    ($holds:expr, $($words:tt)*) => {
        if !$holds {
            return Err(format!($($words)*));
        }
    };
}

fn same<T: PartialEq>(one: T, other: T) -> bool {
    one == other
}

fn look_at(packet: &Packet, bytes: &[u8], at: &str, counts: &mut Counts) -> Result<(), String> {
    let mut count = |what: String| *counts.entry(what).or_default() += 1;
    if is_of_datagram(packet) {
        return Ok(());
    }
    let Some(transport) = packet.layers.iter().rposition(|own| matches!(own.layer.protocol, "tcp" | "udp")) else {
        return Ok(());
    };
    let payload = packet.layers[transport].layer.offset + packet.layers[transport].layer.length;
    let told: Vec<&PacketLayer> = packet.layers.iter().skip(transport + 1).collect();
    for (place, own) in told.iter().enumerate() {
        let layer = &own.layer;
        let (start, end) = (layer.offset, layer.offset + layer.length);
        let at = format!("{at} packet {}: {} {start}..{end}", packet.number, layer.protocol);
        ensure!(end <= bytes.len(), "{at} of {}", bytes.len());
        ensure!(start >= payload, "{at} begins before the payload at {payload}");
        let is_pieced = !own.reassembled_from.is_empty();
        if is_pieced {
            ensure!(own.reassembled_from.len() <= 32 && own.reassembled_from.is_sorted_by(|a, b| a != b), "{at}");
            ensure!(own.reassembled_from.iter().all(|number| *number <= packet.number), "{at}");
            count(format!("{} reassembled", layer.protocol));
        }
        let is_inner =
            told.iter().any(|other| other.layer.protocol != layer.protocol && AROUND.contains(&other.layer.protocol));
        if is_inner {
            continue;
        }
        for other in told[..place].iter().filter(|other| other.layer.protocol == layer.protocol) {
            let (other_start, other_end) = (other.layer.offset, other.layer.offset + other.layer.length);
            let apart = other_end <= start || end <= other_start;
            ensure!(apart || (is_pieced && !other.reassembled_from.is_empty()), "{at} and {other_start}..{other_end}");
            count(format!("{} beside another", layer.protocol));
        }
        if is_pieced {
            continue;
        }
        let here = &bytes[start..end];
        match layer.protocol {
            "tls" => {
                let Some(length) = number(own, "tls.record.length") else { continue };
                let kind = number(own, "tls.record.content_type").or_else(|| number(own, "tls.record.opaque_type"));
                // A hello of SSL 2 has no record.
                let Some(kind) = kind else { continue };
                ensure!(same(big_endian(&here[3..5]), length), "{at}");
                ensure!(same(Some(big_endian(&here[1..3])), number(own, "tls.record.version")), "{at}");
                // The type inside a record that was opened is not the one outside.
                ensure!(big_endian(&here[..1]) == kind || here[0] == 23, "{at}");
                ensure!(same(here.len() as u64, length + 5), "{at}");
                count("tls header".to_owned());
            }
            "dtls" => count("dtls record".to_owned()),
            "dns" | "mdns" | "llmnr" => {
                let Some(id) = number(own, "dns.id") else { continue };
                ensure!(same(big_endian(&here[..2]), id), "{at}");
                count(format!("{} id", if packet.protocols.contains("tcp:dns") { "tcp dns" } else { "udp dns" }));
            }
            "http" => {
                let begins = match field(own, "http.request.method") {
                    Some(Value::Text(method)) => method.clone(),
                    _ => "HTTP/".to_owned(),
                };
                ensure!(here.starts_with(begins.as_bytes()), "{at} begins with {begins}");
                count("http line".to_owned());
            }
            "http2" => match (number(own, "http2.length"), number(own, "http2.type")) {
                (Some(length), Some(kind)) => {
                    ensure!(same((big_endian(&here[..3]), big_endian(&here[3..4])), (length, kind)), "{at}");
                    ensure!(same(here.len() as u64, length + 9), "{at}");
                    count("http2 head".to_owned());
                }
                _ => ensure!(here.starts_with(b"PRI * HTTP/2.0\r\n"), "{at}"),
            },
            "quic" => {
                if let Some(version) = number(own, "quic.version") {
                    ensure!(here[0] & 0x80 != 0, "{at}");
                    ensure!(same(big_endian(&here[1..5]), version), "{at}");
                    count("quic long header".to_owned());
                }
            }
            "websocket" => {
                if let Some(opcode) = number(own, "websocket.opcode") {
                    ensure!(same(u64::from(here[0] & 15), opcode), "{at}");
                    count("websocket head".to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(())
}

fn files_below(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, found);
        } else if path.extension().is_none_or(|extension| extension != "keylog") {
            found.push(path);
        }
    }
}

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let mut found = Vec::new();
    for folder in fs::read_dir(root).unwrap() {
        let folder = folder.unwrap().path();
        found.extend(
            ["capture.pcap", "capture.pcapng"].map(|name| folder.join(name)).into_iter().filter(|path| path.is_file()),
        );
    }
    found.sort();
    found
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name).join("capture.pcap")
}

#[test]
fn messages_of_the_fixtures_lie_where_their_bytes_are() {
    let (mut counts, mut wrong) = (Counts::new(), Vec::new());
    for path in fixtures() {
        packets(&path, &mut |packet, bytes| {
            wrong.extend(look_at(packet, bytes, &path.display().to_string(), &mut counts).err());
        });
    }
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(90)]);
    let looked_at = [
        "tls header",
        "tls beside another",
        "tls reassembled",
        "dtls record",
        "tcp dns id",
        "udp dns id",
        "http line",
        "http beside another",
        "http2 head",
        "http2 beside another",
        "http2 reassembled",
        "quic long header",
        "quic beside another",
        "websocket head",
    ];
    for what in looked_at {
        assert!(counts.get(what).is_some_and(|count| *count > 0), "nothing was looked at: {what} in {counts:?}");
    }
}

#[test]
fn messages_of_the_corpus_lie_where_their_bytes_are() {
    let Some(corpus) = std::env::var_os("WIREGLASS_CORPUS").map(PathBuf::from) else {
        let _ = writeln!(std::io::stderr().lock(), "\n!!! SKIPPED: WIREGLASS_CORPUS names no corpus\n");
        return;
    };
    let mut found = Vec::new();
    files_below(&corpus.join("pcaps"), &mut found);
    found.retain(|path| fs::metadata(path).unwrap().len() <= FILE_LIMIT_BYTES);
    let (mut counts, mut wrong) = (Counts::new(), Vec::new());
    for path in &found {
        packets(path, &mut |packet, bytes| {
            wrong.extend(look_at(packet, bytes, &path.display().to_string(), &mut counts).err());
        });
    }
    assert!(wrong.is_empty(), "{} wrong: {:#?}", wrong.len(), &wrong[..wrong.len().min(90)]);
    let _ = writeln!(std::io::stderr().lock(), "{} captures: {counts:#?}", found.len());
    assert!(counts.get("tls header").is_some_and(|count| *count > 1_000), "{counts:?}");
}

#[test]
fn pipelined_requests_have_places_of_their_own() {
    let mut most = 0;
    packets(&fixture("http1_pipelining"), &mut |packet, bytes| {
        let requests = packet.layers.iter().filter(|own| field(own, "http.request.method").is_some());
        let places: Vec<&[u8]> =
            requests.map(|own| &bytes[own.layer.offset..own.layer.offset + own.layer.length]).collect();
        assert!(places.iter().all(|head| head.ends_with(b"\r\n\r\n")), "packet {}", packet.number);
        most = most.max(places.len());
    });
    assert!(most > 1);
}

#[test]
fn a_message_in_pieces_names_its_packets() {
    // The server sends its records in segments of a few bytes.
    let mut longest = Vec::new();
    packets(&fixture("tls13_split_records"), &mut |packet, _| {
        for own in packet.layers.iter().filter(|own| !own.reassembled_from.is_empty()) {
            assert_eq!(own.reassembled_from.last(), Some(&packet.number));
            if own.reassembled_from.len() > longest.len() {
                longest.clone_from(&own.reassembled_from);
            }
        }
    });
    assert!(longest.len() > 1);
}
