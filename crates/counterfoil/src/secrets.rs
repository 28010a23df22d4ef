//! The key that seals secrets of the database: made where a key store has none, taken into use, renewed.
//!
//! For: a platform's start, which brings all that stands in the database under that key, and `keys secrets`. A start never
//! fails for it: what this machine cannot seal or open is said by name, and payments go on.
//! Refuses: making a key where the database's secrets are sealed under one that this key store lacks; that is asked for by name.
//! Next: `server::secrets` for the rules, `keys` for other keys.

use std::process::ExitCode;
use std::time::Instant;

use clap::Args;
use crypto::{KeyName, SecretKeyId, SecretKeys as _};
use keystore::{CeremonyError, Custodian, KeyEvent, KeyState, KeyUse, SealedFile, system_entropy};
use model::UnixMillis;
use server::secrets::{Passed, SecretRefused, WIPE_PAUSE, Wiping};
use server::{Actor, Clock as _, Secrets, SystemChance, SystemClock};
use store::{Reading, Store, StoredSecretKey};

use crate::cli::{ConfigArguments, Failure, print, runtime};
use crate::config::Config;
use crate::database::Database;
use crate::keys::{self, KeysError, listed};
use crate::places::Places;
use crate::{log, node};

/// What keys of this use are called, before their number.
const PREFIX: &str = "secrets-";
/// Tries to find a name that another process did not take at the same time.
const NAME_TRIES: u32 = 8;
/// Rows that are named where their secret does not open.
const NAMED_MAX: u32 = 100;

/// Shown below the help of `keys secrets`.
pub(crate) const EXAMPLES: &str = "\
Authenticators' and webhooks' secrets stand in the database sealed. A start of `counterfoil serve` makes the key for that where
the key store has none, and seals what an earlier version left in clear: this command is for those who want to do it before.
  counterfoil keys secrets                  # make the key if there is none; seal what is not under it
  counterfoil keys secrets --renew          # another key takes its place; copy the key store to every other machine then
  counterfoil keys secrets --renew --lost   # the key is lost for ever: go on with another, and say which secrets are lost";

#[derive(Args)]
pub(crate) struct SecretsArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// Make another key, and seal everything under it
    #[arg(long)]
    renew: bool,
    /// The key is in no key store any more: what is sealed under it is given up
    #[arg(long, requires = "renew")]
    lost: bool,
}

/// Makes a key that seals secrets and takes it into use in the key store: two acts, of which the second is done by whoever comes
/// next if this is killed between them. Names that the database knows are not used again: their keys may be lost.
pub(crate) fn make_key(
    store: &SealedFile,
    known: &[StoredSecretKey],
    [first, second]: [&str; 2],
    now: UnixMillis,
) -> Result<SecretKeyId, KeysError> {
    let (first, second) = (Custodian::new(first)?, Custodian::new(second)?);
    for _ in 0..NAME_TRIES {
        let there = store.keys();
        let waits = there
            .iter()
            .find(|key| {
                let waits = key.key_use == KeyUse::SealSecrets && key.state == KeyState::PreActive;
                waits && is_new(key.name, known)
            })
            .map(|key| key.name);
        let name = match waits {
            Some(name) => name,
            None => {
                let named = |number: &u32| KeyName::new(&format!("{PREFIX}{number}"));
                let free = |name: &KeyName| there.iter().all(|key| key.name != *name) && is_new(*name, known);
                let name = (1..=u32::MAX).find(|number| named(number).is_none_or(|name| free(&name)));
                let name = name.as_ref().and_then(named).ok_or(KeysError::Name)?;
                match store.generate(name, KeyUse::SealSecrets, &first, now, &mut system_entropy) {
                    Ok(_) => name,
                    // Another process was first: what it made is looked at.
                    Err(CeremonyError::NameTaken { .. }) => {
                        store.refresh()?;
                        continue;
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        };
        match store.set_state(name, KeyEvent::Activate, &second, now) {
            Ok(record) => return Ok(SecretKeyId { name, check_value: record.check_value }),
            Err(CeremonyError::State { .. }) => store.refresh()?,
            Err(error) => return Err(error.into()),
        };
    }
    Err(KeysError::Name)
}

/// Whether the database has no key of this name.
fn is_new(name: KeyName, known: &[StoredSecretKey]) -> bool {
    known.iter().all(|key| key.id.name != name)
}

/// A key that could take the place of the one in use: it may seal, and the database does not know it. When it was made says
/// nothing of that.
fn unused(keys: &SealedFile, known: &[StoredSecretKey]) -> Option<SecretKeyId> {
    let mut keys = keys.keys().into_iter();
    let unused = keys.find(|key| {
        key.key_use == KeyUse::SealSecrets && key.state == KeyState::Active && is_new(key.name, known)
    })?;
    Some(SecretKeyId { name: unused.name, check_value: unused.check_value })
}

/// What this machine calls itself towards others.
fn node_of(config: &Config) -> String {
    node::own_name(&config.database.node).map(|name| name.to_string()).unwrap_or_default()
}

/// The database has a key for its secrets, if this machine can give it one. What it lacks, otherwise.
async fn begin(secrets: &Secrets, store: &Store, keys: &SealedFile, by: Actor) -> Result<(), SecretRefused> {
    let now = SystemClock.now();
    let there = store.read(|rows| rows.secret_keys()).await?;
    match there.first() {
        None => {
            let key = match keys.newest_secret_key() {
                Some(key) => key,
                None => match make_key(keys, &[], ["the platform", "the platform"], now) {
                    Ok(key) => {
                        tracing::info!(%key, "the key store has a key that seals secrets of the database");
                        key
                    }
                    Err(error) => {
                        tracing::error!(%error, "the key store takes no key that seals secrets");
                        return Err(SecretRefused::NoKey);
                    }
                },
            };
            let taken = secrets.take_into_use(store, key, None, by, now).await?;
            tracing::info!(key = %taken.id, "secrets of the database are sealed under this key from now on");
        }
        // Custodians stopped it, and made another.
        Some(current) if keys.may_seal(&current.id) == Err(crypto::KeyStoreError::NotActive) => {
            if let Some(another) = unused(keys, &there) {
                secrets.take_into_use(store, another, Some(current.id), by, now).await?;
            }
        }
        Some(_) => {}
    }
    store
        .read({
            let secrets = secrets.clone();
            move |rows| secrets.lacks(rows)
        })
        .await?
        .map_or(Ok(()), Err)
}

/// What a start does: the key, everything under it, and nothing in clear left on the disk. What it cannot do is said, and tried
/// again while the platform serves.
pub(crate) async fn ready(secrets: &Secrets, store: &Store, keys: &SealedFile) -> Option<SecretRefused> {
    let done = async {
        begin(secrets, store, keys, Actor::platform()).await?;
        secrets.pass(store, &Actor::platform(), SystemClock.now()).await
    };
    match done.await {
        Ok(passed) if passed == Passed::default() => {}
        Ok(Passed { operators, webhooks, left }) => {
            tracing::info!(
                operators,
                webhooks,
                left,
                "secrets that were not under the key of today are sealed"
            );
        }
        Err(error) => {
            tracing::error!(%error, code = error.code(), "secrets of the database are not sealed or opened on this machine");
            return Some(error);
        }
    }
    if wipe(secrets, store).await == Some(Wiping::Again) {
        tracing::warn!(
            "the database's files may still hold secrets in clear that were sealed, while a dump, a long statement or a standby \
             looks at a moment of before: they are written anew when it does no more"
        );
    }
    None
}

/// What the database's files may still hold is taken out of them. What came of it, if anything could be done.
pub(crate) async fn wipe(secrets: &Secrets, store: &Store) -> Option<Wiping> {
    match secrets.wipe(store, Instant::now()).await {
        Ok(wiping) => {
            if wiping == Wiping::Done {
                tracing::info!("the database was written anew: no secret in clear is left in it");
            }
            Some(wiping)
        }
        // Whoever writes there says that already.
        Err(error) if error.may_pass() => None,
        Err(error) => {
            tracing::error!(
                %error,
                minutes = WIPE_PAUSE.as_secs() / 60,
                "the database may still hold secrets in clear that were sealed: it is written anew after so long, or by the next start"
            );
            None
        }
    }
}

/// The secrets of a platform that is served by this configuration.
pub(crate) fn of(app: &server::App, config: &Config) -> Secrets {
    app.secrets().clone().of_node(&node_of(config))
}

/// For a command that seals: the platform's key store and its key. What a running platform does besides is left to it.
pub(crate) fn for_command(config: &Config, places: &Places, store: &Store) -> Result<Secrets, Failure> {
    let (secrets, keys) = opened(config, places)?;
    runtime()?.block_on(begin(&secrets, store, &keys, Actor::command_line()))?;
    Ok(secrets)
}

fn opened(config: &Config, places: &Places) -> Result<(Secrets, std::sync::Arc<SealedFile>), Failure> {
    let passphrase = keys::passphrase(&config.keys.passphrase_file)?;
    let keys = keys::open(places, &passphrase, keys::environment(config.keys.environment))?;
    let secrets = Secrets::new(keys.clone(), std::sync::Arc::new(SystemChance)).of_node(&node_of(config));
    Ok((secrets, keys))
}

/// `keys secrets`.
pub(crate) fn run(arguments: &SecretsArguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    log::start(&config.log.level, config.log.format)?;
    let places = Places::at(&config.data)?;
    let (secrets, keys) = opened(&config, &places)?;
    let store = Database::of(&config, &places)?.open_known()?;
    let said = runtime()?.block_on(async {
        let began = begin(&secrets, &store, &keys, Actor::command_line()).await;
        match began {
            Ok(()) => {}
            Err(SecretRefused::KeyMissing { .. }) if arguments.lost => {}
            Err(error) if arguments.renew && matches!(error, SecretRefused::KeyNotActive { .. }) => {}
            Err(error) => return Err(Failure::from(error)),
        }
        if arguments.renew {
            renew(&secrets, &store, &keys).await?;
        }
        let passed = secrets.pass(&store, &Actor::command_line(), SystemClock.now()).await?;
        retire(&store, &keys).await?;
        told(&secrets, &store, passed, arguments.renew).await
    })?;
    print(&(said + &listed(&keys)))
}

/// Another key takes the place of the one in use. Killed between its making and its use, the next run uses it.
async fn renew(secrets: &Secrets, store: &Store, keys: &SealedFile) -> Result<(), Failure> {
    let there = store.read(|rows| rows.secret_keys()).await?;
    let Some(current) = there.first().map(|key| key.id) else { return Ok(()) };
    let next = match unused(keys, &there) {
        Some(unused) => unused,
        None => make_key(keys, &there, ["custodian one", "custodian two"], SystemClock.now())?,
    };
    secrets.take_into_use(store, next, Some(current), Actor::command_line(), SystemClock.now()).await?;
    Ok(())
}

/// Retires keys that another has taken the place of, where nothing is sealed under them any more.
async fn retire(store: &Store, keys: &SealedFile) -> Result<(), Failure> {
    let there = store.read(|rows| rows.secret_keys()).await?;
    for key in there.iter().skip(1).map(|key| key.id) {
        let name = key.name;
        let is_used = store.read(move |rows| {
            let operators = rows.totp_secrets_under(Some(name), None, 1)?;
            Ok(!operators.is_empty() || !rows.webhook_secrets_under(Some(name), None, 1)?.is_empty())
        });
        if !is_used.await? && keys.may_seal(&key).is_ok() {
            keys.set_state(name, KeyEvent::Retire, &Custodian::new("custodian one")?, SystemClock.now())
                .map_err(KeysError::from)?;
        }
    }
    Ok(())
}

async fn told(secrets: &Secrets, store: &Store, passed: Passed, renewed: bool) -> Result<String, Failure> {
    let sealing = secrets.clone();
    let read = store.read(move |rows: &dyn Reading| {
        let current = rows.secret_keys()?.first().map(|key| key.id.to_string()).unwrap_or_default();
        Ok((current, sealing.unopened(rows, NAMED_MAX)?, rows.residue()?.is_some()))
    });
    let (current, unopened, residue) = read.await?;
    let Passed { operators, webhooks, .. } = passed;
    let mut text = format!(
        "Secrets of the database are sealed under {current}; {operators} of operators and {webhooks} of webhooks were sealed \
         now.\n"
    );
    if renewed {
        text += "Copy the key store to every other machine of this platform now: until then they send no webhooks and check no \
                 one-time codes.\n";
    }
    if residue {
        text += "The database's files may still hold them in clear: `counterfoil serve` writes it anew, at its next start or as it runs.\n";
    }
    if !unopened.is_empty() {
        text += "These do not open under any key that is here. Operators: `counterfoil operator reset-totp`; webhooks: their \
                 merchants make a new secret.\n";
        for row in unopened {
            text += &format!("  {row}\n");
        }
    }
    Ok(text + "\n")
}
