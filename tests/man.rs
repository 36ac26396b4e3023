//! `man/*.1` are generated from the command line's definition; this test fails when they are stale.
//!
//! `WIREGLASS_BLESS=1 cargo test --test man` writes them again.
use std::{fs, path::Path};

fn check(command: clap::Command, name: &str, stale: &mut Vec<String>) {
    let mut page = Vec::new();
    clap_mangen::Man::new(command).render(&mut page).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("man").join(format!("{name}.1"));
    if std::env::var_os("WIREGLASS_BLESS").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, page).unwrap();
    } else if fs::read(&path).unwrap_or_default() != page {
        stale.push(path.display().to_string());
    }
}

#[test]
fn manual_pages_are_current() {
    let mut stale = Vec::new();
    let mut command = wireglass::cli::command();
    command.build();
    for inner in command.get_subcommands() {
        // clap wants names that live for ever.
        let name: &'static str = format!("wireglass-{}", inner.get_name()).leak();
        check(inner.clone().name(name).display_name(name), name, &mut stale);
    }
    check(command, "wireglass", &mut stale);
    assert!(stale.is_empty(), "stale: {}; WIREGLASS_BLESS=1 cargo test --test man", stale.join(", "));
}
