//! One QUIC connection of a flow: its connection IDs, its Initial keys, and what both sides' Initial packets have
//! told so far.
use super::{
    header::{ConnectionId, Long},
    keys::{InitialKeys, Opened},
    version::Version,
};
use crate::record::Direction;

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
    /// CRYPTO bytes handed on so far.
    pub crypto_bytes: usize,
    version: Version,
    keys: InitialKeys,
    /// Packet number expected next, of the client and of the server.
    expected: [u64; 2],
}

impl Connection {
    /// The connection that `packet` opens, when it is a client's Initial packet whose keys come from its own
    /// Destination Connection ID. The frames are left in `scratch`.
    pub fn begin(
        packet: &Long<'_>,
        direction: Direction,
        channel: u64,
        scratch: &mut Vec<u8>,
    ) -> Option<(Self, Opened)> {
        let (keys, opened) = packet.version.initial_constants().iter().find_map(|constants| {
            let keys = InitialKeys::derive(constants, &packet.destination)?;
            let opened = keys.client.open(packet, 0, scratch)?;
            Some((keys, opened))
        })?;
        let connection = Self {
            channel,
            client: direction,
            original: packet.destination,
            client_id: packet.source,
            retries: Vec::new(),
            crypto_bytes: 0,
            version: packet.version,
            keys,
            expected: [opened.number.saturating_add(1), 0],
        };
        Some((connection, opened))
    }

    /// Whether `packet` may be of this connection, by its connection IDs.
    pub fn may_own(&self, packet: &Long<'_>, direction: Direction) -> bool {
        if direction == self.client { packet.source == self.client_id } else { packet.destination == self.client_id }
    }

    /// Opens an Initial packet of either side.
    pub fn open(&mut self, packet: &Long<'_>, direction: Direction, scratch: &mut Vec<u8>) -> Option<Opened> {
        let from_client = direction == self.client;
        if packet.version != self.version {
            // Compatible version negotiation (RFC 9368, section 2.3) keeps the connection ID the keys come from.
            let keys = InitialKeys::derive(packet.version.initial_constants().first()?, &self.original)?;
            let side = if from_client { &keys.client } else { &keys.server };
            side.open(packet, 0, scratch)?;
            self.keys = keys;
            self.version = packet.version;
        }
        let (keys, expected) = match (&mut self.expected, from_client) {
            ([client, _], true) => (&self.keys.client, client),
            ([_, server], false) => (&self.keys.server, server),
        };
        let opened = keys.open(packet, *expected, scratch)?;
        *expected = (*expected).max(opened.number.saturating_add(1));
        Some(opened)
    }

    /// Continues as the connection that `fresh` began after a Retry: same client, new keys.
    pub fn resume(&mut self, fresh: Self) {
        let (channel, crypto_bytes) = (self.channel, self.crypto_bytes);
        *self = Self { channel, crypto_bytes, ..fresh };
    }
}
