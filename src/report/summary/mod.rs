//! What the reports for people show, gathered in bounded memory: the captures, the problems by code, the busiest hosts,
//! and the best rows of each section. Layout is the writers' business.
mod applications;
mod captures;
mod cells;
mod http_notes;
mod neighborhood;
mod problems;
mod resolutions;
mod sections;
mod top;

pub use captures::{headline, hierarchy, remarks};
pub use cells::plain;
pub use problems::{Problem, Problems, symbol};
pub use sections::{Cell, Column, SECTIONS, Section, Show, Style};
pub use top::{Talkers, Top};

use super::{Options, statistics::Gathered};
use crate::{
    limits,
    record::{Capture, Record, RecordKind, Timestamp},
};

/// Everything a report for people needs.
pub struct Summary {
    /// Names of the captures, as given.
    pub files: Vec<String>,
    /// One for each file, at the end.
    pub captures: Vec<Capture>,
    /// Findings by code.
    pub problems: Problems,
    talkers: Talkers,
    tops: Vec<Top>,
    statistics: Gathered,
}

/// A section ready to be laid out.
pub struct Table {
    /// Its name.
    pub title: &'static str,
    /// Records there are, shown or not.
    pub total: u64,
    /// How many of them are shown; each may take several rows.
    pub shown: u64,
    /// What the rows are sorted by, in words.
    pub order: String,
    /// The columns.
    pub columns: Vec<Column>,
    /// The rows, as many cells as there are columns.
    pub rows: Vec<Vec<Cell>>,
}

impl Summary {
    /// Keeps at most `rows` rows of each section.
    pub fn new(rows: usize) -> Self {
        Self {
            files: Vec::new(),
            captures: Vec::new(),
            problems: Problems::default(),
            talkers: Talkers::default(),
            tops: SECTIONS.iter().map(|_| Top::new(rows)).collect(),
            statistics: Gathered::new(rows),
        }
    }

    /// Takes a record in.
    pub fn add(&mut self, record: &Record) {
        self.add_totals(record);
        self.statistics.add(record);
        let kind = record.kind();
        let place = SECTIONS.iter().zip(&mut self.tops).find(|(section, _)| section.kind == kind);
        if let Some((section, top)) = place {
            // Many connections show the same certificate: one row is enough.
            if let Record::Certificate(new) = record
                && top.is_small()
                && top.any(|kept| matches!(kept, Record::Certificate(kept) if kept.sha256 == new.sha256))
            {
                return;
            }
            top.offer((section.key)(record), record);
        }
    }

    /// Takes in all but the rows.
    pub fn add_totals(&mut self, record: &Record) {
        match record {
            Record::Report(report) => self.files.clone_from(&report.files),
            Record::Capture(capture) => {
                let mut capture = (**capture).clone();
                if !self.statistics.is_empty() {
                    // They have a table of their own.
                    capture.protocols.clear();
                }
                self.captures.push(capture);
            }
            Record::Finding(finding) => self.problems.add(finding),
            Record::Connection(connection) => {
                let (client, server) = (&connection.client, &connection.server);
                let packets = client.packets.saturating_add(server.packets);
                self.talkers.add(client.address, client.wire_bytes, server.wire_bytes, packets);
                self.talkers.add(server.address, server.wire_bytes, client.wire_bytes, packets);
            }
            Record::Udp(udp) => {
                let (client, server) = (&udp.client, &udp.server);
                let packets = client.packets.saturating_add(server.packets);
                self.talkers.add(client.endpoint.address, client.wire_bytes, server.wire_bytes, packets);
                self.talkers.add(server.endpoint.address, server.wire_bytes, client.wire_bytes, packets);
            }
            _ => {}
        }
    }

    /// Whether statistics were asked for: then nobody looked for problems.
    pub fn has_statistics(&self) -> bool {
        !self.statistics.is_empty()
    }

    /// Whether there are several files, so that rows must name theirs.
    pub fn several_files(&self) -> bool {
        self.files.len() > 1 || self.captures.len() > 1
    }

    /// The first moment of the captures.
    pub fn origin(&self) -> Option<Timestamp> {
        self.captures.iter().filter_map(|capture| capture.first_ts).min()
    }

    /// The busiest hosts, when there are enough to compare.
    pub fn talkers(&self, options: &Options) -> Option<Table> {
        let wanted = options.wanted.has(RecordKind::Connection) && options.wanted.has(RecordKind::Udp);
        if !wanted || self.talkers.len() < 3 {
            return None;
        }
        let rows = if options.all { limits::MAX_TALKERS } else { limits::TABLE_ROWS / 2 };
        Some(sections::talkers(&self.talkers, rows))
    }

    /// The sections that have rows, in the order in which people ask.
    pub fn tables(&self, options: &Options) -> Vec<Table> {
        let show =
            Show { origin: self.origin().or(options.origin), time: options.time, several_files: self.several_files() };
        let filled = SECTIONS
            .iter()
            .zip(&self.tops)
            .filter(|(section, top)| top.total() > 0 && options.wanted.has(section.kind));
        let records = filled.map(|(section, top)| table(section, top, &show));
        records.chain(self.statistics.tables(options)).collect()
    }

    /// Whether some section does not show all its rows.
    pub fn is_cut(&self, options: &Options) -> bool {
        let shown = SECTIONS.iter().zip(&self.tops).filter(|(section, _)| options.wanted.has(section.kind));
        shown.into_iter().any(|(_, top)| top.is_cut()) || self.statistics.is_cut()
    }

    /// The first flow shown among the connections: what the hint at the foot points to.
    pub fn first_connection(&self) -> Option<String> {
        let place = SECTIONS.iter().zip(&self.tops).find(|(section, _)| section.kind == RecordKind::Connection);
        let rows = place.map(|(_, top)| top.rows()).unwrap_or_default();
        rows.first().and_then(|record| record.subject()).and_then(|subject| subject.flow).map(|flow| flow.to_string())
    }
}

fn table(section: &Section, top: &Top, show: &Show) -> Table {
    let order = if top.is_cut() { section.cut_order } else { section.order };
    let mut previous = None;
    let records = top.rows();
    let shown = records.len() as u64;
    let rows = records.into_iter().flat_map(|record| section.rows(record, show, &mut previous)).collect();
    Table {
        title: section.title,
        total: top.total(),
        shown,
        order: order.to_owned(),
        columns: section.all_columns(show),
        rows,
    }
}
