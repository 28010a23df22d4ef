//! Adjustments: money moved by two persons, with a reason. Two persons are two accounts, each of which has just proved itself.
//!
//! One operator proposes, another one approves, and it is posted in the same unit of work. What the ledger refuses then
//! stays approved: it can be posted later, or rejected. After seven days it expires. Next: [`payment::adjustment`].

use std::fmt;
use std::str::FromStr;

use ::operator::{AuditAction, OperatorName, Permission};
use model::{Amount, HolderReference, UnixMillis};
use payment::{
    AccountKind, Adjustment, AdjustmentError, AdjustmentEvent, AdjustmentId, AdjustmentState, LedgerError,
    Legs, MerchantId, Reason, TransferId,
};
use store::{AccountOwner, StoreError, StoredAdjustment, Unit};

use super::App;
use crate::operators::{Account, NotAllowed};

/// How many that wait are looked at together when their time may have run out.
const LAPSED_AT_ONCE: u32 = 100;

/// An account as a person names it: `mer_…`, `hld_…`, `fee`, `settlement` or `suspense`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountName {
    /// A merchant's.
    Merchant(MerchantId),
    /// A holder's.
    Holder(HolderReference),
    /// What the platform earned.
    Fee,
    /// The bank's side.
    Settlement,
    /// What nobody could assign yet.
    Suspense,
}

/// Why a text names no account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "an account is mer_ and 8 hexadecimal digits, hld_ and 16 hexadecimal digits, fee, settlement or suspense"
)]
pub struct AccountNameError;

impl AccountName {
    const fn kind(self) -> AccountKind {
        match self {
            Self::Merchant(_) => AccountKind::Merchant,
            Self::Holder(_) => AccountKind::Holder,
            Self::Fee => AccountKind::Fee,
            Self::Settlement => AccountKind::Settlement,
            Self::Suspense => AccountKind::Suspense,
        }
    }

    fn owner(self) -> i64 {
        match self {
            Self::Merchant(merchant) => i64::from(merchant.0),
            Self::Holder(holder) => holder.0.cast_signed(),
            Self::Fee | Self::Settlement | Self::Suspense => 0,
        }
    }

    /// The name of a stored account, if a person can name it.
    pub fn of(owner: AccountOwner) -> Option<Self> {
        Some(match owner.kind {
            AccountKind::Merchant => Self::Merchant(MerchantId(u32::try_from(owner.owner).ok()?)),
            AccountKind::Holder => Self::Holder(HolderReference(owner.owner.cast_unsigned())),
            AccountKind::Fee => Self::Fee,
            AccountKind::Settlement => Self::Settlement,
            AccountKind::Suspense => Self::Suspense,
            AccountKind::LoadFloat => return None,
        })
    }
}

impl fmt::Display for AccountName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Merchant(merchant) => fmt::Display::fmt(merchant, f),
            Self::Holder(holder) => fmt::Display::fmt(holder, f),
            Self::Fee | Self::Settlement | Self::Suspense => f.write_str(self.kind().name()),
        }
    }
}

impl FromStr for AccountName {
    type Err = AccountNameError;
    fn from_str(text: &str) -> Result<Self, AccountNameError> {
        match text {
            "fee" => return Ok(Self::Fee),
            "settlement" => return Ok(Self::Settlement),
            "suspense" => return Ok(Self::Suspense),
            _ => {}
        }
        if let Some(digits) = text.strip_prefix("mer_") {
            let whole = digits.len() == 8 && digits.bytes().all(|b| b.is_ascii_hexdigit());
            let number = u32::from_str_radix(digits, 16).ok().filter(|_| whole);
            return number.map(|number| Self::Merchant(MerchantId(number))).ok_or(AccountNameError);
        }
        text.parse().map(Self::Holder).map_err(|_| AccountNameError)
    }
}

/// What is proposed.
#[derive(Clone, Debug)]
pub struct NewAdjustment {
    /// The account it leaves.
    pub from: AccountName,
    /// The account it goes to.
    pub to: AccountName,
    /// How much.
    pub amount: Amount,
    /// Why.
    pub reason: Reason,
}

/// Why an adjustment does not go on. Nothing has changed then.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdjustError {
    /// No such adjustment.
    #[error("there is no adjustment {0}; `counterfoil adjust list` names those that wait")]
    NoSuchAdjustment(AdjustmentId),
    /// Nobody's account.
    #[error("there is no {0}")]
    NobodysAccount(AccountName),
    /// From an account to itself.
    #[error("an adjustment needs two accounts")]
    SameAccount,
    /// The same person twice.
    #[error("{0} proposed it: another operator must approve it")]
    SamePerson(OperatorName),
    /// The account's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Another rule of adjustments.
    #[error(transparent)]
    Refused(#[from] AdjustmentError),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What became of an approved adjustment.
#[derive(Debug, PartialEq, Eq)]
pub struct Approved {
    /// As it is kept.
    pub stored: StoredAdjustment,
    /// Why the ledger refuses it, where it does: it is approved, and not posted.
    pub refused: Option<LedgerError>,
}

impl Approved {
    /// The word for the audit log.
    const fn outcome(&self) -> &'static str {
        if self.refused.is_none() { "done" } else { "not_posted" }
    }
}

impl App {
    /// Proposes an adjustment.
    pub async fn propose_adjustment(
        &self,
        new: NewAdjustment,
        account: Account,
    ) -> Result<StoredAdjustment, AdjustError> {
        account.may(Permission::AdjustMoney)?;
        let now = self.now();
        let id = AdjustmentId::from_time_and_random(now, self.random());
        self.write::<_, AdjustError>(move |unit| {
            lapse(unit, now)?;
            let from = opened(unit, new.from, new.amount)?;
            let to = opened(unit, new.to, new.amount)?;
            let legs = Legs::new(from, to, new.amount).map_err(|_| AdjustError::SameAccount)?;
            let by = unit.operator_named(account.name().as_str())?;
            let adjustment = Adjustment::propose(id, by, now, new.reason.clone(), legs);
            let stored = StoredAdjustment { adjustment, transfer: None, updated_at: now };
            unit.add_adjustment(&stored)?;
            let what =
                format!("{id} {} {} from {} to {}", new.amount, new.amount.currency(), new.from, new.to);
            account.actor().enter(unit, now, AuditAction::AdjustPropose, &what, "done")?;
            Ok(stored)
        })
        .await
    }

    /// A second operator approves it, and it is posted if the ledger allows.
    pub async fn approve_adjustment(
        &self,
        id: AdjustmentId,
        account: Account,
    ) -> Result<Approved, AdjustError> {
        account.may(Permission::AdjustMoney)?;
        let now = self.now();
        let transfer = TransferId(self.random_by_time(now));
        self.write::<_, AdjustError>(move |unit| {
            let mut stored = unit.adjustment(id)?.ok_or(AdjustError::NoSuchAdjustment(id))?;
            let by = unit.operator_named(account.name().as_str())?;
            stored.adjustment.apply(AdjustmentEvent::Approve { by }, now).map_err(|error| match error {
                AdjustmentError::SamePerson(_) => AdjustError::SamePerson(account.name().clone()),
                other => AdjustError::Refused(other),
            })?;
            let approved = post(unit, stored, transfer, now)?;
            account.actor().enter(
                unit,
                now,
                AuditAction::AdjustApprove,
                &id.to_string(),
                approved.outcome(),
            )?;
            Ok(approved)
        })
        .await
    }

    /// Posts one that is approved and that the ledger refused before.
    pub async fn post_adjustment(&self, id: AdjustmentId, account: Account) -> Result<Approved, AdjustError> {
        account.may(Permission::AdjustMoney)?;
        let now = self.now();
        let transfer = TransferId(self.random_by_time(now));
        self.write::<_, AdjustError>(move |unit| {
            let stored = unit.adjustment(id)?.ok_or(AdjustError::NoSuchAdjustment(id))?;
            let approved = post(unit, stored, transfer, now)?;
            account.actor().enter(unit, now, AuditAction::AdjustPost, &id.to_string(), approved.outcome())?;
            Ok(approved)
        })
        .await
    }

    /// Anybody says no; the proposer takes it back so.
    pub async fn reject_adjustment(
        &self,
        id: AdjustmentId,
        account: Account,
    ) -> Result<StoredAdjustment, AdjustError> {
        account.may(Permission::AdjustMoney)?;
        let now = self.now();
        self.write::<_, AdjustError>(move |unit| {
            let mut stored = unit.adjustment(id)?.ok_or(AdjustError::NoSuchAdjustment(id))?;
            let by = unit.operator_named(account.name().as_str())?;
            stored.adjustment.apply(AdjustmentEvent::Reject { by }, now)?;
            stored.updated_at = now;
            unit.put_adjustment(&stored)?;
            account.actor().enter(unit, now, AuditAction::AdjustReject, &id.to_string(), "done")?;
            Ok(stored)
        })
        .await
    }

    /// Ends what waited for more than seven days; how many.
    pub async fn lapse_adjustments(&self) -> Result<usize, StoreError> {
        let now = self.now();
        self.write::<_, StoreError>(move |unit| lapse(unit, now)).await
    }
}

/// The account of a name, opened if its owner is there.
fn opened(unit: &mut dyn Unit, name: AccountName, amount: Amount) -> Result<payment::AccountId, AdjustError> {
    let there = match name {
        AccountName::Merchant(merchant) => unit.merchant(merchant)?.is_some(),
        AccountName::Holder(holder) => unit.holder(holder)?.is_some(),
        AccountName::Fee | AccountName::Settlement | AccountName::Suspense => true,
    };
    if !there {
        return Err(AdjustError::NobodysAccount(name));
    }
    Ok(unit.account_opened(name.kind(), name.owner(), amount.currency())?.id)
}

fn post(
    unit: &mut dyn Unit,
    mut stored: StoredAdjustment,
    transfer: TransferId,
    now: UnixMillis,
) -> Result<Approved, AdjustError> {
    let legs = stored.adjustment.legs();
    let missing = || StoreError::Malformed("an adjustment without its account");
    let mut from = unit.account(legs.from())?.ok_or_else(missing)?;
    let mut to = unit.account(legs.to())?.ok_or_else(missing)?;
    stored.updated_at = now;
    let refused = match stored.adjustment.post(transfer, now, &mut from, &mut to) {
        Ok(posted) => {
            unit.add_posted_transfer(&posted, "adjustment", Some(stored.adjustment.id().0), now)?;
            unit.put_account(&from)?;
            unit.put_account(&to)?;
            stored.transfer = Some(transfer);
            None
        }
        Err(AdjustmentError::Ledger(error)) => Some(error),
        Err(error) => return Err(error.into()),
    };
    unit.put_adjustment(&stored)?;
    Ok(Approved { stored, refused })
}

fn lapse(unit: &mut dyn Unit, now: UnixMillis) -> Result<usize, StoreError> {
    let (mut lapsed, mut before) = (0, None);
    loop {
        let waiting = unit.adjustments_before(true, before, LAPSED_AT_ONCE)?;
        let Some(last) = waiting.last() else { return Ok(lapsed) };
        before = Some(last.adjustment.id());
        for mut stored in waiting {
            if stored.adjustment.apply(AdjustmentEvent::Lapsed, now) == Ok(AdjustmentState::Expired) {
                stored.updated_at = now;
                unit.put_adjustment(&stored)?;
                lapsed += 1;
            }
        }
    }
}
