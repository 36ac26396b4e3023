//! A snapshot as TOML, and putting it into a SPEC without touching the rest of it.
use std::fmt::Write as _;

use serde_json::Value;
use toml_edit::{Array, DocumentMut, Item};

use super::{
    Found, Snapshot,
    normalise::{Normal, normalised},
};
use crate::{
    check::{fields, spec::Spec},
    record::{RecordKind, Wanted},
};

/// The types of record of a new snapshot: all that a report has by default, but the line about the program itself.
#[must_use]
pub fn default_records() -> Vec<RecordKind> {
    let usual = Wanted::usual();
    fields::kinds().filter(|kind| usual.has(*kind) && *kind != RecordKind::Report).collect()
}

/// Stands before what is written by the program.
const MARKER: &str = "# What follows is written by `wireglass check --bless`; changes and comments in it do not last.";

/// `text`, the SPEC, with `found` as its snapshot. All else stays as it is.
///
/// # Errors
/// It is no TOML; a SPEC that was read is.
pub fn bless(text: &str, spec: &Spec, found: Vec<Found>) -> Result<String, String> {
    let mut spec = spec.clone();
    spec.will_be_blessed();
    let snapshot = spec.snapshot.unwrap_or_default();
    let normals = normalised(&snapshot, found);
    let mut document: DocumentMut = text.parse().map_err(|error: toml_edit::TomlError| error.to_string())?;
    let kept = without_records(&mut document);
    choose(&mut document, &snapshot);
    let mut written = document.to_string();
    for rest in kept {
        written.push_str(&rest);
    }
    let mut written = written.trim_end().to_owned();
    if !written.is_empty() {
        written.push_str("\n\n");
    }
    if snapshot.is_new || document.get("snapshot").is_none() {
        written.push_str(&header(&snapshot));
        written.push('\n');
    }
    written.push_str(MARKER);
    written.push('\n');
    for kind in &snapshot.records {
        for normal in normals.iter().filter(|normal| normal.record == *kind) {
            record(normal, &mut written);
        }
    }
    Ok(written)
}

/// Takes the records out, and answers what people had written before the marker.
fn without_records(document: &mut DocumentMut) -> Vec<String> {
    let mut kept = Vec::new();
    let mut keep = |text: &str| {
        if let Some((before, _)) = text.split_once(MARKER)
            && !before.trim().is_empty()
        {
            kept.push(format!("\n{}\n", before.trim()));
        }
    };
    let trailing = document.trailing().as_str().unwrap_or_default().to_owned();
    if let Some((before, _)) = trailing.split_once(MARKER) {
        document.set_trailing(before.to_owned());
    }
    let Some(table) = document.get_mut("snapshot").and_then(Item::as_table_mut) else { return kept };
    for kind in fields::kinds() {
        if let Some(Item::ArrayOfTables(tables)) = table.remove(kind.list_name()) {
            for table in &tables {
                keep(table.decor().prefix().and_then(toml_edit::RawString::as_str).unwrap_or_default());
            }
        }
    }
    if table.is_implicit() {
        document.remove("snapshot");
    }
    kept
}

/// Says which types of record there are, where the SPEC does not.
fn choose(document: &mut DocumentMut, snapshot: &Snapshot) {
    let Some(table) = document.get_mut("snapshot").and_then(Item::as_table_mut) else { return };
    if !table.contains_key("records") {
        let names: Array = snapshot.records.iter().map(|kind| kind.list_name()).collect();
        table.insert("records", toml_edit::value(names));
    }
}

/// `[snapshot]` of a SPEC that had none.
fn header(snapshot: &Snapshot) -> String {
    let list = |names: Vec<&str>| names.iter().map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    let records = list(snapshot.records.iter().map(|kind| kind.list_name()).collect());
    let rules = list(snapshot.rules.iter().map(|rule| rule.name()).collect());
    format!(
        "[snapshot]\n\
         # The types of record that must stay as they are.\n\
         records = [{records}]\n\
         # What is taken out, as it differs each time. For a capture that is recorded again, consider \"counts\" too.\n\
         normalise = [{rules}]\n\
         # Fields to leave out besides, such as \"connection.transitions\" or \"*.evidence_total\".\n\
         ignore = [{}]\n",
        ""
    )
}

fn record(normal: &Normal, out: &mut String) {
    // Writing to a string cannot fail.
    let _ = write!(out, "\n[[snapshot.{}]]\n", normal.record.list_name());
    fields_of("", &normal.value, out);
}

/// The fields of an object, a line each.
fn fields_of(path: &str, value: &Value, out: &mut String) {
    for (name, value) in value.as_object().into_iter().flatten() {
        let path = if path.is_empty() { key(name) } else { format!("{path}.{}", key(name)) };
        match value {
            Value::Object(_) => fields_of(&path, value, out),
            Value::Array(elements) if elements.iter().any(|element| element.is_object() || element.is_array()) => {
                let _ = writeln!(out, "{path} = [");
                for element in elements {
                    let _ = writeln!(out, "  {},", inline(element));
                }
                out.push_str("]\n");
            }
            scalar => {
                let _ = writeln!(out, "{path} = {}", inline(scalar));
            }
        }
    }
}

/// A value on one line, as TOML writes it.
#[must_use]
pub fn inline(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => flag.to_string(),
        Value::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(whole), _) => whole.to_string(),
            // TOML wants a dot or an exponent.
            (None, Some(fraction)) => format!("{fraction:?}"),
            _ => "0".to_owned(),
        },
        Value::String(text) => quoted(text),
        Value::Array(elements) => {
            format!("[{}]", elements.iter().map(inline).collect::<Vec<_>>().join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> =
                fields.iter().map(|(name, value)| format!("{} = {}", key(name), inline(value))).collect();
            if fields.is_empty() { "{}".to_owned() } else { format!("{{ {} }}", fields.join(", ")) }
        }
    }
}

fn key(name: &str) -> String {
    let is_bare = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte));
    if is_bare { name.to_owned() } else { quoted(name) }
}

/// A text in quotation marks; what a terminal would obey is written out.
fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            letter if crate::report::escape::is_hidden(letter) => {
                let code = u32::from(letter);
                let _ = if code < 0x1_0000 { write!(out, "\\u{code:04X}") } else { write!(out, "\\U{code:08X}") };
            }
            letter => out.push(letter),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn blessed(text: &str, values: &[Value]) -> String {
        let spec = Spec::parse("spec.toml", text).unwrap();
        let found = values
            .iter()
            .map(|value| Found {
                record: RecordKind::Tls,
                flow: None,
                value: value.clone(),
                proof: crate::check::verdict::Proof::default(),
            })
            .collect();
        bless(text, &spec, found).unwrap()
    }

    #[test]
    fn blessing_twice_gives_the_same_bytes() {
        let values = [json!({"version": "TLS 1.3", "alpn": null, "client_hellos": [{"alpn": ["h2"], "groups": []}]})];
        for text in [
            "",
            "# mine\n[[check]] # it\nnone = 'tls'\n",
            "[snapshot]\nrecords = [ 'tls' ] # only\n",
            "[[snapshot.tls]]\nversion = 'x'\n\n# keep me\n[[check]]\nnone = \"tls\"\n# at the end\n",
            "[snapshot]\n\n# a word of mine\n",
        ] {
            let once = blessed(text, &values);
            assert_eq!(blessed(&once, &values), once, "{text}");
            let spec = Spec::parse("spec.toml", &once).unwrap_or_else(|mistake| panic!("{mistake}\n{once}"));
            assert_eq!(spec.snapshot.unwrap().saved.len(), 1, "{once}");
            for line in text.lines().filter(|line| !line.contains("snapshot.tls") && !line.contains("version")) {
                assert!(once.contains(line), "lost {line}:\n{once}");
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_comes_back(text in any::<String>(), name in any::<String>()) {
            let value = json!({"version": text, "deep": {name: [1, -7, {"x": text}]}});
            let written = blessed("", std::slice::from_ref(&value));
            let spec = Spec::parse("spec.toml", &written).unwrap_or_else(|mistake| panic!("{mistake}\n{written}"));
            let saved = &spec.snapshot.as_ref().unwrap().saved[0];
            let found = vec![Found {
                record: RecordKind::Tls, flow: None, value, proof: crate::check::verdict::Proof::default(),
            }];
            let normal = &normalised(spec.snapshot.as_ref().unwrap(), found)[0];
            prop_assert_eq!(&saved.value, &normal.value);
        }
    }
}
