//! Enrolment: from an activation code that was read aloud to a folder with a sealed file.
//!
//! All that can fail without the bank is tried first: a code is good once. Where anything fails nothing is left
//! behind, and the same code may be tried again; the bank answers it again for ten minutes, until the terminal
//! uses its key.

use std::fs;
use std::path::{Path, PathBuf};

use crypto::{ActivationSecret, CheckValue, TerminalSuite, WrappedTerminalMaster};
use model::{TerminalId, UnixMillis};
use sealed::{Cost, FileKeys, OutOfMemory, Passphrase};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::client::{Client, Media};
use crate::clock::{CLOCK_WRONG_MILLIS, own_time};
use crate::error::{EnrolError, ServerError, StateError};
use crate::folder::{Folder, Place, TERMINAL, make_folder};
use crate::state::{Enrolment, State};
use crate::url::ServerUrl;

/// What whoever installs a terminal gives.
#[derive(Debug)]
pub struct EnrolRequest {
    /// The terminal's number.
    pub terminal: TerminalId,
    /// The code that the operator read.
    pub code: ActivationSecret,
    /// The bank's security server.
    pub security_url: ServerUrl,
    /// The bank's transaction server.
    pub transaction_url: ServerUrl,
    /// The authority that signs both servers' certificates, PEM; `None`: the usual authorities.
    pub ca: Option<String>,
    /// What seals the file.
    pub passphrase: Passphrase,
    /// How dear it is to try a passphrase.
    pub cost: Cost,
}

/// What enrolment brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// That of the master key: the console shows the same.
    pub check_value: CheckValue,
    /// The suite of the terminal's messages.
    pub suite: TerminalSuite,
    /// By how many seconds this terminal's clock is ahead of the bank's, where that is more than five minutes.
    pub clock_wrong_by_seconds: Option<i64>,
}

#[derive(Serialize)]
struct ActivationBody<'a> {
    terminal: String,
    code: &'a str,
    software: &'static str,
}

#[derive(Deserialize)]
struct ActivatedBody {
    wrapped_master: String,
    check_value: String,
    suite: u8,
    pack_signers: Vec<String>,
    now: i64,
}

/// Whether a terminal is enrolled in this folder. Nothing is opened for it.
pub fn is_enrolled(folder: &Path) -> bool {
    fs::symlink_metadata(Place::Sealed.under(folder)).is_ok()
}

/// Enrols a terminal: its folder is there and whole, or as it was before.
pub async fn enrol(folder: &Path, request: EnrolRequest) -> Result<Enrolled, EnrolError> {
    let client = Client::new(request.ca.as_deref()).map_err(StateError::from)?;
    let path = folder.to_path_buf();
    let (passphrase, cost) = (request.passphrase, request.cost);
    let prepared = blocking(move || Prepared::new(&path, &passphrase, cost)).await?;

    let code = Zeroizing::new(request.code.to_string());
    let body = ActivationBody {
        terminal: request.terminal.to_string(),
        code: &code,
        software: concat!("counterfoil-terminal ", env!("CARGO_PKG_VERSION")),
    };
    let body = serde_json::to_vec(&body).map_err(|_| ServerError::Malformed("it cannot be asked"))?;
    let answer = client.post(&request.security_url, "/activate", Media::Json, body).await?;
    let told: ActivatedBody =
        serde_json::from_slice(&answer).map_err(|_| ServerError::Malformed("it is none to an activation"))?;

    let suite = TerminalSuite::from_number(told.suite)
        .ok_or(ServerError::Malformed("its suite is none of the protocol's"))?;
    if !suite.is_built() {
        return Err(EnrolError::SuiteNotBuilt(suite.name()));
    }
    let wrapped = WrappedTerminalMaster(bytes(&told.wrapped_master)?);
    let master = request.code.unwrap(request.terminal, &wrapped)?;
    let check_value = master.check_value();
    if !check_value.to_string().eq_ignore_ascii_case(&told.check_value) {
        return Err(EnrolError::CheckValue);
    }
    let enrolment = Enrolment {
        terminal: request.terminal,
        master,
        suite,
        security_url: request.security_url,
        transaction_url: request.transaction_url,
        ca: request.ca,
        pack_signers: told.pack_signers.iter().map(|signer| bytes(signer)).collect::<Result<_, _>>()?,
    };
    crate::terminal::signers(&enrolment.pack_signers).map_err(StateError::from)?;
    blocking(move || prepared.seal(enrolment)).await?;

    let ahead = own_time().0.saturating_sub(UnixMillis(told.now).0);
    let clock_wrong_by_seconds = (ahead.abs() > CLOCK_WRONG_MILLIS).then_some(ahead / 1_000);
    Ok(Enrolled { check_value, suite, clock_wrong_by_seconds })
}

fn bytes<const N: usize>(text: &str) -> Result<[u8; N], ServerError> {
    let mut bytes = [0; N];
    let malformed = |_| ServerError::Malformed("its keys are no hexadecimal digits");
    hex::decode_to_slice(text, &mut bytes).map_err(malformed)?;
    Ok(bytes)
}

/// Work on the disk or on a passphrase, away from the threads that serve others.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, StateError> + Send + 'static,
) -> Result<T, StateError> {
    // It ends early only together with the runtime.
    tokio::task::spawn_blocking(work).await.unwrap_or(Err(StateError::Stopped))
}

/// A folder that is ready for a sealed file. Dropped before there is one, it takes itself away.
struct Prepared {
    path: PathBuf,
    /// Whether the folder itself was made here.
    made: bool,
    /// Whether its lock is ours.
    locked: bool,
    /// `None` once it went into the sealed file.
    ready: Option<(Folder, FileKeys)>,
}

impl Prepared {
    fn new(path: &Path, passphrase: &Passphrase, cost: Cost) -> Result<Self, StateError> {
        let made = make_folder(path)?;
        // From here on dropping it takes away what was made.
        let mut prepared = Self { path: path.into(), made, locked: false, ready: None };
        let is_taken = fs::symlink_metadata(Place::Sealed.under(path)).is_ok();
        if is_taken {
            return Err(StateError::Taken { path: path.into() });
        }
        let folder = Folder::hold(path)?;
        prepared.locked = true;
        // Whether a file can be written at all is better known now.
        let probe = path.join("terminal.probe");
        sealed::replace(&probe, b"probe")
            .and_then(|()| fs::remove_file(&probe))
            .map_err(|source| StateError::System { what: "write", path: probe, source })?;
        let mut salt = [0; 16];
        getrandom::fill(&mut salt).map_err(|_| StateError::NoRandomness)?;
        let keys = FileKeys::create(TERMINAL, 0, passphrase, cost, salt)
            .map_err(|OutOfMemory| StateError::OutOfMemory)?;
        prepared.ready = Some((folder, keys));
        Ok(prepared)
    }

    fn seal(mut self, enrolment: Enrolment) -> Result<(), StateError> {
        let Some((folder, keys)) = self.ready.take() else { return Ok(()) };
        State::create(folder, keys, enrolment).map(drop)
    }
}

impl Drop for Prepared {
    /// Takes away what enrolment made, unless there is a sealed file: that of this enrolment, or of another.
    fn drop(&mut self) {
        drop(self.ready.take());
        if fs::symlink_metadata(Place::Sealed.under(&self.path)).is_ok() {
            return;
        }
        // Nobody waits for the outcome; an empty lock file harms nobody.
        if self.locked {
            let _ = fs::remove_file(Place::Lock.under(&self.path));
        }
        if self.made {
            let _ = fs::remove_dir(&self.path);
        }
    }
}
