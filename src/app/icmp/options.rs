//! The messages of Neighbor Discovery and their options (RFC 4861 4.6), as far as they are reported.
use std::net::{IpAddr, Ipv6Addr};

use crate::{
    limits::MAX_LISTED_IN_ADVERTISEMENT as MAX_LISTED,
    record::{AdvertisedPrefix, HardwareAddress, RouterAdvertisement},
};

/// A message.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Message {
    RouterSolicitation { mac: Option<HardwareAddress> },
    RouterAdvertisement { mac: Option<HardwareAddress>, says: Box<RouterAdvertisement> },
    NeighborSolicitation { target: Ipv6Addr, mac: Option<HardwareAddress> },
    NeighborAdvertisement { target: Ipv6Addr, mac: Option<HardwareAddress> },
    Redirect { target: Ipv6Addr, destination: Ipv6Addr, mac: Option<HardwareAddress> },
}

fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk::<2>().copied().map(u16::from_be_bytes)
}

fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk::<4>().copied().map(u32::from_be_bytes)
}

fn address_at(bytes: &[u8], offset: usize) -> Option<Ipv6Addr> {
    bytes.get(offset..)?.first_chunk::<16>().copied().map(Ipv6Addr::from)
}

/// Reads a message from ICMPv6's header on; null when it is none, or too short.
pub(super) fn read(bytes: &[u8]) -> Option<Message> {
    let [kind, 0, ..] = bytes else { return None };
    // 1: the sender's link-layer address, 2: the target's (RFC 4861 4.6.1).
    const SOURCE: u8 = 1;
    const TARGET: u8 = 2;
    Some(match kind {
        133 => Message::RouterSolicitation { mac: link_layer(bytes.get(8..)?, SOURCE) },
        134 => {
            let says = Box::new(advertisement(bytes)?);
            Message::RouterAdvertisement { mac: link_layer(bytes.get(16..)?, SOURCE), says }
        }
        135 => {
            Message::NeighborSolicitation { target: address_at(bytes, 8)?, mac: link_layer(bytes.get(24..)?, SOURCE) }
        }
        136 => {
            Message::NeighborAdvertisement { target: address_at(bytes, 8)?, mac: link_layer(bytes.get(24..)?, TARGET) }
        }
        137 => Message::Redirect {
            target: address_at(bytes, 8)?,
            destination: address_at(bytes, 24)?,
            mac: link_layer(bytes.get(40..)?, TARGET),
        },
        _ => return None,
    })
}

/// The options one by one: type and what follows the length. Ends at one of length zero, which makes the packet invalid, and
/// where bytes are missing.
fn options(mut bytes: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    std::iter::from_fn(move || {
        let [kind, units, ..] = bytes else { return None };
        let length = usize::from(*units).checked_mul(8).filter(|length| *length > 0)?;
        let option = bytes.get(2..length)?;
        let kind = *kind;
        bytes = bytes.get(length..).unwrap_or_default();
        Some((kind, option))
    })
}

/// The link-layer address in the option of this kind. Ethernet's fill one unit of eight bytes.
fn link_layer(bytes: &[u8], kind: u8) -> Option<HardwareAddress> {
    let (_, address) = options(bytes).find(|(found, _)| *found == kind)?;
    HardwareAddress::new(address)
}

fn advertisement(bytes: &[u8]) -> Option<RouterAdvertisement> {
    let flags = *bytes.get(5)?;
    let mut says = RouterAdvertisement {
        hop_limit: *bytes.get(4)?,
        managed: flags & 0x80 != 0,
        other_configuration: flags & 0x40 != 0,
        preference: match (flags >> 3) & 3 {
            0 => Some("medium"),
            1 => Some("high"),
            3 => Some("low"),
            _ => None,
        },
        lifetime_s: u16_at(bytes, 6)?,
        reachable_ms: u32_at(bytes, 8)?,
        retransmit_ms: u32_at(bytes, 12)?,
        ..RouterAdvertisement::default()
    };
    for (kind, option) in options(bytes.get(16..)?) {
        match kind {
            3 if says.prefixes.len() < MAX_LISTED => says.prefixes.extend(prefix(option)),
            5 => says.mtu = u32_at(option, 2),
            25 => {
                let servers = option.get(6..).unwrap_or_default().chunks_exact(16);
                let room = MAX_LISTED.saturating_sub(says.dns_servers.len());
                says.dns_servers.extend(servers.filter_map(|server| address_at(server, 0)).map(IpAddr::V6).take(room));
            }
            31 => {
                let room = MAX_LISTED.saturating_sub(says.search_domains.len());
                says.search_domains.extend(names(option.get(6..).unwrap_or_default()).take(room));
            }
            _ => {}
        }
    }
    Some(says)
}

fn prefix(option: &[u8]) -> Option<AdvertisedPrefix> {
    let (length, flags) = (*option.first()?, *option.get(1)?);
    Some(AdvertisedPrefix {
        prefix: format!("{}/{length}", address_at(option, 14)?),
        on_link: flags & 0x80 != 0,
        autonomous: flags & 0x40 != 0,
        valid_s: u32_at(option, 2)?,
        preferred_s: u32_at(option, 6)?,
    })
}

/// Domain names one behind the other, without compression; an empty one is padding (RFC 8106 5.2).
fn names(mut bytes: &[u8]) -> impl Iterator<Item = String> {
    std::iter::from_fn(move || {
        let mut name = String::new();
        loop {
            let (length, rest) = bytes.split_first()?;
            bytes = rest;
            if *length == 0 {
                return (!name.is_empty()).then_some(name);
            }
            let label = bytes.get(..usize::from(*length))?;
            bytes = bytes.get(usize::from(*length)..)?;
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(&String::from_utf8_lossy(label));
        }
    })
}
