//! One file that is written while packets are captured: blocks wait in a buffer and go out in whole writes. What they hold,
//! and when a file ends, is [`super`]'s to say.
//!
//! Each write(2) holds whole blocks, and of a regular file so few that hardly any crosses a page: a kill ends a longer write at
//! any page (measured: 79 of 80 kills during writes of 1 MB left a cut block, 9 of 80 with writes of 1516 bytes).
use std::{
    fs::File,
    io::{self, Seek, SeekFrom, Write},
    path::PathBuf,
};

use crate::capture::{PcapWriter, PcapngWriter};

/// A write that stays within one of these is done wholly or not at all.
const PAGE_BYTES: u64 = 4096;

/// The file's format, and what waits to be written.
pub(super) enum Form {
    Pcapng(PcapngWriter<Vec<u8>>),
    Pcap(PcapWriter<Vec<u8>>),
}

impl Form {
    pub(super) fn buffer(&mut self) -> &mut Vec<u8> {
        match self {
            Self::Pcapng(writer) => writer.output(),
            Self::Pcap(writer) => writer.output(),
        }
    }
}

/// A file being written.
pub(super) struct Output {
    file: File,
    pub(super) path: PathBuf,
    pub(super) form: Form,
    /// Where it can be cut: not a pipe.
    is_regular: bool,
    /// Bytes in the file, all of whole blocks.
    pub(super) bytes: u64,
    /// Packets among them.
    pub(super) packets: u64,
    /// Ends of the blocks that wait in the form's buffer, and whether each is a packet's.
    ends: Vec<(usize, bool)>,
    /// Packets in the file and waiting.
    pub(super) given: u64,
}

impl Output {
    /// Into `file`, which is empty; what `form` was made with waits.
    pub(super) fn new(file: File, path: PathBuf, form: Form) -> Self {
        let is_regular = file.metadata().is_ok_and(|known| known.is_file());
        let mut output = Self { file, path, form, is_regular, bytes: 0, packets: 0, ends: Vec::new(), given: 0 };
        output.block(false);
        output
    }

    /// What was added to the buffer since the last call is a block.
    pub(super) fn block(&mut self, is_packet: bool) {
        let end = self.form.buffer().len();
        if self.ends.last().map_or(0, |(last, _)| *last) < end {
            self.ends.push((end, is_packet));
        }
    }

    /// Writes all blocks that wait. What is cut by an error is taken away again: then the file holds whole blocks, and
    /// those that are not in it wait.
    pub(super) fn write(&mut self) -> io::Result<()> {
        let mut done = 0_usize;
        let mut blocks = 0_usize;
        let mut outcome = Ok(());
        while outcome.is_ok() && blocks < self.ends.len() {
            let count = self.piece(blocks, done);
            let last = blocks.saturating_add(count).saturating_sub(1);
            let Some((end, _)) = self.ends.get(last).copied() else { break };
            let piece = self.form.buffer().get(done..end).unwrap_or_default();
            let (written, result) = write_whole(&mut self.file, piece);
            outcome = result;
            let reached = done.saturating_add(written);
            while let Some((end, is_packet)) = self.ends.get(blocks).copied().filter(|(end, _)| *end <= reached) {
                self.bytes = self.bytes.saturating_add(end.saturating_sub(done) as u64);
                self.packets = self.packets.saturating_add(u64::from(is_packet));
                done = end;
                blocks = blocks.saturating_add(1);
            }
        }
        self.form.buffer().drain(..done);
        self.ends.drain(..blocks);
        self.ends.iter_mut().for_each(|(end, _)| *end = end.saturating_sub(done));
        if outcome.is_err() && self.is_regular {
            self.file.set_len(self.bytes)?;
            self.file.seek(SeekFrom::Start(self.bytes))?;
        }
        outcome
    }

    /// How many blocks from `first` on, which begins at `start` of the buffer, go into one write: those that end within
    /// the page they begin in, or one.
    fn piece(&self, first: usize, start: usize) -> usize {
        let waiting = self.ends.get(first..).unwrap_or_default();
        if !self.is_regular {
            return waiting.len();
        }
        let position = self.bytes;
        let page_end = position.saturating_add(1).checked_next_multiple_of(PAGE_BYTES).unwrap_or(u64::MAX);
        let room = usize::try_from(page_end.saturating_sub(position)).unwrap_or(usize::MAX);
        waiting.iter().take_while(|(end, _)| end.saturating_sub(start) <= room).count().max(1)
    }
}

/// Writes all; answers how many bytes were written.
fn write_whole(file: &mut File, bytes: &[u8]) -> (usize, io::Result<()>) {
    let mut written = 0_usize;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match file.write(rest) {
            Ok(0) => return (written, Err(io::ErrorKind::WriteZero.into())),
            Ok(count) => written = written.saturating_add(count),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(error)),
        }
    }
    (written, Ok(()))
}
