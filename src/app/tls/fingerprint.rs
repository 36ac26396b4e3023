//! Fingerprints of hellos: JA3 and JA3S (Salesforce, BSD-3), JA4 for TLS clients (FoxIO, BSD-3). Not the other members
//! of the JA4 family, whose licence differs.
use std::fmt::Write;

use md5::{Digest, Md5};
use sha2::Sha256;

use super::{extensions::kind, names::is_grease};
use crate::record::{ClientHello, ServerHello, TlsTransport};

/// JA3's text: version, suites, extensions, groups and point formats in decimal, GREASE left out. An SSLv2 hello has
/// none, as in tshark.
#[must_use]
pub fn ja3_raw(hello: &ClientHello) -> String {
    let mut text = String::with_capacity(256);
    push_decimal(&mut text, u32::from(hello.legacy_version));
    text.push(',');
    join_decimal(&mut text, hello.cipher_suites.iter().copied());
    text.push(',');
    join_decimal(&mut text, hello.extensions.iter().map(|number| u32::from(*number)));
    text.push(',');
    join_decimal(&mut text, hello.groups.iter().map(|number| u32::from(*number)));
    text.push(',');
    join_decimal(&mut text, hello.point_formats.iter().map(|number| u32::from(*number)));
    text
}

/// JA3S's text: version, suite and extensions in decimal.
#[must_use]
pub fn ja3s_raw(hello: &ServerHello) -> String {
    let mut text = String::with_capacity(64);
    push_decimal(&mut text, u32::from(hello.legacy_version));
    text.push(',');
    push_decimal(&mut text, hello.cipher_suite);
    text.push(',');
    join_decimal(&mut text, hello.extensions.iter().map(|number| u32::from(*number)));
    text
}

/// MD5 in hex, as JA3 and JA3S are.
#[must_use]
pub fn md5_hex(text: &str) -> String {
    hex(&Md5::digest(text.as_bytes()))
}

/// JA4 and JA4_r. `first_alpn` is the first protocol offered, as bytes, since what is not alphanumeric counts by its
/// hex digits.
#[must_use]
pub fn ja4(hello: &ClientHello, transport: TlsTransport, first_alpn: Option<&[u8]>) -> (String, String) {
    let carrier = match transport {
        TlsTransport::Tcp => 't',
        TlsTransport::Quic => 'q',
        TlsTransport::Dtls => 'd',
    };
    let version = ja4_version(hello);
    let name = if hello.extensions.contains(&kind::SERVER_NAME) { 'd' } else { 'i' };
    let mut suites: Vec<u32> = hello.cipher_suites.iter().copied().filter(|suite| !grease(*suite)).collect();
    let mut extensions: Vec<u32> =
        hello.extensions.iter().map(|number| u32::from(*number)).filter(|number| !grease(*number)).collect();
    let (first, last) = alpn_characters(first_alpn);
    let (suite_count, extension_count) = (suites.len().min(99), extensions.len().min(99));
    let mut head = String::with_capacity(12);
    // Writing to a String cannot fail.
    let _ = write!(head, "{carrier}{version}{name}{suite_count:02}{extension_count:02}{first}{last}");

    suites.sort_unstable();
    extensions.retain(|number| ![kind::SERVER_NAME, kind::ALPN].map(u32::from).contains(number));
    extensions.sort_unstable();
    let suites = join_hex(suites.into_iter());
    let mut rest = join_hex(extensions.into_iter());
    let has_extensions = !hello.extensions.is_empty();
    if !hello.signature_algorithms.is_empty() {
        rest.push('_');
        rest.push_str(&join_hex(
            hello.signature_algorithms.iter().map(|number| u32::from(*number)).filter(|n| !grease(*n)),
        ));
    }
    let suites_hash = if suites.is_empty() { ZEROS.to_owned() } else { sha256_12(&suites) };
    let rest_hash = if has_extensions && !rest.is_empty() { sha256_12(&rest) } else { ZEROS.to_owned() };
    (format!("{head}_{suites_hash}_{rest_hash}"), format!("{head}_{suites}_{rest}"))
}

/// What stands for the hash of an empty list.
const ZEROS: &str = "000000000000";

fn ja4_version(hello: &ClientHello) -> &'static str {
    let offered = hello.supported_versions.iter().copied().filter(|version| !is_grease(*version)).max();
    match offered.unwrap_or(hello.legacy_version) {
        0x0304 => "13",
        0x0303 => "12",
        0x0302 => "11",
        0x0301 => "10",
        0x0300 => "s3",
        0x0002 => "s2",
        0xfeff => "d1",
        0xfefd => "d2",
        0xfefc => "d3",
        _ => "00",
    }
}

fn alpn_characters(first: Option<&[u8]>) -> (char, char) {
    let Some((first, last)) = first.and_then(|name| Some((*name.first()?, *name.last()?))) else { return ('0', '0') };
    if first.is_ascii_alphanumeric() && last.is_ascii_alphanumeric() {
        (char::from(first), char::from(last))
    } else {
        (hex_digit(first >> 4), hex_digit(last & 15))
    }
}

fn grease(number: u32) -> bool {
    u16::try_from(number).is_ok_and(is_grease)
}

fn sha256_12(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    hex(digest.get(..6).unwrap_or_default())
}

/// Bytes in lower-case hex.
#[must_use]
pub fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(2));
    for byte in bytes {
        text.push(hex_digit(byte >> 4));
        text.push(hex_digit(byte & 15));
    }
    text
}

fn hex_digit(nibble: u8) -> char {
    char::from_digit(u32::from(nibble & 15), 16).unwrap_or('0')
}

fn join_decimal(text: &mut String, numbers: impl Iterator<Item = u32>) {
    for (place, number) in numbers.filter(|number| !grease(*number)).enumerate() {
        if place > 0 {
            text.push('-');
        }
        push_decimal(text, number);
    }
}

/// Numbers are at most 24 bits wide here; `write!` costs several times as much and is on the path of every hello.
fn push_decimal(text: &mut String, number: u32) {
    let mut divisor: u32 = 1;
    while number / 10 >= divisor {
        divisor = divisor.saturating_mul(10);
    }
    while divisor > 0 {
        let digit = number.checked_div(divisor).unwrap_or_default() % 10;
        text.push(char::from_digit(digit, 10).unwrap_or('0'));
        divisor /= 10;
    }
}

fn join_hex(numbers: impl Iterator<Item = u32>) -> String {
    let mut text = String::with_capacity(numbers.size_hint().1.unwrap_or(16).saturating_mul(5));
    for number in numbers {
        if !text.is_empty() {
            text.push(',');
        }
        for shift in [12, 8, 4, 0] {
            text.push(char::from_digit(number >> shift & 15, 16).unwrap_or('0'));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_has_every_digit() {
        for number in [0, 1, 9, 10, 99, 100, 4865, 65535, 458_944, u32::MAX / 10] {
            let mut text = String::new();
            push_decimal(&mut text, number);
            assert_eq!(text, number.to_string());
        }
    }

    #[test]
    fn ja4_takes_alpn_characters_or_hex() {
        assert_eq!(alpn_characters(Some(b"h2")), ('h', '2'));
        assert_eq!(alpn_characters(Some(b"http/1.1")), ('h', '1'));
        assert_eq!(alpn_characters(Some(&[0xab])), ('a', 'b'));
        assert_eq!(alpn_characters(Some(&[0x30, 0xab])), ('3', 'b'));
        assert_eq!(alpn_characters(Some(b"")), ('0', '0'));
        assert_eq!(alpn_characters(None), ('0', '0'));
    }

    /// The example in FoxIO's technical description of JA4.
    #[test]
    fn ja4_known_answer() {
        let hello = ClientHello {
            legacy_version: 0x0303,
            supported_versions: vec![0x1a1a, 0x0304, 0x0303],
            cipher_suites: vec![
                0x2a2a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9, 0xcca8, 0xc013, 0xc014, 0x009c,
                0x009d, 0x002f, 0x0035,
            ],
            extensions: vec![
                0x1a1a, 0x0000, 0x0017, 0xff01, 0x000a, 0x000b, 0x0023, 0x0010, 0x0005, 0x000d, 0x0012, 0x0033, 0x002d,
                0x002b, 0x001b, 0x0015, 0x4469,
            ],
            signature_algorithms: vec![0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601],
            ..ClientHello::default()
        };
        let (ja4, _) = ja4(&hello, TlsTransport::Tcp, Some(b"h2"));
        assert_eq!(ja4, "t13d1516h2_8daaf6152771_e5627efa2ab1");
    }
}
