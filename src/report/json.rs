//! JSON: one array of all records, one record a line.
use std::io::{self, Write};

use super::{Output, Writer, ndjson::write_json};
use crate::record::Record;

/// Writes one array, element by element as the records come.
pub struct JsonWriter {
    out: Output,
    begun: bool,
    /// One record; its memory is used again for the next.
    element: Vec<u8>,
}

impl JsonWriter {
    /// Writes to `out`.
    #[must_use]
    pub fn new(out: Output) -> Self {
        Self { out, begun: false, element: Vec::new() }
    }
}

impl Writer for JsonWriter {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.out.write_all(if self.begun { b",\n" } else { b"[\n" })?;
        self.begun = true;
        self.element.clear();
        write_json(&mut self.element, record)?;
        self.out.write_all(&self.element)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.write_all(if self.begun { b"\n]\n" } else { b"[]\n" })?;
        self.out.flush()
    }
}
