//! The sections of a report for people: which kinds of record they list, by which key, in which columns.
use super::{
    Table, Talkers, cells, neighborhood, resolutions,
    top::{Key, Talk},
};
use crate::{
    record::{CloseKind, Record, RecordKind, Timestamp, TlsOutcome},
    report::{TimeStyle, units},
};

/// What colour means. Everything reads without it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Style {
    /// Nothing in particular.
    #[default]
    Plain,
    /// A problem.
    Red,
    /// Caution.
    Yellow,
    /// Implied, absent, or of no interest.
    Dim,
    /// What to look at.
    Bold,
}

/// What stands in one place of a table: escaped text with its meaning.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cell {
    /// Escaped.
    pub text: String,
    /// Its meaning.
    pub style: Style,
}

/// A column of a section.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its heading.
    pub title: &'static str,
    /// Numbers stand at the right.
    pub right: bool,
    /// 0 stays; the highest goes first where the line is too narrow.
    pub rank: u8,
    /// May be cut to so many columns before others are dropped; its full width when 0.
    pub least: usize,
    /// Columns it takes where rows are streamed and cannot be measured first.
    pub fixed: usize,
}

const fn text(title: &'static str, rank: u8, least: usize, fixed: usize) -> Column {
    Column { title, right: false, rank, least, fixed }
}

const fn number(title: &'static str, rank: u8, fixed: usize) -> Column {
    Column { title, right: true, rank, least: 0, fixed }
}

/// What cells need to know of the whole.
pub struct Show {
    /// The capture's first moment.
    pub origin: Option<Timestamp>,
    /// How moments are printed.
    pub time: TimeStyle,
    /// Whether rows name their file.
    pub several_files: bool,
}

/// A section.
pub struct Section {
    /// What it lists.
    pub kind: RecordKind,
    /// Its name.
    pub title: &'static str,
    /// The order when every row is shown.
    pub order: &'static str,
    /// The order when only the best are shown.
    pub cut_order: &'static str,
    /// What rows are ranked by.
    pub key: fn(&Record) -> Key,
    columns: &'static [Column],
    cells: fn(&Record, &Show, &mut Option<Timestamp>) -> Vec<Cell>,
}

const FILE: Column = text("file", 1, 10, 20);

impl Section {
    /// Its columns, the file's among them when there are several.
    pub fn all_columns(&self, show: &Show) -> Vec<Column> {
        let file = show.several_files.then_some(FILE);
        file.into_iter().chain(self.columns.iter().copied()).collect()
    }

    /// A record's row. `previous` is the moment of the row before.
    pub fn cells(&self, record: &Record, show: &Show, previous: &mut Option<Timestamp>) -> Vec<Cell> {
        let name = || record.subject().and_then(|subject| subject.file.as_deref()).unwrap_or_default();
        let file = show.several_files.then(|| cells::plain(name()));
        file.into_iter().chain((self.cells)(record, show, previous)).collect()
    }

    /// A record's row, and those below it.
    pub fn rows(&self, record: &Record, show: &Show, previous: &mut Option<Timestamp>) -> Vec<Vec<Cell>> {
        let below = |row: Vec<Cell>| show.several_files.then(Cell::default).into_iter().chain(row).collect();
        let first = self.cells(record, show, previous);
        let rows_below = resolutions::rows_below(record).into_iter().chain(cells::extensions_below(record));
        let rows_below = rows_below.chain(neighborhood::hops_below(record));
        std::iter::once(first).chain(rows_below.map(below)).collect()
    }
}

/// The sections in the order in which people ask.
pub const SECTIONS: [Section; 19] = [
    Section {
        kind: RecordKind::Connection,
        title: "Connections",
        order: "by start",
        cut_order: "the largest",
        key: connection_key,
        columns: &[
            text("flow", 0, 0, 8),
            number("start", 10, 11),
            text("client → server", 0, 37, 43),
            text("app", 2, 4, 9),
            text("states", 4, 0, 23),
            text("closed", 1, 0, 15),
            number("rtt", 7, 8),
            number("lost", 3, 5),
            number("gaps", 8, 8),
            number("↑ bytes", 9, 8),
            number("↓ bytes", 6, 8),
            number("lasted", 5, 12),
        ],
        cells: cells::connection,
    },
    Section {
        kind: RecordKind::Udp,
        title: "UDP flows",
        order: "by start",
        cut_order: "the largest",
        key: |record| match record {
            Record::Udp(udp) => (udp.client.wire_bytes.saturating_add(udp.server.wire_bytes), 0),
            _ => (0, 0),
        },
        columns: &[
            text("flow", 0, 0, 8),
            number("start", 6, 11),
            text("client → server", 0, 37, 43),
            text("app", 2, 4, 9),
            number("↑ packets", 4, 9),
            number("↓ packets", 4, 9),
            number("bytes", 1, 8),
            number("lasted", 3, 12),
        ],
        cells: cells::udp,
    },
    Section {
        kind: RecordKind::Tls,
        title: "TLS",
        order: "by start",
        cut_order: "failures first, then the slowest",
        key: tls_key,
        columns: &[
            text("flow", 0, 0, 8),
            text("server name", 0, 16, 30),
            text("version", 2, 0, 8),
            text("cipher", 5, 22, 28),
            text("alpn", 6, 0, 8),
            text("resumption", 7, 0, 10),
            text("verified", 3, 10, 12),
            number("handshake", 1, 9),
            text("outcome", 0, 29, 29),
        ],
        cells: cells::tls,
    },
    Section {
        kind: RecordKind::Certificate,
        title: "Certificates",
        order: "by flow",
        cut_order: "the first to expire",
        key: certificate_key,
        columns: &[
            text("subject", 0, 16, 32),
            text("issuer", 2, 12, 28),
            text("valid until", 0, 0, 11),
            text("key", 1, 0, 12),
            text("flow", 0, 0, 8),
        ],
        cells: cells::certificate,
    },
    Section {
        kind: RecordKind::Dns,
        title: "DNS",
        order: "by flow",
        cut_order: "failures first, then the slowest",
        key: cells::dns_key,
        columns: &[
            text("flow", 3, 0, 8),
            text("name", 0, 18, 36),
            text("type", 1, 0, 6),
            text("answer", 0, 20, 40),
            text("server", 4, 12, 22),
            text("authority", 6, 0, 13),
            number("time", 1, 8),
            number("tries", 5, 5),
        ],
        cells: cells::dns,
    },
    Section {
        kind: RecordKind::Resolution,
        title: "Resolutions",
        order: "by flow",
        cut_order: "failures first, then the slowest",
        key: resolutions::resolution_key,
        columns: &[
            text("flow", 6, 0, 8),
            text("name, then servers asked", 0, 24, 34),
            text("question", 2, 16, 30),
            text("answer", 0, 20, 44),
            number("at", 4, 8),
            number("took", 1, 8),
            number("tries", 5, 5),
        ],
        cells: resolutions::resolution,
    },
    Section {
        kind: RecordKind::RoundRobin,
        title: "Round robin",
        order: "by flow",
        cut_order: "the most often asked",
        key: resolutions::round_robin_key,
        columns: &[
            text("flow", 6, 0, 8),
            text("name, then addresses", 0, 20, 36),
            text("type", 4, 0, 6),
            text("server", 3, 12, 22),
            text("order", 1, 0, 17),
            number("stood first", 0, 12),
            number("given", 1, 12),
            number("connected", 1, 9),
        ],
        cells: resolutions::round_robin,
    },
    Section {
        kind: RecordKind::Http,
        title: "HTTP",
        order: "by flow",
        cut_order: "failures first, then the slowest",
        key: cells::http_key,
        columns: &[
            text("flow", 0, 0, 8),
            text("method", 1, 0, 7),
            text("url", 0, 20, 60),
            text("status", 0, 0, 11),
            text("type", 4, 10, 18),
            number("ttfb", 2, 8),
            number("size", 3, 8),
            text("notes", 3, 16, 40),
        ],
        cells: cells::http,
    },
    Section {
        kind: RecordKind::Application,
        title: "Applications",
        order: "by flow",
        cut_order: "the first",
        key: |_| (0, 0),
        columns: &[
            text("flow", 0, 0, 8),
            text("protocol", 0, 0, 9),
            text("server", 2, 0, 21),
            text("what it says", 0, 40, 60),
        ],
        cells: cells::application,
    },
    Section {
        kind: RecordKind::Websocket,
        title: "WebSocket",
        order: "by flow",
        cut_order: "the busiest",
        key: cells::websocket_key,
        columns: &[
            text("flow", 0, 0, 8),
            text("client → server", 0, 24, 44),
            number("↑ messages", 1, 10),
            number("↓ messages", 1, 10),
            number("↑ size", 2, 8),
            number("↓ size", 2, 8),
            number("pings", 4, 5),
            number("lasted", 3, 8),
            text("closed", 0, 14, 30),
        ],
        cells: cells::websocket,
    },
    Section {
        kind: RecordKind::IcmpEcho,
        title: "Pings",
        order: "by flow",
        cut_order: "losses first, then the longest",
        key: neighborhood::echo_key,
        columns: &[
            text("flow", 0, 0, 8),
            text("from → to", 0, 24, 36),
            text("kind", 3, 0, 9),
            number("sent", 0, 6),
            number("answered", 0, 8),
            number("lost", 0, 5),
            number("min", 2, 8),
            number("mean", 1, 8),
            number("max", 2, 8),
            text("notes", 4, 16, 40),
        ],
        cells: neighborhood::echo,
    },
    Section {
        kind: RecordKind::Path,
        title: "Paths",
        order: "by start",
        cut_order: "the longest",
        key: neighborhood::path_key,
        columns: &[
            text("flow", 6, 0, 8),
            text("from → to, then routers", 0, 24, 40),
            text("by", 3, 0, 4),
            number("probes", 1, 7),
            text("end", 0, 0, 20),
            number("mtu, min", 2, 8),
            number("mean", 0, 8),
            number("max", 2, 8),
        ],
        cells: neighborhood::path,
    },
    Section {
        kind: RecordKind::Arp,
        title: "ARP",
        order: "by flow",
        cut_order: "unanswered ones first, then the slowest",
        key: neighborhood::arp_key,
        columns: &[
            text("flow", 0, 0, 8),
            text("kind", 1, 0, 16),
            text("address", 0, 0, 15),
            text("answer", 0, 0, 17),
            text("asked by", 2, 0, 15),
            text("who is", 4, 0, 17),
            number("time", 1, 8),
            number("tries", 3, 5),
        ],
        cells: neighborhood::arp,
    },
    Section {
        kind: RecordKind::Neighbor,
        title: "IPv6 neighbours",
        order: "by flow",
        cut_order: "routers and unanswered ones first, then the slowest",
        key: neighborhood::neighbor_key,
        columns: &[
            text("flow", 0, 0, 8),
            text("kind", 1, 0, 22),
            text("address", 0, 16, 39),
            text("answer", 0, 17, 40),
            text("sent by", 2, 12, 39),
            number("time", 1, 8),
            number("tries", 3, 5),
        ],
        cells: neighborhood::neighbor,
    },
    Section {
        kind: RecordKind::DnsMessage,
        title: "DNS messages",
        order: "as captured",
        cut_order: "the first",
        key: |_| (0, 0),
        columns: &[
            number("packet", 0, 8),
            text("flow", 3, 0, 8),
            text("from", 1, 0, 6),
            text("kind", 2, 0, 8),
            text("question", 0, 16, 40),
            text("rcode", 0, 0, 9),
            number("answers", 4, 7),
        ],
        cells: cells::dns_message,
    },
    Section {
        kind: RecordKind::TlsRecord,
        title: "TLS records",
        order: "as captured",
        cut_order: "the first",
        key: |_| (0, 0),
        columns: &[
            number("packet", 0, 8),
            text("flow", 3, 0, 8),
            text("from", 1, 0, 6),
            text("content", 0, 0, 18),
            text("version", 2, 0, 8),
            number("length", 1, 7),
            text("messages", 0, 12, 40),
        ],
        cells: cells::tls_record,
    },
    Section {
        kind: RecordKind::TlsExtensions,
        title: "TLS extensions",
        order: "as captured",
        cut_order: "the first",
        key: |_| (0, 0),
        columns: &[
            number("packet", 0, 8),
            text("flow", 3, 0, 8),
            text("from", 1, 0, 6),
            text("message", 0, 0, 30),
            number("length", 2, 6),
            text("value", 0, 16, 100),
        ],
        cells: cells::tls_extensions,
    },
    Section {
        kind: RecordKind::QuicPacket,
        title: "QUIC packets",
        order: "as captured",
        cut_order: "the first",
        key: |_| (0, 0),
        columns: &[
            number("packet", 0, 8),
            text("flow", 3, 0, 8),
            text("from", 1, 0, 6),
            text("type", 0, 0, 19),
            text("to id", 2, 0, 40),
            number("number", 0, 8),
            text("frames", 0, 12, 60),
        ],
        cells: cells::quic_packet,
    },
    Section {
        kind: RecordKind::Http2Frame,
        title: "HTTP/2 frames",
        order: "as captured",
        cut_order: "the first",
        key: |_| (0, 0),
        columns: &[
            number("packet", 0, 8),
            text("flow", 3, 0, 8),
            text("from", 1, 0, 6),
            number("stream", 0, 8),
            text("frame", 0, 0, 13),
            text("flags", 2, 0, 5),
            number("length", 1, 7),
            text("headers", 0, 12, 48),
        ],
        cells: cells::http2_frame,
    },
];

fn connection_key(record: &Record) -> Key {
    match record {
        Record::Connection(connection) => {
            let bytes = connection.client.wire_bytes.saturating_add(connection.server.wire_bytes);
            (bytes, u64::from(connection.close.kind != CloseKind::Open))
        }
        _ => (0, 0),
    }
}

fn tls_key(record: &Record) -> Key {
    let Record::Tls(tls) = record else { return (0, 0) };
    let trouble = match tls.outcome {
        TlsOutcome::Failed => 2,
        TlsOutcome::Incomplete => 1,
        TlsOutcome::Established => 0,
    };
    (trouble, tls.handshake_ns.and_then(|ns| u64::try_from(ns).ok()).unwrap_or(0))
}

/// Earlier is better: the first eight digits of an RFC 3339 date, turned round.
fn certificate_key(record: &Record) -> Key {
    let Record::Certificate(certificate) = record else { return (0, 0) };
    let date = certificate.not_after.as_deref().unwrap_or("9999-99-99");
    let digits = date.bytes().filter(u8::is_ascii_digit).take(8);
    let date = digits.fold(0u64, |sum, digit| sum * 10 + u64::from(digit - b'0'));
    (u64::MAX - date, u64::from(certificate.position == 0))
}

/// The busiest hosts as a section.
pub fn talkers(talkers: &Talkers, rows: usize) -> Table {
    let best = talkers.best(rows);
    let most = best.first().map_or(0, |(_, talk)| talk.bytes());
    let about = if talkers.is_approximate() { "≥ " } else { "" };
    let row = |(address, talk): &(std::net::IpAddr, Talk)| {
        let size = |bytes: u64| cells::plain(&format!("{about}{}", units::bytes(bytes)));
        vec![
            cells::plain(&address.to_string()),
            size(talk.sent),
            size(talk.received),
            cells::plain(&units::count(talk.packets)),
            cells::plain(&units::count(talk.flows)),
            Cell { text: bar(talk.bytes(), most), style: Style::Dim },
        ]
    };
    Table {
        title: "Top talkers",
        total: talkers.len() as u64,
        shown: best.len() as u64,
        order: "by bytes".to_owned(),
        columns: vec![
            text("address", 0, 16, 39),
            number("sent", 0, 8),
            number("received", 0, 8),
            number("packets", 1, 9),
            number("flows", 2, 7),
            text("", 3, 0, BAR_WIDTH),
        ],
        rows: best.iter().map(row).collect(),
    }
}

const BAR_WIDTH: usize = 16;

/// A bar as long as `part` is of `whole`, in eighths of a column.
fn bar(part: u64, whole: u64) -> String {
    let eighths = u128::from(part) * BAR_WIDTH as u128 * 8 / u128::from(whole.max(1));
    let eighths = usize::try_from(eighths).unwrap_or(0).clamp(1, BAR_WIDTH * 8);
    let rest = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"].get(eighths % 8).copied().unwrap_or_default();
    format!("{}{rest}", "█".repeat(eighths / 8))
}
