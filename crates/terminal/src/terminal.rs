//! The terminal: a handle on its keys, packs and reports, that runs transactions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crypto::TerminalSuite;
use model::{Asn, Fen, IndustryCode, TerminalId, UnixMillis};
use packs::{Packs, VerifyingKey, VerifyingKeyError};
use sealed::Passphrase;
use serde::Deserialize;
use tap::message::Transaction;
use tap::{DriverPack, Outcome, RefusalCode};
use tokio::task::JoinHandle;
use tokio::time::sleep;
use zeroize::Zeroizing;

use crate::attached::AttachedReader;
use crate::client::Client;
use crate::enrol::blocking;
use crate::error::{BankError, ServerError, SmsError, StateError};
use crate::folder::Place;
use crate::keys::{Ask, Keys, WorkingKey};
use crate::opening::{Ending, Opening};
use crate::progress::Events;
use crate::reports::Reports;
use crate::run::{Run, Waits, key_is_over};
use crate::state::State;
use crate::url::ServerUrl;

/// An enrolled terminal that runs. Cheap to clone; the background work ends with the last clone.
#[derive(Clone, Debug)]
pub struct Terminal {
    inner: Arc<Inner>,
    background: Arc<Background>,
}

/// What goes on by itself. It stops when the last handle is gone.
#[derive(Debug)]
struct Background(Vec<JoinHandle<()>>);

impl Drop for Background {
    fn drop(&mut self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

#[derive(Debug)]
pub(crate) struct Inner {
    client: Client,
    state: Arc<State>,
    packs: Packs,
    pub(crate) keys: Keys,
    pub(crate) reports: Reports,
    pub(crate) waits: Waits,
}

/// How a terminal stands, for whoever runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The working key that is used, and its end by the bank's time; `None`: none came yet.
    pub key: Option<(u32, UnixMillis)>,
    /// `clock_wrong`: by how many seconds this terminal's clock was ahead of the bank's (negative: behind), where
    /// that is more than five minutes.
    pub clock_wrong_by_seconds: Option<i64>,
    /// Outputs that the bank did not answer yet.
    pub reports_waiting: usize,
    /// Outputs that the bank refused for good.
    pub reports_refused: usize,
}

/// An SMS code is on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SmsSent {
    /// What the code is given back with.
    pub reference: [u8; 16],
    /// The end of the phone's number, as people see it.
    pub phone_hint: String,
    /// By the bank's time.
    pub expires_at: UnixMillis,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SmsAnswered {
    Refused { refused: String },
    Sent { reference: String, phone_hint: String, expires_at: i64 },
}

impl Terminal {
    /// Opens an enrolled terminal in its folder: fetches a working key and repeats what was not answered, both in
    /// the background. To be called in a runtime.
    pub async fn open(folder: &Path, passphrase: Passphrase) -> Result<Self, StateError> {
        Self::open_with(folder, passphrase, Waits::default()).await
    }

    /// The same with other times to wait.
    pub async fn open_with(folder: &Path, passphrase: Passphrase, waits: Waits) -> Result<Self, StateError> {
        let folder = folder.to_path_buf();
        let inner = blocking(move || {
            let state = Arc::new(State::open(&folder, &passphrase)?);
            let enrolment = state.enrolment();
            let client = Client::new(enrolment.ca.as_deref())?;
            let packs = Packs::load(&state.place(Place::Packs), &signers(&enrolment.pack_signers)?)?;
            let reports = Reports::open(state.place(Place::Reports))?;
            let keys = Keys::new(client.clone(), Arc::clone(&state));
            Ok(Arc::new(Inner { client, state, packs, keys, reports, waits }))
        })
        .await?;
        let tasks = vec![
            tokio::spawn(fetch_first_key(Arc::clone(&inner))),
            tokio::spawn(repeat_reports(Arc::clone(&inner))),
        ];
        Ok(Self { inner, background: Arc::new(Background(tasks)) })
    }

    /// Stops the background work, and lets go of the folder unless a clone or a transaction still has it.
    pub async fn close(self) {
        let Self { inner, background } = self;
        drop(inner);
        if let Ok(mut background) = Arc::try_unwrap(background) {
            for task in std::mem::take(&mut background.0) {
                task.abort();
                // That it was stopped is what it says.
                let _ = task.await;
            }
        }
    }

    /// The terminal's number.
    pub fn id(&self) -> TerminalId {
        self.inner.terminal()
    }

    /// The suite of its messages.
    pub fn suite(&self) -> TerminalSuite {
        self.inner.state.enrolment().suite
    }

    /// The bank's security server.
    pub fn security_url(&self) -> &ServerUrl {
        &self.inner.state.enrolment().security_url
    }

    /// The bank's transaction server.
    pub fn transaction_url(&self) -> &ServerUrl {
        &self.inner.state.enrolment().transaction_url
    }

    /// The driver packs: what industries there are, and taking new ones.
    pub fn packs(&self) -> &Packs {
        &self.inner.packs
    }

    /// The pack of an industry.
    pub fn pack(&self, industry: IndustryCode) -> Option<Arc<DriverPack>> {
        self.inner.packs.get(industry)
    }

    /// How it stands.
    pub fn condition(&self) -> Condition {
        let Inner { keys, reports, .. } = &*self.inner;
        Condition {
            key: keys.newest().map(|key| (key.line.key_id, key.expires_at)),
            clock_wrong_by_seconds: keys.clock().wrong_by_seconds(),
            reports_waiting: reports.waiting().len(),
            reports_refused: reports.refused(),
        }
    }

    /// The bank's time, as far as it was heard.
    pub fn bank_time(&self) -> UnixMillis {
        self.inner.keys.clock().bank_time()
    }

    /// Looks after the working key, as each transaction does before it begins. Whoever shows a form may do it
    /// meanwhile.
    pub async fn prepare(&self) -> Result<(), BankError> {
        self.inner.keys.ready().await.map(drop)
    }

    /// Fetches a new working key now, however long the old one would be good.
    pub async fn renew_key(&self) -> Result<(), BankError> {
        let old = self.inner.keys.newest().map(|key| key.line.key_id);
        self.inner.keys.renew(old).await.map(drop)
    }

    /// Where the driver packs lie.
    pub(crate) fn packs_folder(&self) -> PathBuf {
        self.inner.state.place(Place::Packs)
    }

    /// Asks the bank for an SMS code to the phone of a card's bank card.
    pub async fn request_sms(
        &self,
        industry: IndustryCode,
        asn: Asn,
        transaction: Transaction,
        amount: Option<Fen>,
    ) -> Result<SmsSent, SmsError> {
        let ask = Ask::SmsCode {
            industry: industry.to_string(),
            asn: asn.to_string(),
            transaction: transaction.name(),
            amount: amount.map(|amount| amount.0),
        };
        let malformed = |what| SmsError::Bank(ServerError::Malformed(what).into());
        match self.inner.keys.ask(&ask).await? {
            SmsAnswered::Refused { refused } => Err(match Outcome::from_name(&refused) {
                Some(outcome) => SmsError::Refused(outcome),
                None => malformed("it refuses for a reason that this program does not know"),
            }),
            SmsAnswered::Sent { reference, phone_hint, expires_at } => {
                let mut bytes = [0; 16];
                hex::decode_to_slice(&reference, &mut bytes)
                    .map_err(|_| malformed("its reference is no hexadecimal digits"))?;
                let phone_hint = phone_hint.chars().filter(|c| !c.is_control()).take(32).collect();
                Ok(SmsSent { reference: bytes, phone_hint, expires_at: UnixMillis(expires_at) })
            }
        }
    }

    /// Runs a transaction to its end, which always comes: every wait has a limit. A caller that goes away does not
    /// stop it; [`crate::Watcher::cancel`] does, as long as that is free of consequences.
    pub async fn run(&self, opening: Opening, reader: &AttachedReader, events: Events) -> Ending {
        let Some(pack) = self.pack(opening.industry) else {
            return Ending::before_all(&opening, Outcome::UnknownIndustry, None);
        };
        let Some(reader) = reader.take() else {
            let cause = "another transaction has the reader".to_owned();
            return Ending::before_all(&opening, Outcome::Unavailable, Some(cause));
        };
        let run = Run::new(Arc::clone(&self.inner), opening.clone(), pack, reader, events);
        match tokio::spawn(run.run()).await {
            Ok(ending) => ending,
            // The runtime ends. What was begun is finished at the next tap.
            Err(error) => Ending::before_all(&opening, Outcome::Unanswered, Some(error.to_string())),
        }
    }
}

impl Inner {
    pub(crate) fn terminal(&self) -> TerminalId {
        self.state.enrolment().terminal
    }

    /// Says a message to the transaction server under this key.
    pub(crate) async fn tap(&self, key: &WorkingKey, message: &str) -> Result<Zeroizing<String>, BankError> {
        let server = &self.state.enrolment().transaction_url;
        let answer = key.line.say(&self.client, server, "/tap", message.as_bytes()).await?;
        match std::str::from_utf8(&answer) {
            Ok(text) => Ok(Zeroizing::new(text.to_owned())),
            Err(_) => Err(ServerError::Malformed("it is no text").into()),
        }
    }

    /// Sends a report once more; whether it is done with. A report is idempotent, as every message is.
    async fn repeat(&self, message: &str) -> Result<(), BankError> {
        let key = match self.keys.newest() {
            Some(key) => key,
            None => self.keys.renew(None).await?,
        };
        match self.tap(&key, message).await {
            Err(error) if key_is_over(&error) => {
                let key = self.keys.renew(Some(key.line.key_id)).await?;
                self.tap(&key, message).await
            }
            answered => answered,
        }
        // An answer that wants more of the card comes too late for it: the next tap goes on.
        .map(drop)
    }

    /// One round over all reports; whether none waits any more.
    async fn repeat_all(&self) -> bool {
        for path in self.reports.waiting() {
            let Some(text) = self.reports.read(&path) else { continue };
            match self.repeat(&text).await {
                Ok(()) => self.reports.forget(&path),
                Err(error) => match error.refusal() {
                    Some(
                        RefusalCode::MalformedMessage
                        | RefusalCode::MalformedEnvelope
                        | RefusalCode::TooLarge,
                    ) => self.reports.set_aside(&path),
                    _ => {
                        tracing::info!(%error, "a report is repeated later");
                        return false;
                    }
                },
            }
        }
        true
    }
}

async fn fetch_first_key(inner: Arc<Inner>) {
    if let Err(error) = inner.keys.renew(None).await {
        tracing::warn!(%error, "no working key yet; it is asked for again before a transaction");
    }
}

/// Repeats reports at once, then after 1 s, 5 s, 30 s, then every minute, until the bank answered all.
async fn repeat_reports(inner: Arc<Inner>) {
    let mut rounds = 0;
    loop {
        if inner.repeat_all().await {
            inner.reports.unanswered.notified().await;
            rounds = 0;
        }
        rounds += 1;
        sleep(Reports::pause(rounds)).await;
    }
}

pub(crate) fn signers(keys: &[[u8; 32]]) -> Result<Vec<VerifyingKey>, VerifyingKeyError> {
    keys.iter().map(VerifyingKey::from_bytes).collect()
}
