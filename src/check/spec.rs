//! A SPEC: TOML that a person writes, read into assertions and a snapshot. Every mistake has its place.
use std::ops::Range;

use serde_json::{Map, Number, Value};
use toml_edit::{Document, Item, Table, TableLike, Value as Toml};

use super::{
    assertion::{Assertion, Expected, Kind, Measure},
    fields::{self, Field},
    mistake::{Mistake, place},
    question::{Question, unknown_field},
    snapshot::{Ignored, Rule, Saved, Snapshot},
};
use crate::{
    filter,
    limits::{MAX_CHECKS, MAX_SNAPSHOT_RECORDS, MAX_SPEC_BYTES},
    record::{RecordKind, Wanted},
};

/// What a capture has to be like.
#[derive(Clone, Debug, Default)]
pub struct Spec {
    /// Its name as given.
    pub name: String,
    /// Captures, where none is given; paths from where the SPEC is.
    pub files: Vec<String>,
    /// TLS secrets; paths from where the SPEC is.
    pub keylog: Vec<String>,
    /// Certificates to trust besides Mozilla's; paths from where the SPEC is.
    pub ca: Vec<String>,
    /// Only what is made of packets that pass counts.
    pub filter: Option<filter::Filter>,
    /// The moment certificates are judged for besides the capture's own, as it was written.
    pub now: Option<String>,
    /// In the order in which they are written.
    pub assertions: Vec<Assertion>,
    /// What the records are compared with.
    pub snapshot: Option<Snapshot>,
}

const ROOT: [&str; 7] = ["files", "keylog", "ca", "filter", "now", "check", "snapshot"];
const CHECK: [&str; 18] = [
    "name",
    "where",
    "every",
    "expect",
    "allow_empty",
    "count",
    "exists",
    "none",
    "values",
    "exactly",
    "among",
    "include",
    "is",
    "min",
    "max",
    "mean",
    "median",
    "sum",
];
const SNAPSHOT: [&str; 3] = ["records", "normalise", "ignore"];

impl Spec {
    /// Reads `text`; `name` is what it is called in messages.
    ///
    /// # Errors
    /// The first mistake in it.
    pub fn parse(name: &str, text: &str) -> Result<Self, Mistake> {
        let reader = Reader { name, text };
        if text.len() > MAX_SPEC_BYTES {
            return Err(reader.wrong(0..0, format!("the SPEC is longer than {MAX_SPEC_BYTES} bytes")));
        }
        let document = Document::parse(text).map_err(|error| {
            let at = error.span().unwrap_or(0..0);
            let reason = error.message().lines().next().unwrap_or_default().to_owned();
            reader.wrong(at, format!("this is no TOML: {reason}"))
        })?;
        reader.spec(document.as_table())
    }

    /// The types of record that it asks for.
    #[must_use]
    pub fn wanted(&self) -> Wanted {
        let asked = self.assertions.iter().map(|assertion| assertion.record);
        let kept = self.snapshot.iter().flat_map(|snapshot| snapshot.records.iter().copied());
        asked.chain(kept).collect()
    }

    /// Its snapshot is about to be written: the types of record are chosen now, where it chooses none.
    pub fn will_be_blessed(&mut self) {
        let is_new = self.snapshot.is_none();
        let snapshot = self.snapshot.get_or_insert_with(Snapshot::default);
        if is_new {
            snapshot.rules = Rule::USUAL.to_vec();
        }
        snapshot.is_new = is_new;
        if snapshot.records.is_empty() {
            snapshot.records = super::snapshot::default_records();
        }
    }

    /// Whether an assertion asks about damage of the capture: then it is for the SPEC to say how bad it is.
    #[must_use]
    pub fn judges_damage(&self) -> bool {
        self.assertions.iter().any(|assertion| {
            assertion.fields().any(|field| field.path == "capture.damage" || field.path.starts_with("capture.damage."))
        })
    }
}

/// Whether `key` is `p95`, `p99.9`: what percentile it means.
fn percentile(key: &str) -> Option<f64> {
    let digits = key.strip_prefix('p')?;
    let is_number = digits.starts_with(|digit: char| digit.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    digits.parse().ok().filter(|percent| is_number && (0.0..=100.0).contains(percent))
}

struct Reader<'t> {
    name: &'t str,
    text: &'t str,
}

impl Reader<'_> {
    fn wrong(&self, at: Range<usize>, reason: impl Into<String>) -> Mistake {
        Mistake::new(self.name, self.text, at, reason)
    }

    fn known(&self, table: &dyn TableLike, known: &[&str], of: &str) -> Result<(), Mistake> {
        for (key, item) in table.iter() {
            if known.contains(&key) || of == "[[check]]" && percentile(key).is_some() {
                continue;
            }
            let at = key_span(table, key, item);
            let near = filter::nearest(key, known.iter().copied()).map(|near| format!("`{near}`"));
            let reason = format!("`{key}` means nothing in {of}; there are: {}", known.join(", "));
            return Err(self.wrong(at, reason).suggest(near));
        }
        Ok(())
    }

    fn spec(&self, root: &Table) -> Result<Spec, Mistake> {
        self.known(root, &ROOT, "a SPEC")?;
        let mut spec = Spec { name: self.name.to_owned(), ..Spec::default() };
        spec.files = self.texts(root, "files")?;
        spec.keylog = self.texts(root, "keylog")?;
        spec.ca = self.texts(root, "ca")?;
        spec.now = self.text(root, "now")?.map(|(text, _)| text);
        if let Some((text, value)) = self.text(root, "filter")? {
            let filter = filter::Filter::new(&text).map_err(|mistake| self.inside(value, &mistake))?;
            spec.filter = Some(filter);
        }
        if let Some(item) = root.get("check") {
            spec.assertions = self.assertions(root, item)?;
        }
        if let Some(item) = root.get("snapshot") {
            spec.snapshot = Some(self.snapshot(root, item)?);
        }
        Ok(spec)
    }

    fn assertions(&self, root: &Table, item: &Item) -> Result<Vec<Assertion>, Mistake> {
        let tables: Vec<&dyn TableLike> = match item {
            Item::ArrayOfTables(tables) => tables.iter().map(|table| table as &dyn TableLike).collect(),
            Item::Value(Toml::Array(array)) if array.iter().all(Toml::is_inline_table) => {
                array.iter().filter_map(Toml::as_inline_table).map(|table| table as &dyn TableLike).collect()
            }
            _ => {
                let at = key_span(root, "check", item);
                return Err(self.wrong(at, "assertions are written as [[check]], with double brackets"));
            }
        };
        if tables.len() > MAX_CHECKS {
            let at = key_span(root, "check", item);
            return Err(self.wrong(at, format!("more than {MAX_CHECKS} assertions: make several SPECs of them")));
        }
        let spans: Vec<Option<Range<usize>>> = match item {
            Item::ArrayOfTables(tables) => tables.iter().map(Table::span).collect(),
            Item::Value(Toml::Array(array)) => array.iter().map(Toml::span).collect(),
            _ => Vec::new(),
        };
        tables.into_iter().zip(spans).map(|(table, span)| self.assertion(table, span.unwrap_or(0..0))).collect()
    }

    fn assertion(&self, table: &dyn TableLike, span: Range<usize>) -> Result<Assertion, Mistake> {
        self.known(table, &CHECK, "[[check]]")?;
        let asks: Vec<(&str, &Item)> = table
            .iter()
            .filter(|(key, _)| {
                let one_of = ["every", "count", "exists", "none", "values", "min", "max", "mean", "median", "sum"];
                one_of.contains(key) || percentile(key).is_some()
            })
            .collect();
        let (asked, item) = match asks.as_slice() {
            [one] => *one,
            [] => {
                let reason = "this [[check]] asks nothing: it needs one of every, none, exists, count (= a type of record), \
                              or values, p95, median, min, max, mean, sum (= a field)";
                return Err(self.wrong(first_line(self.text, &span), reason));
            }
            [(first, _), (second, item), ..] => {
                let reason = format!("a [[check]] asks one thing: `{first}` or `{second}`, not both");
                return Err(self.wrong(key_span(table, second, item), reason));
            }
        };
        let (subject, value) = self.string(item, table, asked)?;
        let is_of_field = asked == "values" || measure(asked).is_some();
        let (record, field) = if is_of_field {
            let field = self.field(&subject, value)?;
            (field.record, Some(field))
        } else {
            (self.record(&subject, value)?, None)
        };
        let condition = self.question(table, "where", record)?;
        let (line, _) = place(self.text, key_span(table, asked, item).start);
        let expects = self.question(table, "expect", record)?;
        let is = self.number(table, field.as_ref())?;
        let sets = self.sets(table, field.as_ref())?;
        let kind = match (asked, field) {
            ("every", _) => {
                let Some(expect) = expects.clone() else {
                    let reason = "`every` needs `expect`: what each of them has to be, as in expect = 'version >= 1.2'";
                    return Err(self.wrong(key_span(table, asked, item), reason));
                };
                let allow_empty = self.flag(table, "allow_empty")?;
                Kind::Every { expect: Box::new(expect), allow_empty }
            }
            ("exists", _) => Kind::Exists,
            ("none", _) => Kind::None,
            ("count", _) => Kind::Count(self.needed_number(is.clone(), table, asked, item)?),
            ("values", Some(field)) => {
                let Some((set, texts)) = sets.clone() else {
                    let reason = "`values` needs `exactly`, `among` or `include`: a list of values";
                    return Err(self.wrong(key_span(table, asked, item), reason));
                };
                Kind::Values { field, set, texts }
            }
            (_, Some(field)) => {
                let Some(measure) = measure(asked) else { return Err(self.wrong(span, "nothing is asked")) };
                if !field.kind.is_number() {
                    let reason = format!("`{subject}` is {}: nothing to measure", field.kind.words());
                    return Err(self.wrong(self.within(value), reason));
                }
                Kind::Measure { field, measure, is: self.needed_number(is.clone(), table, asked, item)? }
            }
            _ => return Err(self.wrong(span, "nothing is asked")),
        };
        self.unused(table, &kind, &["expect", "allow_empty"], matches!(kind, Kind::Every { .. }), "every")?;
        let needs_number = matches!(kind, Kind::Count(_) | Kind::Measure { .. });
        self.unused(table, &kind, &["is"], needs_number, "count, p95, median, min, max, mean and sum")?;
        self.unused(table, &kind, &["exactly", "among", "include"], matches!(kind, Kind::Values { .. }), "values")?;
        let words = Words {
            subject: &subject,
            condition: self.text(table, "where")?.map(|(text, _)| text),
            expect: self.text(table, "expect")?.map(|(text, _)| text),
        };
        let asks = words.sentence(&kind, asked);
        let name = self.text(table, "name")?.map_or_else(|| asks.clone(), |(name, _)| name);
        Ok(Assertion { name, asks, line, record, condition, kind })
    }

    /// That keys are there only where they mean something.
    fn unused(
        &self,
        table: &dyn TableLike,
        kind: &Kind,
        keys: &[&str],
        is_right: bool,
        of: &str,
    ) -> Result<(), Mistake> {
        let found = keys.iter().find_map(|key| table.get(key).map(|item| (*key, item)));
        match found {
            Some((key, item)) if !is_right => {
                let suggestion =
                    (key == "expect" && matches!(kind, Kind::Exists | Kind::None)).then(|| "`where`".into());
                let reason = format!("`{key}` belongs to `{of}`, and means nothing here");
                Err(self.wrong(key_span(table, key, item), reason).suggest(suggestion))
            }
            _ => Ok(()),
        }
    }

    fn needed_number(
        &self,
        is: Option<Expected>,
        table: &dyn TableLike,
        asked: &str,
        item: &Item,
    ) -> Result<Expected, Mistake> {
        is.ok_or_else(|| {
            let reason =
                format!("`{asked}` needs `is`: a number, or what it has to be, as in is = \"< 3\" or \"2..5\"");
            self.wrong(key_span(table, asked, item), reason)
        })
    }

    fn record(&self, name: &str, value: &Toml) -> Result<RecordKind, Mistake> {
        fields::kind_named(name).ok_or_else(|| {
            let known: Vec<_> = fields::kinds().map(RecordKind::type_name).collect();
            let at = self.within(value);
            if fields::find(name, None).is_some() {
                let kind = name.split('.').next().unwrap_or_default();
                let reason = "a type of record is named here, and fields in `where` and `expect`";
                return self.wrong(at, reason).suggest(Some(format!("`{kind}`")));
            }
            let near = filter::nearest(name, known.iter().copied()).map(|near| format!("`{near}`"));
            self.wrong(at, format!("`{name}` is no type of record; there are: {}", known.join(", "))).suggest(near)
        })
    }

    fn field(&self, path: &str, value: &Toml) -> Result<Field, Mistake> {
        fields::find(path, None).ok_or_else(|| {
            let mistake = unknown_field(path, None, self.within(value));
            self.wrong(mistake.at, mistake.reason).suggest(mistake.suggestion)
        })
    }

    fn question(&self, table: &dyn TableLike, key: &str, record: RecordKind) -> Result<Option<Question>, Mistake> {
        let Some((text, value)) = self.text(table, key)? else { return Ok(None) };
        Question::new(&text, record).map(Some).map_err(|mistake| self.inside(value, &mistake))
    }

    /// `is`: what a number has to be.
    fn number(&self, table: &dyn TableLike, field: Option<&Field>) -> Result<Option<Expected>, Mistake> {
        let Some(item) = table.get("is") else { return Ok(None) };
        let text = match item.as_value() {
            Some(Toml::String(text)) => text.value().clone(),
            Some(Toml::Integer(number)) => number.value().to_string(),
            Some(Toml::Float(number)) => number.value().to_string(),
            _ => {
                let reason = "`is` is a number, or text such as \"< 3\", \"2..5\" or \"<= 200 ms\"";
                return Err(self.wrong(key_span(table, "is", item), reason));
            }
        };
        let kind = field.map_or(fields::Kind::Number, |field| field.kind.clone());
        let question = Question::of_number(&text, &kind).map_err(|mistake| match item.as_value() {
            Some(value @ Toml::String(_)) => self.inside(value, &mistake),
            _ => self.wrong(item.span().unwrap_or(0..0), mistake.reason),
        })?;
        Ok(Some(Expected { text, question: Box::new(question) }))
    }

    /// `exactly`, `among` or `include`.
    fn sets(
        &self,
        table: &dyn TableLike,
        field: Option<&Field>,
    ) -> Result<Option<(super::assertion::Set, Vec<String>)>, Mistake> {
        use super::assertion::Set;
        let mut found = None;
        for (key, set) in [("exactly", Set::Exactly), ("among", Set::Among), ("include", Set::Include)] {
            let Some(item) = table.get(key) else { continue };
            if found.is_some() {
                let reason = "only one of `exactly`, `among` and `include` can be asked at once";
                return Err(self.wrong(key_span(table, key, item), reason));
            }
            let Some(array) = item.as_array() else {
                return Err(
                    self.wrong(key_span(table, key, item), format!("`{key}` is a list: {key} = [\"a\", \"b\"]"))
                );
            };
            let mut values = Vec::with_capacity(array.len());
            for element in array {
                values.push(self.element(element, field)?);
            }
            values.sort();
            values.dedup();
            found = Some((set, values));
        }
        Ok(found)
    }

    /// A value of a set, as the field's values are shown.
    fn element(&self, element: &Toml, field: Option<&Field>) -> Result<String, Mistake> {
        let text = match element {
            Toml::String(text) => text.value().clone(),
            Toml::Integer(number) => number.value().to_string(),
            Toml::Float(number) => number.value().to_string(),
            Toml::Boolean(flag) => flag.value().to_string(),
            _ => return Err(self.wrong(element.span().unwrap_or(0..0), "a text, a number, true or false belongs here")),
        };
        // What a field can never be is a mistake, not a value that is missing.
        if let Some(Field { kind: kind @ (fields::Kind::Named(..) | fields::Kind::Address), .. }) = field {
            let read = super::datum::read(super::datum::Written::Quoted(text.as_bytes()), kind);
            let (reason, near) = match read {
                Ok(super::datum::Datum::Address(address)) => return Ok(address.to_string()),
                Ok(super::datum::Datum::Network(..)) => ("a set has single addresses".to_owned(), None),
                Ok(_) => return Ok(text),
                Err(mistake) => mistake,
            };
            return Err(self.wrong(self.within(element), reason).suggest(near));
        }
        Ok(text)
    }

    fn flag(&self, table: &dyn TableLike, key: &str) -> Result<bool, Mistake> {
        let Some(item) = table.get(key) else { return Ok(false) };
        item.as_bool().ok_or_else(|| self.wrong(key_span(table, key, item), format!("`{key}` is true or false")))
    }

    fn string<'i>(&self, item: &'i Item, table: &dyn TableLike, key: &str) -> Result<(String, &'i Toml), Mistake> {
        match item.as_value() {
            Some(value @ Toml::String(text)) => Ok((text.value().clone(), value)),
            _ => Err(self.wrong(key_span(table, key, item), format!("`{key}` is a text: {key} = \"...\""))),
        }
    }

    fn text<'i>(&self, table: &'i dyn TableLike, key: &str) -> Result<Option<(String, &'i Toml)>, Mistake> {
        table.get(key).map(|item| self.string(item, table, key)).transpose()
    }

    /// A text, or a list of them.
    fn texts(&self, table: &dyn TableLike, key: &str) -> Result<Vec<String>, Mistake> {
        let Some(item) = table.get(key) else { return Ok(Vec::new()) };
        if let Some(text) = item.as_str() {
            return Ok(vec![text.to_owned()]);
        }
        let texts: Option<Vec<String>> =
            item.as_array().and_then(|array| array.iter().map(|value| value.as_str().map(str::to_owned)).collect());
        texts.ok_or_else(|| self.wrong(key_span(table, key, item), format!("`{key}` is a text or a list of texts")))
    }

    /// The bytes inside a text's quotation marks.
    fn within(&self, value: &Toml) -> Range<usize> {
        let span = value.span().unwrap_or(0..0);
        let quotes = self.quotes(value);
        span.start.saturating_add(quotes)..span.end.saturating_sub(quotes).max(span.start.saturating_add(quotes))
    }

    fn quotes(&self, value: &Toml) -> usize {
        let raw = value.span().and_then(|span| self.text.get(span)).unwrap_or_default();
        match raw {
            raw if raw.starts_with("'''") || raw.starts_with("\"\"\"") => 3,
            raw if raw.starts_with(['\'', '"']) => 1,
            _ => 0,
        }
    }

    /// A mistake in the language that a text is in, moved to where that is in the SPEC.
    fn inside(&self, value: &Toml, mistake: &filter::Mistake) -> Mistake {
        let within = self.within(value);
        let raw = self.text.get(within.clone()).unwrap_or_default();
        let decoded = value.as_str().unwrap_or_default();
        // The first line break after three quotation marks does not count.
        let lead = raw.len().saturating_sub(raw.trim_start_matches(['\r', '\n']).len());
        let skipped =
            if raw == decoded { Some(0) } else { raw.get(lead..).filter(|raw| *raw == decoded).map(|_| lead) };
        let at = match skipped {
            Some(skipped) => {
                let moved = |at: usize| within.start.saturating_add(skipped).saturating_add(at).min(within.end);
                moved(mistake.at.start)..moved(mistake.at.end)
            }
            // There are escapes: columns inside are not those of the text. All of it is marked.
            None => within,
        };
        self.wrong(at, mistake.reason.clone()).suggest(mistake.suggestion.clone())
    }

    fn snapshot(&self, root: &Table, item: &Item) -> Result<Snapshot, Mistake> {
        let Some(table) = item.as_table() else {
            let reason = "a snapshot is written as [snapshot], by `wireglass check --bless`";
            return Err(self.wrong(key_span(root, "snapshot", item), reason));
        };
        let mut snapshot = Snapshot {
            line: place(self.text, key_span(root, "snapshot", item).start).0,
            rules: Rule::USUAL.to_vec(),
            ..Snapshot::default()
        };
        let chosen = self.list(table, "records", |text, element| self.record(text, element))?;
        snapshot.is_chosen = chosen.is_some();
        snapshot.records = chosen.unwrap_or_default();
        if let Some(rules) = self.list(table, "normalise", |text, element| {
            Rule::named(text).ok_or_else(|| {
                let known: Vec<_> = Rule::ALL.iter().map(|rule| rule.name()).collect();
                let near = filter::nearest(text, known.iter().copied()).map(|near| format!("`{near}`"));
                let reason = format!("`{text}` is no rule; there are: {}", known.join(", "));
                self.wrong(self.within(element), reason).suggest(near)
            })
        })? {
            snapshot.rules = rules;
        }
        let ignored = self.list(table, "ignore", |text, element| {
            Ignored::new(text).ok_or_else(|| {
                let mistake = unknown_field(text, None, self.within(element));
                self.wrong(mistake.at, mistake.reason + " (a path may begin with `*.`)").suggest(mistake.suggestion)
            })
        })?;
        snapshot.ignored = ignored.unwrap_or_default();
        for (key, item) in table.iter().filter(|(key, _)| !SNAPSHOT.contains(key)) {
            let at = || key_span(table, key, item);
            let Some(record) = fields::kinds().find(|kind| kind.list_name() == key) else {
                let known: Vec<_> = SNAPSHOT.into_iter().chain(fields::kinds().map(RecordKind::list_name)).collect();
                let near = filter::nearest(key, known.iter().copied()).map(|near| format!("`{near}`"));
                let reason = format!("`{key}` means nothing in [snapshot]");
                return Err(self.wrong(at(), reason).suggest(near));
            };
            let Some(tables) = item.as_array_of_tables() else {
                return Err(self.wrong(at(), format!("records are written as [[snapshot.{key}]]")));
            };
            if snapshot.saved.len().saturating_add(tables.len()) > MAX_SNAPSHOT_RECORDS {
                return Err(self.wrong(at(), format!("more than {MAX_SNAPSHOT_RECORDS} records in a snapshot")));
            }
            for table in tables {
                let line = place(self.text, table.span().unwrap_or(0..0).start).0;
                snapshot.saved.push(Saved { record, line, value: json(table) });
            }
            if !snapshot.is_chosen && !snapshot.records.contains(&record) {
                snapshot.records.push(record);
            }
        }
        Ok(snapshot)
    }

    fn list<T>(
        &self,
        table: &Table,
        key: &str,
        mut read: impl FnMut(&str, &Toml) -> Result<T, Mistake>,
    ) -> Result<Option<Vec<T>>, Mistake> {
        let Some(item) = table.get(key) else { return Ok(None) };
        let wrong = || self.wrong(key_span(table, key, item), format!("`{key}` is a list: {key} = [\"a\", \"b\"]"));
        let mut elements = Vec::new();
        for element in item.as_array().ok_or_else(wrong)? {
            elements.push(read(element.as_str().ok_or_else(wrong)?, element)?);
        }
        Ok(Some(elements))
    }
}

fn measure(key: &str) -> Option<Measure> {
    Some(match key {
        "min" => Measure::Least,
        "max" => Measure::Most,
        "mean" => Measure::Mean,
        "sum" => Measure::Sum,
        "median" => Measure::Percentile(50.0),
        _ => Measure::Percentile(percentile(key)?),
    })
}

/// What an assertion asks, put together from its words.
struct Words<'s> {
    subject: &'s str,
    condition: Option<String>,
    expect: Option<String>,
}

impl Words<'_> {
    fn sentence(&self, kind: &Kind, asked: &str) -> String {
        let subject = self.subject;
        let condition = self.condition.as_ref().map(|text| format!(" where {text}")).unwrap_or_default();
        match kind {
            Kind::Every { .. } => {
                format!("every {subject}{condition}: {}", self.expect.as_deref().unwrap_or_default())
            }
            Kind::Exists => format!("a {subject} exists{condition}"),
            Kind::None => format!("no {subject}{condition}"),
            Kind::Count(is) => format!("count of {subject}{condition} is {}", is.text),
            Kind::Values { set, texts, .. } => {
                format!("values of {subject}{condition} {} {}", set.words(), texts.join(", "))
            }
            Kind::Measure { is, .. } => format!("{asked} of {subject}{condition} is {}", is.text),
        }
    }
}

/// Where a key is written, else its value.
fn key_span(table: &dyn TableLike, key: &str, item: &Item) -> Range<usize> {
    table.key(key).and_then(toml_edit::Key::span).or_else(|| item.span()).unwrap_or(0..0)
}

fn first_line(text: &str, span: &Range<usize>) -> Range<usize> {
    let length = text.get(span.clone()).and_then(|text| text.lines().next()).map_or(0, str::len);
    span.start..span.start.saturating_add(length)
}

/// A table as JSON.
fn json(table: &dyn TableLike) -> Value {
    let fields: Map<String, Value> =
        table.iter().filter_map(|(key, item)| Some((key.to_owned(), item_json(item)?))).collect();
    Value::Object(fields)
}

fn item_json(item: &Item) -> Option<Value> {
    match item {
        Item::None => None,
        Item::Table(table) => Some(json(table)),
        Item::ArrayOfTables(tables) => Some(Value::Array(tables.iter().map(|table| json(table)).collect())),
        Item::Value(value) => Some(value_json(value)),
    }
}

fn value_json(value: &Toml) -> Value {
    match value {
        Toml::String(text) => Value::String(text.value().clone()),
        Toml::Integer(number) => Value::Number((*number.value()).into()),
        Toml::Float(number) => Number::from_f64(*number.value()).map_or(Value::Null, Value::Number),
        Toml::Boolean(flag) => Value::Bool(*flag.value()),
        Toml::Datetime(moment) => Value::String(moment.value().to_string()),
        Toml::Array(array) => Value::Array(array.iter().map(value_json).collect()),
        Toml::InlineTable(table) => json(table),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn mistake(text: &str) -> Mistake {
        Spec::parse("spec.toml", text).unwrap_err()
    }

    #[test]
    fn limits_are_said_when_they_are_reached() {
        let long = format!("# {}", "x".repeat(MAX_SPEC_BYTES));
        assert!(mistake(&long).reason.contains("longer than"));
        let many = "[[check]]\nnone = \"tls\"\n".repeat(MAX_CHECKS + 1);
        assert!(mistake(&many).reason.contains("assertions"));
        assert_eq!(
            Spec::parse("x", &many[..many.len() / (MAX_CHECKS + 1) * MAX_CHECKS]).unwrap().assertions.len(),
            MAX_CHECKS
        );
        let records = "[[snapshot.tls]]\n".repeat(MAX_SNAPSHOT_RECORDS + 1);
        assert!(mistake(&records).reason.contains("records in a snapshot"));
        let deep = format!("x = {}{}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(mistake(&deep).reason.contains("no TOML"), "{:?}", mistake(&deep).reason);
    }

    #[test]
    fn places_inside_texts_are_found() {
        for (text, line, column) in [
            ("[[check]]\nnone = 'tls'\nwhere = \"\"\"\nversoin > 1\"\"\"\n", 4, 1),
            ("[[check]]\nnone = 'tls'\nwhere = '''versoin > 1'''\n", 3, 12),
            // With escapes inside, all of the text is marked.
            ("[[check]]\nnone = 'tls'\nwhere = \"\\u0041 > 1\"\n", 3, 10),
            ("check = [{ none = 'tls', where = 'x' }]\n", 1, 35),
        ] {
            let mistake = mistake(text);
            assert_eq!((mistake.line, mistake.column), (line, column), "{text}{mistake}");
        }
    }

    #[test]
    fn percentiles_have_any_number() {
        assert_eq!(percentile("p95"), Some(95.0));
        assert_eq!(percentile("p99.9"), Some(99.9));
        for key in ["p", "p101", "p-1", "pinf", "p9x", "pp9", "q9", "p1e1"] {
            assert_eq!(percentile(key), None, "{key}");
        }
    }

    proptest! {
        #[test]
        fn no_text_panics(text in any::<String>()) {
            let _ = Spec::parse("spec.toml", &text).map_err(|mistake| mistake.to_string());
        }

        #[test]
        fn no_spec_panics(key in "name|where|every|expect|none|exists|count|is|p95|values|exactly|allow_empty|x",
                          other in "every|none|count|p95|values|is|where|max",
                          value in "[a-z. ><='{}0-9\"]{0,20}", number in any::<i64>()) {
            let text = format!("[[check]]\n{key} = '''{}'''\n{other} = \"tls\"\nis = {number}\n", value.replace("'''", ""));
            let _ = Spec::parse("spec.toml", &text).map_err(|mistake| mistake.to_string());
        }
    }
}
