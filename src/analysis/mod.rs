//! What needs more than one flow: facts that flows leave behind when they are over, put together after the merge.
mod floods;
mod idle_timeouts;
mod initial_numbers;
pub mod summary;
mod translation;

use crate::{
    limits,
    record::{Endpoint, Evidence, Finding, FlowId, PacketRef, Severity, Subject, TcpFact},
};

/// Everything that is compared across the flows of a run. Give it the facts in the order of the run; the order within
/// what one packet completed does not matter.
#[derive(Debug, Default)]
pub struct Comparison {
    connections: Vec<TcpFact>,
    floods: floods::Floods,
    idle: idle_timeouts::IdleTimeouts,
    left_out: u64,
    first_left_out: Option<PacketRef>,
}

impl Comparison {
    /// A TCP connection is over.
    pub fn connection(&mut self, fact: &TcpFact) {
        let mut complete = self.floods.add(fact);
        complete &= self.idle.add(fact);
        if self.connections.len() < limits::MAX_COMPARED_CONNECTIONS {
            self.connections.push(*fact);
        } else {
            complete = false;
        }
        if !complete {
            self.left_out = self.left_out.saturating_add(1);
            self.first_left_out.get_or_insert(fact.first);
        }
    }

    /// Connections that were not compared with all others, and the first packet of the first of them.
    #[must_use]
    pub fn left_out(&self) -> Option<(u64, PacketRef)> {
        self.first_left_out.map(|first| (self.left_out, first))
    }

    /// What was found, in a fixed order.
    #[must_use]
    pub fn findings(mut self) -> Vec<Finding> {
        self.connections.sort_unstable_by_key(|fact| (fact.first.index, fact.id));
        let links = translation::links(&self.connections);
        let mut findings = self.floods.findings();
        findings.extend(self.idle.findings());
        findings.extend(initial_numbers::findings(&self.connections, &links));
        findings.extend(translation::findings(&self.connections, &links));
        findings
    }
}

/// A finding that names the ends of a flow.
fn finding(
    severity: Severity,
    code: &'static str,
    (flow, client, server): (Option<FlowId>, Option<Endpoint>, Option<Endpoint>),
    evidence: Evidence,
    (title, explanation): (String, &str),
    reference: &'static str,
) -> Finding {
    Finding {
        subject: Subject { flow, file: None, evidence },
        client,
        server,
        severity,
        code,
        title,
        explanation: explanation.to_owned(),
        reference: Some(reference),
    }
}

#[cfg(test)]
mod tests;
