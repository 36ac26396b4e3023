//! Pipeline and threads: where the rooms meet.
//!
//! The reader decodes and routes ([`route`]), workers take packets through flows and sessions ([`worker`]), the
//! collector puts their records in the order of the run and writes them ([`run`](fn@run)). With one worker all three are
//! one loop on one thread; the code is the same, and so is the output.
mod asking;
mod checksums;
mod consumer;
mod conversation;
mod copies;
mod follow;
mod fragments;
mod glance;
mod hierarchy;
mod inner;
mod judgement;
mod packets;
mod passed;
mod place;
mod question;
mod reached;
mod relative;
mod route;
mod run;
mod secrets;
mod segments;
mod selection;
mod statistics;
mod streams;
mod worker;

pub use asking::{Asking, PassingWriter};
pub use follow::{Depth, FollowOutcome, Followed, Following, follow};
pub use packets::{Show, packets};
pub use run::{Outcome, Progress, Settings, run};
pub use secrets::Given;
pub use segments::{flow_key, segments};
pub use selection::{Selected, Selection, save, select};
pub use statistics::{Order, Wish, statistics};
