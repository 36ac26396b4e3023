//! IEEE 802.1Q and 802.1ad tags.
use etherparse::SingleVlanHeaderSlice;

use super::{
    Layered, ethernet,
    walk::{Next, Visitor, Walk},
};

/// Reads one tag, which `ether_type` announced; there may be any number of them.
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>, ether_type: u16) -> Next {
    let protocol = if ether_type == ethernet::PROVIDER_VLAN { Layered::Ieee8021ad } else { Layered::Vlan };
    let Ok(tag) = SingleVlanHeaderSlice::from_slice(walk.here().get(..4).unwrap_or_default()) else {
        return walk.short(protocol, 4);
    };
    let inner = tag.ether_type().0;
    walk.enter(protocol, 4);
    Next::EtherType(inner)
}
