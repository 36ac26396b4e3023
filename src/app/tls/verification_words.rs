//! What `webpki` says of a chain, in plain words. What needs more than the error to be told is `verification`'s.
use webpki::{DerTypeId, Error};

use crate::record::{Side, VerificationReason as Reason};

/// The reason, and a sentence without its full stop.
pub(super) fn of(error: &Error, side: Side) -> (Reason, &'static str) {
    match error {
        Error::CertExpired { .. } => (Reason::Expired, "A certificate of the chain has expired"),
        Error::CertNotValidYet { .. } => (Reason::NotYetValid, "A certificate of the chain is not valid yet"),
        Error::UnknownIssuer => (Reason::UnknownCa, "The chain does not lead to a trusted authority"),
        Error::CaUsedAsEndEntity => (
            Reason::WrongPurpose,
            match side {
                Side::Server => "The server's certificate is one for an authority, not for a server",
                Side::Client => "The client's certificate is one for an authority, not for a client",
            },
        ),
        #[allow(deprecated)] // the older form may still be returned
        Error::RequiredEkuNotFound | Error::RequiredEkuNotFoundContext(_) | Error::EmptyEkuExtension => (
            Reason::WrongPurpose,
            match side {
                Side::Server => {
                    "A certificate of the chain has an extendedKeyUsage that does not allow servers (RFC 5280 4.2.1.12)"
                }
                Side::Client => {
                    "A certificate of the chain has an extendedKeyUsage that does not allow clients (RFC 5280 4.2.1.12)"
                }
            },
        ),
        Error::EndEntityUsedAsCa => {
            (Reason::NotACa, "A certificate of the chain was issued by one that is no authority's")
        }
        Error::NameConstraintViolation => {
            (Reason::NameConstraints, "An authority of the chain may not issue for this name")
        }
        Error::PathLenConstraintViolated => {
            (Reason::PathLength, "An authority of the chain may not have further authorities below it")
        }
        Error::InvalidSignatureForPublicKey => {
            (Reason::InvalidSignature, "A signature of the chain does not fit the issuer's key")
        }
        Error::SignatureAlgorithmMismatch => (
            Reason::InvalidSignature,
            "A certificate of the chain names one signature algorithm inside what is signed and another outside",
        ),
        Error::CertDistrusted => (Reason::Distrusted, "An authority of the chain is distrusted by name"),
        Error::CertNotValidForName(_) => (Reason::WrongHost, "The certificate is not for the name that was asked for"),
        Error::UnsupportedCriticalExtension => {
            (Reason::Unsupported, "A certificate of the chain has a critical extension that clients do not know")
        }
        Error::UnsupportedCertVersion => {
            (Reason::Unsupported, "A certificate of the chain is not of X.509 version 3, and clients accept no other")
        }
        Error::UnsupportedNameType => {
            (Reason::Unsupported, "An authority of the chain limits names of a kind that is not checked here")
        }
        #[allow(deprecated)]
        Error::UnsupportedSignatureAlgorithm
        | Error::UnsupportedSignatureAlgorithmContext(_)
        | Error::UnsupportedSignatureAlgorithmForPublicKey
        | Error::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => {
            (Reason::Unsupported, "The chain uses a signature algorithm or key that is not checked here")
        }
        Error::MaximumSignatureChecksExceeded
        | Error::MaximumPathBuildCallsExceeded
        | Error::MaximumPathDepthExceeded
        | Error::MaximumNameConstraintComparisonsExceeded => {
            (Reason::TooComplex, "The chain has more possible paths than a client tries")
        }
        Error::BadDerTime => {
            (Reason::Malformed, "A certificate of the chain holds a time that is none (RFC 5280 4.1.2.5)")
        }
        Error::ExtensionValueInvalid | Error::MalformedExtensions => (
            Reason::Malformed,
            "A certificate of the chain has an extension that is malformed or stands there twice (RFC 5280 4.2)",
        ),
        Error::InvalidCertValidity => {
            (Reason::Malformed, "A certificate of the chain ends to be valid before it begins (RFC 5280 4.1.2.5)")
        }
        Error::InvalidNetworkMaskConstraint => {
            (Reason::Malformed, "An authority of the chain limits addresses by a mask that is none (RFC 5280 4.2.1.10)")
        }
        Error::MalformedNameConstraint => {
            (Reason::Malformed, "An authority of the chain limits names in a malformed way (RFC 5280 4.2.1.10)")
        }
        Error::MalformedDnsIdentifier => {
            (Reason::Malformed, "A certificate of the chain holds a DNS name that is none (RFC 5280 4.2.1.6)")
        }
        Error::InvalidSerialNumber => (
            Reason::Malformed,
            "A certificate of the chain has a serial number that is not positive, or too long (RFC 5280 4.1.2.2)",
        ),
        Error::TrailingData(DerTypeId::Certificate | DerTypeId::SignedData) => {
            (Reason::Malformed, "More bytes than the certificate's own follow behind one of the chain")
        }
        Error::TrailingData(_) => {
            (Reason::Malformed, "A part of a certificate of the chain is longer than what is in it (RFC 5280 4.1)")
        }
        // BadDer, and what concerns revocation lists, of which none are given.
        _ => (Reason::Malformed, "A certificate of the chain does not follow RFC 5280"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rustls_pki_types::UnixTime;

    use super::*;

    /// All that it is possible to make of webpki's errors; a new one shows in `of`'s last arm.
    #[allow(deprecated)]
    fn all() -> Vec<Error> {
        let time = UnixTime::since_unix_epoch(Duration::from_secs(1));
        let mut all = vec![
            Error::BadDer,
            Error::BadDerTime,
            Error::CaUsedAsEndEntity,
            Error::CertDistrusted,
            Error::CertExpired { time, not_after: time },
            Error::CertNotValidYet { time, not_before: time },
            Error::CertRevoked,
            Error::CrlExpired { time, next_update: time },
            Error::EmptyEkuExtension,
            Error::EndEntityUsedAsCa,
            Error::ExtensionValueInvalid,
            Error::InvalidCertValidity,
            Error::InvalidCrlNumber,
            Error::InvalidNetworkMaskConstraint,
            Error::InvalidSerialNumber,
            Error::InvalidCrlSignatureForPublicKey,
            Error::InvalidSignatureForPublicKey,
            Error::IssuerNotCrlSigner,
            Error::MalformedDnsIdentifier,
            Error::MalformedExtensions,
            Error::MalformedNameConstraint,
            Error::MaximumNameConstraintComparisonsExceeded,
            Error::MaximumPathBuildCallsExceeded,
            Error::MaximumPathDepthExceeded,
            Error::MaximumSignatureChecksExceeded,
            Error::NameConstraintViolation,
            Error::PathLenConstraintViolated,
            Error::RequiredEkuNotFound,
            Error::SignatureAlgorithmMismatch,
            Error::UnknownIssuer,
            Error::UnknownRevocationStatus,
            Error::UnsupportedCertVersion,
            Error::UnsupportedCriticalExtension,
            Error::UnsupportedCrlIssuingDistributionPoint,
            Error::UnsupportedCrlVersion,
            Error::UnsupportedDeltaCrl,
            Error::UnsupportedIndirectCrl,
            Error::UnsupportedNameType,
            Error::UnsupportedRevocationReason,
            Error::UnsupportedRevocationReasonsPartitioning,
            Error::UnsupportedCrlSignatureAlgorithm,
            Error::UnsupportedSignatureAlgorithm,
            Error::UnsupportedCrlSignatureAlgorithmForPublicKey,
            Error::UnsupportedSignatureAlgorithmForPublicKey,
        ];
        all.extend(
            [
                DerTypeId::BitString,
                DerTypeId::Bool,
                DerTypeId::Certificate,
                DerTypeId::CertificateExtensions,
                DerTypeId::CertificateTbsCertificate,
                DerTypeId::Extension,
                DerTypeId::GeneralName,
                DerTypeId::Signature,
                DerTypeId::SignatureAlgorithm,
                DerTypeId::SignedData,
                DerTypeId::SubjectPublicKeyInfo,
                DerTypeId::Time,
            ]
            .map(Error::TrailingData),
        );
        all
    }

    #[test]
    fn no_error_shows_as_rust_spells_it() {
        for error in all() {
            let spelt = format!("{error:?}");
            let name: String = spelt.chars().take_while(char::is_ascii_alphanumeric).collect();
            for side in [Side::Client, Side::Server] {
                let (reason, words) = of(&error, side);
                assert!(!words.contains(&name) && !words.contains('{') && !words.ends_with('.'), "{words}");
                assert!(words.contains(' ') && reason != Reason::Ok, "{error:?}");
            }
        }
    }
}
