//! Keys of Initial packets, derived from what everyone on the path sees (RFC 9001, section 5.2), and the opening of
//! packets with them (sections 5.3 and 5.4).
use ring::{
    aead::{self, quic::HeaderProtectionKey},
    hkdf,
};

use super::{
    header::{ConnectionId, Long, RETRY_TAG_BYTES},
    version::{InitialConstants, RetryConstants, Version},
};

/// Bytes of ciphertext that header protection samples, and of the authentication tag (RFC 9001, sections 5.4.2, 5.3).
const SAMPLE_BYTES: usize = 16;

/// The keys of one direction.
pub struct Keys {
    opening: aead::LessSafeKey,
    nonce: [u8; aead::NONCE_LEN],
    header: HeaderProtectionKey,
}

/// The keys of both directions of a connection.
pub struct InitialKeys {
    /// Opens what the client sent.
    pub client: Keys,
    /// Opens what the server sent.
    pub server: Keys,
}

/// A packet opened.
#[derive(Debug, PartialEq, Eq)]
pub struct Opened {
    /// The packet number, whole.
    pub number: u64,
    /// Where the frames are in the buffer it was opened in.
    pub payload: std::ops::Range<usize>,
}

impl InitialKeys {
    /// From the Destination Connection ID of the client's first Initial packet.
    pub fn derive(constants: &InitialConstants, destination: &ConnectionId) -> Option<Self> {
        let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, &constants.salt).extract(destination.as_bytes());
        let labels = if constants.labels_v2 {
            ["quicv2 key", "quicv2 iv", "quicv2 hp"]
        } else {
            ["quic key", "quic iv", "quic hp"]
        };
        Some(Self {
            client: Keys::derive(&expand::<32>(&secret, "client in")?, labels)?,
            server: Keys::derive(&expand::<32>(&secret, "server in")?, labels)?,
        })
    }
}

impl Keys {
    fn derive(secret: &[u8; 32], [key, nonce, header]: [&str; 3]) -> Option<Self> {
        let secret = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, secret);
        let opening = aead::UnboundKey::new(&aead::AES_128_GCM, &expand::<16>(&secret, key)?).ok()?;
        Some(Self {
            opening: aead::LessSafeKey::new(opening),
            nonce: expand(&secret, nonce)?,
            header: HeaderProtectionKey::new(&aead::quic::AES_128, &expand::<16>(&secret, header)?).ok()?,
        })
    }

    /// Removes both protections of `packet`. `expected` is the packet number after the largest one seen. `scratch`
    /// is overwritten. Nothing when the packet is cut or these are not its keys.
    pub fn open(&self, packet: &Long<'_>, expected: u64, scratch: &mut Vec<u8>) -> Option<Opened> {
        let end = packet.number_offset.checked_add(usize::try_from(packet.length).ok()?)?;
        let bytes = packet.packet.get(..end)?;
        // The sample starts as if the packet number had four bytes.
        let sample_at = packet.number_offset.checked_add(4)?;
        let sample = bytes.get(sample_at..)?.get(..SAMPLE_BYTES)?;
        let [first_mask, number_mask @ ..] = self.header.new_mask(sample).ok()?;
        scratch.clear();
        scratch.extend_from_slice(bytes);
        let first = scratch.first_mut()?;
        *first ^= first_mask & 0x0f;
        let number_bytes = usize::from(*first & 3).saturating_add(1);
        let payload_at = packet.number_offset.checked_add(number_bytes)?;
        let mut truncated = 0_u64;
        for (byte, mask) in scratch.get_mut(packet.number_offset..payload_at)?.iter_mut().zip(number_mask) {
            *byte ^= mask;
            truncated = truncated << 8 | u64::from(*byte);
        }
        let number = packet_number(expected, truncated, number_bytes);
        let (header, sealed) = scratch.split_at_mut_checked(payload_at)?;
        let nonce = aead::Nonce::assume_unique_for_key(self.nonce_of(number));
        let payload = self.opening.open_in_place(nonce, aead::Aad::from(&*header), sealed).ok()?;
        let payload = payload_at..payload_at.checked_add(payload.len())?;
        Some(Opened { number, payload })
    }

    /// The static nonce combined with the packet number (RFC 9001, section 5.3).
    fn nonce_of(&self, number: u64) -> [u8; aead::NONCE_LEN] {
        let mut nonce = self.nonce;
        nonce.iter_mut().rev().zip(number.to_le_bytes()).for_each(|(nonce, number)| *nonce ^= number);
        nonce
    }
}

/// HKDF-Expand-Label with an empty context (RFC 8446, section 7.1).
fn expand<const N: usize>(secret: &hkdf::Prk, label: &str) -> Option<[u8; N]> {
    struct Length(usize);
    impl hkdf::KeyType for Length {
        fn len(&self) -> usize {
            self.0
        }
    }
    let length = u16::try_from(N).ok()?.to_be_bytes();
    let label_length = [u8::try_from(label.len()).ok()?.checked_add(6)?];
    let info = [&length[..], &label_length, b"tls13 ", label.as_bytes(), &[0]];
    let mut out = [0; N];
    secret.expand(&info, Length(N)).ok()?.fill(&mut out).ok()?;
    Some(out)
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

/// Whether `packet`, a whole Retry, answers the Initial sent to `original`: its integrity tag says so (RFC 9001,
/// section 5.8). Nothing when the version's key is not known.
pub fn retry_answers(packet: &[u8], version: Version, original: &ConnectionId) -> Option<bool> {
    let RetryConstants { key, nonce } = version.retry_constants()?;
    let (retry, tag) = packet.split_at_checked(packet.len().checked_sub(RETRY_TAG_BYTES)?)?;
    let mut pseudo = Vec::with_capacity(packet.len().saturating_add(ConnectionId::MAX_BYTES));
    pseudo.push(u8::try_from(original.as_bytes().len()).ok()?);
    pseudo.extend_from_slice(original.as_bytes());
    pseudo.extend_from_slice(retry);
    let key = aead::LessSafeKey::new(aead::UnboundKey::new(&aead::AES_128_GCM, &key).ok()?);
    let mut tag: [u8; RETRY_TAG_BYTES] = tag.try_into().ok()?;
    let nonce = aead::Nonce::assume_unique_for_key(nonce);
    Some(key.open_in_place(nonce, aead::Aad::from(pseudo), &mut tag).is_ok())
}

#[cfg(test)]
mod tests {
    use super::{
        super::{header::long, vectors::*},
        *,
    };

    fn keys(version: Version) -> InitialKeys {
        let original = ConnectionId::new(&hex("8394c8f03e515708")).unwrap();
        InitialKeys::derive(&version.initial_constants()[0], &original).unwrap()
    }

    #[test]
    fn samples_of_rfc_9001_and_rfc_9369_open() {
        for (version, client, server) in [(Version::V1, V1_CLIENT, V1_SERVER), (Version::V2, V2_CLIENT, V2_SERVER)] {
            let (keys, mut scratch) = (keys(version), Vec::new());
            let bytes = hex(client);
            let opened = keys.client.open(&long(&bytes).unwrap().1, 0, &mut scratch).unwrap();
            let mut payload = hex(CLIENT_FRAMES);
            payload.resize(1162, 0);
            assert_eq!((opened.number, &scratch[opened.payload]), (2, &payload[..]));
            let bytes = hex(server);
            let opened = keys.server.open(&long(&bytes).unwrap().1, 0, &mut scratch).unwrap();
            assert_eq!((opened.number, &scratch[opened.payload]), (1, &hex(SERVER_FRAMES)[..]));
            assert_eq!(keys.client.open(&long(&bytes).unwrap().1, 0, &mut scratch), None, "the other side's keys");
        }
    }

    #[test]
    fn a_changed_bit_does_not_open() {
        let keys = keys(Version::V1);
        for at in [0, 18, 30, 1199] {
            let mut bytes = hex(V1_CLIENT);
            bytes[at] ^= 1;
            assert_eq!(keys.client.open(&long(&bytes).unwrap().1, 0, &mut Vec::new()), None);
        }
    }

    #[test]
    fn retries_answer_the_initial_they_were_made_for() {
        let (original, other) = (hex("8394c8f03e515708"), hex("8394c8f03e515709"));
        let (original, other) = (ConnectionId::new(&original).unwrap(), ConnectionId::new(&other).unwrap());
        for (version, retry) in [(Version::V1, V1_RETRY), (Version::V2, V2_RETRY)] {
            assert_eq!(retry_answers(&hex(retry), version, &original), Some(true));
            assert_eq!(retry_answers(&hex(retry), version, &other), Some(false));
        }
        assert_eq!(retry_answers(&hex(V1_RETRY), Version(0xff00_001d), &original), None);
    }

    #[test]
    fn packet_numbers_of_rfc_9000_a_3() {
        assert_eq!(packet_number(0xa82f_30ea + 1, 0x9b32, 2), 0xa82f_9b32);
        assert_eq!(packet_number(0, 0xff, 1), 0xff);
        assert_eq!(packet_number(0x100, 0xff, 1), 0xff);
        assert_eq!(packet_number(0xff, 0x01, 1), 0x101);
    }
}
