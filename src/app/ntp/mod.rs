//! NTP (RFC 5905, and the versions before it) and SNTP: one `application` record a flow.
//!
//! An exchange has four moments: T1, when the client sends, and T4, when it has the answer, by the client's clock; T2 and T3
//! by the server's. T1, T2 and T3 are in the packets; T4 is not. A tap knows when both packets passed instead. So
//! - `delay_ns` is the time between both packets less the server's T3 - T2: the round trip between the tap and the server,
//!   which is what the client computes where the tap is beside it;
//! - `server_clock_ns` is the server's clock less the clock of the capture, half of `delay_ns` being taken for each way;
//! - `offset_ns` is the server's clock less the client's, the client's being known by T1 when its packet passed: what the
//!   client computes, where the tap is beside it. It is left out when T1 is no time: many clients send a random number.
//!
//! Control messages (mode 6) and those of ntpdc (mode 7) are named; keys are not checked.
use super::{Carrier, Protocol};

mod note;
mod parser;
mod session;

/// NTP over UDP.
pub static PROTOCOL: Protocol =
    Protocol { name: "ntp", probe: parser::probe, session: |_: Carrier| Box::<session::Ntp>::default() };
