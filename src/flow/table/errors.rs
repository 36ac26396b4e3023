//! ICMP errors: told to the flow whose packet they quote, and to those who look at several.
use super::{Consumer, Kind, Slot, Table, wants_errors};
use crate::{
    flow::Packet,
    record::{Context, Direction, FlowId, FlowKey, IcmpErrorFact, Unreachable, icmp_error_words},
    wire::{Quoted, ends::IcmpError},
};

impl<C: Consumer> Table<C> {
    /// An ICMP error: noted with the flow whose packet it quotes. It is no packet of that flow.
    pub(super) fn icmp<'t>(&'t mut self, packet: &Packet<'_>, consumer: &mut C) -> Option<&'t mut C::Conversation> {
        let (decoded, bytes) = (packet.decoded, packet.bytes);
        let error = decoded.icmp_error(bytes)?;
        let quoted = decoded.quoted(bytes)?;
        let (by, _) = decoded.addresses(bytes)?;
        let mut fact = fact(&error, &quoted, packet);
        fact.by = by;
        let found = self.find(&FlowKey::new(quoted.transport, quoted.source, quoted.destination));
        if let Some(slot) = found.and_then(|number| self.slot_mut(number)) {
            slot.kind.promote();
            fact.application = consumer.application(&slot.conversation);
            tell(slot, &mut fact, &quoted, packet, consumer);
        }
        if let Some(number) = found {
            self.settle(number, consumer);
            // A lone SYN has grown to a whole connection.
            self.shrink(number, packet.at, consumer);
        }
        if wants_errors(self.settings.wanted) {
            consumer.icmp_error(packet.at.index, fact);
        }
        found.and_then(|number| self.slot_mut(number)).map(|slot| &mut slot.conversation)
    }
}

/// What is told of the error before its flow is asked.
fn fact(error: &IcmpError, quoted: &Quoted<'_>, packet: &Packet<'_>) -> IcmpErrorFact {
    IcmpErrorFact {
        flow: None,
        own: FlowId { opener: packet.at.number, depth: packet.decoded.depth },
        application: None,
        transport: quoted.transport,
        source: quoted.source,
        target: quoted.destination,
        by: quoted.destination.address,
        at: packet.at,
        v6: error.v6,
        message_type: error.message_type,
        code: error.code,
        mtu: error.mtu,
        gateway: error.gateway,
        quoted_length: quoted.length,
        told: false,
        probe: None,
    }
}

/// Tells the flow.
fn tell<C: Consumer>(
    slot: &mut Slot<C::Conversation>,
    fact: &mut IcmpErrorFact,
    quoted: &Quoted<'_>,
    packet: &Packet<'_>,
    consumer: &mut C,
) {
    let direction =
        if quoted.source == slot.facts.client { Direction::ClientToServer } else { Direction::ServerToClient };
    fact.flow = Some(slot.facts.id);
    let reason = icmp_error_words(fact.v6, fact.message_type, fact.code);
    // Destination unreachable but for "fragmentation needed", which is no refusal.
    let refused = matches!((fact.v6, fact.message_type, fact.code), (false, 3, 0..=3 | 5..) | (true, 1, _));
    match &mut slot.kind {
        Kind::Syn(_) => {}
        Kind::Tcp(connection) => {
            fact.probe = connection.lone_probe(direction);
            connection.set_told();
            if refused {
                fact.told = connection.unreachable(direction.sender(), packet.at);
            }
        }
        Kind::Udp(flow) | Kind::Bare(flow) => {
            fact.probe = flow.last_sent(direction);
            flow.told = true;
            // A redirect or an old router's source quench means that the packet went on its way.
            let delivered = !fact.v6 && matches!(fact.message_type, 4 | 5);
            if flow.done || delivered {
                return;
            }
            let notice = Unreachable {
                direction,
                by: fact.by,
                reason,
                message_type: fact.message_type,
                code: fact.code,
                mtu: fact.mtu,
                quoted: quoted.payload,
            };
            let context = Context {
                flow: &slot.facts,
                packet: packet.at,
                origins: &[],
                from_start: false,
                round_trip_ns: None,
                server_round_trip_ns: None,
                hop_limit: None,
                secrets: crate::record::Secrets::none(),
            };
            consumer.unreachable(&mut slot.conversation, &notice, &context);
        }
    }
}
