//! Operators: who they are, how they log in, and what is entered of what they do.
//!
//! For: the use cases around the rules of the crate `operator`: each in one unit of work, with its audit entry. Refuses:
//! pages and cookies (`web::console`), and what each role may (`operator::Role::may`).
//! Next: `login` for password, code, session and end; `account` for who has proved themselves; `roll` for adding, disabling and changing; `delays` for wrong tries.

mod account;
mod delays;
mod login;
mod process_user;
mod roll;

use std::sync::Arc;

use ::operator::{AuditAction, AuditNote, Cost, PasswordHash};
use model::UnixMillis;
use store::{Store, StoreError, Unit, WriteError};
use tokio::sync::Semaphore;

use crate::app::{Chance, Clock};
use crate::secrets::{SecretRefused, Secrets};

pub use account::{Account, NotAllowed};
pub use login::{LoginRefused, Signed};
pub use roll::{Enrolled, RollError};

/// The most passwords that are hashed at once: each takes 19 MiB and some 30 ms.
const HASHING_MAX: usize = 4;
/// The most operators that are listed.
pub const OPERATORS_MAX: u32 = 1_000;

/// Who does something, for the audit chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    operator: String,
    address: String,
}

impl Actor {
    /// An operator who is logged in from an address.
    pub fn operator(name: &::operator::OperatorName, address: &str) -> Self {
        Self { operator: name.to_string(), address: address.to_owned() }
    }

    /// Whoever may read the data folder or the database, by their user of the operating system. No operator is called so:
    /// names have no brackets.
    pub fn command_line() -> Self {
        Self { operator: "(command line)".into(), address: Self::here() }
    }

    /// Where a command is given: on this machine, by which of its users.
    pub fn here() -> String {
        format!("local:{}", process_user::process_user())
    }

    /// The platform by itself, on this machine.
    pub fn platform() -> Self {
        Self { operator: "(platform)".into(), address: Self::here() }
    }

    /// Somebody who is not logged in.
    pub fn nobody(address: &str) -> Self {
        Self { operator: "(nobody)".into(), address: address.to_owned() }
    }

    /// Enters what is done, in the unit of work that does it.
    pub fn enter(
        &self,
        unit: &mut dyn Unit,
        at: UnixMillis,
        action: AuditAction,
        subject: &str,
        outcome: &str,
    ) -> Result<(), StoreError> {
        let note = AuditNote {
            at,
            operator: self.operator.clone(),
            address: self.address.clone(),
            action: action.name().to_owned(),
            subject: subject.to_owned(),
            outcome: outcome.to_owned(),
        };
        unit.append_audit(&note).map(|_| ())
    }
}

/// The use cases. Cheap to clone; clones share the delays.
#[derive(Clone)]
pub struct Operators {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    /// Nothing where there is no key store.
    secrets: Option<Secrets>,
    clock: Arc<dyn Clock>,
    chance: Arc<dyn Chance>,
    cost: Cost,
    delays: delays::Delays,
    hashing: Semaphore,
    /// What the password of nobody is compared with, so that time does not tell who there is.
    nobody: std::sync::OnceLock<PasswordHash>,
}

impl Operators {
    /// Joins the parts. `cost` is how dear new passwords are. Without secrets, what takes a one-time code or makes an
    /// authenticator's secret is refused by name; all else goes.
    pub fn new(
        store: Store,
        secrets: Option<Secrets>,
        clock: Arc<dyn Clock>,
        chance: Arc<dyn Chance>,
        cost: Cost,
    ) -> Self {
        let (delays, hashing) = (delays::Delays::default(), Semaphore::new(HASHING_MAX));
        let nobody = std::sync::OnceLock::new();
        Self { inner: Arc::new(Inner { store, secrets, clock, chance, cost, delays, hashing, nobody }) }
    }

    /// The store, for reading.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    fn secrets(&self) -> Result<&Secrets, SecretRefused> {
        self.inner.secrets.as_ref().ok_or(SecretRefused::NoKeyStore)
    }

    fn now(&self) -> UnixMillis {
        self.inner.clock.now()
    }

    /// Bytes that nobody can foresee.
    pub(crate) fn drawn<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        for part in bytes.chunks_mut(16) {
            part.copy_from_slice(&self.inner.chance.draw().to_be_bytes()[..part.len()]);
        }
        bytes
    }

    async fn write<T, E>(
        &self,
        work: impl FnMut(&mut dyn Unit) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        self.inner.store.write(work).await.map_err(|error| match error {
            WriteError::Refused(refused) => refused,
            WriteError::Store(error) => error.into(),
        })
    }

    /// Enters something that is an entry and nothing else: a refusal.
    pub async fn enter(
        &self,
        actor: Actor,
        action: AuditAction,
        subject: String,
        outcome: String,
    ) -> Result<(), StoreError> {
        let now = self.now();
        self.write(move |unit| actor.enter(unit, now, action, &subject, &outcome)).await
    }

    /// Whether there is any operator yet.
    pub fn is_anybody(&self) -> Result<bool, StoreError> {
        self.inner.store.peek(|rows| Ok(!rows.operators(1)?.is_empty()))
    }
}
