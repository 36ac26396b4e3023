//! What the hop limit (IPv4: time to live) of a sender's packets says: as long as the path stays the same it does, so a
//! packet with another one took another path, or was sent by somebody else. One comparison a packet; the rest is rare.
use super::segment::Segment;
use crate::record::{PacketNumber, Timestamp};

/// Packets in a row with the same hop limit that make it the path's.
const SETTLED: u32 = 3;
/// Hop limits this near may come from two paths that routers choose between.
const NEAR: u8 = 1;
/// What contradicts data later than this, in nanoseconds, is a retransmission: no timer in use is shorter.
const CONTRADICTED_WITHIN_NS: i64 = 180_000_000;

/// The hop limits of one sender.
#[derive(Debug, Default)]
pub(super) struct Hops {
    latest: u8,
    /// Packets in a row that had it.
    packets: u32,
    changes: Option<Box<Changes>>,
}

/// A packet with another hop limit than those before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Odd {
    pub packet: PacketNumber,
    at: Timestamp,
    pub hop_limit: u8,
    /// Of the packets before it, and how many in a row had that.
    pub usual: u8,
    pub packets: u32,
    start: u32,
    end: u32,
}

#[derive(Debug, Default)]
struct Changes {
    /// Where the present hop limit began.
    began: PacketNumber,
    /// The last hop limit that stayed for a while.
    settled: Option<u8>,
    moves: Moves,
    reset: Option<Odd>,
    /// The latest odd packet with data.
    odd_data: Option<Odd>,
    contradicted: Option<(Odd, PacketNumber)>,
}

/// Changes from one hop limit that stayed to another that stayed.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Moves {
    pub times: u64,
    /// The first one: where the new hop limit began, the old one and the new.
    pub first: Option<(PacketNumber, u8, u8)>,
}

impl Odd {
    /// Whether it is so far from the usual that another path hardly explains it.
    pub fn is_far(&self) -> bool {
        self.hop_limit.abs_diff(self.usual) > NEAR
    }

    /// Whether both came over as many routers, if senders begin at 32, 64, 128 or 255: then it is likely the same host.
    pub fn is_as_far_away(&self) -> bool {
        let begun = |seen: u8| match seen {
            0..=32 => 32u8,
            33..=64 => 64,
            65..=128 => 128,
            129.. => 255,
        };
        let hops = |seen: u8| begun(seen).abs_diff(seen);
        begun(self.hop_limit) != begun(self.usual) && hops(self.hop_limit).abs_diff(hops(self.usual)) <= NEAR
    }
}

impl Hops {
    /// Takes the hop limit of a segment that is no copy.
    #[inline]
    pub fn see(&mut self, segment: &Segment<'_>) {
        if segment.hop_limit == self.latest {
            self.packets = self.packets.saturating_add(1);
        } else {
            self.other(segment);
        }
    }

    #[cold]
    fn other(&mut self, segment: &Segment<'_>) {
        let flags = segment.header.flags;
        if self.packets == 0 {
            // What an RST has says nothing of a sender that was not heard before.
            if !flags.rst() {
                self.latest = segment.hop_limit;
                self.packets = 1;
            }
            return;
        }
        let odd = Odd {
            packet: segment.at.number,
            at: segment.at.timestamp,
            hop_limit: segment.hop_limit,
            usual: self.latest,
            packets: self.packets,
            start: segment.header.sequence_number,
            end: segment.end(),
        };
        let changes = self.changes.get_or_insert_default();
        if flags.rst() {
            changes.reset.get_or_insert(odd);
            return;
        }
        changes.settle(self.latest, self.packets);
        if segment.length > 0 && self.packets >= SETTLED {
            changes.odd_data = Some(odd);
        }
        changes.began = segment.at.number;
        self.latest = segment.hop_limit;
        self.packets = 1;
    }

    /// A segment begins where earlier data did: does it contradict what an odd packet said?
    #[cold]
    pub fn sent_again(&mut self, segment: &Segment<'_>) {
        let Some(changes) = self.changes.as_deref_mut() else { return };
        if let Some(odd) = changes.odd_data
            && odd.is_far()
            && segment.hop_limit == odd.usual
            && segment.header.sequence_number == odd.start
            && segment.end() != odd.end
            && segment.at.timestamp.since(odd.at).saturating_abs() < CONTRADICTED_WITHIN_NS
        {
            changes.contradicted.get_or_insert((odd, segment.at.number));
        }
    }

    /// The first RST whose hop limit is far from that of what the sender sent before, if that had settled.
    pub fn foreign_reset(&self) -> Option<Odd> {
        let changes = self.changes.as_deref()?;
        // Where the path changes, an RST over another one is no wonder.
        let is_steady = changes.moves.times == 0;
        changes.reset.filter(|odd| odd.packets >= SETTLED && odd.is_far() && is_steady)
    }

    /// The first odd packet with data that a usual one contradicts, and that one.
    pub fn foreign_data(&self) -> Option<(Odd, PacketNumber)> {
        self.changes.as_deref().and_then(|changes| changes.contradicted)
    }

    /// How often the path changed.
    pub fn moves(&self) -> Moves {
        let Some(changes) = self.changes.as_deref() else { return Moves::default() };
        let mut last =
            Changes { began: changes.began, settled: changes.settled, moves: changes.moves, ..Changes::default() };
        last.settle(self.latest, self.packets);
        last.moves
    }
}

impl Changes {
    /// A hop limit that `packets` in a row had is over.
    fn settle(&mut self, hop_limit: u8, packets: u32) {
        if packets < SETTLED || self.settled == Some(hop_limit) {
            return;
        }
        if let Some(before) = self.settled.replace(hop_limit) {
            self.moves.times = self.moves.times.saturating_add(1);
            self.moves.first.get_or_insert((self.began, before, hop_limit));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        record::PacketRef,
        wire::{TcpFlags, TcpHeader, TcpOptions},
    };

    struct Sender {
        hops: Hops,
        number: u64,
    }

    impl Sender {
        fn new() -> Self {
            Self { hops: Hops::default(), number: 0 }
        }

        /// A segment of `length` bytes at `start`, a millisecond after the one before.
        fn send(&mut self, hop_limit: u8, flags: TcpFlags, start: u32, length: u32) -> &mut Self {
            self.number += 1;
            let header = TcpHeader { flags, sequence_number: start, ..TcpHeader::default() };
            let at = PacketRef {
                index: self.number,
                number: PacketNumber::new(0, self.number),
                timestamp: Timestamp(self.number as i64 * 1_000_000),
            };
            let segment = Segment {
                header,
                payload: &[],
                length,
                options: TcpOptions::default(),
                at,
                wire_length: 60,
                identification: 0,
                hop_limit,
                ecn: 0,
            };
            self.hops.see(&segment);
            self.hops.sent_again(&segment);
            self
        }

        fn acks(&mut self, hop_limits: &[u8]) -> &mut Self {
            for hop_limit in hop_limits {
                self.send(*hop_limit, TcpFlags::ACK, 1, 0);
            }
            self
        }
    }

    #[test]
    fn a_reset_from_elsewhere_is_seen() {
        let mut sender = Sender::new();
        sender.acks(&[52, 52, 52, 52]).send(250, TcpFlags::RST, 1, 0);
        let odd = sender.hops.foreign_reset().unwrap();
        assert_eq!((odd.hop_limit, odd.usual, odd.packets, odd.packet.number()), (250, 52, 4, 5));
        assert!(!odd.is_as_far_away(), "5 hops and 12 hops");
    }

    #[test]
    fn a_reset_of_the_senders_own_is_not() {
        for (hop_limits, reset) in [
            (&[52u8, 52, 52][..], 52),
            // Two paths, one router apart.
            (&[52, 52, 52], 51),
            // Too little is known.
            (&[52, 52], 250),
            (&[], 250),
            // The path is not steady.
            (&[52, 52, 52, 60, 60, 60], 52),
        ] {
            let mut sender = Sender::new();
            sender.acks(hop_limits).send(reset, TcpFlags::RST, 1, 0);
            assert!(sender.hops.foreign_reset().is_none(), "{hop_limits:?} {reset}");
        }
        // A kernel that begins elsewhere for RSTs: as many routers away.
        let mut sender = Sender::new();
        sender.acks(&[57, 57, 57]).send(248, TcpFlags::RST, 1, 0);
        assert!(sender.hops.foreign_reset().unwrap().is_as_far_away());
    }

    #[test]
    fn a_path_changes_when_the_new_one_stays() {
        let moves = |hop_limits: &[u8]| {
            let mut sender = Sender::new();
            sender.acks(hop_limits);
            let moves = sender.hops.moves();
            (moves.times, moves.first.map(|(packet, from, to)| (packet.number(), from, to)))
        };
        assert_eq!(moves(&[52; 9]), (0, None));
        assert_eq!(moves(&[52, 52, 52, 50, 52, 52, 52]), (0, None), "one packet is no path");
        assert_eq!(moves(&[52, 51, 52, 51, 52, 51]), (0, None), "two paths at once");
        assert_eq!(moves(&[52, 52, 52, 50, 50, 50]), (1, Some((4, 52, 50))));
        assert_eq!(moves(&[52, 52, 52, 50, 50, 50, 50, 52, 52, 52]), (2, Some((4, 52, 50))));
    }

    #[test]
    fn data_that_is_contradicted_came_from_elsewhere() {
        let mut sender = Sender::new();
        sender.acks(&[52, 52, 52]).send(247, TcpFlags::ACK, 1, 120).send(52, TcpFlags::ACK, 1, 1400);
        let (odd, by) = sender.hops.foreign_data().unwrap();
        assert_eq!((odd.packet.number(), odd.hop_limit, by.number()), (4, 247, 5));
        // The same again is a retransmission over another path; so is what comes from no other distance.
        for (hop_limit, length) in [(247, 1400), (53, 120), (52, 120)] {
            let mut sender = Sender::new();
            sender.acks(&[52, 52, 52]).send(hop_limit, TcpFlags::ACK, 1, length).send(52, TcpFlags::ACK, 1, 1400);
            assert!(sender.hops.foreign_data().is_none(), "{hop_limit} {length}");
        }
    }
}
