//! OCSP responses, true and forged (RFC 6960 4.2).
use rcgen::{KeyPair, PublicKeyData, SigningKey};
use sha1::{Digest, Sha1};
use x509_parser::{certificate::X509Certificate, prelude::FromDer};

use crate::pki::Authority;

/// ecdsa-with-SHA256.
const ECDSA_SHA256: [u8; 8] = [0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2];

/// certStatus.
#[derive(Clone, Copy)]
pub enum Status {
    Good,
    Revoked,
}

/// A response to be made, true by default.
pub struct Staple<'a> {
    /// Who issued the certificate it is about.
    pub issuer: &'a Authority,
    pub serial: &'a [u8],
    pub status: Status,
    pub this_update: &'a str,
    pub next_update: &'a str,
    /// Who signs, when it is not the issuer: its key, and its certificate, which is sent along.
    pub responder: Option<(&'a KeyPair, &'a [u8])>,
    /// Named by its key's hash in place of its name.
    pub by_key: bool,
    /// A bit of what is signed is turned over afterwards.
    pub forged: bool,
}

impl<'a> Staple<'a> {
    pub fn about(issuer: &'a Authority, serial: &'a [u8], status: Status) -> Self {
        Self {
            issuer,
            serial,
            status,
            this_update: "20240610000000Z",
            next_update: "20240701000000Z",
            responder: None,
            by_key: false,
            forged: false,
        }
    }

    /// The OCSPResponse.
    pub fn der(&self) -> Vec<u8> {
        let (_, issuer) = X509Certificate::from_der(&self.issuer.der).unwrap();
        let issuer_key = self.issuer.key.der_bytes();
        let hash = |bytes: &[u8]| tlv(4, &[&Sha1::digest(bytes)]);
        let sha1 = tlv(0x30, &[&tlv(6, &[&[0x2b, 14, 3, 2, 26]]), &[5, 0]]);
        let subject = issuer.subject().as_raw();
        let id = tlv(0x30, &[&sha1, &hash(subject), &hash(issuer_key), &tlv(2, &[self.serial])]);
        let status = match self.status {
            Status::Good => vec![0x80, 0],
            Status::Revoked => tlv(0xa1, &[&tlv(0x18, &[b"20240601000000Z"])]),
        };
        let time = |text: &str| tlv(0x18, &[text.as_bytes()]);
        let next = tlv(0xa0, &[&time(self.next_update)]);
        let single = tlv(0x30, &[&id, &status, &time(self.this_update), &next]);
        let (signer, subject) = match self.responder {
            Some((key, certificate)) => {
                let (_, certificate) = X509Certificate::from_der(certificate).unwrap();
                (key, certificate.subject().as_raw().to_vec())
            }
            None => (&self.issuer.key, subject.to_vec()),
        };
        let name = match self.by_key {
            true => tlv(0xa2, &[&hash(signer.der_bytes())]),
            false => tlv(0xa1, &[&subject]),
        };
        let mut data = tlv(0x30, &[&name, &time(self.this_update), &tlv(0x30, &[&single])]);
        let signature = signer.sign(&data).unwrap();
        if self.forged {
            // The year of nextUpdate.
            let place = data.windows(4).rposition(|four| four == b"2024").unwrap() + 3;
            data[place] ^= 1;
        }
        let algorithm = tlv(0x30, &[&tlv(6, &[&ECDSA_SHA256])]);
        let mut parts = vec![data, algorithm, tlv(3, &[&[0], &signature])];
        if let Some((_, certificate)) = self.responder {
            parts.push(tlv(0xa0, &[&tlv(0x30, &[certificate])]));
        }
        let basic = tlv(4, &[&tlv(0x30, &[&parts.concat()])]);
        let kind = tlv(6, &[&[0x2b, 6, 1, 5, 5, 7, 48, 1, 1]]);
        tlv(0x30, &[&tlv(10, &[&[0]]), &tlv(0xa0, &[&tlv(0x30, &[&kind, &basic])])])
    }
}

/// A response without a statement: tryLater.
pub fn try_later() -> Vec<u8> {
    tlv(0x30, &[&tlv(10, &[&[3]])])
}

fn tlv(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![tag];
    match content.len() {
        length @ 0..=127 => bytes.push(length as u8),
        length => bytes.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    bytes.extend(content);
    bytes
}
