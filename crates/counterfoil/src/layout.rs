//! `store layout`: by which column each table goes, and laying tables out by them.

use std::process::ExitCode;

use clap::{Args, ValueEnum};
use store::postgres::layout::{KEYS, Partitions, for_citus, partition};

use crate::cli::{ConfigArguments, Failure, print};
use crate::database::Database;
use crate::places::Places;

/// What `store layout --help` ends with.
pub(crate) const EXAMPLES: &str = "\
Which column each table goes by:
  counterfoil store layout

A database that spreads over a Citus cluster, before anything is in it:
  counterfoil store migrate --database postgres://counterfoil@coordinator.example/counterfoil
  counterfoil store layout --engine citus | psql -h coordinator.example -U counterfoil counterfoil

Hash partitions on one server: counterfoil store layout --partitions 16 --database postgres://counterfoil@db1.example/counterfoil

Statements for Citus follow its documents and were not run against it: docs/scale.md says what is left to do.";

/// An engine that spreads tables over servers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Engine {
    Citus,
}

#[derive(Args)]
pub(crate) struct LayoutArguments {
    /// Print the statements that spread a database of this version over this engine's servers; changes nothing
    #[arg(long, conflicts_with = "partitions")]
    engine: Option<Engine>,
    /// Bring an empty database to this version, and lay each table that has a key out in so many hash partitions by it: 2 to 32
    #[arg(
        long,
        value_name = "N",
        value_parser = clap::value_parser!(u16).range(i64::from(Partitions::MIN)..=i64::from(Partitions::MAX))
    )]
    partitions: Option<u16>,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn run(arguments: &LayoutArguments) -> Result<ExitCode, Failure> {
    match (arguments.engine, arguments.partitions.and_then(Partitions::new)) {
        (Some(Engine::Citus), _) => {
            print(&for_citus().iter().map(|said| format!("{said};\n")).collect::<String>())
        }
        (None, None) => print(&keys()),
        (None, Some(partitions)) => {
            let config = arguments.config.load()?;
            let Database::Server(settings) = Database::of(&config, &Places::at(&config.data)?)? else {
                return Err(
                    "a file is never laid out in parts; give --database postgres://USER@HOST/NAME".into()
                );
            };
            let laid = partition(&settings, partitions)?;
            if laid.tables.is_empty() {
                return print("Every table that has a key lies in parts already. Nothing was done.\n");
            }
            print(&format!(
                "{} tables lie in {} hash partitions each, by the keys that `counterfoil store layout` lists.\n",
                laid.tables.len(),
                partitions.get()
            ))
        }
    }
}

fn keys() -> String {
    KEYS.iter().map(|known| format!("{:<22} {}\n", known.table, known.key)).collect()
}
