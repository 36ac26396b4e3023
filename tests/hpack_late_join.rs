//! HTTP/2 captures that begin late: cut at every frame boundary, each name and value of a header that entered the table
//! behind the cut is decoded, each that entered it before is null, and none is ever wrong.
//!
//! What can be known is computed here from the frames of the whole connection, with a table of its own (RFC 7541 2.3, 4)
//! that holds for each entry when its name and when its value was last spelled out.
#![allow(missing_docs)]
use std::{
    collections::{BTreeMap, VecDeque},
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// Bytes of one side in order, with the place of each run in the capture.
#[derive(Default)]
struct Stream {
    bytes: Vec<u8>,
    /// For each run of new bytes: the packet that completed all up to its end, and where it ends.
    ends: Vec<(usize, usize)>,
    first: u32,
    /// Where they begin, their packet, their bytes.
    segments: Vec<(usize, usize, Vec<u8>)>,
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}

/// Both streams of a capture's first connection, over IPv4: the caller's first.
fn streams(path: &Path) -> [Stream; 2] {
    let file = fs::read(path).unwrap();
    assert_eq!(file[..4], [0xd4, 0xc3, 0xb2, 0xa1], "a pcap in little-endian order");
    let (mut at, mut number) = (24, 0);
    let mut streams = [Stream::default(), Stream::default()];
    let mut caller = None;
    while at + 16 <= file.len() {
        let length = u32::from_le_bytes(file[at + 8..at + 12].try_into().unwrap()) as usize;
        let packet = &file[at + 16..at + 16 + length];
        (at, number) = (at + 16 + length, number + 1);
        if half(packet, 12) != 0x0800 || packet[23] != 6 {
            continue;
        }
        let ip = &packet[14..14 + usize::from(half(packet, 16))];
        let tcp = &ip[usize::from(ip[0] & 15) * 4..];
        let port = half(tcp, 0);
        let caller = *caller.get_or_insert(port);
        if port != caller && half(tcp, 2) != caller {
            continue;
        }
        let stream = &mut streams[usize::from(port != caller)];
        let (sequence, data) = (word(tcp, 4), &tcp[usize::from(tcp[12] >> 4) * 4..]);
        if tcp[13] & 2 != 0 {
            stream.first = sequence.wrapping_add(1);
        } else if !data.is_empty() {
            stream.segments.push((sequence.wrapping_sub(stream.first) as usize, number, data.to_vec()));
        }
    }
    for stream in &mut streams {
        stream.segments.sort();
        let mut latest = 0;
        for (offset, number, data) in std::mem::take(&mut stream.segments) {
            assert!(offset <= stream.bytes.len(), "a hole in {}", path.display());
            latest = latest.max(number);
            if let Some(new) = data.get(stream.bytes.len() - offset..).filter(|new| !new.is_empty()) {
                stream.bytes.extend_from_slice(new);
                stream.ends.push((latest, stream.bytes.len()));
            }
        }
    }
    streams
}

/// A frame, or the preface (then without a type).
#[derive(Clone, Debug)]
struct Frame {
    side: usize,
    /// Where it begins in its side's stream.
    offset: usize,
    bytes: Vec<u8>,
}

/// The frames of both sides in the order in which they were whole.
fn frames(streams: &[Stream; 2]) -> Vec<Frame> {
    let mut all = Vec::new();
    for (side, stream) in streams.iter().enumerate() {
        let mut offset = 0;
        while offset < stream.bytes.len() {
            let rest = &stream.bytes[offset..];
            let length = if rest.starts_with(b"PRI * HTTP/2.0") {
                24
            } else {
                9 + (usize::from(rest[0]) << 16 | usize::from(half(rest, 1)))
            };
            let Some(bytes) = rest.get(..length) else { break };
            let packet = stream.ends.iter().find(|(_, end)| *end >= offset + length).unwrap().0;
            all.push((packet, Frame { side, offset, bytes: bytes.to_vec() }));
            offset += length;
        }
    }
    all.sort_by_key(|(packet, frame)| (*packet, frame.side, frame.offset));
    all.into_iter().map(|(_, frame)| frame).collect()
}

/// A capture of these frames alone, each in a packet of its own, without a handshake.
fn capture(frames: &[Frame]) -> Vec<u8> {
    let mut file = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 101, 0, 0, 0];
    let mut sent = [0_u32; 2];
    for frame in frames {
        sent[frame.side] = frame.offset as u32;
    }
    let mut told = [None::<u32>; 2];
    for (number, frame) in (0_u32..).zip(frames) {
        let ports = [40_000_u16, 80];
        let total = 40 + frame.bytes.len();
        let mut packet = vec![0x45, 0];
        packet.extend_from_slice(&(total as u16).to_be_bytes());
        packet.extend_from_slice(&[0, 0, 0x40, 0, 64, 6, 0, 0]);
        packet.extend_from_slice(&[10, 0, 0, 1 + frame.side as u8, 10, 0, 0, 2 - frame.side as u8]);
        let (from, to) = (ports[frame.side], ports[1 - frame.side]);
        packet.extend_from_slice(&[from.to_be_bytes(), to.to_be_bytes()].concat());
        packet.extend_from_slice(&(1000 + frame.offset as u32).to_be_bytes());
        let acknowledged = told[1 - frame.side].unwrap_or_else(|| {
            let first = frames.iter().find(|other| other.side != frame.side);
            first.map_or(0, |other| other.offset as u32)
        });
        packet.extend_from_slice(&(1000 + acknowledged).to_be_bytes());
        packet.extend_from_slice(&[0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
        packet.extend_from_slice(&frame.bytes);
        told[frame.side] = Some((frame.offset + frame.bytes.len()) as u32);
        file.extend_from_slice(
            &[(1_700_000_000 + number / 1000).to_le_bytes(), (number % 1000 * 1000).to_le_bytes()].concat(),
        );
        file.extend_from_slice(&[(total as u32).to_le_bytes(), (total as u32).to_le_bytes()].concat());
        file.extend_from_slice(&packet);
    }
    file
}

type Field = (Option<String>, Option<String>);

/// The fields of each header block that our program decodes, with the packet that ended it (from 0).
fn decoded(capture: &[u8], name: &str) -> Vec<(usize, Vec<Field>)> {
    let path = std::env::temp_dir().join(format!("wireglass-late-{}-{name}.pcap", std::process::id()));
    fs::write(&path, capture).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_wireglass"));
    command.arg(&path).args(["--format", "ndjson", "--only", "http2_frames", "--threads", "1"]);
    let output = command.output().unwrap();
    if std::env::var_os("WIREGLASS_KEEP").is_none() {
        fs::remove_file(&path).unwrap();
    }
    assert!(output.status.success(), "{output:?}");
    let text = String::from_utf8(output.stdout).unwrap();
    let record = |line: &str| {
        let record: Value = serde_json::from_str(line).unwrap();
        let fields = record["headers"].as_array()?.iter().map(|field| {
            let text = |place: usize| field[place].as_str().map(str::to_owned);
            (text(0), text(1))
        });
        Some((record["packet"].as_u64().unwrap() as usize - 1, fields.collect()))
    };
    text.lines().filter_map(record).collect()
}

/// A header block: the frames it takes, its side, its octets.
struct Block {
    first: usize,
    last: usize,
    side: usize,
    octets: Vec<u8>,
}

fn blocks(frames: &[Frame]) -> Vec<Block> {
    let mut open: [Option<Block>; 2] = [None, None];
    let mut all = Vec::new();
    for (place, frame) in frames.iter().enumerate() {
        if frame.bytes.starts_with(b"PRI") {
            continue;
        }
        let (kind, flags, mut payload) = (frame.bytes[3], frame.bytes[4], &frame.bytes[9..]);
        match kind {
            1 | 5 => {
                if flags & 8 != 0 {
                    payload = &payload[1..payload.len() - usize::from(payload[0])];
                }
                payload = &payload[if kind == 5 {
                    4
                } else if flags & 0x20 != 0 {
                    5
                } else {
                    0
                }..];
                open[frame.side] =
                    Some(Block { first: place, last: place, side: frame.side, octets: payload.to_vec() });
            }
            9 => open[frame.side].as_mut().unwrap().octets.extend_from_slice(payload),
            _ => continue,
        }
        if flags & 4 != 0 {
            let mut block = open[frame.side].take().unwrap();
            block.last = place;
            all.push(block);
        }
    }
    all
}

/// The latest cut, as a place among the frames, from which on a name and a value are still known.
type Since = (usize, usize);

const ALWAYS: usize = usize::MAX;

fn integer(octets: &mut &[u8], mask: u8) -> usize {
    let mut value = usize::from(octets[0] & mask);
    *octets = &octets[1..];
    if value == usize::from(mask) {
        for shift in (0..).step_by(7) {
            let octet = octets[0];
            *octets = &octets[1..];
            value += usize::from(octet & 0x7f) << shift;
            if octet & 0x80 == 0 {
                break;
            }
        }
    }
    value
}

fn skip_text(octets: &mut &[u8]) {
    let length = integer(octets, 0x7f);
    *octets = &octets[length..];
}

/// A dynamic table that knows when its entries were spelled out, and what they cost.
struct Table {
    entries: VecDeque<(Since, usize)>,
    capacity: usize,
}

impl Table {
    fn shrink(&mut self, most: usize) {
        while self.entries.iter().map(|(_, cost)| cost).sum::<usize>() > most {
            self.entries.pop_back();
        }
    }

    /// For each field of a block whose first frame is `first`: since when its name and value are known.
    fn read(&mut self, mut octets: &[u8], first: usize, fields: &[Field]) -> Vec<Since> {
        let mut all = Vec::new();
        let octets = &mut octets;
        let entry =
            |table: &Self, index: usize| if index <= 61 { (ALWAYS, ALWAYS) } else { table.entries[index - 62].0 };
        while !octets.is_empty() {
            let kind = octets[0];
            if kind & 0x80 != 0 {
                let index = integer(octets, 0x7f);
                all.push(entry(self, index));
                continue;
            }
            if kind & 0xe0 == 0x20 {
                self.capacity = integer(octets, 0x1f);
                self.shrink(self.capacity);
                continue;
            }
            let indexing = kind & 0x40 != 0;
            let index = integer(octets, if indexing { 0x3f } else { 0x0f });
            let name = if index == 0 {
                skip_text(octets);
                first
            } else {
                entry(self, index).0
            };
            skip_text(octets);
            let (Some(name_text), Some(value_text)) = &fields[all.len()] else { panic!("the whole capture is known") };
            all.push((if index == 0 { ALWAYS } else { name }, ALWAYS));
            if indexing {
                let cost = name_text.len() + value_text.len() + 32;
                self.shrink(self.capacity.saturating_sub(cost));
                if cost <= self.capacity {
                    self.entries.push_front(((name.min(first), first), cost));
                }
            }
        }
        all
    }
}

fn check(path: &Path, name: &str) -> (usize, usize, usize) {
    let frames = frames(&streams(path));
    let blocks = blocks(&frames);
    let whole: BTreeMap<usize, Vec<Field>> = decoded(&capture(&frames), name).into_iter().collect();
    assert_eq!(whole.len(), blocks.len(), "{name}: every block of the whole capture is decoded");
    let mut tables = [0, 1].map(|_| Table { entries: VecDeque::new(), capacity: 4096 });
    let since: Vec<Vec<Since>> =
        blocks.iter().map(|block| tables[block.side].read(&block.octets, block.first, &whole[&block.last])).collect();
    let (mut known, mut unknown) = (0, 0);
    for cut in 1..frames.len() {
        let late: BTreeMap<usize, Vec<Field>> =
            decoded(&capture(&frames[cut..]), name).into_iter().map(|(place, fields)| (place + cut, fields)).collect();
        for (block, since) in blocks.iter().zip(&since).filter(|(block, _)| block.first >= cut) {
            let all = &whole[&block.last];
            let Some(found) = late.get(&block.last) else {
                panic!("{name} cut at {cut}: the block at {} is not decoded", block.last)
            };
            assert_eq!(found.len(), all.len(), "{name} cut at {cut}, block {}", block.last);
            for ((found, all), since) in found.iter().zip(all).zip(since) {
                for (found, all, since) in [(&found.0, &all.0, since.0), (&found.1, &all.1, since.1)] {
                    if cut <= since {
                        assert_eq!(
                            found, all,
                            "{name} cut at {cut}, block {}: it was spelled out at {since}",
                            block.last
                        );
                        known += 1;
                    } else {
                        assert_eq!(*found, None, "{name} cut at {cut}, block {}: nobody can know it", block.last);
                        unknown += 1;
                    }
                }
            }
        }
    }
    (frames.len(), known, unknown)
}

#[test]
fn cut_at_every_frame_boundary() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("fixtures");
    let names = ["http2_continuation", "http2_h2c_parallel_framelog", "http2_h2c_prior", "http2_push_trailers_padding"];
    let (mut all_known, mut all_unknown) = (0, 0);
    for name in names {
        let (frames, known, unknown) = check(&root.join(name).join("capture.pcap"), name);
        println!("{name}: {frames} frames, {known} names and values decoded behind a cut, {unknown} lost before it");
        all_known += known;
        all_unknown += unknown;
    }
    assert!(all_known > 1000 && all_unknown > 100, "{all_known} {all_unknown}");
}
