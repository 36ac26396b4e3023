//! MPLS label stacks (RFC 3032) and Ethernet pseudowires (RFC 4448), guessed as all receivers of captures must.
use super::{
    Layered,
    read::u32_at,
    walk::{Next, Visitor, Walk},
};

/// Reads one label.
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    const BOTTOM_OF_STACK: u32 = 0x100;
    let Some(entry) = u32_at(walk.here(), 0) else {
        return walk.short(Layered::Mpls, 4);
    };
    walk.enter(Layered::Mpls, 4);
    if entry & BOTTOM_OF_STACK == 0 {
        return Next::EtherType(super::ethernet::MPLS);
    }
    let here = walk.here();
    match here.first().map(|first| first >> 4) {
        Some(4 | 6) => Next::AnyIp,
        // A control word (RFC 4385) begins with four zero bits, and so does hardly any MAC address in use.
        Some(0) if here.len() >= 18 => {
            walk.enter_named(Layered::PseudowireEthernet);
            walk.enter(Layered::PseudowireControlWord, 4);
            Next::Frame
        }
        _ => walk.data(),
    }
}
