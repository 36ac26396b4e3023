//! The rows of each pane: what a connection, a transaction, a problem or an interface looks like. Everything from the wire is
//! escaped here.
use crate::{
    record::{
        Capture, Glance, Interface, InterfaceChange, OpenConnection, OpenExchange, Record, RecordKind, Side, StateNow,
        TcpState, Timestamp, TlsTransport, Underway,
    },
    report::{
        TimeStyle,
        summary::{Cell, Column, Problem, SECTIONS, Show, Style, plain, symbol},
        units,
    },
};

/// Characters of a server's name that are remembered.
pub(super) const MAX_NAME_CHARACTERS: usize = 128;
/// Interfaces whose counts are shown.
pub(super) const MAX_INTERFACES: usize = 32;

/// What waits longer than this is worth a look.
const SLOW_NS: i64 = 1_000_000_000;

const fn text(title: &'static str, rank: u8, least: usize, fixed: usize) -> Column {
    Column { title, right: false, rank, least, fixed }
}

const fn number(title: &'static str, rank: u8, fixed: usize) -> Column {
    Column { title, right: true, rank, least: 0, fixed }
}

/// Busy connections.
pub(super) const BUSY: &[Column] = &[
    text("client → server", 0, 27, 43),
    text("states", 1, 0, 23),
    text("carries", 4, 10, 20),
    number("↑ /s", 3, 7),
    number("↓ /s", 2, 7),
    number("rtt", 5, 7),
    number("lost", 6, 4),
    number("age", 7, 9),
];

/// New connections.
pub(super) const NEW: &[Column] = &[
    text("client → server", 0, 27, 43),
    text("states", 1, 0, 23),
    text("carries", 4, 10, 20),
    number("↑ bytes", 5, 7),
    number("↓ bytes", 3, 7),
    number("rtt", 6, 7),
    number("lost", 7, 4),
    number("age", 2, 9),
];

/// Problems.
pub(super) const PROBLEMS: &[Column] = &[
    text("", 0, 0, 1),
    text("problem", 0, 12, 26),
    number("times", 1, 6),
    text("the gravest, or first", 0, 20, 60),
    text("where", 2, 10, 20),
];

/// What is listed as it happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Listed {
    Tls,
    Dns,
    Http,
}

const AGE: Column = number("ago", 7, 6);

const TLS: &[Column] = &[
    AGE,
    text("server name", 0, 14, 32),
    text("version", 3, 0, 8),
    text("cipher", 4, 18, 28),
    text("alpn", 5, 0, 8),
    text("verified", 6, 8, 12),
    number("handshake", 2, 9),
    text("outcome", 0, 22, 29),
    text("flow", 8, 0, 7),
];
/// Where the cells of the table of handshakes go; the first is the age.
const TLS_CELLS: &[usize] = &[1, 2, 3, 4, 6, 7, 8, 0];

const DNS: &[Column] = &[
    AGE,
    text("name", 0, 14, 36),
    text("type", 1, 0, 6),
    text("answer", 0, 15, 36),
    text("server", 5, 12, 22),
    number("time", 2, 9),
    number("tries", 6, 5),
    text("flow", 8, 0, 7),
];
const DNS_CELLS: &[usize] = &[1, 2, 3, 4, 6, 7, 0];

const HTTP: &[Column] = &[
    AGE,
    text("method", 1, 0, 7),
    text("url", 0, 16, 48),
    text("status", 0, 0, 11),
    text("type", 5, 8, 18),
    number("ttfb", 2, 9),
    number("size", 4, 8),
    text("notes", 6, 12, 30),
    text("flow", 8, 0, 7),
];
const HTTP_CELLS: &[usize] = &[1, 2, 3, 4, 5, 6, 7, 0];

/// A row without the age, which changes.
pub(super) type Row = Vec<Cell>;

/// The columns of what is listed.
pub(super) fn columns(listed: Listed) -> &'static [Column] {
    match listed {
        Listed::Tls => TLS,
        Listed::Dns => DNS,
        Listed::Http => HTTP,
    }
}

/// The row of something complete, as the report's table has it.
pub(super) fn row_of(listed: Listed, record: &Record) -> Row {
    let (kind, places) = match listed {
        Listed::Tls => (RecordKind::Tls, TLS_CELLS),
        Listed::Dns => (RecordKind::Dns, DNS_CELLS),
        Listed::Http => (RecordKind::Http, HTTP_CELLS),
    };
    let show = Show { origin: None, time: TimeStyle::Relative, several_files: false };
    let section = SECTIONS.iter().find(|section| section.kind == kind);
    let cells = section.map(|section| section.cells(record, &show, &mut None)).unwrap_or_default();
    places.iter().map(|place| cells.get(*place).cloned().unwrap_or_default()).collect()
}

/// The row with its age in front.
pub(super) fn with_age(row: &Row, ns: i64) -> Vec<Cell> {
    std::iter::once(dim(&whole_seconds(ns))).chain(row.iter().cloned()).collect()
}

/// Whether it is listed there.
pub(super) fn is_of(listed: Listed, exchange: &OpenExchange) -> bool {
    match exchange.underway {
        Underway::Handshake { .. } => listed == Listed::Tls,
        Underway::Request { .. } => listed == Listed::Http,
    }
}

/// The row of something that waits, if it is listed there.
pub(super) fn waiting(listed: Listed, exchange: &OpenExchange, now: Timestamp) -> Option<Vec<Cell>> {
    if !is_of(listed, exchange) {
        return None;
    }
    let flow = dim(&exchange.flow.to_string());
    let style = |since: Timestamp| if now.since(since) >= SLOW_NS { Style::Yellow } else { Style::Bold };
    Some(match &exchange.underway {
        Underway::Handshake { transport, server_name, phase, waiting_for, since, began } => {
            let side = if *waiting_for == Side::Client { "client" } else { "server" };
            let waits = match now.since(*since) {
                ns @ SLOW_NS.. => format!(", {}", whole_seconds(ns)),
                _ => String::new(),
            };
            let carrier = match transport {
                TlsTransport::Tcp => "",
                TlsTransport::Quic => "quic",
                TlsTransport::Dtls => "dtls",
            };
            vec![
                now_cell(),
                match server_name {
                    Some(name) => plain(name),
                    None => plain(&exchange.server.to_string()),
                },
                dim(carrier),
                plain(&format!("after {}", phase.replace('_', " "))),
                Cell::default(),
                Cell::default(),
                plain(&units::duration(now.since(*began).max(0))),
                Cell { text: format!("waits for {side}{waits}"), style: style(*since) },
                flow,
            ]
        }
        Underway::Request { method, authority, target, since, more } => {
            let url = match (authority.as_deref(), target.as_deref()) {
                (Some(authority), Some(target)) if target.starts_with('/') => Some(format!("{authority}{target}")),
                (_, target) => target.map(str::to_owned),
            };
            let notes = if *more > 0 { format!("{} more behind it", units::count(*more)) } else { String::new() };
            vec![
                now_cell(),
                method.as_deref().map_or_else(absent, plain),
                url.as_deref().map_or_else(absent, plain),
                Cell { text: "waiting".to_owned(), style: style(*since) },
                Cell::default(),
                plain(&units::duration(now.since(*since).max(0))),
                Cell::default(),
                dim(&notes),
                flow,
            ]
        }
    })
}

/// A busy connection.
pub(super) fn busy(connection: &OpenConnection, name: Option<&str>, glance: &Glance) -> Vec<Cell> {
    let rate = |side: usize| match (connection.recent_bytes, u64::try_from(glance.window_ns)) {
        (Some(bytes), Ok(ns @ 1..)) => {
            let each = u128::from(bytes.get(side).copied().unwrap_or(0)) * 1_000_000_000 / u128::from(ns);
            amount(u64::try_from(each).unwrap_or(u64::MAX))
        }
        _ => absent(),
    };
    vec![
        ends(connection),
        states(connection),
        carries(connection, name),
        rate(0),
        rate(1),
        round_trip(connection),
        lost(connection),
        dim(&whole_seconds(glance.now.since(connection.start_ts))),
    ]
}

/// A new connection.
pub(super) fn new(connection: &OpenConnection, name: Option<&str>, glance: &Glance) -> Vec<Cell> {
    vec![
        ends(connection),
        states(connection),
        carries(connection, name),
        amount(connection.bytes[0]),
        amount(connection.bytes[1]),
        round_trip(connection),
        lost(connection),
        plain(&whole_seconds(glance.now.since(connection.start_ts))),
    ]
}

/// A problem.
pub(super) fn problem(problem: &Problem) -> Vec<Cell> {
    let style = problem.style();
    let bold = if style == Style::Plain { Style::Plain } else { Style::Bold };
    vec![
        Cell { text: symbol(problem.first.severity).to_owned(), style },
        Cell { text: problem.first.code.to_owned(), style },
        Cell { text: units::count(problem.count), style: if problem.count > 1 { style } else { Style::Dim } },
        Cell { style: bold, ..plain(&problem.first.title) },
        dim(&problem.evidence(false)),
    ]
}

/// What an interface counted: its name, its rate, what it received and what was lost, by cause.
pub(super) fn interface(interface: &Interface, rate: Option<u64>) -> Vec<Cell> {
    let name = interface.name.as_deref().map_or_else(absent, |name| Cell { style: Style::Bold, ..plain(name) });
    let rate = rate.map(|rate| plain(&format!("{}/s", units::counted(rate, "packet"))));
    let received = interface.received.map(|count| dim(&format!("{} received", units::count(count))));
    let state = interface.events.last().and_then(|event| match event.what {
        InterfaceChange::Down => Some("✖ down"),
        InterfaceChange::NoCarrier => Some("✖ no carrier"),
        InterfaceChange::Gone => Some("✖ gone"),
        InterfaceChange::Up => None,
    });
    let state = state.map(|text| Cell { text: text.to_owned(), style: Style::Red });
    let causes = [
        (interface.dropped_by_kernel, "dropped by the kernel"),
        (interface.dropped_by_interface, "by the interface"),
        (interface.not_analyzed, "not analyzed"),
    ];
    let known = causes.iter().any(|(count, _)| count.is_some());
    let mut lost: Vec<Cell> = causes.iter().filter_map(|(count, what)| Some(loss((*count)?, what))).collect();
    if !known {
        lost.extend(interface.dropped.map(|count| loss(count, "dropped")));
    }
    // What was lost is what to look at.
    lost.sort_by_key(|cell| cell.style != Style::Red);
    [Some(name), state, rate].into_iter().flatten().chain(lost).chain(received).collect()
}

fn loss(count: u64, what: &str) -> Cell {
    match count {
        0 => dim(&format!("0 {what}")),
        count => Cell { text: format!("✖ {} {what}", units::count(count)), style: Style::Red },
    }
}

/// What went wrong with capturing, and what to do.
pub(super) fn warnings(capture: &Capture) -> Vec<Cell> {
    let mut warnings = Vec::new();
    let total: u64 = capture.packets.saturating_add(capture.dropped.unwrap_or(0));
    let sum = |count: fn(&Interface) -> Option<u64>| -> u64 {
        capture.interfaces.iter().filter_map(count).fold(0, u64::saturating_add)
    };
    let by_interface = sum(|interface| interface.dropped_by_interface);
    let by_kernel = capture.dropped.unwrap_or(0).saturating_sub(by_interface);
    let mut warn = |count: u64, what: &str| {
        if count > 0 {
            let part = 100.0 * count as f64 / total.max(1) as f64;
            let text = format!("✖ {} of {} packets ({part:.1} %) {what}", units::count(count), units::count(total));
            warnings.push(Cell { text, style: Style::Red });
        }
    };
    warn(
        by_kernel,
        "were dropped by the kernel, whose buffer was full: a larger one with -B, shorter packets with -s, or fewer with -f",
    );
    warn(by_interface, "were dropped by the interface or its driver, which no option here can change");
    warn(
        capture.not_analyzed(),
        "were written and not analyzed, as the analysis fell behind: fewer with -f, or read the file afterwards",
    );
    if let Some(damage) = &capture.damage {
        warnings.push(Cell { style: Style::Red, ..plain(&format!("✖ {}", damage.what)) });
    }
    warnings
}

fn ends(connection: &OpenConnection) -> Cell {
    plain(&format!("{} → {}", connection.client, connection.server))
}

/// Both ends' states; in brackets what only the other end implies.
fn states(connection: &OpenConnection) -> Cell {
    let one = |now: &StateNow| match now.state {
        None => "?".to_owned(),
        Some(state) if now.implied => format!("[{}]", state.name()),
        Some(state) => state.name().to_owned(),
    };
    let [client, server] = &connection.states;
    let over = |now: &StateNow| matches!(now.state, Some(TcpState::Closed | TcpState::TimeWait));
    let opening = |now: &StateNow| matches!(now.state, Some(TcpState::SynSent | TcpState::SynReceived));
    let style = match (client, server) {
        (client, server) if over(client) && over(server) => Style::Dim,
        (client, server) if opening(client) || opening(server) => Style::Bold,
        _ => Style::Plain,
    };
    Cell { text: format!("{}|{}", one(client), one(server)), style }
}

/// What it carries, and the server's name.
fn carries(connection: &OpenConnection, name: Option<&str>) -> Cell {
    match (connection.application, name) {
        (Some(application), Some(name)) => plain(&format!("{application} {name}")),
        (Some(one), None) | (None, Some(one)) => plain(one),
        (None, None) => absent(),
    }
}

fn round_trip(connection: &OpenConnection) -> Cell {
    connection.round_trip_ns.map_or_else(absent, |ns| plain(&units::duration(ns)))
}

fn lost(connection: &OpenConnection) -> Cell {
    let style = if connection.retransmissions == 0 { Style::Dim } else { Style::Yellow };
    Cell { text: units::count(connection.retransmissions), style }
}

fn amount(bytes: u64) -> Cell {
    Cell { text: units::bytes(bytes), style: if bytes == 0 { Style::Dim } else { Style::Plain } }
}

fn absent() -> Cell {
    dim("–")
}

fn now_cell() -> Cell {
    Cell { text: "now".to_owned(), style: Style::Bold }
}

fn dim(text: &str) -> Cell {
    Cell { style: Style::Dim, ..plain(text) }
}

/// A time that changes before the eyes: `7 s`, `2 min 5 s`.
pub(super) fn whole_seconds(ns: i64) -> String {
    const SECOND_NS: i64 = 1_000_000_000;
    match ns.max(0) / SECOND_NS {
        seconds @ 0..100 => format!("{seconds} s"),
        seconds => units::duration(seconds.saturating_mul(SECOND_NS)),
    }
}
