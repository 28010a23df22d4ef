//! What people look at: an order's page, the operators' console, and what a prober asks.

use serde_json::json;

use crate::town::customer::Answer;
use crate::town::{Town, Wish};
use crate::{breakfast, breakfast_with, id_of};

fn is_page(answer: &Answer, status: u16) -> bool {
    answer.status == status && answer.header("content-type").starts_with("text/html")
}

/// How often one text stands in another.
fn times(text: &str, part: &str) -> usize {
    text.matches(part).count()
}

#[tokio::test]
async fn an_orders_page_shows_its_number_once_in_both_languages() {
    let mut town = Town::open().await;
    let card = town.card(Wish { has_display: false, ..Wish::default() }).await;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    let number = town.number(&order).unwrap();
    let english = match number {
        2 => "Press the key on your card twice".to_owned(),
        more => format!("Press the key on your card {more} times"),
    };
    let chinese = format!("请按卡片按键 {number} 次");
    for (language, tag, instruction) in [("en", "en", english), ("zh", "zh-Hans", chinese)] {
        let page = town.public.get(&format!("/pay/{order}?lang={language}")).await;
        assert!(is_page(&page, 200));
        assert_eq!(page.header("cache-control"), "no-store", "nobody on the way keeps the number");
        assert!(page.body.contains(&format!("<html lang=\"{tag}\"")));
        assert_eq!(times(&page.body, &format!("<span class=\"press-number\">{number}</span>")), 1);
        assert_eq!(times(&page.body, "press-number"), 1);
        assert_eq!(times(&page.body, &instruction), 1);
        assert!(page.body.contains("晨光早餐铺") && page.body.contains("20.00"));
        let digits = card.digits();
        assert!(page.body.contains(&format!("{}••••{}", &digits[..6], &digits[12..])));
        // Whoever chose a language keeps it.
        assert!(page.header("set-cookie").starts_with(&format!("lang={language};")));
    }
}

#[tokio::test]
async fn an_orders_page_follows_its_order_to_the_end() {
    let mut town = Town::open().await;
    let mut card = town.card(Wish { has_display: false, ..Wish::default() }).await;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    let number = town.number(&order).unwrap();
    let mut live = town.public.follow(&format!("/pay/{order}/live?lang=zh"), None).await;
    let waiting = live.next().await.unwrap();
    assert_eq!(waiting.event, "order");
    assert_eq!(times(&waiting.data, &format!("<span class=\"press-number\">{number}</span>")), 1);
    assert!(waiting.data.contains(&format!("请按卡片按键 {number} 次")));

    town.prompts(&mut card).await;
    let lit = live.next().await.unwrap();
    assert_eq!((lit.event.as_str(), lit.data == waiting.data), ("order", false));
    let result = card.agree(number);
    town.hears(&result).await.unwrap();
    let paid = live.next().await.unwrap();
    assert_eq!(paid.event, "order");
    assert!(!paid.data.contains("press-number"), "the number has served");
    assert_eq!(live.next().await.unwrap().event, "end");
    assert_eq!(live.next().await, None);

    // A browser that connects again after the end is told so at once.
    let again = town.public.follow(&format!("/pay/{order}/live"), None).await.rest().await;
    assert_eq!(again.iter().map(|told| told.event.as_str()).collect::<Vec<_>>(), ["order", "end"]);
}

#[tokio::test]
async fn a_page_of_no_order_says_so() {
    let town = Town::open().await;
    for id in ["ord_00000000000070008000000000000000", "ord_1", "%FF"] {
        assert!(is_page(&town.public.get(&format!("/pay/{id}")).await, 404), "{id}");
    }
}

#[tokio::test]
async fn what_a_merchant_writes_is_text_on_a_page() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    let script = "<script>alert(1)</script>";
    let order = breakfast_with(card, "place", json!(script));
    let order = id_of(&town.bakery.api.post("/v1/orders", &order).await.json(201));
    for page in [town.public.get(&format!("/pay/{order}")).await, town.operations.get("/console").await] {
        assert!(is_page(&page, 200));
        assert!(!page.body.contains(script));
    }
}

#[tokio::test]
async fn a_buyer_takes_an_order_back_on_its_own_page_only() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card)).await.json(201));
    let path = format!("/pay/{order}/cancel");
    for (header, value) in [
        ("Sec-Fetch-Site", "cross-site"),
        ("Sec-Fetch-Site", "same-site"),
        ("Origin", "https://evil.example"),
        ("Origin", "null"),
    ] {
        let refused = Answer::to(town.public.request("POST", &path).header(header, value)).await;
        assert_eq!(refused.status, 403, "{header}: {value}");
    }
    assert_eq!(town.state(order.parse().unwrap()), "awaiting_card");
    // A link cannot do it either.
    assert_eq!(town.public.get(&path).await.status, 405);

    for _ in 0..2 {
        let request = town.public.request("POST", &path).header("Sec-Fetch-Site", "same-origin");
        let done = Answer::to(request).await;
        assert_eq!((done.status, done.header("location")), (303, &*format!("/pay/{order}")));
    }
    assert_eq!(town.state(order.parse().unwrap()), "canceled");
    assert_eq!(town.counted("payments", "canceled"), 1);
}

#[tokio::test]
async fn browsers_are_told_what_to_allow() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card)).await.json(201));
    let framed = "frame-ancestors 'self' http://desk.example";
    for (customer, path, ancestors) in [
        (&town.public, format!("/pay/{order}"), framed),
        (&town.public, "/pay/nothing".into(), framed),
        (&town.public, "/assets/app.css".into(), framed),
        (&town.operations, "/console".into(), "frame-ancestors 'self'"),
        (&town.operations, "/console/ledger".into(), "frame-ancestors 'self'"),
    ] {
        let answer = customer.get(&path).await;
        let policy = answer.header("content-security-policy");
        assert!(policy.starts_with("default-src 'self'; object-src 'none'; base-uri 'none';"), "{path}");
        assert!(policy.ends_with(ancestors), "{path}: {policy}");
        assert_eq!(answer.header("x-content-type-options"), "nosniff");
        assert_eq!(answer.header("referrer-policy"), "same-origin");
    }
}

#[tokio::test]
async fn every_file_that_a_page_names_is_there() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card)).await.json(201));
    let page = town.public.get(&format!("/pay/{order}")).await.body;
    let named: Vec<&str> =
        page.split("\"/assets/").skip(1).map(|rest| rest.split('"').next().unwrap()).collect();
    assert!(named.len() >= 3, "{named:?}");
    for name in named {
        assert_eq!(town.public.get(&format!("/assets/{name}")).await.status, 200, "{name}");
    }
}

#[tokio::test]
async fn the_console_shows_what_happened() {
    let mut town = Town::open().await;
    let mut card = town.card(Wish::default()).await;
    let paid = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    town.agrees(&mut card, 1).await;
    let waits = id_of(&town.florist.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    let digits = card.digits();
    let masked = format!("{}••••{}", &digits[..6], &digits[12..]);
    let (id, channel) = (card.id.to_string(), card.link.channel.to_string());

    let moved = town.operations.get("/").await;
    assert_eq!((moved.status, moved.header("location")), (303, "/console"));
    let pages: [(&str, Vec<&str>); 4] = [
        ("/console", vec!["2026-11-20", &paid, &waits, "晨光早餐铺", &masked, "20.00"]),
        ("/console/cards", vec![&masked, &id, "王••", &channel, "960.00"]),
        ("/console/fleet", vec![&channel, &id, &masked]),
        ("/console/ledger", vec!["CNY", "is-balanced", "980.00", "960.00", "20.00", "−¥1,000.00"]),
    ];
    for (path, shown) in pages {
        for language in ["en", "zh"] {
            let page = town.operations.get(&format!("{path}?lang={language}")).await;
            assert!(is_page(&page, 200), "{path}");
            for text in &shown {
                assert!(page.body.contains(text), "{path} in {language} does not show {text}: {}", page.body);
            }
        }
    }
}

#[tokio::test]
async fn a_prober_learns_that_it_lives_and_can_work() {
    let town = Town::open().await;
    for customer in [&town.public, &town.operations] {
        let alive = customer.get("/healthz").await;
        assert_eq!((alive.status, alive.body.as_str()), (200, "alive\n"));
        let ready = customer.get("/readyz").await;
        assert_eq!((ready.status, ready.body.as_str()), (200, "ready\n"));
    }
}

#[tokio::test]
async fn what_was_counted_is_read_as_openmetrics() {
    let mut town = Town::open().await;
    let mut card = town.card(Wish::default()).await;
    town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201);
    town.agrees(&mut card, 1).await;
    let metrics = town.operations.get("/metrics").await;
    assert_eq!(metrics.status, 200);
    assert!(metrics.header("content-type").starts_with("application/openmetrics-text; version=1.0.0"));
    assert!(metrics.body.ends_with("# EOF\n"));
    for line in [
        "counterfoil_payments_total{outcome=\"paid\"} 1",
        "counterfoil_step_seconds_count{step=\"order_created\"} 1",
        "counterfoil_step_seconds_count{step=\"hello_to_transaction\"} 1",
        "counterfoil_step_seconds_count{step=\"result_to_receipt\"} 1",
        "counterfoil_write_queue 0",
    ] {
        assert_eq!(times(&metrics.body, line), 1, "{line} in\n{}", metrics.body);
    }
}

#[tokio::test]
async fn what_is_for_operators_is_not_where_merchants_are() {
    let town = Town::open().await;
    for path in ["/metrics", "/console", "/console/cards", "/console/fleet", "/console/ledger"] {
        let none = town.bakery.api.get(path).await;
        assert_eq!(none.problem(), (404, "no_such_endpoint".into()), "{path}");
    }
    for path in ["/v1/orders", "/v1/balances", "/docs/", "/pay/ord_00000000000070008000000000000000"] {
        assert_eq!(town.operations.get(path).await.status, 404, "{path}");
    }
}
