//! Writing captures: pcap, and pcapng with interfaces, statistics, comments, names and secrets. Times are never rounded;
//! everything is little-endian. What a copy of a capture holds is [`super::save`]'s to decide.
use std::io::{self, Write};

use super::pcapng;
use crate::record::{LinkType, Timestamp};

const NANOSECOND: i64 = 1_000_000_000;

/// Seconds and nanoseconds of a second; a time before 1970 is written as 1970.
fn split(timestamp: Timestamp) -> (u32, u32) {
    let nanoseconds = timestamp.nanoseconds().max(0);
    let seconds = nanoseconds.checked_div(NANOSECOND).unwrap_or(0);
    let rest = nanoseconds.checked_rem(NANOSECOND).unwrap_or(0);
    (u32::try_from(seconds).unwrap_or(u32::MAX), u32::try_from(rest).unwrap_or(0))
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "too long for the format's length field")
}

fn length_of(bytes: &[u8]) -> io::Result<u32> {
    u32::try_from(bytes.len()).map_err(|_| too_long())
}

/// Writes a pcap file: one link type, nothing but packets.
#[derive(Debug)]
pub struct PcapWriter<W: Write> {
    output: W,
    /// Nanoseconds per unit of the fraction.
    fraction_ns: u32,
}

impl<W: Write> PcapWriter<W> {
    /// Writes the file header; times are in nanoseconds.
    ///
    /// # Errors
    /// Those of the output.
    pub fn new(output: W, link_type: LinkType, snap_length: u32) -> io::Result<Self> {
        Self::with_network(output, u32::from(link_type.0), snap_length, true)
    }

    /// The same with the header's whole last field, which may tell a check sequence besides the link type; times in
    /// nanoseconds, or in microseconds.
    ///
    /// # Errors
    /// Those of the output.
    pub fn with_network(mut output: W, network: u32, snap_length: u32, is_nano: bool) -> io::Result<Self> {
        let mut header = Vec::with_capacity(24);
        let magic: u32 = if is_nano { 0xa1b2_3c4d } else { 0xa1b2_c3d4 };
        header.extend_from_slice(&magic.to_le_bytes());
        header.extend_from_slice(&2_u16.to_le_bytes());
        header.extend_from_slice(&4_u16.to_le_bytes());
        header.extend_from_slice(&[0; 8]);
        header.extend_from_slice(&snap_length.to_le_bytes());
        header.extend_from_slice(&network.to_le_bytes());
        output.write_all(&header)?;
        Ok(Self { output, fraction_ns: if is_nano { 1 } else { 1000 } })
    }

    /// Writes one packet.
    ///
    /// # Errors
    /// Those of the output.
    pub fn packet(&mut self, timestamp: Timestamp, wire_length: u32, bytes: &[u8]) -> io::Result<()> {
        let (seconds, nanoseconds) = split(timestamp);
        let mut header = [0_u8; 16];
        let fraction = nanoseconds.checked_div(self.fraction_ns).unwrap_or(0);
        let fields = [seconds, fraction, length_of(bytes)?, wire_length];
        for (room, field) in header.chunks_exact_mut(4).zip(fields) {
            room.copy_from_slice(&field.to_le_bytes());
        }
        self.output.write_all(&header)?;
        self.output.write_all(bytes)
    }

    /// The output so far.
    pub fn output(&mut self) -> &mut W {
        &mut self.output
    }

    /// Hands what is buffered on.
    ///
    /// # Errors
    /// Those of the output.
    pub fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    /// The output, flushed.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.flush()?;
        Ok(self.output)
    }
}

/// What a pcapng file says of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceOptions {
    /// Link type of its packets.
    pub link_type: LinkType,
    /// Longest captured packet in bytes; 0 is no limit.
    pub snap_length: u32,
    /// Its name.
    pub name: Option<String>,
    /// A description.
    pub description: Option<String>,
    /// The capture filter that was in force.
    pub filter: Option<String>,
    /// Its speed in bits per second.
    pub speed: Option<u64>,
    /// The system it was captured on.
    pub system: Option<String>,
}

/// What a section's header says of how it came about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SectionOptions {
    /// A comment.
    pub comment: Option<String>,
    /// The machine's processor.
    pub hardware: Option<String>,
    /// The operating system.
    pub system: Option<String>,
}

/// What is known of an interface at the end of a capture. Counts are of the whole capture so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct InterfaceCounts {
    /// When the capture began.
    pub start: Option<Timestamp>,
    /// When it ended.
    pub end: Option<Timestamp>,
    /// Packets received.
    pub received: Option<u64>,
    /// Packets that the interface had no room for.
    pub dropped_by_interface: Option<u64>,
    /// Packets that the filter let pass.
    pub accepted: Option<u64>,
    /// Packets that the operating system had no room for.
    pub dropped_by_system: Option<u64>,
    /// Packets that were handed over.
    pub delivered: Option<u64>,
}

/// Writes a pcapng file of one section; times in nanoseconds.
#[derive(Debug)]
pub struct PcapngWriter<W: Write> {
    output: W,
    interfaces: u32,
    /// A block being put together; reused.
    body: Vec<u8>,
}

impl<W: Write> PcapngWriter<W> {
    /// Writes the section header.
    ///
    /// # Errors
    /// Those of the output.
    pub fn new(output: W, application: &str, comment: Option<&str>) -> io::Result<Self> {
        let options = SectionOptions { comment: comment.map(str::to_owned), ..SectionOptions::default() };
        Self::with_options(output, application, &options)
    }

    /// The same, with more said of the machine.
    ///
    /// # Errors
    /// Those of the output.
    pub fn with_options(output: W, application: &str, options: &SectionOptions) -> io::Result<Self> {
        let mut writer = Self { output, interfaces: 0, body: Vec::new() };
        writer.word(pcapng::BYTE_ORDER_MAGIC);
        writer.body.extend_from_slice(&[1, 0, 0, 0]);
        writer.body.extend_from_slice(&[0xff; 8]);
        for (code, value) in [(1, &options.comment), (2, &options.hardware), (3, &options.system)] {
            if let Some(value) = value {
                writer.option(code, value.as_bytes());
            }
        }
        writer.option(4, application.as_bytes());
        writer.block(pcapng::SECTION_HEADER, true)?;
        Ok(writer)
    }

    /// The output so far.
    pub fn output(&mut self) -> &mut W {
        &mut self.output
    }

    /// Describes an interface; answers the index its packets carry.
    ///
    /// # Errors
    /// Those of the output.
    pub fn interface(&mut self, options: &InterfaceOptions) -> io::Result<u32> {
        self.body.extend_from_slice(&options.link_type.0.to_le_bytes());
        self.body.extend_from_slice(&[0, 0]);
        self.word(options.snap_length);
        if let Some(name) = &options.name {
            self.option(2, name.as_bytes());
        }
        if let Some(description) = &options.description {
            self.option(3, description.as_bytes());
        }
        if let Some(speed) = options.speed {
            self.option(8, &speed.to_le_bytes());
        }
        self.option(9, &[9]);
        if let Some(filter) = &options.filter {
            let mut value = vec![0];
            value.extend_from_slice(filter.as_bytes());
            self.option(11, &value);
        }
        if let Some(system) = &options.system {
            self.option(12, system.as_bytes());
        }
        self.block(pcapng::INTERFACE_DESCRIPTION, true)?;
        let index = self.interfaces;
        self.interfaces = self.interfaces.saturating_add(1);
        Ok(index)
    }

    /// Writes one packet.
    ///
    /// # Errors
    /// Those of the output, and a packet of an interface that was not described.
    pub fn packet(
        &mut self,
        interface: u32,
        timestamp: Timestamp,
        wire_length: u32,
        bytes: &[u8],
        comment: Option<&str>,
    ) -> io::Result<()> {
        if interface >= self.interfaces {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "the packet's interface was not described"));
        }
        let captured = length_of(bytes)?;
        self.word(interface);
        self.time(timestamp);
        self.word(captured);
        self.word(wire_length);
        self.body.extend_from_slice(bytes);
        self.pad();
        if let Some(comment) = comment {
            self.option(1, comment.as_bytes());
        }
        self.block(pcapng::ENHANCED_PACKET, comment.is_some())
    }

    /// Begins a section whose header has these options (see [`super::Kept`]).
    ///
    /// # Errors
    /// Those of the output.
    pub fn copied_section(output: W, options: &[u8]) -> io::Result<Self> {
        let mut writer = Self { output, interfaces: 0, body: Vec::new() };
        writer.word(pcapng::BYTE_ORDER_MAGIC);
        writer.body.extend_from_slice(&[1, 0, 0, 0]);
        writer.body.extend_from_slice(&[0xff; 8]);
        writer.body.extend_from_slice(options);
        writer.block(pcapng::SECTION_HEADER, !options.is_empty())?;
        Ok(writer)
    }

    /// Describes an interface by options as they were; answers its index.
    ///
    /// # Errors
    /// Those of the output.
    pub fn copied_interface(&mut self, link_type: u16, snap_length: u32, options: &[u8]) -> io::Result<u32> {
        self.body.extend_from_slice(&link_type.to_le_bytes());
        self.body.extend_from_slice(&[0, 0]);
        self.word(snap_length);
        self.body.extend_from_slice(options);
        self.block(pcapng::INTERFACE_DESCRIPTION, !options.is_empty())?;
        let index = self.interfaces;
        self.interfaces = self.interfaces.saturating_add(1);
        Ok(index)
    }

    /// Writes one packet with its time in the interface's units, and options as they were.
    ///
    /// # Errors
    /// Those of the output.
    pub fn copied_packet(
        &mut self,
        interface: u32,
        units: u64,
        wire_length: u32,
        bytes: &[u8],
        options: &[u8],
    ) -> io::Result<()> {
        let captured = length_of(bytes)?;
        self.word(interface);
        self.units(units);
        self.word(captured);
        self.word(wire_length);
        self.body.extend_from_slice(bytes);
        self.pad();
        self.body.extend_from_slice(options);
        self.block(pcapng::ENHANCED_PACKET, !options.is_empty())
    }

    /// Writes a packet without a time, of the first interface.
    ///
    /// # Errors
    /// Those of the output.
    pub fn untimed_packet(&mut self, wire_length: u32, bytes: &[u8]) -> io::Result<()> {
        self.word(wire_length);
        self.body.extend_from_slice(bytes);
        self.pad();
        self.block(pcapng::SIMPLE_PACKET, false)
    }

    /// Writes an interface's statistics by options as they were.
    ///
    /// # Errors
    /// Those of the output.
    pub fn copied_statistics(&mut self, interface: u32, units: u64, options: &[u8]) -> io::Result<()> {
        self.word(interface);
        self.units(units);
        self.body.extend_from_slice(options);
        self.block(pcapng::INTERFACE_STATISTICS, !options.is_empty())
    }

    /// Writes names of addresses: the body of such a block.
    ///
    /// # Errors
    /// Those of the output.
    pub fn names(&mut self, body: &[u8]) -> io::Result<()> {
        self.body.extend_from_slice(body);
        self.pad();
        self.block(pcapng::NAME_RESOLUTION, false)
    }

    /// Writes an interface's statistics, as far as known.
    ///
    /// # Errors
    /// Those of the output.
    pub fn statistics(&mut self, interface: u32, timestamp: Timestamp, counts: &InterfaceCounts) -> io::Result<()> {
        self.word(interface);
        self.time(timestamp);
        for (code, moment) in [(2, counts.start), (3, counts.end)] {
            if let Some(moment) = moment {
                let units = u64::try_from(moment.nanoseconds()).unwrap_or(0).to_be_bytes();
                // The upper half comes first, each half little-endian.
                let [a, b, c, d, e, f, g, h] = units;
                self.option(code, &[d, c, b, a, h, g, f, e]);
            }
        }
        let numbers = [
            (4, counts.received),
            (5, counts.dropped_by_interface),
            (6, counts.accepted),
            (7, counts.dropped_by_system),
            (8, counts.delivered),
        ];
        for (code, value) in numbers {
            if let Some(value) = value {
                self.option(code, &value.to_le_bytes());
            }
        }
        self.block(pcapng::INTERFACE_STATISTICS, true)
    }

    /// Writes TLS secrets; they must stand before the packets they open.
    ///
    /// # Errors
    /// Those of the output.
    pub fn secrets(&mut self, key_log: &[u8]) -> io::Result<()> {
        self.secrets_of(pcapng::TLS_KEY_LOG, key_log)
    }

    /// Writes secrets of a kind that the format knows by number.
    ///
    /// # Errors
    /// Those of the output.
    pub fn secrets_of(&mut self, kind: u32, key_log: &[u8]) -> io::Result<()> {
        let size = length_of(key_log)?;
        self.word(kind);
        self.word(size);
        self.body.extend_from_slice(key_log);
        self.pad();
        self.block(pcapng::DECRYPTION_SECRETS, false)
    }

    /// Hands what is buffered on.
    ///
    /// # Errors
    /// Those of the output.
    pub fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }

    /// The output, flushed.
    ///
    /// # Errors
    /// Those of the output.
    pub fn finish(mut self) -> io::Result<W> {
        self.output.flush()?;
        Ok(self.output)
    }

    fn word(&mut self, value: u32) {
        self.body.extend_from_slice(&value.to_le_bytes());
    }

    fn time(&mut self, timestamp: Timestamp) {
        self.units(u64::try_from(timestamp.nanoseconds()).unwrap_or(0));
    }

    fn units(&mut self, units: u64) {
        let [a, b, c, d, e, f, g, h] = units.to_be_bytes();
        self.word(u32::from_be_bytes([a, b, c, d]));
        self.word(u32::from_be_bytes([e, f, g, h]));
    }

    fn pad(&mut self) {
        let size = self.body.len().checked_next_multiple_of(4).unwrap_or(usize::MAX);
        self.body.resize(size, 0);
    }

    /// An option; a text too long for its length field is cut.
    fn option(&mut self, code: u16, value: &[u8]) {
        let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
        self.body.extend_from_slice(&code.to_le_bytes());
        self.body.extend_from_slice(&u16::try_from(value.len()).unwrap_or(u16::MAX).to_le_bytes());
        self.body.extend_from_slice(value);
        self.pad();
    }

    /// Writes the block whose body has been put together, with the end of its options if it has any.
    fn block(&mut self, kind: u32, options: bool) -> io::Result<()> {
        if options {
            self.word(0);
        }
        let total = length_of(&self.body)?.checked_add(12).ok_or_else(too_long)?;
        self.output.write_all(&kind.to_le_bytes())?;
        self.output.write_all(&total.to_le_bytes())?;
        self.output.write_all(&self.body)?;
        self.output.write_all(&total.to_le_bytes())?;
        self.body.clear();
        Ok(())
    }
}
