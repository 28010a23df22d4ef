//! `fleet provision`: radios and their keys, made known to a ChirpStack.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use indicatif::ProgressBar;
use model::ChannelId;
use provision::{AppKey, Destination, NewDevice, Provisioned, Provisioner, Token};

use crate::cli::{Failure, print, runtime};

/// The exit code when some were refused.
const SOME_REFUSED: u8 = 3;

#[derive(Args)]
pub(crate) struct ProvisionArguments {
    /// A CSV file with the columns channel (deveui:…), app_key (32 hexadecimal digits) and, where wanted, name
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// ChirpStack's interface: http://HOST:PORT or https://HOST:PORT
    #[arg(long, value_name = "URL")]
    api: String,
    /// A file with an API key of ChirpStack's
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// The application's id
    #[arg(long, value_name = "UUID")]
    application: String,
    /// The device profile's id
    #[arg(long, value_name = "UUID")]
    profile: String,
}

#[derive(serde::Deserialize)]
struct Line {
    channel: String,
    app_key: String,
    #[serde(default)]
    name: String,
}

fn device(line: Line) -> Result<NewDevice, String> {
    let channel: ChannelId = line.channel.parse().map_err(|error| format!("channel: {error}"))?;
    let key: AppKey = line.app_key.parse().map_err(|error| format!("app_key: {error}"))?;
    let name = if line.name.is_empty() { channel.to_string() } else { line.name };
    Ok(NewDevice { channel, name, key })
}

pub(super) fn provision(arguments: &ProvisionArguments) -> Result<ExitCode, Failure> {
    let token = std::fs::read_to_string(&arguments.token_file)
        .map_err(|error| format!("{}: {error}", arguments.token_file.display()))?;
    let destination = Destination {
        url: arguments.api.clone(),
        token: Token::new(token.trim().to_owned()),
        application: arguments.application.clone(),
        profile: arguments.profile.clone(),
    };
    let mut reader = csv::Reader::from_path(&arguments.file)
        .map_err(|error| format!("{}: {error}", arguments.file.display()))?;
    runtime()?.block_on(async {
        let mut provisioner = Provisioner::connect(&destination).await?;
        // Drawn only where somebody looks at it.
        let bar = ProgressBar::new_spinner();
        let (mut created, mut known, mut refused) = (0_u64, 0_u64, 0_u64);
        for line in reader.deserialize::<Line>() {
            let number = created + known + refused + 2;
            let told = match line.map_err(|error| error.to_string()).and_then(device) {
                Ok(device) => provisioner.provision(&device).await.map_err(|error| error.to_string()),
                Err(error) => Err(error),
            };
            match told {
                Ok(Provisioned::Created) => created += 1,
                Ok(Provisioned::Known) => known += 1,
                Err(error) => {
                    refused += 1;
                    bar.suspend(|| eprintln!("line {number}: {error}"));
                }
            }
            bar.set_message(format!("{} devices", created + known));
            bar.tick();
        }
        bar.finish_and_clear();
        print(&format!("{created} created, {known} known already and given this key, {refused} refused\n"))?;
        Ok(if refused > 0 { ExitCode::from(SOME_REFUSED) } else { ExitCode::SUCCESS })
    })
}
