//! A batch in one transaction of the file.

use rusqlite::Connection;

use super::session::Transaction;
use crate::error::StoreError;
use crate::handle::Job;
use crate::sql::write::Changes;
use crate::writer::Committer;

impl Committer for Connection {
    /// Commits a batch, or, when one of its jobs refused after it had changed something or met an error that
    /// ended the transaction, each job by itself.
    fn commit(&mut self, batch: &mut Vec<Box<dyn Job>>) {
        match together(self, batch) {
            Together::Kept(outcome) => {
                for job in batch.drain(..) {
                    job.done(outcome.clone());
                }
            }
            Together::Apart => {
                for mut job in batch.drain(..) {
                    let outcome = alone(self, job.as_mut());
                    job.done(outcome);
                }
            }
        }
    }
}

enum Together {
    Kept(Result<(), StoreError>),
    Apart,
}

fn together(connection: &mut Connection, batch: &mut [Box<dyn Job>]) -> Together {
    let transaction = match Transaction::begin(connection) {
        Ok(transaction) => transaction,
        Err(error) => return Together::Kept(Err(error)),
    };
    for job in batch.iter_mut() {
        let before = transaction.changes();
        let keep = job.run(&mut Changes(&transaction));
        if transaction.still_open().is_err() || !keep && transaction.changes() != before {
            // Dropped without commit: rolled back.
            return Together::Apart;
        }
    }
    Together::Kept(transaction.commit())
}

fn alone(connection: &mut Connection, job: &mut dyn Job) -> Result<(), StoreError> {
    let transaction = Transaction::begin(connection)?;
    if job.run(&mut Changes(&transaction)) { transaction.commit() } else { Ok(()) }
}
