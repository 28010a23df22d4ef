//! S3's audit: which cards may not be asked, and the name of each reason.

use air::{Frame, Kind, retry_frame};
use model::HolderReference;
use payment::{AuditRefusal, CardEvent, DeclineReason, LifeCycle, OrderId, OrderState};
use server::app::OrderRefused;

use crate::books::Money;
use crate::hand::Hand;
use crate::town::Town;

const fn declined(refusal: AuditRefusal) -> OrderState {
    OrderState::Declined(DeclineReason::Audit(refusal))
}

/// The order that waited was declined for this reason, and its money is free.
fn refused(town: &Town, lin: &Hand, order: OrderId, refusal: AuditRefusal) {
    assert_eq!(lin.last().answer, None, "{refusal:?}: silence");
    assert_eq!(town.refused(refusal.code()), 1, "{refusal:?}");
    assert_eq!(town.state(order), declined(refusal));
    assert_eq!(town.events(order), ["order.awaiting_card", "order.declined"]);
    assert_eq!(town.money(lin), Money::UNTOUCHED);
    assert!(!town.is_asking(lin));
    town.audit_the_books();
}

#[tokio::test]
async fn what_happens_to_a_card_declines_what_waits_and_its_hello_is_refused_by_name() {
    for (event, refusal) in [
        (CardEvent::Freeze, AuditRefusal::Frozen),
        (CardEvent::ReportLost, AuditRefusal::Lost),
        (CardEvent::Expire, AuditRefusal::Expired),
    ] {
        let mut town = Town::new().await;
        let mut lin = town.known_card().await;
        let order = town.order(&lin, 2_000).await;
        town.app().card_event(lin.id, event).await.unwrap();
        assert_eq!(town.state(order), declined(refusal), "at once");
        town.fetch(&mut lin).await;
        refused(&town, &lin, order, refusal);
        assert_eq!(
            town.try_order(town.new_order(&lin, 100)).await,
            Err(OrderRefused::Card(refusal)),
            "and nothing new is ordered"
        );
        assert_eq!(town.alarms(&lin), [format!("card_{}", town.stored_card(&lin).record.life_cycle.name())]);
    }
}

#[tokio::test]
async fn a_card_that_was_given_back_is_refused() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let order = town.order(&lin, 2_000).await;
    town.app().unbind_card(lin.id).await.unwrap();
    town.fetch(&mut lin).await;
    refused(&town, &lin, order, AuditRefusal::NotBound);
}

#[tokio::test]
async fn a_card_that_was_never_handed_over_is_refused() {
    let mut town = Town::new().await;
    let (mut lin, _) = town.unbound_card(|_, _| {}).await;
    assert_eq!(
        town.try_order(town.new_order(&lin, 100)).await,
        Err(OrderRefused::Card(AuditRefusal::NotBound))
    );
    town.fetch(&mut lin).await;
    assert_eq!(lin.last().answer, None);
    assert_eq!(town.refused("card_not_bound"), 1);
}

#[tokio::test]
async fn a_closed_card_is_as_unknown_as_one_that_never_was() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let order = town.order(&lin, 2_000).await;
    town.app().card_event(lin.id, CardEvent::Close).await.unwrap();
    assert_eq!(town.state(order), declined(AuditRefusal::Closed));
    assert_eq!(town.money(&lin), Money::UNTOUCHED);
    assert_eq!(
        town.try_order(town.new_order(&lin, 100)).await,
        Err(OrderRefused::Card(AuditRefusal::Closed))
    );
    town.fetch(&mut lin).await;
    assert_eq!(lin.last().answer, Some(retry_frame(lin.link.suite).to_vec()));
    assert_eq!(town.refused("unknown_channel"), 1);
}

#[tokio::test]
async fn a_card_past_its_validity_is_refused() {
    let mut town = Town::new().await;
    let soon = town.now().plus(60_000);
    let mut lin = town.card_with(|new, _| new.valid_until = soon).await;
    let order = town.order(&lin, 2_000).await;
    town.wait(&mut lin, 60_000).await;
    town.fetch(&mut lin).await;
    refused(&town, &lin, order, AuditRefusal::Expired);
    assert_eq!(town.stored_card(&lin).record.life_cycle, LifeCycle::Active, "nobody said so, time did");
}

/// A row that was changed without the use cases: the audit of the hello itself must see it.
#[tokio::test]
async fn every_state_that_does_not_pay_is_found_by_the_audit_of_a_hello() {
    for (column, refusal) in [
        ("life_cycle = 'frozen'", AuditRefusal::Frozen),
        ("life_cycle = 'lost'", AuditRefusal::Lost),
        ("life_cycle = 'expired'", AuditRefusal::Expired),
        ("life_cycle = 'issued'", AuditRefusal::NotActive),
        ("bound_to = null", AuditRefusal::NotBound),
        ("valid_until = 0", AuditRefusal::Expired),
    ] {
        for full in [false, true] {
            let mut town = Town::new().await;
            let mut lin = if full { town.card().await } else { town.known_card().await };
            let order = town.order(&lin, 2_000).await;
            town.tamper(&format!("update card set {column} where id = {}", lin.id.0));
            town.fetch(&mut lin).await;
            assert_eq!(Frame::parse(&lin.last().frame).unwrap().x, full);
            refused(&town, &lin, order, refusal);
        }
    }
}

/// What the card says of itself is not what the issuer holds.
#[tokio::test]
async fn a_difference_is_named_when_the_information_travels_and_a_wrong_code_when_it_does_not() {
    let other = HolderReference(0x1122_3344_5566_0002);
    for (columns, refusal) in [
        ("number = number + 1".to_owned(), AuditRefusal::NumberDiffers),
        ("certificate = certificate + 1".to_owned(), AuditRefusal::CertificateDiffers),
        ("made_at = made_at + 1".to_owned(), AuditRefusal::CreationTimeDiffers),
        (format!("made_for = {0}, bound_to = {0}", other.0), AuditRefusal::HolderDiffers),
    ] {
        // A first hello is full: the audit sees both sides.
        let mut town = Town::new().await;
        let (mut lin, _wu) = (town.card().await, town.card().await);
        let order = town.order(&lin, 2_000).await;
        town.tamper(&format!("update card set {columns} where id = {}", lin.id.0));
        town.fetch(&mut lin).await;
        refused(&town, &lin, order, refusal);

        // A brief one opens only if both hold the same 32 bytes; sent back, the card tells them.
        let mut town = Town::new().await;
        let (mut lin, _wu) = (town.known_card().await, town.card().await);
        let order = town.order(&lin, 2_000).await;
        town.tamper(&format!("update card set {columns} where id = {}", lin.id.0));
        town.fetch(&mut lin).await;
        assert_eq!(lin.talk(), [(Kind::Hello, Some(Kind::Retry))]);
        assert_eq!(town.refused("wrong_code"), 1);
        assert_eq!(town.state(order), OrderState::AwaitingCard);
        town.wait(&mut lin, 500).await;
        assert!(Frame::parse(&lin.last().frame).unwrap().x);
        refused(&town, &lin, order, refusal);
    }
}

#[tokio::test]
async fn a_card_bound_to_another_holder_than_it_was_made_for_is_refused() {
    let mut town = Town::new().await;
    let (mut lin, wu) = (town.known_card().await, town.card().await);
    let order = town.order(&lin, 2_000).await;
    town.tamper(&format!("update card set bound_to = {} where id = {}", wu.holder.0, lin.id.0));
    town.fetch(&mut lin).await;
    refused(&town, &lin, order, AuditRefusal::HolderDiffers);
}
