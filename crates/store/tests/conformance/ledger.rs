//! Money in units of work.

use model::{Amount, Currency};
use payment::{Account, AccountId, AccountKind, LedgerError, PendingTransfer, TransferId, TransferState};
use store::{BalanceDifference, Store, StoreError, StoredTransfer, Totals, WriteError};

use crate::maker::ledger::{End, Refusal, assert_sound, end, fund, opened, reserve};
use crate::maker::{MORNING, breaks_a_rule, kept, seen, yuan};

/// A holder with 100.00 that came from the bank, and a merchant with nothing.
async fn holder_and_merchant(store: &Store) -> [AccountId; 2] {
    kept(store, |unit| {
        let holder = opened(unit, AccountKind::Holder, 1)?.id;
        let merchant = opened(unit, AccountKind::Merchant, 1)?.id;
        fund(unit, TransferId(1), yuan(10_000), holder)?;
        Ok::<_, Refusal>([holder, merchant])
    })
    .await
}

/// Posted, pending out, pending in.
async fn sums(store: &Store, id: AccountId) -> [i64; 3] {
    let account = seen(store, move |rows| rows.account(id)).await.unwrap();
    [account.posted, account.pending_out, account.pending_in]
}

pub(crate) async fn an_account_is_opened_once(store: Store) {
    let open = async |kind, owner, currency| {
        kept(&store, move |unit| unit.account_opened(kind, owner, currency)).await
    };
    let mut ids = Vec::new();
    for kind in AccountKind::ALL {
        for (owner, currency) in
            [(i64::MIN, Currency::CNY), (i64::MIN, Currency::USD), (i64::MAX, Currency::CNY)]
        {
            assert_eq!(seen(&store, move |rows| rows.account_of(kind, owner, currency)).await, None);
            let account = open(kind, owner, currency).await;
            assert_eq!(account, Account::new(account.id, kind, currency));
            assert_eq!(open(kind, owner, currency).await, account);
            let id = account.id;
            assert_eq!(seen(&store, move |rows| rows.account_of(kind, owner, currency)).await, Some(account));
            assert_eq!(seen(&store, move |rows| rows.account(id)).await, Some(account));
            ids.push(id);
        }
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 18);
    assert_eq!(seen(&store, |rows| rows.account(AccountId(-1))).await, None);
    let absent = Account::new(AccountId(-1), AccountKind::Holder, Currency::CNY);
    let put = store.write(move |unit| unit.put_account(&absent)).await;
    assert_eq!(put, Err(WriteError::Refused(StoreError::Malformed("account"))));
}

pub(crate) async fn money_is_set_aside_then_moved_in_whole_or_in_part_or_freed(store: Store) {
    let [holder, merchant] = holder_and_merchant(&store).await;
    assert_eq!(sums(&store, holder).await, [10_000, 0, 0]);
    let cases = [
        (End::Post(None), TransferState::Posted, 2_000),
        (End::Post(Some(yuan(1_500))), TransferState::Posted, 1_500),
        (End::Void, TransferState::Voided, 0),
        (End::Expire, TransferState::Expired, 0),
    ];
    let mut moved = 0;
    for (n, (how, state, units)) in (2..).zip(cases) {
        let id = TransferId(u128::MAX - n);
        kept(&store, move |unit| reserve(unit, id, yuan(2_000), [holder, merchant])).await;
        let pending = StoredTransfer {
            id,
            from: holder,
            to: merchant,
            amount: yuan(2_000),
            state: TransferState::Pending,
        };
        assert_eq!(seen(&store, move |rows| rows.transfer(id)).await.as_ref(), Some(&pending));
        assert_eq!(sums(&store, holder).await, [10_000 - moved, 2_000, 0]);
        assert_eq!(sums(&store, merchant).await, [moved, 0, 2_000]);
        assert_sound(&store);
        kept(&store, move |unit| end(unit, id, how)).await;
        moved += units;
        assert_eq!(
            seen(&store, move |rows| rows.transfer(id)).await,
            Some(StoredTransfer { state, ..pending })
        );
        assert_eq!(sums(&store, holder).await, [10_000 - moved, 0, 0]);
        assert_eq!(sums(&store, merchant).await, [moved, 0, 0]);
        assert_sound(&store);
    }
    assert_eq!(seen(&store, |rows| rows.transfer(TransferId(0))).await, None);
}

pub(crate) async fn a_transfer_is_made_once_and_ends_once(store: Store) {
    let [holder, merchant] = holder_and_merchant(&store).await;
    let id = TransferId(2);
    kept(&store, move |unit| reserve(unit, id, yuan(2_000), [holder, merchant])).await;
    let again = store.write(move |unit| reserve(unit, id, yuan(2_000), [holder, merchant])).await;
    assert!(
        matches!(again, Err(WriteError::Refused(Refusal::Store(StoreError::Constraint(_))))),
        "{again:?}"
    );
    kept(&store, move |unit| end(unit, id, End::Post(None))).await;
    for how in [End::Post(None), End::Void, End::Expire] {
        let again = store.write(move |unit| end(unit, id, how)).await;
        let ended = LedgerError::NotPending(TransferState::Posted);
        assert_eq!(again, Err(WriteError::Refused(Refusal::Ledger(ended))));
    }
    // Below every rule: the row itself refuses, even to whoever believes that it is pending.
    for post in [true, false] {
        let twice = store
            .write(move |unit| {
                let pending =
                    PendingTransfer::from_stored(id, yuan(2_000), holder, merchant, TransferState::Pending)?;
                let mut from = Account::new(holder, AccountKind::Holder, Currency::CNY);
                let mut to = Account::new(merchant, AccountKind::Merchant, Currency::CNY);
                (from.pending_out, to.pending_in) = (2_000, 2_000);
                if post {
                    unit.post_transfer(&pending.post(None, &mut from, &mut to)?, MORNING)?;
                } else {
                    unit.void_transfer(&pending.void(&mut from, &mut to)?, MORNING)?;
                }
                Ok::<(), Refusal>(())
            })
            .await;
        assert_eq!(twice, Err(WriteError::Refused(Refusal::Store(StoreError::Malformed("transfer")))));
    }
    assert_eq!(sums(&store, merchant).await, [2_000, 0, 0]);
    assert_sound(&store);
}

pub(crate) async fn a_balance_that_was_tampered_with_is_found(store: Store) {
    let [holder, merchant] = holder_and_merchant(&store).await;
    kept(&store, move |unit| reserve(unit, TransferId(2), yuan(2_000), [holder, merchant])).await;
    assert_eq!(seen(&store, |rows| rows.balance_differences()).await, []);
    let sound = seen(&store, move |rows| rows.account(holder)).await.unwrap();
    let richer = Account { posted: sound.posted + 1, ..sound };
    let freed = Account { pending_out: 0, ..sound };
    let promised = Account { pending_in: 5, ..sound };
    for (tampered, stored) in
        [(richer, [10_001, 2_000, 0]), (freed, [10_000, 0, 0]), (promised, [10_000, 2_000, 5])]
    {
        kept(&store, move |unit| unit.put_account(&tampered)).await;
        let expected = BalanceDifference { account: holder, stored, recomputed: [10_000, 2_000, 0] };
        assert_eq!(seen(&store, |rows| rows.balance_differences()).await, [expected]);
    }
    let negative = Account { pending_out: -1, ..sound };
    breaks_a_rule(&store, move |unit| unit.put_account(&negative)).await;
    kept(&store, move |unit| unit.put_account(&sound)).await;
    assert_sound(&store);
}

pub(crate) async fn sums_are_by_kind_and_currency_and_end_at_zero(store: Store) {
    assert_eq!(seen(&store, |rows| rows.totals()).await, []);
    let [holder, merchant] = holder_and_merchant(&store).await;
    kept(&store, move |unit| {
        reserve(unit, TransferId(2), yuan(2_000), [holder, merchant])?;
        let second = opened(unit, AccountKind::Holder, 2)?.id;
        fund(unit, TransferId(3), yuan(5), second)?;
        let dollars = unit.account_opened(AccountKind::Holder, 1, Currency::USD)?.id;
        fund(
            unit,
            TransferId(4),
            Amount::new(7, Currency::USD).map_err(|_| Refusal::SecondThoughts)?,
            dollars,
        )
    })
    .await;
    let rows = [
        (AccountKind::Holder, Currency::CNY, 2, [10_005, 2_000, 0]),
        (AccountKind::Merchant, Currency::CNY, 1, [0, 0, 2_000]),
        (AccountKind::Settlement, Currency::CNY, 1, [-10_005, 0, 0]),
        (AccountKind::Holder, Currency::USD, 1, [7, 0, 0]),
        (AccountKind::Settlement, Currency::USD, 1, [-7, 0, 0]),
    ];
    let expected = rows.map(|(kind, currency, accounts, [posted, pending_out, pending_in])| Totals {
        kind,
        currency,
        accounts,
        posted,
        pending_out,
        pending_in,
    });
    assert_eq!(seen(&store, |rows| rows.totals()).await, expected);
    assert_sound(&store);
}
