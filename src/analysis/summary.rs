//! Counts over all records of a run: how many of each kind, and which pairs of addresses moved most bytes. Bounded:
//! the pairs are kept by the space-saving algorithm (Metwally and others, 2005), so that a scan of a million hosts
//! takes no more memory than a quiet network.
use std::{
    collections::{BTreeMap, HashMap},
    net::IpAddr,
};

use crate::{
    limits::TOP_TALKERS,
    record::{Record, RecordKind},
};

/// A pair of addresses and what they exchanged, both directions and all flows together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Talkers {
    /// The two addresses, the lower one first.
    pub pair: (IpAddr, IpAddr),
    /// Bytes on the wire, link header included: at most `overcount` too many.
    pub wire_bytes: u64,
    /// Packets, since the pair was taken up.
    pub packets: u64,
    /// Bytes that may belong to pairs pushed out of the list; 0 as long as no more than
    /// [`TOP_TALKERS`] pairs were seen.
    pub overcount: u64,
}

/// The aggregation. Give it every record.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    kinds: BTreeMap<RecordKind, u64>,
    talkers: HashMap<(IpAddr, IpAddr), Talkers>,
}

impl Summary {
    /// Counts a record.
    pub fn add(&mut self, record: &Record) {
        let count = self.kinds.entry(record.kind()).or_default();
        *count = count.saturating_add(1);
        match record {
            Record::Connection(record) => {
                let sides = [&record.client, &record.server];
                let bytes = sides.iter().fold(0_u64, |sum, side| sum.saturating_add(side.wire_bytes));
                let packets = sides.iter().fold(0_u64, |sum, side| sum.saturating_add(side.packets));
                self.talk(record.client.address, record.server.address, bytes, packets);
            }
            Record::Udp(record) => {
                let sides = [&record.client, &record.server];
                let bytes = sides.iter().fold(0_u64, |sum, side| sum.saturating_add(side.wire_bytes));
                let packets = sides.iter().fold(0_u64, |sum, side| sum.saturating_add(side.packets));
                self.talk(record.client.endpoint.address, record.server.endpoint.address, bytes, packets);
            }
            _ => {}
        }
    }

    /// How many records of each kind there were, in the order of the kinds.
    pub fn kinds(&self) -> impl Iterator<Item = (RecordKind, u64)> {
        self.kinds.iter().map(|(kind, count)| (*kind, *count))
    }

    /// The pairs that moved most bytes, most first; the lower addresses first where they are equal.
    #[must_use]
    pub fn top_talkers(&self) -> Vec<Talkers> {
        let mut all: Vec<_> = self.talkers.values().copied().collect();
        all.sort_unstable_by_key(|talkers| (std::cmp::Reverse(talkers.wire_bytes), talkers.pair));
        all
    }

    fn talk(&mut self, one: IpAddr, other: IpAddr, bytes: u64, packets: u64) {
        let pair = (one.min(other), one.max(other));
        let mut overcount = 0;
        if self.talkers.len() >= TOP_TALKERS && !self.talkers.contains_key(&pair) {
            // The newcomer inherits the count of the least: it can only be too high, never too low.
            let least = self.talkers.values().min_by_key(|talkers| (talkers.wire_bytes, talkers.pair)).copied();
            if let Some(least) = least {
                self.talkers.remove(&least.pair);
                overcount = least.wire_bytes;
            }
        }
        let start = Talkers { pair, wire_bytes: overcount, packets: 0, overcount };
        let talkers = self.talkers.entry(pair).or_insert(start);
        talkers.wire_bytes = talkers.wire_bytes.saturating_add(bytes);
        talkers.packets = talkers.packets.saturating_add(packets);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(number: u32) -> IpAddr {
        std::net::Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn both_directions_are_one_pair_and_the_most_come_first() {
        let mut summary = Summary::default();
        summary.talk(address(1), address(2), 10, 1);
        summary.talk(address(2), address(1), 5, 2);
        summary.talk(address(3), address(1), 20, 3);
        let top = summary.top_talkers();
        assert_eq!(
            top.iter().map(|t| (t.wire_bytes, t.packets, t.overcount)).collect::<Vec<_>>(),
            [(20, 3, 0), (15, 3, 0)]
        );
        assert_eq!(top[1].pair, (address(1), address(2)));
    }

    #[test]
    fn a_scan_does_not_push_a_heavy_pair_out_nor_grow_the_list() {
        let mut summary = Summary::default();
        summary.talk(address(1), address(2), 1_000_000, 1000);
        for number in 0..10 * u32::try_from(TOP_TALKERS).unwrap() {
            summary.talk(address(1), address(100 + number), 60, 1);
        }
        let top = summary.top_talkers();
        assert_eq!(top.len(), TOP_TALKERS);
        assert_eq!((top[0].wire_bytes, top[0].overcount), (1_000_000, 0));
        assert!(top[1].overcount > 0);
    }
}
