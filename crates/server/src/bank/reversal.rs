//! Reversals: what a card was credited with, given back by two persons.
//!
//! One asks with a reason and says why the card will not spend the value; another one approves, and in the same unit of work
//! the load is reversed, its card withdrawn, the money the holder's again, and all of it entered in the audit log. `kill -9`
//! leaves all of it or nothing, and a repeated approval finds that it is done. Next: [`payment::reversal`] for the rules.

use model::UnixMillis;
use operator::{AuditAction, OperatorName, Permission};
use payment::{
    CardNow, Ground, LoadId, Reversal, ReversalError, ReversalEvent, ReversalId, ReversalState, ReversalWish,
    TransferId,
};
use store::{StoreError, StoredLoad, StoredReversal, Unit, Wallet, WalletState};

use super::Bank;
use super::settle::with_line;
use crate::operators::{Account, NotAllowed};

/// How many that wait are looked at together when their time may have run out.
const LAPSED_AT_ONCE: u32 = 100;
/// What the transfer is called in the ledger.
const PURPOSE: &str = "load_reversal";

/// Why a load is not given back. Nothing has changed then.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReverseError {
    /// No such load.
    #[error("there is no load with this id")]
    NoSuchLoad,
    /// No such reversal.
    #[error("there is no reversal {0}; `counterfoil bank reversal list` names those that wait")]
    NoSuchReversal(ReversalId),
    /// Somebody asked already.
    #[error("{0} is asked for already and waits: approve or reject that one")]
    AlreadyAsked(ReversalId),
    /// The same person twice.
    #[error("{0} asked for it: another operator must approve it")]
    SamePerson(OperatorName),
    /// The account's role.
    #[error(transparent)]
    NotAllowed(#[from] NotAllowed),
    /// Another rule of reversals.
    #[error(transparent)]
    Refused(#[from] ReversalError),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl ReverseError {
    /// The stable code.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoSuchLoad => "no_such_load",
            Self::NoSuchReversal(_) => "no_such_reversal",
            Self::AlreadyAsked(_) => "reversal_already_asked",
            Self::SamePerson(_) => "reversal_same_person",
            Self::NotAllowed(error) => error.code(),
            Self::Refused(error) => error.code(),
            Self::Store(error) => error.code(),
        }
    }
}

impl Bank {
    /// An operator asks that a load is given back. The card is frozen already, and has no unfinished load.
    ///
    /// # Errors
    /// The rule that is broken; nothing is kept then.
    pub async fn ask_reversal(
        &self,
        account: Account,
        load: LoadId,
        wish: ReversalWish,
    ) -> Result<StoredReversal, ReverseError> {
        account.may(Permission::ReverseLoads)?;
        let app = &self.inner.app;
        let now = app.now();
        let id = ReversalId::from_time_and_random(now, app.random());
        app.write::<_, ReverseError>(move |unit| {
            lapse(unit, now)?;
            let stored = unit.load(load)?.ok_or(ReverseError::NoSuchLoad)?;
            let (card, _) = standing(unit, &stored)?;
            let by = unit.operator_named(account.name().as_str())?;
            let of = (&stored.load, stored.proven.is_some());
            let reversal = Reversal::ask(id, (by, now), wish.clone(), of, card)?;
            let waits = unit.reversals_of(load, 1)?;
            if let Some(waits) = waits.first().filter(|it| it.reversal.state() == ReversalState::Asked) {
                return Err(ReverseError::AlreadyAsked(waits.reversal.id()));
            }
            let asked = StoredReversal { reversal, transfer: None, updated_at: now };
            unit.add_reversal(&asked)?;
            account.actor().enter(unit, now, AuditAction::ReversalAsk, &told(id, load, &wish), "done")?;
            Ok(asked)
        })
        .await
    }

    /// A second operator approves it: the load is reversed, its card withdrawn, and the money the holder's again.
    ///
    /// # Errors
    /// The rule that is broken; nothing has changed then.
    pub async fn approve_reversal(
        &self,
        account: Account,
        id: ReversalId,
    ) -> Result<StoredReversal, ReverseError> {
        account.may(Permission::ReverseLoads)?;
        let app = &self.inner.app;
        let now = app.now();
        let transfer = TransferId(app.random_by_time(now));
        app.write::<_, ReverseError>(move |unit| {
            let mut asked = unit.reversal(id)?.ok_or(ReverseError::NoSuchReversal(id))?;
            let mut stored = unit.load(asked.reversal.load())?.ok_or(ReverseError::NoSuchLoad)?;
            let (card, wallet) = standing(unit, &stored)?;
            let by = unit.operator_named(account.name().as_str())?;
            // Back the way it came: out of the account that the load went to, into the one that paid it.
            let paid = unit.transfer(stored.load.transfer)?;
            let paid = paid.ok_or(StoreError::Malformed("a load without its transfer"))?;
            let missing = StoreError::Malformed("a transfer without its account");
            let mut from = unit.account(paid.to)?.ok_or(missing.clone())?;
            let mut to = unit.account(paid.from)?.ok_or(missing)?;
            let of = (&mut stored.load, stored.proven.is_some());
            let posted = asked.reversal.approve((by, now), of, card, transfer, &mut from, &mut to).map_err(
                |error| match error {
                    ReversalError::SamePerson(_) => ReverseError::SamePerson(account.name().clone()),
                    other => ReverseError::Refused(other),
                },
            )?;
            unit.add_posted_transfer(&posted, PURPOSE, Some(stored.load.id.0), now)?;
            unit.put_account(&from)?;
            unit.put_account(&to)?;
            (asked.transfer, asked.updated_at) = (Some(transfer), now);
            unit.put_reversal(&asked)?;
            let wish = asked.reversal.wish().clone();
            let line = format!("{id} {}: {}", wish.ground.name(), wish.reason.as_str());
            stored.note = Some(with_line(stored.note.take(), line));
            stored.updated_at = now;
            unit.reverse_load(&stored)?;
            unit.put_wallet(&Wallet { state: WalletState::Withdrawn, ..wallet })?;
            let what = told(id, stored.load.id, &wish);
            account.actor().enter(unit, now, AuditAction::ReversalApprove, &what, "done")?;
            Ok(asked)
        })
        .await
    }

    /// Anybody who may says no; whoever asked takes it back so.
    ///
    /// # Errors
    /// The rule that is broken; nothing has changed then.
    pub async fn reject_reversal(
        &self,
        account: Account,
        id: ReversalId,
    ) -> Result<StoredReversal, ReverseError> {
        account.may(Permission::ReverseLoads)?;
        let now = self.inner.app.now();
        self.inner
            .app
            .write::<_, ReverseError>(move |unit| {
                let mut asked = unit.reversal(id)?.ok_or(ReverseError::NoSuchReversal(id))?;
                let by = unit.operator_named(account.name().as_str())?;
                asked.reversal.apply(ReversalEvent::Reject { by }, now)?;
                asked.updated_at = now;
                unit.put_reversal(&asked)?;
                account.actor().enter(unit, now, AuditAction::ReversalReject, &id.to_string(), "done")?;
                Ok(asked)
            })
            .await
    }

    /// Ends what waited for more than seven days; how many.
    pub async fn lapse_reversals(&self) -> Result<usize, StoreError> {
        let now = self.inner.app.now();
        self.inner.app.write::<_, StoreError>(move |unit| lapse(unit, now)).await
    }
}

/// How a load's card stands now.
fn standing(unit: &mut dyn Unit, stored: &StoredLoad) -> Result<(CardNow, Wallet), StoreError> {
    let asn = stored.load.asn;
    let wallet = unit.wallet(asn)?.ok_or(StoreError::Malformed("a load without its card"))?;
    let card = CardNow {
        may_be_loaded: wallet.state.may_be_loaded(),
        has_unfinished: unit.unfinished_load(asn)?.is_some(),
        given_back: unit.given_back_of(asn)?,
    };
    Ok((card, wallet))
}

/// A reversal in the audit log.
fn told(id: ReversalId, load: LoadId, wish: &ReversalWish) -> String {
    let held = match wish.ground {
        Ground::InHand { held } | Ground::Blacklisted { held } => format!(" holding {held}"),
        Ground::NotWritten => String::new(),
    };
    format!("{id} of {load}: {} CNY, {}{held}", wish.amount, wish.ground.name())
}

fn lapse(unit: &mut dyn Unit, now: UnixMillis) -> Result<usize, StoreError> {
    let (mut lapsed, mut before) = (0, None);
    loop {
        let waiting = unit.reversals_before(true, before, LAPSED_AT_ONCE)?;
        let Some(last) = waiting.last() else { return Ok(lapsed) };
        before = Some(last.reversal.id());
        for mut stored in waiting {
            if stored.reversal.apply(ReversalEvent::Lapsed, now) == Ok(ReversalState::Expired) {
                stored.updated_at = now;
                unit.put_reversal(&stored)?;
                lapsed += 1;
            }
        }
    }
}
