//! The form of a wallet card's file: JSON, versioned, with a check sum over the card.

use std::io;

use crypto::{PurseCode, PurseKey};
use model::{Fen, OnlineCounter};
use serde::{Deserialize, Serialize};
use tap::card::{
    Blocking, CardProfile, KeySet, LOG_RECORDS, Proof, ProofNumber, PurseType, StoredPin, WalletImage,
    WalletKeys, WalletMemory,
};
use tap::message::LogRecord;
use zeroize::{Zeroize, Zeroizing};

use crate::flash_file::check_sum;

/// Longer than any card: whatever is longer is none.
pub(super) const FILE_LENGTH_MAX: u64 = 16_384;
const FORMAT: u32 = 1;

/// Why a text is no wallet card for this program.
#[derive(Debug)]
pub(super) enum Unreadable {
    Newer(u32),
    Damaged(String),
}

/// What every format has.
#[derive(Deserialize)]
struct Head {
    format: u32,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    format: u32,
    /// CRC-32 of the card without its white space: tells decay, keeps nobody out.
    check_sum: String,
    card: Card,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Card {
    aid: String,
    file_id: String,
    purse: String,
    proof_number: String,
    balance_max: u32,
    pin_for_load: bool,
    purchase_log: u8,
    load_log: u8,
    key_sets: Vec<WrittenSet>,
    tac_key: WrittenKey,
    maintenance_key: WrittenKey,
    external_key: WrittenKey,
    pin: Option<Zeroizing<String>>,
    public_data: String,
    holder_data: String,
    balance: u32,
    online: u16,
    offline: u16,
    loads: Vec<String>,
    purchases: Vec<String>,
    load_proof: Option<WrittenProof>,
    purchase_proof: Option<WrittenProof>,
    pin_tries_left: u8,
    external_tries_left: u8,
    wrong_load_codes: u8,
    wrong_maintenance_codes: u8,
    blocking: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenSet {
    index: u8,
    version: u8,
    load: WrittenKey,
    purchase: WrittenKey,
}

#[derive(Serialize, Deserialize)]
#[serde(transparent)]
struct WrittenKey(Zeroizing<String>);

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenProof {
    before: u16,
    code: String,
    tac: String,
}

pub(super) fn to_json(image: &WalletImage) -> io::Result<Zeroizing<Vec<u8>>> {
    let card = Card::of(image);
    let check_sum = sum_of(&card)?;
    // Room for all of it beforehand: a buffer that grows leaves copies of the keys behind.
    let mut text = Zeroizing::new(Vec::with_capacity(FILE_LENGTH_MAX as usize));
    serde_json::to_writer_pretty(&mut *text, &Written { format: FORMAT, check_sum, card })?;
    text.push(b'\n');
    Ok(text)
}

pub(super) fn from_json(text: &[u8]) -> Result<WalletImage, Unreadable> {
    // serde's own message may quote a value, and the value may be a key: its place is told instead.
    let place = |error: serde_json::Error| {
        Unreadable::Damaged(format!(
            "it is not JSON with the fields of a wallet card (line {}, column {})",
            error.line(),
            error.column()
        ))
    };
    let head: Head = serde_json::from_slice(text).map_err(place)?;
    if head.format > FORMAT {
        return Err(Unreadable::Newer(head.format));
    }
    let written: Written = serde_json::from_slice(text).map_err(place)?;
    if written.format != FORMAT {
        return Err(Unreadable::Damaged(format!("format {} is not known", written.format)));
    }
    let found = sum_of(&written.card).map_err(|_| Unreadable::Damaged("it cannot be summed".into()))?;
    if found != written.check_sum {
        return Err(Unreadable::Damaged("its check sum does not agree".into()));
    }
    written.card.image().map_err(|field| Unreadable::Damaged(format!("{field} is not what it must be")))
}

fn sum_of(card: &Card) -> io::Result<String> {
    let mut text = Zeroizing::new(Vec::with_capacity(FILE_LENGTH_MAX as usize));
    serde_json::to_writer(&mut *text, card)?;
    Ok(format!("{:08x}", check_sum(&text)))
}

fn bytes<const N: usize>(text: &str, field: &'static str) -> Result<[u8; N], &'static str> {
    let mut bytes = [0; N];
    hex::decode_to_slice(text, &mut bytes).map_err(|_| field)?;
    Ok(bytes)
}

impl WrittenKey {
    fn of(key: &PurseKey) -> Self {
        // What the module says of the secure element: this is the one place the keys are written to.
        Self(Zeroizing::new(hex::encode(key.expose_to_key_store())))
    }

    fn key(&self, field: &'static str) -> Result<PurseKey, &'static str> {
        let mut key = bytes(&self.0, field)?;
        let read = PurseKey::from_bytes(key);
        key.zeroize();
        Ok(read)
    }
}

impl WrittenProof {
    fn of(proof: &Proof) -> Self {
        Self { before: proof.before, code: hex::encode(proof.code.0), tac: hex::encode(proof.tac.0) }
    }

    fn proof(&self, field: &'static str) -> Result<Proof, &'static str> {
        let code = |text: &str| bytes(text, field).map(PurseCode);
        Ok(Proof { before: self.before, code: code(&self.code)?, tac: code(&self.tac)? })
    }
}

fn records(written: &[String], field: &'static str) -> Result<Vec<LogRecord>, &'static str> {
    if written.len() > LOG_RECORDS {
        return Err(field);
    }
    written
        .iter()
        .map(|text| {
            let record: [u8; LogRecord::LENGTH] = bytes(text, field)?;
            LogRecord::parse(&record).map_err(|_| field)
        })
        .collect()
}

/// Words and values, both ways.
fn word<T: Copy + PartialEq>(words: &[(&'static str, T)], value: T) -> String {
    words.iter().find(|(_, known)| *known == value).map_or_else(String::new, |(word, _)| (*word).to_owned())
}

fn value<T: Copy>(words: &[(&str, T)], word: &str, field: &'static str) -> Result<T, &'static str> {
    words.iter().find(|(known, _)| *known == word).map(|(_, value)| *value).ok_or(field)
}

const PURSES: [(&str, PurseType); 2] = [("purse", PurseType::Purse), ("deposit", PurseType::Deposit)];
const PROOF_NUMBERS: [(&str, ProofNumber); 2] =
    [("after", ProofNumber::After), ("before", ProofNumber::Before)];
const BLOCKINGS: [(&str, Blocking); 3] =
    [("open", Blocking::Open), ("blocked", Blocking::Blocked), ("locked", Blocking::Locked)];

impl Card {
    fn of(image: &WalletImage) -> Self {
        let (profile, keys, memory) = (&image.profile, &image.keys, &image.memory);
        let log = |records: &[LogRecord]| records.iter().map(|r| hex::encode(r.to_bytes())).collect();
        Self {
            aid: hex::encode(&image.aid),
            file_id: hex::encode(image.file_id.to_be_bytes()),
            purse: word(&PURSES, profile.purse),
            proof_number: word(&PROOF_NUMBERS, profile.proof_number),
            balance_max: profile.balance_max.0,
            pin_for_load: profile.pin_for_load,
            purchase_log: profile.purchase_log,
            load_log: profile.load_log,
            key_sets: keys.sets.iter().map(WrittenSet::of).collect(),
            tac_key: WrittenKey::of(&keys.tac),
            maintenance_key: WrittenKey::of(&keys.maintenance),
            external_key: WrittenKey::of(&keys.external),
            pin: keys.pin.as_ref().map(|pin| Zeroizing::new(hex::encode(pin.expose_to_medium()))),
            public_data: hex::encode(memory.public_data),
            holder_data: hex::encode(memory.holder_data),
            balance: memory.balance.0,
            online: memory.online.0,
            offline: memory.offline,
            loads: log(&memory.loads),
            purchases: log(&memory.purchases),
            load_proof: memory.load_proof.as_ref().map(WrittenProof::of),
            purchase_proof: memory.purchase_proof.as_ref().map(WrittenProof::of),
            pin_tries_left: memory.pin_tries_left,
            external_tries_left: memory.external_tries_left,
            wrong_load_codes: memory.wrong_load_codes,
            wrong_maintenance_codes: memory.wrong_maintenance_codes,
            blocking: word(&BLOCKINGS, memory.blocking),
        }
    }

    fn image(&self) -> Result<WalletImage, &'static str> {
        let aid = hex::decode(&self.aid).ok().filter(|aid| (5..=16).contains(&aid.len()));
        let pin = |text: &Zeroizing<String>| -> Result<StoredPin, &'static str> {
            let digits = Zeroizing::new(bytes::<6>(text, "pin")?);
            StoredPin::new(&*digits).ok_or("pin")
        };
        let proof = |written: &Option<WrittenProof>, field| {
            written.as_ref().map(|proof| proof.proof(field)).transpose()
        };
        Ok(WalletImage {
            aid: aid.ok_or("aid")?,
            file_id: u16::from_be_bytes(bytes(&self.file_id, "file_id")?),
            profile: CardProfile {
                purse: value(&PURSES, &self.purse, "purse")?,
                proof_number: value(&PROOF_NUMBERS, &self.proof_number, "proof_number")?,
                balance_max: Fen(self.balance_max),
                pin_for_load: self.pin_for_load,
                purchase_log: self.purchase_log,
                load_log: self.load_log,
            },
            keys: WalletKeys {
                sets: self.key_sets.iter().map(WrittenSet::set).collect::<Result<_, _>>()?,
                tac: self.tac_key.key("tac_key")?,
                maintenance: self.maintenance_key.key("maintenance_key")?,
                external: self.external_key.key("external_key")?,
                pin: self.pin.as_ref().map(pin).transpose()?,
            },
            memory: WalletMemory {
                public_data: bytes(&self.public_data, "public_data")?,
                holder_data: bytes(&self.holder_data, "holder_data")?,
                balance: Fen(self.balance),
                online: OnlineCounter(self.online),
                offline: self.offline,
                loads: records(&self.loads, "loads")?,
                purchases: records(&self.purchases, "purchases")?,
                load_proof: proof(&self.load_proof, "load_proof")?,
                purchase_proof: proof(&self.purchase_proof, "purchase_proof")?,
                pin_tries_left: self.pin_tries_left,
                external_tries_left: self.external_tries_left,
                wrong_load_codes: self.wrong_load_codes,
                wrong_maintenance_codes: self.wrong_maintenance_codes,
                blocking: value(&BLOCKINGS, &self.blocking, "blocking")?,
            },
        })
    }
}

impl WrittenSet {
    fn of(set: &KeySet) -> Self {
        Self {
            index: set.index,
            version: set.version,
            load: WrittenKey::of(&set.load),
            purchase: WrittenKey::of(&set.purchase),
        }
    }

    fn set(&self) -> Result<KeySet, &'static str> {
        Ok(KeySet {
            index: self.index,
            version: self.version,
            load: self.load.key("key_sets")?,
            purchase: self.purchase.key("key_sets")?,
        })
    }
}
