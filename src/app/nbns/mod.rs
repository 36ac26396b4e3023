//! NetBIOS name service (RFC 1001, RFC 1002): Windows' names before DNS, asked by broadcast. One `application` record a flow: the
//! names that were asked for, registered or released, and the addresses in answers.
use super::{Carrier, Protocol};

mod parser;
mod session;

/// NetBIOS name service over UDP.
pub static PROTOCOL: Protocol =
    Protocol { name: "nbns", probe: parser::probe, session: |_: Carrier| Box::<session::Nbns>::default() };
