//! What is made at one node reaches a card and a reader at another.

use std::net::SocketAddr;

use air::card::Light;
use sim::{CardImage, FlashFile, Options, SoftwareCard};

use crate::program::merchant::{Merchant, SMALL};
use crate::program::platform::{Issued, Platform};
use crate::region::{Region, counted, sees};

/// A card of its holder, switched on near a node.
pub(crate) async fn switched_on(card: &Issued, node: &Platform) -> SoftwareCard {
    let image = CardImage::load(&card.image).unwrap();
    let flash = FlashFile::open(&CardImage::flash_path(&card.image), &image.link()).unwrap();
    let options = Options::to(SocketAddr::from(([127, 0, 0, 1], node.air)));
    SoftwareCard::start(image, flash, options).await.unwrap()
}

/// Its holder presses until it lights up, and agrees.
pub(crate) async fn pays(card: &SoftwareCard) {
    while card.view().light != Light::Prompt {
        card.press(1).await.unwrap();
        card.until(|state| state.light != Light::Working).await.unwrap();
    }
    agrees(card).await;
}

/// Its holder sees it lit up, and agrees.
pub(crate) async fn agrees(card: &SoftwareCard) {
    card.prompted().await.unwrap();
    card.press(1).await.unwrap();
    card.until(|state| !matches!(state.light, Light::Working | Light::Prompt)).await.unwrap();
}

/// Its holder presses, and nothing waits: what the card says of its clock is known from now on.
pub(crate) async fn says_hello(card: &SoftwareCard) {
    let before = card.view().frames;
    card.press(1).await.unwrap();
    card.until(|state| state.frames > before && state.light != Light::Working).await.unwrap();
}

pub(crate) async fn is_paid(merchant: &Merchant, order: &str) {
    assert_eq!(merchant.read(order).await.state, "paid");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_made_at_one_node_lights_a_card_that_was_heard_at_another() {
    let mut region = Region::new();
    let (north, south) = (region.node("north"), region.node("south"));
    let merchant = north.merchant("Morning Market");
    let issued = north.card(&["--listens"]);
    north.fund(&issued.holder, 100_000);
    let (north_serves, south_serves) = (north.serve(), south.serve());
    sees(&north, 2).await;
    sees(&south, 2).await;
    let (at_north, at_south) = (merchant.at(north.http), merchant.at(south.http));

    let card = switched_on(&issued, &north).await;
    let order = at_north.order(&issued.id, SMALL).await;
    pays(&card).await;
    is_paid(&at_south, &order.id).await;

    says_hello(&card).await;
    // The card lies at north; south is asked.
    let order = at_south.order(&issued.id, SMALL).await;
    let follower = tokio::spawn({
        let (at_south, id) = (at_south.clone(), order.id.clone());
        async move { at_south.events(&id).await }
    });
    agrees(&card).await;
    is_paid(&at_south, &order.id).await;
    assert_eq!(counted(&south, "counterfoil_downlinks_total{outcome=\"at_another_node\"} ").await, 1);
    assert!(counted(&north, "counterfoil_signals_total{outcome=\"heard\"} ").await >= 1);
    // Whoever looks at the order at south saw what happened at north.
    let events = follower.await.unwrap();
    assert!(events.ends_with(&["order.paid".to_owned()]), "{events:?}");
    assert!(counted(&south, "counterfoil_signals_total{outcome=\"heard\"} ").await >= 1);

    // The card goes elsewhere, and what is made at north follows it.
    card.stop().await;
    let card = switched_on(&issued, &south).await;
    let order = at_north.order(&issued.id, SMALL).await;
    pays(&card).await;
    is_paid(&at_north, &order.id).await;
    says_hello(&card).await;
    let order = at_north.order(&issued.id, SMALL).await;
    agrees(&card).await;
    is_paid(&at_south, &order.id).await;
    card.stop().await;
    for node in [north_serves, south_serves] {
        node.signal("TERM");
        assert!(node.ended().well().ends_with("Stopped.\n"));
    }
    assert_eq!(region.asks("select count(*) from lease where until > (select at from database_clock)"), "0");
    north.ledger();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_that_are_asked_with_one_key_at_once_make_one_order_and_say_the_same() {
    let mut region = Region::new();
    let (north, south) = (region.node("north"), region.node("south"));
    let merchant = north.merchant("Morning Market");
    let issued = north.card(&[]);
    north.fund(&issued.holder, 100_000);
    let _serving = (north.serve(), south.serve());
    let at = [merchant.at(north.http), merchant.at(south.http)];
    for round in 0..16 {
        let key = format!("round-{round}");
        let ask = |at: &Merchant| {
            let (at, card, key) = (at.clone(), issued.id.clone(), key.clone());
            tokio::spawn(async move { at.ask(&card, 1, Some(&key)).await })
        };
        let mut bodies = Vec::new();
        for answer in [ask(&at[0]), ask(&at[1]), ask(&at[0]), ask(&at[1])] {
            let answer = answer.await.unwrap().unwrap();
            assert_eq!(answer.status(), 201, "{}", answer.text().await.unwrap());
            bodies.push(answer.text().await.unwrap());
        }
        bodies.dedup();
        assert_eq!(bodies.len(), 1, "{bodies:?}");
    }
    assert_eq!(region.asks("select count(*) from orders"), "16");
}
