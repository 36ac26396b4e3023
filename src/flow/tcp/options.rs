//! What a segment's options say besides its numbers: clocks (RFC 7323) and what arrived out of order (RFC 2018).
use super::{segment::Segment, sequence::before};
use crate::wire::{SackBlocks, TcpOption};

/// The options that measurements read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options<'a> {
    /// TSval and TSecr.
    pub timestamps: Option<(u32, u32)>,
    /// Blocks of a selective acknowledgement.
    pub sack: Option<SackBlocks<'a>>,
}

impl<'a> Options<'a> {
    /// Those of `segment`.
    pub fn of(segment: &Segment<'a>) -> Self {
        let mut read = Self::default();
        for option in segment.options {
            match option {
                TcpOption::Timestamps { value, echo_reply } => read.timestamps = Some((value, echo_reply)),
                TcpOption::Sack(blocks) => read.sack = Some(blocks),
                _ => {}
            }
        }
        read
    }

    /// The sender's clock when it sent this.
    pub fn value(&self) -> Option<u32> {
        self.timestamps.map(|(value, _)| value)
    }

    /// Whether it acknowledges selectively what lies behind `ack`.
    pub fn names_more_than(&self, ack: u32) -> bool {
        self.sack.is_some_and(|mut blocks| blocks.any(|(_, right)| before(ack, right)))
    }

    /// The peer's clock as it is echoed, in a segment that acknowledges something.
    pub fn echo(&self) -> Option<u32> {
        self.timestamps.map(|(_, echo)| echo)
    }
}
