//! Community ID version 1 (github.com/corelight/community-id-spec), seed 0: a flow's name that other tools give too.
use std::net::IpAddr;

use sha1::{Digest, Sha1};

use crate::record::FlowFacts;

const ALPHABET: [u8; 64] = *b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The Community ID of a flow, such as `1:LQU9qZlK+B5F3KDmev6m5PMibrg=`.
#[must_use]
pub fn version_1(facts: &FlowFacts) -> String {
    let (low, high) =
        if facts.client <= facts.server { (facts.client, facts.server) } else { (facts.server, facts.client) };
    let mut hash = Sha1::new();
    hash.update([0, 0]);
    for address in [low.address, high.address] {
        match address {
            IpAddr::V4(address) => hash.update(address.octets()),
            IpAddr::V6(address) => hash.update(address.octets()),
        }
    }
    hash.update([facts.transport.number(), 0]);
    hash.update(low.port.to_be_bytes());
    hash.update(high.port.to_be_bytes());
    let mut text = String::with_capacity(30);
    text.push_str("1:");
    base64(hash.finalize().as_slice(), &mut text);
    text
}

/// RFC 4648 4, with padding.
fn base64(bytes: &[u8], text: &mut String) {
    for block in bytes.chunks(3) {
        let byte = |place: usize| u32::from(block.get(place).copied().unwrap_or(0));
        let word = byte(0) << 16 | byte(1) << 8 | byte(2);
        for place in 0..4usize {
            let shift = [18u32, 12, 6, 0].get(place).copied().unwrap_or(0);
            let letter = usize::try_from((word >> shift) & 63).ok().and_then(|index| ALPHABET.get(index));
            text.push(if place > block.len() { '=' } else { letter.map_or('=', |letter| char::from(*letter)) });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Certainty, Endpoint, FlowId, Transport};

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
        assert_eq!(version_1(&tcp), "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
        let udp = facts(Transport::Udp, end("192.168.1.52", 54585), end("8.8.8.8", 53));
        assert_eq!(version_1(&udp), "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
    }
}
