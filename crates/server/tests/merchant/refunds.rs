//! Money of a paid order given back: in part or whole, never above what was paid, never twice.

use model::{Amount, Currency};
use payment::{FeeOnRefund, FeeRule, TransferId};
use serde_json::{Value, json};
use server::app::Payout;

use crate::town::customer::Answer;
use crate::town::hand::Hand;
use crate::town::{Merchant, Town, Wish};
use crate::{breakfast, breakfast_with, id_of};

/// A breakfast of 20.00 that was paid.
async fn paid(town: &mut Town) -> (Hand, String) {
    let mut card = town.card(Wish::default()).await;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    town.agrees(&mut card, 1).await;
    (card, order)
}

async fn refund(merchant: &Merchant, order: &str, body: Value) -> Answer {
    merchant.api.post(&format!("/v1/orders/{order}/refunds"), &body).await
}

async fn refund_under(merchant: &Merchant, key: &str, order: &str, body: &Value) -> Answer {
    let path = format!("/v1/orders/{order}/refunds");
    let request = merchant.api.request("POST", &path).header("Idempotency-Key", key);
    Answer::to(request.json(body)).await
}

/// What the order says of its money: refunded, in a word, and the fee.
async fn afterwards(town: &Town, order: &str) -> (i64, String, Value) {
    let order = town.bakery.api.get(&format!("/v1/orders/{order}")).await.json(200);
    let word = order["refund_state"].as_str().unwrap().to_owned();
    (order["refunded"].as_i64().unwrap(), word, order["fee"].clone())
}

async fn posted(town: &Town) -> i64 {
    let balances = town.bakery.api.get("/v1/balances").await.json(200);
    balances["data"][0]["posted"].as_i64().unwrap()
}

async fn held(town: &Town, card: &Hand) -> i64 {
    let holder = card.information.holder.0.cast_signed();
    let read =
        move |rows: &dyn store::Reading| rows.account_of(payment::AccountKind::Holder, holder, Currency::CNY);
    town.app.store().peek(read).unwrap().unwrap().posted
}

fn assert_sound(town: &Town) {
    let (totals, differences) =
        town.app.store().peek(|rows| Ok((rows.totals()?, rows.balance_differences()?))).unwrap();
    assert_eq!(differences, []);
    assert_eq!(totals.iter().map(|total| total.posted).sum::<i64>(), 0);
}

#[tokio::test]
async fn an_order_is_given_back_in_part_and_then_the_rest() {
    let mut town = Town::open().await;
    let (card, order) = paid(&mut town).await;
    assert_eq!(afterwards(&town, &order).await, (0, "none".into(), Value::Null));
    let first =
        refund(&town.bakery, &order, json!({ "amount": 500, "currency": "CNY", "reference": "cold tea" }))
            .await
            .json(201);
    let at = town.app.now().0;
    assert_eq!(
        first,
        json!({
            "id": first["id"], "order": order, "amount": 500, "currency": "CNY", "refunded": 500,
            "fee_back": 0, "reference": "cold tea", "created_at": at,
        })
    );
    assert_eq!(afterwards(&town, &order).await, (500, "partial".into(), Value::Null));
    assert_eq!((posted(&town).await, held(&town, &card).await), (1_500, 98_500));
    town.pass(1);
    // Without an amount: all that is left.
    let second = refund(&town.bakery, &order, json!({})).await.json(201);
    assert_eq!((&second["amount"], &second["refunded"]), (&json!(1_500), &json!(2_000)));
    assert_eq!(afterwards(&town, &order).await, (2_000, "whole".into(), Value::Null));
    assert_eq!((posted(&town).await, held(&town, &card).await), (0, 100_000));
    // It was paid, and stays so.
    assert_eq!(town.state(order.parse().unwrap()), "paid");
    let told = town.bakery.api.follow(&format!("/v1/orders/{order}/events"), None).await.rest().await;
    let kinds: Vec<&str> = told.iter().map(|told| told.event.as_str()).collect();
    assert_eq!(kinds[2..], ["order.paid", "order.refunded", "order.refunded"]);
    assert_eq!(town.counted("payments", "refunded"), 2);
    assert_sound(&town);

    let read = town.bakery.api.get(&format!("/v1/refunds/{}", id_of(&first))).await.json(200);
    assert_eq!(read, first);
    let path = format!("/v1/orders/{order}/refunds");
    let page = town.bakery.api.get(&format!("{path}?limit=1")).await.json(200);
    assert_eq!((&page["data"], &page["next"]), (&json!([second]), &second["id"]));
    let page = town.bakery.api.get(&format!("{path}?limit=1&before={}", id_of(&second))).await.json(200);
    assert_eq!(page, json!({ "data": [first], "next": null }));
    let listed = town.bakery.api.get("/v1/orders").await.json(200);
    assert_eq!(listed["data"][0]["refund_state"], "whole");
}

#[tokio::test]
async fn each_refund_that_is_none_is_refused_by_its_own_code_and_keeps_nothing() {
    let mut town = Town::open().await;
    let (card, order) = paid(&mut town).await;
    let waiting = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    refund(&town.bakery, &order, json!({ "amount": 1_500 })).await.json(201);
    let nowhere = "ord_00000000000070008000000000000000";
    for (order, body, status, code) in [
        (order.as_str(), json!({ "amount": 501 }), 409, "refund_above_what_is_left"),
        (&order, json!({ "amount": 4_294_967_295_u32 }), 409, "refund_above_what_is_left"),
        (&order, json!({ "amount": 4_294_967_296_i64 }), 422, "amount_too_large"),
        (&order, json!({ "amount": 0 }), 422, "amount_zero"),
        (&order, json!({ "amount": -1 }), 422, "amount_negative"),
        (&order, json!({ "amount": 0.5 }), 422, "amount_not_integer"),
        (&order, json!({ "amount": "5" }), 400, "invalid_json"),
        (&order, json!({ "amount": 5, "currency": "USD" }), 422, "refund_other_currency"),
        (&order, json!({ "currency": "USD" }), 422, "refund_other_currency"),
        (&order, json!({ "currency": "XXX" }), 422, "unknown_currency"),
        (&order, json!({ "reference": "x".repeat(65) }), 422, "invalid_reference"),
        (&order, json!({ "reason": "cold" }), 400, "invalid_json"),
        // No list is an object without fields, which asks for all that is left.
        (&order, json!([]), 400, "invalid_json"),
        (&order, json!([null, null]), 400, "invalid_json"),
        (&order, json!(null), 400, "invalid_json"),
        (&waiting, json!({}), 409, "order_not_paid"),
        (nowhere, json!({}), 404, "no_such_order"),
        ("ord_1", json!({}), 422, "invalid_order_id"),
    ] {
        let refused = refund(&town.bakery, order, body.clone()).await;
        assert_eq!(refused.problem(), (status, code.into()), "{body}");
    }
    let above = refund(&town.bakery, &order, json!({ "amount": 501 })).await;
    assert!(above.body.contains("¥5.01 is asked for and ¥5.00 is left"), "{}", above.body);
    // Another merchant's is as good as none.
    assert_eq!(refund(&town.florist, &order, json!({})).await.problem(), (404, "no_such_order".into()));
    let strange = town.florist.api.get(&format!("/v1/orders/{order}/refunds")).await;
    assert_eq!(strange.problem(), (404, "no_such_order".into()));
    for (path, status, code) in [
        ("/v1/refunds/ref_1".to_owned(), 422, "invalid_refund_id"),
        ("/v1/refunds/ref_00000000000070008000000000000000".into(), 404, "no_such_refund"),
        (format!("/v1/orders/{order}/refunds?limit=0"), 400, "invalid_query"),
        (format!("/v1/orders/{order}/refunds?before=x"), 422, "invalid_refund_id"),
    ] {
        assert_eq!(town.bakery.api.get(&path).await.problem(), (status, code.into()), "{path}");
    }
    assert_eq!((posted(&town).await, held(&town, &card).await), (500, 99_500));
    assert_eq!(afterwards(&town, &order).await, (1_500, "partial".into(), Value::Null));
    refund(&town.bakery, &order, json!({})).await.json(201);
    let nothing = refund(&town.bakery, &order, json!({ "amount": 1 })).await;
    assert_eq!(nothing.problem(), (409, "refund_nothing_left".into()));
    let transfers = town.app.store().peek(|rows| rows.transfer_counts()).unwrap();
    assert_eq!(transfers, [1, 4, 0, 0], "one waits; funding, payment and two refunds were posted");
    assert_sound(&town);
}

#[tokio::test]
async fn what_was_paid_out_cannot_be_given_back() {
    let mut town = Town::open().await;
    let (_, order) = paid(&mut town).await;
    let amount = Amount::new(1_999, Currency::CNY).unwrap();
    let payout = Payout { id: TransferId(77), merchant: town.bakery.id, amount };
    town.app.pay_out(payout).await.unwrap();
    let refused = refund(&town.bakery, &order, json!({ "amount": 2 })).await;
    assert_eq!(refused.problem(), (402, "merchant_has_not_enough".into()));
    assert!(refused.body.contains("¥0.01 available and not ¥0.02"), "{}", refused.body);
    assert_eq!(afterwards(&town, &order).await, (0, "none".into(), Value::Null));
    refund(&town.bakery, &order, json!({ "amount": 1 })).await.json(201);
    assert_sound(&town);
}

#[tokio::test]
async fn the_same_refund_again_gets_the_first_answer() {
    let mut town = Town::open().await;
    let (mut card, order) = paid(&mut town).await;
    let smaller = breakfast_with(card.id, "amount", json!(1_000));
    let second = id_of(&town.bakery.api.post("/v1/orders", &smaller).await.json(201));
    town.agrees(&mut card, 1).await;
    let half = json!({ "amount": 1_000 });
    let first = refund_under(&town.bakery, "back-1", &order, &half).await;
    first.json(201);
    assert_eq!(first.header("idempotency-hit"), "");
    town.pass(3_600_000);
    let again = refund_under(&town.bakery, "back-1", &order, &half).await;
    assert_eq!((again.status, again.header("idempotency-hit")), (201, "true"));
    assert_eq!(again.body, first.body);
    let other = refund_under(&town.bakery, "back-1", &order, &json!({ "amount": 1 })).await;
    assert_eq!(other.problem(), (409, "idempotency_conflict".into()));
    // The order belongs to what was asked for, though it stands in the path.
    let elsewhere = refund_under(&town.bakery, "back-1", &second, &half).await;
    assert_eq!(elsewhere.problem(), (409, "idempotency_conflict".into()));
    // A key of an order is no key of a refund.
    refund_under(&town.bakery, "back-2", &second, &half).await.json(201);
    assert_eq!(afterwards(&town, &order).await.0, 1_000);
    // What was refused leaves its key free.
    let refused = refund_under(&town.bakery, "back-3", &order, &json!({ "amount": 1_001 })).await;
    assert_eq!(refused.problem(), (409, "refund_above_what_is_left".into()));
    refund_under(&town.bakery, "back-3", &order, &half).await.json(201);
    assert_sound(&town);
}

#[tokio::test]
async fn of_refunds_that_race_no_more_is_given_back_than_was_paid() {
    let mut town = Town::open().await;
    let (card, order) = paid(&mut town).await;
    // Another order's money lies there too: it is the order that bounds them, not the purse.
    let mut card = card;
    town.bakery.api.post("/v1/orders", &breakfast_with(card.id, "amount", json!(50_000))).await.json(201);
    town.agrees(&mut card, 1).await;
    let body = json!({ "amount": 300 });
    let asked = (0..20).map(|_| refund(&town.bakery, &order, body.clone()));
    let answers = futures_util::future::join_all(asked).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 6);
    for refused in answers.iter().filter(|answer| answer.status != 201) {
        assert_eq!(refused.problem(), (409, "refund_above_what_is_left".into()));
    }
    let two = [refund(&town.bakery, &order, json!({})), refund(&town.bakery, &order, json!({}))];
    let mut statuses: Vec<u16> =
        futures_util::future::join_all(two).await.iter().map(|answer| answer.status).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [201, 409]);
    assert_eq!(afterwards(&town, &order).await, (2_000, "whole".into(), Value::Null));
    // At once under one key: one refund.
    let (_, second) = paid(&mut town).await;
    let body = json!({ "amount": 300 });
    let asked = (0..10).map(|_| refund_under(&town.bakery, "crowd", &second, &body));
    let answers = futures_util::future::join_all(asked).await;
    assert!(answers.iter().all(|answer| answer.status == 201 && answer.body == answers[0].body));
    assert_eq!(afterwards(&town, &second).await.0, 300);
    assert_sound(&town);
}

fn rule(basis_points: u16, on_refund: FeeOnRefund) -> FeeRule {
    FeeRule::new(Currency::CNY, basis_points, 1).unwrap().on_refund(on_refund)
}

#[tokio::test]
async fn a_fee_is_taken_with_the_payment_by_the_rule_of_that_time() {
    let mut town = Town::open().await;
    let (_, free) = paid(&mut town).await;
    assert_eq!(afterwards(&town, &free).await.2, Value::Null);
    town.app.set_fee_rule(town.bakery.id, rule(60, FeeOnRefund::Kept)).await.unwrap();
    let (_, charged) = paid(&mut town).await;
    // 0.6 % of 20.00 and one fen.
    assert_eq!(afterwards(&town, &charged).await, (0, "none".into(), json!(13)));
    assert_eq!(posted(&town).await, 2_000 + 1_987);
    assert_eq!(afterwards(&town, &free).await.2, Value::Null);
    // The neighbour has no rule.
    let mut card = town.card(Wish::default()).await;
    let theirs = id_of(&town.florist.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    town.agrees(&mut card, 1).await;
    let theirs = town.florist.api.get(&format!("/v1/orders/{theirs}")).await.json(200);
    assert_eq!((&theirs["state"], &theirs["fee"]), (&json!("paid"), &Value::Null));
    assert!(town.app.remove_fee_rule(town.bakery.id, Currency::CNY).await.unwrap());
    let (_, free) = paid(&mut town).await;
    assert_eq!(afterwards(&town, &free).await.2, Value::Null);
    let nobody = town.app.set_fee_rule(payment::MerchantId(99), rule(1, FeeOnRefund::Kept)).await;
    assert_eq!(nobody.unwrap_err().to_string(), "there is no merchant mer_00000063");
    assert_sound(&town);
}

#[tokio::test]
async fn a_refund_gives_the_fee_back_where_its_rule_said_so_when_it_was_paid() {
    let mut town = Town::open().await;
    town.app.set_fee_rule(town.bakery.id, rule(60, FeeOnRefund::InProportion)).await.unwrap();
    let (card, order) = paid(&mut town).await;
    // Whatever the rule says later.
    town.app.set_fee_rule(town.bakery.id, rule(9_000, FeeOnRefund::Kept)).await.unwrap();
    assert_eq!(posted(&town).await, 1_987);
    // Less than was paid is there, and yet all can be given back: the fee comes first.
    let parts = [(500, 3), (500, 4), (1_000, 6)];
    for (amount, back) in parts {
        let made = refund(&town.bakery, &order, json!({ "amount": amount })).await.json(201);
        assert_eq!(made["fee_back"], json!(back));
    }
    assert_eq!((posted(&town).await, held(&town, &card).await), (0, 100_000));
    assert_eq!(afterwards(&town, &order).await, (2_000, "whole".into(), json!(13)));
    assert_sound(&town);

    // Where the fee is kept, the merchant must have it from elsewhere.
    town.app.set_fee_rule(town.bakery.id, rule(60, FeeOnRefund::Kept)).await.unwrap();
    let (_, order) = paid(&mut town).await;
    let refused = refund(&town.bakery, &order, json!({})).await;
    assert_eq!(refused.problem(), (402, "merchant_has_not_enough".into()));
    let made = refund(&town.bakery, &order, json!({ "amount": 1_987 })).await.json(201);
    assert_eq!(made["fee_back"], 0);
    assert_sound(&town);
}

#[tokio::test]
async fn a_fee_as_large_as_its_payment_leaves_the_merchant_nothing() {
    let mut town = Town::open().await;
    town.app.set_fee_rule(town.bakery.id, rule(10_000, FeeOnRefund::InProportion)).await.unwrap();
    let (card, order) = paid(&mut town).await;
    assert_eq!((posted(&town).await, afterwards(&town, &order).await.2), (0, json!(2_000)));
    refund(&town.bakery, &order, json!({})).await.json(201);
    assert_eq!((posted(&town).await, held(&town, &card).await), (0, 100_000));
    assert_sound(&town);
}
