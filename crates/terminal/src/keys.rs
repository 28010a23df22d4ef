//! Working keys: fetched at the start, asked after before each transaction, renewed in time, kept until then.
//!
//! For: [`Keys::ready`], the key that a transaction begins with, and asking the security server under key id 0.
//! Refuses: a key whose check value is another than announced; judging a key's end by this terminal's clock.

use std::sync::atomic::AtomicU64;
use std::sync::{Arc, PoisonError, RwLock};

use crypto::{PinKey, TerminalSuite, WrappedWorkingKeys};
use model::{TerminalId, UnixMillis};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tap::RefusalCode;
use tokio::sync::Mutex;

use crate::client::Client;
use crate::clock::Clock;
use crate::error::{BankError, ServerError};
use crate::line::{LineKey, Numbers};
use crate::state::State;
use crate::url::ServerUrl;

/// What a terminal asks.
#[derive(Serialize)]
#[serde(tag = "ask", rename_all = "snake_case")]
pub(crate) enum Ask<'a> {
    WorkingKey {},
    KeyState { key_id: u32 },
    SmsCode { industry: String, asn: String, transaction: &'a str, amount: Option<u32> },
}

#[derive(Deserialize)]
struct GivenKey {
    key_id: u32,
    wrapped: String,
    check_value: String,
    expires_at: i64,
    renew_before_seconds: i64,
    now: i64,
}

#[derive(Deserialize)]
struct StateOfKey {
    good: bool,
    expires_at: Option<i64>,
    must_renew: bool,
    now: i64,
}

/// A working key.
#[derive(Debug)]
pub(crate) struct WorkingKey {
    pub(crate) line: LineKey,
    pub(crate) pin: PinKey,
    /// The bank's time.
    pub(crate) expires_at: UnixMillis,
    /// Under so much remaining time it is renewed before a transaction is begun.
    renew_before_millis: i64,
}

impl WorkingKey {
    fn is_good(&self, now: UnixMillis) -> bool {
        now < self.expires_at
    }

    fn must_be_renewed(&self, now: UnixMillis) -> bool {
        now.plus(self.renew_before_millis) > self.expires_at
    }
}

/// The keys of one terminal.
#[derive(Debug)]
pub(crate) struct Keys {
    client: Client,
    server: ServerUrl,
    state: Arc<State>,
    master: LineKey,
    clock: Clock,
    working: RwLock<Option<Arc<WorkingKey>>>,
    /// One renewal at a time: of two that cross, the bank refuses one.
    renewing: Mutex<()>,
}

impl Keys {
    pub(crate) fn new(client: Client, state: Arc<State>) -> Self {
        let enrolment = state.enrolment();
        let master = LineKey {
            terminal: enrolment.terminal,
            key_id: 0,
            key: enrolment.master.message_key(),
            numbers: Numbers::Durable(Arc::clone(&state)),
        };
        let server = enrolment.security_url.clone();
        Self {
            client,
            server,
            master,
            clock: Clock::default(),
            working: RwLock::default(),
            renewing: Mutex::default(),
            state,
        }
    }

    pub(crate) fn clock(&self) -> &Clock {
        &self.clock
    }

    /// The key that is used now.
    pub(crate) fn newest(&self) -> Option<Arc<WorkingKey>> {
        self.working.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Asks the security server.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, ask: &Ask<'_>) -> Result<T, BankError> {
        let text = serde_json::to_vec(ask).map_err(|_| BankError::TooLong)?;
        let answer = self.master.say(&self.client, &self.server, "/ask", &text).await?;
        let malformed = |_| ServerError::Malformed("it is none to what was asked");
        Ok(serde_json::from_slice(&answer).map_err(malformed)?)
    }

    /// The key that a transaction begins with, after the bank was asked how it stands. Where the security server
    /// is away, a key that is good by the bank's time goes on.
    pub(crate) async fn ready(&self) -> Result<Arc<WorkingKey>, BankError> {
        let Some(key) = self.newest() else {
            return self.renew(None).await;
        };
        let asked = self.ask::<StateOfKey>(&Ask::KeyState { key_id: key.line.key_id }).await;
        let (good, must_renew) = match asked {
            Ok(state) => {
                self.clock.hear(UnixMillis(state.now));
                let end = state.expires_at.map_or(key.expires_at, UnixMillis).min(key.expires_at);
                let now = self.clock.bank_time();
                (state.good && now < end, state.must_renew || key.must_be_renewed(now))
            }
            Err(error) if error.is_silence() && key.is_good(self.clock.bank_time()) => {
                tracing::warn!(%error, "the security server was not asked; the key is good by the bank's time");
                return Ok(key);
            }
            Err(error) => return Err(error),
        };
        if good && !must_renew {
            return Ok(key);
        }
        match self.renew(Some(key.line.key_id)).await {
            Err(error) if good && (error.is_silence() || is_busy(&error)) => {
                tracing::warn!(%error, "a working key was not renewed; the old one is good until then");
                Ok(key)
            }
            renewed => renewed,
        }
    }

    /// Fetches the next working key, unless another than `old` is there already.
    pub(crate) async fn renew(&self, old: Option<u32>) -> Result<Arc<WorkingKey>, BankError> {
        let _one_at_a_time = self.renewing.lock().await;
        if let Some(key) = self.newest().filter(|key| Some(key.line.key_id) != old) {
            return Ok(key);
        }
        let given: GivenKey = self.ask(&Ask::WorkingKey {}).await?;
        self.clock.hear(UnixMillis(given.now));
        let enrolment = self.state.enrolment();
        let key = Arc::new(working_key(enrolment.terminal, enrolment.suite, &given, |wrapped, suite| {
            enrolment.master.unwrap_working(wrapped, suite).map_err(|_| BankError::WrongKeys)
        })?);
        *self.working.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&key));
        tracing::info!(key_id = given.key_id, "a working key came");
        Ok(key)
    }
}

fn is_busy(error: &BankError) -> bool {
    matches!(error.refusal(), Some(RefusalCode::Overloaded | RefusalCode::Unavailable))
}

fn working_key(
    terminal: TerminalId,
    suite: TerminalSuite,
    given: &GivenKey,
    unwrap: impl FnOnce(&WrappedWorkingKeys, TerminalSuite) -> Result<(crypto::MessageKey, PinKey), BankError>,
) -> Result<WorkingKey, BankError> {
    if !suite.is_built() {
        return Err(BankError::SuiteNotBuilt);
    }
    let mut wrapped = [0; 56];
    hex::decode_to_slice(&given.wrapped, &mut wrapped)
        .map_err(|_| ServerError::Malformed("its working keys are no hexadecimal digits"))?;
    let (key, pin) = unwrap(&WrappedWorkingKeys(wrapped), suite)?;
    if !key.check_value().to_string().eq_ignore_ascii_case(&given.check_value) || given.key_id == 0 {
        return Err(BankError::WrongKeys);
    }
    let numbers = Numbers::Volatile(Arc::new(AtomicU64::new(0)));
    Ok(WorkingKey {
        line: LineKey { terminal, key_id: given.key_id, key, numbers },
        pin,
        expires_at: UnixMillis(given.expires_at),
        renew_before_millis: given.renew_before_seconds.clamp(0, 86_400) * 1_000,
    })
}
