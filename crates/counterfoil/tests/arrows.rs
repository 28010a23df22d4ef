//! Who may depend on whom. Nothing points up, or sideways between `air`, `tap` and `payment`.
#![allow(clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

use std::collections::BTreeMap;
use std::process::Command;

/// Each crate with the crates of this house that it may name outside of its tests.
const ALLOWED: &[(&str, &[&str])] = &[
    ("model", &[]),
    ("crypto", &["model"]),
    ("air", &["crypto", "model"]),
    ("tap", &["crypto", "model"]),
    ("payment", &["model"]),
    ("statement", &["model", "payment"]),
    ("cluster", &[]),
    ("coap", &[]),
    ("energy", &["networks"]),
    ("fleet", &["model"]),
    ("networks", &["model"]),
    ("operator", &["model"]),
    ("provision", &["model"]),
    ("sealed", &[]),
    ("keystore", &["crypto", "model", "sealed"]),
    ("packs", &["crypto", "model", "tap"]),
    ("store", &["air", "crypto", "fleet", "model", "operator", "payment", "tap", "webhook"]),
    ("pages", &[]),
    ("visit", &["pages"]),
    ("webhook", &["model"]),
    ("shop", &["model", "pages", "visit"]),
    ("terminal", &["crypto", "model", "packs", "pages", "sealed", "tap", "visit"]),
    (
        "server",
        &[
            "air",
            "coap",
            "crypto",
            "fleet",
            "model",
            "networks",
            "operator",
            "packs",
            "pages",
            "payment",
            "statement",
            "store",
            "tap",
            "visit",
            "webhook",
        ],
    ),
    ("sim", &["air", "coap", "crypto", "model", "pages", "server", "tap", "visit"]),
    (
        "counterfoil",
        &[
            "air",
            "coap",
            "crypto",
            "energy",
            "fleet",
            "keystore",
            "model",
            "networks",
            "operator",
            "payment",
            "provision",
            "sealed",
            "server",
            "shop",
            "sim",
            "statement",
            "store",
            "tap",
            "terminal",
            "packs",
        ],
    ),
];

/// Crates without an operating system: what they must not name, whoever asks.
const CORES: &[&str] = &["model", "crypto", "air", "tap", "payment", "coap", "fleet", "webhook"];
const NOT_IN_CORES: &[&str] = &["tokio", "axum", "rusqlite", "getrandom", "rand", "tracing", "serde_json"];
/// Without `std`, as a message's body is JSON: `scripts/check` builds it for a bare target.
const ALLOWED_IN_CORES: &[(&str, &str)] = &[("webhook", "serde_json")];

fn dependencies() -> BTreeMap<String, Vec<String>> {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--workspace", "--depth", "1", "--edges", "normal", "--prefix", "depth", "--offline"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut current = String::new();
    for line in String::from_utf8_lossy(&output.stdout).lines().filter(|line| !line.is_empty()) {
        let (depth, rest) = line.split_at(1);
        let name = rest.split_whitespace().next().unwrap_or_default();
        let name = name.strip_prefix("counterfoil-").unwrap_or(name).to_owned();
        if depth == "0" {
            current = name;
            found.entry(current.clone()).or_default();
        } else {
            found.entry(current.clone()).or_default().push(name);
        }
    }
    found
}

#[test]
fn arrows_point_down_only() {
    let found = dependencies();
    let ours: Vec<&str> = ALLOWED.iter().map(|(name, _)| *name).collect();
    for (name, named) in &found {
        let allowed = ALLOWED.iter().find(|(known, _)| known == name);
        let (_, allowed) =
            allowed.unwrap_or_else(|| panic!("the crate {name} has no place in this table yet"));
        for dependency in named.iter().filter(|dependency| ours.contains(&dependency.as_str())) {
            assert!(allowed.contains(&dependency.as_str()), "{name} must not depend on {dependency}");
        }
    }
    assert_eq!(found.len(), ALLOWED.len(), "a crate of the table is gone");
}

#[test]
fn cores_name_no_runtime_no_file_and_no_clock() {
    let found = dependencies();
    for core in CORES {
        for dependency in &found[*core] {
            if ALLOWED_IN_CORES.contains(&(*core, dependency.as_str())) {
                continue;
            }
            assert!(!NOT_IN_CORES.contains(&dependency.as_str()), "{core} must not depend on {dependency}");
        }
    }
}
