//! `wireglass connection FILE ID`: one connection explained.
use std::{
    io::{self, BufWriter},
    sync::{Arc, atomic::AtomicBool},
};

use super::{
    analyze,
    args::{ConnectionArgs, ConnectionFormat, ResourceArgs},
    certificates,
    choice::{Choice, Name},
    complain,
    exit::{Ended, Failure},
    keys, plan,
};
use crate::{
    engine::{self, Selection},
    limits,
    record::{Capture, Connection, Record, RecordKind, Wanted},
    report::{
        self, Writer,
        ladder::{Drawing, Ladder},
    },
};

/// Runs the command.
pub fn connection(args: &ConnectionArgs) -> Result<Ended, Failure> {
    if args.file.as_os_str() == "-" {
        return Err(Failure::Usage("the file is read twice, so it cannot be standard input: save it first".to_owned()));
    }
    let name = Name::parse(&args.id)?;
    let choice = Choice { file: &args.file, id: &args.id };
    let (flow, captures) = match &name {
        Name::Flow(id) => {
            let (flow, captures) = collect(args, id)?;
            match (flow.is_found(), id.parse().ok()) {
                (true, _) => (flow, captures),
                (false, Some(packet)) => collect(args, &choice.by_packet(packet)?)?,
                (false, None) => return Err(Failure::Usage(choice.missing()?)),
            }
        }
        Name::Packet(packet) => collect(args, &choice.by_packet(*packet)?)?,
        Name::Ends(ends) => collect(args, &choice.by_ends(ends)?)?,
    };
    let selection = selection(args)?;
    if flow.left_out > 0 {
        let most = limits::MAX_DOCUMENT_ROWS;
        complain(&format!("{} records of this flow are left out: {most} are kept", flow.left_out));
    }
    print(args, &flow, selection.as_ref())?;
    Ok(analyze::judge(&captures, false))
}

/// The packets that pass the display filter, where there is one.
fn selection(args: &ConnectionArgs) -> Result<Option<Selection>, Failure> {
    let Some(filter) = plan::display_filter(args.display_filter.as_deref())? else { return Ok(None) };
    let source = analyze::open(std::slice::from_ref(&args.file))?;
    let selection = engine::select(source, settings(args, Wanted::none())?, filter).map_err(Failure::Output)?;
    analyze::unnumbered(selection.unnumbered);
    Ok(Some(selection))
}

fn print(args: &ConnectionArgs, flow: &OneFlow, selection: Option<&Selection>) -> Result<(), Failure> {
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
        (Some(connection), Some(drawing)) => draw(args, drawing, &options, (connection, &flow.records), selection, out),
        (None, Some(Drawing::Svg)) => {
            Err(Failure::Usage(format!("flow {} is a UDP flow: only TCP connections are drawn as SVG", flow.id)))
        }
        // A UDP flow has no states to draw: what was said in it is shown.
        (None, Some(_)) => {
            let wanted = RecordKind::ALL.into_iter().filter(|kind| *kind != RecordKind::Capture).collect();
            write(format, out, report::Options { all: false, wanted, ..options }, flow, selection)
        }
        (_, None) => write(format, out, options, flow, selection),
    }
}

fn write(
    format: report::Format,
    out: report::Output,
    options: report::Options,
    flow: &OneFlow,
    selection: Option<&Selection>,
) -> Result<(), Failure> {
    let mut writer = report::writer(format, out, options).map_err(Failure::Output)?;
    let mut records = flow.records.iter().filter(|record| selection.is_none_or(|selection| selection.takes(record)));
    records.try_for_each(|record| writer.record(record)).map_err(Failure::Output)?;
    writer.finish().map_err(Failure::Output)
}

fn draw(
    args: &ConnectionArgs,
    drawing: Drawing,
    options: &report::Options,
    (connection, beside): (&Connection, &[Record]),
    selection: Option<&Selection>,
    out: report::Output,
) -> Result<(), Failure> {
    let mut ladder = Ladder::new(drawing, options, connection, beside);
    let source = analyze::open(std::slice::from_ref(&args.file))?;
    let mut shown = 0_u64;
    engine::segments(source, settings(args, Wanted::none())?, connection, &mut |segment| {
        if selection.is_none_or(|selection| selection.has(segment.packet.number)) {
            ladder.segment(segment);
            shown += 1;
        }
        Ok(())
    })
    .and_then(|()| ladder.draw(drawing, options, out))
    .map_err(Failure::Output)?;
    if shown == 0 && selection.is_some() {
        complain("no packet of this connection passes the filter");
    }
    Ok(())
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
