//! A card's face: software cards as web pages that can be taken in hand and pressed.
//!
//! For: [`router`], which serves the pages of `pages::card` for the cards of a [`CardHost`].
//! Refuses: keeping a login. Whoever reaches the host can press its cards, so it belongs on a loopback
//! address; what it does refuse is being pressed by another site's page. It decides nothing: the key's edges
//! go to the card as they come, and the page shows what the card shows.
//! Next: `face/view.rs` for what is shown, `face/live.rs` for the live part, `face/guard.rs` for who may
//! press and frame, `face/reader.rs` for whose language is spoken.

mod guard;
mod live;
mod notice;
mod reader;
mod view;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};

use air::card::Edge;
use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use pages::{CardPage, CardsPage, Href, MessageLink, MessagePage, Template};
use serde::Deserialize;

use crate::SoftwareCard;
use reader::Reader;

pub use guard::Framing;

/// The form of one edge has ten bytes.
const KEY_FORM_MAX: usize = 256;

/// The cards of one host, and who may show them.
#[derive(Clone, Debug, Default)]
pub struct CardHost {
    cards: Arc<RwLock<BTreeMap<String, SoftwareCard>>>,
    framing: Framing,
    bearer: &'static str,
}

impl CardHost {
    /// A host of these cards that no other page may frame.
    pub fn new(cards: impl IntoIterator<Item = SoftwareCard>) -> Self {
        let host = Self { bearer: "CoAP/UDP", ..Self::default() };
        cards.into_iter().for_each(|card| host.add(card));
        host
    }

    /// The same with other pages that may frame its cards.
    #[must_use]
    pub fn framed_by(self, framing: Framing) -> Self {
        Self { framing, ..self }
    }

    /// Puts a card on the host; one with the same id is replaced.
    pub fn add(&self, card: SoftwareCard) {
        let mut cards = self.cards.write().unwrap_or_else(PoisonError::into_inner);
        cards.insert(Self::id(&card), card);
    }

    /// Where a card's face is on this host: `/cards/card_00c0ffee`.
    pub fn path(card: &SoftwareCard) -> String {
        format!("/cards/{}", Self::id(card))
    }

    fn id(card: &SoftwareCard) -> String {
        card.information().card_id.to_string()
    }

    fn card(&self, id: &str) -> Option<SoftwareCard> {
        let cards = self.cards.read().unwrap_or_else(PoisonError::into_inner);
        cards.get(id).cloned()
    }

    fn all(&self) -> Vec<(String, SoftwareCard)> {
        let cards = self.cards.read().unwrap_or_else(PoisonError::into_inner);
        cards.iter().map(|(id, card)| (id.clone(), card.clone())).collect()
    }
}

/// The pages: `/`, `/cards/{id}`, `/cards/{id}/live`, `POST /cards/{id}/key`, `/assets/{name}`.
pub fn router(host: CardHost) -> Router {
    let policy = host.framing.content_security_policy();
    let key = post(press)
        .layer::<_, Infallible>(middleware::from_fn(guard::refuse_cross_site))
        .layer(DefaultBodyLimit::max(KEY_FORM_MAX));
    Router::new()
        .route("/", get(cards))
        .route("/cards/{id}", get(card))
        .route("/cards/{id}/live", get(live::live))
        .route("/cards/{id}/key", key)
        .route("/assets/{name}", get(asset))
        .fallback(nothing_here)
        .layer(middleware::map_response_with_state(policy, guard::add_headers))
        .with_state(host)
}

async fn cards(State(host): State<CardHost>, reader: Reader) -> Response {
    let cards = host.all();
    let page = CardsPage {
        page: reader.page.clone(),
        cards: cards.iter().map(|(id, card)| view::summary(id, card)).collect(),
    };
    reader.answer(StatusCode::OK, &page)
}

async fn card(State(host): State<CardHost>, Path(id): Path<String>, reader: Reader) -> Response {
    let Some(card) = host.card(&id) else {
        return not_found(&reader);
    };
    let page = CardPage {
        card: view::card(&id, &card, host.bearer, reader.page.language),
        page: reader.page.clone(),
    };
    reader.answer(StatusCode::OK, &page)
}

#[derive(Deserialize)]
struct KeyForm {
    edge: KeyEdge,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeyEdge {
    Down,
    Up,
}

async fn press(
    State(host): State<CardHost>,
    Path(id): Path<String>,
    reader: Reader,
    Form(form): Form<KeyForm>,
) -> Response {
    let Some(card) = host.card(&id) else {
        return not_found(&reader);
    };
    let edge = match form.edge {
        KeyEdge::Down => Edge::Down,
        KeyEdge::Up => Edge::Up,
    };
    match card.key(edge).await {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        // A card that is off. The page shows that by its light; the script tells of a lost connection.
        Err(_) => StatusCode::CONFLICT.into_response(),
    }
}

async fn asset(Path(name): Path<String>, reader: Reader, headers: HeaderMap) -> Response {
    let Some(asset) = pages::asset(&name) else {
        return not_found(&reader);
    };
    // Names do not change with their content: a cache asks each time and is told that nothing changed.
    let about = [
        (header::ETAG, HeaderValue::from_static(asset.etag)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::CONTENT_TYPE, HeaderValue::from_static(asset.content_type)),
    ];
    let known = headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|tag| tag.trim().trim_start_matches("W/") == asset.etag);
    if known {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    (about, asset.bytes).into_response()
}

async fn nothing_here(reader: Reader) -> Response {
    not_found(&reader)
}

fn not_found(reader: &Reader) -> Response {
    let page = reader.page.clone();
    let link = MessageLink { href: Href::new("/"), label: page.words().card.all_cards.into() };
    reader.answer(StatusCode::NOT_FOUND, &MessagePage::not_found(page, Some(link)))
}

/// A page as a response. A template that fails is a fault of this program.
fn rendered(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(html) => (status, Html(html)).into_response(),
        Err(failure) => {
            tracing::error!("a page cannot be rendered: {failure}");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}
