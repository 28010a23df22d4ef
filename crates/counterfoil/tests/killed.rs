//! `kill -9` of a platform at any moment, again and again, while cards pay: what it acknowledged is there, exactly
//! once, and what a card shows as paid is paid.
//!
//! The cards and the shop live in this test and live on, as they would: they repeat themselves until the platform is
//! back on its folder and its ports.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod program;

use std::collections::BTreeSet;
use std::time::Duration;

use program::buyer::Buyers;
use program::merchant::SMALL;
use program::platform::Platform;
use program::waverer::Waverer;

const ROUNDS: usize = 8;
const CARDS: usize = 8;
const WAVERERS: usize = 2;

/// A moment that nobody chose: the hash keys of the standard library are the system's randomness.
fn any_moment(within: Duration) -> Duration {
    use std::hash::{BuildHasher, RandomState};
    let random = RandomState::new().hash_one(0);
    Duration::from_micros(random % u64::try_from(within.as_micros()).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_platform_killed_at_any_moment_loses_nothing_and_does_nothing_twice() {
    let platform = Platform::new();
    let merchant = platform.merchant("Morning Market");
    let mut cards = platform.cards(CARDS + WAVERERS);
    let waverers = cards.split_off(CARDS);
    platform.fund(&cards[0].holder, 1_000_000);

    let mut serving = platform.serve();
    let waverers: Vec<_> = waverers.iter().map(|card| (Waverer::begin(&merchant, card), card)).collect();
    let buyers = Buyers::begin(&platform, &merchant, &cards).await;
    buyers.settled.reaches(CARDS).await;
    for _ in 0..ROUNDS {
        // Payments run again, and then at any moment of what a purchase takes.
        buyers.settled.reaches(buyers.settled.now() + 3).await;
        tokio::time::sleep(any_moment(Duration::from_millis(800))).await;
        serving.kill();
        platform.ledger();
        serving = platform.serve();
    }
    buyers.settled.reaches(buyers.settled.now() + CARDS).await;
    let (mut taken_back, mut in_vain) = (Vec::new(), 0);
    for (waverer, card) in waverers {
        let wavered = waverer.finish().await;
        in_vain += wavered.in_vain;
        taken_back.extend(wavered.orders.into_iter().map(|(key, order)| (card.id.clone(), key, order)));
    }
    assert!(in_vain >= ROUNDS, "{in_vain}: not every kill met a call");
    let bought = buyers.finish().await;

    // Each receipt that a card showed is for an order of its own, and that order is paid.
    let orders: BTreeSet<String> = bought.iter().map(|bought| bought.order.clone()).collect();
    assert_eq!(orders.len(), bought.len(), "an order was settled twice");
    for id in &orders {
        assert_eq!(merchant.read(id).await.state, "paid", "{id}");
    }
    // Each that was taken back is, and no order is there but those: what was asked for twice was made once.
    for (_, _, id) in &taken_back {
        assert_eq!(merchant.read(id).await.state, "canceled", "{id}");
    }
    let all: BTreeSet<String> =
        orders.iter().cloned().chain(taken_back.iter().map(|it| it.2.clone())).collect();
    assert_eq!(all.len(), orders.len() + taken_back.len());
    assert_eq!(merchant.all().await, all);
    let paid = bought.iter().map(|it| (&it.card, &it.idempotency_key, &it.order));
    let back = taken_back.iter().map(|(card, key, order)| (card, key, order));
    for (card, key, order) in paid.chain(back) {
        let (again, _) = merchant.order_at_last(card, key).await;
        assert_eq!(again.id, *order);
    }
    assert_eq!(merchant.all().await, all);
    assert_eq!(merchant.balance().await, i64::from(SMALL) * i64::try_from(bought.len()).unwrap());

    serving.signal("TERM");
    serving.ended().well();
    // One posted transfer is the holder's money coming in; every other one is a purchase.
    let (posted, voided) = (bought.len() + 1, taken_back.len());
    let counts = format!("transfers: 0 pending, {posted} posted, {voided} voided, 0 expired");
    let ledger = platform.ledger();
    assert!(ledger.contains(&counts), "{counts}: {ledger}");
}
