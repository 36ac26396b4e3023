//! PostgreSQL up to the end of the login: who logs in to which database, by which means and with what outcome, the server's
//! version, and where TLS begins. Queries and results pass unread.
//! <https://www.postgresql.org/docs/current/protocol-message-formats.html>
use std::collections::VecDeque;

use crate::{
    app::{
        Carrier, Session, Sink,
        codec::{
            draft::Draft,
            facts::{Facts, text},
            plaintext,
            starttls::{StartTls, is_client_hello},
        },
    },
    record::{Context, Direction, Input, PacketRef, Progress, Side},
};

/// What stands in the place of a version.
mod code {
    pub const CANCEL: u32 = 80_877_102;
    pub const TLS: u32 = 80_877_103;
    pub const GSSAPI: u32 = 80_877_104;
    /// 3.0; the later 3.2 differs in lengths only.
    pub const VERSION_3: u32 = 3;
}

/// Longest message of the login, in bytes: tickets of Kerberos may be long.
const MAX_MESSAGE_BYTES: usize = 1 << 16;
/// Requests that are answered by one byte; a client asks for GSSAPI and TLS once each.
const MAX_BYTE_ANSWERS: usize = 4;

/// Whether bytes begin with a message that has no type: a request for TLS or GSSAPI, or the startup message with a user's name.
/// Null when there are too few to tell.
pub(super) fn begins(bytes: &[u8]) -> Option<bool> {
    let Some([a, b, c, d, e, f, g, h]) = bytes.first_chunk::<8>() else {
        let could = bytes.first().is_none_or(|first| *first == 0) && bytes.get(1).is_none_or(|second| *second == 0);
        return if could { None } else { Some(false) };
    };
    let (length, asked) = (u32::from_be_bytes([*a, *b, *c, *d]), u32::from_be_bytes([*e, *f, *g, *h]));
    Some(match asked {
        code::TLS | code::GSSAPI => length == 8,
        code::CANCEL => (16..=272).contains(&length),
        _ if asked >> 16 == code::VERSION_3 && (9..=10_000).contains(&length) => {
            let parameters = bytes.get(8..).unwrap_or_default();
            memchr::memmem::find(parameters, b"user\0").is_some()
        }
        _ => false,
    })
}

/// The session.
#[derive(Debug)]
pub(super) struct PostgreSql {
    carrier: Carrier,
    facts: Facts,
    tls: StartTls,
    /// The client sent its startup message: from here on messages have a type.
    started: bool,
    /// What the server will answer by one byte: whether it is about TLS.
    bytes_awaited: VecDeque<bool>,
    /// The password is asked for as it is.
    clear: bool,
    sasl: bool,
    password_told: bool,
}

impl PostgreSql {
    pub(super) fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            facts: Facts::default(),
            tls: StartTls::default(),
            started: false,
            bytes_awaited: VecDeque::new(),
            clear: false,
            sasl: false,
            password_told: false,
        }
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let (mut at, mut draft) = (0_usize, Draft::default());
        let progress = loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if rest.is_empty() {
                break Progress::Consumed(at);
            }
            let typed = match direction {
                Direction::ServerToClient => {
                    if let Some(tls) = self.bytes_awaited.pop_front() {
                        let answer = rest.first().copied().unwrap_or_default();
                        let packet = context.packet_at(at);
                        draft.say_first("<");
                        match (tls, answer) {
                            (true, b'S') => self.tls.agree(),
                            (true, _) => self.tls.refuse("PostgreSQL", packet, context, out),
                            (false, _) => {}
                        }
                        // GSSAPI encrypts all that follows; a server that knows neither sends an error.
                        if (!tls && answer == b'G') || answer == b'E' {
                            self.tell(context, out);
                            break Progress::Done;
                        }
                        at = at.saturating_add(1);
                        continue;
                    }
                    true
                }
                Direction::ClientToServer => {
                    if !self.started {
                        match is_client_hello(rest) {
                            Some(true) => {
                                self.tls.begin(None, context.packet_at(at), context, out);
                                self.tell(context, out);
                                break Progress::HandOver(at);
                            }
                            None => break Progress::Consumed(at),
                            Some(false) => {}
                        }
                    }
                    self.started
                }
            };
            let head = usize::from(typed);
            let Some(length) = rest.get(head..).and_then(<[u8]>::first_chunk) else { break Progress::Consumed(at) };
            let length = usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX);
            if !(4..=MAX_MESSAGE_BYTES).contains(&length) {
                self.tell(context, out);
                break Progress::Done;
            }
            let end = head.saturating_add(length);
            let Some(body) = rest.get(head.saturating_add(4)..end) else {
                break Progress::Need { consumed: at, at_least: end };
            };
            let kind = rest.first().copied().filter(|_| typed);
            at = at.saturating_add(end);
            let packet = context.packet_completing(at);
            if out.wants_notes() {
                note(direction, kind, length, &mut draft);
            }
            let over = match (direction, kind) {
                (Direction::ClientToServer, None) => self.start(body, packet, &mut draft),
                (Direction::ClientToServer, Some(kind)) => {
                    self.client(kind, body, packet, context, out);
                    false
                }
                (Direction::ServerToClient, kind) => self.server(kind.unwrap_or_default(), body, packet, &mut draft),
            };
            if over {
                self.tell(context, out);
                break Progress::Done;
            }
        };
        out.lies(0..at);
        draft.tell("pgsql", out);
        progress
    }

    /// A message without a type; whether nothing more will come.
    fn start(&mut self, body: &[u8], packet: PacketRef, draft: &mut Draft) -> bool {
        let Some((asked, parameters)) = body.split_first_chunk() else { return true };
        match u32::from_be_bytes(*asked) {
            code::TLS | code::GSSAPI if self.bytes_awaited.len() >= MAX_BYTE_ANSWERS => return true,
            code::TLS => {
                self.tls.ask(packet);
                self.bytes_awaited.push_back(true);
            }
            code::GSSAPI => self.bytes_awaited.push_back(false),
            code::CANCEL => {
                self.facts.add("request", "cancel a query", Side::Client, packet);
                return true;
            }
            _ => {
                self.started = true;
                let mut words = parameters.split(|byte| *byte == 0);
                while let Some((name, value)) = words.next().filter(|name| !name.is_empty()).zip(words.next()) {
                    draft.text("pgsql.parameter_name", name);
                    draft.text("pgsql.parameter_value", value);
                    let fact = match name {
                        b"user" => "user",
                        b"database" => "database",
                        b"application_name" => "client_software",
                        _ => continue,
                    };
                    self.facts.add_once(fact, text(value), Side::Client, packet);
                }
            }
        }
        false
    }

    fn client(&mut self, kind: u8, body: &[u8], packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        if kind != b'p' {
            return;
        }
        if self.clear && !std::mem::replace(&mut self.password_told, true) {
            let instead = "Let the client go over to TLS before it logs in (sslmode), or use SCRAM.";
            plaintext::credentials((self.carrier, "PostgreSQL"), "password", instead, packet, context, out);
        }
        if std::mem::take(&mut self.sasl) {
            let mechanism = body.split(|byte| *byte == 0).next().unwrap_or_default();
            self.facts.update("auth_mechanism", text(mechanism), Side::Client, packet);
        }
    }

    /// Reads a server's message; whether the login is over.
    fn server(&mut self, kind: u8, body: &[u8], packet: PacketRef, draft: &mut Draft) -> bool {
        let side = Side::Server;
        match kind {
            b'R' => {
                let Some((number, _)) = body.split_first_chunk() else { return true };
                let number = u32::from_be_bytes(*number);
                draft.number("pgsql.authtype", number);
                self.clear = number == 3;
                self.sasl = number == 10;
                let method = match number {
                    0 => {
                        // A server that asks for nothing trusts the client.
                        if self.facts.get("auth_mechanism").is_none() {
                            self.facts.add("auth_mechanism", "none", side, packet);
                        }
                        self.facts.add_once("login", "accepted", side, packet);
                        return false;
                    }
                    2 => "Kerberos 5",
                    3 => "password",
                    5 => "MD5",
                    7 => "GSSAPI",
                    9 => "SSPI",
                    10 => "SASL",
                    _ => return false,
                };
                self.facts.add_once("auth_mechanism", method, side, packet);
            }
            b'S' => {
                let mut words = body.split(|byte| *byte == 0);
                if let Some((name, value)) = words.next().zip(words.next()) {
                    draft.text("pgsql.parameter_name", name);
                    draft.text("pgsql.parameter_value", value);
                    if name == b"server_version" {
                        self.facts.add_once("server_version", text(value), side, packet);
                    }
                }
            }
            b'E' => {
                let field = |wanted: u8| {
                    let mut fields = body.split(|byte| *byte == 0);
                    fields.find_map(|field| {
                        field.split_first().filter(|(kind, _)| **kind == wanted).map(|(_, text)| text)
                    })
                };
                let (code, message) = (field(b'C').unwrap_or_default(), field(b'M').unwrap_or_default());
                draft.text("pgsql.code", code);
                draft.text("pgsql.message", message);
                self.facts.add("login", format!("refused ({} {})", text(code), text(message)), side, packet);
                return true;
            }
            b'Z' => return true,
            _ => {}
        }
        false
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if let Some(tls) = self.tls.fact() {
            self.facts.add("starttls", tls, Side::Client, context.packet);
        }
        self.facts.tell("pgsql", context, out);
    }
}

/// The one line as in Wireshark: whose messages, and their types.
fn note(direction: Direction, kind: Option<u8>, length: usize, draft: &mut Draft) {
    let arrow = if direction == Direction::ClientToServer { ">" } else { "<" };
    let letter = kind.map(|kind| char::from(kind).to_string()).unwrap_or_default();
    if draft.is_empty() {
        draft.say_first(&format!("{arrow}{letter}"));
    } else {
        draft.say("/", &letter);
    }
    let name = match (direction, kind) {
        (Direction::ClientToServer, None) => "Startup message",
        (Direction::ClientToServer, Some(b'p')) => "Password/SASL message",
        (Direction::ClientToServer, Some(b'X')) => "Termination",
        (Direction::ServerToClient, Some(b'R')) => "Authentication request",
        (Direction::ServerToClient, Some(b'S')) => "Parameter status",
        (Direction::ServerToClient, Some(b'K')) => "Backend key data",
        (Direction::ServerToClient, Some(b'Z')) => "Ready for query",
        (Direction::ServerToClient, Some(b'E')) => "Error",
        (Direction::ServerToClient, Some(b'N')) => "Notice",
        _ => "Message",
    };
    draft.text("pgsql.type", name.as_bytes());
    draft.number("pgsql.length", u32::try_from(length).unwrap_or(u32::MAX));
}

impl Session for PostgreSql {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } => self.stream(direction, bytes, context, out),
            // Where the next message begins cannot be told.
            Input::Gap { .. } | Input::Close | Input::Datagram { .. } => {
                self.tell(context, out);
                Progress::Done
            }
            Input::End { .. } | Input::Skipped { .. } => Progress::Consumed(0),
        }
    }
}
