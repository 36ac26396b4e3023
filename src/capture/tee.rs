//! Sources around a live source: one that brings the lines of key logs as they are written, and one that writes what
//! passes into a file before it goes on to the analysis. How the file is written is [`super::ring`]'s business.
use std::{
    io, thread,
    time::{Duration, SystemTime},
};

use super::{Batch, Comment, Kept, More, PacketSource, ReadProgress, Ring, Secrets, Stopped, Written};
use crate::{
    limits,
    record::{Capture, PacketNumber, Timestamp},
};

/// How long after a packet a program may take to log the secrets that open it. Packets of a quiet wire wait so long, so
/// that their secrets come before them; of a busy one only the last of a batch would have to.
const KEY_WAIT: Duration = Duration::from_millis(30);

/// Asks for the lines that key logs have grown by since the last call.
pub type MoreLines = Box<dyn FnMut() -> Vec<u8> + Send>;

/// Packets go on with the secrets that were logged meanwhile, as if the capture had brought them.
pub struct KeyLogged {
    source: Box<dyn PacketSource>,
    more: MoreLines,
    next: PacketNumber,
    secrets: Vec<Secrets>,
}

impl KeyLogged {
    /// Beside `source`.
    #[must_use]
    pub fn new(source: Box<dyn PacketSource>, more: MoreLines) -> Self {
        Self { source, more, next: PacketNumber::new(0, 1), secrets: Vec::new() }
    }
}

impl PacketSource for KeyLogged {
    fn next_batch(&mut self, batch: &mut Batch) -> io::Result<More> {
        let more = self.source.next_batch(batch)?;
        let last = batch.heads.last();
        if let Some(last) = last.filter(|_| batch.buffer.len() < limits::READ_BUFFER_BYTES / 4) {
            thread::sleep(KEY_WAIT.saturating_sub(age(last.timestamp)));
        }
        let key_log = (self.more)();
        if !key_log.is_empty() {
            let before = batch.heads.first().map_or(self.next, |first| first.number);
            self.secrets.push(Secrets { before, key_log });
        }
        if let Some(last) = last {
            self.next = PacketNumber::new(last.number.file(), last.number.number().saturating_add(1));
        }
        Ok(more)
    }

    fn description(&self) -> Capture {
        self.source.description()
    }

    fn clock(&self) -> Option<Timestamp> {
        self.source.clock()
    }

    fn now(&self) -> Option<Timestamp> {
        self.source.now()
    }

    fn progress(&self) -> ReadProgress {
        self.source.progress()
    }

    fn take_secrets(&mut self) -> Vec<Secrets> {
        let mut secrets = self.source.take_secrets();
        secrets.append(&mut self.secrets);
        secrets
    }

    fn keep(&mut self) {
        self.source.keep();
    }

    fn take_kept(&mut self) -> Vec<Kept> {
        self.source.take_kept()
    }

    fn take_comments(&mut self) -> Vec<Comment> {
        self.source.take_comments()
    }
}

/// How long ago a packet was captured; none of a packet of the future.
fn age(timestamp: Timestamp) -> Duration {
    let captured = u64::try_from(timestamp.nanoseconds()).map(Duration::from_nanos).unwrap_or_default();
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(captured)
}

/// What happens to the file.
#[derive(Debug)]
pub enum Told {
    /// Nothing more can be written, and the source has ended.
    Stopped(Stopped),
    /// The capture is over and the file ended.
    Ended(Written),
}

/// Packets go into a file, and on.
pub struct Tee {
    source: Box<dyn PacketSource>,
    ring: Option<Ring>,
    tell: Box<dyn FnMut(Told) + Send>,
    secrets: Vec<Secrets>,
}

impl Tee {
    /// What passes `source` goes into `ring`. What becomes of the file is told at once to `tell`, on the thread that reads.
    #[must_use]
    pub fn new(source: Box<dyn PacketSource>, ring: Ring, tell: Box<dyn FnMut(Told) + Send>) -> Self {
        Self { source, ring: Some(ring), tell, secrets: Vec::new() }
    }

    /// Writes what has come.
    fn write(&mut self, batch: &Batch, came: Vec<Secrets>) -> Result<(), Stopped> {
        let Some(ring) = &mut self.ring else {
            self.secrets.extend(came);
            return Ok(());
        };
        if ring.is_rotated() {
            ring.counted(&self.source.description());
        }
        for Secrets { before, key_log } in came {
            let written = ring.secrets(&key_log);
            // What is not new was handed on before.
            let key_log = written.as_ref().map_or(key_log, Clone::clone);
            if !key_log.is_empty() {
                self.secrets.push(Secrets { before, key_log });
            }
            written?;
        }
        ring.packets(batch)
    }

    fn end(&mut self) {
        let Some(mut ring) = self.ring.take() else { return };
        ring.counted(&self.source.description());
        (self.tell)(match ring.finish() {
            Ok(written) => Told::Ended(written),
            Err(stopped) => Told::Stopped(stopped),
        });
    }
}

impl PacketSource for Tee {
    fn next_batch(&mut self, batch: &mut Batch) -> io::Result<More> {
        let mut more = self.source.next_batch(batch).inspect_err(|_| self.end())?;
        let came = self.source.take_secrets();
        if let Err(stopped) = self.write(batch, came) {
            self.ring = None;
            (self.tell)(Told::Stopped(stopped));
            more = More::No;
        }
        if more == More::No {
            self.end();
        }
        Ok(more)
    }

    fn description(&self) -> Capture {
        self.source.description()
    }

    fn clock(&self) -> Option<Timestamp> {
        self.source.clock()
    }

    fn now(&self) -> Option<Timestamp> {
        self.source.now()
    }

    fn progress(&self) -> ReadProgress {
        self.source.progress()
    }

    fn take_secrets(&mut self) -> Vec<Secrets> {
        std::mem::take(&mut self.secrets)
    }

    fn keep(&mut self) {
        self.source.keep();
    }

    fn take_kept(&mut self) -> Vec<Kept> {
        self.source.take_kept()
    }

    fn take_comments(&mut self) -> Vec<Comment> {
        self.source.take_comments()
    }
}

impl Drop for Tee {
    /// Stopped by a signal, or nobody reads the report: the file is ended all the same.
    fn drop(&mut self) {
        self.end();
    }
}
