//! Endpoints as merchants make, read, change and delete them.

use operator::Role;
use serde_json::{Value, json};
use server::webhooks::Settings;

use crate::receiver::{Receiver, Reply};
use crate::town::customer::Answer;
use crate::town::{EVENING, Town, logged_in};
use crate::{becomes, desk, endpoint, patch, text};

const ENDPOINTS: &str = "/v1/webhook_endpoints";

fn at(made: &Value) -> String {
    format!("{ENDPOINTS}/{}", text(made, "id"))
}

#[tokio::test]
async fn an_endpoint_is_made_read_changed_and_deleted_by_its_merchant_alone() {
    let town = Town::open().await;
    let (bakery, florist) = (&town.bakery.api, &town.florist.api);
    let wish =
        json!({ "url": "https://shop.example/hooks?till=1", "kinds": ["order.paid"], "description": "收款" });
    let made = bakery.post(ENDPOINTS, &wish).await.json(201);
    assert!(text(&made, "secret").starts_with("whsec_"));
    assert_eq!((&made["state"], &made["kinds"]), (&json!("enabled"), &json!(["order.paid"])));

    let mut read = bakery.get(&at(&made)).await.json(200);
    assert_eq!(read["secret"], Value::Null, "it is shown once");
    read["secret"] = made["secret"].clone();
    assert_eq!(read, made);
    let page = bakery.get(ENDPOINTS).await.json(200);
    assert_eq!((page["data"].as_array().unwrap().len(), &page["next"]), (1, &Value::Null));
    assert_eq!(florist.get(ENDPOINTS).await.json(200)["data"], json!([]));

    let change =
        json!({ "url": "https://other.example/", "kinds": ["*"], "description": "", "enabled": false });
    for (path, method, body) in [
        (at(&made), "GET", Value::Null),
        (at(&made), "PATCH", change.clone()),
        (at(&made), "DELETE", Value::Null),
        (format!("{}/secrets", at(&made)), "POST", json!({})),
        (format!("{}/test", at(&made)), "POST", Value::Null),
        (format!("{}/resend", at(&made)), "POST", json!({ "since": 0 })),
        (format!("{}/deliveries", at(&made)), "GET", Value::Null),
    ] {
        let request = florist.request(method, &path);
        let request = if body.is_null() { request } else { request.json(&body) };
        let refused = Answer::to(request).await;
        assert_eq!(refused.problem(), (404, "no_such_webhook_endpoint".into()), "{method} {path}");
    }
    let changed = patch(bakery, &at(&made), &change).await.json(200);
    assert_eq!((&changed["url"], &changed["kinds"]), (&json!("https://other.example/"), &json!(["*"])));
    assert_eq!((&changed["state"], &changed["disabled_by"]), (&json!("disabled"), &json!("merchant")));

    assert_eq!(Answer::to(bakery.request("DELETE", &at(&made))).await.status, 204);
    for answer in [bakery.get(&at(&made)).await, Answer::to(bakery.request("DELETE", &at(&made))).await] {
        assert_eq!(answer.problem(), (404, "no_such_webhook_endpoint".into()));
    }
}

#[tokio::test]
async fn what_is_wrong_with_an_endpoint_is_named() {
    let town = Town::open().await;
    let bakery = &town.bakery.api;
    let good = "https://shop.example/";
    for (body, expected) in [
        (json!({ "url": "http://shop.example/" }), (422, "invalid_webhook_url")),
        (json!({ "url": "shop.example" }), (422, "invalid_webhook_url")),
        (json!({ "url": "https://u:p@shop.example/" }), (422, "invalid_webhook_url")),
        (json!({ "url": "https://10.0.0.1/" }), (422, "webhook_address_refused")),
        (json!({ "url": "https://169.254.169.254/latest" }), (422, "webhook_address_refused")),
        (json!({ "url": good, "kinds": [] }), (422, "invalid_webhook_kinds")),
        (json!({ "url": good, "kinds": ["order.eaten"] }), (422, "invalid_webhook_kinds")),
        (json!({ "url": good, "description": "a\u{7}" }), (422, "invalid_webhook_description")),
        (json!({ "url": good, "secret": "whsec_mine" }), (400, "invalid_json")),
        (json!({}), (400, "invalid_json")),
    ] {
        let refused = bakery.post(ENDPOINTS, &body).await.problem();
        assert_eq!(refused, (expected.0, expected.1.into()), "{body}");
    }
    for (path, code) in [
        ("/v1/webhook_endpoints/we_1", "invalid_webhook_endpoint_id"),
        ("/v1/webhook_endpoints?before=we_1", "invalid_webhook_endpoint_id"),
        ("/v1/webhook_deliveries/dlv_1", "invalid_delivery_id"),
    ] {
        assert_eq!(bakery.get(path).await.problem(), (422, code.into()), "{path}");
    }
    let missing = "/v1/webhook_deliveries/dlv_00000000000000000000000000000000";
    assert_eq!(bakery.get(missing).await.problem(), (404, "no_such_delivery".into()));
    for n in 0..16 {
        endpoint(bakery, &format!("https://shop.example/{n}")).await;
    }
    let one_more = bakery.post(ENDPOINTS, &json!({ "url": good })).await;
    assert_eq!(one_more.problem(), (409, "too_many_webhook_endpoints".into()));
    // By pages, newest first.
    let first = bakery.get("/v1/webhook_endpoints?limit=10").await.json(200);
    let next = text(&first, "next");
    let second = bakery.get(&format!("/v1/webhook_endpoints?limit=10&before={next}")).await.json(200);
    let mut ids: Vec<_> = first["data"].as_array().unwrap().iter().map(|it| text(it, "id")).collect();
    ids.extend(second["data"].as_array().unwrap().iter().map(|it| text(it, "id")));
    assert_eq!((ids.len(), &second["next"]), (16, &Value::Null));
    assert!(ids.is_sorted_by(|a, b| a > b));
    assert_eq!(bakery.get("/v1/webhook_endpoints?limit=101").await.problem(), (400, "invalid_query".into()));
}

#[tokio::test]
async fn the_same_key_again_makes_no_second_endpoint_and_shows_the_same_secret() {
    let town = Town::open().await;
    let bakery = &town.bakery.api;
    let keyed = |path: &str, key: &str, body: &Value| {
        Answer::to(bakery.request("POST", path).header("idempotency-key", key).json(body))
    };
    let wish = json!({ "url": "https://shop.example/" });
    let first = keyed(ENDPOINTS, "a", &wish).await;
    let again = keyed(ENDPOINTS, "a", &wish).await;
    assert_eq!((again.header("idempotency-hit"), again.json(201)), ("true", first.json(201)));
    let other = keyed(ENDPOINTS, "a", &json!({ "url": "https://other.example/" })).await;
    assert_eq!(other.problem(), (409, "idempotency_conflict".into()));
    assert_eq!(bakery.get(ENDPOINTS).await.json(200)["data"].as_array().unwrap().len(), 1);

    let secrets = format!("{}/secrets", at(&first.json(201)));
    let rotated = keyed(&secrets, "b", &json!({})).await.json(201);
    assert_eq!(keyed(&secrets, "b", &json!({})).await.json(201), rotated);
    assert_ne!(rotated["secret"], first.json(201)["secret"]);
    assert_eq!(
        rotated["secrets"][1]["until"].as_i64(),
        rotated["created_at"].as_i64().map(|at| at + 86_400_000)
    );
    assert_eq!(
        keyed(&secrets, "c", &json!({ "overlap_seconds": 604_801 })).await.problem().1,
        "invalid_webhook_overlap"
    );
    for key in ["d", "e"] {
        keyed(&secrets, key, &json!({})).await.json(201);
    }
    assert_eq!(keyed(&secrets, "f", &json!({})).await.problem(), (409, "too_many_webhook_secrets".into()));
}

#[tokio::test]
async fn what_waits_for_an_endpoint_is_canceled_when_it_is_disabled_or_deleted() {
    let town = desk().await;
    let mut shop = Receiver::answering([]).await;
    let bakery = &town.bakery.api;
    let (off, gone) = (endpoint(bakery, &shop.url()).await, endpoint(bakery, &shop.url()).await);
    let mut waiting = Vec::new();
    for made in [&off, &gone] {
        waiting.push(bakery.post(&format!("{}/test", at(made)), &json!({})).await.json(201));
    }
    patch(bakery, &at(&off), &json!({ "enabled": false })).await.json(200);
    assert_eq!(Answer::to(bakery.request("DELETE", &at(&gone))).await.status, 204);
    let courier = town.courier(&Settings::default());
    for (sent, reason) in waiting.iter().zip(["disabled", "deleted"]) {
        let path = format!("/v1/webhook_deliveries/{}", text(sent, "id"));
        let canceled = becomes(bakery, &path, |found| found["state"] == "canceled").await;
        assert_eq!((&canceled["reason"], &canceled["attempts"]), (&json!(reason), &json!(0)));
        assert_eq!(town.florist.api.get(&path).await.problem(), (404, "no_such_delivery".into()));
    }
    courier.stop().await;
    assert!(shop.also_heard().is_empty());
}

/// What a page's form carries.
fn form_token(page: &str) -> &str {
    page.split("name=\"csrf\" value=\"").nth(1).and_then(|rest| rest.split('"').next()).unwrap()
}

#[tokio::test]
async fn an_operator_sees_what_was_sent_and_has_it_sent_again_and_both_are_entered() {
    let town = desk().await;
    let hostile = "<script>alert(1)</script>";
    let mut shop = Receiver::answering([Reply::With(302, "x-said", hostile.into())]).await;
    let made = endpoint(&town.bakery.api, &format!("{}/s3cret", shop.url())).await;
    let courier = town.courier(&Settings::default());
    let sent = town.bakery.api.post(&format!("{}/test", at(&made)), &json!({})).await.json(201);
    let path = format!("/v1/webhook_deliveries/{}", text(&sent, "id"));
    becomes(&town.bakery.api, &path, |found| found["state"] == "failed").await;
    let first = shop.hears().await.id;

    let list = town.operations.get("/console/webhooks").await;
    assert_eq!(list.status, 200);
    assert!(list.body.contains("晨光早餐铺 Bakery") && !list.body.contains("s3cret"), "{}", list.body);
    let of_endpoint = format!("/console/webhooks/{}", text(&made, "id"));
    assert!(town.operations.get(&of_endpoint).await.body.contains("webhook.test"));
    let of_delivery = format!("{of_endpoint}/{}", text(&sent, "id"));
    for (language, words) in
        [("en", ["Given up: sent elsewhere", "Send again"]), ("zh", ["对方要求转向", "重新投递"])]
    {
        let page = town.operations.get(&format!("{of_delivery}?lang={language}")).await;
        assert!(
            words.iter().all(|word| page.body.contains(word)) && page.body.contains("302"),
            "{}",
            page.body
        );
    }
    // Whoever only looks sees no button, and may not.
    let viewer = logged_in(&town.operators, town.outside.clone(), Role::Viewer).await;
    let page = viewer.get(&of_delivery).await;
    assert!(page.status == 200 && !page.body.contains("Send again"));
    let carried = viewer.form_token();
    let refused = Answer::to(viewer.request("POST", &of_delivery).form(&[("csrf", &carried)])).await;
    assert_eq!(refused.status, 403);

    let page = town.operations.get(&of_delivery).await;
    let token = form_token(&page.body).to_owned();
    let again = Answer::to(town.operations.request("POST", &of_delivery).form(&[("csrf", &token)])).await;
    assert_eq!((again.status, again.header("location")), (303, of_delivery.as_str()));
    assert_eq!(shop.hears().await.id, first);
    becomes(&town.bakery.api, &path, |found| found["state"] == "delivered").await;
    courier.stop().await;
    let entries = town.app.store().peek(|rows| rows.audit_before(None, 9)).unwrap();
    let acts: Vec<_> =
        entries.iter().map(|entry| (entry.note.action.as_str(), entry.note.subject.as_str())).collect();
    assert!(acts.contains(&("webhook_resend", text(&sent, "id"))), "{acts:?}");
    assert!(acts.contains(&("view", of_delivery.as_str())), "{acts:?}");
    for path in ["/console/webhooks/we_1", "/console/webhooks?before=x", &format!("{of_endpoint}/dlv_1")] {
        assert_eq!(town.operations.get(path).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn a_repeated_request_for_a_test_or_a_resend_sends_nothing_twice() {
    let town = desk().await;
    let bakery = &town.bakery.api;
    let redirect = || Reply::With(307, "location", "http://127.0.0.1:1/".into());
    let mut shop = Receiver::answering([redirect(), redirect(), redirect()]).await;
    let made = endpoint(bakery, &shop.url()).await;
    let id = text(&made, "id").to_owned();
    let courier = town.courier(&Settings::default());
    let ask = async |path: &str, key: &str, body: Option<Value>| {
        let request = bakery.request("POST", path).header("Idempotency-Key", key);
        Answer::to(match &body {
            Some(body) => request.json(body),
            None => request,
        })
        .await
    };
    let test = format!("/v1/webhook_endpoints/{id}/test");
    let (first, again) = (ask(&test, "t-1", None).await, ask(&test, "t-1", None).await);
    assert_eq!((first.json(201), first.header("idempotency-hit")), (again.json(201), ""));
    assert_eq!(again.header("idempotency-hit"), "true");
    let second = ask(&test, "t-2", None).await.json(201);
    assert_ne!(second["id"], first.json(201)["id"]);
    let failed = async |delivery: &Value| {
        let path = format!("/v1/webhook_deliveries/{}", text(delivery, "id"));
        becomes(bakery, &path, |found| found["state"] == "failed").await
    };
    for delivery in [&first.json(201), &second] {
        shop.hears().await;
        failed(delivery).await;
    }

    // One by itself. The same key for another delivery is another request.
    let resend = format!("/v1/webhook_deliveries/{}/resend", text(&second, "id"));
    let sent = ask(&resend, "r-1", None).await.json(200);
    assert_eq!(sent["state"], "pending");
    shop.hears().await;
    failed(&second).await;
    let again = ask(&resend, "r-1", None).await;
    assert_eq!((again.json(200), again.header("idempotency-hit")), (sent, "true"));
    let other = format!("/v1/webhook_deliveries/{}/resend", text(&first.json(201), "id"));
    assert_eq!(ask(&other, "r-1", None).await.problem(), (409, "idempotency_conflict".into()));

    // All that failed.
    let all = format!("/v1/webhook_endpoints/{id}/resend");
    let since = |at: i64| Some(json!({ "since": at }));
    let sent = ask(&all, "a-1", since(EVENING.0)).await.json(200);
    assert_eq!(sent, json!({ "resent": 2, "more": false }));
    shop.hears().await;
    shop.hears().await;
    let again = ask(&all, "a-1", since(EVENING.0)).await;
    assert_eq!((again.json(200), again.header("idempotency-hit")), (sent, "true"));
    assert_eq!(ask(&all, "a-1", since(1)).await.problem(), (409, "idempotency_conflict".into()));
    for (path, body) in [(&test, None), (&resend, None), (&all, since(1))] {
        let refused = ask(path, "", body).await;
        assert_eq!(refused.problem(), (422, "invalid_idempotency_key".into()));
    }
    courier.stop().await;
    assert!(shop.also_heard().is_empty(), "what was repeated was sent again");
}
