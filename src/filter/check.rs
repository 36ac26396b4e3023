//! From a parsed filter to one that can be asked: words become fields, constants get types, and what cannot be compared
//! is told.
use std::ops::Range;

use regex::bytes::RegexBuilder;

use super::{
    Needs,
    direct::Direct,
    error::Mistake,
    expression::{Access, Expression, Function, Order, Test},
    fields::{self, Field, Found, From, Kind, Names},
    lexer::Piece,
    literal::{self, Written},
    parser::{Asked, Extent, Node, Operand, Relation, Sum, Valued},
};
use crate::{limits::MAX_PATTERN_BYTES, record::ProtocolName};

/// What a value is.
#[derive(Clone, Copy, Debug)]
struct Type {
    kind: Kind,
    names: Names,
}

impl Type {
    const NUMBER: Self = Self { kind: Kind::Signed(64), names: &[] };
    const BYTES: Self = Self { kind: Kind::Bytes, names: &[] };
    const TEXT: Self = Self { kind: Kind::Text, names: &[] };

    fn is_number(self) -> bool {
        matches!(self.kind, Kind::Flag | Kind::Unsigned(_) | Kind::Signed(_) | Kind::PacketNumber)
    }

    fn is_time(self) -> bool {
        matches!(self.kind, Kind::Duration | Kind::Moment)
    }

    fn is_octets(self) -> bool {
        matches!(self.kind, Kind::Bytes | Kind::Ether | Kind::Protocol | Kind::Ipv4 | Kind::Ipv6)
    }

    /// Whether values of both can be compared.
    fn suits(self, other: Self) -> bool {
        let addresses = |kind| matches!(kind, Kind::Ipv4 | Kind::Ipv6);
        self.kind == other.kind && self.kind != Kind::Nothing
            || self.is_number() && other.is_number()
            || self.is_octets() && other.is_octets() && !addresses(self.kind) && !addresses(other.kind)
    }
}

/// Checks a parsed filter. `needs` collects what it asks for.
pub(super) fn check(node: &Node, needs: &mut Needs) -> Result<Test, Mistake> {
    let test = asked(node, needs)?;
    Ok(Direct::of(&test).map_or(test, Test::Direct))
}

pub(super) fn asked(node: &Node, needs: &mut Needs) -> Result<Test, Mistake> {
    let mut checks = |nodes: &[Node]| nodes.iter().map(|node| check(node, needs)).collect::<Result<Vec<_>, _>>();
    Ok(match &node.what {
        Asked::All(nodes) => Test::All(checks(nodes)?),
        Asked::Any(nodes) => Test::Any(checks(nodes)?),
        Asked::Xor(left, right) => Test::Xor(Box::new(check(left, needs)?), Box::new(check(right, needs)?)),
        Asked::Not(node) => Test::Not(Box::new(check(node, needs)?)),
        Asked::Operand(operand) => alone(operand, needs)?,
        Asked::Compare { left, relation, right, extent } => compare(left, *relation, right, *extent, needs)?,
        Asked::Matches { left, right, extent } => matches(left, right, *extent, needs)?,
        Asked::In { left, set, extent } => {
            let (left, left_type) = valued(left, needs)?;
            no_value(left_type, node.at.start..node.at.end)?;
            let mut member = |operand: &Operand| suiting(operand, left_type, needs);
            let mut members = Vec::with_capacity(set.len());
            for (first, last) in set {
                let first = member(first)?;
                members.push((first, last.as_ref().map(&mut member).transpose()?));
            }
            Test::In { left, set: members, always: *extent == Some(Extent::All) }
        }
    })
}

/// An operand as a question of its own.
fn alone(operand: &Operand, needs: &mut Needs) -> Result<Test, Mistake> {
    match &operand.what {
        Valued::Word(_) | Valued::Layers(..) | Valued::Slice(..) => Ok(Test::There(valued(operand, needs)?.0)),
        Valued::Arithmetic(..) | Valued::Negative(_) => Ok(Test::NotZero(valued(operand, needs)?.0)),
        Valued::Call(..) => {
            let (_, result) = valued(operand, needs)?;
            let example = if result.is_number() { " > 0" } else { " == \"...\"" };
            Err(Mistake::new(
                operand.at.clone(),
                format!("a function needs something to compare with, as in `...{example}`"),
            ))
        }
        Valued::Quoted(_) | Valued::Letter(_) => {
            Err(Mistake::new(operand.at.clone(), "a constant by itself asks nothing; compare a field with it"))
        }
    }
}

fn compare(
    left: &Operand,
    relation: Relation,
    right: &Operand,
    extent: Option<Extent>,
    needs: &mut Needs,
) -> Result<Test, Mistake> {
    if relation == Relation::Contains {
        return contains(left, right, extent, needs);
    }
    let (order, always) = match relation {
        Relation::Equal => (Order::Equal, false),
        Relation::Different => (Order::Different, true),
        Relation::AllEqual => (Order::Equal, true),
        Relation::AnyDifferent => (Order::Different, false),
        Relation::Less => (Order::Less, false),
        Relation::LessOrEqual => (Order::LessOrEqual, false),
        Relation::Greater => (Order::Greater, false),
        Relation::GreaterOrEqual | Relation::Contains => (Order::GreaterOrEqual, false),
    };
    let always = extent.map_or(always, |extent| extent == Extent::All);
    let (left, right) = if is_constant(left) {
        if is_constant(right) {
            return Err(both_constant(left, right));
        }
        let (right_value, right_type) = valued(right, needs)?;
        no_value(right_type, right.at.clone())?;
        (suiting(left, right_type, needs)?, right_value)
    } else {
        let (left_value, left_type) = valued(left, needs)?;
        no_value(left_type, left.at.clone())?;
        (left_value, suiting(right, left_type, needs)?)
    };
    Ok(Test::Compare { left, order, right, always })
}

/// Two constants compared: probably a field is misspelt.
fn both_constant(left: &Operand, right: &Operand) -> Mistake {
    match &left.what {
        Valued::Word(word) if literal::number(word).is_none() => unknown_field(word, left.at.clone()),
        _ => match &right.what {
            Valued::Word(word) if word.contains('.') && literal::number(word).is_none() => {
                unknown_field(word, right.at.clone())
            }
            _ => Mistake::new(left.at.start..right.at.end, "two constants are compared; one side must be a field"),
        },
    }
}

fn no_value(of: Type, at: Range<usize>) -> Result<(), Mistake> {
    if of.kind == Kind::Nothing {
        return Err(Mistake::new(at, "this field has no value: it is there or not. Write it without a comparison"));
    }
    Ok(())
}

fn contains(left: &Operand, right: &Operand, extent: Option<Extent>, needs: &mut Needs) -> Result<Test, Mistake> {
    let (value, of) = valued(left, needs)?;
    let right = match of {
        of if of.kind == Kind::Text => suiting(right, Type::TEXT, needs)?,
        of if of.is_octets() => suiting(right, Type::BYTES, needs)?,
        of => {
            return Err(Mistake::new(
                left.at.clone(),
                format!("a {} contains nothing; `contains` is for text and bytes", of.kind.words()),
            )
            .suggest(of.is_number().then_some("`==` or `&`")));
        }
    };
    Ok(Test::Compare { left: value, order: Order::Contains, right, always: extent == Some(Extent::All) })
}

fn matches(left: &Operand, right: &Operand, extent: Option<Extent>, needs: &mut Needs) -> Result<Test, Mistake> {
    let (value, of) = valued(left, needs)?;
    if of.kind != Kind::Text && !of.is_octets() {
        return Err(Mistake::new(
            left.at.clone(),
            format!("a {} is no text; `matches` is for text and bytes", of.kind.words()),
        )
        .suggest(Some("`string(...) matches`")));
    }
    let Valued::Quoted(pattern) = &right.what else {
        let near = match &right.what {
            Valued::Word(word) => Some(format!("\"{word}\"")),
            _ => None,
        };
        return Err(Mistake::new(right.at.clone(), "a regular expression stands in double quotes").suggest(near));
    };
    let pattern = std::str::from_utf8(pattern).map_err(|_| {
        Mistake::new(right.at.clone(), "the regular expression is not UTF-8; write bytes as \"\\\\xff\"")
    })?;
    let built = RegexBuilder::new(pattern)
        .case_insensitive(true)
        .unicode(false)
        .size_limit(MAX_PATTERN_BYTES)
        .dfa_size_limit(MAX_PATTERN_BYTES)
        .build();
    let pattern = built.map_err(|error| {
        let reason = match error {
            regex::Error::CompiledTooBig(_) => "it grows too large".to_owned(),
            // The last line says what, those before it where.
            other => other.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        };
        Mistake::new(right.at.clone(), format!("bad regular expression: {reason}"))
    })?;
    Ok(Test::Matches { left: value, pattern, always: extent == Some(Extent::All) })
}

/// Whether nothing in it is a field.
fn is_constant(operand: &Operand) -> bool {
    match &operand.what {
        Valued::Word(word) => fields::find(word).is_none(),
        Valued::Quoted(_) | Valued::Letter(_) => true,
        Valued::Slice(..) | Valued::Layers(..) | Valued::Call(..) => false,
        Valued::Negative(inner) => is_constant(inner),
        Valued::Arithmetic(_, left, right) => is_constant(left) && is_constant(right),
    }
}

/// A value that must go with `wanted`; a constant is read as one.
fn suiting(operand: &Operand, wanted: Type, needs: &mut Needs) -> Result<Expression, Mistake> {
    let written = match &operand.what {
        Valued::Word(word) if fields::find(word).is_none() => Written::Word(word),
        Valued::Quoted(bytes) => Written::Quoted(bytes),
        Valued::Letter(letter) => Written::Letter(*letter),
        Valued::Arithmetic(sum, left, right) if wanted.is_number() => {
            let right_wanted = Type::NUMBER;
            let left = Box::new(suiting(left, Type::NUMBER, needs)?);
            return Ok(Expression::Arithmetic(*sum, left, Box::new(suiting(right, right_wanted, needs)?)));
        }
        Valued::Negative(inner) if wanted.is_number() => {
            return Ok(Expression::Negative(Box::new(suiting(inner, Type::NUMBER, needs)?)));
        }
        _ => {
            let (value, of) = valued(operand, needs)?;
            if !wanted.suits(of) {
                return Err(Mistake::new(
                    operand.at.clone(),
                    format!("a {} cannot be compared with a {}", wanted.kind.words(), of.kind.words()),
                ));
            }
            return Ok(value);
        }
    };
    literal::read(written, wanted.kind, wanted.names).map(Expression::Constant).map_err(|(reason, near)| {
        // A word that begins like a field is more probably a misspelt one than a constant.
        if let Written::Word(word) = written
            && begins_like_a_field(word)
        {
            return unknown_field(word, operand.at.clone());
        }
        Mistake::new(operand.at.clone(), reason).suggest(near)
    })
}

fn begins_like_a_field(word: &str) -> bool {
    word.split_once('.').is_some_and(|(protocol, _)| fields::find(protocol).is_some())
}

/// What a word that is no field might have been.
fn unknown_field(word: &str, at: Range<usize>) -> Mistake {
    let renamed = RENAMED.iter().find_map(|(old, new)| match word.strip_prefix(old) {
        Some("") => Some((*new).to_owned()),
        Some(rest) if rest.starts_with('.') => Some(format!("{new}{rest}")),
        _ => None,
    });
    if let Some(new) = renamed {
        let known = fields::find(&new).is_some();
        return Mistake::new(at, format!("`{word}` has another name today")).suggest(known.then(|| format!("`{new}`")));
    }
    if CAPTURE_WORDS.contains(&word) {
        return Mistake::new(at, format!("`{word}` is no field; is this a capture filter? Those go behind -f"));
    }
    let near = super::nearest(word, fields::all().map(|field| field.name));
    Mistake::new(at, format!("`{word}` is no field known here; `wireglass fields` lists them"))
        .suggest(near.map(|near| format!("`{near}`")))
}

/// Protocols that Wireshark has renamed.
const RENAMED: [(&str, &str); 2] = [("ssl", "tls"), ("gquic", "quic")];

/// Words of the other filter language.
pub(super) const CAPTURE_WORDS: [&str; 9] =
    ["host", "net", "port", "portrange", "src", "dst", "ether", "less", "greater"];

/// A value with its type.
fn valued(operand: &Operand, needs: &mut Needs) -> Result<(Expression, Type), Mistake> {
    let at = || operand.at.clone();
    match &operand.what {
        Valued::Word(word) => {
            let Some((access, of)) = access(word, needs) else { return Err(unknown_field(word, at())) };
            Ok((Expression::Field(access), of))
        }
        Valued::Quoted(_) | Valued::Letter(_) => Err(Mistake::new(at(), "a field is needed here, this is a constant")),
        Valued::Slice(inner, pieces) => {
            let (value, of) = valued(inner, needs)?;
            if of.kind != Kind::Text && !of.is_octets() {
                return Err(Mistake::new(at(), format!("a {} has no bytes to choose from", of.kind.words())));
            }
            Ok((Expression::Slice(Box::new(value), pieces.clone()), Type::BYTES))
        }
        Valued::Layers(inner, pieces) => layered(inner, pieces, at(), needs),
        Valued::Arithmetic(sum, left, right) => {
            let (left_value, of) = if is_constant(left) {
                (suiting(left, Type::NUMBER, needs)?, Type::NUMBER)
            } else {
                valued(left, needs)?
            };
            // Bytes can be masked, as in `tcp[13] & 2`.
            let computes =
                of.is_number() && of.kind != Kind::Flag || of.is_time() || *sum == Sum::And && of.is_octets();
            if !computes {
                return Err(Mistake::new(left.at.clone(), format!("a {} is nothing to compute with", of.kind.words())));
            }
            let wanted = if of.is_time() && matches!(sum, Sum::Plus | Sum::Minus) {
                Type { kind: Kind::Duration, names: &[] }
            } else {
                Type::NUMBER
            };
            let right_value = suiting(right, wanted, needs)?;
            let result = if of.is_time() { of } else { Type::NUMBER };
            Ok((Expression::Arithmetic(*sum, Box::new(left_value), Box::new(right_value)), result))
        }
        Valued::Negative(inner) => {
            let (value, of) = valued(inner, needs)?;
            if !of.is_number() && !of.is_time() {
                return Err(Mistake::new(at(), format!("a {} has no sign", of.kind.words())));
            }
            let result = if of.is_time() { of } else { Type::NUMBER };
            Ok((Expression::Negative(Box::new(value)), result))
        }
        Valued::Call(name, arguments) => call(name, arguments, at(), needs),
    }
}

/// A field by its name, with what it asks for noted.
fn access(name: &str, needs: &mut Needs) -> Option<(Access, Type)> {
    let (group, field) = fields::find(name)?;
    let several: Vec<&'static Field> = match field.from {
        From::Either(names) => names.iter().filter_map(|name| fields::find(name).map(|(_, field)| field)).collect(),
        _ => vec![field],
    };
    for field in &several {
        match field.from {
            From::Fact(fact) => needs.streams |= fact.is_of_stream(),
            From::Protocols => needs.sessions = true,
            From::Judged => needs.analysis = true,
            _ => needs.sessions |= group.found == Found::Session,
        }
    }
    let protocols = group.layers.iter().map(|name| ProtocolName::new(name)).collect();
    Some((Access { group, protocols, fields: several, layers: None }, Type { kind: field.kind, names: field.names }))
}

fn layered(
    inner: &Operand,
    pieces: &[Piece],
    at: Range<usize>,
    needs: &mut Needs,
) -> Result<(Expression, Type), Mistake> {
    let (value, of) = valued(inner, needs)?;
    match value {
        Expression::Field(access) if access.layers.is_none() && access.group.found != Found::Frame => {
            if pieces.contains(&Piece::One(0)) {
                return Err(Mistake::new(at, "layers are counted from 1"));
            }
            Ok((Expression::Field(Access { layers: Some(pieces.to_vec()), ..access }), of))
        }
        _ => Err(Mistake::new(at, "`#` selects layers of a protocol's field, as in `ip.src#1`")),
    }
}

const FUNCTIONS: [&str; 8] = ["len", "count", "upper", "lower", "string", "max", "min", "abs"];

fn call(name: &str, arguments: &[Operand], at: Range<usize>, needs: &mut Needs) -> Result<(Expression, Type), Mistake> {
    if !FUNCTIONS.contains(&name) {
        let name_at = at.start..at.start + name.len();
        return Err(Mistake::new(
            name_at,
            format!("there is no function `{name}`; there are {}", FUNCTIONS.join(", ")),
        )
        .suggest(super::nearest(name, FUNCTIONS).map(|near| format!("`{near}`"))));
    }
    let several = matches!(name, "max" | "min");
    if arguments.is_empty() || (!several && arguments.len() > 1) {
        let wanted = if several { "values, at least one" } else { "one value" };
        return Err(Mistake::new(at, format!("`{name}` takes {wanted}")));
    }
    let mut values = Vec::with_capacity(arguments.len());
    let mut of = Type::NUMBER;
    for argument in arguments {
        let (value, kind) = if several && is_constant(argument) {
            (suiting(argument, of, needs)?, of)
        } else {
            valued(argument, needs)?
        };
        let suits = match name {
            "upper" | "lower" => kind.kind == Kind::Text,
            "max" | "min" | "abs" => kind.is_number() || kind.is_time(),
            "string" => kind.kind != Kind::Nothing && kind.kind != Kind::Protocol,
            "len" => {
                kind.kind == Kind::Text || kind.is_octets() || matches!(kind.kind, Kind::Unsigned(_) | Kind::Signed(_))
            }
            _ => matches!(argument.what, Valued::Word(_) | Valued::Layers(..)),
        };
        if !suits {
            return Err(Mistake::new(argument.at.clone(), format!("`{name}` does not take a {}", kind.kind.words())));
        }
        of = kind;
        values.push(value);
    }
    let (function, result) = match name {
        "len" => (Function::Len, Type::NUMBER),
        "count" => (Function::Count, Type::NUMBER),
        "upper" => (Function::Upper, Type::TEXT),
        "lower" => (Function::Lower, Type::TEXT),
        "string" => (Function::Text(of.kind), Type::TEXT),
        "max" => (Function::Max, if of.is_time() { of } else { Type::NUMBER }),
        "min" => (Function::Min, if of.is_time() { of } else { Type::NUMBER }),
        _ => (Function::Abs, if of.is_time() { of } else { Type::NUMBER }),
    };
    Ok((Expression::Call(function, values), result))
}
