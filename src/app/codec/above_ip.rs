//! What the protocols right above IP share: fields at fixed places, a session that takes whole messages, and the sheet on which
//! the first facts of a flow are written when it is over.
use std::{
    collections::BTreeSet,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use crate::{
    app::{Note, Session, Sink},
    limits,
    record::{
        Application, ApplicationFact, Context, Direction, Endpoint, Finding, Input, Layer, PacketNumber, PacketRef,
        Progress, Record, Severity, Subject,
    },
};

/// The byte at `offset`.
#[must_use]
pub fn u8_at(bytes: &[u8], offset: usize) -> Option<u8> {
    bytes.get(offset).copied()
}

/// Two bytes at `offset`, most significant first.
#[must_use]
pub fn u16_at(bytes: &[u8], offset: usize) -> Option<u16> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u16::from_be_bytes(*bytes))
}

/// Four bytes at `offset`, most significant first.
#[must_use]
pub fn u32_at(bytes: &[u8], offset: usize) -> Option<u32> {
    bytes.get(offset..)?.first_chunk().map(|bytes| u32::from_be_bytes(*bytes))
}

/// The IPv4 address at `offset`.
#[must_use]
pub fn ipv4_at(bytes: &[u8], offset: usize) -> Option<Ipv4Addr> {
    u32_at(bytes, offset).map(Ipv4Addr::from)
}

/// The IPv6 address at `offset`.
#[must_use]
pub fn ipv6_at(bytes: &[u8], offset: usize) -> Option<Ipv6Addr> {
    bytes.get(offset..)?.first_chunk::<16>().map(|bytes| Ipv6Addr::from(*bytes))
}

/// The address at `offset`, of the family that `like` is of.
#[must_use]
pub fn address_like(like: IpAddr, bytes: &[u8], offset: usize) -> Option<IpAddr> {
    match like {
        IpAddr::V4(_) => ipv4_at(bytes, offset).map(IpAddr::from),
        IpAddr::V6(_) => ipv6_at(bytes, offset).map(IpAddr::from),
    }
}

/// Reads the messages of one flow right above IP, one by one.
pub trait Messages: Default + Send {
    /// A message, from the header behind IP's on; whole, or cut by the snap length.
    fn message(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>);

    /// The flow is over: what is left is told.
    fn close(&mut self, context: &Context<'_>, out: &mut Sink<'_>);
}

/// The session that hands messages on.
#[derive(Debug, Default)]
pub struct MessageSession<M>(M);

impl<M: Messages> Session for MessageSession<M> {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => self.0.message(direction, bytes, context, out),
            Input::Close => self.0.close(context, out),
            Input::Stream { .. } | Input::Gap { .. } | Input::Skipped { .. } | Input::End { .. } => {}
        }
        Progress::Consumed(0)
    }
}

/// First and last of some packets, and how many they are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// The first; without a meaning while there are none.
    pub first: PacketRef,
    /// The last.
    pub last: PacketRef,
    /// How many.
    pub packets: u64,
}

impl Span {
    /// One more.
    pub fn see(&mut self, packet: PacketRef) {
        if self.packets == 0 {
            self.first = packet;
        }
        self.last = packet;
        self.packets = self.packets.saturating_add(1);
    }
}

/// The facts of a flow, written down when it is over.
#[derive(Debug, Default)]
pub struct Sheet {
    facts: Vec<ApplicationFact>,
    left_out: bool,
}

impl Sheet {
    /// One fact.
    pub fn add(&mut self, name: &'static str, value: impl Into<String>, said_by: Direction, packet: PacketRef) {
        if self.facts.len() < limits::MAX_APPLICATION_FACTS {
            let (value, side) = (value.into(), said_by.sender());
            self.facts.push(ApplicationFact { name, value, side, packet: packet.number });
        } else {
            self.left_out = true;
        }
    }

    /// One fact, if it is known.
    pub fn add_some(
        &mut self,
        name: &'static str,
        value: Option<impl ToString>,
        said_by: Direction,
        packet: PacketRef,
    ) {
        if let Some(value) = value {
            self.add(name, value.to_string(), said_by, packet);
        }
    }

    /// A number, unless it is zero.
    pub fn count(&mut self, name: &'static str, count: u64, said_by: Direction, packet: PacketRef) {
        if count > 0 {
            self.add(name, count.to_string(), said_by, packet);
        }
    }

    /// Several values as one fact, unless there are none.
    pub fn list(
        &mut self,
        name: &'static str,
        values: impl IntoIterator<Item = impl ToString>,
        said_by: Direction,
        packet: PacketRef,
    ) {
        let values: Vec<String> = values.into_iter().map(|value| value.to_string()).collect();
        if !values.is_empty() {
            self.add(name, values.join(", "), said_by, packet);
        }
    }

    /// Reports what was written as what `protocol` says in the flow between `ends`; it rests on the facts' packets and on
    /// the first and last of all.
    pub fn tell(
        self,
        protocol: &'static str,
        span: Span,
        (client, server): (Endpoint, Endpoint),
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        if self.left_out {
            out.limit(&limits::ABOVE_IP);
        }
        let packets: BTreeSet<PacketNumber> =
            self.facts.iter().map(|fact| fact.packet).chain([span.first.number, span.last.number]).collect();
        out.record(Record::Application(Box::new(Application {
            subject: Subject::new(context.flow.id, packets.into_iter().collect()),
            client,
            server,
            protocol,
            facts: self.facts,
        })));
    }
}

/// Something worth attention in the flow being read.
#[must_use]
pub fn finding(
    (severity, code): (Severity, &'static str),
    evidence: impl IntoIterator<Item = PacketRef>,
    (title, explanation): (String, &str),
    reference: &'static str,
    context: &Context<'_>,
) -> Finding {
    let packets: BTreeSet<PacketNumber> = evidence.into_iter().map(|packet| packet.number).collect();
    Finding {
        subject: Subject::new(context.flow.id, packets.into_iter().collect()),
        client: Some(context.flow.client),
        server: Some(context.flow.server),
        severity,
        code,
        title,
        explanation: explanation.to_owned(),
        reference: Some(reference),
    }
}

/// Says on the packet's line what only its flow tells.
pub fn note(protocol: &'static str, osi: u8, info: String, out: &mut Sink<'_>) {
    let layer = Layer { protocol, osi, unit: "message", offset: 0, length: 0, fields: Vec::new() };
    out.note(Note::new(info, layer));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_end_where_bytes_end() {
        let bytes = [1, 2, 3, 4, 5];
        assert_eq!((u8_at(&bytes, 4), u8_at(&bytes, 5)), (Some(5), None));
        assert_eq!((u16_at(&bytes, 3), u16_at(&bytes, 4)), (Some(0x0405), None));
        assert_eq!((u32_at(&bytes, 1), u32_at(&bytes, 2)), (Some(0x0203_0405), None));
        assert_eq!(ipv4_at(&bytes, 0), Some(Ipv4Addr::new(1, 2, 3, 4)));
        assert_eq!((ipv6_at(&bytes, 0), u8_at(&bytes, usize::MAX)), (None, None));
    }
}
