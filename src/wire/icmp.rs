//! ICMP (RFC 792) and the packet an error quotes.
use super::{
    Layered, TransportHeader,
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
