//! The screen of a live run: what to show is kept as records and glances come ([`keeper`]), laid out for a size ([`layout`]),
//! and drawn over what is there already ([`frame`]). No terminal is needed for any of it: that is the command line's.
mod frame;
mod keeper;
mod keys;
mod layout;
mod panes;
#[cfg(test)]
mod tests;

use std::io;

pub use frame::Frame;
pub use keeper::View;
pub use keys::{Key, Look, Wish};
pub use layout::draw;

use super::{Writer, table::TableWriter};
use crate::record::{Glance, HttpContent, Record, Wanted};
use keeper::Keeper;

/// How often the screen looks at what is open, in nanoseconds: four times a second, which is as fast as people read.
const EVERY_NS: i64 = 250_000_000;

/// What a run captures from, in the user's words.
#[derive(Clone, Debug, Default)]
pub struct Source {
    /// The interfaces.
    pub interfaces: Vec<String>,
    /// The capture filters: one for all, or one for each.
    pub filters: Vec<String>,
    /// The display filter.
    pub display_filter: Option<String>,
}

/// Who shows what the screen holds: a terminal.
pub trait Display: Send {
    /// This is to be seen now. Must not wait for the terminal.
    ///
    /// # Errors
    /// What the terminal said when it was taken, with the first view.
    fn show(&mut self, view: View) -> io::Result<()>;

    /// The run is over: leaves the screen as it was before. What is written from now on is the report, in lines of as many
    /// columns as this answers.
    fn leave(&mut self) -> Option<usize>;
}

/// Shows what happens while it happens, and hands everything on to the table writer, which prints the
/// report at the end.
pub struct ScreenWriter<'w> {
    report: TableWriter,
    display: Box<dyn Display + 'w>,
    keeper: Keeper,
}

impl<'w> ScreenWriter<'w> {
    /// On `display`, and at the end by `report`. Only records of the `wanted` kinds come; the screen shows panes for those.
    #[must_use]
    pub fn new(report: TableWriter, display: Box<dyn Display + 'w>, source: Source, wanted: Wanted) -> Self {
        Self { report, display, keeper: Keeper::new(source, wanted) }
    }
}

impl Writer for ScreenWriter<'_> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.keeper.record(record);
        self.report.record(record)
    }

    fn content(&mut self, content: &HttpContent) -> io::Result<()> {
        self.report.content(content)
    }

    fn glance_every_ns(&self) -> Option<i64> {
        Some(EVERY_NS)
    }

    fn glance(&mut self, glance: &Glance) -> io::Result<()> {
        self.keeper.glance(glance);
        self.display.show(self.keeper.view(glance))
    }

    fn finish(&mut self) -> io::Result<()> {
        self.report.set_columns(self.display.leave());
        self.report.finish()
    }
}
