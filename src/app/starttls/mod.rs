//! Protocols that begin in the clear and may go over to TLS on the same connection, and are read up to that, or to the end of
//! the login: XMPP (RFC 6120 5), PostgreSQL and MySQL. Where the TLS handshake begins the flow is handed over, to be
//! probed again. Messages, queries and results are not looked at.
use super::{Carrier, Probe, Protocol, Verdict};
use crate::record::Direction;

mod mysql;
mod postgresql;
#[cfg(test)]
mod tests;
mod xmpp;

/// XMPP.
pub static XMPP: Protocol = Protocol {
    name: "xmpp",
    probe: |asked| {
        // White space, an XML declaration, or the stream itself (RFC 6120 4.2, 11.5).
        let marked = asked.bytes.trim_ascii_start().first() == Some(&b'<');
        let start = asked.bytes.get(..400).unwrap_or(asked.bytes);
        certain(asked, marked && start.windows(14).any(|window| window == b"<stream:stream"))
    },
    session: |carrier: Carrier| Box::new(xmpp::Xmpp::new(carrier)),
};
/// PostgreSQL.
pub static POSTGRESQL: Protocol = Protocol {
    name: "pgsql",
    probe: |asked| match postgresql::begins(asked.bytes) {
        Some(yes) => certain(asked, yes && asked.direction == Direction::ClientToServer),
        None if certain(asked, true) == Verdict::Certain && asked.direction == Direction::ClientToServer => {
            Verdict::Maybe
        }
        None => Verdict::No,
    },
    session: |carrier: Carrier| Box::new(postgresql::PostgreSql::new(carrier)),
};
/// MySQL and MariaDB.
pub static MYSQL: Protocol = Protocol {
    name: "mysql",
    probe: |asked| certain(asked, asked.direction == Direction::ServerToClient && is_mysql_greeting(asked.bytes)),
    session: |carrier: Carrier| Box::new(mysql::MySql::new(carrier)),
};

/// Only where a stream's beginning was seen.
fn certain(asked: &Probe<'_>, yes: bool) -> Verdict {
    let begins = asked.from_start && matches!(asked.carrier, Carrier::Tcp | Carrier::Tls);
    if begins && yes { Verdict::Certain } else { Verdict::No }
}

/// Initial handshake packet of protocol 10: length, number 0, 10, a version as text that ends with NUL.
fn is_mysql_greeting(bytes: &[u8]) -> bool {
    let [low, middle, high, 0, 10, text @ ..] = bytes else { return false };
    let length = u32::from_le_bytes([*low, *middle, *high, 0]);
    let version = text.split(|byte| *byte == 0).next().unwrap_or_default();
    let sound = version.len() < text.len() && (3..=64).contains(&version.len());
    sound && (32..=512).contains(&length) && version.iter().all(u8::is_ascii_graphic) && version.contains(&b'.')
}
