//! S1 and S2: what a card sends of its own accord, and the factors it uses for that.

use model::TimeFactor;

use super::{Card, MARK_AHEAD_SECONDS_MAX, State};
use crate::card::{Action, SecureElement, Shown, Uptime};
use crate::frame::{Head, Kind};
use crate::seal::seal;
use crate::text::StatusText;

impl<E: SecureElement> Card<E> {
    /// Sends battery and firmware. Without a clock to be trusted nothing is sent: only a hello can say Z.
    pub fn send_status(&mut self, now: Uptime, firmware: u16) {
        let Some(clock) = self.trusted_clock(now) else {
            return;
        };
        let Some(factor) = self.take_factor(Some(clock)) else {
            return;
        };
        let text = StatusText { battery: self.battery, flags: 0, firmware };
        self.transmit(Kind::Status, false, false, false, factor, &[], &text.to_bytes());
    }

    /// S1 and S2. After the first retry the hello is full and wide; after the next ones Z is set as well.
    pub(super) fn greet(&mut self, now: Uptime, sent_back: u8, clocks: u8) {
        let clock = self.trusted_clock(now).filter(|_| sent_back < 2);
        let Some(factor) = self.take_factor(clock) else {
            // The factors of this key version are used up: the card must be re-injected.
            self.show(now, Shown::SentBack);
            return;
        };
        let (without_clock, full) = (clock.is_none(), !self.flash.introduced);
        let information = self.element.information().to_bytes();
        let wide = without_clock || sent_back > 0;
        let (context, text): (&[u8], &[u8]) = if full { (&[], &information) } else { (&information, &[]) };
        self.transmit(Kind::Hello, wide, full, without_clock, factor, context, text);
        let until = now + self.limits.answer_millis;
        self.state = State::Greeting { a: factor, until, sent_back, clocks, without_clock };
    }

    /// The clock, unless the card's own mark contradicts it.
    fn trusted_clock(&self, now: Uptime) -> Option<TimeFactor> {
        let clock = self.clock.now(now)?;
        let ahead = self.last_used.map_or(0, |mark| mark.seconds_after(clock));
        (ahead <= MARK_AHEAD_SECONDS_MAX).then_some(clock)
    }

    /// max(now, last + 1), or last + 1 without a clock; stored before it is used.
    fn take_factor(&mut self, clock: Option<TimeFactor>) -> Option<TimeFactor> {
        let after_last = match self.last_used {
            Some(last) => last.next()?,
            None => TimeFactor::new(1)?,
        };
        let factor = clock.map_or(after_last, |clock| clock.max(after_last));
        self.last_used = Some(factor);
        if self.flash.uplink_mark.is_none_or(|mark| factor > mark) {
            let reserve = self.limits.reserve_seconds.min(300);
            self.flash.uplink_mark = TimeFactor::new(factor.seconds().saturating_add(reserve));
            self.store();
        }
        Some(factor)
    }

    #[allow(clippy::too_many_arguments)] // The fields of a frame, each once.
    fn transmit(
        &mut self,
        kind: Kind,
        wide: bool,
        x: bool,
        z: bool,
        factor: TimeFactor,
        context: &[u8],
        text: &[u8],
    ) {
        let head = Head { kind, channel_on_air: self.limits.channel_on_air, wide, x, z };
        let link = self.element.link();
        if let Ok(frame) = seal(&self.element, &link, head, factor, &[context], text) {
            self.act(Action::Transmit(frame));
        }
    }

    pub(super) fn introduce(&mut self) {
        if !self.flash.introduced {
            self.flash.introduced = true;
            self.store();
        }
    }
}
