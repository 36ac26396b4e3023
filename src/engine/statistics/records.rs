//! What was counted, as records in the order asked for.
use std::{cmp::Reverse, collections::BTreeMap, io};

use super::{
    classes::{Count, codepoint_name, initial_hop_limit},
    tally::Tally,
    traffic::{Conversation, Party, Traffic},
};
use crate::{
    record::{
        Capture, Record, RecordKind, StatisticsConversation, StatisticsCount, StatisticsDscp, StatisticsEndpoint,
        StatisticsHops, StatisticsInterval, StatisticsLayer, StatisticsLength, StatisticsLine, StatisticsParty,
        StatisticsProtocol, StatisticsTraffic, Timestamp, Wanted,
    },
    report::Writer,
};

/// What conversations and endpoints are sorted by; equal ones by their first packet, endpoints by address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Order {
    /// The most bytes first.
    #[default]
    Bytes,
    /// The most packets first.
    Packets,
    /// The earliest first. Endpoints: by bytes.
    Start,
    /// The longest first. Endpoints: by bytes.
    Duration,
    /// By address and port, the lower side of a conversation first.
    Address,
}

/// Writes the statistics that are `wanted`; `captures` bring the protocol hierarchy.
pub fn write(
    tally: &Tally,
    captures: &[Capture],
    wanted: Wanted,
    order: Order,
    writer: &mut dyn Writer,
) -> io::Result<()> {
    if wanted.has(RecordKind::StatisticsProtocol) {
        for protocol in hierarchy(tally, captures) {
            writer.record(&Record::StatisticsProtocol(Box::new(protocol)))?;
        }
    }
    let layers = || StatisticsLayer::ALL.into_iter().zip(&tally.layers);
    let talking = || layers().filter_map(|(layer, traffic)| Some((layer, traffic.as_ref()?)));
    if wanted.has(RecordKind::StatisticsConversation) {
        for (layer, traffic) in talking() {
            conversations(layer, traffic, tally.origin, order, writer)?;
        }
    }
    if wanted.has(RecordKind::StatisticsEndpoint) {
        for (layer, traffic) in talking() {
            endpoints(layer, traffic, order, writer)?;
        }
    }
    if wanted.has(RecordKind::StatisticsInterval) {
        intervals(tally, writer)?;
    }
    if wanted.has(RecordKind::StatisticsLength) && tally.all.packets > 0 {
        lengths(tally, writer)?;
    }
    if wanted.has(RecordKind::StatisticsHops) {
        hops(tally, writer)?;
    }
    if wanted.has(RecordKind::StatisticsDscp) {
        classes(tally, writer)?;
    }
    Ok(())
}

/// `part` of `whole` in percent, with two decimals; 0 of nothing.
fn percent(part: u64, whole: u64) -> f64 {
    let hundredths = (u128::from(part) * 10_000 + u128::from(whole / 2)).checked_div(u128::from(whole)).unwrap_or(0);
    hundredths as f64 / 100.0
}

/// Bits per second of `bytes` in `nanoseconds`; null when that is no time.
fn rate(bytes: u64, nanoseconds: i64) -> Option<u64> {
    let time = u128::try_from(nanoseconds).ok().filter(|time| *time > 0)?;
    u64::try_from(u128::from(bytes) * 8_000_000_000 / time).ok()
}

/// The hierarchies of all captures together, every node behind the one that holds it, the busiest first.
fn hierarchy(tally: &Tally, captures: &[Capture]) -> Vec<StatisticsProtocol> {
    let mut nodes: BTreeMap<&str, Count> = BTreeMap::new();
    for protocol in captures.iter().flat_map(|capture| &capture.protocols) {
        let sum = nodes.entry(&protocol.path).or_default();
        sum.packets += protocol.packets;
        sum.bytes += protocol.bytes;
    }
    let mut children: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for path in nodes.keys() {
        children.entry(path.rsplit_once(':').map_or("", |(parent, _)| parent)).or_default().push(path);
    }
    let count = |path: &str| nodes.get(path).copied().unwrap_or_default();
    for list in children.values_mut() {
        list.sort_by_key(|path| (Reverse(count(path).packets), *path));
    }
    let lasted = tally.span.map_or(0, |(first, last)| last.since(first));
    let mut found = Vec::new();
    let mut open: Vec<&str> = children.get("").into_iter().flatten().rev().copied().collect();
    while let Some(path) = open.pop() {
        let below = children.get(path).map(Vec::as_slice).unwrap_or_default();
        open.extend(below.iter().rev());
        let own = count(path);
        let deeper = below.iter().map(|path| count(path)).fold(Count::default(), |sum, count| Count {
            packets: sum.packets + count.packets,
            bytes: sum.bytes + count.bytes,
        });
        found.push(StatisticsProtocol {
            path: path.to_owned(),
            protocol: path.rsplit(':').next().unwrap_or_default().to_owned(),
            depth: path.matches(':').count() as u64,
            packets: own.packets,
            packets_percent: percent(own.packets, tally.all.packets),
            bytes: own.bytes,
            bytes_percent: percent(own.bytes, tally.all.bytes),
            end_packets: own.packets.saturating_sub(deeper.packets),
            end_bytes: own.bytes.saturating_sub(deeper.bytes),
            bits_per_second: rate(own.bytes, lasted),
        });
    }
    found
}

fn has_ports(layer: StatisticsLayer) -> bool {
    matches!(layer, StatisticsLayer::Tcp | StatisticsLayer::Udp)
}

fn party(layer: StatisticsLayer, party: Party) -> StatisticsParty {
    StatisticsParty { address: party.address.to_string(), port: has_ports(layer).then_some(party.port) }
}

fn conversations(
    layer: StatisticsLayer,
    traffic: &Traffic,
    origin: Option<Timestamp>,
    order: Order,
    writer: &mut dyn Writer,
) -> io::Result<()> {
    let mut all: Vec<&Conversation> = traffic.conversations().collect();
    // They are in the order of their first packets: a stable sort leaves equal ones so.
    match order {
        Order::Bytes => all.sort_by_key(|conversation| Reverse(conversation.bytes())),
        Order::Packets => all.sort_by_key(|conversation| Reverse(conversation.packets())),
        Order::Start => all.sort_by_key(|conversation| conversation.earliest),
        Order::Duration => {
            all.sort_by_key(|conversation| Reverse(conversation.latest.since(conversation.earliest)));
        }
        Order::Address => {
            all.sort_by_key(|conversation| {
                let (a, b) = (conversation.a, conversation.b);
                (a.min(b), a.max(b))
            });
        }
    }
    for conversation in all {
        let duration_ns = conversation.latest.since(conversation.earliest);
        let way = |count: Count| StatisticsTraffic {
            packets: count.packets,
            bytes: count.bytes,
            bits_per_second: rate(count.bytes, duration_ns),
        };
        let [there, back] = conversation.ways;
        writer.record(&Record::StatisticsConversation(Box::new(StatisticsConversation {
            layer,
            a: party(layer, conversation.a),
            b: party(layer, conversation.b),
            packets: conversation.packets(),
            bytes: conversation.bytes(),
            a_to_b: way(there),
            b_to_a: way(back),
            packet: conversation.first,
            start_ts: conversation.earliest,
            start_ns: conversation.earliest.since(origin.unwrap_or(conversation.earliest)),
            duration_ns,
        })))?;
    }
    Ok(())
}

fn endpoints(layer: StatisticsLayer, traffic: &Traffic, order: Order, writer: &mut dyn Writer) -> io::Result<()> {
    let sum = |counts: &[Count; 2]| {
        let [sent, received] = counts;
        Count { packets: sent.packets + received.packets, bytes: sent.bytes + received.bytes }
    };
    let mut all = traffic.endpoints();
    match order {
        Order::Address => {}
        Order::Packets => all.sort_by_key(|(_, counts)| Reverse(sum(counts).packets)),
        Order::Bytes | Order::Start | Order::Duration => all.sort_by_key(|(_, counts)| Reverse(sum(counts).bytes)),
    }
    for (of, counts) in all {
        let StatisticsParty { address, port } = party(layer, of);
        let told = |count: Count| StatisticsCount { packets: count.packets, bytes: count.bytes };
        let (total, [sent, received]) = (sum(&counts), counts);
        writer.record(&Record::StatisticsEndpoint(Box::new(StatisticsEndpoint {
            layer,
            address,
            port,
            packets: total.packets,
            bytes: total.bytes,
            sent: told(sent),
            received: told(received),
        })))?;
    }
    Ok(())
}

fn intervals(tally: &Tally, writer: &mut dyn Writer) -> io::Result<()> {
    let Some(origin) = tally.series.origin() else { return Ok(()) };
    let (interval_ns, bins) = tally.series.clone().finished();
    for (start_ns, bin) in bins {
        let lines = tally.lines.iter().zip(bin.lines);
        writer.record(&Record::StatisticsInterval(Box::new(StatisticsInterval {
            start_ns,
            start_ts: origin.plus(start_ns),
            interval_ns,
            packets: bin.all.packets,
            bytes: bin.all.bytes,
            bits_per_second: rate(bin.all.bytes, interval_ns).unwrap_or(u64::MAX),
            lines: lines
                .map(|(filter, count)| StatisticsLine {
                    filter: filter.clone(),
                    packets: count.packets,
                    bytes: count.bytes,
                })
                .collect(),
        })))?;
    }
    Ok(())
}

fn lengths(tally: &Tally, writer: &mut dyn Writer) -> io::Result<()> {
    for (from, to, range) in tally.lengths.ranges() {
        writer.record(&Record::StatisticsLength(Box::new(StatisticsLength {
            from,
            to,
            packets: range.count.packets,
            packets_percent: percent(range.count.packets, tally.all.packets),
            bytes: range.count.bytes,
            min: range.extremes.map(|(min, _)| min),
            max: range.extremes.map(|(_, max)| max),
        })))?;
    }
    Ok(())
}

fn hops(tally: &Tally, writer: &mut dyn Writer) -> io::Result<()> {
    for ((address, hop_limit), count) in tally.hops.sorted() {
        let initial_assumed = initial_hop_limit(hop_limit);
        writer.record(&Record::StatisticsHops(Box::new(StatisticsHops {
            address: address.to_string(),
            hop_limit,
            initial_assumed,
            hops_assumed: initial_assumed - hop_limit,
            packets: count.packets,
            bytes: count.bytes,
        })))?;
    }
    Ok(())
}

fn classes(tally: &Tally, writer: &mut dyn Writer) -> io::Result<()> {
    let headers = tally.classes.seen().map(|(_, class)| class.count.packets).sum();
    for (dscp, class) in tally.classes.seen() {
        writer.record(&Record::StatisticsDscp(Box::new(StatisticsDscp {
            dscp,
            name: codepoint_name(dscp),
            packets: class.count.packets,
            packets_percent: percent(class.count.packets, headers),
            bytes: class.count.bytes,
            ecn_capable: class.ecn_capable,
            congestion_experienced: class.congestion_experienced,
        })))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_to_hundredths() {
        assert_eq!([percent(1, 3), percent(2, 3), percent(0, 0), percent(7, 7)], [33.33, 66.67, 0.0, 100.0]);
        assert_eq!((rate(125, 1_000_000_000), rate(1, 0), rate(1, -5)), (Some(1000), None, None));
    }
}
