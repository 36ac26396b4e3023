//! wireglass: explains what happened in a packet capture.
//!
//! ```text
//! capture  ->  wire  ->  flow  ->  app  ->  analysis  ->  report
//! bytes in     headers   TCP/UDP   DNS HTTP   what needs    tables, NDJSON,
//!              decoded   streams   TLS QUIC   several flows CSV, Markdown
//!                              \     |      /
//!                               record (the vocabulary that travels)
//! ```
#![forbid(unsafe_code)]

pub mod analysis;
pub mod app;
pub mod capture;
pub mod check;
pub mod cli;
pub mod engine;
pub mod filter;
pub mod flow;
#[doc(hidden)]
pub mod fuzzing;
pub mod limits;
pub mod record;
pub mod report;
pub mod wire;
