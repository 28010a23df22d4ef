//! Rows of endpoints, messages and deliveries to values.

use ::webhook::{
    Attempt, Body, DeliveryId, DeliveryState, DisabledBy, End, EndpointId, EndpointState, EndpointUrl,
    EventKind, Excerpt, MessageId, Mode, NoAnswer, Status, Wanted,
};
use model::UnixMillis;
use payment::{MerchantId, OrderId};

use super::Row;
use super::row::{Column, Read, col, id_bytes, malformed, small};
use crate::error::StoreError;
use crate::rows::{
    DeliverySummary, DueDelivery, KeptSecret, OutgoingEvent, StoredAttempt, StoredDelivery, StoredEndpoint,
    StoredMessage, StoredSecret,
};

fn at(row: &Row<'_>, column: Column) -> Read<UnixMillis> {
    Ok(UnixMillis(column.get(row)?))
}

fn at_or_not(row: &Row<'_>, column: Column) -> Read<Option<UnixMillis>> {
    Ok(column.get::<Option<i64>>(row)?.map(UnixMillis))
}

fn kind(row: &Row<'_>, column: Column) -> Read<EventKind> {
    column.get::<String>(row)?.parse().map_err(malformed(column.name))
}

fn order(row: &Row<'_>, column: Column) -> Read<Option<OrderId>> {
    Ok(column.get::<Option<[u8; 16]>>(row)?.map(|id| OrderId(u128::from_be_bytes(id))))
}

pub(super) const ENDPOINT: &str = "id, merchant, url, wanted, description, failing_since, disabled_by, \
    disabled_at, created_at, updated_at, deleted_at";

pub(super) fn endpoint(row: &Row<'_>) -> Read<StoredEndpoint> {
    let url: String = col!(ENDPOINT, "url").get(row)?;
    let wanted: String = col!(ENDPOINT, "wanted").get(row)?;
    let failing_since = at_or_not(row, col!(ENDPOINT, "failing_since"))?;
    let disabled_by: Option<String> = col!(ENDPOINT, "disabled_by").get(row)?;
    let state = match (disabled_by, at_or_not(row, col!(ENDPOINT, "disabled_at"))?) {
        (None, None) => EndpointState::Enabled { failing_since },
        (Some(by), Some(at)) => {
            let by =
                DisabledBy::from_code(&by).ok_or(StoreError::Malformed("webhook_endpoint.disabled_by"))?;
            EndpointState::Disabled { by, at }
        }
        (None, Some(_)) | (Some(_), None) => {
            return Err(StoreError::Malformed("webhook_endpoint.disabled_at"));
        }
    };
    Ok(StoredEndpoint {
        id: EndpointId(id_bytes(row, col!(ENDPOINT, "id"))?),
        merchant: MerchantId(col!(ENDPOINT, "merchant").get(row)?),
        // Whether it may be called is judged at each attempt: here it is read as it was once accepted.
        url: EndpointUrl::parse(&url, Mode::Test).map_err(malformed("webhook_endpoint.url"))?,
        wanted: Wanted::parse(wanted.split(' '), |_| true).map_err(malformed("webhook_endpoint.wanted"))?,
        description: col!(ENDPOINT, "description").get(row)?,
        state,
        created_at: at(row, col!(ENDPOINT, "created_at"))?,
        updated_at: at(row, col!(ENDPOINT, "updated_at"))?,
        deleted_at: at_or_not(row, col!(ENDPOINT, "deleted_at"))?,
    })
}

pub(super) const SECRET: &str = "number, secret, sealed_by, until";

pub(super) fn secret(row: &Row<'_>) -> Read<StoredSecret> {
    Ok(StoredSecret {
        number: small(row, col!(SECRET, "number"))?,
        secret: KeptSecret::read(col!(SECRET, "secret").get(row)?, col!(SECRET, "sealed_by").get(row)?),
        until: at_or_not(row, col!(SECRET, "until"))?,
    })
}

pub(super) const OUTGOING: &str = "seq, merchant, order_id, kind, at, sequence";

pub(super) fn outgoing(row: &Row<'_>) -> Read<OutgoingEvent> {
    Ok(OutgoingEvent {
        seq: col!(OUTGOING, "seq").get(row)?,
        merchant: MerchantId(col!(OUTGOING, "merchant").get(row)?),
        order: OrderId(id_bytes(row, col!(OUTGOING, "order_id"))?),
        kind: kind(row, col!(OUTGOING, "kind"))?,
        at: at(row, col!(OUTGOING, "at"))?,
        sequence: col!(OUTGOING, "sequence").get(row)?,
    })
}

pub(super) const MESSAGE: &str = "id, merchant, kind, order_id, body, created_at";

pub(super) fn message(row: &Row<'_>) -> Read<StoredMessage> {
    let body: String = col!(MESSAGE, "body").get(row)?;
    Ok(StoredMessage {
        id: MessageId(id_bytes(row, col!(MESSAGE, "id"))?),
        merchant: MerchantId(col!(MESSAGE, "merchant").get(row)?),
        kind: kind(row, col!(MESSAGE, "kind"))?,
        order: order(row, col!(MESSAGE, "order_id"))?,
        body: Body::from_stored(body).map_err(malformed("webhook_message.body"))?,
        created_at: at(row, col!(MESSAGE, "created_at"))?,
    })
}

pub(super) const SUMMARY: &str = "id, message, endpoint, state, reason, made, attempts, due, updated_at, kind, \
    order_id, created_at";
/// [`SUMMARY`] of delivery `d` and message `m`.
pub(super) const SUMMARY_OF: &str = "d.id, d.message, d.endpoint, d.state, d.reason, d.made, d.attempts, d.due, \
    d.updated_at, m.kind, m.order_id, m.created_at";

pub(super) fn summary(row: &Row<'_>) -> Read<DeliverySummary> {
    let state: String = col!(SUMMARY, "state").get(row)?;
    let reason: Option<String> = col!(SUMMARY, "reason").get(row)?;
    let (made, due) = (small(row, col!(SUMMARY, "made"))?, at_or_not(row, col!(SUMMARY, "due"))?);
    let state = DeliveryState::from_stored(&state, reason.as_deref(), made, due);
    Ok(DeliverySummary {
        delivery: StoredDelivery {
            id: DeliveryId(id_bytes(row, col!(SUMMARY, "id"))?),
            message: MessageId(id_bytes(row, col!(SUMMARY, "message"))?),
            endpoint: EndpointId(id_bytes(row, col!(SUMMARY, "endpoint"))?),
            state: state.ok_or(StoreError::Malformed("webhook_delivery.state"))?,
            attempts: small(row, col!(SUMMARY, "attempts"))?,
            updated_at: at(row, col!(SUMMARY, "updated_at"))?,
        },
        kind: kind(row, col!(SUMMARY, "kind"))?,
        order: order(row, col!(SUMMARY, "order_id"))?,
        created_at: at(row, col!(SUMMARY, "created_at"))?,
    })
}

pub(super) const DUE: &str = "id, message, body, attempts";

pub(super) fn due(row: &Row<'_>) -> Read<DueDelivery> {
    let body: String = col!(DUE, "body").get(row)?;
    Ok(DueDelivery {
        id: DeliveryId(id_bytes(row, col!(DUE, "id"))?),
        message: MessageId(id_bytes(row, col!(DUE, "message"))?),
        attempts: small(row, col!(DUE, "attempts"))?,
        body: Body::from_stored(body).map_err(malformed("webhook_message.body"))?,
    })
}

pub(super) const ATTEMPT: &str = "number, at, duration_ms, status, reason, excerpt";

pub(super) fn attempt(row: &Row<'_>) -> Read<StoredAttempt> {
    let status: Option<u16> = col!(ATTEMPT, "status").get(row)?;
    let reason: Option<String> = col!(ATTEMPT, "reason").get(row)?;
    let end = match (status.and_then(Status::new), reason.as_deref().and_then(NoAnswer::from_code)) {
        (Some(status), None) => End::Answered(status),
        (None, Some(reason)) => End::NotAnswered(reason),
        (None, None) | (Some(_), Some(_)) => return Err(StoreError::Malformed("webhook_attempt.status")),
    };
    Ok(StoredAttempt {
        number: small(row, col!(ATTEMPT, "number"))?,
        attempt: Attempt {
            at: at(row, col!(ATTEMPT, "at"))?,
            duration_ms: col!(ATTEMPT, "duration_ms").get(row)?,
            end,
            excerpt: Excerpt::from_stored(col!(ATTEMPT, "excerpt").get(row)?),
        },
    })
}
