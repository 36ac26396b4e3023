//! One connection of IMAP. Literals pass unread, but for a short one that is the user's name.
use std::collections::VecDeque;

use super::{imap_words, literal};
use crate::{
    app::{
        Carrier, Session, Sink,
        codec::{
            banner,
            draft::Draft,
            facts::{Facts, counted, list, text},
            lines::{Lines, as_u64, word},
            plaintext,
            sasl::Exchange,
            starttls::{StartTls, is_client_hello},
        },
    },
    limits,
    record::{Context, Direction, Input, PacketRef, Progress, Side},
};

/// What a command asks for, as far as its answer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Tls,
    Login,
    Mailbox,
    Other,
}

/// A command that waits for its answer.
#[derive(Debug)]
struct Pending {
    tag: Vec<u8>,
    asked: Asked,
    /// The mailbox.
    what: String,
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    /// Bytes of a literal still to pass.
    literal: u64,
    /// The literal, where it is wanted.
    kept: Option<Vec<u8>>,
    /// The next line goes on behind a literal.
    goes_on: bool,
}

/// The session.
#[derive(Debug)]
pub(super) struct Imap {
    carrier: Carrier,
    lines: Lines,
    facts: Facts,
    tls: StartTls,
    halves: [Half; 2],
    /// The client's dialogue of SASL.
    login: Option<Exchange>,
    pending: VecDeque<Pending>,
    greeted: bool,
    /// Messages in the mailbox being opened.
    exist: Option<String>,
    password_told: bool,
    mailboxes: u64,
}

/// Literals that may be a user's name are not longer, in bytes.
const MAX_USER_BYTES: u64 = 256;

impl Imap {
    pub(super) fn new(carrier: Carrier) -> Self {
        Self {
            carrier,
            lines: Lines::default(),
            facts: Facts::default(),
            tls: StartTls::default(),
            halves: Default::default(),
            login: None,
            pending: VecDeque::new(),
            greeted: false,
            exist: None,
            password_told: false,
            mailboxes: 0,
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
        let progress = loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if rest.is_empty() {
                break Progress::Consumed(at);
            }
            let half = self.half(direction);
            if half.literal > 0 {
                let passed = usize::try_from(half.literal).unwrap_or(usize::MAX).min(rest.len());
                half.literal = half.literal.saturating_sub(as_u64(passed));
                if let Some(kept) = &mut half.kept {
                    kept.extend_from_slice(rest.get(..passed).unwrap_or_default());
                }
                at = at.saturating_add(passed);
                if out.wants_notes() {
                    let who = if direction == Direction::ClientToServer { "Request" } else { "Response" };
                    draft.say_first(&format!("{who}: {passed} bytes of a literal"));
                }
                if self.half(direction).literal == 0
                    && let Some(user) = self.half(direction).kept.take()
                {
                    self.user(text(&user), context.packet_completing(at));
                }
                continue;
            }
            let begins = !half.goes_on;
            if begins && direction == Direction::ClientToServer && self.lines.begins(direction) {
                match is_client_hello(rest) {
                    Some(true) => {
                        let title = (self.carrier == Carrier::Tcp).then_some("IMAP");
                        self.tls.begin(title, context.packet_at(at), context, out);
                        self.tell(context, out);
                        break Progress::HandOver(at);
                    }
                    None => break Progress::Consumed(at),
                    Some(false) => {}
                }
            }
            let Some(line) = self.lines.next(direction, bytes, &mut at) else { break Progress::Consumed(at) };
            let packet = context.packet_completing(line.end);
            let announced = literal::announced(line.text);
            let half = self.half(direction);
            (half.literal, half.goes_on) = (announced.unwrap_or_default(), announced.is_some());
            match direction {
                _ if !begins => {}
                Direction::ClientToServer if self.login.is_some() => {
                    if out.wants_notes() {
                        draft.say_first("Request: AUTHENTICATE response ****");
                        draft.flag("imap.isrequest", true);
                    }
                    self.response(line.text, packet, context, out);
                }
                Direction::ClientToServer => self.command(line.text, announced, packet, (context, &mut draft), out),
                Direction::ServerToClient => self.answer(line.text, packet, (context, &mut draft), out),
            }
        };
        out.lies(0..at);
        draft.tell("imap", out);
        progress
    }

    fn command(
        &mut self,
        line: &[u8],
        announced: Option<u64>,
        packet: PacketRef,
        (context, draft): (&Context<'_>, &mut Draft),
        out: &mut Sink<'_>,
    ) {
        let (tag, rest) = word(line);
        let (verb, argument) = word(rest);
        let name = verb.to_ascii_uppercase();
        if !imap_words::is_command(&name) {
            if out.wants_notes() {
                // IDLE ends with a word alone (RFC 9051 6.3.13). Anything else may be a password behind lost bytes.
                let done = line.eq_ignore_ascii_case(b"DONE");
                draft.say_first(if done { "Request: DONE" } else { "Request: not a known command" });
                draft.flag("imap.isrequest", true);
            }
            return;
        }
        let first = imap_words::string(argument).map(|(word, _)| word);
        if out.wants_notes() {
            let shown = match (name.as_slice(), &first) {
                (b"LOGIN", Some(user)) => format!(" {} ****", text(user)),
                (b"LOGIN", None) => " ****".to_owned(),
                (b"AUTHENTICATE", _) => format!(" {}", text(word(argument).0)),
                _ if argument.is_empty() => String::new(),
                _ => format!(" {}", text(argument)),
            };
            draft.say_first(&format!("Request: {} {}{shown}", text(tag), text(verb)));
            draft.flag("imap.isrequest", true);
            draft.text("imap.request_tag", tag);
            draft.text("imap.request.command", verb);
            match (name.as_slice(), &first) {
                (b"LOGIN", Some(user)) if announced.is_none() => draft.text("imap.request.username", user),
                (b"SELECT" | b"EXAMINE" | b"STATUS" | b"LIST" | b"CREATE" | b"DELETE", Some(folder)) => {
                    draft.text("imap.request.folder", folder);
                }
                _ => {}
            }
        }
        let (asked, what) = match name.as_slice() {
            b"STARTTLS" => {
                self.tls.ask(packet);
                (Asked::Tls, String::new())
            }
            b"LOGIN" => {
                match (&first, announced) {
                    // The only argument is a literal.
                    (Some(user), Some(length)) if user.starts_with(b"{") => {
                        if (1..=MAX_USER_BYTES).contains(&length) {
                            self.half(Direction::ClientToServer).kept = Some(Vec::new());
                        }
                    }
                    (Some(user), _) => self.user(text(user), packet),
                    (None, _) => {}
                }
                self.password("LOGIN", packet, context, out);
                (Asked::Login, String::new())
            }
            b"AUTHENTICATE" => {
                let (mechanism, initial) = word(argument);
                self.login = Exchange::new(mechanism);
                if let Some(login) = &self.login {
                    self.facts.add_few("auth_mechanism", login.mechanism.clone(), Side::Client, packet, 2);
                }
                if !initial.is_empty() {
                    self.response(initial, packet, context, out);
                }
                (Asked::Login, String::new())
            }
            b"ID" => {
                if let Some(software) = imap_words::software(argument) {
                    self.facts.add_once("client_software", software, Side::Client, packet);
                }
                (Asked::Other, String::new())
            }
            b"SELECT" | b"EXAMINE" => {
                self.exist = None;
                (Asked::Mailbox, first.map(|name| text(&name)).unwrap_or_default())
            }
            _ => (Asked::Other, String::new()),
        };
        if self.pending.len() >= limits::MAX_APPLICATION_PENDING {
            self.pending.pop_front();
            self.facts.leave_out();
        }
        self.pending.push_back(Pending { tag: tag.to_vec(), asked, what });
    }

    fn user(&mut self, user: String, packet: PacketRef) {
        self.facts.add_few("user", user, Side::Client, packet, limits::MAX_REPEATED_FACTS);
    }

    fn password(&mut self, how: &str, packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        if !std::mem::replace(&mut self.password_told, true) {
            let instead = "Go over to TLS (STARTTLS) before the login, or use the port where TLS comes first (993).";
            plaintext::credentials((self.carrier, "IMAP"), how, instead, packet, context, out);
        }
    }

    fn response(&mut self, response: &[u8], packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(exchange) = &mut self.login else { return };
        let told = exchange.response(response);
        let how = format!("AUTHENTICATE {}", exchange.mechanism);
        // Where the server is not seen, nobody tells that the dialogue is over.
        if !self.greeted && exchange.is_over() {
            self.login = None;
        }
        if let Some(user) = told.user {
            self.user(user, packet);
        }
        if told.secret {
            self.password(&how, packet, context, out);
        }
    }

    fn answer(
        &mut self,
        line: &[u8],
        packet: PacketRef,
        (context, draft): (&Context<'_>, &mut Draft),
        out: &mut Sink<'_>,
    ) {
        let (tag, rest) = word(line);
        let (status, said) = word(rest);
        let is_status = matches!(status.to_ascii_uppercase().as_slice(), b"OK" | b"NO" | b"BAD" | b"PREAUTH" | b"BYE");
        if out.wants_notes() {
            draft.say_first(&format!("Response: {}", text(line)));
            draft.flag("imap.isrequest", false);
            if tag != b"*" && tag != b"+" && is_status {
                draft.text("imap.response_tag", tag);
                draft.text("imap.response.status", status);
                draft.text("imap.response.command", word(said).0);
            }
        }
        let first = !std::mem::replace(&mut self.greeted, true);
        match tag {
            b"+" => {}
            b"*" => self.untagged((status, said, first && is_status), packet),
            _ if is_status => {
                let Some(place) = self.pending.iter().position(|pending| pending.tag == tag) else { return };
                let Some(pending) = self.pending.remove(place) else { return };
                self.tagged(&pending, (status.eq_ignore_ascii_case(b"OK"), said), packet, context, out);
            }
            _ => {}
        }
    }

    fn untagged(&mut self, (status, said, greeting): (&[u8], &[u8], bool), packet: PacketRef) {
        let (code, words) = imap_words::code(said);
        if greeting {
            self.facts.add_once("banner", text(words), Side::Server, packet);
            if let Some(software) = banner::software(words) {
                self.facts.add_once("software", software, Side::Server, packet);
            }
            if status.eq_ignore_ascii_case(b"PREAUTH") {
                self.facts.add_once("login", "authenticated by other means (PREAUTH)", Side::Server, packet);
            }
        }
        match status.to_ascii_uppercase().as_slice() {
            b"CAPABILITY" => self.capabilities(said, packet),
            b"ID" => {
                if let Some(software) = imap_words::software(said) {
                    self.facts.update("software", software, Side::Server, packet);
                }
            }
            b"BYE" if greeting => {}
            _ if said.eq_ignore_ascii_case(b"EXISTS") => self.exist = Some(text(status)),
            _ => {}
        }
        let (name, listed) = word(code);
        if name.eq_ignore_ascii_case(b"CAPABILITY") {
            self.capabilities(listed, packet);
        }
    }

    fn capabilities(&mut self, listed: &[u8], packet: PacketRef) {
        self.tls.offered |= listed.split(|byte| *byte == b' ').any(|name| name.eq_ignore_ascii_case(b"STARTTLS"));
        let listed = String::from_utf8_lossy(listed);
        let all = list(listed.split(' ').filter(|name| !name.is_empty()));
        if !all.is_empty() {
            self.facts.add_once("capabilities", all, Side::Server, packet);
        }
    }

    fn tagged(
        &mut self,
        Pending { asked, what, .. }: &Pending,
        (accepted, said): (bool, &[u8]),
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let (code, words) = imap_words::code(said);
        let (name, listed) = word(code);
        if name.eq_ignore_ascii_case(b"CAPABILITY") {
            self.capabilities(listed, packet);
        }
        let refused = || {
            let code = if code.is_empty() { String::new() } else { format!("[{}] ", text(code)) };
            format!("refused ({code}{})", text(words))
        };
        match (asked, accepted) {
            (Asked::Tls, true) => self.tls.agree(),
            (Asked::Tls, false) => self.tls.refuse("IMAP", packet, context, out),
            (Asked::Login, _) => {
                self.login = None;
                let login = if accepted { "accepted".to_owned() } else { refused() };
                self.facts.update("login", login, Side::Server, packet);
            }
            (Asked::Mailbox, _) => {
                self.mailboxes = self.mailboxes.saturating_add(1);
                let value = match (accepted, self.exist.take()) {
                    (true, Some(exist)) => format!("{what} ({})", counted(&exist, "message")),
                    (true, None) => what.clone(),
                    (false, _) => format!("{what}: {}", refused()),
                };
                self.facts.add_few("mailbox", value, Side::Client, packet, limits::MAX_REPEATED_FACTS);
            }
            (Asked::Other, _) => {}
        }
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.mailboxes > as_u64(limits::MAX_REPEATED_FACTS) {
            self.facts.add("mailboxes", self.mailboxes.to_string(), Side::Client, context.packet);
        }
        if let Some(tls) = self.tls.fact() {
            self.facts.add("starttls", tls, Side::Client, context.packet);
        }
        if self.lines.met_overlong() {
            self.facts.leave_out();
        }
        self.facts.tell("imap", context, out);
    }
}

impl Session for Imap {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } => self.stream(direction, bytes, context, out),
            Input::Gap { direction, length } => {
                let half = self.half(direction);
                half.kept = None;
                if half.literal > length {
                    half.literal = half.literal.saturating_sub(length);
                } else {
                    (half.literal, half.goes_on) = (0, false);
                    self.lines.lost(direction);
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
