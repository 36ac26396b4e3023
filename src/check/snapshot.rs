//! A snapshot: records of a capture, written into the SPEC with what changes from recording to recording taken out by rule.
mod compare;
mod normalise;
mod write;

use serde_json::Value;

pub use self::{
    compare::compare,
    normalise::{Ignored, Rule},
    write::{bless, default_records},
};
use super::verdict::Proof;
use crate::record::{FlowId, Record, RecordKind};

/// The `[snapshot]` of a SPEC.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// Where it is in the SPEC, from 1.
    pub line: usize,
    /// The types of record that are compared.
    pub records: Vec<RecordKind>,
    /// Whether the SPEC had none.
    pub is_new: bool,
    /// Whether `records` was written in the SPEC.
    pub is_chosen: bool,
    /// What is taken out.
    pub rules: Vec<Rule>,
    /// Fields that are taken out besides.
    pub ignored: Vec<Ignored>,
    /// The records as they were.
    pub saved: Vec<Saved>,
}

/// A record as it was.
#[derive(Clone, Debug)]
pub struct Saved {
    /// Its type.
    pub record: RecordKind,
    /// Where it is in the SPEC, from 1.
    pub line: usize,
    /// Its fields.
    pub value: Value,
}

/// A record as it came.
#[derive(Clone, Debug)]
pub struct Found {
    record: RecordKind,
    flow: Option<FlowId>,
    value: Value,
    proof: Proof,
}

impl Found {
    /// Of `record`, whose JSON is `value`.
    #[must_use]
    pub fn new(record: &Record, value: Value) -> Self {
        let flow = record.subject().and_then(|subject| subject.flow);
        let proof = Proof::of(record, &value, std::iter::empty());
        Self { record: record.kind(), flow, value, proof }
    }
}
