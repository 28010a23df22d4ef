//! Stories of a terminal: its folder, the servers that it meets, its keys, and its transactions, with a card in
//! software and a bank of the test's own behind real TLS.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod bank;
mod client;
mod enrolling;
mod keys;
mod run;
mod sealed;
mod stand;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crypto::ActivationSecret;
use model::TerminalId;
use tempfile::TempDir;
use terminal::{Cost, EnrolRequest, Passphrase, Terminal, Waits, enrol};

use bank::Bank;
use stand::{Authority, Stand};

const TERMINAL: TerminalId = TerminalId([0, 0, 1, 0, 0, 0x50]);

fn passphrase() -> Passphrase {
    Passphrase::new("correct horse battery".into()).unwrap()
}

/// Waits that a test can wait for.
fn waits() -> Waits {
    Waits {
        card: Duration::from_millis(1_500),
        card_again: Duration::from_millis(600),
        reader: Duration::from_millis(500),
    }
}

/// An activation by this code at the server of this address.
fn request(code: &ActivationSecret, url: &str, ca: &str) -> EnrolRequest {
    EnrolRequest {
        terminal: TERMINAL,
        code: code.clone(),
        security_url: url.parse().unwrap(),
        transaction_url: url.parse().unwrap(),
        ca: Some(ca.into()),
        passphrase: passphrase(),
        cost: Cost::Testing,
    }
}

/// A bank behind TLS, and a terminal's folder beside it.
struct World {
    bank: Arc<Bank>,
    stand: Stand,
    authority: Authority,
    folder: TempDir,
}

impl World {
    async fn new() -> Self {
        let authority = Authority::new();
        let bank = Arc::new(Bank::new());
        let served = Arc::clone(&bank);
        let stand = Stand::start(authority.server(), move |path, body| served.answer(path, body)).await;
        Self { bank, stand, authority, folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("terminal")
    }

    fn request(&self) -> EnrolRequest {
        request(self.bank.code(), &self.stand.url(), self.authority.pem())
    }

    /// An enrolled terminal with the example packs, which runs.
    async fn terminal(&self) -> Terminal {
        enrol(&self.path(), self.request()).await.unwrap();
        let packs = self.path().join("packs");
        std::fs::create_dir(&packs).unwrap();
        ::packs::write_examples(&packs).unwrap();
        self.open().await
    }

    async fn open(&self) -> Terminal {
        Terminal::open_with(&self.path(), passphrase(), waits()).await.unwrap()
    }
}

/// Nothing is left of an enrolment.
fn assert_nothing_at(path: &Path) {
    assert!(std::fs::symlink_metadata(path).is_err(), "{} is there", path.display());
}

/// Waits until something is so.
async fn soon(what: &str, mut is_so: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if is_so() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("not soon: {what}");
}
