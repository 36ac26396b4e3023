//! What stands in front of another protocol when a proxy is on the way: the PROXY protocol's header (versions 1 and 2), by
//! which a balancer tells the server behind it whose connection it passes on, and SOCKS (4, 4a and 5, RFC 1928), by which a
//! client tells a proxy where to go. Each is read, and what follows is handed over to be probed.
use super::{Carrier, Protocol, Session};

mod header;
mod note;
mod socks;

/// The PROXY protocol's header.
pub static HEADER: Protocol = Protocol {
    name: "proxy",
    probe: header::probe,
    session: |_: Carrier| -> Box<dyn Session> { Box::new(header::Header) },
};

/// SOCKS.
pub static SOCKS: Protocol = Protocol {
    name: "socks",
    probe: socks::probe,
    session: |_: Carrier| -> Box<dyn Session> { Box::new(socks::Socks::default()) },
};
