//! DTLS 1.0, 1.2 and 1.3 over UDP (RFC 6347, RFC 9147): records in datagrams, and handshake messages put together from
//! fragments. What they mean is the conversation's, as over TCP.
use nom::{
    IResult, Parser,
    multi::length_data,
    number::complete::{be_u8, be_u16, be_u24, be_u64},
};

use super::{
    conversation::{Conversation, Message},
    decryption::Decryption,
    diagnosis, names, note,
    parser::kind,
    record_layer::content,
    record_protection::Sealed,
    report::{Passed, report_record},
};
use crate::{
    app::{Probe, Session, Sink, Verdict},
    limits,
    record::{Context, Direction, Input, Progress, RecordAlert, TlsTransport},
};

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

fn record(input: &[u8]) -> IResult<&[u8], DtlsRecord<'_>> {
    let (input, (content_type, version, number)) = (be_u8, be_u16, be_u64).parse(input)?;
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

/// Whether a byte begins a record with DTLS 1.3's short header (RFC 9147 4).
fn is_short_header(byte: u8) -> bool {
    byte >> 5 == 0b001
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
}

/// DTLS over UDP.
pub(super) struct DtlsSession {
    conversation: Conversation,
    halves: [Half; 2],
    /// Where secrets were given, or may come. DTLS 1.2 and 1.0; records of DTLS 1.3 stay closed.
    decryption: Option<Box<Decryption>>,
}

impl DtlsSession {
    pub(super) fn new() -> Self {
        let conversation = Conversation::new(TlsTransport::Dtls);
        Self { conversation, halves: <[Half; 2]>::default(), decryption: None }
    }

    fn half(&mut self, direction: Direction) -> &mut Half {
        let [client, server] = &mut self.halves;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    fn datagram(&mut self, direction: Direction, mut rest: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        while let Some(first) = rest.first() {
            if is_short_header(*first) {
                // Lengths may be left out and numbers are encrypted: all that is left counts as one record.
                let length = u16::try_from(rest.len()).unwrap_or(u16::MAX);
                let protected = (content::APPLICATION_DATA, length);
                self.conversation.protected(direction, protected, context.packet, context, out);
                return;
            }
            let Ok((after, record)) = record(rest) else { return };
            if !is_version(record.version) {
                return;
            }
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
            report(direction, passed, (Vec::new(), None), true, None, context, out);
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
        let (mut kinds, mut alert, mut host) = (Vec::new(), None, None);
        match (passed.content_type, bytes) {
            (Some(content::HANDSHAKE), fragments) => {
                kinds = self.handshake(direction, passed.version, fragments, context, out);
                if out.wants_notes() && !kinds.is_empty() {
                    host =
                        fragment(fragments).ok().and_then(|(_, first)| note::host_name(first.kind, first.bytes, true));
                }
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
        report(direction, passed, (kinds, alert), encrypted, host, context, out);
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
    host: Option<&[u8]>,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    if out.wants_notes() {
        out.note(note::of_record(passed, &kinds, alert, encrypted, host, "dtls"));
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
    let whole = half.partial.get_mut(place)?.add(piece.offset, piece.bytes);
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
}

/// Whether a datagram is DTLS: a chain of records that ends where it ends, the first with believable content.
pub(super) fn probe(probe: &Probe<'_>) -> Verdict {
    let Ok((mut rest, first)) = record(probe.bytes) else { return Verdict::No };
    let content = match first.content_type {
        content::HANDSHAKE if first.epoch == 0 => fragment(first.fragment).is_ok_and(|(_, piece)| {
            let within = piece.offset.saturating_add(piece.bytes.len()) <= piece.length;
            within && names::handshake_type(piece.kind).is_some()
        }),
        content::ALERT if first.epoch == 0 => first.fragment.len() == 2,
        content::CHANGE_CIPHER_SPEC => first.fragment.len() == 1,
        content::HANDSHAKE | content::ALERT | content::APPLICATION_DATA | 25 => first.epoch > 0,
        _ => false,
    };
    if !content || !is_version(first.version) {
        return Verdict::No;
    }
    while let Some(byte) = rest.first() {
        match record(rest) {
            Ok((after, next)) if is_version(next.version) => rest = after,
            _ if is_short_header(*byte) => break,
            // Cut by the snap length.
            _ => return Verdict::Likely,
        }
    }
    Verdict::Certain
}
