//! What was typed: every command and option, with its help. What they mean is [`super::plan`]'s to say.
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Explains what happened in a packet capture, with proof.
#[derive(Debug, Parser)]
#[command(
    name = "wireglass",
    version,
    about,
    before_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do; without it, FILE is analyzed.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// For the command that is meant when none is named.
    #[command(flatten)]
    pub analyze: AnalyzeArgs,
    /// List what can be captured from, as tcpdump -D.
    #[arg(short = 'D', long = "list-interfaces")]
    pub list_interfaces: bool,
}

const EXAMPLES: &str = "\
Examples:
  wireglass page-load.pcapng                       what happened, and what is wrong
  tcpdump -w - | wireglass -                       the same, from a pipe
  wireglass a.pcap b.pcap --format ndjson          records for scripts, files in time order
  wireglass page-load.pcapng --only http,dns       some tables only
  wireglass connection page-load.pcapng 31         one connection, both ends' states beside every segment
  wireglass follow page-load.pcapng 17             what both sides of a flow said
  wireglass findings tcp.close-race                what a finding means
  wireglass packets page-load.pcapng -V            every packet, every field
  wireglass statistics page-load.pcapng            who talks, how much, and when
  wireglass check a.pcap --expect a.toml           captures as tests: does it hold?
  wireglass packets big.pcap -Y dns -w dns.pcapng  only these packets, as a capture
  wireglass live -i eth0 -f 'port 443'             from an interface";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The whole report of one or more captures
    Analyze(AnalyzeArgs),
    /// One line a packet, in file order
    Packets(PacketsArgs),
    /// One connection explained: both ends' states beside every segment
    Connection(ConnectionArgs),
    /// The bytes of one TCP connection or UDP flow, as its sides sent them
    Follow(FollowArgs),
    /// Does a capture hold what a SPEC expects of it? Captures as tests in CI
    Check(super::check::CheckArgs),
    /// What a finding means; all of them without CODE
    Findings(FindingsArgs),
    /// The same report from a network interface
    Live(super::live::LiveArgs),
    /// What a display filter (-Y) can ask; with WORD, what has it in its name or description
    Fields(FieldsArgs),
    /// What can be captured from
    Interfaces,
    /// What people know from tshark -z: hierarchy, conversations, endpoints, traffic over time
    #[command(visible_alias = "stats")]
    Statistics(super::statistics::StatisticsArgs),
    /// JSON Schema of the records
    Schema,
    /// What makes a shell complete wireglass's commands and options
    Completions(super::completions::CompletionsArgs),
}

/// Where packets come from, and which of them count.
#[derive(Debug, Args)]
pub struct SourceArgs {
    /// Captures: pcap or pcapng, plain or compressed; `-` is standard input
    #[arg(value_name = "FILE")]
    pub files: Vec<PathBuf>,
    /// A capture, as tcpdump, tshark and Zeek spell it
    #[arg(short = 'r', value_name = "FILE")]
    pub read: Vec<PathBuf>,
    /// Only packets that pass this BPF expression (tcpdump's language; needs libpcap)
    #[arg(short = 'f', long = "filter", value_name = "BPF")]
    pub filter: Option<String>,
    /// Only packets that pass this display filter (Wireshark's language; `wireglass fields` lists what can be asked), and
    /// what is made of them: a flow, or anything else that is reported, counts when one of its packets passes
    #[arg(short = 'Y', long = "display-filter", value_name = "FILTER")]
    pub display_filter: Option<String>,
    /// Stop after so many packets
    #[arg(short = 'c', long = "count", value_name = "N")]
    pub count: Option<u64>,
    /// Accepted for those who are used to it: names are never resolved
    #[arg(short = 'n', hide = true, action = clap::ArgAction::Count)]
    pub numeric: u8,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub keys: KeyArgs,
}

/// Where packets go that pass.
#[derive(Debug, Args)]
pub struct WriteArgs {
    /// Write the packets that pass to this file, as in -Y 'tcp.port == 443' -w https.pcapng: pcapng with their comments, all
    /// interfaces and secrets; pcap if the name ends with .pcap or .cap. `-` is standard output, which then gets nothing
    /// else. Single packets are written, as tshark does; for whole flows see --whole-flows
    #[arg(short = 'w', long = "write", value_name = "OUT")]
    pub write: Option<PathBuf>,
    /// With -Y and -w: write every packet of the flows of which one packet passes
    #[arg(long, requires_all = ["write", "display_filter"])]
    pub whole_flows: bool,
}

/// What opens protected traffic.
#[derive(Clone, Debug, Default, Args)]
pub struct KeyArgs {
    /// TLS secrets, as browsers write them to SSLKEYLOGFILE (RFC 9850); those inside a pcapng file are used by themselves
    #[arg(long, value_name = "FILE")]
    pub keylog: Vec<PathBuf>,
    /// A server's RSA private key (PEM or DER): opens TLS sessions whose key exchange is RSA
    #[arg(long, value_name = "FILE")]
    pub rsa_key: Vec<PathBuf>,
    /// Do not use secrets that a capture carries
    #[arg(long)]
    pub ignore_secrets: bool,
}

/// How results look.
#[derive(Debug, Args)]
pub struct OutputArgs {
    /// What to print [default: table; live, where standard output is no terminal: ndjson]
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// Record types to print, separated by commas: connections, udp, tls, certificates, dns, http, findings, ...
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub only: Vec<String>,
    /// Record types to print besides the usual: dns_messages, tls_records, tls_extensions, ...
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub also: Vec<String>,
    /// Every row of every table (they show the first 20)
    #[arg(long)]
    pub all: bool,
    /// Values of cookies and credentials in full; otherwise only the beginning of their SHA-256
    #[arg(long)]
    pub show_secrets: bool,
    /// How moments are printed [default: relative in tables; RFC 3339 in machine formats, always]
    #[arg(long, value_enum, value_name = "STYLE")]
    pub time: Option<Time>,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
    /// For CSV: a directory to write one file per record type to
    #[arg(long, value_name = "DIR")]
    pub csv_dir: Option<PathBuf>,
}

/// What a run may use.
#[derive(Debug, Args)]
pub struct ResourceArgs {
    /// Workers [default: all cores]; never changes the output
    #[arg(long, value_name = "N")]
    pub threads: Option<usize>,
    /// Open flows at most [default: 1000000, and see --max-memory]; idle ones are closed early, and it is said
    #[arg(long, value_name = "N")]
    pub max_flows: Option<usize>,
    /// Memory for open flows at most, such as 500M or 2G [default: 768MiB]
    #[arg(long, value_name = "SIZE", value_parser = super::plan::parse_size, conflicts_with = "max_flows")]
    pub max_memory: Option<u64>,
    /// Maximum segment lifetime: TIME-WAIT lasts twice this (RFC 9293; Linux keeps TIME-WAIT for 60 s)
    #[arg(long, value_name = "SECONDS", default_value_t = 120)]
    pub msl: u32,
    /// Idle time after which an open TCP connection is given up [opening: 130 at most; closed: twice the MSL]
    #[arg(long, value_name = "SECONDS", default_value_t = crate::flow::TCP_IDLE_SECONDS)]
    pub tcp_timeout: u32,
    /// Idle time after which a UDP flow is over
    #[arg(long, value_name = "SECONDS", default_value_t = crate::flow::UDP_IDLE_SECONDS)]
    pub udp_timeout: u32,
    /// Damage and losses of the capture are errors
    #[arg(long)]
    pub strict: bool,
}

/// Whom to trust.
#[derive(Debug, Args)]
pub struct TrustArgs {
    /// Trust the certificates of this PEM file besides Mozilla's list
    #[arg(long, value_name = "FILE")]
    pub ca: Vec<PathBuf>,
    /// Trust the system's certificates besides Mozilla's list: the report then depends on the machine
    #[arg(long)]
    pub system_roots: bool,
    /// Judge certificates for this moment, besides the capture's own [default: the clock]
    #[arg(long, value_name = "TIME", value_parser = super::certificates::parse_moment)]
    pub now: Option<i64>,
}

impl Default for ResourceArgs {
    fn default() -> Self {
        Self {
            threads: None,
            max_flows: None,
            max_memory: None,
            msl: 120,
            tcp_timeout: crate::flow::TCP_IDLE_SECONDS,
            udp_timeout: crate::flow::UDP_IDLE_SECONDS,
            strict: false,
        }
    }
}

/// `wireglass FILE...` and `wireglass analyze FILE...`.
#[derive(Debug, Args)]
pub struct AnalyzeArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: SourceArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub written: WriteArgs,
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
    /// Several files are several captures, not one in time order
    #[arg(long)]
    pub separate: bool,
}

/// `wireglass packets FILE`.
#[derive(Debug, Args)]
pub struct PacketsArgs {
    #[command(flatten)]
    #[allow(missing_docs)]
    pub source: SourceArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub written: WriteArgs,
    /// The layer tree of every packet
    #[arg(short = 'V', long = "verbose")]
    pub verbose: bool,
    /// The bytes of every packet
    #[arg(short = 'x', long = "hex")]
    pub hex: bool,
    /// With -w: print the packets too, as -V, -x and -o also do
    #[arg(short = 'P', long)]
    pub print: bool,
    /// What to print
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value = "table")]
    pub format: Format,
    /// How moments are printed [default: relative]
    #[arg(long, value_enum, value_name = "STYLE")]
    pub time: Option<Time>,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

/// `wireglass connection FILE ID`.
#[derive(Debug, Args)]
pub struct ConnectionArgs {
    /// The capture
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The connection's number in the report, under `flow`; or one of its ends or both (10.0.0.1:443), if only one suits;
    /// or one of its packets ('#17')
    #[arg(value_name = "ID")]
    pub id: String,
    /// What to print
    #[arg(short = 'o', long, value_enum, value_name = "FORMAT", default_value = "text")]
    pub format: ConnectionFormat,
    /// Every segment (stretches in which nothing happens are summed up)
    #[arg(long)]
    pub all: bool,
    /// Draw only segments that pass this display filter, as in -Y 'tcp.len > 0' (states still change where they did); of
    /// -o json and ndjson the records that rest on one
    #[arg(short = 'Y', long = "display-filter", value_name = "FILTER")]
    pub display_filter: Option<String>,
    /// How moments are printed [default: relative to the first packet of the connection]
    #[arg(long, value_enum, value_name = "STYLE")]
    pub time: Option<Time>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub trust: TrustArgs,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub keys: KeyArgs,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

/// How `connection` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ConnectionFormat {
    /// A ladder for the terminal
    #[value(alias = "table")]
    Text,
    /// A page for a ticket or a wiki
    Markdown,
    /// A picture
    Svg,
    /// The records of the flow, one JSON array
    Json,
    /// The records of the flow, one JSON object a line
    Ndjson,
}

/// `wireglass follow FILE ID`.
#[derive(Debug, Args)]
#[command(before_help = FOLLOW_EXAMPLES)]
pub struct FollowArgs {
    /// The capture; `-` is standard input
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    /// The flow's number in the report, under `flow`; or one of its ends or both (10.0.0.1:443), if only one suits; or one
    /// of its packets ('#17'). From standard input only the number
    #[arg(value_name = "ID")]
    pub id: String,
    /// What to print
    #[arg(short = 'o', long, visible_alias = "as", value_enum, value_name = "FORMAT", default_value = "text")]
    pub format: FollowFormat,
    /// Only what this side sent, as in --side server [default: both]
    #[arg(long, value_enum, value_name = "SIDE")]
    pub side: Option<FollowSide>,
    /// Where the bytes are taken from [default: tls where secrets open it, else tcp]
    #[arg(long, value_enum, value_name = "LAYER")]
    pub layer: Option<FollowLayer>,
    /// How moments are printed [default: relative to the first packet of the flow]
    #[arg(long, value_enum, value_name = "STYLE")]
    pub time: Option<Time>,
    #[command(flatten)]
    #[allow(missing_docs)]
    pub keys: KeyArgs,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

const FOLLOW_EXAMPLES: &str = "\
Examples:
  wireglass follow page-load.pcapng 17                            what both sides said, turn by turn
  wireglass follow page-load.pcapng 31 --keylog keys.txt          what was inside TLS
  wireglass follow page-load.pcapng 17 -o raw --side server > x   the server's bytes, as they are
  tcpdump -w - | wireglass follow - 1 -o hex                      from a pipe, as a dump";

/// How `follow` prints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FollowFormat {
    /// Turn by turn, in UTF-8; what a terminal would obey or cannot show is written out (\x1b). CR LF and LF end a line
    #[value(aliases = ["table", "ascii"])]
    Text,
    /// Packet by packet: the offset among all that the side sent, bytes, ASCII
    Hex,
    /// The bytes of one side (--side) as they are; holes are told of on standard error
    Raw,
    /// One JSON object a packet and line: type flow layer side packet ts offset length data gap, data in base64; of a hole,
    /// gap is true and data null
    Ndjson,
    /// The same objects, one JSON array
    Json,
}

/// A side of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FollowSide {
    /// The one that opened it
    Client,
    /// The other one
    Server,
}

/// Where followed bytes are taken from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FollowLayer {
    /// What TCP (or UDP) carried
    #[value(aliases = ["udp", "transport"])]
    Tcp,
    /// What was inside TLS; needs secrets: --keylog, --rsa-key, or those in a pcapng file
    Tls,
}

/// `wireglass findings [CODE]`.
#[derive(Debug, Args)]
pub struct FindingsArgs {
    /// A code such as tcp.close-race, or the part before the dot
    #[arg(value_name = "CODE")]
    pub code: Option<String>,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

/// `wireglass fields [WORD]`.
#[derive(Debug, Args)]
pub struct FieldsArgs {
    /// Part of a name or a description: tcp.flags, retransmission
    #[arg(value_name = "WORD")]
    pub words: Vec<String>,
    /// When to use colour
    #[arg(long, value_enum, value_name = "WHEN", default_value = "auto")]
    pub color: Color,
}

/// Output formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Tables for people
    Table,
    /// One JSON object a line
    Ndjson,
    /// One JSON array
    Json,
    /// Comma-separated values, one record type
    Csv,
    /// Markdown tables
    Markdown,
    /// One self-contained page
    Html,
}

/// How moments are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Time {
    /// RFC 3339 in UTC
    Utc,
    /// RFC 3339 in the local time zone
    Local,
    /// Seconds since 1970
    Epoch,
    /// Seconds since the first packet
    Relative,
    /// Seconds since the packet before
    Delta,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal, as `NO_COLOR` and `CLICOLOR_FORCE` say
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}
