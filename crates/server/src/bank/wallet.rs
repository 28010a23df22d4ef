//! What an issuer's operator does: bank cards with their PINs, wallet cards with their keys, and stopping either.

use crypto::{CheckValue, KeyStoreError, Pin, WrappedPurseKey};
use model::{Asn, CardNumber, HolderReference, IndustryCode, OnlineCounter};
use operator::AuditAction;
use store::{BankCard, StoreError, Wallet, WalletState};

use super::Bank;
use crate::operators::Actor;

/// A bank card to be made.
pub struct NewBankCard {
    /// Whose.
    pub holder: HolderReference,
    /// Where SMS codes go: `+` and digits.
    pub phone: String,
    /// Its PIN, 4 to 12 digits.
    pub pin: Pin,
}

/// Why a bank card was not made or changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum BankCardError {
    /// No such holder.
    #[error("there is no holder with this reference; bind a card to them first")]
    NoSuchHolder,
    /// No such bank card.
    #[error("there is no bank card with this number")]
    NoSuchBankCard,
    /// Not a number that an SMS can be sent to.
    #[error("a phone number is + and 6 to 15 digits")]
    Phone,
    /// The key store did not make the PIN's reference.
    #[error("the key store refused: {0}")]
    KeyStore(#[from] KeyStoreError),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A wallet card to be made.
#[derive(Clone, Debug)]
pub struct NewWallet {
    /// Which product.
    pub industry: IndustryCode,
    /// The bank card that pays its loads.
    pub bank_card: String,
}

/// All that a card maker writes into a wallet card. The keys are wrapped under the transport key.
#[derive(Clone, Debug)]
pub struct IssuedWallet {
    /// Its serial number.
    pub asn: Asn,
    /// Which product.
    pub industry: IndustryCode,
    /// The issuer id of file 0015.
    pub issuer: [u8; 8],
    /// The load key.
    pub load: (WrappedPurseKey, CheckValue),
    /// The TAC key.
    pub tac: (WrappedPurseKey, CheckValue),
    /// The purchase key.
    pub purchase: (WrappedPurseKey, CheckValue),
    /// The maintenance key.
    pub maintenance: (WrappedPurseKey, CheckValue),
}

/// Why a wallet card was not made or changed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum IssueWalletError {
    /// No product for this code.
    #[error("the bank serves no industry {0}; put its pack and product into the industries folder")]
    UnknownIndustry(IndustryCode),
    /// No such bank card.
    #[error("there is no bank card with this number; `counterfoil bank card` makes one")]
    NoSuchBankCard,
    /// No such wallet card.
    #[error("there is no wallet card with this serial number")]
    NoSuchWallet,
    /// A load of it was given back: it stays out of use.
    #[error("this wallet card is withdrawn: a load of it was given back; issue another")]
    Withdrawn,
    /// The key store did not derive the card's keys.
    #[error("the key store refused: {0}")]
    KeyStore(#[from] KeyStoreError),
    /// The store could not keep it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Bank {
    /// Makes a bank card; its number.
    pub async fn add_bank_card(&self, new: NewBankCard) -> Result<String, BankCardError> {
        let digits = new.phone.strip_prefix('+').ok_or(BankCardError::Phone)?;
        if !(6..=15).contains(&digits.len()) || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return Err(BankCardError::Phone);
        }
        let app = &self.inner.app;
        let number = crate::app::card_number(app.random())?.digits().to_string();
        let keys = &self.inner.keys;
        let pin_reference = keys.pin_reference(self.inner.names.pin_verification, &number, &new.pin)?;
        let card = BankCard {
            number: number.clone(),
            holder: new.holder,
            phone: new.phone,
            pin_reference,
            tries_left: self.inner.rules.pin_tries,
            frozen: false,
        };
        app.write::<_, BankCardError>(move |unit| {
            if unit.holder(card.holder)?.is_none() {
                return Err(BankCardError::NoSuchHolder);
            }
            Ok(unit.add_bank_card(&card)?)
        })
        .await?;
        Ok(number)
    }

    /// Freezes a bank card, or lets it pay again with all its PIN tries. It is entered in the audit log, the card by its first six
    /// and last four digits.
    pub async fn freeze_bank_card(&self, by: Actor, number: &str, frozen: bool) -> Result<(), BankCardError> {
        let (number, pin_tries, now) = (number.to_owned(), self.inner.rules.pin_tries, self.inner.app.now());
        let action = if frozen { AuditAction::BankCardFreeze } else { AuditAction::BankCardUnfreeze };
        self.inner
            .app
            .write::<_, BankCardError>(move |unit| {
                let mut card = unit.bank_card(&number)?.ok_or(BankCardError::NoSuchBankCard)?;
                card.frozen = frozen;
                if !frozen {
                    card.tries_left = pin_tries;
                }
                unit.put_bank_card(&card)?;
                let masked = number.parse::<CardNumber>().map_err(|_| StoreError::Malformed("bank_card"))?;
                Ok(by.enter(unit, now, action, &masked.to_string(), "done")?)
            })
            .await
    }

    /// Makes a wallet card: its keys by PBOC diversification, wrapped for the card maker.
    pub async fn issue_wallet(&self, new: NewWallet) -> Result<IssuedWallet, IssueWalletError> {
        let product = self.product(new.industry).ok_or(IssueWalletError::UnknownIndustry(new.industry))?;
        let app = &self.inner.app;
        let asn = serial_number(new.industry, app.random());
        let keys = &self.inner.keys;
        let inject = |master| keys.inject_purse_key(master, asn, self.inner.names.transport);
        let issued = IssuedWallet {
            asn,
            industry: new.industry,
            issuer: product.issuer,
            load: inject(product.keys.load)?,
            tac: inject(product.keys.tac)?,
            purchase: inject(product.keys.purchase)?,
            maintenance: inject(product.keys.maintenance)?,
        };
        let wallet = Wallet {
            asn,
            industry: new.industry,
            state: WalletState::Issued,
            bank_card: new.bank_card,
            counter: OnlineCounter(0),
            issued_at: app.now(),
            activated_at: None,
        };
        app.write::<_, IssueWalletError>(move |unit| {
            if unit.bank_card(&wallet.bank_card)?.is_none() {
                return Err(IssueWalletError::NoSuchBankCard);
            }
            Ok(unit.add_wallet(&wallet)?)
        })
        .await?;
        Ok(issued)
    }

    /// Freezes a wallet card, or lets it be loaded again.
    pub async fn freeze_wallet(&self, asn: Asn, frozen: bool) -> Result<(), IssueWalletError> {
        self.inner
            .app
            .write::<_, IssueWalletError>(move |unit| {
                let mut wallet = unit.wallet(asn)?.ok_or(IssueWalletError::NoSuchWallet)?;
                if wallet.state == WalletState::Withdrawn {
                    return Err(IssueWalletError::Withdrawn);
                }
                wallet.state = match (frozen, wallet.activated_at) {
                    (true, _) => WalletState::Frozen,
                    (false, Some(_)) => WalletState::Active,
                    (false, None) => WalletState::Issued,
                };
                Ok(unit.put_wallet(&wallet)?)
            })
            .await
    }
}

/// Four digits of the industry and sixteen random ones: the sixteen are what keys are diversified by.
fn serial_number(industry: IndustryCode, random: u128) -> Asn {
    let number = u128::from(industry.number()) * 10_000_000_000_000_000 + random % 10_000_000_000_000_000;
    Asn::from_digits(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_serial_number_begins_with_its_industry() {
        let industry = IndustryCode::new(101).unwrap();
        assert_eq!(serial_number(industry, 42).to_string(), "01010000000000000042");
        assert!(serial_number(industry, u128::MAX).to_string().starts_with("0101"));
    }
}
