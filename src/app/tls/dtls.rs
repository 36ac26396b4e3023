//! DTLS 1.0, 1.2 and 1.3 over UDP (RFC 6347, RFC 9147): records in datagrams, and handshake messages put together from
//! fragments. What they mean is the conversation's, as over TCP.
use nom::{
    IResult, Parser,
    bytes::complete::take,
    multi::length_data,
    number::complete::{be_u8, be_u16, be_u24, be_u64},
};

use super::{
    conversation::{Conversation, Message},
    decryption::Decryption,
    diagnosis,
    dtls13::{self, ConnectionIds, Unified},
    dtls13_keys::Dtls13,
    extensions, names, note,
    parser::{self, kind},
    record_layer::content,
    record_protection::Sealed,
    report::{Passed, report_record},
    state::Event,
};
use crate::{
    app::{Probe, Session, Sink, Verdict},
    limits,
    record::{Context, Direction, Input, Progress, RecordAlert, TlsTransport, Underway},
};

/// DTLS 1.3.
const VERSION_13: u16 = 0xfefc;

/// A record with a plain header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct DtlsRecord<'a> {
    content_type: u8,
    version: u16,
    epoch: u16,
    /// Epoch and sequence number as they stand there.
    number: u64,
    fragment: &'a [u8],
}

/// Reads a record. With DTLS 1.2, a type of its own says that a connection id stands before the length (RFC 9146 4).
fn record(input: &[u8], connection_id: Option<usize>) -> IResult<&[u8], DtlsRecord<'_>> {
    let (input, (content_type, version, number)) = (be_u8, be_u16, be_u64).parse(input)?;
    let id_bytes = if content_type == content::TLS12_CID { connection_id.unwrap_or(0) } else { 0 };
    let (input, _) = take(id_bytes).parse(input)?;
    let (input, fragment) = length_data(be_u16).parse(input)?;
    let [high, low, ..] = number.to_be_bytes();
    Ok((input, DtlsRecord { content_type, version, epoch: u16::from_be_bytes([high, low]), number, fragment }))
}

/// A fragment of a handshake message (RFC 6347 4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fragment<'a> {
    kind: u8,
    length: usize,
    sequence: u16,
    offset: usize,
    bytes: &'a [u8],
}

fn fragment(input: &[u8]) -> IResult<&[u8], Fragment<'_>> {
    let (input, (kind, length, sequence, offset)) = (be_u8, be_u24, be_u16, be_u24).parse(input)?;
    let (input, bytes) = length_data(be_u24).parse(input)?;
    let (length, offset) =
        (usize::try_from(length).unwrap_or(usize::MAX), usize::try_from(offset).unwrap_or(usize::MAX));
    Ok((input, Fragment { kind, length, sequence, offset, bytes }))
}

fn is_version(version: u16) -> bool {
    matches!(version, 0xfeff | 0xfefd | 0xfefc | 0x0100)
}

/// A message being put together.
struct Partial {
    kind: u8,
    sequence: u16,
    bytes: Vec<u8>,
    /// Ranges that are there, sorted, apart.
    have: Vec<(usize, usize)>,
}

impl Partial {
    /// Adds a fragment; says whether the message is whole.
    fn add(&mut self, offset: usize, bytes: &[u8]) -> bool {
        let end = offset.saturating_add(bytes.len());
        if self.have.len() >= limits::MAX_DTLS_RANGES {
            return false;
        }
        let Some(place) = self.bytes.get_mut(offset..end) else { return false };
        place.copy_from_slice(bytes);
        self.have.push((offset, end));
        self.have.sort_unstable();
        let mut merged: Vec<(usize, usize)> = Vec::with_capacity(self.have.len());
        for (start, end) in self.have.drain(..) {
            match merged.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => merged.push((start, end)),
            }
        }
        self.have = merged;
        self.have.as_slice() == [(0, self.bytes.len())]
    }
}

/// What tells a message from another one. Sequence numbers start again with every handshake, so that hellos are told
/// apart by the beginning of their random value, too.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark {
    sequence: u16,
    kind: u8,
    random: [u8; 8],
}

impl Mark {
    fn of(sequence: u16, kind: u8, body: &[u8]) -> Self {
        let random = match (kind, body) {
            (kind::CLIENT_HELLO | kind::SERVER_HELLO, [_, _, random @ ..]) => random.first_chunk().copied(),
            _ => None,
        };
        Self { sequence, kind, random: random.unwrap_or_default() }
    }

    /// Whether numbers start again here.
    fn begins(self) -> bool {
        self.kind == kind::CLIENT_HELLO && self.sequence == 0
    }
}

/// One direction.
#[derive(Default)]
struct Half {
    partial: Vec<Partial>,
    /// The messages last completed: what comes again was retransmitted.
    seen: Vec<Mark>,
    /// The epoch that keys were looked for.
    epoch: u16,
    /// The latest epoch of DTLS 1.3 that was seen, and opened where there are keys.
    epoch13: u64,
}

/// DTLS over UDP.
pub(super) struct DtlsSession {
    conversation: Conversation,
    halves: [Half; 2],
    connection_ids: ConnectionIds,
    /// Where secrets were given, or may come: opens records of DTLS 1.2 and 1.0, and counts for all.
    decryption: Option<Box<Decryption>>,
    /// The same for DTLS 1.3.
    decryption13: Option<Box<Dtls13>>,
}

impl DtlsSession {
    pub(super) fn new() -> Self {
        let conversation = Conversation::new(TlsTransport::Dtls);
        let (halves, connection_ids) = (<[Half; 2]>::default(), ConnectionIds::default());
        Self { conversation, halves, connection_ids, decryption: None, decryption13: None }
    }

    fn half(&mut self, direction: Direction) -> &mut Half {
        let [client, server] = &mut self.halves;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    fn datagram(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let mut rest = bytes;
        let place =
            |rest: &[u8], after: &[u8]| bytes.len().saturating_sub(rest.len())..bytes.len().saturating_sub(after.len());
        while let Some(first) = rest.first() {
            if dtls13::is_unified(*first) {
                let Some((record, after)) = dtls13::unified(rest, self.connection_ids.length(direction)) else {
                    // Cut, or with a connection id of a length that is not known: all that is left counts as one.
                    out.lies(place(rest, &[]));
                    self.sealed(direction, *first, rest.len(), context, out);
                    return;
                };
                out.lies(place(rest, after));
                rest = after;
                self.unified(direction, record, context, out);
                continue;
            }
            let Ok((after, record)) = record(rest, self.connection_ids.length(direction)) else { return };
            if !is_version(record.version) {
                return;
            }
            out.lies(place(rest, after));
            rest = after;
            self.record(direction, record, context, out);
        }
    }

    fn record(&mut self, direction: Direction, record: DtlsRecord<'_>, context: &Context<'_>, out: &mut Sink<'_>) {
        let packet = context.packet;
        let length = u16::try_from(record.fragment.len()).unwrap_or(u16::MAX);
        let mut passed = Passed { content_type: Some(record.content_type), version: record.version, length };
        if record.epoch == 0 {
            self.readable(direction, passed, record.fragment, context, out);
        } else if let Some((content_type, content)) = self.open(direction, record, context) {
            passed.content_type = Some(content_type);
            self.conversation.decrypted(direction);
            self.readable(direction, passed, &content, context, out);
            if let Some(decryption) = &mut self.decryption {
                decryption.give_back(content);
            }
        } else {
            self.conversation.protected(direction, (record.content_type, length), packet, context, out);
            report(direction, passed, (Vec::new(), None), true, note::Hello::default(), context, out);
        }
    }

    /// A record with DTLS 1.3's header.
    fn unified(&mut self, direction: Direction, record: Unified<'_>, context: &Context<'_>, out: &mut Sink<'_>) {
        let latest = self.half(direction).epoch13;
        let epoch = dtls13::epoch(latest, record.epoch_bits);
        let mut content = Vec::new();
        let opened = match (&mut self.decryption13, &mut self.decryption) {
            (Some(keys), Some(decryption)) => {
                content = decryption.take_content();
                let sealed = (epoch, record);
                keys.open(direction, sealed, &mut content, decryption, context.secrets, context.packet)
            }
            _ => None,
        };
        if let Some(content_type) = opened {
            self.half(direction).epoch13 = latest.max(epoch);
            let length = u16::try_from(record.fragment.len()).unwrap_or(u16::MAX);
            let passed = Passed { content_type: Some(content_type), version: VERSION_13, length };
            self.conversation.decrypted(direction);
            match (content_type, epoch) {
                (content::APPLICATION_DATA, dtls13::EARLY) => {
                    self.conversation.application_data(direction, true, context.packet, context);
                    report(direction, passed, (Vec::new(), None), true, note::Hello::default(), context, out);
                }
                _ => self.readable(direction, passed, &content, context, out),
            }
        } else {
            self.sealed(direction, record.epoch_bits, record.fragment.len(), context, out);
        }
        if let Some(decryption) = &mut self.decryption {
            decryption.give_back(content);
        }
    }

    /// A record of DTLS 1.3 that stays closed. The low two bits of `flags` are the epoch's.
    fn sealed(&mut self, direction: Direction, flags: u8, length: usize, context: &Context<'_>, out: &mut Sink<'_>) {
        let half = self.half(direction);
        let epoch = dtls13::epoch(half.epoch13, flags);
        half.epoch13 = half.epoch13.max(epoch);
        let length = u16::try_from(length).unwrap_or(u16::MAX);
        self.conversation.protected(direction, Event::ProtectedIn { epoch, length }, context.packet, context, out);
        let passed = Passed { content_type: None, version: VERSION_13, length };
        report(direction, passed, (Vec::new(), None), true, note::Hello::default(), context, out);
    }

    /// Looks at a hello for what records behind it need: lengths of connection ids, and keys of DTLS 1.3.
    fn hello(&mut self, direction: Direction, kind: u8, body: &[u8], context: &Context<'_>) {
        self.connection_ids.message(direction, kind, body);
        match kind {
            kind::CLIENT_HELLO => {
                let random = parser::client_hello(body, true).ok().and_then(|(_, hello)| hello.random.try_into().ok());
                let Some(random): Option<[u8; 32]> = random else { return };
                if self.decryption13.as_ref().is_some_and(|keys| keys.is_of(&random)) {
                    return;
                }
                self.halves.iter_mut().for_each(|half| half.epoch13 = 0);
                let wanted = !context.secrets.is_none();
                self.decryption13 = wanted.then(|| Box::new(Dtls13::new(direction, random)));
            }
            kind::SERVER_HELLO => {
                let Ok((_, hello)) = parser::server_hello(body) else { return };
                let version = hello.extensions.find(extensions::kind::SUPPORTED_VERSIONS).and_then(extensions::number);
                if let Some(keys) = &mut self.decryption13
                    && version.is_some_and(dtls13::is_dtls13)
                    && !hello.is_hello_retry_request()
                {
                    keys.negotiated(hello.cipher_suite);
                }
            }
            _ => {}
        }
    }

    /// Opens a record, where there are keys.
    fn open(&mut self, direction: Direction, record: DtlsRecord<'_>, context: &Context<'_>) -> Option<(u8, Vec<u8>)> {
        let half = self.half(direction);
        let another = std::mem::replace(&mut half.epoch, record.epoch) != record.epoch;
        let decryption = self.decryption.as_mut()?;
        if another {
            // The epoch tells what ChangeCipherSpec would, which may be lost or come late.
            decryption.change_cipher_spec(direction, context.secrets, context.packet);
        }
        let DtlsRecord { content_type, version, number, fragment, .. } = record;
        if !decryption.wants(direction, content_type, context.secrets, context.packet.index) {
            return None;
        }
        let sealed = Sealed { content_type, version, number, fragment, header: &[] };
        let opened = decryption.open(direction, sealed, context.packet)?;
        Some((opened.content_type, decryption.take_content()))
    }

    /// A record that was never encrypted, or was opened.
    fn readable(
        &mut self,
        direction: Direction,
        passed: Passed,
        bytes: &[u8],
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let packet = context.packet;
        let (mut kinds, mut alert) = (Vec::new(), None);
        match (passed.content_type, bytes) {
            (Some(content::HANDSHAKE), fragments) => {
                kinds = self.handshake(direction, passed.version, fragments, context, out);
            }
            (Some(content::CHANGE_CIPHER_SPEC), _) => self.conversation.change_cipher_spec(direction, packet, context),
            (Some(content::ALERT), &[level, description]) => {
                self.conversation.alert(direction, (level, description), packet, context, out);
                alert = Some(RecordAlert { level, description });
            }
            (Some(content::APPLICATION_DATA), _) => {
                self.conversation.application_data(direction, false, packet, context);
            }
            _ => {}
        }
        let encrypted = passed.content_type == Some(content::APPLICATION_DATA);
        let hello = self.conversation.shown(&kinds);
        report(direction, passed, (kinds, alert), encrypted, hello, context, out);
    }

    /// Takes a record's fragments; says which messages they completed.
    fn handshake(
        &mut self,
        direction: Direction,
        version: u16,
        mut rest: &[u8],
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Vec<u8> {
        let mut kinds = Vec::new();
        while !rest.is_empty() {
            let Ok((after, piece)) = fragment(rest) else { break };
            rest = after;
            let within = piece.offset.saturating_add(piece.bytes.len()) <= piece.length;
            if !within || piece.length > limits::MAX_DTLS_MESSAGE_BYTES {
                if within {
                    out.limit(&limits::TLS);
                }
                continue;
            }
            let half = self.half(direction);
            let whole;
            let body = if piece.bytes.len() == piece.length {
                half.partial.retain(|partial| partial.sequence != piece.sequence);
                piece.bytes
            } else {
                let Some(bytes) = assemble(half, piece, out) else { continue };
                whole = bytes;
                &whole
            };
            kinds.push(piece.kind);
            let mark = Mark::of(piece.sequence, piece.kind, body);
            let (kind, record_version, packet) = (piece.kind, Some(version), context.packet);
            let message = Message { direction, kind, body, record_version, packet };
            if half.seen.contains(&mark) {
                self.conversation.resent(message, context);
                continue;
            }
            if mark.begins() {
                half.seen.clear();
            }
            if half.seen.len() >= limits::MAX_DTLS_MESSAGES {
                half.seen.remove(0);
            }
            half.seen.push(mark);
            if mark.begins() {
                self.half(direction.reverse()).seen.clear();
            }
            self.hello(direction, kind, body, context);
            if !context.secrets.is_none() {
                let decryption = self.decryption.get_or_insert_with(|| Box::new(Decryption::new(true)));
                let header = message_header(piece);
                decryption.message(direction, (kind, &header, body), context.secrets, packet);
            }
            self.conversation.message(message, context, out);
        }
        kinds
    }
}

/// The header of a whole message as it is hashed: as if it had come in one fragment (RFC 6347 4.2.6).
fn message_header(piece: Fragment<'_>) -> [u8; 12] {
    let [_, high, middle, low] = u32::try_from(piece.length).unwrap_or(u32::MAX).to_be_bytes();
    let [first, second] = piece.sequence.to_be_bytes();
    [piece.kind, high, middle, low, first, second, 0, 0, 0, high, middle, low]
}

/// Reports a record that passed, where that is wanted.
fn report(
    direction: Direction,
    passed: Passed,
    (kinds, alert): (Vec<u8>, Option<RecordAlert>),
    encrypted: bool,
    hello: note::Hello<'_>,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    if out.wants_notes() {
        out.note(note::of_record(passed, &kinds, alert, encrypted, hello, ("dtls", false)));
    }
    report_record(TlsTransport::Dtls, direction, passed, kinds, alert, encrypted, context.packet, context, out);
}

/// Adds a fragment to its message; gives the message when it is whole.
fn assemble(half: &mut Half, piece: Fragment<'_>, out: &mut Sink<'_>) -> Option<Vec<u8>> {
    let same = |partial: &Partial| {
        (partial.sequence, partial.kind, partial.bytes.len()) == (piece.sequence, piece.kind, piece.length)
    };
    let place = match half.partial.iter().position(same) {
        Some(place) => place,
        None => {
            // Oldest out. All together they may hold no more than one message of the greatest length.
            let held: usize = half.partial.iter().map(|partial| partial.bytes.len()).sum();
            let full = half.partial.len() >= limits::MAX_DTLS_MESSAGES;
            if full || held.saturating_add(piece.length) > limits::MAX_DTLS_MESSAGE_BYTES {
                half.partial.clear();
                out.limit(&limits::TLS);
            }
            let bytes = vec![0; piece.length];
            half.partial.push(Partial { kind: piece.kind, sequence: piece.sequence, bytes, have: Vec::new() });
            half.partial.len().saturating_sub(1)
        }
    };
    let partial = half.partial.get_mut(place)?;
    if partial.have.len() >= limits::MAX_DTLS_RANGES {
        out.limit(&limits::TLS);
    }
    let whole = partial.add(piece.offset, piece.bytes);
    whole.then(|| half.partial.swap_remove(place).bytes)
}

impl Session for DtlsSession {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => self.datagram(direction, bytes, context, out),
            Input::End { direction, cause } => self.conversation.end(direction, cause, context, out),
            Input::Close => {
                if let Some(decryption) = &self.decryption {
                    diagnosis::decryption(decryption, context, out);
                }
                self.conversation.close(context, out);
            }
            Input::Stream { .. } => return Progress::Done,
            Input::Gap { .. } | Input::Skipped { .. } => {}
        }
        Progress::Consumed(0)
    }

    fn underway(&self) -> Option<Underway> {
        self.conversation.underway()
    }
}

/// Whether a datagram is DTLS: a chain of records that ends where it ends, the first with believable content.
pub(super) fn probe(probe: &Probe<'_>) -> Verdict {
    let Ok((mut rest, first)) = record(probe.bytes, None) else { return Verdict::No };
    let content = match first.content_type {
        content::HANDSHAKE if first.epoch == 0 => fragment(first.fragment).is_ok_and(|(_, piece)| {
            let within = piece.offset.saturating_add(piece.bytes.len()) <= piece.length;
            within && names::handshake_type(piece.kind).is_some()
        }),
        content::ALERT if first.epoch == 0 => first.fragment.len() == 2,
        content::CHANGE_CIPHER_SPEC => first.fragment.len() == 1,
        content::ACK if first.epoch == 0 => first.fragment.len() % 16 == 2,
        content::HANDSHAKE | content::ALERT | content::APPLICATION_DATA | content::TLS12_CID => first.epoch > 0,
        _ => false,
    };
    if !content || !is_version(first.version) {
        return Verdict::No;
    }
    while let Some(byte) = rest.first() {
        match record(rest, None) {
            Ok((after, next)) if is_version(next.version) => rest = after,
            _ if dtls13::is_unified(*byte) => break,
            // Cut by the snap length.
            _ => return Verdict::Likely,
        }
    }
    Verdict::Certain
}
