//! The one table of everything that can be asked: names and types are Wireshark's.
//!
//! `wireglass fields`, the type check, the suggestions and the manual are made of it. A test holds it against
//! `tshark -G fields`. Where a value comes from is in the table too: bits at a fixed place of a header are read there
//! directly; what has no fixed place is taken from the layers that `packets -V` prints, by the same name.
mod control;
mod frame;
mod link;
mod network;
mod session;
mod transport;

use super::packet::Fact;

/// A type of field, as Wireshark has them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A protocol: it is there or not, and has bytes.
    Protocol,
    /// Is there or not, and has no value.
    Nothing,
    /// A flag.
    Flag,
    /// Unsigned, of so many bits.
    Unsigned(u8),
    /// Signed, of so many bits.
    Signed(u8),
    /// Number of a packet.
    PacketNumber,
    /// IPv4 address.
    Ipv4,
    /// IPv6 address.
    Ipv6,
    /// Ethernet address.
    Ether,
    /// Bytes.
    Bytes,
    /// Text.
    Text,
    /// A point in time, in nanoseconds since 1970.
    Moment,
    /// A span of time, in nanoseconds.
    Duration,
}

impl Kind {
    /// Wireshark's name of the type (`tshark -G fields`).
    #[must_use]
    pub fn wireshark(self) -> &'static str {
        match self {
            Self::Protocol => "FT_PROTOCOL",
            Self::Nothing => "FT_NONE",
            Self::Flag => "FT_BOOLEAN",
            Self::Unsigned(8) => "FT_UINT8",
            Self::Unsigned(16) => "FT_UINT16",
            Self::Unsigned(24) => "FT_UINT24",
            Self::Unsigned(32) => "FT_UINT32",
            Self::Unsigned(_) => "FT_UINT64",
            Self::Signed(8) => "FT_INT8",
            Self::Signed(16) => "FT_INT16",
            Self::Signed(32) => "FT_INT32",
            Self::Signed(_) => "FT_INT64",
            Self::PacketNumber => "FT_FRAMENUM",
            Self::Ipv4 => "FT_IPv4",
            Self::Ipv6 => "FT_IPv6",
            Self::Ether => "FT_ETHER",
            Self::Bytes => "FT_BYTES",
            Self::Text => "FT_STRING",
            Self::Moment => "FT_ABSOLUTE_TIME",
            Self::Duration => "FT_RELATIVE_TIME",
        }
    }

    /// What it is, in words.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Protocol => "protocol",
            Self::Nothing => "presence",
            Self::Flag => "boolean",
            Self::Unsigned(8) => "8-bit number",
            Self::Unsigned(16) => "16-bit number",
            Self::Unsigned(24) => "24-bit number",
            Self::Unsigned(32) => "32-bit number",
            Self::Unsigned(_) => "64-bit number",
            Self::Signed(_) => "signed number",
            Self::PacketNumber => "packet number",
            Self::Ipv4 => "IPv4 address",
            Self::Ipv6 => "IPv6 address",
            Self::Ether => "Ethernet address",
            Self::Bytes => "bytes",
            Self::Text => "text",
            Self::Moment => "time",
            Self::Duration => "seconds",
        }
    }
}

/// Where a field's values are.
#[derive(Clone, Copy, Debug)]
pub(super) enum From {
    /// In the layers, by the field's name.
    Layers,
    /// In the header, so many bytes from its start: `width` bytes, of which `mask` counts.
    Bits { at: u16, width: u8, mask: u32 },
    /// In the header: `length` bytes as they are.
    Bytes { at: u16, length: u8 },
    /// In the header: four bits that count units of four bytes.
    Words { at: u16, mask: u8 },
    /// Length of what the header's payload was on the wire.
    PayloadLength,
    /// Everything behind the header.
    Payload,
    /// Known of the packet.
    Fact(Fact),
    /// The protocols of the packet.
    Protocols,
    /// Judged by what Wireshark's analysis says.
    Judged,
    /// Other fields.
    Either(&'static [&'static str]),
    /// The protocol itself.
    Protocol,
}

/// Names of a field's values, as Wireshark's or IANA's tables have them.
pub(super) type Names = &'static [(&'static str, u64)];

/// What can be asked for.
#[derive(Clone, Copy, Debug)]
pub struct Field {
    /// Wireshark's name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// What it means, for people.
    pub description: &'static str,
    pub(super) from: From,
    pub(super) names: Names,
}

/// Fields of one protocol.
#[derive(Debug)]
pub struct Group {
    /// The protocol; a field itself, except where its fields have no layer of their own.
    pub protocol: Field,
    /// The layers that its fields are found in, by [`crate::record::Layer::protocol`].
    pub(super) layers: &'static [&'static str],
    /// Who finds them.
    pub(super) found: Found,
    /// Its fields.
    pub fields: &'static [Field],
}

/// Who finds a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// It is the packet as such.
    Frame,
    /// The walk through the headers.
    Wire,
    /// A session.
    Session,
}

impl Field {
    const fn new(name: &'static str, kind: Kind, description: &'static str) -> Self {
        Self { name, kind, description, from: From::Layers, names: &[] }
    }

    /// At a fixed place, over the whole width of its type.
    const fn at(self, at: u16) -> Self {
        let from = match self.kind {
            Kind::Ipv4 => From::Bytes { at, length: 4 },
            Kind::Ipv6 => From::Bytes { at, length: 16 },
            Kind::Ether => From::Bytes { at, length: 6 },
            Kind::Unsigned(32) => From::Bits { at, width: 4, mask: u32::MAX },
            Kind::Unsigned(24) => From::Bits { at, width: 3, mask: 0x00ff_ffff },
            Kind::Unsigned(16) => From::Bits { at, width: 2, mask: 0xffff },
            _ => From::Bits { at, width: 1, mask: 0xff },
        };
        Self { from, ..self }
    }

    /// Some bits of `width` bytes at a fixed place.
    const fn bits(self, at: u16, width: u8, mask: u32) -> Self {
        Self { from: From::Bits { at, width, mask }, ..self }
    }

    const fn from(self, from: From) -> Self {
        Self { from, ..self }
    }

    const fn fact(self, fact: Fact) -> Self {
        Self { from: From::Fact(fact), ..self }
    }

    const fn either(self, fields: &'static [&'static str]) -> Self {
        Self { from: From::Either(fields), ..self }
    }

    const fn named(self, names: Names) -> Self {
        Self { names, ..self }
    }
}

const fn flag(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Flag, description)
}

const fn u8(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Unsigned(8), description)
}

const fn u16(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Unsigned(16), description)
}

const fn u24(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Unsigned(24), description)
}

const fn u32(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Unsigned(32), description)
}

const fn u64(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Unsigned(64), description)
}

const fn text(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Text, description)
}

const fn bytes(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Bytes, description)
}

const fn ipv4(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Ipv4, description)
}

const fn ipv6(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Ipv6, description)
}

const fn ether(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Ether, description)
}

const fn nothing(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Nothing, description)
}

const fn duration(name: &'static str, description: &'static str) -> Field {
    Field::new(name, Kind::Duration, description)
}

/// Fields of a protocol whose headers the walk finds under the protocol's name.
const fn wire(name: &'static [&'static str; 1], description: &'static str, fields: &'static [Field]) -> Group {
    let [protocol] = *name;
    wire_as(protocol, name, description, fields)
}

/// The same with other names of layers.
const fn wire_as(
    protocol: &'static str,
    layers: &'static [&'static str],
    description: &'static str,
    fields: &'static [Field],
) -> Group {
    let protocol = Field::new(protocol, Kind::Protocol, description).from(From::Protocol);
    Group { protocol, layers, found: Found::Wire, fields }
}

/// Fields of a protocol that a session reads.
const fn session(
    protocol: &'static str,
    layers: &'static [&'static str],
    description: &'static str,
    fields: &'static [Field],
) -> Group {
    let protocol = Field::new(protocol, Kind::Protocol, description).from(From::Protocol);
    Group { protocol, layers, found: Found::Session, fields }
}

/// Every group, from the link upwards.
pub fn groups() -> impl Iterator<Item = &'static Group> {
    [frame::GROUPS, link::GROUPS, network::GROUPS, transport::GROUPS, control::GROUPS, session::GROUPS]
        .into_iter()
        .flatten()
}

/// Every field, each group's protocol first.
pub fn all() -> impl Iterator<Item = &'static Field> {
    groups().flat_map(|group| std::iter::once(&group.protocol).chain(group.fields))
}

/// The field of this name, and its group.
pub(super) fn find(name: &str) -> Option<(&'static Group, &'static Field)> {
    let mut all = groups()
        .flat_map(|group| std::iter::once(&group.protocol).chain(group.fields).map(move |field| (group, field)));
    all.find(|(_, field)| field.name == name)
}
