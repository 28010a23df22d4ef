//! 物联网设备管理平台: knows each card's channel, whether and how well it was heard, and what waits for it.
//!
//! For: taking a frame from any bearer to the platform, and a downlink to the bearer that last heard its card.
//! Refuses: judging a payment (see `app`), carrying bytes (see `bearer`), and its own rules (the crate `fleet`).
//! Next: [`Fleet::uplink`] for a frame's way in; `queue` for a downlink's way out and what became of it; `notes` for
//! what is remembered of channels; `watch` for what happens by itself.

mod heard;
mod import;
mod limiter;
mod notes;
mod queue;
mod route;
mod rules;
mod search;
mod watch;

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use air::platform::Uplink;
use air::retry_frame;
use fleet::{AlertKind, DownlinkId, DownlinkState, Priority};
use model::{CardId, ChannelId, Decision};
use payment::{AuditRefusal, OrderState};
use store::{StoreError, StoredCard, StoredDownlink};

use crate::app::{self, App, Greeted, HelloRefused, Judged, Pushed, ResultRefused, StatusRefused};
use crate::bearer::Bearer;
use heard::{Outcome, Spoken, Told};
use limiter::Limiter;
use notes::{Note, Notes};

pub use heard::{Answer, Heard, NotKept};
pub use import::{
    Column, ImportError, ImportOptions, Imported, LineRefused, RefusedLine, RegisterRefused, import, register,
};
pub use limiter::Source;
pub use queue::{QueueRefused, cancel_downlink, clear_alert, set_priority};
pub use rules::FleetRules;
pub use search::{Cursor, CursorError, Found, find};

/// The fleet. Cheap to clone.
#[derive(Clone)]
pub struct Fleet {
    inner: Arc<Inner>,
}

struct Inner {
    app: App,
    retries: Mutex<Limiter>,
    notes: Notes,
    bearers: RwLock<Vec<Arc<dyn Bearer>>>,
    /// Downlinks that a bearer has taken and not told of yet.
    taken: Mutex<HashSet<DownlinkId>>,
}

impl Fleet {
    /// A fleet that no bearer carries for yet.
    pub fn new(app: App) -> Self {
        let rules = app.rules();
        let inner = Inner {
            retries: Mutex::new(Limiter::new(rules.retries_per_minute)),
            notes: Notes::new(rules.fleet.clone()),
            bearers: RwLock::default(),
            taken: Mutex::default(),
            app,
        };
        Self { inner: Arc::new(inner) }
    }

    /// A bearer begins to carry for it, in place of one of the same name.
    pub fn attach(&self, bearer: Arc<dyn Bearer>) {
        if let Some(nodes) = self.app().nodes() {
            nodes.carries(bearer.name(), Some(bearer.room_at("")));
        }
        let mut bearers = self.inner.bearers.write().unwrap_or_else(PoisonError::into_inner);
        bearers.retain(|other| other.name() != bearer.name());
        bearers.push(bearer);
    }

    /// A bearer carries for it no more.
    pub fn detach(&self, name: &str) {
        if let Some(nodes) = self.app().nodes() {
            nodes.carries(name, None);
        }
        let mut bearers = self.inner.bearers.write().unwrap_or_else(PoisonError::into_inner);
        bearers.retain(|other| other.name() != name);
    }

    /// The platform behind it.
    pub fn app(&self) -> &App {
        &self.inner.app
    }

    /// Takes a frame in. What goes back to the card, if anything does, is given to `send`: before whatever else goes to
    /// it, for a card forgets what it waits for an answer to when it is asked anew. Whatever is refused is counted.
    ///
    /// What was not kept did not happen: it must be brought again, by the card or by whoever told of it.
    pub async fn uplink(&self, heard: Heard<'_>, send: impl FnOnce(Answer) + Send) -> Result<(), NotKept> {
        let metrics = self.app().metrics();
        let uplink = match Uplink::parse(heard.bytes) {
            Ok(uplink) => uplink,
            Err(error) => {
                metrics.frame_refused(error.code());
                return Ok(());
            }
        };
        let Some(channel) = heard.channel.or(uplink.frame().channel) else {
            metrics.frame_refused("no_channel");
            return Ok(());
        };
        let began = Instant::now();
        let Some((card, spoken)) = self.judge(channel, &uplink, &heard).await? else {
            metrics.frame_refused("unknown_channel");
            let retry = self.retry(&uplink, heard.source);
            if let Some(answer) = retry.and_then(|frame| self.answer(None, channel, frame, &heard)) {
                send(answer);
            }
            return Ok(());
        };
        if let Some(step) = spoken.step() {
            metrics.step(step, began.elapsed());
        }
        let outcome = self.outcome(&card, spoken, &uplink, heard.source).await?;
        let answer = outcome.frame.and_then(|frame| self.answer(Some(card.id()), channel, frame, &heard));
        self.note(Note::heard(channel, &heard, outcome.code, outcome.told, answer.as_ref()));
        if let Some(answer) = answer {
            send(answer);
        }
        // Nearly always nothing waits, and nothing is asked of the writer. What is made from now on is pushed by its maker.
        if outcome.asks && self.app().store().has_waiting_order(card.id()).await.unwrap_or(true) {
            self.order_made(card.id()).await;
        }
        Ok(())
    }

    /// The platform judges the frame by the card that is remembered on its channel; where that is not the one, by the one that is
    /// looked up. Nothing where there is none.
    async fn judge(
        &self,
        channel: ChannelId,
        uplink: &Uplink<'_>,
        heard: &Heard<'_>,
    ) -> Result<Option<(Arc<StoredCard>, Spoken)>, NotKept> {
        let app = self.app();
        let mut doubted = None;
        // A status proves nothing of the card's row.
        let remembered = match uplink {
            Uplink::Hello(_) | Uplink::Result(_) => app.remembered(channel),
            Uplink::Status(_) => None,
        };
        if let Some(card) = remembered {
            let spoken = self.hear(&card, uplink, heard).await;
            if !spoken.is_doubtful() {
                return Ok(Some((card, spoken)));
            }
            doubted = Some((card, spoken));
        }
        let found = app.store().card_heard(channel).await.map_err(|error| self.failed(&error))?;
        match doubted {
            Some((card, spoken)) if app.is_as_remembered(&card, found.as_ref()) => Ok(Some((card, spoken))),
            Some(_) | None => {
                let Some(card) = found.map(Arc::new) else { return Ok(None) };
                let spoken = self.hear(&card, uplink, heard).await;
                Ok(Some((card, spoken)))
            }
        }
    }

    /// The platform judges the frame as this card's.
    async fn hear(&self, card: &StoredCard, uplink: &Uplink<'_>, heard: &Heard<'_>) -> Spoken {
        let app = self.app();
        match uplink {
            Uplink::Hello(hello) => {
                let greeted = app.hello(card, hello, heard.bytes, heard.address, heard.limit.bytes);
                Spoken::Hello(greeted.await)
            }
            Uplink::Result(result) => Spoken::Result(app.result(card, result, heard.bytes).await),
            Uplink::Status(status) => {
                Spoken::Status(app.status(card, status, heard.bytes, heard.address).await)
            }
        }
    }

    /// What comes of it for the fleet.
    async fn outcome(
        &self,
        card: &StoredCard,
        spoken: Spoken,
        uplink: &Uplink<'_>,
        source: Source,
    ) -> Result<Outcome, NotKept> {
        if !spoken.is_of_this_card() {
            self.wrong_code(card).await;
        }
        match spoken {
            Spoken::Hello(greeted) => self.greeted(greeted, uplink, source),
            Spoken::Result(judged) => self.judged(judged),
            Spoken::Status(told) => self.told(told),
        }
    }

    fn told(&self, told: Result<app::Told, StatusRefused>) -> Result<Outcome, NotKept> {
        match told {
            Ok(told) if told.repeated => Ok(Outcome::silence("repeated")),
            Ok(told) => {
                let (battery, firmware) = (Some(told.battery), Some(told.firmware));
                let told = Some(Told { battery, firmware });
                // It listens now, if it ever does.
                Ok(Outcome { told, asks: true, ..Outcome::silence("status") })
            }
            Err(StatusRefused::WrongCode) => Ok(self.refused("wrong_code")),
            Err(StatusRefused::NotFresh) => Ok(self.refused("status_not_fresh")),
            Err(StatusRefused::KeyUnavailable) => Ok(self.refused("key_unavailable")),
            Err(StatusRefused::Store(error)) => Err(self.failed(&error)),
        }
    }

    fn greeted(
        &self,
        greeted: Result<Greeted, HelloRefused>,
        uplink: &Uplink<'_>,
        source: Source,
    ) -> Result<Outcome, NotKept> {
        let answered = |code, frame| Outcome {
            frame: Some(frame),
            told: Some(Told::default()),
            ..Outcome::silence(code)
        };
        Ok(match greeted {
            Ok(Greeted::Asked(asked)) => answered("asked", asked.question.evidence.transaction.clone()),
            Ok(Greeted::Clock { frame }) => answered("clock", frame),
            Ok(Greeted::Repeated { frame }) => {
                Outcome { frame: (!frame.is_empty()).then_some(frame), ..Outcome::silence("repeated") }
            }
            Ok(Greeted::NothingWaits) => {
                Outcome { told: Some(Told::default()), ..Outcome::silence("nothing_waits") }
            }
            Ok(Greeted::NotAboveMark) => {
                tracing::warn!("a hello with a right code and an old time factor: possible clone");
                self.refused("not_above_mark")
            }
            Ok(Greeted::Refused { refusal, declined }) => {
                declined.iter().for_each(|_| self.app().metrics().payment(refusal.code()));
                Outcome { told: Some(Told::default()), ..self.refused(refusal.code()) }
            }
            Ok(Greeted::PromptLimit) => {
                Outcome { told: Some(Told::default()), ..self.refused("prompt_limit") }
            }
            Ok(Greeted::TooFarAhead) => self.refused("downlink_too_far_ahead"),
            Err(HelloRefused::WrongCode) => {
                Outcome { frame: self.retry(uplink, source), ..self.refused("wrong_code") }
            }
            Err(HelloRefused::Malformed(_)) => self.refused("malformed_text"),
            Err(HelloRefused::KeyUnavailable) => self.refused("key_unavailable"),
            Err(HelloRefused::Store(error)) => return Err(self.failed(&error)),
        })
    }

    fn judged(&self, judged: Result<Judged, ResultRefused>) -> Result<Outcome, NotKept> {
        let metrics = self.app().metrics();
        Ok(match judged {
            Ok(Judged::Answered { order: _, state, decision, battery, changed, declined, receipt }) => {
                declined.iter().for_each(|_| metrics.payment(AuditRefusal::Frozen.code()));
                match state {
                    _ if !changed => {}
                    OrderState::Declined(reason) => metrics.payment(reason.code()),
                    OrderState::Paid | OrderState::Expired | OrderState::Canceled | OrderState::Failed => {
                        metrics.payment(state.name());
                    }
                    OrderState::AwaitingCard | OrderState::Processing => {}
                }
                let told = Some(Told { battery: Some(battery), firmware: None });
                // A busy card has a finger on its key: asked at once, it would only be busy again.
                Outcome { code: state.name(), frame: Some(receipt), told, asks: decision != Decision::Busy }
            }
            Ok(Judged::Repeated { receipt }) => {
                Outcome { frame: Some(receipt), ..Outcome::silence("repeated") }
            }
            Ok(Judged::SecondResult) => self.refused("second_result"),
            Err(ResultRefused::WrongResult) => self.refused("wrong_result"),
            Err(ResultRefused::KeyUnavailable) => self.refused("key_unavailable"),
            Err(ResultRefused::Store(error)) => return Err(self.failed(&error)),
        })
    }

    /// An answer that its bearer can carry. Where the bearer tells later what became of it, it is kept: its row is in
    /// the writer's queue before the answer leaves, and so before anything can be told of it.
    fn answer(
        &self,
        card: Option<CardId>,
        channel: ChannelId,
        frame: Vec<u8>,
        heard: &Heard<'_>,
    ) -> Option<Answer> {
        if let Err(error) = heard.limit.check(&frame) {
            tracing::error!(%error, "an answer was not sent");
            self.app().metrics().downlink("too_long");
            return None;
        }
        let now = self.app().now();
        let expires_at = now.plus(self.rules().answer_millis);
        let (true, Some(card)) = (heard.tracked, card) else {
            return Some(Answer { id: None, frame, expires_at });
        };
        let downlink = StoredDownlink {
            id: DownlinkId::from_time_and_random(now, self.app().random()),
            card,
            channel,
            order: None,
            priority: Priority::High,
            frame: frame.clone(),
            address: None,
            state: DownlinkState::Queued,
            network_id: None,
            created_at: now,
            expires_at,
            updated_at: now,
        };
        let id = downlink.id;
        self.taken(id, true);
        self.spawn_write(move |unit| unit.add_downlink(&downlink));
        Some(Answer { id: Some(id), frame, expires_at })
    }

    fn rules(&self) -> &FleetRules {
        &self.app().rules().fleet
    }

    fn refused(&self, code: &'static str) -> Outcome {
        self.app().metrics().frame_refused(code);
        Outcome::silence(code)
    }

    /// Counts against the card; junk is never a reason not to answer a right code.
    async fn wrong_code(&self, card: &StoredCard) {
        if self.inner.notes.wrong_code(card.channel, self.app().now()) {
            let (channel, now) = (card.channel, self.app().now());
            self.spawn_write(move |unit| {
                unit.know_channel(channel, now)?;
                unit.raise_alert(channel, AlertKind::WrongCodes, None, now)?;
                Ok(())
            });
        }
        if let Err(error) = self.app().wrong_code(card.id()).await {
            self.failed(&error);
        }
    }

    /// A wrong code and an unknown channel look the same from outside, and are answered at a limited rate.
    /// Only a hello is sent back to S1; a wrong result or status meets silence.
    fn retry(&self, uplink: &Uplink<'_>, source: Source) -> Option<Vec<u8>> {
        let Uplink::Hello(_) = uplink else { return None };
        let now = self.app().now();
        if !self.inner.retries.lock().unwrap_or_else(PoisonError::into_inner).allow(source, now) {
            self.app().metrics().frame_refused("retry_limit");
            return None;
        }
        Some(retry_frame(uplink.frame().suite).to_vec())
    }

    /// The store could not keep it.
    fn failed(&self, error: &StoreError) -> NotKept {
        tracing::error!(%error, "a frame could not be answered");
        self.app().metrics().frame_refused(error.code());
        NotKept(error.code())
    }

    /// An order may wait for a card that listens: it is pushed if it can be, else it waits until the card is heard.
    pub async fn order_made(&self, card: CardId) {
        match self.push(card).await {
            Ok(Pushed::Now(push)) => self.hand(push),
            Ok(Pushed::Waits(count)) => (0..count).for_each(|_| self.app().metrics().downlink("queued")),
            Ok(Pushed::Nothing) => {}
            Err(error) => {
                self.failed(&error);
            }
        }
    }
}
