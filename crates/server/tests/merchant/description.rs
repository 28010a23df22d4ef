//! The published description is true, complete, guarded, and can be read without a network.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use crate::town::Town;
use crate::town::customer::Answer;

fn description() -> Value {
    serde_json::from_str(&server::http::openapi::merchant_json()).unwrap()
}

/// Every method and path of the description, its parameters filled in.
pub(crate) fn operations() -> Vec<(String, String, Value)> {
    let mut operations = Vec::new();
    for (path, methods) in description()["paths"].as_object().unwrap() {
        let path = path
            .replace("{id}", "ord_00000000000070008000000000000000")
            .replace("{date}", "2026-11-21")
            .replace("{holder}", "hld_1122334455667788");
        assert!(!path.contains('{'), "say here what to fill in: {path}");
        for (method, operation) in methods.as_object().unwrap() {
            operations.push((method.to_uppercase(), path.clone(), operation.clone()));
        }
    }
    operations
}

#[test]
fn the_committed_description_is_that_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi/merchant.json");
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == server::http::openapi::merchant_json(),
        "openapi/merchant.json is not that of the code. Write it anew: cargo run -- openapi > openapi/merchant.json",
    );
}

#[tokio::test]
async fn every_endpoint_wants_a_key_that_is_known_and_not_revoked() {
    let town = Town::open().await;
    let operations = operations();
    assert!(operations.len() >= 24);
    let wrong = town.public.with_key("cf_live_wrong");
    let revoked = &town.florist.api;
    town.revoke_key(&town.florist.key);
    for (method, path, operation) in operations {
        let refused = Answer::to(town.public.request(&method, &path)).await;
        assert_eq!(refused.problem(), (401, "no_api_key".into()), "{method} {path}");
        let refused = Answer::to(wrong.request(&method, &path)).await;
        assert_eq!(refused.problem(), (401, "wrong_api_key".into()), "{method} {path}");
        let refused = Answer::to(revoked.request(&method, &path)).await;
        assert_eq!(refused.problem(), (401, "wrong_api_key".into()), "{method} {path}");
        assert!(operation["security"][0]["api_key"].is_array(), "{method} {path}: not described as guarded");
        assert!(operation["responses"]["401"].is_object(), "{method} {path}: 401 is not described");
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_and_says_when_to_try_again() {
    let mut names = BTreeSet::new();
    for (method, path, operation) in operations() {
        let name = operation["operationId"].as_str().unwrap();
        assert!(name.contains('_'), "{method} {path}: {name} is no verb with its noun");
        assert!(names.insert(name.to_owned()), "{method} {path}: {name} is the name of another operation");
        for status in ["401", "429", "500", "503", "504"] {
            assert!(operation["responses"][status].is_object(), "{method} {path}: {status} is not described");
        }
    }
    let again = &description()["components"]["responses"]["TooMany"];
    assert!(again["headers"]["Retry-After"].is_object(), "{again}");
}

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    let description = description();
    let mut found = 0;
    let mut open = vec![&description];
    while let Some(value) = open.pop() {
        if let Some(reference) = value.get("$ref").and_then(Value::as_str) {
            let pointer = reference.strip_prefix('#').unwrap();
            assert!(description.pointer(pointer).is_some(), "{reference} leads nowhere");
            found += 1;
        }
        match value {
            Value::Array(values) => open.extend(values),
            Value::Object(fields) => open.extend(fields.values()),
            _ => {}
        }
    }
    assert!(found > 50, "{found}");
}

#[test]
fn the_description_names_every_state_reason_currency_and_code() {
    let schemas = &description()["components"]["schemas"];
    let words = |schema: &str| {
        let words = schemas[schema]["enum"].as_array().unwrap_or_else(|| panic!("{schema}")).clone();
        words.into_iter().map(|word| word.as_str().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    for word in words("OrderState") {
        let reason = (word == "declined").then_some("not_me");
        assert!(payment::OrderState::from_name(&word, reason).is_some(), "{word}");
    }
    for word in words("DeclineReason") {
        assert!(payment::OrderState::from_name("declined", Some(&word)).is_some(), "{word}");
    }
    let codes: BTreeSet<_> =
        server::http::problem::Code::ALL.iter().map(|code| code.code().to_owned()).collect();
    assert_eq!(words("ProblemCode"), codes);
    assert!(words("Currency").contains("CNY"));
}

#[tokio::test]
async fn the_description_is_served_as_it_is_committed() {
    let town = Town::open().await;
    let served = town.public.get("/openapi.json").await.json(200);
    assert_eq!(served, description());
    assert!(served["openapi"].as_str().unwrap().starts_with("3.1"));
}

#[tokio::test]
async fn the_documentation_is_read_without_a_network() {
    let town = Town::open().await;
    for path in ["/", "/docs"] {
        let moved = town.public.get(path).await;
        assert_eq!((moved.status, moved.header("location")), (303, "/docs/"));
    }
    let index = town.public.get("/docs/").await;
    assert_eq!(index.status, 200);
    let assets = referenced(&index.body);
    assert!(assets.len() >= 4, "{assets:?}");
    for asset in &assets {
        assert!(!asset.contains("//"), "{asset} is fetched from elsewhere");
        let found = town.public.get(&format!("/docs/{}", asset.trim_start_matches("./"))).await;
        assert_eq!(found.status, 200, "{asset}");
        assert!(!found.body.is_empty() || asset.ends_with("png"), "{asset}");
        if asset.ends_with("css") {
            let outside = |url: &&str| !url.trim_start_matches(['"', '\'']).starts_with("data:");
            assert_eq!(found.body.split("url(").skip(1).find(outside), None, "{asset}");
        }
        // The bundle names many addresses and fetches none of them by itself but this: the validator, which
        // would be told where we are.
        if asset.ends_with("swagger-initializer.js") {
            assert!(found.body.contains(r#""validatorUrl": "none""#), "{}", found.body);
            assert!(found.body.contains("/openapi.json") && !found.body.contains("://"), "{}", found.body);
        }
    }
}

/// What a page's `src` and `href` name.
fn referenced(html: &str) -> Vec<String> {
    ["src=\"", "href=\""]
        .iter()
        .flat_map(|attribute| html.split(attribute).skip(1))
        .map(|rest| rest.split('"').next().unwrap().to_owned())
        .collect()
}
