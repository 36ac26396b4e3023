//! Whole commands over any capture: `follow`, `statistics`, `connection`, `packets`. What they print obeys nobody, and their
//! numbers agree.
use std::collections::HashMap;

use super::runs::{Gathered, Shared, assert_harmless, assert_lines, everything, open, settings};
use crate::{
    engine::{self, Depth, Followed, Following, Order, Wish},
    filter::Filter,
    record::{Content, Direction, FlowId, PacketNumber, Record, RecordKind, StatisticsLayer, Wanted},
    report::{
        self, Writer as _,
        ladder::{Drawing, Ladder},
        packets::PacketLines,
        stream::{StreamFormat, StreamWriter},
        table::TableWriter,
    },
};

fn options(wanted: Wanted) -> report::Options {
    report::Options { width: Some(80), wanted, ..report::Options::default() }
}

/// `follow`: the first byte chooses format and layer, the second the flow; the others are a capture. What is shown is in order and
/// whole, as far as holes are told of.
pub fn follow_run(bytes: &[u8]) {
    let [how, which, capture @ ..] = bytes else { return };
    let formats = [StreamFormat::Text, StreamFormat::Hex, StreamFormat::Raw, StreamFormat::Ndjson, StreamFormat::Json];
    let format = formats[usize::from(*how) % formats.len()];
    let layer = [None, Some(Depth::Transport), Some(Depth::Inside)][usize::from(*how / 5) % 3];
    let id = |opener: u64| FlowId { opener: PacketNumber::new(0, opener), depth: 0 };
    let mut flow = id(u64::from(*which) + 1);
    for turn in 0..2 {
        let Some(source) = open(capture) else { return };
        let out = Shared::default();
        let mut writer = StreamWriter::new(Box::new(out.clone()), format, options(Wanted::none()));
        let (mut place, mut raw, mut begun) = ([0_u64; 2], 0_u64, false);
        let outcome = engine::follow(source, settings(1, Wanted::none()), Following { flow, layer }, &mut |followed| {
            match followed {
                Followed::Begin { flow: facts, layer, start } => {
                    assert!(!std::mem::replace(&mut begun, true) && facts.id == flow);
                    writer.begin(facts, layer, start)
                }
                Followed::Chunk(chunk) => {
                    assert!(begun && chunk.length() > 0 && chunk.flow == flow);
                    let place = &mut place[chunk.direction.index()];
                    assert_eq!(*place, chunk.offset, "{:?} goes on elsewhere", chunk.direction);
                    *place += chunk.length();
                    if let Content::Bytes(bytes) = &chunk.content {
                        raw += bytes.len() as u64;
                    }
                    writer.chunk(chunk)
                }
            }
        });
        let outcome = outcome.expect("memory can be read and written");
        assert!(!begun || outcome.is_found);
        writer.finish().expect("memory can be written");
        drop(writer);
        let text = out.take();
        match format {
            StreamFormat::Raw => assert_eq!(text.len() as u64, raw),
            StreamFormat::Ndjson => assert_lines(&text),
            StreamFormat::Json => {
                serde_json::from_slice::<serde_json::Value>(&text).expect("the whole is JSON");
            }
            StreamFormat::Text | StreamFormat::Hex => assert_harmless(&text),
        }
        if outcome.is_found || turn == 1 {
            assert!(outcome.is_found, "a flow that was offered is there");
            return;
        }
        let Some(near) = outcome.near.get(usize::from(*which) % outcome.near.len().max(1)) else { return };
        flow = near.id;
    }
}

/// `statistics`: the first byte chooses the order, the second the interval; the others are a capture. All sections count the same
/// packets.
pub fn statistics_run(bytes: &[u8]) {
    let [order, interval, capture @ ..] = bytes else { return };
    let orders = [Order::Bytes, Order::Packets, Order::Start, Order::Duration, Order::Address];
    let interval_ns = (*interval > 0).then(|| 1_i64 << (interval % 50));
    let filter = |text| Filter::new(text).expect("a filter");
    let wish = || Wish {
        layers: StatisticsLayer::ALL.to_vec(),
        interval_ns,
        lines: vec![
            ("tcp.analysis.flags".to_owned(), filter("tcp.analysis.flags")),
            ("frame".to_owned(), filter("frame")),
        ],
        filter: (order & 0x80 != 0).then(|| filter("ip or ipv6")),
        order: orders[usize::from(*order & 0x7f) % orders.len()],
    };
    let wanted = RecordKind::STATISTICS
        .into_iter()
        .chain([RecordKind::Report, RecordKind::Finding, RecordKind::Capture])
        .fold(Wanted::none(), Wanted::with);
    let Some(source) = open(capture) else { return };
    let mut gathered = Gathered::default();
    let (_, counted) = engine::statistics(source, settings(1, wanted), wish(), &mut gathered, &mut |_| {})
        .expect("memory can be read and written");
    let (mut intervals, mut lengths, mut asked, mut top) = (0, 0, 0, 0);
    let mut is_cut = false;
    let mut ends: HashMap<(StatisticsLayer, bool), u64> = HashMap::new();
    for record in &gathered.0 {
        match record {
            Record::StatisticsInterval(row) => {
                intervals += row.packets;
                asked += row.lines[1].packets;
                assert!(row.lines.iter().all(|line| line.packets <= row.packets && line.bytes <= row.bytes));
                // Packets may be older than the first one.
                assert!(row.interval_ns > 0);
            }
            Record::StatisticsLength(row) => {
                lengths += row.packets;
                assert!(row.min <= row.max && row.to.is_none_or(|to| row.from <= to));
                assert_eq!(row.min.is_some(), row.packets > 0);
            }
            Record::StatisticsProtocol(row) => {
                top += if row.depth == 0 { row.packets } else { 0 };
                assert!(row.end_packets <= row.packets && row.end_bytes <= row.bytes);
                assert!((0.0..=100.0).contains(&row.packets_percent), "{row:?}");
            }
            Record::StatisticsConversation(row) => {
                assert_eq!(row.packets, row.a_to_b.packets + row.b_to_a.packets);
                assert_eq!(row.bytes, row.a_to_b.bytes + row.b_to_a.bytes);
                assert!(row.duration_ns >= 0);
                *ends.entry((row.layer, true)).or_default() += row.packets;
            }
            Record::StatisticsEndpoint(row) => {
                assert_eq!(row.packets, row.sent.packets + row.received.packets);
                assert_eq!(row.bytes, row.sent.bytes + row.received.bytes);
                *ends.entry((row.layer, false)).or_default() += row.packets;
            }
            Record::Finding(finding) => is_cut |= finding.code.starts_with("capture."),
            _ => {}
        }
    }
    if !is_cut {
        assert_eq!((intervals, lengths), (counted, counted), "intervals and lengths of {counted} packets");
        assert_eq!(asked, counted, "every packet is a frame");
        assert!(top <= counted);
        for layer in StatisticsLayer::ALL {
            let of = |is_conversation| ends.get(&(layer, is_conversation)).copied().unwrap_or_default();
            assert_eq!(of(true) * 2, of(false), "each packet of {layer:?} has two ends");
        }
    }
    let out = Shared::default();
    let mut table = TableWriter::whole(Box::new(out.clone()), options(wanted));
    let lines = Shared::default();
    let mut ndjson = report::writer(report::Format::Ndjson, Box::new(lines.clone()), options(wanted)).expect("no CSV");
    for record in &gathered.0 {
        table.record(record).expect("memory can be written");
        ndjson.record(record).expect("memory can be written");
    }
    table.finish().expect("memory can be written");
    ndjson.finish().expect("memory can be written");
    assert_harmless(&out.take());
    assert_lines(&lines.take());
}

/// `connection`: the first byte chooses which one, the second how it is drawn; the others are a capture. A ladder has a step for
/// every packet of its connection.
pub fn connection_run(bytes: &[u8]) {
    let [which, how, capture @ ..] = bytes else { return };
    let Some(source) = open(capture) else { return };
    let mut gathered = Gathered::default();
    engine::run(source, settings(1, everything()), &mut gathered, &mut |_| {}).expect("memory can be read and written");
    let connections: Vec<_> = gathered
        .0
        .iter()
        .filter_map(|record| if let Record::Connection(connection) = record { Some(connection.as_ref()) } else { None })
        .collect();
    let Some(connection) = connections.get(usize::from(*which) % connections.len().max(1)) else { return };
    let flow = connection.subject.flow;
    let is_its = |record: &&Record| record.subject().is_none_or(|subject| subject.flow == flow);
    let beside: Vec<Record> = gathered.0.iter().filter(is_its).cloned().collect();
    let drawing = [Drawing::Text, Drawing::Markdown, Drawing::Svg][usize::from(*how) % 3];
    let options = report::Options { all: how & 0x80 != 0, ..options(everything()) };
    let mut ladder = Ladder::new(drawing, &options, connection, &beside);
    let source = open(capture).expect("it could be opened before");
    let (mut count, mut last) = ([0_u64; 2], 0);
    engine::segments(source, settings(1, Wanted::none()), connection, &mut |segment| {
        assert!(segment.packet.number.number() > last, "segments come in order");
        last = segment.packet.number.number();
        count[segment.direction.index()] += 1;
        ladder.segment(segment);
        Ok(())
    })
    .expect("memory can be read");
    let sides = [&connection.client, &connection.server].map(|side| side.packets);
    assert_eq!(count, sides, "every packet of {:?} is a step", Direction::BOTH);
    let out = Shared::default();
    ladder.draw(drawing, &options, Box::new(out.clone())).expect("memory can be written");
    let picture = out.take();
    assert_harmless(&picture);
    if drawing == Drawing::Svg {
        assert_svg(&String::from_utf8(picture).expect("UTF-8"));
    }
}

/// Every element is closed, and no text begins one.
fn assert_svg(picture: &str) {
    let known =
        ["svg", "title", "desc", "style", "defs", "marker", "path", "rect", "line", "text", "tspan", "g", "circle"];
    let more = ["polygon", "polyline", "a", "linearGradient", "stop", "metadata"];
    let mut open = Vec::new();
    for piece in picture.split('<').skip(1) {
        let (tag, _) = piece.split_once('>').expect("an element ends");
        if tag.starts_with(['?', '!']) {
            continue;
        }
        let name = tag.trim_start_matches('/').split([' ', '/', '\n']).next().unwrap_or_default();
        assert!(known.contains(&name) || more.contains(&name), "<{tag}>");
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name.to_owned()));
        } else if !tag.ends_with('/') {
            open.push(name.to_owned());
        }
    }
    assert!(open.is_empty(), "{open:?} are not closed");
}

/// `packets`, with layers and bytes, and with those of one filter: the same lines, but fewer.
pub fn packets_run(bytes: &[u8]) {
    let [how, capture @ ..] = bytes else { return };
    let filters = ["tcp", "udp", "ip.ttl > 9", "tcp.analysis.flags", "dns or tls or http", "frame.number < 3"];
    let mut seen = [0_u64; 2];
    let mut captures = 0;
    for (turn, text) in [None, Some(filters[usize::from(*how) % filters.len()])].into_iter().enumerate() {
        let Some(source) = open(capture) else { return };
        let out = Shared::default();
        let mut lines = PacketLines::new(Box::new(out.clone()), options(everything()), how & 0x80 != 0);
        let filter = text.map(|text| Filter::new(text).expect("a filter"));
        let outcome = engine::packets(source, settings(1, Wanted::none()), filter, &mut |packet, bytes, _| {
            seen[turn] += 1;
            assert_eq!(packet.captured_length as usize, bytes.len());
            assert!(turn == 1 || packet.number.number() == seen[turn], "packets come in order");
            serde_json::to_string(packet).expect("every packet has a JSON form");
            lines.packet(packet, (how & 0x40 != 0).then_some(bytes))
        });
        captures =
            outcome.expect("memory can be read and written").captures.iter().map(|capture| capture.packets).sum();
        drop(lines);
        assert_harmless(&out.take());
    }
    assert!(seen[0] == captures && seen[1] <= seen[0], "{seen:?} of {captures}");
}
