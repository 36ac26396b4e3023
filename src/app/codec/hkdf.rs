//! HKDF-Expand-Label of TLS 1.3 (RFC 9846, section 7.1), which QUIC derives its keys with too (RFC 9001, section 5.1).
use ring::hkdf;

/// HKDF-Expand-Label (RFC 9846 section 7.1) with an empty context; `prefix` is `tls13 ` or `dtls13`. The secret's length
/// tells the hash. Null when it is that of none.
pub fn expand_label<const N: usize>(secret: &[u8], prefix: &str, label: &str) -> Option<[u8; N]> {
    let mut out = [0; N];
    expand_into(secret, prefix, label, &mut out)?;
    Some(out)
}

/// The same, into a buffer.
pub fn expand_into(secret: &[u8], prefix: &str, label: &str, out: &mut [u8]) -> Option<()> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let algorithm = match secret.len() {
        32 => hkdf::HKDF_SHA256,
        48 => hkdf::HKDF_SHA384,
        _ => return None,
    };
    let length = u16::try_from(out.len()).ok()?.to_be_bytes();
    let label_length = u8::try_from(prefix.len().checked_add(label.len())?).ok()?;
    let info = [&length[..], &[label_length], prefix.as_bytes(), label.as_bytes(), &[0]];
    let secret = hkdf::Prk::new_less_safe(algorithm, secret);
    secret.expand(&info, Length(out.len())).ok()?.fill(out).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// RFC 8448 section 3: the server's handshake traffic secret, its key and IV.
    #[test]
    fn hkdf_of_tls13() {
        let secret =
            hex("b6 7b 7d 69 0c c1 6c 4e 75 e5 42 13 cb 2d 37 b4 e9 c9 12 bc de d9 10 5d 42 be fd 59 d3 91 ad 38");
        let key: [u8; 16] = expand_label(&secret, "tls13 ", "key").unwrap();
        let iv: [u8; 12] = expand_label(&secret, "tls13 ", "iv").unwrap();
        assert_eq!(key.to_vec(), hex("3f ce 51 60 09 c2 17 27 d0 f2 e4 e8 6e e4 03 bc"));
        assert_eq!(iv.to_vec(), hex("5d 31 3e b2 67 12 76 ee 13 00 0b 30"));
        assert!(expand_label::<16>(&secret[1..], "tls13 ", "key").is_none());
    }
}
