//! Which key opens what.

use serde_json::Value;

use crate::town;
use crate::town::Town;
use crate::town::customer::{Answer, Customer};

/// Every method and path of the description, its parameters filled in.
fn operations() -> Vec<(String, String, Value)> {
    let description: Value = serde_json::from_str(&server::http::openapi::merchant_json()).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in description["paths"].as_object().unwrap() {
        let id = if path.contains("/test/cards") {
            "card_00000001"
        } else {
            "ord_00000000000070008000000000000000"
        };
        let filled = path.replace("{id}", id).replace("{date}", "2026-11-21");
        let filled = filled.replace("{holder}", "hld_1122334455667788");
        for (method, operation) in methods.as_object().unwrap() {
            operations.push((method.to_uppercase(), filled.clone(), operation.clone()));
        }
    }
    operations
}

async fn ask(customer: &Customer, method: &str, path: &str) -> Answer {
    Answer::to(customer.request(method, path)).await
}

#[tokio::test]
async fn an_endpoint_of_the_test_mode_wants_a_test_key_and_says_so() {
    let town = town().await;
    let mut count = 0;
    for (method, path, operation) in operations() {
        if !path.starts_with("/v1/test/") {
            continue;
        }
        count += 1;
        let refused = ask(&town.bakery.api, &method, &path).await;
        assert_eq!(refused.problem(), (403, "test_key_needed".into()), "{method} {path}");
        assert!(operation["responses"]["403"].is_object(), "{method} {path}: 403 is not described");
        assert_eq!(ask(&town.public, &method, &path).await.problem(), (401, "no_api_key".into()));
        let wrong = town.public.with_key("cf_test_wrong");
        assert_eq!(ask(&wrong, &method, &path).await.problem(), (401, "wrong_api_key".into()));
        // With the right one it goes on to what is asked.
        let asked = ask(&town.tests().bakery.api, &method, &path).await;
        assert!(![401, 403].contains(&asked.status), "{method} {path}: {asked:?}");
    }
    assert_eq!(count, 11);
}

#[tokio::test]
async fn every_endpoint_knows_the_keys_of_its_mode_alone() {
    let town = town().await;
    let wrong = town.public.with_key("cf_test_wrong");
    for (method, path, _) in operations() {
        let refused = ask(&wrong, &method, &path).await;
        assert_eq!(refused.problem(), (401, "wrong_api_key".into()), "{method} {path}");
        // The digits of a live key under the letters of a test key, and the other way.
        let other = town.public.with_key(&town.bakery.key.replace("cf_live_", "cf_test_"));
        let same = town.tests().bakery.key.replace("cf_test_", "cf_live_");
        if town.bakery.key != same {
            assert_eq!(ask(&town.public.with_key(&same), &method, &path).await.status, 401);
            assert_eq!(ask(&other, &method, &path).await.status, 401, "{method} {path}");
        }
    }
}

#[tokio::test]
async fn a_platform_without_a_test_mode_says_that_it_is_off() {
    let town = Town::open().await;
    let tester = town.public.with_key("cf_test_0123456789abcdef");
    for (method, path, _) in operations() {
        let refused = ask(&tester, &method, &path).await;
        assert_eq!(refused.problem(), (401, "test_mode_off".into()), "{method} {path}");
    }
}
