//! Disks without room, and files that may not grow: what the embedded back end says then, and that it goes on.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod maker;

use std::path::Path;
use std::process::{Command, Output};

use maker::ledger::assert_sound;
use maker::{MORNING, first_answer};
use payment::MerchantId;
use store::sqlite::open;
use store::{Store, StoreError, WriteError};

/// Where the child finds its small disk, or where its files may not grow.
const DISK: &str = "COUNTERFOIL_TEST_SMALL_DISK";
const FILES: &str = "COUNTERFOIL_TEST_SMALL_FILES";

/// Runs the story below in another process, which a shell prepares: `$0` is the program, `$1` the folder.
fn child(shell: &mut Command, script: &str, name: &str, folder: &Path) -> Output {
    let own = std::env::current_exe().unwrap();
    shell.args(["-c", script]).args([&own, folder]).env(name, folder).output().unwrap()
}

#[track_caller]
fn told(run: &Output) {
    let (out, err) = (String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
    assert!(run.status.success() && out.contains("1 passed"), "{out}{err}");
}

/// A limit of SQLite's own (`max_page_count`) would need a seam, and fails before the commit.
#[test]
fn files_that_may_not_grow_are_named_and_once_they_may_it_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let script =
        "trap '' XFSZ && exec prlimit --fsize=1300000: \"$0\" --exact fills_what_there_is --nocapture";
    told(&child(&mut Command::new("sh"), script, FILES, folder.path()));
}

/// On a disk of 2 MiB that only the child sees. Where nobody may mount one, as in most containers, files that may not grow stand
/// for it: the same steps, under another name.
#[test]
fn a_full_disk_is_named_and_once_there_is_room_it_goes_on() {
    if !mounts() {
        return files_that_may_not_grow_are_named_and_once_they_may_it_goes_on();
    }
    let folder = tempfile::tempdir().unwrap();
    let script =
        "mount -t tmpfs -o size=2m none \"$1\" && exec \"$0\" --exact fills_what_there_is --nocapture";
    let mut shell = Command::new("unshare");
    shell.args(["--user", "--map-root-user", "--mount", "sh"]);
    told(&child(&mut shell, script, DISK, folder.path()));
}

/// Whether this process may mount a disk that only its children see.
fn mounts() -> bool {
    let mut tries = Command::new("unshare");
    tries.args(["--user", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "none", "/tmp"]);
    tries.output().is_ok_and(|tried| tried.status.success())
}

/// The child. Run by itself, without a small disk, it has nothing to do.
#[tokio::test]
async fn fills_what_there_is() {
    let of = |name| std::env::var(name).ok();
    let (folder, is_disk) = match (of(DISK), of(FILES)) {
        (Some(disk), _) => (disk, true),
        (None, Some(folder)) => (folder, false),
        (None, None) => return,
    };
    let (ballast, file) = (Path::new(&folder).join("ballast"), Path::new(&folder).join("counterfoil.db"));
    std::fs::write(&ballast, vec![1; 700_000]).unwrap();
    let store = open(&file).unwrap();
    let write = async |n: u32| {
        let body = "x".repeat(20_000);
        store
            .write(move |unit| {
                unit.add_idempotent(MerchantId(1), "orders", &n.to_string(), &first_answer(&body, MORNING))
            })
            .await
    };
    let there = |store: &Store, n: u32| {
        store.peek(|rows| rows.idempotent(MerchantId(1), "orders", &n.to_string())).unwrap().is_some()
    };
    let is_named = |error: &WriteError<StoreError>| match error {
        WriteError::Store(StoreError::Full) => is_disk,
        WriteError::Store(StoreError::Disk(_)) => !is_disk,
        _ => false,
    };
    let mut kept = 0;
    let full = loop {
        match write(kept).await {
            Ok(()) => kept += 1,
            Err(error) => break error,
        }
    };
    assert!(is_named(&full), "{full:?}");
    assert!(kept > 5, "{kept}");
    // Again and again the same, and what was acknowledged can be read meanwhile.
    assert!(is_named(&write(kept).await.unwrap_err()));
    assert!((0..kept).all(|n| there(&store, n)) && !there(&store, kept));
    std::fs::remove_file(&ballast).unwrap();
    if !is_disk {
        let own = std::process::id().to_string();
        assert!(
            Command::new("prlimit").args(["--pid", &own, "--fsize=unlimited:"]).status().unwrap().success()
        );
    }
    assert_eq!(write(kept).await, Ok(()));
    drop(store);
    let store = open(&file).unwrap();
    assert!((0..=kept).all(|n| there(&store, n)));
    assert_sound(&store);
}
