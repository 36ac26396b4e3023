//! The file that is written while packets are captured, or the files in turn (`live -w`): created before capturing begins,
//! whole at every moment, ended with statistics. What a copy of a capture holds is [`super::save`]'s to decide.
//!
//! Nothing waits in this process: whoever hands packets over finds them in the file when the call is over. There is no
//! fsync: what was written outlives wireglass, but not a power cut within the seconds that the system takes to bring it to
//! the disk.
mod output;

use std::{
    collections::{HashSet, VecDeque},
    fs::{self, File},
    hash::{BuildHasher, RandomState},
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant, SystemTime},
};

use chrono::{FixedOffset, Local, Utc};
use thiserror::Error;

use self::output::{Form, Output};
use super::{
    Batch, InterfaceCounts, InterfaceOptions, PacketHead, PcapWriter, PcapngWriter, SectionOptions, save,
    save::SaveError,
};
use crate::{
    limits,
    record::{Capture, LinkType, Timestamp},
};

/// Room for the statistics of an interface at a file's end.
const STATISTICS_BYTES: u64 = 120;
/// Names tried when files of other runs have those of this one.
const NAMES_TRIED: u64 = 1000;

/// When to begin the next file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rotation {
    /// Before the file would be longer than this, in bytes. A file holds one packet at least.
    pub bytes: Option<u64>,
    /// After so long, even if no packet came, as dumpcap does.
    pub interval: Option<Duration>,
    /// Keep so many files: the oldest of this run is deleted when there is one more.
    pub files: Option<u64>,
}

/// What to write, and where.
#[derive(Clone, Debug, Default)]
pub struct RingOptions {
    /// The file's name; `-` is standard output. With `rotation` each file has its number and time before the extension.
    /// A name that ends with `.pcap` or `.cap` asks for pcap, any other for pcapng.
    pub path: PathBuf,
    /// The interfaces captured from, in the order of [`PacketHead::interface`].
    pub interfaces: Vec<InterfaceOptions>,
    /// Files in turn.
    pub rotation: Option<Rotation>,
    /// What the section's header says of the machine, and a comment.
    pub section: SectionOptions,
    /// Files that are read meanwhile, which must not be overwritten.
    pub inputs: Vec<PathBuf>,
    /// Nobody else may read the files: they will hold secrets.
    pub is_private: bool,
}

/// Why nothing can be written. Each says what to do.
#[derive(Debug, Error)]
pub enum RingError {
    /// As for copies.
    #[error(transparent)]
    Save(#[from] SaveError),
    /// pcap has one link type.
    #[error(
        "{name}: pcap holds one link type only, and {first} is captured as {one}, {second} as {other}: give -w a name \
         that ends with .pcapng"
    )]
    LinkTypes {
        /// Name as given.
        name: String,
        /// An interface.
        first: String,
        /// Its link type.
        one: String,
        /// An interface with another.
        second: String,
        /// That.
        other: String,
    },
    /// Only files can be rotated.
    #[error("{0}: is no file, so that --rotate-size, --rotate-secs and --rotate-files make no sense: leave them out")]
    NoFile(String),
    /// pcap has no comments.
    #[error("{0}: pcap has no place for a comment: give -w a name that ends with .pcapng")]
    NoComments(String),
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Packets, in all files.
    pub packets: u64,
    /// Files begun.
    pub files: u64,
    /// Those that were deleted again to make room.
    pub deleted: u64,
    /// Those of them that had to go before there were as many files as were to be kept: the disk was full.
    pub deleted_early: u64,
    /// Packets that were in the deleted ones.
    pub deleted_packets: u64,
    /// The last file.
    pub path: PathBuf,
}

/// Writing had to stop; what was written before is whole.
#[derive(Debug)]
pub struct Stopped {
    /// Why.
    pub error: io::Error,
    /// What was written.
    pub written: Written,
}

/// Writes packets as they are captured.
pub struct Ring {
    options: RingOptions,
    is_pcap: bool,
    /// Local time's distance from UTC when the capture began, for names. Asked once: later the system's files may be
    /// out of reach.
    offset: FixedOffset,
    started: Timestamp,
    next_number: u64,
    file: Option<Output>,
    deadline: Option<Instant>,
    /// Files of this run that are complete and not deleted, oldest first, and the packets in each.
    complete: VecDeque<(PathBuf, u64)>,
    written: Written,
    counts: Vec<InterfaceCounts>,
    /// Packets of each interface in all files.
    delivered: Vec<u64>,
    latest: Timestamp,
    /// Lines of key logs that were written, by hash.
    known: HashSet<u64>,
    hasher: RandomState,
    /// The newest of these lines.
    carried: VecDeque<Vec<u8>>,
    carried_bytes: usize,
}

impl Ring {
    /// Creates the first file.
    ///
    /// # Errors
    /// See [`RingError`].
    pub fn create(options: RingOptions) -> Result<Self, RingError> {
        let name = options.path.display().to_string();
        if save::is_compressed(&options.path) {
            return Err(SaveError::Compressed(name).into());
        }
        let is_pcap = save::is_pcap(&options.path);
        if is_pcap && options.section.comment.is_some() {
            return Err(RingError::NoComments(name));
        }
        if is_pcap
            && let Some(first) = options.interfaces.first()
            && let Some(second) = options.interfaces.iter().find(|one| one.link_type != first.link_type)
        {
            let named = |interface: &InterfaceOptions| interface.name.clone().unwrap_or_default();
            let (one, other) = (first.link_type.to_string(), second.link_type.to_string());
            return Err(RingError::LinkTypes { name, first: named(first), one, second: named(second), other });
        }
        if save::is_one_of(&options.path, &options.inputs) || is_named(&options.path, &options.inputs) {
            return Err(SaveError::IsInput(name).into());
        }
        let known = if options.path.as_os_str() == "-" { None } else { fs::metadata(&options.path).ok() };
        if known.as_ref().is_some_and(fs::Metadata::is_dir) {
            return Err(SaveError::Io { name, source: io::ErrorKind::IsADirectory.into() }.into());
        }
        let is_other = options.path.as_os_str() == "-" || known.is_some_and(|known| !known.is_file());
        if options.rotation.is_some() && is_other {
            return Err(RingError::NoFile(name));
        }
        let interval = options.rotation.and_then(|rotation| rotation.interval);
        let mut ring = Self {
            is_pcap,
            offset: *Local::now().offset(),
            started: now(),
            next_number: 1,
            file: None,
            deadline: interval.and_then(|interval| Instant::now().checked_add(interval)),
            complete: VecDeque::new(),
            written: Written::default(),
            counts: Vec::new(),
            delivered: vec![0; options.interfaces.len()],
            latest: Timestamp(0),
            known: HashSet::new(),
            hasher: RandomState::new(),
            carried: VecDeque::new(),
            carried_bytes: 0,
            options,
        };
        let begun = ring.begin();
        let cannot = |source| RingError::Save(SaveError::Io { name: name.clone(), source });
        begun.map_err(cannot)?;
        ring.flush().map_err(cannot)?;
        Ok(ring)
    }

    /// Writes lines of key logs, each once, before all packets that are yet to come. Answers those that are new.
    ///
    /// # Errors
    /// Writing had to stop.
    pub fn secrets(&mut self, lines: &[u8]) -> Result<Vec<u8>, Stopped> {
        let mut fresh = Vec::new();
        for line in lines.split_inclusive(|byte| *byte == b'\n') {
            let is_empty = line.trim_ascii().is_empty() || line.trim_ascii_start().starts_with(b"#");
            if is_empty || !self.known.insert(self.hasher.hash_one(line.trim_ascii())) {
                continue;
            }
            fresh.extend_from_slice(line);
            self.carried_bytes = self.carried_bytes.saturating_add(line.len());
            self.carried.push_back(line.to_vec());
        }
        while self.carried_bytes > limits::MAX_CARRIED_SECRET_BYTES {
            let Some(oldest) = self.carried.pop_front() else { break };
            self.carried_bytes = self.carried_bytes.saturating_sub(oldest.len());
        }
        if !fresh.is_empty() {
            self.add_secrets(&fresh).and_then(|()| self.flush()).map_err(|error| self.stopped(error))?;
        }
        Ok(fresh)
    }

    /// Writes the packets of a batch; they are in the file when this returns. To be called without packets, too, so that
    /// time takes effect.
    ///
    /// # Errors
    /// Writing had to stop. Nothing is written by further calls.
    pub fn packets(&mut self, batch: &Batch) -> Result<(), Stopped> {
        self.try_packets(batch).map_err(|error| self.stopped(error))
    }

    /// What is known of the interfaces by now.
    pub fn counted(&mut self, capture: &Capture) {
        let (start, end) = (Some(self.started), Some(now().max(self.latest)));
        let counts = capture.interfaces.iter().map(|interface| InterfaceCounts {
            start,
            end,
            received: interface.received,
            dropped_by_interface: interface.dropped_by_interface.or(interface.dropped),
            dropped_by_system: interface.dropped_by_kernel,
            ..InterfaceCounts::default()
        });
        self.counts = counts.collect();
    }

    /// Whether a file may end before the capture does: then [`Self::counted`] is to be called before every batch.
    #[must_use]
    pub fn is_rotated(&self) -> bool {
        self.options.rotation.is_some()
    }

    /// Nothing more will come: ends the file.
    ///
    /// # Errors
    /// Writing had to stop.
    pub fn finish(mut self) -> Result<Written, Stopped> {
        self.end().map_err(|error| self.stopped(error))?;
        Ok(self.written)
    }

    fn try_packets(&mut self, batch: &Batch) -> io::Result<()> {
        if self.file.is_none() {
            return Ok(());
        }
        if let (Some(deadline), Some(interval)) = (self.deadline, self.options.rotation.and_then(|all| all.interval)) {
            let now = Instant::now();
            if now >= deadline {
                // In step with the beginning, unless this machine slept.
                let next = deadline.checked_add(interval).filter(|next| *next > now);
                self.deadline = next.or_else(|| now.checked_add(interval));
                self.rotate()?;
            }
        }
        for head in &batch.heads {
            let bytes = batch.bytes(head);
            if self.is_full_with(bytes.len()) {
                self.rotate()?;
            }
            self.packet(head, bytes)?;
        }
        self.flush()
    }

    /// Whether the file would be too long with a packet of so many bytes.
    fn is_full_with(&mut self, length: usize) -> bool {
        let limit = self.options.rotation.and_then(|rotation| rotation.bytes);
        let (Some(limit), Some(output)) = (limit, &mut self.file) else { return false };
        let waiting = output.form.buffer().len();
        let padded = length.checked_next_multiple_of(4).unwrap_or(usize::MAX);
        let interfaces = u64::try_from(self.options.interfaces.len()).unwrap_or(u64::MAX);
        let around = if self.is_pcap { 16 } else { 32_u64.saturating_add(interfaces.saturating_mul(STATISTICS_BYTES)) };
        let bytes = [waiting, padded].iter().fold(output.bytes, |sum, part| sum.saturating_add(*part as u64));
        output.given > 0 && bytes.saturating_add(around) > limit
    }

    fn packet(&mut self, head: &PacketHead, bytes: &[u8]) -> io::Result<()> {
        self.latest = self.latest.max(head.timestamp);
        if let Some(delivered) = self.delivered.get_mut(head.interface as usize) {
            *delivered = delivered.saturating_add(1);
        }
        let Some(output) = &mut self.file else { return Ok(()) };
        match &mut output.form {
            Form::Pcapng(writer) => writer.packet(head.interface, head.timestamp, head.wire_length, bytes, None)?,
            Form::Pcap(writer) => writer.packet(head.timestamp, head.wire_length, bytes)?,
        }
        output.given = output.given.saturating_add(1);
        output.block(true);
        Ok(())
    }

    fn add_secrets(&mut self, lines: &[u8]) -> io::Result<()> {
        let Some(output) = &mut self.file else { return Ok(()) };
        let mut rest = lines;
        while let Form::Pcapng(writer) = &mut output.form {
            // Several blocks, as readers refuse very long ones.
            let longest = rest.get(..limits::MAX_CARRIED_SECRET_BYTES);
            let end = longest.and_then(|part| part.iter().rposition(|byte| *byte == b'\n'));
            let (block, behind) = rest.split_at(end.map_or(rest.len(), |end| end.saturating_add(1)));
            if block.is_empty() {
                break;
            }
            writer.secrets(block)?;
            output.block(false);
            rest = behind;
        }
        Ok(())
    }

    /// Ends the file and begins the next one.
    fn rotate(&mut self) -> io::Result<()> {
        self.end()?;
        while let Err(error) = self.begin() {
            if !self.makes_room(&error) {
                return Err(error);
            }
        }
        let most = self.options.rotation.and_then(|rotation| rotation.files);
        while most.is_some_and(|most| u64::try_from(self.complete.len()).unwrap_or(u64::MAX) >= most) {
            self.delete_oldest();
        }
        Ok(())
    }

    /// Deletes the oldest complete file of this run; false when there is none.
    fn delete_oldest(&mut self) -> bool {
        let Some((path, packets)) = self.complete.pop_front() else { return false };
        // Whoever has moved it away wanted it.
        if fs::remove_file(path).is_ok() {
            self.written.deleted = self.written.deleted.saturating_add(1);
            self.written.deleted_packets = self.written.deleted_packets.saturating_add(packets);
        }
        true
    }

    /// Begins a file: all that stands before its packets.
    fn begin(&mut self) -> io::Result<()> {
        let (file, path) = self.open()?;
        let buffer = Vec::with_capacity(limits::READ_BUFFER_BYTES);
        let form = if self.is_pcap {
            let first = self.options.interfaces.first();
            let link_type = first.map_or(LinkType::ETHERNET, |interface| interface.link_type);
            let longest = self.options.interfaces.iter().map(|interface| interface.snap_length).max().unwrap_or(0);
            Form::Pcap(PcapWriter::new(buffer, link_type, longest)?)
        } else {
            let program = concat!("wireglass ", env!("CARGO_PKG_VERSION"));
            let mut writer = PcapngWriter::with_options(buffer, program, &self.options.section)?;
            for interface in &self.options.interfaces {
                writer.interface(interface)?;
            }
            Form::Pcapng(writer)
        };
        self.written.files = self.written.files.saturating_add(1);
        self.written.path.clone_from(&path);
        self.file = Some(Output::new(file, path, form));
        // The newest secrets, as far as they leave room for packets.
        let room = self.options.rotation.and_then(|rotation| rotation.bytes).map_or(u64::MAX, |limit| limit / 4);
        let mut lines = VecDeque::new();
        let mut size = 0_u64;
        for line in self.carried.iter().rev() {
            size = size.saturating_add(line.len() as u64);
            if size > room {
                break;
            }
            lines.push_front(line.as_slice());
        }
        if lines.is_empty() { Ok(()) } else { self.add_secrets(&Vec::from(lines).concat()) }
    }

    /// Opens the next file.
    fn open(&mut self) -> io::Result<(File, PathBuf)> {
        let path = &self.options.path;
        if path.as_os_str() == "-" {
            return Ok((standard_output()?, PathBuf::from("standard output")));
        }
        let mut how = File::options();
        how.write(true);
        if self.options.rotation.is_none() {
            private(&mut how, self.options.is_private);
            return Ok((how.create(true).truncate(true).open(path)?, path.clone()));
        }
        private(&mut how, self.options.is_private);
        how.create_new(true);
        let time = Utc::now().with_timezone(&self.offset).format("%Y%m%d%H%M%S").to_string();
        let last = self.next_number.saturating_add(NAMES_TRIED);
        loop {
            let number = self.next_number;
            let candidate = numbered(path, number, &time);
            self.next_number = number.saturating_add(1);
            match how.open(&candidate) {
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && number < last => {}
                opened => return opened.map(|file| (file, candidate)),
            }
        }
    }

    /// Ends the file with the statistics of its interfaces.
    fn end(&mut self) -> io::Result<()> {
        let at = now().max(self.latest);
        let Some(output) = &mut self.file else { return Ok(()) };
        if let Form::Pcapng(writer) = &mut output.form {
            for (interface, (counts, delivered)) in (0_u32..).zip(self.counts.iter().zip(&self.delivered)) {
                writer.statistics(interface, at, &InterfaceCounts { delivered: Some(*delivered), ..*counts })?;
            }
            output.block(false);
        }
        self.flush()?;
        if let Some(output) = self.file.take() {
            self.written.packets = self.written.packets.saturating_add(output.packets);
            self.complete.push_back((output.path, output.packets));
        }
        Ok(())
    }

    /// Hands all that waits to the system. When the disk is full, files of this ring are deleted, the oldest first.
    fn flush(&mut self) -> io::Result<()> {
        loop {
            let Some(output) = &mut self.file else { return Ok(()) };
            let Err(error) = output.write() else { return Ok(()) };
            if !self.makes_room(&error) {
                return Err(error);
            }
        }
    }

    /// Deletes a file of a ring when the disk is full; false when that is not why, or there is none to delete.
    fn makes_room(&mut self, error: &io::Error) -> bool {
        let is_full = matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded);
        let is_ring = self.options.rotation.is_some_and(|rotation| rotation.files.is_some());
        let makes_room = is_full && is_ring && self.delete_oldest();
        if makes_room {
            self.written.deleted_early = self.written.deleted_early.saturating_add(1);
        }
        makes_room
    }

    fn stopped(&mut self, error: io::Error) -> Stopped {
        if let Some(output) = self.file.take() {
            self.written.packets = self.written.packets.saturating_add(output.packets);
        }
        Stopped { error, written: self.written.clone() }
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_nanos()).unwrap_or(i64::MAX))
}

/// `NAME_00001_20261121234500.pcapng`, as dumpcap calls them.
fn numbered(path: &Path, number: u64, time: &str) -> PathBuf {
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push(format!("_{number:05}_{time}"));
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// Whether `path` is called like one of these files, which need not be there yet.
fn is_named(path: &Path, inputs: &[PathBuf]) -> bool {
    let full = |path: &Path| -> Option<PathBuf> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        Some(fs::canonicalize(folder).ok()?.join(path.file_name()?))
    };
    let Some(own) = full(path) else { return false };
    inputs.iter().any(|input| full(input).as_ref() == Some(&own)) && !is_pipe(path)
}

/// Something that is there and no file: several may read and write it.
fn is_pipe(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|known| !known.is_file())
}

#[cfg(unix)]
fn private(how: &mut fs::OpenOptions, is_private: bool) {
    use std::os::unix::fs::OpenOptionsExt;
    if is_private {
        how.mode(0o600);
    }
}

#[cfg(not(unix))]
fn private(_: &mut fs::OpenOptions, _: bool) {}

/// Without the buffer that Rust has before it.
#[cfg(unix)]
fn standard_output() -> io::Result<File> {
    use std::os::fd::AsFd;
    io::stdout().as_fd().try_clone_to_owned().map(File::from)
}

#[cfg(not(unix))]
fn standard_output() -> io::Result<File> {
    Err(io::ErrorKind::Unsupported.into())
}
