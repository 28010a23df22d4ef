//! Buying: choosing a good, choosing a card, and asking the platform for the order.

use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use axum::{Extension, Form};
use pages::{CheckoutPage, Language, Page, SavedCard};
use serde::Deserialize;

use crate::catalogue::Item;
use crate::platform::{Card, PlatformError};
use crate::reader::cookie;
use crate::shop::Shop;
use crate::ticket::{self, Ticket};
use crate::{answer, words};

const PATH: &str = "/checkout";
const TICKET_SECONDS: u32 = 86_400;

#[derive(Deserialize)]
pub(crate) struct Choice {
    #[serde(default)]
    good: String,
    #[serde(default)]
    card: String,
}

/// `POST /buy`: a good was taken from the counter.
pub(crate) async fn buy(
    Extension(language): Extension<Language>,
    form: Result<Form<Choice>, FormRejection>,
) -> Response {
    let choice = match form {
        Ok(Form(choice)) => choice,
        Err(rejection) => return unreadable(language, &rejection),
    };
    match Item::find(&choice.good) {
        Some(item) => Redirect::to(&address(item)).into_response(),
        None => answer::not_found(Page::new(language).at("/")),
    }
}

/// `GET /checkout`: the form, with a new ticket unless the last one is in doubt.
pub(crate) async fn show(
    State(shop): State<Shop>,
    Extension(language): Extension<Language>,
    headers: HeaderMap,
    query: Result<Query<Choice>, QueryRejection>,
) -> Response {
    let Some(item) = query.ok().and_then(|Query(choice)| Item::find(&choice.good)) else {
        return answer::not_found(Page::new(language).at("/"));
    };
    let counter = Counter { shop: &shop, language, item };
    let cards = match counter.cards().await {
        Ok(cards) => cards,
        Err(error) => return answer::trouble(counter.page(), &error),
    };
    let kept = ticket_of(&headers).filter(|ticket| ticket.in_doubt());
    counter.form(cards, None, None, kept)
}

/// `POST /checkout`: a card was chosen.
pub(crate) async fn send(
    State(shop): State<Shop>,
    Extension(language): Extension<Language>,
    headers: HeaderMap,
    form: Result<Form<Choice>, FormRejection>,
) -> Response {
    let choice = match form {
        Ok(Form(choice)) => choice,
        Err(rejection) => return unreadable(language, &rejection),
    };
    let Some(item) = Item::find(&choice.good) else {
        return answer::not_found(Page::new(language).at("/"));
    };
    let counter = Counter { shop: &shop, language, item };
    // Without cookies there is no ticket, and each sending of the form is a purchase of its own.
    let ticket = match ticket_of(&headers).map_or_else(Ticket::draw, Ok) {
        Ok(ticket) => ticket,
        Err(error) => return counter.without_chance(error),
    };
    let cards = match counter.cards().await {
        Ok(cards) => cards,
        Err(error) => return answer::trouble(counter.page(), &error),
    };
    if !cards.iter().any(|card| card.id == choice.card) {
        let error = words::not_your_card(language).to_owned();
        return counter.form(cards, None, Some(error), Some(ticket));
    }
    let purchase = ticket.purchase(item.id, &choice.card);
    match shop.place(purchase, item, choice.card.clone()).await {
        Ok(placed) => {
            let to_platform = Redirect::to(placed.pay_url.as_str()).into_response();
            counter.with_ticket(to_platform, ticket.with_doubt(false))
        }
        Err(error) if error.leaves_doubt() => {
            counter.with_ticket(answer::trouble(counter.page(), &error), ticket.with_doubt(true))
        }
        Err(error) => counter.declined(cards, choice.card, &error),
    }
}

/// One good being bought by one reader.
struct Counter<'a> {
    shop: &'a Shop,
    language: Language,
    item: &'static Item,
}

impl Counter<'_> {
    fn page(&self) -> Page {
        Page::new(self.language).at(address(self.item))
    }

    /// The shopper's cards that are worth offering: those in use, and the frozen ones, said to be so.
    async fn cards(&self) -> Result<Vec<SavedCard>, PlatformError> {
        let cards = self.shop.platform().cards(&self.shop.config().holder).await?;
        let offered = cards.into_iter().filter_map(|card| saved(card, self.language));
        let (frozen, usable): (Vec<_>, Vec<_>) = offered.partition(|card| !card.note.is_empty());
        Ok(usable.into_iter().chain(frozen).collect())
    }

    /// The form with this ticket, or with a new one.
    fn form(
        &self,
        cards: Vec<SavedCard>,
        chosen: Option<String>,
        error: Option<String>,
        ticket: Option<Ticket>,
    ) -> Response {
        let status = if error.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
        let ticket = match ticket.map_or_else(Ticket::draw, Ok) {
            Ok(ticket) => ticket,
            Err(error) => return self.without_chance(error),
        };
        let good = self.item.good(self.language);
        let form = CheckoutPage { page: self.page(), good, cards, chosen, error };
        self.with_ticket(answer::page(status, &form), ticket)
    }

    /// The platform made no order and said why: the form again, with the reason.
    fn declined(&self, cards: Vec<SavedCard>, chosen: String, error: &PlatformError) -> Response {
        let PlatformError::Problem { code, status, detail } = error else {
            return answer::trouble(self.page(), error);
        };
        if matches!(*status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            // The shop's own key is wrong; the shopper can do nothing about it.
            return answer::trouble(self.page(), error);
        }
        tracing::info!(%error, "an order was not made");
        let sentence = match words::problem(code, self.language) {
            Some(sentence) => sentence.to_owned(),
            None => words::other_problem(detail, self.language),
        };
        self.form(cards, Some(chosen), Some(sentence), None)
    }

    fn with_ticket(&self, response: Response, ticket: Ticket) -> Response {
        let cookie = self.shop.cookie(ticket::COOKIE, &ticket.to_cookie(), PATH, TICKET_SECONDS);
        answer::with_cookie(response, cookie)
    }

    fn without_chance(&self, error: getrandom::Error) -> Response {
        tracing::error!(%error, "the operating system gives no random numbers");
        answer::failed(self.page(), StatusCode::SERVICE_UNAVAILABLE)
    }
}

fn address(item: &Item) -> String {
    format!("{PATH}?good={}", item.id)
}

fn saved(card: Card, language: Language) -> Option<SavedCard> {
    let note = match card.state.as_str() {
        "active" => "",
        "frozen" => words::frozen(language),
        _ => return None,
    };
    Some(SavedCard {
        id: card.id,
        masked_number: card.number,
        has_display: card.has_display,
        note: note.to_owned(),
    })
}

fn ticket_of(headers: &HeaderMap) -> Option<Ticket> {
    cookie(headers, ticket::COOKIE).and_then(Ticket::from_cookie)
}

fn unreadable(language: Language, rejection: &FormRejection) -> Response {
    answer::refused(Page::new(language).at("/"), rejection.status(), words::bad_form(language))
}
