//! API keys over HTTP: one that may only read, one that is revoked, and when each was last used.

use model::UnixMillis;
use server::Actor;
use server::app::{ApiKeyError, NewApiKey};
use store::{ApiKeyId, ApiScope};

use crate::description::operations;
use crate::town::customer::{Answer, Customer};
use crate::town::{EVENING, Merchant, Town, soon};

impl Town {
    /// One more key of a merchant, and who calls with it.
    async fn till(&self, of: &Merchant, scope: ApiScope) -> (ApiKeyId, Customer) {
        let new = NewApiKey { merchant: of.id, name: "till 2".into(), scope };
        let (id, key) = self.app.add_api_key(Actor::command_line(), new).await.unwrap();
        (id, of.api.with_key(key.reveal()))
    }

    fn used_at(&self, id: ApiKeyId) -> Option<UnixMillis> {
        self.app.store().peek(|rows| rows.api_key_of_id(id)).unwrap().unwrap().used_at
    }
}

#[tokio::test]
async fn a_key_that_may_only_read_is_refused_on_every_route_that_writes_and_on_no_other() {
    let town = Town::open().await;
    let (_, till) = town.till(&town.bakery, ApiScope::Read).await;
    let (mut reads, mut writes) = (0, 0);
    for (method, path, operation) in operations() {
        let answer = Answer::to(till.request(&method, &path)).await;
        if method == "GET" {
            reads += 1;
            // The test mode's are for other keys, whatever they may.
            let expected = if path.starts_with("/v1/test/") { "test_key_needed" } else { "" };
            assert!(answer.status != 403 || answer.problem().1 == expected, "{method} {path}: {answer:?}");
            assert_ne!(answer.status, 401, "{method} {path}");
        } else {
            writes += 1;
            assert_eq!(answer.problem(), (403, "key_may_only_read".into()), "{method} {path}");
            assert!(operation["responses"]["403"].is_object(), "{method} {path}: 403 is not described");
        }
    }
    assert!(reads >= 15 && writes >= 18, "{reads} {writes}");
}

#[tokio::test]
async fn a_key_is_refused_from_the_moment_on_that_it_is_revoked() {
    let town = Town::open().await;
    let (id, till) = town.till(&town.bakery, ApiScope::All).await;
    // However warm whatever remembers keys may be.
    for _ in 0..3 {
        till.get("/v1/orders").await.json(200);
    }
    town.app.revoke_api_key(Actor::command_line(), id).await.unwrap();
    for (method, path, _) in operations() {
        let refused = Answer::to(till.request(&method, &path)).await;
        assert_eq!(refused.problem(), (401, "wrong_api_key".into()), "{method} {path}");
    }
    // The merchant's other key goes on.
    town.bakery.api.get("/v1/orders").await.json(200);
    let again = town.app.revoke_api_key(Actor::command_line(), id).await;
    assert_eq!(again.err(), Some(ApiKeyError::AlreadyRevoked(id)));
}

#[tokio::test]
async fn a_key_s_last_use_is_noted_once_a_minute() {
    let town = Town::open().await;
    let (id, till) = town.till(&town.bakery, ApiScope::Read).await;
    assert_eq!(town.used_at(id), None);
    // A note is written soon after the answer.
    let becomes = async |at: UnixMillis| {
        soon("the note of a use", async {
            while town.used_at(id) != Some(at) {
                tokio::time::sleep(std::time::Duration::from_millis(10)).await;
            }
        })
        .await;
    };
    till.get("/v1/orders").await.json(200);
    becomes(EVENING).await;
    town.pass(59_999);
    till.get("/v1/orders").await.json(200);
    // A write that waits behind whatever that request had left to write.
    town.app.store().write::<_, store::StoreError, _>(|_| Ok(())).await.unwrap();
    assert_eq!(town.used_at(id), Some(EVENING));
    town.pass(1);
    // What it may not is a use as well: whoever looks for a key that is out sees it.
    let refused = till.post("/v1/orders", &serde_json::json!({})).await;
    assert_eq!(refused.status, 403);
    becomes(EVENING.plus(60_000)).await;
}
