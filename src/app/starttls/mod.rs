//! Protocols that begin in the clear and may go over to TLS on the same connection, of which no more is read: XMPP
//! (RFC 6120 5), PostgreSQL (SSLRequest) and MySQL (SSL request packet).
//!
//! Each is recognised by what it says, and read only as far as this needs: who asked for TLS, what the answer was, and
//! where the TLS handshake begins. There the flow is handed over, to be probed again. Queries are not looked at.
use super::{Carrier, Protocol, Session};

mod dialogue;
mod probe;
mod session;

/// One of the protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RFC 6120.
    Xmpp,
    /// PostgreSQL's frontend/backend protocol.
    PostgreSql,
    /// MySQL's client/server protocol.
    MySql,
}

impl Kind {
    /// As people write it.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::Xmpp => "XMPP",
            Self::PostgreSql => "PostgreSQL",
            Self::MySql => "MySQL",
        }
    }
}

fn session(kind: Kind) -> Box<dyn Session> {
    Box::new(session::StartTls::new(kind))
}

/// XMPP.
pub static XMPP: Protocol = Protocol {
    name: "xmpp",
    probe: |asked| probe::probe(Kind::Xmpp, asked),
    session: |_: Carrier| session(Kind::Xmpp),
};
/// PostgreSQL, where a connection begins with a request for TLS.
pub static POSTGRESQL: Protocol = Protocol {
    name: "pgsql",
    probe: |asked| probe::probe(Kind::PostgreSql, asked),
    session: |_: Carrier| session(Kind::PostgreSql),
};
/// MySQL.
pub static MYSQL: Protocol = Protocol {
    name: "mysql",
    probe: |asked| probe::probe(Kind::MySql, asked),
    session: |_: Carrier| session(Kind::MySql),
};
