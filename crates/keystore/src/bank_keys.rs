//! The key store's contract with the bank's servers of wallet cards, done with the sealed file's contents.
//!
//! As in `card_keys` the snapshot is held through each operation; what is derived from a master lives as long.

use crypto::{
    ActivationSecret, CheckValue, Direction, KeyName, KeyStoreError, LoadOrder, LoadReceipt, LoadRequest,
    MessageError, MessageKey, Pin, PinBlock, PinKeys, PinReference, PurseCode, PurseKeys,
    TerminalKeyReference, TerminalKeys, WrappedPurseKey, WrappedTerminalMaster, WrappedWorkingKeys,
};
use model::{Asn, PurseTime, TerminalId};

use crate::contents::Contents;
use crate::sealed_file::SealedFile;
use crate::state::Operation;

/// Compared in constant time by the code's own type.
fn agrees(expected: PurseCode, found: PurseCode) -> Result<(), KeyStoreError> {
    if expected == found { Ok(()) } else { Err(KeyStoreError::WrongCode) }
}

impl PurseKeys for SealedFile {
    fn verify_load_request(
        &self,
        master: KeyName,
        asn: Asn,
        request: &LoadRequest,
        mac1: PurseCode,
    ) -> Result<(), KeyStoreError> {
        let contents = self.contents();
        let key = contents.purse(master, Operation::WorkLoad)?.diversify(asn);
        agrees(key.load_session(request.random, request.counter).load_mac1(request), mac1)
    }

    fn load_order_code(
        &self,
        master: KeyName,
        asn: Asn,
        request: &LoadRequest,
        when: PurseTime,
    ) -> Result<PurseCode, KeyStoreError> {
        let contents = self.contents();
        let key = contents.purse(master, Operation::WorkLoad)?.diversify(asn);
        let LoadRequest { amount, kind, terminal, .. } = *request;
        let order = LoadOrder { amount, kind, terminal, when };
        Ok(key.load_session(request.random, request.counter).load_mac2(&order))
    }

    fn verify_load_receipt(
        &self,
        master: KeyName,
        asn: Asn,
        receipt: &LoadReceipt,
        tac: PurseCode,
    ) -> Result<(), KeyStoreError> {
        let contents = self.contents();
        let key = contents.purse(master, Operation::ProveLoad)?.diversify(asn);
        agrees(key.load_tac(receipt), tac)
    }

    fn protect_command(
        &self,
        master: KeyName,
        asn: Asn,
        challenge: [u8; 4],
        header: [u8; 5],
        data: &[u8],
    ) -> Result<PurseCode, KeyStoreError> {
        let contents = self.contents();
        let key = contents.purse(master, Operation::ProtectCommand)?.diversify(asn);
        Ok(key.secure_message(challenge, header, data))
    }

    /// Writes nothing: the key is derived again for each operation. It can be repeated, and gives the same.
    fn inject_purse_key(
        &self,
        master: KeyName,
        asn: Asn,
        transport: KeyName,
    ) -> Result<(WrappedPurseKey, CheckValue), KeyStoreError> {
        let contents = self.contents();
        let key = contents.purse(master, Operation::InjectPurseKey)?.diversify(asn);
        let transport = contents.transport(transport, Operation::WrapCardKey)?;
        let wrapped = transport.wrap_purse_key(&key).map_err(|_| KeyStoreError::WrappedKeyRefused)?;
        Ok((wrapped, key.check_value()))
    }
}

/// The working keys' id that there is none of: it names the master message key.
const MASTER_KEY_ID: u32 = 0;

impl Contents {
    fn message_key(&self, key: &TerminalKeyReference) -> Result<MessageKey, KeyStoreError> {
        let root = self.terminal_root(key.root, Operation::ServeTerminal)?;
        Ok(match key.key_id {
            MASTER_KEY_ID => root.master_key(key.terminal, key.master_version).message_key(),
            working => root.working_keys(key.terminal, working).message_key(key.suite),
        })
    }
}

impl TerminalKeys for SealedFile {
    /// Writes nothing, as all that comes from a root.
    fn wrap_terminal_master(
        &self,
        root: KeyName,
        terminal: TerminalId,
        version: u8,
        secret: &ActivationSecret,
    ) -> Result<(WrappedTerminalMaster, CheckValue), KeyStoreError> {
        let contents = self.contents();
        let master = contents.terminal_root(root, Operation::EnrolTerminal)?.master_key(terminal, version);
        let wrapped = secret.wrap(terminal, &master).map_err(|_| KeyStoreError::WrappedKeyRefused)?;
        Ok((wrapped, master.check_value()))
    }

    fn wrap_working_keys(
        &self,
        key: &TerminalKeyReference,
    ) -> Result<(WrappedWorkingKeys, CheckValue), KeyStoreError> {
        let contents = self.contents();
        let root = contents.terminal_root(key.root, Operation::ServeTerminal)?;
        if key.key_id == MASTER_KEY_ID {
            return Err(KeyStoreError::NoSuchKey);
        }
        let master = root.master_key(key.terminal, key.master_version);
        let working = root.working_keys(key.terminal, key.key_id);
        let wrapped = master.wrapping().wrap_keys(&working).map_err(|_| KeyStoreError::WrappedKeyRefused)?;
        Ok((wrapped, working.check_value()))
    }

    fn seal_message(
        &self,
        key: &TerminalKeyReference,
        header: &[u8; 20],
        nonce: &[u8],
        text: &mut Vec<u8>,
    ) -> Result<(), KeyStoreError> {
        let contents = self.contents();
        let sealed = contents.message_key(key)?.seal(Direction::ToTerminal, header, nonce, text);
        sealed.map_err(|error| match error {
            MessageError::SuiteNotBuilt => KeyStoreError::SuiteNotBuilt,
            MessageError::Malformed | MessageError::WrongCode => {
                // Whoever calls chose the nonce; the operator finds in the log that it went wrong.
                tracing::error!(%error, "a message to a terminal was not sealed");
                KeyStoreError::Unavailable
            }
        })
    }

    fn open_message(
        &self,
        key: &TerminalKeyReference,
        header: &[u8; 20],
        nonce: &[u8],
        text: &mut Vec<u8>,
    ) -> Result<(), KeyStoreError> {
        let contents = self.contents();
        let opened = contents.message_key(key)?.open(Direction::ToBank, header, nonce, text);
        opened.map_err(|error| match error {
            MessageError::SuiteNotBuilt => KeyStoreError::SuiteNotBuilt,
            MessageError::Malformed | MessageError::WrongCode => KeyStoreError::WrongCode,
        })
    }
}

impl PinKeys for SealedFile {
    fn verify_pin(
        &self,
        key: &TerminalKeyReference,
        block: &PinBlock,
        asn: Asn,
        verification: KeyName,
        account: &str,
        reference: &PinReference,
    ) -> Result<(), KeyStoreError> {
        let contents = self.contents();
        let root = contents.terminal_root(key.root, Operation::ServeTerminal)?;
        let verification = contents.pin_verification(verification, Operation::VerifyPin)?;
        if key.key_id == MASTER_KEY_ID {
            return Err(KeyStoreError::NoSuchKey);
        }
        let pin_key = root.working_keys(key.terminal, key.key_id).pin_key();
        let pin = pin_key.open(block, asn).map_err(|_| KeyStoreError::WrongCode)?;
        if verification.reference(account, &pin) == *reference {
            Ok(())
        } else {
            Err(KeyStoreError::WrongCode)
        }
    }

    fn pin_reference(
        &self,
        verification: KeyName,
        account: &str,
        pin: &Pin,
    ) -> Result<PinReference, KeyStoreError> {
        let contents = self.contents();
        Ok(contents.pin_verification(verification, Operation::MakePinReference)?.reference(account, pin))
    }
}
