//! Merchants' API keys, with the page that asks before one is revoked.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Form, Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use pages::{ApiKeyRow, ConsoleMerchants, ConsoleRevokeKey, Href};
use payment::MerchantId;
use store::{ApiKeyId, ApiScope, Merchant, StoredApiKey};
use visit::Visitor;

use super::{Asked, Older, failed, found, not_found};
use crate::app::{API_KEYS_MAX, ApiKeyError};
use crate::http::Api;
use crate::operators::Actor;
use crate::web::text;

pub(super) const PATH: &str = "/console/merchants";
/// Merchants on a page; each may have many keys.
const MERCHANTS: u32 = 20;

fn row(merchant: &Merchant, stored: &StoredApiKey) -> ApiKeyRow {
    let (key, id) = (&stored.key, stored.key.id());
    ApiKeyRow {
        key_id: id.to_string(),
        merchant: merchant.name.clone(),
        hint: key.hint.clone(),
        name: key.name.clone(),
        may_write: match key.scope {
            ApiScope::All => true,
            ApiScope::Read => false,
        },
        created_at: text::day_and_time(stored.created_at),
        used_at: stored.used_at.map(text::day_and_minute),
        revoked_at: stored.revoked_at.map(text::day_and_time),
        revoke: stored.revoked_at.is_none().then(|| revoke_href(id)),
    }
}

fn revoke_href(id: ApiKeyId) -> Href {
    Href::new(format!("{PATH}/keys/{id}/revoke"))
}

pub(super) async fn list(State(api): State<Api>, visitor: Visitor, Query(older): Query<Older>) -> Response {
    let after = match older.after.as_deref().map(str::parse::<u32>) {
        Some(Ok(id)) => Some(MerchantId(id)),
        Some(Err(_)) => return not_found(&visitor),
        None => None,
    };
    found(api.fleet.app().store(), &visitor, move |rows, visitor| {
        let mut merchants = rows.merchants_after(after, MERCHANTS + 1)?;
        let more = merchants.len() > MERCHANTS as usize;
        merchants.truncate(MERCHANTS as usize);
        let mut keys = Vec::new();
        for merchant in &merchants {
            let of = rows.api_keys_of(merchant.id, API_KEYS_MAX)?;
            keys.extend(of.iter().map(|stored| row(merchant, stored)));
        }
        let last = merchants.last().filter(|_| more).map(|last| last.id.0.to_string());
        Ok(Some(ConsoleMerchants {
            page: visitor.page(),
            rows: keys,
            older: last.map(|id| Href::new(PATH).with("after", &id)),
        }))
    })
    .await
}

type Named = Result<Path<String>, PathRejection>;

fn named(key: Named) -> Option<ApiKeyId> {
    key.ok()?.0.parse().ok()
}

pub(super) async fn ask(State(api): State<Api>, visitor: Visitor, key: Named) -> Response {
    let Some(id) = named(key) else { return not_found(&visitor) };
    question(&api, &visitor, id).await
}

async fn question(api: &Api, visitor: &Visitor, id: ApiKeyId) -> Response {
    found(api.fleet.app().store(), visitor, move |rows, visitor| {
        let Some(stored) = rows.api_key_of_id(id)? else { return Ok(None) };
        let Some(merchant) = rows.merchant(stored.key.merchant)? else { return Ok(None) };
        Ok(Some(ConsoleRevokeKey {
            page: visitor.page(),
            key: row(&merchant, &stored),
            confirm: revoke_href(id),
            back: Href::new(PATH),
        }))
    })
    .await
}

pub(super) async fn revoke(
    State(api): State<Api>,
    Extension(actor): Extension<Actor>,
    visitor: Visitor,
    key: Named,
    Form(asked): Form<Asked>,
) -> Response {
    let Some(id) = named(key) else { return not_found(&visitor) };
    if !asked.is_confirmed() {
        return question(&api, &visitor, id).await;
    }
    match api.fleet.app().revoke_api_key(actor, id).await {
        Ok(_) => {
            tracing::info!(key = %id, "an API key was revoked");
            Redirect::to(PATH).into_response()
        }
        Err(ApiKeyError::AlreadyRevoked(_)) => {
            let mut page = question(&api, &visitor, id).await;
            *page.status_mut() = StatusCode::CONFLICT;
            page
        }
        Err(ApiKeyError::Store(error)) => failed(&visitor, &error),
        Err(
            ApiKeyError::NoSuchKey(_)
            | ApiKeyError::NoSuchMerchant(_)
            | ApiKeyError::TooMany(_)
            | ApiKeyError::Name,
        ) => not_found(&visitor),
    }
}
