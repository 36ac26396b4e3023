//! Keeps credentials out of records: their hash tells whether two are the same, and no more.
use sha2::{Digest, Sha256};

/// What a field's value may show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// All of it.
    Open,
    /// The authentication scheme; the credentials are hashed.
    Credentials,
    /// Nothing; it is hashed as a whole.
    Token,
    /// Cookie names; each value is hashed.
    Cookies,
    /// The cookie's name and its attributes; the value is hashed.
    SetCookie,
}

/// How secret a field is.
pub fn secrecy(name: &[u8]) -> Secrecy {
    match name.len() {
        6 if name.eq_ignore_ascii_case(b"cookie") => Secrecy::Cookies,
        7 if name.eq_ignore_ascii_case(b"cookie2") => Secrecy::Cookies,
        10 if name.eq_ignore_ascii_case(b"set-cookie") => Secrecy::SetCookie,
        11 if name.eq_ignore_ascii_case(b"set-cookie2") => Secrecy::SetCookie,
        7 if name.eq_ignore_ascii_case(b"api-key") => Secrecy::Token,
        9 if name.eq_ignore_ascii_case(b"x-api-key") => Secrecy::Token,
        12 if name.eq_ignore_ascii_case(b"x-auth-token") => Secrecy::Token,
        13 if name.eq_ignore_ascii_case(b"private-token") => Secrecy::Token,
        13 if name.eq_ignore_ascii_case(b"x-vault-token") => Secrecy::Token,
        14 if name.eq_ignore_ascii_case(b"x-access-token") => Secrecy::Token,
        20 if name.eq_ignore_ascii_case(b"x-amz-security-token") => Secrecy::Token,
        13 if name.eq_ignore_ascii_case(b"authorization") => Secrecy::Credentials,
        19 if name.eq_ignore_ascii_case(b"proxy-authorization") => Secrecy::Credentials,
        _ => Secrecy::Open,
    }
}

/// A value as it may be reported.
pub fn value(value: &[u8], secrecy: Secrecy) -> String {
    match secrecy {
        Secrecy::Open => text(value),
        Secrecy::Credentials => match split_at(value, b' ') {
            Some((scheme, credentials)) => format!("{} {}", text(scheme), hash(credentials.trim_ascii())),
            // No scheme: the whole is the secret.
            None => hash(value),
        },
        Secrecy::Token => hash(value),
        Secrecy::Cookies => {
            let pairs = value.split(|&byte| byte == b';').map(|pair| hashed_pair(pair.trim_ascii()));
            pairs.collect::<Vec<_>>().join("; ")
        }
        Secrecy::SetCookie => match split_at(value, b';') {
            Some((pair, attributes)) => format!("{};{}", hashed_pair(pair.trim_ascii()), text(attributes)),
            None => hashed_pair(value),
        },
    }
}

/// `name=value` with the value hashed; a bare word is a value.
fn hashed_pair(pair: &[u8]) -> String {
    match split_at(pair, b'=') {
        Some((name, value)) => format!("{}={}", text(name), hash(value)),
        None if pair.is_empty() => String::new(),
        None => hash(pair),
    }
}

fn split_at(bytes: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let (before, after) = bytes.split_at_checked(memchr::memchr(at, bytes)?)?;
    Some((before, after.get(1..).unwrap_or_default()))
}

fn hash(secret: &[u8]) -> String {
    let digest = Sha256::digest(secret);
    digest.iter().take(4).fold(String::from("sha256:"), |mut text, byte| {
        for nibble in [byte >> 4, byte & 15] {
            text.extend(char::from_digit(u32::from(nibble), 16));
        }
        text
    })
}

/// Bytes as text; a folded value on one line (RFC 9112 5.2).
pub fn text(bytes: &[u8]) -> String {
    if memchr::memchr(b'\n', bytes).is_none() {
        return line(bytes);
    }
    let lines = bytes.split(|&byte| byte == b'\n').map(<[u8]>::trim_ascii);
    lines.map(String::from_utf8_lossy).collect::<Vec<_>>().join(" ")
}

/// Bytes without a line end as text.
pub fn line(bytes: &[u8]) -> String {
    // Straight to an owned string: nearly all are ASCII.
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => String::from_utf8_lossy(bytes).into_owned(),
    }
}

/// Watches a form's content (`application/x-www-form-urlencoded`) for a field that carries a password.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FormWatch {
    name: [u8; 16],
    length: usize,
    in_value: bool,
    found: bool,
}

impl FormWatch {
    /// Looks at a piece of content; a name may begin in one piece and end in another.
    pub fn look(&mut self, piece: &[u8]) {
        for &byte in piece {
            match byte {
                b'&' => (self.length, self.in_value) = (0, false),
                b'=' if !self.in_value => {
                    self.in_value = true;
                    self.found |= self.name.get(..self.length).is_some_and(is_password_name);
                }
                _ if self.in_value => {}
                _ => {
                    if let Some(place) = self.name.get_mut(self.length) {
                        *place = byte.to_ascii_lowercase();
                    }
                    self.length = self.length.saturating_add(1);
                }
            }
        }
    }

    /// Whether one was seen.
    pub fn found(&self) -> bool {
        self.found
    }
}

fn is_password_name(name: &[u8]) -> bool {
    matches!(
        name,
        b"password" | b"passwd" | b"pass" | b"pwd" | b"passphrase" | b"user_password" | b"login_password" | b"pw"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hashed() {
        assert_eq!(value(b"Basic YTpi", secrecy(b"Authorization")), format!("Basic {}", hash(b"YTpi")));
        assert_eq!(value(b"a=1; b=2", secrecy(b"COOKIE")), format!("a={}; b={}", hash(b"1"), hash(b"2")));
        let set = value(b"s=abc; Path=/; HttpOnly", secrecy(b"Set-Cookie"));
        assert_eq!(set, format!("s={}; Path=/; HttpOnly", hash(b"abc")));
        assert_eq!(value(b"token", secrecy(b"proxy-authorization")), hash(b"token"));
        assert_eq!(value(b"a key", secrecy(b"X-API-Key")), hash(b"a key"));
        // SHA-256 of "abc" begins with ba7816bf (FIPS 180-4).
        assert_eq!(hash(b"abc"), "sha256:ba7816bf");
        assert_eq!(text(b"a\r\n b"), "a b");
    }

    #[test]
    fn forms_in_every_split() {
        let form = b"user=pass&Password=secret";
        for cut in 0..form.len() {
            let mut watch = FormWatch::default();
            watch.look(&form[..cut]);
            watch.look(&form[cut..]);
            assert!(watch.found());
        }
        let mut watch = FormWatch::default();
        watch.look(b"a=password&passwordhintlongerthansixteen=1");
        assert!(!watch.found());
    }
}
