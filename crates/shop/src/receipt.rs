//! What became of an order: where the platform sends the shopper back to.

use axum::Extension;
use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use pages::{Good, Href, Illustration, Language, OrderState, Page, Reason, ShopOrderPage};

use crate::catalogue::{Item, money};
use crate::platform::{self, Order, PlatformError, is_order_id};
use crate::shop::Shop;
use crate::{answer, moment, words};

/// `GET /orders/{id}`: by the platform's id, or by the shop's own reference, which is all that it had when it told
/// the platform where to send the shopper back to.
pub(crate) async fn show(
    State(shop): State<Shop>,
    Extension(language): Extension<Language>,
    path: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(asked)) = path else { return answer::not_found(Page::new(language)) };
    let id = if is_order_id(&asked) { Some(asked.clone()) } else { shop.book().find(&asked).map(|it| it.id) };
    let Some(id) = id else { return answer::not_found(Page::new(language)) };
    let page = Page::new(language).at(format!("/orders/{asked}"));
    let (order, cards) =
        tokio::join!(shop.platform().order(&id), shop.platform().cards(&shop.config().holder));
    let order = match order {
        Ok(order) => order,
        Err(PlatformError::Problem { status: StatusCode::NOT_FOUND, .. }) => return answer::not_found(page),
        Err(error) => return answer::trouble(page, &error),
    };
    // A receipt without the card's number is better than none: its id stands in.
    let number = cards.ok().and_then(|cards| cards.into_iter().find(|card| card.id == order.card));
    let receipt = ShopOrderPage {
        page,
        good: good(&order, language),
        masked_card: number.map_or_else(|| order.card.clone(), |card| card.number),
        placed_at: moment::text(order.created_at),
        state: state(&order, language),
        pay_url: shop.pay_url(&order.pay_url).map(|url| Href::new(url.as_str())),
        order_id: order.id,
    };
    answer::page(StatusCode::OK, &receipt)
}

/// What was bought; an order that is not of today's counter shows its own text and amount.
fn good(order: &Order, language: Language) -> Good {
    let text = order.text.as_deref().unwrap_or_default();
    match Item::of_order(text, order.amount, &order.currency) {
        Some(item) => item.good(language),
        None => Good {
            id: String::new(),
            name: text.to_owned(),
            description: String::new(),
            price: money(order.amount, &order.currency),
            illustration: Illustration::Basket,
        },
    }
}

fn state(order: &Order, language: Language) -> OrderState {
    match order.state {
        platform::State::AwaitingCard => OrderState::AwaitingCard,
        platform::State::Processing => OrderState::OnCard,
        platform::State::Paid => OrderState::Paid,
        platform::State::Declined => {
            OrderState::Declined(reason(order.reason.as_deref().unwrap_or_default(), language))
        }
        platform::State::Expired => OrderState::Expired,
        platform::State::Canceled => OrderState::Canceled,
        platform::State::Failed => OrderState::Failed,
    }
}

fn reason(code: &str, language: Language) -> Reason {
    match code {
        "refused_by_holder" => Reason::Refused,
        "not_me" => Reason::NotMe,
        "over_card_limit" => Reason::OverCardLimit,
        "wrong_presses" => Reason::WrongPresses,
        "not_answered" => Reason::NotAnswered,
        "card_busy" => Reason::CardBusy,
        "too_late" => Reason::TooLate,
        "insufficient_funds" => Reason::Funds,
        "risk" => Reason::Risk,
        "card_frozen" => Reason::Frozen,
        "card_not_active"
        | "card_not_bound"
        | "card_lost"
        | "card_expired"
        | "card_closed"
        | "card_number_differs"
        | "card_id_differs"
        | "certificate_differs"
        | "creation_time_differs"
        | "holder_differs" => Reason::CardUnusable,
        _ => Reason::Other(words::unknown_reason(language).into()),
    }
}
