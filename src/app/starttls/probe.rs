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
        Kind::Xmpp => certain(contains(bytes.get(..400).unwrap_or(bytes), b"<stream:stream")),
        Kind::PostgreSql => certain(!server && dialogue::is_postgresql_request(bytes)),
        Kind::MySql => certain(server && is_mysql_greeting(bytes)),
    }
}

/// Whether an upper-case word is in the text, in any case.
fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.windows(word.len()).any(|window| window.eq_ignore_ascii_case(word))
}

/// Initial handshake packet of protocol 10: length, number 0, 10, a version as text that ends with NUL.
fn is_mysql_greeting(bytes: &[u8]) -> bool {
    let [low, middle, high, 0, 10, text @ ..] = bytes else { return false };
    let length = u32::from_le_bytes([*low, *middle, *high, 0]);
    let version = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let sound = version.len() < text.len() && (3..=64).contains(&version.len());
    sound && (32..=512).contains(&length) && version.iter().all(u8::is_ascii_graphic) && version.contains(&b'.')
}
