//! What several protocols share: pieces of encodings, packet and record protection, HTTP's semantics, and what protocols
//! made of lines have in common.
pub mod aead;
pub mod banner;
pub mod ber;
pub mod draft;
pub mod facts;
pub mod hkdf;
pub mod hpack;
pub mod http;
pub mod huffman;
pub mod lines;
pub mod messages;
pub mod plaintext;
pub mod sasl;
pub mod starttls;
pub mod tls_hello;
#[cfg(test)]
pub mod trial;
pub mod varint;
