//! The messages of SOCKS, in both versions. Pure: streaming parsers that say `Incomplete` while bytes are missing.
use std::net::{Ipv4Addr, Ipv6Addr};

use nom::{
    IResult, Parser,
    bytes::streaming::{tag, take, take_till},
    combinator::{map, map_opt, verify},
    multi::length_data,
    number::streaming::{be_u8, be_u16, be_u32, be_u128},
    sequence::{preceded, terminated},
};

use crate::limits;

/// Methods by which a client offers to prove itself, as IANA numbers them.
pub(super) fn methods(input: &[u8]) -> IResult<&[u8], &[u8]> {
    preceded(tag(&[5][..]), verify(length_data(be_u8), |methods: &[u8]| !methods.is_empty())).parse(input)
}

/// The method that a server chose; 0xff is none.
pub(super) fn chosen_method(input: &[u8]) -> IResult<&[u8], u8> {
    preceded(tag(&[5][..]), be_u8).parse(input)
}

/// User name of RFC 1929; the password behind it is passed over.
pub(super) fn user_name(input: &[u8]) -> IResult<&[u8], &[u8]> {
    preceded(tag(&[1][..]), terminated(length_data(be_u8), length_data(be_u8))).parse(input)
}

/// Answer to it; 0 is yes.
pub(super) fn user_status(input: &[u8]) -> IResult<&[u8], u8> {
    preceded(tag(&[1][..]), be_u8).parse(input)
}

/// Where to, or from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// An address, in brackets where it is IPv6, or a name as it was sent.
    pub(super) host: String,
    pub(super) port: u16,
}

impl std::fmt::Display for Target {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

/// A request, or a reply, which has the same form (RFC 1928 4 and 6): its code, and the address.
pub(super) fn message5(input: &[u8]) -> IResult<&[u8], (u8, Target)> {
    let (rest, code) = terminated(preceded(tag(&[5][..]), be_u8), be_u8).parse(input)?;
    let (rest, kind) = be_u8(rest)?;
    let (rest, host) = match kind {
        1 => map(be_u32, |bits| Ipv4Addr::from_bits(bits).to_string()).parse(rest)?,
        3 => map(length_data(be_u8), text).parse(rest)?,
        4 => map(be_u128, |bits| format!("[{}]", Ipv6Addr::from_bits(bits))).parse(rest)?,
        _ => return Err(nom::Err::Error(nom::error::Error::new(rest, nom::error::ErrorKind::Switch))),
    };
    map(be_u16, move |port| (code, Target { host: host.clone(), port })).parse(rest)
}

/// A request of version 4: command, address and user. An address 0.0.0.x stands for the name behind the user (4a).
pub(super) fn request4(input: &[u8]) -> IResult<&[u8], (u8, Target, String)> {
    let (rest, command) = preceded(tag(&[4][..]), be_u8).parse(input)?;
    let (rest, (port, bits)) = (be_u16, be_u32).parse(rest)?;
    let (rest, user) = zero_terminated(rest)?;
    let (rest, host) = match bits {
        1..=255 => map(zero_terminated, text).parse(rest)?,
        _ => (rest, Ipv4Addr::from_bits(bits).to_string()),
    };
    Ok((rest, (command, Target { host, port }, text(user))))
}

/// A reply of version 4.
pub(super) fn reply4(input: &[u8]) -> IResult<&[u8], (u8, Target)> {
    let (rest, code) =
        preceded(tag(&[0][..]), map_opt(be_u8, |code| (90..=93).contains(&code).then_some(code))).parse(input)?;
    let (rest, (port, bits)) = (be_u16, be_u32).parse(rest)?;
    Ok((rest, (code, Target { host: Ipv4Addr::from_bits(bits).to_string(), port })))
}

/// Bytes until a zero byte, which is passed over.
fn zero_terminated(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let short = |bytes: &[u8]| bytes.len() <= limits::MAX_SOCKS_TEXT_BYTES;
    terminated(verify(take_till(|byte| byte == 0), short), take(1_usize)).parse(input)
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
