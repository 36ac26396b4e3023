//! Protection of packets, whatever level their keys are of: header protection and AEAD (RFC 9001, sections 5.3 and 5.4).
//! Which keys a packet has is `traffic`'s and `connection`'s business.
use std::fmt;

use ring::aead::quic::{self, HeaderProtectionKey};

use super::version::Labels;
use crate::app::codec::{
    aead::{self, Aead, Algorithm, NONCE_BYTES},
    hkdf::{expand_into, expand_label},
};

/// Bytes of ciphertext that header protection samples (RFC 9001, section 5.4.2).
const SAMPLE_BYTES: usize = 16;
/// The sample starts as if the packet number had this many bytes.
const MAX_NUMBER_BYTES: usize = 4;
/// HKDF-Expand-Label's prefix (RFC 9846, section 7.1).
const PREFIX: &str = "tls13 ";

/// What a cipher suite means for packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cipher {
    algorithm: Algorithm,
    /// Bytes of its secrets: of its hash.
    secret_bytes: usize,
}

impl Cipher {
    /// That of Initial packets.
    pub const INITIAL: Self = Self { algorithm: Algorithm::Aes128Gcm, secret_bytes: 32 };

    /// All that QUIC can use (RFC 9001, section 5.3), the commonest first.
    pub const ALL: [Self; 4] = [
        Self::INITIAL,
        Self { algorithm: Algorithm::Aes256Gcm, secret_bytes: 48 },
        Self { algorithm: Algorithm::ChaCha20Poly1305, secret_bytes: 32 },
        Self { algorithm: Algorithm::Aes128Ccm, secret_bytes: 32 },
    ];

    /// By IANA's number of the suite. TLS_AES_128_CCM_8_SHA256 must not be used in QUIC.
    pub fn of_suite(id: u16) -> Option<Self> {
        let [aes_128_gcm, aes_256_gcm, chacha20, aes_128_ccm] = Self::ALL;
        match id {
            0x1301 => Some(aes_128_gcm),
            0x1302 => Some(aes_256_gcm),
            0x1303 => Some(chacha20),
            0x1304 => Some(aes_128_ccm),
            _ => None,
        }
    }

    fn header_algorithm(self) -> &'static quic::Algorithm {
        match self.algorithm {
            Algorithm::ChaCha20Poly1305 => &quic::CHACHA20,
            _ if self.algorithm.key_bytes() == 32 => &quic::AES_256,
            _ => &quic::AES_128,
        }
    }
}

/// Buffers that are used again for each packet.
#[derive(Default)]
pub struct Scratch {
    /// The header, its protection removed: what the AEAD authenticates besides the payload.
    header: Vec<u8>,
    /// The frames, once a packet was opened.
    pub payload: Vec<u8>,
}

/// The key of header protection. It stays through key updates.
pub struct HeaderKey(HeaderProtectionKey);

/// What header protection had hidden.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unmasked {
    /// The first byte.
    pub first: u8,
    /// The packet number's low bytes, and how many there are.
    truncated: u64,
    number_bytes: usize,
    /// Where the payload begins.
    payload_at: usize,
}

impl fmt::Debug for HeaderKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("HeaderKey")
    }
}

impl HeaderKey {
    /// From a traffic secret; null when its length is not the cipher's.
    pub fn derive(secret: &[u8], cipher: Cipher, labels: Labels) -> Option<Self> {
        let key = derive_key(secret, cipher, labels.header)?;
        let key = key.get(..cipher.algorithm.key_bytes())?;
        Some(Self(HeaderProtectionKey::new(cipher.header_algorithm(), key).ok()?))
    }

    /// Removes header protection from `packet`, whole, whose packet number is at `number_offset`. The header is left in
    /// `scratch`.
    pub fn unmask(&self, packet: &[u8], number_offset: usize, scratch: &mut Scratch) -> Option<Unmasked> {
        let sample_at = number_offset.checked_add(MAX_NUMBER_BYTES)?;
        let sample = packet.get(sample_at..)?.get(..SAMPLE_BYTES)?;
        let [first_mask, number_mask @ ..] = self.0.new_mask(sample).ok()?;
        let hidden = *packet.first()?;
        let first = hidden ^ first_mask & if hidden & 0x80 != 0 { 0x0f } else { 0x1f };
        let number_bytes = usize::from(first & 3).saturating_add(1);
        let payload_at = number_offset.checked_add(number_bytes)?;
        scratch.header.clear();
        scratch.header.extend_from_slice(packet.get(..payload_at)?);
        *scratch.header.first_mut()? = first;
        let mut truncated = 0_u64;
        for (byte, mask) in scratch.header.get_mut(number_offset..)?.iter_mut().zip(number_mask) {
            *byte ^= mask;
            truncated = truncated << 8 | u64::from(*byte);
        }
        Some(Unmasked { first, truncated, number_bytes, payload_at })
    }
}

impl Unmasked {
    /// The whole packet number, when the one after the largest seen so far is `expected`.
    pub fn number(&self, expected: u64) -> u64 {
        packet_number(expected, self.truncated, self.number_bytes)
    }

    /// The key phase of a packet with a short header (RFC 9001, section 6).
    pub fn key_phase(&self) -> bool {
        self.first & 0x04 != 0
    }
}

/// Key and IV of the AEAD.
#[derive(Debug)]
pub struct PacketKey {
    opening: Aead,
    iv: [u8; NONCE_BYTES],
}

impl PacketKey {
    /// From a traffic secret; null when its length is not the cipher's.
    pub fn derive(secret: &[u8], cipher: Cipher, labels: Labels) -> Option<Self> {
        let key = derive_key(secret, cipher, labels.key)?;
        let opening = Aead::new(cipher.algorithm, key.get(..cipher.algorithm.key_bytes())?)?;
        Some(Self { opening, iv: expand_label(secret, PREFIX, labels.iv)? })
    }

    /// Opens `packet`, whose header was unmasked last: the frames are in `scratch` then. Null when these are not its keys.
    pub fn open(&self, packet: &[u8], unmasked: Unmasked, number: u64, scratch: &mut Scratch) -> Option<()> {
        scratch.payload.clear();
        scratch.payload.extend_from_slice(packet.get(unmasked.payload_at..)?);
        self.opening.open(aead::nonce(&self.iv, number), &scratch.header, &mut scratch.payload)
    }
}

/// Both keys.
#[derive(Debug)]
pub struct Protection {
    /// Of the header.
    pub header: HeaderKey,
    /// Of the payload.
    pub packet: PacketKey,
}

impl Protection {
    /// From a traffic secret.
    pub fn derive(secret: &[u8], cipher: Cipher, labels: Labels) -> Option<Self> {
        let header = HeaderKey::derive(secret, cipher, labels)?;
        Some(Self { header, packet: PacketKey::derive(secret, cipher, labels)? })
    }

    /// Removes both protections of `packet`, whole; returns its number. Null when these are not its keys.
    pub fn open(&self, packet: &[u8], number_offset: usize, expected: u64, scratch: &mut Scratch) -> Option<u64> {
        let unmasked = self.header.unmask(packet, number_offset, scratch)?;
        let number = unmasked.number(expected);
        self.packet.open(packet, unmasked, number, scratch)?;
        Some(number)
    }
}

/// The secret after a key update (RFC 9001, section 6.1).
pub fn next_secret(secret: &[u8], labels: Labels) -> Option<Vec<u8>> {
    let mut next = vec![0; secret.len()];
    expand_into(secret, PREFIX, labels.update, &mut next)?;
    Some(next)
}

/// A key by its label; the cipher's take the first bytes.
fn derive_key(secret: &[u8], cipher: Cipher, label: &str) -> Option<Vec<u8>> {
    if secret.len() != cipher.secret_bytes {
        return None;
    }
    let mut key = vec![0; cipher.algorithm.key_bytes()];
    expand_into(secret, PREFIX, label, &mut key)?;
    Some(key)
}

/// The packet number nearest to `expected` whose low bytes are `truncated` (RFC 9000, appendix A.3).
fn packet_number(expected: u64, truncated: u64, bytes: usize) -> u64 {
    let window = 1_u64 << bytes.clamp(1, 4).saturating_mul(8);
    let half = window >> 1;
    let candidate = expected & !window.wrapping_sub(1) | truncated;
    if candidate.saturating_add(half) <= expected && candidate < (1_u64 << 62).saturating_sub(window) {
        candidate.saturating_add(window)
    } else if candidate > expected.saturating_add(half) && candidate >= window {
        candidate.saturating_sub(window)
    } else {
        candidate
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{header::long, vectors::*, version::Version},
        *,
    };

    /// RFC 9001, A.5, and RFC 9369, A.5: a short header under ChaCha20.
    #[test]
    fn short_headers_under_chacha20() {
        let cipher = Cipher::of_suite(0x1303).unwrap();
        let secret = hex(CHACHA20_SECRET);
        for (version, packet, key, iv, header, update) in [
            (Version::V1, V1_CHACHA20, V1_CHACHA20_KEY, V1_CHACHA20_IV, V1_CHACHA20_HEADER, V1_CHACHA20_UPDATE),
            (Version::V2, V2_CHACHA20, V2_CHACHA20_KEY, V2_CHACHA20_IV, V2_CHACHA20_HEADER, V2_CHACHA20_UPDATE),
        ] {
            let labels = version.labels();
            assert_eq!(derive_key(&secret, cipher, labels.key).unwrap(), hex(key));
            assert_eq!(expand_label::<12>(&secret, PREFIX, labels.iv).unwrap().to_vec(), hex(iv));
            assert_eq!(derive_key(&secret, cipher, labels.header).unwrap(), hex(header));
            assert_eq!(next_secret(&secret, labels).unwrap(), hex(update));
            let (protection, mut scratch) = (Protection::derive(&secret, cipher, labels).unwrap(), Scratch::default());
            let number = protection.open(&hex(packet), 1, 654_360_564, &mut scratch);
            assert_eq!((number, &scratch.payload), (Some(654_360_564), &vec![1]), "a PING");
            assert_eq!(scratch.header, hex("4200bff4"));
            // Its number is known only from those before.
            assert_eq!(protection.open(&hex(packet), 1, 0, &mut scratch), None);
        }
    }

    #[test]
    fn secrets_of_another_hash_make_no_keys() {
        for (suite, length) in [(0x1301, 48), (0x1302, 32), (0x1303, 31), (0x1304, 0)] {
            let cipher = Cipher::of_suite(suite).unwrap();
            assert!(Protection::derive(&vec![7; length], cipher, Version::V1.labels()).is_none());
        }
        assert!(Cipher::of_suite(0x1305).is_none() && Cipher::of_suite(0x002f).is_none());
    }

    #[test]
    fn packets_that_are_too_short_to_sample() {
        let bytes = hex(V1_SERVER);
        let protection = Protection::derive(&[7; 32], Cipher::INITIAL, Version::V1.labels()).unwrap();
        let offset = long(&bytes).unwrap().1.number_offset;
        for length in 0..offset + 20 {
            assert_eq!(protection.open(&bytes[..length], offset, 0, &mut Scratch::default()), None);
        }
    }

    #[test]
    fn packet_numbers_of_rfc_9000_a_3() {
        assert_eq!(packet_number(0xa82f_30ea + 1, 0x9b32, 2), 0xa82f_9b32);
        assert_eq!(packet_number(0, 0xff, 1), 0xff);
        assert_eq!(packet_number(0x100, 0xff, 1), 0xff);
        assert_eq!(packet_number(0xff, 0x01, 1), 0x101);
    }
}
