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
        let context = Context { flow: &facts, packet, origins: &[], from_start, round_trip_ns };
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
            let context = Context { flow: &facts, packet, origins: &pending.origins, from_start, round_trip_ns };
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
        self.records().filter_map(|r| if let Record::Finding(finding) = r { Some(finding.code) } else { None }).collect()
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
    struct Flow {
        replay: Option<Replay>,
        facts: FlowFacts,
        next: [Option<u32>; 2],
        syn: [bool; 2],
        ahead: [BTreeMap<u64, (PacketRef, u32, Vec<u8>)>; 2],
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
                ahead: <[BTreeMap<u64, (PacketRef, u32, Vec<u8>)>; 2]>::default(),
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
                let waiting = flow.ahead[i].iter().find(|(_, (_, s, _))| next.wrapping_sub(*s) as i32 >= 0).map(|(k, _)| *k);
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

/// Development only: writes the records of captures given in WIREGLASS_TLS_CAPTURES (files, by spaces) as NDJSON.
#[test]
#[ignore = "needs WIREGLASS_TLS_CAPTURES"]
fn write_ndjson() {
    for path in std::env::var("WIREGLASS_TLS_CAPTURES").unwrap().split_whitespace() {
        let mut lines = String::new();
        for replay in read_flows(Path::new(path), None) {
            for record in replay.records() {
                lines.push_str(&serde_json::to_string(record).unwrap());
                lines.push('\n');
            }
        }
        std::fs::write(format!("{path}.ndjson"), lines).unwrap();
    }
}
