//! A capture file being read: large reads straight into the batch's buffer, the partial record at the end carried over
//! to the next. Knows no format beyond which of them it is.
use std::{
    io::{self, Read},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    Batch, Comment, Counting, Kept, More, PacketNumber, PacketSource, ReadProgress, Secrets, What,
    pcap::{self, Pcap},
    pcapng::{self, Pcapng},
    snoop::{self, Snoop},
    tally::{Found, Parsed, Tally},
};
use crate::{limits, record::Capture};

/// The formats that are read.
#[derive(Debug)]
enum Format {
    /// The first bytes have not been looked at.
    Unread,
    /// Nothing can be read: the file is empty, or cut inside its header. Keeps the format's name if it is known.
    Nothing(&'static str),
    Pcap(Pcap),
    Pcapng(Box<Pcapng>),
    Snoop(Snoop),
}

/// Whether these first bytes (at least 4 of them) open a format that is read.
pub(super) fn recognised(bytes: &[u8]) -> bool {
    pcap::recognised(bytes) || pcapng::recognised(bytes) || bytes.starts_with(snoop::MAGIC)
}

/// What the source needs to know besides the bytes.
#[derive(Debug, Default)]
pub(super) struct Origin {
    /// Name as given.
    pub(super) name: String,
    pub(super) file_index: u16,
    /// Name of the compression.
    pub(super) compression: Option<&'static str>,
    /// A pipe: hand on what has come rather than wait for a full buffer.
    pub(super) streamed: bool,
    /// Bytes read below the decompression.
    pub(super) bytes_read: Arc<AtomicU64>,
    pub(super) total_bytes: Option<u64>,
}

/// A capture file or a pipe.
pub(super) struct FileSource {
    input: Box<dyn Read + Send>,
    origin: Origin,
    format: Format,
    tally: Tally,
    /// The partial record at the end of the last batch.
    carry: Vec<u8>,
    /// Place of the carried bytes in the (uncompressed) file.
    offset: u64,
    /// Bytes to be there before the parser can go on.
    need: usize,
    /// Bytes of the file to be thrown away first.
    skip: u64,
    began: bool,
    ended: bool,
    /// What is kept for a copy, when that is asked for, but for pcapng's.
    kept: Option<Vec<Kept>>,
}

impl FileSource {
    pub(super) fn new(input: Box<dyn Read + Send>, origin: Origin) -> Self {
        Self {
            input,
            origin,
            format: Format::Unread,
            tally: Tally::default(),
            carry: Vec::new(),
            offset: 0,
            need: pcap::FILE_HEADER_BYTES,
            skip: 0,
            began: false,
            ended: false,
            kept: None,
        }
    }

    /// Reads until the buffer is full (a file) or has what is needed (a pipe). Answers how many bytes are there and,
    /// when nothing more will come, why.
    fn fill(&mut self, buffer: &mut [u8], mut filled: usize) -> (usize, Option<io::Result<()>>) {
        loop {
            let Some(room) = buffer.get_mut(filled..).filter(|room| !room.is_empty()) else { return (filled, None) };
            match self.input.read(room) {
                Ok(0) => return (filled, Some(Ok(()))),
                Ok(got) => {
                    let dropped = usize::try_from(self.skip).unwrap_or(usize::MAX).min(got);
                    if dropped > 0 {
                        // Only while a huge unknown block passes; nothing is carried then.
                        self.skip = self.skip.saturating_sub(u64::try_from(dropped).unwrap_or(u64::MAX));
                        self.offset = self.offset.saturating_add(u64::try_from(dropped).unwrap_or(u64::MAX));
                        let end = filled.saturating_add(got).min(buffer.len());
                        buffer.copy_within(filled.saturating_add(dropped).min(end)..end, filled);
                    }
                    filled = filled.saturating_add(got.saturating_sub(dropped)).min(buffer.len());
                    if self.origin.streamed && filled >= self.need {
                        return (filled, None);
                    }
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return (filled, Some(Err(error))),
            }
        }
    }

    /// Recognises the format. Answers how many bytes its header has taken.
    fn begin(&mut self, bytes: &[u8]) -> usize {
        if pcapng::recognised(bytes) {
            self.format = Format::Pcapng(Box::new(Pcapng::new(self.kept.is_some())));
            return 0;
        }
        let before = PacketNumber::new(self.origin.file_index, 1);
        if let Some(header) = Pcap::open(bytes) {
            self.kept.iter_mut().for_each(|kept| kept.push(Kept { before, what: header.kept() }));
            self.format = Format::Pcap(header);
            return pcap::FILE_HEADER_BYTES;
        }
        if bytes.starts_with(snoop::MAGIC)
            && let Some(header) = Snoop::open(bytes)
        {
            // Times in microseconds, no snap length.
            let clock = Counting { unit_ns: 1000, offset_seconds: 0 };
            let (index, snap_length, link_type) = (0, 0, header.link_type().0);
            let what = What::Interface { index, link_type, snap_length, clock, check_bits: None, options: Vec::new() };
            self.kept.iter_mut().for_each(|kept| kept.push(Kept { before, what: what.clone() }));
            self.format = Format::Snoop(header);
            return snoop::FILE_HEADER_BYTES;
        }
        let present = bytes.len();
        let (name, what) = if pcap::recognised(bytes) {
            (
                "pcap",
                format!("the file ends inside its header: {present} of {} bytes are there", pcap::FILE_HEADER_BYTES),
            )
        } else if bytes.is_empty() {
            ("empty", "the file is empty: not even a header was written".to_owned())
        } else {
            ("unknown", format!("the file ends after {present} bytes, inside the header"))
        };
        self.format = Format::Nothing(name);
        self.tally.damage(self.offset.saturating_add(u64::try_from(present).unwrap_or(u64::MAX)), || what);
        present
    }

    fn parse(&mut self, bytes: &[u8], batch_heads: &mut Vec<super::PacketHead>) -> Parsed {
        let mut found = Found { heads: batch_heads, tally: &mut self.tally, file: self.origin.file_index };
        match &mut self.format {
            Format::Pcap(format) => format.parse(bytes, self.offset, &mut found),
            Format::Pcapng(format) => format.parse(bytes, self.offset, &mut found),
            Format::Snoop(format) => format.parse(bytes, self.offset, &mut found),
            Format::Unread | Format::Nothing(_) => Parsed { stop: true, ..Parsed::default() },
        }
    }

    /// Nothing more will come; `rest` was left over.
    fn finish(&mut self, why: io::Result<()>, rest: &[u8]) {
        self.ended = true;
        let after = self.offset.saturating_add(u64::try_from(rest.len()).unwrap_or(u64::MAX));
        if let Err(error) = why {
            let compression = self.origin.compression;
            self.tally.damage(after, || match compression {
                Some(name) => {
                    format!("the {name} data ends early or is broken here ({error}); what came before was read")
                }
                None => format!("reading failed here ({error}); what came before was read"),
            });
        } else if self.skip > 0 {
            self.tally.damage(after, || "the file ends inside a block".to_owned());
        } else if !rest.is_empty() {
            let what = match &self.format {
                Format::Pcap(format) => format.cut(rest),
                Format::Pcapng(format) => format.cut(rest),
                _ => format!("the file ends inside a packet record: {} bytes of it are there", rest.len()),
            };
            self.tally.damage(self.offset, || what);
        }
    }
}

impl PacketSource for FileSource {
    fn next_batch(&mut self, batch: &mut Batch) -> io::Result<More> {
        batch.heads.clear();
        if self.ended {
            return Ok(More::No);
        }
        let size = if self.began { limits::READ_BUFFER_BYTES } else { limits::FIRST_READ_BYTES }.max(self.need);
        if batch.buffer.len() < size {
            batch.buffer.resize(size, 0);
        }
        let carried = self.carry.len();
        if let Some(room) = batch.buffer.get_mut(..carried) {
            room.copy_from_slice(&self.carry);
        }
        self.carry.clear();
        // A recycled buffer may be larger than wanted: a first read stays small.
        let (filled, end) = {
            let window = batch.buffer.get_mut(..size).unwrap_or_default();
            self.fill(window, carried)
        };
        let bytes = batch.buffer.get(..filled).unwrap_or_default();
        let mut consumed = 0;
        if !self.began {
            if filled < pcap::FILE_HEADER_BYTES && end.is_none() {
                self.carry.extend_from_slice(bytes);
                return Ok(More::Yes);
            }
            self.began = true;
            consumed = self.begin(bytes);
        }
        // The parser is given the bytes after the file header; heads must point into the whole buffer.
        self.offset = self.offset.saturating_add(u64::try_from(consumed).unwrap_or(u64::MAX));
        let parsed = self.parse(bytes.get(consumed..).unwrap_or_default(), &mut batch.heads);
        if consumed > 0 {
            let shift = u32::try_from(consumed).unwrap_or(u32::MAX);
            batch.heads.iter_mut().for_each(|head| head.start = head.start.saturating_add(shift));
        }
        consumed = consumed.saturating_add(parsed.consumed);
        self.offset = self.offset.saturating_add(u64::try_from(parsed.consumed).unwrap_or(u64::MAX));
        self.need = parsed.need;
        let mut rest = bytes.get(consumed..).unwrap_or_default();
        if parsed.skip > 0 {
            let here = usize::try_from(parsed.skip).unwrap_or(usize::MAX).min(rest.len());
            rest = rest.get(here..).unwrap_or_default();
            let here = u64::try_from(here).unwrap_or(u64::MAX);
            self.skip = parsed.skip.saturating_sub(here);
            self.offset = self.offset.saturating_add(here);
        }
        if parsed.stop {
            self.ended = true;
        } else if let Some(why) = end.filter(|_| parsed.skip == 0 || rest.is_empty()) {
            self.finish(why, rest);
        } else {
            self.carry.extend_from_slice(rest);
        }
        Ok(if self.ended { More::No } else { More::Yes })
    }

    fn description(&self) -> Capture {
        let mut capture = Capture { file: self.origin.name.clone(), ..Capture::default() };
        let format = match &self.format {
            Format::Unread => "unknown",
            Format::Nothing(name) => name,
            Format::Pcap(format) => {
                format.describe(&mut capture);
                "pcap"
            }
            Format::Pcapng(format) => {
                format.describe(&mut capture);
                "pcapng"
            }
            Format::Snoop(format) => {
                format.describe(&mut capture);
                "snoop"
            }
        };
        capture.format = match self.origin.compression {
            Some(compression) => format!("{format}+{compression}"),
            None => format.to_owned(),
        };
        self.tally.describe(&mut capture);
        capture
    }

    fn progress(&self) -> ReadProgress {
        ReadProgress {
            bytes_read: self.origin.bytes_read.load(Ordering::Relaxed),
            total_bytes: self.origin.total_bytes,
        }
    }

    fn take_secrets(&mut self) -> Vec<Secrets> {
        match &mut self.format {
            Format::Pcapng(format) => format.take_secrets(),
            _ => Vec::new(),
        }
    }

    fn keep(&mut self) {
        self.kept.get_or_insert_default();
    }

    fn take_kept(&mut self) -> Vec<Kept> {
        match &mut self.format {
            Format::Pcapng(format) => format.take_kept(),
            _ => self.kept.as_mut().map(std::mem::take).unwrap_or_default(),
        }
    }

    fn comments_left_out(&self) -> u64 {
        match &self.format {
            Format::Pcapng(format) => format.comments_left_out(),
            _ => 0,
        }
    }

    fn take_comments(&mut self) -> Vec<Comment> {
        match &mut self.format {
            Format::Pcapng(format) => format.take_comments(),
            _ => Vec::new(),
        }
    }
}
