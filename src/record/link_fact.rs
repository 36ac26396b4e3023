//! What a router says of itself on a link, to be compared with what others say there: never printed itself.
use std::net::{IpAddr, Ipv4Addr};

use super::{FlowId, PacketRef};

/// One router's announcements.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkFact {
    /// VRRP: it is the master of a virtual router.
    Master(Master),
    /// OSPF version 2: the terms on which it takes neighbours.
    Terms(OspfTerms),
}

/// A master of a virtual router (RFC 9568), as its advertisements tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Master {
    /// The flow of the advertisements.
    pub flow: FlowId,
    /// Who advertises.
    pub router: IpAddr,
    /// VRRP's version.
    pub version: u8,
    /// Virtual router identifier (VRID).
    pub virtual_router_id: u8,
    /// The virtual router's addresses, sorted. What makes it this one and no other with the same identifier.
    pub addresses: Vec<IpAddr>,
    /// The last one advertised, 0 aside.
    pub priority: u8,
    /// Between advertisements, in nanoseconds.
    pub interval_ns: i64,
    /// First and last packet of each time without a silence of more than four intervals, and how many came.
    pub reigns: Vec<(PacketRef, PacketRef, u64)>,
}

/// What an OSPF router wants of its neighbours (RFC 2328 10.5), while it said the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OspfTerms {
    /// The flow of the Hellos.
    pub flow: FlowId,
    /// Who says so.
    pub router: Ipv4Addr,
    /// Router identifier.
    pub router_id: Ipv4Addr,
    /// Area.
    pub area: Ipv4Addr,
    /// Mask of the interface's network.
    pub mask: Ipv4Addr,
    /// Seconds between Hellos.
    pub hello_interval_s: u16,
    /// Seconds of silence after which a neighbour is dead.
    pub dead_interval_s: u32,
    /// Type of authentication.
    pub authentication: u16,
    /// Routers that it has heard, some of them.
    pub neighbours: Vec<Ipv4Addr>,
    /// The first Hello that says so.
    pub first: PacketRef,
    /// The last one.
    pub last: PacketRef,
}
