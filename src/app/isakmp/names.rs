//! Names of IKE's numbers, as IANA lists them. Those that are not listed are shown by number.

/// Exchanges in Wireshark's words.
#[must_use]
pub fn exchange(number: u8) -> String {
    let name = match number {
        0 => "NONE",
        1 => "Base",
        2 => "Identity Protection (Main Mode)",
        3 => "Authentication Only",
        4 => "Aggressive",
        5 => "Informational",
        6 => "Transaction (Config Mode)",
        32 => "Quick Mode",
        33 => "New Group Mode",
        34 => "IKE_SA_INIT",
        35 => "IKE_AUTH",
        36 => "CREATE_CHILD_SA",
        37 => "INFORMATIONAL",
        38 => "IKE_SESSION_RESUME",
        _ => return format!("Unknown {number}"),
    };
    name.to_owned()
}

/// An algorithm of version 2: kind and number (RFC 7296 3.3.2 and later).
#[must_use]
pub fn transform(kind: u8, id: u16) -> String {
    let name = match (kind, id) {
        (1, 2) => "ENCR_DES",
        (1, 3) => "ENCR_3DES",
        (1, 5) => "ENCR_IDEA",
        (1, 6) => "ENCR_CAST",
        (1, 7) => "ENCR_BLOWFISH",
        (1, 11) => "ENCR_NULL",
        (1, 12) => "ENCR_AES_CBC",
        (1, 13) => "ENCR_AES_CTR",
        (1, 14) => "ENCR_AES_CCM_8",
        (1, 15) => "ENCR_AES_CCM_12",
        (1, 16) => "ENCR_AES_CCM_16",
        (1, 18) => "ENCR_AES_GCM_8",
        (1, 19) => "ENCR_AES_GCM_12",
        (1, 20) => "ENCR_AES_GCM_16",
        (1, 23) => "ENCR_CAMELLIA_CBC",
        (1, 28) => "ENCR_CHACHA20_POLY1305",
        (2, 1) => "PRF_HMAC_MD5",
        (2, 2) => "PRF_HMAC_SHA1",
        (2, 4) => "PRF_AES128_XCBC",
        (2, 5) => "PRF_HMAC_SHA2_256",
        (2, 6) => "PRF_HMAC_SHA2_384",
        (2, 7) => "PRF_HMAC_SHA2_512",
        (2, 8) => "PRF_AES128_CMAC",
        (3, 0) => "AUTH_NONE",
        (3, 1) => "AUTH_HMAC_MD5_96",
        (3, 2) => "AUTH_HMAC_SHA1_96",
        (3, 5) => "AUTH_AES_XCBC_96",
        (3, 12) => "AUTH_HMAC_SHA2_256_128",
        (3, 13) => "AUTH_HMAC_SHA2_384_192",
        (3, 14) => "AUTH_HMAC_SHA2_512_256",
        (4, 0) => "NONE",
        (4, 1) => "MODP_768",
        (4, 2) => "MODP_1024",
        (4, 5) => "MODP_1536",
        (4, 14) => "MODP_2048",
        (4, 15) => "MODP_3072",
        (4, 16) => "MODP_4096",
        (4, 17) => "MODP_6144",
        (4, 18) => "MODP_8192",
        (4, 19) => "ECP_256",
        (4, 20) => "ECP_384",
        (4, 21) => "ECP_521",
        (4, 22) => "MODP_1024_160",
        (4, 23) => "MODP_2048_224",
        (4, 24) => "MODP_2048_256",
        (4, 27) => "ECP_224_BP",
        (4, 28) => "ECP_256_BP",
        (4, 29) => "ECP_384_BP",
        (4, 30) => "ECP_512_BP",
        (4, 31) => "CURVE_25519",
        (4, 32) => "CURVE_448",
        (4, 35) => "ML_KEM_512",
        (4, 36) => "ML_KEM_768",
        (4, 37) => "ML_KEM_1024",
        (5, 0) => "NO_ESN",
        (5, 1) => "ESN",
        (1, _) => return format!("ENCR_{id}"),
        (2, _) => return format!("PRF_{id}"),
        (3, _) => return format!("AUTH_{id}"),
        (4, _) => return format!("GROUP_{id}"),
        _ => return format!("TRANSFORM_{kind}_{id}"),
    };
    name.to_owned()
}

/// A cipher of phase 1 of version 1 (RFC 2409 appendix A).
#[must_use]
pub fn cipher1(id: u64) -> String {
    let name = match id {
        1 => "DES-CBC",
        2 => "IDEA-CBC",
        3 => "BLOWFISH-CBC",
        4 => "RC5-CBC",
        5 => "3DES-CBC",
        6 => "CAST-CBC",
        7 => "AES-CBC",
        8 => "CAMELLIA-CBC",
        _ => return format!("cipher {id}"),
    };
    name.to_owned()
}

/// A hash of phase 1 of version 1.
#[must_use]
pub fn hash1(id: u64) -> String {
    let name = match id {
        1 => "MD5",
        2 => "SHA1",
        3 => "TIGER",
        4 => "SHA2-256",
        5 => "SHA2-384",
        6 => "SHA2-512",
        _ => return format!("hash {id}"),
    };
    name.to_owned()
}

/// How the ends of version 1 prove who they are.
#[must_use]
pub fn authentication1(id: u64) -> String {
    let name = match id {
        1 => "pre-shared key",
        2 => "DSS signatures",
        3 => "RSA signatures",
        4 => "RSA encryption",
        5 => "revised RSA encryption",
        64221 => "hybrid",
        65001 => "XAUTH with pre-shared key",
        65005 => "XAUTH with RSA signatures",
        _ => return format!("authentication {id}"),
    };
    name.to_owned()
}

/// A notification of version 2 (RFC 7296 3.10.1) or of version 1 (RFC 2408 3.14.1).
#[must_use]
pub fn notification(major: u8, number: u16) -> String {
    let name = match (major, number) {
        (_, 1) => "UNSUPPORTED_CRITICAL_PAYLOAD",
        (_, 4) => "INVALID_IKE_SPI",
        (_, 5) => "INVALID_MAJOR_VERSION",
        (_, 7) => "INVALID_SYNTAX",
        (_, 9) => "INVALID_MESSAGE_ID",
        (_, 11) => "INVALID_SPI",
        (_, 14) => "NO_PROPOSAL_CHOSEN",
        (1, 15) => "BAD_PROPOSAL_SYNTAX",
        (1, 16) => "PAYLOAD_MALFORMED",
        (1, 17) => "INVALID_KEY_INFORMATION",
        (1, 18) => "INVALID_ID_INFORMATION",
        (1, 19) => "INVALID_CERT_ENCODING",
        (1, 20) => "INVALID_CERTIFICATE",
        (1, 23) => "INVALID_HASH_INFORMATION",
        (1, 25) => "INVALID_SIGNATURE",
        (1, 28) => "CERTIFICATE_UNAVAILABLE",
        (1, 24578) => "INITIAL_CONTACT",
        (1, 36136) => "R_U_THERE",
        (1, 36137) => "R_U_THERE_ACK",
        (2, 17) => "INVALID_KE_PAYLOAD",
        (_, 24) => "AUTHENTICATION_FAILED",
        (2, 34) => "SINGLE_PAIR_REQUIRED",
        (2, 35) => "NO_ADDITIONAL_SAS",
        (2, 38) => "TS_UNACCEPTABLE",
        (2, 43) => "TEMPORARY_FAILURE",
        (2, 44) => "CHILD_SA_NOT_FOUND",
        (2, 16388) => "NAT_DETECTION_SOURCE_IP",
        (2, 16389) => "NAT_DETECTION_DESTINATION_IP",
        (2, 16390) => "COOKIE",
        (2, 16404) => "MULTIPLE_AUTH_SUPPORTED",
        (2, 16406) => "REDIRECT_SUPPORTED",
        (2, 16407) => "REDIRECT",
        (2, 16418) => "CHILDLESS_IKEV2_SUPPORTED",
        (2, 16430) => "IKEV2_FRAGMENTATION_SUPPORTED",
        (2, 16431) => "SIGNATURE_HASH_ALGORITHMS",
        (2, 16438) => "INTERMEDIATE_EXCHANGE_SUPPORTED",
        _ => return format!("notification {number}"),
    };
    name.to_owned()
}

/// Vendor ids that say something: their first bytes and what they mean.
const VENDORS: [(&[u8], &str); 11] = [
    (&[0x4a, 0x13, 0x1c, 0x81, 0x07, 0x03, 0x58, 0x45], "NAT traversal (RFC 3947)"),
    (&[0x90, 0xcb, 0x80, 0x91, 0x3e, 0xbb, 0x69, 0x6e], "NAT traversal (draft 2)"),
    (&[0x7d, 0x94, 0x19, 0xa6, 0x53, 0x10, 0xca, 0x6f], "NAT traversal (draft 3)"),
    (&[0xaf, 0xca, 0xd7, 0x13, 0x68, 0xa1, 0xf1, 0xc9], "dead peer detection"),
    (&[0x09, 0x00, 0x26, 0x89, 0xdf, 0xd6, 0xb7, 0x12], "XAUTH"),
    (&[0x88, 0x2f, 0xe5, 0x6d, 0x6f, 0xd2, 0x0d, 0xbc], "strongSwan"),
    (&[0x12, 0xf5, 0xf2, 0x8c, 0x45, 0x71, 0x68, 0xa9], "Cisco Unity"),
    (&[0x1e, 0x2b, 0x51, 0x69, 0x05, 0x99, 0x1c, 0x7d], "Windows"),
    (&[0x40, 0x48, 0xb7, 0xd5, 0x6e, 0xbc, 0xe8, 0x85], "fragmentation"),
    (&[0xfb, 0x1d, 0xe3, 0xcd, 0xf3, 0x41, 0xb7, 0xea], "Windows, Vid-Initial-Contact"),
    (b"CISCO", "Cisco"),
];

/// What a vendor id means, if it is known.
#[must_use]
pub fn vendor(id: &[u8]) -> Option<&'static str> {
    VENDORS.iter().find(|(begins, _)| id.starts_with(begins)).map(|(_, name)| *name)
}
