//! Which flow of a capture is meant: named by its number, by its ends, or by one of its packets.
use std::{
    io,
    net::IpAddr,
    path::Path,
    sync::{Arc, atomic::AtomicBool},
};

use super::{analyze, args::ResourceArgs, complain, exit::Failure, plan};
use crate::{
    engine,
    record::{
        Connection, Endpoint, FlowFacts, FlowId, FlowKey, PacketNumber, Record, RecordKind, Transport, Udp, Wanted,
    },
    report::Writer,
};

/// Flows named when the right one is missing or not clear.
const NAMED: usize = 10;

/// A name as it was typed, and the capture it is about.
#[derive(Clone, Copy, Debug)]
pub struct Choice<'a> {
    /// The capture.
    pub file: &'a Path,
    /// The name.
    pub id: &'a str,
}

/// How a flow was named.
#[derive(Debug, PartialEq, Eq)]
pub enum Name {
    /// By its number in the report.
    Flow(String),
    /// By one of its packets.
    Packet(u64),
    /// By one or both of its ends.
    Ends(Vec<End>),
}

/// An end, as far as it was given.
#[derive(Debug, PartialEq, Eq)]
pub struct End {
    address: Option<IpAddr>,
    port: Option<u16>,
}

impl Name {
    /// What was typed.
    ///
    /// # Errors
    /// It names nothing; the message shows how names look.
    pub fn parse(text: &str) -> Result<Self, Failure> {
        let text = text.trim();
        if let Some(number) = text.strip_prefix('#').and_then(|number| number.parse().ok()) {
            return Ok(Self::Packet(number));
        }
        let is_id = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        if text.split('.').all(is_id) && text.split('.').count() <= 2 {
            return Ok(Self::Flow(text.to_owned()));
        }
        let parts: Vec<&str> = text.split(['→', '>', ',', ' ', '-']).filter(|part| !part.is_empty()).collect();
        let ends: Option<Vec<End>> = parts.iter().map(|part| End::parse(part)).collect();
        match ends {
            Some(ends) if matches!(ends.len(), 1 | 2) => Ok(Self::Ends(ends)),
            _ => Err(Failure::Usage(format!(
                "`{text}` names no connection. Give the number under `flow` (17), an end or both (10.0.0.1:443, \
                 '10.0.0.2:40000 → 10.0.0.1:443'), or a packet ('#17')"
            ))),
        }
    }
}

impl End {
    fn parse(text: &str) -> Option<Self> {
        if let Ok(address) = text.trim_start_matches('[').trim_end_matches(']').parse() {
            return Some(Self { address: Some(address), port: None });
        }
        let (address, port) = text.rsplit_once(':')?;
        let port = Some(port.parse().ok()?);
        let address = address.trim_start_matches('[').trim_end_matches(']');
        Some(Self { address: if address.is_empty() { None } else { Some(address.parse().ok()?) }, port })
    }

    fn is(&self, end: Endpoint) -> bool {
        self.address.is_none_or(|address| address == end.address) && self.port.is_none_or(|port| port == end.port)
    }
}

/// A flow as it is offered for choice.
struct Candidate {
    id: String,
    transport: Transport,
    client: Endpoint,
    server: Endpoint,
}

impl Candidate {
    fn of_tcp(connection: &Connection) -> Self {
        let end = |side: &crate::record::ConnectionSide| Endpoint { address: side.address, port: side.port };
        Self {
            id: connection.subject.flow.unwrap_or_default().to_string(),
            transport: Transport::Tcp,
            client: end(&connection.client),
            server: end(&connection.server),
        }
    }

    fn of_udp(udp: &Udp) -> Self {
        Self {
            id: udp.subject.flow.unwrap_or_default().to_string(),
            transport: Transport::Udp,
            client: udp.client.endpoint,
            server: udp.server.endpoint,
        }
    }

    fn of_flow(flow: &FlowFacts) -> Self {
        Self { id: flow.id.to_string(), transport: flow.transport, client: flow.client, server: flow.server }
    }

    fn is_between(&self, ends: &[End]) -> bool {
        let (client, server) = (self.client, self.server);
        match ends {
            [one] => one.is(client) || one.is(server),
            [one, other] => one.is(client) && other.is(server) || one.is(server) && other.is(client),
            _ => false,
        }
    }
}

/// Looks for flows.
struct Finder<'a> {
    suits: &'a dyn Fn(&Candidate, &Record) -> bool,
    found: Vec<Candidate>,
    total: usize,
}

impl Writer for Finder<'_> {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let candidate = match record {
            Record::Connection(connection) => Candidate::of_tcp(connection),
            Record::Udp(udp) => Candidate::of_udp(udp),
            _ => return Ok(()),
        };
        if (self.suits)(&candidate, record) {
            self.total += 1;
            if self.found.len() < NAMED {
                self.found.push(candidate);
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Choice<'_> {
    fn find(self, suits: &dyn Fn(&Candidate, &Record) -> bool) -> Result<(Vec<Candidate>, usize), Failure> {
        let mut finder = Finder { suits, found: Vec::new(), total: 0 };
        let wanted = [RecordKind::Connection, RecordKind::Udp].into_iter().collect();
        let source = analyze::open(&[self.file.to_owned()])?;
        engine::run(source, self.settings(wanted), &mut finder, &mut |_| {}).map_err(Failure::Output)?;
        Ok((finder.found, finder.total))
    }

    fn settings(self, wanted: Wanted) -> engine::Settings {
        let (names, stop) = (vec![analyze::name(self.file)], Arc::new(AtomicBool::new(false)));
        plan::engine_settings(&ResourceArgs::default(), wanted, None, None, names, stop, engine::Given::default())
    }

    /// The number of the flow between these ends.
    ///
    /// # Errors
    /// There is none, or there are several.
    pub fn by_ends(self, ends: &[End]) -> Result<String, Failure> {
        let (found, total) = self.find(&|candidate, _| candidate.is_between(ends))?;
        // Connections before UDP flows: they are what the commands are for.
        let tcp: Vec<&Candidate> = found.iter().filter(|candidate| candidate.transport == Transport::Tcp).collect();
        match (tcp.as_slice(), found.as_slice()) {
            (_, []) => Err(Failure::Usage(self.missing()?)),
            ([one], _) if total <= NAMED => Ok(one.id.clone()),
            (_, [one]) => Ok(one.id.clone()),
            _ => Err(Failure::Usage(format!(
                "{}: {total} flows are between such ends: name one by its number\n{}",
                self.file.display(),
                listed(&found, total)
            ))),
        }
    }

    /// The number of the flow that a packet belongs to, or nothing.
    ///
    /// # Errors
    /// Those of reading.
    pub fn of_packet(self, number: u64) -> Result<Option<String>, Failure> {
        let number = PacketNumber::new(0, number);
        let source = analyze::open(&[self.file.to_owned()])?;
        let key = engine::flow_key(source, self.settings(Wanted::none()), number).map_err(Failure::Output)?;
        let Some(key) = key else { return Ok(None) };
        let (found, _) = self.find(&|candidate, record| {
            let evidence = record.subject().map(|subject| subject.evidence.numbers()).unwrap_or_default();
            let holds = evidence.first().is_some_and(|first| *first <= number)
                && evidence.last().is_some_and(|last| *last >= number);
            holds && FlowKey::new(candidate.transport, candidate.client, candidate.server) == key
        })?;
        let Some(one) = found.first() else { return Ok(None) };
        complain(&format!("packet {number} belongs to flow {}", one.id));
        Ok(Some(one.id.clone()))
    }

    /// The same, when there must be one.
    ///
    /// # Errors
    /// There is none.
    pub fn by_packet(self, number: u64) -> Result<String, Failure> {
        match self.of_packet(number)? {
            Some(id) => Ok(id),
            None => Err(Failure::Usage(self.missing()?)),
        }
    }

    /// What to say when no connection is called so.
    ///
    /// # Errors
    /// Those of reading.
    pub fn missing(self) -> Result<String, Failure> {
        let (found, total) = self.find(&|candidate, _| candidate.transport == Transport::Tcp)?;
        let file = self.file.display();
        Ok(match found.as_slice() {
            [] => format!("{file}: there is no TCP connection in it"),
            found => format!("{file}: no connection is called {}. There are:\n{}", self.id, listed(found, total)),
        })
    }

    /// The same where the flows whose numbers are next to the wanted one are known.
    pub fn missing_near(self, near: &[FlowFacts]) -> String {
        let file = analyze::name(self.file);
        if near.is_empty() {
            return format!("{file}: there is no TCP or UDP flow in it");
        }
        let near: Vec<Candidate> = near.iter().map(Candidate::of_flow).collect();
        format!(
            "{file}: no flow is called {}. Next to it there are:\n{}\nAll are listed by: wireglass {} --only \
             connections,udp --all",
            self.id,
            listed(&near, near.len()),
            self.file.display()
        )
    }
}

/// The flow that a number as `17` or `17.1` means, in the first file.
#[must_use]
pub fn flow_id(text: &str) -> Option<FlowId> {
    let (opener, depth) = text.split_once('.').unwrap_or((text, "0"));
    Some(FlowId { opener: PacketNumber::new(0, opener.parse().ok()?), depth: depth.parse().ok()? })
}

fn listed(found: &[Candidate], total: usize) -> String {
    let widest = found.iter().map(|candidate| candidate.id.len()).max().unwrap_or(0);
    let mut lines: Vec<String> = found
        .iter()
        .map(|candidate| {
            let udp = if candidate.transport == Transport::Udp { "  (UDP)" } else { "" };
            format!("  {:<widest$}  {} → {}{udp}", candidate.id, candidate.client, candidate.server)
        })
        .collect();
    if total > found.len() {
        lines.push(format!("  … and {} more", total - found.len()));
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(address: &str, port: u16) -> End {
        End { address: (!address.is_empty()).then(|| address.parse().unwrap()), port: (port > 0).then_some(port) }
    }

    #[test]
    fn numbers_name_flows() {
        let id = |text: &str| flow_id(text).map(|id| (id.opener.number(), id.depth));
        assert_eq!((id("17"), id("17.2"), id("x"), id("1.999")), (Some((17, 0)), Some((17, 2)), None, None));
    }

    #[test]
    fn names_are_what_the_tables_print() {
        let name = |text: &str| Name::parse(text).unwrap();
        assert_eq!(name("17"), Name::Flow("17".to_owned()));
        assert_eq!(name("17.2"), Name::Flow("17.2".to_owned()));
        assert_eq!(name("#17"), Name::Packet(17));
        assert_eq!(name("10.0.0.1:80"), Name::Ends(vec![end("10.0.0.1", 80)]));
        assert_eq!(name("10.0.0.1"), Name::Ends(vec![end("10.0.0.1", 0)]));
        assert_eq!(name(":443"), Name::Ends(vec![end("", 443)]));
        assert_eq!(name("[fd00::1]:443"), Name::Ends(vec![end("fd00::1", 443)]));
        assert_eq!(name("fd00::1"), Name::Ends(vec![end("fd00::1", 0)]));
        let both = Name::Ends(vec![end("10.0.0.2", 4000), end("fd00::1", 443)]);
        assert_eq!(name("10.0.0.2:4000 → [fd00::1]:443"), both);
        assert_eq!(name("10.0.0.2:4000 -> [fd00::1]:443"), both);
        assert_eq!(name("10.0.0.2:4000,[fd00::1]:443"), both);
        for nonsense in ["", "abc", "#", "10.0.0.1:99999", "1.2.3.4 1.2.3.5 1.2.3.6", "17.x"] {
            assert!(Name::parse(nonsense).is_err(), "{nonsense}");
        }
    }
}
