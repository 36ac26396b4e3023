//! SARIF 2.1.0: a rule for each assertion, a result for each that does not hold, with the SPEC's line and the capture.
use std::io::{self, Write};

use serde_json::{Value, json};

use super::{explained, of_difference};
use crate::{
    check::verdict::{Judged, Verdict},
    report::{escape::escape, ndjson::write_json},
};

/// Writes the log.
pub fn write(out: &mut dyn Write, judged: &[Judged]) -> io::Result<()> {
    let mut rules: Vec<Value> = Vec::new();
    let mut results = Vec::new();
    for one in judged {
        if let Some(reason) = &one.unreadable {
            let rule = rule(&mut rules, "capture", "the capture can be read", "");
            results.push(result(one, 1, &rule, "error", reason));
        }
        if let Some(damage) = &one.damage {
            let rule = rule(&mut rules, "capture", "the capture can be read", "");
            results.push(result(one, 1, &rule, "warning", &format!("damaged: {damage}")));
        }
        for verdict in &one.verdicts {
            let rule = rule(&mut rules, &identifier(one, verdict), &verdict.name, &verdict.expected);
            if verdict.holds {
                continue;
            }
            if verdict.differences.is_empty() {
                results.push(result(one, verdict.line, &rule, "error", &explained(one, verdict).join("\n")));
            }
            for difference in &verdict.differences {
                let text = of_difference(one, difference).join("\n");
                results.push(result(one, difference.line, &rule, "error", &text));
            }
        }
    }
    let log = json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "wireglass",
                "version": env!("CARGO_PKG_VERSION"),
                "informationUri": "https://crates.io/crates/wireglass",
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    });
    write_json(out, &log)?;
    writeln!(out)?;
    out.flush()
}

/// The same for the same assertion, wherever the SPEC's lines move.
fn identifier(judged: &Judged, verdict: &Verdict) -> String {
    format!("{}/{}", escape(&judged.spec), escape(&verdict.name))
}

/// Its place among the rules, which gets it if it is not there.
fn rule(rules: &mut Vec<Value>, id: &str, name: &str, asks: &str) -> (String, usize) {
    let place = rules.iter().position(|rule| rule["id"] == id).unwrap_or_else(|| {
        let full = if asks.is_empty() { name } else { asks };
        rules.push(json!({
            "id": id,
            "shortDescription": {"text": escape(name)},
            "fullDescription": {"text": escape(full)},
            "defaultConfiguration": {"level": "error"},
        }));
        rules.len().saturating_sub(1)
    });
    (id.to_owned(), place)
}

fn result(judged: &Judged, line: usize, (id, place): &(String, usize), level: &str, text: &str) -> Value {
    let text: Vec<_> = text.lines().map(escape).collect();
    json!({
        "ruleId": id,
        "ruleIndex": place,
        "level": level,
        "message": {"text": text.join("\n")},
        "locations": [{"physicalLocation": {
            "artifactLocation": {"uri": uri(&judged.spec)},
            "region": {"startLine": line.max(1)},
        }}],
        "relatedLocations": [{
            "id": 1,
            "message": {"text": "the capture"},
            "physicalLocation": {"artifactLocation": {"uri": uri(&judged.capture)}},
        }],
    })
}

/// A path as a relative reference (RFC 3986); an absolute one as a file's.
fn uri(path: &str) -> String {
    let mut out = String::from(if path.starts_with('/') { "file://" } else { "" });
    for byte in path.bytes() {
        let is_plain = byte.is_ascii_alphanumeric() || b"-._~/@!$&'()*+,;=".contains(&byte);
        if is_plain { out.push(char::from(byte)) } else { out.push_str(&format!("%{byte:02X}")) }
    }
    out
}
