//! 验证码: the proof in a frame.

use core::fmt;
use subtle::ConstantTimeEq;

/// The last 8 bytes of a frame. Compared in constant time; shown in no log.
#[derive(Clone, Copy)]
pub struct VerificationCode([u8; Self::LENGTH]);

impl VerificationCode {
    /// Length on the air.
    pub const LENGTH: usize = 8;

    /// The code as it came from the air.
    pub const fn from_bytes(bytes: [u8; Self::LENGTH]) -> Self {
        Self(bytes)
    }

    /// The code as it goes on the air.
    pub const fn to_bytes(self) -> [u8; Self::LENGTH] {
        self.0
    }
}

impl PartialEq for VerificationCode {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for VerificationCode {}

impl fmt::Debug for VerificationCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[code]")
    }
}
