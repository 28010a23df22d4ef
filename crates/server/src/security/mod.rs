//! 银行安全服务器: enrols terminals, gives and renews their keys, sends SMS codes.
//!
//! For: what `docs/protocol/tap.md` sections 5 and 6 give a terminal before it talks to [`crate::bank`], on a
//! listener of its own: [`Security::register_terminal`] for the operator, [`Security::activate`] once,
//! [`Security::ask`] from then on, [`Gateway`] for the text that carries a code.
//! Refuses: deciding about money and cards (see [`crate::bank`]), keys (operations of `crypto::BankKeys` only), and
//! knowing an activation code or an SMS code after it left: digests are kept.
//! Next: [`Security`], then `terminal` for a terminal's life and `ask` for the rest.

mod activation;
mod ask;
mod code;
mod error;
mod gateway;
pub mod http;
mod sms;
mod terminal;
mod working_key;

use std::sync::Arc;

use tokio::sync::Notify;

use crate::bank::Bank;

pub use activation::{Activated, ActivationRequest};
pub use error::{ActivationRefused, GatewayError, RegisterError, RevokeError};
pub use gateway::{Gateway, SmsGateway};
pub use sms::SmsDelivery;

/// The security server. Cheap to clone.
#[derive(Clone)]
pub struct Security {
    inner: Arc<Inner>,
}

struct Inner {
    bank: Bank,
    pack_signers: Vec<[u8; 32]>,
    /// Told when an SMS is queued, so that it leaves at once.
    queued: Notify,
}

impl Security {
    /// The security server of a bank. `pack_signers` are the public keys whose driver packs terminals may take.
    pub fn new(bank: Bank, pack_signers: Vec<[u8; 32]>) -> Self {
        Self { inner: Arc::new(Inner { bank, pack_signers, queued: Notify::new() }) }
    }

    /// The bank that it works for.
    pub fn bank(&self) -> &Bank {
        &self.inner.bank
    }
}
