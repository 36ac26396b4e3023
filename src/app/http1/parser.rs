//! Start lines and header fields of HTTP/1 (RFC 9112 2 to 5), without copying.
//!
//! An observer reads what endpoints accept, not what the grammar allows: bare LF ends a line, a field may be folded,
//! a space may stand before the colon, the reason may be missing. What is odd is kept as a flag, never refused.
use nom::{
    IResult, Parser,
    branch::alt,
    bytes::complete::{tag, take_while_m_n},
    character::complete::{digit1, one_of, space0, space1},
    combinator::{opt, recognize},
    sequence::preceded,
};

use crate::limits::{MAX_HTTP_HEAD_BYTES, MAX_HTTP_START_LINE_BYTES};

/// Longest method believed, in bytes: the longest registered one, `UPDATEREDIRECTREF`, has 17.
const MAX_METHOD_BYTES: usize = 32;

/// Methods of the IANA registry and some in wide use, for judging a beginning that has no version yet.
const KNOWN_METHODS: [&[u8]; 52] = [
    b"GET",
    b"POST",
    b"HEAD",
    b"PUT",
    b"DELETE",
    b"OPTIONS",
    b"CONNECT",
    b"TRACE",
    b"PATCH",
    b"PROPFIND",
    b"PROPPATCH",
    b"MKCOL",
    b"COPY",
    b"MOVE",
    b"LOCK",
    b"UNLOCK",
    b"SEARCH",
    b"REPORT",
    b"ACL",
    b"BIND",
    b"UNBIND",
    b"REBIND",
    b"BASELINE-CONTROL",
    b"CHECKIN",
    b"CHECKOUT",
    b"UNCHECKOUT",
    b"LABEL",
    b"LINK",
    b"UNLINK",
    b"MERGE",
    b"MKACTIVITY",
    b"MKCALENDAR",
    b"MKREDIRECTREF",
    b"MKWORKSPACE",
    b"ORDERPATCH",
    b"UPDATE",
    b"UPDATEREDIRECTREF",
    b"VERSION-CONTROL",
    b"NOTIFY",
    b"SUBSCRIBE",
    b"UNSUBSCRIBE",
    b"M-SEARCH",
    b"BPROPFIND",
    b"BPROPPATCH",
    b"BCOPY",
    b"BMOVE",
    b"BDELETE",
    b"POLL",
    b"BITS_POST",
    b"CCM_POST",
    b"RPC_IN_DATA",
    b"RPC_OUT_DATA",
];

/// What the bytes at a place where a message may begin are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// A request line with an HTTP version.
    Request,
    /// A request line of HTTP/0.9: a known method and a target, no version, no fields.
    Simple,
    /// A status line.
    Response,
    /// The connection preface of HTTP/2 (RFC 9113 3.4).
    Http2,
    /// A line of the PROXY protocol, version 1, in front of the first request.
    Proxy,
    /// More bytes will tell; `likely` when the method is known and a target has begun.
    Incomplete {
        /// Whether it looks like a request already.
        likely: bool,
    },
    /// None of these.
    No,
}

/// Judges the bytes at a place where a message may begin.
pub fn beginning(bytes: &[u8]) -> Beginning {
    const NOT_YET: Beginning = Beginning::Incomplete { likely: false };
    if matches!(bytes.first(), Some(b'H' | b'I')) {
        match status_prefix(bytes) {
            Prefix::Whole => return Beginning::Response,
            Prefix::Cut => return NOT_YET,
            Prefix::Other => {}
        }
    }
    let method_length = bytes.iter().take(MAX_METHOD_BYTES).take_while(|&&byte| is_method(byte)).count();
    let (Some(method), Some(rest)) = (bytes.get(..method_length), bytes.get(method_length..)) else {
        return Beginning::No;
    };
    if rest.is_empty() && method_length < MAX_METHOD_BYTES {
        return NOT_YET;
    }
    if method_length == 0 || rest.first() != Some(&b' ') {
        return Beginning::No;
    }
    let known = KNOWN_METHODS.contains(&method);
    let within = rest.get(..MAX_HTTP_START_LINE_BYTES).unwrap_or(rest);
    let end = memchr::memchr(b'\n', within);
    let line = within.get(..end.unwrap_or(within.len())).unwrap_or_default();
    // A control character never stands in a start line; other protocols' bytes mostly have one.
    if line.iter().any(|&byte| byte < b' ' && byte != b'\r' && byte != b'\t') {
        return Beginning::No;
    }
    if end.is_none() {
        return match rest.len() >= MAX_HTTP_START_LINE_BYTES {
            true => Beginning::No,
            false => Beginning::Incomplete { likely: known && rest.len() >= 64 },
        };
    }
    let rest = trim(line);
    if method == b"PROXY" && [b"TCP4 ".as_slice(), b"TCP6 ", b"UNKNOWN"].iter().any(|kind| rest.starts_with(kind)) {
        return Beginning::Proxy;
    }
    match split_version(rest) {
        Some((b"*", b"2.0")) if method == b"PRI" => Beginning::Http2,
        Some(_) => Beginning::Request,
        None if known && (rest.starts_with(b"/") || rest.starts_with(b"http://")) => Beginning::Simple,
        None => Beginning::No,
    }
}

/// How far a pattern matches.
enum Prefix {
    Whole,
    Cut,
    Other,
}

/// `HTTP/1.1 200` with one or more spaces, or `ICY 200` (SHOUTcast's answer to a plain GET), then anything that is not a digit.
fn status_prefix(bytes: &[u8]) -> Prefix {
    if let Some(code) = bytes.strip_prefix(b"ICY ") {
        return match code {
            [a, b, c, after, ..] if digit(*a) && digit(*b) && digit(*c) && !digit(*after) => Prefix::Whole,
            code if code.len() <= 3 && code.iter().copied().all(digit) => Prefix::Cut,
            _ => Prefix::Other,
        };
    }
    let name = b"HTTP/";
    if bytes.len() <= name.len() {
        return if name.starts_with(bytes) { Prefix::Cut } else { Prefix::Other };
    }
    let mut rest = match bytes.strip_prefix(name) {
        Some(rest) => rest.iter(),
        None => return Prefix::Other,
    };
    let shape: [fn(u8) -> bool; 7] = [digit, |byte| byte == b'.', digit, |byte| byte == b' ', digit, digit, digit];
    for (place, fits) in shape.into_iter().enumerate() {
        match rest.next() {
            None => return Prefix::Cut,
            // Some servers send several spaces.
            Some(&b' ') if place == 4 => {
                let spaces = rest.as_slice().iter().take_while(|&&byte| byte == b' ').count();
                let mut after = rest.as_slice().iter().skip(spaces).copied();
                return match (after.next(), after.next(), after.next()) {
                    _ if spaces > 8 => Prefix::Other,
                    (Some(a), _, _) if !digit(a) => Prefix::Other,
                    (_, Some(b), _) if !digit(b) => Prefix::Other,
                    (_, _, Some(c)) if !digit(c) => Prefix::Other,
                    (_, _, Some(_)) => Prefix::Whole,
                    (_, _, None) => Prefix::Cut,
                };
            }
            Some(&byte) if !fits(byte) => return Prefix::Other,
            Some(_) => {}
        }
    }
    match rest.next() {
        None => Prefix::Cut,
        Some(byte) if byte.is_ascii_digit() => Prefix::Other,
        Some(_) => Prefix::Whole,
    }
}

fn digit(byte: u8) -> bool {
    byte.is_ascii_digit()
}

/// Characters of a method. Tokens allow more (RFC 9110 5.6.2), but no method was ever seen with those.
fn is_method(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

/// Target and version of what follows the method. The target may hold spaces, as careless clients send it.
fn split_version(rest: &[u8]) -> Option<(&[u8], &[u8])> {
    // Nearly always it is the last eight bytes.
    let tail = rest.len().saturating_sub(b" HTTP/1.1".len());
    let place = match rest.get(tail..).is_some_and(|tail| tail.starts_with(b" HTTP/")) {
        true => tail,
        false => memchr::memmem::rfind(rest, b" HTTP/")?,
    };
    let (target, version) = rest.split_at_checked(place)?;
    let version = version.strip_prefix(b" HTTP/")?;
    version.first().is_some_and(u8::is_ascii_digit).then(|| (trim(target), version))
}

/// Strips blanks, CR and LF on both sides.
pub fn trim(bytes: &[u8]) -> &[u8] {
    bytes.trim_ascii()
}

/// A request line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestLine<'a> {
    /// Method.
    pub method: &'a [u8],
    /// Request-target as sent.
    pub target: &'a [u8],
    /// What follows `HTTP/`; `0.9` where nothing was sent.
    pub version: &'a [u8],
}

/// Reads a request line, its line end left out.
pub fn request_line(line: &[u8]) -> Option<RequestLine<'_>> {
    let method = take_while_m_n(1, MAX_METHOD_BYTES, is_method);
    let parsed: IResult<&[u8], _> = (method, space1).parse(line);
    let (rest, (method, _)) = parsed.ok()?;
    let rest = trim(rest);
    let (target, version) = split_version(rest).unwrap_or((rest, b"0.9"));
    Some(RequestLine { method, target, version })
}

/// A status line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatusLine<'a> {
    /// What follows `HTTP/`, or `ICY`.
    pub version: &'a [u8],
    /// Status code.
    pub status: u16,
    /// Reason phrase; empty where none was sent.
    pub reason: &'a [u8],
}

/// Reads a status line, its line end left out.
pub fn status_line(line: &[u8]) -> Option<StatusLine<'_>> {
    let number = recognize((digit1, tag(".".as_bytes()), digit1));
    let version = alt((tag("ICY".as_bytes()), preceded(tag("HTTP/".as_bytes()), number)));
    let code = take_while_m_n(3, 3, |byte: u8| byte.is_ascii_digit());
    let parsed: IResult<&[u8], _> = (version, space1, code, opt(one_of(" \t")), space0).parse(line);
    let (reason, (version, _, code, _, _)) = parsed.ok()?;
    let status = code
        .iter()
        .fold(0_u16, |sum, digit| sum.saturating_mul(10).saturating_add(u16::from(digit.saturating_sub(b'0'))));
    Some(StatusLine { version, status, reason: trim(reason) })
}

/// Where a head ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HeadEnd {
    /// After so many bytes, the empty line included.
    At(usize),
    /// Not in these bytes: go on looking from this offset when there are more.
    NotYet(usize),
    /// Longer than the limits allow.
    TooLong,
}

/// Finds the empty line that ends a head, looking from offset `from` (where an earlier search stopped).
pub fn head_end(bytes: &[u8], from: usize) -> HeadEnd {
    let within = bytes.get(..MAX_HTTP_HEAD_BYTES).unwrap_or(bytes);
    let mut at = from;
    while let Some(found) = within.get(at..).and_then(|rest| memchr::memchr(b'\n', rest)) {
        let line_end = at.saturating_add(found);
        let after = line_end.saturating_add(1);
        match (within.get(after), within.get(after.saturating_add(1))) {
            (Some(b'\n'), _) => return HeadEnd::At(after.saturating_add(1)),
            (Some(b'\r'), Some(b'\n')) => return HeadEnd::At(after.saturating_add(2)),
            (None, _) | (Some(b'\r'), None) => {
                at = line_end;
                break;
            }
            _ => at = after,
        }
    }
    if bytes.len() >= MAX_HTTP_HEAD_BYTES { HeadEnd::TooLong } else { HeadEnd::NotYet(at) }
}

/// Splits a head into its first line and the rest.
pub fn first_line(head: &[u8]) -> (&[u8], &[u8]) {
    match memchr::memchr(b'\n', head).and_then(|end| head.split_at_checked(end)) {
        Some((line, rest)) => (trim(line), rest.get(1..).unwrap_or_default()),
        None => (trim(head), &[]),
    }
}

/// One header field as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field<'a> {
    /// Name.
    pub name: &'a [u8],
    /// Value without the blanks around it; holds line ends where it was folded.
    pub value: &'a [u8],
    /// Whether it goes on over several lines (obs-fold, RFC 9112 5.2).
    pub folded: bool,
    /// Whether blanks stand between name and colon, which RFC 9112 5.1 forbids.
    pub space_before_colon: bool,
}

/// The fields of a head, after its first line. Lines without a colon are left out, and counted.
#[derive(Clone, Debug)]
pub struct Fields<'a> {
    rest: &'a [u8],
    /// Lines that are no field.
    pub broken_lines: u32,
}

impl<'a> Fields<'a> {
    /// Of what follows the first line.
    pub fn new(rest: &'a [u8]) -> Self {
        Self { rest, broken_lines: 0 }
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        loop {
            let mut end = memchr::memchr(b'\n', self.rest).unwrap_or(self.rest.len());
            let mut folded = false;
            // A line that begins with a blank continues the one before it.
            while let Some(b' ' | b'\t') = self.rest.get(end.saturating_add(1)) {
                let after = end.saturating_add(1);
                let more = self.rest.get(after..).unwrap_or_default();
                if trim(more.get(..memchr::memchr(b'\n', more).unwrap_or(more.len())).unwrap_or_default()).is_empty() {
                    break;
                }
                folded = true;
                end = after.saturating_add(memchr::memchr(b'\n', more).unwrap_or(more.len()));
            }
            let line = self.rest.get(..end).unwrap_or_default();
            self.rest = self.rest.get(end.saturating_add(1)..).unwrap_or_default();
            // Names are short: a plain search is faster than a vectorised one.
            let colon = line.iter().position(|&byte| byte == b':');
            if let Some((name, value)) = colon.and_then(|colon| line.split_at_checked(colon)) {
                let bare = name.trim_ascii_end();
                if !bare.is_empty() {
                    return Some(Field {
                        name: bare.trim_ascii_start(),
                        value: trim(value.get(1..).unwrap_or_default()),
                        folded,
                        space_before_colon: bare.len() != name.len(),
                    });
                }
            }
            if self.rest.is_empty() && trim(line).is_empty() {
                return None;
            }
            if !trim(line).is_empty() {
                self.broken_lines = self.broken_lines.saturating_add(1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOT_YET: Beginning = Beginning::Incomplete { likely: false };

    #[test]
    fn beginnings() {
        for (text, expected) in [
            ("GET / HTTP/1.1\r\n", Beginning::Request),
            ("GET / HTTP/1.1\n", Beginning::Request),
            ("BREW /pot with spaces HTTP/1.0\r\n", Beginning::Request),
            ("M-SEARCH * HTTP/1.1\r\n", Beginning::Request),
            ("get /lower HTTP/1.1\r\n", Beginning::Request),
            ("GET /old\r\n", Beginning::Simple),
            ("HTTP/1.1 200 OK\r\n", Beginning::Response),
            ("HTTP/1.1 200\r\n", Beginning::Response),
            ("HTTP/1.0  404 no", Beginning::Response),
            ("HTTP/1.1 2000\r\n", Beginning::No),
            ("HTTP/1.1 20", NOT_YET),
            ("HTTP/1.1 200", NOT_YET),
            ("HT", NOT_YET),
            ("HEAD", NOT_YET),
            ("HEAD /", NOT_YET),
            ("", NOT_YET),
            ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Beginning::Http2),
            ("PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n", Beginning::Proxy),
            ("OPTIONS rtsp://h/ RTSP/1.0\r\n", Beginning::No),
            ("INVITE sip:a@b SIP/2.0\r\n", Beginning::No),
            ("REQMOD icap://h/ ICAP/1.0\r\n", Beginning::No),
            ("HELO there\r\n", Beginning::No),
            ("\u{16}\u{3}\u{1}", Beginning::No),
            ("GET \u{0}\u{1}", Beginning::No),
        ] {
            assert_eq!(beginning(text.as_bytes()), expected, "{text:?}");
        }
        let long = format!("GET /{}", "a".repeat(100));
        assert_eq!(beginning(long.as_bytes()), Beginning::Incomplete { likely: true });
        assert_eq!(beginning("A".repeat(40).as_bytes()), Beginning::No);
        let too_long = format!("GET /{}", "a".repeat(MAX_HTTP_START_LINE_BYTES));
        assert_eq!(beginning(too_long.as_bytes()), Beginning::No);
    }

    #[test]
    fn lines() {
        let line = request_line(b"GET http://h/a b HTTP/1.1").unwrap();
        assert_eq!((line.method, line.target, line.version), (&b"GET"[..], &b"http://h/a b"[..], &b"1.1"[..]));
        assert_eq!(request_line(b"GET /x").unwrap().version, b"0.9");
        let line = status_line(b"HTTP/1.1 404 Not \xe9 Found").unwrap();
        assert_eq!((line.version, line.status, line.reason), (&b"1.1"[..], 404, &b"Not \xe9 Found"[..]));
        assert_eq!(status_line(b"HTTP/1.1 200").unwrap().reason, b"");
        assert!(status_line(b"HTTP/1.1 abc").is_none());
    }

    #[test]
    fn fields_lenient() {
        let mut fields = Fields::new(b"Host: a\r\nX : b\nFold: one\r\n two\r\n\tthree\r\nnothing\r\nEmpty:\r\n\r\n");
        let all: Vec<_> = fields.by_ref().collect();
        assert_eq!(all.len(), 4);
        assert_eq!((all[0].name, all[0].value), (&b"Host"[..], &b"a"[..]));
        assert!(all[1].space_before_colon && all[1].name == b"X");
        assert!(all[2].folded && all[2].value == b"one\r\n two\r\n\tthree");
        assert_eq!((all[3].name, all[3].value), (&b"Empty"[..], &b""[..]));
        assert_eq!(fields.broken_lines, 1);
    }

    #[test]
    fn head_ends() {
        assert_eq!(head_end(b"GET / HTTP/1.1\r\nA: b\r\n\r\nrest", 0), HeadEnd::At(24));
        assert_eq!(head_end(b"GET / HTTP/1.1\nA: b\n\nrest", 0), HeadEnd::At(21));
        assert_eq!(head_end(b"GET / HTTP/1.1\r\nA: b\r\n\r", 0), HeadEnd::NotYet(21));
        assert_eq!(head_end(&vec![b'a'; MAX_HTTP_HEAD_BYTES], 0), HeadEnd::TooLong);
    }

    proptest! {
        #[test]
        fn never_panics(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = (beginning(&bytes), request_line(&bytes), status_line(&bytes), head_end(&bytes, 0));
            let _ = Fields::new(&bytes).count();
        }

        #[test]
        fn agrees_with_httparse(path in "/[a-z0-9/]{0,20}", names in proptest::collection::vec("[A-Za-z-]{1,12}", 0..8),
            value in "[ -~]{0,30}") {
            let mut text = format!("POST {path} HTTP/1.1\r\n");
            for name in &names {
                text.push_str(&format!("{name}: {value}\r\n"));
            }
            text.push_str("\r\n");
            let mut theirs = [httparse::EMPTY_HEADER; 16];
            let mut request = httparse::Request::new(&mut theirs);
            let status = request.parse(text.as_bytes()).unwrap();
            prop_assert_eq!(head_end(text.as_bytes(), 0), HeadEnd::At(status.unwrap()));
            let (line, rest) = first_line(text.as_bytes());
            let line = request_line(line).unwrap();
            prop_assert_eq!(Some(line.method), request.method.map(str::as_bytes));
            prop_assert_eq!(Some(line.target), request.path.map(str::as_bytes));
            let ours: Vec<_> = Fields::new(rest).map(|field| (field.name, field.value)).collect();
            let theirs: Vec<_> = request.headers.iter().map(|h| (h.name.as_bytes(), h.value.trim_ascii())).collect();
            prop_assert_eq!(ours, theirs);
        }

        #[test]
        fn head_end_found_in_steps(cut in 0usize..60) {
            let text = b"GET / HTTP/1.1\r\nHost: example\r\nAccept: */*\r\n\r\nbody";
            let HeadEnd::At(whole) = head_end(text, 0) else { panic!() };
            let cut = cut.min(text.len());
            let end = match head_end(&text[..cut], 0) {
                HeadEnd::NotYet(from) => head_end(text, from),
                other => other,
            };
            prop_assert_eq!(end, HeadEnd::At(whole));
        }
    }
}
