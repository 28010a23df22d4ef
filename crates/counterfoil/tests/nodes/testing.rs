//! The test mode of several nodes: one database of its own, and a card that acts at one of them at a time.

use cluster::Cluster;
use serde_json::{Value, json};

use crate::program::merchant::Merchant;
use crate::program::platform::Platform;
use crate::region::{Region, sees};

async fn asked(merchant: &Merchant, method: &str, path: &str, body: Value) -> Value {
    let answer = merchant.asks(method, path, Some(body)).await;
    assert!(answer.status().is_success(), "{method} {path}: {}", answer.status());
    answer.json().await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_test_card_does_what_it_is_told_whichever_node_has_it_act() {
    let mut region = Region::new();
    let (north, south) = (region.node("north"), region.node("south"));
    let tests = Cluster::shared().fresh(None).unwrap();
    for node in [&north, &south] {
        let section = format!("\n[test_mode]\ndatabase = \"{}\"\n", tests.url);
        let text = std::fs::read_to_string(&node.config).unwrap();
        std::fs::write(&node.config, text + &section).unwrap();
    }
    let said = north.run(&["merchant", "add", "Morning Market"]).well();
    let key = said.split_whitespace().find(|word| word.starts_with("cf_test_")).unwrap();
    for name in ["test-keys.cfks", "test-keys.passphrase"] {
        std::fs::copy(north.data.join(name), south.data.join(name)).unwrap();
    }
    let _serving = (north.serve(), south.serve());
    sees(&north, 2).await;
    let at = |node: &Platform| Merchant::new(node.http, key);
    let at = [at(&north), at(&south)];
    let card = asked(&at[0], "POST", "/v1/test/cards", json!({ "otherwise": "silent" })).await;
    let card = card["id"].as_str().unwrap().to_owned();

    // Every second each node looks for what is to be done, while orders are made at both.
    let answers = ["agree", "refuse", "fail", "repeat"];
    let ends = ["paid", "declined", "failed", "paid"];
    let mut paid = 0;
    for round in 0..24_usize {
        let (which, here, there) = (round % 4, &at[round % 2], &at[(round + 1) % 2]);
        let script = json!({ "answers": [answers[which], "silent"], "otherwise": "silent" });
        asked(here, "PUT", &format!("/v1/test/cards/{card}/script"), script).await;
        let order = there.order(&card, 100).await;
        assert_eq!(here.read(&order.id).await.state, ends[which], "{round}");
        paid += if ends[which] == "paid" { 100 } else { 0 };
    }
    assert_eq!(at[0].balance().await, paid);
    // What one node sets ahead the other follows.
    let order = at[0].order(&card, 100).await;
    let body = json!({ "seconds": 601 });
    let clock = asked(&at[0], "POST", "/v1/test/clock/advance", body).await;
    assert_eq!(at[1].read(&order.id).await.state, "expired");
    assert_eq!(clock["ahead_seconds"], 601);
}
