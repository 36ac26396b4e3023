//! CSV (RFC 4180) for spreadsheets and data frames: one kind of record to a stream, or one file per kind in a directory.
//!
//! Columns come from the JSON Schema, so every file of a kind has the same ones: nested objects are joined with dots,
//! lists of plain values with `;`, anything deeper is JSON. Null is empty. Text that a spreadsheet would run as a formula
//! begins with `'`; numbers are never changed.
use std::{
    fs::{self, File},
    io::{self, BufWriter},
    path::{Path, PathBuf},
    sync::LazyLock,
};

use serde_json::Value;

use super::{Output, Writer, escape::escape, ndjson::write_json, schema::schema};
use crate::record::{Record, RecordKind, Wanted};

/// Objects inside objects are followed so deep; below, a cell holds JSON.
const MAX_NESTING: usize = 4;

/// Making it costs more than writing many rows.
static SCHEMA: LazyLock<Value> = LazyLock::new(schema);

/// Writes the records of one kind to one stream and leaves the others out.
pub struct CsvWriter {
    kind: RecordKind,
    sheet: Sheet,
}

impl CsvWriter {
    /// Writes records of `kind` to `out`; the header is written at once.
    ///
    /// # Errors
    /// What the output said.
    pub fn new(kind: RecordKind, out: Output) -> io::Result<Self> {
        Ok(Self { kind, sheet: Sheet::new(&SCHEMA, kind, out)? })
    }

    /// The only kind in `wanted` that has rows of its own, `report` and `capture` aside.
    ///
    /// # Errors
    /// Says what to do when there are several or none.
    pub fn only_kind(wanted: Wanted) -> io::Result<RecordKind> {
        let has = |kind: &RecordKind| wanted.has(*kind);
        let frame = [RecordKind::Capture, RecordKind::Report];
        let mut rows = RecordKind::ALL.into_iter().filter(|kind| has(kind) && !frame.contains(kind));
        match (rows.next(), rows.next()) {
            (Some(kind), None) => Ok(kind),
            (None, _) if frame.iter().any(has) => Ok(frame.into_iter().find(has).unwrap_or(RecordKind::Capture)),
            _ => Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "CSV holds one type of record: name one with --only (such as --only connections), or give a directory",
            )),
        }
    }
}

impl Writer for CsvWriter {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        if record.kind() == self.kind { self.sheet.row(record) } else { Ok(()) }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.sheet.rows.flush()
    }
}

/// Writes one file per kind into a directory: `connection.csv`, `dns.csv`, ...
pub struct CsvDirectory {
    directory: PathBuf,
    sheets: Vec<(RecordKind, Sheet)>,
}

impl CsvDirectory {
    /// Writes into `directory`, which is made when it is missing. A file is made when its first record comes.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn new(directory: &Path) -> io::Result<Self> {
        fs::create_dir_all(directory)?;
        Ok(Self { directory: directory.to_owned(), sheets: Vec::new() })
    }
}

impl Writer for CsvDirectory {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let kind = record.kind();
        if let Some((_, sheet)) = self.sheets.iter_mut().find(|(of, _)| *of == kind) {
            return sheet.row(record);
        }
        let file = File::create(self.directory.join(format!("{}.csv", kind.type_name())))?;
        let mut sheet = Sheet::new(&SCHEMA, kind, Box::new(BufWriter::new(file)))?;
        sheet.row(record)?;
        self.sheets.push((kind, sheet));
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        self.sheets.iter_mut().try_for_each(|(_, sheet)| sheet.rows.flush())
    }
}

/// One CSV output with its columns.
struct Sheet {
    columns: Vec<Vec<String>>,
    rows: csv::Writer<Output>,
}

impl Sheet {
    fn new(schema: &Value, kind: RecordKind, out: Output) -> io::Result<Self> {
        let columns = columns(schema, kind);
        let mut rows = csv::Writer::from_writer(out);
        rows.write_record(columns.iter().map(|path| path.join(".")))?;
        Ok(Self { columns, rows })
    }

    fn row(&mut self, record: &Record) -> io::Result<()> {
        let value = serde_json::to_value(record)?;
        for path in &self.columns {
            let found = path.iter().try_fold(&value, |inside, key| inside.get(key));
            self.rows.write_field(found.map_or_else(String::new, cell))?;
        }
        self.rows.write_record(None::<&[u8]>)?;
        Ok(())
    }
}

/// Paths of the columns of `kind`, in the order of declaration.
fn columns(schema: &Value, kind: RecordKind) -> Vec<Vec<String>> {
    let variants = schema.get("oneOf").and_then(Value::as_array);
    let is_kind =
        |variant: &&Value| variant.pointer("/properties/type/const").is_some_and(|name| name == kind.type_name());
    let mut found = Vec::new();
    if let Some(variant) = variants.and_then(|variants| variants.iter().find(is_kind)) {
        collect_columns(schema, variant, &mut Vec::new(), &mut found);
    }
    found
}

fn collect_columns(schema: &Value, part: &Value, path: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let target = resolve(schema, part);
    let own = part.get("properties").and_then(Value::as_object);
    let referred = target.get("properties").and_then(Value::as_object).filter(|_| !std::ptr::eq(part, target));
    if path.len() >= MAX_NESTING || (own.is_none() && referred.is_none()) {
        if !path.is_empty() {
            found.push(path.clone());
        }
        return;
    }
    for (name, property) in own.into_iter().chain(referred).flatten() {
        path.push(name.clone());
        collect_columns(schema, property, path, found);
        path.pop();
    }
}

/// What `part` refers to: through `$ref`, and through "this or null".
fn resolve<'a>(schema: &'a Value, part: &'a Value) -> &'a Value {
    if let Some(name) = part.get("$ref").and_then(Value::as_str) {
        return schema.pointer(name.trim_start_matches('#')).map_or(part, |target| resolve(schema, target));
    }
    let choices = part.get("anyOf").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    let mut real = choices.iter().filter(|choice| choice.get("type").is_none_or(|name| name != "null"));
    match (real.next(), real.next()) {
        (Some(only), None) => resolve(schema, only),
        _ => part,
    }
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => text_cell(text),
        Value::Array(list) => match list.iter().map(list_item).collect::<Option<Vec<_>>>() {
            Some(items) => text_cell(&items.join(";")),
            None => json_cell(value),
        },
        Value::Object(_) => json_cell(value),
    }
}

/// Plain values that can be joined with `;` and told apart again.
fn list_item(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => (!text.contains(';')).then(|| text.clone()),
        Value::Number(_) | Value::Bool(_) => Some(value.to_string()),
        _ => None,
    }
}

fn json_cell(value: &Value) -> String {
    let mut bytes = Vec::new();
    // Writing to memory cannot fail.
    drop(write_json(&mut bytes, value));
    String::from_utf8(bytes).unwrap_or_default()
}

fn text_cell(text: &str) -> String {
    let guarded = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("{}{}", if guarded { "'" } else { "" }, escape(text))
}
