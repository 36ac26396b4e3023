//! Keys that come from secrets somebody gave: of one direction at one encryption level (RFC 9001, section 4), through all
//! key updates (section 6). Which packet belongs to which level is `connection`'s business.
use super::{
    protection::{Cipher, PacketKey, Protection, Scratch, next_secret},
    version::Labels,
};
use crate::{
    limits,
    record::{Secret, SecretLabel, Secrets},
};

/// Key updates that may have passed unseen between two packets that the capture holds.
const MAX_UPDATES_AHEAD: usize = 4;

/// What secrets are looked up with.
#[derive(Clone, Copy)]
pub struct Wanted<'a> {
    /// Those given.
    pub secrets: &'a Secrets,
    /// The random of the connection's ClientHello.
    pub client_random: &'a [u8; 32],
    /// The cipher suite, once the ServerHello told it. Before, all that fit the secret's length are tried.
    pub suite: Option<u16>,
    /// By which keys come out of secrets.
    pub labels: Labels,
    /// The packet they are for.
    pub at: u64,
}

/// The keys of one direction at one level.
#[derive(Debug)]
pub struct Traffic {
    label: SecretLabel,
    /// Those that may be the right ones; a single one, once it opened a packet.
    candidates: Vec<Keys>,
    is_proven: bool,
    /// The packet for which, and the suite and labels with which, secrets were looked for last.
    looked_up: Option<(u64, Option<u16>, Labels)>,
    failed_in_row: u32,
    /// Attempts left with keys of updates that passed unseen.
    attempts_left: u32,
}

/// What may be the keys.
#[derive(Debug)]
struct Keys {
    secret: Secret,
    cipher: Cipher,
    labels: Labels,
    protection: Protection,
    /// The key phase bit that they go with, in packets with a short header.
    phase: bool,
    /// The lowest number of a packet that they opened.
    first_number: u64,
    /// Those before the last update, for packets that come late.
    previous: Option<PacketKey>,
    /// Those after the next, once somebody needed them.
    next: Option<(Secret, PacketKey)>,
}

impl Traffic {
    /// Keys of secrets of this kind; none yet.
    pub fn new(label: SecretLabel) -> Self {
        Self {
            label,
            candidates: Vec::new(),
            is_proven: false,
            looked_up: None,
            failed_in_row: 0,
            attempts_left: limits::MAX_QUIC_UPDATE_ATTEMPTS,
        }
    }

    /// Looks for secrets, where some may have come since. Says whether there are keys to try.
    pub fn look_up(&mut self, wanted: Wanted<'_>) -> bool {
        let Wanted { secrets, client_random, suite, labels, at } = wanted;
        let stale = match self.looked_up {
            Some((before, known, with)) => {
                !self.is_proven && (known != suite || with != labels || secrets.came_between(before, at))
            }
            None => true,
        };
        if stale {
            self.looked_up = Some((at, suite, labels));
            let possible: Vec<Cipher> = match suite {
                Some(suite) => Cipher::of_suite(suite).into_iter().collect(),
                None => Cipher::ALL.to_vec(),
            };
            let found = secrets.of_session(client_random, self.label, at);
            let keys = found.flat_map(|secret| possible.iter().filter_map(|cipher| Keys::of(secret, *cipher, labels)));
            self.candidates = keys.collect();
            self.failed_in_row = 0;
        }
        !self.candidates.is_empty() && self.failed_in_row < limits::MAX_TLS_FAILURES
    }

    /// Opens a packet with a long header; see [`Protection::open`].
    pub fn open_long(&mut self, packet: &[u8], offset: usize, expected: u64, scratch: &mut Scratch) -> Option<u64> {
        let mut keys = self.candidates.iter().enumerate();
        let found =
            keys.find_map(|(place, keys)| Some((place, keys.protection.open(packet, offset, expected, scratch)?)));
        self.settle(found)
    }

    /// Opens a packet with a short header, whatever its key phase.
    pub fn open_short(&mut self, packet: &[u8], offset: usize, expected: u64, scratch: &mut Scratch) -> Option<u64> {
        let ahead = if self.is_proven && self.attempts_left > 0 { MAX_UPDATES_AHEAD } else { 1 };
        let mut keys = self.candidates.iter_mut().enumerate();
        let found =
            keys.find_map(|(place, keys)| Some((place, keys.open_short(packet, offset, expected, ahead, scratch)?)));
        if found.is_none() && ahead > 1 {
            self.attempts_left = self.attempts_left.saturating_sub(1);
        }
        self.settle(found)
    }

    /// Keeps the keys that opened a packet, and counts failures.
    fn settle(&mut self, found: Option<(usize, u64)>) -> Option<u64> {
        let Some((place, number)) = found else {
            self.failed_in_row = self.failed_in_row.saturating_add(1);
            return None;
        };
        self.candidates.swap(0, place);
        self.candidates.truncate(1);
        self.is_proven = true;
        self.failed_in_row = 0;
        Some(number)
    }

    /// Whether a packet was opened.
    pub fn is_proven(&self) -> bool {
        self.is_proven
    }
}

impl Keys {
    fn of(secret: &Secret, cipher: Cipher, labels: Labels) -> Option<Self> {
        let protection = Protection::derive(secret.bytes(), cipher, labels)?;
        let secret = secret.clone();
        Some(Self { secret, cipher, labels, protection, phase: false, first_number: 0, previous: None, next: None })
    }

    /// Secret and keys after an update of those that `secret` is of.
    fn update(&self, secret: &Secret) -> Option<(Secret, PacketKey)> {
        let secret = Secret::new(&next_secret(secret.bytes(), self.labels)?);
        let key = PacketKey::derive(secret.bytes(), self.cipher, self.labels)?;
        Some((secret, key))
    }

    fn open_short(
        &mut self,
        packet: &[u8],
        offset: usize,
        expected: u64,
        ahead: usize,
        scratch: &mut Scratch,
    ) -> Option<u64> {
        let unmasked = self.protection.header.unmask(packet, offset, scratch)?;
        let number = unmasked.number(expected);
        let other_phase = unmasked.key_phase() != self.phase;
        if !other_phase && self.protection.packet.open(packet, unmasked, number, scratch).is_some() {
            self.first_number = self.first_number.min(number);
            return Some(number);
        }
        // The same bit means the keys before, of a packet that came late, or those after the next update.
        if other_phase
            && number < self.first_number
            && let Some(previous) = &self.previous
            && previous.open(packet, unmasked, number, scratch).is_some()
        {
            return Some(number);
        }
        if self.next.is_none() {
            self.next = self.update(&self.secret);
        }
        let (next_secret, next) = self.next.as_ref()?;
        if other_phase && next.open(packet, unmasked, number, scratch).is_some() {
            let (secret, key) = self.next.take()?;
            self.previous = Some(std::mem::replace(&mut self.protection.packet, key));
            (self.secret, self.phase, self.first_number) = (secret, unmasked.key_phase(), number);
            return Some(number);
        }
        // All packets of an update, or of several, may be missing from the capture.
        let mut before = next_secret.clone();
        for step in 2..=ahead {
            let (secret, key) = self.update(&before)?;
            if (step % 2 == 1) == other_phase && key.open(packet, unmasked, number, scratch).is_some() {
                self.previous = PacketKey::derive(before.bytes(), self.cipher, self.labels);
                (self.protection.packet, self.next) = (key, None);
                (self.secret, self.phase, self.first_number) = (secret, unmasked.key_phase(), number);
                return Some(number);
            }
            before = secret;
        }
        None
    }
}
