//! TFTP's packets (RFC 1350 5, RFC 2347 3): pure parsing, and how a flow of them is recognised.
use nom::{
    IResult, Parser,
    bytes::complete::{tag, take_till},
    combinator::{all_consuming, rest},
    multi::many0,
    number::complete::be_u16,
    sequence::terminated,
};

use crate::app::{Carrier, Probe, Verdict};

/// A packet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// RRQ or WRQ.
    Request { is_write: bool, file: &'a [u8], mode: &'a [u8], options: Options<'a> },
    /// A block and the length of what is in it.
    Data { block: u16, length: usize },
    /// An acknowledgment.
    Acknowledgment { block: u16 },
    /// An error.
    Error { code: u16, message: &'a [u8] },
    /// The options that the server accepts.
    Options(Options<'a>),
}

/// Names and values.
pub type Options<'a> = Vec<(&'a [u8], &'a [u8])>;

/// Text up to a zero byte.
fn string(input: &[u8]) -> IResult<&[u8], &[u8]> {
    terminated(take_till(|byte| byte == 0), tag(&[0][..])).parse(input)
}

fn options(input: &[u8]) -> IResult<&[u8], Options<'_>> {
    many0((string, string)).parse(input)
}

/// A packet, all of the datagram.
pub fn packet(input: &[u8]) -> IResult<&[u8], Packet<'_>> {
    let (input, opcode) = be_u16(input)?;
    match opcode {
        1 | 2 => {
            let (input, (file, mode)) = (string, string).parse(input)?;
            // Some clients pad their requests with zeros.
            let (input, mut options) = options(input)?;
            options.retain(|(name, _)| !name.is_empty());
            Ok((input, Packet::Request { is_write: opcode == 2, file, mode, options }))
        }
        3 => {
            let (input, (block, data)) = (be_u16, rest).parse(input)?;
            Ok((input, Packet::Data { block, length: data.len() }))
        }
        // Some pad acknowledgments, too: RFC 1350 does not forbid it.
        4 => be_u16(input).map(|(input, block)| (input, Packet::Acknowledgment { block })),
        5 => {
            let (input, (code, message)) = (be_u16, rest).parse(input)?;
            Ok((input, Packet::Error { code, message: message.strip_suffix(&[0]).unwrap_or(message) }))
        }
        6 => all_consuming(options).parse(input).map(|(input, options)| (input, Packet::Options(options))),
        _ => Err(nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::Switch))),
    }
}

/// Whether text could be a name or a message.
fn is_text(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| *byte >= 0x20 && *byte != 0x7f)
}

/// Options that are registered (RFC 2348, 2349, 7440) and those that are in use without.
fn is_known(name: &[u8]) -> bool {
    let known: [&[u8]; 7] = [b"blksize", b"tsize", b"timeout", b"windowsize", b"multicast", b"rollover", b"blksize2"];
    known.iter().any(|known| name.eq_ignore_ascii_case(known))
}

/// Requests anywhere; of a transfer its first packet, between ports that are no service's.
pub fn probe(probe: &Probe<'_>) -> Verdict {
    if probe.carrier != Carrier::Udp {
        return Verdict::No;
    }
    let Ok((rest, packet)) = packet(probe.bytes) else { return Verdict::No };
    let ports = [probe.flow.client.port, probe.flow.server.port];
    let usual = ports.contains(&69);
    let ephemeral = ports.iter().all(|port| *port > 1023);
    match packet {
        Packet::Request { file, mode, options, .. } => {
            let modes: [&[u8]; 3] = [b"netascii", b"octet", b"mail"];
            let known = modes.iter().any(|known| mode.eq_ignore_ascii_case(known));
            let sane = is_text(file) && options.iter().all(|(name, _)| is_text(name));
            match (known && sane, usual) {
                (true, _) if rest.is_empty() || usual => Verdict::Certain,
                (false, true) if sane => Verdict::Likely,
                _ => Verdict::No,
            }
        }
        Packet::Options(options) if !options.is_empty() => {
            if options.iter().all(|(name, value)| is_known(name) && value.iter().all(u8::is_ascii_digit)) {
                Verdict::Certain
            } else {
                Verdict::No
            }
        }
        // A transfer of one packet, or the usual sizes of the first of several.
        Packet::Data { block: 1, length }
            if usual
                || (ephemeral
                    && (length <= 512 || matches!(length, 1024 | 1408 | 1428 | 1432 | 1448 | 1456 | 1464 | 1468))) =>
        {
            Verdict::Likely
        }
        Packet::Acknowledgment { block: 0 } if rest.is_empty() && (usual || ephemeral) => Verdict::Likely,
        Packet::Error { code: 0..=8, message }
            if probe.bytes.ends_with(&[0]) && is_text(message) && message.is_ascii() && (usual || ephemeral) =>
        {
            Verdict::Likely
        }
        _ => Verdict::No,
    }
}

/// Name of an error (RFC 1350 appendix, RFC 2347 3).
#[must_use]
pub fn error_name(code: u16) -> &'static str {
    match code {
        0 => "not defined",
        1 => "file not found",
        2 => "access violation",
        3 => "disk full",
        4 => "illegal operation",
        5 => "unknown transfer id",
        6 => "file already exists",
        7 => "no such user",
        8 => "options refused",
        _ => "unknown error",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::record::{Certainty, Direction, Endpoint, FlowFacts, FlowId, Transport};

    fn verdict(bytes: &[u8], ports: [u16; 2]) -> Verdict {
        let end = |port| Endpoint { address: [10, 0, 0, 1].into(), port };
        let [client, server] = ports.map(end);
        let (id, client_certainty) = (FlowId::default(), Certainty::Assumed);
        let flow = FlowFacts { id, transport: Transport::Udp, client, server, client_certainty };
        let direction = Direction::ClientToServer;
        probe(&Probe { carrier: Carrier::Udp, direction, bytes, from_start: true, flow: &flow })
    }

    #[test]
    fn requests_and_options() {
        let bytes = b"\0\x01pxelinux.0\0octet\0blksize\x001432\0tsize\x000\0";
        let (_, read) = packet(bytes).unwrap();
        let options: Options<'_> = vec![(b"blksize", b"1432"), (b"tsize", b"0")];
        assert_eq!(read, Packet::Request { is_write: false, file: b"pxelinux.0", mode: b"octet", options });
        assert_eq!(verdict(bytes, [40000, 69]), Verdict::Certain);
        assert_eq!(verdict(bytes, [40000, 6969]), Verdict::Certain);
        assert_eq!(verdict(b"\0\x01name\0mode\0", [40000, 6969]), Verdict::No);
        assert_eq!(verdict(b"\0\x01name\0octet\0\0\0\0\0", [40000, 6969]), Verdict::Certain, "padded");
    }

    #[test]
    fn a_transfer_is_recognised_by_its_first_packet_only() {
        let ports = [40000, 33000];
        assert_eq!(verdict(&[&[0, 3, 0, 1][..], &[7; 512]].concat(), ports), Verdict::Likely);
        assert_eq!(verdict(&[&[0, 3, 0, 1][..], &[7; 700]].concat(), ports), Verdict::No);
        assert_eq!(verdict(&[0, 3, 0, 2, 1], ports), Verdict::No);
        assert_eq!(verdict(&[0, 3, 0, 1, 1], [40000, 500]), Verdict::No);
        assert_eq!(verdict(&[0, 4, 0, 0], ports), Verdict::Likely);
        assert_eq!(verdict(&[0, 4, 0, 0, 0], ports), Verdict::No);
        assert_eq!(verdict(b"\0\x06tsize\x0046545\0", ports), Verdict::Certain);
        assert_eq!(verdict(b"\0\x06other\x0046545\0", ports), Verdict::No);
        assert_eq!(verdict(b"\0\x05\0\x01File not found\0", ports), Verdict::Likely);
        assert_eq!(verdict(b"\0\x05\0\x01File not found", ports), Verdict::No);
    }

    proptest! {
        #[test]
        fn any_bytes(opcode in 0_u8..8, bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = packet(&bytes);
            let _ = verdict(&[&[0, opcode][..], &bytes].concat(), [40000, 69]);
        }
    }
}
