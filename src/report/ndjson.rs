//! NDJSON: one JSON object a line, safe to look at on a terminal, and the same JSON to a parser.
use std::io::{self, Write};

use serde::Serialize;
use serde_json::ser::{Formatter, Serializer};

use super::{Output, Writer, escape::is_hidden};
use crate::record::Record;

/// Writes one object a line, as each record comes.
pub struct NdjsonWriter {
    out: Output,
    /// One line; its memory is used again for the next.
    line: Vec<u8>,
}

impl NdjsonWriter {
    /// Writes to `out`.
    #[must_use]
    pub fn new(out: Output) -> Self {
        Self { out, line: Vec::new() }
    }
}

impl Writer for NdjsonWriter {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.line.clear();
        write_json(&mut self.line, record)?;
        self.line.push(b'\n');
        self.out.write_all(&self.line)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Writes `value` as JSON whose strings escape everything a terminal would obey or hide.
///
/// # Errors
/// What the output said.
pub fn write_json<W: Write + ?Sized, T: Serialize + ?Sized>(out: &mut W, value: &T) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(&mut *out, Harmless);
    value.serialize(&mut serializer).map_err(io::Error::from)
}

/// Compact JSON. serde_json escapes C0 itself; DEL, C1, bidi and format characters are escaped here.
struct Harmless;

impl Formatter for Harmless {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        // All but a few strings are plain ASCII: one pass over bytes.
        if fragment.bytes().all(|byte| byte < 0x7f) {
            return writer.write_all(fragment.as_bytes());
        }
        let mut rest = fragment;
        while let Some((at, hidden)) = rest.char_indices().find(|(_, c)| is_hidden(*c)) {
            let (before, after) = rest.split_at(at);
            writer.write_all(before.as_bytes())?;
            for unit in hidden.encode_utf16(&mut [0; 2]) {
                write!(writer, "\\u{unit:04x}")?;
            }
            rest = after.get(hidden.len_utf8()..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}
