//! A table of flows that may hold few of them, and packets of a few hosts in any sequence: SYN, FIN, RST, data, UDP, errors of
//! ICMP, and time that passes. Flows are given up all the time.
use std::collections::HashSet;

use super::{choices::Choices, runs::everything};
use crate::{
    flow::{Consumer, Packet, Settings, Table},
    limits::{self, Limit},
    record::{
        Context, Direction, EndCause, FlowFacts, FlowId, Input, LinkType, PacketNumber, PacketRef, Progress, Record,
        Timestamp, Unreachable,
    },
    wire,
};

/// Flows that the table may hold.
const MAX_FLOWS: usize = 8;

/// What is known of a flow.
struct Reader {
    id: FlowId,
    ended: [bool; 2],
    is_closed: bool,
    is_done: bool,
    turns: u8,
    skips: u64,
}

/// Reads everything, some of it carelessly.
#[derive(Default)]
struct Watch {
    policy: u8,
    now: u64,
    opened: HashSet<FlowId>,
    closed: HashSet<FlowId>,
    reported: HashSet<FlowId>,
    limited: u64,
}

impl Consumer for Watch {
    type Conversation = Reader;

    fn open(&mut self, flow: &FlowFacts) -> Reader {
        assert!(self.opened.insert(flow.id), "two flows are called {}", flow.id);
        Reader { id: flow.id, ended: [false; 2], is_closed: false, is_done: false, turns: 0, skips: 0 }
    }

    fn input(&mut self, reader: &mut Reader, input: Input<'_>, context: &Context<'_>) -> Progress {
        assert_eq!(context.flow.id, reader.id);
        assert!(!reader.is_closed, "{input:?} after the close");
        assert!(!reader.is_done || input == Input::Close, "{input:?} after Done");
        assert!(context.packet.index <= self.now, "a packet that has not come yet");
        for time in [context.round_trip_ns, context.server_round_trip_ns].into_iter().flatten() {
            assert!(time >= 0, "a round trip of {time} ns");
        }
        reader.turns = reader.turns.wrapping_add(1);
        match input {
            Input::Stream { direction, bytes } => {
                assert!(!bytes.is_empty() && !reader.ended[direction.index()]);
                match (self.policy, reader.turns % 8) {
                    (0, _) => Progress::Consumed(bytes.len()),
                    (1, turn) => Progress::Consumed(bytes.len().min(turn.into())),
                    (_, 0) => {
                        reader.skips += 1;
                        Progress::Skip(u64::from(reader.turns) << (reader.turns % 16))
                    }
                    (_, 1) => Progress::Need { consumed: 0, at_least: bytes.len() + 1 },
                    (2, 7) if reader.turns > 100 => {
                        reader.is_done = true;
                        Progress::Done
                    }
                    (_, 2) => Progress::HandOver(bytes.len() / 2),
                    _ => Progress::Consumed(bytes.len() / 2),
                }
            }
            Input::Skipped { length, missing, .. } => {
                assert!(length > 0 && missing <= length && reader.skips > 0, "nothing was to be skipped");
                Progress::Consumed(0)
            }
            Input::Gap { direction, length } => {
                assert!(length > 0 && !reader.ended[direction.index()]);
                Progress::Consumed(0)
            }
            Input::End { direction, cause } => {
                let ended = &mut reader.ended[direction.index()];
                assert!(!std::mem::replace(ended, true), "two ends ({cause:?})");
                assert!(matches!(cause, EndCause::Fin | EndCause::Reset));
                Progress::Consumed(0)
            }
            Input::Datagram { bytes, .. } => {
                reader.is_done = self.policy == 3 && bytes.len() > 40;
                if reader.is_done { Progress::Done } else { Progress::Consumed(bytes.len()) }
            }
            Input::Close => {
                reader.is_closed = true;
                assert!(self.closed.insert(reader.id));
                Progress::Done
            }
        }
    }

    fn unreachable(&mut self, reader: &mut Reader, notice: &Unreachable<'_>, context: &Context<'_>) {
        assert!(!reader.is_closed && context.flow.id == reader.id);
        assert!(!notice.reason.is_empty());
    }

    fn take_reoffer(&mut self, reader: &mut Reader) -> bool {
        self.policy == 1 && reader.turns % 16 == 7
    }

    fn application(&self, _: &Reader) -> Option<&'static str> {
        None
    }

    fn emit(&mut self, at: u64, flow: FlowId, record: Record) {
        assert!(at <= self.now + 1, "at {at}, now is {}", self.now);
        assert!(self.opened.contains(&flow));
        serde_json::to_string(&record).expect("every record has a JSON form");
        if let Record::Connection(connection) = &record {
            assert!(self.reported.insert(flow), "{flow} is reported twice");
            assert_eq!(connection.subject.flow, Some(flow));
            // Negative where the clock was set back.
            assert_eq!(connection.duration_ns, connection.end_ts.since(connection.start_ts));
            assert!(connection.transitions.len() as u64 <= connection.transitions_total);
            assert!(connection.client.packets + connection.server.packets > 0);
        }
        if let Record::Udp(_) = &record {
            assert!(self.reported.insert(flow), "{flow} is reported twice");
        }
    }

    fn limit(&mut self, _: &'static Limit, _: PacketRef) {
        self.limited += 1;
    }
}

/// An IPv4 packet of protocol `protocol` between hosts.
fn ipv4(protocol: u8, from: u8, to: u8, message: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0x45, 0];
    bytes.extend((message.len() as u16 + 20).to_be_bytes());
    bytes.extend([0, 1, 0x40, 0, 64, protocol, 0, 0, 10, 0, 0, from, 10, 0, 0, to]);
    bytes.extend_from_slice(message);
    bytes
}

/// Byte 0: bits 0-1 how the reader reads, bit 2 whether memory is short. Then steps: what, between whom, and what that needs.
pub fn flow_table(bytes: &[u8]) {
    let mut next = Choices::new(bytes);
    let mode = next.octet();
    // Room for as many flows as there may be, or for three connections that hold next to nothing.
    let max_flow_bytes = if mode & 4 == 0 { limits::MAX_FLOW_BYTES } else { 3 * limits::BYTES_PER_FLOW + 200 };
    let settings = Settings { max_flows: MAX_FLOWS, max_flow_bytes, wanted: everything(), ..Settings::default() };
    let mut table = Table::new(settings);
    let mut watch = Watch { policy: mode % 4, ..Watch::default() };
    // Where each direction of each pair of ports is.
    let mut sent = [[0_u32; 2]; 64];
    let (mut clock, mut time) = (Timestamp(0), 0_i64);
    let mut last = Vec::new();
    while !next.is_empty() {
        let (what, who) = (next.octet(), next.octet());
        // Half a millisecond, or as long as the script says; packets may also come from the past.
        time += 500_000;
        let direction = Direction::BOTH[usize::from(who & 1)];
        let pair = usize::from(who >> 1 & 63);
        let (client, server) = (1 + (pair as u8 >> 4), 9);
        let (from, to) = if who & 1 == 0 { (client, server) } else { (server, client) };
        let ports = [40_000 + (pair as u16 & 15), 80];
        let ports = if who & 1 == 0 { ports } else { [ports[1], ports[0]] };
        let mut message = Vec::with_capacity(64);
        ports.iter().for_each(|port| message.extend(port.to_be_bytes()));
        let flags = match what % 16 {
            0 | 1 => 2,
            2 => 0x12,
            3..=7 => 0x10,
            8 => 0x11,
            9 => 4,
            10 => 0x14,
            11 => next.octet(),
            12 => {
                // UDP.
                let length = next.octet() % 64;
                message.extend([0, length + 8, 0, 0]);
                message.resize(8 + usize::from(length), what);
                last = ipv4(17, from, to, &message);
                0xff
            }
            13 => {
                // An error about what came last.
                let kind = [3, 11, 12, 5, 4][usize::from(next.octet() % 5)];
                let mut error = vec![kind, next.octet() % 16, 0, 0, 0, 0, 5, 0xdc];
                error.extend_from_slice(&last[..last.len().min(usize::from(next.octet()))]);
                last = ipv4(1, 7, last.get(15).copied().unwrap_or(from), &error);
                0xff
            }
            14 => {
                time += i64::from(next.word()) * 1_000_000_000;
                continue;
            }
            _ => {
                time -= i64::from(next.octet()) * 100_000_000;
                0x10
            }
        };
        if flags != 0xff {
            let (own, peer) = (sent[pair][direction.index()], sent[pair][direction.reverse().index()]);
            // Mostly what comes next.
            let shift = next.octet();
            let sequence = match shift {
                0..=191 => own,
                192..=223 => own.wrapping_add(u32::from(shift - 191) * 7),
                224..=247 => own.wrapping_sub(u32::from(shift - 223) * 5),
                _ => own.wrapping_add(u32::from(shift) << 23),
            };
            let length = if what & 0x80 == 0 { 0 } else { next.octet() % 100 };
            message.extend(sequence.to_be_bytes());
            message.extend(peer.to_be_bytes());
            message.extend([0x50, flags, if what & 0x40 == 0 { 0xff } else { 0 }, 0xff, 0, 0, 0, 0]);
            message.resize(20 + usize::from(length), what);
            let taken = u32::from(length) + u32::from(flags & 3 != 0);
            if shift < 192 {
                sent[pair][direction.index()] = own.wrapping_add(taken);
            }
            last = ipv4(6, from, to, &message);
        }
        let timestamp = Timestamp(time);
        clock = clock.max(timestamp);
        let index = watch.now;
        let at = PacketRef { index, number: PacketNumber::new(0, index + 1), timestamp };
        let decoded = wire::decode(LinkType(101), &last, last.len() as u32);
        let packet = Packet {
            at,
            clock,
            bytes: &last,
            decoded: &decoded,
            checksum: wire::ChecksumStatus::Unverified,
            wire_length: last.len() as u32,
            encapsulated: None,
        };
        table.expire(clock, |_| at, &mut watch);
        table.packet(&packet, &mut watch);
        watch.now += 1;
        assert!(table.open_flows() <= MAX_FLOWS, "{} flows", table.open_flows());
        assert!(watch.opened.len() - watch.closed.len() <= MAX_FLOWS);
        let is_within = table.flow_bytes() <= max_flow_bytes || table.open_flows() <= 1;
        assert!(is_within, "{} bytes of {} flows", table.flow_bytes(), table.open_flows());
    }
    let at = PacketRef { index: watch.now, ..PacketRef::default() };
    table.finish(at, &mut watch);
    assert_eq!((table.open_flows(), table.flow_bytes()), (0, 0));
    assert_eq!(watch.opened, watch.closed, "what is opened is closed");
    assert!(watch.opened.len() <= MAX_FLOWS || watch.now > MAX_FLOWS as u64);
    assert!(watch.reported.len() <= watch.opened.len());
}
