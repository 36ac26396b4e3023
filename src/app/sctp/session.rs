//! Reads the packets between two ports of two addresses: associations one after the other.
use super::{
    association::{Association, Complaint, Offer, Waiting},
    chunk::{self, Chunk, Data, HEADER_LENGTH, Init, kind},
    sequence::Arrival,
    streams::Piece,
};
use crate::{
    app::{
        Sink,
        codec::above_ip::{Messages, note, u16_at, u32_at},
    },
    limits,
    record::{Context, Direction, Timestamp},
};

/// Copies of a packet that a capture holds come within this; what a host sends again comes later.
const COPY_WITHIN_NS: i64 = 1_000_000;

/// The session.
#[derive(Debug, Default)]
pub(super) struct Sctp {
    association: Association,
    /// Number of the association in the flow.
    number: u32,
    /// Of each direction's last packet.
    last: [Option<Mark>; 2],
}

/// What a packet and its copy share, and the moment: checksum, the four bytes behind the first chunk's head, length.
type Mark = (u32, Option<u32>, usize, Timestamp);

impl Messages for Sctp {
    fn message(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(header) = chunk::header(bytes) else { return };
        let seen = (header.checksum, u32_at(bytes, HEADER_LENGTH.saturating_add(4)), bytes.len());
        let at = context.packet.timestamp;
        if let Some(last) = self.last.get_mut(direction.index()) {
            let is_copy = last.is_some_and(|(checksum, start, length, moment)| {
                (checksum, start, length) == seen && at.since(moment).saturating_abs() < COPY_WITHIN_NS
            });
            *last = Some((seen.0, seen.1, seen.2, at));
            if is_copy {
                self.association.duplicate_packets = self.association.duplicate_packets.saturating_add(1);
                return;
            }
        }
        let mut again = Vec::new();
        // INIT is alone in its packet (RFC 9260 6.10).
        if let Some(chunk) = chunk::chunks(bytes).next().filter(|chunk| chunk.kind == kind::INIT) {
            self.init(direction, &chunk, context, out);
        }
        self.association.span.see(context.packet);
        let sender = self.association.sender(direction);
        sender.span.see(context.packet);
        if header.verification_tag != 0 {
            sender.tag = Some(header.verification_tag);
        }
        for chunk in chunk::chunks(bytes) {
            self.chunk(direction, &chunk, context, &mut again, out);
        }
        if out.wants_notes() && !again.is_empty() {
            let numbers: Vec<String> = again.iter().map(u32::to_string).collect();
            note("sctp", 4, format!("SCTP retransmission of TSN {}", numbers.join(", ")), out);
        }
    }

    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        std::mem::take(&mut self.association).tell(context, out);
    }
}

impl Sctp {
    /// An INIT: of this association, or of the next one.
    fn init(&mut self, direction: Direction, chunk: &Chunk<'_>, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(init) = Init::read(chunk.value) else { return };
        let known = self.association.sender(direction).init.as_ref().map(|offer| offer.initiate_tag);
        // Where the capture holds packets out of order, the answer may have come before.
        let is_answered = self.association.sender(direction.reverse()).tag == Some(init.initiate_tag);
        let is_another = match known {
            Some(tag) => tag != init.initiate_tag,
            None => !is_answered && (self.association.is_over() || self.association.carried),
        };
        if is_another {
            std::mem::take(&mut self.association).tell(context, out);
            self.number = self.number.saturating_add(1);
        }
        let association = &mut self.association;
        if association.opener.is_none() {
            association.opener = Some((direction, context.packet));
        }
        if association.opener.is_some_and(|(opener, _)| opener == direction) {
            association.inits = association.inits.saturating_add(1);
        }
        let sender = association.sender(direction);
        sender.init.get_or_insert_with(|| Offer::new(&init, context.packet));
        sender.sequence.begin(init.initial_tsn);
    }

    fn chunk(
        &mut self,
        direction: Direction,
        chunk: &Chunk<'_>,
        context: &Context<'_>,
        again: &mut Vec<u32>,
        out: &mut Sink<'_>,
    ) {
        let packet = context.packet;
        let association = &mut self.association;
        match chunk.kind {
            kind::DATA | kind::I_DATA => self.data(direction, chunk, context, again, out),
            kind::INIT_ACK => {
                let Some(init) = Init::read(chunk.value) else { return };
                association.init_ack.get_or_insert(packet);
                let sender = association.sender(direction);
                sender.init.get_or_insert_with(|| Offer::new(&init, packet));
                sender.sequence.begin(init.initial_tsn);
            }
            kind::COOKIE_ECHO => {
                association.cookie_echo.get_or_insert(packet);
            }
            kind::COOKIE_ACK => {
                association.cookie_ack.get_or_insert(packet);
            }
            kind::SACK | kind::NR_SACK => {
                association.carried = true;
                let gaps = u16_at(chunk.value, 8).unwrap_or_default();
                let sender = association.sender(direction);
                sender.reported_gaps = sender.reported_gaps.saturating_add(gaps.into());
                if let Some(number) = u32_at(chunk.value, 0) {
                    self.acknowledged(direction.reverse(), number, out);
                }
            }
            kind::FORWARD_TSN | kind::I_FORWARD_TSN => {
                // What is skipped was given up by its sender; it is no loss of the capture.
                if let Some(number) = u32_at(chunk.value, 0) {
                    let missing = association.sender(direction).sequence.missing;
                    self.acknowledged(direction, number, out);
                    self.association.sender(direction).sequence.missing = missing;
                }
            }
            kind::HEARTBEAT => {
                let sender = association.sender(direction);
                sender.heartbeats = sender.heartbeats.saturating_add(1);
            }
            kind::HEARTBEAT_ACK => {
                let sender = association.sender(direction.reverse());
                sender.heartbeats_answered = sender.heartbeats_answered.saturating_add(1);
            }
            kind::ABORT => {
                association.abort.get_or_insert_with(|| Complaint::new(direction, packet, chunk.value));
            }
            kind::ERROR => {
                let error = Complaint::new(direction, packet, chunk.value);
                let is_told = association.errors.iter().any(|told| (told.side, told.code) == (direction, error.code));
                if !is_told && association.errors.len() < limits::MAX_SCTP_ERRORS {
                    association.errors.push(error);
                }
            }
            kind::SHUTDOWN => {
                association.shutdown.get_or_insert((direction, packet));
                if let Some(number) = u32_at(chunk.value, 0) {
                    self.acknowledged(direction.reverse(), number, out);
                }
            }
            kind::SHUTDOWN_ACK => {
                association.shutdown.get_or_insert((direction.reverse(), packet));
            }
            kind::SHUTDOWN_COMPLETE => {
                association.shutdown_complete.get_or_insert(packet);
            }
            _ => {}
        }
    }

    fn data(
        &mut self,
        direction: Direction,
        chunk: &Chunk<'_>,
        context: &Context<'_>,
        again: &mut Vec<u32>,
        out: &mut Sink<'_>,
    ) {
        let Some(data) = Data::read(chunk) else { return };
        let packet = context.packet;
        self.association.carried = true;
        let number = self.number;
        let sender = self.association.sender(direction);
        let (arrival, is_next) = sender.sequence.take(data.tsn, || Waiting {
            packet,
            kind: chunk.kind,
            flags: chunk.flags,
            length: chunk.length,
            value: chunk.value.to_vec(),
        });
        match arrival {
            Arrival::New | Arrival::Late => sender.count(&data),
            Arrival::Repeated => {
                sender.retransmitted = sender.retransmitted.saturating_add(1);
                sender.retransmission.get_or_insert(packet);
                again.push(data.tsn);
            }
            Arrival::Absurd => {}
        }
        if is_next {
            let piece = Piece { data, packet, is_interleaved: chunk.kind == kind::I_DATA };
            sender.streams.hand_on(number, direction, &piece, out);
        }
        if sender.sequence.is_full() {
            out.limit(&limits::ABOVE_IP);
            if sender.sequence.give_up_to_first() > 0 {
                sender.streams.hole();
            }
        }
        while let Some(waiting) = self.association.sender(direction).sequence.ready() {
            self.hand_on(direction, &waiting, out);
        }
    }

    /// The other end has all that `direction` sent up to `number`.
    fn acknowledged(&mut self, direction: Direction, number: u32, out: &mut Sink<'_>) {
        loop {
            let sender = self.association.sender(direction);
            let (missing, waiting) = sender.sequence.acknowledged(number);
            if missing > 0 {
                sender.streams.hole();
            }
            let Some(waiting) = waiting else { break };
            self.hand_on(direction, &waiting, out);
        }
        // What waited right behind them.
        while let Some(waiting) = self.association.sender(direction).sequence.ready() {
            self.hand_on(direction, &waiting, out);
        }
    }

    fn hand_on(&mut self, direction: Direction, waiting: &Waiting, out: &mut Sink<'_>) {
        let chunk = waiting.chunk();
        let Some(data) = Data::read(&chunk) else { return };
        let piece = Piece { data, packet: waiting.packet, is_interleaved: chunk.kind == kind::I_DATA };
        self.association.sender(direction).streams.hand_on(self.number, direction, &piece, out);
    }
}
