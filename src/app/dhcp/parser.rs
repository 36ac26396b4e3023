//! BOOTP's fixed part (RFC 951) with DHCP's options (RFC 2131 2): pure parsing, and how it is recognised.
use std::net::Ipv4Addr;

use nom::{
    IResult, Parser,
    bytes::complete::take,
    number::complete::{be_u8, be_u16, be_u32},
};

use crate::{
    app::{Carrier, Probe, Verdict},
    limits,
};

/// Begins the options (RFC 2131 3).
const COOKIE: [u8; 4] = [0x63, 0x82, 0x53, 0x63];

/// The fixed part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'a> {
    /// 1 from a client, 2 from a server.
    pub operation: u8,
    /// Type of hardware, 1 is Ethernet.
    pub hardware_type: u8,
    /// Bytes of the hardware address.
    pub hardware_length: u8,
    /// Relays on the way.
    pub hops: u8,
    /// Transaction id.
    pub transaction: u32,
    /// Seconds since the client began.
    pub seconds: u16,
    /// The highest bit asks for a broadcast.
    pub flags: u16,
    /// `ciaddr`, `yiaddr`, `siaddr`, `giaddr`.
    pub addresses: [Ipv4Addr; 4],
    /// The client's hardware address, as long as it says.
    pub hardware: &'a [u8],
    /// Name of the server, zero bytes behind it.
    pub server_name: &'a [u8],
    /// Name of the boot file, zero bytes behind it.
    pub file: &'a [u8],
}

/// The fixed part and what follows it.
pub fn header(input: &[u8]) -> IResult<&[u8], Header<'_>> {
    let (input, (operation, hardware_type, hardware_length, hops)) = (be_u8, be_u8, be_u8, be_u8).parse(input)?;
    let (input, (transaction, seconds, flags)) = (be_u32, be_u16, be_u16).parse(input)?;
    let (input, (client, yours, server, relay)) = (be_u32, be_u32, be_u32, be_u32).parse(input)?;
    let (input, (hardware, server_name, file)) = (take(16_usize), take(64_usize), take(128_usize)).parse(input)?;
    let hardware = hardware.get(..usize::from(hardware_length)).unwrap_or(hardware);
    let addresses = [client, yours, server, relay].map(Ipv4Addr::from_bits);
    let header = Header {
        operation,
        hardware_type,
        hardware_length,
        hops,
        transaction,
        seconds,
        flags,
        addresses,
        hardware,
        server_name,
        file,
    };
    Ok((input, header))
}

/// What follows the cookie; null without one.
#[must_use]
pub fn behind_cookie(bytes: &[u8]) -> Option<&[u8]> {
    bytes.strip_prefix(&COOKIE[..])
}

/// Options: kind and content, at most [`limits::MAX_DHCP_OPTIONS`].
#[must_use]
pub fn options(mut rest: &[u8]) -> Vec<(u8, &[u8])> {
    let mut all = Vec::new();
    while let Some((kind, after)) = rest.split_first() {
        rest = after;
        match kind {
            0 => continue,
            255 => break,
            _ => {}
        }
        let Some((length, after)) = rest.split_first() else { break };
        let Some((content, after)) = after.split_at_checked(usize::from(*length)) else { break };
        rest = after;
        if all.len() >= limits::MAX_DHCP_OPTIONS {
            break;
        }
        all.push((*kind, content));
    }
    all
}

/// By the cookie on any port; without one, as BOOTP, on its ports only.
pub fn probe(probe: &Probe<'_>) -> Verdict {
    if probe.carrier != Carrier::Udp {
        return Verdict::No;
    }
    let [client, server] = [probe.flow.client.port, probe.flow.server.port];
    let Ok((rest, header)) = header(probe.bytes) else {
        let both = [client, server].iter().all(|port| matches!(port, 67 | 68));
        return if both && begins(probe.bytes) { Verdict::Likely } else { Verdict::No };
    };
    let usual = [client, server].iter().any(|port| matches!(port, 67 | 68 | 4011));
    let shaped = matches!(header.operation, 1 | 2) && header.hardware_length <= 16 && header.hops <= 16;
    match (shaped, behind_cookie(rest).is_some()) {
        (true, true) => Verdict::Certain,
        (true, false) if usual => Verdict::Likely,
        _ => Verdict::No,
    }
}

/// Whether these bytes begin a message over Ethernet that was cut when captured: then ports must tell the rest.
fn begins(bytes: &[u8]) -> bool {
    /// Up to the relay's address: what says nothing yet is mostly zero.
    const TELLING: usize = 28;
    bytes.len() >= TELLING && matches!(bytes, [1 | 2, 1, 6, 0..=16, ..])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn options_end_and_are_padded() {
        assert_eq!(options(&[0, 0, 53, 1, 1, 12, 2, b'h', b'i', 255, 9, 9]), [(53, &[1][..]), (12, b"hi")]);
        assert_eq!(options(&[53, 1, 1, 12, 9, b'h']), [(53, &[1][..])]);
        assert_eq!(options(&[]), []);
    }

    #[test]
    fn the_fixed_part() {
        let mut bytes = vec![1, 1, 6, 0, 0x3d, 0, 0, 1, 0, 5, 0x80, 0];
        bytes.extend([10, 0, 0, 1, 10, 0, 0, 2, 10, 0, 0, 3, 10, 0, 0, 4, 2, 0, 0, 0, 0, 9]);
        bytes.resize(236, 0);
        bytes.extend(COOKIE);
        let (rest, read) = header(&bytes).unwrap();
        assert_eq!(behind_cookie(rest), Some(&[][..]));
        assert_eq!((read.transaction, read.seconds, read.flags), (0x3d00_0001, 5, 0x8000));
        assert_eq!((read.addresses[1], read.hardware), (Ipv4Addr::new(10, 0, 0, 2), &[2, 0, 0, 0, 0, 9][..]));
        assert!(header(&bytes[..235]).is_err());
    }

    #[test]
    fn what_a_snap_length_leaves() {
        let mut bytes = vec![1, 1, 6, 0, 0x3d, 0, 0, 1];
        bytes.resize(28, 0);
        assert!(begins(&bytes));
        assert!(!begins(&bytes[..27]));
        for (place, value) in [(0, 3), (1, 6), (2, 16), (3, 17)] {
            let mut other = bytes.clone();
            other[place] = value;
            assert!(!begins(&other), "{place}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            let _ = header(&bytes);
            prop_assert!(options(&bytes).len() <= bytes.len() / 2);
        }
    }
}
