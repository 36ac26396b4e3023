//! The same bytes of a conversation in other pieces: a session must say the same, whatever the segments.
use super::driver::Driver;
use crate::{
    app::{
        Carrier,
        http2::frame::{self, DEFAULT_FRAME_BYTES, PREFACE},
        registry,
        tls::record_layer::{Header, could_start},
    },
    record::{Direction, EndCause, Secrets},
};

/// Protocols over TCP, by name; seeds name them by place, so new ones come last.
const NAMES: [&str; 17] = [
    "proxy",
    "tls",
    "http2",
    "http",
    "dns",
    "openvpn",
    "socks",
    "websocket",
    "ssh",
    "smtp",
    "imap",
    "pop",
    "ftp",
    "telnet",
    "xmpp",
    "pgsql",
    "mysql",
];

/// How what is sent at once is cut.
#[derive(Clone, Copy)]
enum Cut {
    /// Not at all.
    Whole,
    /// Into single bytes.
    Bytes,
    /// At places that follow from a number.
    Some(u32),
}

impl Cut {
    fn next(&mut self, left: usize) -> usize {
        match self {
            Self::Whole => left,
            Self::Bytes => 1,
            Self::Some(state) => {
                *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let most = if *state >> 31 == 0 { 8 } else { 64 };
                ((*state >> 16) as usize % most + 1).min(left)
            }
        }
    }
}

/// Whether bytes are TLS records one behind the other, the last one perhaps not whole. Where they are not, TLS looks for the
/// next one, and takes it for a sign that a record ends where a segment does.
fn are_records(mut bytes: &[u8]) -> bool {
    while let Some(header) = Header::read(bytes) {
        if !header.is_plausible() {
            return false;
        }
        bytes = bytes.get(header.total()..).unwrap_or_default();
    }
    could_start(bytes)
}

/// The same of HTTP/2's frames, behind the client's preface.
fn are_frames(direction: Direction, mut bytes: &[u8]) -> bool {
    if direction == Direction::ClientToServer {
        let Some(rest) = bytes.strip_prefix(PREFACE) else { return bytes.is_empty() };
        bytes = rest;
    }
    while let Ok((_, head)) = frame::head(bytes) {
        if !head.is_plausible(DEFAULT_FRAME_BYTES) {
            return false;
        }
        bytes = bytes.get(head.frame_bytes()..).unwrap_or_default();
    }
    true
}

/// The first byte chooses the protocol, the second how it is cut, and then comes a script as of the other sessions, without
/// its first byte. Without holes, all cuts say the same; with them, and with one side missing, they say things that can be.
pub fn stream_chunks(bytes: &[u8]) {
    let [name, cut, script @ ..] = bytes else { return };
    let name = NAMES[usize::from(*name) % NAMES.len()];
    let only = [None, Some(Direction::ClientToServer), Some(Direction::ServerToClient), None][usize::from(*cut >> 6)];
    let (whole, is_comparable) = said(name, script, Cut::Whole, only);
    let (bytes, _) = said(name, script, Cut::Bytes, only);
    let (some, _) = said(name, script, Cut::Some(u32::from(*cut)), only);
    if is_comparable {
        assert_eq!(whole, bytes, "{name}: single bytes say something else");
        assert_eq!(whole, some, "{name}: other cuts say something else");
    }
}

/// The records as JSON, and whether all cuts must give the same.
fn said(name: &str, mut script: &[u8], mut cut: Cut, only: Option<Direction>) -> (Vec<String>, bool) {
    let protocol = registry::PROTOCOLS.iter().find(|protocol| protocol.name == name).expect("a protocol of this name");
    let mut driver = Driver::new((protocol.session)(Carrier::Tcp), Carrier::Tcp, Secrets::none().clone());
    let (mut has_holes, mut sent) = (false, [Vec::new(), Vec::new()]);
    driver.keep();
    while let [operation, length, rest @ ..] = script {
        let (mut payload, rest) =
            rest.split_at(rest.len().min(usize::from(*length) * (1 + usize::from(*operation >> 5))));
        script = rest;
        let direction = Direction::BOTH[usize::from(*operation & 1)];
        driver.step();
        if only.is_some_and(|only| only != direction) {
            continue;
        }
        match operation >> 1 & 7 {
            0..=4 => {
                sent[direction.index()].extend_from_slice(payload);
                while !payload.is_empty() {
                    let (piece, rest) = payload.split_at(cut.next(payload.len()));
                    payload = rest;
                    driver.offer(direction, piece);
                }
            }
            6 => driver.end(direction, if length % 2 == 0 { EndCause::Fin } else { EndCause::Reset }),
            5 => {
                has_holes = true;
                driver.gap(direction, u64::from(*length));
            }
            _ => {
                has_holes = true;
                driver.gap(direction, u64::from(*length) << 24);
            }
        }
    }
    driver.close();
    let is_sound = match name {
        "tls" => sent.iter().all(|bytes| are_records(bytes)),
        "http2" => Direction::BOTH.iter().zip(&sent).all(|(direction, bytes)| are_frames(*direction, bytes)),
        _ => true,
    };
    (driver.kept(), is_sound && !has_holes)
}
