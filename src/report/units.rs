//! Numbers as people read them: three significant digits, a unit, never scientific. Machine formats do not use this.

const DURATIONS: [(u128, &str); 4] = [(1, "ns"), (1_000, "µs"), (1_000_000, "ms"), (1_000_000_000, "s")];
const BYTES: [(u128, &str); 7] = [
    (1, "B"),
    (1_000, "kB"),
    (1_000_000, "MB"),
    (1_000_000_000, "GB"),
    (1_000_000_000_000, "TB"),
    (1_000_000_000_000_000, "PB"),
    (1_000_000_000_000_000_000, "EB"),
];

const BITS_PER_SECOND: [(u128, &str); 5] =
    [(1, "bit/s"), (1_000, "kbit/s"), (1_000_000, "Mbit/s"), (1_000_000_000, "Gbit/s"), (1_000_000_000_000, "Tbit/s")];

/// A duration of `nanoseconds`: `21.4 ms`, `2 min 5 s`, `3 d 4 h`.
#[must_use]
pub fn duration(nanoseconds: i64) -> String {
    let sign = if nanoseconds < 0 { "-" } else { "" };
    let magnitude = u128::from(nanoseconds.unsigned_abs());
    // From here on seconds with decimals would be hard to read; half a second is rounded up.
    if magnitude < 99_950_000_000 {
        return format!("{sign}{}", scaled(magnitude, &DURATIONS));
    }
    let seconds = (magnitude + 500_000_000) / 1_000_000_000;
    let (big, big_unit, small, small_unit) = match seconds {
        0..3_600 => (seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => (seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        86_400..31_536_000 => (seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
        _ => (seconds / 31_536_000, "y", seconds % 31_536_000 / 86_400, "d"),
    };
    if small == 0 { format!("{sign}{big} {big_unit}") } else { format!("{sign}{big} {big_unit} {small} {small_unit}") }
}

/// A size: `96.0 kB`, where `k` is 1000.
#[must_use]
pub fn bytes(bytes: u64) -> String {
    scaled(u128::from(bytes), &BYTES)
}

/// How fast `bytes` passed in `nanoseconds`: `2.05 Mbit/s`. Nothing where no time passed.
#[must_use]
pub fn rate(bytes: u64, nanoseconds: i64) -> Option<String> {
    let time = u128::from(nanoseconds.unsigned_abs());
    (nanoseconds > 0).then(|| scaled(u128::from(bytes) * 8_000_000_000 / time, &BITS_PER_SECOND))
}

/// A rate: `2.05 Mbit/s`.
#[must_use]
pub fn bits_per_second(bits: u64) -> String {
    scaled(u128::from(bits), &BITS_PER_SECOND)
}

/// A count, its digits in groups of three from five digits on: `1234`, `12 345`.
#[must_use]
pub fn count(count: u64) -> String {
    let digits = count.to_string();
    if digits.len() < 5 {
        return digits;
    }
    let mut out = String::with_capacity(digits.len() * 2);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push('\u{202f}'); // narrow no-break space
        }
        out.push(digit);
    }
    out
}

/// `noun` with its count: `1 packet`, `12 packets`.
#[must_use]
pub fn counted(number: u64, noun: &str) -> String {
    format!("{} {noun}{}", count(number), if number == 1 { "" } else { "s" })
}

/// Three significant digits in the largest unit that leaves a whole part. The smallest unit has no decimals.
fn scaled(value: u128, units: &[(u128, &'static str)]) -> String {
    for (place, &(size, unit)) in units.iter().enumerate() {
        let last = place + 1 == units.len();
        if size == 1 {
            if value < 1_000 || last {
                return format!("{value} {unit}");
            }
            continue;
        }
        let rounded = |decimals: u128| (value * decimals + size / 2) / size;
        if rounded(100) < 1_000 {
            let hundredths = rounded(100);
            return format!("{}.{:02} {unit}", hundredths / 100, hundredths % 100);
        }
        if rounded(10) < 1_000 {
            let tenths = rounded(10);
            return format!("{}.{} {unit}", tenths / 10, tenths % 10);
        }
        if rounded(1) < 1_000 || last {
            return format!("{} {unit}", rounded(1));
        }
    }
    value.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_keep_three_digits() {
        let cases = [
            (0, "0 ns"),
            (999, "999 ns"),
            (1_000, "1.00 µs"),
            (21_400_000, "21.4 ms"),
            (999_400, "999 µs"),
            (999_999, "1.00 ms"),
            (110_000_000, "110 ms"),
            (1_310_000_000, "1.31 s"),
            (-5_000_000, "-5.00 ms"),
            (59_960_000_000, "60.0 s"),
            (125_000_000_000, "2 min 5 s"),
            (7_200_000_000_000, "2 h"),
            (90_000_000_000_000, "1 d 1 h"),
            (i64::MAX, "292 y 171 d"),
            (i64::MIN, "-292 y 171 d"),
        ];
        for (nanoseconds, text) in cases {
            assert_eq!(duration(nanoseconds), text);
        }
    }

    #[test]
    fn sizes_count_in_thousands() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(999), "999 B");
        assert_eq!(bytes(1_234), "1.23 kB");
        assert_eq!(bytes(96_000), "96.0 kB");
        assert_eq!(bytes(412_499), "412 kB");
        assert_eq!(bytes(999_999), "1.00 MB");
        assert_eq!(bytes(u64::MAX), "18.4 EB");
    }

    #[test]
    fn counts_are_grouped() {
        assert_eq!(count(1_234), "1234");
        assert_eq!(count(12_345), "12\u{202f}345");
        assert_eq!(count(1_234_567), "1\u{202f}234\u{202f}567");
        assert_eq!(counted(1, "packet"), "1 packet");
        assert_eq!(counted(0, "packet"), "0 packets");
    }
}
