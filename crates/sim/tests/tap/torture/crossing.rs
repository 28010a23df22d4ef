//! Two terminals: a load is begun at one and rescued at the other, and what the first sent late arrives in the
//! middle of what the second does.

use sim::wallet::Tear;

use super::{
    AMOUNT, Case, LOAD_COMMANDS, LOAD_MESSAGES, RESCUE_COMMANDS, RESCUE_MESSAGES, every, of_rescues, on_line,
};
use crate::counter::Counter;
use crate::hand::{Disturbance, Line};

/// Of each message that it is delayed, with a tear at the credit or without.
fn delayed(messages: u8, credit: u32) -> Vec<Disturbance> {
    let mut all = Vec::new();
    for number in 1..=messages {
        for tear in [None, Some(Tear::before(credit)), Some(Tear::after(credit))] {
            all.push(Disturbance { tear, ..on_line(number, Line::Delay) });
        }
    }
    all
}

fn delayed_loads() -> Vec<Disturbance> {
    delayed(LOAD_MESSAGES, LOAD_COMMANDS)
}

fn delayed_rescues() -> Vec<Disturbance> {
    delayed(RESCUE_MESSAGES, RESCUE_COMMANDS)
}

#[tokio::test]
async fn messages_of_one_terminal_arrive_in_the_middle_of_a_rescue_at_another() {
    let mut counter = Counter::open(15).await;
    let mut count = 0;
    for (turn, load) in delayed_loads().into_iter().enumerate() {
        for late in 1..=RESCUE_MESSAGES {
            for (_, rescue) in every(3, turn + usize::from(late), of_rescues()) {
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
    for (turn, load) in super::tears(4..=4).into_iter().enumerate() {
        for first in delayed_rescues() {
            for late in 1..=RESCUE_MESSAGES {
                for (_, second) in every(6, turn + count, of_rescues()) {
                    let second = Disturbance { late: Some(late), ..second };
                    let what = format!("load {load:?}, rescue {first:?}, rescue elsewhere {second:?}");
                    let mut case = Case::begin(&mut counter, what).await;
                    case.load(AMOUNT, load).await;
                    case.finish(first).await;
                    case.hand.walk_over();
                    case.finish(second).await;
                    case.end().await;
                    assert_eq!(case.came(), 100, "{}", case.what);
                    count += 1;
                }
            }
        }
    }
    println!("torture, rescues that cross: {count} cases, debited equals credited in each");
}
