//! The contract of a key store with the bank's servers of wallet cards: operations, never keys.
//!
//! The names follow AWS Payment Cryptography where it has them. Its back ends are those of [`crate::KeyStore`].

use model::{Asn, PurseTime, TerminalId};

use crate::{
    ActivationSecret, CheckValue, KeyName, KeyStoreError, LoadReceipt, LoadRequest, Pin, PinBlock,
    PinReference, PurseCode, TerminalSuite, WrappedPurseKey, WrappedTerminalMaster, WrappedWorkingKeys,
};

/// What is done with the masters of purse keys. The card's key is derived for each call and forgotten.
pub trait PurseKeys: Send + Sync {
    /// Compares the MAC1 of a card's request, under the master of load keys. [`KeyStoreError::WrongCode`] where
    /// it is not that of this card and request.
    fn verify_load_request(
        &self,
        master: KeyName,
        asn: Asn,
        request: &LoadRequest,
        mac1: PurseCode,
    ) -> Result<(), KeyStoreError>;

    /// Makes the MAC2 that lets the card take the load of its request, under the master of load keys.
    ///
    /// It is money. The caller has compared the request's MAC1 and stored what it does.
    fn load_order_code(
        &self,
        master: KeyName,
        asn: Asn,
        request: &LoadRequest,
        when: PurseTime,
    ) -> Result<PurseCode, KeyStoreError>;

    /// Compares the TAC of a load that a card took, under the master of TAC keys.
    /// [`KeyStoreError::WrongCode`] where it is not that of this card and receipt.
    fn verify_load_receipt(
        &self,
        master: KeyName,
        asn: Asn,
        receipt: &LoadReceipt,
        tac: PurseCode,
    ) -> Result<(), KeyStoreError>;

    /// Makes the MAC of a command of secure messaging, under the master of maintenance keys. The header's last
    /// byte counts the MAC too.
    fn protect_command(
        &self,
        master: KeyName,
        asn: Asn,
        challenge: [u8; 4],
        header: [u8; 5],
        data: &[u8],
    ) -> Result<PurseCode, KeyStoreError>;

    /// Returns a card's key of the master's use wrapped for whoever personalises the card, with its check value.
    fn inject_purse_key(
        &self,
        master: KeyName,
        asn: Asn,
        transport: KeyName,
    ) -> Result<(WrappedPurseKey, CheckValue), KeyStoreError>;
}

/// Names the key of one terminal's messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TerminalKeyReference {
    /// The root it comes from.
    pub root: KeyName,
    /// Whose key.
    pub terminal: TerminalId,
    /// Which enrolment of the terminal: of its master key.
    pub master_version: u8,
    /// Which working key; 0 is the master message key, which is always of [`TerminalSuite::Aes128Gcm`].
    pub key_id: u32,
    /// What the terminal's working keys are used with.
    pub suite: TerminalSuite,
}

/// What is done with the root of terminals' keys. What comes from it is derived for each call and forgotten.
pub trait TerminalKeys: Send + Sync {
    /// Returns a terminal's master key wrapped under its activation code, with its check value.
    fn wrap_terminal_master(
        &self,
        root: KeyName,
        terminal: TerminalId,
        version: u8,
        secret: &ActivationSecret,
    ) -> Result<(WrappedTerminalMaster, CheckValue), KeyStoreError>;

    /// Returns working keys wrapped under the terminal's master key, with the check value of the message key.
    /// There are none of key id 0: [`KeyStoreError::NoSuchKey`].
    fn wrap_working_keys(
        &self,
        key: &TerminalKeyReference,
    ) -> Result<(WrappedWorkingKeys, CheckValue), KeyStoreError>;

    /// Encrypts an answer to a terminal in place and appends its tag.
    fn seal_message(
        &self,
        key: &TerminalKeyReference,
        header: &[u8; 20],
        nonce: &[u8],
        text: &mut alloc::vec::Vec<u8>,
    ) -> Result<(), KeyStoreError>;

    /// Compares the tag of a terminal's message, and only then decrypts it in place and takes the tag off.
    /// [`KeyStoreError::WrongCode`] where it does not agree, or where this is no message at all.
    fn open_message(
        &self,
        key: &TerminalKeyReference,
        header: &[u8; 20],
        nonce: &[u8],
        text: &mut alloc::vec::Vec<u8>,
    ) -> Result<(), KeyStoreError>;
}

/// What is done with PINs. Nobody outside sees one that a terminal sent.
pub trait PinKeys: Send + Sync {
    /// Opens a PIN block that is good for this wallet card, and compares the PIN with the reference of a bank
    /// card's number. [`KeyStoreError::WrongCode`] where they disagree or the block does not open, which is not
    /// told apart. Key id 0 has no PIN key: [`KeyStoreError::NoSuchKey`].
    fn verify_pin(
        &self,
        key: &TerminalKeyReference,
        block: &PinBlock,
        asn: Asn,
        verification: KeyName,
        account: &str,
        reference: &PinReference,
    ) -> Result<(), KeyStoreError>;

    /// The reference of a PIN, for a bank card that is new or has a new PIN.
    fn pin_reference(
        &self,
        verification: KeyName,
        account: &str,
        pin: &Pin,
    ) -> Result<PinReference, KeyStoreError>;
}

/// All that the bank's servers of wallet cards need of a key store.
pub trait BankKeys: PurseKeys + TerminalKeys + PinKeys {}

impl<T: PurseKeys + TerminalKeys + PinKeys + ?Sized> BankKeys for T {}
