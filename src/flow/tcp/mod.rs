//! TCP as an observer sees it (RFC 9293): sequence numbers, both endpoints' states, streams and measurements.
//!
//! [`connection`] puts a connection together from its segments; [`state`] is the pure step function of one endpoint.
pub mod connection;
mod delivery;
mod endpoint;
mod fact;
mod findings;
mod hops;
mod limited;
mod loss;
mod machine;
#[cfg(test)]
mod measure_tests;
mod offer;
mod options;
mod proof;
mod race;
mod report;
mod round_trip;
pub mod segment;
pub mod sequence;
pub mod state;
mod steps;
mod transfer;
mod windows;
pub mod zeek;
