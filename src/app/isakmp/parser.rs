//! IKE's header and the payloads that are not encrypted (RFC 7296 3, RFC 2408 3): pure parsing, and how it is recognised.
use nom::{
    IResult, Parser,
    bytes::complete::take,
    number::complete::{be_u8, be_u16, be_u32, be_u64},
};

use super::names;
use crate::{
    app::{Carrier, Probe, Verdict},
    limits,
};

/// Bytes of the header.
pub const HEADER_BYTES: usize = 28;

/// The header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The initiator's SPI, its cookie in version 1.
    pub initiator: u64,
    /// The responder's; 0 in the first message.
    pub responder: u64,
    /// The first payload.
    pub next: u8,
    /// Major and minor version.
    pub version: u8,
    /// What kind of exchange.
    pub exchange: u8,
    /// Flags.
    pub flags: u8,
    /// Message id.
    pub id: u32,
    /// Length of the message.
    pub length: u32,
}

impl Header {
    /// 1 or 2.
    #[must_use]
    pub fn major(&self) -> u8 {
        self.version >> 4
    }

    /// Whether the payloads behind the header are encrypted as a whole, as version 1 does.
    #[must_use]
    pub fn is_sealed(&self) -> bool {
        self.major() == 1 && self.flags & 1 != 0
    }
}

/// The header and what follows.
pub fn header(input: &[u8]) -> IResult<&[u8], Header> {
    let (input, (initiator, responder, next, version)) = (be_u64, be_u64, be_u8, be_u8).parse(input)?;
    let (input, (exchange, flags, id, length)) = (be_u8, be_u8, be_u32, be_u32).parse(input)?;
    Ok((input, Header { initiator, responder, next, version, exchange, flags, id, length }))
}

/// Kinds of payloads, of both versions.
pub mod payload {
    #![allow(missing_docs)]
    pub const SA_1: u8 = 1;
    pub const NOTIFY_1: u8 = 11;
    pub const VENDOR_1: u8 = 13;
    pub const SA: u8 = 33;
    pub const KEY_EXCHANGE: u8 = 34;
    pub const NOTIFY: u8 = 41;
    pub const VENDOR: u8 = 43;
    pub const ENCRYPTED: u8 = 46;
    pub const ENCRYPTED_FRAGMENT: u8 = 53;
}

/// The payloads behind a header, with their kinds: up to the first that is encrypted, at most [`limits::MAX_IKE_PARTS`].
pub struct Payloads<'a> {
    next: u8,
    rest: &'a [u8],
    left: usize,
    /// Whether a length reaches beyond the message.
    pub is_damaged: bool,
    /// Whether there are more than are read.
    pub is_cut: bool,
}

impl<'a> Payloads<'a> {
    /// Those behind `header`.
    #[must_use]
    pub fn new(header: &Header, body: &'a [u8]) -> Self {
        let rest = if header.is_sealed() { &[] } else { body };
        Self { next: header.next, rest, left: limits::MAX_IKE_PARTS, is_damaged: false, is_cut: false }
    }
}

impl<'a> Iterator for Payloads<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == 0 || self.rest.is_empty() || self.left == 0 {
            self.is_cut = self.next != 0 && !self.rest.is_empty();
            return None;
        }
        self.left = self.left.saturating_sub(1);
        let kind = self.next;
        match part(self.rest) {
            Ok((rest, (next, body))) => {
                (self.next, self.rest) = (next, rest);
                // Behind an encrypted payload stands what is inside it.
                if matches!(kind, payload::ENCRYPTED | payload::ENCRYPTED_FRAGMENT) {
                    self.next = 0;
                }
                Some((kind, body))
            }
            Err(_) => {
                self.is_damaged = true;
                self.next = 0;
                None
            }
        }
    }
}

/// The generic header of payloads, proposals and transforms: what is next, and the body.
fn part(input: &[u8]) -> IResult<&[u8], (u8, &[u8])> {
    let (input, (next, _, length)) = (be_u8, be_u8, be_u16).parse(input)?;
    let length = usize::from(length).checked_sub(4);
    let wrong = || nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::LengthValue));
    let (input, body) = take(length.ok_or_else(wrong)?).parse(input)?;
    Ok((input, (next, body)))
}

/// The parts of a list of proposals or transforms.
fn parts(mut rest: &[u8]) -> Vec<&[u8]> {
    let mut all = Vec::new();
    while let Ok((after, (_, body))) = part(rest) {
        rest = after;
        all.push(body);
        if all.len() >= limits::MAX_IKE_PARTS {
            break;
        }
    }
    all
}

/// A proposal: its number, the protocol, and the names of its transforms in order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposal {
    /// Its number.
    pub number: u8,
    /// 1 IKE, 2 AH, 3 ESP.
    pub protocol: u8,
    /// In version 1 each names all algorithms of one choice, in version 2 one algorithm each.
    pub transforms: Vec<String>,
}

/// The proposals of a security association of version 2 (RFC 7296 3.3).
#[must_use]
pub fn proposals2(body: &[u8]) -> Vec<Proposal> {
    parts(body).into_iter().filter_map(|body| proposal(body, transform2)).collect()
}

/// Those of version 1 (RFC 2408 3.5), behind domain and situation.
#[must_use]
pub fn proposals1(body: &[u8]) -> Vec<Proposal> {
    let body = body.get(8..).unwrap_or_default();
    parts(body).into_iter().filter_map(|body| proposal(body, transform1)).collect()
}

fn proposal(body: &[u8], transform: fn(&[u8]) -> Option<String>) -> Option<Proposal> {
    let head: IResult<&[u8], (u8, u8, u8, u8)> = (be_u8, be_u8, be_u8, be_u8).parse(body);
    let (rest, (number, protocol, spi_bytes, _)) = head.ok()?;
    let rest = rest.get(usize::from(spi_bytes)..)?;
    Some(Proposal { number, protocol, transforms: parts(rest).into_iter().filter_map(transform).collect() })
}

/// Attributes (RFC 7296 3.3.5, RFC 2408 3.3): kind and value, those of more than eight bytes left out.
fn attributes(mut rest: &[u8]) -> Vec<(u16, u64)> {
    let mut all = Vec::new();
    while let [a, b, c, d, after @ ..] = rest {
        let (kind, value) = (u16::from_be_bytes([*a, *b]), u16::from_be_bytes([*c, *d]));
        rest = after;
        if kind & 0x8000 != 0 {
            all.push((kind & 0x7fff, value.into()));
            continue;
        }
        let Some((long, after)) = after.split_at_checked(value.into()) else { break };
        rest = after;
        if long.len() <= 8 {
            all.push((kind, long.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))));
        }
    }
    all
}

const KEY_LENGTH: u16 = 14;

fn transform2(body: &[u8]) -> Option<String> {
    let [kind, _, high, low, rest @ ..] = body else { return None };
    let id = u16::from_be_bytes([*high, *low]);
    let length = attributes(rest).into_iter().find(|(kind, _)| *kind == KEY_LENGTH).map(|(_, bits)| bits);
    let name = names::transform(*kind, id);
    Some(length.map_or_else(|| name.clone(), |bits| format!("{name}_{bits}")))
}

/// Algorithms of phase 1 (RFC 2409 appendix A); of phase 2 they are encrypted.
fn transform1(body: &[u8]) -> Option<String> {
    let attributes = attributes(body.get(4..)?);
    let value = |wanted: u16| attributes.iter().find(|(kind, _)| *kind == wanted).map(|(_, value)| *value);
    let mut words = Vec::new();
    if let Some(cipher) = value(1) {
        let bits = value(KEY_LENGTH).map_or_else(String::new, |bits| format!("_{bits}"));
        words.push(format!("{}{bits}", names::cipher1(cipher)));
    }
    words.extend(value(2).map(names::hash1));
    words.extend(value(4).map(|group| names::transform(4, u16::try_from(group).unwrap_or(u16::MAX))));
    words.extend(value(3).map(names::authentication1));
    (!words.is_empty()).then(|| words.join(" "))
}

/// The kind of a notification: of version 2 behind protocol and SPI's length, of version 1 behind the domain too.
#[must_use]
pub fn notification(major: u8, body: &[u8]) -> Option<u16> {
    let at = if major == 1 { 6 } else { 2 };
    let [high, low] = *body.get(at..)?.first_chunk()?;
    Some(u16::from_be_bytes([high, low]))
}

/// Whether a whole datagram is one message.
fn is_message(bytes: &[u8]) -> bool {
    let Ok((_, header)) = header(bytes) else { return false };
    let known = match header.version {
        0x10 => matches!(header.exchange, 0..=6 | 32..=34),
        0x20..=0x2f => matches!(header.exchange, 34..=44),
        _ => false,
    };
    known && header.initiator != 0 && usize::try_from(header.length).is_ok_and(|length| length == bytes.len())
}

/// On its port also what is cut or unusual.
pub fn probe(probe: &Probe<'_>) -> Verdict {
    if probe.carrier != Carrier::Udp {
        return Verdict::No;
    }
    let usual = [probe.flow.client.port, probe.flow.server.port].contains(&500);
    if is_message(probe.bytes) {
        return Verdict::Certain;
    }
    match header(probe.bytes) {
        Ok((_, header)) if usual && header.initiator != 0 && matches!(header.major(), 1 | 2) => Verdict::Likely,
        _ => Verdict::No,
    }
}

/// What a datagram on port 4500 holds (RFC 3948 2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encapsulated<'a> {
    /// One byte that keeps a NAT's mapping alive.
    Keepalive,
    /// Behind four zero bytes a message of IKE.
    Message(&'a [u8]),
    /// ESP: its SPI and sequence number.
    Esp { spi: u32, sequence: u32 },
}

/// Which of the three.
#[must_use]
pub fn encapsulated(bytes: &[u8]) -> Option<Encapsulated<'_>> {
    match bytes {
        [0xff] => Some(Encapsulated::Keepalive),
        [0, 0, 0, 0, message @ ..] => Some(Encapsulated::Message(message)),
        _ => {
            let read: IResult<&[u8], (u32, u32)> = (be_u32, be_u32).parse(bytes);
            let (_, (spi, sequence)) = read.ok()?;
            Some(Encapsulated::Esp { spi, sequence })
        }
    }
}

/// A message of IKE behind the marker anywhere; ESP and keepalives only on the port they belong to.
pub fn probe_encapsulated(probe: &Probe<'_>) -> Verdict {
    /// Bytes of the shortest ESP: header, an empty payload with its trailer, and a short check value.
    const LEAST_ESP: usize = 20;
    if probe.carrier != Carrier::Udp {
        return Verdict::No;
    }
    let usual = [probe.flow.client.port, probe.flow.server.port].contains(&4500);
    match encapsulated(probe.bytes) {
        Some(Encapsulated::Message(message)) if is_message(message) => Verdict::Certain,
        Some(Encapsulated::Message(message)) if usual && header(message).is_ok() => Verdict::Likely,
        Some(Encapsulated::Keepalive) if usual => Verdict::Likely,
        Some(Encapsulated::Esp { spi: 256.., sequence })
            if usual && probe.bytes.len() >= LEAST_ESP && sequence != 0 =>
        {
            Verdict::Likely
        }
        _ => Verdict::No,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// IKE_SA_INIT of version 2 with one proposal and a notification.
    fn first() -> Vec<u8> {
        let transforms: [&[u8]; 3] =
            [&[3, 0, 0, 12, 1, 0, 0, 12, 0x80, 14, 1, 0], &[3, 0, 0, 8, 2, 0, 0, 5], &[0, 0, 0, 8, 4, 0, 0, 14]];
        let transforms = transforms.concat();
        let proposal = [&[0, 0, 0, 8 + transforms.len() as u8, 1, 1, 0, 3][..], &transforms].concat();
        let association = [&[41, 0, 0, 4 + proposal.len() as u8][..], &proposal].concat();
        let notify = [0, 0, 0, 8, 0, 0, 0, 14];
        let length = (HEADER_BYTES + association.len() + notify.len()) as u8;
        let header = [&[1, 2, 3, 4, 5, 6, 7, 8][..], &[0; 8], &[33, 0x20, 34, 8, 0, 0, 0, 0, 0, 0, 0, length]].concat();
        [header, association, notify.to_vec()].concat()
    }

    #[test]
    fn the_first_message_of_version_2() {
        let bytes = first();
        assert!(is_message(&bytes) && !is_message(&bytes[..bytes.len() - 1]));
        let (body, header) = header(&bytes).unwrap();
        let payloads: Vec<_> = Payloads::new(&header, body).collect();
        let [(payload::SA, association), (payload::NOTIFY, notify)] = payloads[..] else { panic!("{payloads:?}") };
        let transforms = ["ENCR_AES_CBC_256", "PRF_HMAC_SHA2_256", "MODP_2048"].map(str::to_owned).to_vec();
        assert_eq!(proposals2(association), [Proposal { number: 1, protocol: 1, transforms }]);
        assert_eq!(notification(2, notify), Some(14));
    }

    #[test]
    fn phase_1_of_version_1() {
        let transform =
            [
                &[
                    0, 0, 0, 32, 1, 1, 0, 0, 0x80, 1, 0, 7, 0x80, 14, 0, 128, 0x80, 2, 0, 2, 0x80, 4, 0, 2, 0x80, 3, 0,
                    1,
                ][..],
                &[0x80, 11, 0, 1],
            ]
            .concat();
        let proposal = [&[0, 0, 0, 8 + transform.len() as u8, 1, 1, 0, 1][..], &transform].concat();
        let read = proposals1(&[&[0, 0, 0, 1, 0, 0, 0, 1][..], &proposal].concat());
        let transforms = vec!["AES-CBC_128 SHA1 MODP_1024 pre-shared key".to_owned()];
        assert_eq!(read, [Proposal { number: 1, protocol: 1, transforms }]);
    }

    #[test]
    fn three_things_share_port_4500() {
        assert_eq!(encapsulated(&[0xff]), Some(Encapsulated::Keepalive));
        assert_eq!(encapsulated(&[0, 0, 0, 0, 7]), Some(Encapsulated::Message(&[7])));
        let esp = Encapsulated::Esp { spi: 0x0001_0203, sequence: 5 };
        assert_eq!(encapsulated(&[0, 1, 2, 3, 0, 0, 0, 5, 9]), Some(esp));
        assert_eq!(encapsulated(&[0xff, 0]), None);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..120), at in 0_usize..70, byte in any::<u8>()) {
            let mut altered = first();
            let at = at % altered.len();
            altered[at] = byte;
            for bytes in [bytes, altered] {
                let Ok((body, header)) = header(&bytes) else { continue };
                for (_, body) in Payloads::new(&header, body) {
                    let _ = (proposals1(body), proposals2(body), notification(1, body), notification(2, body));
                }
                let _ = encapsulated(&bytes);
            }
        }
    }
}
