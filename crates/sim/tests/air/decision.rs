//! What the holder, or the card by itself, can say about an order, and how each ends it.

use air::card::{Edge, Shown};
use air::{Kind, Outcome};
use futures_util::FutureExt as _;
use model::Decision;
use payment::{AuditRefusal, AuthorizationState, CardEvent, DeclineReason, LifeCycle, OrderState};
use server::app::OrderRefused;

use crate::books::Money;
use crate::hand::Hand;
use crate::payment::replay;
use crate::town::{REST, Town};

/// How an order of 20 yuan ended, in every book that tells of it.
fn ended(town: &Town, lin: &Hand, order: payment::OrderId, state: OrderState, outcome: Outcome) {
    assert_eq!(town.state(order), state);
    assert_eq!(town.authorization(order).authorization.state, AuthorizationState::Answered(outcome));
    assert_eq!(lin.shown(), Some(Shown::Receipt(outcome)));
    let money = if state == OrderState::Paid { Money::paid(2_000) } else { Money::UNTOUCHED };
    assert_eq!(town.money(lin), money);
    let last = format!("order.{}", state.name());
    assert_eq!(town.events(order), ["order.awaiting_card", "order.processing", last.as_str()]);
    town.audit_the_books();
    replay(town, order);
}

#[tokio::test]
async fn an_order_without_a_count_wants_exactly_one_press() {
    for (presses, state, outcome) in [
        (1, OrderState::Paid, Outcome::Settled),
        (2, OrderState::Declined(DeclineReason::WrongPresses), Outcome::WrongPresses),
    ] {
        let mut town = Town::new().await;
        let mut lin = town.card().await;
        let order = town.order(&lin, 2_000).await;
        town.fetch(&mut lin).await;
        town.agree(&mut lin, presses).await;
        ended(&town, &lin, order, state, outcome);
    }
}

#[tokio::test]
async fn a_counted_order_is_paid_by_its_own_number_and_there_is_no_second_guess() {
    for (more, state, outcome) in [
        (0, OrderState::Paid, Outcome::Settled),
        (1, OrderState::Declined(DeclineReason::WrongPresses), Outcome::WrongPresses),
        (-1, OrderState::Declined(DeclineReason::WrongPresses), Outcome::WrongPresses),
    ] {
        let mut town = Town::new().await;
        let mut lin = town.blind_card().await;
        let order = town.order(&lin, 2_000).await;
        let count = town.presses(order);
        assert!((2..=5).contains(&count));
        town.fetch(&mut lin).await;
        let presses = count.checked_add_signed(more).unwrap();
        town.agree(&mut lin, presses).await;
        assert_eq!(town.authorization(order).evidence.decision, Some(Decision::Agreed { presses }));
        ended(&town, &lin, order, state, outcome);

        town.rest(&mut lin).await;
        town.fetch(&mut lin).await;
        assert_eq!(lin.shown(), Some(Shown::NothingWaits));
    }
}

#[tokio::test]
async fn a_key_held_for_a_second_and_a_half_refuses() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    town.hold(&mut lin, 1_500).await;
    ended(&town, &lin, order, OrderState::Declined(DeclineReason::RefusedByHolder), Outcome::Refused);
    assert_eq!(town.stored_card(&lin).record.life_cycle, LifeCycle::Active);
}

#[tokio::test]
async fn not_me_freezes_the_card_tells_the_issuer_and_declines_what_else_waits() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    let order = town.order(&lin, 2_000).await;
    town.wait(&mut lin, 10).await;
    let other = town.order(&lin, 300).await;
    let mut page = town.app().notices().follow(other);
    town.fetch(&mut lin).await;
    town.hold(&mut lin, 5_000).await;
    ended(&town, &lin, order, OrderState::Declined(DeclineReason::NotMe), Outcome::Refused);

    assert_eq!(town.stored_card(&lin).record.life_cycle, LifeCycle::Frozen);
    assert_eq!(town.alarms(&lin), ["not_me"]);
    let frozen = OrderState::Declined(DeclineReason::Audit(AuditRefusal::Frozen));
    assert_eq!(town.state(other), frozen);
    assert_eq!(town.events(other), ["order.awaiting_card", "order.declined"]);
    assert_eq!(page.changed().now_or_never(), Some(true), "whoever looks at the other order is told");
    let refused = town.try_order(town.new_order(&lin, 100)).await.unwrap_err();
    assert_eq!(refused, OrderRefused::Card(AuditRefusal::Frozen));
    assert_eq!(AuditRefusal::Frozen.code(), "card_frozen");

    // The issuer may allow it again.
    town.app().card_event(lin.id, CardEvent::Unfreeze).await.unwrap();
    town.rest(&mut lin).await;
    let order = town.order(&lin, 2_000).await;
    town.pay(&mut lin).await;
    assert_eq!(town.state(order), OrderState::Paid);
    town.audit_the_books();
}

#[tokio::test]
async fn a_card_says_by_itself_that_it_is_over_its_limit() {
    let mut town = Town::new().await;
    let mut lin = town.card_with(|_, limits| limits.amount_minor_max = Some(1_999)).await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    ended(&town, &lin, order, OrderState::Declined(DeclineReason::OverCardLimit), Outcome::Refused);
}

#[tokio::test]
async fn nobody_pressing_ends_the_order_when_its_light_goes_out() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    let shown = u64::from(town.authorization(order).shown.lifetime.seconds()) * 1_000;
    assert_eq!(shown, 120_000);
    town.wait(&mut lin, shown + 500).await;
    assert_eq!(town.authorization(order).evidence.decision, Some(Decision::NotAnswered));
    ended(&town, &lin, order, OrderState::Expired, Outcome::TooLate);
    assert_eq!(town.lapse().await, 0, "nothing is left to lapse");
}

#[tokio::test]
async fn a_card_with_a_finger_on_its_key_is_busy_and_its_order_waits_again() {
    let mut town = Town::new().await;
    let mut lin = town.listening_card().await;
    // The press comes just before the order: its hello is still on its way when the push lights the card.
    let hello = town.hello(&mut lin).await;
    let order = town.order(&lin, 2_000).await;
    town.wait(&mut lin, 500).await;
    let pushed = town.authorization(order);
    assert!(lin.prompt().is_some());

    // The holder has begun to answer when the hello's own answer arrives.
    town.wait(&mut lin, 800).await;
    town.key(&mut lin, Edge::Down).await;
    let answer = town.hear(&lin, &hello).await.unwrap();
    let answered = town.authorization(order);
    assert_ne!(answered.authorization.b, pushed.authorization.b);
    lin.world.downlink(&answer);
    town.wait(&mut lin, 300).await;
    assert_eq!(town.authorization_again(&answered).evidence.decision, Some(Decision::Busy));
    assert_eq!(town.state(order), OrderState::AwaitingCard);
    assert_eq!(town.money(&lin), Money::waits(2_000));
    assert_eq!(lin.pushed.len(), 1, "a finger is on the key: asking again now would be answered the same");

    // What the finger agreed to was taken back by the newer question: too late, and asked again.
    lin.world.key(Edge::Up);
    town.wait(&mut lin, 1_500).await;
    let first = town.authorization_again(&pushed);
    assert_eq!(first.authorization.state, AuthorizationState::Answered(Outcome::TooLate));
    assert_eq!(lin.pushed.len(), 2);
    assert!(lin.prompt().is_some());
    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!(town.money(&lin), Money::paid(2_000));
    let kinds = lin.talk();
    assert_eq!(kinds, [(Kind::Result, Some(Kind::Receipt)); 3]);
    town.audit_the_books();
}

#[tokio::test]
async fn an_order_canceled_while_it_is_on_the_card_is_void_by_the_platform() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    town.app().cancel_order(Some(town.shop), order).await.unwrap();
    assert_eq!(town.money(&lin), Money::UNTOUCHED);
    town.agree(&mut lin, 1).await;
    ended(&town, &lin, order, OrderState::Canceled, Outcome::ByPlatform);
}

#[tokio::test]
async fn a_card_frozen_between_light_and_press_agrees_to_nothing() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    town.app().card_event(lin.id, CardEvent::Freeze).await.unwrap();
    let frozen = OrderState::Declined(DeclineReason::Audit(AuditRefusal::Frozen));
    assert_eq!(town.state(order), frozen);
    assert_eq!(town.money(&lin), Money::UNTOUCHED);
    town.agree(&mut lin, 1).await;
    ended(&town, &lin, order, frozen, Outcome::ByPlatform);
}

#[tokio::test]
async fn a_card_whose_validity_ends_between_light_and_press_agrees_to_nothing() {
    let mut town = Town::new().await;
    let soon = town.now().plus(60_000);
    let mut lin = town.card_with(|new, _| new.valid_until = soon).await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    town.wait(&mut lin, 60_000).await;
    town.agree(&mut lin, 1).await;
    let expired = OrderState::Declined(DeclineReason::Audit(AuditRefusal::Expired));
    ended(&town, &lin, order, expired, Outcome::ByPlatform);
}

#[tokio::test]
async fn not_me_counts_whenever_it_comes() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    town.wait(&mut lin, 1_000).await;
    town.key(&mut lin, Edge::Down).await;
    let result = town.intercept(&mut lin, 5_100).await.remove(0);
    town.app().cancel_order(None, order).await.unwrap();
    let later = town.order(&lin, 300).await;
    town.wait(&mut lin, REST).await;
    town.hear(&lin, &result).await.unwrap();
    assert_eq!(town.state(order), OrderState::Canceled, "it had ended");
    assert_eq!(town.stored_card(&lin).record.life_cycle, LifeCycle::Frozen);
    assert_eq!(town.state(later), OrderState::Declined(DeclineReason::Audit(AuditRefusal::Frozen)));
    assert_eq!(town.money(&lin), Money::UNTOUCHED);
}
