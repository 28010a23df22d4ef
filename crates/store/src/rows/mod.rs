//! What is stored, as values.

mod api_key;
mod fleet;
mod lease;
mod money;
mod operator;
mod reversal;
mod secret;
mod tap;
mod test_mode;
mod webhook;

use air::platform::Marks;
use air::{Transaction, TransactionContext};
use crypto::{CheckValue, KeyOrigin, Suite};
use model::{CardId, ChannelId, Currency, Decision, HolderReference, KeyVersion, PlaceId, UnixMillis};
use payment::{
    AccountId, AccountKind, Authorization, CardRecord, LifeCycle, MerchantId, Order, OrderId, TransferId,
    TransferState,
};

pub use self::api_key::{ApiKey, ApiKeyId, ApiKeyIdError, ApiScope, StoredApiKey};
pub use self::fleet::{
    ChannelFilter, ChannelGroup, ChannelPage, ChannelTally, GroupId, HeardState, ImportProgress, NewFrame,
    Registered, Registration, StoredAlert, StoredChannel, StoredDownlink, StoredFrame,
};
pub use self::lease::{Lease, StoredNode};
pub use self::money::{
    AccountOwner, BankFile, Day, DifferenceKind, Moved, Movement, OrderDetails, PaymentFee, Resolution,
    Resolved, StoredAdjustment, StoredBankEntry, StoredDifference, StoredFeeRule, StoredPayout, StoredRefund,
    StoredSettlement,
};
pub use self::operator::{NewOperator, OperatorSession, StoredOperator};
pub use self::reversal::StoredReversal;
pub use self::secret::{KeptSecret, Residue, StoredSecretKey};
pub use self::tap::{
    Activation, BankCard, LoadAttempt, LoadCount, OutgoingSms, SmsCode, SmsState, StoredLoad, StoredTerminal,
    TapAuthorization, TerminalState, Wallet, WalletState, WorkingKey,
};
pub use self::test_mode::{StoredTestCard, TestClock, TestTask};
pub use self::webhook::{
    DeliverySummary, DueDelivery, OutgoingEvent, StoredAttempt, StoredDelivery, StoredEndpoint,
    StoredMessage, StoredSecret,
};

/// A merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Merchant {
    /// Its number.
    pub id: MerchantId,
    /// Its name as holders read it.
    pub name: String,
}

/// A place of a merchant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The number that frames carry.
    pub id: PlaceId,
    /// Its name.
    pub name: String,
}

/// The person behind a reference.
#[derive(Clone, PartialEq, Eq)]
pub struct Holder {
    /// The reference.
    pub reference: HolderReference,
    /// The name.
    pub name: String,
    /// SHA-256 of reference and document number: proves who it was, tells nothing.
    pub document_digest: [u8; 32],
}

impl std::fmt::Debug for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.reference)
    }
}

/// A card as the issuer keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredCard {
    /// What the audit compares, and where it stands in its life.
    pub record: CardRecord,
    /// Its radio channel.
    pub channel: ChannelId,
    /// Its suite.
    pub suite: Suite,
    /// The version of its key.
    pub key_version: KeyVersion,
    /// Where its key comes from.
    pub key_origin: KeyOrigin,
    /// Its key's check value.
    pub key_check: KeyCheck,
    /// Whether it listens between its own frames, so that a push reaches it.
    pub listens: bool,
}

/// A check value as it is stored.
pub type KeyCheck = CheckValue;

impl StoredCard {
    /// The card's id.
    pub fn id(&self) -> CardId {
        self.record.information.card_id
    }

    /// What both ends hold before any frame.
    pub fn link(&self) -> air::Link {
        air::Link {
            channel: self.channel,
            card_id: self.id(),
            key_version: self.key_version,
            suite: self.suite,
        }
    }

    /// The name of its key.
    pub fn key(&self) -> crypto::CardKeyReference {
        crypto::CardKeyReference {
            card_id: self.id(),
            version: self.key_version,
            suite: self.suite,
            origin: self.key_origin,
        }
    }
}

/// What changes with a card's frames.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkState {
    /// The durable high-water marks.
    pub marks: Marks,
    /// Whether the card's clock is known to be set: without it no push.
    pub clock_set: bool,
    /// Battery as last told, 0 to 200.
    pub battery: Option<u8>,
    /// Firmware as last told.
    pub firmware: Option<u16>,
    /// When a frame last moved a mark.
    pub heard_at: Option<UnixMillis>,
    /// Where that frame came from: where a push goes.
    pub address: Option<String>,
    /// The last accepted hello or status, byte for byte.
    pub last_uplink: Vec<u8>,
    /// What was answered to it, byte for byte; empty for nothing.
    pub last_answer: Vec<u8>,
    /// When the hour of the prompt limit began.
    pub prompts_since: UnixMillis,
    /// Prompts in that hour.
    pub prompts: u32,
}

/// An order with what only pages and merchants need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredOrder {
    /// The order.
    pub order: Order,
    /// What a card's display shows.
    pub text: Option<String>,
    /// The merchant's own reference.
    pub reference: Option<String>,
    /// Where the buyer goes afterwards.
    pub return_url: Option<String>,
    /// When its state last changed.
    pub updated_at: UnixMillis,
}

/// A question put to a card, with its evidence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAuthorization {
    /// Which card.
    pub card: CardId,
    /// Under which key.
    pub key_version: KeyVersion,
    /// For which order.
    pub order: OrderId,
    /// B, until when, and where it stands.
    pub authorization: Authorization,
    /// What the transaction's code covers besides its text.
    pub context: TransactionContext,
    /// What the card shows.
    pub shown: Transaction,
    /// The frames.
    pub evidence: Evidence,
    /// When it was made.
    pub created_at: UnixMillis,
}

/// The frames of one authorization, byte for byte, so that a dispute can be replayed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Evidence {
    /// The hello it answers; empty when pushed.
    pub hello: Vec<u8>,
    /// The transaction.
    pub transaction: Vec<u8>,
    /// The result, once it came.
    pub result: Vec<u8>,
    /// What it decided.
    pub decision: Option<Decision>,
    /// The receipt.
    pub receipt: Vec<u8>,
    /// When the result came.
    pub answered_at: Option<UnixMillis>,
}

/// A transfer as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTransfer {
    /// Its id.
    pub id: TransferId,
    /// From.
    pub from: AccountId,
    /// To.
    pub to: AccountId,
    /// What was set aside.
    pub amount: model::Amount,
    /// Where it stands.
    pub state: TransferState,
}

/// A merchant's event to be stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewEvent {
    /// Who is told.
    pub merchant: MerchantId,
    /// About which order.
    pub order: OrderId,
    /// What: `order.paid` and its like.
    pub kind: &'static str,
    /// When.
    pub at: UnixMillis,
}

/// A merchant's event as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// Rises over all events.
    pub seq: i64,
    /// What.
    pub kind: String,
    /// When.
    pub at: UnixMillis,
}

/// Something that the issuer must hear of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alarm {
    /// Which card, if one.
    pub card: Option<CardId>,
    /// What else it is about, if anything: a wallet card's serial number, a terminal's number.
    pub subject: Option<String>,
    /// What: `not_me`, `possible_clone`.
    pub kind: String,
    /// When.
    pub at: UnixMillis,
}

/// A first answer that a repeated request gets again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Idempotent {
    /// SHA-256 of the request's body.
    pub body_digest: [u8; 32],
    /// The answer's status.
    pub status: u16,
    /// The answer's body.
    pub body: String,
    /// When it was given.
    pub created_at: UnixMillis,
}

/// Where a list goes on: below this id.
pub type OrderCursor = Option<OrderId>;

/// A card as the console lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardSummary {
    /// The card.
    pub card: StoredCard,
    /// Its frames' state.
    pub link: LinkState,
    /// Orders that wait for it.
    pub waiting: u32,
}

/// Payments since a moment, by state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Today {
    /// State, currency, how many, minor units together.
    pub by_state: Vec<(String, Currency, u64, i64)>,
}

/// The sums of one kind of account in one currency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Totals {
    /// Which kind.
    pub kind: AccountKind,
    /// Which currency.
    pub currency: Currency,
    /// How many accounts.
    pub accounts: u64,
    /// Posted together.
    pub posted: i64,
    /// Pending out of them.
    pub pending_out: i64,
    /// Pending into them.
    pub pending_in: i64,
}

/// An account whose stored balance is not the sum of its postings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BalanceDifference {
    /// Which account.
    pub account: AccountId,
    /// Posted, pending out, pending in as stored.
    pub stored: [i64; 3],
    /// The same, recomputed from postings and pending transfers.
    pub recomputed: [i64; 3],
}

/// The life cycle of a row's word, for back ends.
pub(crate) fn life_cycle(word: &str) -> Result<LifeCycle, crate::StoreError> {
    LifeCycle::from_name(word).ok_or(crate::StoreError::Malformed("card.life_cycle"))
}
