//! What became of an assertion, with the records that show it.
use serde_json::Value;

use super::fields::Field;
use crate::record::Record;

/// Whether an assertion held.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// What it is called.
    pub name: String,
    /// Where it is in the SPEC, from 1.
    pub line: usize,
    /// Whether it holds.
    pub holds: bool,
    /// Records it looked at.
    pub seen: u64,
    /// What it asks.
    pub expected: String,
    /// What there is.
    pub found: String,
    /// What else should be known.
    pub note: Option<String>,
    /// The first records that show it.
    pub proofs: Vec<Proof>,
    /// How many there are.
    pub proofs_total: u64,
    /// Of a snapshot: what is different.
    pub differences: Vec<Difference>,
    /// How many records are.
    pub differences_total: u64,
}

/// A record that shows something.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Proof {
    /// What it is: its type, its ends, its name.
    pub heading: String,
    /// The number of its flow.
    pub flow: Option<String>,
    /// Packets it rests on, the first ones.
    pub evidence: Vec<u64>,
    /// How many there are.
    pub evidence_total: u64,
    /// Values of the fields that were asked about.
    pub values: Vec<(String, String)>,
    /// Whether `wireglass connection` can show its flow.
    pub has_connection: bool,
}

/// Packets that are named with a record.
const EVIDENCE: usize = 6;

impl Proof {
    /// Of a record, with its values of `fields`.
    pub fn of<'f>(record: &Record, value: &Value, fields: impl Iterator<Item = &'f Field>) -> Self {
        let mut proof = Self { heading: heading(record.kind().type_name(), value), ..Self::default() };
        if let Some(subject) = record.subject() {
            proof.flow = subject.flow.map(|flow| flow.to_string());
            let numbers = subject.evidence.numbers();
            proof.evidence = numbers.iter().take(EVIDENCE).map(|number| number.number()).collect();
            proof.evidence_total = value["evidence_total"].as_u64().unwrap_or_default();
            let has_port =
                |side: &str| value.get(side).and_then(|end| end.get("port")?.as_u64()).is_some_and(|port| port > 0);
            proof.has_connection = proof.flow.is_some() && has_port("client") && has_port("server");
        }
        // A code alone says little.
        if let Record::Finding(finding) = record {
            proof.values.push(("finding.title".to_owned(), finding.title.to_string()));
        }
        for field in fields {
            let shown = shown(field, value);
            if !proof.values.iter().any(|(path, _)| *path == field.path) {
                proof.values.push((field.path.clone(), shown));
            }
        }
        proof
    }

    /// The command that shows more of it, in a capture of this name.
    #[must_use]
    pub fn command(&self, capture: &str) -> Option<String> {
        let file = quoted(capture);
        match (&self.flow, self.evidence.first()) {
            (Some(flow), _) if self.has_connection => Some(format!("wireglass connection {file} {flow}")),
            (_, Some(packet)) => Some(format!("wireglass packets {file} -V -Y 'frame.number == {packet}'")),
            _ => None,
        }
    }

    /// `flow 17  #1 #2 #3`.
    #[must_use]
    pub fn place(&self) -> String {
        let flow = self.flow.as_ref().map(|flow| format!("flow {flow}"));
        let packets = self.evidence.iter().map(|number| format!("#{number}")).collect::<Vec<_>>().join(" ");
        let more = if self.evidence_total > self.evidence.len() as u64 { " ..." } else { "" };
        let packets = (!packets.is_empty()).then(|| packets + more);
        flow.into_iter().chain(packets).collect::<Vec<_>>().join("  ")
    }
}

/// A file's name as a shell takes it.
fn quoted(name: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "./_-+=:@%,".contains(letter);
    if !name.is_empty() && name.chars().all(is_plain) {
        name.to_owned()
    } else {
        format!("'{}'", name.replace('\'', "'\\''"))
    }
}

/// A record of a snapshot that is different.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Difference {
    /// Where the record is in the SPEC, or the snapshot where it is in none.
    pub line: usize,
    /// Whether it is new, gone, or other than it was.
    pub what: Changed,
    /// The record as it is now; as far as it was when it is gone.
    pub proof: Proof,
    /// Fields, one after the other.
    pub lines: Vec<Line>,
}

/// What became of a record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Changed {
    /// Some fields are other.
    #[default]
    Other,
    /// It is not in the snapshot.
    New,
    /// It is in the snapshot only.
    Gone,
}

impl Changed {
    /// In a message.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Other => "is different",
            Self::New => "is not in the snapshot",
            Self::Gone => "is missing",
        }
    }
}

/// A line of a difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// In the snapshot only.
    Expected(String),
    /// In the capture only.
    Found(String),
}

/// All verdicts about one capture.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Judged {
    /// The SPEC's name.
    pub spec: String,
    /// The capture's name.
    pub capture: String,
    /// One for each assertion, then the snapshot's.
    pub verdicts: Vec<Verdict>,
    /// Damage of the capture, in words.
    pub damage: Option<String>,
    /// Why the capture could not be read at all.
    pub unreadable: Option<String>,
    /// Whether the snapshot was written instead of being compared.
    pub blessed: Option<usize>,
    /// How long reading and judging took, in nanoseconds; for JUnit.
    pub duration_ns: u64,
}

impl Judged {
    /// Whether everything holds.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.unreadable.is_none() && self.verdicts.iter().all(|verdict| verdict.holds)
    }
}

/// What a record is called: its type, its ends, and what names it.
#[must_use]
pub fn heading(type_name: &str, value: &Value) -> String {
    let mut heading = type_name.to_owned();
    if let Some(ends) = ends(value) {
        heading.push(' ');
        heading.push_str(&ends);
    }
    if let Some(label) = label(type_name, value) {
        heading.push(' ');
        heading.push_str(&label);
    }
    heading
}

/// `10.0.0.1:client-port-1 → 10.0.0.2:443`.
fn ends(value: &Value) -> Option<String> {
    let end = |side: &str| {
        let end = value.get(side)?;
        let address = end.get("address")?.as_str()?;
        let address = if address.contains(':') { format!("[{address}]") } else { address.to_owned() };
        Some(match end.get("port").unwrap_or(&Value::Null) {
            Value::String(port) => format!("{address}:{port}"),
            Value::Number(port) if port.as_u64() != Some(0) => format!("{address}:{port}"),
            _ => address,
        })
    };
    match (end("client"), end("server")) {
        (Some(client), Some(server)) => Some(format!("{client} → {server}")),
        (Some(one), None) | (None, Some(one)) => Some(one),
        (None, None) => None,
    }
}

/// What tells records with the same ends apart.
fn label(type_name: &str, value: &Value) -> Option<String> {
    let text = |path: &[&str]| {
        let found = path.iter().try_fold(value, |value, step| value.get(step))?;
        match found {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    };
    let joined = |parts: &[Option<String>]| {
        let parts: Vec<&str> = parts.iter().flatten().map(String::as_str).collect();
        (!parts.is_empty()).then(|| parts.join(" "))
    };
    match type_name {
        "dns" => joined(&[
            text(&["query", "type"]).or_else(|| text(&["response", "type"])),
            text(&["query", "name"]).or_else(|| text(&["response", "name"])),
        ]),
        "tls" => joined(&[text(&["server_name"])]),
        "http" => joined(&[text(&["request", "method"]), text(&["request", "target"])]),
        "finding" => joined(&[text(&["code"])]),
        "certificate" => joined(&[text(&["subject"])]),
        "application" => joined(&[text(&["protocol"])]),
        "capture" => joined(&[text(&["file"])]),
        _ => None,
    }
}

/// A field's values as they are shown.
fn shown(field: &Field, record: &Value) -> String {
    const SHOWN: usize = 4;
    let (mut texts, mut more) = (Vec::new(), 0_usize);
    // As words: what has an order is a number otherwise.
    let kind = match &field.kind {
        super::fields::Kind::Named(words, _) => super::fields::Kind::Named(words, false),
        super::fields::Kind::Moment => super::fields::Kind::Text,
        other => other.clone(),
    };
    super::question::Access::new(&Field { kind: kind.clone(), ..field.clone() }).each(record, &mut |datum| {
        if texts.len() < SHOWN {
            texts.push(match (&kind, datum.fraction()) {
                (super::fields::Kind::Duration, Some(number)) => super::datum::duration(number),
                _ => datum.to_string(),
            });
        } else {
            more = more.saturating_add(1);
        }
        false
    });
    match (texts.is_empty(), more) {
        (true, _) => "null".to_owned(),
        (false, 0) => texts.join(", "),
        (false, more) => format!("{} and {more} more", texts.join(", ")),
    }
}
