//! Big-endian numbers at an offset, `None` beyond the end. No protocol knowledge.

#[inline]
fn array<const N: usize>(bytes: &[u8], offset: usize) -> Option<[u8; N]> {
    bytes.get(offset..)?.first_chunk::<N>().copied()
}

/// One byte.
#[inline]
pub(super) fn u8_at(bytes: &[u8], offset: usize) -> Option<u8> {
    bytes.get(offset).copied()
}

/// Two bytes.
#[inline]
pub(super) fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    array(bytes, offset).map(u16::from_be_bytes)
}

/// Four bytes.
#[inline]
pub(super) fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    array(bytes, offset).map(u32::from_be_bytes)
}

/// Eight bytes.
#[inline]
pub(super) fn u64_at(bytes: &[u8], offset: usize) -> Option<u64> {
    array(bytes, offset).map(u64::from_be_bytes)
}

/// An IPv4 address.
#[inline]
pub(super) fn ipv4_at(bytes: &[u8], offset: usize) -> Option<std::net::Ipv4Addr> {
    array::<4>(bytes, offset).map(std::net::Ipv4Addr::from)
}

/// An IPv6 address.
#[inline]
pub(super) fn ipv6_at(bytes: &[u8], offset: usize) -> Option<std::net::Ipv6Addr> {
    array::<16>(bytes, offset).map(std::net::Ipv6Addr::from)
}

/// An offset as it is kept in [`super::Decoded`]; packets are far shorter than 4 GiB.
#[inline]
pub(super) fn narrow(offset: usize) -> u32 {
    u32::try_from(offset).unwrap_or(u32::MAX)
}
