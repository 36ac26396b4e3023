//! The header, and what is read of Hello, Database Description and Link State Update.
use std::net::Ipv4Addr;

use crate::app::codec::above_ip::{ipv4_at, u8_at, u16_at, u32_at};

/// A packet (RFC 2328 A.3.1, RFC 5340 A.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet<'a> {
    pub version: u8,
    /// 1 to 5.
    pub kind: u8,
    pub router_id: Ipv4Addr,
    pub area: Ipv4Addr,
    /// Of version 2.
    pub authentication: Option<u16>,
    /// Of version 3.
    pub instance: Option<u8>,
    /// Behind the header.
    pub body: &'a [u8],
}

/// Types of packets, from 1 on.
pub(super) const KINDS: [&str; 5] =
    ["Hello", "Database Description", "Link State Request", "Link State Update", "Link State Acknowledgment"];

/// Reads a packet; null when it is none.
pub(super) fn read(bytes: &[u8]) -> Option<Packet<'_>> {
    let (version, kind) = (u8_at(bytes, 0)?, u8_at(bytes, 1)?);
    let length = usize::from(u16_at(bytes, 2)?);
    if !(1..=5).contains(&kind) {
        return None;
    }
    let (head, authentication, instance) = match version {
        2 => (24, Some(u16_at(bytes, 14)?), None),
        3 => (16, None, Some(u8_at(bytes, 14)?)),
        _ => return None,
    };
    // What is behind the packet's length is its cryptographic digest (RFC 2328 D.4).
    let body = bytes.get(head..)?;
    let body = body.get(..length.checked_sub(head)?).unwrap_or(body);
    let (router_id, area) = (ipv4_at(bytes, 4)?, ipv4_at(bytes, 8)?);
    Some(Packet { version, kind, router_id, area, authentication, instance, body })
}

/// A Hello (RFC 2328 A.3.2, RFC 5340 A.3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hello<'a> {
    /// Of version 2.
    pub mask: Option<Ipv4Addr>,
    pub hello_interval_s: u16,
    pub dead_interval_s: u32,
    pub priority: u8,
    /// Of version 2 by address, of version 3 by router identifier; unspecified when there is none.
    pub designated_router: Ipv4Addr,
    pub backup: Ipv4Addr,
    neighbours: &'a [u8],
}

impl<'a> Hello<'a> {
    pub fn read(packet: &Packet<'a>) -> Option<Self> {
        let body = packet.body;
        let is_v2 = packet.version == 2;
        Some(Self {
            mask: if is_v2 { Some(ipv4_at(body, 0)?) } else { None },
            hello_interval_s: u16_at(body, if is_v2 { 4 } else { 8 })?,
            dead_interval_s: if is_v2 { u32_at(body, 8)? } else { u16_at(body, 10)?.into() },
            priority: u8_at(body, if is_v2 { 7 } else { 4 })?,
            designated_router: ipv4_at(body, 12)?,
            backup: ipv4_at(body, 16)?,
            neighbours: body.get(20..)?,
        })
    }

    /// Routers that were heard, by identifier.
    pub fn neighbours(&self) -> impl Iterator<Item = Ipv4Addr> + use<'a> {
        self.neighbours.chunks_exact(4).filter_map(|bytes| ipv4_at(bytes, 0))
    }
}

/// The MTU of the interface that a Database Description tells (RFC 2328 A.3.3, RFC 5340 A.3.3).
pub(super) fn interface_mtu(packet: &Packet<'_>) -> Option<u16> {
    u16_at(packet.body, if packet.version == 2 { 0 } else { 4 })
}

/// How many advertisements a Link State Update carries.
pub(super) fn advertisements(packet: &Packet<'_>) -> Option<u32> {
    u32_at(packet.body, 0)
}
