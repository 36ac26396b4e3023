//! Reads the QUIC packets of one UDP flow: finds the connection each belongs to, has it opened, hands the CRYPTO bytes on,
//! and tells who reads them what else passed.
use std::collections::VecDeque;

use super::{
    close,
    connection::{Connection, Outcome},
    crypto_stream::Piece,
    findings::{self, Findings},
    frames::{Frame, frames},
    header::{ConnectionId, Kind, Level, Long, MIN_SHORT_PACKET_BYTES, RETRY_TAG_BYTES, has_fixed_bit, is_long, long},
    keys::retry_answers,
    packet_record::{self, Inside},
    probe::google_chlo_version,
    protection::Scratch,
    version::Version,
};
use crate::{
    app::{Carrier, Session, Sink},
    limits::{self, MAX_QUIC_CONNECTIONS, MAX_QUIC_CRYPTO_BYTES, MAX_QUIC_RETRIES},
    record::{CarrierEvent, Context, Direction, Input, Notice, Progress},
};

/// Shortest Destination Connection ID of a client's first Initial packet (RFC 9000, section 7.2). After a Retry it is
/// whatever the server chose.
const MIN_FIRST_DESTINATION_BYTES: usize = 8;

/// The session.
#[derive(Default)]
pub struct Quic {
    /// The newest last.
    connections: VecDeque<Connection>,
    next_channel: u64,
    scratch: Scratch,
    findings: Findings,
    said_google: bool,
}

impl Session for Quic {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => {
                self.datagram(direction, bytes, context, out);
                Progress::Consumed(bytes.len())
            }
            Input::Close => {
                for mut connection in std::mem::take(&mut self.connections) {
                    finish(&mut connection, context, out);
                }
                Progress::Done
            }
            _ => Progress::Consumed(0),
        }
    }
}

impl Quic {
    fn datagram(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        if google_chlo_version(bytes) {
            self.google(out);
            return;
        }
        let mut rest = bytes;
        // Packets are coalesced one behind the other; a short header has no length and is the last (RFC 9000, 12.2).
        while let Some(&first) = rest.first() {
            let start = bytes.len().saturating_sub(rest.len());
            if !is_long(first) {
                out.lies(start..bytes.len());
                self.short(rest, direction, context, out);
                return;
            }
            let Ok((after, packet)) = long(rest) else { return };
            out.lies(start..bytes.len().saturating_sub(after.len()));
            self.packet(&packet, direction, context, out);
            rest = after;
        }
    }

    fn packet(&mut self, packet: &Long<'_>, direction: Direction, context: &Context<'_>, out: &mut Sink<'_>) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let mut inside = None;
        match packet.kind {
            Kind::Initial { .. } => inside = self.initial(packet, direction, &mut scratch, context, out),
            Kind::ZeroRtt => inside = self.protected(packet, (Level::Early, direction), &mut scratch, context, out),
            Kind::Handshake => {
                inside = self.protected(packet, (Level::Handshake, direction), &mut scratch, context, out);
            }
            Kind::Retry { body } => self.retry(packet, body, direction, context, out),
            Kind::VersionNegotiation { .. } => self.findings.negotiation(context, out),
            Kind::Google => self.google(out),
        }
        self.scratch = scratch;
        packet_record::long(packet, inside, direction, context, out);
    }

    /// Opens an Initial packet, which may begin a connection.
    fn initial(
        &mut self,
        packet: &Long<'_>,
        direction: Direction,
        scratch: &mut Scratch,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Option<Inside> {
        let mut reader =
            Reader { level: Level::Initial, version: packet.version, direction, context, findings: &mut self.findings };
        for connection in self.connections.iter_mut().rev().filter(|known| known.may_own(packet, direction)) {
            if let Some(number) = connection.open(packet, direction, scratch) {
                return Some((number, reader.read(connection, &scratch.payload, out)));
            }
        }
        let after_retry = self.connections.iter().position(|known| known.retries.contains(&packet.destination));
        if packet.destination.as_bytes().len() < MIN_FIRST_DESTINATION_BYTES && after_retry.is_none() {
            return None;
        }
        let (fresh, number) = Connection::begin(packet, direction, self.next_channel, scratch)?;
        if let Some(known) = after_retry.and_then(|place| self.connections.get_mut(place)) {
            known.resume(fresh);
            return Some((number, reader.read(known, &scratch.payload, out)));
        }
        self.next_channel = self.next_channel.saturating_add(1);
        if self.connections.len() >= MAX_QUIC_CONNECTIONS {
            if let Some(mut oldest) = self.connections.pop_front() {
                finish(&mut oldest, context, out);
            }
            reader.findings.evicted(context, out);
        }
        self.connections.push_back(fresh);
        let connection = self.connections.back_mut()?;
        Some((number, reader.read(connection, &scratch.payload, out)))
    }

    /// A Handshake or 0-RTT packet: opened when there are keys, else its passing is told.
    fn protected(
        &mut self,
        packet: &Long<'_>,
        (level, direction): (Level, Direction),
        scratch: &mut Scratch,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Option<Inside> {
        let version = packet.version;
        let mut reader = Reader { level, version, direction, context, findings: &mut self.findings };
        let mut owner = None;
        for (place, connection) in self.connections.iter_mut().enumerate().rev() {
            if !connection.may_own(packet, direction) {
                continue;
            }
            owner = owner.or(Some(place));
            if let Outcome::Opened(number) = connection.open_long(packet, (level, direction), context, scratch) {
                return Some((number, reader.read(connection, &scratch.payload, out)));
            }
        }
        let connection = self.connections.get_mut(owner?)?;
        match level {
            Level::Early => tell_early(connection, direction, false, context, out),
            _ => {
                let event = CarrierEvent::HandshakeClosed { length: packet.length };
                tell(connection, direction, event, context, out);
            }
        }
        None
    }

    /// A packet with a short header.
    fn short(&mut self, packet: &[u8], direction: Direction, context: &Context<'_>, out: &mut Sink<'_>) {
        let mut scratch = std::mem::take(&mut self.scratch);
        let found = self.open_short(packet, direction, &mut scratch, context, out);
        self.scratch = scratch;
        if let Some((id, inside)) = found {
            packet_record::short(id, inside, direction, context, out);
        }
    }

    /// Opens it, or tells of its passing. Its Destination Connection ID, where that is known, and what was inside; null
    /// when it is no QUIC packet at all.
    fn open_short(
        &mut self,
        packet: &[u8],
        direction: Direction,
        scratch: &mut Scratch,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Option<(Option<ConnectionId>, Option<Inside>)> {
        let is_alone = self.connections.len() == 1;
        // Senders may set the fixed bit as they like once that was agreed (RFC 9287): an ID tells, too. Without either it
        // may be what some append to fill a datagram.
        let fixed_bit = packet.first().is_some_and(|first| has_fixed_bit(*first));
        let level = Level::Application;
        let mut owner = None;
        for (place, connection) in self.connections.iter_mut().enumerate().rev() {
            let Some(id) = connection.short_id(packet, direction) else { continue };
            owner = owner.or(Some((place, id)));
            let is_ours = (is_alone && fixed_bit) || !id.as_bytes().is_empty();
            if let Outcome::Opened(number) = connection.open_short(packet, (&id, is_ours), direction, context, scratch)
            {
                let version = connection.version();
                let mut reader = Reader { level, version, direction, context, findings: &mut self.findings };
                let frames = reader.read(connection, &scratch.payload, out);
                return Some((Some(id), Some((number, frames))));
            }
        }
        if owner.is_none() {
            for connection in self.connections.iter_mut().rev() {
                let Some(id) = connection.short_id_unknown(packet, direction) else { continue };
                if let Outcome::Opened(number) =
                    connection.open_short(packet, (&id, false), direction, context, scratch)
                {
                    connection.know_id(direction.reverse(), id);
                    let version = connection.version();
                    let mut reader = Reader { level, version, direction, context, findings: &mut self.findings };
                    let frames = reader.read(connection, &scratch.payload, out);
                    return Some((Some(id), Some((number, frames))));
                }
            }
        }
        let has_id = owner.is_some_and(|(_, id)| !id.as_bytes().is_empty());
        if !(fixed_bit || has_id) {
            return None;
        }
        if let Some((place, _)) = owner
            && packet.len() >= MIN_SHORT_PACKET_BYTES
            && let Some(connection) = self.connections.get_mut(place)
        {
            tell_data(connection, direction, (false, true), context, out);
        }
        Some((owner.map(|(_, id)| id), None))
    }

    fn retry(
        &mut self,
        packet: &Long<'_>,
        body: &[u8],
        direction: Direction,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let answered = self.connections.iter_mut().rev().find(|known| {
            body.len() > RETRY_TAG_BYTES
                && direction != known.client
                && packet.destination == known.client_id
                && retry_answers(packet.packet, packet.version, &known.original) != Some(false)
        });
        let Some(known) = answered else { return };
        if known.retries.len() < MAX_QUIC_RETRIES {
            known.retries.push(packet.source);
        } else {
            out.limit(&limits::QUIC);
        }
        self.findings.retry(context, out);
    }

    fn google(&mut self, out: &mut Sink<'_>) {
        if !std::mem::replace(&mut self.said_google, true) {
            out.application("gquic");
        }
    }
}

/// Reads what is in an opened packet.
struct Reader<'a> {
    level: Level,
    version: Version,
    direction: Direction,
    context: &'a Context<'a>,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    /// Hands the CRYPTO bytes on and tells the rest. Returns the names of the frames when they are wanted.
    fn read(&mut self, connection: &mut Connection, payload: &[u8], out: &mut Sink<'_>) -> Vec<&'static str> {
        let Self { level, version, direction, context, .. } = *self;
        let place = connection.place(direction);
        let with_given_keys = level != Level::Initial;
        if let Some(opened) = connection.told.opened.get_mut(place)
            && with_given_keys
            && !std::mem::replace(opened, true)
        {
            tell(connection, direction, CarrierEvent::Opened, context, out);
        }
        let (wants_names, mut names, mut of_application) = (packet_record::wants_frames(out), Vec::new(), false);
        for frame in frames(payload, level, version.has_google_frames()) {
            if wants_names {
                names.push(frame.name());
            }
            match frame {
                Frame::Crypto { offset, bytes } if version.carries_tls() => {
                    self.crypto(connection, offset, bytes, out);
                }
                Frame::Data { .. } => of_application = true,
                Frame::NewConnectionId { id } => connection.know_id(direction, id),
                Frame::ConnectionClose { .. } => {
                    if let Some(event) = close::event(&frame)
                        && !std::mem::replace(&mut connection.told.closed, true)
                    {
                        tell(connection, direction, event, context, out);
                    }
                }
                Frame::HandshakeDone => {
                    if direction != connection.client && !std::mem::replace(&mut connection.told.confirmed, true) {
                        tell(connection, direction, CarrierEvent::Confirmed, context, out);
                    }
                }
                Frame::Crypto { .. } | Frame::Padding | Frame::Other(_) => {}
            }
        }
        match level {
            Level::Early if of_application => tell_early(connection, direction, true, context, out),
            Level::Application => tell_data(connection, direction, (true, of_application), context, out),
            Level::Initial | Level::Handshake | Level::Early => {}
        }
        names
    }

    fn crypto(&mut self, connection: &mut Connection, offset: u64, bytes: &[u8], out: &mut Sink<'_>) {
        let Self { level, direction, context, .. } = *self;
        let channel = connection.channel;
        let taken = connection.crypto_bytes.saturating_add(bytes.len());
        let mut give = |piece| hand_on(channel, direction, piece, out);
        let kept = taken <= MAX_QUIC_CRYPTO_BYTES
            && connection.side(direction).add_crypto((level, offset), bytes, context.packet, &mut give).is_ok();
        if kept {
            connection.crypto_bytes = taken;
        } else {
            self.findings.too_much_crypto(context, out);
        }
    }
}

fn hand_on(channel: u64, direction: Direction, piece: Piece, out: &mut Sink<'_>) {
    match piece {
        Piece::Bytes { offset, bytes, packet } => {
            out.inner_of(channel, (Carrier::QuicCrypto, direction), offset, bytes, packet);
        }
        Piece::Lost { offset } => out.inner_lost(channel, direction, offset),
    }
}

/// A connection is over, or is followed no longer.
fn finish(connection: &mut Connection, context: &Context<'_>, out: &mut Sink<'_>) {
    let channel = connection.channel;
    for direction in [connection.client, connection.client.reverse()] {
        connection.side(direction).flush_crypto(&mut |piece| hand_on(channel, direction, piece, out));
    }
    findings::decryption(&mut connection.tally, context, out);
}

/// Tells who reads the CRYPTO stream.
fn tell(connection: &Connection, direction: Direction, event: CarrierEvent, context: &Context<'_>, out: &mut Sink<'_>) {
    out.inner_notice(connection.channel, Notice { direction, event, packet: context.packet });
}

/// Tells of the first 0-RTT packet that stays closed, and of the first that was opened.
fn tell_early(
    connection: &mut Connection,
    direction: Direction,
    opened: bool,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    if let Some(told) = connection.told.early.get_mut(usize::from(opened))
        && direction == connection.client
        && !std::mem::replace(told, true)
    {
        tell(connection, direction, CarrierEvent::EarlyData { opened }, context, out);
    }
}

/// Tells of 1-RTT packets: of the first of each side and kind, and of the server's first behind one of the client's.
fn tell_data(
    connection: &mut Connection,
    direction: Direction,
    (opened, of_application): (bool, bool),
    context: &Context<'_>,
    out: &mut Sink<'_>,
) {
    let kind = match (opened, of_application) {
        (false, _) => 0,
        (true, false) => 1,
        (true, true) => 2,
    };
    let place = connection.place(direction);
    let client_spoke = connection.told.data.first().is_some_and(|told| told.contains(&true));
    let Some(told) = connection.told.data.get_mut(place).and_then(|told| told.get_mut(kind)) else { return };
    let is_first = !std::mem::replace(told, true);
    let answers = place != 0 && client_spoke && !std::mem::replace(&mut connection.told.answered, true);
    if is_first || answers {
        tell(connection, direction, CarrierEvent::Data { opened, of_application }, context, out);
    }
}
