//! What a copy of a capture needs besides its packets: interfaces, statistics, secrets, names, and what pcapng says of
//! single packets. Collected only for who asks ([`super::PacketSource::keep`]); numbers in it are little-endian.
use super::{PacketNumber, field::ByteOrder};

/// Something of a capture's structure, and its place among the packets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The first packet behind it; of [`What::Packet`], the packet itself.
    pub before: PacketNumber,
    /// What it is.
    pub what: What,
}

/// Parts of a capture that are no packets. Options are as pcapng writes them, without the one that ends them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A section begins.
    Section {
        /// Of its header.
        options: Vec<u8>,
    },
    /// An interface.
    Interface {
        /// Its place in [`crate::record::Capture::interfaces`].
        index: u32,
        /// Link type, as files number them.
        link_type: u16,
        /// Longest captured packet in bytes; 0 is no limit.
        snap_length: u32,
        /// How its times are counted.
        clock: Counting,
        /// Length of the frame check sequence in bits, where a pcap file's header says it.
        check_bits: Option<u8>,
        /// Of its description.
        options: Vec<u8>,
    },
    /// Statistics of an interface.
    Statistics {
        /// The interface.
        index: u32,
        /// When, in the interface's units.
        units: u64,
        /// What they say.
        options: Vec<u8>,
    },
    /// Secrets of any kind.
    Secrets {
        /// Which kind.
        kind: u32,
        /// They.
        bytes: Vec<u8>,
    },
    /// Names of addresses: the body of such a block.
    Names(Vec<u8>),
    /// What is said of a packet.
    Packet {
        /// Its time in the interface's units, where nanoseconds do not tell it.
        units: Option<u64>,
        /// It has no time.
        is_untimed: bool,
        /// Comments and the like.
        options: Vec<u8>,
    },
}

/// How an interface counts time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counting {
    /// Nanoseconds of a unit; 0 where that is no whole number. Then packets tell their units themselves.
    pub unit_ns: u64,
    /// Seconds to be added to what packets say.
    pub offset_seconds: i64,
}

impl Counting {
    /// The units that tell a moment, as far as they do.
    #[must_use]
    pub fn units(self, nanoseconds: i64) -> Option<u64> {
        let own = i128::from(nanoseconds).checked_sub(i128::from(self.offset_seconds).checked_mul(1_000_000_000)?)?;
        let unit = i128::from(self.unit_ns);
        if own.checked_rem(unit)? != 0 {
            return None;
        }
        u64::try_from(own.checked_div(unit)?).ok()
    }
}

/// The kinds of blocks whose options hold numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Block {
    Section,
    Interface,
    Statistics,
    Packet,
}

impl Block {
    /// Sizes of the numbers that an option's value is made of; what is left is bytes.
    fn numbers(self, code: u16) -> &'static [usize] {
        match (self, code) {
            // Custom options begin with the number of who defined them.
            (_, 2988 | 2989 | 19372 | 19373) => &[4],
            (Self::Interface, 8 | 14 | 16 | 17) | (Self::Statistics, 4..=8) | (Self::Packet, 4 | 5) => &[8],
            (Self::Statistics, 2 | 3) => &[4, 4],
            (Self::Packet, 2 | 6) => &[4],
            _ => &[],
        }
    }
}

/// Adds an option as pcapng writes it.
pub(super) fn add_option(options: &mut Vec<u8>, code: u16, value: &[u8]) {
    let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
    options.extend_from_slice(&code.to_le_bytes());
    options.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
    options.extend_from_slice(value);
    options.resize(options.len().checked_next_multiple_of(4).unwrap_or(options.len()), 0);
}

/// Options of a block of byte order `order`, their numbers made little-endian.
pub(super) fn options<'a>(order: ByteOrder, block: Block, found: impl Iterator<Item = (u16, &'a [u8])>) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut turned = Vec::new();
    for (code, value) in found {
        if order == ByteOrder::Little {
            add_option(&mut kept, code, value);
            continue;
        }
        turned.clear();
        turned.extend_from_slice(value);
        let mut rest = turned.as_mut_slice();
        for size in block.numbers(code) {
            let Some((number, behind)) = rest.split_at_mut_checked(*size) else { break };
            number.reverse();
            rest = behind;
        }
        add_option(&mut kept, code, &turned);
    }
    kept
}
