//! How records become rows. Everything from the network is escaped here.
use super::{
    captures::epoch,
    http_notes::notes,
    sections::{Cell, Show, Style},
    top::Key,
};
use crate::{
    record::{
        Close, CloseKind, Connection, ConnectionSide, Dns, DnsRecord, DnsTransport, Endpoint, ExtensionDetail,
        QuicPacketType, Record, Resumption, Side, Subject, Timestamp, TlsOutcome, Tunnel, WebsocketCounts, WhichSide,
    },
    report::{TimeStyle, escape::escape, tls_extensions, units},
};

/// Characters of one value that are looked at: more would be cut in any table.
const MAX_CHARACTERS: usize = 400;

/// Escaped text without a meaning of its own.
pub fn plain(text: &str) -> Cell {
    styled(text, Style::Plain)
}

pub(super) fn styled(text: &str, style: Style) -> Cell {
    match text.char_indices().nth(MAX_CHARACTERS) {
        // The middle will be cut anyway: keep both ends.
        Some((half, _)) => {
            let tail = text.char_indices().rev().nth(MAX_CHARACTERS).map_or(half, |(at, _)| at.max(half));
            let ends = (text.get(..half).unwrap_or_default(), text.get(tail..).unwrap_or_default());
            Cell { text: format!("{}…{}", escape(ends.0), escape(ends.1)), style }
        }
        None => Cell { text: escape(text).into_owned(), style },
    }
}

/// What was not seen.
pub(super) fn absent() -> Cell {
    Cell { text: "–".to_owned(), style: Style::Dim }
}

fn maybe(text: Option<&str>) -> Cell {
    text.map_or_else(absent, plain)
}

pub(super) fn duration(nanoseconds: Option<i64>) -> Cell {
    nanoseconds.map_or_else(absent, |ns| plain(&units::duration(ns)))
}

fn bytes(bytes: u64) -> Cell {
    styled(&units::bytes(bytes), if bytes == 0 { Style::Dim } else { Style::Plain })
}

pub(super) fn flow(subject: &Subject) -> Cell {
    subject.flow.map_or_else(absent, |flow| styled(&flow.to_string(), Style::Bold))
}

fn ends(client: Endpoint, server: Endpoint) -> Cell {
    plain(&format!("{client} → {server}"))
}

/// A moment as the user wants it.
fn moment(ts: Timestamp, show: &Show, previous: &mut Option<Timestamp>) -> Cell {
    let before = previous.replace(ts);
    let text = match show.time {
        TimeStyle::Epoch => epoch(ts),
        TimeStyle::Local => {
            let moment = chrono::DateTime::from_timestamp_nanos(ts.nanoseconds()).with_timezone(&chrono::Local);
            moment.format("%H:%M:%S%.3f").to_string()
        }
        TimeStyle::Delta => seconds(ts.since(before.unwrap_or(ts))),
        TimeStyle::Relative if show.origin.is_some() => seconds(ts.since(show.origin.unwrap_or(ts))),
        TimeStyle::Relative | TimeStyle::Utc => {
            chrono::DateTime::from_timestamp_nanos(ts.nanoseconds()).format("%H:%M:%S%.3f").to_string()
        }
    };
    plain(&text)
}

/// Seconds with three decimals.
fn seconds(nanoseconds: i64) -> String {
    let ms = nanoseconds.unsigned_abs().saturating_add(500_000) / 1_000_000;
    format!("{}{}.{:03} s", if nanoseconds < 0 && ms > 0 { "-" } else { "" }, ms / 1_000, ms % 1_000)
}

pub fn connection(record: &Record, show: &Show, previous: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::Connection(connection) = record else { return Vec::new() };
    let (client, server) = (&connection.client, &connection.server);
    let end = |side: &ConnectionSide| Endpoint { address: side.address, port: side.port };
    let state = |side: &ConnectionSide| side.final_state.map_or("?", |state| state.name());
    vec![
        flow(&connection.subject),
        moment(connection.start_ts, show, previous),
        ends(end(client), end(server)),
        application_inside(connection.application, &connection.tunnel),
        plain(&format!("{}|{}", state(client), state(server))),
        closed(&connection.close),
        duration(round_trip(connection)),
        lost(connection),
        gaps(connection),
        bytes(client.payload_bytes),
        bytes(server.payload_bytes),
        duration(Some(connection.duration_ns)),
    ]
}

/// What runs in a flow, and what the flow runs in: `http in vxlan 77`.
fn application_inside(name: Option<&str>, tunnel: &[Tunnel]) -> Cell {
    let around = tunnel.iter().map(Tunnel::to_string).collect::<Vec<_>>().join(", ");
    match (name, around.is_empty()) {
        (_, true) => maybe(name),
        (Some(name), false) => plain(&format!("{name} in {around}")),
        (None, false) => plain(&format!("in {around}")),
    }
}

/// The handshake's two halves together; else what the data showed.
fn round_trip(connection: &Connection) -> Option<i64> {
    let handshake = &connection.handshake;
    let sum = |a: Option<i64>, b: Option<i64>| a.zip(b).map(|(a, b)| a.saturating_add(b));
    sum(handshake.syn_to_syn_ack_ns, handshake.syn_ack_to_ack_ns)
        .or_else(|| sum(connection.client.rtt.min_ns, connection.server.rtt.min_ns))
}

fn lost(connection: &Connection) -> Cell {
    let (client, server) = (&connection.client, &connection.server);
    let again = client.retransmissions.saturating_add(server.retransmissions);
    styled(&units::count(again), if again == 0 { Style::Dim } else { Style::Yellow })
}

/// Bytes the capture never held.
fn gaps(connection: &Connection) -> Cell {
    match connection.client.gap_bytes.saturating_add(connection.server.gap_bytes) {
        0 => absent(),
        gap => styled(&units::bytes(gap), Style::Yellow),
    }
}

fn closed(close: &Close) -> Cell {
    let by = match close.initiator {
        Some(WhichSide::Client) => "client",
        Some(WhichSide::Server) => "server",
        Some(WhichSide::Both) => "both",
        None => "",
    };
    let by_whom = |how: &str| if by.is_empty() { how.to_owned() } else { format!("{by}, {how}") };
    match close.kind {
        CloseKind::Graceful => plain(&by_whom("clean")),
        CloseKind::HalfClosed => styled(&by_whom("half"), Style::Yellow),
        CloseKind::Reset => styled(&by_whom("reset"), Style::Red),
        CloseKind::Refused => styled("refused", Style::Red),
        CloseKind::Aborted => styled(&by_whom("gave up"), Style::Yellow),
        CloseKind::TimedOut => styled("no answer", Style::Red),
        CloseKind::Open => styled("still open", Style::Dim),
    }
}

pub fn udp(record: &Record, show: &Show, previous: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::Udp(udp) = record else { return Vec::new() };
    let packets = |packets: u64| styled(&units::count(packets), if packets == 0 { Style::Dim } else { Style::Plain });
    vec![
        flow(&udp.subject),
        moment(udp.start_ts, show, previous),
        ends(udp.client.endpoint, udp.server.endpoint),
        application_inside(udp.application, &udp.tunnel),
        packets(udp.client.packets),
        packets(udp.server.packets),
        bytes(udp.client.wire_bytes.saturating_add(udp.server.wire_bytes)),
        duration(Some(udp.end_ts.since(udp.start_ts))),
    ]
}

pub fn tls(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::Tls(tls) = record else { return Vec::new() };
    let resumption = match tls.resumption {
        None => absent(),
        Some(Resumption::None) => plain("full"),
        Some(Resumption::SessionId) => plain("session id"),
        Some(Resumption::Ticket) => plain("ticket"),
        Some(Resumption::Psk) => plain("psk"),
    };
    let verified = match &tls.verification {
        None => absent(),
        Some(verdict) if verdict.ok => plain("yes"),
        Some(verdict) => styled(verdict.reason.words(), Style::Yellow),
    };
    let outcome = match (&tls.outcome, &tls.failure) {
        (TlsOutcome::Established, _) => plain("established"),
        (TlsOutcome::Failed, Some(failure)) => {
            let by = failure.side.map_or("", |side| if side == Side::Client { " by client" } else { " by server" });
            styled(&format!("failed{by}: {}", failure.code), Style::Red)
        }
        (TlsOutcome::Failed, None) => styled("failed", Style::Red),
        (TlsOutcome::Incomplete, _) => styled("incomplete", Style::Dim),
    };
    vec![
        flow(&tls.subject),
        maybe(tls.server_name.as_deref()),
        maybe(tls.version.as_deref()),
        maybe(tls.cipher_suite.as_ref().map(|suite| suite.name.as_str())),
        maybe(tls.alpn.as_deref()),
        resumption,
        verified,
        duration(tls.handshake_ns),
        outcome,
    ]
}

pub fn certificate(record: &Record, show: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::Certificate(certificate) = record else { return Vec::new() };
    let subject = certificate.subject_cn.first().or(certificate.san_dns.first()).or(certificate.subject.as_ref());
    let issuer = certificate.issuer_cn.first().or(certificate.issuer.as_ref()).map(String::as_str);
    let issuer = match certificate.self_signed {
        Some(true) => plain("itself"),
        _ => maybe(issuer),
    };
    let now = show.origin.map(Timestamp::rfc3339);
    let until = certificate.not_after.as_deref().map_or_else(absent, |until| {
        let expired = now.as_deref().is_some_and(|now| until < now);
        styled(until.get(..10).unwrap_or(until), if expired { Style::Red } else { Style::Plain })
    });
    let key = certificate.key_type.as_deref().map_or_else(absent, |kind| {
        let bits = certificate.key_bits.map_or_else(String::new, |bits| format!(" {bits}"));
        plain(&format!("{kind}{bits}"))
    });
    vec![maybe(subject.map(String::as_str)), issuer, until, key, flow(&certificate.subject_flow)]
}

/// Failures first, then the slowest.
pub fn dns_key(record: &Record) -> Key {
    let Record::Dns(dns) = record else { return (0, 0) };
    let trouble = match &dns.response {
        None if expects_answer(dns) => 3,
        Some(response) if response.rcode == "NXDOMAIN" => 1,
        Some(response) if response.rcode != "NOERROR" => 2,
        _ => 0,
    };
    (trouble, dns.latency_ns.and_then(|ns| u64::try_from(ns).ok()).unwrap_or(0))
}

/// Multicast queries may stay without an answer.
fn expects_answer(dns: &Dns) -> bool {
    matches!(dns.transport, DnsTransport::Udp | DnsTransport::Tcp)
}

pub fn dns(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::Dns(dns) = record else { return Vec::new() };
    let (query, response) = (dns.query.as_ref(), dns.response.as_ref());
    let owner = response.and_then(|response| response.answers.first());
    let name = query.and_then(|query| query.name.as_deref()).or(response.and_then(|response| response.name.as_deref()));
    let kind = query.and_then(|query| query.record_type.as_deref());
    let kind = kind.or(response.and_then(|response| response.record_type.as_deref()));
    let shown_kind = if dns.opcode == "QUERY" { kind } else { Some(dns.opcode.as_str()) };
    let tries = dns.retransmissions.saturating_add(1);
    vec![
        flow(&dns.subject),
        maybe(name.or(owner.map(|owner| owner.name.as_str()))),
        maybe(shown_kind.or(owner.map(|owner| owner.record_type.as_str()))),
        answer(dns, kind),
        plain(&dns.server.to_string()),
        authority(dns),
        dns_time(dns),
        styled(&units::count(tries), if tries > 1 { Style::Yellow } else { Style::Dim }),
    ]
}

/// How long the answer took; without one, how long it was waited for.
fn dns_time(dns: &Dns) -> Cell {
    match dns.waited_ns.filter(|&waited| waited > 0 && dns.latency_ns.is_none() && expects_answer(dns)) {
        Some(waited) => styled(&format!("> {}", duration(Some(waited)).text), Style::Red),
        None => duration(dns.latency_ns),
    }
}

/// What came of a message that asks for no records.
fn done(dns: &Dns) -> Cell {
    let changes = dns.query.as_ref().map_or(0, |query| query.authority.len() as u64);
    match dns.opcode.as_str() {
        "UPDATE" if changes > 0 => plain(&format!("{} made", units::counted(changes, "change"))),
        "NOTIFY" => plain("acknowledged"),
        _ => plain("done"),
    }
}

/// On whose word an answer stands: that of the zone's own server, or of a resolver, and whether that verified it.
fn authority(dns: &Dns) -> Cell {
    let Some(response) = dns.response.as_ref().filter(|_| expects_answer(dns)) else { return absent() };
    match (response.authoritative, response.recursion_available, response.authentic_data) {
        (true, ..) => plain("authoritative"),
        (false, _, true) => plain("verified"),
        (false, true, false) => plain("resolver"),
        (false, false, false) => absent(),
    }
}

fn answer(dns: &Dns, kind: Option<&str>) -> Cell {
    if let Some(error) = &dns.unreachable {
        return styled(error.reason, Style::Red);
    }
    let Some(response) = &dns.response else {
        return if expects_answer(dns) { styled("no answer", Style::Red) } else { absent() };
    };
    match response.rcode.as_str() {
        "NOERROR" => {}
        "NXDOMAIN" => return styled("NXDOMAIN", Style::Yellow),
        other => return styled(other, Style::Red),
    }
    if dns.opcode != "QUERY" {
        return done(dns);
    }
    if let (Some("AXFR" | "IXFR"), [first, _, ..]) = (kind, &response.answers[..]) {
        // Of the SOA the third word is the serial.
        let serial = first.data.split(' ').nth(2).map_or_else(String::new, |serial| format!(", serial {serial}"));
        return plain(&format!("{}{serial}", units::counted(response.answers.len() as u64, "record")));
    }
    // The records that were asked for, not the aliases on the way to them.
    let asked: Vec<&DnsRecord> =
        response.answers.iter().filter(|record| Some(record.record_type.as_str()) == kind).collect();
    let shown: Vec<&DnsRecord> = if asked.is_empty() { response.answers.iter().collect() } else { asked };
    if response.truncated {
        return styled("truncated", Style::Yellow);
    }
    if shown.is_empty() {
        let referral = response.authority.iter().find(|record| record.record_type == "NS");
        return match referral.filter(|_| !response.authoritative) {
            Some(server) => plain(&format!("ask {}: {}", server.name, server.data)),
            None => styled("no such record", Style::Dim),
        };
    }
    let first: Vec<&str> = shown.iter().take(2).map(|record| record.data.as_str()).collect();
    let more = if shown.len() > 2 { format!(" +{}", shown.len() - 2) } else { String::new() };
    plain(&format!("{}{more}", first.join(", ")))
}

/// Failures first, then the slowest.
pub fn http_key(record: &Record) -> Key {
    let Record::Http(http) = record else { return (0, 0) };
    let trouble = match http.response.as_ref().map(|response| response.status) {
        None => 3,
        Some(_) if http.reset.as_ref().is_some_and(|reset| reset.code != 0) => 3,
        Some(Some(500..)) => 2,
        Some(Some(400..)) => 1,
        Some(_) => 0,
    };
    (trouble, http.ttfb_ns.and_then(|ns| u64::try_from(ns).ok()).unwrap_or(0))
}

/// The busiest first.
pub fn websocket_key(record: &Record) -> Key {
    let Record::Websocket(one) = record else { return (0, 0) };
    (0, one.sent.frames.saturating_add(one.received.frames))
}

pub fn websocket(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::Websocket(one) = record else { return Vec::new() };
    let messages = |counts: &WebsocketCounts| counts.text_messages.saturating_add(counts.binary_messages).to_string();
    let lasted = one.start_ts.zip(one.end_ts).map(|(start, end)| end.since(start));
    let closed = match one.close.first() {
        None => absent(),
        Some(close) => {
            let side = if close.side == Side::Client { "client" } else { "server" };
            let code = close.code.map_or_else(|| "no code".to_owned(), |code| code.to_string());
            let normal = matches!(close.code, None | Some(1000 | 1001));
            let name = close.name.unwrap_or_default();
            styled(&format!("{side}, {code} {name}"), if normal { Style::Plain } else { Style::Yellow })
        }
    };
    vec![
        flow(&one.subject),
        ends(one.client, one.server),
        plain(&messages(&one.sent)),
        plain(&messages(&one.received)),
        bytes(one.sent.data_bytes),
        bytes(one.received.data_bytes),
        plain(&one.sent.pings.saturating_add(one.received.pings).to_string()),
        duration(lasted),
        closed,
    ]
}

pub fn http(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::Http(http) = record else { return Vec::new() };
    let (request, response) = (http.request.as_ref(), http.response.as_ref());
    let url = request.and_then(|request| match (request.authority.as_deref(), request.target.as_deref()) {
        (Some(authority), Some(target)) if target.starts_with('/') => Some(format!("{authority}{target}")),
        (_, target) => target.map(str::to_owned),
    });
    let status = response.map_or_else(
        || styled("no response", Style::Red),
        |response| {
            let style = match response.status {
                Some(500..) => Style::Red,
                Some(400..) => Style::Yellow,
                _ => Style::Plain,
            };
            response.status.map_or_else(absent, |status| styled(&status.to_string(), style))
        },
    );
    let media = response.and_then(|response| response.content_type.as_deref());
    vec![
        flow(&http.subject),
        maybe(request.and_then(|request| request.method.as_deref())),
        maybe(url.as_deref()),
        status,
        maybe(media.map(|media| media.split(';').next().unwrap_or(media).trim())),
        duration(http.ttfb_ns),
        response.map_or_else(absent, |response| bytes(response.body_bytes)),
        match notes(http) {
            text if text.is_empty() => Cell::default(),
            text => plain(&text),
        },
    ]
}

pub fn http2_frame(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::Http2Frame(frame) = record else { return Vec::new() };
    let name = match frame.frame_type {
        None => "preface".to_owned(),
        Some(number) => match HTTP2_FRAMES.get(usize::from(number)) {
            Some(name) => (*name).to_owned(),
            None => format!("type {number}"),
        },
    };
    // The fields that say most: what is asked for, or what came of it.
    let shown = frame.headers.as_ref().map(|fields| {
        let told = fields.iter().filter_map(|(name, value)| Some((name.as_deref()?, value.as_deref()?)));
        let told = told.filter(|(name, _)| [":method", ":path", ":status", "grpc-status"].contains(name));
        told.map(|(_, value)| value).collect::<Vec<_>>().join(" ")
    });
    vec![
        plain(&frame.packet.to_string()),
        flow(&frame.subject),
        side(frame.side),
        maybe(frame.stream_id.map(|id| id.to_string()).as_deref()),
        plain(&name),
        maybe(frame.flags.map(|flags| format!("0x{flags:02x}")).as_deref()),
        plain(&units::count(u64::from(frame.length))),
        maybe(shown.as_deref()),
    ]
}

/// Names of frame types by number (RFC 9113 6).
const HTTP2_FRAMES: [&str; 10] = [
    "DATA",
    "HEADERS",
    "PRIORITY",
    "RST_STREAM",
    "SETTINGS",
    "PUSH_PROMISE",
    "PING",
    "GOAWAY",
    "WINDOW_UPDATE",
    "CONTINUATION",
];

fn side(side: Side) -> Cell {
    plain(if side == Side::Client { "client" } else { "server" })
}

pub fn dns_message(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::DnsMessage(message) = record else { return Vec::new() };
    let question = message.questions.first().map(|question| format!("{} {}", question.name, question.record_type));
    vec![
        plain(&message.packet.to_string()),
        flow(&message.subject),
        side(message.side),
        plain(if message.is_response { "response" } else { "query" }),
        maybe(question.as_deref()),
        if message.is_response { plain(&message.rcode) } else { absent() },
        plain(&message.answer_count.to_string()),
    ]
}

pub fn tls_record(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::TlsRecord(record) = record else { return Vec::new() };
    let content = match record.content_type {
        Some(20) => "change_cipher_spec",
        Some(21) => "alert",
        Some(22) => "handshake",
        Some(23) => "application_data",
        Some(24) => "heartbeat",
        _ => "unknown",
    };
    let types: Vec<String> = record.handshake_types.iter().map(u8::to_string).collect();
    let messages = match (&record.alert, record.encrypted) {
        (Some(alert), _) => styled(&format!("level {} description {}", alert.level, alert.description), Style::Yellow),
        (None, true) => styled("encrypted", Style::Dim),
        (None, false) if types.is_empty() => absent(),
        (None, false) => plain(&format!("types {}", types.join(", "))),
    };
    vec![
        plain(&record.packet.to_string()),
        flow(&record.subject),
        side(record.side),
        plain(content),
        plain(&format!("0x{:04x}", record.version)),
        plain(&units::count(u64::from(record.length))),
        messages,
    ]
}

pub fn quic_packet(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::QuicPacket(packet) = record else { return Vec::new() };
    let kind = match packet.packet_type {
        QuicPacketType::Initial => "Initial",
        QuicPacketType::ZeroRtt => "0-RTT",
        QuicPacketType::Handshake => "Handshake",
        QuicPacketType::Retry => "Retry",
        QuicPacketType::VersionNegotiation => "Version Negotiation",
        QuicPacketType::OneRtt => "1-RTT",
        QuicPacketType::Google => "Google",
    };
    let frames = match packet.packet_type {
        _ if packet.decrypted => plain(&packet.frames.join(", ")),
        QuicPacketType::Retry | QuicPacketType::VersionNegotiation => absent(),
        _ => styled("encrypted", Style::Dim),
    };
    vec![
        plain(&packet.packet.to_string()),
        flow(&packet.subject),
        side(packet.side),
        plain(kind),
        maybe(packet.destination_connection_id.as_deref()),
        maybe(packet.packet_number.map(|number| number.to_string()).as_deref()),
        frames,
    ]
}
pub fn tls_extensions(record: &Record, _: &Show, _: &mut Option<Timestamp>) -> Vec<Cell> {
    let Record::TlsExtensions(message) = record else { return Vec::new() };
    vec![
        plain(&message.packet.to_string()),
        flow(&message.subject),
        side(message.side),
        plain(message.message),
        absent(),
        absent(),
    ]
}

/// One row for each extension, below the row of its message.
pub fn extensions_below(record: &Record) -> Vec<Vec<Cell>> {
    let Record::TlsExtensions(message) = record else { return Vec::new() };
    let row = |detail: &ExtensionDetail| {
        let (length, words) = (units::count(u64::from(detail.length)), tls_extensions::words(detail));
        let name = format!("  {}", detail.name);
        vec![Cell::default(), Cell::default(), Cell::default(), plain(&name), plain(&length), plain(&words)]
    };
    message.extension_details.iter().map(row).collect()
}
