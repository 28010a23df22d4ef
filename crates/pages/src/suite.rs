//! How a terminal's messages are encrypted.

/// A cipher suite of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Suite {
    /// Suite 1.
    Aes128Gcm,
    /// Suite 2.
    Sm4Gcm,
    /// Suite 3, for interoperation only.
    DesCbc,
    /// Suite 4, for interoperation only.
    TripleDesCbc,
}

impl Suite {
    /// The suite of this number in an envelope.
    pub fn from_number(number: u8) -> Option<Suite> {
        match number {
            1 => Some(Suite::Aes128Gcm),
            2 => Some(Suite::Sm4Gcm),
            3 => Some(Suite::DesCbc),
            4 => Some(Suite::TripleDesCbc),
            _ => None,
        }
    }

    /// Its name, the same in every language.
    pub fn name(self) -> &'static str {
        match self {
            Suite::Aes128Gcm => "AES-128-GCM",
            Suite::Sm4Gcm => "SM4-GCM",
            Suite::DesCbc => "DES-CBC",
            Suite::TripleDesCbc => "3DES-CBC",
        }
    }

    /// Whether it is known to be weak: pages say so in words.
    pub fn is_legacy(self) -> bool {
        match self {
            Suite::Aes128Gcm | Suite::Sm4Gcm => false,
            Suite::DesCbc | Suite::TripleDesCbc => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Suite;

    #[test]
    fn the_old_suites_are_marked() {
        let legacy = |number| Suite::from_number(number).map(Suite::is_legacy);
        assert_eq!([1, 2, 3, 4, 5].map(legacy), [Some(false), Some(false), Some(true), Some(true), None]);
    }
}
