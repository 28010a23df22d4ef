//! Random walks: whatever a holder, a line and a card can do, in any order; each ends in peace. A walk is told
//! by its seed, which stands in every failure.

use model::Fen;
use payment::LoadState;
use server::bank::Found;
use sim::wallet::{Tear, When};
use tap::Outcome;

use super::Case;
use crate::counter::{Counter, Dice, HOLDER, bus};
use crate::elsewhere::load_elsewhere;
use crate::hand::{Disturbance, Line};

const WALKS: u64 = 100;
const STEPS: u64 = 8;

/// Says at the end of a walk that failed which it was.
struct Told(String);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.0);
        }
    }
}

fn disturbance(dice: &Dice) -> Disturbance {
    let tear = dice.one_in(2).then(|| Tear {
        nth: u32::try_from(1 + dice.below(6)).unwrap(),
        when: dice.pick(&[When::Before, When::After]),
    });
    let number = |end| u8::try_from(1 + dice.below(end)).unwrap();
    let line = dice.one_in(2).then(|| (number(4), dice.pick(&Line::BAD)));
    let late = dice.one_in(3).then(|| number(4));
    Disturbance { tear, line, late }
}

/// A walk of up to eight steps. In a strange one, others load the card too, and a person settles what the card
/// cannot tell. The case at its end.
pub(super) async fn walk(counter: &mut Counter, seed: u64, strange: bool) -> Case<'_> {
    let dice = Dice::new(seed);
    let mut told = Told(format!("random walk, seed {seed}, strange: {strange}"));
    let given = dice.pick(&[Fen(0), Fen(500)]);
    let mut case = Case::begin_with(counter, given, told.0.clone()).await;
    if dice.one_in(4) {
        let (asn, mut image) = case.counter.new_card(bus()).await;
        image.memory.balance = given;
        (case.asn, case.wallet) = (asn, case.counter.put_into_plastic(image));
    }
    for _ in 0..1 + dice.below(STEPS) {
        let step = step(&mut case, &dice, strange).await;
        told.0 = format!("{}; {step}", told.0);
        case.what.clone_from(&told.0);
        case.check();
    }
    if case.tap_in_peace().await == Outcome::InDoubt {
        assert!(strange, "an honest card is in doubt: {}", case.what);
        settle_by_the_truth(&mut case).await;
    }
    case.end().await;
    case
}

async fn step(case: &mut Case<'_>, dice: &Dice, strange: bool) -> String {
    let amount = dice.pick(&[Fen(100), Fen(200), Fen(300)]);
    match dice.below(if strange { 23 } else { 20 }) {
        0..6 => {
            let disturbance = disturbance(dice);
            let outcome = case.load(amount, disturbance).await.outcome();
            format!("load {amount:?} {disturbance:?}: {}", outcome.name())
        }
        6..11 => {
            let disturbance = disturbance(dice);
            format!("finish {disturbance:?}: {}", case.finish(disturbance).await.name())
        }
        11..13 => {
            let amount = dice.pick(&[Fen(50), amount, case.wallet.balance()]);
            case.spend(amount);
            format!("spend {amount:?}")
        }
        13..15 => {
            case.late().await;
            "late messages".into()
        }
        15 => {
            case.counter.kill();
            "kill".into()
        }
        16 => {
            case.hand.walk_over();
            "to the other terminal".into()
        }
        17 => {
            let millis = dice.pick(&[1_000, 60_000, 301_000]);
            case.counter.pass(millis);
            format!("{millis} ms pass")
        }
        20..23 if case.wallet.image().memory.is_activated() => {
            load_elsewhere(&case.wallet, amount, case.counter.now());
            case.given += i64::from(amount.0);
            format!("{amount:?} loaded elsewhere")
        }
        18 if strange && settle_by_the_truth(case).await => "settled by hand".into(),
        _ => {
            let (opening, disturbance) = (case.hand.activation(case.counter, case.asn), disturbance(dice));
            let wallet = case.wallet.clone();
            let ended = case.hand.run(case.counter, opening, &wallet, disturbance).await;
            format!("activation {disturbance:?}: {}", ended.outcome().name())
        }
    }
}

/// A person reads the card and its books, finds out what happened to a load in doubt, and says so. Whether there
/// was one.
pub(super) async fn settle_by_the_truth(case: &mut Case<'_>) -> bool {
    let Some(stored) = case.counter.unfinished(case.asn).filter(|s| s.load.state == LoadState::InDoubt)
    else {
        return false;
    };
    assert_eq!(stored.holder, HOLDER);
    let missing = case.came() - case.debited();
    let found = if missing == 0 {
        Found::NotCredited
    } else {
        assert_eq!(missing, i64::from(stored.load.amount.0), "neither credited nor not: {}", case.what);
        Found::Credited
    };
    case.counter.bank.settle(stored.load.id, found, "read the card").await.unwrap();
    case.check();
    true
}

async fn walks(seed: u64, strange: bool) -> String {
    let mut counter = Counter::open(seed).await;
    for number in 0..WALKS {
        walk(&mut counter, seed * 1_000_000 + number, strange).await;
    }
    format!("torture, random walks from seed {seed}: {WALKS} walks, debited equals credited in each")
}

#[tokio::test]
async fn a_hundred_random_walks_end_in_peace() {
    println!("{}", walks(21, false).await);
}

#[tokio::test]
async fn a_hundred_other_random_walks_end_in_peace() {
    println!("{}", walks(22, false).await);
}

#[tokio::test]
async fn a_hundred_random_walks_with_loads_elsewhere_end_in_peace() {
    println!("{}", walks(23, true).await);
}

#[tokio::test]
async fn a_hundred_other_random_walks_with_loads_elsewhere_end_in_peace() {
    println!("{}", walks(24, true).await);
}
