//! Money moved by two persons, and never by one.

use model::{Amount, Currency, HolderReference};
use operator::{Cost, Role};
use payment::{AdjustmentError, AdjustmentState, LedgerError};
use serde_json::json;
use server::app::{AccountName, AdjustError, NewAdjustment};
use server::operators::Account;

use crate::town::{Town, Wish, account};
use crate::{breakfast, id_of};

const WEEK: i64 = 7 * 86_400_000;

/// Operators who have proved themselves, by their names.
async fn staff<const N: usize>(town: &Town, names: [&str; N]) -> [Account; N] {
    let operators = town.app.operators(Cost::Testing);
    let mut all = Vec::new();
    for name in names {
        all.push(account(&operators, name, Role::Operator).await);
    }
    all.try_into().unwrap()
}

fn from_bakery(town: &Town, minor: i64, to: &str) -> NewAdjustment {
    NewAdjustment {
        from: town.bakery.id.to_string().parse().unwrap(),
        to: to.parse().unwrap(),
        amount: Amount::new(minor, Currency::CNY).unwrap(),
        reason: "charged twice at the counter".parse().unwrap(),
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
    let [ann, ben, cid] = staff(&town, ["ann", "ben", "cid"]).await;
    let new = from_bakery(&town, 700, &holder);
    let proposed = town.app.propose_adjustment(new, ann.clone()).await.unwrap();
    let id = proposed.adjustment.id();
    assert_eq!((proposed.adjustment.state(), posted(&town).await), (AdjustmentState::Proposed, 2_000));
    let own = town.app.approve_adjustment(id, ann.clone()).await;
    assert_eq!(own, Err(AdjustError::SamePerson(ann.name().clone())));
    let early = town.app.post_adjustment(id, ann.clone()).await;
    assert_eq!(early, Err(AdjustError::Refused(AdjustmentError::NotApproved)));
    let approved = town.app.approve_adjustment(id, ben.clone()).await.unwrap();
    assert_eq!((approved.stored.adjustment.state().name(), approved.refused), ("posted", None));
    assert_eq!(posted(&town).await, 1_300);
    let approve = town.app.approve_adjustment(id, cid).await;
    for again in [approve, town.app.post_adjustment(id, ben).await] {
        let ended = AdjustmentError::AlreadyEnded(approved.stored.adjustment.state());
        assert_eq!(again, Err(AdjustError::Refused(ended)));
    }
    let rejected = town.app.reject_adjustment(id, ann).await;
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
    let [ann, ben, cid] = staff(&town, ["ann", "ben", "cid"]).await;
    let new = from_bakery(&town, 700, &holder);
    let id = town.app.propose_adjustment(new, ann).await.unwrap().adjustment.id();
    let (ben, cid) = tokio::join!(town.app.approve_adjustment(id, ben), town.app.approve_adjustment(id, cid));
    assert_eq!([&ben, &cid].iter().filter(|approved| approved.is_ok()).count(), 1, "{ben:?} {cid:?}");
    assert_eq!(posted(&town).await, 1_300);
    assert_sound(&town);
}

#[tokio::test]
async fn what_the_ledger_refuses_stays_approved_and_can_be_posted_later() {
    let (mut town, holder) = paid().await;
    let [ann, ben] = staff(&town, ["ann", "ben"]).await;
    let new = from_bakery(&town, 2_500, &holder);
    let id = town.app.propose_adjustment(new, ann.clone()).await.unwrap().adjustment.id();
    let approved = town.app.approve_adjustment(id, ben).await.unwrap();
    assert_eq!(approved.refused, Some(LedgerError::InsufficientFunds));
    assert_eq!((approved.stored.adjustment.state().name(), posted(&town).await), ("approved", 2_000));
    let mut card = town.card(Wish::default()).await;
    town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201);
    town.agrees(&mut card, 1).await;
    assert_eq!(town.app.post_adjustment(id, ann).await.unwrap().refused, None);
    assert_eq!(posted(&town).await, 1_500);
    assert_sound(&town);
}

#[tokio::test]
async fn a_proposal_is_rejected_taken_back_or_runs_out() {
    let (town, holder) = paid().await;
    let [ann, ben] = staff(&town, ["ann", "ben"]).await;
    let mut ids = Vec::new();
    for minor in [1, 2, 3] {
        let new = from_bakery(&town, minor, &holder);
        ids.push(town.app.propose_adjustment(new, ann.clone()).await.unwrap().adjustment.id());
    }
    for (id, who) in [(ids[0], ben.clone()), (ids[1], ann)] {
        let rejected = town.app.reject_adjustment(id, who).await.unwrap();
        assert_eq!(rejected.adjustment.state().name(), "rejected");
    }
    town.pass(WEEK - 1);
    assert_eq!(town.app.lapse_adjustments().await, Ok(0));
    town.pass(1);
    let late = town.app.approve_adjustment(ids[2], ben).await;
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
    let [ann] = staff(&town, ["ann"]).await;
    let same = town.app.propose_adjustment(from_bakery(&town, 1, &bakery), ann.clone()).await;
    assert_eq!(same, Err(AdjustError::SameAccount));
    let new = from_bakery(&town, 1, "hld_00000000000000ff");
    let nobody = town.app.propose_adjustment(new, ann.clone()).await;
    let named = AccountName::Holder(HolderReference(255));
    assert_eq!(nobody, Err(AdjustError::NobodysAccount(named)));
    let nobody = town.app.propose_adjustment(from_bakery(&town, 1, "mer_000000ff"), ann.clone()).await;
    assert_eq!(nobody.unwrap_err().to_string(), "there is no mer_000000ff");
    for word in ["fee", "settlement", "suspense", &holder, &bakery] {
        assert_eq!(word.parse::<AccountName>().unwrap().to_string(), word);
    }
    for none in ["", "load_float", "mer_1", "mer_+0000001", "hld_1", "holder"] {
        assert!(none.parse::<AccountName>().is_err(), "{none}");
    }
    let unknown = payment::AdjustmentId(7);
    assert_eq!(town.app.post_adjustment(unknown, ann).await, Err(AdjustError::NoSuchAdjustment(unknown)));
}

#[tokio::test]
async fn a_role_that_may_not_move_money_does_not_and_what_was_done_is_in_the_audit_log() {
    let (town, holder) = paid().await;
    let operators = town.app.operators(Cost::Testing);
    let viewer = account(&operators, "viewer", Role::Viewer).await;
    let custodian = account(&operators, "custodian", Role::KeyCustodian).await;
    for account in [viewer, custodian] {
        let refused = town.app.propose_adjustment(from_bakery(&town, 1, &holder), account).await;
        assert!(matches!(refused, Err(AdjustError::NotAllowed(_))), "{refused:?}");
    }
    let [ann, ben] = staff(&town, ["ann", "ben"]).await;
    let new = from_bakery(&town, 1, &holder);
    let id = town.app.propose_adjustment(new, ann).await.unwrap().adjustment.id();
    town.app.approve_adjustment(id, ben).await.unwrap();
    let entries = town.app.store().peek(|rows| rows.audit_before(None, 2)).unwrap();
    let told: Vec<_> = entries
        .into_iter()
        .map(|entry| (entry.note.operator, entry.note.action, entry.note.outcome))
        .collect();
    let done = |who: &str, what: &str| (who.to_owned(), what.to_owned(), "done".to_owned());
    assert_eq!(told, [done("ben", "adjust_approve"), done("ann", "adjust_propose")]);
}
