//! `holder fund`.

use std::process::ExitCode;

use clap::Args;
use model::{Amount, Currency, HolderReference};
use payment::TransferId;
use server::app::Funding;
use server::{Chance as _, SystemChance};

use crate::cli::{ConfigArguments, Failure, holder_reference, print, runtime};
use crate::keys;
use crate::places::Places;
use crate::platform::open_app;

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
    let app = open_app(places.database(), key_store, config.rules())?;
    let funding = Funding { id: TransferId(id), holder: arguments.holder, amount };
    runtime()?.block_on(app.fund(funding))?;
    print(&format!("{amount} {} for {} (transfer {})\n", amount.currency(), arguments.holder, funding.id))
}
