//! A display filter where packets pass only once, in `live`: a record passes when a packet of its flow has passed so far.
use std::{
    collections::{HashSet, VecDeque},
    io,
    sync::{Arc, Mutex, PoisonError},
};

use super::{consumer::Outlet, packets::told, question::Question, route::Parcel, worker::Worker};
use crate::{
    filter::Filter,
    flow, limits,
    record::{FlowId, Glance, Record, RecordKind},
    report::Writer,
};

/// Flows that have a packet that passed.
#[derive(Debug, Default)]
struct Passing {
    flows: HashSet<FlowId>,
    /// The same, the one that passed first in front.
    order: VecDeque<FlowId>,
    forgotten: u64,
}

impl Passing {
    fn add(&mut self, flow: FlowId) {
        if !self.flows.insert(flow) {
            return;
        }
        self.order.push_back(flow);
        if self.order.len() > limits::MAX_PASSING_FLOWS
            && let Some(oldest) = self.order.pop_front()
        {
            self.flows.remove(&oldest);
            self.forgotten += 1;
        }
    }
}

/// Asks about every packet as it is read.
pub struct Asking {
    question: Question,
    worker: Worker,
    passing: Arc<Mutex<Passing>>,
}

impl Asking {
    /// With the settings for flows of the run that it is part of: then its flows are the same.
    #[must_use]
    pub fn new(filter: Filter, settings: flow::Settings) -> Self {
        let needs = filter.needs();
        let kinds = needs.analysis.then_some(RecordKind::Connection);
        let flow = flow::Settings { wanted: kinds.into_iter().collect(), ..settings };
        let worker = Worker::new(0, 1, flow, Outlet::new(flow.wanted, needs.sessions, Arc::new([])));
        Self { question: Question::new(filter), worker, passing: Arc::default() }
    }

    /// A writer that hands on to `writer` what passes.
    pub fn writer<'w>(&self, writer: &'w mut dyn Writer) -> PassingWriter<'w> {
        PassingWriter { writer, passing: Arc::clone(&self.passing) }
    }

    /// Asks about the packets of a parcel.
    pub(super) fn see(&mut self, parcel: &Parcel) {
        for place in 0..parcel.routed.len() {
            let (flow, notes) = self.worker.packet_flow(parcel, place);
            let Some(routed) = parcel.routed.get(place) else { continue };
            let (told, _) = told(parcel, routed, notes);
            if self.question.passes(parcel, place, &told, &self.worker)
                && let Some(flow) = flow
            {
                self.passing.lock().unwrap_or_else(PoisonError::into_inner).add(flow);
            }
        }
        self.worker.pass_time(parcel);
        self.worker.emitted().clear();
    }
}

/// Writes records of flows that have a packet that passed, and those of the whole capture.
pub struct PassingWriter<'w> {
    writer: &'w mut dyn Writer,
    passing: Arc<Mutex<Passing>>,
}

impl PassingWriter<'_> {
    /// Flows that passed and were forgotten, because more are not kept.
    #[must_use]
    pub fn forgotten(&self) -> u64 {
        self.passing.lock().unwrap_or_else(PoisonError::into_inner).forgotten
    }
}

impl Writer for PassingWriter<'_> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let passes = match record {
            Record::Report(_) | Record::Capture(_) => true,
            record => record
                .subject()
                .and_then(|subject| subject.flow)
                .is_some_and(|flow| self.passing.lock().unwrap_or_else(PoisonError::into_inner).flows.contains(&flow)),
        };
        if passes { self.writer.record(record) } else { Ok(()) }
    }

    fn content(&mut self, content: &crate::record::HttpContent) -> io::Result<()> {
        let passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner);
        if passing.flows.contains(&content.flow) { self.writer.content(content) } else { Ok(()) }
    }

    fn glance_every_ns(&self) -> Option<i64> {
        self.writer.glance_every_ns()
    }

    fn glance(&mut self, glance: &Glance) -> io::Result<()> {
        let mut glance = glance.clone();
        {
            let passing = self.passing.lock().unwrap_or_else(PoisonError::into_inner);
            glance.newest.retain(|connection| passing.flows.contains(&connection.flow));
            glance.busiest.retain(|connection| passing.flows.contains(&connection.flow));
            glance.underway.retain(|exchange| passing.flows.contains(&exchange.flow));
        }
        self.writer.glance(&glance)
    }

    fn finish(&mut self) -> io::Result<()> {
        self.writer.finish()
    }
}
