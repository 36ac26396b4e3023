//! Packets one by one, in file order, each with what the protocols above say it completes.
use std::{io, sync::Arc};

use super::{
    consumer::Outlet,
    place::{Noted, Told},
    question::{self, Question},
    relative::Relative,
    route::{Parcel, Routed},
    run::{Outcome, Reader, Settings, describe_source},
    worker::Worker,
};
use crate::{
    capture::{PacketHead, PacketSource},
    filter::Filter,
    record::{Layer, Packet, PacketLayer, RecordKind, Timestamp},
    wire::{self, TcpNumbers},
};

/// Told of a packet, its bytes, and the moment of the first packet.
pub type Show<'s> = dyn FnMut(&Packet, &[u8], Timestamp) -> io::Result<()> + 's;

/// Reads `source` to its end and shows every packet with its bytes, and with the moment of the first packet; with a filter,
/// every packet that passes.
///
/// # Errors
/// What the source or `show` said.
pub fn packets(
    source: Box<dyn PacketSource>,
    mut settings: Settings,
    filter: Option<Filter>,
    show: &mut Show<'_>,
) -> io::Result<Outcome> {
    let mut reader = Reader::new(source, &mut settings).choosing();
    // What is thought of a segment is counted for the record of its connection.
    if filter.as_ref().is_some_and(|filter| filter.needs().analysis) {
        settings.flow.wanted = settings.flow.wanted.with(RecordKind::Connection);
    }
    let outlet = Outlet::new(settings.flow.wanted, true, Arc::new([]));
    let mut worker = Worker::new(0, 1, settings.flow, outlet);
    let mut parcel = Parcel::default();
    let mut relative = Relative::default();
    let mut question = filter.map(Question::new);
    let mut first = None;
    while reader.next(&mut parcel)? {
        for place in 0..parcel.routed.len() {
            let notes = worker.packet_notes(&parcel, place);
            let (head, routed) = (parcel.batch.heads[place], parcel.routed[place]);
            let first = *first.get_or_insert(head.timestamp);
            let (told, said) = told(&parcel, &routed, notes);
            let numbers = relative.numbers(&routed.decoded, parcel.view(&routed));
            if question.as_mut().is_none_or(|question| question.passes(&parcel, place, &told, &worker)) {
                reader.save(&parcel, place)?;
                show(&packet(&parcel, &head, &routed, (told, said), numbers), parcel.batch.bytes(&head), first)?;
            }
        }
        worker.pass_time(&parcel);
        worker.emitted().clear();
    }
    let unnumbered = question.map_or(0, |question| question.left_out());
    let saved = reader.finish_saving()?;
    Ok(Outcome { captures: describe_source(&reader), unnumbered, saved })
}

/// What sessions say of a packet: the layers, put in their places, and what they say on one line.
pub(super) fn told(parcel: &Parcel, routed: &Routed, notes: Vec<Noted>) -> (Vec<Layer>, Vec<Told>) {
    let offset = routed.decoded.payload_offset as usize;
    let length = routed.decoded.payload_length as usize;
    let payload = parcel.view(routed).get(offset..offset + length).unwrap_or_default();
    notes.into_iter().map(|noted| noted.put(offset, payload)).unzip()
}

fn packet(
    parcel: &Parcel,
    head: &PacketHead,
    routed: &Routed,
    (told, said): (Vec<Layer>, Vec<Told>),
    numbers: Option<TcpNumbers>,
) -> Packet {
    let layers = question::layers(head, routed, parcel.batch.bytes(head), parcel.view(routed));
    let mut layers: Vec<PacketLayer> = layers.into_iter().map(PacketLayer::from).collect();
    // A layer that only holds another has no words of its own.
    let mut infos: Vec<String> = Vec::with_capacity(said.len());
    let mut protocols = routed.decoded.path.to_string();
    for (layer, Told { info, reassembled_from }) in told.into_iter().zip(said) {
        if !info.is_empty() {
            infos.push(info);
        }
        if protocols.rsplit(':').next() != Some(layer.protocol) {
            protocols.push(':');
            protocols.push_str(layer.protocol);
        }
        layers.push(PacketLayer { layer, reassembled_from });
    }
    let info = if infos.is_empty() {
        wire::summary_with(&routed.decoded, parcel.view(routed), numbers)
    } else {
        infos.join(", ")
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
