//! Protocols that begin in the clear and may go over to TLS on the same connection: SMTP (RFC 3207), IMAP (RFC 9051 6.2.1),
//! POP3 (RFC 2595), FTP (RFC 4217), XMPP (RFC 6120 5), PostgreSQL (SSLRequest) and MySQL (SSL request packet).
//!
//! Each is recognised by what it says, and read only as far as this needs: who asked for TLS, what the answer was, and
//! where the TLS handshake begins. There the flow is handed over, to be probed again. Mails and queries are not looked at.
use super::{Carrier, Protocol, Session};

mod dialogue;
mod probe;
mod session;

/// One of the protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// RFC 5321.
    Smtp,
    /// RFC 9051.
    Imap,
    /// RFC 1939.
    Pop3,
    /// RFC 959.
    Ftp,
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
            Self::Smtp => "SMTP",
            Self::Imap => "IMAP",
            Self::Pop3 => "POP3",
            Self::Ftp => "FTP",
            Self::Xmpp => "XMPP",
            Self::PostgreSql => "PostgreSQL",
            Self::MySql => "MySQL",
        }
    }
}

fn session(kind: Kind) -> Box<dyn Session> {
    Box::new(session::StartTls::new(kind))
}

/// SMTP.
pub static SMTP: Protocol = Protocol {
    name: "smtp",
    probe: |asked| probe::probe(Kind::Smtp, asked),
    session: |_: Carrier| session(Kind::Smtp),
};
/// IMAP.
pub static IMAP: Protocol = Protocol {
    name: "imap",
    probe: |asked| probe::probe(Kind::Imap, asked),
    session: |_: Carrier| session(Kind::Imap),
};
/// POP3.
pub static POP3: Protocol =
    Protocol { name: "pop", probe: |asked| probe::probe(Kind::Pop3, asked), session: |_: Carrier| session(Kind::Pop3) };
/// FTP's control connection.
pub static FTP: Protocol =
    Protocol { name: "ftp", probe: |asked| probe::probe(Kind::Ftp, asked), session: |_: Carrier| session(Kind::Ftp) };
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
