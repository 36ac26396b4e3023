//! One flow of IKE, with or without ESP beside it.
use super::{
    names, note,
    parser::{self, Encapsulated, HEADER_BYTES, Header, Payloads, encapsulated, header, payload},
};
use crate::{
    app::{
        Session, Sink,
        codec::messages::{Facts, finding, number},
    },
    record::{Context, Direction, Input, PacketRef, Progress, Severity},
};

/// Security associations of ESP told of one flow: two at a time, renewed once an hour.
const TOLD_ASSOCIATIONS: usize = 8;

/// Negotiations of one flow that are open at once; when there is one more, the first is told.
const OPEN_NEGOTIATIONS: usize = 8;

/// Packets of one security association.
#[derive(Clone, Copy, Debug)]
struct Association {
    spi: u32,
    from: Direction,
    packets: u64,
    sequence: (u32, u32),
    last: PacketRef,
}

/// One negotiation, told from others between the same ports by the initiator's SPI.
#[derive(Debug)]
struct Negotiation {
    initiator: u64,
    facts: Facts,
    /// The message that waits for its answer: exchange, id and who sent it.
    asked: Option<(u8, u32, Direction, PacketRef)>,
    refused: bool,
}

/// The session.
#[derive(Debug)]
pub(super) struct Isakmp {
    is_encapsulated: bool,
    /// The latest ones, the newest last.
    negotiations: Vec<Negotiation>,
    /// What is beside IKE.
    facts: Facts,
    associations: Vec<Association>,
    other_associations: u64,
    keepalives: [u64; 2],
    has_ike: bool,
}

impl Isakmp {
    pub(super) fn new(is_encapsulated: bool) -> Self {
        Self {
            is_encapsulated,
            negotiations: Vec::new(),
            facts: Facts::default(),
            associations: Vec::new(),
            other_associations: 0,
            keepalives: [0; 2],
            has_ike: false,
        }
    }

    fn datagram(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        if !self.is_encapsulated {
            self.message(direction, bytes, context, out);
            return;
        }
        match encapsulated(bytes) {
            Some(Encapsulated::Keepalive) => {
                self.facts.see(context.packet);
                if let Some(count) = self.keepalives.get_mut(direction.index()) {
                    *count = count.saturating_add(1);
                }
                out.application("udpencap");
            }
            Some(Encapsulated::Message(message)) => {
                out.application("udpencap:isakmp");
                self.message(direction, message, context, out);
            }
            Some(Encapsulated::Esp { spi, sequence }) => {
                self.facts.see(context.packet);
                out.application("udpencap:esp");
                self.protected(direction, (spi, sequence), context.packet);
            }
            None => {}
        }
    }

    fn protected(&mut self, direction: Direction, (spi, sequence): (u32, u32), packet: PacketRef) {
        let known = self.associations.iter_mut().find(|known| known.spi == spi && known.from == direction);
        if let Some(known) = known {
            known.packets = known.packets.saturating_add(1);
            known.sequence = (known.sequence.0.min(sequence), known.sequence.1.max(sequence));
            known.last = packet;
        } else if self.associations.len() < TOLD_ASSOCIATIONS {
            let sequence = (sequence, sequence);
            self.associations.push(Association { spi, from: direction, packets: 1, sequence, last: packet });
        } else {
            self.other_associations = self.other_associations.saturating_add(1);
        }
    }

    fn message(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        let Ok((body, header)) = header(bytes) else { return };
        self.has_ike = true;
        let length = usize::try_from(header.length).unwrap_or_default().saturating_sub(HEADER_BYTES);
        let body = body.get(..length).unwrap_or(body);
        let known = self.negotiations.iter().position(|known| known.initiator == header.initiator);
        if known.is_none() {
            if self.negotiations.len() >= OPEN_NEGOTIATIONS {
                self.negotiations.remove(0).facts.tell("isakmp", context, out);
            }
            let (initiator, facts) = (header.initiator, Facts::default());
            self.negotiations.push(Negotiation { initiator, facts, asked: None, refused: false });
        }
        let place = known.unwrap_or(self.negotiations.len().saturating_sub(1));
        if let Some(negotiation) = self.negotiations.get_mut(place) {
            negotiation.message(direction, (&header, body), context, out);
        }
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if self.is_encapsulated {
            // Whatever the last packet was: what the flow is there for.
            out.application(match (self.associations.is_empty(), self.has_ike) {
                (false, _) => "udpencap:esp",
                (true, true) => "udpencap:isakmp",
                (true, false) => "udpencap",
            });
        }
        for known in std::mem::take(&mut self.associations) {
            let Association { spi, from, packets, sequence: (first, last), last: at } = known;
            let said = format!("SPI 0x{spi:08x}, {packets} packets, sequence {first} to {last}");
            self.facts.add("esp", said, from, at);
        }
        if self.other_associations > 0 {
            let count = self.other_associations.to_string();
            self.facts.add("esp_packets_of_other_spis", count, Direction::ClientToServer, context.packet);
        }
        for direction in Direction::BOTH {
            let count = self.keepalives.get(direction.index()).copied().unwrap_or_default();
            if count > 0 {
                self.facts.add("keepalives", count.to_string(), direction, context.packet);
            }
        }
        for mut negotiation in std::mem::take(&mut self.negotiations) {
            negotiation.facts.tell("isakmp", context, out);
        }
        self.facts.tell("udpencap", context, out);
    }
}

impl Negotiation {
    fn message(
        &mut self,
        direction: Direction,
        (header, body): (&Header, &[u8]),
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let packet = context.packet;
        self.facts.see(packet);
        self.heading(direction, header, packet);
        let is_response = self.is_response(direction, header, packet);
        let mut kinds = Vec::new();
        let mut notified = Vec::new();
        let mut payloads = Payloads::new(header, body);
        for (kind, body) in payloads.by_ref() {
            kinds.push(number(kind));
            match kind {
                payload::SA_1 | payload::SA => {
                    let is_new = kind == payload::SA;
                    let proposals = if is_new { parser::proposals2(body) } else { parser::proposals1(body) };
                    let name = if is_response { "accepted" } else { "offered" };
                    for proposal in proposals {
                        let (between, protocol) = (if is_new { " " } else { "; " }, protocol(proposal.protocol));
                        let algorithms = proposal.transforms.join(between);
                        self.facts.add(name, format!("{protocol}: {algorithms}"), direction, packet);
                    }
                }
                payload::NOTIFY | payload::NOTIFY_1 => {
                    if let Some(kind) = parser::notification(header.major(), body) {
                        notified.push(number(kind));
                        self.notified(direction, (header.major(), kind), context, out);
                    }
                }
                payload::VENDOR | payload::VENDOR_1 => {
                    if let Some(vendor) = names::vendor(body) {
                        self.facts.either("vendor", vendor, direction, packet);
                    }
                }
                payload::KEY_EXCHANGE => {
                    if let Some([high, low]) = body.first_chunk() {
                        let group = names::transform(4, u16::from_be_bytes([*high, *low]));
                        self.facts.either("group", group, direction, packet);
                    }
                }
                _ => {}
            }
        }
        if payloads.is_cut {
            self.facts.leave_out();
        }
        note::message(header, kinds, notified, out);
    }

    fn heading(&mut self, direction: Direction, header: &Header, packet: PacketRef) {
        self.facts.first("version", format!("{}.{}", header.major(), header.version & 15), direction, packet);
        self.facts.add("initiator_spi", format!("{:016x}", header.initiator), Direction::ClientToServer, packet);
        if header.responder != 0 {
            self.facts.add("responder_spi", format!("{:016x}", header.responder), Direction::ServerToClient, packet);
        }
        self.facts.either("exchange", names::exchange(header.exchange), direction, packet);
    }

    /// Whether the message answers the one that waits; remembers it else.
    fn is_response(&mut self, direction: Direction, header: &Header, packet: PacketRef) -> bool {
        if let Some((exchange, id, from, at)) = self.asked
            && (exchange, id) == (header.exchange, header.id)
            && from != direction
        {
            let waited = packet.timestamp.since(at.timestamp);
            self.facts.first("answered_after_ns", waited.to_string(), direction, packet);
            return true;
        }
        let is_response = header.major() == 2 && header.flags & 0x20 != 0;
        let is_again = self
            .asked
            .is_some_and(|(exchange, id, from, _)| (exchange, id, from) == (header.exchange, header.id, direction));
        if !is_response && !is_again {
            self.asked = Some((header.exchange, header.id, direction, packet));
        }
        is_response
    }

    fn notified(&mut self, direction: Direction, (major, kind): (u8, u16), context: &Context<'_>, out: &mut Sink<'_>) {
        /// From here on notifications tell a state, not an error (RFC 7296 3.10.1).
        const STATUS: u16 = 16384;
        /// The responder wants another group: the initiator begins again with it.
        const INVALID_KE_PAYLOAD: u16 = 17;
        let name = names::notification(major, kind);
        if kind >= STATUS {
            self.facts.either("notification", name, direction, context.packet);
            return;
        }
        self.facts.add("error", name.clone(), direction, context.packet);
        if (major == 2 && kind == INVALID_KE_PAYLOAD) || std::mem::replace(&mut self.refused, true) {
            return;
        }
        let advice = match kind {
            14 => {
                "The responder accepts none of the proposals. Compare both sides' lists of algorithms and groups; what was \
                   offered is in the record of the flow."
            }
            24 => {
                "The ends do not accept each other's proof: a wrong pre-shared key, a certificate that is not trusted, or \
                   an identity that the other side does not expect."
            }
            _ => "The peer refuses. Its log says more than the code does.",
        };
        let title = format!("IKE fails: {name}");
        let about = (Severity::Error, "isakmp.refused");
        out.finding(finding(context, [context.packet], about, title, (advice, "RFC 7296 3.10.1")));
    }
}

fn protocol(number: u8) -> String {
    match number {
        1 => "IKE".to_owned(),
        2 => "AH".to_owned(),
        3 => "ESP".to_owned(),
        _ => format!("protocol {number}"),
    }
}

impl Session for Isakmp {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => self.datagram(direction, bytes, context, out),
            Input::Close => self.tell(context, out),
            _ => {}
        }
        Progress::Consumed(0)
    }
}
