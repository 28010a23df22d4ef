//! Several loads of one card, one after the other; late messages of earlier ones arrive during later ones.

use model::Fen;

use super::{AMOUNT, Case, LOAD_MESSAGES, RESCUE_MESSAGES, every, of_loads, on_line};
use crate::counter::Counter;
use crate::hand::{Disturbance, Line};

#[tokio::test]
async fn late_messages_of_earlier_loads_change_nothing_of_later_ones() {
    let mut counter = Counter::open(17).await;
    let mut count = 0;
    for first in 1..=LOAD_MESSAGES {
        for rescue in 0..=RESCUE_MESSAGES {
            for late in 1..=LOAD_MESSAGES {
                for (_, second) in every(4, usize::from(first + rescue + late), of_loads()) {
                    let second = Disturbance { late: Some(late), ..second };
                    let what = format!("message {first} late, {rescue} of the rescue, then load {second:?}");
                    let mut case = Case::begin(&mut counter, what).await;
                    case.load(AMOUNT, on_line(first, Line::Delay)).await;
                    case.finish(on_line(rescue, Line::Delay)).await;
                    // It hears nothing of them for now; then the second load, of another amount.
                    case.finish(Disturbance::default()).await;
                    case.load(Fen(300), second).await;
                    case.spend(AMOUNT);
                    case.late().await;
                    case.finish(Disturbance::default()).await;
                    case.load(AMOUNT, Disturbance::default()).await;
                    case.end().await;
                    assert!([0, 100, 200, 300, 400, 500].contains(&case.came()), "{}", case.what);
                    count += 1;
                }
            }
        }
    }
    println!("torture, loads one after the other: {count} cases, debited equals credited in each");
}
