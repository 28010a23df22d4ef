//! `/v1/holders/{holder}/cards`: the cards that a holder can pay with.

use axum::Json;
use axum::extract::State;
use model::HolderReference;
use serde::Serialize;
use utoipa::ToSchema;

use super::Api;
use super::auth::Caller;
use super::input::Named;
use super::problem::{Code, Problem, ProblemBody};
use super::schema::{CardIdSchema, CardStateSchema, HolderSchema};

/// A card as merchants see it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Card)]
pub(super) struct CardBody {
    /// Give it in an order.
    #[schema(value_type = CardIdSchema)]
    id: String,
    /// First six and last four digits.
    #[schema(example = "621234••••1232")]
    number: String,
    /// Whether it can show an amount.
    has_display: bool,
    /// Where it stands.
    #[schema(value_type = CardStateSchema)]
    state: &'static str,
}

/// The cards of a holder.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct CardList {
    /// The cards, by id.
    data: Vec<CardBody>,
}

/// List the cards bound to a holder who gave you their reference. An unknown holder has none.
#[utoipa::path(
    get, path = "/v1/holders/{holder}/cards", operation_id = "list_cards", tag = "cards",
    params(("holder" = HolderSchema, Path, description = "hld_ and 16 hexadecimal digits")),
    responses(
        (status = 200, description = "The holder's cards", body = CardList),
        (status = 401, description = "No or wrong API key", body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, description = "Not a holder reference", body = ProblemBody, content_type = "application/problem+json"),
    ),
    security(("api_key" = [])),
)]
pub(super) async fn of_holder(
    State(api): State<Api>,
    _caller: Caller,
    Named(holder): Named,
) -> Result<Json<CardList>, Problem> {
    let holder: HolderReference = holder.parse().map_err(|_| Problem::new(Code::InvalidHolder))?;
    let cards = api.fleet.app().store().peek(|rows| rows.cards_of_holder(holder))?;
    let data = cards
        .into_iter()
        .map(|card| CardBody {
            id: card.id().to_string(),
            number: card.record.information.number.to_string(),
            has_display: card.record.has_display,
            state: card.record.life_cycle.name(),
        })
        .collect();
    Ok(Json(CardList { data }))
}
