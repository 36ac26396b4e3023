//! Rows of pings, paths with their hops below, and exchanges of ARP and Neighbor Discovery.
use super::cells::{absent, duration, flow, plain, styled};
use super::sections::{Cell, Show, Style};
use super::top::Key;
use crate::{
    record::{ArpPurpose, IcmpEcho, NeighborOperation, Path, PathHop, Record, RouterAdvertisement, Station, Timestamp},
    report::units,
};

/// Addresses of one hop that are shown; the rest is counted.
const SHOWN: usize = 2;

fn count(number: u64, style: Style) -> Cell {
    styled(&units::count(number), if number == 0 { Style::Dim } else { style })
}

/// Losses first, then the busiest.
pub fn echo_key(record: &Record) -> Key {
    let Record::IcmpEcho(echo) = record else { return (0, 0) };
    (echo.lost.unwrap_or_default().saturating_add(echo.unreachable_total), echo.sent.unwrap_or(echo.received))
}

pub fn echo(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::IcmpEcho(echo) = record else { return Vec::new() };
    let kind = if echo.query == "echo" { echo.protocol.to_owned() } else { echo.query.replace('_', " ") };
    vec![
        flow(&echo.subject),
        plain(&format!("{} → {}", echo.client.address, echo.server.address)),
        plain(&kind),
        echo.sent.map_or_else(absent, |sent| count(sent, Style::Plain)),
        count(echo.received, Style::Plain),
        echo.lost.map_or_else(absent, |lost| count(lost, Style::Red)),
        duration(echo.rtt.min_ns),
        duration(echo.rtt.mean_ns),
        duration(echo.rtt.max_ns),
        plain(&echo_notes(echo)),
    ]
}

fn echo_notes(echo: &IcmpEcho) -> String {
    let mut notes = Vec::new();
    if let Some(error) = echo.unreachable.first() {
        let more = match echo.unreachable_total {
            0 | 1 => String::new(),
            several => format!(" × {}", units::count(several)),
        };
        notes.push(format!("{} by {}{more}", error.reason, error.by));
    }
    let counted = [
        (echo.duplicate, "duplicate"),
        (echo.late, "late"),
        (echo.out_of_order, "out of order"),
        (echo.mismatched, "altered"),
        (echo.unmatched, "without request"),
        (echo.pending, "pending"),
    ];
    notes.extend(
        counted
            .into_iter()
            .filter(|(number, _)| *number > 0)
            .map(|(number, what)| format!("{} {what}", units::count(number))),
    );
    if let Some(hops) = echo.reply_hops.filter(|hops| *hops > 0) {
        notes.push(units::counted(hops.into(), "router"));
    }
    notes.join(", ")
}

/// The longest first.
pub fn path_key(record: &Record) -> Key {
    let Record::Path(path) = record else { return (0, 0) };
    (path.hops.len() as u64, path.probes)
}

pub fn path(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::Path(path) = record else { return Vec::new() };
    let end = if path.reached { plain("reached") } else { styled("not reached", Style::Yellow) };
    let mtu = path.mtu.map_or_else(absent, |mtu| plain(&units::count(mtu.into())));
    vec![
        flow(&path.subject),
        styled(&format!("{} → {}", path.client.address, path.server.address), Style::Bold),
        plain(path.method),
        count(path.probes, Style::Plain),
        end,
        mtu,
        Cell::default(),
        Cell::default(),
    ]
}

fn hop(hop: &PathHop, place: usize, count_of: usize) -> Vec<Cell> {
    let branch = if place + 1 == count_of { "└─" } else { "├─" };
    let addresses: Vec<String> = hop.addresses.iter().take(SHOWN).map(ToString::to_string).collect();
    let more = if hop.addresses.len() > SHOWN { format!(" +{}", hop.addresses.len() - SHOWN) } else { String::new() };
    let who = if addresses.is_empty() { "*".to_owned() } else { format!("{}{more}", addresses.join(", ")) };
    let refused = hop.refused.map_or_else(Cell::default, |reason| styled(reason, Style::Red));
    vec![
        Cell::default(),
        styled(&format!("{branch} {} {who}", hop.ttl), if addresses.is_empty() { Style::Dim } else { Style::Plain }),
        Cell::default(),
        styled(
            &format!("{}/{}", units::count(hop.answered), units::count(hop.probes)),
            if hop.answered < hop.probes { Style::Yellow } else { Style::Plain },
        ),
        refused,
        duration(hop.rtt.min_ns),
        duration(hop.rtt.mean_ns),
        duration(hop.rtt.max_ns),
    ]
}

/// What stands below a path.
pub fn hops_below(record: &Record) -> Vec<Vec<Cell>> {
    match record {
        Record::Path(path) => hops(path),
        _ => Vec::new(),
    }
}

fn hops(path: &Path) -> Vec<Vec<Cell>> {
    path.hops.iter().enumerate().map(|(place, one)| hop(one, place, path.hops.len())).collect()
}

fn mac(station: &Station) -> Cell {
    station.mac.map_or_else(absent, |mac| plain(&mac.to_string()))
}

/// Unanswered ones first, then the slowest.
pub fn arp_key(record: &Record) -> Key {
    let Record::Arp(arp) = record else { return (0, 0) };
    let trouble = if arp.answered == Some(false) { arp.packets } else { 0 };
    (trouble, arp.latency_ns.and_then(|ns| u64::try_from(ns).ok()).unwrap_or_default())
}

pub fn arp(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::Arp(arp) = record else { return Vec::new() };
    let kind = match arp.purpose {
        ArpPurpose::Resolution => "who has",
        ArpPurpose::Probe => "is it free",
        ArpPurpose::Announcement => "announcement",
        ArpPurpose::GratuitousReply => "gratuitous reply",
        ArpPurpose::UnsolicitedReply => "reply",
        ArpPurpose::Reverse => "reverse",
        ArpPurpose::Other => arp.operation,
    };
    let answer = match arp.answered {
        Some(true) => mac(&arp.target),
        Some(false) => styled("no answer", if arp.purpose == ArpPurpose::Probe { Style::Dim } else { Style::Red }),
        None => absent(),
    };
    vec![
        flow(&arp.subject),
        plain(kind),
        plain(&arp.target.address.to_string()),
        answer,
        plain(&arp.sender.address.to_string()),
        mac(&arp.sender),
        duration(arp.latency_ns),
        styled(&units::count(arp.packets), if arp.packets > 1 { Style::Yellow } else { Style::Dim }),
    ]
}

/// Like ARP, but what routers say before all.
pub fn neighbor_key(record: &Record) -> Key {
    let Record::Neighbor(neighbor) = record else { return (0, 0) };
    let trouble = if neighbor.answered == Some(neighbor.duplicate_address_detection) { neighbor.packets } else { 0 };
    let router = u64::from(neighbor.router.is_some());
    (trouble.saturating_add(router), neighbor.latency_ns.and_then(|ns| u64::try_from(ns).ok()).unwrap_or_default())
}

pub fn neighbor(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::Neighbor(neighbor) = record else { return Vec::new() };
    let kind = match neighbor.operation {
        NeighborOperation::NeighborSolicitation if neighbor.duplicate_address_detection => "is it free",
        NeighborOperation::NeighborSolicitation => "who has",
        operation => operation.name(),
    };
    let about = neighbor.target.map_or_else(absent, |target| plain(&target.address.to_string()));
    let answer = match (&neighbor.router, neighbor.answered) {
        (Some(says), _) => plain(&advertisement(says)),
        (None, Some(true)) if neighbor.duplicate_address_detection => styled("taken", Style::Red),
        (None, Some(false)) if neighbor.duplicate_address_detection => styled("no answer", Style::Dim),
        (None, Some(false)) => styled("no answer", Style::Red),
        (None, _) => neighbor.target.as_ref().map_or_else(absent, mac),
    };
    vec![
        flow(&neighbor.subject),
        plain(kind),
        about,
        answer,
        plain(&neighbor.sender.address.to_string()),
        duration(neighbor.latency_ns),
        styled(&units::count(neighbor.packets), if neighbor.packets > 1 { Style::Yellow } else { Style::Dim }),
    ]
}

fn advertisement(says: &RouterAdvertisement) -> String {
    let mut parts: Vec<String> = says.prefixes.iter().map(|prefix| prefix.prefix.clone()).collect();
    let router = match says.lifetime_s {
        0 => "no default router".to_owned(),
        seconds => format!("router for {} s", units::count(seconds.into())),
    };
    parts.push(router);
    parts.extend(says.mtu.map(|mtu| format!("mtu {mtu}")));
    if says.managed {
        parts.push("addresses by DHCPv6".to_owned());
    } else if says.other_configuration {
        parts.push("more by DHCPv6".to_owned());
    }
    parts.extend(says.dns_servers.first().map(|server| format!("dns {server}")));
    parts.join(", ")
}
