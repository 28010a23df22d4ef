//! The one key: presses counted, hold 1.5 s to refuse, hold 5 s for "not me".

use model::Decision;

use crate::text::PRESSES_MAX;

use super::Uptime;

/// A key pressed this long after the light came on was not pressed for it.
pub const GUARD_MILLIS: u64 = 700;
/// Presses closer than this count together; the count ends when the key rested this long.
pub const PRESS_GAP_MILLIS: u64 = 600;
/// Held this long and released: refused.
pub const HOLD_REFUSE_MILLIS: u64 = 1_500;
/// Held this long: not me.
pub const HOLD_NOT_ME_MILLIS: u64 = 5_000;

/// What the key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// The finger comes.
    Down,
    /// The finger goes.
    Up,
}

/// Where the finger is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Finger {
    /// Not on the key; since when, after a counted press.
    Away(Option<Uptime>),
    /// On the key.
    Down(Uptime),
    /// On the key since before the guard time was over: this press counts for nothing.
    Early,
}

/// Reads one decision from the key's edges.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyReader {
    lit_at: Uptime,
    finger: Finger,
    presses: u8,
}

impl KeyReader {
    /// Begins when the light comes on. A finger that is on the key then presses for nothing.
    pub(super) fn lit(at: Uptime, finger_on_key: bool) -> Self {
        let finger = if finger_on_key { Finger::Early } else { Finger::Away(None) };
        Self { lit_at: at, finger, presses: 0 }
    }

    /// Presses counted so far.
    pub(super) fn presses(&self) -> u8 {
        self.presses
    }

    /// Whether the holder has begun to answer.
    pub(super) fn is_touched(&self) -> bool {
        self.presses > 0 || matches!(self.finger, Finger::Down(_))
    }

    /// When the key decides by itself if nothing else happens.
    pub(super) fn deadline(&self) -> Option<Uptime> {
        match self.finger {
            Finger::Down(since) => Some(since + HOLD_NOT_ME_MILLIS),
            Finger::Away(Some(since)) => Some(since + PRESS_GAP_MILLIS),
            Finger::Away(None) | Finger::Early => None,
        }
    }

    pub(super) fn edge(&mut self, now: Uptime, edge: Edge) -> Option<Decision> {
        match (self.finger, edge) {
            (Finger::Away(_), Edge::Down) => {
                let early = now.since(self.lit_at) < GUARD_MILLIS;
                self.finger = if early { Finger::Early } else { Finger::Down(now) };
                None
            }
            (Finger::Down(since), Edge::Up) => {
                let held = now.since(since);
                if held >= HOLD_NOT_ME_MILLIS {
                    return Some(Decision::NotMe);
                }
                if held >= HOLD_REFUSE_MILLIS {
                    return Some(Decision::Refused);
                }
                self.presses = self.presses.saturating_add(1).min(PRESSES_MAX);
                self.finger = Finger::Away(Some(now));
                None
            }
            (Finger::Early, Edge::Up) => {
                self.finger = Finger::Away(None);
                None
            }
            // A contact that bounces says again what it said.
            (Finger::Down(_) | Finger::Early, Edge::Down) | (Finger::Away(_), Edge::Up) => None,
        }
    }

    pub(super) fn timeout(&mut self, now: Uptime) -> Option<Decision> {
        if self.deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        match self.finger {
            Finger::Down(_) => Some(Decision::NotMe),
            Finger::Away(_) | Finger::Early => Some(Decision::Agreed { presses: self.presses }),
        }
    }
}
