//! Enrolment: what can be wrong with the code, the bank, its certificate and the folder, and what is left behind.

use crate::program::bank::{Bank, example};
use crate::program::process::{Program, run, run_typed};
use crate::program::terminal::Terminal;

const NUMBER: &str = "000001000050";
const WRONG: &str = "CAIREEYUCULBOGAZDINRYHI6D4";

#[test]
fn a_bank_that_cannot_be_reached_or_trusted_leaves_the_code_good_and_no_folder() {
    let bank = Bank::new();
    let terminal = Terminal::new(NUMBER);
    let code = bank.register(NUMBER);
    let fails = |error: String| {
        assert!(!terminal.folder.exists(), "something was left behind: {error}");
        error
    };
    let error = fails(terminal.enrol(&bank, &code).badly());
    assert!(error.contains("cannot be reached") && error.contains(&bank.security.to_string()), "{error}");

    let serving = bank.serve();
    let other = bank.platform.data.join("other");
    bank.platform.run(&["tls", "dev", "--out", other.to_str().unwrap()]).well();
    let with = |authority: &std::path::Path| run_typed(&mut terminal.enrolment(&bank, authority), &[&code]);
    let error = fails(with(&other.join("ca.pem")).badly());
    assert!(error.contains("signed by nobody whom this terminal trusts"), "{error}");
    let error = fails(with(&other.join("server.key")).badly());
    assert!(error.contains("has no certificate"), "{error}");
    let error = fails(with(&other.join("none.pem")).badly());
    assert!(error.contains("none.pem cannot be read"), "{error}");
    // Without an authority of its own the usual ones are asked, and they do not know this one.
    let [security, transaction] = bank.addresses();
    let servers = ["enrol", "--terminal", NUMBER, "--security", &security, "--transaction", &transaction];
    fails(run_typed(&mut terminal.command(&servers), &[&code]).badly());
    let plain =
        ["enrol", "--terminal", NUMBER, "--security", "http://127.0.0.1:1", "--transaction", &transaction];
    assert!(terminal.run(&plain).err.contains("https://host"));
    serving.signal("TERM");
    serving.ended().well();

    // The certificate is for 127.0.0.1, and the server is found under another address.
    let listen = format!("127.0.0.2:{}", bank.security);
    let serving =
        Program::start(bank.platform.command(&["serve"]).env("COUNTERFOIL_TAP_SECURITY_LISTEN", &listen));
    serving.says("Ctrl-C stops it");
    let elsewhere = format!("https://{listen}");
    let ca = bank.authority();
    let words = ["enrol", "--terminal", NUMBER, "--ca", ca.to_str().unwrap()];
    let servers = ["--security", &elsewhere, "--transaction", &transaction];
    let error = fails(run_typed(&mut terminal.command(&[&words[..], &servers].concat()), &[&code]).badly());
    assert!(error.contains("is for another name"), "{error}");
    serving.signal("TERM");
    serving.ended().well();

    let serving = bank.serve();
    let said = terminal.enrol(&bank, &code).well();
    assert!(said.contains("is enrolled") && said.contains("terminal install"), "{said}");
    assert!(!serving.complaints().contains(&code));
}

#[test]
fn a_code_that_is_wrong_used_or_spent_is_told_by_name() {
    let bank = Bank::new();
    let terminal = Terminal::new(NUMBER);
    let code = bank.register(NUMBER);
    let _serving = bank.serve();

    assert!(terminal.enrol(&bank, "12345").badly().contains("26 letters and digits"));
    let nobody = run(&mut terminal.enrolment(&bank, &bank.authority())).badly();
    assert!(nobody.contains("standard input"), "{nobody}");
    let unknown = Terminal::new("000001000099").enrol(&bank, &code).badly();
    assert!(unknown.contains("unknown_terminal") && unknown.contains("ask the operator"), "{unknown}");
    for _ in 0..3 {
        let wrong = terminal.enrol(&bank, WRONG).badly();
        assert!(wrong.contains("wrong_code") && wrong.contains("three"), "{wrong}");
    }
    // Even the right one is worth nothing now.
    assert!(terminal.enrol(&bank, &code).badly().contains("code_blocked"));
    assert!(!terminal.folder.exists());

    // Lower case, spaces and dashes are how people read it.
    let code = bank.register(NUMBER);
    let (first, rest) = code.split_at(4);
    let read = format!(" {}-{} {} ", first.to_lowercase(), &rest[..8], &rest[8..]);
    terminal.enrol(&bank, &read).well();
    let taken = terminal.enrol(&bank, &code).badly();
    assert!(taken.contains("there is a terminal in") && taken.contains("already"), "{taken}");
    // Somebody else with the same code, after its terminal spoke.
    let error = terminal.run(&["packs"]).well();
    assert!(error.starts_with("CODE"), "{error}");
    let card = bank.wallet("0101", &bank.bank_card(&bank.holder(1_000)));
    terminal.install(&example("0101-bus.pack.toml")).well();
    terminal.activate(&card).with(0);
    assert!(Terminal::new(NUMBER).enrol(&bank, &code).badly().contains("code_used"));
    let short = run_typed(
        Terminal::new(NUMBER)
            .enrolment(&bank, &bank.authority())
            .env("COUNTERFOIL_TERMINAL_PASSPHRASE", "short"),
        &[&code],
    );
    assert!(short.badly().contains("at least 12 bytes"));
}
