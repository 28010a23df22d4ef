//! A small server in the platform's place, and a small browser in the shopper's.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use shop::{ApiKey, Config, Shop, Url};
use tokio::net::TcpListener;

pub(crate) const KEY: &str = "cf_test_0123456789abcdef";
pub(crate) const HOLDER: &str = "hld_00000000000000a1";
pub(crate) const CARD: &str = "card_00c0ffee";
pub(crate) const FROZEN: &str = "card_00000f20";

/// What the platform was asked: an order.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) authorization: String,
    pub(crate) key: String,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

/// What the platform does and what it saw.
pub(crate) struct Platform {
    pub(crate) address: Url,
    /// Every `POST /v1/orders`, in order.
    pub(crate) asked: Vec<Asked>,
    /// The orders that it made, by idempotency key.
    pub(crate) orders: BTreeMap<String, Value>,
    pub(crate) cards: Value,
    /// Instead of the next orders: status, content type and body.
    pub(crate) instead: Option<(u16, &'static str, String)>,
    /// How long an order's answer takes after the order is made.
    pub(crate) delay: Duration,
    /// Where its pay pages are, when not on itself.
    pub(crate) pay_origin: Option<String>,
}

pub(crate) type Shared = Arc<Mutex<Platform>>;

/// The platform on a loopback port of its own.
pub(crate) async fn platform() -> Shared {
    let (listener, address) = listen().await;
    let cards = json!({"data": [
        {"id": FROZEN, "number": "621234••••9999", "has_display": true, "state": "frozen"},
        {"id": CARD, "number": "621234••••1232", "has_display": false, "state": "active"},
        {"id": "card_0000c105", "number": "621234••••0000", "has_display": false, "state": "closed"},
    ]});
    let shared = Arc::new(Mutex::new(Platform {
        address,
        asked: Vec::new(),
        orders: BTreeMap::new(),
        cards,
        instead: None,
        delay: Duration::ZERO,
        pay_origin: None,
    }));
    let router = Router::new()
        .route("/v1/orders", post(create))
        .route("/v1/orders/{id}", get(read))
        .route("/v1/holders/{holder}/cards", get(cards_of))
        .with_state(shared.clone());
    tokio::spawn(async move { axum::serve(listener, router).await });
    shared
}

async fn listen() -> (TcpListener, Url) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = Url::parse(&format!("http://{}", listener.local_addr().unwrap())).unwrap();
    (listener, address)
}

fn header(headers: &HeaderMap, name: &str) -> String {
    headers.get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}

pub(crate) fn problem(status: u16, code: &str, detail: &str) -> (u16, &'static str, String) {
    let body = json!({"type": format!("/problems/{code}"), "title": "No", "status": status, "code": code, "detail": detail});
    (status, "application/problem+json", body.to_string())
}

fn answer((status, kind, body): (u16, &'static str, String)) -> Response {
    (StatusCode::from_u16(status).unwrap(), [("content-type", kind)], body).into_response()
}

async fn create(State(shared): State<Shared>, headers: HeaderMap, Json(body): Json<Value>) -> Response {
    let (made, delay) = {
        let mut platform = shared.lock().unwrap();
        let asked = Asked {
            authorization: header(&headers, "authorization"),
            key: header(&headers, "idempotency-key"),
            content_type: header(&headers, "content-type"),
            body: body.clone(),
        };
        platform.asked.push(asked.clone());
        if let Some(instead) = platform.instead.clone() {
            return answer(instead);
        }
        if asked.authorization != format!("Bearer {KEY}") {
            return answer(problem(401, "unauthorized", "Give an API key."));
        }
        let id = format!("ord_{:032x}", platform.orders.len() + 1);
        let pay = platform.pay_origin.clone().unwrap_or(platform.address.origin().ascii_serialization());
        let mut order = body;
        for (name, value) in [
            ("pay_url", json!(format!("{pay}/pay/{id}"))),
            ("id", json!(id)),
            ("state", json!("awaiting_card")),
            ("reason", Value::Null),
            ("created_at", json!(1_795_199_488_000_i64)),
            ("updated_at", json!(1_795_199_488_000_i64)),
            ("expires_at", json!(1_795_199_668_000_i64)),
        ] {
            order[name] = value;
        }
        (platform.orders.entry(asked.key).or_insert(order).clone(), platform.delay)
    };
    tokio::time::sleep(delay).await;
    (StatusCode::CREATED, Json(made)).into_response()
}

async fn read(State(shared): State<Shared>, Path(id): Path<String>) -> Response {
    let platform = shared.lock().unwrap();
    match platform.orders.values().find(|order| order["id"] == id.as_str()) {
        Some(order) => Json(order.clone()).into_response(),
        None => answer(problem(404, "not_found", "There is no order with this id.")),
    }
}

async fn cards_of(State(shared): State<Shared>, Path(holder): Path<String>, headers: HeaderMap) -> Response {
    if holder != HOLDER || header(&headers, "authorization") != format!("Bearer {KEY}") {
        return answer(problem(404, "not_found", "There is no holder with this id."));
    }
    Json(shared.lock().unwrap().cards.clone()).into_response()
}

/// A shop of this platform's, with changes.
pub(crate) async fn shop_with(platform: &Url, change: impl FnOnce(&mut Config)) -> Browser {
    let (listener, origin) = listen().await;
    let mut config = Config {
        platform: platform.clone(),
        api_key: ApiKey::new(KEY).unwrap(),
        holder: HOLDER.into(),
        origin: origin.clone(),
        platform_origin: platform.clone(),
        place: "Morning Market, stall 3".into(),
        frame_ancestors: Vec::new(),
        desk: None,
    };
    change(&mut config);
    let router = Shop::new(config).unwrap().router();
    tokio::spawn(async move { axum::serve(listener, router).await });
    Browser::new(origin)
}

/// A platform and its shop.
pub(crate) async fn both() -> (Shared, Browser) {
    let platform = platform().await;
    let address = platform.lock().unwrap().address.clone();
    let shop = shop_with(&address, |_| ()).await;
    (platform, shop)
}

/// Keeps cookies, follows nothing.
pub(crate) struct Browser {
    client: reqwest::Client,
    pub(crate) origin: Url,
    pub(crate) cookies: Mutex<BTreeMap<String, String>>,
}

/// An answer, read.
pub(crate) struct Seen {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> String {
        header(&self.headers, name)
    }

    #[track_caller]
    pub(crate) fn says(&self, text: &str) {
        assert!(self.body.contains(text), "{text:?} is not in ({}) {}", self.status, self.body);
    }
}

impl Browser {
    fn new(origin: Url) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .unwrap();
        Self { client, origin, cookies: Mutex::default() }
    }

    pub(crate) async fn get(&self, path: &str) -> Seen {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Seen {
        self.send(self.client.get(self.at(path)), headers).await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str, form: &[(&str, &str)]) -> Seen {
        self.post_with(path, form, &[("sec-fetch-site", "same-origin")]).await
    }

    pub(crate) async fn post_with(
        &self,
        path: &str,
        form: &[(&str, &str)],
        headers: &[(&str, &str)],
    ) -> Seen {
        self.send(self.client.post(self.at(path)).form(form), headers).await.unwrap()
    }

    /// Sends a form and hangs up after this time.
    pub(crate) async fn post_and_leave(&self, path: &str, form: &[(&str, &str)], after: Duration) {
        let request = self.client.post(self.at(path)).form(form).timeout(after);
        assert!(self.send(request, &[]).await.is_err(), "the answer came first");
    }

    fn at(&self, path: &str) -> Url {
        self.origin.join(path).unwrap()
    }

    async fn send(
        &self,
        mut request: reqwest::RequestBuilder,
        headers: &[(&str, &str)],
    ) -> Result<Seen, reqwest::Error> {
        let cookies: Vec<String> =
            self.cookies.lock().unwrap().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !cookies.is_empty() {
            request = request.header("cookie", cookies.join("; "));
        }
        let headers = headers.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()));
        let response = request.headers(HeaderMap::from_iter(headers)).send().await?;
        for cookie in response.headers().get_all("set-cookie") {
            let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
            let value = rest.split(';').next().unwrap();
            self.cookies.lock().unwrap().insert(name.into(), value.into());
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        Ok(Seen { status, headers, body: response.text().await? })
    }
}
