//! Sequence numbers of one security association, watched as its receiver does (RFC 4303 3.4.3).

/// Numbers behind the highest one that are told apart.
const WINDOW: u32 = 128;

/// How a packet came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    /// With the next number, or a later one.
    Ahead,
    /// Behind others, for the first time.
    Late,
    /// Its number was here already.
    Repeated,
    /// Behind all that is watched: nobody knows whether it was here.
    TooLate,
}

/// The numbers so far.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Numbers {
    /// The first one.
    pub first: u32,
    /// The highest one.
    pub highest: u32,
    /// Bit by bit which of the numbers up to the highest came.
    seen: u128,
    /// Numbers skipped that did not come later.
    pub missing: u64,
    /// Packets that came behind later ones.
    pub late: u64,
    /// Packets whose number came before.
    pub repeated: u64,
}

impl Numbers {
    /// The first packet.
    pub fn new(number: u32) -> Self {
        // What is before the first one may have been before the capture.
        Self { first: number, highest: number, seen: u128::MAX, missing: 0, late: 0, repeated: 0 }
    }

    /// Another packet. Numbers may wrap: those of 64 bits show their lower half only (RFC 4303 2.2.1).
    pub fn see(&mut self, number: u32) -> Arrival {
        let ahead = number.wrapping_sub(self.highest);
        if ahead == 0 {
            self.repeated = self.repeated.saturating_add(1);
            return Arrival::Repeated;
        }
        if ahead < 1 << 31 {
            self.seen = self.seen.checked_shl(ahead).unwrap_or_default() | 1;
            self.highest = number;
            self.missing = self.missing.saturating_add(u64::from(ahead.saturating_sub(1)));
            return Arrival::Ahead;
        }
        let behind = ahead.wrapping_neg();
        if behind >= WINDOW {
            self.late = self.late.saturating_add(1);
            return Arrival::TooLate;
        }
        let bit = 1u128.checked_shl(behind).unwrap_or_default();
        if self.seen & bit != 0 {
            // What is before the first packet is not known to have come.
            if self.first.wrapping_sub(number) <= WINDOW && self.first != number {
                self.late = self.late.saturating_add(1);
                return Arrival::Late;
            }
            self.repeated = self.repeated.saturating_add(1);
            return Arrival::Repeated;
        }
        self.seen |= bit;
        self.missing = self.missing.saturating_sub(1);
        self.late = self.late.saturating_add(1);
        Arrival::Late
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_watched_like_a_receiver() {
        let mut numbers = Numbers::new(10);
        let arrivals: Vec<Arrival> = [11, 14, 12, 12, 9, 14, 200, 13].map(|number| numbers.see(number)).to_vec();
        use Arrival::{Ahead, Late, Repeated, TooLate};
        assert_eq!(arrivals, [Ahead, Ahead, Late, Repeated, Late, Repeated, Ahead, TooLate]);
        // 13 was missing; so were 15 to 199.
        assert_eq!((numbers.missing, numbers.repeated, numbers.highest), (1 + 185, 2, 200));
    }

    #[test]
    fn numbers_wrap() {
        let mut numbers = Numbers::new(u32::MAX);
        assert_eq!(
            (numbers.see(0), numbers.see(u32::MAX), numbers.see(1)),
            (Arrival::Ahead, Arrival::Repeated, Arrival::Ahead)
        );
        assert_eq!(numbers.missing, 0);
    }
}
