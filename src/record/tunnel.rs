//! What a flow travelled in.
use std::{fmt, net::IpAddr};

use schemars::JsonSchema;
use serde::Serialize;

/// One encapsulation around a flow, as the packet that opened the flow had it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Tunnel {
    /// Wireshark's short name of the protocol, such as `vxlan`; `ipip`, `6in4`, `4in6` and `6in6` where an IP packet is right
    /// inside another.
    pub protocol: &'static str,
    /// Sender of the packets that carry it; null where it is right above the link, as MPLS may be.
    pub source: Option<IpAddr>,
    /// Their receiver.
    pub destination: Option<IpAddr>,
    /// What tells this tunnel from others between the same two; null where nothing does.
    pub identifier: Option<TunnelIdentifier>,
}

/// A tunnel's number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TunnelIdentifier {
    /// What the protocol calls it: `vni`, `teid`, `key`, `call`, `session`, `label`, `spi` (of a service path), `instance`, `isid`.
    pub name: &'static str,
    /// Its value.
    pub value: u32,
}

impl fmt::Display for Tunnel {
    /// Protocol and number: `vxlan 77`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.identifier {
            Some(identifier) => write!(f, "{} {}", self.protocol, identifier.value),
            None => f.write_str(self.protocol),
        }
    }
}

impl Tunnel {
    /// The network that it is part of, where the same addresses in another one are other hosts: of VXLAN and Geneve the virtual
    /// network. What differs by direction or changes on the way (GTP's endpoints, MPLS
    /// labels) tells no networks apart. Never `u32::MAX`.
    #[must_use]
    pub fn network(&self) -> Option<u32> {
        let identifier = self.identifier?;
        match self.protocol {
            "vxlan" | "geneve" => Some(identifier.value.saturating_add(1)),
            _ => None,
        }
    }
}
