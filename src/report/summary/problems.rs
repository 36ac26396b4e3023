//! Findings grouped by code, the gravest first.
use std::cmp::Reverse;

use super::Style;
use crate::{
    limits,
    record::{Finding, Severity},
    report::{escape::escape, units},
};

/// Packet numbers shown beside a problem.
const SHOWN_NUMBERS: usize = 4;

/// All findings with one code.
pub struct Problem {
    /// How many.
    pub count: u64,
    /// The gravest of them, the first one among equals.
    pub first: Finding,
}

impl Problem {
    /// Its title, and how many more there are.
    pub fn title(&self) -> String {
        match self.count {
            0 | 1 => escape(&self.first.title).into_owned(),
            more => format!("{} (and {} more)", escape(&self.first.title), units::count(more - 1)),
        }
    }

    /// Its flow and packets: `flow 17  #412 #414 #415`.
    pub fn evidence(&self, several_files: bool) -> String {
        let subject = &self.first.subject;
        let mut parts = Vec::new();
        if let Some(file) = subject.file.as_ref().filter(|_| several_files) {
            parts.push(escape(file).into_owned());
        }
        if let Some(flow) = subject.flow {
            parts.push(format!("flow {flow}"));
        }
        let numbers = subject.evidence.numbers();
        parts.extend(numbers.iter().take(SHOWN_NUMBERS).map(|number| format!("#{number}")));
        if numbers.len() > SHOWN_NUMBERS {
            parts.push("…".to_owned());
        }
        parts.join(" ")
    }

    /// How it is coloured.
    pub fn style(&self) -> Style {
        match self.first.severity {
            Severity::Error => Style::Red,
            Severity::Warning => Style::Yellow,
            Severity::Note => Style::Plain,
        }
    }
}

/// The sign before a problem: it reads without colour.
pub fn symbol(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "✖",
        Severity::Warning => "▲",
        Severity::Note => "·",
    }
}

/// All findings of a run.
#[derive(Default)]
pub struct Problems {
    groups: Vec<Problem>,
    counts: [u64; 3],
}

impl Problems {
    /// Counts a finding in.
    pub fn add(&mut self, finding: &Finding) {
        if let Some(count) = self.counts.get_mut(finding.severity as usize) {
            *count += 1;
        }
        if let Some(group) = self.groups.iter_mut().find(|group| group.first.code == finding.code) {
            group.count += 1;
            if finding.severity > group.first.severity {
                group.first = finding.clone();
            }
        } else if self.groups.len() < limits::MAX_FINDING_CODES {
            self.groups.push(Problem { count: 1, first: finding.clone() });
        }
    }

    /// Whether nothing was found.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// `1 error · 2 warnings · 3 notes`, what there is none of left out.
    pub fn tally(&self) -> String {
        let kinds = [(Severity::Error, "error"), (Severity::Warning, "warning"), (Severity::Note, "note")];
        let counted =
            kinds.iter().map(|(severity, noun)| (self.counts.get(*severity as usize).copied().unwrap_or(0), noun));
        let parts: Vec<String> = counted.filter(|(n, _)| *n > 0).map(|(n, noun)| units::counted(n, noun)).collect();
        parts.join(" · ")
    }

    /// The groups, the gravest first, then the commonest, then by code.
    pub fn sorted(&self) -> Vec<&Problem> {
        let mut groups: Vec<&Problem> = self.groups.iter().collect();
        groups.sort_by_key(|group| (Reverse(group.first.severity), Reverse(group.count), group.first.code));
        groups
    }
}
