//! What a packet says in one line when it carries neither TCP, UDP nor ICMP: the protocols that keep networks running. Those
//! with a file of their own say it there.
use std::fmt::Write as _;

use super::{
    Decoded, Layered, cdp,
    describe::colon_hex,
    eigrp, igmp, lldp, ospf, pim,
    read::{u8_at, u16_at, u32_at},
    sctp, slow, stp, vrrp,
};

/// What `message`, of the innermost protocol of `decoded`, says; nothing when that is none of these.
pub(super) fn summary(line: &mut String, decoded: &Decoded, message: &[u8]) -> Option<()> {
    let last = decoded.path.iter().next_back()?;
    match last {
        Layered::Igmp => igmp::summary(line, message),
        Layered::Vrrp => vrrp::summary(line, message),
        Layered::Ospf => ospf::summary(line, message),
        Layered::Pim => pim::summary(line, message),
        Layered::Eigrp => eigrp::summary(line, message),
        Layered::Sctp => sctp::summary(line, message),
        Layered::Stp => stp::summary(line, message),
        Layered::Lacp => slow::lacp_summary(line, message),
        Layered::Lldp => lldp::summary(line, message),
        Layered::Cdp => cdp::summary(line, message),
        Layered::Esp => write!(line, "ESP (SPI={:#010x}, seq {})", u32_at(message, 0)?, u32_at(message, 4)?).ok(),
        Layered::Ipcomp => write!(line, "IPComp (CPI={:#06x})", u16_at(message, 2)?).ok(),
        Layered::Lcp | Layered::Ipcp | Layered::Ipv6cp | Layered::Ccp => configuration(line, message),
        Layered::Pap => named(line, message, &["Authenticate-Request", "Authenticate-Ack", "Authenticate-Nak"]),
        Layered::Chap => named(line, message, &["Challenge", "Response", "Success", "Failure"]),
        Layered::PppoeDiscovery => discovery(line, message),
        Layered::Eapol => eapol(line, message),
        Layered::Nhrp => nhrp(line, message),
        Layered::Isis => isis(line, message),
        Layered::Loop => write!(line, "Configuration test, {} bytes", message.len()).ok(),
        Layered::Slarp => slarp(line, message),
        Layered::Rsvp => rsvp(line, message),
        _ => None,
    }
}

/// LCP and PPP's network control protocols (RFC 1661 section 5).
fn configuration(line: &mut String, message: &[u8]) -> Option<()> {
    const CODES: [&str; 11] = [
        "Configuration Request",
        "Configuration Ack",
        "Configuration Nak",
        "Configuration Reject",
        "Termination Request",
        "Termination Ack",
        "Code Reject",
        "Protocol Reject",
        "Echo Request",
        "Echo Reply",
        "Discard Request",
    ];
    named(line, message, &CODES)
}

/// A code that counts from 1, and the identifier behind it.
fn named(line: &mut String, message: &[u8], names: &[&str]) -> Option<()> {
    let (code, identifier) = (u8_at(message, 0)?, u8_at(message, 1)?);
    match usize::from(code).checked_sub(1).and_then(|place| names.get(place)) {
        Some(name) => write!(line, "{name} (identifier {identifier})").ok(),
        None => write!(line, "code {code} (identifier {identifier})").ok(),
    }
}

/// PPPoE discovery (RFC 2516): `message` is what follows the header.
fn discovery(line: &mut String, message: &[u8]) -> Option<()> {
    let mut rest = message;
    let mut words = Vec::new();
    while let (Some(kind), Some(length)) = (u16_at(rest, 0), u16_at(rest, 2)) {
        let end = usize::from(length).saturating_add(4);
        let Some(value) = rest.get(4..end).filter(|_| kind != 0) else { break };
        let name = match kind {
            0x0101 => "Service-Name",
            0x0102 => "AC-Name",
            0x0201 => "Service-Name-Error",
            0x0202 => "AC-System-Error",
            0x0203 => "Generic-Error",
            _ => "",
        };
        if !name.is_empty() && !value.is_empty() {
            words.push(format!("{name}='{}'", String::from_utf8_lossy(value)));
        }
        rest = rest.get(end..).unwrap_or_default();
    }
    line.push_str(&words.join(" "));
    Some(())
}

/// Names of PPPoE's codes.
pub(super) fn pppoe_code(code: u8) -> Option<&'static str> {
    Some(match code {
        0x09 => "Active Discovery Initiation (PADI)",
        0x07 => "Active Discovery Offer (PADO)",
        0x19 => "Active Discovery Request (PADR)",
        0x65 => "Active Discovery Session-confirmation (PADS)",
        0xa7 => "Active Discovery Terminate (PADT)",
        _ => return None,
    })
}

fn eapol(line: &mut String, message: &[u8]) -> Option<()> {
    let kind = u8_at(message, 1)?;
    match kind {
        0 => {
            let code = match u8_at(message, 4) {
                Some(1) => "Request",
                Some(2) => "Response",
                Some(3) => "Success",
                Some(4) => "Failure",
                _ => "packet",
            };
            write!(line, "EAP {code}").ok()
        }
        1 => write!(line, "EAPOL Start").ok(),
        2 => write!(line, "EAPOL Logoff").ok(),
        3 => {
            // IEEE 802.11's key information: pairwise, install, ack, MIC, secure.
            let information = u16_at(message, 5)?;
            let number = match (information & 0x0080 != 0, information & 0x0100 != 0, information & 0x0200 != 0) {
                _ if information & 0x0008 == 0 => return write!(line, "EAPOL Key (group)").ok(),
                (true, false, _) => 1,
                (false, true, false) => 2,
                (true, true, _) => 3,
                (false, true, true) => 4,
                _ => return write!(line, "EAPOL Key").ok(),
            };
            write!(line, "EAPOL Key (message {number} of 4)").ok()
        }
        other => write!(line, "EAPOL type {other}").ok(),
    }
}

/// NHRP (RFC 2332 section 5.2).
fn nhrp(line: &mut String, message: &[u8]) -> Option<()> {
    let kind = u8_at(message, 17)?;
    let name = match kind {
        1 => "Resolution Request",
        2 => "Resolution Reply",
        3 => "Registration Request",
        4 => "Registration Reply",
        5 => "Purge Request",
        6 => "Purge Reply",
        7 => "Error Indication",
        8 => "Traffic Indication",
        _ => return write!(line, "NHRP type {kind}").ok(),
    };
    write!(line, "NHRP {name}").ok()
}

/// IS-IS (ISO 10589 section 9): the kind of data unit, and of a Hello who sends it.
fn isis(line: &mut String, message: &[u8]) -> Option<()> {
    let kind = u8_at(message, 4)? & 0x1f;
    let name = match kind {
        15 => "L1 LAN Hello",
        16 => "L2 LAN Hello",
        17 => "P2P Hello",
        18 => "L1 LSP",
        20 => "L2 LSP",
        24 => "L1 CSNP",
        25 => "L2 CSNP",
        26 => "L1 PSNP",
        27 => "L2 PSNP",
        _ => return write!(line, "IS-IS type {kind}").ok(),
    };
    line.push_str(name);
    let at = match kind {
        15..=17 => 9,
        18 | 20 => 12,
        _ => 10,
    };
    let [a, b, c, d, e, f] = message.get(at..).and_then(|rest| rest.first_chunk::<6>())?;
    write!(line, ", system {a:02x}{b:02x}.{c:02x}{d:02x}.{e:02x}{f:02x}").ok()
}

/// Cisco's SLARP.
fn slarp(line: &mut String, message: &[u8]) -> Option<()> {
    match u32_at(message, 0)? {
        2 => write!(
            line,
            "Line keepalive, outgoing sequence {}, returned sequence {}",
            u32_at(message, 4)?,
            u32_at(message, 8)?
        )
        .ok(),
        0 => write!(line, "SLARP request").ok(),
        1 => write!(line, "SLARP reply").ok(),
        other => write!(line, "SLARP code {other}").ok(),
    }
}

/// RSVP (RFC 2205 section 3.1.1).
fn rsvp(line: &mut String, message: &[u8]) -> Option<()> {
    let kind = u8_at(message, 1)?;
    let name = match kind {
        1 => "PATH",
        2 => "RESV",
        3 => "PATH ERROR",
        4 => "RESV ERROR",
        5 => "PATH TEAR",
        6 => "RESV TEAR",
        7 => "CONFIRM",
        12 => "BUNDLE",
        13 => "ACK",
        15 => "SREFRESH",
        20 => "HELLO",
        _ => return write!(line, "RSVP message {kind}").ok(),
    };
    write!(line, "{name} Message").ok()
}

/// A frame of IEEE 802.11 that carries nothing above the link.
pub(super) fn wlan(line: &mut String, frame: &[u8]) -> Option<()> {
    let (control, flags) = (u8_at(frame, 0)?, u8_at(frame, 1)?);
    let name = match (control >> 2 & 3, control >> 4) {
        (0, 0) => "Association Request",
        (0, 1) => "Association Response",
        (0, 2) => "Reassociation Request",
        (0, 3) => "Reassociation Response",
        (0, 4) => "Probe Request",
        (0, 5) => "Probe Response",
        (0, 8) => "Beacon frame",
        (0, 10) => "Disassociate",
        (0, 11) => "Authentication",
        (0, 12) => "Deauthentication",
        (0, 13) => "Action",
        (1, 8) => "802.11 Block Ack Req",
        (1, 9) => "802.11 Block Ack",
        (1, 10) => "Power-Save poll",
        (1, 11) => "Request-to-send",
        (1, 12) => "Clear-to-send",
        (1, 13) => "Acknowledgement",
        (2, 4) => "Null function (no data)",
        (2, 12) => "QoS Null function (no data)",
        (2, subtype) if subtype & 4 == 0 => "Data",
        (kind, subtype) => return write!(line, "802.11 type {kind} subtype {subtype}").ok(),
    };
    line.push_str(name);
    if flags & 0x40 != 0 {
        line.push_str(", protected");
    }
    // Management frames have a body of fixed fields, then elements; element 0 is the network's name.
    let body = match control >> 4 {
        5 | 8 if control & 0x0c == 0 => frame.get(36..),
        4 if control & 0x0c == 0 => frame.get(24..),
        _ => None,
    };
    if let Some([0, length, rest @ ..]) = body
        && let Some(name) = rest.get(..usize::from(*length)).filter(|name| !name.is_empty())
    {
        write!(line, ", SSID=\"{}\"", String::from_utf8_lossy(name)).ok()?;
    } else if control & 0x0c != 4
        && let Some(address) = frame.get(10..16)
    {
        write!(line, ", from {}", colon_hex(address)).ok()?;
    }
    Some(())
}
