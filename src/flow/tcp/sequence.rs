//! Sequence numbers: arithmetic modulo 2^32 (RFC 9293 3.4). "Before" and "after" are meant within half the space.

/// Signed distance from `from` to `to`: positive when `to` is after `from`.
#[must_use]
pub fn distance(from: u32, to: u32) -> i32 {
    to.wrapping_sub(from).cast_signed()
}

/// Whether `a` is before `b`.
#[must_use]
pub fn before(a: u32, b: u32) -> bool {
    distance(a, b) > 0
}

/// Whether `a` is before `b` or the same.
#[must_use]
pub fn not_after(a: u32, b: u32) -> bool {
    distance(a, b) >= 0
}

/// The later of two.
#[must_use]
pub fn later(a: u32, b: u32) -> u32 {
    if before(a, b) { b } else { a }
}

/// Whether `number` lies in the window of `size` numbers from `start` (RFC 9293 3.4, the receive window).
#[must_use]
pub fn in_window(number: u32, start: u32, size: u32) -> bool {
    number.wrapping_sub(start) < size
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn wraps_around() {
        assert!(before(0xffff_fff0, 5));
        assert!(!before(5, 0xffff_fff0));
        assert_eq!(distance(0xffff_ffff, 1), 2);
        assert_eq!(later(0xffff_fff0, 5), 5);
        assert!(in_window(3, 0xffff_ffff, 5));
        assert!(!in_window(4, 0xffff_ffff, 5));
        assert!(!in_window(7, 7, 0));
    }

    proptest! {
        #[test]
        fn order_is_that_of_the_distance(start: u32, ahead in 1u32..0x7fff_ffff) {
            let end = start.wrapping_add(ahead);
            prop_assert!(before(start, end));
            prop_assert!(!before(end, start));
            prop_assert!(not_after(start, start));
            prop_assert_eq!(later(start, end), end);
            prop_assert_eq!(distance(start, end), ahead.cast_signed());
        }
    }
}
