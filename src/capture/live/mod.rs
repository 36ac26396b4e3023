//! Live capture through libpcap. [`LiveSource`] reads one interface or several, merged by time; it never blocks for longer
//! than a tick, so that a stop, a duration and idle time take effect on a silent wire. [`Queued`] goes around whatever must
//! not wait for the analysis. Nothing here prints, or knows who the process runs as.
mod counts;
mod devices;
mod interface;
mod options;
mod queue;
mod source;
mod wait;

pub use counts::{Counts, InterfaceCount};
pub use devices::{CaptureDevice, allowed, interfaces, name};
pub use options::{InterfaceChoice, LiveError, LiveOptions, OnChange, remedy};
pub use queue::Queued;
pub use source::LiveSource;

use std::time::SystemTime;

use crate::record::Timestamp;

/// The machine's clock, which packets are stamped by.
fn clock() -> Option<Timestamp> {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_nanos()).ok().map(Timestamp)
}

#[cfg(test)]
mod tests;
