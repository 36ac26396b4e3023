//! A question about one record: the display filters' grammar over the fields of records. A field that occurs several times is
//! treated as Wireshark does: `==` holds when one value suits, `!=` when none does otherwise; `any` and `all` say it.
use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value;

use super::{
    datum::{self, Datum, Written},
    fields::{self, Field, Kind},
};
use crate::{
    filter::{
        self, Mistake,
        grammar::{Asked, Extent, Node, Operand, Relation, Sum, Valued, parse_joining},
    },
    limits::MAX_PATTERN_BYTES,
    record::RecordKind,
};

/// A question with its fields and types checked.
#[derive(Clone, Debug)]
pub struct Question {
    test: Test,
    /// The fields it names, in the order in which they are named first.
    pub fields: Vec<Field>,
}

#[derive(Clone, Debug)]
enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Xor(Box<Test>, Box<Test>),
    Not(Box<Test>),
    /// There is a value.
    There(Expression),
    /// A flag is set.
    True(Expression),
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Equal,
    Different,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

#[derive(Clone, Debug)]
enum Expression {
    Field(Access),
    /// What the question is asked of, when that is a single number and no record.
    Subject,
    Constant(Datum),
    Arithmetic(Sum, Box<Expression>, Box<Expression>),
    Negative(Box<Expression>),
    Call(Function, Box<Expression>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Function {
    Count,
    Length,
    Lower,
    Upper,
}

/// Where a field's values are in a record.
#[derive(Clone, Debug)]
pub struct Access {
    steps: Vec<String>,
    kind: Kind,
    pair: Option<String>,
}

/// What a question is asked of.
#[derive(Clone, Copy, Debug)]
enum Asking<'a> {
    Record(&'a Value),
    Number(&'a Datum),
}

impl Question {
    /// Compiles `text`, a question about records of type `record`.
    ///
    /// # Errors
    /// The first mistake in it, with its place.
    pub fn new(text: &str, record: RecordKind) -> Result<Self, Mistake> {
        let node = parse_joining(text, datum::joins)?;
        let mut compiler = Compiler { record: Some(record), subject: Kind::Number, fields: Vec::new() };
        let test = compiler.test(&node)?;
        Ok(Self { test, fields: compiler.fields })
    }

    /// Compiles `text`, what a number has to be: `< 200 ms`, `3`, `2..5`, `in {1, 3}`, `> 1 and < 9`. What it computes with
    /// are `kind`s.
    ///
    /// # Errors
    /// The first mistake in it, with its place.
    pub fn of_number(text: &str, kind: &Kind) -> Result<Self, Mistake> {
        let begins = |signs: &[&str]| signs.iter().any(|sign| text.trim_start().starts_with(sign));
        let is_range = text.contains("..") && !text.contains('{');
        // The grammar needs something on the left: its name is given in front, and mistakes are moved back.
        let (before, after) = if is_range {
            ("value in {", "}")
        } else if begins(&["<", ">", "=", "!", "in ", "in{"]) {
            ("value ", "")
        } else {
            ("value == ", "")
        };
        // A single `=` is what people write who count.
        let single = text.trim_start();
        let skipped = text.len() - single.len();
        let text = match single.strip_prefix('=').filter(|rest| !rest.starts_with('=')) {
            Some(rest) => format!("{}=={rest}", text.get(..skipped).unwrap_or_default()),
            None => text.to_owned(),
        };
        let whole = format!("{before}{text}{after}");
        let moved = |mut mistake: Mistake| {
            let back = |at: usize| at.saturating_sub(before.len()).min(text.len());
            mistake.at = back(mistake.at.start)..back(mistake.at.end);
            mistake
        };
        let node = parse_joining(&whole, datum::joins).map_err(moved)?;
        let mut compiler = Compiler { record: None, subject: kind.clone(), fields: Vec::new() };
        let test = compiler.test(&node).map_err(moved)?;
        Ok(Self { test, fields: Vec::new() })
    }

    /// Whether it holds of `record`.
    #[must_use]
    pub fn holds(&self, record: &Value) -> bool {
        self.test.holds(Asking::Record(record))
    }

    /// Whether it holds of a number.
    #[must_use]
    pub fn holds_of(&self, number: &Datum) -> bool {
        self.test.holds(Asking::Number(number))
    }
}

struct Compiler {
    record: Option<RecordKind>,
    subject: Kind,
    fields: Vec<Field>,
}

/// What stands for the number in [`Question::of_number`].
const SUBJECT: &str = "value";

impl Compiler {
    fn test(&mut self, node: &Node) -> Result<Test, Mistake> {
        Ok(match &node.what {
            Asked::All(nodes) => Test::All(self.tests(nodes)?),
            Asked::Any(nodes) => Test::Any(self.tests(nodes)?),
            Asked::Xor(left, right) => Test::Xor(Box::new(self.test(left)?), Box::new(self.test(right)?)),
            Asked::Not(node) => Test::Not(Box::new(self.test(node)?)),
            Asked::Operand(operand) => self.alone(operand)?,
            Asked::Compare { left, relation, right, extent } => self.compare(left, *relation, right, *extent)?,
            Asked::Matches { left, right, extent } => self.matches(left, right, *extent)?,
            Asked::In { left, set, extent } => {
                let (value, kind) = self.value(left)?;
                let mut members = Vec::with_capacity(set.len());
                for (first, last) in set {
                    let first = self.suiting(first, &kind)?;
                    members.push((first, last.as_ref().map(|last| self.suiting(last, &kind)).transpose()?));
                }
                Test::In { left: value, set: members, always: *extent == Some(Extent::All) }
            }
        })
    }

    fn tests(&mut self, nodes: &[Node]) -> Result<Vec<Test>, Mistake> {
        nodes.iter().map(|node| self.test(node)).collect()
    }

    fn alone(&mut self, operand: &Operand) -> Result<Test, Mistake> {
        if let Valued::Quoted(_) | Valued::Letter(_) = &operand.what {
            return Err(Mistake::new(operand.at.clone(), "a constant by itself asks nothing; compare a field with it"));
        }
        let (value, kind) = self.value(operand)?;
        Ok(if kind == Kind::Flag { Test::True(value) } else { Test::There(value) })
    }

    fn compare(
        &mut self,
        left: &Operand,
        relation: Relation,
        right: &Operand,
        extent: Option<Extent>,
    ) -> Result<Test, Mistake> {
        let (order, always) = match relation {
            Relation::Equal => (Order::Equal, false),
            Relation::Different => (Order::Different, true),
            Relation::AllEqual => (Order::Equal, true),
            Relation::AnyDifferent => (Order::Different, false),
            Relation::Less => (Order::Less, false),
            Relation::LessOrEqual => (Order::LessOrEqual, false),
            Relation::Greater => (Order::Greater, false),
            Relation::GreaterOrEqual => (Order::GreaterOrEqual, false),
            Relation::Contains => (Order::Contains, false),
        };
        let always = extent.map_or(always, |extent| extent == Extent::All);
        // `x == null`: it is not there.
        for (null, other) in [(right, left), (left, right)] {
            if matches!(&null.what, Valued::Word(word) if word == "null") {
                let (value, _) = self.value(other)?;
                return match order {
                    Order::Equal => Ok(Test::Not(Box::new(Test::There(value)))),
                    Order::Different => Ok(Test::There(value)),
                    _ => Err(Mistake::new(null.at.clone(), "null is neither less nor more; compare with == or !=")),
                };
            }
        }
        let (left, kind, right, right_at) = if self.is_constant(left) && !self.is_constant(right) {
            let (value, kind) = self.value(right)?;
            (self.suiting(left, &kind)?, kind, value, left.at.clone())
        } else {
            let (value, kind) = self.value(left)?;
            let wanted = if order == Order::Contains { Kind::Text } else { kind.clone() };
            (value, kind, self.suiting(right, &wanted)?, right.at.clone())
        };
        match (order, &kind) {
            (Order::Contains, Kind::Text | Kind::Pairs | Kind::Named(_, false) | Kind::Version) => {}
            (Order::Contains, kind) => {
                let reason = format!("{} contains nothing; `contains` is for text", kind.words());
                return Err(Mistake::new(right_at, reason).suggest(Some("`==`")));
            }
            (Order::Equal | Order::Different, _) => {}
            (_, Kind::Flag | Kind::Named(_, false) | Kind::Text | Kind::Pairs) => {
                let reason = format!("{} is neither less nor more; compare with == or !=", kind.words());
                return Err(Mistake::new(right_at, reason));
            }
            _ => {}
        }
        Ok(Test::Compare { left, order, right, always })
    }

    fn matches(&mut self, left: &Operand, right: &Operand, extent: Option<Extent>) -> Result<Test, Mistake> {
        let (value, kind) = self.value(left)?;
        if !matches!(kind, Kind::Text | Kind::Pairs | Kind::Named(_, false) | Kind::Version) {
            let reason = format!("{} is no text; `matches` is for text", kind.words());
            return Err(Mistake::new(left.at.clone(), reason));
        }
        let Valued::Quoted(pattern) = &right.what else {
            return Err(Mistake::new(right.at.clone(), "a regular expression stands in double quotes"));
        };
        let pattern = std::str::from_utf8(pattern)
            .map_err(|_| Mistake::new(right.at.clone(), "the regular expression is not UTF-8"))?;
        let built = RegexBuilder::new(pattern)
            .case_insensitive(true)
            .unicode(false)
            .size_limit(MAX_PATTERN_BYTES)
            .dfa_size_limit(MAX_PATTERN_BYTES)
            .build();
        let pattern = built.map_err(|error| {
            let why = error.to_string();
            let reason = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            Mistake::new(right.at.clone(), format!("bad regular expression: {reason}"))
        })?;
        Ok(Test::Matches { left: value, pattern, always: extent == Some(Extent::All) })
    }

    fn find(&self, word: &str) -> Option<Field> {
        fields::find(word, self.record)
    }

    fn is_constant(&self, operand: &Operand) -> bool {
        match &operand.what {
            Valued::Word(word) => self.find(word).is_none() && !(self.record.is_none() && word == SUBJECT),
            Valued::Quoted(_) | Valued::Letter(_) => true,
            Valued::Negative(inner) => self.is_constant(inner),
            Valued::Arithmetic(_, left, right) => self.is_constant(left) && self.is_constant(right),
            Valued::Slice(..) | Valued::Layers(..) | Valued::Call(..) => false,
        }
    }

    /// A value that is no bare constant, and what it is.
    fn value(&mut self, operand: &Operand) -> Result<(Expression, Kind), Mistake> {
        match &operand.what {
            Valued::Word(word) if self.record.is_none() => {
                if word == SUBJECT {
                    return Ok((Expression::Subject, self.subject.clone()));
                }
                Err(Mistake::new(operand.at.clone(), "a sign is missing: write `< 3`, `2..5`, `in {1, 3}` or a number"))
            }
            Valued::Word(word) => {
                let Some(field) = self.find(word) else { return Err(self.unknown(word, operand)) };
                if Some(field.record) != self.record {
                    let (of, asked) = (field.record.type_name(), self.record.map_or("", RecordKind::type_name));
                    let reason = format!("`{word}` is a field of {of} records; this asks about {asked} records");
                    return Err(Mistake::new(operand.at.clone(), reason));
                }
                let access = Access::new(&field);
                let kind = field.kind.clone();
                if !self.fields.contains(&field) {
                    self.fields.push(field);
                }
                Ok((Expression::Field(access), kind))
            }
            Valued::Quoted(_) | Valued::Letter(_) => {
                Err(Mistake::new(operand.at.clone(), "two constants are compared; one side must be a field"))
            }
            Valued::Slice(..) | Valued::Layers(..) => {
                Err(Mistake::new(operand.at.clone(), "`[...]` and `#` are for packets; fields of records have neither"))
            }
            Valued::Negative(inner) => {
                let (value, kind) = self.number(inner)?;
                Ok((Expression::Negative(Box::new(value)), kind))
            }
            Valued::Arithmetic(sum, left, right) => self.arithmetic(*sum, left, right, operand),
            Valued::Call(name, arguments) => self.call(name, arguments, operand),
        }
    }

    fn number(&mut self, operand: &Operand) -> Result<(Expression, Kind), Mistake> {
        let (value, kind) = self.value(operand)?;
        if !kind.is_number() && kind != Kind::Moment {
            return Err(Mistake::new(operand.at.clone(), format!("{} is nothing to compute with", kind.words())));
        }
        Ok((value, kind))
    }

    fn arithmetic(
        &mut self,
        sum: Sum,
        left: &Operand,
        right: &Operand,
        whole: &Operand,
    ) -> Result<(Expression, Kind), Mistake> {
        let adds = matches!(sum, Sum::Plus | Sum::Minus);
        let beside = |kind: &Kind| match kind {
            Kind::Moment | Kind::Duration if adds => Kind::Duration,
            _ => Kind::Number,
        };
        let ((left, left_kind), (right, right_kind)) = if self.is_constant(left) {
            let (value, kind) = self.number(right)?;
            let wanted = beside(&kind);
            ((self.suiting(left, &wanted)?, wanted), (value, kind))
        } else {
            let (value, kind) = self.number(left)?;
            let right = if self.is_constant(right) {
                let wanted = beside(&kind);
                (self.suiting(right, &wanted)?, wanted)
            } else {
                self.number(right)?
            };
            ((value, kind), right)
        };
        let kind = match (sum, &left_kind, &right_kind) {
            (Sum::Minus, Kind::Moment, Kind::Moment) => Kind::Duration,
            (Sum::Plus | Sum::Minus, Kind::Moment, _) | (Sum::Plus, _, Kind::Moment) => Kind::Moment,
            (_, Kind::Moment, _) | (_, _, Kind::Moment) => {
                return Err(Mistake::new(whole.at.clone(), "a moment is nothing to compute with but + and -"));
            }
            (Sum::Divided, Kind::Duration, Kind::Duration) => Kind::Number,
            (_, Kind::Duration, _) | (_, _, Kind::Duration) => Kind::Duration,
            _ => Kind::Number,
        };
        Ok((Expression::Arithmetic(sum, Box::new(left), Box::new(right)), kind))
    }

    fn call(&mut self, name: &str, arguments: &[Operand], whole: &Operand) -> Result<(Expression, Kind), Mistake> {
        let functions = [
            ("count", Function::Count),
            ("len", Function::Length),
            ("lower", Function::Lower),
            ("upper", Function::Upper),
        ];
        let Some((_, function)) = functions.iter().find(|(known, _)| *known == name) else {
            let near = filter::nearest(name, functions.iter().map(|(known, _)| *known));
            let reason = format!("`{name}` is no function; there are count, len, lower and upper");
            return Err(Mistake::new(whole.at.clone(), reason).suggest(near.map(|near| format!("`{near}`"))));
        };
        let [argument] = arguments else {
            return Err(Mistake::new(whole.at.clone(), format!("`{name}` takes one field")));
        };
        let (value, kind) = self.value(argument)?;
        let is_text = matches!(kind, Kind::Text | Kind::Named(_, false) | Kind::Version);
        let result = match function {
            Function::Count => Kind::Number,
            _ if !is_text => {
                return Err(Mistake::new(argument.at.clone(), format!("{} is no text", kind.words())));
            }
            Function::Length => Kind::Number,
            Function::Lower | Function::Upper => Kind::Text,
        };
        Ok((Expression::Call(*function, Box::new(value)), result))
    }

    /// A value that must go with `wanted`; a constant is read as one.
    fn suiting(&mut self, operand: &Operand, wanted: &Kind) -> Result<Expression, Mistake> {
        // `close.initiator == client`: a word that is a value here is no field, though there is one of this name.
        let is_word = matches!((&operand.what, wanted), (Valued::Word(word), Kind::Named(words, _))
            if words.iter().any(|known| known == word));
        if !is_word && !self.is_constant(operand) {
            let (value, kind) = self.value(operand)?;
            let alike = |kind: &Kind| match kind {
                Kind::Named(_, false) | Kind::Pairs => Kind::Text,
                Kind::Packet => Kind::Number,
                other => other.clone(),
            };
            if alike(&kind) != alike(wanted) {
                let reason = format!("{} cannot be compared with {}", wanted.words(), kind.words());
                return Err(Mistake::new(operand.at.clone(), reason));
            }
            return Ok(value);
        }
        let written = match &operand.what {
            Valued::Word(word) => Written::Word(word),
            Valued::Quoted(bytes) => Written::Quoted(bytes),
            Valued::Letter(letter) => Written::Quoted(std::slice::from_ref(letter)),
            Valued::Negative(inner) => {
                return Ok(Expression::Negative(Box::new(self.suiting(inner, wanted)?)));
            }
            Valued::Arithmetic(sum, left, right) => {
                let (left, right) = (self.suiting(left, wanted)?, self.suiting(right, wanted)?);
                return Ok(Expression::Arithmetic(*sum, Box::new(left), Box::new(right)));
            }
            _ => return Err(Mistake::new(operand.at.clone(), "a field or a value is missing here")),
        };
        datum::read(written, wanted).map(Expression::Constant).map_err(|(reason, near)| {
            // A word with dots is probably a field that is misspelt.
            match &operand.what {
                Valued::Word(word) if looks_like_field(word) => self.unknown(word, operand),
                _ => Mistake::new(operand.at.clone(), reason).suggest(near),
            }
        })
    }

    fn unknown(&self, word: &str, operand: &Operand) -> Mistake {
        unknown_field(word, self.record, operand.at.clone())
    }
}

fn looks_like_field(word: &str) -> bool {
    word.split_once('.').is_some_and(|(first, rest)| fields::kind_named(first).is_some() && !rest.is_empty())
}

/// That `word` is no field, and which one was probably meant. `record`: of what type of record it should be.
pub fn unknown_field(word: &str, record: Option<RecordKind>, at: std::ops::Range<usize>) -> Mistake {
    let within = record.map(|record| format!("{}.", record.type_name())).unwrap_or_default();
    let of_record = || fields::all().keys().filter(|path| path.starts_with(&within)).map(String::as_str);
    // A type that is meant need not be written.
    let short = || of_record().filter_map(|path| path.strip_prefix(within.as_str()));
    let all = || fields::all().keys().map(String::as_str);
    // The end of a path is what people remember: `ttfb_ns`, `server_name`.
    let ending = || all().find(|path| path.rsplit('.').next() == word.rsplit('.').next());
    let near = filter::nearest(word, of_record())
        .or_else(|| filter::nearest(word, short()))
        .or_else(|| filter::nearest(word, all()))
        .or_else(ending);
    let help = if near.is_none() { "; `wireglass schema` describes all" } else { "" };
    let reason = format!("`{word}` is no field of a record{help}");
    Mistake::new(at, reason).suggest(near.map(|near| format!("`{near}`")))
}

/// Told of each value; answers whether it has seen enough.
type Sink<'s> = &'s mut dyn FnMut(&Datum) -> bool;

impl Access {
    /// Of a field.
    #[must_use]
    pub fn new(field: &Field) -> Self {
        Self { steps: field.steps(), kind: field.kind.clone(), pair: field.pair.clone() }
    }

    /// Tells `sink` of each value in `record`, and answers whether it had seen enough.
    pub fn each(&self, record: &Value, sink: Sink<'_>) -> bool {
        self.walk(record, &self.steps, sink)
    }

    fn walk(&self, value: &Value, steps: &[String], sink: Sink<'_>) -> bool {
        match (value, steps) {
            (Value::Array(pairs), []) if self.pair.is_some() || self.kind == Kind::Pairs => {
                pairs.iter().filter_map(|pair| self.pair_text(pair)).any(|text| sink(&Datum::Text(text)))
            }
            (Value::Array(elements), steps) => elements.iter().any(|element| self.walk(element, steps, sink)),
            (value, []) => datum::of(value, &self.kind).is_some_and(|datum| sink(&datum)),
            (Value::Object(fields), [step, rest @ ..]) => {
                fields.get(step).is_some_and(|value| self.walk(value, rest, sink))
            }
            _ => false,
        }
    }

    /// `name: value`, or the value alone of the name that is asked for.
    fn pair_text(&self, pair: &Value) -> Option<String> {
        let (name, value) = (pair.get(0)?.as_str()?, pair.get(1)?.as_str()?);
        match &self.pair {
            Some(wanted) => name.eq_ignore_ascii_case(wanted).then(|| value.to_owned()),
            None => Some(format!("{name}: {value}")),
        }
    }
}

impl Test {
    fn holds(&self, asking: Asking<'_>) -> bool {
        match self {
            Self::All(tests) => tests.iter().all(|test| test.holds(asking)),
            Self::Any(tests) => tests.iter().any(|test| test.holds(asking)),
            Self::Xor(left, right) => left.holds(asking) != right.holds(asking),
            Self::Not(test) => !test.holds(asking),
            Self::There(value) => value.each(asking, &mut |_| true),
            Self::True(value) => value.each(asking, &mut |datum| *datum == Datum::Flag(true)),
            Self::Compare { left, order, right, always } => extent(*always, &mut |verdicts| {
                left.each(asking, &mut |left| right.each(asking, &mut |right| verdicts(order.holds(left, right))))
            }),
            Self::Matches { left, pattern, always } => extent(*always, &mut |verdicts| {
                left.each(asking, &mut |value| {
                    verdicts(value.text().is_some_and(|text| pattern.is_match(text.as_bytes())))
                })
            }),
            Self::In { left, set, always } => extent(*always, &mut |verdicts| {
                left.each(asking, &mut |value| {
                    verdicts(set.iter().any(|(first, last)| match last {
                        None => first.each(asking, &mut |first| Order::Equal.holds(value, first)),
                        Some(last) => {
                            first.each(asking, &mut |first| Order::GreaterOrEqual.holds(value, first))
                                && last.each(asking, &mut |last| Order::LessOrEqual.holds(value, last))
                        }
                    }))
                })
            }),
        }
    }
}

/// Told of each verdict; answers whether it has heard enough.
type Verdicts<'s> = dyn FnMut(bool) -> bool + 's;

/// Whether one verdict is true, or with `always` all are and there is one.
fn extent(always: bool, ask: &mut dyn FnMut(&mut Verdicts<'_>) -> bool) -> bool {
    let mut any = false;
    let decided = ask(&mut |verdict| {
        any = true;
        verdict != always
    });
    if always { any && !decided } else { decided }
}

impl Order {
    fn holds(self, left: &Datum, right: &Datum) -> bool {
        match self {
            Self::Contains => match (left.text(), right.text()) {
                (Some(left), Some(right)) => left.contains(right),
                _ => false,
            },
            Self::Equal => left.equals(right) == Some(true),
            Self::Different => left.equals(right) == Some(false),
            Self::Less => left.compare(right).is_some_and(std::cmp::Ordering::is_lt),
            Self::LessOrEqual => left.compare(right).is_some_and(std::cmp::Ordering::is_le),
            Self::Greater => left.compare(right).is_some_and(std::cmp::Ordering::is_gt),
            Self::GreaterOrEqual => left.compare(right).is_some_and(std::cmp::Ordering::is_ge),
        }
    }
}

impl Expression {
    fn each(&self, asking: Asking<'_>, sink: Sink<'_>) -> bool {
        match self {
            Self::Field(access) => match asking {
                Asking::Record(record) => access.each(record, sink),
                Asking::Number(_) => false,
            },
            Self::Subject => match asking {
                Asking::Number(number) => sink(number),
                Asking::Record(_) => false,
            },
            Self::Constant(datum) => sink(datum),
            Self::Negative(inner) => inner.each(asking, &mut |value| {
                computed(Sum::Minus, &Datum::Number(0), value).is_some_and(|negative| sink(&negative))
            }),
            Self::Arithmetic(sum, left, right) => left.each(asking, &mut |left| {
                right.each(asking, &mut |right| computed(*sum, left, right).is_some_and(|result| sink(&result)))
            }),
            Self::Call(Function::Count, inner) => {
                let mut count = 0;
                inner.each(asking, &mut |_| {
                    count += 1;
                    false
                });
                sink(&Datum::Number(count))
            }
            Self::Call(function, inner) => inner.each(asking, &mut |value| {
                let text = value.text().unwrap_or_default();
                sink(&match function {
                    Function::Lower => Datum::Text(text.to_lowercase()),
                    Function::Upper => Datum::Text(text.to_uppercase()),
                    _ => Datum::Number(i128::try_from(text.chars().count()).unwrap_or_default()),
                })
            }),
        }
    }
}

fn computed(sum: Sum, left: &Datum, right: &Datum) -> Option<Datum> {
    if let (Datum::Number(left), Datum::Number(right)) = (left, right) {
        let whole = match sum {
            Sum::Plus => left.checked_add(*right),
            Sum::Minus => left.checked_sub(*right),
            Sum::Times => left.checked_mul(*right),
            Sum::And => Some(left & right),
            Sum::Remainder => left.checked_rem(*right),
            Sum::Divided => left.checked_rem(*right).filter(|rest| *rest == 0).and_then(|_| left.checked_div(*right)),
        };
        if whole.is_some() || !matches!(sum, Sum::Divided) || *right == 0 {
            return whole.map(Datum::Number);
        }
    }
    let (left, right) = (left.fraction()?, right.fraction()?);
    let result = match sum {
        Sum::Plus => left + right,
        Sum::Minus => left - right,
        Sum::Times => left * right,
        Sum::Divided => left / right,
        Sum::Remainder => left % right,
        Sum::And => return None,
    };
    result.is_finite().then_some(Datum::Fraction(result))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn holds(text: &str, record: &Value) -> bool {
        Question::new(text, RecordKind::Tls).unwrap_or_else(|mistake| panic!("{text}: {mistake:?}")).holds(record)
    }

    #[test]
    fn questions_are_answered() {
        let record = json!({
            "client": {"address": "10.77.1.1", "port": 58760}, "version": "TLS 1.3", "alpn": null, "decrypted": false,
            "outcome": "established", "phases": [{"side": "client", "waiting_for": "network"}], "handshake_ns": 2_931_000, "certificates": [],
            "client_hellos": [{"server_name": "a.example", "cipher_suites": [4866, 4867], "alpn": ["h2"],
                               "ts": "2026-11-20T20:27:34.988952000Z"},
                              {"server_name": "b.example", "cipher_suites": [4865], "alpn": []}],
        });
        for (text, expected) in [
            ("tls.version >= 1.2 and tls.outcome == established", true),
            ("version >= \"TLS 1.3\"", true),
            ("version >= TLS 1.3 && version < 1.4", true),
            ("version == 1.2", false),
            ("1.2 < version", true),
            ("alpn == null", true),
            ("alpn != null", false),
            ("alpn != \"h2\"", false),
            ("not alpn", true),
            ("decrypted", false),
            ("decrypted == false", true),
            ("certificates", false),
            ("certificates == null", true),
            ("client_hellos.server_name == \"b.example\"", true),
            ("client_hellos.server_name != \"b.example\"", false),
            ("all client_hellos.server_name matches \"\\\\.example$\"", true),
            ("client_hellos.server_name in {\"x\", \"a.example\"}", true),
            ("count(client_hellos) == 2", true),
            ("count(client_hellos.cipher_suites) == 3", true),
            ("client_hellos.cipher_suites in {4860..4865}", true),
            ("handshake_ns < 3 ms", true),
            ("handshake_ns < 2.5 ms", false),
            ("handshake_ns * 2 > 5 ms and handshake_ns / 2 < 1.5 ms", true),
            ("client.address in {10.0.0.0/8}", true),
            ("client.address == 10.77.0.0/16 and client.port > 1024", true),
            ("client_hellos.ts > \"2026-11-20 20:27:34\"", true),
            ("client_hellos.ts > 2026-11-21", false),
            ("server_name contains \"x\"", false),
            ("len(outcome) == 11 xor decrypted", true),
            ("phases.side == client and phases.waiting_for != server", true),
        ] {
            assert_eq!(holds(text, &record), expected, "{text}");
        }
    }

    #[test]
    fn headers_are_pairs() {
        let record = json!({"response": {"headers": [["Server", "nginx"], ["content-type", "text/html"]]}});
        let holds = |text| Question::new(text, RecordKind::Http).unwrap().holds(&record);
        assert!(holds("http.response.headers.server == \"nginx\""));
        assert!(holds("response.headers.content-type contains \"html\""));
        assert!(holds("response.headers matches \"^server: ngi\""));
        assert!(!holds("response.headers.etag"));
    }

    #[test]
    fn severities_have_an_order() {
        let holds = |text, severity| {
            Question::new(text, RecordKind::Finding).unwrap().holds(&json!({"severity": severity, "code": "a.b"}))
        };
        assert!(holds("severity > note", "warning"));
        assert!(holds("finding.severity >= error", "error"));
        assert!(!holds("severity > note", "note"));
    }

    #[test]
    fn mistakes_are_told_where_they_are() {
        for (text, place, reason, suggestion) in [
            ("tls.versoin >= 1.2", 0..11, "no field", Some("`tls.version`")),
            ("outcom == established", 0..6, "no field", Some("`outcome`")),
            ("outcome == establshed", 11..21, "never its value", Some("`established`")),
            ("http.ttfb_ns < 3 ms", 0..12, "field of http", None),
            ("handshake_ns < 3 MB", 15..19, "not a duration", None),
            ("version >= new", 11..14, "not a version", None),
            ("outcome < failed", 10..16, "neither less nor more", None),
            ("handshake_ns contains \"1\"", 22..25, "contains nothing", Some("`==`")),
            ("handshake_ns[0:2] == 3", 0..17, "for packets", None),
            ("cuont(certificates) > 1", 0..19, "no function", Some("`count`")),
            ("version matches x", 16..17, "double quotes", None),
            ("client == 3", 10..11, "group of fields", None),
            ("\"a\" == \"b\"", 0..3, "two constants", None),
            ("version >=", 10..10, "missing", None),
            ("", 0..0, "empty", None),
        ] {
            let mistake = Question::new(text, RecordKind::Tls).unwrap_err();
            assert_eq!(mistake.at, place, "{text}: {mistake:?}");
            assert!(mistake.reason.contains(reason), "{text}: {mistake:?}");
            assert_eq!(mistake.suggestion.as_deref(), suggestion, "{text}: {mistake:?}");
        }
    }

    #[test]
    fn what_a_number_has_to_be() {
        let holds = |text: &str, number| {
            Question::of_number(text, &Kind::Duration).unwrap_or_else(|m| panic!("{text}: {m:?}")).holds_of(&number)
        };
        assert!(holds("< 200 ms", Datum::Number(199_999_999)));
        assert!(!holds("< 200 ms", Datum::Number(200_000_000)));
        assert!(holds("= 3", Datum::Number(3)) && holds("3", Datum::Number(3)) && holds(" == 3", Datum::Number(3)));
        assert!(holds("1 ms..2 ms", Datum::Number(1_500_000)) && !holds("1..2", Datum::Number(3)));
        assert!(holds("in {1, 5..9}", Datum::Number(7)));
        assert!(holds(">= 1 and value < 9", Datum::Fraction(8.9)));
        let mistake = Question::of_number("< 200 mss", &Kind::Duration).unwrap_err();
        assert_eq!(mistake.at, 6..9, "{mistake:?}");
        assert!(Question::of_number("tls.version", &Kind::Number).is_err());
    }

    proptest! {
        #[test]
        fn nothing_that_is_typed_panics(text in "[ a-z._<>=!(){}\"0-9,#\\[\\]-]{0,60}") {
            if let Err(mistake) = Question::new(&text, RecordKind::Tls) {
                prop_assert!(mistake.at.start <= mistake.at.end && mistake.at.end <= text.len());
            }
            if let Err(mistake) = Question::of_number(&text, &Kind::Duration) {
                prop_assert!(mistake.at.start <= mistake.at.end);
            }
        }
    }
}
