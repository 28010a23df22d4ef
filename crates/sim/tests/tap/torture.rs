//! The torture: tears at every command, before and after; every message lost, answered into the void, repeated,
//! delayed, and the bank killed behind each durable step; one disturbance in the load, another in its rescue.
//! Then the card is tapped in peace, and what was debited equals what came onto the card. Every time.
//!
//! Here: what all tortures share, and a load and its rescue at one terminal. Next: [`purchase`], in which the
//! balance alone would mislead; [`crossing`] at two terminals; [`series`] of loads;
//! [`doubt`], in which the card is loaded elsewhere; [`walk`] at random; and [`giving_back`], in which two persons
//! give back what a card came to hold.

mod crossing;
mod doubt;
mod giving_back;
mod purchase;
mod series;
mod walk;

use model::{Asn, Fen};
use payment::LoadState;
use sim::wallet::{SoftWallet, Tear};
use tap::{Money, Outcome};

use crate::counter::{self, Counter};
use crate::elsewhere::spend;
use crate::hand::{Disturbance, Ended, Hand, Line};

const AMOUNT: Fen = Fen(100);

/// SELECT, READ BINARY, INITIALIZE, CREDIT.
const LOAD_COMMANDS: u32 = 4;
/// authorize, card, outputs.
const LOAD_MESSAGES: u8 = 3;
/// SELECT, READ BINARY, two proofs, INITIALIZE, CREDIT.
const RESCUE_COMMANDS: u32 = 6;
/// card, outputs of the probe, outputs of the credit.
const RESCUE_MESSAGES: u8 = 3;

/// Every single disturbance of a transaction, and none.
fn disturbances(commands: u32, messages: u8) -> Vec<Disturbance> {
    let mut all = vec![Disturbance::default()];
    all.extend(tears(1..=commands));
    for number in 1..=messages {
        all.extend(Line::BAD.map(|line| on_line(number, line)));
    }
    all
}

fn tears(commands: std::ops::RangeInclusive<u32>) -> Vec<Disturbance> {
    let both = commands.flat_map(|nth| [Tear::before(nth), Tear::after(nth)]);
    both.map(|tear| Disturbance { tear: Some(tear), ..Disturbance::default() }).collect()
}

fn on_line(number: u8, line: Line) -> Disturbance {
    Disturbance { line: Some((number, line)), ..Disturbance::default() }
}

fn of_loads() -> Vec<Disturbance> {
    disturbances(LOAD_COMMANDS, LOAD_MESSAGES)
}

fn of_rescues() -> Vec<Disturbance> {
    disturbances(RESCUE_COMMANDS, RESCUE_MESSAGES)
}

/// Disturbances of card and line in one transaction.
fn pairs(commands: u32, messages: u8) -> Vec<Disturbance> {
    let all = disturbances(commands, messages);
    let mut pairs = Vec::new();
    for tear in all.iter().filter_map(|one| one.tear) {
        for line in all.iter().filter_map(|one| one.line) {
            pairs.push(Disturbance { tear: Some(tear), line: Some(line), late: None });
        }
    }
    pairs
}

/// Every so many-th, from another first one at every turn: where all with all would take too long, each still
/// meets each kind of the others.
fn every(nth: usize, turn: usize, all: Vec<Disturbance>) -> impl Iterator<Item = (usize, Disturbance)> {
    all.into_iter().enumerate().skip(turn % nth).step_by(nth)
}

/// One card through one case: what it was given and what it spent, beside what the books say.
struct Case<'a> {
    counter: &'a mut Counter,
    hand: Hand,
    asn: Asn,
    wallet: SoftWallet,
    /// What the books said before.
    before: counter::Money,
    /// What was on the card before, and what others loaded.
    given: i64,
    spent: i64,
    /// What two persons gave back: it is on the card still, and the bank keeps the card.
    returned: i64,
    what: String,
}

impl<'a> Case<'a> {
    async fn begin(counter: &'a mut Counter, what: String) -> Self {
        Self::begin_with(counter, Fen(0), what).await
    }

    /// A card that holds something already.
    async fn begin_with(counter: &'a mut Counter, given: Fen, what: String) -> Self {
        let (asn, wallet) = counter.active_card_made(|image| image.memory.balance = given).await;
        let before = counter.money_by_the_accounts();
        assert_eq!(before.set_aside, 0, "a case before this one left something");
        let (hand, given) = (Hand::default(), given.0.into());
        Self { counter, hand, asn, wallet, before, given, spent: 0, returned: 0, what }
    }

    async fn load(&mut self, amount: Fen, disturbance: Disturbance) -> Ended {
        let opening = self.hand.load(self.counter, self.asn, amount).await;
        let open = |case: &Self| case.counter.unfinished(case.asn).map(|stored| stored.load.id);
        let (open_before, nothing_late) = (open(self), self.hand.under_way.is_empty());
        let ended = self.hand.run(self.counter, opening, &self.wallet, disturbance).await;
        if ended.report.money() == Money::Nothing && nothing_late && self.hand.under_way.is_empty() {
            assert_eq!(open(self), open_before, "said nothing was paid, and a load is open: {}", self.what);
        }
        self.check();
        ended
    }

    async fn finish(&mut self, disturbance: Disturbance) -> Outcome {
        let opening = self.hand.finish(self.asn);
        let ended = self.hand.run(self.counter, opening, &self.wallet, disturbance).await;
        self.check();
        ended.outcome()
    }

    async fn late(&mut self) {
        self.hand.deliver_late(self.counter).await;
        self.check();
    }

    fn spend(&mut self, amount: Fen) {
        self.spent += i64::from(spend(&self.wallet, amount, self.counter.now()).0);
    }

    /// What came onto the card from this bank.
    fn came(&self) -> i64 {
        i64::from(self.wallet.balance().0) + self.spent - self.given
    }

    /// What loads debited, whatever was given back of it.
    fn debited(&self) -> i64 {
        self.counter.money_by_the_accounts().debited - self.before.debited + self.returned
    }

    /// Holds at every moment: what was debited is on the card, and what is on the card was at least set aside. What was
    /// given back is on the card, too, and was debited once.
    fn check(&self) {
        let now = self.counter.money_by_the_accounts();
        let (came, debited, aside) = (self.came(), self.debited(), now.set_aside);
        let what = &self.what;
        assert!(debited <= came, "debited {debited}, and only {came} came onto the card: {what}");
        assert!(came <= debited + aside, "credited {came} for {debited} and {aside} set aside: {what}");
    }

    /// Everything that is on its way arrives, and the card is tapped until nothing is open.
    async fn tap_in_peace(&mut self) -> Outcome {
        self.late().await;
        let mut last = Outcome::InDoubt;
        for _ in 0..3 {
            last = self.finish(Disturbance::default()).await;
            if last == Outcome::NothingOpen {
                break;
            }
        }
        last
    }

    /// Peace at the end: nothing is open, and the books and the card agree to the fen.
    async fn end(&mut self) {
        let last = self.tap_in_peace().await;
        assert_eq!(last, Outcome::NothingOpen, "{}: {:?}", self.what, self.counter.loads(self.asn));
        self.agree();
    }

    fn agree(&self) {
        let (after, what) = (self.counter.money(), &self.what);
        assert_eq!(self.debited(), self.came(), "{what}");
        assert_eq!(after.on_cards - self.before.on_cards, self.came() - self.returned, "{what}");
        assert_eq!(after.set_aside, 0, "{what}");
        // Of a load that the bank does not know it is told; of an honest card nothing.
        let mut alarms = self.counter.alarms(self.asn);
        let known = self
            .counter
            .loads(self.asn)
            .iter()
            .filter(|(state, _)| matches!(state, LoadState::Closed | LoadState::Reversed))
            .count();
        let loaded_elsewhere = usize::from(self.wallet.image().memory.online.0) > known;
        alarms.retain(|kind| kind != "counter_ahead" || !loaded_elsewhere);
        assert_eq!(alarms, [""; 0], "an honest card raised an alarm: {what}");
    }
}

/// One case: a load disturbed, a rescue disturbed, late messages, then peace.
async fn load_and_rescue(counter: &mut Counter, load: Disturbance, rescue: Disturbance, late_first: bool) {
    let what = format!("load {load:?}, rescue {rescue:?}, late messages first: {late_first}");
    let mut case = Case::begin(counter, what).await;
    case.load(AMOUNT, load).await;
    if late_first {
        case.late().await;
    }
    case.finish(rescue).await;
    case.end().await;
    assert!(case.came() == 0 || case.came() == 100, "{}", case.what);
    // Nobody who got as far as the bank's yes goes without the money on the card.
    if load == Disturbance::default() {
        assert_eq!(case.came(), 100, "{}", case.what);
    }
}

async fn run(seed: u64, cases: impl Iterator<Item = (Disturbance, Disturbance, bool)>) -> usize {
    let mut counter = Counter::open(seed).await;
    let mut count = 0;
    for (load, rescue, late_first) in cases {
        load_and_rescue(&mut counter, load, rescue, late_first).await;
        count += 1;
    }
    count
}

#[tokio::test]
async fn every_disturbance_of_a_load_meets_every_disturbance_of_its_rescue() {
    let (loads, rescues) = (of_loads(), of_rescues());
    let cases = loads
        .iter()
        .flat_map(|load| rescues.iter().map(|rescue| (*load, *rescue)))
        .enumerate()
        .map(|(number, (load, rescue))| (load, rescue, number % 2 == 0));
    let count = run(11, cases).await;
    assert_eq!(count, 24 * 28);
    println!("torture, single disturbances: {count} cases, debited equals credited in each");
}

#[tokio::test]
async fn a_tear_and_a_bad_line_in_one_load_are_survived() {
    let loads = pairs(LOAD_COMMANDS, LOAD_MESSAGES);
    let rescues = pairs(RESCUE_COMMANDS, RESCUE_MESSAGES);
    // Each pair of the load with the pairs of the rescue in turn.
    let cases = loads.iter().enumerate().flat_map(|(number, load)| {
        let first = rescues[number % rescues.len()];
        let second = rescues[(number * 7 + 3) % rescues.len()];
        [(*load, first, false), (*load, second, true)]
    });
    let count = run(12, cases).await;
    assert_eq!(count, 8 * 15 * 2);
    println!("torture, pairs of disturbances: {count} cases, debited equals credited in each");
}
