//! The visitor behind [`super::describe`]: turns every header the walk meets into a [`Layer`] with Wireshark's field names.
//!
//! What each header's fields are is in that header's file; the small link and tunnel headers are here.
use std::{fmt::Write as _, net::IpAddr};

use super::{
    ChecksumStatus, Layered, Sum, TransportHeader, arp, cdp, eigrp, ethernet, icmp, icmpv6, igmp, ipv4, ipv6, lldp,
    ospf, pim, sctp, short_headers, slow, stp, tcp, udp, vlan, vrrp,
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

    /// Whether any bit of `mask` is set, unless the byte is not there.
    pub fn bit(&mut self, name: &'static str, byte: Option<u8>, mask: u8) {
        self.0.extend(byte.map(|byte| (name, Value::Bool(byte & mask != 0))));
    }

    /// Seconds, unless they are not there.
    pub fn seconds(&mut self, name: &'static str, seconds: Option<f64>) {
        self.0.extend(seconds.map(|seconds| (name, Value::Float(seconds))));
    }

    /// Bytes in hex.
    pub fn bytes(&mut self, name: &'static str, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.0.push((name, Value::Text(colon_hex(bytes))));
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

    /// Whether all that a checksum is over is here.
    fn is_whole(&self) -> bool {
        !self.quoted && self.bytes.len() >= self.wire_length
    }

    /// Verdict on a checksum over the whole message, on top of `start`.
    pub fn plain_checksum(&self, start: Sum) -> ChecksumStatus {
        match self.is_whole() {
            true if start.add_bytes(self.bytes).is_good() => ChecksumStatus::Good,
            true => ChecksumStatus::Bad,
            false => ChecksumStatus::Unverified,
        }
    }

    /// The sum of the pseudo header of the whole message, as protocol `number`.
    pub fn pseudo_header(&self, (source, destination): (IpAddr, IpAddr), number: u8) -> Sum {
        Sum::new().add_pseudo_header(source, destination, number, super::read::narrow(self.wire_length))
    }

    /// Verdict on SCTP's checksum.
    pub fn crc32c(&self) -> ChecksumStatus {
        if self.is_whole() { sctp::checksum(self.bytes) } else { ChecksumStatus::Unverified }
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
            Layered::Igmp => igmp::fields(&mut fields, &scene),
            Layered::Vrrp => vrrp::fields(&mut fields, &scene),
            Layered::Ospf => ospf::fields(&mut fields, &scene),
            Layered::Pim => pim::fields(&mut fields, &scene),
            Layered::Eigrp => eigrp::fields(&mut fields, &scene),
            Layered::Sctp => sctp::fields(&mut fields, &scene),
            Layered::Stp => stp::fields(&mut fields, &scene),
            Layered::Lacp => slow::lacp_fields(&mut fields, &scene),
            Layered::Lldp => lldp::fields(&mut fields, &scene),
            Layered::Cdp => cdp::fields(&mut fields, &scene),
            other => short_headers::fields(&mut fields, other, &scene),
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
