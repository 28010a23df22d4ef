//! S0 to S7: one payment fetched, one pushed, how long its frames are, and what is kept of it.

use air::card::{Light, Shown};
use air::platform::{DownlinkForm, Uplink, seal_receipt, seal_transaction};
use air::{Answering, Factor, Frame, Kind, Link, Outcome};
use crypto::BoundKey;
use model::Decision;
use payment::{AuthorizationState, OrderId, OrderState};

use crate::books::Money;
use crate::hand::Said;
use crate::town::{Town, with_text};

#[tokio::test]
async fn one_press_fetches_an_order_and_one_pays_it() {
    // S0: the key went into the card and into the platform's key store in one act.
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    let order = town.order(&lin, 2_000).await;
    assert_eq!(town.state(order), OrderState::AwaitingCard);
    assert_eq!(town.money(&lin), Money::waits(2_000));

    // S1 to S5: the hello, and the order of a card that has no clock yet.
    town.fetch(&mut lin).await;
    assert_eq!(town.state(order), OrderState::Processing);
    assert_eq!(lin.light(), Light::Prompt);
    assert_eq!(lin.prompt().unwrap().amount, town.stored(order).order.amount);
    assert_eq!(lin.prompt().unwrap().place, town.stored(order).order.place);
    assert_eq!(town.money(&lin), Money::waits(2_000), "nothing moves before the press");

    // S6 and S7.
    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!(lin.shown(), Some(Shown::Receipt(Outcome::Settled)));
    assert_eq!(lin.light(), Light::Green);
    assert_eq!(town.money(&lin), Money::paid(2_000));
    assert_eq!(town.events(order), ["order.awaiting_card", "order.processing", "order.paid"]);
    let talk = [(Kind::Hello, Some(Kind::Transaction)), (Kind::Result, Some(Kind::Receipt))];
    assert_eq!(lin.talk(), talk);
    assert_eq!(town.alarms(&lin), [""; 0]);
    town.audit_the_books();
    replay(&town, order);
}

#[tokio::test]
async fn a_card_that_listens_is_asked_without_a_press() {
    let mut town = Town::new().await;
    let mut lin = town.listening_card().await;
    let order = town.order(&lin, 2_000).await;
    assert_eq!(town.state(order), OrderState::Processing);
    town.wait(&mut lin, 500).await;
    assert_eq!(lin.light(), Light::Prompt);
    assert_eq!(lin.said, [], "the card said nothing for it");
    let asked = town.authorization(order);
    assert_eq!(asked.context.answering, Answering::Nothing);
    assert_eq!(asked.evidence.hello, b"");
    assert_eq!(asked.evidence.transaction, lin.pushed[0].frame);

    town.agree(&mut lin, 1).await;
    assert_eq!(town.state(order), OrderState::Paid);
    assert_eq!(lin.shown(), Some(Shown::Receipt(Outcome::Settled)));
    assert_eq!(town.money(&lin), Money::paid(2_000));
    assert_eq!(town.events(order), ["order.awaiting_card", "order.processing", "order.paid"]);
    town.audit_the_books();
    replay(&town, order);
}

#[tokio::test]
async fn a_payment_takes_49_bytes_of_air_and_81_with_the_whole_information() {
    for (channel_on_air, brief, full) in [(false, 49, 81), (true, 67, 99)] {
        let mut town = Town::new().await;
        let mut lin = town.card_with(|_, limits| limits.channel_on_air = channel_on_air).await;
        town.introduce(&mut lin).await;

        let order = town.order(&lin, 2_000).await;
        town.pay(&mut lin).await;
        assert_eq!(town.state(order), OrderState::Paid);
        assert_eq!(on_the_air(&lin.said), brief);
        town.rest(&mut lin).await;

        // Somebody sends a retry, with no key behind it, and the next hello is lost: the one after is full.
        let order = town.order(&lin, 2_000).await;
        town.hello(&mut lin).await;
        lin.world.downlink(&air::retry_frame(lin.link.suite));
        assert_eq!(town.intercept(&mut lin, 25_000).await.len(), 1);
        lin.said.clear();
        town.pay(&mut lin).await;
        assert_eq!(town.state(order), OrderState::Paid);
        assert_eq!(on_the_air(&lin.said), full);
    }
}

/// Hello, transaction and result; the receipt is counted apart.
fn on_the_air(said: &[Said]) -> usize {
    let [hello, result] = said else { panic!("more than a hello and a result: {said:?}") };
    hello.frame.len() + hello.answer.as_ref().unwrap().len() + result.frame.len()
}

#[tokio::test]
async fn every_suite_pays() {
    for suite in [crypto::Suite::Aes128Eax, crypto::Suite::Sm4Eax, crypto::Suite::Aes128Ccm] {
        let mut town = Town::new().await;
        let mut lin = town.card_with(|new, _| new.suite = suite).await;
        let order = town.order(&lin, 2_000).await;
        town.pay(&mut lin).await;
        assert_eq!(town.state(order), OrderState::Paid, "{suite:?}");
        replay(&town, order);
    }
}

#[tokio::test]
async fn a_dispute_is_replayed_from_what_is_stored() {
    let mut town = Town::new().await;
    let mut lin = town.card().await;
    // The first is answered wide, the others narrow; the last carries a text.
    for (text, presses) in [(None, 1), (None, 2), (Some("面 noodles"), 1)] {
        let order = with_text(town.new_order(&lin, 900), text);
        let order = town.try_order(order).await.unwrap();
        town.fetch(&mut lin).await;
        town.agree(&mut lin, presses).await;
        let stored = town.authorization(order);
        assert_eq!(stored.evidence.decision, Some(Decision::Agreed { presses }));
        assert_eq!(stored.evidence.hello, lin.said[lin.said.len() - 2].frame);
        assert_eq!(stored.evidence.result, lin.last().frame);
        assert_eq!(Some(&stored.evidence.receipt), lin.last().answer.as_ref());
        replay(&town, order);
        town.rest(&mut lin).await;
    }
}

/// Takes all four frames of an order's last authorization apart again, with what is stored beside them and the
/// key store: nothing that was in memory then is needed.
pub(crate) fn replay(town: &Town, order: OrderId) {
    let stored = town.authorization(order);
    let evidence = &stored.evidence;
    let card = town.app().store().peek(|rows| rows.card(stored.card)).unwrap().unwrap();
    let link = Link { key_version: stored.key_version, ..card.link() };
    let key = BoundKey::new(town.keys(), card.key());

    match (stored.context.answering, evidence.hello.as_slice()) {
        (Answering::Nothing, hello) => assert_eq!(hello, b""),
        (Answering::Hello(a), hello) => {
            let Ok(Uplink::Hello(hello)) = Uplink::parse(hello) else { panic!("no hello") };
            let known = &card.record.information;
            let verified = hello.verify(&link, known, stored.created_at, &key).unwrap();
            assert_eq!((verified.factor(), verified.information()), (a, known));
        }
    }

    let b = stored.authorization.b;
    let transaction = Frame::parse(&evidence.transaction).unwrap();
    let form = DownlinkForm { wide: matches!(transaction.factor, Factor::Wide(_)), channel_on_air: false };
    let again = seal_transaction(&key, &link, form, b, &stored.context, &stored.shown).unwrap();
    assert_eq!(evidence.transaction, again.as_slice());
    assert_eq!(stored.shown.amount, town.stored(order).order.amount);

    let Ok(Uplink::Result(result)) = Uplink::parse(&evidence.result) else { panic!("no result") };
    let verified = result.verify(&link, b, &stored.context, &stored.shown, &key).unwrap();
    assert_eq!(Some(verified.text().decision), evidence.decision);

    let AuthorizationState::Answered(outcome) = stored.authorization.state else {
        panic!("a receipt was sent: {:?}", stored.authorization)
    };
    let receipt = seal_receipt(&key, &link, DownlinkForm::default(), &verified, outcome).unwrap();
    assert_eq!(evidence.receipt, receipt.as_slice());
    assert!(evidence.answered_at.is_some());
}
