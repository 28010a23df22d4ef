//! Channels and what is known of them, downlinks, frames, alerts, imports.

use fleet::{AlertKind, DownlinkId, DownlinkState, FailReason, Listening, Presence, Priority, Reception};
use model::ChannelId;
use store::{
    ChannelFilter, ChannelTally, HeardState, ImportProgress, NewFrame, Registered, Registration, Store,
    StoredDownlink,
};

use crate::maker::{MORNING, breaks_a_rule, card, channel, kept, order, seen};

async fn register(store: &Store, n: u32, registration: &Registration, tags: &'static [&str]) -> Registered {
    let registration = registration.clone();
    kept(store, move |unit| unit.register_channel(channel(n), &registration, tags, MORNING)).await
}

fn heard(presence: Presence, millis: i64) -> HeardState {
    HeardState { presence, at: Some(MORNING.plus(millis)), ..HeardState::default() }
}

/// A downlink made `millis` after the morning, for the card and the channel of a number.
fn downlink(millis: i64, on: u32) -> StoredDownlink {
    let created_at = MORNING.plus(millis);
    StoredDownlink {
        id: DownlinkId::from_time_and_random(created_at, u128::from(on)),
        card: card(on).record.information.card_id,
        channel: channel(on),
        order: None,
        priority: Priority::Normal,
        frame: Vec::new(),
        address: None,
        state: DownlinkState::Queued,
        network_id: None,
        created_at,
        expires_at: created_at.plus(180_000),
        updated_at: created_at,
    }
}

async fn add(store: &Store, downlinks: impl IntoIterator<Item = StoredDownlink>) {
    let downlinks = Vec::from_iter(downlinks);
    kept(store, move |unit| downlinks.iter().try_for_each(|downlink| unit.add_downlink(downlink))).await;
}

pub(crate) async fn every_field_of_a_channel_comes_back(store: Store) {
    let group = kept(&store, |unit| unit.group_named("北区")).await;
    let full = Registration {
        name: Some("Market 1".into()),
        group: Some(group),
        bearer: Some("ctwing".into()),
        application: Some("product".into()),
        device: Some("device".into()),
        listening: Some(Listening::Always),
        silent_seconds: Some(u32::MAX),
    };
    assert_eq!(register(&store, 1, &full, &["a", "b"]).await, Registered::Added);
    assert_eq!(register(&store, 1, &full, &["b", "a"]).await, Registered::Same);
    assert_eq!(register(&store, 1, &full, &["b"]).await, Registered::Changed);
    let now = HeardState {
        presence: Presence::Present,
        at: Some(MORNING.plus(5)),
        by: Some("ctwing/product".into()),
        reception: Reception {
            rssi_dbm: Some(-120),
            snr_tenths: Some(-75),
            data_rate: Some(5),
            ..Reception::default()
        },
        battery: Some(200),
        firmware: Some(u16::MAX),
    };
    let put = now.clone();
    kept(&store, move |unit| unit.put_heard(channel(1), &put, Some(MORNING.plus(9)))).await;
    let stored = seen(&store, |rows| rows.channel(channel(1))).await.unwrap();
    assert_eq!((stored.id, stored.registered_at), (channel(1), MORNING));
    assert_eq!((stored.registration, stored.heard), (full.clone(), now));
    assert_eq!(seen(&store, |rows| rows.tags_of(channel(1))).await, ["b"]);
    // Who registers again says nothing of what was heard.
    let renamed = Registration { name: None, ..full };
    assert_eq!(register(&store, 1, &renamed, &[]).await, Registered::Changed);
    let stored = seen(&store, |rows| rows.channel(channel(1))).await.unwrap();
    assert_eq!((stored.registration.name, stored.heard.battery), (None, Some(200)));
    assert_eq!(seen(&store, |rows| rows.channel(channel(2))).await, None);
}

pub(crate) async fn a_device_of_a_network_names_one_channel(store: Store) {
    let device = |bearer: &str| Registration {
        bearer: Some(bearer.into()),
        device: Some("17".into()),
        ..Registration::default()
    };
    register(&store, 1, &device("ctwing"), &[]).await;
    register(&store, 2, &device("oceanconnect"), &[]).await;
    let again = device("ctwing");
    breaks_a_rule(&store, move |unit| unit.register_channel(channel(3), &again, &[], MORNING).map(|_| ()))
        .await;
    let of = async |bearer| seen(&store, move |rows| rows.channel_of_device(bearer, "17")).await;
    assert_eq!((of("ctwing").await, of("oceanconnect").await), (Some(channel(1)), Some(channel(2))));
    assert_eq!(of("onenet").await, None);
}

pub(crate) async fn the_tally_follows_every_change(store: Store) {
    let tally = async || {
        let mut tally: Vec<(Option<_>, Presence, u64)> = seen(&store, |rows| rows.channel_tally())
            .await
            .into_iter()
            .map(|ChannelTally { group, presence, channels }| (group, presence, channels))
            .collect();
        tally.sort_by_key(|(group, presence, _)| (*group, presence.number()));
        tally
    };
    assert_eq!(tally().await, []);
    let north = kept(&store, |unit| unit.group_named("North")).await;
    assert_eq!(kept(&store, |unit| unit.group_named("North")).await, north);
    let in_north = Registration { group: Some(north), ..Registration::default() };
    register(&store, 1, &in_north, &[]).await;
    register(&store, 2, &in_north, &[]).await;
    kept(&store, |unit| unit.know_channel(channel(3), MORNING)).await;
    kept(&store, |unit| unit.know_channel(channel(3), MORNING)).await;
    assert_eq!(tally().await, [(None, Presence::Unheard, 1), (Some(north), Presence::Unheard, 2)]);
    kept(&store, |unit| unit.put_heard(channel(1), &heard(Presence::Present, 1), Some(MORNING))).await;
    kept(&store, |unit| unit.put_heard(channel(1), &heard(Presence::Present, 2), None)).await;
    register(&store, 2, &Registration::default(), &[]).await;
    assert_eq!(tally().await, [(None, Presence::Unheard, 2), (Some(north), Presence::Present, 1)]);
    register(&store, 1, &Registration::default(), &[]).await;
    kept(&store, |unit| unit.look_again(channel(1), None)).await;
    let mut last = [(None, Presence::Unheard, 2), (None, Presence::Silent, 1)];
    last.sort_by_key(|(_, presence, _)| presence.number());
    assert_eq!(tally().await, last);
}

pub(crate) async fn channels_are_listed_by_id_by_every_filter(store: Store) {
    let group = kept(&store, |unit| unit.group_named("North")).await;
    for n in 0..10 {
        let registration = Registration {
            name: Some(format!("Stall {n}")),
            group: (n % 2 == 0).then_some(group),
            ..Registration::default()
        };
        register(&store, n, &registration, if n < 5 { &["old"] } else { &[] }).await;
    }
    kept(&store, |unit| unit.put_heard(channel(4), &heard(Presence::Present, 1), Some(MORNING))).await;
    // The greater the number the smaller the id: see `channel`.
    let listed = async |filter: &ChannelFilter, after: Option<ChannelId>, limit| {
        let filter = filter.clone();
        let page = seen(&store, move |rows| rows.channels_after(&filter, after, limit)).await;
        let ids: Vec<ChannelId> = page.channels.iter().map(|channel| channel.id).collect();
        (ids, page.next)
    };
    let all = ChannelFilter::default();
    let numbers = |numbers: &[u32]| numbers.iter().map(|n| channel(*n)).collect::<Vec<_>>();
    assert_eq!(listed(&all, None, 3).await, (numbers(&[9, 8, 7]), Some(channel(7))));
    assert_eq!(listed(&all, Some(channel(2)), 3).await, (numbers(&[1, 0]), None));
    for (filter, found) in [
        (ChannelFilter { group: Some(group), ..all.clone() }, &[8, 6, 4, 2, 0][..]),
        (ChannelFilter { tag: Some("old".into()), ..all.clone() }, &[4, 3, 2, 1, 0]),
        (ChannelFilter { presence: Some(Presence::Present), ..all.clone() }, &[4]),
        (ChannelFilter { group: Some(group), tag: Some("old".into()), ..all.clone() }, &[4, 2, 0]),
        (
            ChannelFilter { between: Some((channel(6).to_bytes(), channel(5).to_bytes())), ..all.clone() },
            &[6, 5],
        ),
        (ChannelFilter { tag: Some("new".into()), ..all.clone() }, &[]),
    ] {
        assert_eq!(listed(&filter, None, 100).await, (numbers(found), None), "{filter:?}");
    }
    let named = seen(&store, |rows| rows.channels_named("Stall", Some(("Stall 7", channel(7))), 100)).await;
    assert_eq!(named.iter().map(|it| it.id).collect::<Vec<_>>(), numbers(&[8, 9]));
    // What stands for more in a pattern stands for itself here.
    for nobody in ["%", "_", "Stall_", "*", "stall 1["] {
        assert_eq!(seen(&store, move |rows| rows.channels_named(nobody, None, 100)).await, [], "{nobody}");
    }
}

pub(crate) async fn a_channel_is_looked_at_when_it_is_due(store: Store) {
    kept(&store, |unit| {
        for n in [1, 2] {
            unit.know_channel(channel(n), MORNING)?;
            let due = MORNING.plus(i64::from(n) * 1_000);
            unit.put_heard(channel(n), &heard(Presence::Present, 0), Some(due))?;
        }
        Ok::<_, store::StoreError>(())
    })
    .await;
    let due = async |millis| {
        let found = seen(&store, move |rows| rows.channels_to_look_at(MORNING.plus(millis), 10)).await;
        found.into_iter().map(|channel| channel.id).collect::<Vec<_>>()
    };
    assert_eq!(due(999).await, []);
    assert_eq!(due(2_000).await, [channel(1), channel(2)]);
    kept(&store, |unit| unit.look_again(channel(1), Some(MORNING.plus(5_000)))).await;
    kept(&store, |unit| unit.look_again(channel(2), None)).await;
    assert_eq!(due(4_999).await, []);
    assert_eq!(due(i64::from(u32::MAX)).await, [channel(1)]);
    let silent = seen(&store, |rows| rows.channel(channel(2))).await.unwrap();
    assert_eq!(silent.heard.presence, Presence::Silent);
}

pub(crate) async fn every_field_and_state_of_a_downlink_comes_back(store: Store) {
    let failed = FailReason::ALL.map(DownlinkState::Failed);
    let states = [
        DownlinkState::Queued,
        DownlinkState::Handed,
        DownlinkState::Sent,
        DownlinkState::Delivered,
        DownlinkState::Acknowledged,
        DownlinkState::Expired,
        DownlinkState::Canceled,
    ];
    for (millis, state) in (1..).zip(states.into_iter().chain(failed)) {
        let made = downlink(millis, 1);
        add(&store, [made.clone()]).await;
        let full = StoredDownlink {
            frame: vec![0x20, 0xff, 0],
            address: Some("coap:127.0.0.1:5683".into()),
            state,
            network_id: Some(format!("item-{millis}")),
            expires_at: MORNING.plus(9_000),
            updated_at: MORNING.plus(millis),
            ..made
        };
        let put = full.clone();
        kept(&store, move |unit| unit.put_downlink(&put)).await;
        let id = full.id;
        assert_eq!(seen(&store, move |rows| rows.downlink(id)).await, Some(full.clone()));
        let name = full.network_id.clone().unwrap();
        assert_eq!(seen(&store, move |rows| rows.downlink_of_network(&name)).await, Some(id));
        breaks_a_rule(&store, move |unit| unit.add_downlink(&full)).await;
    }
    let page = seen(&store, |rows| rows.downlinks_before(channel(1), None, 2)).await;
    assert_eq!(page.iter().map(|it| it.created_at).collect::<Vec<_>>(), [15, 14].map(|n| MORNING.plus(n)));
    let last = page[1].id;
    let page = seen(&store, move |rows| rows.downlinks_before(channel(1), Some(last), 100)).await;
    assert_eq!(page.len(), 13);
}

pub(crate) async fn an_order_waits_in_one_downlink(store: Store) {
    let of_order = |millis| StoredDownlink { order: Some(order(1, 1).order.id), ..downlink(millis, 1) };
    add(&store, [of_order(1)]).await;
    breaks_a_rule(&store, move |unit| unit.add_downlink(&of_order(2))).await;
    let waiting = kept(&store, |unit| unit.queued_downlink_of_order(order(1, 1).order.id)).await;
    assert_eq!(waiting.map(|it| it.id), Some(of_order(1).id));
    let ended = StoredDownlink { state: DownlinkState::Canceled, ..of_order(1) };
    kept(&store, move |unit| unit.put_downlink(&ended)).await;
    add(&store, [of_order(2)]).await;
}

pub(crate) async fn what_waits_goes_by_priority_then_by_age_until_its_time_is_over(store: Store) {
    add(&store, [downlink(1, 1), downlink(2, 1), downlink(3, 1), downlink(4, 2)]).await;
    kept(&store, |unit| unit.put_downlink_priority(downlink(3, 1).id, Priority::High)).await;
    kept(&store, |unit| unit.put_downlink_priority(downlink(1, 1).id, Priority::Low)).await;
    let ids = |numbers: &[(i64, u32)]| numbers.iter().map(|(n, on)| downlink(*n, *on).id).collect::<Vec<_>>();
    let queued = seen(&store, |rows| rows.queued_downlinks(channel(1))).await;
    assert_eq!(queued.iter().map(|it| it.id).collect::<Vec<_>>(), ids(&[(3, 1), (2, 1), (1, 1)]));
    let waiting = seen(&store, |rows| rows.waiting_downlinks(Some(downlink(1, 1).id), 2)).await;
    assert_eq!(waiting.iter().map(|it| it.id).collect::<Vec<_>>(), ids(&[(2, 1), (3, 1)]));
    assert_eq!(seen(&store, |rows| rows.waiting_downlink_count(3)).await, 3);
    assert_eq!(seen(&store, |rows| rows.waiting_downlink_count(10)).await, 4);
    // Only what has a frame and an address can be handed over.
    assert_eq!(seen(&store, |rows| rows.downlinks_to_hand(10)).await, []);
    let ready = StoredDownlink { address: Some("coap:x".into()), frame: vec![1], ..downlink(4, 2) };
    let put = ready.clone();
    kept(&store, move |unit| unit.put_downlink(&put)).await;
    assert_eq!(seen(&store, |rows| rows.downlinks_to_hand(10)).await, [ready]);
    let overdue = seen(&store, |rows| rows.overdue_downlinks(MORNING.plus(180_002), 10)).await;
    assert_eq!(overdue, ids(&[(1, 1), (2, 1)]));
    let ended = StoredDownlink { state: DownlinkState::Expired, ..downlink(1, 1) };
    kept(&store, move |unit| unit.put_downlink(&ended)).await;
    // What waits is never forgotten, however old.
    assert_eq!(kept(&store, |unit| unit.forget_downlinks(MORNING.plus(9_000), 10)).await, 1);
    assert_eq!(seen(&store, |rows| rows.waiting_downlink_count(10)).await, 3);
}

pub(crate) async fn frames_are_kept_by_age_and_number_and_forgotten_by_portions(store: Store) {
    let frame = |n: u8| NewFrame {
        channel: channel(u32::from(n % 2)),
        at: MORNING.plus(n.into()),
        bearer: "chirpstack".into(),
        upward: n != 3,
        bytes: vec![n; 51],
        answer: vec![n; usize::from(n)],
        downlink: Some(downlink(n.into(), 1).id),
        outcome: "asked".into(),
        reception: Reception {
            rssi_dbm: Some(-99),
            snr_tenths: Some(-5),
            data_rate: Some(2),
            ..Reception::default()
        },
        battery: Some(n),
    };
    kept(&store, move |unit| (0..10).try_for_each(|n| unit.add_frame(&frame(n)))).await;
    let odd = seen(&store, |rows| rows.frames_before(channel(1), None, 2)).await;
    assert_eq!(odd.iter().map(|it| it.frame.clone()).collect::<Vec<_>>(), [frame(9), frame(7)]);
    let before = odd[1].seq;
    let odd = seen(&store, move |rows| rows.frames_before(channel(1), Some(before), 100)).await;
    assert_eq!(odd.iter().map(|it| it.frame.clone()).collect::<Vec<_>>(), [frame(5), frame(3), frame(1)]);
    let left = async || {
        let mut left = Vec::new();
        for n in [0, 1] {
            left.extend(seen(&store, move |rows| rows.frames_before(channel(n), None, 100)).await);
        }
        let mut left: Vec<u8> = left.iter().filter_map(|it| it.frame.battery).collect();
        left.sort_unstable();
        left
    };
    assert_eq!(kept(&store, |unit| unit.forget_frames(MORNING.plus(4), 1_000, 3)).await, 3);
    assert_eq!(left().await, [3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(kept(&store, |unit| unit.forget_frames(MORNING.plus(4), 1_000, 3)).await, 1);
    assert_eq!(kept(&store, |unit| unit.forget_frames(MORNING, 4, 100)).await, 2);
    assert_eq!(left().await, [6, 7, 8, 9]);
}

pub(crate) async fn a_channel_has_one_open_alert_a_kind_which_is_cleared_once(store: Store) {
    kept(&store, |unit| unit.know_channel(channel(1), MORNING)).await;
    let raise = async |kind, millis| {
        kept(&store, move |unit| unit.raise_alert(channel(1), kind, Some("17%"), MORNING.plus(millis))).await
    };
    for kind in AlertKind::ALL {
        assert!(raise(kind, 1).await && !raise(kind, 2).await, "{kind:?}");
    }
    let open = seen(&store, |rows| rows.alerts_before(true, None, 10)).await;
    assert_eq!(open.iter().rev().map(|it| it.kind).collect::<Vec<_>>(), AlertKind::ALL);
    assert!(open.iter().all(|it| it.raised_at == MORNING.plus(1) && it.detail.as_deref() == Some("17%")));
    let clear =
        async |kind| kept(&store, move |unit| unit.clear_alert(channel(1), kind, MORNING.plus(5))).await;
    assert!(clear(AlertKind::Silent).await && !clear(AlertKind::Silent).await);
    let first = open.last().unwrap().id;
    for news in [true, false] {
        assert_eq!(kept(&store, move |unit| unit.clear_alert_of_id(first, MORNING.plus(9))).await, news);
    }
    assert_eq!(seen(&store, |rows| rows.open_alert_count(10)).await, 2);
    assert_eq!(seen(&store, |rows| rows.open_alert_count(1)).await, 1);
    assert!(raise(AlertKind::Silent, 10).await, "it is silent again");
    assert_eq!(seen(&store, |rows| rows.alerts_of_channel(channel(1), 10)).await.len(), 5);
    assert_eq!(kept(&store, |unit| unit.forget_alerts(MORNING.plus(9), 10)).await, 1);
    assert_eq!(seen(&store, |rows| rows.alerts_before(false, None, 10)).await.len(), 4);
}

pub(crate) async fn how_far_an_import_has_come_is_kept_by_its_file(store: Store) {
    let of = async |digest| seen(&store, move |rows| rows.channel_import([digest; 32])).await;
    assert_eq!(of(1).await, None);
    for lines in [10, i64::MAX.unsigned_abs()] {
        let progress = ImportProgress { lines, added: 1, changed: 2, same: 3, refused: 4 };
        kept(&store, move |unit| unit.put_channel_import([1; 32], &progress, MORNING)).await;
        assert_eq!(of(1).await, Some(progress));
    }
    assert_eq!(of(2).await, None);
}
