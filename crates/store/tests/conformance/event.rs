//! What merchants and the issuer are told.

use model::CardId;
use payment::MerchantId;
use store::{Alarm, NewEvent, Store};

use crate::maker::{MORNING, kept, order, seen};

pub(crate) async fn an_order_s_events_are_told_in_order_and_again_from_any_of_them(store: Store) {
    let (order, other) = (order(0, 1).order.id, order(1, 1).order.id);
    for (order, kind, millis) in
        [(order, "order.processing", 5), (other, "order.paid", 4), (order, "order.paid", 3)]
    {
        let event = NewEvent { merchant: MerchantId(1), order, kind, at: MORNING.plus(millis) };
        kept(&store, move |unit| unit.add_event(&event)).await;
    }
    let all = seen(&store, move |rows| rows.events_of_order(order, 0)).await;
    let told = all.iter().map(|event| (event.kind.as_str(), event.at.0 - MORNING.0)).collect::<Vec<_>>();
    // In the order in which they became true, whatever the clock said.
    assert_eq!(told, [("order.processing", 5), ("order.paid", 3)]);
    assert!(all[0].seq < all[1].seq);
    let (first, last) = (all[0].seq, all[1].seq);
    assert_eq!(seen(&store, move |rows| rows.events_of_order(order, first)).await, &all[1..]);
    assert_eq!(seen(&store, move |rows| rows.events_of_order(order, last)).await, []);
}

pub(crate) async fn the_newest_alarms_come_first(store: Store) {
    let alarms = [
        (None, Some("99999999999999999001"), "tac_wrong"),
        (Some(CardId(u32::MAX)), None, "not_me"),
        (Some(CardId(0)), Some(""), "possible_clone"),
    ]
    .map(|(card, subject, kind)| Alarm {
        card,
        subject: subject.map(str::to_owned),
        kind: kind.into(),
        at: MORNING,
    });
    for alarm in alarms.clone() {
        kept(&store, move |unit| unit.add_alarm(&alarm)).await;
    }
    let [oldest, middle, newest] = alarms;
    assert_eq!(seen(&store, |rows| rows.alarms(2)).await, [newest.clone(), middle.clone()]);
    assert_eq!(seen(&store, |rows| rows.alarms(9)).await, [newest, middle, oldest]);
}
