//! TFTP (RFC 1350) with its options (RFC 2347): what file, how, how far and with what end.
//!
//! A request goes to port 69; the server answers from a port of its own, so that the transfer is another flow. That one is
//! recognised by its first packet: block 1 of data, an acknowledgment of block 0 or of options, or an error. What both say
//! is put together in `analysis::transfers`: one `application` record a transfer.
use super::{Carrier, Protocol};

mod parser;
mod session;

/// TFTP over UDP.
pub static PROTOCOL: Protocol =
    Protocol { name: "tftp", probe: parser::probe, session: |_: Carrier| Box::<session::Tftp>::default() };
