//! A UDP flow: counts per side. Its datagrams go to the reader as they come.
use super::{Copied, Packet};
use crate::record::{Direction, Evidence, FlowFacts, PacketRef, Side, Subject, Timestamp, Udp, UdpSide};

/// Datagrams with the same identification that come within this time, in nanoseconds, are one that was captured twice:
/// devices that give all of theirs the same one send less often.
const COPIED_WITHIN_NS: i64 = 20_000_000;

/// A UDP flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    first: PacketRef,
    last: PacketRef,
    counts: [Counts; 2],
    /// The latest datagram of each direction.
    marks: [Mark; 2],
    pub done: bool,
}

/// What a datagram and its copy share, and what they need not.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mark {
    at: Timestamp,
    /// IPv4 identification; zero where there is none.
    identification: u16,
    length: u16,
    checksum: u16,
    hop_limit: u8,
}

impl Mark {
    pub fn of(packet: &Packet<'_>, identification: u16, hop_limit: u8) -> Self {
        let start = packet.decoded.transport_offset as usize;
        let (length, checksum) = match packet.bytes.get(start.saturating_add(4)..) {
            Some([a, b, c, d, ..]) => (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])),
            _ => (0, 0),
        };
        Self { at: packet.at.timestamp, identification, length, checksum, hop_limit }
    }

    /// Without an identification nobody can tell a copy from the same sent twice.
    fn is_copy_of(&self, earlier: &Self) -> bool {
        self.identification != 0
            && self.identification == earlier.identification
            && (self.length, self.checksum) == (earlier.length, earlier.checksum)
            && self.at.since(earlier.at).saturating_abs() < COPIED_WITHIN_NS
    }
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    packets: u64,
    wire_bytes: u64,
    payload_bytes: u64,
}

impl Flow {
    pub fn new(at: PacketRef) -> Self {
        Self { first: at, last: at, counts: [Counts::default(); 2], marks: [Mark::default(); 2], done: false }
    }

    pub fn datagram(&mut self, direction: Direction, at: PacketRef, wire_length: u32, payload_length: u32) {
        self.last = at;
        if let Some(counts) = self.counts.get_mut(direction.index()) {
            counts.packets = counts.packets.saturating_add(1);
            counts.wire_bytes = counts.wire_bytes.saturating_add(u64::from(wire_length));
            counts.payload_bytes = counts.payload_bytes.saturating_add(u64::from(payload_length));
        }
    }

    /// Whether a datagram is the one before it once more.
    pub fn copied(&mut self, direction: Direction, mark: Mark) -> Option<Copied> {
        let earlier = self.marks.get_mut(direction.index())?;
        let copied = mark.is_copy_of(earlier).then(|| Copied::of(earlier.hop_limit, mark.hop_limit));
        *earlier = mark;
        copied
    }

    pub fn record(&self, facts: &FlowFacts, application: Option<&'static str>) -> Udp {
        let [client, server] = self.counts;
        let mut evidence: Evidence = [self.first.number, self.last.number].into_iter().collect();
        let packets = client.packets.saturating_add(server.packets);
        evidence.add_unlisted(packets.saturating_sub(evidence.total()));
        let side = |side: Side, counts: Counts| UdpSide {
            endpoint: facts.endpoint(side),
            packets: counts.packets,
            wire_bytes: counts.wire_bytes,
            payload_bytes: counts.payload_bytes,
        };
        Udp {
            subject: Subject::new(facts.id, evidence),
            community_id: facts.into(),
            start_ts: self.first.timestamp,
            end_ts: self.last.timestamp,
            application,
            client: side(Side::Client, client),
            server: side(Side::Server, server),
        }
    }
}
