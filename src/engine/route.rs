//! The reader's half of the work: decodes each packet once, puts fragments together, counts the protocol hierarchy,
//! and says which shard a packet belongs to. What it makes of a batch is a [`Parcel`], which needs no more decoding.
use std::{
    hash::{BuildHasher, Hasher},
    sync::Arc,
};

use super::{fragments::Fragments, hierarchy::Hierarchy, reached::Reached};
use crate::{
    capture::{Batch, PacketHead},
    flow::fragment::{Outcome, Reason, Reassembler},
    limits,
    record::{Finding, FlowKey, PacketRef, Secrets, Timestamp},
    wire::{self, Decoded, Encapsulated, Path, TransportHeader},
};

/// A batch with what was found in its packets.
#[derive(Debug, Default)]
pub struct Parcel {
    /// The packets.
    pub batch: Batch,
    /// Datagrams that packets of the batch completed, one behind the other.
    reassembled: Vec<u8>,
    /// One for each of the batch's heads.
    pub routed: Vec<Routed>,
    /// Index of the first packet in the order of the run.
    pub first_index: u64,
    /// The secrets known when the batch was read; each says from which packet on.
    pub secrets: Secrets,
    /// Of a parcel without packets: the time that has passed, and the last packet before.
    pub tick: Option<(Timestamp, PacketRef)>,
}

/// What was found in a packet.
#[derive(Clone, Copy, Debug)]
pub struct Routed {
    /// Its layers. Offsets count from `view_start`.
    pub decoded: Decoded,
    /// Whether `decoded` speaks of the datagram that the packet completed, not of the packet.
    pub reassembled: bool,
    /// Where the bytes that `decoded` speaks of start.
    view_start: u32,
    /// How many they are.
    view_length: u32,
    /// The time by which flows expire: the latest believable timestamp so far.
    pub clock: Timestamp,
    /// Whose packet it is.
    pub shard: Option<u8>,
    /// Its node in the protocol hierarchy.
    pub node: u16,
}

impl Parcel {
    /// Which packet the one at `place` is.
    #[must_use]
    pub fn packet_ref(&self, place: usize) -> PacketRef {
        let head = self.batch.heads.get(place).copied().unwrap_or_default();
        PacketRef { index: self.first_index + place as u64, number: head.number, timestamp: head.timestamp }
    }

    /// The bytes that a packet's `decoded` speaks of.
    #[must_use]
    pub fn view(&self, routed: &Routed) -> &[u8] {
        let start = routed.view_start as usize;
        let bytes = if routed.reassembled { &self.reassembled } else { &self.batch.buffer };
        bytes.get(start..start + routed.view_length as usize).unwrap_or_default()
    }

    /// The packet at `head` with whatever is around its flow, where there may be a tunnel in it.
    #[inline]
    #[must_use]
    pub fn encapsulated(&self, head: &PacketHead, routed: &Routed) -> Option<Encapsulated<'_>> {
        let datagram = routed.reassembled.then(|| self.view(routed));
        Encapsulated::of(&routed.decoded, head.link_type, self.batch.bytes(head), head.wire_length, datagram)
    }

    /// The first packet of this parcel whose clock is at or after `moment`; the last one when none is.
    #[must_use]
    pub fn reached(&self, moment: Timestamp) -> PacketRef {
        if let Some((_, last)) = self.tick {
            return last;
        }
        let place = self.routed.partition_point(|routed| routed.clock < moment);
        self.packet_ref(place.min(self.routed.len().saturating_sub(1)))
    }

    /// Latest timestamp of all packets up to the end of this parcel; of one without packets, the time that has passed.
    #[must_use]
    pub fn clock(&self) -> Option<Timestamp> {
        self.routed.last().map(|routed| routed.clock).or(self.tick.map(|(now, _)| now))
    }
}

/// The time by which flows and fragments expire: never runs back, and one wild timestamp does not move it.
#[derive(Clone, Copy, Debug)]
struct Clock {
    now: Timestamp,
    /// A timestamp far ahead of the rest, believed once the next packet agrees with it.
    ahead: Option<Timestamp>,
}

impl Default for Clock {
    fn default() -> Self {
        Self { now: Timestamp::MIN, ahead: None }
    }
}

impl Clock {
    /// A jump of more than this needs a second witness.
    const BELIEVED_NS: i64 = 3_600_000_000_000;

    fn see(&mut self, timestamp: Timestamp) -> Timestamp {
        let jumps_ahead = |from: Timestamp| timestamp.since(from) > Self::BELIEVED_NS;
        let confirmed = self.ahead.is_some_and(|ahead| timestamp.since(ahead).saturating_abs() <= Self::BELIEVED_NS);
        if self.now == Timestamp::MIN || confirmed || !jumps_ahead(self.now) {
            self.now = self.now.max(timestamp);
            self.ahead = None;
        } else {
            self.ahead = Some(timestamp);
        }
        self.now
    }
}

/// Decodes and routes batches in the order of the run.
pub struct Router {
    fragments: Reassembler,
    fragment_trouble: Fragments,
    hierarchy: Hierarchy,
    clock: Clock,
    next_index: u64,
    shard_hash: foldhash::fast::FixedState,
    reached: Reached,
}

impl Default for Router {
    fn default() -> Self {
        Self {
            fragments: Reassembler::default(),
            fragment_trouble: Fragments::default(),
            hierarchy: Hierarchy::default(),
            clock: Clock::default(),
            next_index: 0,
            reached: Reached::default(),
            // Fixed, so that the shard of a flow, and with it what a cap evicts, is the same in every run. The flow
            // tables themselves are seeded at random.
            shard_hash: foldhash::fast::FixedState::with_seed(0),
        }
    }
}

impl Router {
    /// Fills in `parcel.routed` for the packets of `parcel.batch`.
    pub fn route(&mut self, parcel: &mut Parcel) {
        parcel.first_index = self.next_index;
        parcel.routed.clear();
        parcel.reassembled.clear();
        parcel.routed.reserve(parcel.batch.heads.len());
        for place in 0..parcel.batch.heads.len() {
            let head = parcel.batch.heads[place];
            let clock = self.clock.see(head.timestamp);
            let decoded = wire::decode(head.link_type, parcel.batch.bytes(&head), head.wire_length);
            let mut routed = Routed {
                decoded,
                reassembled: false,
                view_start: head.start,
                view_length: head.captured_length,
                clock,
                shard: None,
                node: 0,
            };
            if routed.decoded.transport == TransportHeader::Fragment {
                self.reassemble(&mut routed, &head, place, parcel);
            }
            routed.shard = flow_key(&routed.decoded, parcel.view(&routed)).map(|key| self.shard(&key));
            let path = path_here(&routed.decoded);
            routed.node = match self.hierarchy.count(head.number.file(), &path, head.wire_length) {
                Some(node) => node,
                None => {
                    self.reached.add(&limits::PROTOCOL_PATHS, parcel.packet_ref(place), 1);
                    Hierarchy::NOWHERE
                }
            };
            parcel.routed.push(routed);
        }
        self.next_index += parcel.batch.heads.len() as u64;
    }

    /// The protocol hierarchy so far.
    #[must_use]
    pub fn hierarchy(&self) -> &Hierarchy {
        &self.hierarchy
    }

    /// What went wrong with fragments. `files` are the captures' names, when there are several.
    #[must_use]
    pub fn fragment_findings(&self, files: &[Arc<str>]) -> Vec<Finding> {
        self.fragment_trouble.findings(&self.fragments.incomplete(self.clock.now), files)
    }

    /// The caps that were reached.
    #[must_use]
    pub fn reached(&self) -> &Reached {
        &self.reached
    }

    /// Index that the next packet will have.
    #[must_use]
    pub fn next_index(&self) -> u64 {
        self.next_index
    }

    /// Adds a fragment; when it completes its datagram, `routed` speaks of that from now on.
    fn reassemble(&mut self, routed: &mut Routed, head: &PacketHead, place: usize, parcel: &mut Parcel) {
        let index = self.next_index + place as u64;
        let at = PacketRef { index, number: head.number, timestamp: head.timestamp };
        let Some(fragment) = routed.decoded.fragment(parcel.batch.bytes(head)) else { return };
        let before = self.fragments.counts();
        let outcome = self.fragments.add(&fragment, at, routed.clock);
        let (is_complete, is_overlap) =
            (matches!(outcome, Outcome::Complete(_)), outcome == Outcome::Dropped(Reason::Overlap));
        let after = self.fragments.counts();
        if is_overlap || after.overlaps > before.overlaps {
            self.fragment_trouble.overlaps(at);
        }
        if !is_complete {
            let more = after.evicted - before.evicted;
            if more > 0 {
                self.reached.add(&limits::FRAGMENTS, at, more);
            }
            return;
        }
        let datagram = self.fragments.completed();
        let (start, length) = (u32::try_from(parcel.reassembled.len()), u32::try_from(datagram.len()));
        if let (Ok(view_start), Ok(view_length)) = (start, length) {
            let decoded = wire::decode_reassembled(datagram, &routed.decoded);
            *routed = Routed { decoded, reassembled: true, view_start, view_length, ..*routed };
            parcel.reassembled.extend_from_slice(datagram);
        }
    }

    fn shard(&self, key: &FlowKey) -> u8 {
        let mut hasher = self.shard_hash.build_hasher();
        key.words().iter().for_each(|word| hasher.write_u64(*word));
        (hasher.finish() % limits::SHARDS as u64) as u8
    }
}

/// A packet's protocols. What an ICMP error quotes did not pass here.
#[inline]
pub(super) fn path_here(decoded: &Decoded) -> Path {
    match decoded.transport {
        TransportHeader::Icmp | TransportHeader::Icmpv6 => decoded.path.without_quote(),
        _ => decoded.path,
    }
}

/// The flow a packet belongs to: its own, or the one an ICMP error quotes.
fn flow_key(decoded: &Decoded, view: &[u8]) -> Option<FlowKey> {
    match decoded.transport {
        TransportHeader::Tcp | TransportHeader::Udp => decoded.flow_key(view),
        TransportHeader::Fragment => None,
        TransportHeader::Icmp | TransportHeader::Icmpv6 | TransportHeader::Other(_) | TransportHeader::None => {
            if let Some(ends) = decoded.ends(view) {
                return Some(ends.key());
            }
            let quoted = decoded.quoted(view)?;
            Some(FlowKey::new(quoted.transport, quoted.source, quoted.destination))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_wild_timestamp_moves_no_clock() {
        let mut clock = Clock::default();
        let hours = |hours: i64| Timestamp(hours * Clock::BELIEVED_NS);
        let seen: Vec<Timestamp> =
            [10, 5000, 10, 11, 9, 5000, 5000, 5001].into_iter().map(|at| clock.see(hours(at))).collect();
        let expected = [10, 10, 10, 11, 11, 11, 5000, 5001].map(hours);
        assert_eq!(seen, expected, "the second witness is believed");
    }
}
