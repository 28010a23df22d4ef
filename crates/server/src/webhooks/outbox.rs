//! Events become messages: one for each event that an endpoint wants, and a delivery for each such endpoint.
//!
//! The event leaves the outbox in the same unit of work: it becomes messages once, or stays. What a message says is what
//! `GET /v1/orders/{id}` answers, with the state that the event is about; `sequence` counts the events of the order.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use payment::MerchantId;
use store::{OutgoingEvent, StoreError, StoredDelivery, StoredEndpoint, StoredMessage, Unit};
use webhook::{Body, Data, DeliveryId, DeliveryState, EndpointId, MessageId};

use super::shards::{Held, guards};
use crate::app::{App, WEBHOOK_ENDPOINTS_MAX};
use crate::http::order_of_event;

/// The most events in a unit of work.
pub(super) const EVENTS_MAX: u32 = 128;

/// Makes messages of the oldest events: the endpoints that have something new, and whether more waits.
pub(super) async fn fan_out(
    app: &App,
    public_url: &Arc<str>,
    held: &Held,
) -> Result<(Vec<EndpointId>, bool), StoreError> {
    let Some(epoch) = held.epoch(0) else { return Ok((Vec::new(), false)) };
    if !app.store().read(|rows| rows.webhook_outbox_waits()).await? {
        return Ok((Vec::new(), false));
    }
    let (app_too, public_url, start) = (app.clone(), Arc::clone(public_url), held.start());
    app.write::<_, StoreError>(move |unit| {
        if !guards(unit, 0, start, epoch)? {
            return Ok((Vec::new(), false));
        }
        let events = unit.webhook_outbox(EVENTS_MAX)?;
        let mut known: HashMap<MerchantId, Vec<StoredEndpoint>> = HashMap::new();
        let mut told = Vec::new();
        for event in &events {
            let endpoints = match known.entry(event.merchant) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => {
                    new.insert(unit.webhook_endpoints(event.merchant, None, WEBHOOK_ENDPOINTS_MAX)?)
                }
            };
            tell(unit, &app_too, &public_url, event, endpoints, &mut told)?;
            unit.take_webhook_event(event.seq)?;
        }
        told.sort_unstable();
        told.dedup();
        Ok((told, events.len() >= usize::try_from(EVENTS_MAX).unwrap_or(usize::MAX)))
    })
    .await
}

fn tell(
    unit: &mut dyn Unit,
    app: &App,
    public_url: &str,
    event: &OutgoingEvent,
    endpoints: &[StoredEndpoint],
    told: &mut Vec<EndpointId>,
) -> Result<(), StoreError> {
    let wants =
        |endpoint: &&StoredEndpoint| endpoint.state.is_enabled() && endpoint.wanted.wants(&event.kind);
    let mut wanting = endpoints.iter().filter(wants).peekable();
    if wanting.peek().is_none() {
        return Ok(());
    }
    let stored = unit.order(event.order)?.ok_or(StoreError::Malformed("an event without its order"))?;
    let order = order_of_event(unit, &stored, event.kind.as_str(), public_url)?;
    let body = Data::from_value(&order)
        .and_then(|data| Body::new(&event.kind, event.at, event.sequence, &data))
        .map_err(|_| StoreError::Malformed("an event that fits into no message"))?;
    let now = app.now();
    let message = StoredMessage {
        id: MessageId::from_time_and_random(now, app.random()),
        merchant: event.merchant,
        kind: event.kind.clone(),
        order: Some(event.order),
        body,
        created_at: now,
    };
    unit.add_webhook_message(&message)?;
    for endpoint in wanting {
        unit.add_webhook_delivery(&StoredDelivery {
            id: DeliveryId::from_time_and_random(now, app.random()),
            message: message.id,
            endpoint: endpoint.id,
            state: DeliveryState::new(now),
            attempts: 0,
            updated_at: now,
        })?;
        told.push(endpoint.id);
    }
    Ok(())
}
