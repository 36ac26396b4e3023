//! The commonest questions, asked without detours: a number or an address at a fixed place of a protocol's headers, compared
//! with constants, or whether the protocol is there at all. They cost a few nanoseconds a packet where
//! [`super::expression`] takes tens; what they answer is the same.
use super::{
    expression::{Access, Expression, Order, Test},
    fields::{Field, Found, From, Kind},
    literal::Constant,
    packet::Packet,
};
use crate::record::{Header, PlainHeaders, ProtocolName};

const TCP: ProtocolName = ProtocolName::new("tcp");
const UDP: ProtocolName = ProtocolName::new("udp");

/// A question about fixed places.
#[derive(Clone, Debug)]
pub(super) struct Direct {
    /// In headers of these protocols.
    protocols: Vec<ProtocolName>,
    places: Vec<Place>,
    /// The values that are looked for, both ends included.
    ranges: Vec<(u128, u128)>,
    /// All others are looked for instead.
    others: bool,
    /// For all values, of which there is at least one; else for one of them.
    always: bool,
}

/// Where a value is.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// Bits of a few bytes of the header.
    Bits { at: u16, width: u8, mask: u32, factor: u8 },
    /// Bytes of the header, at most 16.
    Bytes { at: u16, length: u8 },
    /// Bytes on the wire behind the header.
    PayloadLength,
    /// The header itself, of this protocol: its value is 1.
    Presence(ProtocolName),
}

impl Direct {
    /// The same question as `test`, if it is that simple.
    pub fn of(test: &Test) -> Option<Self> {
        match test {
            Test::There(Expression::Field(access)) => Self::about(access, vec![(0, u128::MAX)], false, false),
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
                            // No range where all pass: from a number below zero on.
                            let (from, all) = ranges(access, Order::GreaterOrEqual, first)?;
                            let (to, _) = ranges(access, Order::LessOrEqual, last)?;
                            let low = from.first().map_or(0, |(low, _)| *low);
                            if let (false, Some((_, high))) = (from.is_empty() && !all, to.first()) {
                                wanted.push((low, *high));
                            }
                        }
                        Some(_) => return None,
                    }
                }
                Self::about(access, wanted, false, *always)
            }
            _ => None,
        }
    }

    fn about(access: &Access, ranges: Vec<(u128, u128)>, others: bool, always: bool) -> Option<Self> {
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
        Some(Self { protocols: access.protocols.clone(), places, ranges, others, always })
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
        let mut any = false;
        for (number, protocol) in plain.protocols.iter().enumerate() {
            if !self.protocols.contains(protocol) {
                continue;
            }
            let ends = plain.starts.get(number).zip(plain.starts.get(number + 1));
            let own = ends.and_then(|(start, end)| bytes.get(*start as usize..*end as usize)).unwrap_or_default();
            for place in &self.places {
                let Some(value) = place.read(*protocol, own, || Some(plain.payload_wire_length)) else { continue };
                any = true;
                if self.takes(value) != self.always {
                    return !self.always;
                }
            }
        }
        self.always && any
    }

    #[inline]
    fn takes(&self, value: u128) -> bool {
        self.ranges.iter().any(|(low, high)| (*low..=*high).contains(&value)) != self.others
    }

    fn holds_of_any<P: Packet + ?Sized>(&self, packet: &P) -> bool {
        let mut any = false;
        for header in packet.headers() {
            if !self.protocols.contains(&header.protocol) {
                continue;
            }
            let own = own_bytes(header, packet.bytes(header.of_datagram));
            for place in &self.places {
                let payload_length = || {
                    // How long a quoted packet was is not known here.
                    let wire_length = header.wire_end.saturating_sub(header.offset);
                    (!header.quoted).then(|| wire_length.saturating_sub(header.length))
                };
                let Some(value) = place.read(header.protocol, own, payload_length) else { continue };
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
fn ranges(access: &Access, order: Order, constant: &Constant) -> Option<(Vec<(u128, u128)>, bool)> {
    let bounds = match constant {
        // A number below zero is below all values, and one beyond the widest is above them.
        Constant::Number(number) if access.fields.iter().all(|field| is_number(field)) => {
            let number = *number;
            return Some(match u128::try_from(number) {
                Ok(number) => of_order(order, (number, number))?,
                Err(_) => match order {
                    Order::Equal | Order::Less | Order::LessOrEqual => (Vec::new(), false),
                    Order::Different | Order::Greater | Order::GreaterOrEqual => (Vec::new(), true),
                    Order::Contains => return None,
                },
            });
        }
        Constant::Bytes(bytes) if access.fields.iter().all(|field| has_length(field, bytes.len())) => {
            let number = number(bytes);
            (number, number)
        }
        Constant::Prefix(bytes, bits) if access.fields.iter().all(|field| has_length(field, bytes.len())) => {
            let width = u32::try_from(bytes.len()).ok()?.checked_mul(8)?;
            let free = width.checked_sub(u32::from(*bits))?;
            let rest = if free >= 128 { u128::MAX } else { (1_u128 << free) - 1 };
            let low = number(bytes) & !rest;
            (low, low | rest)
        }
        _ => return None,
    };
    of_order(order, bounds)
}

fn of_order(order: Order, (low, high): (u128, u128)) -> Option<(Vec<(u128, u128)>, bool)> {
    let below = low.checked_sub(1).map(|last| (0, last));
    let above = high.checked_add(1).map(|first| (first, u128::MAX));
    Some(match order {
        Order::Equal => (vec![(low, high)], false),
        Order::Different => (vec![(low, high)], true),
        Order::Less => (below.into_iter().collect(), false),
        Order::LessOrEqual => (vec![(0, high)], false),
        Order::Greater => (above.into_iter().collect(), false),
        Order::GreaterOrEqual => (vec![(low, u128::MAX)], false),
        Order::Contains => return None,
    })
}

fn is_number(field: &Field) -> bool {
    matches!(field.kind, Kind::Flag | Kind::Unsigned(_))
        && matches!(field.from, From::Bits { .. } | From::Words { .. } | From::PayloadLength)
}

/// Whether its values are so many bytes.
fn has_length(field: &Field, bytes: usize) -> bool {
    matches!(field.from, From::Bytes { length, .. } if usize::from(length) == bytes && bytes <= 16)
}

fn number(bytes: &[u8]) -> u128 {
    bytes.iter().fold(0, |number, byte| (number << 8) | u128::from(*byte))
}

impl Place {
    fn of(field: &Field) -> Option<Self> {
        Some(match field.from {
            From::Bits { at, width, mask } => Self::Bits { at, width, mask, factor: 1 },
            From::Words { at, mask } => Self::Bits { at, width: 1, mask: mask.into(), factor: 4 },
            From::Bytes { at, length } if length <= 16 => Self::Bytes { at, length },
            From::PayloadLength => Self::PayloadLength,
            From::Protocol => Self::Presence(ProtocolName::new(field.name)),
            _ => return None,
        })
    }

    /// The value in a header of `protocol` whose own bytes these are.
    #[inline]
    fn read(self, protocol: ProtocolName, own: &[u8], payload_length: impl Fn() -> Option<u32>) -> Option<u128> {
        match self {
            Self::Bits { at, width, mask, factor } => {
                let at = usize::from(at);
                let whole = match (width, own.get(at..)?) {
                    (1, [one, ..]) => u32::from(*one),
                    (2, [high, low, ..]) => u32::from(u16::from_be_bytes([*high, *low])),
                    (_, bytes) => {
                        let bytes = bytes.get(..usize::from(width))?;
                        bytes.iter().fold(0_u32, |number, byte| (number << 8) | u32::from(*byte))
                    }
                };
                Some(u128::from((whole & mask) >> mask.trailing_zeros()) * u128::from(factor))
            }
            Self::Bytes { at, length } => match (length, own.get(usize::from(at)..)?) {
                (4, [a, b, c, d, ..]) => Some(u32::from_be_bytes([*a, *b, *c, *d]).into()),
                (length, bytes) => bytes.get(..usize::from(length)).map(number),
            },
            Self::PayloadLength => payload_length().map(u128::from),
            Self::Presence(wanted) => (protocol == wanted).then_some(1),
        }
    }
}
