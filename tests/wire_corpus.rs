//! Compares `wire::describe` with what tshark found in third-party captures: the tables `packets`, `arp` and `icmp` of
//! the corpus that `WIREGLASS_CORPUS` names. Not part of the repository; skipped, loudly, without it.
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use wireglass::{
    record::{Layer, LinkType, Value},
    wire,
};

/// A packet of a capture: link type, bytes, length on the wire.
type Captured = (LinkType, Vec<u8>, u32);

/// Reads classic pcap and the packet blocks of pcapng: enough for a test, nothing more.
fn packets(capture: &[u8]) -> Option<Vec<Captured>> {
    match capture.get(..4)? {
        [0x0a, 0x0d, 0x0d, 0x0a] => pcapng(capture),
        [0xd4 | 0x4d, 0xc3 | 0x3c, 0xb2, 0xa1] => classic(capture, u32::from_le_bytes),
        [0xa1, 0xb2, 0xc3 | 0x3c, 0xd4 | 0x4d] => classic(capture, u32::from_be_bytes),
        _ => None,
    }
}

fn classic(capture: &[u8], read: fn([u8; 4]) -> u32) -> Option<Vec<Captured>> {
    let number = |offset: usize| Some(read(capture.get(offset..offset + 4)?.try_into().ok()?));
    let link_type = LinkType(u16::try_from(number(20)? & 0xffff).ok()?);
    let mut packets = Vec::new();
    let mut offset = 24;
    while let (Some(captured), Some(wire)) = (number(offset + 8), number(offset + 12)) {
        let start = offset + 16;
        let Some(bytes) = capture.get(start..start + captured as usize) else { break };
        packets.push((link_type, bytes.to_vec(), wire));
        offset = start + captured as usize;
    }
    Some(packets)
}

fn pcapng(capture: &[u8]) -> Option<Vec<Captured>> {
    let mut read: fn([u8; 4]) -> u32 = u32::from_le_bytes;
    let mut interfaces = Vec::new();
    let mut packets = Vec::new();
    let mut offset = 0;
    while let Some(head) = capture.get(offset..offset + 12) {
        if head[..4] == [0x0a, 0x0d, 0x0d, 0x0a] {
            read = if head[8] == 0x4d { u32::from_le_bytes } else { u32::from_be_bytes };
            interfaces.clear();
        }
        let number = |offset: usize| Some(read(capture.get(offset..offset + 4)?.try_into().ok()?));
        let (kind, length) = (number(offset)?, number(offset + 4)? as usize);
        match kind {
            1 => {
                let bytes: [u8; 2] = capture.get(offset + 8..offset + 10)?.try_into().ok()?;
                let little = u16::from_le_bytes(bytes);
                let link_type = if read([1, 0, 0, 0]) == 1 { little } else { little.swap_bytes() };
                interfaces.push(LinkType(link_type));
            }
            6 | 3 => {
                let (interface, captured, wire, start) = if kind == 6 {
                    (number(offset + 8)?, number(offset + 20)?, number(offset + 24)?, offset + 28)
                } else {
                    let wire = number(offset + 8)?;
                    (0, wire.min(u32::try_from(length).ok()?.saturating_sub(16)), wire, offset + 12)
                };
                let bytes = capture.get(start..start + captured as usize)?;
                packets.push((*interfaces.get(interface as usize)?, bytes.to_vec(), wire));
            }
            _ => {}
        }
        if length < 12 {
            break;
        }
        offset += length;
    }
    Some(packets)
}

fn cell(value: &Value) -> String {
    match value {
        Value::Bool(flag) => u8::from(*flag).to_string(),
        Value::Number(number) => number.to_string(),
        Value::Float(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::List(values) => values.iter().map(cell).collect::<Vec<_>>().join(","),
    }
}

fn joined(layers: &[Layer], names: &[&str], show: impl Fn(&Value) -> String) -> String {
    let fields = layers.iter().flat_map(|layer| &layer.fields);
    fields.filter(|(name, _)| names.contains(name)).map(|(_, value)| show(value)).collect::<Vec<_>>().join(",")
}

fn hex(value: &Value) -> String {
    match value {
        Value::Number(number) => format!("0x{number:04x}"),
        other => cell(other),
    }
}

/// Column of the table `packets`, and the fields it is made of.
const PACKET_COLUMNS: [(&str, &[&str]); 18] = [
    ("eth_src", &["eth.src"]),
    ("eth_dst", &["eth.dst"]),
    ("vlan", &["vlan.id"]),
    ("ip_src", &["ip.src", "ipv6.src"]),
    ("ip_dst", &["ip.dst", "ipv6.dst"]),
    ("ip_proto", &["ip.proto", "ipv6.nxt"]),
    ("ttl", &["ip.ttl", "ipv6.hlim"]),
    ("ip_id", &["ip.id"]),
    ("mf", &["ip.flags.mf"]),
    ("frag_off", &["ip.frag_offset"]),
    ("sport", &["tcp.srcport", "udp.srcport"]),
    ("dport", &["tcp.dstport", "udp.dstport"]),
    ("tcp_flags", &["tcp.flags"]),
    ("seq", &["tcp.seq_raw"]),
    ("ack", &["tcp.ack_raw"]),
    ("win", &["tcp.window_size_value"]),
    ("tcp_len", &["tcp.len"]),
    ("udp_len", &["udp.length"]),
];

const ARP_COLUMNS: [(&str, &str); 6] = [
    ("hw_type", "arp.hw.type"),
    ("opcode", "arp.opcode"),
    ("sha", "arp.src.hw_mac"),
    ("spa", "arp.src.proto_ipv4"),
    ("tha", "arp.dst.hw_mac"),
    ("tpa", "arp.dst.proto_ipv4"),
];

/// Rows of a table: column name to cell.
fn table(path: &Path) -> Vec<BTreeMap<String, String>> {
    let Ok(bytes) = fs::read(path) else { return Vec::new() };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = text.lines();
    let names: Vec<&str> = lines.next().unwrap_or_default().split('\t').collect();
    lines
        .map(|line| names.iter().zip(line.split('\t')).map(|(n, c)| ((*n).to_owned(), c.to_owned())).collect())
        .collect()
}

#[derive(Default)]
struct Score {
    rows: usize,
    wrong: usize,
    /// Column to examples.
    classes: BTreeMap<String, Vec<String>>,
}

impl Score {
    fn row(&mut self, table: &str, capture: &Path, frame: &str, differences: Vec<(String, String, String)>) {
        self.rows += 1;
        self.wrong += usize::from(!differences.is_empty());
        for (column, truth, ours) in differences {
            let name = capture.file_name().unwrap_or_default().to_string_lossy();
            let examples = self.classes.entry(format!("{table}.{column}")).or_default();
            examples.push(format!("{name}#{frame} truth {truth} ours {ours}"));
        }
    }
}

/// Whether the cells say the same; numbers may be in hex.
fn same(truth: &str, ours: &str) -> bool {
    truth == ours || truth.strip_prefix("0x").is_some_and(|hex| u64::from_str_radix(hex, 16).ok() == ours.parse().ok())
}

fn compare(score: &mut Score, truth: &Path, packets: &[Captured]) {
    let layers_of = |frame: &str| {
        let (link_type, bytes, wire_length) = packets.get(frame.parse::<usize>().ok()?.checked_sub(1)?)?;
        Some(wire::describe(*link_type, bytes, *wire_length))
    };
    // What completes a fragmented datagram shows its transport only when it is reassembled, which is not done here.
    let is_fragment = |frame: &str| {
        let packet = frame.parse::<usize>().ok().and_then(|frame| packets.get(frame.checked_sub(1)?));
        packet.is_some_and(|(link_type, bytes, wire_length)| {
            wire::decode(*link_type, bytes, *wire_length).transport == wire::TransportHeader::Fragment
        })
    };
    for row in table(&truth.join("packets.tsv")).into_iter().filter(|row| !is_fragment(&row["frame"])) {
        let Some(layers) = layers_of(&row["frame"]) else { continue };
        let mut differences = Vec::new();
        for (column, fields) in PACKET_COLUMNS {
            let ours = match column {
                "ip_id" | "tcp_flags" => joined(&layers, fields, hex),
                // The truth has one family only where there are two, as in tunnels.
                _ => {
                    let families = fields.iter().map(|field| joined(&layers, &[field], cell));
                    families.into_iter().find(|cells| !cells.is_empty()).unwrap_or_default()
                }
            };
            let truth = row.get(column).cloned().unwrap_or_default();
            if truth != ours {
                differences.push((column.to_owned(), truth, format!("{ours} [{}]", row["protocols"])));
            }
        }
        score.row("packets", truth, &row["frame"], differences);
    }
    for row in table(&truth.join("arp.tsv")) {
        let Some(layers) = layers_of(&row["frame"]) else { continue };
        let arp: Vec<Layer> = layers.into_iter().filter(|layer| layer.protocol == "arp").collect();
        let cells = ARP_COLUMNS.map(|(column, field)| {
            (column.to_owned(), row.get(column).cloned().unwrap_or_default(), joined(&arp, &[field], cell))
        });
        let differences = cells.into_iter().filter(|(_, truth, ours)| !same(truth, ours)).collect();
        score.row("arp", truth, &row["frame"], differences);
    }
    for row in table(&truth.join("icmp.tsv")).into_iter().filter(|row| !is_fragment(&row["frame"])) {
        let Some(layers) = layers_of(&row["frame"]) else { continue };
        let names: [(&str, &[&str]); 5] = [
            ("type", &["icmp.type", "icmpv6.type"]),
            ("code", &["icmp.code", "icmpv6.code"]),
            ("id", &["icmp.ident", "icmpv6.echo.identifier"]),
            ("seq", &["icmp.seq", "icmpv6.echo.sequence_number"]),
            ("checksum_status", &["icmp.checksum.status", "icmpv6.checksum.status"]),
        ];
        let icmp: Vec<Layer> = layers.into_iter().filter(|layer| layer.protocol == row["proto"]).take(1).collect();
        let cells = names.map(|(column, fields)| {
            (column.to_owned(), row.get(column).cloned().unwrap_or_default(), joined(&icmp, fields, cell))
        });
        let differences = cells.into_iter().filter(|(_, truth, ours)| !same(truth, ours)).collect();
        score.row("icmp", truth, &row["frame"], differences);
    }
}

#[test]
fn same_as_tshark() {
    let Some(corpus) = std::env::var_os("WIREGLASS_CORPUS").map(PathBuf::from) else {
        eprintln!("SKIPPED: WIREGLASS_CORPUS is not set, nothing was compared");
        return;
    };
    let mut score = Score::default();
    for repository in fs::read_dir(corpus.join("truth")).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        for truth in fs::read_dir(repository.path()).unwrap().flatten() {
            let capture = corpus.join("pcaps").join(repository.file_name()).join(truth.file_name());
            if fs::metadata(&capture).is_ok_and(|metadata| metadata.len() < 20_000_000)
                && let Some(packets) = fs::read(&capture).ok().as_deref().and_then(packets)
            {
                compare(&mut score, &truth.path(), &packets);
            }
        }
    }
    for (class, examples) in &score.classes {
        println!("{class}: {}", examples.len());
        for example in examples.iter().step_by((examples.len() / 12).max(1)) {
            println!("    {example}");
        }
    }
    println!("{} rows, {} differ", score.rows, score.wrong);
    assert!(score.rows > 10_000, "the corpus is not where it should be");
    assert!(score.wrong * 100 < score.rows, "{} of {} rows differ", score.wrong, score.rows);
}

/// Layers whose counts are compared.
const COUNTED: [&str; 12] = ["eth", "vlan", "ip", "ipv6", "tcp", "udp", "icmp", "icmpv6", "arp", "sll", "null", "raw"];

#[test]
fn same_protocol_hierarchy() {
    let Some(corpus) = std::env::var_os("WIREGLASS_CORPUS").map(PathBuf::from) else {
        eprintln!("SKIPPED: WIREGLASS_CORPUS is not set, nothing was compared");
        return;
    };
    let (mut nodes, mut wrong) = (0usize, 0usize);
    for repository in fs::read_dir(corpus.join("truth")).unwrap().flatten().filter(|entry| entry.path().is_dir()) {
        for truth in fs::read_dir(repository.path()).unwrap().flatten() {
            let capture = corpus.join("pcaps").join(repository.file_name()).join(truth.file_name());
            let Some(packets) = fs::metadata(&capture)
                .is_ok_and(|metadata| metadata.len() < 20_000_000)
                .then(|| fs::read(&capture).ok().as_deref().and_then(packets))
                .flatten()
            else {
                continue;
            };
            let mut counts: BTreeMap<String, usize> = BTreeMap::new();
            for (link_type, bytes, wire_length) in &packets {
                let mut node = String::from("frame");
                for protocol in &wire::decode(*link_type, bytes, *wire_length).path {
                    node = format!("{node}:{protocol}");
                    *counts.entry(node.clone()).or_default() += 1;
                }
            }
            for row in table(&truth.path().join("summary.tsv")).iter().filter(|row| row["key"] == "phs") {
                let path = &row["value"];
                if path == "frame"
                    || !path.split(':').skip(1).all(|name| COUNTED.contains(&name))
                    || path.contains("tcp:tcp")
                {
                    continue;
                }
                nodes += 1;
                let (theirs, ours) = (row["value2"].clone(), counts.get(path).copied().unwrap_or_default());
                if theirs != ours.to_string() {
                    wrong += 1;
                    println!("{} {path}: truth {theirs} ours {ours}", truth.file_name().to_string_lossy());
                }
            }
        }
    }
    println!("{nodes} nodes, {wrong} differ");
    assert!(wrong * 10 < nodes);
}

/// Every prefix of every packet of the fixtures: whatever the snap length cut off, there is an answer.
#[test]
fn every_prefix_of_every_packet_is_decoded() {
    // Headers end before this; beyond it prefixes differ in the length of the payload only.
    const HEADERS: usize = 160;
    let mut packets_seen = 0;
    for folder in fs::read_dir("fixtures").unwrap().filter_map(|entry| Some(entry.ok()?.path())) {
        let Ok(capture) = fs::read(folder.join("capture.pcap")) else { continue };
        for (link_type, bytes, wire_length) in packets(&capture).unwrap_or_default() {
            packets_seen += 1;
            let whole = wire::decode(link_type, &bytes, wire_length);
            for end in (0..bytes.len().min(HEADERS)).chain([bytes.len().saturating_sub(1), bytes.len()]) {
                let prefix = &bytes[..end];
                let decoded = wire::decode(link_type, prefix, wire_length);
                let end = u32::try_from(end).unwrap();
                assert!(decoded.payload_offset + decoded.payload_length <= end, "{decoded:?}");
                assert!(decoded.path.iter().len() <= whole.path.iter().len(), "{decoded:?}");
                for layer in wire::describe(link_type, prefix, wire_length) {
                    assert!(layer.offset <= prefix.len(), "{layer:?}");
                }
                let _ = (wire::summary(link_type, prefix, wire_length), decoded.transport_checksum(prefix));
                let _ = (decoded.quoted(prefix), decoded.fragment(prefix));
            }
        }
    }
    assert!(packets_seen > 500, "{packets_seen}");
}
