//! Driver packs: made, signed, checked, installed; and a whole industry that comes as files while everything runs.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::program::bank::{Bank, example, example_signer};
use crate::program::process::{Ended, PATIENCE, counterfoil, run};
use crate::program::terminal::Terminal;
use tempfile::TempDir;

/// Whoever makes packs: a folder with a key.
struct Signer {
    folder: TempDir,
    public: String,
}

impl Signer {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let said = run(counterfoil(["pack", "key"]).arg(folder.path().join("signer.key"))).well();
        Self { public: said.lines().last().unwrap().to_owned(), folder }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A pack like the bus's with these changes, signed.
    fn pack(&self, name: &str, changes: &[(&str, &str)]) -> PathBuf {
        let (body, out) = (self.file(&format!("{name}.toml")), self.file(&format!("{name}.pack.toml")));
        std::fs::write(&body, changed("0101-bus.pack.toml", changes)).unwrap();
        sign(&body, &self.file("signer.key"), &out).well();
        out
    }
}

fn sign(body: &Path, key: &Path, out: &Path) -> Ended {
    run(counterfoil(["pack", "sign"]).arg(body).arg("--key").arg(key).arg("--out").arg(out))
}

/// An example's text, each change in it made.
fn changed(name: &str, changes: &[(&str, &str)]) -> String {
    let mut text = std::fs::read_to_string(example(name)).unwrap();
    for (from, to) in changes {
        assert!(text.contains(from), "no {from} in {name}");
        text = text.replace(from, to);
    }
    text
}

const FERRY: &[(&str, &str)] =
    &[("\"0101\"", "\"0104\""), ("en = \"Bus\"", "en = \"Ferry\""), ("zh = \"公交\"", "zh = \"轮渡\"")];

#[test]
fn a_pack_is_signed_and_checked_and_every_fault_is_named() {
    let signer = Signer::new();
    let pack = signer.pack("0104-ferry", FERRY);
    let check = |file: &Path, options: &[&str]| run(counterfoil(["pack", "check"]).arg(file).args(options));
    let said = check(&pack, &[]).well();
    assert!(said.contains("0104 version 1: Ferry / 轮渡") && said.contains(&signer.public), "{said}");
    assert_eq!(check(&pack, &["--signer", &signer.public]).well(), said);
    let error = check(&pack, &["--signer", &example_signer()]).badly();
    assert!(error.contains(&signer.public) && error.contains("tap.pack_signers"), "{error}");
    assert!(
        check(&example("0103-prison.pack.toml"), &["--signer", &example_signer()]).well().contains("0103")
    );
    // Signed once more, it is the same pack.
    let again = signer.file("again.pack.toml");
    sign(&pack, &signer.file("signer.key"), &again).well();
    assert_eq!(std::fs::read(&again).unwrap(), std::fs::read(&pack).unwrap());

    let altered = signer.file("altered.pack.toml");
    std::fs::write(&altered, std::fs::read_to_string(&pack).unwrap().replace("Ferry", "Fairy")).unwrap();
    assert!(check(&altered, &[]).badly().contains("changed after it was signed"));
    assert!(check(&signer.file("0104-ferry.toml"), &[]).badly().contains("signature does not agree"));
    assert!(check(&signer.file("none"), &[]).badly().contains("none cannot be read"));
    assert!(check(&pack, &["--signer", "12"]).err.contains("64 hexadecimal digits"));

    let body = signer.file("body.toml");
    let out = signer.file("out.pack.toml");
    for (from, to, told) in [
        ("load_kind = 2", "load_kind = 9", "wallet.load_kind"),
        ("proof_number", "prof_number", "wallet.prof"),
        ("version = 1 ", "version = 0 ", "version"),
        ("[names]", "[names", "line"),
        ("amounts = [1000, 2000", "amounts = [2000, 1000", "limits.amounts"),
    ] {
        std::fs::write(&body, changed("0101-bus.pack.toml", &[(from, to)])).unwrap();
        let error = sign(&body, &signer.file("signer.key"), &out).badly();
        assert!(error.contains(told) || error.contains("proof_number"), "{to}: {error}");
        assert!(!out.exists());
    }
    let key = signer.file("signer.key");
    assert!(run(counterfoil(["pack", "key"]).arg(&key)).badly().contains("never overwritten"));
    assert!(sign(&body, &signer.file("none.key"), &out).badly().contains("none.key"));
    for (mode, told) in [(0o640, "chmod 600"), (0o600, "no signing key")] {
        std::fs::write(&key, "not 64 hexadecimal digits").unwrap();
        std::fs::set_permissions(&key, Permissions::from_mode(mode)).unwrap();
        let error = sign(&body, &key, &out).badly();
        assert!(error.contains(told), "{error}");
    }
}

#[test]
fn a_terminal_takes_only_good_packs_of_those_it_trusts_and_never_an_older_one() {
    let (ours, stranger) = (Signer::new(), Signer::new());
    let bank = Bank::trusting(Some(&ours.public));
    let _serving = bank.serve();
    let terminal = Terminal::enrolled(&bank, "000001000050", &["0101-bus.pack.toml"]);
    let of_stranger = terminal.install(&stranger.pack("0104-ferry", FERRY)).badly();
    assert!(
        of_stranger.contains(&stranger.public) && of_stranger.contains("tap.pack_signers"),
        "{of_stranger}"
    );
    let altered = ours.file("altered.pack.toml");
    std::fs::write(&altered, changed("0102-school.pack.toml", &[("School", "Skool")])).unwrap();
    assert!(terminal.install(&altered).badly().contains("Get it anew"));
    assert!(terminal.install(&ours.file("signer.key")).badly().contains("no driver pack"));
    assert!(terminal.install(&ours.file("none")).badly().contains("none cannot be read"));
    let wrong_driver = ours.file("driver.toml");
    std::fs::write(&wrong_driver, changed("0101-bus.pack.toml", &[("\"pboc-ep\"", "\"other\"")])).unwrap();
    let unsigned = sign(&wrong_driver, &ours.file("signer.key"), &ours.file("driver.pack.toml"));
    assert!(unsigned.badly().contains("driver"));

    let version = |n: &str, name: &str| {
        let line = format!("version = {n} ");
        ours.pack(name, &[("version = 1 ", &line), ("en = \"Bus\"", "en = \"City bus\"")])
    };
    let same = terminal.install(&ours.pack("same", &[("en = \"Bus\"", "en = \"Coach\"")])).badly();
    assert!(same.contains("raise the version"), "{same}");
    assert!(terminal.install(&version("3", "three")).well().contains("Installed 0101 City bus version 3."));
    let older = terminal.install(&version("2", "two")).badly();
    assert!(older.contains("0101 has version 3 already") && older.contains("version 2"), "{older}");
    // The same once more is no mistake.
    terminal.install(&version("3", "three")).well();
    let listed = terminal.run(&["packs"]).well();
    assert!(listed.contains("0101  3        City bus / 公交") && listed.lines().count() == 2, "{listed}");
}

#[test]
fn a_fourth_industry_is_served_by_files_alone_while_bank_and_terminal_run() {
    let signer = Signer::new();
    let bank = Bank::trusting(Some(&signer.public));
    let bank_card = bank.bank_card(&bank.holder(10_000));
    let serving = bank.serve();
    let terminal = Terminal::enrolled(&bank, "000001000050", &["0101-bus.pack.toml"]);
    let early = bank.platform.run(&["wallet", "issue", "--industry", "0104", "--bank-card", &bank_card]);
    assert!(early.badly().contains("the bank serves no industry 0104"));

    // What a stranger signed is left out, and whoever makes the keys is told.
    let stranger = Signer::new();
    std::fs::copy(stranger.pack("0104-ferry", FERRY), bank.industries.join("0104-ferry.pack.toml")).unwrap();
    let told = bank.platform.run(&["keys", "tap"]);
    assert!(told.err.contains("left out 0104-ferry.pack.toml: "), "{}", told.err);
    told.well();

    let pack = signer.pack("0104-ferry", FERRY);
    std::fs::copy(&pack, bank.industries.join("0104-ferry.pack.toml")).unwrap();
    let product = changed("0101-bus.product.toml", &[("\"0101\"", "\"0104\""), ("\"bus-", "\"ferry-")]);
    std::fs::write(bank.industries.join("0104-ferry.product.toml"), product).unwrap();
    let issue = ["wallet", "issue", "--industry", "0104", "--bank-card", &bank_card];
    assert!(bank.platform.run(&issue).badly().contains("counterfoil keys tap"));
    let made = bank.platform.run(&["keys", "tap"]).well();
    assert!(made.starts_with("Made 4 keys.") && made.contains("ferry-maintenance"), "{made}");
    assert!(bank.platform.run(&["keys", "tap"]).well().starts_with("Every key is there already."));
    let card = bank.wallet("0104", &bank_card);
    assert!(terminal.install(&pack).well().contains("Installed 0104 Ferry version 1."));

    // The bank looks at its folder and at its keys every five seconds.
    let begin = Instant::now();
    loop {
        let activated = terminal.activate(&card);
        if activated.code == Some(0) {
            break;
        }
        let said = activated.with(3);
        assert!(begin.elapsed() < PATIENCE, "it is never served: {said} {}", serving.complaints());
        std::thread::sleep(Duration::from_millis(200));
    }
    let said = terminal.load(&bank, &card, "20", &[]).with(0);
    assert!(said.contains("Loaded.") && said.contains("balance   20.00 yuan"), "{said}");
    let said = terminal.tap(&["balance", "--verified"], &card).with(0);
    assert!(said.contains("20.00 yuan  (checked by the bank)"), "{said}");
    assert!(bank.platform.ledger().contains("load_float"));
    // The first industry goes on as before.
    terminal.activate(&bank.wallet("0101", &bank_card)).with(0);
}
