//! HTTP/2 (RFC 9113), read as a bystander: from the preface, behind an upgrade, inside TLS that was decrypted, or joined
//! on the way.
//!
//! [`frame`] reads frames, `probe` recognises them, `session` walks over both directions, `streams` pairs requests with
//! responses (each an `exchange`) out of header blocks (each a `message`), `window` follows flow control, `findings` says
//! what is worth attention. Content is never kept. Header fields refer to earlier ones: what only missed packets held is
//! null, and what came since is known.
mod exchange;
mod findings;
pub(crate) mod frame;
mod message;
mod note;
mod probe;
mod recovery;
mod session;
mod streams;
mod window;

use super::Protocol;

/// HTTP/2.
pub static PROTOCOL: Protocol =
    Protocol { name: "http2", probe: probe::probe, session: |carrier| Box::new(session::Http2::new(carrier)) };
