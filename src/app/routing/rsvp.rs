//! RSVP (RFC 2205 3.1).
use super::Counts;
use crate::{
    app::{
        Sink,
        codec::above_ip::{Messages, Sheet, Span, ipv4_at, ipv6_at, u8_at, u16_at},
    },
    limits,
    record::{Context, Direction, PacketRef},
};

/// The type of a message of version 1.
pub(super) fn kind(bytes: &[u8]) -> Option<u8> {
    (u8_at(bytes, 0)? >> 4 == 1 && bytes.len() >= 8).then_some(u8_at(bytes, 1)?)
}

fn name(kind: u8) -> &'static str {
    match kind {
        1 => "Path",
        2 => "Resv",
        3 => "PathErr",
        4 => "ResvErr",
        5 => "PathTear",
        6 => "ResvTear",
        7 => "ResvConf",
        12 => "Bundle",
        13 => "Ack",
        15 => "Srefresh",
        20 => "Hello",
        25 => "Integrity Challenge",
        26 => "Integrity Response",
        _ => "other",
    }
}

/// The session.
#[derive(Debug, Default)]
pub(super) struct Rsvp {
    span: Span,
    counts: [Counts; 2],
    sessions: Vec<(String, Direction, PacketRef)>,
}

impl Messages for Rsvp {
    fn message(&mut self, way: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let Some(kind) = kind(bytes) else { return };
        self.span.see(context.packet);
        if let Some(counts) = self.counts.get_mut(way.index()) {
            counts.see(name(kind));
        }
        let mut rest = bytes.get(8..).unwrap_or_default();
        while let (Some(length), Some(class), Some(form)) = (u16_at(rest, 0), u8_at(rest, 2), u8_at(rest, 3)) {
            let length = usize::from(length);
            let Some(value) = rest.get(4..length) else { return };
            if class == 1
                && let Some(session) = session(form, value)
                && !self.sessions.iter().any(|(known, ..)| *known == session)
            {
                if self.sessions.len() < limits::MAX_RSVP_SESSIONS {
                    self.sessions.push((session, way, context.packet));
                } else {
                    out.limit(&limits::ABOVE_IP);
                }
            }
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.span.packets == 0 {
            return;
        }
        let mut sheet = Sheet::default();
        for (way, counts) in Direction::BOTH.into_iter().zip(&self.counts) {
            sheet.list("messages", counts.iter(), way, self.span.last);
        }
        for (session, way, packet) in &self.sessions {
            sheet.add("session", session.as_str(), *way, *packet);
        }
        sheet.tell("rsvp", self.span, (context.flow.client, context.flow.server), context, out);
    }
}

/// A SESSION object: of packets with ports (RFC 2205 A.1), or of a label-switched path (RFC 3209 4.6.1).
fn session(form: u8, value: &[u8]) -> Option<String> {
    Some(match form {
        1 => format!("{} protocol {} port {}", ipv4_at(value, 0)?, u8_at(value, 4)?, u16_at(value, 6)?),
        2 => format!("{} protocol {} port {}", ipv6_at(value, 0)?, u8_at(value, 16)?, u16_at(value, 18)?),
        7 => format!("tunnel {} to {} from {}", u16_at(value, 6)?, ipv4_at(value, 0)?, ipv4_at(value, 8)?),
        8 => format!("tunnel {} to {}", u16_at(value, 18)?, ipv6_at(value, 0)?),
        _ => return None,
    })
}
