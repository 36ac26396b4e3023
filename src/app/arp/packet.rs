//! The packet (RFC 826), for IPv4 over links with addresses of any length.
use std::net::Ipv4Addr;

use crate::record::{HardwareAddress, Station};

/// What is read of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Packet {
    pub operation: u16,
    /// Who sends; the link-layer address is null when it is all zeros.
    pub sender: Station,
    /// Whom it is about, likewise.
    pub target: Station,
}

const IPV4: u16 = 0x0800;

/// Reads a packet; null when it is cut short or not for IPv4.
pub(super) fn read(bytes: &[u8]) -> Option<Packet> {
    let [_, _, high, low, hardware_length, 4, op_high, op_low, ..] = bytes else { return None };
    if u16::from_be_bytes([*high, *low]) != IPV4 {
        return None;
    }
    let length = usize::from(*hardware_length);
    let mut rest = bytes.get(8..)?;
    let mut station = || {
        let mac = HardwareAddress::new(rest.get(..length)?).filter(|mac| !mac.is_zero());
        rest = rest.get(length..)?;
        let address = Ipv4Addr::from(*rest.first_chunk::<4>()?);
        rest = rest.get(4..)?;
        Some(Station { address: address.into(), mac })
    };
    let (sender, target) = (station()?, station()?);
    Some(Packet { operation: u16::from_be_bytes([*op_high, *op_low]), sender, target })
}

/// The name of an operation (IANA's registry), and whether it asks.
pub(super) fn operation(number: u16) -> (&'static str, bool) {
    match number {
        1 => ("request", true),
        2 => ("reply", false),
        3 => ("reverse_request", true),
        4 => ("reverse_reply", false),
        8 => ("inverse_request", true),
        9 => ("inverse_reply", false),
        10 => ("nak", false),
        _ => ("other", false),
    }
}
