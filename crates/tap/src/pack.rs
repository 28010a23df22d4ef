//! What a driver must know of one industry's wallet: the values of a driver pack.
//!
//! For: one driver that serves many industries, each by data and none by code.
//! Refuses: files and signatures: a pack is opened and checked by the crate `packs`.
//! Next: [`crate::driver::Driver`].

use alloc::string::String;
use alloc::vec::Vec;

use crypto::PurseKind;
use model::{Fen, IndustryCode};

/// What an industry's wallet is like, and what a terminal offers for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DriverPack {
    /// 行业应用编码.
    pub code: IndustryCode,
    /// Rises with each change of the pack; messages carry it, so that the bank knows who read the card.
    pub version: u16,
    /// What people call the industry.
    pub names: Names,
    /// The icon's name; a face that does not know it shows none.
    pub icon: String,
    /// The name that SELECT gives, 5 to 16 bytes.
    pub aid: Vec<u8>,
    /// What a load is on this card: of the deposit (1) or of the purse (2).
    pub load_kind: PurseKind,
    /// The load key that INITIALIZE names.
    pub key_index: u8,
    /// Short identifier of the file with the newest transactions.
    pub log_file: u8,
    /// Short identifier of the file with the newest loads; the same where the card has no other.
    pub load_log_file: u8,
    /// Which number the bank asks GET TRANSACTION PROVE for first.
    pub proof_number: ProofNumber,
    /// Whether the card wants its own PIN before INITIALIZE.
    pub card_pin: bool,
    /// The most that one load may bring.
    pub per_load_max: Fen,
    /// The most that a card may hold.
    pub balance_max: Fen,
    /// What a face offers at one touch, in rising order.
    pub amounts: Vec<Fen>,
}

/// An industry's name in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// In English.
    pub en: String,
    /// In Chinese.
    pub zh: String,
}

/// Which number a card wants in GET TRANSACTION PROVE. Cards differ, so the bank asks with both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProofNumber {
    /// The counter before the load, which is what the TAC covers.
    Before,
    /// The counter after it, which most terminals send.
    After,
}

impl DriverPack {
    /// The driver that reads packs of this kind: the electronic purse of JR/T 0025.
    pub const DRIVER: &'static str = "pboc-ep";
    /// The format of packs that this build knows.
    pub const FORMAT: u16 = 1;

    /// Whether one load may be of this amount, as far as the pack says; the bank may allow less.
    pub fn allows(&self, amount: Fen) -> bool {
        amount > Fen(0) && amount <= self.per_load_max
    }

    /// Whether a card with this balance may be loaded with this amount, as far as the pack says.
    pub fn leaves_room(&self, balance: Fen, amount: Fen) -> bool {
        balance.plus(amount).is_some_and(|sum| sum <= self.balance_max)
    }
}
