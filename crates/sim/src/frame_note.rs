//! What crossed a card's radio, for eyes and tests.
//!
//! For: the last frames of a card, and a stream of them. The bytes are those of the air: what can be read
//! in them can be read by anybody with an antenna. Refuses: opening them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use air::Kind;
use tokio::sync::broadcast;

/// How many frames are remembered.
pub const FRAMES_REMEMBERED: usize = 64;

/// Which way a frame went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// From the card.
    Up,
    /// To the card.
    Down,
}

/// A frame that crossed the radio.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FrameNote {
    /// Counts the card's frames from 1.
    pub number: u64,
    /// When.
    pub at: SystemTime,
    /// Which way.
    pub direction: Direction,
    /// Its kind, as its first byte says it; `None` where that is no frame.
    pub kind: Option<Kind>,
    /// Its bytes.
    pub bytes: Arc<[u8]>,
    /// Nothing acknowledged it. Told afterwards: a subscriber sees the frame when it is sent.
    pub lost: bool,
}

/// The kind that a frame's first byte names. Nothing is verified.
pub fn kind_of(bytes: &[u8]) -> Option<Kind> {
    let first = *bytes.first()?;
    if first >> 6 != 1 {
        return None;
    }
    Some(match first >> 3 & 0b111 {
        1 => Kind::Hello,
        2 => Kind::Transaction,
        3 => Kind::Result,
        4 => Kind::Receipt,
        5 => Kind::Retry,
        6 => Kind::Clock,
        7 => Kind::Status,
        _ => return None,
    })
}

/// The notes of one card: written by its radio, read by its handles.
#[derive(Clone, Debug)]
pub(crate) struct Notes {
    last: Arc<Mutex<VecDeque<FrameNote>>>,
    stream: broadcast::Sender<FrameNote>,
}

impl Notes {
    pub(crate) fn new() -> Self {
        Self {
            last: Arc::new(Mutex::new(VecDeque::with_capacity(FRAMES_REMEMBERED))),
            stream: broadcast::Sender::new(FRAMES_REMEMBERED),
        }
    }

    pub(crate) fn add(&self, number: u64, direction: Direction, bytes: &[u8]) {
        let note = FrameNote {
            number,
            at: SystemTime::now(),
            direction,
            kind: kind_of(bytes),
            bytes: bytes.into(),
            lost: false,
        };
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() == FRAMES_REMEMBERED {
            last.pop_front();
        }
        last.push_back(note.clone());
        drop(last);
        // An error says that nobody listens.
        let _ = self.stream.send(note);
    }

    pub(crate) fn mark_lost(&self, number: u64) {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(note) = last.iter_mut().find(|note| note.number == number) {
            note.lost = true;
        }
    }

    /// Oldest first.
    pub(crate) fn last(&self) -> Vec<FrameNote> {
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        last.iter().cloned().collect()
    }

    pub(crate) fn subscribe(&self) -> broadcast::Receiver<FrameNote> {
        self.stream.subscribe()
    }
}
