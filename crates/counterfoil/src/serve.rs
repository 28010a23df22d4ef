//! `serve`: a platform until it is asked to stop.

use std::process::ExitCode;

use clap::Args;
use server::nodes::{Role, Roles};
use server::test_mode::is_live;

use crate::cli::{ConfigArguments, Failure, print, runtime};
use crate::config::Config;
use crate::database::Database;
use crate::node::Entered;
use crate::places::Places;
use crate::platform::{Listens, Platform, StopSignals, app_on};
use crate::tap::{TapListens, TapRail, industries, open_bank};
use crate::{keys, log, lorawan, node, northbound, secrets, test_mode};

/// Shown below the help of `serve`.
pub(crate) const EXAMPLES: &str = "\
Several nodes serve together on one database server; any node serves any card:
  counterfoil serve --config north.toml --database postgres://counterfoil@db/counterfoil
  counterfoil serve --config south.toml --database postgres://counterfoil@db/counterfoil
Each has a name of its own: `node` in [database], or the machine's. With --roles they share the work:
  counterfoil serve --config radio.toml --roles air,tap
  counterfoil serve --config desk.toml --roles merchant,console,jobs
At least one node must have `jobs`: it ends what lapses. If several have, one does it, and another when that one is gone.";

#[derive(Args, Clone)]
pub(crate) struct ServeArguments {
    #[command(flatten)]
    config: ConfigArguments,
    /// What this node is there for: air, merchant, console, tap, jobs, separated by commas. Without it, everything
    #[arg(long, value_name = "ROLES")]
    roles: Option<String>,
}

pub(crate) fn run(arguments: &ServeArguments) -> Result<ExitCode, Failure> {
    let mut config = arguments.config.load()?;
    if let Some(roles) = &arguments.roles {
        config.database.roles.clone_from(roles);
    }
    log::start(&config.log.level, config.log.format)?;
    runtime()?.block_on(serve(config))
}

/// Where this node listens, for the others' operators.
fn addresses(platform: &Platform, roles: Roles) -> String {
    let mut addresses = format!("operations={}", platform.operations);
    if roles.has(Role::Merchant) {
        addresses += &format!(" http={}", platform.http);
    }
    if roles.has(Role::Air) {
        addresses += &format!(" air={}", platform.air);
    }
    addresses
}

async fn serve(config: Config) -> Result<ExitCode, Failure> {
    let roles = node::roles(&config)?;
    // What is wrong with them is said before anybody waits for a name.
    let tap_listens = TapListens::of(&config, roles)?;
    let (chirpstack, pushes) = (lorawan::settings(&config.chirpstack)?, northbound::pushes(&config)?);
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
    let member = match node::enter(&database, &config, roles, &store, &mut stop).await? {
        Entered::Alone => None,
        Entered::Among(member) => Some(member),
        Entered::Stopped => return print("Stopped.\n"),
    };
    let app = app_on(store, key_store.clone(), config.rules())?;
    if let Some(member) = &member {
        app.join(member.nodes());
    }
    let unsealed = secrets::ready(&secrets::of(&app, &config), app.store(), &key_store).await;
    let tests = test_mode::of(&config, &places).await?;
    // Two addresses can lead to one database: that shows now.
    is_live(app.store())?;
    if config.webhooks.allow_private {
        tracing::warn!(
            "webhooks.allow_private: merchants can have anything called that this machine can reach"
        );
    }
    let listens = Listens {
        air: config.air.listen,
        http: config.http.listen,
        operations: config.operations.listen,
        operations_names: config.operations.names(),
        operations_tls: config.operations.tls,
        public_url: Some(config.http.public_url.clone()),
        chirpstack,
        pushes,
        framed_by: Vec::new(),
        webhooks: config.webhooks.settings(),
    };
    let industries = industries(&config, &places)?;
    for bad in industries.bad_files() {
        tracing::warn!(file = bad.name, code = bad.code, reason = bad.reason, "not a good pack or product");
    }
    let bank = open_bank(app.clone(), key_store.clone(), industries)?;
    let platform =
        Platform::start_as(app, Some(bank.clone()), tests.clone(), listens, coap::Config::default(), roles)
            .await?;
    let tap = match tap_listens {
        Some(listens) => Some(TapRail::start_as(bank, listens, roles).await?),
        None => None,
    };
    let mut serving = match member {
        Some(member) => Some(
            member
                .begin(
                    &platform.fleet,
                    tests.as_ref().map(|mode| mode.app().clone()),
                    addresses(&platform, roles),
                )
                .await?,
        ),
        None => None,
    };
    print("Counterfoil serves.\n")?;
    if roles.has(Role::Merchant) {
        print(&format!("  merchants and order pages  http://{}  (docs at /docs)\n", platform.http))?;
    }
    let console = if roles.has(Role::Console) { "/console" } else { "/health" };
    print(&format!("  operators                  http://{}{console}\n", platform.operations))?;
    if roles.has(Role::Air) {
        print(&format!("  cards                      coap://{}/cf\n", platform.air))?;
    }
    if let Some(refused) = unsealed {
        print(&format!("  secrets                    NOT READY: {refused}\n"))?;
    }
    print(&test_mode::said(&config, tests.as_ref()))?;
    if roles.has(Role::Air) && !config.chirpstack.url.is_empty() {
        print(&format!("  LoRaWAN                    {} (ChirpStack)\n", config.chirpstack.url))?;
    }
    if roles.has(Role::Air) && !config.northbound.listen.is_empty() {
        print(&format!("  operators' platforms       http://{}/push/\n", config.northbound.listen))?;
    }
    if let Some(TapRail { transaction, security, .. }) = tap.as_ref().filter(|_| roles.has(Role::Tap)) {
        print(&format!(
            "  terminals, transactions    https://{transaction}\n  terminals, security        https://{security}\n",
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
    let lost = async {
        match &mut serving {
            Some(serving) => serving.lost().await,
            None => std::future::pending().await,
        }
    };
    let lost = tokio::select! {
        () = stop.asked() => None,
        why = lost => Some(why),
    };
    tracing::info!("stopping: finishing what is in flight");
    if let Some(serving) = &serving {
        serving.stop_soon();
    }
    refresher.abort();
    if let Some(tap) = tap {
        tap.stop().await;
    }
    platform.stop().await;
    if let Some(serving) = serving {
        serving.end().await?;
    }
    if let Some(why) = lost {
        return Err(why.into());
    }
    print("Stopped.\n")
}
