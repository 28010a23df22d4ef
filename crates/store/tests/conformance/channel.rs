//! Channels: what operators say of them, what networks said, and every way to find them. How they are counted is in
//! `tally`.

use fleet::{Listening, Presence, Reception};
use model::{ChannelId, ChannelKind, UnixMillis};
use store::{
    ChannelFilter, ChannelGroup, ChannelPage, GroupId, HeardState, Registered, Registration, Store,
    StoreError,
};

use crate::maker::fleet::{FAINT, LOUD, heard, register};
use crate::maker::{MORNING, breaks_a_rule, changes_nothing, channel, kept, seen};

/// How many channels a page looks at.
const LOOK: u32 = store::fleet::SCAN_MAX;

fn of_numbers(numbers: impl IntoIterator<Item = u32>) -> Vec<ChannelId> {
    numbers.into_iter().map(channel).collect()
}

async fn known(store: &Store, id: ChannelId) -> Option<(Registration, HeardState, UnixMillis)> {
    let stored = seen(store, move |rows| rows.channel(id)).await?;
    assert_eq!(stored.id, id);
    Some((stored.registration, stored.heard, stored.registered_at))
}

/// A registration that says all there is.
fn full(group: GroupId) -> Registration {
    Registration {
        name: Some("Market 1".into()),
        group: Some(group),
        bearer: Some("ctwing".into()),
        application: Some("product".into()),
        device: Some("device".into()),
        listening: Some(Listening::Always),
        silent_seconds: Some(u32::MAX),
    }
}

pub(crate) async fn every_field_of_a_channel_comes_back(store: Store) {
    let group = kept(&store, |unit| unit.group_named("北区")).await;
    let least = Registration {
        name: Some(String::new()),
        group: None,
        bearer: Some(String::new()),
        application: Some(String::new()),
        device: Some(String::new()),
        listening: Some(Listening::Never),
        silent_seconds: Some(0),
    };
    let unheard = HeardState::default();
    let highest = HeardState {
        presence: Presence::Present,
        at: Some(UnixMillis(i64::MAX)),
        by: Some("ctwing/product".into()),
        reception: LOUD,
        battery: Some(u8::MAX),
        firmware: Some(u16::MAX),
    };
    let lowest = HeardState {
        presence: Presence::Silent,
        at: Some(UnixMillis(i64::MIN)),
        by: Some(String::new()),
        reception: FAINT,
        battery: Some(0),
        firmware: Some(0),
    };
    let window = |seconds| Registration {
        listening: Some(Listening::AfterUplink { seconds }),
        ..Registration::default()
    };
    let of = |kind, id| ChannelId::new(kind, id).unwrap();
    for (id, registration, now, at) in [
        (of(ChannelKind::DevEui, [0; 8]), full(group), highest.clone(), i64::MAX),
        (of(ChannelKind::Mac48, [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0]), least, lowest, i64::MIN),
        (ChannelId::imei(999_999_999_999_999).unwrap(), window(1), unheard.clone(), 0),
        (of(ChannelKind::Sigfox, [0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff]), window(11_160), highest, 1),
        (of(ChannelKind::Eui64, [0xff; 8]), Registration::default(), unheard.clone(), -1),
    ] {
        assert_eq!(known(&store, id).await, None);
        let (said, at) = (registration.clone(), UnixMillis(at));
        let registered = kept(&store, move |unit| unit.register_channel(id, &said, &[], at)).await;
        assert_eq!(registered, Registered::Added);
        assert_eq!(known(&store, id).await, Some((registration.clone(), unheard.clone(), at)));
        let put = now.clone();
        kept(&store, move |unit| unit.put_heard(id, &put, Some(MORNING))).await;
        assert_eq!(known(&store, id).await, Some((registration, now, at)));
    }
}

pub(crate) async fn a_registration_says_whether_it_changed_anything(store: Store) {
    let (group, other) =
        kept(&store, |unit| Ok::<_, StoreError>((unit.group_named("North")?, unit.group_named("South")?)))
            .await;
    let mut said = full(group);
    assert_eq!(register(&store, 1, &said, &["a", "b"]).await, Registered::Added);
    let heard = HeardState { by: Some("udp".into()), battery: Some(200), ..heard(Presence::Present, 5) };
    let put = heard.clone();
    kept(&store, move |unit| unit.put_heard(channel(1), &put, Some(MORNING))).await;
    type Change = fn(&mut Registration, GroupId);
    let changes: [Change; 14] = [
        |said, _| said.name = Some("Market 2".into()),
        |said, _| said.name = None,
        |said, other| said.group = Some(other),
        |said, _| said.group = None,
        |said, _| said.bearer = Some("onenet".into()),
        |said, _| said.bearer = None,
        |said, _| said.application = Some("another".into()),
        |said, _| said.application = None,
        |said, _| said.device = Some("another".into()),
        |said, _| said.device = None,
        |said, _| said.listening = Some(Listening::Never),
        |said, _| said.listening = None,
        |said, _| said.silent_seconds = Some(0),
        |said, _| said.silent_seconds = None,
    ];
    for (n, change) in changes.into_iter().enumerate() {
        change(&mut said, other);
        for (registered, tags) in [(Registered::Changed, ["a", "b"]), (Registered::Same, ["b", "a"])] {
            let said = said.clone();
            let later = MORNING.plus(9);
            let answer =
                kept(&store, move |unit| unit.register_channel(channel(1), &said, &tags, later)).await;
            assert_eq!(answer, registered, "{n}");
        }
        // Since when it is known stays, and what networks said.
        assert_eq!(known(&store, channel(1)).await, Some((said.clone(), heard.clone(), MORNING)), "{n}");
    }
    // Tags alone, in place of those before; said twice is said once.
    let tags: [(Registered, &[&str], &[&str]); 6] = [
        (Registered::Changed, &["b", "é", "b", "B"], &["B", "b", "é"]),
        (Registered::Same, &["é", "b", "B"], &["B", "b", "é"]),
        (Registered::Changed, &[""], &[""]),
        (Registered::Changed, &[], &[]),
        (Registered::Same, &[], &[]),
        (Registered::Changed, &["a"], &["a"]),
    ];
    for (registered, tags, kept) in tags {
        assert_eq!(register(&store, 1, &said, tags).await, registered, "{tags:?}");
        assert_eq!(seen(&store, |rows| rows.tags_of(channel(1))).await, kept);
    }
    assert_eq!(register(&store, 2, &said, &["a"]).await, Registered::Added);
    assert_eq!(register(&store, 1, &said, &[]).await, Registered::Changed);
    assert_eq!(seen(&store, |rows| rows.tags_of(channel(2))).await, ["a"], "another's stay");
}

pub(crate) async fn a_group_of_a_name_is_made_once(store: Store) {
    assert_eq!(seen(&store, |rows| rows.groups()).await, []);
    let mut made = Vec::new();
    for name in ["South", "北区", "", "south", "North"] {
        assert_eq!(seen(&store, move |rows| rows.group_of_name(name)).await, None);
        let id = kept(&store, move |unit| unit.group_named(name)).await;
        assert_eq!(kept(&store, move |unit| unit.group_named(name)).await, id);
        assert_eq!(seen(&store, move |rows| rows.group_of_name(name)).await, Some(id));
        made.push(ChannelGroup { id, name: name.into() });
    }
    made.sort_by(|one, other| one.name.cmp(&other.name));
    assert_eq!(seen(&store, |rows| rows.groups()).await, made);
    assert!(made.iter().all(|group| group.id.0 != 0), "0 stands for none");
    let nowhere = Registration { group: Some(GroupId(99)), ..Registration::default() };
    breaks_a_rule(&store, move |unit| unit.register_channel(channel(1), &nowhere, &[], MORNING).map(drop))
        .await;
}

pub(crate) async fn an_unknown_channel_is_made_known_once(store: Store) {
    let know = async |n, at| kept(&store, move |unit| unit.know_channel(channel(n), at)).await;
    know(1, MORNING).await;
    let nothing = (Registration::default(), HeardState::default(), MORNING);
    assert_eq!(known(&store, channel(1)).await, Some(nothing));
    // What is known stays as it is.
    let said = Registration { name: Some("Stall".into()), ..Registration::default() };
    assert_eq!(register(&store, 1, &said, &["a"]).await, Registered::Changed);
    kept(&store, |unit| unit.put_heard(channel(1), &heard(Presence::Present, 1), Some(MORNING))).await;
    know(1, MORNING.plus(9)).await;
    assert_eq!(known(&store, channel(1)).await, Some((said, heard(Presence::Present, 1), MORNING)));
    assert_eq!(seen(&store, |rows| rows.tags_of(channel(1))).await, ["a"]);
}

pub(crate) async fn what_was_heard_leaves_where_a_channel_stands_unless_told(store: Store) {
    let put = async |presence, millis, look_at: Option<i64>| {
        let look_at = look_at.map(|millis| MORNING.plus(millis));
        kept(&store, move |unit| unit.put_heard(channel(1), &heard(presence, millis), look_at)).await;
        let (_, heard, _) = known(&store, channel(1)).await.unwrap();
        assert_eq!(heard.at, Some(MORNING.plus(millis)));
        heard.presence
    };
    let due = async || seen(&store, |rows| rows.channels_to_look_at(UnixMillis(i64::MAX), 9)).await.len();
    // Nobody is heard who is not known, and nobody is looked at again.
    for look_at in [None, Some(MORNING)] {
        let work = move |unit: &mut dyn store::Unit| {
            unit.put_heard(channel(1), &heard(Presence::Present, 1), look_at)
        };
        changes_nothing(&store, "channel", work).await;
        changes_nothing(&store, "channel", move |unit| unit.look_again(channel(1), look_at)).await;
    }
    assert_eq!(known(&store, channel(1)).await, None);
    kept(&store, |unit| unit.know_channel(channel(1), MORNING)).await;
    assert_eq!(put(Presence::Present, 1, None).await, Presence::Unheard);
    assert_eq!(due().await, 0);
    assert_eq!(put(Presence::Present, 2, Some(50)).await, Presence::Present);
    assert_eq!(put(Presence::Silent, 3, None).await, Presence::Present);
    assert_eq!(due().await, 1);
    kept(&store, |unit| unit.look_again(channel(1), None)).await;
    assert_eq!(put(Presence::Present, 4, None).await, Presence::Silent);
    assert_eq!(due().await, 0);
    assert_eq!(put(Presence::Present, 5, Some(60)).await, Presence::Present);
    assert_eq!(due().await, 1);
    // A frame that tells less leaves nothing behind of what the last one told.
    let full = HeardState {
        by: Some("udp".into()),
        reception: LOUD,
        battery: Some(1),
        ..heard(Presence::Present, 6)
    };
    kept(&store, move |unit| unit.put_heard(channel(1), &full, None)).await;
    put(Presence::Present, 7, None).await;
    let (_, now, _) = known(&store, channel(1)).await.unwrap();
    assert_eq!((now.by, now.reception, now.battery), (None, Reception::default(), None));
}

pub(crate) async fn a_device_of_a_network_names_one_channel(store: Store) {
    let device = |bearer: Option<&str>, device: &str| Registration {
        bearer: bearer.map(Into::into),
        device: Some(device.into()),
        ..Registration::default()
    };
    let of = async |bearer, device| seen(&store, move |rows| rows.channel_of_device(bearer, device)).await;
    register(&store, 1, &device(Some("ctwing"), "17"), &[]).await;
    register(&store, 2, &device(Some("oceanconnect"), "17"), &[]).await;
    register(&store, 3, &device(Some("ctwing"), "18"), &[]).await;
    for n in [2, 3, 4] {
        let again = device(Some("ctwing"), "17");
        breaks_a_rule(&store, move |unit| unit.register_channel(channel(n), &again, &[], MORNING).map(drop))
            .await;
    }
    assert_eq!(of("ctwing", "17").await, Some(channel(1)));
    assert_eq!(of("oceanconnect", "17").await, Some(channel(2)));
    assert_eq!(of("ctwing", "18").await, Some(channel(3)));
    assert_eq!((of("onenet", "17").await, of("ctwing", "1").await), (None, None));
    // A name of no network is nobody's, and of a network without names there are many channels.
    register(&store, 5, &device(None, "17"), &[]).await;
    register(&store, 6, &device(None, "17"), &[]).await;
    for n in [7, 8] {
        let udp = Registration { bearer: Some("udp".into()), ..Registration::default() };
        register(&store, n, &udp, &[]).await;
    }
    // Who gives its name up leaves it to the next.
    register(&store, 1, &Registration::default(), &[]).await;
    assert_eq!(of("ctwing", "17").await, None);
    register(&store, 4, &device(Some("ctwing"), "17"), &[]).await;
    assert_eq!(of("ctwing", "17").await, Some(channel(4)));
}

pub(crate) async fn a_channel_is_looked_at_when_it_is_due_the_longest_due_first(store: Store) {
    kept(&store, |unit| {
        for (n, millis) in [(1, 3_000), (2, 1_000), (3, 2_000), (4, 2_500)] {
            unit.know_channel(channel(n), MORNING)?;
            unit.put_heard(channel(n), &heard(Presence::Present, 0), Some(MORNING.plus(millis)))?;
        }
        unit.know_channel(channel(5), MORNING)
    })
    .await;
    let due = async |millis, limit| {
        let found = seen(&store, move |rows| rows.channels_to_look_at(MORNING.plus(millis), limit)).await;
        found.into_iter().map(|channel| channel.id).collect::<Vec<_>>()
    };
    let late = i64::from(u32::MAX);
    for (millis, limit, numbers) in [
        (999, 9, &[][..]),
        (1_000, 9, &[2]),
        (2_499, 9, &[2, 3]),
        (late, 3, &[2, 3, 4]),
        (late, 9, &[2, 3, 4, 1]),
    ] {
        assert_eq!(due(millis, limit).await, of_numbers(numbers.to_vec()), "{millis}");
    }
    kept(&store, |unit| unit.look_again(channel(3), Some(MORNING.plus(5_000)))).await;
    kept(&store, |unit| unit.look_again(channel(2), None)).await;
    assert_eq!(due(4_999, 9).await, of_numbers([4, 1]));
    assert_eq!(due(late, 9).await, of_numbers([4, 1, 3]));
    for (n, presence) in [(2, Presence::Silent), (3, Presence::Present), (5, Presence::Unheard)] {
        let (_, heard, _) = known(&store, channel(n)).await.unwrap();
        assert_eq!(heard.presence, presence, "{n}");
    }
}

/// One page, by its channels' ids.
async fn page(
    store: &Store,
    filter: &ChannelFilter,
    after: Option<ChannelId>,
    limit: u32,
) -> (Vec<ChannelId>, Option<ChannelId>) {
    let filter = filter.clone();
    let ChannelPage { channels, next } =
        seen(store, move |rows| rows.channels_after(&filter, after, limit)).await;
    (channels.into_iter().map(|channel| channel.id).collect(), next)
}

pub(crate) async fn channels_are_listed_by_id_above_a_cursor_and_between_two_ids(store: Store) {
    kept(&store, |unit| (0..10).try_for_each(|n| unit.know_channel(channel(n), MORNING))).await;
    // The greater the number the smaller the id: see `channel`.
    let all = ChannelFilter::default();
    assert_eq!(page(&store, &all, None, 3).await, (of_numbers([9, 8, 7]), Some(channel(7))));
    assert_eq!(page(&store, &all, Some(channel(2)), 3).await, (of_numbers([1, 0]), None));
    assert_eq!(page(&store, &all, Some(channel(0)), 3).await, (vec![], None));
    assert_eq!(page(&store, &all, Some(channel(99)), 100).await, (of_numbers((0..10).rev()), None));
    let (first, last) = ([0; ChannelId::LENGTH], [0xff; ChannelId::LENGTH]);
    let id = |n| channel(n).to_bytes();
    for (lower, upper, after, numbers) in [
        (id(6), id(4), None, &[6, 5, 4][..]),
        (id(6), id(6), None, &[6]),
        (id(6), id(6), Some(6), &[]),
        (id(6), id(4), Some(6), &[5, 4]),
        (id(6), id(4), Some(9), &[6, 5, 4]),
        (id(6), id(4), Some(2), &[]),
        (id(4), id(6), None, &[]),
        (first, id(8), None, &[9, 8]),
        (id(1), last, None, &[1, 0]),
        (first, last, None, &[9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (first, first, None, &[]),
        (last, last, None, &[]),
        // A bound need not be a channel's id.
        ([2, 0, 0, 0, 0, 0, 0, 0, 0], last, None, &[]),
        (first, [2, 0, 0, 0, 0, 0, 0, 0, 0], Some(3), &[2, 1, 0]),
    ] {
        let filter = ChannelFilter { between: Some((lower, upper)), ..all.clone() };
        let found = page(&store, &filter, after.map(channel), 100).await;
        assert_eq!(found, (of_numbers(numbers.to_vec()), None), "{filter:?} {after:?}");
    }
}

pub(crate) async fn a_page_looks_at_no_more_than_its_share_and_goes_on_though_it_is_empty(store: Store) {
    // The two last ones alone are of the group; all have the tag.
    let count = 2 * LOOK + 100;
    let group = kept(&store, |unit| unit.group_named("North")).await;
    kept(&store, move |unit| {
        for n in 0..count {
            let said = Registration { group: (n < 2).then_some(group), ..Registration::default() };
            unit.register_channel(channel(n), &said, &["many"], MORNING)?;
        }
        Ok::<_, StoreError>(())
    })
    .await;
    let few = ChannelFilter { tag: Some("many".into()), group: Some(group), ..ChannelFilter::default() };
    let (first, second) = (channel(count - LOOK), channel(count - 2 * LOOK));
    assert_eq!(page(&store, &few, None, 10).await, (vec![], Some(first)));
    assert_eq!(page(&store, &few, Some(first), 10).await, (vec![], Some(second)));
    assert_eq!(page(&store, &few, Some(second), 10).await, (of_numbers([1, 0]), None));
    // A page that is full before goes on behind what it shows.
    assert_eq!(page(&store, &few, Some(second), 1).await, (of_numbers([1]), Some(channel(1))));
    assert_eq!(page(&store, &few, Some(channel(1)), 1).await, (of_numbers([0]), None));
    let many = ChannelFilter { group: None, ..few.clone() };
    let expected = of_numbers((count - 10..count).rev());
    assert_eq!(page(&store, &many, None, 10).await, (expected, Some(channel(count - 10))));
    // What an index holds besides is found at once, however far away it stands.
    let of_group = ChannelFilter { tag: None, ..few };
    assert_eq!(page(&store, &of_group, None, 10).await, (of_numbers([1, 0]), None));
    let silent = ChannelFilter { presence: Some(Presence::Silent), ..ChannelFilter::default() };
    assert_eq!(page(&store, &silent, None, 10).await, (vec![], None));
}

pub(crate) async fn channels_are_found_by_the_beginning_of_a_name(store: Store) {
    let names = [
        "北",
        "北区 1",
        "北区 2",
        "北区 2",
        "北区 10",
        "北\u{10ffff}",
        "北\u{10ffff}末",
        "南",
        "Stall 1",
        "Stall 2",
        "stall 3",
        "Stall",
        "é",
        "e\u{301}",
        "",
        "%",
        "\u{10ffff}",
        "a\u{1}b",
    ];
    for (n, name) in (0..).zip(names) {
        let said = Registration { name: Some(name.into()), ..Registration::default() };
        register(&store, n, &said, &[]).await;
    }
    kept(&store, |unit| unit.know_channel(channel(99), MORNING)).await;
    let mut by_name: Vec<(&str, ChannelId)> = names.into_iter().zip((0..).map(channel)).collect();
    by_name.sort_unstable();
    // What stands for more in a pattern stands for itself here; letters are as they are written.
    for begins in [
        "",
        "北",
        "北区",
        "北区 2",
        "北区 1",
        "Stall",
        "Stall 1",
        "stall",
        "é",
        "e",
        "\u{10ffff}",
        "%",
        "_",
        "*",
        "St_",
        "[S]",
        "a\u{1}",
        "西",
    ] {
        let expected: Vec<(&str, ChannelId)> =
            by_name.iter().filter(|(name, _)| name.starts_with(begins)).copied().collect();
        for limit in [1, 2, 3, 100] {
            let (mut after, mut found) = (None::<(String, ChannelId)>, Vec::new());
            loop {
                let above = after.clone();
                let page = seen(&store, move |rows| {
                    let above = above.as_ref().map(|(name, id)| (name.as_str(), *id));
                    rows.channels_named(begins, above, limit)
                })
                .await;
                assert!(page.len() <= limit as usize);
                let Some(last) = page.last() else { break };
                after = last.registration.name.clone().map(|name| (name, last.id));
                found.extend(page.into_iter().map(|it| (it.registration.name.unwrap(), it.id)));
            }
            let found: Vec<(&str, ChannelId)> = found.iter().map(|(name, id)| (name.as_str(), *id)).collect();
            assert_eq!(found, expected, "{begins:?} {limit}");
        }
    }
    // A cursor before the beginning is as none; one behind its end leaves nothing.
    let named = async |after| {
        let page = seen(&store, move |rows| rows.channels_named("Stall", Some((after, channel(0))), 9)).await;
        page.into_iter().map(|it| it.id).collect::<Vec<_>>()
    };
    assert_eq!(named("A").await, of_numbers([11, 8, 9]));
    assert_eq!(named("T").await, []);
}
