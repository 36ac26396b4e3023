//! Tokens into a tree: what is asked of what. Which words are fields is [`super::check`]'s to say.
use std::ops::Range;

use super::{
    error::Mistake,
    lexer::{Piece, Placed, Token, tokens},
};
use crate::limits::{MAX_FILTER_BYTES, MAX_FILTER_DEPTH, MAX_FILTER_PATTERNS};

/// A question and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// The question.
    pub what: Asked,
    /// Its bytes of the filter.
    pub at: Range<usize>,
}

/// A question.
#[derive(Clone, Debug)]
pub(crate) enum Asked {
    /// All of them hold.
    All(Vec<Node>),
    /// One of them holds.
    Any(Vec<Node>),
    /// Exactly one of the two holds.
    Xor(Box<Node>, Box<Node>),
    /// It does not hold.
    Not(Box<Node>),
    /// An operand by itself: it is there, or it is not zero.
    Operand(Operand),
    /// Two values compared.
    Compare { left: Operand, relation: Relation, right: Operand, extent: Option<Extent> },
    /// `matches`.
    Matches { left: Operand, right: Operand, extent: Option<Extent> },
    /// `in {...}`: single values and ranges.
    In { left: Operand, set: Vec<(Operand, Option<Operand>)>, extent: Option<Extent> },
}

/// How two values are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    Equal,
    /// Holds for all values unless it is said otherwise.
    Different,
    /// `===`.
    AllEqual,
    /// `!==`.
    AnyDifferent,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Contains,
}

/// Whether a field that occurs several times must suit once or always.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Extent {
    Any,
    All,
}

/// A value and where it is.
#[derive(Clone, Debug)]
pub(crate) struct Operand {
    /// The value.
    pub what: Valued,
    /// Its bytes of the filter.
    pub at: Range<usize>,
}

/// A value.
#[derive(Clone, Debug)]
pub(crate) enum Valued {
    /// A field or a constant.
    Word(String),
    /// A constant in quotes.
    Quoted(Vec<u8>),
    /// A constant of one character.
    Letter(u8),
    /// Bytes of another value.
    Slice(Box<Operand>, Vec<Piece>),
    /// A field in some layers only.
    Layers(Box<Operand>, Vec<Piece>),
    /// A function of other values.
    Call(String, Vec<Operand>),
    /// Two numbers make one.
    Arithmetic(Sum, Box<Operand>, Box<Operand>),
    /// A number with the other sign.
    Negative(Box<Operand>),
}

/// How two numbers make one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sum {
    And,
    Plus,
    Minus,
    Times,
    Divided,
    Remainder,
}

/// Parses `text`.
pub(super) fn parse(text: &str) -> Result<Node, Mistake> {
    parse_joining(text, |_, _| false)
}

/// Parses `text`, in which two words that follow each other are one constant when `joins` says so: `200 ms`.
pub(crate) fn parse_joining(text: &str, joins: impl Fn(&str, &str) -> bool) -> Result<Node, Mistake> {
    if text.len() > MAX_FILTER_BYTES {
        return Err(Mistake::new(0..0, format!("the filter is longer than {MAX_FILTER_BYTES} bytes")));
    }
    let tokens = joined(tokens(text)?, joins);
    let mut parser = Parser { tokens: &tokens, place: 0, end: text.len(), depth: 0, chained: 0, patterns: 0 };
    if tokens.is_empty() {
        return Err(Mistake::new(0..0, "the filter is empty"));
    }
    let node = parser.any()?;
    match parser.peek() {
        None => Ok(node),
        Some((token, at)) => Err(unexpected(token, at.clone())),
    }
}

/// The tokens, pairs of words that are one constant put together.
fn joined(tokens: Vec<Placed>, joins: impl Fn(&str, &str) -> bool) -> Vec<Placed> {
    let mut put: Vec<Placed> = Vec::with_capacity(tokens.len());
    for (token, at) in tokens {
        if let (Token::Word(word), Some((Token::Word(before), place))) = (&token, put.last_mut())
            && joins(before, word)
        {
            before.push(' ');
            before.push_str(word);
            place.end = at.end;
            continue;
        }
        put.push((token, at));
    }
    put
}

struct Parser<'t> {
    tokens: &'t [Placed],
    place: usize,
    /// Where the text ends.
    end: usize,
    depth: usize,
    /// Operators that nest though nothing is in parentheses: `1 + 1 + 1`, `[0:9][1:2]`; the first of each chain not counted.
    chained: usize,
    /// Regular expressions.
    patterns: usize,
}

/// Words that are operators.
const RESERVED: [&str; 23] = [
    "and",
    "or",
    "xor",
    "not",
    "in",
    "eq",
    "ne",
    "gt",
    "lt",
    "ge",
    "le",
    "contains",
    "matches",
    "any_eq",
    "any_ne",
    "all_eq",
    "all_ne",
    "bitand",
    "bitwise_and",
    "any",
    "all",
    "AND",
    "OR",
];

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Placed> {
        self.tokens.get(self.place)
    }

    /// Whether the token is one of these signs or words; goes beyond it then.
    fn take(&mut self, names: &[&str]) -> Option<Range<usize>> {
        let (token, at) = self.peek()?;
        let is_it = match token {
            Token::Sign(sign) => names.contains(sign),
            Token::Word(word) => names.contains(&word.as_str()),
            _ => false,
        };
        is_it.then(|| {
            self.place += 1;
            at.clone()
        })
    }

    fn missing(&self, what: &str) -> Mistake {
        match self.peek() {
            None => Mistake::new(self.end..self.end, format!("{what} is missing at the end")),
            Some((token, at)) => {
                let Mistake { reason, suggestion, .. } = unexpected(token, at.clone());
                Mistake::new(at.clone(), format!("{what} is missing: {reason}")).suggest(suggestion)
            }
        }
    }

    fn deeper<T>(&mut self, parse: impl FnOnce(&mut Self) -> Result<T, Mistake>) -> Result<T, Mistake> {
        self.depth += 1;
        if self.depth > MAX_FILTER_DEPTH {
            let at = self.peek().map_or(self.end..self.end, |(_, at)| at.clone());
            return Err(Mistake::new(at, format!("more than {MAX_FILTER_DEPTH} levels inside each other")));
        }
        let parsed = parse(self);
        self.depth -= 1;
        parsed
    }

    /// Counts an operator of a chain that nests; `number` is its number within the chain.
    fn chained(&mut self, number: usize, at: &Range<usize>) -> Result<(), Mistake> {
        self.chained += usize::from(number > 1);
        if self.chained > MAX_FILTER_DEPTH {
            return Err(Mistake::new(
                at.clone(),
                format!("more than {MAX_FILTER_DEPTH} operators chained to numbers, slices or `xor`"),
            ));
        }
        Ok(())
    }

    fn chain(
        &mut self,
        signs: &[&str],
        next: fn(&mut Self) -> Result<Node, Mistake>,
        join: fn(Vec<Node>) -> Asked,
    ) -> Result<Node, Mistake> {
        let first = next(self)?;
        let start = first.at.start;
        let mut nodes = vec![first];
        while self.take(signs).is_some() {
            nodes.push(next(self)?);
        }
        let end = nodes.last().map_or(start, |node| node.at.end);
        Ok(match nodes.pop() {
            Some(only) if nodes.is_empty() => only,
            last => {
                nodes.extend(last);
                Node { what: join(nodes), at: start..end }
            }
        })
    }

    fn any(&mut self) -> Result<Node, Mistake> {
        self.chain(&["or", "||", "OR"], Self::xor, Asked::Any)
    }

    fn xor(&mut self) -> Result<Node, Mistake> {
        let mut left = self.all()?;
        let mut joined = 0usize;
        while self.take(&["xor", "^^"]).is_some() {
            joined += 1;
            let right = self.all()?;
            let at = left.at.start..right.at.end;
            self.chained(joined, &at)?;
            left = Node { what: Asked::Xor(Box::new(left), Box::new(right)), at };
        }
        Ok(left)
    }

    fn all(&mut self) -> Result<Node, Mistake> {
        self.chain(&["and", "&&", "AND"], Self::not, Asked::All)
    }

    fn not(&mut self) -> Result<Node, Mistake> {
        if let Some(at) = self.take(&["not", "!", "NOT"]) {
            let node = self.deeper(Self::not)?;
            let at = at.start..node.at.end;
            return Ok(Node { what: Asked::Not(Box::new(node)), at });
        }
        self.relation()
    }

    fn extent(&mut self) -> Option<Extent> {
        // Only in front of an operand: `any` by itself is no field anyway.
        if self.take(&["any"]).is_some() {
            return Some(Extent::Any);
        }
        self.take(&["all"]).map(|_| Extent::All)
    }

    fn relation(&mut self) -> Result<Node, Mistake> {
        let start = self.peek().map_or(self.end, |(_, at)| at.start);
        let extent = self.extent();
        if extent.is_none() && matches!(self.peek(), Some((Token::Sign("("), _))) {
            let node = self.parenthesis()?;
            // Parentheses around a value: it is part of a comparison.
            return match node {
                Node { what: Asked::Operand(operand), at } if self.continues() => {
                    let left = self.arithmetic_from(Operand { at, ..operand })?;
                    self.compared(left, None, start)
                }
                node => Ok(node),
            };
        }
        let left = self.operand()?;
        self.compared(left, extent, start)
    }

    fn parenthesis(&mut self) -> Result<Node, Mistake> {
        let Some(open) = self.take(&["("]) else { return Err(self.missing("a parenthesis")) };
        let node = self.deeper(Self::any)?;
        let Some(close) = self.take(&[")"]) else {
            return Err(match self.peek() {
                None => Mistake::new(open, "this parenthesis is never closed"),
                Some((token, at)) => unexpected(token, at.clone()),
            });
        };
        Ok(Node { at: open.start..close.end, ..node })
    }

    /// Whether an operator that takes a value follows.
    fn continues(&self) -> bool {
        let Some((token, _)) = self.peek() else { return false };
        match token {
            Token::Sign(sign) => !matches!(*sign, ")" | "}" | "," | "&&" | "||" | "^^" | ".." | "(" | "{"),
            Token::Word(word) => {
                let word = word.as_str();
                RESERVED.contains(&word) && !matches!(word, "and" | "or" | "xor" | "not" | "AND" | "OR")
            }
            Token::Slice(_) => true,
            _ => false,
        }
    }

    /// The rest of a comparison, of which `left` was read; several in a row all hold (`1 < tcp.len < 9`).
    fn compared(&mut self, left: Operand, extent: Option<Extent>, start: usize) -> Result<Node, Mistake> {
        let mut nodes: Vec<Node> = Vec::new();
        let mut left = left;
        loop {
            if let Some(node) = self.set_or_pattern(&left, extent, start)? {
                nodes.push(node);
                break;
            }
            let Some(relation) = self.relational() else { break };
            let right = self.operand()?;
            let at = left.at.start.min(start)..right.at.end;
            nodes.push(Node { what: Asked::Compare { left, relation, right: right.clone(), extent }, at });
            left = right;
        }
        let end = nodes.last().map_or(left.at.end, |node| node.at.end);
        Ok(match nodes.pop() {
            None if extent.is_some() => {
                return Err(Mistake::new(start..left.at.end, "`any` and `all` belong in front of a comparison"));
            }
            None => Node { at: left.at.clone(), what: Asked::Operand(left) },
            Some(only) if nodes.is_empty() => only,
            last => {
                nodes.extend(last);
                Node { what: Asked::All(nodes), at: start..end }
            }
        })
    }

    fn set_or_pattern(
        &mut self,
        left: &Operand,
        extent: Option<Extent>,
        start: usize,
    ) -> Result<Option<Node>, Mistake> {
        if self.take(&["matches", "~"]).is_some() {
            let right = self.operand()?;
            self.patterns += 1;
            if self.patterns > MAX_FILTER_PATTERNS {
                return Err(Mistake::new(
                    right.at,
                    format!("more than {MAX_FILTER_PATTERNS} regular expressions; join them with |"),
                ));
            }
            let at = start..right.at.end;
            return Ok(Some(Node { what: Asked::Matches { left: left.clone(), right, extent }, at }));
        }
        let mut negated = false;
        if let (Some((Token::Word(not), _)), Some((Token::Word(within), _))) =
            (self.peek(), self.tokens.get(self.place + 1))
            && not == "not"
            && within == "in"
        {
            negated = true;
            self.place += 1;
        }
        if self.take(&["in"]).is_none() {
            return Ok(None);
        }
        if self.take(&["{"]).is_none() {
            return Err(self.missing("a set in braces, as in `tcp.port in {80, 8000..8080}`,"));
        }
        let mut set = Vec::new();
        let end = loop {
            let first = self.operand()?;
            let last = if self.take(&[".."]).is_some() { Some(self.operand()?) } else { None };
            set.push((first, last));
            if let Some(at) = self.take(&["}"]) {
                break at.end;
            }
            if self.take(&[","]).is_none() {
                return Err(self.missing("a comma or `}`"));
            }
        };
        let at = start..end;
        let node = Node { what: Asked::In { left: left.clone(), set, extent }, at: at.clone() };
        Ok(Some(if negated { Node { what: Asked::Not(Box::new(node)), at } } else { node }))
    }

    fn relational(&mut self) -> Option<Relation> {
        let names: [(&[&str], Relation); 9] = [
            (&["==", "eq", "any_eq"], Relation::Equal),
            (&["!=", "ne", "all_ne"], Relation::Different),
            (&["===", "all_eq"], Relation::AllEqual),
            (&["!==", "~=", "any_ne"], Relation::AnyDifferent),
            (&["<=", "le"], Relation::LessOrEqual),
            (&[">=", "ge"], Relation::GreaterOrEqual),
            (&["<", "lt"], Relation::Less),
            (&[">", "gt"], Relation::Greater),
            (&["contains"], Relation::Contains),
        ];
        names.iter().find(|(names, _)| self.take(names).is_some()).map(|(_, relation)| *relation)
    }

    fn operand(&mut self) -> Result<Operand, Mistake> {
        let sum = self.sum()?;
        self.bits_from(sum)
    }

    /// Goes on behind a value that was in parentheses.
    fn arithmetic_from(&mut self, value: Operand) -> Result<Operand, Mistake> {
        let value = self.selected(value)?;
        let product = self.product_from(value)?;
        let sum = self.sum_from(product)?;
        self.bits_from(sum)
    }

    fn bits_from(&mut self, left: Operand) -> Result<Operand, Mistake> {
        self.joined(left, &[(&["&", "bitand", "bitwise_and"], Sum::And)], Self::sum)
    }

    fn sum(&mut self) -> Result<Operand, Mistake> {
        let left = self.product()?;
        self.sum_from(left)
    }

    fn sum_from(&mut self, left: Operand) -> Result<Operand, Mistake> {
        self.joined(left, &[(&["+"], Sum::Plus), (&["-"], Sum::Minus)], Self::product)
    }

    fn product(&mut self) -> Result<Operand, Mistake> {
        let left = self.unary()?;
        self.product_from(left)
    }

    fn product_from(&mut self, left: Operand) -> Result<Operand, Mistake> {
        let signs: [(&[&str], Sum); 3] = [(&["*"], Sum::Times), (&["/"], Sum::Divided), (&["%"], Sum::Remainder)];
        self.joined(left, &signs, Self::unary)
    }

    fn joined(
        &mut self,
        mut left: Operand,
        signs: &[(&[&str], Sum)],
        next: fn(&mut Self) -> Result<Operand, Mistake>,
    ) -> Result<Operand, Mistake> {
        let mut joined = 0usize;
        while let Some(sum) = signs.iter().find(|(names, _)| self.take(names).is_some()).map(|(_, sum)| *sum) {
            joined += 1;
            let right = next(self)?;
            let at = left.at.start..right.at.end;
            self.chained(joined, &at)?;
            left = Operand { what: Valued::Arithmetic(sum, Box::new(left), Box::new(right)), at };
        }
        Ok(left)
    }

    fn unary(&mut self) -> Result<Operand, Mistake> {
        let Some(minus) = self.take(&["-"]) else { return self.value() };
        let operand = self.deeper(Self::unary)?;
        let at = minus.start..operand.at.end;
        Ok(match operand.what {
            // A negative constant.
            Valued::Word(word) if minus.end == operand.at.start && word.starts_with(|c: char| c.is_ascii_digit()) => {
                Operand { what: Valued::Word(format!("-{word}")), at }
            }
            _ => Operand { what: Valued::Negative(Box::new(operand)), at },
        })
    }

    fn value(&mut self) -> Result<Operand, Mistake> {
        let Some((token, at)) = self.peek() else { return Err(self.missing("a field or a value")) };
        let at = at.clone();
        let what = match token {
            Token::Word(word) if RESERVED.contains(&word.as_str()) => return Err(self.missing("a field or a value")),
            Token::Word(word) => Valued::Word(word.clone()),
            Token::Quoted(bytes) => Valued::Quoted(bytes.clone()),
            Token::Letter(letter) => Valued::Letter(*letter),
            Token::Sign("{") => {
                self.place += 1;
                let inner = self.deeper(Self::operand)?;
                let Some(close) = self.take(&["}"]) else {
                    return Err(match self.peek() {
                        None => Mistake::new(at, "this brace is never closed"),
                        Some((token, at)) => unexpected(token, at.clone()),
                    });
                };
                return self.selected(Operand { at: at.start..close.end, ..inner });
            }
            Token::Sign("(") => {
                let node = self.parenthesis()?;
                let Asked::Operand(inner) = node.what else {
                    return Err(Mistake::new(node.at, "a question is no value to compare or to compute with"));
                };
                return self.selected(Operand { at: node.at, ..inner });
            }
            Token::Sign("@") => {
                return Err(Mistake::new(at, "`@` (the raw bytes of a field, Wireshark 4.2) is not supported"));
            }
            Token::Sign("$") => {
                return Err(Mistake::new(at, "`$` (macros and field references) is not supported"));
            }
            _ => return Err(self.missing("a field or a value")),
        };
        self.place += 1;
        if let Valued::Word(name) = &what
            && self.take(&["("]).is_some()
        {
            let name = name.clone();
            let (arguments, end) = self.arguments()?;
            return self.selected(Operand { what: Valued::Call(name, arguments), at: at.start..end });
        }
        self.selected(Operand { what, at })
    }

    /// Arguments of a function, and where they end.
    fn arguments(&mut self) -> Result<(Vec<Operand>, usize), Mistake> {
        let mut arguments = Vec::new();
        if let Some(at) = self.take(&[")"]) {
            return Ok((arguments, at.end));
        }
        loop {
            arguments.push(self.deeper(Self::operand)?);
            if let Some(at) = self.take(&[")"]) {
                return Ok((arguments, at.end));
            }
            if self.take(&[","]).is_none() {
                return Err(self.missing("a comma or `)`"));
            }
        }
    }

    /// `[...]` and `#...` behind a value.
    fn selected(&mut self, mut value: Operand) -> Result<Operand, Mistake> {
        let mut selected = 0usize;
        while let Some((token, at)) = self.peek() {
            let at = value.at.start..at.end;
            let what = match token {
                Token::Slice(pieces) => Valued::Slice(Box::new(value), pieces.clone()),
                Token::Layers(pieces) => Valued::Layers(Box::new(value), pieces.clone()),
                _ => break,
            };
            selected += 1;
            self.chained(selected, &at)?;
            value = Operand { what, at };
            self.place += 1;
        }
        Ok(value)
    }
}

/// A token that cannot stand where it does.
fn unexpected(token: &Token, at: Range<usize>) -> Mistake {
    match token {
        Token::Sign("=") => Mistake::new(at, "`=` compares nothing").suggest(Some("`==`")),
        Token::Sign("|") => Mistake::new(at, "`|` joins nothing").suggest(Some("`||`")),
        Token::Sign("^") => Mistake::new(at, "`^` joins nothing").suggest(Some("`^^`")),
        Token::Sign(sign) => Mistake::new(at, format!("`{sign}` cannot stand here")),
        Token::Word(word) if RESERVED.contains(&word.as_str()) => {
            Mistake::new(at, format!("`{word}` cannot stand here"))
        }
        Token::Word(word) if super::check::CAPTURE_WORDS.contains(&word.as_str()) => {
            Mistake::new(at, format!("`{word}` cannot stand here; is this a capture filter? Those go behind -f"))
        }
        Token::Word(word) => Mistake::new(at, format!("`{word}` cannot stand here: an operator is missing before it"))
            .suggest(
                super::nearest(word, ["contains", "matches", "and", "or", "not", "xor", "in"])
                    .map(|near| format!("`{near}`")),
            ),
        Token::Quoted(_) | Token::Letter(_) => Mistake::new(at, "an operator is missing before this constant"),
        Token::Slice(_) => Mistake::new(at, "there is nothing here to take bytes of"),
        Token::Layers(_) => Mistake::new(at, "there is no field here to select layers of"),
    }
}
