//! `serve`: a platform until it is asked to stop.

use std::process::ExitCode;

use server::test_mode::is_live;

use crate::cli::{ConfigArguments, Failure, print, runtime};
use crate::config::Config;
use crate::database::Database;
use crate::places::Places;
use crate::platform::{Listens, Platform, StopSignals, app_on};
use crate::standby::Waited;
use crate::tap::{TapListens, TapRail, industries, open_bank};
use crate::{keys, log, lorawan, northbound, standby, test_mode};

pub(crate) fn run(arguments: &ConfigArguments) -> Result<ExitCode, Failure> {
    let config = arguments.load()?;
    log::start(&config.log.level, config.log.format)?;
    runtime()?.block_on(serve(config))
}

async fn serve(config: Config) -> Result<ExitCode, Failure> {
    let places = Places::at(&config.data)?;
    let _lock = places.lock()?;
    if !places.key_store().exists() {
        return Err(format!(
            "there is no key store in {}; `counterfoil keys init` makes one",
            config.data.display()
        )
        .into());
    }
    let passphrase = keys::passphrase(&config.keys.passphrase_file)?;
    let key_store = keys::open(&places, &passphrase, keys::environment(config.keys.environment))?;
    let database = Database::of(&config, &places)?;
    let store = database.open_when_there().await?;
    let mut stop = StopSignals::listen()?;
    let turn = match standby::wait(&database, &config.database.node, &store, &mut stop).await? {
        Waited::Serve(turn) => turn,
        Waited::Stopped => return print("Stopped.\n"),
    };
    let app = app_on(store, key_store.clone(), config.rules())?;
    let tests = test_mode::of(&config, &places).await?;
    // Two addresses can lead to one database: that shows now.
    is_live(app.store())?;
    if config.webhooks.allow_private {
        tracing::warn!(
            "webhooks.allow_private: merchants can have anything called that this machine can reach"
        );
    }
    let tap_listens = TapListens::of(&config)?;
    let listens = Listens {
        air: config.air.listen,
        http: config.http.listen,
        operations: config.operations.listen,
        operations_names: config.operations.names(),
        operations_tls: config.operations.tls,
        public_url: Some(config.http.public_url.clone()),
        chirpstack: lorawan::settings(&config.chirpstack)?,
        pushes: northbound::pushes(&config)?,
        framed_by: Vec::new(),
        webhooks: config.webhooks.settings(),
    };
    let industries = industries(&config, &places)?;
    for bad in industries.bad_files() {
        tracing::warn!(file = bad.name, code = bad.code, reason = bad.reason, "not a good pack or product");
    }
    let bank = open_bank(app.clone(), key_store.clone(), industries)?;
    let platform =
        Platform::start(app, Some(bank.clone()), tests.clone(), listens, coap::Config::default()).await?;
    let tap = match tap_listens {
        Some(listens) => Some(TapRail::start(bank, listens).await?),
        None => None,
    };
    print(&format!(
        "Counterfoil serves.\n  merchants and order pages  http://{}  (docs at /docs)\n  operators                  \
         http://{}/console\n  cards                      coap://{}/cf\n",
        platform.http, platform.operations, platform.air,
    ))?;
    print(&test_mode::said(&config, tests.as_ref()))?;
    if !config.chirpstack.url.is_empty() {
        print(&format!("  LoRaWAN                    {} (ChirpStack)\n", config.chirpstack.url))?;
    }
    if !config.northbound.listen.is_empty() {
        print(&format!("  operators' platforms       http://{}/push/\n", config.northbound.listen))?;
    }
    if let Some(tap) = &tap {
        print(&format!(
            "  terminals, transactions    https://{}\n  terminals, security        https://{}\n",
            tap.transaction, tap.security,
        ))?;
    }
    print("Ctrl-C stops it when what is in flight is done.\n")?;
    // What another process changes in the key store (a suspended key, an imported card key) holds here within
    // seconds.
    let refresher = tokio::spawn(async move {
        let mut tick = tokio::time::interval(std::time::Duration::from_secs(5));
        loop {
            tick.tick().await;
            let store = key_store.clone();
            let refreshed = tokio::task::spawn_blocking(move || store.refresh()).await;
            if let Ok(Err(error)) = refreshed {
                tracing::error!(%error, "the key store could not be read again");
            }
        }
    });
    let overtaken = async {
        match &turn {
            Some(turn) => turn.overtaken().await,
            None => std::future::pending().await,
        }
    };
    let overtaken = tokio::select! {
        () = stop.asked() => None,
        other = overtaken => Some(other),
    };
    tracing::info!("stopping: finishing what is in flight");
    refresher.abort();
    if let Some(tap) = tap {
        tap.stop().await;
    }
    platform.stop().await;
    if let Some(other) = overtaken {
        return Err(format!(
            "{other} serves on this database now: this node was silent for too long and taken for dead. Look at its \
             machine, and start it again to stand by"
        )
        .into());
    }
    if let Some(turn) = turn {
        turn.end().await?;
    }
    print("Stopped.\n")
}
