//! The visitor behind [`super::describe`]: turns every header the walk meets into a [`Layer`] with Wireshark's field names.
//!
//! What each header's fields are is in that header's file; the small link and tunnel headers are here.
use std::{fmt::Write as _, net::IpAddr};

use super::{
    ChecksumStatus, Layered, TransportHeader, arp, ethernet, icmp, icmpv6, ipv4, ipv6,
    read::{u8_at, u16_at, u32_at},
    tcp, udp, vlan,
    walk::{Found, Visitor},
};
use crate::record::{Layer, Value};

/// Fields of one layer, in order.
#[derive(Default)]
pub(super) struct Fields(Vec<(&'static str, Value)>);

impl Fields {
    /// A number as on the wire, unless it is not there.
    pub fn number(&mut self, name: &'static str, number: Option<impl Into<u64>>) {
        self.0.extend(number.map(|number| (name, Value::Number(number.into()))));
    }

    /// A length or an offset.
    pub fn size(&mut self, name: &'static str, size: usize) {
        self.0.push((name, Value::Number(u64::try_from(size).unwrap_or(u64::MAX))));
    }

    /// A flag.
    pub fn flag(&mut self, name: &'static str, flag: bool) {
        self.0.push((name, Value::Bool(flag)));
    }

    /// Text or an address, unless it is not there.
    pub fn text(&mut self, name: &'static str, text: Option<impl ToString>) {
        self.0.extend(text.map(|text| (name, Value::Text(text.to_string()))));
    }

    /// A field that occurs several times.
    pub fn list(&mut self, name: &'static str, values: Vec<Value>) {
        if !values.is_empty() {
            self.0.push((name, Value::List(values)));
        }
    }

    /// Six bytes at `offset` as `aa:bb:cc:dd:ee:ff`.
    pub fn mac(&mut self, name: &'static str, bytes: &[u8], offset: usize) {
        let address = bytes.get(offset..).and_then(|bytes| bytes.first_chunk::<6>());
        self.text(name, address.map(|address| colon_hex(address)));
    }

    /// Verdict on a checksum, in Wireshark's numbers: 0 bad, 1 good, 2 unverified.
    pub fn status(&mut self, name: &'static str, status: ChecksumStatus) {
        let number = match status {
            ChecksumStatus::Bad => 0u8,
            ChecksumStatus::Good => 1,
            ChecksumStatus::Unverified => 2,
        };
        self.number(name, Some(number));
    }
}

/// Bytes in hex, with colons.
pub(super) fn colon_hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len().saturating_mul(3));
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 {
            text.push(':');
        }
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// What a header's fields may depend on besides its own bytes.
pub(super) struct Scene<'a> {
    /// From the header's first byte to the end of what belongs to it.
    pub bytes: &'a [u8],
    /// Length of the header.
    pub length: usize,
    /// Length of header and payload on the wire.
    pub wire_length: usize,
    /// Addresses of the IP header around it.
    pub addresses: Option<(IpAddr, IpAddr)>,
    /// Whether it is part of a packet quoted by an ICMP error: then checksums cannot be judged.
    pub quoted: bool,
}

impl Scene<'_> {
    /// Verdict on the checksum of a transport.
    pub fn checksum(&self, transport: TransportHeader) -> ChecksumStatus {
        if self.quoted {
            return ChecksumStatus::Unverified;
        }
        super::transport_checksum(transport, self.addresses, self.bytes, self.wire_length)
    }
}

/// Collects the layers.
pub(super) struct Describer<'a> {
    bytes: &'a [u8],
    addresses: Option<(IpAddr, IpAddr)>,
    quoted: bool,
    /// What was collected.
    pub layers: Vec<Layer>,
}

impl<'a> Describer<'a> {
    /// Of a packet.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, addresses: None, quoted: false, layers: Vec::new() }
    }
}

impl Visitor for Describer<'_> {
    fn layer(&mut self, found: Found) {
        let scene = Scene {
            bytes: self.bytes.get(found.offset..found.end).unwrap_or_default(),
            length: found.length,
            wire_length: found.wire_end.saturating_sub(found.offset),
            addresses: self.addresses,
            quoted: self.quoted,
        };
        let mut fields = Fields::default();
        let bytes = scene.bytes;
        match found.protocol {
            Layered::Ethernet => ethernet::fields(&mut fields, &scene),
            Layered::Vlan => vlan::fields(&mut fields, &scene),
            Layered::Ieee8021ad => vlan::fields_provider(&mut fields, &scene),
            Layered::Arp => arp::fields(&mut fields, &scene),
            Layered::Ipv4 => {
                ipv4::fields(&mut fields, &scene);
                self.addresses =
                    super::ipv4_at(bytes, 12).zip(super::ipv4_at(bytes, 16)).map(|(a, b)| (a.into(), b.into()));
            }
            Layered::Ipv6 => {
                ipv6::fields(&mut fields, &scene);
                self.addresses =
                    super::ipv6_at(bytes, 8).zip(super::ipv6_at(bytes, 24)).map(|(a, b)| (a.into(), b.into()));
            }
            Layered::Ipv6HopByHop
            | Layered::Ipv6Routing
            | Layered::Ipv6Destination
            | Layered::Ipv6Fragment
            | Layered::Shim6
            | Layered::Ah => {
                ipv6::extension_fields(&mut fields, found.protocol, &scene);
                if let (Layered::Ipv6Routing, Some(last), Some((_, destination))) =
                    (found.protocol, ipv6::routed_to(bytes), self.addresses.as_mut())
                {
                    *destination = last;
                }
            }
            Layered::Tcp => tcp::fields(&mut fields, &scene),
            Layered::Udp => udp::fields(&mut fields, &scene),
            Layered::Icmp => {
                icmp::fields(&mut fields, &scene);
                self.quoted |= bytes.first().is_some_and(|message_type| icmp::quotes(*message_type));
            }
            Layered::Icmpv6 => {
                icmpv6::fields(&mut fields, &scene);
                self.quoted |= bytes.first().is_some_and(|message_type| icmpv6::quotes(*message_type));
            }
            other => small_fields(&mut fields, other, &scene),
        }
        self.layers.push(Layer {
            protocol: found.protocol.name(),
            osi: found.protocol.osi(),
            unit: found.protocol.unit(),
            offset: found.offset,
            length: found.length,
            fields: fields.0,
        });
    }
}

/// Fields of headers that have just a few.
fn small_fields(fields: &mut Fields, protocol: Layered, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    match protocol {
        Layered::Sll if scene.length == 16 => {
            fields.number("sll.pkttype", u16_at(bytes, 0));
            fields.number("sll.hatype", u16_at(bytes, 2));
            fields.number("sll.halen", u16_at(bytes, 4));
            if u16_at(bytes, 4) == Some(6) {
                fields.mac("sll.src.eth", bytes, 6);
            }
            fields.number("sll.etype", u16_at(bytes, 14));
        }
        Layered::Sll => {
            fields.number("sll.etype", u16_at(bytes, 0));
            fields.number("sll.ifindex", u32_at(bytes, 4));
            fields.number("sll.hatype", u16_at(bytes, 8));
            fields.number("sll.pkttype", u8_at(bytes, 10));
            fields.number("sll.halen", u8_at(bytes, 11));
            if u8_at(bytes, 11) == Some(6) {
                fields.mac("sll.src.eth", bytes, 12);
            }
        }
        Layered::Null => {
            let family = u32_at(bytes, 0);
            fields
                .number("null.family", family.map(|family| if family > 0xffff { family.swap_bytes() } else { family }));
        }
        Layered::Mpls => {
            let entry = u32_at(bytes, 0);
            fields.number("mpls.label", entry.map(|entry| entry >> 12));
            fields.number("mpls.exp", entry.map(|entry| entry >> 9 & 7));
            fields.number("mpls.bottom", entry.map(|entry| entry >> 8 & 1));
            fields.number("mpls.ttl", entry.map(|entry| entry & 0xff));
        }
        Layered::PppoeSession | Layered::PppoeDiscovery => {
            fields.number("pppoe.code", u8_at(bytes, 1));
            fields.number("pppoe.session_id", u16_at(bytes, 2));
            fields.number("pppoe.payload_length", u16_at(bytes, 4));
        }
        Layered::Ppp => {
            let number = match bytes.get(..scene.length).unwrap_or_default() {
                [.., high, low] if (*high, *low) != (0xff, 3) && high & 1 == 0 => u16::from_be_bytes([*high, *low]),
                [.., low] => u16::from(*low),
                [] => 0,
            };
            fields.number("ppp.protocol", Some(number));
        }
        Layered::Chdlc => {
            fields.number("chdlc.address", u8_at(bytes, 0));
            fields.number("chdlc.protocol", u16_at(bytes, 2));
        }
        Layered::Llc => {
            fields.number("llc.dsap", u8_at(bytes, 0));
            fields.number("llc.ssap", u8_at(bytes, 1));
            fields.number("llc.control", u8_at(bytes, 2));
            if scene.length == 8 {
                fields.number("llc.oui", u32_at(bytes, 2).map(|number| number & 0x00ff_ffff));
                fields.number("llc.type", u16_at(bytes, 6));
            }
        }
        Layered::Gre => {
            let flags = u16_at(bytes, 0);
            fields.number("gre.flags_and_version", flags);
            fields.number("gre.proto", u16_at(bytes, 2));
            if flags.is_some_and(|flags| flags & 0x2000 != 0) {
                let key_at = if flags.is_some_and(|flags| flags & 0xc000 != 0) { 8 } else { 4 };
                fields.number("gre.key", u32_at(bytes, key_at));
            }
        }
        Layered::Vxlan => {
            fields.number("vxlan.flags", u16_at(bytes, 0));
            fields.number("vxlan.vni", u32_at(bytes, 4).map(|number| number >> 8));
        }
        Layered::Geneve => {
            fields.number("geneve.version", u8_at(bytes, 0).map(|first| first >> 6));
            fields.number("geneve.proto_type", u16_at(bytes, 2));
            fields.number("geneve.vni", u32_at(bytes, 4).map(|number| number >> 8));
        }
        Layered::Gtp => {
            fields.number("gtp.flags", u8_at(bytes, 0));
            fields.number("gtp.message", u8_at(bytes, 1));
            fields.number("gtp.length", u16_at(bytes, 2));
            fields.number("gtp.teid", u32_at(bytes, 4));
        }
        Layered::Erspan if scene.length >= 8 => {
            fields.number("erspan.version", u8_at(bytes, 0).map(|first| first >> 4));
            fields.number("erspan.vlan", u16_at(bytes, 0).map(|number| number & 0x0fff));
            fields.number("erspan.spanid", u16_at(bytes, 2).map(|number| number & 0x03ff));
        }
        Layered::Nsh => {
            fields.number("nsh.nextproto", u8_at(bytes, 3));
            fields.number("nsh.spi", u32_at(bytes, 4).map(|number| number >> 8));
            fields.number("nsh.si", u8_at(bytes, 7));
        }
        Layered::Arcnet => {
            fields.number("arcnet.src", u8_at(bytes, 0));
            fields.number("arcnet.dst", u8_at(bytes, 1));
        }
        Layered::Ipoib => fields.number("ipoib.type", u16_at(bytes, 40)),
        Layered::Ipcomp => {
            fields.number("ipcomp.next_header", u8_at(bytes, 0));
            fields.number("ipcomp.cpi", u16_at(bytes, 2));
        }
        Layered::Macsec => fields.number("macsec.PN", u32_at(bytes, 2)),
        Layered::Esp => {
            fields.number("esp.spi", u32_at(bytes, 0));
            fields.number("esp.sequence", u32_at(bytes, 4));
        }
        Layered::Sctp => {
            fields.number("sctp.srcport", u16_at(bytes, 0));
            fields.number("sctp.dstport", u16_at(bytes, 2));
            fields.number("sctp.verification_tag", u32_at(bytes, 4));
        }
        Layered::Igmp => {
            fields.number("igmp.type", u8_at(bytes, 0));
            fields.text("igmp.maddr", super::ipv4_at(bytes, 4));
        }
        Layered::Data => fields.size("data.len", bytes.len()),
        _ => {}
    }
}
