//! Days that are closed: what moved, and that each opens as the one before closed.

use model::{Amount, Currency};
use payment::{FeeOnRefund, FeeRule, TransferId};
use serde_json::{Value, json};
use server::Rules;
use server::app::{Payout, SettleError};
use store::StoreError;
use time::macros::date;

use crate::town::customer::Answer;
use crate::town::{EVENING, Town, Wish};
use crate::{breakfast, id_of};

const DAY: i64 = 86_400_000;

fn yuan(minor: i64) -> Amount {
    Amount::new(minor, Currency::CNY).unwrap()
}

/// A breakfast of 20.00 that was paid, with a card of its own.
async fn paid(town: &mut Town) -> String {
    let mut card = town.card(Wish::default()).await;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    town.agrees(&mut card, 1).await;
    order
}

/// A day with a payment and its fee, a part of it given back, and a payout; then one with a payment.
async fn two_days(town: &mut Town) -> String {
    let rule = FeeRule::new(Currency::CNY, 60, 0).unwrap().on_refund(FeeOnRefund::InProportion);
    town.app.set_fee_rule(town.bakery.id, rule).await.unwrap();
    let order = paid(town).await;
    town.pass(1_000);
    town.bakery.api.post(&format!("/v1/orders/{order}/refunds"), &json!({ "amount": 500 })).await.json(201);
    town.pass(1_000);
    let payout = Payout { id: TransferId(0xabc), merchant: town.bakery.id, amount: yuan(1_000) };
    town.app.pay_out(payout).await.unwrap();
    town.app.pay_out(payout).await.unwrap();
    town.pass(DAY);
    paid(town).await;
    order
}

async fn as_form(town: &Town, path: &str, accept: &str) -> Answer {
    Answer::to(town.bakery.api.request("GET", path).header("Accept", accept)).await
}

#[tokio::test]
async fn each_day_opens_as_the_one_before_closed() {
    let mut town = Town::open().await;
    let order = two_days(&mut town).await;
    assert_eq!(town.bakery.api.get("/v1/settlements").await.json(200), json!({ "data": [], "next": null }));
    // The second day has not ended.
    let early = town.app.settle(Some(date!(2026 - 11 - 21))).await;
    assert_eq!(early, Err(SettleError::NotYet(date!(2026 - 11 - 21))));
    assert_eq!(town.app.settle(None).await.unwrap().len(), 1);
    assert_eq!(town.app.settle(None).await.unwrap(), [], "a day is closed once");
    town.pass(3 * DAY);
    paid(&mut town).await;
    assert_eq!(town.app.settle(Some(date!(2026 - 11 - 23))).await.unwrap().len(), 1);
    let page = town.bakery.api.get("/v1/settlements").await.json(200);
    let seen: Vec<_> = page["data"].as_array().unwrap().iter().collect();
    // 20.00 less 0.12 of fee, less 5.00 and 0.03 of its fee back, less 10.00; then 20.00 less 0.12.
    assert_eq!(seen.len(), 2);
    let midnight = EVENING.0 - EVENING.0.rem_euclid(DAY);
    assert_eq!(
        *seen[1],
        json!({
            "id": "2026-11-20.CNY", "date": "2026-11-20", "currency": "CNY", "number": 1, "from": midnight,
            "to": midnight + DAY, "opening": 0, "closing": 491, "count": 5,
        })
    );
    assert_eq!(
        (&seen[0]["opening"], &seen[0]["closing"], &seen[0]["number"]),
        (&json!(491), &json!(2_479), &json!(2))
    );
    // By pages, and by date.
    let first = town.bakery.api.get("/v1/settlements?limit=1").await.json(200);
    assert_eq!(first["next"], "2026-11-21.CNY");
    let second = town.bakery.api.get("/v1/settlements?limit=1&before=2026-11-21.CNY").await.json(200);
    assert_eq!(second, json!({ "data": [seen[1]], "next": null }));
    let of_day = town.bakery.api.get("/v1/settlements?date=2026-11-20").await.json(200);
    assert_eq!(of_day, json!({ "data": [seen[1]], "next": null }));

    let whole = town.bakery.api.get("/v1/settlements/2026-11-20").await.json(200);
    let entries = whole["entries"].as_array().unwrap();
    let kinds: Vec<_> = entries
        .iter()
        .map(|entry| (entry["kind"].as_str().unwrap(), entry["amount"].as_i64().unwrap()))
        .collect();
    assert_eq!(kinds, [("payment", 2_000), ("fee", -12), ("fee", 3), ("refund", -500), ("payout", -1_000)]);
    assert!(entries[..4].iter().all(|entry| entry["order"] == order));
    assert_eq!(entries[4]["transfer"], "tr_00000000000000000000000000000abc");
    assert_eq!(entries[4]["balance"], whole["closing"]);
    assert_eq!(whole["totals"][2], json!({ "kind": "fee", "count": 2, "amount": -9 }));
    // And what there is now.
    let balance = town.bakery.api.get("/v1/balance").await.json(200);
    let now =
        json!({ "currency": "CNY", "posted": 4_467, "available": 4_467, "pending": 0, "settled": seen[0] });
    assert_eq!(balance, json!({ "data": [now] }));
}

#[tokio::test]
async fn a_settlement_is_read_as_csv_and_as_camt_053() {
    let mut town = Town::open().await;
    two_days(&mut town).await;
    town.app.settle(None).await.unwrap();
    let path = "/v1/settlements/2026-11-20";
    let csv = as_form(&town, path, "text/csv").await;
    assert_eq!((csv.status, csv.header("content-type")), (200, "text/csv; charset=utf-8"));
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"settlement-2026-11-20-CNY.csv\"");
    let lines: Vec<&str> = csv.body.lines().collect();
    assert_eq!(lines.len(), 1 + 1 + 5 + 1);
    assert_eq!(lines[0], "at,kind,order,reference,transfer,amount,balance,currency");
    assert!(
        lines[1].starts_with("2026-11-20T00:00:00.000+00:00,opening,") && lines[1].ends_with(",0.00,CNY")
    );
    assert!(lines[7].ends_with(",4.91,CNY"), "{}", lines[7]);
    // What we write, we can read as a bank's.
    let xml = as_form(&town, path, "application/xml, */*;q=0.1").await;
    assert_eq!((xml.status, xml.header("content-type")), (200, "application/xml"));
    let read = statement::camt053::read(xml.body.as_bytes()).unwrap();
    assert_eq!((read[0].opening, read[0].closing, read[0].entries.len()), (0, 491, 5));
    assert_eq!(read[0].account, town.bakery.id.to_string());
    let refused = as_form(&town, path, "application/pdf").await;
    assert_eq!(refused.problem(), (406, "not_acceptable".into()));
    // By its date among the others, too; a page of days is no statement.
    for (accept, file) in [("text/csv", &csv), ("application/xml", &xml)] {
        let by_date = as_form(&town, "/v1/settlements?date=2026-11-20", accept).await;
        assert_eq!((by_date.status, &by_date.body), (200, &file.body));
        let page = as_form(&town, "/v1/settlements", accept).await;
        assert_eq!(page.problem(), (406, "not_acceptable".into()));
    }
}

#[tokio::test]
async fn what_is_no_settlement_is_refused_by_its_own_code() {
    let mut town = Town::open().await;
    two_days(&mut town).await;
    town.app.settle(None).await.unwrap();
    for (path, status, code) in [
        ("/v1/settlements/2026-11-21", 404, "no_such_settlement"),
        ("/v1/settlements/2026-11-20?currency=USD", 404, "no_such_settlement"),
        ("/v1/settlements/2026-11-20?currency=XXX", 422, "unknown_currency"),
        ("/v1/settlements/2026-11-31", 422, "invalid_date"),
        ("/v1/settlements/yesterday", 422, "invalid_date"),
        ("/v1/settlements/-001-01-01", 422, "invalid_date"),
        ("/v1/settlements?date=20261120", 422, "invalid_date"),
        ("/v1/settlements?before=2026-11-20", 422, "invalid_date"),
        ("/v1/settlements?limit=101", 400, "invalid_query"),
        ("/v1/settlements?day=1", 400, "invalid_query"),
    ] {
        assert_eq!(town.bakery.api.get(path).await.problem(), (status, code.into()), "{path}");
    }
    // Another merchant's is as good as none.
    let strange = town.florist.api.get("/v1/settlements/2026-11-20").await;
    assert_eq!(strange.problem(), (404, "no_such_settlement".into()));
    assert_eq!(town.florist.api.get("/v1/balance").await.json(200), json!({ "data": [] }));
}

#[tokio::test]
async fn a_day_is_the_issuers_and_its_time_zone_stays() {
    let rules = Rules { settlement_offset_seconds: 8 * 3_600, ..Rules::default() };
    let mut town = Town::with(rules).await;
    // 02:31 of the 21st in Beijing.
    paid(&mut town).await;
    town.pass(DAY);
    let settled = town.app.settle(None).await.unwrap();
    assert_eq!(settled.len(), 1);
    assert_eq!((settled[0].day.0, settled[0].to.0 - settled[0].from.0), (20_261_121, DAY));
    let whole = town.bakery.api.get("/v1/settlements/2026-11-21").await.json(200);
    assert_eq!(whole["from"], settled[0].from.0);
    let csv = as_form(&town, "/v1/settlements/2026-11-21", "text/csv").await;
    assert!(csv.body.contains("2026-11-21T02:31:28.000+08:00,payment,"), "{}", csv.body);
    // The same database under another time zone closes nothing more.
    paid(&mut town).await;
    town.pass(3 * DAY);
    let elsewhere = server::App::new(
        town.app.store().clone(),
        town.keys.clone(),
        town.clock.clone(),
        town.dice.clone(),
        Rules::default(),
        std::sync::Arc::new(server::Metrics::new()),
    );
    let other = SettleError::OtherOffset { merchant: town.bakery.id, before: 28_800, now: 0 };
    assert_eq!(elsewhere.settle(None).await, Err(other));
}

#[tokio::test]
async fn a_long_day_comes_in_parts_that_lead_from_one_to_the_next() {
    let per_part = std::num::NonZeroU32::new(2).unwrap();
    let mut town = Town::with(Rules { statement_entries_max: per_part, ..Rules::default() }).await;
    two_days(&mut town).await;
    town.app.settle(None).await.unwrap();
    // A payment and its fee; a refund and its fee; a payout.
    let mut path = "/v1/settlements/2026-11-20".to_owned();
    let (mut opens, mut kinds) = (0, Vec::new());
    for part in 1..=3 {
        let answer = town.bakery.api.get(&path).await;
        let link = answer.headers.get("link").map(|link| link.to_str().unwrap().to_owned());
        let body = answer.json(200);
        assert_eq!((&body["part"], &body["parts"], &body["count"]), (&json!(part), &json!(3), &json!(5)));
        for entry in body["entries"].as_array().unwrap() {
            opens += entry["amount"].as_i64().unwrap();
            assert_eq!(entry["balance"], opens);
            kinds.push(entry["kind"].as_str().unwrap().to_owned());
        }
        let next = format!("/v1/settlements/2026-11-20?currency=CNY&part={}", part + 1);
        assert_eq!(link, (part < 3).then(|| format!("<{next}>; rel=\"next\"")));
        path = next;
    }
    assert_eq!(kinds, ["payment", "fee", "fee", "refund", "payout"]);
    for part in ["4", "0"] {
        let none = town.bakery.api.get(&format!("/v1/settlements/2026-11-20?part={part}")).await;
        assert_eq!(none.problem(), (404, "no_such_part".into()));
    }
    let file = as_form(&town, "/v1/settlements/2026-11-20?part=2", "text/csv").await;
    let name = "attachment; filename=\"settlement-2026-11-20-CNY-part-2-of-3.csv\"";
    assert_eq!(file.headers["content-disposition"], name);
    assert!(
        file.body.contains(",brought_forward,") && file.body.contains(",carried_forward,"),
        "{}",
        file.body
    );
}

#[tokio::test]
async fn a_day_is_not_closed_before_what_is_on_its_way_has_come() {
    let mut town = Town::open().await;
    paid(&mut town).await;
    let midnight = EVENING.0 - EVENING.0.rem_euclid(DAY) + DAY;
    town.pass(midnight - EVENING.0 + server::app::SETTLE_AFTER_MS - 1);
    assert_eq!(town.app.settle(None).await.unwrap(), []);
    let day = date!(2026 - 11 - 20);
    assert_eq!(town.app.settle(Some(day)).await, Err(SettleError::NotYet(day)));
    town.pass(1);
    assert_eq!(town.app.settle(Some(day)).await.unwrap().len(), 1);
}

#[tokio::test]
async fn books_that_moved_in_a_closed_day_are_found() {
    let mut town = Town::open().await;
    let order = paid(&mut town).await;
    town.pass(DAY);
    town.app.settle(None).await.unwrap();
    // Somebody posts into yesterday, past all rules.
    let bakery = i64::from(town.bakery.id.0);
    town.app
        .store()
        .write(move |unit| {
            let kind = payment::AccountKind::Merchant;
            let mut merchant =
                unit.account_of(kind, bakery, Currency::CNY)?.ok_or(StoreError::Malformed("merchant"))?;
            let mut bank = unit.account_opened(payment::AccountKind::Settlement, 0, Currency::CNY)?;
            let lost = |_| StoreError::Malformed("ledger");
            let posted = payment::PendingTransfer::reserve(TransferId(5), yuan(1), &mut bank, &mut merchant)
                .and_then(|pending| pending.post(None, &mut bank, &mut merchant))
                .map_err(lost)?;
            unit.add_posted_transfer(&posted, "adjustment", None, EVENING)?;
            unit.put_account(&bank)?;
            unit.put_account(&merchant)
        })
        .await
        .unwrap();
    let refused = town.bakery.api.get("/v1/settlements/2026-11-20").await;
    assert_eq!(refused.problem(), (500, "internal".into()));
    town.bakery.api.post(&format!("/v1/orders/{order}/refunds"), &json!({ "amount": 1 })).await.json(201);
    town.pass(2 * DAY);
    let differs = SettleError::OpeningDiffers {
        merchant: town.bakery.id,
        currency: Currency::CNY,
        closed: 2_000,
        opens: 2_001,
    };
    assert_eq!(town.app.settle(None).await, Err(differs));
    let listed: Value = town.bakery.api.get("/v1/settlements").await.json(200);
    assert_eq!(listed["data"].as_array().unwrap().len(), 1);
}
