//! Values of records, and constants as people write them: read as what they are compared with.
use std::{cmp::Ordering, fmt, net::IpAddr};

use serde_json::Value;

use super::fields::Kind;

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Datum {
    /// True or false.
    Flag(bool),
    /// A whole number, nanoseconds, a moment in nanoseconds since 1970, or the place of a word in its order.
    Number(i128),
    /// A number with a fraction.
    Fraction(f64),
    /// Text.
    Text(String),
    /// An address.
    Address(IpAddr),
    /// Addresses whose first bits are these; only constants.
    Network(IpAddr, u8),
    /// A version: where it stands, and its words (of a constant only where they were written: `1.2` is any family's).
    Version(Option<u32>, Option<String>),
    /// A group of fields: it is there.
    Group,
}

/// What `value` is as a `kind`; null is nothing.
pub fn of(value: &Value, kind: &Kind) -> Option<Datum> {
    Some(match value {
        Value::Null | Value::Array(_) => return None,
        Value::Object(_) => Datum::Group,
        Value::Bool(flag) => Datum::Flag(*flag),
        Value::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(number), _) => Datum::Number(number.into()),
            (_, Some(number)) => Datum::Number(number.into()),
            _ => Datum::Fraction(number.as_f64().unwrap_or_default()),
        },
        Value::String(text) => match kind {
            Kind::Address => text.parse().map_or_else(|_| Datum::Text(text.clone()), Datum::Address),
            Kind::Moment => moment(text).map_or_else(|| Datum::Text(text.clone()), Datum::Number),
            Kind::Version => Datum::Version(rank(text), Some(text.clone())),
            Kind::Named(words, true) => {
                let place = words.iter().position(|word| word == text).and_then(|place| i128::try_from(place).ok());
                place.map_or_else(|| Datum::Text(text.clone()), Datum::Number)
            }
            _ => Datum::Text(text.clone()),
        },
    })
}

/// A constant as it was written.
#[derive(Clone, Copy, Debug)]
pub enum Written<'a> {
    /// Without quotes.
    Word(&'a str),
    /// In quotes.
    Quoted(&'a [u8]),
}

/// What `written` is as a `kind`; else what is wrong, and what was probably meant.
pub fn read(written: Written<'_>, kind: &Kind) -> Result<Datum, (String, Option<String>)> {
    let (text, shown) = match written {
        Written::Word(word) => (Some(word), word.to_owned()),
        Written::Quoted(bytes) => (std::str::from_utf8(bytes).ok(), format!("\"{}\"", bytes.escape_ascii())),
    };
    let Some(text) = text else { return Err((format!("`{shown}` is not UTF-8"), None)) };
    let wrong = |what: &str| (format!("`{shown}` is not {what}"), None);
    Ok(match kind {
        Kind::Flag => match text {
            "true" | "1" => Datum::Flag(true),
            "false" | "0" => Datum::Flag(false),
            _ => return Err(wrong("true or false")),
        },
        Kind::Number | Kind::Packet => {
            number(text, &SIZES).ok_or_else(|| wrong("a number, or a size such as 1.5 MB or 64 KiB"))?
        }
        Kind::Duration => number(text, &TIMES)
            .ok_or_else(|| wrong("a duration such as 200 ms or 1.5 s, or a number of nanoseconds"))?,
        Kind::Text | Kind::Pairs => match (written, network(text)) {
            (Written::Word(_), Some(network)) => network,
            _ => Datum::Text(text.to_owned()),
        },
        Kind::Named(words, ordered) => {
            let place = words.iter().position(|word| word.eq_ignore_ascii_case(text)).ok_or_else(|| {
                let near = crate::filter::nearest(text, words.iter().map(String::as_str));
                let all: Vec<_> = words.iter().take(24).map(String::as_str).collect();
                let what = format!("`{shown}` is never its value; there are: {}", all.join(", "));
                (what, near.map(|near| format!("`{near}`")))
            })?;
            match (ordered, words.get(place)) {
                (false, Some(word)) => Datum::Text(word.clone()),
                _ => Datum::Number(i128::try_from(place).unwrap_or_default()),
            }
        }
        Kind::Moment => {
            moment(text).map(Datum::Number).ok_or_else(|| wrong("a moment in UTC such as \"2026-01-31 12:00:00.5\""))?
        }
        Kind::Address => network(text)
            .or_else(|| text.parse().ok().map(Datum::Address))
            .ok_or_else(|| wrong("an address or network (10.0.0.1, 2001:db8::/32); names are never resolved"))?,
        Kind::Version => match (rank(text), text.starts_with(|letter: char| letter.is_ascii_digit())) {
            (Some(rank), true) => Datum::Version(Some(rank), None),
            (Some(rank), false) => Datum::Version(Some(rank), Some(text.to_owned())),
            _ => return Err(wrong("a version such as 1.2 or \"TLS 1.3\"")),
        },
        Kind::Group => return Err(("a group of fields has no value: compare one of them".to_owned(), None)),
    })
}

/// Whether two words are one constant: `200 ms`, `1.5 MB`, `TLS 1.2`.
pub fn joins(first: &str, second: &str) -> bool {
    let is_unit = || TIMES.iter().chain(&SIZES).any(|(unit, _)| *unit == second);
    let is_version = || second.starts_with(|letter: char| letter.is_ascii_digit()) && rank(second).is_some();
    first.starts_with(|letter: char| letter.is_ascii_digit()) && !first.contains(' ') && is_unit()
        || matches!(first, "TLS" | "SSL" | "DTLS") && is_version()
}

/// Units of time in nanoseconds.
pub const TIMES: [(&str, i128); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// Units of size in bytes.
const SIZES: [(&str, i128); 9] = [
    ("B", 1),
    ("kB", 1_000),
    ("KB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// A number with or without one of `units`.
fn number(text: &str, units: &[(&str, i128)]) -> Option<Datum> {
    let (digits, sign) = text.strip_prefix('-').map_or((text, 1), |digits| (digits, -1));
    let hex = digits.strip_prefix("0x").and_then(|hex| u64::from_str_radix(hex, 16).ok());
    if let Some(hex) = hex {
        return Some(Datum::Number(sign * i128::from(hex)));
    }
    let end = digits.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(digits.len());
    let (digits, unit) = digits.split_at(end);
    let factor = match unit.trim() {
        "" => 1,
        unit => units.iter().find(|(name, _)| *name == unit)?.1,
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_decimal(fraction) || fraction.len() > 15 {
        return None;
    }
    let scale = 10_i128.checked_pow(u32::try_from(fraction.len()).ok()?)?;
    let parts = whole.parse::<u64>().ok().map(i128::from)?.checked_mul(scale)?;
    let parts = parts.checked_add(if fraction.is_empty() { 0 } else { fraction.parse::<i128>().ok()? })?;
    let product = parts.checked_mul(factor)?.checked_mul(sign)?;
    if product % scale == 0 {
        return Some(Datum::Number(product / scale));
    }
    #[allow(clippy::cast_precision_loss)] // 15 digits fit
    Some(Datum::Fraction(product as f64 / scale as f64))
}

/// `10.0.0.0/8`.
fn network(text: &str) -> Option<Datum> {
    let (address, length) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let length: u8 = length.parse().ok()?;
    (length <= if address.is_ipv4() { 32 } else { 128 }).then_some(Datum::Network(address, length))
}

/// Where a version stands among its like: SSL below TLS; DTLS 1.0 is TLS 1.1 (RFC 4347).
fn rank(text: &str) -> Option<u32> {
    let (family, number) = match text.split_once(' ') {
        Some((family, number)) => (family, number),
        None => ("", text),
    };
    let (major, minor) = number.split_once('.').unwrap_or((number, "0"));
    let (major, minor): (u32, u32) = (major.parse().ok()?, minor.parse().ok()?);
    let place = |major: u32, minor: u32| major.checked_mul(1000)?.checked_add(minor);
    match family {
        "" | "TLS" => place(major, minor),
        "SSL" => place(0, major),
        "DTLS" => place(1, minor.max(1)),
        _ => None,
    }
}

/// A date, or a date and a time of day, in UTC: nanoseconds since 1970.
pub fn moment(text: &str) -> Option<i128> {
    let text = text.trim().trim_end_matches("UTC").trim_end_matches('Z').trim();
    let forms = ["%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let moment =
        forms.iter().find_map(|form| chrono::NaiveDateTime::parse_from_str(text, form).ok()).or_else(|| {
            let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
            date.and_hms_opt(0, 0, 0)
        })?;
    let moment = moment.and_utc();
    Some(i128::from(moment.timestamp()) * 1_000_000_000 + i128::from(moment.timestamp_subsec_nanos()))
}

impl Datum {
    /// How it stands to `other`; null when they cannot be compared.
    #[must_use]
    pub fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Flag(a), Self::Flag(b)) => Some(a.cmp(b)),
            (Self::Number(a), Self::Number(b)) => Some(a.cmp(b)),
            (Self::Number(_) | Self::Fraction(_), Self::Number(_) | Self::Fraction(_)) => {
                self.fraction()?.partial_cmp(&other.fraction()?)
            }
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Address(a), Self::Address(b)) => Some(a.cmp(b)),
            (Self::Address(address), Self::Network(network, bits)) => Some(against(*address, *network, *bits)),
            (Self::Network(network, bits), Self::Address(address)) => {
                Some(against(*address, *network, *bits).reverse())
            }
            (Self::Text(text), Self::Network(network, bits)) => Some(against(text.parse().ok()?, *network, *bits)),
            (Self::Version(a, a_words), Self::Version(b, b_words)) => match (a, b) {
                (Some(a), Some(b)) => Some(a.cmp(b)),
                _ => Some(a_words.cmp(b_words)),
            },
            _ => None,
        }
    }

    /// Whether both are the same.
    #[must_use]
    pub fn equals(&self, other: &Self) -> Option<bool> {
        if let (Self::Version(_, Some(a)), Self::Version(_, Some(b))) = (self, other) {
            return Some(a.eq_ignore_ascii_case(b));
        }
        self.compare(other).map(Ordering::is_eq)
    }

    /// As a number with a fraction.
    #[must_use]
    #[allow(clippy::cast_precision_loss)] // beyond 2^53 the last digits do not matter
    pub fn fraction(&self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(*number as f64),
            Self::Fraction(number) => Some(*number),
            _ => None,
        }
    }

    /// Its text, where it is one.
    #[must_use]
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) | Self::Version(_, Some(text)) => Some(text),
            _ => None,
        }
    }
}

/// The first `bits` of an address against those of a network; another family is greater or less.
fn against(address: IpAddr, network: IpAddr, bits: u8) -> Ordering {
    match (address, network) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let shift = 32_u32.saturating_sub(bits.into());
            let first = |address: u32| address.checked_shr(shift).unwrap_or(0);
            first(u32::from(a)).cmp(&first(u32::from(b)))
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => {
            let shift = 128_u32.saturating_sub(bits.into());
            let first = |address: u128| address.checked_shr(shift).unwrap_or(0);
            first(u128::from(a)).cmp(&first(u128::from(b)))
        }
        (a, b) => a.cmp(&b),
    }
}

/// A duration in the unit that suits it: `213 ms`.
#[must_use]
pub fn duration(nanoseconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation)] // saturates
    crate::report::units::duration(nanoseconds.round() as i64)
}

impl fmt::Display for Datum {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(flag) => flag.fmt(f),
            Self::Number(number) => number.fmt(f),
            Self::Fraction(number) => number.fmt(f),
            Self::Text(text) => text.fmt(f),
            Self::Address(address) => address.fmt(f),
            Self::Network(address, bits) => write!(f, "{address}/{bits}"),
            Self::Version(_, Some(words)) => words.fmt(f),
            Self::Version(rank, None) => {
                let rank = rank.unwrap_or_default();
                write!(f, "{}.{}", rank / 1000, rank % 1000)
            }
            Self::Group => f.write_str("{...}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(text: &str, kind: &Kind) -> Option<Datum> {
        read(Written::Word(text), kind).ok()
    }

    #[test]
    fn numbers_have_units() {
        for (text, kind, expected) in [
            ("200 ms", Kind::Duration, Some(Datum::Number(200_000_000))),
            ("200ms", Kind::Duration, Some(Datum::Number(200_000_000))),
            ("1.5 s", Kind::Duration, Some(Datum::Number(1_500_000_000))),
            ("0.5 ns", Kind::Duration, Some(Datum::Fraction(0.5))),
            ("7", Kind::Duration, Some(Datum::Number(7))),
            ("1.5 MB", Kind::Number, Some(Datum::Number(1_500_000))),
            ("64 KiB", Kind::Number, Some(Datum::Number(65_536))),
            ("0x16", Kind::Number, Some(Datum::Number(22))),
            ("-3", Kind::Number, Some(Datum::Number(-3))),
            ("3 ms", Kind::Number, None),
            ("1 MB", Kind::Duration, None),
            ("1e3", Kind::Number, None),
            ("", Kind::Number, None),
            ("99999999999999999999", Kind::Number, None),
        ] {
            assert_eq!(word(text, &kind), expected, "{text}");
        }
    }

    #[test]
    fn versions_have_an_order() {
        let version = |text: &str| of(&Value::String(text.to_owned()), &Kind::Version).unwrap();
        let ascending = ["SSL 2.0", "SSL 3.0", "TLS 1.0", "TLS 1.1", "TLS 1.2", "TLS 1.3"];
        for pair in ascending.windows(2) {
            assert_eq!(version(pair[0]).compare(&version(pair[1])), Some(Ordering::Less), "{pair:?}");
        }
        let plain = word("1.2", &Kind::Version).unwrap();
        assert_eq!(version("TLS 1.2").equals(&plain), Some(true));
        assert_eq!(version("DTLS 1.2").equals(&plain), Some(true));
        assert_eq!(version("DTLS 1.2").equals(&word("TLS 1.2", &Kind::Version).unwrap()), Some(false));
        assert_eq!(version("TLS 1.3").compare(&plain), Some(Ordering::Greater));
    }

    #[test]
    fn networks_hold_addresses() {
        let network = word("10.0.0.0/8", &Kind::Address).unwrap();
        assert_eq!(Datum::Address("10.1.2.3".parse().unwrap()).equals(&network), Some(true));
        assert_eq!(Datum::Address("11.1.2.3".parse().unwrap()).equals(&network), Some(false));
        assert_eq!(Datum::Address("::1".parse().unwrap()).equals(&network), Some(false));
        assert_eq!(Datum::Text("10.9.9.9".to_owned()).equals(&network), Some(true));
        let all = word("0.0.0.0/0", &Kind::Address).unwrap();
        assert_eq!(Datum::Address("10.1.2.3".parse().unwrap()).equals(&all), Some(true));
        assert!(word("10.0.0.0/33", &Kind::Address).is_none());
    }

    #[test]
    fn words_that_belong_together() {
        assert!(joins("200", "ms") && joins("1.5", "MB") && joins("TLS", "1.2"));
        assert!(!joins("200 ms", "s") && !joins("ms", "ms") && !joins("200", "and") && !joins("TLS", "and"));
    }
}
