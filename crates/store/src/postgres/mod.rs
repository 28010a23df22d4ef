//! The back end for many nodes: one PostgreSQL database, a writer a node, a few readers.
//!
//! For: nodes that share their cards, orders and ledger. A node's writer commits what has queued in one transaction at repeatable
//! read, as the embedded one does; where another node changed the same rows, it runs its units of work again.
//! Refuses: deciding what is unique or in order by locks: constraints do, as in SQLite.
//! Next: `commit` for batches, repetition and commits whose answer is lost; `desk` for accounts that many pay into;
//! `gather` and `grouped` for what is read and written together; `alone` and `migration` for commands that do one long thing;
//! `session` and `statement` for the shared statements; `connection` for addresses and migrations; `hosts` for primary and standbys;
//! [`layout`] for the keys that tables go by, and hash partitions by them;
//! `signals` for what nodes tell each other; `wipe` for what must not stay in files.

pub(crate) mod alone;
mod commit;
mod connection;
mod desk;
mod error;
mod floor;
mod gather;
mod grouped;
mod hosts;
pub mod layout;
mod lookup;
pub(crate) mod migration;
mod session;
mod signals;
mod statement;
mod wipe;

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{Object, Pool};
use futures_util::FutureExt as _;
use rustls::ClientConfig;
use tokio::runtime::{Handle, Runtime, RuntimeFlavor};

use crate::error::StoreError;
use crate::handle::{Engine, Job, Queue, Store, Wiped};
use crate::sql::read::Rows;
use crate::unit::Reading;
use crate::writer::{QUEUE_MAX, Writer};
use commit::Desk;
use connection::{Address, Asks, Whole};
use error::{Trouble, unconnected};
pub use floor::{add_stand_ins, floor, open_accounts, size};
pub(crate) use lookup::Lookups;
use session::{Drive, Work};

pub(crate) use session::slots;

pub use migration::{migrate, plan, served_by, try_on};
pub use signals::{SIGNAL_BYTES_MAX, SIGNALS_MAX, Signal, Signals, Teller, signals};

/// The most readings at once; one more waits.
pub const READERS_MAX: usize = 16;

/// How long a reading waits for a connection.
const READER_WAIT: Duration = Duration::from_secs(5);

const BEGIN_READING: &str = "begin isolation level repeatable read read only";

/// How long a reading waits for one answer: a little longer than the server itself allows.
const ANSWER_WAIT: Duration = Duration::from_secs(65);

/// How long a unit of work is tried while the database is away, if not said otherwise.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How a database is opened.
#[derive(Clone)]
pub struct Settings {
    /// `postgres://USER:PASSWORD@HOST/NAME`, or what else libpq takes.
    pub url: String,
    /// The user's password, for an address that holds none.
    pub password: Option<String>,
    /// Whom to believe that they are the database server; `None`: TLS is not used.
    pub tls: Option<ClientConfig>,
    /// 16 random bytes, of this start alone: the name of its writer.
    pub writer: [u8; 16],
    /// How long a unit of work or a look-up is tried while the database is away, before that is answered.
    pub patience: Duration,
}

impl core::fmt::Debug for Settings {
    /// The address holds a password.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Settings").field("url", &"[redacted]").finish_non_exhaustive()
    }
}

/// Connects, migrates, and starts the writer, which stops when the last handle is dropped.
pub fn open(settings: &Settings) -> Result<Store, StoreError> {
    let address = Address::of(settings)?;
    let network = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .thread_name("store-network")
        .enable_all()
        .build()
        .map_err(|error| StoreError::Engine(error.to_string()))?;
    let network = Network { handle: network.handle().clone(), runtime: Some(network) };
    let ready = network.handle.spawn(address.clone().make_ready(Whole::Asked));
    let ready = Drive::Elsewhere(&network.handle).wait(ready);
    ready.map_err(|error| StoreError::Engine(error.to_string()))??;
    let writing = address.pool(Asks::ByKey, 1, settings.patience)?;
    let engine = Postgres {
        readers: address.pool(Asks::Anything, READERS_MAX, READER_WAIT)?,
        lookups: Lookups::start(
            &network.handle,
            address.pool(Asks::ByKey, 1, READER_WAIT)?,
            settings.patience,
        ),
        writer: Some(Writer::start(Desk::new(writing, settings.writer, settings.patience)?)?),
        network,
        settings: settings.clone(),
    };
    Ok(Store::new(Arc::new(engine)))
}

struct Postgres {
    readers: Pool,
    lookups: Lookups,
    writer: Option<Writer>,
    network: Network,
    /// For what is done on a connection of its own.
    settings: Settings,
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // What has queued is done first, while there is a network to do it over.
        self.writer.take();
    }
}

/// What drives the readers' connections.
struct Network {
    handle: Handle,
    runtime: Option<Runtime>,
}

impl Drop for Network {
    /// Connections end by themselves; to wait for them is not allowed where the last handle may be dropped, or an opening
    /// may fail.
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A reader's connection in its transaction, which ends however the reading does: the next one would see this one's moment.
struct Moment(Option<Object>);

impl Moment {
    /// All that a reading sees is of one moment. It need not be waited for: what follows is behind it.
    fn of(connection: Object) -> Result<Self, StoreError> {
        match connection.batch_execute(BEGIN_READING).now_or_never() {
            Some(Err(error)) => Err(Trouble::of(&error).into_error()),
            Some(Ok(())) | None => Ok(Self(Some(connection))),
        }
    }

    /// A connection that is gone, or whose server says nothing, is used by nobody again.
    fn abandon(&mut self) {
        self.0.take().map(Object::take);
    }
}

impl Drop for Moment {
    fn drop(&mut self) {
        if let Some(connection) = &self.0 {
            let _ = connection.batch_execute("commit").now_or_never();
        }
    }
}

/// Waits on this thread. Other tasks of a runtime with several threads go on meanwhile.
fn waiting<T>(wait: impl FnOnce() -> T) -> T {
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
        _ => wait(),
    }
}

impl Postgres {
    fn read_now(&self, reading: &mut dyn FnMut(&dyn Reading)) -> Result<(), StoreError> {
        let drive = Drive::Elsewhere(&self.network.handle);
        let connection = drive.wait(self.readers.get()).map_err(|error| unconnected(&error).into_error())?;
        let mut moment = Moment::of(connection)?;
        let Some(connection) = &moment.0 else { return Err(StoreError::Closed) };
        let work = Work::on(connection, drive, ANSWER_WAIT);
        reading(&Rows(&work));
        if let Some(Trouble::Lost(_)) = work.trouble() {
            moment.abandon();
        }
        Ok(())
    }
}

impl Engine for Postgres {
    fn submit(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        self.writer.as_ref().map_or(Err(StoreError::Closed), |writer| writer.submit(job))
    }

    fn read(&self, reading: &mut dyn FnMut(&dyn Reading)) -> Result<(), StoreError> {
        waiting(|| self.read_now(reading))
    }

    fn lookups(&self) -> Option<&Lookups> {
        Some(&self.lookups)
    }

    fn queue(&self) -> Queue {
        self.writer.as_ref().map_or(Queue { waiting: 0, limit: QUEUE_MAX }, Writer::queue)
    }

    fn wipe(&self) -> Result<Wiped, StoreError> {
        wipe::wipe(&self.settings)
    }
}
