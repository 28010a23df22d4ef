//! Merchants, their keys, their places, and the first answers to their requests.

use model::PlaceId;
use payment::MerchantId;
use store::{ApiKey, Merchant, Place, Store};

use crate::maker::{MORNING, breaks_a_rule, first_answer, kept, seen};

pub(crate) async fn merchants_and_places_have_names(store: Store) {
    let merchant = kept(&store, |unit| unit.add_merchant("点心铺 <&> \u{1}", MORNING)).await;
    let found = seen(&store, move |rows| rows.merchant(merchant)).await;
    assert_eq!(found, Some(Merchant { id: merchant, name: "点心铺 <&> \u{1}".into() }));
    assert_eq!(seen(&store, |rows| rows.merchant(MerchantId(u32::MAX))).await, None);
    let place = kept(&store, move |unit| unit.place_named(merchant, "Counter 1")).await;
    let found = seen(&store, move |rows| rows.place(place)).await;
    assert_eq!(found, Some(Place { id: place, name: "Counter 1".into() }));
    assert_eq!(seen(&store, |rows| rows.place(PlaceId(u32::MAX))).await, None);
}

pub(crate) async fn a_place_of_a_name_is_made_once_a_merchant(store: Store) {
    let [one, other] = kept(&store, |unit| {
        Ok::<_, store::StoreError>([unit.add_merchant("A", MORNING)?, unit.add_merchant("B", MORNING)?])
    })
    .await;
    let first = kept(&store, move |unit| unit.place_named(one, "Door")).await;
    assert_eq!(kept(&store, move |unit| unit.place_named(one, "Door")).await, first);
    assert_ne!(kept(&store, move |unit| unit.place_named(other, "Door")).await, first);
    assert_ne!(kept(&store, move |unit| unit.place_named(one, "door")).await, first);
}

pub(crate) async fn an_api_key_is_found_by_its_digest(store: Store) {
    let merchant = kept(&store, |unit| unit.add_merchant("A", MORNING)).await;
    for (byte, live) in [(1, true), (2, false)] {
        let key = ApiKey { merchant, digest: [byte; 32], hint: format!("cf_{byte}"), live };
        let added = key.clone();
        kept(&store, move |unit| unit.add_api_key(&added, MORNING)).await;
        let again = key.clone();
        breaks_a_rule(&store, move |unit| unit.add_api_key(&again, MORNING)).await;
        assert_eq!(seen(&store, move |rows| rows.api_key(&[byte; 32])).await, Some(key));
    }
    assert_eq!(seen(&store, |rows| rows.api_key(&[3; 32])).await, None);
    let orphan = ApiKey { merchant: MerchantId(99), digest: [4; 32], hint: String::new(), live: true };
    breaks_a_rule(&store, move |unit| unit.add_api_key(&orphan, MORNING)).await;
}

pub(crate) async fn a_first_answer_is_found_again(store: Store) {
    let answer = first_answer("{\"id\":\"ord_1\"}", MORNING);
    let added = answer.clone();
    kept(&store, move |unit| unit.add_idempotent(MerchantId(1), "orders", "k", &added)).await;
    assert_eq!(
        seen(&store, |rows| rows.idempotent(MerchantId(1), "orders", "k")).await,
        Some(answer.clone())
    );
    // The key belongs to one merchant and one endpoint.
    assert_eq!(seen(&store, |rows| rows.idempotent(MerchantId(2), "orders", "k")).await, None);
    assert_eq!(seen(&store, |rows| rows.idempotent(MerchantId(1), "refunds", "k")).await, None);
    assert_eq!(seen(&store, |rows| rows.idempotent(MerchantId(1), "orders", "K")).await, None);
    let again = answer.clone();
    breaks_a_rule(&store, move |unit| unit.add_idempotent(MerchantId(1), "orders", "k", &again)).await;
    kept(&store, move |unit| unit.add_idempotent(MerchantId(2), "orders", "k", &answer)).await;
}

pub(crate) async fn first_answers_are_forgotten_by_age_and_by_portions(store: Store) {
    for age in 0..5 {
        let answer = first_answer("", MORNING.plus(age));
        kept(&store, move |unit| unit.add_idempotent(MerchantId(1), "orders", &age.to_string(), &answer))
            .await;
    }
    for forgotten in [3, 1, 0] {
        let before = MORNING.plus(4);
        assert_eq!(kept(&store, move |unit| unit.forget_idempotent_before(before, 3)).await, forgotten);
    }
    assert_eq!(seen(&store, |rows| rows.idempotent(MerchantId(1), "orders", "3")).await, None);
    let youngest = seen(&store, |rows| rows.idempotent(MerchantId(1), "orders", "4")).await;
    assert_eq!(youngest, Some(first_answer("", MORNING.plus(4))));
}
