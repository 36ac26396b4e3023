//! Neighbor Discovery (RFC 4861, RFC 8106) and Multicast Listener Discovery (RFC 2710, RFC 3810): what ICMPv6 carries besides
//! errors and echoes.
use std::fmt::Write as _;

use super::{
    describe::{Fields, colon_hex},
    read::{ipv6_at, u8_at, u16_at, u32_at},
};
use crate::record::Value;

/// Options, records and addresses looked at in one message: what fits into a packet of 1500 bytes.
const MOST: usize = 186;

/// Where the options of a message of this type start.
fn options_at(message_type: u8) -> Option<usize> {
    Some(match message_type {
        133 => 8,
        134 => 16,
        135 | 136 => 24,
        137 => 40,
        _ => return None,
    })
}

/// The options: type, length in units of eight bytes, and all bytes.
fn options(message: &[u8]) -> impl Iterator<Item = (u8, u8, &[u8])> {
    let start = message.first().and_then(|message_type| options_at(*message_type));
    let mut rest = start.and_then(|start| message.get(start..)).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, units) = (u8_at(rest, 0)?, u8_at(rest, 1).filter(|units| *units > 0)?);
        let length = usize::from(units).saturating_mul(8);
        let option = rest.get(..length)?;
        rest = rest.get(length..)?;
        Some((kind, units, option))
    })
    .take(MOST)
}

/// The link address that an option of `kind` tells.
fn link_address(message: &[u8], kind: u8) -> Option<&[u8]> {
    options(message).find(|option| option.0 == kind).and_then(|(_, _, option)| option.get(2..8))
}

/// Fields of the message behind its checksum.
pub(super) fn fields(fields: &mut Fields, message: &[u8]) {
    let flags = u8_at(message, 5);
    match u8_at(message, 0) {
        Some(130) => {
            let is_version_2 = message.len() >= 28;
            let name = match is_version_2 {
                true => "icmpv6.mld.maximum_response_code",
                false => "icmpv6.mld.maximum_response_delay",
            };
            fields.number(name, u16_at(message, 4));
            fields.text("icmpv6.mld.multicast_address", ipv6_at(message, 8));
            if is_version_2 {
                let second = u8_at(message, 24);
                fields.bit("icmpv6.mld.flag.s", second, 8);
                fields.number("icmpv6.mld.flag.qrv", second.map(|flags| flags & 7));
                fields.number("icmpv6.mld.qqi", u8_at(message, 25));
                fields.number("icmpv6.mld.nb_sources", u16_at(message, 26));
            }
        }
        Some(131 | 132) => {
            fields.number("icmpv6.mld.maximum_response_delay", u16_at(message, 4));
            fields.text("icmpv6.mld.multicast_address", ipv6_at(message, 8));
        }
        Some(134) => {
            fields.number("icmpv6.nd.ra.cur_hop_limit", u8_at(message, 4));
            fields.bit("icmpv6.nd.ra.flag.m", flags, 0x80);
            fields.bit("icmpv6.nd.ra.flag.o", flags, 0x40);
            fields.bit("icmpv6.nd.ra.flag.h", flags, 0x20);
            fields.number("icmpv6.nd.ra.flag.prf", flags.map(|flags| flags >> 3 & 3));
            fields.number("icmpv6.nd.ra.router_lifetime", u16_at(message, 6));
            fields.number("icmpv6.nd.ra.reachable_time", u32_at(message, 8));
            fields.number("icmpv6.nd.ra.retrans_timer", u32_at(message, 12));
        }
        Some(135) => fields.text("icmpv6.nd.ns.target_address", ipv6_at(message, 8)),
        Some(136) => {
            let flags = u8_at(message, 4);
            fields.bit("icmpv6.nd.na.flag.r", flags, 0x80);
            fields.bit("icmpv6.nd.na.flag.s", flags, 0x40);
            fields.bit("icmpv6.nd.na.flag.o", flags, 0x20);
            fields.text("icmpv6.nd.na.target_address", ipv6_at(message, 8));
        }
        Some(137) => {
            fields.text("icmpv6.nd.rd.target_address", ipv6_at(message, 8));
            fields.text("icmpv6.rd.na.destination_address", ipv6_at(message, 24));
        }
        Some(143) => {
            fields.number("icmpv6.mldr.nb_mcast_records", u16_at(message, 6));
            let all: Vec<(u8, &[u8])> = records(message).collect();
            let kinds = all.iter().map(|(kind, _)| Value::Number((*kind).into())).collect();
            fields.list("icmpv6.mldr.mar.record_type", kinds);
            let groups = all.iter().filter_map(|(_, record)| ipv6_at(record, 4));
            let groups = groups.map(|group| Value::Text(group.to_string())).collect();
            fields.list("icmpv6.mldr.mar.multicast_address", groups);
        }
        _ => {}
    }
    option_fields(fields, message);
}

fn option_fields(fields: &mut Fields, message: &[u8]) {
    let number = |number: u8| Value::Number(number.into());
    fields.list("icmpv6.opt.type", options(message).map(|(kind, _, _)| number(kind)).collect());
    fields.list("icmpv6.opt.length", options(message).map(|(_, units, _)| number(units)).collect());
    for (kind, _, option) in options(message) {
        match kind {
            1 => fields.bytes("icmpv6.opt.src_linkaddr", option.get(2..8).unwrap_or_default()),
            2 => fields.bytes("icmpv6.opt.target_linkaddr", option.get(2..8).unwrap_or_default()),
            3 => {
                let flags = u8_at(option, 3);
                fields.number("icmpv6.opt.prefix.length", u8_at(option, 2));
                fields.bit("icmpv6.opt.prefix.flag.l", flags, 0x80);
                fields.bit("icmpv6.opt.prefix.flag.a", flags, 0x40);
                fields.number("icmpv6.opt.prefix.valid_lifetime", u32_at(option, 4));
                fields.number("icmpv6.opt.prefix.preferred_lifetime", u32_at(option, 8));
                fields.text("icmpv6.opt.prefix", ipv6_at(option, 16));
            }
            5 => fields.number("icmpv6.opt.mtu", u32_at(option, 4)),
            14 => fields.bytes("icmpv6.opt.nonce", option.get(2..).unwrap_or_default()),
            25 => {
                fields.number("icmpv6.opt.rdnss.lifetime", u32_at(option, 4));
                let places = (0..MOST).map_while(|place| ipv6_at(option, place.saturating_mul(16).saturating_add(8)));
                fields.list("icmpv6.opt.rdnss", places.map(|server| Value::Text(server.to_string())).collect());
            }
            31 => fields.number("icmpv6.opt.dnssl.lifetime", u32_at(option, 4)),
            _ => {}
        }
    }
}

/// The records of a report of version 2: type and bytes.
fn records(message: &[u8]) -> impl Iterator<Item = (u8, &[u8])> {
    let count = usize::from(u16_at(message, 6).unwrap_or_default()).min(MOST);
    let mut rest = message.get(8..).unwrap_or_default();
    std::iter::from_fn(move || {
        let (kind, auxiliary, sources) = (u8_at(rest, 0)?, u8_at(rest, 1)?, u16_at(rest, 2)?);
        let length = usize::from(sources)
            .saturating_mul(16)
            .saturating_add(usize::from(auxiliary).saturating_mul(4))
            .saturating_add(20);
        let record = rest;
        rest = rest.get(length..).unwrap_or_default();
        Some((kind, record))
    })
    .take(count)
}

/// What the message says, in one line; nothing for others.
pub(super) fn summary(line: &mut String, message: &[u8]) -> Option<()> {
    let from = |line: &mut String, kind: u8, words: &str| match link_address(message, kind) {
        Some(address) => write!(line, " {words} {}", colon_hex(address)).ok(),
        None => Some(()),
    };
    match u8_at(message, 0)? {
        130 => match ipv6_at(message, 8)? {
            group if group.is_unspecified() => write!(line, "Multicast Listener Query, general").ok(),
            group => write!(line, "Multicast Listener Query for {group}").ok(),
        },
        131 => write!(line, "Multicast Listener Report, group {}", ipv6_at(message, 8)?).ok(),
        132 => write!(line, "Multicast Listener Done, group {}", ipv6_at(message, 8)?).ok(),
        133 => {
            line.push_str("Router Solicitation");
            from(line, 1, "from")
        }
        134 => {
            line.push_str("Router Advertisement");
            from(line, 1, "from")?;
            for (_, _, option) in options(message).filter(|option| option.0 == 3).take(4) {
                write!(line, ", prefix {}/{}", ipv6_at(option, 16)?, u8_at(option, 2)?).ok()?;
            }
            Some(())
        }
        135 => {
            write!(line, "Neighbor Solicitation for {}", ipv6_at(message, 8)?).ok()?;
            from(line, 1, "from")
        }
        136 => {
            let flags = u8_at(message, 4)?;
            let words: Vec<&str> = [(0x80, "rtr"), (0x40, "sol"), (0x20, "ovr")]
                .iter()
                .filter(|(mask, _)| flags & mask != 0)
                .map(|(_, word)| *word)
                .collect();
            write!(line, "Neighbor Advertisement {} ({})", ipv6_at(message, 8)?, words.join(", ")).ok()?;
            from(line, 2, "is at")
        }
        137 => write!(line, "Redirect of {} to {}", ipv6_at(message, 24)?, ipv6_at(message, 8)?).ok(),
        143 => {
            line.push_str("Multicast Listener Report Message v2");
            for (kind, record) in records(message).take(4) {
                let (group, sources) = (ipv6_at(record, 4)?, u16_at(record, 2)?);
                match (kind, sources) {
                    (2 | 4, 0) => write!(line, ", join {group}"),
                    (1 | 3, 0) => write!(line, ", leave {group}"),
                    (_, sources) => write!(line, ", record type {kind} of {group} with {sources} sources"),
                }
                .ok()?;
            }
            Some(())
        }
        _ => None,
    }
}
