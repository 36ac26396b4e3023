//! A checked filter, and asking it. Asking allocates nothing, but for the letters of `upper`, `lower` and `string` and
//! for slices put together of several pieces.
use regex::bytes::Regex;

use super::{
    direct::Direct,
    fields::{Field, Found, From, Group, Kind},
    lexer::Piece,
    literal::Constant,
    packet::Packet,
    parser::Sum,
};
use crate::record::{Header, Layer, ProtocolName, Value};

/// A question with types checked.
#[derive(Clone, Debug)]
pub(super) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Xor(Box<Test>, Box<Test>),
    Not(Box<Test>),
    /// One of the others in its quickest form.
    Direct(Direct),
    /// It has a value.
    There(Expression),
    /// One of its values is not zero.
    NotZero(Expression),
    /// `always`: for all values of both sides, of which there is at least one.
    Compare {
        left: Expression,
        order: Order,
        right: Expression,
        always: bool,
    },
    Matches {
        left: Expression,
        pattern: Regex,
        always: bool,
    },
    In {
        left: Expression,
        set: Vec<(Expression, Option<Expression>)>,
        always: bool,
    },
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

/// What has values.
#[derive(Clone, Debug)]
pub(super) enum Expression {
    Field(Access),
    Constant(Constant),
    Slice(Box<Expression>, Vec<Piece>),
    Arithmetic(Sum, Box<Expression>, Box<Expression>),
    Negative(Box<Expression>),
    Call(Function, Vec<Expression>),
}

/// A field, or several under one name.
#[derive(Clone, Debug)]
pub(super) struct Access {
    pub group: &'static Group,
    /// The group's layers, to be compared with those of headers.
    pub protocols: Vec<ProtocolName>,
    pub fields: Vec<&'static Field>,
    /// Only in these layers of the protocol.
    pub layers: Option<Vec<Piece>>,
}

/// A function.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Function {
    Len,
    Count,
    Upper,
    Lower,
    Text(Kind),
    Max,
    Min,
    Abs,
}

/// A value of a packet.
#[derive(Clone, Copy, Debug)]
pub(super) enum Scalar<'a> {
    /// It is there, and that is all.
    Nothing,
    Number(i128),
    Bytes(&'a [u8]),
    Text(&'a str),
    /// Addresses that begin with these bits.
    Prefix(&'a [u8], u8),
}

/// Told of each value; answers whether it has seen enough.
type Sink<'s> = &'s mut dyn FnMut(Scalar<'_>) -> bool;

impl Test {
    /// Whether it holds.
    pub fn holds<P: Packet>(&self, packet: &P) -> bool {
        match self {
            Self::All(tests) => tests.iter().all(|test| test.holds(packet)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(packet)),
            Self::Xor(left, right) => left.holds(packet) != right.holds(packet),
            Self::Not(test) => !test.holds(packet),
            Self::Direct(direct) => direct.holds(packet),
            Self::There(expression) => expression.each(packet, &mut |_| true),
            Self::NotZero(expression) => expression.each(packet, &mut |scalar| !matches!(scalar, Scalar::Number(0))),
            Self::Compare { left, order, right, always } => extent(*always, &mut |sink| {
                left.each(packet, &mut |left| right.each(packet, &mut |right| sink(order.holds(left, right))))
            }),
            Self::Matches { left, pattern, always } => extent(*always, &mut |sink| {
                left.each(packet, &mut |value| {
                    sink(match value {
                        Scalar::Bytes(bytes) => pattern.is_match(bytes),
                        Scalar::Text(text) => pattern.is_match(text.as_bytes()),
                        _ => false,
                    })
                })
            }),
            Self::In { left, set, always } => extent(*always, &mut |sink| {
                left.each(packet, &mut |value| {
                    sink(set.iter().any(|(first, last)| match last {
                        None => first.each(packet, &mut |first| Order::Equal.holds(value, first)),
                        Some(last) => {
                            first.each(packet, &mut |first| Order::GreaterOrEqual.holds(value, first))
                                && last.each(packet, &mut |last| Order::LessOrEqual.holds(value, last))
                        }
                    }))
                })
            }),
        }
    }
}

/// Told of each verdict; answers whether it has heard enough.
type Verdicts<'s> = dyn FnMut(bool) -> bool + 's;

/// Whether one verdict is true, or with `always` all are and there is one. `ask` hands them to what it is given, until
/// that has heard enough.
fn extent(always: bool, ask: &mut dyn FnMut(&mut Verdicts<'_>) -> bool) -> bool {
    let mut any = false;
    let decided = ask(&mut |verdict| {
        any = true;
        verdict != always
    });
    if always { any && !decided } else { decided }
}

impl Order {
    fn holds(self, left: Scalar<'_>, right: Scalar<'_>) -> bool {
        if let Scalar::Prefix(prefix, bits) = right {
            let Scalar::Bytes(bytes) = left else { return false };
            return self.of(&compared_bits(bytes, prefix, bits));
        }
        if let Scalar::Prefix(prefix, bits) = left {
            let Scalar::Bytes(bytes) = right else { return false };
            return self.of(&compared_bits(bytes, prefix, bits).reverse());
        }
        if self == Self::Contains {
            let (Some(left), Some(right)) = (left.bytes(), right.bytes()) else { return false };
            return memchr::memmem::find(left, right).is_some();
        }
        match (left, right) {
            (Scalar::Number(left), Scalar::Number(right)) => self.of(&left.cmp(&right)),
            _ => match (left.bytes(), right.bytes()) {
                (Some(left), Some(right)) => self.of(&left.cmp(right)),
                _ => false,
            },
        }
    }

    fn of(self, order: &std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => order.is_eq(),
            Self::Different => order.is_ne(),
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
            Self::Contains => false,
        }
    }
}

/// The first `bits` of both compared.
fn compared_bits(bytes: &[u8], prefix: &[u8], bits: u8) -> std::cmp::Ordering {
    let whole = usize::from(bits / 8);
    let rest = 8 - u32::from(bits % 8);
    let last = |bytes: &[u8]| bytes.get(whole).map_or(0, |byte| u32::from(*byte) >> rest);
    let front = |bytes: &'_ [u8]| bytes.len().min(whole);
    let (left, right) = (bytes.get(..front(bytes)), prefix.get(..front(prefix)));
    left.cmp(&right).then_with(|| last(bytes).cmp(&last(prefix)))
}

impl<'a> Scalar<'a> {
    fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Text(text) => Some(text.as_bytes()),
            Self::Nothing | Self::Number(_) | Self::Prefix(..) => None,
        }
    }

    /// As a number; up to eight bytes are one too.
    fn number(self) -> Option<i128> {
        match self {
            Self::Number(number) => Some(number),
            Self::Bytes(bytes) if bytes.len() <= 8 => {
                Some(bytes.iter().fold(0, |number, byte| (number << 8) | i128::from(*byte)))
            }
            _ => None,
        }
    }
}

impl Expression {
    /// Hands every value to `sink` until it has enough; answers whether it has.
    pub fn each(&self, packet: &dyn Packet, sink: Sink<'_>) -> bool {
        match self {
            Self::Field(access) => access.each(packet, sink),
            Self::Constant(Constant::Number(number)) => sink(Scalar::Number(*number)),
            Self::Constant(Constant::Bytes(bytes)) => sink(Scalar::Bytes(bytes)),
            Self::Constant(Constant::Text(text)) => sink(Scalar::Text(text)),
            Self::Constant(Constant::Prefix(bytes, bits)) => sink(Scalar::Prefix(bytes, *bits)),
            Self::Slice(inner, pieces) => {
                inner.each(packet, &mut |value| value.bytes().is_some_and(|bytes| slice(bytes, pieces, sink)))
            }
            Self::Arithmetic(sum, left, right) => left.each(packet, &mut |left| {
                right.each(packet, &mut |right| {
                    let pair = left.number().zip(right.number());
                    let result = pair.and_then(|(left, right)| sum.of(left, right));
                    result.is_some_and(|number| sink(Scalar::Number(number)))
                })
            }),
            Self::Negative(inner) => inner.each(packet, &mut |value| {
                value.number().is_some_and(|number| sink(Scalar::Number(number.saturating_neg())))
            }),
            Self::Call(function, arguments) => function.each(arguments, packet, sink),
        }
    }
}

impl Sum {
    fn of(self, left: i128, right: i128) -> Option<i128> {
        match self {
            Self::And => Some(left & right),
            Self::Plus => left.checked_add(right),
            Self::Minus => left.checked_sub(right),
            Self::Times => left.checked_mul(right),
            Self::Divided => left.checked_div(right),
            Self::Remainder => left.checked_rem(right),
        }
    }
}

/// The bytes that `piece` selects of `length`; `None` where they are not all there.
fn selected(piece: Piece, length: usize) -> Option<std::ops::Range<usize>> {
    let place = |at: i64| {
        if at < 0 { length.checked_sub(usize::try_from(at.unsigned_abs()).ok()?) } else { usize::try_from(at).ok() }
    };
    let range = match piece {
        Piece::Length(first, count) => {
            let first = place(first)?;
            first..first.checked_add(usize::try_from(count).ok()?)?
        }
        Piece::Until(first, last) => place(first)?..place(last)?.checked_add(1)?,
        Piece::Rest(first) => place(first)?..length,
        Piece::One(at) => {
            let at = place(at)?;
            at..at.checked_add(1)?
        }
    };
    (range.start <= range.end && range.end <= length).then_some(range)
}

fn slice(bytes: &[u8], pieces: &[Piece], sink: Sink<'_>) -> bool {
    if let [only] = pieces {
        return selected(*only, bytes.len())
            .and_then(|range| bytes.get(range))
            .is_some_and(|bytes| sink(Scalar::Bytes(bytes)));
    }
    let mut joined = Vec::new();
    for piece in pieces {
        let Some(bytes) = selected(*piece, bytes.len()).and_then(|range| bytes.get(range)) else { return false };
        joined.extend_from_slice(bytes);
    }
    sink(Scalar::Bytes(&joined))
}

impl Function {
    fn each(self, arguments: &[Expression], packet: &dyn Packet, sink: Sink<'_>) -> bool {
        let Some(first) = arguments.first() else { return false };
        match self {
            Self::Len => match first {
                Expression::Field(access) => access.lengths(packet, sink),
                other => other.each(packet, &mut |value| {
                    value.bytes().is_some_and(|bytes| sink(Scalar::Number(size(bytes.len()))))
                }),
            },
            Self::Count => {
                let mut count = 0;
                first.each(packet, &mut |_| {
                    count += 1;
                    false
                });
                count > 0 && sink(Scalar::Number(count))
            }
            Self::Upper => first.each(packet, &mut |value| match value {
                Scalar::Text(text) => sink(Scalar::Text(&text.to_ascii_uppercase())),
                _ => false,
            }),
            Self::Lower => first.each(packet, &mut |value| match value {
                Scalar::Text(text) => sink(Scalar::Text(&text.to_ascii_lowercase())),
                _ => false,
            }),
            Self::Text(kind) => {
                first.each(packet, &mut |value| shown(value, kind).is_some_and(|text| sink(Scalar::Text(&text))))
            }
            Self::Max | Self::Min => {
                let mut best: Option<i128> = None;
                for argument in arguments {
                    argument.each(packet, &mut |value| {
                        if let Some(number) = value.number() {
                            let better =
                                |best: i128| if self == Self::Max { best.max(number) } else { best.min(number) };
                            best = Some(best.map_or(number, better));
                        }
                        false
                    });
                }
                best.is_some_and(|number| sink(Scalar::Number(number)))
            }
            Self::Abs => first.each(packet, &mut |value| {
                value.number().is_some_and(|number| sink(Scalar::Number(number.saturating_abs())))
            }),
        }
    }
}

/// A value as text, as it would be printed.
fn shown(value: Scalar<'_>, kind: Kind) -> Option<String> {
    Some(match (value, kind) {
        (Scalar::Number(number), Kind::Duration | Kind::Moment) => {
            let sign = if number < 0 { "-" } else { "" };
            let number = number.unsigned_abs();
            format!("{sign}{}.{:09}", number / 1_000_000_000, number % 1_000_000_000)
        }
        (Scalar::Number(number), Kind::Flag) => u8::from(number != 0).to_string(),
        (Scalar::Number(number), _) => number.to_string(),
        (Scalar::Bytes(bytes), Kind::Ipv4) => std::net::Ipv4Addr::from(*bytes.first_chunk::<4>()?).to_string(),
        (Scalar::Bytes(bytes), Kind::Ipv6) => std::net::Ipv6Addr::from(*bytes.first_chunk::<16>()?).to_string(),
        (Scalar::Bytes(bytes), _) => {
            let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            pairs.join(":")
        }
        (Scalar::Text(text), _) => text.to_owned(),
        (Scalar::Nothing | Scalar::Prefix(..), _) => return None,
    })
}

fn size(size: usize) -> i128 {
    i128::try_from(size).unwrap_or(i128::MAX)
}

impl Access {
    fn each(&self, packet: &dyn Packet, sink: Sink<'_>) -> bool {
        self.fields.iter().any(|field| self.field(field, packet, sink))
    }

    fn field(&self, field: &Field, packet: &dyn Packet, sink: Sink<'_>) -> bool {
        match field.from {
            From::Fact(fact) if fact.is_of_stream() => self.headers(packet, &mut |place, _, _| {
                packet.fact(fact, place).is_some_and(|number| sink(Scalar::Number(number)))
            }),
            From::Fact(fact) => packet.fact(fact, 0).is_some_and(|number| sink(Scalar::Number(number))),
            From::Protocols => sink(Scalar::Text(packet.protocols())),
            From::Judged => packet.judged(field.name) && sink(Scalar::Nothing),
            From::Either(_) => false,
            From::Layers | From::Protocol if self.group.found == Found::Session => {
                let of_group = |layer: &&Layer| self.group.layers.contains(&layer.protocol);
                let total = packet.told().iter().filter(of_group).count();
                packet.told().iter().filter(of_group).enumerate().any(|(place, layer)| {
                    self.wants(place, total)
                        && match field.from {
                            From::Protocol => {
                                layer.protocol == field.name
                                    && sink(Scalar::Bytes(layer_bytes(packet.told_bytes(), layer)))
                            }
                            _ => named(field, layer, sink),
                        }
                })
            }
            From::Layers => {
                // The tree is made only for packets that have the layer.
                if !self.has_layer(packet) {
                    return false;
                }
                let of_group = |layer: &&Layer| self.group.layers.contains(&layer.protocol);
                let total = packet.tree().iter().filter(of_group).count();
                packet
                    .tree()
                    .iter()
                    .filter(of_group)
                    .enumerate()
                    .any(|(place, layer)| self.wants(place, total) && named(field, layer, sink))
            }
            From::Protocol if self.group.found == Found::Frame => sink(Scalar::Bytes(packet.bytes(false))),
            _ => self.headers(packet, &mut |_, header, bytes| read(field, header, bytes).is_some_and(&mut *sink)),
        }
    }

    /// Lengths of the values in bytes.
    fn lengths(&self, packet: &dyn Packet, sink: Sink<'_>) -> bool {
        self.fields.iter().any(|field| match (field.kind, self.group.found) {
            (Kind::Protocol, Found::Wire) => self.headers(packet, &mut |_, header, bytes| {
                let length = if header.length == 0 { size(bytes.len()) } else { header.length.into() };
                sink(Scalar::Number(length))
            }),
            (Kind::Unsigned(bits) | Kind::Signed(bits), _) => {
                self.field(field, packet, &mut |_| sink(Scalar::Number(i128::from(bits) / 8)))
            }
            _ => self.field(field, packet, &mut |value| {
                value.bytes().is_some_and(|bytes| sink(Scalar::Number(size(bytes.len()))))
            }),
        })
    }

    fn has_layer(&self, packet: &dyn Packet) -> bool {
        self.headers(packet, &mut |_, _, _| true)
    }

    /// Hands over each wanted header of the protocol with its place among them and its bytes up to the end of its payload.
    fn headers(&self, packet: &dyn Packet, sink: &mut dyn FnMut(usize, &Header, &[u8]) -> bool) -> bool {
        let of_group = |header: &&Header| self.protocols.contains(&header.protocol);
        let total = if self.layers.is_some() { packet.headers().iter().filter(of_group).count() } else { 0 };
        packet.headers().iter().filter(of_group).enumerate().any(|(place, header)| {
            if !self.wants(place, total) {
                return false;
            }
            let range = header.offset as usize..header.end as usize;
            sink(place, header, packet.bytes(header.of_datagram).get(range).unwrap_or_default())
        })
    }

    /// Whether the layer at `place` of `total`, from 0, is one of those asked for.
    fn wants(&self, place: usize, total: usize) -> bool {
        let Some(pieces) = &self.layers else { return true };
        let Ok(total) = i64::try_from(total) else { return false };
        let number = i64::try_from(place).unwrap_or(i64::MAX).saturating_add(1);
        let from_front = |at: i64| if at < 0 { total + at + 1 } else { at };
        pieces.iter().any(|piece| match *piece {
            Piece::One(at) => from_front(at) == number,
            Piece::Rest(first) => from_front(first) <= number,
            Piece::Until(first, last) => (from_front(first)..=from_front(last)).contains(&number),
            Piece::Length(first, count) => {
                let first = from_front(first);
                (first..first.saturating_add(count)).contains(&number)
            }
        })
    }
}

/// The value of a field at a fixed place. `bytes` are the header's and its payload's.
fn read<'b>(field: &Field, header: &Header, bytes: &'b [u8]) -> Option<Scalar<'b>> {
    let length = header.length as usize;
    let own = if length == 0 { bytes } else { bytes.get(..length).unwrap_or(bytes) };
    match field.from {
        From::Bits { at, width, mask } => {
            let at = usize::from(at);
            let bytes = own.get(at..at + usize::from(width))?;
            let number = bytes.iter().fold(0u32, |number, byte| (number << 8) | u32::from(*byte)) & mask;
            Some(Scalar::Number((number >> mask.trailing_zeros()).into()))
        }
        From::Words { at, mask } => {
            let byte = own.get(usize::from(at))?;
            Some(Scalar::Number(i128::from((byte & mask) >> mask.trailing_zeros()) * 4))
        }
        From::Bytes { at, length } => {
            let at = usize::from(at);
            own.get(at..at + usize::from(length)).map(Scalar::Bytes)
        }
        // How long a quoted packet was is not known here.
        From::PayloadLength if header.quoted => None,
        From::PayloadLength => {
            let wire_length = header.wire_end.saturating_sub(header.offset);
            Some(Scalar::Number(wire_length.saturating_sub(header.length).into()))
        }
        From::Payload => bytes.get(length..).filter(|payload| !payload.is_empty()).map(Scalar::Bytes),
        // Other layers of the group have its fields, but another name.
        From::Protocol => (header.protocol.name() == field.name).then_some(Scalar::Bytes(bytes)),
        From::Layers | From::Fact(_) | From::Protocols | From::Judged | From::Either(_) => None,
    }
}

fn layer_bytes<'b>(bytes: &'b [u8], layer: &Layer) -> &'b [u8] {
    bytes.get(layer.offset..layer.offset.saturating_add(layer.length)).unwrap_or_default()
}

/// The values of a field in a layer.
fn named(field: &Field, layer: &Layer, sink: Sink<'_>) -> bool {
    layer.fields.iter().filter(|(name, _)| *name == field.name).any(|(_, value)| typed(field, value, sink))
}

/// A layer's value as the field's type has it.
fn typed(field: &Field, value: &Value, sink: Sink<'_>) -> bool {
    match value {
        Value::List(values) => values.iter().any(|value| typed(field, value, sink)),
        _ if field.kind == Kind::Nothing => sink(Scalar::Nothing),
        Value::Bool(flag) => sink(Scalar::Number((*flag).into())),
        Value::Number(number) => sink(Scalar::Number((*number).into())),
        Value::Float(seconds) if field.kind == Kind::Duration => sink(Scalar::Number((seconds * 1e9) as i128)),
        Value::Float(_) => false,
        Value::Text(text) => match field.kind {
            Kind::Text => sink(Scalar::Text(text)),
            Kind::Ipv4 => text.parse().is_ok_and(|address: std::net::Ipv4Addr| sink(Scalar::Bytes(&address.octets()))),
            Kind::Ipv6 => text.parse().is_ok_and(|address: std::net::Ipv6Addr| sink(Scalar::Bytes(&address.octets()))),
            Kind::Ether | Kind::Bytes => super::literal::octets(text).is_some_and(|bytes| sink(Scalar::Bytes(&bytes))),
            Kind::Unsigned(_) => number_of(field, text).is_some_and(|number| sink(Scalar::Number(number.into()))),
            _ => false,
        },
    }
}

/// The number behind a name: of the field's names, or with the number in it (`TYPE65280`).
fn number_of(field: &Field, text: &str) -> Option<u64> {
    let named = field.names.iter().find(|(name, _)| *name == text).map(|(_, number)| *number);
    named.or_else(|| text.trim_start_matches(|letter: char| !letter.is_ascii_digit()).parse().ok())
}
