//! The caps that were reached in a run: how often and where first, one finding each at the end.
use std::{collections::BTreeMap, sync::Arc};

use crate::{
    limits::Limit,
    record::{Evidence, Finding, PacketRef, Severity, Subject},
};

/// Caps by code. The same for any number of workers: counts are added, and the first packet is the first of all.
#[derive(Debug, Default)]
pub struct Reached {
    limits: BTreeMap<&'static str, (&'static Limit, u64, PacketRef)>,
}

impl Reached {
    /// `limit` was reached `times` at packet `at`.
    pub fn add(&mut self, limit: &'static Limit, at: PacketRef, times: u64) {
        let (_, count, first) = self.limits.entry(limit.code).or_insert((limit, 0, at));
        *count = count.saturating_add(times);
        *first = (*first).min(at);
    }

    /// Adds what another worker counted.
    pub fn merge(&mut self, other: &Self) {
        for (limit, times, at) in other.limits.values() {
            self.add(limit, *at, *times);
        }
    }

    /// One finding for each cap. `files` are the captures' names, when there are several.
    #[must_use]
    pub fn findings(&self, files: &[Arc<str>]) -> Vec<Finding> {
        let finding = |(limit, times, first): &(&'static Limit, u64, PacketRef)| {
            let mut evidence: Evidence = std::iter::once(first.number).collect();
            evidence.add_unlisted(times.saturating_sub(1));
            Finding {
                subject: Subject { flow: None, file: files.get(usize::from(first.number.file())).cloned(), evidence },
                client: None,
                server: None,
                severity: Severity::Warning,
                code: limit.code,
                title: format!("{times} {}", limit.what),
                explanation: limit.explanation.to_owned(),
                reference: None,
            }
        };
        self.limits.values().map(finding).collect()
    }
}
