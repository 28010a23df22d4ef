//! The bank's folder: which industries it serves, and which files it does not use.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

use std::fs;

use model::{Fen, IndustryCode};
use packs::{Industries, Product, example_key, example_signer, examples, sign, write_examples};

fn code(number: u16) -> IndustryCode {
    IndustryCode::new(number).unwrap()
}

#[test]
fn the_examples_are_served_and_allow_no_more_than_their_packs() {
    let industries = Industries::examples();
    assert_eq!(industries.bad_files(), []);
    assert_eq!(industries.all().len(), 3);
    for industry in industries.all() {
        let (pack, product) = (&industry.pack, &industry.product);
        assert_eq!(pack.code, product.code);
        assert!(product.load_max <= pack.per_load_max && product.balance_max <= pack.balance_max);
        let served = |amount: &Fen| (product.load_min..=product.load_max).contains(amount);
        assert!(pack.amounts.iter().all(served));
    }
    let bus = industries.get(code(101)).unwrap();
    assert_eq!(bus.product.issuer, [0x10, 0x00, 0x75, 0x01, 0x01, 0, 0, 0]);
    assert_eq!(bus.product.keys.load.as_str(), "bus-load");
    assert_eq!(industries.get(code(104)), None);
    industries.reload().unwrap();
    assert_eq!(industries.all().len(), 3);
}

#[test]
fn every_fault_of_a_product_has_its_name_and_its_key() {
    let good = examples()[0].product;
    for (from, to, why, says) in [
        ("format = 1", "format = 2", "newer_format", "format 2"),
        ("\"0101\"", "\"01o1\"", "out_of_range", "`code`"),
        ("\"1000750101000000\"", "\"10007501010000\"", "out_of_range", "`issuer`"),
        ("\"bus-load\"", "\"Bus load\"", "out_of_range", "`keys.load`"),
        ("tac = ", "tax = ", "missing_key", "`keys.tac`"),
        ("[card]", "[card]\ncolour = 1", "unknown_key", "`card.colour`"),
        ("load_min = 100", "load_min = 0", "out_of_range", "`limits.load_min`"),
        ("load_max = 50000", "load_max = 99", "out_of_range", "`limits.load_max`"),
        ("balance_max = 100000", "balance_max = 49999", "out_of_range", "`limits.balance_max`"),
        ("day_max = 200000", "day_max = 49999", "out_of_range", "`limits.day_max`"),
        ("validity_years = 10", "validity_years = 51", "out_of_range", "`card.validity_years`"),
        ("[limits]", "[limits", "malformed", "line 16"),
    ] {
        assert!(good.contains(from), "{from}");
        let error = Product::parse(&good.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.code(), why, "{to}: {error}");
        assert!(error.to_string().contains(says), "{to}: {error}");
    }
    let long = format!("{good}{}", "#".repeat(64 * 1024));
    assert_eq!(Product::parse(&long).unwrap_err().code(), "too_large");
}

#[test]
fn an_industry_needs_both_files_and_comes_and_goes_with_a_reload() {
    let folder = tempfile::tempdir().unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write_examples(folder.path()).unwrap();
    let industries = Industries::load(folder.path(), &[example_signer()]).unwrap();
    assert_eq!(industries.all().len(), 3);

    let product = examples()[0].product.replace("\"0101\"", "\"0104\"");
    put("0104.product.toml", &product);
    industries.reload().unwrap();
    assert_eq!(industries.get(code(104)), None);
    let bad = industries.bad_files();
    assert_eq!((bad.len(), bad[0].name.as_str(), bad[0].code), (1, "0104.product.toml", "no_pack"));

    let pack = examples()[0].pack.replace("code = \"0101\"", "code = \"0104\"");
    put("0104.pack.toml", &sign(&pack, &example_key()).unwrap());
    put("0104-again.product.toml", &product);
    industries.reload().unwrap();
    let held = industries.get(code(104)).unwrap();
    assert_eq!(industries.bad_files()[0].code, "doubled");

    fs::remove_file(folder.path().join("0104.pack.toml")).unwrap();
    industries.reload().unwrap();
    assert_eq!(industries.get(code(104)), None);
    assert_eq!(held.product.code, code(104), "what is in use stays what it was");

    fs::remove_dir_all(folder.path()).unwrap();
    fs::write(folder.path(), "a file where the folder was").unwrap();
    assert!(industries.reload().is_err());
    assert_eq!(industries.all().len(), 3, "a folder that cannot be read takes nothing away");
    fs::remove_file(folder.path()).unwrap();
    fs::create_dir(folder.path()).unwrap();
}

#[test]
fn industries_can_be_given_without_files() {
    let industries = Industries::of(Industries::examples().all().iter().map(|one| (**one).clone()));
    assert_eq!(industries.all(), Industries::examples().all());
}
