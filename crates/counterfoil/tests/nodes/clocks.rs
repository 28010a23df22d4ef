//! A node whose machine's clock is astray, beside one whose clock is right.

use std::path::PathBuf;

use tempfile::TempDir;

use crate::crossing::{is_paid, pays, switched_on};
use crate::program::merchant::SMALL;
use crate::program::platform::Platform;
use crate::program::process::Program;
use crate::region::{Region, becomes, health, sees};

/// A clock that a process takes for its machine's, ahead of the real one.
struct Clock {
    folder: TempDir,
}

impl Clock {
    fn ahead_by(seconds: u32) -> Self {
        let clock = Self { folder: tempfile::tempdir().unwrap() };
        clock.set(seconds);
        clock
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join("clock")
    }

    /// Sets it, from one moment to the next.
    fn set(&self, seconds: u32) {
        let new = self.folder.path().join("new");
        std::fs::write(&new, format!("+{seconds}\n")).unwrap();
        std::fs::rename(&new, self.file()).unwrap();
    }

    /// A node that goes by it.
    fn serve(&self, node: &Platform) -> Program {
        let mut serve = node.command(&["serve"]);
        serve.env("LD_PRELOAD", library()).env("FAKETIME_TIMESTAMP_FILE", self.file());
        // What is waited for is measured by the steady clock, which nobody sets.
        serve.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("FAKETIME_NO_CACHE", "1");
        Program::start(&mut serve)
    }
}

/// Where Debian puts it, by the kind of machine.
fn library() -> PathBuf {
    let kinds = std::fs::read_dir("/usr/lib").unwrap();
    let mut found = kinds.map(|kind| kind.unwrap().path().join("faketime/libfaketimeMT.so.1"));
    found.find(|library| library.exists()).expect("libfaketime is missing: apt-get install libfaketime")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_whose_clock_is_astray_is_refused_or_ends_by_name_while_the_other_serves_on() {
    let mut region = Region::new();
    let (north, south) = (region.node("north"), region.node("south"));
    let merchant = north.merchant("Morning Market");
    let issued = north.card(&[]);
    north.fund(&issued.holder, 100_000);
    let north_serves = north.serve();
    let card = switched_on(&issued, &north).await;

    let clock = Clock::ahead_by(60);
    let why = clock.serve(&south).ended().badly();
    assert!(why.contains("s ahead of the database's, and more than 5 s is refused"), "{why}");
    // It left its name as it went.
    clock.set(3);
    let serving = clock.serve(&south);
    let said = serving.says("Ctrl-C stops it");
    assert!(!said.contains("Waiting"), "{said}");
    let told = becomes(&south, "a warning", |health| health["warnings"][0].is_string()).await;
    assert!(told["warnings"][0].as_str().unwrap().contains("s ahead of the database's"), "{told}");
    sees(&north, 2).await;
    assert!(health(&north).await["warnings"].as_array().unwrap().is_empty(), "not the other's clock");
    let order = merchant.at(south.http).order(&issued.id, SMALL).await;
    pays(&card).await;
    is_paid(&merchant, &order.id).await;

    // It goes astray while it serves: it is the odd one, and ends.
    clock.set(90);
    let why = serving.ended().badly();
    assert!(why.contains("s ahead of the database's, and more than 5 s is refused"), "{why}");
    assert!(why.contains("chrony"), "{why}");
    sees(&north, 1).await;
    let told = health(&north).await;
    assert_eq!((&told["serves"], &told["epoch"]), (&true.into(), &1.into()), "{told}");
    // No order ended before its time.
    assert_eq!(region.asks("select count(*) from event where kind = 'order.expired'"), "0");
    let order = merchant.order(&issued.id, SMALL).await;
    pays(&card).await;
    is_paid(&merchant, &order.id).await;
    card.stop().await;
    north_serves.signal("TERM");
    north_serves.ended().well();
    north.ledger();
}
