//! IPv4 (RFC 791).
use std::net::IpAddr;

use etherparse::Ipv4HeaderSlice;

use super::{
    ChecksumStatus, Layered, Network, Sum, TransportHeader, Violation,
    describe::{Fields, Scene},
    read::{u8_at, u16_at},
    walk::{Next, Visitor, Walk},
};

use crate::record::Value;

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

/// Verdict on the header's checksum.
pub(super) fn checksum(header: &[u8]) -> ChecksumStatus {
    if Sum::new().add_bytes(header).is_good() { ChecksumStatus::Good } else { ChecksumStatus::Bad }
}

/// Fields of the header.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let Ok(header) = Ipv4HeaderSlice::from_slice(scene.bytes) else { return };
    fields.number("ip.version", Some(4u8));
    fields.size("ip.hdr_len", header.slice().len());
    fields.number("ip.dsfield", u8_at(scene.bytes, 1));
    fields.number("ip.dsfield.dscp", Some(header.dcp().value()));
    fields.number("ip.dsfield.ecn", Some(header.ecn().value()));
    fields.number("ip.len", Some(header.total_len()));
    fields.number("ip.id", Some(header.identification()));
    fields.number("ip.flags", u8_at(scene.bytes, 6).map(|flags| flags >> 5));
    fields.flag("ip.flags.rb", u8_at(scene.bytes, 6).is_some_and(|flags| flags & 0x80 != 0));
    fields.flag("ip.flags.df", header.dont_fragment());
    fields.flag("ip.flags.mf", header.more_fragments());
    fields.number("ip.frag_offset", Some(header.fragments_offset().value()));
    fields.number("ip.ttl", Some(header.ttl()));
    fields.number("ip.proto", Some(header.protocol().0));
    fields.number("ip.checksum", Some(header.header_checksum()));
    fields.status("ip.checksum.status", checksum(header.slice()));
    fields.text("ip.src", Some(header.source_addr()));
    fields.text("ip.dst", Some(header.destination_addr()));
    if !header.options().is_empty() {
        option_fields(fields, header.options());
    }
}

/// The options (RFC 791 section 3.1): which, how long, and what the commonest say.
fn option_fields(fields: &mut Fields, options: &[u8]) {
    let (mut kinds, mut lengths, mut rest) = (Vec::new(), Vec::new(), options);
    while let Some(kind) = u8_at(rest, 0) {
        kinds.push(Value::Number(kind.into()));
        let length = match kind {
            0 => break,
            1 => 1,
            _ => match u8_at(rest, 1) {
                Some(length @ 2..) => {
                    lengths.push(Value::Number(length.into()));
                    usize::from(length)
                }
                _ => break,
            },
        };
        let option = rest.get(..length).unwrap_or_default();
        match kind {
            148 => fields.number("ip.opt.ra", u16_at(option, 2)),
            7 | 131 | 137 | 68 => fields.number("ip.opt.ptr", u8_at(option, 2)),
            _ => {}
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    fields.list("ip.opt.type", kinds);
    fields.list("ip.opt.len", lengths);
}
