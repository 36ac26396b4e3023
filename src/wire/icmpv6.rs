//! ICMPv6 (RFC 4443), Neighbor Discovery (RFC 4861) and the packet an error quotes.
use super::{
    Layered, TransportHeader,
    describe::{Fields, Scene},
    neighbor,
    read::{u8_at, u16_at, u32_at},
    walk::{Next, Visitor, Walk},
};

/// Length of the header, the part that depends on the type included.
pub(super) const LENGTH: usize = 8;

/// Whether messages of this type quote the packet that caused them: all errors do.
pub(super) fn quotes(message_type: u8) -> bool {
    (1..=4).contains(&message_type)
}

/// Reads the header.
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let Some(message_type) = here.first().copied() else {
        return walk.short(Layered::Icmpv6, LENGTH);
    };
    if here.len() < 4 {
        return walk.short(Layered::Icmpv6, LENGTH);
    }
    let offset = walk.at;
    walk.enter(Layered::Icmpv6, LENGTH.min(here.len()));
    walk.transport(TransportHeader::Icmpv6, offset);
    if quotes(message_type) && !walk.quoted && here.len() > LENGTH {
        walk.quoted = true;
        return Next::EtherType(super::ethernet::IPV6);
    }
    Next::Done
}

/// Fields of the message.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let bytes = scene.bytes;
    let message_type = u8_at(bytes, 0);
    fields.number("icmpv6.type", message_type);
    fields.number("icmpv6.code", u8_at(bytes, 1));
    fields.number("icmpv6.checksum", u16_at(bytes, 2));
    fields.status("icmpv6.checksum.status", scene.checksum(TransportHeader::Icmpv6));
    match message_type {
        Some(2) => fields.number("icmpv6.mtu", u32_at(bytes, 4)),
        Some(128 | 129) => {
            fields.number("icmpv6.echo.identifier", u16_at(bytes, 4));
            fields.number("icmpv6.echo.sequence_number", u16_at(bytes, 6));
        }
        Some(4) => fields.number("icmpv6.pointer", u32_at(bytes, 4)),
        _ => neighbor::fields(fields, bytes),
    }
}
