//! Connecting, and bringing a database to this program's schema.

use std::time::Duration;

use deadpool_postgres::{Hook, HookError, Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use rustls::ClientConfig;
use tokio_postgres::config::{SslMode, TargetSessionAttrs};
use tokio_postgres::{Client, Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::Settings;
use super::error::Trouble;
use crate::error::StoreError;

mod migrations {
    refinery::embed_migrations!("migrations/postgres");
}

/// Two programs that begin at once migrate one after the other.
const MIGRATION_LOCK: &str = "select pg_advisory_lock(4848765431)";
const MIGRATION_UNLOCK: &str = "select pg_advisory_unlock(4848765431)";

/// The oldest server that has everything that the schema uses.
const SERVER_MIN: i64 = 130_000;

/// How long to wait for a server to answer at all.
const CONNECT_WAIT: Duration = Duration::from_secs(3);
/// How long a row may be held by another node before the unit of work is run again, and a node that is stuck in the middle of
/// one before the server ends it.
const SESSION: &str = "set lock_timeout = '2s'; set idle_in_transaction_session_timeout = '10s'; \
     set default_transaction_isolation = 'repeatable read'; set statement_timeout = '60s'; \
     set client_min_messages = warning; set extra_float_digits = 0";

/// How a database is reached.
#[derive(Clone)]
pub(super) struct Address {
    config: Config,
    tls: Option<ClientConfig>,
}

impl Address {
    pub(super) fn of(settings: &Settings) -> Result<Self, StoreError> {
        let mut config: Config = settings.url.parse().map_err(|error: tokio_postgres::Error| {
            // The address itself holds a password: it is not repeated.
            StoreError::Settings(format!("the database's address cannot be read: {error}"))
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
        config
            .application_name("counterfoil")
            .connect_timeout(CONNECT_WAIT)
            .tcp_user_timeout(Duration::from_secs(5))
            .keepalives_idle(Duration::from_secs(5))
            .keepalives_interval(Duration::from_secs(2))
            .keepalives_retries(3)
            // Of several hosts the primary is the one that takes changes.
            .target_session_attrs(TargetSessionAttrs::ReadWrite);
        Ok(Self { config, tls: settings.tls.clone() })
    }

    pub(super) fn pool(&self, size: usize, wait: Duration) -> Result<Pool, StoreError> {
        let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
        let manager = match &self.tls {
            Some(tls) => Manager::from_config(self.config.clone(), MakeRustlsConnect::new(tls.clone()), how),
            None => Manager::from_config(self.config.clone(), NoTls, how),
        };
        let prepare = Hook::async_fn(|client, _| {
            Box::pin(async move { client.batch_execute(SESSION).await.map_err(HookError::Backend) })
        });
        Pool::builder(manager)
            .max_size(size)
            .runtime(Runtime::Tokio1)
            .wait_timeout(Some(wait))
            .create_timeout(Some(CONNECT_WAIT + Duration::from_secs(1)))
            .recycle_timeout(Some(CONNECT_WAIT))
            .post_create(prepare)
            .build()
            .map_err(|error| StoreError::Engine(error.to_string()))
    }

    async fn connect(&self) -> Result<Client, StoreError> {
        let told = |error: &tokio_postgres::Error| Trouble::of(error).into_error();
        match &self.tls {
            Some(tls) => {
                let connector = MakeRustlsConnect::new(tls.clone());
                let (client, connection) = self.config.connect(connector).await.map_err(|e| told(&e))?;
                tokio::spawn(connection);
                Ok(client)
            }
            None => {
                let (client, connection) = self.config.connect(NoTls).await.map_err(|e| told(&e))?;
                tokio::spawn(connection);
                Ok(client)
            }
        }
    }

    /// Brings the database to this program's schema; refuses one from the future, or on a server that cannot hold it,
    /// before touching it.
    pub(super) async fn make_ready(self) -> Result<(), StoreError> {
        let mut client = self.connect().await?;
        let told = |error: tokio_postgres::Error| Trouble::of(&error).into_error();
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
        client.batch_execute(MIGRATION_LOCK).await.map_err(told)?;
        let migrated = migrate(&mut client).await;
        client.batch_execute(MIGRATION_UNLOCK).await.map_err(told)?;
        migrated
    }
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
        runner.run_async(client).await.map_err(|error| StoreError::Engine(error.to_string()))?;
    }
    Ok(())
}
