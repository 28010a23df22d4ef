//! `/console/webhooks`: merchants' endpoints, what was sent to them with each attempt, and sending it again.

use ::webhook::{DeliveryId, DisabledBy, End, EndpointEvent, EndpointId, GiveUp, NoAnswer};
use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Redirect, Response};
use operator::Permission;
use pages::{
    ConsoleDelivery, ConsoleWebhook, ConsoleWebhooks, DeliveryRow, EndpointRow, Href, WebhookAnswer,
    WebhookAttemptRow,
};
use store::{DeliverySummary, Reading, StoreError, StoredAttempt, StoredEndpoint};
use visit::Visitor;

use super::{Older, ROWS, ROWS_LENGTH, failed, found, not_found, show};
use crate::app::WebhookError;
use crate::http::Api;
use crate::operators::{Actor, Signed};
use crate::web::text;

pub(super) const PATH: &str = "/console/webhooks";
/// The newest attempts of a delivery that are shown.
const ATTEMPTS: u32 = 100;

pub(super) async fn list(State(api): State<Api>, visitor: Visitor, Query(older): Query<Older>) -> Response {
    let before = match older.before.as_deref().map(str::parse::<EndpointId>) {
        Some(Ok(id)) => Some(id),
        Some(Err(_)) => return not_found(&visitor),
        None => None,
    };
    show(api, visitor, move |rows, visitor| {
        let mut endpoints = rows.newest_webhook_endpoints(before, ROWS + 1)?;
        let more = endpoints.len() > ROWS_LENGTH;
        endpoints.truncate(ROWS_LENGTH);
        let last = endpoints.last().filter(|_| more).map(|last| last.id);
        Ok(ConsoleWebhooks {
            page: visitor.page(),
            rows: endpoints.iter().map(|it| endpoint_row(rows, it)).collect::<Result<_, StoreError>>()?,
            older: last.map(|id| Href::new(PATH).with("before", &id.to_string())),
        })
    })
    .await
}

fn endpoint_href(id: EndpointId) -> Href {
    Href::new(format!("{PATH}/{id}"))
}

fn delivery_href(endpoint: EndpointId, id: DeliveryId) -> Href {
    Href::new(format!("{PATH}/{endpoint}/{id}"))
}

fn endpoint_row(rows: &dyn Reading, stored: &StoredEndpoint) -> Result<EndpointRow, StoreError> {
    use ::webhook::EndpointState as S;
    let url = stored.url.url();
    let merchant = rows.merchant(stored.merchant)?.map(|merchant| merchant.name).unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    Ok(EndpointRow {
        href: endpoint_href(stored.id),
        id: stored.id.to_string(),
        merchant,
        address: format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default()),
        kinds: stored.wanted.texts().collect::<Vec<_>>().join(", "),
        state: match stored.state {
            S::Enabled { failing_since: None } => pages::EndpointState::Enabled,
            S::Enabled { failing_since: Some(_) } => pages::EndpointState::Failing,
            S::Disabled { by: DisabledBy::Merchant, .. } => pages::EndpointState::DisabledByMerchant,
            S::Disabled { by: DisabledBy::Gone, .. } => pages::EndpointState::DisabledByGone,
            S::Disabled { by: DisabledBy::Failing, .. } => pages::EndpointState::DisabledByFailing,
        },
        since: text::day_and_time(stored.created_at),
    })
}

fn delivery_row(found: &DeliverySummary) -> DeliveryRow {
    use ::webhook::DeliveryState as S;
    let delivery = &found.delivery;
    DeliveryRow {
        href: delivery_href(delivery.endpoint, delivery.id),
        id: delivery.id.to_string(),
        message: delivery.message.to_string(),
        kind: found.kind.to_string(),
        order: found.order.map(|order| order.to_string()),
        state: match delivery.state {
            S::Pending { .. } => pages::DeliveryState::Pending,
            S::Delivered { .. } => pages::DeliveryState::Delivered,
            S::Failed { why: GiveUp::Exhausted, .. } => pages::DeliveryState::Failed,
            S::Failed { why: GiveUp::Redirected, .. } => pages::DeliveryState::Redirected,
            S::Canceled { .. } => pages::DeliveryState::Canceled,
        },
        attempts: delivery.attempts.into(),
        due: delivery.state.due().map(text::day_and_time),
        changed: text::day_and_time(delivery.updated_at),
    }
}

const fn shown(reason: NoAnswer) -> pages::NoAnswer {
    match reason {
        NoAnswer::Unreachable => pages::NoAnswer::Unreachable,
        NoAnswer::TimedOut => pages::NoAnswer::TimedOut,
        NoAnswer::Tls => pages::NoAnswer::Tls,
        NoAnswer::CertificateExpired => pages::NoAnswer::CertificateExpired,
        NoAnswer::CertificateOtherName => pages::NoAnswer::CertificateOtherName,
        NoAnswer::CertificateUntrusted => pages::NoAnswer::CertificateUntrusted,
        NoAnswer::CertificateBad => pages::NoAnswer::CertificateBad,
        NoAnswer::PrivateAddress => pages::NoAnswer::PrivateAddress,
        NoAnswer::AnswerTooLong => pages::NoAnswer::AnswerTooLong,
        NoAnswer::NameNotFound => pages::NoAnswer::NameNotFound,
    }
}

fn attempt_row(stored: &StoredAttempt) -> WebhookAttemptRow {
    let attempt = &stored.attempt;
    WebhookAttemptRow {
        number: stored.number,
        at: text::day_and_time(attempt.at),
        took_ms: attempt.duration_ms,
        answer: match attempt.end {
            End::Answered(status) => WebhookAnswer::Status(status.number()),
            End::NotAnswered(reason) => WebhookAnswer::None(shown(reason), reason.code()),
        },
        taken: attempt.end.tells() == EndpointEvent::Succeeded,
        excerpt: attempt.excerpt.as_str().to_owned(),
    }
}

pub(super) async fn endpoint(
    State(api): State<Api>,
    visitor: Visitor,
    id: Result<Path<String>, PathRejection>,
    Query(older): Query<Older>,
) -> Response {
    let id = id.ok().and_then(|Path(id)| id.parse::<EndpointId>().ok());
    let before = older.before.as_deref().map(str::parse::<DeliveryId>).transpose();
    let (Some(id), Ok(before)) = (id, before) else { return not_found(&visitor) };
    found(api.fleet.app().store(), &visitor, move |rows, visitor| {
        let Some(stored) = rows.webhook_endpoint(id)? else { return Ok(None) };
        let mut deliveries = rows.webhook_deliveries(id, before, ROWS + 1)?;
        let more = deliveries.len() > ROWS_LENGTH;
        deliveries.truncate(ROWS_LENGTH);
        let last = deliveries.last().filter(|_| more).map(|last| last.delivery.id);
        Ok(Some(ConsoleWebhook {
            page: visitor.page(),
            endpoint: endpoint_row(rows, &stored)?,
            rows: deliveries.iter().map(delivery_row).collect(),
            older: last.map(|last| endpoint_href(id).with("before", &last.to_string())),
            back: Href::new(PATH),
        }))
    })
    .await
}

type Both = Result<Path<(String, String)>, PathRejection>;

fn named(ids: Both) -> Option<(EndpointId, DeliveryId)> {
    let Path((endpoint, delivery)) = ids.ok()?;
    Some((endpoint.parse().ok()?, delivery.parse().ok()?))
}

pub(super) async fn delivery(
    State(api): State<Api>,
    Extension(signed): Extension<Signed>,
    visitor: Visitor,
    ids: Both,
) -> Response {
    let Some((endpoint, id)) = named(ids) else { return not_found(&visitor) };
    let may = signed.role.may(Permission::ResendWebhooks);
    found(api.fleet.app().store(), &visitor, move |rows, visitor| {
        let summary = rows.webhook_delivery(id)?.filter(|it| it.delivery.endpoint == endpoint);
        let stored = rows.webhook_endpoint(endpoint)?;
        let (Some(summary), Some(stored)) = (summary, stored) else { return Ok(None) };
        let message = rows.webhook_message(summary.delivery.message)?;
        let can = summary.delivery.state.resend(stored.created_at).is_ok()
            && stored.state.is_enabled()
            && stored.deleted_at.is_none();
        Ok(Some(ConsoleDelivery {
            page: visitor.page(),
            endpoint: endpoint_row(rows, &stored)?,
            delivery: delivery_row(&summary),
            body: message.map(|message| message.body.as_str().to_owned()).unwrap_or_default(),
            attempts: rows.webhook_attempts(id, ATTEMPTS)?.iter().map(attempt_row).collect(),
            resend: (may && can).then(|| delivery_href(endpoint, id)),
        }))
    })
    .await
}

pub(super) async fn resend(
    State(api): State<Api>,
    Extension(by): Extension<Actor>,
    visitor: Visitor,
    ids: Both,
) -> Response {
    let Some((endpoint, id)) = named(ids) else { return not_found(&visitor) };
    match api.fleet.app().resend_webhook_by(by, endpoint, id).await {
        Ok(()) => Redirect::to(&format!("{PATH}/{endpoint}/{id}")).into_response(),
        // It was sent again, or its endpoint disabled, since the page was made: the page says how it stands.
        Err(WebhookError::Resend(_) | WebhookError::Disabled) => {
            Redirect::to(&format!("{PATH}/{endpoint}/{id}")).into_response()
        }
        Err(WebhookError::Store(error)) => failed(&visitor, &error),
        Err(_) => not_found(&visitor),
    }
}
