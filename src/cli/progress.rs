//! Progress of long work, on standard error, only on a terminal, only after a second.
use std::{
    io::{self, IsTerminal, Write},
    time::{Duration, Instant},
};

use crate::engine;

/// One line that is drawn over and over.
pub struct ProgressLine {
    started: Instant,
    drawn: Option<Instant>,
    shown: bool,
}

impl ProgressLine {
    const QUIET: Duration = Duration::from_secs(1);
    const EVERY: Duration = Duration::from_millis(100);

    /// Shows nothing where standard error is no terminal.
    #[must_use]
    pub fn new() -> Self {
        Self { started: Instant::now(), drawn: None, shown: io::stderr().is_terminal() }
    }

    /// Draws, if it is time.
    pub fn update(&mut self, progress: engine::Progress) {
        let now = Instant::now();
        let elapsed = now - self.started;
        if !self.shown || elapsed < Self::QUIET || self.drawn.is_some_and(|drawn| now - drawn < Self::EVERY) {
            return;
        }
        self.drawn = Some(now);
        let seconds = elapsed.as_secs_f64();
        let rate = progress.packets as f64 / seconds;
        let place = match progress.total_bytes.filter(|total| *total > 0) {
            Some(total) => {
                let part = (progress.bytes as f64 / total as f64).min(1.0);
                let left = if part > 0.0 { seconds / part - seconds } else { 0.0 };
                format!("{:3.0} %, {left:.0} s left · ", part * 100.0)
            }
            // An interface has no bytes of a file.
            None if progress.bytes == 0 => String::new(),
            None => format!("{:.0} MB · ", progress.bytes as f64 / 1e6),
        };
        let _ = write!(io::stderr(), "\r\x1b[K{place}{} packets · {rate:.0} packets/s", progress.packets);
        let _ = io::stderr().flush();
    }
}

impl Drop for ProgressLine {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
