//! A UDP flow: counts per side. Its datagrams go to the reader as they come.
use super::{Copied, Packet};
use crate::record::{
    AnswerKind, Direction, Evidence, FlowFacts, PacketRef, ProbeAnswer, ProbeFact, Side, Subject, Timestamp, Udp,
    UdpSide,
};

/// Datagrams with the same identification that come within this time, in nanoseconds, are one that was captured twice:
/// devices that give all of theirs the same one send less often.
const COPIED_WITHIN_NS: i64 = 20_000_000;

/// Identifications that say nothing: none, and what packet generators put everywhere.
const LEAST_TOLD: u16 = 1;

/// A UDP flow.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    first: PacketRef,
    last: PacketRef,
    /// Which way the first and the last went, and with which hop limit.
    first_way: (Direction, Option<u8>),
    last_way: (Direction, Option<u8>),
    counts: [Counts; 2],
    /// The latest datagram of each direction.
    marks: [Mark; 2],
    pub done: bool,
    /// An ICMP error spoke of it.
    pub told: bool,
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
    /// Different datagrams in a row had the same identification: it tells nothing.
    is_constant: bool,
}

impl Mark {
    pub fn of(packet: &Packet<'_>, identification: u16, hop_limit: u8) -> Self {
        let start = packet.decoded.transport_offset as usize;
        let (length, checksum) = match packet.bytes.get(start.saturating_add(4)..) {
            Some([a, b, c, d, ..]) => (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d])),
            _ => (0, 0),
        };
        Self { at: packet.at.timestamp, identification, length, checksum, hop_limit, is_constant: false }
    }

    /// Without an identification nobody can tell a copy from the same sent twice.
    fn is_copy_of(&self, earlier: &Self) -> bool {
        self.identification > LEAST_TOLD
            && !self.is_constant
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
        let way = (Direction::ClientToServer, None);
        let (counts, marks) = ([Counts::default(); 2], [Mark::default(); 2]);
        Self { first: at, last: at, first_way: way, last_way: way, counts, marks, done: false, told: false }
    }

    /// Datagrams of both directions.
    pub fn packets(&self) -> u64 {
        let [client, server] = &self.counts;
        client.packets.saturating_add(server.packets)
    }

    /// Counts a datagram whose payload has `payload_length` bytes.
    pub fn datagram(
        &mut self,
        direction: Direction,
        at: PacketRef,
        hop_limit: Option<u8>,
        (wire_length, payload_length): (u32, u32),
    ) {
        self.last = at;
        self.last_way = (direction, hop_limit);
        if at.index == self.first.index {
            self.first_way = self.last_way;
        }
        if let Some(counts) = self.counts.get_mut(direction.index()) {
            counts.packets = counts.packets.saturating_add(1);
            counts.wire_bytes = counts.wire_bytes.saturating_add(u64::from(wire_length));
            counts.payload_bytes = counts.payload_bytes.saturating_add(u64::from(payload_length));
        }
    }

    /// Whether a datagram is the one before it once more.
    pub fn copied(&mut self, direction: Direction, mark: Mark) -> Option<Copied> {
        let earlier = self.marks.get_mut(direction.index())?;
        let is_same = (mark.length, mark.checksum) == (earlier.length, earlier.checksum);
        let repeats = mark.identification == earlier.identification && !is_same;
        let mark = Mark { is_constant: earlier.is_constant || repeats, ..mark };
        let copied = mark.is_copy_of(earlier).then(|| Copied::of(earlier.hop_limit, mark.hop_limit));
        *earlier = mark;
        copied
    }

    /// The last datagram and its hop limit, if it went in `direction`.
    pub fn last_sent(&self, direction: Direction) -> Option<(PacketRef, u8)> {
        let (way, hop_limit) = self.last_way;
        hop_limit.filter(|_| way == direction).map(|hop_limit| (self.last, hop_limit))
    }

    /// A lone datagram that was to come only so far, perhaps: with a small hop limit, answered once or not at all.
    pub fn probe(&self, facts: &FlowFacts) -> Option<ProbeFact> {
        let (direction, hop_limit) = self.first_way;
        let hop_limit = hop_limit.filter(|hop_limit| *hop_limit <= ProbeFact::LOW_HOP_LIMIT && !self.told)?;
        let [sent, back] = match direction {
            Direction::ClientToServer => [Side::Client, Side::Server],
            Direction::ServerToClient => [Side::Server, Side::Client],
        };
        let [client, server] = self.counts.map(|counts| counts.packets);
        let target = facts.endpoint(back);
        let answer = match client.saturating_add(server) {
            1 => None,
            2 if client == 1 => Some(ProbeAnswer { packet: self.last, by: target.address, kind: AnswerKind::Reached }),
            _ => return None,
        };
        let source = facts.endpoint(sent);
        if target.address.is_multicast() {
            return None;
        }
        let transport = facts.transport;
        Some(ProbeFact { flow: facts.id, transport, source, target, sent: self.first, hop_limit, answer })
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
            tunnel: Vec::new(),
            client: side(Side::Client, client),
            server: side(Side::Server, server),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Which datagrams of one direction, given by identification, checksum and milliseconds, are taken for copies.
    fn copies(datagrams: &[(u16, u16, i64)]) -> Vec<usize> {
        let mut flow = Flow::new(PacketRef::default());
        let mut copied = |(identification, checksum, at): (u16, u16, i64)| {
            let at = Timestamp(at * 1_000_000);
            let mark = Mark { at, identification, length: 100, checksum, hop_limit: 64, is_constant: false };
            flow.copied(Direction::ClientToServer, mark).is_some()
        };
        (0..).zip(datagrams).filter(|(_, datagram)| copied(**datagram)).map(|(place, _)| place).collect()
    }

    #[test]
    fn a_datagram_with_the_number_of_the_one_before_is_its_copy() {
        assert_eq!(copies(&[(7, 1, 0), (7, 1, 1), (8, 1, 2), (8, 1, 3)]), [1, 3]);
        assert!(copies(&[(7, 1, 0), (8, 1, 1), (9, 1, 2)]).is_empty(), "sent again");
        assert!(copies(&[(7, 1, 0), (7, 1, 100)]).is_empty(), "too late");
    }

    #[test]
    fn who_does_not_number_has_no_copies() {
        assert!(copies(&[(0, 1, 0), (0, 1, 1)]).is_empty());
        assert!(copies(&[(1, 1, 0), (1, 1, 1)]).is_empty());
        assert!(copies(&[(7, 1, 0), (7, 2, 1), (7, 2, 2), (7, 2, 3)]).is_empty());
    }
}
