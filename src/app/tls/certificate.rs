//! Certificates as reports show them (RFC 5280): content by `x509-parser`, digests of the DER. Nothing is verified here.
use std::net::IpAddr;

use chrono::DateTime;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use x509_parser::{
    certificate::X509Certificate,
    der_parser::asn1_rs::{Any, FromDer, Tag},
    extensions::{GeneralName, ParsedExtension},
    oid_registry::Oid,
    public_key::PublicKey,
    x509::{SubjectPublicKeyInfo, X509Name},
};

use super::{der, fingerprint::hex, scts};
use crate::record::{SctSource, SignedCertificateTimestamp};

/// id-pe-tlsfeature (RFC 7633), in DER.
const TLS_FEATURE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 1, 24];
/// The list of signed certificate timestamps (RFC 6962 3.3), in DER.
const SCT_LIST: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 2];

/// What a certificate says. All is null or empty but the digests when the DER cannot be parsed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// Subject's distinguished name as RFC 4514 writes it.
    pub subject: Option<String>,
    /// Issuer's distinguished name.
    pub issuer: Option<String>,
    /// Subject's common names.
    pub subject_cn: Vec<String>,
    /// Issuer's common names.
    pub issuer_cn: Vec<String>,
    /// The issuer's first organizationName.
    pub issuer_organisation: Option<String>,
    /// Serial number, lower-case hex without leading zeros.
    pub serial: Option<String>,
    /// notBefore in seconds since the epoch.
    pub not_before: Option<i64>,
    /// notAfter in seconds since the epoch.
    pub not_after: Option<i64>,
    /// DNS names in subjectAltName.
    pub san_dns: Vec<String>,
    /// IP addresses in subjectAltName.
    pub san_ip: Vec<String>,
    /// Type of the public key.
    pub key_type: Option<String>,
    /// Its size in bits.
    pub key_bits: Option<u32>,
    /// Signature algorithm.
    pub signature_algorithm: Option<String>,
    /// basicConstraints' cA.
    pub is_ca: Option<bool>,
    /// Whether it says by which rules it was issued, or where to ask about revocation or for the issuer.
    pub has_public_pointers: bool,
    /// Whether it asks that its server staple OCSP responses (RFC 7633).
    pub must_staple: bool,
    /// Signed certificate timestamps inside (RFC 6962 3.3).
    pub scts: Vec<SignedCertificateTimestamp>,
    /// SHA-256 of the subjectPublicKeyInfo.
    pub key_digest: [u8; 32],
    /// Whether authorityInfoAccess says where to find the issuer or to ask about revocation (RFC 5280 4.2.2.1).
    pub has_authority_access: bool,
    /// Whether subject and issuer are the same.
    pub self_issued: Option<bool>,
    /// Length of the DER in bytes.
    pub der_length: usize,
    /// SHA-256 of the DER.
    pub sha256: String,
    /// SHA-1 of the DER.
    pub sha1: String,
}

/// Reads one certificate.
#[must_use]
pub fn read(der: &[u8]) -> Content {
    let digests = Content {
        der_length: der.len(),
        sha256: hex(&Sha256::digest(der)),
        sha1: hex(&Sha1::digest(der)),
        ..Content::default()
    };
    let Ok((_, certificate)) = X509Certificate::from_der(der) else { return digests };
    let (san_dns, san_ip) = alternative_names(&certificate);
    let (key_type, key_bits) = public_key(certificate.public_key());
    let validity = certificate.validity();
    let has = |wanted: fn(&ParsedExtension<'_>) -> bool| {
        certificate.extensions().iter().any(|extension| wanted(extension.parsed_extension()))
    };
    let has_authority_access = has(|extension| matches!(extension, ParsedExtension::AuthorityInfoAccess(_)));
    let has_public_pointers = has_authority_access
        || has(|extension| {
            matches!(extension, ParsedExtension::CRLDistributionPoints(_) | ParsedExtension::CertificatePolicies(_))
        });
    let is_ca = certificate.basic_constraints().ok().map(|found| found.is_some_and(|extension| extension.value.ca));
    Content {
        subject: Some(distinguished_name(certificate.subject())),
        issuer: Some(distinguished_name(certificate.issuer())),
        subject_cn: common_names(certificate.subject()),
        issuer_cn: common_names(certificate.issuer()),
        issuer_organisation: certificate.issuer().iter_organization().next().map(|name| text(name.attr_value())),
        serial: Some(serial(certificate.raw_serial())),
        not_before: Some(validity.not_before.timestamp()),
        not_after: Some(validity.not_after.timestamp()),
        san_dns,
        san_ip,
        key_type: Some(key_type),
        key_bits,
        signature_algorithm: Some(signature_algorithm(&certificate.signature_algorithm.algorithm)),
        is_ca,
        has_public_pointers,
        must_staple: extension_value(&certificate, TLS_FEATURE).is_some_and(asks_for_staple),
        scts: extension_value(&certificate, SCT_LIST)
            .map_or_else(Vec::new, |value| scts::in_octet_string(value, SctSource::Certificate)),
        key_digest: Sha256::digest(certificate.public_key().raw).into(),
        has_authority_access,
        self_issued: Some(certificate.subject().as_raw() == certificate.issuer().as_raw()),
        ..digests
    }
}

/// Seconds since the epoch as `2020-07-22T16:00:58Z`.
#[must_use]
pub fn moment(seconds: i64) -> String {
    DateTime::from_timestamp(seconds, 0)
        .map_or_else(|| seconds.to_string(), |at| at.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}

/// Whether a certificate is for a host: a DNS name, or an IP address in its text form.
#[must_use]
pub fn is_for(content: &Content, host: &str) -> bool {
    match host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>() {
        Ok(address) => content.san_ip.contains(&address.to_string()),
        Err(_) => name_matches(host, &content.san_dns),
    }
}

/// Whether a host name matches one of the DNS names (RFC 9525 6.3): case does not count, and `*` stands for exactly
/// one whole left-most label.
#[must_use]
pub fn name_matches(host: &str, names: &[String]) -> bool {
    let host = host.trim_end_matches('.');
    names.iter().any(|name| {
        let name = name.trim_end_matches('.');
        match name.strip_prefix("*.") {
            Some(parent) => {
                host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest.eq_ignore_ascii_case(parent))
            }
            None => host.eq_ignore_ascii_case(name),
        }
    })
}

/// The value of the first extension with this identifier.
fn extension_value<'a>(certificate: &'a X509Certificate<'_>, oid: &[u8]) -> Option<&'a [u8]> {
    certificate.extensions().iter().find(|extension| extension.oid.as_bytes() == oid).map(|found| found.value)
}

/// Whether a list of TLS features holds status_request or status_request_v2.
fn asks_for_staple(value: &[u8]) -> bool {
    let Some((mut features, _)) = der::expect(der::SEQUENCE, value) else { return false };
    while let Some((feature, rest)) = der::expect(der::INTEGER, features) {
        if matches!(feature, [5 | 17]) {
            return true;
        }
        features = rest;
    }
    false
}

/// Bytes of a serial number as reports show them.
pub(super) fn serial(bytes: &[u8]) -> String {
    let text = hex(bytes);
    let digits = text.trim_start_matches('0');
    if digits.is_empty() { "0".into() } else { digits.into() }
}

fn common_names(name: &X509Name<'_>) -> Vec<String> {
    name.iter_common_name().map(|attribute| text(attribute.attr_value())).collect()
}

/// RFC 4514: the last RDN first, special characters escaped.
pub(super) fn distinguished_name(name: &X509Name<'_>) -> String {
    let mut parts: Vec<String> = name
        .iter_rdn()
        .map(|rdn| {
            let attributes: Vec<String> = rdn
                .iter()
                .map(|attribute| {
                    let value = escape(&text(attribute.attr_value()));
                    format!("{}={value}", attribute_name(attribute.attr_type()))
                })
                .collect();
            attributes.join("+")
        })
        .collect();
    parts.reverse();
    parts.join(",")
}

fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for (place, letter) in value.char_indices() {
        let leading = place == 0 && matches!(letter, ' ' | '#');
        let trailing = letter == ' ' && place.saturating_add(1) == value.len();
        if leading || trailing || matches!(letter, ',' | '+' | '"' | '\\' | '<' | '>' | ';') {
            escaped.push('\\');
        }
        escaped.push(letter);
    }
    escaped
}

fn attribute_name(oid: &Oid<'_>) -> String {
    let dotted = oid.to_id_string();
    let short = match dotted.as_str() {
        "2.5.4.3" => "CN",
        "2.5.4.5" => "serialNumber",
        "2.5.4.6" => "C",
        "2.5.4.7" => "L",
        "2.5.4.8" => "ST",
        "2.5.4.9" => "STREET",
        "2.5.4.10" => "O",
        "2.5.4.11" => "OU",
        "2.5.4.15" => "businessCategory",
        "2.5.4.17" => "postalCode",
        "2.5.4.97" => "organizationIdentifier",
        "0.9.2342.19200300.100.1.25" => "DC",
        "0.9.2342.19200300.100.1.1" => "UID",
        "1.2.840.113549.1.9.1" => "emailAddress",
        _ => return dotted,
    };
    short.into()
}

/// A directory string of any of its types.
fn text(value: &Any<'_>) -> String {
    match value.tag() {
        Tag::T61String => value.data.iter().map(|byte| char::from(*byte)).collect(),
        Tag::BmpString => {
            let units =
                value.data.chunks_exact(2).map(|pair| pair.iter().fold(0, |n: u16, byte| n << 8 | u16::from(*byte)));
            char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
        Tag::UniversalString => value
            .data
            .chunks_exact(4)
            .map(|four| four.iter().fold(0, |n: u32, byte| n << 8 | u32::from(*byte)))
            .map(|number| char::from_u32(number).unwrap_or(char::REPLACEMENT_CHARACTER))
            .collect(),
        _ => String::from_utf8_lossy(value.data).into_owned(),
    }
}

fn alternative_names(certificate: &X509Certificate<'_>) -> (Vec<String>, Vec<String>) {
    let (mut dns, mut ip) = (Vec::new(), Vec::new());
    for extension in certificate.extensions() {
        let ParsedExtension::SubjectAlternativeName(names) = extension.parsed_extension() else { continue };
        for name in &names.general_names {
            match name {
                GeneralName::DNSName(name) => dns.push((*name).to_owned()),
                GeneralName::Invalid(Tag(2), bytes) => dns.push(String::from_utf8_lossy(bytes).into_owned()),
                GeneralName::IPAddress(bytes) => ip.push(address(bytes)),
                _ => {}
            }
        }
    }
    (dns, ip)
}

fn address(bytes: &[u8]) -> String {
    if let Ok(four) = <[u8; 4]>::try_from(bytes) {
        return IpAddr::from(four).to_string();
    }
    <[u8; 16]>::try_from(bytes).map_or_else(|_| hex(bytes), |sixteen| IpAddr::from(sixteen).to_string())
}

fn public_key(key: &SubjectPublicKeyInfo<'_>) -> (String, Option<u32>) {
    let oid = key.algorithm.algorithm.to_id_string();
    let parsed_bits = || match key.parsed() {
        Ok(PublicKey::RSA(rsa)) => modulus_bits(rsa.modulus),
        Ok(PublicKey::DSA(y)) => u32::try_from(y.len().saturating_mul(8)).ok(),
        _ => None,
    };
    match oid.as_str() {
        "1.2.840.113549.1.1.1" => ("RSA".into(), parsed_bits()),
        "1.2.840.113549.1.1.10" => ("RSA-PSS".into(), parsed_bits()),
        "1.2.840.10045.2.1" => {
            let curve =
                key.algorithm.parameters.as_ref().and_then(|any| any.as_oid().ok()).map(|oid| oid.to_id_string());
            let bits = match curve.as_deref() {
                Some("1.2.840.10045.3.1.1") => Some(192),
                Some("1.3.132.0.33") => Some(224),
                Some("1.2.840.10045.3.1.7" | "1.3.132.0.10" | "1.3.36.3.3.2.8.1.1.7") => Some(256),
                Some("1.3.132.0.34" | "1.3.36.3.3.2.8.1.1.11") => Some(384),
                Some("1.3.36.3.3.2.8.1.1.13") => Some(512),
                Some("1.3.132.0.35") => Some(521),
                _ => None,
            };
            ("EC".into(), bits)
        }
        "1.2.840.10040.4.1" => ("DSA".into(), parsed_bits()),
        "1.3.101.112" => ("Ed25519".into(), Some(256)),
        "1.3.101.113" => ("Ed448".into(), Some(456)),
        "2.16.840.1.101.3.4.3.17" => ("ML-DSA-44".into(), None),
        "2.16.840.1.101.3.4.3.18" => ("ML-DSA-65".into(), None),
        "2.16.840.1.101.3.4.3.19" => ("ML-DSA-87".into(), None),
        _ => (oid, None),
    }
}

fn modulus_bits(modulus: &[u8]) -> Option<u32> {
    let start = modulus.iter().position(|byte| *byte != 0)?;
    let zeros = modulus.get(start)?.leading_zeros();
    let bytes = u32::try_from(modulus.len().checked_sub(start)?).ok()?;
    bytes.checked_mul(8)?.checked_sub(zeros)
}

fn signature_algorithm(oid: &Oid<'_>) -> String {
    let dotted = oid.to_id_string();
    let name = match dotted.as_str() {
        "1.2.840.113549.1.1.2" => "md2WithRSAEncryption",
        "1.2.840.113549.1.1.4" => "md5WithRSAEncryption",
        "1.2.840.113549.1.1.5" | "1.3.14.3.2.29" => "sha1WithRSAEncryption",
        "1.2.840.113549.1.1.10" => "rsassaPss",
        "1.2.840.113549.1.1.11" => "sha256WithRSAEncryption",
        "1.2.840.113549.1.1.12" => "sha384WithRSAEncryption",
        "1.2.840.113549.1.1.13" => "sha512WithRSAEncryption",
        "1.2.840.113549.1.1.14" => "sha224WithRSAEncryption",
        "1.2.840.10040.4.3" => "dsa-with-sha1",
        "2.16.840.1.101.3.4.3.2" => "dsa-with-sha256",
        "1.2.840.10045.4.1" => "ecdsa-with-SHA1",
        "1.2.840.10045.4.3.1" => "ecdsa-with-SHA224",
        "1.2.840.10045.4.3.2" => "ecdsa-with-SHA256",
        "1.2.840.10045.4.3.3" => "ecdsa-with-SHA384",
        "1.2.840.10045.4.3.4" => "ecdsa-with-SHA512",
        "1.3.101.112" => "Ed25519",
        "1.3.101.113" => "Ed448",
        "2.16.840.1.101.3.4.3.17" => "ML-DSA-44",
        "2.16.840.1.101.3.4.3.18" => "ML-DSA-65",
        "2.16.840.1.101.3.4.3.19" => "ML-DSA-87",
        _ => return dotted,
    };
    name.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_match_as_rfc_9525_says() {
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(name_matches("WWW.example.com", &names(&["www.Example.com"])));
        assert!(name_matches("a.example.com", &names(&["*.example.com"])));
        assert!(!name_matches("a.b.example.com", &names(&["*.example.com"])));
        assert!(!name_matches("example.com", &names(&["*.example.com"])));
        assert!(!name_matches("wxw.example.com", &names(&["w*w.example.com"])));
        assert!(!name_matches("example.com", &[]));
    }

    #[test]
    fn what_cannot_be_parsed_still_has_digests() {
        let content = read(b"abc");
        assert_eq!(content.sha1, "a9993e364706816aba3e25717850c26c9cd0d89d");
        assert_eq!(content.sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!((content.subject, content.der_length), (None, 3));
    }

    #[test]
    fn moments_and_serials() {
        assert_eq!(moment(1_595_433_658), "2020-07-22T16:00:58Z");
        assert_eq!(serial(&[0, 0x04, 0x1a]), "41a");
        assert_eq!(serial(&[0]), "0");
    }

    proptest! {
        #[test]
        fn any_bytes(der in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&der);
        }
    }
}
