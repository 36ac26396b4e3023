//! SOCKS 4, 4a and 5 (RFC 1928, RFC 1929): whom a client asks a proxy to reach, and what the proxy answers. Behind the
//! answer the flow is handed over, to be probed again, so that TLS or HTTP through the proxy is read like any other.
//!
//! Not followed: messages wrapped by GSS-API (RFC 1961), and the datagrams of a UDP association, which travel in another
//! flow.
use super::{Carrier, Protocol};

mod parser;
mod session;
#[cfg(test)]
mod tests;

/// SOCKS over TCP.
pub static PROTOCOL: Protocol =
    Protocol { name: "socks", probe: session::probe, session: |_: Carrier| Box::<session::Socks>::default() };
