//! Protocols made of lines: the next whole line of a direction, whatever pieces it comes in, and messages that end with a
//! line of one dot (RFC 5321 4.1.1.4, RFC 1939 3), which pass without being kept.
use memchr::memchr;

use crate::{limits, record::Direction};

/// Where both directions are between their lines.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lines {
    /// The next byte belongs to a line whose beginning was lost, or that is too long: it passes up to its end.
    broken: [bool; 2],
    /// A line was too long to be read.
    overlong: bool,
}

/// A line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// Without its end.
    pub text: &'a [u8],
    /// Where it begins in the bytes offered.
    pub start: usize,
    /// Where the next one begins.
    pub end: usize,
}

impl Lines {
    /// The first line that begins at `at` or behind what is broken there, with `at` put behind it. None: `at` is how many
    /// bytes are done with, and the rest is the beginning of a line.
    pub fn next<'a>(&mut self, direction: Direction, bytes: &'a [u8], at: &mut usize) -> Option<Line<'a>> {
        let broken = self.broken.get_mut(direction.index())?;
        loop {
            let rest = bytes.get(*at..).unwrap_or_default();
            let Some(length) = memchr(b'\n', rest) else {
                if *broken || rest.len() >= limits::MAX_APPLICATION_LINE_BYTES {
                    self.overlong |= !*broken;
                    *broken = true;
                    *at = bytes.len();
                }
                return None;
            };
            let start = *at;
            *at = start.saturating_add(length).saturating_add(1);
            let lost = std::mem::take(broken);
            if lost || length >= limits::MAX_APPLICATION_LINE_BYTES {
                self.overlong |= !lost;
                continue;
            }
            let text = rest.get(..length).unwrap_or_default();
            return Some(Line { text: text.strip_suffix(b"\r").unwrap_or(text), start, end: *at });
        }
    }

    /// Whether a line was too long to be read.
    pub fn met_overlong(&self) -> bool {
        self.overlong
    }

    /// Bytes are missing: what follows is the middle of a line.
    pub fn lost(&mut self, direction: Direction) {
        if let Some(broken) = self.broken.get_mut(direction.index()) {
            *broken = true;
        }
    }

    /// Whether the next byte of this direction begins a line.
    pub fn begins(&self, direction: Direction) -> bool {
        self.broken.get(direction.index()) == Some(&false)
    }
}

/// A message up to the line with one dot.
#[derive(Clone, Copy, Debug)]
pub struct DotMessage {
    place: Place,
    /// Bytes that passed, the line with the dot not counted once it was found.
    pub bytes: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Inside a line; whether the last byte was CR.
    Inside(bool),
    /// Behind CR LF.
    Start,
    /// Behind the dot at the start of a line.
    Dot,
    /// Behind dot and CR.
    DotEnd,
}

impl DotMessage {
    /// One that begins with the next byte.
    #[must_use]
    pub fn new() -> Self {
        Self { place: Place::Start, bytes: 0 }
    }

    /// Lets bytes pass; where the message ends, if it does in them.
    pub fn pass(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut at = 0_usize;
        while let Some(byte) = bytes.get(at) {
            let next = match (self.place, *byte) {
                (Place::Start, b'.') => Place::Dot,
                (Place::Dot, b'\r') => Place::DotEnd,
                (Place::DotEnd, b'\n') => {
                    let end = at.saturating_add(1);
                    self.bytes = self.bytes.saturating_add(as_u64(end)).saturating_sub(3);
                    return Some(end);
                }
                (Place::Inside(true), b'\n') => Place::Start,
                (_, b'\r') => Place::Inside(true),
                _ => {
                    // Nothing happens before the next line end.
                    let rest = bytes.get(at..).unwrap_or_default();
                    self.place = Place::Inside(false);
                    match memchr(b'\r', rest) {
                        Some(further) if further > 0 => {
                            at = at.saturating_add(further);
                            continue;
                        }
                        Some(_) => Place::Inside(true),
                        None => {
                            self.bytes = self.bytes.saturating_add(as_u64(bytes.len()));
                            return None;
                        }
                    }
                }
            };
            self.place = next;
            at = at.saturating_add(1);
        }
        self.bytes = self.bytes.saturating_add(as_u64(bytes.len()));
        None
    }

    /// So many bytes of it are missing.
    pub fn lost(&mut self, length: u64) {
        self.place = Place::Inside(false);
        self.bytes = self.bytes.saturating_add(length);
    }
}

impl Default for DotMessage {
    fn default() -> Self {
        Self::new()
    }
}

/// A length of bytes in memory.
pub fn as_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// The first word of a line, and what follows it without the spaces between.
pub fn word(line: &[u8]) -> (&[u8], &[u8]) {
    let end = memchr(b' ', line).unwrap_or(line.len());
    let (word, rest) = line.split_at_checked(end).unwrap_or((line, &[]));
    (word, rest.trim_ascii_start())
}

/// A reply of FTP and SMTP (RFC 959 4.2, RFC 5321 4.2.1): three digits, and whether it is the last line of the reply.
pub fn reply(line: &[u8]) -> Option<(u16, bool, &[u8])> {
    let (code, rest) = line.split_at_checked(3)?;
    if !matches!(code.first(), Some(b'1'..=b'5')) || !code.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = code
        .iter()
        .fold(0_u16, |number, digit| number.saturating_mul(10).saturating_add(u16::from(digit.saturating_sub(b'0'))));
    match rest {
        [] => Some((number, true, rest)),
        [b' ', text @ ..] => Some((number, true, text)),
        [b'-', text @ ..] => Some((number, false, text)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    const THERE: Direction = Direction::ClientToServer;

    fn lines(pieces: &[&[u8]]) -> Vec<Vec<u8>> {
        let (mut lines, mut pending, mut found) = (Lines::default(), Vec::new(), Vec::new());
        for piece in pieces {
            pending.extend_from_slice(piece);
            let mut at = 0;
            while let Some(line) = lines.next(THERE, &pending, &mut at) {
                assert_eq!(line.end, at);
                found.push(line.text.to_vec());
            }
            pending.drain(..at);
            assert!(pending.len() < limits::MAX_APPLICATION_LINE_BYTES);
        }
        found
    }

    #[test]
    fn whole_lines_only() {
        assert_eq!(lines(&[b"a\r\nb\n", b"c", b"d\r", b"\ne"]), [&b"a"[..], b"b", b"cd"]);
        let long = vec![b'x'; limits::MAX_APPLICATION_LINE_BYTES];
        assert_eq!(lines(&[&long, b"end\r\nnext\r\n"]), [b"next"]);
        assert_eq!(lines(&[&[&long[..], b"end\r\nnext\r\n"].concat()]), [b"next"]);
    }

    fn message(pieces: &[&[u8]]) -> Option<(usize, u64)> {
        let (mut message, mut before) = (DotMessage::new(), 0);
        for piece in pieces {
            if let Some(end) = message.pass(piece) {
                return Some((before + end, message.bytes));
            }
            before += piece.len();
        }
        None
    }

    #[test]
    fn messages_end_with_a_dot_alone() {
        for (text, expected) in [
            (&b".\r\nQUIT"[..], Some((3, 0))),
            (b"a\r\n.\r\nQUIT", Some((6, 3))),
            (b"a\r\n..\r\n.x\r\n\r\n.\r\n", Some((16, 13))),
            (b"a\n.\n", None),
            (b"a\r\n.\rb\r\n.\r\n", Some((11, 8))),
            (b"a.\r\n", None),
            (b"\r\r\n.\r\n", Some((6, 3))),
        ] {
            assert_eq!(message(&[text]), expected, "{:?}", text.escape_ascii().to_string());
            let bytes: Vec<&[u8]> = text.chunks(1).collect();
            assert_eq!(message(&bytes), expected, "bytewise");
        }
    }

    #[test]
    fn replies() {
        assert_eq!(reply(b"220-x"), Some((220, false, &b"x"[..])));
        assert_eq!(reply(b"250 ok"), Some((250, true, &b"ok"[..])));
        assert_eq!(reply(b"354"), Some((354, true, &b""[..])));
        for none in [&b"22"[..], b"620 x", b"2200", b" 220 x", b"abc x"] {
            assert_eq!(reply(none), None);
        }
        assert_eq!(word(b"MAIL  FROM:<a>"), (&b"MAIL"[..], &b"FROM:<a>"[..]));
    }

    proptest! {
        #[test]
        fn any_cut_ends_at_the_same_place(text in "[.ab\r\n]{0,40}", cut in 0_usize..40) {
            let text = text.as_bytes();
            let cut = cut.min(text.len());
            // What a simple search finds: the message begins as if behind a line end.
            let with_start = [b"\r\n", text].concat();
            let found = with_start.windows(5).position(|window| window == b"\r\n.\r\n");
            let expected = found.map(|place| (place + 3, place as u64));
            prop_assert_eq!(message(&[text]), expected);
            prop_assert_eq!(message(&[&text[..cut], &text[cut..]]), expected);
        }
    }
}
