//! Whoever calls over HTTP, and what they are answered.

use std::net::SocketAddr;

use operator::SessionToken;
use reqwest::header::{CONTENT_TYPE, HeaderMap};
use reqwest::redirect::Policy;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;

use super::soon;

/// A caller, with or without an API key.
#[derive(Clone)]
pub(crate) struct Customer {
    client: Client,
    base: String,
    key: Option<String>,
    session: Option<SessionToken>,
}

/// An answer, read whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Customer {
    pub(crate) fn at(address: SocketAddr) -> Self {
        // Redirects are looked at, not followed; and no proxy of the machine's stands between.
        let client = Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
        Self { client, base: format!("http://{address}"), key: None, session: None }
    }

    pub(crate) fn with_key(&self, key: &str) -> Self {
        Self { key: Some(key.to_owned()), ..self.clone() }
    }

    /// Whoever has this session's cookie.
    pub(crate) fn with_session(&self, token: &SessionToken) -> Self {
        Self { session: Some(token.clone()), ..self.clone() }
    }

    /// What its forms carry.
    pub(crate) fn form_token(&self) -> String {
        self.session.as_ref().map(|token| token.csrf().field()).unwrap_or_default()
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let request = self.client.request(method, format!("{}{path}", self.base));
        let request = match &self.session {
            Some(token) => request.header("cookie", format!("counterfoil={}", token.cookie())),
            None => request,
        };
        match &self.key {
            Some(key) => request.bearer_auth(key),
            None => request,
        }
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        Answer::to(self.request("GET", path)).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        Answer::to(self.request("POST", path).json(body)).await
    }

    pub(crate) async fn cancel(&self, order: &str) -> Answer {
        Answer::to(self.request("POST", &format!("/v1/orders/{order}/cancel"))).await
    }

    /// Follows server-sent events.
    pub(crate) async fn follow(&self, path: &str, after: Option<&str>) -> Events {
        let mut request = self.request("GET", path);
        if let Some(after) = after {
            request = request.header("Last-Event-ID", after);
        }
        let response = soon("the stream", request.send()).await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()[CONTENT_TYPE], "text/event-stream");
        Events { response, unread: Vec::new() }
    }
}

impl Answer {
    pub(crate) async fn to(request: RequestBuilder) -> Self {
        let response = soon("an answer", request.send()).await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = soon("the answer's body", response.text()).await.unwrap();
        Self { status, headers, body }
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The JSON of an answer that is none of a failure.
    pub(crate) fn json(&self, status: u16) -> Value {
        assert_eq!((self.status, self.header("content-type")), (status, "application/json"), "{}", self.body);
        serde_json::from_str(&self.body).unwrap()
    }

    /// The stable code of a failure, whose form is checked on the way.
    pub(crate) fn problem(&self) -> (u16, String) {
        assert_eq!(self.header("content-type"), "application/problem+json", "{self:?}");
        let body: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(body["type"], "about:blank");
        assert_eq!(body["status"], self.status);
        assert!(["title", "detail"].iter().all(|name| !body[name].as_str().unwrap().is_empty()));
        assert_eq!(body.as_object().unwrap().len(), 5, "{}", self.body);
        (self.status, body["code"].as_str().unwrap().to_owned())
    }
}

/// One server-sent event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) id: String,
    pub(crate) event: String,
    pub(crate) data: String,
}

/// A stream of events.
pub(crate) struct Events {
    response: Response,
    unread: Vec<u8>,
}

impl Events {
    /// The next event; `None` when the stream has ended.
    pub(crate) async fn next(&mut self) -> Option<Told> {
        // One limit for all of it: what only keeps the connection alive is no event.
        soon("the next event", self.read()).await
    }

    async fn read(&mut self) -> Option<Told> {
        loop {
            if let Some(end) = self.unread.windows(2).position(|pair| pair == b"\n\n") {
                let block: Vec<u8> = self.unread.drain(..end + 2).collect();
                let told = told(std::str::from_utf8(&block).unwrap());
                if told != Told::default() {
                    return Some(told);
                }
                continue;
            }
            let chunk = self.response.chunk().await.unwrap()?;
            self.unread.extend_from_slice(&chunk);
        }
    }

    /// All that come until the stream ends.
    pub(crate) async fn rest(mut self) -> Vec<Told> {
        let mut all = Vec::new();
        while let Some(told) = self.next().await {
            all.push(told);
        }
        all
    }
}

fn told(block: &str) -> Told {
    let mut told = Told::default();
    for (field, value) in block.lines().filter_map(|line| line.split_once(':')) {
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "id" => value.clone_into(&mut told.id),
            "event" => value.clone_into(&mut told.event),
            "data" if told.data.is_empty() => value.clone_into(&mut told.data),
            "data" => told.data = format!("{}\n{value}", told.data),
            _ => {}
        }
    }
    told
}
