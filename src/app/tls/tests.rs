//! Scripted streams, taken from lab captures and the RFCs, in every split. No engine: `Replay` is a small stand-in for
//! the stream that offers bytes again.
use std::{collections::BTreeMap, net::IpAddr, path::Path};

use proptest::prelude::*;

use super::*;
use crate::{
    app::{Probe, Said, Session, Sink, Verdict},
    record::{
        Certainty, Context, Direction, EndCause, Endpoint, FlowFacts, FlowId, Input, Origin, PacketNumber, PacketRef,
        Progress, Record, RecordKind, Resumption, Side, Timestamp, Tls, TlsOutcome, TlsRecord, Transport, Wanted,
    },
};

const C: Direction = Direction::ClientToServer;
const S: Direction = Direction::ServerToClient;

fn facts(client: Endpoint, server: Endpoint, transport: Transport) -> FlowFacts {
    let id = FlowId { opener: PacketNumber::new(0, 1), depth: 0 };
    FlowFacts { id, transport, client, server, client_certainty: Certainty::Observed }
}

fn any_facts() -> FlowFacts {
    let end = |port| Endpoint { address: IpAddr::from([10, 0, 0, 1]), port };
    facts(end(50000), end(443), Transport::Tcp)
}

#[derive(Default)]
struct Pending {
    bytes: Vec<u8>,
    origins: Vec<Origin>,
    skip: u64,
    at_least: usize,
    begun: bool,
}

/// Offers bytes as the engine does.
struct Replay {
    session: Box<dyn Session>,
    facts: FlowFacts,
    pending: [Pending; 2],
    said: Vec<Said>,
    wanted: Wanted,
    round_trip_ns: Option<i64>,
    from_start: bool,
    done: bool,
    most_held: usize,
}

impl Replay {
    fn new(facts: FlowFacts, session: Box<dyn Session>) -> Self {
        let wanted = RecordKind::ALL.into_iter().collect();
        let pending = <[Pending; 2]>::default();
        let (said, round_trip_ns) = (Vec::new(), Some(1000));
        Self { session, facts, pending, said, wanted, round_trip_ns, from_start: true, done: false, most_held: 0 }
    }

    fn tell(&mut self, input: Input<'_>, packet: PacketRef) {
        let (facts, from_start, round_trip_ns) = (self.facts, self.from_start, self.round_trip_ns);
        let context = Context {
            flow: &facts,
            packet,
            origins: &[],
            from_start,
            round_trip_ns,
            server_round_trip_ns: None,
            hop_limit: None,
            secrets: crate::record::Secrets::none(),
        };
        let mut out = Sink::new(self.wanted, true, &mut self.said);
        self.session.input(input, &context, &mut out);
    }

    fn bytes(&mut self, direction: Direction, mut bytes: &[u8], packet: PacketRef) {
        let facts = self.facts;
        let pending = &mut self.pending[direction.index()];
        let skipped = usize::try_from(pending.skip).unwrap().min(bytes.len());
        pending.skip -= skipped as u64;
        bytes = &bytes[skipped..];
        if bytes.is_empty() {
            return;
        }
        pending.origins.push(Origin { offset: pending.bytes.len(), packet });
        pending.bytes.extend_from_slice(bytes);
        while !self.done && !pending.bytes.is_empty() && pending.bytes.len() >= pending.at_least {
            let from_start = self.from_start && !pending.begun;
            let round_trip_ns = self.round_trip_ns;
            let context = Context {
                flow: &facts,
                packet,
                origins: &pending.origins,
                from_start,
                round_trip_ns,
                server_round_trip_ns: None,
                hop_limit: None,
                secrets: crate::record::Secrets::none(),
            };
            let mut out = Sink::new(self.wanted, true, &mut self.said);
            let progress = self.session.input(Input::Stream { direction, bytes: &pending.bytes }, &context, &mut out);
            let (consumed, again) = match progress {
                Progress::Consumed(consumed) => {
                    pending.at_least = 0;
                    (consumed, false)
                }
                Progress::Need { consumed, at_least } => {
                    pending.at_least = at_least;
                    (consumed, false)
                }
                Progress::Skip(length) => {
                    pending.at_least = 0;
                    let now = usize::try_from(length).unwrap().min(pending.bytes.len());
                    pending.skip = length - now as u64;
                    (now, true)
                }
                Progress::Done | Progress::HandOver(_) => {
                    self.done = true;
                    (pending.bytes.len(), false)
                }
            };
            assert!(consumed <= pending.bytes.len());
            pending.begun |= consumed > 0;
            pending.bytes.drain(..consumed);
            let last = pending.origins.partition_point(|origin| origin.offset <= consumed).saturating_sub(1);
            pending.origins.drain(..last);
            for origin in &mut pending.origins {
                origin.offset = origin.offset.saturating_sub(consumed);
            }
            if pending.bytes.is_empty() {
                pending.origins.clear();
            }
            if !again {
                break;
            }
        }
        self.most_held = self.most_held.max(self.pending[direction.index()].bytes.len());
    }

    fn gap(&mut self, direction: Direction, length: u64, packet: PacketRef) {
        let pending = &mut self.pending[direction.index()];
        let length = length + pending.bytes.len() as u64;
        *pending = Pending { begun: true, ..Pending::default() };
        self.tell(Input::Gap { direction, length }, packet);
    }

    fn records(&self) -> impl Iterator<Item = &Record> {
        self.said.iter().filter_map(|said| match said {
            Said::Record(record) => Some(record),
            _ => None,
        })
    }
    fn tls(&self) -> Vec<&Tls> {
        self.records().filter_map(|record| if let Record::Tls(tls) = record { Some(&**tls) } else { None }).collect()
    }
    fn tls_records(&self) -> Vec<&TlsRecord> {
        self.records().filter_map(|r| if let Record::TlsRecord(record) = r { Some(&**record) } else { None }).collect()
    }
    fn findings(&self) -> Vec<&'static str> {
        self.records()
            .filter_map(|r| if let Record::Finding(finding) = r { Some(finding.code) } else { None })
            .collect()
    }
}

fn packet(number: u64) -> PacketRef {
    let timestamp = Timestamp(i64::try_from(number).unwrap() * 1_000_000);
    PacketRef { index: number, number: PacketNumber::new(0, number), timestamp }
}

/// A segment or datagram of a capture.
struct Segment {
    packet: PacketRef,
    source: Endpoint,
    destination: Endpoint,
    udp: bool,
    sequence: u32,
    flags: u8,
    payload: Vec<u8>,
}

/// Reads a classic capture of Ethernet frames. Enough for the lab's.
fn read_pcap(path: &Path) -> Vec<Segment> {
    let file = std::fs::read(path).unwrap();
    let big = file[0] == 0xa1;
    let nanos = [file[0], file[3]].contains(&0x4d);
    let u32_at = |at: usize| {
        let four: [u8; 4] = file[at..at + 4].try_into().unwrap();
        if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }
    };
    let link = u32_at(20);
    let (mut at, mut number, mut segments) = (24, 0, Vec::new());
    while at + 16 <= file.len() {
        let (seconds, fraction, length) = (u32_at(at), u32_at(at + 4), u32_at(at + 8) as usize);
        at += 16;
        number += 1;
        let frame = &file[at..(at + length).min(file.len())];
        at += length;
        let fraction = i64::from(fraction) * if nanos { 1 } else { 1000 };
        let timestamp = Timestamp::from_parts(seconds.into(), fraction);
        let packet = PacketRef { index: number, number: PacketNumber::new(0, number), timestamp };
        let segment = match link {
            1 => ethernet(frame, packet),
            101 => ip(frame, packet),
            113 => frame.get(16..).and_then(|rest| ip(rest, packet)),
            _ => None,
        };
        segments.extend(segment);
    }
    segments
}

fn ethernet(frame: &[u8], packet: PacketRef) -> Option<Segment> {
    let mut at = 12;
    while matches!(frame.get(at..at + 2)?, [0x81, 0] | [0x88, 0xa8]) {
        at += 4;
    }
    match frame.get(at..at + 2)? {
        [8, 0] | [0x86, 0xdd] => ip(frame.get(at + 2..)?, packet),
        _ => None,
    }
}

fn ip(ip: &[u8], packet: PacketRef) -> Option<Segment> {
    let (protocol, source, destination, body): (u8, IpAddr, IpAddr, &[u8]) = match ip.first()? >> 4 {
        4 => {
            let header = usize::from(ip[0] & 15) * 4;
            let total = usize::from(u16::from_be_bytes([*ip.get(2)?, *ip.get(3)?]));
            let total = if total == 0 { ip.len() } else { total.min(ip.len()) };
            let source: [u8; 4] = ip.get(12..16)?.try_into().ok()?;
            let destination: [u8; 4] = ip.get(16..20)?.try_into().ok()?;
            (ip[9], source.into(), destination.into(), ip.get(header..total)?)
        }
        6 => {
            let source: [u8; 16] = ip.get(8..24)?.try_into().ok()?;
            let destination: [u8; 16] = ip.get(24..40)?.try_into().ok()?;
            let total = 40 + usize::from(u16::from_be_bytes([ip[4], ip[5]]));
            (ip[6], source.into(), destination.into(), ip.get(40..total.min(ip.len()))?)
        }
        _ => return None,
    };
    let port = |at: usize| Some(u16::from_be_bytes([*body.get(at)?, *body.get(at + 1)?]));
    let source = Endpoint { address: source, port: port(0)? };
    let destination = Endpoint { address: destination, port: port(2)? };
    match protocol {
        6 => {
            let sequence = u32::from_be_bytes(body.get(4..8)?.try_into().ok()?);
            let header = usize::from(body.get(12)? >> 4) * 4;
            let (flags, payload) = (*body.get(13)?, body.get(header..)?.to_vec());
            Some(Segment { packet, source, destination, udp: false, sequence, flags, payload })
        }
        17 => {
            let payload = body.get(8..)?.to_vec();
            Some(Segment { packet, source, destination, udp: true, sequence: 0, flags: 0, payload })
        }
        _ => None,
    }
}

/// Reads all flows of a capture: TCP segments in order (those ahead wait), probed as the engine does.
fn read_flows(path: &Path, cut: Option<usize>) -> Vec<Replay> {
    type Ahead = BTreeMap<u64, (PacketRef, u32, Vec<u8>)>;
    struct Flow {
        replay: Option<Replay>,
        facts: FlowFacts,
        next: [Option<u32>; 2],
        syn: [bool; 2],
        ahead: [Ahead; 2],
        before: [Vec<u8>; 2],
        last: PacketRef,
        refused: bool,
    }
    let mut flows: Vec<((Endpoint, Endpoint, bool), Flow)> = Vec::new();
    for segment in read_pcap(path) {
        let key = |a: Endpoint, b: Endpoint| if a < b { (a, b, segment.udp) } else { (b, a, segment.udp) };
        let key = key(segment.source, segment.destination);
        let fresh = segment.flags & 0x12 == 2;
        let place = flows.iter().rposition(|(k, flow)| {
            *k == key && !(fresh && flow.next[0].is_some_and(|next| next != segment.sequence.wrapping_add(1)))
        });
        let place = place.unwrap_or_else(|| {
            let transport = if segment.udp { Transport::Udp } else { Transport::Tcp };
            let swap = segment.flags & 0x12 == 0x12;
            let (client, server) =
                if swap { (segment.destination, segment.source) } else { (segment.source, segment.destination) };
            let facts = facts(client, server, transport);
            let flow = Flow {
                replay: None,
                facts,
                next: [None; 2],
                syn: [false; 2],
                ahead: <[Ahead; 2]>::default(),
                before: <[Vec<u8>; 2]>::default(),
                last: segment.packet,
                refused: false,
            };
            flows.push((key, flow));
            flows.len() - 1
        });
        let flow = &mut flows[place].1;
        flow.last = segment.packet;
        let direction = if segment.source == flow.facts.client { C } else { S };
        let i = direction.index();
        if segment.udp {
            if flow.replay.is_none() {
                let asked = Probe {
                    carrier: Carrier::Udp,
                    direction,
                    bytes: &segment.payload,
                    from_start: true,
                    flow: &flow.facts,
                };
                if (DTLS_PROTOCOL.probe)(&asked) == Verdict::Certain {
                    flow.replay = Some(Replay::new(flow.facts, (DTLS_PROTOCOL.session)(Carrier::Udp)));
                }
            }
            if let Some(replay) = &mut flow.replay {
                replay.tell(Input::Datagram { direction, bytes: &segment.payload }, segment.packet);
            }
            continue;
        }
        if segment.flags & 2 != 0 {
            flow.next[i] = Some(segment.sequence.wrapping_add(1));
            flow.syn[i] = true;
            continue;
        }
        let next = *flow.next[i].get_or_insert(segment.sequence);
        let ahead = segment.sequence.wrapping_sub(next) as i32;
        if !segment.payload.is_empty() {
            if ahead > 0 {
                flow.ahead[i].insert(ahead as u64, (segment.packet, segment.sequence, segment.payload.clone()));
            }
            let mut ready = Vec::new();
            if ahead <= 0 {
                ready.push((segment.sequence, segment.payload));
            }
            while let Some((sequence, payload)) = ready.pop() {
                let next = flow.next[i].unwrap();
                let old = next.wrapping_sub(sequence) as usize;
                if old < payload.len() {
                    let new = &payload[old..];
                    flow.next[i] = Some(next.wrapping_add(new.len() as u32));
                    if flow.replay.is_none() && !flow.refused {
                        flow.before[i].extend_from_slice(new);
                        let asked = Probe {
                            carrier: Carrier::Tcp,
                            direction,
                            bytes: &flow.before[i],
                            from_start: flow.syn[i],
                            flow: &flow.facts,
                        };
                        match (PROTOCOL.probe)(&asked) {
                            Verdict::Certain | Verdict::Likely => {
                                let mut replay = Replay::new(flow.facts, (PROTOCOL.session)(Carrier::Tcp));
                                replay.from_start = flow.syn[i];
                                let before = std::mem::take(&mut flow.before[i]);
                                replay.bytes(direction, &before, segment.packet);
                                flow.replay = Some(replay);
                            }
                            Verdict::No => flow.refused = true,
                            Verdict::Maybe => {}
                        }
                    } else if let Some(replay) = &mut flow.replay {
                        for piece in new.chunks(cut.unwrap_or(usize::MAX)) {
                            replay.bytes(direction, piece, segment.packet);
                        }
                    }
                }
                let next = flow.next[i].unwrap();
                let waiting =
                    flow.ahead[i].iter().find(|(_, (_, s, _))| next.wrapping_sub(*s) as i32 >= 0).map(|(k, _)| *k);
                if let Some(key) = waiting {
                    let (_, sequence, payload) = flow.ahead[i].remove(&key).unwrap();
                    ready.push((sequence, payload));
                }
            }
        }
        if let Some(replay) = &mut flow.replay {
            if segment.flags & 4 != 0 {
                for direction in Direction::BOTH {
                    replay.tell(Input::End { direction, cause: EndCause::Reset }, segment.packet);
                }
            } else if segment.flags & 1 != 0 {
                replay.tell(Input::End { direction, cause: EndCause::Fin }, segment.packet);
            }
        }
    }
    let closed = flows.into_iter().filter_map(|(_, flow)| {
        let mut replay = flow.replay?;
        for direction in Direction::BOTH {
            let ahead = &flow.ahead[direction.index()];
            let mut next = flow.next[direction.index()].unwrap_or_default();
            let mut waiting: Vec<_> = ahead.values().collect();
            waiting.sort_by_key(|(_, sequence, _)| sequence.wrapping_sub(next));
            for (packet, sequence, payload) in waiting {
                let missing = sequence.wrapping_sub(next) as i32;
                if missing > 0 {
                    replay.gap(direction, missing as u64, *packet);
                    next = *sequence;
                }
                let old = next.wrapping_sub(*sequence) as usize;
                if old < payload.len() {
                    replay.bytes(direction, &payload[old..], *packet);
                    next = next.wrapping_add((payload.len() - old) as u32);
                }
            }
        }
        replay.tell(Input::Close, flow.last);
        Some(replay)
    });
    closed.collect()
}

fn fixture(name: &str, cut: Option<usize>) -> Vec<Replay> {
    read_flows(&Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(name).join("capture.pcap"), cut)
}

fn phases(tls: &Tls) -> String {
    let name = |phase: &crate::record::Phase| {
        let side = if phase.side == Side::Client { "c" } else { "s" };
        let mark = if phase.certainty == Certainty::Observed { "" } else { "?" };
        format!("{side}.{}{mark}", phase.name)
    };
    tls.phases.iter().map(name).collect::<Vec<_>>().join(" ")
}

#[test]
fn full_handshake_of_tls12() {
    let flows = fixture("tls12_ecdhe_rsa", None);
    let tls = flows[0].tls()[0].clone();
    assert_eq!(tls.version.as_deref(), Some("TLS 1.2"));
    assert_eq!(tls.outcome, TlsOutcome::Established);
    assert_eq!(tls.group.as_deref(), Some("x25519"));
    assert_eq!(tls.cipher_suite.unwrap().name, "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256");
    assert_eq!(tls.resumption, Some(Resumption::None));
    assert_eq!(tls.certificates.len(), 2);
    assert!(tls.handshake_ns.unwrap() > 0);
    assert!(tls.phases.iter().all(|phase| phase.since_previous_ns.is_none_or(|since| since >= 0)));
}

#[test]
fn phases_are_those_of_the_lab() {
    let of = |name: &str| {
        fixture(name, None).iter().flat_map(|r| r.tls().into_iter().map(phases).collect::<Vec<_>>()).collect::<Vec<_>>()
    };
    assert_eq!(
        of("tls13_hrr"),
        [
            "c.client_hello s.hello_retry_request s.change_cipher_spec c.change_cipher_spec c.client_hello s.server_hello \
          s.encrypted_extensions? s.certificate? s.certificate_verify? s.finished? c.finished? s.application_data?"
        ]
    );
    assert_eq!(
        of("tls12_session_id_resumption")[1],
        "c.client_hello s.server_hello s.change_cipher_spec s.finished? c.change_cipher_spec c.finished? c.application_data"
    );
    assert_eq!(
        of("tls13_0rtt_accepted")[1],
        "c.client_hello c.change_cipher_spec c.early_data? s.server_hello s.change_cipher_spec s.encrypted_extensions? \
         s.finished? c.end_of_early_data? c.finished? s.application_data?"
    );
    assert_eq!(
        of("dtls12")[0],
        "c.client_hello s.hello_verify_request c.client_hello s.server_hello s.certificate s.server_key_exchange \
         s.server_hello_done c.client_key_exchange c.change_cipher_spec c.finished? s.new_session_ticket \
         s.change_cipher_spec s.finished? c.application_data"
    );
}

#[test]
fn resumption_client_certificates_and_alerts() {
    let resumed = fixture("tls12_session_id_resumption", None);
    assert_eq!(resumed[1].tls()[0].resumption, Some(Resumption::SessionId));
    let early = fixture("tls13_0rtt_accepted", None);
    assert_eq!((early[1].tls()[0].resumption, early[1].tls()[0].early_data), (Some(Resumption::Psk), true));
    let asked = fixture("tls12_client_cert", None);
    assert_eq!(asked[0].tls()[0].client_certificate_requested, Some(true));
    let shown = asked[0].records().filter_map(|r| if let Record::Certificate(c) = r { Some(c.side) } else { None });
    assert!(shown.collect::<Vec<_>>().contains(&Side::Client));
    let refused = fixture("tls12_alert_unknown_ca", None);
    let failure = refused[0].tls()[0].failure.clone().unwrap();
    assert_eq!((failure.code.as_str(), failure.side), ("unknown_ca", Some(Side::Client)));
    assert_eq!(refused[0].findings(), ["tls.alert"]);
}

#[test]
fn every_cut_into_segments_gives_the_same() {
    for name in ["tls12_ecdhe_rsa", "tls13_hrr", "tls12_client_cert", "tls12_alert_unknown_ca", "tls13_0rtt_accepted"] {
        let whole: Vec<String> =
            fixture(name, None).iter().flat_map(Replay::records).map(|r| format!("{r:?}")).collect();
        for cut in [1, 2, 3, 5, 7, 11, 64, 1000] {
            let pieces: Vec<String> =
                fixture(name, Some(cut)).iter().flat_map(Replay::records).map(|r| format!("{r:?}")).collect();
            assert_eq!(whole, pieces, "{name} in pieces of {cut}");
        }
    }
}

fn lone(bytes: &[(Direction, &[u8])], from_start: bool) -> Replay {
    let mut replay = Replay::new(any_facts(), (PROTOCOL.session)(Carrier::Tcp));
    replay.from_start = from_start;
    for (number, (direction, bytes)) in bytes.iter().enumerate() {
        replay.bytes(*direction, bytes, packet(number as u64 + 1));
    }
    replay
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.chars().filter_map(|c| c.to_digit(16)).map(|d| d as u8).collect();
    digits.chunks(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// RFC 8448 section 3: the ClientHello and ServerHello of the simple 1-RTT handshake, with their records.
const RFC8448_CLIENT: &str = "16 03 01 00 c4 01 00 00 c0 03 03 cb 34 ec b1 e7 81 63 ba 1c 38 c6 da cb 19 6a 6d ff a2 1a
 8d 99 12 ec 18 a2 ef 62 83 02 4d ec e7 00 00 06 13 01 13 03 13 02 01 00 00 91 00 00 00 0b 00 09 00 00 06 73 65 72 76
 65 72 ff 01 00 01 00 00 0a 00 14 00 12 00 1d 00 17 00 18 00 19 01 00 01 01 01 02 01 03 01 04 00 23 00 00 00 33 00 26
 00 24 00 1d 00 20 99 38 1d e5 60 e4 bd 43 d2 3d 8e 43 5a 7d ba fe b3 c0 6e 51 c1 3c ae 4d 54 13 69 1e 52 9a af 2c 00
 2b 00 03 02 03 04 00 0d 00 20 00 1e 04 03 05 03 06 03 02 03 08 04 08 05 08 06 04 01 05 01 06 01 02 01 04 02 05 02 06
 02 02 02 00 2d 00 02 01 01 00 1c 00 02 40 01";
const RFC8448_SERVER: &str = "16 03 03 00 5a 02 00 00 56 03 03 a6 af 06 a4 12 18 60 dc 5e 6e 60 24 9c d3 4c 95 93 0c 8a
 c5 cb 14 34 da c1 55 77 2e d3 e2 69 28 00 13 01 00 00 2e 00 33 00 24 00 1d 00 20 c9 82 88 76 11 20 95 fe 66 76 2b db
 f7 c6 72 e1 56 d6 cc 25 3b 83 3d f1 dd 69 b1 b0 4e 75 1f 0f 00 2b 00 02 03 04";

#[test]
fn rfc_8448_hellos() {
    let (client, server) = (unhex(RFC8448_CLIENT), unhex(RFC8448_SERVER));
    let mut replay = lone(&[(C, &client), (S, &server)], true);
    replay.tell(Input::Close, packet(9));
    let tls = replay.tls()[0].clone();
    let hello = &tls.client_hellos[0];
    assert_eq!(hello.server_name.as_deref(), Some("server"));
    assert_eq!(hello.cipher_suites, [0x1301, 0x1303, 0x1302]);
    assert_eq!(hello.groups, [29, 23, 24, 25, 256, 257, 258, 259, 260]);
    assert_eq!(hello.supported_versions, [0x0304]);
    assert_eq!(hello.extensions, [0, 0xff01, 10, 35, 51, 43, 13, 45, 28]);
    assert_eq!(hello.ja3_raw, "771,4865-4867-4866,0-65281-10-35-51-43-13-45-28,29-23-24-25-256-257-258-259-260,");
    assert!(hello.ja4.starts_with("t13d030900_"), "{}", hello.ja4);
    assert_eq!(tls.server_hellos[0].supported_version, Some(0x0304));
    assert_eq!((tls.version.as_deref(), tls.group.as_deref()), (Some("TLS 1.3"), Some("x25519")));
    assert_eq!(tls.outcome, TlsOutcome::Incomplete);
}

#[test]
fn hello_byte_by_byte_belongs_to_the_packet_that_completes_it() {
    let client = unhex(RFC8448_CLIENT);
    let pieces: Vec<(Direction, &[u8])> = client.chunks(1).map(|piece| (C, piece)).collect();
    let mut replay = lone(&pieces, true);
    replay.tell(Input::Close, packet(999));
    assert_eq!(replay.tls()[0].client_hellos[0].packet, packet(client.len() as u64).number);
}

#[test]
fn joined_in_the_middle() {
    // The tail of a record, then two whole ones.
    let mut bytes = vec![0x99; 40];
    for _ in 0..2 {
        bytes.extend([23, 3, 3, 0, 20]);
        bytes.extend([0x5a; 20]);
    }
    let facts = any_facts();
    let asked = Probe { carrier: Carrier::Tcp, direction: C, bytes: &bytes, from_start: false, flow: &facts };
    assert_eq!((PROTOCOL.probe)(&asked), Verdict::Likely);
    assert_eq!((PROTOCOL.probe)(&Probe { from_start: true, ..asked }), Verdict::No);
    let mut replay = lone(&[(C, &bytes)], false);
    replay.tell(Input::Close, packet(2));
    assert_eq!(replay.tls_records().len(), 2);
    assert!(replay.tls().is_empty());
}

#[test]
fn a_reset_after_the_hello_is_told() {
    let client = unhex(RFC8448_CLIENT);
    let mut replay = lone(&[(C, &client)], true);
    replay.tell(Input::End { direction: C, cause: EndCause::Reset }, packet(2));
    replay.tell(Input::End { direction: S, cause: EndCause::Reset }, packet(2));
    replay.tell(Input::Close, packet(2));
    assert_eq!(replay.tls().len(), 1);
    assert_eq!(replay.tls()[0].failure.as_ref().unwrap().code, "reset");
    assert_eq!(replay.findings(), ["tls.handshake-incomplete"]);
}

#[test]
fn tls_parser_reads_the_same_hello() {
    let bytes = unhex(RFC8448_CLIENT);
    let (_, ours) = parser::client_hello(&bytes[9..], false).unwrap();
    let (_, theirs) = tls_parser::parse_tls_plaintext(&bytes).unwrap();
    let tls_parser::TlsMessage::Handshake(tls_parser::TlsMessageHandshake::ClientHello(hello)) = &theirs.msg[0] else {
        panic!("not a hello")
    };
    assert_eq!(ours.suites().collect::<Vec<_>>(), hello.ciphers.iter().map(|id| u32::from(id.0)).collect::<Vec<_>>());
    assert_eq!(ours.legacy_version, hello.version.0);
    let (_, extensions) = tls_parser::parse_tls_client_hello_extensions(hello.ext.unwrap()).unwrap();
    assert_eq!(ours.extensions.iter().count(), extensions.len());
}

#[test]
fn hello_in_many_records_and_several_in_one() {
    let hello = unhex(RFC8448_CLIENT);
    let mut split = Vec::new();
    for piece in hello[5..].chunks(9) {
        split.extend([22, 3, 1, 0, piece.len() as u8]);
        split.extend(piece);
    }
    let mut replay = lone(&[(C, &split)], true);
    replay.tell(Input::Close, packet(2));
    assert_eq!(replay.tls()[0].client_hellos[0].server_name.as_deref(), Some("server"));
    let records = replay.tls_records();
    assert_eq!(records.iter().filter(|record| !record.handshake_types.is_empty()).count(), 1);
    assert_eq!(records.last().unwrap().handshake_types, [1]);
}

#[test]
fn quic_crypto_has_no_records() {
    let (client, server) = (unhex(RFC8448_CLIENT), unhex(RFC8448_SERVER));
    let mut replay = Replay::new(any_facts(), (PROTOCOL.session)(Carrier::QuicCrypto));
    replay.bytes(C, &client[5..50], packet(1));
    replay.bytes(C, &client[50..], packet(2));
    replay.bytes(S, &server[5..], packet(3));
    replay.tell(Input::Close, packet(4));
    let tls = replay.tls()[0].clone();
    assert_eq!((tls.client_hellos[0].record_version, tls.client_hellos[0].packet), (None, packet(2).number));
    assert!(tls.client_hellos[0].ja4.starts_with('q'));
    assert!(replay.tls_records().is_empty());
}

#[test]
fn sslv2_framed_hello() {
    let mut hello = vec![0x80, 9 + 6 + 16, 1, 3, 1, 0, 6, 0, 0, 0, 16, 0, 0, 4, 1, 0, 0x80];
    hello.extend([7; 16]);
    let mut replay = lone(&[(C, &hello)], true);
    replay.tell(Input::End { direction: S, cause: EndCause::Fin }, packet(2));
    replay.tell(Input::Close, packet(3));
    let tls = replay.tls()[0].clone();
    assert_eq!(tls.client_hellos[0].record_version, Some(2));
    assert_eq!(tls.client_hellos[0].cipher_suites, [4, 0x010080]);
    assert_eq!(tls.client_hellos[0].ja3, "");
    assert_eq!(tls.failure.unwrap().code, "closed");
    assert_eq!(replay.tls_records()[0].content_type, None);
    assert_eq!(replay.findings(), ["tls.handshake-incomplete"]);
}

#[test]
fn bulk_data_pass_unbuffered_and_gaps_are_survived() {
    let mut record = vec![23, 3, 3, 0x40, 0];
    record.resize(5 + 0x4000, 0xa5);
    let mut replay = Replay::new(any_facts(), (PROTOCOL.session)(Carrier::Tcp));
    let stream: Vec<u8> = record.iter().copied().cycle().take(record.len() * 20).collect();
    for (number, piece) in stream.chunks(1460).enumerate() {
        replay.bytes(S, piece, packet(number as u64 + 1));
    }
    assert_eq!(replay.tls_records().len(), 20);
    assert!(replay.most_held < HEADER, "{}", replay.most_held);
    // A gap in the middle of a record: reading goes on with the next header that is followed by another.
    replay.gap(S, 1000, packet(400));
    replay.bytes(S, &stream[6000..], packet(401));
    assert_eq!(replay.tls_records().len(), 20 + 19);
}
const HEADER: usize = record_layer::HEADER_BYTES;

#[test]
fn roles_follow_the_hello_not_the_flow() {
    let (client, server) = (unhex(RFC8448_CLIENT), unhex(RFC8448_SERVER));
    let mut replay = lone(&[(S, &client), (C, &server)], true);
    replay.tell(Input::Close, packet(3));
    let tls = replay.tls()[0].clone();
    assert_eq!((tls.client.port, tls.server.port), (443, 50000));
    assert_eq!(phases(&tls), "c.client_hello s.server_hello");
}

#[test]
fn dtls_fragments_in_any_order() {
    let hello = unhex(RFC8448_CLIENT);
    // The same body with DTLS's cookie behind the session id.
    let mut body = hello[9..9 + 35].to_vec();
    body.push(0);
    body.extend(&hello[9 + 35..]);
    let fragment = |offset: usize, piece: &[u8]| {
        let mut datagram = vec![22, 0xfe, 0xfd, 0, 0, 0, 0, 0, 0, 0, 0];
        datagram.extend(((piece.len() + 12) as u16).to_be_bytes());
        datagram.extend([1, 0]);
        datagram.extend((body.len() as u16).to_be_bytes());
        datagram.extend([0, 0, 0]);
        datagram.extend((offset as u16).to_be_bytes());
        datagram.push(0);
        datagram.extend((piece.len() as u16).to_be_bytes());
        datagram.extend(piece);
        datagram
    };
    let mut replay = Replay::new(any_facts(), (DTLS_PROTOCOL.session)(Carrier::Udp));
    let datagrams = [fragment(100, &body[100..]), fragment(0, &body[..60]), fragment(50, &body[50..100])];
    for (number, datagram) in datagrams.iter().enumerate() {
        let asked =
            Probe { carrier: Carrier::Udp, direction: C, bytes: datagram, from_start: true, flow: &any_facts() };
        assert_eq!((DTLS_PROTOCOL.probe)(&asked), Verdict::Certain);
        replay.tell(Input::Datagram { direction: C, bytes: datagram }, packet(number as u64 + 1));
    }
    replay.tell(Input::Close, packet(9));
    let hello = replay.tls()[0].client_hellos[0].clone();
    assert_eq!((hello.server_name.as_deref(), hello.packet), (Some("server"), packet(3).number));
    assert!(hello.ja4.starts_with('d'));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn any_bytes_never_panic(
        pieces in proptest::collection::vec((any::<bool>(), proptest::collection::vec(any::<u8>(), 0..200)), 0..12),
        from_start: bool,
        headers: bool,
    ) {
        let mut replay = Replay::new(any_facts(), (PROTOCOL.session)(Carrier::Tcp));
        let mut dtls = Replay::new(any_facts(), (DTLS_PROTOCOL.session)(Carrier::Udp));
        let mut quic = Replay::new(any_facts(), (PROTOCOL.session)(Carrier::QuicCrypto));
        replay.from_start = from_start;
        for (number, (forward, piece)) in pieces.iter().enumerate() {
            let direction = if *forward { C } else { S };
            let mut bytes = piece.clone();
            if headers && bytes.len() > 5 {
                bytes.splice(0..5, [22, 3, 3, 0, (piece.len() - 5) as u8]);
            }
            replay.bytes(direction, &bytes, packet(number as u64));
            quic.bytes(direction, piece, packet(number as u64));
            dtls.tell(Input::Datagram { direction, bytes: piece }, packet(number as u64));
            if piece.len() % 7 == 0 {
                replay.gap(direction, 5, packet(number as u64));
            }
            let asked = Probe { carrier: Carrier::Tcp, direction, bytes: piece, from_start, flow: &any_facts() };
            (PROTOCOL.probe)(&asked);
        }
        replay.tell(Input::Close, packet(99));
        dtls.tell(Input::Close, packet(99));
    }

    #[test]
    fn damaged_hellos_never_panic(place in 0_usize..200, value: u8, cut in 0_usize..220) {
        for (direction, text) in [(C, RFC8448_CLIENT), (S, RFC8448_SERVER)] {
            let mut bytes = unhex(text);
            let place = place % bytes.len();
            bytes[place] = value;
            bytes.truncate(cut);
            let mut replay = lone(&[(direction, &bytes)], true);
            replay.tell(Input::Close, packet(2));
        }
    }
}
