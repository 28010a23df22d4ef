//! `ledger check`: every balance again, from the postings.

use std::process::ExitCode;

use model::Currency;
use store::Store;

use crate::cli::{ConfigArguments, Failure, print};
use crate::database::Database;
use crate::places::Places;

pub(crate) const EXAMPLES: &str = "\
Examples:
  counterfoil ledger check
  counterfoil ledger check --config counterfoil.toml || echo 'the books do not agree'

The platform may run meanwhile. Each currency must sum to zero, and each balance to its postings.";

pub(crate) fn check(arguments: &ConfigArguments) -> Result<ExitCode, Failure> {
    let config = arguments.load()?;
    let database = Database::of(&config, &Places::at(&config.data)?)?;
    report(&database.open_known()?)
}

/// What a database's sums come to.
pub(crate) fn report(store: &Store) -> Result<ExitCode, Failure> {
    let (totals, differences, transfers) =
        store.peek(|rows| Ok((rows.totals()?, rows.balance_differences()?, rows.transfer_counts()?)))?;
    let mut text = String::new();
    let mut sums: Vec<(Currency, i128)> = Vec::new();
    for total in &totals {
        text += &format!(
            "{} {:<11} {:>7} accounts  posted {:>18}  pending out {:>14}  in {:>14}\n",
            total.currency,
            total.kind.name(),
            total.accounts,
            total.currency.display(total.posted).to_string(),
            total.currency.display(total.pending_out).to_string(),
            total.currency.display(total.pending_in).to_string(),
        );
        match sums.iter_mut().find(|(currency, _)| *currency == total.currency) {
            Some((_, sum)) => *sum += i128::from(total.posted),
            None => sums.push((total.currency, i128::from(total.posted))),
        }
    }
    let [pending, posted, voided, expired] = transfers;
    text += &format!("transfers: {pending} pending, {posted} posted, {voided} voided, {expired} expired\n");
    for difference in &differences {
        text += &format!(
            "DIFFERS account {}: stored posted/out/in {:?}, recomputed {:?}\n",
            difference.account.0, difference.stored, difference.recomputed
        );
    }
    for (currency, sum) in &sums {
        text += &format!("{currency} sums to {sum}\n");
    }
    let sound = differences.is_empty() && sums.iter().all(|(_, sum)| *sum == 0);
    text += if sound {
        "The ledger is sound: every balance is the sum of its postings, and every currency sums to zero.\n"
    } else {
        "THE LEDGER IS NOT SOUND. Stop the platform, keep a copy of the data folder, and find out why.\n"
    };
    print(&text)?;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
