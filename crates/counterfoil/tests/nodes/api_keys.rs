//! A merchant's API key at several nodes: what is revoked at one is refused at each.

use reqwest::StatusCode;
use serde_json::Value;

use crate::program::merchant::Merchant;
use crate::region::{Region, sees};

async fn refused(merchant: &Merchant, status: StatusCode, code: &str) {
    let answer = merchant.asks("POST", "/v1/orders", None).await;
    assert_eq!(answer.status(), status);
    assert_eq!(answer.json::<Value>().await.unwrap()["code"], code);
}

/// The line of a key in the list.
fn listed(said: &str, id: &str) -> String {
    said.lines().find(|line| line.starts_with(id)).unwrap_or_else(|| panic!("{id}: {said}")).to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_revoked_anywhere_is_refused_at_every_node_with_the_next_request() {
    let mut region = Region::new();
    let (north, south) = (region.node("north"), region.node("south"));
    let mer = north.run(&["merchant", "add", "Morning Market"]).well();
    let mer = mer.split_whitespace().next().unwrap();
    let _serving = (north.serve(), south.serve());
    sees(&north, 2).await;
    for (scope, code) in [("read", Some("key_may_only_read")), ("all", None)] {
        let said = north.run(&["merchant", "key", "add", mer, "--name", "till", "--scope", scope]).well();
        let (id, key) = (said.split_whitespace().next().unwrap(), said.split_whitespace().last().unwrap());
        assert!(listed(&north.run(&["merchant", "key", "list", mer]).well(), id).contains(" never "));
        let at = [Merchant::new(north.http, key), Merchant::new(south.http, key)];
        // Each node has seen it as it was a moment ago.
        for merchant in &at {
            assert!(merchant.asks("GET", "/v1/orders", None).await.status().is_success());
            if let Some(code) = code {
                refused(merchant, StatusCode::FORBIDDEN, code).await;
            }
        }
        region
            .says(
                &format!("select used_at is not null from api_key where name = 'till' and scope = '{scope}'"),
                "t",
            )
            .await;
        let before = listed(&south.run(&["merchant", "key", "list", mer]).well(), id);
        assert!(before.contains(" good ") && !before.contains(" never "), "{before}");
        let said = north.run(&["merchant", "key", "revoke", id]).well();
        assert!(said.contains("is refused from now on"), "{said}");
        for merchant in &at {
            refused(merchant, StatusCode::UNAUTHORIZED, "wrong_api_key").await;
        }
        assert!(listed(&south.run(&["merchant", "key", "list", mer]).well(), id).contains(" revoked "));
    }
}
