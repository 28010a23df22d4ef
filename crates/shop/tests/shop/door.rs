//! What the shop lets in and what it tells browsers: policies, languages, hostile text, forms from elsewhere.

use serde_json::json;
use shop::{DeskCardConfig, DeskConfig, Url};

use crate::stand::{CARD, both, platform, shop_with};

#[tokio::test]
async fn every_answer_carries_its_policy() {
    let platform = platform().await;
    let address = platform.lock().unwrap().address.clone();
    let shop = shop_with(&address, |config| {
        config.platform_origin = Url::parse("https://pay.example/ignored?path").unwrap();
        config.frame_ancestors = vec![Url::parse("https://fair.example/").unwrap()];
    })
    .await;
    for path in ["/", "/checkout?good=breakfast", "/nowhere", "/assets/app.css", "/healthz", "/desk/"] {
        let seen = shop.get(path).await;
        assert_eq!(
            seen.header("content-security-policy"),
            "default-src 'self'; object-src 'none'; base-uri 'none'; frame-src 'none'; \
             form-action 'self' https://pay.example; frame-ancestors 'self' https://fair.example",
            "{path}"
        );
        assert_eq!(seen.header("x-content-type-options"), "nosniff");
        assert_eq!(seen.header("referrer-policy"), "same-origin");
    }
}

#[tokio::test]
async fn the_desk_frames_the_shop_and_its_cards() {
    let (_, plain) = both().await;
    assert_eq!(plain.get("/desk").await.status, 404);

    let platform = platform().await;
    let address = platform.lock().unwrap().address.clone();
    let shop = shop_with(&address, |config| {
        let card = DeskCardConfig {
            label: "<b>1232</b>".into(),
            url: Url::parse("http://127.0.0.1:8082/cards/1").unwrap(),
        };
        let console_url = Some(Url::parse("http://127.0.0.1:8080/console").unwrap());
        config.desk = Some(DeskConfig { cards: vec![card], console_url });
    })
    .await;
    let desk = shop.get("/desk?lang=zh").await;
    assert_eq!(desk.status, 200);
    desk.says("src=\"/?lang=zh\"");
    desk.says("src=\"http://127.0.0.1:8082/cards/1?bare=1&#38;lang=zh\"");
    desk.says("href=\"http://127.0.0.1:8080/console\"");
    desk.says("&#60;b&#62;1232");
    let policy = desk.header("content-security-policy");
    assert!(policy.contains("frame-src *;") && policy.ends_with("frame-ancestors 'none'"), "{policy}");
}

#[tokio::test]
async fn the_language_is_asked_for_kept_and_guessed() {
    let (_, shop) = both().await;
    shop.get_with("/", &[("accept-language", "fr, zh-CN;q=0.8")]).await.says("<html lang=\"zh-Hans\">");
    shop.get("/?lang=xx").await.says("<html lang=\"en\">");
    assert!(shop.cookies.lock().unwrap().is_empty());
    let asked = shop.get("/checkout?good=baozi&lang=zh").await;
    asked.says("包子");
    asked.says("href=\"/checkout?good=baozi&#38;lang=en\"");
    let kept = shop.get_with("/", &[("accept-language", "en")]).await;
    kept.says("早市");
    assert!(kept.headers.get("set-cookie").is_none());
    shop.get("/?lang=en").await.says("Morning Market");
    shop.get("/").await.says("Morning Market");
}

#[tokio::test]
async fn forms_from_elsewhere_do_nothing() {
    let (platform, shop) = both().await;
    shop.get("/checkout?good=breakfast").await;
    let form = [("good", "breakfast"), ("card", CARD)];
    for headers in [
        [("sec-fetch-site", "cross-site"), ("origin", "http://evil.example")],
        [("sec-fetch-site", "same-site"), ("origin", "http://127.0.0.1:1")],
        [("x", "y"), ("origin", "http://evil.example")],
        [("x", "y"), ("origin", "null")],
    ] {
        for path in ["/buy", "/checkout", "/nowhere"] {
            let seen = shop.post_with(path, &form, &headers).await;
            assert_eq!(seen.status, 403, "{path} {headers:?}");
            seen.says("This was not sent from our shop");
        }
    }
    assert!(platform.lock().unwrap().asked.is_empty());
    let own = shop.origin.origin().ascii_serialization();
    assert_eq!(shop.post_with("/checkout", &form, &[("origin", &own)]).await.status, 303);
}

#[tokio::test]
async fn hostile_text_stays_text() {
    let (platform, shop) = both().await;
    let hostile = "\"><script>alert(1)</script>";
    platform.lock().unwrap().cards =
        json!({"data": [{"id": hostile, "number": hostile, "has_display": false, "state": "active"}]});
    let checkout = shop.get("/checkout?good=breakfast").await;
    assert_eq!(checkout.status, 200);
    checkout.says("&#60;script&#62;alert(1)");
    assert!(!checkout.body.contains("<script>"));
    assert_eq!(shop.post("/checkout", &[("good", "breakfast"), ("card", hostile)]).await.status, 303);
    for order in platform.lock().unwrap().orders.values_mut() {
        for name in ["text", "currency", "reason"] {
            order[name] = json!(hostile);
        }
        (order["state"], order["pay_url"]) = (json!("processing"), json!("javascript:alert(1)"));
        (order["amount"], order["created_at"]) = (json!(i64::MIN), json!(i64::MAX));
    }
    let receipt = shop.get(&format!("/orders/ord_{:032x}", 1)).await;
    assert_eq!(receipt.status, 200);
    receipt.says("&#60;script&#62;");
    assert!(!receipt.body.contains("<script>") && !receipt.body.contains("javascript:"));
}

#[tokio::test]
async fn what_is_not_there_is_said_so() {
    let (_, shop) = both().await;
    for path in [
        "/nowhere",
        "/checkout",
        "/checkout?good=caviar",
        "/checkout?good=%3Cscript%3E",
        "/checkout?good=baozi&good=baozi",
        "/checkout?good=%FF",
        "/orders/ord_0000000000000000000000000000ffff",
        "/orders/mm-00000000000000000000000000000000",
        "/orders/%2e%2e%2fholders",
        "/orders/%FF",
        "/assets/..%2fCargo.toml",
        "/assets/%FF",
        "/desk",
        "//evil.example",
    ] {
        let path = format!("{}{}", shop.origin.origin().ascii_serialization(), path);
        let seen = shop.get(&path).await;
        assert_eq!(seen.status, 404, "{path}");
        seen.says("This page is not here");
        assert!(!seen.body.contains("<script>") && !seen.body.contains("evil"));
    }
    let form = [("good", "caviar"), ("card", CARD)];
    for path in ["/buy", "/checkout"] {
        assert_eq!(shop.post(path, &form).await.status, 404);
    }
    assert_eq!(shop.get("/buy").await.status, 405);
    assert_eq!(shop.post("/", &[]).await.status, 405);
}

#[tokio::test]
async fn a_form_is_small_and_well_formed() {
    let (_, shop) = both().await;
    let long = "x".repeat(17 * 1024);
    for path in ["/buy", "/checkout"] {
        let seen = shop.post(path, &[("good", &long)]).await;
        assert_eq!(seen.status, 413);
        seen.says("We could not read this form");
        assert_eq!(shop.post(path, &[("good", "baozi"), ("good", "baozi")]).await.status, 422);
        // Not a form at all.
        let seen = shop.post_with(path, &[], &[("content-type", "text/plain")]).await;
        assert_eq!(seen.status, 415);
    }
}

#[tokio::test]
async fn assets_are_sent_once() {
    let (_, shop) = both().await;
    let first = shop.get("/assets/app.css").await;
    assert_eq!((first.status, first.header("content-type").as_str()), (200, "text/css; charset=utf-8"));
    let again = shop.get_with("/assets/app.css", &[("if-none-match", &first.header("etag"))]).await;
    assert_eq!((again.status, again.body.as_str()), (304, ""));
}
