//! What must survive: cards, marks, orders, entries and evidence, behind one trait.
//!
//! For: keeping what was acknowledged through `kill -9`, and doing nothing twice. [`Store::write`] runs a
//! unit of work in one database transaction and answers when it is durable; [`Reading`] and [`Unit`] are
//! what a unit of work can see and change.
//! Refuses: deciding. A unit of work is a function of `server::app` over the rules of `payment`; here is no
//! rule but the unique constraints that hold when everything else fails.
//! Next: [`mod@unit`], [`mod@crate::tap`] and [`mod@crate::fleet`] for the operations, [`sqlite`] for the writer and its group commit.

mod error;
pub mod fleet;
mod handle;
pub mod postgres;
pub mod rows;
mod sql;
pub mod sqlite;
pub mod tap;
pub mod unit;
mod writer;

pub use error::{StoreError, WriteError};
pub use handle::{Queue, Store};
pub use rows::{
    Activation, Alarm, ApiKey, BalanceDifference, BankCard, CardSummary, ChannelFilter, ChannelGroup,
    ChannelPage, ChannelTally, Evidence, GroupId, HeardState, Holder, Idempotent, ImportProgress, KeyCheck,
    LinkState, LoadAttempt, LoadCount, Merchant, NewEvent, NewFrame, OrderCursor, OutgoingSms, Place,
    Registered, Registration, SmsCode, SmsState, StoredAlert, StoredAuthorization, StoredCard, StoredChannel,
    StoredDownlink, StoredEvent, StoredFrame, StoredLoad, StoredOrder, StoredTerminal, StoredTransfer,
    TapAuthorization, TerminalState, Today, Totals, Wallet, WalletState, WorkingKey,
};
// `fleet` and `tap` alone could be the crates of those names.
pub use crate::fleet::{FleetReading, FleetUnit};
pub use crate::tap::{TapReading, TapUnit};
pub use unit::{Reading, Unit};
