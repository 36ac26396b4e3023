//! Numbers to names, as IANA's TLS registries write them. Only tables.

/// `TLS 1.2` for 0x0303 and so on; drafts of TLS 1.3 are named with their number.
#[must_use]
pub fn version(version: u16) -> String {
    match version {
        0x0002 => "SSL 2.0".into(),
        0x0300 => "SSL 3.0".into(),
        0x0301 => "TLS 1.0".into(),
        0x0302 => "TLS 1.1".into(),
        0x0303 => "TLS 1.2".into(),
        0x0304 => "TLS 1.3".into(),
        // TLS 1.3 was draft 28 at last; DTLS 1.3 went on to 43, which is RFC 9147.
        0x7f1d..=0x7f2b => format!("DTLS 1.3 draft {}", version & 0xff),
        0x7f00..=0x7fff => format!("TLS 1.3 draft {}", version & 0xff),
        0xfb00..=0xfbff => format!("TLS 1.3 draft {} (Facebook)", version & 0xff),
        0x0100 => "DTLS 1.0 (OpenSSL's early number)".into(),
        0xfeff => "DTLS 1.0".into(),
        0xfefd => "DTLS 1.2".into(),
        0xfefc => "DTLS 1.3".into(),
        other => format!("0x{other:04x}"),
    }
}

/// Whether the number stands for TLS 1.3, a draft of it, or DTLS 1.3: handshakes where all after ServerHello is
/// encrypted.
#[must_use]
pub fn is_tls13(version: u16) -> bool {
    matches!(version, 0x0304 | 0x7f00..=0x7fff | 0xfb00..=0xfbff | 0xfefc)
}

/// Whether the version is deprecated: below TLS 1.2 (RFC 8996) or DTLS 1.2.
#[must_use]
pub fn is_obsolete(version: u16) -> bool {
    matches!(version, 0x0002 | 0x0300..=0x0302 | 0xfeff | 0x0100)
}

/// Whether the number is reserved to keep peers tolerant (RFC 8701).
#[must_use]
pub fn is_grease(number: u16) -> bool {
    number & 0x0f0f == 0x0a0a && number >> 8 == number & 0xff
}

/// An alert's description (RFC 9846 section 6, RFC 5246 section 7.2).
#[must_use]
pub fn alert(description: u8) -> Option<&'static str> {
    Some(match description {
        0 => "close_notify",
        10 => "unexpected_message",
        20 => "bad_record_mac",
        21 => "decryption_failed",
        22 => "record_overflow",
        30 => "decompression_failure",
        40 => "handshake_failure",
        41 => "no_certificate",
        42 => "bad_certificate",
        43 => "unsupported_certificate",
        44 => "certificate_revoked",
        45 => "certificate_expired",
        46 => "certificate_unknown",
        47 => "illegal_parameter",
        48 => "unknown_ca",
        49 => "access_denied",
        50 => "decode_error",
        51 => "decrypt_error",
        52 => "too_many_cids_requested",
        60 => "export_restriction",
        70 => "protocol_version",
        71 => "insufficient_security",
        80 => "internal_error",
        86 => "inappropriate_fallback",
        90 => "user_canceled",
        100 => "no_renegotiation",
        109 => "missing_extension",
        110 => "unsupported_extension",
        111 => "certificate_unobtainable",
        112 => "unrecognized_name",
        113 => "bad_certificate_status_response",
        114 => "bad_certificate_hash_value",
        115 => "unknown_psk_identity",
        116 => "certificate_required",
        117 => "general_error",
        120 => "no_application_protocol",
        121 => "ech_required",
        _ => return None,
    })
}

/// What an alert usually means, as a sentence.
#[must_use]
pub fn alert_meaning(description: u8) -> &'static str {
    match description {
        0 => "The sender will send nothing more.",
        10 => "A message arrived that was not expected at that point.",
        20 | 21 | 51 => "A record or a signature could not be verified or decrypted: keys differ or data was changed.",
        22 => "A record was longer than allowed.",
        40 => {
            "The sender could not agree on parameters: usually no common cipher suite, group or signature algorithm, or \
               a client certificate that was asked for and not given."
        }
        41 | 116 => "A client certificate was asked for and not given.",
        42 | 46 => "The sender did not accept the certificate, without saying why.",
        43 => "The certificate is of a type that the sender does not support.",
        44 => "The certificate was revoked.",
        45 => "The certificate has expired or is not yet valid, by the sender's clock.",
        47 => "A field held a value that is out of range or inconsistent.",
        48 => {
            "The sender does not know or trust the authority that signed the certificate: an unknown root, or a missing \
               intermediate certificate."
        }
        49 => "The certificate is valid, but access is not allowed.",
        50 => "A message could not be decoded.",
        70 => "The peers have no protocol version in common, or the one offered is refused.",
        71 => "The sender demands stronger ciphers than were offered.",
        80 => "The sender failed for a reason of its own.",
        86 => "The client fell back to an older version than the server supports (RFC 7507).",
        90 => "The user or application cancelled.",
        100 => "The sender does not want to renegotiate.",
        109 | 110 => "An extension is missing, or one was sent that was not asked for.",
        112 => "The server does not know the name that was asked for.",
        115 => "The pre-shared key is not known.",
        120 => "The peers have no application protocol in common (ALPN).",
        121 => "The server insists on encrypted ClientHello.",
        _ => "The sender gave up.",
    }
}

/// The same by the description's name.
#[must_use]
pub fn alert_meaning_of(name: &str) -> &'static str {
    (0..=u8::MAX).find(|description| alert(*description) == Some(name)).map_or("", alert_meaning)
}

/// A group or curve (TLS Supported Groups registry).
#[must_use]
pub fn group(group: u16) -> String {
    let name = match group {
        1 => "sect163k1",
        2 => "sect163r1",
        3 => "sect163r2",
        4 => "sect193r1",
        5 => "sect193r2",
        6 => "sect233k1",
        7 => "sect233r1",
        8 => "sect239k1",
        9 => "sect283k1",
        10 => "sect283r1",
        11 => "sect409k1",
        12 => "sect409r1",
        13 => "sect571k1",
        14 => "sect571r1",
        15 => "secp160k1",
        16 => "secp160r1",
        17 => "secp160r2",
        18 => "secp192k1",
        19 => "secp192r1",
        20 => "secp224k1",
        21 => "secp224r1",
        22 => "secp256k1",
        23 => "secp256r1",
        24 => "secp384r1",
        25 => "secp521r1",
        26 => "brainpoolP256r1",
        27 => "brainpoolP384r1",
        28 => "brainpoolP512r1",
        29 => "x25519",
        30 => "x448",
        31 => "brainpoolP256r1tls13",
        32 => "brainpoolP384r1tls13",
        33 => "brainpoolP512r1tls13",
        34 => "GC256A",
        35 => "GC256B",
        36 => "GC256C",
        37 => "GC256D",
        38 => "GC512A",
        39 => "GC512B",
        40 => "GC512C",
        41 => "curveSM2",
        256 => "ffdhe2048",
        257 => "ffdhe3072",
        258 => "ffdhe4096",
        259 => "ffdhe6144",
        260 => "ffdhe8192",
        512 => "MLKEM512",
        513 => "MLKEM768",
        514 => "MLKEM1024",
        4587 => "SecP256r1MLKEM768",
        4588 => "X25519MLKEM768",
        4589 => "SecP384r1MLKEM1024",
        4590 => "curveSM2MLKEM768",
        25497 => "X25519Kyber768Draft00",
        25498 => "SecP256r1Kyber768Draft00",
        0xff01 => "arbitrary_explicit_prime_curves",
        0xff02 => "arbitrary_explicit_char2_curves",
        number if is_grease(number) => return format!("GREASE (0x{number:04x})"),
        number => return format!("0x{number:04x}"),
    };
    name.into()
}

/// A signature scheme (TLS SignatureScheme registry); the pairs of TLS 1.2 are named alike.
#[must_use]
pub fn signature_scheme(scheme: u16) -> String {
    let name = match scheme {
        0x0101 => "rsa_md5",
        0x0201 => "rsa_pkcs1_sha1",
        0x0202 => "dsa_sha1",
        0x0203 => "ecdsa_sha1",
        0x0301 => "rsa_sha224",
        0x0302 => "dsa_sha224",
        0x0303 => "ecdsa_sha224",
        0x0401 => "rsa_pkcs1_sha256",
        0x0402 => "dsa_sha256",
        0x0403 => "ecdsa_secp256r1_sha256",
        0x0420 => "rsa_pkcs1_sha256_legacy",
        0x0501 => "rsa_pkcs1_sha384",
        0x0502 => "dsa_sha384",
        0x0503 => "ecdsa_secp384r1_sha384",
        0x0520 => "rsa_pkcs1_sha384_legacy",
        0x0601 => "rsa_pkcs1_sha512",
        0x0602 => "dsa_sha512",
        0x0603 => "ecdsa_secp521r1_sha512",
        0x0620 => "rsa_pkcs1_sha512_legacy",
        0x0704 => "eccsi_sha256",
        0x0705 => "iso_ibs1",
        0x0706 => "iso_ibs2",
        0x0707 => "iso_chinese_ibs",
        0x0708 => "sm2sig_sm3",
        0x0709 => "gostr34102012_256a",
        0x070a => "gostr34102012_256b",
        0x070b => "gostr34102012_256c",
        0x070c => "gostr34102012_256d",
        0x070d => "gostr34102012_512a",
        0x070e => "gostr34102012_512b",
        0x070f => "gostr34102012_512c",
        0x0804 => "rsa_pss_rsae_sha256",
        0x0805 => "rsa_pss_rsae_sha384",
        0x0806 => "rsa_pss_rsae_sha512",
        0x0807 => "ed25519",
        0x0808 => "ed448",
        0x0809 => "rsa_pss_pss_sha256",
        0x080a => "rsa_pss_pss_sha384",
        0x080b => "rsa_pss_pss_sha512",
        0x081a => "ecdsa_brainpoolP256r1tls13_sha256",
        0x081b => "ecdsa_brainpoolP384r1tls13_sha384",
        0x081c => "ecdsa_brainpoolP512r1tls13_sha512",
        0x0904 => "mldsa44",
        0x0905 => "mldsa65",
        0x0906 => "mldsa87",
        number if is_grease(number) => return format!("GREASE (0x{number:04x})"),
        number => return format!("0x{number:04x}"),
    };
    name.into()
}

/// A handshake message's name in snake case (TLS HandshakeType registry): what phases are called.
#[must_use]
pub fn handshake_type(number: u8) -> Option<&'static str> {
    Some(match number {
        0 => "hello_request",
        1 => "client_hello",
        2 => "server_hello",
        3 => "hello_verify_request",
        4 => "new_session_ticket",
        5 => "end_of_early_data",
        6 => "hello_retry_request",
        8 => "encrypted_extensions",
        9 => "request_connection_id",
        10 => "new_connection_id",
        11 => "certificate",
        12 => "server_key_exchange",
        13 => "certificate_request",
        14 => "server_hello_done",
        15 => "certificate_verify",
        16 => "client_key_exchange",
        17 => "client_certificate_request",
        20 => "finished",
        21 => "certificate_url",
        22 => "certificate_status",
        23 => "supplemental_data",
        24 => "key_update",
        25 => "compressed_certificate",
        26 => "ekt_key",
        // next_proto, of the Next Protocol Negotiation draft; never registered, often seen.
        67 => "next_protocol",
        254 => "message_hash",
        _ => return None,
    })
}

/// The same as people read it: `Server Hello Done`.
#[must_use]
pub fn handshake_title(number: u8) -> String {
    let Some(name) = handshake_type(number) else { return format!("Handshake message {number}") };
    title(name)
}

/// `server_hello_done` to `Server Hello Done`.
#[must_use]
pub fn title(snake: &str) -> String {
    let mut text = String::with_capacity(snake.len());
    for word in snake.split('_') {
        if !text.is_empty() {
            text.push(' ');
        }
        let mut letters = word.chars();
        text.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
        text.push_str(letters.as_str());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grease_is_recognised() {
        assert_eq!((0..=u16::MAX).filter(|number| is_grease(*number)).count(), 16);
        assert!(is_grease(0x0a0a) && is_grease(0xfafa) && !is_grease(0x0a1a) && !is_grease(0x1301));
    }

    #[test]
    fn names_are_iana_names() {
        assert_eq!(version(0x0303), "TLS 1.2");
        assert_eq!(version(0xfefd), "DTLS 1.2");
        assert_eq!(version(0x7f1c), "TLS 1.3 draft 28");
        assert_eq!(version(0x7f2b), "DTLS 1.3 draft 43");
        assert_eq!(version(0xfefc), "DTLS 1.3");
        assert_eq!(group(4588), "X25519MLKEM768");
        assert_eq!(alert(48), Some("unknown_ca"));
        assert_eq!(signature_scheme(0x0804), "rsa_pss_rsae_sha256");
        assert_eq!(handshake_title(14), "Server Hello Done");
    }
}
