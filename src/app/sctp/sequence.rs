//! Transmission sequence numbers of one direction (RFC 9260 6): which came, which came again, and pieces of messages in order.
use std::collections::{BTreeMap, BTreeSet};

use crate::limits;

/// How a piece came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// For the first time.
    New,
    /// For the first time here, after it was given up: what is behind it was handed on.
    Late,
    /// It was here before.
    Repeated,
    /// Its number cannot be.
    Absurd,
}

/// Pieces that wait for the ones before them.
#[derive(Debug)]
pub(super) struct Sequence<T> {
    /// The number that comes next, counted on beyond 32 bits.
    next: Option<u64>,
    waiting: BTreeMap<u64, T>,
    waiting_bytes: usize,
    given_up: BTreeSet<u64>,
    /// Numbers that the capture does not hold.
    pub missing: u64,
}

impl<T> Default for Sequence<T> {
    fn default() -> Self {
        Self { next: None, waiting: BTreeMap::new(), waiting_bytes: 0, given_up: BTreeSet::new(), missing: 0 }
    }
}

/// Numbers start here, so that what lies before the first one has a place too.
const BASE: u64 = 1 << 40;
/// Numbers farther away than this are absurd: no window is as large.
const FARTHEST: u64 = 1 << 22;

/// What waits, with its length.
pub(super) trait Held {
    /// Bytes that it takes.
    fn bytes(&self) -> usize;
}

impl<T: Held> Sequence<T> {
    /// The first number is `initial`, as INIT or INIT ACK says.
    pub fn begin(&mut self, initial: u32) {
        if self.next.is_none() {
            self.next = Some(BASE | u64::from(initial));
        }
    }

    /// The place of a number among all, the one nearest to what comes next.
    fn place(&self, next: u64, number: u32) -> Option<u64> {
        let ahead = number.wrapping_sub(u32::try_from(next & 0xffff_ffff).unwrap_or_default());
        let place = if ahead < 1 << 31 {
            next.checked_add(ahead.into())?
        } else {
            next.checked_sub(u64::from(ahead.wrapping_neg()))?
        };
        Some(place).filter(|place| place.abs_diff(next) <= FARTHEST)
    }

    /// Takes a piece: `hold` makes what waits when it is ahead. Answers with how it came, and whether it is its turn.
    pub fn take(&mut self, number: u32, hold: impl FnOnce() -> T) -> (Arrival, bool) {
        let next = *self.next.get_or_insert(BASE | u64::from(number));
        let Some(place) = self.place(next, number) else { return (Arrival::Absurd, false) };
        if place == next {
            self.next = next.checked_add(1);
            return (Arrival::New, true);
        }
        if place < next {
            let late = self.given_up.remove(&place);
            self.missing = self.missing.saturating_sub(u64::from(late));
            return (if late { Arrival::Late } else { Arrival::Repeated }, false);
        }
        if self.waiting.contains_key(&place) {
            return (Arrival::Repeated, false);
        }
        let held = hold();
        self.waiting_bytes = self.waiting_bytes.saturating_add(held.bytes());
        self.waiting.insert(place, held);
        (Arrival::New, false)
    }

    /// Whether more waits than may.
    pub fn is_full(&self) -> bool {
        self.waiting.len() > limits::MAX_SCTP_WAITING_CHUNKS || self.waiting_bytes > limits::MAX_SCTP_WAITING_BYTES
    }

    /// The next piece whose turn it is.
    pub fn ready(&mut self) -> Option<T> {
        let next = self.next?;
        let held = self.waiting.remove(&next)?;
        self.waiting_bytes = self.waiting_bytes.saturating_sub(held.bytes());
        self.next = next.checked_add(1);
        Some(held)
    }

    /// Goes on at the first piece that waits, if any: what is before it will not come. Answers how many are missing.
    pub fn give_up_to_first(&mut self) -> u64 {
        let Some(first) = self.waiting.keys().next().copied() else { return 0 };
        self.skip_to(first)
    }

    /// The next piece that waits at or before `number`, which the other end acknowledges: what is missing before it will not
    /// come any more. Null when there is none; what is missing before `number` is given up then. Answers with how many
    /// are missing, and the piece.
    pub fn acknowledged(&mut self, number: u32) -> (u64, Option<T>) {
        let Some(next) = self.next else { return (0, None) };
        let Some(end) = self.place(next, number).and_then(|place| place.checked_add(1)) else { return (0, None) };
        if end <= next {
            return (0, None);
        }
        match self.waiting.keys().next().copied().filter(|first| *first < end) {
            Some(first) => {
                let missing = self.skip_to(first);
                (missing, self.ready())
            }
            None => (self.skip_to(end), None),
        }
    }

    fn skip_to(&mut self, place: u64) -> u64 {
        let Some(next) = self.next else { return 0 };
        for number in next..place {
            if self.given_up.len() >= limits::MAX_SCTP_WAITING_CHUNKS {
                break;
            }
            self.given_up.insert(number);
        }
        let missing = place.saturating_sub(next);
        self.missing = self.missing.saturating_add(missing);
        self.next = Some(place);
        missing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Held for u32 {
        fn bytes(&self) -> usize {
            1
        }
    }

    fn take(sequence: &mut Sequence<u32>, number: u32) -> (Arrival, Vec<u32>) {
        let (arrival, is_next) = sequence.take(number, || number);
        let mut ready: Vec<u32> = is_next.then_some(number).into_iter().collect();
        if is_next {
            ready.extend(std::iter::from_fn(|| sequence.ready()));
        }
        (arrival, ready)
    }

    #[test]
    fn pieces_come_in_order_over_the_end_of_the_numbers() {
        let mut sequence = Sequence::default();
        sequence.begin(u32::MAX - 1);
        assert_eq!(take(&mut sequence, u32::MAX - 1), (Arrival::New, vec![u32::MAX - 1]));
        assert_eq!(take(&mut sequence, 0), (Arrival::New, vec![]));
        assert_eq!(take(&mut sequence, 1), (Arrival::New, vec![]));
        assert_eq!(take(&mut sequence, 0), (Arrival::Repeated, vec![]));
        assert_eq!(take(&mut sequence, u32::MAX), (Arrival::New, vec![u32::MAX, 0, 1]));
        assert_eq!(take(&mut sequence, u32::MAX), (Arrival::Repeated, vec![]));
        assert_eq!(take(&mut sequence, 1 << 30).0, Arrival::Absurd);
    }

    #[test]
    fn what_is_acknowledged_and_was_not_seen_is_missing() {
        let mut sequence = Sequence::default();
        sequence.begin(10);
        take(&mut sequence, 12);
        take(&mut sequence, 15);
        assert_eq!(sequence.acknowledged(13), (2, Some(12)));
        assert_eq!(sequence.acknowledged(13), (1, None));
        assert_eq!(sequence.acknowledged(13), (0, None));
        assert_eq!((sequence.missing, sequence.next), (3, Some(BASE + 14)));
        assert_eq!(take(&mut sequence, 13).0, Arrival::Late);
        assert_eq!((sequence.missing, take(&mut sequence, 13).0), (2, Arrival::Repeated));
        assert_eq!(take(&mut sequence, 14), (Arrival::New, vec![14, 15]));
    }
}
