//! What a running card shows: a snapshot that belongs to whoever took it.
//!
//! For: faces, tests and waiting. Refuses: changing the card; that is [`crate::SoftwareCard`]'s.

use std::time::Duration;

use air::Transaction;
use air::card::{Card, Light, Screen, SecureElement, Shown, Uptime};
use tokio::time::Instant;

use crate::Halt;

/// Light, screen and clock of a card at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardState {
    /// Rises by one with every change, frames included.
    pub version: u64,
    /// The LED.
    pub light: Light,
    /// What a display shows. A card without one has it all the same: for tests.
    pub screen: OwnedScreen,
    /// Whether the platform set its clock since it was switched on.
    pub clock_set: bool,
    /// Battery, 0 to 200 in half percents.
    pub battery: u8,
    /// The holder's last answer was *not me*, and nothing was prompted since: the card counts as frozen.
    pub said_not_me: bool,
    /// How many frames crossed its radio.
    pub frames: u64,
    /// Why it is off; `None` while it runs.
    pub halted: Option<Halt>,
}

/// [`Screen`], owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedScreen {
    /// Nothing.
    Blank,
    /// Talking to the network.
    Working,
    /// A payment to agree to.
    Prompt {
        /// What for.
        transaction: Transaction,
        /// When it lapses.
        lapses: Instant,
        /// Presses counted so far.
        presses: u8,
    },
    /// How the last thing ended.
    Notice(Shown),
}

impl CardState {
    pub(crate) fn switched_on<E: SecureElement>(card: &Card<E>, battery: u8, start: Instant) -> Self {
        let mut state = Self {
            version: 0,
            light: Light::Off,
            screen: OwnedScreen::Blank,
            clock_set: false,
            battery,
            said_not_me: false,
            frames: 0,
            halted: None,
        };
        state.read(card, start, Uptime(0));
        state
    }

    /// Takes over what the card shows now. Says whether anything changed.
    pub(crate) fn read<E: SecureElement>(&mut self, card: &Card<E>, start: Instant, now: Uptime) -> bool {
        let (light, clock_set) = (card.light(), card.clock_is_set());
        let screen = self.screen.next(card.screen(now), start + Duration::from_millis(now.0));
        let changed = light != self.light || clock_set != self.clock_set || screen != self.screen;
        (self.light, self.clock_set, self.screen) = (light, clock_set, screen);
        changed
    }
}

impl OwnedScreen {
    fn next(&self, screen: Screen<'_>, now: Instant) -> Self {
        match screen {
            Screen::Blank => Self::Blank,
            Screen::Working => Self::Working,
            Screen::Notice(shown) => Self::Notice(shown),
            Screen::Prompt { transaction, seconds_left, presses } => {
                // The card tells whole seconds, rounded up: of all moments computed for one prompt the
                // earliest is nearest. A moment more than a second later is that of another prompt.
                let read = now + Duration::from_secs(seconds_left.into());
                let lapses = match self {
                    Self::Prompt { lapses, transaction: before, .. }
                        if before == transaction && read <= *lapses + Duration::from_millis(1_100) =>
                    {
                        read.min(*lapses)
                    }
                    _ => read,
                };
                Self::Prompt { transaction: transaction.clone(), lapses, presses }
            }
        }
    }
}
