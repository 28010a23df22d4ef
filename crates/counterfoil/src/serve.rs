//! `serve`: a platform until it is asked to stop.

use std::process::ExitCode;

use crate::cli::{ConfigArguments, Failure, print, runtime};
use crate::config::Config;
use crate::places::Places;
use crate::platform::{Listens, Platform, StopSignals, open_app};
use crate::{keys, log};

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
    let app = open_app(places.database(), key_store.clone(), config.rules())?;
    let listens = Listens {
        air: config.air.listen,
        http: config.http.listen,
        operations: config.operations.listen,
        public_url: Some(config.http.public_url.clone()),
        framed_by: Vec::new(),
    };
    let platform = Platform::start(app, listens, coap::Config::default()).await?;
    let stop = StopSignals::listen()?;
    print(&format!(
        "Counterfoil serves.\n  merchants and order pages  http://{}  (docs at /docs)\n  operators                  \
         http://{}/console\n  cards                      coap://{}/cf\nCtrl-C stops it when what is in flight is done.\n",
        platform.http, platform.operations, platform.air,
    ))?;
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
    stop.asked().await;
    tracing::info!("stopping: finishing what is in flight");
    refresher.abort();
    platform.stop().await;
    print("Stopped.\n")
}
