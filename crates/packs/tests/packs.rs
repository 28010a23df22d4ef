//! Signed packs: what is taken, what is refused and by which name, and what a folder makes of both.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

use std::fs;
use std::path::Path;

use model::{Fen, IndustryCode};
use packs::{
    InstallError, PACK_LENGTH_MAX, PACKS_MAX, PackError, Packs, SignedPack, SigningKey, example_key,
    example_signer, examples, sign, write_examples,
};

fn code(number: u16) -> IndustryCode {
    IndustryCode::new(number).unwrap()
}

/// The bus's body, with other words in it.
fn body(changes: &[(&str, &str)]) -> String {
    let (_, body) = examples()[0].pack.split_once('\n').unwrap();
    changes.iter().fold(body.to_owned(), |body, (from, to)| {
        assert!(body.contains(from), "{from}");
        body.replace(from, to)
    })
}

fn signed(changes: &[(&str, &str)]) -> String {
    sign(&body(changes), &example_key()).unwrap()
}

/// Signed whatever it says: `sign` itself refuses what no terminal would take.
fn forced(body: &str) -> String {
    use ed25519_dalek::Signer as _;
    let key = ed25519_dalek::SigningKey::from_bytes(b"a key that signs whatever we say");
    let signature: String =
        key.sign(body.as_bytes()).to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    let key: String = key.verifying_key().to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
    format!("# counterfoil-pack v1 key={key} signature={signature}\n{body}")
}

fn forced_signer() -> packs::VerifyingKey {
    SigningKey::from_seed(b"a key that signs whatever we say").verifying_key()
}

fn refusal(body: &str) -> PackError {
    SignedPack::open(forced(body).as_bytes(), &[forced_signer()]).unwrap_err()
}

#[test]
fn the_examples_are_what_signing_their_bodies_gives_and_they_open() {
    let names = [("Bus", "公交"), ("School", "校园"), ("Prison", "监所")];
    for (number, (example, (en, zh))) in (101..).zip(examples().iter().zip(names)) {
        assert_eq!(sign(example.pack, &example_key()).unwrap(), example.pack, "{}", example.pack_file);
        let pack = SignedPack::open(example.pack.as_bytes(), &[example_signer()]).unwrap();
        assert_eq!(pack.code, code(number));
        assert_eq!((pack.names.en.as_str(), pack.names.zh.as_str()), (en, zh));
        assert!(pack.amounts.iter().all(|amount| pack.allows(*amount)));
        assert!(!pack.allows(Fen(0)) && !pack.allows(pack.per_load_max.plus(Fen(1)).unwrap()));
    }
}

#[test]
fn a_changed_byte_anywhere_under_the_first_line_is_refused_before_it_is_read() {
    let pack = examples()[0].pack;
    let start = pack.find('\n').unwrap() + 1;
    for at in (start..pack.len()).step_by(31) {
        let mut bytes = pack.as_bytes().to_vec();
        bytes[at] ^= 1;
        assert_eq!(SignedPack::open(&bytes, &[example_signer()]), Err(PackError::BadSignature), "{at}");
    }
    let longer = format!("{pack}\n");
    assert_eq!(SignedPack::open(longer.as_bytes(), &[example_signer()]), Err(PackError::BadSignature));
}

#[test]
fn a_pack_is_good_only_under_a_key_that_is_trusted() {
    let pack = examples()[0].pack.as_bytes();
    let stranger = SigningKey::from_seed(&[7; 32]);
    let key = example_signer().to_string();
    let unknown = Err(PackError::UnknownSigner { key });
    assert_eq!(SignedPack::open(pack, &[]), unknown);
    assert_eq!(SignedPack::open(pack, &[stranger.verifying_key()]), unknown);
    assert!(SignedPack::open(pack, &[stranger.verifying_key(), example_signer()]).is_ok());
    // The stranger's signature under the trusted key's name.
    let forged = sign(&body(&[]), &stranger).unwrap();
    let forged = forged.replace(&stranger.verifying_key().to_string(), &example_signer().to_string());
    assert_eq!(SignedPack::open(forged.as_bytes(), &[example_signer()]), Err(PackError::BadSignature));
}

#[test]
fn what_has_another_first_line_is_no_pack_and_a_later_one_says_so() {
    let pack = examples()[0].pack;
    let (line, body) = pack.split_once('\n').unwrap();
    for (wrong, why) in [
        (String::new(), "not_a_pack"),
        (body.to_owned(), "not_a_pack"),
        (line.to_owned(), "not_a_pack"),
        (pack.replacen(" v1 ", " v0 ", 1), "not_a_pack"),
        (pack.replacen(" v1 ", " v2 ", 1), "newer_format"),
        (pack.replacen("key=", "key=00", 1), "not_a_pack"),
        (pack.replacen(" signature=", " sig=", 1), "not_a_pack"),
        (pack.replacen('\n', "\r\n", 1), "not_a_pack"),
        (pack.to_owned() + &"#".repeat(PACK_LENGTH_MAX), "too_large"),
    ] {
        let error = SignedPack::open(wrong.as_bytes(), &[example_signer()]).unwrap_err();
        assert_eq!(error.code(), why, "{:.40}", wrong);
    }
}

#[test]
fn every_fault_of_a_body_has_its_name_and_its_key() {
    for (from, to, why, says) in [
        ("format = 1 ", "format = 2 ", "newer_format", "format 2"),
        ("format = 1 ", "format = 0 ", "out_of_range", "`format`"),
        ("\"pboc-ep\"", "\"mifare\"", "wrong_driver", "`mifare`"),
        ("code = \"0101\"", "code = \"101\"", "out_of_range", "`code`"),
        ("code = \"0101\"", "code = 101", "wrong_type", "`code`"),
        ("version = 1 ", "version = 0 ", "out_of_range", "`version`"),
        ("version = 1 ", "version = 65536 ", "out_of_range", "`version`"),
        ("icon = \"bus\"", "icon = \"../bus\"", "out_of_range", "`icon`"),
        ("icon = \"bus\"", "", "missing_key", "`icon`"),
        ("icon = \"bus\"", "icon = \"bus\"\nicons = 1", "unknown_key", "`icons`"),
        ("icon = \"bus\"", "icon = ", "malformed", "line 11"),
        ("en = \"Bus\"", "en = \"\"", "out_of_range", "`names.en`"),
        ("en = \"Bus\"", "en = \"Bus\"\nde = \"Bus\"", "unknown_key", "`names.de`"),
        ("A0 00 00 00 03 86 98 07 01", "A0 00", "out_of_range", "`wallet.aid`"),
        ("A0 00 00 00 03 86 98 07 01", "bus", "out_of_range", "`wallet.aid`"),
        ("load_kind = 2", "load_kind = 3", "out_of_range", "`wallet.load_kind`"),
        ("key_index = 1", "key_index = 0", "out_of_range", "`wallet.key_index`"),
        ("\nlog_file = 24", "\nlog_file = 31", "out_of_range", "`wallet.log_file`"),
        ("\"after\"", "\"both\"", "out_of_range", "`wallet.proof_number`"),
        ("card_pin = false", "card_pin = 0", "wrong_type", "`wallet.card_pin`"),
        ("per_load_max = 50000", "per_load_max = 100001", "out_of_range", "`limits.per_load_max`"),
        ("balance_max = 100000", "balance_max = 1e5", "wrong_type", "`limits.balance_max`"),
        ("[1000, 2000", "[2000, 2000", "out_of_range", "`limits.amounts`"),
        ("20000]", "50001]", "out_of_range", "`limits.amounts`"),
        ("[1000, 2000", "[0, 2000", "out_of_range", "`limits.amounts`"),
    ] {
        let error = refusal(&body(&[(from, to)]));
        assert_eq!(error.code(), why, "{to}: {error}");
        assert!(error.to_string().contains(says), "{to}: {error}");
        assert!(sign(&body(&[(from, to)]), &example_key()).is_err(), "{to} is not signed");
    }
    let thirteen: String = (1..=13).map(|n| format!("{n}, ")).collect();
    let amounts = format!("amounts = [{thirteen}]");
    let error = refusal(&body(&[("amounts = [1000, 2000, 5000, 10000, 20000]", &amounts)]));
    assert_eq!(error.code(), "out_of_range");
}

#[test]
fn a_bad_file_is_listed_and_stops_no_other() {
    let folder = tempfile::tempdir().unwrap();
    write_examples(folder.path()).unwrap();
    let put = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    put("a-note.pack.toml", "hello");
    put("b-changed.pack.toml", &examples()[0].pack.replace("per_load_max = 50000", "per_load_max = 90000"));
    put("c-stranger.pack.toml", &sign(&body(&[]), &SigningKey::from_seed(&[9; 32])).unwrap());
    put("d-not-a-pack.txt", "hello");
    put(".e-half.pack.toml.new", "hello");
    fs::create_dir(folder.path().join("f-folder.pack.toml")).unwrap();
    let packs = Packs::load(folder.path(), &[example_signer()]).unwrap();
    let codes: Vec<u16> = packs.all().iter().map(|pack| pack.code.number()).collect();
    assert_eq!(codes, [101, 102, 103]);
    let bad: Vec<(String, &str)> = packs.bad_files().into_iter().map(|bad| (bad.name, bad.code)).collect();
    assert_eq!(
        bad,
        [
            ("a-note.pack.toml".into(), "not_a_pack"),
            ("b-changed.pack.toml".into(), "bad_signature"),
            ("c-stranger.pack.toml".into(), "unknown_signer"),
            ("f-folder.pack.toml".into(), "cannot_read"),
        ]
    );
    assert_eq!(packs.get(code(104)), None);
}

#[test]
fn the_highest_version_of_an_industry_wins_whatever_its_file_is_called() {
    let folder = tempfile::tempdir().unwrap();
    for (name, version) in [("a", 2), ("b", 9), ("c", 4)] {
        let text = signed(&[("version = 1 ", &format!("version = {version} "))]);
        fs::write(folder.path().join(format!("{name}.pack.toml")), text).unwrap();
    }
    let packs = Packs::load(folder.path(), &[example_signer()]).unwrap();
    assert_eq!(packs.get(code(101)).unwrap().version, 9);
    assert_eq!(packs.bad_files(), []);
    // Two packs under one number: the first by name, and the other is told of.
    let other = signed(&[("version = 1 ", "version = 9 "), ("\"Bus\"", "\"Tram\"")]);
    fs::write(folder.path().join("d.pack.toml"), other).unwrap();
    let packs = Packs::load(folder.path(), &[example_signer()]).unwrap();
    assert_eq!(packs.get(code(101)).unwrap().names.en, "Bus");
    assert_eq!(packs.bad_files()[0].code, "same_version");
}

#[test]
fn a_fourth_industry_is_added_while_the_terminal_runs_and_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    write_examples(folder.path()).unwrap();
    let packs = Packs::load(folder.path(), &[example_signer()]).unwrap();
    assert_eq!(packs.get(code(104)), None);
    let fuel = signed(&[("\"0101\"", "\"0104\""), ("\"Bus\"", "\"Fuel\""), ("\"公交\"", "\"加油\"")]);
    let held = packs.get(code(101)).unwrap();
    packs.install(fuel.as_bytes()).unwrap();
    assert_eq!(packs.get(code(104)).unwrap().names.zh, "加油");
    assert_eq!(packs.all().len(), 4);
    assert_eq!(held.names.en, "Bus", "what is in use stays what it was");
    let again = Packs::load(folder.path(), &[example_signer()]).unwrap();
    assert_eq!(again.all(), packs.all());
    assert_eq!(again.bad_files(), []);
    let left = fs::read_dir(folder.path())
        .unwrap()
        .filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().ends_with(".new"));
    assert_eq!(left.count(), 0, "nothing half written is left");
}

#[test]
fn an_installed_pack_is_never_replaced_by_a_lower_one_or_by_another_of_its_number() {
    let folder = tempfile::tempdir().unwrap();
    let packs = Packs::load(folder.path(), &[example_signer()]).unwrap();
    let version = |number: u16| signed(&[("version = 1 ", &format!("version = {number} "))]);
    packs.install(version(5).as_bytes()).unwrap();
    packs.install(version(5).as_bytes()).unwrap();
    let error = packs.install(version(4).as_bytes()).unwrap_err();
    assert!(matches!(error, InstallError::Older { installed: 5, offered: 4, .. }), "{error}");
    let other = signed(&[("version = 1 ", "version = 5 "), ("\"Bus\"", "\"Tram\"")]);
    assert_eq!(packs.install(other.as_bytes()).unwrap_err().code(), "same_version");
    assert_eq!(packs.install(b"hello").unwrap_err().code(), "not_a_pack");
    let stranger = sign(&body(&[("version = 1 ", "version = 7 ")]), &SigningKey::from_seed(&[9; 32]));
    assert_eq!(packs.install(stranger.unwrap().as_bytes()).unwrap_err().code(), "unknown_signer");
    assert_eq!(packs.get(code(101)).unwrap().version, 5);
    packs.install(version(6).as_bytes()).unwrap();
    assert_eq!(packs.get(code(101)).unwrap().version, 6);
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn a_folder_that_takes_nothing_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("packs");
    let packs = Packs::load(&inside, &[example_signer()]).unwrap();
    fs::remove_dir(&inside).unwrap();
    fs::write(&inside, "a file where the folder was").unwrap();
    let error = packs.install(examples()[0].pack.as_bytes()).unwrap_err();
    assert_eq!(error.code(), "cannot_write");
    assert_eq!(packs.all(), []);
}

#[test]
fn a_folder_takes_so_many_industries_and_not_one_more() {
    let packs = Packs::examples();
    for number in 200.. {
        let pack = signed(&[("\"0101\"", &format!("\"{number:04}\""))]);
        match packs.install(pack.as_bytes()) {
            Ok(_) => assert!(packs.all().len() <= PACKS_MAX),
            Err(error) => {
                assert_eq!((error.code(), packs.all().len()), ("full", PACKS_MAX));
                break;
            }
        }
    }
    packs.install(signed(&[("version = 1 ", "version = 2 ")]).as_bytes()).unwrap();
}

#[test]
fn trusting_others_takes_out_of_use_what_they_did_not_sign() {
    let folder = tempfile::tempdir().unwrap();
    write_examples(folder.path()).unwrap();
    let packs = Packs::load(folder.path(), &[]).unwrap();
    assert_eq!((packs.all().len(), packs.bad_files().len()), (0, 3));
    packs.trust(&[example_signer()]).unwrap();
    assert_eq!((packs.all().len(), packs.bad_files().len()), (3, 0));
    packs.trust(&[SigningKey::from_seed(&[9; 32]).verifying_key()]).unwrap();
    assert_eq!((packs.all().len(), packs.bad_files().len()), (0, 3));
}

#[test]
fn a_signing_key_is_its_owners_and_is_never_overwritten() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("signer.key");
    let key = SigningKey::from_seed(&[3; 32]);
    key.save(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(SigningKey::load(&path).unwrap().verifying_key(), key.verifying_key());
    assert!(key.save(&path).unwrap_err().to_string().contains("never overwritten"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(SigningKey::load(&path).unwrap_err().to_string().contains("chmod 600"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "0303").unwrap();
    assert!(SigningKey::load(&path).unwrap_err().to_string().contains("64 hexadecimal digits"));
    assert!(SigningKey::load(Path::new("/nowhere/signer.key")).is_err());
    let shown = format!("{key:?}");
    assert!(shown.contains("[redacted]") && !shown.contains("0303"), "{shown}");
    // RFC 8032, section 7.1, test 1: the public key of a published seed.
    let seed = *b"\x9d\x61\xb1\x9d\xef\xfd\x5a\x60\xba\x84\x4a\xf4\x92\xec\x2c\xc4\x44\x49\xc5\x69\x7b\x32\x69\x19\x70\x3b\xac\x03\x1c\xae\x7f\x60";
    let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
    assert_eq!(SigningKey::from_seed(&seed).verifying_key().to_string(), public);
    assert_eq!(public.parse::<packs::VerifyingKey>().unwrap().to_string(), public);
    assert!("00".repeat(32).parse::<packs::VerifyingKey>().is_err(), "anybody signs under a weak key");
}
