//! What must survive: cards, marks, orders, entries and evidence, behind one trait.
//!
//! For: keeping what was acknowledged through `kill -9`, and doing nothing twice. [`Store::write`] runs a
//! unit of work in one database transaction and answers when it is durable; [`Reading`] and [`Unit`] are
//! what a unit of work can see and change.
//! Refuses: deciding. A unit of work is a function of `server::app` over the rules of `payment`; here is no
//! rule but the unique constraints that hold when everything else fails.
//! Next: [`mod@unit`] for the operations, [`sqlite`] for the writer and its group commit.

mod error;
mod handle;
pub mod rows;
pub mod sqlite;
pub mod unit;

pub use error::{StoreError, WriteError};
pub use handle::{Queue, Store};
pub use rows::{
    Alarm, ApiKey, BalanceDifference, CardSummary, Evidence, Holder, Idempotent, KeyCheck, LinkState,
    Merchant, NewEvent, OrderCursor, Place, StoredAuthorization, StoredCard, StoredEvent, StoredOrder,
    StoredTransfer, Today, Totals,
};
pub use unit::{Reading, Unit};
