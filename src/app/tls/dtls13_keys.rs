//! Opening records of DTLS 1.3 with secrets that were given (RFC 9147 4.2.3): their numbers are encrypted, too, and the
//! epoch tells which secret it is. What was inside is the session's.
use ring::aead::quic::{self, HeaderProtectionKey};

use super::{
    decryption::Decryption,
    dtls13::{self, Unified},
    key_schedule,
    record_protection::{Keys, Sealed, Suite},
};
use crate::{
    app::codec::hkdf::expand_label,
    limits,
    record::{Direction, PacketRef, Secret, SecretLabel, Secrets},
};

/// HKDF-Expand-Label's prefix (RFC 9147 5.9).
const PREFIX: &str = "dtls13";
/// The suites of TLS 1.3, for early data, whose suite is not told before it.
const SUITES13: std::ops::RangeInclusive<u32> = 0x1301..=0x1305;
/// Bytes of ciphertext that hide the record's number.
const SAMPLE_BYTES: usize = 16;

/// What is known of one flow's DTLS 1.3 handshake.
pub(super) struct Dtls13 {
    /// The direction in which the ClientHello came.
    client: Direction,
    client_random: [u8; 32],
    suite: Option<Suite>,
    halves: [Half; 2],
}

/// One direction.
#[derive(Default)]
struct Half {
    epochs: Vec<Epoch>,
    /// The packet at which secrets were looked for last.
    looked_up: Option<u64>,
    failed_in_row: u32,
}

/// A secret and its keys. Several may be of one epoch, where the log contradicts itself.
struct Epoch {
    epoch: u64,
    secret: Secret,
    suite: Suite,
    keys: Keys,
    number_key: HeaderProtectionKey,
    /// The record number expected next.
    next: u64,
    /// Whether the last record opened had the epoch in its nonce.
    epoch_in_nonce: bool,
}

impl Epoch {
    fn new(epoch: u64, secret: Secret, suite: Suite) -> Option<Self> {
        let keys = Keys::of_traffic_secret(secret.bytes(), suite, PREFIX)?;
        let key = |algorithm: &'static quic::Algorithm| match algorithm.key_len() {
            16 => HeaderProtectionKey::new(algorithm, &expand_label::<16>(secret.bytes(), PREFIX, "sn")?).ok(),
            _ => HeaderProtectionKey::new(algorithm, &expand_label::<32>(secret.bytes(), PREFIX, "sn")?).ok(),
        };
        let number_key = key(suite.number_algorithm()?)?;
        Some(Self { epoch, secret, suite, keys, number_key, next: 0, epoch_in_nonce: false })
    }

    /// What follows a KeyUpdate.
    fn following(&self) -> Option<Self> {
        let secret = Secret::new(&key_schedule::next_secret(self.secret.bytes(), PREFIX)?);
        Self::new(self.epoch.checked_add(1)?, secret, self.suite)
    }

    /// Opens a record into `content`, which keeps its inner type and padding.
    fn open(&mut self, record: Unified<'_>, content: &mut Vec<u8>) -> Option<()> {
        let sample = record.fragment.get(..SAMPLE_BYTES)?;
        let mask = self.number_key.new_mask(sample).ok()?;
        let mut header = record.header.to_vec();
        let place = record.number_at..record.number_at.checked_add(record.number_bytes)?;
        let (sent, mut low) = (header.get_mut(place)?, 0_u64);
        for (byte, mask) in sent.iter_mut().zip(mask) {
            *byte ^= mask;
            low = low << 8 | u64::from(*byte);
        }
        let bits = if record.number_bytes == 1 { 8 } else { 16 };
        let number = dtls13::number(self.next, low, bits);
        let sealed = Sealed { content_type: 0, version: 0, number, fragment: record.fragment, header: &header };
        // The nonce is made of the number alone; up to the last draft, as NSS has it, of epoch and number as in DTLS 1.2.
        let with_epoch = Sealed { number: self.epoch.wrapping_shl(48) | number, ..sealed };
        let [first, second] = if self.epoch_in_nonce { [with_epoch, sealed] } else { [sealed, with_epoch] };
        if self.keys.open(first, content).is_none() {
            self.keys.open(second, content)?;
            self.epoch_in_nonce = !self.epoch_in_nonce;
        }
        self.next = self.next.max(number.saturating_add(1));
        Some(())
    }
}

impl Dtls13 {
    /// For the handshake that a ClientHello begins.
    pub(super) fn new(client: Direction, client_random: [u8; 32]) -> Self {
        Self { client, client_random, suite: None, halves: <[Half; 2]>::default() }
    }

    /// Whether a ClientHello is another one of this handshake: that which answers a HelloRetryRequest.
    pub(super) fn is_of(&self, client_random: &[u8]) -> bool {
        self.client_random == client_random
    }

    /// The server chose a suite, for DTLS 1.3.
    pub(super) fn negotiated(&mut self, suite: u32) {
        self.suite = Suite::of(suite);
        for half in &mut self.halves {
            half.looked_up = None;
        }
    }

    /// Opens a record; says the type of its content, which is in `content` then. Failures are counted in `decryption`.
    pub(super) fn open(
        &mut self,
        direction: Direction,
        (epoch, record): (u64, Unified<'_>),
        content: &mut Vec<u8>,
        decryption: &mut Decryption,
        secrets: &Secrets,
        packet: PacketRef,
    ) -> Option<u8> {
        self.look_up(direction, secrets, packet.index);
        let half = self.halves.get_mut(direction.index())?;
        if half.failed_in_row >= limits::MAX_TLS_FAILURES {
            return None;
        }
        half.update_to(epoch);
        let mut known = false;
        let fitting = half.epochs.iter_mut().filter(|candidate| candidate.epoch == epoch).position(|candidate| {
            known = true;
            candidate.open(record, content).is_some()
        });
        // The content's type stands behind it, and padding behind that.
        let inner = fitting.and_then(|_| {
            let end = content.iter().rposition(|byte| *byte != 0)?;
            let content_type = content.get(end).copied();
            content.truncate(end);
            content_type
        });
        if known {
            half.failed_in_row = if inner.is_some() { 0 } else { half.failed_in_row.saturating_add(1) };
            decryption.tried(inner.is_some(), packet);
        }
        inner
    }

    /// Looks for secrets, where some may have come since.
    fn look_up(&mut self, direction: Direction, secrets: &Secrets, at: u64) {
        let Some(half) = self.halves.get_mut(direction.index()) else { return };
        if half.looked_up.is_some_and(|before| !secrets.came_between(before, at)) {
            return;
        }
        half.looked_up = Some(at);
        let labels: &[(SecretLabel, u64)] = if direction == self.client {
            &[
                (SecretLabel::ClientEarlyTraffic, dtls13::EARLY),
                (SecretLabel::ClientHandshakeTraffic, dtls13::HANDSHAKE),
                (SecretLabel::ClientTraffic, dtls13::APPLICATION),
            ]
        } else {
            &[
                (SecretLabel::ServerHandshakeTraffic, dtls13::HANDSHAKE),
                (SecretLabel::ServerTraffic, dtls13::APPLICATION),
            ]
        };
        for (label, epoch) in labels {
            for secret in secrets.of_session(&self.client_random, *label, at) {
                if half.epochs.iter().any(|known| known.epoch == *epoch && known.secret == *secret) {
                    continue;
                }
                let new = |suite| Epoch::new(*epoch, secret.clone(), suite);
                match *epoch {
                    dtls13::EARLY => half.epochs.extend(SUITES13.filter_map(Suite::of).filter_map(new)),
                    _ => half.epochs.extend(self.suite.and_then(new)),
                }
            }
        }
    }
}

impl Half {
    /// Makes the secrets up to an epoch of application data, each of the one before (RFC 9147 6.1). An epoch is never more
    /// than four ahead of the latest that was seen.
    fn update_to(&mut self, epoch: u64) {
        for _ in 0..4 {
            let Some(last) = self.epochs.iter().rfind(|known| known.epoch >= dtls13::APPLICATION) else {
                return;
            };
            if last.epoch >= epoch {
                return;
            }
            let Some(next) = last.following() else { return };
            // Records of the epoch before may come late; older ones do not.
            let oldest = last.epoch;
            self.epochs.retain(|known| known.epoch < dtls13::APPLICATION || known.epoch >= oldest);
            self.epochs.push(next);
        }
    }
}

#[cfg(test)]
#[path = "dtls13_tests.rs"]
mod tests;
