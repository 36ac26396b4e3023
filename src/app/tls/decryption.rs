//! One flow's decryption: remembers what the handshake shows, finds the secrets that fit, and knows which keys and which
//! number the next record of each direction has. It knows nothing of records' framing, nor what their content means.
use std::sync::Arc;

use super::{
    extensions, key_schedule,
    parser::{self, kind},
    record_layer::content,
    record_protection::{Keys, Sealed, Session12, Suite},
};
use crate::{
    limits,
    record::{Direction, Evidence, PacketRef, Secret, SecretLabel, Secrets},
};

/// Handshake types that change keys or say what becomes of early data.
const END_OF_EARLY_DATA: u8 = 5;
const KEY_UPDATE: u8 = 24;
/// Extension types (RFC 7366, RFC 7627).
const ENCRYPT_THEN_MAC: u16 = 22;
const EXTENDED_MASTER_SECRET: u16 = 23;
/// HKDF-Expand-Label's prefix (RFC 9846 section 7.1).
const PREFIX: &str = "tls13 ";
/// The TLS 1.3 suites, for early data, whose suite is not told before it.
const SUITES13: std::ops::RangeInclusive<u32> = 0x1301..=0x1305;

/// The keys a TLS 1.3 direction goes through, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Epoch {
    Early,
    Handshake,
    Application,
}

/// What both hellos say, and what came of the premaster secret.
#[derive(Clone, Debug)]
struct Negotiated {
    client_random: [u8; 32],
    server_random: [u8; 32],
    version: u16,
    suite_id: u32,
    suite: Option<Suite>,
    extended_master_secret: bool,
    encrypt_then_mac: bool,
    /// As the client sent it, for the RSA key exchange.
    sealed_premaster: Vec<u8>,
    /// Opened with a private key.
    premaster: Option<Secret>,
    /// Of the messages up to ClientKeyExchange (RFC 7627 section 3).
    session_hash: Vec<u8>,
}

/// A secret of TLS 1.3 and its keys.
#[derive(Debug)]
struct Traffic {
    epoch: Epoch,
    secret: Secret,
    suite: Suite,
    keys: Keys,
}

/// How a direction is protected.
#[derive(Debug, Default)]
enum Protection {
    #[default]
    None,
    /// TLS 1.2 and before: keys that may be the right ones; a single one, once it opened a record.
    Tls12 { negotiated: Arc<Negotiated>, keys: Vec<Keys> },
    /// TLS 1.3: all that is known, which of it opened the last record, and the earliest epoch that may be due.
    Tls13 { traffic: Vec<Traffic>, current: Option<usize>, due: Epoch },
}

/// One direction.
#[derive(Debug, Default)]
struct Half {
    protection: Protection,
    /// Number of the next record under the current keys; of records so far, while there are none.
    number: u64,
    /// Records may be missing before the next one.
    uncertain: bool,
    /// The packet at which secrets were looked for last.
    looked_up: Option<u64>,
    /// Failures since a record was opened.
    failed_in_row: u32,
    /// Attempts left for records whose number is not certain.
    attempts_left: u32,
    given_up: bool,
}

impl Half {
    fn protect(&mut self, protection: Protection) {
        *self = Self { protection, attempts_left: limits::MAX_TLS_KEY_ATTEMPTS, ..Self::default() };
    }
}

/// What was opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Opened {
    /// ContentType of what is inside.
    pub(super) content_type: u8,
    /// Whether it is 0-RTT data.
    pub(super) early: bool,
}

/// A flow's decryption.
#[derive(Debug)]
pub(super) struct Decryption {
    /// Records carry their numbers: DTLS.
    numbered: bool,
    /// The direction in which the ClientHello came.
    client: Option<Direction>,
    client_random: Option<[u8; 32]>,
    offered: Vec<u32>,
    early_data: bool,
    negotiated: Option<Negotiated>,
    /// Messages of a handshake that may need them hashed.
    transcript: Vec<u8>,
    halves: [Half; 2],
    /// The content of the record opened last.
    content: Vec<u8>,
    early_accepted: Option<bool>,
    pub(super) opened: u64,
    pub(super) failed: u64,
    pub(super) failures: Evidence,
    /// A private key was given, and the premaster secret was not made for it.
    pub(super) key_does_not_fit: Option<PacketRef>,
    /// There are secrets for a suite that cannot be opened here.
    pub(super) unsupported: Option<(u32, PacketRef)>,
}

impl Decryption {
    pub(super) fn new(numbered: bool) -> Self {
        Self {
            numbered,
            client: None,
            client_random: None,
            offered: Vec::new(),
            early_data: false,
            negotiated: None,
            transcript: Vec::new(),
            halves: <[Half; 2]>::default(),
            content: Vec::new(),
            early_accepted: None,
            opened: 0,
            failed: 0,
            failures: Evidence::default(),
            key_does_not_fit: None,
            unsupported: None,
        }
    }

    fn half(&mut self, direction: Direction) -> &mut Half {
        let [client, server] = &mut self.halves;
        match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        }
    }

    /// Another handshake begins in the clear: what protected the records before is over.
    pub(super) fn restart(&mut self) {
        for half in &mut self.halves {
            half.protect(Protection::None);
        }
    }

    /// Bytes are missing in a direction.
    pub(super) fn gap(&mut self, direction: Direction) {
        self.half(direction).uncertain = true;
    }

    /// Whether early data was accepted, once that is known.
    pub(super) fn early_accepted(&self) -> Option<bool> {
        self.early_accepted
    }

    /// What the record opened last holds; to be given back.
    pub(super) fn take_content(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.content)
    }

    /// Gives the buffer back, so that not every record needs a new one.
    pub(super) fn give_back(&mut self, buffer: Vec<u8>) {
        self.content = buffer;
    }

    /// Takes a handshake message, readable or opened. `header` is what stands before its body, as it is hashed.
    pub(super) fn message(
        &mut self,
        direction: Direction,
        (kind, header, body): (u8, &[u8], &[u8]),
        secrets: &Secrets,
        packet: PacketRef,
    ) {
        match kind {
            kind::CLIENT_HELLO => self.client_hello(direction, body, secrets, packet),
            kind::HELLO_REQUEST | kind::HELLO_VERIFY_REQUEST => return,
            _ => {}
        }
        let wanted = !secrets.keys().is_empty() || secrets.has_premasters();
        if wanted && self.transcript.len().saturating_add(body.len()) <= limits::MAX_HANDSHAKE_MESSAGE_BYTES {
            self.transcript.extend_from_slice(header);
            self.transcript.extend_from_slice(body);
        }
        match kind {
            kind::SERVER_HELLO | kind::HELLO_RETRY_REQUEST => self.server_hello(direction, body, secrets, packet),
            kind::CLIENT_KEY_EXCHANGE => self.client_key_exchange(body, secrets, packet),
            kind::ENCRYPTED_EXTENSIONS => {
                self.early_accepted = Some(has_early_data(body));
            }
            END_OF_EARLY_DATA => {
                self.early_accepted = Some(true);
                self.advance(direction, Epoch::Early, Epoch::Handshake);
            }
            kind::FINISHED => self.advance(direction, Epoch::Handshake, Epoch::Application),
            KEY_UPDATE => self.update(direction),
            _ => {}
        }
    }

    fn client_hello(&mut self, direction: Direction, body: &[u8], secrets: &Secrets, packet: PacketRef) {
        let Ok((_, hello)) = parser::client_hello(body, self.numbered) else { return };
        self.client = Some(direction);
        self.client_random = hello.random.try_into().ok();
        self.transcript.clear();
        self.negotiated = None;
        self.early_data = hello.extensions.find(extensions::kind::EARLY_DATA).is_some();
        if !self.early_data || self.numbered {
            return;
        }
        self.offered = hello.suites().filter(|suite| SUITES13.contains(suite)).collect();
        if matches!(self.half(direction).protection, Protection::None) {
            self.half(direction).protect(tls13(Epoch::Early));
            self.look_up(direction, secrets, packet.index);
        }
    }

    fn server_hello(&mut self, direction: Direction, body: &[u8], secrets: &Secrets, packet: PacketRef) {
        let Ok((_, hello)) = parser::server_hello(body) else { return };
        if hello.is_hello_retry_request() {
            self.early_accepted = Some(false);
            return;
        }
        let (Some(client_random), Ok(server_random)) = (self.client_random, hello.random.try_into()) else { return };
        let chosen = hello.extensions.find(extensions::kind::SUPPORTED_VERSIONS).and_then(extensions::number);
        let version = chosen.unwrap_or(hello.legacy_version);
        let supported = matches!(version, 0x0301..=0x0304 | 0x7f19..=0x7f1c | 0x7f22..=0x7f2b | 0xfeff | 0xfefd | 0xfefc)
            && hello.compression == 0;
        let suite = Suite::of(hello.cipher_suite).filter(|_| supported);
        let negotiated = Negotiated {
            client_random,
            server_random,
            version,
            suite_id: hello.cipher_suite,
            suite,
            extended_master_secret: hello.extensions.find(EXTENDED_MASTER_SECRET).is_some(),
            encrypt_then_mac: hello.extensions.find(ENCRYPT_THEN_MAC).is_some(),
            sealed_premaster: Vec::new(),
            premaster: None,
            session_hash: Vec::new(),
        };
        if suite.is_none() && secrets.knows_session(&client_random) {
            self.unsupported = Some((negotiated.suite_id, packet));
        }
        self.negotiated = Some(negotiated);
        // Records of DTLS 1.3 are opened by `dtls13_keys`.
        if !super::names::is_tls13(version) || self.numbered {
            return;
        }
        for side in [direction, direction.reverse()] {
            // A client that sends early data goes on with its keys.
            if side == direction || !matches!(self.half(side).protection, Protection::Tls13 { .. }) {
                self.half(side).protect(tls13(Epoch::Handshake));
            }
            self.half(side).looked_up = None;
            self.look_up(side, secrets, packet.index);
        }
    }

    fn client_key_exchange(&mut self, body: &[u8], secrets: &Secrets, packet: PacketRef) {
        let transcript = std::mem::take(&mut self.transcript);
        let Some(negotiated) = &mut self.negotiated else { return };
        let Some(suite) = negotiated.suite else { return };
        if negotiated.extended_master_secret {
            negotiated.session_hash = suite.prf(negotiated.version).session_hash(&transcript);
        }
        if !super::cipher_suites::is_rsa_exchange(negotiated.suite_id) {
            return;
        }
        let [_, _, sealed @ ..] = body else { return };
        negotiated.sealed_premaster =
            sealed.get(..sealed.len().min(limits::MAX_RSA_BYTES)).unwrap_or_default().to_vec();
        negotiated.premaster = secrets.keys().iter().find_map(|key| key.open(&negotiated.sealed_premaster));
        if negotiated.premaster.is_none() && !secrets.keys().is_empty() {
            self.key_does_not_fit = Some(packet);
        }
    }

    /// A ChangeCipherSpec: what follows in this direction is protected as was agreed last. In TLS 1.3 it means nothing.
    pub(super) fn change_cipher_spec(&mut self, direction: Direction, secrets: &Secrets, packet: PacketRef) {
        let Some(negotiated) = &self.negotiated else { return };
        if super::names::is_tls13(negotiated.version) {
            return;
        }
        let negotiated = Arc::new(negotiated.clone());
        self.half(direction).protect(Protection::Tls12 { negotiated, keys: Vec::new() });
        self.look_up(direction, secrets, packet.index);
    }

    /// Looks for secrets, where some may have come since.
    fn look_up(&mut self, direction: Direction, secrets: &Secrets, at: u64) {
        let is_client = self.client == Some(direction);
        let Some(random) = self.client_random else { return };
        let (suite, offered) = (self.negotiated.as_ref().and_then(|negotiated| negotiated.suite), &self.offered);
        let [client, server] = &mut self.halves;
        let half = match direction {
            Direction::ClientToServer => client,
            Direction::ServerToClient => server,
        };
        if half.looked_up.is_some_and(|before| !secrets.came_between(before, at)) {
            return;
        }
        half.looked_up = Some(at);
        match &mut half.protection {
            Protection::None => {}
            Protection::Tls12 { negotiated, keys } => {
                if keys.is_empty() {
                    *keys = keys12(negotiated, is_client, secrets, at);
                }
            }
            Protection::Tls13 { traffic, .. } => {
                let labels: &[(SecretLabel, Epoch)] = if is_client {
                    &[
                        (SecretLabel::ClientEarlyTraffic, Epoch::Early),
                        (SecretLabel::ClientHandshakeTraffic, Epoch::Handshake),
                        (SecretLabel::ClientTraffic, Epoch::Application),
                    ]
                } else {
                    &[
                        (SecretLabel::ServerHandshakeTraffic, Epoch::Handshake),
                        (SecretLabel::ServerTraffic, Epoch::Application),
                    ]
                };
                for (label, epoch) in labels {
                    for secret in secrets.of_session(&random, *label, at) {
                        let may_be = |suite: Suite| {
                            let keys = Keys::of_traffic_secret(secret.bytes(), suite, PREFIX)?;
                            Some(Traffic { epoch: *epoch, secret: secret.clone(), suite, keys })
                        };
                        if traffic.iter().any(|known| known.epoch == *epoch && known.secret == *secret) {
                            continue;
                        }
                        match epoch {
                            // Only the suite of the ticket fits, which is not told: all that were offered are tried.
                            Epoch::Early => {
                                let suites = offered.iter().filter_map(|id| Suite::of(*id));
                                traffic.extend(suites.filter_map(may_be));
                            }
                            _ => traffic.extend(suite.and_then(may_be)),
                        }
                    }
                }
            }
        }
    }

    /// Whether the next record of a direction shall be offered whole: it is protected, and there are keys.
    pub(super) fn wants(&mut self, direction: Direction, content_type: u8, secrets: &Secrets, at: u64) -> bool {
        let half = self.half(direction);
        let protected = match half.protection {
            Protection::None => false,
            Protection::Tls12 { .. } => content_type != content::CHANGE_CIPHER_SPEC,
            Protection::Tls13 { .. } => content_type == content::APPLICATION_DATA,
        };
        if !protected || half.given_up {
            return false;
        }
        self.look_up(direction, secrets, at);
        match &self.half(direction).protection {
            Protection::None => false,
            Protection::Tls12 { keys, .. } => !keys.is_empty(),
            Protection::Tls13 { traffic, due, .. } => traffic.iter().any(|traffic| traffic.epoch >= *due),
        }
    }

    /// A protected record passed that was not offered.
    pub(super) fn passed(&mut self, direction: Direction, content_type: u8) {
        let half = self.half(direction);
        let counts = match half.protection {
            Protection::None => false,
            Protection::Tls12 { .. } => true,
            Protection::Tls13 { .. } => content_type == content::APPLICATION_DATA,
        };
        half.number = half.number.saturating_add(u64::from(counts));
    }

    /// Opens a record. Its number in `sealed` is looked at only where records carry it.
    pub(super) fn open(&mut self, direction: Direction, sealed: Sealed<'_>, packet: PacketRef) -> Option<Opened> {
        let mut content = std::mem::take(&mut self.content);
        let numbered = self.numbered;
        let half = self.half(direction);
        if numbered {
            (half.number, half.uncertain) = (sealed.number, false);
        }
        let opened = match &mut half.protection {
            Protection::None => None,
            Protection::Tls12 { .. } => half.open12(sealed, &mut content),
            Protection::Tls13 { .. } => half.open13(sealed, &mut content),
        };
        self.content = content;
        let half = self.half(direction);
        match opened {
            Some(_) => {
                half.failed_in_row = 0;
                half.uncertain = false;
                self.opened = self.opened.saturating_add(1);
            }
            None => {
                let counts = half.failure_counts();
                half.number = half.number.saturating_add(1);
                half.failed_in_row = half.failed_in_row.saturating_add(1);
                half.given_up = half.failed_in_row >= limits::MAX_TLS_FAILURES;
                if counts {
                    self.failed = self.failed.saturating_add(1);
                    self.failures.add(packet.number);
                }
            }
        }
        opened
    }

    /// A record was tried elsewhere.
    pub(super) fn tried(&mut self, opened: bool, packet: PacketRef) {
        if opened {
            self.opened = self.opened.saturating_add(1);
        } else {
            self.failed = self.failed.saturating_add(1);
            self.failures.add(packet.number);
        }
    }

    /// The direction goes from one epoch to the next, after the message that ends the first.
    fn advance(&mut self, direction: Direction, from: Epoch, to: Epoch) {
        let half = self.half(direction);
        let Protection::Tls13 { current, due, .. } = &mut half.protection else { return };
        if *due == from {
            *due = to;
            *current = None;
            half.number = 0;
        }
    }

    /// A KeyUpdate: the next record is under the next secret (RFC 9846 section 7.2).
    fn update(&mut self, direction: Direction) {
        let half = self.half(direction);
        if let Protection::Tls13 { traffic, current: Some(current), .. } = &mut half.protection
            && let Some(traffic) = traffic.get_mut(*current)
            && traffic.epoch == Epoch::Application
            && let Some(next) = traffic.next()
        {
            *traffic = next;
            half.number = 0;
        }
    }
}

impl Traffic {
    /// What follows a KeyUpdate.
    fn next(&self) -> Option<Self> {
        let secret = Secret::new(&key_schedule::next_secret(self.secret.bytes(), PREFIX)?);
        let keys = Keys::of_traffic_secret(secret.bytes(), self.suite, PREFIX)?;
        Some(Self { epoch: self.epoch, secret, suite: self.suite, keys })
    }
}

impl Half {
    /// Whether a record that does not open is a failure: not when it may be early data whose secret is not there, or
    /// that was refused, nor when the epoch's secret is missing.
    fn failure_counts(&self) -> bool {
        match &self.protection {
            Protection::Tls13 { traffic, due, .. } => {
                *due != Epoch::Early && traffic.iter().any(|traffic| traffic.epoch == *due)
            }
            _ => true,
        }
    }

    /// Numbers to try besides the next one, while that is not certain.
    fn window(&mut self) -> u64 {
        if !self.uncertain || self.attempts_left == 0 {
            return 0;
        }
        self.attempts_left = self.attempts_left.saturating_sub(limits::TLS_NUMBER_WINDOW);
        u64::from(limits::TLS_NUMBER_WINDOW)
    }

    fn open12(&mut self, sealed: Sealed<'_>, content: &mut Vec<u8>) -> Option<Opened> {
        let window = self.window();
        let number = self.number;
        let Protection::Tls12 { keys, .. } = &mut self.protection else { return None };
        let numbers = number..=number.saturating_add(window);
        let mut fits = None;
        for (place, keys) in keys.iter_mut().enumerate() {
            let mut numbers = if keys.is_stateful() { number..=number } else { numbers.clone() };
            let found = numbers.find(|number| keys.open(Sealed { number: *number, ..sealed }, content).is_some());
            if let Some(found) = found {
                fits = Some((place, found));
                break;
            }
        }
        let (place, found) = fits?;
        if keys.len() > 1 {
            keys.swap(0, place);
            keys.truncate(1);
        }
        self.number = found.saturating_add(1);
        Some(Opened { content_type: sealed.content_type, early: false })
    }

    fn open13(&mut self, sealed: Sealed<'_>, content: &mut Vec<u8>) -> Option<Opened> {
        let (window, number) = (self.window(), self.number);
        // Where secrets came late, or records before them could not be opened, an epoch may have begun at any of them.
        let late = number > 0 && self.attempts_left > 0;
        let Protection::Tls13 { traffic, current, due } = &mut self.protection else { return None };
        let mut attempt = |traffic: &mut Traffic, number: u64| {
            traffic.keys.open(Sealed { number, ..sealed }, content)?;
            Some(number)
        };
        let mut fits = None;
        for (place, traffic) in traffic.iter_mut().enumerate() {
            if traffic.epoch < *due {
                continue;
            }
            let found = match *current {
                Some(current) if current == place => {
                    (number..=number.saturating_add(window)).find_map(|number| attempt(traffic, number))
                }
                Some(_) if traffic.epoch == *due => None,
                Some(_) => (0..=window).find_map(|number| attempt(traffic, number)),
                None if late => {
                    self.attempts_left = self.attempts_left.saturating_sub(limits::TLS_NUMBER_WINDOW);
                    let least = number.saturating_sub(u64::from(limits::TLS_NUMBER_WINDOW));
                    (least..=number.saturating_add(window)).rev().find_map(|number| attempt(traffic, number))
                }
                None => (0..=window).find_map(|number| attempt(traffic, number)),
            };
            if let Some(found) = found {
                fits = Some((place, found));
                break;
            }
        }
        // Records with a KeyUpdate among them may be missing.
        if fits.is_none()
            && window > 0
            && let Some(place) = *current
            && let Some(traffic) = traffic.get_mut(place)
            && traffic.epoch == Epoch::Application
            && let Some(mut next) = traffic.next()
            && let Some(found) = (0..=window).find_map(|number| attempt(&mut next, number))
        {
            *traffic = next;
            fits = Some((place, found));
        }
        let (place, found) = fits?;
        *current = Some(place);
        *due = traffic.get(place)?.epoch;
        let early = *due == Epoch::Early;
        self.number = found.saturating_add(1);
        // The content's type stands behind it, and padding behind that (RFC 9846 section 5.4).
        let end = content.iter().rposition(|byte| *byte != 0)?;
        let content_type = content.get(end).copied()?;
        content.truncate(end);
        Some(Opened { content_type, early })
    }
}

fn tls13(due: Epoch) -> Protection {
    Protection::Tls13 { traffic: Vec::new(), current: None, due }
}

/// The keys of one direction, one for each master secret that may be the right one.
fn keys12(negotiated: &Negotiated, is_client: bool, secrets: &Secrets, at: u64) -> Vec<Keys> {
    let Some(suite) = negotiated.suite else { return Vec::new() };
    let Negotiated { client_random, server_random, version, encrypt_then_mac, .. } = negotiated;
    let session =
        Session12 { suite, version: *version, client_random, server_random, encrypt_then_mac: *encrypt_then_mac };
    let keys = |master: &[u8]| {
        let [client, server] = Keys::of_master(master, session)?;
        Some(if is_client { client } else { server })
    };
    let premasters = secrets
        .of_session(client_random, SecretLabel::Premaster, at)
        .chain(secrets.premasters(&negotiated.sealed_premaster, at))
        .chain(&negotiated.premaster);
    let of_premaster = |premaster: &Secret| {
        let mut master = [0; 48];
        let prf = suite.prf(*version);
        if negotiated.extended_master_secret {
            let seed = [negotiated.session_hash.as_slice()];
            prf.fill(premaster.bytes(), "extended master secret", &seed, &mut master);
        } else {
            let seed = [&client_random[..], &server_random[..]];
            prf.fill(premaster.bytes(), "master secret", &seed, &mut master);
        }
        keys(&master)
    };
    let masters = secrets.of_session(client_random, SecretLabel::Master, at);
    masters.filter_map(|master| keys(master.bytes())).chain(premasters.filter_map(of_premaster)).collect()
}

/// Whether EncryptedExtensions accept early data (RFC 9846 section 4.2.10).
fn has_early_data(body: &[u8]) -> bool {
    let extensions = extensions::Extensions::new(body.get(2..).unwrap_or_default(), false);
    extensions.find(extensions::kind::EARLY_DATA).is_some()
}
