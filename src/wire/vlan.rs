//! IEEE 802.1Q and 802.1ad tags.
use etherparse::SingleVlanHeaderSlice;

use super::{
    Layered,
    describe::{Fields, Scene},
    ethernet,
    read::u16_at,
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

/// Fields of an 802.1Q tag.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let control = u16_at(scene.bytes, 0);
    fields.number("vlan.priority", control.map(|control| control >> 13));
    fields.number("vlan.dei", control.map(|control| control >> 12 & 1));
    fields.number("vlan.id", control.map(|control| control & 0x0fff));
    let number = u16_at(scene.bytes, 2);
    let is_length = number.is_some_and(|number| number < ethernet::FIRST_ETHER_TYPE);
    fields.number(if is_length { "vlan.len" } else { "vlan.etype" }, number);
}

/// Fields of an 802.1ad tag.
pub(super) fn fields_provider(fields: &mut Fields, scene: &Scene<'_>) {
    let control = u16_at(scene.bytes, 0);
    fields.number("ieee8021ad.priority", control.map(|control| control >> 13));
    fields.number("ieee8021ad.dei", control.map(|control| control >> 12 & 1));
    fields.number("ieee8021ad.id", control.map(|control| control & 0x0fff));
}
