//! Numbers of streams and times within them, as Wireshark counts them: for filters that ask.
//!
//! This is no flow table: a stream never expires, and a new one begins at the same ports only with a SYN of another
//! sequence number.
use std::collections::HashMap;

use crate::{
    limits::MAX_RELATIVE_FLOWS,
    record::{Endpoint, FlowKey, Timestamp, Transport},
    wire::{Decoded, TransportHeader},
};

/// What is known of a packet's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// TCP or UDP.
    pub transport: Transport,
    /// Number of the stream, from 0, in order of appearance.
    pub number: u32,
    /// Nanoseconds since its first packet.
    pub since_first_ns: i64,
    /// Nanoseconds since its previous packet.
    pub since_previous_ns: i64,
}

#[derive(Clone, Copy, Debug)]
struct Stream {
    number: u32,
    first: Timestamp,
    previous: Timestamp,
    /// Where the numbers of each side begin, the one with the lower endpoint first.
    bases: [Option<u32>; 2],
}

/// Every stream so far.
#[derive(Debug, Default)]
pub struct Streams {
    streams: HashMap<FlowKey, Stream>,
    tcp: u32,
    udp: u32,
    left_out: u64,
}

impl Streams {
    /// The place of a packet in its stream, or of an ICMP error in the stream it quotes. `None` for other packets, and when
    /// too many streams are kept.
    pub fn place(&mut self, decoded: &Decoded, bytes: &[u8], at: Timestamp) -> Option<Place> {
        let (transport, source, destination) = ends(decoded, bytes)?;
        let key = FlowKey::new(transport, source, destination);
        let header = decoded.tcp_header(bytes);
        let side = usize::from(source > destination);
        let sequence = header.map(|header| header.sequence_number);
        let opens = header.is_some_and(|header| header.flags.syn() && !header.flags.ack());
        let known = self.streams.get(&key).is_some_and(|stream| {
            let base = stream.bases.get(side).copied().flatten();
            !(opens && base.is_some() && base != sequence)
        });
        if !known {
            if self.streams.len() >= MAX_RELATIVE_FLOWS && !self.streams.contains_key(&key) {
                self.left_out += 1;
                return None;
            }
            let next = if transport == Transport::Tcp { &mut self.tcp } else { &mut self.udp };
            let stream = Stream { number: *next, first: at, previous: at, bases: [None; 2] };
            *next += 1;
            self.streams.insert(key, stream);
        }
        let stream = self.streams.get_mut(&key)?;
        if let (Some(header), Some(base)) = (header, stream.bases.get_mut(side)) {
            // Without a SYN, numbers begin one before the first that is seen.
            let first =
                if header.flags.syn() { header.sequence_number } else { header.sequence_number.wrapping_sub(1) };
            base.get_or_insert(first);
        }
        let place = Place {
            transport,
            number: stream.number,
            since_first_ns: at.since(stream.first),
            since_previous_ns: at.since(stream.previous),
        };
        stream.previous = at;
        Some(place)
    }

    /// Packets whose stream was not numbered, because there were too many.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}

fn ends(decoded: &Decoded, bytes: &[u8]) -> Option<(Transport, Endpoint, Endpoint)> {
    match decoded.transport {
        TransportHeader::Icmp | TransportHeader::Icmpv6 => {
            let quoted = decoded.quoted(bytes)?;
            Some((quoted.transport, quoted.source, quoted.destination))
        }
        _ => {
            let (source, destination) = decoded.endpoints(bytes)?;
            Some((decoded.flow_transport()?, source, destination))
        }
    }
}
