//! FTP's control connection (RFC 959, RFC 2428, RFC 4217): who logs in and how it ends, which files are fetched and stored with
//! the server's last word on each, and where data connections are announced. Where the client goes over to TLS the flow is
//! handed over, to be probed again.
use super::{Carrier, Protocol};

mod endpoint;
mod note;
mod session;
#[cfg(test)]
mod tests;

/// FTP's control connection.
pub static PROTOCOL: Protocol =
    Protocol { name: "ftp", probe: session::probe, session: |carrier: Carrier| Box::new(session::Ftp::new(carrier)) };
