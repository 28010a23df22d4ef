//! Which database a platform keeps its money in: the file of its data folder, or a PostgreSQL server.

use std::path::PathBuf;
use std::time::Duration;

use server::tls::trusting;
use server::{Chance as _, SystemChance};
use store::postgres::{PATIENCE, Settings};
use store::{Store, StoreError};

use crate::cli::Failure;
use crate::config::{Config, DatabaseSection};
use crate::places::Places;

/// How long a start waits for a database server that is away.
const START_WAIT: Duration = Duration::from_secs(60);
const START_STEP: Duration = Duration::from_secs(2);

/// A database, opened or not.
#[derive(Clone, Debug)]
pub(crate) enum Database {
    /// The file of a data folder.
    Embedded(PathBuf),
    /// A PostgreSQL server, perhaps shared with other nodes.
    Server(Box<Settings>),
}

impl Database {
    /// The one that the configuration names; the file of its data folder, if none.
    pub(crate) fn of(config: &Config, places: &Places) -> Result<Self, Failure> {
        Self::named(&config.database, places)
    }

    /// The one that a section of the configuration names.
    pub(crate) fn named(section: &DatabaseSection, places: &Places) -> Result<Self, Failure> {
        if section.url.is_empty() {
            return Ok(Self::Embedded(places.database()));
        }
        Self::server("database.url", &section.url, section)
    }

    /// Whether the servers that a configuration names can be asked for, without asking them.
    pub(crate) fn check(config: &Config) -> Result<(), Failure> {
        let (section, test) = (&config.database, &config.test_mode);
        if !section.url.is_empty() {
            Self::server("database.url", &section.url, section)?;
        }
        if test.enabled && !test.database.is_empty() {
            Self::server("test_mode.database", &test.database, section)?;
        }
        Ok(())
    }

    /// The test mode's, where it has one.
    pub(crate) fn of_test_mode(config: &Config, places: &Places) -> Result<Option<Self>, Failure> {
        let (section, test) = (&config.database, &config.test_mode);
        match (test.enabled, test.database.is_empty()) {
            (false, _) => Ok(None),
            (true, true) if section.url.is_empty() => Ok(Some(Self::Embedded(places.test_database()))),
            // A file on each of several nodes would not be one.
            (true, true) => Ok(None),
            (true, false) => Self::server("test_mode.database", &test.database, section).map(Some),
        }
    }

    fn server(setting: &str, url: &str, section: &DatabaseSection) -> Result<Self, Failure> {
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(format!(
                "{setting} is no database that this program knows; give postgres://USER@HOST/NAME, or nothing for \
                 the file in the data folder"
            )
            .into());
        }
        let password = if section.password_file.as_os_str().is_empty() {
            None
        } else {
            let path = &section.password_file;
            let text =
                std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
            Some(text.trim_end_matches(['\r', '\n']).to_owned())
        };
        let authorities = Some(section.authorities.as_path()).filter(|path| !path.as_os_str().is_empty());
        // With TLS the server is always verified: what libpq calls verify-full.
        let mut url = url.replace("sslmode=verify-full", "sslmode=require");
        if authorities.is_some() && !url.contains("sslmode=") {
            url += if url.contains('?') { "&sslmode=require" } else { "?sslmode=require" };
        }
        if authorities.is_some() && url.contains("sslmode=disable") {
            return Err(
                "database.authorities and sslmode=disable contradict each other; leave one of them out"
                    .into(),
            );
        }
        let tls = if url.contains("sslmode=require") { Some(trusting(authorities)?) } else { None };
        let writer = SystemChance.draw().to_be_bytes();
        Ok(Self::Server(Box::new(Settings { url, password, tls, writer, patience: PATIENCE })))
    }

    /// Opens it, and makes it if it is a file that is not there.
    pub(crate) fn open(&self) -> Result<Store, StoreError> {
        match self {
            Self::Embedded(file) => store::sqlite::open(file),
            Self::Server(settings) => store::postgres::open(settings),
        }
    }

    /// Opens it for a platform that begins: a server that is away for a moment is waited for, and that is said.
    pub(crate) async fn open_when_there(&self) -> Result<Store, StoreError> {
        let until = tokio::time::Instant::now() + START_WAIT;
        loop {
            match self.open() {
                Err(error) if error.may_pass() && tokio::time::Instant::now() < until => {
                    tracing::warn!(%error, "waiting for the database");
                    tokio::time::sleep(START_STEP).await;
                }
                opened => return opened,
            }
        }
    }

    /// Opens one that is there: a command that only looks makes none.
    pub(crate) fn open_known(&self) -> Result<Store, Failure> {
        if let Self::Embedded(file) = self
            && !file.exists()
        {
            return Err(format!(
                "there is no database at {}: `counterfoil keys init` makes a platform's keys, and `counterfoil serve`, `merchant add` or \
                 `operator add` then begin it",
                file.display()
            )
            .into());
        }
        Ok(self.open()?)
    }
}
