//! Webhooks: every field, events that go out by themselves, and what is due, endpoint by endpoint.

use model::UnixMillis;
use payment::MerchantId;
use store::{
    DeliverySummary, NewEvent, Store, StoredAttempt, StoredDelivery, StoredEndpoint, StoredMessage,
    StoredSecret,
};
use webhook::{
    Attempt, Body, CancelReason, DeliveryId, DeliveryState, DisabledBy, End, EndpointId, EndpointState,
    EndpointUrl, EventKind, Excerpt, GiveUp, MessageId, Mode, NoAnswer, Status, Wanted,
};

use crate::maker::{MORNING, breaks_a_rule, kept, order, seen};
use crate::secret::sealed;

fn kind(text: &str) -> EventKind {
    text.parse().unwrap()
}

pub(crate) fn endpoint(id: u128, merchant: u32) -> StoredEndpoint {
    StoredEndpoint {
        id: EndpointId(id),
        merchant: MerchantId(merchant),
        url: EndpointUrl::parse("https://shop.example/hooks", Mode::Live).unwrap(),
        wanted: Wanted::All,
        description: String::new(),
        state: EndpointState::new(),
        created_at: MORNING,
        updated_at: MORNING,
        deleted_at: None,
    }
}

fn message(id: u128) -> StoredMessage {
    StoredMessage {
        id: MessageId(id),
        merchant: MerchantId(1),
        kind: kind("order.paid"),
        order: Some(order(0, 1).order.id),
        body: Body::from_stored(format!("{{\"n\":{id}}}")).unwrap(),
        created_at: MORNING,
    }
}

fn delivery(id: u128, message: u128, endpoint: u128, due: i64) -> StoredDelivery {
    StoredDelivery {
        id: DeliveryId(id),
        message: MessageId(message),
        endpoint: EndpointId(endpoint),
        state: DeliveryState::Pending { made: 0, due: MORNING.plus(due) },
        attempts: 0,
        updated_at: MORNING,
    }
}

async fn add(store: &Store, stored: StoredEndpoint) {
    kept(store, move |unit| unit.add_webhook_endpoint(&stored)).await;
}

/// A message with a delivery of the same number.
async fn send(store: &Store, id: u128, endpoint: u128, due: i64) {
    kept(store, move |unit| {
        unit.add_webhook_message(&message(id))?;
        unit.add_webhook_delivery(&delivery(id, id, endpoint, due))
    })
    .await;
}

async fn due(store: &Store, endpoint: u128, at: i64) -> Vec<u128> {
    let due = seen(store, move |rows| rows.webhook_due(EndpointId(endpoint), MORNING.plus(at), 9)).await;
    due.into_iter().map(|due| due.id.0).collect()
}

pub(crate) async fn every_field_of_an_endpoint_comes_back(store: Store) {
    let full = StoredEndpoint {
        id: EndpointId(u128::MAX),
        merchant: MerchantId(u32::MAX),
        url: EndpointUrl::parse("http://127.0.0.1:8080/a?b=c%20d", Mode::Test).unwrap(),
        wanted: Wanted::parse(["order.paid", "order.refunded"], |_| true).unwrap(),
        description: "收款 'till'".into(),
        state: EndpointState::Enabled { failing_since: Some(UnixMillis(7)) },
        created_at: UnixMillis(i64::MAX),
        updated_at: UnixMillis(i64::MIN),
        deleted_at: Some(UnixMillis(0)),
    };
    for stored in [full, endpoint(0, 1)] {
        add(&store, stored.clone()).await;
        let (id, again) = (stored.id, stored.clone());
        assert_eq!(seen(&store, move |rows| rows.webhook_endpoint(id)).await, Some(stored));
        breaks_a_rule(&store, move |unit| unit.add_webhook_endpoint(&again)).await;
    }
    let mut changed = endpoint(0, 1);
    let states = DisabledBy::ALL.map(|by| EndpointState::Disabled { by, at: MORNING.plus(1) });
    for state in states.into_iter().chain([EndpointState::new()]) {
        changed.state = state;
        changed.description = format!("{state:?}");
        changed.url = EndpointUrl::parse("https://other.example/", Mode::Live).unwrap();
        let put = changed.clone();
        kept(&store, move |unit| unit.put_webhook_endpoint(&put)).await;
        assert_eq!(seen(&store, |rows| rows.webhook_endpoint(EndpointId(0))).await, Some(changed.clone()));
    }
}

pub(crate) async fn a_merchant_s_endpoints_are_listed_newest_first_without_those_deleted(store: Store) {
    for (id, merchant) in [(1, 1), (2, 1), (3, 2), (4, 1)] {
        add(&store, endpoint(id, merchant)).await;
    }
    let deleted = StoredEndpoint { deleted_at: Some(MORNING), ..endpoint(2, 1) };
    kept(&store, move |unit| unit.put_webhook_endpoint(&deleted)).await;
    let listed = |before: Option<u128>, limit| {
        let store = store.clone();
        async move {
            let before = before.map(EndpointId);
            let found = seen(&store, move |rows| rows.webhook_endpoints(MerchantId(1), before, limit)).await;
            found.into_iter().map(|endpoint| endpoint.id.0).collect::<Vec<_>>()
        }
    };
    assert_eq!(listed(None, 9).await, [4, 1]);
    assert_eq!(listed(None, 1).await, [4]);
    assert_eq!(listed(Some(4), 9).await, [1]);
    let newest = seen(&store, |rows| rows.newest_webhook_endpoints(Some(EndpointId(4)), 9)).await;
    assert_eq!(newest.into_iter().map(|endpoint| endpoint.id.0).collect::<Vec<_>>(), [3, 1]);
}

pub(crate) async fn an_endpoint_s_secrets_are_put_in_place_of_those_before(store: Store) {
    add(&store, endpoint(1, 1)).await;
    let secret = |number, until: Option<i64>| StoredSecret {
        number,
        secret: sealed(1, &[number as u8; 32]).into(),
        until: until.map(UnixMillis),
    };
    for secrets in [vec![secret(1, None)], vec![secret(2, None), secret(1, Some(5))], vec![]] {
        let put = secrets.clone();
        kept(&store, move |unit| unit.put_webhook_secrets(EndpointId(1), &put)).await;
        assert_eq!(seen(&store, |rows| rows.webhook_secrets(EndpointId(1))).await, secrets);
    }
    let two = [secret(1, None), secret(2, None)];
    breaks_a_rule(&store, move |unit| unit.put_webhook_secrets(EndpointId(1), &two)).await;
}

pub(crate) async fn an_event_goes_out_where_its_merchant_has_an_endpoint_that_is_enabled(store: Store) {
    let told = |merchant, order, kind| NewEvent { merchant: MerchantId(merchant), order, kind, at: MORNING };
    let (first, other) = (order(0, 1).order.id, order(1, 1).order.id);
    let early = told(1, first, "order.awaiting_card");
    kept(&store, move |unit| unit.add_event(&early)).await;
    add(&store, endpoint(1, 1)).await;
    for event in
        [told(1, first, "order.processing"), told(2, other, "order.paid"), told(1, other, "order.paid")]
    {
        kept(&store, move |unit| unit.add_event(&event)).await;
    }
    assert!(seen(&store, |rows| rows.webhook_outbox_waits()).await);
    let waiting = seen(&store, |rows| rows.webhook_outbox(9)).await;
    let said: Vec<_> =
        waiting.iter().map(|event| (event.order, event.kind.as_str(), event.sequence)).collect();
    // What was before the endpoint counts, and does not go out.
    assert_eq!(said, [(first, "order.processing", 2), (other, "order.paid", 2)]);
    assert_eq!((waiting[0].merchant, waiting[0].at), (MerchantId(1), MORNING));
    assert_eq!(seen(&store, |rows| rows.webhook_outbox(1)).await, &waiting[..1]);
    for event in waiting {
        for is_there in [true, false] {
            let taken = kept(&store, move |unit| unit.take_webhook_event(event.seq)).await;
            assert_eq!(taken, is_there);
        }
    }
    assert!(!seen(&store, |rows| rows.webhook_outbox_waits()).await);
    let disabled = StoredEndpoint {
        state: EndpointState::Disabled { by: DisabledBy::Gone, at: MORNING },
        ..endpoint(1, 1)
    };
    for stored in [disabled, StoredEndpoint { deleted_at: Some(MORNING), ..endpoint(1, 1) }] {
        let event = told(1, first, "order.paid");
        kept(&store, move |unit| {
            unit.put_webhook_endpoint(&stored)?;
            unit.add_event(&event)
        })
        .await;
        assert!(!seen(&store, |rows| rows.webhook_outbox_waits()).await);
    }
}

pub(crate) async fn every_field_of_a_delivery_comes_back_in_every_state(store: Store) {
    let test =
        StoredMessage { id: MessageId(u128::MAX), kind: kind("webhook.test"), order: None, ..message(1) };
    for stored in [message(1), test] {
        let (id, put) = (stored.id, stored.clone());
        kept(&store, move |unit| unit.add_webhook_message(&put)).await;
        assert_eq!(seen(&store, move |rows| rows.webhook_message(id)).await, Some(stored));
    }
    let made = delivery(u128::MAX, 1, u128::MAX, 0);
    let (put, twice) = (made.clone(), StoredDelivery { id: DeliveryId(3), ..made.clone() });
    kept(&store, move |unit| unit.add_webhook_delivery(&put)).await;
    breaks_a_rule(&store, move |unit| unit.add_webhook_delivery(&twice)).await;
    let states = [
        DeliveryState::Pending { made: 9, due: UnixMillis(i64::MAX) },
        DeliveryState::Delivered { made: 1 },
        DeliveryState::Failed { made: 10, why: GiveUp::Exhausted },
        DeliveryState::Failed { made: 1, why: GiveUp::Redirected },
        DeliveryState::Canceled { made: 0, why: CancelReason::Disabled },
        DeliveryState::Canceled { made: 0, why: CancelReason::Deleted },
    ];
    for (attempts, state) in (1..).zip(states) {
        let at = MORNING.plus(attempts.into());
        kept(&store, move |unit| unit.put_webhook_delivery(DeliveryId(u128::MAX), state, attempts, at)).await;
        let expected = DeliverySummary {
            delivery: StoredDelivery { state, attempts, updated_at: at, ..made.clone() },
            kind: kind("order.paid"),
            order: Some(order(0, 1).order.id),
            created_at: MORNING,
        };
        let found = seen(&store, |rows| rows.webhook_delivery(DeliveryId(u128::MAX))).await;
        assert_eq!(found, Some(expected));
    }
}

pub(crate) async fn every_end_of_an_attempt_comes_back_the_newest_first(store: Store) {
    let ends =
        NoAnswer::ALL.map(End::NotAnswered).into_iter().chain([End::Answered(Status::new(599).unwrap())]);
    let mut attempts: Vec<_> = (1..)
        .zip(ends)
        .map(|(number, end)| StoredAttempt {
            number,
            attempt: Attempt {
                at: MORNING.plus(number.into()),
                duration_ms: u64::from(number),
                end,
                excerpt: Excerpt::of("收到 <b>\n".as_bytes()),
            },
        })
        .collect();
    for attempt in attempts.clone() {
        let twice = attempt.clone();
        kept(&store, move |unit| unit.add_webhook_attempt(DeliveryId(1), &attempt)).await;
        breaks_a_rule(&store, move |unit| unit.add_webhook_attempt(DeliveryId(1), &twice)).await;
    }
    attempts.reverse();
    assert_eq!(seen(&store, |rows| rows.webhook_attempts(DeliveryId(1), 99)).await, attempts);
    assert_eq!(seen(&store, |rows| rows.webhook_attempts(DeliveryId(1), 1)).await, &attempts[..1]);
}

pub(crate) async fn what_is_due_is_found_endpoint_by_endpoint_however_much_waits_for_one(store: Store) {
    // Part 1: endpoints 9 and 17 and 25; part 2: endpoint 10.
    for n in 0..50 {
        send(&store, 1_000 + n, 9, 100).await;
    }
    send(&store, 1, 17, 5).await;
    send(&store, 2, 17, 3).await;
    send(&store, 3, 25, 200).await;
    send(&store, 4, 10, 0).await;
    let look = |shard, after: Option<u128>, at, limit| {
        let store = store.clone();
        async move {
            let after = after.map(EndpointId);
            let found =
                seen(&store, move |rows| rows.webhook_endpoints_due(shard, after, MORNING.plus(at), limit))
                    .await;
            (found.0.into_iter().map(|id| id.0).collect::<Vec<_>>(), found.1.map(|id| id.0))
        }
    };
    assert_eq!(look(1, None, 100, 9).await, (vec![9, 17], None));
    assert_eq!(look(1, None, 4, 9).await, (vec![17], None));
    assert_eq!(look(1, None, 500, 2).await, (vec![9, 17], Some(17)));
    assert_eq!(look(1, Some(17), 500, 2).await, (vec![25], None));
    assert_eq!(look(2, None, 0, 9).await, (vec![10], None));
    assert_eq!(look(3, None, 500, 9).await, (vec![], None));
    assert_eq!(due(&store, 17, 9).await, [2, 1]);
    assert_eq!(due(&store, 17, 4).await, [2]);
    assert_eq!(due(&store, 9, 99).await, []);
    let delivered = DeliveryState::Delivered { made: 1 };
    kept(&store, move |unit| unit.put_webhook_delivery(DeliveryId(2), delivered, 1, MORNING)).await;
    assert_eq!(due(&store, 17, 9).await, [1]);
    // Canceled by portions.
    let cancel = |limit| {
        let store = store.clone();
        async move {
            kept(&store, move |unit| {
                unit.cancel_webhook_deliveries(EndpointId(9), CancelReason::Deleted, MORNING, limit)
            })
            .await
        }
    };
    assert_eq!((cancel(49).await, cancel(49).await, cancel(49).await), (49, 1, 0));
    assert_eq!(look(1, None, 500, 9).await, (vec![17, 25], None));
}

pub(crate) async fn deliveries_are_listed_newest_first_below_a_cursor_and_failed_ones_by_themselves(
    store: Store,
) {
    for n in 1..=6 {
        send(&store, n, 1, 0).await;
    }
    send(&store, 7, 2, 0).await;
    for n in [2, 5] {
        let failed = DeliveryState::Failed { made: 10, why: GiveUp::Exhausted };
        kept(&store, move |unit| unit.put_webhook_delivery(DeliveryId(n), failed, 10, MORNING)).await;
    }
    let ids = |found: Vec<DeliverySummary>| found.into_iter().map(|it| it.delivery.id.0).collect::<Vec<_>>();
    let (of, below) = (EndpointId(1), |id| Some(DeliveryId(id)));
    assert_eq!(ids(seen(&store, move |rows| rows.webhook_deliveries(of, None, 2)).await), [6, 5]);
    assert_eq!(ids(seen(&store, move |rows| rows.webhook_deliveries(of, below(5), 9)).await), [4, 3, 2, 1]);
    assert_eq!(ids(seen(&store, move |rows| rows.webhook_failed(of, None, 9)).await), [5, 2]);
    assert_eq!(ids(seen(&store, move |rows| rows.webhook_failed(of, below(5), 9)).await), [2]);
}

pub(crate) async fn messages_are_forgotten_by_age_and_by_portions_but_none_that_waits(store: Store) {
    let id = |millis| MessageId::from_time_and_random(MORNING.plus(millis), 0).0;
    for millis in [1, 2, 3, 9] {
        send(&store, id(millis), 1, 0).await;
        let attempt = Attempt {
            at: MORNING,
            duration_ms: 0,
            end: End::NotAnswered(NoAnswer::Tls),
            excerpt: Excerpt::default(),
        };
        let attempt = StoredAttempt { number: 1, attempt };
        kept(&store, move |unit| unit.add_webhook_attempt(DeliveryId(id(millis)), &attempt)).await;
        if millis != 2 {
            let delivered = DeliveryState::Delivered { made: 1 };
            kept(&store, move |unit| {
                unit.put_webhook_delivery(DeliveryId(id(millis)), delivered, 1, MORNING)
            })
            .await;
        }
    }
    for forgotten in [1, 1, 0] {
        let before = MORNING.plus(5);
        assert_eq!(kept(&store, move |unit| unit.forget_webhook_messages(before, 1)).await, forgotten);
    }
    for (millis, is_there) in [(1, false), (2, true), (3, false), (9, true)] {
        let found = seen(&store, move |rows| rows.webhook_delivery(DeliveryId(id(millis)))).await;
        assert_eq!(found.is_some(), is_there);
        let attempts = seen(&store, move |rows| rows.webhook_attempts(DeliveryId(id(millis)), 9)).await;
        assert_eq!(attempts.len(), usize::from(is_there));
    }
}
