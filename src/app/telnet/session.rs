//! One connection: commands stand between the data, and both ends may send them at any time.
use memchr::memchr;

use super::options::{Options, command, name, option};
use crate::{
    app::{
        Carrier, Probe, Session, Sink, Verdict,
        codec::{
            draft::Draft,
            facts::{Facts, list, text},
            plaintext,
        },
    },
    limits,
    record::{Context, Direction, Input, PacketRef, Progress, Side},
};

/// A negotiation begins what either end sends: three bytes, of a command and an option that exists. One alone is enough at the
/// port of Telnet, or where nothing follows that could be another protocol; elsewhere two in a row.
pub(super) fn probe(asked: &Probe<'_>) -> Verdict {
    if !matches!(asked.carrier, Carrier::Tcp | Carrier::Tls) {
        return Verdict::No;
    }
    let negotiates = |bytes: &[u8]| match bytes {
        [command::IAC, command::WILL..=command::DONT, option, ..] => Some(name(*option).is_some()),
        [command::IAC, command::WILL..=command::DONT] | [command::IAC] => None,
        _ => Some(false),
    };
    let rest = asked.bytes.get(3..).unwrap_or_default();
    match (negotiates(asked.bytes), rest) {
        (None, _) if asked.from_start => Verdict::Maybe,
        (Some(false), _) if is_subnegotiation(asked.bytes) => Verdict::Certain,
        (Some(true), []) if asked.from_start || asked.flow.server.port == 23 => Verdict::Likely,
        (Some(true), [command::IAC, command::SB, ..]) => Verdict::Certain,
        (Some(true), _) if negotiates(rest) == Some(true) => Verdict::Certain,
        (Some(true), _) if asked.flow.server.port == 23 => Verdict::Likely,
        _ => Verdict::No,
    }
}

/// Parameters of an option that exists, from their beginning to their end.
fn is_subnegotiation(bytes: &[u8]) -> bool {
    let [command::IAC, command::SB, option, rest @ ..] = bytes else { return false };
    name(*option).is_some() && memchr::memmem::find(rest, &[command::IAC, command::SE]).is_some()
}

/// Where one direction is.
#[derive(Clone, Debug, Default)]
struct Half {
    /// The option whose parameters are under way, and they.
    parameters: Option<(u8, Vec<u8>)>,
    /// The last bytes of data in lower case, in which a question or a verdict may stand.
    tail: Vec<u8>,
}

/// The session.
#[derive(Debug)]
pub(super) struct Telnet {
    carrier: Carrier,
    facts: Facts,
    options: Options,
    halves: [Half; 2],
    /// The server asked for a password, and the client has not answered yet.
    asked: bool,
    passwords: u64,
    refusals: u64,
    told: bool,
    negotiated: Option<PacketRef>,
}

/// Bytes of data that are remembered to find a question in.
const TAIL_BYTES: usize = 32;

/// Longest parameters of an option that are kept, in bytes: environments may be long.
const MAX_PARAMETER_BYTES: usize = 1024;

impl Telnet {
    pub(super) fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            facts: Facts::default(),
            options: Options::default(),
            halves: Default::default(),
            asked: false,
            passwords: 0,
            refusals: 0,
            told: false,
            negotiated: None,
        }
    }

    fn half(&mut self, direction: Direction) -> &mut Half {
        let [client, server] = &mut self.halves;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let (mut at, mut draft) = (0_usize, Draft::default());
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let until = memchr(command::IAC, rest).unwrap_or(rest.len());
            let data = rest.get(..until).unwrap_or_default();
            if !data.is_empty() {
                self.data(direction, data, context.packet_at(at), context, out);
            }
            at = at.saturating_add(until);
            let packet = |length: usize| context.packet_completing(at.saturating_add(length));
            let used = match rest.get(until..).unwrap_or_default() {
                [command::IAC, negotiation @ command::WILL..=command::DONT, option, ..] => {
                    self.negotiate(direction, *negotiation, *option, packet(3));
                    if out.wants_notes() {
                        draft.number("telnet.cmd", *negotiation);
                        draft.number("telnet.subcmd", *option);
                    }
                    3
                }
                [command::IAC, command::WILL..=command::DONT] | [command::IAC] | [] => break,
                // A byte of data that looks like IAC (RFC 854).
                [command::IAC, command::IAC, ..] => {
                    self.data(direction, &[command::IAC], packet(2), context, out);
                    2
                }
                [command::IAC, command::SB, option, ..] => {
                    self.half(direction).parameters = Some((*option, Vec::new()));
                    if out.wants_notes() {
                        draft.number("telnet.cmd", command::SB);
                        draft.number("telnet.subcmd", *option);
                    }
                    3
                }
                [command::IAC, command::SB] => break,
                [command::IAC, command::SE, ..] => {
                    if let Some((option, parameters)) = self.half(direction).parameters.take() {
                        // Whether the value is asked for or told, where Wireshark calls it so.
                        let is_text = matches!(option, option::TERMINAL_TYPE | option::X_DISPLAY);
                        if let Some(first) = parameters.first().filter(|_| is_text && out.wants_notes()) {
                            draft.number("telnet.subcmd", *first);
                        }
                        self.parameters(direction.sender(), option, &parameters, packet(2));
                    }
                    if out.wants_notes() {
                        draft.number("telnet.cmd", command::SE);
                    }
                    2
                }
                [_, other, ..] => {
                    if out.wants_notes() {
                        draft.number("telnet.cmd", *other);
                    }
                    2
                }
                [_] => break,
            };
            at = at.saturating_add(used);
        }
        if out.wants_notes() && at > 0 {
            draft.say_first("Telnet Data ...");
            out.lies(0..at);
            draft.tell("telnet", out);
        }
        Progress::Consumed(at)
    }

    fn negotiate(&mut self, direction: Direction, negotiation: u8, option: u8, packet: PacketRef) {
        self.options.say(direction.sender(), negotiation, option);
        self.negotiated = Some(packet);
    }

    /// Data, or the parameters of an option.
    fn data(
        &mut self,
        direction: Direction,
        data: &[u8],
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let half = self.half(direction);
        if let Some((_, parameters)) = &mut half.parameters {
            let room = MAX_PARAMETER_BYTES.saturating_sub(parameters.len()).min(data.len());
            parameters.extend_from_slice(data.get(..room).unwrap_or_default());
            return;
        }
        if direction == Direction::ClientToServer {
            if std::mem::take(&mut self.asked) {
                self.passwords = self.passwords.saturating_add(1);
                if !std::mem::replace(&mut self.told, true) {
                    let how = "Telnet encrypts nothing";
                    plaintext::credentials((self.carrier, "Telnet"), how, "Use SSH.", packet, context, out);
                }
            }
            return;
        }
        // What was searched before is not found again, but for what a cut may have divided.
        let mut window = std::mem::take(&mut half.tail);
        window.extend(data.iter().map(u8::to_ascii_lowercase));
        let finds = |words: &[&[u8]]| {
            let before = window.len().saturating_sub(data.len());
            words.iter().any(|word| {
                memchr::memmem::find_iter(&window, word).any(|place| place.saturating_add(word.len()) > before)
            })
        };
        let refused = finds(&[b"login incorrect", b"login failed", b"authentication failed"]);
        let tail = window.trim_ascii_end();
        self.asked = [&b"password:"[..], b"passwd:", b"passcode:"].iter().any(|word| tail.ends_with(word));
        if refused {
            self.refusals = self.refusals.saturating_add(1);
        }
        let keep = window.len().saturating_sub(TAIL_BYTES);
        drop(window.drain(..keep));
        // A long piece of data shall not hold its room for ever.
        if window.capacity() > MAX_PARAMETER_BYTES {
            window.shrink_to(TAIL_BYTES);
        }
        self.half(direction).tail = window;
    }

    /// What an option's parameters tell.
    fn parameters(&mut self, side: Side, number: u8, parameters: &[u8], packet: PacketRef) {
        let is = |parameters: &[u8]| parameters.strip_prefix(b"\0").map(text).filter(|text| !text.is_empty());
        match (number, parameters) {
            (option::TERMINAL_TYPE, _) => {
                if let Some(terminal) = is(parameters) {
                    self.facts.update("terminal_type", terminal, side, packet);
                }
            }
            (option::WINDOW_SIZE, [width, width_low, height, height_low]) => {
                let width = u16::from_be_bytes([*width, *width_low]);
                let height = u16::from_be_bytes([*height, *height_low]);
                self.facts.update("window_size", format!("{width}x{height}"), side, packet);
            }
            (option::TERMINAL_SPEED, _) => {
                if let Some(speed) = is(parameters) {
                    self.facts.update("terminal_speed", speed, side, packet);
                }
            }
            (option::X_DISPLAY, _) => {
                if let Some(display) = is(parameters) {
                    self.facts.update("x_display", display, side, packet);
                }
            }
            (option::ENVIRONMENT | option::NEW_ENVIRONMENT, [0, variables @ ..]) => {
                if let Some(user) = variable(variables, b"USER") {
                    self.facts.add_few("user", user, side, packet, limits::MAX_REPEATED_FACTS);
                }
            }
            _ => {}
        }
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if let Some(packet) = self.negotiated.take() {
            for (name, side) in [("client_options", Side::Client), ("server_options", Side::Server)] {
                let options = self.options.in_effect(side);
                let options = list(options.iter().map(String::as_str));
                self.facts.add(name, if options.is_empty() { "none".to_owned() } else { options }, side, packet);
            }
        }
        for (name, count) in [("passwords_sent", self.passwords), ("logins_refused", self.refusals)] {
            if count > 0 {
                self.facts.add(name, count.to_string(), Side::Server, context.packet);
            }
        }
        self.facts.tell("telnet", context, out);
    }
}

/// The value of a variable among `VAR name VALUE value ...` (RFC 1572 2): 0 and 3 begin a name, 1 a value, 2 escapes.
fn variable(variables: &[u8], wanted: &[u8]) -> Option<String> {
    let mut parts = variables.split(|byte| matches!(byte, 0 | 3)).filter(|part| !part.is_empty());
    let value = parts.find_map(|part| part.strip_prefix(wanted)?.strip_prefix(b"\x01"))?;
    (!value.is_empty()).then(|| text(value))
}

impl Session for Telnet {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } => self.stream(direction, bytes, context, out),
            Input::Gap { direction, .. } => {
                *self.half(direction) = Half::default();
                Progress::Consumed(0)
            }
            Input::Close | Input::Datagram { .. } => {
                self.tell(context, out);
                Progress::Done
            }
            Input::End { .. } | Input::Skipped { .. } => Progress::Consumed(0),
        }
    }
}
