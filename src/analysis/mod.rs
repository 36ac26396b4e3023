//! What needs more than one flow: facts that flows leave behind when they are over, put together after the merge.
mod dns;
mod floods;
mod icmp_errors;
mod idle_timeouts;
mod initial_numbers;
mod inspection;
mod journeys;
mod leases;
mod links;
mod neighbors;
mod paths;
mod resolution;
mod round_robin;
pub mod summary;
mod transfers;
mod translation;

use crate::{
    limits,
    record::{
        ApplicationPart, Arp, Dns, Endpoint, Evidence, Finding, FlowId, Http, IcmpErrorFact, LinkFact, Neighbor,
        PacketRef, PartKind, ProbeFact, Record, RecordKind, Severity, Subject, TcpFact, Tls, Udp, Wanted,
    },
};

/// Everything that is compared across the flows of a run. Give it the facts in the order of the run; the order within
/// what one packet completed does not matter.
#[derive(Debug, Default)]
pub struct Comparison {
    connections: Vec<TcpFact>,
    floods: floods::Floods,
    idle: idle_timeouts::IdleTimeouts,
    inspection: inspection::Inspection,
    handshakes_left_out: u64,
    left_out: u64,
    first_left_out: Option<PacketRef>,
    queries: dns::Transactions,
    queries_left_out: u64,
    journeys: journeys::Journeys,
    leases: leases::Leases,
    transfers: transfers::Transfers,
    parts_left_out: u64,
    links: links::Links,
    links_left_out: u64,
    /// Where UDP flows other than DNS went: QUIC uses answers as TCP does.
    udp_flows: Vec<round_robin::Connected>,
    neighbors: neighbors::Neighbors,
    icmp_errors: icmp_errors::IcmpErrors,
    paths: paths::Paths,
    neighbors_left_out: u64,
}

/// What must be built so that all of `wanted` can be concluded.
#[must_use]
pub fn needed(wanted: Wanted) -> Wanted {
    let [resolution, round_robin, finding] =
        [RecordKind::Resolution, RecordKind::RoundRobin, RecordKind::Finding].map(|kind| wanted.has(kind));
    let needed = if resolution || round_robin || finding { wanted.with(RecordKind::Dns) } else { wanted };
    let needed = if finding { needed.with(RecordKind::Tls) } else { needed };
    // Transactions are joined for their own sake and for findings.
    let needed = if finding { needed.with(RecordKind::Http) } else { needed };
    // Conflicts are found among exchanges; errors that a traceroute caused are no findings.
    let about_hosts = [RecordKind::Arp, RecordKind::Neighbor, RecordKind::Path];
    let needed = if finding { about_hosts.into_iter().fold(needed, Wanted::with) } else { needed };
    if round_robin { needed.with(RecordKind::Udp).with(RecordKind::Finding) } else { needed }
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

    /// A DNS transaction is complete, and will be written next.
    pub fn link(&mut self, dns: &mut Dns) {
        self.queries.link(dns);
    }

    /// A DNS transaction was written.
    pub fn query(&mut self, dns: Dns) {
        if !self.queries.add(dns) {
            self.queries_left_out = self.queries_left_out.saturating_add(1);
        }
    }

    /// An HTTP transaction is complete, and will be written next.
    pub fn link_http(&mut self, http: &mut Http) {
        self.journeys.link(http);
    }

    /// A part of a conversation that is spread over several flows. What is said to be left out is counted.
    pub fn part(&mut self, part: ApplicationPart) {
        let taken = match part.kind {
            PartKind::Dhcp { .. } => self.leases.add(part),
            PartKind::TftpRequest | PartKind::TftpTransfer { .. } => self.transfers.add(part),
        };
        self.parts_left_out = self.parts_left_out.saturating_add(u64::from(!taken));
    }

    /// Parts that found no place.
    #[must_use]
    pub fn parts_left_out(&self) -> u64 {
        self.parts_left_out
    }

    /// A UDP flow is over.
    pub fn udp(&mut self, udp: &Udp) {
        if let Some(flow) = udp.subject.flow
            && !matches!(udp.application, Some("dns" | "mdns" | "llmnr"))
            && self.udp_flows.len() < limits::MAX_COMPARED_CONNECTIONS
        {
            let (client, server) = (udp.client.endpoint, udp.server.endpoint);
            self.udp_flows.push(round_robin::Connected { flow, start: udp.start_ts, client, server });
        }
    }

    /// A router said something of itself on a link.
    pub fn link_fact(&mut self, fact: LinkFact) {
        if !self.links.add(fact) {
            self.links_left_out = self.links_left_out.saturating_add(1);
        }
    }

    /// What routers said that was not compared.
    #[must_use]
    pub fn links_left_out(&self) -> u64 {
        self.links_left_out
    }

    /// A TLS handshake is over.
    pub fn handshake(&mut self, tls: &Tls) {
        if !self.inspection.add(tls) {
            self.handshakes_left_out = self.handshakes_left_out.saturating_add(1);
        }
    }

    /// An exchange of ARP was written.
    pub fn arp(&mut self, arp: &Arp) {
        let complete = self.neighbors.arp(arp);
        self.neighbors_left_out = self.neighbors_left_out.saturating_add(u64::from(!complete));
    }

    /// An exchange of Neighbor Discovery is complete, and will be written next.
    pub fn neighbor(&mut self, neighbor: &mut Neighbor) {
        self.neighbors.link(neighbor);
        let complete = self.neighbors.neighbor(neighbor);
        self.neighbors_left_out = self.neighbors_left_out.saturating_add(u64::from(!complete));
    }

    /// An ICMP error came.
    pub fn icmp_error(&mut self, error: &IcmpErrorFact) {
        let complete = self.icmp_errors.add(error) & self.paths.error(error);
        self.neighbors_left_out = self.neighbors_left_out.saturating_add(u64::from(!complete));
    }

    /// A packet may be a step of a traceroute.
    pub fn probe(&mut self, probe: ProbeFact) {
        let complete = self.paths.add(probe);
        self.neighbors_left_out = self.neighbors_left_out.saturating_add(u64::from(!complete));
    }

    /// Exchanges of ARP and Neighbor Discovery, ICMP errors and probes that were not compared with all others.
    #[must_use]
    pub fn neighbors_left_out(&self) -> u64 {
        self.neighbors_left_out
    }

    /// TLS handshakes that were not compared with all others.
    #[must_use]
    pub fn handshakes_left_out(&self) -> u64 {
        self.handshakes_left_out
    }

    /// DNS transactions that were not compared with all others.
    #[must_use]
    pub fn queries_left_out(&self) -> u64 {
        self.queries_left_out
    }

    /// The records that need all flows.
    #[must_use]
    pub fn records(&mut self) -> Vec<Record> {
        self.queries.sort();
        let resolutions = resolution::resolutions(&self.queries.all);
        let tcp = self.connections.iter().map(|fact| round_robin::Connected {
            flow: fact.id,
            start: fact.first.timestamp,
            client: fact.client,
            server: fact.server,
        });
        let connections: Vec<_> = tcp.chain(std::mem::take(&mut self.udp_flows)).collect();
        let round_robins = round_robin::round_robins(&self.queries.all, &connections);
        let paths = self.paths.join().iter().map(|path| Record::Path(Box::new(path.clone())));
        let resolutions = resolutions.into_iter().map(|record| Record::Resolution(Box::new(record)));
        let mut records: Vec<Record> =
            resolutions.chain(round_robins.into_iter().map(|record| Record::RoundRobin(Box::new(record)))).collect();
        let mut applications = self.leases.records();
        applications.extend(self.transfers.records());
        // In the order of the run, as if each had been complete when it began.
        applications.sort_by_key(|(first, _)| *first);
        records.extend(applications.into_iter().map(|(_, record)| Record::Application(Box::new(record))));
        records.extend(paths);
        records
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
        self.queries.sort();
        findings.extend(self.queries.findings());
        findings.extend(self.inspection.findings());
        findings.extend(self.journeys.findings());
        findings.extend(self.neighbors.findings());
        findings.extend(self.icmp_errors.findings(&self.paths.traced()));
        findings.extend(self.leases.findings());
        findings.extend(self.transfers.findings());
        findings.extend(self.links.findings());
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
mod dns_tests;
#[cfg(test)]
mod neighbors_tests;
#[cfg(test)]
mod tests;
