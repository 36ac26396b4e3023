//! ICMP (RFC 792) and the packet an error quotes.
use super::{
    Layered, TransportHeader,
    describe::{Fields, Scene},
    read::{ipv4_at, u8_at, u16_at},
    walk::{Next, Visitor, Walk},
};

/// Length of the header, the part that depends on the type included.
pub(super) const LENGTH: usize = 8;

/// Whether messages of this type quote the packet that caused them.
pub(super) fn quotes(message_type: u8) -> bool {
    matches!(message_type, 3 | 4 | 5 | 11 | 12)
}

/// Reads the header.
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let Some(message_type) = here.first().copied() else {
        return walk.short(Layered::Icmp, LENGTH);
    };
    if here.len() < 4 {
        return walk.short(Layered::Icmp, LENGTH);
    }
    let offset = walk.at;
    walk.enter(Layered::Icmp, LENGTH.min(here.len()));
    walk.transport(TransportHeader::Icmp, offset);
    if quotes(message_type) && !walk.quoted && here.len() > LENGTH {
        walk.quoted = true;
        return Next::EtherType(super::ethernet::IPV4);
    }
    Next::Done
}

/// Fields of the message.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    let message_type = u8_at(bytes, 0);
    fields.number("icmp.type", message_type);
    fields.number("icmp.code", u8_at(bytes, 1));
    fields.number("icmp.checksum", u16_at(bytes, 2));
    fields.status("icmp.checksum.status", scene.checksum(TransportHeader::Icmp));
    match message_type {
        Some(0 | 8 | 13..=18) => {
            fields.number("icmp.ident", u16_at(bytes, 4));
            fields.number("icmp.seq", u16_at(bytes, 6));
        }
        // Extended echo (RFC 8335): the sequence number has one byte.
        Some(42 | 43) => {
            fields.number("icmp.ident", u16_at(bytes, 4));
            fields.number("icmp.ext.echo.seq", u8_at(bytes, 6));
        }
        Some(3) if u8_at(bytes, 1) == Some(4) => fields.number("icmp.mtu", u16_at(bytes, 6)),
        Some(5) => fields.text("icmp.redir_gw", ipv4_at(bytes, 4)),
        _ => super::short_headers::icmp(fields, bytes),
    }
    if matches!(message_type, Some(13..=18)) {
        super::short_headers::icmp(fields, bytes);
    }
}
