//! What the innermost packet travelled in: a second walk, for those who open a flow or ask which virtual network it is in.
use std::net::IpAddr;

use super::{
    Decoded, Layered, ipv4_at, ipv6_at,
    read::{narrow, u8_at, u16_at, u32_at},
    walk::{Found, Next, Visitor, Walk},
};
use crate::{
    limits::MAX_LAYERS,
    record::{LinkType, Tunnel, TunnelIdentifier},
};

/// A captured packet with something around its innermost network header besides a plain link.
#[derive(Clone, Copy, Debug)]
pub struct Encapsulated<'a> {
    link_type: LinkType,
    bytes: &'a [u8],
    wire_length: u32,
    /// What its fragments were put together to.
    datagram: Option<&'a [u8]>,
}

impl<'a> Encapsulated<'a> {
    /// The captured packet `bytes`, when there may be a tunnel in it; `datagram` is what it completed, if it did. `decoded`
    /// speaks of the latter if there is one. Costs plain packets two comparisons.
    #[inline]
    #[must_use]
    pub fn of(
        decoded: &Decoded,
        link_type: LinkType,
        bytes: &'a [u8],
        wire_length: u32,
        datagram: Option<&'a [u8]>,
    ) -> Option<Self> {
        // Ethernet with two tags.
        const PLAIN_LINK: u32 = 22;
        let may_be = decoded.depth > 0 || decoded.network_offset > PLAIN_LINK || datagram.is_some();
        may_be.then_some(Self { link_type, bytes, wire_length, datagram })
    }

    /// The tunnels around the innermost network header, outer first.
    #[must_use]
    pub fn tunnels(&self) -> Vec<Tunnel> {
        let outer = Collector { bytes: self.bytes, ..Collector::default() };
        let mut walk = Walk::new(self.bytes, self.wire_length, outer);
        walk.run(Next::Link(self.link_type));
        let mut collector = walk.visitor;
        if let Some(datagram) = self.datagram {
            // Its header is that of its fragments, which was met already.
            let inner = Collector { bytes: datagram, is_met: true, ..collector };
            let mut walk = Walk::new(datagram, narrow(datagram.len()), inner);
            walk.run(Next::AnyIp);
            collector = walk.visitor;
        }
        collector.tunnels.truncate(collector.around_network);
        collector.tunnels
    }

    /// Number of the virtual network that the innermost packet is in, as [`Tunnel::network`] has it.
    #[must_use]
    pub fn network(&self) -> u32 {
        self.tunnels().iter().rev().find_map(Tunnel::network).unwrap_or_default()
    }
}

/// Collects tunnels.
#[derive(Default)]
struct Collector<'a> {
    bytes: &'a [u8],
    tunnels: Vec<Tunnel>,
    /// How many of them are around the innermost network header.
    around_network: usize,
    /// Of the innermost network header.
    addresses: Option<(IpAddr, IpAddr)>,
    /// Whether a tunnel's own header came behind that.
    is_named: bool,
    /// Whether the next network header is the same one again.
    is_met: bool,
}

impl Collector<'_> {
    fn push(&mut self, protocol: &'static str, identifier: Option<TunnelIdentifier>) {
        if self.tunnels.len() < MAX_LAYERS {
            let (source, destination) = self.addresses.unzip();
            self.tunnels.push(Tunnel { protocol, source, destination, identifier });
        }
        self.is_named = true;
    }

    fn network(&mut self, addresses: Option<(IpAddr, IpAddr)>) {
        if let (Some((outer, _)), Some((inner, _)), false, false) =
            (self.addresses, addresses, self.is_named, self.is_met)
        {
            let protocol = match (inner.is_ipv4(), outer.is_ipv4()) {
                (true, true) => "ipip",
                (false, true) => "6in4",
                (true, false) => "4in6",
                (false, false) => "6in6",
            };
            self.push(protocol, None);
        }
        self.addresses = addresses;
        self.is_named = false;
        self.is_met = false;
        self.around_network = self.tunnels.len();
    }
}

impl Visitor for Collector<'_> {
    fn layer(&mut self, found: Found) {
        if found.quoted {
            return;
        }
        let bytes = self.bytes.get(found.offset..found.end).unwrap_or_default();
        match found.protocol {
            Layered::Ipv4 => {
                self.network(ipv4_at(bytes, 12).zip(ipv4_at(bytes, 16)).map(|(a, b)| (a.into(), b.into())))
            }
            Layered::Ipv6 => self.network(ipv6_at(bytes, 8).zip(ipv6_at(bytes, 24)).map(|(a, b)| (a.into(), b.into()))),
            Layered::Gre
            | Layered::Erspan
            | Layered::Vxlan
            | Layered::Geneve
            | Layered::Gtp
            | Layered::Teredo
            | Layered::L2tp
            | Layered::Etherip
            | Layered::Ayiya
            | Layered::Capwap
            | Layered::Nsh
            | Layered::Mpls
            | Layered::PppoeSession
            | Layered::Ieee8021ah
            | Layered::Lisp
            | Layered::Ipcomp => self.push(found.protocol.name(), identifier(found.protocol, bytes)),
            _ => {}
        }
    }
}

/// What tells a tunnel from others between the same two.
fn identifier(protocol: Layered, bytes: &[u8]) -> Option<TunnelIdentifier> {
    let (name, value) = match protocol {
        Layered::Gre => {
            let flags = u16_at(bytes, 0).filter(|flags| flags & 0x2000 != 0)?;
            let key = u32_at(bytes, if flags & 0xc000 != 0 { 8 } else { 4 })?;
            match flags & 7 {
                // The length of the payload, then the call (RFC 2637 section 4.1).
                1 => ("call", key & 0xffff),
                _ => ("key", key),
            }
        }
        Layered::Erspan => ("session", u16_at(bytes, 2).filter(|_| bytes.len() > 8).map(|word| word & 0x03ff)?.into()),
        Layered::Vxlan | Layered::Geneve => ("vni", u32_at(bytes, 4)? >> 8),
        Layered::Gtp => ("teid", u32_at(bytes, 4)?),
        // Over UDP there are flags in front of the session of version 3, over IP there are none.
        Layered::L2tp => match u16_at(bytes, 0)? {
            flags if flags & 15 == 3 && flags & 0x7ff0 == 0 => ("session", u32_at(bytes, 4)?),
            flags if flags & 15 != 2 => ("session", u32_at(bytes, 0)?),
            flags => ("session", u16_at(bytes, if flags & 0x4000 != 0 { 6 } else { 4 })?.into()),
        },
        Layered::Nsh => ("spi", u32_at(bytes, 4)? >> 8),
        Layered::Mpls => ("label", u32_at(bytes, 0)? >> 12),
        Layered::PppoeSession => ("session", u16_at(bytes, 2)?.into()),
        Layered::Ieee8021ah => ("isid", u32_at(bytes, 0)? & 0x00ff_ffff),
        Layered::Lisp => {
            ("instance", u8_at(bytes, 0).filter(|flags| flags & 8 != 0).and_then(|_| u32_at(bytes, 4))? >> 8)
        }
        _ => return None,
    };
    Some(TunnelIdentifier { name, value })
}
