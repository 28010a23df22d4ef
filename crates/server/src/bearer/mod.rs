//! 物联网基站: what carries frames between cards and the fleet.
//!
//! For: each network's own ways, behind one contract. Refuses: reading frames.
//!
//! # The contract
//!
//! A bearer gives each uplink to [`Fleet::uplink`](crate::Fleet::uplink) once, however often its network repeats it, and
//! sends the answer so that it makes the same receive window. It is [attached](crate::Fleet::attach) under a name, and is
//! handed pushes by [`Bearer::hand`], which does not wait. Whatever becomes of a downlink it tells by
//! [`Fleet::report`](crate::Fleet::report), and never more than its network said: *sent* when it went out, *delivered* or
//! *acknowledged* only on somebody's word. A frame that is too long it refuses by [`FrameTooLong`], which names both.
//! What it has taken and not yet told of is handed to it again after a restart: a frame that goes out twice is the same
//! bytes, and does nothing twice.
//!
//! `tests/bearers/` is this contract as stories, and every bearer passes them.
//!
//! Next: [`coap`] (NB-IoT), [`chirpstack`] (LoRaWAN), [`northbound`] (operators' platforms over HTTP).

pub mod chirpstack;
pub mod coap;
pub mod northbound;
mod seen;

use tokio::sync::mpsc;

use crate::app::Push;

/// Pushes that wait for one bearer in memory; one more stays in the store, and is handed over later.
pub const PUSHES_MAX: usize = 1024;

/// Why a bearer does not take a push now. It stays queued, and is handed over again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// More wait than it holds.
    #[error("more than {limit} pushes wait for this bearer")]
    Full {
        /// How many it holds.
        limit: usize,
    },
    /// It does not run, or its network is away.
    #[error("the bearer's network cannot be reached")]
    Away,
}

/// What every bearer does for the fleet.
pub trait Bearer: Send + Sync {
    /// Its name: the part of an address before the colon.
    fn name(&self) -> &str;
    /// How many bytes it carries to an address, whatever the radio's state.
    fn room_at(&self, address: &str) -> usize;
    /// Takes a push to be sent, without waiting. What becomes of it is told by [`Fleet::report`](crate::Fleet::report).
    fn hand(&self, push: Push) -> Result<(), NotTaken>;
}

/// A bearer that is a task with a queue: most are.
pub struct Queue {
    name: String,
    room: usize,
    sender: mpsc::Sender<Push>,
}

/// A bearer of this name, and the pushes that its task is to carry.
pub fn queue(name: impl Into<String>, limit: &FrameLimit<'_>) -> (Queue, mpsc::Receiver<Push>) {
    let (sender, waiting) = mpsc::channel(PUSHES_MAX);
    (Queue { name: name.into(), room: limit.bytes, sender }, waiting)
}

impl Bearer for Queue {
    fn name(&self) -> &str {
        &self.name
    }

    fn room_at(&self, _: &str) -> usize {
        self.room
    }

    fn hand(&self, push: Push) -> Result<(), NotTaken> {
        self.sender.try_send(push).map_err(|error| match error {
            mpsc::error::TrySendError::Full(_) => NotTaken::Full { limit: PUSHES_MAX },
            mpsc::error::TrySendError::Closed(_) => NotTaken::Away,
        })
    }
}

/// A frame does not fit its bearer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a frame of {frame} bytes does not fit {bearer}, which carries {limit}")]
pub struct FrameTooLong {
    /// The frame's length.
    pub frame: usize,
    /// The bearer's name.
    pub bearer: String,
    /// What it carries.
    pub limit: usize,
}

/// The most that a bearer carries in one frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FrameLimit<'a> {
    /// The bearer's name.
    pub bearer: &'a str,
    /// Bytes.
    pub bytes: usize,
}

impl FrameLimit<'_> {
    /// CoAP over UDP on NB-IoT.
    pub const COAP: FrameLimit<'static> = FrameLimit { bearer: "CoAP over UDP", bytes: 1_280 };

    /// Checks a frame that is about to be sent; the error names both.
    pub fn check(self, frame: &[u8]) -> Result<(), FrameTooLong> {
        if frame.len() > self.bytes {
            return Err(FrameTooLong {
                frame: frame.len(),
                bearer: self.bearer.to_owned(),
                limit: self.bytes,
            });
        }
        Ok(())
    }
}

/// The part of an address before its colon: the bearer's name.
pub(crate) fn bearer_of(address: &str) -> &str {
    address.split_once(':').map_or(address, |(bearer, _)| bearer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_that_does_not_fit_names_frame_and_bearer() {
        let limit = FrameLimit { bearer: "LoRaWAN CN470 DR1", bytes: 23 };
        assert_eq!(limit.check(&[0; 23]), Ok(()));
        let refused = limit.check(&[0; 53]).unwrap_err().to_string();
        assert_eq!(refused, "a frame of 53 bytes does not fit LoRaWAN CN470 DR1, which carries 23");
        assert!(air::frame_longest() <= FrameLimit::COAP.bytes);
    }
}
