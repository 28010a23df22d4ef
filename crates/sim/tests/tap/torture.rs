//! The torture: tears at every command, before and after; every message lost, answered into the void, repeated,
//! delayed, and the bank killed behind each durable step; one disturbance in the load, another in its rescue.
//! Then the card is tapped in peace, and what was debited equals what is on the card. Every time.

use model::Fen;
use sim::wallet::Tear;
use tap::{Money, Outcome};

use crate::counter::Counter;
use crate::hand::{Disturbance, Hand, Line, finish_opening, load_opening};

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
    for nth in 1..=commands {
        for tear in [Tear::before(nth), Tear::after(nth)] {
            all.push(Disturbance { tear: Some(tear), line: None });
        }
    }
    for number in 1..=messages {
        for line in Line::BAD {
            all.push(Disturbance { tear: None, line: Some((number, line)) });
        }
    }
    all
}

/// Disturbances of card and line in one transaction.
fn pairs(commands: u32, messages: u8) -> Vec<Disturbance> {
    let all = disturbances(commands, messages);
    let mut pairs = Vec::new();
    for tear in all.iter().filter_map(|one| one.tear) {
        for line in all.iter().filter_map(|one| one.line) {
            pairs.push(Disturbance { tear: Some(tear), line: Some(line) });
        }
    }
    pairs
}

/// One case: a load disturbed, a rescue disturbed, late messages, then peace.
async fn case(counter: &mut Counter, load: Disturbance, rescue: Disturbance, late_first: bool) {
    let what = format!("load {load:?}, rescue {rescue:?}, late messages first: {late_first}");
    let (asn, wallet) = counter.active_card().await;
    let before = counter.money();
    let mut hand = Hand::default();
    let opening = load_opening(counter, asn, AMOUNT).await;
    let ended = hand.run(counter, opening, &wallet, load).await;
    if ended.report.money() == Money::Nothing && hand.under_way.is_empty() {
        assert!(counter.unfinished(asn).is_none(), "said nothing was paid, and a load is open: {what}");
    }
    if late_first {
        hand.deliver_late(counter).await;
    }
    hand.run(counter, finish_opening(asn), &wallet, rescue).await;
    hand.deliver_late(counter).await;

    let mut last = Outcome::InDoubt;
    for _ in 0..3 {
        let peace = Disturbance::default();
        last = hand.run(counter, finish_opening(asn), &wallet, peace).await.outcome();
        if last == Outcome::NothingOpen {
            break;
        }
    }
    assert_eq!(last, Outcome::NothingOpen, "{what}: {:?}", counter.loads(asn));
    let after = counter.money();
    let on_card = i64::from(wallet.balance().0);
    assert!(on_card == 0 || on_card == 100, "credited twice: {what}");
    assert_eq!(after.debited - before.debited, on_card, "{what}");
    assert_eq!(after.on_cards - before.on_cards, on_card, "{what}");
    assert_eq!(after.set_aside, 0, "{what}");
    // Nobody who got as far as the bank's yes goes without the money on the card.
    if load == Disturbance::default() {
        assert_eq!(on_card, 100, "{what}");
    }
}

async fn run(seed: u64, cases: impl Iterator<Item = (Disturbance, Disturbance, bool)>) -> usize {
    let mut counter = Counter::open(seed).await;
    let mut count = 0;
    for (load, rescue, late_first) in cases {
        case(&mut counter, load, rescue, late_first).await;
        count += 1;
    }
    count
}

#[tokio::test]
async fn every_disturbance_of_a_load_meets_every_disturbance_of_its_rescue() {
    let loads = disturbances(LOAD_COMMANDS, LOAD_MESSAGES);
    let rescues = disturbances(RESCUE_COMMANDS, RESCUE_MESSAGES);
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
    let cases = loads
        .iter()
        .enumerate()
        .flat_map(|(number, load)| {
            let first = rescues[number % rescues.len()];
            let second = rescues[(number * 7 + 3) % rescues.len()];
            [(*load, first, false), (*load, second, true)]
        });
    let count = run(12, cases).await;
    assert_eq!(count, 8 * 15 * 2);
    println!("torture, pairs of disturbances: {count} cases, debited equals credited in each");
}
