//! The gateway that sends texts: any HTTP interface that takes JSON, described by a template.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::Full;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use serde::Deserialize;

use super::GatewayError;
use crate::tls::{trusting, trusting_nobody};

/// The longest that a gateway may take to take a text.
const SEND_WAIT: Duration = Duration::from_secs(5);
/// How long an unused connection is kept.
const IDLE_WAIT: Duration = Duration::from_secs(30);

const PHONE: &str = "{phone}";
const TEXT: &str = "{text}";

/// How a gateway is asked, as the configuration says it.
#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SmsGateway {
    /// Where a text is posted to.
    pub url: String,
    /// Headers of each request, such as the gateway's own key.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// JSON with `{phone}` and `{text}` inside of its strings.
    pub template: String,
    /// Whom to trust with an https address: a file of certificates instead of this machine's.
    #[serde(default)]
    pub authorities: Option<PathBuf>,
}

impl fmt::Debug for SmsGateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("SmsGateway");
        // An address may carry the gateway's key, as a header does.
        f.field("url", &"[redacted]").field("headers", &"[redacted]");
        f.field("template", &self.template).field("authorities", &self.authorities).finish()
    }
}

/// A gateway that can be asked. Cheap to clone.
#[derive(Clone)]
pub struct Gateway {
    uri: Uri,
    headers: HeaderMap,
    template: String,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway").field("template", &self.template).finish_non_exhaustive()
    }
}

/// Why a text was not taken. Nothing of the text, the number or the address is in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum NotTaken {
    #[error("the gateway answered with status {0}")]
    Status(u16),
    #[error("the gateway did not answer within 5 s")]
    TimedOut,
    #[error("the gateway cannot be reached")]
    Unreachable,
    #[error("the gateway's answer was cut off")]
    Cut,
    #[error("the request cannot be made")]
    Unsendable,
}

impl Gateway {
    /// Checks everything that can be checked before the first text.
    pub fn new(config: &SmsGateway) -> Result<Self, GatewayError> {
        let uri: Uri = config.url.parse().map_err(|_| GatewayError::Url("it does not parse".to_owned()))?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(GatewayError::Url("another scheme".to_owned())),
        };
        if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) {
            return Err(GatewayError::Url("send a user name in a header".to_owned()));
        }
        for placeholder in [PHONE, TEXT] {
            if !config.template.contains(placeholder) {
                return Err(GatewayError::Placeholder(placeholder));
            }
        }
        let trial = fill(&config.template, "+8613800000000", "验证码 \"\\\n");
        serde_json::from_str::<serde_json::Value>(&trial).map_err(GatewayError::Template)?;
        let tls = if is_https { trusting(config.authorities.as_deref())? } else { trusting_nobody()? };
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_WAIT)
            .build(connector.build());
        let headers = headers(&config.headers)?;
        Ok(Self { uri, headers, template: config.template.clone(), client })
    }

    /// Hands a text over. Any 2xx means that the gateway has it; a redirect is no success.
    pub(super) async fn send(&self, phone: &str, text: &str) -> Result<(), NotTaken> {
        let body = Bytes::from(fill(&self.template, phone, text));
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(self.uri.clone())
            .body(Full::new(body))
            .map_err(|_| NotTaken::Unsendable)?;
        request.headers_mut().clone_from(&self.headers);
        match tokio::time::timeout(SEND_WAIT, self.client.request(request)).await {
            Err(_) => Err(NotTaken::TimedOut),
            Ok(Err(error)) if error.is_connect() => Err(NotTaken::Unreachable),
            Ok(Err(_)) => Err(NotTaken::Cut),
            Ok(Ok(answer)) => judge(answer.status()),
        }
    }
}

fn judge(status: StatusCode) -> Result<(), NotTaken> {
    if status.is_success() { Ok(()) } else { Err(NotTaken::Status(status.as_u16())) }
}

fn headers(config: &BTreeMap<String, String>) -> Result<HeaderMap, GatewayError> {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json; charset=utf-8"));
    for (name, value) in config {
        let header: HeaderName = name.parse().map_err(|_| GatewayError::HeaderName(name.clone()))?;
        let value = HeaderValue::from_str(value).map_err(|_| GatewayError::HeaderValue(name.clone()))?;
        headers.insert(header, value);
    }
    Ok(headers)
}

/// Puts both texts in their places, in one pass: what is put in is not looked at again.
fn fill(template: &str, phone: &str, text: &str) -> String {
    let mut filled = String::with_capacity(template.len() + phone.len() + 2 * text.len());
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, from) = rest.split_at(at);
        filled.push_str(before);
        if let Some(after) = from.strip_prefix(PHONE) {
            escape(phone, &mut filled);
            rest = after;
        } else if let Some(after) = from.strip_prefix(TEXT) {
            escape(text, &mut filled);
            rest = after;
        } else {
            filled.push('{');
            rest = &from[1..];
        }
    }
    filled.push_str(rest);
    filled
}

/// A text as it stands between the quotes of a JSON string.
fn escape(text: &str, into: &mut String) {
    let quoted = serde_json::Value::from(text).to_string();
    into.push_str(quoted.strip_prefix('"').and_then(|q| q.strip_suffix('"')).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(url: &str, template: &str) -> SmsGateway {
        let headers = BTreeMap::from([("x-key".to_owned(), "gateway secret".to_owned())]);
        SmsGateway { url: url.into(), headers, template: template.into(), authorities: None }
    }

    #[test]
    fn whatever_a_text_holds_it_stays_one_string_of_the_json() {
        let template = r#"{"to":["{phone}"],"body":"<{text}>","{x}":{}}"#;
        for text in
            ["plain", "quote \" back \\ line \n tab \t", "{phone}{text}", "\",\"to\":[\"+1\"]", "验证码\u{1}"]
        {
            let filled: serde_json::Value = serde_json::from_str(&fill(template, "+86138", text)).unwrap();
            assert_eq!(filled["body"], format!("<{text}>"));
            assert_eq!(filled["to"], serde_json::json!(["+86138"]));
        }
    }

    #[test]
    fn a_gateway_that_cannot_work_is_refused_before_the_first_text() {
        let good = r#"{"to":"{phone}","text":"{text}"}"#;
        assert!(Gateway::new(&config("http://localhost:1/sms", good)).is_ok());
        for (url, template, wrong) in [
            ("ftp://localhost/", good, "http://"),
            ("localhost", good, "http://"),
            ("http://user:word@localhost/", good, "user name"),
            ("http://localhost/", r#"{"to":"{phone}"}"#, "{text}"),
            ("http://localhost/", r#"{"text":"{text}"}"#, "{phone}"),
            ("http://localhost/", r#"{"to":{phone},"text":"{text}"}"#, "no JSON"),
        ] {
            let refused = Gateway::new(&config(url, template)).unwrap_err().to_string();
            assert!(refused.contains(wrong), "{refused}");
        }
        let mut bad = config("http://localhost/", good);
        bad.headers.insert("a b".into(), "c".into());
        assert!(matches!(Gateway::new(&bad), Err(GatewayError::HeaderName(_))));
        let mut bad = config("http://localhost/", good);
        bad.headers.insert("b".into(), "secret\n".into());
        let refused = Gateway::new(&bad).unwrap_err();
        assert!(matches!(refused, GatewayError::HeaderValue(_)) && !refused.to_string().contains("secret"));
    }

    #[test]
    fn no_gateway_prints_its_key() {
        let config = config("http://localhost/?key=gateway-secret", r#"["{phone}","{text}"]"#);
        let printed = format!("{config:?} {:?}", Gateway::new(&config).unwrap());
        assert!(!printed.contains("secret"), "{printed}");
    }
}
