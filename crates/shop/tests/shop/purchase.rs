//! Buying over real sockets: a server in the platform's place checks what the shop sends (bearer, idempotency key,
//! JSON body), and the shop's own pages are asked for as a browser would ask.

use std::time::Duration;

use serde_json::json;

use crate::stand::{Browser, CARD, FROZEN, KEY, both, platform, problem, shop_with};

const FORM: [(&str, &str); 2] = [("good", "breakfast"), ("card", CARD)];

async fn form(shop: &Browser) {
    assert_eq!(shop.get("/checkout?good=breakfast").await.status, 200);
}

#[tokio::test]
async fn a_breakfast_is_bought() {
    let (platform, shop) = both().await;
    let front = shop.get("/").await;
    assert_eq!(front.status, 200);
    front.says("¥20.00");
    front.says("value=\"breakfast\"");

    let bought = shop.post("/buy", &[("good", "breakfast")]).await;
    assert_eq!((bought.status, bought.header("location").as_str()), (303, "/checkout?good=breakfast"));
    let checkout = shop.get(&bought.header("location")).await;
    assert_eq!((checkout.status, checkout.header("cache-control").as_str()), (200, "no-store"));
    checkout.says("621234••••1232");
    assert!(!checkout.body.contains("card_0000c105"), "a closed card is offered");
    // The card in use comes first and is chosen; the frozen one is said to be so.
    assert!(checkout.body.find(CARD).unwrap() < checkout.body.find(FROZEN).unwrap());
    checkout.says("Frozen · With display");

    let sent = shop.post("/checkout", &FORM).await;
    assert_eq!(sent.status, 303, "{}", sent.body);
    let asked = platform.lock().unwrap().asked.clone();
    let [asked] = asked.as_slice() else { panic!("{asked:?}") };
    assert_eq!(asked.authorization, format!("Bearer {KEY}"));
    assert!((32..=64).contains(&asked.key.len()), "{}", asked.key);
    assert_eq!(asked.content_type, "application/json");
    let reference = asked.body["reference"].as_str().unwrap().to_owned();
    let return_url = format!("{}orders/{reference}", shop.origin);
    assert_eq!(
        asked.body,
        json!({"amount": 2000, "currency": "CNY", "card": CARD, "place": "Morning Market, stall 3",
               "text": "Breakfast", "reference": reference, "return_url": return_url, "lifetime_seconds": 180})
    );
    let id = format!("ord_{:032x}", 1);
    let pay_url = format!("{}pay/{id}", platform.lock().unwrap().address);
    assert_eq!(sent.header("location"), pay_url);

    let open = shop.get(&return_url).await;
    open.says("This order is waiting for your card.");
    open.says(&format!("href=\"{pay_url}\""));
    platform.lock().unwrap().orders.values_mut().for_each(|order| order["state"] = json!("paid"));
    for path in [return_url, format!("/orders/{id}")] {
        let paid = shop.get(&path).await;
        assert_eq!(paid.status, 200);
        for text in ["Thank you.", "621234••••1232", "2026-11-20 18:31 UTC", "¥20.00", id.as_str()] {
            paid.says(text);
        }
        assert!(!paid.body.contains(&pay_url) && !paid.body.contains(&asked.key));
    }
}

#[tokio::test]
async fn every_end_of_an_order_is_told_in_the_readers_language() {
    let (platform, shop) = both().await;
    form(&shop).await;
    let sent = shop.post("/checkout", &FORM).await;
    assert_eq!(sent.status, 303);
    let path = format!("/orders/ord_{:032x}", 1);
    for (state, reason, english, chinese) in [
        ("processing", None, "On your card now", "订单已发往卡片"),
        ("declined", Some("refused_by_holder"), "You refused it on the card.", "您已在卡片上拒绝支付"),
        ("declined", Some("not_me"), "The card is frozen and the issuer has been told.", "非本人操作"),
        ("declined", Some("over_card_limit"), "above the limit kept in the card", "超出卡片自身限额"),
        ("declined", Some("wrong_presses"), "did not match this page", "按键次数与本页不符"),
        ("declined", Some("card_frozen"), "The card is frozen. Please", "卡片已冻结"),
        ("declined", Some("holder_differs"), "The card is not in use.", "卡片未启用"),
        ("declined", Some("<new>"), "The payment was declined.", "支付未获批准"),
        ("expired", None, "did not answer in time", "订单已超时"),
        ("canceled", None, "withdrawn", "订单已取消"),
        ("failed", None, "Could not be carried out", "支付未能完成"),
    ] {
        for order in platform.lock().unwrap().orders.values_mut() {
            (order["state"], order["reason"]) = (json!(state), json!(reason));
        }
        shop.get(&format!("{path}?lang=en")).await.says(english);
        shop.get(&format!("{path}?lang=zh")).await.says(chinese);
    }
}

#[tokio::test]
async fn every_refusal_is_a_sentence_and_the_form_again() {
    let (platform, shop) = both().await;
    for (status, code, english, chinese) in [
        (402, "insufficient_funds", "not enough money", "可用余额不足"),
        (409, "card_frozen", "This card is frozen.", "此卡已冻结"),
        (409, "card_lost", "reported lost", "此卡已挂失"),
        (409, "card_expired", "has expired", "此卡已过有效期"),
        (409, "card_not_active", "not in use", "此卡未启用"),
        (404, "card_not_found", "does not know this card", "查不到此卡"),
        (429, "too_many_waiting", "Too many orders", "订单过多"),
        (409, "card_busy", "Another order is waiting", "等待确认"),
        (409, "idempotency_conflict", "already used", "已用于另一笔订单"),
        (429, "rate_limited", "very busy", "支付平台繁忙"),
        (422, "new_code", "The payment platform says: a<b", "支付平台的说明：a<b"),
    ] {
        platform.lock().unwrap().instead = Some(problem(status, code, "a<b"));
        for (language, sentence) in [("en", english), ("zh", chinese)] {
            assert_eq!(shop.get(&format!("/checkout?good=breakfast&lang={language}")).await.status, 200);
            let seen = shop.post("/checkout", &[("good", "breakfast"), ("card", FROZEN)]).await;
            assert_eq!(seen.status, 422, "{code}");
            seen.says(&sentence.replace('<', "&#60;"));
            seen.says("role=\"alert\"");
            seen.says("action=\"/checkout\"");
            let chosen = seen.body.split("<input").find(|input| input.contains(" checked")).unwrap();
            assert!(chosen.contains(FROZEN), "{chosen}");
            // The language switch of a page that answered a POST leads to the form again.
            seen.says("href=\"/checkout?good=breakfast&#38;lang=");
        }
    }
    // Each form had a ticket of its own: a refusal is not repeated to the next try.
    let mut keys: Vec<_> = platform.lock().unwrap().asked.iter().map(|asked| asked.key.clone()).collect();
    let all = keys.len();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), all);
}

#[tokio::test]
async fn a_form_buys_once() {
    let (platform, shop) = both().await;
    platform.lock().unwrap().delay = Duration::from_millis(300);
    form(&shop).await;
    // Hung up while the order is being made, then twice at once, then once more later.
    shop.post_and_leave("/checkout", &FORM, Duration::from_millis(100)).await;
    let (first, second) = tokio::join!(shop.post("/checkout", &FORM), shop.post("/checkout", &FORM));
    let third = shop.post("/checkout", &FORM).await;
    for seen in [&first, &second, &third] {
        assert_eq!((seen.status, seen.header("location")), (303, first.header("location")));
    }
    assert_eq!(platform.lock().unwrap().asked.len(), 1);

    // Another card is another purchase, and so is a new form.
    shop.post("/checkout", &[("good", "breakfast"), ("card", FROZEN)]).await;
    form(&shop).await;
    shop.post("/checkout", &FORM).await;
    assert_eq!(platform.lock().unwrap().orders.len(), 3);
}

#[tokio::test]
async fn an_answer_that_got_lost_does_not_buy_twice() {
    let (platform, shop) = both().await;
    form(&shop).await;
    platform.lock().unwrap().delay = Duration::from_secs(60);
    let started = std::time::Instant::now();
    let lost = shop.post("/checkout", &FORM).await;
    assert!((5..8).contains(&started.elapsed().as_secs()), "{:?}", started.elapsed());
    assert_eq!(lost.status, 504);
    lost.says("Try again. If your order arrived after all, you will be led to it");
    lost.says("href=\"/checkout?good=breakfast\"");

    // The new form goes out with the old ticket, because nobody knows what became of it.
    platform.lock().unwrap().delay = Duration::ZERO;
    form(&shop).await;
    assert_eq!(shop.post("/checkout", &FORM).await.status, 303);
    let key_count = {
        let platform = platform.lock().unwrap();
        assert_eq!((platform.asked.len(), platform.orders.len()), (2, 1));
        assert_eq!(platform.asked[0].body, platform.asked[1].body);
        platform.orders.len()
    };
    // Now it is known: the next form is a new purchase.
    form(&shop).await;
    assert_eq!(shop.post("/checkout", &FORM).await.status, 303);
    assert_eq!(platform.lock().unwrap().orders.len(), key_count + 1);
}

#[tokio::test]
async fn without_the_platform_the_shopper_is_told_what_to_do() {
    let gone = {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        format!("http://{}", listener.local_addr().unwrap()).parse().unwrap()
    };
    let shop = shop_with(&gone, |_| ()).await;
    assert_eq!(shop.get("/").await.status, 200);
    let healthy = shop.get("/healthz").await;
    assert_eq!((healthy.status, healthy.body.as_str()), (200, "ok\n"));
    let order = format!("/orders/ord_{:032x}", 1);
    for seen in [
        shop.get("/checkout?good=breakfast").await,
        shop.post("/checkout", &FORM).await,
        shop.get(&order).await,
    ] {
        assert_eq!(seen.status, 502);
        seen.says("The payment platform cannot be reached");
        seen.says("Wait a moment, then try again.");
    }
    shop.get(&format!("{order}?lang=zh")).await.says("无法连接支付平台");
}

#[tokio::test]
async fn an_answer_that_makes_no_sense_is_nobodys_order() {
    let (platform, shop) = both().await;
    form(&shop).await;
    let json = "application/json";
    let order = |id: &str, state: &str, pay_url: &str| {
        json!({"id": id, "state": state, "amount": 2000, "currency": "CNY", "card": CARD,
               "pay_url": pay_url, "created_at": 0})
        .to_string()
    };
    let pay_url = platform.lock().unwrap().address.join("/pay/1").unwrap().to_string();
    let id = format!("ord_{:032x}", 1);
    for instead in [
        (201, json, String::new()),
        (201, json, "[]".into()),
        (201, "text/html", "<html>".into()),
        (201, json, "x".repeat(300 * 1024)),
        (201, json, order("ord_../../x", "awaiting_card", &pay_url)),
        (201, json, order(&id, "eaten", &pay_url)),
        (201, json, order(&id, "awaiting_card", "javascript:alert(1)")),
        (201, json, order(&id, "awaiting_card", "https://evil.example/pay")),
        (302, json, order(&id, "awaiting_card", &pay_url)),
        (500, "text/plain", "Internal Server Error".into()),
        (402, "text/html", "<html>".into()),
        problem(500, "internal", "secrets of the platform"),
        problem(401, "unauthorized", "Give an API key."),
    ] {
        platform.lock().unwrap().instead = Some(instead.clone());
        let seen = shop.post("/checkout", &FORM).await;
        assert_eq!((seen.status, seen.header("location").as_str()), (502, ""), "{instead:?}");
        seen.says("Something failed on our side");
        seen.says("Try again");
        assert!(!seen.body.contains("secrets") && !seen.body.contains("evil"));
    }
    // None of them was taken for an order.
    platform.lock().unwrap().instead = None;
    let sent = shop.post("/checkout", &FORM).await;
    assert_eq!((sent.status, platform.lock().unwrap().orders.len()), (303, 1));
}

#[tokio::test]
async fn a_wrong_key_is_the_shops_own_trouble() {
    let platform = platform().await;
    let address = platform.lock().unwrap().address.clone();
    let shop =
        shop_with(&address, |config| config.api_key = shop::ApiKey::new("cf_test_wrong").unwrap()).await;
    let seen = shop.get("/checkout?good=breakfast").await;
    assert_eq!(seen.status, 502);
    seen.says("Something failed on our side");
    assert!(!seen.body.contains("cf_test"));
}

#[tokio::test]
async fn only_the_shoppers_own_cards_pay() {
    let (platform, shop) = both().await;
    form(&shop).await;
    for card in ["card_00000001", "", "card_0000c105", "<script>"] {
        let seen = shop.post("/checkout", &[("good", "breakfast"), ("card", card)]).await;
        assert_eq!(seen.status, 422);
        seen.says("This card is not saved with the shop.");
        assert!(!seen.body.contains("<script>"));
    }
    assert!(platform.lock().unwrap().asked.is_empty());
    platform.lock().unwrap().cards = json!({"data": []});
    shop.get("/checkout?good=breakfast").await.says("You have no saved card yet.");
}
