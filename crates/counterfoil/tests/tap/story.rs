//! From an empty folder to money on a card, torn and finished, with every exit code that a script can meet.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;

use crate::program::bank::{Bank, PIN};
use crate::program::process::run_typed;
use crate::program::terminal::{TERMINAL_PASSPHRASE, Terminal};

const BUS: &[&str] = &["0101-bus.pack.toml"];

#[test]
fn a_card_is_activated_loaded_torn_and_finished_and_each_end_has_its_exit_code() {
    let bank = Bank::new();
    let bank_card = bank.bank_card(&bank.holder(50_000));
    let serving = bank.serve();
    let terminal = Terminal::enrolled(&bank, "000001000050", BUS);
    let [card, untaken, early] = bank.wallets("0101", &bank_card, 3).try_into().unwrap();

    let said = terminal.tap(&["balance"], &card).with(0);
    assert!(said.contains(&card.asn) && said.contains("balance   0.00 yuan"), "{said}");
    let said = terminal.tap(&["load", "--amount", "50"], &card).with(3);
    assert!(said.contains("not activated yet") && said.contains("not_activated"), "{said}");
    for wallet in [&card, &untaken, &early] {
        assert!(terminal.activate(wallet).with(0).contains("The card is activated."));
    }
    // Whoever activates once more is told the same.
    assert!(terminal.activate(&card).with(0).contains("The card is activated."));

    // The card took it, and its answer was lost.
    let said = terminal.load(&bank, &card, "50", &["--tear", "after:4"]).with(4);
    assert!(said.contains("Paid, not yet written"), "{said}");
    assert_eq!(card.balance(), 5_000);
    assert!(bank.load_counts().starts_with("1 open  0 closed"), "{}", bank.load_counts());
    let said = terminal.tap(&["load", "--amount", "10"], &card).with(4);
    assert!(said.contains("not finished") && said.contains("open_load"), "{said}");
    let said = terminal.tap(&["finish"], &card).with(0);
    assert!(said.contains("Loaded.") && said.contains("balance   50.00 yuan"), "{said}");
    assert!(terminal.tap(&["finish"], &card).with(0).contains("No load of this card waits"));
    let said = terminal.tap(&["balance", "--verified"], &card).with(0);
    assert!(said.contains("balance   50.00 yuan  (checked by the bank)"), "{said}");
    assert_eq!((bank.loads_of(&card.asn).len(), card.balance()), (1, 5_000));

    // The card never saw it, and a person was quicker than its next tap: only a person ends it now.
    terminal.load(&bank, &untaken, "20", &["--tear", "before:4"]).with(4);
    let load = bank.loads_of(&untaken.asn)[0][0].clone();
    let settle = |found, note| bank.platform.run(&["bank", "settle", &load, found, "--note", note]);
    assert!(settle("unreadable", "burnt, seen").well().contains("in doubt now"));
    let said = terminal.tap(&["finish"], &untaken).with(5);
    assert!(said.contains("The bank settles it"), "{said}");
    assert!(settle("not-credited", "its log has no load").well().contains("the holder's again"));
    terminal.tap(&["finish"], &untaken).with(0);
    let notes = bank.loads_of(&untaken.asn)[0].join(" ");
    assert!(notes.contains("settled_returned") && notes.contains("its log has no load"), "{notes}");
    assert_eq!(untaken.balance(), 0);

    // Gone before anything was said to the bank.
    let said = terminal.load(&bank, &early, "30", &["--tear", "before:1"]).with(3);
    assert!(said.contains("Nothing was paid"), "{said}");
    assert!(bank.loads_of(&early.asn).is_empty());

    assert_eq!(
        bank.load_counts(),
        "0 open  1 closed  0 in doubt  0 settled credited  1 settled returned  0 reversed"
    );
    let ledger = bank.platform.ledger();
    assert!(ledger.contains("transfers: 0 pending, 2 posted, 1 voided, 0 expired"), "{ledger}");
    let float = ledger.lines().find(|line| line.contains("load_float")).unwrap();
    assert!(float.contains(" ¥50.00 ") && float.contains("in          ¥0.00"), "{float}");
    let log = serving.complaints();
    for secret in [PIN, TERMINAL_PASSPHRASE, &bank_card] {
        assert!(!log.contains(secret), "{secret} stands in {log}");
    }
    serving.signal("TERM");
    serving.ended().well();
}

#[test]
fn what_a_holder_types_wrong_costs_nothing_and_is_told() {
    let bank = Bank::new();
    let bank_card = bank.bank_card(&bank.holder(1_000));
    let _serving = bank.serve();
    let terminal = Terminal::enrolled(&bank, "000001000050", BUS);
    let [pin, code, poor, left, frozen] = bank.wallets("0101", &bank_card, 5).try_into().unwrap();
    for wallet in [&pin, &code, &poor, &left, &frozen] {
        terminal.activate(wallet).with(0);
    }

    let mut load = terminal.begin_load(&pin, "5", &[]);
    let text = bank.gateway.text_about(&pin.asn);
    assert!(text.to == "+8613812345678" && text.text.contains("5.00 yuan"), "{text:?}");
    load.answers(&text.code());
    load.answers("000000");
    let said = load.ended().with(3);
    assert!(said.contains("PIN is wrong") && said.contains("tries     2 left"), "{said}");
    let said = terminal.tap(&["load", "--amount", "5"], &pin).with(3);
    assert!(said.contains("Wait a little") && said.contains("sms_too_often"), "{said}");

    let mut load = terminal.begin_load(&code, "5", &[]);
    let right = bank.gateway.text_about(&code.asn).code();
    load.answers(if right == "000000" { "000001" } else { "000000" });
    load.answers(PIN);
    let said = load.ended().with(3);
    assert!(said.contains("SMS code is wrong") && said.contains("tries     2 left"), "{said}");

    let said = terminal.load(&bank, &poor, "20", &[]).with(3);
    assert!(said.contains("does not have this amount"), "{said}");
    let said = terminal.tap(&["load", "--amount", "5000"], &left).with(3);
    assert!(said.contains("amount_refused"), "{said}");

    // Not six digits, no digits, and nobody there any more.
    let typed = |words: &[&str], lines: &[&str], wallet| run_typed(&mut terminal.card(words, wallet), lines);
    assert!(typed(&["load", "--amount", "5"], &["12"], &left).badly().contains("six digits"));
    assert!(typed(&["activate"], &["12"], &frozen).badly().contains("4 to 12 decimal digits"));
    assert!(typed(&["activate"], &[], &frozen).badly().contains("standard input"));
    assert!(typed(&["load", "--amount", "0"], &[], &left).err.contains("give yuan, such as 50 or 50.00"));
    assert!(typed(&["load", "--amount", "5", "--tear", "4"], &[], &left).err.contains("before:N or after:N"));

    // A holder who thinks better of it, at the keyboard.
    bank.platform.run(&["wallet", "unfreeze", &frozen.asn]).well();
    let load = terminal.begin_load(&frozen, "5", &[]);
    load.signal("INT");
    // Before the keyboard goes as well.
    load.asks("error: ");
    let error = load.ended().badly();
    assert!(error.contains("nothing was paid"), "{error}");
    bank.platform.run(&["wallet", "freeze", &frozen.asn]).well();
    assert!(terminal.tap(&["load", "--amount", "5"], &frozen).with(3).contains("card_frozen"));
    bank.platform.run(&["bank", "freeze", &bank_card]).well();
    assert!(terminal.tap(&["load", "--amount", "5"], &poor).with(3).contains("The bank card is frozen"));
    bank.platform.run(&["bank", "unfreeze", &bank_card]).well();

    for wallet in [&pin, &code, &poor, &left, &frozen] {
        assert_eq!((wallet.balance(), bank.loads_of(&wallet.asn).len()), (0, 0));
    }
    assert!(bank.platform.ledger().contains(" 1 posted, 0 voided"));
}

#[test]
fn a_card_that_is_no_such_card_and_a_reader_that_is_not_there_are_named() {
    let bank = Bank::new();
    let bank_card = bank.bank_card(&bank.holder(1_000));
    let _serving = bank.serve();
    let terminal = Terminal::enrolled(&bank, "000001000050", BUS);
    let (bus, school) = (bank.wallet("0101", &bank_card), bank.wallet("0102", &bank_card));

    // The terminal has no pack of the school's, and says so itself.
    let error = terminal.tap(&["balance"], &school).badly();
    assert!(
        error.contains("no driver pack for industry 0102") && error.contains("terminal install"),
        "{error}"
    );
    let as_bus = ["balance", "--industry", "0101", "--wallet", school.path()];
    assert!(terminal.run(&as_bus).with(3).contains("no wallet of this kind"));
    // Another bank's card: same industry, same keys' names, other keys.
    let elsewhere = Bank::new();
    let foreign = elsewhere.wallet("0101", &elsewhere.bank_card(&elsewhere.holder(1)));
    assert!(terminal.activate(&foreign).with(3).contains("does not know this card"));

    if !cfg!(feature = "pcsc") {
        let error = terminal.run(&["balance", "--industry", "0101"]).badly();
        assert!(error.contains("--features pcsc") && error.contains("--wallet FILE"), "{error}");
        assert!(terminal.run(&["readers"]).badly().contains("--features pcsc"));
    }
    let balance = |file: &str| terminal.run(&["balance", "--industry", "0101", "--wallet", file]).badly();
    assert!(balance("nowhere.json").contains("there is no wallet card at nowhere.json"));
    let exposed = bus.file.with_file_name("exposed.json");
    std::fs::copy(&bus.file, &exposed).unwrap();
    std::fs::set_permissions(&exposed, Permissions::from_mode(0o644)).unwrap();
    assert!(balance(exposed.to_str().unwrap()).contains("chmod 600"));
    std::fs::remove_file(&exposed).unwrap();
    let junk = bus.file.with_file_name("junk.json");
    std::fs::copy(&bus.file, &junk).unwrap();
    std::fs::write(&junk, "{}").unwrap();
    assert!(balance(junk.to_str().unwrap()).contains("junk.json"));
    // Two terminals cannot hold one card.
    terminal.activate(&bus).with(0);
    let holding = terminal.begin_load(&bus, "5", &[]);
    let other = Terminal::enrolled(&bank, "000001000051", BUS);
    let error = other.tap(&["balance"], &bus).badly();
    assert!(error.contains(bus.path()) && error.contains("in use"), "{error}");
    holding.kill();
    other.tap(&["balance"], &bus).with(0);
}
