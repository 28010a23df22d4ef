//! The sealed body: big-endian numbers, every length before what it counts, everything in rising order.
//!
//! ```text
//! generation 8
//! keys       count 4, each: name 1+n, use 1, state 1, check value 3, created 8, bytes 16 or 32 (none: destroyed)
//! imported   count 4, each: card id 4, version 1, suite 1, key 16
//! barred     count 4, each: card id 4, versions 2 (bit n: version n)
//! log        count 4, each: at 8, action 1, key name 1+n, check value 3, custodian 1+n
//! ```

use std::collections::BTreeMap;

use crypto::{CardKey, CheckValue, KeyName, Suite};
use model::{CardId, KeyVersion, UnixMillis};
use zeroize::Zeroizing;

use crate::contents::{CARDS_MAX, Contents, ImportedKey, LOG_MAX, NAMED_KEYS_MAX, NamedKey};
use crate::custodian::{Action, Custodian, CustodianEntry};
use crate::record::{KeyRecord, KeyUse, Material};
use crate::state::KeyState;

/// The body is not what `encode` writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed;

impl Contents {
    /// The body, in a buffer with `room` to spare. Measured before it is written: a buffer of keys that
    /// grew would leave them behind where it was.
    pub(crate) fn encode(&self, room: usize) -> Zeroizing<Vec<u8>> {
        let mut length = 0;
        self.write(&mut |bytes| length += bytes.len());
        let mut body = Zeroizing::new(Vec::with_capacity(length + room));
        self.write(&mut |bytes| body.extend_from_slice(bytes));
        body
    }

    fn write(&self, put: &mut dyn FnMut(&[u8])) {
        put(&self.generation.to_be_bytes());
        put(&count(self.keys.len()));
        for NamedKey { record, material } in self.keys.values() {
            put_text(put, record.name.as_str());
            put(&[record.key_use as u8, record.state as u8]);
            put(&record.check_value.0);
            put(&record.created.0.to_be_bytes());
            put(material.as_ref().map_or(&[][..], Material::bytes));
        }
        put(&count(self.imported.len()));
        for ((card, version), imported) in &self.imported {
            put(&card.0.to_be_bytes());
            put(&[version.get(), imported.suite.number()]);
            put(imported.key.expose_to_key_store());
        }
        put(&count(self.barred.len()));
        for (card, versions) in &self.barred {
            put(&card.0.to_be_bytes());
            put(&versions.to_be_bytes());
        }
        put(&count(self.log.len()));
        for entry in &self.log {
            put(&entry.at.0.to_be_bytes());
            put(&[entry.action as u8]);
            put_text(put, entry.key.as_str());
            put(&entry.check_value.0);
            put_text(put, entry.custodian.name());
        }
    }

    /// Reads the body. Only a body that was sealed comes here; it is still believed nothing.
    pub(crate) fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let mut body = Body(body);
        let contents = Self {
            generation: u64::from_be_bytes(body.take()?),
            keys: body.rising(NAMED_KEYS_MAX, named_key)?,
            imported: body.rising(CARDS_MAX, imported_key)?,
            barred: body.rising(CARDS_MAX, barred_versions)?,
            log: body.log()?,
        };
        let both = contents.imported.keys().any(|(card, version)| contents.is_barred(*card, *version));
        if both || !body.0.is_empty() {
            return Err(Malformed);
        }
        Ok(contents)
    }
}

/// Counts are bounded far below 2^32 by `contents`.
fn count(n: usize) -> [u8; 4] {
    u32::try_from(n).unwrap_or(u32::MAX).to_be_bytes()
}

/// Names and custodians are bounded by their types to 64 bytes.
fn put_text(put: &mut dyn FnMut(&[u8]), text: &str) {
    put(&[u8::try_from(text.len()).unwrap_or(u8::MAX)]);
    put(text.as_bytes());
}

/// What is left to read.
struct Body<'b>(&'b [u8]);

impl<'b> Body<'b> {
    fn slice(&mut self, length: usize) -> Result<&'b [u8], Malformed> {
        let (head, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(head)
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        self.slice(N)?.try_into().map_err(|_| Malformed)
    }

    fn text(&mut self) -> Result<&'b str, Malformed> {
        let [length] = self.take()?;
        std::str::from_utf8(self.slice(length.into())?).map_err(|_| Malformed)
    }

    fn name(&mut self) -> Result<KeyName, Malformed> {
        KeyName::new(self.text()?).ok_or(Malformed)
    }

    fn count(&mut self, max: usize) -> Result<usize, Malformed> {
        let n = usize::try_from(u32::from_be_bytes(self.take()?)).map_err(|_| Malformed)?;
        if n > max { Err(Malformed) } else { Ok(n) }
    }

    fn rising<K: Ord, V>(
        &mut self,
        max: usize,
        read: fn(&mut Self) -> Result<(K, V), Malformed>,
    ) -> Result<BTreeMap<K, V>, Malformed> {
        let mut map = BTreeMap::new();
        for _ in 0..self.count(max)? {
            let (key, value) = read(self)?;
            if map.last_key_value().is_some_and(|(last, _)| *last >= key) {
                return Err(Malformed);
            }
            map.insert(key, value);
        }
        Ok(map)
    }

    fn log(&mut self) -> Result<Vec<CustodianEntry>, Malformed> {
        (0..self.count(LOG_MAX)?)
            .map(|_| {
                let at = UnixMillis(i64::from_be_bytes(self.take()?));
                let [action] = self.take()?;
                let action = Action::from_number(action).ok_or(Malformed)?;
                let key = self.name()?;
                let check_value = CheckValue(self.take()?);
                let custodian = Custodian::new(self.text()?).map_err(|_| Malformed)?;
                Ok(CustodianEntry { at, custodian, action, key, check_value })
            })
            .collect()
    }
}

fn named_key(body: &mut Body<'_>) -> Result<(KeyName, NamedKey), Malformed> {
    let name = body.name()?;
    let [key_use, state] = body.take()?;
    let key_use = KeyUse::from_number(key_use).ok_or(Malformed)?;
    let state = KeyState::from_number(state).ok_or(Malformed)?;
    let check_value = CheckValue(body.take()?);
    let created = UnixMillis(i64::from_be_bytes(body.take()?));
    let material = match state {
        KeyState::PreActive | KeyState::Active | KeyState::Suspended | KeyState::Retired => {
            Some(Material::new(key_use, body.slice(key_use.key_length())?).ok_or(Malformed)?)
        }
        KeyState::Destroyed => None,
    };
    if material.as_ref().is_some_and(|material| material.check_value() != check_value) {
        return Err(Malformed);
    }
    Ok((name, NamedKey { record: KeyRecord { name, key_use, state, check_value, created }, material }))
}

fn imported_key(body: &mut Body<'_>) -> Result<((CardId, KeyVersion), ImportedKey), Malformed> {
    let card = CardId(u32::from_be_bytes(body.take()?));
    let [version, suite] = body.take()?;
    let version = KeyVersion::new(version).map_err(|_| Malformed)?;
    let suite = Suite::from_number(suite).map_err(|_| Malformed)?;
    let key = Zeroizing::new(body.take::<{ CardKey::LENGTH }>()?);
    Ok(((card, version), ImportedKey { suite, key: Box::new(CardKey::from_bytes(*key)) }))
}

fn barred_versions(body: &mut Body<'_>) -> Result<(CardId, u16), Malformed> {
    let card = CardId(u32::from_be_bytes(body.take()?));
    let versions = u16::from_be_bytes(body.take()?);
    // Versions are 1 to 15.
    if versions == 0 || versions & 1 != 0 { Err(Malformed) } else { Ok((card, versions)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Contents {
        let mut contents = Contents { generation: 7, ..Contents::default() };
        let (now, li) = (UnixMillis(1_795_199_488_000), Custodian::new("Li Na").unwrap());
        for (byte, key_use) in (1..).zip(KeyUse::ALL) {
            let name = KeyName::new(&format!("key-{byte}")).unwrap();
            let material = Material::new(key_use, &vec![byte; key_use.key_length()]).unwrap();
            let check = contents.add(name, key_use, material, now).unwrap();
            contents.note(now, &li, Action::Generated, name, check).unwrap();
        }
        let key = Box::new(CardKey::from_bytes([3; 16]));
        let imported = ImportedKey { suite: Suite::Sm4Eax, key };
        contents.imported.insert((CardId(9), KeyVersion::FIRST), imported);
        contents.barred.insert(CardId(8), 1 << 15 | 1 << 1);
        contents
    }

    #[test]
    fn contents_read_back_and_say_the_same() {
        let body = full().encode(0);
        let again = Contents::decode(&body).unwrap();
        assert_eq!(*again.encode(0), *body);
        assert_eq!(again.log, full().log);
    }

    #[test]
    fn the_buffer_never_grows_after_a_key_is_in_it() {
        let body = full().encode(16);
        assert_eq!(body.capacity(), body.len() + 16);
    }

    #[test]
    fn no_part_of_a_body_and_no_more_than_a_body_is_contents() {
        let body = full().encode(1);
        for length in 0..body.len() {
            assert_eq!(Contents::decode(&body[..length]).err(), Some(Malformed), "{length} bytes");
        }
        let mut longer = body.clone();
        longer.push(0);
        assert_eq!(Contents::decode(&longer).err(), Some(Malformed));
    }

    #[test]
    fn a_changed_body_is_refused_or_says_what_it_says() {
        let body = full().encode(0);
        for index in 0..body.len() {
            for bit in 0..8 {
                let mut changed = body.clone();
                changed[index] ^= 1 << bit;
                if let Ok(contents) = Contents::decode(&changed) {
                    assert_eq!(*contents.encode(0), *changed, "byte {index} bit {bit}");
                }
            }
        }
    }

    #[test]
    fn a_card_key_that_is_there_and_destroyed_is_neither() {
        let mut contents = full();
        contents.barred.insert(CardId(9), 1 << 1);
        assert_eq!(Contents::decode(&contents.encode(0)).err(), Some(Malformed));
    }
}
