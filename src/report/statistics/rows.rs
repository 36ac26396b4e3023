//! Columns of the statistics' tables and the cells in them.
use super::{Cell, Column, Style, count, dim, number, plain, rate, share, size, text};
use crate::{
    record::{Record, StatisticsLayer},
    report::{escape::escape, units},
};

/// Of the hierarchy. No-break spaces stand for the depth: Markdown and HTML would drop others.
pub const PROTOCOL: [Column; 7] = [
    text("protocol", 0, 16),
    number("packets", 0),
    number("share", 2),
    number("bytes", 1),
    number("of bytes", 4),
    number("rate", 3),
    number("ends here", 5),
];

pub fn protocols(records: &[Record]) -> Vec<Vec<Cell>> {
    let row = |record: &Record| {
        let Record::StatisticsProtocol(node) = record else { return None };
        let indent = "\u{a0}\u{a0}".repeat(usize::try_from(node.depth).unwrap_or(0).min(20));
        Some(vec![
            plain(format!("{indent}{}", escape(&node.protocol))),
            count(node.packets),
            share(node.packets_percent),
            size(node.bytes),
            share(node.bytes_percent),
            rate(node.bits_per_second),
            count(node.end_packets),
        ])
    };
    records.iter().filter_map(row).collect()
}

pub fn conversations_title(layer: StatisticsLayer) -> &'static str {
    match layer {
        StatisticsLayer::Eth => "Ethernet conversations",
        StatisticsLayer::Ip => "IPv4 conversations",
        StatisticsLayer::Ipv6 => "IPv6 conversations",
        StatisticsLayer::Tcp => "TCP conversations",
        StatisticsLayer::Udp => "UDP conversations",
    }
}

pub fn endpoints_title(layer: StatisticsLayer) -> &'static str {
    match layer {
        StatisticsLayer::Eth => "Ethernet endpoints",
        StatisticsLayer::Ip => "IPv4 endpoints",
        StatisticsLayer::Ipv6 => "IPv6 endpoints",
        StatisticsLayer::Tcp => "TCP endpoints",
        StatisticsLayer::Udp => "UDP endpoints",
    }
}

/// Of conversations; `a` sent the first packet.
pub const CONVERSATION: [Column; 11] = [
    text("a → b", 0, 45),
    number("packets", 1),
    number("bytes", 0),
    number("→ packets", 6),
    number("→ bytes", 2),
    number("← packets", 7),
    number("← bytes", 2),
    number("start", 4),
    number("lasted", 3),
    number("→ rate", 5),
    number("← rate", 5),
];

/// `10.0.0.1:80`, `[2001:db8::1]:443`, or the address alone.
fn party(address: &str, port: Option<u16>) -> String {
    match port {
        Some(port) if address.contains(':') => format!("[{address}]:{port}"),
        Some(port) => format!("{address}:{port}"),
        None => address.to_owned(),
    }
}

pub fn conversation(record: &Record) -> Vec<Cell> {
    let Record::StatisticsConversation(it) = record else { return Vec::new() };
    let parties = format!("{} → {}", party(&it.a.address, it.a.port), party(&it.b.address, it.b.port));
    vec![
        plain(parties),
        count(it.packets),
        size(it.bytes),
        count(it.a_to_b.packets),
        size(it.a_to_b.bytes),
        count(it.b_to_a.packets),
        size(it.b_to_a.bytes),
        plain(units::duration(it.start_ns)),
        plain(units::duration(it.duration_ns)),
        rate(it.a_to_b.bits_per_second),
        rate(it.b_to_a.bits_per_second),
    ]
}

/// Of endpoints.
pub const ENDPOINT: [Column; 7] = [
    text("address", 0, 18),
    number("packets", 1),
    number("bytes", 0),
    number("sent packets", 4),
    number("sent bytes", 2),
    number("received packets", 4),
    number("received bytes", 3),
];

pub fn endpoint(record: &Record) -> Vec<Cell> {
    let Record::StatisticsEndpoint(it) = record else { return Vec::new() };
    vec![
        plain(party(&it.address, it.port)),
        count(it.packets),
        size(it.bytes),
        count(it.sent.packets),
        size(it.sent.bytes),
        count(it.received.packets),
        size(it.received.bytes),
    ]
}

/// Of lengths; the last one holds a bar.
pub const LENGTH: [Column; 7] = [
    number("length", 0),
    number("packets", 0),
    number("share", 1),
    number("bytes", 3),
    number("shortest", 4),
    number("longest", 4),
    text("of packets", 2, 0),
];

/// Of hops.
pub const HOPS: [Column; 6] = [
    text("sender", 0, 18),
    number("hop limit", 0),
    number("packets", 1),
    number("bytes", 3),
    number("began at", 4),
    number("hops", 2),
];

pub fn hops(record: &Record) -> Vec<Cell> {
    let Record::StatisticsHops(it) = record else { return Vec::new() };
    vec![
        plain(it.address.clone()),
        count(u64::from(it.hop_limit)),
        count(it.packets),
        size(it.bytes),
        // Nobody has seen it set.
        dim(format!("{}?", it.initial_assumed)),
        dim(format!("{}?", it.hops_assumed)),
    ]
}

/// Of classes of service.
pub const DSCP: [Column; 7] = [
    number("codepoint", 0),
    text("name", 0, 0),
    number("packets", 1),
    number("share", 2),
    number("bytes", 3),
    number("ECN capable", 4),
    number("congestion marked", 2),
];

pub fn dscp(record: &Record) -> Vec<Cell> {
    let Record::StatisticsDscp(it) = record else { return Vec::new() };
    let marked = Cell {
        text: units::count(it.congestion_experienced),
        style: if it.congestion_experienced > 0 { Style::Yellow } else { Style::Dim },
    };
    vec![
        plain(it.dscp.to_string()),
        it.name.map_or_else(|| dim("–".to_owned()), |name| plain(name.to_owned())),
        count(it.packets),
        share(it.packets_percent),
        size(it.bytes),
        count(it.ecn_capable),
        marked,
    ]
}
