//! What every bearer does for the fleet, as stories against the contract of `server::bearer`; and what only one of them
//! does. A bearer is one more line at the end of this file, and a [`Network`] that plays its other side.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod broker;
mod chirpstack;
mod coap;
mod contract;
mod doors;
mod lorawan;
mod platforms;
#[path = "../base_station/radio.rs"]
mod radio;
#[path = "../town/mod.rs"]
mod town;

use std::time::Duration;

use fleet::{DownlinkId, DownlinkState};
use model::ChannelId;
use server::Fleet;
use store::StoredDownlink;

use town::hand::Hand;
use town::{LIMIT, Town, Wish};

/// What a network can say of a downlink beyond that it went out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Word {
    /// The card's end confirmed it.
    Acknowledged,
    /// Nobody confirmed it.
    NotAcknowledged,
}

/// The other side of a bearer: a network, as far as the platform can see it.
trait Network: Sized {
    /// Whether it vouches for the channel, so that frames go without it.
    const VOUCHES: bool;
    /// Whether a push waits in the network's own queue before it goes out.
    const QUEUES: bool;

    /// How a downlink stands when the network has said that it went out: not every network can say just that.
    const OUT: DownlinkState = DownlinkState::Sent;
    /// Whether it says that nobody confirmed a downlink.
    const TELLS_FAILURE: bool = true;

    /// The platform's end is started for this fleet, and this end is ready.
    async fn open(fleet: Fleet) -> Self;
    /// A channel of its kind.
    fn channel(number: u64) -> ChannelId;
    /// A card's frame comes in from the air.
    async fn uplink(&mut self, channel: ChannelId, frame: &[u8]);
    /// The network tells of the last frame once more.
    async fn repeat(&mut self);
    /// The next frame that goes out to the card.
    async fn downlink(&mut self) -> Vec<u8>;
    /// Says that the last downlink went out, where that is the network's to say.
    async fn sends(&mut self);
    /// Says more of the last downlink.
    async fn says(&mut self, word: Word);
    /// Whether no frame has gone out that was not asked for, once all that came in has been dealt with.
    async fn is_quiet(&mut self, town: &Town) -> bool;
}

/// A town with one network.
struct Shore<N> {
    town: Town,
    network: N,
}

impl<N: Network> Shore<N> {
    async fn open() -> Self {
        let town = Town::open().await;
        let network = N::open(town.fleet.clone()).await;
        Self { town, network }
    }

    async fn card(&mut self, number: u64, listens: bool) -> Hand {
        let wish = Wish {
            holder: number,
            channel: Some(N::channel(number)),
            brief: N::VOUCHES,
            listens,
            ..Wish::default()
        };
        self.town.card(wish).await
    }

    /// A card that listens, and whose clock is known to be set.
    async fn listening(&mut self, number: u64) -> Hand {
        self.awake(number, true).await
    }

    /// A card whose clock is known to be set.
    async fn awake(&mut self, number: u64, listens: bool) -> Hand {
        let mut card = self.card(number, listens).await;
        self.network.uplink(card.link.channel, &card.press()).await;
        let clock = self.network.downlink().await;
        self.network.sends().await;
        card.hear(&clock);
        self.network.uplink(card.link.channel, &card.press()).await;
        let id = card.id;
        self.until("the hello is kept", |town| {
            town.app.store().peek(|rows| rows.link_state(id)).unwrap().clock_set
        })
        .await;
        assert!(self.network.is_quiet(&self.town).await);
        card.nothing_waits();
        card
    }

    /// The downlinks of a channel that were made for orders, newest first.
    fn pushes(&self, channel: ChannelId) -> Vec<StoredDownlink> {
        let downlinks = self.town.app.store().peek(|rows| rows.downlinks_before(channel, None, 50)).unwrap();
        downlinks.into_iter().filter(|downlink| downlink.order.is_some()).collect()
    }

    fn state(&self, id: DownlinkId) -> DownlinkState {
        self.town.app.store().peek(|rows| rows.downlink(id)).unwrap().unwrap().state
    }

    /// Waits until a downlink stands so.
    async fn stands(&self, id: DownlinkId, state: DownlinkState) {
        self.until(&format!("{state:?}"), |_| self.state(id) == state).await;
    }

    /// Waits until something holds, but not for ever.
    async fn until(&self, what: &str, holds: impl Fn(&Town) -> bool) {
        until(what, || holds(&self.town)).await;
    }
}

/// Waits until something holds that nobody tells of, but not for ever.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let began = std::time::Instant::now();
    while !holds() {
        assert!(began.elapsed() < LIMIT, "{what}: did not come within {LIMIT:?}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

macro_rules! contract {
    ($($network:ident: $type:ty;)*) => {
        $(mod $network {
            contract!(@stories $type:
                a_frame_that_the_network_repeats_is_taken_once
                a_card_pays_by_answers_in_the_same_window
                a_push_reaches_a_card_that_listens_and_no_more_is_said_than_is_known
                a_push_that_nobody_confirms_has_failed_and_goes_out_again_when_the_card_is_heard
                an_order_for_a_sleeping_card_waits_until_the_card_is_heard
                an_answer_goes_before_the_next_order
                what_waits_too_long_expires
                what_waits_is_taken_back_and_what_went_out_is_not
                of_two_that_wait_the_more_urgent_goes_first
                the_channel_is_elided_where_the_network_vouches_for_it_and_only_there
                a_frame_over_the_limit_is_refused_by_naming_both
                what_was_not_told_of_is_handed_over_again_after_a_restart
            );
        })*
    };
    (@stories $type:ty: $($story:ident)*) => {
        $(#[tokio::test]
        async fn $story() {
            crate::contract::$story::<$type>().await;
        })*
    };
}

mod passes {
    contract! {
        over_coap: crate::coap::Udp;
        over_chirpstack: crate::chirpstack::NetworkServer;
        over_ctwing: crate::platforms::CtWing;
        over_onenet: crate::platforms::OneNet;
        over_oceanconnect: crate::platforms::OceanConnect;
    }
}
