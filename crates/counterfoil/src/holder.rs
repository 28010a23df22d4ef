//! `holder add`, `holder fund` and `holder forget`.

use std::process::ExitCode;

use clap::Args;
use model::{Amount, Currency, HolderReference};
use payment::TransferId;
use server::app::Funding;
use server::{Actor, Chance as _, SystemChance};

use crate::card::new_holder;
use crate::cli::{ConfigArguments, Failure, holder_reference, print, runtime};
use crate::database::Database;
use crate::keys;
use crate::places::Places;
use crate::platform::open_app;

pub(crate) const EXAMPLES: &str = "\
Examples:
  counterfoil holder add --name 'Li Na' --document G12345678
  counterfoil holder fund hld_0000000000000001 2000    # 20 yuan, from the bank's side
  counterfoil holder forget hld_0000000000000001";

#[derive(Args)]
pub(crate) struct FundArguments {
    /// The holder's reference: hld_ and 16 hexadecimal digits
    #[arg(value_parser = holder_reference)]
    holder: HolderReference,
    /// Minor units: 2000 is 20 yuan
    minor: i64,
    /// ISO 4217 letters
    #[arg(default_value = "CNY")]
    currency: String,
    /// The transfer's id, 32 hexadecimal digits: the same id again has no second effect. Without it, a new one
    #[arg(long, value_name = "HEX")]
    transfer: Option<String>,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct AddArguments {
    /// The person's name
    #[arg(long)]
    name: String,
    /// The number of the document that proves it; only its digest is kept
    #[arg(long)]
    document: String,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct ForgetArguments {
    /// The holder's reference: hld_ and 16 hexadecimal digits
    #[arg(value_parser = holder_reference)]
    holder: HolderReference,
    #[command(flatten)]
    config: ConfigArguments,
}

pub(crate) fn forget(arguments: &ForgetArguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let places = Places::at(&config.data)?;
    let passphrase = keys::passphrase(&config.keys.passphrase_file)?;
    let key_store = keys::open(&places, &passphrase, keys::environment(config.keys.environment))?;
    let app = open_app(&Database::of(&config, &places)?, key_store, config.rules())?;
    runtime()?.block_on(app.forget_holder(Actor::command_line(), arguments.holder))?;
    print(&format!("What was personal of {} is removed. The books stay as they are.\n", arguments.holder))
}

pub(crate) fn add(arguments: AddArguments) -> Result<ExitCode, Failure> {
    if arguments.name.trim().is_empty() || arguments.document.trim().is_empty() {
        return Err("a holder has a name and a document".into());
    }
    let config = arguments.config.load()?;
    let places = Places::at(&config.data)?;
    let passphrase = keys::passphrase(&config.keys.passphrase_file)?;
    let key_store = keys::open(&places, &passphrase, keys::environment(config.keys.environment))?;
    let app = open_app(&Database::of(&config, &places)?, key_store, config.rules())?;
    let holder = new_holder();
    runtime()?.block_on(app.add_holder(holder, &arguments.name, &arguments.document))?;
    print(&format!("{holder}\nNext: counterfoil holder fund {holder} MINOR\n"))
}

pub(crate) fn fund(arguments: FundArguments) -> Result<ExitCode, Failure> {
    let config = arguments.config.load()?;
    let amount = Amount::new(arguments.minor, Currency::from_letters(&arguments.currency)?)?;
    let id = match &arguments.transfer {
        Some(digits) if digits.len() == 32 => {
            u128::from_str_radix(digits, 16).map_err(|_| "a transfer's id is 32 hexadecimal digits")?
        }
        Some(_) => return Err("a transfer's id is 32 hexadecimal digits".into()),
        None => SystemChance.draw(),
    };
    let places = Places::at(&config.data)?;
    let passphrase = keys::passphrase(&config.keys.passphrase_file)?;
    let key_store = keys::open(&places, &passphrase, keys::environment(config.keys.environment))?;
    let app = open_app(&Database::of(&config, &places)?, key_store, config.rules())?;
    let funding = Funding { id: TransferId(id), holder: arguments.holder, amount };
    runtime()?.block_on(app.fund(funding))?;
    print(&format!("{amount} {} for {} (transfer {})\n", amount.currency(), arguments.holder, funding.id))
}
