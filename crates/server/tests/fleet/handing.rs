//! Downlinks that wait, and the bearer that they are handed to.

use std::sync::{Arc, Mutex};

use fleet::{DownlinkEvent, DownlinkId, DownlinkState, Priority};
use server::Fleet;
use server::app::{Push, Reached};
use server::bearer::{Bearer, NotTaken};
use store::{StoreError, StoredDownlink};

use crate::hears;
use crate::town::{Town, Wish};

/// A bearer whose network takes everything at once, and says so.
struct Eager {
    fleet: Fleet,
    handed: Mutex<Vec<DownlinkId>>,
}

impl Bearer for Eager {
    fn name(&self) -> &str {
        "test"
    }

    fn room_at(&self, _: &str) -> usize {
        51
    }

    fn hand(&self, push: Push) -> Result<(), NotTaken> {
        self.handed.lock().unwrap().push(push.id);
        self.fleet.report(push.id, DownlinkEvent::Handed, None);
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_look_at_what_waits_each_downlink_is_handed_over_once() {
    let mut town = Town::open().await;
    let mut channels = Vec::new();
    for holder in 1..=24 {
        let mut card = town.card(Wish { holder, listens: true, ..Wish::default() }).await;
        let clock = hears(&town, &card.press(), "test").await.unwrap();
        card.hear(&clock);
        assert_eq!(hears(&town, &card.press(), "test").await, None);
        town.order_unpushed(card.id, 2_000).await;
        let reach = |address: &str| Some(Reached { room: 51, address: address.to_owned() });
        town.app.push(card.id, Arc::new(reach)).await.unwrap();
        channels.push(card.link.channel);
    }
    let bearer = Arc::new(Eager { fleet: town.fleet.clone(), handed: Mutex::default() });
    town.fleet.attach(bearer.clone());
    let state = |channel| {
        let downlinks = town.app.store().peek(|rows| rows.downlinks_before(channel, None, 10)).unwrap();
        downlinks.into_iter().find(|downlink| downlink.order.is_some()).unwrap().state
    };
    while !channels.iter().all(|channel| state(*channel) == DownlinkState::Handed) {
        let looks = [(); 4].map(|()| {
            let fleet = town.fleet.clone();
            tokio::spawn(async move { fleet.hand_waiting().await.unwrap() })
        });
        for look in looks {
            look.await.unwrap();
        }
    }
    let mut handed = bearer.handed.lock().unwrap().clone();
    let all = handed.len();
    handed.sort_unstable();
    handed.dedup();
    assert_eq!((handed.len(), all), (channels.len(), channels.len()));
}

#[tokio::test]
async fn what_waits_for_a_bearer_that_is_away_hides_nothing_that_waits_for_another() {
    let mut town = Town::open().await;
    let card = town.card(Wish { listens: true, ..Wish::default() }).await;
    // Enough for a bearer that takes nothing, and behind them one for a bearer that does.
    let (channel, now) = (card.link.channel, town.app.now());
    let downlink = move |n: u32, address: &str| StoredDownlink {
        id: DownlinkId::from_time_and_random(now.plus(n.into()), 7),
        card: card.id,
        channel,
        order: Some(payment::OrderId(u128::from(n))),
        priority: Priority::Normal,
        frame: vec![0x51; 23],
        address: Some(address.into()),
        state: DownlinkState::Queued,
        network_id: None,
        created_at: now,
        expires_at: now.plus(60_000),
        updated_at: now,
    };
    let last = downlink(1_000, "test:1");
    let id = last.id;
    let added = town.app.store().write::<_, StoreError, _>(move |unit| {
        (0..600).try_for_each(|n| unit.add_downlink(&downlink(n, "away:1")))?;
        unit.add_downlink(&last)
    });
    added.await.unwrap();
    let bearer = Arc::new(Eager { fleet: town.fleet.clone(), handed: Mutex::default() });
    town.fleet.attach(Arc::new(Away));
    town.fleet.attach(bearer.clone());
    town.fleet.hand_waiting().await.unwrap();
    assert_eq!(*bearer.handed.lock().unwrap(), [id]);
}

/// A bearer whose network is away.
struct Away;

impl Bearer for Away {
    fn name(&self) -> &str {
        "away"
    }

    fn room_at(&self, _: &str) -> usize {
        51
    }

    fn hand(&self, _: Push) -> Result<(), NotTaken> {
        Err(NotTaken::Away)
    }
}
