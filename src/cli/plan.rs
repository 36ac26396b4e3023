//! What the command line means: sizes, lists and styles turned into settings of the rooms.
use std::{
    io::{self, IsTerminal},
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
    thread,
};

use super::{
    args::{Color, Format, OutputArgs, ResourceArgs, SourceArgs, Time},
    exit::Failure,
};
use crate::{
    capture::bpf::Filter,
    engine, filter, flow, limits,
    record::{RecordKind, Wanted},
    report,
};

/// `500M`, `2G`, `65536`: bytes.
///
/// # Errors
/// A sentence that shows what is understood.
pub fn parse_size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let factor: u64 = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 1,
        "K" | "KB" => 1_000,
        "M" | "MB" => 1_000_000,
        "G" | "GB" => 1_000_000_000,
        "KIB" => 1 << 10,
        "MIB" => 1 << 20,
        "GIB" => 1 << 30,
        _ => return Err(format!("`{text}` is not a size: write 500M, 2G or bytes")),
    };
    let number: u64 = digits.parse().map_err(|_| format!("`{text}` is not a size: write 500M, 2G or bytes"))?;
    number.checked_mul(factor).ok_or_else(|| format!("`{text}` is too large"))
}

/// The files to read: positional ones and those of `-r`.
///
/// # Errors
/// There is none, or standard input twice.
pub fn files(source: &SourceArgs) -> Result<Vec<PathBuf>, Failure> {
    let files: Vec<PathBuf> = source.read.iter().chain(&source.files).cloned().collect();
    if files.is_empty() {
        return Err(Failure::Usage(
            "no capture given. Try: wireglass FILE, or tcpdump -w - | wireglass -, or wireglass --help".to_owned(),
        ));
    }
    if files.iter().filter(|file| file.as_os_str() == "-").count() > 1 {
        return Err(Failure::Usage("standard input (`-`) can be read once only".to_owned()));
    }
    Ok(files)
}

/// The filter of `-f`.
///
/// # Errors
/// It is wrong, or this build cannot compile it.
pub fn capture_filter(expression: Option<&str>) -> Result<Option<Filter>, Failure> {
    expression.map(|text| Filter::new(text).map_err(|error| Failure::Filter(error.to_string()))).transpose()
}

/// The record kinds of `--only` and `--also`.
///
/// # Errors
/// A name is none of a record type; the message lists them.
pub fn wanted(output: &OutputArgs) -> Result<Wanted, Failure> {
    let mut wanted = if output.only.is_empty() { Wanted::usual() } else { named(&output.only)? };
    for kind in named_kinds(&output.also)? {
        wanted = wanted.with(kind);
    }
    Ok(if output.show_secrets { wanted.with_secrets() } else { wanted })
}

fn named(names: &[String]) -> Result<Wanted, Failure> {
    Ok(named_kinds(names)?.into_iter().collect())
}

fn named_kinds(names: &[String]) -> Result<Vec<RecordKind>, Failure> {
    let has_command = |kind: &RecordKind| *kind == RecordKind::Packet || kind.is_statistics();
    let reportable = || RecordKind::ALL.into_iter().filter(|kind| !has_command(kind));
    names
        .iter()
        .map(|name| name.trim())
        .filter(|name| !name.is_empty())
        .map(|name| {
            reportable().find(|kind| kind.list_name() == name || kind.type_name() == name).ok_or_else(|| {
                let known: Vec<_> = reportable().map(RecordKind::list_name).collect();
                let nearest = filter::nearest(name, known.iter().copied())
                    .map_or(String::new(), |near| format!(" Did you mean `{near}`?"));
                Failure::Usage(format!("`{name}` is not a record type.{nearest} There are: {}", known.join(", ")))
            })
        })
        .collect()
}

/// The display filter of `-Y`.
///
/// # Errors
/// It is wrong; the message shows where.
pub fn display_filter(text: Option<&str>) -> Result<Option<filter::Filter>, Failure> {
    text.map(|text| filter::Filter::new(text).map_err(|mistake| Failure::Filter(mistake.to_string()))).transpose()
}

/// Settings of a run.
#[must_use]
#[allow(clippy::too_many_arguments)] // one for each group of options
pub fn engine_settings(
    resources: &ResourceArgs,
    wanted: Wanted,
    filter: Option<Filter>,
    max_packets: Option<u64>,
    files: Vec<String>,
    stop: Arc<AtomicBool>,
    given: engine::Given,
) -> engine::Settings {
    // Who sets one of them means that one.
    let (max_flows, max_flow_bytes) = match (resources.max_flows, resources.max_memory) {
        (None, None) => (limits::MAX_FLOWS, limits::MAX_FLOW_BYTES),
        (flows, bytes) => (flows.unwrap_or(usize::MAX).max(1), bytes.unwrap_or(u64::MAX)),
    };
    let cores = || thread::available_parallelism().map_or(1, usize::from);
    engine::Settings {
        flow: flow::Settings {
            max_flows,
            max_flow_bytes,
            maximum_segment_lifetime_ns: i64::from(resources.msl) * 1_000_000_000,
            tcp_idle_ns: i64::from(resources.tcp_timeout) * 1_000_000_000,
            udp_idle_ns: i64::from(resources.udp_timeout) * 1_000_000_000,
            wanted,
        },
        threads: resources.threads.unwrap_or_else(cores).max(1),
        filter,
        max_packets,
        stop,
        files,
        trust: None,
        given,
        save: None,
        asking: None,
    }
}

/// Whether to colour standard output.
#[must_use]
pub fn color(choice: Color) -> bool {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty() && value != "0");
    match choice {
        Color::Always => true,
        Color::Never => false,
        Color::Auto if set("NO_COLOR") => false,
        Color::Auto if set("CLICOLOR_FORCE") => true,
        Color::Auto => io::stdout().is_terminal() && std::env::var_os("TERM").is_none_or(|term| term != "dumb"),
    }
}

/// Width of the terminal in columns; of `COLUMNS` where there is none.
#[must_use]
pub fn width() -> Option<usize> {
    let asked = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|columns| *columns > 0);
    asked.or_else(|| terminal_size::terminal_size().map(|(width, _)| usize::from(width.0)))
}

/// The writers' name for a format.
#[must_use]
pub fn format(format: Format) -> report::Format {
    match format {
        Format::Table => report::Format::Table,
        Format::Ndjson => report::Format::Ndjson,
        Format::Json => report::Format::Json,
        Format::Csv => report::Format::Csv,
        Format::Markdown => report::Format::Markdown,
        Format::Html => report::Format::Html,
    }
}

/// The writers' name for a time style.
#[must_use]
pub fn time(time: Option<Time>) -> report::TimeStyle {
    match time {
        Some(Time::Utc) => report::TimeStyle::Utc,
        Some(Time::Local) => report::TimeStyle::Local,
        Some(Time::Epoch) => report::TimeStyle::Epoch,
        None | Some(Time::Relative) => report::TimeStyle::Relative,
        Some(Time::Delta) => report::TimeStyle::Delta,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes() {
        assert_eq!(parse_size("500M"), Ok(500_000_000));
        assert_eq!(parse_size("2GiB"), Ok(2 << 30));
        assert_eq!(parse_size("7"), Ok(7));
        assert!(parse_size("M").is_err());
        assert!(parse_size("1x").is_err());
        assert!(parse_size("99999999999G").is_err());
    }

    #[test]
    fn suggests_the_nearest_record_type() {
        let failure = named_kinds(&["conections".to_owned()]).unwrap_err().to_string();
        assert!(failure.contains("Did you mean `connections`?"), "{failure}");
        assert_eq!(named_kinds(&["dns".to_owned(), "http".to_owned()]).unwrap(), [RecordKind::Dns, RecordKind::Http]);
    }
}
