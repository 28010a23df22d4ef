//! One attempt: a name's addresses judged, a connection to a judged one, a signed request, the beginning of the answer.
//!
//! The connection is made to the very addresses that were judged: a name that leads elsewhere a moment later changes nothing.
//! Redirects are not followed. Of the answer's body the first kilobytes are read, and the connection is closed where there is more.

use std::error::Error;
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use axum::http::{HeaderValue, Method, Request};
use http_body_util::{BodyExt as _, Full};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::dns::Name;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use model::UnixMillis;
use tower_service::Service;
use webhook::{
    Attempt, Body, End, EndpointUrl, Excerpt, Headers, MessageId, Mode, NoAnswer, PublicAddress, RetryAfter,
    SecretList, Status,
};

use super::Settings;
use crate::tls::{TlsError, trusting, trusting_nobody};

/// How long an unused connection is kept.
const IDLE_WAIT: Duration = Duration::from_secs(15);
/// Unused connections that are kept to one host.
const IDLE_MAX: usize = 16;
/// The longest head of an answer, in bytes.
const HEAD_MAX: usize = 16 * 1024;
/// So much of an answer's body is read, in bytes.
pub(super) const ANSWER_READ_MAX: usize = 16 * 1024;

/// What calls itself.
const AGENT: &str = concat!("Counterfoil/", env!("CARGO_PKG_VERSION"), " (webhooks)");

/// Why a name was not connected to.
#[derive(Debug, thiserror::Error)]
enum NameRefused {
    #[error("the name has no address")]
    NotFound,
    #[error("the name leads to an address that nothing is sent to: {0}")]
    Private(#[from] webhook::AddressRefused),
}

/// Looks names up, and judges every address.
#[derive(Clone)]
struct Judge {
    mode: Mode,
}

/// Addresses that may all be connected to, or the reason for which none is.
fn judge(mode: Mode, found: impl Iterator<Item = IpAddr>) -> Result<Vec<SocketAddr>, NameRefused> {
    let mut judged = Vec::new();
    for address in found {
        let address = match mode {
            Mode::Live => PublicAddress::new(address)?.ip(),
            Mode::Test => address,
        };
        judged.push(SocketAddr::new(address, 0));
    }
    if judged.is_empty() { Err(NameRefused::NotFound) } else { Ok(judged) }
}

impl Service<Name> for Judge {
    type Response = std::vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, io::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), io::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, name: Name) -> Self::Future {
        let mode = self.mode;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await;
            let found = found.map_err(|_| io::Error::other(NameRefused::NotFound))?;
            let judged = judge(mode, found.map(|address| address.ip())).map_err(io::Error::other)?;
            Ok(judged.into_iter())
        })
    }
}

/// Where an attempt goes, and what signs it.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) url: EndpointUrl,
    pub(super) secrets: SecretList,
}

/// What came of an attempt.
pub(super) struct Came {
    pub(super) attempt: Attempt,
    pub(super) retry_after: Option<RetryAfter>,
}

/// Makes attempts. Cheap to clone.
#[derive(Clone)]
pub(super) struct Client {
    mode: Mode,
    answer_wait: Duration,
    inner: legacy::Client<HttpsConnector<HttpConnector<Judge>>, Full<Bytes>>,
}

impl Client {
    pub(super) fn new(mode: Mode, settings: &Settings) -> Result<Self, TlsError> {
        let tls = match trusting(settings.authorities.as_deref()) {
            // Everything else of the platform works without.
            Err(error @ TlsError::NoAuthorities) => {
                tracing::warn!(%error, "no https endpoint of a webhook is believed");
                trusting_nobody()?
            }
            tls => tls?,
        };
        let mut http = HttpConnector::new_with_resolver(Judge { mode });
        http.enforce_http(false);
        http.set_nodelay(true);
        http.set_connect_timeout(Some(settings.connect_wait));
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let inner = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_WAIT)
            .pool_max_idle_per_host(IDLE_MAX)
            .http1_max_buf_size(HEAD_MAX)
            .build(connector.wrap_connector(http));
        Ok(Self { mode, answer_wait: settings.answer_wait, inner })
    }

    /// Makes one attempt at a moment, signed at what the receiver's clock says. It ends within the time that an answer may
    /// take.
    pub(super) async fn attempt(
        &self,
        target: &Target,
        message: MessageId,
        body: &Body,
        now: UnixMillis,
        signed_at: UnixMillis,
    ) -> Came {
        let began = Instant::now();
        let signed = Headers::sign(&target.secrets, message, signed_at, body.as_bytes());
        let (end, excerpt, retry_after) = match self.ask(target, &signed, body, signed_at, began).await {
            Ok(answer) => answer,
            Err(reason) => (End::NotAnswered(reason), Excerpt::default(), None),
        };
        let duration_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Came { attempt: Attempt { at: now, duration_ms, end, excerpt }, retry_after }
    }

    async fn ask(
        &self,
        target: &Target,
        signed: &Headers,
        body: &Body,
        now: UnixMillis,
        began: Instant,
    ) -> Result<(End, Excerpt, Option<RetryAfter>), NoAnswer> {
        // An address in the URL asks no resolver.
        if let Some(address) = literal(&target.url) {
            judge(self.mode, std::iter::once(address)).map_err(|_| NoAnswer::PrivateAddress)?;
        }
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(target.url.as_str())
            .header(CONTENT_TYPE, HeaderValue::from_static(Body::CONTENT_TYPE))
            .header(USER_AGENT, HeaderValue::from_static(AGENT));
        for (name, value) in signed.pairs() {
            request = request.header(name, value);
        }
        let body = Full::new(Bytes::copy_from_slice(body.as_bytes()));
        let request = request.body(body).map_err(|_| NoAnswer::Unreachable)?;
        let deadline = tokio::time::Instant::from_std(began + self.answer_wait);
        let answer = tokio::time::timeout_at(deadline, self.inner.request(request)).await;
        let answer = answer.map_err(|_| NoAnswer::TimedOut)?.map_err(|error| reason(&error))?;
        let status = Status::new(answer.status().as_u16()).ok_or(NoAnswer::Unreachable)?;
        let retry_after = answer
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| RetryAfter::parse(value, now));
        let mut read = Vec::new();
        let mut answer = answer.into_body();
        // The status is the answer. Whatever its body does then (hang, break, never end) changes nothing.
        while let Ok(Some(Ok(frame))) = tokio::time::timeout_at(deadline, answer.frame()).await {
            if let Some(data) = frame.data_ref() {
                let room = ANSWER_READ_MAX.saturating_sub(read.len());
                read.extend_from_slice(data.get(..room).unwrap_or(data));
                if data.len() > room {
                    break;
                }
            }
        }
        Ok((End::Answered(status), Excerpt::of(&read), retry_after))
    }
}

/// The address that a URL names itself.
fn literal(url: &EndpointUrl) -> Option<IpAddr> {
    let host = url.url().host_str()?;
    host.trim_start_matches('[').trim_end_matches(']').parse().ok()
}

/// Why there was no answer, from the innermost reason that is known.
fn reason(error: &legacy::Error) -> NoAnswer {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if let Some(known) = known(error) {
            return known;
        }
        // An error of the operating system's kind holds another without naming it as its source.
        let held = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match held {
            Some(held) => Some(held),
            None => error.source(),
        };
    }
    NoAnswer::Unreachable
}

fn known(error: &(dyn Error + 'static)) -> Option<NoAnswer> {
    if let Some(refused) = error.downcast_ref::<NameRefused>() {
        return Some(match refused {
            NameRefused::NotFound => NoAnswer::NameNotFound,
            NameRefused::Private(_) => NoAnswer::PrivateAddress,
        });
    }
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(of_tls(tls));
    }
    if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::TimedOut) {
        return Some(NoAnswer::TimedOut);
    }
    // The HTTP library has no type for it, only words.
    error.to_string().contains("too large").then_some(NoAnswer::AnswerTooLong)
}

fn of_tls(error: &rustls::Error) -> NoAnswer {
    use rustls::CertificateError as C;
    match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            C::Expired | C::ExpiredContext { .. } | C::NotValidYet | C::NotValidYetContext { .. } => {
                NoAnswer::CertificateExpired
            }
            C::NotValidForName | C::NotValidForNameContext { .. } => NoAnswer::CertificateOtherName,
            // The latter where it names an authority that did not sign it.
            C::UnknownIssuer | C::BadSignature => NoAnswer::CertificateUntrusted,
            _ => NoAnswer::CertificateBad,
        },
        _ => NoAnswer::Tls,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_address_that_is_not_public_refuses_the_whole_name() {
        let addresses =
            |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<IpAddr>>();
        let live = |texts: &[&str]| judge(Mode::Live, addresses(texts).into_iter());
        assert_eq!(live(&["8.8.8.8", "2606:4700::1"]).unwrap().len(), 2);
        assert!(matches!(live(&["8.8.8.8", "127.0.0.1"]), Err(NameRefused::Private(_))));
        assert!(matches!(live(&["::ffff:169.254.169.254"]), Err(NameRefused::Private(_))));
        assert!(matches!(live(&[]), Err(NameRefused::NotFound)));
        assert_eq!(judge(Mode::Test, addresses(&["127.0.0.1"]).into_iter()).unwrap().len(), 1);
    }

    #[test]
    fn an_address_in_the_url_is_seen_without_a_resolver() {
        for (url, expected) in [
            ("https://127.0.0.1/x", Some("127.0.0.1")),
            ("https://[::1]:8443/", Some("::1")),
            ("https://0x7f.1/", Some("127.0.0.1")),
            ("https://example.com/", None),
        ] {
            let url = EndpointUrl::parse(url, Mode::Test).unwrap();
            assert_eq!(literal(&url), expected.map(|text| text.parse().unwrap()), "{url:?}");
        }
    }
}
