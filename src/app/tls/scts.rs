//! Signed certificate timestamps (RFC 6962 3.2 and 3.3): the list as it stands in a certificate, in the handshake's
//! extension and in an OCSP response. They are read, not verified: that needs the keys of the logs.
use nom::{
    IResult, Parser,
    bytes::complete::take,
    multi::length_data,
    number::complete::{be_u16, be_u64},
};

use super::{der, fingerprint::hex, names};
use crate::{
    limits,
    record::{SctSource, SignedCertificateTimestamp, Timestamp},
};

/// A SignedCertificateTimestampList. Until the first that does not fit, and [`limits::MAX_SCTS`] at most.
pub(super) fn list(bytes: &[u8], source: SctSource) -> Vec<SignedCertificateTimestamp> {
    let read: IResult<&[u8], &[u8]> = length_data(be_u16).parse(bytes);
    let mut rest = read.map_or(&[][..], |(_, list)| list);
    let entries = std::iter::from_fn(move || {
        let entry: IResult<&[u8], &[u8]> = length_data(be_u16).parse(rest);
        let (after, entry) = entry.ok()?;
        rest = after;
        Some(entry)
    });
    entries.map_while(|entry| one(entry, source)).take(limits::MAX_SCTS).collect()
}

/// The list in an X.509 or OCSP extension, where it stands in an OCTET STRING.
pub(super) fn in_octet_string(value: &[u8], source: SctSource) -> Vec<SignedCertificateTimestamp> {
    der::expect(der::OCTET_STRING, value).map_or_else(Vec::new, |(bytes, _)| list(bytes, source))
}

/// One SerializedSCT.
fn one(bytes: &[u8], source: SctSource) -> Option<SignedCertificateTimestamp> {
    let (version, rest) = bytes.split_first()?;
    let number = u16::from(*version).saturating_add(1);
    if *version != 0 {
        return Some(SignedCertificateTimestamp {
            source,
            version: number,
            log_id: None,
            ts: None,
            signature_algorithm: None,
        });
    }
    type Fields<'a> = (&'a [u8], u64, &'a [u8], u16, &'a [u8]);
    let fields: IResult<&[u8], Fields<'_>> =
        (take(32_usize), be_u64, length_data(be_u16), be_u16, length_data(be_u16)).parse(rest);
    let (log, milliseconds, _, algorithm, _) = fields.ok()?.1;
    let nanoseconds = i64::try_from(milliseconds).ok().and_then(|value| value.checked_mul(1_000_000));
    Some(SignedCertificateTimestamp {
        source,
        version: number,
        log_id: Some(hex(log)),
        ts: nanoseconds.map(Timestamp),
        signature_algorithm: Some(names::signature_scheme(algorithm)),
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn behind_length(parts: &[&[u8]]) -> Vec<u8> {
        let content = parts.concat();
        [&(content.len() as u16).to_be_bytes()[..], &content].concat()
    }

    /// An SCT of version 1.
    fn sct(log: u8, milliseconds: u64) -> Vec<u8> {
        let signature = behind_length(&[&[0x30, 0x45, 2]]);
        behind_length(&[&[0], &[log; 32], &milliseconds.to_be_bytes(), &[0, 0], &[4, 3], &signature])
    }

    #[test]
    fn lists_are_read() {
        let bytes = behind_length(&[&sct(0xa4, 1_595_433_658_123), &sct(7, u64::MAX), &behind_length(&[&[1, 9]])]);
        let [first, second, third] = list(&bytes, SctSource::TlsExtension).try_into().unwrap();
        assert_eq!((first.version, first.log_id.as_deref()), (1, Some("a4".repeat(32).as_str())));
        assert_eq!(first.ts.map(Timestamp::rfc3339).as_deref(), Some("2020-07-22T16:00:58.123000000Z"));
        assert_eq!(first.signature_algorithm.as_deref(), Some("ecdsa_secp256r1_sha256"));
        // Beyond what can be told.
        assert_eq!((second.ts, second.log_id.is_some()), (None, true));
        assert_eq!((third.version, third.log_id), (2, None));
        let wrapped = [&[4, 0x81, bytes.len() as u8][..], &bytes].concat();
        assert_eq!(in_octet_string(&wrapped, SctSource::TlsExtension).len(), 3);
    }

    #[test]
    fn hostile_lengths_end_the_list() {
        let bytes = behind_length(&[&sct(1, 0), &[0xff, 0xff, 0]]);
        assert_eq!(list(&bytes, SctSource::Certificate).len(), 1);
        assert_eq!(list(&[0xff, 0xff, 0, 1, 0], SctSource::Certificate), []);
        let many: Vec<Vec<u8>> = (0..200).map(|log| sct(log, 1)).collect();
        let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
        assert_eq!(list(&behind_length(&many), SctSource::Certificate).len(), limits::MAX_SCTS);
        let whole = behind_length(&[&sct(1, 2)]);
        for length in 0..whole.len() {
            assert_eq!(list(&whole[..length], SctSource::Certificate), [], "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = list(&bytes, SctSource::Certificate);
            let _ = in_octet_string(&bytes, SctSource::OcspStaple);
        }
    }
}
