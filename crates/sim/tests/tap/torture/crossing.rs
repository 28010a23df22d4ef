//! Two terminals: a load is begun at one and rescued at the other, and what the first sent late arrives in the
//! middle of what the second does.

use sim::wallet::Tear;

use super::{AMOUNT, Case, RESCUE_MESSAGES, of_rescues, on_line};
use crate::counter::Counter;
use crate::hand::{Disturbance, Line};

/// Loads of which a message is delayed, with a tear or without.
fn delayed_loads() -> Vec<Disturbance> {
    let mut all = Vec::new();
    for number in 1..=super::LOAD_MESSAGES {
        for tear in [None, Some(Tear::before(4)), Some(Tear::after(4))] {
            all.push(Disturbance { tear, ..on_line(number, Line::Delay) });
        }
    }
    all
}

#[tokio::test]
async fn messages_of_one_terminal_arrive_in_the_middle_of_a_rescue_at_another() {
    let mut counter = Counter::open(15).await;
    let mut count = 0;
    for load in delayed_loads() {
        for late in 1..=RESCUE_MESSAGES {
            for rescue in of_rescues() {
                let rescue = Disturbance { late: Some(late), ..rescue };
                let what = format!("load {load:?}, rescue elsewhere {rescue:?}");
                let mut case = Case::begin(&mut counter, what).await;
                case.load(AMOUNT, load).await;
                case.hand.walk_over();
                case.finish(rescue).await;
                case.hand.walk_over();
                case.end().await;
                assert!(case.came() == 0 || case.came() == 100, "{}", case.what);
                count += 1;
            }
        }
    }
    println!("torture, two terminals: {count} cases, debited equals credited in each");
}

#[tokio::test]
async fn two_rescues_at_two_terminals_cross() {
    let mut counter = Counter::open(16).await;
    let mut count = 0;
    for load in super::tears(4..=4) {
        for first in 1..=RESCUE_MESSAGES {
            for tear in [None, Some(Tear::before(6)), Some(Tear::after(6))] {
                for late in 1..=RESCUE_MESSAGES {
                    for second in of_rescues() {
                        let first = Disturbance { tear, ..on_line(first, Line::Delay) };
                        let second = Disturbance { late: Some(late), ..second };
                        let what = format!("load {load:?}, rescue {first:?}, rescue elsewhere {second:?}");
                        // Fewer of them: each disturbance of the second meets each of the others in turn.
                        count += 1;
                        if count % 3 != 0 {
                            continue;
                        }
                        let mut case = Case::begin(&mut counter, what).await;
                        case.load(AMOUNT, load).await;
                        case.finish(first).await;
                        case.hand.walk_over();
                        case.finish(second).await;
                        case.end().await;
                        assert_eq!(case.came(), 100, "{}", case.what);
                    }
                }
            }
        }
    }
    println!("torture, rescues that cross: {} cases, debited equals credited in each", count / 3);
}
