//! TLS over a TCP stream: finds records and whole handshake messages in what is offered, in whatever pieces, and hands
//! them to the conversation. Encrypted records pass unread and unbuffered.
use super::{
    conversation::{Conversation, Message},
    diagnosis, note,
    opened::Decrypted,
    parser::{self, kind},
    record_layer::{self, Found, HEADER_BYTES, Header, content},
    report::{Passed, report_record},
    state::Machine,
};
use crate::{
    app::{MessageRange, Session, Sink},
    limits,
    record::{
        Context, Direction, EndCause, Input, PacketNumber, PacketRef, Progress, RecordAlert, RecordKind, TlsTransport,
        Underway,
    },
};

/// One direction of the stream.
#[derive(Default)]
struct Half {
    /// Whether anything was offered yet.
    begun: bool,
    /// Whether the next byte begins a record.
    aligned: bool,
    /// Whether bytes are missing before, so that encryption may have begun unseen.
    uncertain: bool,
    /// Whether ChangeCipherSpec was seen.
    changed: bool,
    /// Whether the record being read is the direction's first.
    is_first: bool,
    /// Version in the last record's header.
    version: Option<u16>,
    /// A handshake message whose end is in a later record.
    message: Vec<u8>,
    /// Bytes of a message that is too long to keep, which must pass.
    overlong: usize,
    /// An encrypted record that was skipped but for its last byte.
    skipped: Option<Header>,
    /// The packet that brought its first byte.
    skipped_first: Option<PacketNumber>,
    /// What a skip was to let pass, in bytes.
    expected: u64,
    /// Whether the bytes offered last end in the middle of a record.
    cut: bool,
    /// The last record, as it began.
    last: Option<Header>,
    /// Whether its sender has sent FIN.
    ended: bool,
    /// Bytes passed in search of a record.
    searched: usize,
    /// Whether it is not TLS, or no longer.
    lost: bool,
}

/// TLS over TCP.
pub(super) struct TlsSession {
    pub(super) conversation: Conversation,
    halves: [Half; 2],
    /// Where secrets were given, or may come.
    pub(super) decrypted: Option<Box<Decrypted>>,
}

impl TlsSession {
    pub(super) fn new() -> Self {
        Self { conversation: Conversation::new(TlsTransport::Tcp), halves: <[Half; 2]>::default(), decrypted: None }
    }

    fn half(&mut self, direction: Direction) -> &mut Half {
        let [client, server] = &mut self.halves;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let half = self.half(direction);
        if !half.begun {
            half.begun = true;
            half.aligned = context.from_start || Header::read(bytes).is_some_and(Header::is_plausible);
            half.uncertain = !context.from_start;
        }
        let mut at = 0_usize;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let half = self.half(direction);
            if half.lost {
                return Progress::Consumed(bytes.len());
            }
            half.cut = !rest.is_empty();
            if rest.is_empty() {
                return Progress::Consumed(at);
            }
            if let Some(header) = half.skipped.take() {
                let (end, first) = (at.saturating_add(1), half.skipped_first.take());
                let length = u64::try_from(header.total()).unwrap_or(u64::MAX);
                out.lies_at(MessageRange { end, length, first });
                self.opaque(direction, header, context.packet_at(at), context, out);
                at = end;
                continue;
            }
            if !half.aligned {
                let found = search(half, rest);
                if half.lost {
                    out.limit(&limits::TLS);
                }
                match found {
                    Ok(found) => at = at.saturating_add(found),
                    Err((consumed, None)) => return Progress::Consumed(at.saturating_add(consumed)),
                    Err((consumed, Some(at_least))) => {
                        return Progress::Need { consumed: at.saturating_add(consumed), at_least };
                    }
                }
                continue;
            }
            match self.record(direction, rest, at, context, out) {
                Step::Used(used) => at = at.saturating_add(used),
                Step::Need(at_least) => return Progress::Need { consumed: at, at_least },
                Step::Skip(length) => {
                    let skip = u64::try_from(at.saturating_add(length)).unwrap_or(u64::MAX);
                    self.half(direction).expected = skip;
                    return Progress::Skip(skip);
                }
            }
        }
    }

    /// Reads the record at the start of `rest`, which is at `at` of the offered bytes.
    fn record(
        &mut self,
        direction: Direction,
        rest: &[u8],
        at: usize,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Step {
        let Some(header) = Header::read(rest) else { return Step::Need(HEADER_BYTES) };
        if !header.is_plausible() {
            return self.not_a_record(direction, rest, at, context, out);
        }
        let total = header.total();
        out.lies(at..at.saturating_add(total));
        let half = self.half(direction);
        half.is_first = half.version.is_none();
        half.version = Some(header.version);
        half.last = Some(header);
        if let Some(decrypted) = &mut self.decrypted
            && decrypted.decryption.wants(direction, header.content_type, context.secrets, context.packet.index)
        {
            let Some(bytes) = rest.get(..total) else { return Step::Need(total) };
            let packet = context.packet_completing(at.saturating_add(total));
            if self.open(direction, header, bytes, packet, context, out) {
                return Step::Used(total);
            }
        }
        let half = self.half(direction);
        let opaque = match header.content_type {
            content::CHANGE_CIPHER_SPEC => false,
            content::ALERT => header.length != 2,
            content::HANDSHAKE if half.overlong > 0 || !half.message.is_empty() => false,
            content::HANDSHAKE => {
                let (uncertain, changed) = (half.uncertain, half.changed);
                let tls13 = self.conversation.is_tls13();
                let protected = tls13 == Some(true) || (changed && !self.conversation.saw_hello_retry());
                let encrypted = protected && !(changed && self.conversation.is_unencrypted());
                if uncertain && !encrypted && rest.len() < total {
                    return Step::Need(total);
                }
                // Nine bytes show the first message's header and the version behind it.
                if encrypted && rest.len() < total.min(11) {
                    return Step::Need(total.min(11));
                }
                let fragment = rest.get(HEADER_BYTES..).unwrap_or_default();
                let new_hello = encrypted && is_new_hello(header, fragment);
                if new_hello {
                    for half in &mut self.halves {
                        half.changed = false;
                    }
                    if let Some(decrypted) = &mut self.decrypted {
                        decrypted.decryption.restart();
                    }
                }
                let fragment = rest.get(HEADER_BYTES..total).unwrap_or(fragment);
                !new_hello && (encrypted || (uncertain && !is_readable(fragment)))
            }
            _ => true,
        };
        if opaque {
            if rest.len() >= total {
                self.opaque(direction, header, context.packet_completing(at.saturating_add(total)), context, out);
                return Step::Used(total);
            }
            let exact = self.conversation.is_watching() || out.wants(RecordKind::TlsRecord) || out.wants_notes();
            if !exact {
                return Step::Skip(total);
            }
            // All but the last byte: when that is offered, its packet is the one that completed the record.
            let half = self.half(direction);
            (half.skipped, half.skipped_first) = (Some(header), Some(context.packet_at(at).number));
            return Step::Skip(total.saturating_sub(1));
        }
        let Some(mut fragment) = rest.get(HEADER_BYTES..total) else { return Step::Need(total) };
        let packet = context.packet_completing(at.saturating_add(total));
        if self.half(direction).changed
            && self.conversation.is_unencrypted()
            && let Some(message) = message_length(fragment).and_then(|length| fragment.get(..length))
        {
            // What follows is the MAC.
            fragment = message;
        }
        match header.content_type {
            content::HANDSHAKE => {
                let start = at.saturating_add(HEADER_BYTES);
                self.handshake(direction, header, (fragment, Place::At(start)), context, out);
            }
            content::ALERT => self.alert(direction, header, fragment, packet, context, out),
            _ => self.change_cipher_spec(direction, header, packet, context, out),
        }
        Step::Used(total)
    }

    fn not_a_record(
        &mut self,
        direction: Direction,
        rest: &[u8],
        at: usize,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Step {
        if self.half(direction).version.is_none()
            && let Some(total) = record_layer::sslv2_hello_length(rest)
        {
            let Some(body) = rest.get(2..total) else { return Step::Need(total) };
            out.lies(at..at.saturating_add(total));
            let packet = context.packet_completing(at.saturating_add(total));
            self.half(direction).version = Some(2);
            if let Ok((_, hello)) = parser::sslv2_client_hello(body) {
                let message =
                    Message { direction, kind: kind::CLIENT_HELLO, body, record_version: Some(0x0002), packet };
                self.conversation.client_hello(&hello, message, context, out);
            }
            let length = u16::try_from(body.len()).unwrap_or(u16::MAX);
            let passed = Passed { content_type: None, version: 0x0002, length };
            self.report(direction, passed, vec![kind::CLIENT_HELLO], None, false, packet, context, out);
            return Step::Used(total);
        }
        let may_be_sslv2 = self.half(direction).version.is_none() && rest.len() < 11 && rest.get(2) == Some(&1);
        if may_be_sslv2 && rest.first().is_some_and(|byte| byte & 0x80 != 0) {
            return Step::Need(11);
        }
        let half = self.half(direction);
        let opening = half.version.is_none() && !half.uncertain;
        let other = self.half(direction.reverse());
        // Where TLS comes first, on both sides: not after STARTTLS.
        if opening && other.begun && !other.uncertain && self.conversation.is_watching() {
            let packet = context.packet_at(at);
            self.half(direction).lost = true;
            self.conversation.not_tls(direction, record_layer::plain_text(rest), packet, context, out);
            return Step::Used(rest.len());
        }
        let half = self.half(direction);
        half.aligned = false;
        half.uncertain = true;
        half.message.clear();
        half.overlong = 0;
        Step::Used(1)
    }

    /// An encrypted record, complete.
    fn opaque(
        &mut self,
        direction: Direction,
        header: Header,
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        if let Some(decrypted) = &mut self.decrypted {
            decrypted.decryption.passed(direction, header.content_type);
            decrypted.content.lost(direction, header.length.into(), out);
        }
        self.conversation.protected(direction, (header.content_type, header.length), packet, context, out);
        self.report(direction, header.into(), Vec::new(), None, true, packet, context, out);
    }

    fn change_cipher_spec(
        &mut self,
        direction: Direction,
        header: Header,
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        self.half(direction).changed = true;
        if let Some(decrypted) = &mut self.decrypted {
            decrypted.decryption.change_cipher_spec(direction, context.secrets, packet);
        }
        self.conversation.change_cipher_spec(direction, packet, context);
        self.report(direction, header.into(), Vec::new(), None, false, packet, context, out);
    }

    pub(super) fn alert(
        &mut self,
        direction: Direction,
        header: Header,
        fragment: &[u8],
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let &[level, description] = fragment else { return };
        let half = self.half(direction);
        let opening = half.is_first && !half.uncertain;
        let other_begun = self.half(direction.reverse()).begun;
        if opening && !other_begun && direction == Direction::ServerToClient && !self.conversation.is_watching() {
            diagnosis::alert_to_plain_text(description, packet, context, out);
        }
        self.conversation.alert(direction, (level, description), packet, context, out);
        let alert = Some(RecordAlert { level, description });
        self.report(direction, header.into(), Vec::new(), alert, false, packet, context, out);
    }

    /// A readable handshake record: messages that end in it, and the beginning of one that does not.
    pub(super) fn handshake(
        &mut self,
        direction: Direction,
        header: Header,
        (fragment, place): (&[u8], Place),
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let mut kinds = Vec::new();
        let mut rest = fragment;
        let mut pending = std::mem::take(&mut self.half(direction).message);
        let overlong = std::mem::take(&mut self.half(direction).overlong);
        if overlong > 0 {
            let passed = overlong.min(rest.len());
            rest = rest.get(passed..).unwrap_or_default();
            self.half(direction).overlong = overlong.saturating_sub(passed);
        }
        let record_version = Some(header.version);
        let completed_by = |rest: &[u8]| {
            let used = fragment.len().saturating_sub(rest.len());
            place.completing(used, context)
        };
        while !pending.is_empty() && !rest.is_empty() {
            let wanted = message_length(&pending).unwrap_or(4);
            let (more, after) = rest.split_at_checked(wanted.saturating_sub(pending.len())).unwrap_or((rest, &[]));
            pending.extend_from_slice(more);
            rest = after;
            if message_length(&pending).is_some_and(|length| pending.len() >= length) {
                let (kind, body) = (pending.first().copied().unwrap_or_default(), pending.get(4..).unwrap_or_default());
                kinds.push(kind);
                let message = Message { direction, kind, body, record_version, packet: completed_by(rest) };
                self.message(message, context, out);
                pending.clear();
            }
        }
        while pending.is_empty() && !rest.is_empty() {
            let whole = message_length(rest).and_then(|length| rest.split_at_checked(length));
            let Some((message, after)) = whole else {
                pending.extend_from_slice(rest);
                break;
            };
            rest = after;
            let (kind, body) = (message.first().copied().unwrap_or_default(), message.get(4..).unwrap_or_default());
            kinds.push(kind);
            let message = Message { direction, kind, body, record_version, packet: completed_by(rest) };
            self.message(message, context, out);
        }
        let half = self.half(direction);
        match message_length(&pending) {
            Some(length) if length > limits::MAX_HANDSHAKE_MESSAGE_BYTES => {
                half.overlong = length.saturating_sub(pending.len());
                out.limit(&limits::TLS);
            }
            _ => half.message = pending,
        }
        let packet = place.completing(fragment.len(), context);
        self.report(direction, header.into(), kinds, None, false, packet, context, out);
    }

    /// Reports a record that passed, where that is wanted.
    #[allow(clippy::too_many_arguments)] // one call per kind of record; a struct would only rename them
    pub(super) fn report(
        &mut self,
        direction: Direction,
        passed: Passed,
        handshake_types: Vec<u8>,
        alert: Option<RecordAlert>,
        encrypted: bool,
        packet: PacketRef,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        if out.wants_notes() {
            let hello = self.conversation.shown(&handshake_types);
            let protocol = ("tls", self.conversation.agreed_on_tls13());
            out.note(note::of_record(passed, &handshake_types, alert, encrypted, hello, protocol));
        }
        report_record(TlsTransport::Tcp, direction, passed, handshake_types, alert, encrypted, packet, context, out);
    }
}

/// Where a fragment lies: in the bytes offered, or in a record of which all became readable at once.
#[derive(Clone, Copy)]
pub(super) enum Place {
    At(usize),
    Of(PacketRef),
}

impl Place {
    /// The packet that completed its first `end` bytes.
    fn completing(self, end: usize, context: &Context<'_>) -> PacketRef {
        match self {
            Self::At(start) => context.packet_completing(start.saturating_add(end)),
            Self::Of(packet) => packet,
        }
    }
}

/// What became of a record.
enum Step {
    /// So many bytes are done with.
    Used(usize),
    /// So many bytes are needed from its start.
    Need(usize),
    /// So many bytes from its start may pass.
    Skip(usize),
}

/// Looks for a record in a stream that lost its alignment: how far it is, or how many bytes are done with and how many
/// are wanted behind them.
fn search(half: &mut Half, rest: &[u8]) -> Result<usize, (usize, Option<usize>)> {
    // After the handshake the version does not change any more.
    let version = half.version.filter(|_| half.changed);
    let (passed, answer) = match record_layer::resynchronise(rest, version) {
        Found::At(at) => {
            half.aligned = true;
            half.searched = 0;
            return Ok(at);
        }
        Found::Perhaps { at, at_least } => (at, Err((at, Some(at_least)))),
        Found::Nowhere(end) => (end, Err((end, None))),
    };
    half.searched = half.searched.saturating_add(passed);
    half.lost = half.searched > limits::MAX_TLS_SEARCH_BYTES;
    answer
}

/// Length of a handshake message with its header, once four bytes are there.
pub(super) fn message_length(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [_, high, middle, low, ..] => {
            usize::try_from(u32::from_be_bytes([0, *high, *middle, *low])).ok()?.checked_add(4)
        }
        _ => None,
    }
}

/// Whether a record where only encrypted ones are expected is exactly one readable ClientHello.
pub(super) fn is_new_hello(header: Header, fragment: &[u8]) -> bool {
    let exact = message_length(fragment) == Some(usize::from(header.length));
    exact && matches!(fragment, [kind::CLIENT_HELLO, _, _, _, 3, 0..=4, ..])
}

/// Whether a handshake record of which the past is not known can be read: a chain of known messages that ends exactly,
/// or the beginning of one that is often split.
fn is_readable(fragment: &[u8]) -> bool {
    let mut rest = fragment;
    while !rest.is_empty() {
        let Some(length) = message_length(rest) else { return false };
        let known = matches!(rest.first(), Some(1 | 2 | 4 | 11..=16 | 20 | 22));
        if !known || length > 1 << 17 {
            return false;
        }
        let Some(after) = rest.get(length..) else { return matches!(rest.first(), Some(1 | 2 | 11)) };
        rest = after;
    }
    true
}

impl TlsSession {
    /// A side sent FIN: whether in the middle of a record, and whether the server said before that nothing follows.
    fn farewell(&mut self, direction: Direction, cause: EndCause, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(tls13) = self.conversation.established().filter(|_| cause == EndCause::Fin) else { return };
        let answered = self.half(direction.reverse()).ended;
        let half = self.half(direction);
        half.ended = true;
        if half.lost || half.uncertain {
            return;
        }
        let said = half
            .last
            .is_none_or(|last| last.content_type == content::ALERT || (tls13 && Machine::is_alert_length(last.length)));
        if half.cut || half.skipped.is_some() {
            diagnosis::truncated(direction.sender(), context, out);
        } else if direction == Direction::ServerToClient && !answered && !said {
            diagnosis::no_close_notify(context, out);
        }
    }
}

impl Session for TlsSession {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } => return self.stream(direction, bytes, context, out),
            Input::Gap { direction, length } => {
                let half = self.half(direction);
                half.begun = true;
                half.aligned = false;
                half.uncertain = true;
                half.skipped = None;
                half.overlong = 0;
                half.message.clear();
                if let Some(decrypted) = &mut self.decrypted {
                    decrypted.decryption.gap(direction);
                    decrypted.content.gap(direction, length, out);
                }
            }
            Input::End { direction, cause } => {
                self.conversation.end(direction, cause, context, out);
                self.farewell(direction, cause, context, out);
            }
            Input::Close => {
                if let Some(decrypted) = &mut self.decrypted {
                    decrypted.content.settle_early(Some(decrypted.decryption.early_accepted().unwrap_or(true)), out);
                    diagnosis::decryption(&decrypted.decryption, context, out);
                }
                self.conversation.close(context, out);
            }
            Input::Skipped { direction, length, .. } => {
                let half = self.half(direction);
                half.cut = length < half.expected;
            }
            Input::Datagram { .. } => return Progress::Done,
        }
        Progress::Consumed(0)
    }

    fn underway(&self) -> Option<Underway> {
        self.conversation.underway()
    }
}
