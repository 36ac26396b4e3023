//! Ethernet II and IEEE 802.3 frames, and the EtherTypes.
use etherparse::Ethernet2HeaderSlice;

use super::{
    Layered, arp,
    describe::{Fields, Scene},
    ipv4, ipv6, llc, mpls, ppp,
    read::u16_at,
    service, vlan,
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

/// RFC 903, read as ARP is.
pub(super) const REVERSE_ARP: u16 = 0x8035;
/// Novell's.
pub(super) const IPX: u16 = 0x8137;
/// RFC 3032.
pub(super) const MPLS: u16 = 0x8847;
/// RFC 5332.
pub(super) const MPLS_UPSTREAM: u16 = 0x8848;
/// RFC 2516.
pub(super) const PPPOE_DISCOVERY: u16 = 0x8863;
/// RFC 2516.
pub(super) const PPPOE_SESSION: u16 = 0x8864;
/// IEEE 802.1X.
pub(super) const EAPOL: u16 = 0x888e;
/// IEEE 802.1AB.
pub(super) const LLDP: u16 = 0x88cc;
/// IEEE 802.1AE.
pub(super) const MACSEC: u16 = 0x88e5;
/// IEEE 802.1ah.
pub(super) const BACKBONE: u16 = 0x88e7;
/// Cisco FabricPath: the addresses in front of it are switches, a whole frame follows.
pub(super) const FABRIC_PATH: u16 = 0x8903;
/// Cisco VN-Tag, IEEE 802.1BR's ancestor.
pub(super) const VNTAG: u16 = 0x8926;
/// RFC 8300.
pub(super) const NSH: u16 = 0x894f;
/// Ethernet's configuration testing protocol.
pub(super) const LOOP: u16 = 0x9000;

/// Slow protocols (IEEE 802.3 annex 57A).
pub(super) const SLOW: u16 = 0x8809;

/// Below this the field is a length (IEEE 802.3 section 3.2.6).
pub(super) const FIRST_ETHER_TYPE: u16 = 0x0600;
/// Longest payload of a frame with a length field.
pub(super) const LONGEST: u16 = 1500;

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

/// Reads what `number` announced: an EtherType, or the length of an 802.2 packet.
#[inline]
pub(super) fn walk_payload<V: Visitor>(walk: &mut Walk<'_, V>, number: u16) -> Next {
    match number {
        IPV4 => ipv4::walk(walk),
        IPV6 => ipv6::walk(walk),
        _ => others(walk, number),
    }
}

fn others<V: Visitor>(walk: &mut Walk<'_, V>, number: u16) -> Next {
    let unread = match number {
        VLAN | VLAN_OLD | PROVIDER_VLAN => return vlan::walk(walk, number),
        ARP | REVERSE_ARP => return arp::walk(walk),
        MPLS | MPLS_UPSTREAM => return mpls::walk(walk),
        PPPOE_SESSION => return ppp::walk_session(walk),
        PPPOE_DISCOVERY => return ppp::walk_discovery(walk),
        MACSEC => return service::walk_macsec(walk),
        FABRIC_PATH => return service::walk_fabric_path(walk),
        VNTAG => return service::walk_vntag(walk),
        NSH => return service::walk_nsh(walk),
        BACKBONE => return service::walk_backbone(walk),
        TRANSPARENT_BRIDGING => return Next::Frame,
        EAPOL => Layered::Eapol,
        LLDP => Layered::Lldp,
        LOOP => Layered::Loop,
        IPX => Layered::Ipx,
        SLOW => return super::slow::walk(walk),
        0x809b => Layered::Ddp,
        0x80f3 => Layered::Aarp,
        0x8899 => Layered::Realtek,
        0x88a2 => Layered::Aoe,
        0x88f7 => Layered::Ptp,
        0x8902 => Layered::Cfm,
        0..=LONGEST => {
            walk.limit(usize::from(number));
            walk.restart_payload();
            return if walk.here().is_empty() { Next::Done } else { llc::walk(walk) };
        }
        _ => return walk.data(),
    };
    walk.message(unread)
}

/// Fields of the frame's header.
pub(super) fn fields(fields: &mut Fields, scene: &Scene<'_>) {
    let number = u16_at(scene.bytes, 12);
    if number == Some(FABRIC_PATH) {
        fields.mac("cfp.d_hmac_mc", scene.bytes, 0);
        fields.mac("cfp.s_hmac", scene.bytes, 6);
    } else {
        fields.mac("eth.dst", scene.bytes, 0);
        fields.mac("eth.src", scene.bytes, 6);
    }
    match number {
        // FabricPath's own: what the frame inside carries is told there.
        Some(FABRIC_PATH) => {}
        Some(..FIRST_ETHER_TYPE) => fields.number("eth.len", number),
        _ => fields.number("eth.type", number),
    }
}
