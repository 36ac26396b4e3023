//! SNMP 1, 2c and 3 (RFC 1157, RFC 1901, RFC 3412): one `application` record a flow.
//!
//! A management station asks thousands of times in one flow, so that a record of each request would bury all else: the
//! record sums up how many of which kind were asked and answered and how long that took, and lists the first objects that
//! were asked for and what errors came. `packets` shows each message.
//!
//! The community of versions 1 and 2c is a password: it is told only with `--show-secrets`. Of version 3 the engine, the
//! user and the security level are told; what is encrypted is not opened.
use super::{Carrier, Protocol};

mod note;
mod parser;
mod session;

/// SNMP over UDP.
pub static PROTOCOL: Protocol =
    Protocol { name: "snmp", probe: parser::probe, session: |_: Carrier| Box::<session::Snmp>::default() };
