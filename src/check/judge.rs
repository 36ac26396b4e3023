//! Takes the records of one capture as a report's writer does, and judges them.
use std::io;

use serde_json::Value;

use super::{
    assertion::State,
    snapshot::{Found, compare},
    spec::Spec,
    verdict::{Judged, Verdict},
};
use crate::{limits::MAX_SNAPSHOT_RECORDS, record::Record, report::Writer};

/// Judges the records of one capture.
pub struct Judge<'s> {
    spec: &'s Spec,
    states: Vec<State>,
    kept: Vec<Found>,
    left_out: u64,
}

impl<'s> Judge<'s> {
    /// By this SPEC.
    #[must_use]
    pub fn new(spec: &'s Spec) -> Self {
        let states = spec.assertions.iter().map(|_| State::default()).collect();
        Self { spec, states, kept: Vec::new(), left_out: 0 }
    }

    /// Takes a record.
    pub fn take(&mut self, record: &Record) {
        let kind = record.kind();
        let of_snapshot = self.spec.snapshot.as_ref().is_some_and(|snapshot| snapshot.records.contains(&kind));
        if !of_snapshot && !self.spec.assertions.iter().any(|assertion| assertion.record == kind) {
            return;
        }
        // What cannot be made JSON of has no fields to ask about.
        let value = serde_json::to_value(record).unwrap_or(Value::Null);
        for (assertion, state) in self.spec.assertions.iter().zip(&mut self.states) {
            if assertion.record == kind {
                state.take(assertion, record, &value);
            }
        }
        if of_snapshot {
            if self.kept.len() < MAX_SNAPSHOT_RECORDS {
                self.kept.push(Found::new(record, value));
            } else {
                self.left_out = self.left_out.saturating_add(1);
            }
        }
    }

    /// What is to be written as the SPEC's snapshot; null when there are more records than a snapshot holds.
    #[must_use]
    pub fn found(&self) -> Option<&[Found]> {
        (self.left_out == 0).then_some(self.kept.as_slice())
    }

    /// The verdicts, now that all records came. `capture`: its name. Without `compares` the snapshot is left aside.
    #[must_use]
    pub fn verdicts(self, capture: &str, compares: bool) -> Judged {
        let mut verdicts: Vec<Verdict> =
            self.spec.assertions.iter().zip(self.states).map(|(assertion, state)| state.verdict(assertion)).collect();
        if let Some(snapshot) = self.spec.snapshot.as_ref().filter(|_| compares) {
            verdicts.extend(compare(snapshot, self.kept, self.left_out));
        }
        Judged { spec: self.spec.name.clone(), capture: capture.to_owned(), verdicts, ..Judged::default() }
    }
}

impl Writer for Judge<'_> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        self.take(record);
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::Capture;

    #[test]
    fn what_is_beyond_a_snapshot_makes_it_fail() {
        let spec = Spec::parse("spec.toml", "[snapshot]\nrecords = [\"capture\"]\n").unwrap();
        let mut judge = Judge::new(&spec);
        let record = Record::Capture(Box::<Capture>::default());
        for _ in 0..=MAX_SNAPSHOT_RECORDS {
            judge.take(&record);
        }
        assert!(judge.found().is_none(), "it cannot be blessed");
        let judged = judge.verdicts("x", true);
        let last = judged.verdicts.last().unwrap();
        assert!(!last.holds && last.found.contains("1 more"), "{last:?}");
    }
}
