//! `man/` is generated from the command line's definition and the catalogue of findings; this test fails when it is stale.
//!
//! `WIREGLASS_BLESS=1 cargo test --test man` writes it again.
use std::{fs, path::Path};

use roff::{Inline, Roff, bold, italic, roman};
use wireglass::record::{Severity, catalogue};

fn check(page: &[u8], name: &str, stale: &mut Vec<String>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(name);
    if std::env::var_os("WIREGLASS_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, page).unwrap();
    } else if fs::read(&path).unwrap_or_default() != page {
        stale.push(path.display().to_string());
    }
}

fn command_page(command: clap::Command, name: &str, stale: &mut Vec<String>) {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).unwrap();
    check(&page, &format!("{name}.1"), stale);
}

/// The catalogue of findings.
fn findings_page() -> Vec<u8> {
    let mut page = Roff::new();
    let line = |page: &mut Roff, parts: Vec<Inline>| {
        page.text(parts);
    };
    page.control("TH", ["wireglass-findings", "7", "", "wireglass"]);
    page.control("SH", ["NAME"]);
    line(&mut page, vec![roman("wireglass-findings - what the findings of "), bold("wireglass"), roman("(1) mean")]);
    page.control("SH", ["DESCRIPTION"]);
    line(
        &mut page,
        vec![
            roman(
                "A finding is something worth a person's attention, with the packets that prove it. Its code comes from \
                 this closed list and does not change its meaning. A ",
            ),
            italic("note"),
            roman(" is good to know, a "),
            italic("warning"),
            roman(" may hurt, an "),
            italic("error"),
            roman(" is something that failed."),
        ],
    );
    for (about, entries) in catalogue::CATALOGUE {
        page.control("SH", [about.to_uppercase().as_str()]);
        for entry in *entries {
            page.control("SS", [entry.code]);
            let severities: Vec<&str> = entry
                .severities
                .iter()
                .map(|severity| match severity {
                    Severity::Note => "note",
                    Severity::Warning => "warning",
                    Severity::Error => "error",
                })
                .collect();
            let reference = entry.reference.map_or_else(String::new, |reference| format!("; {reference}"));
            let title = format!("{}. ", capitalized(entry.title));
            line(&mut page, vec![bold(title), italic(severities.join(" or ")), roman(reference)]);
            for paragraph in entry.explanation.split("\n\n") {
                page.control("PP", []);
                line(&mut page, vec![roman(paragraph)]);
            }
        }
    }
    page.control("SH", ["SEE ALSO"]);
    line(&mut page, vec![bold("wireglass"), roman("(1), "), bold("wireglass-findings"), roman("(1)")]);
    page.render().into_bytes()
}

fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().to_string() + letters.as_str()).unwrap_or_default()
}

#[test]
fn manual_pages_are_current() {
    let mut stale = Vec::new();
    let mut command = wireglass::cli::command();
    command.build();
    for inner in command.get_subcommands() {
        // clap wants names that live for ever.
        let name: &'static str = format!("wireglass-{}", inner.get_name()).leak();
        command_page(inner.clone().name(name).display_name(name), name, &mut stale);
    }
    command_page(command, "wireglass", &mut stale);
    check(&findings_page(), "wireglass-findings.7", &mut stale);
    assert!(stale.is_empty(), "stale: {}; WIREGLASS_BLESS=1 cargo test --test man", stale.join(", "));
}

#[test]
fn every_finding_is_in_the_manual() {
    let page = String::from_utf8(findings_page()).unwrap();
    for entry in catalogue::entries() {
        assert!(page.contains(&format!(".SS \"{}\"", entry.code)) || page.contains(&format!(".SS {}", entry.code)));
    }
}
