//! pcapng (draft-ietf-opsawg-pcapng): sections, interfaces, packets of three kinds, statistics, secrets, comments.
//! Blocks nobody knows are passed over by their length.
use super::{
    Comment, PacketNumber, Secrets,
    field::{ByteOrder, length},
    kept::{self, Block, Counting, Kept, What},
    tally::{Found, Parsed},
};
use crate::{
    limits,
    record::{Capture, Interface, LinkType, Timestamp},
};

pub(super) const SECTION_HEADER: u32 = 0x0a0d_0d0a;
pub(super) const INTERFACE_DESCRIPTION: u32 = 1;
pub(super) const OBSOLETE_PACKET: u32 = 2;
pub(super) const SIMPLE_PACKET: u32 = 3;
pub(super) const NAME_RESOLUTION: u32 = 4;
pub(super) const INTERFACE_STATISTICS: u32 = 5;
pub(super) const ENHANCED_PACKET: u32 = 6;
pub(super) const DECRYPTION_SECRETS: u32 = 10;
/// `secrets_type` of a TLS key log.
pub(super) const TLS_KEY_LOG: u32 = 0x544c_534b;
pub(super) const BYTE_ORDER_MAGIC: u32 = 0x1a2b_3c4d;

const OPTION_END: u16 = 0;
const OPTION_COMMENT: u16 = 1;
/// Type and length before, length again after.
const BLOCK_OVERHEAD: usize = 12;
const SMALLEST_SECTION_HEADER: usize = 28;

/// How an interface's 64-bit time becomes nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Resolution {
    /// Units of 10^-n seconds, n up to 9: so many nanoseconds each.
    Multiply(u64),
    /// Units of 10^-n seconds, n above 9: so many to a nanosecond.
    Divide(u64),
    /// Units of 2^-n seconds.
    Binary(u32),
}

impl Resolution {
    /// From the option `if_tsresol`.
    fn from_option(value: u8) -> Self {
        let exponent = u32::from(value & 0x7f);
        if value & 0x80 != 0 {
            return Self::Binary(exponent);
        }
        match exponent.checked_sub(9) {
            None | Some(0) => Self::Multiply(10_u64.saturating_pow(9_u32.saturating_sub(exponent))),
            // 10^20 does not fit: such units are too small for any 64-bit time to reach a nanosecond.
            Some(finer) => Self::Divide(10_u64.checked_pow(finer).unwrap_or(u64::MAX)),
        }
    }

    /// Nanoseconds of `units`; saturates.
    #[inline]
    fn nanoseconds(self, units: u64) -> i64 {
        match self {
            Self::Multiply(factor) => i64::try_from(units.saturating_mul(factor)).unwrap_or(i64::MAX),
            Self::Divide(divisor) => i64::try_from(units.checked_div(divisor).unwrap_or(0)).unwrap_or(i64::MAX),
            Self::Binary(exponent) => {
                let scaled = u128::from(units).saturating_mul(1_000_000_000);
                i64::try_from(scaled.checked_shr(exponent).unwrap_or(0)).unwrap_or(i64::MAX)
            }
        }
    }
}

/// An interface of the current section, as far as packets need it.
#[derive(Clone, Copy, Debug)]
struct Clock {
    link_type: LinkType,
    snap_length: u32,
    resolution: Resolution,
    offset_seconds: i64,
}

impl Clock {
    fn counting(&self) -> Counting {
        let unit_ns = if let Resolution::Multiply(factor) = self.resolution { factor } else { 0 };
        Counting { unit_ns, offset_seconds: self.offset_seconds }
    }

    #[inline]
    fn timestamp(&self, high: u32, low: u32) -> Timestamp {
        let units = (u64::from(high) << 32) | u64::from(low);
        Timestamp::from_parts(self.offset_seconds, self.resolution.nanoseconds(units))
    }
}

/// A pcapng file.
#[derive(Debug, Default)]
pub(super) struct Pcapng {
    order: ByteOrder,
    /// Byte order of the first section: the one reported.
    first_order: Option<ByteOrder>,
    /// Whether a section header has been read.
    in_section: bool,
    /// Interfaces of this section.
    clocks: Vec<Clock>,
    /// Where this section's interfaces begin in `interfaces`.
    base: usize,
    /// Interfaces of all sections.
    interfaces: Vec<Interface>,
    link_types: Vec<LinkType>,
    /// Dropped packets told by packets themselves, for captures without statistics.
    packet_drops: Option<u64>,
    secrets: Vec<Secrets>,
    secret_bytes: usize,
    comments: Vec<Comment>,
    /// Comments that there was no room for.
    comments_left_out: u64,
    /// Collected only when asked for.
    kept: Option<Vec<Kept>>,
}

/// The options of a block: code and value. Ends at the end option, or where a length leads outside.
struct Options<'a> {
    order: ByteOrder,
    rest: &'a [u8],
    /// An option claimed more bytes than the block has.
    broken: bool,
}

impl<'a> Iterator for Options<'a> {
    type Item = (u16, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let code = self.order.u16(self.rest, 0);
        let size = self.order.u16(self.rest, 2).map(usize::from);
        let (Some(code), Some(size)) = (code, size) else {
            self.broken = true;
            self.rest = &[];
            return None;
        };
        if code == OPTION_END {
            self.rest = &[];
            return None;
        }
        let Some(value) = self.rest.get(4..size.saturating_add(4)) else {
            self.broken = true;
            self.rest = &[];
            return None;
        };
        self.rest = self.rest.get(padded(size).saturating_add(4)..).unwrap_or_default();
        Some((code, value))
    }
}

/// Rounded up to a multiple of four.
fn padded(size: usize) -> usize {
    size.checked_next_multiple_of(4).unwrap_or(usize::MAX)
}

/// Whether these first bytes open a pcapng file.
pub(super) fn recognised(bytes: &[u8]) -> bool {
    bytes.starts_with(&SECTION_HEADER.to_be_bytes())
}

fn text(value: &[u8]) -> String {
    // Some writers end the string with a NUL, which the format says not to.
    String::from_utf8_lossy(value).trim_end_matches('\0').to_owned()
}

impl Pcapng {
    /// With `keeps`, what is no packet is kept for a copy.
    pub(super) fn new(keeps: bool) -> Self {
        Self { kept: keeps.then(Vec::new), ..Self::default() }
    }

    /// What was kept since the last call.
    pub(super) fn take_kept(&mut self) -> Vec<Kept> {
        self.kept.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Keeps something that stands before the next packet, if that is asked for.
    fn keep(&mut self, found: &Found<'_>, what: impl FnOnce(&Self) -> Option<What>) {
        if self.kept.is_some()
            && let Some(what) = what(self)
            && let Some(kept) = &mut self.kept
        {
            let before = PacketNumber::new(found.file, found.tally.packets.saturating_add(1));
            kept.push(Kept { before, what });
        }
    }

    /// Keeps what is said of the packet that was found last.
    fn keep_packet(&mut self, found: &Found<'_>, units: Option<u64>, is_untimed: bool, options: Vec<u8>) {
        if let Some(kept) = &mut self.kept
            && (units.is_some() || is_untimed || !options.is_empty())
        {
            let before = PacketNumber::new(found.file, found.tally.packets);
            kept.push(Kept { before, what: What::Packet { units, is_untimed, options } });
        }
    }

    /// The units of a time, where nanoseconds would not tell them.
    fn odd_units(&self, clock: &Clock, high: u32, low: u32) -> Option<u64> {
        self.kept.as_ref()?;
        let units = (u64::from(high) << 32) | u64::from(low);
        (clock.counting().units(clock.timestamp(high, low).nanoseconds()) != Some(units)).then_some(units)
    }

    /// Names of addresses, in little-endian: records, then options, both of the same form.
    fn names(&self, body: &[u8]) -> Vec<u8> {
        if self.order == ByteOrder::Little {
            return body.to_vec();
        }
        let mut records = self.options(body, 0);
        let mut names = kept::options(self.order, Block::Section, records.by_ref());
        names.extend_from_slice(&[0; 4]);
        // The walk over the records has stopped behind the one that ends them.
        let mut walked = 0_usize;
        let mut rest = self.options(body, 0);
        for (_, value) in rest.by_ref() {
            walked = walked.saturating_add(4).saturating_add(padded(value.len()));
        }
        let more = kept::options(self.order, Block::Section, self.options(body, walked.saturating_add(4)));
        if !more.is_empty() {
            names.extend_from_slice(&more);
            names.extend_from_slice(&[0; 4]);
        }
        names
    }

    /// Finds the blocks in `bytes`, which start at `offset` of the file.
    pub(super) fn parse(&mut self, bytes: &[u8], offset: u64, found: &mut Found<'_>) -> Parsed {
        let mut consumed = 0_usize;
        loop {
            let rest = bytes.get(consumed..).unwrap_or_default();
            let here = offset.saturating_add(u64::try_from(consumed).unwrap_or(u64::MAX));
            if rest.len() < BLOCK_OVERHEAD {
                return Parsed { consumed, need: BLOCK_OVERHEAD, ..Parsed::default() };
            }
            if let Err(what) = self.enter_section(rest) {
                found.tally.damage(here, || what);
                return Parsed { consumed, stop: true, ..Parsed::default() };
            }
            let (Some(kind), Some(total)) = (self.order.u32(rest, 0), self.order.u32(rest, 4)) else {
                return Parsed { consumed, need: BLOCK_OVERHEAD, ..Parsed::default() };
            };
            let smallest = if kind == SECTION_HEADER { SMALLEST_SECTION_HEADER } else { BLOCK_OVERHEAD };
            // The length should be a multiple of four; writers that forget it still pad the block.
            let need = padded(length(total));
            if need < smallest {
                found.tally.damage(here, || {
                    format!("a block of type {kind:#x} claims a length of {total} bytes, it cannot be below {smallest}; the rest of the file was not read")
                });
                return Parsed { consumed, stop: true, ..Parsed::default() };
            }
            if need > limits::MAX_BLOCK_BYTES {
                if is_known(kind) {
                    found.tally.damage(here, || {
                        format!("a block of type {kind:#x} claims a length of {total} bytes, at most {} are believable; the rest of the file was not read", limits::MAX_BLOCK_BYTES)
                    });
                    return Parsed { consumed, stop: true, ..Parsed::default() };
                }
                return Parsed { consumed, need: 1, skip: u64::from(total), stop: false };
            }
            let Some(block) = rest.get(..need) else {
                return Parsed { consumed, need, ..Parsed::default() };
            };
            if self.order.u32(block, need.saturating_sub(4)) != Some(total) {
                // The leading length has proved right in the files that have this; if it is not, the next block
                // will look broken and end the reading.
                found.tally.damage(here, || {
                    format!("the two lengths of a block of type {kind:#x} differ, the first ({total}) was believed")
                });
            }
            let body = block.get(8..need.saturating_sub(4)).unwrap_or_default();
            if let Err(what) = self.block(kind, body, consumed.saturating_add(8), found) {
                found.tally.damage(here, || what);
            }
            consumed = consumed.saturating_add(need);
        }
    }

    /// If a section header comes, takes over its byte order; fails where a file does not begin with one.
    fn enter_section(&mut self, rest: &[u8]) -> Result<(), String> {
        if !recognised(rest) {
            if self.in_section {
                return Ok(());
            }
            return Err("a pcapng file must begin with a section header".to_owned());
        }
        let magic = rest.get(8..12).unwrap_or_default();
        self.order = if magic == BYTE_ORDER_MAGIC.to_be_bytes() {
            ByteOrder::Big
        } else if magic == BYTE_ORDER_MAGIC.to_le_bytes() {
            ByteOrder::Little
        } else {
            return Err(format!(
                "a section header has the byte-order magic {magic:02x?} instead of 1a 2b 3c 4d either way round; the rest of the file was not read"
            ));
        };
        self.first_order.get_or_insert(self.order);
        self.in_section = true;
        Ok(())
    }

    /// One block's body, which starts at `start` of the buffer. An error is damage that does not end the reading.
    fn block(&mut self, kind: u32, body: &[u8], start: usize, found: &mut Found<'_>) -> Result<(), String> {
        match kind {
            ENHANCED_PACKET => self.enhanced_packet(body, start, found),
            SIMPLE_PACKET => self.simple_packet(body, start, found),
            OBSOLETE_PACKET => self.obsolete_packet(body, start, found),
            SECTION_HEADER => self.section_header(body, found),
            INTERFACE_DESCRIPTION => self.interface_description(body, found),
            INTERFACE_STATISTICS => self.interface_statistics(body, found),
            NAME_RESOLUTION => {
                self.keep(found, |this| Some(What::Names(this.names(body))));
                Ok(())
            }
            DECRYPTION_SECRETS => self.decryption_secrets(body, found),
            _ => Ok(()),
        }
    }

    fn options<'a>(&self, body: &'a [u8], fixed: usize) -> Options<'a> {
        Options { order: self.order, rest: body.get(fixed..).unwrap_or_default(), broken: false }
    }

    fn comment(&mut self, packet: Option<PacketNumber>, value: &[u8]) {
        if self.comments.len() < limits::MAX_COMMENTS {
            self.comments.push(Comment { packet, text: text(value) });
        } else {
            self.comments_left_out = self.comments_left_out.saturating_add(1);
        }
    }

    fn section_header(&mut self, body: &[u8], found: &Found<'_>) -> Result<(), String> {
        self.clocks.clear();
        self.base = self.interfaces.len();
        self.keep(found, |this| {
            Some(What::Section { options: kept::options(this.order, Block::Section, this.options(body, 16)) })
        });
        let mut options = self.options(body, 16);
        for (code, value) in options.by_ref() {
            if code == OPTION_COMMENT {
                self.comment(None, value);
            }
        }
        whole(&options, "section header")
    }

    fn interface_description(&mut self, body: &[u8], found: &Found<'_>) -> Result<(), String> {
        let (Some(link_type), Some(snap_length)) = (self.order.u16(body, 0), self.order.u32(body, 4)) else {
            return Err("an interface description is too short".to_owned());
        };
        if self.interfaces.len() >= limits::MAX_INTERFACES {
            return Err(format!(
                "more than {} interfaces: the packets of further ones are left out",
                limits::MAX_INTERFACES
            ));
        }
        let link_type = LinkType::from_file(u32::from(link_type));
        let mut clock = Clock { link_type, snap_length, resolution: Resolution::from_option(6), offset_seconds: 0 };
        let mut name = None;
        let mut description = None;
        let mut options = self.options(body, 8);
        for (code, value) in options.by_ref() {
            match code {
                OPTION_COMMENT => self.comment(None, value),
                2 => name = Some(text(value)),
                3 => description = Some(text(value)),
                9 => {
                    if let Some(&value) = value.first() {
                        clock.resolution = Resolution::from_option(value);
                    }
                }
                14 => {
                    if let Some(seconds) = self.order.u64(value, 0) {
                        clock.offset_seconds = seconds.cast_signed();
                    }
                }
                _ => {}
            }
        }
        self.keep(found, |this| {
            Some(What::Interface {
                index: u32::try_from(this.interfaces.len()).unwrap_or(u32::MAX),
                link_type: clock.link_type.0,
                snap_length,
                clock: clock.counting(),
                check_bits: None,
                options: kept::options(this.order, Block::Interface, this.options(body, 8)),
            })
        });
        self.clocks.push(clock);
        if !self.link_types.contains(&link_type) {
            self.link_types.push(link_type);
        }
        self.interfaces.push(Interface {
            name: name.or(description),
            link_type: link_type.name().into_owned(),
            snap_length: (snap_length > 0).then_some(u64::from(snap_length)),
            ..Interface::default()
        });
        whole(&options, "interface description")
    }

    #[inline]
    fn clock(&self, interface: usize) -> Result<(u32, Clock), String> {
        match self.clocks.get(interface) {
            Some(clock) => Ok((u32::try_from(self.base.saturating_add(interface)).unwrap_or(u32::MAX), *clock)),
            None => Err(format!(
                "a packet names interface {interface}, but the section has described {}: left out",
                self.clocks.len()
            )),
        }
    }

    #[inline]
    fn enhanced_packet(&mut self, body: &[u8], start: usize, found: &mut Found<'_>) -> Result<(), String> {
        let field = |at| self.order.u32(body, at);
        let (Some(interface), Some(high), Some(low), Some(captured), Some(wire)) =
            (field(0), field(4), field(8), field(12), field(16))
        else {
            return Err("an enhanced packet block is too short for its fixed fields".to_owned());
        };
        let (interface, clock) = self.clock(length(interface))?;
        fits(captured, body, 20)?;
        found.packet(clock.timestamp(high, low), start.saturating_add(20), captured, wire, interface, clock.link_type);
        let units = self.odd_units(&clock, high, low);
        self.packet_options(body, padded(length(captured)).saturating_add(20), (units, None), found)
    }

    fn obsolete_packet(&mut self, body: &[u8], start: usize, found: &mut Found<'_>) -> Result<(), String> {
        let field = |at| self.order.u32(body, at);
        let (Some(interface), Some(drops), Some(high), Some(low), Some(captured), Some(wire)) =
            (self.order.u16(body, 0), self.order.u16(body, 2), field(4), field(8), field(12), field(16))
        else {
            return Err("an obsolete packet block is too short for its fixed fields".to_owned());
        };
        let (interface, clock) = self.clock(usize::from(interface))?;
        fits(captured, body, 20)?;
        // 65535: the number of drops is not known.
        if drops != u16::MAX {
            self.packet_drops = Some(self.packet_drops.unwrap_or(0).saturating_add(u64::from(drops)));
        }
        found.packet(clock.timestamp(high, low), start.saturating_add(20), captured, wire, interface, clock.link_type);
        let units = self.odd_units(&clock, high, low);
        let drops = (drops != u16::MAX && drops > 0).then_some(u64::from(drops));
        self.packet_options(body, padded(length(captured)).saturating_add(20), (units, drops), found)
    }

    /// A simple packet has neither interface nor time: it belongs to the first interface.
    fn simple_packet(&mut self, body: &[u8], start: usize, found: &mut Found<'_>) -> Result<(), String> {
        let Some(wire) = self.order.u32(body, 0) else {
            return Err("a simple packet block is too short for its length field".to_owned());
        };
        let (interface, clock) = self.clock(0)?;
        let captured = if clock.snap_length == 0 { wire } else { wire.min(clock.snap_length) };
        fits(captured, body, 4)?;
        found.untimed_packet(start.saturating_add(4), captured, wire, interface, clock.link_type);
        self.keep_packet(found, None, true, Vec::new());
        Ok(())
    }

    /// What is said of a packet: in options from `from` on, and `told` by the packet's own fields: its units of time, where
    /// they matter, and packets dropped before it.
    #[inline]
    fn packet_options(
        &mut self,
        body: &[u8],
        from: usize,
        told: (Option<u64>, Option<u64>),
        found: &Found<'_>,
    ) -> Result<(), String> {
        if self.kept.is_some() {
            let mut options = kept::options(self.order, Block::Packet, self.options(body, from));
            if let (units, Some(drops)) = told {
                kept::add_option(&mut options, 4, &drops.to_le_bytes());
                self.keep_packet(found, units, false, options);
            } else {
                self.keep_packet(found, told.0, false, options);
            }
        }
        if body.len() <= from {
            return Ok(());
        }
        let mut options = self.options(body, from);
        for (code, value) in options.by_ref() {
            match code {
                OPTION_COMMENT => {
                    self.comment(Some(PacketNumber::new(found.file, found.tally.packets)), value);
                }
                4 => {
                    if let Some(drops) = self.order.u64(value, 0) {
                        self.packet_drops = Some(self.packet_drops.unwrap_or(0).saturating_add(drops));
                    }
                }
                _ => {}
            }
        }
        whole(&options, "packet")
    }

    fn interface_statistics(&mut self, body: &[u8], found: &Found<'_>) -> Result<(), String> {
        let Some(interface) = self.order.u32(body, 0) else {
            return Err("an interface statistics block is too short".to_owned());
        };
        let mut options = self.options(body, 12);
        let index = self.base.saturating_add(length(interface));
        self.keep(found, |this| {
            let (high, low) = (this.order.u32(body, 4)?, this.order.u32(body, 8)?);
            Some(What::Statistics {
                index: u32::try_from(index).ok()?,
                units: (u64::from(high) << 32) | u64::from(low),
                options: kept::options(this.order, Block::Statistics, this.options(body, 12)),
            })
        });
        let Some(interface) = self.interfaces.get_mut(index) else {
            return Err(format!("statistics of interface {interface}, which the section has not described"));
        };
        for (code, value) in options.by_ref() {
            match code {
                4 => interface.received = self.order.u64(value, 0).or(interface.received),
                5 => interface.dropped_by_interface = self.order.u64(value, 0).or(interface.dropped_by_interface),
                7 => interface.dropped_by_kernel = self.order.u64(value, 0).or(interface.dropped_by_kernel),
                _ => {}
            }
        }
        let drops = [interface.dropped_by_interface, interface.dropped_by_kernel];
        interface.dropped = drops.into_iter().flatten().reduce(u64::saturating_add);
        whole(&options, "interface statistics")
    }

    fn decryption_secrets(&mut self, body: &[u8], found: &Found<'_>) -> Result<(), String> {
        let (Some(kind), Some(size)) = (self.order.u32(body, 0), self.order.u32(body, 4)) else {
            return Err("a decryption secrets block is too short".to_owned());
        };
        self.keep(found, |_| {
            let bytes = body.get(8..length(size).saturating_add(8))?.to_vec();
            Some(What::Secrets { kind, bytes })
        });
        if kind != TLS_KEY_LOG {
            return Ok(());
        }
        let Some(text) = body.get(8..length(size).saturating_add(8)) else {
            return Err(format!("a decryption secrets block claims {size} bytes of secrets and is shorter"));
        };
        self.secret_bytes = self.secret_bytes.saturating_add(text.len());
        if self.secret_bytes > limits::MAX_SECRET_BYTES {
            return Err(format!("more than {} bytes of TLS secrets: the rest is left out", limits::MAX_SECRET_BYTES));
        }
        let before = PacketNumber::new(found.file, found.tally.packets.saturating_add(1));
        self.secrets.push(Secrets { before, key_log: text.to_vec() });
        Ok(())
    }

    /// The secrets found since the last call.
    pub(super) fn take_secrets(&mut self) -> Vec<Secrets> {
        std::mem::take(&mut self.secrets)
    }

    /// Comments that there was no room for.
    pub(super) fn comments_left_out(&self) -> u64 {
        self.comments_left_out
    }

    /// The comments found since the last call.
    pub(super) fn take_comments(&mut self) -> Vec<Comment> {
        std::mem::take(&mut self.comments)
    }

    /// Why the file ends badly when `rest` is left over.
    pub(super) fn cut(&self, rest: &[u8]) -> String {
        match self.order.u32(rest, 4) {
            Some(total) if self.in_section => {
                format!("the file ends inside a block: {} of {total} bytes are there", rest.len())
            }
            _ => format!("the file ends inside a block's header: {} bytes are there", rest.len()),
        }
    }

    /// Fills in what the blocks have said.
    pub(super) fn describe(&self, capture: &mut Capture) {
        capture.byte_order = self.first_order.map(|order| order.name().to_owned());
        capture.link_types = self.link_types.iter().map(|link_type| link_type.name().into_owned()).collect();
        // Null where any interface is unlimited.
        capture.snap_length = self
            .interfaces
            .iter()
            .map(|interface| interface.snap_length)
            .collect::<Option<Vec<_>>>()
            .and_then(|all| all.into_iter().max());
        capture.dropped = self
            .interfaces
            .iter()
            .filter_map(|interface| interface.dropped)
            .reduce(u64::saturating_add)
            .or(self.packet_drops);
        capture.interfaces.clone_from(&self.interfaces);
    }
}

/// Whether the block is one that is read, so that its length matters.
fn is_known(kind: u32) -> bool {
    matches!(
        kind,
        SECTION_HEADER
            | INTERFACE_DESCRIPTION
            | OBSOLETE_PACKET
            | SIMPLE_PACKET
            | INTERFACE_STATISTICS
            | ENHANCED_PACKET
            | DECRYPTION_SECRETS
    )
}

/// Fails when a packet claims more bytes than its block has after `fixed` ones.
#[inline]
fn fits(captured: u32, body: &[u8], fixed: usize) -> Result<(), String> {
    let room = body.len().saturating_sub(fixed);
    if length(captured) > limits::MAX_PACKET_BYTES {
        return Err(format!(
            "a packet of {captured} bytes, at most {} are believable: left out",
            limits::MAX_PACKET_BYTES
        ));
    }
    if length(captured) > room {
        return Err(format!("a packet block claims {captured} captured bytes and has room for {room}: left out"));
    }
    Ok(())
}

fn whole(options: &Options<'_>, block: &str) -> Result<(), String> {
    if options.broken { Err(format!("an option in a {block} block is longer than the block")) } else { Ok(()) }
}
