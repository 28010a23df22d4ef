//! Recovery codes: eight of 80 bits, each good once in the place of a one-time code.

use std::fmt;

use data_encoding::BASE32_NOPAD;
use sha2::{Digest as _, Sha256};
use zeroize::{Zeroize, ZeroizeOnDrop};

/// A recovery code. Only its digest is kept: 80 random bits need no slow hash.
#[derive(Clone, Zeroize, ZeroizeOnDrop)]
pub struct RecoveryCode([u8; Self::LENGTH]);

impl RecoveryCode {
    /// How many an operator is given.
    pub const COUNT: usize = 8;
    /// Bytes of one.
    pub const LENGTH: usize = 10;

    /// A code of bytes that were drawn for it.
    pub const fn new(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// Reads what was typed: 16 letters and digits in any case, with or without `-` and spaces.
    pub fn read(text: &str) -> Option<Self> {
        let kept = text.bytes().filter(|byte| !matches!(byte, b'-' | b' '));
        let plain: Vec<u8> = kept.map(|byte| byte.to_ascii_uppercase()).collect();
        let bytes = BASE32_NOPAD.decode(&plain).ok()?;
        Some(Self(bytes.try_into().ok()?))
    }

    /// What it is for people: `ABCD-EFGH-IJKL-MNOP`. Shown once.
    pub fn shown(&self) -> String {
        let plain = BASE32_NOPAD.encode(&self.0);
        let parts: Vec<&str> = [0, 4, 8, 12].iter().filter_map(|from| plain.get(*from..from + 4)).collect();
        parts.join("-")
    }

    /// What is kept of it: SHA-256 over a domain string and the bytes.
    pub fn digest(&self) -> [u8; 32] {
        Sha256::new().chain_update(b"counterfoil recovery code v1").chain_update(self.0).finalize().into()
    }
}

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RecoveryCode([redacted])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_as_it_is_shown_and_as_people_type_it() {
        let code = RecoveryCode::new([0xa5, 1, 2, 3, 4, 5, 6, 7, 8, 0xff]);
        let shown = code.shown();
        assert_eq!(shown.len(), 19);
        for typed in [shown.clone(), shown.to_lowercase(), shown.replace('-', ""), shown.replace('-', " ")] {
            assert_eq!(RecoveryCode::read(&typed).unwrap().digest(), code.digest(), "{typed}");
        }
        for bad in ["", "ABCD", "ABCD-EFGH-IJKL-MNO1", "ABCD-EFGH-IJKL-MNOP-A"] {
            assert!(RecoveryCode::read(bad).is_none(), "{bad}");
        }
        assert_eq!(format!("{code:?}"), "RecoveryCode([redacted])");
    }
}
