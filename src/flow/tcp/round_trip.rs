//! Round-trip times: from a segment to the acknowledgement that it, and nothing else, caused.
//!
//! A sample is taken when an acknowledgement ends exactly where a segment ended that was sent once (Karn's algorithm,
//! RFC 6298 3), and nothing before it was missing at the receiver. What was sent again is timed by the timestamps option
//! where the echo tells the copies apart (RFC 7323 4): see [`super::loss`]. The tap times the way to the receiver and
//! back to the tap only; both directions together are the whole path.
use std::collections::VecDeque;

use super::sequence::{before, not_after};
use crate::record::{Rtt, Timestamp};

/// Segments of one endpoint that wait for their acknowledgement and are timed. Of more, some are not timed.
const MAX_TIMED: usize = 256;

/// Round-trip times, summed up.
#[derive(Debug, Default)]
pub(super) struct RttSamples {
    min: i64,
    max: i64,
    sum: i64,
    /// Mean that follows the newest samples (SRTT of RFC 6298 2.3).
    smoothed: i64,
    pub count: u64,
}

impl RttSamples {
    pub fn add(&mut self, sample: i64) {
        if sample < 0 {
            return;
        }
        let is_first = self.count == 0;
        self.min = if is_first { sample } else { self.min.min(sample) };
        self.smoothed = if is_first {
            sample
        } else {
            self.smoothed.saturating_sub(self.smoothed >> 3).saturating_add(sample >> 3)
        };
        self.max = self.max.max(sample);
        self.sum = self.sum.saturating_add(sample);
        self.count = self.count.saturating_add(1);
    }

    pub fn smallest(&self) -> Option<i64> {
        (self.count > 0).then_some(self.min)
    }

    pub fn smoothed(&self) -> Option<i64> {
        (self.count > 0).then_some(self.smoothed)
    }

    pub fn summary(&self) -> Rtt {
        let some = |value| (self.count > 0).then_some(value);
        let count = i64::try_from(self.count).unwrap_or(i64::MAX);
        Rtt {
            min_ns: some(self.min),
            mean_ns: self.sum.checked_div(count),
            max_ns: some(self.max),
            samples: self.count,
        }
    }
}

/// A segment on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    pub start: u32,
    pub end: u32,
    /// When it was sent first.
    pub at: Timestamp,
    /// Its TSval.
    pub value: Option<u32>,
    /// Its acknowledgement may have waited for something else, or be that of a copy.
    pub is_ambiguous: bool,
}

/// The segments on their way, oldest first.
#[derive(Debug, Default)]
pub(super) struct Timed(VecDeque<Sent>);

impl Timed {
    pub fn push(&mut self, sent: Sent) {
        if self.0.len() < MAX_TIMED {
            self.0.push_back(sent);
        }
    }

    /// The peer has all before `ack`. Answers when the last of it was sent, if that is what `ack` answers.
    pub fn acknowledged(&mut self, ack: u32) -> Option<Timestamp> {
        let mut is_ambiguous = false;
        let mut last = None;
        while let Some(front) = self.0.front()
            && not_after(front.end, ack)
        {
            is_ambiguous |= front.is_ambiguous;
            last = (front.end == ack).then_some(front.at);
            self.0.pop_front();
        }
        if is_ambiguous { None } else { last }
    }

    /// The segment that begins at `start`, or holds it.
    #[cold]
    pub fn find(&self, start: u32) -> Option<Sent> {
        self.0.iter().find(|sent| not_after(sent.start, start) && before(start, sent.end)).copied()
    }

    /// From `start` to `end` something passed that was sent again or late: what waited for it cannot be timed.
    #[cold]
    pub fn spoil(&mut self, start: u32, end: u32) {
        for sent in self.0.iter_mut().skip_while(|sent| not_after(sent.end, start)) {
            sent.is_ambiguous = true;
            if not_after(end, sent.start) {
                break;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(start: u32, end: u32, at: i64) -> Sent {
        Sent { start, end, at: Timestamp(at), value: None, is_ambiguous: false }
    }

    #[test]
    fn an_acknowledgement_times_the_segment_that_ends_there() {
        let mut timed = Timed::default();
        timed.push(sent(100, 200, 1));
        timed.push(sent(200, 300, 2));
        timed.push(sent(300, 400, 3));
        assert_eq!(timed.acknowledged(100), None);
        assert_eq!(timed.acknowledged(300), Some(Timestamp(2)));
        // Into the middle of a segment: it answers something smaller than what passed here.
        assert_eq!(timed.acknowledged(350), None);
        assert_eq!(timed.acknowledged(400), Some(Timestamp(3)));
    }

    #[test]
    fn what_was_sent_again_is_not_timed_nor_what_waited_for_it() {
        let mut timed = Timed::default();
        for place in 0..4 {
            timed.push(sent(place * 100, place * 100 + 100, i64::from(place)));
        }
        timed.spoil(0, 100);
        assert_eq!(timed.acknowledged(100), None);
        // The next one may have waited; the one behind it has an acknowledgement of its own.
        assert_eq!(timed.acknowledged(200), None);
        assert_eq!(timed.acknowledged(300), Some(Timestamp(2)));
        timed.spoil(0, 300);
        assert_eq!(timed.acknowledged(400), None);
    }

    #[test]
    fn sequence_numbers_wrap() {
        let mut timed = Timed::default();
        timed.push(sent(0xffff_ff00, 0x10, 5));
        assert_eq!(timed.acknowledged(0xffff_ff80), None);
        assert_eq!(timed.find(3).map(|sent| sent.at), Some(Timestamp(5)));
        assert_eq!(timed.acknowledged(0x10), Some(Timestamp(5)));
    }

    #[test]
    fn samples_are_summed_up() {
        let mut samples = RttSamples::default();
        assert_eq!(samples.summary(), Rtt::default());
        samples.add(-1);
        assert_eq!(samples.count, 0);
        for sample in [8, 16, 30] {
            samples.add(sample);
        }
        assert_eq!(samples.summary(), Rtt { min_ns: Some(8), mean_ns: Some(18), max_ns: Some(30), samples: 3 });
        assert_eq!(samples.smoothed(), Some(8 - 1 + 2 - 1 + 3));
    }
}
