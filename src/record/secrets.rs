//! What opens protected traffic: secrets out of key logs (RFC 9850), and private keys. They travel from the command line
//! and the capture to the sessions, and no further: nothing here can be printed or serialised.
use std::{collections::HashMap, fmt, sync::Arc};

/// Which secret of a session it is; the names are those of RFC 9850 section 2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretLabel {
    /// `CLIENT_RANDOM`: the master secret of TLS 1.2 and before (RFC 5246 section 8.1).
    Master,
    /// `PMS_CLIENT_RANDOM`: the premaster secret, as some programs log it.
    Premaster,
    /// `CLIENT_EARLY_TRAFFIC_SECRET`: 0-RTT data (RFC 9846 section 7.1).
    ClientEarlyTraffic,
    /// `CLIENT_HANDSHAKE_TRAFFIC_SECRET`.
    ClientHandshakeTraffic,
    /// `SERVER_HANDSHAKE_TRAFFIC_SECRET`.
    ServerHandshakeTraffic,
    /// `CLIENT_TRAFFIC_SECRET_0`.
    ClientTraffic,
    /// `SERVER_TRAFFIC_SECRET_0`.
    ServerTraffic,
}

/// A secret. Its bytes show nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(Box<[u8]>);

impl Secret {
    /// Of these bytes.
    #[must_use]
    pub fn new(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Secret of {} bytes", self.0.len())
    }
}

/// A server's private key for the RSA key exchange (RFC 5246 section 7.4.7.1).
pub trait PremasterKey: Send + Sync {
    /// Opens an encrypted premaster secret; null when it was not made for this key.
    fn open(&self, sealed: &[u8]) -> Option<Secret>;
}

/// Secrets of many sessions, found by what the wire shows of each.
#[derive(Clone, Debug, Default)]
pub struct KeyLog {
    /// By client random.
    sessions: HashMap<[u8; 32], Vec<Entry>>,
    /// By the first eight bytes of the encrypted premaster secret.
    premasters: HashMap<[u8; 8], Vec<Entry>>,
    entries: usize,
}

#[derive(Clone, Debug)]
struct Entry {
    label: SecretLabel,
    secret: Secret,
    /// Index of the first packet it may be used for.
    since: u64,
}

/// Different secrets kept under one name: a log that was put together from several may hold a wrong one besides the
/// right one, and more is an attempt to make every record be tried many times.
const MAX_SAME: usize = 4;

impl KeyLog {
    /// Adds a secret of the session whose ClientHello has this random. It may be used from packet `since` on.
    pub fn add(&mut self, client_random: [u8; 32], label: SecretLabel, secret: Secret, since: u64) {
        let entries = self.sessions.entry(client_random).or_default();
        self.entries += usize::from(keep(entries, Entry { label, secret, since }));
    }

    /// Adds a premaster secret by the first eight bytes of its encrypted form.
    pub fn add_premaster(&mut self, sealed_start: [u8; 8], secret: Secret, since: u64) {
        let entries = self.premasters.entry(sealed_start).or_default();
        self.entries += usize::from(keep(entries, Entry { label: SecretLabel::Premaster, secret, since }));
    }

    /// How many secrets there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    fn merge(&mut self, other: &Self) {
        for (random, theirs) in &other.sessions {
            let entries = self.sessions.entry(*random).or_default();
            self.entries += theirs.iter().filter(|entry| keep(entries, (*entry).clone())).count();
        }
        for (start, theirs) in &other.premasters {
            let entries = self.premasters.entry(*start).or_default();
            self.entries += theirs.iter().filter(|entry| keep(entries, (*entry).clone())).count();
        }
    }
}

/// Keeps an entry, unless it is there, or too many of its kind are.
fn keep(entries: &mut Vec<Entry>, new: Entry) -> bool {
    let same = || entries.iter().filter(|entry| entry.label == new.label);
    if same().count() >= MAX_SAME || same().any(|entry| entry.secret == new.secret && entry.since <= new.since) {
        return false;
    }
    entries.push(new);
    true
}

/// All that was given so far. Cheap to clone.
#[derive(Clone, Default)]
pub struct Secrets(Option<Arc<Held>>);

#[derive(Clone, Default)]
struct Held {
    /// Few, each at least twice as large as the next.
    logs: Vec<Arc<KeyLog>>,
    /// The packets from which on something was added, ascending.
    since: Vec<u64>,
    keys: Vec<Arc<dyn PremasterKey>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let entries: usize = self.0.iter().flat_map(|held| &held.logs).map(|log| log.len()).sum();
        write!(formatter, "{entries} secrets, {} private keys", self.keys().len())
    }
}

impl Secrets {
    /// None at all.
    #[must_use]
    pub fn none() -> &'static Self {
        static NONE: Secrets = Secrets(None);
        &NONE
    }

    /// None yet, but some may come: sessions should remember what they need then.
    #[must_use]
    pub fn expected() -> Self {
        Self(Some(Arc::default()))
    }

    /// Whether there are none, and none will come.
    #[must_use]
    pub fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Whether there is one now.
    #[must_use]
    pub fn has_any(&self) -> bool {
        self.0.as_ref().is_some_and(|held| !held.logs.is_empty() || !held.keys.is_empty())
    }

    /// Adds a log that may be used from packet `since` on (each entry says so itself). Not before what was added last.
    pub fn add(&mut self, log: KeyLog, since: u64) {
        if log.is_empty() {
            return;
        }
        let held = Arc::make_mut(self.0.get_or_insert_default());
        let mut log = Arc::new(log);
        // Merged like this, many small additions cost no more than their number times its logarithm.
        while let Some(last) = held.logs.pop_if(|last| last.len() <= log.len().saturating_mul(2)) {
            Arc::make_mut(&mut log).merge(&last);
        }
        held.logs.push(log);
        if held.since.last() != Some(&since) {
            held.since.push(since);
        }
    }

    /// Adds a private key.
    pub fn add_key(&mut self, key: Arc<dyn PremasterKey>) {
        Arc::make_mut(self.0.get_or_insert_default()).keys.push(key);
    }

    /// The session's secrets of this kind that may be used for packet `at`: one, unless logs contradict each other.
    pub fn of_session(&self, client_random: &[u8; 32], label: SecretLabel, at: u64) -> impl Iterator<Item = &Secret> {
        let logs = self.0.iter().flat_map(|held| &held.logs);
        let entries = logs.filter_map(|log| log.sessions.get(client_random)).flatten();
        entries.filter(move |entry| entry.label == label && entry.since <= at).map(|entry| &entry.secret)
    }

    /// Whether anything is known of the session.
    #[must_use]
    pub fn knows_session(&self, client_random: &[u8; 32]) -> bool {
        self.0.iter().flat_map(|held| &held.logs).any(|log| log.sessions.contains_key(client_random))
    }

    /// Premaster secrets by the first eight bytes of the encrypted form.
    pub fn premasters(&self, sealed: &[u8], at: u64) -> impl Iterator<Item = &Secret> {
        let start: Option<[u8; 8]> = sealed.first_chunk().copied();
        let logs = self.0.iter().flat_map(|held| &held.logs);
        let entries = logs.filter_map(move |log| log.premasters.get(&start?)).flatten();
        entries.filter(move |entry| entry.since <= at).map(|entry| &entry.secret)
    }

    /// Whether premaster secrets are logged by their encrypted form.
    #[must_use]
    pub fn has_premasters(&self) -> bool {
        self.0.iter().flat_map(|held| &held.logs).any(|log| !log.premasters.is_empty())
    }

    /// Private keys.
    #[must_use]
    pub fn keys(&self) -> &[Arc<dyn PremasterKey>] {
        self.0.as_ref().map_or(&[], |held| &held.keys)
    }

    /// Whether something was added that may be used for packet `at` and could not for packet `before`.
    #[must_use]
    pub fn came_between(&self, before: u64, at: u64) -> bool {
        let Some(held) = &self.0 else { return false };
        held.since.partition_point(|since| *since <= at) > held.since.partition_point(|since| *since <= before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_count_from_their_packet_on() {
        let mut secrets = Secrets::default();
        assert!(secrets.is_none() && !Secrets::expected().is_none());
        let random = |n: u8| [n; 32];
        for n in 0..20_u8 {
            let mut log = KeyLog::default();
            log.add(random(n), SecretLabel::Master, Secret::new(&[n; 48]), u64::from(n));
            secrets.add(log, u64::from(n));
        }
        let find = |n: u8, at: u64| secrets.of_session(&random(n), SecretLabel::Master, at).count();
        assert_eq!((find(7, 6), find(7, 7), find(7, 100), find(21, 100)), (0, 1, 1, 0));
        assert!(secrets.came_between(3, 4) && !secrets.came_between(4, 4) && !secrets.came_between(19, 99));
        assert!(secrets.0.as_ref().unwrap().logs.len() < 6, "merged");
        assert_eq!(secrets.of_session(&random(3), SecretLabel::ClientTraffic, 100).count(), 0);
    }

    #[test]
    fn doubles_are_kept_once_and_contradictions_few_times() {
        let mut log = KeyLog::default();
        for n in [1_u8, 1, 2, 3, 4, 5, 6] {
            log.add([0; 32], SecretLabel::Master, Secret::new(&[n; 48]), 0);
        }
        assert_eq!(log.len(), MAX_SAME);
        let mut secrets = Secrets::default();
        secrets.add(log.clone(), 0);
        secrets.add(log, 0);
        assert_eq!(secrets.of_session(&[0; 32], SecretLabel::Master, 0).count(), MAX_SAME);
    }

    #[test]
    fn nothing_shows() {
        let mut log = KeyLog::default();
        log.add([0xab; 32], SecretLabel::Master, Secret::new(&[0xcd; 48]), 0);
        log.add_premaster([0; 8], Secret::new(&[0xcd; 48]), 0);
        let shown = format!("{:?}", log.premasters) + &format!("{:?}", log.sessions.values());
        let mut secrets = Secrets::default();
        secrets.add(log, 0);
        assert!(!(shown + &format!("{secrets:?}")).contains("205"), "0xcd");
        assert_eq!(format!("{secrets:?}"), "2 secrets, 0 private keys");
    }
}
