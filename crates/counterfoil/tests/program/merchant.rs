//! A merchant: whoever has an API key and calls the merchant interface.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use super::process::PATIENCE;

/// Uncounted: one press agrees.
pub(crate) const SMALL: u32 = 500;
/// Before a shop calls again.
const PAUSE: Duration = Duration::from_millis(20);

#[derive(Clone, Debug)]
pub(crate) struct Merchant {
    http: Client,
    url: String,
    key: String,
    refusals: Arc<Mutex<Vec<String>>>,
}

/// An order as the merchant reads it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) state: String,
    pub(crate) reason: Option<String>,
    pub(crate) pay_url: String,
}

impl Merchant {
    pub(crate) fn new(http_port: u16, key: &str) -> Self {
        let http = Client::builder().timeout(PATIENCE).no_proxy().build().unwrap();
        Self {
            http,
            url: format!("http://127.0.0.1:{http_port}"),
            key: key.to_owned(),
            refusals: Arc::default(),
        }
    }

    /// A merchant of the platform at this URL.
    pub(crate) fn at_url(url: &str, key: &str) -> Self {
        Self { url: url.to_owned(), ..Self::new(0, key) }
    }

    /// Its API key.
    pub(crate) fn key(&self) -> &str {
        &self.key
    }

    /// Asks for an order; with an idempotency key the same one again asks for the same order.
    pub(crate) async fn ask(
        &self,
        card: &str,
        amount: u32,
        idempotency_key: Option<&str>,
    ) -> reqwest::Result<Response> {
        self.ask_for(card, amount, idempotency_key, 600).await
    }

    /// Asks for an order that waits so many seconds.
    pub(crate) async fn ask_for(
        &self,
        card: &str,
        amount: u32,
        idempotency_key: Option<&str>,
        seconds: u32,
    ) -> reqwest::Result<Response> {
        let order = json!({
            "amount": amount, "currency": "CNY", "card": card, "place": "Morning Market 早市",
            "lifetime_seconds": seconds,
        });
        let mut request = self.http.post(format!("{}/v1/orders", self.url)).json(&order);
        if let Some(key) = idempotency_key {
            request = request.header("idempotency-key", key);
        }
        self.send(request).await
    }

    /// What a shop does: asks for the same order again until the platform has acknowledged it. And how many
    /// times it asked in vain.
    pub(crate) async fn order_at_last(&self, card: &str, key: &str) -> (Order, usize) {
        let mut in_vain = 0;
        loop {
            if let Ok(answer) = self.ask(card, SMALL, Some(key)).await {
                let status = answer.status();
                match (status, answer.text().await) {
                    (StatusCode::CREATED, Ok(body)) => {
                        if let Ok(order) = serde_json::from_str(&body) {
                            return (order, in_vain);
                        }
                    }
                    (_, Ok(body)) => self.refusals.lock().unwrap().push(format!("{status} {body}")),
                    (_, Err(_)) => {}
                }
            }
            in_vain += 1;
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// An order, acknowledged.
    pub(crate) async fn order(&self, card: &str, amount: u32) -> Order {
        let answer = self.ask(card, amount, None).await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json().await.unwrap()
    }

    /// Asks something else of the interface, with a body or without.
    pub(crate) async fn asks(&self, method: &str, path: &str, body: Option<Value>) -> Response {
        let method = method.parse().unwrap();
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if let Some(body) = body {
            request = request.json(&body);
        }
        self.send(request).await.unwrap()
    }

    /// Takes an order back.
    pub(crate) async fn cancel(&self, id: &str) -> reqwest::Result<Response> {
        self.send(self.http.post(format!("{}/v1/orders/{id}/cancel", self.url))).await
    }

    /// Gives this much of a paid order back; the refund's id.
    pub(crate) async fn give_back(&self, order: &str, amount: u32) -> String {
        let request = self.http.post(format!("{}/v1/orders/{order}/refunds", self.url));
        let answer = self.send(request.json(&json!({ "amount": amount }))).await.unwrap();
        assert_eq!(answer.status(), StatusCode::CREATED);
        answer.json::<Value>().await.unwrap()["id"].as_str().unwrap().to_owned()
    }

    /// Where the platform is.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The interface's description as the platform serves it.
    pub(crate) async fn description(&self) -> Value {
        self.get("/openapi.json").await
    }

    /// Gives back a part of an order, or is refused: the answer's status.
    pub(crate) async fn refund(&self, id: &str, amount: u32) -> StatusCode {
        let refund = self.http.post(format!("{}/v1/orders/{id}/refunds", self.url));
        self.send(refund.json(&json!({ "amount": amount }))).await.unwrap().status()
    }

    /// The order with this id, as it is now.
    pub(crate) async fn read(&self, id: &str) -> Order {
        let answer = self.get(&format!("/v1/orders/{id}")).await;
        serde_json::from_value(answer).unwrap_or_else(|error| panic!("{id}: {error}"))
    }

    /// The same merchant, where its platform is now.
    pub(crate) fn at(&self, http_port: u16) -> Self {
        Self::new(http_port, &self.key)
    }

    /// The ids of all its orders.
    pub(crate) async fn all(&self) -> BTreeSet<String> {
        self.those(|_| true).await
    }

    /// The ids of those that are paid.
    pub(crate) async fn paid(&self) -> BTreeSet<String> {
        self.those(|order| order["state"] == "paid").await
    }

    async fn those(&self, wanted: impl Fn(&Value) -> bool) -> BTreeSet<String> {
        let (mut found, mut query) = (BTreeSet::new(), "limit=100".to_owned());
        loop {
            let page = self.get(&format!("/v1/orders?{query}")).await;
            let orders = page["data"].as_array().unwrap();
            let orders = orders.iter().filter(|order| wanted(order));
            found.extend(orders.map(|order| order["id"].as_str().unwrap().to_owned()));
            match page["next"].as_str() {
                Some(next) => query = format!("limit=100&before={next}"),
                None => return found,
            }
        }
    }

    /// What it was paid, in minor units.
    pub(crate) async fn balance(&self) -> i64 {
        let balances = self.get("/v1/balances").await;
        balances["data"][0]["posted"].as_i64().unwrap_or_default()
    }

    /// The order's page as its buyer gets it.
    pub(crate) async fn page_of(&self, order: &Order) -> String {
        self.http.get(&order.pay_url).send().await.unwrap().text().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        let answer = self.send(self.http.get(format!("{}{path}", self.url))).await.unwrap();
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
        answer.json().await.unwrap()
    }

    async fn send(&self, request: RequestBuilder) -> reqwest::Result<Response> {
        request.bearer_auth(&self.key).send().await
    }
}

impl Merchant {
    /// What it was refused while it asked for orders at last.
    pub(crate) fn refusals(&self) -> Vec<String> {
        self.refusals.lock().unwrap().clone()
    }

    /// Follows an order's events to their end: their kinds.
    pub(crate) async fn events(&self, id: &str) -> Vec<String> {
        let request = self.http.get(format!("{}/v1/orders/{id}/events", self.url));
        let text = self.send(request).await.unwrap().text().await.unwrap();
        text.lines().filter_map(|line| line.strip_prefix("event: ")).map(str::to_owned).collect()
    }
}
