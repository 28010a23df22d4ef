//! The registry of tags, the steps and the limits, against the document that makers of other ends read.

use tap::message::Step;
use tap::tag::{Length, Place, Tag};
use tap::{CommandList, End, ListEnding, Message, Outputs, Transaction};

const DOCUMENT: &str = include_str!("../../../../docs/protocol/tap.md");

#[test]
fn numbers_and_names_of_heads_are_one_to_one() {
    for transaction in Transaction::ALL {
        assert_eq!(Transaction::from_number(transaction.number()), Some(transaction));
        assert_eq!(Transaction::from_name(transaction.name()), Some(transaction));
    }
    for number in 0..=u8::MAX {
        assert_eq!(Step::from_number(number).map_or(number, Step::number), number);
        assert_eq!(Transaction::from_number(number).map_or(number, Transaction::number), number);
        assert_eq!(ListEnding::from_number(number).map_or(number, ListEnding::number), number);
    }
}

/// The cells of the rows whose first cell begins so.
fn rows(begins: &str) -> Vec<Vec<&'static str>> {
    let cells = |line: &'static str| line.trim_matches('|').split('|').map(str::trim).collect();
    let rows = DOCUMENT.lines().filter(|line| line.starts_with('|')).map(cells);
    rows.filter(|row: &Vec<&str>| row[0].starts_with(begins)).collect()
}

#[test]
fn the_registry_of_tags_is_the_documents_table() {
    let table: Vec<_> = ["`DF", "`FF"].into_iter().flat_map(rows).collect();
    assert_eq!(table.len(), Tag::ALL.len());
    for row in table {
        let &[number, name, length, steps] = row.as_slice() else { panic!("{row:?}") };
        let number = u16::from_str_radix(number.trim_matches('`'), 16).unwrap();
        let tag = Tag::from_number(number).unwrap_or_else(|| panic!("{row:?}"));
        assert_eq!(tag.length().to_string(), length, "{tag}");
        let places: Vec<String> = tag
            .places()
            .iter()
            .map(|(place, _)| match place {
                Place::In(step) => format!("{:02}", step.number()),
                Place::InCommand => "in `FF21`".into(),
            })
            .collect();
        assert_eq!(steps, places.join(", "), "{tag}");
        let repeats = name.split("up to ").nth(1).and_then(|rest| rest.split(' ').next());
        assert_eq!(tag.times(), repeats.map_or(1, |times| times.parse().unwrap()), "{tag}");
        assert_eq!(name.contains("at most 200 bytes"), tag.length() == Length::Text(200), "{tag}");
    }
}

#[test]
fn tags_rise_and_each_has_a_place() {
    assert!(Tag::ALL.is_sorted());
    for tag in Tag::ALL {
        assert_eq!(Tag::from_number(tag.number()), Some(*tag));
        assert!(!tag.places().is_empty());
    }
}

#[test]
fn steps_and_letters_are_the_documents_table() {
    for step in Step::ALL {
        let cell = format!("{:02} {}", step.number(), step.name());
        let row = rows(&cell).pop().unwrap_or_else(|| panic!("{cell}"));
        assert_eq!(row[0], cell);
        assert_eq!(row[1], step.letter().letter().to_string());
    }
    assert_eq!(rows("0").len(), Step::ALL.len());
}

#[test]
fn the_documents_limits_are_the_constants() {
    assert!(DOCUMENT.contains("at most 16,384 characters"));
    assert_eq!(Message::LENGTH_MAX, 16_384);
    assert_eq!(CommandList::COMMANDS_MAX, 32);
    assert_eq!(Outputs::OUTPUTS_MAX, 32);
    assert_eq!(End::RECORDS_MAX, 10);
}
