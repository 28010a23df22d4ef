//! 银行后台交易服务器: what the bank decides about wallet cards.
//!
//! For: answering a terminal's message (`docs/protocol/tap.md`) with the next one, durably: the sequence, the
//! money and the attempt are kept in one unit of work, and only then an answer leaves.
//! Refuses: keys (operations of [`BankKeys`] only), HTTP (see [`http`]), terminals' keys and SMS codes (see
//! [`crate::security`]), rules of a load ([`payment::Load`]).
//! Next: [`Bank::answer`], then `load` and `finish`; `settle` and `reversal` for what persons decide.

mod activate;
mod authorize;
mod balance;
mod envelope;
mod finish;
pub mod http;
mod load;
mod reply;
mod reversal;
mod settle;
mod sms_code;
mod wallet;

use std::sync::Arc;

use crypto::{BankKeys, KeyName, PurseKind};
use model::IndustryCode;
use packs::{Industries, Product};
use tap::DriverPack;

use crate::App;

pub use envelope::Refused;
pub(crate) use envelope::may_talk;
pub use reversal::ReverseError;
pub use settle::{Found, SettleError};
pub(crate) use sms_code::digest as sms_digest;
pub use wallet::{BankCardError, IssueWalletError, IssuedWallet, NewBankCard, NewWallet};

/// Every limit of the tap rail, in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BankRules {
    /// How long an authorization waits for its card, in milliseconds.
    pub authorization_millis: i64,
    /// Wrong PINs until a bank card is blocked.
    pub pin_tries: u8,
    /// Wrong codes until an SMS code is blocked.
    pub sms_tries: u8,
    /// How long an SMS code is good, in milliseconds.
    pub sms_millis: i64,
    /// The least time between two SMS codes of one card, in milliseconds.
    pub sms_pause_millis: i64,
    /// SMS codes of one card in an hour.
    pub sms_per_hour: u32,
    /// How long a working key is good, in milliseconds.
    pub key_millis: i64,
    /// Under this remaining time a working key must be renewed, in milliseconds.
    pub key_renew_millis: i64,
    /// How long the key before the newest stays good, in milliseconds.
    pub key_overlap_millis: i64,
    /// How long a terminal's activation code is good, in milliseconds.
    pub activation_millis: i64,
    /// Wrong activation codes until it ends.
    pub activation_tries: u8,
    /// Attempts to write one load; after these a person decides.
    pub attempts_max: usize,
}

impl Default for BankRules {
    fn default() -> Self {
        const SECOND: i64 = 1_000;
        const MINUTE: i64 = 60 * SECOND;
        const HOUR: i64 = 60 * MINUTE;
        Self {
            authorization_millis: 5 * MINUTE,
            pin_tries: 3,
            sms_tries: 3,
            sms_millis: 5 * MINUTE,
            sms_pause_millis: MINUTE,
            sms_per_hour: 5,
            key_millis: 12 * HOUR,
            key_renew_millis: 15 * MINUTE,
            key_overlap_millis: 10 * MINUTE,
            activation_millis: 24 * HOUR,
            activation_tries: 3,
            attempts_max: 64,
        }
    }
}

/// The names of the bank's own keys in the key store; a product's purse keys are named by the product.
#[derive(Clone, Copy, Debug)]
pub struct BankKeyNames {
    /// Derives terminals' keys.
    pub terminal_root: KeyName,
    /// Verifies bank cards' PINs.
    pub pin_verification: KeyName,
    /// Wraps purse keys on their way into a wallet card.
    pub transport: KeyName,
}

/// The bank. Cheap to clone.
#[derive(Clone)]
pub struct Bank {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) app: App,
    pub(crate) keys: Arc<dyn BankKeys>,
    pub(crate) names: BankKeyNames,
    pub(crate) industries: Arc<Industries>,
    pub(crate) rules: BankRules,
}

impl Bank {
    /// Joins the parts.
    pub fn new(
        app: App,
        keys: Arc<dyn BankKeys>,
        names: BankKeyNames,
        industries: Arc<Industries>,
        rules: BankRules,
    ) -> Self {
        Self { inner: Arc::new(Inner { app, keys, names, industries, rules }) }
    }

    /// The platform it stands on: store, clock, metrics.
    pub fn app(&self) -> &App {
        &self.inner.app
    }

    /// The limits.
    pub fn rules(&self) -> &BankRules {
        &self.inner.rules
    }

    /// The industries it serves.
    pub fn industries(&self) -> &Arc<Industries> {
        &self.inner.industries
    }

    /// The bank's side of an industry. This version loads purses only: one whose pack loads the deposit is not
    /// served, so that no change of a pack can lead a load's rescue to another purse.
    pub(crate) fn product(&self, code: IndustryCode) -> Option<Product> {
        let industry = self.inner.industries.get(code)?;
        (industry.pack.load_kind == PurseKind::PurseLoad).then(|| industry.product.clone())
    }

    /// The terminal's side of an industry.
    fn pack(&self, code: IndustryCode) -> Option<Arc<DriverPack>> {
        self.inner.industries.get(code).map(|industry| industry.pack.clone())
    }
}
