//! [`WebhookReading`] over a connection.

use ::webhook::{DeliveryId, EndpointId, MessageId};
use model::UnixMillis;
use payment::MerchantId;

use super::params;
use super::read::{Rows, select};
use super::webhook_row as row;
use crate::error::StoreError;
use crate::rows::{
    DeliverySummary, DueDelivery, OutgoingEvent, StoredAttempt, StoredEndpoint, StoredMessage, StoredSecret,
};
use crate::webhook::WebhookReading;

/// Above every id.
const HIGHEST: u128 = u128::MAX;

/// From one endpoint with deliveries that wait to the next: however many wait for one, it costs one look.
const WALK: &str = "\
    with recursive walk (endpoint, due, step) as ( \
        select first.endpoint, first.due, 1 from ( \
            select endpoint, due from webhook_delivery \
            where state = 'pending' and shard = ?1 and endpoint > ?2 order by endpoint, due, id limit 1 \
        ) as first \
        union all \
        select (select d.endpoint from webhook_delivery d where d.state = 'pending' and d.shard = ?1 \
                and d.endpoint > walk.endpoint order by d.endpoint, d.due, d.id limit 1), \
            (select d.due from webhook_delivery d where d.state = 'pending' and d.shard = ?1 \
                and d.endpoint > walk.endpoint order by d.endpoint, d.due, d.id limit 1), \
            walk.step + 1 \
        from walk where walk.step < ?3 and walk.endpoint is not null \
    ) select endpoint, due from walk where endpoint is not null";

fn bytes(id: u128) -> [u8; 16] {
    id.to_be_bytes()
}

impl WebhookReading for Rows<'_> {
    fn webhook_endpoint(&self, id: EndpointId) -> Result<Option<StoredEndpoint>, StoreError> {
        let sql = select!(row::ENDPOINT, "from webhook_endpoint where id = ?");
        self.one(sql, [bytes(id.0)], row::endpoint)
    }

    fn webhook_endpoints(
        &self,
        merchant: MerchantId,
        before: Option<EndpointId>,
        limit: u32,
    ) -> Result<Vec<StoredEndpoint>, StoreError> {
        let sql = select!(
            row::ENDPOINT,
            "from webhook_endpoint where merchant = ? and id < ? and deleted_at is null order by id desc limit ?"
        );
        let before = bytes(before.map_or(HIGHEST, |id| id.0));
        self.many(sql, params![merchant.0, before, limit], row::endpoint)
    }

    fn newest_webhook_endpoints(
        &self,
        before: Option<EndpointId>,
        limit: u32,
    ) -> Result<Vec<StoredEndpoint>, StoreError> {
        let sql = select!(
            row::ENDPOINT,
            "from webhook_endpoint where id < ? and deleted_at is null order by id desc limit ?"
        );
        self.many(sql, params![bytes(before.map_or(HIGHEST, |id| id.0)), limit], row::endpoint)
    }

    fn webhook_secrets(&self, endpoint: EndpointId) -> Result<Vec<StoredSecret>, StoreError> {
        let sql = select!(row::SECRET, "from webhook_secret where endpoint = ? order by number desc");
        self.many(sql, [bytes(endpoint.0)], row::secret)
    }

    fn webhook_outbox_waits(&self) -> Result<bool, StoreError> {
        Ok(self.one("select 1 from webhook_outbox limit 1", params![], |_| Ok(()))?.is_some())
    }

    fn webhook_outbox(&self, limit: u32) -> Result<Vec<OutgoingEvent>, StoreError> {
        let sql = "select event.seq, event.merchant, event.order_id, event.kind, event.at, \
                   (select count(*) from event earlier where earlier.order_id = event.order_id \
                   and earlier.seq <= event.seq) from webhook_outbox join event on event.seq = webhook_outbox.event \
                   order by webhook_outbox.event limit ?";
        self.many(sql, [limit], row::outgoing)
    }

    fn webhook_endpoints_due(
        &self,
        shard: u8,
        after: Option<EndpointId>,
        now: UnixMillis,
        limit: u32,
    ) -> Result<(Vec<EndpointId>, Option<EndpointId>), StoreError> {
        let after = after.map(|id| bytes(id.0).to_vec()).unwrap_or_default();
        let seen = self.many(WALK, params![shard, after, limit], |row| {
            Ok((EndpointId(u128::from_be_bytes(row.get(0)?)), UnixMillis(row.get(1)?)))
        })?;
        let more = u32::try_from(seen.len()).is_ok_and(|seen| seen >= limit);
        let last = seen.last().filter(|_| more).map(|(endpoint, _)| *endpoint);
        let due = seen.into_iter().filter(|(_, due)| *due <= now).map(|(endpoint, _)| endpoint).collect();
        Ok((due, last))
    }

    fn webhook_due(
        &self,
        endpoint: EndpointId,
        now: UnixMillis,
        limit: u32,
    ) -> Result<Vec<DueDelivery>, StoreError> {
        let sql = "select d.id, d.message, m.body, d.attempts from webhook_delivery d join webhook_message m \
                   on m.id = d.message where d.state = 'pending' and d.shard = ? and d.endpoint = ? and d.due <= ? \
                   order by d.due, d.id limit ?";
        self.many(sql, params![endpoint.shard(), bytes(endpoint.0), now.0, limit], row::due)
    }

    fn webhook_message(&self, id: MessageId) -> Result<Option<StoredMessage>, StoreError> {
        self.one(select!(row::MESSAGE, "from webhook_message where id = ?"), [bytes(id.0)], row::message)
    }

    fn webhook_delivery(&self, id: DeliveryId) -> Result<Option<DeliverySummary>, StoreError> {
        let sql = select!(
            row::SUMMARY_OF,
            "from webhook_delivery d join webhook_message m on m.id = d.message where d.id = ?"
        );
        self.one(sql, [bytes(id.0)], row::summary)
    }

    fn webhook_deliveries(
        &self,
        endpoint: EndpointId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<DeliverySummary>, StoreError> {
        let sql = select!(
            row::SUMMARY_OF,
            "from webhook_delivery d join webhook_message m on m.id = d.message \
             where d.endpoint = ? and d.id < ? order by d.id desc limit ?"
        );
        let before = bytes(before.map_or(HIGHEST, |id| id.0));
        self.many(sql, params![bytes(endpoint.0), before, limit], row::summary)
    }

    fn webhook_failed(
        &self,
        endpoint: EndpointId,
        before: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Vec<DeliverySummary>, StoreError> {
        let sql = select!(
            row::SUMMARY_OF,
            "from webhook_delivery d join webhook_message m on m.id = d.message \
             where d.endpoint = ? and d.state = 'failed' and d.id < ? order by d.id desc limit ?"
        );
        let before = bytes(before.map_or(HIGHEST, |id| id.0));
        self.many(sql, params![bytes(endpoint.0), before, limit], row::summary)
    }

    fn webhook_attempts(&self, delivery: DeliveryId, limit: u32) -> Result<Vec<StoredAttempt>, StoreError> {
        let sql =
            select!(row::ATTEMPT, "from webhook_attempt where delivery = ? order by number desc limit ?");
        self.many(sql, params![bytes(delivery.0), limit], row::attempt)
    }
}
