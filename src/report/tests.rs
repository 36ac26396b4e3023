//! All formats, over one handcrafted set of records with the names attackers would choose.
//!
//! Golden outputs are in `src/report/golden`; `WIREGLASS_BLESS=1 cargo test report` writes them anew: look at them.
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use proptest::prelude::*;

use super::{packets::PacketLines, *};
use crate::record::*;

pub(super) const HOSTILE: &str = "evil\x1b]0;owned\x07\u{202e}gpj.exe\r\n<script>|`*_[x](y)\u{9b}31m";
const LONG: &str = "a-very-long-host-name-that-nobody-would-type.but-machines-do.eu-central-1.compute.internal.example";

fn at(ms: i64) -> Timestamp {
    Timestamp(1_795_209_258_000_000_000 + ms * 1_000_000)
}

fn number(number: u64) -> PacketNumber {
    PacketNumber::new(0, number)
}

fn subject(flow: u64, packets: &[u64]) -> Subject {
    let evidence = packets.iter().map(|packet| number(*packet)).collect();
    Subject::new(FlowId { opener: number(flow), depth: 0 }, evidence)
}

pub(super) fn endpoint(address: &str, port: u16) -> Endpoint {
    Endpoint { address: address.parse().unwrap(), port }
}

fn side(end: Endpoint, payload_bytes: u64, state: TcpState) -> ConnectionSide {
    ConnectionSide {
        address: end.address,
        port: end.port,
        packets: 12 + payload_bytes / 1400,
        wire_bytes: payload_bytes + 900,
        payload_bytes,
        flags: "SAFP".to_owned(),
        final_state: Some(state),
        mss: Some(1460),
        window_scale: Some(7),
        sack_permitted: Some(true),
        timestamps: None,
        retransmissions: 0,
        fast_retransmissions: 0,
        spurious_retransmissions: 0,
        out_of_order: 0,
        duplicate_acks: 0,
        zero_windows: 0,
        window_full: 0,
        keep_alives: 0,
        gap_bytes: 0,
        max_bytes_in_flight: 0,
        timeout_retransmissions: 0,
        tail_loss_probes: 0,
        loss_episodes: 0,
        sack_blocks: 0,
        duplicate_sacks: 0,
        zero_window_ns: 0,
        zero_window_probes: 0,
        window_series: Vec::new(),
        window_series_total: 0,
        initial_window: None,
        throughput_bits_per_second: None,
        goodput_bits_per_second: None,
        ecn_ce: 0,
        ece: Some(0),
        cwr: Some(0),
        limited_by: None,
        rtt: Rtt::default(),
    }
}

fn connection(flow: u64, ends: (Endpoint, Endpoint), sizes: (u64, u64), kind: CloseKind) -> Connection {
    let (client_state, server_state) = match kind {
        CloseKind::Graceful => (TcpState::TimeWait, TcpState::Closed),
        CloseKind::Refused | CloseKind::Reset => (TcpState::Closed, TcpState::Closed),
        _ => (TcpState::Established, TcpState::Established),
    };
    Connection {
        subject: subject(flow, &[flow, flow + 1, flow + 2]),
        community_id: CommunityId::new(Transport::Tcp, ends.0, ends.1),
        start_ts: at(flow as i64 * 10),
        end_ts: at(flow as i64 * 10 + 1310),
        duration_ns: 1_310_000_000,
        application: Some("tls"),
        tunnel: Vec::new(),
        vantage: Some(Vantage::NearClient),
        client_certainty: Certainty::Observed,
        client: side(ends.0, sizes.0, client_state),
        server: side(ends.1, sizes.1, server_state),
        handshake: Handshake {
            syn_to_syn_ack_ns: Some(21_100_000),
            syn_ack_to_ack_ns: Some(300_000),
            complete: true,
            ..Handshake::default()
        },
        transitions: Vec::new(),
        transitions_total: 0,
        close: Close { kind, initiator: Some(WhichSide::Client), time_wait: None, late_packets: 0 },
        completeness: 31,
        zeek: Zeek { conn_state: "SF", history: "ShADadFf".to_owned() },
    }
}

pub(super) fn tls(flow: u64, name: Option<&str>, outcome: TlsOutcome) -> Tls {
    let failed = outcome == TlsOutcome::Failed;
    Tls {
        subject: subject(flow, &[flow + 3]),
        client: endpoint("10.77.10.10", 50622),
        server: endpoint("10.77.20.80", 443),
        transport: TlsTransport::Tcp,
        version: (!failed).then(|| "TLS 1.3".to_owned()),
        server_name: name.map(str::to_owned),
        alpn: (!failed).then(|| "h2".to_owned()),
        client_hellos: vec![ClientHello { server_name: name.map(str::to_owned), ..ClientHello::default() }],
        server_hellos: Vec::new(),
        cipher_suite: (!failed).then(|| CipherSuite {
            id: 0x1301,
            name: "TLS_AES_128_GCM_SHA256".to_owned(),
            key_exchange: "any".to_owned(),
            authentication: "any".to_owned(),
            encryption: "AES-128-GCM".to_owned(),
            hash: "SHA256".to_owned(),
            forward_secrecy: Some(true),
        }),
        group: Some("x25519".to_owned()),
        resumption: (!failed).then_some(Resumption::None),
        early_data: false,
        client_certificate_requested: None,
        phases: Vec::new(),
        handshake_ns: (!failed).then_some(47_200_000),
        alerts: Vec::new(),
        outcome,
        failure: failed.then(|| TlsFailure {
            code: "unknown_ca".to_owned(),
            side: Some(Side::Client),
            explanation: "the client does not trust the issuer".to_owned(),
            cause: None,
            after: None,
        }),
        certificates: Vec::new(),
        client_certificates: Vec::new(),
        client_verification: None,
        marks: None,
        verification: None,
        ocsp_staple: None,
        decrypted: false,
    }
}

pub(super) fn dns(flow: u64, name: &str, kind: &str, rcode: Option<&str>, data: &[&str]) -> Dns {
    let record = |data: &&str| DnsRecord {
        name: name.to_owned(),
        record_type: kind.to_owned(),
        class: None,
        ttl: 60,
        data: (*data).to_owned(),
    };
    Dns {
        subject: subject(flow, &[flow, flow + 1]),
        client: endpoint("10.77.10.10", 41000),
        server: endpoint("10.77.0.53", 53),
        transport: DnsTransport::Udp,
        id: 7,
        opcode: "QUERY".to_owned(),
        query: Some(DnsQuery {
            packet: number(flow),
            ts: at(5),
            name: Some(name.to_owned()),
            record_type: Some(kind.to_owned()),
            class: Some("IN".to_owned()),
            recursion_desired: true,
            checking_disabled: false,
            edns: false,
            opt: None,
            answers: Vec::new(),
            authority: Vec::new(),
        }),
        response: rcode.map(|rcode| DnsResponse {
            packet: number(flow + 1),
            ts: at(9),
            name: None,
            record_type: None,
            rcode: rcode.to_owned(),
            authoritative: false,
            truncated: false,
            recursion_available: true,
            authentic_data: false,
            opt: None,
            answers: data.iter().map(record).collect(),
            authority: Vec::new(),
            additional: Vec::new(),
        }),
        latency_ns: rcode.map(|_| 3_940_000),
        retransmissions: if rcode.is_none() { 3 } else { 0 },
        waited_ns: None,
        unreachable: None,
        truncated_before: None,
    }
}

pub(super) fn http(flow: u64, target: &str, status: Option<u16>) -> Http {
    Http {
        subject: subject(flow, &[flow + 4]),
        client: endpoint("10.77.10.10", 58434),
        server: endpoint("10.77.20.80", 80),
        version: "1.1".to_owned(),
        stream_id: None,
        over: HttpOver::Tcp,
        request: Some(HttpRequest {
            packet: number(flow + 4),
            ts: at(33),
            version: "1.1".to_owned(),
            method: Some("GET".to_owned()),
            target: Some(target.to_owned()),
            scheme: Some("http".to_owned()),
            authority: Some("www.lab.example".to_owned()),
            user_agent: Some("=cmd|' /C calc'!A0".to_owned()),
            headers: vec![("host".to_owned(), "www.lab.example".to_owned())],
            content_type: None,
            content_length: None,
            body_bytes: 0,
            trailers: Vec::new(),
            object: None,
        }),
        response: status.map(|status| HttpResponse {
            packet: number(flow + 6),
            ts: at(60),
            version: "1.1".to_owned(),
            status: Some(status),
            reason: None,
            content_type: Some("text/html; charset=utf-8".to_owned()),
            content_length: Some("1234".to_owned()),
            headers: Vec::new(),
            body_bytes: 1234,
            trailers: Vec::new(),
            object: None,
        }),
        informational: Vec::new(),
        ttfb_ns: status.map(|_| 24_600_000),
        download_ns: status.map(|_| 100_000),
        pipelined: false,
        promised_on: None,
        reset: None,
        grpc_status: None,
        meaning: HttpMeaning::default(),
        serial: 0,
    }
}

fn certificate(flow: u64, name: &str, sha256: &str) -> Certificate {
    Certificate {
        subject_flow: subject(flow, &[flow + 5]),
        client: endpoint("10.77.10.10", 50622),
        server: endpoint("10.77.20.80", 443),
        side: Side::Server,
        transport: TlsTransport::Tcp,
        position: 0,
        subject: Some(format!("CN={name}")),
        issuer: Some("CN=Lab CA".to_owned()),
        subject_cn: vec![name.to_owned()],
        issuer_cn: vec!["Lab CA".to_owned()],
        serial: Some("1f".to_owned()),
        not_before: Some("2026-08-01T00:00:00Z".to_owned()),
        not_after: Some("2026-11-27T00:00:00Z".to_owned()),
        san_dns: vec![name.to_owned(), "b;c".to_owned()],
        san_ip: Vec::new(),
        key_type: Some("RSA".to_owned()),
        key_bits: Some(2048),
        signature_algorithm: Some("sha256WithRSAEncryption".to_owned()),
        is_ca: Some(false),
        self_signed: Some(false),
        der_length: 900,
        sha256: sha256.to_owned(),
        sha1: "00".to_owned(),
        scts: Vec::new(),
        der: Box::default(),
    }
}

pub(super) fn finding(
    severity: Severity,
    code: &'static str,
    title: &str,
    explanation: &str,
    packets: &[u64],
) -> Finding {
    Finding {
        subject: subject(17, packets),
        client: Some(endpoint("10.77.10.10", 58434)),
        server: Some(endpoint("10.77.20.80", 80)),
        severity,
        code,
        title: title.to_owned(),
        explanation: explanation.to_owned(),
        reference: Some("RFC 9293 3.10.7"),
    }
}

fn capture() -> Capture {
    let protocols = [
        ("eth", 632),
        ("eth:arp", 2),
        ("eth:ip", 630),
        ("eth:ip:tcp", 571),
        ("eth:ip:tcp:http", 96),
        ("eth:ip:tcp:tls", 402),
        ("eth:ip:udp", 59),
        ("eth:ip:udp:dns", 58),
    ];
    let count = |(path, packets): (&str, u64)| ProtocolCount { path: path.to_owned(), packets, bytes: packets * 600 };
    Capture {
        file: "page-load.pcapng".to_owned(),
        format: "pcapng".to_owned(),
        byte_order: Some("little".to_owned()),
        link_types: vec!["Ethernet".to_owned()],
        packets: 632,
        captured_bytes: 412_345,
        wire_bytes: 412_345,
        first_ts: Some(at(0)),
        last_ts: Some(at(4_210)),
        dropped: Some(0),
        tcp_connections: 4,
        protocols: protocols.into_iter().map(count).collect(),
        ..Capture::default()
    }
}

fn report_record(files: &[&str]) -> Record {
    let files = files.iter().map(|file| (*file).to_owned()).collect();
    Record::Report(Report { schema_version: SCHEMA_VERSION, version: "0.1.0", files })
}

/// A capture with all kinds of record.
fn records() -> Vec<Record> {
    let client = |port| endpoint("10.77.10.10", port);
    let web = endpoint("10.77.20.80", 443);
    let six = (endpoint("2001:db8:0:1:5054:ff:fe12:3456", 50_700), endpoint("2001:db8::80", 443));
    let mut lossy = connection(31, (client(50_622), web), (2_104, 96_321), CloseKind::Graceful);
    lossy.server.retransmissions = 3;
    lossy.server.gap_bytes = 1_448;
    let udp = Udp {
        subject: subject(3, &[3, 4]),
        community_id: CommunityId::new(Transport::Udp, client(41_000), endpoint("10.77.0.53", 53)),
        start_ts: at(5),
        end_ts: at(9),
        application: Some("dns"),
        tunnel: Vec::new(),
        client: UdpSide { endpoint: client(41_000), packets: 1, wire_bytes: 75, payload_bytes: 33 },
        server: UdpSide { endpoint: endpoint("10.77.0.53", 53), packets: 1, wire_bytes: 91, payload_bytes: 49 },
    };
    let race = finding(
        Severity::Error,
        "tcp.close-race",
        "10.77.10.10:58434 sent a request 3.1 ms after the server's FIN; it was reset",
        "the server closes after 5.0 s idle: let the client give up earlier, or the server later",
        &[412, 414, 415],
    );
    let expires = "www.lab.example expires in 6 days";
    vec![
        report_record(&["page-load.pcapng"]),
        Record::Dns(Box::new(dns(
            3,
            "www.lab.example",
            "A",
            Some("NOERROR"),
            &["10.77.20.80", "10.77.20.81", "10.77.20.82"],
        ))),
        Record::Dns(Box::new(dns(5, "日本語ドメイン.例え.jp", "AAAA", Some("NXDOMAIN"), &[]))),
        Record::Dns(Box::new(dns(7, HOSTILE, "TXT", Some("NOERROR"), &[HOSTILE]))),
        Record::Dns(Box::new(dns(9, LONG, "A", None, &[]))),
        Record::Udp(Box::new(udp)),
        Record::Tls(Box::new(tls(31, Some("www.lab.example"), TlsOutcome::Established))),
        Record::Tls(Box::new(tls(61, Some(LONG), TlsOutcome::Failed))),
        Record::Tls(Box::new(tls(71, Some("☕.例え.jp"), TlsOutcome::Established))),
        Record::Certificate(Box::new(certificate(31, "www.lab.example", "aa"))),
        Record::Certificate(Box::new(certificate(71, "www.lab.example", "aa"))),
        Record::Certificate(Box::new(certificate(61, HOSTILE, "bb"))),
        Record::Http(Box::new(http(17, "/", Some(200)))),
        Record::Http(Box::new(http(17, "/检索?q=猫咪和小狗的照片和视频大全在线观看免费下载安装最新版本", Some(404)))),
        Record::Http(Box::new(http(17, &format!("/{LONG}/{HOSTILE}"), None))),
        Record::Connection(Box::new(connection(
            17,
            (client(58_434), endpoint("10.77.20.80", 80)),
            (312, 1_234),
            CloseKind::Reset,
        ))),
        Record::Connection(Box::new(lossy)),
        Record::Connection(Box::new(connection(61, six, (517, 7), CloseKind::Graceful))),
        Record::Connection(Box::new(connection(71, (client(50_624), web), (0, 0), CloseKind::Refused))),
        Record::Finding(Box::new(race)),
        Record::Finding(Box::new(finding(Severity::Warning, "tls.certificate-expires", expires, "renew it", &[88]))),
        Record::Finding(Box::new(finding(
            Severity::Note,
            "tcp.retransmissions",
            "3 of 579 segments (0.5 %)",
            "",
            &[201, 202],
        ))),
        Record::Finding(Box::new(finding(Severity::Note, "tcp.retransmissions", "1 of 9 segments", "", &[300]))),
        Record::Capture(Box::new(capture())),
    ]
}

/// What was written, kept for the test.
#[derive(Clone, Default)]
pub(super) struct Kept(Arc<Mutex<Vec<u8>>>);

impl Write for Kept {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Kept {
    pub(super) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn print(format: Format, options: Options, records: &[Record]) -> String {
    let kept = Kept::default();
    let mut writer = writer(format, Box::new(kept.clone()), options).unwrap();
    records.iter().for_each(|record| writer.record(record).unwrap());
    writer.finish().unwrap();
    kept.text()
}

fn wide(width: usize) -> Options {
    Options { width: Some(width), ..Options::default() }
}

fn only(kind: RecordKind) -> Options {
    Options { wanted: Wanted::none().with(kind), ..Options::default() }
}

pub(super) fn assert_golden(name: &str, text: &str) {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/report/golden").join(name);
    if std::env::var_os("WIREGLASS_BLESS").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(text, expected, "{name} changed; look, then WIREGLASS_BLESS=1");
}

fn assert_harmless(text: &str) {
    for c in text.chars() {
        assert!(c == '\n' || !escape::is_hidden(c), "{c:?} in {text:?}");
    }
}

fn assert_fits(text: &str, most: usize) {
    for line in text.lines() {
        assert!(width::width(line) <= most, "{} columns of {most}: {line}", width::width(line));
    }
}

#[test]
fn tables_look_as_they_should() {
    for columns in [40, 60, 80, 120, 200] {
        let text = print(Format::Table, wide(columns), &records());
        assert_fits(&text, columns);
        assert_harmless(&text);
        assert_golden(&format!("table-{columns}.txt"), &text);
    }
}

#[test]
fn other_documents_look_as_they_should() {
    let all = Options { all: true, ..Options::default() };
    for (name, format, options) in [
        ("streamed-120.txt", Format::Table, all),
        ("report.md", Format::Markdown, Options::default()),
        ("report.html", Format::Html, Options::default()),
    ] {
        let text = print(format, options, &records());
        assert_harmless(&text);
        assert!(format == Format::Table || !text.contains("<script>"));
        assert_golden(name, &text);
    }
}

#[test]
fn colour_changes_nothing_else() {
    let colored = print(Format::Table, Options { color: true, ..wide(100) }, &records());
    assert!(colored.contains("\x1b[31m✖\x1b[0m"));
    let codes = ["\x1b[31m", "\x1b[33m", "\x1b[2m", "\x1b[1m", "\x1b[0m"];
    let bare = codes.iter().fold(colored, |text, code| text.replace(code, ""));
    let bare: Vec<&str> = bare.lines().map(str::trim_end).collect();
    let plain = print(Format::Table, wide(100), &records());
    assert_eq!(bare, plain.lines().collect::<Vec<_>>());
}

#[test]
fn captures_without_much_to_say() {
    let empty = Capture {
        file: "empty.pcap".to_owned(),
        format: "pcap".to_owned(),
        link_types: vec!["Ethernet".to_owned()],
        ..Capture::default()
    };
    let text =
        print(Format::Table, Options::default(), &[report_record(&["empty.pcap"]), Record::Capture(Box::new(empty))]);
    assert_eq!(text, "empty.pcap · pcap · Ethernet · no packets\n");
    let quiet = print(
        Format::Table,
        Options::default(),
        &[report_record(&["page-load.pcapng"]), Record::Capture(Box::new(capture()))],
    );
    assert!(quiet.ends_with("\n\nNo problems found.\n"), "{quiet}");
    let damaged = Capture {
        damage: Some(Damage { offset: 4711, what: "a block of 3 bytes\x1b[2J".to_owned() }),
        dropped: Some(9),
        captured_bytes: 100,
        snap_length: Some(96),
        timestamps_backwards: 2,
        ..capture()
    };
    let text = print(Format::Table, Options::default(), &[Record::Capture(Box::new(damaged))]);
    for part in
        ["✖ damaged at byte 4711: a block of 3 bytes\\x1b[2J", "▲ 9 packets dropped", "(snap length 96)", "2 packets"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains("complete"));
}

#[test]
fn hierarchies_of_several_links_and_networks() {
    let paths = [
        ("eth", 9),
        ("eth:ip", 5),
        ("eth:ip:udp", 5),
        ("eth:ipv6", 3),
        ("eth:ipv6:tcp", 3),
        ("eth:arp", 1),
        ("sll", 2),
    ];
    let count = |(path, packets): (&str, u64)| ProtocolCount { path: path.to_owned(), packets, bytes: 1 };
    let capture = Capture { protocols: paths.into_iter().map(count).collect(), ..capture() };
    let text = print(Format::Table, Options::default(), &[Record::Capture(Box::new(capture))]);
    assert!(text.contains("\neth 9 ▸ ip 5 ▸ udp 5\n      ▸ ipv6 3 ▸ tcp 3\n      ▸ arp 1\nsll 2\n"), "{text}");
}

#[test]
fn absurd_widths_do_no_harm() {
    for columns in [0, 1, 70_000, usize::MAX] {
        for all in [false, true] {
            let text = print(Format::Table, Options { all, ..wide(columns) }, &records());
            assert_harmless(&text);
            assert!(text.lines().all(|line| columns < 2 || width::width(line) <= 2_000), "{columns}");
        }
    }
}

#[test]
fn only_wanted_sections_are_printed() {
    let text = print(Format::Table, only(RecordKind::Dns), &records());
    assert!(text.starts_with("DNS  4"), "{text}");
    assert!(!text.contains("Connections") && !text.contains("Problems") && !text.contains("pcapng ·"));
}

#[test]
fn sections_are_cut_and_say_so() {
    let ends = (endpoint("10.0.0.1", 9), endpoint("10.0.0.2", 80));
    let mut many = vec![report_record(&["a.pcap"])];
    many.extend(
        (1..=500).map(|n| Record::Connection(Box::new(connection(n, ends, (n * 7 % 501, 0), CloseKind::Open)))),
    );
    let text = print(Format::Table, Options::default(), &many);
    assert!(text.contains("20 of 500, the largest"), "{text}");
    assert!(text.contains("--all shows every row"));
    let streamed = print(Format::Table, Options { all: true, ..Options::default() }, &many);
    assert_eq!(streamed.lines().filter(|line| line.starts_with("connection ")).count(), 501);
    assert_fits(&streamed, DEFAULT_WIDTH);
}

#[test]
fn rows_name_their_file_only_among_several() {
    let mut records = records();
    records[0] = report_record(&["a.pcap", "b.pcap"]);
    for record in &mut records {
        if let Some(subject) = record.subject_mut() {
            subject.file = Some("a.pcap".into());
        }
    }
    let text = print(Format::Table, wide(160), &records);
    assert!(text.lines().any(|line| line.trim_start().starts_with("file ")), "{text}");
    assert_fits(&text, 160);
}

#[test]
fn json_comes_back_as_it_was() {
    let records = records();
    let lines = print(Format::Ndjson, Options::default(), &records);
    assert_harmless(&lines);
    let parsed: Vec<serde_json::Value> = lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected: Vec<serde_json::Value> = records.iter().map(|record| serde_json::to_value(record).unwrap()).collect();
    assert_eq!(parsed, expected);
    assert!(lines.lines().all(|line| line.starts_with("{\"type\":\"")));
    let array = print(Format::Json, Options::default(), &records);
    assert_eq!(serde_json::from_str::<Vec<serde_json::Value>>(&array).unwrap(), expected);
    assert_eq!(print(Format::Json, Options::default(), &[]), "[]\n");
}

#[test]
fn csv_is_read_back() {
    let text = print(Format::Csv, only(RecordKind::Http), &records());
    assert_harmless(&text);
    let mut reader = ::csv::Reader::from_reader(text.as_bytes());
    let headers = reader.headers().unwrap().clone();
    let column =
        |name: &str| headers.iter().position(|header| header == name).unwrap_or_else(|| panic!("{name}: {headers:?}"));
    let rows: Vec<_> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 3);
    assert_eq!(&headers[0], "type");
    assert_eq!(&rows[0][column("client.address")], "10.77.10.10");
    assert_eq!(&rows[0][column("response.status")], "200");
    assert_eq!(&rows[2][column("response.status")], "");
    assert_eq!(&rows[0][column("request.user_agent")], "'=cmd|' /C calc'!A0");
    assert_eq!(&rows[0][column("request.headers")], "[[\"host\",\"www.lab.example\"]]");
    assert_eq!(&rows[0][column("evidence")], "21");
    let names = print(Format::Csv, only(RecordKind::Certificate), &records());
    assert!(names.contains("\"[\"\"www.lab.example\"\",\"\"b;c\"\"]\""), "{names}");
    assert!(writer(Format::Csv, Box::new(io::sink()), Options::default()).is_err());
}

#[test]
fn csv_columns_cover_every_value() {
    fn leaves(value: &serde_json::Value, path: &str, found: &mut Vec<String>) {
        match value.as_object() {
            Some(map) => map.iter().for_each(|(key, inner)| leaves(inner, &format!("{path}.{key}"), found)),
            None if value.is_null() => {}
            None => found.push(path.trim_start_matches('.').to_owned()),
        }
    }
    for record in records() {
        let text = print(Format::Csv, only(record.kind()), &[]);
        let headers: Vec<&str> = text.trim_end().split(',').collect();
        let mut paths = Vec::new();
        leaves(&serde_json::to_value(&record).unwrap(), "", &mut paths);
        for path in paths {
            assert!(headers.contains(&path.as_str()), "{path} in {headers:?}");
        }
    }
}

#[test]
fn csv_directory_has_a_file_for_each_kind() {
    let directory = std::env::temp_dir().join(format!("wireglass-csv-{}", std::process::id()));
    let mut writer = csv_directory(&directory).unwrap();
    records().iter().for_each(|record| writer.record(record).unwrap());
    writer.finish().unwrap();
    let read = |name: &str| std::fs::read_to_string(directory.join(name)).unwrap();
    assert_eq!(read("connection.csv").lines().count(), 5);
    assert_eq!(read("capture.csv").lines().count(), 2);
    std::fs::remove_dir_all(&directory).unwrap();
}

fn packet(info: &str, damage: Option<&str>) -> Packet {
    let text = |text: &str| Value::Text(text.to_owned());
    let layer = |protocol, osi, unit, offset, length, fields| Layer { protocol, osi, unit, offset, length, fields };
    Packet {
        number: number(412),
        ts: at(1),
        captured_length: 74,
        wire_length: 74,
        protocols: "eth:ip:tcp".to_owned(),
        info: info.to_owned(),
        layers: [
            layer(
                "eth",
                2,
                "frame",
                0,
                14,
                vec![("eth.src", text("02:00:00:00:00:01")), ("eth.dst", text("02:00:00:00:00:02"))],
            ),
            layer(
                "ip",
                3,
                "packet",
                14,
                20,
                vec![("ip.src", text("10.77.10.10")), ("ip.dst", text("10.77.20.80")), ("ip.ttl", Value::Number(64))],
            ),
            layer("tcp", 4, "segment", 34, 40, vec![("tcp.flags.syn", Value::Bool(true))]),
        ]
        .map(PacketLayer::from)
        .into(),
        damage: damage.map(str::to_owned),
    }
}

#[test]
fn packets_in_lines_and_trees() {
    let kept = Kept::default();
    let mut lines = PacketLines::new(Box::new(kept.clone()), wide(100), true);
    lines.packet(&packet("58434 → 80 [SYN] Seq=0", None), Some(&(0..20).collect::<Vec<u8>>())).unwrap();
    lines.record(&Record::Packet(Box::new(packet(HOSTILE, Some("cut off"))))).unwrap();
    lines.finish().unwrap();
    assert_harmless(&kept.text());
    assert_golden("packets.txt", &kept.text());

    let kept = Kept::default();
    let mut lines = PacketLines::new(Box::new(kept.clone()), Options { color: true, ..wide(100) }, false);
    lines.packet(&packet("ok", None), None).unwrap();
    lines.packet(&packet("cut", Some("cut off")), None).unwrap();
    let mut reset = packet("reset", None);
    reset.layers[2].layer.fields.push(("tcp.flags.reset", Value::Bool(true)));
    lines.packet(&reset, None).unwrap();
    let starts: Vec<bool> = kept.text().lines().map(|line| line.starts_with('\x1b')).collect();
    assert_eq!(starts, [false, true, true]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn nothing_from_the_network_breaks_a_line(name in any::<String>(), more in "[\\PC\\p{C}]{0,60}", columns in 24usize..200) {
        let mut all = vec![
            report_record(&[&name]),
            Record::Dns(Box::new(dns(1, &name, &more, Some(&more), &[&more]))),
            Record::Dns(Box::new(dns(1, &name, &more, Some("NOERROR"), &[&more]))),
            Record::Tls(Box::new(tls(2, Some(&name), TlsOutcome::Established))),
            Record::Http(Box::new(http(3, &more, Some(500)))),
            Record::Certificate(Box::new(certificate(4, &name, &more))),
            Record::Finding(Box::new(finding(Severity::Error, "dns.odd", &name, &more, &[1]))),
            Record::Capture(Box::new(Capture { file: name.clone(), format: more.clone(), ..capture() })),
        ];
        let ends = (endpoint("10.0.0.1", 9), endpoint("2001:db8::1", 80));
        all.push(Record::Connection(Box::new(connection(4, ends, (5, u64::MAX / 4), CloseKind::Reset))));
        for stream in [false, true] {
            let text = print(Format::Table, Options { all: stream, ..wide(columns) }, &all);
            assert_fits(&text, columns);
            assert_harmless(&text);
        }
        for format in [Format::Ndjson, Format::Json, Format::Markdown, Format::Html] {
            assert_harmless(&print(format, Options::default(), &all));
        }
        for kind in [RecordKind::Dns, RecordKind::Http, RecordKind::Finding] {
            let text = print(Format::Csv, only(kind), &all);
            assert_harmless(&text);
            let rows: Vec<_> = ::csv::Reader::from_reader(text.as_bytes()).into_records().map(Result::unwrap).collect();
            prop_assert!(!rows.is_empty());
            for cell in rows.iter().flat_map(|row| row.iter()) {
                prop_assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{}", cell);
            }
        }
        let kept = Kept::default();
        let mut lines = PacketLines::new(Box::new(kept.clone()), wide(columns), true);
        lines.packet(&packet(&name, Some(&more)), None).unwrap();
        assert_harmless(&kept.text());
        assert_fits(kept.text().lines().next().unwrap_or_default(), columns);
    }
}
