//! How octets are written in presentation format: hex, base64, base32hex, quoted strings, sets of bits.
use std::fmt::Write as _;

use super::parser::Cursor;

/// A character-string (RFC 1035 3.3): an octet of length, then so many octets.
pub(super) fn character_string<'a>(cursor: &mut Cursor<'a>) -> Option<&'a [u8]> {
    let length = cursor.u8()?;
    cursor.take(usize::from(length))
}

fn escaped(octets: &[u8], out: &mut String) {
    for &octet in octets {
        match octet {
            b'"' | b'\\' => {
                out.push('\\');
                out.push(char::from(octet));
            }
            0x20..=0x7e => out.push(char::from(octet)),
            _ => {
                let _ = write!(out, "\\{octet:03}");
            }
        }
    }
}

/// Octets as a quoted string, escaped as RFC 1035 5.1 has it.
pub(super) fn quoted(octets: &[u8], out: &mut String) {
    out.push('"');
    escaped(octets, out);
    out.push('"');
}

fn digit(alphabet: &[u8], place: u32) -> char {
    alphabet.get(place as usize).copied().map_or('?', char::from)
}

/// In lower case.
pub(super) fn hex(octets: &[u8], out: &mut String) {
    const DIGITS: &[u8] = b"0123456789abcdef";
    for &octet in octets {
        out.push(digit(DIGITS, u32::from(octet >> 4)));
        out.push(digit(DIGITS, u32::from(octet & 15)));
    }
}

/// RFC 4648 4.
pub(super) fn base64(octets: &[u8], out: &mut String) {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for group in octets.chunks(3) {
        let mut three = [0_u8; 4];
        for (to, from) in three.iter_mut().skip(1).zip(group) {
            *to = *from;
        }
        let bits = u32::from_be_bytes(three);
        for (place, shift) in [18_u32, 12, 6, 0].into_iter().enumerate() {
            out.push(if place <= group.len() { digit(DIGITS, bits >> shift & 63) } else { '=' });
        }
    }
}

/// RFC 4648 7 without padding, lower case as zone files have it.
pub(super) fn base32hex(octets: &[u8], out: &mut String) {
    const DIGITS: &[u8] = b"0123456789abcdefghijklmnopqrstuv";
    let (mut bits, mut count) = (0_u32, 0_u32);
    for &octet in octets {
        bits = bits << 8 | u32::from(octet);
        count = count.saturating_add(8);
        while count >= 5 {
            count = count.saturating_sub(5);
            out.push(digit(DIGITS, bits >> count & 31));
        }
        bits &= 0xff;
    }
    if count > 0 {
        out.push(digit(DIGITS, bits << 5_u32.saturating_sub(count) & 31));
    }
}

/// The numbers of the bits that are set, the highest bit of the first octet being 0.
pub(super) fn set_bits(bitmap: &[u8]) -> impl Iterator<Item = u16> {
    (0_u16..)
        .zip(bitmap.iter().flat_map(|&octet| (0..8_u32).map(move |bit| octet & 0x80_u8.wrapping_shr(bit) != 0)))
        .filter(|&(_, set)| set)
        .map(|(number, _)| number)
}
