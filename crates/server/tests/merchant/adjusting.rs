//! Money moved by two persons, and never by one.

use model::{Amount, Currency, HolderReference};
use payment::{AdjustmentError, AdjustmentState, LedgerError};
use serde_json::json;
use server::app::{AccountName, AdjustError, NewAdjustment, OperatorName};

use crate::town::{Town, Wish};
use crate::{breakfast, id_of};

const WEEK: i64 = 7 * 86_400_000;

fn name(text: &str) -> OperatorName {
    text.parse().unwrap()
}

fn from_bakery(town: &Town, minor: i64, to: &str) -> NewAdjustment {
    NewAdjustment {
        from: town.bakery.id.to_string().parse().unwrap(),
        to: to.parse().unwrap(),
        amount: Amount::new(minor, Currency::CNY).unwrap(),
        reason: "charged twice at the counter".parse().unwrap(),
        operator: name("Ann"),
    }
}

/// The bakery was paid 20.00 by this holder.
async fn paid() -> (Town, String) {
    let mut town = Town::open().await;
    let mut card = town.card(Wish::default()).await;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    town.agrees(&mut card, 1).await;
    assert_eq!(town.state(order.parse().unwrap()), "paid");
    (town, card.information.holder.to_string())
}

async fn posted(town: &Town) -> i64 {
    let balances = town.bakery.api.get("/v1/balances").await.json(200);
    balances["data"][0]["posted"].as_i64().unwrap()
}

fn assert_sound(town: &Town) {
    assert_eq!(town.app.store().peek(|rows| rows.balance_differences()), Ok(vec![]));
}

#[tokio::test]
async fn two_persons_move_it_once_and_it_stands_in_the_days_statement() {
    let (town, holder) = paid().await;
    let proposed = town.app.propose_adjustment(from_bakery(&town, 700, &holder)).await.unwrap();
    let id = proposed.adjustment.id();
    assert_eq!((proposed.adjustment.state(), posted(&town).await), (AdjustmentState::Proposed, 2_000));
    // However the name is written, it is the same person.
    for same in ["ann", " ANN "] {
        let own = town.app.approve_adjustment(id, name(same)).await;
        assert_eq!(own, Err(AdjustError::SamePerson(name("ann"))));
    }
    let early = town.app.post_adjustment(id).await;
    assert_eq!(early, Err(AdjustError::Refused(AdjustmentError::NotApproved)));
    let approved = town.app.approve_adjustment(id, name("Ben")).await.unwrap();
    assert_eq!((approved.stored.adjustment.state().name(), approved.refused), ("posted", None));
    assert_eq!(posted(&town).await, 1_300);
    for again in [town.app.approve_adjustment(id, name("Cid")).await, town.app.post_adjustment(id).await] {
        let ended = AdjustmentError::AlreadyEnded(approved.stored.adjustment.state());
        assert_eq!(again, Err(AdjustError::Refused(ended)));
    }
    let rejected = town.app.reject_adjustment(id, name("ann")).await;
    assert!(matches!(rejected, Err(AdjustError::Refused(AdjustmentError::AlreadyEnded(_)))));
    assert_eq!(posted(&town).await, 1_300);
    assert_sound(&town);
    town.pass(86_400_000);
    town.app.settle(None).await.unwrap();
    let day = town.bakery.api.get("/v1/settlements/2026-11-20").await.json(200);
    let entry = &day["entries"][1];
    let transfer = approved.stored.transfer.unwrap().to_string();
    assert_eq!((&entry["kind"], &entry["amount"]), (&json!("adjustment"), &json!(-700)));
    assert_eq!((&entry["transfer"], &entry["order"]), (&json!(transfer), &json!(null)));
}

#[tokio::test]
async fn of_two_who_approve_at_once_one_moves_it() {
    let (town, holder) = paid().await;
    let id = town.app.propose_adjustment(from_bakery(&town, 700, &holder)).await.unwrap().adjustment.id();
    let (ben, cid) = tokio::join!(
        town.app.approve_adjustment(id, name("ben")),
        town.app.approve_adjustment(id, name("cid"))
    );
    assert_eq!([&ben, &cid].iter().filter(|approved| approved.is_ok()).count(), 1, "{ben:?} {cid:?}");
    assert_eq!(posted(&town).await, 1_300);
    assert_sound(&town);
}

#[tokio::test]
async fn what_the_ledger_refuses_stays_approved_and_can_be_posted_later() {
    let (mut town, holder) = paid().await;
    let id = town.app.propose_adjustment(from_bakery(&town, 2_500, &holder)).await.unwrap().adjustment.id();
    let approved = town.app.approve_adjustment(id, name("ben")).await.unwrap();
    assert_eq!(approved.refused, Some(LedgerError::InsufficientFunds));
    assert_eq!((approved.stored.adjustment.state().name(), posted(&town).await), ("approved", 2_000));
    let mut card = town.card(Wish::default()).await;
    town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201);
    town.agrees(&mut card, 1).await;
    assert_eq!(town.app.post_adjustment(id).await.unwrap().refused, None);
    assert_eq!(posted(&town).await, 1_500);
    assert_sound(&town);
}

#[tokio::test]
async fn a_proposal_is_rejected_taken_back_or_runs_out() {
    let (town, holder) = paid().await;
    let mut ids = Vec::new();
    for minor in [1, 2, 3] {
        let new = from_bakery(&town, minor, &holder);
        ids.push(town.app.propose_adjustment(new).await.unwrap().adjustment.id());
    }
    for (id, who) in [(ids[0], "ben"), (ids[1], "ann")] {
        let rejected = town.app.reject_adjustment(id, name(who)).await.unwrap();
        assert_eq!(rejected.adjustment.state().name(), "rejected");
    }
    town.pass(WEEK - 1);
    assert_eq!(town.app.lapse_adjustments().await, Ok(0));
    town.pass(1);
    let late = town.app.approve_adjustment(ids[2], name("ben")).await;
    assert_eq!(late, Err(AdjustError::Refused(AdjustmentError::TooLate)));
    assert_eq!(town.app.lapse_adjustments().await, Ok(1));
    let states = ids.iter().map(|id| {
        let stored = town.app.store().peek(|rows| rows.adjustment(*id)).unwrap().unwrap();
        stored.adjustment.state().name()
    });
    assert_eq!(states.collect::<Vec<_>>(), ["rejected", "rejected", "expired"]);
    assert_eq!(posted(&town).await, 2_000);
}

#[tokio::test]
async fn an_account_that_is_nobodys_is_refused_by_name() {
    let (town, holder) = paid().await;
    let bakery = town.bakery.id.to_string();
    let same = town.app.propose_adjustment(from_bakery(&town, 1, &bakery)).await;
    assert_eq!(same, Err(AdjustError::SameAccount));
    let nobody = town.app.propose_adjustment(from_bakery(&town, 1, "hld_00000000000000ff")).await;
    let named = AccountName::Holder(HolderReference(255));
    assert_eq!(nobody, Err(AdjustError::NobodysAccount(named)));
    let nobody = town.app.propose_adjustment(from_bakery(&town, 1, "mer_000000ff")).await;
    assert_eq!(nobody.unwrap_err().to_string(), "there is no mer_000000ff");
    for word in ["fee", "settlement", "suspense", &holder, &bakery] {
        assert_eq!(word.parse::<AccountName>().unwrap().to_string(), word);
    }
    for none in ["", "load_float", "mer_1", "mer_+0000001", "hld_1", "holder"] {
        assert!(none.parse::<AccountName>().is_err(), "{none}");
    }
    let unknown = payment::AdjustmentId(7);
    assert_eq!(town.app.post_adjustment(unknown).await, Err(AdjustError::NoSuchAdjustment(unknown)));
}
