//! Everything that is linked into wireglass, or that its tests use, may be used: asked of Cargo.lock, without the network.
use std::{collections::BTreeMap, process::Command};

use serde_json::Value;
use spdx::{Expression, ParseMode};

/// Licences that ask for no more than to be named. CDLA-Permissive-2.0 is that of Mozilla's list of roots as data.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "NCSA",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

fn packages() -> Vec<Value> {
    let metadata = Command::new(env!("CARGO"))
        .args(["metadata", "--offline", "--locked", "--all-features", "--format-version", "1", "--manifest-path"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml"))
        // Crates for other systems only are not downloaded everywhere.
        .args(["--filter-platform", "x86_64-unknown-linux-gnu"])
        .output()
        .unwrap();
    assert!(metadata.status.success(), "{}", String::from_utf8_lossy(&metadata.stderr));
    let metadata: Value = serde_json::from_slice(&metadata.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

fn is_allowed(licence: &str) -> bool {
    // Some crates still write MIT/Apache-2.0.
    let expression =
        Expression::parse_mode(licence, ParseMode::LAX).unwrap_or_else(|error| panic!("{licence}: {error}"));
    expression.evaluate(|asked| {
        asked.addition.is_none() && asked.license.id().is_some_and(|licence| ALLOWED.contains(&licence.name))
    })
}

#[test]
fn every_dependency_may_be_used() {
    let packages = packages();
    assert!(packages.len() > 50, "only {} packages: is this the whole tree?", packages.len());
    let refused: BTreeMap<String, String> = packages
        .iter()
        .map(|package| (format!("{} {}", package["name"], package["version"]), package["license"].as_str()))
        .filter(|(_, licence)| !licence.is_some_and(is_allowed))
        .map(|(name, licence)| (name, licence.unwrap_or("none told").to_owned()))
        .collect();
    assert!(refused.is_empty(), "not among the licences that are allowed: {refused:#?}");
}

/// The check itself: what must not pass does not.
#[test]
fn what_may_not_be_used_is_refused() {
    for licence in ["GPL-3.0-only", "AGPL-3.0-only", "MIT AND GPL-2.0-or-later", "LicenseRef-FoxIO", "MPL-2.0"] {
        assert!(!is_allowed(licence), "{licence}");
    }
    for licence in ["MIT/Apache-2.0", "GPL-3.0-only OR MIT", "(MIT OR Apache-2.0) AND Unicode-3.0"] {
        assert!(is_allowed(licence), "{licence}");
    }
}

/// Only crates.io: what comes from elsewhere can go away, and `cargo publish` refuses it.
#[test]
fn every_dependency_comes_from_the_registry() {
    for package in packages() {
        let source = package["source"].as_str();
        let is_own = package["name"] == "wireglass" || package["name"] == "wireglass-fuzz";
        assert!(is_own || source.is_some_and(|source| source.contains("crates.io-index")), "{}", package["name"]);
    }
}
