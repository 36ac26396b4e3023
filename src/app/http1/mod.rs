//! HTTP/1.0 and 1.1 (RFC 9112), read as a bystander: lenient in what is taken for a message, exact in where it ends.
//!
//! [`parser`] reads start lines and fields, [`body`] knows where content ends, `session` pairs requests with
//! responses, `messages` reads them into an `exchange`, `findings` says what is worth attention. HTTP/2 is another protocol.
mod body;
mod exchange;
mod findings;
mod messages;
mod note;
mod parser;
mod probe;
mod session;

use super::{Carrier, Protocol, Session, Sink};
use crate::record::{Context, Input, Progress};

/// HTTP/1.
pub static PROTOCOL: Protocol = Protocol {
    name: "http",
    probe: probe::probe,
    session: |carrier| match carrier {
        Carrier::Udp => Box::new(Ssdp),
        Carrier::Tcp | Carrier::Tls | Carrier::Sctp | Carrier::QuicCrypto | Carrier::Ip(_) | Carrier::Arp => {
            Box::new(session::Http1::new(carrier))
        }
    },
};

/// HTTP in datagrams is SSDP (UPnP Device Architecture 1.1): named, not read.
struct Ssdp;

impl Session for Ssdp {
    fn input(&mut self, _: Input<'_>, _: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        out.application("ssdp");
        Progress::Done
    }
}
