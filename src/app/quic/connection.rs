//! One QUIC connection of a flow: its connection IDs, its keys at all encryption levels, and what its packets have told
//! so far.
use std::collections::VecDeque;

use super::{
    crypto_stream::{CryptoStream, Piece, TooMuch},
    header::{ConnectionId, Level, Long},
    keys::InitialKeys,
    protection::{Cipher, Scratch},
    traffic::{Traffic, Wanted},
    version::Version,
};
use crate::{
    limits::MAX_QUIC_CONNECTION_IDS,
    record::{Context, Direction, Evidence, PacketRef, SecretLabel},
};

/// A connection, known since a client's Initial packet opened.
pub struct Connection {
    /// Its inner stream's channel.
    pub channel: u64,
    /// The way its client sends.
    pub client: Direction,
    /// The Destination Connection ID of the client's first Initial packet, or that after a Retry: keys come from it.
    pub original: ConnectionId,
    /// The Source Connection ID of the client.
    pub client_id: ConnectionId,
    /// The Source Connection IDs of the Retry packets that answered it. A client follows the first that it gets (RFC
    /// 9000, section 17.2.5.2), which may be another one than the first that the capture holds.
    pub retries: Vec<ConnectionId>,
    /// CRYPTO bytes taken so far.
    pub crypto_bytes: usize,
    /// What became of its packets under keys that were given.
    pub tally: Tally,
    /// What was told of it to who reads the inner stream.
    pub told: Told,
    version: Version,
    keys: InitialKeys,
    /// Of the client and of the server.
    sides: [Side; 2],
}

/// What one side sent.
pub struct Side {
    /// Its CRYPTO streams.
    crypto: CryptoStream,
    /// The client's after a Retry, only read for its ClientHello: that should be the one that was sent before (RFC 9000,
    /// section 17.2.5.3), but some clients make another.
    retried: Option<Box<CryptoStream>>,
    /// Connection IDs that it chose, by which packets to it are known; the first is that of its long headers.
    ids: VecDeque<ConnectionId>,
    /// Packet number expected next, of Initial, Handshake and application data packets (RFC 9000, section 12.3).
    expected: [u64; 3],
    early: Traffic,
    handshake: Traffic,
    application: Traffic,
}

/// Packets opened with keys that were given, and those that should have been.
#[derive(Default)]
pub struct Tally {
    /// Opened.
    pub opened: u64,
    /// Not opened, though there were keys of their level.
    pub failed: u64,
    /// Some of them.
    pub failures: Evidence,
    /// There are secrets, but not for a cipher suite that is understood: which, and where that was seen.
    pub unsupported: Option<(u16, PacketRef)>,
}

/// What was told, so that it is not told for each packet.
#[derive(Default)]
pub struct Told {
    /// That packets of a side are opened.
    pub opened: [bool; 2],
    /// 0-RTT packets: closed, opened.
    pub early: [bool; 2],
    /// 1-RTT packets of a side: closed, opened without and with the application's data.
    pub data: [[bool; 3]; 2],
    /// The server's first 1-RTT packet behind one of the client's.
    pub answered: bool,
    /// HANDSHAKE_DONE.
    pub confirmed: bool,
    /// CONNECTION_CLOSE.
    pub closed: bool,
}

/// What became of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Opened; its number. The frames are in the scratch.
    Opened(u64),
    /// It stays closed: nobody gave keys for it, or they do not fit.
    Closed,
}

impl Side {
    fn new(labels: [SecretLabel; 3]) -> Self {
        let [early, handshake, application] = labels.map(Traffic::new);
        Self {
            crypto: CryptoStream::default(),
            retried: None,
            ids: VecDeque::new(),
            expected: [0; 3],
            early,
            handshake,
            application,
        }
    }

    /// The keys of a level above Initial, and the packet number expected next.
    fn level(&mut self, level: Level) -> (&mut Traffic, &mut u64) {
        let [_, handshake, application] = &mut self.expected;
        match level {
            Level::Early => (&mut self.early, application),
            Level::Initial | Level::Handshake => (&mut self.handshake, handshake),
            Level::Application => (&mut self.application, application),
        }
    }

    /// Takes the content of a CRYPTO frame; see [`CryptoStream::add`].
    pub fn add_crypto(
        &mut self,
        (level, offset): (Level, u64),
        bytes: &[u8],
        packet: PacketRef,
        out: &mut impl FnMut(Piece),
    ) -> Result<(), TooMuch> {
        if let Some(retried) = self.retried.as_mut().filter(|_| level == Level::Initial) {
            retried.add(level, offset, bytes, packet, &mut |_| {})?;
        }
        self.crypto.add(level, offset, bytes, packet, out)
    }

    /// No more CRYPTO frames come; see [`CryptoStream::flush`].
    pub fn flush_crypto(&mut self, out: &mut impl FnMut(Piece)) {
        self.crypto.flush(out);
    }

    /// The random of the ClientHello that the server answered.
    fn client_random(&self) -> Option<[u8; 32]> {
        let retried = self.retried.as_ref().and_then(|retried| retried.client_random);
        retried.or(self.crypto.client_random)
    }

    fn know(&mut self, id: ConnectionId) {
        if self.ids.contains(&id) {
            return;
        }
        if self.ids.len() >= MAX_QUIC_CONNECTION_IDS {
            // Not the first: its length is the usual one.
            self.ids.remove(1);
        }
        self.ids.push_back(id);
    }
}

impl Connection {
    /// The connection that `packet` opens, when it is a client's Initial packet whose keys come from its own
    /// Destination Connection ID. Its number; the frames are left in `scratch`.
    pub fn begin(packet: &Long<'_>, direction: Direction, channel: u64, scratch: &mut Scratch) -> Option<(Self, u64)> {
        let (keys, number) = packet.version.initial_constants().iter().find_map(|constants| {
            let keys = InitialKeys::derive(constants, &packet.destination)?;
            let number = keys.client.open(packet, 0, scratch)?;
            Some((keys, number))
        })?;
        use SecretLabel as Label;
        let mut client = Side::new([Label::ClientEarlyTraffic, Label::ClientHandshakeTraffic, Label::ClientTraffic]);
        // A server sends no 0-RTT packets.
        let server = Side::new([Label::ServerHandshakeTraffic, Label::ServerHandshakeTraffic, Label::ServerTraffic]);
        client.know(packet.source);
        client.expected = [number.saturating_add(1), 0, 0];
        let connection = Self {
            channel,
            client: direction,
            original: packet.destination,
            client_id: packet.source,
            retries: Vec::new(),
            crypto_bytes: 0,
            tally: Tally::default(),
            told: Told::default(),
            version: packet.version,
            keys,
            sides: [client, server],
        };
        Some((connection, number))
    }

    /// The place of the side that sends in `direction` in what is kept of both: 0 is the client's.
    pub fn place(&self, direction: Direction) -> usize {
        usize::from(direction != self.client)
    }

    /// The side that sends in `direction`.
    pub fn side(&mut self, direction: Direction) -> &mut Side {
        let [client, server] = &mut self.sides;
        if direction == self.client { client } else { server }
    }

    /// Whether `packet` may be of this connection, by its connection IDs.
    pub fn may_own(&self, packet: &Long<'_>, direction: Direction) -> bool {
        if direction == self.client { packet.source == self.client_id } else { packet.destination == self.client_id }
    }

    /// Learns connection IDs from a packet with a long header that is of this connection.
    fn learn(&mut self, packet: &Long<'_>, direction: Direction) {
        self.side(direction).know(packet.source);
        // A client's first Initial packets go to an ID that nobody chose.
        if packet.destination != self.original {
            self.side(direction.reverse()).know(packet.destination);
        }
    }

    /// The Destination Connection ID of `packet`, which has a short header, when it is one of those that its receiver chose.
    pub fn short_id(&self, packet: &[u8], direction: Direction) -> Option<ConnectionId> {
        let [client, server] = &self.sides;
        let receiver = if direction == self.client { server } else { client };
        let behind_first = packet.get(1..)?;
        receiver.ids.iter().find(|id| behind_first.starts_with(id.as_bytes())).copied()
    }

    /// The same when the ID is another one, that was given in a packet the capture does not hold: as long as the first.
    pub fn short_id_unknown(&self, packet: &[u8], direction: Direction) -> Option<ConnectionId> {
        let [client, server] = &self.sides;
        let (sender, receiver) = if direction == self.client { (client, server) } else { (server, client) };
        let usual = receiver.ids.front().filter(|id| sender.application.is_proven() && !id.as_bytes().is_empty())?;
        ConnectionId::new(packet.get(1..)?.get(..usual.as_bytes().len())?)
    }

    /// The version that both speak, as far as known.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Opens an Initial packet of either side; its number.
    pub fn open(&mut self, packet: &Long<'_>, direction: Direction, scratch: &mut Scratch) -> Option<u64> {
        let from_client = direction == self.client;
        if packet.version != self.version {
            // Compatible version negotiation (RFC 9368, section 2.3) keeps the connection ID the keys come from.
            let keys = InitialKeys::derive(packet.version.initial_constants().first()?, &self.original)?;
            let side = if from_client { &keys.client } else { &keys.server };
            side.open(packet, 0, scratch)?;
            self.keys = keys;
            self.version = packet.version;
        }
        let keys = if from_client { &self.keys.client } else { &self.keys.server };
        let [client, server] = &mut self.sides;
        let [expected, ..] = if from_client { &mut client.expected } else { &mut server.expected };
        let number = keys.open(packet, *expected, scratch)?;
        *expected = (*expected).max(number.saturating_add(1));
        self.learn(packet, direction);
        Some(number)
    }

    /// Opens a Handshake or 0-RTT packet, whose connection IDs are this connection's.
    pub fn open_long(
        &mut self,
        packet: &Long<'_>,
        (level, direction): (Level, Direction),
        context: &Context<'_>,
        scratch: &mut Scratch,
    ) -> Outcome {
        self.learn(packet, direction);
        let whole = packet.whole();
        let Some((traffic, expected)) = self.keys_for(level, direction, packet.version, context) else {
            return Outcome::Closed;
        };
        let Some(bytes) = whole else { return Outcome::Closed };
        let opened = traffic.open_long(bytes, packet.number_offset, *expected, scratch);
        if let Some(number) = opened {
            *expected = (*expected).max(number.saturating_add(1));
        }
        // Early data may be refused, and its keys are of a session that ended: nobody can say that they should fit.
        self.count(opened, level != Level::Early, context)
    }

    /// Opens a packet with a short header, whose Destination Connection ID is `id`. `is_ours`: nobody else can own it.
    pub fn open_short(
        &mut self,
        packet: &[u8],
        (id, is_ours): (&ConnectionId, bool),
        direction: Direction,
        context: &Context<'_>,
        scratch: &mut Scratch,
    ) -> Outcome {
        let closed = self.told.closed;
        let version = self.version;
        let Some((traffic, expected)) = self.keys_for(Level::Application, direction, version, context) else {
            return Outcome::Closed;
        };
        let number_offset = id.as_bytes().len().saturating_add(1);
        let opened = traffic.open_short(packet, number_offset, *expected, scratch);
        if let Some(number) = opened {
            *expected = (*expected).max(number.saturating_add(1));
        }
        // Once it is over, who forgot it answers with stateless resets (RFC 9000, section 10.3), which open for nobody.
        self.count(opened, is_ours && !closed, context)
    }

    /// The keys of a level, and the packet number expected next, when there are secrets.
    fn keys_for(
        &mut self,
        level: Level,
        direction: Direction,
        version: Version,
        context: &Context<'_>,
    ) -> Option<(&mut Traffic, &mut u64)> {
        if context.secrets.is_none() {
            return None;
        }
        let [client, server] = &self.sides;
        let client_random = client.client_random()?;
        let hello = server.crypto.server_hello.filter(|hello| !hello.is_hello_retry_request);
        // Early data has the suite of the ticket it came with, which is not told.
        let suite = hello.map(|hello| hello.cipher_suite).filter(|_| level != Level::Early);
        if let Some(suite) = suite.filter(|suite| Cipher::of_suite(*suite).is_none())
            && context.secrets.knows_session(&client_random)
        {
            self.tally.unsupported.get_or_insert((suite, context.packet));
        }
        let wanted = Wanted {
            secrets: context.secrets,
            client_random: &client_random,
            suite,
            labels: version.labels(),
            at: context.packet.index,
        };
        let (traffic, expected) = self.side(direction).level(level);
        traffic.look_up(wanted).then_some((traffic, expected))
    }

    fn count(&mut self, opened: Option<u64>, should_open: bool, context: &Context<'_>) -> Outcome {
        match opened {
            Some(number) => {
                self.tally.opened = self.tally.opened.saturating_add(1);
                Outcome::Opened(number)
            }
            None => {
                if should_open {
                    self.tally.failed = self.tally.failed.saturating_add(1);
                    self.tally.failures.add(context.packet.number);
                }
                Outcome::Closed
            }
        }
    }

    /// The side that sends in `direction` can be reached under this ID, too.
    pub fn know_id(&mut self, direction: Direction, id: ConnectionId) {
        self.side(direction).know(id);
    }

    /// Continues as the connection that `fresh` began after a Retry: same client, new keys. Packet numbers and the
    /// CRYPTO stream go on (RFC 9000, section 17.2.5.3).
    pub fn resume(&mut self, fresh: Self) {
        let [client, _] = fresh.sides;
        let [ours, _] = &mut self.sides;
        ours.expected = client.expected;
        ours.retried = Some(Box::default());
        (self.original, self.client_id, self.version) = (fresh.original, fresh.client_id, fresh.version);
        (self.keys, self.retries) = (fresh.keys, Vec::new());
    }
}
