//! Where packets come from. After this room nobody can tell a file from an interface.
#![cfg_attr(
    not(test),
    deny(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss
    )
)]
use std::io;

mod compressed;
mod field;
mod file;
mod kept;
mod merge;
mod open;
mod pcap;
mod pcapng;
mod ring;
mod save;
mod snoop;
mod tally;
mod tee;
mod write;

pub mod bpf;
#[cfg(feature = "live")]
pub mod live;

pub use kept::{Counting, Kept, What};
pub use merge::Merged;
pub use open::{OpenError, from_reader, open};
pub use ring::{Ring, RingError, RingOptions, Rotation, Stopped, Written};
pub use save::{SaveError, Saved, Saver};
pub use tee::{KeyLogged, MoreLines, Tee, Told};
pub use write::{InterfaceCounts, InterfaceOptions, PcapWriter, PcapngWriter, SectionOptions};

use crate::record::{Capture, LinkType, PacketNumber, Timestamp};

/// Where a packet lies in its batch, and what the capture says of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PacketHead {
    /// Number within its file, and the file.
    pub number: PacketNumber,
    /// When it was captured.
    pub timestamp: Timestamp,
    /// Where its bytes start in [`Batch::buffer`].
    pub start: u32,
    /// How many bytes are here.
    pub captured_length: u32,
    /// How many bytes it had on the wire.
    pub wire_length: u32,
    /// Index of the capturing interface in [`Capture::interfaces`].
    pub interface: u32,
    /// Link type of that interface.
    pub link_type: LinkType,
}

/// One big read buffer and the packets in it. Owned, so that it can go to another thread; reused, so that nothing
/// is allocated per packet.
#[derive(Debug, Default)]
pub struct Batch {
    /// Bytes as read, packets and file structure alike. It may be longer than what the heads point at: a source keeps
    /// its length between reads, so that it need not be filled with zeros again. Do not clear it, hand it back.
    pub buffer: Vec<u8>,
    /// The packets, in file order.
    pub heads: Vec<PacketHead>,
}

impl Batch {
    /// The bytes of a packet; empty if the head is not of this batch.
    #[must_use]
    pub fn bytes(&self, head: &PacketHead) -> &[u8] {
        let start = head.start as usize;
        self.buffer.get(start..start.saturating_add(head.captured_length as usize)).unwrap_or_default()
    }
}

/// Whether more packets may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum More {
    /// Ask again.
    Yes,
    /// That was all.
    No,
}

/// A source of packets: a file, a pipe, an interface.
pub trait PacketSource: Send {
    /// Fills `batch` (whose former content is gone) with the next packets. It may hold none though more will come.
    ///
    /// # Errors
    /// Only what prevents reading at all. Damage in a file is no error: it ends the source and is told by
    /// [`PacketSource::description`].
    fn next_batch(&mut self, batch: &mut Batch) -> io::Result<More>;

    /// What is known of the capture so far; complete once the source has ended. The counts of protocols and
    /// connections are the engine's to fill.
    fn description(&self) -> Capture;

    /// The same for each file, where several are read as one.
    fn descriptions(&self) -> Vec<Capture> {
        vec![self.description()]
    }

    /// The time now, of a live source: what to expire by when a batch came empty. Files have none.
    fn clock(&self) -> Option<Timestamp> {
        None
    }

    /// What the clock says, of a live source: what packets that come now are stamped with. Files have none.
    fn now(&self) -> Option<Timestamp> {
        self.clock()
    }

    /// Packets that were read and not handed on, because there was no room for them; complete once the source has ended.
    fn left_out(&self) -> Option<LeftOut> {
        None
    }

    /// How far the reading has come.
    fn progress(&self) -> ReadProgress {
        ReadProgress::default()
    }

    /// The TLS secrets the capture itself has brought since the last call. Ask after each batch.
    fn take_secrets(&mut self) -> Vec<Secrets> {
        Vec::new()
    }

    /// From now on, keeps what a copy needs besides packets. To be asked before the first batch.
    fn keep(&mut self) {}

    /// What was kept since the last call, in file order. Ask after each batch.
    fn take_kept(&mut self) -> Vec<Kept> {
        Vec::new()
    }

    /// Comments that there was no room for ([`crate::limits::MAX_COMMENTS`]).
    fn comments_left_out(&self) -> u64 {
        0
    }

    /// The comments the capture has brought since the last call.
    fn take_comments(&mut self) -> Vec<Comment> {
        Vec::new()
    }
}

/// Packets that a source read and did not hand on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LeftOut {
    /// How many.
    pub packets: u64,
    /// The first of them.
    pub first: PacketNumber,
    /// Its time.
    pub timestamp: Timestamp,
}

/// How far the reading has come, in bytes of the file as it lies on disk (compressed ones, where it is).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReadProgress {
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes in all; none for a pipe or an interface.
    pub total_bytes: Option<u64>,
}

/// TLS secrets that came inside a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Secrets {
    /// Number of the first packet after them: the place they have in the file, whatever the batches.
    pub before: PacketNumber,
    /// Lines of an NSS key log (RFC 9850).
    pub key_log: Vec<u8>,
}

/// A comment that came inside a capture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// The packet it is about; none when about the capture or an interface.
    pub packet: Option<PacketNumber>,
    /// What it says. Untrusted text.
    pub text: String,
}

#[cfg(test)]
mod tests;
