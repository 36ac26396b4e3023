//! The PROXY protocol's header (HAProxy's proxy-protocol.txt, versions 1 and 2), by which a balancer tells the server behind it
//! whose connection it passes on. It is read, and what follows is handed over to be probed.
use super::{Carrier, Protocol, Session};

mod header;
mod note;

/// The header.
pub static PROTOCOL: Protocol = Protocol {
    name: "proxy",
    probe: header::probe,
    session: |_: Carrier| -> Box<dyn Session> { Box::new(header::Header) },
};
