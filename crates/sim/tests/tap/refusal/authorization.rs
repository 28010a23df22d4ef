//! The permission between code and tap: for one terminal, card, amount and load, and for five minutes.

use model::Fen;
use tap::{Body, Outcome, Reference, Transaction};

use crate::counter::{OTHER_TERMINAL, TERMINAL, bus};
use crate::scene::{AMOUNT, LOADED, Scene, list_of, outcome_of};

#[tokio::test]
async fn a_permission_waits_five_minutes_for_its_card() {
    let scene = Scene::begin(301).await;
    let (first, second) = (scene.authorized(AMOUNT).await, scene.authorized(AMOUNT).await);
    // The first was given one message before the second.
    scene.counter.pass(300_000 - 2 * 1_100);
    let reading = scene.hold().initialized(Some(first), AMOUNT);
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::AuthorizationExpired);
    scene.nothing_moved();
    scene.counter.pass(-1_100 - 1);
    let reading = scene.hold().initialized(Some(second), AMOUNT);
    assert!(matches!(scene.load_card(&reading).await, Body::Commands(_)), "its last moment");
}

#[tokio::test]
async fn a_permission_that_was_never_given_or_is_missing_is_none() {
    let scene = Scene::begin(302).await;
    let reading = scene.hold().initialized(Some(Reference([7; 16])), AMOUNT);
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::AuthorizationExpired);
    let reading = scene.hold().initialized(None, AMOUNT);
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::AuthorizationRefused);
    scene.nothing_moved();
}

#[tokio::test]
async fn a_permission_is_for_one_card_amount_and_terminal() {
    let mut scene = Scene::begin(303).await;
    let reference = Some(scene.authorized(AMOUNT).await);
    let reading = scene.hold().initialized(reference, Fen(5_001));
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::AuthorizationRefused, "amount");

    // The card has bound itself to the other terminal, but the message comes from this one; and the other
    // way round; and at the other terminal, for which the permission is not.
    let there = scene.hold().initialized_for(OTHER_TERMINAL, reference, AMOUNT);
    assert_eq!(outcome_of(scene.load_card(&there).await), Outcome::AuthorizationRefused, "in the MAC1");
    let here = scene.hold().initialized_for(TERMINAL, reference, AMOUNT);
    for reading in [here, there] {
        let body = Body::Card(reading);
        let answer = scene.ask_at(OTHER_TERMINAL, bus(), Transaction::Load, body).await.unwrap();
        assert_eq!(outcome_of(answer), Outcome::AuthorizationRefused, "asked by the other");
    }

    let first = (scene.asn, scene.wallet.clone());
    (scene.asn, scene.wallet) = scene.counter.active_card().await;
    let reading = scene.hold().initialized(reference, AMOUNT);
    assert_eq!(outcome_of(scene.load_card(&reading).await), Outcome::AuthorizationRefused, "card");
    scene.nothing_moved();

    (scene.asn, scene.wallet) = first;
    let reading = scene.hold().initialized(reference, AMOUNT);
    assert!(matches!(scene.load_card(&reading).await, Body::Commands(_)), "none of it used it up");
}

#[tokio::test]
async fn a_permission_is_good_for_one_load() {
    let scene = Scene::begin(304).await;
    let reference = Some(scene.authorized(AMOUNT).await);
    let mut held = scene.hold();
    let reading = held.initialized(reference, AMOUNT);
    let outputs = held.run(&list_of(scene.load_card(&reading).await));
    assert_eq!(outcome_of(scene.outputs(&outputs).await), Outcome::Loaded);
    let again = scene.hold().initialized(reference, AMOUNT);
    assert_eq!(outcome_of(scene.load_card(&again).await), Outcome::AuthorizationRefused);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
    assert!(scene.counter.unfinished(scene.asn).is_none());
}

#[tokio::test]
async fn a_repeated_card_message_is_answered_again_even_after_five_minutes() {
    let scene = Scene::begin(305).await;
    let reference = Some(scene.authorized(AMOUNT).await);
    let mut held = scene.hold();
    let reading = held.initialized(reference, AMOUNT);
    let first = list_of(scene.load_card(&reading).await);
    scene.counter.pass(300_000);
    let second = list_of(scene.load_card(&reading).await);
    assert_eq!(first, second, "the same MAC2, of the same moment");
    let outputs = held.run(&second);
    assert_eq!(outcome_of(scene.outputs(&outputs).await), Outcome::Loaded);
    assert_eq!((scene.counter.money(), scene.wallet.balance()), (LOADED, AMOUNT));
}
