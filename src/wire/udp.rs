//! UDP (RFC 768).
use etherparse::UdpHeaderSlice;

use super::{
    Layered, TransportHeader, Violation,
    describe::{Fields, Scene},
    overlay,
    read::u16_at,
    short_headers,
    walk::{Next, Visitor, Walk},
};

/// Length of the header.
pub(super) const LENGTH: usize = 8;

/// Reads the header.
#[inline]
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let Ok(header) = UdpHeaderSlice::from_slice(walk.here()) else {
        return walk.short(Layered::Udp, LENGTH);
    };
    let length = usize::from(header.length());
    let offset = walk.at;
    let left = walk.wire_left();
    // 0 is legal for jumbograms (RFC 2675) and common with segmentation offload; a length that does not fit is
    // tolerated, as all receivers of captures do, and told.
    let fits = length == 0 || (LENGTH..=left).contains(&length);
    if length != 0 && fits {
        walk.limit(length);
    }
    if !fits {
        walk.invalid(Layered::Udp, Violation::UdpLength);
    }
    walk.enter(Layered::Udp, LENGTH);
    walk.transport(TransportHeader::Udp, offset);
    overlay::walk(walk, header.source_port(), header.destination_port())
}

/// Fields of the header.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    fields.number("udp.srcport", u16_at(bytes, 0));
    fields.number("udp.dstport", u16_at(bytes, 2));
    fields.number("udp.length", u16_at(bytes, 4));
    fields.number("udp.checksum", u16_at(bytes, 6));
    short_headers::datagram_checksum(fields, scene);
}
