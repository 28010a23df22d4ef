//! What must survive: cards, marks, orders, entries and evidence, behind one trait.
//!
//! For: keeping what was acknowledged through `kill -9`, and doing nothing twice. [`Store::write`] runs a
//! unit of work in one database transaction and answers when it is durable; [`Reading`] and [`Unit`] are
//! what a unit of work can see and change.
//! Refuses: deciding. A unit of work is a function of `server::app` over the rules of `payment`; here is no
//! rule but the unique constraints that hold when everything else fails.
//! Next: [`mod@unit`], [`mod@crate::tap`], [`mod@crate::fleet`] [`mod@crate::money`], [`mod@crate::operator`], [`mod@crate::webhook`] and [`mod@crate::secret`] for the operations, [`sqlite`] for the writer and its group commit.

mod books;
mod error;
pub mod fleet;
mod handle;
pub mod lease;
pub mod migration;
pub mod money;
pub mod moving;
pub mod operator;
pub mod postgres;
pub mod reversal;
pub mod rows;
pub mod secret;
mod sql;
pub mod sqlite;
pub mod tap;
pub mod test_mode;
pub mod unit;
pub mod webhook;
mod writer;

pub use books::Books;
pub use error::{LayoutError, MoveError, Side, StoreError, WriteError};
pub use handle::{Queue, Store, Wiped};
pub use rows::{
    AccountOwner, Activation, Alarm, ApiKey, ApiKeyId, ApiKeyIdError, ApiScope, BalanceDifference, BankCard,
    BankFile, CardSummary, ChannelFilter, ChannelGroup, ChannelPage, ChannelTally, Day, DeliverySummary,
    DifferenceKind, DueDelivery, Evidence, GroupId, HeardState, Holder, Idempotent, ImportProgress,
    KeptSecret, KeyCheck, Lease, LinkState, LoadAttempt, LoadCount, Merchant, Moved, Movement, NewEvent,
    NewFrame, NewOperator, OperatorSession, OrderCursor, OrderDetails, OutgoingEvent, OutgoingSms,
    PaymentFee, Place, Registered, Registration, Residue, Resolution, Resolved, SmsCode, SmsState,
    StoredAdjustment, StoredAlert, StoredApiKey, StoredAttempt, StoredAuthorization, StoredBankEntry,
    StoredCard, StoredChannel, StoredDelivery, StoredDifference, StoredDownlink, StoredEndpoint, StoredEvent,
    StoredFeeRule, StoredFrame, StoredLoad, StoredMessage, StoredNode, StoredOperator, StoredOrder,
    StoredPayout, StoredRefund, StoredReversal, StoredSecret, StoredSecretKey, StoredSettlement,
    StoredTerminal, StoredTestCard, StoredTransfer, TapAuthorization, TerminalState, TestClock, TestTask,
    Today, Totals, Wallet, WalletState, WorkingKey,
};
// `fleet`, `operator`, `tap` and `webhook` alone could be the crates of those names.
pub use crate::fleet::{FleetReading, FleetUnit};
pub use crate::lease::{LeaseReading, LeaseUnit};
pub use crate::money::{MoneyReading, MoneyUnit};
pub use crate::operator::{OperatorReading, OperatorUnit};
pub use crate::reversal::{ReversalReading, ReversalUnit};
pub use crate::secret::{SecretReading, SecretUnit};
pub use crate::tap::{TapReading, TapUnit};
pub use crate::test_mode::{TestReading, TestUnit};
pub use crate::webhook::{WebhookReading, WebhookUnit};
pub use unit::{Reading, Unit};
