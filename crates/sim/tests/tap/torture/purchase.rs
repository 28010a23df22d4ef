//! The card pays between the torn load and its rescue, exactly what was loaded: whoever looked at the balance
//! would think that the load did not arrive, and credit it once more.

use super::{AMOUNT, Case, every, of_loads, of_rescues};
use crate::counter::Counter;
use crate::hand::Disturbance;

#[tokio::test]
async fn a_purchase_between_a_torn_load_and_its_rescue_misleads_nobody() {
    let mut counter = Counter::open(13).await;
    let mut count = 0;
    for (turn, load) in of_loads().into_iter().enumerate() {
        for (number, rescue) in every(2, turn, of_rescues()) {
            // A card that held as much before looks, after the purchase, as if it had not been loaded.
            let given = if number % 4 < 2 { AMOUNT } else { model::Fen(0) };
            let what = format!("load {load:?}, purchase, rescue {rescue:?}, purchase; {given:?} before");
            let mut case = Case::begin_with(&mut counter, given, what).await;
            case.load(AMOUNT, load).await;
            case.spend(AMOUNT);
            case.finish(rescue).await;
            case.spend(AMOUNT);
            case.end().await;
            assert!(case.came() == 0 || case.came() == 100, "{}", case.what);
            count += 1;
        }
    }
    println!("torture, purchases between: {count} cases, debited equals credited in each");
}

#[tokio::test]
async fn a_purchase_between_two_rescues_makes_orders_for_two_balances_and_any_of_them_may_be_proven() {
    let mut counter = Counter::open(14).await;
    let mut count = 0;
    // The load did not arrive, or it did and nobody heard.
    for load in super::tears(4..=4) {
        for (turn, first) in of_rescues().into_iter().enumerate() {
            let seconds = of_rescues().into_iter().filter(is_about_the_credit).collect();
            for (_, second) in every(3, turn, seconds) {
                let what = format!("load {load:?}, rescue {first:?}, purchase, rescue {second:?}, late ones");
                let mut case = Case::begin_with(&mut counter, model::Fen(300), what).await;
                case.load(AMOUNT, load).await;
                case.finish(first).await;
                case.spend(AMOUNT);
                case.finish(second).await;
                // What the first rescue told the bank arrives after the second has credited the card.
                case.late().await;
                case.spend(AMOUNT);
                case.end().await;
                assert_eq!(case.came(), 100, "{}", case.what);
                count += 1;
            }
        }
    }
    println!("torture, two rescues: {count} cases, debited equals credited in each");
}

/// The card's last command, or the messages before and after it.
fn is_about_the_credit(disturbance: &Disturbance) -> bool {
    disturbance.tear.is_some_and(|tear| tear.nth == super::RESCUE_COMMANDS)
        || disturbance.line.is_some_and(|(number, _)| number > 1)
}
