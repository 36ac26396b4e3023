//! What QUIC tells of a handshake besides its messages (RFC 9001, section 4): which packets passed, opened or not, and why
//! the connection was closed.
use super::{
    conversation::{CarrierClose, Conversation},
    state::Event,
};
use crate::{
    app::Sink,
    record::{CarrierEvent, Context, Notice},
};

/// AlertLevel fatal: all that QUIC carries are (RFC 9001, section 4.8).
const FATAL: u8 = 2;

impl Conversation {
    /// Takes what happened around the stream.
    pub(super) fn carrier(&mut self, notice: &Notice, context: &Context<'_>, out: &mut Sink<'_>) {
        let Notice { direction, event, packet } = notice;
        let (direction, packet) = (*direction, *packet);
        let event = match event {
            CarrierEvent::Opened => return self.decrypted(direction),
            CarrierEvent::Alert(description) => {
                if self.is_watching() {
                    self.alert(direction, (FATAL, *description), packet, context, out);
                }
                return;
            }
            CarrierEvent::Closed { reason } => {
                let Some(handshake) = &mut self.current else { return };
                let close = CarrierClose { side: handshake.side(direction), reason: reason.clone(), packet };
                handshake.carrier_closed(close);
                return;
            }
            CarrierEvent::HandshakeClosed { length } => Event::HandshakePacket { length: *length },
            CarrierEvent::EarlyData { opened } => Event::EarlyPacket { opened: *opened },
            CarrierEvent::Data { opened, of_application } => {
                Event::DataPacket { opened: *opened, of_application: *of_application }
            }
            CarrierEvent::Confirmed => Event::Confirmed,
        };
        if let Some(handshake) = &mut self.current {
            handshake.event(direction, event, packet, context);
            self.leave_when_done(context, out);
        }
    }
}
