//! Numbers of streams and times within them, as Wireshark counts them: for filters that ask.
//!
//! This is no flow table: a stream never expires, and a new one begins at the same ports only with a SYN of another
//! sequence number.
use std::{collections::HashMap, net::IpAddr};

use crate::{
    limits::MAX_RELATIVE_FLOWS,
    record::{Endpoint, FlowKey, Header, Timestamp, Transport},
};

/// What is known of a packet's stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
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
    /// The place of each TCP and UDP header in its stream, into `places`; those inside tunnels and those that an ICMP error
    /// quotes have streams too. None when too many streams are kept. `bytes` are those that a header lies in.
    pub fn places<'b>(
        &mut self,
        headers: &[Header],
        bytes: impl Fn(&Header) -> &'b [u8],
        at: Timestamp,
        places: &mut Vec<(Transport, Option<Place>)>,
    ) {
        let mut addresses = None;
        for header in headers {
            let own = bytes(header).get(header.offset as usize..header.end as usize).unwrap_or_default();
            let transport = match header.protocol.name() {
                "ip" => {
                    addresses = address(own, 12..16).zip(address(own, 16..20));
                    continue;
                }
                "ipv6" => {
                    addresses = address(own, 8..24).zip(address(own, 24..40));
                    continue;
                }
                "tcp" => Transport::Tcp,
                "udp" => Transport::Udp,
                _ => continue,
            };
            let place = addresses.and_then(|addresses| self.place(transport, addresses, own, at));
            places.push((transport, place));
        }
    }

    fn place(
        &mut self,
        transport: Transport,
        (source, destination): (IpAddr, IpAddr),
        header: &[u8],
        at: Timestamp,
    ) -> Option<Place> {
        let port = |at: usize| header.get(at..at + 2).map(|bytes| u16::from_be_bytes([bytes[0], bytes[1]]));
        let source = Endpoint { address: source, port: port(0)? };
        let destination = Endpoint { address: destination, port: port(2)? };
        let key = FlowKey::new(transport, source, destination);
        let side = usize::from(source > destination);
        let sequence = header.get(4..8).and_then(|bytes| bytes.try_into().ok()).map(u32::from_be_bytes);
        let flags = header.get(13).filter(|_| transport == Transport::Tcp && header.len() >= 20);
        let is_syn = flags.is_some_and(|flags| flags & 2 != 0);
        let opens = is_syn && flags.is_some_and(|flags| flags & 16 == 0);
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
        if let (Some(_), Some(sequence), Some(base)) = (flags, sequence, stream.bases.get_mut(side)) {
            // Without a SYN, numbers begin one before the first that is seen.
            base.get_or_insert(if is_syn { sequence } else { sequence.wrapping_sub(1) });
        }
        let place = Place {
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

fn address(header: &[u8], place: std::ops::Range<usize>) -> Option<IpAddr> {
    let bytes = header.get(place)?;
    match bytes.len() {
        4 => bytes.first_chunk::<4>().map(|bytes| IpAddr::from(*bytes)),
        _ => bytes.first_chunk::<16>().map(|bytes| IpAddr::from(*bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::ProtocolName;

    /// Places of an IPv4 packet with a UDP datagram, or an ICMP error that quotes one.
    fn place(streams: &mut Streams, ports: (u8, u8), tcp: Option<(u8, u32)>, at: i64) -> Place {
        let mut bytes = vec![0x45, 0, 0, 0, 0, 0, 0, 0, 64, 0, 0, 0];
        let (from, to) = ports;
        bytes.extend([10, 0, 0, from, 10, 0, 0, to, 0, from, 0, to]);
        if let Some((flags, number)) = tcp {
            bytes.extend(number.to_be_bytes());
            bytes.extend([0, 0, 0, 0, 0x50, flags]);
        }
        bytes.resize(40, 0);
        let header = |protocol, offset, length| Header {
            protocol: ProtocolName::new(protocol),
            offset,
            length,
            end: 40,
            ..Header::default()
        };
        let headers = [header("ip", 0, 20), header(if tcp.is_some() { "tcp" } else { "udp" }, 20, 20)];
        let mut places = Vec::new();
        streams.places(&headers, |_| &bytes, Timestamp(at), &mut places);
        places[0].1.unwrap()
    }

    #[test]
    fn streams_are_numbered_as_they_appear() {
        let mut streams = Streams::default();
        let number = |place: Place| place.number;
        assert_eq!(number(place(&mut streams, (1, 2), None, 0)), 0);
        assert_eq!(number(place(&mut streams, (1, 3), None, 0)), 1);
        assert_eq!(number(place(&mut streams, (2, 1), None, 0)), 0, "both directions are one stream");
        // TCP has numbers of its own.
        assert_eq!(number(place(&mut streams, (1, 2), Some((2, 100)), 0)), 0);
        assert_eq!(number(place(&mut streams, (1, 2), Some((2, 100)), 0)), 0, "the same SYN again");
        assert_eq!(number(place(&mut streams, (1, 2), Some((2, 7)), 0)), 1, "another SYN at the same ports");
        assert_eq!(number(place(&mut streams, (2, 1), Some((16, 9)), 0)), 1);
    }

    #[test]
    fn times_within_a_stream() {
        let mut streams = Streams::default();
        place(&mut streams, (1, 2), None, 100);
        place(&mut streams, (1, 3), None, 150);
        place(&mut streams, (2, 1), None, 170);
        let third = place(&mut streams, (1, 2), None, 200);
        assert_eq!((third.since_first_ns, third.since_previous_ns), (100, 30));
    }
}
