//! Measuring, as JSON for machines and lines for people.

mod air;
mod crossing;
mod fleet;
mod ground;
mod ledger;
mod list;
mod load;
mod process;
mod run;
mod tap;
mod webhooks;

pub(crate) use air::{AirArguments, air};
pub(crate) use fleet::{FleetArguments, fleet};
pub(crate) use ledger::{LedgerArguments, ledger};
pub(crate) use list::{ListArguments, list};
pub(crate) use tap::{TapArguments, tap};
pub(crate) use webhooks::{WebhookArguments, webhooks};
