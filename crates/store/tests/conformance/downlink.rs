//! Downlinks: every field, one that waits an order, and what waits in the order it goes.

use fleet::{DownlinkId, DownlinkState, FailReason, Priority};
use model::{CardId, UnixMillis};
use payment::OrderId;
use store::{Store, StoredDownlink};

use crate::maker::fleet::{add_downlinks, downlink};
use crate::maker::{MORNING, breaks_a_rule, changes_nothing, channel, kept, order, seen};

/// Every state there is.
fn states() -> impl Iterator<Item = DownlinkState> {
    let plain = [
        DownlinkState::Queued,
        DownlinkState::Handed,
        DownlinkState::Sent,
        DownlinkState::Delivered,
        DownlinkState::Acknowledged,
        DownlinkState::Expired,
        DownlinkState::Canceled,
    ];
    plain.into_iter().chain(FailReason::ALL.map(DownlinkState::Failed))
}

fn ids(downlinks: &[StoredDownlink]) -> Vec<DownlinkId> {
    downlinks.iter().map(|downlink| downlink.id).collect()
}

/// The ids of downlinks made so many milliseconds after the morning, on the channel of a number.
fn of(numbers: &[(i64, u32)]) -> Vec<DownlinkId> {
    numbers.iter().map(|(millis, on)| downlink(*millis, *on).id).collect()
}

async fn put(store: &Store, downlink: StoredDownlink) {
    kept(store, move |unit| unit.put_downlink(&downlink)).await;
}

pub(crate) async fn every_field_of_a_downlink_comes_back(store: Store) {
    let full = StoredDownlink {
        id: DownlinkId(u128::MAX),
        card: CardId(u32::MAX),
        channel: channel(u32::MAX),
        order: Some(OrderId(u128::MAX)),
        priority: Priority::High,
        frame: vec![0, 0xff, 0],
        address: Some("coap:127.0.0.1:5683".into()),
        state: DownlinkState::Failed(FailReason::Superseded),
        network_id: Some("条目".into()),
        created_at: UnixMillis(i64::MAX),
        expires_at: UnixMillis(i64::MIN),
        updated_at: UnixMillis(0),
    };
    let empty = StoredDownlink {
        id: DownlinkId(0),
        card: CardId(0),
        order: Some(OrderId(0)),
        priority: Priority::Low,
        address: Some(String::new()),
        network_id: Some(String::new()),
        ..downlink(1, 1)
    };
    for stored in [full, empty, downlink(2, 1)] {
        add_downlinks(&store, [stored.clone()]).await;
        let (id, again) = (stored.id, stored.clone());
        assert_eq!(seen(&store, move |rows| rows.downlink(id)).await, Some(stored));
        breaks_a_rule(&store, move |unit| unit.add_downlink(&again)).await;
    }
    assert_eq!(seen(&store, |rows| rows.downlink(DownlinkId(7))).await, None);
}

pub(crate) async fn a_downlink_changes_in_all_but_what_it_is_for(store: Store) {
    for (n, state) in (1..).zip(states()) {
        let made = StoredDownlink { order: Some(order(n, 1).order.id), ..downlink(n, 1) };
        add_downlinks(&store, [made.clone()]).await;
        let mut now = made;
        for (round, address) in [(0, Some("coap:127.0.0.1:5683")), (1, None)] {
            now = StoredDownlink {
                frame: vec![0x20; 51 * round],
                address: address.map(Into::into),
                state,
                network_id: address.map(|_| format!("item-{n}")),
                expires_at: MORNING.plus(9_000 + n),
                updated_at: MORNING.plus(n + 1),
                ..now
            };
            // Its channel, its order and its turn stay, whatever is handed in.
            put(
                &store,
                StoredDownlink {
                    channel: channel(9),
                    order: None,
                    priority: Priority::High,
                    created_at: MORNING,
                    ..now.clone()
                },
            )
            .await;
            let id = now.id;
            assert_eq!(seen(&store, move |rows| rows.downlink(id)).await.as_ref(), Some(&now), "{state:?}");
        }
    }
    changes_nothing(&store, "downlink", |unit| unit.put_downlink(&downlink(99, 1))).await;
    // Of another card there is none.
    let another_s = StoredDownlink { card: CardId(9), ..downlink(1, 1) };
    changes_nothing(&store, "downlink", move |unit| unit.put_downlink(&another_s)).await;
}

pub(crate) async fn a_channel_s_downlinks_are_listed_newest_first_below_a_cursor(store: Store) {
    let all = (1..).zip(states()).map(|(n, state)| StoredDownlink { state, ..downlink(n, 1) });
    add_downlinks(&store, all.chain([downlink(3, 2)])).await;
    for limit in [1, 4, 100] {
        let (mut before, mut listed) = (None, Vec::new());
        loop {
            let page = seen(&store, move |rows| rows.downlinks_before(channel(1), before, limit)).await;
            assert!(page.len() <= limit as usize);
            let Some(last) = page.last() else { break };
            before = Some(last.id);
            listed.extend(page.iter().map(|downlink| downlink.created_at.0 - MORNING.0));
        }
        assert_eq!(listed, (1..=15).rev().collect::<Vec<_>>());
    }
    assert_eq!(seen(&store, |rows| rows.downlinks_before(channel(3), None, 9)).await, []);
}

pub(crate) async fn an_order_waits_in_one_downlink(store: Store) {
    let of_order =
        |millis, state| StoredDownlink { order: Some(order(1, 1).order.id), state, ..downlink(millis, 1) };
    let waiting = async || {
        let order = order(1, 1).order;
        kept(&store, move |unit| unit.queued_downlink_of_order(order.card, order.id)).await
    };
    assert_eq!(waiting().await, None);
    for (n, state) in (1..).zip(states().filter(|state| *state != DownlinkState::Queued)) {
        let (first, second) = (2 * n, 2 * n + 1);
        let queued = of_order(first, DownlinkState::Queued);
        add_downlinks(&store, [queued.clone()]).await;
        breaks_a_rule(&store, move |unit| unit.add_downlink(&of_order(second, DownlinkState::Queued))).await;
        // Beside it others may stand that have gone on.
        add_downlinks(&store, [of_order(second, state)]).await;
        breaks_a_rule(&store, move |unit| unit.put_downlink(&of_order(second, DownlinkState::Queued))).await;
        assert_eq!(waiting().await, Some(queued));
        put(&store, of_order(first, state)).await;
        assert_eq!(waiting().await, None, "{state:?}");
    }
    // Those of no order are as many as there are.
    add_downlinks(&store, [downlink(100, 1), downlink(101, 1)]).await;
}

pub(crate) async fn what_waits_goes_by_priority_then_by_age(store: Store) {
    add_downlinks(&store, [4, 1, 3, 2].map(|n| downlink(n, 1))).await;
    add_downlinks(&store, [downlink(5, 2)]).await;
    let queued = async || ids(&seen(&store, |rows| rows.queued_downlinks(CardId(1), channel(1))).await);
    assert_eq!(queued().await, of(&[(1, 1), (2, 1), (3, 1), (4, 1)]));
    for (millis, priority, order) in [
        (3, Priority::High, [3, 1, 2, 4]),
        (1, Priority::Low, [3, 2, 4, 1]),
        (4, Priority::High, [3, 4, 2, 1]),
        (3, Priority::Normal, [4, 2, 3, 1]),
        (2, Priority::Low, [4, 3, 1, 2]),
    ] {
        kept(&store, move |unit| unit.put_downlink_priority(downlink(millis, 1).id, priority)).await;
        assert_eq!(queued().await, of(&order.map(|n| (n, 1))), "{millis} {priority:?}");
    }
    assert_eq!(seen(&store, |rows| rows.queued_downlinks(CardId(3), channel(3))).await, []);
    // Once it has gone on, it has no turn.
    for (n, state) in (10..).zip(states()) {
        let gone = StoredDownlink { state, ..downlink(n, 3) };
        add_downlinks(&store, [gone.clone()]).await;
        let id = gone.id;
        if state == DownlinkState::Queued {
            kept(&store, move |unit| unit.put_downlink_priority(id, Priority::High)).await;
        } else {
            changes_nothing(&store, "downlink", move |unit| unit.put_downlink_priority(id, Priority::High))
                .await;
            assert_eq!(seen(&store, move |rows| rows.downlink(id)).await, Some(gone));
        }
    }
    changes_nothing(&store, "downlink", |unit| {
        unit.put_downlink_priority(downlink(99, 1).id, Priority::High)
    })
    .await;
    assert_eq!(ids(&seen(&store, |rows| rows.queued_downlinks(CardId(3), channel(3))).await), of(&[(10, 3)]));
}

pub(crate) async fn what_waits_here_or_with_a_network_is_listed_and_counted(store: Store) {
    let all = (1..).zip(states()).map(|(n, state)| StoredDownlink { state, ..downlink(n, 1) });
    let more =
        [(20, 2, DownlinkState::Handed), (21, 1, DownlinkState::Queued), (19, 3, DownlinkState::Queued)];
    let more = more.map(|(n, on, state)| StoredDownlink { state, ..downlink(n, on) });
    assert_eq!(seen(&store, |rows| rows.waiting_downlink_count(9)).await, 0);
    add_downlinks(&store, all.chain(more)).await;
    let waiting = of(&[(1, 1), (2, 1), (19, 3), (20, 2), (21, 1)]);
    for limit in [1, 2, 3, 100] {
        let (mut after, mut listed) = (None, Vec::new());
        loop {
            let page = seen(&store, move |rows| rows.waiting_downlinks(after, limit)).await;
            assert!(page.len() <= limit as usize && page.iter().all(|it| it.state.waits()));
            let Some(last) = page.last() else { break };
            after = Some(last.id);
            listed.extend(ids(&page));
        }
        assert_eq!(listed, waiting, "{limit}");
    }
    for (limit, count) in [(0, 0), (1, 1), (4, 4), (5, 5), (6, 5), (u32::MAX, 5)] {
        assert_eq!(seen(&store, move |rows| rows.waiting_downlink_count(limit)).await, count);
    }
}

pub(crate) async fn what_has_a_frame_and_an_address_is_handed_over_the_first_first(store: Store) {
    let ready = |millis, on, priority| StoredDownlink {
        frame: vec![0x20],
        address: Some("coap:x".into()),
        priority,
        ..downlink(millis, on)
    };
    let wanting = [
        StoredDownlink { frame: Vec::new(), ..ready(1, 1, Priority::High) },
        StoredDownlink { address: None, ..ready(2, 1, Priority::High) },
        downlink(3, 1),
    ];
    let gone = (10..).zip(states().filter(|state| *state != DownlinkState::Queued));
    let gone = gone.map(|(n, state)| StoredDownlink { state, ..ready(n, 1, Priority::High) });
    add_downlinks(&store, wanting.into_iter().chain(gone)).await;
    assert_eq!(seen(&store, |rows| rows.downlinks_to_hand(None, 9)).await, []);
    let sorted = [
        ready(40, 2, Priority::High),
        ready(50, 1, Priority::High),
        ready(30, 3, Priority::Normal),
        ready(31, 1, Priority::Normal),
        ready(20, 4, Priority::Low),
    ];
    add_downlinks(&store, [3, 0, 4, 2, 1].map(|n: usize| sorted[n].clone())).await;
    for limit in [1, 3, 5, 9] {
        let found = seen(&store, move |rows| rows.downlinks_to_hand(None, limit)).await;
        assert_eq!(found, sorted[..sorted.len().min(limit as usize)]);
    }
    for (n, last) in sorted.iter().enumerate() {
        let after = Some((last.priority, last.id));
        assert_eq!(seen(&store, move |rows| rows.downlinks_to_hand(after, 9)).await, sorted[n + 1..]);
    }
    // What wanted a frame has one now.
    put(&store, ready(1, 1, Priority::High)).await;
    assert_eq!(ids(&seen(&store, |rows| rows.downlinks_to_hand(None, 1)).await), of(&[(1, 1)]));
}

pub(crate) async fn what_waits_is_overdue_when_its_time_is_over(store: Store) {
    let until = |millis, expires, state| StoredDownlink {
        state,
        expires_at: MORNING.plus(expires),
        ..downlink(millis, 1)
    };
    // Made in another order than they end.
    add_downlinks(
        &store,
        [
            until(1, 300, DownlinkState::Queued),
            until(2, 100, DownlinkState::Handed),
            until(3, 200, DownlinkState::Queued),
        ],
    )
    .await;
    let gone = (10..).zip(states().filter(|state| !state.waits()));
    add_downlinks(&store, gone.map(|(n, state)| until(n, 50, state))).await;
    let overdue = async |millis, limit| {
        seen(&store, move |rows| rows.overdue_downlinks(MORNING.plus(millis), limit)).await
    };
    for (millis, limit, numbers) in
        [(99, 9, &[][..]), (100, 9, &[2]), (299, 9, &[2, 3]), (300, 9, &[2, 3, 1]), (300, 2, &[2, 3])]
    {
        let expected: Vec<DownlinkId> = numbers.iter().map(|n| downlink(*n, 1).id).collect();
        assert_eq!(overdue(millis, limit).await, expected, "{millis}");
    }
    put(&store, until(3, 200, DownlinkState::Expired)).await;
    put(&store, until(2, 900, DownlinkState::Handed)).await;
    assert_eq!(overdue(899, 9).await, of(&[(1, 1)]));
}

pub(crate) async fn a_network_s_name_is_of_the_newest_downlink_that_has_it(store: Store) {
    let named = |millis, name: &str| StoredDownlink { network_id: Some(name.into()), ..downlink(millis, 1) };
    let of_network = async |name| seen(&store, move |rows| rows.downlink_of_network(name)).await;
    add_downlinks(&store, [named(2, "17"), downlink(9, 1), named(1, "17"), named(3, "18")]).await;
    assert_eq!(of_network("17").await, Some(downlink(2, 1).id));
    assert_eq!(of_network("18").await, Some(downlink(3, 1).id));
    assert_eq!((of_network("1").await, of_network("").await), (None, None));
    // Networks count anew: the name is given again.
    put(&store, StoredDownlink { state: DownlinkState::Sent, ..named(9, "17") }).await;
    assert_eq!(of_network("17").await, Some(downlink(9, 1).id));
}

pub(crate) async fn downlinks_are_forgotten_by_their_making_and_by_portions_but_none_that_waits(
    store: Store,
) {
    let all = (1..).zip(states()).map(|(n, state)| StoredDownlink { state, ..downlink(n, 1) });
    add_downlinks(&store, all).await;
    let left = async || {
        let mut left = seen(&store, |rows| rows.downlinks_before(channel(1), None, 99)).await;
        left.reverse();
        left.iter().map(|downlink| downlink.created_at.0 - MORNING.0).collect::<Vec<_>>()
    };
    let forget = async |millis, limit| {
        kept(&store, move |unit| unit.forget_downlinks(MORNING.plus(millis), limit)).await
    };
    // 1 is queued and 2 handed: they stand before all others, and in nobody's way.
    assert_eq!(forget(3, 9).await, 0);
    assert_eq!(forget(7, 3).await, 3);
    assert_eq!(left().await, [1, 2, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);
    assert_eq!(forget(7, 3).await, 1);
    assert_eq!(forget(7, 3).await, 0);
    assert_eq!(forget(1_000, 99).await, 9);
    assert_eq!(left().await, [1, 2]);
    put(&store, StoredDownlink { state: DownlinkState::Sent, ..downlink(2, 1) }).await;
    assert_eq!(forget(1_000, 99).await, 1);
    assert_eq!(left().await, [1]);
}
