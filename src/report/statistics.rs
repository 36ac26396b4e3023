//! The tables of `wireglass statistics`. Its records come in their final order, so the first rows of each are kept.
mod chart;
mod rows;

use super::{
    Options,
    summary::{Cell, Column, Style, Table},
    units,
};
use crate::record::{Record, RecordKind, StatisticsLayer};

/// Rows of a section that is told whole: no hierarchy or chart is worth a cut that a person would not make.
const WHOLE: usize = 500;

/// The first rows of each table.
pub struct Gathered {
    rows: usize,
    parts: Vec<Part>,
}

/// Records of one kind and layer.
struct Part {
    kind: RecordKind,
    layer: Option<StatisticsLayer>,
    total: u64,
    records: Vec<Record>,
}

impl Gathered {
    /// Keeps `rows` rows of each table.
    pub fn new(rows: usize) -> Self {
        Self { rows, parts: Vec::new() }
    }

    /// Takes in what is a statistic.
    pub fn add(&mut self, record: &Record) {
        let kind = record.kind();
        if !kind.is_statistics() {
            return;
        }
        let layer = match record {
            Record::StatisticsConversation(conversation) => Some(conversation.layer),
            Record::StatisticsEndpoint(endpoint) => Some(endpoint.layer),
            _ => None,
        };
        let is_listed = layer.is_some() || kind == RecordKind::StatisticsHops;
        let most = if is_listed { self.rows } else { self.rows.max(WHOLE) };
        let known = self.parts.iter().position(|part| part.kind == kind && part.layer == layer);
        let place = known.unwrap_or_else(|| {
            self.parts.push(Part { kind, layer, total: 0, records: Vec::new() });
            self.parts.len() - 1
        });
        if let Some(part) = self.parts.get_mut(place) {
            part.total += 1;
            if part.records.len() < most {
                part.records.push(record.clone());
            }
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Whether some table does not show all its rows.
    pub fn is_cut(&self) -> bool {
        self.parts.iter().any(|part| part.total > part.records.len() as u64)
    }

    /// The tables in the order in which their records came.
    pub fn tables(&self, options: &Options) -> Vec<Table> {
        self.parts.iter().map(|part| part.table(options)).collect()
    }
}

impl Part {
    fn table(&self, options: &Options) -> Table {
        let layer = self.layer.unwrap_or(StatisticsLayer::Eth);
        let (title, columns, rows, order) = match self.kind {
            RecordKind::StatisticsProtocol => {
                ("Protocol hierarchy", rows::PROTOCOL.to_vec(), rows::protocols(&self.records), String::new())
            }
            RecordKind::StatisticsConversation => (
                rows::conversations_title(layer),
                rows::CONVERSATION.to_vec(),
                self.each(rows::conversation),
                self.order(),
            ),
            RecordKind::StatisticsEndpoint => {
                (rows::endpoints_title(layer), rows::ENDPOINT.to_vec(), self.each(rows::endpoint), self.order())
            }
            RecordKind::StatisticsInterval => {
                let (columns, rows, order) = chart::over_time(&self.records, options);
                ("Traffic over time", columns, rows, order)
            }
            RecordKind::StatisticsLength => (
                "Packet lengths",
                rows::LENGTH.to_vec(),
                chart::lengths(&self.records, options),
                "bytes on the wire".to_owned(),
            ),
            RecordKind::StatisticsHops => {
                ("Hops from senders", rows::HOPS.to_vec(), self.each(rows::hops), "the busiest sender first".to_owned())
            }
            _ => ("Classes of service", rows::DSCP.to_vec(), self.each(rows::dscp), "by codepoint".to_owned()),
        };
        Table { title, total: self.total, shown: self.records.len() as u64, order, columns, rows }
    }

    /// How conversations and endpoints are sorted, when it shows.
    fn order(&self) -> String {
        let amounts = |record: &Record| match record {
            Record::StatisticsConversation(it) => (it.bytes, it.packets),
            Record::StatisticsEndpoint(it) => (it.bytes, it.packets),
            _ => (0, 0),
        };
        let falls = |amount: fn((u64, u64)) -> u64| {
            self.records.is_sorted_by_key(|record| std::cmp::Reverse(amount(amounts(record))))
        };
        match () {
            () if falls(|(bytes, _)| bytes) => "the most bytes first".to_owned(),
            () if falls(|(_, packets)| packets) => "the most packets first".to_owned(),
            () => "as asked".to_owned(),
        }
    }

    fn each(&self, row: fn(&Record) -> Vec<Cell>) -> Vec<Vec<Cell>> {
        self.records.iter().map(row).collect()
    }
}

const fn text(title: &'static str, rank: u8, least: usize) -> Column {
    Column { title, right: false, rank, least, fixed: 0 }
}

const fn number(title: &'static str, rank: u8) -> Column {
    Column { title, right: true, rank, least: 0, fixed: 0 }
}

fn plain(text: String) -> Cell {
    Cell { text, style: Style::Plain }
}

fn dim(text: String) -> Cell {
    Cell { text, style: Style::Dim }
}

/// A count; nothing is dim.
fn count(number: u64) -> Cell {
    if number == 0 { dim("0".to_owned()) } else { plain(units::count(number)) }
}

/// A size; nothing is dim.
fn size(bytes: u64) -> Cell {
    if bytes == 0 { dim("0".to_owned()) } else { plain(units::bytes(bytes)) }
}

/// A rate in bits per second.
fn rate(bits_per_second: Option<u64>) -> Cell {
    match bits_per_second {
        Some(bits) => plain(units::bits_per_second(bits)),
        None => dim("–".to_owned()),
    }
}

/// A share in percent: three significant digits.
fn share(percent: f64) -> Cell {
    let text = match percent {
        percent if percent >= 99.95 => format!("{percent:.0} %"),
        percent if percent >= 9.995 => format!("{percent:.1} %"),
        percent if percent > 0.0 => format!("{percent:.2} %"),
        _ => return dim("0 %".to_owned()),
    };
    plain(text)
}
