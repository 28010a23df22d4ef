//! The shop itself: its settings, its client, its book, and which address leads where.

use std::sync::Arc;

use axum::Extension;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::StatusCode;
use axum::middleware::from_fn_with_state;
use axum::response::Response;
use axum::routing::{get, post};
use pages::{Language, Page, ShopPage};
use reqwest::Url;

use crate::book::{OrderBook, Placed};
use crate::catalogue::{CURRENCY, GOODS, Item};
use crate::config::{Config, SetupError, under};
use crate::gate::{self, Policies};
use crate::platform::{NewOrder, Platform, PlatformError};
use crate::ticket::Purchase;
use crate::{answer, asset, checkout, desk, reader, receipt};

/// How long an order waits for its card.
const LIFETIME_SECONDS: u32 = 180;
/// A form of this shop has a few dozen bytes.
const BODY_MAX: usize = 16 * 1024;

/// A shop, open for business. Cheap to clone.
#[derive(Clone)]
pub struct Shop {
    inner: Arc<Inner>,
}

struct Inner {
    config: Config,
    platform: Platform,
    policies: Policies,
    book: OrderBook,
}

impl Shop {
    /// Opens a shop. Nothing is called yet: the platform may start later than the shop.
    pub fn new(config: Config) -> Result<Self, SetupError> {
        config.check()?;
        let (platform, policies) = (Platform::new(&config)?, Policies::new(&config));
        Ok(Self { inner: Arc::new(Inner { config, platform, policies, book: OrderBook::default() }) })
    }

    /// Everything that the shop answers to.
    pub fn router(&self) -> Router {
        let shop = || self.clone();
        Router::new()
            .route("/", get(front))
            .route("/buy", post(checkout::buy))
            .route("/checkout", get(checkout::show).post(checkout::send))
            .route("/orders/{id}", get(receipt::show))
            .route(desk::PATH, get(desk::show))
            .route("/assets/{name}", get(asset::show))
            .route("/healthz", get(async || "ok\n"))
            .fallback(nothing)
            .method_not_allowed_fallback(wrong_method)
            .with_state(shop())
            .layer(DefaultBodyLimit::max(BODY_MAX))
            .layer(from_fn_with_state(shop(), gate::keep))
            .layer(from_fn_with_state(shop(), reader::know))
            .layer(from_fn_with_state(shop(), gate::tell))
    }

    pub(crate) fn config(&self) -> &Config {
        &self.inner.config
    }

    pub(crate) fn platform(&self) -> &Platform {
        &self.inner.platform
    }

    pub(crate) fn policies(&self) -> &Policies {
        &self.inner.policies
    }

    pub(crate) fn book(&self) -> &OrderBook {
        &self.inner.book
    }

    /// A cookie that scripts and other sites' forms do not get.
    pub(crate) fn cookie(&self, name: &str, value: &str, path: &str, seconds: u32) -> String {
        let secure = if self.config().origin.scheme() == "https" { "; Secure" } else { "" };
        format!("{name}={value}; Path={path}; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}")
    }

    /// The platform's page of an order: an address on the platform's own origin, or nothing.
    pub(crate) fn pay_url(&self, address: &str) -> Option<Url> {
        let url = Url::parse(address).ok()?;
        (url.origin() == self.config().platform_origin.origin()).then_some(url)
    }

    /// Makes a purchase's order, once. Whoever asks for the same purchase meanwhile gets the same order, and whoever
    /// leaves does not stop it.
    pub(crate) async fn place(
        &self,
        purchase: Purchase,
        item: &'static Item,
        card: String,
    ) -> Result<Placed, PlatformError> {
        let shop = self.clone();
        let task = tokio::spawn(async move {
            let line = shop.book().line(&purchase.reference);
            line.get_or_try_init(|| shop.order(&purchase, item, &card)).await.cloned()
        });
        task.await.unwrap_or(Err(PlatformError::Malformed("the call was stopped")))
    }

    async fn order(&self, purchase: &Purchase, item: &Item, card: &str) -> Result<Placed, PlatformError> {
        let return_url = under(&self.config().origin, &["orders", &purchase.reference]);
        let new = NewOrder {
            amount: item.price_minor,
            currency: CURRENCY.letters(),
            card,
            place: &self.config().place,
            text: item.card_text,
            reference: &purchase.reference,
            return_url: return_url.as_str(),
            lifetime_seconds: LIFETIME_SECONDS,
        };
        let order = self.platform().create(&purchase.key, &new).await?;
        let Some(pay_url) = self.pay_url(&order.pay_url) else {
            tracing::error!(
                order = order.id,
                pay_url = ?order.pay_url,
                platform_origin = %self.config().platform_origin,
                "the platform's pay_url is not on platform_origin; set one of them right"
            );
            return Err(PlatformError::Malformed("the pay_url"));
        };
        tracing::info!(
            order = order.id,
            reference = purchase.reference,
            good = item.id,
            "an order was placed"
        );
        Ok(Placed { id: order.id, pay_url })
    }
}

async fn front(Extension(language): Extension<Language>) -> Response {
    let goods = GOODS.iter().map(|item| item.good(language)).collect();
    answer::page(StatusCode::OK, &ShopPage { page: Page::new(language).at("/"), goods })
}

async fn nothing(Extension(language): Extension<Language>) -> Response {
    answer::not_found(Page::new(language))
}

async fn wrong_method(Extension(language): Extension<Language>) -> Response {
    let mut response = answer::not_found(Page::new(language).at("/"));
    *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
    response
}
