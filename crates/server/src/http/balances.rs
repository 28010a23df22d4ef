//! `/v1/balances`: what a merchant is owed.

use axum::Json;
use axum::extract::State;
use model::Currency;
use payment::AccountKind;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::auth::Caller;
use super::problem::{Problem, ProblemBody};
use super::schema::CurrencySchema;

/// What a merchant is owed in one currency, in minor units.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Balance)]
pub(super) struct BalanceBody {
    /// ISO 4217 letters.
    #[schema(value_type = CurrencySchema)]
    currency: String,
    /// Paid to you.
    posted: i64,
    /// Set aside for your open orders.
    pending: i64,
}

/// Balances by currency.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct BalanceList {
    /// One for each currency that you were paid in.
    data: Vec<BalanceBody>,
}

/// What you are owed, by currency.
#[utoipa::path(
    get, path = "/v1/balances", operation_id = "list_balances", tag = "balances",
    responses(
        (status = 200, description = "Your balances", body = BalanceList),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn list(State(api): State<Api>, caller: Caller) -> Result<Json<BalanceList>, Problem> {
    let owner = i64::from(caller.merchant.0);
    let data = api.fleet.app().store().peek(|rows| {
        let mut data = Vec::new();
        for currency in Currency::KNOWN {
            if let Some(account) = rows.account_of(AccountKind::Merchant, owner, *currency)? {
                data.push(BalanceBody {
                    currency: currency.to_string(),
                    posted: account.posted,
                    pending: account.pending_in,
                });
            }
        }
        Ok(data)
    })?;
    Ok(Json(BalanceList { data }))
}
