//! IEEE 802.11 data frames and the radio headers in front of them, just far enough to reach what they carry.
use super::{
    Layered, llc,
    read::{u8_at, u16_at, u32_at},
    walk::{Next, Visitor, Walk},
};
use crate::record::LinkType;

/// Radiotap: version, pad, length in little endian; the rest is for radio people.
pub(super) fn walk_radiotap<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let Some(length) = u16_at(here, 2).map(|length| usize::from(length.swap_bytes())) else {
        return walk.short(Layered::Radiotap, 8);
    };
    if here.len() < length || length < 8 {
        return walk.short(Layered::Radiotap, length.max(8));
    }
    walk.enter(Layered::Radiotap, length);
    walk.enter_named(Layered::WlanRadio);
    self::walk(walk)
}

/// Per-Packet Information: version, flags, length and link type in little endian.
pub(super) fn walk_ppi<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    let here = walk.here();
    let (Some(length), Some(link_type)) =
        (u16_at(here, 2).map(|length| usize::from(length.swap_bytes())), u32_at(here, 4).map(u32::swap_bytes))
    else {
        return walk.short(Layered::Ppi, 8);
    };
    if here.len() < length || length < 8 {
        return walk.short(Layered::Ppi, length.max(8));
    }
    walk.enter(Layered::Ppi, length);
    match u16::try_from(link_type) {
        Ok(105) => {
            walk.enter_named(Layered::WlanRadio);
            self::walk(walk)
        }
        Ok(number) => Next::Link(LinkType(number)),
        Err(_) => walk.data(),
    }
}

/// An 802.11 MAC frame (IEEE 802.11 section 9.2).
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>) -> Next {
    const ORDER: u8 = 0x80;
    const PROTECTED: u8 = 0x40;
    let here = walk.here();
    let (control, flags) = match here {
        // Some access points swap the two bytes (Cisco's, inside CAPWAP); the version, always 0, tells.
        [flags, control, ..] if flags & 3 != 0 && control & 0x0f == 0x08 => (*control, *flags),
        [control, flags, ..] => (*control, *flags),
        _ => return walk.short(Layered::Wlan, 2),
    };
    let is_data = control & 0x0c == 0x08;
    if !is_data {
        walk.enter(Layered::Wlan, here.len().min(24));
        return Next::Done;
    }
    let quality_of_service = control & 0x80 != 0;
    let no_data = control & 0x40 != 0;
    let mut length = 24usize;
    if flags & 3 == 3 {
        length = length.saturating_add(6);
    }
    if quality_of_service {
        length = length.saturating_add(if flags & ORDER != 0 { 6 } else { 2 });
    }
    if here.len() < length {
        return walk.short(Layered::Wlan, length);
    }
    if no_data {
        walk.enter(Layered::Wlan, length);
        return Next::Done;
    }
    if flags & PROTECTED != 0 {
        walk.enter(Layered::Wlan, length);
        return walk.data();
    }
    let control = u8_at(here, length.saturating_sub(2)).filter(|_| quality_of_service && flags & ORDER == 0);
    walk.enter(Layered::Wlan, body(here, length, control));
    llc::walk(walk)
}

/// Where the packet of a frame starts whose header is `length` bytes long and ends with `quality_of_service`'s first byte: behind
/// padding, behind the header of the first of several packets (A-MSDU; only that one is read), or behind mesh control.
fn body(here: &[u8], length: usize, quality_of_service: Option<u8>) -> usize {
    const SNAP: &[u8] = &[0xaa, 0xaa, 0x03];
    const AGGREGATED: u8 = 0x80;
    /// Destination, source and length of a subframe (IEEE 802.11 section 9.3.2.2.2).
    const SUBFRAME: usize = 14;
    let is_packet = |start: usize| here.get(start..).is_some_and(|rest| rest.starts_with(SNAP));
    let padded = length.next_multiple_of(4);
    if is_packet(length) {
        return length;
    }
    if quality_of_service.is_some_and(|control| control & AGGREGATED != 0) {
        let subframe = [length, padded].map(|start| start.saturating_add(SUBFRAME));
        if let Some(start) = subframe.into_iter().find(|start| is_packet(*start)) {
            return start;
        }
    }
    // Mesh control (section 9.2.4.8.3): flags, time to live, number, then up to two addresses.
    let addresses = u8_at(here, length).map_or(0, |flags| usize::from(flags & 3).saturating_mul(6));
    let mesh = length.saturating_add(6).saturating_add(addresses);
    match () {
        () if quality_of_service.is_some() && is_packet(mesh) => mesh,
        () if is_packet(padded) => padded,
        () => length,
    }
}
