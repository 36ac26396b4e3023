//! From secrets to keys: the PRF of TLS 1.0 to 1.2 (RFC 2246, RFC 5246 section 5) and the KeyUpdate of TLS 1.3. The
//! primitives are the libraries'.
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha384};

use crate::app::codec::hkdf::expand_into;

/// Hashes of MACs, of the PRF and of HKDF.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Hash {
    Md5,
    Sha1,
    Sha256,
    Sha384,
}

/// Bytes of the longest output.
pub(super) const MAX_HASH_BYTES: usize = 48;

impl Hash {
    /// By its name in a cipher suite.
    pub(super) fn named(name: &str) -> Option<Self> {
        Some(match name {
            "MD5" => Self::Md5,
            "SHA" => Self::Sha1,
            "SHA256" => Self::Sha256,
            "SHA384" => Self::Sha384,
            _ => return None,
        })
    }

    /// Length of the output in bytes.
    pub(super) fn length(self) -> usize {
        match self {
            Self::Md5 => 16,
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha384 => 48,
        }
    }

    /// HMAC (RFC 2104) of some parts, one behind the other.
    pub(super) fn hmac(self, key: &[u8], parts: &[&[u8]]) -> Output {
        match self {
            Self::Md5 => mac::<Hmac<Md5>>(key, parts),
            Self::Sha1 => mac::<Hmac<Sha1>>(key, parts),
            Self::Sha256 => mac::<Hmac<Sha256>>(key, parts),
            Self::Sha384 => mac::<Hmac<Sha384>>(key, parts),
        }
    }

    /// The hash itself.
    pub(super) fn digest(self, bytes: &[u8]) -> Output {
        match self {
            Self::Md5 => Output::new(&Md5::digest(bytes)),
            Self::Sha1 => Output::new(&Sha1::digest(bytes)),
            Self::Sha256 => Output::new(&Sha256::digest(bytes)),
            Self::Sha384 => Output::new(&Sha384::digest(bytes)),
        }
    }
}

/// A hash's output.
#[derive(Clone, Copy)]
pub(super) struct Output {
    bytes: [u8; MAX_HASH_BYTES],
    length: usize,
}

impl Output {
    fn new(of: &[u8]) -> Self {
        let mut output = Self { bytes: [0; MAX_HASH_BYTES], length: of.len().min(MAX_HASH_BYTES) };
        output.bytes.iter_mut().zip(of).for_each(|(byte, of)| *byte = *of);
        output
    }

    pub(super) fn bytes(&self) -> &[u8] {
        self.bytes.get(..self.length).unwrap_or_default()
    }
}

fn mac<M: Mac + KeyInit>(key: &[u8], parts: &[&[u8]]) -> Output {
    let Ok(mut mac) = <M as KeyInit>::new_from_slice(key) else { return Output::new(&[]) };
    parts.iter().for_each(|part| mac.update(part));
    Output::new(&mac.finalize().into_bytes())
}

/// The pseudorandom function of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Prf {
    /// TLS 1.0 and 1.1: MD5 and SHA-1 on the two halves of the secret (RFC 2246 section 5).
    Md5Sha1,
    /// TLS 1.2, with the hash of the suite (RFC 5246 section 5).
    Of(Hash),
}

impl Prf {
    /// Fills `out` from secret, label and seed.
    pub(super) fn fill(self, secret: &[u8], label: &str, seed: &[&[u8]], out: &mut [u8]) {
        out.fill(0);
        match self {
            Self::Of(hash) => p_hash(hash, secret, label, seed, out),
            Self::Md5Sha1 => {
                // The halves share the middle byte of a secret of odd length.
                let half = secret.len().div_ceil(2);
                let first = secret.get(..half).unwrap_or_default();
                let second = secret.get(secret.len().saturating_sub(half)..).unwrap_or_default();
                p_hash(Hash::Md5, first, label, seed, out);
                p_hash(Hash::Sha1, second, label, seed, out);
            }
        }
    }

    /// The hash of the handshake messages, as Finished and the extended master secret take it.
    pub(super) fn session_hash(self, messages: &[u8]) -> Vec<u8> {
        match self {
            Self::Of(hash) => hash.digest(messages).bytes().to_vec(),
            Self::Md5Sha1 => [Hash::Md5.digest(messages).bytes(), Hash::Sha1.digest(messages).bytes()].concat(),
        }
    }
}

/// P_hash, added to what stands in `out` (RFC 5246 section 5).
fn p_hash(hash: Hash, secret: &[u8], label: &str, seed: &[&[u8]], out: &mut [u8]) {
    let mut parts: Vec<&[u8]> = vec![label.as_bytes()];
    parts.extend_from_slice(seed);
    let mut a = hash.hmac(secret, &parts);
    for chunk in out.chunks_mut(hash.length()) {
        let mut with_a: Vec<&[u8]> = vec![a.bytes()];
        with_a.extend_from_slice(&parts);
        let block = hash.hmac(secret, &with_a);
        chunk.iter_mut().zip(block.bytes()).for_each(|(byte, more)| *byte ^= more);
        a = hash.hmac(secret, &[a.bytes()]);
    }
}

/// The next secret after a KeyUpdate (RFC 9846 section 7.2).
pub(super) fn next_secret(secret: &[u8], prefix: &str) -> Option<Vec<u8>> {
    let mut next = vec![0; secret.len()];
    expand_into(secret, prefix, "traffic upd", &mut next)?;
    Some(next)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
        digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
    }

    /// The vector for P_SHA256 that was posted to the TLS working group and is used by most implementations.
    #[test]
    fn prf_of_tls12() {
        let mut out = [0; 100];
        let secret = hex("9b be 43 6b a9 40 f0 17 b1 76 52 84 9a 71 db 35");
        let seed = hex("a0 ba 9f 93 6c da 31 18 27 a6 f7 96 ff d5 19 8c");
        Prf::Of(Hash::Sha256).fill(&secret, "test label", &[&seed], &mut out);
        let expected = "e3 f2 29 ba 72 7b e1 7b 8d 12 26 20 55 7c d4 53 c2 aa b2 1d 07 c3 d4 95 32 9b 52 d4 e6 1e db 5a
            6b 30 17 91 e9 0d 35 c9 c9 a4 6b 4e 14 ba f9 af 0f a0 22 f7 07 7d ef 17 ab fd 37 97 c0 56 4b ab
            4f bc 91 66 6e 9d ef 9b 97 fc e3 4f 79 67 89 ba a4 80 82 d1 22 ee 42 c5 a7 2e 5a 51 10 ff f7 01 87 34 7b 66";
        assert_eq!(out.to_vec(), hex(expected));
    }
}
