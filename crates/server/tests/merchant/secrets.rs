//! What must never be seen: the number of presses by a merchant, a whole card number, a key.

use std::io;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tracing_subscriber::EnvFilter;

use crate::town::customer::Answer;
use crate::town::{Town, Wish, keys};
use crate::{breakfast, breakfast_with, id_of};

/// All that a merchant reads of an order whose page shows this number, from its making to its end.
async fn what_a_merchant_reads(number: u8) -> Vec<String> {
    let mut town = Town::open().await;
    let mut card = town.card(Wish { has_display: false, ..Wish::default() }).await;
    // The third throw for an order is its number: 2 to 5.
    town.dice.load([None, None, Some(u128::from(number - 2) << 96)]);
    let bakery = &town.bakery.api;
    let made = bakery.post("/v1/orders", &breakfast(card.id)).await;
    let order = id_of(&made.json(201));
    assert_eq!(town.number(&order), Some(number));
    let mut read = vec![made];
    read.push(bakery.get(&format!("/v1/orders/{order}")).await);
    town.agrees(&mut card, number).await;
    assert!(card.is_green());
    read.push(bakery.get(&format!("/v1/orders/{order}")).await);
    read.push(bakery.cancel(&order).await);
    for path in ["/v1/orders", "/v1/balances", &format!("/v1/holders/{}/cards", card.information.holder)] {
        read.push(bakery.get(path).await);
    }
    let told = bakery.follow(&format!("/v1/orders/{order}/events"), None).await.rest().await;
    assert_eq!(told.len(), 3);
    read.into_iter().map(|answer| answer.body).chain(told.iter().map(|told| format!("{told:?}"))).collect()
}

#[tokio::test]
async fn nothing_that_a_merchant_reads_depends_on_the_number_of_presses() {
    // Two towns that differ in that number alone.
    let (two, five) = (what_a_merchant_reads(2).await, what_a_merchant_reads(5).await);
    assert_eq!(two, five);
    assert!(two.iter().all(|body| !body.contains("press")));
}

#[tokio::test]
async fn a_wrong_number_is_told_without_the_right_one() {
    let mut town = Town::open().await;
    let mut card = town.card(Wish { has_display: false, ..Wish::default() }).await;
    let order = id_of(&town.bakery.api.post("/v1/orders", &breakfast(card.id)).await.json(201));
    town.agrees(&mut card, 1).await;
    assert!(card.is_red());
    let declined = town.bakery.api.get(&format!("/v1/orders/{order}")).await.json(200);
    assert_eq!((&declined["state"], &declined["reason"]), (&json!("declined"), &json!("wrong_presses")));
    let page = town.public.get(&format!("/pay/{order}")).await;
    assert!(!page.body.contains("press-number"), "no second guess is helped");
}

/// What was logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_ever_answered_or_logged() {
    let log = Log::default();
    let writer = log.clone();
    // For the whole process: handlers and writer have threads of their own. What other tests log besides
    // holds none of this town's secrets. Only the network libraries are left out, being the callers' too.
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("trace,hyper=off,hyper_util=off,reqwest=off,mio=off"))
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    let mut town = Town::open().await;
    let mut card = town.card(Wish { holder: 0xfeed, has_display: false, ..Wish::default() }).await;
    let bakery = &town.bakery.api;

    let mut answers = Vec::new();
    let made = bakery.post("/v1/orders", &breakfast(card.id)).await;
    let order = id_of(&made.json(201));
    answers.push(made);
    // Everything that is refused with a word in the log: a forged frame, a clone's, a form from elsewhere.
    let hello = card.press();
    let mut forged = hello.clone();
    *forged.last_mut().unwrap() ^= 1;
    town.hears(&forged).await;
    let transaction = town.hears(&hello).await.unwrap();
    card.hear(&transaction);
    let number = town.number(&order).unwrap();
    let result = card.agree(number);
    let receipt = town.hears(&result).await.unwrap();
    card.hear(&receipt);
    let next = card.press();
    town.hears(&next).await;
    card.nothing_waits();
    let mut cloned = card.press();
    town.hears(&cloned).await;
    cloned.clone_from(&next);
    town.hears(&cloned).await;
    let cancel = town.public.request("POST", &format!("/pay/{order}/cancel"));
    answers.push(Answer::to(cancel.header("Sec-Fetch-Site", "cross-site")).await);

    for path in [
        format!("/v1/orders/{order}"),
        "/v1/orders".into(),
        "/v1/balances".into(),
        "/v1/holders/hld_000000000000feed/cards".into(),
        format!("/pay/{order}?lang=en"),
        format!("/pay/{order}?lang=zh"),
        "/openapi.json".into(),
        "/healthz".into(),
        "/readyz".into(),
    ] {
        answers.push(bakery.get(&path).await);
    }
    let refused = [("amount", json!(-1)), ("card", json!("card_0")), ("presses", json!(2))];
    for (field, value) in refused {
        answers.push(bakery.post("/v1/orders", &breakfast_with(card.id, field, value)).await);
    }
    for path in ["/console", "/console/cards", "/console/fleet", "/console/ledger", "/metrics"] {
        answers.push(town.operations.get(path).await);
    }

    let master = hex::encode(keys::MASTER);
    let secrets = [
        card.digits(),
        town.bakery.key.clone(),
        town.bakery.key["cf_live_".len()..].to_owned(),
        town.florist.key.clone(),
        "E12345678".into(),
        "王小明".into(),
        String::from_utf8(keys::MASTER.to_vec()).unwrap(),
        master,
    ];
    let logged = log.text();
    assert!(logged.contains("possible clone") && logged.contains("another site"), "the log is captured");
    for secret in &secrets {
        assert!(!logged.contains(secret), "{secret} was logged");
        for answer in &answers {
            assert!(!format!("{answer:?}").contains(secret), "{secret} was answered: {}", answer.body);
        }
    }
}
