//! Opening single records with keys that are known: AEAD of TLS 1.2 and 1.3, CBC with either order of MAC and encryption,
//! and RC4. Which keys, and which number a record has, is `decryption`'s business.
use std::fmt;

use aes::{Aes128, Aes256};
use cbc::cipher::{BlockModeDecrypt, InnerIvInit, KeyInit, StreamCipher, block_padding::NoPadding};
use des::TdesEde3;
use rc4::Rc4;

use super::{
    cipher_suites,
    key_schedule::{Hash, Prf},
};
use crate::app::codec::{
    aead::{self, Aead, Algorithm, NONCE_BYTES},
    hkdf::expand_label,
};

/// How records are encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encryption {
    Aes128Gcm,
    Aes256Gcm,
    ChaCha20Poly1305,
    Aes128Ccm,
    Aes256Ccm,
    Aes128Ccm8,
    Aes256Ccm8,
    Aes128Cbc,
    Aes256Cbc,
    TripleDesCbc,
    Rc4,
    /// Only a MAC.
    Null,
}

impl Encryption {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "AES-128-GCM" => Self::Aes128Gcm,
            "AES-256-GCM" => Self::Aes256Gcm,
            "ChaCha20-Poly1305" => Self::ChaCha20Poly1305,
            "AES-128-CCM" => Self::Aes128Ccm,
            "AES-256-CCM" => Self::Aes256Ccm,
            "AES-128-CCM-8" => Self::Aes128Ccm8,
            "AES-256-CCM-8" => Self::Aes256Ccm8,
            "AES-128-CBC" => Self::Aes128Cbc,
            "AES-256-CBC" => Self::Aes256Cbc,
            "3DES-EDE-CBC" => Self::TripleDesCbc,
            "RC4-128" => Self::Rc4,
            "NULL" => Self::Null,
            _ => return None,
        })
    }

    fn key_bytes(self) -> usize {
        match self {
            Self::Aes128Gcm | Self::Aes128Ccm | Self::Aes128Ccm8 | Self::Aes128Cbc | Self::Rc4 => 16,
            Self::Aes256Gcm | Self::Aes256Ccm | Self::Aes256Ccm8 | Self::Aes256Cbc | Self::ChaCha20Poly1305 => 32,
            Self::TripleDesCbc => 24,
            Self::Null => 0,
        }
    }

    /// Bytes of a block, for CBC.
    fn block_bytes(self) -> Option<usize> {
        match self {
            Self::Aes128Cbc | Self::Aes256Cbc => Some(16),
            Self::TripleDesCbc => Some(8),
            _ => None,
        }
    }

    fn aead(self) -> Option<Algorithm> {
        Some(match self {
            Self::Aes128Gcm => Algorithm::Aes128Gcm,
            Self::Aes256Gcm => Algorithm::Aes256Gcm,
            Self::ChaCha20Poly1305 => Algorithm::ChaCha20Poly1305,
            Self::Aes128Ccm => Algorithm::Aes128Ccm,
            Self::Aes256Ccm => Algorithm::Aes256Ccm,
            Self::Aes128Ccm8 => Algorithm::Aes128Ccm8,
            Self::Aes256Ccm8 => Algorithm::Aes256Ccm8,
            Self::Aes128Cbc | Self::Aes256Cbc | Self::TripleDesCbc | Self::Rc4 | Self::Null => return None,
        })
    }

    fn is_aead(self) -> bool {
        self.aead().is_some()
    }

    /// Bytes of the IV that comes out of the key block in TLS 1.2 and before.
    fn fixed_iv_bytes(self, version: u16) -> usize {
        match self {
            Self::ChaCha20Poly1305 => NONCE_BYTES,
            _ if self.is_aead() => 4,
            _ => self.block_bytes().filter(|_| has_chained_iv(version)).unwrap_or(0),
        }
    }
}

/// What a cipher suite means for records.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Suite {
    encryption: Encryption,
    hash: Hash,
}

impl Suite {
    /// By IANA's number; null when its records cannot be opened here.
    pub(super) fn of(id: u32) -> Option<Self> {
        let suite = cipher_suites::explain(id);
        // ChaCha20-Poly1305's draft has the names of RFC 7905 and makes other nonces.
        if suite.name.contains("EXPORT") || matches!(id, 0xcc13..=0xcc15) {
            return None;
        }
        Some(Self { encryption: Encryption::named(&suite.encryption)?, hash: Hash::named(&suite.hash)? })
    }

    /// The PRF of a version before TLS 1.3. SHA-256 is the least there, whatever the MAC.
    pub(super) fn prf(self, version: u16) -> Prf {
        match (has_prf_of_suite(version), self.hash) {
            (false, _) => Prf::Md5Sha1,
            (true, Hash::Sha384) => Prf::Of(Hash::Sha384),
            (true, _) => Prf::Of(Hash::Sha256),
        }
    }

    /// What encrypts record numbers in DTLS 1.3 (RFC 9147 4.2.3): as QUIC's packet numbers. Null for suites that are none of
    /// TLS 1.3's.
    pub(super) fn number_algorithm(self) -> Option<&'static ring::aead::quic::Algorithm> {
        Some(match self.encryption {
            Encryption::Aes128Gcm | Encryption::Aes128Ccm | Encryption::Aes128Ccm8 => &ring::aead::quic::AES_128,
            Encryption::Aes256Gcm | Encryption::Aes256Ccm | Encryption::Aes256Ccm8 => &ring::aead::quic::AES_256,
            Encryption::ChaCha20Poly1305 => &ring::aead::quic::CHACHA20,
            _ => return None,
        })
    }

    /// Bytes of a TLS 1.3 secret.
    pub(super) fn secret_bytes(self) -> usize {
        self.hash.length()
    }
}

/// The header of a record, as it is authenticated.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sealed<'a> {
    pub(super) content_type: u8,
    pub(super) version: u16,
    /// The record's number in its direction and epoch; with DTLS's epoch in the highest sixteen bits.
    pub(super) number: u64,
    pub(super) fragment: &'a [u8],
    /// What TLS 1.3 authenticates besides: the header as it was sent.
    pub(super) header: &'a [u8],
}

/// The keys of one direction and epoch.
pub(super) struct Keys(Cipher);

impl fmt::Debug for Keys {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Keys")
    }
}

enum Cipher {
    /// TLS 1.3, and ChaCha20 in TLS 1.2: the whole nonce is made of IV and number.
    Implicit {
        key: Aead,
        iv: [u8; NONCE_BYTES],
        tls13: bool,
    },
    /// GCM and CCM in TLS 1.2: eight bytes of the nonce stand before the ciphertext.
    Explicit {
        key: Aead,
        salt: [u8; 4],
    },
    Block {
        key: BlockKey,
        mac: MacKey,
        iv: Option<Vec<u8>>,
        mac_last: bool,
    },
    Stream {
        key: Box<Rc4>,
        mac: MacKey,
    },
    Null {
        mac: MacKey,
    },
}

enum BlockKey {
    Aes128(Box<Aes128>),
    Aes256(Box<Aes256>),
    TripleDes(Box<TdesEde3>),
}

struct MacKey {
    hash: Hash,
    key: Vec<u8>,
}

impl BlockKey {
    fn new(encryption: Encryption, key: &[u8]) -> Option<Self> {
        match encryption {
            Encryption::Aes128Cbc => Aes128::new_from_slice(key).ok().map(|key| Self::Aes128(Box::new(key))),
            Encryption::Aes256Cbc => Aes256::new_from_slice(key).ok().map(|key| Self::Aes256(Box::new(key))),
            Encryption::TripleDesCbc => TdesEde3::new_from_slice(key).ok().map(|key| Self::TripleDes(Box::new(key))),
            _ => None,
        }
    }

    fn block_bytes(&self) -> usize {
        match self {
            Self::Aes128(_) | Self::Aes256(_) => 16,
            Self::TripleDes(_) => 8,
        }
    }

    /// Decrypts whole blocks in place.
    fn decrypt(&self, iv: &[u8], blocks: &mut [u8]) -> Option<()> {
        let done = match self {
            Self::Aes128(key) => cbc::Decryptor::<&Aes128>::inner_iv_slice_init(key, iv)
                .ok()?
                .decrypt_padded::<NoPadding>(blocks)
                .is_ok(),
            Self::Aes256(key) => cbc::Decryptor::<&Aes256>::inner_iv_slice_init(key, iv)
                .ok()?
                .decrypt_padded::<NoPadding>(blocks)
                .is_ok(),
            Self::TripleDes(key) => cbc::Decryptor::<&TdesEde3>::inner_iv_slice_init(key, iv)
                .ok()?
                .decrypt_padded::<NoPadding>(blocks)
                .is_ok(),
        };
        done.then_some(())
    }
}

impl MacKey {
    /// Whether `tag` is the MAC of `content` (RFC 5246 section 6.2.3.1).
    fn fits(&self, sealed: Sealed<'_>, content: &[u8], tag: &[u8]) -> bool {
        let Some(pseudo_header) = pseudo_header(sealed, content.len()) else { return false };
        self.hash.hmac(&self.key, &[&pseudo_header, content]).bytes() == tag
    }
}

/// Number, type, version and length: what TLS 1.2 and before authenticate besides the content.
fn pseudo_header(sealed: Sealed<'_>, length: usize) -> Option<[u8; 13]> {
    let length = u16::try_from(length).ok()?.to_be_bytes();
    let mut bytes = [0; 13];
    let parts = sealed.number.to_be_bytes().into_iter().chain([sealed.content_type]);
    let parts = parts.chain(sealed.version.to_be_bytes()).chain(length);
    bytes.iter_mut().zip(parts).for_each(|(byte, part)| *byte = part);
    Some(bytes)
}

/// Whether each record's IV is the end of the one before (RFC 2246 section 6.2.3.2).
fn has_chained_iv(version: u16) -> bool {
    version == 0x0301
}

/// Whether the PRF's hash is the suite's: TLS 1.2 and DTLS 1.2.
fn has_prf_of_suite(version: u16) -> bool {
    matches!(version, 0x0303 | 0xfefd)
}

/// Splits `bytes` from the front.
fn take<'k>(bytes: &mut &'k [u8], length: usize) -> Option<&'k [u8]> {
    let (first, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(first)
}

/// What the key block is made of, TLS 1.2 and before.
#[derive(Clone, Copy)]
pub(super) struct Session12<'a> {
    pub(super) suite: Suite,
    pub(super) version: u16,
    pub(super) client_random: &'a [u8; 32],
    pub(super) server_random: &'a [u8; 32],
    /// encrypt_then_mac was agreed (RFC 7366).
    pub(super) encrypt_then_mac: bool,
}

impl Keys {
    /// Keys of client and server from the master secret (RFC 5246 section 6.3).
    pub(super) fn of_master(master: &[u8], session: Session12<'_>) -> Option<[Self; 2]> {
        let Session12 { suite: Suite { encryption, hash }, version, .. } = session;
        let mac_bytes = if encryption.is_aead() { 0 } else { hash.length() };
        let (key_bytes, iv_bytes) = (encryption.key_bytes(), encryption.fixed_iv_bytes(version));
        let one = mac_bytes.checked_add(key_bytes)?.checked_add(iv_bytes)?;
        let mut block = vec![0; one.checked_mul(2)?];
        let seed = [&session.server_random[..], &session.client_random[..]];
        session.suite.prf(version).fill(master, "key expansion", &seed, &mut block);
        let mut rest = block.as_slice();
        let macs = [take(&mut rest, mac_bytes)?, take(&mut rest, mac_bytes)?];
        let keys = [take(&mut rest, key_bytes)?, take(&mut rest, key_bytes)?];
        let ivs = [take(&mut rest, iv_bytes)?, take(&mut rest, iv_bytes)?];
        let [client, server] = [0, 1].map(|side| {
            let (mac, key, iv) = (macs.get(side)?, keys.get(side)?, ivs.get(side)?);
            Self::of_parts(session, mac, key, iv)
        });
        Some([client?, server?])
    }

    fn of_parts(session: Session12<'_>, mac: &[u8], key: &[u8], iv: &[u8]) -> Option<Self> {
        let Suite { encryption, hash } = session.suite;
        let mac = MacKey { hash, key: mac.to_vec() };
        Some(Self(match encryption {
            Encryption::ChaCha20Poly1305 => {
                Cipher::Implicit { key: Aead::new(encryption.aead()?, key)?, iv: iv.try_into().ok()?, tls13: false }
            }
            _ if encryption.is_aead() => {
                Cipher::Explicit { key: Aead::new(encryption.aead()?, key)?, salt: iv.try_into().ok()? }
            }
            Encryption::Rc4 => Cipher::Stream { key: Box::new(Rc4::new_from_slice(key).ok()?), mac },
            Encryption::Null => Cipher::Null { mac },
            _ => {
                let iv = has_chained_iv(session.version).then(|| iv.to_vec());
                Cipher::Block { key: BlockKey::new(encryption, key)?, mac, iv, mac_last: session.encrypt_then_mac }
            }
        }))
    }

    /// Keys of one direction from a traffic secret of TLS 1.3 (RFC 9846 section 7.3).
    pub(super) fn of_traffic_secret(secret: &[u8], suite: Suite, prefix: &str) -> Option<Self> {
        if secret.len() != suite.secret_bytes() || !suite.encryption.is_aead() {
            return None;
        }
        let key = match suite.encryption.key_bytes() {
            16 => Aead::new(suite.encryption.aead()?, &expand_label::<16>(secret, prefix, "key")?)?,
            _ => Aead::new(suite.encryption.aead()?, &expand_label::<32>(secret, prefix, "key")?)?,
        };
        Some(Self(Cipher::Implicit { key, iv: expand_label(secret, prefix, "iv")?, tls13: true }))
    }

    /// Whether records can be opened only in order, each once.
    pub(super) fn is_stateful(&self) -> bool {
        matches!(self.0, Cipher::Stream { .. } | Cipher::Block { iv: Some(_), .. })
    }

    /// Opens a record into `out`, which holds its content then (in TLS 1.3 with the inner type and padding behind it).
    /// Null when it does not authenticate.
    pub(super) fn open(&mut self, sealed: Sealed<'_>, out: &mut Vec<u8>) -> Option<()> {
        out.clear();
        match &mut self.0 {
            Cipher::Implicit { key, iv, tls13 } => {
                let content = sealed.fragment.len().checked_sub(key.tag_bytes())?;
                let nonce = aead::nonce(iv, sealed.number);
                out.extend_from_slice(sealed.fragment);
                match tls13 {
                    true => key.open(nonce, sealed.header, out),
                    false => key.open(nonce, &pseudo_header(sealed, content)?, out),
                }
            }
            Cipher::Explicit { key, salt } => {
                let (explicit, body) = sealed.fragment.split_at_checked(8)?;
                let content = body.len().checked_sub(key.tag_bytes())?;
                let mut nonce = [0; NONCE_BYTES];
                nonce.iter_mut().zip(salt.iter().chain(explicit)).for_each(|(byte, part)| *byte = *part);
                out.extend_from_slice(body);
                key.open(nonce, &pseudo_header(sealed, content)?, out)
            }
            Cipher::Block { key, mac, iv, mac_last } => open_block(key, mac, iv, *mac_last, sealed, out),
            Cipher::Stream { key, mac } => {
                out.extend_from_slice(sealed.fragment);
                key.try_apply_keystream(out).ok()?;
                check_and_cut(mac, sealed, out)
            }
            Cipher::Null { mac } => {
                out.extend_from_slice(sealed.fragment);
                check_and_cut(mac, sealed, out)
            }
        }
    }
}

/// CBC: the MAC inside (RFC 5246 section 6.2.3.2) or behind the ciphertext (RFC 7366).
fn open_block(
    key: &BlockKey,
    mac: &MacKey,
    chained: &mut Option<Vec<u8>>,
    mac_last: bool,
    sealed: Sealed<'_>,
    out: &mut Vec<u8>,
) -> Option<()> {
    let block_bytes = key.block_bytes();
    let (encrypted, tag) = if mac_last {
        let (encrypted, tag) =
            sealed.fragment.split_at_checked(sealed.fragment.len().checked_sub(mac.hash.length())?)?;
        (encrypted, Some(tag))
    } else {
        (sealed.fragment, None)
    };
    let given = chained.take();
    let is_chained = given.is_some();
    let (iv, blocks) = match &given {
        Some(iv) => (iv.as_slice(), encrypted),
        None => encrypted.split_at_checked(block_bytes)?,
    };
    if is_chained {
        // Whatever comes of this record, the next one's IV is its last block (RFC 2246 section 6.2.3.2).
        let last = encrypted.get(encrypted.len().saturating_sub(block_bytes)..).unwrap_or_default();
        *chained = Some(if last.len() == block_bytes { last.to_vec() } else { iv.to_vec() });
    }
    if blocks.is_empty() || !blocks.len().is_multiple_of(block_bytes) {
        return None;
    }
    if let Some(tag) = tag
        && !mac.fits(sealed, encrypted, tag)
    {
        return None;
    }
    out.extend_from_slice(blocks);
    key.decrypt(iv, out)?;
    let padding = usize::from(*out.last()?);
    let content = out.len().checked_sub(padding.checked_add(1)?)?;
    if out.get(content..)?.iter().any(|byte| usize::from(*byte) != padding) {
        return None;
    }
    out.truncate(content);
    if mac_last { Some(()) } else { check_and_cut(mac, sealed, out) }
}

/// Checks the MAC at the end of the content, and cuts it off.
fn check_and_cut(mac: &MacKey, sealed: Sealed<'_>, out: &mut Vec<u8>) -> Option<()> {
    let length = out.len().checked_sub(mac.hash.length())?;
    let (content, tag) = out.split_at_checked(length)?;
    if !mac.fits(sealed, content, tag) {
        return None;
    }
    out.truncate(length);
    Some(())
}

#[cfg(test)]
mod tests {
    use cbc::cipher::{BlockModeEncrypt, KeyIvInit};
    use proptest::prelude::*;

    use super::*;

    const RANDOMS: ([u8; 32], [u8; 32]) = ([1; 32], [2; 32]);
    const MASTER: [u8; 48] = [3; 48];

    fn keys(suite: u32, version: u16, encrypt_then_mac: bool) -> [Keys; 2] {
        let suite = Suite::of(suite).unwrap();
        let (client_random, server_random) = (&RANDOMS.0, &RANDOMS.1);
        Keys::of_master(&MASTER, Session12 { suite, version, client_random, server_random, encrypt_then_mac }).unwrap()
    }

    /// The key block, cut by hand: MAC keys, keys, IVs.
    fn block(prf: Prf, length: usize) -> Vec<u8> {
        let mut block = vec![0; length];
        prf.fill(&MASTER, "key expansion", &[&RANDOMS.1, &RANDOMS.0], &mut block);
        block
    }

    fn sealed(version: u16, number: u64, fragment: &[u8]) -> Sealed<'_> {
        Sealed { content_type: 23, version, number, fragment, header: &[] }
    }

    fn mac(hash: Hash, key: &[u8], version: u16, number: u64, content: &[u8]) -> Vec<u8> {
        let header = pseudo_header(sealed(version, number, &[]), content.len()).unwrap();
        hash.hmac(key, &[&header, content]).bytes().to_vec()
    }

    fn encrypt(key: &[u8], iv: &[u8], mut plain: Vec<u8>) -> Vec<u8> {
        let length = plain.len();
        let encryptor = cbc::Encryptor::<TdesEde3>::new_from_slices(key, iv).unwrap();
        encryptor.encrypt_padded::<NoPadding>(&mut plain, length).unwrap();
        plain
    }

    fn padded(mut bytes: Vec<u8>, block: usize) -> Vec<u8> {
        let padding = block - 1 - bytes.len() % block;
        bytes.extend(vec![padding as u8; padding + 1]);
        bytes
    }

    /// TLS_RSA_WITH_3DES_EDE_CBC_SHA in TLS 1.0: each IV is the end of the record before.
    #[test]
    fn triple_des_with_chained_iv() {
        let block = block(Prf::Md5Sha1, 104);
        let (mac_key, key, mut iv) = (&block[..20], &block[40..64], block[88..96].to_vec());
        let [mut client, _] = keys(0x000a, 0x0301, false);
        assert!(client.is_stateful());
        let mut out = Vec::new();
        for (number, content) in [&b"first"[..], b"", b"the third, of more than one block"].into_iter().enumerate() {
            let plain = padded([content, &mac(Hash::Sha1, mac_key, 0x0301, number as u64, content)].concat(), 8);
            let record = encrypt(key, &iv, plain);
            client.open(sealed(0x0301, number as u64, &record), &mut out).unwrap();
            assert_eq!(out, content);
            iv = record[record.len() - 8..].to_vec();
        }
        // A record that does not authenticate leaves the chain whole.
        assert!(client.open(sealed(0x0301, 3, &[9; 32]), &mut out).is_none());
        let plain = padded([&b"fifth"[..], &mac(Hash::Sha1, mac_key, 0x0301, 4, b"fifth")].concat(), 8);
        let record = encrypt(key, &[9; 8], plain);
        client.open(sealed(0x0301, 4, &record), &mut out).unwrap();
        assert_eq!(out, b"fifth");
    }

    /// TLS_RSA_WITH_RC4_128_SHA: one key stream for all records of a direction.
    #[test]
    fn rc4_goes_on_through_records() {
        let block = block(Prf::Of(Hash::Sha256), 72);
        let (mac_key, key) = (&block[20..40], &block[56..72]);
        let [_, mut server] = keys(0x0005, 0x0303, false);
        let mut stream = Rc4::new_from_slice(key).unwrap();
        let mut out = Vec::new();
        for (number, content) in [&b"one"[..], b"two", b"three"].into_iter().enumerate() {
            let mut record = [content, &mac(Hash::Sha1, mac_key, 0x0303, number as u64, content)].concat();
            stream.try_apply_keystream(&mut record).unwrap();
            server.open(sealed(0x0303, number as u64, &record), &mut out).unwrap();
            assert_eq!(out, content);
        }
    }

    #[test]
    fn suites_that_are_understood() {
        for id in
            [0x1301, 0x1302, 0x1303, 0x1304, 0x1305, 0xc02f, 0xcca8, 0xc09e, 0xc0a3, 0xc013, 0x003d, 0x000a, 0x0005]
        {
            assert!(Suite::of(id).is_some(), "{id:04x}");
        }
        // Export keys, Camellia, ARIA, SEED, GREASE, and a number that is free.
        for id in [0x0003, 0x0041, 0xc050, 0x0096, 0x3a3a, 0xfffe] {
            assert!(Suite::of(id).is_none(), "{id:04x}");
        }
    }

    proptest! {
        #[test]
        fn any_record(bytes in proptest::collection::vec(any::<u8>(), 0..200), number: u64) {
            let mut out = Vec::new();
            for (suite, version) in [(0xc02f, 0x0303), (0xcca8, 0x0303), (0xc09e, 0x0303), (0xc013, 0x0301), (0x0005, 0x0303),
                (0x000a, 0x0302), (0x003b, 0x0303)] {
                for encrypt_then_mac in [false, true] {
                    let [mut client, _] = keys(suite, version, encrypt_then_mac);
                    prop_assert!(client.open(sealed(version, number, &bytes), &mut out).is_none());
                }
            }
        }
    }
}
