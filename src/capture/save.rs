//! A copy of those packets of a capture that somebody chooses, with all that belongs to them: `-w` of captures that are
//! read. pcapng keeps interfaces, statistics, comments, names and secrets, each at its place; pcap keeps packets.
//!
//! A file gets its name only once it is complete: until then it lies beside it under another.
use std::{
    collections::{HashMap, VecDeque},
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use thiserror::Error;

use super::{Counting, Kept, PacketHead, PcapWriter, PcapngWriter, What, kept};
use crate::record::{LinkType, PacketNumber};

/// Snap length of a pcap file whose packets have none: libpcap's MAXIMUM_SNAPLEN.
const LARGEST_PACKET: u32 = 262_144;
const OPTION_COMMENT: u16 = 1;
/// What wrote the file, in the section header.
const OPTION_APPLICATION: u16 = 4;

type Output = BufWriter<Box<dyn Write + Send>>;

/// Why a copy cannot be begun. Each says what to do.
#[derive(Debug, Error)]
pub enum SaveError {
    /// It would overwrite what is read.
    #[error("{0}: is read, and cannot be written at the same time: give -w another name")]
    IsInput(String),
    /// The name promises what is not done.
    #[error(
        "{0}: captures are written uncompressed: give -w a name that ends with .pcapng, or pipe: -w - | gzip > {0}"
    )]
    Compressed(String),
    /// Anything else.
    #[error("{name}: cannot be written: {source}")]
    Io {
        /// Name as given.
        name: String,
        /// Why.
        source: io::Error,
    },
}

/// What was written, and what could not be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Saved {
    /// Packets.
    pub packets: u64,
    /// Comments on packets written that pcap has no place for.
    pub comments: u64,
    /// Blocks of secrets that pcap has no place for.
    pub secrets: u64,
    /// Comments on sections behind the first, for which there is one section only.
    pub section_comments: u64,
    /// Packets whose time the format cannot tell: they were written as of 1970.
    pub untold_times: u64,
}

enum Form {
    Pcapng(Option<PcapngWriter<Output>>),
    Pcap(Option<PcapWriter<Output>>, Option<LinkType>),
}

/// An interface of the copy.
#[derive(Clone, Copy, Debug)]
struct Written {
    index: u32,
    clock: Counting,
}

/// What an interface's description told.
#[derive(Clone, Copy, Debug)]
struct Told {
    clock: Counting,
    snap_length: u32,
    check_bits: Option<u8>,
}

/// Writes the copy.
pub struct Saver {
    path: PathBuf,
    /// What the file is called until it is complete; none where it is written in place.
    temporary: Option<PathBuf>,
    output: Option<Output>,
    form: Form,
    /// By file: what has not had its turn.
    waiting: Vec<VecDeque<Kept>>,
    /// By file: the last packet read.
    read: Vec<PacketNumber>,
    interfaces: HashMap<(u16, u32), Written>,
    told: HashMap<(u16, u32), Told>,
    /// What is said of the packet whose turn it is.
    current: Option<Kept>,
    saved: Saved,
}

impl Saver {
    /// To `path`; `-` is standard output. A name that ends with `.pcap` or `.cap` asks for pcap, any other for pcapng.
    /// `inputs` are the captures that are read.
    ///
    /// # Errors
    /// See [`SaveError`].
    pub fn create(path: &Path, inputs: &[PathBuf]) -> Result<Self, SaveError> {
        let name = path.display().to_string();
        let wrong = |source| SaveError::Io { name: name.clone(), source };
        if is_compressed(path) {
            return Err(SaveError::Compressed(name));
        }
        let form = if is_pcap(path) { Form::Pcap(None, None) } else { Form::Pcapng(None) };
        let (path, temporary, output): (_, _, Box<dyn Write + Send>) = if path.as_os_str() == "-" {
            (path.to_owned(), None, Box::new(io::stdout()))
        } else {
            if is_one_of(path, inputs) {
                return Err(SaveError::IsInput(name));
            }
            match fs::metadata(path) {
                Ok(known) if known.is_dir() => return Err(wrong(io::ErrorKind::IsADirectory.into())),
                // Pipes and devices are written as they are.
                Ok(known) if !known.is_file() => {
                    (path.to_owned(), None, Box::new(File::options().write(true).open(path).map_err(wrong)?))
                }
                known => {
                    let path = if known.is_ok() { fs::canonicalize(path).map_err(wrong)? } else { path.to_owned() };
                    // What may not be written is not replaced either.
                    if known.is_ok() {
                        File::options().append(true).open(&path).map_err(wrong)?;
                    }
                    let temporary = beside(&path);
                    let file = File::create_new(&temporary).map_err(wrong)?;
                    if let Ok(known) = known {
                        file.set_permissions(known.permissions()).map_err(wrong)?;
                    }
                    (path, Some(temporary), Box::new(file))
                }
            }
        };
        let mut saver = Self::to_output(output, false);
        (saver.path, saver.temporary, saver.form) = (path, temporary, form);
        Ok(saver)
    }

    /// To anything, as pcap or pcapng.
    #[must_use]
    pub fn to_output(output: Box<dyn Write + Send>, is_pcap: bool) -> Self {
        Self {
            path: PathBuf::new(),
            temporary: None,
            output: Some(BufWriter::with_capacity(1 << 16, output)),
            form: if is_pcap { Form::Pcap(None, None) } else { Form::Pcapng(None) },
            waiting: Vec::new(),
            read: Vec::new(),
            interfaces: HashMap::new(),
            told: HashMap::new(),
            current: None,
            saved: Saved::default(),
        }
    }

    /// A batch was read: its packets, and what came between them.
    ///
    /// # Errors
    /// Those of the output.
    pub fn read(&mut self, heads: &[PacketHead], came: Vec<Kept>) -> io::Result<()> {
        // Nobody chose from the batch before after its last choice: what was waiting there has had its turn.
        for (file, last) in (0_u16..).zip(self.read.clone()) {
            self.pass(file, last)?;
        }
        for kept in came {
            let file = usize::from(kept.before.file());
            if self.waiting.len() <= file {
                self.waiting.resize(file.saturating_add(1), VecDeque::new());
            }
            if let Some(waiting) = self.waiting.get_mut(file) {
                waiting.push_back(kept);
            }
        }
        for head in heads {
            let file = usize::from(head.number.file());
            if self.read.len() <= file {
                self.read.resize(file.saturating_add(1), PacketNumber::default());
            }
            if let Some(last) = self.read.get_mut(file) {
                *last = head.number;
            }
        }
        Ok(())
    }

    /// Writes a packet of the batch read last. To be called in the order of the batch.
    ///
    /// # Errors
    /// Those of the output, and [`io::ErrorKind::Unsupported`] where pcap would need a second link type.
    pub fn packet(&mut self, head: &PacketHead, bytes: &[u8]) -> io::Result<()> {
        self.pass(head.number.file(), head.number)?;
        let said = self.current.take().filter(|kept| kept.before == head.number).map(|kept| kept.what);
        let (units, is_untimed, options) = match said {
            Some(What::Packet { units, is_untimed, options }) => (units, is_untimed, options),
            _ => (None, false, Vec::new()),
        };
        self.saved.packets = self.saved.packets.saturating_add(1);
        if matches!(self.form, Form::Pcap(..)) {
            self.saved.comments = self.saved.comments.saturating_add(comments(&options));
            return self.pcap_packet(head, bytes, is_untimed);
        }
        let interface = self.interface(head)?;
        let units = units.or_else(|| interface.clock.units(head.timestamp.nanoseconds()));
        if units.is_none() {
            self.saved.untold_times = self.saved.untold_times.saturating_add(1);
        }
        let writer = self.pcapng()?;
        if is_untimed && interface.index == 0 && options.is_empty() {
            return writer.untimed_packet(head.wire_length, bytes);
        }
        let units = if is_untimed { 0 } else { units.unwrap_or(0) };
        writer.copied_packet(interface.index, units, head.wire_length, bytes, &options)
    }

    /// Nothing more will come: writes what is left, and gives the file its name.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> io::Result<Saved> {
        for file in 0..u16::try_from(self.waiting.len()).unwrap_or(u16::MAX) {
            self.pass(file, PacketNumber::MAX)?;
        }
        // A capture without packets is one all the same.
        let mut output = match &mut self.form {
            Form::Pcapng(_) => {
                self.pcapng()?;
                let Form::Pcapng(Some(writer)) = std::mem::replace(&mut self.form, Form::Pcapng(None)) else {
                    return Ok(self.saved.clone());
                };
                writer.finish()?
            }
            Form::Pcap(writer, _) => match writer.take() {
                Some(writer) => writer.finish()?,
                None => self.begin_pcap(LinkType::ETHERNET, None)?.finish()?,
            },
        };
        output.flush()?;
        drop(output);
        if let Some(temporary) = self.temporary.take() {
            fs::rename(&temporary, &self.path).inspect_err(|_| drop(fs::remove_file(&temporary)))?;
        }
        Ok(self.saved.clone())
    }

    /// Writes what stands before packet `until` of a file; what is said of that very packet is kept for it.
    fn pass(&mut self, file: u16, until: PacketNumber) -> io::Result<()> {
        let place = usize::from(file);
        while let Some(kept) = self
            .waiting
            .get_mut(place)
            .and_then(|waiting| if waiting.front()?.before <= until { waiting.pop_front() } else { None })
        {
            match kept.what {
                What::Packet { .. } => self.current = Some(kept),
                what => self.structure(file, what)?,
            }
        }
        Ok(())
    }

    fn structure(&mut self, file: u16, what: What) -> io::Result<()> {
        let is_pcap = matches!(self.form, Form::Pcap(..));
        if let What::Interface { index, snap_length, clock, check_bits, .. } = &what {
            let told = Told { clock: *clock, snap_length: *snap_length, check_bits: *check_bits };
            self.told.insert((file, *index), told);
        }
        match what {
            What::Secrets { .. } if is_pcap => self.saved.secrets = self.saved.secrets.saturating_add(1),
            _ if is_pcap => {}
            What::Section { options } => {
                if matches!(self.form, Form::Pcapng(None)) {
                    self.begin_pcapng(&options)?;
                } else {
                    self.saved.section_comments = self.saved.section_comments.saturating_add(comments(&options));
                }
            }
            What::Interface { index, link_type, snap_length, clock, options, .. } => {
                let written = self.pcapng()?.copied_interface(link_type, snap_length, &options)?;
                self.interfaces.insert((file, index), Written { index: written, clock });
            }
            What::Statistics { index, units, options } => {
                if let Some(interface) = self.interfaces.get(&(file, index)).copied() {
                    self.pcapng()?.copied_statistics(interface.index, units, &options)?;
                }
            }
            What::Secrets { kind, bytes } => self.pcapng()?.secrets_of(kind, &bytes)?,
            What::Names(body) => self.pcapng()?.names(&body)?,
            What::Packet { .. } => {}
        }
        Ok(())
    }

    /// The writer, with its section begun.
    fn pcapng(&mut self) -> io::Result<&mut PcapngWriter<Output>> {
        if matches!(self.form, Form::Pcapng(None)) {
            self.begin_pcapng(&[])?;
        }
        match &mut self.form {
            Form::Pcapng(Some(writer)) => Ok(writer),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Begins the one section, with what another's header said but for the program that wrote it.
    fn begin_pcapng(&mut self, options: &[u8]) -> io::Result<()> {
        let mut own = Vec::new();
        for (code, value) in walk(options).filter(|(code, _)| *code != OPTION_APPLICATION) {
            kept::add_option(&mut own, code, value);
        }
        kept::add_option(&mut own, OPTION_APPLICATION, concat!("wireglass ", env!("CARGO_PKG_VERSION")).as_bytes());
        let output = self.output.take().ok_or(io::ErrorKind::NotConnected)?;
        self.form = Form::Pcapng(Some(PcapngWriter::copied_section(output, &own)?));
        Ok(())
    }

    /// A packet's interface in the copy. Sources that keep nothing have interfaces of nanoseconds.
    fn interface(&mut self, head: &PacketHead) -> io::Result<Written> {
        let place = (head.number.file(), head.interface);
        if let Some(known) = self.interfaces.get(&place) {
            return Ok(*known);
        }
        let mut options = Vec::new();
        kept::add_option(&mut options, 9, &[9]);
        let index = self.pcapng()?.copied_interface(head.link_type.0, 0, &options)?;
        let written = Written { index, clock: Counting { unit_ns: 1, offset_seconds: 0 } };
        self.interfaces.insert(place, written);
        Ok(written)
    }

    fn pcap_packet(&mut self, head: &PacketHead, bytes: &[u8], is_untimed: bool) -> io::Result<()> {
        let nanoseconds = head.timestamp.nanoseconds();
        let is_told = (0..=i64::from(u32::MAX)).contains(&nanoseconds.div_euclid(1_000_000_000));
        if !is_told || is_untimed {
            self.saved.untold_times = self.saved.untold_times.saturating_add(1);
        }
        let timestamp = if is_told && !is_untimed { head.timestamp } else { crate::record::Timestamp(0) };
        let known = if let Form::Pcap(_, known) = &self.form { *known } else { None };
        match known {
            Some(link_type) if link_type != head.link_type => {
                let (one, other) = (link_type.name(), head.link_type.name());
                return Err(io::Error::new(
                    io::ErrorKind::Unsupported,
                    format!(
                        "packet #{} is of link type {other}, those before it of {one}: pcap holds one link type only. \
                         Give -w a name that ends with .pcapng",
                        head.number
                    ),
                ));
            }
            Some(_) => {}
            None => {
                let told = self.told.get(&(head.number.file(), head.interface)).copied();
                let writer = self.begin_pcap(head.link_type, told)?;
                self.form = Form::Pcap(Some(writer), Some(head.link_type));
            }
        }
        match &mut self.form {
            Form::Pcap(Some(writer), _) => writer.packet(timestamp, head.wire_length, bytes),
            _ => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    fn begin_pcap(&mut self, link_type: LinkType, told: Option<Told>) -> io::Result<PcapWriter<Output>> {
        let output = self.output.take().ok_or(io::ErrorKind::NotConnected)?;
        // Nanoseconds, unless all that is read is one file that has microseconds. Of pcapng more interfaces may come.
        let is_micro = self.waiting.len() <= 1
            && self.told.len() == 1
            && self.told.values().all(|told| told.clock.unit_ns == 1000 && told.clock.offset_seconds == 0)
            && self.interfaces.is_empty();
        let largest = self.told.values().map(|told| told.snap_length).max().filter(|length| *length > 0);
        let check = told.and_then(|told| told.check_bits).map_or(0, |bits| 1 << 26 | u32::from(bits / 16) << 28);
        PcapWriter::with_network(output, u32::from(link_type.0) | check, largest.unwrap_or(LARGEST_PACKET), !is_micro)
    }
}

impl Drop for Saver {
    /// What was not finished is no capture.
    fn drop(&mut self) {
        if let Some(temporary) = self.temporary.take() {
            let _ = fs::remove_file(temporary);
        }
    }
}

fn ends(path: &Path, with: &[&str]) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    with.iter().any(|one| extension.eq_ignore_ascii_case(one))
}

/// Whether a name promises compression.
pub(super) fn is_compressed(path: &Path) -> bool {
    ends(path, &["gz", "zst", "lz4", "bz2", "xz"])
}

/// Whether a name asks for pcap; any other asks for pcapng.
pub(super) fn is_pcap(path: &Path) -> bool {
    ends(path, &["pcap", "cap"])
}

/// A name in the same directory that no capture has.
fn beside(path: &Path) -> PathBuf {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.part", std::process::id()));
    path.with_file_name(name)
}

/// Whether `path` is one of these files, whatever they are called.
pub(super) fn is_one_of(path: &Path, inputs: &[PathBuf]) -> bool {
    let Some(own) = identity(path) else { return false };
    inputs.iter().any(|input| {
        let input = if input.as_os_str() == "-" { Path::new("/dev/stdin") } else { input };
        identity(input).as_ref() == Some(&own)
    })
}

#[cfg(unix)]
fn identity(path: &Path) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    // Several readers and writers of one device or pipe are no contradiction.
    fs::metadata(path).ok().filter(fs::Metadata::is_file).map(|known| (known.dev(), known.ino()))
}

#[cfg(not(unix))]
fn identity(path: &Path) -> Option<PathBuf> {
    fs::canonicalize(path).ok()
}

/// Options as they are kept, one by one.
fn walk(options: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut rest = options;
    std::iter::from_fn(move || {
        let [a, b, c, d] = *rest.first_chunk()?;
        let size = usize::from(u16::from_le_bytes([c, d]));
        let value = rest.get(4..size.saturating_add(4))?;
        rest = rest.get(size.checked_next_multiple_of(4)?.saturating_add(4)..).unwrap_or_default();
        Some((u16::from_le_bytes([a, b]), value))
    })
}

fn comments(options: &[u8]) -> u64 {
    walk(options).filter(|(code, _)| *code == OPTION_COMMENT).fold(0_u64, |count, _| count.saturating_add(1))
}
