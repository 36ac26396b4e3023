//! The OCSP response that a server staples to its handshake (RFC 6066 8, RFC 6961, RFC 6960 4.2), as it is written. Whether
//! to believe it is `staple_check`'s.
use nom::{
    IResult, Parser,
    multi::length_data,
    number::complete::{be_u8, be_u24},
};
use x509_parser::{der_parser::asn1_rs::FromDer, x509::X509Name};

use super::{certificate, der, fingerprint::hex, scts};
use crate::{
    limits,
    record::{OcspStaple, RevocationStatus, SctSource, SignedCertificateTimestamp},
};

/// SignedCertificateTimestampList in a SingleResponse (RFC 6962 3.3), in DER.
const SCT_LIST: &[u8] = &[0x2b, 6, 1, 4, 1, 0xd6, 0x79, 2, 4, 5];

/// The OCSP response about the server's own certificate in a CertificateStatus: of a message (RFC 6066 8, RFC 6961 2.2), or
/// of an entry in a Certificate message (RFC 9846 4.4.2.1).
pub(super) fn in_status(body: &[u8]) -> Option<&[u8]> {
    let read: IResult<&[u8], (u8, &[u8])> = (be_u8, length_data(be_u24)).parse(body);
    match read.ok()?.1 {
        (1, response) => Some(response),
        // ocsp_multi: a list, the leaf's first.
        (2, list) => {
            let first: IResult<&[u8], &[u8]> = length_data(be_u24).parse(list);
            first.ok().map(|(_, response)| response)
        }
        _ => None,
    }
}

/// A responder's name for itself (RFC 6960 4.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Responder<'a> {
    /// A Name, with its header.
    Name(&'a [u8]),
    /// SHA-1 of its key.
    KeyHash(&'a [u8]),
}

/// A BasicOCSPResponse.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response<'a> {
    /// What is signed: tbsResponseData with its header.
    pub(super) signed: &'a [u8],
    pub(super) responder: Responder<'a>,
    /// Seconds since the epoch.
    pub(super) produced_at: Option<i64>,
    pub(super) singles: Vec<Single<'a>>,
    /// AlgorithmIdentifier of the signature, without its header.
    pub(super) algorithm: &'a [u8],
    pub(super) signature: &'a [u8],
    /// Certificates sent along.
    pub(super) certificates: Vec<&'a [u8]>,
}

/// A SingleResponse: what is said of one certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Single<'a> {
    /// CertID: object identifier of the hash, of the issuer's name and key, and the serial number.
    pub(super) hash: &'a [u8],
    pub(super) name_hash: &'a [u8],
    pub(super) key_hash: &'a [u8],
    pub(super) serial: &'a [u8],
    pub(super) status: RevocationStatus,
    /// Seconds since the epoch.
    pub(super) revoked_at: Option<i64>,
    pub(super) this_update: Option<i64>,
    pub(super) next_update: Option<i64>,
    pub(super) scts: Vec<SignedCertificateTimestamp>,
}

/// What an OCSPResponse may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stapled<'a> {
    /// A statement.
    Response(Response<'a>),
    /// OCSPResponseStatus other than successful: no statement.
    Unsuccessful(u8),
}

/// Reads an OCSPResponse.
pub(super) fn read(bytes: &[u8]) -> Option<Stapled<'_>> {
    let (response, _) = der::expect(der::SEQUENCE, bytes)?;
    let (status, rest) = der::expect(der::ENUMERATED, response)?;
    match status {
        [0] => {}
        [other] => return Some(Stapled::Unsuccessful(*other)),
        _ => return None,
    }
    let (wrapped, _) = der::expect(der::CONTEXT_0, rest)?;
    let (typed, _) = der::expect(der::SEQUENCE, wrapped)?;
    let (_, rest) = der::expect(der::OBJECT_IDENTIFIER, typed)?;
    let (basic, _) = der::expect(der::OCTET_STRING, rest)?;
    let (basic, _) = der::expect(der::SEQUENCE, basic)?;
    let (signed, rest) = der::whole(der::SEQUENCE, basic)?;
    let (algorithm, rest) = der::expect(der::SEQUENCE, rest)?;
    let (signature, rest) = der::expect(der::BIT_STRING, rest)?;
    let mut certificates = Vec::new();
    if let Some((list, _)) = der::expect(der::CONTEXT_0, rest)
        && let Some((mut list, _)) = der::expect(der::SEQUENCE, list)
    {
        while let Some((certificate, after)) = der::whole(der::SEQUENCE, list)
            && certificates.len() < limits::MAX_OCSP_CERTIFICATES
        {
            certificates.push(certificate);
            list = after;
        }
    }
    let (data, _) = der::expect(der::SEQUENCE, signed)?;
    // The version is left out when it is 1.
    let data = der::expect(der::CONTEXT_0, data).map_or(data, |(_, rest)| rest);
    let (tag, responder, rest) = der::value(data)?;
    let responder = match tag {
        der::CONTEXT_1 => Responder::Name(responder),
        der::CONTEXT_2 => Responder::KeyHash(der::expect(der::OCTET_STRING, responder)?.0),
        _ => return None,
    };
    let (produced_at, rest) = der::expect(der::GENERALIZED_TIME, rest)?;
    let (mut list, _) = der::expect(der::SEQUENCE, rest)?;
    let mut singles = Vec::new();
    while let Some((one, after)) = der::expect(der::SEQUENCE, list)
        && singles.len() < limits::MAX_OCSP_RESPONSES
    {
        singles.push(single(one)?);
        list = after;
    }
    let produced_at = der::seconds(produced_at);
    let signature = der::bits(signature)?;
    Some(Stapled::Response(Response { signed, responder, produced_at, singles, algorithm, signature, certificates }))
}

fn single(bytes: &[u8]) -> Option<Single<'_>> {
    let (certificate, rest) = der::expect(der::SEQUENCE, bytes)?;
    let (algorithm, after) = der::expect(der::SEQUENCE, certificate)?;
    let (hash, _) = der::expect(der::OBJECT_IDENTIFIER, algorithm)?;
    let (name_hash, after) = der::expect(der::OCTET_STRING, after)?;
    let (key_hash, after) = der::expect(der::OCTET_STRING, after)?;
    let (serial, _) = der::expect(der::INTEGER, after)?;
    let (tag, content, rest) = der::value(rest)?;
    let (status, revoked_at) = match tag {
        0x80 => (RevocationStatus::Good, None),
        der::CONTEXT_1 => {
            let at = der::expect(der::GENERALIZED_TIME, content).and_then(|(at, _)| der::seconds(at));
            (RevocationStatus::Revoked, at)
        }
        _ => (RevocationStatus::Unknown, None),
    };
    let (this_update, mut rest) = der::expect(der::GENERALIZED_TIME, rest)?;
    let mut next_update = None;
    if let Some((at, after)) = der::expect(der::CONTEXT_0, rest) {
        next_update = der::expect(der::GENERALIZED_TIME, at).and_then(|(at, _)| der::seconds(at));
        rest = after;
    }
    let scts = der::expect(der::CONTEXT_1, rest).map_or_else(Vec::new, |(extensions, _)| timestamps(extensions));
    let this_update = der::seconds(this_update);
    Some(Single { hash, name_hash, key_hash, serial, status, revoked_at, this_update, next_update, scts })
}

/// Signed certificate timestamps among singleExtensions.
fn timestamps(extensions: &[u8]) -> Vec<SignedCertificateTimestamp> {
    let Some((mut list, _)) = der::expect(der::SEQUENCE, extensions) else { return Vec::new() };
    while let Some((extension, after)) = der::expect(der::SEQUENCE, list) {
        list = after;
        let Some((SCT_LIST, rest)) = der::expect(der::OBJECT_IDENTIFIER, extension) else { continue };
        // A flag that says critical may come between.
        let rest = der::expect(1, rest).map_or(rest, |(_, rest)| rest);
        if let Some((value, _)) = der::expect(der::OCTET_STRING, rest) {
            return scts::in_octet_string(value, SctSource::OcspStaple);
        }
    }
    Vec::new()
}

impl<'a> Response<'a> {
    /// What is said of the certificate with this serial number; else the first statement.
    pub(super) fn about(&self, serial: Option<&str>) -> Option<&Single<'a>> {
        let same = |single: &&Single<'_>| serial.is_some_and(|serial| certificate::serial(single.serial) == serial);
        self.singles.iter().find(same).or_else(|| self.singles.first())
    }

    /// The responder as reports show it.
    pub(super) fn responder(&self) -> String {
        match self.responder {
            Responder::KeyHash(hash) => hex(hash),
            Responder::Name(name) => {
                X509Name::from_der(name).map_or_else(|_| hex(name), |(_, name)| certificate::distinguished_name(&name))
            }
        }
    }
}

/// A statement as reports show it, not judged yet.
pub(super) fn record(response: &Response<'_>, single: &Single<'_>) -> OcspStaple {
    OcspStaple {
        status: single.status,
        serial: certificate::serial(single.serial),
        revoked_at: single.revoked_at.map(certificate::moment),
        this_update: single.this_update.map(certificate::moment),
        next_update: single.next_update.map(certificate::moment),
        produced_at: response.produced_at.map(certificate::moment),
        responder: Some(response.responder()),
        signed_by: None,
        problems: Vec::new(),
        explanation: String::new(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn tlv(tag: u8, content: &[&[u8]]) -> Vec<u8> {
        let content = content.concat();
        let mut bytes = vec![tag];
        match content.len() {
            length @ 0..=0x7f => bytes.push(length as u8),
            length => bytes.extend([0x82, (length >> 8) as u8, length as u8]),
        }
        bytes.extend(content);
        bytes
    }

    /// A CertificateStatus with one SingleResponse, whose signature is none.
    fn status(state: &[u8]) -> Vec<u8> {
        let time = tlv(der::GENERALIZED_TIME, &[b"20240105000000Z"]);
        let name = tlv(der::SEQUENCE, &[&tlv(6, &[&[0x2b, 14, 3, 2, 26]])]);
        let hash = tlv(der::OCTET_STRING, &[&[7; 20]]);
        let id = tlv(der::SEQUENCE, &[&name, &hash, &hash, &tlv(der::INTEGER, &[&[0, 0x9a, 1]])]);
        let mut sct = vec![0, 49, 0, 47, 0];
        sct.extend([5; 32]);
        sct.extend([0, 0, 0, 0, 0, 0, 3, 232, 0, 0, 4, 3, 0, 0]);
        let scts = tlv(der::OCTET_STRING, &[&tlv(der::OCTET_STRING, &[&sct])]);
        let extension = tlv(der::SEQUENCE, &[&tlv(6, &[SCT_LIST]), &scts]);
        let extensions = tlv(der::CONTEXT_1, &[&tlv(der::SEQUENCE, &[&extension])]);
        let single = tlv(der::SEQUENCE, &[&id, state, &time, &tlv(der::CONTEXT_0, &[&time]), &extensions]);
        let responder = tlv(der::CONTEXT_2, &[&tlv(der::OCTET_STRING, &[&[9; 20]])]);
        let data = tlv(der::SEQUENCE, &[&responder, &time, &tlv(der::SEQUENCE, &[&single])]);
        let algorithm = tlv(der::SEQUENCE, &[&tlv(6, &[&[0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2]])]);
        let signature = tlv(der::BIT_STRING, &[&[0, 1, 2, 3]]);
        let basic = tlv(der::OCTET_STRING, &[&tlv(der::SEQUENCE, &[&data, &algorithm, &signature])]);
        let kind = tlv(6, &[&[0x2b, 6, 1, 5, 5, 7, 48, 1, 1]]);
        let wrapped = tlv(der::CONTEXT_0, &[&tlv(der::SEQUENCE, &[&kind, &basic])]);
        let response = tlv(der::SEQUENCE, &[&tlv(der::ENUMERATED, &[&[0]]), &wrapped]);
        let mut message = vec![1, 0];
        message.extend((response.len() as u16).to_be_bytes());
        message.extend(response);
        message
    }

    fn only(message: &[u8]) -> Option<OcspStaple> {
        match read(in_status(message)?)? {
            Stapled::Response(response) => Some(record(&response, response.about(None)?)),
            Stapled::Unsuccessful(_) => None,
        }
    }

    #[test]
    fn good_and_revoked() {
        let good = only(&status(&[0x80, 0])).unwrap();
        assert_eq!((good.status, good.serial.as_str()), (RevocationStatus::Good, "9a01"));
        assert_eq!(good.this_update.as_deref(), Some("2024-01-05T00:00:00Z"));
        assert_eq!((&good.next_update, &good.produced_at), (&good.this_update, &good.this_update));
        assert_eq!(good.responder, Some("09".repeat(20)));
        let revoked = tlv(der::CONTEXT_1, &[&tlv(der::GENERALIZED_TIME, &[b"20231231235959Z"])]);
        let revoked = only(&status(&revoked)).unwrap();
        assert_eq!(revoked.status, RevocationStatus::Revoked);
        assert_eq!(revoked.revoked_at.as_deref(), Some("2023-12-31T23:59:59Z"));
        assert_eq!(only(&status(&[0x82, 0])).unwrap().status, RevocationStatus::Unknown);
    }

    #[test]
    fn timestamps_are_found() {
        let message = status(&[0x80, 0]);
        let Some(Stapled::Response(response)) = read(in_status(&message).unwrap()) else { panic!("not read") };
        let [sct] = &response.singles[0].scts[..] else { panic!("{response:?}") };
        assert_eq!((sct.source, sct.log_id.as_deref()), (SctSource::OcspStaple, Some("05".repeat(32).as_str())));
        assert_eq!(sct.ts.unwrap().nanoseconds(), 1_000_000_000);
    }

    #[test]
    fn several_responses_and_errors() {
        let one = status(&[0x80, 0]);
        let mut several = vec![2];
        several.extend(&(one.len() as u32 + 2).to_be_bytes()[1..]);
        several.extend(&one[1..]);
        several.extend([0, 0, 0]);
        assert_eq!(only(&several), only(&one));
        assert_eq!(read(&[0x30, 3, 0x0a, 1, 3]), Some(Stapled::Unsuccessful(3)));
    }

    #[test]
    fn every_prefix_is_nothing() {
        let message = status(&[0x80, 0]);
        for length in 0..message.len() {
            assert_eq!(only(&message[..length]), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = only(&bytes);
            let _ = read(&bytes);
        }

        #[test]
        fn any_damage(place in 0_usize..200, value in any::<u8>()) {
            let mut message = status(&[0x80, 0]);
            let place = place % message.len();
            message[place] = value;
            let _ = only(&message);
        }
    }
}
