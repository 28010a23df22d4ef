//! `settle` and `payout`: days that are closed, and money that leaves for a merchant's bank.

use std::process::ExitCode;

use clap::Args;
use model::{Amount, Currency};
use payment::{MerchantId, TransferId};
use server::app::{Payout, date_of};
use server::{App, Chance as _, SystemChance};
use time::Date;
use time::macros::format_description;

use crate::cli::{ConfigArguments, Failure, merchant_id, print, runtime};
use crate::database::Database;
use crate::keys;
use crate::places::Places;
use crate::platform::open_app;

pub(crate) const SETTLE_EXAMPLES: &str = "\
Examples:
  counterfoil settle                        # all days that have ended
  counterfoil settle --date 2026-11-21      # up to that day, and with it

A day that is closed stays as it is. When days begin is settlement.utc_offset of the configuration.";

pub(crate) const PAYOUT_EXAMPLES: &str = "\
Examples:
  counterfoil payout mer_00000001 2000                    # 20 yuan
  counterfoil payout mer_00000001 2000 --transfer 0192f0c1a2b37d4e8f90a1b2c3d4e5f6

The command prints the reference that the transfer carries at the bank: `counterfoil reconcile import` finds it by that.
Where an answer was lost, the same --transfer again moves nothing a second time.";

#[derive(Args)]
pub(crate) struct SettleArguments {
    /// Close all days up to this one and with it: 2026-11-21. Without it, all that have ended
    #[arg(long, value_parser = day)]
    date: Option<Date>,
    #[command(flatten)]
    config: ConfigArguments,
}

#[derive(Args)]
pub(crate) struct PayoutArguments {
    /// The merchant: mer_ and 8 hexadecimal digits
    #[arg(value_parser = merchant_id)]
    merchant: MerchantId,
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

/// Reads a day from the command line.
pub(crate) fn day(text: &str) -> Result<Date, String> {
    Date::parse(text, format_description!("[year]-[month]-[day]"))
        .map_err(|_| "a day is year, month and day: 2026-11-21".to_owned())
}

/// Reads a transfer's id from the command line, or draws one.
pub(crate) fn transfer_id(digits: Option<&str>) -> Result<TransferId, Failure> {
    let wrong = "a transfer's id is 32 hexadecimal digits";
    match digits {
        Some(digits) if digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit()) => {
            Ok(TransferId(u128::from_str_radix(digits, 16).map_err(|_| wrong)?))
        }
        Some(_) => Err(wrong.into()),
        None => Ok(TransferId(SystemChance.draw())),
    }
}

/// The platform behind a command: its database and its keys.
pub(crate) fn platform(arguments: &ConfigArguments) -> Result<App, Failure> {
    let config = arguments.load()?;
    let places = Places::at(&config.data)?;
    let passphrase = keys::passphrase(&config.keys.passphrase_file)?;
    let key_store = keys::open(&places, &passphrase, keys::environment(config.keys.environment))?;
    Ok(open_app(&Database::of(&config, &places)?, key_store, config.rules())?)
}

pub(crate) fn settle(arguments: &SettleArguments) -> Result<ExitCode, Failure> {
    let app = platform(&arguments.config)?;
    let closed = runtime()?.block_on(app.settle(arguments.date))?;
    if closed.is_empty() {
        return print("Nothing to settle: every day that ended is closed.\n");
    }
    let mut text = String::new();
    for settlement in closed {
        let (currency, date) = (settlement.currency, date_of(settlement.day));
        let money = |units| currency.display(units).to_string();
        text += &format!(
            "{} {} no. {:<4} {} {:>5} entries  opening {:>14}  closing {:>14}\n",
            date.map_or_else(String::new, |date| date.to_string()),
            settlement.merchant,
            settlement.number,
            currency,
            settlement.entries,
            money(settlement.opening),
            money(settlement.closing),
        );
    }
    print(&text)
}

pub(crate) fn payout(arguments: &PayoutArguments) -> Result<ExitCode, Failure> {
    let amount = Amount::new(arguments.minor, Currency::from_letters(&arguments.currency)?)?;
    let id = transfer_id(arguments.transfer.as_deref())?;
    let app = platform(&arguments.config)?;
    let payout = Payout { id, merchant: arguments.merchant, amount };
    let paid = runtime()?.block_on(app.pay_out(payout))?;
    print(&format!(
        "{} {} out of the account of {}.\nSend it at your bank with this reference: {}\n",
        amount,
        amount.currency(),
        arguments.merchant,
        paid.transfer
    ))
}
