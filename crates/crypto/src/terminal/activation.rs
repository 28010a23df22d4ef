//! The one-time code by which a terminal is given its master key.

use core::fmt;
use core::str::FromStr;

use aes_kw::{KeyInit, KwAes128};
use model::TerminalId;
use subtle::ConstantTimeEq;

use super::derivation::derive;
use super::master::TerminalMasterKey;
use crate::WrapError;

secret!(
    /// What an operator reads to whoever installs a terminal: 128 bits, written as 26 characters of base 32
    /// (RFC 4648). `Display` writes it out, for that one reading; `Debug` does not.
    ActivationSecret,
    16
);

/// A text is not an activation code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an activation code has 26 letters and digits, without 0, 1, 8 and 9; read it again")]
pub struct ActivationCodeError;

/// A terminal's master key wrapped under its activation code: 24 bytes that anybody may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WrappedTerminalMaster(pub [u8; 24]);

const ALPHABET: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// The last character has two bits more than the secret; they are zero, so that a secret has one spelling.
const SPARE_BITS: u32 = 2;

impl ActivationSecret {
    /// Characters of a code.
    pub const CODE_LENGTH: usize = 26;

    fn wrapping(&self, terminal: TerminalId) -> KwAes128 {
        KwAes128::new(&derive(&self.0, b"CFTA", &[&terminal.0]).into())
    }

    /// Wraps a terminal's master key under this code (RFC 3394, 16 bytes in, 24 out).
    pub fn wrap(
        &self,
        terminal: TerminalId,
        master: &TerminalMasterKey,
    ) -> Result<WrappedTerminalMaster, WrapError> {
        let mut out = [0; 24];
        self.wrapping(terminal).wrap_key(&master.0, &mut out).map_err(|_| WrapError)?;
        Ok(WrappedTerminalMaster(out))
    }

    /// Unwraps a master key; refuses one that is another terminal's, was changed, or wrapped under another code.
    pub fn unwrap(
        &self,
        terminal: TerminalId,
        wrapped: &WrappedTerminalMaster,
    ) -> Result<TerminalMasterKey, WrapError> {
        let mut master = TerminalMasterKey([0; 16]);
        self.wrapping(terminal).unwrap_key(&wrapped.0, &mut master.0).map_err(|_| WrapError)?;
        Ok(master)
    }

    /// What proves the code and cannot be turned back into it: all that the bank keeps of it.
    pub fn claim(&self) -> [u8; 16] {
        derive(&self.0, b"CFTC", &[])
    }
}

impl FromStr for ActivationSecret {
    type Err = ActivationCodeError;

    /// Reads a code in either case; spaces and `-` between characters are nothing.
    fn from_str(text: &str) -> Result<Self, ActivationCodeError> {
        let (mut value, mut count) = (zeroize::Zeroizing::new(0_u128), 0);
        for byte in text.bytes().filter(|byte| !matches!(byte, b' ' | b'-')) {
            let letter = byte.to_ascii_uppercase();
            let digit = match letter {
                b'A'..=b'Z' => letter - b'A',
                b'2'..=b'7' => letter - b'2' + 26,
                _ => return Err(ActivationCodeError),
            };
            count += 1;
            if count < Self::CODE_LENGTH {
                *value = *value << 5 | u128::from(digit);
            } else if count == Self::CODE_LENGTH && digit.trailing_zeros() >= SPARE_BITS {
                *value = *value << (5 - SPARE_BITS) | u128::from(digit >> SPARE_BITS);
            } else {
                return Err(ActivationCodeError);
            }
        }
        if count == Self::CODE_LENGTH { Ok(Self(value.to_be_bytes())) } else { Err(ActivationCodeError) }
    }
}

impl fmt::Display for ActivationSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let value = zeroize::Zeroizing::new(u128::from_be_bytes(self.0));
        for index in 0..Self::CODE_LENGTH {
            let digit = match 123_usize.checked_sub(5 * index) {
                Some(shift) => *value >> shift & 0x1f,
                None => *value << SPARE_BITS & 0x1f,
            };
            let letter = usize::try_from(digit).ok().and_then(|digit| ALPHABET.get(digit));
            fmt::Write::write_char(f, char::from(*letter.unwrap_or(&b'A')))?;
        }
        Ok(())
    }
}

impl PartialEq for ActivationSecret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use std::string::{String, ToString};

    fn code() -> ActivationSecret {
        ActivationSecret::from_bytes(core::array::from_fn(|i| 16 + i as u8))
    }

    #[test]
    fn a_code_is_base_32_and_reads_back_as_people_type_it() {
        // Python's `base64.b32encode`, without padding.
        assert_eq!(code().to_string(), "CAIREEYUCULBOGAZDINRYHI6D4");
        for typed in [
            "CAIREEYUCULBOGAZDINRYHI6D4",
            "caireeyuculbogazdinryhi6d4",
            " CAIRE-EYUCU-LBOGA-ZDINR-YHI6-D4 ",
            "CaIr EeYu CuLb OgAz DiNr YhI6 D4",
        ] {
            assert!(typed.parse() == Ok(code()), "{typed}");
        }
        for byte in [0x00, 0x7f, 0xff] {
            let secret = ActivationSecret::from_bytes([byte; 16]);
            assert!(secret.to_string().parse() == Ok(secret));
        }
    }

    #[test]
    fn a_code_has_one_spelling_and_no_other_characters() {
        for wrong in [
            "",
            "CAIREEYUCULBOGAZDINRYHI6D",
            "CAIREEYUCULBOGAZDINRYHI6D44",
            "CAIREEYUCULBOGAZDINRYHI6D4======",
            "CAIREEYUCULBOGAZDINRYHI6D5",
            "CAIREEYUCULBOGAZDINRYHI6D7",
            "0AIREEYUCULBOGAZDINRYHI6D4",
            "1AIREEYUCULBOGAZDINRYHI6D4",
            "8AIREEYUCULBOGAZDINRYHI6D4",
            "CAIREEYUCULBOGAZDINRYHI6D\u{ff14}",
        ] {
            assert!(wrong.parse::<ActivationSecret>() == Err(ActivationCodeError), "{wrong}");
        }
        let long: String = core::iter::repeat_n('A', 10_000).collect();
        assert!(long.parse::<ActivationSecret>().is_err());
    }
}
