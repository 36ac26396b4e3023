//! JUnit's XML, in the shape that GitLab, Jenkins and GitHub's test reporters read: a suite for each capture and SPEC.
use std::io::{self, Write};

use super::{explained, xml};
use crate::check::verdict::Judged;

/// Writes the document.
pub fn write(out: &mut dyn Write, judged: &[Judged]) -> io::Result<()> {
    let tests: usize = judged.iter().map(tests_of).sum();
    let failures: usize = judged.iter().map(failures_of).sum();
    let errors = judged.iter().filter(|one| one.unreadable.is_some()).count();
    let time: u64 = judged.iter().fold(0, |sum, one| sum.saturating_add(one.duration_ns));
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    let totals = |tests, failures, errors, time| {
        format!(
            "tests=\"{tests}\" failures=\"{failures}\" errors=\"{errors}\" skipped=\"0\" time=\"{}\"",
            seconds(time)
        )
    };
    writeln!(out, "<testsuites name=\"wireglass check\" {}>", totals(tests, failures, errors, time))?;
    for one in judged {
        let suite = xml(&one.capture);
        let of_one = totals(tests_of(one), failures_of(one), usize::from(one.unreadable.is_some()), one.duration_ns);
        writeln!(out, "  <testsuite name=\"{suite}\" {of_one}>")?;
        if let Some(reason) = &one.unreadable {
            writeln!(out, "    <testcase name=\"the capture can be read\" classname=\"{suite}\" time=\"0\">")?;
            writeln!(out, "      <error message=\"{}\" type=\"unreadable\"/>", xml(reason))?;
            writeln!(out, "    </testcase>")?;
        }
        for verdict in &one.verdicts {
            write!(
                out,
                "    <testcase name=\"{}\" classname=\"{suite}\" file=\"{}\" line=\"{}\" time=\"0\"",
                xml(&verdict.name),
                xml(&one.spec),
                verdict.line
            )?;
            if verdict.holds {
                writeln!(out, "/>")?;
                continue;
            }
            writeln!(out, ">")?;
            writeln!(out, "      <failure message=\"{}\" type=\"assertion\">", xml(&verdict.found))?;
            for line in explained(one, verdict) {
                writeln!(out, "{}", xml(&line))?;
            }
            writeln!(out, "</failure>")?;
            writeln!(out, "    </testcase>")?;
        }
        if let Some(damage) = &one.damage {
            writeln!(out, "    <system-err>damaged: {}</system-err>", xml(damage))?;
        }
        writeln!(out, "  </testsuite>")?;
    }
    writeln!(out, "</testsuites>")?;
    out.flush()
}

fn tests_of(judged: &Judged) -> usize {
    judged.verdicts.len().saturating_add(usize::from(judged.unreadable.is_some()))
}

fn failures_of(judged: &Judged) -> usize {
    judged.verdicts.iter().filter(|verdict| !verdict.holds).count()
}

fn seconds(nanoseconds: u64) -> String {
    format!("{}.{:03}", nanoseconds / 1_000_000_000, nanoseconds / 1_000_000 % 1000)
}
