//! Merchants' endpoints, their secrets, and what is sent again: each in one unit of work.
//!
//! Sending is `crate::webhooks`. What is changed here wakes it.

use ::operator::AuditAction;
use std::sync::Arc;

use ::webhook::{
    Body, Data, DeliveryEvent, DeliveryId, DeliveryState, EndpointEvent, EndpointId, EndpointState,
    EndpointUrl, EventKind, MessageId, ResendRefused, Secret, SecretError, SecretList, Wanted,
};
use model::UnixMillis;
use payment::MerchantId;
use sha2::{Digest, Sha256};
use store::{
    DeliverySummary, Reading, StoreError, StoredDelivery, StoredEndpoint, StoredMessage, StoredSecret, Unit,
};

use super::App;
use super::order::{Created, IdempotencyKey, KeyConflict, STATUS_CREATED, first_answer, keep_first_answer};
use crate::operators::Actor;
use crate::secrets::{SecretRefused, Secrets};

/// Endpoints of a merchant.
pub const WEBHOOK_ENDPOINTS_MAX: u32 = 16;
/// Failed deliveries that one request sends again.
const RESENT_MAX: u32 = 10_000;
/// Of them in one unit of work.
const RESENT_AT_ONCE: u32 = 256;
/// The digest of a body that an endpoint does not take.
pub(crate) const NO_BODY: [u8; 32] = [0; 32];
/// What a test message tells.
const TEST_KIND: &str = "webhook.test";
const STATUS_OK: u16 = 200;

/// The kinds of event that the platform raises.
pub const WEBHOOK_KINDS: [&str; 8] = [
    "order.awaiting_card",
    "order.processing",
    "order.paid",
    "order.declined",
    "order.expired",
    "order.canceled",
    "order.failed",
    "order.refunded",
];

/// An endpoint to be made.
#[derive(Clone, Debug)]
pub struct NewEndpoint {
    /// Whose.
    pub merchant: MerchantId,
    /// Where it is.
    pub url: EndpointUrl,
    /// What it is told of.
    pub wanted: Wanted,
    /// The merchant's own words.
    pub description: String,
}

/// What changes of an endpoint; `None` stays.
#[derive(Clone, Debug, Default)]
pub struct EndpointChange {
    /// Where it is.
    pub url: Option<EndpointUrl>,
    /// What it is told of.
    pub wanted: Option<Wanted>,
    /// The merchant's own words.
    pub description: Option<String>,
    /// Whether anything is sent to it.
    pub enabled: Option<bool>,
}

/// An endpoint with a secret that is shown now.
#[derive(Clone, Debug)]
pub struct Shown {
    /// The endpoint.
    pub endpoint: StoredEndpoint,
    /// Its secrets, the newest first.
    pub secrets: Vec<StoredSecret>,
    /// The one that is shown, unless it is gone by now.
    pub secret: Option<Secret>,
    /// It is the first answer again.
    pub repeated: bool,
}

/// How a delivery becomes the body of an answer.
pub type RenderDelivery = Arc<dyn Fn(&DeliverySummary) -> String + Send + Sync>;
/// How what was sent again becomes the body of an answer: how many, and whether some are left.
pub type RenderResent = Arc<dyn Fn((u32, bool)) -> String + Send + Sync>;

/// Why nothing has changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum WebhookError {
    /// No such endpoint, or another merchant's.
    #[error("there is no webhook endpoint with this id")]
    NoSuchEndpoint,
    /// No such delivery, or another merchant's.
    #[error("there is no delivery with this id")]
    NoSuchDelivery,
    /// The merchant has as many as one may have.
    #[error("a merchant has at most {WEBHOOK_ENDPOINTS_MAX} webhook endpoints; delete one")]
    TooManyEndpoints,
    /// Nothing is sent to an endpoint that is disabled.
    #[error("the endpoint is disabled; enable it first")]
    Disabled,
    /// The rules of secrets.
    #[error(transparent)]
    Secret(#[from] SecretError),
    /// The rules of deliveries.
    #[error(transparent)]
    Resend(#[from] ResendRefused),
    /// The idempotency key came with another request.
    #[error("this idempotency key came with another body before")]
    IdempotencyConflict,
    /// A secret of the database is not sealed or opened here.
    #[error(transparent)]
    Sealed(SecretRefused),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl From<SecretRefused> for WebhookError {
    fn from(refused: SecretRefused) -> Self {
        match refused {
            SecretRefused::Store(error) => Self::Store(error),
            refused => Self::Sealed(refused),
        }
    }
}

impl From<KeyConflict> for WebhookError {
    fn from(_: KeyConflict) -> Self {
        Self::IdempotencyConflict
    }
}

/// What a request is about stands in its path: it is a part of what is asked for.
fn with_path(idempotency: Option<IdempotencyKey>, id: u128) -> Option<IdempotencyKey> {
    idempotency.map(|given| IdempotencyKey {
        body_digest: Sha256::new()
            .chain_update(id.to_be_bytes())
            .chain_update(given.body_digest)
            .finalize()
            .into(),
        key: given.key,
    })
}

/// The endpoint, where it is this merchant's (or anybody's, for an operator) and was not deleted.
fn endpoint(
    unit: &dyn Reading,
    merchant: Option<MerchantId>,
    id: EndpointId,
) -> Result<StoredEndpoint, WebhookError> {
    let found = unit.webhook_endpoint(id)?.filter(|it| it.deleted_at.is_none());
    let found = found.filter(|it| merchant.is_none_or(|merchant| merchant == it.merchant));
    found.ok_or(WebhookError::NoSuchEndpoint)
}

/// The delivery, where its endpoint is this merchant's.
fn delivery(
    unit: &dyn Reading,
    merchant: Option<MerchantId>,
    id: DeliveryId,
) -> Result<(DeliverySummary, StoredEndpoint), WebhookError> {
    let found = unit.webhook_delivery(id)?.ok_or(WebhookError::NoSuchDelivery)?;
    match endpoint(unit, merchant, found.delivery.endpoint) {
        Ok(endpoint) => Ok((found, endpoint)),
        Err(WebhookError::NoSuchEndpoint) => Err(WebhookError::NoSuchDelivery),
        Err(error) => Err(error),
    }
}

/// Names under which a first answer is kept: a secret is never kept with it.
fn kept_as(id: u128, number: u32) -> String {
    format!("{id:032x} {number}")
}

fn kept(body: &str) -> Option<(u128, u32)> {
    let (id, number) = body.split_once(' ')?;
    Some((u128::from_str_radix(id, 16).ok()?, number.parse().ok()?))
}

const MALFORMED: StoreError = StoreError::Malformed("idempotency.body");

/// The first answer to a request that showed a secret, made anew.
fn shown_again(sealing: &Secrets, unit: &dyn Reading, body: &str) -> Result<Shown, WebhookError> {
    let (id, number) = kept(body).ok_or(MALFORMED)?;
    let endpoint = endpoint(unit, None, EndpointId(id))?;
    let secrets = unit.webhook_secrets(endpoint.id)?;
    let stored = secrets.iter().find(|secret| secret.number == number);
    let secret = stored.map(|stored| sealing.open_webhook(unit, endpoint.id, stored)).transpose()?;
    Ok(Shown { endpoint, secrets, secret, repeated: true })
}

/// Whether a secret may come after those that are there. One whose key is lost gives way to it all the same.
fn may_follow(
    sealing: &Secrets,
    unit: &dyn Reading,
    id: EndpointId,
    before: &[StoredSecret],
    next: &Secret,
    now: UnixMillis,
    until: UnixMillis,
) -> Result<(), WebhookError> {
    let good = before.iter().filter(|it| it.until.is_none_or(|until| until > now)).count();
    if good >= SecretList::LENGTH_MAX {
        return Err(SecretError::TooMany.into());
    }
    match sealing.signing(unit, id, before, now) {
        Ok(list) => Ok(list.rotate(next.clone(), now, until).map(|_| ())?),
        Err(SecretRefused::Store(error)) => Err(error.into()),
        Err(error) => {
            tracing::warn!(%error, code = error.code(), "a webhook secret that does not open gives way to a new one");
            Ok(())
        }
    }
}

impl App {
    fn new_secret(&self) -> Result<Secret, SecretError> {
        let mut bytes = zeroize::Zeroizing::new([0_u8; 32]);
        let (first, second) = bytes.split_at_mut(16);
        first.copy_from_slice(&self.random().to_be_bytes());
        second.copy_from_slice(&self.random().to_be_bytes());
        Secret::from_bytes(bytes.as_slice())
    }

    /// Makes an endpoint with its first secret. The same key and body again make no second one.
    pub async fn create_webhook_endpoint(
        &self,
        new: NewEndpoint,
        idempotency: Option<IdempotencyKey>,
    ) -> Result<Shown, WebhookError> {
        const ENDPOINT: &str = "webhook_endpoints.create";
        let now = self.now();
        let id = EndpointId::from_time_and_random(now, self.random());
        let (sealing, secret, number) = (self.secrets().clone(), self.new_secret()?, 1);
        self.write::<_, WebhookError>(move |unit| {
            let first = first_answer::<WebhookError>(unit, new.merchant, ENDPOINT, idempotency.as_ref())?;
            if let Some(first) = first {
                return shown_again(&sealing, unit, &first.body);
            }
            let there = unit.webhook_endpoints(new.merchant, None, WEBHOOK_ENDPOINTS_MAX)?;
            if there.len() >= usize::try_from(WEBHOOK_ENDPOINTS_MAX).unwrap_or(usize::MAX) {
                return Err(WebhookError::TooManyEndpoints);
            }
            let endpoint = StoredEndpoint {
                id,
                merchant: new.merchant,
                url: new.url.clone(),
                wanted: new.wanted.clone(),
                description: new.description.clone(),
                state: EndpointState::new(),
                created_at: now,
                updated_at: now,
                deleted_at: None,
            };
            unit.add_webhook_endpoint(&endpoint)?;
            let sealed = sealing.seal_webhook(unit, now, id, number, &secret)?;
            let secrets = vec![StoredSecret { number, secret: sealed, until: None }];
            unit.put_webhook_secrets(id, &secrets)?;
            let answer = (STATUS_CREATED, kept_as(id.0, number));
            let answer = (answer.0, answer.1.as_str());
            keep_first_answer(unit, new.merchant, ENDPOINT, idempotency.as_ref(), answer, now)?;
            Ok(Shown { endpoint, secrets, secret: Some(secret.clone()), repeated: false })
        })
        .await
    }

    /// An endpoint of a merchant, or for an operator of anybody.
    pub async fn webhook_endpoint(
        &self,
        merchant: Option<MerchantId>,
        id: EndpointId,
    ) -> Result<(StoredEndpoint, Vec<StoredSecret>), WebhookError> {
        let read = self.store().read(move |rows| {
            let found = match endpoint(rows, merchant, id) {
                Ok(found) => Ok(found),
                Err(WebhookError::Store(error)) => return Err(error),
                Err(error) => Err(error),
            };
            let secrets = rows.webhook_secrets(id)?;
            Ok(found.map(|found| (found, secrets)))
        });
        read.await?
    }

    /// Changes an endpoint. What waits for one that is disabled is canceled.
    pub async fn change_webhook_endpoint(
        &self,
        merchant: Option<MerchantId>,
        id: EndpointId,
        change: EndpointChange,
    ) -> Result<StoredEndpoint, WebhookError> {
        let now = self.now();
        let changed = self.write::<_, WebhookError>(move |unit| {
            let mut endpoint = endpoint(unit, merchant, id)?;
            let event =
                change.enabled.map(|on| if on { EndpointEvent::Enable } else { EndpointEvent::Disable });
            if let Some(state) = event.and_then(|event| endpoint.state.apply(event, now)) {
                endpoint.state = state;
            }
            if let Some(url) = &change.url {
                endpoint.url = url.clone();
            }
            if let Some(wanted) = &change.wanted {
                endpoint.wanted = wanted.clone();
            }
            if let Some(description) = &change.description {
                endpoint.description.clone_from(description);
            }
            endpoint.updated_at = now;
            unit.put_webhook_endpoint(&endpoint)?;
            Ok(endpoint)
        });
        let changed = changed.await?;
        self.inner.webhooks.notify_one();
        Ok(changed)
    }

    /// Deletes an endpoint. Its secrets are gone; what was sent to it can still be read for some days.
    pub async fn delete_webhook_endpoint(
        &self,
        merchant: Option<MerchantId>,
        id: EndpointId,
    ) -> Result<(), WebhookError> {
        let now = self.now();
        let deleted = self.write::<_, WebhookError>(move |unit| {
            let mut endpoint = endpoint(unit, merchant, id)?;
            endpoint.deleted_at = Some(now);
            endpoint.updated_at = now;
            unit.put_webhook_endpoint(&endpoint)?;
            Ok(unit.put_webhook_secrets(id, &[])?)
        });
        deleted.await?;
        self.inner.webhooks.notify_one();
        Ok(())
    }

    /// Gives an endpoint a new secret. The one before signs as well, so long.
    pub async fn rotate_webhook_secret(
        &self,
        merchant: MerchantId,
        id: EndpointId,
        overlap_millis: i64,
        idempotency: Option<IdempotencyKey>,
    ) -> Result<Shown, WebhookError> {
        const ENDPOINT: &str = "webhook_endpoints.rotate";
        let (now, next, sealing) = (self.now(), self.new_secret()?, self.secrets().clone());
        let idempotency = with_path(idempotency, id.0);
        self.write::<_, WebhookError>(move |unit| {
            let first = first_answer::<WebhookError>(unit, merchant, ENDPOINT, idempotency.as_ref())?;
            if let Some(first) = first {
                return shown_again(&sealing, unit, &first.body);
            }
            let endpoint = endpoint(unit, Some(merchant), id)?;
            let before = unit.webhook_secrets(id)?;
            let until = now.plus(overlap_millis);
            may_follow(&sealing, unit, id, &before, &next, now, until)?;
            let number = before.first().map_or(0, |newest| newest.number).saturating_add(1);
            let sealed = sealing.seal_webhook(unit, now, id, number, &next)?;
            let mut secrets = vec![StoredSecret { number, secret: sealed, until: None }];
            let earlier = before.into_iter().map(|it| StoredSecret { until: it.until.or(Some(until)), ..it });
            secrets.extend(earlier.filter(|it| it.until.is_some_and(|until| until > now)));
            unit.put_webhook_secrets(id, &secrets)?;
            let body = kept_as(id.0, number);
            let answer = (STATUS_CREATED, body.as_str());
            keep_first_answer(unit, merchant, ENDPOINT, idempotency.as_ref(), answer, now)?;
            Ok(Shown { endpoint, secrets, secret: Some(next.clone()), repeated: false })
        })
        .await
    }

    /// Sends an endpoint a message of kind `webhook.test`, whatever it wants to be told of.
    pub async fn test_webhook(
        &self,
        merchant: Option<MerchantId>,
        id: EndpointId,
    ) -> Result<DeliverySummary, WebhookError> {
        let now = self.now();
        let names = (
            MessageId::from_time_and_random(now, self.random()),
            DeliveryId::from_time_and_random(now, self.random()),
        );
        let sent = self.write::<_, WebhookError>(move |unit| {
            let endpoint = enabled(unit, merchant, id)?;
            Ok(add_test(unit, &endpoint, names, now)?)
        });
        let sent = sent.await?;
        self.inner.webhooks.notify_one();
        Ok(sent)
    }

    /// The same for its merchant. The same key again sends no second one.
    pub async fn test_webhook_once(
        &self,
        merchant: MerchantId,
        id: EndpointId,
        idempotency: Option<IdempotencyKey>,
        render: RenderDelivery,
    ) -> Result<Created, WebhookError> {
        const ENDPOINT: &str = "webhook_endpoints.test";
        let now = self.now();
        let (message, delivery) = (self.random(), self.random());
        let names =
            (MessageId::from_time_and_random(now, message), DeliveryId::from_time_and_random(now, delivery));
        let idempotency = with_path(idempotency, id.0);
        let sent = self.write::<_, WebhookError>(move |unit| {
            once(unit, (merchant, ENDPOINT, idempotency.as_ref()), (STATUS_CREATED, now), |unit| {
                let endpoint = enabled(unit, Some(merchant), id)?;
                Ok(render(&add_test(unit, &endpoint, names, now)?))
            })
        });
        let sent = sent.await?;
        self.inner.webhooks.notify_one();
        Ok(sent)
    }

    /// Sends a delivery again, under the same id and with the same bytes. The same key again sends it no second time.
    pub async fn resend_webhook(
        &self,
        merchant: MerchantId,
        id: DeliveryId,
        idempotency: Option<IdempotencyKey>,
        render: RenderDelivery,
    ) -> Result<Created, WebhookError> {
        const ENDPOINT: &str = "webhook_deliveries.resend";
        let now = self.now();
        let idempotency = with_path(idempotency, id.0);
        let sent = self.write::<_, WebhookError>(move |unit| {
            once(unit, (merchant, ENDPOINT, idempotency.as_ref()), (STATUS_OK, now), |unit| {
                Ok(render(&resend(unit, Some(merchant), id, now)?))
            })
        });
        let sent = sent.await?;
        self.inner.webhooks.notify_one();
        Ok(sent)
    }

    /// The same by an operator, with its entry in the audit log.
    pub(crate) async fn resend_webhook_by(
        &self,
        by: Actor,
        endpoint: EndpointId,
        id: DeliveryId,
    ) -> Result<(), WebhookError> {
        let now = self.now();
        let sent = self.write::<_, WebhookError>(move |unit| {
            let found = resend(unit, None, id, now)?;
            if found.delivery.endpoint != endpoint {
                return Err(WebhookError::NoSuchDelivery);
            }
            Ok(by.enter(unit, now, AuditAction::WebhookResend, &id.to_string(), "done")?)
        });
        sent.await?;
        self.inner.webhooks.notify_one();
        Ok(())
    }

    /// Sends again what failed for an endpoint among the messages made since a moment, in portions: how many, and whether some
    /// are left. The first answer is kept with the last portion. What was sent again waits, and no repeated request finds it.
    pub async fn resend_failed_webhooks(
        &self,
        merchant: MerchantId,
        id: EndpointId,
        since: UnixMillis,
        idempotency: Option<IdempotencyKey>,
        render: RenderResent,
    ) -> Result<Created, WebhookError> {
        const ENDPOINT: &str = "webhook_endpoints.resend";
        let (now, mut resent, mut before) = (self.now(), 0_u32, None);
        let idempotency = with_path(idempotency, id.0);
        loop {
            let (idempotency, render) = (idempotency.clone(), Arc::clone(&render));
            let portion = self.write::<_, WebhookError>(move |unit| {
                let key = idempotency.as_ref();
                if let Some(first) = first_answer::<WebhookError>(unit, merchant, ENDPOINT, key)? {
                    return Ok(Portion::Whole(Created { body: first.body, repeated: true }));
                }
                enabled(unit, Some(merchant), id)?;
                let failed = unit.webhook_failed(id, before, RESENT_AT_ONCE)?;
                let all = failed.len() < usize::try_from(RESENT_AT_ONCE).unwrap_or(usize::MAX);
                let (mut count, mut last, mut ended) = (0_u32, None, all);
                for found in failed {
                    if found.created_at < since {
                        ended = true;
                        break;
                    }
                    last = Some(found.delivery.id);
                    if let Some(state) = found.delivery.state.apply(DeliveryEvent::Resent { at: now }) {
                        unit.put_webhook_delivery(found.delivery.id, state, found.delivery.attempts, now)?;
                        count = count.saturating_add(1);
                    }
                }
                let resent = resent.saturating_add(count);
                if !ended && resent < RESENT_MAX {
                    return Ok(Portion::More { resent, last });
                }
                let body = render((resent, !ended));
                keep_first_answer(unit, merchant, ENDPOINT, key, (STATUS_OK, &body), now)?;
                Ok(Portion::Whole(Created { body, repeated: false }))
            });
            let portion = portion.await?;
            self.inner.webhooks.notify_one();
            match portion {
                Portion::Whole(answer) => return Ok(answer),
                Portion::More { resent: so_far, last } => (resent, before) = (so_far, last),
            }
        }
    }
}

/// What one unit of work of many did.
enum Portion {
    /// There may be more.
    More { resent: u32, last: Option<DeliveryId> },
    /// It was the last, or all was done before.
    Whole(Created),
}

/// Does something and keeps its answer, or finds the first answer.
fn once(
    unit: &mut dyn Unit,
    (merchant, endpoint, key): (MerchantId, &str, Option<&IdempotencyKey>),
    (status, now): (u16, UnixMillis),
    work: impl FnOnce(&mut dyn Unit) -> Result<String, WebhookError>,
) -> Result<Created, WebhookError> {
    if let Some(first) = first_answer::<WebhookError>(unit, merchant, endpoint, key)? {
        return Ok(Created { body: first.body, repeated: true });
    }
    let body = work(unit)?;
    keep_first_answer(unit, merchant, endpoint, key, (status, &body), now)?;
    Ok(Created { body, repeated: false })
}

/// The endpoint, where something is sent to it.
fn enabled(
    unit: &dyn Reading,
    merchant: Option<MerchantId>,
    id: EndpointId,
) -> Result<StoredEndpoint, WebhookError> {
    let endpoint = endpoint(unit, merchant, id)?;
    if endpoint.state.is_enabled() { Ok(endpoint) } else { Err(WebhookError::Disabled) }
}

/// Checked and changed, in the caller's unit of work.
fn resend(
    unit: &mut dyn Unit,
    merchant: Option<MerchantId>,
    id: DeliveryId,
    now: UnixMillis,
) -> Result<DeliverySummary, WebhookError> {
    let (mut found, endpoint) = delivery(unit, merchant, id)?;
    if !endpoint.state.is_enabled() {
        return Err(WebhookError::Disabled);
    }
    let state = found.delivery.state.resend(now)?;
    unit.put_webhook_delivery(id, state, found.delivery.attempts, now)?;
    found.delivery.state = state;
    found.delivery.updated_at = now;
    Ok(found)
}

fn add_test(
    unit: &mut dyn Unit,
    endpoint: &StoredEndpoint,
    (message, delivery): (MessageId, DeliveryId),
    now: UnixMillis,
) -> Result<DeliverySummary, StoreError> {
    let wrong = || StoreError::Malformed("a test message");
    let kind: EventKind = TEST_KIND.parse().map_err(|_| wrong())?;
    let data = Data::from_value(&serde_json::json!({ "endpoint": endpoint.id.to_string() }));
    let body = data.and_then(|data| Body::new(&kind, now, 0, &data)).map_err(|_| wrong())?;
    unit.add_webhook_message(&StoredMessage {
        id: message,
        merchant: endpoint.merchant,
        kind: kind.clone(),
        order: None,
        body,
        created_at: now,
    })?;
    let delivery = StoredDelivery {
        id: delivery,
        message,
        endpoint: endpoint.id,
        state: DeliveryState::new(now),
        attempts: 0,
        updated_at: now,
    };
    unit.add_webhook_delivery(&delivery)?;
    Ok(DeliverySummary { delivery, kind, order: None, created_at: now })
}
