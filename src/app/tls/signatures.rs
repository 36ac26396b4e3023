//! Signature algorithms with which chains are checked: those of `webpki`, and RSA with short keys or SHA-1, so that a
//! chain that uses them is called weak and not broken. Arithmetic is `ring`'s.
use ring::signature;
use rustls_pki_types::{AlgorithmIdentifier, InvalidSignature, SignatureVerificationAlgorithm, alg_id};

/// RSA PKCS#1 with keys from 1024 bits on.
#[derive(Debug)]
struct Legacy {
    signature: AlgorithmIdentifier,
    algorithm: &'static dyn signature::VerificationAlgorithm,
}

impl SignatureVerificationAlgorithm for Legacy {
    fn public_key_alg_id(&self) -> AlgorithmIdentifier {
        alg_id::RSA_ENCRYPTION
    }

    fn signature_alg_id(&self) -> AlgorithmIdentifier {
        self.signature
    }

    fn verify_signature(&self, public_key: &[u8], message: &[u8], value: &[u8]) -> Result<(), InvalidSignature> {
        let key = signature::UnparsedPublicKey::new(self.algorithm, public_key);
        key.verify(message, value).map_err(|_| InvalidSignature)
    }
}

/// sha1WithRSAEncryption with its NULL parameters (RFC 3279 2.2.1).
const RSA_SHA1: AlgorithmIdentifier =
    AlgorithmIdentifier::from_slice(&[6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 5, 5, 0]);

static RSA_1024_SHA1: Legacy =
    Legacy { signature: RSA_SHA1, algorithm: &signature::RSA_PKCS1_1024_8192_SHA1_FOR_LEGACY_USE_ONLY };
static RSA_1024_SHA256: Legacy = Legacy {
    signature: alg_id::RSA_PKCS1_SHA256,
    algorithm: &signature::RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY,
};
static RSA_1024_SHA512: Legacy = Legacy {
    signature: alg_id::RSA_PKCS1_SHA512,
    algorithm: &signature::RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
};

/// All of them. The first that fits a key and a signature is used, so that the wider ones stand first.
pub(super) fn algorithms() -> Vec<&'static dyn SignatureVerificationAlgorithm> {
    let wider: [&'static dyn SignatureVerificationAlgorithm; 3] = [&RSA_1024_SHA1, &RSA_1024_SHA256, &RSA_1024_SHA512];
    wider.into_iter().chain(webpki::ALL_VERIFICATION_ALGS.iter().copied()).collect()
}

/// Whether a signature holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Checked {
    /// It does.
    Fits,
    /// It does not.
    DoesNotFit,
    /// The algorithm, or this kind of key, is not known here.
    Unknown,
}

/// Checks a signature outside a certificate. The algorithms are AlgorithmIdentifiers without their headers, the signature's
/// and the key's.
pub(super) fn check(
    algorithms: &[&'static dyn SignatureVerificationAlgorithm],
    (key_algorithm, key): (&[u8], &[u8]),
    (algorithm, value): (&[u8], &[u8]),
    message: &[u8],
) -> Checked {
    // RSA's NULL parameters may be left out (RFC 4055 5).
    let same = |known: &[u8]| known == algorithm || known.strip_suffix(&[5, 0]) == Some(algorithm);
    let mut fitting = algorithms
        .iter()
        .filter(|known| known.public_key_alg_id().as_ref() == key_algorithm && same(known.signature_alg_id().as_ref()));
    // An ECDSA algorithm stands there once for each curve that may go with a hash.
    match fitting.try_fold(Checked::Unknown, |_, known| match known.verify_signature(key, message, value) {
        Ok(()) => Err(Checked::Fits),
        Err(_) => Ok(Checked::DoesNotFit),
    }) {
        Ok(checked) | Err(checked) => checked,
    }
}
