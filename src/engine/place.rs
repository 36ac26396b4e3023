//! Where messages lie in packets: from the bytes that a session was offered to the packet that is processed.
use crate::{
    app::{Carrier, MessageRange, Note},
    record::{Context, Evidence, Input, Layer, Origin, PacketNumber},
};

/// A note, and which bytes of its packet it is about.
pub struct Noted {
    /// What the session said.
    pub note: Note,
    part: Option<Part>,
}

/// The part of a message that the packet being processed brought.
struct Part {
    /// Bytes of the packet's payload behind it.
    behind: usize,
    /// Its length in bytes; where the message began in bytes offered before, with all of those.
    length: u64,
    /// Its bytes, as far as they were offered last. Where segments overlap, those of another packet may have won: then it is
    /// not known where they lie.
    bytes: Vec<u8>,
    /// The packets that brought the message, as far as known, in its order.
    packets: Vec<PacketNumber>,
    /// Other packets brought some of it.
    is_pieced: bool,
}

impl Noted {
    /// Of a note that a session made of `input`, over `carrier`. `is_inner`: its bytes were taken out of another protocol, and
    /// are not those of a packet.
    pub fn new(note: Note, input: Option<Input<'_>>, context: &Context<'_>, carrier: Carrier, is_inner: bool) -> Self {
        let part = match (note.place, input, carrier) {
            (
                Some(place),
                Some(Input::Stream { bytes, .. } | Input::Datagram { bytes, .. }),
                Carrier::Tcp | Carrier::Udp,
            ) if !is_inner => Part::of(place, bytes, context),
            _ => None,
        };
        Self { note, part }
    }

    /// The layer in its place, what is said on one line, and the packets that brought the message where it is not this one
    /// alone. `payload` begins at `offset` of the packet, or of the reassembled datagram.
    pub fn put(self, offset: usize, payload: &[u8]) -> (Layer, Told) {
        let Note { info, mut layer, .. } = self.note;
        let mut reassembled_from = Vec::new();
        if layer.length == 0 {
            // A message lies in the payload of the packet that completes it, unless more is known.
            (layer.offset, layer.length) = (offset, payload.len());
            if let Some(part) = self.part
                && let Some(here) = payload.len().checked_sub(part.behind).and_then(|end| payload.get(..end))
                && here.ends_with(&part.bytes)
            {
                let length = usize::try_from(part.length).unwrap_or(usize::MAX);
                let start = here.len().saturating_sub(length);
                (layer.offset, layer.length) = (offset + start, here.len() - start);
                if part.is_pieced || length > here.len() {
                    reassembled_from = part.packets;
                }
            }
        }
        (layer, Told { info, reassembled_from })
    }
}

/// What is told of a packet besides a layer.
pub struct Told {
    /// On one line.
    pub info: String,
    /// The packets that brought the message, where it is not this one alone.
    pub reassembled_from: Vec<PacketNumber>,
}

impl Part {
    fn of(place: MessageRange, bytes: &[u8], context: &Context<'_>) -> Option<Self> {
        let own = [Origin { offset: 0, packet: context.packet }];
        let origins = if context.origins.is_empty() { &own } else { context.origins };
        let end = place.end.min(bytes.len());
        let length = usize::try_from(place.length).unwrap_or(usize::MAX);
        if end == 0 || length == 0 {
            return None;
        }
        let start = end.saturating_sub(length);
        let before = length - (end - start);
        let mut part = Self { behind: 0, length: 0, bytes: Vec::new(), packets: Vec::new(), is_pieced: false };
        if before > 0 {
            part.add(place.first);
        }
        let ends = origins.iter().skip(1).map(|origin| origin.offset).chain([bytes.len()]);
        for (index, (origin, until)) in origins.iter().zip(ends).enumerate() {
            let begins = if index == 0 { 0 } else { origin.offset };
            let (from, to) = (begins.max(start), until.min(end));
            if from >= to {
                continue;
            }
            part.add(Some(origin.packet.number));
            if origin.packet.index != context.packet.index {
                part.is_pieced = true;
                continue;
            }
            // The bytes in order end where the payload ends.
            part.behind = until - to;
            part.length = u64::try_from(to - from).unwrap_or(u64::MAX);
            part.bytes = bytes.get(from..to).unwrap_or_default().to_vec();
            if index == 0 {
                part.length = part.length.saturating_add(u64::try_from(before).unwrap_or(u64::MAX));
            }
        }
        Some(part)
    }

    /// Another packet; when there are too many, the last place holds the newest.
    fn add(&mut self, packet: Option<PacketNumber>) {
        if packet.is_some() && self.packets.last().copied() != packet {
            self.packets.truncate(Evidence::CAPACITY - 1);
            self.packets.extend(packet);
        }
    }
}
