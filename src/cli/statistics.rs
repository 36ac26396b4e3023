//! `wireglass statistics FILE...`: what people know from `tshark -z`, counted packet by packet.
use std::{
    io::{self, BufWriter},
    path::PathBuf,
    sync::{Arc, atomic::AtomicBool},
};

use clap::{Args, ValueEnum};

use super::{
    analyze,
    args::{Color, Format, ResourceArgs, SourceArgs, Time},
    complain,
    exit::{Ended, Failure},
    keys, plan,
    progress::ProgressLine,
};
use crate::{
    engine, filter, limits,
    record::{RecordKind, StatisticsLayer, Wanted},
    report::{self, Writer},
};

const EXAMPLES: &str = "\
Examples:
  wireglass statistics page-load.pcapng                              everything, the busiest first
  wireglass statistics page-load.pcapng --only io --interval 100ms   traffic over time
  wireglass statistics page-load.pcapng --only conversations --layers tcp --sort duration
  wireglass statistics page-load.pcapng --only io --line dns --line 'tcp.flags.reset == 1'
  wireglass statistics page-load.pcapng -Y 'ip.addr == 10.77.10.10' --all
  wireglass statistics page-load.pcapng -z io,phs -z conv,tcp        as tshark spells it
  wireglass statistics page-load.pcapng --only endpoints --format csv";

/// `wireglass statistics FILE...`.
#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub struct StatisticsArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: SourceArgs,
    /// Sections to print, separated by commas [default: all]
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',')]
    pub only: Vec<Section>,
    /// Layers of conversations and endpoints, separated by commas [default: all]
    #[arg(long, value_name = "LIST", value_enum, value_delimiter = ',')]
    pub layers: Vec<Layer>,
    /// A section as tshark names it: io,phs | conv,LAYER | endpoints,LAYER | io,stat,SECONDS[,FILTER]... | plen,tree
    #[arg(short = 'z', value_name = "NAME")]
    pub taps: Vec<String>,
    /// Length of the intervals of `io`, such as 100ms, 5s, 1min [default: what fits a screen]
    #[arg(long, value_name = "TIME", value_parser = parse_interval)]
    pub interval: Option<i64>,
    /// Count the packets that pass this display filter in each interval of `io`; several may be given
    /// [default: tcp.analysis.flags, what went wrong in TCP]
    #[arg(long = "line", value_name = "FILTER")]
    pub lines: Vec<String>,
    /// What conversations and endpoints are sorted by
    #[arg(long, value_name = "KEY", value_enum, default_value = "bytes")]
    pub sort: Sort,
    /// Every row of every table (they show the first 20)
    #[arg(long)]
    pub all: bool,
    /// What to print
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// For CSV: a directory to write one file per section to
    #[arg(long, value_name = "DIR")]
    pub csv_dir: Option<PathBuf>,
    /// How the intervals' beginnings are printed [default: relative in tables; RFC 3339 in machine formats, always]
    #[arg(long, value_enum, value_name = "STYLE")]
    pub time: Option<Time>,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// Accepted as elsewhere; one thread counts, and the numbers never depend on it
    #[arg(long, value_name = "N", hide = true)]
    pub threads: Option<usize>,
    /// Damage and losses of the capture are errors
    #[arg(long)]
    pub strict: bool,
}

/// The sections.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Section {
    /// Packets, bytes and rate of every protocol, as a tree (io,phs)
    #[value(alias = "phs")]
    Hierarchy,
    /// Who talks to whom on each layer (conv,LAYER)
    #[value(alias = "conv")]
    Conversations,
    /// What each address sent and received (endpoints,LAYER)
    Endpoints,
    /// Traffic over time, with a chart (io,stat)
    #[value(alias = "intervals")]
    Io,
    /// Packets by length (plen,tree)
    #[value(alias = "plen")]
    Lengths,
    /// How far away each sender is, by time to live and hop limit
    #[value(alias = "ttl")]
    Hops,
    /// Packets by class of service, and marks of congestion
    Dscp,
}

/// The layers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Layer {
    /// Ethernet
    Eth,
    /// IPv4
    #[value(alias = "ipv4")]
    Ip,
    /// IPv6
    Ipv6,
    /// TCP
    Tcp,
    /// UDP
    Udp,
}

/// What to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sort {
    /// The most bytes first
    Bytes,
    /// The most packets first
    Packets,
    /// The earliest first
    Start,
    /// The longest first
    Duration,
    /// By address and port
    Address,
}

/// What is counted over time unless the user says otherwise.
const USUAL_LINE: &str = "tcp.analysis.flags";

/// Runs the command.
pub fn statistics(args: &StatisticsArgs) -> Result<Ended, Failure> {
    let files = plan::files(&args.source)?;
    let asked = Asked::of(args)?;
    let filter = plan::capture_filter(args.source.filter.as_deref())?;
    let display_filter = plan::display_filter(args.source.display_filter.as_deref())?;
    let is_filtered = display_filter.is_some() || filter.is_some();
    let mut writer = writer(args, asked.wanted)?;
    let given = keys::given(&args.source.keys)?;
    let source = analyze::open(&files)?;
    let names = files.iter().map(|file| analyze::name(file)).collect();
    let resources = ResourceArgs { threads: Some(1), ..ResourceArgs::default() };
    let stop = Arc::new(AtomicBool::new(false));
    let settings = plan::engine_settings(&resources, asked.wanted, filter, args.source.count, names, stop, given);
    let wish = engine::Wish {
        layers: asked.layers,
        interval_ns: asked.interval_ns,
        lines: asked.lines,
        filter: display_filter,
        order: match args.sort {
            Sort::Bytes => engine::Order::Bytes,
            Sort::Packets => engine::Order::Packets,
            Sort::Start => engine::Order::Start,
            Sort::Duration => engine::Order::Duration,
            Sort::Address => engine::Order::Address,
        },
    };
    let mut line = ProgressLine::new();
    let counted = engine::statistics(source, settings, wish, writer.as_mut(), &mut |progress| line.update(progress));
    drop(line);
    let (outcome, counted) = counted.map_err(Failure::Output)?;
    analyze::unnumbered(outcome.unnumbered);
    if counted == 0 && is_filtered {
        complain("no packet passes the filter");
    }
    Ok(analyze::judge(&outcome.captures, args.strict))
}

fn writer(args: &StatisticsArgs, wanted: Wanted) -> Result<Box<dyn Writer + Send>, Failure> {
    let options = report::Options {
        width: plan::width(),
        color: plan::color(args.color),
        all: args.all,
        time: plan::time(args.time),
        wanted,
        ..report::Options::default()
    };
    if let (Format::Csv, Some(directory)) = (args.format, &args.csv_dir) {
        return report::csv_directory(directory)
            .map_err(|error| Failure::Usage(format!("cannot write CSV files to {}: {error}", directory.display())));
    }
    let out = Box::new(BufWriter::new(io::stdout()));
    match args.format {
        // Rows come sorted, so there is nothing to stream.
        Format::Table => Ok(Box::new(report::table::TableWriter::whole(out, options))),
        Format::Csv => {
            let mut sections = RecordKind::STATISTICS.into_iter().filter(|kind| wanted.has(*kind));
            match (sections.next(), sections.next()) {
                (Some(kind), None) => Ok(Box::new(report::csv::CsvWriter::new(kind, out).map_err(Failure::Output)?)),
                _ => Err(Failure::Usage(
                    "CSV holds one section: name it with --only, or give --csv-dir DIR to write one file for each"
                        .to_owned(),
                )),
            }
        }
        format => report::writer(plan::format(format), out, options).map_err(Failure::Output),
    }
}

/// What the options ask for.
struct Asked {
    wanted: Wanted,
    layers: Vec<StatisticsLayer>,
    interval_ns: Option<i64>,
    lines: Vec<(String, filter::Filter)>,
}

impl Asked {
    fn of(args: &StatisticsArgs) -> Result<Self, Failure> {
        let mut sections: Vec<RecordKind> = args.only.iter().map(|section| section.kind()).collect();
        let mut layers: Vec<StatisticsLayer> = args.layers.iter().map(|layer| layer.layer()).collect();
        let mut interval_ns = args.interval;
        let mut lines = args.lines.clone();
        for tap in &args.taps {
            match tap.split(',').collect::<Vec<_>>().as_slice() {
                ["io", "phs"] => sections.push(RecordKind::StatisticsProtocol),
                ["plen", "tree"] => sections.push(RecordKind::StatisticsLength),
                ["io", "stat", seconds, filters @ ..] => {
                    sections.push(RecordKind::StatisticsInterval);
                    interval_ns = Some(parse_interval(seconds).map_err(Failure::Usage)?);
                    lines.extend(filters.iter().map(|filter| (*filter).to_owned()));
                }
                [what @ ("conv" | "endpoints"), layer] => {
                    let known = StatisticsLayer::ALL.into_iter().find(|known| known.name() == *layer);
                    let layer = known.ok_or_else(|| unknown_tap(tap))?;
                    let is_conversation = *what == "conv";
                    sections.push(match is_conversation {
                        true => RecordKind::StatisticsConversation,
                        false => RecordKind::StatisticsEndpoint,
                    });
                    if !layers.contains(&layer) {
                        layers.push(layer);
                    }
                }
                _ => return Err(unknown_tap(tap)),
            }
        }
        if sections.is_empty() {
            sections.extend(RecordKind::STATISTICS);
        }
        if layers.is_empty() {
            layers.extend(StatisticsLayer::ALL);
        }
        let wanted: Wanted = sections.iter().copied().collect();
        if !wanted.has(RecordKind::StatisticsInterval) {
            lines.clear();
        } else if lines.is_empty() {
            lines.push(USUAL_LINE.to_owned());
        }
        if lines.len() > limits::MAX_STATISTICS_LINES {
            let most = limits::MAX_STATISTICS_LINES;
            return Err(Failure::Usage(format!("{} lines were asked for; {most} can be counted at once", lines.len())));
        }
        let compiled = lines.into_iter().map(|text| match filter::Filter::new(&text) {
            Ok(filter) => Ok((text, filter)),
            Err(mistake) => Err(Failure::Filter(mistake.to_string())),
        });
        let around = [RecordKind::Report, RecordKind::Finding, RecordKind::Capture];
        let wanted = around.into_iter().fold(wanted, Wanted::with);
        Ok(Self { wanted, layers, interval_ns, lines: compiled.collect::<Result<_, _>>()? })
    }
}

fn unknown_tap(tap: &str) -> Failure {
    let layers: Vec<&str> = StatisticsLayer::ALL.into_iter().map(StatisticsLayer::name).collect();
    let layers = layers.join("|");
    Failure::Usage(format!(
        "-z {tap} is not known. There are: io,phs · conv,{layers} · endpoints,{layers} · io,stat,SECONDS[,FILTER]... · plen,tree. \
         For packets of one filter only, use -Y"
    ))
}

impl Section {
    fn kind(self) -> RecordKind {
        match self {
            Self::Hierarchy => RecordKind::StatisticsProtocol,
            Self::Conversations => RecordKind::StatisticsConversation,
            Self::Endpoints => RecordKind::StatisticsEndpoint,
            Self::Io => RecordKind::StatisticsInterval,
            Self::Lengths => RecordKind::StatisticsLength,
            Self::Hops => RecordKind::StatisticsHops,
            Self::Dscp => RecordKind::StatisticsDscp,
        }
    }
}

impl Layer {
    fn layer(self) -> StatisticsLayer {
        match self {
            Self::Eth => StatisticsLayer::Eth,
            Self::Ip => StatisticsLayer::Ip,
            Self::Ipv6 => StatisticsLayer::Ipv6,
            Self::Tcp => StatisticsLayer::Tcp,
            Self::Udp => StatisticsLayer::Udp,
        }
    }
}

/// `100ms`, `0.5`, `5s`, `1min`: nanoseconds. Without a unit, seconds.
///
/// # Errors
/// A sentence that shows what is understood.
pub fn parse_interval(text: &str) -> Result<i64, String> {
    let wrong = || format!("`{text}` is not a length of time: write 100ms, 0.5s, 10s or 1min");
    let digits = text.trim_end_matches(|letter: char| letter.is_alphabetic());
    let unit: u64 = match text.get(digits.len()..).unwrap_or_default() {
        "" | "s" => 1_000_000_000,
        "us" | "µs" => 1_000,
        "ms" => 1_000_000,
        "min" | "m" => 60_000_000_000,
        "h" => 3_600_000_000_000,
        "d" => 86_400_000_000_000,
        _ => return Err(wrong()),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    if decimals.len() > 9 || !decimals.bytes().all(|digit| digit.is_ascii_digit()) {
        return Err(wrong());
    }
    let whole: u64 = if whole.is_empty() && !decimals.is_empty() { 0 } else { whole.parse().map_err(|_| wrong())? };
    let billionths: u64 = format!("{decimals:0<9}").parse().map_err(|_| wrong())?;
    let nanoseconds = u128::from(whole) * u128::from(unit) + u128::from(billionths) * u128::from(unit) / 1_000_000_000;
    match i64::try_from(nanoseconds) {
        Ok(0) => Err("an interval of no time holds nothing".to_owned()),
        Ok(nanoseconds) => Ok(nanoseconds),
        Err(_) => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_read_as_people_write_them() {
        let good = [("1", 1_000_000_000), ("0.25", 250_000_000), (".5s", 500_000_000), ("100ms", 100_000_000)];
        for (text, nanoseconds) in good.into_iter().chain([("1.5ms", 1_500_000), ("2min", 120_000_000_000)]) {
            assert_eq!(parse_interval(text), Ok(nanoseconds), "{text}");
        }
        for text in ["", ".", "x", "1y", "-1", "0", "0.0000000001", "1e3", "99999999999d", "1.+5"] {
            assert!(parse_interval(text).is_err(), "{text}");
        }
    }
}
