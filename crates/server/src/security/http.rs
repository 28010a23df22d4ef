//! `POST /activate`: JSON. `POST /ask`: an envelope.

use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Activated, ActivationRefused, ActivationRequest, Security};
use crate::bank::http::{Refusal, answered, body, door, envelope};

/// The security server's interface.
pub fn router(security: Security) -> Router {
    door(Router::new().route("/activate", post(activate)).route("/ask", post(ask)).with_state(security))
}

/// What `POST /activate` takes.
#[derive(Deserialize)]
struct ActivationBody {
    terminal: String,
    code: Zeroized,
    #[serde(default)]
    software: String,
}

/// A text that is erased when it was read.
#[derive(Deserialize)]
#[serde(from = "String")]
struct Zeroized(Zeroizing<String>);

impl From<String> for Zeroized {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

/// What it answers.
#[derive(Serialize)]
struct ActivatedBody {
    wrapped_master: String,
    check_value: String,
    suite: u8,
    pack_signers: Vec<String>,
    now: i64,
}

impl From<Activated> for ActivatedBody {
    fn from(activated: Activated) -> Self {
        Self {
            wrapped_master: hex::encode(activated.wrapped_master.0),
            check_value: activated.check_value.to_string(),
            suite: activated.suite.number(),
            pack_signers: activated.pack_signers.iter().map(hex::encode).collect(),
            now: activated.now.0,
        }
    }
}

impl From<ActivationRefused> for Refusal {
    fn from(refused: ActivationRefused) -> Self {
        Self::new(refused.status(), refused.code(), refused.to_string())
    }
}

async fn activate(State(security): State<Security>, request: Request) -> Response {
    match activated(&security, request).await {
        Ok(activated) => Json(ActivatedBody::from(activated)).into_response(),
        Err(refusal) => refusal.counted(security.bank().app().metrics()),
    }
}

async fn activated(security: &Security, request: Request) -> Result<Activated, Refusal> {
    let bytes = body(request, "application/json").await?;
    // What serde says of a body quotes it: here it may hold the code.
    let invalid =
        |_| Refusal::new(400, "invalid_json", "send {\"terminal\", \"code\", \"software\"}, all texts");
    let body: ActivationBody = serde_json::from_slice(&bytes).map_err(invalid)?;
    let request = ActivationRequest::parse(&body.terminal, &body.code.0, &body.software)?;
    Ok(security.activate(request).await?)
}

async fn ask(State(security): State<Security>, request: Request) -> Response {
    match envelope(request).await {
        Ok(envelope) => answered(security.ask(&envelope).await),
        Err(refusal) => refusal.counted(security.bank().app().metrics()),
    }
}
