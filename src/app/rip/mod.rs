//! RIP 1 and 2 (RFC 1058, RFC 2453) and RIPng (RFC 2080): one `application` record a flow, with the routes of its first
//! messages. A router repeats its table every 30 s to a group, so that a flow is what one router announces.
use super::{Carrier, Protocol};

mod parser;
mod session;

/// RIP over UDP.
pub static RIP: Protocol =
    Protocol { name: "rip", probe: parser::probe_rip, session: |_: Carrier| Box::new(session::Rip::new(false)) };

/// RIPng over UDP.
pub static RIPNG: Protocol =
    Protocol { name: "ripng", probe: parser::probe_ripng, session: |_: Carrier| Box::new(session::Rip::new(true)) };
