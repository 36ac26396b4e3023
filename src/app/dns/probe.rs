//! Whether bytes are DNS: by content, ports being hints. Port 53 is believed even when the message is damaged.
use super::iana;
use super::names::Name;
use super::parser::{HEADER_OCTETS, Header, Message, TYPE_OPT};
use crate::app::{Carrier, Probe, Verdict};

/// Ports whose datagrams are DNS, mDNS, LLMNR.
const PORTS: [u16; 3] = [53, 5353, 5355];
/// The NetBIOS name service: the same framing, another protocol (RFC 1002 4.2).
const NETBIOS_NAME_SERVICE: u16 = 137;
/// DNS over TLS (RFC 7858).
const DNS_OVER_TLS: u16 = 853;

/// The verdict.
pub fn probe(probe: &Probe<'_>) -> Verdict {
    let ports = [probe.flow.client.port, probe.flow.server.port];
    match probe.carrier {
        Carrier::Udp => datagram(probe.bytes, ports),
        Carrier::Tcp | Carrier::Tls => stream(probe, ports),
        Carrier::QuicCrypto | Carrier::Sctp | Carrier::Ip(_) | Carrier::Arp => Verdict::No,
    }
}

fn datagram(bytes: &[u8], ports: [u16; 2]) -> Verdict {
    let Some(header) = Header::read(bytes) else { return Verdict::No };
    if ports.contains(&NETBIOS_NAME_SERVICE) {
        return Verdict::No;
    }
    if ports.iter().any(|port| PORTS.contains(port)) {
        return if begins_well(bytes, header) {
            Verdict::Certain
        } else if ports.contains(&53) || plausible(header) {
            Verdict::Likely
        } else {
            Verdict::No
        };
    }
    if strict(bytes) { Verdict::Likely } else { Verdict::No }
}

/// Flags and counts as some DNS software would set them.
fn plausible(header: Header) -> bool {
    let [questions, answers, authority, additional] = header.counts;
    matches!(header.opcode(), 0 | 1 | 2 | 4 | 5 | 6)
        && header.rcode() <= 11
        && questions <= 64
        && (questions, answers, authority, additional) != (0, 0, 0, 0)
}

/// A plausible header, then a question or record that can be read as far as the bytes go.
fn begins_well(bytes: &[u8], header: Header) -> bool {
    let Some(message) = Message::read(bytes) else { return false };
    if !plausible(header) && header.counts != [0; 4] {
        return false;
    }
    let mut walk = message.walk();
    match walk.question() {
        Some(Ok(question)) => question.name.text().is_ok(),
        Some(Err(_)) => false,
        None => walk.record().is_none_or(|record| record.is_ok_and(|record| record.name.text().is_ok())),
    }
}

/// Nothing but a whole, ordinary message passes: for ports that say nothing.
fn strict(bytes: &[u8]) -> bool {
    let Some(message) = Message::read(bytes) else { return false };
    let header = message.header;
    let [questions, answers, authority, additional] = header.counts;
    let zero_bit = header.flags & 0x40;
    if questions != 1 || header.opcode() != 0 || zero_bit != 0 || header.rcode() > 5 {
        return false;
    }
    if !header.is_response() && (answers > 0 || authority > 0 || additional > 2 || header.flags & 0x068f != 0) {
        return false;
    }
    let mut walk = message.walk();
    while let Some(question) = walk.question() {
        let Ok(question) = question else { return false };
        let known = iana::type_mnemonic(question.record_type).is_some() && matches!(question.class, 1 | 3 | 255);
        if !known || !ordinary_name(question.name) {
            return false;
        }
    }
    while let Some(record) = walk.record() {
        let Ok(record) = record else { return false };
        let known = iana::type_mnemonic(record.record_type).is_some();
        let class = matches!(record.class, 1 | 3) || record.record_type == TYPE_OPT;
        if !known || !class || !ordinary_name(record.name) {
            return false;
        }
    }
    walk.position() == bytes.len()
}

fn ordinary_name(name: Name<'_>) -> bool {
    name.labels().all(|label| {
        label.is_ok_and(|label| label.iter().all(|octet| octet.is_ascii_alphanumeric() || b"-_*".contains(octet)))
    })
}

fn stream(probe: &Probe<'_>, ports: [u16; 2]) -> Verdict {
    let dns_port = ports.contains(&53) || (probe.carrier == Carrier::Tls && ports.contains(&DNS_OVER_TLS));
    let Some(&[high, low]) = probe.bytes.first_chunk::<2>() else {
        return if dns_port { Verdict::Maybe } else { Verdict::No };
    };
    let length = usize::from(u16::from_be_bytes([high, low]));
    if length < HEADER_OCTETS {
        return Verdict::No;
    }
    let framed = probe.bytes.get(2..).unwrap_or_default();
    let whole = framed.get(..length);
    let bytes = whole.unwrap_or(framed);
    if !dns_port {
        // Another port: only a whole message, and nothing behind it but another length.
        return match whole {
            Some(message) if strict(message) => Verdict::Likely,
            _ => Verdict::No,
        };
    }
    let Some(header) = Header::read(bytes) else { return Verdict::Maybe };
    if whole.is_some() {
        if begins_well(bytes, header) {
            Verdict::Certain
        } else if probe.from_start || !plausible(header) {
            Verdict::No
        } else {
            Verdict::Likely
        }
    } else if !plausible(header) {
        // Joined in the middle of a message: the session finds the next one.
        if probe.from_start { Verdict::No } else { Verdict::Likely }
    } else if begins_well(bytes, header) {
        Verdict::Certain
    } else {
        Verdict::Maybe
    }
}

/// Records looked at before a place in a stream is believed: few, for every offset may be asked.
const RECORDS_TO_BELIEVE: usize = 8;

/// Whether a stream may be taken up here: a length, and a message behind it that ends where it should; if it is not
/// all here, one with an ordinary question.
pub fn resumes(bytes: &[u8]) -> bool {
    let Some(&[high, low]) = bytes.first_chunk::<2>() else { return false };
    let length = usize::from(u16::from_be_bytes([high, low]));
    let framed = bytes.get(2..).unwrap_or_default();
    let whole = framed.get(..length);
    let Some(message) = Message::read(whole.unwrap_or(framed)) else { return false };
    if length < HEADER_OCTETS || !plausible(message.header) {
        return false;
    }
    if whole.is_none() {
        let ordinary = message.first_question().is_some_and(|question| {
            let known = iana::type_mnemonic(question.record_type).is_some() && matches!(question.class, 1 | 3 | 255);
            known && !question.name.is_root() && ordinary_name(question.name)
        });
        return ordinary && matches!(message.header.counts, [1, ..]);
    }
    let mut walk = message.walk();
    for _ in 0..RECORDS_TO_BELIEVE {
        match walk.record() {
            Some(Ok(_)) => {}
            Some(Err(_)) => return false,
            None => return walk.position() == length,
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERY: &[u8] = b"\x1f\x2e\x01\0\0\x01\0\0\0\0\0\0\x07example\x03com\0\0\x01\0\x01";

    #[test]
    fn a_query_on_known_and_unknown_ports() {
        assert_eq!(datagram(QUERY, [40000, 53]), Verdict::Certain);
        assert_eq!(datagram(QUERY, [40000, 5355]), Verdict::Certain);
        assert_eq!(datagram(QUERY, [40000, 9999]), Verdict::Likely);
        assert_eq!(datagram(QUERY, [137, 137]), Verdict::No);
        assert_eq!(datagram(&QUERY[..20], [40000, 53]), Verdict::Likely);
        assert_eq!(datagram(&QUERY[..20], [40000, 9999]), Verdict::No);
        assert_eq!(datagram(&[QUERY, b"x"].concat(), [40000, 9999]), Verdict::No);
        assert_eq!(datagram(&QUERY[..11], [40000, 53]), Verdict::No);
    }

    #[test]
    fn streams_are_taken_up_at_a_length() {
        let framed = [&[0, 29][..], QUERY].concat();
        assert!(resumes(&framed));
        assert!(!resumes(&framed[1..]));
        assert!(!resumes(b""));
    }
}
