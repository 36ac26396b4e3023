//! Bodies of the fuzz targets: a target in `fuzz/` is one line, and `tests/fuzz_replay.rs` runs every seed through
//! the same bodies on stable. Each takes any bytes at all, and must return.
mod above_ip;
mod certificates;
mod check;
mod copies;
mod filter;
mod headers;
mod neighbors;
mod parsers;
mod quic;
mod secrets;
mod segments;
mod text;

use std::{
    io::{self, Cursor},
    sync::{Arc, atomic::AtomicBool},
};

pub use above_ip::{
    datagrams_session, igmp_session, ipsec_session, ospf_session, routing_session, sctp_session, vrrp_session,
};
pub use certificates::{tls_certificate, tls_staple};
pub use check::check_spec;
pub use filter::filter_language;
pub use headers::{wire_header, wire_link};
pub use neighbors::{arp_session, icmp_session};
pub use parsers::{cross_flow, dns_rdata, hpack};
pub use quic::{quic_header, quic_session};
pub use secrets::{tls_decrypt, tls_key_log};
pub use segments::flow_segments;
pub use text::report_escape;

use crate::{
    app::{
        Carrier, Said, Session, Sink, registry,
        tls::{
            extension_values::{Place, read},
            extensions::Extensions,
            trust::Trust,
        },
    },
    capture::{self, Batch, More},
    engine, flow, limits,
    record::{
        Certainty, Context, Direction, EndCause, Endpoint, FlowFacts, FlowId, Input, LinkType, PacketNumber, PacketRef,
        Progress, Record, RecordKind, Secrets, Timestamp, Transport, Unreachable, Wanted,
    },
    report::{self, Writer},
    wire,
};

/// What a fuzz target runs.
pub type Body = fn(&[u8]);

/// The targets by name; `fuzz/fuzz_targets` and `fuzz/corpus` have the same names.
pub const TARGETS: &[(&str, Body)] = &[
    ("capture_file", capture_file),
    ("pcapng_blocks", pcapng_blocks),
    ("filter_names", filter_names),
    ("filter_language", filter_language),
    ("check_spec", check_spec),
    ("wire_packet", wire_packet),
    ("wire_link", wire_link),
    ("wire_header", wire_header),
    ("dns_session", dns_session),
    ("dns_rdata", dns_rdata),
    ("hpack", hpack),
    ("cross_flow", cross_flow),
    ("http_session", http_session),
    ("http2_session", http2_session),
    ("tls_session", tls_session),
    ("tls_extensions", tls_extensions),
    ("tls_key_log", tls_key_log),
    ("tls_decrypt", tls_decrypt),
    ("tls_certificate", tls_certificate),
    ("tls_staple", tls_staple),
    ("quic_header", quic_header),
    ("quic_session", quic_session),
    ("openvpn_session", openvpn_session),
    ("starttls_session", starttls_session),
    ("socks_session", socks_session),
    ("ssh_session", ssh_session),
    ("ftp_session", ftp_session),
    ("mail_session", mail_session),
    ("telnet_session", telnet_session),
    ("dhcp_session", dhcp_session),
    ("ntp_session", ntp_session),
    ("snmp_session", snmp_session),
    ("nbns_session", nbns_session),
    ("tftp_session", tftp_session),
    ("rip_session", rip_session),
    ("isakmp_session", isakmp_session),
    ("wireguard_session", wireguard_session),
    ("proxy_session", proxy_session),
    ("sctp_session", sctp_session),
    ("igmp_session", igmp_session),
    ("vrrp_session", vrrp_session),
    ("ospf_session", ospf_session),
    ("ipsec_session", ipsec_session),
    ("routing_session", routing_session),
    ("datagrams_session", datagrams_session),
    ("websocket_session", websocket_session),
    ("icmp_session", icmp_session),
    ("arp_session", arp_session),
    ("http_coding", http_coding),
    ("flow_segments", flow_segments),
    ("whole_run", whole_run),
    ("report_escape", report_escape),
];

fn everything() -> Wanted {
    RecordKind::ALL.into_iter().collect()
}

/// A file of any kind: every packet it claims to hold must lie in its batch.
pub fn capture_file(bytes: &[u8]) {
    let Ok(mut source) = capture::from_reader(Box::new(Cursor::new(bytes.to_vec())), "fuzz", 0, None) else { return };
    let (mut batch, mut packets) = (Batch::default(), 0);
    while let Ok(more) = source.next_batch(&mut batch) {
        for head in &batch.heads {
            packets += 1;
            assert_eq!(batch.bytes(head).len(), head.captured_length as usize);
        }
        if more == More::No {
            break;
        }
    }
    assert_eq!(source.descriptions().iter().map(|capture| capture.packets).sum::<u64>(), packets);
    copies::read_back(bytes);
}

/// A pcapng file whose blocks have right lengths, so that what is in them is reached: each step of the script is a byte
/// that chooses the kind of block, a byte of length, and so many bytes of body.
pub fn pcapng_blocks(script: &[u8]) {
    const KINDS: [u32; 16] =
        [1, 2, 3, 4, 5, 6, 6, 6, 9, 10, 0x0a0d_0d0a, 0xbad, 0x4000_0bad, 0x204, 0x101, 0x8000_0001];
    const SECTION: [u8; 16] = [0x4d, 0x3c, 0x2b, 0x1a, 1, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255];
    const ETHERNET: [u8; 8] = [1, 0, 0, 0, 0, 0, 4, 0];
    let big = script.first().is_some_and(|first| first & 1 == 1);
    let word = |value: u32| if big { value.to_be_bytes() } else { value.to_le_bytes() };
    let block = |out: &mut Vec<u8>, kind: u32, body: &[u8]| {
        let padded = body.len().next_multiple_of(4);
        let total = word(padded as u32 + 12);
        out.extend_from_slice(&word(kind));
        out.extend_from_slice(&total);
        out.extend_from_slice(body);
        out.resize(out.len() + padded - body.len(), 0);
        out.extend_from_slice(&total);
    };
    let section: Vec<u8> = if big {
        [&SECTION[..4], &SECTION[4..6], &SECTION[6..]]
            .concat()
            .chunks(4)
            .take(1)
            .flat_map(|magic| magic.iter().rev().copied())
            .chain([0, 1, 0, 0])
            .chain([255; 8])
            .collect()
    } else {
        SECTION.to_vec()
    };
    let mut file = Vec::new();
    block(&mut file, 0x0a0d_0d0a, &section);
    if script.first().is_none_or(|first| first & 2 == 0) {
        let ethernet = if big { [0, 1, 0, 0, 0, 4, 0, 0] } else { ETHERNET };
        block(&mut file, 1, &ethernet);
    }
    let mut script = script.get(1..).unwrap_or_default();
    while let [kind, length, rest @ ..] = script {
        let (body, rest) = rest.split_at(rest.len().min(usize::from(*length)));
        script = rest;
        let kind = KINDS[usize::from(*kind) % KINDS.len()];
        if kind == 0x0a0d_0d0a {
            block(&mut file, kind, &[&section[..8], body].concat());
        } else {
            block(&mut file, kind, body);
        }
    }
    capture_file(&file);
}

/// A capture filter: no word that libpcap would look up over the network may pass.
pub fn filter_names(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let verdict = capture::bpf::refuse_names(&text);
    // A word that is neither known nor an address, alone or behind what passed, is a host's name to libpcap.
    assert!(capture::bpf::refuse_names("host example.org").is_err());
    // Behind an open bracket nothing is looked up: it is a syntax error there.
    if verdict.is_ok() && !text.contains('[') {
        assert!(capture::bpf::refuse_names(&format!("{text} or host www.example.org")).is_err(), "{text}");
    }
}

/// A packet: the first byte chooses the link type.
pub fn wire_packet(bytes: &[u8]) {
    const LINKS: [u16; 14] = [1, 113, 276, 101, 0, 108, 228, 229, 12, 9, 50, 104, 105, 127];
    let Some((first, packet)) = bytes.split_first() else { return };
    let link = LinkType(LINKS[usize::from(*first) % LINKS.len()]);
    let wire_length = packet.len() as u32 + u32::from(*first >> 4);
    let decoded = wire::decode(link, packet, wire_length);
    assert!(decoded.payload(packet).len() <= packet.len());
    let _ = (decoded.endpoints(packet), decoded.flow_key(packet), decoded.quoted(packet));
    let _ = (decoded.transport_checksum(packet), decoded.tcp_header(packet), decoded.tcp_options(packet).count());
    let _ = (decoded.path.to_string(), decoded.stop.map(|stop| stop.to_string()));
    if let Some(fragment) = decoded.fragment(packet) {
        let mut fragments = flow::fragment::Reassembler::default();
        let at = PacketRef::default();
        if let flow::fragment::Outcome::Complete(datagram) = fragments.add(&fragment, at, Timestamp(0)) {
            let datagram = datagram.to_vec();
            let _ = wire::decode_reassembled(&datagram, &decoded);
        }
    }
    for layer in wire::describe(link, packet, wire_length) {
        assert!(layer.offset <= packet.len(), "{layer:?}");
    }
    let _ = wire::summary(link, packet, wire_length);
}

/// DNS over UDP and TCP.
pub fn dns_session(bytes: &[u8]) {
    session("dns", bytes);
}

/// HTTP/1.
pub fn http_session(bytes: &[u8]) {
    session("http", bytes);
}

/// HTTP/2, from its beginning and joined on the way.
pub fn http2_session(bytes: &[u8]) {
    session("http2", bytes);
}

/// TLS over TCP, DTLS, and TLS in QUIC.
pub fn tls_session(bytes: &[u8]) {
    session("tls", bytes);
    session("dtls", bytes);
}

/// The PROXY protocol's header.
pub fn proxy_session(bytes: &[u8]) {
    session("proxy", bytes);
}

/// WebSocket frames.
pub fn websocket_session(bytes: &[u8]) {
    session("websocket", bytes);
}

/// Content codings: the first two bytes choose which. Never more than its bounds may come out.
pub fn http_coding(bytes: &[u8]) {
    use crate::app::codec::http::coding::{Bounds, Coding, decoder};
    let [first, second, coded @ ..] = bytes else { return };
    let known = [Coding::Gzip, Coding::Deflate, Coding::Brotli, Coding::Zstd];
    let codings = [first, second].map(|choice| known[usize::from(*choice) % 4].clone());
    let codings = if first % 8 < 4 { &codings[..1] } else { &codings[..] };
    let bounds = Bounds { bytes: 1 << 20, ratio: 200, free: 1 << 16 };
    let Ok((mut content, _)) = decoder(Box::new(coded), coded.len() as u64, codings, bounds) else { return };
    let mut out = Vec::new();
    let _ = io::Read::read_to_end(&mut content, &mut out);
    assert!(out.len() as u64 <= bounds.bytes);
}

/// The extensions of a TLS message: the first byte says which message, the others are its list of extensions, and once more
/// its whole body. What is kept for a report and what is only checked must be judged alike.
pub fn tls_extensions(bytes: &[u8]) {
    let Some((first, rest)) = bytes.split_first() else { return };
    let places = [
        Place::ClientHello { ech: false },
        Place::ClientHello { ech: true },
        Place::ServerHello,
        Place::HelloRetryRequest,
        Place::EncryptedExtensions,
        Place::CertificateRequest,
        Place::NewSessionTicket,
    ];
    let place = places[usize::from(*first) % places.len()];
    let whole = [4, 8, 13].into_iter().filter_map(|kind| Extensions::of_message(kind, rest));
    for list in whole.chain([Extensions::new(rest, false)]) {
        let _ = list.is_sound();
        for (kind, body) in list.iter() {
            let (kept, walked) = (read(kind, body, place, true), read(kind, body, place, false));
            assert_eq!(kept.as_ref().map(Result::is_ok), walked.as_ref().map(Result::is_ok), "{kind} {body:02x?}");
            if let Some(Ok(value)) = kept {
                serde_json::to_string(&value).expect("every value has a JSON form");
            }
        }
    }
}

/// OpenVPN, as [`session`] says.
pub fn openvpn_session(bytes: &[u8]) {
    session("openvpn", bytes);
}

/// SOCKS, as [`session`] says.
pub fn socks_session(bytes: &[u8]) {
    session("socks", bytes);
}

/// SSH, as [`session`] says.
pub fn ssh_session(bytes: &[u8]) {
    session("ssh", bytes);
}

/// FTP's control connection, as [`session`] says.
pub fn ftp_session(bytes: &[u8]) {
    session("ftp", bytes);
}

/// SMTP, POP3 and IMAP: the first byte says which.
pub fn mail_session(bytes: &[u8]) {
    let names = ["smtp", "imap", "pop"];
    let Some((first, rest)) = bytes.split_first() else { return };
    session(names[usize::from(*first) % names.len()], rest);
}

/// Telnet, as [`session`] says.
pub fn telnet_session(bytes: &[u8]) {
    session("telnet", bytes);
}

/// Protocols that go over to TLS of which no more is read: the first byte says which.
pub fn starttls_session(bytes: &[u8]) {
    let names = ["xmpp", "pgsql", "mysql"];
    let Some((first, rest)) = bytes.split_first() else { return };
    session(names[usize::from(*first) % names.len()], rest);
}

/// DHCP and DHCPv6, as [`session`] says.
pub fn dhcp_session(bytes: &[u8]) {
    session("dhcp", bytes);
    session("dhcpv6", bytes);
}

/// NTP, as [`session`] says.
pub fn ntp_session(bytes: &[u8]) {
    session("ntp", bytes);
}

/// NetBIOS's name service, as [`session`] says.
pub fn nbns_session(bytes: &[u8]) {
    session("nbns", bytes);
}

/// SNMP, as [`session`] says.
pub fn snmp_session(bytes: &[u8]) {
    session("snmp", bytes);
}

/// TFTP, as [`session`] says.
pub fn tftp_session(bytes: &[u8]) {
    session("tftp", bytes);
}

/// RIP and RIPng, as [`session`] says.
pub fn rip_session(bytes: &[u8]) {
    session("rip", bytes);
    session("ripng", bytes);
}

/// IKE, and IPsec in UDP, as [`session`] says.
pub fn isakmp_session(bytes: &[u8]) {
    session("isakmp", bytes);
    session("udpencap", bytes);
}

/// WireGuard, as [`session`] says.
pub fn wireguard_session(bytes: &[u8]) {
    session("wg", bytes);
}

/// Drives the session of protocol `name` through a script: the first byte chooses the carrier, then each step is an
/// operation byte, a length byte, and that many bytes of payload.
fn session(name: &str, steps: &[u8]) {
    script(name, steps, Secrets::none());
}

/// The same, with secrets.
fn script(name: &str, script: &[u8], secrets: &Secrets) {
    let Some(protocol) = registry::PROTOCOLS.iter().find(|protocol| protocol.name == name) else {
        panic!("no protocol is called `{name}`")
    };
    let Some((first, mut script)) = script.split_first() else { return };
    let carrier = [Carrier::Tcp, Carrier::Udp, Carrier::QuicCrypto, Carrier::Tls][usize::from(*first) % 4];
    let mut driver = Driver::new((protocol.session)(carrier), carrier, secrets.clone());
    while let [operation, length, rest @ ..] = script {
        let (payload, rest) = rest.split_at(rest.len().min(usize::from(*length) * (1 + usize::from(*operation >> 5))));
        script = rest;
        let direction = Direction::BOTH[usize::from(*operation & 1)];
        match operation >> 1 & 7 {
            0..=4 if carrier == Carrier::Udp => driver.datagram(direction, payload),
            0..=4 => driver.bytes(direction, payload),
            5 if carrier == Carrier::Udp => driver.unreachable(direction, payload),
            5 => driver.gap(direction, u64::from(*length)),
            6 => driver.end(direction, if length % 2 == 0 { EndCause::Fin } else { EndCause::Reset }),
            _ => driver.gap(direction, u64::from(*length) << 24),
        }
    }
    driver.close();
}

/// Offers bytes to a session as a flow does, and checks that what it answers makes sense.
struct Driver {
    session: Box<dyn Session>,
    flow: FlowFacts,
    packet: PacketRef,
    pending: [Vec<u8>; 2],
    skip: [u64; 2],
    /// How many bytes a skip under way has behind it, and how many of them are missing.
    skipped: [(u64, u64); 2],
    offered: [bool; 2],
    over: bool,
    carrier: Carrier,
    secrets: Secrets,
}

impl Driver {
    fn new(session: Box<dyn Session>, carrier: Carrier, secrets: Secrets) -> Self {
        let transport = match carrier {
            Carrier::Tcp => Transport::Tcp,
            Carrier::Ip(number) => Transport::Ip(number),
            _ => Transport::Udp,
        };
        let end = |port| Endpoint { address: [10, 0, 0, port as u8].into(), port };
        let (client, server) = (end(40_001), end(53));
        let flow =
            FlowFacts { id: FlowId::default(), transport, client, server, client_certainty: Certainty::Observed };
        let packet = PacketRef { index: 0, number: PacketNumber::new(0, 1), timestamp: Timestamp(0) };
        let pending = [Vec::new(), Vec::new()];
        Self {
            session,
            flow,
            packet,
            pending,
            skip: [0; 2],
            skipped: [(0, 0); 2],
            offered: [false; 2],
            over: false,
            carrier,
            secrets,
        }
    }

    fn ask(&mut self, input: Input<'_>, from_start: bool) -> Progress {
        let mut said = Vec::new();
        let context = Context {
            flow: &self.flow,
            packet: self.packet,
            origins: &[],
            from_start,
            round_trip_ns: Some(1_000_000),
            server_round_trip_ns: None,
            hop_limit: None,
            secrets: &self.secrets,
        };
        let progress = self.session.input(input, &context, &mut Sink::new(everything(), true, &mut said));
        for said in said {
            if let Said::Record(record) = said {
                serde_json::to_string(&record).expect("every record has a JSON form");
            }
        }
        progress
    }

    fn step(&mut self) {
        self.packet.index += 1;
        self.packet.number = PacketNumber::new(0, self.packet.index + 1);
        self.packet.timestamp = self.packet.timestamp.plus(1_000_000);
    }

    fn datagram(&mut self, direction: Direction, bytes: &[u8]) {
        self.step();
        if !self.over {
            self.over = self.ask(Input::Datagram { direction, bytes }, true) == Progress::Done;
        }
    }

    /// An ICMP error that quotes what it was given of a datagram.
    fn unreachable(&mut self, direction: Direction, quoted: &[u8]) {
        self.step();
        let context = Context {
            flow: &self.flow,
            packet: self.packet,
            origins: &[],
            from_start: true,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: None,
            secrets: &self.secrets,
        };
        let by = self.flow.server.address;
        let [message_type, code] = [3, 3];
        let notice = Unreachable { direction, by, reason: "port unreachable", message_type, code, mtu: None, quoted };
        if !self.over {
            let mut said = Vec::new();
            self.session.unreachable(&notice, &context, &mut Sink::new(everything(), true, &mut said));
        }
    }

    fn bytes(&mut self, direction: Direction, bytes: &[u8]) {
        self.step();
        let side = direction.index();
        let passed = self.skip[side].min(bytes.len() as u64);
        self.pass(direction, passed, 0);
        self.pending[side].extend_from_slice(&bytes[passed as usize..]);
        for _ in 0..=bytes.len() {
            if self.over || self.pending[side].is_empty() {
                return;
            }
            let offered = std::mem::take(&mut self.pending[side]);
            let from_start = !std::mem::replace(&mut self.offered[side], true);
            let progress = self.ask(Input::Stream { direction, bytes: &offered }, from_start);
            match progress {
                Progress::Consumed(done) | Progress::Need { consumed: done, .. } => {
                    assert!(done <= offered.len(), "{:?} consumed {done} of {}", self.carrier, offered.len());
                    self.pending[side] = offered[done..].to_vec();
                    if self.pending[side].len() > limits::MAX_PENDING_BYTES {
                        self.gap(direction, 0);
                    }
                    return;
                }
                Progress::Skip(done) if done <= offered.len() as u64 => {
                    assert!(done > 0, "skips nothing for ever");
                    self.pending[side] = offered[done as usize..].to_vec();
                }
                Progress::Skip(done) => {
                    self.skip[side] = done - offered.len() as u64;
                    self.skipped[side] = (offered.len() as u64, 0);
                }
                Progress::Done | Progress::HandOver(_) => self.over = true,
            }
        }
    }

    fn pass(&mut self, direction: Direction, passed: u64, missing: u64) {
        let side = direction.index();
        if passed > 0 {
            self.skip[side] -= passed;
            self.skipped[side].0 += passed;
            self.skipped[side].1 += missing;
            if self.skip[side] == 0 {
                self.tell_skipped(direction);
            }
        }
    }

    fn tell_skipped(&mut self, direction: Direction) {
        let (length, missing) = std::mem::take(&mut self.skipped[direction.index()]);
        self.skip[direction.index()] = 0;
        if length > 0 && !self.over {
            self.over = self.ask(Input::Skipped { direction, length, missing }, false) == Progress::Done;
        }
    }

    fn gap(&mut self, direction: Direction, length: u64) {
        let side = direction.index();
        let passed = self.skip[side].min(length);
        self.pass(direction, passed, passed);
        let length = length - passed + self.pending[side].len() as u64;
        self.pending[side].clear();
        if length > 0 && !self.over {
            self.over = self.ask(Input::Gap { direction, length }, false) == Progress::Done;
        }
    }

    fn end(&mut self, direction: Direction, cause: EndCause) {
        self.tell_skipped(direction);
        if !self.over {
            self.pending[direction.index()].clear();
            self.over = self.ask(Input::End { direction, cause }, false) == Progress::Done;
        }
    }

    fn close(&mut self) {
        for direction in Direction::BOTH {
            self.tell_skipped(direction);
        }
        if !self.over {
            self.ask(Input::Close, false);
        }
    }
}

/// A whole capture file through the whole path, as NDJSON and as tables; the same for one worker and for two.
pub fn whole_run(bytes: &[u8]) {
    let run = |threads, format| {
        let out = Shared::default();
        let Ok(source) = capture::from_reader(Box::new(Cursor::new(bytes.to_vec())), "fuzz", 0, None) else {
            return Vec::new();
        };
        let flow = flow::Settings { max_flows: 1 << 12, wanted: everything(), ..flow::Settings::default() };
        let settings = engine::Settings {
            flow,
            threads,
            filter: None,
            max_packets: None,
            stop: Arc::new(AtomicBool::new(false)),
            files: vec!["fuzz".to_owned()],
            trust: Some(Arc::new(Trust::mozilla().with_now(1_700_000_000))),
            given: engine::Given::default(),
            save: None,
            asking: None,
        };
        let options = report::Options { width: Some(100), wanted: everything(), ..report::Options::default() };
        let mut writer = report::writer(format, Box::new(out.clone()), options).expect("no CSV here");
        engine::run(source, settings, writer.as_mut(), &mut |_| {}).expect("memory can be read and written");
        out.take()
    };
    let one = run(1, report::Format::Ndjson);
    assert!(one == run(2, report::Format::Ndjson), "one worker and two disagree");
    let table = run(1, report::Format::Table);
    assert!(!table.contains(&0x1b), "an escape code reached the table");
}

/// Bytes written by a writer that is given away.
#[derive(Clone, Default)]
struct Shared(Arc<std::sync::Mutex<Vec<u8>>>);

impl Shared {
    fn take(&self) -> Vec<u8> {
        self.0.lock().map(|mut bytes| std::mem::take(&mut *bytes)).unwrap_or_default()
    }
}

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Ok(mut all) = self.0.lock() {
            all.extend_from_slice(bytes);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A writer that keeps nothing, for measuring everything before it.
#[derive(Debug, Default)]
pub struct Nowhere;

impl Writer for Nowhere {
    fn record(&mut self, _: &Record) -> io::Result<()> {
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}
