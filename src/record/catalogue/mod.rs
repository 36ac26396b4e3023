//! The closed catalogue of findings: every code the program can report, with what it means, to be read as a book. What a
//! finding says beside it depends on its case and stands where it is found. `tests/catalogue.rs` compares both.
mod above_ip;
mod capture;
mod dns;
mod http;
mod http2;
mod icmp;
mod ip;
mod proxy;
mod quic;
mod tcp;
mod tls;

use super::Severity;

/// One code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The code, such as `tcp.close-race`.
    pub code: &'static str,
    /// How much it may matter, the least first.
    pub severities: &'static [Severity],
    /// What it means, in one line.
    pub title: &'static str,
    /// What happened, why it matters and what to do, for somebody who meets it for the first time. Paragraphs are
    /// separated by empty lines.
    pub explanation: &'static str,
    /// Where the rule is written.
    pub reference: Option<&'static str>,
}

/// All codes by what they are about, in the order in which people meet them.
pub static CATALOGUE: &[(&str, &[Entry])] = &[
    ("the capture itself", capture::ENTRIES),
    ("IP", ip::ENTRIES),
    ("TCP connections", tcp::ENTRIES),
    ("TLS handshakes and certificates", tls::ENTRIES),
    ("QUIC", quic::ENTRIES),
    ("DNS", dns::ENTRIES),
    ("HTTP", http::ENTRIES),
    ("HTTP/2 and gRPC", http2::ENTRIES),
    ("proxies", proxy::ENTRIES),
    ("ICMP, ARP and Neighbor Discovery", icmp::ENTRIES),
    ("protocols right above IP", above_ip::ENTRIES),
];

/// All codes.
pub fn entries() -> impl Iterator<Item = &'static Entry> {
    CATALOGUE.iter().flat_map(|(_, entries)| entries.iter())
}

/// The entry of `code`.
#[must_use]
pub fn entry(code: &str) -> Option<&'static Entry> {
    entries().find(|entry| entry.code == code)
}

const NOTE: &[Severity] = &[Severity::Note];
const WARNING: &[Severity] = &[Severity::Warning];
const ERROR: &[Severity] = &[Severity::Error];
const NOTE_OR_WARNING: &[Severity] = &[Severity::Note, Severity::Warning];
const NOTE_OR_ERROR: &[Severity] = &[Severity::Note, Severity::Error];
const WARNING_OR_ERROR: &[Severity] = &[Severity::Warning, Severity::Error];
const ANY: &[Severity] = &[Severity::Note, Severity::Warning, Severity::Error];
