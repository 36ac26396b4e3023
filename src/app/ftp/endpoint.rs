//! Where a data connection will be, as commands and replies say it. Pure.
use std::net::{IpAddr, Ipv4Addr};

/// An announced end: the address, where it is told, and the port.
pub type Announced = (Option<IpAddr>, u16);

/// `h1,h2,h3,h4,p1,p2` of PORT and of the reply 227 (RFC 959 4.1.2), wherever it stands in the text.
pub fn six_numbers(text: &[u8]) -> Option<Announced> {
    let start = text.iter().position(u8::is_ascii_digit)?;
    let list = text.get(start..)?;
    let end = list.iter().position(|byte| !byte.is_ascii_digit() && *byte != b',').unwrap_or(list.len());
    let numbers: Vec<u8> = std::str::from_utf8(list.get(..end)?)
        .ok()?
        .split(',')
        .take(7)
        .map(str::parse)
        .collect::<Result<_, _>>()
        .ok()?;
    let [a, b, c, d, high, low] = numbers[..] else { return None };
    Some((Some(Ipv4Addr::new(a, b, c, d).into()), u16::from_be_bytes([high, low])))
}

/// `<d>protocol<d>address<d>port<d>` of EPRT, and `(<d><d><d>port<d>)` of the reply 229 (RFC 2428 2 and 3).
pub fn extended(text: &[u8]) -> Option<Announced> {
    let start = text.iter().position(|byte| *byte == b'(').map_or(0, |open| open.saturating_add(1));
    let text = text.get(start..)?;
    let delimiter = text.first()?;
    if !(33..=126).contains(delimiter) || delimiter.is_ascii_alphanumeric() {
        return None;
    }
    let mut parts = text.split(|byte| byte == delimiter).skip(1);
    let (_, address, port) = (parts.next()?, parts.next()?, parts.next()?);
    let text = |bytes| std::str::from_utf8(bytes).ok();
    let port = text(port)?.parse().ok()?;
    let address = text(address)?;
    Some((if address.is_empty() { None } else { Some(address.parse().ok()?) }, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_port_and_pasv() {
        let expected = Some((Some("10.0.0.1".parse().unwrap()), 0x1234));
        assert_eq!(six_numbers(b"10,0,0,1,18,52"), expected);
        assert_eq!(six_numbers(b"Entering Passive Mode (10,0,0,1,18,52)."), expected);
        for none in [&b"10,0,0,1,18"[..], b"10,0,0,1,18,52,1", b"10,0,0,256,18,52", b"no", b""] {
            assert_eq!(six_numbers(none), None);
        }
    }

    #[test]
    fn extended_forms() {
        assert_eq!(extended(b"|1|132.235.1.2|6275|"), Some((Some("132.235.1.2".parse().unwrap()), 6275)));
        assert_eq!(
            extended(b"|2|1080::8:800:200c:417a|5282|"),
            Some((Some("1080::8:800:200c:417a".parse().unwrap()), 5282))
        );
        assert_eq!(extended(b"Entering Extended Passive Mode (|||6446|)"), Some((None, 6446)));
        for none in [&b"ALL"[..], b"(|||x|)", b"", b"|1|x|1|"] {
            assert_eq!(extended(none), None);
        }
    }
}
