//! `fleet …`: channels, their queue and their alerts, from the command line. All of it works beside a running `serve`.

mod export;
mod import;
mod list;
#[cfg(feature = "chirpstack-api")]
mod provision;
mod queue;
mod refused;
mod register;

use std::process::ExitCode;

use clap::Subcommand;
use store::Store;

use crate::cli::{ConfigArguments, Failure};
use crate::database::Database;
use crate::places::Places;

/// What `fleet --help` ends with.
pub(crate) const EXAMPLES: &str = "\
Examples:
  counterfoil fleet import channels.csv           # see `counterfoil fleet import --help` for the columns
  counterfoil fleet register deveui:70b3d57ed0000001 --name stall-7 --group market
  counterfoil fleet list --presence silent
  counterfoil fleet list --search deveui:70b3     # or a card, a card's number, the beginning of a name
  counterfoil fleet show imei:356938035643809
  counterfoil fleet queue
  counterfoil fleet alerts

All of them work beside a running `counterfoil serve` on the same data folder.";

#[derive(Subcommand)]
pub(crate) enum FleetCommand {
    /// Register channels from a file of comma-separated values
    #[command(after_help = import::COLUMNS_HELP)]
    Import(import::ImportArguments),
    /// Register one channel, or say otherwise of it
    Register(register::RegisterArguments),
    /// Write all registered channels in the form that `import` reads
    Export(export::ExportArguments),
    /// Make radios and their keys known to a ChirpStack
    #[cfg(feature = "chirpstack-api")]
    Provision(provision::ProvisionArguments),
    /// List channels, or find them
    List(list::ListArguments),
    /// One channel: registration, presence, downlinks, frames, alerts
    Show(list::ShowArguments),
    /// What waits for cards
    Queue(queue::QueueArguments),
    /// Take a waiting downlink back; its order waits on
    Cancel(queue::CancelArguments),
    /// Set which of a card's waiting downlinks goes first
    Priority(queue::PriorityArguments),
    /// What somebody should look at
    Alerts(queue::AlertArguments),
}

pub(crate) fn run(command: FleetCommand) -> Result<ExitCode, Failure> {
    match command {
        FleetCommand::Import(arguments) => import::import(arguments),
        FleetCommand::Register(arguments) => register::register(&arguments),
        FleetCommand::Export(arguments) => export::export(&arguments),
        #[cfg(feature = "chirpstack-api")]
        FleetCommand::Provision(arguments) => provision::provision(&arguments),
        FleetCommand::List(arguments) => list::list(&arguments),
        FleetCommand::Show(arguments) => list::show(&arguments),
        FleetCommand::Queue(arguments) => queue::queue(&arguments),
        FleetCommand::Cancel(arguments) => queue::cancel(&arguments),
        FleetCommand::Priority(arguments) => queue::priority(&arguments),
        FleetCommand::Alerts(arguments) => queue::alerts(&arguments),
    }
}

/// The store of a data folder that is there.
fn open(config: &ConfigArguments) -> Result<Store, Failure> {
    let config = config.load()?;
    Database::of(&config, &Places::at(&config.data)?)?.open_known()
}

/// A moment as people read it.
fn time(at: model::UnixMillis) -> String {
    server::web::moment(at)
}
