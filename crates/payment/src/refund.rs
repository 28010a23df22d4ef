//! 退款: a paid order's money given back, in part or whole, never above what was paid.
//!
//! A refund is a new transfer from the merchant to the holder, linked to the order and posted at once. The order
//! stays `paid`: it has ended, and what has ended stays ended. How much of it came back is a [`RefundState`] beside it.
//! Refuses, by name: an order that is not paid, zero, another currency, nothing left, more than is left, and a merchant
//! that has not the money. Next: [`crate::fee`] for what becomes of the fee.

use core::fmt;
use core::str::FromStr;

use model::{Amount, AmountError, Currency, UnixMillis};

use crate::ledger::{Account, AccountKind, LedgerError, PendingTransfer, PostedTransfer, TransferId};
use crate::order::{Order, OrderId, OrderState};

/// A refund's id: 128 bits, time first, so that new ones stand together. Written `ref_` and 32 hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RefundId(pub u128);

/// Why a text is not a refund's id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a refund's id is `ref_` and 32 hexadecimal digits")]
pub struct RefundIdError;

impl RefundId {
    /// An id from the time it is made and 74 random bits (the layout of UUID version 7, RFC 9562).
    pub fn from_time_and_random(now: UnixMillis, random: u128) -> Self {
        Self(OrderId::from_time_and_random(now, random).0)
    }
}

impl fmt::Display for RefundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ref_{:032x}", self.0)
    }
}

impl fmt::Debug for RefundId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for RefundId {
    type Err = RefundIdError;
    fn from_str(text: &str) -> Result<Self, RefundIdError> {
        let digits = text.strip_prefix("ref_").ok_or(RefundIdError)?;
        if digits.len() != 32 || !digits.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)) {
            return Err(RefundIdError);
        }
        u128::from_str_radix(digits, 16).map(Self).map_err(|_| RefundIdError)
    }
}

/// How much of a paid order was given back. It follows from the sums; it is not stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefundState {
    /// Nothing.
    None,
    /// Some of it.
    Partial,
    /// All of it: nothing is left.
    Whole,
}

impl RefundState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::None, Self::Partial, Self::Whole];

    /// The word for JSON, tables and pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Partial => "partial",
            Self::Whole => "whole",
        }
    }

    /// The state of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Why a refund is refused. Nothing has changed then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefundRefused {
    /// Only what was paid can be given back.
    #[error("the order is {}, not paid: there is nothing to give back", .0.name())]
    NotPaid(OrderState),
    /// Zero moves nothing.
    #[error("a refund cannot be zero: give an amount")]
    Zero,
    /// The number is not an amount of money.
    #[error("this is not an amount to refund: {0}")]
    NotAnAmount(AmountError),
    /// The order was paid in another currency.
    #[error("the order was paid in {paid}; a refund in {asked} is not possible")]
    OtherCurrency {
        /// What it was paid in.
        paid: Currency,
        /// What was asked for.
        asked: Currency,
    },
    /// Everything was given back already.
    #[error("the order is refunded whole: nothing is left")]
    NothingLeft,
    /// More than is left.
    #[error("{} is asked for and {} is left: ask for what is left at most", asked.currency().display(asked.ledger_units()), asked.currency().display(*left))]
    AboveWhatIsLeft {
        /// What was asked for.
        asked: Amount,
        /// What is left, in minor units, above zero.
        left: i64,
    },
    /// What is said to be refunded already is below zero or above what was paid: the books are wrong.
    #[error("{refunded} minor units are said to be refunded of {paid} paid: the books need a person")]
    BooksDisagree {
        /// Minor units said to be refunded already.
        refunded: i64,
        /// Minor units paid.
        paid: i64,
    },
    /// The accounts are not a merchant's and a holder's, in this order.
    #[error("a refund goes from a merchant's account to a holder's")]
    WrongAccounts,
    /// The merchant has not the money.
    #[error("the merchant has {} available and not {asked}: refund less, or later", asked.currency().display(*available))]
    MerchantHasNotEnough {
        /// What was asked for.
        asked: Amount,
        /// What is available to the merchant, in minor units.
        available: i64,
    },
    /// The ledger refuses for another reason.
    #[error("the ledger refuses: {0}")]
    Ledger(LedgerError),
}

impl RefundRefused {
    /// The stable code for JSON and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotPaid(_) => "order_not_paid",
            Self::Zero => "refund_zero",
            Self::NotAnAmount(_) => "refund_not_an_amount",
            Self::OtherCurrency { .. } => "refund_other_currency",
            Self::NothingLeft => "refund_nothing_left",
            Self::AboveWhatIsLeft { .. } => "refund_above_what_is_left",
            Self::BooksDisagree { .. } => "refund_books_disagree",
            Self::WrongAccounts => "refund_wrong_accounts",
            Self::MerchantHasNotEnough { .. } => "merchant_has_not_enough",
            Self::Ledger(_) => "refund_ledger",
        }
    }
}

impl From<AmountError> for RefundRefused {
    fn from(error: AmountError) -> Self {
        match error {
            AmountError::Zero => Self::Zero,
            AmountError::Negative
            | AmountError::TooLarge
            | AmountError::UnknownCurrency
            | AmountError::WrongExponent => Self::NotAnAmount(error),
        }
    }
}

/// A paid order, with what was given back of it. It cannot be made of an order that is not paid.
///
/// It is neither `Clone` nor `Copy`: a refund consumes it, so that the same rest is not given twice. [`Refund::rest`] is
/// what is there afterwards.
#[derive(Debug, PartialEq, Eq)]
pub struct Refundable {
    order: OrderId,
    paid: Amount,
    /// Minor units, 0 to what was paid.
    refunded: u32,
}

impl Refundable {
    /// Of an order and the sum of its posted refunds, in minor units.
    ///
    /// # Errors
    /// [`RefundRefused::NotPaid`]; [`RefundRefused::BooksDisagree`] where the sum is below zero or above what was paid.
    pub fn of(order: &Order, refunded: i64) -> Result<Self, RefundRefused> {
        match order.state {
            OrderState::Paid => {}
            OrderState::AwaitingCard
            | OrderState::Processing
            | OrderState::Declined(_)
            | OrderState::Expired
            | OrderState::Canceled
            | OrderState::Failed => return Err(RefundRefused::NotPaid(order.state)),
        }
        let paid = order.amount;
        let refunded = u32::try_from(refunded)
            .ok()
            .filter(|sum| *sum <= paid.minor())
            .ok_or(RefundRefused::BooksDisagree { refunded, paid: paid.ledger_units() })?;
        Ok(Self { order: order.id, paid, refunded })
    }

    /// Which order.
    pub const fn order(&self) -> OrderId {
        self.order
    }

    /// What was paid.
    pub const fn paid(&self) -> Amount {
        self.paid
    }

    /// What was given back, in minor units: 0 to what was paid.
    pub const fn refunded(&self) -> i64 {
        self.refunded as i64
    }

    /// What can still be given back, in minor units, never negative.
    pub const fn left(&self) -> i64 {
        self.paid.ledger_units() - self.refunded as i64
    }

    /// How much of it was given back.
    pub const fn state(&self) -> RefundState {
        if self.refunded == 0 {
            RefundState::None
        } else if self.refunded < self.paid.minor() {
            RefundState::Partial
        } else {
            RefundState::Whole
        }
    }

    /// Gives an amount back.
    ///
    /// # Errors
    /// [`RefundRefused::OtherCurrency`], [`RefundRefused::NothingLeft`], [`RefundRefused::AboveWhatIsLeft`].
    pub fn refund(self, amount: Amount) -> Result<Refund, RefundRefused> {
        if amount.currency() != self.paid.currency() {
            return Err(RefundRefused::OtherCurrency {
                paid: self.paid.currency(),
                asked: amount.currency(),
            });
        }
        if self.left() == 0 {
            return Err(RefundRefused::NothingLeft);
        }
        let above = RefundRefused::AboveWhatIsLeft { asked: amount, left: self.left() };
        let refunded = self.refunded.checked_add(amount.minor()).ok_or(above)?;
        if refunded > self.paid.minor() {
            return Err(above);
        }
        Ok(Refund { amount, before: self.refunded, rest: Self { refunded, ..self } })
    }

    /// Gives back all that is left.
    ///
    /// # Errors
    /// [`RefundRefused::NothingLeft`].
    pub fn refund_rest(self) -> Result<Refund, RefundRefused> {
        match Amount::new(self.left(), self.paid.currency()) {
            Ok(left) => self.refund(left),
            Err(AmountError::Zero) => Err(RefundRefused::NothingLeft),
            Err(error) => Err(error.into()),
        }
    }
}

/// A refund that the order allows. It cannot be made otherwise than by [`Refundable::refund`].
#[derive(Debug, PartialEq, Eq)]
pub struct Refund {
    amount: Amount,
    before: u32,
    rest: Refundable,
}

impl Refund {
    /// Of which order.
    pub const fn order(&self) -> OrderId {
        self.rest.order
    }

    /// How much is given back.
    pub const fn amount(&self) -> Amount {
        self.amount
    }

    /// What had been given back before, in minor units.
    pub const fn refunded_before(&self) -> i64 {
        self.before as i64
    }

    /// The order as it stands with this refund.
    pub const fn rest(&self) -> &Refundable {
        &self.rest
    }

    /// Posts it: one transfer from the merchant to the holder, at once. Nothing changes where it is refused.
    ///
    /// # Errors
    /// [`RefundRefused::WrongAccounts`], [`RefundRefused::MerchantHasNotEnough`], [`RefundRefused::Ledger`].
    pub fn post(
        self,
        transfer: TransferId,
        merchant: &mut Account,
        holder: &mut Account,
    ) -> Result<PostedRefund, RefundRefused> {
        if (merchant.kind, holder.kind) != (AccountKind::Merchant, AccountKind::Holder) {
            return Err(RefundRefused::WrongAccounts);
        }
        let named = |error| match error {
            LedgerError::InsufficientFunds => {
                RefundRefused::MerchantHasNotEnough { asked: self.amount, available: merchant.available() }
            }
            LedgerError::SameAccount
            | LedgerError::CurrencyDiffers
            | LedgerError::OutOfRange
            | LedgerError::MoreThanPending
            | LedgerError::NotPending(_)
            | LedgerError::OtherAccounts => RefundRefused::Ledger(error),
        };
        // On copies: either both steps are done or none.
        let (mut from, mut to) = (*merchant, *holder);
        let transfer = PendingTransfer::reserve(transfer, self.amount, &mut from, &mut to)
            .and_then(|pending| pending.post(None, &mut from, &mut to))
            .map_err(named)?;
        (*merchant, *holder) = (from, to);
        Ok(PostedRefund { rest: self.rest, transfer })
    }
}

/// A refund that was posted. It cannot be made otherwise than by [`Refund::post`].
#[derive(Debug, PartialEq, Eq)]
pub struct PostedRefund {
    rest: Refundable,
    transfer: PostedTransfer,
}

impl PostedRefund {
    /// Of which order.
    pub const fn order(&self) -> OrderId {
        self.rest.order
    }

    /// The transfer with its two entries.
    pub const fn transfer(&self) -> &PostedTransfer {
        &self.transfer
    }

    /// The order as it stands now: from here a further refund is made.
    pub fn into_rest(self) -> Refundable {
        self.rest
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::ledger::AccountId;
    use crate::{DeclineReason, MerchantId};
    use model::{CardId, PlaceId};
    use std::string::ToString;

    fn yuan(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    fn order(state: OrderState) -> Order {
        Order {
            id: OrderId(1),
            merchant: MerchantId(1),
            card: CardId(1),
            amount: yuan(2000),
            place: PlaceId(1),
            presses: None,
            state,
            reservation: TransferId(1),
            created_at: UnixMillis(0),
            expires_at: UnixMillis(1),
        }
    }

    fn paid(refunded: i64) -> Refundable {
        Refundable::of(&order(OrderState::Paid), refunded).unwrap()
    }

    fn accounts(merchant_has: i64) -> (Account, Account) {
        let mut merchant = Account::new(AccountId(2), AccountKind::Merchant, Currency::CNY);
        merchant.posted = merchant_has;
        (merchant, Account::new(AccountId(1), AccountKind::Holder, Currency::CNY))
    }

    #[test]
    fn only_what_was_paid_is_given_back() {
        use OrderState as S;
        let unpaid = [
            S::AwaitingCard,
            S::Processing,
            S::Declined(DeclineReason::NotMe),
            S::Expired,
            S::Canceled,
            S::Failed,
        ];
        for state in unpaid {
            assert_eq!(Refundable::of(&order(state), 0), Err(RefundRefused::NotPaid(state)));
        }
        for wrong in [-1, 2001, i64::MAX, i64::MIN] {
            let disagree = RefundRefused::BooksDisagree { refunded: wrong, paid: 2000 };
            assert_eq!(Refundable::of(&order(S::Paid), wrong), Err(disagree));
        }
    }

    #[test]
    fn in_part_then_the_rest_and_then_nothing_is_left() {
        let first = paid(0);
        assert_eq!((first.state(), first.left()), (RefundState::None, 2000));
        let (mut merchant, mut holder) = accounts(2000);
        let refund = first.refund(yuan(500)).unwrap();
        let posted = refund.post(TransferId(7), &mut merchant, &mut holder).unwrap();
        assert_eq!(posted.transfer().postings().map(|entry| entry.units), [-500, 500]);
        let rest = posted.into_rest();
        assert_eq!((rest.state(), rest.left()), (RefundState::Partial, 1500));
        let refund = rest.refund_rest().unwrap();
        assert_eq!((refund.amount(), refund.refunded_before()), (yuan(1500), 500));
        let rest = refund.post(TransferId(8), &mut merchant, &mut holder).unwrap().into_rest();
        assert_eq!((rest.state(), rest.left()), (RefundState::Whole, 0));
        assert_eq!((merchant.posted, holder.posted), (0, 2000));
        assert_eq!(rest.refund_rest(), Err(RefundRefused::NothingLeft));
        assert_eq!(paid(2000).refund(yuan(1)), Err(RefundRefused::NothingLeft));
    }

    #[test]
    fn never_above_what_is_left_and_both_amounts_are_named() {
        let refused = paid(1500).refund(yuan(501)).unwrap_err();
        assert_eq!(refused, RefundRefused::AboveWhatIsLeft { asked: yuan(501), left: 500 });
        assert_eq!(refused.to_string(), "¥5.01 is asked for and ¥5.00 is left: ask for what is left at most");
        let most = yuan(i64::from(u32::MAX));
        assert_eq!(paid(1).refund(most), Err(RefundRefused::AboveWhatIsLeft { asked: most, left: 1999 }));
    }

    #[test]
    fn another_currency_and_zero_are_refused_by_name() {
        let dollars = Amount::new(1, Currency::USD).unwrap();
        assert_eq!(
            paid(0).refund(dollars),
            Err(RefundRefused::OtherCurrency { paid: Currency::CNY, asked: Currency::USD })
        );
        let zero: RefundRefused = Amount::new(0, Currency::CNY).unwrap_err().into();
        assert_eq!((zero, zero.code()), (RefundRefused::Zero, "refund_zero"));
        let below: RefundRefused = Amount::new(-1, Currency::CNY).unwrap_err().into();
        assert_eq!(below, RefundRefused::NotAnAmount(AmountError::Negative));
    }

    #[test]
    fn a_merchant_without_the_money_refunds_nothing_and_nothing_changes() {
        let (mut merchant, mut holder) = accounts(499);
        let before = (merchant, holder);
        let refused = paid(0).refund(yuan(500)).unwrap().post(TransferId(1), &mut merchant, &mut holder);
        assert_eq!(refused, Err(RefundRefused::MerchantHasNotEnough { asked: yuan(500), available: 499 }));
        let turned = paid(0).refund(yuan(500)).unwrap().post(TransferId(1), &mut holder, &mut merchant);
        assert_eq!(turned, Err(RefundRefused::WrongAccounts));
        holder.posted = i64::MAX;
        let full = paid(0).refund(yuan(1)).unwrap().post(TransferId(1), &mut merchant, &mut holder);
        assert_eq!(full, Err(RefundRefused::Ledger(LedgerError::OutOfRange)));
        holder.posted = 0;
        assert_eq!((merchant, holder), before);
    }

    #[test]
    fn a_thousand_random_refunds_never_pass_what_was_paid() {
        let mut random = 11_u64;
        for _ in 0..1000 {
            let mut refundable = paid(0);
            let mut sum = 0;
            while refundable.left() > 0 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let asked = i64::try_from(random >> 54).unwrap() + 1;
                let left = refundable.left();
                match refundable.refund(yuan(asked)) {
                    Ok(refund) => {
                        assert!(asked <= left);
                        sum += asked;
                        refundable = refund.rest;
                    }
                    Err(RefundRefused::AboveWhatIsLeft { .. }) => {
                        assert!(asked > left);
                        refundable = paid(sum).refund_rest().unwrap().rest;
                        sum = 2000;
                    }
                    Err(other) => panic!("{other}"),
                }
                assert_eq!(refundable.refunded(), sum);
            }
        }
    }

    #[test]
    fn words_and_ids_read_back() {
        for state in RefundState::ALL {
            assert_eq!(RefundState::from_name(state.name()), Some(state));
        }
        let id = RefundId::from_time_and_random(UnixMillis(1_800_000_000_000), u128::MAX);
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("ref_1".parse::<RefundId>(), Err(RefundIdError));
    }
}
