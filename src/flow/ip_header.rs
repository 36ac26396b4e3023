//! Fields of the innermost IP header that flows look at: which packet it is, and marks of congestion.
use super::Packet;
use crate::wire::Network;

/// The identification of an IPv4 packet (RFC 791 3.1), zero for others: copies of a packet share it.
pub(super) fn identification(packet: &Packet<'_>) -> u16 {
    let start = (packet.decoded.network_offset as usize).saturating_add(4);
    match packet.bytes.get(start..) {
        Some([high, low, ..]) if packet.decoded.network == Network::Ipv4 => u16::from_be_bytes([*high, *low]),
        _ => 0,
    }
}

/// The two bits by which routers signal congestion (RFC 3168 5), zero where there are none.
pub(super) fn explicit_congestion_notification(packet: &Packet<'_>) -> u8 {
    let start = packet.decoded.network_offset as usize;
    match (packet.decoded.network, packet.bytes.get(start..)) {
        (Network::Ipv4, Some([_, service, ..])) => service & 3,
        (Network::Ipv6, Some([_, class, ..])) => (class >> 4) & 3,
        _ => 0,
    }
}
