//! What a unit of work can see and change of webhooks.
//!
//! For: keeping [`Reading`](crate::Reading) and [`Unit`](crate::Unit) readable; both include these. An event of a merchant
//! who has an endpoint goes into the outbox by itself, in the transaction that made it true (a trigger).
//! Refuses: the rules (the crate `webhook`), sending (`server::webhooks`). What is guarded here holds when everything above
//! fails: a message goes to an endpoint in one delivery, and never changes; an endpoint has one current secret.
//! Next: [`crate::rows`] for the values.

use ::webhook::{CancelReason, DeliveryId, DeliveryState, EndpointId, MessageId};
use model::UnixMillis;
use payment::MerchantId;

use crate::StoreError;
use crate::rows::{
    DeliverySummary, DueDelivery, OutgoingEvent, StoredAttempt, StoredDelivery, StoredEndpoint,
    StoredMessage, StoredSecret,
};

type Found<T> = Result<Option<T>, StoreError>;
type Listed<T> = Result<Vec<T>, StoreError>;

/// What can be read of endpoints, messages and deliveries.
pub trait WebhookReading {
    /// An endpoint, also one that was deleted.
    fn webhook_endpoint(&self, id: EndpointId) -> Found<StoredEndpoint>;
    /// A merchant's endpoints that were not deleted, newest first, below a cursor.
    fn webhook_endpoints(
        &self,
        merchant: MerchantId,
        before: Option<EndpointId>,
        limit: u32,
    ) -> Listed<StoredEndpoint>;
    /// All merchants' endpoints that were not deleted, newest first, below a cursor.
    fn newest_webhook_endpoints(&self, before: Option<EndpointId>, limit: u32) -> Listed<StoredEndpoint>;
    /// An endpoint's secrets, the newest first.
    fn webhook_secrets(&self, endpoint: EndpointId) -> Listed<StoredSecret>;
    /// Whether an event is yet to become messages.
    fn webhook_outbox_waits(&self) -> Result<bool, StoreError>;
    /// Events that are yet to become messages, the oldest first.
    fn webhook_outbox(&self, limit: u32) -> Listed<OutgoingEvent>;
    /// Endpoints of a part that have a delivery due, above a cursor, by id. It looks at no more endpoints than `limit`
    /// with deliveries that wait; the second is the last that it looked at, where there may be more.
    fn webhook_endpoints_due(
        &self,
        shard: u8,
        after: Option<EndpointId>,
        now: UnixMillis,
        limit: u32,
    ) -> Result<(Vec<EndpointId>, Option<EndpointId>), StoreError>;
    /// An endpoint's deliveries that are due, the longest due first.
    fn webhook_due(&self, endpoint: EndpointId, now: UnixMillis, limit: u32) -> Listed<DueDelivery>;
    /// A message.
    fn webhook_message(&self, id: MessageId) -> Found<StoredMessage>;
    /// A delivery.
    fn webhook_delivery(&self, id: DeliveryId) -> Found<DeliverySummary>;
    /// An endpoint's deliveries, newest first, below a cursor.
    fn webhook_deliveries(
        &self,
        endpoint: EndpointId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Listed<DeliverySummary>;
    /// Those of them that failed, whose id is below the cursor.
    fn webhook_failed(
        &self,
        endpoint: EndpointId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Listed<DeliverySummary>;
    /// A delivery's attempts, the newest first.
    fn webhook_attempts(&self, delivery: DeliveryId, limit: u32) -> Listed<StoredAttempt>;
}

/// What can be changed of endpoints, messages and deliveries.
pub trait WebhookUnit: WebhookReading {
    /// Adds an endpoint. Its merchant's events go into the outbox from now on.
    fn add_webhook_endpoint(&mut self, endpoint: &StoredEndpoint) -> Result<(), StoreError>;
    /// Keeps an endpoint in all but its id, merchant and day.
    fn put_webhook_endpoint(&mut self, endpoint: &StoredEndpoint) -> Result<(), StoreError>;
    /// Keeps an endpoint's secrets in place of those that it had.
    fn put_webhook_secrets(
        &mut self,
        endpoint: EndpointId,
        secrets: &[StoredSecret],
    ) -> Result<(), StoreError>;
    /// Takes an event out of the outbox; whether it was there.
    fn take_webhook_event(&mut self, seq: i64) -> Result<bool, StoreError>;
    /// Adds a message.
    fn add_webhook_message(&mut self, message: &StoredMessage) -> Result<(), StoreError>;
    /// Adds a delivery of a message that is there.
    fn add_webhook_delivery(&mut self, delivery: &StoredDelivery) -> Result<(), StoreError>;
    /// Keeps what became of a delivery.
    fn put_webhook_delivery(
        &mut self,
        id: DeliveryId,
        state: DeliveryState,
        attempts: u32,
        at: UnixMillis,
    ) -> Result<(), StoreError>;
    /// Adds an attempt.
    fn add_webhook_attempt(
        &mut self,
        delivery: DeliveryId,
        attempt: &StoredAttempt,
    ) -> Result<(), StoreError>;
    /// Cancels a portion of what waits for an endpoint; how many.
    fn cancel_webhook_deliveries(
        &mut self,
        endpoint: EndpointId,
        why: CancelReason,
        at: UnixMillis,
        limit: u32,
    ) -> Result<u32, StoreError>;
    /// Forgets a portion of the messages made before a moment, with their deliveries and attempts, but none that waits;
    /// how many.
    fn forget_webhook_messages(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError>;
}
