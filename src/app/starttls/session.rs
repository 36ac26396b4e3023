//! One connection until TLS begins: lines pass, the request for TLS and its answer are noted, and the ClientHello is left
//! for whoever reads TLS.
use super::{
    Kind,
    dialogue::{self, Answer},
};
use crate::{
    app::{Note, Session, Sink},
    limits,
    record::{Context, Direction, EndCause, Evidence, Finding, Input, Layer, PacketRef, Progress, Severity, Subject},
};

/// How far it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Nobody spoke of TLS.
    Plain,
    /// The client asked, with this packet.
    Asked(PacketRef),
    /// The server agreed, with this packet.
    Agreed(PacketRef),
}

/// The session.
pub(super) struct StartTls {
    kind: Kind,
    stage: Stage,
    /// Bytes that passed before TLS was spoken of.
    passed: u64,
    /// Whether the next byte of each direction begins a line or a message.
    fresh: [bool; 2],
}

impl StartTls {
    /// Of a protocol.
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, stage: Stage::Plain, passed: 0, fresh: [true; 2] }
    }

    fn client(&mut self, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let mut at = 0_usize;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let begins = self.fresh.first() == Some(&true);
            if begins {
                match dialogue::is_client_hello(rest) {
                    Some(true) => {
                        self.tls_begins(context.packet_at(at), context, out);
                        return Progress::HandOver(at);
                    }
                    None => return self.count(at),
                    Some(false) => {}
                }
            }
            let Some(next) = self.advance(Direction::ClientToServer, bytes, at) else { break };
            if begins && dialogue::asks(self.kind, rest) {
                self.stage = Stage::Asked(context.packet_at(at));
                note(self.kind, "STARTTLS", out);
            }
            at = next;
        }
        self.count(at)
    }

    fn server(&mut self, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let mut at = 0_usize;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let begins = self.fresh.get(1) == Some(&true);
            let Some(next) = self.advance(Direction::ServerToClient, bytes, at) else { break };
            if let (Stage::Asked(asked), true) = (self.stage, begins) {
                match dialogue::answer(self.kind, rest) {
                    Answer::Yes => self.stage = Stage::Agreed(context.packet_at(at)),
                    Answer::No => {
                        self.stage = Stage::Plain;
                        self.refused([asked, context.packet_at(at)], context, out);
                    }
                    Answer::Other => {}
                }
            }
            at = next;
        }
        self.count(at)
    }

    /// Behind the line or message that begins at `at`; none while its end is awaited. What is longer than any line passes.
    fn advance(&mut self, direction: Direction, bytes: &[u8], at: usize) -> Option<usize> {
        let rest = bytes.get(at..).unwrap_or_default();
        let end = match self.kind {
            // Length in the first three bytes, little-endian, of what follows the fourth.
            Kind::MySql => match rest {
                [low, middle, high, _, ..] => usize::try_from(u32::from_le_bytes([*low, *middle, *high, 0]))
                    .ok()
                    .map(|length| length.saturating_add(4))
                    .filter(|end| *end <= rest.len()),
                _ => None,
            },
            Kind::Smtp | Kind::Imap | Kind::Pop3 | Kind::Ftp => {
                memchr::memchr(b'\n', rest).map(|end| end.saturating_add(1))
            }
            Kind::Xmpp => memchr::memchr(b'>', rest).map(|end| end.saturating_add(1)),
            // The request has eight bytes, the answer one; what else there is is not looked at.
            Kind::PostgreSql => (direction == Direction::ServerToClient || rest.len() >= 8).then_some(rest.len()),
        };
        let passes = end.is_none() && rest.len() >= limits::MAX_STARTTLS_LINE_BYTES;
        if let Some(fresh) = self.fresh.get_mut(direction.index()) {
            *fresh = !passes;
        }
        if passes { Some(bytes.len()) } else { end.map(|end| at.saturating_add(end)) }
    }

    /// Where nobody asks for TLS for long, nobody will.
    fn count(&mut self, passed: usize) -> Progress {
        self.passed = self.passed.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX));
        let waiting = self.stage == Stage::Plain;
        if waiting && self.passed > limits::MAX_BEFORE_STARTTLS { Progress::Done } else { Progress::Consumed(passed) }
    }

    fn tls_begins(&mut self, hello: PacketRef, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.stage == Stage::Plain && !matches!(self.kind, Kind::PostgreSql) {
            let title = format!("The client began with TLS on a port that speaks plain {}", self.kind.title());
            let explanation =
                "The server greeted in the clear, and nobody asked for TLS. Use STARTTLS here, or the port \
                               where TLS comes first."
                    .to_owned();
            finding(out, context, Severity::Error, "starttls.not-asked", [hello], title, explanation);
        }
    }

    fn refused(&self, packets: [PacketRef; 2], context: &Context<'_>, out: &mut Sink<'_>) {
        let title = format!("The {} server refused to go over to TLS", self.kind.title());
        let explanation =
            "What follows on this connection is in the clear, passwords included, unless the client stops \
                           here. Somebody on the way can forge such a refusal."
                .to_owned();
        finding(out, context, Severity::Warning, "starttls.refused", packets, title, explanation);
    }
}

fn finding<const N: usize>(
    out: &mut Sink<'_>,
    context: &Context<'_>,
    severity: Severity,
    code: &'static str,
    packets: [PacketRef; N],
    title: String,
    explanation: String,
) {
    let evidence: Evidence = packets.into_iter().map(|packet| packet.number).collect();
    out.finding(Finding {
        subject: Subject::new(context.flow.id, evidence),
        client: Some(context.flow.client),
        server: Some(context.flow.server),
        severity,
        code,
        title,
        explanation,
        reference: Some("RFC 7817 2"),
    });
}

fn note(kind: Kind, what: &str, out: &mut Sink<'_>) {
    if out.wants_notes() {
        let info = format!("{} {what}", kind.title());
        let layer = Layer { protocol: "starttls", osi: 7, unit: "message", offset: 0, length: 0, fields: Vec::new() };
        out.note(Note { info, layer });
    }
}

impl Session for StartTls {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction: Direction::ClientToServer, bytes } => self.client(bytes, context, out),
            Input::Stream { direction: Direction::ServerToClient, bytes } => self.server(bytes, context, out),
            Input::Gap { direction, .. } => {
                if let Some(fresh) = self.fresh.get_mut(direction.index()) {
                    *fresh = false;
                }
                Progress::Consumed(0)
            }
            Input::End { cause: EndCause::Fin | EndCause::Reset, .. } | Input::Skipped { .. } => Progress::Consumed(0),
            Input::Close | Input::Datagram { .. } => Progress::Done,
        }
    }
}
