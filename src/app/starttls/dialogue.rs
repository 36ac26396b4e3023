//! What is said about TLS: the request, and the answer to it. Pure.
use super::Kind;

/// What a server answers to a request for TLS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    /// Go on with a ClientHello.
    Yes,
    /// It does not do TLS, or not now.
    No,
    /// This is no answer to it.
    Other,
}

/// Whether bytes begin with PostgreSQL's SSLRequest.
pub(super) fn is_postgresql_request(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])
}

/// Whether what a client says, from the beginning of a line or message, asks for TLS.
pub(super) fn asks(kind: Kind, said: &[u8]) -> bool {
    match kind {
        Kind::Xmpp => said.starts_with(b"<starttls"),
        Kind::PostgreSql => is_postgresql_request(said),
        // SSL request: 32 bytes, number 1, capabilities with CLIENT_SSL (0x0800).
        Kind::MySql => matches!(said, [32, 0, 0, 1, _, flags, ..] if flags & 0x08 != 0),
    }
}

/// What a server says after it was asked.
pub(super) fn answer(kind: Kind, said: &[u8]) -> Answer {
    let yes_no = |yes: bool, no: bool| match (yes, no) {
        (true, _) => Answer::Yes,
        (_, true) => Answer::No,
        _ => Answer::Other,
    };
    match kind {
        Kind::Xmpp => yes_no(said.starts_with(b"<proceed"), said.starts_with(b"<failure")),
        Kind::PostgreSql => yes_no(said.first() == Some(&b'S'), matches!(said.first(), Some(b'N' | b'E'))),
        // MySQL's server answers with its ServerHello only; an error packet has 0xff behind the header.
        Kind::MySql => yes_no(false, said.get(4) == Some(&0xff)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers() {
        for (kind, request, yes, no) in [
            (Kind::Xmpp, &b"<starttls xmlns='x'/>"[..], &b"<proceed/>"[..], &b"<failure/>"[..]),
            (Kind::PostgreSql, &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f], b"S", b"N"),
        ] {
            assert!(asks(kind, request), "{kind:?}");
            assert!(!asks(kind, b"NOOP\r\n"), "{kind:?}");
            assert_eq!((answer(kind, yes), answer(kind, no)), (Answer::Yes, Answer::No), "{kind:?}");
        }
        assert!(asks(Kind::MySql, &[32, 0, 0, 1, 0x8d, 0xaa, 0xff, 0x19]));
        assert_eq!(answer(Kind::Xmpp, b"<features>"), Answer::Other);
    }
}
