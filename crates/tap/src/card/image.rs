//! What a wallet card is made of: what its maker wrote once, and the memory that its commands change.
//!
//! For: the shell that keeps it. Plain values; the shell chooses the form in which they lie on its medium.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use crypto::{PurseCode, PurseKey, PurseKind};
use model::{Asn, Fen, OnlineCounter};
use subtle::ConstantTimeEq;
use zeroize::{Zeroize, ZeroizeOnDrop};

use super::{WRONG_AUTHENTICATIONS_MAX, WRONG_PINS_MAX};
use crate::message::LogRecord;
use crate::pack::ProofNumber;

/// How many records a log keeps; the oldest makes place.
pub const LOG_RECORDS: usize = 10;

/// A whole card: clone it to look at it, write it down to keep it.
#[derive(Clone, Debug)]
pub struct WalletImage {
    /// The application's name, 5 to 16 bytes.
    pub aid: Vec<u8>,
    /// The application's file identifier under the root.
    pub file_id: u16,
    /// What varies from city to city.
    pub profile: CardProfile,
    /// The card's own keys.
    pub keys: WalletKeys,
    /// What commands change.
    pub memory: WalletMemory,
}

impl WalletImage {
    /// A card as its maker hands it out: empty, not activated, profile of [`CardProfile::default`].
    pub fn new(aid: &[u8], asn: Asn, keys: WalletKeys) -> Self {
        Self {
            aid: aid.to_vec(),
            file_id: 0x1001,
            profile: CardProfile::default(),
            keys,
            memory: WalletMemory::new(asn),
        }
    }
}

/// Which purse the application holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PurseType {
    /// 电子存折.
    Deposit,
    /// 电子钱包.
    Purse,
}

impl PurseType {
    /// Its number in P2.
    pub const fn number(self) -> u8 {
        match self {
            Self::Deposit => 1,
            Self::Purse => 2,
        }
    }

    /// The type of its loads.
    pub const fn load(self) -> PurseKind {
        match self {
            Self::Deposit => PurseKind::DepositLoad,
            Self::Purse => PurseKind::PurseLoad,
        }
    }

    /// The type of its purchases.
    pub const fn purchase(self) -> PurseKind {
        match self {
            Self::Deposit => PurseKind::DepositPurchase,
            Self::Purse => PurseKind::PursePurchase,
        }
    }
}

/// What varies from city to city.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CardProfile {
    /// Which purse it holds.
    pub purse: PurseType,
    /// Which number GET TRANSACTION PROVE takes; it takes no other.
    pub proof_number: ProofNumber,
    /// The most that the purse may hold.
    pub balance_max: Fen,
    /// Whether a load wants the card's PIN first; a card without a PIN is then never loaded.
    pub pin_for_load: bool,
    /// Short identifier of the purchases' log.
    pub purchase_log: u8,
    /// Short identifier of the loads' log.
    pub load_log: u8,
}

impl Default for CardProfile {
    fn default() -> Self {
        Self {
            purse: PurseType::Purse,
            proof_number: ProofNumber::After,
            balance_max: Fen(100_000),
            pin_for_load: false,
            purchase_log: 0x18,
            load_log: 0x1a,
        }
    }
}

/// The keys of one index.
#[derive(Clone, Debug)]
pub struct KeySet {
    /// Index, 1 to 5.
    pub index: u8,
    /// Version, told by INITIALIZE.
    pub version: u8,
    /// For loads (DLK).
    pub load: PurseKey,
    /// For purchases (DPK).
    pub purchase: PurseKey,
}

/// A card's keys, diversified for its ASN already.
#[derive(Clone, Debug)]
pub struct WalletKeys {
    /// By index.
    pub sets: Vec<KeySet>,
    /// For TACs (DTK).
    pub tac: PurseKey,
    /// For secure messaging: update, block, unblock (DAMK).
    pub maintenance: PurseKey,
    /// For external authentication, key 0.
    pub external: PurseKey,
    /// The card's own PIN, if it has one.
    pub pin: Option<StoredPin>,
}

impl WalletKeys {
    /// Index 1, version 0, external authentication under the maintenance key, and no PIN.
    pub fn new(load: PurseKey, purchase: PurseKey, tac: PurseKey, maintenance: PurseKey) -> Self {
        let external = maintenance.clone();
        Self {
            sets: vec![KeySet { index: 1, version: 0, load, purchase }],
            tac,
            maintenance,
            external,
            pin: None,
        }
    }
}

/// A PIN in BCD, padded with `F`.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct StoredPin([u8; 6]);

impl StoredPin {
    /// The PIN in the data field of VERIFY: 2 to 6 bytes of digits, then `F` to the end.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        let mut whole = [0xff; 6];
        whole.get_mut(..bytes.len()).filter(|_| bytes.len() >= 2)?.copy_from_slice(bytes);
        let pin = Self(whole);
        let digits = pin.nibbles().take_while(|nibble| *nibble <= 9).count();
        let padded = pin.nibbles().skip(digits).all(|nibble| nibble == 0x0f);
        (digits >= 4 && padded).then_some(pin)
    }

    fn nibbles(&self) -> impl Iterator<Item = u8> + '_ {
        self.0.iter().flat_map(|byte| [byte >> 4, byte & 0x0f])
    }

    /// For the medium of a software card alone: it is where such a card keeps its PIN.
    pub const fn expose_to_medium(&self) -> &[u8; 6] {
        &self.0
    }

    pub(super) fn is(&self, said: &Self) -> bool {
        self.0.ct_eq(&said.0).into()
    }
}

impl fmt::Debug for StoredPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredPin([redacted])")
    }
}

/// Whether the application works.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blocking {
    /// It works.
    Open,
    /// The issuer blocked it, and can unblock it.
    Blocked,
    /// For good.
    Locked,
}

/// What the card keeps of the latest transaction of a sort, for GET TRANSACTION PROVE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The counter before the transaction.
    pub before: u16,
    /// MAC2: of a load as the bank made it, of a purchase as the card did.
    pub code: PurseCode,
    /// The transaction's TAC.
    pub tac: PurseCode,
}

/// Everything durable that commands change. It is replaced as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletMemory {
    /// File 0015.
    pub public_data: [u8; 30],
    /// File 0016.
    pub holder_data: [u8; 55],
    /// What the purse holds.
    pub balance: Fen,
    /// Counts loads.
    pub online: OnlineCounter,
    /// Counts purchases.
    pub offline: u16,
    /// Loads, newest first.
    pub loads: Vec<LogRecord>,
    /// Purchases, newest first.
    pub purchases: Vec<LogRecord>,
    /// Of the latest load.
    pub load_proof: Option<Proof>,
    /// Of the latest purchase.
    pub purchase_proof: Option<Proof>,
    /// How many PINs may still be wrong.
    pub pin_tries_left: u8,
    /// How many external authentications may still be wrong.
    pub external_tries_left: u8,
    /// How many MAC2 in a row were wrong.
    pub wrong_load_codes: u8,
    /// How many codes of secure messaging in a row were wrong.
    pub wrong_maintenance_codes: u8,
    /// Whether the application works.
    pub blocking: Blocking,
}

impl WalletMemory {
    const ASN: usize = 10;
    const START_DATE: usize = 20;

    /// An empty purse that is not activated.
    pub fn new(asn: Asn) -> Self {
        let mut public_data = [0; 30];
        // Application type (a purse alone) and version.
        public_data[8] = 0x01;
        public_data[9] = 0x01;
        public_data[Self::ASN..Self::START_DATE].copy_from_slice(&asn.to_bytes());
        Self {
            public_data,
            holder_data: [0; 55],
            balance: Fen(0),
            online: OnlineCounter(0),
            offline: 0,
            loads: Vec::new(),
            purchases: Vec::new(),
            load_proof: None,
            purchase_proof: None,
            pin_tries_left: WRONG_PINS_MAX,
            external_tries_left: WRONG_AUTHENTICATIONS_MAX,
            wrong_load_codes: 0,
            wrong_maintenance_codes: 0,
            blocking: Blocking::Open,
        }
    }

    /// The serial number in file 0015; `None` where the bank wrote none.
    pub fn asn(&self) -> Option<Asn> {
        self.public_data.get(Self::ASN..)?.first_chunk::<10>().and_then(|bytes| Asn::new(*bytes).ok())
    }

    /// Writes the issuer's id, the first 8 bytes of file 0015.
    pub fn set_issuer(&mut self, issuer: [u8; 8]) {
        self.public_data.iter_mut().zip(issuer).for_each(|(byte, id)| *byte = id);
    }

    /// Writes start and end of validity, BCD `YYYYMMDD` each, as the bank's activation does.
    pub fn set_validity(&mut self, start: [u8; 4], end: [u8; 4]) {
        let dates = start.into_iter().chain(end);
        self.public_data[Self::START_DATE..].iter_mut().zip(dates).for_each(|(byte, date)| *byte = date);
    }

    /// Whether a start date is written.
    pub fn is_activated(&self) -> bool {
        self.public_data[Self::START_DATE..Self::START_DATE + 4] != [0; 4]
    }

    pub(super) fn log(records: &mut Vec<LogRecord>, record: LogRecord) {
        records.insert(0, record);
        records.truncate(LOG_RECORDS);
    }
}
