//! JSON: one array of all records, one record a line.
use std::io::{self, Write};

use super::{Output, Writer, ndjson::write_json};
use crate::record::Record;

/// Writes one array, element by element as the records come.
pub struct JsonWriter {
    out: Output,
    begun: bool,
}

impl JsonWriter {
    /// Writes to `out`.
    #[must_use]
    pub fn new(out: Output) -> Self {
        Self { out, begun: false }
    }
}

impl Writer for JsonWriter {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.out.write_all(if self.begun { b",\n" } else { b"[\n" })?;
        self.begun = true;
        write_json(&mut self.out, record)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.write_all(if self.begun { b"\n]\n" } else { b"[]\n" })?;
        self.out.flush()
    }
}
