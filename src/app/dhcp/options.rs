//! What DHCP's options say, as facts and as fields (RFC 2132).
use std::net::Ipv4Addr;

use crate::app::codec::messages::{colons, hex, text};

/// IPv4 addresses one behind the other.
#[must_use]
pub fn addresses(content: &[u8]) -> Vec<Ipv4Addr> {
    let (addresses, _) = content.as_chunks::<4>();
    addresses.iter().map(|address| Ipv4Addr::from(*address)).collect()
}

/// The same in words.
#[must_use]
pub fn listed(content: &[u8]) -> String {
    let few: Vec<String> = addresses(content).iter().take(8).map(ToString::to_string).collect();
    few.join(", ")
}

/// A number of four bytes.
#[must_use]
pub fn seconds(content: &[u8]) -> Option<u32> {
    Some(u32::from_be_bytes(*content.first_chunk()?))
}

/// A client identifier (RFC 2132 9.14): a hardware address, or anything.
#[must_use]
pub fn client_identifier(content: &[u8]) -> String {
    match content {
        [1, hardware @ ..] if hardware.len() == 6 => colons(hardware),
        [0, name @ ..] if name.iter().all(u8::is_ascii_graphic) => text(name),
        _ => hex(content),
    }
}

/// What an option says, where it is worth a fact: its name and value.
#[must_use]
pub fn fact(kind: u8, content: &[u8]) -> Option<(&'static str, String)> {
    let time = || {
        seconds(content).map(|seconds| if seconds == u32::MAX { "for ever".to_owned() } else { format!("{seconds} s") })
    };
    Some(match kind {
        1 => ("subnet_mask", listed(content)),
        3 => ("router", listed(content)),
        6 => ("name_servers", listed(content)),
        12 => ("host_name", text(content)),
        15 => ("domain_name", text(content)),
        26 => ("mtu", u16::from_be_bytes(*content.first_chunk()?).to_string()),
        42 => ("ntp_servers", listed(content)),
        50 => ("requested_address", listed(content)),
        51 => ("lease_time", time()?),
        54 => ("server_identifier", listed(content)),
        56 => ("message_text", text(content)),
        58 => ("renewal_time", time()?),
        60 => ("vendor_class", text(content)),
        66 => ("tftp_server", text(content)),
        67 => ("boot_file", text(content)),
        77 => ("user_class", text(content)),
        // Flags and two codes, then the name (RFC 4702); in the encoding of DNS when the E bit is set.
        81 => match content {
            [flags, _, _, name @ ..] if flags & 4 == 0 => ("client_name", text(name)),
            _ => return None,
        },
        82 => ("relay_agent", hex(content)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_say() {
        assert_eq!(fact(6, &[10, 0, 0, 1, 10, 0, 0, 2, 9]), Some(("name_servers", "10.0.0.1, 10.0.0.2".to_owned())));
        assert_eq!(fact(51, &[255; 4]), Some(("lease_time", "for ever".to_owned())));
        assert_eq!(fact(51, &[0, 1]), None);
        assert_eq!(fact(43, b"anything"), None);
        assert_eq!(client_identifier(&[1, 2, 0, 0, 0, 0, 9]), "02:00:00:00:00:09");
        assert_eq!(client_identifier(&[255, 1, 2]), "ff0102");
    }
}
