//! What a capture is, in lines: its headline, what is wrong with it, and its protocols.
use std::fmt::Write as _;

use super::Style;
use crate::{
    record::{Capture, Interface, InterfaceChange, ProtocolCount, Timestamp},
    report::{TimeStyle, escape::escape, units},
};

/// Protocols shown under one other.
const MAX_SIBLINGS: usize = 8;

/// Protocols shown inside each other.
const MAX_DEPTH: usize = 6;

/// Something to say about a capture.
pub struct Remark {
    /// The words, escaped.
    pub text: String,
    /// How much it matters.
    pub style: Style,
}

/// The parts of the first line, to be joined by ` · `.
pub fn headline(capture: &Capture, time: TimeStyle) -> Vec<Remark> {
    let plain = |text: String| Remark { text, style: Style::Plain };
    let mut parts = vec![Remark { text: escape(&capture.file).into_owned(), style: Style::Bold }];
    if !capture.format.is_empty() {
        parts.push(plain(escape(&capture.format).into_owned()));
    }
    if !capture.link_types.is_empty() {
        parts.push(plain(escape(&capture.link_types.join(", ")).into_owned()));
    }
    if capture.packets == 0 {
        parts.push(Remark { text: "no packets".to_owned(), style: Style::Yellow });
    } else {
        parts.push(plain(units::counted(capture.packets, "packet")));
        parts.push(plain(units::bytes(capture.wire_bytes) + &span(capture, time)));
        parts.extend(rates(capture).map(plain));
    }
    match (&capture.damage, capture.dropped) {
        _ if capture.not_analyzed() > 0 || capture.interfaces.iter().any(Interface::is_gone) => {}
        (None, Some(0)) => parts.push(plain("complete, no drops".to_owned())),
        (None, None) if capture.packets > 0 => parts.push(plain("complete".to_owned())),
        _ => {}
    }
    parts
}

fn span(capture: &Capture, time: TimeStyle) -> String {
    let (Some(first), Some(last)) = (capture.first_ts, capture.last_ts) else { return String::new() };
    let from = match time {
        TimeStyle::Local => local(first),
        TimeStyle::Epoch => epoch(first),
        TimeStyle::Relative | TimeStyle::Delta | TimeStyle::Utc => utc(first),
    };
    if capture.packets == 1 {
        format!(" at {from}")
    } else {
        format!(" over {} from {from}", units::duration(last.since(first)))
    }
}

/// `2.05 Mbit/s, 289 packets/s`.
fn rates(capture: &Capture) -> Option<String> {
    let lasted = capture.last_ts?.since(capture.first_ts?);
    let bits = units::rate(capture.wire_bytes, lasted)?;
    let packets = u128::from(capture.packets) * 1_000_000_000 / u128::from(lasted.unsigned_abs());
    match u64::try_from(packets) {
        Ok(packets @ 1..) => Some(format!("{bits}, {}/s", units::counted(packets, "packet"))),
        _ => Some(bits),
    }
}

/// `2026-11-20 21:14:18 UTC`.
fn utc(ts: Timestamp) -> String {
    chrono::DateTime::from_timestamp_nanos(ts.nanoseconds()).format("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// The same in the machine's time zone.
fn local(ts: Timestamp) -> String {
    let moment = chrono::DateTime::from_timestamp_nanos(ts.nanoseconds()).with_timezone(&chrono::Local);
    moment.format("%Y-%m-%d %H:%M:%S %:z").to_string()
}

/// Seconds since 1970 with nine decimals.
pub fn epoch(ts: Timestamp) -> String {
    let ns = ts.nanoseconds();
    let (whole, rest) = (ns.unsigned_abs() / 1_000_000_000, ns.unsigned_abs() % 1_000_000_000);
    format!("{}{whole}.{rest:09}", if ns < 0 { "-" } else { "" })
}

/// How many of how many packets were dropped, and where: `12 of 500 packets dropped by the kernel, 3 by the interface`. Of
/// several interfaces, those that dropped are named.
fn lost(capture: &Capture) -> String {
    let dropped = capture.dropped.unwrap_or_default();
    let known = capture.interfaces.iter().filter(|interface| interface.dropped_by_kernel.is_some());
    let (mut by_kernel, mut by_interface, mut where_) = (0_u64, 0_u64, Vec::new());
    for interface in known {
        by_kernel = by_kernel.saturating_add(interface.dropped_by_kernel.unwrap_or_default());
        by_interface = by_interface.saturating_add(interface.dropped_by_interface.unwrap_or_default());
        let theirs = interface.dropped.filter(|dropped| *dropped > 0);
        where_.extend(theirs.zip(interface.name.as_deref()).map(|(count, name)| format!("{} {count}", escape(name))));
    }
    let all = units::counted(capture.packets.saturating_add(dropped), "packet");
    let mut text = match (by_kernel, by_interface) {
        (0, 0) => format!("{} dropped while capturing", units::counted(dropped, "packet")),
        (kernel, 0) => format!("{} of {all} dropped by the kernel", units::count(kernel)),
        (0, interface) => format!("{} of {all} dropped by the interface", units::count(interface)),
        (kernel, interface) => format!(
            "{} of {all} dropped by the kernel, {} by the interface",
            units::count(kernel),
            units::count(interface)
        ),
    };
    if capture.interfaces.len() > 1 && !where_.is_empty() {
        text.push_str(&format!(" ({})", where_.join(", ")));
    }
    text + ": gaps below may be the capture's"
}

/// What is wrong with a capture: each is a line of its own.
pub fn remarks(capture: &Capture) -> Vec<Remark> {
    let mut remarks = Vec::new();
    let mut warn = |text: String| remarks.push(Remark { text, style: Style::Yellow });
    if capture.dropped.is_some_and(|dropped| dropped > 0) {
        warn(lost(capture));
    }
    if capture.not_analyzed() > 0 {
        let count = units::counted(capture.not_analyzed(), "packet");
        warn(format!(
            "{count} captured and written but not analyzed, as the analysis fell behind: read the file for these"
        ));
    }
    for interface in &capture.interfaces {
        let name = interface.name.as_deref().map_or_else(|| "an interface".into(), escape);
        for event in &interface.events {
            let what = match event.what {
                InterfaceChange::Down => "went down",
                InterfaceChange::NoCarrier => "had no carrier",
                InterfaceChange::Up => "was up again",
                InterfaceChange::Gone => "was gone: the capture from it ends there",
            };
            warn(format!("{name} {what} at {}", utc(event.ts)));
        }
    }
    if capture.captured_bytes < capture.wire_bytes {
        let limit = capture.snap_length.map_or_else(String::new, |length| format!(" (snap length {length})"));
        let (kept, all) = (units::bytes(capture.captured_bytes), units::bytes(capture.wire_bytes));
        warn(format!("packets are cut{limit}: {kept} of {all} captured"));
    }
    if capture.timestamps_backwards > 0 {
        warn(format!("time runs backwards at {}", units::counted(capture.timestamps_backwards, "packet")));
    }
    if let Some(damage) = &capture.damage {
        let text = format!("damaged at byte {}: {}; read up to there", damage.offset, escape(&damage.what));
        remarks.push(Remark { text, style: Style::Red });
    }
    remarks
}

/// The protocol hierarchy in lines: `eth 632 ▸ ip 630 ▸ tcp 571 (tls 402, http 96) · udp 59 (dns 58)`.
///
/// A link with several network protocols has one line for each that carries something.
pub fn hierarchy(capture: &Capture) -> Vec<String> {
    let all = &capture.protocols;
    let mut lines = Vec::new();
    for link in children(all, None).into_iter().take(MAX_SIBLINGS) {
        let name = named(link);
        let networks = children(all, Some(&link.path));
        let (carriers, leaves): (Vec<_>, Vec<_>) =
            networks.into_iter().partition(|node| !children(all, Some(&node.path)).is_empty());
        let mut tails: Vec<String> = carriers.iter().take(MAX_SIBLINGS).map(|node| network(all, node)).collect();
        let leaves: Vec<String> = leaves.iter().take(MAX_SIBLINGS).map(|node| named(node)).collect();
        if !leaves.is_empty() {
            match tails.as_mut_slice() {
                [only] => drop(write!(only, " · {}", leaves.join(" · "))),
                _ => tails.push(leaves.join(" · ")),
            }
        }
        for (place, tail) in tails.iter().enumerate() {
            let before = if place == 0 { name.clone() } else { " ".repeat(crate::report::width::width(&name)) };
            lines.push(format!("{before} ▸ {tail}"));
        }
        if tails.is_empty() {
            lines.push(name);
        }
    }
    lines
}

fn network(all: &[ProtocolCount], node: &ProtocolCount) -> String {
    format!("{} ▸ {}", named(node), inside(all, node, 0).join(" · "))
}

fn carried(all: &[ProtocolCount], node: &ProtocolCount, depth: usize) -> String {
    let inner = inside(all, node, depth + 1);
    if inner.is_empty() { named(node) } else { format!("{} ({})", named(node), inner.join(", ")) }
}

/// What `node` carries; what is too much is not hidden silently.
fn inside(all: &[ProtocolCount], node: &ProtocolCount, depth: usize) -> Vec<String> {
    if depth > MAX_DEPTH {
        return Vec::new();
    }
    let nodes = children(all, Some(&node.path));
    let mut shown: Vec<String> = nodes.iter().take(MAX_SIBLINGS).map(|node| carried(all, node, depth)).collect();
    if nodes.len() > MAX_SIBLINGS {
        shown.push("…".to_owned());
    }
    shown
}

fn named(node: &ProtocolCount) -> String {
    let name = node.path.rsplit(':').next().unwrap_or_default();
    format!("{} {}", escape(name), units::count(node.packets))
}

/// Direct children of the node at `path`, the busiest first; the roots without a path.
fn children<'a>(all: &'a [ProtocolCount], path: Option<&str>) -> Vec<&'a ProtocolCount> {
    let is_child = |node: &&ProtocolCount| match path {
        None => !node.path.contains(':'),
        Some(path) => {
            let below = node.path.strip_prefix(path).and_then(|rest| rest.strip_prefix(':'));
            below.is_some_and(|name| !name.contains(':'))
        }
    };
    let mut found: Vec<&ProtocolCount> = all.iter().filter(is_child).collect();
    found.sort_by(|a, b| b.packets.cmp(&a.packets).then_with(|| a.path.cmp(&b.path)));
    found
}
