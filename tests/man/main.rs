//! `man/` is generated from the command line's definition and the catalogue of findings; this test fails when it is stale.
//!
//! `WIREGLASS_BLESS=1 cargo test --test man` writes it again.
mod records;
mod states;

use std::{fs, path::Path};

use roff::{Inline, Roff, bold, italic, roman};
use wireglass::{
    filter::fields,
    limits::promises::{PROMISES, Told},
    record::{Severity, catalogue},
};

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

/// The language of display filters, and every field.
fn filter_page() -> Vec<u8> {
    let mut page = Roff::new();
    page.control("TH", ["wireglass-filter", "7", "", "wireglass"]);
    page.control("SH", ["NAME"]);
    page.text(vec![roman("wireglass-filter - the display filters of "), bold("wireglass"), roman("(1)")]);
    page.control("SH", ["DESCRIPTION"]);
    for paragraph in LANGUAGE {
        page.control("PP", []);
        page.text(vec![roman(*paragraph)]);
    }
    page.control("SH", ["OPERATORS"]);
    for (operator, meaning) in OPERATORS {
        page.control("TP", []);
        page.text(vec![bold(*operator)]);
        page.text(vec![roman(*meaning)]);
    }
    for group in fields::groups() {
        page.control("SH", [group.protocol.description.to_uppercase().as_str()]);
        for field in std::iter::once(&group.protocol).chain(group.fields) {
            page.control("TP", []);
            page.text(vec![bold(field.name), roman(" ("), italic(field.kind.words()), roman(")")]);
            page.text(vec![roman(field.description)]);
        }
    }
    page.control("SH", ["SEE ALSO"]);
    page.text(vec![bold("wireglass"), roman("(1), "), bold("wireglass-fields"), roman("(1)")]);
    page.render().into_bytes()
}

const LANGUAGE: &[&str] = &[
    "A display filter is a question about one packet, in Wireshark's language and with Wireshark's names. A field by itself asks \
     whether it is there; compared with a constant or another field it asks for its value. The fields below are all there are.",
    "A field that occurs several times suits when one of its values does; with != and === all must. In front of any comparison, \
     any and all say which. Where the field is missing, no comparison holds.",
    "Constants: numbers (80, 0x50, 0120, 0b1010000), addresses and networks (10.0.0.0/8, 2001:db8::1, 00:1b:44:11:3a:b7), text in double \
     quotes with escapes (\"a\\x00b\", \"\\n\") or without (r\"...\"), one character ('A'), bytes in hex (47:45:54, one byte as 0a), \
     true and false, seconds (0.25), moments in UTC (\"2026-01-31 12:00:00\"), and names of values where the field has them.",
    "What a packet holds above the transport belongs to the packet that completes the message. Names are never resolved. A mistake \
     ends with status 4, its place, the reason and what was probably meant.",
];

const OPERATORS: &[(&str, &str)] = &[
    ("== eq, != ne, < lt, > gt, <= le, >= ge", "Compare. Several in a row all hold: 1 < tcp.len < 9."),
    ("=== all_eq, !== ~= any_ne", "All values are equal; one differs."),
    ("contains", "Text or bytes hold these."),
    ("matches ~", "Text or bytes match a regular expression in double quotes, capital letters or not."),
    ("in {a, b, c..d}, not in", "One of these values or ranges."),
    ("and &&, or ||, xor ^^, not !", "Join questions; and binds more tightly than xor, xor than or."),
    (
        "[first:length] [first-last] [first:] [:length] [n]",
        "Bytes of a value; negative from its end; several apart by commas.",
    ),
    ("#1 #[1-2]", "The field in these layers of its protocol only, outer first; negative from the innermost."),
    ("& + - * / %", "Numbers; with & also bytes. A sum by itself asks whether it is not zero."),
    ("len() count() upper() lower() string() max() min() abs()", "Functions of a field."),
];

/// What a cap is: the comment at its constant.
fn reason(name: &str) -> String {
    let mut files = vec!["src/limits.rs".to_owned()];
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src/limits")).unwrap() {
        files.push(format!("src/limits/{}", entry.unwrap().file_name().to_string_lossy()));
    }
    for file in files {
        let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).unwrap();
        if let Some(place) = text.find(&format!("pub const {name}:")) {
            let mut lines: Vec<&str> =
                text[..place].lines().rev().map_while(|line| line.strip_prefix("///")).map(str::trim).collect();
            lines.reverse();
            return lines.join(" ").replace(['`', '[', ']'], "");
        }
    }
    panic!("{name} is in no file of limits");
}

/// The caps that are promises.
fn limits_page() -> Vec<u8> {
    let mut page = Roff::new();
    page.control("TH", ["wireglass-limits", "7", "", "wireglass"]);
    page.control("SH", ["NAME"]);
    page.text(vec![roman("wireglass-limits - how much of a capture "), bold("wireglass"), roman("(1) keeps at once")]);
    page.control("SH", ["DESCRIPTION"]);
    page.text(vec![roman(
        "Whatever a capture holds, memory stays bounded: each thing that is kept has a limit far above what real traffic \
         needs. Beyond it something is left out, and that is told: by a finding, which counts how often and names the \
         first packet, or by a field. The rest of the capture is analyzed as always. Open flows are limited by \
         --max-memory and --max-flows; the other limits are fixed.",
    )]);
    page.control("SH", ["LIMITS"]);
    for promise in PROMISES {
        page.control("TP", []);
        page.text(vec![bold(promise.name), roman(format!(" ({} {})", promise.value, promise.unit))]);
        let told = match promise.told {
            Told::Finding(code) => format!("Told by the finding {code}."),
            Told::Field(what) => format!("Told by {what}."),
            Told::Here(what) => format!("{what}."),
        };
        let beyond = capitalized(promise.beyond);
        page.text(vec![roman(format!("{} Beyond it: {beyond}. {told}", reason(promise.name)))]);
    }
    page.control("SH", ["SEE ALSO"]);
    page.text(vec![bold("wireglass"), roman("(1), "), bold("wireglass-findings"), roman("(7)")]);
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
    check(&filter_page(), "wireglass-filter.7", &mut stale);
    check(&limits_page(), "wireglass-limits.7", &mut stale);
    check(&states::page(), "wireglass-states.7", &mut stale);
    check(&records::page(), "wireglass-records.7", &mut stale);
    assert!(stale.is_empty(), "stale: {}; WIREGLASS_BLESS=1 cargo test --test man", stale.join(", "));
}

#[test]
fn every_finding_is_in_the_manual() {
    let page = String::from_utf8(findings_page()).unwrap();
    for entry in catalogue::entries() {
        assert!(page.contains(&format!(".SS \"{}\"", entry.code)) || page.contains(&format!(".SS {}", entry.code)));
    }
}

#[test]
fn every_filter_field_is_in_the_manual() {
    let page = String::from_utf8(filter_page()).unwrap();
    for field in fields::all() {
        let name = field.name.replace('-', "\\-");
        assert!(page.contains(&format!("\\fB{name}\\fR")), "{}", field.name);
    }
}

/// What packages install is small and asks the program itself.
#[test]
fn completions_ask_the_program() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("man/completions");
    for (file, shell) in [("wireglass.bash", "bash"), ("_wireglass", "zsh"), ("wireglass.fish", "fish")] {
        let script = fs::read_to_string(directory.join(file)).unwrap();
        assert!(script.contains(&format!("wireglass completions {shell}")), "{file}");
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_wireglass")).args(["completions", shell]).output();
        let output = output.unwrap();
        assert!(output.status.success());
        let text = String::from_utf8(output.stdout).unwrap();
        for command in wireglass::cli::command().get_subcommands() {
            assert!(text.contains(command.get_name()), "{shell} completes no {}", command.get_name());
        }
    }
}
