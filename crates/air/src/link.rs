//! What both ends hold about each other before any frame.

use crypto::{Derivation, Suite};
use model::{CardId, ChannelId, KeyVersion, TimeFactor};

use crate::Kind;

/// One card on one channel under one key: all that enters a process key besides kind and time factor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link {
    /// The card's channel.
    pub channel: ChannelId,
    /// The card.
    pub card_id: CardId,
    /// The version of its key.
    pub key_version: KeyVersion,
    /// Its suite.
    pub suite: Suite,
}

impl Link {
    pub(crate) fn derivation(&self, kind: Kind, factor: TimeFactor) -> Derivation {
        Derivation {
            kind: kind as u8,
            suite: self.suite,
            channel: self.channel,
            card_id: self.card_id,
            key_version: self.key_version,
            factor,
        }
    }
}
