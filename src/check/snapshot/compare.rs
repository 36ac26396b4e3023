//! Records against a snapshot: which belong together, and which fields are different.
use std::collections::{HashMap, VecDeque};

use serde_json::{Map, Value};

use super::{
    Found, Saved, Snapshot,
    normalise::{Normal, canonical, normalised},
    write::inline,
};
use crate::{
    check::verdict::{Changed, Difference, Line, Proof, Verdict, heading},
    limits::{MAX_ALIGNED, MAX_DIFFERENCES, MAX_SNAPSHOT_RECORDS},
    record::RecordKind,
};

/// One verdict for each type of record. `left_out`: records that came beyond what is kept.
#[must_use]
pub fn compare(snapshot: &Snapshot, found: Vec<Found>, left_out: u64) -> Vec<Verdict> {
    let normals = normalised(snapshot, found);
    let mut verdicts: Vec<Verdict> = snapshot.records.iter().map(|kind| one(snapshot, *kind, &normals)).collect();
    // Of types of which there is nothing on either side there is nothing to say; one verdict there must be.
    let is_empty = |verdict: &Verdict| verdict.holds && verdict.seen == 0;
    if !verdicts.iter().all(is_empty) {
        verdicts.retain(|verdict| !is_empty(verdict));
    } else {
        verdicts.truncate(1);
    }
    if left_out > 0 {
        verdicts.push(Verdict {
            name: "snapshot".to_owned(),
            line: snapshot.line,
            expected: format!("at most {MAX_SNAPSHOT_RECORDS} records to compare"),
            found: format!("{left_out} more, which were not compared"),
            note: Some("choose fewer types of record in [snapshot], or narrow `filter`".to_owned()),
            ..Verdict::default()
        });
    }
    verdicts
}

fn one(snapshot: &Snapshot, kind: RecordKind, normals: &[Normal]) -> Verdict {
    let saved: Vec<&Saved> = snapshot.saved.iter().filter(|saved| saved.record == kind).collect();
    let found: Vec<&Normal> = normals.iter().filter(|normal| normal.record == kind).collect();
    let count = |count: usize| format!("{count} record{}", if count == 1 { "" } else { "s" });
    let mut verdict = Verdict {
        name: format!("snapshot of {}", kind.list_name()),
        line: saved.first().map_or(snapshot.line, |saved| saved.line),
        seen: found.len() as u64,
        expected: format!("{} as in the snapshot", count(saved.len())),
        found: count(found.len()),
        ..Verdict::default()
    };
    let pairs = paired(kind, &saved, &found);
    let of = |what| pairs.iter().filter(|pair| pair.changed() == what).count();
    let (other, new, gone) = (of(Changed::Other), of(Changed::New), of(Changed::Gone));
    verdict.holds = pairs.is_empty();
    if pairs.is_empty() {
        return verdict;
    }
    let parts = [(other, "different"), (new, "not in the snapshot"), (gone, "missing")];
    let parts: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    verdict.found = format!("{}: {}", count(found.len()), parts.join(", "));
    verdict.note = Some("is it meant to be so? `wireglass check ... --bless` writes what is there now".to_owned());
    verdict.differences_total = pairs.len() as u64;
    verdict.differences = pairs.iter().take(MAX_DIFFERENCES).map(|pair| pair.difference(snapshot)).collect();
    verdict
}

/// A record as it was and as it is.
struct Pair<'r> {
    saved: Option<&'r Saved>,
    found: Option<&'r Normal>,
}

impl Pair<'_> {
    fn changed(&self) -> Changed {
        match (self.saved, self.found) {
            (None, _) => Changed::New,
            (_, None) => Changed::Gone,
            _ => Changed::Other,
        }
    }

    fn difference(&self, snapshot: &Snapshot) -> Difference {
        let mut lines = Vec::new();
        let nothing = Value::Object(Map::new());
        let saved = self.saved.map_or(&nothing, |saved| &saved.value);
        let found = self.found.map_or(&nothing, |found| &found.value);
        if self.changed() == Changed::Other {
            differing("", Some(saved), Some(found), &mut lines);
        }
        let of_saved =
            |saved: &Saved| Proof { heading: heading(saved.record.type_name(), &saved.value), ..Proof::default() };
        let mut proof = match (self.found, self.saved) {
            (Some(found), _) => found.proof.clone(),
            (None, Some(saved)) => of_saved(saved),
            (None, None) => Proof::default(),
        };
        if let Some(found) = self.found {
            proof.heading.clone_from(&found.heading);
        }
        Difference { line: self.saved.map_or(snapshot.line, |saved| saved.line), what: self.changed(), proof, lines }
    }
}

/// What differs: records that are the same on both sides are left out, others paired by what they are called.
fn paired<'r>(kind: RecordKind, saved: &[&'r Saved], found: &[&'r Normal]) -> Vec<Pair<'r>> {
    let mut same: HashMap<String, Vec<&Saved>> = HashMap::new();
    for saved in saved.iter().rev() {
        same.entry(canonical(&saved.value)).or_default().push(saved);
    }
    let other: Vec<&Normal> = found
        .iter()
        .filter(|found| same.get_mut(&canonical(&found.value)).and_then(Vec::pop).is_none())
        .copied()
        .collect();
    let mut left: Vec<&Saved> = same.into_values().flatten().collect();
    left.sort_by_key(|saved| saved.line);
    // First by the whole heading, then by the ends: a name that changed is a field that changed.
    let named = |value: &Value| Some(heading(kind.type_name(), value));
    let (mut pairs, alone, left) = by_key(left, other, &named);
    let ends = |value: &Value| {
        let paths = ["/client/address", "/server/address", "/server/port", "/code"];
        let parts = paths.map(|path| value.pointer(path).map_or_else(String::new, canonical));
        (!value_is_bare(value)).then(|| parts.join(" "))
    };
    let (more, new, gone) = by_key(left, alone, &ends);
    pairs.extend(more);
    pairs.extend(new.into_iter().map(|found| Pair { saved: None, found: Some(found) }));
    pairs.extend(gone.into_iter().map(|saved| Pair { saved: Some(saved), found: None }));
    pairs.sort_by_key(|pair| pair.saved.map_or(usize::MAX, |saved| saved.line));
    pairs
}

/// Pairs records with the same key, in their order; and what is left of both.
fn by_key<'r>(
    saved: Vec<&'r Saved>,
    found: Vec<&'r Normal>,
    key: &dyn Fn(&Value) -> Option<String>,
) -> (Vec<Pair<'r>>, Vec<&'r Normal>, Vec<&'r Saved>) {
    let (mut of_key, mut left): (HashMap<String, VecDeque<&Saved>>, Vec<&Saved>) = Default::default();
    for saved in saved {
        match key(&saved.value) {
            Some(key) => of_key.entry(key).or_default().push_back(saved),
            None => left.push(saved),
        }
    }
    let (mut pairs, mut alone) = (Vec::new(), Vec::new());
    for found in found {
        let partner = key(&found.value).and_then(|key| of_key.get_mut(&key)?.pop_front());
        match partner {
            Some(saved) => pairs.push(Pair { saved: Some(saved), found: Some(found) }),
            None => alone.push(found),
        }
    }
    left.extend(of_key.into_values().flatten());
    left.sort_by_key(|saved| saved.line);
    (pairs, alone, left)
}

fn value_is_bare(value: &Value) -> bool {
    value.get("client").is_none() && value.get("server").is_none()
}

/// Tells of each field that is different.
fn differing(path: &str, saved: Option<&Value>, found: Option<&Value>, lines: &mut Vec<Line>) {
    match (saved, found) {
        (Some(Value::Object(saved)), Some(Value::Object(found))) => {
            let new = found.keys().filter(|key| !saved.contains_key(*key));
            for key in saved.keys().chain(new) {
                let inner = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
                differing(&inner, saved.get(key), found.get(key), lines);
            }
        }
        (Some(Value::Array(saved)), Some(Value::Array(found))) if has_objects(saved) || has_objects(found) => {
            elements(path, saved, found, lines);
        }
        (Some(saved), Some(found)) if canonical(saved) == canonical(found) => {}
        (saved, found) => {
            lines.extend(saved.map(|saved| Line::Expected(format!("{path} = {}", inline(saved)))));
            lines.extend(found.map(|found| Line::Found(format!("{path} = {}", inline(found)))));
        }
    }
}

fn has_objects(elements: &[Value]) -> bool {
    elements.iter().any(|element| element.is_object() || element.is_array())
}

/// Lists: elements that were inserted or taken out do not make those behind them different.
fn elements(path: &str, saved: &[Value], found: &[Value], lines: &mut Vec<Line>) {
    let (old, new): (Vec<String>, Vec<String>) =
        (saved.iter().map(canonical).collect(), found.iter().map(canonical).collect());
    let mut gaps: Vec<(Vec<usize>, Vec<usize>)> = vec![Default::default()];
    let mut note = |step: Step| {
        if let (Step::Same, false) = (step, gaps.last().is_none_or(|(a, b)| a.is_empty() && b.is_empty())) {
            gaps.push(Default::default());
        }
        if let Some((old, new)) = gaps.last_mut() {
            match step {
                Step::Same => {}
                Step::Old(place) => old.push(place),
                Step::New(place) => new.push(place),
            }
        }
    };
    if old.len().saturating_mul(new.len()) <= MAX_ALIGNED {
        aligned(&old, &new).into_iter().for_each(&mut note);
    } else {
        (0..old.len()).map(Step::Old).chain((0..new.len()).map(Step::New)).for_each(&mut note);
    }
    for (old, new) in gaps {
        let both = old.len().min(new.len());
        for place in 0..old.len().max(new.len()) {
            let (old_place, new_place) = (old.get(place), new.get(place));
            let number = old_place.or(new_place).copied().unwrap_or_default();
            let inner = format!("{path}[{number}]");
            let before = old_place.and_then(|place| saved.get(*place));
            let after = new_place.and_then(|place| found.get(*place));
            if place < both {
                differing(&inner, before, after, lines);
            } else {
                lines.extend(before.map(|before| Line::Expected(format!("{inner} = {}", inline(before)))));
                lines.extend(after.map(|after| Line::Found(format!("{inner} = {}", inline(after)))));
            }
        }
    }
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Same,
    Old(usize),
    New(usize),
}

/// The longest common subsequence, as steps.
fn aligned(old: &[String], new: &[String]) -> Vec<Step> {
    let width = new.len().saturating_add(1);
    let mut table = vec![0_u32; old.len().saturating_add(1).saturating_mul(width)];
    let at = |table: &[u32], i: usize, j: usize| table.get(i * width + j).copied().unwrap_or_default();
    for (i, before) in old.iter().enumerate().rev() {
        for (j, after) in new.iter().enumerate().rev() {
            let best = if before == after {
                at(&table, i + 1, j + 1).saturating_add(1)
            } else {
                at(&table, i + 1, j).max(at(&table, i, j + 1))
            };
            if let Some(place) = table.get_mut(i * width + j) {
                *place = best;
            }
        }
    }
    let (mut i, mut j, mut steps) = (0, 0, Vec::new());
    loop {
        match (old.get(i), new.get(j)) {
            (Some(before), Some(after)) if before == after => {
                steps.push(Step::Same);
                (i, j) = (i + 1, j + 1);
            }
            (Some(_), after) if after.is_none() || at(&table, i + 1, j) >= at(&table, i, j + 1) => {
                steps.push(Step::Old(i));
                i += 1;
            }
            (_, Some(_)) => {
                steps.push(Step::New(j));
                j += 1;
            }
            _ => break steps,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(saved: &Value, found: &Value) -> Vec<String> {
        let mut lines = Vec::new();
        differing("", Some(saved), Some(found), &mut lines);
        lines
            .into_iter()
            .map(|line| match line {
                Line::Expected(text) => format!("-{text}"),
                Line::Found(text) => format!("+{text}"),
            })
            .collect()
    }

    #[test]
    fn fields_are_told_not_lines() {
        let saved = json!({"client": {"packets": 13, "flags": "SAF"}, "list": [1, 2], "gone": true});
        let found = json!({"client": {"packets": 12, "flags": "SAF"}, "list": [1, 3], "new": "x"});
        let expected = [
            "-client.packets = 13",
            "+client.packets = 12",
            "-list = [1, 2]",
            "+list = [1, 3]",
            "-gone = true",
            "+new = \"x\"",
        ];
        assert_eq!(lines(&saved, &found), expected);
        assert!(lines(&saved, &saved).is_empty());
    }

    #[test]
    fn an_element_taken_out_does_not_move_the_others() {
        let element = |name: &str, side: &str| json!({"name": name, "side": side});
        let saved = json!({"p": [element("a", "c"), element("b", "s"), element("c", "s")]});
        let found = json!({"p": [element("a", "c"), element("c", "s")]});
        assert_eq!(lines(&saved, &found), ["-p[1] = { name = \"b\", side = \"s\" }"]);
        let other = json!({"p": [element("a", "c"), element("b", "c"), element("c", "s")]});
        assert_eq!(lines(&saved, &other), ["-p[1].side = \"s\"", "+p[1].side = \"c\""]);
    }
}
