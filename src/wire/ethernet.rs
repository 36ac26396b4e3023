//! Ethernet II and IEEE 802.3 frames, and the EtherTypes.
use etherparse::Ethernet2HeaderSlice;

use super::{
    Layered,
    walk::{Next, Visitor, Walk},
};

/// RFC 894.
pub(super) const IPV4: u16 = 0x0800;
/// RFC 826.
pub(super) const ARP: u16 = 0x0806;
/// RFC 6558: TRILL and others carry whole frames; GRE and Geneve use it for Ethernet.
pub(super) const TRANSPARENT_BRIDGING: u16 = 0x6558;
/// IEEE 802.1Q.
pub(super) const VLAN: u16 = 0x8100;
/// IPv6, RFC 2464.
pub(super) const IPV6: u16 = 0x86dd;
/// IEEE 802.1ad.
pub(super) const PROVIDER_VLAN: u16 = 0x88a8;
/// What was used for stacked VLANs before 802.1ad.
pub(super) const VLAN_OLD: u16 = 0x9100;

/// Below this the field is a length (IEEE 802.3 section 3.2.6).
pub(super) const FIRST_ETHER_TYPE: u16 = 0x0600;

/// Reads the frame's header.
#[inline]
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let Ok(header) = Ethernet2HeaderSlice::from_slice(walk.here().get(..14).unwrap_or_default()) else {
        return walk.short(Layered::Ethernet, 14);
    };
    let ether_type = header.ether_type().0;
    walk.enter(Layered::Ethernet, 14);
    Next::EtherType(ether_type)
}
