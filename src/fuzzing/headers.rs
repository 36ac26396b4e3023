//! Headers: whole packets of every link type, and each header behind what leads to it.
use std::{collections::HashSet, sync::LazyLock};

use crate::{
    filter::fields,
    limits,
    record::{LinkType, ProtocolName},
    wire::{self, Encapsulated},
};

/// Every link type that is decoded, and one that is not.
const LINKS: [u16; 30] = [
    0, 1, 7, 9, 10, 12, 14, 50, 51, 101, 104, 105, 107, 108, 113, 127, 129, 149, 178, 192, 226, 228, 229, 239, 242,
    258, 276, 147, 1, 101,
];

/// EtherTypes that lead somewhere.
const ETHER_TYPES: [u16; 28] = [
    0x0806, 0x8035, 0x8100, 0x88a8, 0x9100, 0x8847, 0x8848, 0x8864, 0x8863, 0x88e5, 0x88e7, 0x8903, 0x8926, 0x894f,
    0x8809, 0x88cc, 0x888e, 0x9000, 0x8137, 0x6558, 0x809b, 0x80f3, 0x8899, 0x88a2, 0x88f7, 0x8902, 0x0100, 0x0020,
];

/// Protocols of IP that lead somewhere.
const PROTOCOLS: [u8; 32] = [
    0, 1, 2, 4, 6, 17, 33, 41, 43, 44, 46, 47, 50, 51, 58, 59, 60, 88, 89, 97, 103, 108, 112, 115, 132, 135, 136, 137,
    140, 253, 6, 17,
];

/// Ports of UDP behind which there may be a tunnel.
const PORTS: [u16; 12] = [4789, 4790, 6081, 2152, 3544, 1701, 5072, 5247, 4754, 6635, 4341, 4500];

/// Layers that Wireshark's hierarchy, and with it the path, does not count everywhere.
const UNCOUNTED: [&str; 6] = ["ipv6.hopopts", "ipv6.routing", "ipv6.fraghdr", "ipv6.dstopts", "shim6", "ah"];

/// Names in the path that have no header of their own.
const WITHOUT_HEADER: [&str; 2] = ["pweth.cw", "wlan_radio"];

/// A whole packet: the first byte chooses the link type, the second how much longer it was on the wire.
pub fn wire_link(bytes: &[u8]) {
    let [link, more, packet @ ..] = bytes else { return };
    check(LinkType(LINKS[usize::from(*link) % LINKS.len()]), packet, packet.len() as u32 + u32::from(*more >> 3));
}

/// One header: the first byte chooses what leads to it, the second which one, the others are the header and what it carries.
pub fn wire_header(bytes: &[u8]) {
    let [way, which, header @ ..] = bytes else { return };
    let which = usize::from(*which);
    let mut packet = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
    let ipv4 = |packet: &mut Vec<u8>, protocol: u8, length: usize| {
        packet.extend([8, 0, 0x45, 0]);
        packet.extend((length as u16 + 20).to_be_bytes());
        packet.extend([0, 1, 0, 0, 64, protocol, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    };
    match way % 7 {
        0 => packet.extend(ETHER_TYPES[which % ETHER_TYPES.len()].to_be_bytes()),
        1 => ipv4(&mut packet, PROTOCOLS[which % PROTOCOLS.len()], header.len()),
        2 => {
            packet.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            packet.extend((header.len() as u16).to_be_bytes());
            packet.extend([PROTOCOLS[which % PROTOCOLS.len()], 64]);
            packet.extend([0xfd; 16]);
            packet.extend([0xfe; 16]);
        }
        3 => {
            ipv4(&mut packet, 17, header.len() + 8);
            packet.extend([0xc0, 0]);
            packet.extend(PORTS[which % PORTS.len()].to_be_bytes());
            packet.extend((header.len() as u16 + 8).to_be_bytes());
            packet.extend([0, 0]);
        }
        4 => {
            // GRE with a protocol of its own choice.
            ipv4(&mut packet, 47, header.len() + 4);
            let protocols: [u16; 9] = [0x0800, 0x86dd, 0x6558, 0x88be, 0x22eb, 0x880b, 0x2001, 0x883e, 0x9000];
            packet.extend([if which & 0x80 != 0 { 0x10 } else { 0 }, 0]);
            packet.extend(protocols[which % protocols.len()].to_be_bytes());
        }
        5 => {
            // LLC, with SNAP or without.
            packet.extend((header.len() as u16 + 3).to_be_bytes());
            let points: [[u8; 3]; 6] =
                [[0xaa, 0xaa, 3], [0x42, 0x42, 3], [0xfe, 0xfe, 3], [0xe0, 0xe0, 3], [0x06, 0x06, 3], [0xf0, 0xf0, 1]];
            packet.extend(points[which % points.len()]);
        }
        _ => {
            // PPP over Ethernet.
            packet.extend([0x88, 0x64, 0x11, 0, 0, 1]);
            packet.extend((header.len() as u16 + 2).to_be_bytes());
            let protocols: [u16; 8] = [0x0021, 0x0057, 0x0281, 0xc021, 0xc023, 0xc223, 0x8021, 0x80fd];
            packet.extend(protocols[which % protocols.len()].to_be_bytes());
        }
    }
    packet.extend_from_slice(header);
    let length = packet.len() as u32;
    check(LinkType::ETHERNET, &packet, length);
}

/// Decoding, naming the fields, and finding the headers must agree; all lies in the packet; all that is named can be asked for.
pub(super) fn check(link: LinkType, packet: &[u8], wire_length: u32) {
    static NAMES: LazyLock<HashSet<&'static str>> = LazyLock::new(|| fields::all().map(|field| field.name).collect());
    let decoded = wire::decode(link, packet, wire_length);
    assert!(decoded.payload(packet).len() <= packet.len());
    assert!(decoded.message(packet).len() <= packet.len());
    let layers = wire::describe(link, packet, wire_length);
    for layer in &layers {
        assert!(layer.offset.saturating_add(layer.length) <= packet.len(), "{layer:?}");
        for (name, _) in &layer.fields {
            assert!(NAMES.contains(name), "{name} can not be asked for");
        }
    }
    let mut headers = Vec::new();
    wire::headers(link, packet, wire_length, &decoded, &mut headers);
    let places = |protocol: ProtocolName, offset: usize, length: usize| (protocol.key(), offset, length);
    let named: Vec<_> =
        layers.iter().map(|layer| places(ProtocolName::new(layer.protocol), layer.offset, layer.length)).collect();
    let found: Vec<_> =
        headers.iter().map(|header| places(header.protocol, header.offset as usize, header.length as usize)).collect();
    assert_eq!(named, found);
    let path: Vec<&str> =
        decoded.path.iter().map(wire::Layered::name).filter(|name| !WITHOUT_HEADER.contains(name)).collect();
    // A full path has lost its end, and FabricPath takes the place of the Ethernet header in front of it.
    if decoded.path.as_slice().len() < wire::Path::CAPACITY && !path.contains(&"cfp") {
        let counted = |names: &mut dyn Iterator<Item = &'static str>| -> Vec<&'static str> {
            names.filter(|name| !UNCOUNTED.contains(name)).collect()
        };
        let of_layers = counted(&mut layers.iter().map(|layer| layer.protocol));
        let of_path: Vec<&str> = path.into_iter().filter(|name| !UNCOUNTED.contains(name)).collect();
        assert_eq!(of_layers, of_path);
    }
    let _ =
        (decoded.endpoints(packet), decoded.ends(packet), decoded.quoted(packet), decoded.transport_checksum(packet));
    if let Some(encapsulated) = Encapsulated::of(&decoded, link, packet, wire_length, None) {
        let tunnels = encapsulated.tunnels();
        assert!(tunnels.len() <= limits::MAX_LAYERS);
        assert_eq!(encapsulated.network(), encapsulated.network());
    } else {
        assert_eq!(decoded.depth, 0);
    }
    let line = wire::summary(link, packet, wire_length);
    assert!(line.len() < 4 * packet.len() + 400, "{line}");
}
