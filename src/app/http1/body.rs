//! Where the content of a message ends (RFC 9112 6.3), and walking over it without keeping it.
use crate::limits::MAX_HTTP_CHUNK_LINE_BYTES;

use super::parser::{Field, trim};

/// What the fields of one message say about its framing, and what is odd about how they say it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Framing {
    /// The first valid Content-Length.
    pub content_length: Option<u64>,
    /// Two Content-Length values differ.
    pub lengths_differ: bool,
    /// A Content-Length is no number.
    pub length_invalid: bool,
    /// Transfer-Encoding is present.
    pub transfer_encoding: bool,
    /// Its last coding is `chunked`.
    pub chunked: bool,
    /// `chunked` is spelled so that some recipients will not see it: not last, twice, or with odd characters.
    pub chunked_obscured: bool,
    /// A framing field is folded (obs-fold).
    pub folded: bool,
    /// Blanks stand before the colon of a framing field.
    pub space_before_colon: bool,
    /// Host fields.
    pub hosts: u8,
}

impl Framing {
    /// Takes one field into account.
    pub fn field(&mut self, field: &Field<'_>) {
        if field.name.len() == 4 && field.name.eq_ignore_ascii_case(b"host") {
            self.hosts = self.hosts.saturating_add(1);
        }
        let is_length = field.name.eq_ignore_ascii_case(b"content-length");
        if !is_length && !field.name.eq_ignore_ascii_case(b"transfer-encoding") {
            return;
        }
        self.folded |= field.folded;
        self.space_before_colon |= field.space_before_colon;
        if is_length {
            // A list of equal values counts as one (RFC 9110 8.6).
            for value in field.value.split(|&byte| byte == b',') {
                match decimal(trim(value)) {
                    Some(length) => {
                        self.lengths_differ |= self.content_length.is_some_and(|other| other != length);
                        self.content_length = self.content_length.or(Some(length));
                    }
                    None => self.length_invalid = true,
                }
            }
            return;
        }
        self.transfer_encoding = true;
        for coding in field.value.split(|&byte| byte == b',') {
            let coding = trim(coding);
            if coding.is_empty() {
                continue;
            }
            if coding.eq_ignore_ascii_case(b"chunked") {
                self.chunked_obscured |= self.chunked;
                self.chunked = true;
            } else {
                let lower = coding.to_ascii_lowercase();
                self.chunked_obscured |= self.chunked || memchr::memmem::find(&lower, b"chunked").is_some();
                self.chunked = false;
            }
        }
    }

    /// Why two recipients may disagree about where this message ends; empty when they cannot.
    pub fn ambiguities(&self) -> impl Iterator<Item = &'static str> {
        [
            (
                self.transfer_encoding && (self.content_length.is_some() || self.length_invalid),
                "both Transfer-Encoding and Content-Length",
            ),
            (self.lengths_differ, "Content-Length values that differ"),
            (self.length_invalid, "a Content-Length that is no number"),
            (self.chunked_obscured, "a Transfer-Encoding that hides chunked"),
            (self.folded, "a folded framing field"),
            (self.space_before_colon, "blanks before the colon of a framing field"),
        ]
        .into_iter()
        .filter_map(|(holds, what)| holds.then_some(what))
    }

    /// The same for what only a request, or only a response of `status`, may not say; `version` is as sent.
    pub fn misplaced(&self, version: &[u8], status: Option<u16>) -> impl Iterator<Item = &'static str> {
        let no_content = status.is_some_and(|status| status < 200 || status == 204);
        let length = self.transfer_encoding || self.content_length.is_some_and(|length| length > 0);
        [
            (self.transfer_encoding && version == b"1.0", "Transfer-Encoding in HTTP/1.0"),
            (
                status.is_none() && self.transfer_encoding && !self.chunked && !self.chunked_obscured,
                "a Transfer-Encoding that does not end in chunked",
            ),
            (no_content && length, "a length though it can have no content"),
        ]
        .into_iter()
        .filter_map(|(holds, what)| holds.then_some(what))
    }

    /// Length of a request's content.
    pub fn of_request(&self) -> Body {
        match (self.chunked, self.transfer_encoding, self.content_length) {
            (true, ..) => Body::Chunked(Chunked::default()),
            // A request whose coding does not end in chunked has no end to find: a server answers 400 and closes.
            (_, true, _) => Body::UntilClose,
            (_, _, Some(length)) => Body::Length(length),
            _ => Body::Length(0),
        }
    }

    /// Length of a response's content. `to_head`: the request was HEAD.
    pub fn of_response(&self, status: u16, to_head: bool) -> Body {
        if to_head || status < 200 || status == 204 || status == 304 {
            return Body::Length(0);
        }
        match (self.chunked, self.transfer_encoding, self.content_length) {
            (true, ..) => Body::Chunked(Chunked::default()),
            (_, true, _) => Body::UntilClose,
            (_, _, Some(length)) => Body::Length(length),
            _ => Body::UntilClose,
        }
    }
}

/// Line ends and characters of a head that recipients do not read alike (RFC 9112 2.2, RFC 9110 5.5).
pub fn odd_lines(head: &[u8]) -> impl Iterator<Item = &'static str> {
    // Counting takes every byte, and still a fraction of what searching for some twenty line ends takes.
    let (mut lf, mut cr, mut nul) = (0_u32, 0_u32, 0_u32);
    for &byte in head {
        lf = lf.wrapping_add(u32::from(byte == b'\n'));
        cr = cr.wrapping_add(u32::from(byte == b'\r'));
        nul = nul.wrapping_add(u32::from(byte == 0));
    }
    let behind = head.get(1..).unwrap_or_default();
    let pairs = head
        .iter()
        .zip(behind)
        .fold(0_u32, |pairs, (&byte, &next)| pairs.wrapping_add(u32::from(byte == b'\r') & u32::from(next == b'\n')));
    let (bare_lf, whole, bare_cr, nul) = (lf > pairs, pairs > 0, cr > pairs, nul > 0);
    let mut lines = head.split(|&byte| byte == b'\n');
    let blank_first = lines.nth(1).is_some_and(|line| matches!(line.first(), Some(b' ' | b'\t')));
    [
        // All of them bare is how careless programs write; some of them is how parsers are told apart.
        (bare_lf && whole, "bare LF among its line ends"),
        (bare_cr, "a bare CR in its header"),
        (nul, "a NUL in its header"),
        (blank_first, "blanks before its first field"),
    ]
    .into_iter()
    .filter_map(|(holds, what)| holds.then_some(what))
}

/// A length that recipients can be trusted to read alike: nothing of 2^63 or more, which many take for negative.
fn decimal(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() {
        return None;
    }
    let length = digits.iter().try_fold(0_u64, |sum, &digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit.wrapping_sub(b'0')))?;
        sum.checked_mul(10)?.checked_add(digit)
    })?;
    i64::try_from(length).is_ok().then_some(length)
}

/// What is still to come of a message's content.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// So many bytes.
    Length(u64),
    /// Chunks (RFC 9112 7.1).
    Chunked(Chunked),
    /// Everything until the connection ends.
    UntilClose,
}

/// What a step met.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part<'a> {
    /// Content itself.
    Content(&'a [u8]),
    /// An extension behind a chunk's size (RFC 9112 7.1.1), the first `;` left out.
    Extension(&'a [u8]),
    /// A line behind the last chunk (RFC 9112 7.1.2).
    Trailer(&'a [u8]),
    /// A spelling that not all recipients read alike.
    Odd(&'static str),
}

/// What a step over content did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Bytes done with.
    pub consumed: usize,
    /// Whether the content ended.
    pub state: BodyState,
}

/// How content goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyState {
    /// More is to come.
    More,
    /// It is over.
    Complete,
    /// The chunks make no sense: where the message ends is not known any more.
    Broken,
}

impl Body {
    /// Walks over `bytes`; what is met goes to `meet` piece by piece.
    pub fn step(&mut self, bytes: &[u8], meet: &mut dyn FnMut(Part<'_>)) -> Step {
        match self {
            Self::Length(remaining) => {
                let (piece, left) = take(bytes, *remaining);
                *remaining = left;
                meet(Part::Content(piece));
                let state = if left == 0 { BodyState::Complete } else { BodyState::More };
                Step { consumed: piece.len(), state }
            }
            Self::Chunked(chunked) => chunked.step(bytes, meet),
            Self::UntilClose => {
                meet(Part::Content(bytes));
                Step { consumed: bytes.len(), state: BodyState::More }
            }
        }
    }

    /// How many bytes of content surely follow; `None` where framing comes first.
    pub fn ahead(&self) -> Option<u64> {
        match self {
            Self::Length(left) | Self::Chunked(Chunked { place: ChunkPlace::Data(left) }) => Some(*left),
            Self::Chunked(_) => None,
            Self::UntilClose => Some(u64::MAX),
        }
    }

    /// Steps over `length` bytes that passed unseen or that the capture does not hold. `None`: where the content ends is lost.
    pub fn lose(&mut self, length: u64) -> Option<BodyState> {
        match self {
            Self::Length(remaining) | Self::Chunked(Chunked { place: ChunkPlace::Data(remaining), .. }) => {
                *remaining = remaining.checked_sub(length)?;
                Some(match self {
                    Self::Length(0) => BodyState::Complete,
                    Self::Chunked(chunked) => {
                        chunked.settle();
                        BodyState::More
                    }
                    _ => BodyState::More,
                })
            }
            Self::Chunked(_) => None,
            Self::UntilClose => Some(BodyState::More),
        }
    }
}

fn take(bytes: &[u8], remaining: u64) -> (&[u8], u64) {
    let length = usize::try_from(remaining).unwrap_or(usize::MAX).min(bytes.len());
    let left = remaining.saturating_sub(u64::try_from(length).unwrap_or(u64::MAX));
    (bytes.get(..length).unwrap_or_default(), left)
}

/// A place in a chunked body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Chunked {
    place: ChunkPlace,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum ChunkPlace {
    /// Before a line with a size and extensions.
    #[default]
    Size,
    /// Inside the data.
    Data(u64),
    /// Before the line end behind the data.
    DataEnd,
    /// Before a trailer field or the empty line that ends all.
    Trailer,
}

impl Chunked {
    fn settle(&mut self) {
        if self.place == ChunkPlace::Data(0) {
            self.place = ChunkPlace::DataEnd;
        }
    }

    fn step(&mut self, bytes: &[u8], meet: &mut dyn FnMut(Part<'_>)) -> Step {
        let mut consumed = 0_usize;
        loop {
            let rest = bytes.get(consumed..).unwrap_or_default();
            if let ChunkPlace::Data(remaining) = self.place {
                let (piece, left) = take(rest, remaining);
                meet(Part::Content(piece));
                consumed = consumed.saturating_add(piece.len());
                self.place = ChunkPlace::Data(left);
                self.settle();
                if left > 0 {
                    return Step { consumed, state: BodyState::More };
                }
                continue;
            }
            let within = rest.get(..MAX_HTTP_CHUNK_LINE_BYTES).unwrap_or(rest);
            let Some(end) = memchr::memchr(b'\n', within) else {
                let state = match within.len() >= MAX_HTTP_CHUNK_LINE_BYTES {
                    true => BodyState::Broken,
                    false => BodyState::More,
                };
                return Step { consumed, state };
            };
            let raw = within.get(..end).unwrap_or_default();
            let line = trim(raw);
            match self.place {
                ChunkPlace::Size => chunk_line(raw, meet),
                ChunkPlace::DataEnd if raw.is_empty() => meet(Part::Odd("a bare LF behind a chunk")),
                ChunkPlace::Trailer if !line.is_empty() => meet(Part::Trailer(line)),
                _ => {}
            }
            let next = match self.place {
                ChunkPlace::Size => match chunk_size(line) {
                    Some(0) => ChunkPlace::Trailer,
                    Some(size) => ChunkPlace::Data(size),
                    None => return Step { consumed, state: BodyState::Broken },
                },
                ChunkPlace::DataEnd if line.is_empty() => ChunkPlace::Size,
                ChunkPlace::DataEnd => return Step { consumed, state: BodyState::Broken },
                ChunkPlace::Trailer | ChunkPlace::Data(_) => ChunkPlace::Trailer,
            };
            let ends = self.place == ChunkPlace::Trailer && line.is_empty();
            self.place = next;
            consumed = consumed.saturating_add(end).saturating_add(1);
            if ends {
                return Step { consumed, state: BodyState::Complete };
            }
        }
    }
}

/// What a line with a chunk's size holds besides, and what is odd about it. `raw` ends before its LF.
fn chunk_line(raw: &[u8], meet: &mut dyn FnMut(Part<'_>)) {
    let line = match raw.strip_suffix(b"\r") {
        Some(line) => line,
        None => {
            meet(Part::Odd("a bare LF behind a chunk size"));
            raw
        }
    };
    let size = match memchr::memchr(b';', line).and_then(|place| line.split_at_checked(place)) {
        Some((size, extension)) => {
            let extension = extension.get(1..).unwrap_or_default();
            meet(Part::Extension(extension));
            if memchr::memchr(b'\r', extension).is_some() {
                meet(Part::Odd("a bare CR in a chunk extension"));
            }
            size
        }
        None => line,
    };
    // Blanks behind the size are usual padding of old servers; recipients disagree about those before it.
    let bare = size.trim_ascii_end();
    if bare.trim_ascii_start().len() != bare.len() {
        meet(Part::Odd("blanks before a chunk size"));
    }
    if bare.len() > MAX_SIZE_DIGITS {
        meet(Part::Odd("a chunk size of more digits than 64 bits need"));
    }
}

/// Hexadecimal digits that 64 bits need.
const MAX_SIZE_DIGITS: usize = 16;

/// The size in front of a chunk; extensions behind `;` are passed over, and so are blanks.
fn chunk_size(line: &[u8]) -> Option<u64> {
    let digits = trim(line.split(|&byte| byte == b';').next().unwrap_or_default());
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0_u64, |sum, &digit| {
        let digit = char::from(digit).to_digit(16)?;
        sum.checked_mul(16)?.checked_add(u64::from(digit))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::app::http1::parser::Fields;

    fn framing(text: &str) -> Framing {
        let mut framing = Framing::default();
        Fields::new(text.as_bytes()).for_each(|field| framing.field(&field));
        framing
    }

    /// Content, bytes consumed and state after feeding `text` in pieces of `size`, as a stream would offer them.
    fn walk(body: &mut Body, text: &[u8], size: usize) -> (Vec<u8>, usize, BodyState) {
        let (mut content, mut start, mut end) = (Vec::new(), 0, 0);
        let mut state = BodyState::More;
        while state == BodyState::More && end < text.len() {
            end = (end + size).min(text.len());
            let step = body.step(&text[start..end], &mut |part| {
                if let Part::Content(piece) = part {
                    content.extend_from_slice(piece);
                }
            });
            start += step.consumed;
            state = step.state;
        }
        (content, start, state)
    }

    #[test]
    fn length_rules() {
        assert_eq!(framing("").of_request(), Body::Length(0));
        assert_eq!(framing("").of_response(200, false), Body::UntilClose);
        assert_eq!(framing("Content-Length: 5").of_response(200, false), Body::Length(5));
        for (status, to_head) in [(200, true), (204, false), (304, false), (100, false)] {
            assert_eq!(framing("Content-Length: 5").of_response(status, to_head), Body::Length(0));
        }
        let both = framing("Content-Length: 5\r\nTransfer-Encoding: chunked");
        assert!(matches!(both.of_request(), Body::Chunked(_)));
        assert_eq!(both.ambiguities().count(), 1);
        assert_eq!(framing("Transfer-Encoding: gzip").of_response(200, false), Body::UntilClose);
        assert!(matches!(framing("Transfer-Encoding: gzip, Chunked").of_response(200, false), Body::Chunked(_)));
        assert_eq!(framing("Content-Length: 5, 5\r\nContent-Length: 5").ambiguities().count(), 0);
        assert!(framing("Content-Length: 5\r\nContent-Length: 6").lengths_differ);
        assert!(framing("Content-Length: +5").length_invalid);
        assert!(framing("Content-Length: 99999999999999999999999").length_invalid);
        assert!(framing("Content-Length: 18446744073709551615").length_invalid);
        assert!(framing("Content-Length : 5").space_before_colon);
        assert!(framing("Transfer-Encoding:\r\n chunked").folded);
        assert!(framing("Transfer-Encoding: xchunked").chunked_obscured);
        assert!(framing("Transfer-Encoding: chunked, identity").chunked_obscured);
    }

    #[test]
    fn signs_of_smuggling() {
        let signs =
            |text: &str, version: &[u8], status| -> Vec<_> { framing(text).misplaced(version, status).collect() };
        assert_eq!(signs("Transfer-Encoding: chunked", b"1.0", None), ["Transfer-Encoding in HTTP/1.0"]);
        assert_eq!(
            signs("Transfer-Encoding: gzip", b"1.1", None),
            ["a Transfer-Encoding that does not end in chunked"]
        );
        assert!(signs("Transfer-Encoding: gzip", b"1.1", Some(200)).is_empty());
        assert_eq!(signs("Content-Length: 5", b"1.1", Some(204)), ["a length though it can have no content"]);
        assert!(signs("Content-Length: 0", b"1.1", Some(204)).is_empty());
        assert_eq!(framing("Host: a\r\nHOST: b").hosts, 2);
        let lines = |text: &str| odd_lines(text.as_bytes()).collect::<Vec<_>>();
        assert!(lines("GET / HTTP/1.1\r\nA: b\r\n\r\n").is_empty());
        assert!(lines("GET / HTTP/1.1\nA: b\n\n").is_empty());
        assert_eq!(lines("GET / HTTP/1.1\r\nA: b\nC: d\r\n\r\n"), ["bare LF among its line ends"]);
        assert_eq!(lines("GET / HTTP/1.1\r\nA: b\rC: d\r\n\r\n"), ["a bare CR in its header"]);
        assert_eq!(lines("GET / HTTP/1.1\r\nA: b\0\r\n\r\n"), ["a NUL in its header"]);
        assert_eq!(lines("GET / HTTP/1.1\r\n A: b\r\n\r\n"), ["blanks before its first field"]);
    }

    #[test]
    fn chunks_tell_what_they_hold() {
        let met = |text: &str| {
            let mut met = Vec::new();
            Body::Chunked(Chunked::default()).step(text.as_bytes(), &mut |part| match part {
                Part::Content(_) => {}
                Part::Extension(text) => met.push(format!("extension {}", String::from_utf8_lossy(text))),
                Part::Trailer(text) => met.push(format!("trailer {}", String::from_utf8_lossy(text))),
                Part::Odd(what) => met.push(what.to_owned()),
            });
            met
        };
        assert_eq!(met("4;a=\"b;c\"\r\nWiki\r\n0\r\nX: y\r\n\r\n"), ["extension a=\"b;c\"", "trailer X: y"]);
        assert_eq!(met("4\nWiki\r\n"), ["a bare LF behind a chunk size"]);
        assert_eq!(met("4\r\nWiki\n"), ["a bare LF behind a chunk"]);
        assert_eq!(met(" 4\r\nWiki\r\n"), ["blanks before a chunk size"]);
        assert_eq!(met("00000000000000004\r\nWiki\r\n"), ["a chunk size of more digits than 64 bits need"]);
        assert_eq!(met("4;a\rb\r\nWiki\r\n"), ["extension a\rb", "a bare CR in a chunk extension"]);
        assert!(met("4  \r\nWiki\r\n").is_empty());
    }

    #[test]
    fn chunks_in_every_split() {
        let text = b"4\r\nWiki\r\n7;a=\"b\"\r\npedia i\r\nB \r\nn \r\nchunks.\r\n0\r\nX: y\r\n\r\nGET";
        for size in 1..text.len() {
            let mut body = Body::Chunked(Chunked::default());
            let (content, consumed, state) = walk(&mut body, text, size);
            assert_eq!(
                (&content[..], consumed, state),
                (&b"Wikipedia in \r\nchunks."[..], text.len() - 3, BodyState::Complete)
            );
        }
        for broken in ["x\r\n", "\r\n", "1\r\nab\r\n", "11111111111111111\r\n"] {
            let (_, _, state) = walk(&mut Body::Chunked(Chunked::default()), broken.as_bytes(), 1);
            assert_eq!(state, BodyState::Broken, "{broken:?}");
        }
        let long = vec![b'1'; MAX_HTTP_CHUNK_LINE_BYTES];
        assert_eq!(walk(&mut Body::Chunked(Chunked::default()), &long, 999).2, BodyState::Broken);
    }

    #[test]
    fn losses() {
        let mut body = Body::Length(10);
        assert_eq!(body.lose(4), Some(BodyState::More));
        assert_eq!(body.lose(7), None);
        assert_eq!(Body::Length(3).lose(3), Some(BodyState::Complete));
        let mut body = Body::Chunked(Chunked::default());
        assert_eq!(walk(&mut body, b"5\r\na", 4).0, b"a");
        assert_eq!(body.lose(4), Some(BodyState::More));
        assert_eq!(walk(&mut body, b"\r\n0\r\n\r\n", 9).2, BodyState::Complete);
        assert_eq!(Body::Chunked(Chunked::default()).lose(1), None);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200), size in 1usize..20) {
            let one = walk(&mut Body::Chunked(Chunked::default()), &bytes, bytes.len().max(1));
            let many = walk(&mut Body::Chunked(Chunked::default()), &bytes, size);
            prop_assert_eq!(one, many);
        }
    }
}
