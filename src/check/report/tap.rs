//! Test Anything Protocol, version 14: a test for each assertion, with what is wrong as YAML below it.
use std::io::{self, Write};

use super::explained;
use crate::{check::verdict::Judged, report::escape::escape};

/// Writes the stream.
pub fn write(out: &mut dyn Write, judged: &[Judged]) -> io::Result<()> {
    let of_one = |one: &Judged| one.verdicts.len().saturating_add(usize::from(one.unreadable.is_some()));
    let total: usize = judged.iter().map(of_one).sum();
    writeln!(out, "TAP version 14")?;
    match total {
        0 => writeln!(out, "1..0 # SKIP nothing is asked")?,
        total => writeln!(out, "1..{total}")?,
    }
    let mut number = 0_usize;
    for one in judged {
        if let Some(reason) = &one.unreadable {
            number = number.saturating_add(1);
            writeln!(out, "not ok {number} - {}: cannot be read", described(&one.capture))?;
            yaml(out, &[("message", reason.clone())], &[])?;
        }
        if let Some(damage) = &one.damage {
            writeln!(out, "# {}: damaged: {}", escape(&one.capture), escape(damage))?;
        }
        for verdict in &one.verdicts {
            number = number.saturating_add(1);
            let result = if verdict.holds { "ok" } else { "not ok" };
            writeln!(out, "{result} {number} - {}: {}", described(&one.capture), described(&verdict.name))?;
            if !verdict.holds {
                let fields = [
                    ("message", verdict.found.clone()),
                    ("severity", "fail".to_owned()),
                    ("at", format!("{}:{}", one.spec, verdict.line)),
                    ("expected", verdict.expected.clone()),
                    ("found", verdict.found.clone()),
                ];
                yaml(out, &fields, &explained(one, verdict))?;
            }
        }
    }
    out.flush()
}

/// A description: `#` would begin a directive, and a backslash an escape.
fn described(text: &str) -> String {
    escape(text).replace('\\', "\\\\").replace('#', "\\#")
}

fn yaml(out: &mut dyn Write, fields: &[(&str, String)], lines: &[String]) -> io::Result<()> {
    writeln!(out, "  ---")?;
    for (name, value) in fields {
        // JSON's strings are YAML's.
        let value = serde_json::to_string(&escape(value)).map_err(io::Error::from)?;
        writeln!(out, "  {name}: {value}")?;
    }
    if !lines.is_empty() {
        writeln!(out, "  details: |2")?;
        for line in lines {
            writeln!(out, "    {}", escape(line))?;
        }
    }
    writeln!(out, "  ...")
}
