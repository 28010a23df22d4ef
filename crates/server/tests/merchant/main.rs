//! What merchants, buyers and operators meet over HTTP, on real sockets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod adjusting;
mod api_keys;
mod description;
mod doors;
mod events;
mod idempotency;
mod limits;
mod money;
mod orders;
mod pages;
mod reconciling;
mod refunds;
mod refusals;
mod secrets;
mod settlements;
#[path = "../town/mod.rs"]
mod town;

use model::CardId;
use serde_json::{Value, json};

/// Breakfast for 20.00 yuan, as a merchant orders it.
fn breakfast(card: CardId) -> Value {
    json!({ "amount": 2000, "currency": "CNY", "card": card.to_string(), "place": "Market Street 1" })
}

/// The same with one field otherwise.
fn breakfast_with(card: CardId, field: &str, value: Value) -> Value {
    let mut order = breakfast(card);
    order[field] = value;
    order
}

fn id_of(order: &Value) -> String {
    order["id"].as_str().unwrap().to_owned()
}
