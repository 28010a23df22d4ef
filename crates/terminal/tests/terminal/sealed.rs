//! The sealed file's life.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use terminal::{Damage, StateError};

use super::*;

async fn refused(path: &Path, words: &str) -> StateError {
    let passphrase = Passphrase::new(words.into()).unwrap();
    match Terminal::open(path, passphrase).await {
        Err(error) => error,
        Ok(_) => panic!("it opens"),
    }
}

const RIGHT: &str = "correct horse battery";

#[tokio::test]
async fn what_does_not_open_is_told_apart() {
    let world = World::new().await;
    let (path, file) = (world.path(), world.path().join("terminal.cft"));
    assert!(matches!(refused(&path, RIGHT).await, StateError::Missing { .. }));
    enrol(&path, world.request()).await.unwrap();
    assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o700);
    let whole = fs::read(&file).unwrap();

    assert!(matches!(refused(&path, "another passphrase").await, StateError::WrongPassphrase { .. }));

    let put = |bytes: &[u8]| fs::write(&file, bytes).unwrap();
    let mut changed = whole.clone();
    *changed.last_mut().unwrap() ^= 1;
    put(&changed);
    let error = refused(&path, RIGHT).await;
    assert!(matches!(error, StateError::Damaged { damage: Damage::Body, .. }), "{error}");
    assert!(error.to_string().contains("enrol"), "{error}");
    put(&whole[..whole.len() - 1]);
    assert!(matches!(refused(&path, RIGHT).await, StateError::Damaged { damage: Damage::Truncated, .. }));
    changed = whole.clone();
    changed[9] ^= 1;
    put(&changed);
    assert!(matches!(refused(&path, RIGHT).await, StateError::Damaged { damage: Damage::Header, .. }));
    changed = whole.clone();
    changed[5] = 2;
    put(&changed);
    assert!(matches!(refused(&path, RIGHT).await, StateError::Newer { found: 2, .. }));
    put(b"something else");
    assert!(matches!(refused(&path, RIGHT).await, StateError::NotATerminal { .. }));
    put(&whole);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(matches!(refused(&path, RIGHT).await, StateError::Exposed { mode: 0o640, .. }));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();

    let terminal = world.open().await;
    assert!(matches!(refused(&path, RIGHT).await, StateError::Running { .. }));
    terminal.close().await;
    world.open().await.close().await;
}

#[tokio::test]
async fn a_process_that_was_killed_while_it_wrote_leaves_the_file_whole() {
    let world = World::new().await;
    enrol(&world.path(), world.request()).await.unwrap();
    let whole = fs::read(world.path().join("terminal.cft")).unwrap();
    for cut in [0, 1, 76, whole.len() - 1] {
        fs::write(world.path().join("terminal.cft.new"), &whole[..cut]).unwrap();
        let terminal = world.open().await;
        assert!(!world.path().join("terminal.cft.new").exists());
        terminal.close().await;
    }
}

#[tokio::test]
async fn a_process_that_is_killed_at_any_moment_never_uses_a_number_twice() {
    let world = World::new().await;
    enrol(&world.path(), world.request()).await.unwrap();
    let mut last = 0;
    for _ in 0..4 {
        let terminal = world.open().await;
        terminal.prepare().await.unwrap();
        let highest = world.bank.highest(0);
        assert!(highest > last, "{highest} after {last}");
        last = highest;
        // The bank refuses a number that it saw; what was reserved and not used is never used.
        terminal.close().await;
    }
    assert!(last > 3_000, "{last}");
}

#[tokio::test]
async fn nothing_of_the_key_stands_in_the_folder_in_clear() {
    let world = World::new().await;
    let terminal = world.terminal().await;
    terminal.prepare().await.unwrap();
    let file = fs::read(world.path().join("terminal.cft")).unwrap();
    for clear in [&b"127.0.0.1"[..], b"BEGIN CERTIFICATE", TERMINAL.to_string().as_bytes()] {
        assert!(!file.windows(clear.len()).any(|bytes| bytes == clear));
    }
    let shown = format!("{terminal:?}");
    assert!(shown.contains("[redacted]") && !shown.contains("BEGIN"), "{shown}");
}
