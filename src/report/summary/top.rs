//! Bounded selections from a stream that may never end: the best rows by a key, and the busiest hosts.
use std::{cmp::Ordering, collections::BinaryHeap, net::IpAddr};

use hashbrown::HashMap;

use crate::{limits, record::Record};

/// What rows are ranked by: the higher the better.
pub type Key = (u64, u64);

/// The best rows of one section.
pub struct Top {
    limit: usize,
    total: u64,
    kept: BinaryHeap<Entry>,
}

/// A row that is kept.
#[derive(Clone)]
pub struct Entry {
    key: Key,
    sequence: u64,
    /// The row's record.
    pub record: Record,
}

/// The worst row is the greatest, so that a heap has it on top.
impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        other.key.cmp(&self.key).then(self.sequence.cmp(&other.sequence))
    }
}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Entry {}

impl Top {
    /// Keeps at most `limit` rows.
    pub fn new(limit: usize) -> Self {
        Self { limit, total: 0, kept: BinaryHeap::new() }
    }

    /// Offers a row; it is copied only when it belongs to the best.
    pub fn offer(&mut self, key: Key, record: &Record) {
        let sequence = self.total;
        self.total += 1;
        if self.kept.len() < self.limit {
            self.kept.push(Entry { key, sequence, record: record.clone() });
        } else if let Some(mut worst) = self.kept.peek_mut() {
            // An equal row that came earlier stays.
            if key > worst.key {
                *worst = Entry { key, sequence, record: record.clone() };
            }
        }
    }

    /// Whether it is small enough to be searched for every row.
    pub fn is_small(&self) -> bool {
        self.limit <= limits::TABLE_ROWS
    }

    /// Rows offered.
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Whether rows had to go.
    pub fn is_cut(&self) -> bool {
        self.total > self.kept.len() as u64
    }

    /// Whether one of the rows that are kept passes `test`.
    pub fn any(&self, test: impl Fn(&Record) -> bool) -> bool {
        self.kept.iter().any(|entry| test(&entry.record))
    }

    /// The rows: all of them in the order of their flows, or the best first when some had to go.
    pub fn rows(&self) -> Vec<&Record> {
        let mut entries: Vec<&Entry> = self.kept.iter().collect();
        if self.is_cut() {
            entries.sort();
        } else {
            let flow = |entry: &Entry| entry.record.subject().map(|subject| (subject.file.clone(), subject.flow));
            entries.sort_by_cached_key(|entry| (flow(entry), entry.sequence));
        }
        entries.into_iter().map(|entry| &entry.record).collect()
    }
}

/// What one host sent and received, in the flows that were seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Talk {
    /// Bytes on the wire.
    pub sent: u64,
    /// Bytes on the wire.
    pub received: u64,
    /// Packets both ways.
    pub packets: u64,
    /// TCP connections and UDP flows.
    pub flows: u64,
}

impl Talk {
    /// Bytes both ways.
    pub fn bytes(&self) -> u64 {
        self.sent.saturating_add(self.received)
    }
}

/// The busiest hosts. Exact while there are at most [`limits::MAX_TALKERS`]; then the quietest half is forgotten, and
/// what a host did before it was forgotten is missing from its numbers.
#[derive(Default)]
pub struct Talkers {
    hosts: HashMap<IpAddr, Talk, foldhash::fast::RandomState>,
    forgotten: u64,
}

impl Talkers {
    /// Adds a flow's share.
    pub fn add(&mut self, address: IpAddr, sent: u64, received: u64, packets: u64) {
        let talk = self.hosts.entry(address).or_default();
        talk.sent = talk.sent.saturating_add(sent);
        talk.received = talk.received.saturating_add(received);
        talk.packets = talk.packets.saturating_add(packets);
        talk.flows += 1;
        if self.hosts.len() > limits::MAX_TALKERS {
            self.forget_half();
        }
    }

    /// Amortised: as many hosts must come as were forgotten before this is done again.
    fn forget_half(&mut self) {
        let kept = self.best(limits::MAX_TALKERS / 2);
        self.forgotten += (self.hosts.len() - kept.len()) as u64;
        self.hosts = kept.into_iter().collect();
    }

    /// Hosts known.
    pub fn len(&self) -> usize {
        self.hosts.len()
    }

    /// Whether hosts had to be forgotten.
    pub fn is_approximate(&self) -> bool {
        self.forgotten > 0
    }

    /// The busiest `limit`, the busiest first; the lower address where they are equal.
    pub fn best(&self, limit: usize) -> Vec<(IpAddr, Talk)> {
        let mut hosts: Vec<(IpAddr, Talk)> = self.hosts.iter().map(|(address, talk)| (*address, *talk)).collect();
        let rank = |(address, talk): &(IpAddr, Talk)| (std::cmp::Reverse(talk.bytes()), *address);
        if limit < hosts.len() {
            hosts.select_nth_unstable_by_key(limit, rank);
            hosts.truncate(limit);
        }
        hosts.sort_unstable_by_key(rank);
        hosts
    }
}
