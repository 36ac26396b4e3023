//! The little DER that `x509-parser` has no types for: values with one-byte tags, and the times in them.
use chrono::NaiveDateTime;

pub(super) const BIT_STRING: u8 = 0x03;
pub(super) const ENUMERATED: u8 = 0x0a;
pub(super) const GENERALIZED_TIME: u8 = 0x18;
pub(super) const INTEGER: u8 = 0x02;
pub(super) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(super) const OCTET_STRING: u8 = 0x04;
pub(super) const SEQUENCE: u8 = 0x30;
/// Context tags, constructed.
pub(super) const CONTEXT_0: u8 = 0xa0;
pub(super) const CONTEXT_1: u8 = 0xa1;
pub(super) const CONTEXT_2: u8 = 0xa2;

/// Content and rest, if the first value has this tag.
pub(super) fn expect(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = value(bytes)?;
    (found == tag).then_some((content, rest))
}

/// Tag, content and rest of the first value.
pub(super) fn value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = length.iter().fold(0_u32, |length, byte| length << 8 | u32::from(*byte));
            (usize::try_from(length).ok()?, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
}

/// The first value with its header, and the rest, if it has this tag.
pub(super) fn whole(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (_, rest) = expect(tag, bytes)?;
    bytes.split_at_checked(bytes.len().checked_sub(rest.len())?)
}

/// The bits of a BIT STRING's content, which must be whole bytes.
pub(super) fn bits(content: &[u8]) -> Option<&[u8]> {
    content.split_first().and_then(|(unused, bits)| (*unused == 0).then_some(bits))
}

/// `20200722160058Z` in seconds since the epoch (RFC 5280 4.1.2.5.2 allows no other form).
pub(super) fn seconds(text: &[u8]) -> Option<i64> {
    let digits =
        text.strip_suffix(b"Z").filter(|digits| digits.len() == 14 && digits.iter().all(u8::is_ascii_digit))?;
    let digits = std::str::from_utf8(digits).ok()?;
    NaiveDateTime::parse_from_str(digits, "%Y%m%d%H%M%S").ok().map(|at| at.and_utc().timestamp())
}

/// The subject's key in a subjectPublicKeyInfo's content: its algorithm's content, and the key.
pub(super) fn public_key(content: &[u8]) -> Option<(&[u8], &[u8])> {
    let (algorithm, rest) = expect(SEQUENCE, content)?;
    let (key, _) = expect(BIT_STRING, rest)?;
    Some((algorithm, bits(key)?))
}
