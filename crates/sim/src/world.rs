//! A small virtual world: one card, a lossy radio, and a clock that only the test moves.
//!
//! For: running the controller of `air` against any platform function through loss, repetition, delay and
//! disorder, the same way every time for one seed. [`LossyRadio`] is the air by itself; [`World`] puts a
//! card at its end and lets time jump from one event to the next: an hour takes as long as its events.
//! Refuses: sockets, threads and real time; CoAP, whose losses are tested where it lives; and a platform of
//! its own: an uplink comes out of [`World::next_uplink`], and whoever called answers it.

use std::collections::BTreeMap;

use air::card::{Action, Card, Edge, Flash, Ignored, Limits, SecureElement, Uptime};
use model::UnixMillis;

/// Milliseconds since the world began, and the date that the platform's clock then had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VirtualClock {
    begin: UnixMillis,
    elapsed: u64,
}

impl VirtualClock {
    /// A world that begins at this date.
    pub fn beginning(begin: UnixMillis) -> Self {
        Self { begin, elapsed: 0 }
    }

    /// Milliseconds since the beginning.
    pub fn elapsed(&self) -> u64 {
        self.elapsed
    }

    /// The date.
    pub fn unix(&self) -> UnixMillis {
        self.begin.plus(i64::try_from(self.elapsed).unwrap_or(i64::MAX))
    }

    /// Moves on to so many milliseconds since the beginning; never back.
    pub fn advance_to(&mut self, elapsed: u64) {
        self.elapsed = self.elapsed.max(elapsed);
    }
}

/// Which way bytes fly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// To the platform.
    Up,
    /// To the card.
    Down,
}

/// What the air does to frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weather {
    /// Frames of a hundred that are lost.
    pub drop_percent: u8,
    /// Frames of a hundred that arrive twice.
    pub duplicate_percent: u8,
    /// Frames of a hundred that are held up by ten times the longest delay: later ones overtake them.
    pub reorder_percent: u8,
    /// The shortest delay, in milliseconds.
    pub delay_min: u64,
    /// The longest delay, in milliseconds.
    pub delay_max: u64,
}

impl Weather {
    /// Nothing is lost; everything takes 50 ms.
    pub const CLEAR: Self =
        Self { drop_percent: 0, duplicate_percent: 0, reorder_percent: 0, delay_min: 50, delay_max: 50 };
}

/// A seeded, sans-IO link for frames: [`LossyRadio::send`] in, [`LossyRadio::receive`] out.
#[derive(Clone, Debug)]
pub struct LossyRadio {
    weather: Weather,
    dice: u64,
    sent: u64,
    /// By arrival, and then by order of sending.
    flying: BTreeMap<(u64, u64), (Way, Vec<u8>)>,
}

impl LossyRadio {
    /// Air with this weather. One seed, one fate for every frame.
    pub fn new(weather: Weather, seed: u64) -> Self {
        Self { weather, dice: seed, sent: 0, flying: BTreeMap::new() }
    }

    /// Changes the weather for frames from now on.
    pub fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
    }

    /// Puts a frame on the air at this moment.
    pub fn send(&mut self, now: u64, way: Way, frame: &[u8]) {
        let lost = self.happens(self.weather.drop_percent);
        let twice = self.happens(self.weather.duplicate_percent);
        for _ in 0..(1 + u64::from(twice)) {
            let late = self.happens(self.weather.reorder_percent);
            let (shortest, longest) = (self.weather.delay_min, self.weather.delay_max);
            let spread = longest.saturating_sub(shortest).saturating_add(1);
            let delay = shortest + self.throw() % spread + if late { longest * 10 } else { 0 };
            self.sent += 1;
            // The dice are thrown for a lost frame too: its loss shifts no other frame's fate.
            if !lost {
                self.flying.insert((now.saturating_add(delay), self.sent), (way, frame.to_vec()));
            }
        }
    }

    /// When the next frame arrives.
    pub fn next_arrival(&self) -> Option<u64> {
        self.flying.keys().next().map(|(at, _)| *at)
    }

    /// The next frame that has arrived by now.
    pub fn receive(&mut self, now: u64) -> Option<(Way, Vec<u8>)> {
        let first = self.flying.first_entry().filter(|entry| entry.key().0 <= now)?;
        Some(first.remove())
    }

    fn happens(&mut self, percent: u8) -> bool {
        self.throw() % 100 < u64::from(percent)
    }

    /// SplitMix64: small, and good enough for weather.
    fn throw(&mut self) -> u64 {
        self.dice = self.dice.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.dice;
        z = (z ^ z >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ z >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ z >> 31
    }
}

/// One card at the end of a lossy radio, in virtual time.
///
/// A frame of no bytes stands for the bearer's word that nothing answers a hello.
#[derive(Debug)]
pub struct World<E> {
    /// The time.
    pub clock: VirtualClock,
    /// The air.
    pub radio: LossyRadio,
    card: Card<E>,
    flash: Flash,
    /// When the card was switched on last.
    on_since: u64,
    /// What the card ignored, oldest first.
    pub ignored: Vec<Ignored>,
}

impl<E: SecureElement + Clone> World<E> {
    /// Takes the power from the card and gives it back: what was not stored is gone.
    pub fn restart(&mut self, limits: Limits) {
        self.card = Card::new(self.card.element().clone(), limits, self.flash.clone());
        self.on_since = self.clock.elapsed();
    }
}

impl<E: SecureElement> World<E> {
    /// A world with a blank card that was just switched on.
    pub fn new(element: E, limits: Limits, begin: UnixMillis, weather: Weather, seed: u64) -> Self {
        Self {
            clock: VirtualClock::beginning(begin),
            radio: LossyRadio::new(weather, seed),
            card: Card::new(element, limits, Flash::default()),
            flash: Flash::default(),
            on_since: 0,
            ignored: Vec::new(),
        }
    }

    /// The card.
    pub fn card(&self) -> &Card<E> {
        &self.card
    }

    /// What its memory holds.
    pub fn flash(&self) -> &Flash {
        &self.flash
    }

    /// The card's own time.
    pub fn uptime(&self) -> Uptime {
        Uptime(self.clock.elapsed() - self.on_since)
    }

    /// The key goes down or up.
    pub fn key(&mut self, edge: Edge) {
        let now = self.uptime();
        self.card.handle_key(now, edge);
        self.drain();
    }

    /// Sends the card a frame: an answer, or a push. No bytes: nothing waits.
    pub fn downlink(&mut self, frame: &[u8]) {
        self.radio.send(self.clock.elapsed(), Way::Down, frame);
    }

    /// Lets time pass until a frame reaches the platform, or until so many milliseconds since the beginning.
    pub fn next_uplink(&mut self, until: u64) -> Option<Vec<u8>> {
        loop {
            while let Some((way, frame)) = self.radio.receive(self.clock.elapsed()) {
                match way {
                    Way::Up => return Some(frame),
                    Way::Down => self.hear(&frame),
                }
            }
            let card = self.card.poll_timeout().map(|at| self.on_since.saturating_add(at.0));
            let next = [card, self.radio.next_arrival()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= until) else {
                self.clock.advance_to(until);
                return None;
            };
            self.clock.advance_to(next);
            let now = self.uptime();
            self.card.handle_timeout(now);
            self.drain();
        }
    }

    /// Lets so many milliseconds pass with a platform that answers at once; `None` is silence.
    pub fn run(&mut self, millis: u64, mut platform: impl FnMut(UnixMillis, &[u8]) -> Option<Vec<u8>>) {
        let until = self.clock.elapsed().saturating_add(millis);
        while let Some(frame) = self.next_uplink(until) {
            if let Some(answer) = platform(self.clock.unix(), &frame) {
                self.downlink(&answer);
            }
        }
    }

    /// The same with a platform that must be awaited. It takes no virtual time.
    pub async fn run_async(
        &mut self,
        millis: u64,
        mut platform: impl AsyncFnMut(UnixMillis, &[u8]) -> Option<Vec<u8>>,
    ) {
        let until = self.clock.elapsed().saturating_add(millis);
        while let Some(frame) = self.next_uplink(until) {
            if let Some(answer) = platform(self.clock.unix(), &frame).await {
                self.downlink(&answer);
            }
        }
    }

    fn hear(&mut self, frame: &[u8]) {
        let now = self.uptime();
        if frame.is_empty() {
            self.card.handle_nothing_waits(now);
        } else if let Err(ignored) = self.card.handle_frame(now, frame) {
            self.ignored.push(ignored);
        }
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(action) = self.card.poll_action() {
            match action {
                Action::Store(flash) => self.flash = flash,
                Action::Transmit(frame) => self.radio.send(self.clock.elapsed(), Way::Up, &frame),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn storm(seed: u64) -> Vec<(u64, u8)> {
        let weather = Weather {
            drop_percent: 20,
            duplicate_percent: 20,
            reorder_percent: 20,
            delay_min: 10,
            delay_max: 90,
        };
        let mut radio = LossyRadio::new(weather, seed);
        for frame in 0..100_u8 {
            radio.send(u64::from(frame), Way::Up, &[frame]);
        }
        let mut arrived = Vec::new();
        while let Some(at) = radio.next_arrival() {
            assert_eq!(radio.receive(at - 1), None);
            let (_, frame) = radio.receive(at).unwrap();
            arrived.push((at, frame[0]));
        }
        arrived
    }

    #[test]
    fn one_seed_is_one_weather() {
        assert_eq!(storm(1), storm(1));
        assert_ne!(storm(1), storm(2));
        let arrived = storm(1);
        let mut kinds = arrived.iter().map(|(_, frame)| *frame).collect::<Vec<_>>();
        assert!(!kinds.is_sorted(), "nothing was overtaken");
        kinds.sort_unstable();
        let all = kinds.len();
        kinds.dedup();
        assert!(kinds.len() < all, "nothing came twice");
        assert!(kinds.len() < 100, "nothing was lost");
    }

    #[test]
    fn clear_air_loses_nothing() {
        let mut radio = LossyRadio::new(Weather::CLEAR, 7);
        radio.send(5, Way::Down, b"frame");
        assert_eq!(radio.receive(54), None);
        assert_eq!(radio.receive(55), Some((Way::Down, b"frame".to_vec())));
        assert_eq!(radio.next_arrival(), None);
    }
}
