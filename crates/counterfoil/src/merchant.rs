//! `merchant add`.

use std::process::ExitCode;

use clap::Args;

use crate::cli::{ConfigArguments, Failure, print, runtime};
use crate::config::Environment;
use crate::database::Database;
use crate::keys;
use crate::places::Places;
use crate::platform::open_app;

#[derive(Args)]
pub(crate) struct AddArguments {
    /// The name as holders read it
    name: String,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn add(arguments: AddArguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let name = arguments.name.trim();
    if name.is_empty() || name.chars().count() > 64 || name.chars().any(char::is_control) {
        return Err("a merchant's name is 1 to 64 characters".into());
    }
    let places = Places::at(&config.data)?;
    let passphrase = keys::passphrase(&config.keys.passphrase_file)?;
    let key_store = keys::open(&places, &passphrase, keys::environment(config.keys.environment))?;
    let app = open_app(&Database::of(&config, &places)?, key_store, config.rules())?;
    let live = matches!(config.keys.environment, Environment::Production);
    let (merchant, key) = runtime()?.block_on(app.add_merchant(name, live))?;
    print(&format!("{merchant} {name}\nAPI key, shown this once: {}\n", key.reveal()))
}
