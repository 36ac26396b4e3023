//! PIM version 2 (RFC 7761 4.9), of dense mode too (RFC 3973).
use std::net::IpAddr;

use super::Counts;
use crate::{
    app::{
        Sink,
        codec::above_ip::{Messages, Sheet, Span, ipv4_at, ipv6_at, u8_at, u16_at, u32_at},
    },
    limits,
    record::{Context, Direction, PacketRef},
};

const NAMES: [&str; 14] = [
    "Hello",
    "Register",
    "Register-Stop",
    "Join/Prune",
    "Bootstrap",
    "Assert",
    "Graft",
    "Graft-Ack",
    "Candidate-RP-Advertisement",
    "State Refresh",
    "DF Election",
    "ECMP Redirect",
    "PIM Flooding Mechanism",
    "type 13",
];

/// The type of a message of version 2.
pub(super) fn kind(bytes: &[u8]) -> Option<u8> {
    let first = u8_at(bytes, 0)?;
    (first >> 4 == 2 && bytes.len() >= 4 && first & 15 < 14).then_some(first & 15)
}

/// A Hello's options (RFC 7761 4.9.2).
#[derive(Clone, Copy, Debug)]
struct Hello {
    way: Direction,
    packet: PacketRef,
    hold_time_s: Option<u16>,
    priority: Option<u32>,
    generation: Option<u32>,
}

/// The session.
#[derive(Debug, Default)]
pub(super) struct Pim {
    span: Span,
    counts: [Counts; 2],
    hello: [Option<Hello>; 2],
    /// Times that a router began anew.
    restarts: u64,
    upstream: Option<(IpAddr, Direction, PacketRef)>,
    joined: Vec<String>,
    pruned: Vec<String>,
}

impl Messages for Pim {
    fn message(&mut self, way: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(kind) = kind(bytes) else { return };
        self.span.see(context.packet);
        let name = NAMES.get(usize::from(kind)).copied().unwrap_or_default();
        if let Some(counts) = self.counts.get_mut(way.index()) {
            counts.see(name);
        }
        let body = bytes.get(4..).unwrap_or_default();
        match kind {
            0 => self.hello(way, body, context.packet),
            // Graft and Graft-Ack are built alike.
            3 | 6 | 7 if self.join_or_prune(way, body, context.packet).is_none() => out.limit(&limits::ABOVE_IP),
            _ => {}
        }
    }

    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.span.packets == 0 {
            return;
        }
        let mut sheet = Sheet::default();
        let way = Direction::ClientToServer;
        sheet.add("version", "2", way, self.span.first);
        for (way, counts) in Direction::BOTH.into_iter().zip(&self.counts) {
            sheet.list("messages", counts.iter(), way, self.span.last);
        }
        for hello in self.hello.iter().flatten() {
            sheet.add_some("hold_time_s", hello.hold_time_s, hello.way, hello.packet);
            sheet.add_some("designated_router_priority", hello.priority, hello.way, hello.packet);
            let generation = hello.generation.map(|generation| format!("{generation:#010x}"));
            sheet.add_some("generation_id", generation, hello.way, hello.packet);
        }
        sheet.count("generation_changes", self.restarts, way, self.span.last);
        if let Some((address, way, packet)) = self.upstream {
            sheet.add("upstream_neighbour", address.to_string(), way, packet);
            sheet.list("joined", &self.joined, way, packet);
            sheet.list("pruned", &self.pruned, way, packet);
        }
        sheet.tell("pim", self.span, (context.flow.client, context.flow.server), context, out);
    }
}

impl Pim {
    fn hello(&mut self, way: Direction, mut options: &[u8], packet: PacketRef) {
        let mut hello = Hello { way, packet, hold_time_s: None, priority: None, generation: None };
        while let (Some(kind), Some(length)) = (u16_at(options, 0), u16_at(options, 2)) {
            let end = usize::from(length).saturating_add(4);
            let value = options.get(4..end).unwrap_or_default();
            match kind {
                1 => hello.hold_time_s = u16_at(value, 0),
                19 => hello.priority = u32_at(value, 0),
                20 => hello.generation = u32_at(value, 0),
                _ => {}
            }
            options = options.get(end..).unwrap_or_default();
        }
        if let Some(known) = self.hello.get_mut(way.index()) {
            if let Some(before) = known {
                let is_new = before.generation.is_some() && before.generation != hello.generation;
                self.restarts = self.restarts.saturating_add(is_new.into());
                hello.packet = if is_new { packet } else { before.packet };
            }
            *known = Some(hello);
        }
    }

    /// Null when more groups came than are kept.
    fn join_or_prune(&mut self, way: Direction, body: &[u8], packet: PacketRef) -> Option<()> {
        let Some((upstream, rest)) = unicast(body) else { return Some(()) };
        self.upstream = Some((upstream, way, packet));
        let (Some(count), Some(mut rest)) = (u8_at(rest, 1), rest.get(4..)) else { return Some(()) };
        let mut has_room = true;
        for _ in 0..count {
            let Some((group, mask, behind)) = masked(rest) else { break };
            let (Some(joins), Some(prunes)) = (u16_at(behind, 0), u16_at(behind, 2)) else { break };
            rest = behind.get(4..).unwrap_or_default();
            let group = if mask == 32 || mask == 128 { group.to_string() } else { format!("{group}/{mask}") };
            for (list, sources) in [(&mut self.joined, joins), (&mut self.pruned, prunes)] {
                for _ in 0..sources {
                    // The flags are in the second byte behind the family (RFC 7761 4.9.1).
                    let flags = u8_at(rest, 2).unwrap_or_default();
                    let Some((source, _, behind)) = masked(rest) else { return has_room.then_some(()) };
                    rest = behind;
                    // With the wildcard bit it is the rendezvous point, and any source is meant.
                    let text = if flags & 2 != 0 { format!("(*, {group})") } else { format!("({source}, {group})") };
                    if list.contains(&text) {
                        continue;
                    }
                    has_room &= list.len() < limits::MAX_MULTICAST_GROUPS;
                    if list.len() < limits::MAX_MULTICAST_GROUPS {
                        list.push(text);
                    }
                }
            }
        }
        has_room.then_some(())
    }
}

/// An encoded unicast address (RFC 7761 4.9.1), and what is behind.
fn unicast(bytes: &[u8]) -> Option<(IpAddr, &[u8])> {
    match u8_at(bytes, 0)? {
        1 => Some((ipv4_at(bytes, 2)?.into(), bytes.get(6..)?)),
        2 => Some((ipv6_at(bytes, 2)?.into(), bytes.get(18..)?)),
        _ => None,
    }
}

/// An encoded group or source address with the length of its mask, and what is behind.
fn masked(bytes: &[u8]) -> Option<(IpAddr, u8, &[u8])> {
    let mask = u8_at(bytes, 3)?;
    match u8_at(bytes, 0)? {
        1 => Some((ipv4_at(bytes, 4)?.into(), mask, bytes.get(8..)?)),
        2 => Some((ipv6_at(bytes, 4)?.into(), mask, bytes.get(20..)?)),
        _ => None,
    }
}
