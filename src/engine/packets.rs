//! Packets one by one, in file order, each with what the protocols above say it completes.
use std::{io, sync::Arc};

use super::{
    consumer::Outlet,
    relative::Relative,
    route::{Parcel, Routed},
    run::{Outcome, Reader, Settings, describe_source},
    worker::Worker,
};
use crate::{
    app::Note,
    capture::{PacketHead, PacketSource},
    record::{Layer, Packet},
    wire::{self, TcpNumbers},
};

/// Reads `source` to its end and shows every packet with its bytes.
///
/// # Errors
/// What the source or `show` said.
pub fn packets(
    source: Box<dyn PacketSource>,
    mut settings: Settings,
    show: &mut dyn FnMut(&Packet, &[u8]) -> io::Result<()>,
) -> io::Result<Outcome> {
    let mut reader = Reader::new(source, &mut settings);
    let outlet = Outlet::new(settings.flow.wanted, true, Arc::new([]));
    let mut worker = Worker::new(0, 1, settings.flow, outlet);
    let mut parcel = Parcel::default();
    let mut relative = Relative::default();
    while reader.next(&mut parcel)? {
        for place in 0..parcel.routed.len() {
            let notes = worker.packet_notes(&parcel, place);
            let (head, routed) = (parcel.batch.heads[place], parcel.routed[place]);
            let numbers = relative.numbers(&routed.decoded, parcel.view(&routed));
            show(&packet(&parcel, &head, &routed, notes, numbers), parcel.batch.bytes(&head))?;
        }
        worker.pass_time(&parcel);
        worker.emitted().clear();
    }
    Ok(Outcome { captures: describe_source(&reader) })
}

fn packet(
    parcel: &Parcel,
    head: &PacketHead,
    routed: &Routed,
    notes: Vec<Note>,
    numbers: Option<TcpNumbers>,
) -> Packet {
    let bytes = parcel.batch.bytes(head);
    let mut layers = wire::describe(head.link_type, bytes, head.wire_length);
    if routed.reassembled {
        let fragment = wire::decode(head.link_type, bytes, head.wire_length);
        layers = wire::describe_reassembled(parcel.view(routed), &fragment, layers);
    }
    let mut protocols = routed.decoded.path.to_string();
    let mut told: Vec<String> = Vec::new();
    let payload = routed.decoded.payload_offset as usize;
    for Note { info, mut layer } in notes {
        if protocols.rsplit(':').next() != Some(layer.protocol) {
            protocols.push(':');
            protocols.push_str(layer.protocol);
        }
        place(&mut layer, payload, routed.decoded.payload_length as usize);
        told.push(info);
        layers.push(layer);
    }
    let info = if told.is_empty() {
        wire::summary_with(&routed.decoded, parcel.view(routed), numbers)
    } else {
        told.join(", ")
    };
    Packet {
        number: head.number,
        ts: head.timestamp,
        captured_length: head.captured_length,
        wire_length: head.wire_length,
        protocols,
        info,
        layers,
        damage: routed.decoded.stop.map(|stop| stop.to_string()),
    }
}

/// A message lies in the payload of the packet that completes it, unless its session knows better.
fn place(layer: &mut Layer, payload_offset: usize, payload_length: usize) {
    if layer.length == 0 {
        layer.offset = payload_offset;
        layer.length = payload_length;
    }
}
