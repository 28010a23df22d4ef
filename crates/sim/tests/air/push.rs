//! Pushes: only to a card that listens, whose clock is known to be set, and that nothing is asked of.

use air::card::Light;
use air::{Answering, Kind};
use payment::OrderState;

use crate::books::Money;
use crate::hand::kind;
use crate::town::Town;

#[tokio::test]
async fn a_card_that_does_not_listen_fetches_its_orders_itself() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let order = town.order(&lin, 2_000).await;
    town.wait(&mut lin, 10_000).await;
    assert_eq!(town.state(order), OrderState::AwaitingCard);
    assert_eq!((lin.pushed.len(), lin.light()), (0, Light::Off));
}

#[tokio::test]
async fn nothing_is_pushed_before_a_hello_says_that_the_clock_is_set() {
    let mut town = Town::new().await;
    let mut lin = town.card_with(|new, _| new.listens = true).await;
    let order = town.order(&lin, 2_000).await;
    assert_eq!(town.state(order), OrderState::AwaitingCard, "it was never heard");
    town.app().cancel_order(None, order).await.unwrap();

    // Its hello without clock is answered with the time; whether that arrived nobody knows.
    town.fetch(&mut lin).await;
    assert_eq!(lin.last().answer.as_deref().map(kind), Some(Kind::Clock));
    town.rest(&mut lin).await;
    let order = town.order(&lin, 2_000).await;
    assert_eq!(town.state(order), OrderState::AwaitingCard);
    town.app().cancel_order(None, order).await.unwrap();

    // Its next hello says so.
    town.fetch(&mut lin).await;
    town.rest(&mut lin).await;
    let order = town.order(&lin, 2_000).await;
    assert_eq!(town.state(order), OrderState::Processing);
    town.wait(&mut lin, 500).await;
    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);

    // Its power goes, and with it its clock: the first hello after that takes the permission back.
    town.rest(&mut lin).await;
    lin.reset();
    town.fetch(&mut lin).await;
    assert!(!town.link(&lin).clock_set);
    let order = town.order(&lin, 2_000).await;
    assert_eq!(town.state(order), OrderState::AwaitingCard);
}

#[tokio::test]
async fn nothing_is_pushed_while_something_is_asked_and_the_next_order_follows_by_itself() {
    let mut town = Town::new().await;
    let mut lin = town.listening_card().await;
    let first = town.order(&lin, 2_000).await;
    town.wait(&mut lin, 500).await;
    let second = town.order(&lin, 300).await;
    town.wait(&mut lin, 500).await;
    assert_eq!([town.state(first), town.state(second)], [OrderState::Processing, OrderState::AwaitingCard]);
    assert_eq!(lin.pushed.len(), 1);
    town.agree(&mut lin, 1).await;
    assert_eq!([town.state(first), town.state(second)], [OrderState::Paid, OrderState::Processing]);
    assert_eq!(lin.prompt().unwrap().amount.minor(), 300);
    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(second), OrderState::Paid);
    assert_eq!(town.money(&lin), Money::paid(2_300));
}

#[tokio::test]
async fn a_push_that_was_lost_is_fetched_by_a_press() {
    let mut town = Town::new().await;
    let mut lin = town.listening_card().await;
    let order = town.order(&lin, 2_000).await;
    town.lose_pushes();
    let pushed = town.authorization(order);
    town.fetch(&mut lin).await;
    let fetched = town.authorization(order);
    assert_ne!(fetched.authorization.b, pushed.authorization.b);
    assert!(matches!(fetched.context.answering, Answering::Hello(_)));
    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!(town.money(&lin), Money::paid(2_000));
}

#[tokio::test]
async fn an_order_whose_time_ran_out_is_not_asked_about_and_leaves_the_card_free_for_the_next_push() {
    let mut town = Town::new().await;
    let mut lin = town.listening_card().await;
    let lost = town.order(&lin, 2_000).await;
    town.lose_pushes();
    // Nobody has looked for lapsed orders when the holder presses.
    town.wait(&mut lin, 200_000).await;
    town.fetch(&mut lin).await;
    assert_eq!(lin.last().answer, None);
    assert_eq!(town.lapse().await, 1);
    assert_eq!(town.state(lost), OrderState::Expired);
    assert_eq!(town.money(&lin), Money::UNTOUCHED);
    assert!(!town.is_asking(&lin), "what was asked about it has ended too");
    town.rest(&mut lin).await;

    let order = town.order(&lin, 2_000).await;
    assert_eq!(town.state(order), OrderState::Processing);
    town.wait(&mut lin, 500).await;
    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);
}

#[tokio::test]
async fn a_push_goes_where_the_last_hello_came_from() {
    let mut town = Town::new().await;
    let mut lin = town.listening_card().await;
    lin.address = "cell:far-away".into();
    town.fetch(&mut lin).await;
    town.rest(&mut lin).await;
    town.order(&lin, 2_000).await;
    town.wait(&mut lin, 500).await;
    assert_eq!(lin.pushed[0].address, "cell:far-away");
}
