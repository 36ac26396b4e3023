//! TLS inside QUIC: handshake messages without records, in the order of the CRYPTO stream (RFC 9001 4.1.3), those of all
//! encryption levels that could be opened.
use super::{
    conversation::{Conversation, Message},
    note,
    session::message_length,
};
use crate::{
    app::{Session, Sink},
    limits,
    record::{Context, Direction, Input, Notice, Progress, TlsTransport, Underway},
};

/// TLS over QUIC's CRYPTO stream: handshake messages without records (RFC 9001 4.1.3).
pub(super) struct CryptoSession {
    conversation: Conversation,
}

impl CryptoSession {
    pub(super) fn new() -> Self {
        Self { conversation: Conversation::new(TlsTransport::Quic) }
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let mut at = 0_usize;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            if rest.is_empty() {
                return Progress::Consumed(at);
            }
            let Some(length) = message_length(rest) else { return Progress::Need { consumed: at, at_least: 4 } };
            let end = at.saturating_add(length);
            if length > limits::MAX_HANDSHAKE_MESSAGE_BYTES {
                out.limit(&limits::TLS);
                return Progress::Skip(u64::try_from(end).unwrap_or(u64::MAX));
            }
            let Some(message) = rest.get(..length) else { return Progress::Need { consumed: at, at_least: length } };
            let (kind, body) = (message.first().copied().unwrap_or_default(), message.get(4..).unwrap_or_default());
            let packet = context.packet_completing(end);
            let message = Message { direction, kind, body, record_version: None, packet };
            self.conversation.message(message, context, out);
            if out.wants_notes() {
                out.note(note::of_message(kind, body, self.conversation.shown(&[kind])));
            }
            at = end;
        }
    }
}

impl Session for CryptoSession {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } => return self.stream(direction, bytes, context, out),
            Input::End { direction, cause } => self.conversation.end(direction, cause, context, out),
            Input::Close => self.conversation.close(context, out),
            // CRYPTO bytes that never came: their carrier goes on where a message begins, and half of one is gone.
            Input::Gap { .. } | Input::Skipped { .. } | Input::Datagram { .. } => {}
        }
        Progress::Consumed(0)
    }

    fn notice(&mut self, notice: &Notice, context: &Context<'_>, out: &mut Sink<'_>) {
        self.conversation.carrier(notice, context, out);
    }

    fn underway(&self) -> Option<Underway> {
        self.conversation.underway()
    }
}
