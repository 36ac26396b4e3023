//! What CI is told must be read by CI, whatever a capture says.
use proptest::prelude::*;

use super::*;
use crate::check::verdict::Proof;

fn failing(text: &str) -> Judged {
    let proof = Proof {
        heading: format!("tls {text}"),
        flow: Some("17".to_owned()),
        evidence: vec![1, 2, 3],
        evidence_total: 9,
        values: vec![("tls.server_name".to_owned(), text.to_owned())],
        has_connection: true,
    };
    let difference = Difference {
        line: 9,
        what: Changed::Other,
        proof: proof.clone(),
        lines: vec![Line::Expected(text.to_owned()), Line::Found("x".to_owned())],
    };
    let failed = Verdict {
        name: text.to_owned(),
        line: 3,
        expected: text.to_owned(),
        found: text.to_owned(),
        proofs: vec![proof],
        proofs_total: 7,
        ..Verdict::default()
    };
    let holding = Verdict { name: "fine".to_owned(), line: 1, holds: true, ..Verdict::default() };
    let of_snapshot = Verdict {
        name: "snapshot of tls".to_owned(),
        line: 8,
        differences: vec![difference],
        differences_total: 1,
        ..Verdict::default()
    };
    Judged {
        spec: "a b.toml".to_owned(),
        capture: text.to_owned(),
        verdicts: vec![holding, failed, of_snapshot],
        damage: Some(text.to_owned()),
        ..Judged::default()
    }
}

fn written(format: Format, judged: &[Judged]) -> String {
    let mut out = Vec::new();
    write(format, &mut out, judged, &Options::default()).unwrap();
    String::from_utf8(out).unwrap()
}

const HOSTILE: &str = "<a href='x'>&]]>\u{1b}[31m\n::error::x\r%0A # \"q\" \\ \u{202e}\u{fffe}, :";

#[test]
fn junit_counts_and_escapes() {
    let text = written(Format::Junit, &[failing(HOSTILE)]);
    let document = roxmltree::Document::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
    assert_eq!((suite.attribute("tests"), suite.attribute("failures")), (Some("3"), Some("2")));
    assert_eq!(document.descendants().filter(|node| node.has_tag_name("failure")).count(), 2);
    let case = document.descendants().filter(|node| node.has_tag_name("testcase")).nth(1).unwrap();
    assert!(case.attribute("name").unwrap().starts_with("<a href='x'>&]]>\\x1b[31m"), "{case:?}");
    assert_eq!((case.attribute("file"), case.attribute("line")), (Some("a b.toml"), Some("3")));
    let failure = case.first_element_child().unwrap().text().unwrap();
    assert!(failure.contains("wireglass connection"), "{failure}");
}

#[test]
fn tap_numbers_its_tests() {
    let text = written(Format::Tap, &[failing(HOSTILE), failing("two")]);
    let results: Vec<&str> =
        text.lines().filter(|line| line.starts_with("ok ") || line.starts_with("not ok ")).collect();
    assert!(text.starts_with("TAP version 14\n1..6\n"), "{text}");
    assert_eq!(results.len(), 6, "{text}");
    for (number, line) in (1..).zip(results) {
        let after = line.trim_start_matches("not ").trim_start_matches("ok ");
        assert!(after.starts_with(&format!("{number} - ")), "{line}");
        assert!(!line.replace("\\#", "").contains('#'), "a directive: {line}");
    }
    assert_eq!(text.matches("  ---\n").count(), text.matches("  ...\n").count());
}

#[test]
fn github_gets_one_line_for_each_annotation() {
    let text = written(Format::Github, &[failing(HOSTILE)]);
    let commands: Vec<&str> = text.lines().filter(|line| line.starts_with("::")).collect();
    let levels: Vec<&str> = commands.iter().filter_map(|line| line.get(2..)?.split([' ', ':']).next()).collect();
    assert_eq!(levels, ["warning", "error", "error", "group", "endgroup"], "{text}");
    assert!(
        commands[1].starts_with("::error file=a b.toml,line=3,title=<a href='x'>&]]>\\x1b[31m\\n%3A%3Aerror"),
        "{text}"
    );
    assert!(commands[2].starts_with("::error file=a b.toml,line=9,title=snapshot of tls%3A tls"), "{text}");
}

#[test]
fn sarif_has_what_its_schema_requires() {
    let log: serde_json::Value = serde_json::from_str(&written(Format::Sarif, &[failing(HOSTILE)])).unwrap();
    assert_eq!(log["version"], "2.1.0");
    let run = &log["runs"][0];
    let rules = run["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(rules.iter().all(|rule| rule["id"].is_string() && rule["shortDescription"]["text"].is_string()));
    let results = run["results"].as_array().unwrap();
    assert_eq!(results.len(), 3, "damage, an assertion, a difference");
    for result in results {
        let index = usize::try_from(result["ruleIndex"].as_u64().unwrap()).unwrap();
        assert_eq!(rules[index]["id"], result["ruleId"]);
        assert!(!result["message"]["text"].as_str().unwrap().is_empty());
        let place = &result["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "a%20b.toml");
        assert!(place["region"]["startLine"].as_u64().unwrap() >= 1);
        let related = &result["relatedLocations"][0]["physicalLocation"]["artifactLocation"]["uri"];
        assert!(!related.as_str().unwrap().contains(['<', ' ', '"', '\n']), "{related}");
    }
}

#[test]
fn text_names_everything() {
    let text = written(Format::Text, &[failing("www.lab.example")]);
    for wanted in [
        "2 of 3 do not hold",
        "a b.toml:3",
        "expected  www.lab.example",
        "flow 17  #1 #2 #3 ...",
        "tls.server_name = www.lab.example",
        "... and 6 more",
        "look closer: wireglass connection www.lab.example 17",
        "@@ tls www.lab.example",
        "a b.toml:9",
        "- www.lab.example",
        "+ x",
        "damaged: www.lab.example",
    ] {
        assert!(text.contains(wanted), "{wanted} is missing:\n{text}");
    }
}

proptest! {
    #[test]
    fn nothing_a_terminal_obeys_is_written(text in any::<String>()) {
        let judged = [failing(&text)];
        for format in [Format::Text, Format::Junit, Format::Tap, Format::Github, Format::Sarif] {
            let out = written(format, &judged);
            prop_assert!(!out.chars().any(|letter| letter.is_control() && letter != '\n'), "{:?}", out);
        }
        let junit = written(Format::Junit, &judged);
        prop_assert!(roxmltree::Document::parse(&junit).is_ok(), "{}", junit);
    }
}
