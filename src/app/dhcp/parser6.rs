//! DHCPv6 messages and options (RFC 8415 8, 9, 21): pure parsing, and how they are recognised.
use std::net::Ipv6Addr;

use nom::{
    IResult, Parser,
    bytes::complete::take,
    number::complete::{be_u8, be_u16, be_u24, be_u32, be_u128},
};

use crate::{
    app::{Carrier, Probe, Verdict},
    limits,
};

/// Kinds of messages that matter here.
pub mod kind {
    #![allow(missing_docs)]
    pub const RELAY_FORWARD: u8 = 12;
    pub const RELAY_REPLY: u8 = 13;
}

/// Options that are read.
pub mod option {
    #![allow(missing_docs)]
    pub const CLIENT: u16 = 1;
    pub const SERVER: u16 = 2;
    pub const ADDRESSES: u16 = 3;
    pub const TEMPORARY: u16 = 4;
    pub const ADDRESS: u16 = 5;
    pub const RELAYED: u16 = 9;
    pub const STATUS: u16 = 13;
    pub const VENDOR_CLASS: u16 = 16;
    pub const NAME_SERVERS: u16 = 23;
    pub const PREFIXES: u16 = 25;
    pub const PREFIX: u16 = 26;
    pub const CLIENT_NAME: u16 = 39;
}

/// A message between client and server, taken out of what relays put around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its kind.
    pub kind: u8,
    /// Transaction id, 24 bits.
    pub transaction: u32,
    /// Its options.
    pub options: Vec<(u16, &'a [u8])>,
    /// The address of the link that the first relay names, when there is one.
    pub relay_link: Option<Ipv6Addr>,
    /// How many relays passed it on.
    pub relays: usize,
    /// The kind of the outermost message.
    pub outer_kind: u8,
}

fn options(mut rest: &[u8]) -> (Vec<(u16, &[u8])>, bool) {
    let mut all = Vec::new();
    while !rest.is_empty() && all.len() < limits::MAX_DHCP_OPTIONS {
        let head: IResult<&[u8], (u16, u16)> = (be_u16, be_u16).parse(rest);
        let Ok((after, (kind, length))) = head else { return (all, false) };
        let Some((content, after)) = after.split_at_checked(usize::from(length)) else { return (all, false) };
        rest = after;
        all.push((kind, content));
    }
    (all, true)
}

/// The message, and whether all its options are whole.
#[must_use]
pub fn message(bytes: &[u8]) -> Option<(Message<'_>, bool)> {
    let outer_kind = *bytes.first()?;
    let (mut bytes, mut relay_link) = (bytes, None);
    for relays in 0..=limits::MAX_DHCP_RELAYS {
        let (kind, rest) = bytes.split_first()?;
        if matches!(*kind, kind::RELAY_FORWARD | kind::RELAY_REPLY) {
            let head: IResult<&[u8], (u8, u128, u128)> = (be_u8, be_u128, be_u128).parse(rest);
            let (rest, (_, link, _)) = head.ok()?;
            relay_link = Some(Ipv6Addr::from_bits(link));
            let (options, _) = options(rest);
            bytes = options.into_iter().find(|(kind, _)| *kind == option::RELAYED)?.1;
            continue;
        }
        let head: IResult<&[u8], u32> = be_u24(rest);
        let (rest, transaction) = head.ok()?;
        let (options, whole) = options(rest);
        return Some((Message { kind: *kind, transaction, options, relay_link, relays, outer_kind }, whole));
    }
    None
}

/// An address or prefix inside an association, in words, with its valid lifetime in seconds.
#[must_use]
pub fn leases(content: &[u8], temporary: bool) -> Vec<(&'static str, String, u32)> {
    let mut all = Vec::new();
    let head = if temporary { 4 } else { 12 };
    let (inner, _) = options(content.get(head..).unwrap_or_default());
    for (kind, content) in inner {
        match kind {
            option::ADDRESS => {
                let read: IResult<&[u8], (u128, u32, u32)> = (be_u128, be_u32, be_u32).parse(content);
                if let Ok((_, (address, _, valid))) = read {
                    all.push(("address", Ipv6Addr::from_bits(address).to_string(), valid));
                }
            }
            option::PREFIX => {
                let read: IResult<&[u8], (u32, u32, u8, u128)> = (be_u32, be_u32, be_u8, be_u128).parse(content);
                if let Ok((_, (_, valid, length, prefix))) = read {
                    all.push(("prefix", format!("{}/{length}", Ipv6Addr::from_bits(prefix)), valid));
                }
            }
            _ => {}
        }
    }
    all
}

/// Statuses of the message and of the associations in it: code and words.
#[must_use]
pub fn statuses<'a>(all: &[(u16, &'a [u8])]) -> Vec<(u16, &'a [u8])> {
    let mut found = Vec::new();
    let status = |content: &'a [u8]| -> Option<(u16, &'a [u8])> {
        let read: IResult<&[u8], u16> = be_u16(content);
        read.ok().map(|(words, code)| (code, words))
    };
    for (kind, content) in all {
        match *kind {
            option::STATUS => found.extend(status(content)),
            option::ADDRESSES | option::PREFIXES => {
                let inner = options(content.get(12..).unwrap_or_default()).0;
                found.extend(
                    inner
                        .into_iter()
                        .filter(|(kind, _)| *kind == option::STATUS)
                        .filter_map(|(_, content)| status(content)),
                );
            }
            _ => {}
        }
    }
    found
}

/// IPv6 addresses one behind the other.
#[must_use]
pub fn addresses(content: &[u8]) -> Vec<Ipv6Addr> {
    let (addresses, _) = content.as_chunks::<16>();
    addresses.iter().map(|address| Ipv6Addr::from(*address)).collect()
}

/// The name that a client gives (RFC 4704), behind a byte of flags, in the encoding of DNS.
#[must_use]
pub fn client_name(content: &[u8]) -> Option<String> {
    let (_, mut rest) = content.split_first()?;
    let mut labels = Vec::new();
    while let Some((length, after)) = rest.split_first().filter(|(length, _)| **length != 0) {
        let label: IResult<&[u8], &[u8]> = take(*length).parse(after);
        let (after, label) = label.ok()?;
        labels.push(String::from_utf8_lossy(label).into_owned());
        rest = after;
    }
    (!labels.is_empty()).then(|| labels.join("."))
}

/// Whole options and a client that names itself, on any port; on the usual ports anything that has the shape.
pub fn probe(probe: &Probe<'_>) -> Verdict {
    if probe.carrier != Carrier::Udp || !matches!(probe.bytes.first(), Some(1..=36)) {
        return Verdict::No;
    }
    let usual = [probe.flow.client.port, probe.flow.server.port].iter().any(|port| matches!(port, 546 | 547));
    let Some((message, whole)) = message(probe.bytes) else {
        let is_relay = matches!(probe.bytes.first(), Some(&(kind::RELAY_FORWARD | kind::RELAY_REPLY)));
        return if usual && is_relay { Verdict::Likely } else { Verdict::No };
    };
    let identified = message.options.iter().any(|(kind, content)| {
        // A DUID has one of four types (RFC 8415 11), and at most 130 bytes.
        matches!((kind, content), (&option::CLIENT, [0, 1..=4, ..])) && (6..=130).contains(&content.len())
    });
    match (usual, whole, identified) {
        (true, true, _) => Verdict::Certain,
        (true, false, _) | (false, true, true) => Verdict::Likely,
        _ => Verdict::No,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SOLICIT: &[u8] = &[1, 0xde, 0xc4, 0xce, 0, 1, 0, 6, 0, 3, 0, 1, 2, 9, 0, 8, 0, 2, 0, 0];

    #[test]
    fn a_message_alone_and_relayed() {
        let (read, whole) = message(SOLICIT).unwrap();
        assert!(whole);
        assert_eq!((read.kind, read.transaction, read.relays), (1, 0x00de_c4ce, 0));
        assert_eq!(read.options, [(1, &[0, 3, 0, 1, 2, 9][..]), (8, &[0, 0])]);
        let mut relayed = vec![12, 0];
        relayed.extend([0x20; 32]);
        relayed.extend([0, 9, 0, SOLICIT.len() as u8]);
        relayed.extend(SOLICIT);
        let (read, _) = message(&relayed).unwrap();
        assert_eq!((read.kind, read.transaction, read.relays, read.outer_kind), (1, 0x00de_c4ce, 1, 12));
    }

    #[test]
    fn leases_and_names() {
        let mut association = vec![0; 12];
        association.extend([0, 5, 0, 24]);
        association.extend([0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 14, 16]);
        association.extend([0, 13, 0, 4, 0, 2, b'n', b'o']);
        assert_eq!(leases(&association, false), [("address", "2001:db8::7".to_owned(), 3600)]);
        assert_eq!(statuses(&[(3, &association)]), [(2, &b"no"[..])]);
        assert_eq!(client_name(b"\x01\x04host\x03lab\0").unwrap(), "host.lab");
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            if let Some((message, _)) = message(&bytes) {
                let _ = statuses(&message.options);
            }
            let _ = (leases(&bytes, false), leases(&bytes, true), client_name(&bytes));
        }
    }
}
