//! Mail: SMTP (RFC 5321), POP3 (RFC 1939) and IMAP (RFC 9051): what server and client say of themselves, who logs in and how it
//! ends, from whom to whom mail goes and what became of it. Messages pass unread. Where the client goes over to TLS (RFC 3207,
//! RFC 2595, RFC 9051 6.2.1) the flow is handed over, to be probed again.
use super::{Carrier, Protocol};

mod imap;
mod imap_words;
mod literal;
mod pop3;
mod probe;
mod smtp;
#[cfg(test)]
mod tests;

/// SMTP.
pub static SMTP: Protocol =
    Protocol { name: "smtp", probe: probe::smtp, session: |carrier: Carrier| Box::new(smtp::Smtp::new(carrier)) };
/// POP3.
pub static POP3: Protocol =
    Protocol { name: "pop", probe: probe::pop3, session: |carrier: Carrier| Box::new(pop3::Pop3::new(carrier)) };
/// IMAP.
pub static IMAP: Protocol =
    Protocol { name: "imap", probe: probe::imap, session: |carrier: Carrier| Box::new(imap::Imap::new(carrier)) };
