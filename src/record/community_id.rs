//! Community ID version 1 (github.com/corelight/community-id-spec), seed 0: a flow's name that other tools give too.
use std::{borrow::Cow, fmt, net::IpAddr};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Serialize, Serializer};
use sha1::{Digest, Sha1};

use super::{Endpoint, FlowFacts, Transport};

const ALPHABET: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The Community ID of a flow, such as `1:LQU9qZlK+B5F3KDmev6m5PMibrg=`. It keeps what the name is made of; the hash is
/// computed when it is printed, because most records are never printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CommunityId {
    transport: Transport,
    low: Endpoint,
    high: Endpoint,
}

impl CommunityId {
    /// Of a flow between two endpoints, in any order.
    #[must_use]
    pub fn new(transport: Transport, one: Endpoint, other: Endpoint) -> Self {
        let (low, high) = if one <= other { (one, other) } else { (other, one) };
        Self { transport, low, high }
    }

    fn digest(&self) -> impl AsRef<[u8]> {
        // Seed, both addresses, the protocol, padding, both ports: 40 bytes at most.
        let mut message = [0u8; 40];
        let mut length = 2;
        let mut append = |bytes: &[u8]| {
            if let Some(room) = message.get_mut(length..length + bytes.len()) {
                room.copy_from_slice(bytes);
                length += bytes.len();
            }
        };
        for address in [self.low.address, self.high.address] {
            match address {
                IpAddr::V4(address) => append(&address.octets()),
                IpAddr::V6(address) => append(&address.octets()),
            }
        }
        let [_, number] = self.transport.number().to_be_bytes();
        append(&[number, 0]);
        append(&self.low.port.to_be_bytes());
        append(&self.high.port.to_be_bytes());
        Sha1::digest(message.get(..length).unwrap_or_default())
    }
}

impl From<&FlowFacts> for CommunityId {
    fn from(facts: &FlowFacts) -> Self {
        Self::new(facts.transport, facts.client, facts.server)
    }
}

impl fmt::Display for CommunityId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // RFC 4648 4: 20 bytes become 28 letters, the last one padding.
        let mut text = *b"1:==============================";
        let digest = self.digest();
        let letters = text.iter_mut().skip(2);
        let groups = digest.as_ref().chunks(3).flat_map(|block| {
            let byte = |place: usize| u32::from(block.get(place).copied().unwrap_or(0));
            let word = byte(0) << 16 | byte(1) << 8 | byte(2);
            [18, 12, 6, 0].into_iter().take(block.len() + 1).map(move |shift| (word >> shift) as usize & 63)
        });
        for (letter, index) in letters.zip(groups) {
            *letter = ALPHABET.get(index).copied().unwrap_or(b'=');
        }
        f.write_str(text.get(..30).and_then(|text| std::str::from_utf8(text).ok()).unwrap_or_default())
    }
}

impl Serialize for CommunityId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for CommunityId {
    fn inline_schema() -> bool {
        true
    }
    fn schema_name() -> Cow<'static, str> {
        "CommunityId".into()
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Certainty, FlowId};

    /// The examples of the specification.
    #[test]
    fn known_answers() {
        let end = |text: &str, port| Endpoint { address: text.parse().unwrap(), port };
        let facts = |transport, client, server| FlowFacts {
            id: FlowId::default(),
            transport,
            client,
            server,
            client_certainty: Certainty::Assumed,
        };
        let tcp = facts(Transport::Tcp, end("128.232.110.120", 34855), end("66.35.250.204", 80));
        assert_eq!(CommunityId::from(&tcp).to_string(), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        let udp = facts(Transport::Udp, end("192.168.1.52", 54585), end("8.8.8.8", 53));
        assert_eq!(CommunityId::from(&udp).to_string(), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
    }
}
