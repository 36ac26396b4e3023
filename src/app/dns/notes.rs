//! What a message says on one line and its layer, in Wireshark's words.
use std::fmt::Write as _;

use super::build::Content;
use super::names::Malformed;
use super::parser::{Message, TYPE_OPT};
use crate::app::Note;
use crate::limits::{MAX_DNS_QUESTIONS, MAX_DNS_RECORDS};
use crate::record::{DnsTransport, Layer, Value};

/// RFC 1035 section 3.3.14.
const TYPE_TXT: u16 = 16;

/// The note of a message. Offset and length are left to the engine.
pub fn note(message: &Message<'_>, content: &Content, transport: DnsTransport) -> Note {
    Note::new(info(message, content, transport), layer(message, content, transport))
}

/// The note of what is too short for a header.
pub fn headless(transport: DnsTransport) -> Note {
    let fields = vec![("_ws.malformed", Value::Text(Malformed::Truncated.to_string()))];
    let layer = Layer { protocol: protocol(transport), osi: 7, unit: "message", offset: 0, length: 0, fields };
    Note::new("[Malformed Packet: DNS]".to_owned(), layer)
}

fn protocol(transport: DnsTransport) -> &'static str {
    match transport {
        DnsTransport::Mdns => "mdns",
        DnsTransport::Llmnr => "llmnr",
        DnsTransport::Udp | DnsTransport::Tcp => "dns",
    }
}

fn info(message: &Message<'_>, content: &Content, transport: DnsTransport) -> String {
    let header = message.header;
    let mut out = String::with_capacity(96);
    out.push_str(match header.opcode() {
        0 => "Standard query",
        1 => "Inverse query",
        2 => "Server status request",
        4 => "Zone change notification",
        5 => "Dynamic update",
        6 => "DNS Stateful operations",
        _ => "Unknown operation",
    });
    if header.is_response() {
        out.push_str(" response");
    }
    let _ = write!(out, " 0x{:04x}", header.id);
    if header.is_response() {
        out.push_str(match header.rcode() {
            0 => "",
            1 => " Format error",
            2 => " Server failure",
            3 => " No such name",
            4 => " Not implemented",
            5 => " Refused",
            6 => " Name exists",
            7 => " RRset exists",
            8 => " RRset does not exist",
            9 => " Not authoritative",
            10 => " Name out of zone",
            _ => " Unknown error",
        });
    }
    let mut walk = message.walk();
    for question in &content.questions {
        let unicast = walk.question().and_then(Result::ok).is_some_and(|question| question.class & 0x8000 != 0);
        let _ = write!(out, " {} {}", question.record_type, shown(&question.name));
        if transport == DnsTransport::Mdns {
            let _ = write!(out, ", \"{}\" question", if unicast { "QU" } else { "QM" });
        }
    }
    for record in content.answers.iter().chain(&content.authority).chain(&content.additional).take(32) {
        let _ = write!(out, " {}", record.record_type);
        let data = match record.record_type.as_str() {
            "A" | "AAAA" | "CNAME" | "NS" | "PTR" | "DNAME" => Some(record.data.as_str()),
            "SOA" => record.data.split(' ').next(),
            "MX" => Some(record.data.as_str()),
            "SRV" => Some(record.data.as_str()),
            _ => None,
        };
        if let Some(data) = data {
            let _ = write!(out, " {}", shown(data));
        }
    }
    if content.edns.is_some() {
        out.push_str(" OPT");
    }
    if content.malformed.is_some() {
        out.push_str(" [Malformed Packet]");
    }
    out
}

fn shown(name: &str) -> &str {
    if name == "." { "<Root>" } else { name }
}

fn layer(message: &Message<'_>, content: &Content, transport: DnsTransport) -> Layer {
    let header = message.header;
    let [questions, answers, authority, additional] = header.counts;
    let mut fields: Vec<(&'static str, Value)> = vec![
        ("dns.id", Value::Number(header.id.into())),
        ("dns.flags", Value::Number(header.flags.into())),
        ("dns.flags.response", Value::Bool(header.is_response())),
        ("dns.flags.opcode", Value::Number(header.opcode().into())),
    ];
    if header.is_response() {
        fields.push(("dns.flags.authoritative", Value::Bool(header.authoritative())));
    }
    fields.push(("dns.flags.truncated", Value::Bool(header.truncated())));
    // LLMNR has other flags in these places (RFC 4795 section 2.1.1).
    if transport != DnsTransport::Llmnr {
        fields.push(("dns.flags.recdesired", Value::Bool(header.recursion_desired())));
    }
    if header.is_response() {
        fields.push(("dns.flags.recavail", Value::Bool(header.recursion_available())));
        fields.push(("dns.flags.authenticated", Value::Bool(header.authentic_data())));
        fields.push(("dns.flags.rcode", Value::Number(header.rcode().into())));
    }
    fields.push(("dns.count.queries", Value::Number(questions.into())));
    fields.push(("dns.count.answers", Value::Number(answers.into())));
    fields.push(("dns.count.auth_rr", Value::Number(authority.into())));
    fields.push(("dns.count.add_rr", Value::Number(additional.into())));
    let multicast = transport == DnsTransport::Mdns;
    walked(&mut fields, message, multicast);
    let records = || content.answers.iter().chain(&content.authority).chain(&content.additional);
    let of = |record_type: &'static str| records().filter(move |record| record.record_type == record_type);
    for (record_type, field) in
        [("A", "dns.a"), ("AAAA", "dns.aaaa"), ("CNAME", "dns.cname"), ("NS", "dns.ns"), ("PTR", "dns.ptr.domain_name")]
    {
        // What is not of its type is shown as RFC 3597 has it: no address, no name.
        let data = of(record_type).map(|record| record.data.clone()).filter(|data| !data.starts_with("\\#"));
        add(&mut fields, field, data);
    }
    // Presentation format: the parts of these have spaces between them and none inside.
    for (record_type, parts) in [
        (
            "SOA",
            &[
                Some("dns.soa.mname"),
                Some("dns.soa.rname"),
                Some("dns.soa.serial_number"),
                Some("dns.soa.refresh_interval"),
                Some("dns.soa.retry_interval"),
                Some("dns.soa.expire_limit"),
                Some("dns.soa.minimum_ttl"),
            ][..],
        ),
        ("MX", &[Some("dns.mx.preference"), Some("dns.mx.mail_exchange")]),
        ("SRV", &[Some("dns.srv.priority"), Some("dns.srv.weight"), Some("dns.srv.port"), Some("dns.srv.target")]),
    ] {
        for (place, field) in (0..).zip(parts.iter().flatten()) {
            let values = of(record_type).filter_map(|record| record.data.split(' ').nth(place));
            values_of(&mut fields, field, values.map(number_or_text).collect());
        }
    }
    if let Some(errors) = &content.errors {
        fields.push(("dns.opt.ext_error", Value::Text(errors.clone())));
    }
    if let Some(malformed) = content.malformed {
        fields.push(("_ws.malformed", Value::Text(malformed.to_string())));
    }
    Layer { protocol: protocol(transport), osi: 7, unit: "message", offset: 0, length: 0, fields }
}

/// Names, types and classes of all questions and records as numbers, OPT included, in their order; and the strings of TXT.
fn walked(fields: &mut Vec<(&'static str, Value)>, message: &Message<'_>, multicast: bool) {
    let mask = if multicast { 0x7fff } else { 0xffff };
    let name = |name: Result<String, Malformed>| {
        Value::Text(name.map_or_else(|_| String::new(), |name| shown(&name).to_owned()))
    };
    let mut walk = message.walk();
    let (mut names, mut types, mut classes) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(Ok(question)) = walk.question() {
        if names.len() < MAX_DNS_QUESTIONS {
            names.push(name(question.name.text()));
            types.push(Value::Number(question.record_type.into()));
            classes.push(Value::Number((question.class & mask).into()));
        }
    }
    values_of(fields, "dns.qry.name", names);
    values_of(fields, "dns.qry.type", types);
    values_of(fields, "dns.qry.class", classes);
    let (mut names, mut types, mut lives, mut texts) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    while let Some(Ok(record)) = walk.record() {
        if names.len() >= MAX_DNS_RECORDS {
            break;
        }
        names.push(name(record.name.text()));
        types.push(Value::Number(record.record_type.into()));
        if record.record_type != TYPE_OPT {
            lives.push(Value::Number(record.ttl.into()));
        }
        if record.record_type == TYPE_TXT {
            let mut rest = record.data();
            while let Some((length, after)) = rest.split_first() {
                let Some((text, behind)) = after.split_at_checked(usize::from(*length)) else { break };
                texts.push(Value::Text(String::from_utf8_lossy(text).into_owned()));
                rest = behind;
            }
        }
    }
    values_of(fields, "dns.resp.name", names);
    values_of(fields, "dns.resp.type", types);
    values_of(fields, "dns.resp.ttl", lives);
    values_of(fields, "dns.txt", texts);
}

fn number_or_text(word: &str) -> Value {
    word.parse().map_or_else(|_| Value::Text(word.to_owned()), Value::Number)
}

/// One value as it is, several as a list, none not at all.
fn add(fields: &mut Vec<(&'static str, Value)>, name: &'static str, values: impl Iterator<Item = String>) {
    values_of(fields, name, values.map(Value::Text).collect());
}

/// The same of values.
fn values_of(fields: &mut Vec<(&'static str, Value)>, name: &'static str, mut values: Vec<Value>) {
    if values.len() > 1 {
        fields.push((name, Value::List(values)));
    } else if let Some(value) = values.pop() {
        fields.push((name, value));
    }
}
