//! The security associations between two addresses.
use super::numbers::{Arrival, Numbers};
use crate::{
    app::{
        Sink,
        codec::above_ip::{Messages, Sheet, Span, finding, note, u8_at, u16_at, u32_at},
    },
    limits,
    record::{Context, Direction, PacketRef, Severity, Side},
};

/// ESP's reader.
#[derive(Debug, Default)]
pub(super) struct Esp {
    span: Span,
    associations: Vec<Association>,
    left_out: u64,
}

#[derive(Debug)]
struct Association {
    /// Security parameters index.
    index: u32,
    way: Direction,
    span: Span,
    bytes: u64,
    numbers: Numbers,
    /// The first packet whose number came before.
    repetition: Option<PacketRef>,
    /// Packets in which an IP packet is to be read.
    readable: u64,
}

/// Packets in which an IPv4 header with a right checksum stands where ciphertext should: by chance one in 2^36.
const READABLE_ENOUGH: u64 = 2;

impl Messages for Esp {
    fn message(&mut self, way: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let (Some(index), Some(number)) = (u32_at(bytes, 0), u32_at(bytes, 4)) else { return };
        let packet = context.packet;
        self.span.see(packet);
        // The one that was used last is most often the one.
        let known = self.associations.iter().rposition(|known| known.index == index && known.way == way);
        let (place, arrival) = match known {
            Some(place) => {
                let arrival = self.associations.get_mut(place).map(|association| association.numbers.see(number));
                (place, arrival)
            }
            None if self.associations.len() < limits::MAX_SECURITY_ASSOCIATIONS => {
                self.associations.push(Association {
                    index,
                    way,
                    span: Span::default(),
                    bytes: 0,
                    numbers: Numbers::new(number),
                    repetition: None,
                    readable: 0,
                });
                (self.associations.len().saturating_sub(1), None)
            }
            None => {
                self.left_out = self.left_out.saturating_add(1);
                out.limit(&limits::ABOVE_IP);
                return;
            }
        };
        let Some(association) = self.associations.get_mut(place) else { return };
        association.span.see(packet);
        association.bytes = association.bytes.saturating_add(u64::try_from(bytes.len()).unwrap_or_default());
        if association.readable < READABLE_ENOUGH && bytes.get(8..).is_some_and(is_ipv4) {
            association.readable = association.readable.saturating_add(1);
        }
        if arrival == Some(Arrival::Repeated) {
            association.repetition.get_or_insert(packet);
            if out.wants_notes() {
                note("esp", 3, format!("ESP SPI={index:#010x} Seq={number} came before"), out);
            }
        }
    }

    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.span.packets == 0 {
            return;
        }
        let associations = std::mem::take(&mut self.associations);
        let mut sheet = Sheet::default();
        for association in &associations {
            association.find(context, out);
            association.write(&mut sheet);
        }
        sheet.count("packets_left_out", self.left_out, Direction::ClientToServer, self.span.last);
        sheet.tell("esp", self.span, (context.flow.client, context.flow.server), context, out);
    }
}

impl Association {
    fn find(&self, context: &Context<'_>, out: &mut Sink<'_>) {
        let side = match self.way.sender() {
            Side::Client => context.flow.client.address,
            Side::Server => context.flow.server.address,
        };
        let index = self.index;
        if let Some(packet) = self.repetition {
            let times = self.numbers.repeated;
            let packets = if times == 1 { "packet" } else { "packets" };
            out.finding(finding(
                (Severity::Note, "esp.repeated-number"),
                [packet, self.span.last],
                (
                    format!("{times} ESP {packets} of {side} (SPI {index:#010x}) came with a number that was there before"),
                    "The receiver drops such packets as replays. They are copies made on the way or by the capture (a mirror port \
                     that shows both directions), or somebody sends recorded packets again.",
                ),
                "RFC 4303 3.4.3",
                context,
            ));
        }
        if self.readable >= READABLE_ENOUGH {
            out.finding(finding(
                (Severity::Warning, "esp.not-encrypted"),
                [self.span.first, self.span.last],
                (
                    format!("ESP of {side} (SPI {index:#010x}) is not encrypted: the packets inside are to be read"),
                    "The association uses NULL encryption (RFC 2410): it protects against change, not against being read. That is \
                     a choice for tests; elsewhere set an encryption algorithm.",
                ),
                "RFC 2410",
                context,
            ));
        }
    }

    fn write(&self, sheet: &mut Sheet) {
        let Numbers { first, highest, missing, late, repeated, .. } = self.numbers;
        let mut text = format!(
            "{:#010x}: {} packets, {} bytes, numbers {first} to {highest}",
            self.index, self.span.packets, self.bytes
        );
        for (count, what) in [(missing, "missing"), (late, "late"), (repeated, "repeated")] {
            if count > 0 {
                text.push_str(&format!(", {count} {what}"));
            }
        }
        if self.readable >= READABLE_ENOUGH {
            text.push_str(", not encrypted");
        }
        sheet.add("spi", text, self.way, self.span.first);
    }
}

/// Whether an IPv4 packet begins here: version, lengths and the header's checksum are right (RFC 791 3.1, RFC 1071).
fn is_ipv4(bytes: &[u8]) -> bool {
    let (Some(first), Some(total)) = (u8_at(bytes, 0), u16_at(bytes, 2)) else { return false };
    let length = usize::from(first & 15).saturating_mul(4);
    let Some(header) = bytes.get(..length).filter(|header| first >> 4 == 4 && header.len() >= 20) else { return false };
    let sum: u32 = header.chunks_exact(2).filter_map(|pair| u16_at(pair, 0)).map(u32::from).sum();
    let folded = (sum & 0xffff).saturating_add(sum >> 16);
    let folded = (folded & 0xffff).saturating_add(folded >> 16);
    // Behind it come at least padding, its length, and the next header.
    folded == 0xffff && usize::from(total) >= length && usize::from(total).saturating_add(2) <= bytes.len()
}

/// IPComp's reader.
#[derive(Debug, Default)]
pub(super) struct Ipcomp {
    span: Span,
    /// Direction, compression parameter index, next header, and the packets.
    streams: Vec<(Direction, u16, u8, Span)>,
}

impl Messages for Ipcomp {
    fn message(&mut self, way: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let (Some(next), Some(index)) = (u8_at(bytes, 0), u16_at(bytes, 2)) else { return };
        self.span.see(context.packet);
        let known = self
            .streams
            .iter_mut()
            .find(|(known_way, known, known_next, _)| (*known_way, *known, *known_next) == (way, index, next));
        if let Some((.., span)) = known {
            span.see(context.packet);
        } else if self.streams.len() < limits::MAX_SECURITY_ASSOCIATIONS {
            let mut span = Span::default();
            span.see(context.packet);
            self.streams.push((way, index, next, span));
        } else {
            out.limit(&limits::ABOVE_IP);
        }
    }

    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.span.packets == 0 {
            return;
        }
        let mut sheet = Sheet::default();
        for (way, index, next, span) in std::mem::take(&mut self.streams) {
            // RFC 3173 3.3: well-known transforms below 64; others are agreed on.
            let transform = match index {
                1 => " (OUI)",
                2 => " (DEFLATE)",
                3 => " (LZS)",
                4 => " (LZJH)",
                _ => "",
            };
            let text = format!("{index:#06x}{transform}: {} packets, next header {next}", span.packets);
            sheet.add("cpi", text, way, span.first);
        }
        sheet.tell("ipcomp", self.span, (context.flow.client, context.flow.server), context, out);
    }
}
