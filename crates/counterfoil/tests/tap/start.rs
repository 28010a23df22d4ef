//! What stands in the way of `serve`: certificates, ports, packs, and a gateway that is not there.

use std::net::TcpListener;

use crate::program::bank::{Bank, example};
use crate::program::platform::Platform;
use crate::program::process::{Program, run, run_typed};
use crate::program::terminal::Terminal;

#[test]
fn certificates_and_keys_that_cannot_serve_are_named_with_their_files() {
    let bank = Bank::new();
    let other = bank.platform.data.join("other");
    bank.platform.run(&["tls", "dev", "--out", other.to_str().unwrap()]).well();
    let serve = |certificate: &str, key: &str| {
        let mut command = bank.platform.command(&["serve"]);
        command.env("COUNTERFOIL_TAP_CERTIFICATE", certificate).env("COUNTERFOIL_TAP_PRIVATE_KEY", key);
        run(&mut command).badly()
    };
    let file = |folder: &std::path::Path, name: &str| folder.join(name).to_str().unwrap().to_owned();
    let tls = bank.platform.data.join("tls");
    let (certificate, key) = (file(&tls, "server.pem"), file(&tls, "server.key"));

    let error = serve(&file(&tls, "none.pem"), &key);
    assert!(error.contains("none.pem cannot be read") && error.contains("counterfoil tls dev"), "{error}");
    let error = serve(&certificate, &file(&tls, "none.key"));
    assert!(error.contains("none.key cannot be read"), "{error}");
    assert!(serve(&certificate, "").contains("tap.private_key"));
    assert!(serve("", &key).contains("tap.private_key"));
    let error = serve(&certificate, &file(&other, "server.key"));
    assert!(error.contains("is not the key of the first certificate"), "{error}");
    assert!(serve(&key, &key).contains("holds no certificate"));
    assert!(serve(&certificate, &certificate).contains("holds no private key"));
    std::fs::write(other.join("server.key"), "-----BEGIN PRIVATE KEY-----\n!\n-----END PRIVATE KEY-----\n")
        .unwrap();
    assert!(serve(&certificate, &file(&other, "server.key")).contains("is not PEM"));

    // What is there is never overwritten by the way.
    let again = bank.platform.run(&["tls", "dev"]).badly();
    assert!(again.contains("ca.pem is there already") && again.contains("--force"), "{again}");
    let named = bank.platform.run(&["tls", "dev", "--force", "--name", "not a name"]).badly();
    assert!(named.contains("\"not a name\" is no host name"), "{named}");
    bank.platform.run(&["tls", "dev", "--force", "--name", "bank.example"]).well();
    let serving = bank.serve();
    serving.signal("INT");
    serving.ended().well();
}

#[test]
fn a_port_that_is_taken_is_named_with_its_setting() {
    let bank = Bank::new();
    for (port, setting) in
        [(bank.transaction, "tap.transaction_listen"), (bank.security, "tap.security_listen")]
    {
        let taken = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let error = bank.platform.run(&["serve"]).badly();
        assert!(error.contains(setting) && error.contains(&format!("127.0.0.1:{port}")), "{error}");
        drop(taken);
    }
    let wrong = run(bank.platform.command(&["serve"]).env("COUNTERFOIL_TAP_PACK_SIGNERS", "4856")).badly();
    assert!(wrong.contains("tap.pack_signers, `4856`") && wrong.contains("64 hexadecimal digits"), "{wrong}");
    let wrong = run(bank.platform.command(&["serve"]).env("COUNTERFOIL_SMS_TEMPLATE", "{}")).badly();
    assert!(wrong.contains("{text}"), "{wrong}");
    let nowhere = bank.platform.config.join("below-a-file");
    let wrong = run(bank.platform.command(&["serve"]).env("COUNTERFOIL_TAP_INDUSTRIES", &nowhere)).badly();
    assert!(wrong.contains("below-a-file cannot be used"), "{wrong}");
}

#[test]
fn a_bad_pack_is_named_in_the_log_and_stops_no_other() {
    let bank = Bank::new();
    let pack = std::fs::read_to_string(example("0102-school.pack.toml")).unwrap();
    std::fs::write(bank.industries.join("0102-school.pack.toml"), pack.replace("School", "Skool")).unwrap();
    let bank_card = bank.bank_card(&bank.holder(1_000));
    let serving = bank.serve();
    let log = serving.complaints();
    for told in ["0102-school.pack.toml", "bad_signature", "0102-school.product.toml", "no_pack"] {
        assert!(log.contains(told), "no {told}: {log}");
    }
    assert!(!log.contains("0101"), "{log}");
    let refused =
        bank.platform.run(&["wallet", "issue", "--industry", "0102", "--bank-card", &bank_card]).badly();
    assert!(refused.contains("the bank serves no industry 0102"), "{refused}");
    let terminal = Terminal::enrolled(&bank, "000001000050", &["0101-bus.pack.toml"]);
    let card = bank.wallet("0101", &bank_card);
    terminal.activate(&card).with(0);

    // One that goes bad while it serves is told as well, once, and what is mended is served.
    std::fs::write(bank.industries.join("0103-prison.pack.toml"), "# nothing\n").unwrap();
    serving.asks("0103-prison.pack.toml");
    std::fs::copy(example("0102-school.pack.toml"), bank.industries.join("0102-school.pack.toml")).unwrap();
    bank.wallet("0102", &bank_card);
    assert_eq!(serving.complaints().matches("bad_signature").count(), 1, "{}", serving.complaints());
}

#[test]
fn without_its_own_keys_or_a_gateway_a_bank_says_what_is_missing() {
    let bank = Bank::new();
    let bank_card = bank.bank_card(&bank.holder(1_000));
    let card = bank.wallet("0101", &bank_card);
    let serving = Program::start(bank.platform.command(&["serve"]).env("COUNTERFOIL_SMS_URL", ""));
    serving.says("Ctrl-C stops it");
    let terminal = Terminal::enrolled(&bank, "000001000050", &["0101-bus.pack.toml"]);
    terminal.activate(&card).with(0);
    assert!(serving.complaints().contains("sms.url is empty"), "{}", serving.complaints());
    // The code waits for a gateway that never comes.
    let load = terminal.begin_load(&card, "5", &[]);
    load.kill();
    assert_eq!((bank.gateway.unread(), bank.loads_of(&card.asn).len()), (0, 0));

    let bare = Platform::new();
    let holder = bare.run(&["holder", "add", "--name", "Li Na", "--document", "G1"]).well();
    let holder = holder.lines().next().unwrap();
    let command = ["bank", "card", "--holder", holder, "--phone", "+8613812345678"];
    let error = run_typed(&mut bare.command(&command), &["2468"]).badly();
    assert!(error.contains("counterfoil keys tap"), "{error}");
}
