//! What is worth a person's attention in a connection: a closed catalogue of codes, each with its proof.
mod closing;
mod hops;
mod opening;
mod quality;

use super::connection::Connection;
use crate::record::{Evidence, Finding, FlowFacts, PacketNumber, Severity, Side, Subject, Timestamp};

struct Writer<'a> {
    facts: &'a FlowFacts,
    findings: Vec<Finding>,
}

impl Writer<'_> {
    fn add(
        &mut self,
        code: &'static str,
        severity: Severity,
        evidence: Evidence,
        title: String,
        explanation: &str,
        reference: &'static str,
    ) {
        self.findings.push(Finding {
            subject: Subject::new(self.facts.id, evidence),
            client: Some(self.facts.client),
            server: Some(self.facts.server),
            severity,
            code,
            title,
            explanation: explanation.to_owned(),
            reference: Some(reference),
        });
    }
}

fn proof(numbers: &[PacketNumber], total: u64) -> Evidence {
    let mut evidence: Evidence = numbers.iter().copied().collect();
    evidence.add_unlisted(total.saturating_sub(evidence.total()));
    evidence
}

/// A number of things, as one says it.
fn count(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

/// A time in words: `3.1 ms`, `5.0 s`.
fn duration(nanoseconds: i64) -> String {
    let tenths = |unit: i64| {
        let tenths = nanoseconds.saturating_add(unit / 20).checked_div(unit / 10).unwrap_or(0);
        format!("{}.{}", tenths / 10, tenths % 10)
    };
    match nanoseconds {
        i64::MIN..1_000_000 => format!("{} µs", nanoseconds.max(0) / 1000),
        1_000_000..1_000_000_000 => format!("{} ms", tenths(1_000_000)),
        _ => format!("{} s", tenths(1_000_000_000)),
    }
}

fn name(side: Side) -> &'static str {
    match side {
        Side::Client => "client",
        Side::Server => "server",
    }
}

impl Connection {
    /// The findings about this connection, in a fixed order. It was watched until `until`.
    #[must_use]
    pub fn findings(&self, facts: &FlowFacts, until: Timestamp) -> Vec<Finding> {
        let mut writer = Writer { facts, findings: Vec::new() };
        self.opening_findings(&mut writer, until);
        self.closing_findings(&mut writer);
        for side in [Side::Client, Side::Server] {
            self.quality_findings(&mut writer, side);
            self.hop_findings(&mut writer, side);
        }
        writer.findings
    }
}
