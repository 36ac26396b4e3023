//! What a message says on one line and its layer, in Wireshark's words.
use std::fmt::Write as _;

use super::build::Content;
use super::names::Malformed;
use super::parser::Message;
use crate::app::Note;
use crate::record::{DnsRecord, DnsTransport, Layer, Value};

/// The note of a message. Offset and length are left to the engine.
pub fn note(message: &Message<'_>, content: &Content, transport: DnsTransport) -> Note {
    Note { info: info(message, content, transport), layer: layer(message, content, transport) }
}

/// The note of what is too short for a header.
pub fn headless(transport: DnsTransport) -> Note {
    let fields = vec![("_ws.malformed", Value::Text(Malformed::Truncated.to_string()))];
    let layer = Layer { protocol: protocol(transport), osi: 7, unit: "message", offset: 0, length: 0, fields };
    Note { info: "[Malformed Packet: DNS]".to_owned(), layer }
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
    fields.push(("dns.flags.recdesired", Value::Bool(header.recursion_desired())));
    if header.is_response() {
        fields.push(("dns.flags.recavail", Value::Bool(header.recursion_available())));
        fields.push(("dns.flags.authenticated", Value::Bool(header.authentic_data())));
        fields.push(("dns.flags.rcode", Value::Number(header.rcode().into())));
    }
    fields.push(("dns.count.queries", Value::Number(questions.into())));
    fields.push(("dns.count.answers", Value::Number(answers.into())));
    fields.push(("dns.count.auth_rr", Value::Number(authority.into())));
    fields.push(("dns.count.add_rr", Value::Number(additional.into())));
    add(&mut fields, "dns.qry.name", content.questions.iter().map(|question| question.name.clone()));
    add(&mut fields, "dns.qry.type", content.questions.iter().map(|question| question.record_type.clone()));
    add(&mut fields, "dns.qry.class", content.questions.iter().map(|question| question.class.clone()));
    let records = || content.answers.iter().chain(&content.authority).chain(&content.additional);
    add(&mut fields, "dns.resp.name", records().map(|record| record.name.clone()));
    add(&mut fields, "dns.resp.type", records().map(|record| record.record_type.clone()));
    let lives: Vec<Value> = records().map(|record| Value::Number(record.ttl.into())).collect();
    if !lives.is_empty() {
        fields.push(("dns.resp.ttl", Value::List(lives)));
    }
    for (record_type, field) in [
        ("A", "dns.a"),
        ("AAAA", "dns.aaaa"),
        ("CNAME", "dns.cname"),
        ("NS", "dns.ns"),
        ("PTR", "dns.ptr.domain_name"),
        ("SOA", "dns.soa"),
        ("MX", "dns.mx"),
        ("TXT", "dns.txt"),
        ("SRV", "dns.srv"),
    ] {
        let of_type = |record: &&DnsRecord| record.record_type == record_type;
        add(&mut fields, field, records().filter(of_type).map(|record| record.data.clone()));
    }
    if let Some(errors) = &content.errors {
        fields.push(("dns.opt.ext_error", Value::Text(errors.clone())));
    }
    if let Some(malformed) = content.malformed {
        fields.push(("_ws.malformed", Value::Text(malformed.to_string())));
    }
    Layer { protocol: protocol(transport), osi: 7, unit: "message", offset: 0, length: 0, fields }
}

/// One value as it is, several as a list, none not at all.
fn add(fields: &mut Vec<(&'static str, Value)>, name: &'static str, values: impl Iterator<Item = String>) {
    let mut values: Vec<Value> = values.map(Value::Text).collect();
    if values.len() > 1 {
        fields.push((name, Value::List(values)));
    } else if let Some(value) = values.pop() {
        fields.push((name, value));
    }
}
