//! One transaction: does what the application's steps say, with a reader, the bank and a clock.
//!
//! What is decided here is time: how long a card, a reader and the bank are waited for, and what is tried again.
//! What it means that something did not come is the driver's to say, which knows whether money may be set aside.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use tap::{Application, CardNeed, Driver, DriverPack, Outcome, ReaderError, RefusalCode};
use tokio::time::{Instant, sleep};
use zeroize::Zeroizing;

use crate::attached::TakenReader;
use crate::client::EXCHANGE_LIMIT;
use crate::error::BankError;
use crate::keys::WorkingKey;
use crate::opening::{Ending, NotOpened, Opening};
use crate::progress::{Events, Stage};
use crate::reports::REPORTS_MAX;
use crate::terminal::Inner;

/// How often a card that left while it was read is waited for again.
const CARD_AGAIN_MAX: u32 = 3;
/// How often a reader without a card is asked.
const POLL: Duration = Duration::from_millis(50);
/// How often a reader that has trouble with a card is asked.
const TROUBLE_POLL: Duration = Duration::from_millis(200);

/// How long a terminal waits for what does not come from the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    /// For a card.
    pub card: Duration,
    /// For a card that was gone while it was read, or that a reader has trouble with: a moment out of the field
    /// takes a reader's service another second to notice.
    pub card_again: Duration,
    /// For a reader that answers nothing.
    pub reader: Duration,
}

impl Default for Waits {
    fn default() -> Self {
        Self {
            card: Duration::from_secs(30),
            card_again: Duration::from_secs(3),
            reader: Duration::from_secs(3),
        }
    }
}

/// One transaction.
pub(crate) struct Run {
    pub(crate) inner: Arc<Inner>,
    pub(crate) opening: Opening,
    pub(crate) pack: Arc<DriverPack>,
    pub(crate) reader: TakenReader,
    pub(crate) events: Events,
    key: Option<Arc<WorkingKey>>,
    /// The bank was told of the card.
    told: bool,
    report_pending: bool,
    cause: Option<String>,
}

/// How a loop with one opening message ended.
enum Round {
    Over(String),
    /// The key ended before anything was done under it: PIN block and all are made anew under the next one.
    KeyRenewed,
}

/// How waiting for a card ended.
enum Came {
    Card,
    Nobody,
    Canceled,
    Trouble(ReaderError),
}

impl Run {
    pub(crate) fn new(
        inner: Arc<Inner>,
        opening: Opening,
        pack: Arc<DriverPack>,
        reader: TakenReader,
        events: Events,
    ) -> Self {
        let (key, told, report_pending, cause) = (None, false, false, None);
        Self { inner, opening, pack, reader, events, key, told, report_pending, cause }
    }

    pub(crate) async fn run(mut self) -> Ending {
        let ending = self.until_its_end().await;
        self.events.tell(Stage::Over, Duration::ZERO);
        // The reader is let go of before the end is told: who hears it may begin again at once.
        drop(self.reader);
        if ending.report_pending {
            self.inner.reports.unanswered.notify_one();
        }
        ending
    }

    async fn until_its_end(&mut self) -> Ending {
        if !self.opening.asked.is_offline() {
            let reports = self.inner.reports.waiting().len();
            if reports >= REPORTS_MAX {
                let cause = format!("{reports} reports wait for the bank");
                return Ending::before_all(&self.opening, Outcome::Unavailable, Some(cause));
            }
            self.events.tell(Stage::Preparing, EXCHANGE_LIMIT);
            let ready = tokio::select! {
                ready = self.inner.keys.ready() => ready,
                () = self.events.hear() => {
                    return Ending::before_all(&self.opening, Outcome::Canceled, None);
                }
            };
            match ready {
                Ok(key) => self.key = Some(key),
                Err(error) => {
                    let cause = Some(error.to_string());
                    return Ending::before_all(&self.opening, error.outcome(), cause);
                }
            }
        }
        // A second time with another key; a third would mean that the bank takes none.
        for _ in 0..2 {
            let pin_key = self.key.as_ref().map(|key| &key.pin);
            let text = match self.opening.to_text(self.inner.terminal(), pin_key) {
                Ok(text) => text,
                Err(NotOpened::Incomplete) => {
                    return Ending::before_all(&self.opening, Outcome::Malformed, None);
                }
                Err(NotOpened::State(error)) => {
                    let cause = Some(error.to_string());
                    return Ending::before_all(&self.opening, Outcome::Unavailable, cause);
                }
            };
            match self.round(&text).await {
                Round::Over(text) => {
                    return Ending::read(&self.opening, &text, self.report_pending, self.cause.take());
                }
                Round::KeyRenewed => {}
            }
        }
        let cause = "the bank says that a key which it gave just now is over".to_owned();
        Ending::before_all(&self.opening, Outcome::TerminalRefused, Some(cause))
    }

    async fn round(&mut self, opening: &str) -> Round {
        let mut application = Application::new(Driver::new(Arc::clone(&self.pack)));
        application.open(opening);
        let mut times_again = 0;
        loop {
            match application.step() {
                tap::application::Step::PresentCard => {
                    let waits = self.inner.waits;
                    match self.wait_for_card(waits.card, waits.card_again).await {
                        Came::Card => application.card_presented(),
                        Came::Nobody => application.time_out(),
                        Came::Canceled => application.cancel(),
                        Came::Trouble(error) => self.trouble(&mut application, &error),
                    }
                }
                tap::application::Step::Transmit(_) if !self.told && self.events.is_canceled() => {
                    application.cancel();
                }
                tap::application::Step::Transmit(apdu) => {
                    let within = self.inner.waits.reader;
                    let stage = if self.told { Stage::WritingCard } else { Stage::ReadingCard };
                    self.events.tell(stage, within);
                    match self.reader.transmit(apdu, within).await {
                        Ok(answer) if answer.len() >= 2 => {
                            let answer = Zeroizing::new(answer);
                            application.answered(&answer);
                        }
                        Ok(_) => {
                            self.card_gone(&mut application, &mut times_again, &ReaderError::CardGone).await
                        }
                        Err(error) => self.card_gone(&mut application, &mut times_again, &error).await,
                    }
                }
                tap::application::Step::Exchange { message, card } => {
                    let message = Zeroizing::new(message);
                    if let Some(round) = self.exchange(&mut application, &message, card).await {
                        return round;
                    }
                }
                tap::application::Step::End(text) => return Round::Over(text),
            }
        }
    }

    async fn wait_for_card(&self, card: Duration, trouble: Duration) -> Came {
        self.events.tell(Stage::HoldCard, card);
        let until = Instant::now() + card;
        let mut troubled: Option<(Instant, ReaderError)> = None;
        loop {
            let connected = tokio::select! {
                connected = self.reader.connect(until) => connected,
                () = self.events.hear(), if !self.told => return Came::Canceled,
            };
            let now = Instant::now();
            let pause = match connected {
                Ok(()) => return Came::Card,
                // Also where the last try was cut off: what it had to say was said before.
                Err(ReaderError::NoCard) if now >= until => {
                    return troubled.map_or(Came::Nobody, |(_, error)| Came::Trouble(error));
                }
                Err(ReaderError::NoCard) => {
                    troubled = None;
                    POLL
                }
                Err(error) => {
                    let since = troubled.map_or(now, |(since, _)| since);
                    if now >= until || now.duration_since(since) >= trouble {
                        return Came::Trouble(error);
                    }
                    troubled = Some((since, error));
                    TROUBLE_POLL
                }
            };
            sleep(pause).await;
        }
    }

    /// A card left, or its reader. Before the bank was told of it nothing happened: it may come back at once.
    async fn card_gone(
        &mut self,
        application: &mut Application<Driver>,
        times_again: &mut u32,
        error: &ReaderError,
    ) {
        self.reader.disconnect();
        *times_again += 1;
        if !self.told && *times_again <= CARD_AGAIN_MAX && *error != ReaderError::ReaderGone {
            let again = self.inner.waits.card_again;
            match self.wait_for_card(again, again).await {
                Came::Card => return application.card_presented(),
                Came::Canceled => return application.cancel(),
                Came::Nobody => {}
                Came::Trouble(error) => return self.trouble(application, &error),
            }
        }
        self.trouble(application, error);
    }

    fn trouble(&mut self, application: &mut Application<Driver>, error: &ReaderError) {
        match error {
            ReaderError::ReaderGone => application.stop(Outcome::ReaderGone),
            ReaderError::NoCard | ReaderError::CardGone => application.card_gone(),
            ReaderError::TimedOut | ReaderError::Failed(_) => {
                self.cause = Some(error.to_string());
                application.card_gone();
            }
        }
    }

    /// One message to the bank. It ends the round only where all must be made anew.
    async fn exchange(
        &mut self,
        application: &mut Application<Driver>,
        message: &str,
        card: CardNeed,
    ) -> Option<Round> {
        self.told |= card != CardNeed::NotYet;
        let mut kept = None;
        if card == CardNeed::Done {
            self.reader.disconnect();
            kept = self.keep(message).await;
        }
        self.events.tell(Stage::TalkingToBank(card), EXCHANGE_LIMIT);
        let answered = if card == CardNeed::NotYet {
            let canceled = self.events.hear();
            tokio::select! {
                answered = self.say(message) => answered,
                // A permission moves no money; one that nobody uses ends by itself.
                () = canceled => {
                    application.cancel();
                    return None;
                }
            }
        } else {
            self.say(message).await
        };
        let answered = match answered {
            Err(error) if key_is_over(&error) => match self.renew().await {
                Ok(()) if card == CardNeed::NotYet => return Some(Round::KeyRenewed),
                Ok(()) => self.say(message).await,
                Err(error) => Err(error),
            },
            answered => answered,
        };
        match answered {
            Ok(text) => {
                if let Some(kept) = kept {
                    self.forget(kept).await;
                }
                application.received(&text);
            }
            Err(error) => {
                tracing::warn!(%error, "the bank did not answer a message");
                self.cause = Some(error.to_string());
                self.report_pending |= kept.is_some();
                if error.is_silence() {
                    application.unanswered();
                } else {
                    application.stop(error.outcome());
                }
            }
        }
        None
    }

    async fn say(&mut self, message: &str) -> Result<Zeroizing<String>, BankError> {
        let key = match &self.key {
            Some(key) => Arc::clone(key),
            None => Arc::clone(self.key.insert(self.inner.keys.ready().await?)),
        };
        self.inner.tap(&key, message).await
    }

    async fn renew(&mut self) -> Result<(), BankError> {
        let old = self.key.as_ref().map(|key| key.line.key_id);
        self.key = Some(self.inner.keys.renew(old).await?);
        Ok(())
    }

    /// Before it is sent: whatever becomes of this process, the bank is told what the card said.
    async fn keep(&self, message: &str) -> Option<PathBuf> {
        let (inner, message) = (Arc::clone(&self.inner), message.to_owned());
        match tokio::task::spawn_blocking(move || inner.reports.keep(&message)).await {
            Ok(Ok(path)) => Some(path),
            Ok(Err(error)) => {
                // It is still sent. Where that fails too, the card itself says at its next tap what it did.
                tracing::error!(%error, "a report cannot be written down");
                None
            }
            Err(_) => None,
        }
    }

    async fn forget(&self, path: PathBuf) {
        let inner = Arc::clone(&self.inner);
        // A report that stays is sent once more, which changes nothing at the bank.
        let _ = tokio::task::spawn_blocking(move || inner.reports.forget(&path)).await;
    }
}

/// Whether another key helps. The bank opened nothing, so nothing was done.
pub(crate) fn key_is_over(error: &BankError) -> bool {
    matches!(error.refusal(), Some(RefusalCode::KeyExpired | RefusalCode::UnknownKey))
}
