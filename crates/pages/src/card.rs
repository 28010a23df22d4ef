//! The card's face: a software card drawn so that it can be taken in hand and pressed.

use askama::Template;

use crate::language::Language;
use crate::order::minutes_and_seconds;
use crate::page::Page;

/// The card's light.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Led {
    /// Nothing waits.
    Off,
    /// A payment waits for the key.
    GreenSteady,
    /// Talking to the network.
    GreenBlinking,
    /// The last payment was made.
    Settled,
    /// Asked, and no payment waits.
    NothingWaits,
    /// The network did not answer: nothing was asked yet.
    NoAnswer,
    /// How the last payment ended is not known.
    Amber,
    /// The last payment was not made, or the card is frozen.
    Red,
}

impl Led {
    /// The class that lights it.
    pub fn class(self) -> &'static str {
        match self {
            Led::Off => "led-off",
            Led::GreenSteady | Led::Settled => "led-green",
            Led::GreenBlinking => "led-blinking",
            Led::NothingWaits | Led::NoAnswer | Led::Amber => "led-amber",
            Led::Red => "led-red",
        }
    }

    /// What it looks like, for whoever does not see it.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().card;
        match self {
            Led::Off => w.led_off,
            Led::GreenSteady => w.led_green,
            Led::GreenBlinking => w.led_blinking,
            Led::Settled => w.led_settled,
            Led::NothingWaits | Led::NoAnswer | Led::Amber => w.led_amber,
            Led::Red => w.led_red,
        }
    }

    /// What it means and what the holder can do.
    pub fn sentence(self, language: Language) -> &'static str {
        let w = &language.words().card;
        match self {
            Led::Off => w.led_off_text,
            Led::GreenSteady => w.led_green_text,
            Led::GreenBlinking => w.led_blinking_text,
            Led::Settled => w.led_settled_text,
            Led::NothingWaits => w.led_nothing_waits_text,
            Led::NoAnswer => w.led_no_answer_text,
            Led::Amber => w.led_amber_text,
            Led::Red => w.led_red_text,
        }
    }
}

/// What stands on a card's small display.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Display {
    /// Nothing.
    Blank,
    /// A payment that waits for the key.
    Payment {
        /// The amount as the card shows it: `¥20.00`.
        amount: String,
        /// The place as the card shows it.
        place: String,
        /// The payment's text; may be empty.
        text: String,
        /// When it ends, epoch milliseconds.
        expires_at_ms: u64,
        /// The server's clock as this is rendered, epoch milliseconds.
        now_ms: u64,
    },
    /// How a payment ended, or anything else the card says. At most some twenty characters fit.
    Text(String),
}

impl Display {
    fn time_left(&self) -> String {
        match self {
            Display::Payment { expires_at_ms, now_ms, .. } => {
                minutes_and_seconds(expires_at_ms.saturating_sub(*now_ms).div_ceil(1000))
            }
            Display::Blank | Display::Text(_) => String::new(),
        }
    }
}

/// Which way a radio frame went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the card.
    Up,
    /// To the card.
    Down,
}

/// The seven kinds of frame, and whatever is none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FrameKind {
    /// Kind 1.
    Hello,
    /// Kind 2.
    Transaction,
    /// Kind 3.
    Result,
    /// Kind 4.
    Receipt,
    /// Kind 5.
    Retry,
    /// Kind 6.
    Clock,
    /// Kind 7.
    Status,
    /// Not to be told.
    Unknown,
}

impl FrameKind {
    /// Its name in the reader's language.
    pub fn title(self, language: Language) -> &'static str {
        let w = &language.words().card;
        match self {
            FrameKind::Hello => w.frame_hello,
            FrameKind::Transaction => w.frame_transaction,
            FrameKind::Result => w.frame_result,
            FrameKind::Receipt => w.frame_receipt,
            FrameKind::Retry => w.frame_retry,
            FrameKind::Clock => w.frame_clock,
            FrameKind::Status => w.frame_status,
            FrameKind::Unknown => w.frame_unknown,
        }
    }
}

/// A frame that crossed the card's radio.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RadioFrame {
    /// When, as text.
    pub at: String,
    /// Which way.
    pub direction: Direction,
    /// What kind.
    pub kind: FrameKind,
    /// How many bytes.
    pub length: usize,
    /// The bytes in hexadecimal, without spaces.
    pub hex: String,
    /// Whether the radio lost it.
    pub lost: bool,
}

impl RadioFrame {
    /// The hexadecimal text in groups of four bytes, so that an eye can count and a line can break.
    fn grouped(&self) -> String {
        let mut text = String::with_capacity(self.hex.len() + self.hex.len() / 8);
        for (place, digit) in self.hex.chars().enumerate() {
            if place > 0 && place % 8 == 0 {
                text.push(' ');
            }
            text.push(digit);
        }
        text
    }
}

/// A card in the list of cards.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardSummary {
    /// Its id in addresses: letters, digits, `-` and `_` only.
    pub id: String,
    /// Its number as people may see it.
    pub masked_number: String,
    /// What the holder calls it, or the holder's name.
    pub holder: String,
    /// Whether it shows the amount itself.
    pub has_display: bool,
    /// Its light.
    pub led: Led,
}

/// The software cards of this host, `GET /`.
#[derive(Debug, Clone, Template)]
#[template(path = "card/list.html")]
pub struct CardsPage {
    /// Language and place.
    pub page: Page,
    /// The cards.
    pub cards: Vec<CardSummary>,
}

/// Everything a card's face shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CardView {
    /// Its id in addresses: letters, digits, `-` and `_` only.
    pub id: String,
    /// Its number as people may see it.
    pub masked_number: String,
    /// What is printed under the number.
    pub holder: String,
    /// Its light.
    pub led: Led,
    /// Its display; nothing for a card that has none.
    pub display: Option<Display>,
    /// Whether its clock is set.
    pub clock_set: bool,
    /// Whether "not me" or the issuer froze it, as far as the card host knows.
    pub frozen: bool,
    /// Battery, when known.
    pub battery_percent: Option<u8>,
    /// Which network carries its frames: `LoRaWAN`, `CoAP/UDP`; may be empty.
    pub bearer: String,
    /// The last frames, newest first.
    pub frames: Vec<RadioFrame>,
}

/// The whole page, `GET /cards/{id}`. It listens to `/cards/{id}/live` for events named `card`; its key sends
/// `POST /cards/{id}/key` with `edge=down` or `edge=up`.
#[derive(Debug, Clone, Template)]
#[template(path = "card/page.html")]
pub struct CardPage {
    /// Language and place.
    pub page: Page,
    /// The card.
    pub card: CardView,
}

/// What a `card` event carries: light, display, state and frames. Never the key itself, which may be held down
/// while the event arrives.
#[derive(Debug, Clone, Template)]
#[template(path = "card/fragment.html")]
pub struct CardFragment {
    /// Language and place.
    pub page: Page,
    /// The card.
    pub card: CardView,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_is_grouped_for_eyes() {
        let mut frame = RadioFrame {
            at: String::new(),
            direction: Direction::Up,
            kind: FrameKind::Hello,
            length: 6,
            hex: "4910c0ff1122".into(),
            lost: false,
        };
        assert_eq!(frame.grouped(), "4910c0ff 1122");
        frame.hex = String::new();
        assert_eq!(frame.grouped(), "");
    }
}
