//! A card in its holder's hand, at the end of a radio of its own.

use std::net::IpAddr;

use air::card::{Light, Limits, Screen, Shown};
use air::{Frame, Kind, Link, Transaction};
use model::{CardId, CardInformation, HolderReference};
use server::app::Push;
use sim::SoftElement;
use sim::world::World;

/// A frame that reached the platform, and what went back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Said {
    pub(crate) frame: Vec<u8>,
    pub(crate) answer: Option<Vec<u8>>,
}

/// A card in its holder's hand.
pub(crate) struct Hand {
    pub(crate) id: CardId,
    pub(crate) holder: HolderReference,
    pub(crate) link: Link,
    pub(crate) information: CardInformation,
    pub(crate) element: SoftElement,
    pub(crate) limits: Limits,
    pub(crate) world: World<SoftElement>,
    /// Where the bearer hears it.
    pub(crate) address: String,
    pub(crate) source: IpAddr,
    /// Everything that reached the platform, oldest first.
    pub(crate) said: Vec<Said>,
    /// The pushes that were sent to it.
    pub(crate) pushed: Vec<Push>,
    /// As CoAP does: a frame without an answer is acknowledged, and the card knows that nothing waits.
    pub(crate) acknowledged: bool,
}

impl Hand {
    pub(crate) fn light(&self) -> Light {
        self.world.card().light()
    }

    pub(crate) fn shown(&self) -> Option<Shown> {
        match self.world.card().screen(self.world.uptime()) {
            Screen::Notice(shown) => Some(shown),
            Screen::Blank | Screen::Working | Screen::Prompt { .. } => None,
        }
    }

    pub(crate) fn prompt(&self) -> Option<&Transaction> {
        match self.world.card().screen(self.world.uptime()) {
            Screen::Prompt { transaction, .. } => Some(transaction),
            Screen::Blank | Screen::Working | Screen::Notice(_) => None,
        }
    }

    /// The power goes and comes back.
    pub(crate) fn reset(&mut self) {
        self.world.restart(self.limits.clone());
    }

    pub(crate) fn last(&self) -> &Said {
        self.said.last().unwrap()
    }

    /// What crossed the air so far: kinds of uplinks and of their answers.
    pub(crate) fn talk(&self) -> Vec<(Kind, Option<Kind>)> {
        self.said.iter().map(|said| (kind(&said.frame), said.answer.as_deref().map(kind))).collect()
    }
}

/// The kind of a frame; a retry has no form beyond its two bytes.
pub(crate) fn kind(frame: &[u8]) -> Kind {
    if frame.len() == 2 { Kind::Retry } else { Frame::parse(frame).unwrap().kind }
}
