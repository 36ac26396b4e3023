//! One connection of SMTP, or of LMTP (RFC 2033), which differs in its greeting only.
use std::collections::VecDeque;

use crate::{
    app::{
        Carrier, Session, Sink,
        codec::{
            banner,
            draft::Draft,
            facts::{Facts, counted, list, text},
            lines::{DotMessage, Lines, as_u64, reply, word},
            plaintext,
            sasl::Exchange,
            starttls::{StartTls, is_client_hello},
        },
    },
    limits,
    record::{Context, Direction, Input, PacketRef, Progress, Side, Value},
};

/// Commands (IANA's registry of mail parameters, and what is in use besides).
const VERBS: [&[u8]; 26] = [
    b"EHLO",
    b"HELO",
    b"LHLO",
    b"STARTTLS",
    b"AUTH",
    b"MAIL",
    b"RCPT",
    b"DATA",
    b"BDAT",
    b"RSET",
    b"NOOP",
    b"QUIT",
    b"VRFY",
    b"EXPN",
    b"HELP",
    b"SEND",
    b"SOML",
    b"SAML",
    b"TURN",
    b"ETRN",
    b"ATRN",
    b"BURL",
    b"XCLIENT",
    b"XFORWARD",
    b"X-EXPS",
    b"X-ANONYMOUSTLS",
];

/// What a client's next bytes are.
#[derive(Debug, Default)]
enum Next {
    /// A command.
    #[default]
    Command,
    /// A message, unless the server refuses DATA.
    MessageIfAccepted,
    /// A message up to the line with a dot.
    Message(DotMessage),
    /// So many bytes of a chunk, and whether it is the last one of its message (RFC 3030).
    Chunk(u64, bool),
    /// The client's response in a dialogue of SASL (RFC 4954).
    Response(Exchange),
}

/// What waits for its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Hello,
    Tls,
    Login,
    Recipient,
    Data,
    /// A message that was sent, with its length.
    Message(u64),
    Other,
}

/// The session.
#[derive(Debug)]
pub(super) struct Smtp {
    carrier: Carrier,
    lines: Lines,
    facts: Facts,
    tls: StartTls,
    next: Next,
    pending: VecDeque<(Asked, String)>,
    /// The server's answer to DATA.
    data_accepted: Option<bool>,
    /// A first reply was read.
    greeted: bool,
    /// Lines of the reply under way.
    reply_lines: u32,
    capabilities: Vec<String>,
    /// Recipients of the message under way, and of the connection.
    recipients: u64,
    all_recipients: u64,
    messages: u64,
    chunk_bytes: u64,
    password_told: bool,
}

impl Smtp {
    pub(super) fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            lines: Lines::default(),
            facts: Facts::default(),
            tls: StartTls::default(),
            next: Next::Command,
            pending: VecDeque::new(),
            data_accepted: None,
            greeted: false,
            reply_lines: 0,
            capabilities: Vec::new(),
            recipients: 0,
            all_recipients: 0,
            messages: 0,
            chunk_bytes: 0,
            password_told: false,
        }
    }

    fn client(&mut self, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let (mut at, mut draft) = (0_usize, Draft::default());
        let progress = loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if rest.is_empty() {
                break Progress::Consumed(at);
            }
            if matches!(self.next, Next::MessageIfAccepted) {
                let refused = self.data_accepted == Some(false);
                self.next = if refused { Next::Command } else { Next::Message(DotMessage::new()) };
            }
            match &mut self.next {
                Next::Message(message) => {
                    let end = message.pass(rest);
                    let passed = end.unwrap_or(rest.len());
                    if out.wants_notes() {
                        draft.say_first(&format!("C: DATA fragment, {passed} bytes"));
                    }
                    at = at.saturating_add(passed);
                    if end.is_some() {
                        let length = message.bytes;
                        self.next = Next::Command;
                        self.ask(Asked::Message(length), String::new());
                    }
                }
                Next::Chunk(left, last) => {
                    let passed = usize::try_from(*left).unwrap_or(usize::MAX).min(rest.len());
                    *left = left.saturating_sub(as_u64(passed));
                    if out.wants_notes() {
                        draft.say_first(&format!("C: BDAT fragment, {passed} bytes"));
                    }
                    at = at.saturating_add(passed);
                    if *left == 0 {
                        let last = *last;
                        self.chunk_sent(last);
                    }
                }
                Next::Command | Next::Response(_) | Next::MessageIfAccepted => {
                    if self.lines.begins(Direction::ClientToServer) {
                        match is_client_hello(rest) {
                            Some(true) => {
                                let title = (self.carrier == Carrier::Tcp).then_some("SMTP");
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
                    if matches!(self.next, Next::Response(_)) {
                        self.response(line.text, packet, (context, &mut draft), out);
                    } else {
                        self.command(line.text, packet, (context, &mut draft), out);
                    }
                }
            }
        };
        out.lies(0..at);
        draft.tell("smtp", out);
        progress
    }

    fn ask(&mut self, asked: Asked, what: String) {
        if self.pending.len() >= limits::MAX_APPLICATION_PENDING {
            self.pending.pop_front();
            self.facts.leave_out();
        }
        self.pending.push_back((asked, what));
    }

    fn chunk_sent(&mut self, last: bool) {
        self.next = Next::Command;
        if last {
            let length = std::mem::take(&mut self.chunk_bytes);
            self.ask(Asked::Message(length), String::new());
        } else {
            self.ask(Asked::Other, String::new());
        }
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
            self.ask(Asked::Other, String::new());
            return;
        }
        let is_login = name == b"AUTH";
        // What follows the mechanism is the first response.
        let shown = if is_login { word(argument).0 } else { argument };
        if out.wants_notes() {
            let verb = text(verb);
            draft.say(" | ", format!("C: {verb} {}", text(shown)).trim_end());
            draft.flag("smtp.req", true);
            draft.field("smtp.req.command", Value::Text(verb));
            if !shown.is_empty() {
                draft.text("smtp.req.parameter", shown);
            }
        }
        let asked = match name.as_slice() {
            b"EHLO" | b"HELO" | b"LHLO" => {
                let value = format!("{} {}", text(&name), text(argument));
                self.facts.add_few("hello", value.trim_end(), Side::Client, packet, 2);
                Asked::Hello
            }
            b"STARTTLS" => {
                self.tls.ask(packet);
                Asked::Tls
            }
            b"AUTH" => {
                self.login(argument, packet, context, out);
                Asked::Login
            }
            b"MAIL" => {
                self.recipients = 0;
                let sender = address(argument);
                self.facts.add_few("sender", sender, Side::Client, packet, limits::MAX_REPEATED_FACTS);
                Asked::Other
            }
            b"RCPT" => {
                self.recipients = self.recipients.saturating_add(1);
                self.all_recipients = self.all_recipients.saturating_add(1);
                let recipient = address(argument);
                self.facts.add_few("recipient", recipient.clone(), Side::Client, packet, limits::MAX_REPEATED_FACTS);
                self.ask(Asked::Recipient, recipient);
                return;
            }
            b"DATA" => {
                (self.next, self.data_accepted) = (Next::MessageIfAccepted, None);
                Asked::Data
            }
            b"BDAT" => {
                let (length, last) = word(argument);
                let length = std::str::from_utf8(length).ok().and_then(|length| length.parse::<u64>().ok());
                let length = length.unwrap_or_default();
                self.chunk_bytes = self.chunk_bytes.saturating_add(length);
                let last = last.eq_ignore_ascii_case(b"LAST");
                self.next = Next::Chunk(length, last);
                if length == 0 {
                    self.chunk_sent(last);
                }
                return;
            }
            b"RSET" => {
                (self.recipients, self.chunk_bytes) = (0, 0);
                Asked::Other
            }
            _ => Asked::Other,
        };
        self.ask(asked, String::new());
    }

    fn login(&mut self, argument: &[u8], packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        let (mechanism, initial) = word(argument);
        let Some(exchange) = Exchange::new(mechanism) else { return };
        self.facts.add_few("auth_mechanism", exchange.mechanism.clone(), Side::Client, packet, 2);
        self.next = Next::Response(exchange);
        if !initial.is_empty() {
            self.take_response(initial, packet, context, out);
        }
    }

    fn response(
        &mut self,
        line: &[u8],
        packet: PacketRef,
        (context, draft): (&Context<'_>, &mut Draft),
        out: &mut Sink<'_>,
    ) {
        if out.wants_notes() {
            draft.say_first("C: AUTH response ****");
            draft.flag("smtp.req", true);
        }
        self.take_response(line, packet, context, out);
    }

    fn take_response(&mut self, response: &[u8], packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        let Next::Response(exchange) = &mut self.next else { return };
        let told = exchange.response(response);
        let how = format!("AUTH {}", exchange.mechanism);
        // Where the server is not seen, nobody tells that the dialogue is over.
        if !self.greeted && exchange.is_over() {
            self.next = Next::Command;
        }
        if let Some(user) = told.user {
            self.facts.add_few("user", user, Side::Client, packet, limits::MAX_REPEATED_FACTS);
        }
        if told.secret && !std::mem::replace(&mut self.password_told, true) {
            let instead = "Go over to TLS (STARTTLS) before AUTH, or use the port where TLS comes first (465).";
            plaintext::credentials((self.carrier, "SMTP"), &how, instead, packet, context, out);
        }
    }

    fn server(&mut self, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let (mut at, mut draft) = (0_usize, Draft::default());
        while let Some(line) = self.lines.next(Direction::ServerToClient, bytes, &mut at) {
            let packet = context.packet_completing(line.end);
            let Some((code, last, said)) = reply(line.text) else { continue };
            if out.wants_notes() {
                if self.reply_lines == 0 {
                    draft.say(", ", &format!("S: {}", text(line.text)));
                    draft.number("smtp.response.code", code);
                } else {
                    draft.say(" | ", &text(said));
                }
                draft.flag("smtp.rsp", true);
                draft.text("smtp.rsp.parameter", said);
            }
            let answers = self.pending.front().map(|(asked, _)| *asked);
            if self.reply_lines > 0 && code == 250 && matches!(answers, Some(Asked::Hello) | None) {
                self.tls.offered |= said.trim_ascii().eq_ignore_ascii_case(b"STARTTLS");
                if self.capabilities.len() < limits::MAX_APPLICATION_FIELD_VALUES {
                    self.capabilities.push(text(said));
                }
            }
            self.reply_lines = if last { 0 } else { self.reply_lines.saturating_add(1) };
            if code == 220 && !self.greeted {
                self.facts.add_once("banner", text(said), Side::Server, packet);
                if let Some(software) = banner::software(said) {
                    self.facts.add_once("software", software, Side::Server, packet);
                }
                self.greeted = last;
            } else if last {
                self.reply(code, said, packet, context, out);
            }
        }
        out.lies(0..at);
        draft.tell("smtp", out);
        Progress::Consumed(at)
    }

    fn reply(&mut self, code: u16, said: &[u8], packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        let first = !std::mem::replace(&mut self.greeted, true);
        if first && code >= 400 && self.pending.is_empty() {
            self.facts.add("greeting", refusal(code, said), Side::Server, packet);
            return;
        }
        // 334 asks for more of a login.
        if code == 334 {
            return;
        }
        // Where the client is not seen, some replies tell what they answer.
        let (asked, what) = self.pending.pop_front().unwrap_or_else(|| match code {
            235 | 535 => (Asked::Login, String::new()),
            250 if !self.capabilities.is_empty() => (Asked::Hello, String::new()),
            _ => (Asked::Other, String::new()),
        });
        let most = limits::MAX_REPEATED_FACTS;
        match asked {
            Asked::Hello => {
                if !self.capabilities.is_empty() {
                    let all = list(self.capabilities.iter().map(String::as_str));
                    self.facts.add_once("capabilities", all, Side::Server, packet);
                    self.capabilities.clear();
                }
                if code >= 500 {
                    self.facts.add_few("hello", refusal(code, said), Side::Server, packet, 2);
                }
            }
            Asked::Tls if code == 220 => self.tls.agree(),
            Asked::Tls => self.tls.refuse("SMTP", packet, context, out),
            Asked::Login => {
                self.next = Next::Command;
                let login = if code == 235 { "accepted".to_owned() } else { refusal(code, said) };
                self.facts.update("login", login, Side::Server, packet);
            }
            Asked::Recipient if code >= 400 => {
                self.recipients = self.recipients.saturating_sub(1);
                let value = format!("{what}: {}", refusal(code, said));
                self.facts.add_few("recipient_refused", value, Side::Server, packet, most);
            }
            Asked::Data => {
                self.data_accepted = Some(code == 354);
                if code != 354 {
                    let value = format!("not sent: {}", refusal(code, said));
                    self.facts.add_few("message", value, Side::Server, packet, most);
                }
            }
            Asked::Message(length) => {
                self.messages = self.messages.saturating_add(1);
                let outcome = if code < 400 { format!("accepted ({code})") } else { refusal(code, said) };
                let to = counted(&self.recipients.to_string(), "recipient");
                let value = format!("{outcome}, {to}, {length} bytes");
                self.facts.add_few("message", value, Side::Server, packet, most);
            }
            Asked::Recipient | Asked::Other => {}
        }
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        let most = as_u64(limits::MAX_REPEATED_FACTS);
        for (name, count) in [("recipients", self.all_recipients), ("messages", self.messages)] {
            if count > most {
                self.facts.add(name, count.to_string(), Side::Client, context.packet);
            }
        }
        if let Some(tls) = self.tls.fact() {
            self.facts.add("starttls", tls, Side::Client, context.packet);
        }
        if self.lines.met_overlong() {
            self.facts.leave_out();
        }
        self.facts.tell("smtp", context, out);
    }
}

/// A reply that refuses, in words.
fn refusal(code: u16, said: &[u8]) -> String {
    format!("refused ({code} {})", text(said)).replace(" )", ")")
}

/// The address in `FROM:<a@b> SIZE=1`, as it is written.
fn address(argument: &[u8]) -> String {
    let colon = argument.iter().position(|byte| *byte == b':').map_or(0, |colon| colon.saturating_add(1));
    let rest = argument.get(colon..).unwrap_or_default().trim_ascii();
    let inside = rest.strip_prefix(b"<").map(|rest| rest.split(|byte| *byte == b'>').next().unwrap_or_default());
    match inside.unwrap_or_else(|| word(rest).0) {
        b"" => "<>".to_owned(),
        address => text(address),
    }
}

impl Session for Smtp {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction: Direction::ClientToServer, bytes } => self.client(bytes, context, out),
            Input::Stream { direction: Direction::ServerToClient, bytes } => self.server(bytes, context, out),
            Input::Gap { direction: Direction::ClientToServer, length } => {
                match &mut self.next {
                    Next::Message(message) => message.lost(length),
                    Next::MessageIfAccepted => {
                        let mut message = DotMessage::new();
                        message.lost(length);
                        self.next = Next::Message(message);
                    }
                    Next::Chunk(left, last) if *left > length => *left = left.saturating_sub(length),
                    Next::Chunk(..) | Next::Command | Next::Response(_) => {
                        self.next = Next::Command;
                        self.lines.lost(Direction::ClientToServer);
                        self.pending.clear();
                    }
                }
                Progress::Consumed(0)
            }
            Input::Gap { direction: Direction::ServerToClient, .. } => {
                self.lines.lost(Direction::ServerToClient);
                // Which reply answers which command is not known any more.
                self.pending.clear();
                self.reply_lines = 0;
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
