//! Flow control (RFC 9113 5.2 and 6.9): what a sender may still send, and how long it could not.
use crate::record::PacketRef;

/// The window of a stream or connection before anyone says otherwise.
pub const INITIAL: i64 = 65_535;

/// One sender's window, as the packets show it.
#[derive(Clone, Copy, Debug)]
pub struct Window {
    /// Bytes that may still be sent.
    left: i64,
    /// The packet with which it was used up.
    used_up: Option<PacketRef>,
    /// How long it was used up at most, in nanoseconds, and since when; counts when DATA follows.
    waited: Option<(i64, PacketRef)>,
    /// What is certain.
    stall: Option<Stall>,
}

/// Times in which a sender could not send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stall {
    /// How often.
    pub times: u64,
    /// How long together, in nanoseconds.
    pub total_ns: i64,
    /// The longest, in nanoseconds.
    pub longest_ns: i64,
    /// The packets around the longest: the one that used the window up, and the next that carried DATA.
    pub longest: (PacketRef, PacketRef),
}

impl Window {
    /// A window of `left` bytes.
    pub fn new(left: i64) -> Self {
        Self { left, used_up: None, waited: None, stall: None }
    }

    /// DATA of `bytes` passed at `packet`, padding included.
    pub fn spend(&mut self, bytes: u32, packet: PacketRef) {
        if bytes == 0 {
            return;
        }
        if let Some((most_ns, from)) = self.waited.take() {
            let (waited_ns, to) = (packet.timestamp.since(from.timestamp).clamp(0, most_ns.max(0)), packet);
            let before = self.stall.unwrap_or(Stall { times: 0, total_ns: 0, longest_ns: -1, longest: (from, to) });
            let longer = waited_ns > before.longest_ns;
            self.stall = Some(Stall {
                times: before.times.saturating_add(1),
                total_ns: before.total_ns.saturating_add(waited_ns),
                longest_ns: before.longest_ns.max(waited_ns),
                longest: if longer { (from, to) } else { before.longest },
            });
        }
        self.left = self.left.saturating_sub(i64::from(bytes));
        if self.left <= 0 {
            self.used_up.get_or_insert(packet);
        }
    }

    /// The receiver allows `bytes` more (or less, by SETTINGS), at `packet`.
    ///
    /// Wherever the capture was made, the sender had to wait from the DATA that used the window up until this reached it:
    /// the time between the two packets here and a round trip, or less when its next DATA came sooner.
    pub fn grant(&mut self, bytes: i64, packet: PacketRef, round_trip_ns: Option<i64>) {
        self.left = self.left.saturating_add(bytes);
        if self.left > 0
            && let Some(used_up) = self.used_up.take()
        {
            let here = packet.timestamp.since(used_up.timestamp).max(0);
            self.waited = Some((here.saturating_add(round_trip_ns.unwrap_or(0)), used_up));
        }
    }

    /// When the sender could not send although it had more.
    pub fn stall(&self) -> Option<Stall> {
        self.stall
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Timestamp;

    fn at(ms: i64) -> PacketRef {
        PacketRef { index: ms as u64, timestamp: Timestamp(ms * 1_000_000), ..PacketRef::default() }
    }

    #[test]
    fn only_waits_that_end_with_data_count() {
        let mut window = Window::new(100);
        window.spend(60, at(0));
        window.grant(10, at(5), None);
        window.spend(50, at(10));
        window.grant(100, at(40), None);
        assert_eq!(window.stall(), None);
        window.spend(100, at(45));
        window.grant(100, at(55), None);
        window.spend(1, at(60));
        let stall = window.stall().unwrap();
        assert_eq!((stall.times, stall.total_ns, stall.longest_ns), (2, 40_000_000, 30_000_000));
        assert_eq!(stall.longest, (at(10), at(45)));
        // Used up, and never opened again.
        window.spend(99, at(70));
        assert_eq!(window.stall(), Some(stall));
    }

    /// Captured beside the receiver, whose WINDOW_UPDATE follows at once: the sender waits a round trip all the same.
    #[test]
    fn beside_the_receiver() {
        for (next, waited_ms) in [(20, 20), (500, 31)] {
            let mut window = Window::new(10);
            window.spend(10, at(0));
            window.grant(10, at(1), Some(30_000_000));
            window.spend(10, at(next));
            assert_eq!(window.stall().unwrap().total_ns, waited_ms * 1_000_000);
        }
    }

    #[test]
    fn a_window_may_be_negative() {
        let mut window = Window::new(100);
        window.grant(-150, at(0), None);
        window.grant(40, at(1), None);
        window.spend(10, at(2));
        window.grant(100, at(3), None);
        window.spend(10, at(4));
        assert_eq!(window.stall().unwrap().times, 1);
    }
}
