//! What platforms push, and what they are answered.

use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Bytes, to_bytes};
use axum::extract::{Path, Query, Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use fleet::{DownlinkEvent, FailReason, Reception};
use model::ChannelId;
use networks::push::{BODY_MAX, Fate, PushRefused, Pushed, Secret, Uplink};
use networks::{ctwing, oceanconnect, onenet, sigfox};
use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::{Command, Door, Doors, Platform};
use crate::bearer::FrameLimit;
use crate::fleet::{Answer, Heard, NotKept, Source};

/// How long what is told of a command waits for the command's own answer, which may come later.
const KNOWN_WAIT: Duration = Duration::from_secs(2);
const KNOWN_STEP: Duration = Duration::from_millis(50);

/// How long a body may take to come.
const BODY_WAIT: Duration = Duration::from_secs(10);

pub(super) fn router(doors: Doors) -> Router {
    Router::new()
        .route("/push/ctwing/{secret}", post(from_ctwing))
        .route("/push/onenet", get(asked_by_onenet).post(from_onenet))
        .route("/push/oceanconnect/{secret}", post(from_oceanconnect))
        .route("/push/sigfox/{secret}", post(from_sigfox))
        .with_state(doors)
}

/// Why a push is not answered 200.
enum Refused {
    /// It is not good.
    Push(PushRefused),
    /// No such platform is set up.
    NotHere,
    /// Its body did not come in time.
    Slow,
    /// It was not kept: it must come again.
    NotKept(&'static str),
}

impl From<PushRefused> for Refused {
    fn from(refused: PushRefused) -> Self {
        Self::Push(refused)
    }
}

type Answered = Result<Response, Refused>;

impl Doors {
    fn door(&self, name: &str) -> Result<&Door, Refused> {
        self.platforms.iter().find(|door| door.platform.name() == name).ok_or(Refused::NotHere)
    }

    /// The answer, with what is refused counted by its name.
    fn finish(&self, answered: Answered) -> Response {
        let (status, code, detail) = match answered {
            Ok(response) => return response,
            Err(Refused::NotHere) => {
                (StatusCode::NOT_FOUND, "push_not_here", "this platform is not set up here".to_owned())
            }
            Err(Refused::Slow) => (
                StatusCode::REQUEST_TIMEOUT,
                "push_too_slow",
                format!("the body did not come within {BODY_WAIT:?}"),
            ),
            Err(Refused::NotKept(code)) => (
                StatusCode::SERVICE_UNAVAILABLE,
                code,
                "this could not be kept now; send it again".to_owned(),
            ),
            Err(Refused::Push(refused)) => {
                let status = match refused {
                    PushRefused::WrongSignature => StatusCode::UNAUTHORIZED,
                    PushRefused::TooLong { .. } => StatusCode::PAYLOAD_TOO_LARGE,
                    PushRefused::NotUtf8 => StatusCode::UNSUPPORTED_MEDIA_TYPE,
                    PushRefused::NotJson
                    | PushRefused::NotAnObject
                    | PushRefused::Missing(_)
                    | PushRefused::Malformed(_)
                    | PushRefused::UnknownKind
                    | PushRefused::FrameTooLong
                    | PushRefused::Encrypted => StatusCode::BAD_REQUEST,
                };
                (status, refused.code(), refused.to_string())
            }
        };
        self.fleet.app().metrics().bearer_failed(code);
        let body = serde_json::json!({ "code": code, "detail": detail });
        (status, axum::Json(body)).into_response()
    }

    /// Takes what was pushed, in order.
    async fn take(&self, door: &Door, pushed: Vec<Pushed>) -> Answered {
        // One wait for all that was pushed: a platform waits a few seconds for its answer, and then pushes all of it again.
        let until = Instant::now() + KNOWN_WAIT;
        for one in pushed {
            match one {
                Pushed::Uplink(uplink) => self.uplink(door, uplink).await?,
                Pushed::Command { id, fate } => self.command(door, &id, fate, until).await?,
                Pushed::Ignored(kind) => self.fleet.app().metrics().bearer_event(kind),
            }
        }
        Ok(StatusCode::OK.into_response())
    }

    async fn uplink(&self, door: &Door, uplink: Uplink) -> Result<(), Refused> {
        let (name, metrics) = (door.platform.name(), self.fleet.app().metrics());
        let id = key(name, &uplink.key);
        if !self.seen.first(id) {
            metrics.bearer_event("repeated");
            return Ok(());
        }
        metrics.bearer_event("up");
        let registered = self.fleet.app().store().peek(|rows| rows.channel_of_device(name, &uplink.device));
        let registered = registered.map_err(|error| self.not_kept(id, error.code()))?;
        let address = format!("{name}:{}", uplink.device);
        // The frame carries its channel. What the platform says of its device must not differ from it.
        let said = uplink.channel.or(registered);
        if let (Some(said), Some(own)) = (said, own_channel(&uplink.data))
            && said != own
        {
            metrics.frame_refused("channel_of_another_device");
            return Ok(());
        }
        let heard = Heard {
            bytes: &uplink.data,
            channel: said,
            address: &address,
            by: name,
            source: said.map_or(Source::Address([0, 0, 0, 0].into()), Source::Channel),
            limit: door.limit,
            reception: Reception::default(),
            tracked: true,
        };
        let send = |answer: Answer| {
            let (Some(id), Some(channel)) = (answer.id, said.or_else(|| own_channel(&uplink.data))) else {
                return;
            };
            let command = Command {
                id,
                channel,
                device: uplink.device.clone(),
                frame: answer.frame,
                expires_at: answer.expires_at,
                waits: false,
            };
            if door.commands.try_send(command).is_err() {
                // Its window is lost; the card asks again, and gets the same bytes.
                self.fleet.report(id, DownlinkEvent::Failed(FailReason::Unreachable), None);
            }
        };
        self.fleet.uplink(heard, send).await.map_err(|NotKept(code)| self.not_kept(id, code))
    }

    /// What the platform says of a command.
    async fn command(&self, door: &Door, id: &str, fate: Fate, until: Instant) -> Result<(), Refused> {
        let event = event_of(fate);
        let named = format!("{}:{id}", door.platform.name());
        // The platform can be quicker with what became of a command than with its answer to it.
        loop {
            let found = self.fleet.app().store().peek(|rows| rows.downlink_of_network(&named));
            match found {
                Ok(Some(downlink)) => {
                    let kept = self.fleet.reported(downlink, event, None).await;
                    return kept.map(|_| ()).map_err(|error| Refused::NotKept(error.code()));
                }
                Ok(None) if Instant::now() >= until => break,
                Ok(None) => tokio::time::sleep(KNOWN_STEP).await,
                Err(error) => return Err(Refused::NotKept(error.code())),
            }
        }
        self.fleet.app().metrics().bearer_event("others_downlink");
        Ok(())
    }

    /// A push that was not kept is not remembered: its repetition must be taken.
    fn not_kept(&self, id: u128, code: &'static str) -> Refused {
        self.seen.forget(id);
        Refused::NotKept(code)
    }
}

/// What a platform's word makes of a downlink.
pub(super) fn event_of(fate: Fate) -> DownlinkEvent {
    match fate {
        Fate::Queued => DownlinkEvent::Handed,
        Fate::Sent => DownlinkEvent::Sent,
        Fate::Delivered => DownlinkEvent::Delivered,
        Fate::Acknowledged => DownlinkEvent::Acknowledged,
        Fate::Expired => DownlinkEvent::Expired,
        Fate::Failed => DownlinkEvent::Failed(FailReason::NotAcknowledged),
    }
}

/// The channel that a frame itself carries.
fn own_channel(frame: &[u8]) -> Option<ChannelId> {
    air::platform::Uplink::parse(frame).ok().and_then(|uplink| uplink.frame().channel)
}

/// A push's key as a number.
fn key(name: &str, key: &str) -> u128 {
    let digest = Sha256::digest(format!("{name}/{key}"));
    digest.iter().take(16).fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// The body. Whoever can be known by the address is, before this.
async fn bytes(request: Request) -> Result<Bytes, Refused> {
    match tokio::time::timeout(BODY_WAIT, to_bytes(request.into_body(), BODY_MAX)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(PushRefused::TooLong { len: BODY_MAX + 1, limit: BODY_MAX }.into()),
        Err(_) => Err(Refused::Slow),
    }
}

fn let_in(secret: &Secret, said: &str) -> Result<(), Refused> {
    if secret.is(said) { Ok(()) } else { Err(PushRefused::WrongSignature.into()) }
}

async fn from_ctwing(State(doors): State<Doors>, Path(said): Path<String>, request: Request) -> Response {
    let answered = async {
        let door = doors.door("ctwing")?;
        let Platform::CtWing { secret, .. } = &door.platform else { return Err(Refused::NotHere) };
        let_in(secret, &said)?;
        let pushed = ctwing::pushed(&bytes(request).await?)?;
        doors.take(door, vec![pushed]).await
    };
    let answered = answered.await;
    doors.finish(answered)
}

#[derive(Deserialize)]
struct Question {
    #[serde(default)]
    msg: String,
    #[serde(default)]
    nonce: String,
    #[serde(default)]
    signature: String,
}

async fn asked_by_onenet(State(doors): State<Doors>, Query(question): Query<Question>) -> Response {
    let answered = || {
        let door = doors.door("onenet")?;
        let Platform::OneNet { token, .. } = &door.platform else { return Err(Refused::NotHere) };
        let Question { msg, nonce, signature } = &question;
        Ok(onenet::check(token, msg, nonce, signature)?.to_owned().into_response())
    };
    let answered = answered();
    doors.finish(answered)
}

async fn from_onenet(State(doors): State<Doors>, request: Request) -> Response {
    let answered = async {
        let door = doors.door("onenet")?;
        let Platform::OneNet { token, .. } = &door.platform else { return Err(Refused::NotHere) };
        let pushed = onenet::pushed(token, &bytes(request).await?)?;
        doors.take(door, pushed).await
    };
    let answered = answered.await;
    doors.finish(answered)
}

async fn from_oceanconnect(
    State(doors): State<Doors>,
    Path(said): Path<String>,
    request: Request,
) -> Response {
    let answered = async {
        let door = doors.door("oceanconnect")?;
        let Platform::OceanConnect { secret, profile, .. } = &door.platform else {
            return Err(Refused::NotHere);
        };
        let_in(secret, &said)?;
        let pushed = oceanconnect::pushed(profile, &bytes(request).await?)?;
        doors.take(door, pushed).await
    };
    let answered = answered.await;
    doors.finish(answered)
}

async fn from_sigfox(State(doors): State<Doors>, Path(said): Path<String>, request: Request) -> Response {
    let answered = async {
        let secret = doors.sigfox.as_ref().ok_or(Refused::NotHere)?;
        let_in(secret, &said)?;
        let callback = sigfox::callback(&bytes(request).await?)?;
        let metrics = doors.fleet.app().metrics();
        if let Pushed::Uplink(uplink) = &callback.pushed {
            let id = key("sigfox", &uplink.key);
            if doors.seen.first(id) {
                metrics.bearer_event("up");
                let address = format!("sigfox:{}", uplink.device);
                let heard = Heard {
                    channel: uplink.channel,
                    source: uplink.channel.map_or(Source::Address([0, 0, 0, 0].into()), Source::Channel),
                    limit: FrameLimit { bearer: "Sigfox", bytes: sigfox::DOWN_MAX },
                    ..Heard::plain(&uplink.data, &address, std::net::IpAddr::from([0, 0, 0, 0]))
                };
                // Whatever it leads to does not fit, but for being sent back to S1: that is of no use to a card that cannot pay.
                let taken = doors.fleet.uplink(heard, |_| ()).await;
                taken.map_err(|NotKept(code)| doors.not_kept(id, code))?;
            } else {
                metrics.bearer_event("repeated");
            }
        }
        if callback.wants_answer {
            metrics.bearer_event("sigfox_no_answer");
            let body = sigfox::no_answer(&callback.device);
            let json = [(axum::http::header::CONTENT_TYPE, "application/json")];
            return Ok((StatusCode::OK, json, body).into_response());
        }
        Ok(StatusCode::NO_CONTENT.into_response())
    };
    let answered = answered.await;
    doors.finish(answered)
}
