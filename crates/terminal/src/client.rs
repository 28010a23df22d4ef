//! The HTTPS client: TLS 1.3 only, and every way in which a server can fail by its name.
//!
//! For: one `POST` at a time over kept connections, to whom the enrolment trusts and nobody else.
//! Refuses: redirects, proxies of the environment, answers without end, TLS below 1.3, and retrying: what may be
//! sent again is for `line` to know.
//!
//! This is hyper's own client rather than reqwest: reqwest's TLS can be switched on for a whole program only, and
//! then every other client of it panics unless a process-wide default provider was installed first.

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use hyper::{Method, Request, StatusCode, Uri, Version};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder, MaybeHttpsStream};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{CertificateError, ClientConfig, RootCertStore};
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower_service::Service;

use crate::error::{CertificateFault, Refusal, ServerError, TrustError};
use crate::url::ServerUrl;

/// How long until a connection stands: name, TCP and TLS.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// How long a whole exchange takes at most, the connection included.
pub const EXCHANGE_LIMIT: Duration = Duration::from_secs(10);
/// How long an idle connection is kept.
const IDLE: Duration = Duration::from_secs(60);
/// Twice the longest envelope.
const ANSWER_MAX: usize = 64 * 1024;
/// How much of a refusal's own words is passed on.
const WORDS_MAX: usize = 300;

/// What a body is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Media {
    Json,
    Envelope,
}

impl Media {
    const fn header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Json => "application/json",
            Self::Envelope => "application/octet-stream",
        })
    }
}

/// A client of the bank's servers. Clones share their connections.
#[derive(Clone, Debug)]
pub(crate) struct Client {
    inner: legacy::Client<Connector, Full<Bytes>>,
}

impl Client {
    /// A client that trusts the authority of this PEM text only, or without one the usual authorities.
    pub(crate) fn new(ca: Option<&str>) -> Result<Self, TrustError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .map_err(|error| TrustError::Tls(error.to_string()))?
            .with_root_certificates(roots(ca)?)
            .with_no_client_auth();
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let tls = HttpsConnectorBuilder::new()
            .with_tls_config(config)
            .https_only()
            .enable_http1()
            .wrap_connector(tcp);
        let inner = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE)
            .build(Connector(tls));
        Ok(Self { inner })
    }

    /// Sends a body and reads the answer to it.
    pub(crate) async fn post(
        &self,
        server: &ServerUrl,
        path: &'static str,
        media: Media,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, ServerError> {
        let host = || server.host().to_owned();
        let uri = server.at(path).ok_or_else(|| ServerError::Away { host: host() })?;
        let mut request = Request::new(Full::new(Bytes::from(body)));
        *request.method_mut() = Method::POST;
        *request.uri_mut() = uri;
        *request.version_mut() = Version::HTTP_11;
        request.headers_mut().insert(CONTENT_TYPE, media.header());
        request.headers_mut().insert(ACCEPT, media.header());
        match timeout(EXCHANGE_LIMIT, self.exchange(server, request)).await {
            Ok(answer) => answer,
            Err(_) => Err(ServerError::TimedOut { host: host() }),
        }
    }

    async fn exchange(
        &self,
        server: &ServerUrl,
        request: Request<Full<Bytes>>,
    ) -> Result<Vec<u8>, ServerError> {
        let response = self.inner.request(request).await.map_err(|error| failed(server, &error))?;
        let status = response.status();
        let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
        let body = body.map_err(|error| match error.downcast_ref::<http_body_util::LengthLimitError>() {
            Some(_) => ServerError::Malformed("it is too long"),
            None => ServerError::Broken { host: server.host().into() },
        })?;
        let body = body.to_bytes();
        if status == StatusCode::OK { Ok(body.into()) } else { Err(refused(status, &body)) }
    }
}

fn roots(ca: Option<&str>) -> Result<RootCertStore, TrustError> {
    let Some(pem) = ca else {
        return Ok(RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() });
    };
    let mut store = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem.as_bytes()) {
        let certificate = certificate.map_err(|error| TrustError::Certificate(error.to_string()))?;
        store.add(certificate).map_err(|error| TrustError::Certificate(error.to_string()))?;
    }
    if store.is_empty() { Err(TrustError::NoCertificate) } else { Ok(store) }
}

#[derive(Deserialize)]
struct RefusalBody {
    code: String,
    #[serde(default)]
    detail: String,
}

fn refused(status: StatusCode, body: &[u8]) -> ServerError {
    if !status.is_client_error() && !status.is_server_error() {
        return ServerError::Malformed("its status is none of the protocol's");
    }
    match serde_json::from_slice::<RefusalBody>(body) {
        Ok(refusal) => {
            let short = |text: String| -> String {
                text.chars().filter(|c| !c.is_control()).take(WORDS_MAX).collect()
            };
            let (code, detail) = (short(refusal.code), short(refusal.detail));
            ServerError::Refused(Refusal { status: status.as_u16(), code, detail })
        }
        // Whatever stands before the bank (a proxy, another server) says no in its own words.
        Err(_) => ServerError::Malformed("it refused without a code: is the address the bank's?"),
    }
}

/// What an error of the client's means. TLS hides in chains of wrapped errors.
fn failed(server: &ServerUrl, error: &legacy::Error) -> ServerError {
    let host = server.host().to_owned();
    match tls_error(error) {
        Some(rustls::Error::InvalidCertificate(fault)) => {
            ServerError::Certificate { host, fault: certificate_fault(fault) }
        }
        Some(other) if error.is_connect() => ServerError::Tls { host, reason: other.to_string() },
        Some(_) => ServerError::Broken { host },
        None if error.is_connect() => ServerError::Away { host },
        None => ServerError::Broken { host },
    }
}

fn tls_error<'a>(error: &'a (dyn Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref() {
        return Some(found);
    }
    // An `io::Error` gives the source of what it wraps, not what it wraps.
    let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    match wrapped {
        Some(wrapped) => tls_error(wrapped),
        None => error.source().and_then(tls_error),
    }
}

fn certificate_fault(fault: &CertificateError) -> CertificateFault {
    use CertificateError as E;
    match fault {
        E::Expired | E::ExpiredContext { .. } => CertificateFault::Expired,
        E::NotValidYet | E::NotValidYetContext { .. } => CertificateFault::NotYetValid,
        E::NotValidForName | E::NotValidForNameContext { .. } => CertificateFault::OtherName,
        E::UnknownIssuer | E::BadSignature => CertificateFault::UnknownAuthority,
        E::Revoked => CertificateFault::Revoked,
        // The list of rustls is open.
        _ => CertificateFault::Unusable,
    }
}

/// The connector with one limit over name, TCP and TLS: a server that accepts and says nothing is away.
#[derive(Clone, Debug)]
struct Connector(HttpsConnector<HttpConnector>);

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<TokioIo<TcpStream>>;
    type Error = Box<dyn Error + Send + Sync>;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.0.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.0.call(uri);
        Box::pin(async move {
            match timeout(CONNECT_LIMIT, connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(io::Error::from(io::ErrorKind::TimedOut).into()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_a_certificate_trusts_nobody() {
        assert_eq!(Client::new(Some("")).err(), Some(TrustError::NoCertificate));
        let empty = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        assert!(matches!(Client::new(Some(empty)), Err(TrustError::Certificate(_))));
        assert!(Client::new(None).is_ok());
    }

    #[test]
    fn a_refusal_is_short_printable_and_never_an_answer() {
        let body =
            serde_json::json!({ "code": "key_expired", "detail": format!("\u{1b}[2J{}", "x".repeat(999)) });
        let ServerError::Refused(refusal) = refused(StatusCode::FORBIDDEN, body.to_string().as_bytes())
        else {
            panic!("refused");
        };
        assert_eq!(
            (refusal.status, refusal.code.as_str(), refusal.detail.len()),
            (403, "key_expired", WORDS_MAX)
        );
        assert!(refusal.detail.starts_with("[2J"));
        for (status, body) in [(StatusCode::FOUND, "{}"), (StatusCode::BAD_GATEWAY, "<html>")] {
            assert!(matches!(refused(status, body.as_bytes()), ServerError::Malformed(_)));
        }
    }
}
