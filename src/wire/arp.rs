//! ARP (RFC 826).
use etherparse::ArpPacketSlice;

use super::{
    Layered, Network,
    describe::{Fields, Scene},
    read::{ipv4_at, u8_at, u16_at},
    walk::{Next, Visitor, Walk},
};

/// Reads the packet.
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let length = match ArpPacketSlice::from_slice(here) {
        Ok(packet) => packet.slice().len(),
        Err(_) if here.len() < 8 => return walk.short(Layered::Arp, 8),
        Err(error) => {
            walk.short(Layered::Arp, error.required_len);
            here.len()
        }
    };
    let offset = walk.at;
    walk.enter(Layered::Arp, length);
    walk.network(Network::Arp, offset);
    Next::Done
}

/// Fields of the packet; addresses only of the usual kinds.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    fields.number("arp.hw.type", u16_at(bytes, 0));
    fields.number("arp.proto.type", u16_at(bytes, 2));
    let (hardware, protocol) = (u8_at(bytes, 4), u8_at(bytes, 5));
    fields.number("arp.hw.size", hardware);
    fields.number("arp.proto.size", protocol);
    fields.number("arp.opcode", u16_at(bytes, 6));
    let (hardware_length, protocol_length) =
        (usize::from(hardware.unwrap_or_default()), usize::from(protocol.unwrap_or_default()));
    let is_ethernet = hardware_length == 6;
    let is_ipv4 = u16_at(bytes, 2) == Some(super::ethernet::IPV4) && protocol_length == 4;
    let mut offset = 8usize;
    for (mac, address) in [("arp.src.hw_mac", "arp.src.proto_ipv4"), ("arp.dst.hw_mac", "arp.dst.proto_ipv4")] {
        if is_ethernet {
            fields.mac(mac, bytes, offset);
        }
        offset = offset.saturating_add(hardware_length);
        if is_ipv4 {
            fields.text(address, ipv4_at(bytes, offset));
        }
        offset = offset.saturating_add(protocol_length);
    }
    let (sender, target) = (ipv4_at(bytes, 14), ipv4_at(bytes, 24));
    if is_ethernet && is_ipv4 && sender.is_some() {
        // RFC 5227 section 1.1: nobody's address asks, or the sender's own is told.
        if sender == target {
            fields.flag("arp.isgratuitous", true);
        }
        if u16_at(bytes, 6) == Some(1) {
            if sender == target {
                fields.flag("arp.isannouncement", true);
            } else if sender.is_some_and(|sender| sender.is_unspecified()) {
                fields.flag("arp.isprobe", true);
            }
        }
    }
}
