//! TCP as an observer sees it (RFC 9293): sequence numbers, both endpoints' states, streams and measurements.
//!
//! [`connection`] puts a connection together from its segments; [`state`] is the pure step function of one endpoint.
pub mod connection;
mod delivery;
mod endpoint;
mod findings;
mod machine;
mod report;
pub mod segment;
pub mod sequence;
pub mod state;
mod steps;
pub mod zeek;
