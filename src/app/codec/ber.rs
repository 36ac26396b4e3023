//! ASN.1's basic encoding rules (X.690), as far as SNMP needs them: tag, length and what is inside, each read only within
//! what holds it. Nothing here recurses.

/// One element: its tag and what is inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Element<'a> {
    /// Class, whether it is constructed, and number, all in one byte.
    pub tag: u8,
    /// What is inside.
    pub content: &'a [u8],
    /// Whether all of it is there.
    pub is_whole: bool,
}

/// The tags that SNMP uses of the universal class.
pub mod tag {
    #![allow(missing_docs)]
    pub const INTEGER: u8 = 0x02;
    pub const OCTET_STRING: u8 = 0x04;
    pub const NULL: u8 = 0x05;
    pub const OBJECT_IDENTIFIER: u8 = 0x06;
    pub const SEQUENCE: u8 = 0x30;
}

/// The first element and what follows it; null when it cannot be read at all. Tags of several bytes and indefinite lengths
/// are not SNMP's.
#[must_use]
pub fn element(bytes: &[u8]) -> Option<(Element<'_>, &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    if tag & 0x1f == 0x1f {
        return None;
    }
    let (first, rest) = rest.split_first()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(*first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = length.iter().fold(0_u64, |sum, byte| sum << 8 | u64::from(*byte));
            (usize::try_from(length).ok()?, rest)
        }
        _ => return None,
    };
    Some(match rest.split_at_checked(length) {
        Some((content, rest)) => (Element { tag: *tag, content, is_whole: true }, rest),
        None => (Element { tag: *tag, content: rest, is_whole: false }, &[]),
    })
}

/// The first element, if it has this tag, and what follows.
#[must_use]
pub fn expect(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (element, rest) = element(bytes)?;
    (element.tag == tag).then_some((element.content, rest))
}

/// A signed number of at most 8 bytes, leading zeros aside.
#[must_use]
pub fn integer(content: &[u8]) -> Option<i64> {
    let (first, _) = content.split_first()?;
    let significant = match content {
        [0, rest @ ..] if content.len() > 8 => rest,
        _ => content,
    };
    if significant.len() > 8 {
        return None;
    }
    let start = if first & 0x80 != 0 && significant.len() == content.len() { -1 } else { 0 };
    Some(significant.iter().fold(start, |sum: i64, byte| sum << 8 | i64::from(*byte)))
}

/// A number and what follows.
#[must_use]
pub fn number(bytes: &[u8]) -> Option<(i64, &[u8])> {
    let (content, rest) = expect(bytes, tag::INTEGER)?;
    Some((integer(content)?, rest))
}

/// An object identifier in dotted notation; null when it ends within a number, or when a number is above 2^64.
#[must_use]
pub fn object_identifier(content: &[u8]) -> Option<String> {
    let mut text = String::new();
    let mut number = 0_u64;
    let mut is_open = false;
    for byte in content {
        number = number.checked_mul(128)?.checked_add(u64::from(byte & 0x7f))?;
        is_open = byte & 0x80 != 0;
        if is_open {
            continue;
        }
        if text.is_empty() {
            let (first, second) = match number {
                0..40 => (0, number),
                40..80 => (1, number.saturating_sub(40)),
                _ => (2, number.saturating_sub(80)),
            };
            text = format!("{first}.{second}");
        } else {
            text.push_str(&format!(".{number}"));
        }
        number = 0;
    }
    (!is_open && !text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn lengths_and_numbers() {
        assert_eq!(number(&[2, 1, 0x80, 9]), Some((-128, &[9][..])));
        assert_eq!(number(&[2, 0x81, 2, 1, 0]), Some((256, &[][..])));
        assert_eq!(integer(&[0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), Some(-1), "counters wrap");
        assert_eq!(integer(&[1; 9]), None);
        assert_eq!(integer(&[]), None);
        let (cut, rest) = element(&[4, 5, 1, 2]).unwrap();
        assert_eq!((cut, rest), (Element { tag: 4, content: &[1, 2], is_whole: false }, &[][..]));
        assert_eq!(element(&[0x30, 0x80, 0, 0]), None, "indefinite");
        assert_eq!(element(&[4, 0x84, 255, 255]), None);
    }

    #[test]
    fn identifiers() {
        assert_eq!(object_identifier(&[0x2b, 6, 1, 2, 1, 1, 3, 0]).unwrap(), "1.3.6.1.2.1.1.3.0");
        assert_eq!(object_identifier(&[0x28, 0xc4, 0x62, 1]).unwrap(), "1.0.8802.1");
        assert_eq!(object_identifier(&[0x88, 0x37]).unwrap(), "2.999");
        assert_eq!(object_identifier(&[1]).unwrap(), "0.1");
        assert_eq!(object_identifier(&[0x2b, 0x86]), None);
        assert_eq!(object_identifier(&[0x2b, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]), None);
        assert_eq!(object_identifier(&[]), None);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Some((read, rest)) = element(&bytes) {
                prop_assert!(read.content.len() + rest.len() < bytes.len());
            }
            let _ = (integer(&bytes), object_identifier(&bytes), number(&bytes));
        }
    }
}
