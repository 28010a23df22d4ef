//! What a unit of work can see and change of wallet cards and terminals.
//!
//! For: keeping [`Reading`](crate::Reading) and [`Unit`](crate::Unit) readable; both include these.
//! Refuses: the rules of a load (`payment::load`) and the order of a transaction's steps (`server`). What is
//! guarded here holds when everything above fails: one unfinished load a card, one load a counter, an ended
//! load that never changes, an attempt that never changes.
//! Next: [`crate::rows`] for the values.

use model::{Asn, Fen, OnlineCounter, TerminalId, UnixMillis};
use payment::{LoadId, LoadState};

use crate::StoreError;
use crate::rows::{
    BankCard, LoadAttempt, LoadCount, OutgoingSms, SmsCode, StoredLoad, StoredTerminal, TapAuthorization,
    Wallet, WorkingKey,
};

type Found<T> = Result<Option<T>, StoreError>;
type Listed<T> = Result<Vec<T>, StoreError>;

/// What can be read of wallet cards and terminals.
pub trait TapReading {
    /// A terminal.
    fn terminal(&self, id: TerminalId) -> Found<StoredTerminal>;
    /// Terminals above a number, by number.
    fn terminals_after(&self, after: Option<TerminalId>, limit: u32) -> Listed<StoredTerminal>;
    /// A terminal's working key.
    fn working_key(&self, terminal: TerminalId, key_id: u32) -> Found<WorkingKey>;
    /// A bank card.
    fn bank_card(&self, number: &str) -> Found<BankCard>;
    /// A wallet card.
    fn wallet(&self, asn: Asn) -> Found<Wallet>;
    /// Wallet cards above a serial number, by serial number.
    fn wallets_after(&self, after: Option<Asn>, limit: u32) -> Listed<Wallet>;
    /// A load.
    fn load(&self, id: LoadId) -> Found<StoredLoad>;
    /// The load of a card and counter; one that was given back to its holder does not count.
    fn load_of(&self, asn: Asn, counter: OnlineCounter) -> Found<StoredLoad>;
    /// The load of a card that has not ended.
    fn unfinished_load(&self, asn: Asn) -> Found<StoredLoad>;
    /// Loads, newest first, below a cursor; of one state or of all.
    fn loads_before(
        &self,
        state: Option<LoadState>,
        before: Option<LoadId>,
        limit: u32,
    ) -> Listed<StoredLoad>;
    /// What a card was loaded with since a moment, without what was given back. More than a purse can say is
    /// the most that a purse can say.
    fn loaded_since(&self, asn: Asn, since: UnixMillis) -> Result<Fen, StoreError>;
    /// How many loads are in each state, in the order of [`LoadState::ALL`].
    fn load_counts(&self) -> Listed<LoadCount>;
    /// How many loads are open, and how many in doubt: cheap, however many have ended.
    fn unfinished_loads(&self) -> Result<[u64; 2], StoreError>;
    /// A load's attempts, newest first.
    fn attempts(&self, load: LoadId) -> Listed<LoadAttempt>;
    /// What was authorized under a reference.
    fn tap_authorization(&self, reference: [u8; 16]) -> Found<TapAuthorization>;
    /// An SMS code.
    fn sms_code(&self, reference: [u8; 16]) -> Found<SmsCode>;
    /// The newest SMS code of a card.
    fn newest_sms_code(&self, asn: Asn) -> Found<SmsCode>;
    /// How many SMS codes a card has had since a moment.
    fn sms_codes_since(&self, asn: Asn, since: UnixMillis) -> Result<u32, StoreError>;
    /// SMS whose turn has come, the longest due first; those too, that are too late to be of use.
    fn due_sms(&self, now: UnixMillis, limit: u32) -> Listed<OutgoingSms>;
    /// Whether an alarm of this kind and subject was raised since a moment.
    fn has_alarm_since(&self, kind: &str, subject: &str, since: UnixMillis) -> Result<bool, StoreError>;
}

/// What can be changed of wallet cards and terminals. `put_` changes exactly one row, or answers
/// [`StoreError::Malformed`] with its table.
pub trait TapUnit {
    /// Adds a terminal.
    fn add_terminal(&mut self, terminal: &StoredTerminal) -> Result<(), StoreError>;
    /// Keeps everything about a terminal but when it was registered. Key id and the master key's version only
    /// rise: a key that comes back would bring its sequences and nonces with it.
    fn put_terminal(&mut self, terminal: &StoredTerminal) -> Result<(), StoreError>;
    /// Adds a working key of a terminal that is there.
    fn add_working_key(&mut self, key: &WorkingKey) -> Result<(), StoreError>;
    /// Keeps a working key's mark and end. Its end only comes nearer.
    fn put_working_key(&mut self, key: &WorkingKey) -> Result<(), StoreError>;
    /// Forgets working keys that ended before a moment; how many.
    fn forget_working_keys_before(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError>;
    /// Adds a bank card of a holder that is there.
    fn add_bank_card(&mut self, card: &BankCard) -> Result<(), StoreError>;
    /// Keeps a bank card's phone, PIN reference, tries, and whether it is frozen. Its holder stays.
    fn put_bank_card(&mut self, card: &BankCard) -> Result<(), StoreError>;
    /// Adds a wallet card of a bank card that is there.
    fn add_wallet(&mut self, wallet: &Wallet) -> Result<(), StoreError>;
    /// Keeps a wallet card's state, bank card, counter and activation. The counter only rises, and what is withdrawn stays so.
    fn put_wallet(&mut self, wallet: &Wallet) -> Result<(), StoreError>;
    /// Adds a load: the first of its card's counter, while no other of the card is unfinished.
    fn add_load(&mut self, load: &StoredLoad) -> Result<(), StoreError>;
    /// Keeps the state, time, note, evidence and proven attempt of a load that has not ended.
    fn put_load(&mut self, load: &StoredLoad) -> Result<(), StoreError>;
    /// Adds an attempt, which nothing changes any more.
    fn add_attempt(&mut self, attempt: &LoadAttempt) -> Result<(), StoreError>;
    /// Adds an authorization.
    fn add_tap_authorization(&mut self, authorization: &TapAuthorization) -> Result<(), StoreError>;
    /// Keeps the load that used an authorization up. No other load uses it.
    fn put_tap_authorization(&mut self, authorization: &TapAuthorization) -> Result<(), StoreError>;
    /// Forgets authorizations that ended before a moment; how many.
    fn forget_tap_authorizations_before(&mut self, before: UnixMillis, limit: u32)
    -> Result<u32, StoreError>;
    /// Adds an SMS code.
    fn add_sms_code(&mut self, code: &SmsCode) -> Result<(), StoreError>;
    /// Keeps the tries and state of an SMS code that waits. Its tries only become fewer.
    fn put_sms_code(&mut self, code: &SmsCode) -> Result<(), StoreError>;
    /// Forgets SMS codes that ended before a moment; how many.
    fn forget_sms_codes_before(&mut self, before: UnixMillis, limit: u32) -> Result<u32, StoreError>;
    /// Adds an SMS to be sent, whatever its id says; the id that it got.
    fn add_sms(&mut self, sms: &OutgoingSms) -> Result<i64, StoreError>;
    /// Keeps how often an SMS was tried and when it is tried next.
    fn put_sms_attempt(&mut self, id: i64, next_at: UnixMillis, attempts: u32) -> Result<(), StoreError>;
    /// Takes an attempt of a text that is due: moves it to `until`, if nobody has touched it since; whether it did.
    fn take_sms_attempt(
        &mut self,
        sms: &OutgoingSms,
        now: UnixMillis,
        until: UnixMillis,
    ) -> Result<bool, StoreError>;
    /// Forgets an SMS that was sent or is too late; nothing where it is forgotten already.
    fn delete_sms(&mut self, id: i64) -> Result<(), StoreError>;
}
