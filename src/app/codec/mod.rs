//! Pieces of encodings that several protocols share.
