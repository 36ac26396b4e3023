//! Assertions: what is asked of the records of a type, and what is remembered of them until the capture has ended.
use std::collections::BTreeMap;

use serde_json::Value;

use super::{
    datum::{self, Datum},
    fields::{self, Field},
    question::{Access, Question},
    verdict::{Proof, Verdict},
};
use crate::{
    limits::{MAX_CHECK_NUMBERS, MAX_CHECK_VALUES, MAX_OFFENDERS},
    record::{Record, RecordKind},
};

/// One `[[check]]`.
#[derive(Clone, Debug)]
pub struct Assertion {
    /// What it is called: its `name`, or what it asks.
    pub name: String,
    /// What it asks, as a sentence.
    pub asks: String,
    /// Where it is in the SPEC, from 1.
    pub line: usize,
    /// The type of record it is about.
    pub record: RecordKind,
    /// Only records of which this holds.
    pub condition: Option<Question>,
    /// What is asked of them.
    pub kind: Kind,
}

/// What is asked of records.
#[derive(Clone, Debug)]
pub enum Kind {
    /// Something holds of each.
    Every {
        /// What.
        expect: Box<Question>,
        /// Whether there need not be any.
        allow_empty: bool,
    },
    /// There is one.
    Exists,
    /// There is none.
    None,
    /// So many there are.
    Count(Expected),
    /// A field's values as a set.
    Values {
        /// The field.
        field: Field,
        /// How the sets stand to each other.
        set: Set,
        /// The values, sorted.
        texts: Vec<String>,
    },
    /// A number made of a field's values.
    Measure {
        /// The field.
        field: Field,
        /// How.
        measure: Measure,
        /// What it has to be.
        is: Expected,
    },
}

/// What a number has to be.
#[derive(Clone, Debug)]
pub struct Expected {
    /// As it was written.
    pub text: String,
    /// The same, to be asked.
    pub question: Box<Question>,
}

/// How the values that are seen stand to those that are listed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Set {
    /// They are the same.
    Exactly,
    /// Nothing is seen that is not listed.
    Among,
    /// All that is listed is seen.
    Include,
}

impl Set {
    /// Between the subject and the list.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Exactly => "are exactly",
            Self::Among => "are among",
            Self::Include => "include",
        }
    }
}

/// How many values become one number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Measure {
    /// The least.
    Least,
    /// The greatest.
    Most,
    /// The arithmetic mean.
    Mean,
    /// All together.
    Sum,
    /// The least value that so many of a hundred do not exceed (nearest rank).
    Percentile(f64),
}

impl Assertion {
    /// The fields it names.
    pub fn fields(&self) -> impl Iterator<Item = &Field> {
        let of_condition = self.condition.iter().flat_map(|question| &question.fields);
        let (expect, field) = match &self.kind {
            Kind::Every { expect, .. } => (Some(expect), None),
            Kind::Values { field, .. } | Kind::Measure { field, .. } => (None, Some(field)),
            _ => (None, None),
        };
        of_condition.chain(expect.into_iter().flat_map(|question| &question.fields)).chain(field)
    }
}

/// What is remembered of the records that an assertion is about.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Records that match.
    matched: u64,
    /// Those of them that are wrong.
    wrong: u64,
    /// The first of these; of a count or a measure, the first that matched or the greatest.
    proofs: Vec<Proof>,
    /// Numbers, each with its record's proof where it is among the first.
    numbers: Vec<f64>,
    /// Values of a set, with the first record that had it.
    values: BTreeMap<String, Proof>,
    /// More came than is kept.
    is_full: bool,
    /// The greatest values and their records.
    greatest: Vec<(f64, Proof)>,
    least: Option<(f64, Proof)>,
}

impl State {
    /// Takes a record, of the assertion's type.
    pub fn take(&mut self, assertion: &Assertion, record: &Record, value: &Value) {
        if assertion.condition.as_ref().is_some_and(|condition| !condition.holds(value)) {
            return;
        }
        self.matched = self.matched.saturating_add(1);
        let proof = || Proof::of(record, value, assertion.fields());
        match &assertion.kind {
            Kind::Every { expect, .. } => {
                if !expect.holds(value) {
                    self.is_wrong(proof);
                }
            }
            Kind::None | Kind::Count(_) => self.is_wrong(proof),
            Kind::Exists => {}
            Kind::Values { field, set, texts } => self.values(field, *set, texts, value, &proof),
            Kind::Measure { field, .. } => self.numbers(field, value, &proof),
        }
    }

    fn is_wrong(&mut self, proof: impl Fn() -> Proof) {
        self.wrong = self.wrong.saturating_add(1);
        if self.proofs.len() < MAX_OFFENDERS {
            self.proofs.push(proof());
        }
    }

    fn values(&mut self, field: &Field, set: Set, texts: &[String], value: &Value, proof: &dyn Fn() -> Proof) {
        let mut is_foreign = false;
        let mut take = |text: String| {
            is_foreign |= set != Set::Include && texts.binary_search(&text).is_err();
            if !self.values.contains_key(&text) {
                if self.values.len() >= MAX_CHECK_VALUES {
                    self.is_full = true;
                    return;
                }
                self.values.insert(text, proof());
            }
        };
        // Words with an order are numbers when they are compared, and words when they are listed.
        let shown = Field { kind: as_shown(&field.kind), ..field.clone() };
        Access::new(&shown).each(value, &mut |datum| {
            take(datum.to_string());
            false
        });
        if is_foreign {
            self.is_wrong(proof);
        }
    }

    fn numbers(&mut self, field: &Field, value: &Value, proof: &dyn Fn() -> Proof) {
        Access::new(field).each(value, &mut |datum| {
            let Some(number) = datum.fraction() else { return false };
            if self.numbers.len() >= MAX_CHECK_NUMBERS {
                self.is_full = true;
                return true;
            }
            self.numbers.push(number);
            if self.greatest.len() < MAX_OFFENDERS || self.greatest.last().is_some_and(|(least, _)| number > *least) {
                let place = self.greatest.partition_point(|(other, _)| *other >= number);
                self.greatest.insert(place, (number, proof()));
                self.greatest.truncate(MAX_OFFENDERS);
            }
            if self.least.as_ref().is_none_or(|(least, _)| number < *least) {
                self.least = Some((number, proof()));
            }
            false
        });
    }

    /// Whether the assertion holds, now that all records were seen.
    pub fn verdict(self, assertion: &Assertion) -> Verdict {
        let type_name = assertion.record.type_name();
        let records = |count: u64| format!("{count} {type_name} record{}", if count == 1 { "" } else { "s" });
        let mut verdict = Verdict {
            name: assertion.name.clone(),
            line: assertion.line,
            expected: assertion.asks.clone(),
            seen: self.matched,
            ..Verdict::default()
        };
        let matching = if assertion.condition.is_some() { " that match `where`" } else { "" };
        let nothing = || format!("no {type_name} record{matching}");
        if self.is_full {
            verdict.found =
                "more values than are kept: the capture is too large for this assertion; narrow its `where`".into();
            return verdict;
        }
        let (wrong, matched) = (self.wrong, self.matched);
        match &assertion.kind {
            Kind::Every { allow_empty, .. } if matched == 0 => {
                verdict.holds = *allow_empty;
                verdict.found = nothing();
                verdict.note =
                    (!allow_empty).then(|| "nothing was looked at: `allow_empty = true` lets this pass".to_owned());
            }
            Kind::Every { .. } => {
                verdict.holds = wrong == 0;
                verdict.found = match wrong {
                    0 => format!("all of {}", records(matched)),
                    1 => format!("1 of {} is not so", records(matched)),
                    wrong => format!("{wrong} of {} are not so", records(matched)),
                };
            }
            Kind::Exists => {
                verdict.holds = matched > 0;
                verdict.found = if matched > 0 { records(matched) } else { nothing() };
            }
            Kind::None => {
                verdict.holds = matched == 0;
                verdict.found = if matched > 0 { records(matched) } else { nothing() };
            }
            Kind::Count(is) => {
                verdict.holds = is.question.holds_of(&Datum::Number(matched.into()));
                verdict.found = format!("{}{matching}", records(matched));
            }
            Kind::Values { set, texts, .. } => {
                let missing: Vec<&str> = match set {
                    Set::Among => Vec::new(),
                    _ => texts.iter().filter(|text| !self.values.contains_key(*text)).map(String::as_str).collect(),
                };
                let foreign: Vec<&str> = match set {
                    Set::Include => Vec::new(),
                    _ => self
                        .values
                        .keys()
                        .filter(|text| texts.binary_search(text).is_err())
                        .map(String::as_str)
                        .collect(),
                };
                let is_empty = self.values.is_empty() && !texts.is_empty() && *set == Set::Among;
                verdict.holds = missing.is_empty() && foreign.is_empty() && !is_empty;
                let mut parts = Vec::new();
                if !foreign.is_empty() {
                    parts.push(format!("besides: {}", listed(&foreign)));
                }
                if !missing.is_empty() {
                    parts.push(format!("missing: {}", listed(&missing)));
                }
                if is_empty {
                    parts.push("no value at all".to_owned());
                }
                verdict.found = match verdict.holds {
                    true => format!("{} values in {}", self.values.len(), records(matched)),
                    false => parts.join("; "),
                };
            }
            Kind::Measure { field, measure, is } => {
                let Some(number) = measured(self.numbers, *measure) else {
                    verdict.found = format!("no value of {} in {}{matching}", field.path, records(matched));
                    return verdict;
                };
                let shown = match &field.kind {
                    fields::Kind::Duration => datum::duration(number),
                    _ => Datum::Fraction(number).to_string(),
                };
                verdict.holds = is.question.holds_of(&Datum::Fraction(number));
                verdict.found = format!("{shown} in {}{matching}", records(matched));
                if !verdict.holds {
                    verdict.proofs = match (measure, self.least) {
                        (Measure::Least, Some((_, proof))) => vec![proof],
                        _ => self.greatest.into_iter().map(|(_, proof)| proof).collect(),
                    };
                    verdict.proofs_total = verdict.proofs.len() as u64;
                }
                return verdict;
            }
        }
        if !verdict.holds {
            verdict.proofs = self.proofs;
            verdict.proofs_total = wrong;
        }
        verdict
    }
}

/// As a list shows values: words stay words.
fn as_shown(kind: &fields::Kind) -> fields::Kind {
    match kind {
        fields::Kind::Named(words, _) => fields::Kind::Named(words, false),
        fields::Kind::Moment => fields::Kind::Text,
        other => other.clone(),
    }
}

fn listed(texts: &[&str]) -> String {
    const SHOWN: usize = 10;
    let shown = texts.iter().take(SHOWN).copied().collect::<Vec<_>>().join(", ");
    match texts.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// One number of many; null of none.
fn measured(mut numbers: Vec<f64>, measure: Measure) -> Option<f64> {
    if numbers.is_empty() {
        return None;
    }
    #[allow(clippy::cast_precision_loss)] // far fewer than 2^53
    let count = numbers.len() as f64;
    match measure {
        Measure::Sum => Some(numbers.iter().sum()),
        Measure::Mean => Some(numbers.iter().sum::<f64>() / count),
        Measure::Least => numbers.into_iter().reduce(f64::min),
        Measure::Most => numbers.into_iter().reduce(f64::max),
        Measure::Percentile(percent) => {
            numbers.sort_by(f64::total_cmp);
            // Nearest rank: the least number that at least so many of a hundred do not exceed.
            #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // at most their number
            let rank = (percent / 100.0 * count).ceil() as usize;
            numbers.get(rank.saturating_sub(1)).copied()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_of_nearest_rank() {
        let numbers: Vec<f64> = (1..=20).map(f64::from).rev().collect();
        for (percent, expected) in [(95.0, 19.0), (100.0, 20.0), (50.0, 10.0), (0.0, 1.0), (96.0, 20.0), (5.0, 1.0)] {
            assert_eq!(measured(numbers.clone(), Measure::Percentile(percent)), Some(expected), "{percent}");
        }
        assert_eq!(measured(vec![7.0], Measure::Percentile(95.0)), Some(7.0));
        assert_eq!(measured(vec![], Measure::Percentile(95.0)), None);
        assert_eq!(measured(vec![1.0, 2.0, 6.0], Measure::Mean), Some(3.0));
        assert_eq!(measured(vec![1.0, 2.0, 6.0], Measure::Sum), Some(9.0));
        assert_eq!(measured(vec![4.0, 2.0, 6.0], Measure::Least), Some(2.0));
        assert_eq!(measured(vec![4.0, 2.0, 6.0], Measure::Most), Some(6.0));
    }
}
