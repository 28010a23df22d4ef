//! What earlier programs stored is opened by this one: brought to its version, sound to the last balance and audit entry, and cards
//! pay on from there.
//!
//! The states are kept in `tests/fixtures`, a folder for each engine and release: key store, cards, and a script for its schema
//! and each before it that no earlier release has kept. `scripts/fixtures` makes those of this version anew, by the last story here.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod engine;
mod keeping;
#[path = "../program/mod.rs"]
mod program;
mod sealing;

use std::path::{Path, PathBuf};

use engine::Engine;
use keeping::Notes;
use program::buyer::Buyers;
use program::merchant::{Merchant, SMALL};
use program::platform::{Issued, Platform};
use sealing::Left;

/// What each release left on an engine: a folder by its version, with its schemas.
fn kept(engine: Engine) -> Vec<(PathBuf, Vec<u32>)> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(engine.name());
    let folders = std::fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path());
    let mut kept: Vec<(PathBuf, Vec<u32>)> =
        folders.map(|folder| (folder.clone(), engine::versions_in(&folder))).collect();
    kept.sort();
    // Every schema that a program ever had, without a gap.
    let mut all: Vec<u32> = kept.iter().flat_map(|(_, versions)| versions.clone()).collect();
    all.sort_unstable();
    all.dedup();
    assert_eq!(all, (1..=u32::try_from(all.len()).unwrap()).collect::<Vec<_>>());
    kept
}

/// A platform on a state that was kept: nothing of the folder is changed.
fn opened(engine: Engine, from: &Path, version: u32) -> (Platform, Notes) {
    let platform = Platform::bare();
    keeping::copy_folder(&from.join("data"), &platform.data);
    let url = engine.restore(&from.join(format!("schema-{version}.sql")), &platform.database());
    if let Some(url) = url {
        let section = format!("\n[database]\nurl = \"{url}\"\n");
        let config = std::fs::read_to_string(&platform.config).unwrap() + &section;
        std::fs::write(&platform.config, config).unwrap();
    }
    (platform, Notes::read(from))
}

async fn goes_on(engine: Engine, from: &Path, version: u32) {
    let (platform, notes) = opened(engine, from, version);
    let left = Left::in_clear(engine, &platform);
    let said = platform.run(&["store", "migrate", "--dry-run"]).well();
    assert!(said.contains(&format!("The database is of version {version}, this program")), "{said}");
    // Migrated by whoever opens it first.
    let ledger = platform.ledger();
    assert!(ledger.contains(&format!("{} posted", notes.posted(version))), "{version}: {ledger}");
    platform.run(&["audit", "verify"]).well();

    let serving = platform.serve();
    left.is_sealed(&platform);
    // The merchant's key is good as it was.
    let merchant = Merchant::new(platform.http, &notes.key);
    let paid = merchant.paid().await;
    assert_eq!(paid, notes.orders, "{version}");
    let earned = merchant.balance().await;
    assert_eq!(earned, notes.earned(version), "{version}");
    // Cards go on where they stood, and what was paid can be given back.
    let cards: Vec<Issued> = notes.cards(&platform.data);
    let other = platform.merchant("Evening Market");
    let buyers = Buyers::begin(&platform, &other, &cards).await;
    buyers.settled.reaches(cards.len()).await;
    let bought = buyers.finish().await;
    assert_eq!(other.balance().await, i64::from(SMALL) * i64::try_from(bought.len()).unwrap());
    let last = notes.orders.last().unwrap();
    assert_eq!(merchant.refund(last, 100).await, 201, "{version}");
    assert_eq!(merchant.balance().await, earned - 100);
    platform.ledger();
    platform.run(&["audit", "verify"]).well();
    serving.signal("TERM");
    serving.ended().well();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_of_every_earlier_version_is_opened_sound_and_pays_on() {
    for (folder, versions) in kept(Engine::File) {
        for version in versions {
            goes_on(Engine::File, &folder, version).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_servers_database_of_every_earlier_version_is_opened_sound_and_pays_on() {
    for (folder, versions) in kept(Engine::Server) {
        for version in versions {
            goes_on(Engine::Server, &folder, version).await;
        }
    }
}

/// And so the kept ones are made: with `COUNTERFOIL_FIXTURES` set they are put into its folder.
#[tokio::test(flavor = "multi_thread")]
async fn what_this_program_stores_can_be_kept_and_opened_again() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = std::env::var_os("COUNTERFOIL_FIXTURES").map_or(temporary.path().to_owned(), PathBuf::from);
    for engine in [Engine::File, Engine::Server] {
        let place = folder.join(engine.name()).join(env!("CARGO_PKG_VERSION"));
        let newest = keeping::keep(engine, &place).await;
        let (platform, notes) = opened(engine, &place, newest);
        let ledger = platform.ledger();
        assert!(ledger.contains(&format!("{} posted", notes.posted(newest))), "{ledger}");
        assert!(platform.run(&["store", "migrate"]).well().contains("Nothing is to be done"));
    }
}
