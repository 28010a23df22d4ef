//! The test mode's clock, its merchants and its software cards.

use model::CardId;
use payment::{MerchantId, OrderState, TestAnswer, TestHabit};
use store::{Merchant, NewEvent, Store, StoredAuthorization, StoredTestCard, TestClock, TestTask};

use crate::maker::{MORNING, breaks_a_rule, changes_nothing, kept, order, question, seen};
use crate::webhook::endpoint;

fn test_card(n: u32, merchant: u32) -> StoredTestCard {
    StoredTestCard {
        card: CardId(n),
        merchant: MerchantId(merchant),
        name: format!("卡 {n}"),
        answers: Vec::new(),
        habit: TestHabit::ByAmount,
        funded: true,
        memory: vec![0, 0xff, 7],
        task: None,
        created_at: MORNING,
    }
}

async fn add(store: &Store, cards: impl IntoIterator<Item = StoredTestCard>) {
    let cards = Vec::from_iter(cards);
    kept(store, move |unit| cards.iter().try_for_each(|card| unit.add_test_card(card))).await;
}

pub(crate) async fn a_test_clock_is_begun_once_and_never_goes_back(store: Store) {
    assert_eq!(seen(&store, |rows| rows.test_clock()).await, None);
    changes_nothing(&store, "test_clock", |unit| unit.put_test_clock(1)).await;
    kept(&store, |unit| unit.begin_test_clock(MORNING)).await;
    breaks_a_rule(&store, |unit| unit.begin_test_clock(MORNING)).await;
    for ahead in [0, 5, 5, i64::MAX] {
        kept(&store, move |unit| unit.put_test_clock(ahead)).await;
        let expected = Some(TestClock { ahead, begun_at: MORNING });
        assert_eq!(seen(&store, |rows| rows.test_clock()).await, expected);
        changes_nothing(&store, "test_clock", move |unit| unit.put_test_clock(ahead - 1)).await;
    }
}

pub(crate) async fn every_field_of_a_test_card_comes_back_and_changes(store: Store) {
    let mut stored = StoredTestCard {
        answers: TestAnswer::ALL.to_vec(),
        habit: TestHabit::Wait,
        funded: false,
        ..test_card(u32::MAX, u32::MAX)
    };
    let (id, again) = (stored.card, stored.clone());
    add(&store, [stored.clone()]).await;
    breaks_a_rule(&store, move |unit| unit.add_test_card(&again)).await;
    assert_eq!(seen(&store, move |rows| rows.test_card(id)).await.as_ref(), Some(&stored));
    let task = |answer, done| Some(TestTask { order: order(1, 1).order.id, answer, done });
    for (answers, habit, task) in [
        (vec![TestAnswer::Late], TestHabit::Always(TestAnswer::Repeat), task(TestAnswer::Silent, false)),
        (Vec::new(), TestHabit::ByAmount, task(TestAnswer::NotMe, true)),
        (Vec::new(), TestHabit::Wait, None),
    ] {
        (stored.answers, stored.habit, stored.task) = (answers, habit, task);
        let changed = stored.clone();
        kept(&store, move |unit| unit.put_test_card(&changed)).await;
        assert_eq!(seen(&store, move |rows| rows.test_card(id)).await.as_ref(), Some(&stored));
    }
    stored.memory = (0..79).collect();
    let memory = stored.memory.clone();
    kept(&store, move |unit| unit.put_test_card_memory(id, &memory)).await;
    assert_eq!(seen(&store, move |rows| rows.test_card(id)).await.as_ref(), Some(&stored));
    let nobody = test_card(1, 1);
    changes_nothing(&store, "test_card", move |unit| unit.put_test_card(&nobody)).await;
    changes_nothing(&store, "test_card", |unit| unit.put_test_card_memory(CardId(1), &[])).await;
}

pub(crate) async fn test_cards_are_counted_and_listed_by_id_and_forgotten(store: Store) {
    add(&store, [test_card(3, 1), test_card(1, 1), test_card(2, 2), test_card(0, 1)]).await;
    let ids = |cards: Vec<StoredTestCard>| cards.iter().map(|card| card.card.0).collect::<Vec<_>>();
    let list = |merchant, after: Option<u32>, limit| {
        seen(&store, move |rows| rows.test_cards_after(MerchantId(merchant), after.map(CardId), limit))
    };
    assert_eq!(ids(list(1, None, 10).await), [0, 1, 3]);
    assert_eq!(ids(list(1, Some(0), 1).await), [1]);
    assert_eq!(ids(list(2, None, 10).await), [2]);
    assert_eq!(seen(&store, |rows| rows.test_card_count(MerchantId(1))).await, 3);
    kept(&store, |unit| unit.remove_test_card(CardId(1))).await;
    changes_nothing(&store, "test_card", |unit| unit.remove_test_card(CardId(1))).await;
    assert_eq!(ids(list(1, None, 10).await), [0, 3]);
    assert_eq!(seen(&store, |rows| rows.test_card_count(MerchantId(1))).await, 2);
}

pub(crate) async fn a_merchant_is_known_under_the_id_that_it_has_elsewhere(store: Store) {
    let known = |name: &str| Merchant { id: MerchantId(77), name: name.to_owned() };
    for name in ["Corner Shop 街角", "Another"] {
        let known = known(name);
        kept(&store, move |unit| unit.put_test_merchant(&known, MORNING)).await;
    }
    let found = seen(&store, |rows| rows.merchant(MerchantId(77))).await;
    assert_eq!(found, Some(known("Corner Shop 街角")), "it is there once, as it was first");
}

pub(crate) async fn a_test_card_has_work_while_it_has_not_done_with_an_order(store: Store) {
    // Card 1 has no order, card 2 waits to be pressed, 3 is told something, 4 does what the amount says.
    let told = StoredTestCard { answers: vec![TestAnswer::Agree], ..test_card(3, 1) };
    let wait = |card| StoredTestCard { habit: TestHabit::Wait, ..card };
    add(&store, [test_card(1, 1), wait(test_card(2, 1)), wait(told), test_card(4, 1)]).await;
    let orders = [order(2, 2), order(3, 3), order(4, 4)];
    let added = orders.clone();
    kept(&store, move |unit| added.iter().try_for_each(|order| unit.add_order(order))).await;
    let work = |after: Option<u32>, limit| {
        seen(&store, move |rows| rows.test_cards_to_act(after.map(CardId), limit))
    };
    assert_eq!(work(None, 10).await, [CardId(3), CardId(4)]);
    assert_eq!(work(None, 1).await, [CardId(3)]);
    assert_eq!(work(Some(3), 10).await, [CardId(4)]);
    // What a card has begun it has to end, and then to wait for the order's end: a late answer comes after that.
    for (done, state, works) in [
        (false, OrderState::Processing, true),
        (true, OrderState::Processing, false),
        (true, OrderState::Expired, true),
    ] {
        let (mut card, mut stored) = (wait(test_card(2, 1)), orders[0].clone());
        card.task = Some(TestTask { order: stored.order.id, answer: TestAnswer::Late, done });
        stored.order.state = state;
        kept(&store, move |unit| {
            unit.put_test_card(&card)?;
            unit.put_order_state(&stored)
        })
        .await;
        assert_eq!(work(None, 10).await.contains(&CardId(2)), works, "{done} {state:?}");
    }
}

pub(crate) async fn test_orders_are_forgotten_by_age_and_by_portions_but_none_that_is_open_or_to_be_told(
    store: Store,
) {
    let orders: Vec<_> = (1..=6).map(|n| order(i64::from(n) * 1_000, n)).collect();
    let ids: Vec<_> = orders.iter().map(|stored| stored.order.id).collect();
    let added = orders.clone();
    kept(&store, move |unit| {
        added.iter().try_for_each(|stored| {
            unit.add_order(stored)?;
            let (order, merchant, at) = (stored.order.id, stored.order.merchant, stored.order.created_at);
            unit.add_event(&NewEvent { merchant, order, kind: "order.awaiting_card", at })?;
            unit.add_authorization(&StoredAuthorization { order, ..question(stored.order.card.0, 1) })
        })
    })
    .await;
    // The second is open still; of the third an event is yet to be told.
    for (mut stored, n) in orders.into_iter().zip(1..) {
        stored.order.state = if n == 2 { OrderState::Processing } else { OrderState::Expired };
        kept(&store, move |unit| unit.put_order_state(&stored)).await;
    }
    let (merchant, order) = (MerchantId(1), ids[2]);
    kept(&store, move |unit| {
        unit.add_webhook_endpoint(&endpoint(1, 1))?;
        unit.add_event(&NewEvent { merchant, order, kind: "order.expired", at: MORNING })
    })
    .await;
    let forget = async |millis: i64, limit| {
        kept(&store, move |unit| unit.forget_test_orders(MORNING.plus(millis), limit)).await
    };
    assert_eq!(forget(9_000, 9).await, 0, "live money");
    kept(&store, |unit| unit.begin_test_clock(MORNING)).await;
    let has =
        async |millis| seen(&store, move |rows| rows.has_test_orders_before(MORNING.plus(millis))).await;
    assert_eq!((has(1_000).await, has(1_001).await), (false, true));
    assert_eq!(forget(1_000, 9).await, 0);
    assert_eq!(forget(4_001, 1).await, 1);
    assert_eq!(forget(4_001, 9).await, 1);
    assert_eq!(forget(4_001, 9).await, 0);
    for (id, stays) in ids.into_iter().zip([false, true, true, false, true, true]) {
        assert_eq!(seen(&store, move |rows| rows.order(id)).await.is_some(), stays, "{id}");
        assert_eq!(!seen(&store, move |rows| rows.events_of_order(id, 0)).await.is_empty(), stays, "{id}");
        let evidence = seen(&store, move |rows| rows.authorization_of_order(id)).await;
        assert_eq!(evidence.is_some(), stays, "{id}");
    }
    // When it was told it goes as well.
    let waits = seen(&store, |rows| rows.webhook_outbox(9)).await;
    assert_eq!(waits.len(), 1);
    let seq = waits[0].seq;
    assert!(kept(&store, move |unit| unit.take_webhook_event(seq)).await);
    assert_eq!(forget(4_001, 9).await, 1);
}
