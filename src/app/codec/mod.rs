//! Pieces of encodings that several protocols share.
pub mod varint;
