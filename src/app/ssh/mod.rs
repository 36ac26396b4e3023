//! SSH (RFC 4253): what both ends say of themselves before they encrypt: their identification, the algorithms they offer
//! and those that follow from it, and whether both took their new keys into use. What comes behind passes unread.
use super::{Carrier, Protocol};

mod negotiation;
mod note;
mod parser;
mod session;
#[cfg(test)]
mod tests;

/// SSH over TCP.
pub static PROTOCOL: Protocol =
    Protocol { name: "ssh", probe: session::probe, session: |_: Carrier| Box::<session::Ssh>::default() };
