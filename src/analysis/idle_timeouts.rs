//! After how long an idle connection is closed by a server: what many of its connections agree on is a setting. Told only
//! of servers that lost a request by closing, so that both settings can be put right.
use std::collections::HashMap;

use super::finding;
use crate::{
    limits,
    record::{Endpoint, Evidence, Finding, Opening, PacketNumber, Severity, Side, TcpFact},
};

/// Shorter silences before a close are no timeouts, in nanoseconds.
const SHORTEST_NS: i64 = 900_000_000;
/// Closings remembered of each server.
const MAX_CLOSINGS: usize = 64;
/// Closings that must agree.
const ENOUGH: usize = 2;

#[derive(Debug, Default)]
struct Server {
    closings: Vec<(i64, PacketNumber)>,
    raced: u64,
}

/// Servers and their closings.
#[derive(Debug, Default)]
pub(super) struct IdleTimeouts {
    servers: HashMap<Endpoint, Server>,
}

impl IdleTimeouts {
    /// Counts a connection in; false when there was no room for its server.
    pub fn add(&mut self, fact: &TcpFact) -> bool {
        let Some((Side::Server, idle_ns)) = fact.closed_idle else { return true };
        if (idle_ns < SHORTEST_NS && !fact.raced) || !matches!(fact.opening, Opening::Completed | Opening::Unseen) {
            return true;
        }
        if self.servers.len() >= limits::MAX_WATCHED_HOSTS && !self.servers.contains_key(&fact.server) {
            return false;
        }
        let server = self.servers.entry(fact.server).or_default();
        server.raced = server.raced.saturating_add(u64::from(fact.raced));
        if idle_ns >= SHORTEST_NS && server.closings.len() < MAX_CLOSINGS {
            server.closings.push((idle_ns, fact.first.number));
        }
        true
    }

    /// What is told of servers that lost requests.
    pub fn findings(&self) -> Vec<Finding> {
        let mut servers: Vec<_> = self.servers.iter().filter(|(_, server)| server.raced > 0).collect();
        servers.sort_unstable_by_key(|(endpoint, _)| **endpoint);
        servers.into_iter().filter_map(|(endpoint, server)| judge(*endpoint, server)).collect()
    }
}

fn judge(endpoint: Endpoint, server: &Server) -> Option<Finding> {
    let mut closings = server.closings.clone();
    closings.sort_unstable();
    let (middle, _) = *closings.get(closings.len() / 2)?;
    // What a timer and a busy program may add: one in twenty, and a tenth of a second.
    let slack = (middle / 20).max(100_000_000);
    let agreeing: Vec<_> = closings.iter().filter(|(idle, _)| idle.saturating_sub(middle).abs() <= slack).collect();
    if agreeing.len() < ENOUGH || agreeing.len() * 2 <= closings.len() {
        return None;
    }
    let tenths = (middle + 50_000_000) / 100_000_000;
    let seconds = format!("{}.{}", tenths / 10, tenths % 10);
    let evidence: Evidence = agreeing.iter().map(|(_, number)| *number).collect();
    let lost = if server.raced == 1 { "a request was".to_owned() } else { format!("{} requests were", server.raced) };
    let explanation = format!(
        "An idle timeout of about {seconds} s is set there (keepalive_timeout, KeepAliveTimeout, http-keep-alive timeout and the \
         like). Let whoever reuses these connections give them up after less than that, or set it higher than theirs."
    );
    Some(finding(
        Severity::Warning,
        "tcp.idle-timeout",
        (None, None, Some(endpoint)),
        evidence,
        (
            format!(
                "{endpoint} closes connections after {seconds} s without data ({} of {} agree); {lost} lost to it",
                agreeing.len(),
                closings.len()
            ),
            &explanation,
        ),
        "RFC 9112 9.5",
    ))
}
