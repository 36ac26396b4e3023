//! Which of the protocols a stream is, from its first bytes. Only where a stream's beginning was seen.
use super::{Kind, dialogue};
use crate::{
    app::{Carrier, Probe, Verdict},
    record::Direction,
};

/// Whether a stream is of this kind.
pub(super) fn probe(kind: Kind, asked: &Probe<'_>) -> Verdict {
    if !asked.from_start || !matches!(asked.carrier, Carrier::Tcp | Carrier::Tls) {
        return Verdict::No;
    }
    let certain = |yes: bool| if yes { Verdict::Certain } else { Verdict::No };
    let bytes = asked.bytes;
    let server = asked.direction == Direction::ServerToClient;
    match kind {
        Kind::Smtp | Kind::Ftp if server && (bytes.starts_with(b"220 ") || bytes.starts_with(b"220-")) => {
            greeting(kind, bytes)
        }
        Kind::Smtp => certain(!server && starts(bytes, &[b"EHLO ", b"HELO ", b"LHLO "])),
        Kind::Ftp => certain(!server && starts(bytes, &[b"AUTH TLS", b"AUTH SSL"])),
        Kind::Imap => certain(server && starts(bytes, &[b"* OK ", b"* PREAUTH "])),
        Kind::Pop3 if server => {
            certain(bytes.starts_with(b"+OK ") && (contains(bytes, b"POP") || has_timestamp(bytes)))
        }
        Kind::Pop3 => certain(starts(bytes, &[b"CAPA\r\n", b"STLS\r\n", b"APOP "])),
        Kind::Xmpp => certain(contains(bytes.get(..400).unwrap_or(bytes), b"<stream:stream")),
        Kind::PostgreSql => certain(!server && dialogue::is_postgresql_request(bytes)),
        Kind::MySql => certain(server && is_mysql_greeting(bytes)),
    }
}

/// `220` may be SMTP's or FTP's: the text tells, or what the client says.
fn greeting(kind: Kind, bytes: &[u8]) -> Verdict {
    let (smtp, ftp) = (contains(bytes, b"SMTP"), contains(bytes, b"FTP"));
    match kind {
        Kind::Smtp if smtp => Verdict::Certain,
        Kind::Ftp if ftp && !smtp => Verdict::Certain,
        _ if smtp || ftp => Verdict::No,
        _ => Verdict::Maybe,
    }
}

fn starts(bytes: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|word| bytes.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
}

/// Whether an upper-case word is in the text, in any case.
fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

/// POP3's `<process.clock@host>` (RFC 1939 7).
fn has_timestamp(bytes: &[u8]) -> bool {
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text = line.strip_suffix(b"\r").unwrap_or(line);
    text.ends_with(b">") && text.contains(&b'<') && text.contains(&b'@')
}

/// Initial handshake packet of protocol 10: length, number 0, 10, a version as text that ends with NUL.
fn is_mysql_greeting(bytes: &[u8]) -> bool {
    let [low, middle, high, 0, 10, text @ ..] = bytes else { return false };
    let length = u32::from_le_bytes([*low, *middle, *high, 0]);
    let version = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let sound = version.len() < text.len() && (3..=64).contains(&version.len());
    sound && (32..=512).contains(&length) && version.iter().all(u8::is_ascii_graphic) && version.contains(&b'.')
}
