//! The field as a page: software cards that can be held to the reader, pulled away, and spent with.
//!
//! For: demonstrations. [`router`] serves `pages::FieldPage` for the cards of a [`FieldHost`]; a card can be held so
//! that it is pulled away just before or just after the command that writes what the bank sent.
//! Refuses: deciding anything: terminal, bank and card do. Whoever reaches it can hold and spend its cards, so it
//! belongs on a loopback address; another site's page cannot.
//! Next: `face/hand.rs` for what is done with a card, `face/view.rs` for what is shown of it.

mod hand;
mod view;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use pages::{FieldFragment, FieldPage, Href, Language, MessageLink, MessagePage, Template};
use serde::Deserialize;
use tap::DriverPack;
use tokio::sync::watch;
use tokio::task::spawn_blocking;
use visit::{Policy, Visitor};

use super::{Field, SoftWallet, When};
use crate::links::Links;
use crate::live::Audience;
use hand::HandCard;

/// The form of one tear has twenty bytes.
const FORM_MAX: usize = 256;

/// A field, and the cards that lie beside it. Clones are the same.
#[derive(Clone, Debug)]
pub struct FieldHost {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    field: Field,
    cards: Vec<HandCard>,
    links: Links,
    audience: Audience,
}

impl FieldHost {
    /// The field of a reader, and cards each with the driver pack of its wallet. On the page a card is named by its
    /// industry code; the second of one code has `-2` behind it, and so on.
    pub fn new(
        field: Field,
        cards: impl IntoIterator<Item = (SoftWallet, Arc<DriverPack>)>,
        links: Links,
    ) -> Self {
        let mut named: Vec<HandCard> = Vec::new();
        for (wallet, pack) in cards {
            let same = named.iter().filter(|card| card.pack.code == pack.code).count();
            let id = match same {
                0 => pack.code.to_string(),
                _ => format!("{}-{}", pack.code, same + 1),
            };
            named.push(HandCard::new(id, wallet, pack));
        }
        Self { inner: Arc::new(Inner { field, cards: named, links, audience: Audience::default() }) }
    }

    /// Ends the live parts of its pages, so that a server can stop.
    pub fn close(&self) {
        self.inner.audience.close();
    }

    fn card(&self, id: &str) -> Option<&HandCard> {
        self.inner.cards.iter().find(|card| card.id == id)
    }

    /// Everything that a page of it follows.
    fn changes(&self) -> Vec<watch::Receiver<u64>> {
        let cards = self.inner.cards.iter().map(|card| card.wallet.watch());
        std::iter::once(self.inner.field.watch()).chain(cards).collect()
    }

    fn shown(&self, language: Language) -> Vec<pages::FieldCard> {
        self.inner.cards.iter().map(|card| view::card(card, &self.inner.field, language)).collect()
    }

    /// Takes whatever lies in the field out of it. A tear that did not happen is forgotten with the holding.
    fn clear(&self) {
        self.inner.field.remove();
        self.inner.cards.iter().for_each(HandCard::let_go);
    }
}

/// The page `/` with its live part `/live`, and `POST /cards/{id}/hold`, `/remove` and `/buy`.
pub fn router(host: FieldHost) -> Router {
    let routes = Router::new()
        .route("/", get(show))
        .route("/live", get(live))
        .route("/cards/{id}/hold", post(hold))
        .route("/cards/{id}/remove", post(remove))
        .route("/cards/{id}/buy", post(buy))
        .fallback(nothing_here)
        .layer(DefaultBodyLimit::max(FORM_MAX))
        .with_state(host);
    visit::welcome(routes, Policy::new(&[], &[], "'none'"))
}

async fn show(State(host): State<FieldHost>, visitor: Visitor) -> Response {
    let page = visitor.page();
    let cards = host.shown(page.language);
    let nav = host.inner.links.nav();
    visit::page(StatusCode::OK, &FieldPage { page, nav, cards, live: Href::new("/live") })
}

async fn live(State(host): State<FieldHost>, visitor: Visitor) -> Response {
    let shown = host.clone();
    let render = move || {
        let page = visitor.page();
        FieldFragment { cards: shown.shown(page.language), page }.render().ok()
    };
    host.inner.audience.follow("field", host.changes(), render)
}

/// How a card is held.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Torn {
    #[default]
    Never,
    BeforeWriting,
    AfterWriting,
}

#[derive(Deserialize)]
struct HoldForm {
    #[serde(default)]
    tear: Torn,
}

async fn hold(
    State(host): State<FieldHost>,
    Path(id): Path<String>,
    visitor: Visitor,
    Form(form): Form<HoldForm>,
) -> Response {
    let Some(card) = host.card(&id) else { return not_found(&visitor) };
    host.clear();
    card.arm(match form.tear {
        Torn::Never => None,
        Torn::BeforeWriting => Some(When::Before),
        Torn::AfterWriting => Some(When::After),
    });
    host.inner.field.hold(&card.wallet);
    Redirect::to("/").into_response()
}

async fn remove(State(host): State<FieldHost>, Path(id): Path<String>, visitor: Visitor) -> Response {
    let Some(card) = host.card(&id) else { return not_found(&visitor) };
    if card.is_in(&host.inner.field) {
        host.clear();
    }
    Redirect::to("/").into_response()
}

/// The gate is another reader: a card is taken to it, and lies nowhere afterwards.
async fn buy(State(host): State<FieldHost>, Path(id): Path<String>, visitor: Visitor) -> Response {
    let Some(card) = host.card(&id) else { return not_found(&visitor) };
    if card.is_in(&host.inner.field) {
        host.clear();
    }
    let card = card.clone();
    // The card waits for its disk.
    match spawn_blocking(move || card.buy()).await {
        Ok(Ok(())) => Redirect::to("/").into_response(),
        Ok(Err(failure)) => {
            tracing::warn!(%failure, card = id, "nothing was bought");
            visit::page(StatusCode::CONFLICT, &MessagePage::failed(visitor.page(), back(&visitor)))
        }
        Err(_) => visit::page(
            StatusCode::INTERNAL_SERVER_ERROR,
            &MessagePage::failed(visitor.page(), back(&visitor)),
        ),
    }
}

async fn nothing_here(visitor: Visitor) -> Response {
    not_found(&visitor)
}

fn not_found(visitor: &Visitor) -> Response {
    visit::page(StatusCode::NOT_FOUND, &MessagePage::not_found(visitor.page(), back(visitor)))
}

fn back(visitor: &Visitor) -> Option<MessageLink> {
    let label = visitor.language.words().field.title.to_owned();
    Some(MessageLink { href: Href::new("/"), label })
}
