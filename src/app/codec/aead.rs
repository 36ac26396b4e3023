//! The AEADs of TLS 1.2, TLS 1.3 and QUIC behind one face: a key of a known algorithm opens bytes in place. The ciphers
//! are the libraries'.
use std::fmt;

use aes::{Aes128, Aes256};
use cbc::cipher::{
    KeyInit,
    consts::{U8, U12, U16},
};
use ccm::{Ccm, aead::AeadInOut};
use ring::aead;

/// Bytes of a nonce, of all of them.
pub const NONCE_BYTES: usize = 12;

/// Which one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Algorithm {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
    Aes128Ccm,
    Aes256Ccm,
    /// With a tag of eight bytes.
    Aes128Ccm8,
    /// With a tag of eight bytes.
    Aes256Ccm8,
}

impl Algorithm {
    /// Bytes of a key.
    #[must_use]
    pub fn key_bytes(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Ccm | Self::Aes128Ccm8 => 16,
            Self::Aes256Gcm | Self::ChaCha20Poly1305 | Self::Aes256Ccm | Self::Aes256Ccm8 => 32,
        }
    }
}

/// A key.
pub struct Aead(Key);

enum Key {
    Ring(Box<aead::LessSafeKey>),
    Ccm128(Box<Ccm<Aes128, U16, U12>>),
    Ccm256(Box<Ccm<Aes256, U16, U12>>),
    Ccm128Short(Box<Ccm<Aes128, U8, U12>>),
    Ccm256Short(Box<Ccm<Aes256, U8, U12>>),
}

impl fmt::Debug for Aead {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Aead")
    }
}

impl Aead {
    /// Of these bytes; null when their number is not the algorithm's.
    #[must_use]
    pub fn new(algorithm: Algorithm, key: &[u8]) -> Option<Self> {
        let ring = |algorithm| {
            let key = aead::UnboundKey::new(algorithm, key).ok()?;
            Some(Key::Ring(Box::new(aead::LessSafeKey::new(key))))
        };
        let key = match algorithm {
            Algorithm::Aes128Gcm => ring(&aead::AES_128_GCM),
            Algorithm::Aes256Gcm => ring(&aead::AES_256_GCM),
            Algorithm::ChaCha20Poly1305 => ring(&aead::CHACHA20_POLY1305),
            Algorithm::Aes128Ccm => Ccm::new_from_slice(key).ok().map(|key| Key::Ccm128(Box::new(key))),
            Algorithm::Aes256Ccm => Ccm::new_from_slice(key).ok().map(|key| Key::Ccm256(Box::new(key))),
            Algorithm::Aes128Ccm8 => Ccm::new_from_slice(key).ok().map(|key| Key::Ccm128Short(Box::new(key))),
            Algorithm::Aes256Ccm8 => Ccm::new_from_slice(key).ok().map(|key| Key::Ccm256Short(Box::new(key))),
        };
        key.map(Self)
    }

    /// Bytes of the authentication tag behind the ciphertext.
    #[must_use]
    pub fn tag_bytes(&self) -> usize {
        match self.0 {
            Key::Ccm128Short(_) | Key::Ccm256Short(_) => 8,
            _ => 16,
        }
    }

    /// Opens what is in `buffer`, which keeps the plaintext; what it holds after a failure means nothing. `nonce` and
    /// `aad` as the protocol makes them.
    pub fn open(&self, nonce: [u8; NONCE_BYTES], aad: &[u8], buffer: &mut Vec<u8>) -> Option<()> {
        match &self.0 {
            Key::Ring(key) => {
                let nonce = aead::Nonce::assume_unique_for_key(nonce);
                let length = key.open_in_place(nonce, aead::Aad::from(aad), buffer).ok()?.len();
                buffer.truncate(length);
                Some(())
            }
            Key::Ccm128(key) => key.decrypt_in_place(&nonce.into(), aad, buffer).ok(),
            Key::Ccm256(key) => key.decrypt_in_place(&nonce.into(), aad, buffer).ok(),
            Key::Ccm128Short(key) => key.decrypt_in_place(&nonce.into(), aad, buffer).ok(),
            Key::Ccm256Short(key) => key.decrypt_in_place(&nonce.into(), aad, buffer).ok(),
        }
    }
}

/// The nonce of packet or record `number`: the IV combined with it (RFC 9846, section 5.3; RFC 9001, section 5.3).
#[must_use]
pub fn nonce(iv: &[u8; NONCE_BYTES], number: u64) -> [u8; NONCE_BYTES] {
    let mut nonce = *iv;
    nonce.iter_mut().rev().zip(number.to_le_bytes()).for_each(|(byte, number)| *byte ^= number);
    nonce
}
