//! What a purse is asked to do.

/// Transaction type identifier of JR/T 0025.1; it enters every MAC and TAC and every record of a card's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum PurseKind {
    /// Load of the electronic deposit.
    DepositLoad = 1,
    /// Load of the electronic purse (圈存).
    PurseLoad = 2,
    /// Unload (圈提).
    Unload = 3,
    /// Cash from the electronic deposit.
    DepositWithdrawal = 4,
    /// Purchase from the electronic deposit.
    DepositPurchase = 5,
    /// Purchase from the electronic purse.
    PursePurchase = 6,
    /// Change of the overdraft limit.
    OverdraftLimit = 7,
    /// Purchase on credit.
    CreditPurchase = 8,
    /// Compound purchase.
    CompoundPurchase = 9,
}

impl PurseKind {
    /// The kind of a number; `None` where the standard has none.
    pub const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::DepositLoad),
            2 => Some(Self::PurseLoad),
            3 => Some(Self::Unload),
            4 => Some(Self::DepositWithdrawal),
            5 => Some(Self::DepositPurchase),
            6 => Some(Self::PursePurchase),
            7 => Some(Self::OverdraftLimit),
            8 => Some(Self::CreditPurchase),
            9 => Some(Self::CompoundPurchase),
            _ => None,
        }
    }

    /// The number as cards write it.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_the_kinds_of_the_standard() {
        for number in 1..=9 {
            assert_eq!(PurseKind::from_number(number).map(PurseKind::number), Some(number));
        }
        assert_eq!([0, 10, 255].map(PurseKind::from_number), [None; 3]);
    }
}
