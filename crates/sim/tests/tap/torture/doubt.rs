//! Between the torn load and its rescue the card is loaded elsewhere, with the same amount: counter and balance
//! look as if our load had arrived, and only the proof tells. What it cannot tell, a person settles.

use tap::Outcome;

use super::walk::settle_by_the_truth;
use super::{AMOUNT, Case, every, of_loads, of_rescues};
use crate::counter::Counter;
use crate::elsewhere::load_elsewhere;

#[tokio::test]
async fn a_load_elsewhere_is_never_taken_for_ours() {
    let mut counter = Counter::open(18).await;
    let (mut count, mut doubted) = (0, 0);
    for (turn, load) in of_loads().into_iter().enumerate() {
        for (_, rescue) in every(4, turn, of_rescues()) {
            let what = format!("load {load:?}, loaded elsewhere, rescue {rescue:?}");
            let mut case = Case::begin(&mut counter, what).await;
            case.load(AMOUNT, load).await;
            load_elsewhere(&case.wallet, AMOUNT, case.counter.now());
            case.given += i64::from(AMOUNT.0);
            case.finish(rescue).await;
            if case.tap_in_peace().await == Outcome::InDoubt {
                assert!(settle_by_the_truth(&mut case).await, "{}", case.what);
                doubted += 1;
            }
            case.end().await;
            count += 1;
        }
    }
    assert!(doubted > 0);
    println!("torture, loaded elsewhere: {count} cases, {doubted} in doubt, debited equals credited in each");
}
