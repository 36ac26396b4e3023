//! The segments of one TCP connection, in file order, each with what the protocols above say it completes.
use std::{io, sync::Arc};

use super::{
    consumer::Outlet,
    route::{Parcel, Routed},
    run::{Reader, Settings},
    worker::Worker,
};
use crate::{
    capture::PacketSource,
    record::{Connection, Direction, Endpoint, FlowKey, PacketNumber, Segment, Transport},
    wire::{TcpHeader, TcpOption},
};

/// Reads `source` again and shows the segments of `connection`, which an earlier run reported.
///
/// # Errors
/// What the source or `show` said.
pub fn segments(
    source: Box<dyn PacketSource>,
    mut settings: Settings,
    connection: &Connection,
    show: &mut dyn FnMut(Segment) -> io::Result<()>,
) -> io::Result<()> {
    let mut reader = Reader::new(source, &mut settings);
    let outlet = Outlet::new(settings.flow.wanted, true, Arc::new([]));
    let mut worker = Worker::new(0, 1, settings.flow, outlet);
    let mut parcel = Parcel::default();
    let mut chosen = Chosen::new(connection);
    while reader.next(&mut parcel)? {
        for place in 0..parcel.routed.len() {
            // Sessions see every packet, so that what they say is what the report said.
            let notes = worker.packet_notes(&parcel, place);
            if let Some(mut segment) = chosen.segment(&parcel, place, &parcel.routed[place]) {
                segment.notes = notes.into_iter().map(|note| note.info).collect();
                show(segment)?;
            }
        }
        worker.pass_time(&parcel);
        worker.emitted().clear();
    }
    Ok(())
}

/// Recognises the connection's packets, and counts its numbers from where each side began.
struct Chosen {
    key: FlowKey,
    client: Endpoint,
    first: PacketNumber,
    last: PacketNumber,
    sides: [Side; 2],
}

#[derive(Clone, Copy, Default)]
struct Side {
    start: Option<u32>,
    /// One past the highest relative sequence number sent.
    sent: u32,
}

impl Chosen {
    fn new(connection: &Connection) -> Self {
        let client = Endpoint { address: connection.client.address, port: connection.client.port };
        let server = Endpoint { address: connection.server.address, port: connection.server.port };
        let evidence = connection.subject.evidence.numbers();
        Self {
            key: FlowKey::new(Transport::Tcp, client, server),
            client,
            first: connection.subject.flow.unwrap_or_default().opener,
            last: evidence.last().copied().unwrap_or_default(),
            sides: [Side::default(); 2],
        }
    }

    fn segment(&mut self, parcel: &Parcel, place: usize, routed: &Routed) -> Option<Segment> {
        let packet = parcel.packet_ref(place);
        let view = parcel.view(routed);
        if packet.number < self.first || packet.number > self.last || routed.decoded.flow_key(view)? != self.key {
            return None;
        }
        let header = routed.decoded.tcp_header(view)?;
        let (source, _) = routed.decoded.endpoints(view)?;
        let direction = if source == self.client { Direction::ClientToServer } else { Direction::ServerToClient };
        let payload_length = routed.decoded.payload_wire_length;
        let (sequence_number, is_repeated) = self.sequence(direction, &header, payload_length);
        let their_start = self.sides[direction.reverse().index()].start;
        let options = if header.flags.syn() { options(routed.decoded.tcp_options(view)) } else { Vec::new() };
        Some(Segment {
            packet,
            direction,
            flags: flags(&header),
            is_control: header.flags.syn() || header.flags.fin() || header.flags.rst(),
            sequence_number,
            acknowledgment_number: header.flags.ack().then(|| {
                their_start
                    .map_or(header.acknowledgment_number, |start| header.acknowledgment_number.wrapping_sub(start))
            }),
            payload_length,
            is_repeated,
            options,
            notes: Vec::new(),
        })
    }

    /// The relative sequence number, and whether all that the segment occupies had been sent before.
    fn sequence(&mut self, direction: Direction, header: &TcpHeader, payload_length: u32) -> (u32, bool) {
        let side = &mut self.sides[direction.index()];
        // Joined late, the first byte seen is called 1, as if a SYN had stood before it.
        let assumed = if header.flags.syn() { header.sequence_number } else { header.sequence_number.wrapping_sub(1) };
        let relative = header.sequence_number.wrapping_sub(*side.start.get_or_insert(assumed));
        let length = payload_length + u32::from(header.flags.syn()) + u32::from(header.flags.fin());
        let end = relative.wrapping_add(length);
        let is_repeated = length > 0 && (end.wrapping_sub(side.sent) as i32) <= 0 && side.sent > 0;
        if (end.wrapping_sub(side.sent) as i32) > 0 {
            side.sent = end;
        }
        (relative, is_repeated)
    }
}

fn flags(header: &TcpHeader) -> String {
    let all = [
        (header.flags.syn(), "SYN"),
        (header.flags.fin(), "FIN"),
        (header.flags.rst(), "RST"),
        (header.flags.psh(), "PSH"),
        (header.flags.urg(), "URG"),
        (header.flags.ack(), "ACK"),
    ];
    all.iter().filter(|(set, _)| *set).map(|(_, name)| *name).collect::<Vec<_>>().join(" ")
}

fn options<'a>(options: impl Iterator<Item = TcpOption<'a>>) -> Vec<String> {
    options
        .filter_map(|option| match option {
            TcpOption::MaximumSegmentSize(size) => Some(format!("mss {size}")),
            TcpOption::WindowScale(shift) => Some(format!("wscale {shift}")),
            TcpOption::SackPermitted => Some("sack".to_owned()),
            TcpOption::FastOpen(_) => Some("fast open".to_owned()),
            TcpOption::Mptcp(_) => Some("mptcp".to_owned()),
            _ => None,
        })
        .collect()
}
