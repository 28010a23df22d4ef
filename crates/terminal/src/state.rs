//! What a terminal keeps: who it is, its master key, whom it talks to and trusts, and how far its sequence went.
//!
//! For: [`State`], the sealed file while it is open. The sequence of key id 0 is kept a thousand numbers ahead:
//! whatever becomes of the process, no number is used twice under the key that lives as long as the terminal.
//! Refuses: two processes on one folder (`folder`).

use std::fmt;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crypto::{TerminalMasterKey, TerminalSuite};
use model::TerminalId;
use sealed::{Damage, FileKeys, Passphrase, TooLarge};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::error::StateError;
use crate::folder::{Folder, Place, TERMINAL};
use crate::url::ServerUrl;

/// So many numbers are reserved with one write.
const RESERVED: u64 = 1_000;

/// What a terminal was told when it was enrolled.
#[derive(Clone)]
pub(crate) struct Enrolment {
    pub(crate) terminal: TerminalId,
    pub(crate) master: TerminalMasterKey,
    pub(crate) suite: TerminalSuite,
    pub(crate) security_url: ServerUrl,
    pub(crate) transaction_url: ServerUrl,
    /// The authority that signs the servers' certificates, PEM; `None`: the usual ones.
    pub(crate) ca: Option<String>,
    pub(crate) pack_signers: Vec<[u8; 32]>,
}

/// The sealed file while it is open.
#[derive(Debug)]
pub(crate) struct State {
    folder: Folder,
    keys: FileKeys,
    enrolment: Enrolment,
    sequence: Mutex<Sequence>,
}

#[derive(Clone, Copy, Debug)]
struct Sequence {
    next: u64,
    /// Numbers below this may be used; the file says it.
    reserved: u64,
}

/// The body, JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Body<'a> {
    terminal: &'a str,
    /// Borrowed, so that no copy is left behind.
    master: &'a str,
    suite: u8,
    security_url: String,
    transaction_url: String,
    ca: Option<String>,
    pack_signers: Vec<String>,
    next_sequence: u64,
}

impl State {
    /// Seals what a terminal was told into a folder that has none yet.
    pub(crate) fn create(folder: Folder, keys: FileKeys, enrolment: Enrolment) -> Result<Self, StateError> {
        let state = Self { folder, keys, enrolment, sequence: Mutex::new(Sequence { next: 1, reserved: 1 }) };
        state.write(1)?;
        Ok(state)
    }

    /// Opens a terminal's file. From here on its sequence starts above all that was used before.
    pub(crate) fn open(path: &Path, passphrase: &Passphrase) -> Result<Self, StateError> {
        let folder = Folder::hold(path)?;
        let file = folder.read_sealed()?;
        let path = folder.place(Place::Sealed);
        let damaged = |damage| StateError::Damaged { path: path.clone(), damage };
        let keys = FileKeys::open(passphrase, &file)
            .map_err(|refused| StateError::opening(refused, path.clone()))?;
        let body = keys.unseal(file).map_err(damaged)?.ok_or_else(|| damaged(Damage::Header))?;
        let (enrolment, next) = decode(&body).ok_or_else(|| damaged(Damage::Contents))?;
        let state = Self { folder, keys, enrolment, sequence: Mutex::new(Sequence { next, reserved: next }) };
        state.reserve(&mut state.lock())?;
        Ok(state)
    }

    pub(crate) fn enrolment(&self) -> &Enrolment {
        &self.enrolment
    }

    pub(crate) fn place(&self, place: Place) -> std::path::PathBuf {
        self.folder.place(place)
    }

    /// The next number under key id 0. Every thousandth call waits for the disk.
    pub(crate) fn next_sequence(&self) -> Result<u64, StateError> {
        let mut sequence = self.lock();
        if sequence.next >= sequence.reserved {
            self.reserve(&mut sequence)?;
        }
        let number = sequence.next;
        sequence.next += 1;
        Ok(number)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Sequence> {
        self.sequence.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reserve(&self, sequence: &mut Sequence) -> Result<(), StateError> {
        let reserved = sequence.next.saturating_add(RESERVED);
        self.write(reserved)?;
        sequence.reserved = reserved;
        Ok(())
    }

    fn write(&self, next_sequence: u64) -> Result<(), StateError> {
        let body = encode(&self.enrolment, next_sequence).ok_or(StateError::TooLarge)?;
        let file = self.keys.seal(body).map_err(|TooLarge| StateError::TooLarge)?;
        self.folder.write_sealed(&file)
    }
}

fn encode(enrolment: &Enrolment, next_sequence: u64) -> Option<Zeroizing<Vec<u8>>> {
    let master = Zeroizing::new(hex::encode(enrolment.master.expose_to_key_store()));
    let body = Body {
        terminal: &enrolment.terminal.to_string(),
        master: &master,
        suite: enrolment.suite.number(),
        security_url: enrolment.security_url.to_string(),
        transaction_url: enrolment.transaction_url.to_string(),
        ca: enrolment.ca.clone(),
        pack_signers: enrolment.pack_signers.iter().map(hex::encode).collect(),
        next_sequence,
    };
    // Room for all of it beforehand: a buffer that grows leaves copies of the key behind.
    let mut text = Zeroizing::new(Vec::with_capacity(usize::try_from(TERMINAL.length_max).ok()?));
    serde_json::to_writer(&mut *text, &body).ok()?;
    Some(text)
}

fn decode(body: &[u8]) -> Option<(Enrolment, u64)> {
    let body: Body<'_> = serde_json::from_slice(body).ok()?;
    let mut master = [0; 16];
    hex::decode_to_slice(body.master, &mut master).ok()?;
    let key = TerminalMasterKey::from_bytes(master);
    master.zeroize();
    let signer = |text: &String| {
        let mut signer = [0; 32];
        hex::decode_to_slice(text, &mut signer).ok().map(|()| signer)
    };
    let enrolment = Enrolment {
        terminal: body.terminal.parse().ok()?,
        master: key,
        suite: TerminalSuite::from_number(body.suite)?,
        security_url: body.security_url.parse().ok()?,
        transaction_url: body.transaction_url.parse().ok()?,
        ca: body.ca,
        pack_signers: body.pack_signers.iter().map(signer).collect::<Option<_>>()?,
    };
    Some((enrolment, body.next_sequence))
}

impl fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Enrolment")
            .field("terminal", &self.terminal)
            .field("suite", &self.suite)
            .field("security_url", &self.security_url)
            .field("transaction_url", &self.transaction_url)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use sealed::Cost;

    use super::*;

    fn enrolment() -> Enrolment {
        Enrolment {
            terminal: TerminalId([0, 0, 0, 0, 0, 0x50]),
            master: TerminalMasterKey::from_bytes([0xa7; 16]),
            suite: TerminalSuite::Sm4Gcm,
            security_url: "https://bank.example:8444".parse().unwrap(),
            transaction_url: "https://bank.example:8443".parse().unwrap(),
            ca: Some("-----BEGIN CERTIFICATE-----\nline\n".into()),
            pack_signers: vec![[1; 32], [2; 32]],
        }
    }

    fn passphrase() -> Passphrase {
        Passphrase::new("correct horse battery".into()).unwrap()
    }

    fn created(path: &Path) -> State {
        let keys = FileKeys::create(TERMINAL, 0, &passphrase(), Cost::Testing, [7; 16]).unwrap();
        State::create(Folder::hold(path).unwrap(), keys, enrolment()).unwrap()
    }

    #[test]
    fn what_was_sealed_is_what_is_read() {
        let folder = tempfile::tempdir().unwrap();
        drop(created(folder.path()));
        let state = State::open(folder.path(), &passphrase()).unwrap();
        let (read, told) = (state.enrolment(), enrolment());
        assert!(read.master == told.master);
        assert_eq!(format!("{read:?}"), format!("{told:?}"));
        assert_eq!((&read.ca, &read.pack_signers), (&told.ca, &told.pack_signers));
        assert!(!format!("{state:?}").contains("a7a7"));
    }

    #[test]
    fn a_sequence_only_rises_whatever_becomes_of_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let mut last = 0;
        let mut state = created(folder.path());
        for round in 0..5 {
            for _ in 0..(RESERVED / 2 + 13) * 2 * (round % 2) + 1 {
                let next = state.next_sequence().unwrap();
                assert!(next > last, "{next} after {last}");
                last = next;
            }
            // As after kill -9: nothing is written at the end.
            drop(state);
            state = State::open(folder.path(), &passphrase()).unwrap();
        }
        let file = std::fs::read(folder.path().join("terminal.cft")).unwrap();
        assert!(!file.windows(4).any(|bytes| bytes == b"a7a7"));
    }

    #[test]
    fn two_processes_cannot_be_the_same_terminal() {
        let folder = tempfile::tempdir().unwrap();
        let _first = created(folder.path());
        let second = State::open(folder.path(), &passphrase());
        assert!(matches!(second, Err(StateError::Running { .. })), "{second:?}");
    }
}
