//! Load, the one round trip in the field: check what the card says, set the money aside, keep the attempt, and
//! only then let MAC2 leave.

use crypto::{KeyStoreError, LoadRequest, PurseCode, PurseKind};
use model::{Asn, Currency, Fen, IndustryCode, PurseTime};
use packs::Product;
use payment::{Account, AccountKind, LedgerError, Load, LoadId, LoadState, PendingTransfer, TransferId};
use store::{LoadAttempt, StoredLoad, TapAuthorization, Unit, Wallet, WalletState};
use tap::{
    Body, CardReading, Command, CommandList, InitializeAnswer, Outcome, PublicData, Reference, StatusWord,
    Transaction, apdu,
};

use super::Bank;
use super::authorize::over_day_limit;
use super::envelope::{Asker, Refused};
use super::reply::{Answered, contradiction, end};

/// The list that asks what became of a load.
pub(super) const LIST_PROBE: u8 = 1;
/// The list that credits the card.
pub(super) const LIST_CREDIT: u8 = 2;
/// The list that reads the card's log, for the console.
pub(super) const LIST_LOG: u8 = 3;

/// Alarm: a card's MAC1 is wrong.
pub(super) const MAC1_WRONG: &str = "mac1_wrong";
/// Alarm: a card's TAC is wrong.
pub(super) const TAC_WRONG: &str = "tac_wrong";
/// Alarm: a card's counter is further than all the loads that the bank knows.
const COUNTER_AHEAD: &str = "counter_ahead";
/// Alarm: a card proves that it holds a load that was given back to its holder.
pub(super) const RETURNED_LOAD_ON_CARD: &str = "returned_load_on_card";
/// Alarm: a card did not accept a MAC2.
pub(super) const MAC2_REFUSED: &str = "mac2_refused";

/// The purse's side of one attempt to write a load.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) request: LoadRequest,
    pub(super) when: PurseTime,
    pub(super) mac2: PurseCode,
}

impl Offer {
    pub(super) fn attempt(&self, load: LoadId, number: u16) -> LoadAttempt {
        LoadAttempt {
            load,
            number,
            terminal: self.request.terminal,
            random: self.request.random,
            balance: self.request.balance,
            when: self.when,
            mac2: self.mac2,
        }
    }
}

/// The list that credits the card with an attempt that is stored.
pub(super) fn credit(attempt: &LoadAttempt) -> Body {
    Body::Commands(CommandList {
        reference: Reference(attempt.load.0.to_be_bytes()),
        list: LIST_CREDIT,
        commands: vec![Command {
            apdu: apdu::credit_for_load(attempt.when, attempt.mac2),
            allowed: vec![StatusWord::DONE],
        }],
    })
}

/// A request that came with a card in the field.
struct Asked {
    asker: Asker,
    industry: IndustryCode,
    reading: CardReading,
    amount: Fen,
    /// `None` where MAC1 is wrong.
    offer: Option<Offer>,
    initialized: InitializeAnswer,
    product: Product,
    load: LoadId,
    transfer: TransferId,
}

impl Bank {
    /// Checks MAC1 (`None` where it is wrong) and makes MAC2, outside of any unit of work: nothing of it leaves before it is kept.
    pub(super) fn offer(
        &self,
        product: &Product,
        request: LoadRequest,
        reading_asn: Asn,
        mac1: PurseCode,
        when: PurseTime,
    ) -> Result<Option<Offer>, Refused> {
        match self.inner.keys.verify_load_request(product.keys.load, reading_asn, &request, mac1) {
            Ok(()) => {}
            Err(KeyStoreError::WrongCode) => return Ok(None),
            Err(trouble) => return Err(trouble.into()),
        }
        let mac2 = self.inner.keys.load_order_code(product.keys.load, reading_asn, &request, when)?;
        Ok(Some(Offer { request, when, mac2 }))
    }

    /// Load: what was read from the card, answered with CREDIT FOR LOAD.
    pub(super) async fn load(&self, asker: Asker, industry: IndustryCode, reading: CardReading) -> Answered {
        let Some(product) = self.product(industry) else {
            return self.refuse(asker, Outcome::UnknownIndustry).await;
        };
        let (Some(initialized), Some(amount)) = (reading.initialized, reading.amount) else {
            return self.refuse(asker, Outcome::Malformed).await;
        };
        let request = initialized.request(amount, PurseKind::PurseLoad, reading.terminal);
        let when = PurseTime::at(asker.now);
        let offer = self.offer(&product, request, reading.asn, initialized.mac1, when)?;
        let app = &self.inner.app;
        let asked = Asked {
            asker,
            industry,
            amount,
            offer,
            initialized,
            product,
            load: LoadId(app.random_by_time(asker.now)),
            transfer: TransferId(app.random_by_time(asker.now)),
            reading,
        };
        app.write(move |unit| asked.decide(unit)).await
    }
}

impl Asked {
    fn decide(&self, unit: &mut dyn Unit) -> Answered {
        self.asker.take_turn(unit)?;
        match check_issuer(&self.reading, &self.product) {
            Err(outcome) => return Ok(end(outcome)),
            Ok(data) if says_over(&data, self.asker) => return Ok(end(Outcome::CardExpired)),
            Ok(_) => {}
        }
        let Some(mut wallet) = unit.wallet(self.reading.asn)? else { return Ok(end(Outcome::UnknownCard)) };
        if let Some(outcome) = may_load(&wallet, &self.product, self.asker) {
            return Ok(end(outcome));
        }
        let Some(offer) = self.offer else {
            alarm(unit, MAC1_WRONG, wallet.asn, self.asker)?;
            return Ok(end(Outcome::Mac1Wrong));
        };
        let authorization = match self.authorization(unit)? {
            Ok(authorization) => authorization,
            Err(outcome) => return Ok(end(outcome)),
        };
        // The same answer of the card again: its first answer was lost on the way, and is given again.
        if let Some(known) = unit.load_of(wallet.asn, self.initialized.counter)? {
            return Ok(self.again(unit, &known, &offer)?.unwrap_or(end(match known.load.state {
                LoadState::Open | LoadState::InDoubt => Outcome::OpenLoad,
                // One that was given back is not found: its card may be loaded again where it stands.
                LoadState::Closed
                | LoadState::SettledCredited
                | LoadState::SettledReturned
                | LoadState::Reversed => Outcome::StaleCounter,
            })));
        }
        if authorization.used_by.is_some() {
            return Ok(end(Outcome::AuthorizationRefused));
        }
        if unit.unfinished_load(wallet.asn)?.is_some() {
            return Ok(end(Outcome::OpenLoad));
        }
        if self.initialized.counter < wallet.counter {
            return Ok(end(Outcome::StaleCounter));
        }
        if self.initialized.counter.next().is_none() {
            return Ok(end(Outcome::CounterEnd));
        }
        let after = self.initialized.balance.plus(self.amount);
        if after.is_none_or(|after| after > self.product.balance_max) {
            return Ok(end(Outcome::BalanceOverLimit));
        }
        if over_day_limit(unit, &self.product, wallet.asn, self.amount, self.asker)? {
            return Ok(end(Outcome::DayLimit));
        }
        let bank_card = unit
            .bank_card(&wallet.bank_card)?
            .ok_or_else(|| contradiction("a wallet without a bank card"))?;
        if bank_card.frozen {
            return Ok(end(Outcome::AccountFrozen));
        }
        let Some(pending) = self.set_aside(unit, bank_card.holder)? else {
            return Ok(end(Outcome::InsufficientFunds));
        };
        let load = StoredLoad {
            load: Load {
                id: self.load,
                asn: wallet.asn,
                counter: self.initialized.counter,
                industry: self.industry,
                amount: self.amount,
                transfer: pending.id(),
                state: LoadState::Open,
                created_at: self.asker.now,
            },
            holder: bank_card.holder,
            authorization: authorization.reference,
            terminal: self.reading.terminal,
            updated_at: self.asker.now,
            note: None,
            evidence: Vec::new(),
            proven: None,
        };
        let attempt = offer.attempt(self.load, 1);
        unit.add_load(&load)?;
        unit.add_attempt(&attempt)?;
        unit.put_tap_authorization(&TapAuthorization { used_by: Some(self.load), ..authorization })?;
        if wallet.counter != self.initialized.counter {
            // The card took a load that the bank does not know, or gave back.
            alarm(unit, COUNTER_AHEAD, wallet.asn, self.asker)?;
            wallet.counter = self.initialized.counter;
            unit.put_wallet(&wallet)?;
        }
        Ok(credit(&attempt))
    }

    /// The authorization, if it is for this terminal, card and amount, and in time.
    fn authorization(&self, unit: &dyn Unit) -> Result<Result<TapAuthorization, Outcome>, Refused> {
        let Some(reference) = self.reading.authorization else {
            return Ok(Err(Outcome::AuthorizationRefused));
        };
        let Some(authorization) = unit.tap_authorization(reference.0)? else {
            return Ok(Err(Outcome::AuthorizationExpired));
        };
        let asked = (self.asker.terminal, self.reading.asn, Some(self.amount), Transaction::Load.number());
        let given =
            (authorization.terminal, authorization.asn, authorization.amount, authorization.transaction);
        // The card has put the terminal's number into its MAC1: it must be the one that asks.
        if asked != given || self.reading.terminal != self.asker.terminal {
            return Ok(Err(Outcome::AuthorizationRefused));
        }
        if self.asker.now >= authorization.expires_at && authorization.used_by.is_none() {
            return Ok(Err(Outcome::AuthorizationExpired));
        }
        Ok(Ok(authorization))
    }

    /// The stored attempt again, where the card's answer is byte for byte the one that it was made for. A MAC2
    /// is good for one activation of the card, so that giving it twice credits once.
    fn again(&self, unit: &dyn Unit, known: &StoredLoad, offer: &Offer) -> Result<Option<Body>, Refused> {
        if known.load.state != LoadState::Open || known.load.amount != self.amount {
            return Ok(None);
        }
        Ok(same_activation(unit, known.load.id, offer)?.map(|attempt| credit(&attempt)))
    }

    /// Sets the money aside; `None` where the account does not have it.
    fn set_aside(
        &self,
        unit: &mut dyn Unit,
        holder: model::HolderReference,
    ) -> Result<Option<PendingTransfer>, Refused> {
        let amount = self.amount.amount().map_err(|_| contradiction("a load of nothing"))?;
        let owner = holder.0.cast_signed();
        let Some(mut from) = unit.account_of(AccountKind::Holder, owner, Currency::CNY)? else {
            return Ok(None);
        };
        let float = i64::from(self.industry.number());
        let mut to: Account = match unit.account_of(AccountKind::LoadFloat, float, Currency::CNY)? {
            Some(account) => account,
            None => unit.account_opened(AccountKind::LoadFloat, float, Currency::CNY)?,
        };
        let pending = match PendingTransfer::reserve(self.transfer, amount, &mut from, &mut to) {
            Ok(pending) => pending,
            Err(LedgerError::InsufficientFunds) => return Ok(None),
            Err(error) => {
                tracing::error!(%error, "the ledger refused a load");
                return Err(contradiction("accounts that cannot hold a load"));
            }
        };
        unit.add_transfer(&pending, "load", self.asker.now)?;
        unit.put_account(&from)?;
        unit.put_account(&to)?;
        Ok(Some(pending))
    }
}

/// The newest attempt, where it was made for this very activation of the card.
pub(super) fn same_activation(
    unit: &dyn Unit,
    load: LoadId,
    offer: &Offer,
) -> Result<Option<LoadAttempt>, Refused> {
    let newest = unit.attempts(load)?.into_iter().next();
    let request = &offer.request;
    Ok(newest.filter(|attempt| {
        (attempt.random, attempt.balance, attempt.terminal)
            == (request.random, request.balance, request.terminal)
    }))
}

/// Whether file 0015 is of this product. It is not proven: it only spares a tap that must fail.
pub(super) fn check_issuer(reading: &CardReading, product: &Product) -> Result<PublicData, Outcome> {
    let data = PublicData::parse(&reading.public_data).map_err(|_| Outcome::Malformed)?;
    if data.asn != reading.asn {
        return Err(Outcome::Malformed);
    }
    if data.issuer == product.issuer { Ok(data) } else { Err(Outcome::ForeignCard) }
}

/// Whether a card's time is over, by its own file; what the bank itself knows is [`is_over`].
pub(super) fn says_over(data: &PublicData, asker: Asker) -> bool {
    data.is_activated() && data.end_date < PurseTime::at(asker.now).date()
}

/// Whether a card's time is over by the bank's own rows, whatever file 0015 was read to say.
fn is_over(wallet: &Wallet, product: &Product, asker: Asker) -> bool {
    let end = wallet.activated_at.map(|at| PurseTime::at(at).date_years_later(product.validity_years));
    end.is_some_and(|end| end < PurseTime::at(asker.now).date())
}

/// Whether a wallet card may be loaded at all.
fn may_load(wallet: &Wallet, product: &Product, asker: Asker) -> Option<Outcome> {
    if wallet.industry != product.code {
        return Some(Outcome::ForeignCard);
    }
    match wallet.state {
        WalletState::Active if is_over(wallet, product, asker) => Some(Outcome::CardExpired),
        WalletState::Active => None,
        WalletState::Issued => Some(Outcome::NotActivated),
        WalletState::Frozen | WalletState::Withdrawn => Some(Outcome::CardFrozen),
    }
}

/// How long an alarm is not told again of the same card at the same terminal.
const ALARM_PAUSE_MILLIS: i64 = 3_600 * 1_000;

/// Tells the issuer which card and which terminal; the same at most once an hour.
pub(super) fn alarm(unit: &mut dyn Unit, kind: &str, asn: Asn, asker: Asker) -> Result<(), Refused> {
    let subject = format!("{asn} at {}", asker.terminal);
    if unit.has_alarm_since(kind, &subject, asker.now.plus(-ALARM_PAUSE_MILLIS))? {
        return Ok(());
    }
    let subject = Some(subject);
    Ok(unit.add_alarm(&store::Alarm { card: None, subject, kind: kind.into(), at: asker.now })?)
}
