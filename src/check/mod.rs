//! Captures as tests: what a SPEC asks of the records of a capture, whether it holds, and how that is told.
//!
//! A [`Spec`] is read from TOML; every mistake in it has its place. A [`Judge`] takes the records of one capture as a report's
//! writer does and answers [`Judged`]: a verdict for each assertion, and the differences from the snapshot. [`report`] writes
//! verdicts for people and for CI. Captures are read elsewhere: this room sees records only.
#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::cast_sign_loss)
)]
mod assertion;
mod datum;
mod fields;
mod judge;
mod mistake;
mod question;
pub mod report;
mod snapshot;
mod spec;
mod verdict;

pub use judge::Judge;
pub use mistake::Mistake;
pub use snapshot::{Found, Rule, bless, default_records};
pub use spec::Spec;
pub use verdict::{Changed, Difference, Judged, Line, Proof, Verdict};
