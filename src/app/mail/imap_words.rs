//! Words of IMAP commands and responses: atoms and quoted strings (RFC 9051 4). Pure.
use crate::app::codec::facts::text;

/// Whether a word in upper case is a command (RFC 3501, RFC 9051, and the extensions in IANA's registry that have their own).
pub fn is_command(word: &[u8]) -> bool {
    const VERBS: [&[u8]; 58] = [
        b"CAPABILITY",
        b"NOOP",
        b"LOGOUT",
        b"STARTTLS",
        b"AUTHENTICATE",
        b"LOGIN",
        b"ENABLE",
        b"SELECT",
        b"EXAMINE",
        b"CREATE",
        b"DELETE",
        b"RENAME",
        b"SUBSCRIBE",
        b"UNSUBSCRIBE",
        b"LIST",
        b"LSUB",
        b"XLIST",
        b"NAMESPACE",
        b"STATUS",
        b"APPEND",
        b"IDLE",
        b"CHECK",
        b"CLOSE",
        b"UNSELECT",
        b"EXPUNGE",
        b"SEARCH",
        b"FETCH",
        b"STORE",
        b"COPY",
        b"MOVE",
        b"UID",
        b"ID",
        b"SORT",
        b"THREAD",
        b"GETQUOTA",
        b"GETQUOTAROOT",
        b"SETQUOTA",
        b"GETACL",
        b"SETACL",
        b"DELETEACL",
        b"LISTRIGHTS",
        b"MYRIGHTS",
        b"GETMETADATA",
        b"SETMETADATA",
        b"GETANNOTATION",
        b"SETANNOTATION",
        b"COMPRESS",
        b"NOTIFY",
        b"LANGUAGE",
        b"COMPARATOR",
        b"CATENATE",
        b"URLFETCH",
        b"GENURLAUTH",
        b"RESETKEY",
        b"CONVERSIONS",
        b"CONVERT",
        b"UNAUTHENTICATE",
        b"REPLACE",
    ];
    VERBS.contains(&word)
}

/// The first word, quotes taken off, and what follows it.
pub fn string(input: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let input = input.trim_ascii_start();
    match input {
        [] => None,
        [b'"', rest @ ..] => {
            let (mut word, mut escaped) = (Vec::new(), false);
            for (place, byte) in rest.iter().enumerate() {
                match byte {
                    b'\\' if !escaped => escaped = true,
                    b'"' if !escaped => return Some((word, rest.get(place.saturating_add(1)..).unwrap_or_default())),
                    _ => {
                        escaped = false;
                        word.push(*byte);
                    }
                }
            }
            None
        }
        _ => {
            let end = input.iter().position(|byte| matches!(byte, b' ' | b'(' | b')')).unwrap_or(input.len());
            let (word, rest) = input.split_at_checked(end)?;
            (!word.is_empty()).then(|| (word.to_vec(), rest))
        }
    }
}

/// What `("name" "x" "version" "1")` says under `name` and `version`, in one (RFC 2971 3.3).
pub fn software(list: &[u8]) -> Option<String> {
    let mut rest = list.trim_ascii().strip_prefix(b"(")?;
    let (mut name, mut version) = (None, None);
    while let Some((key, after)) = string(rest) {
        let (value, after) = string(after)?;
        let value = text(&value);
        match key.to_ascii_lowercase().as_slice() {
            b"name" => name = Some(value),
            b"version" => version = Some(value),
            _ => {}
        }
        rest = after;
    }
    let name = name?;
    Some(version.map_or_else(|| name.clone(), |version| format!("{name} {version}")))
}

/// The code in brackets that a response begins with, and the words behind it: `[CAPABILITY IMAP4rev1] ready`.
pub fn code(text: &[u8]) -> (&[u8], &[u8]) {
    let inside = text.strip_prefix(b"[").and_then(|rest| {
        let end = rest.iter().position(|byte| *byte == b']')?;
        Some((rest.get(..end)?, rest.get(end.saturating_add(1)..)?.trim_ascii_start()))
    });
    inside.unwrap_or((&[], text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        assert_eq!(string(b" alice secret"), Some((b"alice".to_vec(), &b" secret"[..])));
        assert_eq!(string(br#""a \"b\" \\" x"#), Some((br#"a "b" \"#.to_vec(), &b" x"[..])));
        for none in [&b""[..], b"\"open", b"("] {
            assert_eq!(string(none), None);
        }
        assert_eq!(code(b"[A B] c"), (&b"A B"[..], &b"c"[..]));
        assert_eq!(code(b"plain"), (&b""[..], &b"plain"[..]));
    }

    #[test]
    fn identities() {
        assert_eq!(
            software(br#"("name" "Thunderbird" "version" "128.0" "os" NIL)"#).as_deref(),
            Some("Thunderbird 128.0")
        );
        assert_eq!(software(b"NIL"), None);
        assert_eq!(software(br#"("name" "x""#).as_deref(), Some("x"));
    }
}
