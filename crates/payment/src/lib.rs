//! The rules of money: orders, authorizations, the life of a card, and double entry.
//!
//! For: every decision about whether money moves, as pure functions of values. [`Order::apply`] is the one
//! place that knows what an event does to an order; [`ledger`] the one place that makes entries. Refunds, fees and
//! adjustments by two persons follow from these.
//! Refuses: frames and keys (see `air`), storage (see `store`), clocks and random sources (arguments).
//! Next: [`order`] for an order's life, [`ledger`] for transfers, `server::app` for who calls them when.
#![no_std]

pub mod adjustment;
pub mod authorization;
pub mod card;
pub mod fee;
pub mod ledger;
pub mod load;
pub mod order;
pub mod press;
pub mod refund;
pub mod reversal;
pub mod test_answer;

pub use adjustment::{
    Adjustment, AdjustmentError, AdjustmentEvent, AdjustmentId, AdjustmentIdError, AdjustmentState, Legs,
    Reason, ReasonError,
};
pub use authorization::{Authorization, AuthorizationState, Verdict};
pub use card::{AuditRefusal, Audited, CardError, CardEvent, CardRecord, LifeCycle};
pub use fee::{Fee, FeeError, FeeOnRefund, FeeRule};
pub use ledger::{
    Account, AccountId, AccountKind, LedgerError, Overdraft, PendingTransfer, PostedTransfer, Posting,
    TransferId, TransferState, VoidedTransfer,
};
pub use load::{CardSays, Load, LoadChange, LoadError, LoadEvent, LoadId, LoadIdError, LoadState};
pub use order::{
    Change, DeclineReason, Money, Order, OrderError, OrderEvent, OrderId, OrderIdError, OrderState,
};
pub use press::{PressCount, PressRule};
pub use refund::{PostedRefund, Refund, RefundId, RefundIdError, RefundRefused, RefundState, Refundable};
pub use reversal::{
    CardNow, Ground, Reversal, ReversalError, ReversalEvent, ReversalId, ReversalIdError, ReversalState,
    ReversalWish,
};
pub use test_answer::{TestAnswer, TestHabit};

use core::fmt;

/// A merchant of the platform.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MerchantId(pub u32);

impl fmt::Display for MerchantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "mer_{:08x}", self.0)
    }
}

impl fmt::Debug for MerchantId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A person who runs the platform. Written `op_` and 8 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OperatorId(pub u32);

impl fmt::Display for OperatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "op_{:08x}", self.0)
    }
}

impl fmt::Debug for OperatorId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
