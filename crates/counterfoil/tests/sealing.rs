//! The key that seals secrets of the database, as an operator has it: made by a start, renewed, lost, on several machines.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod program;

use std::time::{Duration, Instant};

use cluster::{Cluster, Database};
use crypto::KeyName;
use keystore::{Cost, Custodian, Environment, KeyEvent, KeyUse, Passphrase, SealedFile, system_entropy};
use model::UnixMillis;
use program::merchant::Merchant;
use program::platform::{PASSPHRASE, PASSWORD, Person, Platform};
use program::process::{PATIENCE, Program};
use serde_json::json;

/// A key store as platforms had it before there was a key for this.
fn earlier_key_store(platform: &Platform) {
    std::fs::create_dir_all(&platform.data).unwrap();
    let (path, passphrase) = (platform.data.join("keys.cfks"), Passphrase::new(PASSPHRASE.into()).unwrap());
    let store = SealedFile::create(&path, &passphrase, Environment::Test, Cost::Testing, &mut system_entropy)
        .unwrap();
    let custodian = Custodian::new("Li Na").unwrap();
    for (name, key_use) in [("issuer-1", KeyUse::DeriveCardKeys), ("transport-1", KeyUse::WrapCardKeys)] {
        let name = KeyName::new(name).unwrap();
        store.generate(name, key_use, &custodian, UnixMillis(0), &mut system_entropy).unwrap();
        store.set_state(name, KeyEvent::Activate, &custodian, UnixMillis(0)).unwrap();
    }
}

/// A line of `keys list` or `keys secrets`: name, use, state and check value.
fn key(said: &str, name: &str) -> Vec<String> {
    let line = said.lines().find(|line| line.starts_with(&format!("{name} ")));
    let line = line.unwrap_or_else(|| panic!("no {name}: {said}"));
    let words: Vec<&str> = line.split("  ").map(str::trim).filter(|word| !word.is_empty()).collect();
    words.into_iter().map(str::to_owned).collect()
}

/// A merchant's endpoint: its id. Nothing that happens is sent there.
async fn endpoint(merchant: &Merchant) -> String {
    let hooks = json!({ "url": "https://shop.example/hooks", "kinds": ["order.declined"] });
    let made = merchant.asks("POST", "/v1/webhook_endpoints", Some(hooks)).await;
    assert_eq!(made.status(), 201);
    let made: serde_json::Value = made.json().await.unwrap();
    assert!(made["secret"].as_str().unwrap().starts_with("whsec_"));
    made["id"].as_str().unwrap().to_owned()
}

/// What a merchant is answered who makes an endpoint's next secret.
async fn rotated(merchant: &Merchant, endpoint: &str) -> u16 {
    let path = format!("/v1/webhook_endpoints/{endpoint}/secrets");
    merchant.asks("POST", &path, Some(json!({ "overlap_seconds": 0 }))).await.status().as_u16()
}

/// The code of somebody's authenticator now.
fn code(totp: &str) -> String {
    use operator::TotpSecret;
    let mut secret = [0; 20];
    // RFC 4648, section 6: five bits a letter.
    let bits = totp.bytes().map(|letter| match letter {
        b'A'..=b'Z' => letter - b'A',
        other => other - b'2' + 26,
    });
    for (place, bit) in bits.flat_map(|five| (0..5).rev().map(move |bit| five >> bit & 1)).enumerate() {
        secret[place / 8] |= bit << (7 - place % 8);
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let now = UnixMillis(i64::try_from(now.as_millis()).unwrap());
    TotpSecret::new(secret).code_of(TotpSecret::step_at(now))
}

/// Adds an operator who may nothing that is asked below; what their authenticator shares.
fn viewer(platform: &Platform, name: &str) -> (Person, String) {
    let mut command = platform.command(&["operator", "add", name, "--role", "viewer"]);
    let said = program::process::run_typed(&mut command, &[PASSWORD]).well();
    let secret = said.split("secret=").nth(1).unwrap().split('&').next().unwrap().to_owned();
    let is_code = |line: &&str| line.len() == 19 && line.matches('-').count() == 3;
    let codes: Vec<String> = said.lines().map(str::trim).filter(is_code).map(str::to_owned).collect();
    (Person { name: name.to_owned(), codes: codes.into() }, secret)
}

/// What a command says to somebody who is who they say, and may not; or why they are not believed.
fn answered(platform: &Platform, person: &Person, code: &str) -> String {
    let adjustment = format!("adj_{:032x}", 1);
    platform.run_typed_as(person, &["adjust", "approve", &adjustment], PASSWORD, code).badly()
}

const BELIEVED: &str = "is viewer, which may not";

fn on(platform: &Platform, database: &Database, node: &str) {
    let section = format!("\n[database]\nurl = \"{}\"\nnode = \"{node}\"\n", database.url);
    let config = std::fs::read_to_string(&platform.config).unwrap() + &section;
    std::fs::write(&platform.config, config).unwrap();
}

fn copy_keys(from: &Platform, to: &Platform) {
    std::fs::create_dir_all(&to.data).unwrap();
    // As an operator copies it: beside, and then in its place.
    let beside = to.data.join("keys.copied");
    std::fs::copy(from.data.join("keys.cfks"), &beside).unwrap();
    std::fs::rename(beside, to.data.join("keys.cfks")).unwrap();
}

fn stopped(serving: Program) {
    serving.signal("TERM");
    serving.ended().well();
}

/// Asks again until it is so.
async fn until<F: Future<Output = bool>>(what: &str, is_so: impl Fn() -> F) {
    let end = Instant::now() + PATIENCE;
    while !is_so().await {
        assert!(Instant::now() < end, "waited in vain: {what}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_gives_an_earlier_key_store_its_key_and_says_so_and_only_once() {
    let platform = Platform::bare();
    earlier_key_store(&platform);
    let merchant = platform.merchant("Morning Market");
    assert!(!platform.run(&["keys", "list"]).well().contains("secrets-1"));
    let serving = platform.serve();
    let listed = platform.run(&["keys", "list"]).well();
    let made = key(&listed, "secrets-1");
    assert_eq!(made[1..3], ["seal secrets", "active"]);
    let entered = platform.run(&["audit", "list"]).well();
    let named = format!("secrets-1 ({})", made[3]);
    assert!(entered.contains("(platform)") && entered.contains(&named), "{entered}");
    assert!(serving.complaints().contains("secrets-1"), "{}", serving.complaints());
    endpoint(&merchant).await;
    stopped(serving);
    stopped(platform.serve());
    let again = platform.run(&["keys", "list"]).well();
    assert_eq!(again, listed, "one key, however often it starts");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_its_key_store_holds_no_secret_and_with_it_goes_on_elsewhere() {
    let platform = Platform::new();
    let merchant = platform.merchant("Morning Market");
    let (ann, totp) = viewer(&platform, "ann");
    let serving = platform.serve();
    let hooks = endpoint(&merchant).await;
    assert!(answered(&platform, &ann, &code(&totp)).contains(BELIEVED));
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    platform.run(&["store", "backup", copy.to_str().unwrap()]).well();
    stopped(serving);

    // Another key store is no key store of this database: payments go on, secrets stay closed.
    let other = Platform::inside(folder.path());
    other.run(&["keys", "init"]).well();
    other.run(&["store", "restore", copy.to_str().unwrap()]).well();
    let serving = other.serve();
    let said = serving.says("NOT READY");
    assert!(said.contains("copy the key store of the node"), "{said}");
    let theirs = merchant.at(other.http);
    assert_eq!(rotated(&theirs, &hooks).await, 503);
    let refused = answered(&other, &ann, &code(&totp));
    assert!(
        refused.contains("copy the key store of the node") && refused.contains("a recovery code can"),
        "{refused}"
    );
    let recovery = ann.codes.borrow_mut().pop().unwrap();
    assert!(answered(&other, &ann, &recovery).contains(BELIEVED));
    stopped(serving);
    // With its key store all of it opens.
    copy_keys(&platform, &other);
    let serving = other.serve();
    assert!(!serving.says("Ctrl-C stops it").contains("NOT READY"));
    assert_eq!(rotated(&theirs, &hooks).await, 201);
    let said = other.run(&["keys", "secrets"]).well();
    assert!(!said.contains("do not open"), "{said}");
    stopped(serving);

    // And on a server, where sealed secrets are carried as they are.
    let target = Cluster::shared().fresh(None).unwrap();
    other.run(&["store", "copy", other.database().to_str().unwrap(), &target.url]).well();
    on(&other, &target, "south");
    let _serving = other.serve();
    let said = other.run(&["keys", "secrets"]).well();
    assert!(said.contains("; 0 of operators and 0 of webhooks were sealed now.\n"), "{said}");
    assert!(!said.contains("do not open"), "{said}");
    assert_eq!(rotated(&theirs, &hooks).await, 201);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_renewed_while_the_platform_serves_and_one_that_is_lost_is_given_up_by_name() {
    let platform = Platform::new();
    let merchant = platform.merchant("Morning Market");
    let (ann, totp) = viewer(&platform, "ann");
    let serving = platform.serve();
    let hooks = endpoint(&merchant).await;
    let said = platform.run(&["keys", "secrets", "--renew"]).well();
    assert!(
        said.contains("sealed under secrets-2 (") && said.contains("; 1 of operators and 1 of webhooks"),
        "{said}"
    );
    assert_eq!(
        (key(&said, "secrets-1")[2].as_str(), key(&said, "secrets-2")[2].as_str()),
        ("retired", "active")
    );
    // The running platform reads its key store again by itself.
    until("the new key is known", async || rotated(&merchant, &hooks).await == 201).await;
    assert!(answered(&platform, &ann, &code(&totp)).contains(BELIEVED));
    stopped(serving);

    // Both are lost: another key store takes the place.
    std::fs::remove_file(platform.data.join("keys.cfks")).unwrap();
    std::fs::remove_file(platform.data.join("card-maker.key")).unwrap();
    platform.run(&["keys", "init"]).well();
    let refused = platform.run(&["keys", "secrets", "--renew"]).badly();
    assert!(
        refused.contains("copy the key store of the node") && refused.contains("--renew --lost"),
        "{refused}"
    );
    // A name that a lost key had is not used again.
    let said = platform.run(&["keys", "secrets", "--renew", "--lost"]).well();
    assert!(said.contains("These do not open"), "{said}");
    assert!(said.contains("the operator ann's authenticator") && said.contains(&hooks), "{said}");
    let serving = platform.serve();
    assert!(!serving.says("Ctrl-C stops it").contains("NOT READY"));
    assert_eq!(rotated(&merchant, &hooks).await, 201);
    platform.run(&["operator", "reset-totp", "ann"]).well();
    let said = platform.run(&["keys", "secrets"]).well();
    assert!(!said.contains("do not open"), "{said}");
    stopped(serving);
    platform.run(&["audit", "verify"]).well();
}

/// How many webhooks' secrets are sealed under each key, as the database says.
fn sealed_under(platform: &Platform) -> Vec<(String, u32)> {
    let connection = rusqlite::Connection::open(platform.database()).unwrap();
    let sql = "select sealed_by, count(*) from webhook_secret group by sealed_by order by sealed_by";
    let mut rows = connection.prepare(sql).unwrap();
    let found = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    found.collect::<Result<_, _>>().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_was_made_where_the_clock_was_ahead_is_renewed_all_the_same() {
    let platform = Platform::bare();
    earlier_key_store(&platform);
    // In the year 2100.
    let (ahead, custodian) = (UnixMillis(4_102_444_800_000), Custodian::new("Li Na").unwrap());
    let passphrase = Passphrase::new(PASSPHRASE.into()).unwrap();
    let keys = SealedFile::open(&platform.data.join("keys.cfks"), &passphrase, Environment::Test).unwrap();
    let name = KeyName::new("secrets-1").unwrap();
    keys.generate(name, KeyUse::SealSecrets, &custodian, ahead, &mut system_entropy).unwrap();
    keys.set_state(name, KeyEvent::Activate, &custodian, ahead).unwrap();
    drop(keys);
    let merchant = platform.merchant("Morning Market");
    let serving = platform.serve();
    let hooks = endpoint(&merchant).await;
    assert_eq!(sealed_under(&platform), [("secrets-1".into(), 1)]);

    for (next, before) in [("secrets-2", "secrets-1"), ("secrets-3", "secrets-2")] {
        let said = platform.run(&["keys", "secrets", "--renew"]).well();
        let webhooks = sealed_under(&platform);
        assert!(said.contains(&format!("sealed under {next} (")), "{said}");
        assert_eq!((key(&said, before)[2].as_str(), key(&said, next)[2].as_str()), ("retired", "active"));
        assert_eq!(webhooks.iter().map(|(key, _)| key.as_str()).collect::<Vec<_>>(), [next]);
        // And what is new.
        until("the new key is known", async || rotated(&merchant, &hooks).await == 201).await;
        endpoint(&merchant).await;
        assert!(sealed_under(&platform).iter().all(|(key, _)| key == next), "{:?}", sealed_under(&platform));
    }
    stopped(serving);
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_whose_key_stores_were_copied_before_there_was_a_key_serve_and_one_says_what_it_lacks() {
    let database = Cluster::shared().fresh(None).unwrap();
    let (north, south) = (Platform::bare(), Platform::bare());
    earlier_key_store(&north);
    copy_keys(&north, &south);
    on(&north, &database, "north");
    on(&south, &database, "south");
    let merchant = north.merchant("Morning Market");
    let _first = north.serve();
    let second = south.serve();
    // The south made no key: the north's is the database's.
    let said = second.says("NOT READY");
    assert!(said.contains("copy the key store of the node \"north\" to this machine"), "{said}");
    let hooks = endpoint(&merchant).await;
    let at_south = merchant.at(south.http);
    assert_eq!(rotated(&at_south, &hooks).await, 503);
    assert_eq!(at_south.asks("GET", "/v1/webhook_endpoints", None).await.status(), 200);
    // It is copied while both serve.
    copy_keys(&north, &south);
    until("the south has read it", async || rotated(&at_south, &hooks).await == 201).await;
}
