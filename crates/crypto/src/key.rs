//! Keys and how one comes from another. All are zeroised when dropped and print `[redacted]`.

use core::fmt;

use aes::{Aes128, Aes256};
use cmac::{Cmac, KeyInit, Mac};
use model::{CardId, ChannelId, KeyVersion, TimeFactor};
use sm4::Sm4;
use subtle::ConstantTimeEq;

use crate::Suite;

/// A key or other secret of so many bytes. For all modules of this crate: hence the whole paths.
macro_rules! secret {
    ($(#[$doc:meta])* $name:ident, $length:literal) => {
        $(#[$doc])*
        #[derive(Clone, zeroize::Zeroize, zeroize::ZeroizeOnDrop)]
        pub struct $name(pub(crate) [u8; $length]);

        impl $name {
            /// Length in bytes.
            pub const LENGTH: usize = $length;

            /// The key of these bytes; the caller zeroises its own copy.
            pub const fn from_bytes(bytes: [u8; $length]) -> Self {
                Self(bytes)
            }
        }

        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.write_str(concat!(stringify!($name), "([redacted])"))
            }
        }
    };
}

secret!(
    /// The symmetric key in one card's secure element and in the issuer's key store (S0).
    CardKey,
    16
);
secret!(
    /// 过程密钥: the key of one frame.
    ProcessKey,
    16
);
secret!(
    /// Derives card keys and does nothing else.
    IssuerMasterKey,
    16
);
secret!(
    /// Wraps card keys on their way into a secure element and does nothing else (AES-256).
    TransportKey,
    32
);

macro_rules! kept_by_a_key_store {
    ($($name:ident),*) => {$(
        impl $name {
            /// The key's bytes. For back ends of [`crate::KeyStore`] only, to seal the key at rest: nobody
            /// else has a reason to call it, and a copy made of it is zeroised by whoever made it.
            pub const fn expose_to_key_store(&self) -> &[u8; Self::LENGTH] {
                &self.0
            }
        }
    )*};
}

kept_by_a_key_store!(CardKey, IssuerMasterKey, TransportKey);

/// The first 3 bytes of the CMAC of a zero block (of a DES key: of a zero block encrypted): says that two ends
/// hold the same key, and no more.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct CheckValue(pub [u8; 3]);

impl fmt::Display for CheckValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

impl fmt::Debug for CheckValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

pub(crate) fn aes_cmac(key: &[u8; 16], message: &[u8]) -> [u8; 16] {
    Cmac::<Aes128>::new(&(*key).into()).chain_update(message).finalize().into_bytes().into()
}

fn sm4_cmac(key: &[u8; 16], message: &[u8]) -> [u8; 16] {
    Cmac::<Sm4>::new(&(*key).into()).chain_update(message).finalize().into_bytes().into()
}

impl IssuerMasterKey {
    /// Derives a card's key: SP 800-108r1 counter mode, one block, PRF AES-CMAC, over
    /// `01 "CFK1" 00 card id (4) key version (1) suite (1) 0080`.
    pub fn card_key(&self, card_id: CardId, version: KeyVersion, suite: Suite) -> CardKey {
        let mut input = [0; 14];
        input[0] = 1;
        input[1..5].copy_from_slice(b"CFK1");
        input[6..10].copy_from_slice(&card_id.0.to_be_bytes());
        input[10] = version.get();
        input[11] = suite.number();
        input[13] = 0x80;
        CardKey(aes_cmac(&self.0, &input))
    }

    /// The key's check value.
    pub fn check_value(&self) -> CheckValue {
        check_value(&self.0)
    }
}

pub(crate) fn check_value(key: &[u8; 16]) -> CheckValue {
    let [a, b, c, ..] = aes_cmac(key, &[0; 16]);
    CheckValue([a, b, c])
}

impl CardKey {
    /// Derives the process key of one frame: SP 800-108r1 counter mode, one block of output, PRF CMAC over
    /// the suite's block cipher, over the 32 bytes of section 3 of `docs/protocol/air.md`.
    pub fn process_key(&self, frame: &Derivation) -> ProcessKey {
        let mut input = [0; 32];
        input[0] = 1;
        input[1..5].copy_from_slice(b"CFA1");
        input[5] = frame.kind;
        input[6] = frame.suite.number();
        input[8..17].copy_from_slice(&frame.channel.to_bytes());
        input[17..21].copy_from_slice(&frame.card_id.0.to_be_bytes());
        input[21] = frame.key_version.get();
        // The factor is six bytes here: two zeros stand before its four.
        input[26..30].copy_from_slice(&frame.factor.seconds().to_be_bytes());
        input[31] = 0x80;
        ProcessKey(match frame.suite {
            Suite::Aes128Eax | Suite::Aes128Ccm => aes_cmac(&self.0, &input),
            Suite::Sm4Eax => sm4_cmac(&self.0, &input),
        })
    }

    /// The key's check value.
    pub fn check_value(&self) -> CheckValue {
        check_value(&self.0)
    }
}

/// What enters the derivation of a process key besides the card's key.
#[derive(Clone, Copy, Debug)]
pub struct Derivation {
    /// The frame's kind, 1 to 7: no frame can be passed off as one of another kind.
    pub kind: u8,
    /// The card's suite.
    pub suite: Suite,
    /// The card's channel.
    pub channel: ChannelId,
    /// The card's id.
    pub card_id: CardId,
    /// The version of the card's key.
    pub key_version: KeyVersion,
    /// The frame's time factor.
    pub factor: TimeFactor,
}

impl PartialEq for CardKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl TransportKey {
    /// XORs custodians' components into one key: none of them knows it.
    pub fn from_components<'a>(components: impl IntoIterator<Item = &'a [u8; 32]>) -> Self {
        let mut key = [0; 32];
        for component in components {
            key.iter_mut().zip(component).for_each(|(k, c)| *k ^= c);
        }
        Self(key)
    }

    /// The key's check value: that of AES-256.
    pub fn check_value(&self) -> CheckValue {
        let mac = Cmac::<Aes256>::new(&self.0.into()).chain_update([0; 16]).finalize();
        let [a, b, c, ..]: [u8; 16] = mac.into_bytes().into();
        CheckValue([a, b, c])
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::format;

    #[test]
    fn aes_cmac_is_that_of_rfc_4493() {
        let mut key = [0; 16];
        hex::decode_to_slice("2b7e151628aed2a6abf7158809cf4f3c", &mut key).unwrap();
        for (message, mac) in [
            ("", "bb1d6929e95937287fa37d129b756746"),
            ("6bc1bee22e409f96e93d7e117393172a", "070a16b46b4d4144f79bdd9dd04a287c"),
            (
                "6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e5130c81c46a35ce411",
                "dfa66747de9ae63030ca32611497c827",
            ),
        ] {
            assert_eq!(hex::encode(aes_cmac(&key, &hex::decode(message).unwrap())), mac);
        }
    }

    #[test]
    fn no_key_prints_itself() {
        assert_eq!(format!("{:?}", CardKey::from_bytes([7; 16])), "CardKey([redacted])");
        assert_eq!(format!("{:?}", TransportKey::from_bytes([7; 32])), "TransportKey([redacted])");
    }

    #[test]
    fn each_card_version_and_suite_has_a_key_of_its_own() {
        let master = IssuerMasterKey::from_bytes([1; 16]);
        let first = master.card_key(CardId(1), KeyVersion::FIRST, Suite::Aes128Eax);
        let second = KeyVersion::new(2).unwrap();
        assert!(first == master.card_key(CardId(1), KeyVersion::FIRST, Suite::Aes128Eax));
        assert!(first != master.card_key(CardId(2), KeyVersion::FIRST, Suite::Aes128Eax));
        assert!(first != master.card_key(CardId(1), second, Suite::Aes128Eax));
        assert!(first != master.card_key(CardId(1), KeyVersion::FIRST, Suite::Sm4Eax));
    }

    #[test]
    fn components_make_the_key_together_only() {
        let (a, b) = ([0xaa; 32], [0x0f; 32]);
        assert_eq!(TransportKey::from_components([&a, &b]).0, [0xa5; 32]);
    }
}
