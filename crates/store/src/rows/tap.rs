//! What is stored of wallet cards and terminals, as values.
//!
//! For: the rows behind `docs/protocol/tap.md`. Refuses: deciding about them (see `payment::load` and
//! `server`). Next: [`mod@crate::tap`] for what is done with them.

use std::fmt;

use crypto::{PinReference, PurseCode, TerminalSuite};
use model::{Asn, Fen, HolderReference, IndustryCode, OnlineCounter, PurseTime, TerminalId, UnixMillis};
use payment::{Load, LoadId, LoadState};
use tap::SequenceMark;

/// Where a terminal stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TerminalState {
    /// It waits for its activation code.
    Registered,
    /// It has its master key.
    Active,
    /// It was reported lost.
    Revoked,
}

impl TerminalState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Registered, Self::Active, Self::Revoked];

    /// The word for tables and pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registered => "registered",
            Self::Active => "active",
            Self::Revoked => "revoked",
        }
    }

    /// The state of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A terminal's one-time activation code: never the code, only its digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Activation {
    /// Digest of the code.
    pub digest: [u8; 32],
    /// Until when it is good.
    pub expires_at: UnixMillis,
    /// Wrong codes until it ends.
    pub tries_left: u8,
}

/// A terminal as the bank keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredTerminal {
    /// Its number.
    pub id: TerminalId,
    /// What the console calls it.
    pub name: String,
    /// Where it stands.
    pub state: TerminalState,
    /// How its envelopes are sealed.
    pub suite: TerminalSuite,
    /// The version of its master key.
    pub master_version: u8,
    /// The activation code that it waits for.
    pub activation: Option<Activation>,
    /// The newest working key that was given to it; zero before the first.
    pub key_id: u32,
    /// Sequences seen under key id 0.
    pub mark: SequenceMark,
    /// When it last asked for anything.
    pub heard_at: Option<UnixMillis>,
    /// When it was registered.
    pub created_at: UnixMillis,
}

/// A working key that was given to a terminal: never the key, only its name and its time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkingKey {
    /// Whose.
    pub terminal: TerminalId,
    /// Which.
    pub key_id: u32,
    /// When it was given.
    pub issued_at: UnixMillis,
    /// Until when it is good.
    pub expires_at: UnixMillis,
    /// Sequences seen under it.
    pub mark: SequenceMark,
}

/// A bank card: where the money of loads comes from.
#[derive(Clone, PartialEq, Eq)]
pub struct BankCard {
    /// Its number, 12 to 19 digits.
    pub number: String,
    /// Whose.
    pub holder: HolderReference,
    /// Where SMS codes go.
    pub phone: String,
    /// What its PIN is compared with, in the key store.
    pub pin_reference: PinReference,
    /// Wrong PINs until it is blocked.
    pub tries_left: u8,
    /// Whether it pays for nothing.
    pub frozen: bool,
}

impl fmt::Debug for BankCard {
    /// Without number and phone: what is logged names nobody.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BankCard")
            .field("holder", &self.holder)
            .field("tries_left", &self.tries_left)
            .field("frozen", &self.frozen)
            .finish_non_exhaustive()
    }
}

/// Where a wallet card stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WalletState {
    /// It was issued and not activated.
    Issued,
    /// It can be loaded.
    Active,
    /// It can not.
    Frozen,
    /// It can not, for ever: a load of it was given back.
    Withdrawn,
}

impl WalletState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Issued, Self::Active, Self::Frozen, Self::Withdrawn];

    /// The word for tables and pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Active => "active",
            Self::Frozen => "frozen",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// Whether a load may begin or go on: whether a MAC2 may leave for it.
    pub const fn may_be_loaded(self) -> bool {
        match self {
            Self::Issued | Self::Active => true,
            Self::Frozen | Self::Withdrawn => false,
        }
    }

    /// The state of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// A wallet card as the bank keeps it.
#[derive(Clone, PartialEq, Eq)]
pub struct Wallet {
    /// Its serial number.
    pub asn: Asn,
    /// Which business it serves.
    pub industry: IndustryCode,
    /// Where it stands.
    pub state: WalletState,
    /// The number of the bank card that pays for it.
    pub bank_card: String,
    /// The highest counter that the card proved.
    pub counter: OnlineCounter,
    /// When it was issued.
    pub issued_at: UnixMillis,
    /// When it was activated.
    pub activated_at: Option<UnixMillis>,
}

impl fmt::Debug for Wallet {
    /// Without the bank card's number.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wallet")
            .field("asn", &self.asn)
            .field("industry", &self.industry)
            .field("state", &self.state)
            .field("counter", &self.counter)
            .field("issued_at", &self.issued_at)
            .field("activated_at", &self.activated_at)
            .finish_non_exhaustive()
    }
}

/// A load with what only the bank and its pages need.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredLoad {
    /// The load.
    pub load: Load,
    /// Whose money it is.
    pub holder: HolderReference,
    /// The authorization that it was begun under.
    pub authorization: [u8; 16],
    /// The terminal that began it.
    pub terminal: TerminalId,
    /// When its state last changed.
    pub updated_at: UnixMillis,
    /// Why it came into doubt, and what a person wrote about it: a line each, the newest last.
    pub note: Option<String>,
    /// What the card's log said, for whoever settles it; empty while nobody needs it.
    pub evidence: Vec<u8>,
    /// The number of the attempt that the card proved.
    pub proven: Option<u16>,
}

/// How many loads are in a state, and what they amount to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoadCount {
    /// Which state.
    pub state: LoadState,
    /// How many.
    pub count: u64,
    /// Fen together.
    pub fen: u64,
}

/// One order to the card that left or may have left, with what its TAC is checked against.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadAttempt {
    /// Of which load.
    pub load: LoadId,
    /// Counts up from one.
    pub number: u16,
    /// The terminal's number in the card's MAC1.
    pub terminal: TerminalId,
    /// The card's random number.
    pub random: [u8; 4],
    /// The card's balance before it.
    pub balance: Fen,
    /// The moment in the order.
    pub when: PurseTime,
    /// MAC2.
    pub mac2: PurseCode,
}

/// What was authorized before the card is in the field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TapAuthorization {
    /// Its random name.
    pub reference: [u8; 16],
    /// For which terminal.
    pub terminal: TerminalId,
    /// For which card.
    pub asn: Asn,
    /// For which transaction: its number in messages.
    pub transaction: u8,
    /// For which amount.
    pub amount: Option<Fen>,
    /// Until when it waits for its card.
    pub expires_at: UnixMillis,
    /// The load that used it up.
    pub used_by: Option<LoadId>,
}

/// Where an SMS code stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SmsState {
    /// It may be used.
    Waiting,
    /// It was.
    Used,
    /// A newer one took its place.
    Ended,
}

impl SmsState {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Used, Self::Ended];

    /// The word for tables.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Used => "used",
            Self::Ended => "ended",
        }
    }

    /// The state of a word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// An SMS code: never the code, only its digest.
#[derive(Clone, PartialEq, Eq)]
pub struct SmsCode {
    /// Its random name.
    pub reference: [u8; 16],
    /// For which terminal.
    pub terminal: TerminalId,
    /// For which card.
    pub asn: Asn,
    /// For which transaction: its number in messages.
    pub transaction: u8,
    /// For which amount.
    pub amount: Option<Fen>,
    /// Digest of reference and code.
    pub digest: [u8; 32],
    /// Wrong codes until it is blocked.
    pub tries_left: u8,
    /// Where it stands.
    pub state: SmsState,
    /// When it was drawn.
    pub created_at: UnixMillis,
    /// Until when it is good.
    pub expires_at: UnixMillis,
}

impl fmt::Debug for SmsCode {
    /// Without reference and digest: from both, six digits are soon found.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsCode")
            .field("terminal", &self.terminal)
            .field("asn", &self.asn)
            .field("transaction", &self.transaction)
            .field("amount", &self.amount)
            .field("tries_left", &self.tries_left)
            .field("state", &self.state)
            .field("created_at", &self.created_at)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}

/// An SMS that waits to be sent.
#[derive(Clone, PartialEq, Eq)]
pub struct OutgoingSms {
    /// Given when it is added; rises over all.
    pub id: i64,
    /// Where it goes.
    pub phone: String,
    /// What it says: a code, in clear, until it is sent.
    pub text: String,
    /// When it is tried next.
    pub next_at: UnixMillis,
    /// How often it was tried.
    pub attempts: u32,
    /// After this it is of no use to anybody.
    pub expires_at: UnixMillis,
}

impl fmt::Debug for OutgoingSms {
    /// Without phone and text.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OutgoingSms")
            .field("id", &self.id)
            .field("next_at", &self.next_at)
            .field("attempts", &self.attempts)
            .field("expires_at", &self.expires_at)
            .finish_non_exhaustive()
    }
}
