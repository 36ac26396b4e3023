//! A piece of what one side of a flow sent: what `wireglass follow` prints.
use serde::{Serialize, ser::SerializeMap};

use super::{Direction, FlowId, PacketRef};

/// Where the bytes of a followed stream are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StreamLayer {
    /// What TCP carried.
    Tcp,
    /// What UDP carried, datagram by datagram.
    Udp,
    /// Messages right above IP, or of ARP, each with its header.
    Ip,
    /// Application data of TLS, opened with secrets that were given.
    Tls,
}

impl StreamLayer {
    /// Its name on the command line and in records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Tcp => "tcp",
            Self::Udp => "udp",
            Self::Ip => "ip",
            Self::Tls => "tls",
        }
    }
}

/// Bytes that one packet brought, in the order of the stream; or a hole in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    /// Whose.
    pub flow: FlowId,
    /// Where they are taken from.
    pub layer: StreamLayer,
    /// Which way they travelled.
    pub direction: Direction,
    /// The packet that brought them; of a hole, the one that showed that they will not come.
    pub packet: PacketRef,
    /// Place of the first byte among all that this side sent, holes included, from 0.
    pub offset: u64,
    /// The bytes.
    pub content: Content,
}

/// What is at a place of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// These bytes.
    Bytes(Vec<u8>),
    /// So many bytes that the capture does not hold.
    Missing(u64),
}

impl Chunk {
    /// How many bytes it stands for.
    #[must_use]
    pub fn length(&self) -> u64 {
        match &self.content {
            Content::Bytes(bytes) => bytes.len() as u64,
            Content::Missing(length) => *length,
        }
    }
}

/// As `follow --format ndjson` prints it: `data` in base64, null of a hole.
impl Serialize for Chunk {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(10))?;
        map.serialize_entry("type", "chunk")?;
        map.serialize_entry("flow", &self.flow)?;
        map.serialize_entry("layer", &self.layer)?;
        map.serialize_entry("side", &self.direction.sender())?;
        map.serialize_entry("packet", &self.packet.number)?;
        map.serialize_entry("ts", &self.packet.timestamp)?;
        map.serialize_entry("offset", &self.offset)?;
        map.serialize_entry("length", &self.length())?;
        match &self.content {
            Content::Bytes(bytes) => map.serialize_entry("data", &Base64(bytes))?,
            Content::Missing(_) => map.serialize_entry("data", &())?,
        }
        map.serialize_entry("gap", &matches!(self.content, Content::Missing(_)))?;
        map.end()
    }
}

/// Bytes in base64 (RFC 4648 4).
struct Base64<'a>(&'a [u8]);

impl Serialize for Base64<'_> {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
        let mut text = String::with_capacity(self.0.len().div_ceil(3) * 4);
        for group in self.0.chunks(3) {
            let byte = |place: usize| u32::from(group.get(place).copied().unwrap_or(0));
            let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
            for place in 0..4 {
                let digit = DIGITS[(bits >> (18 - 6 * place) & 63) as usize];
                text.push(if place > group.len() { '=' } else { char::from(digit) });
            }
        }
        serializer.serialize_str(&text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_4648_vectors() {
        let of = |text: &str| serde_json::to_string(&Base64(text.as_bytes())).unwrap();
        let cases =
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE=")];
        for (plain, coded) in cases {
            assert_eq!(of(plain), format!("\"{coded}\""));
        }
        assert_eq!(serde_json::to_string(&Base64(&[0xfb, 0xff, 0xfe])).unwrap(), "\"+//+\"");
    }
}
