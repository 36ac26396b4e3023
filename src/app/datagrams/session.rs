//! Both sessions.
use crate::{
    app::{
        Sink,
        codec::above_ip::{Messages, Sheet, Span, u8_at, u16_at, u32_at},
    },
    record::{Context, Direction, PacketRef},
};

const KINDS: [&str; 10] =
    ["Request", "Response", "Data", "Ack", "DataAck", "CloseReq", "Close", "Reset", "Sync", "SyncAck"];

/// The type of a DCCP packet (RFC 4340 5.1).
pub(super) fn dccp_kind(bytes: &[u8]) -> Option<usize> {
    let kind = usize::from(u8_at(bytes, 8)? >> 1 & 15);
    (kind < KINDS.len() && bytes.len() >= 12).then_some(kind)
}

/// DCCP's reader.
#[derive(Debug, Default)]
pub(super) struct Dccp {
    span: Span,
    counts: [[u64; KINDS.len()]; 2],
    service: Option<(u32, Direction, PacketRef)>,
    reset: Option<(u8, Direction, PacketRef)>,
}

impl Messages for Dccp {
    fn message(&mut self, way: Direction, bytes: &[u8], context: &Context<'_>, _: &mut Sink<'_>) {
        let Some(kind) = dccp_kind(bytes) else { return };
        self.span.see(context.packet);
        if let Some(count) = self.counts.get_mut(way.index()).and_then(|counts| counts.get_mut(kind)) {
            *count = count.saturating_add(1);
        }
        // Sequence numbers of 48 bits, and an acknowledgment number of as many behind (RFC 4340 5.1, 5.3).
        let is_long = u8_at(bytes, 8).is_some_and(|first| first & 1 == 1);
        let behind = |with_acknowledgment: bool| if with_acknowledgment { 24 } else { 16 };
        match kind {
            0 if is_long => {
                self.service = self.service.or(u32_at(bytes, behind(false)).map(|code| (code, way, context.packet)));
            }
            7 if is_long => {
                self.reset = self.reset.or(u8_at(bytes, behind(true)).map(|code| (code, way, context.packet)));
            }
            _ => {}
        }
    }

    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.span.packets == 0 {
            return;
        }
        let mut sheet = Sheet::default();
        if let Some((code, way, packet)) = self.service {
            // RFC 4340 8.1.2: four letters as a rule.
            let letters = code.to_be_bytes();
            let text = match std::str::from_utf8(&letters) {
                Ok(text) if text.chars().all(|letter| letter.is_ascii_graphic() || letter == ' ') => text.to_owned(),
                _ => code.to_string(),
            };
            sheet.add("service", text, way, packet);
        }
        for (way, counts) in Direction::BOTH.into_iter().zip(&self.counts) {
            let counts = KINDS.iter().zip(counts).filter(|(_, count)| **count > 0);
            sheet.list("packets", counts.map(|(name, count)| format!("{name} {count}")), way, self.span.last);
        }
        if let Some((code, way, packet)) = self.reset {
            sheet.add("reset", reset(code), way, packet);
        }
        sheet.tell("dccp", self.span, (context.flow.client, context.flow.server), context, out);
    }
}

/// Why a connection was reset (RFC 4340 5.6).
fn reset(code: u8) -> String {
    match code {
        0 => "unspecified",
        1 => "closed",
        2 => "aborted",
        3 => "no connection",
        4 => "packet error",
        5 => "option error",
        6 => "mandatory error",
        7 => "connection refused",
        8 => "bad service code",
        9 => "too busy",
        10 => "bad init cookie",
        11 => "aggression penalty",
        _ => return format!("code {code}"),
    }
    .to_owned()
}

/// UDP-Lite's reader.
#[derive(Debug, Default)]
pub(super) struct UdpLite {
    span: Span,
    /// Datagrams of each side, and their bytes behind the header.
    counts: [(u64, u64); 2],
    /// The smallest part that a checksum covers, by direction; all of it when null.
    coverage: [Option<u16>; 2],
}

impl Messages for UdpLite {
    fn message(&mut self, way: Direction, bytes: &[u8], context: &Context<'_>, _: &mut Sink<'_>) {
        let Some(covered) = u16_at(bytes, 4) else { return };
        self.span.see(context.packet);
        if let (Some((count, length)), Some(coverage)) =
            (self.counts.get_mut(way.index()), self.coverage.get_mut(way.index()))
        {
            *count = count.saturating_add(1);
            *length = length.saturating_add(u64::try_from(bytes.len().saturating_sub(8)).unwrap_or_default());
            // RFC 3828 3.1: 0 covers all, and so does the datagram's length.
            if covered != 0 && usize::from(covered) < bytes.len() {
                *coverage = Some(coverage.map_or(covered, |known| known.min(covered)));
            }
        }
    }

    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.span.packets == 0 {
            return;
        }
        let mut sheet = Sheet::default();
        for (way, ((count, length), coverage)) in
            Direction::BOTH.into_iter().zip(self.counts.iter().zip(&self.coverage))
        {
            sheet.count("datagrams", *count, way, self.span.last);
            sheet.count("payload_bytes", *length, way, self.span.last);
            sheet.add_some("least_checksum_coverage", *coverage, way, self.span.last);
        }
        sheet.tell("udplite", self.span, (context.flow.client, context.flow.server), context, out);
    }
}
