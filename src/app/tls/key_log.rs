//! Key logs: the lines that browsers and libraries write for `SSLKEYLOGFILE` (RFC 9850), and that pcapng files carry.
//! Reading is lenient in form (case, spaces, line ends) and strict in lengths; what it refuses is counted, never shown.
use crate::record::{KeyLog, Secret, SecretLabel};

/// Bytes of the longest secret: an output of SHA-384, or a master secret.
const LONGEST_SECRET: usize = 48;
/// Letters of a label that is believed to be one of a later version; anything longer is no label.
const LONGEST_LABEL: usize = 64;

/// What a text held.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The secrets.
    pub log: KeyLog,
    /// Lines that gave a secret.
    pub used: u64,
    /// Lines with a label that is of no use here, or not known.
    pub passed_over: u64,
    /// Lines that are none of a key log.
    pub bad: u64,
}

/// What one line is.
enum Line {
    Nothing,
    Session([u8; 32], SecretLabel, Secret),
    Premaster([u8; 8], Secret),
    Other,
    Bad,
}

/// Reads whole lines; the last one may lack its end. Secrets may be used from packet `since` on.
#[must_use]
pub fn parse(text: &[u8], since: u64) -> Parsed {
    let mut parsed = Parsed::default();
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    for bytes in text.split(|byte| matches!(byte, b'\n' | b'\r')) {
        match line(bytes) {
            Line::Nothing => {}
            Line::Session(random, label, secret) => {
                parsed.used = parsed.used.saturating_add(1);
                parsed.log.add(random, label, secret, since);
            }
            Line::Premaster(start, secret) => {
                parsed.used = parsed.used.saturating_add(1);
                parsed.log.add_premaster(start, secret, since);
            }
            Line::Other => parsed.passed_over = parsed.passed_over.saturating_add(1),
            Line::Bad => parsed.bad = parsed.bad.saturating_add(1),
        }
    }
    parsed
}

fn line(bytes: &[u8]) -> Line {
    let mut words = bytes.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty());
    let Some(label) = words.next() else { return Line::Nothing };
    if label.starts_with(b"#") {
        return Line::Nothing;
    }
    let (known, lengths): (_, &[usize]) = match label {
        b"CLIENT_RANDOM" => (SecretLabel::Master, &[48]),
        b"PMS_CLIENT_RANDOM" => (SecretLabel::Premaster, &[48]),
        b"CLIENT_EARLY_TRAFFIC_SECRET" => (SecretLabel::ClientEarlyTraffic, &[32, 48]),
        b"CLIENT_HANDSHAKE_TRAFFIC_SECRET" => (SecretLabel::ClientHandshakeTraffic, &[32, 48]),
        b"SERVER_HANDSHAKE_TRAFFIC_SECRET" => (SecretLabel::ServerHandshakeTraffic, &[32, 48]),
        b"CLIENT_TRAFFIC_SECRET_0" => (SecretLabel::ClientTraffic, &[32, 48]),
        b"SERVER_TRAFFIC_SECRET_0" => (SecretLabel::ServerTraffic, &[32, 48]),
        b"RSA" => return premaster(words),
        // Exporter and ECH secrets, QUIC's of old drafts, and what will come.
        _ if is_label(label) => return Line::Other,
        _ => return Line::Bad,
    };
    let mut secret = [0; LONGEST_SECRET];
    let (Some(random), Some(secret)) =
        (words.next().and_then(exactly), words.next().and_then(|word| hex(word, &mut secret)))
    else {
        return Line::Bad;
    };
    if lengths.contains(&secret.len()) { Line::Session(random, known, Secret::new(secret)) } else { Line::Bad }
}

/// `RSA` with the first eight bytes of the encrypted premaster secret; of NSS, no longer in RFC 9850.
fn premaster<'a>(mut words: impl Iterator<Item = &'a [u8]>) -> Line {
    let mut secret = [0; LONGEST_SECRET];
    let start = words.next();
    if start.is_some_and(|word| word.starts_with(b"Session-ID:")) {
        return Line::Other;
    }
    match (start.and_then(exactly), words.next().and_then(|word| hex(word, &mut secret))) {
        (Some(start), Some(secret)) if secret.len() == 48 => Line::Premaster(start, Secret::new(secret)),
        _ => Line::Bad,
    }
}

fn is_label(word: &[u8]) -> bool {
    let letters = word.iter().all(|letter| letter.is_ascii_uppercase() || letter.is_ascii_digit() || *letter == b'_');
    letters && word.len() <= LONGEST_LABEL && word.first().is_some_and(u8::is_ascii_uppercase)
}

fn exactly<const N: usize>(word: &[u8]) -> Option<[u8; N]> {
    let mut bytes = [0; N];
    (hex(word, &mut bytes)?.len() == N).then_some(bytes)
}

/// Reads hex digits of either case into the start of `bytes`; null when there are other letters, or too many.
fn hex<'b>(word: &[u8], bytes: &'b mut [u8]) -> Option<&'b [u8]> {
    if !word.len().is_multiple_of(2) {
        return None;
    }
    let length = word.len() / 2;
    for (byte, pair) in bytes.get_mut(..length)?.iter_mut().zip(word.chunks_exact(2)) {
        let [high, low] = pair else { return None };
        let digit = |letter: u8| char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
        *byte = digit(*high)? << 4 | digit(*low)?;
    }
    bytes.get(..length)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::Secrets;

    const RANDOM: &str = "000102030405060708090A0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn counts(text: &str) -> (u64, u64, u64, usize) {
        let parsed = parse(text.as_bytes(), 0);
        (parsed.used, parsed.passed_over, parsed.bad, parsed.log.len())
    }

    #[test]
    fn lines_of_every_label() {
        let (long, short) = ("ab".repeat(48), "CD".repeat(32));
        let text = format!(
            "\u{feff}# a comment\r\nCLIENT_RANDOM {RANDOM} {long}\r\n\r\n\
             CLIENT_HANDSHAKE_TRAFFIC_SECRET {RANDOM} {short}\n  SERVER_HANDSHAKE_TRAFFIC_SECRET\t{RANDOM} {long} \n\
             CLIENT_TRAFFIC_SECRET_0 {RANDOM} {short}\nSERVER_TRAFFIC_SECRET_0 {RANDOM} {short}\n\
             CLIENT_EARLY_TRAFFIC_SECRET {RANDOM} {short}\nPMS_CLIENT_RANDOM {RANDOM} {long}\n\
             EXPORTER_SECRET {RANDOM} {short}\nECH_CONFIG 00 00\nQUIC_CLIENT_TRAFFIC_SECRET_0 {RANDOM} {short}\n\
             RSA 0001020304050607 {long}\nRSA Session-ID:00 Master-Key:{long}"
        );
        assert_eq!(counts(&text), (8, 4, 0, 8));
        let mut secrets = Secrets::default();
        secrets.add(parse(text.as_bytes(), 5).log, 5);
        let random: [u8; 32] = std::array::from_fn(|n| n as u8);
        let find = |label, at| secrets.of_session(&random, label, at).next().map(|secret| secret.bytes()[0]);
        assert_eq!(find(SecretLabel::Master, 5), Some(0xab));
        assert_eq!(find(SecretLabel::ServerTraffic, 9), Some(0xcd));
        assert_eq!(find(SecretLabel::Master, 4), None, "it came later");
        assert_eq!(secrets.premasters(&[0, 1, 2, 3, 4, 5, 6, 7, 99], 5).count(), 1);
    }

    #[test]
    fn wrong_lines_are_counted() {
        let (long, short) = ("ab".repeat(48), "cd".repeat(32));
        for bad in [
            format!("CLIENT_RANDOM {RANDOM} {short}"),
            format!("CLIENT_RANDOM {RANDOM}"),
            format!("CLIENT_RANDOM {RANDOM} {long}ab"),
            format!("CLIENT_RANDOM {} {long}", &RANDOM[2..]),
            format!("CLIENT_RANDOM {} {long}", RANDOM.replace('7', "g")),
            format!("CLIENT_TRAFFIC_SECRET_0 {RANDOM} {}", &short[2..]),
            format!("RSA 00010203040506 {long}"),
            "client_random".into(),
            "\u{0}\u{1}".into(),
        ] {
            assert_eq!(counts(&bad), (0, 0, 1, 0), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let parsed = parse(&bytes, 0);
            prop_assert!(parsed.log.len() as u64 <= parsed.used);
        }
    }
}
