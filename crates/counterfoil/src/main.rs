//! The program: command line, configuration, demonstration and benches around `server`.

mod adjust;
mod audit;
mod bank;
mod bench;
mod card;
mod cli;
mod config;
mod copy;
mod database;
mod demo;
mod entering;
mod fleet;
mod holder;
mod keys;
mod layout;
mod ledger;
mod log;
mod lorawan;
mod merchant;
mod migrate;
mod moving;
mod node;
mod northbound;
mod operator;
mod pack;
mod person;
mod places;
mod plan;
mod platform;
mod reconcile;
mod reversal;
mod secrets;
mod serve;
mod settle;
mod tap;
mod terminal;
mod test_mode;
mod tls;
mod wallet;

use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use mimalloc::MiMalloc;

/// Rows and frames live briefly, on several threads: a sixth of the platform's time went into allocating with what the system has.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    let matches = cli::Cli::command().get_matches();
    let cli = cli::Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit());
    let entering = entering::Entering::of(&matches);
    match run(cli, entering.as_ref()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs a command, with what the audit log is told of it: before, and when it has ended.
fn run(cli: cli::Cli, entering: Option<&entering::Entering>) -> Result<ExitCode, cli::Failure> {
    let Some(entering) = entering else { return cli.run() };
    entering.begin()?;
    let ended = cli.run();
    entering.end(&ended)?;
    ended
}
