//! The operators' console: today, cards, fleet, ledger, money, webhooks, merchants; loads and their reversals, terminals,
//! wallets; the login and the audit log. It shows. Nine things are done here: a load whose card is gone is put in doubt, one
//! in doubt is settled, one that was credited is given back by two persons, an adjustment is made by two persons, a terminal or an API key is revoked, a waiting
//! downlink is taken back or put elsewhere in the queue, an alert is cleared, a webhook is sent again. What a role may not do
//! is not shown ([`Page::may_post`]).

mod adjustments;
mod audit;
mod fleet;
mod loads;
mod login;
mod merchants;
mod money;
mod plot;
mod reversals;
mod terminals;
mod timeline;
mod webhooks;

pub use adjustments::{
    AdjustmentAccount, AdjustmentForm, AdjustmentRefusal, AdjustmentState, AdjustmentView, ConsoleAdjustment,
    ConsoleAdjustments,
};
pub use audit::{AuditAction, AuditRow, ConsoleAudit};
pub use fleet::{
    AlertKind, AlertRow, ChannelRow, ConsoleAlerts, ConsoleChannel, ConsoleDownlink, ConsoleFleet,
    ConsoleQueue, DownlinkFailure, DownlinkPriority, DownlinkRow, DownlinkState, Fact, FleetSearch, GroupRow,
    Presence, Tally, UpTo,
};
pub use loads::{
    AttemptRow, ConsoleLoad, ConsoleLoads, ConsoleSettle, EvidenceRow, Finding, LoadCount, LoadRow,
    LoadState, LoadView, Settled, Settlement,
};
pub use login::{ConsoleLogin, LoginStep};
pub use merchants::{ApiKeyRow, ConsoleMerchants, ConsoleRevokeKey};
pub use money::{
    BankEntryView, ConsoleDifference, ConsoleMoney, DifferenceKind, DifferenceRow, Resolution, ResolvedView,
    SettlementRow,
};
pub use plot::{Plot, Point};
pub use reversals::{
    AskedReversal, ConsoleReversal, ConsoleReversals, Ground, ReversalForm, ReversalRefusal, ReversalState,
    ReversalView,
};
pub use terminals::{
    ConsoleRevoke, ConsoleTerminals, ConsoleWallets, TerminalRow, TerminalState, WalletRow, WalletState,
};
pub use timeline::{CardRefusal, FrameOutcome, FrameRow};
pub use webhooks::{
    ConsoleDelivery, ConsoleWebhook, ConsoleWebhooks, DeliveryRow, DeliveryState, EndpointRow, EndpointState,
    NoAnswer, WebhookAnswer, WebhookAttemptRow,
};

use askama::Template;

use crate::href::Href;
use crate::language::Language;
use crate::money::Money;
use crate::order::OrderState;
use crate::page::Page;

/// Where in the console a page stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Tab {
    Today,
    Cards,
    Fleet,
    Ledger,
    Loads,
    Merchants,
    Money,
    Terminals,
    Wallets,
    Audit,
}

/// How an order may stand at the end of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Paid.
    Paid,
    /// Still waiting for a card or its answer.
    Waiting,
    /// Declined.
    Declined,
    /// Not answered in time.
    Expired,
    /// Withdrawn.
    Canceled,
    /// Not to be carried out.
    Failed,
}

impl Outcome {
    /// The class that colours it: the same as an order's state.
    pub fn class(self) -> &'static str {
        match self {
            Outcome::Paid => "is-paid",
            Outcome::Waiting => "is-awaiting",
            Outcome::Declined => "is-declined",
            Outcome::Expired => "is-expired",
            Outcome::Canceled => "is-canceled",
            Outcome::Failed => "is-failed-order",
        }
    }

    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().console;
        match self {
            Outcome::Paid => w.outcome_paid,
            Outcome::Waiting => w.outcome_waiting,
            Outcome::Declined => w.outcome_declined,
            Outcome::Expired => w.outcome_expired,
            Outcome::Canceled => w.outcome_canceled,
            Outcome::Failed => w.outcome_failed,
        }
    }
}

/// How many orders stand so today.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutcomeCount {
    /// How.
    pub outcome: Outcome,
    /// How many.
    pub count: u64,
}

/// A line of the table of payments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PaymentRow {
    /// When, as text.
    pub time: String,
    /// The order's id.
    pub order_id: String,
    /// The order's page, when operators may open it.
    pub order_href: Option<Href>,
    /// Who asked.
    pub merchant: String,
    /// The card.
    pub masked_card: String,
    /// How much.
    pub amount: Money,
    /// What became of it, with the reason.
    pub state: OrderState,
}

/// `GET /console`: today.
#[derive(Debug, Clone, Template)]
#[template(path = "console/today.html")]
pub struct ConsoleToday {
    /// Language and place.
    pub page: Page,
    /// The day, as text.
    pub date: String,
    /// How many orders stand how.
    pub counts: Vec<OutcomeCount>,
    /// What was paid today, a line for each currency.
    pub paid: Vec<Money>,
    /// The last payments, newest first.
    pub rows: Vec<PaymentRow>,
    /// Older payments.
    pub older: Option<Href>,
}

impl ConsoleToday {
    fn tab(&self) -> Tab {
        Tab::Today
    }
}

/// Where a card stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LifeCycle {
    /// Made and keyed, not yet in anybody's hand.
    Issued,
    /// In use.
    Active,
    /// Frozen by "not me", by its holder or by an operator.
    Frozen,
    /// Reported lost.
    Lost,
    /// Past its validity.
    Expired,
    /// Closed for ever.
    Closed,
}

impl LifeCycle {
    /// The class that colours it.
    pub fn class(self) -> &'static str {
        match self {
            LifeCycle::Issued => "life-issued",
            LifeCycle::Active => "life-active",
            LifeCycle::Frozen => "life-frozen",
            LifeCycle::Lost => "life-lost",
            LifeCycle::Expired => "life-expired",
            LifeCycle::Closed => "life-closed",
        }
    }

    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().console;
        match self {
            LifeCycle::Issued => w.life_issued,
            LifeCycle::Active => w.life_active,
            LifeCycle::Frozen => w.life_frozen,
            LifeCycle::Lost => w.life_lost,
            LifeCycle::Expired => w.life_expired,
            LifeCycle::Closed => w.life_closed,
        }
    }
}

/// A line of the table of cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardRow {
    /// Its number as people may see it.
    pub masked_number: String,
    /// Its id within the issuer.
    pub card_id: String,
    /// Its holder, masked; nothing when bound to nobody.
    pub holder: Option<String>,
    /// Where it stands.
    pub life: LifeCycle,
    /// Its radio channel.
    pub channel: String,
    /// Its key's version, 1 to 15.
    pub key_version: u8,
    /// What its holder has available; nothing without a holder's account.
    pub balance: Option<Money>,
}

/// `GET /console/cards`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/cards.html")]
pub struct ConsoleCards {
    /// Language and place.
    pub page: Page,
    /// The cards.
    pub rows: Vec<CardRow>,
    /// Older ones.
    pub older: Option<Href>,
}

impl ConsoleCards {
    fn tab(&self) -> Tab {
        Tab::Cards
    }
}

/// What an account is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountKind {
    /// Holders' money.
    Holder,
    /// Owed to merchants.
    Merchant,
    /// Fees earned.
    Fee,
    /// The bank's side.
    Settlement,
    /// Money on its way onto wallet cards.
    LoadFloat,
    /// Not yet explained.
    Suspense,
}

impl AccountKind {
    /// Its name.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().console;
        match self {
            AccountKind::Holder => w.account_holder,
            AccountKind::Merchant => w.account_merchant,
            AccountKind::Fee => w.account_fee,
            AccountKind::Settlement => w.account_settlement,
            AccountKind::LoadFloat => w.account_load_float,
            AccountKind::Suspense => w.account_suspense,
        }
    }
}

/// All accounts of one kind in one currency. Amounts are text without the currency, aligned by their digits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountRow {
    /// The kind.
    pub kind: AccountKind,
    /// How many accounts.
    pub accounts: u64,
    /// Posted.
    pub posted: String,
    /// Pending.
    pub pending: String,
    /// Available.
    pub available: String,
}

/// The ledger in one currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CurrencyLedger {
    /// Its alphabetic code.
    pub code: String,
    /// Accounts by kind.
    pub rows: Vec<AccountRow>,
    /// The sum of all that was posted, as text; `0.00` in a healthy ledger.
    pub sum: String,
    /// Whether it sums to zero. The server says so; the pages do not compute.
    pub balanced: bool,
}

/// How many transfers stand how, in all currencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct TransferCounts {
    /// Set aside.
    pub pending: u64,
    /// Moved.
    pub posted: u64,
    /// Given back.
    pub voided: u64,
    /// Given back by time.
    pub expired: u64,
}

/// `GET /console/ledger`.
#[derive(Debug, Clone, Template)]
#[template(path = "console/ledger.html")]
pub struct ConsoleLedger {
    /// Language and place.
    pub page: Page,
    /// When it was checked, as text.
    pub checked_at: String,
    /// A ledger for each currency.
    pub currencies: Vec<CurrencyLedger>,
    /// Transfers.
    pub transfers: TransferCounts,
}

impl ConsoleLedger {
    fn tab(&self) -> Tab {
        Tab::Ledger
    }

    fn all_balanced(&self) -> bool {
        self.currencies.iter().all(|it| it.balanced)
    }
}
