//! One connection to a SOCKS proxy, until the way behind it is open. What each side sends is told from its own bytes: a
//! client need not wait for answers.
use nom::IResult;

use super::parser::{self, Target};
use crate::{
    app::{Carrier, Note, Probe, Session, Sink, Verdict},
    limits,
    record::{
        Application, ApplicationFact, Context, Direction, Evidence, Finding, Input, Layer, PacketRef, Progress, Record,
        Severity, Side, Subject,
    },
};

/// Whether a client's first bytes are those of SOCKS: the message, and nothing but it. A server never begins.
pub(super) fn probe(asked: &Probe<'_>) -> Verdict {
    if !asked.from_start
        || asked.direction != Direction::ClientToServer
        || !matches!(asked.carrier, Carrier::Tcp | Carrier::Tls)
    {
        return Verdict::No;
    }
    let verdict = |whole: bool| if whole { Verdict::Likely } else { Verdict::No };
    match asked.bytes {
        [4] | [4, 1 | 2, ..] => match parser::request4(asked.bytes) {
            Ok((rest, (_, target, user))) => {
                verdict(rest.is_empty() && target.port != 0 && is_text(&user) && is_text(&target.host))
            }
            Err(nom::Err::Incomplete(_)) => Verdict::Maybe,
            Err(_) => Verdict::No,
        },
        // IANA has assigned ten methods; private ones begin at 0x80.
        [5, ..] => match parser::methods(asked.bytes) {
            Ok((rest, methods)) => {
                let known = methods.iter().all(|method| *method <= 9 || *method >= 0x80);
                verdict(
                    known && methods.len() <= 16 && (rest.is_empty() || matches!(rest, [5, 1..=3, 0, ..] | [1, ..])),
                )
            }
            Err(nom::Err::Incomplete(_)) => Verdict::Maybe,
            Err(_) => Verdict::No,
        },
        _ => Verdict::No,
    }
}

fn is_text(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What comes next from one side.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Next {
    /// The client's offer, or version 4's request; the server's choice, or version 4's reply.
    #[default]
    First,
    /// The answer to user name and password.
    User,
    /// Version 5's request or reply, the client's user name before it.
    Message,
    /// Nothing any more before the way is open.
    Nothing,
}

/// The session.
#[derive(Debug, Default)]
pub(super) struct Socks {
    client: Next,
    server: Next,
    facts: Vec<ApplicationFact>,
    evidence: Evidence,
    /// Command, where to, and the packet that asked.
    request: Option<(u8, Target, PacketRef)>,
    /// A second reply follows when somebody connects (BIND).
    bound: bool,
    told: bool,
}

const CONNECT: u8 = 1;
const BIND: u8 = 2;

impl Socks {
    fn fact(&mut self, name: &'static str, value: String, side: Side, packet: PacketRef) {
        self.evidence.add(packet.number);
        if self.facts.len() < limits::MAX_APPLICATION_FACTS {
            self.facts.push(ApplicationFact { name, value, side, packet: packet.number });
        }
    }

    fn read_client<'a>(&mut self, bytes: &'a [u8], place: &Place<'_, '_>, out: &mut Sink<'_>) -> Read<'a> {
        match (self.client, bytes.first()) {
            (Next::First, Some(4)) => {
                let (rest, (command, target, user)) = parser::request4(bytes)?;
                let packet = place.completing(rest, out);
                self.fact(
                    "version",
                    if target.host.parse::<std::net::Ipv4Addr>().is_ok() { "4" } else { "4a" }.to_owned(),
                    Side::Client,
                    packet,
                );
                if !user.is_empty() {
                    self.fact("user", user, Side::Client, packet);
                }
                self.asks(command, target, packet, out);
                Ok((rest, ()))
            }
            (Next::First, _) => {
                let (rest, methods) = parser::methods(bytes)?;
                let names: Vec<String> = methods.iter().map(|method| method_name(*method)).collect();
                let packet = place.completing(rest, out);
                self.fact("version", "5".to_owned(), Side::Client, packet);
                self.fact("methods_offered", names.join(", "), Side::Client, packet);
                note(&format!("SOCKS 5 methods offered: {}", names.join(", ")), out);
                self.client = Next::Message;
                Ok((rest, ()))
            }
            (_, Some(1)) => {
                let (rest, user) = parser::user_name(bytes)?;
                let packet = place.completing(rest, out);
                self.fact("user", String::from_utf8_lossy(user).into_owned(), Side::Client, packet);
                note("SOCKS 5 user name and password", out);
                let title = "A password for a SOCKS proxy travels in the clear".to_owned();
                let explanation = "User name and password of RFC 1929 are not encrypted: whoever reads the way to the \
                                   proxy has them. Reach the proxy through TLS or SSH, or on the same machine."
                    .to_owned();
                self.finding(
                    (Severity::Warning, "socks.plaintext-credentials"),
                    (title, explanation),
                    packet,
                    place.context,
                    out,
                );
                Ok((rest, ()))
            }
            _ => {
                let (rest, (command, target)) = parser::message5(bytes)?;
                self.asks(command, target, place.completing(rest, out), out);
                Ok((rest, ()))
            }
        }
    }

    fn asks(&mut self, command: u8, target: Target, packet: PacketRef, out: &mut Sink<'_>) {
        let name = command_name(command);
        note(&format!("SOCKS {name} {target}"), out);
        self.fact("command", name, Side::Client, packet);
        self.fact("destination", target.to_string(), Side::Client, packet);
        self.request = Some((command, target, packet));
        self.client = Next::Nothing;
    }

    /// Reads the server's next message; says whether the way is open.
    fn read_server<'a>(
        &mut self,
        bytes: &'a [u8],
        place: &Place<'_, '_>,
        out: &mut Sink<'_>,
    ) -> IResult<&'a [u8], Answer> {
        match (self.server, bytes.first()) {
            (Next::First, Some(0)) => {
                let (rest, (code, target)) = parser::reply4(bytes)?;
                let words = match code {
                    90 => "granted".to_owned(),
                    92 => "rejected (92), no identd at the client".to_owned(),
                    93 => "rejected (93), identd names another user".to_owned(),
                    _ => format!("rejected or failed ({code})"),
                };
                Ok((rest, self.reply((code == 90, &words), &target, place.completing(rest, out), place.context, out)))
            }
            (Next::First, _) => {
                let (rest, method) = parser::chosen_method(bytes)?;
                let packet = place.completing(rest, out);
                self.fact("method", method_name(method), Side::Server, packet);
                note(&format!("SOCKS 5 method: {}", method_name(method)), out);
                self.server = if method == 2 { Next::User } else { Next::Message };
                if method == 0xff {
                    self.refused(
                        "it accepts none of the methods that the client offered to prove itself",
                        packet,
                        place.context,
                        out,
                    );
                }
                // What GSS-API and private methods say is not known here.
                Ok((rest, if matches!(method, 0 | 2) { Answer::GoOn } else { Answer::Closed }))
            }
            (Next::User, _) => {
                let (rest, status) = parser::user_status(bytes)?;
                let packet = place.completing(rest, out);
                self.fact(
                    "authentication",
                    if status == 0 { "accepted" } else { "refused" }.to_owned(),
                    Side::Server,
                    packet,
                );
                self.server = Next::Message;
                if status != 0 {
                    self.refused("user name or password is wrong", packet, place.context, out);
                }
                Ok((rest, if status == 0 { Answer::GoOn } else { Answer::Closed }))
            }
            _ => {
                let (rest, (code, target)) = parser::message5(bytes)?;
                let words = reply_name(code);
                Ok((rest, self.reply((code == 0, &words), &target, place.completing(rest, out), place.context, out)))
            }
        }
    }

    fn reply(
        &mut self,
        (granted, words): (bool, &str),
        bound: &Target,
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Answer {
        note(&format!("SOCKS reply: {words}"), out);
        self.fact("reply", words.to_owned(), Side::Server, packet);
        if bound.port != 0 {
            self.fact("bound", bound.to_string(), Side::Server, packet);
        }
        let command = self.request.as_ref().map(|(command, ..)| *command);
        if let Some((_, _, asked)) = &self.request {
            let waited = packet.timestamp.since(asked.timestamp);
            self.fact("answered_after_ns", waited.to_string(), Side::Server, packet);
        }
        if !granted {
            self.refused(words, packet, context, out);
            return Answer::Closed;
        }
        match command {
            Some(BIND) if !self.bound => {
                self.bound = true;
                Answer::GoOn
            }
            Some(CONNECT | BIND) => Answer::Open,
            _ => Answer::Closed,
        }
    }

    fn refused(&self, why: &str, packet: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        let target = self.request.as_ref().map_or_else(String::new, |(_, target, _)| format!(" to {target}"));
        let title = format!("The SOCKS proxy could not connect{target}: {why}");
        let explanation = format!(
            "The proxy at {} answered: {why}. The client knows no more than that; look for the proxy's own attempt where \
             its other side was captured.",
            context.flow.server
        );
        self.finding((Severity::Warning, "socks.refused"), (title, explanation), packet, context, out);
    }

    fn finding(
        &self,
        (severity, code): (Severity, &'static str),
        (title, explanation): (String, String),
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let asked = self.request.as_ref().map(|(.., asked)| asked.number);
        let evidence: Evidence = asked.into_iter().chain([packet.number]).collect();
        out.finding(Finding {
            subject: Subject::new(context.flow.id, evidence),
            client: Some(context.flow.client),
            server: Some(context.flow.server),
            severity,
            code,
            title,
            explanation,
            reference: Some("RFC 1928 6"),
        });
    }

    /// Reports what is known, once.
    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if std::mem::replace(&mut self.told, true) || self.facts.is_empty() {
            return;
        }
        out.record(Record::Application(Box::new(Application {
            subject: Subject::new(context.flow.id, std::mem::take(&mut self.evidence)),
            client: context.flow.client,
            server: context.flow.server,
            protocol: "socks",
            facts: std::mem::take(&mut self.facts),
        })));
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let mut rest = bytes;
        loop {
            let used = bytes.len().saturating_sub(rest.len());
            let place = Place { bytes, used, context };
            let waits = match direction {
                Direction::ClientToServer => self.client == Next::Nothing,
                Direction::ServerToClient => false,
            };
            // What a client sends behind its request is for whom it asked to reach.
            if rest.is_empty() || waits {
                return Progress::Consumed(used);
            }
            let read = match direction {
                Direction::ClientToServer => self.read_client(rest, &place, out).map(|(rest, ())| (rest, Answer::GoOn)),
                Direction::ServerToClient => self.read_server(rest, &place, out),
            };
            match read {
                Ok((after, Answer::GoOn)) => rest = after,
                Ok((after, Answer::Open)) => {
                    self.tell(context, out);
                    return Progress::HandOver(bytes.len().saturating_sub(after.len()));
                }
                Ok((_, Answer::Closed)) | Err(nom::Err::Error(_) | nom::Err::Failure(_)) => {
                    self.tell(context, out);
                    return Progress::Done;
                }
                Err(nom::Err::Incomplete(_)) => return Progress::Consumed(used),
            }
        }
    }
}

/// What an answer of the server means for the flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Answer {
    /// More is to be said.
    GoOn,
    /// What follows is between the client and whom it asked to reach.
    Open,
    /// Nothing more can be read.
    Closed,
}

type Read<'a> = IResult<&'a [u8], ()>;

/// Where bytes that were read begin and end.
struct Place<'a, 'c> {
    bytes: &'a [u8],
    /// Bytes before the message.
    used: usize,
    context: &'c Context<'c>,
}

impl Place<'_, '_> {
    /// The packet that completed what ends before `rest`. That is where the message lies that is noted next.
    fn completing(&self, rest: &[u8], out: &mut Sink<'_>) -> PacketRef {
        let end = self.bytes.len().saturating_sub(rest.len());
        out.lies(self.used..end);
        self.context.packet_completing(end)
    }
}

fn method_name(method: u8) -> String {
    match method {
        0 => "none",
        1 => "GSS-API",
        2 => "user name and password",
        3 => "CHAP",
        5 => "challenge-response",
        6 => "TLS",
        7 => "NDS",
        8 => "multi-authentication framework",
        9 => "JSON parameter block",
        0xff => "no acceptable method",
        _ => return format!("method {method}"),
    }
    .to_owned()
}

fn command_name(command: u8) -> String {
    match command {
        CONNECT => "CONNECT",
        BIND => "BIND",
        3 => "UDP ASSOCIATE",
        _ => return format!("command {command}"),
    }
    .to_owned()
}

/// RFC 1928 6.
fn reply_name(code: u8) -> String {
    let words = match code {
        0 => return "succeeded".to_owned(),
        1 => "general failure",
        2 => "not allowed by the proxy's rules",
        3 => "network unreachable",
        4 => "host unreachable",
        5 => "connection refused",
        6 => "TTL expired",
        7 => "command not supported",
        8 => "address type not supported",
        _ => "unknown reason",
    };
    format!("{words} ({code})")
}

fn note(info: &str, out: &mut Sink<'_>) {
    if out.wants_notes() {
        let layer = Layer { protocol: "socks", osi: 5, unit: "message", offset: 0, length: 0, fields: Vec::new() };
        out.note(Note::new(info.to_owned(), layer));
    }
}

impl Session for Socks {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } => self.stream(direction, bytes, context, out),
            // What is missing cannot be read around: the next message may begin anywhere.
            Input::Gap { .. } | Input::Close | Input::Datagram { .. } => {
                self.tell(context, out);
                Progress::Done
            }
            Input::End { .. } | Input::Skipped { .. } => Progress::Consumed(0),
        }
    }
}
