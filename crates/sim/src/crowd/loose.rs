//! A crowd on a bearer that the caller plays: frames come out and answers go in, by the card's place.
//!
//! For: loads over networks that this crate knows nothing of. Refuses: repeating what is lost; such a bearer loses nothing,
//! or its caller gives up waiting.

use std::time::Instant;

use tokio::sync::mpsc;

use super::lane::Wish;
use super::member::Member;
use crate::PayError;

/// Frames and answers that may wait.
const FRAMES: usize = 4096;

/// The caller's end: what the cards send, and where answers to them go.
#[derive(Debug)]
pub struct LooseEnd {
    /// Frames, each with its card's place.
    pub frames: mpsc::Receiver<(usize, Vec<u8>)>,
    /// Answers, each with its card's place.
    pub answers: mpsc::Sender<(usize, Vec<u8>)>,
}

pub(super) struct Loose {
    members: Vec<Member>,
    start: Instant,
    frames: mpsc::Sender<(usize, Vec<u8>)>,
    answers: mpsc::Receiver<(usize, Vec<u8>)>,
}

impl Loose {
    pub(super) fn new(members: Vec<Member>) -> (Self, LooseEnd) {
        let (frames, taken) = mpsc::channel(FRAMES);
        let (given, answers) = mpsc::channel(FRAMES);
        let loose = Self { members, start: Instant::now(), frames, answers };
        (loose, LooseEnd { frames: taken, answers: given })
    }

    /// Runs until the crowd or the caller's end is dropped.
    pub(super) async fn run(mut self, mut wanted: mpsc::Receiver<Wish>) {
        loop {
            let said = tokio::select! {
                wish = wanted.recv() => {
                    let Some(wish) = wish else { return };
                    self.begin(wish)
                }
                answer = self.answers.recv() => {
                    let Some((place, frame)) = answer else { return };
                    let now = self.now();
                    let member = self.members.get_mut(place);
                    member.and_then(|member| member.answered(now, &frame)).map(|frame| (place, frame.to_vec()))
                }
            };
            if let Some(said) = said
                && self.frames.send(said).await.is_err()
            {
                return;
            }
        }
    }

    fn begin(&mut self, wish: Wish) -> Option<(usize, Vec<u8>)> {
        let now = self.now();
        let Some(member) = self.members.get_mut(wish.member) else {
            let _ = wish.reply.send(Err(PayError::NoSuchCard(wish.member)));
            return None;
        };
        let frame = member.begin(now, wish.goal, wish.reply)?;
        Some((wish.member, frame.to_vec()))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
