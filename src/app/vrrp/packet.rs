//! An advertisement.
use std::net::IpAddr;

use crate::app::codec::above_ip::{address_like, u8_at, u16_at};

/// What an advertisement says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Advertisement {
    pub kind: Kind,
    pub virtual_router_id: u8,
    /// 0 means that the master resigns. CARP's skew in its place: the lower, the more willing.
    pub priority: u8,
    pub interval_ns: i64,
    /// Sorted. CARP tells none.
    pub addresses: Vec<IpAddr>,
}

/// Which protocol it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Version 2, with its type of authentication.
    V2 { authentication: u8 },
    /// Version 3.
    V3,
    /// CARP version 2, with its demotion counter.
    Carp { demotion: u8 },
}

impl Kind {
    pub fn version(self) -> u8 {
        match self {
            Self::V2 { .. } | Self::Carp { .. } => 2,
            Self::V3 => 3,
        }
    }
}

/// Length of CARP's packets, all the same.
const CARP_LENGTH: usize = 36;
/// Length of CARP's authentication in words, which is where VRRP counts addresses.
const CARP_WORDS: u8 = 7;

/// Reads a packet sent from an address like `like`.
pub(super) fn read(bytes: &[u8], like: IpAddr) -> Option<Advertisement> {
    let (version, virtual_router_id) = (u8_at(bytes, 0)?, u8_at(bytes, 1)?);
    let (priority, count) = (u8_at(bytes, 2)?, u8_at(bytes, 3)?);
    let (fourth, fifth) = (u8_at(bytes, 4)?, u8_at(bytes, 5)?);
    // Seven addresses of version 2 would take eight bytes more.
    if version == 0x21 && count == CARP_WORDS && bytes.len() == CARP_LENGTH {
        return Some(Advertisement {
            kind: Kind::Carp { demotion: fourth },
            virtual_router_id,
            priority,
            interval_ns: i64::from(fifth).saturating_mul(1_000_000_000),
            addresses: Vec::new(),
        });
    }
    let (kind, interval_ns) = match version {
        0x21 => (Kind::V2 { authentication: fourth }, i64::from(fifth).saturating_mul(1_000_000_000)),
        0x31 => (Kind::V3, i64::from(u16_at(bytes, 4)? & 0xfff).saturating_mul(10_000_000)),
        _ => return None,
    };
    let width = if like.is_ipv4() { 4usize } else { 16 };
    let mut addresses = (0..usize::from(count))
        .map(|place| address_like(like, bytes, place.saturating_mul(width).saturating_add(8)))
        .collect::<Option<Vec<_>>>()?;
    addresses.sort_unstable();
    Some(Advertisement { kind, virtual_router_id, priority, interval_ns, addresses })
}
