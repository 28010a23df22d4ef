//! The desk: the shop and the cards side by side.

use axum::Extension;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use pages::{DeskCard, DeskPage, Href, Language, Page};

use crate::answer;
use crate::shop::Shop;

/// Where the desk is.
pub(crate) const PATH: &str = "/desk";

pub(crate) async fn show(State(shop): State<Shop>, Extension(language): Extension<Language>) -> Response {
    let page = Page::new(language).at(PATH);
    let Some(desk) = &shop.config().desk else { return answer::not_found(page) };
    let cards = desk
        .cards
        .iter()
        .map(|card| DeskCard { label: card.label.clone(), url: Href::new(card.url.as_str()) })
        .collect();
    let console_url = desk.console_url.as_ref().map(|url| Href::new(url.as_str()));
    answer::page(StatusCode::OK, &DeskPage { page, shop_url: Href::new("/"), cards, console_url })
}
