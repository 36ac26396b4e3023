//! The messages of both, which say the same.
use std::net::{IpAddr, Ipv4Addr};

use crate::app::codec::above_ip::{address_like, ipv4_at, ipv6_at, u8_at, u16_at};

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Message<'a> {
    /// Who listens?
    Query(Query),
    /// I listen to this group (versions 1 and 2, MLD version 1).
    Report { version: u8, group: IpAddr },
    /// I do not any more.
    Leave(IpAddr),
    /// Records about several groups (version 3, MLD version 2).
    Records(Records<'a>),
}

/// A query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub version: u8,
    /// Unspecified when all are asked for.
    pub group: IpAddr,
    /// Answers are wanted within this, in milliseconds.
    pub response_ms: u64,
    /// Of version 3: the querier's robustness and its interval in seconds.
    pub querier: Option<(u8, u64)>,
}

/// Records of a report, one behind the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Records<'a> {
    rest: &'a [u8],
    left: u16,
    is_v6: bool,
}

/// What a record says of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    /// It is listened to: the answer to a query.
    Member,
    /// It is listened to from now on, or from more sources.
    Joined,
    /// Not any more.
    Left,
    /// From fewer sources.
    Blocked,
}

impl Iterator for Records<'_> {
    /// What is said, of which group, and of how many sources.
    type Item = (Change, IpAddr, u16);

    fn next(&mut self) -> Option<Self::Item> {
        let (width, like) = match self.is_v6 {
            true => (16usize, IpAddr::from(std::net::Ipv6Addr::UNSPECIFIED)),
            false => (4, Ipv4Addr::UNSPECIFIED.into()),
        };
        loop {
            self.left = self.left.checked_sub(1)?;
            let (kind, auxiliary, sources) = (u8_at(self.rest, 0)?, u8_at(self.rest, 1)?, u16_at(self.rest, 2)?);
            let group = address_like(like, self.rest, 4)?;
            let length = width
                .saturating_mul(usize::from(sources).saturating_add(1))
                .saturating_add(usize::from(auxiliary).saturating_mul(4))
                .saturating_add(4);
            self.rest = self.rest.get(length..).unwrap_or_default();
            // RFC 9776 4.2.13: modes, changes of the mode, changes of the list.
            let change = match (kind, sources) {
                (1 | 3, 0) => Change::Left,
                (1 | 2, _) => Change::Member,
                (3..=5, _) => Change::Joined,
                (6, _) => Change::Blocked,
                _ => continue,
            };
            return Some((change, group, sources));
        }
    }
}

/// Codes of time above 127 are a floating point number (RFC 9776 4.1.1).
fn coded_8(code: u8) -> u64 {
    if code < 128 {
        return code.into();
    }
    let exponent = (code >> 4 & 7).saturating_add(3);
    u64::from(code & 15 | 16) << exponent
}

/// The same with 16 bits (RFC 9777 5.1.3).
fn coded_16(code: u16) -> u64 {
    if code < 0x8000 {
        return code.into();
    }
    let exponent = (code >> 12 & 7).saturating_add(3);
    u64::from(code & 0xfff | 0x1000) << exponent
}

/// Reads an IGMP message; null when it is none of those that speak of membership.
pub(super) fn igmp(bytes: &[u8]) -> Option<Message<'_>> {
    let (kind, code, group) = (u8_at(bytes, 0)?, u8_at(bytes, 1)?, ipv4_at(bytes, 4)?);
    let group = IpAddr::from(group);
    Some(match kind {
        0x11 => {
            let querier = u8_at(bytes, 8).zip(u8_at(bytes, 9)).filter(|_| bytes.len() >= 12);
            let version = if querier.is_some() { 3 } else { 1u8.saturating_add(u8::from(code != 0)) };
            Message::Query(Query {
                version,
                group,
                // RFC 2236 4: version 1 means ten seconds.
                response_ms: if version == 1 { 10_000 } else { coded_8(code).saturating_mul(100) },
                querier: querier.map(|(flags, code)| (flags & 7, coded_8(code))),
            })
        }
        0x12 => Message::Report { version: 1, group },
        0x16 => Message::Report { version: 2, group },
        0x17 => Message::Leave(group),
        0x22 => Message::Records(Records { rest: bytes.get(8..)?, left: u16_at(bytes, 6)?, is_v6: false }),
        _ => return None,
    })
}

/// Reads an MLD message; null when it is another of ICMPv6.
pub(super) fn mld(bytes: &[u8]) -> Option<Message<'_>> {
    let kind = u8_at(bytes, 0)?;
    if kind == 143 {
        return Some(Message::Records(Records { rest: bytes.get(8..)?, left: u16_at(bytes, 6)?, is_v6: true }));
    }
    if !(130..=132).contains(&kind) {
        return None;
    }
    let group = IpAddr::from(ipv6_at(bytes, 8)?);
    Some(match kind {
        130 => {
            let querier = u8_at(bytes, 24).zip(u8_at(bytes, 25)).filter(|_| bytes.len() >= 28);
            Message::Query(Query {
                version: if querier.is_some() { 2 } else { 1 },
                group,
                response_ms: coded_16(u16_at(bytes, 4)?),
                querier: querier.map(|(flags, code)| (flags & 7, coded_8(code))),
            })
        }
        131 => Message::Report { version: 1, group },
        _ => Message::Leave(group),
    })
}
