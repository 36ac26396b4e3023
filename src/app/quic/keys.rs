//! Keys that anyone can derive: those of Initial packets, from what everyone on the path sees (RFC 9001, section 5.2), and
//! that of Retry packets (section 5.8).
use ring::{aead, hkdf};

use super::{
    header::{ConnectionId, Long, RETRY_TAG_BYTES},
    protection::{Cipher, Protection, Scratch},
    version::{InitialConstants, RetryConstants, Version},
};

/// The keys of both directions of a connection.
pub struct InitialKeys {
    /// Opens what the client sent.
    pub client: Keys,
    /// Opens what the server sent.
    pub server: Keys,
}

/// The keys of one direction.
pub struct Keys(Protection);

impl InitialKeys {
    /// From the Destination Connection ID of the client's first Initial packet.
    pub fn derive(constants: &InitialConstants, destination: &ConnectionId) -> Option<Self> {
        let [client, server] = initial_secrets(constants, destination)?;
        let keys = |secret: [u8; 32]| Some(Keys(Protection::derive(&secret, Cipher::INITIAL, constants.labels)?));
        Some(Self { client: keys(client)?, server: keys(server)? })
    }
}

/// The secrets of client and server.
pub(super) fn initial_secrets(constants: &InitialConstants, destination: &ConnectionId) -> Option<[[u8; 32]; 2]> {
    let secret = hkdf::Salt::new(hkdf::HKDF_SHA256, &constants.salt).extract(destination.as_bytes());
    Some([expand(&secret, "client in")?, expand(&secret, "server in")?])
}

impl Keys {
    /// Removes both protections of `packet` and returns its number; the frames are in `scratch` then. `expected` is the
    /// number after the largest one seen. Null when the packet is cut or these are not its keys.
    pub fn open(&self, packet: &Long<'_>, expected: u64, scratch: &mut Scratch) -> Option<u64> {
        self.0.open(packet.whole()?, packet.number_offset, expected, scratch)
    }
}

/// HKDF-Expand-Label (RFC 9846, section 7.1) to a secret of SHA-256, of one that HKDF-Extract made.
fn expand(secret: &hkdf::Prk, label: &str) -> Option<[u8; 32]> {
    let label_length = [u8::try_from(label.len()).ok()?.checked_add(6)?];
    let info = [&[0, 32][..], &label_length, b"tls13 ", label.as_bytes(), &[0]];
    let mut out = [0; 32];
    secret.expand(&info, hkdf::HKDF_SHA256).ok()?.fill(&mut out).ok()?;
    Some(out)
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
            let (keys, mut scratch) = (keys(version), Scratch::default());
            let bytes = hex(client);
            let number = keys.client.open(&long(&bytes).unwrap().1, 0, &mut scratch).unwrap();
            let mut payload = hex(CLIENT_FRAMES);
            payload.resize(1162, 0);
            assert_eq!((number, &scratch.payload), (2, &payload));
            let bytes = hex(server);
            let number = keys.server.open(&long(&bytes).unwrap().1, 0, &mut scratch).unwrap();
            assert_eq!((number, &scratch.payload), (1, &hex(SERVER_FRAMES)));
            assert_eq!(keys.client.open(&long(&bytes).unwrap().1, 0, &mut scratch), None, "the other side's keys");
        }
    }

    #[test]
    fn a_changed_bit_does_not_open() {
        let keys = keys(Version::V1);
        for at in [0, 18, 30, 1199] {
            let mut bytes = hex(V1_CLIENT);
            bytes[at] ^= 1;
            assert_eq!(keys.client.open(&long(&bytes).unwrap().1, 0, &mut Scratch::default()), None);
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
}
