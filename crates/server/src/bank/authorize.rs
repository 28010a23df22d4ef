//! Before the card is in the field: SMS code, PIN, limits and funds. What is right becomes an authorization
//! that waits for its card.

use crypto::{KeyStoreError, TerminalKeyReference};
use model::{Asn, Fen, IndustryCode};
use packs::Product;
use payment::AccountKind;
use store::{BankCard, SmsCode, SmsState, TapAuthorization, Unit, Wallet, WalletState};
use tap::{Authorize, Authorized, Body, Outcome, Reference, SmsAnswer, Transaction};

use super::envelope::{Asker, Refused};
use super::reply::{Answered, contradiction, end, end_with_tries};
use super::sms_code;
use super::{Bank, BankRules};

/// Whether the PIN in a block is the bank card's. The key store said so; the PIN itself was never here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum PinVerdict {
    Right,
    Wrong,
}

/// A request for an authorization with what was found out before the unit of work.
struct Asked {
    asker: Asker,
    transaction: Transaction,
    industry: IndustryCode,
    asn: Asn,
    amount: Option<Fen>,
    sms: Option<SmsAnswer>,
    pin: PinVerdict,
    product: Product,
    reference: Reference,
    rules: BankRules,
}

impl Bank {
    /// Load and activation: what the holder gave, checked.
    pub(super) async fn authorize(
        &self,
        asker: Asker,
        industry: IndustryCode,
        transaction: Transaction,
        request: Authorize,
    ) -> Answered {
        let Some(product) = self.product(industry) else {
            return self.refuse(asker, Outcome::UnknownIndustry).await;
        };
        let asn = request.asn;
        let known = self.inner.app.store().peek(|rows| {
            let Some(wallet) = rows.wallet(asn)? else { return Ok(None) };
            let bank_card = rows.bank_card(&wallet.bank_card)?;
            Ok(bank_card.map(|bank_card| (wallet, bank_card)))
        })?;
        let Some((_, bank_card)) = known else { return self.refuse(asker, Outcome::UnknownCard).await };
        let pin = self.verdict(asker, &request, &bank_card)?;
        let asked = Asked {
            asker,
            transaction,
            industry,
            asn,
            amount: request.amount,
            sms: request.sms,
            pin,
            product,
            reference: Reference(self.inner.app.random_by_time(asker.now).to_be_bytes()),
            rules: self.inner.rules.clone(),
        };
        self.inner.app.write(move |unit| asked.decide(unit)).await
    }

    /// Keeps nothing but the turn, and ends by an outcome.
    pub(super) async fn refuse(&self, asker: Asker, outcome: Outcome) -> Answered {
        self.inner
            .app
            .write::<_, Refused>(move |unit| {
                asker.take_turn(unit)?;
                Ok(end(outcome))
            })
            .await
    }

    fn verdict(
        &self,
        asker: Asker,
        request: &Authorize,
        bank_card: &BankCard,
    ) -> Result<PinVerdict, Refused> {
        let key = TerminalKeyReference {
            root: self.inner.names.terminal_root,
            terminal: asker.terminal,
            master_version: 0,
            key_id: asker.key_id,
            // A PIN block is AES whatever the envelope's suite is.
            suite: crypto::TerminalSuite::Aes128Gcm,
        };
        let verification = self.inner.names.pin_verification;
        let checked = self.inner.keys.verify_pin(
            &key,
            &request.pin,
            request.asn,
            verification,
            &bank_card.number,
            &bank_card.pin_reference,
        );
        match checked {
            Ok(()) => Ok(PinVerdict::Right),
            Err(KeyStoreError::WrongCode) => Ok(PinVerdict::Wrong),
            Err(trouble) => Err(trouble.into()),
        }
    }
}

impl Asked {
    /// In this order: the card, the account, the code, the PIN, the amount. A later secret is not looked at
    /// while an earlier one is wrong.
    fn decide(&self, unit: &mut dyn Unit) -> Answered {
        self.asker.take_turn(unit)?;
        let wallet = unit.wallet(self.asn)?.ok_or_else(|| contradiction("a wallet that went away"))?;
        let mut bank_card = unit
            .bank_card(&wallet.bank_card)?
            .ok_or_else(|| contradiction("a wallet without a bank card"))?;
        if let Some(outcome) = self.standing(&wallet, &bank_card) {
            return Ok(end(outcome));
        }
        let sms = match self.check_sms(unit)? {
            Ok(sms) => sms,
            Err(refused) => return Ok(refused),
        };
        match self.pin {
            PinVerdict::Wrong => {
                bank_card.tries_left = bank_card.tries_left.saturating_sub(1);
                unit.put_bank_card(&bank_card)?;
                return Ok(match bank_card.tries_left {
                    0 => end(Outcome::PinBlocked),
                    left => end_with_tries(Outcome::PinWrong, left),
                });
            }
            PinVerdict::Right if bank_card.tries_left < self.rules.pin_tries => {
                bank_card.tries_left = self.rules.pin_tries;
                unit.put_bank_card(&bank_card)?;
            }
            PinVerdict::Right => {}
        }
        if self.transaction == Transaction::Load
            && let Some(outcome) = self.check_amount(unit, &bank_card)?
        {
            return Ok(end(outcome));
        }
        if let Some(sms) = sms {
            unit.put_sms_code(&SmsCode { state: SmsState::Used, ..sms })?;
        }
        unit.add_tap_authorization(&TapAuthorization {
            reference: self.reference.0,
            terminal: self.asker.terminal,
            asn: self.asn,
            transaction: self.transaction.number(),
            amount: self.amount,
            expires_at: self.asker.now.plus(self.rules.authorization_millis),
            used_by: None,
        })?;
        Ok(Body::Authorized(Authorized { reference: self.reference }))
    }

    fn standing(&self, wallet: &Wallet, bank_card: &BankCard) -> Option<Outcome> {
        if wallet.industry != self.industry {
            return Some(Outcome::ForeignCard);
        }
        match (wallet.state, self.transaction) {
            (WalletState::Frozen | WalletState::Withdrawn, _) => return Some(Outcome::CardFrozen),
            (WalletState::Issued, Transaction::Load) => return Some(Outcome::NotActivated),
            // Before the PIN is looked at: without an SMS code before it, it would be tried here for ever.
            (WalletState::Active, Transaction::Activation) => return Some(Outcome::Activated),
            (WalletState::Issued | WalletState::Active, _) => {}
        }
        if bank_card.frozen {
            return Some(Outcome::AccountFrozen);
        }
        (bank_card.tries_left == 0).then_some(Outcome::PinBlocked)
    }

    /// The code that a load needs: the row to be used up, or how the transaction ends.
    fn check_sms(&self, unit: &mut dyn Unit) -> Result<Result<Option<SmsCode>, Body>, Refused> {
        if self.transaction != Transaction::Load {
            return Ok(Ok(None));
        }
        let Some(answer) = &self.sms else { return Ok(Err(end(Outcome::SmsExpired))) };
        let Some(code) = unit.sms_code(answer.reference)? else {
            return Ok(Err(end(Outcome::SmsExpired)));
        };
        if (code.terminal, code.asn, code.amount, code.transaction)
            != (self.asker.terminal, self.asn, self.amount, self.transaction.number())
        {
            return Ok(Err(end(Outcome::SmsNotForThis)));
        }
        if code.tries_left == 0 {
            return Ok(Err(end(Outcome::SmsBlocked)));
        }
        match code.state {
            SmsState::Waiting if self.asker.now < code.expires_at => {}
            SmsState::Waiting | SmsState::Used | SmsState::Ended => {
                return Ok(Err(end(Outcome::SmsExpired)));
            }
        }
        if sms_code::agrees(&code, &answer.code) {
            return Ok(Ok(Some(code)));
        }
        let tries_left = code.tries_left.saturating_sub(1);
        unit.put_sms_code(&SmsCode { tries_left, ..code })?;
        Ok(Err(match tries_left {
            0 => end(Outcome::SmsBlocked),
            left => end_with_tries(Outcome::SmsWrong, left),
        }))
    }

    fn check_amount(&self, unit: &mut dyn Unit, bank_card: &BankCard) -> Result<Option<Outcome>, Refused> {
        let Some(amount) = self.amount else { return Ok(Some(Outcome::AmountRefused)) };
        if amount < self.product.load_min || amount > self.product.load_max {
            return Ok(Some(Outcome::AmountRefused));
        }
        if unit.unfinished_load(self.asn)?.is_some() {
            return Ok(Some(Outcome::OpenLoad));
        }
        if over_day_limit(unit, &self.product, self.asn, amount, self.asker)? {
            return Ok(Some(Outcome::DayLimit));
        }
        let owner = bank_card.holder.0.cast_signed();
        let account = unit.account_of(AccountKind::Holder, owner, model::Currency::CNY)?;
        let available = account.map_or(0, |account| account.available());
        Ok((available < i64::from(amount.0)).then_some(Outcome::InsufficientFunds))
    }
}

/// Whether this amount would bring what a card was loaded within 24 hours over its product's limit.
pub(super) fn over_day_limit(
    unit: &dyn Unit,
    product: &Product,
    asn: Asn,
    amount: Fen,
    asker: Asker,
) -> Result<bool, Refused> {
    const DAY_MILLIS: i64 = 24 * 3_600 * 1_000;
    let loaded = unit.loaded_since(asn, asker.now.plus(-DAY_MILLIS))?;
    Ok(loaded.plus(amount).is_none_or(|sum| sum > product.day_max))
}
