//! What is stored of money that comes back and goes out, as values.
//!
//! For: refunds, fees, settlements, payouts, banks' files with what differs, adjustments. Refuses: deciding about them (see
//! `payment`, `statement` and `server`). Next: [`mod@crate::money`] for what is done with them.

use model::{Amount, Currency, UnixMillis};
use payment::{
    AccountId, AccountKind, Adjustment, FeeOnRefund, FeeRule, MerchantId, OperatorId, OrderId, RefundId,
    TransferId,
};

/// A calendar day as a number: year × 10,000 + month × 100 + day, as in 20261121.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Day(pub u32);

/// A refund that was posted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRefund {
    /// Its id.
    pub id: RefundId,
    /// Of which order.
    pub order: OrderId,
    /// Whose order.
    pub merchant: MerchantId,
    /// How much was given back.
    pub amount: Amount,
    /// What had been given back of the order before, in minor units.
    pub refunded_before: i64,
    /// The transfer that moved it.
    pub transfer: TransferId,
    /// What the merchant got back of the fee, in minor units.
    pub fee_back: u32,
    /// The transfer that moved that, if anything.
    pub fee_transfer: Option<TransferId>,
    /// The merchant's own reference.
    pub reference: Option<String>,
    /// When.
    pub created_at: UnixMillis,
}

/// A merchant's fee rule in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredFeeRule {
    /// Whose.
    pub merchant: MerchantId,
    /// The rule.
    pub rule: FeeRule,
    /// When it was set.
    pub set_at: UnixMillis,
}

/// What stands beside an order where a merchant's are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderDetails {
    /// Of which order.
    pub order: OrderId,
    /// What its place is called; empty where it has none.
    pub place: String,
    /// What was given back of it, in minor units.
    pub refunded: i64,
    /// What was kept of it, in minor units.
    pub fee: Option<u32>,
}

/// What was kept of a payment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PaymentFee {
    /// Of which order.
    pub order: OrderId,
    /// How much.
    pub amount: Amount,
    /// What the rule said of refunds when the order was paid.
    pub on_refund: FeeOnRefund,
    /// The transfer that moved it.
    pub transfer: TransferId,
    /// When.
    pub created_at: UnixMillis,
}

/// A posting with what it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movement {
    /// When it was posted.
    pub at: UnixMillis,
    /// What for: the transfer's word.
    pub purpose: String,
    /// Of which transfer.
    pub transfer: TransferId,
    /// The order that it belongs to, if any.
    pub order: Option<OrderId>,
    /// The merchant's reference of that order.
    pub reference: Option<String>,
    /// Minor units: above zero into the account.
    pub units: i64,
}

/// What moved in an account within a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moved {
    /// How many postings.
    pub entries: u32,
    /// Their sum, in minor units.
    pub units: i64,
}

/// A closed day of a merchant's account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSettlement {
    /// Whose.
    pub merchant: MerchantId,
    /// Which day.
    pub day: Day,
    /// The account's currency.
    pub currency: Currency,
    /// The account.
    pub account: AccountId,
    /// Its number among the account's, from 1, without gaps.
    pub number: u32,
    /// The day's first moment.
    pub from: UnixMillis,
    /// The first moment after it.
    pub to: UnixMillis,
    /// Where its clocks stand, in seconds east of UTC.
    pub offset_seconds: i32,
    /// The balance before, in minor units.
    pub opening: i64,
    /// The balance after, in minor units.
    pub closing: i64,
    /// How many postings lie between.
    pub entries: u32,
    /// When it was made.
    pub made_at: UnixMillis,
}

/// Money that went to a merchant's bank.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredPayout {
    /// The transfer; its text is the reference at the bank.
    pub transfer: TransferId,
    /// Whose.
    pub merchant: MerchantId,
    /// How much.
    pub amount: Amount,
    /// When.
    pub created_at: UnixMillis,
}

/// A bank's file that was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankFile {
    /// Its number; what is added gets one.
    pub id: u32,
    /// SHA-256 of its bytes.
    pub digest: [u8; 32],
    /// What it was called.
    pub name: String,
    /// `csv` or `camt053`.
    pub form: String,
    /// The first day that it has an entry of.
    pub first_day: Day,
    /// The last one.
    pub last_day: Day,
    /// How many entries were taken.
    pub entries: u32,
    /// How many of them are ours.
    pub matched: u32,
    /// When.
    pub imported_at: UnixMillis,
}

/// An entry of a bank's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBankEntry {
    /// Of which file.
    pub file: u32,
    /// Its number there, from 1.
    pub number: u32,
    /// The line where it stands, from 1.
    pub line: u32,
    /// The currency.
    pub currency: Currency,
    /// Minor units: above zero into the account at the bank.
    pub units: i64,
    /// When the bank booked it.
    pub booked: Day,
    /// The bank's own reference.
    pub bank_reference: Option<String>,
    /// The reference that went with the payment.
    pub reference: Option<String>,
    /// What the bank or the payer wrote.
    pub text: String,
    /// Ours that it is.
    pub transfer: Option<TransferId>,
    /// How that was found.
    pub found_by: Option<String>,
}

/// How ours and the bank's differ.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DifferenceKind {
    /// The bank does not have ours.
    Missing,
    /// We do not have the bank's.
    Unknown,
    /// The bank has it once more.
    Duplicate,
    /// Both have it, with other money.
    Differing,
}

impl DifferenceKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Missing, Self::Unknown, Self::Duplicate, Self::Differing];

    /// The word for tables and pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Unknown => "unknown",
            Self::Duplicate => "duplicate",
            Self::Differing => "differing",
        }
    }

    /// The kind of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }
}

/// How a difference ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Resolution {
    /// A later file had it.
    Found,
    /// The bank puts it right.
    BankCorrects,
    /// An adjustment put it right.
    Adjusted,
    /// It stays as it is.
    Accepted,
}

impl Resolution {
    /// Every way.
    pub const ALL: [Self; 4] = [Self::Found, Self::BankCorrects, Self::Adjusted, Self::Accepted];

    /// The word for tables and commands.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Found => "found",
            Self::BankCorrects => "bank-corrects",
            Self::Adjusted => "adjusted",
            Self::Accepted => "accepted",
        }
    }

    /// The way of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|way| way.name() == name)
    }
}

/// How, why, by whom and when a difference ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// How.
    pub resolution: Resolution,
    /// Why, in a person's words.
    pub reason: String,
    /// By whom; nobody where a file decided it.
    pub by: Option<OperatorId>,
    /// When.
    pub at: UnixMillis,
}

/// What differs between ours and a bank's file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDifference {
    /// Its number; what is added gets one.
    pub id: u32,
    /// How they differ.
    pub kind: DifferenceKind,
    /// The file that showed it.
    pub file: u32,
    /// The file's entry, if it is about one.
    pub entry: Option<u32>,
    /// Ours, if it is about one.
    pub transfer: Option<TransferId>,
    /// The currency.
    pub currency: Currency,
    /// What we have, in minor units as the bank would say it.
    pub ours: Option<i64>,
    /// What the bank has, in minor units.
    pub theirs: Option<i64>,
    /// The day of the bank's entry, else of ours.
    pub day: Day,
    /// When it was found.
    pub found_at: UnixMillis,
    /// How it ended, if it has.
    pub resolved: Option<Resolved>,
}

/// An adjustment with what it led to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAdjustment {
    /// The adjustment.
    pub adjustment: Adjustment,
    /// The transfer, once it was posted.
    pub transfer: Option<TransferId>,
    /// When its state last changed.
    pub updated_at: UnixMillis,
}

/// Whose an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AccountOwner {
    /// What it is for.
    pub kind: AccountKind,
    /// Of whom: a merchant's number, a holder's reference as a signed number, or 0.
    pub owner: i64,
    /// Its currency.
    pub currency: Currency,
}
