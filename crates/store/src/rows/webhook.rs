//! What is stored of webhooks, as values.
//!
//! For: the rows behind a merchant's endpoints and what is sent to them. Refuses: deciding about them (the crate `webhook`,
//! and `server`). Next: [`mod@crate::webhook`] for what is done with them.

use ::webhook::{
    Attempt, Body, DeliveryId, DeliveryState, EndpointId, EndpointState, EndpointUrl, EventKind, MessageId,
    Wanted,
};
use model::UnixMillis;
use payment::{MerchantId, OrderId};

use super::KeptSecret;

/// Where a merchant wants to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEndpoint {
    /// Its name.
    pub id: EndpointId,
    /// Whose.
    pub merchant: MerchantId,
    /// Where it is.
    pub url: EndpointUrl,
    /// What it is told of.
    pub wanted: Wanted,
    /// The merchant's own words.
    pub description: String,
    /// Whether anything is sent to it.
    pub state: EndpointState,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it last changed.
    pub updated_at: UnixMillis,
    /// When it was deleted: it is kept for its deliveries.
    pub deleted_at: Option<UnixMillis>,
}

/// A secret of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// Rises with each new one.
    pub number: u32,
    /// The secret.
    pub secret: KeptSecret,
    /// Until when it signs; the current one has no end.
    pub until: Option<UnixMillis>,
}

/// An event that is yet to become messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutgoingEvent {
    /// Its number among all events.
    pub seq: i64,
    /// Whose.
    pub merchant: MerchantId,
    /// Of which order.
    pub order: OrderId,
    /// What.
    pub kind: EventKind,
    /// When.
    pub at: UnixMillis,
    /// Its number among the events of its order, from 1.
    pub sequence: u64,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredMessage {
    /// What receivers know it by.
    pub id: MessageId,
    /// Whose.
    pub merchant: MerchantId,
    /// What it tells.
    pub kind: EventKind,
    /// Of which order, if of one.
    pub order: Option<OrderId>,
    /// The bytes.
    pub body: Body,
    /// When it was made.
    pub created_at: UnixMillis,
}

/// A message for one endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredDelivery {
    /// Its name.
    pub id: DeliveryId,
    /// Which message.
    pub message: MessageId,
    /// To where.
    pub endpoint: EndpointId,
    /// What became of it.
    pub state: DeliveryState,
    /// Attempts of all time; the state counts those since it was made or last resent.
    pub attempts: u32,
    /// When it last changed.
    pub updated_at: UnixMillis,
}

/// A delivery in a list, with what its message says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeliverySummary {
    /// The delivery.
    pub delivery: StoredDelivery,
    /// What its message tells.
    pub kind: EventKind,
    /// Of which order, if of one.
    pub order: Option<OrderId>,
    /// When its message was made.
    pub created_at: UnixMillis,
}

/// A delivery whose next attempt is due, with what is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DueDelivery {
    /// Its name.
    pub id: DeliveryId,
    /// What receivers know it by.
    pub message: MessageId,
    /// How many attempts it has had.
    pub attempts: u32,
    /// The bytes.
    pub body: Body,
}

/// An attempt that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredAttempt {
    /// From 1.
    pub number: u32,
    /// What it left behind.
    pub attempt: Attempt,
}
