//! One connection of POP3.
use std::collections::VecDeque;

use crate::{
    app::{
        Carrier, Session, Sink,
        codec::{
            banner,
            draft::Draft,
            facts::{Facts, counted, list, text},
            lines::{DotMessage, Lines, word},
            plaintext,
            sasl::Exchange,
            starttls::{StartTls, is_client_hello},
        },
    },
    limits,
    record::{Context, Direction, Input, PacketRef, Progress, Side, Value},
};

/// Commands (RFC 1939, RFC 2449, RFC 2595, RFC 5034, RFC 6856).
const VERBS: [&[u8]; 18] = [
    b"USER", b"PASS", b"APOP", b"AUTH", b"STLS", b"CAPA", b"STAT", b"LIST", b"UIDL", b"RETR", b"TOP", b"DELE", b"NOOP",
    b"RSET", b"LAST", b"QUIT", b"UTF8", b"LANG",
];

/// What waits for its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    User,
    Password,
    Login,
    Tls,
    Capabilities,
    Mechanisms,
    State,
    Retrieve,
    /// A list or the top of a message: several lines.
    Lines,
    Delete,
    Other,
}

/// What a server's next bytes are.
#[derive(Debug, Default)]
enum Next {
    /// A reply.
    #[default]
    Reply,
    /// A message or a list, up to the line with a dot.
    Message(DotMessage),
    /// Capabilities, line by line up to that.
    Capabilities,
}

/// The session.
#[derive(Debug)]
pub(super) struct Pop3 {
    carrier: Carrier,
    lines: Lines,
    facts: Facts,
    tls: StartTls,
    /// The client's dialogue of SASL (RFC 5034).
    login: Option<Exchange>,
    next: Next,
    pending: VecDeque<Asked>,
    replied: bool,
    capabilities: Vec<String>,
    retrieved: u64,
    deleted: u64,
    password_told: bool,
}

impl Pop3 {
    pub(super) fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            lines: Lines::default(),
            facts: Facts::default(),
            tls: StartTls::default(),
            login: None,
            next: Next::Reply,
            pending: VecDeque::new(),
            replied: false,
            capabilities: Vec::new(),
            retrieved: 0,
            deleted: 0,
            password_told: false,
        }
    }

    fn client(&mut self, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let (mut at, mut draft) = (0_usize, Draft::default());
        let progress = loop {
            if self.lines.begins(Direction::ClientToServer) {
                match is_client_hello(bytes.get(at..).unwrap_or_default()) {
                    Some(true) => {
                        let title = (self.carrier == Carrier::Tcp).then_some("POP3");
                        self.tls.begin(title, context.packet_at(at), context, out);
                        self.tell(context, out);
                        break Progress::HandOver(at);
                    }
                    None => break Progress::Consumed(at),
                    Some(false) => {}
                }
            }
            let Some(line) = self.lines.next(Direction::ClientToServer, bytes, &mut at) else {
                break Progress::Consumed(at);
            };
            let packet = context.packet_completing(line.end);
            if self.login.is_some() {
                if out.wants_notes() {
                    draft.say_first("C: AUTH response ****");
                }
                self.response(line.text, packet, context, out);
            } else {
                self.command(line.text, packet, (context, &mut draft), out);
            }
        };
        out.lies(0..at);
        draft.tell("pop", out);
        progress
    }

    fn command(
        &mut self,
        line: &[u8],
        packet: PacketRef,
        (context, draft): (&Context<'_>, &mut Draft),
        out: &mut Sink<'_>,
    ) {
        let (verb, argument) = word(line);
        let name = verb.to_ascii_uppercase();
        if !VERBS.contains(&name.as_slice()) {
            // Behind lost bytes it may be a password.
            if out.wants_notes() {
                draft.say(" | ", "C: not a known command");
            }
            self.ask(Asked::Other);
            return;
        }
        let shown: &[u8] = match name.as_slice() {
            b"PASS" => b"****",
            b"AUTH" | b"APOP" => word(argument).0,
            _ => argument,
        };
        if out.wants_notes() {
            let words = format!("{} {}", text(verb), text(shown));
            draft.say(" | ", format!("C: {words}").trim_end());
            draft.field("pop.request", Value::Text(words.trim_end().to_owned()));
            draft.text("pop.request.command", verb);
            if !shown.is_empty() {
                draft.text("pop.request.parameter", shown);
            }
        }
        let asked = match name.as_slice() {
            b"USER" => {
                self.user(text(argument), packet);
                Asked::User
            }
            b"PASS" => {
                self.password("USER and PASS", packet, context, out);
                Asked::Password
            }
            b"APOP" => {
                self.facts.add_once("auth_mechanism", "APOP", Side::Client, packet);
                self.user(text(word(argument).0), packet);
                Asked::Login
            }
            b"AUTH" if argument.is_empty() => Asked::Mechanisms,
            b"AUTH" => {
                let (mechanism, initial) = word(argument);
                self.login = Exchange::new(mechanism);
                if let Some(login) = &self.login {
                    self.facts.add_few("auth_mechanism", login.mechanism.clone(), Side::Client, packet, 2);
                }
                if !initial.is_empty() {
                    self.response(initial, packet, context, out);
                }
                Asked::Login
            }
            b"STLS" => {
                self.tls.ask(packet);
                Asked::Tls
            }
            b"CAPA" => Asked::Capabilities,
            b"STAT" => Asked::State,
            b"RETR" => Asked::Retrieve,
            b"TOP" => Asked::Lines,
            b"LIST" | b"UIDL" if argument.is_empty() => Asked::Lines,
            b"DELE" => Asked::Delete,
            _ => Asked::Other,
        };
        self.ask(asked);
    }

    fn ask(&mut self, asked: Asked) {
        if self.pending.len() >= limits::MAX_APPLICATION_PENDING {
            self.pending.pop_front();
            self.facts.leave_out();
        }
        self.pending.push_back(asked);
    }

    fn user(&mut self, user: String, packet: PacketRef) {
        self.facts.add_few("user", user, Side::Client, packet, limits::MAX_REPEATED_FACTS);
    }

    fn password(&mut self, how: &str, packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        if !std::mem::replace(&mut self.password_told, true) {
            let instead = "Go over to TLS (STLS) before the login, or use the port where TLS comes first (995).";
            plaintext::credentials((self.carrier, "POP3"), how, instead, packet, context, out);
        }
    }

    fn response(&mut self, response: &[u8], packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(exchange) = &mut self.login else { return };
        let told = exchange.response(response);
        let how = format!("AUTH {}", exchange.mechanism);
        // Where the server is not seen, nobody tells that the dialogue is over.
        if !self.replied && exchange.is_over() {
            self.login = None;
        }
        if let Some(user) = told.user {
            self.user(user, packet);
        }
        if told.secret {
            self.password(&how, packet, context, out);
        }
    }

    fn server(&mut self, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let (mut at, mut draft) = (0_usize, Draft::default());
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if rest.is_empty() {
                break;
            }
            if let Next::Message(message) = &mut self.next {
                let end = message.pass(rest);
                let passed = end.unwrap_or(rest.len());
                if out.wants_notes() {
                    draft.say_first(&format!("S: DATA fragment, {passed} bytes"));
                }
                at = at.saturating_add(passed);
                if end.is_some() {
                    self.next = Next::Reply;
                }
                continue;
            }
            let Some(line) = self.lines.next(Direction::ServerToClient, bytes, &mut at) else { break };
            let packet = context.packet_completing(line.end);
            if matches!(self.next, Next::Capabilities) {
                self.capability(line.text, packet);
            } else {
                self.reply(line.text, packet, (context, &mut draft), out);
            }
        }
        out.lies(0..at);
        draft.tell("pop", out);
        Progress::Consumed(at)
    }

    fn capability(&mut self, line: &[u8], packet: PacketRef) {
        if line == b"." {
            self.next = Next::Reply;
            let all = list(self.capabilities.iter().map(String::as_str));
            self.capabilities.clear();
            if !all.is_empty() {
                self.facts.add_once("capabilities", all, Side::Server, packet);
            }
            return;
        }
        self.tls.offered |= line.eq_ignore_ascii_case(b"STLS");
        if self.capabilities.len() < limits::MAX_APPLICATION_FIELD_VALUES {
            self.capabilities.push(text(line));
        } else {
            self.facts.leave_out();
        }
    }

    fn reply(
        &mut self,
        line: &[u8],
        packet: PacketRef,
        (context, draft): (&Context<'_>, &mut Draft),
        out: &mut Sink<'_>,
    ) {
        let (indicator, said) = word(line);
        let accepted = match indicator {
            b"+OK" => true,
            b"-ERR" => false,
            // A challenge, or the middle of an answer whose beginning was missed.
            _ => return,
        };
        if out.wants_notes() {
            draft.say(" | ", &format!("S: {}", text(line)));
            draft.text("pop.response", line);
            draft.text("pop.response.indicator", indicator);
            draft.text("pop.response.description", said);
        }
        let first = !std::mem::replace(&mut self.replied, true);
        let Some(asked) = self.pending.pop_front() else {
            if first {
                self.facts.add_once("banner", text(said), Side::Server, packet);
                if let Some(software) = banner::software(said) {
                    self.facts.add_once("software", software, Side::Server, packet);
                }
            }
            return;
        };
        match (asked, accepted) {
            (Asked::Password | Asked::Login, true) => {
                self.login = None;
                self.facts.update("login", "accepted", Side::Server, packet);
            }
            (Asked::User | Asked::Password | Asked::Login, false) => {
                self.login = None;
                let login = format!("refused ({})", text(said));
                self.facts.update("login", login.replace(" ()", ""), Side::Server, packet);
            }
            (Asked::Tls, true) => self.tls.agree(),
            (Asked::Tls, false) => self.tls.refuse("POP3", packet, context, out),
            (Asked::Capabilities, true) => self.next = Next::Capabilities,
            (Asked::State, true) => {
                let (messages, rest) = word(said);
                let value = format!("{}, {} bytes", counted(&text(messages), "message"), text(word(rest).0));
                self.facts.update("mailbox", value, Side::Server, packet);
            }
            (Asked::Retrieve, true) => {
                self.retrieved = self.retrieved.saturating_add(1);
                self.next = Next::Message(DotMessage::new());
            }
            (Asked::Lines | Asked::Mechanisms, true) => self.next = Next::Message(DotMessage::new()),
            (Asked::Delete, true) => self.deleted = self.deleted.saturating_add(1),
            _ => {}
        }
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        for (name, count) in [("messages_retrieved", self.retrieved), ("messages_deleted", self.deleted)] {
            if count > 0 {
                self.facts.add(name, count.to_string(), Side::Server, context.packet);
            }
        }
        if let Some(tls) = self.tls.fact() {
            self.facts.add("starttls", tls, Side::Client, context.packet);
        }
        if self.lines.met_overlong() {
            self.facts.leave_out();
        }
        self.facts.tell("pop", context, out);
    }
}

impl Session for Pop3 {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction: Direction::ClientToServer, bytes } => self.client(bytes, context, out),
            Input::Stream { direction: Direction::ServerToClient, bytes } => self.server(bytes, context, out),
            Input::Gap { direction, length } => {
                match (&mut self.next, direction) {
                    (Next::Message(message), Direction::ServerToClient) => message.lost(length),
                    _ => {
                        self.lines.lost(direction);
                        // Which reply answers which command is not known any more.
                        self.pending.clear();
                    }
                }
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
