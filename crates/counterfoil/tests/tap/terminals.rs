//! A terminal that is lost, registered anew, run twice, or opened by somebody else.

use crate::line::{Line, Then};
use crate::program::bank::{Bank, PIN, Wallet, example};
use crate::program::process::{run, run_typed};
use crate::program::terminal::{TERMINAL_PASSPHRASE, Terminal};

const BUS: &[&str] = &["0101-bus.pack.toml"];

#[test]
fn a_revoked_terminal_is_refused_by_name_at_once_and_nothing_is_lost() {
    let bank = Bank::new();
    let bank_card = bank.bank_card(&bank.holder(10_000));
    let _serving = bank.serve();
    let (lost, other) =
        (Terminal::enrolled(&bank, "000001000050", BUS), Terminal::enrolled(&bank, "000001000051", BUS));
    let [torn, running, late] = bank.wallets("0101", &bank_card, 3).try_into().unwrap();
    for wallet in [&torn, &running, &late] {
        lost.activate(wallet).with(0);
    }
    lost.load(&bank, &torn, "20", &["--tear", "after:4"]).with(4);
    let mut load = lost.begin_load(&running, "30", &[]);
    let said = bank.platform.run(&["bank", "revoke", "000001000050"]).well();
    assert!(said.contains("refused from now on"), "{said}");

    // In the middle of a load, before its card was held.
    load.answers(&bank.gateway.text_about(&running.asn).code());
    load.answers(PIN);
    let ended = load.ended();
    let said = ended.with(3);
    assert!(said.contains("does not accept this terminal") && said.contains("terminal_revoked"), "{said}");
    for words in [&["finish"][..], &["balance", "--verified"], &["load", "--amount", "5"]] {
        let said = lost.tap(words, &torn).with(3);
        assert!(
            said.contains("does not accept this terminal") && said.contains("terminal_revoked"),
            "{said}"
        );
    }
    assert!(lost.activate(&late).with(3).contains("terminal_revoked"));
    // What a card says of itself needs no bank.
    lost.tap(&["balance"], &late).with(0);
    bank.platform.run(&["bank", "revoke", "000001000050"]).well();
    let listed = bank.platform.run(&["bank", "terminals"]).well();
    assert!(listed.lines().any(|line| line.starts_with("000001000050  revoked")), "{listed}");

    let said = other.tap(&["finish"], &torn).with(0);
    assert!(said.contains("balance   20.00 yuan"), "{said}");
    assert_eq!([torn.balance(), running.balance()], [2_000, 0]);
    assert_eq!(
        bank.load_counts(),
        "0 open  1 closed  0 in doubt  0 settled credited  0 settled returned  0 reversed"
    );
    assert!(bank.platform.ledger().contains(" 2 posted, 0 voided"));
}

#[test]
fn a_terminal_registered_anew_shuts_out_the_device_of_before_and_keeps_its_name() {
    let bank = Bank::new();
    let bank_card = bank.bank_card(&bank.holder(10_000));
    let _serving = bank.serve();
    let number = "00000100005a";
    let before = Terminal::new(number);
    let said = bank.platform.run(&["bank", "terminal", number, "--name", "kiosk at the gate"]).well();
    let code = said.lines().find_map(|line| line.strip_prefix("    ")).unwrap().to_owned();
    before.enrol(&bank, &code).well();
    before.install(&example(BUS[0])).well();
    let card = bank.wallet("0101", &bank_card);
    before.activate(&card).with(0);
    before.load(&bank, &card, "20", &["--tear", "after:4"]).with(4);

    let code = bank.register(number);
    let said = before.tap(&["finish"], &card).with(3);
    assert!(said.contains("does not accept this terminal"), "{said}");
    let after = Terminal::new(number);
    after.enrol(&bank, &code).well();
    after.install(&example(BUS[0])).well();
    let said = before.tap(&["finish"], &card).with(3);
    assert!(said.contains("does not accept this terminal"), "{said}");
    assert!(after.tap(&["finish"], &card).with(0).contains("balance   20.00 yuan"));
    let listed = bank.platform.run(&["bank", "terminals"]).well();
    assert_eq!(listed.lines().count(), 2, "{listed}");
    assert!(listed.contains("active") && listed.contains("kiosk at the gate"), "{listed}");
    bank.platform.ledger();
}

#[test]
fn a_folder_is_one_terminals_and_opens_under_its_passphrase_only() {
    let bank = Bank::new();
    let bank_card = bank.bank_card(&bank.holder(10_000));
    let _serving = bank.serve();
    let terminal = Terminal::enrolled(&bank, "000001000050", BUS);
    let [card, other] = bank.wallets("0101", &bank_card, 2).try_into().unwrap();
    terminal.activate(&card).with(0);

    let load = terminal.begin_load(&card, "20", &[]);
    for second in [terminal.tap(&["balance"], &other), terminal.run(&["packs"])] {
        assert!(second.badly().contains("is running already"));
    }
    load.kill();
    terminal.tap(&["balance"], &other).with(0);

    let with = |passphrase: &str| {
        let mut command = terminal.command(&["packs"]);
        run(command.env("COUNTERFOIL_TERMINAL_PASSPHRASE", passphrase))
    };
    let error = with("ten kettles under the bridge").badly();
    assert!(error.contains("not the passphrase of") && error.contains("terminal.cft"), "{error}");
    assert!(with("short").badly().contains("at least 12 bytes"));
    // From a file, as services have it; and typed, where there is neither.
    let file = terminal.folder.with_file_name("passphrase");
    std::fs::write(&file, format!("{}\n", TERMINAL_PASSPHRASE)).unwrap();
    let mut command = terminal.command(&["packs", "--passphrase-file", file.to_str().unwrap()]);
    run(command.env_remove("COUNTERFOIL_TERMINAL_PASSPHRASE")).well();
    let mut command = terminal.command(&["packs"]);
    command.env_remove("COUNTERFOIL_TERMINAL_PASSPHRASE");
    let typed = run_typed(&mut command, &[TERMINAL_PASSPHRASE]);
    assert!(typed.err.contains("The terminal's passphrase:"), "{}", typed.err);
    typed.well();
    let nowhere = Terminal::new("000001000051").run(&["packs"]).badly();
    assert!(nowhere.contains("there is no terminal in") && nowhere.contains("enrol"), "{nowhere}");

    // A byte of its file, a copy that others may read.
    let sealed = terminal.folder.join("terminal.cft");
    let mut bytes = std::fs::read(&sealed).unwrap();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&sealed, &bytes).unwrap();
    let error = terminal.run(&["packs"]).badly();
    assert!(error.contains("terminal.cft is damaged") || error.contains("not the passphrase"), "{error}");
}

#[test]
fn a_bank_that_is_away_costs_nothing() {
    let bank = Bank::new();
    let bank_card = bank.bank_card(&bank.holder(10_000));
    let serving = bank.serve();
    let terminal = Terminal::enrolled(&bank, "000001000050", BUS);
    let [card, other] = bank.wallets("0101", &bank_card, 2).try_into().unwrap();
    terminal.activate(&card).with(0);
    let mut load = terminal.begin_load(&card, "20", &[]);
    let code = bank.gateway.text_about(&card.asn).code();
    serving.kill();
    load.answers(&code);
    load.answers(PIN);
    let said = load.ended().with(3);
    assert!(said.contains("cannot be reached") && said.contains("Nothing was paid"), "{said}");
    let port = bank.security.to_string();
    for words in [&["finish"][..], &["balance", "--verified"], &["load", "--amount", "5"]] {
        let said = terminal.tap(words, &card).with(3);
        assert!(said.contains("cannot be reached") && said.contains(&port), "{said}");
    }
    terminal.tap(&["balance"], &other).with(0);
    assert_eq!(
        bank.load_counts(),
        "0 open  0 closed  0 in doubt  0 settled credited  0 settled returned  0 reversed"
    );
    let _serving = bank.serve();
    assert!(terminal.tap(&["finish"], &card).with(0).contains("No load of this card waits"));
    assert_eq!(card.balance(), 0);
}

#[test]
fn a_cards_receipt_survives_a_cut_line_and_a_killed_terminal_and_is_sent_at_the_next_start() {
    let bank = Bank::new();
    let bank_card = bank.bank_card(&bank.holder(10_000));
    let _serving = bank.serve();
    let line = Line::to(bank.transaction);
    let terminal = Terminal::new("000001000050");
    let code = bank.register(&terminal.number);
    let [security, _] = bank.addresses();
    let addresses = [security, format!("https://127.0.0.1:{}", line.port)];
    run_typed(&mut terminal.enrolment_at(addresses, &bank.authority()), &[&code]).well();
    terminal.install(&example(BUS[0])).well();
    let [cut, killed, other] = bank.wallets("0101", &bank_card, 3).try_into().unwrap();
    for wallet in [&cut, &killed] {
        terminal.activate(wallet).with(0);
    }
    let is_closed = |wallet: &Wallet| bank.loads_of(&wallet.asn)[0][4] == "closed";

    line.stop_when_loaded(&cut.file, Then::Cut);
    let said = terminal.load(&bank, &cut, "20", &[]).with(0);
    assert!(said.contains("confirmation follows by itself") && said.contains("receipt waits"), "{said}");
    line.is_stopped();
    assert!(cut.balance() == 2_000 && !is_closed(&cut));
    line.mend();
    // Whatever is done next at this terminal; the card itself is far away.
    terminal.tap(&["balance"], &other).with(0);
    assert!(is_closed(&cut));

    line.stop_when_loaded(&killed.file, Then::Silence);
    let mut load = terminal.begin_load(&killed, "30", &[]);
    load.answers(&bank.gateway.text_about(&killed.asn).code());
    load.answers(PIN);
    line.is_stopped();
    load.kill();
    assert!(killed.balance() == 3_000 && !is_closed(&killed));
    line.mend();
    terminal.tap(&["balance"], &other).with(0);
    assert!(is_closed(&killed));
    assert!(terminal.tap(&["finish"], &killed).with(0).contains("No load of this card waits"));

    assert_eq!(
        bank.load_counts(),
        "0 open  2 closed  0 in doubt  0 settled credited  0 settled returned  0 reversed"
    );
    assert!(bank.platform.ledger().contains(" 3 posted, 0 voided"));
}
