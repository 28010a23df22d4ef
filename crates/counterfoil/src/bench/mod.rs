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

pub(crate) const EXAMPLES: &str = "\
Each makes a database of its own in a temporary folder, and prints what it measured:
  counterfoil bench air
  counterfoil bench air --cards 1000,100000 --seconds 20 --svg air.svg
  counterfoil bench ledger --json
  counterfoil bench tap --terminals 64

On a PostgreSQL server, in a database that is empty:
  counterfoil bench air --database postgres://counterfoil@db/bench --nodes 1,2 --merchants 100

Measure on a machine that does nothing else. docs/performance.md and docs/scale.md say what was measured before.";

pub(crate) use air::{AirArguments, air};
pub(crate) use fleet::{FleetArguments, fleet};
pub(crate) use ledger::{LedgerArguments, ledger};
pub(crate) use list::{ListArguments, list};
pub(crate) use tap::{TapArguments, tap};
pub(crate) use webhooks::{WebhookArguments, webhooks};
