//! What a unit of work can see and change.
//!
//! Every back end implements both traits and passes the same conformance suite (`tests/conformance`).

use model::{CardId, ChannelId, Currency, HolderReference, KeyVersion, PlaceId, TimeFactor, UnixMillis};
use payment::{
    Account, AccountId, AccountKind, MerchantId, OrderId, PendingTransfer, PostedTransfer, TransferId,
    VoidedTransfer,
};

use crate::StoreError;
use crate::fleet::{FleetReading, FleetUnit};
use crate::lease::{LeaseReading, LeaseUnit};
use crate::money::{MoneyReading, MoneyUnit};
use crate::operator::{OperatorReading, OperatorUnit};
use crate::reversal::{ReversalReading, ReversalUnit};
use crate::rows::{
    Alarm, ApiKey, ApiKeyId, BalanceDifference, CardSummary, Holder, Idempotent, LinkState, Merchant,
    NewEvent, OrderCursor, Place, StoredApiKey, StoredAuthorization, StoredCard, StoredEvent, StoredOrder,
    StoredTransfer, Today, Totals,
};
use crate::secret::{SecretReading, SecretUnit};
use crate::tap::{TapReading, TapUnit};
use crate::test_mode::{TestReading, TestUnit};
use crate::webhook::{WebhookReading, WebhookUnit};

type Found<T> = Result<Option<T>, StoreError>;
type Listed<T> = Result<Vec<T>, StoreError>;

/// What can be read. Lists take a limit and are in the order that their names say.
pub trait Reading:
    TapReading
    + FleetReading
    + MoneyReading
    + LeaseReading
    + OperatorReading
    + ReversalReading
    + SecretReading
    + TestReading
    + WebhookReading
{
    /// A merchant.
    fn merchant(&self, id: MerchantId) -> Found<Merchant>;
    /// The key of a digest, unless it was revoked.
    fn api_key(&self, digest: &[u8; 32]) -> Found<ApiKey>;
    /// The key of an id, revoked or not.
    fn api_key_of_id(&self, id: ApiKeyId) -> Found<StoredApiKey>;
    /// A merchant's keys, revoked or not, the oldest first.
    fn api_keys_of(&self, merchant: MerchantId, limit: u32) -> Listed<StoredApiKey>;
    /// A place.
    fn place(&self, id: PlaceId) -> Found<Place>;
    /// A holder.
    fn holder(&self, reference: HolderReference) -> Found<Holder>;
    /// A card.
    fn card(&self, id: CardId) -> Found<StoredCard>;
    /// The card on a channel that is not closed.
    fn card_on_channel(&self, channel: ChannelId) -> Found<StoredCard>;
    /// The card with this number, in full.
    fn card_of_number(&self, digits: &str) -> Found<StoredCard>;
    /// The cards bound to a holder, by id.
    fn cards_of_holder(&self, holder: HolderReference) -> Listed<StoredCard>;
    /// Cards above an id, by id, with what the console shows of them.
    fn cards_after(&self, after: Option<CardId>, limit: u32) -> Listed<CardSummary>;
    /// How many cards there are.
    fn card_count(&self) -> Result<u64, StoreError>;
    /// What a card's frames left; the default for a card never heard.
    fn link_state(&self, card: CardId) -> Result<LinkState, StoreError>;
    /// An order.
    fn order(&self, id: OrderId) -> Found<StoredOrder>;
    /// The same of a card that is known: one look where orders lie by their cards.
    fn order_of(&self, card: CardId, id: OrderId) -> Found<StoredOrder>;
    /// A card's open orders, oldest first.
    fn waiting_orders(&self, card: CardId) -> Listed<StoredOrder>;
    /// Orders, newest first, below a cursor; of one merchant or of all.
    fn orders_before(
        &self,
        merchant: Option<MerchantId>,
        before: OrderCursor,
        limit: u32,
    ) -> Listed<StoredOrder>;
    /// Open orders whose time ran out, oldest first.
    fn lapsed_orders(&self, now: UnixMillis, limit: u32) -> Listed<OrderId>;
    /// A card's open authorization.
    fn open_authorization(&self, card: CardId) -> Found<StoredAuthorization>;
    /// The authorization of card, key version and B.
    fn authorization(&self, card: CardId, key: KeyVersion, b: TimeFactor) -> Found<StoredAuthorization>;
    /// The newest authorizations of a card whose B has these low 16 bits.
    fn authorizations_by_narrow(
        &self,
        card: CardId,
        key: KeyVersion,
        narrow: u16,
        limit: u32,
    ) -> Listed<StoredAuthorization>;
    /// The authorization that answered exactly this hello, among those with B in the given range.
    fn authorization_by_hello(
        &self,
        card: CardId,
        key: KeyVersion,
        hello: &[u8],
        b: (TimeFactor, TimeFactor),
    ) -> Found<StoredAuthorization>;
    /// The newest authorization of an order.
    fn authorization_of_order(&self, order: OrderId) -> Found<StoredAuthorization>;
    /// An account.
    fn account(&self, id: AccountId) -> Found<Account>;
    /// The account of a kind, owner and currency.
    fn account_of(&self, kind: AccountKind, owner: i64, currency: Currency) -> Found<Account>;
    /// A transfer.
    fn transfer(&self, id: TransferId) -> Found<StoredTransfer>;
    /// An order's events after a sequence number.
    fn events_of_order(&self, order: OrderId, after: i64) -> Listed<StoredEvent>;
    /// The newest alarms.
    fn alarms(&self, limit: u32) -> Listed<Alarm>;
    /// How many alarms of a kind a card has had since its latest one of another kind.
    fn alarms_since(&self, card: CardId, kind: &str, since: &str) -> Result<u64, StoreError>;
    /// The first answer to a request.
    fn idempotent(&self, merchant: MerchantId, endpoint: &str, key: &str) -> Found<Idempotent>;
    /// Payments made since a moment.
    fn today(&self, since: UnixMillis) -> Result<Today, StoreError>;
    /// Every kind of account's sums.
    fn totals(&self) -> Listed<Totals>;
    /// How many transfers are pending, posted, voided and expired.
    fn transfer_counts(&self) -> Result<[u64; 4], StoreError>;
    /// Recomputes every balance from postings and pending transfers; the accounts that differ.
    fn balance_differences(&self) -> Listed<BalanceDifference>;
}

/// What can be changed. A unit of work checks first and changes last: what it changed before it refused is
/// undone, at the price of running its whole batch again.
pub trait Unit:
    Reading
    + TapUnit
    + FleetUnit
    + MoneyUnit
    + LeaseUnit
    + OperatorUnit
    + ReversalUnit
    + SecretUnit
    + TestUnit
    + WebhookUnit
{
    /// Adds a merchant and opens nothing.
    fn add_merchant(&mut self, name: &str, at: UnixMillis) -> Result<MerchantId, StoreError>;
    /// Adds an API key's digest.
    fn add_api_key(&mut self, key: &ApiKey, at: UnixMillis) -> Result<(), StoreError>;
    /// Refuses a key from now on; whether it was good. Of two who revoke it, one does.
    fn revoke_api_key(&mut self, id: ApiKeyId, at: UnixMillis) -> Result<bool, StoreError>;
    /// Keeps when a key was last used; whether that is later than what was kept.
    fn touch_api_key(&mut self, digest: &[u8; 32], at: UnixMillis) -> Result<bool, StoreError>;
    /// The place of a merchant by name, made if it is new.
    fn place_named(&mut self, merchant: MerchantId, name: &str) -> Result<PlaceId, StoreError>;
    /// Adds or renames a holder.
    fn put_holder(&mut self, holder: &Holder, at: UnixMillis) -> Result<(), StoreError>;
    /// Adds a card.
    fn add_card(&mut self, card: &StoredCard) -> Result<(), StoreError>;
    /// Keeps a card's life cycle and binding.
    fn put_card_record(&mut self, card: &StoredCard) -> Result<(), StoreError>;
    /// Keeps a card's new key: version, origin and check value. The version only rises.
    fn put_card_key(&mut self, card: &StoredCard) -> Result<(), StoreError>;
    /// Keeps a card's link state.
    fn put_link_state(&mut self, card: CardId, key: KeyVersion, link: &LinkState) -> Result<(), StoreError>;
    /// Adds an order.
    fn add_order(&mut self, order: &StoredOrder) -> Result<(), StoreError>;
    /// Keeps an order's state and times.
    fn put_order_state(&mut self, order: &StoredOrder) -> Result<(), StoreError>;
    /// Adds an authorization; the card's open one, if any, must have been ended before.
    fn add_authorization(&mut self, authorization: &StoredAuthorization) -> Result<(), StoreError>;
    /// Keeps an authorization's state and evidence.
    fn put_authorization(&mut self, authorization: &StoredAuthorization) -> Result<(), StoreError>;
    /// The account of a kind, owner and currency, opened if it is new.
    fn account_opened(
        &mut self,
        kind: AccountKind,
        owner: i64,
        currency: Currency,
    ) -> Result<Account, StoreError>;
    /// Keeps an account's sums.
    fn put_account(&mut self, account: &Account) -> Result<(), StoreError>;
    /// Adds a pending transfer.
    fn add_transfer(
        &mut self,
        transfer: &PendingTransfer,
        purpose: &'static str,
        at: UnixMillis,
    ) -> Result<(), StoreError>;
    /// Ends a transfer as posted, with its two postings.
    fn post_transfer(&mut self, transfer: &PostedTransfer, at: UnixMillis) -> Result<(), StoreError>;
    /// Ends a transfer without moving money.
    fn void_transfer(&mut self, transfer: &VoidedTransfer, at: UnixMillis) -> Result<(), StoreError>;
    /// Adds an event for a merchant.
    fn add_event(&mut self, event: &NewEvent) -> Result<(), StoreError>;
    /// Adds an alarm for the issuer.
    fn add_alarm(&mut self, alarm: &Alarm) -> Result<(), StoreError>;
    /// Keeps the first answer to a request.
    fn add_idempotent(
        &mut self,
        merchant: MerchantId,
        endpoint: &str,
        key: &str,
        answer: &Idempotent,
    ) -> Result<(), StoreError>;
    /// Forgets first answers given before a moment; how many.
    fn forget_idempotent_before(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError>;
}
