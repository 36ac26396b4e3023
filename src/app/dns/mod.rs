//! DNS (RFC 1034, 1035 and what followed) over UDP and TCP, multicast DNS (RFC 6762) and LLMNR (RFC 4795): messages,
//! and transactions of a query with its response. The NetBIOS name service looks alike and is not DNS.
pub mod iana;
pub mod names;
pub mod parser;
pub mod rdata;

mod build;
mod coding;
mod edns;
mod findings;
mod notes;
mod probe;
mod rdata_special;
mod session;
mod svcb;
mod transfer;

use super::Protocol;

/// DNS and its multicast relatives.
pub static PROTOCOL: Protocol =
    Protocol { name: "dns", probe: probe::probe, session: |carrier| Box::new(session::DnsSession::new(carrier)) };
