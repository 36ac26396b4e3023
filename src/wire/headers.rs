//! Where a packet's headers are: what filters ask about, without naming every field.
use super::{
    Decoded, Layered, fragment_headers_in_common,
    read::{narrow, u16_at},
    reassembled,
    walk::{Found, Next, Visitor, Walk},
};
use crate::record::{Header, LinkType, PlainHeaders, ProtocolKey};

/// Collects headers.
struct Collector<'o> {
    of_datagram: bool,
    /// Headers still to be left out.
    skipped: usize,
    out: &'o mut Vec<Header>,
}

impl Visitor for Collector<'_> {
    fn layer(&mut self, found: Found) {
        if let Some(left) = self.skipped.checked_sub(1) {
            self.skipped = left;
            return;
        }
        self.out.push(Header {
            protocol: found.protocol.protocol_name(),
            offset: narrow(found.offset),
            length: narrow(found.length),
            end: narrow(found.end),
            wire_end: narrow(found.wire_end),
            quoted: found.quoted,
            of_datagram: self.of_datagram,
        });
    }
}

/// The headers of a packet, outer first, into `out`, which is emptied before. `decoded` is what [`super::decode`] said
/// of it: for a plain packet it says it all, and the packet is not walked again.
pub fn headers(link_type: LinkType, bytes: &[u8], wire_length: u32, decoded: &Decoded, out: &mut Vec<Header>) {
    out.clear();
    if plain(link_type, bytes, wire_length, decoded, out).is_some() {
        return;
    }
    out.clear();
    walked(link_type, bytes, wire_length, out);
}

/// The same by walking again.
fn walked(link_type: LinkType, bytes: &[u8], wire_length: u32, out: &mut Vec<Header>) {
    Walk::new(bytes, wire_length, Collector { of_datagram: false, skipped: 0, out }).run(Next::Link(link_type));
}

/// Goes on with the headers of a reassembled datagram behind those of the `fragment` that completed it, as
/// [`super::describe_reassembled`] does with layers. `fragment_headers` are the fragment's, and become all.
pub fn headers_reassembled(datagram: &[u8], fragment: &Decoded, fragment_headers: &mut Vec<Header>) {
    if fragment_headers.last().is_some_and(|header| header.protocol == Layered::Data.protocol_name()) {
        fragment_headers.pop();
    }
    let names: Vec<&str> = fragment_headers.iter().map(|header| header.protocol.name()).collect();
    let skipped = fragment_headers_in_common(&names);
    let collector = Collector { of_datagram: true, skipped, out: fragment_headers };
    reassembled(datagram, fragment, collector).run(Next::AnyIp);
}

/// Where the headers of a plain packet are, as `decoded` says; none for any other packet.
#[inline]
#[must_use]
pub fn plain_headers(link_type: LinkType, bytes: &[u8], decoded: &Decoded) -> Option<PlainHeaders> {
    const ETHERNET: ProtocolKey = Layered::Ethernet.protocol_name().key();
    const IPV4: ProtocolKey = Layered::Ipv4.protocol_name().key();
    const IPV6: ProtocolKey = Layered::Ipv6.protocol_name().key();
    const TCP: ProtocolKey = Layered::Tcp.protocol_name().key();
    const UDP: ProtocolKey = Layered::Udp.protocol_name().key();
    let (network, transport) = match *decoded.path.as_slice() {
        [Layered::Ethernet, Layered::Ipv4, Layered::Tcp] => (IPV4, TCP),
        [Layered::Ethernet, Layered::Ipv4, Layered::Udp] => (IPV4, UDP),
        [Layered::Ethernet, Layered::Ipv6, Layered::Tcp] => (IPV6, TCP),
        [Layered::Ethernet, Layered::Ipv6, Layered::Udp] => (IPV6, UDP),
        _ => return None,
    };
    // Extension headers without a name in the path, and jumbograms, are not plain.
    if network == IPV6 && (decoded.transport_offset != 54 || u16_at(bytes, 18)? == 0) {
        return None;
    }
    if link_type != LinkType::ETHERNET || decoded.stop.is_some() || decoded.network_offset != PLAIN_NETWORK {
        return None;
    }
    Some(PlainHeaders {
        protocols: [ETHERNET, network, transport],
        starts: [0, PLAIN_NETWORK, decoded.transport_offset, decoded.payload_offset],
        payload_wire_length: decoded.payload_wire_length,
    })
}

/// Length of an Ethernet header without tags.
const PLAIN_NETWORK: u32 = 14;

/// The headers of a plain packet in full.
fn plain(link_type: LinkType, bytes: &[u8], wire_length: u32, decoded: &Decoded, out: &mut Vec<Header>) -> Option<()> {
    let PlainHeaders { starts: [frame, network, transport, payload], .. } = plain_headers(link_type, bytes, decoded)?;
    let network_header = bytes.get(network as usize..)?;
    let claimed = match *decoded.path.as_slice() {
        [_, Layered::Ipv4, ..] => u32::from(u16_at(network_header, 2)?),
        _ => u32::from(u16_at(network_header, 4)?).saturating_add(40),
    };
    let here = narrow(bytes.len());
    let frame_end = wire_length.max(here);
    let network_end = if claimed == 0 { frame_end } else { frame_end.min(network.saturating_add(claimed)) };
    let ends = [
        (here, frame_end),
        (here.min(network_end), network_end),
        (payload.saturating_add(decoded.payload_length), payload.saturating_add(decoded.payload_wire_length)),
    ];
    let places = [frame..network, network..transport, transport..payload];
    for ((protocol, place), (end, wire_end)) in decoded.path.iter().zip(places).zip(ends) {
        let protocol = protocol.protocol_name();
        let length = place.end.checked_sub(place.start)?;
        let (quoted, of_datagram) = (false, false);
        out.push(Header { protocol, offset: place.start, length, end, wire_end, quoted, of_datagram });
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::wire::decode;

    /// What is said of a plain packet, made of its whole headers.
    fn shortened(headers: &[Header]) -> PlainHeaders {
        let [frame, network, transport] = headers else { panic!("{} headers", headers.len()) };
        let payload = transport.offset + transport.length;
        PlainHeaders {
            protocols: [frame, network, transport].map(|header| header.protocol.key()),
            starts: [frame.offset, network.offset, transport.offset, payload],
            payload_wire_length: transport.wire_end - payload,
        }
    }

    fn both(bytes: &[u8], wire_length: u32) -> (Vec<Header>, Vec<Header>) {
        let (mut quick, mut slow) = (Vec::new(), Vec::new());
        headers(LinkType::ETHERNET, bytes, wire_length, &decode(LinkType::ETHERNET, bytes, wire_length), &mut quick);
        walked(LinkType::ETHERNET, bytes, wire_length, &mut slow);
        (quick, slow)
    }

    /// Ethernet with IPv4 or IPv6 and TCP or UDP, whose length fields claim what is given.
    fn frame(v6: bool, udp: bool, ip_claims: u16, udp_claims: u16, payload: usize) -> Vec<u8> {
        let mut bytes = vec![0; 12];
        let number = if udp { 17 } else { 6 };
        if v6 {
            bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            bytes.extend(ip_claims.to_be_bytes());
            bytes.extend([number, 64]);
            bytes.extend([0; 32]);
        } else {
            bytes.extend([8, 0, 0x45, 0]);
            bytes.extend(ip_claims.to_be_bytes());
            bytes.extend([0, 0, 0, 0, 64, number, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        }
        bytes.extend([0, 80, 0, 90]);
        if udp {
            bytes.extend(udp_claims.to_be_bytes());
            bytes.extend([0, 0]);
        } else {
            bytes.extend([0; 8]);
            bytes.extend([0x50, 0x10, 0, 0, 0, 0, 0, 0]);
        }
        bytes.resize(bytes.len() + payload, 7);
        bytes
    }

    #[test]
    fn the_short_way_is_taken_for_plain_packets() {
        let bytes = frame(false, false, 50, 0, 10);
        let decoded = decode(LinkType::ETHERNET, &bytes, bytes.len() as u32);
        assert!(plain_headers(LinkType::ETHERNET, &bytes, &decoded).is_some());
        assert!(plain(LinkType::ETHERNET, &bytes, bytes.len() as u32, &decoded, &mut Vec::new()).is_some());
    }

    proptest! {
        #[test]
        fn the_short_way_and_the_long_one_agree(
            v6: bool, udp: bool, ip_claims in 0u16..140, udp_claims in 0u16..120, payload in 0usize..80, more in 0u32..50, cut in 0usize..60,
        ) {
            let whole = frame(v6, udp, ip_claims, udp_claims, payload);
            let kept = whole.len().saturating_sub(cut);
            let wire_length = whole.len() as u32 + more;
            let (quick, slow) = both(&whole[..kept], wire_length);
            prop_assert_eq!(&quick, &slow);
            let decoded = decode(LinkType::ETHERNET, &whole[..kept], wire_length);
            if let Some(plain) = plain_headers(LinkType::ETHERNET, &whole[..kept], &decoded) {
                prop_assert_eq!(plain, shortened(&slow));
            }
        }

        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..120), more in 0u32..50) {
            let (quick, slow) = both(&bytes, bytes.len() as u32 + more);
            prop_assert_eq!(quick, slow);
        }
    }
}
