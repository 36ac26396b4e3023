//! IPv4 (RFC 791).
use std::net::IpAddr;

use etherparse::Ipv4HeaderSlice;

use super::{
    Layered, Network, TransportHeader, Violation,
    walk::{Next, Visitor, Walk},
};

/// Length of the header without options.
pub(super) const MIN_LENGTH: usize = 20;

/// Reads the header.
#[inline]
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let Ok(header) = Ipv4HeaderSlice::from_slice(here) else {
        return refuse(walk, here);
    };
    let header_length = header.slice().len();
    let total_length = usize::from(header.total_len());
    // 0 is what segmentation offload leaves there: the packet reaches to the end of the frame.
    if total_length != 0 {
        if total_length < header_length {
            return walk.invalid(Layered::Ipv4, Violation::Ipv4TotalLength);
        }
        walk.limit(total_length);
    }
    let protocol = header.protocol().0;
    let is_fragment = header.is_fragmenting_payload();
    let offset = walk.at;
    walk.enter(Layered::Ipv4, header_length);
    walk.network(Network::Ipv4, offset);
    if is_fragment {
        walk.transport(TransportHeader::Fragment, walk.at);
        return walk.data();
    }
    Next::Protocol(protocol)
}

/// Says why there is no IPv4 header here.
#[cold]
fn refuse<V: Visitor>(walk: &mut Walk<'_, V>, here: &[u8]) -> Next {
    match here.first() {
        Some(first) if first >> 4 != 4 => walk.invalid(Layered::Ipv4, Violation::IpVersion),
        Some(first) if first & 15 < 5 => walk.invalid(Layered::Ipv4, Violation::Ipv4HeaderLength),
        first => {
            let required = first.map_or(MIN_LENGTH, |first| usize::from(first & 15).saturating_mul(4));
            walk.short(Layered::Ipv4, required.max(MIN_LENGTH))
        }
    }
}

/// Protocol, source, destination and what is here of the payload of a quoted packet, unless that is a later fragment.
pub(super) fn quoted(quote: &[u8]) -> Option<(u8, IpAddr, IpAddr, &[u8])> {
    let header = Ipv4HeaderSlice::from_slice(quote).ok()?;
    if header.fragments_offset().value() != 0 {
        return None;
    }
    let payload = quote.get(header.slice().len()..)?;
    Some((header.protocol().0, header.source_addr().into(), header.destination_addr().into(), payload))
}
