//! SOCKS 4, 4a and 5 (RFC 1928, RFC 1929): where a client asks a proxy to connect, and what the proxy answered.
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::note;
use crate::{
    app::{Carrier, Probe, Session, Sink, Verdict},
    limits::MAX_SOCKS_BYTES,
    record::{Context, Direction, Finding, Input, PacketRef, Progress, Severity, Subject},
};

/// The usual port.
const PORT: u16 = 1080;

/// Whether a client's first message is one of SOCKS: it must be exactly that long.
pub fn probe(probe: &Probe<'_>) -> Verdict {
    if probe.carrier != Carrier::Tcp || !probe.from_start || probe.direction != Direction::ClientToServer {
        return Verdict::No;
    }
    let likely = if probe.flow.server.port == PORT { Verdict::Certain } else { Verdict::Likely };
    match probe.bytes {
        [5] => Verdict::Maybe,
        [5, count, methods @ ..] if *count > 0 && methods.len() == usize::from(*count) => {
            // Registered methods, and private ones.
            let usual = |method: &u8| matches!(method, 0..=9 | 0x80..=0xfe);
            if methods.iter().all(usual) { likely } else { Verdict::No }
        }
        [4, 1 | 2, rest @ ..] => match request4(rest) {
            Some((_, _, length)) if length == rest.len() => likely,
            None if rest.len() < 300 => Verdict::Maybe,
            _ => Verdict::No,
        },
        _ => Verdict::No,
    }
}

/// Where to, and its length, of a SOCKS 4 request behind version and command.
fn request4(rest: &[u8]) -> Option<(String, u16, usize)> {
    let [high, low, a, b, c, d, text @ ..] = rest else { return None };
    let port = u16::from_be_bytes([*high, *low]);
    let user = memchr::memchr(0, text)?;
    let address = Ipv4Addr::new(*a, *b, *c, *d);
    // 4a: an address that cannot be says that a name follows.
    if [*a, *b, *c] == [0, 0, 0] && *d != 0 {
        let name = text.get(user.saturating_add(1)..)?;
        let end = memchr::memchr(0, name)?;
        let host = String::from_utf8_lossy(name.get(..end)?).into_owned();
        return Some((host, port, user.saturating_add(end).saturating_add(8)));
    }
    Some((address.to_string(), port, user.saturating_add(7)))
}

/// An address with its port as SOCKS 5 has it, and its length.
fn address5(bytes: &[u8]) -> Option<(String, u16, usize)> {
    let (kind, rest) = bytes.split_first()?;
    let (host, length) = match kind {
        1 => (IpAddr::from(*rest.first_chunk::<4>()?).to_string(), 4_usize),
        4 => (Ipv6Addr::from(*rest.first_chunk::<16>()?).to_string(), 16),
        3 => {
            let length = usize::from(*rest.first()?);
            let name = rest.get(1..length.saturating_add(1))?;
            (String::from_utf8_lossy(name).into_owned(), length.saturating_add(1))
        }
        _ => return None,
    };
    let port = rest.get(length..)?.first_chunk::<2>()?;
    Some((host, u16::from_be_bytes(*port), length.saturating_add(3)))
}

/// What comes next in each direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// The client's greeting, or its request in version 4.
    #[default]
    Greeting,
    /// The server's choice of a method.
    Choice,
    /// User name and password (RFC 1929).
    Password,
    /// Whether they are right.
    Verdict,
    /// Where to.
    Request,
    /// What came of it, in version 5 and 4.
    Reply5,
    Reply4,
}

/// Reads one negotiation.
#[derive(Default)]
pub struct Socks {
    next: Next,
    to: String,
    command: u8,
}

impl Session for Socks {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } => self.stream(direction, bytes, context, out),
            // What was lost may have been the end of it.
            Input::Gap { .. } => Progress::HandOver(0),
            Input::Close | Input::Datagram { .. } => Progress::Done,
            Input::Skipped { .. } | Input::End { .. } => Progress::Consumed(0),
        }
    }
}

impl Socks {
    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let by_client = matches!(self.next, Next::Greeting | Next::Password | Next::Request);
        if by_client != (direction == Direction::ClientToServer) {
            return Progress::Consumed(0);
        }
        if bytes.len() > MAX_SOCKS_BYTES {
            return Progress::Done;
        }
        let wait = Progress::Need { consumed: 0, at_least: bytes.len().saturating_add(1) };
        match (self.next, bytes) {
            (Next::Greeting, [5, count, ..]) => {
                let length = usize::from(*count).saturating_add(2);
                if bytes.len() < length {
                    return wait;
                }
                self.next = Next::Choice;
                Progress::Consumed(length)
            }
            (Next::Greeting, [4, command, rest @ ..]) => {
                let Some((host, port, length)) = request4(rest) else { return wait };
                (self.to, self.command, self.next) = (format!("{host}:{port}"), *command, Next::Reply4);
                let length = length.saturating_add(2);
                self.note(4, out);
                Progress::Consumed(length)
            }
            (Next::Choice, [5, method, ..]) => {
                self.next = match method {
                    0 => Next::Request,
                    2 => Next::Password,
                    // What GSSAPI wraps cannot be read; 0xff is no.
                    _ => return Progress::Done,
                };
                Progress::Consumed(2)
            }
            (Next::Password, [1, rest @ ..]) => {
                let user = rest.first().map(|length| usize::from(*length));
                let password =
                    user.and_then(|user| rest.get(user.saturating_add(1))).map(|length| usize::from(*length));
                let (Some(user), Some(password)) = (user, password) else { return wait };
                let length = user.saturating_add(password).saturating_add(3);
                if bytes.len() < length {
                    return wait;
                }
                self.next = Next::Verdict;
                let title = "A SOCKS proxy is given a password without encryption".to_owned();
                let told = "Everybody on the path can read it. Use a method that protects it, or a tunnel.";
                let packet = context.packet_completing(length);
                tell(Severity::Note, "socks.plaintext-credentials", (title, told, "RFC 1929"), packet, context, out);
                Progress::Consumed(length)
            }
            (Next::Verdict, [_, 0, ..]) => {
                self.next = Next::Request;
                Progress::Consumed(2)
            }
            (Next::Request, [5, command, _, address @ ..]) => {
                let Some((host, port, length)) = address5(address) else { return wait };
                (self.to, self.command, self.next) = (format!("{host}:{port}"), *command, Next::Reply5);
                let length = length.saturating_add(3);
                self.note(5, out);
                Progress::Consumed(length)
            }
            (Next::Reply5, [5, code, _, address @ ..]) => {
                let Some((_, _, length)) = address5(address) else { return wait };
                let length = length.saturating_add(3);
                match code {
                    0 => self.through(length),
                    code => self.refused(*code, reason5(*code), context.packet_completing(length), context, out),
                }
            }
            (Next::Reply4, [0, code, rest @ ..]) if rest.len() >= 6 => match code {
                90 => self.through(8),
                code => self.refused(*code, "request rejected or failed", context.packet_completing(8), context, out),
            },
            (_, [_, _, ..]) if !self.may_go_on(bytes) => Progress::Done,
            _ => wait,
        }
    }

    /// Whether the first byte is the version that is due.
    fn may_go_on(&self, bytes: &[u8]) -> bool {
        let due: &[u8] = match self.next {
            Next::Greeting => &[4, 5],
            Next::Choice | Next::Request | Next::Reply5 => &[5],
            Next::Password => &[1],
            Next::Verdict => &[],
            Next::Reply4 => &[0],
        };
        bytes.first().is_some_and(|first| due.contains(first))
    }

    /// The tunnel is there: what follows is the user's own. A port that was bound has another answer to come.
    fn through(&self, length: usize) -> Progress {
        if self.command == 1 { Progress::HandOver(length) } else { Progress::Done }
    }

    fn refused(
        &self,
        code: u8,
        reason: &str,
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Progress {
        let title = format!("The SOCKS proxy could not connect to {}: {reason} ({code})", self.to);
        let told = "The proxy was reached and understood; what lies behind it was not, or its rules forbid it.";
        tell(Severity::Warning, "socks.refused", (title, told, "RFC 1928 6"), packet, context, out);
        Progress::Done
    }

    fn note(&self, version: u8, out: &mut Sink<'_>) {
        if out.wants_notes() {
            out.note(note::request(version, self.command, &self.to));
        }
    }
}

fn reason5(code: u8) -> &'static str {
    match code {
        1 => "general failure",
        2 => "not allowed by its rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "TTL expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "unassigned reason",
    }
}

fn tell(
    severity: Severity,
    code: &'static str,
    (title, explanation, reference): (String, &str, &'static str),
    packet: PacketRef,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    out.finding(Finding {
        subject: Subject::new(context.flow.id, [packet.number].into_iter().collect()),
        client: Some(context.flow.client),
        server: Some(context.flow.server),
        severity,
        code,
        title,
        explanation: explanation.to_owned(),
        reference: Some(reference),
    });
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn addresses() {
        assert_eq!(address5(&[1, 192, 0, 2, 1, 0, 80, 9]), Some(("192.0.2.1".to_owned(), 80, 7)));
        assert_eq!(address5(b"\x03\x09a.example\x01\xbb"), Some(("a.example".to_owned(), 443, 13)));
        assert_eq!(address5(b"\x03\x09a.exampl"), None);
        assert_eq!(request4(&[0, 80, 192, 0, 2, 1, b'u', 0]), Some(("192.0.2.1".to_owned(), 80, 8)));
        assert_eq!(request4(b"\x00\x50\x00\x00\x00\x01u\x00a.example\x00"), Some(("a.example".to_owned(), 80, 18)));
        assert_eq!(request4(b"\x00\x50\x00\x00\x00\x01u\x00a.exa"), None);
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..60)) {
            for found in [address5(&bytes), request4(&bytes)].into_iter().flatten() {
                prop_assert!(found.2 <= bytes.len());
            }
        }
    }
}
