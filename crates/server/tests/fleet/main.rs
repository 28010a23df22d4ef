//! What the fleet knows of its channels: when they were heard, how well, what is kept of their frames, and of what somebody is told.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // A test that cannot go on fails.

mod handing;
mod importing;
mod searching;
#[path = "../town/mod.rs"]
mod town;

use fleet::{AlertKind, AlertRules, Presence, Reception};
use model::ChannelId;
use server::Rules;
use server::fleet::{FleetRules, Heard};
use store::{StoredAlert, StoredChannel};

use town::hand::Hand;
use town::{Town, Wish};

const DAY_MILLIS: i64 = 86_400_000;

fn known(town: &Town, channel: ChannelId) -> StoredChannel {
    town.app.store().peek(|rows| rows.channel(channel)).unwrap().unwrap()
}

fn alerts(town: &Town, channel: ChannelId) -> Vec<StoredAlert> {
    town.app.store().peek(|rows| rows.alerts_of_channel(channel, 50)).unwrap()
}

/// The kinds of a channel's open alerts.
fn open(town: &Town, channel: ChannelId) -> Vec<AlertKind> {
    let mut open: Vec<_> = alerts(town, channel)
        .iter()
        .filter(|alert| alert.cleared_at.is_none())
        .map(|alert| alert.kind)
        .collect();
    open.sort_unstable();
    open
}

/// A frame comes by a network and application.
async fn hears(town: &Town, frame: &[u8], by: &str) -> Option<Vec<u8>> {
    let reception =
        Reception { rssi_dbm: Some(-97), snr_tenths: Some(45), data_rate: Some(3), battery: None };
    let heard =
        Heard { by, reception, ..Heard::plain(frame, "test:1", std::net::IpAddr::from([10, 0, 0, 1])) };
    let mut answer = None;
    town.fleet.uplink(heard, |it| answer = Some(it.frame)).await.unwrap();
    town.fleet.keep_notes().await.unwrap();
    answer
}

/// A card whose clock is known to be set.
async fn awake(town: &mut Town) -> Hand {
    let mut card = town.card(Wish { valid_millis: 60 * DAY_MILLIS, ..Wish::default() }).await;
    let clock = hears(town, &card.press(), "test").await.unwrap();
    card.hear(&clock);
    assert_eq!(hears(town, &card.press(), "test").await, None);
    card.nothing_waits();
    card
}

#[tokio::test]
async fn a_channel_is_known_with_its_card_and_present_once_it_is_heard() {
    let mut town = Town::open().await;
    let mut card = town.card(Wish::default()).await;
    let channel = card.link.channel;
    assert_eq!(known(&town, channel).heard.presence, Presence::Unheard);
    hears(&town, &card.press(), "test").await.unwrap();
    let heard = known(&town, channel).heard;
    assert_eq!(
        (heard.presence, heard.at, heard.by.as_deref()),
        (Presence::Present, Some(town::EVENING), Some("test"))
    );
    assert_eq!(
        heard.reception,
        Reception { rssi_dbm: Some(-97), snr_tenths: Some(45), data_rate: Some(3), battery: None }
    );
}

#[tokio::test]
async fn a_channel_that_says_nothing_for_too_long_is_silent_until_it_is_heard_again() {
    let mut town = Town::open().await;
    let mut card = awake(&mut town).await;
    let channel = card.link.channel;
    // It is heard on the second day, and so is not silent on the fourth.
    town.pass(DAY_MILLIS);
    card.restart();
    assert!(hears(&town, &card.press(), "test").await.is_some(), "{:?}", town.counts("frames_refused"));
    town.pass(2 * DAY_MILLIS + 1);
    assert_eq!(town.fleet.look().await, Ok(1), "looked at, and heard of since");
    assert_eq!((open(&town, channel), town.fleet.look().await), (vec![], Ok(0)));
    town.pass(DAY_MILLIS);
    assert_eq!(town.fleet.look().await, Ok(1));
    assert_eq!(
        (known(&town, channel).heard.presence, open(&town, channel)),
        (Presence::Silent, vec![AlertKind::Silent])
    );
}

#[tokio::test]
async fn silence_is_told_of_once_and_ends_with_the_next_frame() {
    let mut town = Town::open().await;
    let mut card = awake(&mut town).await;
    let channel = card.link.channel;
    town.pass(3 * DAY_MILLIS);
    for looked in [1, 0, 0] {
        assert_eq!(town.fleet.look().await, Ok(looked));
        assert_eq!(
            (known(&town, channel).heard.presence, open(&town, channel)),
            (Presence::Silent, vec![AlertKind::Silent])
        );
    }
    card.restart();
    let clock = hears(&town, &card.press(), "test").await;
    let clock = clock.unwrap_or_else(|| panic!("{:?}", town.counts("frames_refused")));
    card.hear(&clock);
    assert_eq!((known(&town, channel).heard.presence, open(&town, channel)), (Presence::Present, vec![]));
    assert_eq!(alerts(&town, channel).len(), 1, "it is remembered");
    let tally = town.app.store().peek(|rows| rows.channel_tally()).unwrap();
    assert_eq!(
        tally.iter().map(|tally| (tally.presence, tally.channels)).collect::<Vec<_>>(),
        [(Presence::Present, 1)]
    );
}

#[tokio::test]
async fn a_battery_is_told_of_when_it_is_low_and_no_more_until_it_was_well() {
    let rules = Rules {
        fleet: FleetRules {
            // A card of the tests has a battery of 200, or what its network says.
            alerts: AlertRules { battery_low_below: 40, battery_well_from: 60, ..AlertRules::default() },
            ..FleetRules::default()
        },
        ..Rules::default()
    };
    let mut town = Town::with(rules).await;
    let card = awake(&mut town).await;
    let channel = card.link.channel;
    for (battery, open_alerts, all) in
        [(100, 0, 0), (39, 1, 1), (50, 1, 1), (38, 1, 1), (60, 0, 1), (50, 0, 1), (20, 1, 2)]
    {
        town.fleet.radio_told(channel, "test", Reception { battery: Some(battery), ..Reception::default() });
        town.fleet.keep_notes().await.unwrap();
        assert_eq!(
            (open(&town, channel).len(), alerts(&town, channel).len()),
            (open_alerts, all),
            "{battery}"
        );
    }
    assert_eq!(known(&town, channel).heard.battery, Some(20));
    assert_eq!(alerts(&town, channel)[0].detail.as_deref(), Some("10%"));
}

#[tokio::test]
async fn wrong_codes_are_told_of_when_an_hour_has_many() {
    let mut town = Town::open().await;
    let mut card = awake(&mut town).await;
    let channel = card.link.channel;
    let mut forged = card.press();
    *forged.last_mut().unwrap() ^= 1;
    for _ in 0..9 {
        hears(&town, &forged, "test").await;
    }
    town.pass(3_600_000);
    for _ in 0..9 {
        hears(&town, &forged, "test").await;
    }
    town.app.can_keep().await.unwrap();
    assert_eq!(open(&town, channel), []);
    hears(&town, &forged, "test").await;
    town.app.can_keep().await.unwrap();
    assert_eq!(open(&town, channel), [AlertKind::WrongCodes]);
    // Junk moves neither presence nor address, and is no reason not to hear the card.
    assert_eq!(known(&town, channel).heard.at, Some(town::EVENING));
}

#[tokio::test]
async fn a_channel_that_is_heard_by_another_application_has_moved() {
    let mut town = Town::open().await;
    let mut card = awake(&mut town).await;
    let channel = card.link.channel;
    assert_eq!(open(&town, channel), []);
    assert_eq!(hears(&town, &card.press(), "chirpstack/app-2").await, None);
    assert_eq!(open(&town, channel), [AlertKind::ChannelMoved]);
    assert_eq!(alerts(&town, channel)[0].detail.as_deref(), Some("test → chirpstack/app-2"));
    let id = alerts(&town, channel)[0].id;
    let now = town.app.now();
    let cleared =
        town.app.store().write::<_, store::StoreError, _>(move |unit| unit.clear_alert_of_id(id, now));
    assert_eq!(cleared.await, Ok(true));
    // Where it stays is where it is now.
    town.pass(7_000);
    card.nothing_waits();
    assert_eq!(hears(&town, &card.press(), "chirpstack/app-2").await, None);
    assert_eq!(open(&town, channel), []);
}

#[tokio::test]
async fn frames_are_kept_for_a_while_and_junk_pushes_out_nothing() {
    let rules = Rules {
        fleet: FleetRules { frames_kept: 4, refused_frames_a_minute: 3, ..FleetRules::default() },
        ..Rules::default()
    };
    let mut town = Town::with(rules).await;
    let mut card = awake(&mut town).await;
    let channel = card.link.channel;
    let mut forged = card.press();
    *forged.last_mut().unwrap() ^= 1;
    for _ in 0..20 {
        hears(&town, &forged, "test").await;
    }
    let frames = |town: &Town| town.app.store().peek(|rows| rows.frames_before(channel, None, 50)).unwrap();
    let outcomes: Vec<String> = frames(&town).into_iter().map(|kept| kept.frame.outcome).collect();
    assert_eq!(outcomes, ["wrong_code", "wrong_code", "wrong_code", "nothing_waits", "clock"]);
    assert_eq!(town.fleet.forget_old().await, Ok(1), "four are kept");
    assert_eq!(frames(&town).len(), 4);
    assert_eq!(town.fleet.forget_old().await, Ok(0));
    town.pass(31 * DAY_MILLIS);
    while town.fleet.forget_old().await.unwrap() > 0 {}
    assert_eq!(frames(&town), []);
}

#[tokio::test]
async fn notes_that_find_no_room_are_counted_and_payments_go_on() {
    let mut town = Town::open().await;
    let mut card = awake(&mut town).await;
    let order = town.order(card.id, 2_000).await;
    for _ in 0..16_500 {
        town.fleet.radio_told(card.link.channel, "test", Reception::default());
    }
    assert_eq!(town.counted("frames_refused", "note_lost"), 116);
    town.agrees(&mut card, 1).await;
    assert_eq!(town.state(order), "paid");
    while town.fleet.keep_notes().await.unwrap() > 0 {}
}
