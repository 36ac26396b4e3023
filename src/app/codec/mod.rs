//! What several protocols share: pieces of encodings, and HTTP's semantics.
pub mod hpack;
pub mod http;
pub mod huffman;
pub mod varint;
