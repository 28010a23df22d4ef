//! Two platforms over one store, as two nodes are: what one remembers of a card, the other may have changed since.

use air::card::Shown;
use air::{Kind, Outcome, retry_frame};
use model::CardId;
use payment::{AuditRefusal, CardEvent, DeclineReason, OrderId, OrderState};
use server::Fleet;
use server::fleet::Heard;

use crate::books::Money;
use crate::hand::{Hand, kind};
use crate::keys::{master, next_master, transport};
use crate::town::Town;

/// A frame reaches this platform.
async fn hear_at(fleet: &Fleet, hand: &Hand, frame: &[u8]) -> Option<Vec<u8>> {
    let mut sent = None;
    let _ = fleet
        .uplink(Heard::plain(frame, &hand.address, hand.source), |answer| sent = Some(answer.frame))
        .await;
    sent
}

/// A card that the town remembers, and what it was asked there: its result, which nobody heard.
async fn asked(town: &mut Town) -> (Hand, OrderId, Vec<u8>) {
    let mut lin = town.known_card().await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    let result = town.agree_unheard(&mut lin).await;
    (lin, order, result)
}

#[tokio::test]
async fn a_question_is_answered_where_it_was_not_asked() {
    let mut town = Town::new().await;
    let (lin, order, result) = asked(&mut town).await;
    let receipt = hear_at(&town.neighbour(), &lin, &result).await.unwrap();
    assert_eq!(town.state(order), OrderState::Paid);
    // Here it is open still, as far as is remembered.
    assert_eq!(town.hear(&lin, &result).await, Some(receipt));
    assert_eq!(town.money(&lin), Money::paid(2_000));
    assert_eq!(town.events(order).len(), 3);
}

#[tokio::test]
async fn a_card_that_was_asked_anew_elsewhere_answers_that_question_here() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let order = town.order(&lin, 2_000).await;
    let (here, neighbour) = (town.neighbour(), town.neighbour());
    let hello = town.hello(&mut lin).await;
    assert_eq!(kind(&hear_at(&here, &lin, &hello).await.unwrap()), Kind::Transaction);
    // The question is lost on its way; the card says hello again, and is heard elsewhere.
    lin.reset();
    let hello = town.hello(&mut lin).await;
    let question = hear_at(&neighbour, &lin, &hello).await.unwrap();
    assert_eq!(kind(&question), Kind::Transaction);
    lin.world.downlink(&question);
    let result = town.agree_unheard(&mut lin).await;
    let receipt = hear_at(&here, &lin, &result).await.unwrap();
    assert_eq!(town.state(order), OrderState::Paid);
    lin.world.downlink(&receipt);
    town.wait(&mut lin, 100).await;
    assert_eq!(lin.shown(), Some(Shown::Receipt(Outcome::Settled)));
    assert_eq!(town.transfers(), [0, 2, 0, 0]);
    crate::payment::replay(&town, order);
}

#[tokio::test]
async fn a_card_that_was_frozen_elsewhere_pays_nothing_here() {
    let mut town = Town::new().await;
    let (lin, order, result) = asked(&mut town).await;
    let frozen = town.neighbour().app().card_event(lin.id, CardEvent::Freeze).await;
    assert_eq!(frozen, Ok(()));
    town.hear(&lin, &result).await.unwrap();
    assert_eq!(town.state(order), OrderState::Declined(DeclineReason::Audit(AuditRefusal::Frozen)));
    assert_eq!(town.money(&lin), Money::UNTOUCHED);
}

#[tokio::test]
async fn a_card_that_was_closed_elsewhere_is_unknown_here() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let hello = town.hello(&mut lin).await;
    close(&town, lin.id).await;
    assert_eq!(town.hear(&lin, &hello).await, Some(retry_frame(lin.link.suite).to_vec()));
    assert_eq!((town.refused("unknown_channel"), town.refused("wrong_code")), (1, 0));
}

#[tokio::test]
async fn a_channel_that_another_card_got_elsewhere_is_that_card_s_here() {
    let mut town = Town::new().await;
    let lin = town.known_card().await;
    close(&town, lin.id).await;
    let mut next = town.card_with(|new, _| new.channel = lin.link.channel).await;
    let order = town.order(&next, 2_000).await;
    town.pay(&mut next).await;
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!(town.refused("wrong_code"), 0);
}

#[tokio::test]
async fn a_key_that_was_made_elsewhere_is_the_card_s_here() {
    let mut town = Town::new().await;
    let lin = town.known_card().await;
    let issued = town.neighbour().app().reinject_card(lin.id, master(), transport()).await.unwrap();
    let mut again = town.hand(&issued, lin.limits.clone(), 1);
    let order = town.order(&again, 2_000).await;
    town.pay(&mut again).await;
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!(town.refused("wrong_code"), 0);
}

#[tokio::test]
async fn a_key_that_was_stopped_is_not_asked_for_the_frames_of_the_next() {
    let mut town = Town::new().await;
    let lin = town.known_card().await;
    let next = next_master(town.keys(), town.now());
    let issued = town.neighbour().app().reinject_card(lin.id, next, transport()).await.unwrap();
    let mut again = town.hand(&issued, lin.limits.clone(), 1);
    let order = town.order(&again, 2_000).await;
    town.pay(&mut again).await;
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!(town.refused("key_unavailable"), 0);
}

#[tokio::test]
async fn an_old_result_of_a_card_that_was_closed_elsewhere_meets_silence() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    town.order(&lin, 2_000).await;
    town.pay(&mut lin).await;
    let said = lin.last().clone();
    assert_eq!(town.hear(&lin, &said.frame).await, said.answer);
    close(&town, lin.id).await;
    assert_eq!(town.hear(&lin, &said.frame).await, None);
    assert_eq!(town.refused("unknown_channel"), 1);
}

async fn close(town: &Town, card: CardId) {
    let neighbour = town.neighbour();
    assert_eq!(neighbour.app().card_event(card, CardEvent::Close).await, Ok(()));
}
