//! What a unit of work can see and change of a test mode: its clock, and its software cards.
//!
//! For: keeping [`Reading`](crate::Reading) and [`Unit`](crate::Unit) readable; both include these. In a database of live
//! money all of it is empty, and stays so.
//! Refuses: the rules (`payment::test_answer`, `server::test_mode`). What is guarded here holds when everything above fails:
//! the clock never goes back, and an order of live money is never forgotten.
//! Next: [`crate::rows`] for the values.

use model::{CardId, UnixMillis};
use payment::MerchantId;

use crate::StoreError;
use crate::rows::{Merchant, StoredTestCard, TestClock};

type Found<T> = Result<Option<T>, StoreError>;
type Listed<T> = Result<Vec<T>, StoreError>;

/// What can be read of a test mode.
pub trait TestReading {
    /// The clock; none in a database of live money.
    fn test_clock(&self) -> Found<TestClock>;
    /// A software card.
    fn test_card(&self, card: CardId) -> Found<StoredTestCard>;
    /// A merchant's software cards, by id, above one.
    fn test_cards_after(
        &self,
        merchant: MerchantId,
        after: Option<CardId>,
        limit: u32,
    ) -> Listed<StoredTestCard>;
    /// How many software cards a merchant has.
    fn test_card_count(&self, merchant: MerchantId) -> Result<u32, StoreError>;
    /// Software cards with something to do, by id, above one: an order waits that they have not done with, or a late answer
    /// is to be brought.
    fn test_cards_to_act(&self, after: Option<CardId>, limit: u32) -> Listed<CardId>;
    /// Whether [`TestUnit::forget_test_orders`] would find one.
    fn has_test_orders_before(&self, before: UnixMillis) -> Result<bool, StoreError>;
}

/// What can be changed of a test mode. `put_` changes exactly one row, or answers [`StoreError::Malformed`] with its table.
pub trait TestUnit: TestReading {
    /// Makes this the database of a test mode. [`StoreError::Constraint`] where it is one.
    fn begin_test_clock(&mut self, at: UnixMillis) -> Result<(), StoreError>;
    /// Sets the clock ahead; back is refused.
    fn put_test_clock(&mut self, ahead: i64) -> Result<(), StoreError>;
    /// Adds a merchant under the id that it has elsewhere, unless it is there.
    fn put_test_merchant(&mut self, merchant: &Merchant, at: UnixMillis) -> Result<(), StoreError>;
    /// Adds a software card.
    fn add_test_card(&mut self, card: &StoredTestCard) -> Result<(), StoreError>;
    /// Keeps what a software card does and is about; not its memory.
    fn put_test_card(&mut self, card: &StoredTestCard) -> Result<(), StoreError>;
    /// Keeps a software card's memory.
    fn put_test_card_memory(&mut self, card: CardId, memory: &[u8]) -> Result<(), StoreError>;
    /// Forgets a software card; the card itself stays.
    fn remove_test_card(&mut self, card: CardId) -> Result<(), StoreError>;
    /// Forgets a portion of the orders that were made before a moment and have ended, with their events and evidence, but none
    /// of which an event is yet to be told; how many. What they moved stays in the books. In a database of live money: none.
    fn forget_test_orders(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError>;
}
