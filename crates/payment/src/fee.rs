//! 手续费: what the platform keeps of a payment, by rule.
//!
//! `fee = amount × basis points / 10,000`, rounded half up to the minor unit, plus a fixed part; then at least the
//! minimum, at most the maximum, and never above the amount. All in integer minor units of one currency.
//! Refuses: more than 10,000 basis points, a maximum below the minimum, an amount of another currency.
//! Next: [`crate::refund`], whose refunds give a part of the fee back where the rule says so.

use model::{Amount, Currency};

use crate::refund::Refund;

/// A whole in basis points: 100 %.
pub const BASIS_POINTS_MAX: u16 = 10_000;

/// Whether a refund gives a part of the fee back to the merchant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FeeOnRefund {
    /// The platform keeps the fee: the payment was carried out.
    #[default]
    Kept,
    /// In proportion to what is refunded. A whole refund, in however many parts, gives the whole fee back.
    InProportion,
}

impl FeeOnRefund {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Kept, Self::InProportion];

    /// The word for tables and the configuration.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Kept => "kept",
            Self::InProportion => "in_proportion",
        }
    }

    /// From its word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kept| kept.name() == name)
    }
}

/// Why a rule or a fee is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FeeError {
    /// More than 100 %.
    #[error("{0} basis points are more than {BASIS_POINTS_MAX}, which is the whole amount")]
    TooManyBasisPoints(u16),
    /// No fee can keep both.
    #[error("the maximum of {maximum} minor units is below the minimum of {minimum}")]
    MaximumBelowMinimum {
        /// Minor units.
        minimum: u32,
        /// Minor units.
        maximum: u32,
    },
    /// The rule is for another currency.
    #[error("the fee's rule is for {rule}, the amount is in {amount}")]
    OtherCurrency {
        /// The rule's.
        rule: Currency,
        /// The amount's.
        amount: Currency,
    },
    /// The fee is not that of the order that is refunded.
    #[error("the fee was taken of another amount than the order's")]
    OtherPayment,
    /// A fee that is stored is above the amount that it was taken of.
    #[error("a fee of {fee} minor units is above the amount of {amount}")]
    AboveTheAmount {
        /// Minor units.
        fee: i64,
        /// Minor units.
        amount: i64,
    },
}

impl FeeError {
    /// The stable code for JSON and metrics.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooManyBasisPoints(_) => "fee_too_many_basis_points",
            Self::MaximumBelowMinimum { .. } => "fee_maximum_below_minimum",
            Self::OtherCurrency { .. } => "fee_other_currency",
            Self::OtherPayment => "fee_other_payment",
            Self::AboveTheAmount { .. } => "fee_above_the_amount",
        }
    }
}

/// How a fee is reckoned. Its parts fit each other; it cannot be made otherwise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeeRule {
    currency: Currency,
    basis_points: u16,
    fixed: u32,
    minimum: u32,
    maximum: Option<u32>,
    on_refund: FeeOnRefund,
}

impl FeeRule {
    /// No fee at all.
    pub const fn free(currency: Currency) -> Self {
        Self { currency, basis_points: 0, fixed: 0, minimum: 0, maximum: None, on_refund: FeeOnRefund::Kept }
    }

    /// So many basis points (0 to 10,000) plus a fixed part in minor units, without minimum or maximum; kept on refunds.
    ///
    /// # Errors
    /// [`FeeError::TooManyBasisPoints`].
    pub const fn new(currency: Currency, basis_points: u16, fixed: u32) -> Result<Self, FeeError> {
        if basis_points > BASIS_POINTS_MAX {
            return Err(FeeError::TooManyBasisPoints(basis_points));
        }
        Ok(Self { basis_points, fixed, ..Self::free(currency) })
    }

    /// The same with a least and, if given, a most, in minor units.
    ///
    /// # Errors
    /// [`FeeError::MaximumBelowMinimum`].
    pub const fn within(self, minimum: u32, maximum: Option<u32>) -> Result<Self, FeeError> {
        match maximum {
            Some(maximum) if maximum < minimum => Err(FeeError::MaximumBelowMinimum { minimum, maximum }),
            Some(_) | None => Ok(Self { minimum, maximum, ..self }),
        }
    }

    /// The same with another word on refunds.
    pub const fn on_refund(self, on_refund: FeeOnRefund) -> Self {
        Self { on_refund, ..self }
    }

    /// Its currency.
    pub const fn currency(&self) -> Currency {
        self.currency
    }

    /// The fee of an amount: 0 to the amount, and never less for a greater amount.
    ///
    /// # Errors
    /// [`FeeError::OtherCurrency`].
    pub fn fee(&self, amount: Amount) -> Result<Fee, FeeError> {
        if amount.currency() != self.currency {
            return Err(FeeError::OtherCurrency { rule: self.currency, amount: amount.currency() });
        }
        // At most 2^32 × 10,000 + 5,000, then + 2^32: far within 64 bits.
        let whole = u64::from(BASIS_POINTS_MAX);
        let share = (u64::from(amount.minor()) * u64::from(self.basis_points) + whole / 2) / whole;
        let reckoned = (share + u64::from(self.fixed)).max(u64::from(self.minimum));
        let most = self.maximum.map_or(amount.minor(), |maximum| maximum.min(amount.minor()));
        // What does not fit 32 bits is above every most.
        let minor = u32::try_from(reckoned).map_or(most, |minor| minor.min(most));
        Ok(Fee { minor, of: amount })
    }

    /// What a refund gives back of the fee that was taken of its order; `None` where that is nothing.
    ///
    /// The share is reckoned of all that is refunded so far, rounded half up, less what earlier refunds gave back: the
    /// parts of a whole refund sum to the fee exactly.
    ///
    /// # Errors
    /// [`FeeError::OtherPayment`] where the fee was taken of another amount than the order's.
    pub fn given_back(&self, fee: Fee, refund: &Refund) -> Result<Option<Amount>, FeeError> {
        let paid = refund.rest().paid();
        if fee.of != paid {
            return Err(FeeError::OtherPayment);
        }
        match self.on_refund {
            FeeOnRefund::Kept => Ok(None),
            FeeOnRefund::InProportion => {
                // Three factors of 32 bits at most.
                let whole = i128::from(paid.minor());
                let share =
                    |refunded: i64| (i128::from(fee.minor) * i128::from(refunded) * 2 + whole) / (whole * 2);
                let back = share(refund.rest().refunded()) - share(refund.refunded_before());
                // Only nothing is no amount: the share rises with what is refunded and ends at the fee.
                Ok(i64::try_from(back).ok().and_then(|minor| Amount::new(minor, paid.currency()).ok()))
            }
        }
    }
}

/// A fee with the amount that it was taken of: 0 to that amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fee {
    minor: u32,
    of: Amount,
}

impl Fee {
    /// A fee that was stored, in minor units.
    ///
    /// # Errors
    /// [`FeeError::AboveTheAmount`], also where it is below zero.
    pub fn from_stored(minor: i64, of: Amount) -> Result<Self, FeeError> {
        u32::try_from(minor)
            .ok()
            .filter(|fee| *fee <= of.minor())
            .map(|minor| Self { minor, of })
            .ok_or(FeeError::AboveTheAmount { fee: minor, amount: of.ledger_units() })
    }

    /// Minor units, 0 to the amount.
    pub const fn minor(self) -> u32 {
        self.minor
    }

    /// The amount it was taken of.
    pub const fn of(self) -> Amount {
        self.of
    }

    /// What the ledger is to move from the merchant to the fee account; `None` where there is no fee.
    pub fn amount(self) -> Option<Amount> {
        // Only zero is refused: more than the amount it cannot be.
        Amount::new(i64::from(self.minor), self.of.currency()).ok()
    }

    /// What the merchant keeps, in minor units, never negative.
    pub const fn rest(self) -> i64 {
        self.of.ledger_units() - self.minor as i64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MerchantId, Order, OrderId, OrderState, Refundable, TransferId};
    use model::{CardId, PlaceId, UnixMillis};

    fn yuan(minor: i64) -> Amount {
        Amount::new(minor, Currency::CNY).unwrap()
    }

    fn rule(basis_points: u16, fixed: u32, minimum: u32, maximum: Option<u32>) -> FeeRule {
        FeeRule::new(Currency::CNY, basis_points, fixed).unwrap().within(minimum, maximum).unwrap()
    }

    #[test]
    fn the_edges_are_these() {
        for (rule, amount, fee) in [
            (rule(0, 0, 0, None), 2000, 0),
            (rule(60, 0, 0, None), 2000, 12),
            // 0.5 rounds up, 0.4999 down.
            (rule(50, 0, 0, None), 100, 1),
            (rule(49, 0, 0, None), 100, 0),
            (rule(1, 0, 0, None), 5_000, 1),
            (rule(1, 0, 0, None), 4_999, 0),
            (rule(60, 10, 0, None), 2000, 22),
            (rule(60, 0, 50, None), 2000, 50),
            (rule(60, 0, 0, Some(5)), 2000, 5),
            (rule(0, 0, 7, Some(7)), 2000, 7),
            // Never above the amount, whatever fixed part or minimum say.
            (rule(0, 30, 0, None), 20, 20),
            (rule(0, 0, 30, None), 1, 1),
            (rule(0, 0, 30, Some(40)), 1, 1),
            (rule(10_000, 0, 0, None), 2000, 2000),
            (rule(10_000, 1, 0, None), 2000, 2000),
            (rule(10_000, u32::MAX, u32::MAX, None), u32::MAX, u32::MAX),
            (rule(10_000, u32::MAX, 0, Some(u32::MAX)), 1, 1),
        ] {
            let taken = rule.fee(yuan(i64::from(amount))).unwrap();
            assert_eq!(taken.minor(), fee, "{rule:?} of {amount}");
            assert_eq!(taken.rest(), i64::from(amount) - i64::from(fee));
            assert_eq!(taken.amount().map_or(0, Amount::minor), fee);
        }
    }

    #[test]
    fn a_rule_that_contradicts_itself_is_not_made() {
        assert_eq!(FeeRule::new(Currency::CNY, 10_001, 0), Err(FeeError::TooManyBasisPoints(10_001)));
        assert_eq!(
            rule(0, 0, 0, None).within(8, Some(7)),
            Err(FeeError::MaximumBelowMinimum { minimum: 8, maximum: 7 })
        );
        let dollars = Amount::new(1, Currency::USD).unwrap();
        assert_eq!(
            rule(0, 0, 0, None).fee(dollars),
            Err(FeeError::OtherCurrency { rule: Currency::CNY, amount: Currency::USD })
        );
        for wrong in [-1, 2001] {
            assert_eq!(
                Fee::from_stored(wrong, yuan(2000)),
                Err(FeeError::AboveTheAmount { fee: wrong, amount: 2000 })
            );
        }
    }

    /// The same in decimal thinking: tenths of basis points of a minor unit, one addition at a time.
    fn model(basis_points: u16, fixed: u32, minimum: u32, maximum: Option<u32>, amount: u32) -> u128 {
        let exact = u128::from(amount) * u128::from(basis_points);
        let (whole, part) = (exact / 10_000, exact % 10_000);
        let mut fee = whole + u128::from(part >= 5_000) + u128::from(fixed);
        if fee < u128::from(minimum) {
            fee = u128::from(minimum);
        }
        if let Some(maximum) = maximum
            && fee > u128::from(maximum)
        {
            fee = u128::from(maximum);
        }
        if fee > u128::from(amount) { u128::from(amount) } else { fee }
    }

    fn next(random: &mut u64) -> u32 {
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let drawn = u32::try_from(*random >> 32).unwrap();
        // Small and great numbers alike.
        drawn >> (drawn % 32)
    }

    #[test]
    fn random_fees_are_the_models_within_the_amount_and_monotone() {
        let mut random = 3_u64;
        for _ in 0..20_000 {
            let basis_points = u16::try_from(next(&mut random) % 10_001).unwrap();
            let (fixed, minimum) = (next(&mut random), next(&mut random));
            let maximum =
                next(&mut random).is_multiple_of(2).then(|| minimum.saturating_add(next(&mut random)));
            let rule = rule(basis_points, fixed, minimum, maximum);
            let amount = next(&mut random).max(1);
            let fee = rule.fee(yuan(i64::from(amount))).unwrap().minor();
            assert_eq!(u128::from(fee), model(basis_points, fixed, minimum, maximum, amount));
            assert!(fee <= amount);
            for more in [amount.saturating_add(1), amount.saturating_add(next(&mut random))] {
                assert!(rule.fee(yuan(i64::from(more))).unwrap().minor() >= fee, "{rule:?} {amount} {more}");
            }
        }
    }

    fn paid(minor: i64, refunded: i64) -> Refundable {
        let order = Order {
            id: OrderId(1),
            merchant: MerchantId(1),
            card: CardId(1),
            amount: yuan(minor),
            place: PlaceId(1),
            presses: None,
            state: OrderState::Paid,
            reservation: TransferId(1),
            created_at: UnixMillis(0),
            expires_at: UnixMillis(1),
        };
        Refundable::of(&order, refunded).unwrap()
    }

    #[test]
    fn a_fee_is_kept_unless_the_rule_gives_it_back_and_then_whole_with_the_whole() {
        let rule = rule(60, 1, 0, None);
        let fee = rule.fee(yuan(2000)).unwrap();
        let whole = paid(2000, 0).refund_rest().unwrap();
        assert_eq!(rule.given_back(fee, &whole), Ok(None));
        let rule = rule.on_refund(FeeOnRefund::InProportion);
        assert_eq!(rule.given_back(fee, &whole), Ok(Some(yuan(13))));
        let other = rule.fee(yuan(1999)).unwrap();
        assert_eq!(rule.given_back(other, &whole), Err(FeeError::OtherPayment));
        let mut random = 5_u64;
        for _ in 0..500 {
            let amount = i64::from(next(&mut random).max(1));
            let fee = rule.fee(yuan(amount)).unwrap();
            let (mut refunded, mut back) = (0, 0);
            while refunded < amount {
                // At most some dozens of parts.
                let part = (amount / 16 + i64::from(next(&mut random) % 7) + 1).min(amount - refunded);
                let refund = paid(amount, refunded).refund(yuan(part)).unwrap();
                back += rule.given_back(fee, &refund).unwrap().map_or(0, Amount::ledger_units);
                refunded += part;
                assert!(back <= i64::from(fee.minor()));
            }
            assert_eq!(back, i64::from(fee.minor()));
        }
    }

    #[test]
    fn words_read_back() {
        for kept in FeeOnRefund::ALL {
            assert_eq!(FeeOnRefund::from_name(kept.name()), Some(kept));
        }
        assert_eq!(FeeOnRefund::default(), FeeOnRefund::Kept);
    }
}
