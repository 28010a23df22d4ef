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
mod fleet;
mod holder;
mod keys;
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
mod serve;
mod settle;
mod tap;
mod terminal;
mod test_mode;
mod tls;
mod wallet;

use std::process::ExitCode;

use clap::Parser as _;

fn main() -> ExitCode {
    let cli = cli::Cli::parse();
    match cli.run() {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
