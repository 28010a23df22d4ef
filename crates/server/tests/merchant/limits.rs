//! How often a merchant and an address may ask.

use operator::Rate;
use server::Rules;

use crate::town::Town;
use crate::town::customer::Answer;

fn slow(key: u32, address: u32) -> Rules {
    let rate = |burst| Rate { per_second: 1, burst };
    Rules { key_rate: rate(key), address_rate: rate(address), ..Rules::default() }
}

fn too_many(answer: &Answer) -> bool {
    let refused = answer.status == 429;
    if refused {
        assert_eq!(answer.problem(), (429, "too_many_requests".into()));
        assert_eq!(answer.header("retry-after"), "1");
    }
    refused
}

#[tokio::test]
async fn a_key_has_its_own_bucket_which_fills_again() {
    let town = Town::with(slow(2, 1_000)).await;
    let refused = async |of: &crate::town::Merchant| too_many(&of.api.get("/v1/balances").await);
    assert!(!refused(&town.bakery).await && !refused(&town.bakery).await);
    assert!(refused(&town.bakery).await);
    assert!(!refused(&town.florist).await, "another's key");
    town.pass(1_000);
    assert!(!refused(&town.bakery).await && refused(&town.bakery).await);
}

#[tokio::test]
async fn an_address_has_its_own_bucket_whatever_key_it_tries() {
    let town = Town::with(slow(1_000, 3)).await;
    let from = async |address: &str| {
        let wrong = town.public.with_key("cf_live_guess").request("GET", "/v1/balances");
        too_many(&Answer::to(wrong.header("x-forwarded-for", address)).await)
    };
    for n in 0..3 {
        // What the caller says of itself stands before what the terminator says.
        assert!(!from(&format!("10.0.0.{n}, 192.0.2.1")).await);
    }
    assert!(from("10.0.0.9, 192.0.2.1").await);
    assert!(!from("192.0.2.2").await);
    for _ in 0..3 {
        assert!(!from("2001:db8::1").await);
    }
    assert!(from("2001:db8::2").await, "one subscriber of IPv6");
    // Pages and documents are not /v1.
    for _ in 0..5 {
        assert_eq!(town.public.get("/healthz").await.status, 200);
    }
}
