//! Text from the network through every writer: what comes out must be harmless to terminals, browsers and spreadsheets.
use std::sync::Arc;

use super::runs::Shared;
use crate::{
    record::{
        Certificate, Dns, DnsQuery, DnsRecord, DnsResponse, DnsTransport, Endpoint, Evidence, Finding, FlowId, Http,
        HttpMeaning, HttpOver, HttpRequest, HttpResponse, Layer, Packet, PacketLayer, PacketNumber, Record, RecordKind,
        Severity, Side, Subject, Timestamp, TlsTransport, Value, Wanted,
    },
    report::{self, Format, escape::is_hidden, packets::PacketLines},
};

/// Any text, in any place of a record where text from the network may stand. The first byte chooses the format.
pub fn report_escape(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let mut parts = text.split('|').map(str::to_owned).cycle();
    let mut next = || parts.next().unwrap_or_default();
    let records = records(&mut next);
    // One format at a time: making a writer of CSV costs much, as its columns come from the schema.
    let formats = [(Format::Table, false), (Format::Table, true), (Format::Markdown, true), (Format::Html, true)];
    let more = [(Format::Ndjson, false), (Format::Json, false), (Format::Csv, false)];
    let place = bytes.first().copied().map_or(0, usize::from) % (formats.len() + more.len());
    let (format, all) = formats.into_iter().chain(more).nth(place).unwrap_or_default();
    let wanted = match format {
        Format::Csv => Wanted::none().with(records[bytes.len() % records.len()].kind()),
        _ => RecordKind::ALL.into_iter().collect(),
    };
    let out = Shared::default();
    let options = report::Options { width: Some(100), all, wanted, ..report::Options::default() };
    let mut writer = report::writer(format, Box::new(out.clone()), options).expect("one kind of record");
    for record in &records {
        writer.record(record).expect("memory can be written");
    }
    writer.finish().expect("memory can be written");
    check(format, &String::from_utf8(out.take()).expect("reports are UTF-8"));
    let out = Shared::default();
    let mut lines = PacketLines::new(Box::new(out.clone()), report::Options::default(), true);
    for record in &records {
        if let Record::Packet(packet) = record {
            lines.packet(packet, Some(bytes)).expect("memory can be written");
        }
    }
    drop(lines);
    check(Format::Table, &String::from_utf8(out.take()).expect("lines are UTF-8"));
}

fn check(format: Format, out: &str) {
    let hidden = out.chars().find(|c| is_hidden(*c) && *c != '\n');
    assert_eq!(hidden, None, "{format}: {out}");
    match format {
        Format::Html => {
            let tags = ["!doctype", "html", "head", "meta", "title", "style", "body", "h1", "h2", "small", "p", "pre"];
            let more = ["dl", "dt", "dd", "span", "code", "div", "table", "tr", "th", "td"];
            for piece in out.split('<').skip(1) {
                let name = piece.trim_start_matches('/').split(|c: char| !c.is_alphanumeric() && c != '!').next();
                let known = |name: &str| tags.contains(&name) || more.contains(&name);
                assert!(name.is_some_and(known), "<{piece}");
            }
        }
        Format::Csv => {
            let mut rows = csv::ReaderBuilder::new().flexible(true).from_reader(out.as_bytes());
            for row in rows.records().map(|row| row.expect("what was written can be read")) {
                for cell in row.iter() {
                    let formula =
                        cell.starts_with(['=', '+', '@']) || cell.starts_with('-') && cell.parse::<f64>().is_err();
                    assert!(!formula, "{cell}");
                }
            }
        }
        Format::Ndjson => {
            for line in out.lines() {
                serde_json::from_str::<serde_json::Value>(line).expect("each line is JSON");
            }
        }
        Format::Json => {
            serde_json::from_str::<serde_json::Value>(out).expect("the whole is JSON");
        }
        Format::Table | Format::Markdown => {}
    }
}

fn subject() -> Subject {
    let number = PacketNumber::new(0, 1);
    Subject::new(FlowId { opener: number, depth: 0 }, std::iter::once(number).collect::<Evidence>())
}

pub(super) fn records(next: &mut impl FnMut() -> String) -> Vec<Record> {
    let end = |port| Endpoint { address: [10, 0, 0, 1].into(), port };
    let (client, server, ts, packet) = (end(4000), end(53), Timestamp(1_000_000_000), PacketNumber::new(0, 1));
    let record = DnsRecord { name: next(), record_type: next(), class: Some(next()), ttl: 1, data: next() };
    let dns = Dns {
        subject: Subject { file: Some(Arc::from(next().as_str())), ..subject() },
        client,
        server,
        transport: DnsTransport::Udp,
        id: 1,
        opcode: next(),
        query: Some(DnsQuery {
            packet,
            ts,
            name: Some(next()),
            record_type: Some(next()),
            class: Some(next()),
            recursion_desired: true,
            checking_disabled: false,
            edns: false,
            opt: None,
            answers: Vec::new(),
            authority: Vec::new(),
        }),
        response: Some(DnsResponse {
            packet,
            ts,
            name: None,
            record_type: None,
            rcode: next(),
            authoritative: false,
            truncated: false,
            recursion_available: false,
            authentic_data: false,
            opt: None,
            answers: vec![record.clone(), record],
            authority: Vec::new(),
            additional: Vec::new(),
        }),
        latency_ns: Some(1),
        retransmissions: 0,
        waited_ns: None,
        unreachable: None,
        truncated_before: None,
    };
    let http = Http {
        subject: subject(),
        client,
        server,
        version: next(),
        stream_id: None,
        over: HttpOver::Tcp,
        request: Some(HttpRequest {
            packet,
            ts,
            version: next(),
            method: Some(next()),
            target: Some(next()),
            scheme: None,
            authority: Some(next()),
            user_agent: Some(next()),
            headers: vec![(next(), next())],
            content_type: Some(next()),
            content_length: Some(next()),
            body_bytes: 0,
            trailers: vec![(next(), next())],
            object: None,
        }),
        response: Some(HttpResponse {
            packet,
            ts,
            version: next(),
            status: Some(200),
            reason: Some(next()),
            content_type: Some(next()),
            content_length: Some(next()),
            headers: vec![(next(), next())],
            body_bytes: 0,
            trailers: vec![(next(), next())],
            object: None,
        }),
        informational: Vec::new(),
        ttfb_ns: None,
        download_ns: None,
        pipelined: false,
        promised_on: None,
        reset: None,
        grpc_status: None,
        meaning: HttpMeaning::default(),
        serial: 0,
    };
    let finding = Finding {
        subject: subject(),
        client: Some(client),
        server: Some(server),
        severity: Severity::Warning,
        code: "dns.example",
        title: next(),
        explanation: next(),
        reference: Some("RFC 1035"),
    };
    let shown = Packet {
        number: packet,
        ts,
        captured_length: 1,
        wire_length: 1,
        protocols: "eth:ip:udp:dns".to_owned(),
        info: next(),
        layers: vec![PacketLayer::from(Layer {
            protocol: "dns",
            osi: 7,
            unit: "message",
            offset: 0,
            length: 1,
            fields: vec![("dns.qry.name", Value::Text(next()))],
        })],
        damage: Some(next()),
    };
    vec![
        Record::Dns(Box::new(dns)),
        Record::Http(Box::new(http)),
        Record::Certificate(Box::new(certificate(next))),
        Record::Finding(Box::new(finding)),
        Record::Packet(Box::new(shown)),
    ]
}

fn certificate(next: &mut impl FnMut() -> String) -> Certificate {
    let end = |port| Endpoint { address: [10, 0, 0, 2].into(), port };
    Certificate {
        subject_flow: subject(),
        client: end(4000),
        server: end(443),
        side: Side::Server,
        transport: TlsTransport::Tcp,
        position: 0,
        subject: Some(next()),
        issuer: Some(next()),
        subject_cn: vec![next()],
        issuer_cn: vec![next(), next()],
        serial: Some(next()),
        not_before: Some(next()),
        not_after: Some(next()),
        san_dns: vec![next()],
        san_ip: vec![next()],
        key_type: Some(next()),
        key_bits: Some(2048),
        signature_algorithm: Some(next()),
        is_ca: None,
        self_signed: None,
        der_length: 1,
        sha256: "00".to_owned(),
        sha1: "00".to_owned(),
        scts: Vec::new(),
        der: Box::default(),
    }
}
