//! Commands to a platform's interface.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderName, HeaderValue, Method, Request, Uri};
use fleet::{DownlinkEvent, FailReason};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use networks::push::{Call, PushRefused, Taken};
use networks::{ctwing, oceanconnect, onenet};
use tokio::sync::{Semaphore, mpsc};

use super::doors::event_of;
use super::{Command, Platform, Settings};
use crate::app::Push;
use crate::fleet::Fleet;
use crate::tls::{TlsError, trusting, trusting_nobody};

/// How long a platform may take to answer.
const CALL_WAIT: Duration = Duration::from_secs(10);
/// How long an unused connection is kept.
const IDLE_WAIT: Duration = Duration::from_secs(30);
/// Calls of one platform at once.
const CALLS_MAX: usize = 32;
/// An answer that is longer is not read, in bytes.
const ANSWER_MAX: usize = 65_536;

/// Why a platform cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum CallerError {
    /// The address of its interface.
    #[error("{0:?} is no address of a platform's interface: give https://HOST or http://HOST")]
    Url(String),
    /// TLS cannot be set up.
    #[error(transparent)]
    Tls(#[from] TlsError),
}

/// How an answer of a platform is read.
type ReadAnswer = fn(&[u8]) -> Result<Taken, PushRefused>;

/// Why a call came to nothing.
enum Failed {
    /// It did not reach the platform, or the platform did not answer.
    Away,
    /// The platform said no.
    Refused,
}

/// Whoever asks a platform.
#[derive(Clone)]
pub(super) struct Caller {
    inner: Arc<Inner>,
}

struct Inner {
    settings: Settings,
    base: String,
    fleet: Fleet,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
    calls: Arc<Semaphore>,
    token: Mutex<Option<oceanconnect::Token>>,
}

impl Caller {
    pub(super) fn new(settings: Settings, fleet: Fleet) -> Result<Self, CallerError> {
        let wrong = || CallerError::Url(settings.api_url.clone());
        let uri: Uri = settings.api_url.parse().map_err(|_| wrong())?;
        let is_https = match uri.scheme_str() {
            Some("https") => true,
            Some("http") => false,
            _ => return Err(wrong()),
        };
        if uri.authority().is_none_or(|authority| authority.as_str().contains('@')) || uri.query().is_some() {
            return Err(wrong());
        }
        let tls = if is_https { trusting(settings.authorities.as_deref())? } else { trusting_nobody()? };
        let connector = HttpsConnectorBuilder::new().with_tls_config(tls).https_or_http().enable_http1();
        let client = Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_WAIT)
            .build(connector.build());
        let base = settings.api_url.trim_end_matches('/').to_owned();
        let calls = Arc::new(Semaphore::new(CALLS_MAX));
        let token = Mutex::new(None);
        Ok(Self { inner: Arc::new(Inner { settings, base, fleet, client, calls, token }) })
    }

    /// Hands over what waits, a few at once, until nobody can send more.
    pub(super) async fn run(self, mut pushes: mpsc::Receiver<Push>, mut wanted: mpsc::Receiver<Command>) {
        let name = self.inner.settings.platform.name();
        loop {
            let command = tokio::select! {
                // An answer's window is short.
                biased;
                Some(command) = wanted.recv() => command,
                Some(push) = pushes.recv() => {
                    let device = push.address.strip_prefix(name).and_then(|rest| rest.strip_prefix(':'));
                    let Some(device) = device.map(str::to_owned) else {
                        let failed = DownlinkEvent::Failed(FailReason::NoAddress);
                        self.inner.fleet.report(push.id, failed, None);
                        continue;
                    };
                    let Push { id, channel, frame, expires_at, .. } = push;
                    Command { id, channel, device, frame, expires_at, waits: true }
                }
                else => return,
            };
            let Ok(permit) = Arc::clone(&self.inner.calls).acquire_owned().await else { return };
            let caller = self.clone();
            tokio::spawn(async move {
                caller.hand(command).await;
                drop(permit);
            });
        }
    }

    async fn hand(&self, command: Command) {
        let inner = &self.inner;
        let report = |event, network_id: Option<&str>| inner.fleet.report(command.id, event, network_id);
        if let Err(error) = inner.settings.platform.limit().check(&command.frame) {
            tracing::error!(%error, "a downlink was not sent");
            return report(DownlinkEvent::Failed(FailReason::TooLong), None);
        }
        // It may have waited for the calls before it.
        if command.expires_at <= inner.fleet.app().now() {
            return report(DownlinkEvent::Expired, None);
        }
        match self.command(&command).await {
            Ok(Taken::As { id, fate }) => {
                let named = format!("{}:{id}", inner.settings.platform.name());
                report(event_of(fate), Some(&named));
            }
            Ok(Taken::Refused(code)) => {
                tracing::warn!(platform = inner.settings.platform.name(), code, "a command was refused");
                report(DownlinkEvent::Failed(FailReason::Refused), None);
            }
            Err(Failed::Refused) => report(DownlinkEvent::Failed(FailReason::Refused), None),
            Err(Failed::Away) => {
                inner.fleet.app().metrics().bearer_failed("unreachable");
                if command.waits {
                    inner.fleet.give_back(command.id);
                } else {
                    report(DownlinkEvent::Failed(FailReason::Unreachable), None);
                }
            }
        }
    }

    async fn command(&self, command: &Command) -> Result<Taken, Failed> {
        let inner = &self.inner;
        let now = inner.fleet.app().now();
        let Command { device, frame, channel, expires_at, .. } = command;
        let seconds = u32::try_from(expires_at.since(now) / 1_000).unwrap_or(u32::MAX).max(1);
        let (call, read): (Call, ReadAnswer) = match &inner.settings.platform {
            Platform::CtWing { account, .. } => {
                (ctwing::command(account, device, frame, seconds, now), ctwing::taken)
            }
            Platform::OneNet { account, .. } => {
                let channel = channel.to_string();
                let imei = channel.strip_prefix("imei:").ok_or(Failed::Refused)?;
                (onenet::command(account, imei, frame, *expires_at), onenet::taken)
            }
            Platform::OceanConnect { profile, account, callback, .. } => {
                let token = self.token(account).await?;
                let callback = callback.as_ref().map(|callback| callback.0.as_str());
                let call = oceanconnect::command(account, &token, profile, device, frame, seconds, callback);
                (call, oceanconnect::taken)
            }
        };
        let answer = self.call(call).await?;
        read(&answer).map_err(|error| {
            tracing::warn!(%error, "a platform's answer was not understood");
            Failed::Refused
        })
    }

    /// The token that commands are made with, asked for anew when it ends.
    async fn token(&self, account: &oceanconnect::Account) -> Result<oceanconnect::Token, Failed> {
        let now = self.inner.fleet.app().now();
        let kept = self.inner.token.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(token) = kept.filter(|token| token.expires_at > now) {
            return Ok(token);
        }
        let answer = self.call(oceanconnect::login(account)).await?;
        let token = oceanconnect::logged_in(&answer, now).map_err(|_| Failed::Refused)?;
        *self.inner.token.lock().unwrap_or_else(PoisonError::into_inner) = Some(token.clone());
        Ok(token)
    }

    async fn call(&self, call: Call) -> Result<Bytes, Failed> {
        let inner = &self.inner;
        let form = "application/x-www-form-urlencoded";
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}{}", inner.base, call.path))
            .body(Full::new(Bytes::from(call.body)))
            .map_err(|_| Failed::Refused)?;
        let kind = HeaderValue::from_static(if call.form { form } else { "application/json" });
        request.headers_mut().insert(CONTENT_TYPE, kind);
        for (name, value) in call.headers {
            let name = HeaderName::try_from(name).map_err(|_| Failed::Refused)?;
            let mut value = HeaderValue::try_from(value).map_err(|_| Failed::Refused)?;
            value.set_sensitive(true);
            request.headers_mut().insert(name, value);
        }
        let asked = async {
            let response = inner.client.request(request).await.map_err(|_| Failed::Away)?;
            let status = response.status();
            if status.is_server_error() {
                return Err(Failed::Away);
            }
            let body = Limited::new(response.into_body(), ANSWER_MAX).collect().await;
            let body = body.map_err(|_| Failed::Away)?.to_bytes();
            if status == axum::http::StatusCode::UNAUTHORIZED {
                // A token that the platform forgot is asked for anew next time.
                *inner.token.lock().unwrap_or_else(PoisonError::into_inner) = None;
            }
            if status.is_success() { Ok(body) } else { Err(Failed::Refused) }
        };
        tokio::time::timeout(CALL_WAIT, asked).await.unwrap_or(Err(Failed::Away))
    }
}
