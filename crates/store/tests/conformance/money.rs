//! Money that comes back and goes out: refunds, fees, settlements, banks' files, adjustments.

use model::{Amount, Currency, PlaceId, UnixMillis};
use payment::{
    AccountId, AccountKind, Adjustment, AdjustmentEvent, AdjustmentId, FeeOnRefund, FeeRule, Legs,
    MerchantId, OperatorId, OrderId, PendingTransfer, RefundId, TransferId,
};
use store::{
    BankFile, Day, DifferenceKind, Moved, Movement, OrderDetails, PaymentFee, Resolution, Resolved, Store,
    StoreError, StoredAdjustment, StoredBankEntry, StoredDifference, StoredFeeRule, StoredPayout,
    StoredRefund, StoredSettlement, WriteError,
};

use crate::maker::ledger::{End, Refusal, end, fund, opened};
use crate::maker::{MORNING, breaks_a_rule, changes_nothing, kept, order, seen, yuan};

const TODAY: Day = Day(20_270_115);

fn refund(n: u128, of: OrderId, before: i64) -> StoredRefund {
    StoredRefund {
        id: RefundId(n),
        order: of,
        merchant: MerchantId(1),
        amount: yuan(500),
        refunded_before: before,
        transfer: TransferId(u128::MAX - n),
        fee_back: 0,
        fee_transfer: None,
        reference: None,
        created_at: MORNING,
    }
}

pub(crate) async fn every_field_of_a_refund_comes_back_and_a_rest_is_refunded_once(store: Store) {
    let (first, other) = (OrderId(1), OrderId(u128::MAX));
    let full = StoredRefund {
        merchant: MerchantId(u32::MAX),
        amount: Amount::new(i64::from(u32::MAX), Currency::KWD).unwrap(),
        fee_back: u32::MAX,
        fee_transfer: Some(TransferId(u128::MAX)),
        reference: Some("退货 7".into()),
        created_at: UnixMillis(i64::MAX),
        ..refund(2, other, i64::MAX)
    };
    for refund in [refund(1, first, 0), full, refund(3, first, 500), refund(4, first, 1_000)] {
        let (added, again, id) = (refund.clone(), refund.clone(), refund.id);
        kept(&store, move |unit| unit.add_refund(&added)).await;
        changes_nothing(&store, "refund", move |unit| unit.add_refund(&again)).await;
        assert_eq!(seen(&store, move |rows| rows.refund(id)).await, Some(refund));
    }
    let same_rest = refund(9, first, 500);
    changes_nothing(&store, "refund", move |unit| unit.add_refund(&same_rest)).await;
    assert_eq!(seen(&store, move |rows| rows.refunded(first)).await, 1_500);
    assert_eq!(seen(&store, |rows| rows.refunded(OrderId(7))).await, 0);
    let ids = async |before: Option<u128>, limit| {
        let listed = seen(&store, move |rows| rows.refunds_before(first, before.map(RefundId), limit)).await;
        listed.into_iter().map(|refund| refund.id.0).collect::<Vec<_>>()
    };
    assert_eq!(ids(None, 9).await, [4, 3, 1]);
    assert_eq!(ids(None, 2).await, [4, 3]);
    assert_eq!(ids(Some(3), 9).await, [1]);
    assert_eq!(seen(&store, |rows| rows.refund(RefundId(9))).await, None);
}

pub(crate) async fn a_fee_rule_is_set_anew_and_taken_away(store: Store) {
    let merchant = kept(&store, |unit| unit.add_merchant("Bakery", MORNING)).await;
    let rule = |currency, basis_points| FeeRule::new(currency, basis_points, 3).unwrap();
    let rules = [
        rule(Currency::CNY, 60),
        rule(Currency::CNY, 10_000).within(7, Some(u32::MAX)).unwrap().on_refund(FeeOnRefund::InProportion),
        rule(Currency::USD, 0),
    ];
    for rule in rules {
        let stored = StoredFeeRule { merchant, rule, set_at: MORNING };
        let put = stored.clone();
        kept(&store, move |unit| unit.put_fee_rule(&put)).await;
        assert_eq!(seen(&store, move |rows| rows.fee_rule(merchant, rule.currency())).await, Some(stored));
    }
    let listed = seen(&store, move |rows| rows.fee_rules(merchant)).await;
    assert_eq!(listed.iter().map(|stored| stored.rule).collect::<Vec<_>>(), [rules[1], rules[2]]);
    for there in [true, false] {
        assert_eq!(kept(&store, move |unit| unit.remove_fee_rule(merchant, Currency::CNY)).await, there);
    }
    assert_eq!(seen(&store, move |rows| rows.fee_rule(merchant, Currency::CNY)).await, None);
    let nobodys = StoredFeeRule { merchant: MerchantId(77), rule: rules[0], set_at: MORNING };
    breaks_a_rule(&store, move |unit| unit.put_fee_rule(&nobodys)).await;
}

pub(crate) async fn a_payment_has_one_fee(store: Store) {
    let fee = PaymentFee {
        order: OrderId(5),
        amount: yuan(12),
        on_refund: FeeOnRefund::InProportion,
        transfer: TransferId(6),
        created_at: MORNING,
    };
    let (added, again) = (fee.clone(), PaymentFee { transfer: TransferId(7), ..fee.clone() });
    kept(&store, move |unit| unit.add_payment_fee(&added)).await;
    breaks_a_rule(&store, move |unit| unit.add_payment_fee(&again)).await;
    assert_eq!(seen(&store, |rows| rows.payment_fee(OrderId(5))).await, Some(fee));
    assert_eq!(seen(&store, |rows| rows.payment_fee(OrderId(6))).await, None);
}

/// A paid order of 20.00 and its merchant's account: the payment posted at `MORNING`, a payout of 5.00 after it.
async fn paid_and_paid_out(store: &Store) -> (AccountId, OrderId) {
    let mut stored = order(0, 1);
    stored.reference = Some("invoice 7".into());
    let id = stored.order.id;
    let merchant = kept(store, move |unit| {
        let holder = opened(unit, AccountKind::Holder, 1)?;
        let merchant = opened(unit, AccountKind::Merchant, 1)?;
        let bank = opened(unit, AccountKind::Settlement, 0)?;
        fund(unit, TransferId(1), yuan(10_000), holder.id)?;
        unit.add_order(&stored)?;
        let account = |unit: &mut dyn store::Unit, id| {
            unit.account(id)?.ok_or(Refusal::Store(StoreError::Malformed("no such account")))
        };
        let (mut from, mut to) = (account(unit, holder.id)?, account(unit, merchant.id)?);
        let payment = PendingTransfer::reserve(TransferId(2), yuan(2_000), &mut from, &mut to)?;
        unit.add_linked_transfer(&payment, "payment", id.0, MORNING)?;
        unit.put_account(&from)?;
        unit.put_account(&to)?;
        end(unit, TransferId(2), End::Post(None))?;
        let (mut from, mut to) = (account(unit, merchant.id)?, account(unit, bank.id)?);
        let payout = PendingTransfer::reserve(TransferId(3), yuan(500), &mut from, &mut to)?;
        unit.add_transfer(&payout, "payout", MORNING)?;
        unit.put_account(&from)?;
        unit.put_account(&to)?;
        end(unit, TransferId(3), End::Post(None))?;
        Ok::<_, Refusal>(merchant.id)
    })
    .await;
    (merchant, id)
}

pub(crate) async fn an_account_s_movements_are_listed_with_what_they_are_of(store: Store) {
    let (merchant, order) = paid_and_paid_out(&store).await;
    let payment = Movement {
        at: MORNING,
        purpose: "payment".into(),
        transfer: TransferId(2),
        order: Some(order),
        reference: Some("invoice 7".into()),
        units: 2_000,
    };
    let payout = Movement {
        purpose: "payout".into(),
        transfer: TransferId(3),
        order: None,
        reference: None,
        units: -500,
        ..payment.clone()
    };
    let after = MORNING.plus(1);
    let listed = |from, to, limit| seen(&store, move |rows| rows.movements(merchant, from, to, 0, limit));
    assert_eq!(listed(MORNING, after, 9).await, [payment.clone(), payout.clone()]);
    let skipped = |skip| seen(&store, move |rows| rows.movements(merchant, MORNING, after, skip, 9));
    assert_eq!((skipped(1).await, skipped(2).await), (vec![payout], vec![]));
    let first = |count| seen(&store, move |rows| rows.moved_first(merchant, MORNING, after, count));
    assert_eq!((first(0).await, first(1).await, first(9).await), (0, 2_000, 1_500));
    assert_eq!(listed(MORNING, after, 1).await, [payment]);
    assert_eq!(listed(after, UnixMillis(i64::MAX), 9).await, []);
    assert_eq!(listed(UnixMillis(0), MORNING, 9).await, []);
    let moved = |from, to| seen(&store, move |rows| rows.moved(merchant, from, to));
    assert_eq!(moved(MORNING, after).await, Moved { entries: 2, units: 1_500 });
    assert_eq!(moved(after, UnixMillis(i64::MAX)).await, Moved::default());
    let next = |from| seen(&store, move |rows| rows.next_movement(merchant, from));
    assert_eq!(next(UnixMillis(0)).await, Some(MORNING));
    assert_eq!(next(after).await, None);
    let owner = seen(&store, move |rows| rows.account_owner(merchant)).await.unwrap();
    assert_eq!((owner.kind, owner.owner, owner.currency), (AccountKind::Merchant, 1, Currency::CNY));
    assert_eq!(seen(&store, |rows| rows.transfer_purpose(TransferId(3))).await.as_deref(), Some("payout"));
}

fn settlement(merchant: u32, day: u32, currency: Currency, number: u32) -> StoredSettlement {
    StoredSettlement {
        merchant: MerchantId(merchant),
        day: Day(day),
        currency,
        account: AccountId(i64::from(merchant) * 1_000 + i64::from(currency.number())),
        number,
        from: MORNING,
        to: MORNING.plus(86_400_000),
        offset_seconds: -12_600,
        opening: i64::MIN,
        closing: i64::MAX,
        entries: u32::MAX,
        made_at: MORNING,
    }
}

pub(crate) async fn a_day_is_closed_once_and_listed_newest_first(store: Store) {
    let all = [
        settlement(1, 20_270_114, Currency::CNY, 1),
        settlement(1, 20_270_115, Currency::CNY, 2),
        settlement(1, 20_270_115, Currency::USD, 1),
        settlement(2, 20_270_116, Currency::CNY, 1),
    ];
    for settlement in all.clone() {
        let (added, again, read) = (settlement.clone(), settlement.clone(), settlement.clone());
        kept(&store, move |unit| unit.add_settlement(&added)).await;
        changes_nothing(&store, "settlement", move |unit| unit.add_settlement(&again)).await;
        let found = seen(&store, move |rows| rows.settlement(read.merchant, read.day, read.currency)).await;
        assert_eq!(found, Some(settlement));
    }
    let same_number = settlement(1, 20_270_120, Currency::CNY, 2);
    changes_nothing(&store, "settlement", move |unit| unit.add_settlement(&same_number)).await;
    let [first, second, dollars, other] = all;
    let listed =
        |before, limit| seen(&store, move |rows| rows.settlements_before(MerchantId(1), before, limit));
    assert_eq!(listed(None, 9).await, [dollars.clone(), second.clone(), first.clone()]);
    assert_eq!(listed(None, 1).await, std::slice::from_ref(&dollars));
    assert_eq!(listed(Some((dollars.day, dollars.currency)), 9).await, [second.clone(), first]);
    let of_day = seen(&store, |rows| rows.settlements_of(MerchantId(1), Day(20_270_115))).await;
    assert_eq!(of_day, [second.clone(), dollars]);
    let account = second.account;
    assert_eq!(seen(&store, move |rows| rows.newest_settlement(account)).await, Some(second));
    assert_eq!(seen(&store, |rows| rows.newest_settlement(AccountId(-1))).await, None);
    assert_eq!(seen(&store, |rows| rows.newest_settlements(1)).await, [other]);
}

fn file(n: u8) -> BankFile {
    BankFile {
        id: 0,
        digest: [n; 32],
        name: "day.csv".into(),
        form: "csv".into(),
        first_day: TODAY,
        last_day: Day(TODAY.0 + u32::from(n)),
        entries: 2,
        matched: 1,
        imported_at: MORNING,
    }
}

fn entry(file: u32, number: u32, transfer: Option<TransferId>) -> StoredBankEntry {
    StoredBankEntry {
        file,
        number,
        line: number + 1,
        currency: Currency::CNY,
        units: -500,
        booked: TODAY,
        bank_reference: Some(format!("B{number}")),
        reference: None,
        text: "转账".into(),
        transfer,
        found_by: transfer.map(|_| "reference".into()),
    }
}

pub(crate) async fn a_bank_s_file_is_taken_once_and_a_transfer_is_one_entry_of_it(store: Store) {
    let (merchant, _) = paid_and_paid_out(&store).await;
    let bank = seen(&store, |rows| rows.account_of(AccountKind::Settlement, 0, Currency::CNY)).await;
    let bank = bank.unwrap().id;
    assert_ne!(bank, merchant);
    assert_eq!(seen(&store, |rows| rows.reconciled_since()).await, None);
    let id = kept(&store, |unit| unit.add_bank_file(&file(1))).await;
    breaks_a_rule(&store, |unit| unit.add_bank_file(&file(1)).map(|_| ())).await;
    let taken = BankFile { id, ..file(1) };
    assert_eq!(seen(&store, |rows| rows.bank_file_of(&[1; 32])).await.as_ref(), Some(&taken));
    assert_eq!(seen(&store, move |rows| rows.bank_file(id)).await.as_ref(), Some(&taken));
    assert_eq!(seen(&store, |rows| rows.bank_file_of(&[2; 32])).await, None);
    assert_eq!(seen(&store, |rows| rows.bank_files_before(None, 9)).await, [taken]);
    assert_eq!(seen(&store, move |rows| rows.bank_files_before(Some(id), 9)).await, []);
    assert_eq!(seen(&store, |rows| rows.reconciled_since()).await, Some(TODAY));

    let unmatched = async || {
        let listed =
            seen(&store, move |rows| rows.unmatched_movements(bank, UnixMillis(0), UnixMillis(i64::MAX), 9));
        listed.await.into_iter().map(|movement| (movement.transfer.0, movement.units)).collect::<Vec<_>>()
    };
    assert_eq!(unmatched().await, [(1, -10_000), (3, 500)]);
    for entry in [entry(id, 1, Some(TransferId(3))), entry(id, 2, None)] {
        let (added, again, number) = (entry.clone(), entry.clone(), entry.number);
        kept(&store, move |unit| unit.add_bank_entry(&added)).await;
        breaks_a_rule(&store, move |unit| unit.add_bank_entry(&again)).await;
        assert_eq!(seen(&store, move |rows| rows.bank_entry(id, number)).await, Some(entry));
    }
    breaks_a_rule(&store, move |unit| unit.add_bank_entry(&entry(id, 3, Some(TransferId(3))))).await;
    assert_eq!(unmatched().await, [(1, -10_000)]);
    let found = seen(&store, |rows| rows.bank_entry_of(TransferId(3))).await;
    assert_eq!(found, Some(entry(id, 1, Some(TransferId(3)))));
    for (reference, units, known) in [("B2", -500, true), ("B2", 500, false), ("B3", -500, false)] {
        assert_eq!(seen(&store, move |rows| rows.has_bank_entry(reference, units, TODAY)).await, known);
    }
}

pub(crate) async fn a_difference_is_resolved_once(store: Store) {
    let id = kept(&store, |unit| unit.add_bank_file(&file(1))).await;
    let mut open = Vec::new();
    for kind in DifferenceKind::ALL {
        let difference = StoredDifference {
            id: 0,
            kind,
            file: id,
            entry: Some(3).filter(|_| kind != DifferenceKind::Missing),
            transfer: Some(TransferId(9)).filter(|_| kind != DifferenceKind::Unknown),
            currency: Currency::CNY,
            ours: Some(-500),
            theirs: None,
            day: TODAY,
            found_at: MORNING,
            resolved: None,
        };
        let added = difference.clone();
        let number = kept(&store, move |unit| unit.add_difference(&added)).await;
        open.push(StoredDifference { id: number, ..difference });
    }
    open.reverse();
    let listed = |open, before, limit| seen(&store, move |rows| rows.differences_before(open, before, limit));
    assert_eq!(listed(true, None, 9).await, open);
    assert_eq!(listed(true, Some(open[1].id), 1).await, open[2..3]);
    let first = open.last().unwrap().id;
    let resolved = Resolved {
        resolution: Resolution::BankCorrects,
        reason: "called the bank".into(),
        by: Some(OperatorId(1)),
        at: MORNING,
    };
    let (once, again) = (resolved.clone(), resolved.clone());
    kept(&store, move |unit| unit.resolve_difference(first, &once)).await;
    changes_nothing(&store, "difference", move |unit| unit.resolve_difference(first, &again)).await;
    let ended = StoredDifference { resolved: Some(resolved), ..open[3].clone() };
    assert_eq!(seen(&store, move |rows| rows.difference(first)).await, Some(ended));
    assert_eq!(listed(true, None, 9).await, open[..3]);
    assert_eq!(listed(false, None, 9).await.len(), 4);
    let of_transfer = seen(&store, |rows| rows.differences_of(TransferId(9))).await;
    assert_eq!(of_transfer.len(), 3, "two are open, one is resolved");
}

pub(crate) async fn an_adjustment_is_two_persons_and_changes_until_it_has_ended(store: Store) {
    let [ann, ben] =
        kept(&store, |unit| Ok::<_, StoreError>([unit.operator_named("ann")?, unit.operator_named("ben")?]))
            .await;
    assert_ne!(ann, ben);
    assert_eq!(kept(&store, |unit| unit.operator_named("ann")).await, ann);
    assert_eq!(seen(&store, move |rows| rows.operator_name(ben)).await.as_deref(), Some("ben"));
    let propose = |n| {
        let legs = Legs::new(AccountId(1), AccountId(2), yuan(700)).unwrap();
        let reason = "重复扣款".parse().unwrap();
        let adjustment = Adjustment::propose(AdjustmentId(n), ann, MORNING, reason, legs);
        StoredAdjustment { adjustment, transfer: None, updated_at: MORNING }
    };
    for n in [1, 2] {
        let added = propose(n);
        kept(&store, move |unit| unit.add_adjustment(&added)).await;
        assert_eq!(seen(&store, move |rows| rows.adjustment(AdjustmentId(n))).await, Some(propose(n)));
    }
    let again = propose(1);
    breaks_a_rule(&store, move |unit| unit.add_adjustment(&again)).await;
    let mut first = propose(1);
    first.adjustment.apply(AdjustmentEvent::Approve { by: ben }, MORNING).unwrap();
    let approved = first.clone();
    kept(&store, move |unit| unit.put_adjustment(&approved)).await;
    assert_eq!(seen(&store, |rows| rows.adjustment(AdjustmentId(1))).await.as_ref(), Some(&first));
    first.adjustment.apply(AdjustmentEvent::Reject { by: ann }, MORNING).unwrap();
    let (rejected, again) = (first.clone(), first.clone());
    kept(&store, move |unit| unit.put_adjustment(&rejected)).await;
    changes_nothing(&store, "adjustment", move |unit| unit.put_adjustment(&again)).await;
    let ids = async |waiting, before: Option<u128>| {
        let listed = seen(&store, move |rows| rows.adjustments_before(waiting, before.map(AdjustmentId), 9));
        listed.await.into_iter().map(|stored| stored.adjustment.id().0).collect::<Vec<_>>()
    };
    assert_eq!(ids(false, None).await, [2, 1]);
    assert_eq!(ids(false, Some(2)).await, [1]);
    assert_eq!(ids(true, None).await, [2]);
    // Below every rule: an approval by whoever proposed it is no row.
    let refused = store
        .write(move |unit| {
            let legs =
                Legs::new(AccountId(1), AccountId(2), yuan(1)).map_err(|_| StoreError::Malformed("legs"))?;
            let reason = "a reason".parse().map_err(|_| StoreError::Malformed("reason"))?;
            let mut adjustment = Adjustment::propose(AdjustmentId(2), ben, MORNING, reason, legs);
            // In the value it is another person; in the row, the same.
            adjustment
                .apply(AdjustmentEvent::Approve { by: ann }, MORNING)
                .map_err(|_| StoreError::Malformed("approve"))?;
            unit.put_adjustment(&StoredAdjustment { adjustment, transfer: None, updated_at: MORNING })
        })
        .await;
    assert!(matches!(refused, Err(WriteError::Refused(StoreError::Constraint(_)))), "{refused:?}");
}

pub(crate) async fn a_payout_is_found_by_its_transfer(store: Store) {
    let payout = StoredPayout {
        transfer: TransferId(4),
        merchant: MerchantId(1),
        amount: yuan(500),
        created_at: MORNING,
    };
    let (added, again) = (payout.clone(), payout.clone());
    kept(&store, move |unit| unit.add_payout(&added)).await;
    breaks_a_rule(&store, move |unit| unit.add_payout(&again)).await;
    assert_eq!(seen(&store, |rows| rows.payout(TransferId(4))).await, Some(payout));
}

pub(crate) async fn what_stands_beside_a_merchant_s_orders_is_read_for_a_page_of_them(store: Store) {
    let merchant = kept(&store, |unit| unit.add_merchant("Bakery", MORNING)).await;
    let other = kept(&store, |unit| unit.add_merchant("Florist", MORNING)).await;
    let place = kept(&store, move |unit| unit.place_named(merchant, "Market Street 1 市场街")).await;
    let mut orders = Vec::new();
    for n in 1..=5_u32 {
        let mut stored = order(i64::from(n), n);
        stored.order.merchant = if n == 3 { other } else { merchant };
        stored.order.place = if n == 4 { PlaceId(0) } else { place };
        orders.push(stored);
    }
    let (added, ids) = (orders.clone(), orders.iter().map(|it| it.order.id).collect::<Vec<_>>());
    kept(&store, move |unit| added.iter().try_for_each(|it| unit.add_order(it))).await;
    let of = ids[1];
    kept(&store, move |unit| {
        unit.add_refund(&refund(1, of, 0))?;
        unit.add_refund(&refund(2, of, 500))?;
        unit.add_payment_fee(&PaymentFee {
            order: of,
            amount: yuan(12),
            on_refund: FeeOnRefund::Kept,
            transfer: TransferId(7),
            created_at: MORNING,
        })
    })
    .await;
    let details = |n: usize, place: &str, refunded, fee| OrderDetails {
        order: ids[n],
        place: place.to_owned(),
        refunded,
        fee,
    };
    let street = "Market Street 1 市场街";
    let (first, last) = (ids[0], ids[3]);
    let read = seen(&store, move |rows| rows.order_details(merchant, first, last)).await;
    assert_eq!(
        read,
        [details(0, street, 0, None), details(1, street, 1_000, Some(12)), details(3, "", 0, None)]
    );
    assert_eq!(seen(&store, move |rows| rows.order_details(merchant, last, first)).await, []);
}
