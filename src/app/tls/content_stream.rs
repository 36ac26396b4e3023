//! What was inside records, as a stream of its own for the engine to read on: application data in order, 0-RTT data once
//! the server is seen to take them, and holes where records could not be opened.
use crate::{
    app::{Carrier, Sink},
    limits,
    record::{Direction, PacketRef},
};

/// The only inner stream.
const CHANNEL: u64 = 0;

/// Both directions' content.
#[derive(Debug, Default)]
pub(super) struct ContentStream {
    /// Where the next bytes of each direction go.
    offsets: [u64; 2],
    begun: [bool; 2],
    /// Early data of which it is not known yet whether the server takes them.
    early: Vec<(Direction, PacketRef, Vec<u8>)>,
    early_bytes: usize,
}

impl ContentStream {
    /// Takes application data.
    pub(super) fn data(
        &mut self,
        direction: Direction,
        early: bool,
        bytes: &[u8],
        packet: PacketRef,
        out: &mut Sink<'_>,
    ) {
        if bytes.is_empty() {
            return;
        }
        if early {
            if self.early_bytes.saturating_add(bytes.len()) > limits::MAX_TLS_EARLY_BYTES {
                out.limit(&limits::TLS);
                return;
            }
            self.early_bytes = self.early_bytes.saturating_add(bytes.len());
            self.early.push((direction, packet, bytes.to_vec()));
        } else {
            self.hand_on(direction, bytes.to_vec(), packet, out);
        }
    }

    /// The server is known to have taken early data, or to have refused them: then the client sends them again.
    pub(super) fn settle_early(&mut self, accepted: Option<bool>, out: &mut Sink<'_>) {
        let Some(accepted) = accepted else { return };
        for (direction, packet, bytes) in std::mem::take(&mut self.early) {
            if accepted {
                self.hand_on(direction, bytes, packet, out);
            }
        }
        self.early_bytes = 0;
    }

    /// A record of so many bytes passed whose content is not known.
    pub(super) fn lost(&mut self, direction: Direction, length: usize, out: &mut Sink<'_>) {
        self.gap(direction, u64::try_from(length).unwrap_or(u64::MAX), out);
    }

    /// So many bytes of records are missing. Nothing is lost before the first content: handshakes come first.
    pub(super) fn gap(&mut self, direction: Direction, length: u64, out: &mut Sink<'_>) {
        let begun = self.begun.get(direction.index()).copied().unwrap_or_default();
        if let Some(offset) = self.offsets.get_mut(direction.index()).filter(|_| begun) {
            *offset = offset.saturating_add(length);
            out.inner_lost(CHANNEL, direction, *offset);
        }
    }

    fn hand_on(&mut self, direction: Direction, bytes: Vec<u8>, packet: PacketRef, out: &mut Sink<'_>) {
        let (Some(offset), Some(begun)) =
            (self.offsets.get_mut(direction.index()), self.begun.get_mut(direction.index()))
        else {
            return;
        };
        let start = *offset;
        *begun = true;
        *offset = start.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        out.inner_of(CHANNEL, (Carrier::Tls, direction), start, bytes, packet);
    }
}
