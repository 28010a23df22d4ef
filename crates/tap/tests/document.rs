//! `docs/protocol/tap.md` against the code: its outcomes, its rules with their tests, its numbers, its example.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

use std::fs;
use std::path::PathBuf;

use tap::outcome::{Money, Outcome};

const DOCUMENT: &str = include_str!("../../../docs/protocol/tap.md");
const VECTORS: &str = include_str!("../../../vectors/tap.json");

/// The rows of the table under this head, cell by cell.
fn table(head: &str) -> Vec<Vec<&'static str>> {
    let rest = DOCUMENT.split_once(head).unwrap_or_else(|| panic!("{head}")).1;
    rows(rest.lines().skip(2))
}

fn rows(lines: impl Iterator<Item = &'static str>) -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
    lines.take_while(|line| line.starts_with('|')).map(cells).collect()
}

#[test]
fn the_outcomes_are_the_documents_table() {
    let table = table("| number | name | money | English | Chinese |");
    assert_eq!(table.len(), Outcome::ALL.len());
    for (row, outcome) in table.iter().zip(Outcome::ALL) {
        let money = match outcome.money() {
            Money::Done => "done",
            Money::Nothing => "nothing",
            Money::HoldAgain => "hold again",
            Money::AtTheBank => "at the bank",
        };
        let (number, name) = (outcome.number().to_string(), format!("`{}`", outcome.name()));
        assert_eq!(row.as_slice(), [&number, &name, money, outcome.english(), outcome.chinese()]);
    }
}

/// Where a test of the document stands: `tap/driver/torn.rs` below `tests`, unless it names `src`.
fn file_of(named: &str) -> PathBuf {
    let crates = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    match named.split_once('/') {
        Some((name, rest)) if rest.starts_with("src/") => crates.join(name).join(rest),
        Some((name, rest)) => crates.join(name).join("tests").join(rest),
        None => panic!("{named} names no crate"),
    }
}

#[test]
fn every_rule_has_its_number_and_every_test_that_shows_it_is_there() {
    let rules: Vec<_> = DOCUMENT
        .split("| rule | who | must | shown by |")
        .skip(1)
        .flat_map(|rest| rows(rest.lines().skip(2)))
        .collect();
    assert!(rules.len() > 60, "{}", rules.len());
    for (index, row) in rules.iter().enumerate() {
        let &[rule, who, must, shown] = row.as_slice() else { panic!("{row:?}") };
        assert_eq!(rule, format!("T{}", index + 1));
        assert!(!who.is_empty() && !must.is_empty(), "{rule}");
        if shown == "none yet" {
            continue;
        }
        let mut text = None;
        for named in shown.split('`').skip(1).step_by(2) {
            if named.ends_with(".rs") {
                let file = file_of(named);
                let read = fs::read_to_string(&file);
                text = Some(read.unwrap_or_else(|error| panic!("{rule}: {}: {error}", file.display())));
            } else {
                let text = text.as_deref().unwrap_or_else(|| panic!("{rule}: {named} has no file"));
                assert!(text.contains(&format!("fn {named}(")), "{rule}: there is no test {named}");
            }
        }
        assert!(text.is_some(), "{rule} is shown by nothing");
    }
}

#[test]
fn the_load_in_hex_is_the_one_of_the_vectors() {
    let section = DOCUMENT.split_once("## 12. ").unwrap().1.split_once("\n## 13. ").unwrap().0;
    let vectors = VECTORS.to_lowercase();
    let mut compared = 0;
    for block in section.split("```").skip(1).step_by(2) {
        for line in block.lines() {
            let digits: String = line.split_whitespace().collect::<String>().to_lowercase();
            assert!(vectors.contains(&digits), "{line}");
            compared += usize::from(digits.len() > 11);
        }
    }
    assert!(compared > 20, "{compared}");
}

#[test]
fn every_link_of_the_document_leads_somewhere() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs/protocol");
    let anchors: Vec<String> = DOCUMENT
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| {
            let title = line.trim_start_matches('#').trim().to_lowercase();
            let kept = title.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-'));
            format!("#{}", kept.collect::<String>().replace(' ', "-"))
        })
        .collect();
    for target in DOCUMENT.split("](").skip(1).map(|rest| rest.split(')').next().unwrap()) {
        if target.starts_with('#') {
            assert!(anchors.iter().any(|anchor| anchor == target), "{target}");
        } else {
            let file = target.split('#').next().unwrap();
            assert!(folder.join(file).exists(), "{target}");
        }
    }
}
