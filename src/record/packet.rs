//! Which packet: its number, its place and moment, the bounded list a record rests on, and the `packet` record itself.
use std::fmt;

use schemars::JsonSchema;
use serde::{Serialize, Serializer};

use super::Timestamp;

/// A packet's number within its file, from 1 as in Wireshark, together with the file it is in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema)]
#[schemars(transparent)]
pub struct PacketNumber(u64);

impl PacketNumber {
    const FILE_SHIFT: u32 = 48;

    /// Behind every real number.
    pub const MAX: Self = Self(u64::MAX);

    /// Packet `number` (from 1) of the file with index `file`.
    #[must_use]
    pub fn new(file: u16, number: u64) -> Self {
        Self((u64::from(file) << Self::FILE_SHIFT) | (number & ((1 << Self::FILE_SHIFT) - 1)))
    }

    /// The number within the file, from 1.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0 & ((1 << Self::FILE_SHIFT) - 1)
    }

    /// Index of the file among those given.
    #[must_use]
    pub fn file(self) -> u16 {
        (self.0 >> Self::FILE_SHIFT) as u16
    }
}

impl fmt::Display for PacketNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

impl Serialize for PacketNumber {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(self.number())
    }
}

/// One packet: its number and its moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacketRef {
    /// Place in the order of the whole run, from 0. Records are ordered by it.
    pub index: u64,
    /// Number within its file.
    pub number: PacketNumber,
    /// When it was captured.
    pub timestamp: Timestamp,
}

/// Packet numbers a record rests on: the first ones and the last, at most [`Evidence::CAPACITY`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Evidence {
    /// Packet numbers this rests on: first, last and the decisive ones, at most 32.
    #[serde(rename = "evidence")]
    #[schemars(with = "Vec<PacketNumber>")]
    numbers: Numbers,
    /// How many packets it rests on, listed or not.
    #[serde(rename = "evidence_total")]
    total: u64,
}

impl Evidence {
    /// How many numbers are listed at most.
    pub const CAPACITY: usize = 32;

    /// No evidence yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a packet. Once the list is full, the last place holds the newest. Adding the newest again changes nothing.
    pub fn add(&mut self, number: PacketNumber) {
        if self.numbers().last() == Some(&number) {
            return;
        }
        self.total += 1;
        self.numbers.push(number);
    }

    /// The listed numbers in the order they were added.
    #[must_use]
    pub fn numbers(&self) -> &[PacketNumber] {
        self.numbers.as_slice()
    }

    /// How many packets were added, listed or not.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.total
    }

    /// Counts packets that are not listed.
    pub fn add_unlisted(&mut self, packets: u64) {
        self.total += packets;
    }
}

impl FromIterator<PacketNumber> for Evidence {
    fn from_iter<I: IntoIterator<Item = PacketNumber>>(numbers: I) -> Self {
        let mut evidence = Self::new();
        numbers.into_iter().for_each(|number| evidence.add(number));
        evidence
    }
}

/// A list of packet numbers; most are so short that they need no memory of their own.
#[derive(Clone, Debug)]
enum Numbers {
    Few { length: u8, numbers: [PacketNumber; Numbers::FEW] },
    Many(Vec<PacketNumber>),
}

impl Numbers {
    /// A connection's handshake, both FINs and its last packet.
    const FEW: usize = 6;

    fn as_slice(&self) -> &[PacketNumber] {
        match self {
            Self::Few { length, numbers } => numbers.get(..usize::from(*length)).unwrap_or_default(),
            Self::Many(numbers) => numbers,
        }
    }

    fn push(&mut self, number: PacketNumber) {
        match self {
            Self::Few { length, numbers } => {
                if let Some(place) = numbers.get_mut(usize::from(*length)) {
                    *place = number;
                    *length += 1;
                } else {
                    let mut many = Vec::with_capacity(2 * Self::FEW);
                    many.extend_from_slice(numbers);
                    many.push(number);
                    *self = Self::Many(many);
                }
            }
            Self::Many(numbers) => {
                numbers.truncate(Evidence::CAPACITY - 1);
                numbers.push(number);
            }
        }
    }
}

impl Default for Numbers {
    fn default() -> Self {
        Self::Few { length: 0, numbers: [PacketNumber::default(); Self::FEW] }
    }
}

impl PartialEq for Numbers {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for Numbers {}

impl Serialize for Numbers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.as_slice().serialize(serializer)
    }
}

/// A decoded field's value.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Value {
    /// A flag.
    Bool(bool),
    /// A number as on the wire.
    Number(u64),
    /// A signed or fractional number, a ratio or seconds.
    Float(f64),
    /// Text, an address, or bytes in hex.
    Text(String),
    /// A field that occurs several times in one layer.
    List(Vec<Value>),
}

/// A protocol's name, made to be compared once a packet: by a number computed from it when the program is built.
#[derive(Clone, Copy, Debug)]
pub struct ProtocolName {
    name: &'static str,
    key: ProtocolKey,
}

/// What a [`ProtocolName`] is compared by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProtocolKey(u32);

impl ProtocolName {
    /// Of Wireshark's short name.
    #[must_use]
    pub const fn new(name: &'static str) -> Self {
        // FNV-1a; `wire` tests that no two protocols it knows share a key.
        let bytes = name.as_bytes();
        let (mut key, mut at) = (0x811c_9dc5_u32, 0);
        while at < bytes.len() {
            key = (key ^ bytes[at] as u32).wrapping_mul(0x0100_0193);
            at += 1;
        }
        Self { name, key: ProtocolKey(key) }
    }

    /// What it is compared by.
    #[must_use]
    pub const fn key(self) -> ProtocolKey {
        self.key
    }

    /// The name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.name
    }
}

impl Default for ProtocolName {
    fn default() -> Self {
        Self::new("")
    }
}

impl PartialEq for ProtocolName {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl Eq for ProtocolName {}

/// The headers of a packet that is as plain as most are: a frame, IP in it, TCP or UDP in that, all of them whole, and nothing
/// between them. The link's comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlainHeaders {
    /// Whose they are.
    pub protocols: [ProtocolKey; 3],
    /// Where they start; the last is where the payload does.
    pub starts: [u32; 4],
    /// Bytes of TCP's or UDP's payload on the wire.
    pub payload_wire_length: u32,
}

/// A header of a packet: where it is, and what belongs to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// The protocol, by the name that [`Layer`] has.
    pub protocol: ProtocolName,
    /// Where it starts.
    pub offset: u32,
    /// Its length; 0 where only the protocol is known.
    pub length: u32,
    /// Where the bytes that belong to it and its payload end, as far as they are here.
    pub end: u32,
    /// Where they ended on the wire.
    pub wire_end: u32,
    /// Whether it is part of a packet that an ICMP error quotes.
    pub quoted: bool,
    /// Whether its bytes are those of the reassembled datagram, not of the packet.
    pub of_datagram: bool,
}

/// One layer of a packet.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Layer {
    /// Wireshark's short name of the protocol, such as `ip`.
    pub protocol: &'static str,
    /// Layer of the OSI model, 1 to 7.
    pub osi: u8,
    /// What a unit is called on this layer: `frame`, `packet`, `segment`, `datagram`, `message`.
    pub unit: &'static str,
    /// Where the layer's header starts, in bytes from the start of the packet (or of the reassembled datagram).
    pub offset: usize,
    /// Length of the header in bytes.
    pub length: usize,
    /// Fields by Wireshark's names.
    #[serde(serialize_with = "serialize_fields")]
    #[schemars(with = "std::collections::BTreeMap<String, Value>")]
    pub fields: Vec<(&'static str, Value)>,
}

fn serialize_fields<S: Serializer>(fields: &[(&'static str, Value)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(fields.iter().map(|(name, value)| (name, value)))
}

/// One layer of a packet that is reported. A message that began in earlier packets stands with the one that completes it:
/// `offset` and `length` are those of its part in this packet.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct PacketLayer {
    /// The layer.
    #[serde(flatten)]
    pub layer: Layer,
    /// The packets that brought the message, in its order, where it is not this one alone: at most 32, the last place the
    /// newest's. Of a message whose content passed unread, the first packet and the last ones are known.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reassembled_from: Vec<PacketNumber>,
}

impl From<Layer> for PacketLayer {
    fn from(layer: Layer) -> Self {
        Self { layer, reassembled_from: Vec::new() }
    }
}

/// One packet, decoded (`wireglass packets FILE --format ndjson -V`).
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
pub struct Packet {
    /// Number within its file, from 1.
    pub number: PacketNumber,
    /// When it was captured.
    pub ts: Timestamp,
    /// Bytes in the capture.
    pub captured_length: u32,
    /// Bytes on the wire.
    pub wire_length: u32,
    /// Protocols from the link upwards, joined by colons.
    pub protocols: String,
    /// One line that says what the packet is.
    pub info: String,
    /// The layers, outer first.
    pub layers: Vec<PacketLayer>,
    /// Where and why decoding stopped early.
    pub damage: Option<String>,
}
