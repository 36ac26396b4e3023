//! `wireglass connection FILE ID`: one connection explained.
use std::{
    io::{self, BufWriter},
    net::IpAddr,
    sync::{Arc, atomic::AtomicBool},
};

use super::{
    analyze,
    args::{ConnectionArgs, ConnectionFormat, ResourceArgs},
    certificates, complain,
    exit::{Ended, Failure},
    keys, plan,
};
use crate::{
    engine, limits,
    record::{Capture, Connection, Endpoint, FlowKey, PacketNumber, Record, RecordKind, Transport, Udp, Wanted},
    report::{
        self, Writer,
        ladder::{Drawing, Ladder},
    },
};

/// Connections named when the right one is missing or not clear.
const NAMED: usize = 10;

/// Runs the command.
pub fn connection(args: &ConnectionArgs) -> Result<Ended, Failure> {
    if args.file.as_os_str() == "-" {
        return Err(Failure::Usage("the file is read twice, so it cannot be standard input: save it first".to_owned()));
    }
    let name = Name::parse(&args.id)?;
    let (flow, captures) = match &name {
        Name::Flow(id) => {
            let (flow, captures) = collect(args, id)?;
            match (flow.is_found(), id.parse().ok()) {
                (true, _) => (flow, captures),
                (false, Some(packet)) => collect(args, &by_packet(args, packet)?)?,
                (false, None) => return Err(Failure::Usage(missing(args)?)),
            }
        }
        Name::Packet(packet) => collect(args, &by_packet(args, *packet)?)?,
        Name::Ends(ends) => collect(args, &by_ends(args, ends)?)?,
    };
    if flow.left_out > 0 {
        let most = limits::MAX_DOCUMENT_ROWS;
        complain(&format!("{} records of this flow are left out: {most} are kept", flow.left_out));
    }
    print(args, &flow)?;
    Ok(analyze::judge(&captures, false))
}

fn print(args: &ConnectionArgs, flow: &OneFlow) -> Result<(), Failure> {
    let out: report::Output = Box::new(BufWriter::new(io::stdout()));
    let options = report::Options {
        width: plan::width(),
        color: plan::color(args.color),
        all: args.all,
        time: plan::time(args.time),
        program: None,
        ..report::Options::default()
    };
    let (drawing, format) = match args.format {
        ConnectionFormat::Text => (Some(Drawing::Text), report::Format::Table),
        ConnectionFormat::Markdown => (Some(Drawing::Markdown), report::Format::Markdown),
        ConnectionFormat::Svg => (Some(Drawing::Svg), report::Format::Table),
        ConnectionFormat::Json => (None, report::Format::Json),
        ConnectionFormat::Ndjson => (None, report::Format::Ndjson),
    };
    match (&flow.connection, drawing) {
        (Some(connection), Some(drawing)) => draw(args, drawing, &options, connection, &flow.records, out),
        (None, Some(Drawing::Svg)) => {
            Err(Failure::Usage(format!("flow {} is a UDP flow: only TCP connections are drawn as SVG", flow.id)))
        }
        // A UDP flow has no states to draw: what was said in it is shown.
        (None, Some(_)) => {
            let wanted = RecordKind::ALL.into_iter().filter(|kind| *kind != RecordKind::Capture).collect();
            write(format, out, report::Options { all: false, wanted, ..options }, flow)
        }
        (_, None) => write(format, out, options, flow),
    }
}

fn write(format: report::Format, out: report::Output, options: report::Options, flow: &OneFlow) -> Result<(), Failure> {
    let mut writer = report::writer(format, out, options).map_err(Failure::Output)?;
    flow.records.iter().try_for_each(|record| writer.record(record)).map_err(Failure::Output)?;
    writer.finish().map_err(Failure::Output)
}

fn draw(
    args: &ConnectionArgs,
    drawing: Drawing,
    options: &report::Options,
    connection: &Connection,
    beside: &[Record],
    out: report::Output,
) -> Result<(), Failure> {
    let mut ladder = Ladder::new(drawing, options, connection, beside);
    let source = analyze::open(std::slice::from_ref(&args.file))?;
    engine::segments(source, settings(args, Wanted::none())?, connection, &mut |segment| {
        ladder.segment(segment);
        Ok(())
    })
    .and_then(|()| ladder.draw(drawing, options, out))
    .map_err(Failure::Output)
}

fn settings(args: &ConnectionArgs, wanted: Wanted) -> Result<engine::Settings, Failure> {
    let resources = ResourceArgs { threads: None, ..ResourceArgs::default() };
    let stop = Arc::new(AtomicBool::new(false));
    let (names, given) = (vec![analyze::name(&args.file)], keys::given(&args.keys)?);
    let settings = plan::engine_settings(&resources, wanted, None, None, names, stop, given);
    Ok(engine::Settings { trust: Some(certificates::trust(&args.trust)?), ..settings })
}

fn run(args: &ConnectionArgs, wanted: Wanted, writer: &mut dyn Writer) -> Result<Vec<Capture>, Failure> {
    let source = analyze::open(std::slice::from_ref(&args.file))?;
    let outcome = engine::run(source, settings(args, wanted)?, writer, &mut |_| {}).map_err(Failure::Output)?;
    Ok(outcome.captures)
}

fn collect(args: &ConnectionArgs, id: &str) -> Result<(OneFlow, Vec<Capture>), Failure> {
    let mut flow = OneFlow { id: id.to_owned(), ..OneFlow::default() };
    let captures = run(args, Wanted::usual().with(RecordKind::TlsExtensions), &mut flow)?;
    Ok((flow, captures))
}

/// How a connection was named.
#[derive(Debug, PartialEq, Eq)]
enum Name {
    /// By its number in the report.
    Flow(String),
    /// By one of its packets.
    Packet(u64),
    /// By one or both of its ends.
    Ends(Vec<End>),
}

/// An end, as far as it was given.
#[derive(Debug, PartialEq, Eq)]
struct End {
    address: Option<IpAddr>,
    port: Option<u16>,
}

impl Name {
    fn parse(text: &str) -> Result<Self, Failure> {
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

fn find(
    args: &ConnectionArgs,
    suits: &dyn Fn(&Candidate, &Record) -> bool,
) -> Result<(Vec<Candidate>, usize), Failure> {
    let mut finder = Finder { suits, found: Vec::new(), total: 0 };
    run(args, [RecordKind::Connection, RecordKind::Udp].into_iter().collect(), &mut finder)?;
    Ok((finder.found, finder.total))
}

fn by_ends(args: &ConnectionArgs, ends: &[End]) -> Result<String, Failure> {
    let (found, total) = find(args, &|candidate, _| candidate.is_between(ends))?;
    // Connections before UDP flows: they are what the command is for.
    let tcp: Vec<&Candidate> = found.iter().filter(|candidate| candidate.transport == Transport::Tcp).collect();
    match (tcp.as_slice(), found.as_slice()) {
        (_, []) => Err(Failure::Usage(missing(args)?)),
        ([one], _) if total <= NAMED => Ok(one.id.clone()),
        (_, [one]) => Ok(one.id.clone()),
        _ => Err(Failure::Usage(format!(
            "{}: {total} flows are between such ends: name one by its number\n{}",
            args.file.display(),
            listed(&found, total)
        ))),
    }
}

fn by_packet(args: &ConnectionArgs, number: u64) -> Result<String, Failure> {
    let number = PacketNumber::new(0, number);
    let source = analyze::open(std::slice::from_ref(&args.file))?;
    let key = engine::flow_key(source, settings(args, Wanted::none())?, number).map_err(Failure::Output)?;
    let Some(key) = key else { return Err(Failure::Usage(missing(args)?)) };
    let (found, _) = find(args, &|candidate, record| {
        let evidence = record.subject().map(|subject| subject.evidence.numbers()).unwrap_or_default();
        let holds = evidence.first().is_some_and(|first| *first <= number)
            && evidence.last().is_some_and(|last| *last >= number);
        holds && FlowKey::new(candidate.transport, candidate.client, candidate.server) == key
    })?;
    let Some(one) = found.first() else { return Err(Failure::Usage(missing(args)?)) };
    complain(&format!("packet {number} belongs to flow {}", one.id));
    Ok(one.id.clone())
}

fn missing(args: &ConnectionArgs) -> Result<String, Failure> {
    let (found, total) = find(args, &|candidate, _| candidate.transport == Transport::Tcp)?;
    let file = args.file.display();
    Ok(match found.as_slice() {
        [] => format!("{file}: there is no TCP connection in it"),
        found => format!("{file}: no connection is called {}. There are:\n{}", args.id, listed(found, total)),
    })
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

/// Keeps the records of one flow, and those of the whole.
#[derive(Default)]
struct OneFlow {
    id: String,
    connection: Option<Box<Connection>>,
    is_udp: bool,
    records: Vec<Record>,
    left_out: u64,
}

impl OneFlow {
    fn is_found(&self) -> bool {
        self.connection.is_some() || self.is_udp
    }
}

impl Writer for OneFlow {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let is_its = match record.subject() {
            None => true,
            Some(subject) => subject.flow.is_some_and(|flow| flow.to_string() == self.id),
        };
        if !is_its {
            return Ok(());
        }
        match record {
            Record::Connection(connection) => self.connection = Some(connection.clone()),
            Record::Udp(_) => self.is_udp = true,
            _ if self.records.len() >= limits::MAX_DOCUMENT_ROWS && record.subject().is_some() => {
                self.left_out += 1;
                return Ok(());
            }
            _ => {}
        }
        self.records.push(record.clone());
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(address: &str, port: u16) -> End {
        End { address: (!address.is_empty()).then(|| address.parse().unwrap()), port: (port > 0).then_some(port) }
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
