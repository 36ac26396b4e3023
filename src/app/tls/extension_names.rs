//! Names of extensions and of what stands in them, as IANA's registries write them. Only tables.

use super::names::is_grease;

/// An extension type (TLS ExtensionType Values registry). Those that were never registered, yet are seen, are named as
/// their drafts name them; null for what has no name.
#[must_use]
pub fn extension_type(number: u16) -> Option<&'static str> {
    Some(match number {
        0 => "server_name",
        1 => "max_fragment_length",
        2 => "client_certificate_url",
        3 => "trusted_ca_keys",
        4 => "truncated_hmac",
        5 => "status_request",
        6 => "user_mapping",
        7 => "client_authz",
        8 => "server_authz",
        9 => "cert_type",
        10 => "supported_groups",
        11 => "ec_point_formats",
        12 => "srp",
        13 => "signature_algorithms",
        14 => "use_srtp",
        15 => "heartbeat",
        16 => "application_layer_protocol_negotiation",
        17 => "status_request_v2",
        18 => "signed_certificate_timestamp",
        19 => "client_certificate_type",
        20 => "server_certificate_type",
        21 => "padding",
        22 => "encrypt_then_mac",
        23 => "extended_master_secret",
        24 => "token_binding",
        25 => "cached_info",
        26 => "tls_lts",
        27 => "compress_certificate",
        28 => "record_size_limit",
        29 => "pwd_protect",
        30 => "pwd_clear",
        31 => "password_salt",
        32 => "ticket_pinning",
        33 => "tls_cert_with_extern_psk",
        34 => "delegated_credential",
        35 => "session_ticket",
        36 => "TLMSP",
        37 => "TLMSP_proxying",
        38 => "TLMSP_delegate",
        39 => "supported_ekt_ciphers",
        // 40 and 46 were used by drafts of TLS 1.3 and are reserved now.
        40 => "key_share (draft)",
        41 => "pre_shared_key",
        42 => "early_data",
        43 => "supported_versions",
        44 => "cookie",
        45 => "psk_key_exchange_modes",
        46 => "ticket_early_data_info (draft)",
        47 => "certificate_authorities",
        48 => "oid_filters",
        49 => "post_handshake_auth",
        50 => "signature_algorithms_cert",
        51 => "key_share",
        52 => "transparency_info",
        53 => "connection_id (deprecated)",
        54 => "connection_id",
        55 => "external_id_hash",
        56 => "external_session_id",
        57 => "quic_transport_parameters",
        58 => "ticket_request",
        59 => "dnssec_chain",
        60 => "sequence_number_encryption_algorithms",
        61 => "rrc",
        62 => "tls_flags",
        // Never registered: Next Protocol Negotiation, Application-Layer Protocol Settings (two numbers), Channel ID.
        13172 => "next_protocol_negotiation",
        17513 => "application_settings (old)",
        17613 => "application_settings",
        30031 => "channel_id_old",
        30032 => "channel_id",
        64768 => "ech_outer_extensions",
        65037 => "encrypted_client_hello",
        65281 => "renegotiation_info",
        65445 => "quic_transport_parameters (draft)",
        65486 => "encrypted_server_name (draft)",
        _ => return None,
    })
}

/// The same for every number: GREASE is told, what has no name shows its number.
#[must_use]
pub fn extension(number: u16) -> String {
    match extension_type(number) {
        Some(name) => name.into(),
        None if is_grease(number) => format!("GREASE (0x{number:04x})"),
        None => format!("0x{number:04x}"),
    }
}

/// Names what has one; the number in hex otherwise.
fn or_number(name: Option<&str>, number: u16) -> String {
    name.map_or_else(|| format!("0x{number:04x}"), Into::into)
}

/// A PskKeyExchangeMode. GREASE has values of its own here (RFC 8701 3.1).
#[must_use]
pub fn psk_key_exchange_mode(number: u16) -> String {
    match number {
        0 => "psk_ke".into(),
        1 => "psk_dhe_ke".into(),
        0x0b | 0x2a | 0x49 | 0x68 | 0x87 | 0xa6 | 0xc5 | 0xe4 => format!("GREASE (0x{number:02x})"),
        _ => or_number(None, number),
    }
}

/// A certificate compression algorithm (RFC 8879).
#[must_use]
pub fn certificate_compression(number: u16) -> String {
    let name = match number {
        1 => Some("zlib"),
        2 => Some("brotli"),
        3 => Some("zstd"),
        _ => None,
    };
    or_number(name, number)
}

/// A certificate type (TLS Certificate Types registry).
#[must_use]
pub fn certificate_type(number: u16) -> String {
    let name = match number {
        0 => Some("X509"),
        1 => Some("OpenPGP"),
        2 => Some("Raw Public Key"),
        3 => Some("1609Dot2"),
        _ => None,
    };
    or_number(name, number)
}

/// A point format (TLS EC Point Formats registry).
#[must_use]
pub fn point_format(number: u16) -> String {
    let name = match number {
        0 => Some("uncompressed"),
        1 => Some("ansiX962_compressed_prime"),
        2 => Some("ansiX962_compressed_char2"),
        _ => None,
    };
    or_number(name, number)
}

/// What status_request asks for (TLS Certificate Status Types registry).
#[must_use]
pub fn certificate_status_type(number: u16) -> String {
    let name = match number {
        1 => Some("ocsp"),
        2 => Some("ocsp_multi"),
        _ => None,
    };
    or_number(name, number)
}

/// A heartbeat mode (RFC 6520 2).
#[must_use]
pub fn heartbeat_mode(number: u16) -> String {
    let name = match number {
        1 => Some("peer_allowed_to_send"),
        2 => Some("peer_not_allowed_to_send"),
        _ => None,
    };
    or_number(name, number)
}

/// A protection profile of DTLS-SRTP (RFC 5764 4.1.2).
#[must_use]
pub fn srtp_profile(number: u16) -> String {
    let name = match number {
        0x0001 => Some("SRTP_AES128_CM_HMAC_SHA1_80"),
        0x0002 => Some("SRTP_AES128_CM_HMAC_SHA1_32"),
        0x0005 => Some("SRTP_NULL_HMAC_SHA1_80"),
        0x0006 => Some("SRTP_NULL_HMAC_SHA1_32"),
        0x0007 => Some("SRTP_AEAD_AES_128_GCM"),
        0x0008 => Some("SRTP_AEAD_AES_256_GCM"),
        0x0009 => Some("DOUBLE_AEAD_AES_128_GCM_AEAD_AES_128_GCM"),
        0x000a => Some("DOUBLE_AEAD_AES_256_GCM_AEAD_AES_256_GCM"),
        0x000b => Some("SRTP_ARIA_128_CTR_HMAC_SHA1_80"),
        0x000c => Some("SRTP_ARIA_128_CTR_HMAC_SHA1_32"),
        0x000d => Some("SRTP_ARIA_256_CTR_HMAC_SHA1_80"),
        0x000e => Some("SRTP_ARIA_256_CTR_HMAC_SHA1_32"),
        0x000f => Some("SRTP_AEAD_ARIA_128_GCM"),
        0x0010 => Some("SRTP_AEAD_ARIA_256_GCM"),
        _ => None,
    };
    or_number(name, number)
}

/// A key derivation function of HPKE (HPKE KDF Identifiers registry, RFC 9180 7.2).
#[must_use]
pub fn hpke_kdf(number: u16) -> String {
    let name = match number {
        0x0001 => Some("HKDF-SHA256"),
        0x0002 => Some("HKDF-SHA384"),
        0x0003 => Some("HKDF-SHA512"),
        _ => None,
    };
    or_number(name, number)
}

/// An AEAD of HPKE (HPKE AEAD Identifiers registry, RFC 9180 7.3).
#[must_use]
pub fn hpke_aead(number: u16) -> String {
    let name = match number {
        0x0001 => Some("AES-128-GCM"),
        0x0002 => Some("AES-256-GCM"),
        0x0003 => Some("ChaCha20Poly1305"),
        0xffff => Some("Export-only"),
        _ => None,
    };
    or_number(name, number)
}

/// A key encapsulation mechanism of HPKE (HPKE KEM Identifiers registry, RFC 9180 7.1).
#[must_use]
pub fn hpke_kem(number: u16) -> String {
    let name = match number {
        0x0010 => Some("DHKEM(P-256, HKDF-SHA256)"),
        0x0011 => Some("DHKEM(P-384, HKDF-SHA384)"),
        0x0012 => Some("DHKEM(P-521, HKDF-SHA512)"),
        0x0013 => Some("DHKEM(CP-256, HKDF-SHA256)"),
        0x0014 => Some("DHKEM(CP-384, HKDF-SHA384)"),
        0x0015 => Some("DHKEM(CP-521, HKDF-SHA512)"),
        0x0016 => Some("DHKEM(secp256k1, HKDF-SHA256)"),
        0x0020 => Some("DHKEM(X25519, HKDF-SHA256)"),
        0x0021 => Some("DHKEM(X448, HKDF-SHA512)"),
        0x0030 => Some("X25519Kyber768Draft00"),
        0x0040 => Some("ML-KEM-512"),
        0x0041 => Some("ML-KEM-768"),
        0x0042 => Some("ML-KEM-1024"),
        0x647a => Some("X-Wing"),
        _ => None,
    };
    or_number(name, number)
}

/// A transport parameter of QUIC (QUIC Transport Parameters registry, RFC 9000 22.3); null for what has no name.
#[must_use]
pub fn transport_parameter(number: u64) -> Option<&'static str> {
    Some(match number {
        0x00 => "original_destination_connection_id",
        0x01 => "max_idle_timeout",
        0x02 => "stateless_reset_token",
        0x03 => "max_udp_payload_size",
        0x04 => "initial_max_data",
        0x05 => "initial_max_stream_data_bidi_local",
        0x06 => "initial_max_stream_data_bidi_remote",
        0x07 => "initial_max_stream_data_uni",
        0x08 => "initial_max_streams_bidi",
        0x09 => "initial_max_streams_uni",
        0x0a => "ack_delay_exponent",
        0x0b => "max_ack_delay",
        0x0c => "disable_active_migration",
        0x0d => "preferred_address",
        0x0e => "active_connection_id_limit",
        0x0f => "initial_source_connection_id",
        0x10 => "retry_source_connection_id",
        0x11 => "version_information",
        0x20 => "max_datagram_frame_size",
        0x173e => "discard",
        0x26ab => "google_handshake_message",
        0x2ab2 => "grease_quic_bit",
        0x3127 => "initial_rtt",
        0x3128 => "google_connection_options",
        0x3129 => "user_agent",
        0x4752 => "google_version",
        0x7157 => "enable_time_stamp",
        0x7158 => "enable_time_stamp_v2",
        0x1057 => "loss_bits",
        0xff04_de1b => "min_ack_delay",
        0x00ff_73db => "version_information (draft)",
        _ => return None,
    })
}

/// Whether a transport parameter is reserved to keep peers tolerant (RFC 9000 18.1).
#[must_use]
pub fn is_reserved_transport_parameter(number: u64) -> bool {
    number % 31 == 27
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_iana_assigned_has_a_name() {
        let assigned = (0..=62).chain([64768, 65037, 65281]);
        for number in assigned {
            assert!(extension_type(number).is_some(), "{number}");
        }
        assert_eq!((0..=u16::MAX).filter(|number| extension_type(*number).is_some()).count(), 63 + 3 + 7);
        assert_eq!(extension(0x2a2a), "GREASE (0x2a2a)");
        assert_eq!(extension(0x1234), "0x1234");
        assert_eq!(extension(41), "pre_shared_key");
    }

    #[test]
    fn values_have_their_registry_names() {
        assert_eq!(psk_key_exchange_mode(1), "psk_dhe_ke");
        assert_eq!(psk_key_exchange_mode(0x2a), "GREASE (0x2a)");
        assert_eq!(certificate_compression(2), "brotli");
        assert_eq!(srtp_profile(7), "SRTP_AEAD_AES_128_GCM");
        assert_eq!(hpke_aead(3), "ChaCha20Poly1305");
        assert_eq!(transport_parameter(0x0f), Some("initial_source_connection_id"));
        assert!(is_reserved_transport_parameter(27) && is_reserved_transport_parameter(58));
        assert!(!is_reserved_transport_parameter(0x0f));
    }
}
