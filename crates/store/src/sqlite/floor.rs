//! What the engine alone can do on a file: the floor that a benchmark measures itself against.

use std::path::Path;

use model::Currency;

use super::session::Transaction;
use super::{Options, connection};
use crate::error::StoreError;
use crate::sql::write::{INSERT_POSTING, INSERT_TRANSFER};
use crate::sql::{Arg, Args as _, Session as _, params};

/// Durable two-posting transfers on this file, at `batch` a commit, for `commits` commits, without anything
/// around them. Transfers made. Once a file: the ids are the same every time.
pub fn floor(path: &Path, batch: u32, commits: u32) -> Result<u64, StoreError> {
    let mut connection = connection::ready(path, Options::default().busy_wait)?;
    let currency = Currency::CNY.number();
    let mut made = 0_u64;
    for commit in 0..commits {
        let transaction = Transaction::begin(&mut connection)?;
        let run = |sql, args: &[Arg<'_>]| transaction.run(sql, args);
        if commit == 0 {
            let sql =
                "insert or ignore into account (id, kind, owner, currency) values (?, 'suspense', ?, ?)";
            for account in 0..1000_i64 {
                params![-1 - account, -1 - account, currency].with(|args| run(sql, args))?;
            }
        }
        for _ in 0..batch {
            made += 1;
            let id = u128::from(made).to_be_bytes();
            let seed = i64::try_from(made % 1000).unwrap_or(0);
            let (from, to) = (-1 - seed, -1 - (seed + 7) % 1000);
            let params = params![id, from, to, currency, 1, 1, "floor", 0];
            params.with(|args| run(INSERT_TRANSFER, args))?;
            for (account, units) in [(from, -1), (to, 1)] {
                params![id, account, units, 0].with(|args| run(INSERT_POSTING, args))?;
                let sql = "update account set posted = posted + ? where id = ?";
                params![units, account].with(|args| run(sql, args))?;
            }
        }
        transaction.commit()?;
    }
    Ok(made)
}
