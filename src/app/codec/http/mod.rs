//! HTTP's semantics (RFC 9110), the same in all its versions: what may be shown, and what is worth attention.
pub mod coding;
pub mod findings;
pub mod meaning;
pub mod redact;
pub mod websocket;
