//! WireGuard's messages, and one flow of them.
use nom::{
    IResult, Parser,
    bytes::complete::{tag, take},
    combinator::rest,
    number::complete::{le_u8, le_u32, le_u64},
};

use crate::{
    app::{
        Carrier, Probe, Session, Sink, Verdict,
        codec::messages::{Facts, Spread, hex, note, number, words},
    },
    record::{Context, Direction, Input, PacketRef, Progress},
};

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Message<'a> {
    /// Type 1, 148 bytes.
    Initiation { sender: u32, ephemeral: &'a [u8], has_cookie: bool },
    /// Type 2, 92 bytes.
    Response { sender: u32, receiver: u32, ephemeral: &'a [u8], has_cookie: bool },
    /// Type 3, 64 bytes.
    Cookie { receiver: u32 },
    /// Type 4: `length` bytes of ciphertext with their tag of 16.
    Transport { receiver: u32, counter: u64, length: usize },
}

/// Bytes of the authentication tag of a transport message.
const TAG: usize = 16;

fn message(input: &[u8]) -> IResult<&[u8], Message<'_>> {
    let total = input.len();
    let wrong = || nom::Err::Error(nom::error::Error::new(input, nom::error::ErrorKind::LengthValue));
    let (body, (kind, _)) = (le_u8, tag(&[0, 0, 0][..])).parse(input)?;
    let is_set = |mac: &[u8]| mac.iter().any(|byte| *byte != 0);
    match (kind, total) {
        (1, 148) => {
            let (body, (sender, ephemeral, _)) = (le_u32, take(32_usize), take(92_usize)).parse(body)?;
            Ok((&[], Message::Initiation { sender, ephemeral, has_cookie: is_set(body) }))
        }
        (2, 92) => {
            let (body, (sender, receiver, ephemeral, _)) =
                (le_u32, le_u32, take(32_usize), take(32_usize)).parse(body)?;
            Ok((&[], Message::Response { sender, receiver, ephemeral, has_cookie: is_set(body) }))
        }
        (3, 64) => {
            let (_, receiver) = le_u32(body)?;
            Ok((&[], Message::Cookie { receiver }))
        }
        (4, _) => {
            let (body, (receiver, counter, sealed)) = (le_u32, le_u64, rest).parse(body)?;
            let Some(length) = sealed.len().checked_sub(TAG) else { return Err(wrong()) };
            Ok((body, Message::Transport { receiver, counter, length }))
        }
        _ => Err(wrong()),
    }
}

/// Handshake messages have lengths of their own; of transport messages the padding and a counter that is still low.
pub(super) fn probe(probe: &Probe<'_>) -> Verdict {
    if probe.carrier != Carrier::Udp {
        return Verdict::No;
    }
    match message(probe.bytes) {
        Ok((_, Message::Initiation { sender, ephemeral, .. })) if sender != 0 && varied(ephemeral) => Verdict::Certain,
        Ok((_, Message::Response { sender, receiver, ephemeral, .. }))
            if sender != 0 && receiver != 0 && varied(ephemeral) =>
        {
            Verdict::Likely
        }
        // A session is renewed after two minutes: nobody sends 2^40 messages before.
        Ok((_, Message::Transport { receiver, counter, length }))
            if receiver > 0xffff && counter < 1 << 40 && length % 16 == 0 =>
        {
            Verdict::Likely
        }
        _ => Verdict::No,
    }
}

/// Whether bytes look like a key: not all the same, and not mostly zero.
fn varied(key: &[u8]) -> bool {
    key.iter().filter(|byte| **byte == 0).count() < 8 && key.windows(2).any(|pair| pair.first() != pair.last())
}

/// What one side sent.
#[derive(Clone, Copy, Debug, Default)]
struct Sent {
    transport: u64,
    keepalives: u64,
    bytes: u64,
    last: PacketRef,
}

/// The session.
#[derive(Debug, Default)]
pub(super) struct WireGuard {
    facts: Facts,
    sent: [Sent; 2],
    /// The initiation that waits for its answer: its index, who sent it and the packet.
    initiation: Option<(u32, Direction, PacketRef)>,
    initiations: u64,
    responses: u64,
    cookies: u64,
    latency: Spread,
}

impl WireGuard {
    fn datagram(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let Ok((_, message)) = message(bytes) else { return };
        let packet = context.packet;
        self.facts.see(packet);
        let first = ("wg.type", number(bytes.first().copied().unwrap_or_default()));
        match message {
            Message::Initiation { sender, ephemeral, has_cookie } => {
                self.initiations = self.initiations.saturating_add(1);
                self.initiation = Some((sender, direction, packet));
                self.facts.add("initiation", format!("sender 0x{sender:08x}"), direction, packet);
                if has_cookie {
                    self.facts.first("cookie_used", "yes", direction, packet);
                }
                let fields = vec![first, ("wg.sender", number(sender)), ("wg.ephemeral", words(key(ephemeral)))];
                note("wg", format!("Handshake Initiation, sender=0x{sender:08X}"), fields, out);
            }
            Message::Response { sender, receiver, ephemeral, .. } => {
                self.responses = self.responses.saturating_add(1);
                let said = format!("sender 0x{sender:08x}, receiver 0x{receiver:08x}");
                self.facts.add("response", said, direction, packet);
                if let Some((asked, from, at)) = self.initiation
                    && asked == receiver
                    && from != direction
                {
                    self.initiation = None;
                    let waited = packet.timestamp.since(at.timestamp);
                    self.latency.add(waited);
                    self.facts.first("handshake_answered_after_ns", waited.to_string(), direction, packet);
                }
                let fields = vec![
                    first,
                    ("wg.sender", number(sender)),
                    ("wg.receiver", number(receiver)),
                    ("wg.ephemeral", words(key(ephemeral))),
                ];
                let info = format!("Handshake Response, sender=0x{sender:08X}, receiver=0x{receiver:08X}");
                note("wg", info, fields, out);
            }
            Message::Cookie { receiver } => {
                self.cookies = self.cookies.saturating_add(1);
                self.facts.add("cookie_reply", format!("receiver 0x{receiver:08x}"), direction, packet);
                let fields = vec![first, ("wg.receiver", number(receiver))];
                note("wg", format!("Cookie Reply, receiver=0x{receiver:08X}"), fields, out);
            }
            Message::Transport { receiver, counter, length } => {
                if let Some(sent) = self.sent.get_mut(direction.index()) {
                    let counted = if length == 0 { &mut sent.keepalives } else { &mut sent.transport };
                    *counted = counted.saturating_add(1);
                    sent.bytes = sent.bytes.saturating_add(u64::try_from(length).unwrap_or_default());
                    sent.last = packet;
                }
                let what = if length == 0 { "Keepalive" } else { "Transport Data" };
                let mut info = format!("{what}, receiver=0x{receiver:08X}, counter={counter}");
                if length > 0 {
                    info.push_str(&format!(", datalen={length}"));
                }
                note("wg", info, vec![first, ("wg.receiver", number(receiver)), ("wg.counter", number(counter))], out);
            }
        }
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if let Some((_, direction, packet)) = self.initiation
            && self.responses == 0
        {
            self.facts.add("handshake", "not answered", direction, packet);
        }
        if self.initiations > 1 {
            let (initiations, responses) = (self.initiations, self.responses);
            let said = format!("{initiations} initiations, {responses} responses");
            self.facts.add("handshakes", said, Direction::ClientToServer, context.packet);
        }
        for direction in Direction::BOTH {
            let Some(sent) = self.sent.get(direction.index()).copied() else { continue };
            if sent.transport > 0 {
                let said = format!("{} with {} bytes inside", sent.transport, sent.bytes);
                self.facts.add("transport_packets", said, direction, sent.last);
            }
            if sent.keepalives > 0 {
                self.facts.add("keepalives", sent.keepalives.to_string(), direction, sent.last);
            }
        }
        self.facts.tell("wg", context, out);
    }
}

/// A public key as WireGuard prints it, in base 64.
fn key(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    if bytes.len() != 32 {
        return hex(bytes);
    }
    let mut text = String::with_capacity(44);
    for chunk in bytes.chunks(3) {
        let byte = |place: usize| chunk.get(place).copied().unwrap_or_default();
        let octets = u32::from_be_bytes([0, byte(0), byte(1), byte(2)]);
        let sextets = [octets >> 18, octets >> 12, octets >> 6, octets].map(|sextet| sextet & 63);
        for (place, sextet) in sextets.into_iter().enumerate() {
            let digit = usize::try_from(sextet).ok().and_then(|sextet| DIGITS.get(sextet)).copied();
            let is_there = place <= chunk.len();
            text.push(digit.filter(|_| is_there).map_or('=', char::from));
        }
    }
    text
}

impl Session for WireGuard {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => self.datagram(direction, bytes, context, out),
            Input::Close => self.tell(context, out),
            _ => {}
        }
        Progress::Consumed(0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn initiation() -> Vec<u8> {
        let mut bytes = vec![1, 0, 0, 0, 0x53, 0xca, 0xb8, 0x3c];
        bytes.extend(1..=124_u8);
        bytes.extend([0; 16]);
        bytes
    }

    #[test]
    fn messages_have_exact_lengths() {
        let bytes = initiation();
        let read = Message::Initiation { sender: 0x3cb8_ca53, ephemeral: &bytes[8..40], has_cookie: false };
        assert_eq!(message(&bytes).unwrap().1, read);
        assert!(message(&bytes[..147]).is_err());
        let keepalive = [&[4, 0, 0, 0, 2, 0xca, 0x1a, 0, 7, 0, 0, 0, 0, 0, 0, 0][..], &[9; 16]].concat();
        let read = Message::Transport { receiver: 0x001a_ca02, counter: 7, length: 0 };
        assert_eq!(message(&keepalive).unwrap().1, read);
        assert!(message(&keepalive[..31]).is_err());
    }

    #[test]
    fn keys_are_printed_as_wireguard_does() {
        let bytes: Vec<u8> = (0..32).collect();
        assert_eq!(key(&bytes), "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    }

    proptest! {
        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = message(&bytes);
            let _ = key(&bytes);
        }
    }
}
