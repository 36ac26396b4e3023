//! The options of `wireglass live`. What they mean is [`super`]'s to say.
use std::{path::PathBuf, time::Duration};

use clap::Args;

use super::written::WrittenArgs;
use crate::cli::args::{KeyArgs, OutputArgs, ResourceArgs, TrustArgs};

/// `wireglass live`.
#[derive(Debug, Args)]
#[command(before_help = EXAMPLES)]
pub struct LiveArgs {
    /// Interface to capture from, by name or by its number in `wireglass interfaces`; `any` is all of them. Several -i are
    /// captured from at once, as one capture in the order of time
    #[arg(short = 'i', long = "interface", value_name = "IFACE", required = true)]
    pub interfaces: Vec<String>,
    /// Only packets that pass this BPF expression. One -f is for all interfaces; several are for one -i each, in order
    #[arg(short = 'f', long = "filter", value_name = "BPF")]
    pub filters: Vec<String>,
    /// Only records of flows of which a packet has passed this display filter so far, as in -Y 'tls.handshake', and what is
    /// said of the whole capture. A record is judged when it is complete; what belongs to no single flow is left out. Not
    /// with -w: all packets are captured, use -f to capture fewer
    #[arg(short = 'Y', long = "display-filter", value_name = "FILTER")]
    pub display_filter: Option<String>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub written: WrittenArgs,
    /// Stop after so many packets
    #[arg(short = 'c', long = "count", value_name = "N")]
    pub count: Option<u64>,
    /// Stop after so many seconds, as in 10 or 0.5
    #[arg(long, value_name = "SECONDS", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// Bytes kept of each packet
    #[arg(short = 's', long, value_name = "LEN", default_value_t = 262_144,
          value_parser = clap::value_parser!(u32).range(1..=262_144))]
    pub snap_length: u32,
    /// Leave the interface's own mode: do not ask for others' packets
    #[arg(short = 'p', long)]
    pub no_promiscuous: bool,
    /// The kernel's buffer for each interface, in KiB, as tcpdump's -B; packets wait there, and are dropped and counted when
    /// it is full
    #[arg(short = 'B', long, value_name = "KiB", default_value_t = 65_536,
          value_parser = clap::value_parser!(u32).range(64..=2_097_151))]
    pub buffer_size: u32,
    /// Have each packet at once, not a few at a time (every 50 ms at the latest; several interfaces: 30 ms): costs more
    #[arg(long)]
    pub immediate_mode: bool,
    /// Become this user once the interfaces are open, before any file is made [default: who called sudo]
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// Accepted for those who are used to it: names are never resolved
    #[arg(short = 'n', hide = true, action = clap::ArgAction::Count)]
    pub numeric: u8,
    /// Show no screen while capturing, also on a terminal: a line of progress only, and the report at the end
    #[arg(long)]
    pub no_screen: bool,
    /// Flush every line
    #[arg(short = 'l', long)]
    pub line_buffered: bool,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub keys: KeyArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub output: OutputArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub resources: ResourceArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub trust: TrustArgs,
    /// Write every certificate seen to this directory, as SHA256.pem; files that exist are left alone
    #[arg(long, value_name = "DIR")]
    pub export_certs: Option<PathBuf>,
    /// Write the content of HTTP messages to this directory, decoded, named by host and path; nothing is overwritten
    #[arg(long, value_name = "DIR")]
    pub export_objects: Option<PathBuf>,
}

/// `10`, `0.5`: seconds.
fn parse_duration(text: &str) -> Result<Duration, String> {
    let seconds: Option<f64> = text.parse().ok().filter(|seconds| *seconds > 0.0);
    seconds
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .ok_or_else(|| format!("`{text}` is no time: write seconds, as in 10 or 0.5"))
}

const EXAMPLES: &str = "\
Examples:
  sudo wireglass live -i eth0                                 what happens, while it happens; q ends and reports
  sudo wireglass live -i eth0 -i wlan0 -f 'port 443'          two interfaces, one capture in the order of time
  sudo wireglass live -i eth0 -w all.pcapng --rotate-size 100M --rotate-files 10
                                                              a ring of files beside the analysis
  wireglass live -i any --duration 10 -l | jq .type           records as they are complete";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        assert_eq!(parse_duration("10"), Ok(Duration::from_secs(10)));
        assert_eq!(parse_duration("0.25"), Ok(Duration::from_millis(250)));
        for wrong in ["", "0", "-1", "NaN", "inf", "1e300", "ten"] {
            assert!(parse_duration(wrong).is_err(), "{wrong}");
        }
    }
}
