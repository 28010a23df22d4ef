//! Orders that wait for one card: which is asked first, how many there may be, their numbers, and how often a
//! holder may be asked.

use std::collections::HashSet;

use air::Kind;
use payment::{OrderState, PressRule};
use server::Rules;
use server::app::{NewOrder, OrderRefused, WhenBusy};

use crate::books::Money;
use crate::hand::kind;
use crate::town::Town;

#[tokio::test]
async fn the_oldest_order_is_asked_about_first() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let mut orders = Vec::new();
    for fen in [300, 100, 200] {
        orders.push(town.order(&lin, fen).await);
        town.wait(&mut lin, 1).await;
    }
    for (i, order) in orders.iter().enumerate() {
        town.pay(&mut lin).await;
        assert_eq!(town.state(*order), OrderState::Paid);
        let waiting = orders.iter().filter(|order| town.state(**order) == OrderState::AwaitingCard).count();
        assert_eq!(waiting, 2 - i);
        town.rest(&mut lin).await;
    }
    assert_eq!(town.money(&lin), Money::paid(600));
}

#[tokio::test]
async fn the_order_that_was_on_the_card_is_asked_about_again_and_not_another() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let first = town.order(&lin, 300).await;
    town.fetch(&mut lin).await;
    lin.reset();
    town.wait(&mut lin, 10).await;
    let second = town.order(&lin, 100).await;
    town.fetch(&mut lin).await;
    assert_eq!(lin.prompt().unwrap().amount.minor(), 300);
    assert_eq!([town.state(first), town.state(second)], [OrderState::Processing, OrderState::AwaitingCard]);
}

#[tokio::test]
async fn as_many_orders_wait_as_may_and_no_more() {
    let mut town = Town::with(Rules { waiting_max: 3, ..Rules::default() }).await;
    let mut lin = town.card().await;
    for _ in 0..3 {
        town.order(&lin, 100).await;
    }
    assert_eq!(town.try_order(town.new_order(&lin, 100)).await, Err(OrderRefused::TooManyWaiting));
    assert_eq!(town.money(&lin), Money::waits(300), "what was refused set nothing aside");
    town.pay(&mut lin).await;
    town.order(&lin, 100).await;
}

#[tokio::test]
async fn an_order_that_would_not_wait_is_refused_while_another_does() {
    let mut town = Town::new().await;
    let lin = town.card().await;
    let impatient = |town: &Town| NewOrder { when_busy: WhenBusy::Refuse, ..town.new_order(&lin, 100) };
    let first = town.try_order(impatient(&town)).await.unwrap();
    assert_eq!(town.try_order(impatient(&town)).await, Err(OrderRefused::CardBusy));
    town.app().cancel_order(None, first).await.unwrap();
    town.try_order(impatient(&town)).await.unwrap();
}

#[tokio::test]
async fn counted_orders_have_different_numbers_and_four_of_them_wait() {
    let mut town = Town::new().await;
    let mut lin = town.blind_card().await;
    let mut orders = Vec::new();
    for _ in 0..4 {
        orders.push(town.order(&lin, 1_001).await);
        town.wait(&mut lin, 1).await;
    }
    let counts: HashSet<u8> = orders.iter().map(|order| town.presses(*order)).collect();
    assert_eq!(counts, HashSet::from([2, 3, 4, 5]));
    assert_eq!(town.try_order(town.new_order(&lin, 1_001)).await, Err(OrderRefused::TooManyWaiting));
    // A small amount is not counted, and waits beside them.
    let small = town.order(&lin, 1_000).await;
    assert_eq!(town.stored(small).order.presses, None);

    // The number of one page does not pay the order of another.
    town.fetch(&mut lin).await;
    town.agree(&mut lin, town.presses(orders[1])).await;
    assert_eq!(town.state(orders[0]).decline_reason().unwrap().code(), "wrong_presses");
    assert_eq!(town.state(orders[1]), OrderState::AwaitingCard);
    town.rest(&mut lin).await;
    town.fetch(&mut lin).await;
    town.agree(&mut lin, town.presses(orders[1])).await;
    assert_eq!(town.state(orders[1]), OrderState::Paid);
    // A number that was used is free again.
    let next = town.order(&lin, 1_001).await;
    assert!([orders[0], orders[1]].map(|order| town.presses(order)).contains(&town.presses(next)));
}

#[tokio::test]
async fn orders_of_two_merchants_are_counted_whatever_the_card_and_the_amount() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    let tea = town.merchant("tea").await;
    let noodles = town.order(&lin, 100).await;
    assert_eq!(town.stored(noodles).order.presses, None);
    town.wait(&mut lin, 1).await;
    let of_tea = NewOrder { merchant: tea, ..town.new_order(&lin, 100) };
    let of_tea = town.try_order(of_tea).await.unwrap();
    assert!(town.stored(of_tea).order.presses.is_some());
    town.pay(&mut lin).await;
    town.rest(&mut lin).await;
    town.fetch(&mut lin).await;
    town.agree(&mut lin, town.presses(of_tea)).await;
    assert_eq!([town.state(noodles), town.state(of_tea)], [OrderState::Paid; 2]);
}

#[tokio::test]
async fn the_press_count_is_in_no_frame() {
    // Four orders that differ in nothing but their counts: what the card is sent can be made without them.
    let mut town = Town::new().await;
    let mut lin = town.blind_card().await;
    let mut counts = HashSet::new();
    let mut plaintexts = HashSet::new();
    for _ in 0..4 {
        let order = town.order(&lin, 2_000).await;
        counts.insert(town.presses(order));
    }
    for _ in 0..4 {
        town.fetch(&mut lin).await;
        let order = lin.prompt().unwrap().clone();
        plaintexts.insert(order.to_bytes().to_vec());
        let frame = lin.last().answer.clone().unwrap();
        assert_eq!(kind(&frame), Kind::Transaction);
        town.hold(&mut lin, 1_500).await;
        town.rest(&mut lin).await;
    }
    assert_eq!(counts.len(), 4);
    assert_eq!(plaintexts.len(), 1, "amount, currency, place and lifetime, and nothing else");
    let stored = town.app().store().peek(|rows| rows.orders_before(None, None, 10)).unwrap();
    for order in stored {
        let asked = town.authorization(order.order.id);
        assert_eq!(asked.shown.to_bytes().len(), 11);
        // Its 23 bytes, or 25 wide, are sealed from `shown` and `context`, which hold no count.
        crate::payment::replay(&town, order.order.id);
    }
}

#[tokio::test]
async fn a_holder_is_asked_so_often_an_hour_and_the_order_waits_on() {
    let rules = Rules {
        prompts_per_hour: 2,
        press: PressRule { uncounted_minor_max: u32::MAX },
        prompt_seconds_max: 2_550,
        order_seconds_default: 86_400,
        ..Rules::default()
    };
    let mut town = Town::with(rules).await;
    let mut lin = town.known_card().await;
    let order = town.order(&lin, 2_000).await;
    for asked in [true, true, false, false] {
        lin.reset();
        town.fetch(&mut lin).await;
        assert_eq!(lin.last().answer.is_some(), asked);
        town.wait(&mut lin, 10_000).await;
    }
    assert_eq!(town.refused("prompt_limit"), 2);
    assert_eq!(town.state(order), OrderState::Processing);
    assert_eq!(town.money(&lin), Money::waits(2_000));

    // An hour after the first prompt the holder may be asked again. The first order lapsed meanwhile.
    town.wait(&mut lin, 3_600_000).await;
    town.lapse().await;
    let order = town.order(&lin, 2_000).await;
    town.pay(&mut lin).await;
    assert_eq!(town.state(order), OrderState::Paid);
}

#[tokio::test]
async fn pushes_count_as_prompts() {
    let rules = Rules { prompts_per_hour: 2, ..Rules::default() };
    let mut town = Town::with(rules).await;
    let mut lin = town.listening_card().await;
    for asked in [true, true, false] {
        let order = town.order(&lin, 100).await;
        town.wait(&mut lin, 500).await;
        assert_eq!(lin.prompt().is_some(), asked);
        if asked {
            town.agree(&mut lin, 1).await;
            assert_eq!(town.state(order), OrderState::Paid);
        } else {
            assert_eq!(town.state(order), OrderState::AwaitingCard);
        }
        town.rest(&mut lin).await;
    }
    assert_eq!(lin.pushed.len(), 2);
}

#[tokio::test]
async fn asking_again_and_again_does_not_keep_an_order_alive() {
    let mut town = Town::with(crate::town::easy_rules()).await;
    let mut lin = town.known_card().await;
    let order = NewOrder { lifetime_seconds: 60, ..town.new_order(&lin, 2_000) };
    let order = town.try_order(order).await.unwrap();
    let made = town.now();
    // The holder's card loses its power whenever it is lit.
    while town.state(order).is_open() {
        lin.reset();
        town.fetch(&mut lin).await;
        town.wait(&mut lin, 1_500).await;
        town.lapse().await;
        assert!(town.now().since(made) < 120_000, "made for 60 s, and still {:?}", town.state(order));
    }
    assert_eq!(town.state(order), OrderState::Expired);
    assert_eq!(town.money(&lin), Money::UNTOUCHED);
}
