//! Results: counted once, for the transaction whose B they carry, and answered for ever with the same bytes.

use air::card::Shown;
use air::{Kind, Outcome};
use payment::{AuthorizationState, OrderState};

use crate::books::Money;
use crate::hand::kind;
use crate::town::Town;

#[tokio::test]
async fn a_repeated_result_gets_the_same_receipt_and_counts_once() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    let order = town.order(&lin, 2_000).await;
    town.pay(&mut lin).await;
    let said = lin.last().clone();
    let (stored, events) = (town.authorization(order), town.events(order));
    for pause in [0, 1_000, 86_400_000] {
        town.wait(&mut lin, pause).await;
        assert_eq!(town.hear(&lin, &said.frame).await, said.answer);
    }
    assert_eq!((town.authorization(order), town.events(order)), (stored, events));
    assert_eq!(town.money(&lin), Money::paid(2_000));
    assert_eq!(town.transfers(), [0, 2, 0, 0]);
    assert_eq!(town.alarms(&lin), [""; 0]);
    town.audit_the_books();
}

#[tokio::test]
async fn a_result_moves_no_address() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    let (marks, home) = (town.link(&lin).marks, town.link(&lin).address);
    lin.address = "elsewhere".into();
    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!((town.link(&lin).marks, town.link(&lin).address), (marks, home));
    assert_eq!(town.link(&lin).battery, Some(air::BATTERY_FULL));
}

#[tokio::test]
async fn the_receipt_of_each_question_is_kept_and_not_only_the_last() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    let mut results = Vec::new();
    for fen in [100, 200, 300] {
        town.order(&lin, fen).await;
        town.pay(&mut lin).await;
        results.push(lin.last().clone());
        town.rest(&mut lin).await;
    }
    let money = town.money(&lin);
    for said in &results {
        assert_eq!(kind(said.answer.as_ref().unwrap()), Kind::Receipt);
        assert_eq!(town.hear(&lin, &said.frame).await, said.answer);
    }
    assert_eq!(town.money(&lin), money);
}

#[tokio::test]
async fn a_result_after_the_end_is_too_late_and_the_money_is_free() {
    for lapsed_before in [false, true] {
        let mut town = Town::new().await;
        let mut lin = town.card().await;
        let order = town.order(&lin, 2_000).await;
        town.fetch(&mut lin).await;
        let result = town.agree_unheard(&mut lin).await;
        let until = town.authorization(order).authorization.until;
        // One second after the light went out the answer may still be on its way; five later the order ends.
        town.wait_unheard(&mut lin, until.since(town.now()) + 1_000).await;
        assert_eq!(town.lapse().await, 0);
        assert_eq!(town.money(&lin), Money::waits(2_000));
        if lapsed_before {
            town.wait_unheard(&mut lin, 5_000).await;
            assert_eq!(town.lapse().await, 1);
            assert_eq!(town.state(order), OrderState::Expired);
            assert_eq!(town.money(&lin), Money::UNTOUCHED);
        }
        let receipt = town.hear(&lin, &result).await.unwrap();
        assert_eq!(town.state(order), OrderState::Expired);
        let stored = town.authorization(order);
        assert_eq!(stored.authorization.state, AuthorizationState::Answered(Outcome::TooLate));
        assert_eq!(stored.evidence.result, result, "kept as evidence");
        assert_eq!(town.money(&lin), Money::UNTOUCHED);
        lin.world.downlink(&receipt);
        town.wait(&mut lin, 100).await;
        assert_eq!(lin.shown(), Some(Shown::Receipt(Outcome::TooLate)));
        assert_eq!(town.transfers(), [0, 1, 0, 1]);
        town.audit_the_books();
        crate::payment::replay(&town, order);
    }
}

#[tokio::test]
async fn a_result_before_the_end_counts_however_long_the_order_was_lit() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    let result = town.agree_unheard(&mut lin).await;
    let until = town.authorization(order).authorization.until;
    town.wait_unheard(&mut lin, until.since(town.now()) - 1).await;
    town.hear(&lin, &result).await.unwrap();
    assert_eq!(town.state(order), OrderState::Paid);
}

#[tokio::test]
async fn a_wrong_result_meets_silence_and_the_right_one_still_settles() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let order = town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    let result = town.agree_unheard(&mut lin).await;
    let (asked, link) = (town.authorization(order), town.link(&lin));
    // Everything but the two bytes that say what it is; those that name the channel make it unknown.
    let (mut silent, mut unknown) = (0, 0);
    for place in 2..result.len() {
        let mut wrong = result.clone();
        wrong[place] ^= 1;
        assert_eq!(town.hear(&lin, &wrong).await, None, "byte {place}");
        if (2..11).contains(&place) { unknown += 1 } else { silent += 1 }
    }
    assert_eq!(town.refused("wrong_result"), silent);
    assert_eq!(town.refused("unknown_channel") + town.refused("malformed_channel"), unknown);
    assert_eq!((town.authorization(order), town.link(&lin)), (asked, link));
    town.hear(&lin, &result).await.unwrap();
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!(town.alarms(&lin), [""; 0]);
}

#[tokio::test]
async fn a_result_passed_off_as_another_cards_meets_silence() {
    let mut town = Town::new().await;
    let mut lin = town.card_with(|_, limits| limits.channel_on_air = false).await;
    let mut wu = town.card_with(|_, limits| limits.channel_on_air = false).await;
    let (hers, his) = (town.order(&lin, 2_000).await, town.order(&wu, 2_000).await);
    town.fetch(&mut lin).await;
    town.fetch(&mut wu).await;
    let result = town.agree_unheard(&mut lin).await;
    // It is said to have come on the other card's channel.
    assert_eq!(town.hear(&wu, &result).await, None);
    assert_eq!(town.refused("wrong_result"), 1);
    assert_eq!([town.state(hers), town.state(his)], [OrderState::Processing; 2]);

    town.hear(&lin, &result).await.unwrap();
    assert_eq!([town.state(hers), town.state(his)], [OrderState::Paid, OrderState::Processing]);
    assert_eq!(town.money(&wu).set_aside, 2_000);
}

#[tokio::test]
async fn a_second_result_for_one_question_meets_silence_and_the_issuer_hears_of_it() {
    let mut town = Town::new().await;
    let mut lin = town.listening_card().await;
    let mut clone = town.clone_of(&lin);
    clone.world = town.twin(&lin).await;
    let order = town.order(&lin, 2_000).await;
    town.wait(&mut lin, 500).await;
    // The push reaches both; the clone's owner refuses after the holder has agreed.
    clone.world.downlink(&lin.pushed[0].frame);
    town.wait(&mut clone, 500).await;
    assert!(clone.prompt().is_some());
    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);
    let stored = town.authorization(order);
    town.hold(&mut clone, 1_500).await;
    assert_eq!(kind(&clone.last().frame), Kind::Result);
    assert_eq!(clone.last().answer, None);
    assert_eq!(town.alarms(&lin), ["second_result"]);
    assert_eq!(town.authorization(order), stored);
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!(town.money(&lin), Money::paid(2_000));
}

#[tokio::test]
async fn a_result_without_a_question_meets_silence() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    town.order(&lin, 2_000).await;
    town.fetch(&mut lin).await;
    let result = town.agree_unheard(&mut lin).await;
    // The same card on a platform that never asked it (restored from an older copy).
    let mut elsewhere = Town::new().await;
    let stranger = elsewhere.card().await;
    assert_eq!(stranger.link, lin.link);
    assert_eq!(elsewhere.hear(&stranger, &result).await, None);
    assert_eq!(elsewhere.refused("wrong_result"), 1);
}
