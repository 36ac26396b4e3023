//! Counts of each interface of a live capture, for whoever asks while it runs: written by the capturing thread, read by any.
use std::sync::{
    Arc,
    atomic::{AtomicU8, AtomicU64, Ordering},
};

use crate::record::InterfaceChange;

/// Shared counts. Cheap to clone: all clones are the same counts.
#[derive(Clone, Debug, Default)]
pub struct Counts(Arc<[Cell]>);

/// What is counted of one interface so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceCount {
    /// Its name.
    pub name: String,
    /// Packets taken from the kernel.
    pub captured: u64,
    /// Bytes of them on the wire.
    pub wire_bytes: u64,
    /// Packets that passed the filter; on Linux those that the kernel dropped are among them.
    pub received: u64,
    /// Packets the kernel dropped, as its buffer was full.
    pub dropped_by_kernel: u64,
    /// Packets the interface or its driver dropped.
    pub dropped_by_interface: u64,
    /// Packets captured and not analyzed, as the analysis had fallen behind.
    pub not_analyzed: u64,
    /// The latest change, if there was one.
    pub change: Option<InterfaceChange>,
}

#[derive(Debug, Default)]
pub(super) struct Cell {
    name: String,
    pub(super) captured: AtomicU64,
    pub(super) wire_bytes: AtomicU64,
    pub(super) received: AtomicU64,
    pub(super) dropped_by_kernel: AtomicU64,
    pub(super) dropped_by_interface: AtomicU64,
    pub(super) not_analyzed: AtomicU64,
    change: AtomicU8,
}

impl Counts {
    pub(super) fn new(names: impl Iterator<Item = String>) -> Self {
        Self(names.map(|name| Cell { name, ..Cell::default() }).collect())
    }

    pub(super) fn of(&self, interface: usize) -> Option<&Cell> {
        self.0.get(interface)
    }

    /// The counts now, one for each interface in the order they were given. They are told apart: a count may be a
    /// moment (100 ms) older than another.
    #[must_use]
    pub fn now(&self) -> Vec<InterfaceCount> {
        self.0.iter().map(Cell::read).collect()
    }
}

impl Cell {
    fn read(&self) -> InterfaceCount {
        let get = |count: &AtomicU64| count.load(Ordering::Relaxed);
        InterfaceCount {
            name: self.name.clone(),
            captured: get(&self.captured),
            wire_bytes: get(&self.wire_bytes),
            received: get(&self.received),
            dropped_by_kernel: get(&self.dropped_by_kernel),
            dropped_by_interface: get(&self.dropped_by_interface),
            not_analyzed: get(&self.not_analyzed),
            change: CHANGES
                .iter()
                .find(|(code, _)| *code == self.change.load(Ordering::Relaxed))
                .map(|(_, change)| *change),
        }
    }

    pub(super) fn changed(&self, change: InterfaceChange) {
        let code = CHANGES.iter().find(|(_, known)| *known == change).map_or(0, |(code, _)| *code);
        self.change.store(code, Ordering::Relaxed);
    }
}

const CHANGES: [(u8, InterfaceChange); 4] =
    [(1, InterfaceChange::Down), (2, InterfaceChange::NoCarrier), (3, InterfaceChange::Up), (4, InterfaceChange::Gone)];

/// A counter of 32 bits that may wrap, as libpcap's, made one of 64.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wrapping {
    last: u32,
    sum: u64,
}

impl Wrapping {
    /// It stands at `now`, before anything counts.
    pub(super) fn begin(&mut self, now: u32) {
        self.last = now;
    }

    /// All it has counted.
    pub(super) fn sum(self) -> u64 {
        self.sum
    }

    /// It stands at `now`. A step of half its range or more is one backwards (a device that is gone has counts of 0), and
    /// does not count: nothing drops two thousand million packets between two looks.
    pub(super) fn see(&mut self, now: u32) -> u64 {
        let step = now.wrapping_sub(self.last);
        if step < 1 << 31 {
            self.sum = self.sum.saturating_add(u64::from(step));
            self.last = now;
        }
        self.sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_wrap_and_step_back() {
        let mut counter = Wrapping::default();
        assert_eq!(counter.see(10), 10);
        assert_eq!(counter.see(10), 10);
        assert_eq!(counter.see(4), 10, "backwards");
        assert_eq!(counter.see(2_000_000_010), 2_000_000_010);
        assert_eq!(counter.see(4_000_000_000), 4_000_000_000);
        assert_eq!(counter.see(5), (1 << 32) + 5, "it wrapped");
    }

    #[test]
    fn clones_are_the_same_counts() {
        let counts = Counts::new(["eth0".to_owned(), "eth1".to_owned()].into_iter());
        let seen = counts.clone();
        counts.of(1).unwrap().captured.fetch_add(3, Ordering::Relaxed);
        counts.of(1).unwrap().changed(InterfaceChange::Gone);
        assert_eq!(seen.now()[1].captured, 3);
        assert_eq!(seen.now()[1].change, Some(InterfaceChange::Gone));
        assert_eq!(seen.now()[0], InterfaceCount { name: "eth0".to_owned(), ..InterfaceCount::default() });
    }
}
