//! What several protocols share: pieces of encodings, packet and record protection, and HTTP's semantics.
pub mod above_ip;
#[cfg(test)]
pub mod above_ip_tests;
pub mod aead;
pub mod hkdf;
pub mod hpack;
pub mod http;
pub mod huffman;
pub mod tls_hello;
pub mod varint;
