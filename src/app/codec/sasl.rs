//! SASL as SMTP, IMAP and POP3 carry it: who logs in, by the responses in base64. Nothing of a password is kept.
use crate::limits;

/// An exchange under way: which mechanism, and how many responses of the client came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// In upper case, as registered with IANA.
    pub mechanism: String,
    responses: u8,
}

impl Exchange {
    /// Of a mechanism as the client names it; none where that is no such name (RFC 4422 3.1).
    pub fn new(mechanism: &[u8]) -> Option<Self> {
        let sound = (1..=20).contains(&mechanism.len())
            && mechanism.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        sound.then(|| Self { mechanism: String::from_utf8_lossy(mechanism).to_ascii_uppercase(), responses: 0 })
    }

    /// Whether the client has said all that the mechanism asks of it.
    pub fn is_over(&self) -> bool {
        let all = match self.mechanism.as_str() {
            "LOGIN" | "DIGEST-MD5" => 2,
            scram if scram.starts_with("SCRAM-") => 2,
            _ => 1,
        };
        self.responses >= all
    }

    /// Takes the client's next response, in base64; the user's name, if it stands there, and whether a password or token does.
    pub fn response(&mut self, response: &[u8]) -> Response {
        let count = self.responses;
        self.responses = count.saturating_add(1);
        let said = decode(response.trim_ascii());
        let between = |before: &[u8], end: u8| {
            let place = memchr::memmem::find(&said, before)?;
            said.get(place.saturating_add(before.len())..)?.split(|byte| *byte == end).next().map(<[u8]>::to_vec)
        };
        let (user, secret) = match (self.mechanism.as_str(), count) {
            _ if said.is_empty() => (None, false),
            ("PLAIN", 0) => (said.split(|byte| *byte == 0).nth(1).map(<[u8]>::to_vec), true),
            ("LOGIN", 0) | ("EXTERNAL", 0) => (Some(said.clone()), false),
            ("LOGIN", 1) => (None, true),
            ("CRAM-MD5", 0) => (said.rsplitn(2, |byte| *byte == b' ').nth(1).map(<[u8]>::to_vec), false),
            ("DIGEST-MD5", 0) => (between(b"username=\"", b'"'), false),
            ("XOAUTH2", 0) => (between(b"user=", 1), true),
            ("OAUTHBEARER", 0) => (between(b"a=", b','), true),
            (scram, 0) if scram.starts_with("SCRAM-") => (between(b",n=", b','), false),
            _ => (None, false),
        };
        Response { user: user.filter(|user| !user.is_empty()).map(|user| super::facts::text(&user)), secret }
    }
}

/// What a response tells.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Response {
    /// The user's name.
    pub user: Option<String>,
    /// Whether a password or token stands in it that anybody can read.
    pub secret: bool,
}

/// Base64 (RFC 4648 4), as far as it goes: nothing for what is none.
pub fn decode(text: &[u8]) -> Vec<u8> {
    let digits = text.iter().take_while(|byte| **byte != b'=');
    let mut bytes = Vec::with_capacity(text.len().min(limits::MAX_APPLICATION_LINE_BYTES));
    let (mut bits, mut held) = (0_u32, 0_u32);
    for digit in digits.take(limits::MAX_APPLICATION_LINE_BYTES) {
        let value = match digit {
            b'A'..=b'Z' => digit.wrapping_sub(b'A'),
            b'a'..=b'z' => digit.wrapping_sub(b'a').wrapping_add(26),
            b'0'..=b'9' => digit.wrapping_sub(b'0').wrapping_add(52),
            b'+' => 62,
            b'/' => 63,
            _ => return Vec::new(),
        };
        bits = bits << 6 & 0xffff | u32::from(value);
        held = held.wrapping_add(6);
        if held >= 8 {
            held = held.wrapping_sub(8);
            bytes.push(u8::try_from(bits >> held & 0xff).unwrap_or_default());
        }
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4648_vectors() {
        for (coded, plain) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")] {
            assert_eq!(decode(coded.as_bytes()), plain.as_bytes());
        }
        assert_eq!(decode(b"a b"), b"");
    }

    fn user(mechanism: &str, response: &str) -> Response {
        Exchange::new(mechanism.as_bytes()).unwrap().response(response.as_bytes())
    }

    #[test]
    fn users_of_mechanisms() {
        let named = |user: &str, secret| Response { user: Some(user.to_owned()), secret };
        // RFC 4616 4: authorized as "Ursel", logs in as "Kurt".
        assert_eq!(user("PLAIN", "VXJzZWwAS3VydAB4aXBqMzBtcXB4"), named("Kurt", true));
        // RFC 2195 2.
        let digest = "dGltIGI5MTNhNjAyYzdlZGE3YTQ5NWI0ZTZlNzMzNGQzODkw";
        assert_eq!(user("cram-md5", digest), named("tim", false));
        // RFC 7677 3: n,,n=user,r=rOprNGfwEbeRWgbNEkqO
        assert_eq!(user("SCRAM-SHA-256", "biwsbj11c2VyLHI9ck9wck5HZndFYmVSV2diTkVrcU8="), named("user", false));
        let mut login = Exchange::new(b"LOGIN").unwrap();
        assert_eq!(login.response(b"YWxpY2U="), named("alice", false));
        assert_eq!(login.response(b"c2VjcmV0"), Response { user: None, secret: true });
        assert!(Exchange::new(b"no mechanism").is_none());
    }
}
