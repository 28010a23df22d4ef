//! Which algorithms a card speaks. The suite belongs to the card for its life.

/// A suite of the air protocol, three bits of a frame's first byte; each cuts its tag to 8 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Suite {
    /// AES-128-EAX (Bellare, Rogaway, Wagner 2004). The default: one key encrypts and makes the code, and
    /// the code is compared before anything is decrypted.
    Aes128Eax = 1,
    /// SM4-EAX (GB/T 32907 in EAX). Its tables make it not constant-time: see SECURITY.md.
    Sm4Eax = 2,
    /// AES-128-CCM with a 13-byte nonce (SP 800-38C, RFC 3610). No plaintext leaves before the code agrees.
    Aes128Ccm = 4,
}

/// A suite number that this build does not speak (3, Ascon-AEAD128, is reserved and not built).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("suite {0} is not supported")]
pub struct UnsupportedSuite(pub u8);

impl Suite {
    /// The suite of a number 0 to 7.
    pub const fn from_number(number: u8) -> Result<Self, UnsupportedSuite> {
        match number {
            1 => Ok(Self::Aes128Eax),
            2 => Ok(Self::Sm4Eax),
            4 => Ok(Self::Aes128Ccm),
            other => Err(UnsupportedSuite(other)),
        }
    }

    /// The number as frames carry it.
    pub const fn number(self) -> u8 {
        self as u8
    }
}
