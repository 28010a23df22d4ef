//! The platform's own clock: how far its downlinks may run ahead of it, and what happens when it goes back.

use air::Kind;
use payment::OrderState;
use server::app::NewOrder;

use crate::books::Money;
use crate::hand::kind;
use crate::town::Town;

#[tokio::test]
async fn a_downlink_more_than_60_seconds_ahead_of_the_clock_is_not_sent() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let order = town.order(&lin, 2_000).await;
    // The clock is set back: the next factor above the mark would lie too far ahead.
    town.clock_is_wrong_by(-120);
    let before = town.link(&lin).marks.downlink;
    town.fetch(&mut lin).await;
    assert_eq!(lin.last().answer, None, "silence");
    assert_eq!(town.refused("downlink_too_far_ahead"), 1);
    assert_eq!(town.link(&lin).marks.downlink, before);
    assert_eq!(town.state(order), OrderState::AwaitingCard);
    assert_eq!(town.money(&lin), Money::waits(2_000));

    // A minute on, the same order is asked about again.
    town.rest(&mut lin).await;
    town.wait(&mut lin, 60_000).await;
    town.pay(&mut lin).await;
    assert_eq!(town.state(order), OrderState::Paid);
    assert!(town.link(&lin).marks.downlink > before);
}

#[tokio::test]
async fn a_clock_that_goes_back_a_little_still_sends_factors_that_rise() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let mut last = town.link(&lin).marks.downlink;
    for seconds in [0, -10, -20, -30] {
        town.clock_is_wrong_by(seconds);
        let order = town.order(&lin, 1_000).await;
        town.pay(&mut lin).await;
        assert_eq!(town.state(order), OrderState::Paid, "{seconds} s");
        let b = town.authorization(order).authorization.b;
        assert!(Some(b) > last);
        assert_eq!(town.link(&lin).marks.downlink, Some(b));
        last = Some(b);
        town.rest(&mut lin).await;
    }
    assert_eq!(town.money(&lin), Money::paid(4_000));
    town.audit_the_books();
}

#[tokio::test]
async fn a_push_too_far_ahead_waits_for_the_clock() {
    let mut town = Town::new().await;
    let mut lin = town.listening_card().await;
    town.clock_is_wrong_by(-300);
    let order = NewOrder { lifetime_seconds: 3_600, ..town.new_order(&lin, 2_000) };
    let order = town.try_order(order).await.unwrap();
    town.wait(&mut lin, 500).await;
    assert_eq!((town.state(order), lin.pushed.len()), (OrderState::AwaitingCard, 0));
    assert!(!town.is_asking(&lin));
    town.clock_is_wrong_by(0);
    town.fetch(&mut lin).await;
    assert_eq!(kind(lin.last().answer.as_ref().unwrap()), Kind::Transaction);
    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);
}

#[tokio::test]
async fn the_hour_of_the_prompts_begins_anew_when_the_clock_was_set_back() {
    let rules = server::Rules { prompts_per_hour: 1, ..server::Rules::default() };
    let mut town = Town::with(rules).await;
    let mut lin = town.known_card().await;
    town.order(&lin, 100).await;
    town.pay(&mut lin).await;
    town.rest(&mut lin).await;
    // The clock was a day ahead when the hour began.
    let tomorrow = town.now().plus(86_400_000).0;
    town.tamper(&format!("update link_state set prompts_since = {tomorrow} where card = {}", lin.id.0));
    let order = town.order(&lin, 100).await;
    town.pay(&mut lin).await;
    assert_eq!(town.state(order), OrderState::Paid);
}
