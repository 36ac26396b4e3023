//! One writer per format. Writers know no protocol; only writers escape and format.
use std::{
    fmt,
    io::{self, Write},
    str::FromStr,
};

use crate::record::{Glance, HttpContent, Record, Timestamp, Wanted};

pub mod catalogue;
pub mod csv;
pub mod escape;
pub mod html;
pub mod json;
pub mod ladder;
pub mod markdown;
pub mod ndjson;
pub mod packets;
pub mod schema;
pub mod screen;
mod statistics;
pub mod stream;
mod summary;
pub mod table;
#[cfg(test)]
mod tests;
mod tls_extensions;
pub mod units;
pub mod width;

pub use schema::schema;

/// Where a writer writes.
pub type Output = Box<dyn Write + Send>;

/// Columns of a line when nobody says how wide the terminal is, or when there is none.
pub const DEFAULT_WIDTH: usize = 120;

/// Prints records in one format.
pub trait Writer {
    /// Takes one record. Records come in their final order: `report` first, `capture` last.
    ///
    /// # Errors
    /// What the output said.
    fn record(&mut self, record: &Record) -> io::Result<()>;

    /// Takes a piece of a message's content, before the record of its transaction. Only who asked for content needs it.
    ///
    /// # Errors
    /// What the output said.
    fn content(&mut self, content: &HttpContent) -> io::Result<()> {
        let _ = content;
        Ok(())
    }

    /// How often it wishes to see what is open, in nanoseconds of the capture's time; `None`, and nothing is looked up. Asked
    /// once, before the first packet.
    fn glance_every_ns(&self) -> Option<i64> {
        None
    }

    /// Sees what is open now. All records complete by then have come before.
    ///
    /// # Errors
    /// What the output said.
    fn glance(&mut self, glance: &Glance) -> io::Result<()> {
        let _ = glance;
        Ok(())
    }

    /// Nothing more will come: prints what is left and flushes.
    ///
    /// # Errors
    /// What the output said.
    fn finish(&mut self) -> io::Result<()>;
}

/// The formats of `--format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people.
    #[default]
    Table,
    /// One JSON object a line.
    Ndjson,
    /// One JSON array.
    Json,
    /// One kind of record, comma-separated.
    Csv,
    /// The tables, for a ticket or a wiki.
    Markdown,
    /// The tables, as one self-contained page.
    Html,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 6] = [Self::Table, Self::Ndjson, Self::Json, Self::Csv, Self::Markdown, Self::Html];

    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Ndjson => "ndjson",
            Self::Json => "json",
            Self::Csv => "csv",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        let known = || Self::ALL.map(Self::name).join(", ");
        Self::ALL
            .into_iter()
            .find(|format| format.name() == name)
            .ok_or_else(|| format!("no such format; known: {}", known()))
    }
}

/// How tables print moments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum TimeStyle {
    /// Since the first packet of the capture.
    #[default]
    Relative,
    /// Since the row before.
    Delta,
    /// UTC.
    Utc,
    /// The machine's time zone.
    Local,
    /// Seconds since 1970.
    Epoch,
}

/// What the user wishes of a report for people. Machine formats heed none of it but `wanted`.
#[derive(Clone, Debug)]
pub struct Options {
    /// Columns of a line; `None` is [`DEFAULT_WIDTH`]. Give the terminal's, or COLUMNS where that is set.
    pub width: Option<usize>,
    /// Whether to colour.
    pub color: bool,
    /// Every row instead of the first 20 of each section.
    pub all: bool,
    /// How moments are printed.
    pub time: TimeStyle,
    /// Kinds of record to print.
    pub wanted: Wanted,
    /// What the program is called in the hints at the foot; `None` prints no hints.
    pub program: Option<String>,
    /// The capture's first moment, where it is known beforehand. Only streamed rows need it (`all`, packet lines).
    pub origin: Option<Timestamp>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            width: None,
            color: false,
            all: false,
            time: TimeStyle::default(),
            wanted: Wanted::usual(),
            program: Some("wireglass".to_owned()),
            origin: None,
        }
    }
}

impl Options {
    /// Columns of a line.
    #[must_use]
    pub fn columns(&self) -> usize {
        self.width.unwrap_or(DEFAULT_WIDTH).max(table::MIN_WIDTH)
    }
}

/// The writer of `format` to `out`. `out` should be buffered.
///
/// # Errors
/// When CSV is to hold several kinds of record (see [`csv::CsvDirectory`]), and what the output said.
pub fn writer(format: Format, out: Output, options: Options) -> io::Result<Box<dyn Writer + Send>> {
    Ok(match format {
        Format::Table if options.all => Box::new(table::StreamedTables::new(out, options)),
        Format::Table => Box::new(table::TableWriter::new(out, options)),
        Format::Ndjson => Box::new(ndjson::NdjsonWriter::new(out)),
        Format::Json => Box::new(json::JsonWriter::new(out)),
        Format::Csv => Box::new(csv::CsvWriter::new(csv::CsvWriter::only_kind(options.wanted)?, out)?),
        Format::Markdown => Box::new(markdown::MarkdownWriter::new(out, options)),
        Format::Html => Box::new(html::HtmlWriter::new(out, options)),
    })
}

/// The writer of one CSV file per kind of record into `directory`.
///
/// # Errors
/// When the directory cannot be made.
pub fn csv_directory(directory: &std::path::Path) -> io::Result<Box<dyn Writer + Send>> {
    Ok(Box::new(csv::CsvDirectory::new(directory)?))
}
