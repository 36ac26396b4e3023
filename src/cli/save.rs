//! `-w` of captures that are read: where the packets go that pass, and what is said of it.
use std::{
    io::{self, IsTerminal},
    path::{Path, PathBuf},
};

use super::{analyze, args::SourceArgs, complain, exit::Failure};
use crate::{
    capture::{PacketSource, Saved, Saver},
    engine::{self, Settings},
    filter,
};

/// Where packets shall be written, if anywhere.
///
/// # Errors
/// They cannot be written there.
pub fn saver(source: &SourceArgs, files: &[PathBuf]) -> Result<Option<Saver>, Failure> {
    let Some(path) = &source.write else { return Ok(None) };
    if is_standard_output(source) && io::stdout().is_terminal() {
        let why = "a capture is not written to a terminal: give -w a name, or pipe it: -w - | tcpdump -r -";
        return Err(Failure::Usage(why.to_owned()));
    }
    Saver::create(path, files).map(Some).map_err(|error| Failure::Usage(error.to_string()))
}

/// Whether packets go to standard output, where nothing else may then.
#[must_use]
pub fn is_standard_output(source: &SourceArgs) -> bool {
    source.write.as_deref().is_some_and(|path| path == Path::new("-"))
}

/// Writes packets and reports nothing. `settings` makes those of each pass.
///
/// # Errors
/// Those of reading and writing.
pub fn packets(
    source: &SourceArgs,
    files: &[PathBuf],
    display_filter: Option<filter::Filter>,
    settings: &dyn Fn() -> Result<Settings, Failure>,
) -> Result<Vec<crate::record::Capture>, Failure> {
    let save = saver(source, files)?;
    let (captures, saved) = match display_filter {
        Some(filter) if source.whole_flows => {
            let selection = select(files, filter, settings()?, true)?;
            let outcome = engine::save(analyze::open(files)?, Settings { save, ..settings()? }, Some(&selection));
            let outcome = outcome.map_err(failed)?;
            (outcome.captures, outcome.saved)
        }
        Some(filter) => {
            let selection = select(files, filter, Settings { save, ..settings()? }, false)?;
            (selection.captures, selection.saved)
        }
        None => {
            let open: Box<dyn PacketSource> = analyze::open(files)?;
            let outcome = engine::save(open, Settings { save, ..settings()? }, None).map_err(failed)?;
            (outcome.captures, outcome.saved)
        }
    };
    tell(source, saved);
    Ok(captures)
}

/// The packets that pass a display filter. `again` says whether the files are read once more.
///
/// # Errors
/// Those of reading and writing.
pub fn select(
    files: &[PathBuf],
    filter: filter::Filter,
    settings: Settings,
    again: bool,
) -> Result<engine::Selection, Failure> {
    if again && files.iter().any(|file| file.as_os_str() == "-") {
        let why = "with -Y the capture is read twice, so it cannot be standard input: save it first, or use `wireglass packets`";
        return Err(Failure::Usage(why.to_owned()));
    }
    let selection = engine::select(analyze::open(files)?, settings, filter).map_err(failed)?;
    analyze::unnumbered(selection.unnumbered);
    Ok(selection)
}

/// What an error of a run with `-w` is.
#[must_use]
pub fn failed(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::Unsupported => Failure::Usage(error.to_string()),
        _ => Failure::Output(error),
    }
}

/// Says what was written and what was left out.
pub fn tell(source: &SourceArgs, saved: Option<Saved>) {
    let (Some(saved), Some(path)) = (saved, &source.write) else { return };
    let name = if is_standard_output(source) { "standard output".to_owned() } else { path.display().to_string() };
    let counted = |count: u64, noun: &str| crate::report::units::counted(count, noun);
    complain(&format!("{name}: {} written", counted(saved.packets, "packet")));
    let mut lost = Vec::new();
    if saved.comments > 0 {
        lost.push(counted(saved.comments, "packet comment"));
    }
    if saved.secrets > 0 {
        lost.push(counted(saved.secrets, "block") + " of secrets");
    }
    if !lost.is_empty() {
        let lost = lost.join(" and ");
        complain(&format!("{name}: {lost} left out, for which pcap has no place; .pcapng keeps them"));
    }
    if saved.section_comments > 0 {
        let comments = counted(saved.section_comments, "comment");
        complain(&format!("{name}: {comments} on further sections left out: one section is written"));
    }
    if saved.untold_times > 0 {
        let packets = counted(saved.untold_times, "packet");
        complain(&format!("{name}: {packets} written as of 1970: the format cannot tell their time"));
    }
}
