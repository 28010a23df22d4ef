//! Status frames: battery, firmware and presence; and nothing that a card has not said before.

use air::card::{Action, Card, Edge, Uptime};
use payment::OrderState;
use sim::SoftElement;

use crate::hand::Hand;
use crate::town::Town;

/// The same card with its shell open: what it would send of its own accord.
struct Bench {
    card: Card<SoftElement>,
    at: Uptime,
}

impl Bench {
    /// The card with its memory, greeted once so that its clock is set.
    async fn with(town: &Town, hand: &Hand) -> Self {
        let card = Card::new(hand.element.clone(), hand.limits.clone(), hand.world.flash().clone());
        let mut bench = Self { card, at: Uptime(0) };
        bench.card.handle_key(bench.at, Edge::Down);
        let hello = bench.said();
        let clock = town.hear(hand, &hello).await.unwrap();
        bench.card.handle_frame(bench.at, &clock).unwrap();
        while bench.card.poll_action().is_some() {}
        bench
    }

    fn said(&mut self) -> Vec<u8> {
        let mut said = None;
        while let Some(action) = self.card.poll_action() {
            if let Action::Transmit(frame) = action {
                said = Some(frame.to_vec());
            }
        }
        said.unwrap()
    }

    fn status(&mut self, battery: u8) -> Vec<u8> {
        self.at = self.at + 1_000;
        self.card.set_battery(battery);
        self.card.send_status(self.at, 0x0203);
        self.said()
    }
}

#[tokio::test]
async fn a_status_moves_battery_firmware_and_address_and_is_not_answered() {
    let mut town = Town::new().await;
    let mut lin = town.known_card().await;
    let mut bench = Bench::with(&town, &lin).await;
    let (first, second) = (bench.status(150), bench.status(149));
    lin.address = "by the river".into();
    assert_eq!(town.hear(&lin, &second).await, None);
    let link = town.link(&lin);
    assert_eq!((link.battery, link.firmware), (Some(149), Some(0x0203)));
    assert_eq!(link.address.as_deref(), Some("by the river"));
    assert!(link.clock_set);

    // Byte for byte again, from anywhere: nothing.
    lin.address = "elsewhere".into();
    assert_eq!(town.hear(&lin, &second).await, None);
    assert_eq!(town.link(&lin), link);
    assert_eq!(town.alarms(&lin), [""; 0]);

    // A right code below the mark may be a clone's.
    assert_eq!(town.hear(&lin, &first).await, None);
    assert_eq!(town.link(&lin), link);
    assert_eq!(town.refused("status_not_fresh"), 1);
    assert_eq!(town.alarms(&lin), ["possible_clone"]);
}

#[tokio::test]
async fn a_wrong_or_untimely_status_changes_nothing_and_is_never_sent_back() {
    let mut town = Town::new().await;
    let lin = town.known_card().await;
    let mut bench = Bench::with(&town, &lin).await;
    let status = bench.status(150);
    let link = town.link(&lin);
    let mut wrong = status.clone();
    *wrong.last_mut().unwrap() ^= 1;
    assert_eq!(town.hear(&lin, &wrong).await, None);
    assert_eq!(town.refused("wrong_code"), 1);
    town.clock_is_wrong_by(700);
    assert_eq!(town.hear(&lin, &status).await, None);
    assert_eq!(town.refused("status_not_fresh"), 1);
    assert_eq!(town.link(&lin), link);
    assert_eq!(town.alarms(&lin), [""; 0]);
    town.clock_is_wrong_by(0);
    assert_eq!(town.hear(&lin, &status).await, None);
    assert_eq!(town.link(&lin).battery, Some(150));
}

#[tokio::test]
async fn a_status_of_a_card_that_listens_brings_the_order_that_waits() {
    let mut town = Town::new().await;
    let lin = town.card_with(|new, _| new.listens = true).await;
    let mut bench = Bench::with(&town, &lin).await;
    let order = town.order(&lin, 2_000).await;
    assert_eq!(town.state(order), OrderState::AwaitingCard);
    town.hear(&lin, &bench.status(150)).await;
    assert_eq!(town.state(order), OrderState::Processing);
    assert!(town.is_asking(&lin));
}
