//! `bench tap`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::Failure;

#[derive(Args)]
pub(crate) struct TapArguments {}

pub(crate) fn tap(_arguments: &TapArguments) -> Result<ExitCode, Failure> {
    Err("comes".into())
}
