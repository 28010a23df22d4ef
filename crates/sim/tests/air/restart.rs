//! Power cuts at either end, at every step: nothing is lost, and nothing happens twice.

use air::Outcome;
use air::card::{Light, Shown};
use payment::OrderState;

use crate::books::Money;
use crate::hand::Hand;
use crate::payment::replay;
use crate::town::Town;

#[tokio::test]
async fn a_card_that_was_reset_with_a_decision_asks_for_its_receipt() {
    for heard in [false, true] {
        let mut town = Town::new().await;
        let mut lin = town.card().await;
        let order = town.order(&lin, 2_000).await;
        town.fetch(&mut lin).await;
        let result = town.agree_unheard(&mut lin).await;
        // In the second story the platform heard it, and its receipt was lost.
        let receipt = if heard { town.hear(&lin, &result).await } else { None };
        lin.reset();
        assert_eq!(lin.shown(), Some(Shown::Unknown));
        assert_eq!(lin.light(), Light::Amber);
        town.fetch(&mut lin).await;
        assert_eq!(lin.last().frame, result, "the bytes that were stored, never computed anew");
        assert!(receipt.is_none() || lin.last().answer == receipt);
        assert_eq!(lin.shown(), Some(Shown::Receipt(Outcome::Settled)));
        assert_eq!(town.state(order), OrderState::Paid);
        assert_eq!(town.money(&lin), Money::paid(2_000));
        assert_eq!(town.transfers(), [0, 2, 0, 0]);
        assert_eq!(lin.world.flash().latched, None);
        town.audit_the_books();
    }
}

#[tokio::test]
async fn a_card_that_was_reset_while_it_was_lit_fetches_its_order_again() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    let first = town.authorization(order).authorization.b;
    lin.reset();
    assert_eq!(lin.light(), Light::Off);
    town.fetch(&mut lin).await;
    assert!(town.authorization(order).authorization.b > first);
    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!(town.alarms(&lin), [""; 0], "its reserve keeps it above its mark");
}

/// How far a payment has come when the platform's process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The order is made; what was pushed was not carried yet.
    Ordered,
    /// The transaction is made and does not leave.
    Asked,
    /// The card is lit.
    Lit,
    /// The card decided and was not heard.
    Decided,
    /// The result is judged and the receipt does not leave.
    Judged,
    /// All is done.
    Done,
}

#[tokio::test]
async fn a_platform_that_dies_at_any_step_loses_nothing_and_does_nothing_twice() {
    use Step as S;
    for listens in [false, true] {
        for step in [S::Ordered, S::Asked, S::Lit, S::Decided, S::Judged, S::Done] {
            let mut town = Town::new().await;
            let mut lin = town.card_with(|new, _| new.listens = listens).await;
            town.introduce(&mut lin).await;
            let order = town.order(&lin, 2_000).await;
            let events = up_to(&mut town, &mut lin, step).await;
            let known = town.events(order);
            town.restart();
            assert_eq!(town.events(order), known, "{step:?}: what was told stays told");
            assert_eq!(known.len(), events, "{step:?}");

            // The holder goes on as holders do.
            for _ in 0..20 {
                match lin.light() {
                    Light::Prompt => town.agree(&mut lin, 1).await,
                    Light::Green => break,
                    Light::Working | Light::Red => town.wait(&mut lin, 1_000).await,
                    Light::Off | Light::Amber => town.fetch(&mut lin).await,
                }
            }
            assert_eq!(lin.shown(), Some(Shown::Receipt(Outcome::Settled)), "{step:?}");
            assert_eq!(town.state(order), OrderState::Paid);
            assert_eq!(town.money(&lin), Money::paid(2_000));
            assert_eq!(town.transfers(), [0, 2, 0, 0]);
            assert_eq!(town.alarms(&lin), [""; 0]);
            assert_eq!(town.events(order).last().unwrap(), "order.paid");
            town.audit_the_books();
            replay(&town, order);
        }
    }
}

/// Brings a payment to a step; how many events its merchant can have been told by then.
async fn up_to(town: &mut Town, lin: &mut Hand, step: Step) -> usize {
    let listens = town.stored_card(lin).listens;
    match step {
        Step::Ordered => return if listens { 2 } else { 1 },
        Step::Asked => {
            let hello = town.hello(lin).await;
            assert!(town.hear(lin, &hello).await.is_some());
            // The card gives up waiting before the platform is back.
            town.intercept(lin, 25_000).await;
            return if listens { 3 } else { 2 };
        }
        Step::Lit | Step::Decided | Step::Judged | Step::Done => {}
    }
    if listens {
        town.wait(lin, 500).await;
    } else {
        town.fetch(lin).await;
    }
    match step {
        Step::Ordered | Step::Asked | Step::Lit => return 2,
        Step::Decided => {
            town.agree_unheard(lin).await;
            return 2;
        }
        Step::Judged => {
            let result = town.agree_unheard(lin).await;
            assert!(town.hear(lin, &result).await.is_some());
        }
        Step::Done => town.agree(lin, 1).await,
    }
    3
}

#[tokio::test]
async fn old_frames_are_known_again_after_a_restart() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let order = town.order(&lin, 2_000).await;
    town.pay(&mut lin).await;
    let (link, money) = (town.link(&lin), town.money(&lin));
    town.restart();
    for said in lin.said.clone() {
        assert_eq!(town.hear(&lin, &said.frame).await, said.answer);
    }
    assert_eq!((town.link(&lin), town.money(&lin)), (link, money));
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!(town.alarms(&lin), [""; 0]);
}

#[tokio::test]
async fn an_order_lapses_after_a_restart_too() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    town.restart();
    lin.reset();
    town.wait(&mut lin, 200_000).await;
    assert_eq!(town.lapse().await, 1);
    assert_eq!(town.lapse().await, 0);
    assert_eq!(town.state(order), OrderState::Expired);
    assert_eq!(town.money(&lin), Money::UNTOUCHED);
    assert!(!town.is_asking(&lin));
}
