//! Counts a packet under each of its headers.
use std::net::IpAddr;

use super::{
    Passed, Wish,
    classes::{Classes, Count, Hops, Lengths},
    series::Series,
    traffic::{Address, Numbers, Party, Seen, Traffic},
};
use crate::{
    engine::{reached::Reached, route::Parcel},
    limits,
    record::{Header, PacketRef, RecordKind, StatisticsLayer, Timestamp, Wanted},
    wire,
};

/// Everything that is counted.
pub struct Tally {
    /// Of all packets that count.
    pub all: Count,
    /// The earliest and the latest moment of them.
    pub span: Option<(Timestamp, Timestamp)>,
    /// The first packet of the run, counted or not.
    pub origin: Option<Timestamp>,
    /// The conversations of each layer that is wanted, in the order of layers.
    pub layers: [Option<Traffic>; StatisticsLayer::ALL.len()],
    pub lengths: Lengths,
    pub classes: Classes,
    pub hops: Hops,
    pub series: Series,
    /// The filters of the lines, as typed.
    pub lines: Vec<String>,
    /// Whether any of it needs to know where headers are.
    reads_headers: bool,
    headers: Vec<Header>,
}

impl Tally {
    /// Nothing was counted yet.
    pub fn new(wanted: Wanted, wish: &Wish) -> Self {
        let talks = wanted.has(RecordKind::StatisticsConversation) || wanted.has(RecordKind::StatisticsEndpoint);
        let layer = |layer: StatisticsLayer| (talks && wish.layers.contains(&layer)).then(Traffic::default);
        Self {
            all: Count::default(),
            span: None,
            origin: None,
            layers: StatisticsLayer::ALL.map(layer),
            lengths: Lengths::default(),
            classes: Classes::default(),
            hops: Hops::default(),
            series: Series::new(wish.interval_ns),
            lines: wish.lines.iter().map(|(text, _)| text.clone()).collect(),
            reads_headers: talks || wanted.has(RecordKind::StatisticsHops) || wanted.has(RecordKind::StatisticsDscp),
            headers: Vec::new(),
        }
    }

    /// Counts the packet at `place`.
    pub fn packet(&mut self, parcel: &Parcel, place: usize, passed: Passed) {
        let (Some(head), Some(routed)) = (parcel.batch.heads.get(place), parcel.routed.get(place)) else { return };
        let (at, length) = (head.timestamp, head.wire_length);
        self.origin.get_or_insert(at);
        if passed.counts {
            self.all.add(length);
            let (first, last) = self.span.unwrap_or((at, at));
            self.span = Some((first.min(at), last.max(at)));
            self.lengths.add(length);
            self.series.begin(self.origin.unwrap_or(at));
            self.series.add(at, length, passed.lines);
        }
        if !self.reads_headers {
            return;
        }
        let bytes = parcel.batch.bytes(head);
        let view = parcel.view(routed);
        let mut headers = std::mem::take(&mut self.headers);
        if routed.reassembled {
            let fragment = wire::decode(head.link_type, bytes, length);
            wire::headers(head.link_type, bytes, length, &fragment, &mut headers);
            wire::headers_reassembled(view, &fragment, &mut headers);
        } else {
            wire::headers(head.link_type, bytes, length, &routed.decoded, &mut headers);
        }
        let seen = Seen { number: head.number, at, bytes: length, counts: passed.counts };
        let mut addresses = None;
        for header in headers.iter().filter(|header| !header.quoted) {
            let around = if header.of_datagram { view } else { bytes };
            let own = around.get(header.offset as usize..header.end as usize).unwrap_or_default();
            self.header(header.protocol.name(), own, &mut addresses, seen);
        }
        self.headers = headers;
    }

    /// Counts the packet under the header of `protocol` that `own` begins with. `addresses` are those of the last IP header.
    fn header(&mut self, protocol: &str, own: &[u8], addresses: &mut Option<(IpAddr, IpAddr)>, seen: Seen) {
        let [eth, ip, ipv6, tcp, udp] = &mut self.layers;
        match protocol {
            "eth" => {
                let mac = |from: usize| own.get(from..)?.first_chunk::<6>().copied();
                if let (Some(traffic), Some((destination, source))) = (eth, mac(0).zip(mac(6))) {
                    let party = |address| Party { address: Address::Mac(address), port: 0 };
                    traffic.add(party(source), party(destination), None, seen);
                }
            }
            "ip" => {
                let octets = |from: usize| own.get(from..)?.first_chunk::<4>().copied().map(IpAddr::from);
                *addresses = octets(12).zip(octets(16));
                if let (Some((source, _)), [_, class, _, _, _, _, _, _, hops, ..], true) =
                    (*addresses, own, seen.counts)
                {
                    self.classes.add(*class, seen.bytes);
                    self.hops.add(source, *hops, seen.bytes);
                }
                network(ip, *addresses, seen);
            }
            "ipv6" => {
                let octets = |from: usize| own.get(from..)?.first_chunk::<16>().copied().map(IpAddr::from);
                *addresses = octets(8).zip(octets(24));
                if let (Some((source, _)), [high, low, _, _, _, _, _, hops, ..], true) = (*addresses, own, seen.counts)
                {
                    self.classes.add(high << 4 | low >> 4, seen.bytes);
                    self.hops.add(source, *hops, seen.bytes);
                }
                network(ipv6, *addresses, seen);
            }
            "tcp" | "udp" => {
                let (traffic, numbers) = match protocol {
                    "tcp" => (tcp, numbers(own)),
                    _ => (udp, None),
                };
                let port = |from: usize| own.get(from..)?.first_chunk::<2>().copied().map(u16::from_be_bytes);
                if let (Some(traffic), Some((source, destination)), Some((from, to))) =
                    (traffic, *addresses, port(0).zip(port(2)))
                {
                    let party = |address, port| Party { address: Address::Ip(address), port };
                    traffic.add(party(source, from), party(destination, to), numbers, seen);
                }
            }
            _ => {}
        }
    }

    /// Tells of the caps that were reached.
    pub fn reached(&self, reached: &mut Reached, at: PacketRef) {
        let of_layers: u64 = self.layers.iter().flatten().map(|traffic| traffic.left_out).sum();
        let times = of_layers + self.hops.left_out + self.series.left_out;
        if times > 0 {
            reached.add(&limits::STATISTICS, at, times);
        }
    }
}

fn network(traffic: &mut Option<Traffic>, addresses: Option<(IpAddr, IpAddr)>, seen: Seen) {
    if let (Some(traffic), Some((source, destination))) = (traffic, addresses) {
        let party = |address| Party { address: Address::Ip(address), port: 0 };
        traffic.add(party(source), party(destination), None, seen);
    }
}

/// What tells one TCP connection from the next, when the header is whole.
fn numbers(header: &[u8]) -> Option<Numbers> {
    let [_, _, _, _, a, b, c, d, e, f, g, h, _, flags, ..] = header else { return None };
    Some(Numbers {
        sequence: u32::from_be_bytes([*a, *b, *c, *d]),
        acknowledgment: u32::from_be_bytes([*e, *f, *g, *h]),
        syn: flags & 2 != 0,
        ack: flags & 16 != 0,
    })
}
