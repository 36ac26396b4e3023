//! Reads the QUIC packets of one UDP flow and hands the CRYPTO bytes of its Initial packets on.
use std::collections::VecDeque;

use super::{
    connection::Connection,
    frames::{Frame, frames},
    header::{Kind, Long, RETRY_TAG_BYTES, has_fixed_bit, is_long, long},
    keys::retry_answers,
    note,
    probe::google_chlo_version,
};
use crate::{
    app::{Carrier, Session, Sink},
    limits::{MAX_QUIC_CONNECTIONS, MAX_QUIC_CRYPTO_BYTES, MAX_QUIC_CRYPTO_OFFSET, MAX_QUIC_RETRIES},
    record::{Context, Direction, Evidence, Finding, Input, Progress, Severity, Subject},
};

/// Shortest Destination Connection ID of a client's first Initial packet (RFC 9000, section 7.2). After a Retry it is
/// whatever the server chose.
const MIN_FIRST_DESTINATION_BYTES: usize = 8;

/// The session.
#[derive(Default)]
pub struct Quic {
    connections: VecDeque<Connection>,
    next_channel: u64,
    scratch: Vec<u8>,
    said: Said,
}

/// What is said once a flow.
#[derive(Default)]
struct Said {
    google: bool,
    negotiation: bool,
    retry: bool,
    evicted: bool,
    too_much_crypto: bool,
}

impl Session for Quic {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Datagram { direction, bytes } => {
                self.datagram(direction, bytes, context, out);
                Progress::Consumed(bytes.len())
            }
            Input::Close => Progress::Done,
            _ => Progress::Consumed(0),
        }
    }
}

impl Quic {
    fn datagram(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) {
        if google_chlo_version(bytes) {
            self.google(out);
            return;
        }
        let mut rest = bytes;
        // Packets are coalesced one behind the other; a short header has no length and is the last (RFC 9000, 12.2).
        while let Some(&first) = rest.first() {
            if !is_long(first) {
                if has_fixed_bit(first) && out.wants_notes() {
                    out.note(note::short());
                }
                return;
            }
            let Ok((after, packet)) = long(rest) else { return };
            self.packet(&packet, direction, context, out);
            rest = after;
        }
    }

    fn packet(&mut self, packet: &Long<'_>, direction: Direction, context: &Context<'_>, out: &mut Sink<'_>) {
        let mut told = None;
        match packet.kind {
            Kind::Initial { .. } => told = self.initial(packet, direction, context, out),
            Kind::Retry { body } => self.retry(packet, body, direction, context, out),
            Kind::VersionNegotiation { .. } => self.negotiation(context, out),
            Kind::Google => self.google(out),
            Kind::ZeroRtt | Kind::Handshake => {}
        }
        if out.wants_notes() {
            out.note(note::long(packet, told));
        }
    }

    /// Opens an Initial packet and hands its CRYPTO bytes on. Returns packet number and frames for the note.
    fn initial(
        &mut self,
        packet: &Long<'_>,
        direction: Direction,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Option<(u64, Vec<&'static str>)> {
        let mut scratch = std::mem::take(&mut self.scratch);
        let told = self.open(packet, direction, &mut scratch, context, out);
        self.scratch = scratch;
        told
    }

    fn open(
        &mut self,
        packet: &Long<'_>,
        direction: Direction,
        scratch: &mut Vec<u8>,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) -> Option<(u64, Vec<&'static str>)> {
        // Newest first: clients with empty connection IDs tell their connections apart by keys alone.
        for connection in self.connections.iter_mut().rev().filter(|known| known.may_own(packet, direction)) {
            if let Some(opened) = connection.open(packet, direction, scratch) {
                let frames = scratch.get(opened.payload).unwrap_or_default();
                let names = hand_on(connection, packet, direction, frames, &mut self.said, context, out);
                return Some((opened.number, names));
            }
        }
        let after_retry = self.connections.iter().position(|known| known.retries.contains(&packet.destination));
        if packet.destination.as_bytes().len() < MIN_FIRST_DESTINATION_BYTES && after_retry.is_none() {
            return None;
        }
        let (fresh, opened) = Connection::begin(packet, direction, self.next_channel, scratch)?;
        if let Some(known) = after_retry.and_then(|place| self.connections.get_mut(place)) {
            known.resume(fresh);
            let frames = scratch.get(opened.payload).unwrap_or_default();
            return Some((opened.number, hand_on(known, packet, direction, frames, &mut self.said, context, out)));
        }
        self.next_channel = self.next_channel.saturating_add(1);
        if self.connections.len() >= MAX_QUIC_CONNECTIONS {
            self.connections.pop_front();
            if !std::mem::replace(&mut self.said.evicted, true) {
                out.finding(finding(
                    context,
                    "quic.too-many-connections",
                    format!("more than {MAX_QUIC_CONNECTIONS} QUIC connections between the same two ports"),
                    "Only the newest are followed: Initial packets of older ones stay closed.",
                    None,
                ));
            }
        }
        self.connections.push_back(fresh);
        let connection = self.connections.back_mut()?;
        let frames = scratch.get(opened.payload).unwrap_or_default();
        Some((opened.number, hand_on(connection, packet, direction, frames, &mut self.said, context, out)))
    }

    fn retry(
        &mut self,
        packet: &Long<'_>,
        body: &[u8],
        direction: Direction,
        context: &Context<'_>,
        out: &mut Sink<'_>,
    ) {
        let answered = self.connections.iter_mut().rev().find(|known| {
            body.len() > RETRY_TAG_BYTES
                && direction != known.client
                && packet.destination == known.client_id
                && retry_answers(packet.packet, packet.version, &known.original) != Some(false)
        });
        let Some(known) = answered else { return };
        if known.retries.len() < MAX_QUIC_RETRIES {
            known.retries.push(packet.source);
        }
        if !std::mem::replace(&mut self.said.retry, true) {
            let title = "the server answered with Retry".to_owned();
            let why = "The server made the client prove its address before it spent anything on the handshake: one \
                       more round trip.";
            out.finding(finding(context, "quic.retry", title, why, Some("RFC 9000 8.1.2")));
        }
    }

    fn negotiation(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if !std::mem::replace(&mut self.said.negotiation, true) {
            let title = "the server does not speak the QUIC version it was offered".to_owned();
            let why = "It named those it speaks; the client has to begin anew with one of them: one more round trip.";
            out.finding(finding(context, "quic.version-negotiation", title, why, Some("RFC 9000 6")));
        }
    }

    fn google(&mut self, out: &mut Sink<'_>) {
        if !std::mem::replace(&mut self.said.google, true) {
            out.application("gquic");
        }
    }
}

/// Hands the CRYPTO bytes of an opened packet on. Returns the names of its frames when notes are wanted.
fn hand_on(
    connection: &mut Connection,
    packet: &Long<'_>,
    direction: Direction,
    payload: &[u8],
    said: &mut Said,
    context: &Context<'_>,
    out: &mut Sink<'_>,
) -> Vec<&'static str> {
    let mut names = Vec::new();
    for frame in frames(payload, packet.version.has_google_frames()) {
        if out.wants_notes() && names.last() != Some(&frame.name()) {
            names.push(frame.name());
        }
        let Frame::Crypto { offset, bytes } = frame else { continue };
        if !packet.version.carries_tls() || bytes.is_empty() {
            continue;
        }
        let end = u64::try_from(bytes.len()).ok().and_then(|length| offset.checked_add(length));
        let handed_on = connection.crypto_bytes.saturating_add(bytes.len());
        if end.is_some_and(|end| end <= MAX_QUIC_CRYPTO_OFFSET) && handed_on <= MAX_QUIC_CRYPTO_BYTES {
            connection.crypto_bytes = handed_on;
            out.inner(connection.channel, Carrier::QuicCrypto, direction, offset, bytes.to_vec());
        } else if !std::mem::replace(&mut said.too_much_crypto, true) {
            let title = "more handshake data in Initial packets than any handshake needs".to_owned();
            let why = "What is beyond the limit was not read.";
            out.finding(finding(context, "quic.too-much-crypto-data", title, why, Some("RFC 9000 7.5")));
        }
    }
    names
}

fn finding(
    context: &Context<'_>,
    code: &'static str,
    title: String,
    explanation: &str,
    reference: Option<&'static str>,
) -> Finding {
    let mut evidence = Evidence::new();
    evidence.add(context.packet.number);
    Finding {
        subject: Subject::new(context.flow.id, evidence),
        client: Some(context.flow.client),
        server: Some(context.flow.server),
        severity: Severity::Note,
        code,
        title,
        explanation: explanation.to_owned(),
        reference,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::vectors::*, *};
    use crate::{
        app::Said as Out,
        record::{Certainty, Endpoint, FlowFacts, FlowId, PacketRef, Transport, Wanted},
    };

    fn run(datagrams: &[(Direction, Vec<u8>)]) -> Vec<Out> {
        let end = |port| Endpoint { address: [10, 0, 0, 1].into(), port };
        let flow = FlowFacts {
            id: FlowId::default(),
            transport: Transport::Udp,
            client: end(1),
            server: end(443),
            client_certainty: Certainty::Assumed,
        };
        let context = Context {
            flow: &flow,
            packet: PacketRef::default(),
            origins: &[],
            from_start: true,
            round_trip_ns: None,
            server_round_trip_ns: None,
            secrets: crate::record::Secrets::none(),
        };
        let (mut said, mut session) = (Vec::new(), Quic::default());
        for (direction, bytes) in datagrams {
            let mut out = Sink::new(Wanted::usual(), true, &mut said);
            session.input(Input::Datagram { direction: *direction, bytes }, &context, &mut out);
        }
        said
    }

    fn inner(said: &[Out]) -> Vec<(u64, Direction, u64, usize)> {
        let inner = |said: &Out| match said {
            Out::Inner { channel, direction, offset, bytes, .. } => Some((*channel, *direction, *offset, bytes.len())),
            _ => None,
        };
        said.iter().filter_map(inner).collect()
    }

    const THERE: Direction = Direction::ClientToServer;
    const BACK: Direction = Direction::ServerToClient;

    #[test]
    fn both_hellos_are_handed_on_whichever_way_the_client_sends() {
        for (client, server) in [(V1_CLIENT, V1_SERVER), (V2_CLIENT, V2_SERVER)] {
            for way in [THERE, BACK] {
                let said = run(&[(way, hex(client)), (way.reverse(), hex(server))]);
                assert_eq!(inner(&said), [(0, way, 0, 241), (0, way.reverse(), 0, 90)]);
            }
        }
    }

    #[test]
    fn a_server_alone_says_nothing() {
        assert_eq!(inner(&run(&[(BACK, hex(V1_SERVER))])), []);
    }

    #[test]
    fn a_retry_is_told_once() {
        let retry = (BACK, hex(V1_RETRY));
        let said = run(&[(THERE, hex(V1_CLIENT)), retry.clone(), retry]);
        assert_eq!(said.iter().filter(|said| matches!(said, Out::Record(_))).count(), 1);
    }

    #[test]
    fn coalesced_packets_are_all_read() {
        let both = [hex(V1_SERVER), hex(V1_SERVER), vec![0x40; 30]].concat();
        let said = run(&[(THERE, hex(V1_CLIENT)), (BACK, both)]);
        assert_eq!(inner(&said).len(), 3);
        let Some(Out::Note(last)) = said.last() else { panic!("a note") };
        assert_eq!(last.info, "Protected Payload (KP0)");
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_and_prefixes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200), cut in 0_usize..1200) {
            run(&[(THERE, bytes), (BACK, hex(V1_CLIENT)[..cut].to_vec()), (THERE, hex(V2_CLIENT)[..cut].to_vec())]);
        }
    }
}
