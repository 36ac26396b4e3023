//! Asks a filter about packets: prepares what the filter needs of each, and nothing else.
use std::cell::{Cell, OnceCell};

use super::{
    judgement::{Judge, Judged},
    relative::Relative,
    route::{Parcel, Routed},
    streams::{Place, Streams},
    worker::Worker,
};
use crate::{
    capture::PacketHead,
    filter::{Fact, Filter, Packet},
    record::{Header, Layer, PlainHeaders, ProtocolName, Timestamp, Transport},
    wire::{self, TcpNumbers},
};

const TCP: ProtocolName = ProtocolName::new("tcp");

/// A filter and what it remembers between packets.
pub struct Question {
    filter: Filter,
    streams: Streams,
    relative: Relative,
    judge: Judge,
    /// Room for the headers of a packet.
    headers: Cell<Vec<Header>>,
    places: Vec<(Transport, Option<Place>)>,
    first: Option<Timestamp>,
    previous: Option<Timestamp>,
    displayed: Option<Timestamp>,
}

impl Question {
    /// Nothing was asked yet.
    pub fn new(filter: Filter) -> Self {
        Self {
            filter,
            streams: Streams::default(),
            relative: Relative::default(),
            judge: Judge::default(),
            headers: Cell::default(),
            places: Vec::new(),
            first: None,
            previous: None,
            displayed: None,
        }
    }

    /// Packets whose stream was not numbered, or not judged, because there were too many.
    pub fn left_out(&self) -> u64 {
        self.streams.left_out().max(self.judge.left_out())
    }

    /// Whether the packet at `place` passes. To be asked of every packet in turn, when `worker` has taken it. `told` is what
    /// sessions say of it.
    pub fn passes(&mut self, parcel: &Parcel, place: usize, told: &[Layer], worker: &Worker) -> bool {
        let (Some(head), Some(routed)) = (parcel.batch.heads.get(place), parcel.routed.get(place)) else {
            return false;
        };
        let at = head.timestamp;
        let first = *self.first.get_or_insert(at);
        let previous = self.previous.replace(at).unwrap_or(at);
        let view = parcel.view(routed);
        let judged = match self.filter.needs().analysis {
            true => self.judge.judge(parcel, routed, worker),
            false => Judged::default(),
        };
        let bytes = parcel.batch.bytes(head);
        let plain = match routed.reassembled {
            true => None,
            false => wire::plain_headers(head.link_type, bytes, &routed.decoded),
        };
        let headers = OnceCell::new();
        let mut numbers = None;
        self.places.clear();
        if self.filter.needs().streams {
            let of = |header: &Header| if header.of_datagram { view } else { bytes };
            let all = headers.get_or_init(|| list_headers(head, routed, (bytes, view), self.headers.take()));
            self.streams.places(all, of, at, &mut self.places);
            numbers = self.relative.numbers(&routed.decoded, view);
        }
        let seen = Seen {
            bytes,
            view,
            head,
            routed,
            plain,
            headers,
            room: &self.headers,
            told,
            first,
            previous,
            displayed: self.displayed,
            streams: &self.places,
            numbers,
            judged,
            tree: OnceCell::new(),
            protocols: OnceCell::new(),
        };
        let passes = self.filter.matches(&seen);
        if let Some(headers) = seen.headers.into_inner() {
            self.headers.set(headers);
        }
        if passes {
            self.displayed = Some(at);
        }
        passes
    }
}

/// One packet as the filter sees it.
struct Seen<'a> {
    bytes: &'a [u8],
    /// Of the datagram that the packet completed, or of the packet.
    view: &'a [u8],
    head: &'a PacketHead,
    routed: &'a Routed,
    plain: Option<PlainHeaders>,
    headers: OnceCell<Vec<Header>>,
    room: &'a Cell<Vec<Header>>,
    told: &'a [Layer],
    first: Timestamp,
    previous: Timestamp,
    displayed: Option<Timestamp>,
    streams: &'a [(Transport, Option<Place>)],
    numbers: Option<TcpNumbers>,
    judged: Judged,
    tree: OnceCell<Vec<Layer>>,
    protocols: OnceCell<String>,
}

impl Seen<'_> {
    /// A fact about the stream of the header at `place` among those of `transport`.
    fn of_stream(&self, transport: Transport, place: usize, fact: impl Fn(&Place) -> i64) -> Option<i128> {
        let mut places = self.streams.iter().filter(|(of, _)| *of == transport);
        places.nth(place)?.1.as_ref().map(|place| fact(place).into())
    }

    /// The innermost TCP header with its relative numbers, when it is the one at `place`.
    fn segment(&self, place: usize, fact: impl Fn(wire::TcpHeader, TcpNumbers) -> u32) -> Option<i128> {
        let own = self.headers().iter().filter(|header| header.protocol == TCP && !header.quoted).count();
        if own != place + 1 {
            return None;
        }
        Some(fact(self.routed.decoded.tcp_header(self.view)?, self.numbers?).into())
    }
}

impl Packet for Seen<'_> {
    #[inline]
    fn plain_headers(&self) -> Option<&PlainHeaders> {
        self.plain.as_ref()
    }

    fn headers(&self) -> &[Header] {
        let packet = (self.bytes, self.view);
        self.headers.get_or_init(|| list_headers(self.head, self.routed, packet, self.room.take()))
    }

    fn bytes(&self, of_datagram: bool) -> &[u8] {
        if of_datagram { self.view } else { self.bytes }
    }

    fn tree(&self) -> &[Layer] {
        self.tree.get_or_init(|| layers(self.head, self.routed, self.bytes, self.view))
    }

    fn told(&self) -> &[Layer] {
        self.told
    }

    fn told_bytes(&self) -> &[u8] {
        self.view
    }

    fn fact(&self, fact: Fact, place: usize) -> Option<i128> {
        let head = self.head;
        Some(match fact {
            Fact::Number => head.number.number().into(),
            Fact::WireLength => head.wire_length.into(),
            Fact::CapturedLength => head.captured_length.into(),
            Fact::Time => head.timestamp.nanoseconds().into(),
            Fact::SinceFirst => head.timestamp.since(self.first).into(),
            Fact::SincePrevious => head.timestamp.since(self.previous).into(),
            Fact::SinceDisplayed => self.displayed.map_or(0, |displayed| head.timestamp.since(displayed)).into(),
            Fact::Interface => head.interface.into(),
            Fact::TcpStream => return self.of_stream(Transport::Tcp, place, |place| place.number.into()),
            Fact::TcpSinceFirst => return self.of_stream(Transport::Tcp, place, |place| place.since_first_ns),
            Fact::TcpSincePrevious => return self.of_stream(Transport::Tcp, place, |place| place.since_previous_ns),
            Fact::UdpStream => return self.of_stream(Transport::Udp, place, |place| place.number.into()),
            Fact::UdpSinceFirst => return self.of_stream(Transport::Udp, place, |place| place.since_first_ns),
            Fact::UdpSincePrevious => return self.of_stream(Transport::Udp, place, |place| place.since_previous_ns),
            Fact::TcpSequence => {
                return self
                    .segment(place, |header, numbers| header.sequence_number.wrapping_sub(numbers.sequence_base));
            }
            Fact::TcpNextSequence => {
                let length = self.routed.decoded.payload_wire_length;
                return self.segment(place, |header, numbers| {
                    let flags = u32::from(header.flags.syn()) + u32::from(header.flags.fin());
                    header.sequence_number.wrapping_sub(numbers.sequence_base).wrapping_add(length).wrapping_add(flags)
                });
            }
            Fact::TcpAcknowledgment => {
                return self.segment(place, |header, numbers| match header.flags.ack() {
                    true => header.acknowledgment_number.wrapping_sub(numbers.acknowledgment_base),
                    // Without the flag, the number is shown as it is.
                    false => header.acknowledgment_number,
                });
            }
            Fact::TcpWindow => return self.segment(place, |_, numbers| numbers.window),
        })
    }

    fn protocols(&self) -> &str {
        self.protocols.get_or_init(|| {
            let mut names: Vec<&str> = Vec::new();
            for protocol in self.routed.decoded.path.iter().map(wire::Layered::name) {
                // Wireshark names the step from a frame's type to what it carries.
                if matches!(names.last(), Some(&("eth" | "vlan" | "ieee8021ad" | "sll"))) && protocol != "llc" {
                    names.push("ethertype");
                }
                names.push(protocol);
            }
            for layer in self.told {
                if names.last() != Some(&layer.protocol) {
                    names.push(layer.protocol);
                }
            }
            names.join(":")
        })
    }

    fn judged(&self, name: &str) -> bool {
        self.judged.has(name)
    }
}

/// The headers of a packet, those of the datagram that it completed included, in `room`. `bytes` are the packet's and the
/// datagram's.
fn list_headers(head: &PacketHead, routed: &Routed, bytes: (&[u8], &[u8]), room: Vec<Header>) -> Vec<Header> {
    let ((packet, datagram), mut headers) = (bytes, room);
    if routed.reassembled {
        let fragment = wire::decode(head.link_type, packet, head.wire_length);
        wire::headers(head.link_type, packet, head.wire_length, &fragment, &mut headers);
        wire::headers_reassembled(datagram, &fragment, &mut headers);
    } else {
        wire::headers(head.link_type, packet, head.wire_length, &routed.decoded, &mut headers);
    }
    headers
}

/// The layers of a packet's headers, those of the datagram that it completed included.
pub(super) fn layers(head: &PacketHead, routed: &Routed, bytes: &[u8], view: &[u8]) -> Vec<Layer> {
    let layers = wire::describe(head.link_type, bytes, head.wire_length);
    if !routed.reassembled {
        return layers;
    }
    let fragment = wire::decode(head.link_type, bytes, head.wire_length);
    wire::describe_reassembled(view, &fragment, layers)
}
