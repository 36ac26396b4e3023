//! What needs more than one flow.
pub mod summary;
