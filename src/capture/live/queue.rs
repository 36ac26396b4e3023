//! A queue in memory before the analysis, for a source that must not wait for it: one that writes a file.
//!
//! Packets are read on a thread of its own and wait for whoever asks for them, up to [`limits::LIVE_QUEUE_BYTES`]. When they
//! are more, the source goes on and what it reads is left out, a batch at a time, counted and told by
//! [`PacketSource::left_out`]. Numbers of packets are the source's: what was left out is missing among them.
use std::{
    collections::VecDeque,
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, atomic::Ordering},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use super::Counts;
use crate::{
    capture::{Batch, Comment, LeftOut, More, PacketHead, PacketSource, ReadProgress, Secrets},
    limits,
    record::{Capture, Timestamp},
};

/// How often the source's description is asked for while it runs.
const DESCRIBED_EVERY: Duration = Duration::from_millis(100);
/// An empty batch is handed on when nothing has come for so long.
const TICK: Duration = Duration::from_millis(100);

/// A source whose packets wait in a bounded queue.
pub struct Queued {
    /// Until the first packet is asked for: no thread is begun before.
    source: Option<Box<dyn PacketSource>>,
    reading: Option<JoinHandle<Option<Box<dyn PacketSource>>>>,
    shared: Arc<Shared>,
    most_bytes: usize,
    counts: Counts,
    clock: Option<fn() -> Option<Timestamp>>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    came: Condvar,
}

#[derive(Default)]
struct State {
    /// Batches that wait, and what they hold beside packets.
    waiting: VecDeque<Batch>,
    bytes: usize,
    /// Batches that have been used, to be used again.
    free: Vec<Batch>,
    secrets: Vec<Secrets>,
    comments: Vec<Comment>,
    left_out: Option<LeftOut>,
    left_out_by_interface: Vec<u64>,
    description: Vec<Capture>,
    progress: ReadProgress,
    ended: bool,
    error: Option<io::Error>,
    /// Nobody takes packets any more.
    closed: bool,
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Queued {
    /// Around `source`, whose packets left out are counted in `counts` too.
    #[must_use]
    pub fn new(source: Box<dyn PacketSource>, counts: Counts) -> Self {
        Self::with_room(source, counts, limits::LIVE_QUEUE_BYTES)
    }

    fn with_room(source: Box<dyn PacketSource>, counts: Counts, most_bytes: usize) -> Self {
        let shared = Arc::new(Shared::default());
        shared.state().description = source.descriptions();
        let clock: Option<fn() -> Option<Timestamp>> = source.clock().map(|_| super::clock as fn() -> _);
        Self { source: Some(source), reading: None, shared, most_bytes, counts, clock }
    }

    fn begin(&mut self) -> io::Result<()> {
        let Some(source) = self.source.take() else { return Ok(()) };
        let (shared, counts, most_bytes) = (Arc::clone(&self.shared), self.counts.clone(), self.most_bytes);
        let reading = thread::Builder::new().name("capture".to_owned());
        self.reading = Some(reading.spawn(move || Producer { source, shared, counts, most_bytes }.run())?);
        Ok(())
    }
}

/// The reading thread's half.
struct Producer {
    source: Box<dyn PacketSource>,
    shared: Arc<Shared>,
    counts: Counts,
    most_bytes: usize,
}

impl Producer {
    /// Reads to the end. Answers the source, which has more to say; none when it failed.
    fn run(mut self) -> Option<Box<dyn PacketSource>> {
        // Should reading panic, nobody waits for ever.
        let ends = Ends(Arc::clone(&self.shared));
        let mut batch = Batch::default();
        let mut described: Option<Instant> = None;
        loop {
            let read = self.source.next_batch(&mut batch);
            let (secrets, comments) = (self.source.take_secrets(), self.source.take_comments());
            let ended = !matches!(read, Ok(More::Yes));
            let stale = described.is_none_or(|at| at.elapsed() >= DESCRIBED_EVERY);
            let description = (stale || ended).then(|| self.source.descriptions());
            let progress = self.source.progress();
            let mut state = self.shared.state();
            if let Some(description) = description {
                described = Some(Instant::now());
                state.description = description;
            }
            state.progress = progress;
            state.secrets.extend(secrets);
            state.comments.extend(comments);
            match read {
                Ok(_) => batch = self.put(&mut state, batch),
                Err(error) => state.error = Some(error),
            }
            let closed = state.closed;
            drop(state);
            self.shared.came.notify_one();
            if ended || closed {
                break;
            }
        }
        drop(ends);
        Some(self.source)
    }

    /// Puts a batch at the end of the queue, or leaves its packets out; answers one to read into.
    fn put(&self, state: &mut State, batch: Batch) -> Batch {
        if batch.heads.is_empty() {
            return batch;
        }
        let bytes = used(&batch);
        if state.bytes.saturating_add(bytes) > self.most_bytes {
            self.leave_out(state, &batch.heads);
            return batch;
        }
        state.bytes = state.bytes.saturating_add(bytes);
        // Small batches that wait are put together: the room of each is that of a large one.
        if let Some(last) = state.waiting.back_mut()
            && last.buffer.len().saturating_add(batch.buffer.len()) <= limits::READ_BUFFER_BYTES
        {
            append(last, &batch);
            return batch;
        }
        state.waiting.push_back(batch);
        state.free.pop().unwrap_or_default()
    }

    fn leave_out(&self, state: &mut State, heads: &[PacketHead]) {
        let Some(first) = heads.first() else { return };
        let left_out =
            state.left_out.get_or_insert(LeftOut { packets: 0, first: first.number, timestamp: first.timestamp });
        left_out.packets = left_out.packets.saturating_add(heads.len() as u64);
        for head in heads {
            let place = head.interface as usize;
            if state.left_out_by_interface.len() <= place {
                state.left_out_by_interface.resize(place.saturating_add(1), 0);
            }
            if let Some(count) = state.left_out_by_interface.get_mut(place) {
                *count = count.saturating_add(1);
            }
            if let Some(counts) = self.counts.of(place) {
                counts.not_analyzed.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}

/// What a batch takes of the queue: its bytes, and the heads of its packets.
fn used(batch: &Batch) -> usize {
    batch.heads.len().saturating_mul(size_of::<PacketHead>()).saturating_add(batch.buffer.len())
}

fn append(last: &mut Batch, more: &Batch) {
    let start = u32::try_from(last.buffer.len()).unwrap_or(u32::MAX);
    last.buffer.extend_from_slice(&more.buffer);
    last.heads.extend(more.heads.iter().map(|head| PacketHead { start: head.start.saturating_add(start), ..*head }));
}

/// Tells that reading has ended, however it did.
struct Ends(Arc<Shared>);

impl Drop for Ends {
    fn drop(&mut self) {
        self.0.state().ended = true;
        self.0.came.notify_one();
    }
}

impl PacketSource for Queued {
    fn next_batch(&mut self, batch: &mut Batch) -> io::Result<More> {
        self.begin()?;
        batch.heads.clear();
        let mut state = self.shared.state();
        if state.waiting.is_empty() && !state.ended {
            let waited =
                self.shared.came.wait_timeout_while(state, TICK, |state| state.waiting.is_empty() && !state.ended);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let next = state.waiting.pop_front();
        let more = if state.ended && state.waiting.is_empty() { More::No } else { More::Yes };
        match next {
            Some(next) => {
                state.bytes = state.bytes.saturating_sub(used(&next));
                let done = std::mem::replace(batch, next);
                // As many as are under way at once need not be made again; a backlog's are given back.
                if state.free.len() < 8 {
                    state.free.push(done);
                }
            }
            None if state.ended => {
                if let Some(error) = state.error.take() {
                    return Err(error);
                }
                drop(state);
                if let Some(Err(panic)) = self.reading.take().map(JoinHandle::join) {
                    std::panic::resume_unwind(panic);
                }
                return Ok(More::No);
            }
            None => {}
        }
        // Whoever reads to the end hears of an error by asking once more.
        Ok(if more == More::No && (state.error.is_some() || self.reading.is_some()) { More::Yes } else { more })
    }

    fn description(&self) -> Capture {
        self.descriptions().into_iter().next().unwrap_or_default()
    }

    fn descriptions(&self) -> Vec<Capture> {
        let state = self.shared.state();
        let mut captures = state.description.clone();
        if let Some(capture) = captures.first_mut() {
            for (interface, left_out) in capture.interfaces.iter_mut().zip(&state.left_out_by_interface) {
                interface.not_analyzed = Some(*left_out);
            }
        }
        captures
    }

    fn clock(&self) -> Option<Timestamp> {
        self.clock.and_then(|clock| clock())
    }

    fn now(&self) -> Option<Timestamp> {
        self.clock.and_then(|clock| clock())
    }

    fn left_out(&self) -> Option<LeftOut> {
        self.shared.state().left_out
    }

    fn progress(&self) -> ReadProgress {
        self.shared.state().progress
    }

    fn take_secrets(&mut self) -> Vec<Secrets> {
        std::mem::take(&mut self.shared.state().secrets)
    }

    fn take_comments(&mut self) -> Vec<Comment> {
        std::mem::take(&mut self.shared.state().comments)
    }
}

impl Drop for Queued {
    /// Whoever took packets has gone: the source is ended, so that what it writes is whole.
    fn drop(&mut self) {
        self.shared.state().closed = true;
        if let Some(reading) = self.reading.take() {
            let _ = reading.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{Interface, LinkType, PacketNumber};

    /// Packets as fast as they are taken, on two interfaces in turn.
    struct Fast {
        next: u64,
        last: u64,
        per_batch: u64,
        length: usize,
        fails: bool,
        dropped: Arc<Mutex<bool>>,
    }

    impl PacketSource for Fast {
        fn next_batch(&mut self, batch: &mut Batch) -> io::Result<More> {
            batch.heads.clear();
            batch.buffer.clear();
            for number in self.next..(self.next + self.per_batch).min(self.last + 1) {
                batch.heads.push(PacketHead {
                    number: PacketNumber::new(0, number),
                    timestamp: Timestamp(i64::try_from(number).unwrap()),
                    start: u32::try_from(batch.buffer.len()).unwrap(),
                    captured_length: u32::try_from(self.length).unwrap(),
                    wire_length: u32::try_from(self.length).unwrap(),
                    interface: u32::from(number.is_multiple_of(2)),
                    link_type: LinkType::ETHERNET,
                });
                batch.buffer.extend_from_slice(&number.to_le_bytes());
                batch.buffer.resize(batch.buffer.len() + self.length - 8, 0);
            }
            self.next += self.per_batch;
            if self.next <= self.last {
                return Ok(More::Yes);
            }
            if self.fails { Err(io::Error::other("the disk is full")) } else { Ok(More::No) }
        }

        fn description(&self) -> Capture {
            let interfaces = vec![Interface::default(), Interface::default()];
            Capture { packets: (self.next - 1).min(self.last), interfaces, ..Capture::default() }
        }
    }

    impl Drop for Fast {
        fn drop(&mut self) {
            *self.dropped.lock().unwrap() = true;
        }
    }

    fn fast(last: u64, per_batch: u64, length: usize) -> Fast {
        Fast { next: 1, last, per_batch, length, fails: false, dropped: Arc::default() }
    }

    /// The numbers of all packets handed on, checked against their bytes.
    fn numbers(source: &mut Queued, pause: Duration) -> io::Result<Vec<u64>> {
        let (mut numbers, mut batch) = (Vec::new(), Batch::default());
        loop {
            let more = source.next_batch(&mut batch)?;
            for head in &batch.heads {
                let number = head.number.number();
                assert_eq!(batch.bytes(head)[..8], number.to_le_bytes(), "bytes and heads belong together");
                numbers.push(number);
            }
            if more == More::No {
                return Ok(numbers);
            }
            thread::sleep(pause);
        }
    }

    #[test]
    fn who_keeps_up_gets_everything() {
        for per_batch in [1, 7, 1000] {
            let source = fast(20_000, per_batch, 60);
            let mut queued = Queued::with_room(Box::new(source), Counts::default(), 64 << 20);
            assert_eq!(numbers(&mut queued, Duration::ZERO).unwrap(), (1..=20_000).collect::<Vec<_>>(), "{per_batch}");
            assert_eq!(queued.left_out(), None);
            assert_eq!(queued.description().packets, 20_000);
        }
    }

    #[test]
    fn what_does_not_fit_is_left_out_and_counted() {
        let counts = Counts::new(["one".to_owned(), "two".to_owned()].into_iter());
        let source = fast(50_000, 11, 1000);
        let mut queued = Queued::with_room(Box::new(source), counts.clone(), 1 << 20);
        let numbers = numbers(&mut queued, Duration::from_millis(2)).unwrap();
        let left_out = queued.left_out().unwrap();
        assert_eq!(numbers.len() as u64 + left_out.packets, 50_000, "each packet was handed on or counted");
        assert!(numbers.is_sorted() && left_out.packets > 1000, "{left_out:?}");
        let first_missing = (1..).zip(&numbers).find(|(number, got)| number != *got).map_or(0, |(number, _)| number);
        assert_eq!(left_out.first.number(), first_missing);
        let capture = queued.description();
        let by_interface: Vec<u64> = capture.interfaces.iter().map(|one| one.not_analyzed.unwrap()).collect();
        let missing = |rest| (1..=50_000).filter(|n| n % 2 == rest && numbers.binary_search(n).is_err()).count() as u64;
        assert_eq!(by_interface, [missing(1), missing(0)]);
        assert_eq!(counts.now().iter().map(|count| count.not_analyzed).collect::<Vec<_>>(), by_interface);
        assert_eq!(capture.packets, 50_000, "all were captured");
    }

    #[test]
    fn memory_is_bounded() {
        let source = fast(2_000_000, 500, 60);
        let mut queued = Queued::with_room(Box::new(source), Counts::default(), 4 << 20);
        let mut batch = Batch::default();
        assert_eq!(queued.next_batch(&mut batch).unwrap(), More::Yes);
        while !queued.shared.state().ended {
            let state = queued.shared.state();
            assert!(state.bytes <= 4 << 20);
            let room: usize = state.waiting.iter().map(|batch| batch.buffer.capacity()).sum();
            assert!(room <= 16 << 20, "{room}");
            drop(state);
            thread::sleep(Duration::from_millis(1));
        }
        let rest = numbers(&mut queued, Duration::ZERO).unwrap().len() + batch.heads.len();
        assert_eq!(rest as u64 + queued.left_out().unwrap().packets, 2_000_000);
    }

    #[test]
    fn what_came_before_an_error_is_handed_on_first() {
        let mut source = fast(1000, 10, 60);
        source.fails = true;
        let mut queued = Queued::with_room(Box::new(source), Counts::default(), 64 << 20);
        let (mut got, mut batch) = (0, Batch::default());
        let error = loop {
            match queued.next_batch(&mut batch) {
                Ok(more) => {
                    got += batch.heads.len();
                    assert_eq!(more, More::Yes, "an error is to come");
                }
                Err(error) => break error,
            }
        };
        // The batch that failed was not read.
        assert_eq!((got, error.to_string().as_str()), (990, "the disk is full"));
    }

    #[test]
    fn who_goes_away_ends_the_source() {
        let source = fast(u64::MAX - 1, 10, 60);
        let dropped = Arc::clone(&source.dropped);
        let mut queued = Queued::with_room(Box::new(source), Counts::default(), 1 << 20);
        queued.next_batch(&mut Batch::default()).unwrap();
        drop(queued);
        assert!(*dropped.lock().unwrap(), "and waits until it is over");
    }
}
