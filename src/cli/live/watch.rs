//! What happens beside a live capture: signals, counts on request, and what is said when an interface changes.
use std::{
    io::{self, Write},
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use crate::{
    capture::live::{Counts, InterfaceCount, OnChange},
    cli::{complain, exit::Failure},
    record::{InterfaceChange, Timestamp},
    report,
};

/// How long a record that is complete waits in memory before it is printed.
const FLUSHED_EVERY: Duration = Duration::from_millis(100);

/// Signals that this run listens to. Registered before the process is closed in, listened to afterwards.
pub(super) struct Watch {
    /// True once the end was asked for.
    pub stop: Arc<AtomicBool>,
    #[cfg(unix)]
    signals: signal_hook::iterator::Signals,
}

impl Watch {
    /// SIGINT and SIGTERM end the run, the second one at once; SIGUSR1 asks for counts.
    pub fn new() -> Result<Self, Failure> {
        let stop = Arc::new(AtomicBool::new(false));
        let failed = |error: io::Error| Failure::Capture(format!("cannot watch for signals: {error}"));
        #[cfg(unix)]
        {
            use signal_hook::{consts, flag, iterator::Signals};
            for signal in [consts::SIGINT, consts::SIGTERM] {
                // A second signal ends at once, should the first not be enough.
                flag::register_conditional_default(signal, Arc::clone(&stop)).map_err(failed)?;
                flag::register(signal, Arc::clone(&stop)).map_err(failed)?;
            }
            Ok(Self { stop, signals: Signals::new([consts::SIGUSR1]).map_err(failed)? })
        }
        #[cfg(not(unix))]
        Ok(Self { stop }).map_err(failed)
    }

    /// Answers SIGUSR1 from now on: a line for each interface, and `what` of the process, on standard error.
    #[cfg(unix)]
    pub fn answer(self, counts: Counts, what: String) -> Result<(), Failure> {
        let mut signals = self.signals;
        let answers = thread::Builder::new().name("counts".to_owned()).spawn(move || {
            for _ in signals.forever() {
                let lines: Vec<String> = counts.now().iter().map(line).collect();
                complain(&format!("{} ({what})", lines.join("; ")));
            }
        });
        answers.map(drop).map_err(|error| Failure::Capture(format!("cannot watch for signals: {error}")))
    }

    /// There is no SIGUSR1 here.
    #[cfg(not(unix))]
    pub fn answer(self, _: Counts, _: String) -> Result<(), Failure> {
        Ok(())
    }
}

/// `eth0: 120 packets captured, 120 received, 0 dropped by the kernel, 0 by the interface, 0 not analyzed`.
fn line(count: &InterfaceCount) -> String {
    let state = match count.change {
        None | Some(InterfaceChange::Up) => "",
        Some(InterfaceChange::Down) => ", down",
        Some(InterfaceChange::NoCarrier) => ", no carrier",
        Some(InterfaceChange::Gone) => ", gone",
    };
    format!(
        "{}: {} packets captured, {} received, {} dropped by the kernel, {} by the interface, {} not analyzed{state}",
        count.name,
        count.captured,
        count.received,
        count.dropped_by_kernel,
        count.dropped_by_interface,
        count.not_analyzed
    )
}

/// Says at once on standard error what happens to interfaces.
pub(super) fn on_change() -> OnChange {
    Arc::new(|name: &str, change: InterfaceChange, _: Timestamp| {
        let what = match change {
            InterfaceChange::Down => "went down: nothing comes from it until it is up again",
            InterfaceChange::NoCarrier => "has no carrier: its other end is not connected or down",
            InterfaceChange::Up => "is up again",
            InterfaceChange::Gone => "is gone: what was captured from it stays, and no more comes",
        };
        complain(&format!("{name} {what}"));
    })
}

/// Standard output whose content is not held back for long: full buffers are written, and with [`Flusher::begin`] what is
/// there every 100 ms.
pub(super) fn flushed() -> (report::Output, Flusher) {
    let held = Held { out: Mutex::new(io::BufWriter::new(io::stdout())), fresh: AtomicBool::new(false) };
    let held = Arc::new(held);
    (Box::new(Flushed(Arc::clone(&held))), Flusher(Arc::downgrade(&held)))
}

/// Writes what is complete, now and then.
pub(super) struct Flusher(Weak<Held>);

impl Flusher {
    /// Begins, on a thread of its own, until the output is closed.
    pub fn begin(self) {
        // Without the thread, full buffers and the end are when it is written.
        let _ = thread::Builder::new().name("flush".to_owned()).spawn(move || {
            while let Some(held) = self.0.upgrade() {
                if held.fresh.swap(false, Ordering::Relaxed) {
                    // An error comes again with the next write.
                    let _ = held.out.lock().unwrap_or_else(PoisonError::into_inner).flush();
                }
                drop(held);
                thread::sleep(FLUSHED_EVERY);
            }
        });
    }
}

struct Held {
    out: Mutex<io::BufWriter<io::Stdout>>,
    fresh: AtomicBool,
}

struct Flushed(Arc<Held>);

impl Write for Flushed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.out.lock().unwrap_or_else(PoisonError::into_inner).write(bytes);
        self.0.fresh.store(true, Ordering::Relaxed);
        written
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.out.lock().unwrap_or_else(PoisonError::into_inner).flush()
    }
}
