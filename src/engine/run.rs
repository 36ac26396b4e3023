//! One run over a source: reader, workers, collector.
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
};

use crossbeam_channel::{Receiver, Sender, bounded};

use super::{
    asking::Asking,
    checksums::Checksums,
    consumer::{Completed, Emitted, Outlet},
    copies::Copies,
    glance::{Base, Piece},
    hierarchy::Applications,
    passed::Passed,
    reached::Reached,
    route::{Parcel, Router},
    secrets::{Given, Store},
    worker::Worker,
};
use crate::{
    analysis::{self, Comparison},
    app::tls::trust::Trust,
    capture::{Batch, LeftOut, More, PacketSource, ReadProgress, Saved, Saver, bpf::Filter},
    flow, limits,
    record::{Capture, PacketNumber, PacketRef, Record, RecordKind, Report, SCHEMA_VERSION, Timestamp, Wanted},
    report::Writer,
};

/// What a run may be told.
pub struct Settings {
    /// For the flows. Its limits are for all of them together.
    pub flow: flow::Settings,
    /// Workers; at least one. Never changes the output.
    pub threads: usize,
    /// Packets that do not pass are left out.
    pub filter: Option<Filter>,
    /// Stop after so many packets.
    pub max_packets: Option<u64>,
    /// Stop when this becomes true.
    pub stop: Arc<AtomicBool>,
    /// Names of the captures as given.
    pub files: Vec<String>,
    /// What certificates are judged by; null leaves them unjudged.
    pub trust: Option<Arc<Trust>>,
    /// Secrets to open protected traffic with.
    pub given: Given,
    /// Where the packets are written that are read and pass (`-w`).
    pub save: Option<Saver>,
    /// What is asked about packets while they pass, for a source that cannot be read twice.
    pub asking: Option<Asking>,
}

/// How a run went.
#[derive(Debug, Default)]
pub struct Outcome {
    /// One for each file.
    pub captures: Vec<Capture>,
    /// Packets whose stream a display filter asked for and that was not numbered, because there were too many.
    pub unnumbered: u64,
    /// What was written, if packets were to be.
    pub saved: Option<Saved>,
}

/// How far a run has come.
#[derive(Clone, Copy, Debug)]
pub struct Progress {
    /// Bytes of the files read.
    pub bytes: u64,
    /// Bytes of the files, where known.
    pub total_bytes: Option<u64>,
    /// Packets read.
    pub packets: u64,
}

/// Reads `source` to its end and writes every record.
///
/// # Errors
/// What the source or the writer said. Damage in a capture is no error; it is told in the outcome.
pub fn run(
    source: Box<dyn PacketSource>,
    mut settings: Settings,
    writer: &mut dyn Writer,
    progress: &mut dyn FnMut(Progress),
) -> io::Result<Outcome> {
    let report =
        Report { schema_version: SCHEMA_VERSION, version: env!("CARGO_PKG_VERSION"), files: settings.files.clone() };
    if settings.flow.wanted.has(RecordKind::Report) {
        writer.record(&Record::Report(report))?;
    }
    let mut reader = Reader::new(source, &mut settings);
    reader.glances(writer.glance_every_ns());
    let workers = workers(&settings, writer.glance_every_ns().is_some());
    let mut destination = Destination { writer, comparison: Comparison::default(), wanted: settings.flow.wanted };
    let (mut reader, done) = if workers.len() == 1 {
        in_line(reader, workers, &mut destination, progress)?
    } else {
        in_parallel(reader, workers, &mut destination, progress)?
    };
    let Destination { writer, mut comparison, .. } = destination;
    let captures = describe(&reader, &done);
    let files = several(&settings.files);
    for mut record in comparison.records() {
        if settings.flow.wanted.has(record.kind()) {
            if let Some(subject) = record.subject_mut() {
                let opener = subject.flow.map(|flow| flow.opener);
                subject.file = opener.and_then(|opener| files.get(usize::from(opener.file()))).cloned();
            }
            writer.record(&record)?;
        }
    }
    if settings.flow.wanted.has(RecordKind::Finding) {
        let mut reached = done.reached;
        reached.merge(reader.router.reached());
        if reader.source.comments_left_out() > 0 {
            reached.add(&limits::COMMENTS, reader.last(), reader.source.comments_left_out());
        }
        if let Some((count, first)) = comparison.left_out() {
            reached.add(&limits::COMPARISON, first, count);
        }
        if comparison.handshakes_left_out() > 0 {
            reached.add(&limits::TLS_COMPARISON, reader.last(), comparison.handshakes_left_out());
        }
        if comparison.queries_left_out() > 0 {
            reached.add(&limits::DNS_COMPARISON, reader.last(), comparison.queries_left_out());
        }
        if comparison.neighbors_left_out() > 0 {
            reached.add(&limits::NEIGHBOR_COMPARISON, reader.last(), comparison.neighbors_left_out());
        }
        if comparison.parts_left_out() > 0 {
            reached.add(&limits::PARTS, reader.last(), comparison.parts_left_out());
        }
        if comparison.links_left_out() > 0 {
            reached.add(&limits::ABOVE_IP, reader.last(), comparison.links_left_out());
        }
        if let Some(LeftOut { packets, first, timestamp }) = reader.source.left_out() {
            let first = PacketRef { index: reader.last().index, number: first, timestamp };
            reached.add(&limits::NOT_ANALYZED, first, packets);
        }
        for mut finding in comparison.findings() {
            let opener = finding.subject.evidence.numbers().first();
            finding.subject.file = opener.and_then(|opener| files.get(usize::from(opener.file()))).cloned();
            writer.record(&Record::Finding(Box::new(finding)))?;
        }
        let of_copies = done.copies.findings(&captures, &files);
        let of_fragments = reader.router.fragment_findings(&files);
        let of_checksums = done.checksums.findings(&files).into_iter().chain(of_copies).chain(of_fragments);
        for finding in of_checksums.chain(reached.findings(&files)).chain(reader.store.finding()) {
            writer.record(&Record::Finding(Box::new(finding)))?;
        }
    }
    for capture in &captures {
        if settings.flow.wanted.has(RecordKind::Capture) {
            writer.record(&Record::Capture(Box::new(capture.clone())))?;
        }
    }
    writer.finish()?;
    Ok(Outcome { captures, unnumbered: 0, saved: reader.finish_saving()? })
}

/// The captures' names, when there are several.
pub(super) fn several(files: &[String]) -> Arc<[Arc<str>]> {
    match files {
        [] | [_] => Arc::new([]),
        several => several.iter().map(|name| Arc::from(name.as_str())).collect(),
    }
}

/// The workers, each with its shards.
fn workers(settings: &Settings, watched: bool) -> Vec<Worker> {
    let names = several(&settings.files);
    let count = settings.threads.clamp(1, limits::SHARDS);
    (0..count)
        .map(|first| {
            let flow = flow::Settings { wanted: analysis::needed(settings.flow.wanted), ..settings.flow };
            let outlet = Outlet::new(flow.wanted, false, Arc::clone(&names));
            let outlet = outlet.with_trust(settings.trust.as_ref());
            let worker = Worker::new(first, count, flow, outlet);
            if watched { worker.watched() } else { worker }
        })
        .collect()
}

/// How far behind the clock time passes where no packets come, so that none that comes yet is of a time that has passed.
const TICK_BEHIND_NS: i64 = 1_000_000_000;

/// Takes packets from the source, leaves out what is not wanted, and routes the rest.
pub(super) struct Reader {
    source: Box<dyn PacketSource>,
    pub(super) router: Router,
    store: Store,
    filter: Option<Filter>,
    left: Option<u64>,
    /// What passed, by file, when not all does: the source's description counts everything it has read.
    passed: Option<Vec<Passed>>,
    stop: Arc<AtomicBool>,
    last: PacketRef,
    ended: bool,
    save: Option<Saver>,
    /// Not all packets are written, but those that somebody chooses.
    chooses: bool,
    asking: Option<Asking>,
    /// How often somebody looks at what is open, and when they did last.
    glance_every_ns: Option<i64>,
    glanced: Option<Timestamp>,
}

impl Reader {
    pub(super) fn new(mut source: Box<dyn PacketSource>, settings: &mut Settings) -> Self {
        if settings.save.is_some() {
            source.keep();
        }
        let store = Store::new(std::mem::take(&mut settings.given), source.as_ref());
        Self {
            source,
            router: Router::default(),
            store,
            left: settings.max_packets,
            stop: Arc::clone(&settings.stop),
            last: PacketRef::default(),
            passed: (settings.filter.is_some() || settings.max_packets.is_some()).then(Vec::new),
            filter: settings.filter.take(),
            ended: false,
            save: settings.save.take(),
            chooses: false,
            asking: settings.asking.take(),
            glance_every_ns: None,
            glanced: None,
        }
    }

    /// From now on, says when it is time to look at what is open.
    fn glances(&mut self, every_ns: Option<i64>) {
        self.glance_every_ns = every_ns;
    }

    /// Behind a parcel: what the reader knows of the run, when it is time to look.
    fn glance(&mut self, clock: Option<Timestamp>) -> Option<Base> {
        let every_ns = self.glance_every_ns?;
        let now = self.source.now().or(clock)?;
        // Also when the machine's clock was set back.
        if self.glanced.is_some_and(|before| now.since(before).saturating_abs() < every_ns) {
            return None;
        }
        self.glanced = Some(now);
        Some(Base { now, captures: describe_source(self) })
    }

    /// The same, where not all packets are written, but those of [`Self::save`].
    pub(super) fn choosing(self) -> Self {
        Self { chooses: true, ..self }
    }

    /// Writes a packet of the parcel filled last, if packets are to be written. To be called in order.
    pub(super) fn save(&mut self, parcel: &Parcel, place: usize) -> io::Result<()> {
        match (&mut self.save, parcel.batch.heads.get(place)) {
            (Some(save), Some(head)) => save.packet(head, parcel.batch.bytes(head)),
            _ => Ok(()),
        }
    }

    /// All was read: ends what was written.
    pub(super) fn finish_saving(&mut self) -> io::Result<Option<Saved>> {
        self.save.take().map(Saver::finish).transpose()
    }

    /// Fills `parcel`; false when there was nothing more to read.
    pub(super) fn next(&mut self, parcel: &mut Parcel) -> io::Result<bool> {
        if self.ended || self.left == Some(0) || self.stop.load(Ordering::Relaxed) {
            return Ok(false);
        }
        self.ended = self.source.next_batch(&mut parcel.batch)? == More::No;
        if let Some(save) = &mut self.save {
            save.read(&parcel.batch.heads, self.source.take_kept())?;
        }
        if let Some(filter) = &mut self.filter {
            let Batch { buffer, heads } = &mut parcel.batch;
            heads.retain(|head| {
                let start = head.start as usize;
                let bytes = buffer.get(start..start + head.captured_length as usize).unwrap_or_default();
                filter.matches(head.link_type, bytes)
            });
        }
        if let Some(left) = &mut self.left {
            parcel.batch.heads.truncate(usize::try_from(*left).unwrap_or(usize::MAX));
            *left -= parcel.batch.heads.len() as u64;
        }
        if let Some(save) = self.save.as_mut().filter(|_| !self.chooses) {
            parcel.batch.heads.iter().try_for_each(|head| save.packet(head, parcel.batch.bytes(head)))?;
        }
        if let Some(passed) = &mut self.passed {
            for head in &parcel.batch.heads {
                let file = usize::from(head.number.file());
                if passed.len() <= file {
                    passed.resize(file + 1, Passed::default());
                }
                passed[file].add(head);
            }
        }
        self.router.route(parcel);
        let numbers = parcel.batch.heads.iter().map(|head| head.number);
        parcel.secrets = self.store.update(self.source.as_mut(), parcel.first_index, numbers);
        parcel.tick = None;
        match parcel.batch.heads.len().checked_sub(1) {
            Some(place) => self.last = parcel.packet_ref(place),
            // Nothing came from an interface: time passes all the same.
            None => {
                parcel.tick =
                    self.source.clock().map(|now| (Timestamp(now.0.saturating_sub(TICK_BEHIND_NS)), self.last))
            }
        }
        if let Some(asking) = &mut self.asking {
            asking.see(parcel);
        }
        Ok(true)
    }

    /// The last packet routed.
    pub(super) fn last(&self) -> PacketRef {
        self.last
    }

    /// Bounds by which the flows still open at the end are closed in rounds: every so many packets of each file.
    fn finish_bounds(&self) -> impl Iterator<Item = PacketNumber> + use<> {
        let files = (0u16..).zip(self.source.descriptions());
        let within = files.flat_map(|(file, capture)| {
            let steps = (1..).map(|step| step * limits::FINISHED_AT_ONCE);
            steps.take_while(move |number| *number < capture.packets).map(move |number| PacketNumber::new(file, number))
        });
        within.chain([PacketNumber::MAX]).collect::<Vec<_>>().into_iter()
    }

    pub(super) fn progress(&self) -> Progress {
        let ReadProgress { bytes_read, total_bytes } = self.source.progress();
        Progress { bytes: bytes_read, total_bytes, packets: self.router.next_index() }
    }
}

/// What the workers counted besides records.
#[derive(Default)]
struct Counted {
    applications: Applications,
    tcp_connections: Vec<u64>,
    checksums: Checksums,
    copies: Copies,
    reached: Reached,
}

impl Counted {
    fn add(&mut self, outlet: &Outlet) {
        self.applications.merge(outlet.applications());
        self.checksums.merge(outlet.checksums());
        self.copies.merge(outlet.copies());
        self.reached.merge(outlet.reached());
        let theirs = outlet.tcp_connections();
        if self.tcp_connections.len() < theirs.len() {
            self.tcp_connections.resize(theirs.len(), 0);
        }
        for (sum, count) in self.tcp_connections.iter_mut().zip(theirs) {
            *sum += count;
        }
    }
}

/// Reader, worker and collector in one loop.
fn in_line(
    mut reader: Reader,
    mut workers: Vec<Worker>,
    destination: &mut Destination<'_>,
    progress: &mut dyn FnMut(Progress),
) -> io::Result<(Reader, Counted)> {
    let mut parcel = Parcel::default();
    let mut counted = Counted::default();
    while reader.next(&mut parcel)? {
        for worker in &mut workers {
            worker.process(&parcel);
            destination.write(worker.emitted())?;
        }
        if let Some(base) = reader.glance(parcel.clock()) {
            let pieces = workers.iter_mut().map(|worker| worker.glance(base.now));
            destination.writer.glance(&base.with(pieces))?;
        }
        progress(reader.progress());
    }
    for opener in reader.finish_bounds() {
        for worker in &mut workers {
            worker.finish(reader.last(), opener);
            destination.write(worker.emitted())?;
        }
    }
    workers.iter().for_each(|worker| counted.add(worker.outlet()));
    Ok((reader, counted))
}

/// What the reader tells every worker.
#[derive(Clone)]
enum Order {
    Parcel(Arc<Parcel>),
    /// Close the flows that packets up to this one opened.
    Finish {
        at: PacketRef,
        opener: PacketNumber,
    },
    /// Look at what is open.
    Glance(Arc<Base>),
}

/// What a worker answers to each order.
#[derive(Default)]
struct Answer {
    emitted: Vec<Emitted>,
    /// Its part of what is open, where that was asked.
    glance: Option<(Arc<Base>, Piece)>,
}

/// Parcels on their way at once, for each worker: enough that nobody waits for a slow batch of another.
const PARCELS_PER_WORKER: usize = 4;

/// Answers of each worker that wait to be written. When every packet is a flow of its own, the answer to a parcel is many
/// times larger than the parcel.
const ANSWERS_PER_WORKER: usize = 1;

fn in_parallel(
    mut reader: Reader,
    workers: Vec<Worker>,
    destination: &mut Destination<'_>,
    progress: &mut dyn FnMut(Progress),
) -> io::Result<(Reader, Counted)> {
    let count = workers.len();
    let (free_sender, free) = bounded::<Parcel>(count * PARCELS_PER_WORKER);
    for _ in 0..count * PARCELS_PER_WORKER {
        let _ = free_sender.send(Parcel::default());
    }
    let (orders, order_receivers): (Vec<_>, Vec<_>) = (0..count).map(|_| bounded::<Order>(PARCELS_PER_WORKER)).unzip();
    let (answer_senders, answers): (Vec<_>, Vec<_>) = (0..count).map(|_| bounded::<Answer>(ANSWERS_PER_WORKER)).unzip();
    let (progress_sender, progress_receiver) = bounded::<Progress>(1);
    thread::scope(|scope| {
        let reading = scope.spawn(move || -> io::Result<Reader> {
            while let Ok(mut parcel) = free.recv() {
                if !reader.next(&mut parcel)? {
                    break;
                }
                let _ = progress_sender.try_send(reader.progress());
                let glance = reader.glance(parcel.clock()).map(|base| Order::Glance(Arc::new(base)));
                if !tell(&orders, Order::Parcel(Arc::new(parcel))) || glance.is_some_and(|order| !tell(&orders, order))
                {
                    return Ok(reader);
                }
            }
            for opener in reader.finish_bounds() {
                if !tell(&orders, Order::Finish { at: reader.last(), opener }) {
                    break;
                }
            }
            Ok(reader)
        });
        let working: Vec<_> = workers
            .into_iter()
            .zip(order_receivers.into_iter().zip(answer_senders))
            .map(|(worker, (orders, answers))| {
                let free = free_sender.clone();
                scope.spawn(move || work(worker, &orders, &answers, &free))
            })
            .collect();
        drop(free_sender);
        let written = collect(&answers, destination, &progress_receiver, progress);
        // Whoever still waits to be heard is released, so that all threads end.
        drop(answers);
        let mut counted = Counted::default();
        for worker in working {
            match worker.join() {
                Ok(worker) => counted.add(worker.outlet()),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        let reader = match reading.join() {
            Ok(reader) => reader?,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        written?;
        Ok((reader, counted))
    })
}

/// Gives an order to every worker; false when one has gone. Nothing of it stays here: the last worker to finish with a parcel
/// hands it back, which it could not if this thread, put aside in between, had it still.
fn tell(orders: &[Sender<Order>], order: Order) -> bool {
    let Some((last, others)) = orders.split_last() else { return false };
    others.iter().all(|worker| worker.send(order.clone()).is_ok()) && last.send(order).is_ok()
}

fn work(mut worker: Worker, orders: &Receiver<Order>, answers: &Sender<Answer>, free: &Sender<Parcel>) -> Worker {
    while let Ok(order) = orders.recv() {
        let mut glance = None;
        match order {
            Order::Parcel(parcel) => {
                worker.process(&parcel);
                // The last worker to finish with a parcel hands its buffers back.
                if let Some(parcel) = Arc::into_inner(parcel) {
                    let _ = free.try_send(parcel);
                }
            }
            Order::Finish { at, opener } => worker.finish(at, opener),
            Order::Glance(base) => {
                let piece = worker.glance(base.now);
                glance = Some((base, piece));
            }
        }
        let answer = Answer { emitted: std::mem::take(worker.emitted()), glance };
        if answers.send(answer).is_err() {
            break;
        }
    }
    worker
}

/// Takes one answer of each worker in turn, and writes their records in the order of the run.
fn collect(
    answers: &[Receiver<Answer>],
    destination: &mut Destination<'_>,
    told: &Receiver<Progress>,
    progress: &mut dyn FnMut(Progress),
) -> io::Result<()> {
    let mut emitted = Vec::new();
    loop {
        let mut base = None;
        let mut pieces = Vec::new();
        for worker in answers {
            match worker.recv() {
                Ok(answer) => {
                    emitted.extend(answer.emitted);
                    if let Some((of, piece)) = answer.glance {
                        base = Some(of);
                        pieces.push(piece);
                    }
                }
                // It has answered its last order, and so have all others.
                Err(_) => return Ok(()),
            }
        }
        emitted.sort_by_key(|emitted| (emitted.at, emitted.flow));
        destination.write(&mut emitted)?;
        if let Some(base) = base {
            destination.writer.glance(&base.with(pieces))?;
        }
        told.try_iter().for_each(&mut *progress);
    }
}

/// Where all that is complete goes, in the order of the run.
struct Destination<'a> {
    writer: &'a mut dyn Writer,
    comparison: Comparison,
    /// What is written; more is built when the comparison needs it.
    wanted: Wanted,
}

impl Destination<'_> {
    fn write(&mut self, emitted: &mut Vec<Emitted>) -> io::Result<()> {
        // One by one, so that what a record holds is freed while it is still in the cache.
        emitted.drain(..).try_for_each(|emitted| match emitted.completed {
            Completed::Record(record) => self.record(record),
            Completed::Content(content) => self.writer.content(&content),
            Completed::Probe(fact) => {
                self.comparison.probe(*fact);
                Ok(())
            }
            Completed::IcmpError(fact) => {
                self.comparison.icmp_error(&fact);
                Ok(())
            }
            Completed::Fact(fact) => {
                self.comparison.connection(&fact);
                Ok(())
            }
            Completed::Part(part) => {
                self.comparison.part(*part);
                Ok(())
            }
            Completed::LinkFact(fact) => {
                self.comparison.link_fact(*fact);
                Ok(())
            }
        })
    }

    fn record(&mut self, mut record: Record) -> io::Result<()> {
        match &mut record {
            Record::Dns(dns) => self.comparison.link(dns),
            Record::Http(http) => self.comparison.link_http(http),
            Record::Udp(udp) => self.comparison.udp(udp),
            Record::Tls(tls) => self.comparison.handshake(tls),
            Record::Arp(arp) => self.comparison.arp(arp),
            Record::Neighbor(neighbor) => self.comparison.neighbor(neighbor),
            _ => {}
        }
        if self.wanted.has(record.kind()) {
            self.writer.record(&record)?;
        }
        if let Record::Dns(dns) = record {
            self.comparison.query(*dns);
        }
        Ok(())
    }
}

/// The captures' descriptions as their source gives them.
pub(super) fn describe_source(reader: &Reader) -> Vec<Capture> {
    let mut captures = reader.source.descriptions();
    if let Some(passed) = &reader.passed {
        for (file, capture) in captures.iter_mut().enumerate() {
            passed.get(file).copied().unwrap_or_default().describe(capture);
        }
    }
    captures
}

/// The captures' descriptions with what the engine counted.
fn describe(reader: &Reader, counted: &Counted) -> Vec<Capture> {
    let mut captures = describe_source(reader);
    for (file, capture) in (0u16..).zip(&mut captures) {
        capture.tcp_connections = counted.tcp_connections.get(usize::from(file)).copied().unwrap_or_default();
        capture.protocols = reader.router.hierarchy().protocols(file, &counted.applications);
    }
    captures
}
