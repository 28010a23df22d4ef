//! A key as everybody may see it.

use std::fmt;

use crypto::{
    CheckValue, DatabaseKey, IssuerMasterKey, KeyName, PinVerificationKey, PurseMasterKey, TerminalRootKey,
    TransportKey,
};
use model::UnixMillis;
use zeroize::Zeroizing;

use crate::state::{KeyState, Operation};

/// The one thing a key is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum KeyUse {
    /// An issuer master key (AES-128): derives card keys.
    DeriveCardKeys = 1,
    /// A transport key (AES-256): wraps card keys and purse keys on their way into a card.
    WrapCardKeys = 2,
    /// A master of wallet cards' load keys (two-key 3DES): proves load requests and orders loads.
    LoadPurses = 3,
    /// A master of wallet cards' TAC keys (two-key 3DES): proves what cards did.
    ProvePurses = 4,
    /// A master of wallet cards' purchase keys (two-key 3DES): gives them to cards and does nothing else here.
    BuyWithPurses = 5,
    /// A master of wallet cards' maintenance keys (two-key 3DES): protects commands that change a card.
    MaintainPurses = 6,
    /// A root of terminals' keys (AES-128).
    DeriveTerminalKeys = 7,
    /// A key that PINs are verified with (AES-128).
    VerifyPins = 8,
    /// A key of a database (AES-256): seals secrets that stand there.
    SealSecrets = 9,
}

impl KeyUse {
    /// All uses, in the order of their numbers.
    pub const ALL: [Self; 9] = [
        Self::DeriveCardKeys,
        Self::WrapCardKeys,
        Self::LoadPurses,
        Self::ProvePurses,
        Self::BuyWithPurses,
        Self::MaintainPurses,
        Self::DeriveTerminalKeys,
        Self::VerifyPins,
        Self::SealSecrets,
    ];

    /// The length of such a key, and of each component of it, in bytes.
    pub const fn key_length(self) -> usize {
        match self {
            Self::DeriveCardKeys => IssuerMasterKey::LENGTH,
            Self::WrapCardKeys => TransportKey::LENGTH,
            Self::LoadPurses | Self::ProvePurses | Self::BuyWithPurses | Self::MaintainPurses => {
                PurseMasterKey::LENGTH
            }
            Self::DeriveTerminalKeys => TerminalRootKey::LENGTH,
            Self::VerifyPins => PinVerificationKey::LENGTH,
            Self::SealSecrets => DatabaseKey::LENGTH,
        }
    }

    /// Whether such a key is a master of wallet cards' keys.
    pub(crate) const fn is_of_purses(self) -> bool {
        match self {
            Self::LoadPurses | Self::ProvePurses | Self::BuyWithPurses | Self::MaintainPurses => true,
            Self::DeriveCardKeys
            | Self::WrapCardKeys
            | Self::DeriveTerminalKeys
            | Self::VerifyPins
            | Self::SealSecrets => false,
        }
    }

    /// Whether such a key is for this operation.
    pub(crate) const fn serves(self, operation: Operation) -> bool {
        match operation {
            Operation::InjectCardKey | Operation::WorkFrame => matches!(self, Self::DeriveCardKeys),
            Operation::WrapCardKey | Operation::UnwrapCardKey => matches!(self, Self::WrapCardKeys),
            Operation::InjectPurseKey => self.is_of_purses(),
            Operation::WorkLoad => matches!(self, Self::LoadPurses),
            Operation::ProveLoad => matches!(self, Self::ProvePurses),
            Operation::ProtectCommand => matches!(self, Self::MaintainPurses),
            Operation::EnrolTerminal | Operation::ServeTerminal => matches!(self, Self::DeriveTerminalKeys),
            Operation::MakePinReference | Operation::VerifyPin => matches!(self, Self::VerifyPins),
            Operation::SealSecret | Operation::OpenSecret => matches!(self, Self::SealSecrets),
        }
    }

    pub(crate) const fn from_number(number: u8) -> Option<Self> {
        match number {
            1 => Some(Self::DeriveCardKeys),
            2 => Some(Self::WrapCardKeys),
            3 => Some(Self::LoadPurses),
            4 => Some(Self::ProvePurses),
            5 => Some(Self::BuyWithPurses),
            6 => Some(Self::MaintainPurses),
            7 => Some(Self::DeriveTerminalKeys),
            8 => Some(Self::VerifyPins),
            9 => Some(Self::SealSecrets),
            _ => None,
        }
    }
}

impl fmt::Display for KeyUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::DeriveCardKeys => "derive card keys",
            Self::WrapCardKeys => "wrap card keys",
            Self::LoadPurses => "load purses",
            Self::ProvePurses => "prove what purses did",
            Self::BuyWithPurses => "buy with purses",
            Self::MaintainPurses => "maintain purses",
            Self::DeriveTerminalKeys => "derive terminal keys",
            Self::VerifyPins => "verify PINs",
            Self::SealSecrets => "seal secrets",
        })
    }
}

/// What may be known of a key by name: all but its bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyRecord {
    /// The name; never used again for another key.
    pub name: KeyName,
    /// What it is for.
    pub key_use: KeyUse,
    /// Where it is in its life.
    pub state: KeyState,
    /// The first 3 bytes of the CMAC of a zero block; of a master of wallet cards, of a zero block under 3DES.
    pub check_value: CheckValue,
    /// When it came into the store.
    pub created: UnixMillis,
}

/// The bytes of a key by name. On the heap, so that moving its record leaves no copy behind.
pub(crate) enum Material {
    Issuer(Box<IssuerMasterKey>),
    Transport(Box<TransportKey>),
    Purse(Box<PurseMasterKey>),
    TerminalRoot(Box<TerminalRootKey>),
    PinVerification(Box<PinVerificationKey>),
    Database(Box<DatabaseKey>),
}

impl Material {
    /// The key of these bytes; `None` where their number is not that of the use.
    pub(crate) fn new(key_use: KeyUse, bytes: &[u8]) -> Option<Self> {
        Some(match key_use {
            KeyUse::DeriveCardKeys => Self::Issuer(boxed(bytes, IssuerMasterKey::from_bytes)?),
            KeyUse::WrapCardKeys => Self::Transport(boxed(bytes, TransportKey::from_bytes)?),
            KeyUse::LoadPurses | KeyUse::ProvePurses | KeyUse::BuyWithPurses | KeyUse::MaintainPurses => {
                Self::Purse(boxed(bytes, PurseMasterKey::from_bytes)?)
            }
            KeyUse::DeriveTerminalKeys => Self::TerminalRoot(boxed(bytes, TerminalRootKey::from_bytes)?),
            KeyUse::VerifyPins => Self::PinVerification(boxed(bytes, PinVerificationKey::from_bytes)?),
            KeyUse::SealSecrets => Self::Database(boxed(bytes, DatabaseKey::from_bytes)?),
        })
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Issuer(key) => key.expose_to_key_store(),
            Self::Transport(key) => key.expose_to_key_store(),
            Self::Purse(key) => key.expose_to_key_store(),
            Self::TerminalRoot(key) => key.expose_to_key_store(),
            Self::PinVerification(key) => key.expose_to_key_store(),
            Self::Database(key) => key.expose_to_key_store(),
        }
    }

    pub(crate) fn check_value(&self) -> CheckValue {
        match self {
            Self::Issuer(key) => key.check_value(),
            Self::Transport(key) => key.check_value(),
            Self::Purse(key) => key.check_value(),
            Self::TerminalRoot(key) => key.check_value(),
            Self::PinVerification(key) => key.check_value(),
            Self::Database(key) => key.check_value(),
        }
    }
}

fn boxed<K, const N: usize>(bytes: &[u8], key: fn([u8; N]) -> K) -> Option<Box<K>> {
    let bytes = Zeroizing::new(<[u8; N]>::try_from(bytes).ok()?);
    Some(Box::new(key(*bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_name_the_uses_of_the_file() {
        for (number, key_use) in (1..).zip(KeyUse::ALL) {
            assert_eq!(key_use as u8, number);
            assert_eq!(KeyUse::from_number(number), Some(key_use));
            assert!(Material::new(key_use, &vec![1; key_use.key_length()]).is_some(), "{key_use}");
            assert!(Material::new(key_use, &vec![1; key_use.key_length() + 1]).is_none(), "{key_use}");
        }
        assert_eq!([0, 10, 255].map(KeyUse::from_number), [None; 3]);
    }

    #[test]
    fn the_table_of_uses_and_operations_is_this_one() {
        use KeyUse as U;
        let table: [(Operation, &[KeyUse]); 14] = [
            (Operation::InjectCardKey, &[U::DeriveCardKeys]),
            (Operation::WorkFrame, &[U::DeriveCardKeys]),
            (Operation::WrapCardKey, &[U::WrapCardKeys]),
            (Operation::UnwrapCardKey, &[U::WrapCardKeys]),
            (
                Operation::InjectPurseKey,
                &[U::LoadPurses, U::ProvePurses, U::BuyWithPurses, U::MaintainPurses],
            ),
            (Operation::WorkLoad, &[U::LoadPurses]),
            (Operation::ProveLoad, &[U::ProvePurses]),
            (Operation::ProtectCommand, &[U::MaintainPurses]),
            (Operation::EnrolTerminal, &[U::DeriveTerminalKeys]),
            (Operation::ServeTerminal, &[U::DeriveTerminalKeys]),
            (Operation::MakePinReference, &[U::VerifyPins]),
            (Operation::VerifyPin, &[U::VerifyPins]),
            (Operation::SealSecret, &[U::SealSecrets]),
            (Operation::OpenSecret, &[U::SealSecrets]),
        ];
        for (operation, served) in table {
            for key_use in KeyUse::ALL {
                assert_eq!(key_use.serves(operation), served.contains(&key_use), "{key_use}, {operation:?}");
            }
        }
    }
}
