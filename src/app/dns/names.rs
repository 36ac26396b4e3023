//! Domain names on the wire (RFC 1035 3.1, 4.1.4): labels and compression pointers, walked in place, printed in
//! presentation format. A pointer must point before the run of labels it ends (RFC 1035: "a prior occurrence"), so
//! every chain of them is strictly decreasing: no loops, no forward pointers.
use std::{fmt, fmt::Write as _, hash::Hasher};

/// Why a message could not be read further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// The bytes end early: damaged, or cut by the snap length.
    Truncated,
    /// A compression pointer that points at itself or forward (RFC 1035 4.1.4), or more of them than a name has labels.
    Pointer,
    /// A label that begins with the bits 01 or 10 (RFC 6891 5 withdrew them).
    LabelType,
    /// A name of more than 255 octets (RFC 1035 2.3.4).
    NameLength,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Truncated => "the message ends early",
            Self::Pointer => "a compression pointer does not point back",
            Self::LabelType => "a label of unknown type",
            Self::NameLength => "a name longer than 255 octets",
        })
    }
}

/// Octets of a name at most, length octets and root included (RFC 1035 2.3.4).
const MAX_NAME_OCTETS: usize = 255;
/// Pointers followed in one name: as many as it can have labels, and the root. Pointers that point at pointers would let
/// one message of 64 KiB cost millions of steps.
const MAX_POINTERS: usize = 128;

/// A name in a message. Not expanded before it is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Name<'a> {
    message: &'a [u8],
    start: usize,
}

impl<'a> Name<'a> {
    /// The name at `start` of `message`, and the offset behind it. Pointers are checked, not followed.
    ///
    /// # Errors
    /// When its own octets are no name.
    #[inline]
    pub fn read(message: &'a [u8], start: usize) -> Result<(Self, usize), Malformed> {
        let name = Self { message, start };
        let mut at = start;
        loop {
            let length = *message.get(at).ok_or(Malformed::Truncated)?;
            let after = at.saturating_add(1);
            match length {
                0 => return Ok((name, after)),
                1..=63 => at = after.saturating_add(usize::from(length)),
                64..=191 => return Err(Malformed::LabelType),
                192..=255 => {
                    let low = *message.get(after).ok_or(Malformed::Truncated)?;
                    if pointer(length, low) >= start {
                        return Err(Malformed::Pointer);
                    }
                    return Ok((name, after.saturating_add(1)));
                }
            }
            if at.saturating_sub(start) >= MAX_NAME_OCTETS {
                return Err(Malformed::NameLength);
            }
        }
    }

    /// Its labels, pointers followed, without the root.
    #[must_use]
    pub fn labels(self) -> Labels<'a> {
        Labels { message: self.message, at: self.start, run: self.start, octets: 1, pointers: 0, over: false }
    }

    /// Whether it is the root.
    #[must_use]
    pub fn is_root(self) -> bool {
        self.labels().next().is_none()
    }

    /// Appends it in presentation format: no final dot, `.` for the root, `\.` and `\\` and `\DDD` for what is not
    /// printable ASCII. Labels in UTF-8 are printed as such (RFC 6762 16). A blank stays a blank, as service instance names want it (RFC 6763 4.1), unless
    /// `escape_blanks`: for data of several fields.
    ///
    /// # Errors
    /// When a pointer leads to what is no name; then `out` holds what came before.
    pub fn write(self, out: &mut String, escape_blanks: bool) -> Result<(), Malformed> {
        let mut empty = true;
        for label in self.labels() {
            let label = label?;
            if !empty {
                out.push('.');
            }
            empty = false;
            if !label.is_ascii()
                && let Ok(text) = std::str::from_utf8(label)
                && !text.contains(|c: char| c.is_control() || matches!(c, '.' | '\\') || (escape_blanks && c == ' '))
            {
                out.push_str(text);
                continue;
            }
            for &octet in label {
                match octet {
                    b'.' | b'\\' => {
                        out.push('\\');
                        out.push(char::from(octet));
                    }
                    b' ' if !escape_blanks => out.push(' '),
                    0x21..=0x7e => out.push(char::from(octet)),
                    _ => {
                        let _ = write!(out, "\\{octet:03}"); // writing to a String cannot fail
                    }
                }
            }
        }
        if empty {
            out.push('.');
        }
        Ok(())
    }

    /// It as text in presentation format.
    ///
    /// # Errors
    /// As [`Name::write`].
    pub fn text(self) -> Result<String, Malformed> {
        let mut out = String::with_capacity(32);
        self.write(&mut out, false)?;
        Ok(out)
    }

    /// Feeds it to `hasher` such that names equal without regard to ASCII case (RFC 4343) feed the same.
    ///
    /// # Errors
    /// As [`Name::write`].
    pub fn hash_caseless(self, hasher: &mut impl Hasher) -> Result<(), Malformed> {
        for label in self.labels() {
            let label = label?;
            let mut lower = [0_u8; 64];
            for (to, from) in lower.iter_mut().zip(label) {
                *to = from.to_ascii_lowercase();
            }
            hasher.write_usize(label.len());
            hasher.write(lower.get(..label.len()).unwrap_or_default());
        }
        Ok(())
    }
}

fn pointer(high: u8, low: u8) -> usize {
    usize::from(u16::from_be_bytes([high & 0x3f, low]))
}

/// The labels of a name.
#[derive(Clone, Debug)]
pub struct Labels<'a> {
    message: &'a [u8],
    at: usize,
    /// Where the present run of labels begins: pointers must point before it.
    run: usize,
    octets: usize,
    pointers: usize,
    over: bool,
}

impl<'a> Labels<'a> {
    fn step(&mut self) -> Result<Option<&'a [u8]>, Malformed> {
        loop {
            let length = *self.message.get(self.at).ok_or(Malformed::Truncated)?;
            let after = self.at.saturating_add(1);
            match length {
                0 => return Ok(None),
                1..=63 => {
                    let end = after.saturating_add(usize::from(length));
                    let label = self.message.get(after..end).ok_or(Malformed::Truncated)?;
                    self.octets = self.octets.saturating_add(label.len()).saturating_add(1);
                    if self.octets > MAX_NAME_OCTETS {
                        return Err(Malformed::NameLength);
                    }
                    self.at = end;
                    return Ok(Some(label));
                }
                64..=191 => return Err(Malformed::LabelType),
                192..=255 => {
                    let target = pointer(length, *self.message.get(after).ok_or(Malformed::Truncated)?);
                    self.pointers = self.pointers.saturating_add(1);
                    if target >= self.run || self.pointers > MAX_POINTERS {
                        return Err(Malformed::Pointer);
                    }
                    (self.at, self.run) = (target, target);
                }
            }
        }
    }
}

impl<'a> Iterator for Labels<'a> {
    type Item = Result<&'a [u8], Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.over {
            return None;
        }
        let step = self.step().transpose();
        self.over = !matches!(step, Some(Ok(_)));
        step
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn text(message: &[u8], at: usize) -> Result<String, Malformed> {
        Name::read(message, at)?.0.text()
    }

    #[test]
    fn the_example_of_rfc_1035_4_1_4() {
        let mut message = vec![0_u8; 20];
        message.extend_from_slice(b"\x01F\x03ISI\x04ARPA\0"); // at 20
        message.resize(40, 0);
        message.extend_from_slice(b"\x03FOO\xc0\x14"); // at 40
        message.resize(64, 0);
        message.extend_from_slice(b"\xc0\x1a\0"); // at 64, then root at 66... as in the RFC, moved
        assert_eq!(text(&message, 20).unwrap(), "F.ISI.ARPA");
        assert_eq!(text(&message, 40).unwrap(), "FOO.F.ISI.ARPA");
        assert_eq!(text(&message, 64).unwrap(), "ARPA");
        assert_eq!(text(&message, 66).unwrap(), ".");
        assert_eq!(Name::read(&message, 40).unwrap().1, 46);
    }

    #[test]
    fn escapes() {
        assert_eq!(text(b"\x05a.b\\c\x03\0 \xff\0", 0).unwrap(), "a\\.b\\\\c.\\000 \\255");
        let mut out = String::new();
        Name::read(b"\x03a b\0", 0).unwrap().0.write(&mut out, true).unwrap();
        assert_eq!(out, "a\\032b");
    }

    #[test]
    fn utf_8_stays() {
        assert_eq!(text("\x05a\u{2019}b\0".as_bytes(), 0).unwrap(), "a\u{2019}b");
        assert_eq!(text(b"\x03a\xc2\x85\0", 0).unwrap(), "a\\194\\133"); // a control character of C1
    }

    #[test]
    fn refuses_loops_forward_pointers_and_excess() {
        assert_eq!(text(b"\xc0\x00", 0), Err(Malformed::Pointer));
        assert_eq!(text(b"\x01a\xc0\x00", 0), Err(Malformed::Pointer));
        assert_eq!(text(b"\xc0\x02\0", 0), Err(Malformed::Pointer));
        assert_eq!(text(b"\x01a\xc0\x04\xc0\x02", 4), Err(Malformed::Pointer)); // 4 -> 2 -> 4
        assert_eq!(text(b"\x41a\0", 0), Err(Malformed::LabelType));
        assert_eq!(text(b"\x05ab", 0), Err(Malformed::Truncated));
        assert_eq!(text(b"\xc0", 0), Err(Malformed::Truncated));
        let long: Vec<u8> = [1, b'a'].repeat(128).into_iter().chain([0]).collect();
        assert_eq!(text(&long, 0), Err(Malformed::NameLength));
        assert_eq!(text(&long[2..], 0).unwrap().len(), 253); // 127 labels: 255 octets
        // A chain of pointers may expand beyond 255 octets only by being refused.
        let mut chain = vec![0_u8];
        for _ in 0..200 {
            let target = if chain.len() == 1 { 0 } else { chain.len() - 4 };
            chain.extend_from_slice(&[1, b'x', 0xc0 | (target >> 8) as u8, target as u8]);
        }
        assert_eq!(text(&chain, chain.len() - 4), Err(Malformed::NameLength));
    }

    #[test]
    fn pointers_at_pointers_are_few() {
        let mut chain = b"\x01a\0".to_vec();
        for at in 0..200_u16 {
            let target = if at == 0 { 0 } else { 3 + (at - 1) * 2 };
            chain.extend_from_slice(&(0xc000 | target).to_be_bytes());
        }
        assert_eq!(text(&chain, 3 + 127 * 2).unwrap(), "a");
        assert_eq!(text(&chain, 3 + 128 * 2), Err(Malformed::Pointer));
    }

    proptest! {
        /// Whatever pointers there are, the work on a name is bounded by its 255 octets and 128 pointers, and the
        /// labels that are given out lie in the message.
        #[test]
        fn pointers_anywhere_end(
            pieces in proptest::collection::vec((any::<u16>(), proptest::option::of(1_usize..20)), 1..200),
            at in any::<prop::sample::Index>(),
        ) {
            let mut message = Vec::new();
            for (target, label) in pieces {
                if let Some(length) = label {
                    message.push(length as u8);
                    message.extend(std::iter::repeat_n(b'x', length));
                }
                message.extend_from_slice(&(0xc000 | (target % 512)).to_be_bytes());
            }
            let start = at.index(message.len());
            if let Ok((name, end)) = Name::read(&message, start) {
                prop_assert!(end <= message.len());
                let labels: Vec<_> = name.labels().collect();
                prop_assert!(labels.len() <= 128);
                let octets: usize = labels.iter().flatten().map(|label| label.len() + 1).sum();
                prop_assert!(octets < MAX_NAME_OCTETS);
            }
        }

        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300), at in 0_usize..310) {
            if let Ok((name, end)) = Name::read(&bytes, at) {
                prop_assert!(end <= bytes.len());
                let _ = name.text();
            }
        }
    }
}
