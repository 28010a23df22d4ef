//! A card's state as its page shows it.
//!
//! For: turning light, screen and frames into the view models of `pages`. Refuses: showing an amount on a
//! card that has no display: its holder would agree to what a real card cannot show.

use std::time::{SystemTime, UNIX_EPOCH};

use air::card::{Light, Shown};
use air::{BATTERY_FULL, Kind, Transaction};
use model::Amount;
use pages::card::{CardSummary, CardView, Display, FrameKind, Led, RadioFrame};
use pages::{Direction as PageDirection, Language};
use tokio::time::Instant;

use super::notice;
use crate::{CardState, Direction, FrameNote, OwnedScreen, SoftwareCard};

/// How many frames a page shows.
const FRAMES_SHOWN: usize = 24;

pub(super) fn summary(id: &str, card: &SoftwareCard) -> CardSummary {
    CardSummary {
        id: id.to_owned(),
        masked_number: card.information().number.to_string(),
        holder: holder(card),
        has_display: card.has_display(),
        led: led(&card.view()),
    }
}

pub(super) fn card(id: &str, card: &SoftwareCard, bearer: &str, language: Language) -> CardView {
    let state = card.view();
    let half_percents = u16::from(state.battery) * 100 / u16::from(BATTERY_FULL);
    let mut frames = card.frames();
    frames.reverse();
    frames.truncate(FRAMES_SHOWN);
    CardView {
        id: id.to_owned(),
        masked_number: card.information().number.to_string(),
        holder: holder(card),
        led: led(&state),
        display: card.has_display().then(|| display(&state.screen, language)),
        clock_set: state.clock_set,
        frozen: state.said_not_me,
        battery_percent: u8::try_from(half_percents).ok(),
        bearer: bearer.to_owned(),
        frames: frames.iter().map(frame).collect(),
    }
}

fn holder(card: &SoftwareCard) -> String {
    match card.printed_name() {
        "" => card.information().holder.to_string(),
        name => name.to_owned(),
    }
}

/// The page explains each light in a sentence, and a light of one colour means different things: the screen
/// tells which, although a card without a display shows only the colour.
fn led(state: &CardState) -> Led {
    match (state.light, &state.screen) {
        (Light::Off, _) => Led::Off,
        (Light::Working, _) => Led::GreenBlinking,
        (Light::Prompt, _) => Led::GreenSteady,
        (Light::Green, _) => Led::Settled,
        (Light::Amber, OwnedScreen::Notice(Shown::NothingWaits)) => Led::NothingWaits,
        (Light::Amber, OwnedScreen::Notice(Shown::NoAnswer)) => Led::NoAnswer,
        (Light::Amber, _) => Led::Amber,
        (Light::Red, _) => Led::Red,
    }
}

fn display(screen: &OwnedScreen, language: Language) -> Display {
    match screen {
        OwnedScreen::Blank => Display::Blank,
        OwnedScreen::Working => Display::Text(notice::working(language).to_owned()),
        OwnedScreen::Notice(shown) => Display::Text(notice::notice(*shown, language).to_owned()),
        OwnedScreen::Prompt { transaction, lapses, presses } => {
            let left = lapses.saturating_duration_since(Instant::now()).as_millis();
            let now_ms = unix_millis(SystemTime::now());
            Display::Payment {
                amount: amount(transaction.amount),
                place: place(transaction, language),
                // The presses counted so far, as dots: whoever counts along sees a press that was missed.
                text: "●".repeat(usize::from(*presses)),
                expires_at_ms: now_ms.saturating_add(u64::try_from(left).unwrap_or(u64::MAX)),
                now_ms,
            }
        }
    }
}

fn amount(amount: Amount) -> String {
    let currency = amount.currency();
    match currency.sign() {
        "" => format!("{amount} {currency}"),
        _ => amount.to_string(),
    }
}

fn place(transaction: &Transaction, language: Language) -> String {
    match &transaction.text {
        Some(text) => text.as_str().to_owned(),
        None => notice::place(transaction.place.0, language),
    }
}

fn frame(note: &FrameNote) -> RadioFrame {
    RadioFrame {
        at: clock_time(note.at),
        direction: match note.direction {
            Direction::Up => PageDirection::Up,
            Direction::Down => PageDirection::Down,
        },
        kind: match note.kind {
            Some(Kind::Hello) => FrameKind::Hello,
            Some(Kind::Transaction) => FrameKind::Transaction,
            Some(Kind::Result) => FrameKind::Result,
            Some(Kind::Receipt) => FrameKind::Receipt,
            Some(Kind::Retry) => FrameKind::Retry,
            Some(Kind::Clock) => FrameKind::Clock,
            Some(Kind::Status) => FrameKind::Status,
            None => FrameKind::Unknown,
        },
        length: note.bytes.len(),
        hex: hex::encode(&note.bytes),
        lost: note.lost,
    }
}

fn unix_millis(at: SystemTime) -> u64 {
    let since = at.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// `18:31:28.250Z`: in UTC, as the frames' time factors count.
fn clock_time(at: SystemTime) -> String {
    let millis = unix_millis(at);
    let (second, minute, hour) = (millis / 1000 % 60, millis / 60_000 % 60, millis / 3_600_000 % 24);
    format!("{hour:02}:{minute:02}:{second:02}.{:03}Z", millis % 1000)
}
