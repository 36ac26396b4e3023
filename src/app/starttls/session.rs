//! One connection until TLS begins: lines pass, the request for TLS and its answer are noted, and the ClientHello is left
//! for whoever reads TLS.
use super::{
    Kind,
    dialogue::{self, Answer},
};
use crate::{
    app::{
        Note, Session, Sink,
        codec::starttls::{StartTls as Tls, is_client_hello},
    },
    limits,
    record::{Context, Direction, EndCause, Input, Layer, Progress},
};

/// The session.
pub(super) struct StartTls {
    kind: Kind,
    tls: Tls,
    /// Bytes that passed before TLS was spoken of.
    passed: u64,
    /// Whether the next byte of each direction begins a line or a message.
    fresh: [bool; 2],
}

impl StartTls {
    /// Of a protocol.
    pub(super) fn new(kind: Kind) -> Self {
        Self { kind, tls: Tls::default(), passed: 0, fresh: [true; 2] }
    }

    fn client(&mut self, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let mut at = 0_usize;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let begins = self.fresh.first() == Some(&true);
            if begins {
                match is_client_hello(rest) {
                    Some(true) => {
                        // PostgreSQL's own way to begin with TLS at once asks for nothing.
                        let title = (self.kind != Kind::PostgreSql).then(|| self.kind.title());
                        self.tls.begin(title, context.packet_at(at), context, out);
                        return Progress::HandOver(at);
                    }
                    None => return self.count(at),
                    Some(false) => {}
                }
            }
            let Some(next) = self.advance(Direction::ClientToServer, bytes, at) else { break };
            if begins && dialogue::asks(self.kind, rest) {
                self.tls.ask(context.packet_at(at));
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
            if self.tls.is_asked() && begins {
                match dialogue::answer(self.kind, rest) {
                    Answer::Yes => self.tls.agree(),
                    Answer::No => self.tls.refuse(self.kind.title(), context.packet_at(at), context, out),
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
        let waiting = !self.tls.is_asked();
        if waiting && self.passed > limits::MAX_BEFORE_STARTTLS { Progress::Done } else { Progress::Consumed(passed) }
    }
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
