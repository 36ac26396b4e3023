//! Packets over time. Without a length asked for, intervals begin short and grow with the capture, so that memory is bounded
//! and no second reading is needed.
use std::collections::BTreeMap;

use super::classes::Count;
use crate::{limits, record::Timestamp};

const MILLISECOND: i64 = 1_000_000;
const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Lengths that intervals grow through, in nanoseconds: each holds the one before it a whole number of times.
const STEPS: [i64; 18] = [
    MILLISECOND / 10,
    MILLISECOND,
    10 * MILLISECOND,
    100 * MILLISECOND,
    SECOND,
    10 * SECOND,
    MINUTE,
    10 * MINUTE,
    HOUR,
    6 * HOUR,
    DAY,
    10 * DAY,
    100 * DAY,
    1_000 * DAY,
    10_000 * DAY,
    20_000 * DAY,
    40_000 * DAY,
    80_000 * DAY,
];

/// Lengths that people read well; the first that gives few enough intervals is shown.
const SHOWN: [i64; 36] = [
    MILLISECOND / 10,
    MILLISECOND / 5,
    MILLISECOND / 2,
    MILLISECOND,
    2 * MILLISECOND,
    5 * MILLISECOND,
    10 * MILLISECOND,
    20 * MILLISECOND,
    50 * MILLISECOND,
    100 * MILLISECOND,
    200 * MILLISECOND,
    500 * MILLISECOND,
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    20 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    20 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    10 * DAY,
    100 * DAY,
    1_000 * DAY,
    10_000 * DAY,
    20_000 * DAY,
    40_000 * DAY,
    80_000 * DAY,
];

/// Intervals shown at most when their length is chosen here: what fits a screen.
const MOST_SHOWN: i64 = 40;

/// What passed in one interval.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bin {
    pub all: Count,
    /// What passes the filters of the lines.
    pub lines: [Count; limits::MAX_STATISTICS_LINES],
}

impl Bin {
    fn merge(&mut self, other: &Self) {
        let own = std::iter::once(&mut self.all).chain(&mut self.lines);
        for (mine, theirs) in own.zip(std::iter::once(&other.all).chain(&other.lines)) {
            mine.packets += theirs.packets;
            mine.bytes += theirs.bytes;
        }
    }
}

/// Packets by interval.
#[derive(Clone, Debug)]
pub struct Series {
    origin: Option<Timestamp>,
    interval_ns: i64,
    is_chosen: bool,
    bins: BTreeMap<i64, Bin>,
    /// The interval that packets come in at present, not yet among the others.
    current: Option<(i64, Bin)>,
    /// Packets in intervals for which there was no room.
    pub left_out: u64,
}

impl Series {
    /// Of intervals of `asked` nanoseconds, or as long as suits.
    pub fn new(asked: Option<i64>) -> Self {
        let [shortest, ..] = STEPS;
        Self {
            origin: None,
            interval_ns: asked.unwrap_or(shortest).max(1),
            is_chosen: asked.is_some(),
            bins: BTreeMap::new(),
            current: None,
            left_out: 0,
        }
    }

    /// Time counts from `first`, unless it does already.
    pub fn begin(&mut self, first: Timestamp) {
        self.origin.get_or_insert(first);
    }

    /// Counts a packet; `lines` has a bit for each line that it passes.
    pub fn add(&mut self, at: Timestamp, bytes: u32, lines: u32) {
        let since = at.since(*self.origin.get_or_insert(at));
        let place = since.div_euclid(self.interval_ns);
        if self.current.is_none_or(|(current, _)| current != place) && !self.go_to(place) {
            self.left_out += 1;
            return;
        }
        // Growing may have renamed the interval; the packet is in the current one all the same.
        if let Some((_, bin)) = &mut self.current {
            bin.all.add(bytes);
            for (line, count) in bin.lines.iter_mut().enumerate() {
                if lines & 1 << line != 0 {
                    count.add(bytes);
                }
            }
        }
    }

    /// Makes the interval at `place` the current one; false when there is no room for it.
    fn go_to(&mut self, place: i64) -> bool {
        self.store();
        let most = if self.is_chosen { limits::MAX_STATISTICS_INTERVALS } else { limits::MAX_STATISTICS_STEPS };
        let mut place = place;
        if self.bins.len() >= most && !self.bins.contains_key(&place) {
            if self.is_chosen {
                return false;
            }
            place = self.grow(place);
        }
        self.current = Some((place, self.bins.remove(&place).unwrap_or_default()));
        true
    }

    fn store(&mut self) {
        if let Some((place, bin)) = self.current.take() {
            self.bins.insert(place, bin);
        }
    }

    /// Makes intervals longer until they are fewer; answers the new name of the one at `place`.
    fn grow(&mut self, place: i64) -> i64 {
        let mut place = place;
        while self.bins.len() >= limits::MAX_STATISTICS_STEPS / 2 {
            let Some(next) = STEPS.into_iter().find(|step| *step > self.interval_ns) else { break };
            place = self.lengthen(next, place);
        }
        place
    }

    /// Makes intervals `longer` nanoseconds long, a multiple of what they were; answers the new name of the one at `place`.
    fn lengthen(&mut self, longer: i64, place: i64) -> i64 {
        let factor = (longer / self.interval_ns).max(1);
        for (place, bin) in std::mem::take(&mut self.bins) {
            self.bins.entry(place.div_euclid(factor)).or_default().merge(&bin);
        }
        self.interval_ns = longer;
        place.div_euclid(factor)
    }

    /// The intervals in which something passed, in order of time, by their beginning in nanoseconds since the first packet;
    /// before them the length of each.
    pub fn finished(mut self) -> (i64, Vec<(i64, Bin)>) {
        self.store();
        if !self.is_chosen
            && let (Some((first, _)), Some((last, _))) = (self.bins.first_key_value(), self.bins.last_key_value())
        {
            let span = last.saturating_sub(*first).saturating_add(1);
            let step = self.interval_ns;
            let suits = |length: &i64| length % step == 0 && span.saturating_sub(1) / (length / step) < MOST_SHOWN - 1;
            if let Some(length) = SHOWN.into_iter().find(suits) {
                self.lengthen(length, 0);
            }
        }
        let length = self.interval_ns;
        (length, self.bins.into_iter().map(|(place, bin)| (place.saturating_mul(length), bin)).collect())
    }

    /// When the first packet came.
    pub fn origin(&self) -> Option<Timestamp> {
        self.origin
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(asked: Option<i64>, times: impl IntoIterator<Item = i64>) -> (i64, Vec<(i64, u64)>) {
        let mut series = Series::new(asked);
        times.into_iter().for_each(|at| series.add(Timestamp(at), 10, 0));
        let (length, bins) = series.finished();
        (length, bins.into_iter().map(|(start, bin)| (start, bin.all.packets)).collect())
    }

    #[test]
    fn steps_fit_into_each_other_and_into_what_is_shown() {
        for pair in STEPS.windows(2) {
            assert_eq!(pair[1] % pair[0], 0, "{pair:?}");
        }
        // Whatever intervals have grown to, there is a length to show them in: far fewer than grow again.
        for (step, next) in STEPS.iter().zip(&STEPS[1..]) {
            assert!(SHOWN.iter().any(|length| length % step == 0 && length >= next), "{step}");
        }
        assert!(SHOWN.is_sorted());
    }

    #[test]
    fn an_asked_length_is_kept() {
        let (length, bins) = series(Some(SECOND), [5, 6, SECOND + 4, SECOND + 5, 9 * SECOND, 0]);
        assert_eq!(length, SECOND);
        // Counted from the first packet, and the last one is older than it.
        assert_eq!(bins, [(-SECOND, 1), (0, 3), (SECOND, 1), (8 * SECOND, 1)]);
    }

    #[test]
    fn a_chosen_length_gives_a_screen_of_intervals() {
        for last in [0, 3, MILLISECOND, 77 * MILLISECOND, 4 * SECOND, 59 * MINUTE, 400 * DAY] {
            let times = (0..=1000).map(|place| last / 1000 * place);
            let (length, bins) = series(None, times);
            assert!(bins.len() as i64 <= MOST_SHOWN, "{last}: {} of {length}", bins.len());
            assert!(bins.len() > 8 || last < 2 * MILLISECOND, "{last}: {} of {length}", bins.len());
            assert_eq!(bins.iter().map(|(_, packets)| packets).sum::<u64>(), 1001);
            for (start, _) in bins {
                assert_eq!(start % length, 0);
            }
        }
    }

    #[test]
    fn growing_loses_nothing_and_is_the_same_as_long_intervals_from_the_start() {
        // A packet a millisecond for a hundred seconds: far more steps than are kept.
        let times: Vec<i64> = (0..100_000).map(|place| place * MILLISECOND + 17).collect();
        let (length, grown) = series(None, times.iter().copied());
        assert_eq!(length, 5 * SECOND);
        assert_eq!((length, grown), series(Some(length), times));
    }

    #[test]
    fn lines_are_counted_apart() {
        let mut series = Series::new(Some(SECOND));
        series.add(Timestamp(0), 100, 0b10);
        series.add(Timestamp(1), 50, 0b11);
        let (_, bins) = series.finished();
        let [(_, bin)] = bins[..] else { panic!("{bins:?}") };
        assert_eq!(bin.all, Count { packets: 2, bytes: 150 });
        assert_eq!(bin.lines[0], Count { packets: 1, bytes: 50 });
        assert_eq!(bin.lines[1], Count { packets: 2, bytes: 150 });
    }
}
