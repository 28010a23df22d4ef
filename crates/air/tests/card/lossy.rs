//! Everything at once: a radio that loses, repeats, delays and reorders, resets, and a platform that keeps
//! its rules. Whatever happens, what a card shows as settled was pressed for on that card.

use std::collections::{HashMap, HashSet};

use air::card::{Edge, Flash, Latched, Limits, Shown};
use air::platform::{Admission, Uplink, VerifiedResult};
use air::{Decision, FrameBytes, Outcome, Transaction, retry_frame};
use model::TimeFactor;

use crate::desk::{Desk, Sent};
use crate::maker::{Dice, order};

/// A radio that keeps frames for a while, and some for ever.
#[derive(Default)]
struct Radio {
    in_flight: Vec<(u64, FrameBytes)>,
    /// All frames that were ever sent this way: one of them may come again at any time.
    past: Vec<FrameBytes>,
}

impl Radio {
    fn send(&mut self, dice: &mut Dice, now: u64, frame: &FrameBytes) {
        self.past.push(frame.clone());
        while !dice.percent(25) {
            let late = if dice.percent(10) { 20_000 } else { 2_000 };
            self.in_flight.push((now + 50 + u64::from(dice.below(late)), frame.clone()));
            if !dice.percent(20) {
                return;
            }
        }
    }

    fn arrived(&mut self, dice: &mut Dice, now: u64) -> Vec<FrameBytes> {
        let (arrived, waiting) = self.in_flight.drain(..).partition(|(at, _)| *at <= now);
        self.in_flight = waiting;
        let mut arrived: Vec<FrameBytes> = arrived.into_iter().map(|(_, frame)| frame).collect();
        if !self.past.is_empty() && dice.percent(1) {
            let old = dice.below(u32::try_from(self.past.len()).unwrap());
            arrived.push(self.past[old as usize].clone());
        }
        arrived
    }
}

/// What the platform's database would hold.
#[derive(Default)]
struct Books {
    waiting: Option<Transaction>,
    /// Every transaction that was sent, by B; the last one is open.
    sent: HashMap<TimeFactor, Sent>,
    open: Option<TimeFactor>,
    /// Every uplink that was accepted, and the answer that it gets again.
    answers: HashMap<Vec<u8>, FrameBytes>,
    results: HashMap<TimeFactor, (VerifiedResult, Outcome)>,
}

struct World {
    desk: Desk,
    dice: Dice,
    up: Radio,
    down: Radio,
    books: Books,
    /// Milliseconds since the beginning; the card's own uptime begins again with each reset.
    now: u64,
    /// The amounts that were shown while the holder pressed; no two orders have the same.
    pressed_for: HashSet<u32>,
    settled_shown: HashSet<u32>,
}

impl World {
    fn push_or_wait(&mut self, order: &Transaction) {
        self.books.waiting = Some(order.clone());
        if self.desk.card.clock_is_set() && self.dice.percent(50) {
            let time = self.desk.time();
            let sent = self.desk.platform.push(order, time);
            self.open(sent);
        }
    }

    fn open(&mut self, sent: Sent) -> FrameBytes {
        let frame = sent.frame.clone();
        self.books.open = Some(sent.b);
        assert!(self.books.sent.insert(sent.b, sent).is_none(), "one B, one plaintext");
        self.down.send(&mut self.dice, self.now, &frame);
        frame
    }

    /// The platform's end, with the rules that its database would keep.
    fn platform_hears(&mut self, bytes: &FrameBytes) {
        if let Some(again) = self.books.answers.get(bytes.as_slice()) {
            let again = again.clone();
            self.down.send(&mut self.dice, self.now, &again);
            return;
        }
        let time = self.desk.time();
        let answer = match Uplink::parse(bytes).unwrap() {
            Uplink::Hello(hello) => {
                let p = &self.desk.platform;
                let hello = hello.verify(&p.link, &p.information, time, &p.key).unwrap();
                match p.marks.admit_hello(&hello, time) {
                    Admission::NotAboveMark => return,
                    Admission::OutsideWindow => {
                        let clock = self.desk.platform.clock(&hello, time);
                        self.down.send(&mut self.dice, self.now, &clock);
                        return;
                    }
                    Admission::Admitted => {}
                }
                self.desk.platform.marks.uplink = Some(hello.factor());
                match self.books.waiting.clone() {
                    Some(order) => {
                        let sent = self.desk.platform.answer(&hello, &order, time);
                        self.open(sent)
                    }
                    None => {
                        let clock = self.desk.platform.clock(&hello, time);
                        self.down.send(&mut self.dice, self.now, &clock);
                        clock
                    }
                }
            }
            Uplink::Result(frame) => {
                let p = &self.desk.platform;
                let verified = self.books.sent.values().find_map(|sent| {
                    frame.verify(&p.link, sent.b, &sent.context, &sent.transaction, &p.key).ok()
                });
                let result = verified.expect("an honest card's result answers a transaction that was sent");
                let outcome = self.settle(&result);
                let receipt = self.desk.platform.receipt(&result, outcome);
                self.down.send(&mut self.dice, self.now, &receipt);
                receipt
            }
            Uplink::Status(_) => return,
        };
        self.books.answers.insert(bytes.to_vec(), answer);
    }

    fn settle(&mut self, result: &VerifiedResult) -> Outcome {
        let known = self.books.results.get(&result.b());
        assert!(known.is_none_or(|(known, _)| known == result), "two results under one B");
        if let Some((_, outcome)) = known {
            return *outcome;
        }
        let open = self.books.open == Some(result.b());
        let age = self.desk.time().time_factor().seconds_after(result.b());
        let in_time = age <= i64::from(self.books.sent[&result.b()].transaction.lifetime.seconds());
        let outcome = match result.text().decision {
            Decision::Agreed { .. } if open && in_time => Outcome::Settled,
            Decision::Agreed { .. } | Decision::NotAnswered | Decision::Busy => Outcome::TooLate,
            Decision::Refused | Decision::NotMe | Decision::OverLimit => Outcome::Refused,
        };
        if open {
            self.books.open = None;
            self.books.waiting = None;
        }
        self.books.results.insert(result.b(), (*result, outcome));
        outcome
    }

    /// A tenth of a second: frames arrive on both sides, the holder does something or not.
    fn tick(&mut self) {
        self.desk.after(100);
        self.now += 100;
        self.collect();
        for frame in self.up.arrived(&mut self.dice, self.now) {
            self.platform_hears(&frame);
        }
        for frame in self.down.arrived(&mut self.dice, self.now) {
            let latched = self.desk.flash.latched.clone();
            let _ = self.desk.hear(&frame);
            let answered = latched.filter(|_| self.desk.flash.latched.is_none());
            if let (Some(latched), Some(Shown::Receipt(outcome))) = (answered, self.desk.shown()) {
                self.check(&latched, outcome);
            }
            self.collect();
        }
        if self.dice.percent(1) {
            let _ = self.desk.hear(&retry_frame(self.desk.platform.link.suite));
        }
    }

    fn collect(&mut self) {
        while let Some(frame) = self.desk.try_uplink() {
            self.up.send(&mut self.dice, self.now, &frame);
        }
    }

    /// A receipt is the one that the platform gave for this B. What is shown as settled was agreed to on
    /// this card while this very order was shown, and no order settles twice.
    fn check(&mut self, latched: &Latched, outcome: Outcome) {
        assert_eq!(self.books.results[&latched.b].1, outcome);
        if outcome != Outcome::Settled {
            return;
        }
        let amount = self.books.sent[&latched.b].transaction.amount.minor();
        assert!(matches!(latched.text.decision, Decision::Agreed { .. }));
        assert!(self.pressed_for.contains(&amount), "settled without a press for {amount}");
        assert!(self.settled_shown.insert(amount), "{amount} settled twice");
    }

    fn press(&mut self) {
        if let Some(prompt) = self.desk.prompt() {
            self.pressed_for.insert(prompt.amount.minor());
        }
        self.desk.key(Edge::Down);
        self.collect();
        self.desk.after(100);
        self.now += 100;
        self.desk.key(Edge::Up);
        self.collect();
    }
}

#[test]
fn a_card_on_the_worst_of_radios_shows_as_settled_only_what_was_pressed_for() {
    let limits = Limits { answer_millis: 5_000, ..Limits::default() };
    let mut world = World {
        desk: Desk::with(limits, Flash::default()),
        dice: Dice::new(20_261_120),
        up: Radio::default(),
        down: Radio::default(),
        books: Books::default(),
        now: 0,
        pressed_for: HashSet::new(),
        settled_shown: HashSet::new(),
    };
    for payment in 1..=500 {
        world.push_or_wait(&order(payment, 60));
        for tick in 0..300 {
            world.tick();
            let impatient = if world.desk.prompt().is_some() { 10 } else { 3 };
            if tick % 7 == 0 && world.dice.percent(impatient * 5) {
                world.press();
            }
            if world.dice.below(3_000) == 0 {
                world.desk.reset();
            }
        }
    }
    let settled = world.books.results.values().filter(|(_, outcome)| *outcome == Outcome::Settled).count();
    assert!(settled > 150, "a bad radio, and still a radio: {settled} of 500 settled");
    let shown = world.settled_shown.len();
    assert!(shown > 100, "{shown} receipts of {settled} were shown");
}
