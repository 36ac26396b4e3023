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
    let line = line(said);
    match kind {
        Kind::Smtp => line.eq_ignore_ascii_case(b"STARTTLS"),
        Kind::Pop3 => line.eq_ignore_ascii_case(b"STLS"),
        Kind::Ftp => line
            .get(..8)
            .is_some_and(|word| word.eq_ignore_ascii_case(b"AUTH TLS") || word.eq_ignore_ascii_case(b"AUTH SSL")),
        Kind::Imap => {
            let mut words = line.splitn(2, |byte| *byte == b' ');
            words.next().is_some_and(|tag| !tag.is_empty() && tag.len() <= 32)
                && words.next().is_some_and(|word| word.eq_ignore_ascii_case(b"STARTTLS"))
        }
        Kind::Xmpp => said.starts_with(b"<starttls"),
        Kind::PostgreSql => is_postgresql_request(said),
        // SSL request: 32 bytes, number 1, capabilities with CLIENT_SSL (0x0800).
        Kind::MySql => matches!(said, [32, 0, 0, 1, _, flags, ..] if flags & 0x08 != 0),
    }
}

/// What a server says after it was asked.
pub(super) fn answer(kind: Kind, said: &[u8]) -> Answer {
    let line = line(said);
    let yes_no = |yes: bool, no: bool| match (yes, no) {
        (true, _) => Answer::Yes,
        (_, true) => Answer::No,
        _ => Answer::Other,
    };
    match kind {
        Kind::Smtp => yes_no(line.starts_with(b"220"), matches!(line.first(), Some(b'4' | b'5'))),
        Kind::Ftp => yes_no(line.starts_with(b"234"), matches!(line.first(), Some(b'4' | b'5'))),
        Kind::Pop3 => yes_no(line.starts_with(b"+OK"), line.starts_with(b"-ERR")),
        Kind::Imap => {
            let word = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
            let tagged = !matches!(line.first(), Some(b'*' | b'+'));
            yes_no(tagged && word == b"OK", tagged && (word == b"NO" || word == b"BAD"))
        }
        Kind::Xmpp => yes_no(said.starts_with(b"<proceed"), said.starts_with(b"<failure")),
        Kind::PostgreSql => yes_no(said.first() == Some(&b'S'), matches!(said.first(), Some(b'N' | b'E'))),
        // MySQL's server answers with its ServerHello only; an error packet has 0xff behind the header.
        Kind::MySql => yes_no(false, said.get(4) == Some(&0xff)),
    }
}

/// Whether a TLS ClientHello begins here; null when there are too few bytes to tell.
pub(super) fn is_client_hello(bytes: &[u8]) -> Option<bool> {
    match bytes {
        [22, 3, 0..=4, _, _, kind, ..] => Some(*kind == 1),
        [] | [22] | [22, 3] | [22, 3, 0..=4] | [22, 3, 0..=4, _] | [22, 3, 0..=4, _, _] => None,
        _ => Some(false),
    }
}

fn line(said: &[u8]) -> &[u8] {
    let line = said.split(|byte| *byte == b'\n').next().unwrap_or_default();
    line.trim_ascii()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_and_answers() {
        for (kind, request, yes, no) in [
            (Kind::Smtp, &b"starttls\r\n"[..], &b"220 go\r\n"[..], &b"454 no\r\n"[..]),
            (Kind::Pop3, b"STLS\r\n", b"+OK\r\n", b"-ERR\r\n"),
            (Kind::Ftp, b"AUTH TLS-C\r\n", b"234 ok\r\n", b"502 no\r\n"),
            (Kind::Imap, b"a1 STARTTLS\r\n", b"a1 OK begin\r\n", b"a1 BAD no\r\n"),
            (Kind::Xmpp, b"<starttls xmlns='x'/>", b"<proceed/>", b"<failure/>"),
            (Kind::PostgreSql, &[0, 0, 0, 8, 4, 0xd2, 0x16, 0x2f], b"S", b"N"),
        ] {
            assert!(asks(kind, request), "{kind:?}");
            assert!(!asks(kind, b"NOOP\r\n"), "{kind:?}");
            assert_eq!((answer(kind, yes), answer(kind, no)), (Answer::Yes, Answer::No), "{kind:?}");
        }
        assert!(asks(Kind::MySql, &[32, 0, 0, 1, 0x8d, 0xaa, 0xff, 0x19]));
        assert_eq!(answer(Kind::Imap, b"* CAPABILITY\r\n"), Answer::Other);
    }

    #[test]
    fn hellos() {
        assert_eq!(is_client_hello(&[22, 3, 1, 2, 0, 1]), Some(true));
        assert_eq!(is_client_hello(&[22, 3]), None);
        assert_eq!(is_client_hello(b"EHLO x\r\n"), Some(false));
    }
}
