//! `tls dev`: a local certificate authority and a server certificate, for demonstrations and tests.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use server::tls::DevCertificateError;
use server::{Clock as _, SystemClock};

use crate::cli::{ConfigArguments, Failure, print};
use crate::places::Places;

/// Shown below the help of `tls`.
pub(crate) const EXAMPLES: &str = "\
Examples:
  counterfoil tls dev
  counterfoil tls dev --name bank.example --name 192.0.2.7 --force

The command prints what goes into [tap] of the configuration; terminals are enrolled with --ca and the authority's file.";

#[derive(Args)]
pub(crate) struct DevArguments {
    /// Where the files are written; without it, `tls` in the data folder
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// More names or addresses that the certificate is for; localhost, 127.0.0.1 and ::1 always are
    #[arg(long = "name", value_name = "NAME")]
    names: Vec<String>,
    /// Make them anew where there are some
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn dev(arguments: DevArguments) -> Result<ExitCode, Failure> {
    let folder = match arguments.out {
        Some(folder) => folder,
        None => Places::at(&arguments.config.load()?.data)?.tls(),
    };
    let names: Vec<&str> = arguments.names.iter().map(String::as_str).collect();
    let made = server::tls::dev_certificates(&folder, &names, SystemClock.now(), arguments.force).map_err(
        |error| match error {
            DevCertificateError::AlreadyThere { .. } => format!("{error} (--force)"),
            error => error.to_string(),
        },
    )?;
    print(&format!(
        "Made, good for one year:\n  {}  terminals trust this one\n  {}\n  {}\n\
         In the configuration:\n  [tap]\n  certificate = \"{}\"\n  private_key = \"{}\"\n\
         These are for demonstrations and tests: a bank takes its own.\n",
        made.authority.display(),
        made.certificate.display(),
        made.key.display(),
        made.certificate.display(),
        made.key.display(),
    ))
}
