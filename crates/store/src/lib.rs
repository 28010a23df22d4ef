//! What must survive: cards, marks, orders, entries and evidence, behind one trait.
//!
//! For: keeping what was acknowledged through `kill -9`, and doing nothing twice. [`Store::write`] runs a
//! unit of work in one database transaction and answers when it is durable; [`Reading`] and [`Unit`] are
//! what a unit of work can see and change.
//! Refuses: deciding. A unit of work is a function of `server::app` over the rules of `payment`; here is no
//! rule but the unique constraints that hold when everything else fails.
//! Next: [`mod@unit`] and [`mod@crate::tap`] for the operations, [`sqlite`] for the writer and its group commit.

mod error;
mod handle;
pub mod rows;
pub mod sqlite;
pub mod tap;
pub mod unit;

pub use error::{StoreError, WriteError};
pub use handle::{Queue, Store};
pub use rows::{
    Activation, Alarm, ApiKey, BalanceDifference, BankCard, CardSummary, Evidence, Holder, Idempotent,
    KeyCheck, LinkState, LoadAttempt, LoadCount, Merchant, NewEvent, OrderCursor, OutgoingSms, Place,
    SmsCode, SmsState, StoredAuthorization, StoredCard, StoredEvent, StoredLoad, StoredOrder, StoredTerminal,
    StoredTransfer, TapAuthorization, TerminalState, Today, Totals, Wallet, WalletState, WorkingKey,
};
// `tap` alone could be the crate of that name.
pub use crate::tap::{TapReading, TapUnit};
pub use unit::{Reading, Unit};
