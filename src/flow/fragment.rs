//! IP reassembly: puts fragmented datagrams together (RFC 791 3.2, RFC 815, RFC 8200 4.5).
//!
//! IPv4: where fragments overlap, the bytes that came first win. IPv6: a datagram whose fragments overlap is dropped
//! whole (RFC 5722), but for exact repetitions. What is incomplete after [`limits::FRAGMENT_TIMEOUT_NS`] of packet
//! time, or does not fit the limits, is dropped and said to be.
use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    net::IpAddr,
};

use foldhash::fast::RandomState;

use crate::{
    limits,
    record::{PacketNumber, PacketRef, Timestamp},
    wire::{FragmentInfo, Network},
};

/// Longest datagram, in bytes: the length fields have 16 bits.
const MAX_DATAGRAM_BYTES: u64 = 65_535;

/// What became of a fragment.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome<'a> {
    /// It is kept until the others are here.
    Stored,
    /// It completed its datagram: header and payload, the length set and the fragment bits cleared.
    Complete(&'a [u8]),
    /// It, and what there was of its datagram, is dropped.
    Dropped(Reason),
}

/// Why a datagram was dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The snap length cut the fragment: the datagram can never be whole.
    Cut,
    /// Fragments of an IPv6 datagram overlap (RFC 5722).
    Overlap,
    /// The parts do not fit together: behind the last one, or longer than a datagram can be.
    Invalid,
}

/// Datagrams that were never whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incomplete {
    /// How many.
    pub count: u64,
    /// The first packet of the first ones.
    pub first: Vec<PacketNumber>,
}

impl Incomplete {
    /// Packet numbers kept.
    const SHOWN: usize = 8;

    fn add(&mut self, first: PacketNumber) {
        self.count = self.count.saturating_add(1);
        if self.first.len() < Self::SHOWN {
            self.first.push(first);
        }
    }
}

/// A datagram whose fragments came before the capture's last second should be whole, in nanoseconds.
const COMPLETE_WITHIN_NS: i64 = 1_000_000_000;

/// Datagrams completed last that are remembered, so that copies of their fragments are known as such.
const REMEMBERED: usize = 64;

/// What happened beside the outcome of single fragments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Datagrams put together.
    pub completed: u64,
    /// Datagrams given up because their fragments did not come in time.
    pub timed_out: u64,
    /// Datagrams given up to stay within the limits.
    pub evicted: u64,
    /// Fragments of IPv4 datagrams that overlapped earlier ones.
    pub overlaps: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    source: IpAddr,
    destination: IpAddr,
    /// IPv4 only: RFC 8200 identifies a datagram without it.
    protocol: u8,
    identification: u32,
}

#[derive(Debug, Default)]
struct Datagram {
    /// Serial number, to tell it from a later one with the same key.
    serial: u64,
    first: PacketRef,
    /// Its fragments are copies of those of a datagram that was whole.
    is_copy: bool,
    header: Vec<u8>,
    next_header: u8,
    parts: BTreeMap<u32, Vec<u8>>,
    bytes: usize,
    total: Option<u32>,
    packets: u32,
}

/// The datagrams being put together.
#[derive(Debug, Default)]
pub struct Reassembler {
    datagrams: HashMap<Key, Datagram, RandomState>,
    /// In order of their first fragment, with the moment they expire.
    ages: VecDeque<(Timestamp, Key, u64)>,
    serial: u64,
    bytes: usize,
    rebuilt: Vec<u8>,
    counts: Counts,
    incomplete: Incomplete,
    /// What was completed last, and when.
    completed: VecDeque<(Key, Timestamp)>,
}

impl Reassembler {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What happened so far.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.counts
    }

    /// The datagrams that were never whole, the capture having ended at `clock`: those given up for want of time, and those still
    /// waiting for a fragment after a second.
    #[must_use]
    pub fn incomplete(&self, clock: Timestamp) -> Incomplete {
        let mut incomplete = self.incomplete.clone();
        let is_due = |datagram: &&Datagram| clock.since(datagram.first.timestamp) >= COMPLETE_WITHIN_NS;
        let mut waiting: Vec<&Datagram> =
            self.datagrams.values().filter(is_due).filter(|datagram| !datagram.is_copy).collect();
        waiting.sort_unstable_by_key(|datagram| datagram.serial);
        waiting.into_iter().for_each(|datagram| incomplete.add(datagram.first.number));
        incomplete
    }

    /// Takes a fragment. `clock` is the latest time of all packets so far.
    pub fn add(&mut self, fragment: &FragmentInfo<'_>, at: PacketRef, clock: Timestamp) -> Outcome<'_> {
        self.expire(clock);
        let v6 = fragment.network == Network::Ipv6;
        let key = Key {
            source: fragment.source,
            destination: fragment.destination,
            protocol: if v6 { 0 } else { fragment.protocol },
            identification: fragment.identification,
        };
        let length = fragment.data.len() as u64;
        let end = u64::from(fragment.offset_bytes).saturating_add(length);
        let misfit = fragment.more && (!length.is_multiple_of(8) || length == 0);
        let reason = if !fragment.complete_here {
            Some(Reason::Cut)
        } else if end > MAX_DATAGRAM_BYTES || misfit {
            Some(Reason::Invalid)
        } else {
            None
        };
        let (Ok(end), None) = (u32::try_from(end), reason) else {
            self.remove(&key);
            return Outcome::Dropped(reason.unwrap_or(Reason::Invalid));
        };
        if !self.datagrams.contains_key(&key) {
            self.begin(key, at, clock);
        }
        let Some(datagram) = self.datagrams.get_mut(&key) else {
            return Outcome::Dropped(Reason::Invalid);
        };
        let bytes_before = datagram.bytes;
        let placed = datagram.place(fragment, end, v6, &mut self.counts);
        self.bytes = self.bytes.saturating_add(datagram.bytes.saturating_sub(bytes_before));
        if let Err(reason) = placed {
            self.remove(&key);
            return Outcome::Dropped(reason);
        }
        if !datagram.is_whole() {
            self.shrink();
            return Outcome::Stored;
        }
        let datagram = self.remove(&key).unwrap_or_default();
        self.counts.completed = self.counts.completed.saturating_add(1);
        self.completed.truncate(REMEMBERED.saturating_sub(1));
        self.completed.push_front((key, clock));
        datagram.rebuild(v6, &mut self.rebuilt);
        Outcome::Complete(&self.rebuilt)
    }

    /// The datagram that the last fragment completed.
    #[must_use]
    pub fn completed(&self) -> &[u8] {
        &self.rebuilt
    }

    fn begin(&mut self, key: Key, at: PacketRef, clock: Timestamp) {
        self.serial = self.serial.saturating_add(1);
        let is_recent = |(_, then): &&(Key, Timestamp)| clock.since(*then) < COMPLETE_WITHIN_NS;
        let is_copy = self.completed.iter().take_while(is_recent).any(|(completed, _)| *completed == key);
        self.datagrams.insert(key, Datagram { serial: self.serial, first: at, is_copy, ..Datagram::default() });
        self.ages.push_back((clock.plus(limits::FRAGMENT_TIMEOUT_NS), key, self.serial));
    }

    fn remove(&mut self, key: &Key) -> Option<Datagram> {
        let datagram = self.datagrams.remove(key)?;
        self.bytes = self.bytes.saturating_sub(datagram.bytes);
        Some(datagram)
    }

    fn is_current(&self, key: &Key, serial: u64) -> bool {
        self.datagrams.get(key).is_some_and(|datagram| datagram.serial == serial)
    }

    fn expire(&mut self, clock: Timestamp) {
        while let Some((deadline, key, serial)) = self.ages.front().copied() {
            let current = self.is_current(&key, serial);
            if current && deadline > clock {
                return;
            }
            self.ages.pop_front();
            if current {
                if let Some(datagram) = self.remove(&key).filter(|datagram| !datagram.is_copy) {
                    self.incomplete.add(datagram.first.number);
                }
                self.counts.timed_out = self.counts.timed_out.saturating_add(1);
            }
        }
    }

    /// Gives up the oldest datagrams while there are too many or they are too big.
    fn shrink(&mut self) {
        while self.bytes > limits::MAX_FRAGMENT_BYTES || self.datagrams.len() > limits::MAX_FRAGMENTED_DATAGRAMS {
            let Some((_, key, serial)) = self.ages.pop_front() else { return };
            if self.is_current(&key, serial) {
                self.remove(&key);
                self.counts.evicted = self.counts.evicted.saturating_add(1);
            }
        }
    }
}

impl Datagram {
    fn place(&mut self, fragment: &FragmentInfo<'_>, end: u32, v6: bool, counts: &mut Counts) -> Result<(), Reason> {
        let start = fragment.offset_bytes;
        self.packets = self.packets.saturating_add(1);
        if !fragment.more {
            if self.total.is_some_and(|total| total != end) {
                return Err(Reason::Invalid);
            }
            self.total = Some(end);
        }
        if start == 0 && self.header.is_empty() {
            self.header = fragment.header.to_vec();
            self.next_header = fragment.protocol;
            self.bytes = self.bytes.saturating_add(self.header.len());
        }
        if self.parts.get(&start).is_some_and(|part| part == fragment.data) {
            return Ok(());
        }
        let known_end = self.parts.last_key_value().map_or(0, |(place, part)| end_of(*place, part));
        if self.total.is_some_and(|total| end > total || known_end > total) {
            return Err(Reason::Invalid);
        }
        let first = self.parts.range(..=start).next_back().map_or(start, |(place, _)| *place);
        let mut free = start;
        let mut gaps: Vec<(u32, u32)> = Vec::new();
        let mut overlaps = false;
        for (place, part) in self.parts.range(first..end) {
            let part_end = end_of(*place, part);
            if part_end <= free {
                continue;
            }
            overlaps = true;
            if *place > free {
                gaps.push((free, *place));
            }
            free = part_end;
        }
        if overlaps && v6 {
            return Err(Reason::Overlap);
        }
        counts.overlaps = counts.overlaps.saturating_add(u64::from(overlaps));
        if free < end {
            gaps.push((free, end));
        }
        for (from, to) in gaps {
            let range = from.saturating_sub(start) as usize..to.saturating_sub(start) as usize;
            let piece = fragment.data.get(range).unwrap_or_default().to_vec();
            self.bytes = self.bytes.saturating_add(piece.len());
            self.parts.insert(from, piece);
        }
        Ok(())
    }

    fn is_whole(&self) -> bool {
        let Some(total) = self.total else { return false };
        if self.header.is_empty() {
            return false;
        }
        let mut next = 0;
        for (place, part) in &self.parts {
            if *place != next {
                return false;
            }
            next = end_of(*place, part);
        }
        next == total
    }

    fn rebuild(&self, v6: bool, into: &mut Vec<u8>) {
        into.clear();
        into.extend_from_slice(&self.header);
        for part in self.parts.values() {
            into.extend_from_slice(part);
        }
        if v6 { finish_v6(into, self.header.len(), self.next_header) } else { finish_v4(into, self.header.len()) }
    }
}

fn end_of(place: u32, part: &[u8]) -> u32 {
    place.saturating_add(u32::try_from(part.len()).unwrap_or(u32::MAX))
}

fn put_u16(bytes: &mut [u8], place: usize, value: u16) {
    if let Some(field) = bytes.get_mut(place..place.saturating_add(2)) {
        field.copy_from_slice(&value.to_be_bytes());
    }
}

/// Sets the total length, clears the fragment bits and mends the checksum.
fn finish_v4(datagram: &mut [u8], header_length: usize) {
    put_u16(datagram, 2, u16::try_from(datagram.len()).unwrap_or(u16::MAX));
    put_u16(datagram, 6, 0);
    put_u16(datagram, 10, 0);
    let words = datagram.get(..header_length).unwrap_or_default().chunks(2);
    let sum = words.fold(0u32, |sum, word| {
        let [high, low] = [word.first(), word.get(1)].map(|byte| u32::from(byte.copied().unwrap_or(0)));
        sum.wrapping_add(high << 8 | low)
    });
    let folded = (sum & 0xffff).wrapping_add(sum >> 16);
    let folded = (folded & 0xffff).wrapping_add(folded >> 16);
    put_u16(datagram, 10, !u16::try_from(folded & 0xffff).unwrap_or(0));
}

/// Sets the payload length, and lets the last header of the unfragmentable part name what follows.
fn finish_v6(datagram: &mut [u8], header_length: usize, next_header: u8) {
    let payload = datagram.len().saturating_sub(40);
    put_u16(datagram, 4, u16::try_from(payload).unwrap_or(u16::MAX));
    // Extension headers have their length in 8 bytes, the first 8 not counted.
    let mut place = 6usize;
    let mut start = 40usize;
    while start < header_length {
        place = start;
        let units = datagram.get(start.saturating_add(1)).copied().unwrap_or(0);
        start = start.saturating_add(usize::from(units).saturating_add(1).saturating_mul(8));
    }
    if let Some(field) = datagram.get_mut(place) {
        *field = next_header;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HEADER: [u8; 20] = [0x45, 0, 0, 28, 0, 7, 0x20, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2];

    fn v4(offset: u32, more: bool, data: &[u8]) -> FragmentInfo<'_> {
        FragmentInfo {
            network: Network::Ipv4,
            source: "10.0.0.1".parse().unwrap(),
            destination: "10.0.0.2".parse().unwrap(),
            protocol: 17,
            identification: 7,
            offset_bytes: offset,
            more,
            header: &HEADER,
            data,
            complete_here: true,
        }
    }

    fn v6<'a>(header: &'a [u8], offset: u32, more: bool, data: &'a [u8]) -> FragmentInfo<'a> {
        FragmentInfo { network: Network::Ipv6, header, ..v4(offset, more, data) }
    }

    const NOW: Timestamp = Timestamp(0);

    fn add<'r>(reassembler: &'r mut Reassembler, fragment: &FragmentInfo<'_>) -> Outcome<'r> {
        reassembler.add(fragment, PacketRef::default(), NOW)
    }

    #[test]
    fn any_order_completes() {
        let mut reassembler = Reassembler::new();
        assert_eq!(add(&mut reassembler, &v4(16, false, b"tail")), Outcome::Stored);
        assert_eq!(add(&mut reassembler, &v4(0, true, b"01234567")), Outcome::Stored);
        let Outcome::Complete(datagram) = add(&mut reassembler, &v4(8, true, b"89abcdef")) else { panic!() };
        assert_eq!(&datagram[20..], b"0123456789abcdeftail");
        assert_eq!(datagram[2..4], 40u16.to_be_bytes());
        assert_eq!(datagram[6..8], [0, 0]);
        let sum: u32 = datagram[..20].chunks(2).map(|word| u32::from(word[0]) << 8 | u32::from(word[1])).sum();
        assert_eq!((sum & 0xffff) + (sum >> 16), 0xffff);
        assert_eq!(reassembler.bytes, 0);
    }

    #[test]
    fn first_bytes_win_in_v4() {
        let mut reassembler = Reassembler::new();
        add(&mut reassembler, &v4(8, true, b"BBBBBBBB"));
        add(&mut reassembler, &v4(0, true, b"aaaaaaaabbbbbbbb"));
        let Outcome::Complete(datagram) = add(&mut reassembler, &v4(16, false, b"c")) else { panic!() };
        assert_eq!(&datagram[20..], b"aaaaaaaaBBBBBBBBc");
        assert_eq!(reassembler.counts().overlaps, 1);
    }

    #[test]
    fn overlap_drops_a_v6_datagram_but_a_repetition_does_not() {
        let header = [0u8; 40];
        let mut reassembler = Reassembler::new();
        add(&mut reassembler, &v6(&header, 0, true, b"aaaaaaaa"));
        assert_eq!(add(&mut reassembler, &v6(&header, 0, true, b"aaaaaaaa")), Outcome::Stored);
        let overlapping = v6(&header, 0, true, b"aaaaaaaabbbbbbbb");
        assert_eq!(add(&mut reassembler, &overlapping), Outcome::Dropped(Reason::Overlap));
        assert!(reassembler.datagrams.is_empty());
    }

    #[test]
    fn v6_extension_headers_name_what_follows() {
        let mut header = [0u8; 48];
        header[6] = 0;
        header[40] = 44;
        let mut reassembler = Reassembler::new();
        add(&mut reassembler, &v6(&header, 0, true, b"aaaaaaaa"));
        let Outcome::Complete(datagram) = add(&mut reassembler, &v6(&header, 8, false, b"b")) else { panic!() };
        assert_eq!((datagram[6], datagram[40]), (0, 17));
        assert_eq!(datagram[4..6], 17u16.to_be_bytes());
    }

    #[test]
    fn bad_fragments_are_dropped() {
        let mut reassembler = Reassembler::new();
        let cut = FragmentInfo { complete_here: false, ..v4(0, true, b"01234567") };
        assert_eq!(add(&mut reassembler, &cut), Outcome::Dropped(Reason::Cut));
        assert_eq!(add(&mut reassembler, &v4(0, true, b"123")), Outcome::Dropped(Reason::Invalid));
        assert_eq!(add(&mut reassembler, &v4(65_528, false, b"0123456789")), Outcome::Dropped(Reason::Invalid));
        add(&mut reassembler, &v4(8, false, b"end"));
        assert_eq!(add(&mut reassembler, &v4(8, false, b"other")), Outcome::Dropped(Reason::Invalid));
    }

    #[test]
    fn what_was_never_whole_is_told() {
        let mut reassembler = Reassembler::new();
        let at = |number: u64| PacketRef {
            index: number,
            number: PacketNumber::new(0, number),
            timestamp: Timestamp(number as i64 * 100_000_000),
        };
        let mut send = |number: u64, identification: u32, offset: u32, more: bool| {
            let fragment = FragmentInfo { identification, ..v4(offset, more, b"01234567") };
            let at = at(number);
            matches!(reassembler.add(&fragment, at, at.timestamp), Outcome::Complete(_))
        };
        send(1, 1, 0, true);
        assert!(send(2, 1, 8, false));
        assert!(!send(3, 1, 8, false), "the last fragment once more, from a mirror port");
        send(4, 2, 0, true);
        send(20, 3, 0, true);
        let told = |reassembler: &Reassembler, clock| {
            let incomplete = reassembler.incomplete(clock);
            (incomplete.count, incomplete.first.iter().map(|number| number.number()).collect::<Vec<_>>())
        };
        assert_eq!(told(&reassembler, at(21).timestamp), (1, vec![4]), "the other one may still be completed");
        assert_eq!(told(&reassembler, at(40).timestamp), (2, vec![4, 20]));
        let late = at(40).timestamp.plus(limits::FRAGMENT_TIMEOUT_NS);
        reassembler.add(&FragmentInfo { identification: 9, ..v4(0, true, b"01234567") }, at(41), late);
        assert_eq!(told(&reassembler, late), (2, vec![4, 20]), "given up, not forgotten");
    }

    #[test]
    fn time_and_limits_bound_memory() {
        let mut reassembler = Reassembler::new();
        add(&mut reassembler, &v4(0, true, b"01234567"));
        let later = NOW.plus(limits::FRAGMENT_TIMEOUT_NS);
        assert_eq!(reassembler.add(&v4(8, false, b"x"), PacketRef::default(), later), Outcome::Stored);
        assert_eq!(reassembler.counts().timed_out, 1);
        for identification in 100..5000 {
            let fragment = FragmentInfo { identification, ..v4(0, true, b"01234567") };
            reassembler.add(&fragment, PacketRef::default(), later);
        }
        assert_eq!(reassembler.datagrams.len(), limits::MAX_FRAGMENTED_DATAGRAMS);
        assert!(reassembler.counts().evicted > 0);
    }

    proptest! {
        #[test]
        fn any_cut_and_order(data in proptest::collection::vec(any::<u8>(), 1..600), cuts in 1usize..9, seed: u64) {
            let mut parts: Vec<(usize, usize)> = Vec::new();
            let mut place = 0;
            while place < data.len() {
                let end = (place + cuts * 8).min(data.len());
                parts.push((place, end));
                place = end;
            }
            let mut state = seed | 1;
            for index in (1..parts.len()).rev() {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                parts.swap(index, (state >> 33) as usize % (index + 1));
            }
            let mut reassembler = Reassembler::new();
            let mut whole = None;
            for (start, end) in &parts {
                let fragment = v4(*start as u32, *end < data.len(), &data[*start..*end]);
                if let Outcome::Complete(datagram) = add(&mut reassembler, &fragment) {
                    whole = Some(datagram[20..].to_vec());
                }
            }
            prop_assert_eq!(whole, Some(data));
        }

        #[test]
        fn never_panics(fragments in proptest::collection::vec((any::<u16>(), any::<bool>(), 0usize..40, any::<bool>()), 0..60)) {
            let header = [0u8; 41];
            let mut reassembler = Reassembler::new();
            let data = [0u8; 40];
            for (offset, more, length, six) in fragments {
                let offset = u32::from(offset % 64) * 8;
                let fragment = if six { v6(&header, offset, more, &data[..length]) } else { v4(offset, more, &data[..length]) };
                add(&mut reassembler, &fragment);
            }
        }
    }
}
