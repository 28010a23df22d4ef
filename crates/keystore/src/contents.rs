//! All that a key store holds, in memory.

use std::collections::BTreeMap;

use crypto::{
    CardKey, CardKeyReference, CheckValue, DatabaseKey, IssuerMasterKey, KeyName, KeyOrigin, KeyStoreError,
    PinVerificationKey, PurseMasterKey, Suite, TerminalRootKey, TransportKey, WrappedCardKey,
};
use model::{CardId, KeyVersion, UnixMillis};

use crate::custodian::{Action, Custodian, CustodianEntry};
use crate::error::CeremonyError;
use crate::record::{KeyRecord, KeyUse, Material};
use crate::state::{KeyState, Operation};

/// Bounds of what one file holds; all of it fits into `place::FILE_LENGTH_MAX`.
pub(crate) const NAMED_KEYS_MAX: usize = 256;
pub(crate) const CARDS_MAX: usize = 1_000_000;
pub(crate) const LOG_MAX: usize = 16_384;

/// A key by name. `material` is `None` when it is destroyed, and only then.
pub(crate) struct NamedKey {
    pub(crate) record: KeyRecord,
    pub(crate) material: Option<Material>,
}

pub(crate) struct ImportedKey {
    pub(crate) suite: Suite,
    pub(crate) key: Box<CardKey>,
}

#[derive(Default)]
pub(crate) struct Contents {
    /// Counts rewrites: an older file put back is seen.
    pub(crate) generation: u64,
    pub(crate) keys: BTreeMap<KeyName, NamedKey>,
    /// One card and version has one key, whatever the suite.
    pub(crate) imported: BTreeMap<(CardId, KeyVersion), ImportedKey>,
    /// The destroyed versions of a card: bit `n` is version `n`.
    pub(crate) barred: BTreeMap<CardId, u16>,
    pub(crate) log: Vec<CustodianEntry>,
}

/// The contract has no word for it, as nobody who calls could mend it; the operator finds it in the log.
fn full(kind: &str) -> KeyStoreError {
    tracing::error!(limit = CARDS_MAX, "the key store holds as many {kind} card keys as it can");
    KeyStoreError::Unavailable
}

impl Contents {
    fn material(&self, name: KeyName, operation: Operation) -> Result<&Material, KeyStoreError> {
        let key = self.keys.get(&name).ok_or(KeyStoreError::NoSuchKey)?;
        if !key.record.key_use.serves(operation) {
            return Err(KeyStoreError::WrongUse);
        }
        if !key.record.state.allows(operation) {
            return Err(KeyStoreError::NotActive);
        }
        key.material.as_ref().ok_or(KeyStoreError::NotActive)
    }

    fn issuer(&self, name: KeyName, operation: Operation) -> Result<&IssuerMasterKey, KeyStoreError> {
        match self.material(name, operation)? {
            Material::Issuer(key) => Ok(key),
            Material::Transport(_)
            | Material::Purse(_)
            | Material::TerminalRoot(_)
            | Material::PinVerification(_)
            | Material::Database(_) => Err(KeyStoreError::WrongUse),
        }
    }

    /// A transport key, where it may do this.
    pub(crate) fn transport(
        &self,
        name: KeyName,
        operation: Operation,
    ) -> Result<&TransportKey, KeyStoreError> {
        match self.material(name, operation)? {
            Material::Transport(key) => Ok(key),
            Material::Issuer(_)
            | Material::Purse(_)
            | Material::TerminalRoot(_)
            | Material::PinVerification(_)
            | Material::Database(_) => Err(KeyStoreError::WrongUse),
        }
    }

    /// A master of wallet cards' keys, where it may do this.
    pub(crate) fn purse(
        &self,
        name: KeyName,
        operation: Operation,
    ) -> Result<&PurseMasterKey, KeyStoreError> {
        match self.material(name, operation)? {
            Material::Purse(key) => Ok(key),
            Material::Issuer(_)
            | Material::Transport(_)
            | Material::TerminalRoot(_)
            | Material::PinVerification(_)
            | Material::Database(_) => Err(KeyStoreError::WrongUse),
        }
    }

    /// A root of terminals' keys, where it may do this.
    pub(crate) fn terminal_root(
        &self,
        name: KeyName,
        operation: Operation,
    ) -> Result<&TerminalRootKey, KeyStoreError> {
        match self.material(name, operation)? {
            Material::TerminalRoot(key) => Ok(key),
            Material::Issuer(_)
            | Material::Transport(_)
            | Material::Purse(_)
            | Material::PinVerification(_)
            | Material::Database(_) => Err(KeyStoreError::WrongUse),
        }
    }

    /// A key for PINs, where it may do this.
    pub(crate) fn pin_verification(
        &self,
        name: KeyName,
        operation: Operation,
    ) -> Result<&PinVerificationKey, KeyStoreError> {
        match self.material(name, operation)? {
            Material::PinVerification(key) => Ok(key),
            Material::Issuer(_)
            | Material::Transport(_)
            | Material::Purse(_)
            | Material::TerminalRoot(_)
            | Material::Database(_) => Err(KeyStoreError::WrongUse),
        }
    }

    /// A key of a database, where it may do this.
    pub(crate) fn database(
        &self,
        name: KeyName,
        operation: Operation,
    ) -> Result<&DatabaseKey, KeyStoreError> {
        match self.material(name, operation)? {
            Material::Database(key) => Ok(key),
            Material::Issuer(_)
            | Material::Transport(_)
            | Material::Purse(_)
            | Material::TerminalRoot(_)
            | Material::PinVerification(_) => Err(KeyStoreError::WrongUse),
        }
    }

    /// A card's key for a frame or a check value.
    pub(crate) fn card_key(&self, card: &CardKeyReference) -> Result<CardKey, KeyStoreError> {
        self.card_key_for(card, Operation::WorkFrame)
    }

    fn card_key_for(&self, card: &CardKeyReference, operation: Operation) -> Result<CardKey, KeyStoreError> {
        if self.is_barred(card.card_id, card.version) {
            return Err(KeyStoreError::NotActive);
        }
        match card.origin {
            KeyOrigin::Derived(master) => {
                Ok(self.issuer(master, operation)?.card_key(card.card_id, card.version, card.suite))
            }
            KeyOrigin::Imported => match self.imported.get(&(card.card_id, card.version)) {
                Some(imported) if imported.suite == card.suite => Ok((*imported.key).clone()),
                Some(_) | None => Err(KeyStoreError::NoSuchKey),
            },
        }
    }

    /// The key of a card that is being injected, and the transport key that carries it.
    pub(crate) fn injection(
        &self,
        card: &CardKeyReference,
        transport: KeyName,
    ) -> Result<(CardKey, &TransportKey), KeyStoreError> {
        let key = self.card_key_for(card, Operation::InjectCardKey)?;
        let imported = self.imported.contains_key(&(card.card_id, card.version));
        if imported && card.origin != KeyOrigin::Imported {
            return Err(KeyStoreError::Exists);
        }
        Ok((key, self.transport(transport, Operation::WrapCardKey)?))
    }

    /// Brings in a card key, where that card and version may still come in.
    pub(crate) fn import(
        &mut self,
        card: &CardKeyReference,
        wrapped: &WrappedCardKey,
        transport: KeyName,
        check: CheckValue,
    ) -> Result<(), KeyStoreError> {
        match card.origin {
            KeyOrigin::Imported => {}
            KeyOrigin::Derived(_) => return Err(KeyStoreError::WrongUse),
        }
        if self.is_barred(card.card_id, card.version) {
            return Err(KeyStoreError::NotActive);
        }
        if self.imported.contains_key(&(card.card_id, card.version)) {
            return Err(KeyStoreError::Exists);
        }
        let transport = self.transport(transport, Operation::UnwrapCardKey)?;
        let key = transport.unwrap_key(wrapped).map_err(|_| KeyStoreError::WrappedKeyRefused)?;
        if key.check_value() != check {
            return Err(KeyStoreError::WrongCheckValue);
        }
        if self.imported.len() >= CARDS_MAX {
            return Err(full("imported"));
        }
        let imported = ImportedKey { suite: card.suite, key: Box::new(key) };
        self.imported.insert((card.card_id, card.version), imported);
        Ok(())
    }

    /// Whether this card's key version was destroyed.
    pub(crate) fn is_barred(&self, card: CardId, version: KeyVersion) -> bool {
        self.barred.get(&card).is_some_and(|versions| versions & 1 << version.get() != 0)
    }

    /// Ends the use of a card's key. Any state of its master key will do: stopping a card never waits.
    pub(crate) fn bar(&mut self, card: &CardKeyReference) -> Result<(), KeyStoreError> {
        if self.is_barred(card.card_id, card.version) {
            return Ok(());
        }
        match card.origin {
            KeyOrigin::Derived(master) => match self.keys.get(&master).map(|key| key.record.key_use) {
                Some(KeyUse::DeriveCardKeys) => {}
                Some(
                    KeyUse::WrapCardKeys
                    | KeyUse::LoadPurses
                    | KeyUse::ProvePurses
                    | KeyUse::BuyWithPurses
                    | KeyUse::MaintainPurses
                    | KeyUse::DeriveTerminalKeys
                    | KeyUse::VerifyPins
                    | KeyUse::SealSecrets,
                ) => return Err(KeyStoreError::WrongUse),
                None => return Err(KeyStoreError::NoSuchKey),
            },
            KeyOrigin::Imported => {
                drop(self.card_key_for(card, Operation::WorkFrame)?);
            }
        }
        if self.barred.len() >= CARDS_MAX && !self.barred.contains_key(&card.card_id) {
            return Err(full("destroyed"));
        }
        self.imported.remove(&(card.card_id, card.version));
        *self.barred.entry(card.card_id).or_default() |= 1 << card.version.get();
        Ok(())
    }

    pub(crate) fn key(&self, name: KeyName) -> Result<&NamedKey, CeremonyError> {
        self.keys.get(&name).ok_or(CeremonyError::NoSuchKey { name })
    }

    /// Adds a key by name, pre-active.
    pub(crate) fn add(
        &mut self,
        name: KeyName,
        key_use: KeyUse,
        material: Material,
        created: UnixMillis,
    ) -> Result<CheckValue, CeremonyError> {
        if self.keys.contains_key(&name) {
            return Err(CeremonyError::NameTaken { name });
        }
        if self.keys.len() >= NAMED_KEYS_MAX {
            return Err(CeremonyError::StoreFull);
        }
        let check_value = material.check_value();
        let record = KeyRecord { name, key_use, state: KeyState::PreActive, check_value, created };
        self.keys.insert(name, NamedKey { record, material: Some(material) });
        Ok(check_value)
    }

    /// Adds a line to the custodian log.
    pub(crate) fn note(
        &mut self,
        at: UnixMillis,
        custodian: &Custodian,
        action: Action,
        key: KeyName,
        check_value: CheckValue,
    ) -> Result<(), CeremonyError> {
        if self.log.len() >= LOG_MAX {
            return Err(CeremonyError::LogFull);
        }
        self.log.push(CustodianEntry { at, custodian: custodian.clone(), action, key, check_value });
        Ok(())
    }
}
