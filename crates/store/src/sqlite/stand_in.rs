//! Rows in the file that stand in for cards and accounts, for benches.

use std::ops::Range;
use std::path::Path;

use super::{Options, connection};
use crate::error::StoreError;
use crate::sql::stand_in::{self, Words};

const WORDS: Words = Words {
    channel: "cast(printf('c%08d', n) as blob)",
    check_value: "x'000000'",
    frame: "zeroblob(32)",
    accounts: "account",
};

/// Adds cards of these numbers (from 0) that pay nothing, with holder, link state and account: for a bench alone.
pub fn add_stand_ins(path: &Path, cards: Range<u32>) -> Result<(), StoreError> {
    let mut connection = connection::ready(path, Options::default().busy_wait)?;
    let transaction = connection.transaction()?;
    for statement in stand_in::statements(cards, WORDS) {
        transaction.execute(&statement, [])?;
    }
    Ok(transaction.commit()?)
}

/// Opens accounts of the bank's side, which may go below zero, with these owners: for a bench alone.
pub fn open_accounts(path: &Path, owners: Range<u32>) -> Result<(), StoreError> {
    let connection = connection::ready(path, Options::default().busy_wait)?;
    connection.execute(&stand_in::accounts(owners, WORDS.accounts), [])?;
    Ok(())
}

/// Bytes of the file, its log written into it first.
pub fn size(path: &Path) -> Result<u64, StoreError> {
    let connection = connection::ready(path, Options::default().busy_wait)?;
    connection.query_row("pragma wal_checkpoint(truncate)", [], |_| Ok(()))?;
    let bytes = "select page_count * page_size from pragma_page_count(), pragma_page_size()";
    Ok(connection.query_row(bytes, [], |row| row.get(0))?)
}
