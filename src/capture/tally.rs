//! What is counted while a file is read, and the one place that appends packets to a batch.
use super::PacketHead;
use crate::record::{Capture, Damage, LinkType, PacketNumber, Timestamp};

/// Counts of one source.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) packets: u64,
    pub(super) captured_bytes: u64,
    pub(super) wire_bytes: u64,
    pub(super) first: Option<Timestamp>,
    pub(super) last: Timestamp,
    pub(super) backwards: u64,
    damage: Option<Damage>,
    /// Damages after the first one.
    further_damage: u64,
}

impl Tally {
    /// Notes damage at a byte offset. The first is told in full, the others are counted.
    pub(super) fn damage(&mut self, offset: u64, what: impl FnOnce() -> String) {
        if self.damage.is_some() {
            self.further_damage = self.further_damage.saturating_add(1);
        } else {
            self.damage = Some(Damage { offset, what: what() });
        }
    }

    /// Fills in the counts.
    pub(super) fn describe(&self, capture: &mut Capture) {
        capture.packets = self.packets;
        capture.captured_bytes = self.captured_bytes;
        capture.wire_bytes = self.wire_bytes;
        capture.first_ts = self.first;
        capture.last_ts = self.first.map(|_| self.last);
        capture.timestamps_backwards = self.backwards;
        capture.damage = self.damage.clone().map(|mut damage| {
            if self.further_damage > 0 {
                damage.what = format!("{}; and {} more further on", damage.what, self.further_damage);
            }
            damage
        });
    }

    /// Counts a packet.
    #[inline]
    pub(super) fn count(&mut self, timestamp: Timestamp, captured_length: u32, wire_length: u32) {
        if self.first.is_none() {
            self.first = Some(timestamp);
        } else if timestamp < self.last {
            self.backwards = self.backwards.saturating_add(1);
        }
        self.last = timestamp;
        self.packets = self.packets.saturating_add(1);
        self.captured_bytes = self.captured_bytes.saturating_add(u64::from(captured_length));
        self.wire_bytes = self.wire_bytes.saturating_add(u64::from(wire_length));
    }
}

/// Where a format's parser puts what it finds.
pub(super) struct Found<'a> {
    /// Heads of the batch being filled.
    pub(super) heads: &'a mut Vec<PacketHead>,
    /// Counts of the source.
    pub(super) tally: &'a mut Tally,
    /// Index of the file.
    pub(super) file: u16,
}

impl Found<'_> {
    /// A packet without a time: given that of the packet before it, so that it lies in no other era than its neighbours,
    /// and left out of what is said about times.
    pub(super) fn untimed_packet(
        &mut self,
        start: usize,
        captured: u32,
        wire: u32,
        interface: u32,
        link_type: LinkType,
    ) {
        let (first, last) = (self.tally.first, self.tally.last);
        self.packet(last, start, captured, wire, interface, link_type);
        self.tally.first = first;
    }

    /// Appends and counts a packet whose bytes start at `start` of the buffer.
    #[inline]
    pub(super) fn packet(
        &mut self,
        timestamp: Timestamp,
        start: usize,
        captured_length: u32,
        wire_length: u32,
        interface: u32,
        link_type: LinkType,
    ) {
        self.tally.count(timestamp, captured_length, wire_length);
        self.heads.push(PacketHead {
            number: PacketNumber::new(self.file, self.tally.packets),
            timestamp,
            // The buffer is at most limits::MAX_BLOCK_BYTES and a read longer, far below 4 GiB.
            start: u32::try_from(start).unwrap_or(u32::MAX),
            captured_length,
            wire_length,
            interface,
            link_type,
        });
    }
}

/// How far a parser came in the bytes it was given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Parsed {
    /// Bytes that are done with.
    pub(super) consumed: usize,
    /// Bytes that must be there after those before anything more can be found; at least 1 unless it stopped.
    pub(super) need: usize,
    /// Bytes after those that nobody wants.
    pub(super) skip: u64,
    /// Nothing more can be read (the damage is in the tally).
    pub(super) stop: bool,
}
