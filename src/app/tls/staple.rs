//! The OCSP response that a server staples to its handshake (RFC 6066 8, RFC 6961, RFC 6960 4.2): what it says of the
//! server's certificate. Its signature is not checked, so it is told as what the staple says.
use nom::{
    IResult, Parser,
    multi::length_data,
    number::complete::{be_u8, be_u24},
};

use super::fingerprint::hex;
use crate::record::{OcspStaple, RevocationStatus};

/// Reads a CertificateStatus message; the first response of it.
pub(super) fn read(body: &[u8]) -> Option<OcspStaple> {
    let read: IResult<&[u8], (u8, &[u8])> = (be_u8, length_data(be_u24)).parse(body);
    let response = match read.ok()?.1 {
        (1, response) => response,
        // ocsp_multi: a list, the leaf's first.
        (2, list) => {
            let first: IResult<&[u8], &[u8]> = length_data(be_u24).parse(list);
            first.ok()?.1
        }
        _ => return None,
    };
    ocsp_response(response)
}

const SEQUENCE: u8 = 0x30;
const OCTET_STRING: u8 = 0x04;
const INTEGER: u8 = 0x02;
const ENUMERATED: u8 = 0x0a;
const GENERALIZED_TIME: u8 = 0x18;
/// Context tag 0, constructed; also a SingleResponse's nextUpdate and a ResponseData's version.
const CONTEXT_0: u8 = 0xa0;
const REVOKED: u8 = 0xa1;

fn ocsp_response(bytes: &[u8]) -> Option<OcspStaple> {
    let (response, _) = expect(SEQUENCE, bytes)?;
    let (status, rest) = expect(ENUMERATED, response)?;
    // Anything but successful carries no statement.
    if status != [0] {
        return None;
    }
    let (wrapped, _) = expect(CONTEXT_0, rest)?;
    let (typed, _) = expect(SEQUENCE, wrapped)?;
    let (_, _, rest) = value(typed)?;
    let (basic, _) = expect(OCTET_STRING, rest)?;
    let (basic, _) = expect(SEQUENCE, basic)?;
    let (data, _) = expect(SEQUENCE, basic)?;
    let data = expect(CONTEXT_0, data).map_or(data, |(_, rest)| rest);
    let (_, _, rest) = value(data)?;
    let (_, rest) = expect(GENERALIZED_TIME, rest)?;
    let (responses, _) = expect(SEQUENCE, rest)?;
    single_response(expect(SEQUENCE, responses)?.0)
}

fn single_response(bytes: &[u8]) -> Option<OcspStaple> {
    let (certificate, rest) = expect(SEQUENCE, bytes)?;
    let (_, after) = expect(SEQUENCE, certificate)?;
    let (_, after) = expect(OCTET_STRING, after)?;
    let (_, after) = expect(OCTET_STRING, after)?;
    let (serial, _) = expect(INTEGER, after)?;
    let (tag, content, rest) = value(rest)?;
    let (status, revoked_at) = match tag {
        0x80 => (RevocationStatus::Good, None),
        REVOKED => (RevocationStatus::Revoked, expect(GENERALIZED_TIME, content).and_then(|(at, _)| moment(at))),
        _ => (RevocationStatus::Unknown, None),
    };
    let (this_update, rest) = expect(GENERALIZED_TIME, rest)?;
    let next_update = expect(CONTEXT_0, rest).and_then(|(at, _)| expect(GENERALIZED_TIME, at)).map(|(at, _)| at);
    let serial = hex(serial);
    let digits = serial.trim_start_matches('0');
    Some(OcspStaple {
        status,
        serial: if digits.is_empty() { "0".into() } else { digits.into() },
        revoked_at,
        this_update: moment(this_update),
        next_update: next_update.and_then(moment),
    })
}

/// `20200722160058Z` as `2020-07-22T16:00:58Z` (RFC 5280 4.1.2.5.2 allows no other form).
fn moment(text: &[u8]) -> Option<String> {
    let digits =
        text.strip_suffix(b"Z").filter(|digits| digits.len() == 14 && digits.iter().all(u8::is_ascii_digit))?;
    let part = |from, to| std::str::from_utf8(digits.get(from..to)?).ok();
    let (date, time) = ((part(0, 4)?, part(4, 6)?, part(6, 8)?), (part(8, 10)?, part(10, 12)?, part(12, 14)?));
    Some(format!("{}-{}-{}T{}:{}:{}Z", date.0, date.1, date.2, time.0, time.1, time.2))
}

/// Content and rest, if the first value has this tag.
fn expect(tag: u8, bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let (found, content, rest) = value(bytes)?;
    (found == tag).then_some((content, rest))
}

/// Tag, content and rest of the first DER value with a one-byte tag.
fn value(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (&[tag, first], rest) = bytes.split_first_chunk::<2>()?;
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (length, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
            let length = length.iter().fold(0_u32, |length, byte| length << 8 | u32::from(*byte));
            (usize::try_from(length).ok()?, rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((tag, content, rest))
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

    /// A CertificateStatus with one SingleResponse.
    pub(crate) fn status(state: &[u8]) -> Vec<u8> {
        let time = tlv(GENERALIZED_TIME, &[b"20240105000000Z"]);
        let name = tlv(SEQUENCE, &[&tlv(6, &[&[0x2b, 14, 3, 2, 26]])]);
        let hash = tlv(OCTET_STRING, &[&[7; 20]]);
        let id = tlv(SEQUENCE, &[&name, &hash, &hash, &tlv(INTEGER, &[&[0, 0x9a, 1]])]);
        let single = tlv(SEQUENCE, &[&id, state, &time, &tlv(CONTEXT_0, &[&time])]);
        let responder = tlv(0xa2, &[&tlv(OCTET_STRING, &[&[9; 20]])]);
        let data = tlv(SEQUENCE, &[&responder, &time, &tlv(SEQUENCE, &[&single])]);
        let basic = tlv(OCTET_STRING, &[&tlv(SEQUENCE, &[&data])]);
        let kind = tlv(6, &[&[0x2b, 6, 1, 5, 5, 7, 48, 1, 1]]);
        let wrapped = tlv(CONTEXT_0, &[&tlv(SEQUENCE, &[&kind, &basic])]);
        let response = tlv(SEQUENCE, &[&tlv(ENUMERATED, &[&[0]]), &wrapped]);
        let mut message = vec![1, 0];
        message.extend((response.len() as u16).to_be_bytes());
        message.extend(response);
        message
    }

    #[test]
    fn good_and_revoked() {
        let good = read(&status(&[0x80, 0])).unwrap();
        assert_eq!((good.status, good.serial.as_str()), (RevocationStatus::Good, "9a01"));
        assert_eq!(good.this_update.as_deref(), Some("2024-01-05T00:00:00Z"));
        assert_eq!(good.next_update, good.this_update);
        let revoked = tlv(REVOKED, &[&tlv(GENERALIZED_TIME, &[b"20231231235959Z"])]);
        let revoked = read(&status(&revoked)).unwrap();
        assert_eq!(revoked.status, RevocationStatus::Revoked);
        assert_eq!(revoked.revoked_at.as_deref(), Some("2023-12-31T23:59:59Z"));
        assert_eq!(read(&status(&[0x82, 0])).unwrap().status, RevocationStatus::Unknown);
    }

    #[test]
    fn every_prefix_is_nothing() {
        let message = status(&[0x80, 0]);
        for length in 0..message.len() {
            assert_eq!(read(&message[..length]), None, "{length}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = read(&bytes);
        }
    }
}
