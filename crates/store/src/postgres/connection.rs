//! Connecting, and bringing a database to this program's schema.

use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Pool, Runtime};
use tokio::time::timeout;
use tokio_postgres::config::SslMode;
use tokio_postgres::{Client, Config};

use super::Settings;
use super::error::Trouble;
use super::hosts::{HOST_WAIT, Hosts, Listening};
use super::migration::living;
use crate::error::StoreError;

mod migrations {
    refinery::embed_migrations!("migrations/postgres");
}

/// Two programs that begin at once migrate one after the other. The numbers of all locks: 4848765431 a schema's change, 4848765432 a
/// copy, 4848765433 folding.
const MIGRATION_LOCK: &str = "select pg_advisory_lock(4848765431)";
const MIGRATION_UNLOCK: &str = "select pg_advisory_unlock(4848765431)";
/// The same, to the end of a transaction.
pub(super) const MIGRATION_LOCK_TO_END: &str = "select pg_advisory_xact_lock(4848765431)";

/// Whether a database that a copy was begun into, and has not ended, is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whole {
    /// By whoever wants to use it.
    Asked,
    /// Not by the copy itself.
    NotAsked,
}

/// The oldest server that has everything that the schema uses.
const SERVER_MIN: i64 = 130_000;

/// How long a row may be held by another node before the unit of work is run again, and a node that is stuck in the middle of
/// one before the server ends it.
const SESSION: &str = "set lock_timeout = '2s'; set idle_in_transaction_session_timeout = '10s'; \
     set default_transaction_isolation = 'repeatable read'; set statement_timeout = '60s'; \
     set client_min_messages = warning; set extra_float_digits = 0; set jit = off";

/// What a connection asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asks {
    /// Anything, lists and sums among it.
    Anything,
    /// Rows by their keys, the same few statements for ever. Their plans are made once, which is when the tables are nearly
    /// empty: read from end to end then, they would be so for as long as the connection lives.
    ByKey,
}

/// Indexes, whatever a table's size was when a statement was first put.
const BY_KEY: &str = "set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; \
     set plan_cache_mode = force_generic_plan";
/// For a transaction of a connection [`Asks::ByKey`] that works through whole tables.
pub(super) const WHOLE_TABLES: &str =
    "set local enable_seqscan = on; set local enable_hashjoin = on; set local enable_mergejoin = on";

/// How a database is reached.
#[derive(Clone)]
pub(crate) struct Address {
    hosts: Hosts,
}

impl Address {
    pub(crate) fn of(settings: &Settings) -> Result<Self, StoreError> {
        let mut config: Config = settings.url.parse().map_err(|error: tokio_postgres::Error| {
            // The address itself holds a password: it is not repeated, nor is what the error quotes of it.
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            let known = cause.filter(|cause| cause.starts_with("invalid value for option"));
            let why = known.unwrap_or_else(|| error.to_string());
            StoreError::Settings(format!("the database's address cannot be read: {why}"))
        })?;
        if let Some(password) = &settings.password {
            config.password(password);
        }
        if config.get_hosts().is_empty() {
            return Err(StoreError::Settings("the database's address names no host".into()));
        }
        if config.get_dbname().is_none() {
            return Err(StoreError::Settings("the database's address names no database".into()));
        }
        if settings.tls.is_none() && config.get_ssl_mode() == SslMode::Require {
            return Err(StoreError::Settings("sslmode=require needs certificate authorities".into()));
        }
        if settings.tls.is_some() {
            // Whoever sits between could say that there is no TLS here.
            if config.get_ssl_mode() == SslMode::Disable {
                return Err(StoreError::Settings("sslmode=disable, and certificate authorities".into()));
            }
            config.ssl_mode(SslMode::Require);
        }
        let [hosts, numbers, ports] =
            [config.get_hosts().len(), config.get_hostaddrs().len(), config.get_ports().len()];
        if (numbers > 0 && numbers != hosts) || (ports > 1 && ports != hosts) {
            return Err(StoreError::Settings("the database's address names more hosts than ports".into()));
        }
        Ok(Self { hosts: Hosts::of(&config, settings.tls.clone()) })
    }

    /// How long it takes at most to have tried every host.
    pub(super) fn wait(&self) -> Duration {
        self.hosts.wait()
    }

    /// A connection that hears what the server says unasked.
    pub(super) async fn listen(&self) -> Result<Listening, tokio_postgres::Error> {
        self.hosts.listen().await
    }

    /// The same servers, for one long thing.
    pub(super) fn unhurried(self) -> Self {
        Self { hosts: self.hosts.unhurried() }
    }

    pub(super) fn pool(&self, asks: Asks, size: usize, wait: Duration) -> Result<Pool, StoreError> {
        let session = match asks {
            Asks::Anything => SESSION.to_owned(),
            Asks::ByKey => format!("{SESSION}; {BY_KEY}"),
        };
        let prepare = Hook::async_fn(move |client, _| {
            let session = session.clone();
            Box::pin(async move {
                match timeout(HOST_WAIT, client.batch_execute(&session)).await {
                    Ok(prepared) => prepared.map_err(HookError::Backend),
                    Err(_) => Err(HookError::message("it does not answer")),
                }
            })
        });
        Pool::builder(self.hosts.manager())
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(wait))
            .create_timeout(Some(self.hosts.wait()))
            .recycle_timeout(Some(HOST_WAIT))
            .post_create(prepare)
            .build()
            .map_err(|error| StoreError::Engine(error.to_string()))
    }

    /// Brings the database to this program's schema; refuses one from the future, or on a server that cannot hold it,
    /// before touching it.
    pub(super) async fn make_ready(self, of: Whole) -> Result<(), StoreError> {
        let told = |error: tokio_postgres::Error| Trouble::of(&error).into_error();
        let connected = timeout(self.hosts.wait(), self.hosts.reach()).await;
        let (mut client, _) = connected.map_err(|_| Trouble::silence().into_error())?.map_err(told)?;
        let server = client
            .query_one(
                "select current_setting('server_version_num')::bigint, current_setting('server_encoding'), \
                 current_setting('fsync')",
                &[],
            )
            .await
            .map_err(told)?;
        let (version, encoding): (i64, &str) = (server.get(0), server.get(1));
        if version < SERVER_MIN {
            let version = version / 10_000;
            return Err(StoreError::Settings(format!(
                "the server is PostgreSQL {version}, and 13 is needed"
            )));
        }
        if encoding != "UTF8" {
            return Err(StoreError::Settings(format!(
                "the database holds text as {encoding}, and not as UTF8"
            )));
        }
        if server.get::<_, &str>(2) == "off" {
            tracing::warn!(
                "the database runs with fsync off: what it acknowledges does not survive a power failure"
            );
        }
        if of == Whole::Asked {
            let unfinished = client.query_one("select to_regclass('unfinished_copy') is not null", &[]);
            if unfinished.await.map_err(told)?.get::<_, bool>(0) {
                return Err(StoreError::UnfinishedCopy);
            }
        }
        client.batch_execute(MIGRATION_LOCK).await.map_err(told)?;
        let migrated = migrate(&mut client).await;
        let unlocked = client.batch_execute(MIGRATION_UNLOCK).await.map_err(told);
        // Why it could not be done comes before that the connection went with it.
        migrated?;
        unlocked
    }
}

/// Every migration of this program.
pub(super) fn known_migrations() -> Vec<refinery::Migration> {
    migrations::migrations::runner().get_migrations().clone()
}

async fn migrate(client: &mut Client) -> Result<(), StoreError> {
    let told = |error: tokio_postgres::Error| Trouble::of(&error).into_error();
    let runner = migrations::migrations::runner();
    let known = runner.get_migrations().iter().map(|m| i64::from(m.version())).max().unwrap_or(0);
    let history = client.query_one("select to_regclass('refinery_schema_history') is not null", &[]);
    let found = if history.await.map_err(told)?.get::<_, bool>(0) {
        let newest = "select coalesce(max(version), 0)::bigint from refinery_schema_history";
        client.query_one(newest, &[]).await.map_err(told)?.get::<_, i64>(0)
    } else {
        0
    };
    if found > known {
        return Err(StoreError::NewerVersion { found, known });
    }
    if found < known {
        // What an earlier program goes on to write, this one would not find: a new schema has new places.
        if found > 0
            && let Some(node) = living(client).await.map_err(told)?
        {
            return Err(StoreError::Served { node });
        }
        runner.run_async(client).await.map_err(|error| unmigrated(&error))?;
    }
    Ok(())
}

/// What the database said beneath a migration that failed.
fn unmigrated(error: &refinery::Error) -> StoreError {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = cause {
        if let Some(told) = inner.downcast_ref::<tokio_postgres::Error>() {
            return Trouble::of(told).into_error();
        }
        cause = inner.source();
    }
    StoreError::Engine(error.to_string())
}
