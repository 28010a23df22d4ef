//! Reversals: two persons, one at a time, given back once; and a load that is reversed once.

use model::Fen;
use payment::{
    CardNow, Ground, LoadId, LoadState, OperatorId, Reversal, ReversalEvent, ReversalId, ReversalState,
    ReversalWish, TransferId,
};
use store::{Store, StoreError, StoredReversal, WriteError};

use crate::maker::tap::{add_loads, asn, in_state, load};
use crate::maker::{MORNING, breaks_a_rule, changes_nothing, kept, seen};

const STILL: CardNow = CardNow { may_be_loaded: false, has_unfinished: false, given_back: Fen(0) };

async fn persons(store: &Store) -> [OperatorId; 2] {
    kept(store, |unit| Ok::<_, StoreError>([unit.operator_named("ann")?, unit.operator_named("ben")?])).await
}

/// What this person asks of the closed load of a card.
fn asked(n: u128, card: u8, by: OperatorId, ground: Ground) -> StoredReversal {
    let closed = in_state(load(0, card, 0), LoadState::Closed).load;
    let wish = ReversalWish { amount: Fen(70), reason: "换卡，凭证七号".parse().unwrap(), ground };
    let of = (&closed, ground != Ground::NotWritten);
    let reversal = Reversal::ask(ReversalId(n), (by, MORNING), wish, of, STILL).unwrap();
    StoredReversal { reversal, transfer: None, updated_at: MORNING }
}

/// The same as if this person had approved it.
fn posted(asked: &StoredReversal, by: OperatorId, transfer: u128) -> StoredReversal {
    let reversal = &asked.reversal;
    let of = (reversal.load(), reversal.asn());
    let state = ReversalState::Posted { approved_by: by };
    let by = (reversal.asked_by(), reversal.asked_at());
    let reversal = Reversal::from_stored(reversal.id(), of, by, reversal.wish().clone(), state).unwrap();
    StoredReversal { reversal, transfer: Some(TransferId(transfer)), updated_at: MORNING.plus(9) }
}

async fn add(store: &Store, stored: &StoredReversal) {
    let added = stored.clone();
    kept(store, move |unit| unit.add_reversal(&added)).await;
}

const IN_HAND: Ground = Ground::InHand { held: Fen(u32::MAX) };

pub(crate) async fn every_field_of_a_reversal_comes_back(store: Store) {
    let [ann, ben] = persons(&store).await;
    let loads = (1..=3).map(|n| in_state(load(0, n, 0), LoadState::Closed));
    add_loads(&store, loads.collect::<Vec<_>>()).await;
    let grounds = [IN_HAND, Ground::Blacklisted { held: Fen(70) }, Ground::NotWritten];
    for (n, ground) in (1..).zip(grounds) {
        let first = asked(n.into(), n, ann, ground);
        add(&store, &first).await;
        let id = first.reversal.id();
        assert_eq!(seen(&store, move |rows| rows.reversal(id)).await.as_ref(), Some(&first));
        let again = first.clone();
        breaks_a_rule(&store, move |unit| unit.add_reversal(&again)).await;
        let done = posted(&first, ben, n.into());
        let put = done.clone();
        kept(&store, move |unit| unit.put_reversal(&put)).await;
        assert_eq!(seen(&store, move |rows| rows.reversal(id)).await.as_ref(), Some(&done));
        // What has ended never changes.
        for ended in [first, done] {
            changes_nothing(&store, "load_reversal", move |unit| unit.put_reversal(&ended)).await;
        }
    }
    assert_eq!(seen(&store, |rows| rows.reversal(ReversalId(9))).await, None);
    // What was on a card and came back; what it never took was not on it.
    for (card, back) in [(1, 70), (2, 70), (3, 0), (4, 0)] {
        assert_eq!(seen(&store, move |rows| rows.given_back_of(asn(card))).await, Fen(back), "{card}");
    }
    let orphan = asked(8, 9, ann, IN_HAND);
    breaks_a_rule(&store, move |unit| unit.add_reversal(&orphan)).await;
}

pub(crate) async fn one_reversal_of_a_load_waits_and_one_is_posted_for_ever(store: Store) {
    let [ann, ben] = persons(&store).await;
    add_loads(&store, [in_state(load(0, 1, 0), LoadState::Closed)]).await;
    let mut first = asked(1, 1, ann, IN_HAND);
    add(&store, &first).await;
    let second = asked(2, 1, ben, IN_HAND);
    let beside = second.clone();
    breaks_a_rule(&store, move |unit| unit.add_reversal(&beside)).await;
    first.reversal.apply(ReversalEvent::Reject { by: ben }, MORNING).unwrap();
    let rejected = first.clone();
    kept(&store, move |unit| unit.put_reversal(&rejected)).await;
    add(&store, &second).await;
    let done = posted(&second, ann, 5);
    kept(&store, move |unit| unit.put_reversal(&done)).await;
    // Whatever decides above: a load's second reversal is no row.
    let third = asked(3, 1, ann, IN_HAND);
    add(&store, &third).await;
    let twice = posted(&third, ben, 6);
    breaks_a_rule(&store, move |unit| unit.put_reversal(&twice)).await;
    // Nor is one that the person approved who asked.
    let load = load(0, 2, 0).load;
    add_loads(&store, [in_state(crate::maker::tap::load(0, 2, 0), LoadState::Closed)]).await;
    let own = posted(&asked(4, 2, ann, IN_HAND), ben, 7);
    let added = asked(4, 2, ben, IN_HAND);
    add(&store, &added).await;
    breaks_a_rule(&store, move |unit| unit.put_reversal(&own)).await;
    assert_eq!(seen(&store, move |rows| rows.reversals_of(load.id, 9)).await, [added]);
}

pub(crate) async fn reversals_are_listed_newest_first_below_a_cursor(store: Store) {
    let [ann, ben] = persons(&store).await;
    for n in 1..=5_u8 {
        add_loads(&store, [in_state(load(0, n, 0), LoadState::Closed)]).await;
        let first = asked(n.into(), n, ann, IN_HAND);
        add(&store, &first).await;
        if n % 2 == 0 {
            let done = posted(&first, ben, n.into());
            kept(&store, move |unit| unit.put_reversal(&done)).await;
        }
    }
    for (waiting, before, limit, expected) in [
        (false, None, 9, &[5, 4, 3, 2, 1][..]),
        (false, Some(4), 2, &[3, 2]),
        (true, None, 9, &[5, 3, 1]),
        (true, Some(5), 1, &[3]),
        (true, Some(1), 9, &[]),
    ] {
        let before = before.map(ReversalId);
        let listed = seen(&store, move |rows| rows.reversals_before(waiting, before, limit)).await;
        let ids: Vec<_> = listed.iter().map(|stored| stored.reversal.id().0).collect();
        assert_eq!(ids, expected, "{waiting} {before:?}");
    }
}

pub(crate) async fn a_load_is_reversed_once_and_only_where_it_was_credited(store: Store) {
    for (n, state) in (1..).zip(LoadState::ALL) {
        let mut stored = in_state(load(0, n, 0), state);
        stored.evidence = vec![7; 23];
        add_loads(&store, [stored.clone()]).await;
        let credited = matches!(state, LoadState::Closed | LoadState::SettledCredited);
        stored.note = Some("rev_1 in_hand: 换卡".into());
        stored.updated_at = MORNING.plus(5);
        let reverse = stored.clone();
        if credited {
            kept(&store, move |unit| unit.reverse_load(&reverse)).await;
            let expected = in_state(stored.clone(), LoadState::Reversed);
            let id: LoadId = stored.load.id;
            assert_eq!(seen(&store, move |rows| rows.load(id)).await, Some(expected));
        }
        changes_nothing(&store, "load", move |unit| unit.reverse_load(&stored)).await;
    }
    // Its counter stays its own: nothing is debited for it again.
    let again = load(1, 2, 0);
    let refused = store.write(move |unit| unit.add_load(&again)).await;
    assert!(matches!(refused, Err(WriteError::Refused(StoreError::Constraint(_)))), "{refused:?}");
}
