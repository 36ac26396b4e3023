//! Messages of RIP (RFC 2453 4) and RIPng (RFC 2080 2.1): pure parsing, and how they are recognised.
use std::net::{Ipv4Addr, Ipv6Addr};

use nom::{
    IResult, Parser,
    bytes::complete::take,
    combinator::map,
    multi::many0,
    number::complete::{be_u8, be_u16, be_u32, be_u128},
};

use crate::app::{Carrier, Probe, Verdict};

/// A metric that means: not reachable.
pub const INFINITY: u32 = 16;

/// The address family of an entry that authenticates (RFC 2453 4.1).
const AUTHENTICATION: u16 = 0xffff;
/// The metric of a RIPng entry that names the next hop (RFC 2080 2.1.1).
const NEXT_HOP: u8 = 0xff;

/// Command, version and what follows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<E> {
    /// 1 a request, 2 a response.
    pub command: u8,
    /// 1 or 2; of RIPng 1.
    pub version: u8,
    /// Routes, as many as are whole.
    pub entries: Vec<E>,
}

/// Twenty bytes of RIP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A route.
    Route {
        /// 2 is IPv4, 0 asks for the whole table.
        family: u16,
        /// Route tag, of version 2.
        tag: u16,
        /// The network.
        address: Ipv4Addr,
        /// Its mask, of version 2.
        mask: u32,
        /// Where to, if not to the sender; of version 2.
        next_hop: Ipv4Addr,
        /// Hops, 16 is not reachable.
        metric: u32,
    },
    /// Authentication: 2 is a password, 3 a keyed hash (RFC 4822).
    Authentication(u16),
}

/// Twenty bytes of RIPng.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NextGenerationEntry {
    /// The network, or the next hop of those behind it.
    pub prefix: Ipv6Addr,
    /// Route tag.
    pub tag: u16,
    /// Bits of the prefix.
    pub length: u8,
    /// Hops, 16 is not reachable; 255 where `prefix` is a next hop.
    pub metric: u8,
}

impl NextGenerationEntry {
    /// Whether it names the next hop of those behind it.
    #[must_use]
    pub fn is_next_hop(&self) -> bool {
        self.metric == NEXT_HOP
    }
}

fn entry(input: &[u8]) -> IResult<&[u8], Entry> {
    let (input, (family, tag)) = (be_u16, be_u16).parse(input)?;
    if family == AUTHENTICATION {
        return map(take(16_usize), |_| Entry::Authentication(tag)).parse(input);
    }
    let (input, (address, mask, next_hop, metric)) = (be_u32, be_u32, be_u32, be_u32).parse(input)?;
    let (address, next_hop) = (Ipv4Addr::from_bits(address), Ipv4Addr::from_bits(next_hop));
    Ok((input, Entry::Route { family, tag, address, mask, next_hop, metric }))
}

/// A message of RIP; a datagram holds 25 entries at most, and 64 KiB bound what a liar sends.
pub fn rip(input: &[u8]) -> IResult<&[u8], Message<Entry>> {
    let (input, (command, version, _)) = (be_u8, be_u8, be_u16).parse(input)?;
    let (input, entries) = many0(entry).parse(input)?;
    Ok((input, Message { command, version, entries }))
}

fn next_generation_entry(input: &[u8]) -> IResult<&[u8], NextGenerationEntry> {
    let (input, (prefix, tag, length, metric)) = (be_u128, be_u16, be_u8, be_u8).parse(input)?;
    Ok((input, NextGenerationEntry { prefix: Ipv6Addr::from_bits(prefix), tag, length, metric }))
}

/// A message of RIPng.
pub fn ripng(input: &[u8]) -> IResult<&[u8], Message<NextGenerationEntry>> {
    let (input, (command, version, _)) = (be_u8, be_u8, be_u16).parse(input)?;
    let (input, entries) = many0(next_generation_entry).parse(input)?;
    Ok((input, Message { command, version, entries }))
}

fn is_contiguous(mask: u32) -> bool {
    mask.leading_ones().saturating_add(mask.trailing_zeros()) >= 32
}

/// Whether every entry is as a router would send it.
fn is_sound(message: &Message<Entry>) -> bool {
    message.entries.iter().all(|entry| match *entry {
        Entry::Authentication(kind) => matches!(kind, 1..=3) && message.version == 2,
        Entry::Route { family: 0, metric, .. } => metric == INFINITY && message.command == 1,
        Entry::Route { family, mask, metric, .. } => {
            family == 2
                && is_contiguous(mask)
                && (1..=INFINITY).contains(&metric)
                && (message.version == 2 || mask == 0)
        }
    })
}

/// Whether bytes are a message of RIP: on its port with any commands, elsewhere when all of it makes sense.
pub fn probe_rip(probe: &Probe<'_>) -> Verdict {
    if probe.carrier != Carrier::Udp {
        return Verdict::No;
    }
    let usual = [probe.flow.client.port, probe.flow.server.port].contains(&520);
    if !usual && !matches!(probe.bytes, [1 | 2, 2, 0, 0, ..]) {
        return Verdict::No;
    }
    let Ok((rest, message)) = rip(probe.bytes) else { return Verdict::No };
    let shaped = matches!(message.command, 1..=11) && (1..=2).contains(&message.version);
    let whole = rest.is_empty() && !message.entries.is_empty() && matches!(probe.bytes, [_, _, 0, 0, ..]);
    let sound = whole && shaped && message.command <= 2 && message.entries.len() <= 25 && is_sound(&message);
    match (usual, sound) {
        (true, true) => Verdict::Certain,
        (true, false) if shaped => Verdict::Likely,
        // One entry of zeros and small numbers is too little.
        (false, true) if message.version == 2 && message.entries.len() > 1 => Verdict::Likely,
        _ => Verdict::No,
    }
}

/// The same for RIPng, on its port only: its entries have little that nothing else could have.
pub fn probe_ripng(probe: &Probe<'_>) -> Verdict {
    let usual = [probe.flow.client.port, probe.flow.server.port].contains(&521);
    if probe.carrier != Carrier::Udp || !usual || !probe.flow.client.address.is_ipv6() {
        return Verdict::No;
    }
    let Ok((rest, message)) = ripng(probe.bytes) else { return Verdict::No };
    let shaped = matches!(message.command, 1 | 2) && message.version == 1 && matches!(probe.bytes, [_, _, 0, 0, ..]);
    let sound = message
        .entries
        .iter()
        .all(|entry| entry.length <= 128 && (entry.is_next_hop() || (1..=16).contains(&entry.metric)));
    let whole = rest.is_empty() && !message.entries.is_empty();
    match shaped {
        true if sound && whole => Verdict::Certain,
        true => Verdict::Likely,
        false => Verdict::No,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn routes_and_authentication() {
        let bytes = [
            &[2, 2, 0, 0][..],
            &[0xff, 0xff, 0, 2],
            b"password\0\0\0\0\0\0\0\0",
            &[0, 2, 0, 7, 10, 1, 2, 0, 255, 255, 255, 0, 0, 0, 0, 0, 0, 0, 0, 3],
        ]
        .concat();
        let (rest, message) = rip(&bytes).unwrap();
        assert!(rest.is_empty() && is_sound(&message));
        let route = Entry::Route {
            family: 2,
            tag: 7,
            address: [10, 1, 2, 0].into(),
            mask: 0xffff_ff00,
            next_hop: Ipv4Addr::UNSPECIFIED,
            metric: 3,
        };
        assert_eq!(message, Message { command: 2, version: 2, entries: vec![Entry::Authentication(2), route] });
        let mut broken = bytes.clone();
        broken[34] = 0xf0;
        broken[35] = 1;
        assert!(!is_sound(&rip(&broken).unwrap().1), "a mask with a hole");
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let (_, _) = (rip(&bytes), ripng(&bytes));
        }
    }
}
