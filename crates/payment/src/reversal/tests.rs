//! Reversals: who may, of what, how much, and once.

extern crate std;
use super::*;
use crate::ledger::{AccountId, AccountKind};
use crate::load::LoadState;
use model::{Currency, IndustryCode, OnlineCounter};
use std::string::ToString;

const ANN: OperatorId = OperatorId(1);
const BEN: OperatorId = OperatorId(2);
const NOW: UnixMillis = UnixMillis(1_800_000_000_000);
const STILL: CardNow = CardNow { may_be_loaded: false, has_unfinished: false, given_back: Fen(0) };

fn load(state: LoadState) -> Load {
    Load {
        id: LoadId(9),
        asn: Asn::new([0; 10]).unwrap(),
        counter: OnlineCounter(7),
        industry: IndustryCode::new(1).unwrap(),
        amount: Fen(5_000),
        transfer: TransferId(2),
        state,
        created_at: UnixMillis(0),
    }
}

fn wish(amount: u32, ground: Ground) -> ReversalWish {
    ReversalWish { amount: Fen(amount), reason: "card worn out, form 7".parse().unwrap(), ground }
}

fn in_hand(held: u32) -> Ground {
    Ground::InHand { held: Fen(held) }
}

fn asked(wish: ReversalWish, of: &Load, proven: bool, card: CardNow) -> Result<Reversal, ReversalError> {
    Reversal::ask(ReversalId(1), (ANN, NOW), wish, (of, proven), card)
}

fn accounts() -> (Account, Account) {
    let mut float = Account::new(AccountId(1), AccountKind::LoadFloat, Currency::CNY);
    float.posted = 6_000;
    (float, Account::new(AccountId(2), AccountKind::Holder, Currency::CNY))
}

#[test]
fn it_is_asked_for_only_where_the_money_moved_and_the_card_stands_still() {
    use ReversalError as X;
    let closed = load(LoadState::Closed);
    let ask = |amount, ground, card| asked(wish(amount, ground), &closed, true, card).err();
    assert_eq!(ask(5_000, in_hand(5_000), STILL), None);
    assert_eq!(ask(1, Ground::Blacklisted { held: Fen(1) }, STILL), None);
    assert_eq!(ask(0, in_hand(1), STILL), Some(X::NotAnAmount(AmountError::Zero)));
    let above = X::AboveTheLoad { asked: Fen(5_001), loaded: Fen(5_000) };
    assert_eq!(ask(5_001, in_hand(9_000), STILL), Some(above));
    let holds = |asked, held, given_back| {
        Some(X::AboveWhatTheCardHolds { asked: Fen(asked), held: Fen(held), given_back: Fen(given_back) })
    };
    assert_eq!(ask(5_000, in_hand(4_999), STILL), holds(5_000, 4_999, 0));
    // Of what came back before, nothing comes back again.
    let before = |given_back| CardNow { given_back: Fen(given_back), ..STILL };
    assert_eq!(ask(2_000, in_hand(5_000), before(3_000)), None);
    assert_eq!(ask(2_001, in_hand(5_000), before(3_000)), holds(2_001, 5_000, 3_000));
    assert_eq!(ask(1, in_hand(5_000), before(u32::MAX)), holds(1, 5_000, u32::MAX));
    let loadable = CardNow { may_be_loaded: true, ..STILL };
    assert_eq!(ask(1, in_hand(1), loadable), Some(X::CardMayBeLoaded));
    let unfinished = CardNow { has_unfinished: true, ..STILL };
    assert_eq!(ask(1, in_hand(1), unfinished), Some(X::CardUnfinished));
    assert_eq!(ask(1, Ground::NotWritten, STILL), Some(X::CardProvedIt));
    let settled = load(LoadState::SettledCredited);
    assert_eq!(asked(wish(5_000, Ground::NotWritten), &settled, false, STILL).err(), None);
    for (state, expected) in [
        (LoadState::Open, LoadError::CardDecides),
        (LoadState::InDoubt, LoadError::NotMoved),
        (LoadState::SettledReturned, LoadError::Ended(LoadState::SettledReturned)),
        (LoadState::Reversed, LoadError::Ended(LoadState::Reversed)),
    ] {
        let refused = asked(wish(1, in_hand(1)), &load(state), false, STILL);
        assert_eq!(refused.err(), Some(X::Load(expected)));
    }
}

#[test]
fn the_table_of_states_and_steps_is_this_one() {
    let steps = [
        Step::Approve { by: BEN },
        Step::Approve { by: ANN },
        Step::Told(ReversalEvent::Reject { by: ANN }),
        Step::Told(ReversalEvent::Lapsed),
    ];
    let table = [
        (ReversalState::Asked, 0, ["posted", "-", "rejected", "-"]),
        (ReversalState::Asked, REVERSAL_LIFETIME_MS - 1, ["posted", "-", "rejected", "-"]),
        (ReversalState::Asked, REVERSAL_LIFETIME_MS, ["-", "-", "rejected", "expired"]),
        (ReversalState::Posted { approved_by: BEN }, 0, ["-"; 4]),
        (ReversalState::Rejected { by: BEN }, 0, ["-"; 4]),
        (ReversalState::Expired, REVERSAL_LIFETIME_MS, ["-"; 4]),
    ];
    let first = asked(wish(1, in_hand(1)), &load(LoadState::Closed), true, STILL).unwrap();
    for (state, after, row) in table {
        let reversal = Reversal { state, ..first.clone() };
        for (step, expected) in steps.into_iter().zip(row) {
            let now = reversal.change(step, NOW.plus(after)).map_or("-", ReversalState::name);
            assert_eq!(now, expected, "{state:?} at {after}");
        }
    }
}

#[test]
fn a_second_person_gives_it_back_once_and_the_sums_stay_zero() {
    let mut of = load(LoadState::Closed);
    let mut reversal = asked(wish(3_000, in_hand(3_000)), &of, true, STILL).unwrap();
    let (mut float, mut holder) = accounts();
    let before = (of.clone(), reversal.clone(), float, holder);
    let mut approve = |by, card, of: &mut Load, float: &mut Account, holder: &mut Account| {
        reversal.approve((by, NOW), (of, true), card, TransferId(5), float, holder)
    };
    let refused = approve(ANN, STILL, &mut of, &mut float, &mut holder).err();
    assert_eq!(refused, Some(ReversalError::SamePerson(ANN)));
    let thawed = CardNow { may_be_loaded: true, ..STILL };
    let refused = approve(BEN, thawed, &mut of, &mut float, &mut holder).err();
    assert_eq!(refused, Some(ReversalError::CardMayBeLoaded));
    assert_eq!((of.clone(), float, holder), (before.0.clone(), before.2, before.3));
    let posted = approve(BEN, STILL, &mut of, &mut float, &mut holder).unwrap();
    assert_eq!(posted.id(), TransferId(5));
    assert_eq!((of.state, float.posted, holder.posted), (LoadState::Reversed, 3_000, 3_000));
    let again = approve(BEN, STILL, &mut of, &mut float, &mut holder).err();
    assert_eq!(again.map(|error| error.code()), Some("reversal_already_ended"));
    assert_eq!((float.posted, holder.posted), (3_000, 3_000));
    // And another reversal of the same load finds it reversed.
    let refused = asked(wish(1, in_hand(9_000)), &of, true, STILL).err();
    assert_eq!(refused, Some(ReversalError::Load(LoadError::Ended(LoadState::Reversed))));
}

#[test]
fn what_the_ledger_refuses_leaves_everything_as_it_was() {
    let mut of = load(LoadState::Closed);
    let mut reversal = asked(wish(5_000, in_hand(5_000)), &of, true, STILL).unwrap();
    let (mut float, mut holder) = accounts();
    float.posted = 4_999;
    let (before, unasked) = (reversal.clone(), of.clone());
    let refused =
        reversal.approve((BEN, NOW), (&mut of, true), STILL, TransferId(5), &mut float, &mut holder);
    assert!(matches!(refused, Err(ReversalError::Ledger(LedgerError::InsufficientFunds))));
    assert_eq!((reversal.clone(), of.clone()), (before, unasked));
    let mut other = Load { id: LoadId(10), ..of };
    let refused =
        reversal.approve((BEN, NOW), (&mut other, true), STILL, TransferId(5), &mut float, &mut holder);
    assert_eq!(refused.err(), Some(ReversalError::OtherLoad));
}

#[test]
fn words_and_ids_read_back() {
    for ground in [in_hand(7), Ground::Blacklisted { held: Fen(0) }, Ground::NotWritten] {
        assert_eq!(Ground::from_name(ground.name(), ground.held()), Some(ground));
    }
    assert_eq!(Ground::from_name("in_hand", None), None);
    assert_eq!(Ground::from_name("not_written", Some(Fen(1))), None);
    for state in [
        ReversalState::Asked,
        ReversalState::Posted { approved_by: BEN },
        ReversalState::Rejected { by: ANN },
        ReversalState::Expired,
    ] {
        assert_eq!(ReversalState::from_name(state.name(), state.operator()), Some(state));
    }
    assert_eq!(ReversalState::from_name("posted", None), None);
    let id = ReversalId::from_time_and_random(NOW, u128::MAX);
    assert_eq!(id.to_string().parse(), Ok(id));
    for bad in ["rev_1", "adj_00000000000000000000000000000000", &id.to_string().to_uppercase()] {
        assert_eq!(bad.parse::<ReversalId>(), Err(ReversalIdError));
    }
    let of = (LoadId(1), Asn::new([0; 10]).unwrap());
    let state = ReversalState::Posted { approved_by: ANN };
    let stored = Reversal::from_stored(ReversalId(1), of, (ANN, NOW), wish(1, in_hand(1)), state);
    assert_eq!(stored.err(), Some(ReversalError::StoredBySamePerson));
}
