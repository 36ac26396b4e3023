//! What went wrong with IP fragments: parts that contradict each other, and datagrams that were never whole.
use std::sync::Arc;

use super::checksums::Wrong as Listed;
use crate::{
    flow::fragment::Incomplete,
    record::{Evidence, Finding, PacketRef, Severity, Subject},
};

/// Fragments that overlap others.
#[derive(Debug, Default)]
pub struct Fragments {
    overlapping: Listed,
}

impl Fragments {
    /// A fragment overlaps others of its datagram.
    pub fn overlaps(&mut self, at: PacketRef) {
        self.overlapping.add(at);
    }

    /// What a person should know of it. `files` are the captures' names, when there are several.
    #[must_use]
    pub fn findings(&self, incomplete: &Incomplete, files: &[Arc<str>]) -> Vec<Finding> {
        let finding = |evidence: Evidence, severity, code, title: String, explanation: &str, reference| {
            let first = evidence.numbers().first();
            let file = first.and_then(|first| files.get(usize::from(first.file()))).cloned();
            Finding {
                subject: Subject { flow: None, file, evidence },
                client: None,
                server: None,
                severity,
                code,
                title,
                explanation: explanation.to_owned(),
                reference: Some(reference),
            }
        };
        let mut findings = Vec::new();
        let overlapping = self.overlapping.count();
        if overlapping > 0 {
            let (subject, verb) = if overlapping == 1 { ("fragment", "overlaps") } else { ("fragments", "overlap") };
            findings.push(finding(
                self.overlapping.evidence(),
                Severity::Warning,
                "ip.overlapping-fragments",
                format!("{overlapping} {subject} {verb} with others of the same datagram"),
                "No sender cuts a datagram so. Two datagrams use the same identification at once (a sender so fast that it runs out of \
                 them, or one behind a translator), or somebody hides something: hosts do not agree on which bytes win, and what a \
                 filter saw need not be what arrived. Here the bytes that came first win in IPv4; in IPv6 the datagram is dropped.",
                "RFC 5722",
            ));
        }
        if incomplete.count > 0 {
            let mut evidence: Evidence = incomplete.first.iter().copied().collect();
            evidence.add_unlisted(incomplete.count.saturating_sub(evidence.total()));
            let (subject, verb) = if incomplete.count == 1 { ("datagram", "was") } else { ("datagrams", "were") };
            findings.push(finding(
                evidence,
                Severity::Note,
                "ip.fragments-missing",
                format!("{} fragmented {subject} {verb} never completed", incomplete.count),
                "Fragments were lost, dropped by a firewall, or left out by the capture: a filter that names ports passes only first \
                 fragments, as the others hold none. To the receiver one lost fragment loses the whole datagram: large UDP (DNS \
                 with DNSSEC, NFS, tunnels) suffers most.",
                "RFC 8900 3.3",
            ));
        }
        findings
    }
}
