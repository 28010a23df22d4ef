//! Loads and their attempts: one unfinished load a card, one load a counter, and ends that stay.

use model::{Fen, OnlineCounter, UnixMillis};
use payment::{LoadId, LoadState, TransferId};
use store::{LoadCount, Store, StoredLoad};

use crate::maker::tap::{add_loads, asn, attempt, in_state, industry, load, terminal_id};
use crate::maker::{MORNING, breaks_a_rule, changes_nothing, holder, kept, seen};

pub(crate) async fn every_field_of_a_load_comes_back(store: Store) {
    let plain = load(0, 1, 0);
    let mut full = StoredLoad {
        holder: holder(0).reference,
        authorization: [0xff; 16],
        terminal: terminal_id(255),
        updated_at: UnixMillis(i64::MAX),
        note: Some("卡在公交车上".into()),
        evidence: vec![0, 0xff, 0],
        proven: Some(u16::MAX),
        ..in_state(load(1, 2, u16::MAX), LoadState::InDoubt)
    };
    full.load.id = LoadId(u128::MAX - 1);
    full.load.amount = Fen(u32::MAX);
    full.load.industry = industry(9_999);
    full.load.transfer = TransferId(u128::MAX);
    for stored in [plain, full] {
        add_loads(&store, [stored.clone()]).await;
        let (id, asn, counter) = (stored.load.id, stored.load.asn, stored.load.counter);
        assert_eq!(seen(&store, move |rows| rows.load(id)).await.as_ref(), Some(&stored));
        assert_eq!(seen(&store, move |rows| rows.load_of(asn, counter)).await.as_ref(), Some(&stored));
        assert_eq!(seen(&store, move |rows| rows.unfinished_load(asn)).await, Some(stored));
    }
    assert_eq!(seen(&store, |rows| rows.load(LoadId(0))).await, None);
    assert_eq!(seen(&store, |rows| rows.load_of(asn(1), OnlineCounter(1))).await, None);
    assert_eq!(seen(&store, |rows| rows.load_of(asn(3), OnlineCounter(0))).await, None);
    assert_eq!(seen(&store, |rows| rows.unfinished_load(asn(3))).await, None);
}

pub(crate) async fn a_card_s_counter_names_one_load_for_ever(store: Store) {
    let lasting = LoadState::ALL.into_iter().filter(|state| *state != LoadState::SettledReturned);
    for (n, state) in (1..).zip(lasting.clone()) {
        add_loads(&store, [in_state(load(0, n, 7), state)]).await;
        for other in lasting.clone() {
            let again = in_state(load(1, n, 7), other);
            breaks_a_rule(&store, move |unit| unit.add_load(&again)).await;
        }
        // And an id is one load's.
        let mut same_id = in_state(load(0, n, 100), LoadState::Closed);
        same_id.load.id = load(0, n, 7).load.id;
        breaks_a_rule(&store, move |unit| unit.add_load(&same_id)).await;
    }
    // One that was given back leaves the card where it stood: it may be loaded again, and is found instead.
    let given_back = in_state(load(0, 50, 7), LoadState::SettledReturned);
    let again = load(1, 50, 7);
    add_loads(&store, [given_back, again.clone()]).await;
    assert_eq!(seen(&store, |rows| rows.load_of(asn(50), OnlineCounter(7))).await, Some(again));
    // Another counter is another load, and so is another card's.
    add_loads(&store, [in_state(load(1, 1, 8), LoadState::Closed), load(1, 9, 7)]).await;
}

pub(crate) async fn a_card_has_one_unfinished_load(store: Store) {
    let ends = LoadState::ALL.into_iter().filter(|state| !state.is_unfinished());
    let unfinished = LoadState::ALL.into_iter().filter(|state| state.is_unfinished());
    let mut counter = 0;
    for (first, end) in unfinished.clone().flat_map(|state| ends.clone().map(move |end| (state, end))) {
        let standing = in_state(load(counter.into(), 1, counter), first);
        add_loads(&store, [standing.clone()]).await;
        counter += 1;
        for second in unfinished.clone() {
            let beside = in_state(load(counter.into(), 1, counter), second);
            breaks_a_rule(&store, move |unit| unit.add_load(&beside)).await;
        }
        let ended = in_state(load(1_000 + i64::from(counter), 1, 1_000 + counter), end);
        add_loads(&store, [ended]).await;
        assert_eq!(seen(&store, |rows| rows.unfinished_load(asn(1))).await.as_ref(), Some(&standing));
        let ending = in_state(standing, end);
        kept(&store, move |unit| unit.put_load(&ending)).await;
        assert_eq!(seen(&store, |rows| rows.unfinished_load(asn(1))).await, None);
    }
}

pub(crate) async fn a_load_changes_until_it_has_ended_and_never_again(store: Store) {
    changes_nothing(&store, "load", |unit| unit.put_load(&load(0, 1, 0))).await;
    for (n, end) in (1..).zip(LoadState::ALL.into_iter().filter(|state| !state.is_unfinished())) {
        let begun = load(0, n, 0);
        add_loads(&store, [begun.clone()]).await;
        let mut now = begun.clone();
        for (millis, state) in (1..).zip([LoadState::Open, LoadState::InDoubt, LoadState::InDoubt, end]) {
            now = StoredLoad {
                updated_at: MORNING.plus(millis),
                note: (millis % 2 == 0).then(|| state.name().to_owned()),
                evidence: vec![n; usize::try_from(millis).unwrap()],
                proven: (state == LoadState::Closed).then_some(3),
                ..in_state(now, state)
            };
            // What a load is about stays, whatever is handed in.
            let mut put = now.clone();
            (put.load.amount, put.load.counter, put.terminal) = (Fen(1), OnlineCounter(9), terminal_id(9));
            kept(&store, move |unit| unit.put_load(&put)).await;
            let id = now.load.id;
            assert_eq!(seen(&store, move |rows| rows.load(id)).await.as_ref(), Some(&now));
        }
        for state in LoadState::ALL {
            let again = in_state(begun.clone(), state);
            changes_nothing(&store, "load", move |unit| unit.put_load(&again)).await;
        }
        let id = now.load.id;
        assert_eq!(seen(&store, move |rows| rows.load(id)).await, Some(now));
    }
}

pub(crate) async fn loads_are_listed_newest_first_below_a_cursor(store: Store) {
    // Handed in out of order, each of a card of its own, in every state by turns.
    let states = LoadState::ALL;
    let all = [3, 11, 0, 14, 7, 1, 12, 5, 17, 9, 2, 13, 4, 16, 8, 6, 10, 15];
    add_loads(&store, all.map(|n: u8| in_state(load(n.into(), n, 0), states[usize::from(n) % states.len()])))
        .await;
    let lists = states.iter().enumerate().map(|(n, state)| {
        let n = i64::try_from(n).unwrap();
        (Some(*state), vec![12 + n, 6 + n, n])
    });
    for (state, expected) in lists.chain([(None, (0..18).rev().collect())]) {
        let (mut before, mut listed) = (None, Vec::new());
        loop {
            let page = seen(&store, move |rows| rows.loads_before(state, before, 2)).await;
            let Some(last) = page.last() else { break };
            before = Some(last.load.id);
            assert!(page.iter().all(|one| state.is_none_or(|state| one.load.state == state)));
            listed.extend(page.iter().map(|one| one.load.created_at.0 - MORNING.0));
        }
        assert_eq!(listed, expected, "{state:?}");
    }
}

pub(crate) async fn what_a_card_was_loaded_with_leaves_out_what_was_given_back(store: Store) {
    let of = |millis, counter, amount, state| {
        let mut stored = in_state(load(millis, 1, counter), state);
        stored.load.amount = Fen(amount);
        stored
    };
    let since = async |moment| seen(&store, move |rows| rows.loaded_since(asn(1), moment)).await;
    assert_eq!(since(UnixMillis(0)).await, Fen(0));
    add_loads(
        &store,
        [
            of(-1, 0, 10_000, LoadState::Closed),
            of(0, 1, 1, LoadState::Closed),
            of(1, 2, 20, LoadState::SettledCredited),
            of(2, 3, 300, LoadState::SettledReturned),
            of(3, 4, 4_000, LoadState::Open),
            load(0, 2, 0),
        ],
    )
    .await;
    for (millis, sum) in [(-2, 14_021), (-1, 14_021), (0, 4_021), (1, 4_020), (2, 4_000), (3, 4_000), (4, 0)]
    {
        assert_eq!(since(MORNING.plus(millis)).await, Fen(sum), "{millis}");
    }
    // A moment before all time, as a day before the first day is.
    assert_eq!(since(UnixMillis(-1)).await, Fen(14_021));
    let returned = of(3, 4, 4_000, LoadState::SettledReturned);
    kept(&store, move |unit| unit.put_load(&returned)).await;
    assert_eq!(since(MORNING).await, Fen(21));
    // In doubt the card may hold it.
    add_loads(&store, [of(5, 5, u32::MAX - 21, LoadState::InDoubt)]).await;
    assert_eq!(since(MORNING).await, Fen(u32::MAX));
    add_loads(&store, [of(6, 6, u32::MAX, LoadState::Closed)]).await;
    assert_eq!(since(MORNING).await, Fen(u32::MAX), "the most that a purse can say");
}

pub(crate) async fn loads_are_counted_by_state(store: Store) {
    let none = LoadState::ALL.map(|state| LoadCount { state, count: 0, fen: 0 });
    assert_eq!(seen(&store, |rows| rows.load_counts()).await, none);
    assert_eq!(seen(&store, |rows| rows.unfinished_loads()).await, [0, 0]);
    let most = |n: u8, state| {
        let mut stored = in_state(load(0, n, 0), state);
        stored.load.amount = Fen(u32::MAX);
        stored
    };
    let loads = [
        most(1, LoadState::Closed),
        most(2, LoadState::Closed),
        most(3, LoadState::Closed),
        load(0, 4, 0),
        load(0, 5, 0),
        in_state(load(0, 6, 0), LoadState::SettledReturned),
    ];
    add_loads(&store, loads).await;
    let most = u64::from(u32::MAX);
    let expected =
        LoadState::ALL.into_iter().zip([(2, 200), (3, 3 * most), (0, 0), (0, 0), (1, 100), (0, 0)]);
    let expected = expected.map(|(state, (count, fen))| LoadCount { state, count, fen });
    assert_eq!(seen(&store, |rows| rows.load_counts()).await, expected.collect::<Vec<_>>());
    assert_eq!(seen(&store, |rows| rows.unfinished_loads()).await, [2, 0]);
    add_loads(&store, [in_state(load(0, 7, 0), LoadState::InDoubt)]).await;
    assert_eq!(seen(&store, |rows| rows.unfinished_loads()).await, [2, 1]);
}

pub(crate) async fn attempts_are_listed_newest_first_and_numbered_once(store: Store) {
    let (of, other) = (load(0, 1, 0), load(0, 2, 0));
    let id = of.load.id;
    assert_eq!(seen(&store, move |rows| rows.attempts(id)).await, []);
    for number in [2, 64, 1, u16::MAX] {
        let (added, again) = (attempt(&of, number), attempt(&of, number));
        kept(&store, move |unit| unit.add_attempt(&added)).await;
        breaks_a_rule(&store, move |unit| unit.add_attempt(&again)).await;
    }
    let foreign = attempt(&other, 2);
    kept(&store, move |unit| unit.add_attempt(&foreign)).await;
    let listed = seen(&store, move |rows| rows.attempts(id)).await;
    assert_eq!(listed, [u16::MAX, 64, 2, 1].map(|number| attempt(&of, number)));
}
