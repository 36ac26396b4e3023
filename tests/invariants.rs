//! What must not change the answers: the number of workers, how the file arrives, what else is in it; and that every
//! prefix of every fixture gives a report.
use std::{
    collections::BTreeMap,
    fs,
    io::{Read, Write},
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::OnceLock,
    thread,
};

use serde_json::Value;

const NDJSON: &[&str] = &["--format", "ndjson", "--also", "dns_messages,tls_records"];

fn fixtures() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let folders = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path());
    let mut found: Vec<PathBuf> =
        folders.map(|folder| folder.join("capture.pcap")).filter(|path| path.is_file()).collect();
    found.sort();
    assert!(found.len() >= 50, "{}", found.len());
    found
}

fn run(arguments: &[&str], input: Option<&[u8]>) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_wireglass"))
        .args(arguments)
        .stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() })
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let writing = input.map(|bytes| {
        let (mut pipe, bytes) = (child.stdin.take().unwrap(), bytes.to_vec());
        // Odd pieces, so that records are cut everywhere.
        let size = if bytes.len() % 2 == 0 { 1009 } else { 60_013 };
        thread::spawn(move || bytes.chunks(size).all(|piece| pipe.write_all(piece).is_ok()))
    });
    let output = child.wait_with_output().unwrap();
    if let Some(writing) = writing {
        writing.join().unwrap();
    }
    output
}

fn ndjson(file: &Path, more: &[&str]) -> String {
    let output = run(&[&[file.to_str().unwrap()], NDJSON, more].concat(), None);
    assert!(output.status.success(), "{}: {}", file.display(), String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// The records without those that describe the file itself, and without the file's name.
fn records(ndjson: &str) -> Vec<Value> {
    let all = ndjson.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|record| !matches!(record["type"].as_str(), Some("report" | "capture"))).collect()
}

fn hierarchy(ndjson: &str) -> Value {
    serde_json::from_str::<Value>(ndjson.lines().last().unwrap()).unwrap()["protocols"].take()
}

fn scratch(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// All fixtures in one capture, one after the other: many flows, many protocols, timestamps that jump.
fn everything() -> PathBuf {
    // Written once: the tests run side by side.
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(write_everything).clone()
}

fn write_everything() -> PathBuf {
    let path = scratch("everything").join("everything.pcap");
    let mut out = Vec::new();
    for file in fixtures() {
        let bytes = fs::read(file).unwrap();
        // Microseconds, little-endian, Ethernet: all but a few of them.
        if bytes[..4] == [0xd4, 0xc3, 0xb2, 0xa1] && bytes[20..24] == [1, 0, 0, 0] {
            if out.is_empty() {
                out.extend_from_slice(&bytes[..24]);
                out[16..20].copy_from_slice(&262_144u32.to_le_bytes());
            }
            out.extend_from_slice(&bytes[24..]);
        }
    }
    assert!(out.len() > 1_000_000, "{}", out.len());
    fs::write(&path, out).unwrap();
    path
}

#[test]
fn any_number_of_workers_gives_the_same_bytes() {
    let file = everything();
    for format in ["ndjson", "json", "table", "markdown"] {
        let output =
            |threads: &str| run(&[file.to_str().unwrap(), "--format", format, "--threads", threads], None).stdout;
        let one = output("1");
        assert!(one.len() > 1000);
        for threads in ["2", "3", "8", "64", "1000"] {
            assert!(output(threads) == one, "{format} differs with {threads} workers");
        }
    }
}

#[test]
fn a_cap_on_flows_evicts_the_same_ones_for_any_number_of_workers() {
    let file = everything();
    let output = |threads: &str| ndjson(&file, &["--threads", threads, "--max-flows", "64"]);
    let one = output("1");
    assert_ne!(one, ndjson(&file, &[]), "the cap is not reached, nothing is tested");
    for threads in ["2", "3", "8"] {
        assert!(output(threads) == one, "differs with {threads} workers");
    }
}

#[test]
fn compression_and_pipes_change_nothing() {
    let file = everything();
    let folder = scratch("carriers");
    let plain = fs::read(&file).unwrap();
    let expected = ndjson(&file, &[]);
    let mut encoder = flate2::read::GzEncoder::new(plain.as_slice(), flate2::Compression::fast());
    let mut gz = Vec::new();
    encoder.read_to_end(&mut gz).unwrap();
    let mut lz4 = lz4_flex::frame::FrameEncoder::new(Vec::new());
    lz4.write_all(&plain).unwrap();
    let mut carriers = BTreeMap::from([("gz", gz), ("lz4", lz4.finish().unwrap()), ("pcapng", pcapng(&plain))]);
    #[cfg(feature = "zstd")]
    carriers.insert("zst", zstd::encode_all(plain.as_slice(), 1).unwrap());
    carriers.insert("pcap", plain);
    for (name, bytes) in &carriers {
        // Content decides, not the name.
        let path = folder.join(format!("capture-{name}"));
        fs::write(&path, bytes).unwrap();
        let from_file = ndjson(&path, &[]);
        assert_eq!(records(&from_file), records(&expected), "{name}");
        assert_eq!(hierarchy(&from_file), hierarchy(&expected), "{name}");
        let piped = run(&[&["-"], NDJSON].concat(), Some(bytes));
        assert!(piped.status.success());
        assert_eq!(records(&String::from_utf8(piped.stdout).unwrap()), records(&expected), "{name} through a pipe");
    }
}

/// The same packets as pcapng, each with nanoseconds.
fn pcapng(pcap: &[u8]) -> Vec<u8> {
    fn block(kind: u32, body: &[u8]) -> Vec<u8> {
        let padded = body.len().next_multiple_of(4);
        let total = u32::try_from(padded + 12).unwrap().to_le_bytes();
        let mut out = [kind.to_le_bytes(), total].concat();
        out.extend_from_slice(body);
        out.resize(8 + padded, 0);
        out.extend_from_slice(&total);
        out
    }
    let word = |bytes: &[u8]| u32::from_le_bytes(bytes[..4].try_into().unwrap());
    let mut out = block(0x0a0d_0d0a, &[&0x1a2b_3c4du32.to_le_bytes()[..], &[1, 0, 0, 0], &[0xff; 8]].concat());
    // if_tsresol = 9: nanoseconds.
    out.extend(block(1, &[&[1, 0, 0, 0, 0, 0, 4, 0][..], &[9, 0, 1, 0, 9, 0, 0, 0, 0, 0, 0, 0]].concat()));
    let mut rest = &pcap[24..];
    while rest.len() >= 16 {
        let (seconds, micros, captured, wire) = (word(rest), word(&rest[4..]), word(&rest[8..]), word(&rest[12..]));
        let time = u64::from(seconds) * 1_000_000_000 + u64::from(micros) * 1000;
        let bytes = &rest[16..16 + captured as usize];
        let head = [0, (time >> 32) as u32, time as u32, captured, wire].map(u32::to_le_bytes).concat();
        out.extend(block(6, &[&head, bytes].concat()));
        rest = &rest[16 + captured as usize..];
    }
    out
}

#[test]
fn shifting_time_shifts_the_report() {
    let file = scratch("shifted").join("shifted.pcap");
    for fixture in fixtures().into_iter().step_by(5) {
        let mut bytes = fs::read(&fixture).unwrap();
        if bytes[..4] != [0xd4, 0xc3, 0xb2, 0xa1] {
            continue;
        }
        let mut at = 24;
        while at + 16 <= bytes.len() {
            let seconds = u32::from_le_bytes(bytes[at..at + 4].try_into().unwrap()) - 1_000_000;
            bytes[at..at + 4].copy_from_slice(&seconds.to_le_bytes());
            at += 16 + u32::from_le_bytes(bytes[at + 8..at + 12].try_into().unwrap()) as usize;
        }
        fs::write(&file, &bytes).unwrap();
        assert_eq!(
            without_moments(&ndjson(&file, &[])),
            without_moments(&ndjson(&fixture, &[])),
            "{}",
            fixture.display()
        );
    }
}

/// Records with every moment taken out; what is judged against the calendar (certificates) is left out.
fn without_moments(ndjson: &str) -> Vec<Value> {
    fn clear(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| name != "ts" && !name.ends_with("_ts") && !name.ends_with("verification"));
                fields.values_mut().for_each(clear);
            }
            Value::Array(items) => items.iter_mut().for_each(clear),
            _ => {}
        }
    }
    let mut all = records(ndjson);
    all.retain(|record| {
        !record["code"].as_str().is_some_and(|code| {
            code.starts_with("tls.certificate")
                || ["tls.unknown-ca", "tls.client-certificate", "tls.staple-invalid"].contains(&code)
        })
    });
    all.iter_mut().for_each(clear);
    all
}

/// The packets of a capture with microseconds, little-endian: header (16 bytes) and bytes together.
fn packets(pcap: &[u8]) -> Vec<&[u8]> {
    let (mut found, mut rest) = (Vec::new(), &pcap[24..]);
    while rest.len() >= 16 {
        let length = u32::from_le_bytes(rest[8..12].try_into().unwrap()) as usize;
        let (packet, more) = rest.split_at(16 + length);
        found.push(packet);
        rest = more;
    }
    found
}

/// An Ethernet packet with a whole IPv4 TCP segment that holds data: where the TCP header and the data start.
fn tcp_data(packet: &[u8]) -> Option<(usize, usize)> {
    let frame = packet.get(16..)?;
    if frame.get(12..14)? != [8, 0] || *frame.get(23)? != 6 || u16::from_be_bytes([frame[20], frame[21]]) & 0x3fff != 0
    {
        return None;
    }
    let header = 14 + usize::from(frame[14] & 15) * 4;
    let data = header + usize::from(*frame.get(header + 12)? >> 4) * 4;
    let end = 14 + usize::from(u16::from_be_bytes([frame[16], frame[17]]));
    // SYN, FIN and RST stay as they are, and so does the trailer of short frames.
    (end == frame.len() && data < end && frame[header + 13] & 7 == 0).then_some((header + 16, data + 16))
}

/// The same segment with only the bytes `from..to` of its data.
fn part(packet: &[u8], from: usize, to: usize) -> Vec<u8> {
    let (header, data) = tcp_data(packet).unwrap();
    let mut out = [&packet[..data], &packet[data + from..data + to]].concat();
    let length = (out.len() - 16) as u32;
    out[8..12].copy_from_slice(&length.to_le_bytes());
    out[12..16].copy_from_slice(&length.to_le_bytes());
    out[32..34].copy_from_slice(&(length as u16 - 14).to_be_bytes());
    let sequence = u32::from_be_bytes(out[header + 4..header + 8].try_into().unwrap()).wrapping_add(from as u32);
    out[header + 4..header + 8].copy_from_slice(&sequence.to_be_bytes());
    out
}

/// What was said, without packets and moments: what must not change when the same bytes travel in other segments.
fn said(ndjson: &str) -> Vec<Value> {
    fn clear(value: &mut Value) {
        match value {
            Value::Object(fields) => {
                fields.retain(|name, _| {
                    !matches!(name.as_str(), "ts" | "at" | "packet" | "flow" | "waiting_for")
                        && !name.starts_with("evidence")
                        && !name.ends_with("_ns")
                });
                fields.values_mut().for_each(clear);
            }
            Value::Array(items) => items.iter_mut().for_each(clear),
            _ => {}
        }
    }
    let mut all = records(ndjson);
    all.retain(|record| ["dns", "http", "tls", "certificate"].iter().any(|name| record["type"] == *name));
    all.iter_mut().for_each(clear);
    // Transactions side by side may end in another order.
    all.sort_by_cached_key(Value::to_string);
    all
}

#[test]
fn other_segments_say_the_same() {
    let file = scratch("segments").join("segments.pcap");
    let (mut compared, mut cut) = (0, 0);
    for fixture in fixtures() {
        let bytes = fs::read(&fixture).unwrap();
        let usual = bytes[..4] == [0xd4, 0xc3, 0xb2, 0xa1] && bytes[20..24] == [1, 0, 0, 0];
        let expected = said(&ndjson(&fixture, &[]));
        if !usual || expected.is_empty() {
            continue;
        }
        let original = packets(&bytes);
        type Change = fn(&[u8], usize) -> Vec<Vec<u8>>;
        let whole = |packet: &[u8]| part(packet, 0, packet.len() - tcp_data(packet).unwrap().1);
        assert!(original.iter().filter(|packet| tcp_data(packet).is_some()).all(|packet| whole(packet) == *packet));
        let changes: [(&str, Change); 5] = [
            ("halves", |packet, length| vec![part(packet, 0, length / 2), part(packet, length / 2, length)]),
            ("halves swapped", |packet, length| vec![part(packet, length / 2, length), part(packet, 0, length / 2)]),
            ("duplicated", |packet, length| vec![part(packet, 0, length), part(packet, 0, length)]),
            ("one byte first", |packet, length| vec![part(packet, 0, 1), part(packet, 1, length)]),
            ("overlapping thirds, last first", |packet, length| {
                let third = length / 3;
                vec![part(packet, third, length), part(packet, 0, length - third), part(packet, third, length - third)]
            }),
        ];
        for (name, change) in changes {
            let mut out = bytes[..24].to_vec();
            out[16..20].copy_from_slice(&262_144u32.to_le_bytes());
            for packet in &original {
                match tcp_data(packet) {
                    Some((_, data)) if packet.len() - data >= 3 => {
                        cut += 1;
                        change(packet, packet.len() - data).iter().for_each(|packet| out.extend_from_slice(packet));
                    }
                    _ => out.extend_from_slice(packet),
                }
            }
            fs::write(&file, out).unwrap();
            let changed = said(&ndjson(&file, &[]));
            for (one, other) in expected.iter().zip(&changed) {
                assert_eq!(other, one, "{}: {name}", fixture.display());
            }
            assert_eq!(changed.len(), expected.len(), "{}: {name}", fixture.display());
        }
        compared += expected.len();
    }
    assert!(compared > 100 && cut > 1000, "{compared} records, {cut} segments");
}

#[test]
fn unrelated_flows_change_no_flow() {
    // The fixtures' flows keep their records inside a capture of everything, packet numbers aside.
    let whole = records(&ndjson(&everything(), &["--only", "connections"]));
    let alone =
        records(&ndjson(&fixtures()[0].with_file_name("../http1_pipelining/capture.pcap"), &["--only", "connections"]));
    assert!(!alone.is_empty());
    // Later packets of others let time pass, and time ends TIME-WAIT.
    let side = |connection: &Value, name: &str| {
        let mut side = connection[name].clone();
        side["final_state"].take();
        side
    };
    for connection in alone {
        let same = |other: &&Value| {
            ["community_id", "start_ts", "end_ts", "application"].iter().all(|key| other[*key] == connection[*key])
                && side(other, "client") == side(&connection, "client")
                && side(other, "server") == side(&connection, "server")
                && other["close"] == connection["close"]
                && other["zeek"] == connection["zeek"]
        };
        assert_eq!(whole.iter().filter(same).count(), 1, "{connection}");
    }
}

#[test]
fn every_prefix_gives_a_report_and_tells_of_the_damage() {
    let file = scratch("prefixes").join("prefix.pcap");
    for fixture in fixtures() {
        let bytes = fs::read(&fixture).unwrap();
        // Every cut near the ends, and some between.
        let step = (bytes.len() / 12).max(1);
        let cuts = (0..48.min(bytes.len())).step_by(7).chain((48..bytes.len()).step_by(step)).chain([bytes.len() - 1]);
        for cut in cuts {
            fs::write(&file, &bytes[..cut]).unwrap();
            let output = run(&[file.to_str().unwrap(), "--format", "ndjson"], None);
            let stderr = String::from_utf8_lossy(&output.stderr);
            let place = format!("{} cut at {cut}: {stderr}", fixture.display());
            assert!(matches!(output.status.code(), Some(0 | 3)), "{:?} {place}", output.status);
            assert!(!stderr.contains("panicked"), "{place}");
            let last: Value =
                serde_json::from_slice(output.stdout.trim_ascii().rsplit(|b| *b == b'\n').next().unwrap())
                    .unwrap_or_else(|error| panic!("{error}: {place}"));
            assert_eq!(last["type"], "capture", "{place}");
            assert_eq!(last["damage"].is_null(), output.status.code() == Some(0), "{place}");
        }
    }
}
