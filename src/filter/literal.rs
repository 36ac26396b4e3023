//! Constants as people write them, read as the type of what they are compared with.
use std::net::{Ipv4Addr, Ipv6Addr};

use super::fields::{Kind, Names};

/// A constant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Constant {
    /// A number, a flag, or nanoseconds.
    Number(i128),
    /// Bytes or an address.
    Bytes(Vec<u8>),
    /// Text.
    Text(String),
    /// Addresses whose first bits are these.
    Prefix(Vec<u8>, u8),
}

/// A constant as it was written.
#[derive(Clone, Copy, Debug)]
pub(super) enum Written<'a> {
    /// Without quotes.
    Word(&'a str),
    /// In quotes.
    Quoted(&'a [u8]),
    /// One character.
    Letter(u8),
}

/// What `written` is as a `kind` whose values have `names`; else what is wrong, and what was probably meant.
pub(super) fn read(written: Written<'_>, kind: Kind, names: Names) -> Result<Constant, (String, Option<String>)> {
    let text = match written {
        Written::Word(word) => Some(word),
        Written::Quoted(bytes) => std::str::from_utf8(bytes).ok(),
        Written::Letter(_) => None,
    };
    let shown = match written {
        Written::Word(word) => word.to_owned(),
        Written::Quoted(bytes) => format!("\"{}\"", bytes.escape_ascii()),
        Written::Letter(letter) => format!("'{}'", letter.escape_ascii()),
    };
    let wrong = |what: &str| (format!("`{shown}` is not {what}"), None);
    match kind {
        Kind::Flag => flag(written, text)
            .map(|flag| Constant::Number(flag.into()))
            .ok_or_else(|| wrong("true or false (or 1 or 0)")),
        Kind::Unsigned(bits) => whole(written, text, names, &shown, 0, (1i128 << bits.min(64)) - 1),
        Kind::Signed(bits) => {
            let most = 1i128 << (bits.clamp(1, 64) - 1);
            whole(written, text, names, &shown, -most, most - 1)
        }
        Kind::PacketNumber => whole(written, text, names, &shown, 0, u32::MAX.into()),
        Kind::Ipv4 => address(text, 32, |text| text.parse::<Ipv4Addr>().ok().map(|address| address.octets().to_vec()))
            .ok_or_else(|| wrong("an IPv4 address or network (10.0.0.1, 10.0.0.0/8); names are never resolved")),
        Kind::Ipv6 => address(text, 128, |text| text.parse::<Ipv6Addr>().ok().map(|address| address.octets().to_vec()))
            .ok_or_else(|| wrong("an IPv6 address or network (2001:db8::1, 2001:db8::/32); names are never resolved")),
        Kind::Ether => octets(text.unwrap_or_default())
            .filter(|bytes| bytes.len() <= 6)
            .map(Constant::Bytes)
            .ok_or_else(|| wrong("an Ethernet address such as 00:1b:44:11:3a:b7")),
        Kind::Bytes | Kind::Protocol => match written {
            Written::Quoted(bytes) => Ok(Constant::Bytes(bytes.to_vec())),
            Written::Letter(letter) => Ok(Constant::Bytes(vec![letter])),
            Written::Word(word) => octets(word).map(Constant::Bytes).ok_or_else(|| {
                (format!("`{word}` is not bytes in hex such as 47:45:54"), Some(format!("the text \"{word}\"")))
            }),
        },
        Kind::Text => match written {
            Written::Letter(letter) => Ok(Constant::Text(char::from(letter).to_string())),
            _ => text.map(|text| Constant::Text(text.to_owned())).ok_or_else(|| wrong("UTF-8")),
        },
        Kind::Duration => {
            text.and_then(seconds).map(Constant::Number).ok_or_else(|| wrong("a number of seconds such as 0.25"))
        }
        Kind::Moment => text
            .and_then(moment)
            .map(Constant::Number)
            .ok_or_else(|| wrong("a moment in UTC such as \"2026-01-31 12:00:00.5\"")),
        Kind::Nothing => Err(("this field has no value: it is there or not".to_owned(), None)),
    }
}

fn flag(written: Written<'_>, text: Option<&str>) -> Option<bool> {
    let text = text?;
    match text.to_ascii_lowercase().as_str() {
        "true" => Some(true),
        "false" => Some(false),
        "set" if matches!(written, Written::Quoted(_)) => Some(true),
        "not set" if matches!(written, Written::Quoted(_)) => Some(false),
        _ => number(text).map(|number| number != 0),
    }
}

fn whole(
    written: Written<'_>,
    text: Option<&str>,
    names: Names,
    shown: &str,
    least: i128,
    most: i128,
) -> Result<Constant, (String, Option<String>)> {
    let named = |text: &str| names.iter().find(|(name, _)| name.eq_ignore_ascii_case(text)).map(|(_, number)| *number);
    let number = match written {
        Written::Letter(letter) => Some(letter.into()),
        Written::Word(word) => number(word).or_else(|| named(word).map(i128::from)),
        Written::Quoted(_) => text.and_then(named).map(i128::from),
    };
    let Some(number) = number else {
        let near = text.and_then(|text| super::nearest(text, names.iter().map(|(name, _)| *name)));
        let near = near.map(|near| if near.contains(' ') { format!("`\"{near}\"`") } else { format!("`{near}`") });
        let what = if names.is_empty() { "a number" } else { "a number or the name of a value" };
        return Err((format!("`{shown}` is not {what}"), near));
    };
    if number < least || number > most {
        return Err((format!("`{shown}` is out of range: {least} to {most}"), None));
    }
    Ok(Constant::Number(number))
}

/// `80`, `0x50`, `0120`, `0b1010000`, with a sign in front or not.
pub(super) fn number(text: &str) -> Option<i128> {
    let (digits, sign) = text.strip_prefix('-').map_or((text, 1), |digits| (digits, -1));
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = if let Some(hex) = lower.strip_prefix("0x") {
        (16, hex)
    } else if let Some(binary) = lower.strip_prefix("0b") {
        (2, binary)
    } else if let Some(octal) = lower.strip_prefix('0').filter(|octal| !octal.is_empty()) {
        (8, octal)
    } else {
        (10, lower.as_str())
    };
    // `from_str_radix` would take a sign.
    if !digits.starts_with(|digit: char| digit.is_ascii_alphanumeric()) {
        return None;
    }
    i128::from_str_radix(digits, radix).ok().filter(|number| *number <= u64::MAX.into()).map(|number| sign * number)
}

fn address(text: Option<&str>, bits: u8, parse: impl Fn(&str) -> Option<Vec<u8>>) -> Option<Constant> {
    let text = text?;
    let Some((address, length)) = text.split_once('/') else { return parse(text).map(Constant::Bytes) };
    let bytes = parse(address)?;
    let length = match length.parse::<u8>() {
        Ok(length) => length,
        // A netmask.
        Err(_) => {
            let mask = u32::from(length.parse::<Ipv4Addr>().ok().filter(|_| bits == 32)?);
            let ones = mask.leading_ones();
            (mask.count_ones() == ones).then(|| u8::try_from(ones).ok())??
        }
    };
    (length <= bits).then_some(Constant::Prefix(bytes, length))
}

/// Bytes in hex: together, or apart with `:`, `-` or `.`.
pub(super) fn octets(text: &str) -> Option<Vec<u8>> {
    let hex = |digits: &str| digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    let Some(separator) = [':', '-', '.'].into_iter().find(|separator| text.contains(*separator)) else {
        if text.is_empty() || !hex(text) {
            return None;
        }
        if text.len() <= 2 {
            return Some(vec![u8::from_str_radix(text, 16).ok()?]);
        }
        return pairs(text);
    };
    let text = text.strip_suffix(separator).unwrap_or(text);
    let mut bytes = Vec::new();
    for part in text.split(separator) {
        match part.len() {
            1 | 2 if hex(part) => bytes.push(u8::from_str_radix(part, 16).ok()?),
            4 if hex(part) => bytes.extend(pairs(part)?),
            _ => return None,
        }
    }
    Some(bytes)
}

fn pairs(digits: &str) -> Option<Vec<u8>> {
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    (0..digits.len()).step_by(2).map(|place| u8::from_str_radix(digits.get(place..place + 2)?, 16).ok()).collect()
}

const SECOND_NS: i128 = 1_000_000_000;

/// Seconds with up to nine decimals, in nanoseconds.
fn seconds(text: &str) -> Option<i128> {
    let (digits, sign) = text.strip_prefix('-').map_or((text, 1), |digits| (digits, -1));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_decimal = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if !is_decimal(whole) || !is_decimal(fraction) || fraction.len() > 9 || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let seconds: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let nanoseconds: u32 = format!("{fraction:0<9}").parse().ok()?;
    Some(sign * (i128::from(seconds) * SECOND_NS + i128::from(nanoseconds)))
}

/// A date, or a date and a time of day, in UTC.
fn moment(text: &str) -> Option<i128> {
    let text = text.trim().trim_end_matches("UTC").trim_end_matches('Z').trim();
    let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%b %d, %Y %H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let moment =
        forms.iter().find_map(|form| chrono::NaiveDateTime::parse_from_str(text, form).ok()).or_else(|| {
            let date = chrono::NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
            date.and_hms_opt(0, 0, 0)
        })?;
    let moment = moment.and_utc();
    Some(i128::from(moment.timestamp()) * SECOND_NS + i128::from(moment.timestamp_subsec_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        for (text, expected) in [
            ("80", Some(80)),
            ("0x50", Some(80)),
            ("0120", Some(80)),
            ("0b1010000", Some(80)),
            ("-1", Some(-1)),
            ("0", Some(0)),
            ("", None),
            ("0x", None),
            ("08", None),
            ("1.5", None),
            ("--1", None),
            ("0x-1", None),
            ("18446744073709551615", Some(i128::from(u64::MAX))),
            ("18446744073709551616", None),
        ] {
            assert_eq!(number(text), expected, "{text}");
        }
    }

    #[test]
    fn bytes_in_hex() {
        for (text, expected) in [
            ("00:1b:44", Some(vec![0, 0x1b, 0x44])),
            ("00-1b-44", Some(vec![0, 0x1b, 0x44])),
            ("001b.4411", Some(vec![0, 0x1b, 0x44, 0x11])),
            ("0a0b", Some(vec![10, 11])),
            ("2", Some(vec![2])),
            ("16", Some(vec![0x16])),
            ("abc", None),
            ("GET", None),
            ("", None),
            ("0a:", Some(vec![10])),
        ] {
            assert_eq!(octets(text), expected, "{text}");
        }
    }

    #[test]
    fn times() {
        assert_eq!(seconds("0.25"), Some(250_000_000));
        assert_eq!(seconds("-1.000000001"), Some(-1_000_000_001));
        assert_eq!(seconds(".5"), Some(500_000_000));
        assert_eq!(seconds("1e3"), None);
        assert_eq!(seconds("."), None);
        assert_eq!(moment("1970-01-02"), Some(86_400 * SECOND_NS));
        assert_eq!(moment("1970-01-01 00:00:01.5"), Some(1_500_000_000));
        assert_eq!(moment("yesterday"), None);
    }

    #[test]
    fn networks() {
        let read = |text, kind| read(Written::Word(text), kind, &[]);
        assert_eq!(read("10.0.0.0/8", Kind::Ipv4), Ok(Constant::Prefix(vec![10, 0, 0, 0], 8)));
        assert_eq!(read("10.0.0.0/255.0.0.0", Kind::Ipv4), Ok(Constant::Prefix(vec![10, 0, 0, 0], 8)));
        assert!(read("10.0.0.0/33", Kind::Ipv4).is_err());
        assert!(read("10.0.0.0/255.0.255.0", Kind::Ipv4).is_err());
        assert!(read("2001:db8::/129", Kind::Ipv6).is_err());
        assert!(read("example.com", Kind::Ipv4).unwrap_err().0.contains("never resolved"));
    }
}
