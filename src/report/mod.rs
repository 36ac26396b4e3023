//! One writer per format. Writers know no protocol; only writers escape and format.
use std::io;

use crate::record::Record;

/// Prints records in one format.
pub trait Writer {
    /// Takes one record. Records come in their final order: `report` first, `capture` last.
    ///
    /// # Errors
    /// What the output said.
    fn record(&mut self, record: &Record) -> io::Result<()>;

    /// Nothing more will come: prints what is left and flushes.
    ///
    /// # Errors
    /// What the output said.
    fn finish(&mut self) -> io::Result<()>;
}
