//! What can be asked of records: their fields by path, as the JSON Schema of the records has them. Nothing is listed by hand.
#![allow(clippy::indexing_slicing)] // of JSON by name: what is not there is null
use std::{collections::BTreeMap, sync::OnceLock};

use serde_json::Value;

use crate::{record::RecordKind, report};

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// True or false.
    Flag,
    /// A number.
    Number,
    /// Whole nanoseconds: its name ends in `_ns`.
    Duration,
    /// Text.
    Text,
    /// One of these words; with an order when the second is true (note < warning < error).
    Named(&'static [String], bool),
    /// A moment.
    Moment,
    /// An IP address.
    Address,
    /// A version: `TLS 1.2`, `1.1`.
    Version,
    /// A packet's number.
    Packet,
    /// Pairs of a name and a value, as HTTP's headers.
    Pairs,
    /// Other fields.
    Group,
}

impl Kind {
    /// What it is called in a message.
    #[must_use]
    pub fn words(&self) -> &'static str {
        match self {
            Self::Flag => "true or false",
            Self::Number => "a number",
            Self::Duration => "a duration",
            Self::Text => "text",
            Self::Named(..) => "one of a few words",
            Self::Moment => "a moment",
            Self::Address => "an address",
            Self::Version => "a version",
            Self::Packet => "a packet's number",
            Self::Pairs => "a list of headers",
            Self::Group => "a group of fields",
        }
    }

    /// Whether its values are numbers to compute with.
    #[must_use]
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Number | Self::Duration | Self::Packet)
    }
}

/// A field of a type of record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The type of record it is of.
    pub record: RecordKind,
    /// The whole path, such as `tls.client_hellos.server_name`.
    pub path: String,
    /// What it holds.
    pub kind: Kind,
    /// Of pairs, the one of this name only.
    pub pair: Option<String>,
}

impl Field {
    /// The steps from the record to the value.
    pub fn steps(&self) -> Vec<String> {
        self.path.split('.').skip(1).map(str::to_owned).collect()
    }
}

/// The types of record that can be asked about: all that a report has.
pub fn kinds() -> impl Iterator<Item = RecordKind> {
    RecordKind::ALL.into_iter().filter(|kind| *kind != RecordKind::Packet && !kind.is_statistics())
}

/// The type that is called so: `tls`, `connection`, `connections`.
#[must_use]
pub fn kind_named(name: &str) -> Option<RecordKind> {
    kinds().find(|kind| kind.type_name() == name || kind.list_name() == name)
}

/// The field with this path. `record` is what a path without the type's name is of.
#[must_use]
pub fn find(path: &str, record: Option<RecordKind>) -> Option<Field> {
    let whole = |path: &str| {
        let (first, rest) = path.split_once('.')?;
        // `connections.client.port` is as good as `connection.client.port`.
        let kind = kind_named(first)?;
        let path = format!("{}.{rest}", kind.type_name());
        let all = all();
        if let Some(field) = all.get(&path) {
            return Some(field.clone());
        }
        let (pairs, name) = path.rsplit_once('.')?;
        let field = all.get(pairs).filter(|field| field.kind == Kind::Pairs)?;
        Some(Field { path: pairs.to_owned(), kind: Kind::Text, pair: Some(name.to_ascii_lowercase()), ..field.clone() })
    };
    let within = || whole(&format!("{}.{path}", record?.type_name()));
    whole(path).or_else(within)
}

/// All fields by path.
pub fn all() -> &'static BTreeMap<String, Field> {
    static ALL: OnceLock<BTreeMap<String, Field>> = OnceLock::new();
    ALL.get_or_init(|| {
        let schema = report::schema();
        let mut fields = BTreeMap::new();
        for variant in schema["oneOf"].as_array().into_iter().flatten() {
            let name = variant["properties"]["type"]["const"].as_str().unwrap_or_default();
            if let Some(kind) = kinds().find(|kind| kind.type_name() == name) {
                Walk { definitions: &schema["$defs"], record: kind, fields: &mut fields }.object(name, variant, 0);
            }
        }
        fields
    })
}

struct Walk<'s> {
    definitions: &'s Value,
    record: RecordKind,
    fields: &'s mut BTreeMap<String, Field>,
}

/// Deeper than any record: only a schema that refers to itself would come here.
const MAX_DEPTH: usize = 16;

impl Walk<'_> {
    /// The fields of an object, and of what it refers to.
    fn object(&mut self, path: &str, schema: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        if let Some(referred) = self.referred(schema) {
            self.object(path, &referred, depth + 1);
        }
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            if path == self.record.type_name() && name == "type" {
                continue;
            }
            self.field(&format!("{path}.{name}"), name, field, depth + 1);
        }
    }

    fn referred(&self, schema: &Value) -> Option<Value> {
        let name = schema["$ref"].as_str()?.rsplit('/').next()?;
        Some(self.definitions[name].clone())
    }

    fn field(&mut self, path: &str, name: &str, schema: &Value, depth: usize) {
        if depth > MAX_DEPTH {
            return;
        }
        let kind = self.kind(path, name, schema, depth);
        let field = Field { record: self.record, path: path.to_owned(), kind, pair: None };
        self.fields.insert(path.to_owned(), field);
    }

    /// What a schema's values are; fields inside are entered on the way.
    fn kind(&mut self, path: &str, name: &str, schema: &Value, depth: usize) -> Kind {
        if schema["$ref"].as_str().is_some_and(|to| to.ends_with("/PacketNumber")) {
            return Kind::Packet;
        }
        if let Some(referred) = self.referred(schema) {
            return self.kind(path, name, &referred, depth + 1);
        }
        if let Some(choices) = schema["anyOf"].as_array() {
            let chosen = choices.iter().find(|choice| choice["type"] != "null");
            return chosen.map_or(Kind::Text, |chosen| self.kind(path, name, chosen, depth + 1));
        }
        if let Some(words) = words(schema) {
            let is_ordered = words.iter().map(String::as_str).eq(["note", "warning", "error"]);
            return Kind::Named(Box::leak(words.into_boxed_slice()), is_ordered);
        }
        let is = |wanted: &str| {
            let of = &schema["type"];
            of == wanted || of.as_array().is_some_and(|types| types.iter().any(|of| of == wanted))
        };
        if is("object") {
            self.object(path, schema, depth + 1);
            return Kind::Group;
        }
        if is("array") {
            if schema["prefixItems"].is_array() {
                return Kind::Pairs;
            }
            return self.kind(path, name, &schema["items"], depth + 1);
        }
        if is("boolean") {
            return Kind::Flag;
        }
        if is("integer") || is("number") {
            return if name.ends_with("_ns") { Kind::Duration } else { Kind::Number };
        }
        match schema["format"].as_str() {
            Some("date-time") => Kind::Moment,
            Some("ip" | "ipv4" | "ipv6") => Kind::Address,
            _ if name == "version" => Kind::Version,
            _ => Kind::Text,
        }
    }
}

/// The words an enumeration has.
fn words(schema: &Value) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for choice in schema["oneOf"].as_array().into_iter().flatten() {
        match (choice["const"].as_str(), choice["enum"].as_array()) {
            (Some(word), _) => words.push(word.to_owned()),
            (_, Some(several)) => words.extend(several.iter().filter_map(Value::as_str).map(str::to_owned)),
            _ => {}
        }
    }
    words.extend(schema["enum"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned));
    (!words.is_empty()).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fields_of_the_issue_are_there() {
        for (path, kind) in [
            ("tls.version", Kind::Version),
            ("http.response.status", Kind::Number),
            ("http.ttfb_ns", Kind::Duration),
            ("connection.client.retransmissions", Kind::Number),
            ("tls.client_hellos.server_name", Kind::Text),
            ("connection.client.address", Kind::Address),
            ("connection.start_ts", Kind::Moment),
            ("connection.handshake.syn_packet", Kind::Packet),
            ("tls.decrypted", Kind::Flag),
            ("capture.damage", Kind::Group),
            ("http.request.headers", Kind::Pairs),
            ("dns.query.name", Kind::Text),
        ] {
            assert_eq!(find(path, None).unwrap_or_else(|| panic!("{path}")).kind, kind, "{path}");
        }
        assert!(matches!(find("finding.severity", None).unwrap().kind, Kind::Named(_, true)));
        assert!(matches!(find("tls.outcome", None).unwrap().kind, Kind::Named(_, false)));
    }

    #[test]
    fn a_type_may_be_left_out_or_in_the_plural() {
        assert_eq!(find("outcome", Some(RecordKind::Tls)).unwrap().path, "tls.outcome");
        assert_eq!(find("connections.client.port", None).unwrap().path, "connection.client.port");
        assert_eq!(find("outcome", None), None);
        assert_eq!(find("packet.number", None), None, "packets are no part of a report");
        let header = find("http.response.headers.Content-Type", None).unwrap();
        assert_eq!((header.path.as_str(), header.pair.as_deref()), ("http.response.headers", Some("content-type")));
    }
}
