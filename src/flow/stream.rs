//! Placeholder until its author lands.
