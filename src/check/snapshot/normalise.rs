//! What is taken out of records before they are written or compared: what another recording of the same would not repeat.
use std::{borrow::Cow, collections::HashMap, net::IpAddr, sync::OnceLock};

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use super::{Found, Snapshot};
use crate::{
    check::{
        fields::{self, Kind},
        verdict::{Proof, heading},
    },
    record::RecordKind,
};

/// A rule by which something is taken out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Moments (`*_ts`, but not the validity of certificates), and the values of HTTP's Date, Expires, Last-Modified and Age.
    Times,
    /// Durations (`*_ns`), and times in texts.
    Durations,
    /// The client's port from 1024 on, if it is not the server's too, and the server's from 32768 on become `client-port-1`,
    /// `server-port-1`, ... by server, in the order of their flows; `community_id`, which is made of them.
    Ports,
    /// Packet numbers, evidence and flow numbers. Of fields that may be null it is kept that they are not: `"#"`.
    Packets,
    /// Numbers drawn at random for one exchange: DNS's and ICMP's identifiers, session and connection ids, tags, SPIs.
    Ids,
    /// Link-layer addresses become `mac-1`, ... in the order in which they come.
    Macs,
    /// What is measured and depends on timing: round-trip times, windows over time, bytes in flight, rates, who waited for whom,
    /// where the capture was taken.
    Measurements,
    /// Texts that explain a finding: its code says what it is.
    Texts,
    /// Numbers of packets, wire bytes, acknowledgments and evidence, which differ when segments are cut otherwise. Not usual.
    Counts,
    /// IP addresses become `address-1`, ... in the order in which they come. Not usual.
    Addresses,
    /// Numbers that are 0 are left out, which makes snapshots of connections half as long: what is not there is 0 or null. Not
    /// usual.
    Zeros,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Times,
        Self::Durations,
        Self::Ports,
        Self::Packets,
        Self::Ids,
        Self::Macs,
        Self::Measurements,
        Self::Texts,
        Self::Counts,
        Self::Addresses,
        Self::Zeros,
    ];
    /// Those that hold when a SPEC says nothing.
    pub const USUAL: [Self; 8] = [
        Self::Times,
        Self::Durations,
        Self::Ports,
        Self::Packets,
        Self::Ids,
        Self::Macs,
        Self::Measurements,
        Self::Texts,
    ];

    /// Its name in a SPEC.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Times => "times",
            Self::Durations => "durations",
            Self::Ports => "ports",
            Self::Packets => "packets",
            Self::Ids => "ids",
            Self::Macs => "macs",
            Self::Measurements => "measurements",
            Self::Texts => "texts",
            Self::Counts => "counts",
            Self::Addresses => "addresses",
            Self::Zeros => "zeros",
        }
    }

    /// The rule of this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.name() == name)
    }
}

/// Fields that are taken out: `connection.client.rtt` with all that is in it, `*.evidence_total` of every type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ignored {
    /// The type, or null for all.
    record: Option<String>,
    /// The path within the record.
    path: String,
}

impl Ignored {
    /// From its path, if there is such a field.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        if let Some(path) = text.strip_prefix("*.") {
            let exists =
                fields::kinds().any(|kind| fields::all().contains_key(&format!("{}.{path}", kind.type_name())));
            return exists.then(|| Self { record: None, path: path.to_owned() });
        }
        let field = fields::find(text, None).filter(|field| field.pair.is_none())?;
        let (record, path) = field.path.split_once('.')?;
        Some(Self { record: Some(record.to_owned()), path: path.to_owned() })
    }

    fn takes(&self, record: &str, path: &str) -> bool {
        self.record.as_ref().is_none_or(|of| of == record) && self.path == path
    }
}

/// A record with everything taken out.
#[derive(Clone, Debug)]
pub struct Normal {
    /// Its type.
    pub record: RecordKind,
    /// What it is called, made of what was left.
    pub heading: String,
    /// What was left.
    pub value: Value,
    /// The record as it came.
    pub proof: Proof,
}

/// Records with everything taken out that the snapshot's rules name, in an order that does not depend on time.
#[must_use]
pub fn normalised(snapshot: &Snapshot, mut found: Vec<Found>) -> Vec<Normal> {
    // Symbols are given in the order in which flows began.
    found.sort_by_key(|found| found.flow.map_or((1, None), |flow| (0, Some(flow))));
    let mut normaliser = Normaliser::new(snapshot, &found);
    let mut normals: Vec<Normal> = found
        .into_iter()
        .map(|found| {
            let type_name = found.record.type_name();
            let value = normaliser.object(type_name, "", found.value, None);
            let value = Value::Object(value);
            Normal { record: found.record, heading: heading(type_name, &value), value, proof: found.proof }
        })
        .collect();
    normals.sort_by_cached_key(|normal| (normal.record, normal.heading.clone(), canonical(&normal.value)));
    normals
}

/// JSON with sorted keys: the same text for the same value.
#[must_use]
pub fn canonical(value: &Value) -> String {
    let mut text = String::new();
    write_canonical(value, &mut text);
    text
}

fn write_canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            let mut keys: Vec<&String> = fields.keys().collect();
            keys.sort();
            text.push('{');
            for key in keys {
                text.push_str(key);
                text.push(':');
                write_canonical(fields.get(key).unwrap_or(&Value::Null), text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(elements) => {
            text.push('[');
            for element in elements {
                write_canonical(element, text);
                text.push(',');
            }
            text.push(']');
        }
        scalar => text.push_str(&scalar.to_string()),
    }
}

/// Names of numbers that depend on how segments are cut and acknowledged.
const COUNTS: [&str; 14] = [
    "packets",
    "wire_bytes",
    "captured_bytes",
    "evidence_total",
    "duplicate_acks",
    "sack_blocks",
    "duplicate_sacks",
    "window_full",
    "keep_alives",
    "tail_loss_probes",
    "timestamps_backwards",
    "history",
    "protocols",
    "bytes",
];

/// Names of what is measured.
const MEASUREMENTS: [&str; 11] = [
    "rtt",
    "window_series",
    "window_series_total",
    "initial_window",
    "max_bytes_in_flight",
    "limited_by",
    "throughput_bits_per_second",
    "goodput_bits_per_second",
    "waiting_for",
    "vantage",
    "out_of_order_time",
];

/// Names of what is drawn at random. `id` only of DNS.
const IDS: [&str; 6] =
    ["session_id", "identifier", "destination_connection_id", "source_connection_id", "verification_tag", "xid"];

/// Facts of applications that are drawn at random.
const FACT_IDS: [&str; 10] = [
    "verification_tag",
    "initial_tsn",
    "initiator_spi",
    "responder_spi",
    "transaction",
    "session_id",
    "spi",
    "cpi",
    "generation_id",
    "initiation",
];

/// Headers of HTTP whose values are moments.
const TIME_HEADERS: [&str; 4] = ["date", "expires", "last-modified", "age"];

struct Normaliser<'s> {
    snapshot: &'s Snapshot,
    /// What a port of an address is called.
    ports: HashMap<(IpAddr, u64), String>,
    /// The same, where it depends on who is at the other end.
    flows: HashMap<(IpAddr, u64, IpAddr, u64), (String, String)>,
    macs: HashMap<String, String>,
    addresses: HashMap<IpAddr, String>,
}

impl<'s> Normaliser<'s> {
    fn new(snapshot: &'s Snapshot, found: &[Found]) -> Self {
        let mut normaliser = Self {
            snapshot,
            ports: HashMap::new(),
            flows: HashMap::new(),
            macs: HashMap::new(),
            addresses: HashMap::new(),
        };
        if normaliser.has(Rule::Ports) {
            normaliser.name_ports(found);
        }
        normaliser
    }

    fn has(&self, rule: Rule) -> bool {
        self.snapshot.rules.contains(&rule)
    }

    fn name_ports(&mut self, found: &[Found]) {
        let mut clients: HashMap<(IpAddr, IpAddr, u64), usize> = HashMap::new();
        let mut servers: HashMap<IpAddr, usize> = HashMap::new();
        for found in found {
            let (Some(client), Some(server)) = (end(&found.value, "client"), end(&found.value, "server")) else {
                continue;
            };
            let key = (client.0, client.1, server.0, server.1);
            if self.flows.contains_key(&key) {
                continue;
            }
            let server_port = if server.1 >= 32_768 {
                let known = self.ports.get(&server).cloned();
                known.unwrap_or_else(|| format!("server-port-{}", next(servers.entry(server.0).or_default())))
            } else {
                server.1.to_string()
            };
            let client_port = if client.1 >= 1024 && client.1 != server.1 {
                let of_server = if server.1 >= 32_768 { 0 } else { server.1 };
                format!("client-port-{}", next(clients.entry((client.0, server.0, of_server)).or_default()))
            } else {
                client.1.to_string()
            };
            if server.1 >= 32_768 {
                self.ports.entry(server).or_insert_with(|| server_port.clone());
            }
            if client.1 >= 1024 && client.1 != server.1 {
                self.ports.entry(client).or_insert_with(|| client_port.clone());
            }
            self.flows.insert(key, (client_port, server_port));
        }
    }

    /// The fields of an object that are left. `parent`: the name of the field it is in.
    fn object(&mut self, record: &str, path: &str, value: Value, parent: Option<&str>) -> Map<String, Value> {
        let Value::Object(fields) = value else { return Map::new() };
        let mut kept = Map::new();
        let flow = if path.is_empty() { self.flow(&fields) } else { None };
        let is_random = parent == Some("facts") && self.is_random_fact(&fields);
        for (name, value) in fields {
            if path.is_empty() && (name == "type" || name == "file") {
                continue;
            }
            let inner = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            if value.is_null() || self.snapshot.ignored.iter().any(|ignored| ignored.takes(record, &inner)) {
                continue;
            }
            if is_random && name == "value" {
                kept.insert(name, Value::String("*".to_owned()));
                continue;
            }
            let port = flow.as_ref().and_then(|(client, server)| match name.as_str() {
                "client" => Some(client),
                "server" => Some(server),
                _ => None,
            });
            if let Some(value) = self.field(record, &inner, &name, value, port.map(String::as_str)) {
                kept.insert(name, value);
            }
        }
        kept
    }

    /// What the ports of a record's flow are called.
    fn flow(&self, fields: &Map<String, Value>) -> Option<(String, String)> {
        let of = |side: &str| end_of(fields.get(side)?);
        let (client, server) = (of("client")?, of("server")?);
        self.flows.get(&(client.0, client.1, server.0, server.1)).cloned()
    }

    fn is_random_fact(&self, fields: &Map<String, Value>) -> bool {
        let name = fields.get("name").and_then(Value::as_str).unwrap_or_default();
        self.has(Rule::Durations) && name.ends_with("_ns") || self.has(Rule::Ids) && FACT_IDS.contains(&name)
    }

    /// What is left of a field's value.
    fn field(&mut self, record: &str, path: &str, name: &str, value: Value, port: Option<&str>) -> Option<Value> {
        let whole = format!("{record}.{path}");
        let kind = fields::all().get(&whole).map(|field| &field.kind);
        let has = |rule| self.snapshot.rules.contains(&rule);
        let is_dropped = match kind {
            Some(Kind::Moment) => has(Rule::Times) && record != "certificate",
            Some(Kind::Duration) => has(Rule::Durations),
            _ => false,
        } || has(Rule::Packets) && matches!(name, "flow" | "evidence" | "packet")
            || has(Rule::Ports) && name == "community_id"
            || has(Rule::Ids) && (IDS.contains(&name) || name == "id" && record.starts_with("dns"))
            || has(Rule::Measurements) && (MEASUREMENTS.contains(&name) || name.ends_with("_per_second"))
            || has(Rule::Texts) && record == "finding" && matches!(name, "explanation" | "reference")
            || has(Rule::Counts) && COUNTS.contains(&name)
            || has(Rule::Zeros) && value.as_u64() == Some(0);
        if is_dropped {
            return None;
        }
        if has(Rule::Packets) && kind == Some(&Kind::Packet) {
            return (!value.is_array()).then(|| Value::String("#".to_owned()));
        }
        let is_pairs = kind == Some(&Kind::Pairs);
        self.value(record, path, name, value, port, is_pairs)
    }

    fn value(
        &mut self,
        record: &str,
        path: &str,
        name: &str,
        value: Value,
        port: Option<&str>,
        is_pairs: bool,
    ) -> Option<Value> {
        Some(match value {
            Value::Null => return None,
            Value::Object(_) => {
                let mut left = self.object(record, path, value, Some(name));
                if let (Some(port), Some(place)) = (port, left.get_mut("port")) {
                    *place = symbol(port);
                }
                if left.is_empty() {
                    return None;
                }
                Value::Object(left)
            }
            Value::Array(elements) => {
                let mut left = Vec::with_capacity(elements.len());
                for element in elements {
                    let element = if is_pairs && self.has(Rule::Times) { undated(element) } else { element };
                    left.extend(self.value(record, path, name, element, None, false));
                }
                if left.is_empty() {
                    return None;
                }
                Value::Array(left)
            }
            Value::String(text) => Value::String(self.text(record, name, text)),
            // TOML's numbers end at 2^63.
            Value::Number(number) => match number.as_u64() {
                Some(large) if i64::try_from(large).is_err() => Value::String(large.to_string()),
                _ => Value::Number(number),
            },
            flag => flag,
        })
    }

    fn text(&mut self, record: &str, name: &str, text: String) -> String {
        // Most texts have neither.
        if !text.bytes().any(|byte| byte.is_ascii_digit()) && !text.contains(':') {
            return text;
        }
        let mut text = Cow::Owned(text);
        let mut apply = |pattern: &Regex, replace: &mut dyn FnMut(&Captures<'_>) -> String| {
            if let Cow::Owned(replaced) = pattern.replace_all(&text, |captures: &Captures<'_>| replace(captures)) {
                text = Cow::Owned(replaced);
            }
        };
        let patterns = Patterns::all();
        let has = |rule| self.snapshot.rules.contains(&rule);
        if has(Rule::Macs) {
            let macs = &mut self.macs;
            apply(&patterns.mac, &mut |captures| {
                let mac = captures.get(0).map_or("", |found| found.as_str());
                // Groups and the broadcast are nobody's.
                let first = mac.get(..2).and_then(|first| u8::from_str_radix(first, 16).ok()).unwrap_or_default();
                if first & 1 == 1 || mac == "00:00:00:00:00:00" {
                    return mac.to_owned();
                }
                let number = macs.len().saturating_add(1);
                macs.entry(mac.to_owned()).or_insert_with(|| format!("mac-{number}")).clone()
            });
        }
        if !self.ports.is_empty() {
            let ports = &self.ports;
            apply(&patterns.end, &mut |captures| {
                let all = captures.get(0).map_or("", |found| found.as_str());
                let address = captures.get(1).map_or("", |found| found.as_str());
                let known = address
                    .trim_matches(['[', ']'])
                    .parse()
                    .ok()
                    .and_then(|address: IpAddr| ports.get(&(address, captures.get(2)?.as_str().parse().ok()?)));
                known.map_or_else(|| all.to_owned(), |port| format!("{address}:{port}"))
            });
        }
        if record == "finding" && name == "title" {
            if has(Rule::Durations) {
                apply(&patterns.duration, &mut |_| "<time>".to_owned());
            }
            if has(Rule::Times) {
                apply(&patterns.moment, &mut |_| "<moment>".to_owned());
            }
            if has(Rule::Ids) {
                apply(&patterns.hex, &mut |_| "<id>".to_owned());
            }
            if has(Rule::Packets) {
                apply(&patterns.packet, &mut |captures| {
                    format!("{}<packet>", captures.get(1).map_or("", |found| found.as_str()))
                });
            }
        }
        if has(Rule::Addresses) {
            let addresses = &mut self.addresses;
            apply(&patterns.address, &mut |captures| {
                let all = captures.get(0).map_or("", |found| found.as_str());
                let Ok(address) = all.parse::<IpAddr>() else { return all.to_owned() };
                let number = addresses.len().saturating_add(1);
                addresses.entry(address).or_insert_with(|| format!("address-{number}")).clone()
            });
        }
        text.into_owned()
    }
}

/// Counts on.
fn next(counter: &mut usize) -> usize {
    *counter = counter.saturating_add(1);
    *counter
}

fn end(value: &Value, side: &str) -> Option<(IpAddr, u64)> {
    end_of(value.get(side)?)
}

fn end_of(value: &Value) -> Option<(IpAddr, u64)> {
    Some((value.get("address")?.as_str()?.parse().ok()?, value.get("port")?.as_u64()?))
}

/// A port's name, or its number where it is none.
fn symbol(port: &str) -> Value {
    port.parse::<u16>().map_or_else(|_| Value::String(port.to_owned()), Value::from)
}

/// A header without its moment.
fn undated(pair: Value) -> Value {
    let is_dated = pair
        .get(0)
        .and_then(Value::as_str)
        .is_some_and(|name| TIME_HEADERS.iter().any(|known| name.eq_ignore_ascii_case(known)));
    match pair {
        Value::Array(mut pair) if is_dated => {
            if let Some(value) = pair.get_mut(1) {
                *value = Value::String("*".to_owned());
            }
            Value::Array(pair)
        }
        other => other,
    }
}

/// What is looked for in texts.
struct Patterns {
    mac: Regex,
    end: Regex,
    duration: Regex,
    moment: Regex,
    hex: Regex,
    packet: Regex,
    address: Regex,
}

impl Patterns {
    fn all() -> &'static Self {
        static ALL: OnceLock<Patterns> = OnceLock::new();
        #[allow(clippy::expect_used)] // written here, and tried by every test
        let pattern = |text: &str| Regex::new(text).expect("a valid pattern");
        ALL.get_or_init(|| Self {
            mac: pattern(r"\b[0-9a-f]{2}(?::[0-9a-f]{2}){5}\b"),
            end: pattern(r"((?:\d{1,3}\.){3}\d{1,3}|\[[0-9a-fA-F:.]+\]):(\d{1,5})\b"),
            duration: pattern(r"\b\d+(?:\.\d+)? ?(?:ns|µs|ms|s|min|h|d|days?|hours?|minutes?|seconds?)\b"),
            moment: pattern(r"\b\d{4}-\d\d-\d\d(?:[ T]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?: ?UTC|Z)?)?"),
            hex: pattern(r"\b0x[0-9a-f]+\b"),
            packet: pattern(r"(#|\bflow |\bpackets? )\d+(?:\.\d+)?\b"),
            address: pattern(r"(?:\d{1,3}\.){3}\d{1,3}|[0-9a-f]{0,4}(?::[0-9a-f]{0,4}){2,7}"),
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn left(record: RecordKind, rules: &[Rule], ignored: &[&str], values: &[Value]) -> Vec<Value> {
        let ignored = ignored.iter().map(|path| Ignored::new(path).unwrap()).collect();
        let snapshot = Snapshot { rules: rules.to_vec(), ignored, ..Snapshot::default() };
        let found = values
            .iter()
            .map(|value| Found { record, flow: None, value: value.clone(), proof: Proof::default() })
            .collect();
        normalised(&snapshot, found).into_iter().map(|normal| normal.value).collect()
    }

    fn ends(client: (&str, u16), server: (&str, u16)) -> Value {
        json!({"client": {"address": client.0, "port": client.1}, "server": {"address": server.0, "port": server.1}})
    }

    #[test]
    fn ephemeral_ports_get_names() {
        let values = [
            ends(("10.0.0.1", 40_001), ("10.0.0.2", 443)),
            ends(("10.0.0.1", 40_009), ("10.0.0.2", 443)),
            ends(("10.0.0.1", 40_010), ("10.0.0.3", 443)),
            ends(("10.0.0.1", 5353), ("10.0.0.3", 5353)),
            ends(("10.0.0.1", 69), ("10.0.0.3", 50_000)),
        ];
        let ports: Vec<String> = left(RecordKind::Udp, &[Rule::Ports], &[], &values)
            .iter()
            .map(|value| format!("{} {}", value["client"]["port"], value["server"]["port"]))
            .collect();
        let mut expected = [
            "\"client-port-1\" 443",
            "\"client-port-2\" 443",
            "\"client-port-1\" 443",
            "5353 5353",
            "69 \"server-port-1\"",
        ];
        let mut found: Vec<&str> = ports.iter().map(String::as_str).collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);
    }

    #[test]
    fn texts_lose_what_differs_each_time() {
        let mut value = ends(("10.0.0.1", 40_001), ("10.0.0.2", 80));
        let title = "10.0.0.1:40001 sent it 3.1 ms after the FIN (flow 3, #17) with 0xbeef at 02:42:ac:11:00:02";
        value["title"] = json!(title);
        value["explanation"] = json!("long");
        value["code"] = json!("a.b");
        let value = &left(RecordKind::Finding, &Rule::USUAL, &[], &[value])[0];
        let expected =
            "10.0.0.1:client-port-1 sent it <time> after the FIN (flow <packet>, #<packet>) with <id> at mac-1";
        assert_eq!(value["title"], expected);
        assert_eq!((value["explanation"].is_null(), value["code"].as_str()), (true, Some("a.b")));
    }

    #[test]
    fn each_rule_takes_its_own() {
        let value = json!({
            "type": "connection", "flow": "1", "evidence": [1, 2], "evidence_total": 2, "start_ts": "2026-01-01T00:00:00Z",
            "duration_ns": 7, "community_id": "1:x", "client": {"packets": 3, "rtt": {"samples": 1}, "zero_windows": 0},
            "handshake": {"syn_packet": 1, "ack_packet": null}, "vantage": "near_client", "tunnel": [],
        });
        let has = |rules: &[Rule], ignored: &[&str], path: &str| {
            let pointer = format!("/{}", path.replace('.', "/"));
            left(RecordKind::Connection, rules, ignored, std::slice::from_ref(&value))[0].pointer(&pointer).is_some()
        };
        for (rule, path) in [
            (Rule::Times, "start_ts"),
            (Rule::Durations, "duration_ns"),
            (Rule::Ports, "community_id"),
            (Rule::Packets, "evidence"),
            (Rule::Packets, "flow"),
            (Rule::Measurements, "client.rtt"),
            (Rule::Measurements, "vantage"),
            (Rule::Counts, "client.packets"),
            (Rule::Counts, "evidence_total"),
            (Rule::Zeros, "client.zero_windows"),
        ] {
            assert!(has(&[], &[], path), "{path} is there");
            assert!(!has(&[rule], &[], path), "{path} is taken out");
        }
        assert!(has(&[Rule::Packets], &[], "handshake.syn_packet"), "it is kept that there is one");
        assert!(!has(&[], &[], "handshake.ack_packet") && !has(&[], &[], "tunnel"), "null and empty are left out");
        assert!(!has(&[], &["connection.client.rtt"], "client.rtt") && !has(&[], &["*.vantage"], "vantage"));
        assert_eq!(Ignored::new("connection.nothing"), None);
        assert_eq!(Ignored::new("*.nothing"), None);
    }

    #[test]
    fn addresses_get_names_on_request() {
        let value = ends(("10.0.0.1", 40_001), ("fd00::1", 80));
        let value = &left(RecordKind::Udp, &[Rule::Addresses], &[], &[value])[0];
        assert_eq!(
            (&value["client"]["address"], &value["server"]["address"]),
            (&json!("address-1"), &json!("address-2"))
        );
    }
}
