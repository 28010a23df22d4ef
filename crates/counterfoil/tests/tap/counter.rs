//! What the bank's operators type wrong.

use crate::program::bank::Bank;
use crate::program::process::run_typed;
use crate::program::terminal::Terminal;

#[test]
fn an_operator_is_told_what_is_wrong_with_a_card_or_a_terminal() {
    let bank = Bank::new();
    let holder = bank.holder(1_000);
    let bank_card = bank.bank_card(&holder);
    let run = |words: &[&str]| bank.platform.run(words);

    let issue = |industry, card, count| {
        run(&["wallet", "issue", "--industry", industry, "--bank-card", card, "--count", count])
    };
    let error = issue("0109", &bank_card, "1").badly();
    assert!(error.contains("the bank serves no industry 0109"), "{error}");
    let error = issue("0101", "6212345678901234", "1").badly();
    assert!(
        error.contains("no bank card with this number") && error.contains("counterfoil bank card"),
        "{error}"
    );
    assert!(issue("0101", &bank_card, "0").badly().contains("--count is 1 to"));
    assert!(issue("bus", &bank_card, "1").err.contains("four decimal digits"));
    let out = bank.platform.data.join("keys.cfks").join("cards");
    let words =
        ["wallet", "issue", "--industry", "0101", "--bank-card", &bank_card, "--out", out.to_str().unwrap()];
    let error = run(&words).badly();
    assert!(error.contains("cards"), "{error}");
    assert!(run(&["wallet", "freeze", "01010000000000000000"]).badly().contains("no wallet card"));
    assert!(run(&["wallet", "freeze", "12"]).err.contains("20 decimal digits"));
    assert_eq!(run(&["wallet", "list"]).well().lines().count(), 1);

    let card = |holder: &str, phone: &str, pin: &str| {
        run_typed(&mut bank.platform.command(&["bank", "card", "--holder", holder, "--phone", phone]), &[pin])
    };
    let error = card("hld_0000000000000001", "+8613812345678", "2468").badly();
    assert!(error.contains("no holder with this reference") && error.contains("holder add"), "{error}");
    assert!(card(&holder, "13812345678", "2468").badly().contains("a phone number is +"));
    for pin in ["246", "2468101214161", "24a8", ""] {
        assert!(card(&holder, "+8613812345678", pin).badly().contains("4 to 12 decimal digits"), "{pin}");
    }
    assert!(run(&["bank", "freeze", "6212345678901234"]).badly().contains("no bank card"));

    assert!(run(&["bank", "terminal", "00000100005"]).err.contains("12 hexadecimal digits"));
    let error = run(&["bank", "terminal", "000001000050", "--name", ""]).badly();
    assert!(error.contains("1 to 64 characters"), "{error}");
    assert!(run(&["bank", "revoke", "000001000050"]).badly().contains("no terminal 000001000050"));
    let weak = run(&["bank", "terminal", "000001000050", "--suite", "des"]);
    assert!(weak.err.contains("warning: DES"), "{}", weak.err);
    if !cfg!(feature = "legacy") {
        assert!(weak.badly().contains("build it with `legacy`"));
    }
}

#[test]
fn a_frozen_bank_card_is_named_in_the_audit_log_as_everywhere_else() {
    let bank = Bank::new();
    let number = bank.bank_card(&bank.holder(10_000));
    bank.platform.run(&["bank", "freeze", &number]).well();
    bank.platform.run(&["bank", "unfreeze", &number]).well();
    let log = bank.platform.run(&["audit", "list"]).well();
    let masked = format!("{}••••{}", &number[..6], &number[number.len() - 4..]);
    for action in ["bank_card_freeze", "bank_card_unfreeze"] {
        assert!(log.lines().any(|line| line.contains(action) && line.contains(&masked)), "{log}");
    }
    assert!(!log.contains(&number), "{log}");
}

#[test]
fn a_load_is_settled_only_with_a_note_and_only_when_no_card_can() {
    let bank = Bank::new();
    let bank_card = bank.bank_card(&bank.holder(10_000));
    let _serving = bank.serve();
    let terminal = Terminal::enrolled(&bank, "000001000050", &["0101-bus.pack.toml"]);
    let card = bank.wallet("0101", &bank_card);
    terminal.activate(&card).with(0);
    terminal.load(&bank, &card, "20", &["--tear", "before:4"]).with(4);
    let load = bank.loads_of(&card.asn)[0][0].clone();
    let settle =
        |found: &str, note: &[&str]| bank.platform.run(&[&["bank", "settle", &load, found], note].concat());

    let unsaid = settle("credited", &[]);
    assert!(unsaid.code == Some(2) && unsaid.err.contains("--note"), "{}", unsaid.err);
    for empty in ["", "  ", &"x".repeat(201)] {
        assert!(settle("unreadable", &["--note", empty]).badly().contains("1 to 200 characters"));
    }
    // The card can still say: its next tap decides, not a person.
    for found in ["credited", "not-credited"] {
        let error = settle(found, &["--note", "a guess"]).badly();
        assert!(error.contains("open"), "{error}");
    }
    assert!(settle("lost", &["--note", "x"]).err.contains("possible values"));
    let none = ["bank", "settle", "load_00000000000000000000000000000000", "credited", "--note", "x"];
    assert!(bank.platform.run(&none).badly().contains("no load with this id"));
    let cut = ["bank", "settle", "load_0", "credited", "--note", "x"];
    assert!(bank.platform.run(&cut).err.contains("load_ and 32 hexadecimal digits"));
    assert_eq!(bank.loads_of(&card.asn)[0][4], "open");

    let said = terminal.tap(&["finish"], &card).with(0);
    assert!(said.contains("balance   20.00 yuan"), "{said}");
    let error = settle("not-credited", &["--note", "too late"]).badly();
    assert!(error.contains("closed"), "{error}");
    let listed = |state| bank.platform.run(&["bank", "loads", "--state", state]).well().contains(&load);
    assert!(listed("closed") && !listed("open"));
    bank.platform.ledger();
}
