//! One connection of XMPP until TLS begins: elements pass, the request for TLS and its answer are noted, and the ClientHello is
//! left for whoever reads TLS.
use memchr::memchr;

use crate::{
    app::{
        Carrier, Session, Sink,
        codec::{
            draft::Draft,
            lines::as_u64,
            starttls::{StartTls, is_client_hello},
        },
    },
    limits,
    record::{Context, Direction, Input, Progress},
};

/// The session.
#[derive(Debug)]
pub(super) struct Xmpp {
    carrier: Carrier,
    tls: StartTls,
    /// Bytes that passed.
    passed: u64,
    /// The next byte of each direction is inside an element whose beginning was lost, or that is too long.
    broken: [bool; 2],
}

impl Xmpp {
    pub(super) fn new(carrier: Carrier) -> Self {
        Self { carrier, tls: StartTls::default(), passed: 0, broken: [false; 2] }
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let mut at = 0_usize;
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let begins = self.broken.get(direction.index()) == Some(&false);
            if begins && direction == Direction::ClientToServer {
                match is_client_hello(rest) {
                    Some(true) => {
                        let title = (self.carrier == Carrier::Tcp).then_some("XMPP");
                        self.tls.begin(title, context.packet_at(at), context, out);
                        return Progress::HandOver(at);
                    }
                    None => break,
                    Some(false) => {}
                }
            }
            let end = memchr(b'>', rest);
            if end.is_none() && rest.len() < limits::MAX_STARTTLS_LINE_BYTES {
                break;
            }
            if let Some(broken) = self.broken.get_mut(direction.index()) {
                *broken = end.is_none();
            }
            if begins {
                out.lies(at..end.map_or(bytes.len(), |end| at.saturating_add(end).saturating_add(1)));
                self.element(direction, rest, at, context, out);
            }
            at = end.map_or(bytes.len(), |end| at.saturating_add(end).saturating_add(1));
        }
        // Where nobody asks for TLS for long, nobody will.
        self.passed = self.passed.saturating_add(as_u64(at));
        let waits = self.tls.is_asked();
        if !waits && self.passed > limits::MAX_BEFORE_STARTTLS { Progress::Done } else { Progress::Consumed(at) }
    }

    fn element(&mut self, direction: Direction, element: &[u8], at: usize, context: &Context<'_>, out: &mut Sink<'_>) {
        let element = element.trim_ascii_start();
        match direction {
            Direction::ClientToServer if element.starts_with(b"<starttls") => {
                self.tls.ask(context.packet_at(at));
                let mut draft = Draft::default();
                draft.say("", "STARTTLS");
                draft.tell("xmpp", out);
            }
            Direction::ServerToClient if self.tls.is_asked() && element.starts_with(b"<proceed") => self.tls.agree(),
            Direction::ServerToClient if self.tls.is_asked() && element.starts_with(b"<failure") => {
                self.tls.refuse("XMPP", context.packet_at(at), context, out);
            }
            _ => {}
        }
    }
}

impl Session for Xmpp {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } => self.stream(direction, bytes, context, out),
            Input::Gap { direction, .. } => {
                if let Some(broken) = self.broken.get_mut(direction.index()) {
                    *broken = true;
                }
                Progress::Consumed(0)
            }
            Input::End { .. } | Input::Skipped { .. } => Progress::Consumed(0),
            Input::Close | Input::Datagram { .. } => Progress::Done,
        }
    }
}
