//! Activation: one secure-messaging UPDATE BINARY writes first and last day into file 0015. Until then the
//! card refuses to be loaded, and so does the bank.

use model::{IndustryCode, PurseTime};
use store::{TapAuthorization, Unit, Wallet, WalletState};
use tap::{
    Body, CardReading, Command, CommandList, End, ListEnding, Outcome, Outputs, Reference, StatusWord,
    Transaction, apdu,
};

use super::Bank;
use super::envelope::{Asker, Refused};
use super::load::{check_issuer, says_over};
use super::reply::{Answered, contradiction, end};

/// Where file 0015 keeps the first and the last day: 4 bytes each.
const DATES_OFFSET: u8 = 20;
const PUBLIC_DATA_FILE: u8 = 0x15;
/// The only list of an activation.
const LIST_ACTIVATE: u8 = 1;

impl Bank {
    /// What was read from the card, answered with the update that activates it.
    pub(super) async fn activate(
        &self,
        asker: Asker,
        industry: IndustryCode,
        reading: CardReading,
    ) -> Answered {
        let Some(product) = self.product(industry) else {
            return self.refuse(asker, Outcome::UnknownIndustry).await;
        };
        let Some(challenge) = reading.challenge else {
            return self.refuse(asker, Outcome::Malformed).await;
        };
        let today = PurseTime::at(asker.now);
        let dates = [today.date(), today.date_years_later(product.validity_years)].concat();
        let header = apdu::update_binary_secure_header(PUBLIC_DATA_FILE, DATES_OFFSET, dates.len());
        let mac = self.inner.keys.protect_command(
            product.keys.maintenance,
            reading.asn,
            challenge,
            header,
            &dates,
        )?;
        let command = Command {
            apdu: apdu::update_binary_secure(PUBLIC_DATA_FILE, DATES_OFFSET, &dates, mac),
            allowed: vec![StatusWord::DONE],
        };
        self.inner
            .app
            .write::<_, Refused>(move |unit| {
                asker.take_turn(unit)?;
                let data = match check_issuer(&reading, &product) {
                    Err(outcome) => return Ok(end(outcome)),
                    Ok(data) if says_over(&data, asker) => return Ok(end(Outcome::CardExpired)),
                    Ok(data) => data,
                };
                let Some(wallet) = unit.wallet(reading.asn)? else { return Ok(end(Outcome::UnknownCard)) };
                if let Some(outcome) = standing(&wallet, industry) {
                    return Ok(end(outcome));
                }
                let reference = match authorization(unit, asker, &reading)? {
                    Ok(authorization) => Reference(authorization.reference),
                    Err(outcome) => return Ok(end(outcome)),
                };
                if data.is_activated() || wallet.state == WalletState::Active {
                    // The answer to an earlier update was lost: the card has it. And a card that is activated gets
                    // no other days, whatever its file is read to say.
                    return activated(unit, wallet, asker);
                }
                let commands = vec![command.clone()];
                Ok(Body::Commands(CommandList { reference, list: LIST_ACTIVATE, commands }))
            })
            .await
    }

    /// What the card answered to the update.
    pub(super) async fn activation_outputs(&self, asker: Asker, outputs: Outputs) -> Answered {
        self.inner
            .app
            .write::<_, Refused>(move |unit| {
                asker.take_turn(unit)?;
                let Some(authorization) = unit.tap_authorization(outputs.reference.0)? else {
                    return Ok(end(Outcome::AuthorizationExpired));
                };
                if (authorization.terminal, authorization.transaction)
                    != (asker.terminal, Transaction::Activation.number())
                {
                    return Ok(end(Outcome::AuthorizationRefused));
                }
                let status = outputs.outputs.first().and_then(|output| output.status());
                match (outputs.ending, status) {
                    (ListEnding::Done, Some(StatusWord::DONE)) => {}
                    (ListEnding::CardGone, _) => return Ok(end(Outcome::CardGone)),
                    (ListEnding::Done | ListEnding::Mismatch, _) => return Ok(end(Outcome::CardRefused)),
                }
                let wallet = unit
                    .wallet(authorization.asn)?
                    .ok_or_else(|| contradiction("an authorization without its wallet card"))?;
                activated(unit, wallet, asker)
            })
            .await
    }
}

fn standing(wallet: &Wallet, industry: IndustryCode) -> Option<Outcome> {
    if wallet.industry != industry {
        return Some(Outcome::ForeignCard);
    }
    match wallet.state {
        WalletState::Issued | WalletState::Active => None,
        WalletState::Frozen | WalletState::Withdrawn => Some(Outcome::CardFrozen),
    }
}

fn authorization(
    unit: &dyn Unit,
    asker: Asker,
    reading: &CardReading,
) -> Result<Result<TapAuthorization, Outcome>, Refused> {
    let Some(reference) = reading.authorization else { return Ok(Err(Outcome::AuthorizationRefused)) };
    let Some(authorization) = unit.tap_authorization(reference.0)? else {
        return Ok(Err(Outcome::AuthorizationExpired));
    };
    let asked = (asker.terminal, reading.asn, Transaction::Activation.number());
    if asked != (authorization.terminal, authorization.asn, authorization.transaction) {
        return Ok(Err(Outcome::AuthorizationRefused));
    }
    if asker.now >= authorization.expires_at {
        return Ok(Err(Outcome::AuthorizationExpired));
    }
    Ok(Ok(authorization))
}

fn activated(unit: &mut dyn Unit, mut wallet: Wallet, asker: Asker) -> Answered {
    let asn = wallet.asn;
    match wallet.state {
        WalletState::Issued => {
            wallet.state = WalletState::Active;
            wallet.activated_at = Some(asker.now);
            unit.put_wallet(&wallet)?;
        }
        // Said before, or frozen meanwhile: a freeze is not undone by a card's answer.
        WalletState::Active | WalletState::Frozen | WalletState::Withdrawn => {}
    }
    Ok(Body::End(End { asn: Some(asn), ..End::of(Outcome::Activated) }))
}
