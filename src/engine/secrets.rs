//! Secrets on their way from the command line and the capture to the sessions: read, given their place in the order of
//! the run, and told of at its end when lines of a key log could not be read.
use crate::{
    app::tls::key_log,
    capture::{self, PacketSource},
    record::{Evidence, Finding, PacketNumber, Secrets, Severity, Subject},
};

/// What the user gave to open protected traffic.
#[derive(Default)]
pub struct Given {
    /// What was given before the run: of a key log, and private keys.
    pub secrets: Secrets,
    /// Lines of key logs in [`Self::secrets`] that could not be read.
    pub bad_lines: u64,
    /// Whether the secrets that a capture itself carries shall not be used.
    pub ignore_captured: bool,
    /// Secrets may come with the packets, whatever the captures' formats are; for a live run.
    pub will_come: bool,
}

/// All secrets so far, and those of the capture whose place was not reached yet.
pub(super) struct Store {
    given: Given,
    waiting: Vec<capture::Secrets>,
}

impl Store {
    pub(super) fn new(mut given: Given, source: &dyn PacketSource) -> Self {
        let may_carry = source.descriptions().iter().any(|capture| capture.format == "pcapng");
        let may_come = given.will_come || (may_carry && !given.ignore_captured);
        if may_come && given.secrets.is_none() {
            given.secrets = Secrets::expected();
        }
        Self { given, waiting: Vec::new() }
    }

    /// Takes what has come with the packets from `first_index` on, which are `numbers`. A capture's secrets count from
    /// the packet behind them on, wherever batches end.
    pub(super) fn update(
        &mut self,
        source: &mut dyn PacketSource,
        first_index: u64,
        numbers: impl Iterator<Item = PacketNumber>,
    ) -> Secrets {
        let came = source.take_secrets();
        if !self.given.ignore_captured {
            self.waiting.extend(came);
        }
        if !self.waiting.is_empty() {
            for (index, number) in (first_index..).zip(numbers) {
                let is_here =
                    |secrets: &mut capture::Secrets| secrets.before.file() == number.file() && secrets.before <= number;
                for secrets in self.waiting.extract_if(.., is_here).collect::<Vec<_>>() {
                    self.add(&secrets.key_log, index);
                }
            }
        }
        self.given.secrets.clone()
    }

    fn add(&mut self, text: &[u8], since: u64) {
        let parsed = key_log::parse(text, since);
        self.given.bad_lines = self.given.bad_lines.saturating_add(parsed.bad);
        self.given.secrets.add(parsed.log, since);
    }

    /// What could not be read.
    pub(super) fn finding(&self) -> Option<Finding> {
        let bad = self.given.bad_lines;
        (bad > 0).then(|| Finding {
            subject: Subject { flow: None, file: None, evidence: Evidence::default() },
            client: None,
            server: None,
            severity: Severity::Warning,
            code: "tls.key-log-lines",
            title: format!("{bad} {} of the key log cannot be read", if bad == 1 { "line" } else { "lines" }),
            explanation:
                "A line has a label, the client random and the secret, in hex. Lines that are cut or mixed up \
                          open nothing; what they would have opened stays closed. They are not shown, as they may hold \
                          secrets."
                    .into(),
            reference: Some("RFC 9850 2"),
        })
    }
}
