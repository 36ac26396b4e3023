//! EIGRP (RFC 7868 6).
use super::Counts;
use crate::{
    app::{
        Sink,
        codec::above_ip::{Messages, Sheet, Span, u8_at, u16_at, u32_at},
    },
    record::{Context, Direction, PacketRef},
};

/// The header: operation, autonomous system, whether it acknowledges, and what is behind.
pub(super) fn header(bytes: &[u8]) -> Option<(u8, u16, bool, &[u8])> {
    let version = u8_at(bytes, 0)?;
    let (operation, acknowledgment, system) = (u8_at(bytes, 1)?, u32_at(bytes, 12)?, u16_at(bytes, 18)?);
    Some((operation, system, acknowledgment != 0, bytes.get(20..)?)).filter(|_| version == 2)
}

fn name(operation: u8, is_acknowledgment: bool) -> &'static str {
    match operation {
        1 => "Update",
        2 => "Request",
        3 => "Query",
        4 => "Reply",
        5 if is_acknowledgment => "Acknowledgment",
        5 => "Hello",
        10 => "SIA-Query",
        11 => "SIA-Reply",
        _ => "other",
    }
}

/// What a router says of itself.
#[derive(Debug)]
struct Parameters {
    way: Direction,
    packet: PacketRef,
    weights: [u8; 6],
    hold_time_s: u16,
    software: Option<[u8; 4]>,
}

/// The session.
#[derive(Debug, Default)]
pub(super) struct Eigrp {
    span: Span,
    system: Option<(u16, Direction)>,
    counts: [Counts; 2],
    parameters: [Option<Parameters>; 2],
    goodbye: Option<(Direction, PacketRef)>,
}

impl Messages for Eigrp {
    fn message(&mut self, way: Direction, bytes: &[u8], context: &Context<'_>, _: &mut Sink<'_>) {
        let Some((operation, system, acknowledges, mut rest)) = header(bytes) else { return };
        self.span.see(context.packet);
        self.system.get_or_insert((system, way));
        if let Some(counts) = self.counts.get_mut(way.index()) {
            counts.see(name(operation, acknowledges && rest.is_empty()));
        }
        while let (Some(kind), Some(length)) = (u16_at(rest, 0), u16_at(rest, 2)) {
            let length = usize::from(length);
            let Some(value) = rest.get(4..length) else { return };
            match kind {
                1 => self.parameters(way, value, context.packet),
                4 => {
                    let known = self.parameters.get_mut(way.index()).and_then(Option::as_mut);
                    if let (Some(known), Some(software)) = (known, value.first_chunk::<4>()) {
                        known.software = Some(*software);
                    }
                }
                _ => {}
            }
            rest = rest.get(length..).unwrap_or_default();
        }
    }

    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        let Some((system, way)) = self.system else { return };
        let mut sheet = Sheet::default();
        sheet.add("autonomous_system", system.to_string(), way, self.span.first);
        for (way, counts) in Direction::BOTH.into_iter().zip(&self.counts) {
            sheet.list("packets", counts.iter(), way, self.span.last);
        }
        for known in self.parameters.iter().flatten() {
            let Parameters { way, packet, weights, hold_time_s, software } = known;
            sheet.list("k_values", weights, *way, *packet);
            sheet.add("hold_time_s", hold_time_s.to_string(), *way, *packet);
            if let Some([major, minor, protocol_major, protocol_minor]) = software {
                let text = format!("{major}.{minor}, EIGRP {protocol_major}.{protocol_minor}");
                sheet.add("software", text, *way, *packet);
            }
        }
        if let Some((way, packet)) = self.goodbye {
            sheet.add("goodbye", "yes", way, packet);
        }
        sheet.tell("eigrp", self.span, (context.flow.client, context.flow.server), context, out);
    }
}

impl Eigrp {
    fn parameters(&mut self, way: Direction, value: &[u8], packet: PacketRef) {
        let (Some(weights), Some(hold_time_s)) = (value.first_chunk::<6>(), u16_at(value, 6)) else { return };
        // All K values 255: the router leaves (RFC 7868 5.3.3).
        if weights.iter().take(5).all(|weight| *weight == 255) {
            self.goodbye.get_or_insert((way, packet));
            return;
        }
        if let Some(known) = self.parameters.get_mut(way.index()) {
            let software = known.as_ref().and_then(|known| known.software);
            let packet = known.as_ref().map_or(packet, |known| known.packet);
            *known = Some(Parameters { way, packet, weights: *weights, hold_time_s, software });
        }
    }
}
