//! The PROXY protocol's header (HAProxy's proxy-protocol.txt): a line in version 1, a binary block in version 2.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nom::{
    IResult, Parser,
    bytes::complete::{tag, take},
    number::complete::{be_u8, be_u16, be_u32, be_u128},
};

use super::note;
use crate::{
    app::{Carrier, Probe, Session, Sink, Verdict},
    record::{Context, Direction, Endpoint, Finding, Input, PacketRef, Progress, Severity, Subject},
};

/// Longest header of version 1, its line end included, in bytes.
const MAX_LINE_BYTES: usize = 107;

/// What begins a header of version 2.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Told {
    version: u8,
    /// Source and destination of the connection that is passed on; none for a balancer's own connection, such as a health
    /// check.
    ends: Option<(Endpoint, Endpoint)>,
    /// Bytes of the header.
    length: usize,
}

/// What bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Header(Told),
    NotYet(usize),
    No,
}

/// Whether a client's first bytes are a header.
pub fn probe(probe: &Probe<'_>) -> Verdict {
    if !matches!(probe.carrier, Carrier::Tcp | Carrier::Tls) || !probe.from_start {
        return Verdict::No;
    }
    match header(probe.bytes) {
        Found::Header(_) => Verdict::Certain,
        // A letter, or a line end, begins much else: others may be certain before it is whole.
        Found::NotYet(_) => Verdict::Maybe,
        Found::No => Verdict::No,
    }
}

fn header(bytes: &[u8]) -> Found {
    let shortest = bytes.get(..SIGNATURE.len()).unwrap_or(bytes);
    if SIGNATURE.starts_with(shortest) {
        return match bytes {
            [_, _, _, _, _, _, _, _, _, _, _, _, command, _, high, low, ..] if command >> 4 == 2 => {
                let length = 16_usize.saturating_add(usize::from(u16::from_be_bytes([*high, *low])));
                match bytes.get(..length).map(binary) {
                    Some(Ok((_, ends))) => Found::Header(Told { version: 2, ends, length }),
                    Some(Err(_)) => Found::No,
                    None => Found::NotYet(length),
                }
            }
            longer if longer.len() >= 16 => Found::No,
            _ => Found::NotYet(16),
        };
    }
    let name = b"PROXY ";
    if !name.starts_with(bytes.get(..name.len()).unwrap_or(bytes)) {
        return Found::No;
    }
    let within = bytes.get(..MAX_LINE_BYTES).unwrap_or(bytes);
    match memchr::memchr(b'\n', within) {
        Some(end) => {
            let line = within.get(..end).unwrap_or_default().trim_ascii_end();
            match std::str::from_utf8(line).ok().and_then(text) {
                Some(ends) => Found::Header(Told { version: 1, ends, length: end.saturating_add(1) }),
                None => Found::No,
            }
        }
        None if within.len() < MAX_LINE_BYTES => Found::NotYet(bytes.len().saturating_add(1)),
        None => Found::No,
    }
}

/// `PROXY TCP4 192.0.2.1 192.0.2.2 51000 80`, or `PROXY UNKNOWN` with anything behind it.
fn text(line: &str) -> Option<Option<(Endpoint, Endpoint)>> {
    let mut words = line.split(' ').skip(1);
    match words.next()? {
        "UNKNOWN" => return Some(None),
        "TCP4" | "TCP6" => {}
        _ => return None,
    }
    let (source, target) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let (from, to) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
    let none_left = words.next().is_none();
    let ends = (Endpoint { address: source, port: from }, Endpoint { address: target, port: to });
    none_left.then_some(Some(ends))
}

fn binary(bytes: &[u8]) -> IResult<&[u8], Option<(Endpoint, Endpoint)>> {
    let (rest, (_, command, family, length)) = (tag(&SIGNATURE[..]), be_u8, be_u8, be_u16).parse(bytes)?;
    let (rest, body) = take(length).parse(rest)?;
    // LOCAL: whatever addresses follow mean nothing.
    if command & 15 == 0 {
        return Ok((rest, None));
    }
    let ends = |source: IpAddr, target: IpAddr, from, to| {
        Some((Endpoint { address: source, port: from }, Endpoint { address: target, port: to }))
    };
    match family >> 4 {
        1 => {
            let (_, (source, target, from, to)) = (be_u32, be_u32, be_u16, be_u16).parse(body)?;
            Ok((rest, ends(Ipv4Addr::from(source).into(), Ipv4Addr::from(target).into(), from, to)))
        }
        2 => {
            let (_, (source, target, from, to)) = (be_u128, be_u128, be_u16, be_u16).parse(body)?;
            Ok((rest, ends(Ipv6Addr::from(source).into(), Ipv6Addr::from(target).into(), from, to)))
        }
        _ => Ok((rest, None)),
    }
}

/// Reads one header.
pub struct Header;

impl Session for Header {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction: _, bytes } => match header(bytes) {
                Found::Header(told) => {
                    out.lies(0..told.length);
                    tell(told, context.packet_completing(told.length), context, out);
                    Progress::HandOver(told.length)
                }
                Found::NotYet(at_least) => Progress::Need { consumed: 0, at_least },
                // The other direction: it is the inner protocol's, once the header is through.
                Found::No => Progress::Consumed(0),
            },
            Input::Gap { .. } => Progress::HandOver(0),
            Input::Close | Input::Datagram { .. } => Progress::Done,
            Input::Skipped { .. } | Input::End { .. } => Progress::Consumed(0),
        }
    }
}

fn tell(told: Told, packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
    let said = told.ends.map_or("a connection of the proxy's own".to_owned(), |(from, to)| format!("{from} to {to}"));
    if out.wants_notes() {
        out.note(note::header(told.version, told.ends, &said));
    }
    let Some((from, _)) = told.ends else { return };
    out.finding(Finding {
        subject: Subject::new(context.flow.id, [packet.number].into_iter().collect()),
        client: Some(context.flow.client),
        server: Some(context.flow.server),
        severity: Severity::Note,
        code: "proxy.original-addresses",
        title: format!("A proxy passes on the connection of {said} (PROXY protocol {})", told.version),
        explanation: format!(
            "{} is the proxy or balancer; the user is at {from}. The server must be set to expect this header, and to \
             believe it from this proxy only.",
            context.flow.endpoint(Direction::ClientToServer.sender())
        ),
        reference: Some("PROXY protocol, versions 1 and 2"),
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ends(found: Found) -> String {
        match found {
            Found::Header(Told { ends: Some((from, to)), length, .. }) => format!("{from} {to} {length}"),
            Found::Header(Told { ends: None, length, .. }) => format!("none {length}"),
            other => format!("{other:?}"),
        }
    }

    /// The examples of the specification.
    #[test]
    fn headers() {
        let line = b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\nGET /";
        assert_eq!(ends(header(line)), "255.255.255.255:65535 255.255.255.255:65535 56");
        assert_eq!(ends(header(b"PROXY UNKNOWN ffff::1 x\r\n")), "none 25");
        assert_eq!(ends(header(b"PROXY TCP6 ::1 ::2 1 2\r\n")), "[::1]:1 [::2]:2 24");
        for wrong in
            ["PROXY TCP4 1.2.3 1.2.3.4 1 2\r\n", "PROXY / HTTP/1.1\r\n", "PROXY TCP4 1.2.3.4 1.2.3.4 1 70000\r\n"]
        {
            assert_eq!(header(wrong.as_bytes()), Found::No, "{wrong}");
        }
        let mut block =
            [&SIGNATURE[..], &[0x21, 0x11, 0, 15], &[192, 0, 2, 1, 192, 0, 2, 2, 0xc7, 0x38, 0, 80], &[4, 0, 0]]
                .concat();
        assert_eq!(ends(header(&block)), "192.0.2.1:51000 192.0.2.2:80 31");
        block[12] = 0x20;
        assert_eq!(ends(header(&block)), "none 31");
        block[12] = 0x11;
        assert_eq!(header(&block), Found::No);
        assert_eq!(header(&block[..14]), Found::NotYet(16));
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..120)) {
            let _ = header(&bytes);
            let _ = header(&[&SIGNATURE[..], &bytes].concat());
            let _ = header(&[b"PROXY TCP4 ", &bytes[..]].concat());
        }
    }
}
