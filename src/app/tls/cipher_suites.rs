//! What a cipher suite's number means: name, and the parts read off the name, which is regular (RFC 5246 A.5, RFC 9846
//! B.4). The table of names is `suite_names`.
use super::{names, suite_names::SUITES};
use crate::record::CipherSuite;

/// The one suite of TLS 1.3 whose tags have eight bytes.
pub const TLS_AES_128_CCM_8_SHA256: u32 = 0x1305;

/// IANA's name of a suite; three-byte numbers are SSLv2's.
#[must_use]
pub fn name(id: u32) -> Option<&'static str> {
    SUITES
        .binary_search_by_key(&id, |(number, _)| *number)
        .ok()
        .and_then(|place| SUITES.get(place))
        .map(|(_, name)| *name)
}

/// Name and parts of a suite. For TLS 1.3 suites forward secrecy depends on the key exchange, which is not part of the
/// suite: null.
#[must_use]
pub fn explain(id: u32) -> CipherSuite {
    let Some(name) = name(id) else {
        let grease = u16::try_from(id).is_ok_and(names::is_grease);
        let name = if grease { format!("GREASE (0x{id:04x})") } else { format!("0x{id:04x}") };
        let unknown = || "unknown".to_owned();
        return CipherSuite {
            id,
            name,
            key_exchange: unknown(),
            authentication: unknown(),
            encryption: unknown(),
            hash: unknown(),
            forward_secrecy: None,
        };
    };
    let body = name.strip_prefix("TLS_").or_else(|| name.strip_prefix("SSL_CK_")).or_else(|| name.strip_prefix("SSL_"));
    let body = body.unwrap_or(name);
    let of =
        |key_exchange: &str, authentication: &str, encryption: String, hash: &str, forward: Option<bool>| CipherSuite {
            id,
            name: name.into(),
            key_exchange: key_exchange.into(),
            authentication: authentication.into(),
            encryption,
            hash: hash.into(),
            forward_secrecy: forward,
        };
    if name.starts_with("SSL_CK_") {
        // SSLv2 names cipher and MAC only; its key exchange is always RSA.
        let (cipher, hash) = body.split_once("_WITH_").unwrap_or((body, "MD5"));
        return of("RSA", "RSA", dashed(cipher), hash, Some(false));
    }
    if name.ends_with("_SCSV") {
        return of("none", "none", "none".into(), "none", None);
    }
    if matches!(id, 0xe001..=0xe05a) {
        // TLCP's are written without WITH: exchange, cipher, mode, hash.
        let (exchange, rest) = body.split_once('_').unwrap_or((body, ""));
        let (cipher, hash) = rest.rsplit_once('_').unwrap_or((rest, "SM3"));
        let hash = if hash == "SHA1" { "SHA" } else { hash };
        let (key_exchange, authentication, forward) = match exchange {
            "ECDHE" => ("ECDHE", "SM2", true),
            "ECC" => ("SM2", "SM2", false),
            "IBSDH" => ("SM9", "SM9", true),
            "IBC" => ("SM9", "SM9", false),
            _ => ("RSA", "RSA", false),
        };
        return of(key_exchange, authentication, dashed(cipher), hash, Some(forward));
    }
    let Some((exchange, rest)) = body.split_once("_WITH_") else {
        let (cipher, hash) = body.rsplit_once('_').unwrap_or((body, "SHA256"));
        // Integrity-only suites of RFC 9150 name a hash in the cipher's place.
        let cipher = if cipher.starts_with("SHA") { "NULL".to_owned() } else { dashed(cipher) };
        return of("any", "any", cipher, hash, None);
    };
    let (cipher, hash) = cipher_and_hash(rest);
    let (key_exchange, authentication, forward) = exchange_parts(exchange);
    of(key_exchange, authentication, dashed(cipher), hash, Some(forward))
}

/// Key exchange, authentication of the server, and whether old sessions stay closed when long-term keys leak.
fn exchange_parts(exchange: &str) -> (&'static str, &'static str, bool) {
    match exchange.trim_end_matches("_EXPORT").trim_end_matches("_EXPORT1024") {
        "RSA" | "RSA_FIPS" => ("RSA", "RSA", false),
        "DH_RSA" => ("DH", "RSA", false),
        "DH_DSS" => ("DH", "DSS", false),
        "DHE_RSA" => ("DHE", "RSA", true),
        "DHE_DSS" => ("DHE", "DSS", true),
        "DH_anon" | "DH_Anon" => ("DHE", "anonymous", true),
        "ECDH_RSA" => ("ECDH", "RSA", false),
        "ECDH_ECDSA" => ("ECDH", "ECDSA", false),
        "ECDHE_RSA" => ("ECDHE", "RSA", true),
        "ECDHE_ECDSA" => ("ECDHE", "ECDSA", true),
        "ECDH_anon" | "ECDH_Anon" => ("ECDHE", "anonymous", true),
        "PSK" => ("PSK", "PSK", false),
        "DHE_PSK" | "PSK_DHE" => ("DHE", "PSK", true),
        "ECDHE_PSK" => ("ECDHE", "PSK", true),
        "RSA_PSK" => ("RSA", "PSK", false),
        "KRB5" => ("KRB5", "KRB5", false),
        "SRP_SHA" => ("SRP", "SRP", true),
        "SRP_SHA_RSA" => ("SRP", "RSA", true),
        "SRP_SHA_DSS" => ("SRP", "DSS", true),
        "ECCPWD" => ("ECCPWD", "ECCPWD", true),
        "ECJPAKE" => ("ECJPAKE", "ECJPAKE", true),
        "FORTEZZA_KEA" => ("KEA", "KEA", false),
        "GOSTR341112_256" | "GOSTR341001" | "GOSTR341094" => ("GOST", "GOST", false),
        "NULL" => ("NULL", "anonymous", false),
        _ => ("unknown", "unknown", false),
    }
}

/// Splits what stands behind `_WITH_`. Suites that name no hash use SHA-256 (RFC 6655), GOST's their own MAC.
fn cipher_and_hash(rest: &str) -> (&str, &str) {
    match rest.rsplit_once('_') {
        Some((cipher, "SHA1")) => (cipher, "SHA"),
        Some((cipher, hash @ ("MD5" | "SHA" | "SHA256" | "SHA384" | "SHA512" | "SM3" | "NULL" | "GOSTR3411"))) => {
            (cipher, hash)
        }
        Some((_, "OMAC" | "IMIT" | "L" | "S")) => (rest, "GOSTR3411"),
        _ => (rest, "SHA256"),
    }
}

fn dashed(cipher: &str) -> String {
    match cipher {
        "CHACHA20_POLY1305" => "ChaCha20-Poly1305".into(),
        other => other.replace('_', "-"),
    }
}

/// Whether the client encrypts the premaster secret to the server's RSA key (RFC 5246 section 7.4.7.1).
#[must_use]
pub fn is_rsa_exchange(id: u32) -> bool {
    name(id).is_some_and(|name| name.starts_with("TLS_RSA_WITH_"))
}

/// Why a suite should not be used any more, if so.
#[must_use]
pub fn weakness(suite: &CipherSuite) -> Option<&'static str> {
    let (name, cipher) = (suite.name.as_str(), suite.encryption.as_str());
    if name.contains("EXPORT") {
        Some("export-grade keys can be broken in minutes")
    } else if cipher == "NULL" {
        Some("nothing is encrypted")
    } else if suite.authentication == "anonymous" {
        Some("the server does not prove who it is")
    } else if cipher.starts_with("RC4") {
        Some("RC4 is broken (RFC 7465 forbids it)")
    } else if cipher.starts_with("3DES") || cipher.contains("EDE") {
        Some("3DES has 64-bit blocks (Sweet32)")
    } else if ["DES", "RC2", "IDEA", "FORTEZZA", "28147"].iter().any(|old| cipher.starts_with(old)) {
        Some("the cipher is obsolete")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(id: u32) -> (String, String, String, String, Option<bool>) {
        let suite = explain(id);
        (suite.key_exchange, suite.authentication, suite.encryption, suite.hash, suite.forward_secrecy)
    }
    fn expect(id: u32, a: &str, b: &str, c: &str, d: &str, forward: Option<bool>) {
        assert_eq!(parts(id), (a.into(), b.into(), c.into(), d.into(), forward), "{id:04x}");
    }

    #[test]
    fn parts_are_read_off_the_name() {
        expect(0xc02f, "ECDHE", "RSA", "AES-128-GCM", "SHA256", Some(true));
        expect(0x000a, "RSA", "RSA", "3DES-EDE-CBC", "SHA", Some(false));
        expect(0x1301, "any", "any", "AES-128-GCM", "SHA256", None);
        expect(0xcca9, "ECDHE", "ECDSA", "ChaCha20-Poly1305", "SHA256", Some(true));
        expect(0xc0a0, "RSA", "RSA", "AES-128-CCM-8", "SHA256", Some(false));
        expect(0x0018, "DHE", "anonymous", "RC4-128", "MD5", Some(true));
        expect(0x0088, "DHE", "RSA", "CAMELLIA-256-CBC", "SHA", Some(true));
        expect(0x0096, "RSA", "RSA", "SEED-CBC", "SHA", Some(false));
        expect(0xc050, "RSA", "RSA", "ARIA-128-GCM", "SHA256", Some(false));
        expect(0xc0b4, "any", "any", "NULL", "SHA256", None);
        expect(0xcc13, "ECDHE", "RSA", "ChaCha20-Poly1305", "SHA256", Some(true));
        expect(0xe013, "SM2", "SM2", "SM4-CBC", "SM3", Some(false));
        expect(0xe01a, "RSA", "RSA", "SM4-CBC", "SHA", Some(false));
        expect(0x0081, "GOST", "GOST", "28147-CNT-IMIT", "GOSTR3411", Some(false));
        expect(0xc0ff, "ECJPAKE", "ECJPAKE", "AES-128-CCM-8", "SHA256", Some(true));
        expect(0x010080, "RSA", "RSA", "RC4-128", "MD5", Some(false));
        assert_eq!(explain(0x3a3a).name, "GREASE (0x3a3a)");
    }

    #[test]
    fn table_is_sorted_and_every_name_is_understood() {
        assert!(SUITES.windows(2).all(|pair| pair[0].0 < pair[1].0));
        for (id, name) in SUITES {
            let suite = explain(*id);
            assert_ne!(suite.key_exchange, "unknown", "{name}");
            assert!(!suite.encryption.is_empty() && !suite.hash.is_empty(), "{name}");
        }
    }

    #[test]
    fn weak_ones_are_told() {
        for id in [0x0004, 0x000a, 0x0001, 0x0003, 0x0018, 0x0009, 0x0081] {
            assert!(weakness(&explain(id)).is_some(), "{id:04x}");
        }
        for id in [0x1301, 0xc02f, 0x002f, 0x0088] {
            assert!(weakness(&explain(id)).is_none(), "{id:04x}");
        }
    }
}
