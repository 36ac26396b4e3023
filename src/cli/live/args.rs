//! The options of `wireglass live`. What they mean is [`super`]'s to say.
use std::path::PathBuf;

use clap::Args;

use crate::cli::args::{KeyArgs, OutputArgs, ResourceArgs, TrustArgs};

/// `wireglass live`.
#[derive(Debug, Args)]
pub struct LiveArgs {
    /// Interface to capture from; `any` is all of them
    #[arg(short = 'i', value_name = "IFACE", required = true)]
    pub interface: String,
    /// Only packets that pass this BPF expression
    #[arg(short = 'f', long = "filter", value_name = "BPF")]
    pub filter: Option<String>,
    /// Only records of flows of which a packet has passed this display filter so far, as in -Y 'tls.handshake', and what is
    /// said of the whole capture. A record is judged when it is complete; what belongs to no single flow is left out. Not
    /// with -w: all packets are captured, use -f to capture fewer
    #[arg(short = 'Y', long = "display-filter", value_name = "FILTER")]
    pub display_filter: Option<String>,
    /// Also write the packets to this file, pcapng, or pcap by name
    #[arg(short = 'w', value_name = "FILE")]
    pub write: Option<PathBuf>,
    /// Stop after so many packets
    #[arg(short = 'c', long = "count", value_name = "N")]
    pub count: Option<u64>,
    /// Stop after so many seconds
    #[arg(long, value_name = "SECONDS")]
    pub duration: Option<u64>,
    /// Bytes kept of each packet
    #[arg(short = 's', long, value_name = "LEN", default_value_t = 262_144)]
    pub snap_length: u32,
    /// Leave the interface's own mode: do not ask for others' packets
    #[arg(short = 'p', long)]
    pub no_promiscuous: bool,
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
