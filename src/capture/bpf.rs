//! Capture filters (pcap-filter(7)) on packets already read, compiled by libpcap for each link type that turns up.
//! Names that libpcap would look up over the network are refused before it sees them.
use thiserror::Error;

/// Why a filter cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FilterError {
    /// A host or network by name.
    #[error("filter: `{name}` is a name, and names are never looked up over the network; write its address")]
    Name {
        /// The word.
        name: String,
    },
    /// libpcap does not accept it.
    #[error("filter: {reason} in `{expression}`; the syntax is described in pcap-filter(7)")]
    Syntax {
        /// As given.
        expression: String,
        /// libpcap's words.
        reason: String,
    },
    /// This build has no libpcap.
    #[error("filter: this build has no capture filters (feature `live`); build it with the default features")]
    NotBuilt,
}

/// Words of the filter language, after which or as which no name is looked up.
const KEYWORDS: &[&str] = &[
    "and",
    "or",
    "not",
    "host",
    "net",
    "mask",
    "port",
    "portrange",
    "proto",
    "protochain",
    "gateway",
    "src",
    "dst",
    "ra",
    "ta",
    "addr1",
    "addr2",
    "addr3",
    "addr4",
    "ether",
    "fddi",
    "tr",
    "wlan",
    "ip",
    "ip6",
    "arp",
    "rarp",
    "decnet",
    "tcp",
    "udp",
    "sctp",
    "icmp",
    "icmp6",
    "igmp",
    "igrp",
    "pim",
    "vrrp",
    "carp",
    "ah",
    "esp",
    "link",
    "ppp",
    "slip",
    "radio",
    "atalk",
    "aarp",
    "lat",
    "moprc",
    "mopdl",
    "iso",
    "clnp",
    "esis",
    "isis",
    "stp",
    "ipx",
    "netbeui",
    "broadcast",
    "multicast",
    "inbound",
    "outbound",
    "ifindex",
    "less",
    "greater",
    "len",
    "vlan",
    "mpls",
    "pppoed",
    "pppoes",
    "geneve",
    "vxlan",
    "type",
    "subtype",
    "dir",
    "vpi",
    "vci",
    "byte",
    "iface",
    "ifname",
    "on",
];

/// Refuses what libpcap would look up: a word after `host`, `net`, `gateway`, `src` or `dst` (also through `and`/`or`
/// lists) that is neither an address nor of the language. MAC addresses, numbers and ports by service name (looked up in
/// a local file) pass.
///
/// # Errors
/// [`FilterError::Name`].
pub fn refuse_names(expression: &str) -> Result<(), FilterError> {
    // Whether a bare word would be taken for a host or network.
    let mut expects_host = true;
    let mut brackets = 0_u32;
    let mut before = "";
    for word in words(expression) {
        let interface = matches!(before, "ifname" | "on");
        before = word;
        match word {
            "[" => brackets = brackets.saturating_add(1),
            "]" => brackets = brackets.saturating_sub(1),
            // What follows these, and lists after them, are ports, protocols and the like from local tables.
            "port" | "portrange" | "proto" | "protochain" | "type" | "subtype" | "dir" | "ifname" | "on" => {
                expects_host = false;
            }
            "and" | "or" | "not" => {}
            _ if brackets > 0 || interface => {}
            _ if KEYWORDS.contains(&word) => expects_host = true,
            // A word with a dot is no service, whatever came before it.
            _ if (expects_host || word.contains('.')) && !is_address(word) && !is_constant(word) => {
                return Err(FilterError::Name { name: word.to_owned() });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Constants of the language such as `tcp-syn` and `icmp-echo`.
fn is_constant(word: &str) -> bool {
    ["tcp-", "icmp-", "icmp6-", "tcpflags", "icmptype", "icmpcode", "icmp6type", "icmp6code"]
        .iter()
        .any(|start| word.starts_with(start))
        && !word.contains('.')
}

/// Numbers, IPv4 and IPv6 addresses and prefixes, MAC addresses: what holds no letter beyond hexadecimal digits, and
/// operators.
fn is_address(word: &str) -> bool {
    if word.chars().all(|c| c.is_ascii_digit() || ".:/-".contains(c)) {
        return true;
    }
    if let Some(hexadecimal) = word.strip_prefix("0x").or_else(|| word.strip_prefix("0X")) {
        return hexadecimal.chars().all(|c| c.is_ascii_hexdigit());
    }
    if !word.chars().any(|c| c.is_ascii_alphanumeric()) {
        return true;
    }
    let (address, prefix) = word.split_once('/').unwrap_or((word, "0"));
    let address = address.split_once('%').map_or(address, |(address, _)| address);
    if address.parse::<std::net::IpAddr>().is_ok() {
        return prefix.parse::<u8>().is_ok();
    }
    // MAC addresses: with colons, dashes or dots, or AppleTalk's and DECnet's numbers.
    let digits = address.chars().filter(|c| c.is_ascii_hexdigit()).count();
    address.chars().all(|c| c.is_ascii_hexdigit() || ":-.".contains(c))
        && (4..=12).contains(&digits)
        && address.contains([':', '-', '.'])
        && address.split([':', '-', '.']).count() >= 3
        && address.split([':', '-', '.']).all(|part| part.len() <= 4)
        && (address.contains(':') || address.split(['-', '.']).count() == 6 || is_cisco(address))
}

/// `0011.2233.4455`.
fn is_cisco(address: &str) -> bool {
    let parts: Vec<&str> = address.split('.').collect();
    parts.len() == 3 && parts.iter().all(|part| part.len() == 4)
}

/// Words, brackets and runs of operators.
fn words(expression: &str) -> impl Iterator<Item = &str> {
    let is_word = |c: char| c.is_alphanumeric() || "._:/-%\\".contains(c);
    let mut rest = expression;
    std::iter::from_fn(move || {
        rest = rest.trim_start();
        let first = rest.chars().next()?;
        let end =
            if is_word(first) { rest.find(|c: char| !is_word(c)).unwrap_or(rest.len()) } else { first.len_utf8() };
        let (word, after) = rest.split_at_checked(end)?;
        rest = after;
        Some(word)
    })
}

#[cfg(feature = "live")]
pub use compiled::Filter;

#[cfg(feature = "live")]
mod compiled {
    use pcap::{BpfProgram, Capture, Linktype};

    use super::{FilterError, refuse_names};
    use crate::record::LinkType;

    /// A filter and its programs, one a link type.
    pub struct Filter {
        expression: String,
        /// None where libpcap cannot express the filter for that link type: nothing matches there.
        programs: Vec<(LinkType, Option<BpfProgram>)>,
    }

    impl Filter {
        /// Checks an expression (compiled for Ethernet, the language's home).
        ///
        /// # Errors
        /// See [`FilterError`].
        pub fn new(expression: &str) -> Result<Self, FilterError> {
            refuse_names(expression)?;
            let mut filter = Self { expression: expression.to_owned(), programs: Vec::new() };
            let program = filter.compile(LinkType::ETHERNET)?;
            filter.programs.push((LinkType::ETHERNET, Some(program)));
            Ok(filter)
        }

        fn compile(&self, link_type: LinkType) -> Result<BpfProgram, FilterError> {
            let syntax = |error: pcap::Error| FilterError::Syntax {
                expression: self.expression.clone(),
                reason: match error {
                    pcap::Error::PcapError(reason) => reason,
                    other => other.to_string(),
                },
            };
            let dead = Capture::dead(Linktype(i32::from(link_type.dlt()))).map_err(syntax)?;
            dead.compile(&self.expression, true).map_err(syntax)
        }

        /// Whether a packet passes.
        pub fn matches(&mut self, link_type: LinkType, bytes: &[u8]) -> bool {
            if !self.programs.iter().any(|(known, _)| *known == link_type) {
                let program = self.compile(link_type).ok();
                self.programs.push((link_type, program));
            }
            let program =
                self.programs.iter().find(|(known, _)| *known == link_type).and_then(|(_, program)| program.as_ref());
            program.is_some_and(|program| program.filter(bytes))
        }
    }
}

/// A filter; this build has none.
#[cfg(not(feature = "live"))]
pub struct Filter(std::convert::Infallible);

#[cfg(not(feature = "live"))]
impl Filter {
    /// Always fails: this build has no libpcap.
    ///
    /// # Errors
    /// [`FilterError::NotBuilt`].
    pub fn new(_: &str) -> Result<Self, FilterError> {
        Err(FilterError::NotBuilt)
    }

    /// Never called.
    pub fn matches(&mut self, _: crate::record::LinkType, _: &[u8]) -> bool {
        match self.0 {}
    }
}
