//! The mobile terminal (移动终端): readers, the line to the bank, sealed keys, and the loop around a card.
//!
//! For: [`enrol`] once, with the code that an operator read; then [`Terminal::open`] and [`Terminal::run`] with an
//! [`AttachedReader`]. It seals every message to the bank under a working key that it renews in time, waits for
//! cards and readers no longer than [`Waits`] says, and repeats what a card said until the bank has heard it.
//! Refuses: deciding about money: what it means that an answer did not come is the driver's word (`tap`), and a
//! refusal in clear is never an outcome. Servers that the enrolment does not trust; TLS below 1.3; driver packs of
//! strangers (`packs`); two processes on one folder. It keeps no PIN, no code and no message, but for reports.
//! Next: [`Terminal`], [`face`] for its pages, then `run` for what happens around a card, `line` for what is sent again and why, `keys` for
//! the life of working keys, `state` for what is kept, the crate `sealed` for its file's form.
//!
//! # Limits
//! 3 s until a connection stands ([`CONNECT_LIMIT`]), 10 s for an exchange ([`EXCHANGE_LIMIT`]), 30 s for a card, 3 s
//! for a reader that answers nothing, 1,000 reports that wait ([`REPORTS_MAX`]).

mod attached;
mod client;
mod clock;
mod enrol;
mod error;
pub mod face;
mod folder;
mod keys;
mod line;
mod opening;
#[cfg(feature = "pcsc")]
mod pcsc;
mod progress;
mod reports;
mod run;
mod state;
mod terminal;
mod url;

pub use attached::AttachedReader;
pub use client::{CONNECT_LIMIT, EXCHANGE_LIMIT};
pub use clock::CLOCK_WRONG_MILLIS;
pub use enrol::{EnrolRequest, Enrolled, enrol, is_enrolled};
pub use error::{
    BankError, CertificateFault, EnrolError, Refusal, ServerError, SmsError, StateError, TrustError,
};
pub use opening::{Asked, Ending, Opening};
#[cfg(feature = "pcsc")]
pub use pcsc::{PcscReader, list_readers};
pub use progress::{Events, Progress, Stage, Watcher};
pub use reports::REPORTS_MAX;
pub use run::Waits;
pub use sealed::{Cost, Damage, Passphrase, PassphraseError};
pub use terminal::{Condition, SmsSent, Terminal};
pub use url::{ServerUrl, ServerUrlError};
