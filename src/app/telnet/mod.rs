//! Telnet (RFC 854, RFC 855): which options both ends agree on, and what they tell by them: the terminal, its size, the
//! user (RFC 1091, RFC 1073, RFC 1572). What is typed and shown passes unread, but for the question for a password.
use super::{Carrier, Protocol};

mod options;
mod session;
#[cfg(test)]
mod tests;

/// Telnet.
pub static PROTOCOL: Protocol = Protocol {
    name: "telnet",
    probe: session::probe,
    session: |carrier: Carrier| Box::new(session::Telnet::new(carrier)),
};
