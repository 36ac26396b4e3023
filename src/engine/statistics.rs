//! What people know from `tshark -z`: hierarchy, conversations, endpoints, traffic over time, lengths, hops and classes,
//! counted packet by packet in the order of the run.
//!
//! One loop on one thread, so the numbers depend on nothing but the packets. Nothing here runs for any other command.
mod classes;
mod records;
mod series;
mod tally;
mod traffic;

use std::{io, sync::Arc};

pub use records::Order;

use self::tally::Tally;
use super::{
    consumer::Outlet,
    hierarchy::Hierarchy,
    packets::told,
    question::Question,
    reached::Reached,
    route::{Parcel, path_here},
    run::{Outcome, Progress, Reader, Settings, describe_source, several},
    worker::Worker,
};
use crate::{
    capture::PacketSource,
    filter::Filter,
    flow,
    record::{Capture, PacketNumber, Record, RecordKind, Report, SCHEMA_VERSION, StatisticsLayer, Wanted},
    report::Writer,
};

/// What is to be counted, and how it is told.
#[derive(Default)]
pub struct Wish {
    /// Layers of the conversations and endpoints.
    pub layers: Vec<StatisticsLayer>,
    /// Length of the intervals in nanoseconds; chosen by the capture's length when null.
    pub interval_ns: Option<i64>,
    /// Filters whose packets are counted for every interval, as typed and as compiled; at most
    /// [`crate::limits::MAX_STATISTICS_LINES`].
    pub lines: Vec<(String, Filter)>,
    /// Only packets that pass count.
    pub filter: Option<Filter>,
    /// What conversations and endpoints are sorted by.
    pub order: Order,
}

/// Reads `source` to its end, counts what `settings.flow.wanted` names, and writes it. Answers how the run went, and how many
/// packets counted.
///
/// # Errors
/// What the source or the writer said.
pub fn statistics(
    source: Box<dyn PacketSource>,
    mut settings: Settings,
    wish: Wish,
    writer: &mut dyn Writer,
    progress: &mut dyn FnMut(Progress),
) -> io::Result<(Outcome, u64)> {
    let wanted = settings.flow.wanted;
    let files = settings.files.clone();
    if wanted.has(RecordKind::Report) {
        let report =
            Report { schema_version: SCHEMA_VERSION, version: env!("CARGO_PKG_VERSION"), files: files.clone() };
        writer.record(&Record::Report(report))?;
    }
    let mut reader = Reader::new(source, &mut settings);
    let mut tally = Tally::new(wanted, &wish);
    let Wish { lines, filter, order, .. } = wish;
    let mut flows = Flows::new(filter, lines.into_iter().map(|(_, filter)| filter), wanted, settings.flow);
    let mut parcel = Parcel::default();
    while reader.next(&mut parcel)? {
        for place in 0..parcel.routed.len() {
            let passed = flows.packet(&mut parcel, place);
            tally.packet(&parcel, place, passed);
        }
        flows.workers().for_each(|worker| {
            worker.pass_time(&parcel);
            worker.emitted().clear();
        });
        progress(reader.progress());
    }
    flows.workers().for_each(|worker| {
        worker.finish(reader.last(), PacketNumber::MAX);
        worker.emitted().clear();
    });
    let captures = captures(&reader, &flows, wanted);
    records::write(&tally, &captures, wanted, order, writer)?;
    if wanted.has(RecordKind::Finding) {
        let mut reached = Reached::default();
        reached.merge(reader.router.reached());
        flows.workers().for_each(|worker| reached.merge(worker.outlet().reached()));
        tally.reached(&mut reached, reader.last());
        for finding in reached.findings(&several(&files)) {
            writer.record(&Record::Finding(Box::new(finding)))?;
        }
    }
    if wanted.has(RecordKind::Capture) {
        for capture in &captures {
            writer.record(&Record::Capture(Box::new(capture.clone())))?;
        }
    }
    writer.finish()?;
    Ok((Outcome { captures, unnumbered: flows.left_out(), saved: None }, tally.all.packets))
}

/// The captures, each with the protocol hierarchy of the packets that passed.
fn captures(reader: &Reader, flows: &Flows, wanted: Wanted) -> Vec<Capture> {
    let hierarchy = flows.passing.as_ref().unwrap_or_else(|| reader.router.hierarchy());
    let mut captures = describe_source(reader);
    for (file, capture) in (0u16..).zip(&mut captures) {
        if let (true, Some(worker)) = (wanted.has(RecordKind::StatisticsProtocol), flows.naming()) {
            capture.protocols = hierarchy.protocols(file, worker.outlet().applications());
        }
    }
    captures
}

/// What a packet answered.
#[derive(Clone, Copy, Default)]
struct Passed {
    /// It counts.
    counts: bool,
    /// It passes the filters of the lines whose bits are set.
    lines: u32,
}

/// The filters, and the flows that they and the hierarchy need.
struct Flows {
    asked: Option<Asked>,
    /// Names what is above the transport, when `asked` does not see what passes only.
    naming: Option<Worker>,
    /// The hierarchy of what passes the filter.
    passing: Option<Hierarchy>,
}

/// Filters and the worker that they ask.
struct Asked {
    filter: Option<Question>,
    lines: Vec<Question>,
    worker: Worker,
}

impl Flows {
    fn new(filter: Option<Filter>, lines: impl Iterator<Item = Filter>, wanted: Wanted, flow: flow::Settings) -> Self {
        let lines: Vec<Filter> = lines.collect();
        let is_filtered = filter.is_some();
        let is_named = wanted.has(RecordKind::StatisticsProtocol);
        let needs: Vec<_> = filter.iter().chain(&lines).map(Filter::needs).collect();
        let worker = |analysis: bool, notes: bool| {
            // What is thought of a segment is counted for the record of its connection.
            let kinds: Wanted = analysis.then_some(RecordKind::Connection).into_iter().collect();
            Worker::new(0, 1, flow::Settings { wanted: kinds, ..flow }, Outlet::new(kinds, notes, Arc::new([])))
        };
        let asked = (!needs.is_empty()).then(|| Asked {
            worker: worker(needs.iter().any(|needs| needs.analysis), needs.iter().any(|needs| needs.sessions)),
            filter: filter.map(Question::new),
            lines: lines.into_iter().map(Question::new).collect(),
        });
        let naming = (is_named && (is_filtered || asked.is_none())).then(|| worker(false, false));
        Self { asked, naming, passing: is_filtered.then(Hierarchy::default) }
    }

    /// Takes the packet at `place` through flows and filters. One that does not pass loses its node in the hierarchy, so that
    /// it is counted nowhere.
    fn packet(&mut self, parcel: &mut Parcel, place: usize) -> Passed {
        let passed = match &mut self.asked {
            Some(asked) => asked.packet(parcel, place),
            None => Passed { counts: true, lines: 0 },
        };
        if let (Some(passing), Some(head)) = (&mut self.passing, parcel.batch.heads.get(place).copied())
            && let Some(routed) = parcel.routed.get_mut(place)
        {
            let node = || passing.count(head.number.file(), &path_here(&routed.decoded), head.wire_length);
            routed.node = passed.counts.then(node).flatten().unwrap_or(Hierarchy::NOWHERE);
        }
        if let Some(naming) = &mut self.naming {
            naming.packet_flow(parcel, place);
        }
        passed
    }

    fn workers(&mut self) -> impl Iterator<Item = &mut Worker> {
        self.asked.as_mut().map(|asked| &mut asked.worker).into_iter().chain(&mut self.naming)
    }

    /// The worker that knows what is above the transport.
    fn naming(&self) -> Option<&Worker> {
        self.naming.as_ref().or_else(|| self.asked.as_ref().map(|asked| &asked.worker))
    }

    /// Packets whose stream a filter could not see.
    fn left_out(&self) -> u64 {
        let questions = self.asked.iter().flat_map(|asked| asked.filter.iter().chain(&asked.lines));
        questions.map(Question::left_out).max().unwrap_or(0)
    }
}

impl Asked {
    fn packet(&mut self, parcel: &Parcel, place: usize) -> Passed {
        let Self { filter, lines, worker } = self;
        let (_, notes) = worker.packet_flow(parcel, place);
        let Some(routed) = parcel.routed.get(place) else { return Passed::default() };
        let (layers, _) = told(parcel, routed, notes);
        let mut passes = |question: &mut Question| question.passes(parcel, place, &layers, worker);
        let counts = filter.as_mut().is_none_or(&mut passes);
        let lines = lines.iter_mut().zip(0u32..);
        Passed { counts, lines: lines.fold(0, |bits, (line, place)| bits | u32::from(passes(line)) << place) }
    }
}
