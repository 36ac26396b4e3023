//! What held a sender back: its program, the receiver's window, or the network. After T-RAT (Zhang et al., "On the
//! characteristics and origins of Internet flow rates", 2002), but from sequence numbers instead of guessed flights.
//!
//! The time between two segments with new data belongs to
//! - the network, when the sender was sending again what it took for lost; when, with bytes in flight and room in the
//!   window, it went on as soon as an acknowledgement came: its congestion window had been full; or when the segments
//!   followed each other closely: it was sending as fast as it would;
//! - the receiver's window, when no further segment would have fitted into it;
//! - the program, when none of these holds: the sender might have sent, and had nothing. So it is after a segment that is
//!   shorter than the others: a sender cuts one short only when it has nothing more to put into it (RFC 9293 3.7.4).
//!
//! Only a capture near the sender shows what it knew when; elsewhere nothing is said.
use crate::record::{LimitedBy, Timestamp};

/// Answers to an acknowledgement, and segments of one burst, follow within this time, in nanoseconds; or within an eighth of
/// the round trip.
const PROMPT_NS: i64 = 1_000_000;

/// How a segment with new data found things, and left them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    pub at: Timestamp,
    /// It is shorter than the segments that the sender fills.
    pub is_short: bool,
    /// No other segment of full size fits into the window behind it.
    pub fills_window: bool,
    pub recovers: bool,
    /// When the latest acknowledgement of something new came.
    pub advanced: Timestamp,
    pub round_trip_ns: Option<i64>,
}

/// Shares of a sender's time.
#[derive(Debug, Default)]
pub(super) struct Limits {
    last: Option<Step>,
    program_ns: i64,
    window_ns: i64,
    network_ns: i64,
}

impl Limits {
    /// What counts as prompt on a path.
    pub fn prompt_ns(round_trip_ns: Option<i64>) -> i64 {
        round_trip_ns.map_or(PROMPT_NS, |rtt| (rtt >> 3).max(PROMPT_NS))
    }

    /// A segment with new data was sent.
    #[inline]
    pub fn step(&mut self, step: Step) {
        if let Some(last) = self.last.replace(step) {
            let passed = step.at.since(last.at).max(0);
            let share = self.blame(&last, &step, passed);
            *share = share.saturating_add(passed);
        }
    }

    fn blame(&mut self, last: &Step, step: &Step, passed: i64) -> &mut i64 {
        let prompt = Self::prompt_ns(step.round_trip_ns);
        if last.recovers || step.recovers {
            return &mut self.network_ns;
        }
        if last.fills_window {
            return &mut self.window_ns;
        }
        if last.is_short {
            return &mut self.program_ns;
        }
        let clocked = step.advanced > last.at && step.at.since(step.advanced) <= prompt;
        if passed <= prompt || clocked { &mut self.network_ns } else { &mut self.program_ns }
    }

    /// The shares.
    pub fn summary(&self) -> LimitedBy {
        LimitedBy { application_ns: self.program_ns, receiver_window_ns: self.window_ns, network_ns: self.network_ns }
    }

    /// Whether the latest segment was short.
    pub fn ended_short(&self) -> bool {
        self.last.is_some_and(|last| last.is_short)
    }

    /// All time that was shared out, in nanoseconds.
    pub fn total_ns(&self) -> i64 {
        self.program_ns.saturating_add(self.window_ns).saturating_add(self.network_ns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    /// A full segment at `at` ms, the latest acknowledgement at `advanced` ms, over a path of 40 ms.
    fn full(at: i64, advanced: i64) -> Step {
        Step {
            at: Timestamp(at * MS),
            is_short: false,
            fills_window: false,
            recovers: false,
            advanced: Timestamp(advanced * MS),
            round_trip_ns: Some(40 * MS),
        }
    }

    fn shares(steps: &[Step]) -> (i64, i64, i64) {
        let mut limits = Limits::default();
        for step in steps {
            limits.step(*step);
        }
        let LimitedBy { application_ns, receiver_window_ns, network_ns } = limits.summary();
        assert_eq!(limits.total_ns(), application_ns + receiver_window_ns + network_ns);
        (application_ns / MS, receiver_window_ns / MS, network_ns / MS)
    }

    #[test]
    fn going_on_with_the_acknowledgement_is_the_networks() {
        assert_eq!(shares(&[full(0, 0), full(1, 0), full(41, 40)]), (0, 0, 41));
    }

    #[test]
    fn going_on_long_after_the_acknowledgement_is_the_programs() {
        assert_eq!(shares(&[full(0, 0), full(140, 40)]), (140, 0, 0));
        assert_eq!(shares(&[full(0, 0), full(100, 0)]), (100, 0, 0));
    }

    #[test]
    fn after_a_short_segment_there_was_nothing_to_send() {
        let short = Step { is_short: true, ..full(0, 0) };
        assert_eq!(shares(&[short, full(41, 40)]), (41, 0, 0));
    }

    #[test]
    fn a_full_window_is_the_receivers() {
        let filling = Step { fills_window: true, ..full(0, 0) };
        assert_eq!(shares(&[filling, full(300, 299)]), (0, 300, 0));
    }

    #[test]
    fn losses_are_the_networks() {
        let recovering = Step { recovers: true, is_short: true, ..full(0, 0) };
        assert_eq!(shares(&[recovering, full(300, 10), full(1000, 10)]), (700, 0, 300));
    }
}
