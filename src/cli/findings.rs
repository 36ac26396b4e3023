//! `wireglass findings [CODE]`: what a finding means.
use std::io::{self, BufWriter};

use super::{
    args::FindingsArgs,
    exit::{Ended, Failure},
    plan,
};
use crate::{
    filter::nearest,
    record::catalogue::{self, CATALOGUE, Entry},
    report,
};

/// Runs the command.
pub fn findings(args: &FindingsArgs) -> Result<Ended, Failure> {
    let options =
        report::Options { width: plan::width(), color: plan::color(args.color), ..report::Options::default() };
    let out: report::Output = Box::new(BufWriter::new(io::stdout()));
    let asked = args.code.as_deref().unwrap_or_default().trim();
    if let Some(entry) = catalogue::entry(asked) {
        report::catalogue::explain(entry, &options, out).map_err(Failure::Output)?;
        return Ok(Ended::Done);
    }
    // `tcp` or `tcp.` names all that begin so.
    let room = asked.trim_end_matches('.');
    let suits = |entry: &&Entry| room.is_empty() || entry.code.split('.').next() == Some(room);
    let rooms: Vec<(&str, Vec<&Entry>)> = CATALOGUE
        .iter()
        .map(|(about, entries)| (*about, entries.iter().filter(suits).collect()))
        .filter(|(_, entries): &(&str, Vec<&Entry>)| !entries.is_empty())
        .collect();
    if rooms.is_empty() {
        let codes: Vec<&str> = catalogue::entries().map(|entry| entry.code).collect();
        let nearest =
            nearest(asked, codes.iter().copied()).map_or(String::new(), |near| format!(" Did you mean `{near}`?"));
        return Err(Failure::Usage(format!("`{asked}` is no finding.{nearest} `wireglass findings` lists them")));
    }
    report::catalogue::list(&rooms, &options, out).map_err(Failure::Output)?;
    Ok(Ended::Done)
}
