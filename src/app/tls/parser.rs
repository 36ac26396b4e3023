//! Handshake messages, borrowed from the bytes of one whole message. Pure: framing is `record_layer`'s and `dtls`'s.
//!
//! Lenient where a peer would refuse: a damaged tail leaves what was read before it, and `damaged` says so.
use nom::{
    IResult, Parser,
    bytes::complete::take,
    multi::length_data,
    number::complete::{be_u8, be_u16, be_u24},
};

use super::extensions::Extensions;

/// Handshake message types that are looked at (TLS HandshakeType registry).
pub mod kind {
    #![allow(missing_docs)]
    pub const HELLO_REQUEST: u8 = 0;
    pub const CLIENT_HELLO: u8 = 1;
    pub const SERVER_HELLO: u8 = 2;
    pub const HELLO_VERIFY_REQUEST: u8 = 3;
    pub const NEW_SESSION_TICKET: u8 = 4;
    pub const HELLO_RETRY_REQUEST: u8 = 6;
    pub const ENCRYPTED_EXTENSIONS: u8 = 8;
    pub const CERTIFICATE: u8 = 11;
    pub const SERVER_KEY_EXCHANGE: u8 = 12;
    pub const CERTIFICATE_REQUEST: u8 = 13;
    pub const SERVER_HELLO_DONE: u8 = 14;
    pub const CLIENT_KEY_EXCHANGE: u8 = 16;
    pub const FINISHED: u8 = 20;
    pub const CERTIFICATE_STATUS: u8 = 22;
    pub const COMPRESSED_CERTIFICATE: u8 = 25;
}

/// The random that makes a ServerHello a HelloRetryRequest: SHA-256 of "HelloRetryRequest" (RFC 9846 4.1.3).
pub const HELLO_RETRY_RANDOM: [u8; 32] = [
    0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11,
    0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
];

/// A ClientHello (RFC 9846 4.1.2, RFC 6347 4.2.1 with a cookie, RFC 5246 E.2 in an SSLv2 frame).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientHello<'a> {
    /// legacy_version.
    pub legacy_version: u16,
    /// 32 bytes, or SSLv2's challenge.
    pub random: &'a [u8],
    /// legacy_session_id.
    pub session_id: &'a [u8],
    /// The cookie of DTLS 1.2.
    pub cookie: &'a [u8],
    /// Suites as on the wire.
    pub cipher_suites: &'a [u8],
    /// Bytes per suite: 2, or 3 in an SSLv2 frame.
    pub suite_size: usize,
    /// Compression methods.
    pub compression: &'a [u8],
    /// Extensions.
    pub extensions: Extensions<'a>,
}

impl ClientHello<'_> {
    /// Suites in wire order.
    pub fn suites(&self) -> impl Iterator<Item = u32> {
        self.cipher_suites
            .chunks_exact(self.suite_size)
            .map(|suite| suite.iter().fold(0, |number: u32, byte| number << 8 | u32::from(*byte)))
    }
}

/// A ServerHello or HelloRetryRequest (RFC 9846 4.1.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerHello<'a> {
    /// legacy_version.
    pub legacy_version: u16,
    /// 32 bytes.
    pub random: &'a [u8],
    /// legacy_session_id_echo.
    pub session_id: &'a [u8],
    /// The chosen suite.
    pub cipher_suite: u32,
    /// The chosen compression method.
    pub compression: u8,
    /// Extensions.
    pub extensions: Extensions<'a>,
}

impl ServerHello<'_> {
    /// Whether it asks for another ClientHello.
    #[must_use]
    pub fn is_hello_retry_request(&self) -> bool {
        self.random == HELLO_RETRY_RANDOM
    }
}

/// A ClientHello's body. `dtls` says whether a cookie stands behind the session id.
pub fn client_hello(body: &[u8], dtls: bool) -> IResult<&[u8], ClientHello<'_>> {
    let (input, legacy_version) = be_u16(body)?;
    let (input, random) = take(32_usize).parse(input)?;
    let (input, session_id) = length_data(be_u8).parse(input)?;
    let (input, cookie) = if dtls { length_data(be_u8).parse(input)? } else { (input, &[][..]) };
    let (input, cipher_suites) = length_data(be_u16).parse(input)?;
    let (input, compression) = length_data(be_u8).parse(input)?;
    let (input, extensions) = extensions(input)?;
    let hello = ClientHello {
        legacy_version,
        random,
        session_id,
        cookie,
        cipher_suites,
        suite_size: 2,
        compression,
        extensions,
    };
    Ok((input, hello))
}

/// A ServerHello's body.
pub fn server_hello(body: &[u8]) -> IResult<&[u8], ServerHello<'_>> {
    let (input, legacy_version) = be_u16(body)?;
    let (input, random) = take(32_usize).parse(input)?;
    // Drafts of TLS 1.3 before 22 have neither session id nor compression.
    let old_draft = matches!(legacy_version, 0x7f00..=0x7f15);
    let (input, session_id) = if old_draft { (input, &[][..]) } else { length_data(be_u8).parse(input)? };
    let (input, cipher_suite) = be_u16(input)?;
    let (input, compression) = if old_draft { (input, 0) } else { be_u8(input)? };
    let (input, extensions) = extensions(input)?;
    let cipher_suite = u32::from(cipher_suite);
    Ok((input, ServerHello { legacy_version, random, session_id, cipher_suite, compression, extensions }))
}

/// The extensions at a hello's end; SSL 3.0 and some TLS 1.0 hellos have none at all.
fn extensions(input: &[u8]) -> IResult<&[u8], Extensions<'_>> {
    if input.len() < 2 {
        return Ok((input, Extensions::default()));
    }
    let (input, length) = be_u16(input)?;
    let (body, damaged) = match input.get(..usize::from(length)) {
        Some(body) => (body, false),
        None => (input, true),
    };
    let (_, input) = input.split_at_checked(body.len()).unwrap_or_default();
    Ok((input, Extensions::new(body, damaged)))
}

/// An SSLv2-framed ClientHello behind its two-byte record header (RFC 5246 E.2): type, version and three lengths.
pub fn sslv2_client_hello(body: &[u8]) -> IResult<&[u8], ClientHello<'_>> {
    let (input, _) = nom::bytes::complete::tag(&[kind::CLIENT_HELLO][..]).parse(body)?;
    let (input, legacy_version) = be_u16(input)?;
    let (input, (suites, session, challenge)) = (be_u16, be_u16, be_u16).parse(input)?;
    let (input, cipher_suites) = take(suites).parse(input)?;
    let (input, session_id) = take(session).parse(input)?;
    let (input, random) = take(challenge).parse(input)?;
    let hello = ClientHello {
        legacy_version,
        random,
        session_id,
        cookie: &[],
        cipher_suites,
        suite_size: 3,
        compression: &[],
        extensions: Extensions::default(),
    };
    Ok((input, hello))
}

/// The DER of each certificate in a Certificate message of TLS 1.2 and before (RFC 5246 7.4.2). What follows a wrong
/// length is left out.
pub fn certificate_list(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let list: IResult<&[u8], &[u8]> = length_data(be_u24).parse(body);
    // A list longer than the message: read what is there.
    let list = list.map_or_else(|_| body.get(3..).unwrap_or_default(), |(_, list)| list);
    entries(list, false).map(|(der, _)| der)
}

/// The same for TLS 1.3, where a context comes first and extensions follow each certificate (RFC 9846 4.4.2).
pub fn certificate_list_13(body: &[u8]) -> impl Iterator<Item = (&[u8], Extensions<'_>)> {
    let list: IResult<&[u8], (&[u8], &[u8])> = (length_data(be_u8), length_data(be_u24)).parse(body);
    entries(list.map_or(&[], |(_, (_, list))| list), true)
}

fn entries(mut list: &[u8], with_extensions: bool) -> impl Iterator<Item = (&[u8], Extensions<'_>)> {
    std::iter::from_fn(move || {
        let entry: IResult<&[u8], &[u8]> = length_data(be_u24).parse(list);
        let (after, der) = entry.ok()?;
        list = after;
        let mut extensions = Extensions::default();
        if with_extensions {
            let read: IResult<&[u8], &[u8]> = length_data(be_u16).parse(list);
            match read {
                Ok((after, body)) => (list, extensions) = (after, Extensions::new(body, false)),
                Err(_) => list = &[],
            }
        }
        Some((der, extensions))
    })
    .filter(|(der, _)| !der.is_empty())
}

/// The named curve of an ECDHE ServerKeyExchange (RFC 8422 5.4); `psk` when an identity hint comes first (RFC 5489).
#[must_use]
pub fn key_exchange_group(body: &[u8], psk: bool) -> Option<u16> {
    let body = if psk {
        let hint: IResult<&[u8], &[u8]> = length_data(be_u16).parse(body);
        hint.ok()?.0
    } else {
        body
    };
    let read: IResult<&[u8], (u8, u16)> = (be_u8, be_u16).parse(body);
    // 3 is named_curve.
    read.ok().and_then(|(_, (curve_type, group))| (curve_type == 3).then_some(group))
}

/// The group of a DHE ServerKeyExchange whose prime is one of RFC 7919's; null of other primes. All five begin and end
/// alike, and differ in their length.
#[must_use]
pub fn key_exchange_named_prime(body: &[u8]) -> Option<u16> {
    const BEGIN: [u8; 24] = [
        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xad, 0xf8, 0x54, 0x58, 0xa2, 0xbb, 0x4a, 0x9a, 0xaf, 0xdc,
        0x56, 0x20, 0x27, 0x3d, 0x3c, 0xf1,
    ];
    const END: [u8; 8] = [0xff; 8];
    let read: IResult<&[u8], &[u8]> = length_data(be_u16).parse(body);
    let prime = read.ok()?.1;
    let groups = [(256, 256), (384, 257), (512, 258), (768, 259), (1024, 260)];
    let named = prime.starts_with(&BEGIN) && prime.ends_with(&END);
    groups.into_iter().find(|(length, _)| named && *length == prime.len()).map(|(_, group)| group)
}

/// Size in bits of the prime of a DHE ServerKeyExchange (RFC 5246 7.4.3).
#[must_use]
pub fn key_exchange_prime_bits(body: &[u8]) -> Option<usize> {
    let read: IResult<&[u8], &[u8]> = length_data(be_u16).parse(body);
    let prime = read.ok()?.1;
    let start = prime.iter().position(|byte| *byte != 0)?;
    let first = prime.get(start)?;
    let zeros = usize::try_from(first.leading_zeros()).ok()?;
    prime.len().checked_sub(start)?.checked_mul(8)?.checked_sub(zeros)
}
