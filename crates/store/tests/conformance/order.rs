//! Orders: every state, and the lists that merchants, cards and the clock ask for.

use model::{Amount, CardId, Currency, UnixMillis};
use payment::{AuditRefusal, DeclineReason, MerchantId, OrderId, OrderState, PressCount};
use store::{Store, StoreError, StoredOrder, Today, WriteError};

use crate::maker::{MORNING, breaks_a_rule, kept, order, seen, yuan};

fn every_state() -> Vec<OrderState> {
    use DeclineReason as R;
    use OrderState as S;
    [S::AwaitingCard, S::Processing, S::Paid, S::Expired, S::Canceled, S::Failed]
        .into_iter()
        .chain([R::RefusedByHolder, R::NotMe, R::OverCardLimit, R::WrongPresses].map(S::Declined))
        .chain(AuditRefusal::ALL.map(|refusal| S::Declined(R::Audit(refusal))))
        .collect()
}

async fn add(store: &Store, orders: impl IntoIterator<Item = StoredOrder>) {
    let orders = Vec::from_iter(orders);
    kept(store, move |unit| orders.iter().try_for_each(|order| unit.add_order(order))).await;
}

fn millis_of(orders: &[StoredOrder]) -> Vec<i64> {
    orders.iter().map(|stored| stored.order.created_at.0 - MORNING.0).collect()
}

pub(crate) async fn every_field_of_an_order_comes_back(store: Store) {
    let plain = order(1, 1);
    let mut full = StoredOrder {
        text: Some("咖啡".into()),
        reference: Some(String::new()),
        return_url: Some("https://shop.example/?a=1&b='2'".into()),
        updated_at: UnixMillis(i64::MAX),
        ..order(2, u32::MAX)
    };
    full.order.amount = Amount::new(i64::from(u32::MAX), Currency::KWD).unwrap();
    full.order.merchant = MerchantId(u32::MAX);
    full.order.place = model::PlaceId(u32::MAX);
    full.order.id = OrderId(u128::MAX - 1);
    full.order.reservation = payment::TransferId(0);
    for (stored, presses) in [(plain, None), (full, PressCount::new(5))] {
        let mut stored = stored;
        stored.order.presses = presses;
        let (added, again, id) = (stored.clone(), stored.clone(), stored.order.id);
        kept(&store, move |unit| unit.add_order(&added)).await;
        breaks_a_rule(&store, move |unit| unit.add_order(&again)).await;
        let card = stored.order.card;
        assert_eq!(seen(&store, move |rows| rows.order_of(card, id)).await.as_ref(), Some(&stored));
        assert_eq!(seen(&store, move |rows| rows.order_of(CardId(7), id)).await, None, "another card's");
        assert_eq!(seen(&store, move |rows| rows.order(id)).await, Some(stored));
    }
    assert_eq!(seen(&store, |rows| rows.order(OrderId(0))).await, None);
}

pub(crate) async fn every_state_and_reason_comes_back(store: Store) {
    let mut stored = order(0, 1);
    let id = stored.order.id;
    add(&store, [stored.clone()]).await;
    // Twice around, so that a reason is taken away again as well as set.
    for (step, state) in every_state().into_iter().cycle().take(2 * every_state().len()).enumerate() {
        stored.order.state = state;
        stored.updated_at = MORNING.plus(i64::try_from(step).unwrap());
        stored.order.expires_at = stored.updated_at.plus(1);
        let put = stored.clone();
        kept(&store, move |unit| unit.put_order_state(&put)).await;
        assert_eq!(seen(&store, move |rows| rows.order(id)).await.as_ref(), Some(&stored));
    }
    let absent = store.write(|unit| unit.put_order_state(&order(9, 9))).await;
    assert_eq!(absent, Err(WriteError::Refused(StoreError::Malformed("orders"))));
}

pub(crate) async fn orders_are_listed_newest_first_below_a_cursor(store: Store) {
    // Handed in out of order, so that nothing is in order by accident.
    add(&store, [3, 1, 5, 2, 4].map(|millis| order(millis, 1))).await;
    add(
        &store,
        [6, 7].map(|millis| {
            let mut other = order(millis, 1);
            other.order.merchant = MerchantId(2);
            other
        }),
    )
    .await;
    for (merchant, expected) in [
        (Some(MerchantId(1)), vec![5, 4, 3, 2, 1]),
        (Some(MerchantId(2)), vec![7, 6]),
        (Some(MerchantId(3)), vec![]),
        (None, vec![7, 6, 5, 4, 3, 2, 1]),
    ] {
        let (mut before, mut listed) = (None, Vec::new());
        loop {
            let page = seen(&store, move |rows| rows.orders_before(merchant, before, 2)).await;
            let Some(last) = page.last() else { break };
            before = Some(last.order.id);
            listed.extend(millis_of(&page));
        }
        assert_eq!(listed, expected);
    }
}

pub(crate) async fn open_orders_wait_oldest_first_and_lapse_when_their_time_is_out(store: Store) {
    // The older an order, the later it lapses: neither list can borrow the other's order.
    let states = every_state();
    let orders = states.iter().enumerate().rev().map(|(n, state)| {
        let n = i64::try_from(n).unwrap();
        let mut order = order(n, 1);
        (order.order.state, order.order.expires_at) = (*state, MORNING.plus(1_000 - n));
        order
    });
    add(&store, orders.collect::<Vec<_>>()).await;
    add(&store, [order(500, 2)]).await;
    let waiting = seen(&store, |rows| rows.waiting_orders(CardId(1))).await;
    assert_eq!(millis_of(&waiting), [0, 1]);
    assert_eq!(seen(&store, |rows| rows.waiting_orders(CardId(9))).await, []);
    let lapsed =
        async |millis, limit| seen(&store, move |rows| rows.lapsed_orders(MORNING.plus(millis), limit)).await;
    let [first, second] = [order(1, 1), order(0, 1)].map(|stored| stored.order.id);
    assert_eq!(lapsed(998, 9).await, []);
    assert_eq!(lapsed(999, 9).await, [first]);
    assert_eq!(lapsed(1_000, 9).await, [first, second]);
    assert_eq!(lapsed(1_000, 1).await, [first]);
}

pub(crate) async fn today_counts_what_was_made_since(store: Store) {
    assert_eq!(seen(&store, |rows| rows.today(UnixMillis(0))).await, Today::default());
    let with = |millis, state, amount| {
        let mut order = order(millis, 1);
        (order.order.state, order.order.amount) = (state, amount);
        order
    };
    let dollar = Amount::new(100, Currency::USD).unwrap();
    let largest = yuan(i64::from(u32::MAX));
    add(
        &store,
        [
            with(-1, OrderState::Paid, yuan(1)),
            with(0, OrderState::Paid, largest),
            with(1, OrderState::Paid, largest),
            with(2, OrderState::Paid, dollar),
            with(3, OrderState::Declined(DeclineReason::NotMe), yuan(5)),
            with(4, OrderState::Declined(DeclineReason::WrongPresses), yuan(6)),
        ],
    )
    .await;
    let expected = [
        ("declined", Currency::CNY, 2, 11),
        ("paid", Currency::CNY, 2, 2 * i64::from(u32::MAX)),
        ("paid", Currency::USD, 1, 100),
    ];
    let today = seen(&store, |rows| rows.today(MORNING)).await;
    assert_eq!(
        today.by_state,
        expected.map(|(state, currency, n, sum)| (state.to_owned(), currency, n, sum))
    );
}
