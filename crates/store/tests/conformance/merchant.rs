//! Merchants, their keys, their places, and the first answers to their requests.

use model::PlaceId;
use payment::MerchantId;
use store::{ApiKey, ApiKeyId, ApiScope, Merchant, Place, Store, StoredApiKey};

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
        let key = ApiKey { hint: format!("cf_{byte}"), live, ..key(merchant, byte) };
        let added = key.clone();
        kept(&store, move |unit| unit.add_api_key(&added, MORNING)).await;
        let again = key.clone();
        breaks_a_rule(&store, move |unit| unit.add_api_key(&again, MORNING)).await;
        assert_eq!(seen(&store, move |rows| rows.api_key(&[byte; 32])).await, Some(key));
    }
    assert_eq!(seen(&store, |rows| rows.api_key(&[3; 32])).await, None);
    breaks_a_rule(&store, move |unit| unit.add_api_key(&key(MerchantId(99), 4), MORNING)).await;
}

fn key(merchant: MerchantId, byte: u8) -> ApiKey {
    ApiKey {
        merchant,
        digest: [byte; 32],
        hint: String::new(),
        live: true,
        name: String::new(),
        scope: ApiScope::All,
    }
}

pub(crate) async fn an_api_key_is_listed_with_its_uses_and_revoked_once(store: Store) {
    let merchant = kept(&store, |unit| unit.add_merchant("A", MORNING)).await;
    let other = kept(&store, |unit| unit.add_merchant("B", MORNING)).await;
    let till =
        ApiKey { name: "二号收银台".into(), scope: ApiScope::Read, live: false, ..key(merchant, 2) };
    let keys = [(key(merchant, 1), MORNING.plus(1)), (till.clone(), MORNING), (key(other, 3), MORNING)];
    for (key, at) in keys {
        kept(&store, move |unit| unit.add_api_key(&key, at)).await;
    }
    let stored = |key: ApiKey, created_at| StoredApiKey { key, created_at, used_at: None, revoked_at: None };
    let mut all = [stored(till, MORNING), stored(key(merchant, 1), MORNING.plus(1))];
    assert_eq!(seen(&store, move |rows| rows.api_keys_of(merchant, 9)).await, all);
    assert_eq!(seen(&store, move |rows| rows.api_keys_of(merchant, 1)).await, all[..1]);
    // A use is kept, and no earlier one in its place.
    let touch = |at| move |unit: &mut dyn store::Unit| unit.touch_api_key(&[2; 32], at);
    for (at, kept_it) in [(MORNING.plus(9), true), (MORNING.plus(9), false), (MORNING.plus(8), false)] {
        assert_eq!(kept(&store, touch(at)).await, kept_it);
    }
    all[0].used_at = Some(MORNING.plus(9));
    let id = all[0].key.id();
    assert_eq!(seen(&store, move |rows| rows.api_key_of_id(id)).await.as_ref(), Some(&all[0]));
    assert_eq!(seen(&store, |rows| rows.api_key_of_id(ApiKeyId([9; 8]))).await, None);
    for (at, did) in [(MORNING.plus(10), true), (MORNING.plus(11), false)] {
        assert_eq!(kept(&store, move |unit| unit.revoke_api_key(id, at)).await, did);
    }
    all[0].revoked_at = Some(MORNING.plus(10));
    assert_eq!(seen(&store, |rows| rows.api_key(&[2; 32])).await, None, "it is nobody's from now on");
    assert_eq!(seen(&store, move |rows| rows.api_keys_of(merchant, 9)).await, all);
    assert!(!kept(&store, |unit| unit.revoke_api_key(ApiKeyId([9; 8]), MORNING)).await);
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
