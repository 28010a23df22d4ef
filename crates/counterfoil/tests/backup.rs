//! A copy that is made while cards pay is whole, and a platform begins on it with everything that was acknowledged before.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod program;

use std::path::Path;

use program::buyer::Buyers;
use program::platform::Platform;

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_before_a_backup_is_there_on_another_machine() {
    let platform = Platform::new();
    let merchant = platform.merchant("Morning Market");
    let cards = platform.cards(4);
    platform.fund(&cards[0].holder, 1_000_000);
    let serving = platform.serve();
    let buyers = Buyers::begin(&platform, &merchant, &cards).await;
    buyers.settled.reaches(8).await;

    // In the middle of payments.
    let before = merchant.paid().await;
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    assert!(platform.run(&["store", "backup", text(&copy)]).well().contains("is whole"));
    buyers.settled.reaches(buyers.settled.now() + 4).await;
    buyers.finish().await;
    assert!(before.len() >= 8, "{before:?}");
    let checked = counterfoil_check(&copy).well();
    assert!(checked.contains("The ledger is sound"), "{checked}");
    // Names and frames stand in it in clear.
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(&copy).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);

    // The first machine is gone.
    serving.kill();
    let other = Platform::inside(folder.path());
    std::fs::create_dir(&other.data).unwrap();
    std::fs::copy(platform.data.join("keys.cfks"), other.data.join("keys.cfks")).unwrap();
    other.run(&["store", "restore", text(&copy)]).well();
    other.ledger();
    let _serving = other.serve();
    let merchant = merchant.at(other.http);
    let there = merchant.paid().await;
    assert!(before.is_subset(&there), "{before:?} {there:?}");
}

#[test]
fn a_backup_replaces_nothing_and_a_restore_neither_and_what_is_no_copy_is_named() {
    let platform = Platform::new();
    platform.merchant("Morning Market");
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy.db");
    platform.run(&["store", "backup", text(&copy)]).well();
    assert!(platform.run(&["store", "backup", text(&copy)]).badly().contains("it is there already"));
    assert!(platform.run(&["store", "restore", text(&copy)]).badly().contains("move it away first"));
    let away = folder.path().join("no").join("copy.db");
    assert!(platform.run(&["store", "backup", text(&away)]).badly().contains("there is no folder"));

    let junk = folder.path().join("junk.db");
    assert!(counterfoil_check(&junk).badly().contains("there is no file"));
    std::fs::write(&junk, "no database at all, but long enough to be looked into").unwrap();
    assert!(counterfoil_check(&junk).badly().contains("not a database"));
    std::fs::write(&junk, "").unwrap();
    assert!(counterfoil_check(&junk).badly().contains("no database of Counterfoil"));
    let mut bytes = std::fs::read(&copy).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle..middle + 4_096].fill(0xa5);
    std::fs::write(&junk, bytes).unwrap();
    assert!(counterfoil_check(&junk).badly().starts_with("error: the database file is damaged"));
    let future = rusqlite::Connection::open(&copy).unwrap();
    future
        .execute("insert into refinery_schema_history values (99, 'later', '2030-01-01T00:00:00Z', '1')", [])
        .unwrap();
    drop(future);
    assert!(counterfoil_check(&copy).badly().contains("version 99"));
    let bare = Platform::bare();
    assert!(bare.run(&["store", "restore", text(&copy)]).badly().contains("version 99"));
    assert!(!bare.database().exists());
}

fn counterfoil_check(file: &Path) -> program::process::Ended {
    program::process::run(&mut program::process::counterfoil(["store", "check", text(file)]))
}
