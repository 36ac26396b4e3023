//! Windows: what the receiver leaves room for, and how the sender used it over time.
use super::{
    endpoint::Endpoint, loss::prove, options::Options, segment::Segment, sequence::before, sequence::distance,
};
use crate::{
    limits,
    record::{Timestamp, WindowSample},
};

/// The largest shift (RFC 7323 2.3).
const MAX_SHIFT: u8 = 14;

impl Endpoint {
    /// The window it announces, in bytes; nothing when its scale is not known because a SYN was not seen.
    pub(super) fn window_bytes(&self, peer: &Self) -> Option<u32> {
        let window = u32::from(self.window);
        if window == 0 || self.window_is_of_syn {
            return Some(window);
        }
        // Both have announced their options, or nobody scales (RFC 7323 2.2).
        if self.timestamps.is_none() || peer.timestamps.is_none() {
            return None;
        }
        match (self.window_scale, peer.window_scale) {
            (Some(shift), Some(_)) => Some(window << shift.min(MAX_SHIFT)),
            _ => Some(window),
        }
    }

    /// How many bytes its peer still takes behind `end`; nothing when that is not known.
    pub(super) fn room_behind(&self, end: u32, peer: &Self) -> Option<u32> {
        let edge = peer.last_ack?.wrapping_add(peer.window_bytes(self)?);
        Some(u32::try_from(distance(end, edge)).unwrap_or(0))
    }

    /// Counts the zero windows it announces, and how long they last.
    pub(super) fn window(&mut self, segment: &Segment<'_>) {
        let flags = segment.header.flags;
        let window = segment.header.window;
        if window == 0 && !flags.syn() && !flags.fin() && !flags.rst() {
            let trouble = self.trouble();
            trouble.zero_windows = trouble.zero_windows.saturating_add(1);
            trouble.zero_since.get_or_insert(segment.at.timestamp);
            prove(&mut trouble.zero_window_packets, segment.at.number);
        } else if let Some(trouble) = &mut self.trouble
            && let Some(since) = trouble.zero_since.take()
        {
            let closed = segment.at.timestamp.since(since).max(0);
            trouble.zero_window_ns = trouble.zero_window_ns.saturating_add(closed);
            // What its peer sends next, it sends because of the window, not of the repetitions before.
            self.repeated_acks = 0;
        }
    }

    /// Counts the duplicate acknowledgements it sends (RFC 5681 2), and what it acknowledges selectively (RFC 2018).
    pub(super) fn acknowledge(&mut self, segment: &Segment<'_>, options: &Options<'_>, peer: &Self) {
        let flags = segment.header.flags;
        let Some(ack) = segment.acknowledged() else { return };
        let repeats = self.last_ack == Some(ack);
        if repeats {
            // Where the peer's data is not captured, a selective acknowledgement still says that there is some.
            let outstanding = peer.next.is_some_and(|next| before(ack, next)) || options.names_more_than(ack);
            let bare = segment.length == 0 && !flags.syn() && !flags.fin() && !flags.rst();
            if bare && outstanding && self.window == segment.header.window {
                self.repeated_acks = self.repeated_acks.saturating_add(1);
                let trouble = self.trouble();
                trouble.duplicate_acks = trouble.duplicate_acks.saturating_add(1);
            }
        } else {
            self.repeated_acks = 0;
            self.last_ack = Some(self.last_ack.map_or(ack, |last| super::sequence::later(last, ack)));
        }
        if options.sack.is_some() {
            self.count_blocks(ack, options);
        }
    }

    #[cold]
    fn count_blocks(&mut self, ack: u32, options: &Options<'_>) {
        let mut blocks = options.sack.into_iter().flatten();
        let (first, second) = (blocks.next(), blocks.next());
        let is_duplicate = first.is_some_and(|first| super::loss::is_duplicate_sack(first, second, ack));
        let count = options.sack.into_iter().flatten().count();
        let trouble = self.trouble();
        trouble.sack_blocks = trouble.sack_blocks.saturating_add(u64::try_from(count).unwrap_or(0));
        trouble.duplicate_sacks = trouble.duplicate_sacks.saturating_add(u64::from(is_duplicate));
    }
}

/// Bytes in flight and window over time: when all places are taken every second one is given up, and from then on each
/// place stands for twice as many segments.
#[derive(Debug)]
pub(super) struct Series {
    samples: Vec<WindowSample>,
    /// Segments that one sample stands for.
    stride: u32,
    /// Segments that the last sample stands for.
    filled: u32,
}

impl Default for Series {
    fn default() -> Self {
        Self { samples: Vec::new(), stride: 1, filled: 0 }
    }
}

impl Series {
    /// A segment was sent. Of those that share a sample the one with most bytes in flight counts.
    #[inline]
    pub fn add(&mut self, at: Timestamp, bytes_in_flight: u32, receive_window: Option<u32>) {
        let sample = WindowSample { ts: at, bytes_in_flight, receive_window };
        if self.filled < self.stride
            && let Some(last) = self.samples.last_mut()
        {
            self.filled = self.filled.saturating_add(1);
            if bytes_in_flight > last.bytes_in_flight {
                *last = sample;
            }
            return;
        }
        if self.samples.len() >= limits::MAX_WINDOW_SAMPLES {
            self.halve();
        }
        self.samples.push(sample);
        self.filled = 1;
    }

    #[cold]
    fn halve(&mut self) {
        let pairs = self.samples.chunks(2);
        self.samples =
            pairs.filter_map(|pair| pair.iter().copied().max_by_key(|sample| sample.bytes_in_flight)).collect();
        self.stride = self.stride.saturating_mul(2);
    }

    /// The samples, oldest first.
    pub fn samples(&self) -> &[WindowSample] {
        &self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_stays_small_and_keeps_the_peaks() {
        let mut series = Series::default();
        let total = 10_000u32;
        for place in 0..total {
            let peak = if place == 7777 { 1_000_000 } else { place };
            series.add(Timestamp(i64::from(place)), peak, Some(65_535));
            assert!(series.samples().len() <= limits::MAX_WINDOW_SAMPLES);
        }
        let samples = series.samples();
        assert!(samples.len() >= limits::MAX_WINDOW_SAMPLES / 2, "{}", samples.len());
        assert!(samples.is_sorted_by_key(|sample| sample.ts));
        let highest = samples.iter().max_by_key(|sample| sample.bytes_in_flight).unwrap();
        assert_eq!((highest.ts, highest.bytes_in_flight), (Timestamp(7777), 1_000_000));
    }
}
