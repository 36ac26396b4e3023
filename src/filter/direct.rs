//! The commonest questions, asked without detours: a number or an address at a fixed place of a protocol's headers, compared
//! with constants, or whether the protocol is there at all. They cost a few nanoseconds a packet where
//! [`super::expression`] takes tens; what they answer is the same.
use super::{
    expression::{Access, Expression, Order, Test},
    fields::{Field, Found, From, Kind},
    literal::Constant,
    packet::Packet,
};
use crate::record::{Header, PlainHeaders, ProtocolKey, ProtocolName};

const TCP: ProtocolName = ProtocolName::new("tcp");
const UDP: ProtocolName = ProtocolName::new("udp");

/// A question about fixed places.
#[derive(Clone, Debug)]
pub(super) struct Direct {
    /// In headers of this protocol.
    protocol: ProtocolKey,
    /// And of these, none of which a plain packet has.
    more: Vec<ProtocolKey>,
    /// Where a plain packet has it.
    position: Position,
    places: Vec<Place>,
    /// The values that are looked for, both ends included; those between a high first and a low last one are none.
    range: (u64, u64),
    /// And these.
    more_ranges: Vec<(u64, u64)>,
    /// All others are looked for instead.
    others: bool,
    /// For all values, of which there is at least one; else for one of them.
    always: bool,
}

/// Which header of a plain packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Position {
    Frame,
    Network,
    Transport,
    Nowhere,
}

impl Position {
    fn of(protocol: ProtocolKey) -> Self {
        let is = |name| ProtocolName::new(name).key() == protocol;
        if is("eth") {
            Self::Frame
        } else if is("ip") || is("ipv6") {
            Self::Network
        } else if is("tcp") || is("udp") {
            Self::Transport
        } else {
            Self::Nowhere
        }
    }
}

/// Where a value is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Bits of one byte of the header.
    One { at: u16, mask: u8, shift: u8, factor: u8 },
    /// Of two bytes.
    Two { at: u16, mask: u16, shift: u8 },
    /// Of four bytes.
    Four { at: u16, mask: u32, shift: u8 },
    /// Three, or more than four bytes of the header, at most 8.
    Several { at: u16, length: u8, mask: u64, shift: u8 },
    /// Bytes on the wire behind the header.
    PayloadLength,
    /// The header itself, of this protocol: its value is 1.
    Presence(ProtocolKey),
}

impl Direct {
    /// The same question as `test`, if it is that simple.
    pub fn of(test: &Test) -> Option<Self> {
        match test {
            Test::There(Expression::Field(access)) => Self::about(access, vec![(0, u64::MAX)], false, false),
            Test::Compare { left: Expression::Field(access), order, right: Expression::Constant(constant), always } => {
                let (ranges, others) = ranges(access, *order, constant)?;
                Self::about(access, ranges, others, *always)
            }
            Test::In { left: Expression::Field(access), set, always } => {
                let mut wanted = Vec::with_capacity(set.len());
                for (first, last) in set {
                    let Expression::Constant(first) = first else { return None };
                    match last {
                        None => wanted.extend(ranges(access, Order::Equal, first)?.0),
                        Some(Expression::Constant(last)) => {
                            // Without a range, all values pass or none does.
                            let (from, all_from) = ranges(access, Order::GreaterOrEqual, first)?;
                            let (to, all_to) = ranges(access, Order::LessOrEqual, last)?;
                            let low = from.first().map(|(low, _)| *low).or(all_from.then_some(0));
                            let high = to.first().map(|(_, high)| *high).or(all_to.then_some(u64::MAX));
                            wanted.extend(low.zip(high));
                        }
                        Some(_) => return None,
                    }
                }
                Self::about(access, wanted, false, *always)
            }
            _ => None,
        }
    }

    fn about(access: &Access, ranges: Vec<(u64, u64)>, others: bool, always: bool) -> Option<Self> {
        if access.layers.is_some() || access.group.found != Found::Wire {
            return None;
        }
        // Of a plain packet only the length of the last payload is kept.
        let of_transport = |name: &ProtocolName| *name == TCP || *name == UDP;
        let measured = access.fields.iter().any(|field| matches!(field.from, From::PayloadLength));
        if measured && !access.protocols.iter().all(of_transport) {
            return None;
        }
        let places = access.fields.iter().map(|field| Place::of(field)).collect::<Option<Vec<_>>>()?;
        let mut more: Vec<ProtocolKey> = access.protocols.iter().map(|name| name.key()).collect();
        let protocol = more.pop()?;
        let mut more_ranges = ranges;
        let range = more_ranges.pop().unwrap_or((u64::MAX, 0));
        let position = Position::of(protocol);
        if more.iter().any(|other| Position::of(*other) != Position::Nowhere) {
            return None;
        }
        Some(Self { protocol, more, position, places, range, more_ranges, others, always })
    }

    /// Whether it holds.
    #[inline]
    pub fn holds<P: Packet + ?Sized>(&self, packet: &P) -> bool {
        match packet.plain_headers() {
            Some(plain) => self.holds_of_plain(plain, packet.bytes(false)),
            None => self.holds_of_any(packet),
        }
    }

    #[inline]
    fn holds_of_plain(&self, plain: &PlainHeaders, bytes: &[u8]) -> bool {
        let [frame, network, transport] = plain.protocols;
        let [at_frame, at_network, at_transport, at_payload] = plain.starts;
        let (protocol, start, end) = match self.position {
            Position::Frame => (frame, at_frame, at_network),
            Position::Network => (network, at_network, at_transport),
            Position::Transport => (transport, at_transport, at_payload),
            Position::Nowhere => return false,
        };
        if protocol != self.protocol {
            return false;
        }
        let own = bytes.get(start as usize..end as usize).unwrap_or_default();
        let mut any = false;
        for place in &self.places {
            let Some(value) = place.read(protocol, own, || Some(plain.payload_wire_length)) else { continue };
            any = true;
            if self.takes(value) != self.always {
                return !self.always;
            }
        }
        self.always && any
    }

    #[inline]
    fn is_about(&self, protocol: ProtocolKey) -> bool {
        protocol == self.protocol || self.more.contains(&protocol)
    }

    #[inline]
    fn takes(&self, value: u64) -> bool {
        let within = |(low, high): (u64, u64)| low <= value && value <= high;
        (within(self.range) || self.more_ranges.iter().copied().any(within)) != self.others
    }

    fn holds_of_any<P: Packet + ?Sized>(&self, packet: &P) -> bool {
        let mut any = false;
        for header in packet.headers() {
            if !self.is_about(header.protocol.key()) {
                continue;
            }
            let own = own_bytes(header, packet.bytes(header.of_datagram));
            for place in &self.places {
                let payload_length = || {
                    // How long a quoted packet was is not known here.
                    let wire_length = header.wire_end.saturating_sub(header.offset);
                    (!header.quoted).then(|| wire_length.saturating_sub(header.length))
                };
                let Some(value) = place.read(header.protocol.key(), own, payload_length) else { continue };
                any = true;
                if self.takes(value) != self.always {
                    return !self.always;
                }
            }
        }
        self.always && any
    }
}

/// The bytes of a header itself; of one without a length, all that belongs to it.
fn own_bytes<'b>(header: &Header, bytes: &'b [u8]) -> &'b [u8] {
    let (start, end) = (header.offset as usize, header.end as usize);
    let own_end = if header.length == 0 { end } else { end.min(start.saturating_add(header.length as usize)) };
    bytes.get(start..own_end).unwrap_or_default()
}

/// The values that `order` lets pass, and whether all but those are meant. None where only the long way can tell.
fn ranges(access: &Access, order: Order, constant: &Constant) -> Option<(Vec<(u64, u64)>, bool)> {
    let bounds = match constant {
        // A number below zero is below all values, and one beyond the widest is above them.
        Constant::Number(number) if access.fields.iter().all(|field| is_number(field)) => {
            let number = *number;
            return Some(match (u64::try_from(number), order) {
                (_, Order::Contains) => return None,
                (Ok(number), _) => of_order(order, (number, number))?,
                (Err(_), Order::Equal) => (Vec::new(), false),
                (Err(_), Order::Different) => (Vec::new(), true),
                (Err(_), Order::Less | Order::LessOrEqual) => (Vec::new(), number > 0),
                (Err(_), Order::Greater | Order::GreaterOrEqual) => (Vec::new(), number < 0),
            });
        }
        Constant::Bytes(bytes) if access.fields.iter().all(|field| has_length(field, bytes.len())) => {
            let number = number(bytes);
            (number, number)
        }
        Constant::Prefix(bytes, bits) if access.fields.iter().all(|field| has_length(field, bytes.len())) => {
            let width = u32::try_from(bytes.len()).ok()?.checked_mul(8)?;
            let free = width.checked_sub(u32::from(*bits))?;
            let rest = if free >= 64 { u64::MAX } else { (1_u64 << free) - 1 };
            let low = number(bytes) & !rest;
            (low, low | rest)
        }
        _ => return None,
    };
    of_order(order, bounds)
}

fn of_order(order: Order, (low, high): (u64, u64)) -> Option<(Vec<(u64, u64)>, bool)> {
    let below = low.checked_sub(1).map(|last| (0, last));
    let above = high.checked_add(1).map(|first| (first, u64::MAX));
    Some(match order {
        Order::Equal => (vec![(low, high)], false),
        Order::Different => (vec![(low, high)], true),
        Order::Less => (below.into_iter().collect(), false),
        Order::LessOrEqual => (vec![(0, high)], false),
        Order::Greater => (above.into_iter().collect(), false),
        Order::GreaterOrEqual => (vec![(low, u64::MAX)], false),
        Order::Contains => return None,
    })
}

fn is_number(field: &Field) -> bool {
    matches!(field.kind, Kind::Flag | Kind::Unsigned(_))
        && matches!(field.from, From::Bits { .. } | From::Words { .. } | From::PayloadLength)
}

/// Whether its values are so many bytes.
fn has_length(field: &Field, bytes: usize) -> bool {
    matches!(field.from, From::Bytes { length, .. } if usize::from(length) == bytes && bytes <= 8)
}

fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// How many zeros a mask ends with.
fn shift(mask: u64) -> u8 {
    mask.trailing_zeros().to_be_bytes()[3] & 63
}

impl Place {
    fn of(field: &Field) -> Option<Self> {
        Some(match field.from {
            From::Bits { at, width, mask } => Self::bits(at, width, mask.into()),
            From::Words { at, mask } => Self::One { at, mask, shift: shift(mask.into()), factor: 4 },
            From::Bytes { at, length } if length <= 8 => Self::bits(at, length, u64::MAX),
            From::PayloadLength => Self::PayloadLength,
            From::Protocol => Self::Presence(ProtocolName::new(field.name).key()),
            _ => return None,
        })
    }

    /// What is left of `width` bytes by `mask`.
    fn bits(at: u16, width: u8, mask: u64) -> Self {
        let shift = shift(mask);
        let [.., four, three, two, one] = mask.to_be_bytes();
        match width {
            1 => Self::One { at, mask: one, shift, factor: 1 },
            2 => Self::Two { at, mask: u16::from_be_bytes([two, one]), shift },
            4 => Self::Four { at, mask: u32::from_be_bytes([four, three, two, one]), shift },
            _ => Self::Several { at, length: width, mask, shift },
        }
    }

    /// The value in a header of `protocol` whose own bytes these are.
    #[inline]
    fn read(self, protocol: ProtocolKey, own: &[u8], payload_length: impl Fn() -> Option<u32>) -> Option<u64> {
        match self {
            Self::One { at, mask, shift, factor } => {
                let byte = *own.get(usize::from(at))?;
                Some(u64::from((byte & mask) >> shift) * u64::from(factor))
            }
            Self::Two { at, mask, shift } => {
                let [high, low, ..] = own.get(usize::from(at)..)? else { return None };
                Some(u64::from((u16::from_be_bytes([*high, *low]) & mask) >> shift))
            }
            Self::Four { at, mask, shift } => {
                let [a, b, c, d, ..] = own.get(usize::from(at)..)? else { return None };
                Some(u64::from((u32::from_be_bytes([*a, *b, *c, *d]) & mask) >> shift))
            }
            Self::Several { at, length, mask, shift } => {
                let bytes = own.get(usize::from(at)..)?.get(..usize::from(length))?;
                Some((number(bytes) & mask) >> shift)
            }
            Self::PayloadLength => payload_length().map(u64::from),
            Self::Presence(wanted) => (protocol == wanted).then_some(1),
        }
    }
}
