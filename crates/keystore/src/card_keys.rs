//! The key store's contract, done with the sealed file's contents.

use crypto::{
    CardKeyReference, CheckValue, FrameCipher, FrameParameters, KeyName, KeyStore, KeyStoreError, OpenError,
    VerificationCode, WrappedCardKey,
};

use crate::error::SealedFileError;
use crate::sealed_file::SealedFile;

impl KeyStore for SealedFile {
    fn seal_frame(
        &self,
        key: &CardKeyReference,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
    ) -> Result<VerificationCode, KeyStoreError> {
        // The snapshot is held through the frame: see the crate's docs.
        let contents = self.contents();
        contents.card_key(key)?.seal(frame, text).map_err(refused)
    }

    fn open_frame(
        &self,
        key: &CardKeyReference,
        frame: &FrameParameters<'_>,
        text: &mut [u8],
        code: &VerificationCode,
    ) -> Result<(), KeyStoreError> {
        let contents = self.contents();
        contents.card_key(key)?.open(frame, text, code).map_err(refused)
    }

    /// Writes nothing: a derived key is derived again for each frame, an imported one is here. It can be
    /// repeated, and gives the same.
    fn inject_card_key(
        &self,
        key: &CardKeyReference,
        transport: KeyName,
    ) -> Result<(WrappedCardKey, CheckValue), KeyStoreError> {
        let contents = self.contents();
        let (card_key, transport) = contents.injection(key, transport)?;
        let wrapped = transport.wrap(&card_key).map_err(|_| KeyStoreError::WrappedKeyRefused)?;
        Ok((wrapped, card_key.check_value()))
    }

    fn import_card_key(
        &self,
        key: &CardKeyReference,
        wrapped: &WrappedCardKey,
        transport: KeyName,
        check: CheckValue,
    ) -> Result<(), KeyStoreError> {
        self.change(|contents| contents.import(key, wrapped, transport, check)).map_err(unavailable)?
    }

    fn card_key_check_value(&self, key: &CardKeyReference) -> Result<CheckValue, KeyStoreError> {
        Ok(self.contents().card_key(key)?.check_value())
    }

    /// Can be repeated: what is destroyed stays so, and nothing is written.
    fn destroy_card_key(&self, key: &CardKeyReference) -> Result<(), KeyStoreError> {
        if self.contents().is_barred(key.card_id, key.version) {
            return Ok(());
        }
        self.change(|contents| contents.bar(key)).map_err(unavailable)?
    }
}

fn refused(error: OpenError) -> KeyStoreError {
    match error {
        OpenError::WrongCode => KeyStoreError::WrongCode,
        OpenError::KeyUnavailable => KeyStoreError::Unavailable,
    }
}

/// The contract has one word for what its caller cannot mend; the operator finds the rest in the log.
fn unavailable(error: SealedFileError) -> KeyStoreError {
    tracing::error!(%error, "the key store file was not changed");
    KeyStoreError::Unavailable
}
