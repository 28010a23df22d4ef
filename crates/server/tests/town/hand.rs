//! A card in its holder's hand: the card's own machine, and a thumb that is as quick as the test.

use air::card::{Action, Card, Edge, Flash, Light, Limits, SecureElement, Uptime};
use air::{FrameCipher, Link, OpenError};
use crypto::{CardKey, FrameParameters, VerificationCode};
use model::{CardId, CardInformation};
use server::app::Issued;

use super::keys::unwrapped;

/// Longer than any notice of the card stays.
const REST_MILLIS: u64 = 7_000;

/// A card and the thumb on its key.
pub(crate) struct Hand {
    pub(crate) id: CardId,
    pub(crate) information: CardInformation,
    pub(crate) link: Link,
    limits: Limits,
    element: Element,
    card: Card<Element>,
    flash: Flash,
    at: Uptime,
}

#[derive(Clone)]
struct Element {
    key: CardKey,
    link: Link,
    information: CardInformation,
}

impl FrameCipher for Element {
    fn seal(&self, frame: &FrameParameters<'_>, text: &mut [u8]) -> Result<VerificationCode, OpenError> {
        self.key.seal(frame, text)
    }

    fn open(
        &self,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
        code: &VerificationCode,
    ) -> Result<(), OpenError> {
        self.key.open(frame, text, code)
    }
}

impl SecureElement for Element {
    fn link(&self) -> Link {
        self.link
    }

    fn information(&self) -> CardInformation {
        self.information
    }
}

impl Hand {
    pub(crate) fn take(issued: &Issued) -> Self {
        Self::with(issued, Limits::default())
    }

    /// A card whose bearer vouches for its channel: its frames are the shorter for it.
    pub(crate) fn brief(issued: &Issued) -> Self {
        Self::with(issued, Limits { channel_on_air: false, ..Limits::default() })
    }

    fn with(issued: &Issued, limits: Limits) -> Self {
        let (link, information) = (issued.link, issued.information);
        let element = Element { key: unwrapped(&issued.wrapped_key), link, information };
        Self {
            id: information.card_id,
            information,
            link,
            card: Card::new(element.clone(), limits.clone(), Flash::default()),
            limits,
            element,
            flash: Flash::default(),
            at: Uptime(0),
        }
    }

    /// The whole number, which nobody but card and issuer may have.
    pub(crate) fn digits(&self) -> String {
        self.information.number.digits().to_string()
    }

    /// A press while nothing is prompted: the hello.
    pub(crate) fn press(&mut self) -> Vec<u8> {
        self.at = self.at + REST_MILLIS;
        self.card.handle_timeout(self.at);
        self.card.handle_key(self.at, Edge::Down);
        self.at = self.at + 100;
        self.card.handle_key(self.at, Edge::Up);
        self.said()
    }

    /// A status, from a card whose clock is set.
    pub(crate) fn status(&mut self) -> Vec<u8> {
        self.card.send_status(self.at, 0x0102);
        self.said()
    }

    /// A frame arrives that the card takes.
    pub(crate) fn hear(&mut self, frame: &[u8]) {
        self.at = self.at + 50;
        self.card.handle_frame(self.at, frame).unwrap();
        self.drain();
    }

    pub(crate) fn nothing_waits(&mut self) {
        self.card.handle_nothing_waits(self.at);
        self.drain();
    }

    /// Presses so often: the result.
    pub(crate) fn agree(&mut self, presses: u8) -> Vec<u8> {
        self.at = self.at + 1_000;
        for _ in 0..presses {
            self.card.handle_key(self.at, Edge::Down);
            self.card.handle_key(self.at + 100, Edge::Up);
            self.at = self.at + 200;
        }
        self.at = self.at + 1_000;
        self.card.handle_timeout(self.at);
        self.said()
    }

    /// Holds the key for two seconds: the result.
    pub(crate) fn refuse(&mut self) -> Vec<u8> {
        self.hold(2_000)
    }

    /// Holds the key for six seconds: the result.
    pub(crate) fn not_me(&mut self) -> Vec<u8> {
        self.hold(6_000)
    }

    fn hold(&mut self, millis: u64) -> Vec<u8> {
        self.at = self.at + 1_000;
        self.card.handle_key(self.at, Edge::Down);
        self.at = self.at + millis;
        self.card.handle_key(self.at, Edge::Up);
        self.said()
    }

    pub(crate) fn is_lit(&self) -> bool {
        self.card.light() == Light::Prompt
    }

    /// It shows *settled*.
    pub(crate) fn is_green(&self) -> bool {
        self.card.light() == Light::Green
    }

    /// It shows *not settled*.
    pub(crate) fn is_red(&self) -> bool {
        self.card.light() == Light::Red
    }

    /// Its battery was taken out and put in again: it knows what its memory holds, and not the time.
    pub(crate) fn restart(&mut self) {
        self.card = Card::new(self.element.clone(), self.limits.clone(), self.flash.clone());
    }

    fn said(&mut self) -> Vec<u8> {
        self.drain().unwrap()
    }

    /// Does what the card wants; the last frame that it sends.
    fn drain(&mut self) -> Option<Vec<u8>> {
        let mut said = None;
        while let Some(action) = self.card.poll_action() {
            match action {
                Action::Transmit(frame) => said = Some(frame.to_vec()),
                Action::Store(flash) => self.flash = flash,
            }
        }
        said
    }
}
