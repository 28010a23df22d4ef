//! Frames that are kept for a while, alerts, and how far imports have come.

use fleet::{AlertKind, DownlinkId};
use model::UnixMillis;
use store::{ImportProgress, NewFrame, Store, StoredAlert};

use crate::maker::fleet::{FAINT, LOUD, frame};
use crate::maker::{MORNING, channel, kept, seen};

async fn add_frames(store: &Store, frames: impl IntoIterator<Item = NewFrame>) {
    let frames = Vec::from_iter(frames);
    kept(store, move |unit| frames.iter().try_for_each(|frame| unit.add_frame(frame))).await;
}

async fn forget(store: &Store, millis: i64, keep: u64, limit: u32) -> u32 {
    kept(store, move |unit| unit.forget_frames(MORNING.plus(millis), keep, limit)).await
}

/// The frames that are left on the channels 0 and 1, by their batteries.
async fn left(store: &Store) -> Vec<u8> {
    let mut left = Vec::new();
    for n in [0, 1] {
        left.extend(seen(store, move |rows| rows.frames_before(channel(n), None, 999)).await);
    }
    left.sort_by_key(|frame| frame.seq);
    left.iter().filter_map(|frame| frame.frame.battery).collect()
}

pub(crate) async fn every_field_of_a_frame_comes_back(store: Store) {
    let full = NewFrame {
        channel: channel(1),
        at: UnixMillis(i64::MAX),
        bearer: "ctwing".into(),
        upward: true,
        bytes: vec![0, 0xff, 0],
        answer: vec![0xff; 255],
        downlink: Some(DownlinkId(u128::MAX)),
        outcome: "wrong_code".into(),
        reception: LOUD,
        battery: Some(u8::MAX),
    };
    let empty = NewFrame {
        at: UnixMillis(i64::MIN),
        bearer: String::new(),
        upward: false,
        bytes: Vec::new(),
        answer: Vec::new(),
        downlink: Some(DownlinkId(0)),
        outcome: String::new(),
        reception: FAINT,
        battery: Some(0),
        ..full.clone()
    };
    let untold =
        NewFrame { downlink: None, reception: fleet::Reception::default(), battery: None, ..full.clone() };
    add_frames(&store, [full.clone(), empty.clone(), untold.clone()]).await;
    let stored = seen(&store, |rows| rows.frames_before(channel(1), None, 9)).await;
    assert_eq!(stored.into_iter().map(|it| it.frame).collect::<Vec<_>>(), [untold, empty, full]);
}

pub(crate) async fn a_channel_s_frames_are_listed_newest_first_below_a_cursor(store: Store) {
    add_frames(&store, (0..10).map(|n| frame(n, u32::from(n % 2)))).await;
    for limit in [1, 2, 100] {
        let (mut before, mut listed) = (None, Vec::new());
        loop {
            let page = seen(&store, move |rows| rows.frames_before(channel(1), before, limit)).await;
            assert!(page.len() <= limit as usize);
            let Some(last) = page.last() else { break };
            before = Some(last.seq);
            listed.extend(page.into_iter().map(|it| it.frame));
        }
        assert_eq!(listed, [9, 7, 5, 3, 1].map(|n| frame(n, 1)), "{limit}");
    }
    assert_eq!(seen(&store, |rows| rows.frames_before(channel(2), None, 9)).await, []);
}

pub(crate) async fn frames_are_forgotten_by_age_by_number_and_by_portions(store: Store) {
    add_frames(&store, (0..10).map(|n| frame(n, u32::from(n % 2)))).await;
    assert_eq!(forget(&store, 0, 10, 100).await, 0);
    assert_eq!(forget(&store, 4, 1_000, 3).await, 3);
    assert_eq!(left(&store).await, [3, 4, 5, 6, 7, 8, 9]);
    assert_eq!(forget(&store, 4, 1_000, 3).await, 1);
    assert_eq!(forget(&store, 4, 1_000, 3).await, 0);
    assert_eq!(forget(&store, 0, 4, 1).await, 1);
    assert_eq!(forget(&store, 0, 4, 100).await, 1);
    assert_eq!(left(&store).await, [6, 7, 8, 9]);
    assert_eq!(forget(&store, 8, 3, 100).await, 2, "by age and by number, each once");
    assert_eq!(forget(&store, 0, u64::MAX, 100).await, 0, "as many as there are");
    assert_eq!(forget(&store, 0, 0, 100).await, 2);
    assert_eq!(left(&store).await, [0; 0]);
    // The number of a forgotten frame is not another's: whoever lists goes on below it.
    add_frames(&store, [frame(20, 1)]).await;
    let seqs = seen(&store, |rows| rows.frames_before(channel(1), None, 9)).await;
    assert_eq!(seqs.iter().map(|it| it.seq).collect::<Vec<_>>(), [11]);
}

pub(crate) async fn forgetting_frames_looks_at_a_portion_and_no_further(store: Store) {
    // The clock was set back between them: the old ones stand behind.
    let fresh = (0..5).map(|n| NewFrame { at: MORNING.plus(1_000), ..frame(n, 1) });
    add_frames(&store, fresh.chain((5..10).map(|n| frame(n, 1)))).await;
    for limit in [0, 1, 5] {
        assert_eq!(forget(&store, 500, 1_000, limit).await, 0, "{limit}");
    }
    // Of seven that are looked at, two are old; then the same five stand before again.
    assert_eq!(forget(&store, 500, 1_000, 7).await, 2);
    assert_eq!(left(&store).await, [0, 1, 2, 3, 4, 7, 8, 9]);
    assert_eq!(forget(&store, 500, 1_000, 5).await, 0);
    assert_eq!(forget(&store, 500, 1_000, 8).await, 3);
    assert_eq!(left(&store).await, [0, 1, 2, 3, 4]);
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

pub(crate) async fn every_field_of_an_alert_comes_back_newest_first_below_a_cursor(store: Store) {
    // Each kind on each of two channels, all but the first cleared by turns.
    let mut all = Vec::new();
    for (id, (kind, n)) in (1..).zip(AlertKind::ALL.into_iter().flat_map(|kind| [1, 2].map(|n| (kind, n)))) {
        let detail = (n == 1).then(|| format!("电量 {id}"));
        let cleared_at = (id % 3 == 0).then_some(UnixMillis(i64::MAX));
        let raised_at = UnixMillis(i64::MAX - id);
        let alert = StoredAlert { id, channel: channel(n), kind, detail, raised_at, cleared_at };
        all.push(alert.clone());
        kept(&store, move |unit| {
            assert!(unit.raise_alert(alert.channel, kind, alert.detail.as_deref(), alert.raised_at)?);
            if let Some(at) = alert.cleared_at {
                assert!(unit.clear_alert(alert.channel, kind, at)?);
                assert!(!unit.clear_alert(alert.channel, kind, MORNING)?);
            }
            Ok::<_, store::StoreError>(())
        })
        .await;
    }
    all.reverse();
    for open in [true, false] {
        let expected: Vec<StoredAlert> =
            all.iter().filter(|alert| !open || alert.cleared_at.is_none()).cloned().collect();
        for limit in [1, 3, 100] {
            let (mut before, mut listed) = (None, Vec::new());
            loop {
                let page = seen(&store, move |rows| rows.alerts_before(open, before, limit)).await;
                assert!(page.len() <= limit as usize);
                let Some(last) = page.last() else { break };
                before = Some(last.id);
                listed.extend(page);
            }
            assert_eq!(listed, expected, "{open} {limit}");
        }
    }
    for n in [1, 2] {
        let of_channel: Vec<StoredAlert> =
            all.iter().filter(|alert| alert.channel == channel(n)).cloned().collect();
        assert_eq!(seen(&store, move |rows| rows.alerts_of_channel(channel(n), 9)).await, of_channel);
        assert_eq!(seen(&store, move |rows| rows.alerts_of_channel(channel(n), 2)).await, of_channel[..2]);
    }
    assert_eq!(seen(&store, |rows| rows.alerts_of_channel(channel(3), 9)).await, []);
    for (limit, count) in [(0, 0), (5, 5), (6, 6), (7, 6)] {
        assert_eq!(seen(&store, move |rows| rows.open_alert_count(limit)).await, count);
    }
}

pub(crate) async fn alerts_are_forgotten_by_their_end_and_by_portions_but_none_that_is_open(store: Store) {
    kept(&store, |unit| {
        for n in 1..=6 {
            unit.raise_alert(channel(n), AlertKind::Silent, None, MORNING)?;
        }
        // The later raised the earlier cleared; the last stays open.
        for n in 1..=5 {
            unit.clear_alert(channel(n), AlertKind::Silent, MORNING.plus(10 - i64::from(n)))?;
        }
        Ok::<_, store::StoreError>(())
    })
    .await;
    let forget =
        async |millis, limit| kept(&store, move |unit| unit.forget_alerts(MORNING.plus(millis), limit)).await;
    let left = async || {
        let left = seen(&store, |rows| rows.alerts_before(false, None, 99)).await;
        left.into_iter().map(|alert| alert.channel).collect::<Vec<_>>()
    };
    assert_eq!(forget(5, 9).await, 0);
    assert_eq!(forget(9, 3).await, 3);
    assert_eq!(left().await, [6, 2, 1].map(channel));
    assert_eq!(forget(9, 3).await, 1);
    assert_eq!(forget(1_000, 9).await, 1);
    assert_eq!(forget(1_000, 9).await, 0);
    assert_eq!(left().await, [channel(6)]);
    // The number of a forgotten alert is not another's.
    kept(&store, |unit| unit.raise_alert(channel(1), AlertKind::Silent, None, MORNING)).await;
    assert_eq!(seen(&store, |rows| rows.alerts_before(false, None, 1)).await[0].id, 7);
}

pub(crate) async fn how_far_an_import_has_come_is_kept_by_its_file(store: Store) {
    let of = async |digest| seen(&store, move |rows| rows.channel_import([digest; 32])).await;
    assert_eq!(of(1).await, None);
    let most = i64::MAX.unsigned_abs();
    for (lines, [added, changed, same, refused]) in
        [(0, [0; 4]), (10, [1, 2, 3, 4]), (most, [most, most - 1, most - 2, most - 3]), (5, [4, 3, 2, 1])]
    {
        let progress = ImportProgress { lines, added, changed, same, refused };
        kept(&store, move |unit| unit.put_channel_import([1; 32], &progress, MORNING)).await;
        assert_eq!(of(1).await, Some(progress));
    }
    let other = ImportProgress { lines: 1, ..ImportProgress::default() };
    kept(&store, move |unit| unit.put_channel_import([2; 32], &other, MORNING)).await;
    assert_eq!((of(1).await.map(|it| it.lines), of(2).await, of(3).await), (Some(5), Some(other), None));
}
