//! [`WebhookUnit`] over a session in a transaction.

use ::webhook::{
    CancelReason, DeliveryId, DeliveryState, End, EndpointId, EndpointState, MessageId, NoAnswer, Status,
};
use model::UnixMillis;
use payment::MerchantId;

use super::params;
use super::write::{Changes, read_through};
use crate::error::StoreError;
use crate::rows::{
    DeliverySummary, DueDelivery, OutgoingEvent, StoredAttempt, StoredDelivery, StoredEndpoint,
    StoredMessage, StoredSecret,
};
use crate::webhook::{WebhookReading, WebhookUnit};

read_through! { WebhookReading:
    fn webhook_endpoint(&self, id: EndpointId) -> Option<StoredEndpoint>;
    fn webhook_endpoints(&self, merchant: MerchantId, before: Option<EndpointId>, limit: u32) -> Vec<StoredEndpoint>;
    fn newest_webhook_endpoints(&self, before: Option<EndpointId>, limit: u32) -> Vec<StoredEndpoint>;
    fn webhook_secrets(&self, endpoint: EndpointId) -> Vec<StoredSecret>;
    fn webhook_outbox_waits(&self) -> bool;
    fn webhook_outbox(&self, limit: u32) -> Vec<OutgoingEvent>;
    fn webhook_endpoints_due(&self, shard: u8, after: Option<EndpointId>, now: UnixMillis, limit: u32)
        -> (Vec<EndpointId>, Option<EndpointId>);
    fn webhook_due(&self, endpoint: EndpointId, now: UnixMillis, limit: u32) -> Vec<DueDelivery>;
    fn webhook_message(&self, id: MessageId) -> Option<StoredMessage>;
    fn webhook_delivery(&self, id: DeliveryId) -> Option<DeliverySummary>;
    fn webhook_deliveries(&self, endpoint: EndpointId, before: Option<DeliveryId>, limit: u32) -> Vec<DeliverySummary>;
    fn webhook_failed(&self, endpoint: EndpointId, before: Option<DeliveryId>, limit: u32) -> Vec<DeliverySummary>;
    fn webhook_attempts(&self, delivery: DeliveryId, limit: u32) -> Vec<StoredAttempt>;
}

fn bytes(id: u128) -> [u8; 16] {
    id.to_be_bytes()
}

fn wanted(endpoint: &StoredEndpoint) -> String {
    endpoint.wanted.texts().collect::<Vec<_>>().join(" ")
}

/// Since when it fails; by whom or what it was disabled, and when.
fn columns(state: EndpointState) -> (Option<i64>, Option<&'static str>, Option<i64>) {
    match state {
        EndpointState::Enabled { failing_since } => (failing_since.map(|at| at.0), None, None),
        EndpointState::Disabled { by, at } => (None, Some(by.code()), Some(at.0)),
    }
}

impl WebhookUnit for Changes<'_> {
    fn add_webhook_endpoint(&mut self, endpoint: &StoredEndpoint) -> Result<(), StoreError> {
        let sql = "insert into webhook_endpoint (id, merchant, shard, url, wanted, description, failing_since, \
                   disabled_by, disabled_at, created_at, updated_at, deleted_at) \
                   values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let (failing_since, disabled_by, disabled_at) = columns(endpoint.state);
        let params = params![
            bytes(endpoint.id.0),
            endpoint.merchant.0,
            endpoint.id.shard(),
            endpoint.url.as_str(),
            wanted(endpoint),
            endpoint.description,
            failing_since,
            disabled_by,
            disabled_at,
            endpoint.created_at.0,
            endpoint.updated_at.0,
            endpoint.deleted_at.map(|at| at.0),
        ];
        self.execute(sql, params)?;
        Ok(())
    }

    fn put_webhook_endpoint(&mut self, endpoint: &StoredEndpoint) -> Result<(), StoreError> {
        let sql = "update webhook_endpoint set url = ?2, wanted = ?3, description = ?4, failing_since = ?5, \
                   disabled_by = ?6, disabled_at = ?7, updated_at = ?8, deleted_at = ?9 where id = ?1";
        let (failing_since, disabled_by, disabled_at) = columns(endpoint.state);
        let params = params![
            bytes(endpoint.id.0),
            endpoint.url.as_str(),
            wanted(endpoint),
            endpoint.description,
            failing_since,
            disabled_by,
            disabled_at,
            endpoint.updated_at.0,
            endpoint.deleted_at.map(|at| at.0),
        ];
        self.change_one("webhook_endpoint", sql, params)
    }

    fn put_webhook_secrets(
        &mut self,
        endpoint: EndpointId,
        secrets: &[StoredSecret],
    ) -> Result<(), StoreError> {
        self.execute("delete from webhook_secret where endpoint = ?", [bytes(endpoint.0)])?;
        secrets.iter().try_for_each(|secret| {
            let sql = "insert into webhook_secret (endpoint, number, secret, sealed_by, until) \
                       values (?, ?, ?, ?, ?)";
            let until = secret.until.map(|until| until.0);
            let (bytes, by) = (bytes(endpoint.0), secret.secret.sealed_by());
            let params = params![bytes, secret.number, secret.secret.bytes(), by, until];
            self.execute(sql, params).map(|_| ())
        })
    }

    fn take_webhook_event(&mut self, seq: i64) -> Result<bool, StoreError> {
        Ok(self.execute("delete from webhook_outbox where event = ?", [seq])? == 1)
    }

    fn add_webhook_message(&mut self, message: &StoredMessage) -> Result<(), StoreError> {
        let sql = "insert into webhook_message (id, merchant, kind, order_id, body, created_at) \
                   values (?, ?, ?, ?, ?, ?)";
        let params = params![
            bytes(message.id.0),
            message.merchant.0,
            message.kind.as_str(),
            message.order.map(|order| bytes(order.0)),
            message.body.as_str(),
            message.created_at.0,
        ];
        self.execute(sql, params)?;
        Ok(())
    }

    fn add_webhook_delivery(&mut self, delivery: &StoredDelivery) -> Result<(), StoreError> {
        let sql = "insert into webhook_delivery (id, message, endpoint, shard, state, reason, made, attempts, due, \
                   updated_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
        let state = delivery.state;
        let params = params![
            bytes(delivery.id.0),
            bytes(delivery.message.0),
            bytes(delivery.endpoint.0),
            delivery.endpoint.shard(),
            state.name(),
            state.reason(),
            state.made(),
            delivery.attempts,
            state.due().map(|due| due.0),
            delivery.updated_at.0,
        ];
        self.execute(sql, params)?;
        Ok(())
    }

    fn put_webhook_delivery(
        &mut self,
        id: DeliveryId,
        state: DeliveryState,
        attempts: u32,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        let sql = "update webhook_delivery set state = ?2, reason = ?3, made = ?4, due = ?5, attempts = ?6, \
                   updated_at = ?7 where id = ?1";
        let due = state.due().map(|due| due.0);
        let params = params![bytes(id.0), state.name(), state.reason(), state.made(), due, attempts, at.0];
        self.change_one("webhook_delivery", sql, params)
    }

    fn add_webhook_attempt(
        &mut self,
        delivery: DeliveryId,
        attempt: &StoredAttempt,
    ) -> Result<(), StoreError> {
        let sql = "insert into webhook_attempt (delivery, number, at, duration_ms, status, reason, excerpt) \
                   values (?, ?, ?, ?, ?, ?, ?)";
        let StoredAttempt { number, attempt } = attempt;
        let (status, reason) = match attempt.end {
            End::Answered(status) => (Some(Status::number(status)), None),
            End::NotAnswered(reason) => (None, Some(NoAnswer::code(reason))),
        };
        let params = params![
            bytes(delivery.0),
            *number,
            attempt.at.0,
            attempt.duration_ms,
            status,
            reason,
            attempt.excerpt.as_str(),
        ];
        self.execute(sql, params)?;
        Ok(())
    }

    fn cancel_webhook_deliveries(
        &mut self,
        endpoint: EndpointId,
        why: CancelReason,
        at: UnixMillis,
        limit: u32,
    ) -> Result<u32, StoreError> {
        let sql = "update webhook_delivery set state = 'canceled', reason = ?1, due = null, updated_at = ?2 \
                   where id in (select id from webhook_delivery where state = 'pending' and shard = ?3 \
                   and endpoint = ?4 order by due, id limit ?5)";
        let reason = DeliveryState::Canceled { made: 0, why }.reason();
        let canceled =
            self.execute(sql, params![reason, at.0, endpoint.shard(), bytes(endpoint.0), limit])?;
        Ok(u32::try_from(canceled).unwrap_or(u32::MAX))
    }

    fn forget_webhook_messages(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError> {
        // Ids begin with their time: those made before a moment stand first.
        let below = bytes(MessageId::from_time_and_random(before, 0).0);
        let old = "select id from webhook_message m where m.id < ? and not exists (select 1 from webhook_delivery d \
                   where d.message = m.id and d.state = 'pending') order by m.id limit ?";
        let old = self.read().many(old, params![below, limit], |row| row.get::<[u8; 16]>(0))?;
        for message in &old {
            let sql = "delete from webhook_attempt where delivery in \
                       (select id from webhook_delivery where message = ?)";
            self.execute(sql, [message])?;
            self.execute("delete from webhook_delivery where message = ?", [message])?;
            self.execute("delete from webhook_message where id = ?", [message])?;
        }
        Ok(u32::try_from(old.len()).unwrap_or(u32::MAX))
    }
}
