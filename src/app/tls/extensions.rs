//! Hello extensions: walking the list, and the values of those that a report shows (RFC 9846 4.2, RFC 6066, RFC 7301).
use nom::{
    IResult, Parser,
    multi::length_data,
    number::complete::{be_u8, be_u16},
};

use super::parser;

/// Extension types that are looked at (TLS ExtensionType registry).
pub mod kind {
    #![allow(missing_docs)]
    pub const SERVER_NAME: u16 = 0;
    pub const STATUS_REQUEST: u16 = 5;
    pub const SUPPORTED_GROUPS: u16 = 10;
    pub const EC_POINT_FORMATS: u16 = 11;
    pub const SIGNATURE_ALGORITHMS: u16 = 13;
    pub const ALPN: u16 = 16;
    pub const STATUS_REQUEST_V2: u16 = 17;
    pub const SIGNED_CERTIFICATE_TIMESTAMP: u16 = 18;
    pub const SESSION_TICKET: u16 = 35;
    pub const PRE_SHARED_KEY: u16 = 41;
    pub const EARLY_DATA: u16 = 42;
    pub const SUPPORTED_VERSIONS: u16 = 43;
    pub const KEY_SHARE: u16 = 51;
    pub const ENCRYPTED_CLIENT_HELLO: u16 = 0xfe0d;
}

/// Bytes of ticket_lifetime and ticket_age_add.
const LIFETIME_AND_AGE_BYTES: usize = 8;

/// A message's extensions, as on the wire.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extensions<'a> {
    bytes: &'a [u8],
    damaged: bool,
}

impl<'a> Extensions<'a> {
    /// Of the bytes behind the list's length. `damaged`: whether that length reached beyond the message.
    #[must_use]
    pub fn new(bytes: &'a [u8], damaged: bool) -> Self {
        Self { bytes, damaged }
    }

    /// Those of a TLS 1.3 message that is no hello: EncryptedExtensions, CertificateRequest, NewSessionTicket (RFC 9846
    /// 4.3.1, 4.3.2, 4.6.1). Null for others, and where what stands before them does not fit.
    #[must_use]
    pub fn of_message(message: u8, body: &'a [u8]) -> Option<Self> {
        let list = match message {
            parser::kind::ENCRYPTED_EXTENSIONS => body,
            parser::kind::CERTIFICATE_REQUEST => {
                let context: IResult<&[u8], &[u8]> = length_data(be_u8).parse(body);
                context.ok()?.0
            }
            parser::kind::NEW_SESSION_TICKET => {
                let (_, body) = body.split_at_checked(LIFETIME_AND_AGE_BYTES)?;
                let ticket: IResult<&[u8], (&[u8], &[u8])> = (length_data(be_u8), length_data(be_u16)).parse(body);
                ticket.ok()?.0
            }
            _ => return None,
        };
        let (length, list) = list.split_at_checked(2)?;
        let length = length.iter().fold(0, |length: usize, byte| length << 8 | usize::from(*byte));
        Some(list.get(..length).map_or(Self::new(list, true), |list| Self::new(list, false)))
    }

    /// Whether the list ends where its message does, and its last extension where the list does.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let read: usize = self.iter().map(|(_, body)| body.len().saturating_add(4)).sum();
        !self.damaged && read == self.bytes.len()
    }

    /// Type and body of each, in wire order, until the first that does not fit.
    pub fn iter(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        let mut bytes = self.bytes;
        std::iter::from_fn(move || {
            let read: IResult<&[u8], (u16, &[u8])> = (be_u16, length_data(be_u16)).parse(bytes);
            let (after, extension) = read.ok()?;
            bytes = after;
            Some(extension)
        })
    }

    /// The body of the first extension of a type.
    #[must_use]
    pub fn find(&self, kind: u16) -> Option<&'a [u8]> {
        self.iter().find(|(number, _)| *number == kind).map(|(_, body)| body)
    }

    /// Whether the list reached beyond its message.
    #[must_use]
    pub fn is_damaged(&self) -> bool {
        self.damaged
    }
}

/// The host name in server_name (RFC 6066 3).
#[must_use]
pub fn server_name(body: &[u8]) -> Option<&[u8]> {
    let read: IResult<&[u8], &[u8]> = length_data(be_u16).parse(body);
    let mut list = read.ok()?.1;
    loop {
        let entry: IResult<&[u8], (u8, &[u8])> = (be_u8, length_data(be_u16)).parse(list);
        let (after, (name_type, name)) = entry.ok()?;
        if name_type == 0 {
            return Some(name);
        }
        list = after;
    }
}

/// Protocol names in ALPN (RFC 7301 3.1).
pub fn alpn(body: &[u8]) -> impl Iterator<Item = &[u8]> {
    let read: IResult<&[u8], &[u8]> = length_data(be_u16).parse(body);
    let mut list = read.map_or(&[][..], |(_, list)| list);
    std::iter::from_fn(move || {
        let entry: IResult<&[u8], &[u8]> = length_data(be_u8).parse(list);
        let (after, name) = entry.ok()?;
        list = after;
        Some(name)
    })
}

/// Two-byte numbers behind a two-byte length: supported_groups, signature_algorithms.
pub fn numbers(body: &[u8]) -> impl Iterator<Item = u16> {
    let read: IResult<&[u8], &[u8]> = length_data(be_u16).parse(body);
    pairs(read.map_or(&[], |(_, list)| list))
}

/// A client's supported_versions: behind a one-byte length.
pub fn client_versions(body: &[u8]) -> impl Iterator<Item = u16> {
    let read: IResult<&[u8], &[u8]> = length_data(be_u8).parse(body);
    pairs(read.map_or(&[], |(_, list)| list))
}

/// ec_point_formats (RFC 8422 5.1.2).
#[must_use]
pub fn point_formats(body: &[u8]) -> &[u8] {
    let read: IResult<&[u8], &[u8]> = length_data(be_u8).parse(body);
    read.map_or(&[], |(_, list)| list)
}

/// A single number: the server's supported_versions, a HelloRetryRequest's or ServerHello's key_share group.
#[must_use]
pub fn number(body: &[u8]) -> Option<u16> {
    let read: IResult<&[u8], u16> = be_u16(body);
    read.ok().map(|(_, number)| number)
}

/// Groups for which a client sent a key share (RFC 9846 4.2.8).
pub fn key_share_groups(body: &[u8]) -> impl Iterator<Item = u16> {
    let read: IResult<&[u8], &[u8]> = length_data(be_u16).parse(body);
    let mut list = read.map_or(&[][..], |(_, list)| list);
    std::iter::from_fn(move || {
        let entry: IResult<&[u8], (u16, &[u8])> = (be_u16, length_data(be_u16)).parse(list);
        let (after, (group, _)) = entry.ok()?;
        list = after;
        Some(group)
    })
}

fn pairs(list: &[u8]) -> impl Iterator<Item = u16> {
    list.chunks_exact(2).map(|pair| pair.iter().fold(0, |number: u16, byte| number << 8 | u16::from(*byte)))
}
