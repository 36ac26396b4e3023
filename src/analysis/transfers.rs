//! TFTP transfers (RFC 1350): the request, which goes to port 69, and the transfer behind it, which runs between other
//! ports; one `application` record each.
use std::{collections::BTreeMap, net::IpAddr};

use super::finding;
use crate::{
    limits,
    record::{
        Application, ApplicationFact, ApplicationPart, Endpoint, Evidence, Finding, PacketRef, PartKind, Severity,
        Side, Subject,
    },
};

/// A transfer begins so soon after its request, in nanoseconds: clients give up earlier.
const BEGINS_WITHIN_NS: i64 = 60_000_000_000;

/// Requests and transfers as they came.
#[derive(Debug, Default)]
pub(super) struct Transfers {
    requests: Vec<Request>,
    by_ends: BTreeMap<(Endpoint, IpAddr), Vec<usize>>,
    transfers: Vec<ApplicationPart>,
}

#[derive(Debug)]
struct Request {
    part: ApplicationPart,
    again: u64,
    /// Which of the transfers is its own.
    transfer: Option<usize>,
}

impl Transfers {
    /// Takes a request or a transfer; false when there is no place.
    pub(super) fn add(&mut self, part: ApplicationPart) -> bool {
        if self.requests.len().max(self.transfers.len()) >= limits::MAX_COMPARED_PARTS {
            return false;
        }
        if matches!(part.kind, PartKind::TftpTransfer { .. }) {
            self.transfers.push(part);
            return true;
        }
        let places = self.by_ends.entry((part.source, part.destination.address)).or_default();
        let latest = places.last().and_then(|place| self.requests.get_mut(*place));
        if let Some(latest) = latest
            && latest.part.flow == part.flow
            && latest.part.facts.iter().map(|fact| &fact.1).eq(part.facts.iter().map(|fact| &fact.1))
        {
            latest.again += 1;
            latest.part.last = part.packet;
            return true;
        }
        places.push(self.requests.len());
        self.requests.push(Request { part, again: 0, transfer: None });
        true
    }

    /// Gives each transfer the latest request before it between the same ends. The server begins a transfer, so that it is
    /// its source.
    fn join(&mut self) -> Vec<usize> {
        let mut alone = Vec::new();
        let mut order: Vec<usize> = (0..self.transfers.len()).collect();
        order.sort_by_key(|place| self.transfers.get(*place).map(|part| part.packet.index));
        for place in order {
            let Some(transfer) = self.transfers.get(place) else { continue };
            let of_ends = self.by_ends.get(&(transfer.destination, transfer.source.address));
            let fits = |candidate: &&usize| {
                self.requests.get(**candidate).is_some_and(|request| {
                    let (asked, began) = (request.part.last, transfer.packet);
                    request.transfer.is_none()
                        && request.part.packet.index < began.index
                        && began.timestamp.since(asked.timestamp) <= BEGINS_WITHIN_NS
                })
            };
            let found = of_ends.and_then(|places| places.iter().rev().find(fits)).copied();
            match found.and_then(|found| self.requests.get_mut(found)) {
                Some(request) => request.transfer = Some(place),
                None => alone.push(place),
            }
        }
        alone
    }

    /// The records, with the packet that each began with.
    pub(super) fn records(&mut self) -> Vec<(u64, Application)> {
        let alone = self.join();
        let of_requests = self.requests.iter().map(|request| {
            let transfer = request.transfer.and_then(|place| self.transfers.get(place));
            (request.part.packet.index, record(Some(request), transfer))
        });
        let alone = alone.into_iter().filter_map(|place| {
            let transfer = self.transfers.get(place)?;
            Some((transfer.packet.index, record(None, Some(transfer))))
        });
        of_requests.chain(alone).collect()
    }

    /// What failed. Asked after [`Transfers::records`], which joins requests and transfers.
    pub(super) fn findings(&self) -> Vec<Finding> {
        let mut findings = Vec::new();
        for (place, transfer) in self.transfers.iter().enumerate() {
            let PartKind::TftpTransfer { error: Some((side, error)) } = &transfer.kind else { continue };
            let request = self.requests.iter().find(|request| request.transfer == Some(place));
            let file = request.and_then(|request| request.part.facts.iter().find(|fact| fact.0 == "file"));
            let file = file.map_or_else(String::new, |fact| format!(" of {}", fact.1));
            // Clients that only wanted to know the size of a file end the transfer with an error.
            let (severity, who) = match side {
                Side::Server => (Severity::Warning, "server"),
                Side::Client => (Severity::Note, "client"),
            };
            let title = format!("The {who} ends a TFTP transfer{file} with an error: {error}");
            let explanation = "Nothing more comes of this transfer. A device that boots from the network stops here, or goes on to \
                               its next choice. A client that asks for a file's size only (PXE) ends the transfer this way \
                               and asks again: that is harmless.";
            let flow = request.map_or(transfer.flow, |request| request.part.flow);
            let evidence = request.into_iter().map(|request| request.part.packet).chain([transfer.last]);
            let evidence: Evidence = evidence.map(|packet| packet.number).collect();
            let ends = (Some(flow), Some(transfer.destination), Some(transfer.source));
            findings.push(finding(severity, "tftp.failed", ends, evidence, (title, explanation), "RFC 1350 7"));
        }
        findings
    }
}

fn record(request: Option<&Request>, transfer: Option<&ApplicationPart>) -> Application {
    let parts = || request.map(|request| &request.part).into_iter().chain(transfer);
    let mut facts: Vec<ApplicationFact> = Vec::new();
    let mut add = |name: &'static str, value: String, side: Side, packet: PacketRef| {
        if facts.len() < limits::MAX_APPLICATION_FACTS {
            facts.push(ApplicationFact { name, value, side, packet: packet.number });
        }
    };
    for (name, value, side, packet) in parts().flat_map(|part| &part.facts) {
        add(name, value.clone(), *side, *packet);
    }
    if let Some(request) = request {
        match transfer {
            Some(transfer) => {
                let waited = transfer.packet.timestamp.since(request.part.packet.timestamp);
                add("answered_after_ns", waited.to_string(), Side::Server, transfer.packet);
            }
            None => add("outcome", "no answer seen".to_owned(), Side::Client, request.part.last),
        }
        if request.again > 0 {
            add("asked_again", request.again.to_string(), Side::Client, request.part.last);
        }
    }
    let evidence: Evidence = parts().flat_map(|part| [part.packet.number, part.last.number]).collect();
    let (client, server) = match (request, transfer) {
        (_, Some(transfer)) => (transfer.destination, transfer.source),
        (Some(request), None) => (request.part.source, request.part.destination),
        (None, None) => {
            let nobody = Endpoint { address: IpAddr::from([0; 4]), port: 0 };
            (nobody, nobody)
        }
    };
    let flow = parts().next().map(|part| part.flow);
    let server = request.map_or(server, |request| Endpoint { port: request.part.destination.port, ..server });
    Application { subject: Subject { flow, file: None, evidence }, client, server, protocol: "tftp", facts }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::{FlowId, PacketNumber, Timestamp};

    fn part(index: u64, ports: (u16, u16), kind: PartKind, facts: &[(&'static str, &str)]) -> ApplicationPart {
        let number = PacketNumber::new(0, index + 1);
        let packet = PacketRef { index, number, timestamp: Timestamp(i64::try_from(index).unwrap() * 1_000_000) };
        let end = |address: [u8; 4], port| Endpoint { address: address.into(), port };
        let (mut source, mut destination) = (end([10, 0, 0, 2], ports.0), end([10, 0, 0, 1], ports.1));
        if matches!(kind, PartKind::TftpTransfer { .. }) {
            std::mem::swap(&mut source, &mut destination);
        }
        let facts = facts.iter().map(|(name, value)| (*name, (*value).to_owned(), Side::Client, packet)).collect();
        let flow = FlowId { opener: number, depth: 0 };
        ApplicationPart { flow, source, destination, packet, last: packet, facts, kind }
    }

    #[test]
    fn transfers_find_their_requests() {
        let mut transfers = Transfers::default();
        let file = |name: &'static str| [("file", name)];
        let done = || PartKind::TftpTransfer { error: None };
        let failed = || PartKind::TftpTransfer { error: Some((Side::Server, "file not found".to_owned())) };
        transfers.add(part(0, (4000, 69), PartKind::TftpRequest, &file("one")));
        transfers.add(part(2, (4001, 69), PartKind::TftpRequest, &file("two")));
        transfers.add(part(4, (4002, 69), PartKind::TftpRequest, &file("three")));
        // Told when they are over, in another order.
        transfers.add(part(3, (4001, 5001), failed(), &[("outcome", "failed")]));
        transfers.add(part(1, (4000, 5000), done(), &[("outcome", "complete")]));
        transfers.add(part(5, (4009, 5009), done(), &[("outcome", "complete")]));
        let records = transfers.records();
        let said: Vec<Vec<&str>> =
            records.iter().map(|(_, record)| record.facts.iter().map(|fact| fact.value.as_str()).collect()).collect();
        let expected = [
            vec!["one", "complete", "1000000"],
            vec!["two", "failed", "1000000"],
            vec!["three", "no answer seen"],
            vec!["complete"],
        ];
        assert_eq!(said, expected);
        let findings = transfers.findings();
        assert_eq!(findings.len(), 1);
        assert!(findings[0].title.contains(" of two "), "{}", findings[0].title);
    }
}
