//! Which packets pass a display filter, and which records are made of them: a first pass over the captures finds the
//! packets and their flows, a second one writes what has to do with them.
use std::{
    collections::{BTreeMap, HashSet},
    io,
    sync::Arc,
};

use super::{
    consumer::Outlet,
    packets::told,
    question::Question,
    route::Parcel,
    run::{Outcome, Reader, Settings, describe_source},
    worker::Worker,
};
use crate::{
    capture::{PacketSource, Saved},
    filter::Filter,
    flow,
    record::{Capture, FlowId, PacketNumber, Record, RecordKind, Subject, Wanted},
    report::Writer,
};

/// The packets that pass, and their flows. It grows with the capture: a bit for each packet up to the last that passes,
/// and about fifty bytes for each flow that has one.
#[derive(Debug, Default)]
pub struct Selection {
    /// By file, then number.
    packets: BTreeMap<u16, Vec<u64>>,
    flows: HashSet<FlowId>,
    /// Packets whose stream the filter asked for and that was not numbered, because there were too many.
    pub unnumbered: u64,
    /// What was written, if packets were to be.
    pub saved: Option<Saved>,
    /// One for each file.
    pub captures: Vec<Capture>,
}

/// Finds the packets of `source` that pass `filter`. `settings` must be those of the run to come: then its flows are the
/// same. With [`Settings::save`], writes them.
///
/// # Errors
/// What the source or the copy said.
pub fn select(source: Box<dyn PacketSource>, mut settings: Settings, filter: Filter) -> io::Result<Selection> {
    let needs = filter.needs();
    let mut question = Question::new(filter);
    let mut selection = Selection::default();
    let mut reader = Reader::new(source, &mut settings).choosing();
    // What is thought of a segment is counted for the record of its connection.
    let kinds = needs.analysis.then_some(RecordKind::Connection);
    let flow = flow::Settings { wanted: kinds.into_iter().collect(), ..settings.flow };
    let mut worker = Worker::new(0, 1, flow, Outlet::new(flow.wanted, needs.sessions, Arc::new([])));
    let mut parcel = Parcel::default();
    while reader.next(&mut parcel)? {
        for place in 0..parcel.routed.len() {
            let (flow, notes) = worker.packet_flow(&parcel, place);
            let (told, _) = told(&parcel, &parcel.routed[place], notes);
            if question.passes(&parcel, place, &told, &worker) {
                reader.save(&parcel, place)?;
                selection.packet(parcel.batch.heads[place].number);
                selection.flows.extend(flow);
            }
        }
        worker.pass_time(&parcel);
        worker.emitted().clear();
    }
    selection.unnumbered = question.left_out();
    selection.saved = reader.finish_saving()?;
    selection.captures = describe_source(&reader);
    Ok(selection)
}

/// Writes packets to [`Settings::save`]: all that are read, or those that a selection holds and all others of their flows.
///
/// # Errors
/// What the source or the copy said.
pub fn save(
    source: Box<dyn PacketSource>,
    mut settings: Settings,
    flows_of: Option<&Selection>,
) -> io::Result<Outcome> {
    let mut reader = Reader::new(source, &mut settings);
    let mut parcel = Parcel::default();
    if let Some(selection) = flows_of {
        reader = reader.choosing();
        let flow = flow::Settings { wanted: Wanted::none(), ..settings.flow };
        let mut worker = Worker::new(0, 1, flow, Outlet::new(flow.wanted, false, Arc::new([])));
        while reader.next(&mut parcel)? {
            for place in 0..parcel.routed.len() {
                let (flow, _) = worker.packet_flow(&parcel, place);
                let number = parcel.batch.heads[place].number;
                if selection.has(number) || flow.is_some_and(|flow| selection.flows.contains(&flow)) {
                    reader.save(&parcel, place)?;
                }
            }
            worker.pass_time(&parcel);
            worker.emitted().clear();
        }
    } else {
        while reader.next(&mut parcel)? {}
    }
    let saved = reader.finish_saving()?;
    Ok(Outcome { captures: describe_source(&reader), unnumbered: 0, saved })
}

impl Selection {
    fn packet(&mut self, number: PacketNumber) {
        let bits = self.packets.entry(number.file()).or_default();
        let word = usize::try_from(number.number() / 64).unwrap_or(usize::MAX);
        // Packets are counted as they are read: no number is beyond what the file holds.
        if word >= bits.len() {
            bits.resize(word + 1, 0);
        }
        if let Some(word) = bits.get_mut(word) {
            *word |= 1 << (number.number() % 64);
        }
    }

    /// Whether a packet passes.
    #[must_use]
    pub fn has(&self, number: PacketNumber) -> bool {
        let word = usize::try_from(number.number() / 64).unwrap_or(usize::MAX);
        let bits = self.packets.get(&number.file()).and_then(|bits| bits.get(word));
        bits.is_some_and(|bits| bits & 1 << (number.number() % 64) != 0)
    }

    /// Whether a packet between the two, both included, passes.
    fn has_between(&self, first: PacketNumber, last: PacketNumber) -> bool {
        let numbers = first.number()..=last.number();
        numbers.into_iter().any(|number| self.has(PacketNumber::new(first.file(), number)))
    }

    /// Whether a record passes: a flow when one of its packets does, anything else when one of the packets that it rests
    /// on does. Where these are too many to be listed, any packet between the first and the last counts, if one of the
    /// flow's passes at all. What is said of the whole capture always passes.
    #[must_use]
    pub fn takes(&self, record: &Record) -> bool {
        match record {
            Record::Report(_) | Record::Capture(_) | Record::Packet(_) => true,
            Record::Connection(_) | Record::Udp(_) => record.subject().is_some_and(|subject| self.has_flow(subject)),
            _ => record.subject().is_none_or(|subject| self.rests_on(subject)),
        }
    }

    fn has_flow(&self, subject: &Subject) -> bool {
        subject.flow.is_some_and(|flow| self.flows.contains(&flow))
    }

    fn rests_on(&self, subject: &Subject) -> bool {
        let listed: &[PacketNumber] = subject.evidence.numbers();
        let has_listed = listed.iter().any(|number| self.has(*number));
        let is_whole = listed.len() as u64 >= subject.evidence.total();
        if has_listed || is_whole {
            return has_listed;
        }
        let of_flow = subject.flow.is_none() || self.has_flow(subject);
        // The list of many holds the first ones and the last.
        let ends = listed.first().zip(listed.last());
        of_flow && ends.is_some_and(|(first, last)| self.has_between(*first.min(last), *last.max(first)))
    }
}

/// Writes the records that a selection takes.
pub struct Selected<'w> {
    writer: &'w mut dyn Writer,
    selection: Selection,
}

impl<'w> Selected<'w> {
    /// To `writer`.
    pub fn new(writer: &'w mut dyn Writer, selection: Selection) -> Self {
        Self { writer, selection }
    }
}

impl Writer for Selected<'_> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        if self.selection.takes(record) { self.writer.record(record) } else { Ok(()) }
    }

    fn finish(&mut self) -> io::Result<()> {
        self.writer.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Evidence, Finding, Severity};

    fn finding(flow: Option<FlowId>, numbers: &[u64], unlisted: u64) -> Record {
        let mut evidence: Evidence = numbers.iter().map(|number| PacketNumber::new(0, *number)).collect();
        evidence.add_unlisted(unlisted);
        Record::Finding(Box::new(Finding {
            subject: Subject { flow, file: None, evidence },
            client: None,
            server: None,
            severity: Severity::Note,
            code: "tcp.reset",
            title: String::new(),
            explanation: String::new(),
            reference: None,
        }))
    }

    #[test]
    fn a_record_passes_when_a_packet_it_rests_on_does() {
        let flow = FlowId { opener: PacketNumber::new(0, 1), depth: 0 };
        let mut selection = Selection::default();
        selection.packet(PacketNumber::new(0, 70));
        selection.flows.insert(flow);
        assert!(selection.takes(&finding(Some(flow), &[1, 70], 0)));
        assert!(!selection.takes(&finding(Some(flow), &[1, 69, 71], 0)));
        // Between the first and the last, where not all are listed; but only in a flow that has passing packets.
        assert!(selection.takes(&finding(Some(flow), &[1, 71], 9)));
        assert!(!selection.takes(&finding(Some(flow), &[71, 90], 9)));
        let other = FlowId { opener: PacketNumber::new(0, 2), depth: 0 };
        assert!(!selection.takes(&finding(Some(other), &[1, 71], 9)));
        assert!(selection.takes(&finding(None, &[1, 71], 9)));
        // The same number in another file is another packet.
        assert!(!selection.has(PacketNumber::new(1, 70)));
    }
}
