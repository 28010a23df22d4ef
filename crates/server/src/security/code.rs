//! `sms_code`: six digits for one load of one card at one terminal, sent to the phone of its bank card.

use model::{Asn, Fen, IndustryCode};
use packs::Product;
use serde::Serialize;
use store::{BankCard, OutgoingSms, SmsCode, SmsState, Unit, Wallet, WalletState};
use tap::{Outcome, Transaction};
use zeroize::Zeroizing;

use super::Security;
use super::ask::Turn;
use crate::bank::{BankRules, Refused, sms_digest};

const HOUR_MILLIS: i64 = 3_600 * 1_000;
const MINUTE_MILLIS: i64 = 60 * 1_000;

/// For what a code is asked.
#[derive(Clone, Copy, Debug)]
pub(super) struct CodeRequest {
    industry: IndustryCode,
    asn: Asn,
    amount: Fen,
}

impl CodeRequest {
    /// A request of its JSON fields, or which of them is wrong.
    pub(super) fn parse(
        industry: &str,
        asn: &str,
        transaction: &str,
        amount: Option<u32>,
    ) -> Result<Self, &'static str> {
        if transaction != Transaction::Load.name() {
            return Err("transaction: only a load takes an SMS code");
        }
        Ok(Self {
            industry: industry.parse().map_err(|_| "industry: four decimal digits")?,
            asn: asn.parse().map_err(|_| "asn: 20 decimal digits")?,
            amount: amount.map(Fen).ok_or("amount: a load has one, in fen")?,
        })
    }
}

/// What is answered to `sms_code`.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum CodeAnswer {
    /// A code is on its way.
    Sent { reference: String, phone_hint: String, expires_at: i64 },
    /// None is: the outcome's name.
    Refused { refused: &'static str },
}

/// A code that was drawn and is not given to anybody yet.
struct Drawn {
    turn: Turn,
    request: CodeRequest,
    product: Product,
    reference: [u8; 16],
    digits: Zeroizing<String>,
    rules: BankRules,
}

impl Security {
    /// Draws a code, keeps its digest, and queues the text that carries it: all three or nothing.
    pub(super) async fn sms_code(&self, turn: Turn, request: CodeRequest) -> Result<CodeAnswer, Refused> {
        let bank = &self.bank().inner;
        let decided = match self.bank().product(request.industry) {
            None => {
                let refuse = move |unit: &mut dyn Unit| {
                    let terminal = turn.take(unit)?;
                    Ok(unit.put_terminal(&terminal)?)
                };
                bank.app.write::<_, Refused>(refuse).await?;
                Err(Outcome::UnknownIndustry)
            }
            Some(product) => {
                let drawn = Drawn {
                    turn,
                    request,
                    product,
                    reference: bank.app.random_by_time(turn.now).to_be_bytes(),
                    digits: six_digits(|| bank.app.random()),
                    rules: bank.rules.clone(),
                };
                bank.app.write::<_, Refused>(move |unit| drawn.decide(unit)).await?
            }
        };
        match decided {
            Ok(sent) => {
                bank.app.metrics().sms("queued");
                self.inner.queued.notify_one();
                Ok(sent)
            }
            Err(outcome) => {
                bank.app.metrics().sms(outcome.name());
                Ok(CodeAnswer::Refused { refused: outcome.name() })
            }
        }
    }
}

impl Drawn {
    fn decide(&self, unit: &mut dyn Unit) -> Result<Result<CodeAnswer, Outcome>, Refused> {
        let terminal = self.turn.take(unit)?;
        unit.put_terminal(&terminal)?;
        let asn = self.request.asn;
        let Some(wallet) = unit.wallet(asn)? else { return Ok(Err(Outcome::UnknownCard)) };
        let Some(bank_card) = unit.bank_card(&wallet.bank_card)? else {
            return Ok(Err(Outcome::UnknownCard));
        };
        if let Some(outcome) = self.standing(&wallet, &bank_card) {
            return Ok(Err(outcome));
        }
        if unit.unfinished_load(asn)?.is_some() {
            return Ok(Err(Outcome::OpenLoad));
        }
        let newest = unit.newest_sms_code(asn)?;
        if self.too_often(unit, newest.as_ref())? {
            return Ok(Err(Outcome::SmsTooOften));
        }
        // Older ones were ended by this one: at most the newest waits.
        if let Some(older) = newest.filter(|older| older.state == SmsState::Waiting) {
            unit.put_sms_code(&SmsCode { state: SmsState::Ended, ..older })?;
        }
        let (now, expires_at) = (self.turn.now, self.turn.now.plus(self.rules.sms_millis));
        unit.add_sms_code(&SmsCode {
            reference: self.reference,
            terminal: terminal.id,
            asn,
            transaction: Transaction::Load.number(),
            amount: Some(self.request.amount),
            digest: sms_digest(self.reference, self.digits.as_bytes()),
            tries_left: self.rules.sms_tries,
            state: SmsState::Waiting,
            created_at: now,
            expires_at,
        })?;
        let phone_hint = hint(&bank_card.phone);
        // The store numbers it.
        let (id, text) = (0, self.text());
        unit.add_sms(&OutgoingSms {
            id,
            phone: bank_card.phone,
            text,
            next_at: now,
            attempts: 0,
            expires_at,
        })?;
        let reference = hex::encode(self.reference);
        Ok(Ok(CodeAnswer::Sent { reference, phone_hint, expires_at: expires_at.0 }))
    }

    fn standing(&self, wallet: &Wallet, bank_card: &BankCard) -> Option<Outcome> {
        if wallet.industry != self.request.industry {
            return Some(Outcome::ForeignCard);
        }
        match wallet.state {
            WalletState::Frozen | WalletState::Withdrawn => return Some(Outcome::CardFrozen),
            WalletState::Issued => return Some(Outcome::NotActivated),
            WalletState::Active => {}
        }
        if bank_card.frozen {
            return Some(Outcome::AccountFrozen);
        }
        if bank_card.tries_left == 0 {
            return Some(Outcome::PinBlocked);
        }
        let (product, amount) = (&self.product, self.request.amount);
        let fits = product.load_min <= amount && amount <= product.load_max;
        (!fits).then_some(Outcome::AmountRefused)
    }

    fn too_often(&self, unit: &dyn Unit, newest: Option<&SmsCode>) -> Result<bool, Refused> {
        let now = self.turn.now;
        let pause_ends = newest.map(|code| code.created_at.plus(self.rules.sms_pause_millis));
        if pause_ends.is_some_and(|end| now < end) {
            return Ok(true);
        }
        Ok(unit.sms_codes_since(self.request.asn, now.plus(-HOUR_MILLIS))? >= self.rules.sms_per_hour)
    }

    /// What the holder reads. It says what the code is good for, so that nobody gives it away for less.
    fn text(&self) -> String {
        let (code, amount, card) = (self.digits.as_str(), self.request.amount, self.request.asn.last_four());
        let minutes = (self.rules.sms_millis / MINUTE_MILLIS).max(1);
        format!(
            "验证码{code}，用于向尾号{card:04}的卡充值{amount}元，{minutes}分钟内有效，请勿告诉任何人。 \
             Code {code}: load {amount} yuan onto the card ending in {card:04}. \
             Good for {minutes} min. Tell nobody."
        )
    }
}

/// Six digits, each code as likely as the others.
fn six_digits(mut random: impl FnMut() -> u128) -> Zeroizing<String> {
    const CODES: u128 = 1_000_000;
    /// The last number of the last whole round of codes; the few above would favour low codes.
    const FAIR: u128 = u128::MAX - (u128::MAX % CODES + 1) % CODES;
    loop {
        let drawn = random();
        if drawn <= FAIR {
            return Zeroizing::new(format!("{:06}", drawn % CODES));
        }
    }
}

/// The last digits of a phone number: enough for its owner, too little for others.
fn hint(phone: &str) -> String {
    const SHOWN: usize = 4;
    let hidden = phone.chars().count().saturating_sub(SHOWN);
    format!("***{}", phone.chars().skip(hidden).collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_of_the_last_broken_round_is_drawn_again() {
        // 2^128 = 340282366920938463463374607431768211456: the last 211,456 numbers are no whole round.
        let mut drawn = [u128::MAX, u128::MAX - 211_455, u128::MAX - 211_456].into_iter();
        assert_eq!(*six_digits(|| drawn.next().unwrap()), "999999");
        assert_eq!(*six_digits(|| 7), "000007");
    }

    #[test]
    fn a_hint_shows_four_digits() {
        assert_eq!(hint("+8613912345678"), "***5678");
    }

    #[test]
    fn a_request_says_which_field_is_wrong() {
        let (industry, asn) = ("0101", "01010000000000000042");
        assert!(CodeRequest::parse(industry, asn, "load", Some(5_000)).is_ok());
        for (industry, asn, transaction, amount, wrong) in [
            ("101", asn, "load", Some(1), "industry"),
            (industry, "42", "load", Some(1), "asn"),
            (industry, asn, "activation", Some(1), "transaction"),
            (industry, asn, "load", None, "amount"),
        ] {
            let refused = CodeRequest::parse(industry, asn, transaction, amount).unwrap_err();
            assert!(refused.starts_with(wrong), "{refused}");
        }
    }
}
