//! What the first header of a packet is, by link type.
use super::{
    ethernet, ipv4, ipv6,
    walk::{Next, Visitor, Walk},
};
use crate::record::LinkType;

/// Reads the first header.
#[inline]
pub(super) fn walk<V: Visitor>(walk: &mut Walk<'_, V>, link_type: LinkType) -> Next {
    match link_type {
        LinkType::ETHERNET => ethernet::walk(walk),
        LinkType::IPV4 => ipv4::walk(walk),
        LinkType::IPV6 => ipv6::walk(walk),
        _ => walk.data(),
    }
}
