//! What custodians do: bring keys in, move them through their life, read what was done.
//!
//! Each act is one rewrite of the file with its lines in the custodian log: both are there, or neither.

use std::fmt;

use crypto::{CheckValue, KeyName};
use model::UnixMillis;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::contents::Contents;
use crate::custodian::{Action, Custodian, CustodianEntry};
use crate::entropy::Entropy;
use crate::error::CeremonyError;
use crate::record::{KeyRecord, KeyUse, Material};
use crate::sealed_file::SealedFile;
use crate::state::{KeyEvent, KeyState};

/// One custodian's part of a key: as long as the key, worth nothing without the others.
pub struct Component<'a> {
    /// Who gives it.
    pub custodian: &'a Custodian,
    /// The part; zeroised when dropped.
    pub bytes: Zeroizing<Vec<u8>>,
    /// The check value that came beside it.
    pub check_value: CheckValue,
}

impl fmt::Debug for Component<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Component");
        f.field("custodian", self.custodian).field("bytes", &"[redacted]");
        f.field("check_value", &self.check_value).finish()
    }
}

impl SealedFile {
    /// Makes a key of random bytes; pre-active until it is activated.
    pub fn generate(
        &self,
        name: KeyName,
        key_use: KeyUse,
        custodian: &Custodian,
        now: UnixMillis,
        entropy: &mut Entropy<'_>,
    ) -> Result<KeyRecord, CeremonyError> {
        let material = random(key_use, entropy)?;
        self.change(|contents| {
            let check_value = contents.add(name, key_use, material, now)?;
            contents.note(now, custodian, Action::Generated, name, check_value)?;
            Ok(contents.key(name)?.record)
        })?
    }

    /// Brings in a key in 2 or 3 components that are XORed; pre-active until it is activated.
    ///
    /// `check_value` is that of the whole key. No custodian gives two components.
    pub fn import_components(
        &self,
        name: KeyName,
        key_use: KeyUse,
        components: &[Component<'_>],
        check_value: CheckValue,
        now: UnixMillis,
    ) -> Result<KeyRecord, CeremonyError> {
        let material = whole(key_use, components, check_value)?;
        self.change(|contents| {
            contents.add(name, key_use, material, now)?;
            for component in components {
                contents.note(
                    now,
                    component.custodian,
                    Action::GaveComponent,
                    name,
                    component.check_value,
                )?;
            }
            Ok(contents.key(name)?.record)
        })?
    }

    /// Puts a new key in the place of an active one, in one act: the successor is active at once, the
    /// predecessor retired. There is no moment with none, and none with two.
    pub fn rotate(
        &self,
        name: KeyName,
        successor: KeyName,
        custodian: &Custodian,
        now: UnixMillis,
        entropy: &mut Entropy<'_>,
    ) -> Result<KeyRecord, CeremonyError> {
        self.change(|contents| {
            let key_use = contents.key(name)?.record.key_use;
            let material = random(key_use, entropy)?;
            apply(contents, name, KeyEvent::Retire, custodian, now)?;
            let check_value = contents.add(successor, key_use, material, now)?;
            contents.note(now, custodian, Action::Generated, successor, check_value)?;
            apply(contents, successor, KeyEvent::Activate, custodian, now)
        })?
    }

    /// Moves a key through its life; [`KeyState::after`] is the table.
    pub fn set_state(
        &self,
        name: KeyName,
        event: KeyEvent,
        custodian: &Custodian,
        now: UnixMillis,
    ) -> Result<KeyRecord, CeremonyError> {
        self.change(|contents| apply(contents, name, event, custodian, now))?
    }

    /// Erases a key's bytes for ever: [`SealedFile::set_state`] with [`KeyEvent::Destroy`]. Its name, check
    /// value and log stay. Backups of the file still hold it: destroy those, or note where they are.
    pub fn destroy(
        &self,
        name: KeyName,
        custodian: &Custodian,
        now: UnixMillis,
    ) -> Result<KeyRecord, CeremonyError> {
        self.set_state(name, KeyEvent::Destroy, custodian, now)
    }

    /// What may be known of all keys, by name; destroyed ones too. As of the last change or refresh.
    pub fn keys(&self) -> Vec<KeyRecord> {
        self.contents().keys.values().map(|key| key.record).collect()
    }

    /// What may be known of one key.
    pub fn key(&self, name: KeyName) -> Result<KeyRecord, CeremonyError> {
        Ok(self.contents().key(name)?.record)
    }

    /// All that custodians did, oldest first. As of the last change or refresh.
    pub fn custodian_log(&self) -> Vec<CustodianEntry> {
        self.contents().log.clone()
    }
}

fn apply(
    contents: &mut Contents,
    name: KeyName,
    event: KeyEvent,
    custodian: &Custodian,
    now: UnixMillis,
) -> Result<KeyRecord, CeremonyError> {
    let key = contents.keys.get_mut(&name).ok_or(CeremonyError::NoSuchKey { name })?;
    key.record.state =
        key.record.state.after(event).map_err(|refused| CeremonyError::State { name, refused })?;
    if key.record.state == KeyState::Destroyed {
        key.material = None;
    }
    let record = key.record;
    let action = match event {
        KeyEvent::Activate => Action::Activated,
        KeyEvent::Suspend => Action::Suspended,
        KeyEvent::Resume => Action::Resumed,
        KeyEvent::Retire => Action::Retired,
        KeyEvent::Destroy => Action::Destroyed,
    };
    contents.note(now, custodian, action, name, record.check_value)?;
    Ok(record)
}

fn random(key_use: KeyUse, entropy: &mut Entropy<'_>) -> Result<Material, CeremonyError> {
    let mut bytes = Zeroizing::new([0; 32]);
    let bytes = &mut bytes[..key_use.key_length()];
    entropy(bytes)?;
    material(key_use, bytes)
}

/// The key of bytes that have the length of the use.
fn material(key_use: KeyUse, bytes: &[u8]) -> Result<Material, CeremonyError> {
    if bytes.ct_eq(&[0; 32][..bytes.len().min(32)]).into() {
        return Err(CeremonyError::ZeroKey);
    }
    Material::new(key_use, bytes).ok_or(CeremonyError::ZeroKey)
}

fn whole(
    key_use: KeyUse,
    components: &[Component<'_>],
    check_value: CheckValue,
) -> Result<Material, CeremonyError> {
    if !(2..=3).contains(&components.len()) {
        return Err(CeremonyError::ComponentCount { found: components.len() });
    }
    let needed = key_use.key_length();
    let mut key = Zeroizing::new([0; 32]);
    for (index, component) in components.iter().enumerate() {
        let (number, found) = (index + 1, component.bytes.len());
        if components[..index].iter().any(|other| other.custodian == component.custodian) {
            return Err(CeremonyError::SameCustodian { custodian: component.custodian.clone() });
        }
        if components[..index].iter().any(|other| other.bytes.ct_eq(&component.bytes).into()) {
            return Err(CeremonyError::SameComponent { number });
        }
        if found != needed {
            return Err(CeremonyError::ComponentLength { number, key_use, needed, found });
        }
        let found = material(key_use, &component.bytes)?.check_value();
        if found != component.check_value {
            let given = component.check_value;
            return Err(CeremonyError::ComponentCheckValue { number, given, found });
        }
        key.iter_mut().zip(component.bytes.iter()).for_each(|(key, byte)| *key ^= byte);
    }
    if key_use.is_of_purses() && halves_agree(&key[..needed]) {
        return Err(CeremonyError::WeakKey);
    }
    let material = material(key_use, &key[..needed])?;
    let found = material.check_value();
    if found != check_value {
        return Err(CeremonyError::KeyCheckValue { given: check_value, found });
    }
    Ok(material)
}

/// Whether a 3DES key is no more than single DES: its halves differ in parity bits, which DES ignores, or not at
/// all.
fn halves_agree(key: &[u8]) -> bool {
    let (left, right) = key.split_at(key.len() / 2);
    left.iter().zip(right).fold(0, |differ, (l, r)| differ | (l ^ r) & 0xfe) == 0
}
