//! Records of TLS over TCP (RFC 9846 5.1): headers, which are plausible, and how to find the next one in a stream that
//! was joined in the middle.

/// ContentTypes (TLS ContentType registry).
pub mod content {
    #![allow(missing_docs)]
    pub const CHANGE_CIPHER_SPEC: u8 = 20;
    pub const ALERT: u8 = 21;
    pub const HANDSHAKE: u8 = 22;
    pub const APPLICATION_DATA: u8 = 23;
    pub const HEARTBEAT: u8 = 24;
    /// DTLS 1.2 with a connection id (RFC 9146).
    pub const TLS12_CID: u8 = 25;
    /// DTLS 1.3 (RFC 9147 7).
    pub const ACK: u8 = 26;
}

/// Bytes of a record's header.
pub const HEADER_BYTES: usize = 5;

/// Longest fragment: 2^14 and the 2048 bytes that TLS 1.2 allows for protection (RFC 5246 6.2.3).
pub const MAX_FRAGMENT_BYTES: u16 = (1 << 14) + 2048;

/// A record's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// ContentType.
    pub content_type: u8,
    /// legacy_record_version.
    pub version: u16,
    /// Length of the fragment in bytes.
    pub length: u16,
}

impl Header {
    /// Reads one; null when there are too few bytes.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        match bytes {
            [content_type, major, minor, high, low, ..] => Some(Self {
                content_type: *content_type,
                version: u16::from_be_bytes([*major, *minor]),
                length: u16::from_be_bytes([*high, *low]),
            }),
            _ => None,
        }
    }

    /// Whether a TLS peer may have sent it.
    #[must_use]
    pub fn is_plausible(self) -> bool {
        let long_enough = match self.content_type {
            content::CHANGE_CIPHER_SPEC => (1..=64).contains(&self.length),
            content::ALERT => (2..=512).contains(&self.length),
            // Empty application data is allowed (RFC 9846 5.1), and was used against BEAST.
            content::APPLICATION_DATA => true,
            content::HANDSHAKE | content::HEARTBEAT => self.length > 0,
            _ => false,
        };
        long_enough && is_record_version(self.version) && self.length <= MAX_FRAGMENT_BYTES
    }

    /// Length of header and fragment.
    #[must_use]
    pub fn total(self) -> usize {
        usize::from(self.length).saturating_add(HEADER_BYTES)
    }
}

/// SSL 3.0 to TLS 1.3, and drafts of TLS 1.3 that put their number there.
#[must_use]
pub fn is_record_version(version: u16) -> bool {
    matches!(version, 0x0300..=0x0304 | 0x7f00..=0x7f20)
}

/// Where a stream that was joined in the middle goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// A record starts here.
    At(usize),
    /// One may start here; so many bytes from there will tell.
    Perhaps {
        /// Offset of the candidate.
        at: usize,
        /// Bytes wanted from there.
        at_least: usize,
    },
    /// Nowhere in the first so many bytes.
    Nowhere(usize),
}

/// Looks for a chain of plausible headers of one version: a header whose successor is plausible too, or whose record
/// ends where the bytes end. `version` is the record version, if known.
#[must_use]
pub fn resynchronise(bytes: &[u8], version: Option<u16>) -> Found {
    let mut perhaps = None;
    let last = bytes.len().saturating_sub(HEADER_BYTES.saturating_sub(1));
    // The byte that few others are is the version's high one: that is searched for, not every place tried.
    let versions = bytes.get(1..last.saturating_add(1)).unwrap_or_default();
    for at in memchr::memchr2_iter(0x03, 0x7f, versions) {
        let Some(header) = bytes.get(at..).and_then(Header::read) else { break };
        if !header.is_plausible() || version.is_some_and(|version| version != header.version) {
            continue;
        }
        let next = at.saturating_add(header.total());
        match bytes.get(next..) {
            Some([]) => return Found::At(at),
            Some(after) => match Header::read(after) {
                Some(follower) if follower.is_plausible() && follower.version == header.version => {
                    return Found::At(at);
                }
                Some(_) => {}
                None if could_start(after) => {
                    perhaps.get_or_insert((at, header.total().saturating_add(HEADER_BYTES)));
                }
                None => {}
            },
            // The end of this record may also be the end of what is sent: its own length is asked for, not more.
            None => {
                perhaps.get_or_insert((at, header.total()));
            }
        }
    }
    match perhaps {
        Some((at, at_least)) => Found::Perhaps { at, at_least },
        None => Found::Nowhere(last),
    }
}

/// What a side that does not speak TLS says instead, from its first bytes.
#[must_use]
pub fn plain_text(bytes: &[u8]) -> &'static str {
    const KNOWN: [(&[u8], &str); 15] = [
        (b"HTTP/", "an HTTP response"),
        (b"<!DOCTYPE", "an HTML page"),
        (b"<html", "an HTML page"),
        (b"SSH-", "an SSH banner"),
        (b"Invalid SSH", "an SSH server's complaint"),
        (b"Protocol mismatch", "an SSH server's complaint"),
        (b"220 ", "an SMTP or FTP greeting"),
        (b"220-", "an SMTP or FTP greeting"),
        (b"421 ", "an SMTP or FTP reply"),
        (b"500 ", "an SMTP or FTP reply"),
        (b"+OK", "a POP3 greeting"),
        (b"* OK", "an IMAP greeting"),
        (b"* BAD", "an IMAP reply"),
        (b"-ERR", "an error of POP3 or Redis"),
        (b"<?xml", "an XMPP stream"),
    ];
    let known = KNOWN.iter().find(|(start, _)| bytes.starts_with(start)).map(|(_, name)| *name);
    let first = bytes.get(..bytes.len().min(16)).unwrap_or_default();
    let text = first.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\r' | b'\n' | b'\t'));
    known.unwrap_or(if text { "plain text" } else { "bytes that form no TLS record" })
}

/// Whether fewer than five bytes could begin a header.
#[must_use]
pub fn could_start(bytes: &[u8]) -> bool {
    match bytes {
        [] => true,
        [kind] => (20..=24).contains(kind),
        [kind, major, ..] => (20..=24).contains(kind) && matches!(major, 3 | 0x7f),
    }
}

/// Length of an SSLv2-framed ClientHello with its two-byte header, if the bytes strictly look like one (RFC 5246 E.2):
/// the high bit, type 1, a known version, and lengths that add up exactly.
#[must_use]
pub fn sslv2_hello_length(bytes: &[u8]) -> Option<usize> {
    let [high, low, 1, major, minor, s1, s0, i1, i0, c1, c0, ..] = bytes else { return None };
    let (version, length) =
        (u16::from_be_bytes([*major, *minor]), usize::from(u16::from_be_bytes([*high & 0x7f, *low])));
    let suites = usize::from(u16::from_be_bytes([*s1, *s0]));
    let session = usize::from(u16::from_be_bytes([*i1, *i0]));
    let challenge = usize::from(u16::from_be_bytes([*c1, *c0]));
    let sum = suites.saturating_add(session).saturating_add(challenge).saturating_add(9);
    let sound = *high & 0x80 != 0
        && matches!(version, 0x0002 | 0x0300..=0x0304)
        && suites > 0
        && suites % 3 == 0
        && matches!(session, 0 | 16 | 32)
        && (16..=32).contains(&challenge)
        && sum == length;
    sound.then(|| length.saturating_add(2))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn finds_the_chain_in_a_stream_joined_late() {
        let mut bytes = vec![0x17, 0x03, 0x03, 0x99];
        let start = bytes.len();
        for _ in 0..2 {
            bytes.extend([0x17, 3, 3, 0, 4, 1, 2, 3, 4]);
        }
        assert_eq!(resynchronise(&bytes, None), Found::At(start));
        assert_eq!(resynchronise(&bytes, Some(0x0301)), Found::Nowhere(bytes.len() - 4));
        bytes.truncate(start + 8);
        assert_eq!(resynchronise(&bytes, None), Found::Perhaps { at: start, at_least: 9 });
    }

    #[test]
    fn sslv2_lengths_must_add_up() {
        let mut hello = vec![0x80, 9 + 3 + 16, 1, 3, 1, 0, 3, 0, 0, 0, 16, 0, 0, 4];
        hello.extend([7; 16]);
        assert_eq!(sslv2_hello_length(&hello), Some(hello.len()));
        hello[1] += 1;
        assert_eq!(sslv2_hello_length(&hello), None);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            match resynchronise(&bytes, None) {
                Found::At(at) | Found::Perhaps { at, .. } => prop_assert!(at < bytes.len()),
                Found::Nowhere(end) => prop_assert!(end <= bytes.len()),
            }
            let _ = sslv2_hello_length(&bytes);
        }
    }
}
