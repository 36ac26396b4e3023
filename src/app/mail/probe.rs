//! Which of them a stream is. Greetings tell, and commands that only one of them has.
use crate::{
    app::{Carrier, Probe, Verdict, codec::lines::word},
    record::Direction,
};

/// SMTP. A greeting with 220 may be FTP's too: the text tells, or what the client says.
pub(super) fn smtp(asked: &Probe<'_>) -> Verdict {
    if !is_stream(asked) {
        return Verdict::No;
    }
    let bytes = asked.bytes;
    if asked.direction == Direction::ClientToServer {
        // Envelopes are known where the beginning was missed, too.
        if starts(bytes, &[b"MAIL FROM:<", b"RCPT TO:<"]) {
            return Verdict::Certain;
        }
        return beginning(asked, &[b"EHLO ", b"HELO ", b"LHLO ", b"EHLO\r\n", b"HELO\r\n", b"STARTTLS\r\n"]);
    }
    if !asked.from_start {
        return Verdict::No;
    }
    if !starts(bytes, &[b"220 ", b"220-"]) {
        return if is_part(bytes, &[b"220 "]) { Verdict::Maybe } else { Verdict::No };
    }
    match (contains(bytes, b"SMTP"), contains(bytes, b"FTP"), asked.flow.server.port) {
        (true, ..) => Verdict::Certain,
        (_, true, _) => Verdict::No,
        (_, _, 25 | 587 | 2525) if bytes.contains(&b'\n') => Verdict::Likely,
        _ => Verdict::Maybe,
    }
}

/// POP3.
pub(super) fn pop3(asked: &Probe<'_>) -> Verdict {
    if !is_stream(asked) || !asked.from_start {
        return Verdict::No;
    }
    let bytes = asked.bytes;
    if asked.direction == Direction::ServerToClient {
        // Redis answers so too, but its client speaks first.
        return match () {
            () if starts(bytes, &[b"+OK ", b"+OK\r\n"]) => {
                let certain = contains(bytes, b"POP") || has_timestamp(bytes);
                if certain {
                    Verdict::Certain
                } else if bytes.contains(&b'\n') {
                    Verdict::Likely
                } else {
                    Verdict::Maybe
                }
            }
            () if is_part(bytes, &[b"+OK "]) => Verdict::Maybe,
            () => Verdict::No,
        };
    }
    let verdict = beginning(asked, &[b"CAPA\r\n", b"STLS\r\n", b"APOP "]);
    match verdict {
        // FTP's client begins so too; its server's greeting tells, and the port where that is missing.
        Verdict::No if asked.flow.server.port == 110 && starts(bytes, &[b"USER "]) => Verdict::Likely,
        _ => verdict,
    }
}

/// IMAP.
pub(super) fn imap(asked: &Probe<'_>) -> Verdict {
    if !is_stream(asked) {
        return Verdict::No;
    }
    let bytes = asked.bytes;
    if asked.direction == Direction::ServerToClient {
        return if asked.from_start {
            beginning(asked, &[b"* OK ", b"* OK\r\n", b"* PREAUTH ", b"* BYE "])
        } else {
            // An answer under way: `* 12 FETCH (`.
            let mut words = bytes.get(..64).unwrap_or(bytes).split(|byte| *byte == b' ');
            let is_fetch = words.next() == Some(b"*")
                && words.next().is_some_and(|number| !number.is_empty() && number.iter().all(u8::is_ascii_digit))
                && words.next() == Some(b"FETCH")
                && words.next().is_some_and(|list| list.starts_with(b"("));
            if is_fetch { Verdict::Certain } else { Verdict::No }
        };
    }
    if !asked.from_start {
        return Verdict::No;
    }
    // A tag of at most 16 characters and a blank behind it, before anything is searched for.
    if !bytes.iter().take(17).any(|byte| *byte == b' ') {
        let is_part = bytes.len() < 17 && !bytes.contains(&b'\n') && asked.flow.server.port == 143;
        return if is_part { Verdict::Maybe } else { Verdict::No };
    }
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default().trim_ascii_end();
    let (tag, rest) = word(line);
    let (verb, rest) = word(rest);
    let is_tag =
        (1..=16).contains(&tag.len()) && tag.iter().all(|byte| byte.is_ascii_alphanumeric() || b".-_$".contains(byte));
    let whole = bytes.contains(&b'\n');
    let one = |verbs: &[&[u8]]| verbs.iter().any(|known| verb.eq_ignore_ascii_case(known));
    let certain = is_tag
        && whole
        && ((rest.is_empty() && one(&[b"CAPABILITY", b"STARTTLS", b"LOGOUT"]))
            || (!rest.is_empty() && one(&[b"AUTHENTICATE", b"LOGIN", b"SELECT", b"EXAMINE"]))
            || (rest.starts_with(b"(\"") && one(&[b"ID"])));
    match () {
        () if certain => Verdict::Certain,
        () if is_tag && !whole && asked.flow.server.port == 143 => Verdict::Maybe,
        () => Verdict::No,
    }
}

fn is_stream(asked: &Probe<'_>) -> bool {
    matches!(asked.carrier, Carrier::Tcp | Carrier::Tls)
}

/// Certain where a stream begins with one of the words, perhaps where they are cut.
fn beginning(asked: &Probe<'_>, words: &[&[u8]]) -> Verdict {
    match () {
        () if !asked.from_start => Verdict::No,
        () if starts(asked.bytes, words) => Verdict::Certain,
        () if is_part(asked.bytes, words) => Verdict::Maybe,
        () => Verdict::No,
    }
}

fn starts(bytes: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|word| bytes.get(..word.len()).is_some_and(|start| start.eq_ignore_ascii_case(word)))
}

/// Whether there are too few bytes to tell.
fn is_part(bytes: &[u8], words: &[&[u8]]) -> bool {
    words.iter().any(|word| {
        bytes.len() < word.len() && word.get(..bytes.len()).is_some_and(|start| start.eq_ignore_ascii_case(bytes))
    })
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
