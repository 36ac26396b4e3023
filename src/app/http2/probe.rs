//! Whether a stream is HTTP/2, and where its frames begin when that is not known.
use super::frame::{self, DEFAULT_FRAME_BYTES, HEAD_BYTES, Head, Kind, PREFACE};
use crate::app::{Carrier, Probe, Verdict, codec::hpack};
use crate::limits;

/// Certain with the client's preface or the server's first SETTINGS. A stream that the capture joined late is taken for
/// HTTP/2 where frames follow each other.
pub fn probe(probe: &Probe<'_>) -> Verdict {
    if matches!(probe.carrier, Carrier::Udp | Carrier::QuicCrypto) {
        return Verdict::No;
    }
    let bytes = probe.bytes;
    if bytes.starts_with(PREFACE) {
        return Verdict::Certain;
    }
    if PREFACE.starts_with(bytes) {
        // A few letters are the beginning of many things.
        return if bytes.len() >= b"PRI * HTTP/2.0".len() { Verdict::Likely } else { Verdict::Maybe };
    }
    if probe.from_start { first_settings(bytes) } else { under_way(bytes) }
}

/// A server may speak first, and begins with SETTINGS (RFC 9113 3.4).
fn first_settings(bytes: &[u8]) -> Verdict {
    let Ok((payload, head)) = frame::head(bytes) else {
        // Settings are short.
        let short = bytes.iter().take(2).all(|&octet| octet == 0);
        let settings = short && bytes.get(3).is_none_or(|&number| number == 4);
        return if settings { Verdict::Maybe } else { Verdict::No };
    };
    if head.kind() != Kind::Settings || head.is_ack() || !head.is_plausible(DEFAULT_FRAME_BYTES) {
        return Verdict::No;
    }
    match payload.get(..head.payload_bytes()) {
        None => Verdict::Maybe,
        Some(payload) => {
            // Those that are registered, and those that are reserved for greasing (RFC 9113 has no list; 0x?a?a).
            let usual = |id: u16| (1..=16).contains(&id) || id & 0x0f0f == 0x0a0a || id >= 0xf000;
            match frame::settings(payload).all(|(id, _)| usual(id)) {
                true if payload.is_empty() => Verdict::Likely,
                true => Verdict::Certain,
                false => Verdict::No,
            }
        }
    }
}

/// Frames that follow each other from a packet's first byte on.
fn under_way(bytes: &[u8]) -> Verdict {
    match chain(bytes, DEFAULT_FRAME_BYTES, Begins::WithPacket) {
        Chain::Holds => Verdict::Likely,
        // No second head will come within what is offered here.
        Chain::Short { at_least } if at_least > limits::MAX_PROBE_BYTES && begins_with_fields(bytes) => Verdict::Likely,
        Chain::Short { .. } => Verdict::Maybe,
        Chain::Breaks => Verdict::No,
    }
}

/// Whether the first frame is a HEADERS frame whose block begins with the pseudo-fields of a request or response, as
/// every message does (RFC 9113 8.3).
fn begins_with_fields(bytes: &[u8]) -> bool {
    let Ok((payload, head)) = frame::head(bytes) else { return false };
    let padded = usize::from(head.flags & 0x8 != 0);
    let priority = if head.flags & 0x20 != 0 { 5 } else { 0 };
    let Some(block) = payload.get(padded.saturating_add(priority)..).filter(|_| head.kind() == Kind::Headers) else {
        return false;
    };
    let mut decoder = hpack::Decoder::default();
    decoder.forget();
    let (mut pseudo, mut names) = (0_usize, true);
    // The block is longer than what is here: where it is cut is no error.
    let end = decoder.decode(block, &mut |field| {
        let known = field.name.unwrap_or_default();
        pseudo = pseudo.saturating_add(usize::from(known.starts_with(b":")));
        names &= known.iter().all(|octet| octet.is_ascii_graphic() && !octet.is_ascii_uppercase());
    });
    pseudo > 0 && names && matches!(end, Ok(()) | Err(hpack::HpackError::Truncated))
}

/// Whether bytes are a chain of frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chain {
    /// They are.
    Holds,
    /// More bytes will tell: so many in all.
    Short {
        /// Up to the end of the next head.
        at_least: usize,
    },
    /// They are not.
    Breaks,
}

/// Where a supposed frame begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Begins {
    /// With the first byte of a packet, as short frames mostly do.
    WithPacket,
    /// Somewhere inside.
    Inside,
}

/// Heads in a row that are no accident.
const ENOUGH: usize = 3;

/// Follows frames from the first byte on. Three plausible heads in a row are enough; fewer are when the last ends with the
/// bytes, as a sender that has no more to say leaves them: two, or one control frame that is alone in its packet.
pub fn chain(bytes: &[u8], longest: u32, begins: Begins) -> Chain {
    let (mut at, mut heads) = (0_usize, 0_usize);
    loop {
        let rest = bytes.get(at..).unwrap_or_default();
        let Ok((_, head)) = frame::head(rest) else {
            if bytes.len() < at {
                // Its end is worth a look: nothing may follow.
                return Chain::Short { at_least: at };
            }
            let alone = heads == 1 && begins == Begins::WithPacket && is_control(bytes);
            return match rest.is_empty() && (heads >= 2 || alone) {
                true => Chain::Holds,
                false => Chain::Short { at_least: at.saturating_add(HEAD_BYTES) },
            };
        };
        if !head.is_plausible(longest) {
            return Chain::Breaks;
        }
        heads = heads.saturating_add(1);
        if heads >= ENOUGH {
            return Chain::Holds;
        }
        at = at.saturating_add(head.frame_bytes());
    }
}

/// The first frame is one whose length its type gives away, or a header block.
fn is_control(bytes: &[u8]) -> bool {
    frame::head(bytes).is_ok_and(|(_, head): (_, Head)| !matches!(head.kind(), Kind::Data | Kind::PriorityUpdate))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{app::http2::session::tests::facts, record::Direction};

    fn ask(from_start: bool, bytes: &[u8]) -> Verdict {
        let flow = facts();
        probe(&Probe { carrier: Carrier::Tcp, direction: Direction::ClientToServer, bytes, from_start, flow: &flow })
    }

    const SETTINGS: [u8; 15] = [0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 100];
    const WINDOW: [u8; 13] = [0, 0, 4, 8, 0, 0, 0, 0, 0, 0, 0, 1, 0];

    #[test]
    fn beginnings() {
        assert_eq!(ask(true, PREFACE), Verdict::Certain);
        for cut in 1..PREFACE.len() {
            let expected = if cut < 14 { Verdict::Maybe } else { Verdict::Likely };
            assert_eq!(ask(true, &PREFACE[..cut]), expected, "{cut}");
        }
        assert_eq!(ask(true, b"PRIVMSG #wire :hello\r\n"), Verdict::No);
        assert_eq!(ask(true, b"PRI / HTTP/1.1\r\n"), Verdict::No);
        assert_eq!(ask(true, &SETTINGS), Verdict::Certain);
        for cut in 1..SETTINGS.len() {
            assert_eq!(ask(true, &SETTINGS[..cut]), Verdict::Maybe, "{cut}");
        }
        assert_eq!(
            ask(true, &SETTINGS[..9].iter().map(|b| if *b == 6 { 0 } else { *b }).collect::<Vec<_>>()),
            Verdict::Likely
        );
        assert_eq!(ask(true, &WINDOW), Verdict::No);
        // Zeros, Modbus, a length-prefixed protocol.
        assert_eq!(ask(true, &[0; 40]), Verdict::No);
        assert_eq!(ask(true, &[0, 0, 0, 0, 0, 6, 1, 3, 0, 0, 0, 1]), Verdict::No);
        assert_eq!(ask(true, &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 99, 0, 0, 0, 100]), Verdict::No);
    }

    #[test]
    fn under_way() {
        assert_eq!(ask(false, &WINDOW), Verdict::Likely);
        assert_eq!(ask(false, &[WINDOW, WINDOW].concat()), Verdict::Likely);
        assert_eq!(ask(false, &[WINDOW.as_slice(), &[9, 9, 9, 9, 9, 9, 9, 9, 9]].concat()), Verdict::No);
        assert_eq!(ask(false, &[WINDOW.as_slice(), &[0, 0]].concat()), Verdict::Maybe);
        // The beginning of DATA of 16384 bytes: nothing proves it.
        let data = [&[0, 0x40, 0, 0, 0, 0, 0, 0, 1], [7; 1000].as_slice()].concat();
        assert_eq!(ask(false, &data), Verdict::Maybe);
        assert_eq!(chain(&data, DEFAULT_FRAME_BYTES, Begins::WithPacket), Chain::Short { at_least: 16_393 });
        assert_eq!(ask(false, &[0, 0, 0, 0, 1, 0, 0, 0, 1]), Verdict::Maybe);
        assert_eq!(ask(false, b"HTTP/1.1 200 OK\r\n"), Verdict::No);
        assert_eq!(ask(false, &[0; 100]), Verdict::No);
    }

    /// A HEADERS frame longer than all that is offered has no second head behind it to prove it.
    #[test]
    fn a_long_header_block_under_way() {
        // :method GET, then a literal that goes on for long.
        let block = [&[0x82, 0x84, 0x86, 0x00, 0x03][..], b"x-a", &[0x7f, 0xe1, 0x7e], &[b'a'; 4096]].concat();
        let frame = |kind: u8, flags: u8, block: &[u8]| [&[0, 0x40, 0, kind, flags, 0, 0, 0, 13][..], block].concat();
        assert_eq!(ask(false, &frame(1, 0, &block)[..4096]), Verdict::Likely);
        assert_eq!(ask(false, &frame(1, 0x20, &[&[0, 0, 0, 0, 1][..], &block].concat())[..4096]), Verdict::Likely);
        assert_eq!(ask(false, &frame(0, 0, &block)[..4096]), Verdict::Maybe, "DATA has nothing of its own");
        let text = [b'a'; 4096];
        assert_eq!(ask(false, &frame(1, 0, &text)[..4096]), Verdict::Maybe, "no pseudo-field");
        let upper =
            [&[0x82, 0x00, 0x03][..], b"X-A\x01v", &[0x00, 0x03], b"x-b", &[0x7f, 0xe1, 0x7e], &[b'a'; 4096]].concat();
        assert_eq!(ask(false, &frame(1, 0, &upper)[..4096]), Verdict::Maybe, "names are in lower case");
    }

    #[test]
    fn chains() {
        let three = [WINDOW.as_slice(), &WINDOW, &WINDOW, b"anything"].concat();
        assert_eq!(chain(&three, DEFAULT_FRAME_BYTES, Begins::Inside), Chain::Holds);
        assert_eq!(chain(&WINDOW, DEFAULT_FRAME_BYTES, Begins::Inside), Chain::Short { at_least: 22 });
        assert_eq!(chain(&[WINDOW, WINDOW].concat(), DEFAULT_FRAME_BYTES, Begins::Inside), Chain::Holds);
        assert_eq!(chain(&WINDOW[..5], DEFAULT_FRAME_BYTES, Begins::Inside), Chain::Short { at_least: 9 });
    }
}
