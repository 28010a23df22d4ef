//! Every way to ask wrongly has its own status and code, and changes nothing.

use serde_json::{Value, json};

use crate::town::customer::Answer;
use crate::town::{Town, Wish};
use crate::{breakfast, breakfast_with, id_of};

const NOT_THERE: &str = "ord_00000000000070008000000000000000";

/// Sends a body as it is.
async fn send(town: &Town, content_type: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = town.bakery.api.request("POST", "/v1/orders");
    Answer::to(request.header("Content-Type", content_type).body(body)).await
}

#[tokio::test]
async fn each_wrong_field_is_refused_by_its_own_code() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    let long = |length: usize| json!("x".repeat(length));
    let cases: Vec<(&str, Value, u16, &str)> = vec![
        ("amount", json!(-1), 422, "amount_negative"),
        ("amount", json!(i64::MIN), 422, "amount_negative"),
        ("amount", json!(-1e30), 422, "amount_negative"),
        ("amount", json!(0), 422, "amount_zero"),
        ("amount", json!(0.0), 422, "amount_zero"),
        ("amount", json!(-0.0), 422, "amount_zero"),
        ("amount", json!(4_294_967_296_u64), 422, "amount_too_large"),
        ("amount", json!(4_294_967_296.0), 422, "amount_too_large"),
        ("amount", json!(u64::MAX), 422, "amount_too_large"),
        ("amount", json!(1e30), 422, "amount_too_large"),
        ("amount", json!(20.5), 422, "amount_not_integer"),
        ("amount", json!(-0.5), 422, "amount_not_integer"),
        ("amount", json!("2000"), 400, "invalid_json"),
        ("amount", json!(null), 400, "invalid_json"),
        ("currency", json!("XXX"), 422, "unknown_currency"),
        ("currency", json!("cny"), 422, "unknown_currency"),
        ("currency", json!(""), 422, "unknown_currency"),
        ("exponent", json!(0), 422, "wrong_exponent"),
        ("exponent", json!(3), 422, "wrong_exponent"),
        ("exponent", json!(256), 422, "wrong_exponent"),
        ("exponent", json!(2.5), 422, "wrong_exponent"),
        ("exponent", json!("2"), 400, "invalid_json"),
        ("card", json!("card_xyz"), 422, "invalid_card_id"),
        ("card", json!(""), 422, "invalid_card_id"),
        ("card", json!("card_000000000"), 422, "invalid_card_id"),
        ("card", json!("card_00000000"), 404, "no_such_card"),
        ("place", json!(""), 422, "invalid_place"),
        ("place", long(65), 422, "invalid_place"),
        ("place", json!("a\nb"), 422, "invalid_place"),
        ("place", json!("a\u{85}b"), 422, "invalid_place"),
        ("text", json!(""), 422, "invalid_text"),
        ("text", long(21), 422, "invalid_text"),
        ("text", json!("早餐早餐早餐早"), 422, "invalid_text"),
        ("text", json!("a\u{0}b"), 422, "invalid_text"),
        ("reference", long(65), 422, "invalid_reference"),
        ("reference", json!("a\tb"), 422, "invalid_reference"),
        ("return_url", json!("javascript:alert(1)"), 422, "invalid_return_url"),
        ("return_url", json!("//shop.example"), 422, "invalid_return_url"),
        ("return_url", json!("https://"), 422, "invalid_return_url"),
        ("return_url", json!("https://shop.example/\r\nX: y"), 422, "invalid_return_url"),
        ("return_url", json!(format!("https://{}", "x".repeat(505))), 422, "invalid_return_url"),
        ("lifetime_seconds", json!(9), 422, "invalid_lifetime"),
        ("lifetime_seconds", json!(86_401), 422, "invalid_lifetime"),
        ("lifetime_seconds", json!(-1), 422, "invalid_lifetime"),
        ("lifetime_seconds", json!(90.5), 422, "invalid_lifetime"),
        ("lifetime_seconds", json!(1e30), 422, "invalid_lifetime"),
        ("lifetime_seconds", json!("180"), 400, "invalid_json"),
        ("when_busy", json!("shout"), 400, "invalid_json"),
        ("presses", json!(3), 400, "invalid_json"),
        ("merchant", json!(1), 400, "invalid_json"),
    ];
    for (field, value, status, code) in cases {
        let refused = town.bakery.api.post("/v1/orders", &breakfast_with(card, field, value.clone())).await;
        assert_eq!(refused.problem(), (status, code.into()), "{field}: {value}");
    }
    assert_eq!(town.bakery.api.get("/v1/orders").await.json(200)["data"], json!([]));
}

#[tokio::test]
async fn the_longest_of_everything_is_taken() {
    let mut town = Town::open().await;
    let card = town.card(Wish { funds: 4_294_967_295, ..Wish::default() }).await.id;
    let fields: [(&str, Value); 9] = [
        ("place", json!("市".repeat(64))),
        ("text", json!("x".repeat(20))),
        ("text", json!("早餐早餐早餐")),
        ("reference", json!("é".repeat(64))),
        ("return_url", json!(format!("https://{}", "x".repeat(504)))),
        ("lifetime_seconds", json!(86_400)),
        // Written otherwise, and the same number.
        ("lifetime_seconds", json!(86_400.0)),
        ("exponent", json!(2.0)),
        ("amount", json!(4_294_967_295_u32)),
    ];
    for (field, value) in fields {
        let made = town.bakery.api.post("/v1/orders", &breakfast_with(card, field, value.clone())).await;
        let order = made.json(201);
        // What an order does not say.
        if !["lifetime_seconds", "exponent"].contains(&field) {
            assert_eq!(order[field], value);
        }
        town.bakery.api.cancel(&id_of(&order)).await.json(200);
    }
}

#[tokio::test]
async fn a_body_that_is_none_is_refused() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    let right = breakfast(card).to_string();
    let twice = right.replacen('{', r#"{"amount":1,"#, 1);
    let huge = right.replace("2000", "1e400");
    // The fields in their order are no order.
    let list = json!([2000, "CNY", 2, card.to_string(), "Corner Shop"]).to_string();
    let bodies = ["", "{", "[]", "null", "{}", "not json", &right[..right.len() - 1], &twice, &huge, &list];
    for body in bodies {
        let refused = send(&town, "application/json", body.to_owned()).await;
        assert_eq!(refused.problem(), (400, "invalid_json".into()), "{body}");
    }
    let refused = send(&town, "application/json", b"{\"place\":\"\xff\"}".to_vec()).await;
    assert_eq!(refused.problem(), (400, "invalid_json".into()));

    for content_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", "json"] {
        let refused = send(&town, content_type, right.clone()).await;
        assert_eq!(refused.problem(), (415, "wrong_media_type".into()), "{content_type}");
    }
    let unnamed = Answer::to(town.bakery.api.request("POST", "/v1/orders").body(right.clone())).await;
    assert_eq!(unnamed.problem(), (415, "wrong_media_type".into()));

    let padded = |length: usize| format!("{right}{}", " ".repeat(length - right.len()));
    let refused = send(&town, "application/json", padded(16 * 1024 + 1)).await;
    assert_eq!(refused.problem(), (413, "body_too_large".into()));
    send(&town, "application/json", padded(16 * 1024)).await.json(201);
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    let town = Town::open().await;
    for (path, status, code) in [
        ("/v1/orders/ord_1", 422, "invalid_order_id"),
        ("/v1/orders/ORD_00000000000070008000000000000000", 422, "invalid_order_id"),
        ("/v1/orders/ord_0000000000007000800000000000000G", 422, "invalid_order_id"),
        // Not UTF-8 at all.
        ("/v1/orders/%FF", 422, "invalid_order_id"),
        ("/v1/orders/%FF/events", 422, "invalid_order_id"),
        ("/v1/holders/%FF/cards", 422, "invalid_holder"),
        ("/v1/holders/me/cards", 422, "invalid_holder"),
        ("/v1/orders/ord_1/events", 422, "invalid_order_id"),
        ("/v1/orders?limit=0", 400, "invalid_query"),
        ("/v1/orders?limit=101", 400, "invalid_query"),
        ("/v1/orders?limit=-1", 400, "invalid_query"),
        ("/v1/orders?limit=ten", 400, "invalid_query"),
        ("/v1/orders?limit=1&limit=2", 400, "invalid_query"),
        ("/v1/orders?page=2", 400, "invalid_query"),
        ("/v1/orders?before=yesterday", 422, "invalid_order_id"),
        ("/v1/orders/ord_00000000000070008000000000000000", 404, "no_such_order"),
        ("/v1/orders/ord_00000000000070008000000000000000/events", 404, "no_such_order"),
        ("/v1/orders/", 404, "no_such_endpoint"),
        ("/v1", 404, "no_such_endpoint"),
        ("/v2/orders", 404, "no_such_endpoint"),
        ("/nothing", 404, "no_such_endpoint"),
    ] {
        assert_eq!(town.bakery.api.get(path).await.problem(), (status, code.into()), "{path}");
    }
    for (order, status, code) in [
        ("ord_1", 422, "invalid_order_id"),
        ("%FF", 422, "invalid_order_id"),
        (NOT_THERE, 404, "no_such_order"),
    ] {
        assert_eq!(town.bakery.api.cancel(order).await.problem(), (status, code.into()), "{order}");
    }
}

#[tokio::test]
async fn a_method_that_a_path_does_not_take_is_refused() {
    let town = Town::open().await;
    let order = format!("/v1/orders/{NOT_THERE}");
    for (method, path, allowed) in [
        ("DELETE", "/v1/orders".to_owned(), "POST"),
        ("PUT", order.clone(), "GET"),
        ("POST", format!("{order}/events"), "GET"),
        ("GET", format!("{order}/cancel"), "POST"),
        ("POST", "/v1/balances".into(), "GET"),
        ("PATCH", "/v1/holders/hld_1122334455667788/cards".into(), "GET"),
    ] {
        let refused = Answer::to(town.bakery.api.request(method, &path)).await;
        assert_eq!(refused.problem(), (405, "method_not_allowed".into()), "{method} {path}");
        assert!(refused.header("allow").contains(allowed), "{method} {path}: {:?}", refused.headers);
    }
}

#[tokio::test]
async fn who_has_no_key_or_a_wrong_one_learns_nothing() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card)).await.json(201));
    let path = format!("/v1/orders/{order}");
    let right = town.bakery.key.clone();
    let (other_key, shorter) = (right.replace("cf_live_", "cf_test_"), &right[..right.len() - 1]);
    for (authorization, code) in [
        (None, "no_api_key"),
        (Some(String::new()), "no_api_key"),
        (Some(right.clone()), "no_api_key"),
        (Some("Basic Y2Y6".into()), "no_api_key"),
        (Some("Bearer ".into()), "no_api_key"),
        (Some("Bearer cf_live_0".into()), "wrong_api_key"),
        (Some(format!("Bearer {other_key}")), "test_mode_off"),
        (Some(format!("Bearer {shorter}")), "wrong_api_key"),
        (Some(format!("Bearer {right} {right}")), "wrong_api_key"),
    ] {
        let mut request = town.public.request("GET", &path);
        if let Some(value) = &authorization {
            request = request.header("Authorization", value);
        }
        let refused = Answer::to(request).await;
        assert_eq!(refused.problem(), (401, code.into()), "{authorization:?}");
        assert_eq!(refused.header("www-authenticate"), "Bearer");
    }
    // The scheme's name has no case (RFC 9110, 11.1).
    let request = town.public.request("GET", &path).header("Authorization", format!("bearer {right}"));
    Answer::to(request).await.json(200);
}

#[tokio::test]
async fn another_merchants_order_is_as_good_as_none() {
    let mut town = Town::open().await;
    let card = town.card(Wish::default()).await.id;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card)).await.json(201));
    let stranger = &town.florist.api;
    let none = (404, "no_such_order".to_owned());
    assert_eq!(stranger.get(&format!("/v1/orders/{order}")).await.problem(), none);
    assert_eq!(stranger.get(&format!("/v1/orders/{order}/events")).await.problem(), none);
    assert_eq!(stranger.cancel(&order).await.problem(), none);
    assert_eq!(stranger.get("/v1/orders").await.json(200)["data"], json!([]));
    // As a cursor it is a place in time and no more.
    let listed = stranger.get(&format!("/v1/orders?before={order}")).await.json(200);
    assert_eq!(listed["data"], json!([]));
    assert_eq!(town.state(order.parse().unwrap()), "awaiting_card");
}
