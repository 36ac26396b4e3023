//! Puts the TLS bytes of OpenVPN's control packets in order and hands them on: packets are numbered, and over UDP they
//! come late, twice, or never.
use super::packet::{Control, control, framed, is_data, kind, opcode, wrapping_of_reset};
use crate::{
    app::{
        Carrier, Session, Sink,
        codec::messages::{Facts, hex, note, number},
    },
    limits::{self, MAX_OPENVPN_EARLY_BYTES, MAX_OPENVPN_EARLY_PACKETS},
    record::{Context, Direction, Input, PacketRef, Progress},
};

/// One direction of one key's control channel.
#[derive(Default)]
struct Half {
    /// The number wanted next.
    next: u32,
    /// Bytes handed on.
    offset: u64,
    /// Packets that came before their turn.
    early: Vec<(u32, Vec<u8>)>,
}

/// The negotiation of one key.
#[derive(Default)]
struct Negotiation {
    channel: u64,
    halves: [Half; 2],
}

/// The session.
pub struct OpenVpn {
    framed: bool,
    /// Length of HMAC, replay packet id and time.
    wrapping: Option<usize>,
    keys: [Negotiation; 8],
    channels: u64,
    facts: Facts,
    /// Data packets of each side, their bytes, and the last of them.
    data: [(u64, u64, PacketRef); 2],
    told: bool,
}

impl OpenVpn {
    pub fn new(carrier: Carrier) -> Self {
        Self {
            framed: carrier != Carrier::Udp,
            wrapping: None,
            keys: <[Negotiation; 8]>::default(),
            channels: 0,
            facts: Facts::default(),
            data: [(0, 0, PacketRef::default()); 2],
            told: false,
        }
    }

    fn stream(&mut self, direction: Direction, bytes: &[u8], context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        let mut at = 0_usize;
        loop {
            let rest = bytes.get(at..).unwrap_or_default();
            let [high, low, first, ..] = rest else {
                return if rest.is_empty() {
                    Progress::Consumed(at)
                } else {
                    Progress::Need { consumed: at, at_least: 3 }
                };
            };
            let total = usize::from(u16::from_be_bytes([*high, *low])).saturating_add(2);
            let (opcode, _) = kind(*first);
            if total < 3 || !(1..=11).contains(&opcode) {
                return Progress::Done;
            }
            let end = at.saturating_add(total);
            out.lies(at..end);
            match framed(rest) {
                _ if is_data(opcode) && end > bytes.len() => {
                    self.datum(direction, total.saturating_sub(2), context.packet_at(at));
                    return Progress::Skip(u64::try_from(end).unwrap_or(u64::MAX));
                }
                Some(packet) => self.packet(direction, packet, context.packet_completing(end), out),
                None => return Progress::Need { consumed: at, at_least: total },
            }
            at = end;
        }
    }

    fn packet(&mut self, direction: Direction, packet: &[u8], at: PacketRef, out: &mut Sink<'_>) {
        let Some(first) = packet.first() else { return };
        let (opcode, key) = kind(*first);
        say(opcode, key, packet, out);
        if is_data(opcode) {
            self.datum(direction, packet.len(), at);
            return;
        }
        self.facts.see(at);
        if let Some(wrapping) = wrapping_of_reset(packet) {
            self.wrapping = Some(wrapping);
            let auth = match wrapping.checked_sub(REPLAY_BYTES) {
                Some(hmac) => format!("tls-auth, HMAC of {hmac} bytes"),
                None => "none".to_owned(),
            };
            self.facts.first("control_protection", auth, direction, at);
        }
        if opcode != opcode::ACK_V1 {
            self.facts.add("opcode", format!("{}, key {key}", name(opcode)), direction, at);
        }
        if let Some(session) = packet.get(1..9) {
            self.facts.add("session_id", hex(session), direction, at);
        }
        let Some(wrapping) = self.wrapping else { return };
        let Ok((_, control)) = control(packet, wrapping) else { return };
        self.control(direction, &control, out);
    }

    fn datum(&mut self, direction: Direction, length: usize, at: PacketRef) {
        self.facts.see(at);
        if let Some((packets, bytes, last)) = self.data.get_mut(direction.index()) {
            *packets = packets.saturating_add(1);
            *bytes = bytes.saturating_add(u64::try_from(length).unwrap_or_default());
            *last = at;
        }
    }

    fn tell(&mut self, context: &Context<'_>, out: &mut Sink<'_>) {
        if std::mem::replace(&mut self.told, true) {
            return;
        }
        for direction in Direction::BOTH {
            if let Some((packets @ 1.., bytes, last)) = self.data.get(direction.index()).copied() {
                self.facts.add("data_packets", format!("{packets} with {bytes} bytes"), direction, last);
            }
        }
        self.facts.tell("openvpn", context, out);
    }

    fn control(&mut self, direction: Direction, control: &Control<'_>, out: &mut Sink<'_>) {
        let Some(negotiation) = self.keys.get_mut(usize::from(control.key)) else { return };
        let Some(number) = control.number else { return };
        let payload = if control.opcode == opcode::CONTROL_V1 { control.payload } else { &[] };
        let begins = match control.opcode {
            opcode::HARD_RESET_CLIENT_V1 | opcode::HARD_RESET_CLIENT_V2 => true,
            // Either side may begin to negotiate another key; the other one answers likewise.
            opcode::SOFT_RESET_V1 => negotiation.halves.iter().all(|half| half.next != 1),
            _ => false,
        };
        let again = begins && negotiation.channel == self.channels && self.channels > 0 && negotiation.is_fresh();
        if begins && !again {
            self.channels = self.channels.saturating_add(1);
            *negotiation = Negotiation { channel: self.channels, ..Negotiation::default() };
        }
        let channel = negotiation.channel;
        let Some(half) = negotiation.halves.get_mut(direction.index()) else { return };
        if number == half.next {
            half.hand_on(channel, direction, payload, out);
            while let Some(place) = half.early.iter().position(|(number, _)| *number == half.next) {
                let (_, payload) = half.early.swap_remove(place);
                half.hand_on(channel, direction, &payload, out);
            }
        } else if number > half.next
            && half.early.len() < MAX_OPENVPN_EARLY_PACKETS
            && payload.len() <= MAX_OPENVPN_EARLY_BYTES
            && !half.early.iter().any(|(early, _)| *early == number)
        {
            half.early.push((number, payload.to_vec()));
        } else if number > half.next && !half.early.iter().any(|(early, _)| *early == number) {
            out.limit(&limits::APPLICATION);
        }
    }
}

impl Negotiation {
    /// Whether no TLS bytes were handed on yet.
    fn is_fresh(&self) -> bool {
        self.halves.iter().all(|half| half.offset == 0)
    }
}

impl Half {
    fn hand_on(&mut self, channel: u64, direction: Direction, payload: &[u8], out: &mut Sink<'_>) {
        self.next = self.next.saturating_add(1);
        if !payload.is_empty() {
            out.inner(channel, Carrier::Tcp, direction, self.offset, payload.to_vec());
            self.offset = self.offset.saturating_add(u64::try_from(payload.len()).unwrap_or_default());
        }
    }
}

/// Bytes that `--tls-auth` adds to the HMAC.
const REPLAY_BYTES: usize = 8;

/// OpenVPN's own names.
fn name(opcode: u8) -> String {
    match opcode {
        1 => "P_CONTROL_HARD_RESET_CLIENT_V1".to_owned(),
        2 => "P_CONTROL_HARD_RESET_SERVER_V1".to_owned(),
        3 => "P_CONTROL_SOFT_RESET_V1".to_owned(),
        4 => "P_CONTROL_V1".to_owned(),
        5 => "P_ACK_V1".to_owned(),
        6 => "P_DATA_V1".to_owned(),
        7 => "P_CONTROL_HARD_RESET_CLIENT_V2".to_owned(),
        8 => "P_CONTROL_HARD_RESET_SERVER_V2".to_owned(),
        9 => "P_DATA_V2".to_owned(),
        _ => format!("opcode {opcode}"),
    }
}

/// Wireshark's words.
fn say(opcode: u8, key: u8, packet: &[u8], out: &mut Sink<'_>) {
    if !out.wants_notes() {
        return;
    }
    let first = packet.first().copied().unwrap_or_default();
    let mut fields =
        vec![("openvpn.type", number(first)), ("openvpn.opcode", number(opcode)), ("openvpn.keyid", number(key))];
    if let (false, Some(session)) = (is_data(opcode), packet.get(1..9)) {
        let session = session.iter().fold(0, |sum: u64, byte| sum << 8 | u64::from(*byte));
        fields.push(("openvpn.sessionid", number(session)));
    }
    note("openvpn", format!("MessageType: {}", name(opcode)), fields, out);
}

impl Session for OpenVpn {
    fn input(&mut self, input: Input<'_>, context: &Context<'_>, out: &mut Sink<'_>) -> Progress {
        match input {
            Input::Stream { direction, bytes } if self.framed => {
                let progress = self.stream(direction, bytes, context, out);
                if progress == Progress::Done {
                    self.tell(context, out);
                }
                progress
            }
            Input::Datagram { direction, bytes } if !self.framed => {
                self.packet(direction, bytes, context.packet, out);
                Progress::Consumed(bytes.len())
            }
            // Where the next packet begins cannot be told.
            Input::Gap { .. } | Input::Stream { .. } | Input::Datagram { .. } => {
                self.tell(context, out);
                Progress::Done
            }
            Input::Close => {
                self.tell(context, out);
                Progress::Consumed(0)
            }
            Input::Skipped { .. } | Input::End { .. } => Progress::Consumed(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        app::Said,
        record::{Certainty, Endpoint, FlowFacts, FlowId, PacketRef, Transport, Wanted},
    };

    const THERE: Direction = Direction::ClientToServer;

    fn packet(opcode: u8, number: u32, payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![opcode << 3, 1, 2, 3, 4, 5, 6, 7, 8, 0];
        packet.extend(number.to_be_bytes());
        packet.extend(payload);
        packet
    }

    fn inner(inputs: &[Input<'_>], carrier: Carrier) -> Vec<(u64, u64, Vec<u8>)> {
        let end = |port| Endpoint { address: [10, 0, 0, 1].into(), port };
        let flow = FlowFacts {
            id: FlowId::default(),
            transport: Transport::Udp,
            client: end(1),
            server: end(1194),
            client_certainty: Certainty::Assumed,
        };
        let context = Context {
            flow: &flow,
            packet: PacketRef::default(),
            origins: &[],
            from_start: true,
            round_trip_ns: None,
            server_round_trip_ns: None,
            hop_limit: None,
            secrets: crate::record::Secrets::none(),
        };
        let (mut said, mut session) = (Vec::new(), OpenVpn::new(carrier));
        for input in inputs {
            let mut out = Sink::new(Wanted::usual(), false, &mut said);
            session.input(*input, &context, &mut out);
        }
        let inner = said.into_iter().filter_map(|said| match said {
            Said::Inner { channel, offset, bytes, .. } => Some((channel, offset, bytes)),
            _ => None,
        });
        inner.collect()
    }

    #[test]
    fn datagrams_are_put_in_order_once() {
        let (reset, one) = (packet(7, 0, &[]), packet(4, 1, b"ab"));
        let (two, three) = (packet(4, 2, b"c"), packet(4, 3, b"d"));
        let sent = [&reset, &reset, &two, &one, &one, &three].map(|bytes| Input::Datagram { direction: THERE, bytes });
        let expected = [(1, 0, b"ab".to_vec()), (1, 2, b"c".to_vec()), (1, 3, b"d".to_vec())];
        assert_eq!(inner(&sent, Carrier::Udp), expected);
    }

    #[test]
    fn streams_are_framed() {
        let mut bytes = Vec::new();
        for packet in [packet(7, 0, &[]), packet(4, 1, b"ab"), packet(6, 0, b"data"), packet(4, 2, b"c")] {
            bytes.extend((packet.len() as u16).to_be_bytes());
            bytes.extend(packet);
        }
        let input = Input::Stream { direction: THERE, bytes: &bytes };
        assert_eq!(inner(&[input], Carrier::Tcp), [(1, 0, b"ab".to_vec()), (1, 2, b"c".to_vec())]);
    }
}
