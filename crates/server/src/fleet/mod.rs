//! 物联网设备管理平台: knows each card's channel, where it was heard, and what waits for it.
//!
//! For: taking a frame from any bearer to the platform, and a downlink to the bearer that last heard the card.
//! Refuses: judging a payment (see `app`), and carrying bytes (see `bearer`).
//! Next: [`Fleet::uplink`] for a frame's way in, [`Fleet::order_made`] for a push's way out.

mod limiter;

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use air::platform::Uplink;
use air::retry_frame;
use model::{CardId, ChannelId, Decision};
use payment::{AuditRefusal, OrderState};
use store::{StoreError, StoredCard};
use tokio::sync::mpsc;

use crate::app::{App, Greeted, HelloRefused, Judged, Push, ResultRefused, StatusRefused};
use limiter::Limiter;

/// How many pushes wait for the bearer; one more is not made, and its order waits for the card to ask.
const PUSHES_MAX: usize = 1024;

/// A frame as a bearer heard it.
#[derive(Clone, Copy, Debug)]
pub struct Heard<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// The channel, when the bearer vouches for it.
    pub channel: Option<ChannelId>,
    /// Where an answer or a push would go, as the bearer writes it.
    pub address: &'a str,
    /// Whom to count wrong frames against.
    pub source: IpAddr,
}

/// The fleet. Cheap to clone.
#[derive(Clone)]
pub struct Fleet {
    app: App,
    retries: Arc<Mutex<Limiter>>,
    pushes: mpsc::Sender<Push>,
}

impl Fleet {
    /// A fleet, and the pushes that its bearer must carry.
    pub fn new(app: App) -> (Self, mpsc::Receiver<Push>) {
        let (pushes, waiting) = mpsc::channel(PUSHES_MAX);
        let retries = Arc::new(Mutex::new(Limiter::new(app.rules().retries_per_minute)));
        (Self { app, retries, pushes }, waiting)
    }

    /// The platform behind it.
    pub fn app(&self) -> &App {
        &self.app
    }

    /// Takes a frame in; what goes back to the card, if anything does. Whatever is refused is counted.
    pub async fn uplink(&self, heard: Heard<'_>) -> Option<Vec<u8>> {
        let began = Instant::now();
        let metrics = self.app.metrics();
        let uplink = match Uplink::parse(heard.bytes) {
            Ok(uplink) => uplink,
            Err(error) => {
                metrics.frame_refused(error.code());
                return None;
            }
        };
        let Some(channel) = heard.channel.or(uplink.frame().channel) else {
            metrics.frame_refused("no_channel");
            return None;
        };
        let card = match self.app.store().peek(|rows| rows.card_on_channel(channel)) {
            Ok(Some(card)) => card,
            Ok(None) => {
                metrics.frame_refused("unknown_channel");
                return self.retry(&uplink, heard.source);
            }
            Err(error) => return self.failed(&error),
        };
        match uplink {
            Uplink::Hello(hello) => {
                let greeted = self.app.hello(&card, &hello, heard.bytes, heard.address).await;
                if let Err(HelloRefused::WrongCode) = greeted {
                    self.wrong_code(card.id()).await;
                }
                let answer = self.greeted(greeted, &uplink, heard.source);
                metrics.step("hello_to_transaction", began.elapsed());
                answer
            }
            Uplink::Result(result) => {
                let judged = self.app.result(&card, &result, heard.bytes).await;
                if let Err(ResultRefused::WrongResult) = judged {
                    self.wrong_code(card.id()).await;
                }
                let answer = self.judged(judged, &card).await;
                metrics.step("result_to_receipt", began.elapsed());
                answer
            }
            Uplink::Status(status) => {
                match self.app.status(&card, &status, heard.bytes, heard.address).await {
                    Ok(()) => self.order_made(card.id()).await,
                    Err(StatusRefused::WrongCode) => {
                        metrics.frame_refused("wrong_code");
                        self.wrong_code(card.id()).await;
                    }
                    Err(StatusRefused::NotFresh) => metrics.frame_refused("status_not_fresh"),
                    Err(StatusRefused::KeyUnavailable) => metrics.frame_refused("key_unavailable"),
                    Err(StatusRefused::Store(error)) => {
                        self.failed(&error);
                    }
                }
                None
            }
        }
    }

    fn greeted(
        &self,
        greeted: Result<Greeted, HelloRefused>,
        uplink: &Uplink<'_>,
        source: IpAddr,
    ) -> Option<Vec<u8>> {
        let metrics = self.app.metrics();
        match greeted {
            Ok(Greeted::Asked { frame, .. } | Greeted::Clock { frame }) => Some(frame),
            Ok(Greeted::Repeated { frame }) => (!frame.is_empty()).then_some(frame),
            Ok(Greeted::NothingWaits) => None,
            Ok(Greeted::NotAboveMark) => {
                tracing::warn!("a hello with a right code and an old time factor: possible clone");
                metrics.frame_refused("not_above_mark");
                None
            }
            Ok(Greeted::Refused { refusal, declined }) => {
                metrics.frame_refused(refusal.code());
                declined.iter().for_each(|_| metrics.payment(refusal.code()));
                None
            }
            Ok(Greeted::PromptLimit) => {
                metrics.frame_refused("prompt_limit");
                None
            }
            Ok(Greeted::TooFarAhead) => {
                metrics.frame_refused("downlink_too_far_ahead");
                None
            }
            Err(HelloRefused::WrongCode) => {
                metrics.frame_refused("wrong_code");
                self.retry(uplink, source)
            }
            Err(HelloRefused::Malformed(_)) => {
                metrics.frame_refused("malformed_text");
                None
            }
            Err(HelloRefused::KeyUnavailable) => {
                metrics.frame_refused("key_unavailable");
                None
            }
            Err(HelloRefused::Store(error)) => self.failed(&error),
        }
    }

    async fn judged(&self, judged: Result<Judged, ResultRefused>, card: &StoredCard) -> Option<Vec<u8>> {
        let metrics = self.app.metrics();
        match judged {
            Ok(Judged::Answered { order: _, state, decision, changed, declined, receipt }) => {
                declined.iter().for_each(|_| metrics.payment(AuditRefusal::Frozen.code()));
                match state {
                    _ if !changed => {}
                    OrderState::Declined(reason) => metrics.payment(reason.code()),
                    OrderState::Paid | OrderState::Expired | OrderState::Canceled | OrderState::Failed => {
                        metrics.payment(state.name());
                    }
                    OrderState::AwaitingCard | OrderState::Processing => {}
                }
                // A busy card has a finger on its key: asked at once, it would only be busy again.
                if card.listens && decision != Decision::Busy {
                    self.order_made(card.id()).await;
                }
                Some(receipt)
            }
            Ok(Judged::Repeated { receipt }) => Some(receipt),
            Ok(Judged::SecondResult) => {
                metrics.frame_refused("second_result");
                None
            }
            Err(ResultRefused::WrongResult) => {
                metrics.frame_refused("wrong_result");
                None
            }
            Err(ResultRefused::KeyUnavailable) => {
                metrics.frame_refused("key_unavailable");
                None
            }
            Err(ResultRefused::Store(error)) => self.failed(&error),
        }
    }

    /// Counts against the card; junk is never a reason not to answer a right code.
    async fn wrong_code(&self, card: CardId) {
        if let Err(error) = self.app.wrong_code(card).await {
            self.failed(&error);
        }
    }

    /// A wrong code and an unknown channel look the same from outside, and are answered at a limited rate.
    /// Only a hello is sent back to S1; a wrong result or status meets silence.
    fn retry(&self, uplink: &Uplink<'_>, source: IpAddr) -> Option<Vec<u8>> {
        let Uplink::Hello(_) = uplink else { return None };
        let now = self.app.now();
        if !self.retries.lock().unwrap_or_else(PoisonError::into_inner).allow(source, now) {
            self.app.metrics().frame_refused("retry_limit");
            return None;
        }
        Some(retry_frame(uplink.frame().suite).to_vec())
    }

    /// The store could not keep it: silence, so that the card's own repetition brings it again.
    fn failed(&self, error: &StoreError) -> Option<Vec<u8>> {
        tracing::error!(%error, "a frame could not be answered");
        self.app.metrics().frame_refused(error.code());
        None
    }

    /// An order may wait for a card that listens: it is pushed if it can be.
    pub async fn order_made(&self, card: CardId) {
        match self.app.push(card).await {
            Ok(Some(push)) => {
                if self.pushes.try_send(push).is_err() {
                    self.app.metrics().downlink("queue_full");
                }
            }
            Ok(None) => {}
            Err(error) => {
                self.failed(&error);
            }
        }
    }
}
