//! Servers that hang, refuse, send elsewhere and answer too much; and what is sent again.

use std::sync::Arc;

use operator::Rate;
use serde_json::{Value, json};
use server::Rules;
use server::webhooks::Settings;
use tokio::sync::Notify;
use webhook::{EndpointUrl, Mode, Wanted};

use crate::receiver::{Receiver, Reply};
use crate::town::{EVENING, Town, soon};
use crate::{becomes, desk, endpoint, hasty, patch, text};

/// Has a test message sent to an endpoint.
async fn test(town: &Town, endpoint: &Value) -> Value {
    let path = format!("/v1/webhook_endpoints/{}/test", text(endpoint, "id"));
    town.bakery.api.post(&path, &json!({})).await.json(201)
}

async fn delivery(town: &Town, delivery: &Value, is: impl Fn(&Value) -> bool) -> Value {
    becomes(&town.bakery.api, &format!("/v1/webhook_deliveries/{}", text(delivery, "id")), is).await
}

fn attempted(delivery: &Value) -> bool {
    delivery["attempts"] != 0
}

#[tokio::test]
async fn a_server_that_hangs_holds_up_no_other_and_is_asked_again() {
    let town = desk().await;
    let mut hanging = Receiver::answering(vec![Reply::Hang; 64]).await;
    let mut well = Receiver::answering([]).await;
    let (slow, quick) =
        (endpoint(&town.bakery.api, &hanging.url()).await, endpoint(&town.bakery.api, &well.url()).await);
    // Nobody gives up here: what hangs, hangs as long as the story lasts.
    let courier = town.courier(&Settings::default());
    let mut sent = Vec::new();
    for _ in 0..41 {
        sent.push(test(&town, &slow).await);
    }
    // The clock stands: of those that are due at one moment the lowest id goes first.
    sent.sort_by_key(|sent| text(sent, "id").to_owned());
    let first = sent.remove(0);
    hanging.hears().await;
    for _ in 0..10 {
        test(&town, &quick).await;
        well.hears().await;
    }
    assert!(hanging.also_heard().len() < 4, "of one endpoint nothing is known: few at once");
    drop(courier);
    // The next courier is quick to give up.
    let courier = town.courier(&hasty());
    let timed_out = delivery(&town, &first, attempted).await;
    assert_eq!(timed_out["log"][0]["reason"], "timed_out");
    assert_eq!((&timed_out["state"], &timed_out["log"][0]["status"]), (&json!("pending"), &Value::Null));
    let wait = timed_out["due"].as_i64().unwrap() - EVENING.0;
    assert!((5_000..=5_500).contains(&wait), "{wait}");
    let read = town.bakery.api.get(&format!("/v1/webhook_endpoints/{}", text(&slow, "id"))).await.json(200);
    assert_eq!(read["failing_since"], EVENING.0);
    courier.stop().await;
}

#[tokio::test]
async fn what_waits_for_a_slow_endpoint_goes_to_where_it_was_moved_meanwhile() {
    let town = desk().await;
    let mut hanging = Receiver::answering(vec![Reply::Hang; 64]).await;
    let mut well = Receiver::answering([]).await;
    let slow = endpoint(&town.bakery.api, &hanging.url()).await;
    for _ in 0..60 {
        test(&town, &slow).await;
    }
    let courier = town.courier(&hasty());
    hanging.hears().await;
    let moved = json!({ "url": well.url() });
    patch(&town.bakery.api, &format!("/v1/webhook_endpoints/{}", text(&slow, "id")), &moved).await.json(200);
    well.hears().await;
    assert!(hanging.also_heard().len() < 30, "most of what had been read for it already");
    courier.stop().await;
}

#[tokio::test]
async fn of_an_answer_the_beginning_is_kept_however_long_it_is_or_hangs() {
    let town = desk().await;
    let shop = Receiver::answering([Reply::Long(8 * 1024 * 1024), Reply::HangingBody]).await;
    let made = endpoint(&town.bakery.api, &shop.url()).await;
    let courier = town.courier(&hasty());
    let long = test(&town, &made).await;
    let long = delivery(&town, &long, attempted).await;
    assert_eq!((&long["state"], &long["log"][0]["status"]), (&json!("delivered"), &json!(200)));
    assert_eq!(long["log"][0]["excerpt"], "x".repeat(1024));
    let hanging = test(&town, &made).await;
    let hanging = delivery(&town, &hanging, attempted).await;
    assert_eq!((&hanging["state"], &hanging["log"][0]["excerpt"]), (&json!("delivered"), &json!("")));
    courier.stop().await;
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_what_failed_is_sent_again_when_asked() {
    let town = desk().await;
    let mut elsewhere = Receiver::answering([]).await;
    let redirect = || Reply::With(307, "location", elsewhere.url());
    let mut shop = Receiver::answering([redirect(), redirect()]).await;
    let made = endpoint(&town.bakery.api, &shop.url()).await;
    let courier = town.courier(&Settings::default());
    let bakery = &town.bakery.api;
    let mut ids = Vec::new();
    for _ in 0..2 {
        let sent = test(&town, &made).await;
        let failed = delivery(&town, &sent, |found| found["state"] == "failed").await;
        assert_eq!((&failed["reason"], &failed["log"][0]["status"]), (&json!("redirected"), &json!(307)));
        ids.push(shop.hears().await.id);
    }
    assert!(elsewhere.also_heard().is_empty());
    let list = format!("/v1/webhook_endpoints/{}/deliveries?state=failed", text(&made, "id"));
    let failed = bakery.get(&list).await.json(200);
    assert_eq!(failed["data"].as_array().unwrap().len(), 2);
    // The clock stands: which of the two comes first is by their ids.
    let newest_last = |page: &Value| [1, 0].map(|place| text(&page["data"][place], "message").to_owned());
    ids.sort();
    let mut listed = newest_last(&failed);
    listed.sort();
    assert_eq!(ids, listed);
    let ids = newest_last(&failed);

    // One by itself: under the same id, as a further attempt.
    let one = text(&failed["data"][0], "id");
    let again = bakery.post(&format!("/v1/webhook_deliveries/{one}/resend"), &json!({})).await.json(200);
    assert_eq!((&again["state"], &again["attempts"]), (&json!("pending"), &json!(1)));
    assert_eq!(shop.hears().await.id, ids[1]);
    let delivered = delivery(&town, &again, |found| found["state"] == "delivered").await;
    let numbers: Vec<_> =
        delivered["log"].as_array().unwrap().iter().map(|it| it["number"].as_u64()).collect();
    assert_eq!(numbers, [Some(2), Some(1)]);

    // And all that failed since.
    let resend = format!("/v1/webhook_endpoints/{}/resend", text(&made, "id"));
    let later = bakery.post(&resend, &json!({ "since": EVENING.0 + 1 })).await.json(200);
    assert_eq!(later, json!({ "resent": 0, "more": false }));
    let all = bakery.post(&resend, &json!({ "since": EVENING.0 })).await.json(200);
    assert_eq!(all, json!({ "resent": 1, "more": false }));
    assert_eq!(shop.hears().await.id, ids[0]);
    // What was delivered can be sent once more as well.
    delivery(&town, &failed["data"][1], |found| found["state"] == "delivered").await;
    bakery.post(&format!("/v1/webhook_deliveries/{one}/resend"), &json!({})).await.json(200);
    assert_eq!(shop.hears().await.id, ids[1]);
    courier.stop().await;
}

#[tokio::test]
async fn gone_disables_the_endpoint_and_cancels_what_waits_for_it() {
    let town = desk().await;
    let mut shop = Receiver::answering([Reply::Status(503)]).await;
    let bakery = &town.bakery.api;
    let made = endpoint(bakery, &shop.url()).await;
    let courier = town.courier(&Settings::default());
    let waits = test(&town, &made).await;
    delivery(&town, &waits, attempted).await;
    shop.answers(Reply::Status(410));
    let gone = test(&town, &made).await;
    for (sent, attempts) in [(gone, 1), (waits, 1)] {
        town.pass(6_000);
        let canceled = delivery(&town, &sent, |found| found["state"] == "canceled").await;
        assert_eq!((&canceled["reason"], &canceled["attempts"]), (&json!("disabled"), &json!(attempts)));
        let path = format!("/v1/webhook_deliveries/{}/resend", text(&canceled, "id"));
        assert_eq!(bakery.post(&path, &json!({})).await.problem(), (409, "webhook_endpoint_disabled".into()));
    }
    let path = format!("/v1/webhook_endpoints/{}", text(&made, "id"));
    let read = bakery.get(&path).await.json(200);
    assert_eq!((&read["state"], &read["disabled_by"]), (&json!("disabled"), &json!("gone")));
    assert_eq!(
        bakery.post(&format!("{path}/test"), &json!({})).await.problem(),
        (409, "webhook_endpoint_disabled".into())
    );
    patch(bakery, &path, &json!({ "enabled": true })).await.json(200);
    shop.also_heard();
    test(&town, &made).await;
    assert_eq!(shop.hears().await.kind(), "webhook.test");
    courier.stop().await;
}

#[tokio::test]
async fn what_failed_comes_again_under_its_id_when_it_is_due_and_as_late_as_the_server_asks() {
    let town = desk().await;
    let busy = Reply::With(503, "retry-after", "3600".into());
    let mut shop = Receiver::answering([Reply::Status(500), busy]).await;
    let made = endpoint(&town.bakery.api, &shop.url()).await;
    let courier = town.courier(&Settings::default());
    let sent = test(&town, &made).await;
    let first = shop.hears().await;
    delivery(&town, &sent, |found| found["attempts"] == 1).await;
    town.pass(5_500);
    let second = shop.hears().await;
    let waits = delivery(&town, &sent, |found| found["attempts"] == 2).await;
    assert_eq!(waits["due"], EVENING.0 + 5_500 + 3_600_000);
    let early = format!("/v1/webhook_deliveries/{}/resend", text(&sent, "id"));
    assert_eq!(town.bakery.api.post(&early, &json!({})).await.problem(), (409, "delivery_pending".into()));
    town.pass(3_600_000);
    let third = shop.hears().await;
    assert_eq!((&second.id, &second.body), (&first.id, &first.body));
    assert_eq!((&third.id, &third.body), (&first.id, &first.body));
    assert_ne!(third.timestamp, first.timestamp, "each attempt has its own time");
    let delivered = delivery(&town, &sent, |found| found["state"] == "delivered").await;
    let ends: Vec<_> = delivered["log"].as_array().unwrap().iter().map(|it| it["status"].clone()).collect();
    assert_eq!(ends, [204, 503, 500]);
    let read = town.bakery.api.get(&format!("/v1/webhook_endpoints/{}", text(&made, "id"))).await.json(200);
    assert_eq!(read["failing_since"], Value::Null);
    courier.stop().await;
}

#[tokio::test]
async fn a_name_that_leads_into_somebody_s_own_network_is_not_connected_to() {
    // Real money: as a platform is unless it is told otherwise.
    let rate = Rate { per_second: 1_000_000, burst: 1_000_000 };
    let town = Town::with(Rules { key_rate: rate, address_rate: rate, ..Rules::default() }).await;
    let mut inside = Receiver::answering([]).await;
    // At the time it was given the name led elsewhere, for all that anybody knows.
    let url = format!("https://localhost:{}/", inside.address.port());
    let made = endpoint(&town.bakery.api, &url).await;
    let courier = town.courier(&Settings::default());
    let sent = test(&town, &made).await;
    let refused = delivery(&town, &sent, attempted).await;
    assert_eq!(refused["log"][0]["reason"], "private_address");

    // And an address that got into the database by another way.
    let url = EndpointUrl::parse(&inside.url(), Mode::Test).unwrap();
    let new = server::app::NewEndpoint {
        merchant: town.bakery.id,
        url,
        wanted: Wanted::All,
        description: String::new(),
    };
    let shown = town.app.create_webhook_endpoint(new, None).await.unwrap();
    let sent = test(&town, &json!({ "id": shown.endpoint.id.to_string() })).await;
    let refused = delivery(&town, &sent, attempted).await;
    assert_eq!(refused["log"][0]["reason"], "private_address");
    courier.stop().await;
    assert!(inside.also_heard().is_empty());
}

#[tokio::test]
async fn who_cannot_be_reached_is_named() {
    let town = desk().await;
    let nobody = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}/", listener.local_addr().unwrap())
    };
    let courier = town.courier(&Settings::default());
    // No name has a label of 64 letters: that is known without asking anybody.
    let nowhere = format!("http://{}.example/", "a".repeat(64));
    for (url, reason) in [(nobody, "unreachable"), (nowhere, "name_not_found")] {
        let made = endpoint(&town.bakery.api, &url).await;
        let sent = test(&town, &made).await;
        let failed = delivery(&town, &sent, attempted).await;
        assert_eq!(failed["log"][0]["reason"], reason, "{url}");
    }
    assert_eq!(town.counted("webhook_attempts", "unreachable"), 1);
    courier.stop().await;
}

#[tokio::test]
async fn a_large_backlog_is_delivered_whole_and_each_once() {
    let town = desk().await;
    let mut shop = Receiver::answering([]).await;
    let made = endpoint(&town.bakery.api, &shop.url()).await;
    let id = text(&made, "id").parse().unwrap();
    for _ in 0..600 {
        town.app.test_webhook(None, id).await.unwrap();
    }
    let courier = town.courier(&Settings::default());
    let mut ids = std::collections::HashSet::new();
    soon("all of the backlog", async {
        while ids.len() < 600 {
            let heard = shop.hears().await;
            assert!(ids.insert(heard.id), "sent twice");
        }
    })
    .await;
    courier.stop().await;
    assert!(shop.also_heard().is_empty());
    assert_eq!(town.counted("webhook_attempts", "delivered"), 600);
}

#[tokio::test]
async fn an_attempt_whose_number_another_node_took_meanwhile_is_kept_under_the_next() {
    let town = desk().await;
    let answer = Arc::new(Notify::new());
    let mut shop = Receiver::answering([Reply::When(Arc::clone(&answer), 204)]).await;
    let made = endpoint(&town.bakery.api, &shop.url()).await;
    let courier = town.courier(&Settings::default());
    let sent = test(&town, &made).await;
    shop.hears().await;
    // It froze in the middle of keeping that its own attempt failed, lost the part, and woke.
    let raw = rusqlite::Connection::open(town.database()).unwrap();
    raw.execute_batch(&format!(
        "update webhook_delivery set attempts = 1, made = 1, due = due + 5000;
         insert into webhook_attempt select id, 1, {}, 7, 500, null, '' from webhook_delivery",
        EVENING.0
    ))
    .unwrap();
    answer.notify_one();
    let kept = delivery(&town, &sent, |delivery| delivery["state"] == "delivered").await;
    assert_eq!(kept["attempts"], 2);
    let mut log: Vec<_> = kept["log"].as_array().unwrap().iter().map(|attempt| &attempt["status"]).collect();
    log.sort_by_key(|status| status.as_u64());
    assert_eq!(log, [&json!(204), &json!(500)]);
    courier.stop().await;
    assert!(shop.also_heard().is_empty(), "what was delivered is not sent again");
}
