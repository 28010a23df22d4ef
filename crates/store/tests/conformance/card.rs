//! Cards, their holders, and what their frames leave.

use air::platform::Marks;
use crypto::{KeyOrigin, Suite};
use model::{CardId, ChannelId, HolderReference, KeyVersion, UnixMillis};
use payment::{LifeCycle, OrderState};
use store::{LinkState, Store, StoreError, StoredCard};

use crate::maker::{MORNING, breaks_a_rule, card, channel, factor, holder, kept, order, seen};

async fn add(store: &Store, card: &StoredCard) {
    let card = card.clone();
    kept(store, move |unit| unit.add_card(&card)).await;
}

pub(crate) async fn every_field_of_a_card_comes_back(store: Store) {
    let mut odd = StoredCard {
        channel: ChannelId::imei(999_999_999_999_999).unwrap(),
        suite: Suite::Sm4Eax,
        key_version: KeyVersion::new(15).unwrap(),
        key_origin: KeyOrigin::Imported,
        listens: true,
        ..card(u32::MAX)
    };
    odd.record.has_display = false;
    odd.record.valid_until = UnixMillis(i64::MAX);
    let ccm = StoredCard { suite: Suite::Aes128Ccm, ..card(2) };
    for card in [card(0), card(1), ccm, odd] {
        add(&store, &card).await;
        let (id, channel) = (card.id(), card.channel);
        assert_eq!(seen(&store, move |rows| rows.card(id)).await.as_ref(), Some(&card));
        assert_eq!(seen(&store, move |rows| rows.card_on_channel(channel)).await.as_ref(), Some(&card));
        let twice = card.clone();
        breaks_a_rule(&store, move |unit| unit.add_card(&twice)).await;
    }
    assert_eq!(seen(&store, |rows| rows.card_count()).await, 4);
    assert_eq!(seen(&store, |rows| rows.card(CardId(9))).await, None);
    assert_eq!(seen(&store, |rows| rows.card_on_channel(channel(9))).await, None);
}

pub(crate) async fn a_holder_is_renamed_and_finds_their_cards(store: Store) {
    let before = holder(1);
    let after = store::Holder { name: "New Name".into(), document_digest: [0xd1; 32], ..before.clone() };
    let reference = before.reference;
    for holder in [before, after.clone()] {
        kept(&store, move |unit| unit.put_holder(&holder, MORNING)).await;
    }
    assert!(seen(&store, move |rows| rows.holder(reference)).await == Some(after));
    assert!(seen(&store, |rows| rows.holder(HolderReference(1))).await.is_none());
    let mut cards = [3, 2].map(|n| {
        let mut card = card(n);
        (card.record.bound_to, card.record.life_cycle) = (Some(reference), LifeCycle::Active);
        card
    });
    for card in &cards {
        add(&store, card).await;
    }
    add(&store, &card(1)).await;
    cards.reverse();
    assert_eq!(seen(&store, move |rows| rows.cards_of_holder(reference)).await, cards);
    assert_eq!(seen(&store, |rows| rows.cards_of_holder(holder(9).reference)).await, []);
}

pub(crate) async fn a_card_s_life_and_binding_are_kept(store: Store) {
    kept(&store, |unit| unit.put_holder(&holder(1), MORNING)).await;
    let mut card = card(1);
    add(&store, &card).await;
    for life_cycle in LifeCycle::ALL {
        for bound_to in [Some(holder(1).reference), None] {
            (card.record.life_cycle, card.record.bound_to) = (life_cycle, bound_to);
            let changed = card.clone();
            kept(&store, move |unit| unit.put_card_record(&changed)).await;
            assert_eq!(seen(&store, |rows| rows.card(CardId(1))).await.as_ref(), Some(&card));
        }
    }
    // Nobody is bound to a holder that is not known, and a card that is not there is not kept silently.
    card.record.bound_to = Some(holder(2).reference);
    breaks_a_rule(&store, move |unit| unit.put_card_record(&card)).await;
    let absent = store.write(|unit| unit.put_card_record(&crate::maker::card(9))).await;
    assert_eq!(absent, Err(store::WriteError::Refused(StoreError::Malformed("card"))));
}

pub(crate) async fn a_channel_has_one_open_card(store: Store) {
    let mut first = card(1);
    let second = StoredCard { channel: first.channel, ..card(2) };
    add(&store, &first).await;
    for life_cycle in LifeCycle::ALL {
        first.record.life_cycle = life_cycle;
        let (changed, other) = (first.clone(), second.clone());
        kept(&store, move |unit| unit.put_card_record(&changed)).await;
        // However often it was heard before: the card that is open now, as it is now.
        let heard = (life_cycle != LifeCycle::Closed).then(|| first.clone());
        assert_eq!(store.card_heard(first.channel).await, Ok(heard), "{life_cycle:?}");
        if life_cycle == LifeCycle::Closed {
            kept(&store, move |unit| unit.add_card(&other)).await;
        } else {
            breaks_a_rule(&store, move |unit| unit.add_card(&other)).await;
        }
    }
    assert_eq!(store.card_heard(channel(1)).await, Ok(Some(second.clone())));
    assert_eq!(seen(&store, move |rows| rows.card_on_channel(channel(1))).await, Some(second));
    // And the closed one does not come back beside it.
    first.record.life_cycle = LifeCycle::Issued;
    breaks_a_rule(&store, move |unit| unit.put_card_record(&first)).await;
}

pub(crate) async fn a_card_number_is_unique(store: Store) {
    add(&store, &card(1)).await;
    let mut other = card(2);
    other.record.information.number = card(1).record.information.number;
    breaks_a_rule(&store, move |unit| unit.add_card(&other)).await;
}

pub(crate) async fn what_a_card_s_frames_left_comes_back(store: Store) {
    assert_eq!(seen(&store, |rows| rows.link_state(CardId(1))).await, LinkState::default());
    let full = LinkState {
        marks: Marks { uplink: Some(factor(u32::MAX)), downlink: Some(factor(1)) },
        clock_set: true,
        battery: Some(255),
        firmware: Some(u16::MAX),
        heard_at: Some(MORNING),
        address: Some("[2001:db8::1]:5683".into()),
        last_uplink: vec![0, 0xff, 0],
        last_answer: vec![0xff],
        prompts_since: MORNING,
        prompts: u32::MAX,
    };
    let one_sided = LinkState {
        marks: Marks { uplink: None, downlink: Some(factor(9)) },
        battery: Some(0),
        firmware: Some(0),
        heard_at: Some(UnixMillis(0)),
        address: Some(String::new()),
        ..LinkState::default()
    };
    for link in [LinkState::default(), full, one_sided, LinkState::default()] {
        for (n, key) in [(1, KeyVersion::FIRST), (u32::MAX, KeyVersion::new(15).unwrap())] {
            let put = link.clone();
            kept(&store, move |unit| unit.put_link_state(CardId(n), key, &put)).await;
            assert_eq!(seen(&store, move |rows| rows.link_state(CardId(n))).await, link);
        }
    }
}

pub(crate) async fn cards_are_listed_by_id_with_what_waits_for_them(store: Store) {
    for n in [5, 0, u32::MAX, 3] {
        add(&store, &card(n)).await;
    }
    let heard = LinkState { battery: Some(120), ..LinkState::default() };
    let put = heard.clone();
    kept(&store, move |unit| {
        unit.put_link_state(CardId(3), KeyVersion::FIRST, &put)?;
        for (millis, state) in
            [(0, OrderState::AwaitingCard), (1, OrderState::Processing), (2, OrderState::Paid)]
        {
            let mut order = order(millis, 3);
            order.order.state = state;
            unit.add_order(&order)?;
        }
        Ok::<(), StoreError>(())
    })
    .await;
    let pages = [(None, vec![0, 3]), (Some(3), vec![5, u32::MAX]), (Some(u32::MAX), vec![])];
    for (after, expected) in pages {
        let page = seen(&store, move |rows| rows.cards_after(after.map(CardId), 2)).await;
        assert_eq!(page.iter().map(|row| row.card.id().0).collect::<Vec<_>>(), expected);
        for row in page {
            assert_eq!(row.card, card(row.card.id().0));
            let expected = if row.card.id().0 == 3 { (2, heard.clone()) } else { (0, LinkState::default()) };
            assert_eq!((row.waiting, row.link), expected);
        }
    }
}
