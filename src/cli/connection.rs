//! `wireglass connection FILE ID`: one connection explained.
use std::{
    io::{self, BufWriter},
    sync::{Arc, atomic::AtomicBool},
};

use super::{
    analyze,
    args::{ConnectionArgs, ResourceArgs},
    certificates,
    exit::{Ended, Failure},
    keys, plan,
};
use crate::{
    engine,
    record::{Connection, Record, Wanted},
    report::{self, Writer, ladder::Ladder},
};

/// Runs the command.
pub fn connection(args: &ConnectionArgs) -> Result<Ended, Failure> {
    if args.file.as_os_str() == "-" {
        return Err(Failure::Usage("the file is read twice, so it cannot be standard input: save it first".to_owned()));
    }
    let mut flow = OneFlow { id: args.id.clone(), connection: None, beside: Vec::new(), others: Vec::new() };
    let files = std::slice::from_ref(&args.file);
    let mut report_settings = settings(args, Wanted::usual())?;
    report_settings.trust = Some(certificates::trust(&args.trust)?);
    let outcome =
        engine::run(analyze::open(files)?, report_settings, &mut flow, &mut |_| {}).map_err(Failure::Output)?;
    let Some(connection) = flow.connection else { return Err(Failure::Usage(missing(args, &flow.others))) };
    let options =
        report::Options { width: plan::width(), color: plan::color(args.color), ..report::Options::default() };
    let mut ladder = Ladder::new(Box::new(BufWriter::new(io::stdout())), &options, &connection, &flow.beside);
    engine::segments(analyze::open(files)?, settings(args, Wanted::none())?, &connection, &mut |segment| {
        ladder.segment(segment);
        Ok(())
    })
    .and_then(|()| ladder.draw())
    .map_err(Failure::Output)?;
    Ok(analyze::judge(&outcome.captures, false))
}

fn settings(args: &ConnectionArgs, wanted: Wanted) -> Result<engine::Settings, Failure> {
    let resources = ResourceArgs { threads: None, ..ResourceArgs::default() };
    let stop = Arc::new(AtomicBool::new(false));
    let (names, given) = (vec![analyze::name(&args.file)], keys::given(&args.keys)?);
    Ok(plan::engine_settings(&resources, wanted, None, None, names, stop, given))
}

fn missing(args: &ConnectionArgs, others: &[String]) -> String {
    let file = args.file.display();
    match others {
        [] => format!("{file}: there is no TCP connection in it"),
        _ => format!("{file}: no TCP connection is called {}. There are: {} …", args.id, others.join(", ")),
    }
}

/// Keeps the records of one flow.
struct OneFlow {
    id: String,
    connection: Option<Box<Connection>>,
    beside: Vec<Record>,
    others: Vec<String>,
}

impl OneFlow {
    /// Connections named when the right one is missing.
    const NAMED: usize = 10;
    /// Records of one flow kept besides.
    const BESIDE: usize = 1000;
}

impl Writer for OneFlow {
    fn record(&mut self, record: &Record) -> io::Result<()> {
        let Some(flow) = record.subject().and_then(|subject| subject.flow).map(|flow| flow.to_string()) else {
            return Ok(());
        };
        match record {
            Record::Connection(connection) if flow == self.id => self.connection = Some(connection.clone()),
            Record::Connection(_) if self.others.len() < Self::NAMED => self.others.push(flow),
            Record::Finding(_) | Record::Tls(_) | Record::Http(_)
                if flow == self.id && self.beside.len() < Self::BESIDE =>
            {
                self.beside.push(record.clone());
            }
            _ => {}
        }
        Ok(())
    }

    fn finish(&mut self) -> io::Result<()> {
        Ok(())
    }
}
